"""The presynaptic traces of OTTT: â[t] = λ â[t-1] + s[t], one per neuron that sends spikes.

Operations between spikes and membranes are affine, so that what goes through them has the trace of the spikes, sent
through them, with the trace Λ_t of the biases' constant input 1 (theorem P1): traces are kept where spikes enter, and
nowhere inside. A recurrent or feedback connection has the trace of the spikes that it delivers, s[t-1].

Dialects. "derivation" traces everything that enters a leaky membrane: also the network's inputs, and the biases, whose
input is always 1 and whose trace is Λ_t = Σ_{k<t} λ^k. "authors" takes the inputs and every bias as they are at t. In
both a stateless readout's weight is paired with the trace of its spikes, with the decay of the neurons that send them
(theorem Q1 says of what that is the gradient), and its bias, which enters no membrane, with 1.
"""

from dataclasses import dataclass

import numpy as np

from ...kernel import rows
from ...network.layers import INPUTS
from ...network.neurons import leaky_accumulate

DIALECTS = ("derivation", "authors")


class Traces:
    """What each connection's errors are paired with: `given_by(connection)` [B, ...] and `constant(l)` [1] by layer.

    The trace of what enters layer l decays with that layer's λ: it stands for the time spent in that layer's membranes.
    Connections that are given the same spikes at the same λ share one trace; those without parameters need none.
    """

    def __init__(self, network, batch_size, dialect):
        self._bias_input = network.bias_input
        self._constants = [np.zeros(1, dtype=network.dtype) for _ in network.layers]
        self._constant_traced = [
            dialect == "derivation" and not (l == len(network.layers) - 1 and layer.neuron.stateless)
            for l, layer in enumerate(network.layers)
        ]
        self._decays = [network.decay(network.trace_layer(l)) for l in range(len(network.layers))]
        self._keys = {c.name: _key(network, c, dialect) for c in network.connections if c.parameters}
        self._traces = {}
        for connection in network.connections:
            if connection.name in self._keys:
                shape = (batch_size, *network.shape_of(connection.source))
                self._traces.setdefault(self._keys[connection.name], np.zeros(shape, dtype=network.dtype))
        self._network = network

    def presynaptic(self, connection):
        """What the connection's errors are paired with, [B, ...]; for one that has parameters."""
        return self._traces[self._keys[connection.name]]

    def bias_input(self, l):
        """What stands for the biases' constant input into layer l, [1]."""
        return self._constants[l]

    def decay(self, connection):
        """λ [1] of the trace of what a connection with parameters is given; None where that is taken as it is at t."""
        layer = self._keys[connection.name].layer
        return None if layer is None else self._network.decay(layer)

    def constant_decay(self, l):
        """λ [1] of the trace of the biases' constant input into layer l; None where it is taken as 1."""
        return self._decays[l] if self._constant_traced[l] else None

    @property
    def state_bytes(self):
        """Bytes of what is carried from one time step to the next."""
        return sum(trace.nbytes for trace in (*self._traces.values(), *self._constants))

    def update(self, activity):
        """Take in one time step: â[t] = λ â[t-1] + s[t], or s[t] where the dialect traces nothing."""
        values = {
            self._keys[c.name]: activity.presynaptic(c) for c in self._network.connections if c.name in self._keys
        }
        for key, value in values.items():
            follow(self._traces[key], value, None if key.layer is None else self._network.decay(key.layer))
        for l in range(len(self._decays)):
            follow(self._constants[l], self._bias_input, self.constant_decay(l))


@dataclass(frozen=True)
class Key:
    """Which trace: of whose spikes, whether of the time step before, and of which layer's λ (None: no trace)."""

    source: int
    delayed: bool
    layer: int | None


def _key(network, connection, dialect):
    if dialect == "authors" and connection.source == INPUTS:
        return Key(INPUTS, False, None)
    layer = network.trace_layer(connection.target)
    decays = [each.neuron.decay for each in network.layers]
    return Key(connection.source, connection.delayed, decays.index(decays[layer]))


def follow(trace, value, decay):
    """â[t-1] → â[t] in place: λ â[t-1] + s[t], or s[t] for a decay of None."""
    if decay is None:
        trace[...] = value
    else:
        leaky_accumulate(rows(trace), rows(value), decay)
