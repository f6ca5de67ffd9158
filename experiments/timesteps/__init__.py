"""Learning with some numbers of time steps, and testing with others."""
