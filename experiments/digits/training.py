"""One run: one method, one seed. Every method starts from the seed's weights and sees the seed's batches in order."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

import ottt_ref as ot

from ..data import small
from ..data.sets import Split
from ..training import config, rules, trainer
from ..training.evaluation import evaluate
from ..training.rules import RULES, Task
from .data import as_images, load, sequence

AT_ONCE = 128  # images that are tested together: what a test records of them stays small


@dataclass(frozen=True)
class Model:
    """A network to train: how it is made, from a generator, what its images are, how long it learns, what it is."""

    make: Callable
    prepare: Callable
    epochs: int
    description: str


MODELS = {
    "dense": Model(lambda rng: ot.dense_network((64, 128, 10), rng=rng), lambda digits: digits, 60, "64-128-10"),
    "conv": Model(lambda rng: ot.models.small_conv(rng=rng), as_images, 20, "two convolutions and a readout"),
    "feedback": Model(
        lambda rng: ot.models.small_feedback(rng=rng), as_images, 8, "the same, with a convolution back to the first"
    ),
}


@dataclass(frozen=True)
class Settings:
    """What all runs share.

    model                            one of MODELS
    epochs, batch_size, time_steps   how often each image is seen, how many at once, T
    learning_rate, momentum          of SGD; the rate falls to 0 along a cosine over the epochs
    validation                       whether to hold out training images in place of the test images
    backend                          whose loops compute, one of backends.BACKENDS
    dtype                            of all numbers, one of backends.DTYPES

    λ = 0.5, V_th = 1, the sigmoid surrogate with α = 4, the loss (5 % squared error), the momentum and the learning
    rate are the authors'. Learning rates 0.03, 0.1 and 0.3 and batch sizes 32, 64 and 128 were compared with
    --validation: on average over the five methods 0.1 and 0.3 with 32 came out best, within 0.1 % of each other, and
    the authors' rate was kept. So it was for the convolutional models, where 0.03, 0.1 and 0.3 were compared after four
    epochs of OTTT_A and BPTT.
    """

    model: str = "dense"
    epochs: int = 60
    batch_size: int = 32
    time_steps: int = 6
    learning_rate: float = 0.1
    momentum: float = 0.9
    validation: bool = False
    backend: str = "fast"
    dtype: str = "float32"


# Every method of the library by one update per sequence, and OTTT by one per time step too; RTRL, whose gradients are
# BPTT's (E6), is left out: its state holds a number for each parameter and neuron. So is SLTT after each time step.
LEFT_OUT = ("rtrl", "rtrl-o", "sltt-o")
METHODS = {name: rule for name, rule in RULES.items() if name not in LEFT_OUT}
WHERE = "argument --method:"  # how messages name a rule of one's own


def learner(method, rng, settings):
    """A fresh network, its optimiser, and what learns one batch: (images [B, ...], labels [B]) → loss.

    method  one of METHODS, or a rule of one's own, "my_module:rule"
    """
    network = made(settings, rng)
    optimizer = ot.training.SGD(settings.learning_rate, momentum=settings.momentum)
    task = Task(network, optimizer, settings.time_steps, backend=settings.backend, where=WHERE)
    learn = rules.learner(method, task)
    encode = encoding(method, settings)
    return network, optimizer, lambda images, labels: learn(encode(images), labels)


def encoding(method, settings):
    """What shows images for T time steps: to what sees one at a time, the same array again."""
    if method == "ottt-o":
        return lambda images: np.broadcast_to(images, (settings.time_steps, *images.shape))
    return partial(sequence, time_steps=settings.time_steps)


def made(settings, rng):
    """A fresh network."""
    return MODELS[settings.model].make(rng).astype(settings.dtype)


def train(method, seed, settings, on_epoch=lambda epoch, accuracy: None):
    """Learn for all epochs; the curves, the time that learning took (tests and compilation not counted), and the
    accuracy on what was learned, in [0, 1], after the last epoch.
    """
    run = run_of(method, settings)
    trainer.warm_up(**run)

    def on_event(event):
        if event["event"] == "evaluation":
            on_epoch(event["epoch"], event["accuracy"])

    trained = trainer.train(seed=seed, on_event=on_event, **run)
    epochs = [
        {
            "loss": epoch["loss"],
            "test_accuracy": epoch["test"]["accuracy"],
            "firing_rates": epoch["test"]["firing_rates"],
        }
        for epoch in trained.epochs
    ]
    learned = evaluate(trained.network, run["data"], "train", run["encode"], AT_ONCE, settings.backend)["accuracy"]
    return {"method": method, "seed": seed, "seconds": trained.seconds, "train_accuracy": learned, "epochs": epochs}


def try_out(method, settings):
    """Learn two images: raises OutsideError for a rule of one's own that cannot."""
    trainer.warm_up(**run_of(method, settings))


def prepared(settings):
    """The digits as the model takes them."""
    digits = MODELS[settings.model].prepare(load(settings.validation))
    train, test = (images.astype(settings.dtype) for images in (digits.train_images, digits.test_images))
    return replace(digits, train_images=train, test_images=test)


def run_of(method, settings, digits=None, make=None):
    """What the trainer is given; the network and the images are the model's, whatever the config says of them.

    digits, make  other images, and what makes another network of a generator
    """
    tables = {
        "data": {"set": "digits"},
        "model": {"name": "dense"},
        "rule": {"name": method},
        "optimiser": {"learning_rate": settings.learning_rate, "momentum": settings.momentum},
        "training": {
            name: getattr(settings, name) for name in ("epochs", "batch_size", "time_steps", "backend", "dtype")
        },
        "evaluation": {"batch_size": AT_ONCE},
    }
    return {
        "config": config.of(tables, "digits"),
        "data": _data_set(digits or prepared(settings)),
        "make": make or partial(made, settings),
        "encode": partial(sequence, time_steps=settings.time_steps),
        "where": WHERE,
    }


def _data_set(digits):
    """The images, which are floats here, as the trainer reads them."""
    splits = {
        "train": Split(digits.train_labels, digits.train_images.__getitem__),
        "test": Split(digits.test_labels, digits.test_images.__getitem__),
    }
    known = small.digits()
    return replace(known, splits=splits, shape=digits.train_images.shape[1:])
