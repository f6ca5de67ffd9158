"""The data: scikit-learn's bundled digits, 1797 images of 8 x 8 pixels in 10 classes.

Source: Alpaydin and Kaynak 1998, Optical recognition of handwritten digits, UCI machine learning repository.
"""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SPLIT_SEED = 0
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.25


@dataclass(frozen=True)
class Digits:
    """Images [n, 64] (as `images` makes them: [n, 1, 8, 8]) and labels [n], to learn from and to be tested on."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def load(validation=False):
    """The digits in a fixed split of 80 to 20, each class in proportion.

    With `validation` the test images are left out, and a quarter of the training images takes their place: to choose
    hyper-parameters on.
    """
    images, labels = load_digits(return_X_y=True)
    places = np.arange(len(labels))
    train, test = _split(places, labels, TEST_SHARE)
    if validation:
        train, test = _split(train, labels, VALIDATION_SHARE)
    images = images / 16  # pixels in [0, 1]
    return Digits(images[train], labels[train], images[test], labels[test])


def as_images(digits):
    """The digits as images [n, 1, 8, 8] whose pixels have mean 0 and variance 1 over the training part.

    Weight standardisation takes a constant away from what a convolution sees, and raw pixels leave its neurons silent.
    """
    mean, std = digits.train_images.mean(), digits.train_images.std()
    train, test = (((images - mean) / std).reshape(-1, 1, 8, 8) for images in (digits.train_images, digits.test_images))
    return replace(digits, train_images=train, test_images=test)


def _split(places, labels, share):
    train, test = train_test_split(places, test_size=share, stratify=labels[places], random_state=SPLIT_SEED)
    return np.sort(train), np.sort(test)


def sequence(images, time_steps):
    """Direct input: each image [B, ...] as the current of every time step, [T, B, ...]."""
    return np.repeat(images[np.newaxis], time_steps, axis=0)
