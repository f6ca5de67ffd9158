"""The methods on a page each: what a lecturer prints.

bptt  ottt  sltt  rtrl  spike_representation

Each page is a whole method for dense networks of LIF neurons with soft reset and a linear readout. It states the
equations and then does what they say, forward pass included, in loops over samples, time steps, layers, neurons and
synapses. A page imports nothing. Every page has the function `gradients`, with the same arguments, and the same code in
the same place: a diff of two pages is the difference of two methods.

Over fractions the pages equal the general methods of this package exactly (claim A1 of `python -m proofs`).
"""

from . import bptt, ottt, rtrl, sltt, spike_representation

__all__ = ["bptt", "ottt", "rtrl", "sltt", "spike_representation"]
