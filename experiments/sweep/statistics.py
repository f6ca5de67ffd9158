"""Means over seeds, and differences between runs of the same seeds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

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

    @property
    def as_json(self) -> dict[str, Any]:
        """Its fields by name."""
        return asdict(self)

    @property
    def text(self) -> str:
        """In points, with the interval: "-1.20 [-1.95, -0.45]"."""
        interval = "" if self.low is None or self.high is None else f" [{_points(self.low)}, {_points(self.high)}]"
        return f"{_points(self.mean)}{interval}"

    @property
    def certain(self) -> bool:
        """Whether the interval leaves 0 out; that of one seed does not, nor that of differences that are all 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)

    def seeds_for(self, half_width: float) -> int | None:
        """About how many seeds would give an interval of that half width: by the normal distribution."""
        if self.deviation is None:
            return None
        return max(2, int(np.ceil((stats.norm.ppf((1 + CONFIDENCE) / 2) * self.deviation / half_width) ** 2)))


def _points(value):
    """In points with a sign; what is rounded to 0 has a plus."""
    return f"{round(100 * value, 2) + 0.0:+.2f}"


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


Runs = Mapping[int, Mapping[str, Any]]  # the results of a cell by seed


def accuracy(result: Mapping[str, Any]) -> float:
    """The accuracy of a run, tested as it was trained."""
    return result["accuracy"]


def paired(
    runs: Runs, others: Runs, value: Callable = accuracy, value_of_others: Callable | None = None
) -> Difference | None:
    """`difference` of the values of runs, of the seeds that both have and that went well; None where there is none.

    value_of_others  what is taken of `others`; as `value` if not given

    >>> paired({0: {"accuracy": 0.5}, 1: {"failed": "..."}}, {0: {"accuracy": 0.25}}).mean
    0.25
    """
    both = [seed for seed in runs if seed in others and not ("failed" in runs[seed] or "failed" in others[seed])]
    if not both:
        return None
    theirs = value_of_others or value
    return difference([value(runs[seed]) for seed in both], [theirs(others[seed]) for seed in both])


def by_chance(differences: Sequence[Difference]) -> list[str]:
    """A line that says how many intervals leave 0 out, and how many would by chance; none where there are none."""
    known = [each for each in differences if each.low is not None]
    if not known:
        return []
    return [
        f"{sum(each.certain for each in known)} of {len(known)} intervals leave 0 out; if nothing made a difference, "
        f"about {(1 - CONFIDENCE) * len(known):.0f} would by chance"
    ]


def mean_and_interval(values: Sequence[float]) -> Difference:
    """The mean and its interval, that of the difference from 0."""
    return difference(values, np.zeros(len(values)).tolist())


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float | None]:
    """The mean, and the sample standard deviation; None of one value.

    >>> mean_and_deviation([1.0, 3.0])
    (2.0, 1.4142135623730951)
    """
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None
