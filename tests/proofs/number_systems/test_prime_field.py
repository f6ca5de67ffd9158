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


@pytest.mark.parametrize("prime", [2, 3, 7, 101, PRIME, 2**89 - 1])
def test_every_operation_lifts_that_of_fractions(prime):
    """A fraction of another denominator has one residue, and + - * / of fractions are those of their residues."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        (a, b), (c, d) = ([int.from_bytes(rng.bytes(12), signed=True) for _ in range(2)] for _ in range(2))
        if b % prime == 0 or d % prime == 0:
            continue
        x, y = Fraction(a, b), Fraction(c, d)
        p, q = Residue(a, prime) / b, Residue(c, prime) / Residue(d, prime)
        assert p == x and (p.value * b - a) % prime == 0 and 0 <= p.value < prime
        assert p + q == x + y and p - q == x - y and p * q == x * y and -p == -x
        assert p + y == x + q == x + y and p - y == x - q == x - y and p * y == x * q == x * y
        if c % prime:
            assert p / q == x / y == p / y == x / q


def test_integers_of_numpy_mix_in_without_their_overflow():
    big = np.int64(2**62)
    assert Residue(0, 2**89 - 1) + big == 2**62 and big * Residue(2**62, 2**89 - 1) == 2**124
    assert Residue(2**62, 2**89 - 1) * big == 2**124 and big - Residue(2**62) == 0


def test_two_integers_are_equal_where_their_residues_are_and_both_are_below_half_the_prime():
    half = PRIME // 2
    assert Residue(half) != -half and Residue(half) != half - 1
    assert Residue(half + 1) == -half  # one beyond, and no longer


def test_what_is_no_field_is_refused():
    for modulus in (0, 1, 4, -7, 9, 2**61, 2**67 - 1, 10**6 + 3, 7.0):
        with pytest.raises(ValueError, match="must be a known prime"):
            Residue(1, modulus)
    for value in (0.5, Fraction(1, 2), "1", None):
        with pytest.raises(TypeError, match="must be of an integer"):
            Residue(value)
    with pytest.raises(TypeError):
        _ = Residue(1) < 2
    with pytest.raises(ValueError):
        Residue(1, 7) + Fraction(1, 14)


def test_a_residue_is_true_unless_it_is_0():
    assert Residue(1) and not Residue(PRIME) and not Residue(7, 7)


def test_the_prime_is_strictly_above_a_bound():
    for exponent, following in zip(MERSENNE_EXPONENTS, MERSENNE_EXPONENTS[1:]):
        prime = 2**exponent - 1
        assert prime_above(prime - 1) == prime and prime_above(prime) == 2**following - 1
    assert prime_above(1e12) == PRIME and prime_above(2.0**61) == 2**89 - 1
    assert list(MERSENNE_EXPONENTS) == sorted(MERSENNE_EXPONENTS)


def test_random_residues_take_every_value_of_a_small_prime_and_no_other():
    rng = np.random.default_rng(1)
    for prime in (2, 3, 5, 127, 257):
        counts = np.bincount([random_residue(rng, prime).value for _ in range(20 * prime)], minlength=prime)
        assert len(counts) == prime and counts.min() > 0 and counts.max() < 60
