"""OTTT, SLTT and online learning, varied: other traces, errors through loops, updates at other times.

`variation` is a `variations.Variation`, whose fields say what each of them is.
"""

from dataclasses import fields
from functools import partial

import numpy as np

from ..learning.optimisers import SGD
from ..methods import METHODS as REGISTRY
from ..methods import OnlineLearner, Rule, TransposedWeights
from ..methods.shared.errors import backpropagated_error, gated
from ..methods.shared.gradients import GradientSum
from ..methods.shared.traces import Traces
from ..network.layers import INPUTS
from ..simulation.simulator import Activity

ORDERS = (
    "each step",  # as the reference
    "at the end",  # of the sequence, all in sum
    "accumulated",  # each step, with the gradients of the steps before
    "forgetting",  # each step, which starts from rest
    "layer by layer",  # each layer before errors go back through it
    "recorded before",  # each step, and what is recorded are the parameters before it
)
_OTTT = REGISTRY["ottt"]
DIALECT = {
    name: options.get("dialect", "derivation")
    for variants in (_OTTT.variants, _OTTT.online)
    for name, (_, options) in variants.items()
}


class LoopsAtThisStep(Activity):
    """An activity of a time step in which loops have been given the spikes of that time step."""

    def delivered(self, connection):
        """What enters a connection."""
        return self.output_of(connection.source) if connection.loop else super().delivered(connection)


def rule_of(method, variation):
    """(network, batch_size) → the method's rule, varied."""
    return partial(VariedRule, method=method, variation=variation)


def feedback(variation):
    """How errors reach the layers."""
    if variation.late_errors != "then":
        return ErrorsAtOnce(lost=variation.late_errors == "lost")
    return LoopsAtOnce() if variation.loops_at_once else TransposedWeights()


class ErrorsAtOnce(TransposedWeights):
    """Errors belong to the time step in which they come back; lost, they do not come back where that is a later one."""

    def __init__(self, lost):
        self.lost = lost

    def lags(self, network, l, errors):
        return {0}

    def lagged_error(self, network, step, l, lag, errors):
        total = np.zeros((len(step.output_error), *network.shapes[l]), dtype=network.dtype)
        if l == len(network.layers) - 1:
            total += step.output_error
        for connection in network.outgoing(l):
            if not connection.loop and not (self.lost and connection.delay):
                total += connection.adjoint(errors[connection.target][0])
        return total


class LoopsAtOnce(TransposedWeights):
    """Errors also come back by recurrent and feedback connections within the time step."""

    def spike_error(self, network, step, l, errors):
        error = super().spike_error(network, step, l, errors)
        loops = [c for c in network.outgoing(l) if c.loop]
        if not loops:
            return error
        alone = [None] * len(network.layers)
        for k in reversed(range(len(network.layers))):
            spikes = step.activity.layer_outputs[k]
            above = backpropagated_error(network, k, alone, step.output_error, loops=False, spikes=spikes)
            alone[k] = gated(step.activity.layer_surrogate_derivatives[k], above)
        spikes = step.activity.layer_outputs[l]
        return sum((c.adjoint(alone[c.target], spikes) for c in loops), error)

    def lagged_error(self, network, step, l, lag, errors):
        """Of errors that come late, those by loops out of the layers above alone, at the lag that they have there."""
        error = super().lagged_error(network, step, l, lag, errors)
        loops = [c for c in network.outgoing(l) if c.loop and lag in errors[c.target]]
        return sum((c.adjoint(errors[c.target][lag]) for c in loops), error)


class VariedRule(Rule):
    """OTTT or SLTT with traces that decay as the variation says: one for each connection.

    Where the reference has several traces, or one that is no simple trace (of a current that leaks, of a decay that is
    learned), it is the reference's unless the variation has another decay.
    """

    def __init__(self, network, batch_size, method, variation):
        self.traces_parameters = method in DIALECT and variation.parameters_traced
        super().__init__(network, batch_size)
        self._variation, self._bias_input = variation, network.bias_input
        self._usual = Traces(network, batch_size, DIALECT.get(method, "derivation"))
        traced = [c for c in network.connections if c.parameters]
        layers = range(len(network.layers))
        self._decays, self._bias_decays = dict.fromkeys(c.name for c in traced), [None for _ in layers]
        self._as_usual, self._biases_as_usual = set(), set()  # names and layers
        if method in DIALECT:  # SLTT traces nothing
            for c in traced:
                decay = self._decay_of(c)
                self._decays[c.name] = variation.trace_decay(c, decay)
                if not self._is_simple(c) and self._decays[c.name] is decay:
                    self._as_usual.add(c.name)
            for l in layers:
                decay = None if self._usual.bias_membrane(l) is None else network.decay(network.trace_layer(l))
                self._bias_decays[l] = variation.constant_decay(l, decay)
                into = [c for c in traced if c.target == l]
                if decay is not None and self._bias_decays[l] is decay and any(not self._is_simple(c) for c in into):
                    self._biases_as_usual.add(l)
        if (self._as_usual or self._biases_as_usual) and (
            variation.saturating or variation.late or variation.trace_scale is not None
        ):
            raise ValueError("traces of several decays, or of two leaks, have no such variation")
        before = variation.traced_before_maxima
        shapes = {c.name: (batch_size, *(c.input_shape if before else c.presynaptic_shape)) for c in traced}
        self._traces = {name: np.zeros(shape, dtype=network.dtype) for name, shape in shapes.items()}
        self._biases = {l: np.zeros_like(self._bias_input) for l in layers}
        self._late = dict(self._traces), dict(self._biases)

    def _is_simple(self, connection):
        """Whether its trace is one of one decay that stays."""
        neuron = self._usual.membrane(connection)
        return neuron is None or (
            neuron.one_potential
            and not neuron.leak_parameters
            and len(self.network.decay(self.network.trace_layer(connection.target))) == 1
        )

    def _decay_of(self, connection):
        """λ of the neurons by whose leak what a connection is given is traced; None where nothing is."""
        if self._usual.membrane(connection) is None:
            return None
        return self.network.decay(self.network.trace_layer(connection.target))

    def pairs(self, connection, error, activity):
        l, name = connection.target, connection.name
        if name not in self._as_usual and l not in self._biases_as_usual:
            yield from super().pairs(connection, error, activity)
            return
        for own_error, values, constant in self._usual.pairs(connection, error):
            values = values if name in self._as_usual else self.presynaptic(connection, activity)
            yield own_error, values, constant if l in self._biases_as_usual else self.bias_input(l)

    def presynaptic(self, connection, activity):
        trace = self._scaled(self._late[0][connection.name], self._decays[connection.name])
        return connection.entering(trace) if self._variation.traced_before_maxima else trace

    def bias_input(self, l):
        return self._scaled(self._late[1][l], self._bias_decays[l])

    def advance(self, activity):
        if self._variation.paired_at_once:
            activity = LoopsAtThisStep(**{each.name: getattr(activity, each.name) for each in fields(activity)})
        if self._as_usual or self._biases_as_usual:
            self._usual.update(activity)
        for connection in self.network.connections:
            name = connection.name
            if name in self._traces and name not in self._as_usual:
                late = ("inputs" if connection.source == INPUTS else "spikes") in self._variation.late
                trace, decay = self._traces[name], self._decays[name]
                if late and decay is not None:  # only what is traced can be late
                    self._late[0][name] = trace.copy()
                before = self._variation.traced_before_maxima
                given = activity.delivered(connection) if before else activity.presynaptic(connection)
                self._follow(trace, given, decay)
        for l, decay in enumerate(self._bias_decays):
            if l in self._biases_as_usual:
                continue
            if "constants" in self._variation.late and decay is not None:
                self._late[1][l] = self._biases[l].copy()
            self._biases[l][...] = self._bias_input if decay is None else decay * self._biases[l] + self._bias_input

    def _follow(self, trace, value, decay):
        if decay is not None and len(decay) > 1:  # of each neuron that sends
            decay = decay.reshape(trace.shape[1:])
        if decay is None:
            trace[...] = value
        elif self._variation.saturating:
            trace[...] = np.where(value != 0, value, decay * trace)
        else:
            trace[...] = decay * trace + value

    def _scaled(self, trace, decay):
        scale = self._variation.trace_scale
        return trace if scale is None or decay is None else trace * scale(decay)


def online(case, network, inputs, targets, loss, state, method, variation):
    """Every parameter after each time step, [T, ...]; `targets` are rows, of each time step or the same at all."""
    rate = case.entry["online"]["learning_rate"]
    optimizer = SGD(rate if variation.learning_rate is None else variation.learning_rate, momentum=variation.momentum)
    steps = case.entry.get("loss_time_steps", len(inputs))
    learner = VariedLearner(method, variation, network, optimizer, loss, steps)
    learner.reset(state)
    records = {name: [] for name in network.parameters}
    for t, row in enumerate(inputs):
        before = {name: value.copy() for name, value in network.parameters.items()}
        learner.last = t == len(inputs) - 1
        weights = None if case.weights is None else case.weights[t]
        each = targets if targets.ndim == 2 else np.ascontiguousarray(targets[t])
        learner.step(np.ascontiguousarray(row), each, weights=weights)
        after = before if variation.online == "recorded before" else network.parameters
        for name, value in after.items():
            records[name].append(value.copy())
    return {name: np.stack(values) for name, values in records.items()}


class VariedLearner(OnlineLearner):
    """An online learner that updates when the variation says.

    last  whether the next time step is the sequence's last
    """

    def __init__(self, method, variation, network, optimizer, loss, time_steps):
        rule = rule_of(method, variation)
        options = {"error_feedback": feedback(variation), "time_steps": time_steps}
        super().__init__(rule, network, optimizer, loss, **options)
        self._variation, self._so_far, self.last = variation, network.zero_gradients(), False

    def step(self, inputs, targets=None, *, weights=None):
        if self._variation.online == "forgetting":
            self.reset()
        return super().step(inputs, targets, weights=weights)

    def learn(self, step):
        if self._variation.online == "layer by layer" and self.rule.lags is None:
            self._layer_by_layer(step)
        else:
            super().learn(step)

    def update(self, sums):
        for name, value in sums.values.items():
            self._so_far[name] += value
        if self._variation.online in ("at the end", "accumulated"):
            sums.values = {name: value.copy() for name, value in self._so_far.items()}
        if self._variation.online != "at the end" or self.last:
            sums.values = self._variation.parameters(sums.values)
            super().update(sums)

    def _layer_by_layer(self, step):
        network, errors = self.network, [None] * len(self.network.layers)
        for l in reversed(range(len(network.layers))):
            spikes = step.activity.layer_outputs[l]
            spike_error = backpropagated_error(network, l, errors, step.output_error, loops=False, spikes=spikes)
            errors[l] = gated(step.activity.layer_surrogate_derivatives[l], spike_error)
            sums = GradientSum(network, len(spike_error))
            for connection in (c for c in network.incoming(l) if c.parameters):
                pairing = self.rule.presynaptic(connection, step.activity), self.rule.bias_input(l)
                sums.add(0, connection, errors[l], *pairing)
            self.optimizer.step(network.parameters, sums.values)
