"""PyTorch as a backend: its automatic differentiation of an explicit loop over time.

Nothing of a gradient is written down here but the surrogates' primitives, which torch differentiates, and what is cut
off from what:

    BPTT        the whole loop, backwards; detached: the spikes in the reset are cut off
    RTRL        the same, forwards: the loop carries a tangent of each parameter (forward-mode differentiation)
    SLTT        L[t] of each time step, with the state cut off from the step before
    OTTT        the same, and what a connection delivers is A(s) with the parameters cut off, plus A(â) - A(â) cut off,
                which is 0 and has the trace's gradient; the biases in A(â) times the trace of the constant 1
    SR          `torch_rates`
"""

import warnings

from ...network.layers import INPUTS
from ..reference import ONLINE
from ..specifications import FEATURES
from . import graph as graphs
from . import installed, torch_rates
from .soft_spikes import derivative, primitive_of

torch = installed("torch")
nn = torch.nn

DIALECTS = {
    "ottt": "derivation",
    "ottt-authors": "authors",
    "ottt-online": "derivation",
    "ottt-online-authors": "authors",
}
methods = ("forward", "bptt", "bptt-kept", "rtrl", "rtrl-kept", "sltt", "spike-representation", *DIALECTS)


def spike(z, primitive):
    """H(z) with H(0) = 1, whose gradient is that of a soft spike: what is added is 0."""
    soft = primitive(z)
    return (z >= 0).to(z.dtype) + (soft - soft.detach())


class LIF(nn.Module):
    """LIF neurons of a case (`ottt_ref.network.neurons`); `kept` says whether gradients cross the reset."""

    def __init__(self, description, kept):
        super().__init__()
        self.decay, self.threshold = description["decay"], description["threshold"]
        self.reset, self.reset_potential = description["reset"], description["reset_potential"]
        self.primitive = primitive_of(description["surrogate"])
        self.kept = kept
        self.potential = self.spikes = None

    def forward(self, current):
        self.potential = current if self.potential is None else self._carried() + current
        self.spikes = spike(self.potential - self.threshold, self.primitive)
        return self.spikes

    def _carried(self):
        u = self.potential
        s = self.spikes if self.kept else self.spikes.detach()
        if self.reset == "soft":
            return self.decay * (u - self.threshold * s)
        if self.reset == "unleaked":
            return self.decay * u - self.threshold * s
        return self.decay * ((1 - s) * u + self.reset_potential * s)

    def surrogate_derivative(self):
        """ψ at the potential."""
        return derivative(self.primitive, self.potential - self.threshold)

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
    """A graph whose parameters are given the gradients of OTTT, in one of its dialects.

    `traces` has, by time step, what each connection's errors were paired with, and `constants`, by layer, their biases.
    """

    def __init__(self, case, neurons, dialect):
        super().__init__(case, neurons, truncated=True)
        self.dialect = dialect
        self.traces, self.constants = [], []

    def forward(self, inputs):
        before = self.constants[-1] if self.constants else [0.0] * len(self.neurons)
        self.constants.append([self._constant(l, before[l]) for l in range(len(self.neurons))])
        self.traces.append({})
        return super().forward(inputs)

    def input_current(self, connection, value):
        module, bias_input = self.module_of(connection), self.constants[-1][connection.target]
        fixed = {name: parameter.detach() for name, parameter in module.named_parameters()}
        traced = {
            name: array * bias_input if name.endswith(("bias", "offset")) else array
            for name, array in (*module.named_parameters(), *module.named_buffers())
        }
        self.traces[-1][connection.name] = self._trace(connection, value.detach())
        learning = torch.func.functional_call(module, traced, (self.traces[-1][connection.name],))
        return torch.func.functional_call(module, fixed, (value,)) + (learning - learning.detach())

    def _trace(self, connection, value):
        if (connection.source == INPUTS and self.dialect == "authors") or len(self.traces) == 1:
            return value
        return value + self.membrane_decay(connection.target) * self.traces[-2][connection.name]

    def _constant(self, l, before):
        stateless = l == len(self.neurons) - 1 and self.structure.readout == "linear"
        return 1.0 if self.dialect == "authors" or stateless else self.membrane_decay(l) * before + 1

    def recorded(self):
        """Traces of connections and of the constant 1, as a case has them."""
        traces = {f"trace/{name}": torch.stack([row[name] for row in self.traces]).numpy() for name in self.traces[0]}
        return {**traces, **{f"constant_trace/{l}": row for l, row in enumerate(zip(*self.constants))}}


def neurons_of(case, kept=False):
    """A module for the neurons of each layer."""
    described = [layer["neuron"] for layer in case.entry["network"]["layers"]]
    return [LIF(each, kept) if each["type"] == "LIF" else Integrator(each) for each in described]


def started(case, graph):
    """The graph, from the case's initial state if it has one."""
    if case.initial_state is not None:
        given = {name: torch.tensor(array) for name, array in case.initial_state.items()}
        names = case.network.layer_names
        for name, neuron in zip(names, graph.neurons):
            neuron.potential, neuron.spikes = given[f"{name}.potential"], given[f"{name}.output"]
        graph.start([given[f"{name}.output"] for name in names])
    return graph


def forward(case):
    """What a forward pass records, and ψ."""
    graph, derivatives = started(case, graphs.Graph(case, neurons_of(case))), []

    def potential_of(neuron, _):
        if isinstance(neuron, LIF):
            derivatives.append(neuron.surrogate_derivative())
        return neuron.potential

    found = graphs.forward(case, graph, potential_of)
    spiking = graph.structure.spiking
    return {**found, **{f"psi/{l}": torch.stack(derivatives[k :: len(spiking)]) for k, l in enumerate(spiking)}}


def forwards_in_time(case, kept):
    """The gradients by forward-mode differentiation, with a tangent for each number of each parameter."""
    graph = started(case, graphs.Graph(case, neurons_of(case, kept)))
    loss = graphs.step_loss(case)

    def total(parameters):
        value = sum(
            loss(torch.func.functional_call(graph, parameters, (inputs,)), *asked)
            for inputs, *asked in graphs.at_each_step(case)
        )
        return value, value

    with warnings.catch_warnings():
        # of torch's own rules of forward-mode differentiation, which it compiles when they are first used
        warnings.filterwarnings("ignore", "`torch.jit.script` is", DeprecationWarning)
        found, value = torch.func.jacfwd(total, has_aux=True)(dict(graph.named_parameters()))
    for name, parameter in graph.named_parameters():
        parameter.grad = found[name].detach().to(parameter.dtype)  # torch makes a loss's tangent times a number double
    return {**graphs.gradients(case, graph.by_name), "loss": value.detach().numpy()}


def step_by_step(case, method):
    """OTTT in either dialect, and SLTT: the gradients, or what is learnt."""
    neurons = neurons_of(case)
    dialect = DIALECTS.get(method)
    graph = TracedGraph(case, neurons, dialect) if dialect else graphs.Graph(case, neurons, truncated=True)
    started(case, graph)

    def detach():
        for neuron in neurons:
            neuron.detach()

    found = graphs.step_by_step(case, graph, detach, graphs.sgd(case, graph) if method in ONLINE else None)
    return {**found, **graph.recorded()} if method == "ottt" else found


def adapter(case, method):
    """Run a case by PyTorch (`ottt_ref.conformance.adapter`)."""
    if method not in methods:
        raise NotImplementedError(f"the method {method}")
    kept = method.endswith("-kept")
    if method == "forward":
        return forward(case)
    if method.startswith("bptt"):
        return graphs.through_time(case, started(case, graphs.Graph(case, neurons_of(case, kept))))
    if method.startswith("rtrl"):
        return forwards_in_time(case, kept)
    if method == "spike-representation":
        return torch_rates.gradients(case, graphs.Graph(case, neurons_of(case)))
    return step_by_step(case, method)


adapter.methods = methods
adapter.features = FEATURES
