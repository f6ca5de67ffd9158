"""FAULTS: mistakes that authors of backends make, each as a backend that makes it, by name."""

from . import (
    branches,
    by_layer,
    connections,
    dynamics,
    layers,
    learning,
    losses,
    rates,
    steps,
    surrogates,
    time,
    traces,
    windows,
)
from .catalogue import FAULTS

__all__ = [
    "FAULTS",
    "branches",
    "by_layer",
    "connections",
    "dynamics",
    "layers",
    "learning",
    "losses",
    "rates",
    "steps",
    "surrogates",
    "time",
    "traces",
    "windows",
]
