"""The forward pass by windows: layer by layer, all time steps of a window at once.

Within a window a layer's inputs are known as soon as the layers before it are done, so that each operation is called
once for all its time steps and samples: rows [w·B, ...], row t·B + b. What arrives later, by loops and delays, comes
from the window before: with a loop of one time step, the usual one, a window is one time step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..network.layers import Connection
from ..network.network import Network
from ..simulation.simulator import Activity
from ..simulation.state import State, network_state, state_of
from .neurons import advance

LARGEST_WINDOW = 2**21  # how many numbers of one layer a window holds, at most, if it is longer than a time step
LONGEST_WINDOW = 16


def window_length(network: Network, batch_size: int, time_steps: int) -> int:
    """w: how many time steps are taken at once.

    No more than the shortest loop has, since what comes by it must be known; and so few that a window's arrays stay
    small: memory does not grow with the length of the sequence.

    >>> import ottt_ref as ot
    >>> from ottt_ref.fast.forward import window_length
    >>> network = ot.dense_network([2, 3, 2], rng=0)
    >>> window_length(network, 4, 100), window_length(network, 4, 5)
    (16, 5)
    """
    loops = [connection.delay for connection in network.connections if connection.loop]
    largest = max(math.prod(shape) for shape in (network.input_shape, *network.shapes)) * batch_size
    return max(1, min([time_steps, LONGEST_WINDOW, LARGEST_WINDOW // largest, *loops]))


def as_rows(array: np.ndarray) -> np.ndarray:
    """`array` [w, B, ...] as [w·B, ...], a view."""
    return array.reshape(-1, *array.shape[2:])


class Motion:
    """A network in motion, window by window: what it carries from one to the next, as a `Simulator` does.

    network        its operations may be the fast ones
    initial_state  a State of the network, or None for rest
    """

    def __init__(
        self, network: Network, batch_size: int, initial_state: Mapping[str, np.ndarray] | None = None
    ) -> None:
        self._network, self._batch_size = network, batch_size
        self._one = network.bias_input
        given = None if initial_state is None else network_state(network, initial_state, batch_size)
        self.before = given  # what it started from; None for rest
        self._states, self._outputs, past = given or (
            tuple(tuple(self._zeros(l) for _ in layer.neuron.states) for l, layer in enumerate(network.layers)),
            tuple(self._zeros(l) for l in range(len(network.layers))),
            {},
        )
        # by source with delays: what it sent in the last time steps, [d, B, ...], the oldest first
        self._sent = {
            source: np.stack(past[source][::-1])
            if past
            else np.zeros((steps, batch_size, *network.shape_of(source)), dtype=network.dtype)
            for source, steps in network.longest_delays.items()
        }

    def _zeros(self, l):
        return np.zeros((self._batch_size, *self._network.shapes[l]), dtype=self._network.dtype)

    def record(self, time_steps: int, derivatives: bool = True) -> Activity:
        """An empty record of so many time steps, its inputs left out."""
        network, layers = self._network, range(len(self._network.layers))

        def empty(l):
            return np.empty((time_steps, self._batch_size, *network.shapes[l]), dtype=network.dtype)

        return Activity(
            np.empty((0,), dtype=network.dtype),
            tuple(tuple(empty(l) for _ in network.layers[l].neuron.states) for l in layers),
            tuple(empty(l) for l in layers),
            tuple(empty(l) for l in layers) if derivatives else None,
            network.spiking,
        )

    def advance(self, inputs: np.ndarray, record: Activity) -> Activity:
        """Take in a window of inputs [w, B, ...], and write what the layers do into a record of so many time steps.

        Returns the Activity of the window; `delivered` gives what its connections deliver.
        """
        network = self._network
        activity = Activity(
            inputs,
            record.layer_states,
            record.layer_outputs,
            record.layer_surrogate_derivatives,
            network.spiking,
            before=(self._states, self._outputs, {s: tuple(sent[::-1]) for s, sent in self._sent.items()}),
        )
        self._given: dict[str, np.ndarray] = {}
        for l, layer in enumerate(network.layers):
            current = self._current(l, activity)
            advance(
                layer.neuron,
                self._states[l],
                self._outputs[l],
                current,
                activity.layer_states[l],
                activity.layer_outputs[l],
                None if activity.layer_surrogate_derivatives is None else activity.layer_surrogate_derivatives[l],
            )
        self._states = tuple(tuple(state[-1].copy() for state in states) for states in activity.layer_states)
        self._outputs = tuple(output[-1].copy() for output in activity.layer_outputs)
        for source, sent in self._sent.items():
            self._sent[source] = np.concatenate((sent, activity.output_of(source)))[-len(sent) :]
        return activity

    def delivered(self, connection: Connection) -> np.ndarray:
        """What entered a connection in the last window, [w, B, ...]."""
        return self._given[connection.name]

    def _current(self, l, activity):
        """I^l of the window, [w, B, ...]."""
        total = None
        for connection in self._network.incoming(l):
            self._given[connection.name] = given = self._delivered(connection, activity)
            part = connection.forward(as_rows(given), self._one)
            total = part if total is None else np.add(total, part, out=total)
        return total.reshape(len(activity.inputs), self._batch_size, *total.shape[1:])

    def _delivered(self, connection, activity):
        values = activity.output_of(connection.source)
        if connection.delay == 0:
            return values
        window = len(activity.inputs)
        sent = self._sent[connection.source]
        late = sent[len(sent) - connection.delay :]
        if connection.delay >= window:
            return np.ascontiguousarray(late[:window])
        return np.concatenate((late, values[: window - connection.delay]))

    @property
    def states(self) -> tuple[tuple[np.ndarray, ...], ...]:
        """The neurons' states by layer after the last window, [B, ...]."""
        return self._states

    def state(self, carried: Mapping[str, np.ndarray] | None = None) -> State:
        """The State after the last window; `carried`: a rule's arrays by name."""
        past: dict[int, Sequence[np.ndarray]] = {source: tuple(sent[::-1]) for source, sent in self._sent.items()}
        return state_of(self._network, self._states, self._outputs, carried, past)


def slices(record: Activity, first: int, last: int) -> Activity:
    """The part of a record from time step `first` to before `last`, as views."""
    derivatives = record.layer_surrogate_derivatives
    return Activity(
        record.inputs,
        tuple(tuple(state[first:last] for state in states) for states in record.layer_states),
        tuple(output[first:last] for output in record.layer_outputs),
        None if derivatives is None else tuple(derivative[first:last] for derivative in derivatives),
        record.spiking,
    )


def record_of(network: Network, inputs: np.ndarray, initial_state: Mapping[str, np.ndarray] | None) -> Activity:
    """What the layers do in a whole sequence, inputs [T, B, ...] that were checked; it ends in its final state."""
    steps, batch_size = inputs.shape[:2]
    motion = Motion(network, batch_size, initial_state)
    before = motion.before
    record = motion.record(steps)
    window = window_length(network, batch_size, steps)
    for first in range(0, steps, window):
        last = min(first + window, steps)
        motion.advance(inputs[first:last], slices(record, first, last))
    return replace(record, inputs=inputs, before=before, final_state=motion.state())
