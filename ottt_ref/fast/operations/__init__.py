"""Fast twins of the reference's operations: what they share is their arrays, what differs their kernels."""
