"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009), as the binary files or as the batches for Python.

Binary: each sample is its label (CIFAR-100: the coarse one, then the fine one), a byte each, and 3 x 32 x 32 bytes: the
red, green and blue planes, row by row. The files are memory-mapped. The batches for Python are pickles, and go through
`restricted_pickle`, which runs nothing that they name.
"""

import numpy as np

from ottt_ref.validation import shown

from . import restricted_pickle
from .reading import DataError, content, folder_of
from .sets import DataSet, Licence, Split, of_arrays

PIXELS = 3 * 32 * 32
LICENCE = Licence("none is named; the report is to be cited", "the page of the CIFAR data sets, University of Toronto")
TEN = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BATCHES = {"train": [f"data_batch_{k}" for k in range(1, 6)], "test": ["test_batch"]}
HUNDRED = (
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
    "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock",
    "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish",
    "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion",
    "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange",
    "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine",
    "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk",
    "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank",
    "telephone", "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale",
    "willow_tree", "wolf", "woman", "worm",
)  # fmt: skip


def cifar10(folder):
    """CIFAR-10: 50,000 and 10,000 images of 3 x 32 x 32 in 10 classes."""
    files = {split: names for split, names in BATCHES.items()}
    return _open("cifar10", folder, TEN, files, 1, b"labels")


def cifar100(folder):
    """CIFAR-100: 50,000 and 10,000 images of 3 x 32 x 32 in 100 classes, the fine labels."""
    return _open("cifar100", folder, HUNDRED, {"train": ["train"], "test": ["test"]}, 2, b"fine_labels")


def _open(name, folder, classes, files, label_bytes, key):
    folder = folder_of(folder, name)
    names = [file for batch in files.values() for file in batch]
    binary = [(folder / f"{file}.bin").is_file() for file in names]
    python = [(folder / file).is_file() for file in names]
    if all(binary):
        splits = {split: _binary(folder, batch, label_bytes, len(classes)) for split, batch in files.items()}
    elif all(python):
        splits = {split: _python(folder, batch, key, len(classes)) for split, batch in files.items()}
    else:
        found = python if sum(python) > sum(binary) else binary
        missing = [f"{file}.bin" if found is binary else file for file, there in zip(names, found) if not there]
        raise DataError(
            f"{name}: {folder} must hold {names[0]}.bin and its like (binary) or {names[0]} and its like (Python), "
            f"and {', '.join(missing)} is not there"
        )
    return DataSet(name, LICENCE, classes, (3, 32, 32), "images", splits, largest=255)


def _binary(folder, names, label_bytes, classes):
    parts = [_records(folder / f"{name}.bin", label_bytes, classes) for name in names]
    ends = np.cumsum([len(part) for part in parts])

    def read(place):
        file = int(np.searchsorted(ends, place, side="right"))
        row = parts[file][place - (ends[file - 1] if file else 0)]
        return np.array(row[label_bytes:]).reshape(3, 32, 32)

    return Split(np.concatenate([part[:, label_bytes - 1] for part in parts]).astype(np.int64), read)


def _records(path, label_bytes, classes):
    size, length = path.stat().st_size, label_bytes + PIXELS
    if size == 0 or size % length:
        raise DataError(f"{path} must hold records of {length} bytes, and holds {size} bytes: {size % length} too many")
    records = np.memmap(path, np.uint8, "r").reshape(-1, length)
    _check(path, records[:, label_bytes - 1].tolist(), classes)
    return records


def _python(folder, names, key, classes):
    images, labels = [], []
    for name in names:
        path = folder / name
        batch = restricted_pickle.loads(content(path, 2**28), path)
        if not isinstance(batch, dict):
            raise DataError(f"{path} must be a pickled dict, got {type(batch).__name__}")
        pixels = restricted_pickle.bytes_of(_item(batch, b"data", path), path)
        found = _item(batch, key, path)
        if pixels.ndim != 2 or pixels.shape[1] != PIXELS or not len(pixels):
            raise DataError(f"{path}: data must be [n, {PIXELS}], got {list(pixels.shape)}")
        if not isinstance(found, list) or not all(type(label) is int for label in found):
            raise DataError(f"{path}: {key.decode()} must be a list of whole numbers")
        if len(found) != len(pixels):
            raise DataError(f"{path} holds {len(pixels)} images and {len(found)} labels")
        _check(path, found, classes)
        images.append(pixels.reshape(-1, 3, 32, 32))
        labels += found
    return of_arrays(np.concatenate(images), labels)


def _item(batch, key, path):
    for spelling in (key, key.decode()):
        if spelling in batch:
            return batch[spelling]
    raise DataError(f"{path} must have the entry {key.decode()!r}, and has not")


def _check(path, labels, classes):
    wrong = [place for place, label in enumerate(labels) if not 0 <= label < classes]
    if wrong:
        raise DataError(
            f"{path}: a label must be from 0 to {classes - 1}, got {shown(labels[wrong[0]])} at sample {wrong[0]}"
        )
