"""Neurons over a window of time steps: their states, outputs and surrogate derivatives in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..methods.bptt import backpropagate_states
from ..network.network import Network
from ..network.neuron import Neuron, checked_jacobian
from ..simulation.simulator import Activity


def advance(
    neuron: Neuron,
    states: tuple[np.ndarray, ...],
    output: np.ndarray,
    current: np.ndarray,
    record: tuple[np.ndarray, ...],
    outputs: np.ndarray,
    derivatives: np.ndarray | None,
) -> None:
    """Advance neurons by the time steps of a window, and write what they do into the record.

    states, output   of the time step before the window, [B, ...]; they stay as they are
    current          I, [w, B, ...]
    record, outputs, derivatives   states h, outputs s and, if asked for, ψ of each time step, [w, B, ...]
    """
    before, fired = states, output
    for t in range(len(current)):
        for state, given in zip(record, before):
            state[t] = given
        outputs[t] = fired
        before, fired = tuple(state[t] for state in record), outputs[t]
        neuron.step(before, fired, current[t])
        if derivatives is not None:
            derivatives[t] = neuron.surrogate_derivative(before)


def backpropagate(network: Network, l: int, activity: Activity, spike_error: np.ndarray, kept: bool) -> np.ndarray:
    """The error at layer l's currents, [T, B, ...], from ε^l at its spikes: back through the time of its neurons."""
    neuron, derivatives = network.layers[l].neuron, activity.layer_surrogate_derivatives
    psi: Any = None if derivatives is None else derivatives[l]  # there are some: they were asked for
    states, outputs = activity.layer_states[l], activity.layer_outputs[l]
    result = np.empty_like(spike_error)
    deltas = [np.zeros_like(state[0]) for state in states]
    for t in reversed(range(len(result))):
        now = tuple(state[t] for state in states)
        jacobian = checked_jacobian(f"layers[{l}]", neuron, now, outputs[t], psi[t], kept)
        result[t] = backpropagate_states(network, neuron, deltas, psi[t] * spike_error[t], jacobian)
    return result
