"""SHD, the Spiking Heidelberg Digits (Cramer, Stradmann, Schemmel and Zenke 2022): shd_train.h5 and shd_test.h5.

Format (HDF5): spikes/times, seconds, and spikes/units, 0 to 699, one series of numbers for each sample; labels, 0 to
19: the digits in English, then in German. A sample is read when it is asked for. h5py reads the files: the extra
experiments has it.
"""

from functools import partial

import numpy as np

from .events import Events
from .reading import DataError, first_of, folder_of
from .sets import DataSet, Licence, Split, check_labels

UNITS, CLASSES = 700, 20
LICENCE = Licence("CC BY 4.0, Cramer, Stradmann, Schemmel and Zenke", "the page of the Heidelberg spiking data sets")
WORDS = "zero one two three four five six seven eight nine null eins zwei drei vier fuenf sechs sieben acht neun"
NEEDED = ("spikes/times", "spikes/units", "labels")


def shd(folder):
    """SHD: 8,156 and 2,264 recordings of spoken digits, [700], in 20 classes."""
    folder = folder_of(folder, "shd")
    splits = {split: _split(first_of(folder, [f"shd_{split}.h5"], "shd")) for split in ("train", "test")}
    return DataSet("shd", LICENCE, tuple(WORDS.split()), (UNITS,), "events", splits)


def _opened(path):
    try:
        import h5py  # here: it is an extra
    except ImportError:
        raise DataError(f"{path} needs h5py, which is not installed: pip install h5py") from None
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise DataError(f"{path} must be an HDF5 file: {error}") from None


def _split(path):
    with _opened(path) as file:
        lengths = {name: len(_dataset(path, file, name)) for name in NEEDED}
        if len(set(lengths.values())) != 1 or not lengths["labels"]:
            raise DataError(f"{path} must hold as many times, units and labels, got {lengths}")
        if lengths["labels"] > path.stat().st_size:
            raise DataError(f"{path} says {lengths['labels']} samples, more than it has bytes")
        labels = _dataset(path, file, "labels")
        if labels.dtype.kind not in "iu" or labels.ndim != 1:
            raise DataError(f"{path}: labels must be whole numbers, got {labels.dtype}")
        labels = labels[:].astype(np.int64)
    check_labels(f"{path}: a label", labels, CLASSES)
    return Split(labels, partial(read, path))


def read(path, place):
    """The events of one sample, in the order of time; DataError that names the file and the sample."""
    with _opened(path) as file:
        try:
            seconds, units = (np.asarray(_dataset(path, file, name)[place]) for name in NEEDED[:2])
        except OSError as error:
            raise DataError(f"{path}, sample {place}: {error}") from None
    if seconds.shape != units.shape or seconds.ndim != 1 or seconds.dtype.kind != "f" or units.dtype.kind not in "iu":
        raise DataError(f"{path}, sample {place}: must be times and units, one for one")
    times = seconds.astype(np.float64) * 1e6
    if not np.isfinite(times).all() or (times < 0).any() or (times > 1e9).any():
        raise DataError(f"{path}, sample {place}: times must be from 0 to 1000 seconds")
    units = units.astype(np.int64)
    if len(units) and not 0 <= units.min() <= units.max() < UNITS:
        raise DataError(
            f"{path}, sample {place}: units must be from 0 to {UNITS - 1}, got {units.min()} to {units.max()}"
        )
    order = np.argsort(times, kind="stable")
    return Events(np.rint(times[order]).astype(np.int64), units[order].astype(np.int32), (UNITS,))


def _dataset(path, file, name):
    """A data set of an HDF5 file, by hard links alone: others may lead to other files."""
    import h5py

    place = file
    for part in name.split("/"):
        link = place.get(part, getlink=True) if isinstance(place, h5py.Group) else None
        if not isinstance(link, h5py.HardLink):
            raise DataError(f"{path} must hold the data set {name}, and does not")
        place = place[part]
    if not isinstance(place, h5py.Dataset) or place.external or place.is_virtual or not place.shape:
        raise DataError(f"{path}: {name} must be a data set of its own, with one entry for each sample")
    return place
