"""What a linear classifier finds in events: the controls to print beside every result on simulated events.

Three inputs of the same samples: the pixels of the image; the events summed over time, for each place; and the counts
of each of T frames side by side, which keep when they came. If the sums do as well as the frames, time contributes
nothing that a linear classifier can use.

The classifier is ridge regression onto one column for each class (1 for the class, 0 for others), with a constant,
solved in its dual form from the products of all samples, which are added up frame by frame: the inputs never lie in
memory as a whole. Its penalty is chosen among `PENALTIES`, times the mean square of an input, on a fifth of the
training samples, which are drawn by a seed; then all of them are learnt from.
"""

from collections.abc import Iterable

import numpy as np
from scipy.linalg import solve

from .encoding import Frames
from .sets import DataSet

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
HELD_OUT = 0.2


def linear_controls(images: DataSet, events: DataSet, time_steps: int, by: str = "time", seed: int = 0) -> dict:
    """Test accuracy of a linear classifier, a share of 1, by what it sees: "raw pixels", "time-summed events" and
    "per-frame counts". `events` are the recordings of `images`, sample by sample."""
    if images.sizes() != events.sizes() or any(
        not np.array_equal(images.split(name).labels, events.split(name).labels) for name in ("train", "test")
    ):
        raise ValueError(f"events must be recordings of images, sample by sample, got {events.name} and {images.name}")
    labels = [events.split(name).labels for name in ("train", "test")]
    pixels = _pixels(images)
    counts = _counts(events, Frames(time_steps, by, flat=True))
    rng, classes = np.random.default_rng(seed), len(events.classes)
    inputs = {
        "raw pixels": [pixels],
        "time-summed events": [counts.sum(axis=0, dtype=np.float32)],
        "per-frame counts": counts,
    }
    return {name: accuracy(parts, labels[0], labels[1], classes, rng) for name, parts in inputs.items()}


def _pixels(images):
    """float32 [n, pixels], training samples first."""
    whole = [image for name in ("train", "test") for image, _ in images.batches(name, 500)]
    return np.concatenate([part.reshape(len(part), -1) for part in whole]).astype(np.float32)


def _counts(events, encode):
    """uint8 [T, n, lines], training samples first; more than 255 events of a line and frame are counted as 255."""
    parts = [np.minimum(frames, 255).astype(np.uint8) for name in ("train", "test")
             for frames, _ in events.batches(name, 100, encode)]  # fmt: skip
    return np.concatenate(parts, axis=1)


def accuracy(parts: Iterable[np.ndarray], train_labels, test_labels, classes: int, rng: np.random.Generator) -> float:
    """Test accuracy of ridge regression on inputs that come in parts, each [n, lines], training samples first."""
    products = 1.0  # of the constant, which is an input of 1
    for part in parts:
        wide = part.astype(np.float64)
        products = products + wide @ wide.T
    count = len(train_labels)
    train, across = products[:count, :count], products[count:, :count]
    held = np.zeros(count, bool)
    held[rng.permutation(count)[: int(HELD_OUT * count)]] = True
    scores = [
        _right(train[np.ix_(~held, ~held)], train[np.ix_(held, ~held)], train_labels[~held], train_labels[held], *rest)
        for rest in ((classes, penalty) for penalty in PENALTIES)
    ]
    return _right(train, across, train_labels, test_labels, classes, PENALTIES[int(np.argmax(scores))])


def _right(products, across, labels, others, classes, penalty):
    """The share of `others` that is found by what is learnt from `labels`."""
    size = penalty * np.trace(products) / len(products)
    weights = solve(products + size * np.eye(len(products)), np.eye(classes)[labels], assume_a="pos")
    return float(np.mean((across @ weights).argmax(axis=1) == others))
