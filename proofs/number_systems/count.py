"""Counting numbers: run a kernel on them and they count its operations.

A multiplication by a spike, 0 or 1, is no multiplication in hardware: what it is added to accumulates (AC), or is left
alone. A multiplication of two real numbers and the addition that follows is a multiply-accumulate (MAC).
"""

import numbers
from dataclasses import dataclass, field


@dataclass
class Tally:
    """How many operations were counted: products of two numbers, products with a spike that fired, sums.

    alone  of the sums, those in which neither side is a product: no multiply-accumulate has them in it
    """

    products: int = 0
    gated: int = 0
    sums: int = 0
    alone: int = 0

    @property
    def multiply_accumulates(self):
        """MAC: every product of two real numbers, with the sum that it goes into, if there is one."""
        return self.products

    @property
    def accumulates(self):
        """AC: every number that a spike lets through, with the sum that it goes into, and every other sum."""
        return self.gated + self.alone


@dataclass(frozen=True, eq=False)
class Counted(numbers.Number):
    """A float whose operations a tally counts; `spike` marks one that is 0 or 1, `product` one that was just made.

    A sum with the constant 0 and a product with the constant 0 or 1 are not counted: no circuit has them. Nor is what
    is multiplied by a spike that did not fire. Raises ValueError for a spike that is neither 0 nor 1.
    """

    value: float
    tally: Tally = field(repr=False)
    spike: bool = False
    product: bool = False

    def __post_init__(self):
        object.__setattr__(self, "value", float(self.value))
        if self.spike and self.value not in (0, 1):
            raise ValueError(f"a spike must be 0 or 1, got {self.value!r}")

    def __add__(self, other):
        other = self._as_counted(other)
        if not (self.value == 0 or other.value == 0):
            self.tally.sums += 1
            if not (self.product or other.product):
                self.tally.alone += 1
        return Counted(self.value + other.value, self.tally)

    def __sub__(self, other):
        return self + -self._as_counted(other)

    def __rsub__(self, other):
        return self._as_counted(other) + -self

    def __mul__(self, other):
        if not isinstance(other, Counted) and other in (0, 1):
            # What is kept to be used again is no part of the multiply-accumulate that a sum would make of a product.
            return Counted(self.value, self.tally, self.spike) if other else Counted(self.value * 0, self.tally)
        other = self._as_counted(other)
        if self.spike or other.spike:
            self.tally.gated += self.value != 0 and other.value != 0
        else:
            self.tally.products += self.value != 0 and other.value != 0
        return Counted(self.value * other.value, self.tally, self.spike and other.spike, product=True)

    def __truediv__(self, other):
        """Counted as the product with the reciprocal, but rounded once, as floats are."""
        other = self._as_counted(other)
        if other.value != 1:
            if self.spike:
                self.tally.gated += self.value != 0
            else:
                self.tally.products += self.value != 0
        return Counted(self.value / other.value, self.tally, product=other.value != 1)

    def __rtruediv__(self, other):
        return self._as_counted(other) / self

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self):
        return Counted(-self.value, self.tally, product=self.product)

    def __lt__(self, other):
        return self.value < self._as_counted(other).value

    def __le__(self, other):
        return self.value <= self._as_counted(other).value

    def __gt__(self, other):
        return self.value > self._as_counted(other).value

    def __ge__(self, other):
        return self.value >= self._as_counted(other).value

    def __eq__(self, other):
        return self.value == self._as_counted(other).value

    __hash__ = None

    def __bool__(self):
        return self.value != 0

    def __float__(self):
        return self.value

    def _as_counted(self, other):
        return other if isinstance(other, Counted) else Counted(float(other), self.tally)
