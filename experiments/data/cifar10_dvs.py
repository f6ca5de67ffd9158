"""CIFAR10-DVS (Li, Liu, Ji, Li and Shi 2017): a folder for each class, a thousand AEDAT 2.0 files in each.

The data set has no split of its own. Here samples 0 to 99 of each class, in the order of their numbers, are tested
on, the others are learnt from: as SpikingJelly's `CIFAR10DVSTEBNSplit` has it, which warns that accuracies on this
split are typically much higher than on a random one.
"""

from .aedat import SIDE, read_2
from .cifar import TEN
from .nmnist import by_class
from .reading import folder_of
from .sets import DataSet, Licence

TESTED = 100
LICENCE = Licence("CC BY 4.0, Hongmin Li and others", "the data set's entry on figshare")


def cifar10_dvs(folder):
    """CIFAR10-DVS: 9,000 and 1,000 recordings, [2, 128, 128], in 10 classes."""
    folder = folder_of(folder, "cifar10-dvs")
    splits = {
        "train": by_class(folder, TEN, ".aedat", read_2, lambda place: place >= TESTED),
        "test": by_class(folder, TEN, ".aedat", read_2, lambda place: place < TESTED),
    }
    notes = ("the split into training and test is a convention, not the data set's own",)
    return DataSet("cifar10-dvs", LICENCE, TEN, (2, SIDE, SIDE), "events", splits, notes=notes)
