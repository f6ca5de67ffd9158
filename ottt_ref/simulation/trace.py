"""A trace: what a membrane makes of spikes when nothing resets it.

    LIF                â[t] = λ â[t-1] + s[t]
    K states, leak A   q[t] = A q[t-1] + (∂h/∂I) s[t],   â[t] = (∂z/∂h) · q[t]       (`network.neuron`)

At the end of a sequence it is the weighted sum that spike representation is made of; on the way, what OTTT pairs.
"""

import numpy as np

from ..annotations import Shape
from ..kernel import kernel, rows
from ..network.neuron import Neuron
from ..network.neurons import leaky_accumulate
from ..validation import require_result


class Trace:
    """One trace: the filter of a neuron's membrane, or the value itself for no neuron.

    neuron  whose leak it has
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

    def __init__(self, neuron: Neuron | None, shape: Shape, dtype: np.dtype) -> None:
        self.neuron = neuron
        if neuron is None or neuron.one_potential:
            self.state = self.value = np.zeros(shape, dtype=dtype)
            self._decay = None if neuron is None else np.array([neuron.leak[0][0]], dtype=dtype)
            return
        self.state = np.zeros((len(neuron.states), *shape), dtype=dtype)
        self.value = np.zeros(shape, dtype=dtype)
        self._leak = np.array(neuron.leak, dtype=dtype)
        self._vectors = [np.array(vector, dtype=dtype) for vector in (neuron.input_vector, neuron.output_vector)]

    def follow(self, value: np.ndarray) -> None:
        """â[t-1] → â[t] in place, of a value [B, ...] like it; TypeError or ValueError for another shape or dtype."""
        require_result("value", value, self.value.shape, self.value.dtype, "be")
        if self.neuron is None:
            self.value[...] = value
        elif self.neuron.one_potential:
            leaky_accumulate(rows(self.value), rows(value), self._decay)
        else:
            into, out = self._vectors
            flat = self.state.reshape(*self.state.shape[:2], -1)
            filter_step(rows(self.value), flat, rows(value), self._leak, into, out, np.zeros_like(into))


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
