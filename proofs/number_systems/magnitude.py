"""Magnitudes: run a kernel on them and they bound the rounding error of its run in floats.

If an expression of + - * has the same operations on |x| in place of x, with every subtraction turned into an addition,
the result bounds the sum of the absolute values of all its terms; and if no term passes more than `roundings`
rounded operations, then |computed - exact| <= ((1 + u)^roundings - 1) · value, u the unit roundoff (Higham 2002,
Accuracy and Stability of Numerical Algorithms, section 3.1).
"""

import numbers
from dataclasses import dataclass

UNIT_ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24}
SMALLEST = 2.0**-1000  # above any underflow in double precision, below anything that matters


@dataclass(frozen=True, eq=False)
class Magnitude(numbers.Number):
    """A bound on the sum of the absolute values of an expression's terms, and the roundings that each passes."""

    value: float
    roundings: int = 0

    def __add__(self, other):
        other = as_magnitude(other)
        return Magnitude(self.value + other.value, max(self.roundings, other.roundings) + 1)

    def __mul__(self, other):
        other = as_magnitude(other)
        return Magnitude(self.value * other.value, self.roundings + other.roundings + 1)

    __radd__ = __sub__ = __rsub__ = __add__
    __rmul__ = __mul__

    def __neg__(self):
        return self

    def rounding_bound(self, dtype="float64"):
        """The largest difference between the exact result and the one computed in `dtype`."""
        unit = UNIT_ROUNDOFF[str(dtype)]
        return 1.01 * self.roundings * unit * self.value + SMALLEST  # 1.01: (1 + u)^n - 1 < 1.01 n u for n u < 0.01


def as_magnitude(number):
    """`number` as the magnitude of an exact datum, unless it is a magnitude already."""
    return number if isinstance(number, Magnitude) else Magnitude(abs(float(number)))
