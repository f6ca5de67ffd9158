"""Bounds on a polynomial, from the kernel that computes it: its degree, and the size of its coefficients.

Run on these numbers, a kernel of + - * follows (max, +) for the degree and absolute values for the sum of all
coefficients' magnitudes ("mass"), which no coefficient exceeds. Nothing cancels: both are bounds from above.
"""

import numbers
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Bound(numbers.Number):
    """A polynomial with integer coefficients, of at most `degree`, the absolute coefficients at most `mass` in sum.

    Raises ValueError unless both are integers of at least 0.
    """

    degree: int
    mass: int

    def __post_init__(self):
        if not (isinstance(self.degree, int) and isinstance(self.mass, int) and self.degree >= 0 and self.mass >= 0):
            raise ValueError(f"degree and mass must be integers of at least 0, got {self!r}")

    def __add__(self, other):
        other = as_bound(other)
        if not other.mass or not self.mass:
            return self if self.mass else other
        return Bound(max(self.degree, other.degree), self.mass + other.mass)

    def __mul__(self, other):
        other = as_bound(other)
        if not other.mass or not self.mass:
            return Bound(0, 0)
        return Bound(self.degree + other.degree, self.mass * other.mass)

    __radd__ = __sub__ = __rsub__ = __add__
    __rmul__ = __mul__

    def __neg__(self):
        return self

    def __eq__(self, other):
        """Known of a free variable, which is no constant, alone."""
        if self is VARIABLE and isinstance(other, numbers.Integral):
            return False
        raise TypeError("bounds of polynomials cannot be compared: what they bound is not known")

    __hash__ = None

    def __bool__(self):
        raise TypeError("whether a polynomial is 0 is not known from its bounds")


VARIABLE = Bound(1, 1)


def as_bound(number):
    """`number` as a constant polynomial; TypeError for one that is no integer."""
    if isinstance(number, Bound):
        return number
    if not isinstance(number, numbers.Integral):
        raise TypeError(f"a polynomial's constants must be integers, got {number!r}")
    return Bound(0, abs(int(number)))
