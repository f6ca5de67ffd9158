"""Counted numbers compute as floats do, and count as one would by hand."""

import math

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.network.network import object_array
from proofs.number_systems.count import Counted, Tally

from .adversarial import pairs


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


@pytest.mark.parametrize("operation", ["__add__", "__sub__", "__mul__", "__truediv__"])
def test_values_are_those_of_floats_to_the_bit(operation):
    tally = Tally()
    for x, y in pairs(400, seed=1):
        if operation == "__truediv__" and y == 0:
            continue
        wanted = getattr(x, operation)(y)
        for other in (y, Counted(y, tally)):
            got = float(getattr(Counted(x, tally), operation)(other))
            assert got == wanted or (math.isnan(got) and math.isnan(wanted))
        reflected = getattr(Counted(y, tally), "__r" + operation[2:])(x)
        assert float(reflected) == wanted or math.isnan(wanted)


def test_comparisons_are_those_of_floats():
    tally = Tally()
    for x, y in pairs(200, seed=2):
        for relation in ("__lt__", "__le__", "__gt__", "__ge__", "__eq__", "__ne__"):
            assert getattr(Counted(x, tally), relation)(y) == getattr(x, relation)(y)
    assert Counted(2.0, tally) and not Counted(-0.0, tally) and tally == Tally()


def test_what_is_counted_is_what_is_written_down_here():
    """Each operation alone, on a number, a number that is 0, a spike that fired and one that did not."""
    expected = {
        ("+", "number", "number"): (0, 0, 1, 1),
        ("-", "number", "number"): (0, 0, 1, 1),
        ("+", "number", "product"): (0, 0, 1, 0),
        ("-", "number", "product"): (0, 0, 1, 0),
        ("+", "product", "number"): (0, 0, 1, 0),
        ("+", "product", "zero"): (0, 0, 0, 0),
        ("*", "number", "number"): (1, 0, 0),
        ("+", "number", "zero"): (0, 0, 0),
        ("*", "number", "zero"): (0, 0, 0),
        ("*", "number", "fired"): (0, 1, 0),
        ("*", "fired", "number"): (0, 1, 0),
        ("*", "number", "silent"): (0, 0, 0),
        ("*", "silent", "number"): (0, 0, 0),
        ("*", "fired", "fired"): (0, 1, 0),
        ("*", "fired", "silent"): (0, 0, 0),
        ("+", "fired", "number"): (0, 0, 1, 1),
        ("+", "silent", "number"): (0, 0, 0),
    }
    for (operation, left, right), wanted in expected.items():
        tally = Tally()
        kinds = {
            "number": Counted(0.5, tally),
            "zero": Counted(0.0, tally),
            "fired": Counted(1.0, tally, spike=True),
            "silent": Counted(0.0, tally, spike=True),
            "product": Counted(0.5, tally, product=True),
        }
        x, y = kinds[left], kinds[right]
        _ = x + y if operation == "+" else x - y if operation == "-" else x * y
        assert tally == Tally(*wanted), (operation, left, right)


def test_a_multiply_accumulate_has_its_sum_in_it():
    tally = Tally()
    x, fired = Counted(0.5, tally), Counted(1.0, tally, spike=True)
    _ = x + x * x + x * fired - x / 3 + -(x * x) + x  # the last sum alone is none of a product's
    assert tally == Tally(products=3, gated=1, sums=5, alone=1)
    assert (tally.multiply_accumulates, tally.accumulates) == (3, 2)
    _ = x + (x * x) * 1  # a product that is passed on by a constant 1 is added later
    assert tally == Tally(products=4, gated=1, sums=6, alone=2)


def test_a_spike_is_0_or_1():
    with pytest.raises(ValueError, match=r"a spike must be 0 or 1, got 0\.5"):
        Counted(0.5, Tally(), spike=True)
    assert (Counted(1.0, Tally(), spike=True) * 1).spike and not (Counted(1.0, Tally(), spike=True) + 1).spike
