"""What the authors do to CIFAR's training images: crop, cut out, flip; then `DirectInput` normalises.

The order and the numbers are those of the authors' program for CIFAR (train_cifar.py of OTTT-SNN): 4 pixels of black
around the image and a crop of 32 x 32, the cutout of the package torchtoolbox with its defaults, a flip in half of the
cases, and the mean and deviation of CIFAR-10, for CIFAR-100 too. That cutout is not DeVries and Taylor's square: it
changes half of the images, by a rectangle of 2 to 40 % of the area and 0.4 to 2.5 in height over width, all of one
grey. Every draw comes from the generator that a batch is drawn with.
"""

from dataclasses import dataclass

import numpy as np

from ottt_ref.validation import require_count, require_unit_interval

CIFAR_MEAN, CIFAR_STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
AREA = (0.02, 0.4)
RATIO = (0.4, 2.5)


@dataclass(frozen=True)
class Augmentation:
    """Crop, cut out and flip a batch, uint8 [B, C, H, W]; what it is given is not changed.

    padding  black pixels on each side before the crop
    cutout   the share of images of which a part is cut out
    flip     the share of images that are turned left to right
    """

    padding: int = 4
    cutout: float = 0.5
    flip: float = 0.5

    def __post_init__(self):
        require_count("padding", self.padding, 0)
        require_unit_interval("cutout", self.cutout)
        require_unit_interval("flip", self.flip)

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        result = crop(images, self.padding, rng)
        for image in _chosen(result, self.cutout, rng):
            cut_out(image, rng)
        for image in _chosen(result, self.flip, rng):
            image[...] = image[..., ::-1].copy()
        return result


@dataclass(frozen=True)
class FrameAugmentation:
    """Crop and flip frames of events [T, B, C, H, W], each sample in all its time steps alike; a new array.

    padding  empty pixels on each side before the crop
    flip     the share of samples that are turned left to right
    """

    padding: int = 4
    flip: float = 0.0

    def __post_init__(self):
        require_count("padding", self.padding, 0)
        require_unit_interval("flip", self.flip)

    def __call__(self, frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        time_steps, batch_size, channels, height, width = frames.shape
        whole = frames.swapaxes(0, 1).reshape(batch_size, time_steps * channels, height, width)
        result = crop(whole, self.padding, rng)
        for sample in _chosen(result, self.flip, rng):
            sample[...] = sample[..., ::-1].copy()
        return result.reshape(batch_size, time_steps, channels, height, width).swapaxes(0, 1).copy()


def _chosen(images, share, rng):
    """Views of the images that are drawn, each with the chance `share`."""
    return [image for image, drawn in zip(images, rng.random(len(images)) < share) if drawn]


def crop(images, padding, rng):
    """A window of the images' own size, at a place that is drawn for each, out of the images with black around them."""
    count, _, height, width = images.shape
    around = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    padded = np.pad(images, around)
    tops, lefts = (rng.integers(0, 2 * padding + 1, count) for _ in range(2))
    windows = (padded[k, :, top : top + height, left : left + width] for k, (top, left) in enumerate(zip(tops, lefts)))
    return np.stack(list(windows)) if count else images.copy()


def cut_out(image, rng):
    """Fill a rectangle of an image, uint8 [C, H, W], with one grey, in place."""
    _, height, width = image.shape
    area, ratio = rng.uniform(*AREA) * height * width, rng.uniform(*RATIO)
    tall, wide = (min(int(np.sqrt(side)), most) for side, most in ((area * ratio, height), (area / ratio, width)))
    top, left = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1))
    image[:, top : top + tall, left : left + wide] = rng.integers(0, 255)
