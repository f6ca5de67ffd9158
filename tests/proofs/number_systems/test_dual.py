"""Dual numbers against derivatives known by hand."""

import operator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.number_systems.dual import Dual

fractions = st.fractions(-4, 4, max_denominator=16)


@given(fractions, fractions.filter(bool))
def test_slopes_are_derivatives(constant, x):
    variable = Dual(x, Fraction(1))
    # d/dx of each expression, worked out by hand
    assert (variable + constant).slope == (constant + variable).slope == 1
    assert (variable - constant).slope == 1
    assert (constant - variable).slope == -1
    assert (variable * constant).slope == (constant * variable).slope == constant
    assert (variable * variable * variable).slope == 3 * x * x
    assert (constant / variable).slope == -constant / x**2
    assert (variable / (variable * variable + 1)).slope == (1 - x * x) / (x * x + 1) ** 2
    assert (-variable).slope == -1


@given(fractions, fractions)
def test_values_are_those_of_plain_numbers(x, y):
    a, b = Dual(x, Fraction(7)), Dual(y, Fraction(-3))
    assert (a + b).value == x + y
    assert (a - b).value == x - y
    assert (a * b).value == x * y
    assert (y - a).value == y - x
    assert (-a).value == -x


@given(fractions, fractions)
def test_comparisons_see_the_value_alone(x, y):
    a, b = Dual(x, Fraction(1)), Dual(y, Fraction(-1))
    assert ((a < b), (a <= b), (a == b), (a >= b), (a > b)) == ((x < y), (x <= y), (x == y), (x >= y), (x > y))


def test_division_of_whole_numbers_stays_exact():
    assert (Dual(1) / 3).value == Fraction(1, 3)
    assert (1 / Dual(3)).value == Fraction(1, 3)


def test_division_by_zero_is_an_error():
    with pytest.raises(ZeroDivisionError):
        Dual(Fraction(1)) / Dual(Fraction(0), Fraction(1))


def test_lives_in_object_arrays():
    array = np.array([Dual(Fraction(2), Fraction(1)), Dual(Fraction(3))], dtype=object)
    assert (array * array).sum().slope == 4


def test_every_operation_is_that_of_series_cut_off_after_the_slope():
    """(a + b ε) ∘ (c + d ε) at a small ε is the dual number's value and slope, but for a multiple of ε²."""
    rng = np.random.default_rng(0)
    step = Fraction(1, 10**12)
    for _ in range(200):
        a, b, c, d = (Fraction(int(k), int(m)) for k, m in rng.integers([[-50, 1]] * 4, [[50, 30]] * 4))
        for operation in (operator.add, operator.sub, operator.mul, operator.truediv):
            if operation is operator.truediv and abs(c) < Fraction(1, 30):
                continue
            got = operation(Dual(a, b), Dual(c, d))
            moved = operation(a + b * step, c + d * step)
            assert abs(moved - got.value - got.slope * step) <= 10**13 * step**2
            assert got.value == operation(a, c) and isinstance(got.value, Fraction) and isinstance(got.slope, Fraction)


def test_integers_of_numpy_are_exact_too():
    third = Dual(np.int64(1), np.int64(1)) / np.int64(3)
    assert (third.value, third.slope) == (Fraction(1, 3), Fraction(1, 3))
    assert (Dual(np.int64(2**62)) * np.int64(4)).value == 2**64


def test_a_dual_number_is_true_unless_its_value_is_0():
    assert Dual(Fraction(1)) and not Dual(Fraction(0), Fraction(1))
