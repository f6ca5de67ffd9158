"""ψ of every built-in surrogate over contiguous numbers, without branches inside the loop, so that it runs as vectors.

The formulas are those of `ottt_ref.network.surrogate`. Exponentials are of numbers up to 0, in the arrays' own
precision: e^x = 2^n e^r, n the whole number next to x / ln 2, e^r by a polynomial, |r| <= ln(2) / 2.
"""

from __future__ import annotations

import math

import numpy as np
from numba import types
from numba.extending import overload

from ...network.surrogate import ALL, Surrogate
from .compiling import fast_kernel
from .vector_loops import number_of_bits, part_of, wide_vectors

SIGMOID, ARCTAN, TRIANGLE, RECTANGLE, FAST_SIGMOID, MULTI_GAUSSIAN = range(6)
NONE = -1  # of a readout: ψ = 1
LOG2_E = 1 / math.log(2)
HIGH, LOW = 0.693145751953125, 1.4286068203094172e-06  # ln 2 in two parts: n times the first is exact
ROOT_TWO_PI = math.sqrt(2 * math.pi)


def kind_of(surrogate: Surrogate) -> int:
    """The number by which kernels know a built-in surrogate; ValueError for another.

    >>> import ottt_ref as ot
    >>> from ottt_ref.fast.kernels.surrogates import kind_of
    >>> kind_of(ot.surrogate.Sigmoid()), kind_of(ot.surrogate.MultiGaussian())
    (0, 5)
    """
    return [kind.__name__ for kind in ALL].index(type(surrogate).__name__)


def numbers_of(surrogate: Surrogate, dtype: np.dtype) -> np.ndarray:
    """A surrogate's numbers as kernels take them, [4], those that it has first."""
    numbers = [float(number) for number in surrogate.parameters()]
    return np.array([*numbers, *(0.0 for _ in range(4 - len(numbers)))], dtype=dtype)


def exponential(x):
    """e^x of x <= 0, of float32 or float64; below e^-87 and e^-708 it is 0."""
    return math.exp(x)


@overload(exponential)
def _exponential(x):
    single = x == types.float32
    kind, whole = (np.float32, np.int32) if single else (np.float64, np.int64)
    least, shift, bias = (kind(-87), 23, 127) if single else (kind(-708), 52, 1023)
    log2_e, high, low, half, zero, one = kind(LOG2_E), kind(HIGH), kind(LOW), kind(0.5), kind(0), kind(1)
    c2, c3, c4, c5, c6, c7 = (kind(1 / math.factorial(k)) for k in range(2, 8))
    c8, c9, c10, c11, c12 = (kind(1 / math.factorial(k)) for k in range(8, 13))

    def in_single(x):
        given, x = x, max(x, least)
        n = np.floor(x * log2_e + half)
        r = (x - n * high) - n * low
        p = one + r * (one + r * (c2 + r * (c3 + r * (c4 + r * (c5 + r * (c6 + r * c7))))))
        return p * number_of_bits(whole((whole(n) + bias) << shift)) if given >= least else zero

    def in_double(x):
        given, x = x, max(x, least)
        n = np.floor(x * log2_e + half)
        r = (x - n * high) - n * low
        p = c7 + r * (c8 + r * (c9 + r * (c10 + r * (c11 + r * c12))))
        p = one + r * (one + r * (c2 + r * (c3 + r * (c4 + r * (c5 + r * (c6 + r * p))))))
        return p * number_of_bits(whole((whole(n) + bias) << shift)) if given >= least else zero

    return in_single if single else in_double


@fast_kernel(fastmath={"contract"})
def derivatives(result, result_at, potential, potential_at, threshold, threshold_at, count, kind, numbers):
    """ψ(u - V_th) of `count` neurons, each with a threshold of its own; `result` may be `potential`."""
    wide_vectors()
    psi = part_of(result, result_at, count)  # views: an index that may be negative is no vector's
    u = part_of(potential, potential_at, count)
    own = part_of(threshold, threshold_at, count)
    kind_of_number = result.dtype.type  # a literal would turn float32 into float64
    zero, one, two = kind_of_number(0), kind_of_number(1), kind_of_number(2)
    if kind == SIGMOID:
        alpha = numbers[0]
        for i in range(count):
            z = u[i] - own[i]
            decaying = exponential(-abs(alpha * z))
            psi[i] = alpha * decaying / ((one + decaying) * (one + decaying))
    elif kind == ARCTAN:
        scale, height = numbers[0] * kind_of_number(math.pi / 2), numbers[0] / two
        for i in range(count):
            scaled = scale * (u[i] - own[i])
            psi[i] = height / (one + scaled * scaled)
    elif kind == TRIANGLE:
        width, height = numbers[0], numbers[1]
        for i in range(count):
            z = abs(u[i] - own[i])
            psi[i] = height * max(width - z, zero) / width
    elif kind == RECTANGLE:
        height, half_width = numbers[0], numbers[1]
        for i in range(count):
            z = abs(u[i] - own[i])
            psi[i] = height if z < half_width else zero
    elif kind == FAST_SIGMOID:
        width, height = numbers[0], numbers[1]
        for i in range(count):
            z = abs(u[i] - own[i])
            share = width / (width + z)
            psi[i] = height * share * share
    elif kind == MULTI_GAUSSIAN:
        sigma, share, scale = numbers[0], numbers[1], numbers[3]
        wide = numbers[2] * sigma
        root = kind_of_number(ROOT_TWO_PI)
        narrow_scale, wide_scale = (one + share) / (root * sigma), share / (root * wide)
        narrow_exponent, wide_exponent = -one / (two * sigma * sigma), -one / (two * wide * wide)
        for i in range(count):
            x = u[i] - own[i]
            centre = narrow_scale * exponential(narrow_exponent * x * x)
            right = exponential(wide_exponent * (x - sigma) * (x - sigma))
            left = exponential(wide_exponent * (x + sigma) * (x + sigma))
            psi[i] = scale * (centre - wide_scale * (right + left))
    else:
        for i in range(count):
            psi[i] = one
