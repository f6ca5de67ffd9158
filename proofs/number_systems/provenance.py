"""Provenance: numbers that carry no value, only the set of variables that they were made of."""

import numbers
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Provenance(numbers.Number):
    """The variables (any hashable labels) that entered a result. A plain number is a constant: it adds none.

    A product with the constant 0 is 0: an accumulator that was never written to depends on nothing.
    """

    variables: frozenset

    def __add__(self, other):
        return Provenance(self.variables | variables_of(other))

    def __mul__(self, other):
        if not isinstance(other, Provenance) and other == 0:
            return 0
        return Provenance(self.variables | variables_of(other))

    __radd__ = __sub__ = __rsub__ = __add__
    __rmul__ = __mul__

    def __truediv__(self, other):
        return Provenance(self.variables | variables_of(other))

    def __rtruediv__(self, other):
        return Provenance(self.variables | variables_of(other))

    def __neg__(self):
        return self

    def __eq__(self, other):
        raise TypeError("numbers without a value cannot be compared: what is decided by them would not be seen")

    __hash__ = None

    def __bool__(self):
        raise TypeError("a number without a value is neither 0 nor another")


def variables_of(number):
    """The variables that `number` was made of; none for a plain number."""
    return number.variables if isinstance(number, Provenance) else frozenset()


def variable(*label):
    """A number that was made of the one variable `label`."""
    return Provenance(frozenset([label]))
