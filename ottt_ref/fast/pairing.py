"""What errors of a window are paired with: OTTT's gradient by the reverse trace (theorem F1), and SLTT's.

    Σ_t g[t] â[t]^T  =  Σ_t h[t] s[t]^T  +  Σ_k r_k q_k^T
    r[t] = A^T r[t+1] + (∂z/∂h) g[t],   h[t] = (∂h/∂I) · r[t],   r_k the part of A^T r[0] that is of state k

over the time steps of a window, with the state q of the trace from before it: the trace of spikes becomes one of
errors, and the spikes, most of which are 0, stay as they are. Of one state: h[t] = g[t] + λ h[t+1], and λ h[0] â^T.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..kernel import rows
from ..methods.shared.traces import Traces
from ..network.layers import Connection
from ..network.network import Network
from ..network.neuron import Neuron
from ..network.per_neuron import by_neuron, is_shared, spread
from ..simulation.trace import Leak
from .forward import as_rows
from .kernels.filters import leak as leaky_sum


class Pairing:
    """One rule's pairs, window by window, and its traces from one to the next.

    traces  of OTTT; None for SLTT, which pairs errors with what was delivered as it is
    begun   whether the traces hold anything yet
    """

    def __init__(self, network: Network, traces: Traces | None, begun: bool) -> None:
        self._network, self._traces, self._begun = network, traces, begun
        self._one = network.bias_input
        self._nothing = np.zeros_like(self._one)

    def add(
        self, gradients: Mapping[str, np.ndarray], connection: Connection, errors: np.ndarray, delivered: np.ndarray
    ) -> None:
        """Add a window's part to the gradients of a connection, of g [w, B, ...] at its target and what entered."""
        values = connection.entering(as_rows(delivered))
        if self._traces is None:
            connection.add_gradients(gradients, as_rows(errors), values, self._one, as_rows(delivered))
            return
        parts, back = self._traces._parts(connection), list[np.ndarray]()
        trace, bias = parts[0]
        if len(errors) == len(parts) == 1:  # the spikes and the trace from before need not be paired one by one
            followed = as_rows(_followed(trace, _windows(values, errors)))
            connection.add_gradients(gradients, as_rows(errors), followed, _followed(bias, self._one[np.newaxis])[0])
            return
        if trace.neuron is None:
            weight_errors = errors
        elif self._traces._is_of_senders(connection):
            weight_errors, values = errors, as_rows(_followed(trace, _windows(values, errors)))
        else:
            leak = trace.neuron.leak if trace.leak is None or len(parts) > 1 else trace.leak()
            weight_errors, back = reversed_errors(trace.neuron, leak, errors)
        if (weight_errors is errors) == (bias.neuron is None):
            connection.add_gradients(gradients, as_rows(weight_errors), values, self._one)
        else:
            connection.add_gradients(gradients, as_rows(weight_errors), values, self._nothing)
            total = errors.sum(axis=0)  # biases alone: what enters is 0, and every time step the same
            zeros = np.zeros((len(total), *values.shape[1:]), dtype=values.dtype)
            connection.add_gradients(gradients, total, zeros, self._one)
        for g, (trace, bias) in enumerate(parts if self._begun else ()):
            for k, error in enumerate(back):
                constant = self._nothing if bias.neuron is None else _state(bias, k)
                own = self._traces._part_of(connection, error, g)
                connection.add_gradients(gradients, own, _state(trace, k), constant)

    def follow(self, delivered: Callable[[Connection], np.ndarray]) -> None:
        """Take a window's values into the traces; `delivered` gives [w, B, ...] of a connection."""
        if self._traces is None:
            return
        steps = 0

        def values_of(connection):
            nonlocal steps
            values = delivered(connection)
            steps = len(values)
            return _windows(connection.entering(as_rows(values)), values)

        for trace, values in self._traces._values_of(values_of):
            _follow(trace, values)
        for trace in self._traces._bias_traces_of_all:
            for _ in range(steps):
                trace.follow(self._one)
        self._begun = True


def reversed_errors(neuron: Neuron, leak: Leak, errors: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """h of a window, [w, B, ...], and by state of the neuron what reaches back to before it, A^T r[0], [B, ...].

    With λ = 1/2, of an error of 1 in the last of three time steps:

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.fast.pairing import reversed_errors
    >>> neuron = ot.LIF(decay=0.5)
    >>> h, back = reversed_errors(neuron, neuron.leak, np.array([0.0, 0.0, 1.0]).reshape(3, 1, 1))
    >>> h.ravel().tolist(), [float(each[0, 0]) for each in back]
    ([0.25, 0.5, 1.0], [0.125])
    """
    shape, dtype = errors.shape[2:], errors.dtype
    result = np.empty_like(errors)
    if neuron.one_potential:
        decay = _numbers(leak[0][0], shape, dtype)
        leaky_sum(_flat(result), np.zeros_like(rows(errors[0])), _flat(errors), decay, True)
        return result, [(rows(result[0]) * decay).reshape(result[0].shape)]
    entries = [[spread(entry, shape) for entry in row] for row in leak]
    states = range(len(entries))
    back = [np.zeros_like(errors[0]) for _ in states]
    for t in reversed(range(len(errors))):
        r = [back[k] + neuron.output_vector[k] * errors[t] for k in states]
        result[t] = sum(neuron.input_vector[k] * r[k] for k in states)
        back = [np.asarray(sum(entries[m][k] * r[m] for m in states), dtype=dtype) for k in states]
    return result, back


def _follow(trace, values):
    """`Trace.follow` by all time steps of a window, values [w, B, ...]."""
    if trace.neuron is None or not trace.neuron.one_potential:
        for value in values if trace.neuron is not None else values[-1:]:
            trace.follow(value)
        return
    leak = trace.neuron.leak if trace.leak is None else trace.leak()
    decay, value = _numbers(leak[0][0], values.shape[2:], values.dtype), rows(trace.value)
    followed = np.empty_like(_flat(values))
    leaky_sum(followed, value, _flat(values), decay, False)
    value[...] = followed[-1]


def _followed(trace, values):
    """â at each time step of a window, [w, B, ...]; the trace stays where it is."""
    result, state, value = np.empty_like(values), trace.state.copy(), trace.value.copy()
    for t, each in enumerate(values):
        trace.follow(each)
        result[t] = trace.value
    trace.state[...], trace.value[...] = state, value
    return result


def _state(trace, k):
    return trace.state if trace.neuron.one_potential else trace.state[k]


def _windows(array, like):
    """Rows [w·B, ...] as [w, B, ...]."""
    return array.reshape(*like.shape[:2], *array.shape[1:])


def _flat(array):
    return array.reshape(*array.shape[:2], -1)


def _numbers(entry, shape, dtype):
    """A decay as kernels take it: [1], or [n]."""
    if is_shared(entry):
        return np.array([entry[0] if isinstance(entry, np.ndarray) else entry], dtype=dtype)
    return by_neuron(entry, shape, dtype)
