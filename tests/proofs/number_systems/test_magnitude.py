"""Magnitudes bound the rounding errors of the same expression in floats."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.number_systems.magnitude import SMALLEST, Magnitude, as_magnitude

floats = st.lists(st.floats(-100, 100, allow_subnormal=False), min_size=2, max_size=12)


def horner(numbers, x):
    total = x * 0
    for number in numbers:
        total = total * x - number
    return total


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@given(floats, st.floats(-2, 2, allow_subnormal=False))
def test_bounds_the_rounding_error(dtype, numbers, x):
    numbers, x = [dtype(number) for number in numbers], dtype(x)
    computed = Fraction(float(horner(numbers, x)))
    exact = horner([Fraction(float(number)) for number in numbers], Fraction(float(x)))
    bound = horner([as_magnitude(number) for number in numbers], as_magnitude(x))
    assert abs(computed - exact) <= Fraction(bound.rounding_bound(np.dtype(dtype)))


def test_the_bound_is_of_the_size_of_the_error():
    """Not so large that it would let a wrong algorithm pass: within a factor of ten of the error of a tenth, summed."""
    exact = sum(Fraction(0.1) for _ in range(10))
    error = abs(Fraction(float(np.cumsum([0.1] * 10)[-1])) - exact)
    total = as_magnitude(0.1)
    for _ in range(9):
        total = total + as_magnitude(0.1)
    assert 0 < error <= total.rounding_bound() < 10 * float(error)


def test_cancellation_does_not_shrink_the_bound():
    assert (as_magnitude(3.0) - as_magnitude(3.0)).value == math.nextafter(6, 7)
    assert (3.0 - as_magnitude(3.0)).value == math.nextafter(6, 7)


def test_counts_the_roundings_of_the_longest_term():
    a, b = Magnitude(1.0, 2), Magnitude(1.0, 5)
    assert (a + b).roundings == 6
    assert (a * b).roundings == 8
    assert (-a).roundings == 2


def test_an_exact_datum_has_no_error_but_underflow():
    assert as_magnitude(-2.5).value == 2.5
    assert as_magnitude(-2.5).rounding_bound() == SMALLEST
