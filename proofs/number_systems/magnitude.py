"""Magnitudes: run a kernel on them and they bound the rounding error of its run in floats.

Take an expression of + - *, with |x| in place of x and every subtraction turned into an addition. Its result X bounds
the sum of the absolute values of all its terms. If no term passes more than n rounded operations, roundings make a
difference of at most ((1 + u)^n - 1) X, u the unit roundoff (Higham 2002, Accuracy and Stability of Numerical
Algorithms, section 3.1).

A product that underflows is also wrong by up to half the smallest float η, and what it is multiplied with later
multiplies that. The error that comes of this is at most (1 + u)^n K η, with K = K_x Y + X K_y + K_x K_y η + 1/2 for a
product and K = K_x + K_y for a sum, which is exact where it underflows. So

    |computed - exact| <= ((1 + u)^n - 1) X + (1 + u)^n K η,

as long as no result on the way overflows. X and K are floats themselves, always rounded up.
"""

import math
import numbers
from dataclasses import dataclass

import numpy as np

from .exact import as_fraction, floats_around

UNIT_ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24}
ETA = {"float64": 2.0**-1074, "float32": 2.0**-149}  # the smallest float above 0 ...
LARGEST = {name: float(np.finfo(name).max) for name in UNIT_ROUNDOFF}  # ... and the largest
SMALLEST = 2.0**-1000  # above what underflows in the bound's own arithmetic, below anything that matters


@dataclass(frozen=True, eq=False)
class Magnitude(numbers.Number):
    """A bound on the sum of the absolute values of an expression's terms, and the roundings that each passes.

    underflow  K: the error made by underflow, in units of the smallest float
    largest    the largest X + K on the way: where it passes the largest float, a result may be infinite

    Raises ValueError for a value below 0, infinite or no number; results may be infinite, and bound nothing then.
    """

    value: float
    roundings: int = 0
    underflow: float = 0.0
    largest: float = 0.0

    def __post_init__(self):
        if not (self.value >= 0 and self.roundings >= 0 and self.underflow >= 0):
            raise ValueError(f"magnitudes and roundings must be at least 0, got {self!r}")
        object.__setattr__(self, "largest", max(self.largest, self.value + self.underflow))

    def __add__(self, other):
        other = as_magnitude(other)
        return Magnitude(
            _sum(self.value, other.value),
            max(self.roundings, other.roundings) + 1,
            _sum(self.underflow, other.underflow),
            max(self.largest, other.largest),
        )

    def __mul__(self, other):
        other = as_magnitude(other)
        roundings, largest = self.roundings + other.roundings + 1, max(self.largest, other.largest)
        if 0 == self.value == self.underflow or 0 == other.value == other.underflow:  # exact zeros: so is the product
            return Magnitude(0.0, roundings, 0.0, largest)
        crossed = _sum(_product(self.underflow, other.value), _product(self.value, other.underflow))
        both = _product(_product(self.underflow, other.underflow), ETA["float32"])
        return Magnitude(_product(self.value, other.value), roundings, _sum(_sum(crossed, both), 0.5), largest)

    __radd__ = __sub__ = __rsub__ = __add__
    __rmul__ = __mul__

    def __neg__(self):
        return self

    def __eq__(self, other):
        raise TypeError("magnitudes bound what they stand for: they cannot be compared")

    __hash__ = None

    def __bool__(self):
        raise TypeError("magnitudes bound what they stand for: whether it is 0 is not known")

    def rounding_bound(self, dtype="float64"):
        """The largest difference between the exact result and the one computed in `dtype`, float64 or float32.

        The data must be numbers of that dtype. Infinite where a result on the way may overflow.
        """
        name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
        if name not in UNIT_ROUNDOFF:
            raise ValueError(f"dtype must be float64 or float32, got {name}")
        share = self.roundings * UNIT_ROUNDOFF[name]
        if share > 0.5 or not 2 * self.largest < LARGEST[name]:
            return math.inf
        # (1 + u)^n - 1 <= n u / (1 - n u); 1.01 for the roundings of this line itself
        return 1.01 * (share * self.value + self.underflow * ETA[name]) / (1 - share) + SMALLEST


def as_magnitude(number):
    """`number` as the magnitude of an exact datum, unless it is a magnitude already.

    Raises TypeError for no real number, and ValueError for one that no float holds: it would be rounded before it is
    counted.
    """
    if isinstance(number, Magnitude):
        return number
    if not isinstance(number, float):
        low, high = floats_around(number)
        if low != high:
            raise ValueError(f"data must be floats, got {number!r}, which none holds")
        number = low
    if not math.isfinite(number):
        as_fraction(number)
    return Magnitude(abs(float(number)))


def _sum(a, b):
    """a + b of numbers that are at least 0, rounded up."""
    if a == 0 or b == 0:
        return a + b
    return math.nextafter(a + b, math.inf)


def _product(a, b):
    """a · b of numbers that are at least 0, rounded up; infinity, without bound, times 0 is 0."""
    if a == 0 or b == 0:
        return 0.0
    return math.nextafter(a * b, math.inf)
