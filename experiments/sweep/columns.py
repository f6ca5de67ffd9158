"""Columns of tables: data sets with their networks, each a config of `ottt-ref train` and what is changed in it.

T is 6, and 10 of what consists of events. Epochs and batch sizes are ours, the same for every rule; the rest is the
authors', as the configs say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..data.registry import NOTHING, SETS
from ..training import config as configs

DIGITS = {"data.mean": [0.305], "data.std": [0.376]}  # of the training pixels
EVENTS = {"training.time_steps": 10}


@dataclass(frozen=True)
class Column:
    """A data set with its network.

    title    what it is called
    based    on which config
    changes  values by key
    """

    title: str
    based: str
    changes: Mapping[str, Any] = field(default_factory=dict)

    def config(self, rule: str, folder=None, epochs: int | None = None):
        """The config of a rule.

        folder  of the data's wheel, where the column needs one
        epochs  before the column's own
        """
        base, changes = configs.named(self.based), dict(self.changes)
        if self.needs_wheel:
            changes["data.folder"] = str(folder)
        if epochs is not None:
            changes["training.epochs"] = epochs
        last = {"evaluation.every": changes.get("training.epochs", base["training.epochs"])}
        return base.changed({**changes, **last, "rule.name": rule, "evaluation.splits": ["test"]})

    @property
    def needs_wheel(self) -> bool:
        """Whether its data lie in a wheel."""
        name = self.changes.get("data.set", configs.named(self.based)["data.set"])
        return SETS[name].needs != NOTHING


COLUMNS = {
    "digits-dense": Column("digits, dense", "digits", {"training.epochs": 40}),
    "digits-conv": Column(
        "digits, convolutions", "digits", {**DIGITS, "model.name": "small_conv", "training.epochs": 15}
    ),
    "digits-feedback": Column(
        "digits, feedback", "digits", {**DIGITS, "model.name": "small_feedback", "training.epochs": 8}
    ),
    "mnist-5000": Column("MNIST-5000, convolutions", "mnist-5000", {"training.epochs": 5}),
    "event-digits": Column("event digits", "event-digits", {**EVENTS, "training.epochs": 12}),
    "event-mnist-5000": Column(
        "event MNIST-5000",
        "event-digits",
        {
            **EVENTS,
            "data.set": "event-mnist-5000",
            "data.side": 32,  # which two poolings divide
            "training.epochs": 4,
            "training.batch_size": 64,
        },
    ),
    "japanese-vowels": Column(
        "JapaneseVowels, recurrent", "japanese-vowels", {**EVENTS, "data.by": "time", "training.epochs": 50}
    ),
    "mnist1d": Column("MNIST-1D, dense", "digits", {"data.set": "mnist1d", "training.epochs": 40}),
}
RULES = ("bptt", "ottt-a", "ottt-o", "sltt", "spike-representation")
