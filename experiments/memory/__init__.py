"""How much memory training takes, against the number of time steps: OTTT's does not grow, the paper says.

Two measurements. The training state is what Python's tracemalloc counts while a sequence is learned: NumPy's arrays and
Python's objects. The process is how far the resident pages of a fresh one grow: whatever a library allocates, and how.
"""
