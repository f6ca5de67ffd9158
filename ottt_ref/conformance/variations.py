"""The reference, varied: what comes out of a case where a backend does one thing otherwise.

A Variation says what is otherwise: another network (its neurons, operations, weights), other things that connections
are given, another loss, other traces, other updates. `forward`, `gradients` and `online` compute a case under it, with
the library's own algebra, in the arrays that an adapter returns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from .. import bptt, rtrl, sltt, spike_representation
from ..gradients import GradientSum
from ..losses import require_targets, sequence_loss, step_loss
from ..ottt import add_step
from ..simulation import Activity, Simulator, arriving, one
from ..traces import Traces, follow
from ..training import SGD
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


@dataclass(frozen=True)
class Variation:
    """What is otherwise; what is not given is as in the reference.

    name, says       a short name, and the difference in a sentence
    aspect           what it is about: two variations of one aspect are never combined
    network          Network → Network
    given            (connection, now, earlier) → what it is given [B, ...] (see `as_given`)
    axes             the axes of the inputs that stand for time and batch
    seen             name, Activity → the array [T, B, ...] that is returned of the forward pass
    loss             Loss → Loss
    steps            [T, B, C], ∂L/∂o → ∂L/∂o
    trace_decay      (connection, λ or None) → λ or None
    constant_decay   (layer, λ or None) → λ or None
    trace_late       what is used before it takes in its time step: "", "traces", or "traces and constants"
    trace_scale      λ → what a trace is multiplied by, None for nothing
    delays_back      of BPTT: whether errors come back by recurrent and feedback connections
    parameters       {name: gradient} → {name: gradient}, at the end
    online           "each step"; "at the end" of the sequence; "accumulated", each step's gradient kept for the next
    momentum         of the online learner
    """

    name: str
    says: str
    aspect: str
    network: Callable = unchanged
    given: Callable = as_given
    axes: tuple = (0, 1)
    seen: Callable | None = None
    loss: Callable = unchanged
    steps: Callable = unchanged
    trace_decay: Callable = same_decay
    constant_decay: Callable = same_decay
    trace_late: str = ""
    trace_scale: Callable | None = None
    delays_back: bool = True
    parameters: Callable = unchanged
    online: str = "each step"
    momentum: float = 0.0


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
        values = dict(spike_representation.gradients(network, inputs, targets, loss))
    else:
        activity = run(network, inputs, variation)
        errors = variation.steps(sequence_loss(loss, activity.outputs, targets)[1])
        values = _algebra(network, activity, errors, method, variation)
    return variation.parameters(values)


def _algebra(network, activity, errors, method, variation):
    if method.startswith("bptt"):
        options = {"reset_gradient": RESET_GRADIENT[method], "delays_back": variation.delays_back}
        return bptt.backward(network, activity, errors, **options).values
    if method.startswith("rtrl"):
        return rtrl.forward(network, activity, errors, reset_gradient=RESET_GRADIENT[method]).values
    if method == "sltt":
        return sltt.forward(network, activity, errors).values
    traces = VariedTraces(network, errors.shape[1], DIALECT[method], variation)
    sums = GradientSum(network, errors.shape[1])
    for t, error in enumerate(errors):
        add_step(sums, t, network, traces, activity.at(t), error)
    return sums.values


def _forward(network, inputs, variation):
    activity = run(network, inputs, variation)
    found = {f"potential/{l}": potential for l, potential in enumerate(activity.layer_potentials)}
    found.update({f"spikes/{l}": activity.layer_outputs[l] for l in network.spiking})
    found["outputs"] = activity.outputs
    if variation.seen is not None:
        found = {name: variation.seen(name, array, network, activity) for name, array in found.items()}
    return {name: np.moveaxis(array, (0, 1), variation.axes) for name, array in found.items()}


def run(network, inputs, variation):
    """The Activity [T, B, ...] of a network whose connections are given what the variation says."""
    batch = inputs.shape[1]
    rest = {l: np.zeros((batch, *shape), network.dtype) for l, shape in enumerate(network.shapes)}
    potentials = {l: zeros.copy() for l, zeros in rest.items()}
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
    return _activity(network, inputs, records)


def _activity(network, inputs, records):
    layers = range(len(network.layers))
    potentials = tuple(np.stack([u[l] for u, _ in records]) for l in layers)
    outputs = tuple(np.stack([s[l] for _, s in records]) for l in layers)
    derivatives = tuple(network.layers[l].neuron.derivative(potentials[l]) for l in layers)
    return Activity(inputs, potentials, outputs, derivatives, network.spiking)


class VariedTraces:
    """Traces that decay as the variation says; as `traces.Traces`, a trace for each connection."""

    def __init__(self, network, batch_size, dialect, variation):
        usual = Traces(network, batch_size, dialect)
        self._network, self._one, self._variation = network, one(network), variation
        traced = [c for c in network.connections if c.parameters]
        self._decays = {c.name: variation.trace_decay(c, usual.decay(c)) for c in traced}
        self._constant_decays = [
            variation.constant_decay(l, usual.constant_decay(l)) for l in range(len(network.layers))
        ]
        self._traces = {c.name: np.zeros_like(usual.given_by(c)) for c in traced}
        self._constants = {l: np.zeros_like(self._one) for l in range(len(network.layers))}
        self._used = dict(self._traces), dict(self._constants)

    def given_by(self, connection):
        """What the connection's errors are paired with, [B, ...]."""
        return self._scaled(self._used[0][connection.name], self._decays[connection.name])

    def constant(self, l):
        """What stands for the biases' constant input into layer l, [1]."""
        return self._scaled(self._used[1][l], self._constant_decays[l])

    def update(self, activity):
        """Take in one time step."""
        late = self._variation.trace_late
        if late:  # only what is traced can be late
            self._used[0].update({n: a.copy() for n, a in self._traces.items() if self._decays[n] is not None})
        if late == "traces and constants":
            traced = [l for l, decay in enumerate(self._constant_decays) if decay is not None]
            self._used[1].update({l: self._constants[l].copy() for l in traced})
        for connection in self._network.connections:
            if connection.name in self._traces:
                name = connection.name
                follow(self._traces[name], activity.given_by(connection), self._decays[name])
        for l, decay in enumerate(self._constant_decays):
            follow(self._constants[l], self._one, decay)

    def _scaled(self, trace, decay):
        scale = self._variation.trace_scale
        return trace if scale is None or decay is None else trace * scale(decay)


def _online(network, inputs, targets, loss, rate, method, variation):
    """Every parameter after each time step, [T, ...]."""
    optimizer = SGD(rate, momentum=variation.momentum)
    simulator = Simulator(network, inputs.shape[1])
    traces = VariedTraces(network, inputs.shape[1], DIALECT[method], variation)
    sums = GradientSum(network, inputs.shape[1])
    records = {name: [] for name in network.parameters}
    for t, row in enumerate(inputs):
        activity = simulator.step(row)
        if variation.online == "each step":
            sums = GradientSum(network, inputs.shape[1])
        add_step(sums, 0, network, traces, activity, step_loss(loss, activity.outputs, targets, len(inputs))[1])
        if variation.online != "at the end" or t == len(inputs) - 1:
            optimizer.step(network.parameters, variation.parameters(sums.values))
        for name, value in network.parameters.items():
            records[name].append(value.copy())
    return {name: np.stack(values) for name, values in records.items()}
