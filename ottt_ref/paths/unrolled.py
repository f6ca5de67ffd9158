"""A network unrolled in time: the number on every edge that a path may take.

Waiting one time step multiplies by a leak edge or by a reset edge:

    soft reset   leak λ          reset -λ V_th ψ[t]
    unleaked     leak λ          reset -V_th ψ[t]
    hard reset   leak λ(1 - s)   reset λ (v_reset - u[t]) ψ[t]

Where OTTT's trace keeps what the membrane does not, there is a third edge, which only OTTT takes: λ s[t] of a hard
reset, and λ of the sending neuron for the weights of a stateless readout.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..network.layers import Connection
from ..network.network import Network
from ..network.neurons import LIF, Integrator
from ..network.operations import Dense
from ..network.operations.chain import alone
from ..simulation.simulator import Activity
from .path import LEAK, RESET, TRACE, Edge


def require_known(network: Network) -> None:
    """Check that every path is known: dense synapses, LIF neurons and Integrators, no parameters of neurons.

    Raises TypeError or ValueError that names the layer or connection.
    """
    for connection in network.connections:
        if dense_of(connection) is None:
            raise TypeError(
                f"network must be of Dense connections alone for its paths, got {connection.operations!r} as "
                f"{connection.name}"
            )
    for l, layer in enumerate(network.layers):
        neuron = layer.neuron
        if type(neuron) not in (LIF, Integrator):
            raise TypeError(
                f"network must have LIF neurons and Integrators alone for its paths, got {neuron!r} in layers[{l}]"
            )
        if neuron.parameter_names:
            raise ValueError(
                f"network must have no trainable neurons for its paths, got {neuron.parameter_names} of layers[{l}]"
            )
        if neuron.stateless and l + 1 < len(network.layers):
            raise ValueError(
                f"network must have no sums of currents for its paths, got the stateless {neuron!r} in layers[{l}]"
            )


def dense_of(connection: Connection) -> Dense | None:
    """The Dense synapses that a connection is; None where it is something else."""
    operation = alone(connection.operations)
    return operation if type(operation) is Dense else None


class Unrolled:
    """The numbers of an Activity [T, B, ...] and of output errors [T, B, n_out], as Python's own where they are floats.

    time_steps, batch_size, layers   T, B and the number of layers
    """

    def __init__(self, network: Network, activity: Activity, output_errors: np.ndarray) -> None:
        self.network = network
        self.time_steps, self.batch_size = output_errors.shape[:2]
        self.layers = len(network.layers)
        self._activity = activity
        self._errors = output_errors.tolist()
        self._psi = [each.tolist() for each in activity.layer_surrogate_derivatives or ()]
        self._ways = [
            [(way, dense_of(way).weight.tolist()) for way in network.outgoing(l)]  # type: ignore[union-attr]
            for l in range(self.layers)
        ]
        self._delivered: dict[str, list] = {}
        self._edges: dict[tuple, tuple[Edge, ...]] = {}

    def source(self, connection: Connection, t: int, b: int, j: int):
        """What arrives from presynaptic neuron j at time step t."""
        if connection.name not in self._delivered:
            steps = [self._activity.at(t).delivered(connection).tolist() for t in range(self.time_steps)]
            self._delivered[connection.name] = steps
        return self._delivered[connection.name][t][b][j]

    def surrogate_derivative(self, b: int, l: int, i: int, t: int):
        """ψ^l_i[t]."""
        return self._psi[l][t][b][i]

    def error(self, b: int, i: int, t: int):
        """∂L[t]/∂o_i."""
        return self._errors[t][b][i]

    def ways(self, l: int) -> list[tuple[Connection, list]]:
        """The connections out of layer l, each with its weight as rows."""
        return self._ways[l]

    def edges(self, b: int, l: int, i: int, t: int) -> tuple[Edge, ...]:
        """The ways to wait in membrane i of layer l from t to t + 1: none, a leak, or a leak and a reset."""
        key = (b, l, i, t)
        if key not in self._edges:
            self._edges[key] = self._waiting(*key)
        return self._edges[key]

    def _waiting(self, b, l, i, t):
        neuron = self.network.layers[l].neuron
        if neuron.stateless:
            return ()
        decay = self._decays[l][i]
        if not neuron.spiking:
            return (Edge(LEAK, t, decay),)
        threshold, reset_potential, psi = self._thresholds[l][i], self._resets[l][i], self._psi[l][t][b][i]
        if neuron.reset == "soft":
            leak, reset = decay, -(decay * threshold * psi)
        elif neuron.reset == "unleaked":
            leak, reset = decay, -(threshold * psi)
        else:
            leak = decay * (1 - self._spikes[l][t][b][i])
            reset = decay * (reset_potential - self._potentials[l][t][b][i]) * psi
        return Edge(LEAK, t, leak), Edge(RESET, t, reset)

    def trace_edge(self, connection: Connection, b: int, i: int, j: int | None, t: int) -> Edge | None:
        """How OTTT's trace keeps from t to t + 1 what membrane i, which the connection enters, does not; None if not.

        j  of the presynaptic neuron; None for the bias, which of a stateless readout has no trace
        """
        l = connection.target
        neuron = self.network.layers[l].neuron
        if neuron.stateless:
            return None if j is None else Edge(TRACE, t, self._sender_decay(connection, j))
        if isinstance(neuron, LIF) and neuron.reset == "hard":
            return Edge(TRACE, t, self._decays[l][i] * self._spikes[l][t][b][i])
        return None

    def _sender_decay(self, connection, j):
        layers = self.network.trace_layers(connection.target)
        return self._decays[connection.source][j] if connection.source in layers else self._decays[layers[0]][0]

    def _settings(self, name):
        return [
            _by_neuron(getattr(layer.neuron, name, 0), size, self.network.dtype)
            for layer, (size,) in zip(self.network.layers, self.network.shapes)
        ]

    @cached_property
    def _decays(self):
        return self._settings("decay")

    @cached_property
    def _thresholds(self):
        return self._settings("threshold")

    @cached_property
    def _resets(self):
        return self._settings("reset_potential")

    @cached_property
    def _spikes(self):
        return [each.tolist() for each in self._activity.layer_outputs]

    @cached_property
    def _potentials(self):
        return [each.tolist() for each in self._activity.layer_potentials]


def _by_neuron(value, size, dtype):
    """[n], of a number for all or of an array, as the network's dtype holds them."""
    given = list(value.flat) if isinstance(value, np.ndarray) else [value]
    result = np.empty(len(given), dtype=dtype)
    result[:] = given
    return result.tolist() * (size if len(given) == 1 else 1)
