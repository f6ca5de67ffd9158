"""What a network does: the forward pass, its firing rates, and the equilibrium of rates that depend on themselves."""
