"""Networks trained on digits by each method, and how often their neurons fire on the test images."""

from dataclasses import dataclass

import numpy as np

import ottt_ref as ot

from ..backends import simulate_by
from ..digits import data, training
from ..digits.data import sequence
from ..digits.training import AT_ONCE, METHODS
from ..training import trainer

DEEP = "deep"
MODELS = (DEEP, *training.MODELS)


@dataclass(frozen=True)
class Settings:
    """What all runs share.

    model       "deep": dense hidden layers of `hidden` neurons; or one of the digits' models
    methods     by which networks are trained, of digits.training.METHODS
    seeds       0 to seeds - 1
    epochs, batch_size, time_steps, learning_rate, momentum   as in the experiment on digits
    """

    model: str = DEEP
    hidden: tuple[int, ...] = (128, 128)
    methods: tuple[str, ...] = tuple(METHODS)
    seeds: int = 5
    epochs: int = 10
    batch_size: int = 32
    time_steps: int = 6
    learning_rate: float = 0.1
    momentum: float = 0.9

    @property
    def words(self):
        """The network, for a heading."""
        return "-".join(map(str, (64, *self.hidden, 10))) if self.model == DEEP else self.model


def digits_of(settings):
    """The digits as the model takes them, in single precision."""
    found = data.load()
    found = found if settings.model == DEEP else training.MODELS[settings.model].prepare(found)
    parts = (found.train_images.astype("float32"), found.train_labels, found.test_images.astype("float32"))
    return data.Digits(*parts, found.test_labels)


def trained(method, seed, settings, digits):
    """A network after all epochs by a method: every method starts from the seed's weights, and sees its batches."""
    names = ("epochs", "batch_size", "time_steps", "learning_rate", "momentum")
    shared = training.Settings(**{name: getattr(settings, name) for name in names})
    run = training.run_of(method, shared, digits, lambda rng: made(settings, rng))
    run["config"] = run["config"].changed({"evaluation.every": settings.epochs})
    return trainer.train(seed=seed, **run).network


def made(settings, rng):
    """A fresh network."""
    deep = settings.model == DEEP
    network = (
        ot.dense_network((64, *settings.hidden, 10), rng=rng) if deep else training.MODELS[settings.model].make(rng)
    )
    return network.astype("float32")


def measure(method, seed, settings):
    """Plain data: the test accuracy; by layer the rate of each time step, and the share of neurons that never fire."""
    digits = digits_of(settings)
    return {"method": method, "seed": seed, **rates(trained(method, seed, settings, digits), settings, digits)}


def rates(network, settings, digits):
    """What `measure` finds of a network: rates [layer][T] over neurons and test images, and what goes with them."""
    right, fired, ever = 0, 0.0, None
    for first in range(0, len(digits.test_labels), AT_ONCE):
        images, labels = (part[first : first + AT_ONCE] for part in (digits.test_images, digits.test_labels))
        activity = simulate_by("fast")(network, sequence(images, settings.time_steps))
        right += int(np.count_nonzero(activity.outputs.sum(axis=0).argmax(axis=1) == labels))
        flat = [spikes.reshape(*spikes.shape[:2], -1) for spikes in activity.spikes]
        fired = fired + np.array([spikes.mean(axis=2, dtype=np.float64).sum(axis=1) for spikes in flat])
        now = [spikes.any(axis=(0, 1)) for spikes in flat]
        ever = now if ever is None else [a | b for a, b in zip(ever, now)]
    count = len(digits.test_labels)
    return {
        "accuracy": right / count,
        "rates": (fired / count).tolist(),
        "silent": [1 - float(neurons.mean()) for neurons in ever],
    }
