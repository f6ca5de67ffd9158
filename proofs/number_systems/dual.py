"""Dual numbers: a value and its derivative along one direction, carried through + - * / exactly."""

import numbers
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, eq=False)
class Dual(numbers.Number):
    """value + slope · ε with ε² = 0; over fractions.Fraction nothing is rounded. Compared by value."""

    value: numbers.Number
    slope: numbers.Number = Fraction(0)

    def __post_init__(self):
        if isinstance(self.value, int):  # an int divided by an int would be a rounded float
            object.__setattr__(self, "value", Fraction(self.value))

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


def as_dual(number):
    """`number` as a dual number: a constant unless it is one already."""
    return number if isinstance(number, Dual) else Dual(number)
