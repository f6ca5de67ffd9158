"""What is expected of a case: everything that the reference computes on the way, by the arrays' names.

inputs, targets                    what goes in: [T, B, ...]; labels [B] or rows [B, C], or labels [T, B]
weights                            where there are some: what ℓ of a time step and sample is multiplied by, [T, B]
initial_state/NAME                 where it does not start from rest: layer0.potential, layer0.output, ..., [B, ...]
parameter/NAME                     the network's parameters
potential/L, spikes/L, psi/L       u, s and ψ of layer L, [T, B, ...]; of a readout its output is the potential
current/L                          i of layer L, where its neurons are CubaLIF
trace/CONNECTION, constant_trace/L â of what a connection is given, [T, B, ...]; Λ_t, what stands for the bias, [T]
trace/CONNECTION/G, ...            where the neurons that it enters have several decays, of the G-th of them
outputs, loss                      [T, B, C]; Σ_t ℓ / T, the mean over the batch
error/METHOD/L                     the error at the potentials of layer L, per time step, [T, B, ...]; SR [1, B, ...]
gradient/METHOD/NAME               of the loss as defined, the mean over the batch
loss/METHOD                        where a method has another loss than Σ_t ℓ / T: SR, of the rates
online/METHOD/NAME                 the parameters after each online step, [T, ...], SGD without momentum
"""

from functools import partial

import numpy as np

from ..learning.optimisers import SGD
from ..methods import METHODS as REGISTRY
from ..methods import Traces
from ..simulation.simulator import run

FORWARD = "forward"
# (network, inputs, targets, loss, terms=...) → Gradients, by the name under which cases ask for it; the learners alike
METHODS = {
    name: partial(method.gradients, **options)
    for method in REGISTRY.values()
    for name, (_, options) in method.variants.items()
}
ONLINE = {
    name: partial(method.learner, **options)
    for method in REGISTRY.values()
    if method.learner is not None
    for name, (_, options) in method.online.items()
}
MEANINGS = {
    FORWARD: "the forward pass",
    **{name: meaning for method in REGISTRY.values() for name, (meaning, _) in method.variants.items()},
    **{name: meaning for method in REGISTRY.values() for name, (meaning, _) in method.online.items()},
}


def methods_of(specification):
    """The names of the methods that a case asks for, the forward pass first."""
    offline = [name for name in METHODS if specification.rates or name != "spike-representation"]
    return [FORWARD, *offline, *ONLINE]


def expected(drawn):
    """Every array of a case, by name."""
    network, inputs, targets, loss = drawn.network, drawn.inputs, drawn.targets, drawn.specification.loss
    activity = run(network, inputs, initial_state=drawn.initial_state)
    asked = {
        "weights": drawn.weights,
        "initial_state": drawn.initial_state,
        "time_steps": drawn.specification.loss_steps,
    }
    arrays = {"inputs": inputs, "targets": targets}
    if drawn.weights is not None:
        arrays["weights"] = drawn.weights
    arrays.update({f"initial_state/{name}": value for name, value in (drawn.initial_state or {}).items()})
    arrays.update({f"parameter/{name}": value.copy() for name, value in network.parameters.items()})
    for l in range(len(network.layers)):
        for state, values in zip(network.layers[l].neuron.states, activity.layer_states[l]):
            arrays[f"{state}/{l}"] = values
        if l in network.spiking:
            arrays[f"spikes/{l}"] = activity.layer_outputs[l]
            arrays[f"psi/{l}"] = activity.layer_surrogate_derivatives[l]
    arrays.update(_traces(network, activity))
    arrays["outputs"] = activity.outputs
    for name in methods_of(drawn.specification):
        if name in METHODS:
            options = {} if name == "spike-representation" else asked
            arrays.update(_gradients(name, network, inputs, targets, loss, options))
        elif name in ONLINE:
            arrays.update(_online(name, network, inputs, targets, loss, drawn.specification.learning_rate, asked))
    return arrays


def targets_at(targets, t):
    """The targets of time step t: labels [B] or rows [B, C], which may be the same at each, or labels [T, B]."""
    return targets[t] if targets.ndim == 2 and targets.dtype.kind in "iu" else targets


def _traces(network, activity):
    """What OTTT pairs errors with, of each connection and layer; where there are several, by their number."""
    traces, rows = Traces(network, activity.inputs.shape[1], "derivation"), {}
    for t in range(activity.time_steps):
        traces.update(activity.at(t))
        now, constants = {}, {}
        for connection in (connection for connection in network.connections if connection.parameters):
            l, count = connection.target, traces.count(connection)
            error = np.zeros((activity.inputs.shape[1], *network.shapes[l]), dtype=network.dtype)
            for g, (_, values, constant) in enumerate(traces.pairs(connection, error)):
                of_group = "" if count == 1 else f"/{g}"
                now[f"trace/{connection.name}{of_group}"] = values.copy()
                constants[l, g] = f"constant_trace/{l}{of_group}", constant[0]
        for l, _ in enumerate(network.layers):
            if (l, 0) not in constants:  # what enters it has no parameters
                constants[l, 0] = f"constant_trace/{l}", traces.bias_input(l)[0]
        for name, values in {**now, **dict(constants[key] for key in sorted(constants))}.items():
            rows.setdefault(name, []).append(values)
    return {name: np.array(values, dtype=network.dtype) for name, values in rows.items()}


def _gradients(name, network, inputs, targets, loss, asked):
    found = METHODS[name](network, inputs, targets, loss, terms=True, **asked)
    arrays = {f"error/{name}/{l}": error for l, error in enumerate(found.errors or ())}  # RTRL has none
    arrays.update({f"gradient/{name}/{parameter}": value for parameter, value in found.items()})
    if name == "spike-representation":
        arrays[f"loss/{name}"] = np.asarray(found.loss, dtype=network.dtype)
    elif name == "bptt":
        arrays["loss"] = np.asarray(found.loss, dtype=network.dtype)
    return arrays


def _online(name, network, inputs, targets, loss, rate, asked):
    learning = network.copy()
    optimizer = SGD(rate, momentum=0)
    learner = ONLINE[name](learning, optimizer, loss, time_steps=asked["time_steps"] or len(inputs))
    learner.reset(asked["initial_state"])
    rows = {parameter: [] for parameter in learning.parameters}
    for t, row in enumerate(inputs):
        weights = None if asked["weights"] is None else asked["weights"][t]
        learner.step(np.ascontiguousarray(row), targets_at(targets, t), weights=weights)
        for parameter, value in learning.parameters.items():
            rows[parameter].append(value.copy())
    return {f"online/{name}/{parameter}": np.stack(values) for parameter, values in rows.items()}
