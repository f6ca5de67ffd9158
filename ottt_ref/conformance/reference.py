"""What is expected of a case: everything that the reference computes on the way, by the arrays' names.

inputs, targets                    what goes in: [T, B, ...]; labels [B] or rows [B, C], or labels [T, B]
weights                            where there are some: what ℓ of a time step and sample is multiplied by, [T, B]
initial_state/NAME                 where it does not start from rest: layer0.potential, layer0.output, ..., [B, ...]
parameter/NAME                     the network's parameters
potential/L, spikes/L, psi/L       u, s and ψ of layer L, [T, B, ...]; of a readout its output is the potential
trace/CONNECTION, constant_trace/L â of what a connection is given, [T, B, ...]; Λ_t, what stands for the bias, [T]
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
        arrays[f"potential/{l}"] = activity.layer_potentials[l]
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
    traces = Traces(network, activity.inputs.shape[1], "derivation")
    traced = [connection for connection in network.connections if connection.parameters]
    rows, biases = {connection.name: [] for connection in traced}, [[] for _ in network.layers]
    for t in range(activity.time_steps):
        traces.update(activity.at(t))
        for connection in traced:
            rows[connection.name].append(traces.presynaptic(connection).copy())
        for l, values in enumerate(biases):
            values.append(traces.bias_input(l)[0])
    return {
        **{f"trace/{name}": np.stack(values) for name, values in rows.items()},
        **{f"constant_trace/{l}": np.array(values, dtype=network.dtype) for l, values in enumerate(biases)},
    }


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
