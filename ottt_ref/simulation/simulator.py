"""The forward pass, one time step at a time.

u^l[t] = (what the reset leaves of u^l[t-1]) + W^l s^{l-1}[t] + b^l,   s^l[t] = H(u^l[t] - V_th),   s^0 = the inputs.
Input, spikes and output of one time step happen in the same time step; what arrives by recurrent and feedback
connections, W s[t-1], is added to the current, and so is what arrives by skips. A connection with a delay of d time
steps delivers s[t-d]; before the first outputs have come, that is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..finite import is_finite, refuse_non_finite
from ..network.layers import INPUTS, Connection
from ..network.network import OURS, Network, require_network
from ..network.surrogate import is_built_in
from ..validation import require_count, require_flag, require_result
from .inputs import require_inputs, require_step
from .state import Before, State, network_state, state_of


@dataclass(frozen=True)
class Activity:
    """What the layers did, in one time step ([B, ...] arrays) or in a whole sequence ([T, B, ...] arrays).

    inputs              s^0
    layer_states        of every layer, a readout included, the state arrays of its neurons; the potential u^l first
    layer_outputs       s^l of every layer; of one that does not spike its potential
    layer_surrogate_derivatives   ψ^l of every layer (1 for one that does not spike); None if they were not asked for
    spiking             the indices of the spiking layers
    previous_outputs    of one time step, by layer: s^l[t-1] of those that some layer sees later, -1 the inputs
    previous_states     of one time step, by layer: the states of t - 1 of neurons that have parameters
    earlier             of one time step: (layer, or -1 for the inputs; d) → s[t-d], as far back as some layer sees
    before              of a whole sequence: the states, outputs and past outputs that it started from; None for rest
    final_state         of a whole sequence that was simulated: the State after it

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.Network([ot.Layer(ot.Dense(np.array([[0.75]])), ot.LIF(decay=0.5))])
    >>> activity = ot.simulate(network, np.ones((2, 1, 1)))
    >>> activity.time_steps, activity.potentials[0].ravel()
    (2, array([0.75 , 1.125]))
    >>> activity.at(1).spikes
    (array([[1.]]),)
    """

    inputs: np.ndarray
    layer_states: tuple[tuple[np.ndarray, ...], ...]
    layer_outputs: tuple[np.ndarray, ...]
    layer_surrogate_derivatives: tuple[np.ndarray, ...] | None
    spiking: tuple[int, ...]
    previous_outputs: dict[int, np.ndarray] = field(default_factory=dict)
    previous_states: dict[int, tuple[np.ndarray, ...]] = field(default_factory=dict)
    earlier: Callable[[int, int], np.ndarray] | None = None
    before: Before | None = None
    final_state: State | None = None

    @property
    def layer_potentials(self) -> tuple[np.ndarray, ...]:
        """u^l of every layer, a readout included: the first of its states."""
        return tuple(states[0] for states in self.layer_states)

    @property
    def potentials(self) -> tuple[np.ndarray, ...]:
        """u^l of each spiking layer, before the reset."""
        return self._of_spiking(self.layer_potentials)

    @property
    def spikes(self) -> tuple[np.ndarray, ...]:
        """s^l of each spiking layer."""
        return self._of_spiking(self.layer_outputs)

    @property
    def surrogate_derivatives(self) -> tuple[np.ndarray, ...] | None:
        """ψ^l of each spiking layer, or None if they were not asked for."""
        return None if self.layer_surrogate_derivatives is None else self._of_spiking(self.layer_surrogate_derivatives)

    @property
    def outputs(self) -> np.ndarray:
        """What the network says: the readout's output, or the spikes of the last layer."""
        return self.layer_outputs[-1]

    def output_of(self, source: int) -> np.ndarray:
        """The outputs of a layer, or the inputs, -1."""
        return self.inputs if source == INPUTS else self.layer_outputs[source]

    def presynaptic(self, connection: Connection) -> np.ndarray:
        """What errors at the connection's target are paired with in one time step: what is delivered, [B, ...].

        Where an operation of the connection is not linear, what comes out of the last such one.
        """
        return connection.entering(self.delivered(connection))

    def delivered(self, connection: Connection) -> np.ndarray:
        """What enters a connection in one time step: [B, ...] of its source, s[t-d] for a delay of d time steps.

        Raises ValueError where the activity does not know what was so long ago: of a whole sequence, ask `at(t)`.
        """
        source, delay = connection.source, connection.delay
        if delay == 0:
            return self.output_of(source)
        if delay == 1 and source in self.previous_outputs:
            return self.previous_outputs[source]
        if self.earlier is None:
            raise ValueError(f"activity must know outputs of {delay} time steps before for {connection.name}")
        return self.earlier(source, delay)

    @property
    def time_steps(self) -> int:
        """T, of a whole sequence."""
        return len(self.inputs)

    def at(self, t: int) -> Activity:
        """Time step t of a whole sequence, as views."""
        derivatives = self.layer_surrogate_derivatives
        states = None if self.before is None else self.before[0]
        return Activity(
            self.inputs[t],
            tuple(tuple(state[t] for state in states) for states in self.layer_states),
            tuple(output[t] for output in self.layer_outputs),
            None if derivatives is None else tuple(derivative[t] for derivative in derivatives),
            self.spiking,
            {l: self._sent(l, t, 1) for l in range(INPUTS, len(self.layer_outputs))},
            {
                l: tuple(_before(state, t, states and states[l][k]) for k, state in enumerate(of_layer))
                for l, of_layer in enumerate(self.layer_states)
            },
            lambda source, delay: self._sent(source, t, delay),
        )

    def _sent(self, source, t, delay):
        """s[t-delay] of a layer, or of the inputs, -1; before the first time step what it started from."""
        record = self.output_of(source)
        if t >= delay:
            return record[t - delay]
        steps = delay - t - 1  # before the last one of what it started from
        _, outputs, past = self.before or ((), (), {})
        known = past.get(source, outputs[source : source + 1] if source != INPUTS else ())
        return known[steps] if steps < len(known) else np.zeros_like(record[0])

    def _of_spiking(self, values):
        return tuple(values[l] for l in self.spiking)


def _before(record, t, initial):
    """What a record [T, B, ...] holds of time step t - 1; at t = 0 what it started from, for None zeros: rest."""
    if t:
        return record[t - 1]
    return np.zeros_like(record[0]) if initial is None else initial


class Simulator:
    """A network in motion: the neurons' states and last outputs of `batch_size` samples, and nothing else.

    Of a source with delayed connections it also holds the outputs of as many time steps as the longest delay has.

    `step` returns the activity of the step in arrays that the next step overwrites. With `derivatives` it holds
    the surrogate derivatives; with `soft` the surrogate's primitive stands in for the spike (claim E7). It starts from
    `initial_state`, a State of the network, or from rest; `state` is what it carries to the next time step.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.Network([ot.Layer(ot.Dense(np.array([[0.75]])), ot.LIF(decay=0.5))])
    >>> simulator = ot.Simulator(network, batch_size=1)
    >>> [float(simulator.step(np.ones((1, 1))).outputs[0, 0]) for _ in range(4)]
    [0.0, 1.0, 0.0, 1.0]
    >>> simulator.state_bytes
    16
    """

    def __init__(
        self,
        network: Network,
        batch_size: int,
        *,
        derivatives: bool = True,
        soft: bool = False,
        initial_state: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        self.network = require_network(network)
        require_count("batch_size", batch_size)
        if network.batch_size not in (None, batch_size):
            raise ValueError(f"batch_size must be {network.batch_size}, that of the dropout masks, got {batch_size}")
        self.derivatives = require_flag("derivatives", derivatives)
        self.soft = require_flag("soft", soft)
        self._all_states, self.states = _states(network, batch_size)
        self.outputs = tuple(np.zeros((batch_size, *shape), dtype=network.dtype) for shape in network.shapes)
        learning = {l for l, layer in enumerate(network.layers) if layer.neuron.parameter_names}
        kept = {**dict.fromkeys(learning, 1), **network.longest_delays}
        shapes = {l: (batch_size, *network.shape_of(l)) for l in kept}
        # by source: s[t-1], s[t-2], ... at time step t
        self._past = {l: [np.zeros(shapes[l], network.dtype) for _ in range(steps)] for l, steps in kept.items()}
        self._last_inputs = [np.zeros(shapes[INPUTS], network.dtype)] if INPUTS in kept else []
        self._previous_states = {l: tuple(np.zeros_like(state) for state in self.states[l]) for l in learning}
        self.time_steps = 0
        self.before = None if initial_state is None else network_state(network, initial_state, batch_size)
        if self.before is not None:
            self._start(*self.before)
        self._outside = [l for l, layer in enumerate(network.layers) if not _is_ours(layer.neuron)]

    def step(self, inputs: np.ndarray) -> Activity:
        """Advance by one time step of inputs [B, ...] of the network's dtype, or of whole numbers, finite ones.

        Raises TypeError or ValueError for inputs of another shape or dtype, before anything changes, and where the
        network's parameters, or what its operations, neurons and surrogates give, have another; NonFiniteError where
        a potential becomes NaN or infinite, and stays so.
        """
        return self._advance(require_step(self.network, inputs, len(self.outputs[0])))

    def _advance(self, inputs):
        require_result("inputs", inputs, (len(self.outputs[0]), *self.network.input_shape), self.network.dtype, "be")
        self.network.parameters.require_unchanged()
        for l, past in self._past.items():
            past.insert(0, past.pop())  # the oldest array takes the newest outputs
            past[0][...] = self._last_inputs[0] if l == INPUTS else self.outputs[l]
        for last in self._last_inputs:
            last[...] = inputs
        for l, states in self._previous_states.items():
            for previous, state in zip(states, self.states[l]):
                previous[...] = state
        late = {
            "previous_outputs": {l: past[0] for l, past in self._past.items()},
            "previous_states": self._previous_states,
            "earlier": self._earlier,
        }
        what = (inputs, self.states, self.outputs)
        activity = Activity(*what, None, self.network.spiking, **late)
        for l, layer in enumerate(self.network.layers):
            self._step_neurons(l, layer.neuron, input_current(self.network, l, activity.delivered))
        if self.derivatives:
            activity = Activity(*what, self._derivatives(), activity.spiking, **late)
        if not is_finite(self._all_states) or (self._outside and not self._outside_is_finite(activity)):
            refuse_non_finite_activity(self.network, activity, self.time_steps)
        self.time_steps += 1
        return activity

    def _step_neurons(self, l, neuron, current):
        neuron.step(self.states[l], self.outputs[l], current, self.soft)

    def _start(self, states, outputs, past):
        for arrays, given in zip((*self.states, self.outputs, *self.past.values()), (*states, outputs, *past.values())):
            for array, values in zip(arrays, given):
                array[...] = values

    @property
    def past(self) -> dict[int, tuple[np.ndarray, ...]]:
        """By source with delays, -1 the inputs: its last outputs, those before, ... as far back as it is heard."""
        last = {l: self._last_inputs[0] if l == INPUTS else self.outputs[l] for l in self.network.longest_delays}
        return {l: (newest, *self._past[l][:-1]) for l, newest in last.items()}

    @property
    def state(self) -> State:
        """What is carried to the next time step, copied."""
        return state_of(self.network, self.states, self.outputs, past=self.past)

    def _earlier(self, source, delay):
        """s[t-delay] of a layer, or of the inputs, -1."""
        return self._past[source][delay - 1]

    @property
    def state_bytes(self) -> int:
        """Bytes of what is carried from one time step to the next."""
        states = (*self.states, *self._previous_states.values())
        arrays = (*self.outputs, *self._last_inputs, *(array for past in self._past.values() for array in past))
        return sum(array.nbytes for array in (*arrays, *(state for layer in states for state in layer)))

    def _outside_is_finite(self, activity):
        """Whether what neurons of one's own give is; ours give finite outputs for finite states."""
        derivatives = activity.layer_surrogate_derivatives
        return all(
            is_finite(activity.layer_outputs[l]) and (derivatives is None or is_finite(derivatives[l]))
            for l in self._outside
        )

    def _derivatives(self):
        return tuple(
            require_result(
                f"layers[{l}]: surrogate_derivative of {type(layer.neuron).__name__}",
                self._derivatives_of(l, layer.neuron),
                states[0].shape,
                states[0].dtype,
            )
            for l, (layer, states) in enumerate(zip(self.network.layers, self.states))
        )

    def _derivatives_of(self, l, neuron):
        return neuron.surrogate_derivative(self.states[l])


def advance(simulator: Simulator, inputs: np.ndarray) -> Activity:
    """`Simulator.step` for inputs [B, ...] that were checked, as those of a whole sequence are."""
    return simulator._advance(inputs)


def _states(network, batch_size):
    """One array for the states of all neurons, which is tested at once, and its parts by layer, [B, ...] each."""
    kinds = [(layer.neuron.states, (batch_size, *shape)) for layer, shape in zip(network.layers, network.shapes)]
    every = np.zeros(sum(len(names) * math.prod(shape) for names, shape in kinds), dtype=network.dtype)
    result, first = [], 0
    for names, shape in kinds:
        size = math.prod(shape)
        result.append(tuple(every[first + k * size : first + (k + 1) * size].reshape(shape) for k in range(len(names))))
        first += len(names) * size
    return every, tuple(result)


def _is_ours(neuron):
    return type(neuron) in OURS and is_built_in(getattr(neuron, "surrogate", None))


def refuse_non_finite_activity(network: Network, activity: Activity, t: int) -> None:
    """Raise NonFiniteError for the first NaN or infinity of time step t, in the order of computation, unless allowed.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.simulation.simulator import refuse_non_finite_activity
    >>> network = ot.dense_network([2, 3, 2], rng=0)
    >>> activity = ot.simulate(network, np.ones((4, 1, 2))).at(1)
    >>> activity.layer_states[1][0][0, 1] = np.inf
    >>> try:
    ...     refuse_non_finite_activity(network, activity, 1)
    ... except ot.NonFiniteError as error:
    ...     print(error.finding)
    potential of readout must be finite, got inf at index [0, 1] of time step 1
    """
    derivatives = activity.layer_surrogate_derivatives
    for l, (layer, name) in enumerate(zip(network.layers, network.layer_names)):
        for state, array in zip(layer.neuron.states, activity.layer_states[l]):
            refuse_non_finite(f"{state} of {name}", array, t)
        refuse_non_finite(f"output of {name}", activity.layer_outputs[l], t)
        if derivatives is not None:
            refuse_non_finite(f"surrogate derivative of {name}", derivatives[l], t)


def input_current(network: Network, l: int, presynaptic: Callable[[Connection], np.ndarray]) -> np.ndarray:
    """I^l, the current into layer l by all its connections, [B, ...]; `presynaptic` gives what enters each of them."""
    bias_input = network.bias_input
    first, *others = network.incoming(l)
    total = first.forward(presynaptic(first), bias_input)
    for other in others:
        total = total + other.forward(presynaptic(other), bias_input)
    return total


def simulate(
    network: Network, inputs: np.ndarray, *, initial_state: Mapping[str, np.ndarray] | None = None
) -> Activity:
    """Run the network on inputs [T, B, n_in] (images: [T, B, C, H, W]); the Activity of the sequence.

    Inputs are of the network's dtype, or spikes of bool or of any integer dtype, which are taken exactly.

    It starts from `initial_state`, a State of the network, or from rest; `result.final_state` is the State after it.

    `result.potentials[k]`, `result.spikes[k]` and `result.surrogate_derivatives[k]` are [T, B, ...] for the k-th
    spiking layer, `result.outputs` is [T, B, n_out]. Memory grows with T; a `Simulator` keeps one time step.

    Raises TypeError for another dtype and ValueError for another shape, T = 0, B = 0, NaN or infinite values, and for
    a batch of another size than the dropout masks of `Network.with_dropout`; NonFiniteError where a potential
    overflows.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([4, 8, 3], rng=0)
    >>> inputs = np.random.default_rng(1).random((6, 2, 4))
    >>> activity = ot.simulate(network, inputs)
    >>> activity.spikes[0].shape, activity.outputs.shape
    ((6, 2, 8), (6, 2, 3))
    >>> sorted({float(spike) for spike in activity.spikes[0].flat})
    [0.0, 1.0]
    >>> first = ot.simulate(network, inputs[:2])
    >>> second = ot.simulate(network, inputs[2:], initial_state=first.final_state)
    >>> np.array_equal(second.spikes[0], activity.spikes[0][2:])
    True
    """
    return run(require_network(network), require_inputs(network, inputs), initial_state=initial_state)


def run(
    network: Network,
    inputs: np.ndarray,
    *,
    derivatives: bool = True,
    soft: bool = False,
    initial_state: Mapping[str, np.ndarray] | None = None,
) -> Activity:
    """`simulate` for inputs that were checked, with the options of `Simulator`."""
    time_steps, batch_size = inputs.shape[:2]

    def empty(l):
        return np.empty((time_steps, batch_size, *network.shapes[l]), dtype=network.dtype)

    layers = range(len(network.layers))
    record = Activity(
        inputs,
        tuple(tuple(empty(l) for _ in network.layers[l].neuron.states) for l in layers),
        tuple(empty(l) for l in layers),
        tuple(empty(l) for l in layers) if derivatives else None,
        network.spiking,
    )
    simulator = Simulator(network, batch_size, derivatives=derivatives, soft=soft, initial_state=initial_state)
    for t in range(time_steps):
        _keep(record, t, advance(simulator, inputs[t]))
    record = replace(record, before=simulator.before, final_state=simulator.state)
    for psi in record.layer_surrogate_derivatives or ():
        if not is_finite(psi):
            for t in range(time_steps):
                refuse_non_finite_activity(network, record.at(t), t)
    return record


def _keep(record, t, now):
    """Copy what the layers did in time step t into the record of the sequence."""
    for l in range(len(record.layer_outputs)):
        for recorded, state in zip(record.layer_states[l], now.layer_states[l]):
            recorded[t] = state
        record.layer_outputs[l][t] = now.layer_outputs[l]
        if record.layer_surrogate_derivatives is not None:
            record.layer_surrogate_derivatives[l][t] = now.layer_surrogate_derivatives[l]
