"""Do the methods' gradients point the same way? Cosines between them, layer by layer, one condition varied at a time.

The paper proves that OTTT descends with SR under an assumption; here is how far they agree, with each other and with
BPTT, on handwritten digits, where the assumption holds and where it does not.
"""
