"""What a config names: the data and how they become inputs, the network, the loss, the optimiser, the schedule."""

import inspect
from dataclasses import dataclass
from math import prod

import numpy as np

import ottt_ref as ot
from ottt_ref.cli.network import SURROGATES
from ottt_ref.network.operations import Chain, WeightStandardised

from ..data.augmentation import Augmentation, FrameAugmentation
from ..data.encoding import DirectInput, Frames
from ..data.registry import open_set
from ..data.sets import DataSet, Split
from .config import ConfigError
from .keys import DENSE, FEEDBACK

HELD_OUT_SEED = 0  # which training samples are held out is the same for every seed of a run


def data(config, folder=None):
    """The data set, with the split "validation" where a share of the training samples is held out.

    folder  before the config's
    """
    names = ("seed", "levels")
    settings = {name: config[f"data.{name}"] for name in names if config[f"data.{name}"] is not None}
    folder = folder or config["data.folder"]
    return held_out(open_set(config["data.set"], folder, **settings), config["data.validation"])


def held_out(whole: DataSet, share: float) -> DataSet:
    """The data set with a share of each class's training samples as the split "validation"."""
    if not share:
        return whole
    part, rng = whole.split("train"), np.random.default_rng(HELD_OUT_SEED)
    held = np.zeros(len(part), bool)
    for label in range(len(whole.classes)):
        places = rng.permutation(np.flatnonzero(part.labels == label))
        held[places[: round(share * len(places))]] = True
    splits = {**whole.splits, "train": Chosen.of(part, ~held), "validation": Chosen.of(part, held)}
    fields = ("name", "licence", "classes", "shape", "kind", "largest", "notes")
    return DataSet(**{name: getattr(whole, name) for name in fields}, splits=splits)


@dataclass(frozen=True)
class Chosen:
    """Reads the samples of a split that are chosen, by their places among these."""

    part: Split
    places: np.ndarray

    @classmethod
    def of(cls, part, chosen):
        """The split of the samples for which `chosen` is true."""
        reader = cls(part, np.flatnonzero(chosen))
        return Split(part.labels[chosen], reader.read, None if part.draw is None else reader.draw)

    def read(self, place):
        return self.part.read(int(self.places[place]))

    def draw(self, place, rng):
        return self.part.draw(int(self.places[place]), rng)


def encoding(config, largest):
    """What makes a batch the network's input."""
    shared = {
        "time_steps": config["training.time_steps"],
        "dtype": config["training.dtype"],
        "flat": config["model.name"] in DENSE,
    }
    if config["data.by"] is None:
        return DirectInput(largest=largest, mean=config["data.mean"], std=config["data.std"], **shared)
    names = ("by", "duration", "side", "spikes")
    return Frames(**{name: config[f"data.{name}"] for name in names if config[f"data.{name}"] is not None}, **shared)


def augmentation(config):
    """What is drawn of a batch that is learned from, or None."""
    if config["data.augment"] == "none":
        return None
    padding, cutout, flip = (config[f"data.{name}"] or 0 for name in ("padding", "cutout", "flip"))
    if config["data.by"] is None:
        return Augmentation(padding, cutout, flip)
    if config["model.name"] in DENSE:
        raise ConfigError(f"{config.source}: data.augment of events is for model.name with convolutions")
    return FrameAugmentation(padding, flip)


def input_shape(config, shape):
    """[C, H, W] or [n] of one time step's input, from the data set's."""
    side = config["data.side"]
    shape = tuple(shape) if side is None else (shape[0], side, side)
    return (prod(shape),) if config["model.name"] in DENSE else shape


def network(config, shape, classes, rng):
    """A fresh network for inputs of the data set's shape; ConfigError where it does not fit them."""
    try:
        return _network(config, input_shape(config, shape), classes, rng).astype(config["training.dtype"])
    except ConfigError:
        raise
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{config.source}: model {config['model.name']}: {error}") from None


def _network(config, shape, classes, rng):
    name, shared = config["model.name"], _neurons(config)
    if name in DENSE:
        words = {key: config[f"model.{key}"] for key in ("reset", "readout", "initialisation")}
        made = ot.dense_network([*shape, *config["model.hidden"], classes], rng=rng, **words, **shared)
        return made if name == "dense" else _recurrent(made, config["model.recurrent_std"], rng)
    if len(shape) != 3:
        raise ValueError(f"it takes images, and data.set {config['data.set']} has inputs of shape {list(shape)}")
    shared |= {"dropout": config["model.dropout"], "width": config["model.width"], "rng": rng}
    if name in FEEDBACK:
        shared["feedback_std"] = config["model.feedback_std"]
    if name == "nf_resnet34_ws":
        shared["alpha"] = config["model.alpha"]
    made = getattr(ot.models, name)(shape, classes, **shared)
    if not config["model.weight_standardisation"]:
        made = made.mapped(lambda connection: _freed(connection.operations))
    return made


def _neurons(config):
    name, numbers = config["model.surrogate"], config["model.surrogate_settings"]
    known = list(inspect.signature(SURROGATES[name]).parameters)
    if not set(numbers) <= set(known):
        raise ConfigError(
            f"{config.source}: model.surrogate_settings of {name} must be of {', '.join(known)}, got "
            f"{', '.join(numbers)}"
        )
    return {
        "decay": config["model.decay"],
        "threshold": config["model.threshold"],
        "surrogate": SURROGATES[name](**numbers),
    }


def _recurrent(made, std, rng):
    """The network with a recurrent connection in each spiking layer."""
    layers = []
    for layer, (count,) in zip(made.layers, made.shapes):
        if layer.neuron.spiking:
            weight = rng.normal(0.0, std / np.sqrt(count), (count, count))
            layer = ot.Layer(layer.synapses, layer.neuron, recurrent=ot.Dense(weight, bias=False))
        layers.append(layer)
    return ot.Network(layers)


def _freed(operation):
    """The operation with the weights that standardisation gives now, as weights of its own."""
    if isinstance(operation, WeightStandardised):
        return operation.synapses.replaced(weight=operation.weight)
    if isinstance(operation, Chain):
        return Chain([_freed(each) for each in operation.operations])
    return operation


def loss(config):
    """ℓ of a time step."""
    if config["loss.name"] == "mixed":
        return ot.losses.Mixed(config["loss.mse_weight"])
    return ot.losses.CrossEntropy() if config["loss.name"] == "cross-entropy" else ot.losses.MeanSquaredError()


def optimiser(config):
    """A fresh optimiser."""
    rate, decay = config["optimiser.learning_rate"], config["optimiser.weight_decay"]
    if config["optimiser.name"] == "adam":
        return ot.training.Adam(rate, weight_decay=decay)
    return ot.training.SGD(rate, momentum=config["optimiser.momentum"], weight_decay=decay)


def schedule(config, steps_per_epoch):
    """(epoch, step in it) → the learning rate."""
    rate = config["optimiser.learning_rate"]
    if config["schedule.name"] == "constant":
        return lambda epoch, step: rate
    by_step = config["schedule.per"] == "step"
    total = config["training.epochs"] * (steps_per_epoch if by_step else 1)
    cosine = ot.training.CosineSchedule(rate, total, config["schedule.minimum"])
    return lambda epoch, step: cosine.at(epoch * steps_per_epoch + step if by_step else epoch)
