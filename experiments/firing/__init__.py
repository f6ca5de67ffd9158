"""How often neurons fire, layer by layer and time step by time step, in networks that each method has trained."""
