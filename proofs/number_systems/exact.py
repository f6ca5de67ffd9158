"""Real numbers as exact fractions, and the floats around a fraction: how numbers enter the number systems."""

import math
import numbers
from decimal import Decimal
from fractions import Fraction

import numpy as np

LARGEST = math.ldexp(1.0 - 2.0**-53, 1024)  # the largest float
SMALLEST = math.ldexp(1.0, -1074)  # the smallest float above 0


def as_fraction(number):
    """The exact value of an integer, a fraction, a decimal or a float of any width.

    Raises TypeError for anything else, and ValueError for what is infinite or no number.
    """
    if isinstance(number, numbers.Integral | np.bool_):
        return Fraction(int(number))
    if not isinstance(number, float | Fraction | Decimal | np.floating):
        raise TypeError(f"numbers must be integers, fractions, decimals or floats, got {number!r}")
    try:
        return Fraction(*number.as_integer_ratio())
    except (OverflowError, ValueError):
        raise ValueError(f"numbers must be finite, got {number!r}") from None


def floats_around(number):
    """The largest float that is at most the number, and the smallest that is at least it; one float twice if it is one.

    Beyond the largest float the one outside is infinite.
    """
    exact = as_fraction(number)
    if abs(exact) > Fraction(LARGEST):
        return (LARGEST, math.inf) if exact > 0 else (-math.inf, -LARGEST)
    near = float(exact)  # Python rounds a fraction to the nearest float
    if Fraction(near) == exact:
        return near, near
    return (near, math.nextafter(near, math.inf)) if near < exact else (math.nextafter(near, -math.inf), near)
