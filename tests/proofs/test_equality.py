"""What it takes for two sides to be equal: exactly over fractions, within both sides' rounding in floats."""

from fractions import Fraction

import numpy as np
import pytest

import ottt_ref as ot
from proofs.cases import Case
from proofs.claim import Refuted
from proofs.equality import OTTT, Side, bptt, check_equality

F = Fraction
TRIANGLE = ot.surrogate.Triangle()
NAME = "layer0.weight"


def case_of(**changed):
    """Two neurons over two time steps, of which one fires."""
    given = {
        "weights": (((F(1), F(1, 2)), (F(1, 2), F(1, 8))),),
        "biases": ((F(0), F(1, 8)),),
        "neuron": ot.LIF(decay=F(1, 2), threshold=F(1), reset_potential=F(0), surrogate=TRIANGLE),
        "readout": "spiking",
        "inputs": (((F(1), F(1, 2)),), ((F(1, 8), F(1, 4)),)),
        "labels": (1,),
        "surrogate": ot.surrogate.Sigmoid(),
    }
    return Case(**{**given, **changed})


def changed_by(change, on):
    """OTTT's algebra, of which one number is changed on numbers of the given type alone."""

    def algebra(*data):
        values = OTTT.algebra(*data)
        if isinstance(values[NAME][0, 0], on):
            values[NAME][0, 0] = change(values[NAME][0, 0])
        return values

    return algebra


def test_equal_sides_are_equal():
    finding = check_equality(case_of(), OTTT, bptt())
    assert finding.live and 0 <= finding.slack <= 1


def test_the_smallest_difference_of_fractions_is_seen():
    wrong = Side(changed_by(lambda value: value + F(1, 10**30), Fraction))
    with pytest.raises(Refuted, match=r"layer0\.weight\[0, 0\]: .* on the left, .* on the right"):
        check_equality(case_of(), wrong, bptt())
    assert check_equality(case_of(), wrong, bptt(), lambda network: ["layer0.bias"]).live


@pytest.mark.parametrize("wrong", [lambda value: value * (1 + 1e-9), lambda value: value * np.nan])
def test_a_difference_in_floats_beyond_rounding_is_seen(wrong):
    with pytest.raises(Refuted, match=r"in float64: .* apart where rounding allows"):
        check_equality(case_of(), Side(changed_by(wrong, float)), bptt())


def test_the_rounding_of_both_sides_is_allowed():
    """The right side adds and takes away a million: some 1e-10 are rounded there alone."""
    million = Side(changed_by(lambda value: (value + 1e6) - 1e6, (float, object)))

    def rounded(*data):
        values = OTTT.algebra(*data)
        values[NAME][0, 0] = (values[NAME][0, 0] + 1000000) - 1000000
        return values

    assert million.public is None
    finding = check_equality(case_of(), OTTT, Side(rounded))
    assert 0 < finding.slack <= 1


def test_the_slack_is_that_of_the_worst_number():
    """The first number of the weight is the only one that is off; those behind it are not."""
    slightly = Side(changed_by(lambda value: np.nextafter(value, np.inf), float))
    assert check_equality(case_of(), slightly, OTTT, lambda network: [NAME]).slack > 0


def test_public_functions_are_compared_with_each_other_and_with_the_algebra():
    def twice(*arguments):
        return {name: 2 * value for name, value in OTTT.public(*arguments).items()}

    with pytest.raises(Refuted):
        check_equality(case_of(), Side(OTTT.algebra, twice), bptt())
    with pytest.raises(Refuted):
        check_equality(case_of(), Side(OTTT.algebra, twice), Side(OTTT.algebra, twice))


def test_a_case_whose_gradients_vanish_is_not_live():
    """The inputs of the neuron that learns are 0, and the bias is not compared."""
    silent = case_of(inputs=(((F(0), F(0)),), ((F(0), F(0)),)), biases=((F(1), F(1, 8)),))
    assert not check_equality(silent, OTTT, bptt(), lambda network: [NAME]).live
    assert check_equality(silent, OTTT, bptt(), lambda network: ["layer0.bias"]).live
