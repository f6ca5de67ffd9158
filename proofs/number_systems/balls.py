"""Arrays of balls, midpoint ± radius: intervals for whole networks, as fast as numpy multiplies matrices.

Each operation encloses what it computes: the radius takes in the radii of the operands and the rounding of the
midpoint, a sum of n products by γ_n = n u / (1 - n u) times the sum of their absolute values, in whatever order it is
added up (Higham 2002, section 3.1; Rump 1999, Fast and parallel interval arithmetic). Radii are computed in floats too,
and made larger by more than their own rounding.

Sums are exact where they underflow. Products are not: each is wrong by up to half the smallest float, SMALLEST. Where
nothing multiplies that error any more, UNDERFLOW is more than all of it. Where it is multiplied, in the radius of a
matrix product, SMALLEST is added before.
"""

from dataclasses import dataclass

import numpy as np

from .exact import SMALLEST, as_fraction, floats_around

UNIT = 2.0**-53
UNDERFLOW = 1e-290  # above what underflow takes from a product, or from as many as an array has
LN2 = (0.6931471805599453, 2.4e-17)  # ln 2 is 2.32e-17 above this float
DEGREE = 16  # of the exponential's polynomial ...
REST = 1e-21  # ... which leaves out less than 0.4^17 / 17! · e^0.4 at |r| <= 0.4
TINY_EXPONENTIAL = 1e-259  # above e^-599


@dataclass(frozen=True, eq=False)
class Balls:
    """An array of numbers, each within `radius` of `middle`; float64 arrays of one shape.

    Raises TypeError for other arrays (`as_balls` encloses what no float64 holds). Raises ValueError for a middle or a
    radius that is not finite, of the operands or of a result, and for a radius below 0.
    """

    middle: np.ndarray
    radius: np.ndarray

    __array_ufunc__ = None  # array * balls is balls' own
    __hash__ = None

    def __post_init__(self):
        middle, radius = np.asarray(self.middle), np.asarray(self.radius)
        if not (middle.dtype == radius.dtype == np.float64 and middle.shape == radius.shape):
            raise TypeError(
                f"middle and radius must be float64 arrays of one shape, got {middle.dtype} {middle.shape} and "
                f"{radius.dtype} {radius.shape}"
            )
        if not (np.isfinite(middle).all() and np.isfinite(radius).all() and np.all(radius >= 0)):
            raise ValueError("balls must have a finite middle and a finite radius of at least 0: they overflowed")
        object.__setattr__(self, "middle", middle)
        object.__setattr__(self, "radius", radius)

    def __eq__(self, other):
        raise TypeError("balls are compared with 0 alone, by positive() and negative()")

    def __bool__(self):
        raise TypeError("balls are compared with 0 alone, by positive() and negative()")

    def __add__(self, other):
        other = as_balls(other)
        with _quiet():
            middle = self.middle + other.middle
            return Balls(middle, _grown(self.radius + other.radius + UNIT * abs(middle)))

    def __sub__(self, other):
        return self + -as_balls(other)

    def __rsub__(self, other):
        return as_balls(other) + -self

    def __mul__(self, other):
        other = as_balls(other)
        with _quiet():
            middle = self.middle * other.middle
            radius = abs(self.middle) * other.radius + self.radius * (abs(other.middle) + other.radius)
            return Balls(middle, _grown(radius + UNIT * abs(middle) + UNDERFLOW * (self._nonzero * other._nonzero)))

    def __matmul__(self, other):
        other = as_balls(other)
        terms = self.middle.shape[-1]
        sizes = abs(other.middle)
        with _quiet():
            rounding = 2 * terms * UNIT * sizes + SMALLEST * (sizes != 0)  # what is multiplied must not underflow
            radius = abs(self.middle) @ (other.radius + rounding) + self.radius @ (sizes + other.radius)
            underflow = UNDERFLOW * (self._nonzero @ other._nonzero)  # a sum of exact zeros stays one
            return Balls(self.middle @ other.middle, _grown(radius + underflow, terms))

    def __truediv__(self, other):
        return self * as_balls(other).inverse()

    def __rtruediv__(self, other):
        return as_balls(other) * self.inverse()

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self):
        return Balls(-self.middle, self.radius)

    def __abs__(self):
        return Balls(abs(self.middle), self.radius)

    def __getitem__(self, index):
        return Balls(self.middle[index], self.radius[index])

    @property
    def T(self):
        """The transposed matrix."""
        return Balls(self.middle.T, self.radius.T)

    @property
    def _nonzero(self):
        """1 where a ball is not the exact 0."""
        return ((self.middle != 0) | (self.radius != 0)).astype(float)

    def inverse(self):
        """1 / x; raises ZeroDivisionError where a ball holds 0, or numbers below 1e-150."""
        size = abs(self.middle)
        if not np.all(size - self.radius > 1e-150):
            raise ZeroDivisionError("a ball that holds 0, or nearly, has no inverse")
        middle = 1 / self.middle
        radius = self.radius / size / (size - self.radius)  # |1/x - 1/m| = |x - m| / (|m| |x|)
        return Balls(middle, _grown(radius + UNIT * abs(middle) + UNDERFLOW))

    def sum(self, axis):
        """The sum along an axis."""
        terms = self.middle.shape[axis]
        with _quiet():
            radius = self.radius.sum(axis=axis) + 2 * terms * UNIT * abs(self.middle).sum(axis=axis)
            return Balls(self.middle.sum(axis=axis), _grown(radius, terms))

    def exp(self):
        """e^x, by e^x = 2^k e^r, r = x - k ln 2, and Taylor's polynomial of e^r; between 0 and e^-600 below -600."""
        if not np.all(self.middle + self.radius <= 600):
            raise ValueError(f"exponents must be at most 600, got {(self.middle + self.radius).max()}")
        small = self.middle < -600
        powers = np.rint(np.where(small, 0.0, self.middle) / LN2[0])
        rest = Balls(np.where(small, 0.0, self.middle), self.radius)
        rest = rest - Balls(np.full_like(powers, LN2[0]), np.full_like(powers, LN2[1])) * powers
        if not np.all(abs(rest.middle) + rest.radius <= 0.4):
            raise ValueError(f"exponents must be known to within 0.05, got a radius of {self.radius.max():.3g}")
        total = as_balls(np.ones_like(powers))
        for k in range(DEGREE, 0, -1):
            total = 1 + total * rest / k
        middle, radius = (np.ldexp(part, powers.astype(int)) for part in (total.middle, _grown(total.radius + REST)))
        return Balls(np.where(small, 0.0, middle), np.where(small, TINY_EXPONENTIAL, radius))

    def positive(self):
        """Where the number is above 0 for certain."""
        return self.middle > self.radius

    def negative(self):
        """Where the number is below 0 for certain."""
        return -self.middle > self.radius


def as_balls(values):
    """An array or a number as balls: of radius 0 where float64 holds the number, of the least radius elsewhere.

    Raises TypeError for what are no real numbers, ValueError for what is not finite.
    """
    if isinstance(values, Balls):
        return values
    if not isinstance(values, float | np.ndarray | np.generic):
        values = np.array(values, dtype=object)  # float64 would round an integer that stands beside a float
    middle = np.asarray(values)
    if middle.dtype in (np.float64, np.float32, np.float16):
        middle = middle.astype(np.float64, copy=False)
        return Balls(middle, np.zeros_like(middle))
    middle, radius = np.empty(middle.shape), np.zeros(middle.shape)
    for index, value in np.ndenumerate(np.asarray(values)):
        exact = as_fraction(value)
        middle[index] = near = floats_around(exact)[0]
        if np.isfinite(near):
            radius[index] = floats_around(abs(exact - as_fraction(near)))[1]
    return Balls(middle, radius)


def stack(balls):
    """Balls of one shape along a new first axis."""
    return Balls(np.stack([each.middle for each in balls]), np.stack([each.radius for each in balls]))


def _grown(radius, terms=1):
    """Above the exact radius, of which `radius` was computed by sums of `terms` products of numbers above 0.

    Where a radius is so small that it cannot grow, below 2^-1022, it is a sum of such numbers, and exact.
    """
    return radius * (1 + 4 * (terms + 8) * UNIT)


def _quiet():
    """What overflows is refused by Balls, without numpy's warning before."""
    return np.errstate(over="ignore", invalid="ignore")


def solve(matrix, right):
    """The solution of a square system, enclosed: [n, n] balls and [n] balls.

    With R near the inverse and |I - R A| <= β < 1, the solution lies within |R (b - A x)| / (1 - β) of any x. Raises
    ValueError where β is not below 1/2: the matrix may be singular.
    """
    size = len(matrix.middle)
    if matrix.middle.shape != (size, size) or right.middle.shape != (size,):
        raise ValueError(
            f"a system needs a matrix [n, n] and a right side [n], got {matrix.middle.shape} and {right.middle.shape}"
        )
    try:
        inverse = np.linalg.inv(matrix.middle)
    except np.linalg.LinAlgError:
        raise ValueError("the matrix may be singular: its midpoint is") from None
    guess = inverse @ right.middle
    rest = as_balls(np.eye(len(guess))) - as_balls(inverse) @ matrix
    beta = (abs(rest.middle) + rest.radius).sum(axis=1).max() * (1 + 4 * len(guess) * UNIT)
    if not beta < 0.5:
        raise ValueError(f"the matrix may be singular: |I - R A| <= {beta:.3g} is all that is known")
    residual = as_balls(inverse) @ (right - matrix @ as_balls(guess))
    size = (abs(residual.middle) + residual.radius).max() / (1 - beta) * (1 + 16 * UNIT)
    return Balls(guess, np.full_like(guess, size))
