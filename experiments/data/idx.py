"""MNIST and Fashion-MNIST: four IDX files, packed (.gz) or not.

Format (LeCun, Cortes and Burges, THE MNIST DATABASE): a magic number 0 0 8 d, where 8 says bytes and d is the number of
axes; the length of each axis, 32 bits, the highest byte first; the bytes, row by row. A file that is not packed is
memory-mapped.
"""

from math import prod

import numpy as np

from .reading import DataError, content, first_of, folder_of
from .sets import DataSet, Licence, of_arrays

LARGEST = 2**26  # bytes that a file may unpack to; the largest real one has 47 million
SPLITS = {"train": "train", "test": "t10k"}
DIGITS = tuple(map(str, range(10)))
CLOTHES = (
    "t-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
MNIST_LICENCE = Licence("CC BY-SA 3.0, Yann LeCun and Corinna Cortes", "the documentation of Keras, datasets, MNIST")


def read_idx(path, axes):
    """The bytes of an IDX file, uint8, with `axes` axes.

    Raises DataError that names the file where its magic number, its lengths or its size are wrong.
    """
    packed = path.suffix == ".gz"
    data = np.frombuffer(content(path, LARGEST), np.uint8) if packed else _mapped(path)
    start = 4 + 4 * axes
    if len(data) < start:
        raise DataError(f"{path} must begin with {start} bytes of header, and holds {len(data)} bytes")
    magic = (0, 0, 8, axes)
    if tuple(data[:4].tolist()) != magic:
        raise DataError(f"{path} must begin with the bytes {magic}, IDX of bytes, got {tuple(data[:4].tolist())}")
    lengths = [int.from_bytes(data[4 * k : 4 * k + 4].tobytes(), "big") for k in range(1, axes + 1)]
    if not all(lengths) or len(data) - start != prod(lengths):
        raise DataError(
            f"{path} says {' x '.join(map(str, lengths))} = {prod(lengths)} bytes, none of them 0, and "
            f"{len(data) - start} follow"
        )
    return data[start:].reshape(lengths)


def _mapped(path):
    return np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, np.uint8)


def mnist(folder):
    """MNIST: 60,000 and 10,000 images of 28 x 28 pixels."""
    return _open("mnist", folder, DIGITS, MNIST_LICENCE)


def fashion_mnist(folder):
    """Fashion-MNIST (Xiao, Rasul and Vollgraf 2017): the same format, ten kinds of clothes."""
    return _open("fashion-mnist", folder, CLOTHES, Licence("MIT, Zalando SE", "the repository of Fashion-MNIST"))


def _open(name, folder, classes, licence):
    folder = folder_of(folder, name)
    splits = {split: _split(name, folder, prefix) for split, prefix in SPLITS.items()}
    return DataSet(name, licence, classes, (1, 28, 28), "images", splits, largest=255)


def _split(name, folder, prefix):
    images_path = first_of(folder, _spellings(prefix, "images", 3), name)
    labels_path = first_of(folder, _spellings(prefix, "labels", 1), name)
    images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
    if images.shape[1:] != (28, 28):
        raise DataError(f"{images_path} must hold images of 28 x 28, got {images.shape[1]} x {images.shape[2]}")
    if len(images) != len(labels) or not len(images):
        raise DataError(f"{images_path} holds {len(images)} images, {labels_path} {len(labels)} labels")
    if labels.max() > 9:
        first = int(np.argmax(labels > 9))
        raise DataError(f"{labels_path}: a label must be from 0 to 9, got {labels[first]} at sample {first}")
    return of_arrays(images[:, np.newaxis], labels)


def _spellings(prefix, what, axes):
    plain = f"{prefix}-{what}-idx{axes}-ubyte", f"{prefix}-{what}.idx{axes}-ubyte"
    return [name + end for name in plain for end in ("", ".gz")]
