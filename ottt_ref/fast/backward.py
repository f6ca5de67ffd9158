"""BPTT layer by layer, each with all time steps at once: networks without loops, whose errors go back by layers.

δ^l[t] = ψ^l[t] ∘ ε^l[t] + J^l[t] ∘ δ^l[t+1],   ε^{l-1}[t] = W^{lT} δ^l[t+d]          d: the delay of the connection
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..methods.shared.gradients import GradientSum
from ..network.layers import INPUTS, Connection
from ..network.network import Network
from ..simulation.simulator import Activity
from .forward import as_rows
from .neurons import backpropagate


def why_single_steps(network: Network, terms: bool = False) -> str:
    """Why BPTT goes back by single time steps; "" where it goes back by layers."""
    if terms:
        return "each time step is recorded: terms=True"
    if any(connection.loop for connection in network.connections):
        return "errors come back by loops"
    if network.neuron_parameters:
        return "neurons have parameters of their own"
    return ""


def backward(
    network: Network,
    activity: Activity,
    output_errors: np.ndarray,
    kept: bool,
    regularisation: Mapping[int, np.ndarray],
    input_gradients: bool,
) -> GradientSum:
    """The sum of a whole sequence, of an Activity and ∂L/∂o [T, B, n_out]."""
    steps, batch_size = output_errors.shape[:2]
    sums = GradientSum(network, batch_size, input_steps=steps if input_gradients else None)
    one = network.bias_input
    errors: list[Any] = [None] * len(network.layers)
    for l in reversed(range(len(network.layers))):
        error = _spike_error(network, l, errors, output_errors, activity)
        if l in regularisation:
            error = error + regularisation[l]
        errors[l] = backpropagate(network, l, activity, error, kept)
        for connection in network.incoming(l):
            given = delivered(activity, connection)
            if connection.parameters:
                values = connection.entering(as_rows(given))
                connection.add_gradients(sums.values, as_rows(errors[l]), values, one, as_rows(given))
            if connection.source == INPUTS and sums.inputs is not None:
                back = connection.adjoint(as_rows(errors[l]), as_rows(given))
                _add_late(sums.inputs, back.reshape(activity.inputs.shape), connection.delay)
    return sums


def delivered(activity: Activity, connection: Connection) -> np.ndarray:
    """What entered a connection in each time step of a whole sequence, [T, B, ...]."""
    if connection.delay == 0:
        return activity.output_of(connection.source)
    return np.stack([activity.at(t).delivered(connection) for t in range(activity.time_steps)])


def _spike_error(network, l, errors, output_errors, activity):
    """ε^l, [T, B, ...]: an error of time step t + d comes back to t through a delay of d.

    The last layer's are the outputs' own: without loops nothing goes on from there.
    """
    outputs = activity.layer_outputs[l]
    total = output_errors if l == len(network.layers) - 1 else None
    for connection in network.outgoing(l):
        error = errors[connection.target]
        given = None if connection.front is None else as_rows(delivered(activity, connection))
        back = connection.adjoint(as_rows(error), given).reshape(outputs.shape)
        if total is None:
            total = np.zeros_like(outputs) if connection.delay else back
            if not connection.delay:
                continue
        _add_late(total, back, connection.delay)
    return total


def _add_late(total, part, delay):
    """total[t - d] += part[t]; what came from before the sequence goes nowhere."""
    total[: max(0, len(total) - delay)] += part[delay:]
