"""DVS128 Gesture (Amir and others 2017): AEDAT 3.1 recordings of several gestures each, and a table for each recording.

trials_to_train.txt and trials_to_test.txt name the recordings, a line each. NAME_labels.csv says for each gesture its
class, 1 to 11, and its first and last time in microseconds. A sample is what lies between the two, read when it is
asked for: a recording is memory-mapped, and only the packets of that time are unpacked.
"""

from collections import Counter
from functools import lru_cache

import numpy as np

from .aedat import SIDE, packets_3, read_3
from .reading import DataError, content, folder_of
from .sets import DataSet, Licence, Split

CLASSES = (
    "hand clapping", "right hand wave", "left hand wave", "right arm clockwise", "right arm counter clockwise",
    "left arm clockwise", "left arm counter clockwise", "arm roll", "air drums", "air guitar", "other gestures",
)  # fmt: skip
HEADING = "class,startTime_usec,endTime_usec"
LICENCE = Licence("CC BY 4.0, IBM", "the page of the data set, IBM Research")


def gesture(folder):
    """DVS128 Gesture: recordings of 11 gestures, [2, 128, 128]; `folder` is the one with the lists of trials."""
    folder = folder_of(folder, "dvs-gesture")
    splits = {split: _split(folder, f"trials_to_{split}.txt") for split in ("train", "test")}
    return DataSet("dvs-gesture", LICENCE, CLASSES, (2, SIDE, SIDE), "events", splits)


def _split(folder, trials):
    samples, names = [], _lines(folder / trials)
    for name, number in Counter(names).items():
        if number > 1:
            raise DataError(f"{folder / trials} must name each recording once, and names {name} {number} times")
    for name in names:
        if "/" in name or "\\" in name or not name.endswith(".aedat"):
            raise DataError(f"{folder / trials} must name .aedat files of its own folder, got {name!r}")
        path = folder / name
        if not path.is_file():
            raise DataError(f"{folder / trials} names {name}, which is not there")
        samples += [(path, *row) for row in _table(folder / f"{path.stem}_labels.csv")]
    if not samples:
        raise DataError(f"{folder / trials} must name at least one recording")

    packets = lru_cache(maxsize=None)(packets_3)  # a few numbers for each packet

    def read(place):
        path, _, begin, end = samples[place]
        return read_3(path, packets(path), begin, end)

    return Split(np.array([label for _, label, _, _ in samples], np.int64), read)


def _table(path):
    heading, *rows = _lines(path) or [""]
    if heading != HEADING:
        raise DataError(f"{path} must begin with the line {HEADING}, got {heading!r}")
    return [_row(path, number, row) for number, row in enumerate(rows, 2)]


def _row(path, number, row):
    try:
        label, begin, end = map(int, row.split(","))
    except ValueError:
        raise DataError(f"{path}, line {number}: must hold three whole numbers, got {row!r}") from None
    if not 1 <= label <= len(CLASSES):
        raise DataError(f"{path}, line {number}: a class must be from 1 to {len(CLASSES)}, got {label}")
    if not 0 <= begin < end:
        raise DataError(f"{path}, line {number}: a gesture must begin before it ends, got {begin} to {end}")
    return label - 1, begin, end


def _lines(path):
    if not path.is_file():
        raise DataError(f"{path} must be there, and is not")
    try:
        text = content(path, 2**20).decode()
    except UnicodeDecodeError:
        raise DataError(f"{path} must be text") from None
    return [line.strip() for line in text.splitlines() if line.strip()]
