"""Intervals with outward rounding: what is computed in floats lies in them for certain, and so does its sign.

Each operation rounds its lower end down and its upper end up, but only where the floating-point result is inexact: the
error of a sum and of a product is itself a float (Dekker 1971), so that exactness is known. Exponentials, logarithms
and square roots are those of `decimal`, which rounds them correctly. Comparisons that the interval does not decide
raise Undecided. An end may be infinite: beyond the largest float nothing is known.
"""

import decimal
import math
import numbers
from dataclasses import dataclass
from fractions import Fraction

from .exact import as_fraction, floats_around

PRECISE = decimal.Context(
    prec=30, rounding=decimal.ROUND_HALF_EVEN, Emin=-999999, Emax=999999, traps=[decimal.InvalidOperation]
)  # e^x beyond 10^999999 is infinite, and 0 below 10^-999999: the float beyond either encloses it


class Undecided(ArithmeticError):
    """A comparison of intervals that overlap."""


@dataclass(frozen=True, eq=False)
class Interval(numbers.Number):
    """All numbers from `low` to `high`, two floats; the one number `low` without `high`.

    Ends that are no floats are rounded outwards. Raises TypeError for what is no real number, and ValueError for an
    interval of nothing.
    """

    low: float
    high: float | None = None

    def __post_init__(self):
        if type(self.low) is not float or type(self.high) is not float:
            high = self.low if self.high is None else self.high
            object.__setattr__(self, "low", _as_float(self.low, 0))
            object.__setattr__(self, "high", _as_float(high, 1))
        if not self.low <= self.high or self.low == math.inf or self.high == -math.inf:
            raise ValueError(f"low must be at most high, and some number between, got {self.low!r} and {self.high!r}")

    def __add__(self, other):
        other = as_interval(other)
        return Interval(_down(*_sum(self.low, other.low)), _up(*_sum(self.high, other.high)))

    def __sub__(self, other):
        return self + -as_interval(other)

    def __rsub__(self, other):
        return as_interval(other) + -self

    def __mul__(self, other):
        return self._of_ends(as_interval(other), _product)

    def __truediv__(self, other):
        other = as_interval(other)
        if other.low <= 0 <= other.high:
            raise ZeroDivisionError(f"an interval cannot be divided by one that holds 0, got {other}")
        return self._of_ends(other, _quotient)

    def __rtruediv__(self, other):
        return as_interval(other) / self

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self):
        return Interval(-self.high, -self.low)

    def __abs__(self):
        if self.low >= 0:
            return self
        return -self if self.high <= 0 else Interval(0.0, max(-self.low, self.high))

    def __lt__(self, other):
        return self._decide(as_interval(other), lambda a, b: a.high < b.low, lambda a, b: a.low >= b.high)

    def __le__(self, other):
        return self._decide(as_interval(other), lambda a, b: a.high <= b.low, lambda a, b: a.low > b.high)

    def __gt__(self, other):
        return as_interval(other) < self

    def __ge__(self, other):
        return as_interval(other) <= self

    def __eq__(self, other):
        other = as_interval(other)
        if self.low == self.high == other.low == other.high:
            return True
        if self.high < other.low or other.high < self.low:
            return False
        raise Undecided(f"{self} and {other} overlap")

    __hash__ = None

    def __bool__(self):
        return self != 0

    def __contains__(self, number):
        exact = as_fraction(number)
        above = self.low == -math.inf or Fraction(self.low) <= exact
        return above and (self.high == math.inf or exact <= Fraction(self.high))

    def __str__(self):
        return f"[{self.low!r}, {self.high!r}]"

    def _of_ends(self, other, operation):
        """The smallest and the largest result between the ends, of an operation that is monotone in either."""
        pairs = {(a, b) for a in (self.low, self.high) for b in (other.low, other.high)}
        results = [operation(*pair) for pair in pairs]
        return Interval(min(_down(*result) for result in results), max(_up(*result) for result in results))

    def _decide(self, other, certainly, certainly_not):
        if certainly(self, other):
            return True
        if certainly_not(self, other):
            return False
        raise Undecided(f"{self} and {other} overlap")


def exp(x):
    """e^x, outwards by a float beyond the correctly rounded ends."""
    return _rising(as_interval(x), decimal.Decimal.exp)


def log(x):
    """ln x of an interval above 0."""
    x = as_interval(x)
    if not x.low > 0:
        raise ValueError(f"the logarithm needs an interval above 0, got {x}")
    return _rising(x, decimal.Decimal.ln)


def sqrt(x):
    """√x of an interval that holds nothing below 0."""
    x = as_interval(x)
    if not x.low >= 0:
        raise ValueError(f"the square root needs an interval of at least 0, got {x}")
    return _rising(x, decimal.Decimal.sqrt)


def _rising(x, function):
    low, high = (float(function(decimal.Decimal(end), context=PRECISE)) for end in (x.low, x.high))
    return Interval(math.nextafter(low, -math.inf), math.nextafter(high, math.inf))


def as_interval(number):
    """`number` as the smallest interval of floats that holds it; raises TypeError or ValueError for no real number."""
    if isinstance(number, Interval):
        return number
    if type(number) is float:
        return Interval(number, number)
    return Interval(number)


def _as_float(number, side):
    """The number as a float of Python; the float below (side 0) or above (side 1) what is none."""
    return float(number) if isinstance(number, float) else floats_around(number)[side]


def _down(value, exact):
    return value if exact else math.nextafter(value, -math.inf)


def _up(value, exact):
    return value if exact else math.nextafter(value, math.inf)


def _sum(a, b):
    """a + b rounded, and whether it is exact: the rounding error is a float (Knuth's TwoSum)."""
    value = a + b
    if math.isinf(value):
        return value, False
    back = value - a
    return value, (a - (value - back)) + (b - back) == 0


def _product(a, b):
    """a · b rounded, and whether it is exact (Dekker's product); a tiny or huge one counts as inexact.

    An infinite end stands for numbers without bound, each of which is finite: 0 times it is 0.
    """
    if a == 0 or b == 0:
        return 0.0, True
    value = a * b
    if not 1e-250 < abs(value) < 1e250 or max(abs(a), abs(b)) > 1e150:
        return value, False
    (a_high, a_low), (b_high, b_low) = _split(a), _split(b)
    error = ((a_high * b_high - value) + a_high * b_low + a_low * b_high) + a_low * b_low
    return value, error == 0


def _quotient(a, b):
    """a / b rounded, and whether it is exact; without an infinite end, b is not 0.

    A number over numbers without bound comes as near to 0 as one likes. Where both are without bound, the other ends
    give the extremes, 0 and infinity, and 0 is one of them.
    """
    if math.isinf(b):
        return 0.0, True
    value = a / b
    product, exact = _product(value, b)
    return value, exact and product == a


def _split(a):
    """Two floats of 26 bits each that sum to a (Veltkamp)."""
    scaled = 134217729.0 * a
    high = scaled - (scaled - a)
    return high, a - high
