"""Integers modulo a prime: an equality of polynomials holds everywhere if it holds at one random point, nearly surely.

Two different polynomials of degree at most d over the integers modulo p agree at a uniformly random point with
probability at most d / p (Schwartz 1980, Zippel 1979). Two polynomials with integer coefficients that are equal modulo
p are equal over the integers if no coefficient of their difference reaches p.
"""

import numbers
from dataclasses import dataclass
from math import isqrt

MERSENNE_EXPONENTS = (61, 89, 107, 127, 521, 607, 1279, 2203, 2281, 3217, 4253)  # 2^k - 1 is prime
PRIME = 2**61 - 1
_PRIMES = {2**exponent - 1 for exponent in MERSENNE_EXPONENTS}  # the moduli that are known to be prime


@dataclass(frozen=True, eq=False)
class Residue(numbers.Number):
    """A residue class modulo a prime. Integers and fractions (whose denominator the prime does not divide) mix in.

    Raises TypeError for a value that is no integer, and ValueError for a modulus that is not known to be prime.
    """

    value: int
    prime: int = PRIME

    def __post_init__(self):
        if not isinstance(self.value, int):
            raise TypeError(f"a residue must be of an integer, got {self.value!r}")
        if not isinstance(self.prime, int) or self.prime not in _PRIMES:
            _require_prime(self.prime)
        object.__setattr__(self, "value", self.value % self.prime)

    def __add__(self, other):
        return Residue(self.value + self._of(other), self.prime)

    def __sub__(self, other):
        return Residue(self.value - self._of(other), self.prime)

    def __rsub__(self, other):
        return Residue(self._of(other) - self.value, self.prime)

    def __mul__(self, other):
        return Residue(self.value * self._of(other), self.prime)

    def __truediv__(self, other):
        return Residue(self.value * pow(self._of(other), -1, self.prime), self.prime)

    def __rtruediv__(self, other):
        return Residue(self._of(other) * pow(self.value, -1, self.prime), self.prime)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self):
        return Residue(-self.value, self.prime)

    def __eq__(self, other):
        return self.value == self._of(other)

    __hash__ = None

    def __bool__(self):
        return self.value != 0

    def _of(self, other):
        """The integer that stands for `other` in this field."""
        if isinstance(other, Residue):
            if other.prime != self.prime:
                raise ValueError(f"residues must be modulo one prime, got {self.prime} and {other.prime}")
            return other.value
        if isinstance(other, numbers.Rational):
            numerator, denominator = int(other.numerator), int(other.denominator)
            return numerator * pow(denominator, -1, self.prime) % self.prime
        raise TypeError(f"a residue mixes with integers and fractions alone, got {other!r}")


def _require_prime(number):
    """Remember a prime below a million; ValueError for another number: the larger ones are known."""
    if not (isinstance(number, int) and 1 < number < 10**6 and all(number % k for k in range(2, isqrt(number) + 1))):
        raise ValueError(f"the modulus must be a known prime, or one below a million, got {number!r}")
    _PRIMES.add(number)


def prime_above(bound):
    """The smallest of the known Mersenne primes above `bound`; ValueError where it is above all of them."""
    for exponent in MERSENNE_EXPONENTS:
        if 2**exponent - 1 > bound:
            return 2**exponent - 1
    raise ValueError(
        f"bound must be below 2^{MERSENNE_EXPONENTS[-1]} - 1, got a number of {int(bound).bit_length()} bits"
    )


def random_residue(rng, prime=PRIME):
    """A uniformly random residue from a numpy Generator."""
    size = (prime.bit_length() + 7) // 8
    while True:  # numbers that do not fit are drawn anew: the others stay uniform
        value = int.from_bytes(rng.bytes(size)) >> (8 * size - prime.bit_length())
        if value < prime:
            return Residue(value, prime)
