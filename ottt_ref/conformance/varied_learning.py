"""OTTT, SLTT and online learning, varied: other traces, errors through loops, updates at other times.

`variation` is a `variations.Variation`, whose fields say what each of them is.
"""

from dataclasses import replace

import numpy as np

from ..learning.losses import step_loss
from ..learning.training import SGD
from ..methods import ottt
from ..methods.shared.errors import backpropagated_error, instantaneous_errors
from ..methods.shared.gradients import GradientSum
from ..methods.shared.traces import Traces, follow
from ..network.layers import INPUTS
from ..simulation.simulator import Simulator
from .reference import ONLINE

DIALECT = {"ottt": "derivation", "ottt-authors": "authors", **ONLINE}
ORDERS = (
    "each step",  # as the reference
    "at the end",  # of the sequence, all in sum
    "accumulated",  # each step, with the gradients of the steps before
    "forgetting",  # each step, which starts from rest
    "layer by layer",  # each layer before errors go back through it
    "recorded before",  # each step, and what is recorded are the parameters before it
)


class VariedTraces:
    """Traces that decay as the variation says; as `traces.Traces`, a trace for each connection."""

    def __init__(self, network, batch_size, method, variation):
        usual = Traces(network, batch_size, DIALECT.get(method, "derivation"))
        self._network, self._bias_input, self._variation = network, network.bias_input, variation
        traced = [c for c in network.connections if c.parameters]
        self._decays, self._constant_decays = dict.fromkeys(c.name for c in traced), [None] * len(network.layers)
        if method in DIALECT:  # SLTT traces nothing
            self._decays = {c.name: variation.trace_decay(c, usual.decay(c)) for c in traced}
            self._constant_decays = [
                variation.constant_decay(l, usual.constant_decay(l)) for l in range(len(network.layers))
            ]
        self._traces = {c.name: np.zeros_like(usual.presynaptic(c)) for c in traced}
        self._constants = {l: np.zeros_like(self._bias_input) for l in range(len(network.layers))}
        self._late = dict(self._traces), dict(self._constants)

    def presynaptic(self, connection):
        """What the connection's errors are paired with, [B, ...]."""
        return self._scaled(self._late[0][connection.name], self._decays[connection.name])

    def bias_input(self, l):
        """What stands for the biases' constant input into layer l, [1]."""
        return self._scaled(self._late[1][l], self._constant_decays[l])

    def update(self, activity):
        """Take in one time step."""
        for connection in self._network.connections:
            name = connection.name
            if name in self._traces:
                late = ("inputs" if connection.source == INPUTS else "spikes") in self._variation.late
                trace, decay = self._traces[name], self._decays[name]
                if late and decay is not None:  # only what is traced can be late
                    self._late[0][name] = trace.copy()
                self._follow(trace, activity.presynaptic(connection), decay)
        for l, decay in enumerate(self._constant_decays):
            if "constants" in self._variation.late and decay is not None:
                self._late[1][l] = self._constants[l].copy()
            follow(self._constants[l], self._bias_input, decay)

    def _follow(self, trace, value, decay):
        if self._variation.saturating and decay is not None:
            trace[...] = np.where(value != 0, value, decay * trace)
        else:
            follow(trace, value, decay)

    def _scaled(self, trace, decay):
        scale = self._variation.trace_scale
        return trace if scale is None or decay is None else trace * scale(decay)


def add_step(sums, t, network, traces, activity, output_error, variation):
    """`ottt.add_step`; with `loops_at_once` errors also come back by recurrent and feedback connections within t."""
    if not variation.loops_at_once:
        ottt.add_step(sums, t, network, traces, activity, output_error)
        return
    traces.update(activity)
    alone = instantaneous_errors(network, activity, output_error)
    errors = [None] * len(network.layers)
    for l in reversed(range(len(network.layers))):
        incoming = backpropagated_error(network, l, errors, output_error, delayed=False)
        back = [c.adjoint(alone[c.target]) for c in network.outgoing(l) if c.delayed]
        errors[l] = activity.layer_surrogate_derivatives[l] * sum(back, incoming)
    for connection in (c for c in network.connections if c.parameters):
        pairing = traces.presynaptic(connection), traces.bias_input(connection.target)
        sums.add(t, connection, errors[connection.target], *pairing)


def online(network, inputs, targets, loss, rate, method, variation):
    """Every parameter after each time step, [T, ...]."""
    optimizer = SGD(rate if variation.learning_rate is None else variation.learning_rate, momentum=variation.momentum)
    learner = _Learner(network, inputs.shape[1], method, variation)
    records = {name: [] for name in network.parameters}
    for t, row in enumerate(inputs):
        before = {name: value.copy() for name, value in network.parameters.items()}
        learner.step(row, lambda outputs: step_loss(loss, outputs, targets, len(inputs))[1], optimizer)
        if variation.online != "at the end" or t == len(inputs) - 1:
            learner.update(optimizer)
        after = before if variation.online == "recorded before" else network.parameters
        for name, value in after.items():
            records[name].append(value.copy())
    return {name: np.stack(values) for name, values in records.items()}


class _Learner:
    """An online learner that updates when the variation says."""

    def __init__(self, network, batch_size, method, variation):
        self._start = network, batch_size, method, variation
        self._network, self._batch_size, _, self._variation = self._start
        self.sums = GradientSum(network, batch_size)
        self._rest()

    def _rest(self):
        self._simulator = Simulator(self._network, self._batch_size)
        self._traces = VariedTraces(*self._start)

    def step(self, row, error_of, optimizer):
        """Take in a time step."""
        order = self._variation.online
        if order == "forgetting":
            self._rest()
        activity = self._simulator.step(row)
        if self._variation.paired_at_once:
            activity = replace(activity, previous_outputs=dict(enumerate(activity.layer_outputs)))
        if order not in ("at the end", "accumulated"):
            self.sums = GradientSum(self._network, self._batch_size)
        if order == "layer by layer":
            self._layer_by_layer(activity, error_of(activity.outputs), optimizer)
        else:
            data = (self._network, self._traces, activity, error_of(activity.outputs))
            add_step(self.sums, 0, *data, self._variation)

    def update(self, optimizer):
        """Update the parameters by what is summed up."""
        if self._variation.online != "layer by layer":
            optimizer.step(self._network.parameters, self._variation.parameters(self.sums.values))

    def _layer_by_layer(self, activity, output_error, optimizer):
        network, errors = self._network, [None] * len(self._network.layers)
        self._traces.update(activity)
        for l in reversed(range(len(network.layers))):
            errors[l] = activity.layer_surrogate_derivatives[l] * backpropagated_error(
                network, l, errors, output_error, delayed=False
            )
            sums = GradientSum(network, self._batch_size)
            for connection in (c for c in network.incoming(l) if c.parameters):
                pairing = self._traces.presynaptic(connection), self._traces.bias_input(l)
                sums.add(0, connection, errors[l], *pairing)
            optimizer.step(network.parameters, sums.values)
