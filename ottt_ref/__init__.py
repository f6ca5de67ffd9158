"""Reference implementation of OTTT, BPTT and spike representation for spiking neural networks.

description   network: Network, dense_network; models; layers: Layer, Feedback, Skip; neurons: LIF, CubaLIF, Integrator;
              operations: Dense, Conv2d, Conv1d, WeightStandardised, AveragePool2d, MaxPool2d, ..., and Operation for
              one's own; surrogate; losses
forward       simulate; State: what is carried from one time step to the next
gradients     bptt, ottt, sltt, rtrl, spike_representation: one signature, `gradients(network, inputs, targets)`
              plain: the same methods on a page each, for dense networks
update        training: SGD, Adam, CosineSchedule; ottt.OnlineLearner
overflow      NonFiniteError says where it began; allow_non_finite lets it pass
fast          the same signatures on kernels that exploit sparse spikes; it is imported when it is asked for
paths         gradients as sums over paths, one by one: what each method keeps; imported when it is asked for
"""

import importlib
import sys

from . import methods, plain
from .finite import NonFiniteError, allow_non_finite
from .learning import losses, training
from .methods import bptt, ottt, rtrl, sltt, spike_representation
from .network import models, surrogate
from .network.layers import Feedback, Layer, Skip
from .network.network import Network, dense_network, exact_array
from .network.neuron import Neuron
from .network.neurons import LIF, CubaLIF, Integrator
from .network.operations import (
    AveragePool1d,
    AveragePool2d,
    Chain,
    ChannelScale,
    Conv1d,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    MaxPool1d,
    MaxPool2d,
    Operation,
    Scale,
    SkipInit,
    Upsample2d,
    WeightStandardised,
)
from .simulation import equilibrium, rates
from .simulation.rates import rate_normaliser, weighted_rate
from .simulation.simulator import Simulator, simulate
from .simulation.state import State

__version__ = "0.2.0"

# `import ottt_ref.losses` as well as `ottt_ref.losses`: modules of these names lay here in version 0.1.0.
sys.modules.update(
    {
        f"{__name__}.{module.__name__.rpartition('.')[2]}": module
        for module in (
            bptt,
            equilibrium,
            losses,
            models,
            ottt,
            rates,
            rtrl,
            sltt,
            spike_representation,
            surrogate,
            training,
        )
    }
)


def __getattr__(name: str) -> object:
    """`ottt_ref.fast`, which takes as long to import as all else, and `ottt_ref.paths`, which few need."""
    if name in ("fast", "paths"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "LIF",
    "AveragePool1d",
    "AveragePool2d",
    "Chain",
    "ChannelScale",
    "Conv1d",
    "Conv2d",
    "CubaLIF",
    "Dense",
    "Dropout",
    "Feedback",
    "Flatten",
    "Integrator",
    "Layer",
    "MaxPool1d",
    "MaxPool2d",
    "Network",
    "Neuron",
    "NonFiniteError",
    "Operation",
    "Scale",
    "Simulator",
    "Skip",
    "SkipInit",
    "State",
    "Upsample2d",
    "WeightStandardised",
    "allow_non_finite",
    "bptt",
    "dense_network",
    "equilibrium",
    "exact_array",
    "losses",
    "methods",
    "models",
    "ottt",
    "plain",
    "rate_normaliser",
    "rates",
    "rtrl",
    "simulate",
    "sltt",
    "spike_representation",
    "surrogate",
    "training",
    "weighted_rate",
]
