"""How long a training step takes, in this library and in others: the same work, checked before it is timed.

One process, every peer with the same weights, inputs and number of threads, in rounds that alternate between them.
What a step takes off the weights is compared with the reference's gradient; who is wrong is listed, and not timed.
"""
