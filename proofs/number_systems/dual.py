"""Dual numbers: a value and its derivative along one direction, carried through + - * / exactly."""

import numbers
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, eq=False)
class Dual(numbers.Number):
    """value + slope · ε with ε² = 0; over integers and fractions nothing is rounded. Compared by value.

    Where a float enters, the result's numbers are floats, rounded as floats are.
    """

    value: numbers.Number
    slope: numbers.Number = Fraction(0)

    def __post_init__(self):
        for name in ("value", "slope"):  # an integer divided by an integer would be a rounded float
            number = getattr(self, name)
            if isinstance(number, numbers.Integral):
                object.__setattr__(self, name, Fraction(int(number)))

    def __add__(self, other):
        other = as_dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    def __sub__(self, other):
        other = as_dual(other)
        return Dual(self.value - other.value, self.slope - other.slope)

    def __mul__(self, other):
        other = as_dual(other)
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    def __truediv__(self, other):
        other = as_dual(other)
        value = self.value / other.value
        return Dual(value, (self.slope - value * other.slope) / other.value)

    def __radd__(self, other):
        return as_dual(other) + self

    def __rsub__(self, other):
        return as_dual(other) - self

    def __rmul__(self, other):
        return as_dual(other) * self

    def __rtruediv__(self, other):
        return as_dual(other) / self

    def __neg__(self):
        return Dual(-self.value, -self.slope)

    def __eq__(self, other):
        return self.value == as_dual(other).value

    def __lt__(self, other):
        return self.value < as_dual(other).value

    def __le__(self, other):
        return self.value <= as_dual(other).value

    def __gt__(self, other):
        return self.value > as_dual(other).value

    def __ge__(self, other):
        return self.value >= as_dual(other).value

    __hash__ = None

    def __bool__(self):
        return self.value != 0


def as_dual(number):
    """`number` as a dual number: a constant unless it is one already."""
    return number if isinstance(number, Dual) else Dual(number)
