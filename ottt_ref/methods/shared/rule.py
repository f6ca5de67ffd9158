"""What a forward-in-time learning rule is: what it carries from one time step to the next, and what it pairs.

    ∇W^l = Σ_t g^l[t] x^{l-1}[t]^T        x: what the rule pairs with the error at the potentials

OTTT pairs the trace â, SLTT the spikes s themselves. A rule is written once; the driver runs it offline (`gradients`)
and online (`OnlineLearner`), on every layer, in floats and over fractions.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from ...network.layers import INPUTS, Connection
from ...network.network import Network, require_network
from ...network.per_neuron import add_parameter_gradient
from ...simulation.simulator import Activity
from ...validation import require_count, require_result
from .errors import ErrorFeedback, TimeStep, gated
from .gradients import GradientSum
from .lags import Lags
from .traces import ParameterTraces


class Rule:
    """A rule at work on one network and batch; as it stands it is SLTT. Subclass it, and override what differs.

    network      the Network; its parameters may change between two time steps (online learning)
    batch_size   B
    state        all that is carried from one time step to the next, beside the neurons' own: arrays by name

    A rule whose trace has a decay of its own, for every connection:

    >>> import numpy as np, ottt_ref as ot
    >>> class SlowTrace(ot.methods.Rule):
    ...     def __init__(self, network, batch_size):
    ...         super().__init__(network, batch_size)
    ...         shapes = {c.name: (batch_size, *network.shape_of(c.source)) for c in network.connections}
    ...         self.state.update({name: np.zeros(shape) for name, shape in shapes.items()})
    ...     def advance(self, activity):
    ...         for connection in self.network.connections:
    ...             trace = self.state[connection.name]
    ...             trace[...] = 0.9 * trace + activity.presynaptic(connection)
    ...     def presynaptic(self, connection, activity):
    ...         return self.state[connection.name]
    >>> network = ot.dense_network([2, 3, 2], rng=7)
    >>> inputs, labels = np.linspace(0, 0.6, 8).reshape(4, 1, 2), np.array([1])
    >>> gradients = ot.methods.gradients(SlowTrace, network, inputs, labels)
    >>> {name: round(float(np.linalg.norm(value)), 3) for name, value in gradients.items()}
    {'layer0.weight': 0.342, 'layer0.bias': 0.34, 'readout.weight': 1.107, 'readout.bias': 0.65}
    """

    follows_errors: bool = True  # whether it asks for the errors of the layers; RTRL needs those of the outputs alone
    handles_delays: bool = False  # whether it has an `add_gradients` or `add_step` that delays on ways to outputs suit
    traces_parameters: bool = False  # whether the neurons' own parameters have a trace, or take each time step alone

    def __init__(self, network: Network, batch_size: int) -> None:
        self.network = require_network(network)
        self.batch_size = require_count("batch_size", batch_size)
        if any(
            getattr(type(self), name) is not getattr(Rule, name) for name in ("presynaptic", "pairs", "add_gradients")
        ):
            _require_traceable(type(self).__name__, network)
        self.parameter_traces = ParameterTraces(network, batch_size, self.traces_parameters)
        self.state: dict[str, np.ndarray] = self.parameter_traces.state if self.traces_parameters else {}

    @cached_property
    def lags(self) -> Lags | None:
        """What errors that come late are paired with; None where no delay lies on a way to the outputs."""
        parts = {c.name: self.parts(c) for c in self.network.connections if c.parameters}
        late = self.network.delays_errors and self.follows_errors
        return Lags(self.network, self.batch_size, parts) if late else None

    def take_in(self, activity: Activity) -> None:
        """Take in one time step's Activity: `advance`, then what every rule keeps of it."""
        self.advance(activity)
        self.parameter_traces.update(activity)
        if self.lags is not None:
            self.lags.take_in(self, activity)
            for l, name, full_name in self.network.neuron_parameters:
                self.lags.take_in_sensitivity(full_name, self.parameter_traces.sensitivity(l, name))

    @property
    def carried(self) -> dict[str, np.ndarray]:
        """`state`, and what errors that come late are paired with: arrays by name."""
        return self.state if self.lags is None else {**self.state, **self.lags.state}

    def advance(self, activity: Activity) -> None:
        """Take in one time step's Activity, before its errors are known; change the state in place."""

    def presynaptic(self, connection: Connection, activity: Activity) -> np.ndarray:
        """What the error at the connection's target is paired with, [B, ...] of its `presynaptic_shape`."""
        return activity.presynaptic(connection)

    def bias_input(self, l: int) -> np.ndarray:
        """What the error at layer l is paired with for the biases, [1]."""
        return self.network.bias_input

    def surrogate_derivative(self, l: int, activity: Activity) -> np.ndarray:
        """What the error at layer l's spikes is multiplied by on its way to the potentials, [B, ...]."""
        derivatives: Any = activity.layer_surrogate_derivatives  # there are some: the driver asks for them
        return derivatives[l]

    def add_gradients(
        self,
        gradients: Mapping[str, np.ndarray],
        connection: Connection,
        error: np.ndarray,
        spike_error: np.ndarray,
        activity: Activity,
    ) -> None:
        """Add one time step's part to the gradients of a connection's parameters, in place.

        gradients    arrays by the network's parameter names
        error        g^l[t] at the target's potentials, [B, ...]
        spike_error  e^l[t] at the target's spikes, [B, ...], for rules that hold ψ in a trace per synapse
        """
        delivered = activity.delivered(connection)
        for own_error, presynaptic, bias_input in self.pairs(connection, error, activity):
            connection.add_gradients(gradients, own_error, presynaptic, bias_input, delivered)

    def pairs(
        self, connection: Connection, error: np.ndarray, activity: Activity
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """What is paired at a connection: (error, presynaptic, bias_input), [B, ...], [B, ...] and [1], once or more.

        Once, with `presynaptic` and `bias_input`; a rule that keeps several traces of one connection splits the error
        into parts, each with its own trace.
        """
        kind = f"rule: {{}} of {type(self).__name__} for {connection.name}"
        shape = (len(error), *connection.presynaptic_shape)
        presynaptic = require_result(
            kind.format("presynaptic"), self.presynaptic(connection, activity), shape, error.dtype
        )
        bias_input = require_result(kind.format("bias_input"), self.bias_input(connection.target), (1,), error.dtype)
        yield error, presynaptic, bias_input

    def parts(self, connection: Connection) -> int:
        """How often `pairs` pairs at a connection: once, or of a rule that splits the error into parts so often."""
        return 1

    def add_step(self, sums: GradientSum, t: int, step: TimeStep, error_feedback: ErrorFeedback) -> None:
        """Take in the errors of time step t, a TimeStep whose activity was taken in before; add to the GradientSum."""
        if self.lags is not None:
            self.lags.add_step(sums, t, step, error_feedback)
            return
        network, activity = self.network, step.activity
        count = len(network.layers)
        errors: list = [None] * count
        spike_errors: list = [None] * count
        for l in reversed(range(count)):
            shape, dtype = activity.layer_outputs[l].shape, network.dtype
            where = f"error_feedback: spike_error of {type(error_feedback).__name__} for layers[{l}]"
            spike_error = require_result(where, error_feedback.spike_error(network, step, l, errors), shape, dtype)
            spike_errors[l] = step.with_regularisation(l, spike_error)
            where = f"rule: surrogate_derivative of {type(self).__name__} for layers[{l}]"
            derivative = require_result(where, self.surrogate_derivative(l, activity), shape, dtype)
            errors[l] = gated(derivative, spike_errors[l])
        sums.record(t, errors, activity)
        for gradients in sums.at(t):
            for connection in network.connections:
                l = connection.target
                if connection.parameters:
                    self.add_gradients(gradients, connection, errors[l], spike_errors[l], activity)
            for l, name, full_name in network.neuron_parameters:
                sensitivity = self.parameter_traces.sensitivity(l, name)
                add_parameter_gradient(gradients[full_name], errors[l] * sensitivity, network.shapes[l])


def _require_traceable(rule, network):
    """Check that no parameter lies before an operation that is not linear: what it adds to later time steps depends on
    where the values of each time step went, and is no error of theirs times a trace.

    Raises ValueError that names the connection.
    """
    for c in network.connections:
        if c.front is None:
            continue
        if c.front.parameter_names:
            raise ValueError(
                f"{c.name} must have its parameters {list(c.front.parameter_names)} after its last operation that is "
                f"not linear, for {rule}, whose traces begin there, got {c.operations!r}: bptt, rtrl and sltt take it"
            )
        if c.source != INPUTS and network.layers[c.source].neuron.stateless and _sums_parameters(network, c.source):
            raise ValueError(
                f"{c.name} must take spikes or inputs for {rule}, since an operation of it is not linear, got the "
                f"current of layers[{c.source}], whose parameters have no trace through it: bptt, rtrl and sltt take it"
            )


def _sums_parameters(network, l):
    """Whether a parameter enters the sum of currents of layer l, at once or by sums before it."""
    return any(
        c.parameters
        or (c.source != INPUTS and network.layers[c.source].neuron.stateless and _sums_parameters(network, c.source))
        for c in network.incoming(l)
    )
