"""Bounds of polynomials against polynomials written out."""

from collections import Counter

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
