"""Bounds of polynomials against polynomials written out."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.number_systems.polynomial import VARIABLE, Bound, as_bound


class Polynomial:
    """Coefficients by monomial, a sorted tuple of variable names."""

    def __init__(self, terms):
        self.terms = {monomial: c for monomial, c in terms.items() if c}

    def __add__(self, other):
        terms = Counter(self.terms)
        for monomial, c in other.terms.items():
            terms[monomial] += c
        return Polynomial(terms)

    def __mul__(self, other):
        terms = Counter()
        for left, c in self.terms.items():
            for right, d in other.terms.items():
                terms[tuple(sorted(left + right))] += c * d
        return Polynomial(terms)

    @property
    def degree(self):
        return max((len(monomial) for monomial in self.terms), default=0)

    @property
    def mass(self):
        return sum(abs(c) for c in self.terms.values())


LEAVES = [
    *((Polynomial({(name,): 1}), VARIABLE) for name in "xyz"),
    *((Polynomial({(): c}), as_bound(c)) for c in (-2, 0, 1, 3)),
]
pairs = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.tuples(inner, inner, st.booleans()).map(
        lambda three: tuple(a + b if three[2] else a * b for a, b in zip(three[0], three[1]))
    ),
    max_leaves=12,
)


@given(pairs)
def test_the_bounds_are_never_below_the_polynomial(pair):
    polynomial, bound = pair
    assert polynomial.degree <= bound.degree or not polynomial.terms
    assert polynomial.mass <= bound.mass


def test_without_cancellation_they_are_met():
    x, y = Polynomial({("x",): 1}), Polynomial({("y",): 1})
    polynomial = (x + y) * (x + y) * x
    bound = (VARIABLE + VARIABLE) * (VARIABLE + VARIABLE) * VARIABLE
    assert (bound.degree, bound.mass) == (polynomial.degree, polynomial.mass) == (3, 4)


def test_subtraction_adds_and_zero_is_zero():
    assert (VARIABLE - VARIABLE).mass == 2 and (1 - VARIABLE).mass == 2 and (-VARIABLE).mass == 1
    assert (0 * VARIABLE).mass == 0 and (VARIABLE * VARIABLE + 0 * VARIABLE).degree == 2
    assert (0 + VARIABLE).degree == 1 and as_bound(Bound(3, 4)).degree == 3


def test_constants_are_integers():
    with pytest.raises(TypeError, match=r"constants must be integers, got 0\.5"):
        VARIABLE * 0.5


def test_random_expressions_are_bounded_and_what_cancels_is_too():
    rng = np.random.default_rng(0)
    for _ in range(300):
        pool = [LEAVES[k] for k in rng.integers(0, len(LEAVES), 4)]
        for _ in range(6):
            (p, a), (q, b) = (pool[k] for k in rng.integers(0, len(pool), 2))
            kind = int(rng.integers(0, 3))
            negated = Polynomial({monomial: -c for monomial, c in q.terms.items()})
            pool.append([(p + q, a + b), (p * q, a * b), (p + negated, a - b)][kind])
            polynomial, bound = pool[-1]
            assert polynomial.mass <= bound.mass and (polynomial.degree <= bound.degree or not polynomial.terms)


def test_constants_are_exact_integers_of_any_length():
    for constant in (2**100, -(2**100), np.int64(-(2**62)), True):
        assert as_bound(constant).mass == abs(int(constant)) and (VARIABLE * constant).mass == abs(int(constant))
    for wrong in (0.0, 2.0, Fraction(1), "1", None):
        with pytest.raises(TypeError):
            as_bound(wrong)


def test_what_is_not_known_of_a_polynomial_is_refused():
    assert (VARIABLE == 0) is False and VARIABLE != 1  # a free variable is no constant
    for wrong in (lambda: VARIABLE - VARIABLE == 0, lambda: bool(VARIABLE), lambda: VARIABLE < 1, lambda: VARIABLE / 2):
        with pytest.raises(TypeError):
            wrong()
    for degree, mass in ((-1, 1), (1, -1), (0.5, 1), (1, 1.0)):
        with pytest.raises(ValueError, match="integers of at least 0"):
            Bound(degree, mass)
