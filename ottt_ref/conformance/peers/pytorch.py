"""PyTorch as a backend: its automatic differentiation of an explicit loop over time.

Nothing of a gradient is written down here but the surrogates' primitives, which torch differentiates, and what is cut
off from what:

    BPTT        the whole loop; detached: the spikes in the reset are cut off
    SLTT        L[t] of each time step, with the state cut off from the step before
    OTTT        the same, and what a connection delivers is A(s) with the parameters cut off, plus A(â) - A(â) cut off,
                which is 0 and has the trace's gradient; the biases in A(â) times the trace of the constant 1
    SR          `torch_rates`
"""

from ...layers import INPUTS
from ..reference import ONLINE
from . import graph as graphs
from . import installed, torch_rates
from .soft_spikes import derivative, primitive_of

torch = installed("torch")
nn = torch.nn

DIALECTS = {"ottt": "derivation", "ottt-authors": "authors", **ONLINE}
methods = ("forward", "bptt", "bptt-kept", "sltt", "spike-representation", *DIALECTS)


class Spike(torch.autograd.Function):
    """H(z) with H(0) = 1, whose gradient is that of a soft spike."""

    @staticmethod
    def forward(ctx, z, primitive):
        ctx.save_for_backward(z)
        ctx.primitive = primitive
        return (z >= 0).to(z.dtype)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * derivative(ctx.primitive, ctx.saved_tensors[0]), None


class LIF(nn.Module):
    """LIF neurons of a case (`ottt_ref.neurons`); `kept` says whether gradients cross the reset."""

    def __init__(self, description, kept):
        super().__init__()
        self.decay, self.threshold = description["decay"], description["threshold"]
        self.reset, self.reset_potential = description["reset"], description["reset_potential"]
        self.primitive = primitive_of(description["surrogate"])
        self.kept = kept
        self.potential = self.spikes = None

    def forward(self, current):
        self.potential = current if self.potential is None else self._carried() + current
        self.spikes = Spike.apply(self.potential - self.threshold, self.primitive)
        return self.spikes

    def _carried(self):
        u = self.potential
        s = self.spikes if self.kept else self.spikes.detach()
        if self.reset == "soft":
            return self.decay * (u - self.threshold * s)
        if self.reset == "unleaked":
            return self.decay * u - self.threshold * s
        return self.decay * ((1 - s) * u + self.reset_potential * s)

    def detach(self):
        self.potential, self.spikes = self.potential.detach(), self.spikes.detach()


class Integrator(nn.Module):
    """A readout without threshold: u[t] = λ u[t-1] + I[t]."""

    def __init__(self, description):
        super().__init__()
        self.decay = description["decay"]
        self.potential = None

    def forward(self, current):
        self.potential = current if self.potential is None else self.decay * self.potential + current
        return self.potential

    def detach(self):
        self.potential = self.potential.detach()


class TracedGraph(graphs.Graph):
    """A graph whose parameters are given the gradients of OTTT, in one of its dialects."""

    def __init__(self, case, neurons, dialect):
        super().__init__(case, neurons, truncated=True)
        self.dialect = dialect
        self._traces, self._constants = {}, [0.0] * len(neurons)

    def forward(self, inputs):
        for l in range(len(self.neurons)):
            decay = self._constant_decay(l)
            self._constants[l] = 1.0 if decay is None else decay * self._constants[l] + 1
        return super().forward(inputs)

    def arriving(self, connection, value):
        module = self.module_of(connection)
        fixed = {name: parameter.detach() for name, parameter in module.named_parameters()}
        traced = {
            name: parameter * self._constants[connection.target] if name.endswith("bias") else parameter
            for name, parameter in module.named_parameters()
        }
        learning = torch.func.functional_call(module, traced, (self._trace(connection, value.detach()),))
        return torch.func.functional_call(module, fixed, (value,)) + (learning - learning.detach())

    def _trace(self, connection, value):
        if connection.source == INPUTS and self.dialect == "authors":
            return value
        trace = value + self._decay(connection.target) * self._traces.get(connection.name, torch.zeros_like(value))
        self._traces[connection.name] = trace
        return trace

    def _constant_decay(self, l):
        last = l == len(self.neurons) - 1
        if self.dialect == "authors" or (last and self.structure.readout == "linear"):
            return None
        return self._decay(l)

    def _decay(self, l):
        """Of the membrane that the trace enters; of a stateless readout, which has none, that of the neurons before."""
        if l == len(self.neurons) - 1 and self.structure.readout == "linear":
            l = self.structure.spiking[-1]
        return self.neurons[l].decay


def neurons_of(case, kept=False):
    """A module for the neurons of each layer."""
    described = [layer["neuron"] for layer in case.entry["network"]["layers"]]
    return [LIF(each, kept) if each["type"] == "LIF" else Integrator(each) for each in described]


def adapter(case, method):
    """Run a case by PyTorch (`ottt_ref.conformance.adapter`)."""
    if method not in methods:
        raise NotImplementedError(f"the method {method}")
    if method == "forward":
        graph = graphs.Graph(case, neurons_of(case))
        return graphs.forward(case, graph, lambda neuron, _: neuron.potential)
    if method in ("bptt", "bptt-kept"):
        return graphs.through_time(case, graphs.Graph(case, neurons_of(case, kept=method == "bptt-kept")))
    if method != "sltt" and not all(layer.neuron.spiking for layer in case.network.layers[:-1]):
        raise NotImplementedError("currents that are summed between layers: what is traced there, and what a rate is")
    neurons = neurons_of(case)
    if method == "spike-representation":
        return torch_rates.gradients(case, graphs.Graph(case, neurons))
    graph = (
        graphs.Graph(case, neurons, truncated=True)
        if method == "sltt"
        else TracedGraph(case, neurons, DIALECTS[method])
    )

    def detach():
        for neuron in neurons:
            neuron.detach()

    return graphs.step_by_step(case, graph, detach, graphs.sgd(graph.by_name) if method in ONLINE else None)


adapter.methods = methods
