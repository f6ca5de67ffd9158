"""The presynaptic traces of OTTT: â[t] = λ â[t-1] + s[t], one per neuron that sends spikes.

Operations between spikes and membranes are affine, so that what goes through them has the trace of the spikes, sent
through them, with the trace Λ_t of the biases' constant input 1 (theorem P1): traces are kept where spikes enter, and
nowhere inside. A connection has the trace of what it delivers: a recurrent or feedback one of s[t-1], one with a delay
of d time steps of s[t-d].

Into neurons of K states with the leak A the trace is q[t] = A q[t-1] + (∂h/∂I) s[t], â[t] = (∂z/∂h) · q[t] (`neuron`).

Dialects. "derivation" traces everything that enters a leaky membrane: also the network's inputs, and the biases, whose
input is always 1 and whose trace is Λ_t = Σ_{k<t} λ^k. A leaky stage is such a membrane, and what it sends on, its
potential, is traced as spikes are. "authors" takes the inputs and every bias as they are at t. In
both a stateless readout's weight is paired with the trace of its spikes, with the decay of the neurons that send them
(theorem Q1 says of what that is the gradient), and its bias, which enters no membrane, with 1.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ...network.layers import INPUTS, Connection
from ...network.network import Network, require_network
from ...network.neuron import Neuron
from ...simulation.simulator import Activity
from ...simulation.trace import Trace
from ...validation import require_choice, require_count

Dialect = Literal["derivation", "authors"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)


class Traces:
    """What errors are paired with: `presynaptic(connection)` [B, ...] and, for the biases, `bias_input(l)` [1].

    The trace of what enters layer l decays as that layer's membranes do: it stands for the time spent in them.
    Connections that carry the same spikes into equal membranes share one trace; those without parameters need none.

    With λ = 1/2, of inputs that are always 1, and of the biases' input, which is 1 too:

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([1, 1, 1], decay=0.5, rng=0)
    >>> activity = ot.simulate(network, np.ones((3, 1, 1)))
    >>> traces = ot.methods.Traces(network, batch_size=1, dialect="derivation")
    >>> for t in range(3):
    ...     traces.update(activity.at(t))
    ...     print(*traces.presynaptic(network.connections[0]).flat, *traces.bias_input(0))
    1.0 1.0
    1.5 1.5
    1.75 1.75
    """

    def __init__(self, network: Network, batch_size: int, dialect: Dialect) -> None:
        self._network = require_network(network)
        require_count("batch_size", batch_size)
        require_choice("dialect", dialect, DIALECTS)
        self._bias_input = network.bias_input
        self._membranes = [network.layers[network.trace_layer(l)].neuron for l in range(len(network.layers))]
        self._bias_traced = [
            dialect == "derivation" and not (l == len(network.layers) - 1 and layer.neuron.stateless)
            for l, layer in enumerate(network.layers)
        ]
        self._biases = [
            Trace(self._membranes[l] if traced else None, (1,), network.dtype)
            for l, traced in enumerate(self._bias_traced)
        ]
        self._keys = {c.name: _key(network, c, dialect) for c in network.connections if c.parameters}
        self._traces: dict[Key, Trace] = {}
        for connection in network.connections:
            if connection.name in self._keys and self._keys[connection.name] not in self._traces:
                key, shape = self._keys[connection.name], (batch_size, *network.shape_of(connection.source))
                neuron = None if key.layer is None else network.layers[key.layer].neuron
                self._traces[key] = Trace(neuron, shape, network.dtype)

    def presynaptic(self, connection: Connection) -> np.ndarray:
        """What the connection's errors are paired with, [B, ...]; for one that has parameters."""
        return self._traces[self._keys[connection.name]].value

    def bias_input(self, l: int) -> np.ndarray:
        """What stands for the biases' constant input into layer l, [1]."""
        return self._biases[l].value

    def membrane(self, connection: Connection) -> Neuron | None:
        """The neuron whose leak the trace of a connection has; None where a value stands for its own trace."""
        return self._traces[self._keys[connection.name]].neuron

    def bias_membrane(self, l: int) -> Neuron | None:
        """The neuron whose leak the trace of layer l's bias input has; None where the input stays 1."""
        return self._biases[l].neuron

    @property
    def state(self) -> dict[str, np.ndarray]:
        """What is carried from one time step to the next: arrays by name."""
        of_biases = {f"bias_trace/{l}": trace.state for l, trace in enumerate(self._biases)}
        return {**{f"trace/{key}": trace.state for key, trace in self._traces.items()}, **of_biases}

    def update(self, activity: Activity) -> None:
        """Take in one time step: â[t] = λ â[t-1] + s[t], or s[t] where the dialect traces nothing."""
        values = {
            self._keys[connection.name]: activity.presynaptic(connection)
            for connection in self._network.connections
            if connection.name in self._keys
        }
        for key, value in values.items():
            self._traces[key].follow(value)
        for trace in self._biases:
            trace.follow(self._bias_input)


@dataclass(frozen=True)
class Key:
    """Which trace: of whose spikes, of how many time steps before, and by which layer's leak (None: no trace)."""

    source: int
    delay: int
    layer: int | None

    def __str__(self):
        source = "inputs" if self.source == INPUTS else self.source
        return f"{source}{f' of {self.delay} before' if self.delay else ''} by {self.layer}"


def _key(network, connection, dialect):
    if dialect == "authors" and connection.source == INPUTS:
        return Key(INPUTS, connection.delay, None)
    membranes = [layer.neuron.membrane for layer in network.layers]
    return Key(connection.source, connection.delay, membranes.index(membranes[network.trace_layer(connection.target)]))


class ParameterTraces:
    """∂z[t]/∂θ of the neurons' own parameters, as far as time passes inside the neuron itself.

    ε[t] = A ε[t-1] + ∂h[t]/∂θ,   ∂z[t]/∂θ = (∂z/∂h) · ε[t] + the direct ∂z[t]/∂θ

    traced  whether ε is carried on; without, it is that of the time step alone
    """

    def __init__(self, network: Network, batch_size: int, traced: bool) -> None:
        self._network, self._traced = network, traced
        self.state: dict[str, np.ndarray] = {}
        self._values: dict[tuple[int, str], np.ndarray] = {}
        for l, layer in enumerate(network.layers):
            for name in layer.neuron.parameter_names:
                shape = (len(layer.neuron.states), batch_size, *network.shapes[l])
                self.state[f"eligibility/{network.layer_names[l]}.{name}"] = np.zeros(shape, dtype=network.dtype)

    def update(self, activity):
        """Take in one time step."""
        for l, layer in enumerate(self._network.layers):
            for name in layer.neuron.parameter_names:
                state = self.state[f"eligibility/{self._network.layer_names[l]}.{name}"]
                direct, distance = layer.neuron.parameter_derivatives(
                    name, activity.previous_states[l], activity.previous_outputs[l], activity.layer_states[l]
                )
                before = state.copy()
                value = np.zeros_like(state[0])
                value[...] = distance
                for m, row in enumerate(layer.neuron.leak):
                    state[m] = direct[m]
                    if self._traced:
                        for k, number in enumerate(row):
                            state[m] += self._network.number(number) * before[k]
                    value += self._network.number(layer.neuron.output_vector[m]) * state[m]
                self._values[l, name] = value

    def sensitivity(self, l, name):
        """∂z[t]/∂θ, [B, ...]."""
        return self._values[l, name]
