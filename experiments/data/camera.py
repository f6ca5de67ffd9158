"""A simulated event camera before still images: no recording, as N-MNIST is, and never to be called by its name.

The image moves as N-MNIST's did before its camera: three straight saccades of 100 ms each along an isosceles triangle,
back to where it began. At each of `STEPS` moments in each saccade the image is moved by bilinear interpolation. A
pixel keeps the logarithm of the light at its last event. Where the logarithm has risen by its threshold since, there
is an ON event; where it has fallen by it, an OFF event; several of them lie evenly in the step. What is random: each
pixel's two thresholds (the camera's, the same for all recordings), what each pixel last saw before a recording, and
noise events. Not simulated: the time that a pixel needs (its low pass and its rest), rates that grow with light,
broken pixels, the arbiter.

Nothing moves except the whole image, always along the same path: whatever can be read from the events is in the image
too. `controls` measures how much of it a linear classifier finds without time.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ottt_ref.validation import require_count, require_nonnegative, require_positive

from .events import Events
from .sets import DataSet, Split

SACCADE = 100_000  # microseconds
CORNERS = ((0.0, 0.0), (1.0, 0.5), (0.0, 1.0), (0.0, 0.0))  # down and right, up and right, left: [y, x] in widths
NOTE = "simulated events of still images, not a recording; linear controls say what time contributes"


@dataclass(frozen=True)
class Camera:
    """An event camera before images of `height` x `width`, with `margin` dark pixels on each side of them.

    amplitude  how far the image moves, in pixels
    threshold  the change of the logarithm that makes an event, on average
    mismatch   the standard deviation of the pixels' thresholds, as a share of the threshold
    dark       what is added to pixels in [0, 1] before the logarithm
    noise      noise events of a pixel and second
    steps      moments in a saccade
    seed       of everything that is drawn
    """

    height: int
    width: int
    margin: int
    amplitude: float
    threshold: float = 0.4
    mismatch: float = 0.03
    dark: float = 0.1
    noise: float = 0.1
    steps: int = 20
    seed: int = 0

    def __post_init__(self):
        for name in ("height", "width", "steps"):
            require_count(name, getattr(self, name))
        for name in ("margin", "seed"):
            require_count(name, getattr(self, name), 0)
        for name in ("threshold", "dark"):
            require_positive(name, getattr(self, name))
        for name in ("mismatch", "noise"):
            require_nonnegative(name, getattr(self, name))
        if not 0 < self.amplitude <= 2 * self.margin:
            raise ValueError(f"amplitude must be above 0, and at most twice the margin, got {self.amplitude}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """[2, H, W] of the events."""
        return 2, self.height + 2 * self.margin, self.width + 2 * self.margin

    def path(self) -> np.ndarray:
        """Where the image is at each moment, [1 + 3 * steps, 2], in pixels from the middle."""
        parts = [np.linspace(begin, end, self.steps, endpoint=False) for begin, end in zip(CORNERS, CORNERS[1:])]
        return (np.concatenate([*parts, [CORNERS[-1]]]) - 0.5) * self.amplitude

    @cached_property
    def _thresholds(self):
        """Of ON and OFF events, [2, H, W]."""
        drawn = np.random.default_rng([self.seed, 0]).normal(self.threshold, self.mismatch * self.threshold, self.shape)
        return np.maximum(drawn, self.threshold / 4)

    @cached_property
    def _moves(self):
        """What moves an image along its rows and columns: [moments, H, height] and [moments, width, W]."""
        down, right = self.path().T
        return _shifts(down, self.height, self.margin), _shifts(right, self.width, self.margin).swapaxes(1, 2)

    def light(self, image: np.ndarray) -> np.ndarray:
        """The logarithm of the light by moment and pixel, [moments, H, W]; the image is [height, width], in [0, 1]."""
        down, right = self._moves
        return np.log(self.dark + down @ image @ right)

    def record(self, image: np.ndarray, number: int) -> Events:
        """The events of recording `number`, of an image [height, width] of floats in [0, 1]."""
        rng = np.random.default_rng([self.seed, 1, number])
        light, (on, off) = self.light(image), self._thresholds
        kept = light[0] + rng.uniform(-0.5, 0.5, light[0].shape) * self.threshold
        counts = np.zeros((len(light) - 1, *self.shape), np.int64)
        for step in range(len(counts)):
            change = light[step + 1] - kept
            counts[step, 1], counts[step, 0] = np.maximum(change // on, 0), np.maximum(-change // off, 0)
            kept = kept + counts[step, 1] * on - counts[step, 0] * off
        times, places = self._listed(counts.reshape(len(counts), -1))
        seconds = 3 * SACCADE / 1e6
        false = rng.poisson(self.noise * seconds * self.shape[1] * self.shape[2])
        times = np.concatenate([times, rng.integers(0, 3 * SACCADE, false)])
        places = np.concatenate([places, rng.integers(0, counts[0].size, false)])
        order = np.argsort(times, kind="stable")
        return Events(times[order], places[order].astype(np.int32), self.shape)

    def _listed(self, counts):
        """Times and places of events from their counts, [moments, places]: those of a step lie evenly in it."""
        step, place = np.nonzero(counts)
        many = counts[step, place]
        first = np.repeat(np.cumsum(many) - many, many)
        rank = np.arange(many.sum()) - first
        long = SACCADE / self.steps
        within = (rank + 1) / (np.repeat(many, many) + 1)
        return ((np.repeat(step, many) + within) * long).astype(np.int64), np.repeat(place, many)


def _shifts(moves, length, margin):
    """Bilinear interpolation along one axis: [moments, length + 2 * margin, length]."""
    seen, own = np.arange(length + 2 * margin) - margin, np.arange(length)
    return np.maximum(0, 1 - np.abs(seen[:, np.newaxis] - own - moves[:, np.newaxis, np.newaxis]))


@dataclass(frozen=True)
class _Recorded:
    """Recordings of a split of images: made when they are first asked for, then kept as lists of events."""

    split: Split
    camera: Camera
    first: int
    largest: int
    made: dict = field(default_factory=dict)

    def __call__(self, place):
        if place not in self.made:
            image = self.split.read(place)[0] / self.largest
            events = self.camera.record(image, self.first + place)
            self.made[place] = (events.times.astype(np.int32), events.places)
        times, places = self.made[place]
        return Events(times.astype(np.int64), places, self.camera.shape)


def before_images(images: DataSet, camera: Camera, name: str) -> DataSet:
    """The data set of the events that `camera` has of each image of one channel, in the same splits."""
    splits, first = {}, 0
    for part, split in images.splits.items():
        splits[part] = Split(split.labels, _Recorded(split, camera, first, images.largest))
        first += len(split)
    notes = (*images.notes, NOTE)
    return DataSet(name, images.licence, images.classes, camera.shape, "events", splits, notes=notes)


def event_digits(images: DataSet, seed: int = 0) -> DataSet:
    """The digits of 8 x 8 pixels before a camera of 12 x 12."""
    return before_images(images, Camera(8, 8, margin=2, amplitude=2.0, seed=seed), "event-digits")


def event_mnist_5000(images: DataSet, seed: int = 0) -> DataSet:
    """MNIST's 5,000 images before a camera of 34 x 34."""
    return before_images(images, Camera(28, 28, margin=3, amplitude=4.0, seed=seed), "event-mnist-5000")
