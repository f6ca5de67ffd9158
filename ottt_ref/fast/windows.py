"""OTTT and SLTT by windows of time steps: any network, any neuron, memory that does not grow with the sequence.

In a window the layers are taken one after the other, forwards and back, each with all its time steps at once. What
cannot be taken so goes by single time steps, through the loop of `methods.shared.driver`: `why_single_steps` says what.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..finite import allow_non_finite, allowed, is_finite
from ..learning.losses import ALL as BUILT_IN_LOSSES
from ..methods.ottt import OTTT
from ..methods.shared.errors import ErrorFeedback, TransposedWeights, backpropagated_error
from ..methods.shared.gradients import Gradients, GradientSum
from ..methods.shared.rule import Rule
from ..methods.shared.task import Task, started_from
from ..network.layers import INPUTS
from ..network.network import Network
from ..network.per_neuron import add_parameter_gradient
from .forward import Motion, as_rows, slices, window_length
from .pairing import Pairing


def why_single_steps(network: Network, error_feedback: ErrorFeedback | None = None, terms: bool = False) -> str:
    """Why a sequence is taken by single time steps; "" where it is taken by windows.

    >>> import ottt_ref as ot
    >>> from ottt_ref.fast.windows import why_single_steps
    >>> network = ot.dense_network([2, 3, 2], rng=0)
    >>> why_single_steps(network), why_single_steps(network, terms=True)
    ('', 'each time step is recorded: terms=True')
    """
    if terms:
        return "each time step is recorded: terms=True"
    if network.delays_errors:
        return "a delay lies on a way to the outputs: errors come back late"
    if error_feedback is not None and type(error_feedback) is not TransposedWeights:
        return f"errors come by {type(error_feedback).__name__}"
    return ""


class NotFinite(Exception):
    """A number is NaN or infinite: the loop by single time steps says which was the first."""


def gradients(rule: Rule, network: Network, task: Task, input_gradients: bool) -> Gradients:
    """The gradient of a task by OTTT or SLTT, by windows.

    Raises NotFinite where a potential, the loss or a gradient is NaN or infinite, unless that is allowed.
    """
    return _Run(rule, network, task, input_gradients).result()


class _Run:
    """One sequence on its way."""

    def __init__(self, rule, network, task, input_gradients):
        self._network, self._task, self._rule = network, task, rule
        steps, batch_size = task.inputs.shape[:2]
        self._steps = steps
        initial = started_from(network, task.initial_state, rule.carried)
        self._motion = Motion(network, batch_size, initial)
        begun = task.initial_state is not None
        self._pairing = Pairing(network, rule.traces if isinstance(rule, OTTT) else None, begun)
        self._sums = GradientSum(network, batch_size, input_steps=steps if input_gradients else None)
        self._outputs = np.empty((steps, batch_size, network.output_size), dtype=network.dtype)
        self._window = window_length(network, batch_size, steps)
        self._record = self._motion.record(self._window)
        self._total: Any = 0
        self._penalty: Any = 0

    def result(self):
        for first in range(0, self._steps, self._window):
            self._take(first, min(first + self._window, self._steps))
        sums = self._sums
        everything = [*sums.values.values(), *([] if sums.inputs is None else [sums.inputs])]
        require_finite(*everything)
        state = self._motion.state(self._rule.carried)
        total = self._total + self._penalty
        return sums.result(total, self._outputs, final_state=state, regularisation=self._penalty)

    def _take(self, first, last):
        """Forwards and back through the time steps from `first` to before `last`."""
        network, motion = self._network, self._motion
        activity = motion.advance(self._task.inputs[first:last], slices(self._record, 0, last - first))
        require_finite(*(state for states in activity.layer_states for state in states))
        self._outputs[first:last] = activity.outputs
        output_errors = self._loss(first, activity)
        regularisation = self._regularisation(first, activity)
        errors: list = [None] * len(network.layers)
        derivatives: Any = activity.layer_surrogate_derivatives
        for l in reversed(range(len(network.layers))):
            spike_error = self._spike_error(l, errors, output_errors, activity)
            if l in regularisation:
                spike_error = spike_error + regularisation[l]
            errors[l] = derivatives[l] * spike_error
        for connection in network.connections:
            if connection.parameters:
                delivered = motion.delivered(connection)
                self._pairing.add(self._sums.values, connection, errors[connection.target], delivered)
        if self._sums.inputs is not None:
            self._add_input_gradients(first, errors)
        self._pairing.follow(motion.delivered)
        self._add_neuron_gradients(activity, errors)

    def _spike_error(self, l, errors, output_errors, activity):
        """e^l, [w, B, ...], of the errors of the layers above."""
        row_errors = [None if error is None else as_rows(error) for error in errors]
        spikes = as_rows(activity.layer_outputs[l])
        found = backpropagated_error(self._network, l, row_errors, as_rows(output_errors), loops=False, spikes=spikes)
        return found.reshape(activity.layer_outputs[l].shape)

    def _loss(self, first, activity):
        """∂L/∂o of a window, [w, B, n_out]; its loss is added to the sum."""
        total, errors = sequence_loss(self._task, first, activity.outputs)
        self._total = self._total + total
        return errors

    def _regularisation(self, first, activity):
        if self._task.regulariser is None:
            return {}
        result: dict[int, np.ndarray] = {}
        for t in range(len(activity.inputs)):
            value, found = self._task.step_regularisation(activity.at(t))
            self._penalty = self._penalty + value
            for l, gradient in found.items():
                result.setdefault(l, np.zeros_like(activity.layer_outputs[l]))[t] = gradient
        return result

    def _add_input_gradients(self, first, errors):
        inputs, network = self._sums.inputs, self._network
        for connection in (c for c in network.connections if c.source == INPUTS):
            error, given = errors[connection.target], as_rows(self._motion.delivered(connection))
            back = connection.adjoint(as_rows(error), given).reshape(*error.shape[:2], *network.input_shape)
            early = min(len(back), max(0, connection.delay - first))  # what came before the sequence
            begin = first + early - connection.delay
            inputs[begin : begin + len(back) - early] += back[early:]

    def _add_neuron_gradients(self, activity, errors):
        """∇θ of the neurons' own parameters, one time step after the other."""
        network, traces = self._network, self._rule.parameter_traces
        if not network.neuron_parameters:
            return
        for t in range(len(activity.inputs)):
            traces.update(activity.at(t))
            for l, name, full_name in network.neuron_parameters:
                part = errors[l][t] * traces.sensitivity(l, name)
                add_parameter_gradient(self._sums.values[full_name], part, network.shapes[l])


def sequence_loss(task: Task, first: int, outputs: np.ndarray) -> tuple[Any, np.ndarray]:
    """The loss of the time steps from `first` on, without the regulariser, and ∂L/∂o, of their outputs [w, B, C]."""
    steps, batch_size = outputs.shape[:2]
    if type(task.loss) not in BUILT_IN_LOSSES:
        total, errors = 0, np.empty_like(outputs)
        for t in range(steps):
            value, errors[t] = task.step_loss(first + t, outputs[t])
            total = total + value
        return total, errors
    last = first + steps
    targets = task.targets if task.targets.ndim == 2 else task.targets[first:last]
    targets = np.ascontiguousarray(np.broadcast_to(targets, outputs.shape))
    with allow_non_finite():
        value, gradient = task.loss.evaluate(as_rows(outputs), as_rows(targets))
    require_finite(value)
    if task.weights is not None:
        weights = task.weights[first:last].reshape(-1)
        value, gradient = weights * value, weights[:, np.newaxis] * gradient
    scale = task.time_steps * batch_size
    return value.sum() / scale, (gradient / scale).reshape(outputs.shape)


def require_finite(*arrays: np.ndarray) -> None:
    """Raise NotFinite where an array holds NaN or infinity, unless that is allowed."""
    if not all(is_finite(array) for array in arrays) and not allowed():
        raise NotFinite
