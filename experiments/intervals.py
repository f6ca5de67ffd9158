"""Means and slopes with Student's 95 % intervals."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import linregress
from scipy.stats import t as student

CONFIDENCE = 0.95


def of_mean(values, lowest=-math.inf, highest=math.inf):
    """Mean, and the lower and upper end of its interval, cut off where values end; ends None for fewer than two."""
    if not values:
        return None, None, None
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, None, None
    half = _student(len(values) - 1) * float(np.std(values, ddof=1)) / len(values) ** 0.5
    return mean, max(lowest, mean - half), min(highest, mean + half)


@dataclass(frozen=True)
class Slope:
    """The slope of the line of least squares, and the ends of its interval."""

    value: float
    low: float
    high: float

    @property
    def holds_zero(self):
        """Whether 0 lies in the interval."""
        return self.low <= 0 <= self.high


def of_slope(places, values):
    """The Slope of `values` over `places`; None for fewer than three points, which leave no degree of freedom."""
    if len(places) < 3:
        return None
    if len(set(values)) == 1:  # linregress has no standard error for it
        return Slope(0.0, 0.0, 0.0)
    found = linregress(places, values)
    half = _student(len(places) - 2) * float(found.stderr)
    return Slope(float(found.slope), float(found.slope) - half, float(found.slope) + half)


def _student(freedom):
    return float(student.ppf((1 + CONFIDENCE) / 2, freedom))
