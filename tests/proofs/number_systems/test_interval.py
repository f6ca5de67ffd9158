"""Intervals hold what they should, are no wider than they must be, and decide no more than they know."""

import decimal
import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proofs.number_systems.interval import Interval, Undecided, as_interval, exp, log, sqrt

numbers = st.fractions(min_value=-1000, max_value=1000, max_denominator=10**6)
floats = st.floats(min_value=-1e300, max_value=1e300)
tiny = st.floats(min_value=-1e-300, max_value=1e-300)


@given(numbers, numbers, numbers)
def test_every_operation_holds_the_exact_result(a, b, c):
    x, y, z = map(as_interval, (a, b, c))
    assert a in x and a + b in x + y and a - b in x - y and a * b in x * y and -a in -x
    assert a * b + c in x * y + z and (a - b) * (b - c) in (x - y) * (y - z)
    assert 1 - a in 1 - x and 2 * a in 2 * x
    if b:
        assume(not (y.low <= 0 <= y.high))
        assert a / b in x / y and c / b in c / y


@given(floats, floats)
def test_floats_of_any_size(a, b):
    for exact, operation in ((Fraction(a) + Fraction(b), "__add__"), (Fraction(a) * Fraction(b), "__mul__")):
        result = getattr(as_interval(a), operation)(as_interval(b))
        low, high = result.low, result.high
        assert (low == -math.inf or Fraction(low) <= exact) and (high == math.inf or exact <= Fraction(high))


@given(tiny, tiny)
def test_underflow_is_rounded_outwards(a, b):
    exact, result = Fraction(a) * Fraction(b), as_interval(a) * as_interval(b)
    assert exact in result


@given(st.integers(-(2**20), 2**20), st.integers(-(2**20), 2**20))
def test_exact_operations_do_not_widen(a, b):
    x, y = as_interval(Fraction(a, 8)), as_interval(Fraction(b, 8))
    for result in (x + y, x - y, x * y):
        assert result.low == result.high


def test_inexact_operations_widen_by_one_float():
    third = as_interval(Fraction(1, 3))
    assert third.high == math.nextafter(third.low, 1) and Fraction(1, 3) in third
    thirds = as_interval(1.0) / 3
    assert thirds.low < thirds.high <= math.nextafter(math.nextafter(thirds.low, 1), 1)
    tenth = as_interval(0.1) * 0.1
    assert tenth.low < tenth.high and Fraction(0.1) ** 2 in tenth


def test_comparisons_are_decided_or_refused():
    low, high, across = Interval(0.0, 1.0), Interval(2.0, 3.0), Interval(0.5, 2.5)
    assert low < high and not high < low and high > low and low <= high and high >= low and low != high
    assert Interval(0.0, 1.0) <= Interval(1.0, 2.0) and not Interval(1.0, 2.0) < Interval(0.0, 1.0)
    assert Interval(1.0, 1.0) == 1
    for undecided in (
        lambda: low < across,
        lambda: across <= high,
        lambda: low > across,
        lambda: low == across,
        lambda: across >= high,
    ):
        with pytest.raises(Undecided, match="overlap"):
            undecided()


@given(st.floats(min_value=-700, max_value=700))
def test_exponentials_logarithms_and_roots_hold_those_of_fifty_digits(x):
    precise = decimal.Context(prec=50)
    assert Fraction(decimal.Decimal(x).exp(precise)) in exp(x)
    if x > 0:
        assert Fraction(decimal.Decimal(x).ln(precise)) in log(x)
        assert Fraction(decimal.Decimal(x).sqrt(precise)) in sqrt(x)
    wide = exp(Interval(x, x + 0.25))
    assert wide.low <= exp(x).high and exp(x + 0.25).low <= wide.high


def test_absolute_values():
    assert [
        (abs(each).low, abs(each).high) for each in (Interval(1.0, 2.0), Interval(-2.0, -1.0), Interval(-3.0, 1.0))
    ] == [
        (1.0, 2.0),
        (1.0, 2.0),
        (0.0, 3.0),
    ]


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="low must be at most high"):
        Interval(1.0, 0.0)
    with pytest.raises(ValueError, match="above 0"):
        log(Interval(0.0, 1.0))
    with pytest.raises(ValueError, match="at least 0"):
        sqrt(Interval(-1.0, 1.0))
    with pytest.raises(ZeroDivisionError, match="holds 0"):
        1 / Interval(-1.0, 1.0)
