"""Every key of a config: its name, what it may be, what it is if it is not given, and what it means."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ottt_ref.cli.network import SURROGATES
from ottt_ref.methods.shared.traces import DIALECTS
from ottt_ref.network import initialisation
from ottt_ref.network.network import READOUTS
from ottt_ref.network.neurons import RESETS

from ..backends import BACKENDS, DTYPES
from ..data.events import DIVISIONS
from ..data.registry import SETS
from .rules import LARGEST_CONTRACTION, RULES

MOST = 2**31


class _Required:
    """The default of a key that must be given."""

    def __repr__(self):
        return "required"


REQUIRED = _Required()


@dataclass(frozen=True)
class Kind:
    """What a value may be, in words, and what takes it: the value as it is kept, or ValueError."""

    words: str
    take: Callable[[Any], Any]
    names: tuple[str, ...] = ()  # where it is one of some


@dataclass(frozen=True)
class Key:
    """A key of a config.

    name     "section.key"
    kind     what it may be
    default  its value where it is not given, or REQUIRED
    about    what it means
    only     (another key, its values): where that key has none of them, this one must not be given
    """

    name: str
    kind: Kind
    default: Any
    about: str
    only: tuple[str, tuple[str, ...]] | None = None


def _taken(holds, convert=lambda value: value):
    def take(value):
        if not holds(value):
            raise ValueError
        return convert(value)

    return take


def _is_whole(value, least=-MOST, most=MOST):
    return type(value) is int and least <= value <= most


def _is_number(value):
    return type(value) in (int, float) and math.isfinite(value)


def whole(least, most=MOST):
    """A whole number."""
    above = f", at most {most}" if most < MOST else ""
    return Kind(f"a whole number of at least {least}{above}", _taken(lambda value: _is_whole(value, least, most)))


def number(words, holds):
    """A number for which `holds` is true; kept as a float."""
    return Kind(words, _taken(lambda value: _is_number(value) and holds(value), float))


def one_of(*names):
    """One of some words."""
    return Kind(f"one of {', '.join(names)}", _taken(lambda value: isinstance(value, str) and value in names), names)


def several(words, holds, least=1):
    """A list of at least so many values for which `holds` is true."""

    def is_list(value):
        return isinstance(value, list | tuple) and len(value) >= least and all(map(holds, value))

    return Kind(words, _taken(is_list, list))


def _distinct(names):
    listed = several(f"a list of {', '.join(names)}", lambda value: isinstance(value, str) and value in names)
    return Kind(listed.words, lambda value: list(dict.fromkeys(listed.take(value))), names)


def _rule(value):
    if value in RULES or (isinstance(value, str) and ":" in value):
        return value
    raise ValueError


def _numbers_by_name(value):
    if not isinstance(value, dict) or not all(map(_is_number, value.values())):
        raise ValueError
    return {name: float(each) for name, each in value.items()}


def _seeds(value):
    if isinstance(value, list | tuple) and value and all(_is_whole(seed, 0) for seed in value):
        return list(dict.fromkeys(value))
    raise ValueError


FLAG = Kind("true or false", _taken(lambda value: type(value) is bool))
TEXT = Kind("a text", _taken(lambda value: isinstance(value, str) and value != ""))
POSITIVE = number("a number above 0", lambda value: value > 0)
AT_LEAST_0 = number("a number of at least 0", lambda value: value >= 0)
SHARE = number("a number from 0 to 1", lambda value: 0 <= value <= 1)
BELOW_1 = number("a number of at least 0 and below 1", lambda value: 0 <= value < 1)
NUMBERS = several("a list of numbers", _is_number)
DEVIATIONS = several("a list of numbers above 0", lambda value: _is_number(value) and value > 0)

IMAGES = ("digits", "mnist1d", "mnist-5000", "mnist", "fashion-mnist", "cifar10", "cifar100", "imagenet")
EVENTS = tuple(name for name in SETS if name not in IMAGES)
CAMERAS = ("event-digits", "event-mnist-5000", "nmnist", "cifar10-dvs", "dvs-gesture")
MADE = ("mnist1d", "mnist1d-spikes", "event-digits", "event-mnist-5000")
CROSSINGS = ("japanese-vowels", "basic-motions", "mnist1d-spikes")
DENSE = ("dense", "recurrent")
CONVOLUTIONAL = ("small_conv", "small_feedback", "vgg11_ws", "vgg11_ws_feedback", "nf_resnet34_ws")
FEEDBACK = ("small_feedback", "vgg11_ws_feedback")
AUGMENTS = ("none", "crop", "random-resized-crop")
SPLITS = ("train", "validation", "test")
TRACED = ("ottt-a", "ottt-o")

KEYS = (
    Key("data.set", one_of(*SETS), REQUIRED, "the data set; `python -m experiments data` lists them"),
    Key("data.folder", TEXT, None, "the folder with its files or its wheel; `--folder` goes before it"),
    Key("data.seed", whole(0), 0, "of what is generated", ("data.set", MADE)),
    Key("data.levels", whole(1, 1000), 8, "of the level crossing of each dimension", ("data.set", CROSSINGS)),
    Key("data.validation", BELOW_1, 0.0, "the share of each class's training samples that is held out"),
    Key("data.mean", NUMBERS, None, "of each channel, subtracted from pixels in [0, 1]", ("data.set", IMAGES)),
    Key("data.std", DEVIATIONS, None, "of each channel, by which they are divided then", ("data.set", IMAGES)),
    Key(
        "data.by",
        one_of(*DIVISIONS, "window"),
        "time",
        "what a frame is: as many events, as much time, or a fixed duration",
        ("data.set", EVENTS),
    ),
    Key("data.duration", whole(1), None, "of a frame, in microseconds or samples", ("data.by", ("window",))),
    Key("data.side", whole(1, 4096), None, "pixels that frames are made high and wide", ("data.set", CAMERAS)),
    Key("data.spikes", FLAG, False, "whether a frame is 0 or 1, not a count", ("data.set", EVENTS)),
    Key("data.augment", one_of(*AUGMENTS), "none", "what is drawn of training samples: a part of each"),
    Key("data.padding", whole(0, 1000), 4, "pixels around an image before the crop", ("data.augment", ("crop",))),
    Key("data.cutout", SHARE, 0.0, "the share of images with a cutout", ("data.augment", ("crop",))),
    Key("data.flip", SHARE, 0.0, "the share of images turned left to right", ("data.augment", AUGMENTS[1:])),
    Key("model.name", one_of(*DENSE, *CONVOLUTIONAL), REQUIRED, "layers of neurons, or a network of `ottt_ref.models`"),
    Key(
        "model.hidden",
        several("a list of whole numbers of at least 1", lambda value: _is_whole(value, 1)),
        [128],
        "neurons of each hidden layer",
        ("model.name", DENSE),
    ),
    Key("model.decay", SHARE, 0.5, "λ, the membrane's leak"),
    Key("model.threshold", POSITIVE, 1.0, "V_th"),
    Key("model.surrogate", one_of(*SURROGATES), "sigmoid", "of the spike's derivative"),
    Key("model.surrogate_settings", Kind("a table of numbers", _numbers_by_name), {}, "its numbers, { alpha = 4.0 }"),
    Key("model.reset", one_of(*RESETS), "soft", "what a spike does to the potential", ("model.name", DENSE)),
    Key("model.readout", one_of(*READOUTS), "linear", "what the outputs are", ("model.name", DENSE)),
    Key("model.initialisation", one_of(*initialisation.SCHEMES), "uniform", "of weights", ("model.name", DENSE)),
    Key(
        "model.recurrent_std",
        AT_LEAST_0,
        0.5,
        "of recurrent weights at the start, times the square root of how many enter a neuron",
        ("model.name", ("recurrent",)),
    ),
    Key(
        "model.width",
        number("a number above 0, at most 16", lambda value: 0 < value <= 16),
        1.0,
        "by which the channels of every convolution are multiplied",
        ("model.name", CONVOLUTIONAL),
    ),
    Key(
        "model.weight_standardisation",
        FLAG,
        True,
        "without it the weights start as standardised ones, and are free",
        ("model.name", CONVOLUTIONAL),
    ),
    Key("model.dropout", BELOW_1, 0.0, "of spikes; one mask for a sequence", ("model.name", CONVOLUTIONAL)),
    Key("model.feedback_std", AT_LEAST_0, 0.0, "of the feedback's weights at the start", ("model.name", FEEDBACK)),
    Key("model.alpha", POSITIVE, 0.2, "of the residual blocks", ("model.name", ("nf_resnet34_ws",))),
    Key(
        "rule.name",
        Kind(f"one of {', '.join(RULES)}, or a rule of your own, MODULE:NAME", _rule, tuple(RULES)),
        "ottt-a",
        "what gives the gradients; -o learns after each time step",
    ),
    Key("rule.dialect", one_of(*DIALECTS), "derivation", "what is traced", ("rule.name", TRACED)),
    Key(
        "rule.reset_gradient",
        one_of("detached", "kept"),
        "detached",
        "whether gradients cross the reset",
        ("rule.name", ("bptt", "rtrl", "rtrl-o")),
    ),
    Key(
        "rule.loss_of",
        one_of("steps", "average"),
        "steps",
        "the loss of each time step, or of the averaged output",
        ("rule.name", ("bptt",)),
    ),
    Key(
        "rule.largest_contraction",
        BELOW_1,
        LARGEST_CONTRACTION,
        "to which loops are kept; 0 leaves them",
        ("rule.name", ("spike-representation",)),
    ),
    Key("loss.name", one_of("mixed", "cross-entropy", "mean-squared-error"), "mixed", "ℓ of a time step"),
    Key("loss.mse_weight", SHARE, 0.05, "α, the share of the squared error", ("loss.name", ("mixed",))),
    Key("optimiser.name", one_of("sgd", "adam"), "sgd", "what turns gradients into steps"),
    Key("optimiser.learning_rate", POSITIVE, 0.1, "η at the start"),
    Key("optimiser.momentum", BELOW_1, 0.9, "μ", ("optimiser.name", ("sgd",))),
    Key("optimiser.weight_decay", AT_LEAST_0, 0.0, "of every parameter"),
    Key("schedule.name", one_of("cosine", "constant"), "cosine", "of the learning rate, over all epochs"),
    Key("schedule.per", one_of("epoch", "step"), "epoch", "when it changes", ("schedule.name", ("cosine",))),
    Key("schedule.minimum", AT_LEAST_0, 0.0, "η at the end", ("schedule.name", ("cosine",))),
    Key("training.time_steps", whole(1, 10**6), 6, "T"),
    Key("training.epochs", whole(1), REQUIRED, "how often each sample is seen"),
    Key("training.batch_size", whole(1), 32, "samples that are learned at once"),
    Key("training.drop_last", FLAG, False, "whether a last, smaller batch is left out"),
    Key("training.seeds", Kind("a list of whole numbers of at least 0", _seeds), [0], "a run for each"),
    Key("training.dtype", one_of(*DTYPES), "float32", "of all numbers"),
    Key("training.backend", one_of(*BACKENDS), "fast", "whose loops compute"),
    Key("evaluation.every", whole(1), 1, "epochs; the last one is always evaluated"),
    Key("evaluation.splits", _distinct(SPLITS), ["test"], "which parts"),
    Key("evaluation.batch_size", whole(1), 128, "samples that are tested at once"),
    Key("checkpoints.epochs", whole(0), 1, "a checkpoint after so many epochs; 0: none"),
    Key("checkpoints.steps", whole(0), 0, "a checkpoint after so many batches of an epoch too; 0: none"),
)
BY_NAME = {key.name: key for key in KEYS}
SECTIONS = tuple(dict.fromkeys(key.name.partition(".")[0] for key in KEYS))


def table() -> str:
    """Every key as a row of a Markdown table."""
    rows = ["| key | what it may be | if not given | what it means |", "|---|---|---|---|"]
    for key in KEYS:
        only = f"; with `{key.only[0]}` {' or '.join(key.only[1])}" if key.only and len(key.only[1]) < 4 else ""
        rows.append(f"| `{key.name}` | {key.kind.words} | {_default(key.default)} | {key.about}{only} |")
    return "\n".join(rows)


def _default(value):
    if value is REQUIRED or value is None:
        return "must be given" if value is REQUIRED else "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace("'", '"')
