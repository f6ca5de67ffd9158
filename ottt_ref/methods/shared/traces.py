"""The presynaptic traces of OTTT: â[t] = λ â[t-1] + s[t], one per neuron that sends spikes.

Operations between spikes and membranes are affine, so that what goes through them has the trace of the spikes, sent
through them, with the trace Λ_t of the biases' constant input 1 (theorem P1): traces are kept where spikes enter, and
nowhere inside. A connection has the trace of what it delivers: a recurrent or feedback one of s[t-1], one with a delay
of d time steps of s[t-d].

Where an operation is not linear, as max pooling is not, the trace of its result is not its result of the trace: the
trace is kept of what comes out of the last such operation, which enters a membrane by affine ones again. So its weights
have the exact trace (E1, E2). Parameters before that operation have none: what they add at a time step goes where the
values of that time step send it. They are refused.

Into neurons of K states with the leak A the trace is q[t] = A q[t-1] + (∂h/∂I) s[t], â[t] = (∂z/∂h) · q[t] (`neuron`).

Where the neurons of a layer decay each in its own way, what enters neuron i has a trace with λ_i. There is a trace for
each distinct decay, and for a decay that is learned one for each of its numbers. Each is paired with the errors of the
neurons that have it. The state is then the number of decays times what is presynaptic. A current that is passed on by a
stateless layer has no such trace: of which neurons it will be is not known where it is summed. OTTT refuses it.

Dialects. "derivation" traces everything that enters a leaky membrane: also the network's inputs, and the biases, whose
input is always 1 and whose trace is Λ_t = Σ_{k<t} λ^k. A leaky stage is such a membrane, and what it sends on, its
potential, is traced as spikes are. "authors" takes the inputs and every bias as they are at t. In
both a stateless readout's weight is paired with the trace of its spikes, with the decay of the neurons that send them,
each with its own (theorem Q1 says of what that is the gradient), and its bias, which enters no membrane, with 1.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ...kernel import rows
from ...network.layers import INPUTS, Connection
from ...network.network import Network, require_network
from ...network.neuron import Neuron, same_membrane
from ...network.per_neuron import Groups, is_shared, only_of_group, spread
from ...simulation.simulator import Activity
from ...simulation.trace import Trace
from ...validation import require_choice, require_count

Dialect = Literal["derivation", "authors"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)


class Traces:
    """What errors are paired with: `presynaptic(connection)` [B, ...] and, for the biases, `bias_input(l)` [1].

    The trace of what enters layer l decays as that layer's membranes do: it stands for the time spent in them.
    Connections that carry the same spikes into equal membranes share one trace; those without parameters need none.
    Into a layer of several decays there is a trace for each of them, and `pairs` says which errors belong to it.

    Raises ValueError where a stateless layer passes its current on to neurons of several decays, which has no trace.

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

    Into two neurons of λ = 1/2 and 0, after these three steps:

    >>> network = ot.dense_network([1, 2, 1], decay=np.array([0.5, 0.0]), rng=0)
    >>> traces, activity = ot.methods.Traces(network, 1, "derivation"), ot.simulate(network, np.ones((3, 1, 1)))
    >>> for t in range(3):
    ...     traces.update(activity.at(t))
    >>> for error, trace, constant in traces.pairs(network.connections[0], np.array([[7.0, 8.0]])):
    ...     print(error.tolist(), trace.tolist(), constant.tolist())
    [[7.0, 0.0]] [[1.75]] [1.75]
    [[0.0, 8.0]] [[1.0]] [1.0]
    """

    def __init__(self, network: Network, batch_size: int, dialect: Dialect) -> None:
        self._network = require_network(network)
        require_count("batch_size", batch_size)
        require_choice("dialect", dialect, DIALECTS)
        self._bias_input = network.bias_input
        self._membranes = [_Membranes(network, l) for l in range(len(network.layers))]
        self._bias_traced = [
            dialect == "derivation" and not (l == len(network.layers) - 1 and layer.neuron.stateless)
            for l, layer in enumerate(network.layers)
        ]
        self._biases = [
            self._bias_traces(membranes, traced) for membranes, traced in zip(self._membranes, self._bias_traced)
        ]
        self._keys = {c.name: self._keys_of(c, dialect) for c in network.connections if c.parameters}
        self._counts = {
            c.name: max(len(self._keys[c.name]), len(self._biases[c.target]))
            for c in network.connections
            if c.name in self._keys
        }
        self._traces: dict[Key, Trace] = {}
        for connection in network.connections:
            shape = (batch_size, *connection.presynaptic_shape)
            for key in self._keys.get(connection.name, ()):
                if key not in self._traces:
                    self._traces[key] = self._trace(key, shape)

    def _bias_traces(self, membranes, traced):
        dtype = self._network.dtype
        if not traced:
            return [Trace(None, (1,), dtype)]
        return [Trace(membranes.neuron, (1,), dtype, membranes.leak(g)) for g in range(len(membranes.groups))]

    def _keys_of(self, connection, dialect):
        """One key, or one for each decay of the target."""
        source, delay = connection.source, connection.delay
        through = None if connection.front is None else connection.name
        if dialect == "authors" and source == INPUTS:
            return [Key(INPUTS, delay, None, through=through)]
        membranes = self._membranes[connection.target]
        if membranes.sends:
            membranes.require_sender(source)
            if through is not None and len(membranes.groups) > 1:
                raise _several(f"{connection.name} has no membrane, and pools spikes of neurons of several decays")
            return [Key(source, delay, membranes.first, OWN if len(membranes.groups) > 1 else None, through)]
        if len(membranes.groups) == 1:
            return [Key(source, delay, membranes.first, None, through)]
        return [Key(source, delay, membranes.first, g, through) for g in range(len(membranes.groups))]

    def _trace(self, key, shape):
        if key.layer is None:
            return Trace(None, shape, self._network.dtype)
        neuron = self._network.layers[key.layer].neuron
        membranes = self._membranes[key.layer]
        leak = None if key.group == OWN else membranes.leak(key.group or 0)
        return Trace(neuron, shape, self._network.dtype, leak)

    def presynaptic(self, connection: Connection) -> np.ndarray:
        """What the connection's errors are paired with, [B, ...]; for one that has parameters.

        Raises ValueError where the neurons that it enters have several decays, and so several traces (`pairs`).
        """
        return self._one_trace(connection).value

    def bias_input(self, l: int) -> np.ndarray:
        """What stands for the biases' constant input into layer l, [1]; ValueError for a layer of several decays."""
        return self._one_bias(l).value

    def pairs(self, connection: Connection, error: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """For each decay of the target (error, presynaptic, bias_input): what is paired, [B, ...], [B, ...] and [1].

        error  [B, ...] at the target's potentials; of each decay that of the neurons that have it, and 0 of the others
        """
        for g, (trace, bias) in enumerate(self._parts(connection)):
            yield self._part_of(connection, error, g), trace.value, bias.value

    def count(self, connection: Connection) -> int:
        """How many pairs there are for a connection: 1, or the number of decays of the neurons that it enters."""
        return self._counts[connection.name]

    def membrane(self, connection: Connection) -> Neuron | None:
        """The neuron whose leak the trace of a connection has; None where a value stands for its own trace."""
        return self._traces[self._keys[connection.name][0]].neuron

    def bias_membrane(self, l: int) -> Neuron | None:
        """The neuron whose leak the trace of layer l's bias input has; None where the input stays 1."""
        return self._biases[l][0].neuron

    def _parts(self, connection: Connection) -> list[tuple[Trace, Trace]]:
        """The traces of a connection's values and of its bias input: of each decay of the neurons that it enters."""
        traces = [self._traces[key] for key in self._keys[connection.name]]
        biases = self._biases[connection.target]
        return [(traces[g % len(traces)], biases[g % len(biases)]) for g in range(self._counts[connection.name])]

    def _part_of(self, connection: Connection, error: np.ndarray, g: int) -> np.ndarray:
        """Of an error [B, ...] at the target what belongs to part g: that of its neurons, and 0 of the others."""
        if self._counts[connection.name] == 1:
            return error
        own = np.empty_like(error)
        only_of_group(rows(own), rows(error), self._membranes[connection.target].groups.index, g)
        return own

    def _is_of_senders(self, connection: Connection) -> bool:
        """Whether each value's trace has the decay of the neuron that sends it, and these are several."""
        return any(key.group == OWN for key in self._keys[connection.name])

    def _values_of(self, delivered: Callable[[Connection], np.ndarray]) -> list[tuple[Trace, np.ndarray]]:
        """Each trace with the values that it follows; `delivered` gives those that leave a connection's front."""
        found = {
            key: delivered(connection)
            for connection in self._network.connections
            for key in self._keys.get(connection.name, ())
        }
        return [(self._traces[key], values) for key, values in found.items()]

    @property
    def _bias_traces_of_all(self) -> list[Trace]:
        """The traces of the biases' constant input."""
        return [trace for traces in self._biases for trace in traces]

    def _one_trace(self, connection):
        keys = self._keys[connection.name]
        if len(keys) > 1:
            raise _several(f"{connection.name} enters neurons of {len(keys)} decays")
        return self._traces[keys[0]]

    def _one_bias(self, l):
        if len(self._biases[l]) > 1:
            raise _several(f"layers[{l}] has neurons of {len(self._biases[l])} decays")
        return self._biases[l][0]

    @property
    def state(self) -> dict[str, np.ndarray]:
        """What is carried from one time step to the next: arrays by name."""
        of_biases = {}
        for l, traces in enumerate(self._biases):
            for g, trace in enumerate(traces):
                of_biases[f"bias_trace/{l}" if len(traces) == 1 else f"bias_trace/{l}/{g}"] = trace.state
        return {**{f"trace/{key}": trace.state for key, trace in self._traces.items()}, **of_biases}

    def update(self, activity: Activity) -> None:
        """Take in one time step: â[t] = λ â[t-1] + s[t], or s[t] where the dialect traces nothing."""
        for trace, value in self._values_of(activity.presynaptic):
            trace.follow(value)
        for trace in self._bias_traces_of_all:
            trace.follow(self._bias_input)


OWN = "own"


@dataclass(frozen=True)
class Key:
    """Which trace: of whose spikes, of how many time steps before, and by which layer's leak (None: no trace).

    group    of a layer of several decays which of them; OWN where each value has the decay of the neuron that sends it
    through  the connection whose operations the spikes went through, where these are not linear; None otherwise
    """

    source: int
    delay: int
    layer: int | None
    group: int | str | None = None
    through: str | None = None

    def __str__(self):
        source = "inputs" if self.source == INPUTS else self.source
        group = "" if self.group is None else f" {self.group}"
        through = "" if self.through is None else f" through {self.through}"
        return f"{source}{f' of {self.delay} before' if self.delay else ''} by {self.layer}{group}{through}"


class _Membranes:
    """The membranes that a current into layer l enters; of a stateless readout those of the neurons that send it.

    first   the first layer of equal membranes, which stands for all
    groups  of neurons that decay alike
    sends   whether they are the senders'
    """

    def __init__(self, network, l):
        self._network, self._l = network, l
        found = network.trace_layers(l)
        self.neuron = network.layers[found[0]].neuron
        self.first = next(k for k, layer in enumerate(network.layers) if same_membrane(layer.neuron, self.neuron))
        self.groups = Groups(self.neuron, network.shapes[found[0]])
        self.sends = l not in found and found[0] < l
        self._layers = found
        passes_on = l not in found and not self.sends
        differ = any(not same_membrane(network.layers[k].neuron, self.neuron) for k in found)
        if (passes_on and len(self.groups) > 1) or (differ and not self.sends):
            raise _several(f"layers[{l}] passes its current on to neurons of several decays, in layers {list(found)}")

    def require_sender(self, source):
        """Check that what a source sends to a stateless readout has a decay of its own, where there are several."""
        neurons = [self._network.layers[k].neuron for k in self._layers]
        several = len(self.groups) > 1 or any(not same_membrane(neuron, self.neuron) for neuron in neurons)
        if several and list(self._layers) != [source]:
            what = "the inputs" if source == INPUTS else f"layers[{source}]"
            raise _several(
                f"layers[{self._l}] has no membrane and hears layers {list(self._layers)} of several decays; what "
                f"{what} sends has no one decay"
            )

    def leak(self, g):
        """() → A of the neurons of a group, as it is now; None where that is the layer's own, one for all."""
        if all(is_shared(entry) for row in self.neuron.leak for entry in row):
            return None
        return lambda: self.groups.leak(g)


def _several(what):
    return ValueError(f"{what}: there is no one trace of what enters it")


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
                        for k, entry in enumerate(row):
                            state[m] += self._own(entry, l) * before[k]
                    value += self._network.number(layer.neuron.output_vector[m]) * state[m]
                self._values[l, name] = value

    def _own(self, entry, l):
        """An entry of the leak as one of the network's numbers, or as an array of them for the neurons of layer l."""
        found = spread(entry, self._network.shapes[l])
        return found if isinstance(found, np.ndarray) else self._network.number(found)

    def sensitivity(self, l, name):
        """∂z[t]/∂θ, [B, ...]."""
        return self._values[l, name]
