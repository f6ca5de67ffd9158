"""SpikingJelly 2.0 as a backend: its neurons, layers, surrogates and online training.

    forward, BPTT   LIFNode(decay_input=False), detach_reset=True or False, in an explicit loop over time
    OTTT, authors   OTTTSequential of its layers and OTTTLIFNode, trained by ottt_online_training
    SLTT            SLTTLIFNode and detach_net after each time step

v_reset=None subtracts the threshold after the spike, and v leaks in the next step: the soft reset. A v_reset is what
the potential leaks towards and starts from, which at 0 is the hard reset to 0. Its OTTT is the authors' dialect.
"""

import math

from ..reference import ONLINE
from . import graph as graphs
from . import installed, torch_layers

torch = installed("torch")
nn = torch.nn
neuron = installed("spikingjelly.activation_based.neuron")
layer = installed("spikingjelly.activation_based.layer")
surrogate = installed("spikingjelly.activation_based.surrogate")
net_config = installed("spikingjelly.activation_based.functional.net_config")
online_learning = installed("spikingjelly.activation_based.learning.online_learning")

methods = ("forward", "bptt", "bptt-kept", "ottt-authors", "sltt", "ottt-online-authors")


class Layers(torch_layers.Layers):
    """SpikingJelly's layers, in single-step mode."""

    namespace = layer

    def WeightStandardised(self, operation):
        weight = operation.synapses.weight
        bias = "bias" in operation.parameter_names
        if weight.ndim == 2:
            return layer.WSLinear(weight.shape[1], weight.shape[0], bias, eps=operation.epsilon)
        c_out, c_in, *window = weight.shape
        stride, padding = operation.synapses.stride, operation.synapses.padding
        return layer.WSConv2d(c_in, c_out, tuple(window), stride, padding, bias=bias, eps=operation.epsilon)


class Membrane(nn.Module):
    """A leaky readout: a LIFNode whose threshold is out of reach, and its potential.

    Not its SynapseFilter, which is for spikes: it does not leak where its input is 1.
    """

    def __init__(self, decay):
        super().__init__()
        self.node = neuron.LIFNode(tau_of(decay), decay_input=False, v_threshold=math.inf, detach_reset=True)

    def forward(self, current):
        self.node(current)
        return self.node.v


def surrogate_of(description):
    """Its surrogate for a case's. Raises NotImplementedError where it has none."""
    numbers = dict(description)
    kind = numbers.pop("type")
    if kind == "Sigmoid":
        return surrogate.Sigmoid(numbers["alpha"])
    if kind == "Arctan":
        return surrogate.ATan(numbers["alpha"])
    if kind == "Triangle" and numbers["height"] * numbers["width"] == 1:
        return surrogate.PiecewiseQuadratic(1 / numbers["width"])
    if kind == "Rectangle":
        return surrogate.Rect(1 / numbers["width"])
    if kind == "FastSigmoid" and 2 * numbers["height"] == numbers["slope"]:
        return surrogate.SoftSign(numbers["slope"])
    if kind == "FastSigmoid" and numbers["slope"] == 1:
        return surrogate.SuperSpike(numbers["height"])
    raise NotImplementedError(f"the surrogate {kind}")


def neuron_of(description, kind, **options):
    """Its neurons for a case's. Raises NotImplementedError, which names the convention, where it has none."""
    if description["type"] == "CubaLIF":
        raise NotImplementedError("a current that leaks: the adapter has its LIFNode alone")
    if any(isinstance(value, list | str) for value in (description["decay"], description.get("threshold", 0))):
        raise NotImplementedError("numbers of each neuron: τ and V_th are one number for a layer")
    decay, threshold = float(description["decay"]), float(description.get("threshold", 0))
    if description["type"] == "Integrator":
        return nn.Identity() if decay == 0 else Membrane(decay)
    if description["reset"] == "unleaked":
        raise NotImplementedError("a reset that does not leak: what it subtracts leaks in the next step")
    if description["reset"] == "hard" and description["reset_potential"] != 0:
        potential = description["reset_potential"]
        raise NotImplementedError(
            f"a hard reset to {potential}: it leaks towards v_reset and starts from it, not from 0"
        )
    reset = None if description["reset"] == "soft" else 0.0
    found = surrogate_of(description["surrogate"])
    return kind(
        tau_of(decay), decay_input=False, v_threshold=threshold, v_reset=reset, surrogate_function=found, **options
    )


def tau_of(decay):
    """τ of λ = 1 - 1/τ; infinite at λ = 1, which it takes."""
    if decay == 0:
        raise NotImplementedError("λ = 0: τ must be above 1")
    return math.inf if decay == 1 else 1 / (1 - decay)


def neurons_of(case, kind, **options):
    """Its neurons for each layer of a case."""
    return [neuron_of(each["neuron"], kind, **options) for each in case.entry["network"]["layers"]]


def potential_of(module, output):
    """u before the reset, from v after it: what was subtracted is added again; after a hard reset it is lost."""
    if not isinstance(module, neuron.LIFNode):
        return output
    return module.v + module.v_threshold * output if module.v_reset is None else None


def ottt(case, online):
    """OTTT by its own loop over time: the gradients and errors, or the parameters after each time step."""
    neurons = neurons_of(case, neuron.OTTTLIFNode)
    graph = graphs.Graph(case, neurons, Layers())
    row = [
        module
        for l, connection in enumerate(graph.structure.connections)
        for module in (*_flat(graph.module_of(connection)), neurons[l])
    ]
    model = layer.OTTTSequential(*row)
    currents, learnt = [[] for _ in neurons], []
    for each, kept in zip(neurons, currents):
        each.register_forward_pre_hook(lambda _, inputs, kept=kept: kept.append(_with_gradient(inputs[0])))
    optimizer = torch.optim.SGD(model.parameters(), lr=case.entry["online"]["learning_rate"] if online else 0.0)
    optimizer.register_step_post_hook(lambda *_: learnt.append(graphs.parameters(case, graph.by_name)))
    inputs = graphs.inputs_of(case).transpose(0, 1)
    targets = torch.stack([graphs.targets_of(case)] * inputs.shape[1], dim=1)
    online_learning.ottt_online_training(model, optimizer, inputs, targets, graphs.step_loss(case), online)
    if online:
        return graphs.stacked(learnt)
    return {**graphs.gradients(case, graph.by_name), **graphs.errors(list(zip(*currents)))}


def require_row(case):
    """Raise NotImplementedError where there is no row of modules, or a trace has another λ than where it goes."""
    if len(case.network.connections) > len(case.network.layers):
        raise NotImplementedError("recurrent, feedback and skip connections: OTTTSequential is a row of modules")
    neurons_of(case, neuron.OTTTLIFNode)  # raises for what it does not have
    if any(connection.front is not None for connection in case.network.connections):
        raise NotImplementedError("max pooling: it pools the trace, which is not the trace of what is pooled")
    if len({layer.neuron.decay for layer in case.network.layers if not layer.neuron.stateless}) > 1:
        raise NotImplementedError("layers of several λ: a trace decays with the neurons that send it")


def _flat(module):
    return list(module) if isinstance(module, nn.Sequential) else [module]


def _with_gradient(current):
    current.retain_grad()
    return current


def adapter(case, method):
    """Run a case by SpikingJelly (`ottt_ref.conformance.adapter`)."""
    if method in ("ottt", "ottt-online"):
        raise NotImplementedError("the dialect of the derivation: it traces neither the inputs nor the biases")
    if method not in methods:
        raise NotImplementedError(f"the method {method}")
    if method in ("ottt-authors", "ottt-online-authors"):
        require_row(case)
        return ottt(case, method in ONLINE)
    if method == "sltt":
        graph = graphs.Graph(case, neurons_of(case, neuron.SLTTLIFNode), Layers(), truncated=True)
        return graphs.step_by_step(case, graph, lambda: net_config.detach_net(graph))
    kept = method == "bptt-kept"
    graph = graphs.Graph(case, neurons_of(case, neuron.LIFNode, detach_reset=not kept), Layers())
    return graphs.forward(case, graph, potential_of) if method == "forward" else graphs.through_time(case, graph)


adapter.methods = methods
