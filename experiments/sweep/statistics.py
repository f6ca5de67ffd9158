"""Means over seeds, and differences between runs of the same seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """The mean difference of runs that have their seeds in common, and the interval of Student's t around it.

    low, high   None of one seed
    deviation   of the differences; None of one seed
    """

    mean: float
    low: float | None
    high: float | None
    deviation: float | None
    seeds: int

    def seeds_for(self, half_width: float) -> int | None:
        """About how many seeds would give an interval of that half width: by the normal distribution."""
        if self.deviation is None:
            return None
        return max(2, int(np.ceil((stats.norm.ppf((1 + CONFIDENCE) / 2) * self.deviation / half_width) ** 2)))


def difference(values: Sequence[float], others: Sequence[float]) -> Difference:
    """values - others, seed by seed.

    >>> found = difference([0.9, 0.92, 0.91], [0.9, 0.91, 0.92])
    >>> round(found.mean, 4), round(found.low, 4), round(found.high, 4)
    (0.0, -0.0248, 0.0248)
    """
    apart = np.subtract(values, others)
    mean = float(apart.mean())
    if len(apart) < 2:
        return Difference(mean, None, None, None, len(apart))
    deviation = float(apart.std(ddof=1))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(apart) - 1) * deviation / np.sqrt(len(apart)))
    return Difference(mean, mean - half, mean + half, deviation, len(apart))


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float | None]:
    """The mean, and the sample standard deviation; None of one value.

    >>> mean_and_deviation([1.0, 3.0])
    (2.0, 1.4142135623730951)
    """
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None
