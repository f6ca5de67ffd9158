"""How many operations an inference and an update take by each method, counted while the library's own kernels run.

A product of two real numbers and the sum it goes into is a multiply-accumulate (MAC). A product with a spike, 0 or 1,
needs no multiplier: what is added is an accumulate (AC), and only where the spike fired.
"""
