"""Residues are a field, and primes are prime."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.number_systems.prime_field import MERSENNE_EXPONENTS, PRIME, Residue, prime_above, random_residue

integers = st.integers(-(2**70), 2**70)


@given(integers, integers, integers)
def test_the_laws_of_a_ring(a, b, c):
    x, y, z = map(Residue, (a, b, c))
    assert (x + y) * z == x * z + y * z and x + y == y + x and x * y == y * x
    assert x - y == -(y - x) and x + 0 == x and x * 1 == x and 0 - x == -x
    assert (x + y) + z == x + (y + z) and (x * y) * z == x * (y * z)


@given(integers, integers)
def test_arithmetic_is_that_of_integers_modulo_the_prime(a, b):
    assert (Residue(a) + b).value == (a + b) % PRIME
    assert (b - Residue(a)).value == (b - a) % PRIME
    assert (a * Residue(b)).value == a * b % PRIME


@given(integers.filter(lambda a: a % PRIME), integers)
def test_division_is_the_inverse_of_multiplication(a, b):
    assert Residue(b) / Residue(a) * a == b
    assert b / Residue(a) * a == b
    assert 1 / (1 / Residue(a)) == a


def test_fractions_mix_in():
    assert Residue(3) * Fraction(1, 3) == 1
    assert Residue(1) == Fraction(2, 2) and Residue(2) != Fraction(1, 2)


def test_what_has_no_meaning_is_refused():
    with pytest.raises(TypeError, match=r"integers and fractions alone, got 0\.5"):
        Residue(1) + 0.5
    with pytest.raises(ValueError, match="modulo one prime, got 7 and 11"):
        Residue(1, 7) + Residue(1, 11)
    with pytest.raises(ValueError):
        1 / Residue(7, 7)


@pytest.mark.parametrize("exponent", MERSENNE_EXPONENTS)
def test_mersenne_numbers_are_prime(exponent):
    """Lucas and Lehmer's test."""
    number, s = 2**exponent - 1, 4
    for _ in range(exponent - 2):
        s = (s * s - 2) % number
    assert s == 0


def test_the_prime_above_a_bound():
    assert prime_above(0) == prime_above(2**61 - 2) == PRIME
    assert prime_above(PRIME) == 2**89 - 1
    with pytest.raises(ValueError, match="bound must be below 2"):
        prime_above(2**5000)


def test_random_residues_are_uniform_and_follow_the_seed():
    draws = [random_residue(np.random.default_rng(seed), 7).value for seed in range(2000)]
    counts = np.bincount(draws, minlength=7)
    assert len(counts) == 7 and np.all(np.abs(counts - 2000 / 7) < 5 * np.sqrt(2000 / 7))
    first, again = (random_residue(np.random.default_rng(3), 2**521 - 1) for _ in range(2))
    assert first == again and first.value > 2**400
