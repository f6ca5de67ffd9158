"""A trace: what a membrane makes of spikes when nothing resets it.

    LIF                â[t] = λ â[t-1] + s[t]
    K states, leak A   q[t] = A q[t-1] + (∂h/∂I) s[t],   â[t] = (∂z/∂h) · q[t]       (`network.neuron`)

At the end of a sequence it is the weighted sum that spike representation is made of; on the way, what OTTT pairs.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ..annotations import Shape
from ..kernel import kernel, rows
from ..network.each import leaky_accumulate_each
from ..network.neuron import Neuron
from ..network.neurons import leaky_accumulate
from ..network.per_neuron import Setting, by_neuron, is_shared
from ..validation import require_result

Leak = Sequence[Sequence[Setting]]


class Trace:
    """One trace: the filter of a neuron's membrane, or the value itself for no neuron.

    neuron  whose leak it has
    leak    () → A as it is now, [K][K]: the neuron's own if not given. Each entry is a number, or an array of the
            shape of one sample of the value, for values each of which has a membrane of its own
    state   [B, ...], or [K, B, ...] of a neuron of several states
    value   â[t], [B, ...]

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.simulation.trace import Trace
    >>> trace = Trace(ot.LIF(decay=0.5), (1, 1), np.dtype(float))
    >>> for spike in (1.0, 0.0, 1.0):
    ...     trace.follow(np.array([[spike]]))
    >>> trace.value
    array([[1.25]])
    """

    def __init__(
        self, neuron: Neuron | None, shape: Shape, dtype: np.dtype, leak: Callable[[], Leak] | None = None
    ) -> None:
        self.neuron = neuron
        self.leak, self._now = leak, None
        self._learned = neuron is not None and bool(neuron.leak_parameters)
        self._one_state = neuron is None or neuron.one_potential
        if neuron is None or self._one_state:
            self.state = self.value = np.zeros(shape, dtype=dtype)
            return
        self.state = np.zeros((len(neuron.states), *shape), dtype=dtype)
        self.value = np.zeros(shape, dtype=dtype)
        self._vectors = [np.array(vector, dtype=dtype) for vector in (neuron.input_vector, neuron.output_vector)]

    def follow(self, value: np.ndarray) -> None:
        """â[t-1] → â[t] in place, of a value [B, ...] like it; TypeError or ValueError for another shape or dtype."""
        require_result("value", value, self.value.shape, self.value.dtype, "be")
        if self.neuron is None:
            self.value[...] = value
            return
        leak = self._now if self._now is not None and not self._learned else self._read_leak()
        each = leak.ndim == 3
        if self._one_state:
            accumulate = leaky_accumulate_each if each else leaky_accumulate
            accumulate(rows(self.value), rows(value), leak[0, 0] if each else leak[0])
        else:
            into, out = self._vectors
            flat = self.state.reshape(*self.state.shape[:2], -1)
            step = filter_step_each if each else filter_step
            step(rows(self.value), flat, rows(value), leak, into, out, np.zeros_like(into))

    def _read_leak(self):
        """A as the kernels take it: [K, K], or [K, K, n]; at each time step anew where it is learned."""
        given = self.neuron.leak if self.leak is None else self.leak()
        shape, dtype = self.value.shape[1:], self.value.dtype
        if all(is_shared(entry) for row in given for entry in row):
            given = [[entry[0] if isinstance(entry, np.ndarray) else entry for entry in row] for row in given]
            self._now = np.array(given, dtype=dtype)
        else:
            self._now = np.stack([np.stack([by_neuron(entry, shape, dtype) for entry in row]) for row in given])
        return self._now


@kernel
def filter_step(value, state, presynaptic, leak, input_vector, output_vector, scratch):
    """q[t] = A q[t-1] + (∂h/∂I) s[t] in place, and â[t] = (∂z/∂h) · q[t]."""
    for b in range(value.shape[0]):
        for i in range(value.shape[1]):
            for m in range(leak.shape[0]):
                scratch[m] = input_vector[m] * presynaptic[b, i]
                for k in range(leak.shape[1]):
                    scratch[m] += leak[m, k] * state[k, b, i]
            total = output_vector[0] * scratch[0]
            state[0, b, i] = scratch[0]
            for m in range(1, leak.shape[0]):
                state[m, b, i] = scratch[m]
                total += output_vector[m] * scratch[m]
            value[b, i] = total


@kernel
def filter_step_each(value, state, presynaptic, leak, input_vector, output_vector, scratch):
    """`filter_step` of values each of which has a membrane of its own: A is [K, K, n]."""
    for b in range(value.shape[0]):
        for i in range(value.shape[1]):
            for m in range(leak.shape[0]):
                scratch[m] = input_vector[m] * presynaptic[b, i]
                for k in range(leak.shape[1]):
                    scratch[m] += leak[m, k, i] * state[k, b, i]
            total = output_vector[0] * scratch[0]
            state[0, b, i] = scratch[0]
            for m in range(1, leak.shape[0]):
                state[m, b, i] = scratch[m]
                total += output_vector[m] * scratch[m]
            value[b, i] = total
