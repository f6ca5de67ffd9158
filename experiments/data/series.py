"""Series of measurements as spikes, by level crossing: JapaneseVowels and BasicMotions, from the wheel of aeon.

Format (.ts of the UEA archive): lines of text with # before; lines with @ before, of which the last is @data; then a
line for each sample: its dimensions with colons between, each the numbers of its series with commas between, and the
class.

Level crossing: a dimension has K levels, evenly spaced between its mean less and its mean plus `SPREAD` standard
deviations, which are those of the training part. Each level has two input lines: one spikes when the series has
risen above the level since the last sample, one when it has fallen below. The first sample is compared with the mean.
So a spike is 0 or 1, and the value is known to within the distance of two levels. Only the spikes are kept: no series
lies in memory, except the one that is being read.
"""

from dataclasses import dataclass

import numpy as np

from ottt_ref.validation import require_count

from . import wheels
from .events import Events
from .reading import DataError
from .sets import DataSet, Licence, Split

SPREAD = 1.5
LEVELS = 8
LARGEST = 1e100  # of a number of a series: squares of it are finite
ARCHIVE = "aeon/datasets/data/{0}/{0}_{1}.ts"


@dataclass(frozen=True)
class LevelCrossing:
    """The levels of each dimension, float [D, K]; the lines of an input are [D, K, 2], rising first."""

    levels: np.ndarray
    start: np.ndarray

    @property
    def lines(self) -> int:
        """How many input lines there are."""
        return 2 * self.levels.size

    def __call__(self, series: np.ndarray) -> Events:
        """The spikes of a series, float [D, length]; the times are places in the series."""
        values = np.concatenate([self.start[:, np.newaxis], series], axis=1)
        above = values[:, np.newaxis] >= self.levels[:, :, np.newaxis]  # [D, K, 1 + length]
        before, after = above[..., :-1], above[..., 1:]
        crossed = np.stack([after & ~before, before & ~after], axis=2)  # [D, K, 2, length]
        times, lines = np.nonzero(crossed.reshape(self.lines, -1).T)
        return Events(times.astype(np.int64), lines.astype(np.int32), (self.lines,))


def japanese_vowels(path, levels=LEVELS):
    """Nine speakers by two vowels, 12 dimensions, 7 to 29 samples long: 270 and 370 series."""
    licence = Licence("CC BY 4.0, Kudo, Toyama and Shimbo", "UCI machine learning repository, Japanese vowels")
    return _open("japanese-vowels", "JapaneseVowels", path, levels, licence)


def basic_motions(path, levels=LEVELS):
    """Four activities by an accelerometer and a gyroscope, 6 dimensions, 100 samples at 10 Hz: 40 and 40 series."""
    licence = Licence("none is named", "the head of its file; the UEA archive of multivariate time series")
    return _open("basic-motions", "BasicMotions", path, levels, licence)


def _open(name, archive, path, levels, licence):
    levels = require_count("levels", levels)
    wheel = wheels.find(path, "aeon")
    texts = {split: _Text(wheel, ARCHIVE.format(archive, split.upper())) for split in ("train", "test")}
    train, test = texts["train"], texts["test"]
    if (test.dimensions, test.classes) != (train.dimensions, train.classes):
        raise DataError(
            f"{test.where} must have {train.dimensions} dimensions and the classes {', '.join(train.classes)} of the "
            f"training part, got {test.dimensions} and {', '.join(test.classes)}"
        )
    crossing = _levels(train, levels)
    splits = {split: _split(text, crossing) for split, text in texts.items()}
    longest = max(text.longest for text in texts.values())
    notes = (f"the longest series has {longest} samples; shorter ones end in silence",)
    return DataSet(name, licence, texts["train"].classes, (crossing.lines,), "events", splits, notes=notes)


class _Text:
    """A .ts file: its classes, its dimensions, and its samples, which are read line by line."""

    def __init__(self, wheel, member):
        self.where = f"{wheel}, {member}"
        try:
            lines = wheels.member(wheel, member).decode().splitlines()
        except UnicodeDecodeError:
            raise DataError(f"{self.where} must be text") from None
        lines = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        heads = {line.split()[0].lower(): line.split()[1:] for line in lines if line.startswith("@")}
        self.rows = [line for line in lines if not line.startswith("@")]
        self.classes = tuple(heads.get("@classlabel", ["false"])[1:])
        try:
            self.dimensions = int(heads["@dimensions"][0])
        except (KeyError, IndexError, ValueError):
            raise DataError(f"{self.where} must say @dimensions and a number") from None
        if self.dimensions < 1:
            raise DataError(f"{self.where}: @dimensions must be at least 1, got {self.dimensions}")
        if not self.classes or not self.rows or "@data" not in heads:
            raise DataError(f"{self.where} must name its classes, and hold samples after @data")
        self.longest = 0

    def samples(self):
        """Series [D, length] and labels, one after the other."""
        for number, row in enumerate(self.rows):
            *parts, label = row.split(":")
            if label not in self.classes:
                raise DataError(f"{self.where}, sample {number}: class {label!r} is none of {', '.join(self.classes)}")
            try:
                series = np.array([[float(value) for value in part.split(",")] for part in parts])
            except ValueError:
                raise DataError(f"{self.where}, sample {number}: must be numbers, as many in each dimension") from None
            if len(parts) != self.dimensions or not (np.abs(series) < LARGEST).all():
                raise DataError(
                    f"{self.where}, sample {number}: must be {self.dimensions} dimensions of numbers below {LARGEST:g}"
                )
            self.longest = max(self.longest, series.shape[1])
            yield series, self.classes.index(label)


def _levels(text, levels):
    """Evenly spaced levels, by one pass for the mean and one for the deviations of the training part."""
    count = sum(series.shape[1] for series, _ in text.samples())
    mean = sum(series.sum(axis=1) for series, _ in text.samples()) / count
    variance = sum(((series - mean[:, np.newaxis]) ** 2).sum(axis=1) for series, _ in text.samples()) / count
    places = np.linspace(-SPREAD, SPREAD, levels) if levels > 1 else np.zeros(1)
    return LevelCrossing(mean[:, np.newaxis] + np.sqrt(variance)[:, np.newaxis] * places, mean)


def _split(text, crossing):
    spikes, labels = zip(*((crossing(series), label) for series, label in text.samples()))
    text.rows = []  # the texts are done with
    return Split(np.array(labels, np.int64), spikes.__getitem__)
