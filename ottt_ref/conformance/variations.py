"""The reference, varied: what comes out of a case where a backend does one thing otherwise.

A Variation says what is otherwise: another network (its neurons, operations, weights), other things that connections
are given, another loss, other traces, other updates. `forward`, `gradients` and `online` compute a case under it, with
the library's own algebra, in the arrays that an adapter returns.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from .. import bptt
from ..gradients import GradientSum
from ..layers import INPUTS
from ..losses import require_targets, sequence_loss, step_loss
from ..ottt import add_step
from ..simulation import Activity, Simulator, arriving, one
from ..spatial import arriving_error, instantaneous_errors
from ..traces import Traces, follow
from ..training import SGD
from . import varied_rates
from .reference import FORWARD, ONLINE

DIALECT = {"ottt": "derivation", "ottt-authors": "authors", **ONLINE}
RESET_GRADIENT = {"bptt": "detached", "bptt-kept": "kept", "rtrl": "detached", "rtrl-kept": "kept"}


def as_given(connection, now, earlier):
    """What a connection is given in the reference: `now` by layer, `earlier` the steps before, the last one first."""
    return earlier[0][connection.source] if connection.delayed else now[connection.source]


def unchanged(value):
    """The value."""
    return value


def same_decay(_, decay):
    """The λ that a trace has in the reference."""
    return decay


def same_errors(loss, outputs, targets, errors):
    """∂L/∂o as it is in the reference."""
    return errors


def at_rest(_):
    """The potential before the first time step."""
    return 0.0


def everywhere(_):
    """No layer that errors of the next time step do not reach."""
    return None


ONLINE_ORDERS = (
    "each step",  # as the reference
    "at the end",  # of the sequence, all in sum
    "accumulated",  # each step, with the gradients of the steps before
    "forgetting",  # each step, which starts from rest
    "layer by layer",  # each layer before errors go back through it
    "recorded before",  # each step, and what is recorded are the parameters before it
)


@dataclass(frozen=True)
class Variation:
    """What is otherwise; what is not given is as in the reference.

    name, says       a short name, and the difference in a sentence
    aspect           what it is about: two variations of one aspect are never combined
    network          Network → Network
    given            (connection, now, earlier) → what it is given [B, ...] (see `as_given`)
    start            neuron → the potential before the first time step
    axes, returned   the axes of the inputs that stand for time and batch, and of what is returned
    seen             name, array, network, Activity → the array [T, B, ...] that is returned of the forward pass
    loss             Loss → Loss
    steps            loss, outputs [T, B, C], targets, ∂L/∂o [T, B, C] → ∂L/∂o
    paired_at_once   whether loops' weights are paired with the spikes of the same time step
    loops_at_once    of OTTT and SLTT: whether errors come back by loops within the time step
    leaks_back       of BPTT: network → by layer, whether δ[t+1] reaches δ[t]; None for everywhere
    delays_back      of BPTT: whether errors come back by recurrent and feedback connections
    trace_decay      (connection, λ or None) → λ or None
    constant_decay   (layer, λ or None) → λ or None
    late             which traces are used before they take in their time step: of "inputs", "spikes", "constants"
    trace_scale      λ → what a trace is multiplied by, None for nothing
    saturating       whether a spike sets its trace, and does not add to it
    rate, gate, loops, closed_form   of SR: see `varied_rates`
    parameters       {name: gradient} → {name: gradient}, at the end
    online           when updates are made: one of `ONLINE_ORDERS`
    momentum, learning_rate   of the online learner; its rate is the case's if None
    """

    name: str
    says: str
    aspect: str
    network: Callable = unchanged
    given: Callable = as_given
    start: Callable = at_rest
    axes: tuple = (0, 1)
    returned: tuple | None = None
    seen: Callable | None = None
    loss: Callable = unchanged
    steps: Callable = same_errors
    paired_at_once: bool = False
    loops_at_once: bool = False
    leaks_back: Callable = everywhere
    delays_back: bool = True
    trace_decay: Callable = same_decay
    constant_decay: Callable = same_decay
    late: tuple = ()
    trace_scale: Callable | None = None
    saturating: bool = False
    rate: Callable = varied_rates.weighted
    gate: Callable = varied_rates.clamped
    loops: bool = True
    closed_form: bool = False
    parameters: Callable = unchanged
    online: str = "each step"
    momentum: float = 0.0
    learning_rate: float | None = None


def compute(case, method, variation):
    """What an adapter would return of the case under the variation, by name: see `adapter`."""
    network = variation.network(case.network)
    inputs = np.ascontiguousarray(np.moveaxis(case.inputs, variation.axes, (0, 1)))
    if method == FORWARD:
        return _forward(network, inputs, variation)
    loss = variation.loss(case.loss)
    targets = require_targets(loss, case.targets, inputs.shape[1], network)
    if method in ONLINE:
        return _online(network, inputs, targets, loss, case.entry["online"]["learning_rate"], method, variation)
    if method == "spike-representation":
        activity = run(network, inputs, variation)
        data = (network, activity, targets, loss)
        values = varied_rates.gradients(*data, variation)
    else:
        activity = run(network, inputs, variation)
        errors = sequence_loss(loss, activity.outputs, targets)[1]
        errors = variation.steps(loss, activity.outputs, targets, errors)
        values = _algebra(network, activity, errors, method, variation)
    return variation.parameters(values)


def _algebra(network, activity, errors, method, variation):
    if method in RESET_GRADIENT:  # RTRL too, which gives the same gradients (theorem E6) and takes far longer
        options = {"delays_back": variation.delays_back, "leaks_back": variation.leaks_back(network)}
        return bptt.backward(network, activity, errors, reset_gradient=RESET_GRADIENT[method], **options).values
    traces = VariedTraces(network, errors.shape[1], method, variation)
    sums = GradientSum(network, errors.shape[1])
    for t, error in enumerate(errors):
        _add_step(sums, t, network, traces, activity.at(t), error, variation.loops_at_once)
    return sums.values


def _add_step(sums, t, network, traces, activity, output_error, loops_at_once):
    """`ottt.add_step`; with `loops_at_once` errors also come back by recurrent and feedback connections within t."""
    if not loops_at_once:
        add_step(sums, t, network, traces, activity, output_error)
        return
    traces.update(activity)
    alone = instantaneous_errors(network, activity, output_error)
    errors = [None] * len(network.layers)
    for l in reversed(range(len(network.layers))):
        incoming = arriving_error(network, l, errors, output_error, delayed=False)
        back = [c.adjoint(alone[c.target]) for c in network.out_of(l) if c.delayed]
        errors[l] = activity.layer_derivatives[l] * sum(back, incoming)
    for connection in (c for c in network.connections if c.parameters):
        pairing = traces.given_by(connection), traces.constant(connection.target)
        sums.add(t, connection, errors[connection.target], *pairing)


def _forward(network, inputs, variation):
    activity = run(network, inputs, variation)
    found = {f"potential/{l}": potential for l, potential in enumerate(activity.layer_potentials)}
    found.update({f"spikes/{l}": activity.layer_outputs[l] for l in network.spiking})
    found.update({f"psi/{l}": activity.layer_derivatives[l] for l in network.spiking})
    found["outputs"] = activity.outputs
    if variation.seen is not None:
        found = {name: variation.seen(name, array, network, activity) for name, array in found.items()}
    axes = variation.axes if variation.returned is None else variation.returned
    return {name: np.moveaxis(array, (0, 1), axes) for name, array in found.items()}


def run(network, inputs, variation):
    """The Activity [T, B, ...] of a network whose connections are given what the variation says."""
    batch = inputs.shape[1]
    rest = {l: np.zeros((batch, *shape), network.dtype) for l, shape in enumerate(network.shapes)}
    potentials = {l: zeros + zeros.dtype.type(variation.start(network.layers[l].neuron)) for l, zeros in rest.items()}
    rest[-1] = np.zeros_like(inputs[0])
    records, earlier = [], [rest, rest]
    for row in inputs:
        now = {-1: row}
        given_by = partial(variation.given, now=now, earlier=earlier)
        for l, layer in enumerate(network.layers):
            current = arriving(network, l, given_by, one(network))
            now[l] = earlier[0][l].copy()
            layer.neuron.step(potentials[l], now[l], current)
        records.append(({l: potential.copy() for l, potential in potentials.items()}, now))
        earlier = [now, earlier[0]]
    return _activity(network, inputs, records, PairedAtOnce if variation.paired_at_once else Activity)


class PairedAtOnce(Activity):
    """An activity in which delayed connections have been given the spikes of the same time step."""

    def at(self, t):
        """Time step t of a whole sequence, as views."""
        now = super().at(t)
        return replace(now, previous_outputs=dict(enumerate(now.layer_outputs)))


def _activity(network, inputs, records, kind):
    layers = range(len(network.layers))
    potentials = tuple(np.stack([u[l] for u, _ in records]) for l in layers)
    outputs = tuple(np.stack([s[l] for _, s in records]) for l in layers)
    derivatives = tuple(network.layers[l].neuron.derivative(potentials[l]) for l in layers)
    return kind(inputs, potentials, outputs, derivatives, network.spiking)


class VariedTraces:
    """Traces that decay as the variation says; as `traces.Traces`, a trace for each connection."""

    def __init__(self, network, batch_size, method, variation):
        usual = Traces(network, batch_size, DIALECT.get(method, "derivation"))
        self._network, self._one, self._variation = network, one(network), variation
        traced = [c for c in network.connections if c.parameters]
        self._decays, self._constant_decays = dict.fromkeys(c.name for c in traced), [None] * len(network.layers)
        if method in DIALECT:  # SLTT traces nothing
            self._decays = {c.name: variation.trace_decay(c, usual.decay(c)) for c in traced}
            self._constant_decays = [
                variation.constant_decay(l, usual.constant_decay(l)) for l in range(len(network.layers))
            ]
        self._traces = {c.name: np.zeros_like(usual.given_by(c)) for c in traced}
        self._constants = {l: np.zeros_like(self._one) for l in range(len(network.layers))}
        self._late = dict(self._traces), dict(self._constants)

    def given_by(self, connection):
        """What the connection's errors are paired with, [B, ...]."""
        return self._scaled(self._late[0][connection.name], self._decays[connection.name])

    def constant(self, l):
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
                self._follow(trace, activity.given_by(connection), decay)
        for l, decay in enumerate(self._constant_decays):
            if "constants" in self._variation.late and decay is not None:
                self._late[1][l] = self._constants[l].copy()
            follow(self._constants[l], self._one, decay)

    def _follow(self, trace, value, decay):
        if self._variation.saturating and decay is not None:
            trace[...] = np.where(value != 0, value, decay * trace)
        else:
            follow(trace, value, decay)

    def _scaled(self, trace, decay):
        scale = self._variation.trace_scale
        return trace if scale is None or decay is None else trace * scale(decay)


def _online(network, inputs, targets, loss, rate, method, variation):
    """Every parameter after each time step, [T, ...]."""
    optimizer = SGD(rate if variation.learning_rate is None else variation.learning_rate, momentum=variation.momentum)
    learner = _Learner(network, inputs.shape[1], method, variation)
    records = {name: [] for name in network.parameters}
    for t, row in enumerate(inputs):
        before = {name: value.copy() for name, value in network.parameters.items()}
        error = partial(step_loss, loss, targets=targets, time_steps=len(inputs))
        learner.step(row, lambda outputs, error=error: error(outputs=outputs)[1], optimizer)
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
            _add_step(self.sums, 0, *data, self._variation.loops_at_once)

    def update(self, optimizer):
        """Update the parameters by what is summed up."""
        if self._variation.online != "layer by layer":
            optimizer.step(self._network.parameters, self._variation.parameters(self.sums.values))

    def _layer_by_layer(self, activity, output_error, optimizer):
        network, errors = self._network, [None] * len(self._network.layers)
        self._traces.update(activity)
        for l in reversed(range(len(network.layers))):
            errors[l] = activity.layer_derivatives[l] * arriving_error(network, l, errors, output_error, delayed=False)
            sums = GradientSum(network, self._batch_size)
            for connection in (c for c in network.into(l) if c.parameters):
                pairing = self._traces.given_by(connection), self._traces.constant(l)
                sums.add(0, connection, errors[l], *pairing)
            optimizer.step(network.parameters, sums.values)
