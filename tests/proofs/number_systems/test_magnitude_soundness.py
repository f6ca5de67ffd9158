"""Magnitudes bound the error of any expression of + - *, underflow and overflow included."""

import math
from fractions import Fraction

import numpy as np
import pytest

from proofs.number_systems.magnitude import ETA, Magnitude, as_magnitude

from .adversarial import SMALLEST, SPECIAL, floats


def error_and_bound(dtype, numbers, combine):
    """What floats make of combine(*numbers) wrong, a Fraction or infinite, and the bound on it."""
    numbers = [dtype(number) for number in numbers]
    with np.errstate(all="ignore"):
        computed = float(combine(*numbers))
    exact = combine(*(Fraction(float(number)) for number in numbers))
    bound = as_magnitude(combine(*(as_magnitude(float(number)) for number in numbers))).rounding_bound(np.dtype(dtype))
    error = abs(Fraction(computed) - exact) if math.isfinite(computed) else math.inf
    return error, bound


def test_what_underflows_and_is_multiplied_up_again():
    for combine in (lambda a, b, c: a * b * c, lambda a, b, c: c * (b * a), lambda a, b, c: c - c * (a * b)):
        error, bound = error_and_bound(np.float64, (1e-200, 1e-200, 1e300), combine)
        assert error <= bound


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_bounds_every_expression_over_the_whole_range_of_exponents(dtype):
    largest = float(np.finfo(dtype).max)
    numbers = [number for number in floats(3000, seed=1) if abs(number) <= largest]
    if dtype == np.float32:  # most exponents of float64 are beyond it
        numbers += [float(np.float32(math.ldexp(math.frexp(x)[0], math.frexp(x)[1] % 270 - 149))) for x in numbers]
    rng = np.random.default_rng(2)
    combined = [
        lambda a, b, c, d: a * b * c * d,
        lambda a, b, c, d: (a * b - c) * d,
        lambda a, b, c, d: (a - b) * (c - d),
        lambda a, b, c, d: a * (b * (c * d)) - a,
        lambda a, b, c, d: (a * b) * (c * d) + (a * d),
        lambda a, b, c, d: a - b + c - d,
    ]
    wrong = 0
    for k in range(800):
        error, bound = error_and_bound(dtype, rng.choice(numbers, 4).tolist(), combined[k % len(combined)])
        assert error <= bound
        wrong += 0 < error < math.inf
    assert wrong > 100  # of the others most overflow or are exact


def test_bounds_what_is_near_underflow():
    rng = np.random.default_rng(3)
    for _ in range(250):
        numbers = [math.ldexp(float(rng.uniform(1, 2)), int(rng.integers(-560, -510))) for _ in range(4)]
        for combine in (lambda a, b, c, d: a * b + c * d, lambda a, b, c, d: (a * b - c * d) * 2.0**900):
            error, bound = error_and_bound(np.float64, numbers, combine)
            assert error <= bound
        assert bound < 1e-50  # 2^900 times the smallest float


def test_many_terms_are_many_roundings():
    """1 and three thousand halves of its last bit: floats lose them all."""
    for dtype, unit in ((np.float64, 2.0**-53), (np.float32, 2.0**-24)):
        terms = [dtype(1), *[dtype(unit)] * 3000]
        computed, bound = terms[0], as_magnitude(1.0)
        for term in terms[1:]:
            computed, bound = computed + term, bound + float(term)
        assert computed == 1 and 3000 * unit <= bound.rounding_bound(dtype) < 1.1 * 3000 * unit


def test_more_roundings_than_the_bound_holds_for_are_infinite():
    assert Magnitude(1.0, 2**22).rounding_bound("float32") > math.expm1(0.25)
    assert Magnitude(1.0, 2**24).rounding_bound("float32") == math.inf > Magnitude(1.0, 2**24).rounding_bound()


def test_what_may_overflow_on_the_way_has_no_bound():
    up_and_down = as_magnitude(1e30) * 1e30 * 1e-30
    assert up_and_down.rounding_bound("float32") == math.inf and up_and_down.rounding_bound() < 1e15
    error, bound = error_and_bound(np.float32, (1e30, 1e30, 1e-30), lambda a, b, c: a * b * c)
    assert error == bound == math.inf
    assert (as_magnitude(1e308) * 10.0 * 0.0).rounding_bound() == math.inf


def test_a_magnitude_is_never_below_the_sum_of_the_terms():
    rng = np.random.default_rng(4)
    numbers = [*SPECIAL, *floats(300, seed=5)]
    for _ in range(500):
        a, b, c = rng.choice(numbers, 3).tolist()
        value = ((as_magnitude(a) - b) * c).value
        assert value == math.inf or Fraction(value) >= (abs(Fraction(a)) + abs(Fraction(b))) * abs(Fraction(c))


def test_a_product_of_exact_zeros_is_exact_and_others_are_not():
    assert (as_magnitude(0.0) * 1e300).underflow == 0 and (as_magnitude(-0.0) * 1e300).value == 0
    assert (as_magnitude(SMALLEST) * 0.25).underflow >= 0.5
    assert (Magnitude(0.0, 1, 3.0) * 2.0).underflow >= 6


@pytest.mark.parametrize("wrong", [Fraction(1, 3), 2**53 + 1, math.inf, math.nan, 10**400])
def test_what_no_float_holds_is_no_datum(wrong):
    with pytest.raises(ValueError):
        as_magnitude(wrong)


def test_what_makes_no_sense_is_refused():
    for wrong in (lambda: Magnitude(-1.0), lambda: Magnitude(math.nan), lambda: Magnitude(1.0, -1)):
        with pytest.raises(ValueError, match="at least 0"):
            wrong()
    for wrong in (lambda: as_magnitude("1"), lambda: Magnitude(1.0) == 0, lambda: bool(Magnitude(1.0))):
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(ValueError, match="dtype must be float64 or float32, got float16"):
        Magnitude(1.0).rounding_bound(np.float16)
    assert as_magnitude(2**53).value == 2.0**53 and ETA["float64"] == SMALLEST
