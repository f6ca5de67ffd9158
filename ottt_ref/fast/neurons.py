"""Neurons over a window of time steps: their states, outputs and surrogate derivatives in one pass, and errors back.

Those of ours with a built-in surrogate have kernels; one's own are advanced by their `step`, one time step at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..methods.bptt import backpropagate_states
from ..network.network import Network
from ..network.neuron import Neuron, checked_jacobian
from ..network.neurons import LIF, RESETS, CubaLIF, Integrator
from ..network.per_neuron import by_neuron
from ..network.surrogate import is_built_in
from ..simulation.simulator import Activity
from .kernels.filters import leak
from .kernels.neurons import lif_back, lif_window
from .kernels.surrogates import kind_of, numbers_of


def has_kernels(neuron: Neuron) -> bool:
    """Whether it is one of ours, with a surrogate of ours.

    >>> import ottt_ref as ot
    >>> from ottt_ref.fast.neurons import has_kernels
    >>> has_kernels(ot.LIF()), has_kernels(ot.Integrator())
    (True, True)
    """
    return type(neuron) is Integrator or (type(neuron) in (LIF, CubaLIF) and is_built_in(neuron.surrogate))  # type: ignore[attr-defined]


def advance(
    neuron: Any,
    states: tuple[np.ndarray, ...],
    output: np.ndarray,
    current: np.ndarray,
    record: tuple[np.ndarray, ...],
    outputs: np.ndarray,
    derivatives: np.ndarray | None,
) -> None:
    """Advance neurons by the time steps of a window, and write what they do into the record.

    states, output   of the time step before the window, [B, ...]; they stay as they are
    current          I, [w, B, ...]
    record, outputs, derivatives   states h, outputs s and, if asked for, ψ of each time step, [w, B, ...]
    """
    if not has_kernels(neuron):
        _advance_by_steps(neuron, states, output, current, record, outputs, derivatives)
        return
    if type(neuron) is Integrator:
        leak(_flat(record[0]), _rows(states[0]), _flat(current), _each(neuron, "decay", current), False)
        outputs[...] = record[0]
        if derivatives is not None:
            derivatives[...] = 1
        return
    if type(neuron) is CubaLIF:
        leak(_flat(record[1]), _rows(states[1]), _flat(current), _each(neuron, "current_decay", current), False)
        current = record[1]
    lif_window(
        record[0].reshape(-1),
        outputs.reshape(-1),
        np.empty(0, dtype=current.dtype) if derivatives is None else derivatives.reshape(-1),
        current.reshape(-1),
        states[0].reshape(-1),
        output.reshape(-1),
        *_membrane(neuron, current),
        _flat(current).shape,
        RESETS.index(neuron.reset),
        kind_of(neuron.surrogate),
        numbers_of(neuron.surrogate, current.dtype),
    )


def _advance_by_steps(neuron, states, output, current, record, outputs, derivatives):
    before, fired = states, output
    for t in range(len(current)):
        for state, given in zip(record, before):
            state[t] = given
        outputs[t] = fired
        before, fired = tuple(state[t] for state in record), outputs[t]
        neuron.step(before, fired, current[t])
        if derivatives is not None:
            derivatives[t] = neuron.surrogate_derivative(before)


def backpropagate(network: Network, l: int, activity: Activity, spike_error: np.ndarray, kept: bool) -> np.ndarray:
    """The error at layer l's currents, [T, B, ...], from ε^l at its spikes: back through the time of its neurons.

    kept  whether gradients also cross the reset
    """
    neuron: Any = network.layers[l].neuron
    derivatives: Any = activity.layer_surrogate_derivatives  # there are some: they were asked for
    states, outputs, psi = activity.layer_states[l], activity.layer_outputs[l], derivatives[l]
    result = np.empty_like(spike_error)
    if not has_kernels(neuron):
        deltas = [np.zeros_like(state[0]) for state in states]
        for t in reversed(range(len(result))):
            now = tuple(state[t] for state in states)
            jacobian = checked_jacobian(f"layers[{l}]", neuron, now, outputs[t], psi[t], kept)
            result[t] = backpropagate_states(network, neuron, deltas, psi[t] * spike_error[t], jacobian)
        return result
    if type(neuron) is Integrator:
        decay, errors = _each(neuron, "decay", result), _flat(np.ascontiguousarray(spike_error))
        leak(_flat(result), np.zeros_like(errors[0]), errors, decay, True)
        return result
    lif_back(
        result.reshape(-1),
        np.ascontiguousarray(spike_error).reshape(-1),
        *(array.reshape(-1) for array in (psi, states[0], outputs)),
        *_membrane(neuron, result),
        _flat(result).shape,
        RESETS.index(neuron.reset),
        kept,
    )
    if type(neuron) is CubaLIF:  # an error at the potential is one at the current, which leaks on its own way back
        decay, errors = _each(neuron, "current_decay", result), _flat(result)
        leak(errors, np.zeros_like(errors[0]), errors, decay, True)
    return result


def _membrane(neuron, like):
    """λ, V_th and v_reset of each neuron, [n] each."""
    return (_each(neuron, name, like) for name in ("decay", "threshold", "reset_potential"))


def _each(neuron, name, like):
    return by_neuron(getattr(neuron, name), like.shape[2:], like.dtype)


def _flat(array):
    return array.reshape(*array.shape[:2], -1)


def _rows(array):
    return array.reshape(len(array), -1)
