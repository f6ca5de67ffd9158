"""Intervals enclose, whatever the exponents: against exact fractions, with seeded draws."""

import math
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
import pytest

from proofs.number_systems.exact import as_fraction, floats_around
from proofs.number_systems.interval import Interval, Undecided, as_interval, exp, log, sqrt

from .adversarial import LARGEST, SMALLEST, SPECIAL, between, floats, pairs, wide


@pytest.mark.parametrize("operation", ["+", "-", "*", "/"])
def test_an_operation_on_two_numbers_encloses_and_is_exact_where_the_result_is_a_float(operation):
    for a, b in pairs(1000, seed=1):
        if operation == "/" and b == 0:
            continue
        exact, result = _both(operation, Fraction(a), Fraction(b)), _both(operation, as_interval(a), as_interval(b))
        assert exact in result, (a, b)
        assert result.high <= math.nextafter(math.nextafter(result.low, math.inf), math.inf), (a, b)


@pytest.mark.parametrize("operation", ["+", "-", "*", "/"])
def test_an_operation_on_wide_intervals_encloses_every_result(operation):
    rng = np.random.default_rng(2)
    numbers = list(zip(wide(floats(400, seed=3), 4), wide(reversed(floats(400, seed=5)), 6)))
    for (a, b), (c, d) in numbers:
        x, y = Interval(a, b), Interval(c, d)
        if operation == "/" and c <= 0 <= d:
            continue
        result = _both(operation, x, y)
        for _ in range(3):
            assert _both(operation, between(a, b, rng), between(c, d, rng)) in result, (x, y)


def _both(operation, a, b):
    if operation == "+":
        return a + b
    if operation == "-":
        return a - b
    return a * b if operation == "*" else a / b


def test_a_product_or_quotient_that_underflows_is_never_exact():
    for result in (as_interval(1e-200) * 1e-200, as_interval(SMALLEST) / 2, as_interval(-1e-200) * 1e-200):
        assert result.low < result.high
    assert (as_interval(1e-200) * 1e-200 * 1e300).high >= 1e-100


def test_an_infinite_end_stands_for_numbers_without_bound():
    above = as_interval(LARGEST) * 2
    assert (above.low, above.high) == (LARGEST, math.inf) and 10**400 in above and 1 not in above
    assert (above * 0).low == (above * 0).high == 0
    assert Fraction(1, 10**400) in 1 / above and (1 / above).low == 0
    assert 1 in above / above and 10**400 in above / above and Fraction(1, 10**400) in above / above
    assert 0 in above - above and 10**400 in above - above and -(10**400) in above - above
    everything = Interval(-math.inf, math.inf) / above
    assert (everything.low, everything.high) == (-math.inf, math.inf)
    assert above > 1 and -above < 1
    with pytest.raises(Undecided):
        _ = above > 10**400


@pytest.mark.parametrize("end", [math.inf, -math.inf, math.nan])
def test_what_is_no_number_is_no_interval(end):
    for wrong in (lambda: Interval(end), lambda: as_interval(end), lambda: as_interval(1.0) + end):
        with pytest.raises(ValueError):
            wrong()


@pytest.mark.parametrize("wrong", ["0.1", None, 1j, [1.0]])
def test_what_is_no_real_number_is_refused(wrong):
    with pytest.raises(TypeError):
        as_interval(wrong)
    with pytest.raises(TypeError):
        as_interval(1.0) * wrong


def test_numbers_that_no_float_holds_are_enclosed():
    numbers = [
        Fraction(1, 3),
        2**53 + 1,
        10**400,
        -(10**400),
        Fraction(1, 10**400),
        Decimal("0.1"),
        np.int64(2**53 + 1),
    ]
    numbers += [np.longdouble(1) / 3, np.float32(0.1), np.float16(0.1), Fraction(-1, 3)]
    for number in numbers:
        exact = as_fraction(number)
        assert exact in as_interval(number) and exact in Interval(number) and exact in as_interval(number) + 0
        low, high = floats_around(number)
        assert low == high == exact or (math.nextafter(low, math.inf) == high and low < exact < high)


def test_comparisons_are_those_of_all_numbers_within_or_undecided():
    numbers = [Interval(a, b) for a, b in wide([*SPECIAL, *floats(60, seed=7)], 8)]
    for x in numbers[::2]:
        for y in numbers[1::2]:
            ends = [(a, b) for a in (x.low, x.high) for b in (y.low, y.high)]
            for relation in ("__lt__", "__le__", "__gt__", "__ge__"):
                answers = {getattr(a, relation)(b) for a, b in ends}
                assert _decided(getattr(x, relation), y) == (answers.pop() if len(answers) == 1 else None)
            if x.high < y.low or y.high < x.low:
                assert x != y
            elif not x.low == x.high == y.low == y.high:
                assert _decided(x.__eq__, y) is None


def _decided(relation, other):
    try:
        return relation(other)
    except Undecided:
        return None


def test_the_truth_of_an_interval_is_that_of_its_numbers():
    assert bool(Interval(1.0, 2.0)) and not Interval(0.0) and not Interval(-0.0, 0.0)
    with pytest.raises(Undecided):
        bool(Interval(-1.0, 1.0))


def test_exponentials_logarithms_and_roots_of_every_exponent():
    precise = Context(prec=60, Emin=-999999999, Emax=999999999)
    for x in map(abs, floats(250, seed=9)):
        root = sqrt(x)
        assert root.low <= 0 or Fraction(root.low) ** 2 <= Fraction(x) <= Fraction(root.high) ** 2
        if x > 0:
            assert Fraction(Decimal(x).ln(precise)) in log(x)
    for x in (-750.0, -745.2, -708.5, 709.7, 709.8, 1e-320, -1e-320, 1e-17, 700.0, *map(float, range(-60, 60, 7))):
        assert Fraction(Decimal(x).exp(precise)) in exp(x)


def test_exponentials_beyond_the_floats():
    assert (exp(1e5).low, exp(1e5).high) == (LARGEST, math.inf)
    assert (exp(1e308).low, exp(1e308).high) == (LARGEST, math.inf)
    assert exp(-1e308).low <= 0 < exp(-1e308).high == SMALLEST
    assert 1 in 1 + 1 / exp(3e6)
