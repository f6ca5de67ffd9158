"""N-MNIST (Orchard, Jayawant, Cohen and Thakor 2015): Train and Test, a folder for each digit, a file for each sample.

Format: five bytes an event. They are x, y, and 24 bits with the highest byte first, of which the first is the polarity
(1 is ON) and the others are the time in microseconds. The sensor has 34 x 34 pixels.
"""

from functools import partial

import numpy as np

from .events import of_camera
from .reading import DataError, content, files_of, folder_of
from .sets import DataSet, Licence, Split

SIDE = 34
EVENT = 5
DIGITS = tuple(map(str, range(10)))
LICENCE = Licence("CC BY-SA 4.0, Garrick Orchard and others", "the page of N-MNIST")
LARGEST = 2**26  # bytes of a sample; the longest known recordings have some ten thousand events


def nmnist(folder):
    """N-MNIST: 60,000 and 10,000 recordings, [2, 34, 34]."""
    folder = folder_of(folder, "nmnist")
    splits = {split: _split(folder / split.capitalize()) for split in ("train", "test")}
    return DataSet("nmnist", LICENCE, DIGITS, (2, SIDE, SIDE), "events", splits)


def read_file(path):
    """The events of one .bin file; DataError that names it."""
    data = content(path, LARGEST)
    if len(data) % EVENT or not data:
        raise DataError(f"{path} must hold events of {EVENT} bytes, and holds {len(data)} bytes")
    columns = np.frombuffer(data, np.uint8).reshape(-1, EVENT).astype(np.int64)
    x, y = columns[:, 0], columns[:, 1]
    word = (columns[:, 2] << 16) + (columns[:, 3] << 8) + columns[:, 4]
    return of_camera(str(path), word & 0x7FFFFF, x, y, word >> 23, SIDE, SIDE)


def _split(folder):
    return by_class(folder_of(folder, "nmnist"), DIGITS, ".bin", read_file)


def by_class(folder, classes, ending, read, pick=lambda place: True):
    """A split whose samples lie in a folder for each class, read when they are asked for.

    pick  which samples of a class belong to it, by their place in the order of names
    """
    paths, labels = [], []
    for label, name in enumerate(classes):
        files = files_of(folder_of(folder / name, "each class"), lambda path: path.suffix == ending)
        found = sorted(files, key=_natural)
        found = [path for place, path in enumerate(found) if pick(place)]
        if not found:
            raise DataError(f"{folder / name} must hold files that end in {ending}, and holds none for this split")
        paths += found
        labels += [label] * len(found)
    return Split(np.array(labels, np.int64), partial(_read, paths, read))


def _read(paths, read, place):
    return read(paths[place])


def _natural(path):
    """Names in the order of their numbers: cifar10_cat_2 before cifar10_cat_10."""
    last = path.stem.rpartition("_")[2]
    return (int(last) if last.isdecimal() else -1, path.name)
