"""Counted numbers compute as floats do, and count as one would by hand."""

import numpy as np

import ottt_ref as ot
from ottt_ref.network.network import object_array
from proofs.number_systems.count import Counted, Tally


def test_values_are_those_of_floats():
    tally = Tally()
    x, y = Counted(3.0, tally), Counted(-0.5, tally)
    assert [float(z) for z in (x + y, x - y, 1 - x, x * y, x / y, -x)] == [2.5, 3.5, -2.0, -1.5, -6.0, -3.0]
    assert y < x <= 3 and x > y and x >= 3 and x == 3


def test_real_products_sums_and_gated_products_are_told_apart():
    tally = Tally()
    weight, rate = Counted(0.5, tally), Counted(0.25, tally)
    fired, silent = Counted(1.0, tally, spike=True), Counted(0.0, tally, spike=True)
    _ = weight * rate + weight * fired + weight * silent
    assert tally == Tally(products=1, gated=1, sums=1)
    assert (fired * fired).spike and not (fired * weight).spike


def test_constants_0_and_1_cost_nothing():
    tally = Tally()
    x = Counted(2.0, tally)
    assert [float(z) for z in (0 * x, x * 1, x + 0, 0 - x)] == [0.0, 2.0, 2.0, -2.0]
    assert tally == Tally()


def test_a_dense_layer_costs_a_sum_per_spike_and_synapse():
    tally = Tally()
    synapses = ot.Dense(object_array(np.ones((3, 4)), lambda number: Counted(0.5, tally)), False)
    spikes = object_array(np.array([[1, 0, 1, 0], [1, 1, 1, 1]]), lambda s: Counted(float(s), tally, spike=True))
    synapses.forward(spikes, np.array([0], dtype=object))
    assert tally.products == 0 and tally.gated == 3 * (2 + 4)
