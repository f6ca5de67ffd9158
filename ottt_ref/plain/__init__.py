"""The methods on a page each: what a lecturer prints.

bptt  ottt  sltt  rtrl  spike_representation

Each page is a whole method for dense networks of LIF neurons with soft reset and a linear readout. It states the
equations and then does what they say, forward pass included, in loops over samples, time steps, layers, neurons and
synapses. A page imports nothing. Every page has the function `gradients`, with the same arguments, and the same code in
the same place: a diff of two pages is the difference of two methods.

Over fractions the pages equal the general methods of this package exactly (claim A1 of `python -m proofs`).

One neuron and a readout, two time steps, over fractions; OTTT's weight meets the trace 1 + 1/2 where SLTT's meets 1:

>>> from fractions import Fraction
>>> from ottt_ref import plain
>>> half, one = Fraction(1, 2), Fraction(1)
>>> for page in (plain.bptt, plain.ottt, plain.sltt):
...     weights, biases = page.gradients(
...         weights=[[[half]], [[one]]], biases=[[0], [0]], inputs=[[one], [one]], targets=[one], decay=half,
...         threshold=one, surrogate_derivative=lambda z: one, output_error=lambda o, y, time_steps: [one],
...     )
...     print(*weights[0][0])
5/2
5/2
2
"""

from . import bptt, ottt, rtrl, sltt, spike_representation

__all__ = ["bptt", "ottt", "rtrl", "sltt", "spike_representation"]
