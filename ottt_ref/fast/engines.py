"""The engines that are made for some networks, fastest first; what none of them takes goes by windows of time steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..learning.losses import Loss
from ..methods import METHODS as REFERENCE
from ..methods.shared.gradients import Gradients
from ..network.network import Network
from . import dense_chains, samples

CHAINS, SAMPLES = "one call for a chain of dense layers", "a convolutional network, a sample at a time"


def refusals(network: Network, method: str, loss: Loss, asked: Mapping[str, Any]) -> dict[str, str]:
    """By engine, why it does not take a network; "" where it does.

    asked  beside the sequence: error_feedback, regulariser, input_gradients, terms, reset_gradient, loss_of
    """
    return {CHAINS: of_chains(network, method, asked), SAMPLES: of_samples(network, method, loss, asked)}


def of_chains(network: Network, method: str, asked: Mapping[str, Any]) -> str:
    """Why the engine of chains does not take a network."""
    return dense_chains.suits(network, method, **asked)


def of_samples(network: Network, method: str, loss: Loss, asked: Mapping[str, Any]) -> str:
    """Why the engine that takes a sample at a time does not take a network."""
    if method == "bptt":
        return "the method is bptt"
    names = ("error_feedback", "regulariser", "input_gradients", "terms")
    return samples.suits(network, loss, **{name: asked[name] for name in names if name in asked})


def in_one_call(
    method: str,
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss: Loss,
    asked: Mapping[str, Any],
    of_sequence: Mapping[str, Any],
) -> Gradients | None:
    """The gradient by the engine of chains; None where it does not take the network.

    of_sequence  weights, time_steps and initial_state, and of OTTT the dialect
    """
    flags = all(isinstance(asked[name], bool) for name in ("input_gradients", "terms"))  # others are refused elsewhere
    if not flags or of_chains(network, method, asked):
        return None
    reference: Callable[..., Gradients] = REFERENCE[method].gradients
    return dense_chains.gradients(network, inputs, targets, loss, method=method, reference=reference, **of_sequence)
