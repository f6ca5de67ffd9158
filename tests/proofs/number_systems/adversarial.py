"""Floats of every exponent, and pairs and rows that are hard to compute with: the same ones at every run."""

import math
import struct
from fractions import Fraction

import numpy as np

TINY, SMALLEST, LARGEST, UNIT = 2.0**-1022, 2.0**-1074, float(np.finfo(float).max), 2.0**-53
SPECIAL = (
    *(0.0, -0.0, 1.0, -1.0, SMALLEST, -SMALLEST, TINY, math.nextafter(TINY, 0), LARGEST, -LARGEST),
    *(1e-310, -1e-310, 1e300, 1e-160, 1e160, 1e-200, 1 / 3, 0.1, 3.0, 1 + 2 * UNIT, 1 - UNIT, UNIT, -UNIT, 2.0**52),
    *(134217729.0, 2.0**26 + 1, 2.0**-537, 2.0**-538, math.nextafter(2.0**-537, 1), 2.0**511, 2.0**512, 1e-250),
)


def floats(count, seed=0):
    """`count` finite floats: every exponent, from subnormal to huge, alike likely; few bits, many bits, or special."""
    rng = np.random.default_rng(seed)
    result = list(SPECIAL)
    while len(result) < count:
        exponent, kind = int(rng.integers(0, 2047)), int(rng.integers(0, 4))
        bits = int(rng.integers(0, 2**52))
        bits = (bits, bits >> 26 << 26, 0, 2**52 - 1)[kind]
        sign = int(rng.integers(0, 2))
        result.append(struct.unpack("<d", struct.pack("<Q", sign << 63 | exponent << 52 | bits))[0])
    return result[:count]


def pairs(count, seed=0):
    """`count` pairs of floats: any two, many special ones, ties, what cancels, and exponents that nearly cancel."""
    rng = np.random.default_rng(seed)
    numbers = floats(2 * count, seed + 1)
    rng.shuffle(numbers)
    special = [(a, b) for a in SPECIAL for b in SPECIAL]
    result = [special[k] for k in rng.permutation(len(special))[: count // 3]]
    for a, b in zip(numbers[::2], numbers[1::2]):
        result += [
            (a, b),
            (a, -math.nextafter(a, b)),  # cancels but for one bit
            (a, a * UNIT),  # half of the last bit: a tie
            (a, a * (UNIT + 2**-80)),
            (
                a,
                _with_exponent(b, -_exponent(a) + int(rng.integers(-1080, -1010))),
            ),  # the product underflows, or nearly
            (a, _with_exponent(b, -_exponent(a) + int(rng.integers(1000, 1030)))),  # it overflows, or nearly
        ]
    return [pair for pair in result if all(map(math.isfinite, pair))][:count]


def _exponent(a):
    return math.frexp(a)[1]


def _with_exponent(a, exponent):
    return math.ldexp(math.frexp(a)[0], min(exponent, 1024)) or SMALLEST


def wide(numbers, seed=0):
    """Of each number a low and a high end: equal, near, some way apart, or around 0."""
    rng = np.random.default_rng(seed)
    for a in numbers:
        kind = int(rng.integers(0, 4))
        other = (a, math.nextafter(a, math.inf), a * (1 + float(rng.random())), -a * float(rng.random()))[kind]
        other = other if math.isfinite(other) else a
        yield min(a, other), max(a, other)


def between(low, high, rng):
    """An exact number from low to high, the ends among them."""
    share = (Fraction(0), Fraction(1), Fraction(int(rng.integers(0, 2**30)), 2**30))[int(rng.integers(0, 3))]
    return Fraction(low) + share * (Fraction(high) - Fraction(low))
