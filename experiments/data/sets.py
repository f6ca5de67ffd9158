"""What every data set is: names, a licence, splits that are read when they are asked for, and batches."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ottt_ref.validation import require_choice, require_count, require_flag, shown

from .reading import DataError


@dataclass(frozen=True)
class Licence:
    """The terms of a data set in words, and who says so."""

    terms: str
    source: str

    def __str__(self):
        return f"{self.terms} ({self.source})"


@dataclass(frozen=True)
class Split:
    """One part of a data set.

    labels  int64 [n], each the place of a class in the set's `classes`
    read    read(k) is sample k: uint8 [C, H, W] of an image, `Events` of anything else
    draw    draw(k, rng) is a view of sample k that is drawn, to learn from: a crop of random size; None where the
            data set has none
    """

    labels: np.ndarray
    read: Callable[[int], Any]
    draw: Callable[[int, np.random.Generator], Any] | None = None

    def __len__(self):
        return len(self.labels)


@dataclass(frozen=True)
class DataSet:
    """A data set: what it is called and under which terms it comes, its classes, its parts, and its batches.

    name     as the registry has it
    licence  `Licence`
    classes  the names of the classes; a label is a place in them
    shape    of one time step's input: [C, H, W] of images and cameras, [n] of series and of sound
    kind     "images" (samples are uint8 arrays) or "events" (samples are `Events`)
    splits   `Split` by name: train and test
    largest  the highest value of a pixel, which becomes 1; None for events
    notes    what a reader of results must know, one text each
    """

    name: str
    licence: Licence
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    kind: str
    splits: Mapping[str, Split]
    largest: int | None = None
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self):
        require_choice("kind", self.kind, ("images", "events"))
        for name, split in self.splits.items():
            check_labels(f"the labels of {self.name}, {name},", split.labels, len(self.classes))

    def sizes(self) -> dict[str, int]:
        """The number of samples of each split."""
        return {name: len(split) for name, split in self.splits.items()}

    def split(self, name: str) -> Split:
        """A split by its name; ValueError for one that there is not."""
        return self.splits[require_choice("split", name, tuple(self.splits))]

    def batches(
        self,
        split: str,
        batch_size: int,
        encode: Callable | None = None,
        rng: np.random.Generator | None = None,
        augment: Callable | None = None,
        keep_last: bool = True,
    ) -> Iterator[tuple[Any, np.ndarray]]:
        """Batches of inputs and labels, each read and made when it is asked for.

        split       the name of a split
        batch_size  how many samples; the last batch has what is left, or with `keep_last=False` is dropped
        encode      what makes of a batch [T, B, ...], as `encoding` has it; without it a batch of images is
                    uint8 [B, C, H, W], of events a list
        rng         shuffles the samples, and is what `augment` draws from; without it the order is the file's
        augment     augment(uint8 [B, C, H, W], rng) of images; of events augment(frames [T, B, ...], rng), after
                    `encode`

        Raises ValueError or TypeError, which name the argument, before anything is read.
        """
        part = self.split(split)
        batch_size = require_count("batch_size", batch_size)
        keep_last = require_flag("keep_last", keep_last)
        if rng is not None and not isinstance(rng, np.random.Generator):
            raise TypeError(f"rng must be a numpy.random.Generator or None, got {shown(rng)}")
        if augment is not None and (rng is None or (self.kind != "images" and encode is None)):
            raise ValueError(f"augment needs an rng, and an encode for events, got {self.name}, rng={rng!r}")
        return self._batches(part, batch_size, encode, rng, augment, keep_last)

    def _batches(self, part, batch_size, encode, rng, augment, keep_last):
        order = np.arange(len(part)) if rng is None else rng.permutation(len(part))
        end = len(order) if keep_last else len(order) - len(order) % batch_size
        for start in range(0, end, batch_size):
            yield self.batch(part, order[start : start + batch_size], encode, rng, augment)

    def batch(
        self,
        part: Split,
        places: np.ndarray,
        encode: Callable | None = None,
        rng: np.random.Generator | None = None,
        augment: Callable | None = None,
        drawn: bool = False,
    ) -> tuple[Any, np.ndarray]:
        """The samples of a split at these places, as `batches` yields them.

        drawn  whether to take views that are drawn by rng, `Split.draw`
        """
        inputs = [part.draw(int(k), rng) if drawn and part.draw is not None else part.read(int(k)) for k in places]
        if self.kind == "images":
            inputs = np.stack(inputs)
            if augment is not None:
                inputs = augment(inputs, rng)
            inputs = inputs if encode is None else encode(inputs)
        elif encode is not None:
            inputs = encode(inputs)
            if augment is not None:
                inputs = augment(inputs, rng)
        return inputs, part.labels[places]


def check_labels(what: str, labels: np.ndarray, classes: int) -> None:
    """Raise DataError if a label is no place in `classes`."""
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        first = int(wrong[0])
        raise DataError(f"{what} must be from 0 to {classes - 1}, got {labels[first]} at sample {first}")


def of_arrays(images: np.ndarray, labels: np.ndarray) -> Split:
    """A split of images uint8 [n, C, H, W], in memory or memory-mapped."""
    return Split(np.asarray(labels, np.int64), images.__getitem__)
