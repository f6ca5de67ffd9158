"""Reference implementation of OTTT, BPTT and spike representation for spiking neural networks.

description   network: Network, dense_network; layers: Dense, Layer; neurons: LIF, Integrator; surrogate; losses
forward       simulate
gradients     bptt, ottt, sltt, rtrl, spike_representation: one signature, `gradients(network, inputs, targets)`
update        training: SGD, Adam, CosineSchedule; ottt.OnlineLearner
"""

from . import bptt, losses, ottt, rates, rtrl, sltt, spike_representation, surrogate, training
from .layers import Dense, Layer
from .network import Network, dense_network, exact_array
from .neurons import LIF, Integrator
from .rates import rate_normaliser, weighted_rate
from .simulation import Simulator, simulate

__version__ = "0.1.0"

__all__ = [
    "LIF",
    "Dense",
    "Integrator",
    "Layer",
    "Network",
    "Simulator",
    "bptt",
    "dense_network",
    "exact_array",
    "losses",
    "ottt",
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
