"""What is expected of a case: everything that the reference computes on the way, by the arrays' names.

inputs, targets                    what goes in: [T, B, ...]; labels [B] or rows [B, C]
parameter/NAME                     the network's parameters
potential/L, spikes/L, psi/L       u, s and ψ of layer L, [T, B, ...]; of a readout its output is the potential
trace/CONNECTION, constant_trace/L â of what a connection is given, [T, B, ...]; Λ_t, what stands for the bias, [T]
outputs, loss                      [T, B, C]; Σ_t ℓ / T, the mean over the batch
error/METHOD/L                     the error at the potentials of layer L, per time step, [T, B, ...]; SR [1, B, ...]
gradient/METHOD/NAME               of the loss as defined, the mean over the batch
loss/METHOD                        where a method has another loss than Σ_t ℓ / T: SR, of the rates
online/METHOD/NAME                 the parameters after each online step, [T, ...], SGD without momentum
"""

from dataclasses import dataclass

import numpy as np

from ..learning.training import SGD
from ..methods import bptt, ottt, rtrl, sltt, spike_representation
from ..methods.shared.traces import Traces
from ..simulation.simulator import run


@dataclass(frozen=True)
class Method:
    """A method as cases name it: what it is in words, and (network, inputs, targets, loss) → Gradients."""

    meaning: str
    gradients: object


METHODS = {
    "bptt": Method("BPTT, the reset's gradient detached", lambda *data: bptt.gradients(*data, terms=True)),
    "bptt-kept": Method(
        "BPTT, the reset's gradient kept", lambda *data: bptt.gradients(*data, reset_gradient="kept", terms=True)
    ),
    "rtrl": Method("RTRL, the reset's gradient detached: BPTT's gradient", lambda *data: rtrl.gradients(*data)),
    "rtrl-kept": Method("RTRL, the reset's gradient kept", lambda *data: rtrl.gradients(*data, reset_gradient="kept")),
    "ottt": Method("OTTT (OTTT_A), dialect of the derivation", lambda *data: ottt.gradients(*data, terms=True)),
    "ottt-authors": Method(
        "OTTT (OTTT_A), dialect of the authors' code: inputs and biases are not traced",
        lambda *data: ottt.gradients(*data, dialect="authors", terms=True),
    ),
    "sltt": Method("SLTT", lambda *data: sltt.gradients(*data, terms=True)),
    "spike-representation": Method(
        "SR of the measured rates", lambda *data: spike_representation.gradients(*data, terms=True)
    ),
}
ONLINE = {"ottt-online": "derivation", "ottt-online-authors": "authors"}
FORWARD = "forward"
MEANINGS = {
    FORWARD: "the forward pass",
    **{name: method.meaning for name, method in METHODS.items()},
    **{name: f"OTTT_O, dialect {dialect}" for name, dialect in ONLINE.items()},
}


def methods_of(specification):
    """The names of the methods that a case asks for, the forward pass first."""
    offline = [name for name in METHODS if specification.rates or name != "spike-representation"]
    return [FORWARD, *offline, *ONLINE]


def expected(drawn):
    """Every array of a case, by name."""
    network, inputs, targets, loss = drawn.network, drawn.inputs, drawn.targets, drawn.specification.loss
    activity = run(network, inputs)
    arrays = {"inputs": inputs, "targets": targets}
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
            arrays.update(_gradients(name, network, inputs, targets, loss))
        elif name in ONLINE:
            arrays.update(_online(name, network, inputs, targets, loss, drawn.specification.learning_rate))
    return arrays


def _traces(network, activity):
    traces = Traces(network, activity.inputs.shape[1], "derivation")
    traced = [connection for connection in network.connections if connection.parameters]
    rows, constants = {connection.name: [] for connection in traced}, [[] for _ in network.layers]
    for t in range(activity.time_steps):
        traces.update(activity.at(t))
        for connection in traced:
            rows[connection.name].append(traces.presynaptic(connection).copy())
        for l, bias_input in enumerate(constants):
            bias_input.append(traces.bias_input(l)[0])
    return {
        **{f"trace/{name}": np.stack(values) for name, values in rows.items()},
        **{f"constant_trace/{l}": np.array(values, dtype=network.dtype) for l, values in enumerate(constants)},
    }


def _gradients(name, network, inputs, targets, loss):
    found = METHODS[name].gradients(network, inputs, targets, loss)
    arrays = {f"error/{name}/{l}": error for l, error in enumerate(found.errors or ())}  # RTRL has none
    arrays.update({f"gradient/{name}/{parameter}": value for parameter, value in found.items()})
    if name == "spike-representation":
        arrays[f"loss/{name}"] = np.asarray(found.loss, dtype=network.dtype)
    elif name == "bptt":
        arrays["loss"] = np.asarray(found.loss, dtype=network.dtype)
    return arrays


def _online(name, network, inputs, targets, loss, rate):
    learning = network.copy()
    optimizer = SGD(rate, momentum=0)
    learner = ottt.OnlineLearner(learning, optimizer, loss, dialect=ONLINE[name], time_steps=len(inputs))
    rows = {parameter: [] for parameter in learning.parameters}
    for row in inputs:
        learner.step(np.ascontiguousarray(row), targets)
        for parameter, value in learning.parameters.items():
            rows[parameter].append(value.copy())
    return {f"online/{name}/{parameter}": np.stack(values) for parameter, values in rows.items()}
