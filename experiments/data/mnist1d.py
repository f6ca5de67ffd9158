"""MNIST-1D (Greydanus 2020, Scaling down deep learning): a generator of short series that stand for ten digits.

Written anew from its description. A digit is one of ten templates of 12 points. A sample is its template, with 36 to
60 zeros after it, stretched to 72 points, scaled by 0.8 to 1.2, turned round by up to 47 points, with smoothed noise
where the zeros are (standard deviation 0.25 before smoothing over 2 points), with noise of 0.02 everywhere, sheared by
a line of up to 0.375 from end to end on either side, and read at 40 points. 4,000 samples are learnt from and 1,000
tested on, a tenth of each digit.

It may differ from the published files: every sample has a generator of its own, made of the seed, the split and its
place, where the published ones come out of one global stream, so no sample is the same; each split has as many of each
digit, where a permutation cuts the published ones; values are divided by a deviation that is measured on 1,000
training samples, not on all 5,000; and here a value is a byte, 32 steps for one deviation, 128 for the mean. As spikes
(`mnist1d_spikes`), the 40 points are time steps, by level crossing as in `series`.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ottt_ref.validation import require_count

from .idx import DIGITS
from .series import LEVELS, SPREAD, LevelCrossing
from .sets import DataSet, Licence, Split

LICENCE = Licence("Apache 2.0, Sam Greydanus; its templates are in this file", "the repository of MNIST-1D")
SIZES = {"train": 4000, "test": 1000}
POINTS, STRETCHED = 40, 72
PADDING = (36, 60)
MEASURED = 1000
STEP = 32  # bytes for one standard deviation

# The ten curves of the paper's figure, each by its heights at 12 points.
TEMPLATES = (
    (5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5),
    (5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5),
    (5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5),
    (5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5),
    (5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5),
    (5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5),
    (5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5),
    (5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5),
)


def templates() -> np.ndarray:
    """The ten digits, [10, 12]: of mean 0 and deviation 1, moved to begin at 0, and divided by 6."""
    heights = np.array(TEMPLATES)
    whitened = (heights - heights.mean(axis=1, keepdims=True)) / heights.std(axis=1, keepdims=True)
    return (whitened - whitened[:, :1]) / 6


def make(template: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One sample of a digit, float [40]."""
    padding = int(rng.integers(PADDING[0], PADDING[1] + 1))
    padded = np.concatenate([template, np.zeros(padding)])
    places = np.linspace(0, len(padded) - 1, STRETCHED)
    series = np.interp(places, np.arange(len(padded)), padded) * (1 + 0.4 * rng.uniform(-0.5, 0.5))
    turn = int(rng.integers(0, 48))
    series, empty = np.roll(series, turn), np.roll(places >= len(template), turn)
    smooth = gaussian_filter1d(0.25 * rng.standard_normal(STRETCHED), 2)
    series = np.where(empty, smooth, series) + 0.02 * rng.standard_normal(STRETCHED)
    series = series - 0.75 * rng.uniform(-0.5, 0.5) * np.linspace(-0.5, 0.5, STRETCHED)
    return np.interp(np.linspace(0, STRETCHED - 1, POINTS), np.arange(STRETCHED), series)


@dataclass(frozen=True)
class Generator:
    """Every sample by its split and place; nothing is kept."""

    seed: int = 0

    def __post_init__(self):
        require_count("seed", self.seed, 0)

    def sample(self, split: str, place: int) -> np.ndarray:
        """A sample, float [40], before it is divided by the deviation; its digit is the place's last figure."""
        rng = np.random.default_rng([self.seed, list(SIZES).index(split), place])
        return make(templates()[place % 10], rng)

    @cached_property
    def measured(self) -> tuple[float, float]:
        """Mean and standard deviation over 1,000 training samples."""
        whole = np.array([self.sample("train", place) for place in range(MEASURED)])
        return float(whole.mean()), float(whole.std())

    def normalised(self, split: str, place: int) -> np.ndarray:
        """A sample, float [40], of mean 0 and deviation 1 over the data set."""
        mean, std = self.measured
        return (self.sample(split, place) - mean) / std

    def as_bytes(self, split: str, place: int) -> np.ndarray:
        """A sample, uint8 [1, 1, 40]: 128 is the mean, 32 steps are a deviation."""
        steps = np.rint(128 + STEP * self.normalised(split, place))
        found = np.clip(steps, 0, 255).astype(np.uint8).reshape(1, 1, POINTS)
        found.setflags(write=False)  # it is kept for the next reader
        return found


def mnist1d(seed: int = 0) -> DataSet:
    """MNIST-1D as images of one row, for direct input: 4,000 and 1,000 of [1, 1, 40]."""
    made = Generator(seed)
    return _set("mnist1d", (1, 1, POINTS), "images", made.as_bytes, 255)


def mnist1d_spikes(seed: int = 0, levels: int = LEVELS) -> DataSet:
    """MNIST-1D as spikes: 40 time steps, two input lines for each level."""
    made = Generator(seed)
    places = np.linspace(-SPREAD, SPREAD, require_count("levels", levels, 2))
    crossing = LevelCrossing(places[np.newaxis], np.zeros(1))

    def read(split, place):
        return crossing(made.normalised(split, place)[np.newaxis])

    return _set("mnist1d-spikes", (crossing.lines,), "events", read, None)


def _set(name, shape, kind, make, largest):
    read = lru_cache(maxsize=sum(SIZES.values()))(make)  # as bytes or spikes they are small, and each epoch wants them

    def of(split):
        return Split(np.arange(SIZES[split], dtype=np.int64) % 10, lambda place: read(split, place))

    notes = ("generated by a program of ours from MNIST-1D's description: not the published samples",)
    return DataSet(name, LICENCE, DIGITS, shape, kind, {split: of(split) for split in SIZES}, largest, notes)
