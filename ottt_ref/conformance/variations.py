"""The reference, varied: what comes out of a case where a backend does one thing otherwise.

A Variation says what is otherwise: another network (its neurons, operations, weights), other things that connections
are given, another loss, other traces, other updates. `compute` runs a case under it, with the library's own algebra,
and returns the arrays that an adapter would.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial

import numpy as np

from ..finite import allow_non_finite
from ..learning.losses import require_targets, sequence_loss
from ..methods import METHODS, bptt
from ..methods.shared import driver
from ..network.per_neuron import spread
from ..simulation.simulator import Activity, input_current
from ..simulation.state import network_state
from . import varied_learning, varied_rates
from .reference import FORWARD, ONLINE

RESET_GRADIENT = {  # by the name under which cases ask for a method: "bptt-kept": "kept"
    name: options.get("reset_gradient", method.options["reset_gradient"].choices[0])
    for method in METHODS.values()
    if "reset_gradient" in method.options
    for name, (_, options) in method.variants.items()
}


def as_given(connection, now, earlier):
    """What a connection is given in the reference: `now` by layer, `earlier` the steps before, the last one first."""
    return earlier[connection.delay - 1][connection.source] if connection.delay else now[connection.source]


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


@dataclass(frozen=True)
class Variation:
    """What is otherwise; what is not given is as in the reference.

    name, says       a short name, and the difference in a sentence
    aspect           what it is about: two variations of one aspect are never combined
    network          Network → Network
    given            (connection, now, earlier) → what it is given [B, ...] (see `as_given`)
    start            neuron → the potential before the first time step, or what is added to that of the case's state
    from_rest        whether the case's initial state is forgotten
    axes, returned   the axes of the inputs that stand for time and batch, and of what is returned
    seen             name, array, network, Activity → the array [T, B, ...] that is returned of the forward pass
    loss             Loss → Loss
    steps            loss, outputs [T, B, C], targets, ∂L/∂o [T, B, C] → ∂L/∂o
    paired_at_once   whether loops' weights are paired with the spikes of the same time step
    loops_at_once    of OTTT and SLTT: whether errors come back by loops within the time step
    late_errors      of OTTT and SLTT: whether errors that come late are paired with "then", when they belong; "now"; or
                     are "lost"
    leaks_back       of BPTT: network → by layer, whether δ[t+1] reaches δ[t]; None for everywhere
    delays_back      of BPTT: whether errors come back by recurrent and feedback connections
    trace_decay      (connection, λ or None) → λ or None; λ is [1], or [n] of neurons of several decays, and so may be
                     what comes back, of what is sent; of a current that leaks it is the membrane's
    constant_decay   (layer, λ or None) → λ or None
    late             which traces are used before they take in their time step: of "inputs", "spikes", "constants"
    trace_scale      λ → what a trace is multiplied by, None for nothing
    saturating       whether a spike sets its trace, and does not add to it
    parameters_traced   of OTTT: whether neurons' own parameters have an eligibility, or each time step alone
    traced_before_maxima   whether traces are kept of what enters max pooling, and pooled
    rate, gate, loops, closed_form   of SR: see `varied_rates`
    parameters       {name: gradient} → {name: gradient}, at the end
    online           when updates are made: one of `varied_learning.ORDERS`
    momentum, learning_rate   of the online learner; its rate is the case's if None
    """

    name: str
    says: str
    aspect: str
    network: Callable = unchanged
    given: Callable = as_given
    start: Callable = at_rest
    from_rest: bool = False
    axes: tuple = (0, 1)
    returned: tuple | None = None
    seen: Callable | None = None
    loss: Callable = unchanged
    steps: Callable = same_errors
    paired_at_once: bool = False
    loops_at_once: bool = False
    late_errors: str = "then"
    leaks_back: Callable = everywhere
    delays_back: bool = True
    trace_decay: Callable = same_decay
    constant_decay: Callable = same_decay
    late: tuple = ()
    trace_scale: Callable | None = None
    saturating: bool = False
    parameters_traced: bool = True
    traced_before_maxima: bool = False
    rate: Callable = varied_rates.weighted
    gate: Callable = varied_rates.clamped
    loops: bool = True
    closed_form: bool = False
    parameters: Callable = unchanged
    online: str = "each step"
    momentum: float = 0.0
    learning_rate: float | None = None


@allow_non_finite()  # a backend may overflow, and so may what it is compared with
def compute(case, method, variation):
    """What an adapter would return of the case under the variation, by name: see `adapter`."""
    network = variation.network(case.network if method in ONLINE else case.shared_network)
    inputs = np.ascontiguousarray(np.moveaxis(case.inputs, variation.axes, (0, 1)))
    state = None if variation.from_rest else case.initial_state
    if method == FORWARD:
        return _forward(network, inputs, variation, state)
    loss = variation.loss(case.loss)
    targets = require_targets(loss, case.targets, inputs.shape[1], network, len(inputs))
    if method in ONLINE:
        return varied_learning.online(case, network, inputs, targets, loss, state, method, variation)
    activity = run(network, inputs, variation, state)
    if method == "spike-representation":
        data = (network, activity, targets, loss)
        values = varied_rates.gradients(*data, variation)
    else:
        steps = case.entry.get("loss_time_steps")  # else of the inputs, whose axes may be others here
        errors = sequence_loss(loss, activity.outputs, targets, case.weights, steps)[1]
        errors = variation.steps(loss, activity.outputs, targets, errors)
        values = _algebra(network, activity, errors, method, variation)
    return variation.parameters(values)


def _algebra(network, activity, errors, method, variation):
    if method in RESET_GRADIENT:  # RTRL too, which gives the same gradients (theorem E6) and takes far longer
        options = {"delays_back": variation.delays_back, "leaks_back": variation.leaks_back(network)}
        return bptt.backward(network, activity, errors, reset_gradient=RESET_GRADIENT[method], **options).values
    rule = varied_learning.rule_of(method, variation)
    return driver.accumulate(rule, network, activity, errors, error_feedback=varied_learning.feedback(variation)).values


def _forward(network, inputs, variation, state):
    activity = run(network, inputs, variation, state)
    found = {
        f"{name}/{l}": values
        for l, states in enumerate(activity.layer_states)
        for name, values in zip(network.layers[l].neuron.states, states)
    }
    found.update({f"spikes/{l}": activity.layer_outputs[l] for l in network.spiking})
    found.update({f"psi/{l}": activity.layer_surrogate_derivatives[l] for l in network.spiking})
    found["outputs"] = activity.outputs
    if variation.seen is not None:
        found = {name: variation.seen(name, array, network, activity) for name, array in found.items()}
    axes = variation.axes if variation.returned is None else variation.returned
    return {name: np.moveaxis(array, (0, 1), axes) for name, array in found.items()}


def run(network, inputs, variation, state=None):
    """The Activity [T, B, ...] of a network whose connections are given what the variation says."""
    batch = inputs.shape[1]
    rest = {l: np.zeros((batch, *shape), network.dtype) for l, shape in enumerate(network.shapes)}
    before = None if state is None else network_state(network, state, batch)
    outputs = rest if before is None else dict(enumerate(before[1]))
    states = {
        l: _start(
            network, l, [zeros] * len(network.layers[l].neuron.states) if before is None else before[0][l], variation
        )
        for l, zeros in rest.items()
    }
    rest[-1] = np.zeros_like(inputs[0])
    records, earlier = [], [{**outputs, -1: rest[-1]}, *[rest] * (1 + network.longest_delay)]
    for row in inputs:
        now = {-1: row}
        presynaptic = partial(variation.given, now=now, earlier=earlier)
        for l, layer in enumerate(network.layers):
            current = input_current(network, l, presynaptic)
            now[l] = earlier[0][l].copy()
            layer.neuron.step(states[l], now[l], current)
        records.append(({l: tuple(state.copy() for state in states[l]) for l in states}, now))
        earlier = [now, *earlier[:-1]]
    return _activity(network, inputs, records, before, PairedAtOnce if variation.paired_at_once else Activity)


def _start(network, l, states, variation):
    """The states of layer l before the first time step: `states`, and what the variation adds to the potential."""
    start = np.asarray(spread(variation.start(network.layers[l].neuron), network.shapes[l]), dtype=network.dtype)
    return states[0] + start, *(state.copy() for state in states[1:])


class PairedAtOnce(Activity):
    """An activity in which loops have been given the spikes of the same time step."""

    def at(self, t):
        """Time step t of a whole sequence, as views."""
        now = super().at(t)
        return varied_learning.LoopsAtThisStep(**{each.name: getattr(now, each.name) for each in fields(now)})


def _activity(network, inputs, records, before, kind):
    layers = range(len(network.layers))
    states = tuple(tuple(np.stack(rows) for rows in zip(*(state[l] for state, _ in records))) for l in layers)
    outputs = tuple(np.stack([s[l] for _, s in records]) for l in layers)
    derivatives = tuple(
        np.stack([network.layers[l].neuron.surrogate_derivative(state[l]) for state, _ in records]) for l in layers
    )
    return kind(inputs, states, outputs, derivatives, network.spiking, before=before)
