"""Small trainings: a few samples of a fabricated data set, and a config for them."""

import numpy as np

from experiments.data.idx import DIGITS
from experiments.data.sets import DataSet, Licence, of_arrays
from experiments.training import config

TABLES = {
    "data": {"set": "digits"},
    "model": {"name": "dense", "hidden": [8]},
    "training": {"epochs": 2, "batch_size": 4, "time_steps": 3, "dtype": "float64", "backend": "reference"},
    "evaluation": {"batch_size": 8},
}


def small(**values):
    """The config of TABLES with other values, written section__key."""
    return config.of(TABLES, "my.toml").changed({name.replace("__", "."): value for name, value in values.items()})


def images(shape=(1, 8, 8), train=18, test=8, largest=16, name="digits"):
    """Images of two classes that differ in what is bright."""
    rng = np.random.default_rng(0)
    splits = {}
    for part, count in (("train", train), ("test", test)):
        labels = np.arange(count) % 2
        pixels = rng.integers(0, largest // 2, (count, *shape))
        pixels[labels == 1, :, : shape[1] // 2] += largest // 2
        splits[part] = of_arrays(pixels.astype(np.uint8), labels)
    return DataSet(name, Licence("none", "made up"), DIGITS, shape, "images", splits, largest=largest)
