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

import math
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


class Numbers(nn.Module):
    """Neurons whose numbers are a number, an array of the case, or a parameter of it.

    In a traced graph they carry the eligibility of their own parameters from one time step to the next.
    """

    names = ()

    def __init__(self, description, case):
        super().__init__()
        for name in self.names:
            value = description[name]
            if isinstance(value, str):
                self.register_parameter(name, nn.Parameter(torch.tensor(case.parameters[value])))
            elif isinstance(value, list):
                self.register_buffer(name, torch.tensor(value, dtype=getattr(torch, str(case.dtype))))
            else:
                setattr(self, name, value)
        self.traced, self.eligibility = False, {}
        self.state = None

    def numbers(self, like):
        """The numbers as they go with an array [B, ...]."""
        return {name: spread(getattr(self, name), like.shape[1:]) for name in self.names}

    def project(self):
        """Bring what is learned back into its range: a decay into [0, 1], a threshold to 2^-10 above 0 and v_reset."""
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if name == "threshold":
                    parameter.clamp_(min=max(0.0, float(torch.as_tensor(self.reset_potential).max())) + 2.0**-10)
                else:
                    parameter.clamp_(0, 1)

    def rest(self, current):
        """The state before the first time step."""
        if self.state is None:
            self.state = {name: torch.zeros_like(current) for name in self.states}

    def advanced(self, current):
        """The state after a time step, with what the past of the neurons' own parameters adds to its gradient: 0."""
        now = self.next(current, self.numbers(current))
        learned = [name for name, _ in self.named_parameters()] if self.traced else []
        for name in learned:
            number = spread(getattr(self, name), current.shape[1:])
            past = self._leaked(name, current)
            now["potential"] = now["potential"] + past["potential"] * (number - number.detach())
            self.eligibility[name] = {each: past[each] + part for each, part in self._direct(name, current).items()}
        return now

    def _leaked(self, name, current):
        """A ε[t-1], by state."""
        zeros = torch.zeros_like(current)
        before = self.eligibility.get(name, dict.fromkeys(self.states, zeros))
        numbers = {each: value if isinstance(value, float | int) else value.detach()
                   for each, value in self.numbers(current).items()}  # fmt: skip
        leaked = {"potential": numbers["decay"] * before["potential"]}
        if "current" in self.states:
            leaked["current"] = numbers["current_decay"] * before["current"]
            leaked["potential"] = leaked["potential"] + leaked["current"]
        return leaked

    def _direct(self, name, current):
        """∂h[t]/∂θ with h[t-1], s[t-1] and I[t] held as they are, by state: torch's derivative of one time step."""
        fixed = {each: value.detach() if isinstance(value, torch.Tensor) else value
                 for each, value in self.numbers(current).items()}  # fmt: skip

        def step(number):
            found = self.next(current.detach(), {**fixed, name: number})
            return {each: found[each] for each in self.states if each != "spikes"}

        number = fixed[name].expand(current.shape).clone()
        return torch.func.jvp(step, (number,), (torch.ones_like(number),))[1]

    def detach(self):
        self.state = {name: value.detach() for name, value in self.state.items()}


def spread(value, shape):
    """A number, or an array [1], [C] or of a layer's shape, as it goes with [B, *shape]."""
    if not isinstance(value, torch.Tensor) or value.numel() == 1:
        return value
    return value.reshape(*value.shape, *(1 for _ in shape[value.ndim :]))


class LIF(Numbers):
    """LIF neurons of a case (`ottt_ref.network.neurons`); `kept` says whether gradients cross the reset."""

    names = ("decay", "threshold", "reset_potential")
    states = ("potential", "spikes")

    def __init__(self, description, case, kept):
        super().__init__(description, case)
        self.reset, self.kept = description["reset"], kept
        self.primitive = primitive_of(description["surrogate"])

    @property
    def potential(self):
        """u[t]."""
        return self.state["potential"]

    def forward(self, current):
        self.rest(current)
        self.state = self.advanced(current)
        self.state["spikes"] = spike(self._distance(), self.primitive)
        return self.state["spikes"]

    def next(self, current, numbers):
        """The state after a time step, but for the spikes."""
        return {"potential": self._carried(numbers) + current}

    def _carried(self, numbers):
        u, decay, threshold = self.potential, numbers["decay"], numbers["threshold"]
        s = self.state["spikes"] if self.kept else self.state["spikes"].detach()
        if self.reset == "soft":
            return decay * (u - threshold * s)
        if self.reset == "unleaked":
            return decay * u - threshold * s
        return decay * ((1 - s) * u + numbers["reset_potential"] * s)

    def _distance(self):
        return self.potential - self.numbers(self.potential)["threshold"]

    def surrogate_derivative(self):
        """ψ at the potential."""
        return derivative(self.primitive, self._distance())


class CubaLIF(LIF):
    """LIF neurons whose current leaks too."""

    names = (*LIF.names, "current_decay")
    states = (*LIF.states, "current")

    def next(self, current, numbers):
        """The state after a time step, but for the spikes."""
        current = numbers["current_decay"] * self.state["current"] + current
        return {"potential": self._carried(numbers) + current, "current": current}


class Integrator(Numbers):
    """A readout without threshold: u[t] = λ u[t-1] + I[t]."""

    names = ("decay",)
    states = ("potential",)

    @property
    def potential(self):
        """u[t]."""
        return self.state["potential"]

    def forward(self, current):
        self.rest(current)
        self.state = self.advanced(current)
        return self.potential

    def next(self, current, numbers):
        """The state after a time step."""
        return {"potential": numbers["decay"] * self.potential + current}


class TracedGraph(graphs.Graph):
    """A graph whose parameters are given the gradients of OTTT, in one of its dialects.

    `traces` has, by time step, what the errors of each connection with parameters were paired with, and `constants`, by
    layer, their biases: a list of one, or of one for each decay of the neurons that they enter.
    """

    def __init__(self, case, neurons, dialect):
        super().__init__(case, neurons, truncated=True)
        self.dialect = dialect
        self.traces, self.constants = [], []
        self._states = {}  # by connection or layer, and group: q, of which the last is the trace
        self.membranes = [self._membrane(l) for l in range(len(neurons))]
        self.masks = [groups_of(self.neurons[k], self.structure.shapes[k]) for k in self.membranes]
        for each in neurons:
            each.traced = True

    def forward(self, inputs):
        self.constants.append([self._constants(l, inputs) for l in range(len(self.neurons))])
        self.traces.append({})
        return super().forward(inputs)

    def input_current(self, connection, value):
        front, module = graphs.divided(connection, self.module_of(connection))
        value, constants = front(value), self.constants[-1][connection.target]
        fixed = {name: parameter.detach() for name, parameter in module.named_parameters()}
        traces = self._traces(connection, value.detach())
        if connection.parameters:
            self.traces[-1][connection.name] = traces
        total, masks = torch.func.functional_call(module, fixed, (value,)), self.masks[connection.target]
        for g in range(max(len(traces), len(constants))):
            bias_input = constants[g % len(constants)]
            traced = {
                name: array * bias_input if name.endswith(("bias", "offset")) else array
                for name, array in (*module.named_parameters(), *module.named_buffers())
            }
            learning = torch.func.functional_call(module, traced, (traces[g % len(traces)],))
            if max(len(traces), len(constants)) > 1:
                learning = learning * masks[g].to(learning.dtype)
            total = total + (learning - learning.detach())
        return total

    def _membrane(self, l):
        """The layer whose membranes a current into layer l enters; of a stateless readout, the one before it."""
        layers = self.structure.layers
        found = [k for k in range(l, len(layers)) if not layers[k].neuron.stateless]
        return found[0] if found else self.structure.spiking[-1]

    def _sent(self, l):
        """Whether it is the neurons before a stateless readout whose λ its traces have."""
        return l == len(self.neurons) - 1 and self.structure.readout == "linear"

    def _leaks(self, l):
        """λ and α, or None, of each group of neurons that a current into layer l enters."""
        k = self.membranes[l]
        shape = self.structure.shapes[k]
        leaks = [
            spread(each, shape).detach() if isinstance(each, torch.Tensor) else each
            for each in (self.neurons[k].decay, getattr(self.neurons[k], "current_decay", None))
        ]
        if self._sent(l) or len(self.masks[l]) == 1:
            return [leaks]
        places = [torch.nonzero(mask.flatten())[0, 0] for mask in self.masks[l]]
        return [
            [each.expand(shape).flatten()[at] if isinstance(each, torch.Tensor) and each.numel() > 1 else each
             for each in leaks] for at in places
        ]  # fmt: skip

    def _traces(self, connection, value):
        if connection.source == INPUTS and self.dialect == "authors":
            return [value]
        leaks = self._leaks(connection.target)
        return [self._follow((connection.name, g), value, *each) for g, each in enumerate(leaks)]

    def _constants(self, l, inputs):
        if self.dialect == "authors" or self._sent(l):
            return [1.0]
        one = inputs.new_ones(1)
        return [self._follow((l, g), one, *each) for g, each in enumerate(self._leaks(l))]

    def _follow(self, key, value, decay, current_decay):
        """â[t]: λ â[t-1] + s[t]; of two leaks λ â[t-1] + q[t], q[t] = α q[t-1] + s[t]."""
        trace, current = self._states.get(key, (torch.zeros_like(value), torch.zeros_like(value)))
        current = value if current_decay is None else current_decay * current + value
        self._states[key] = decay * trace + current, current
        return self._states[key][0]

    def recorded(self):
        """Traces of connections and of the constant 1, as a case has them."""
        found = {}
        for rows, kind in (
            (self.traces, "trace"),
            ([dict(enumerate(row)) for row in self.constants], "constant_trace"),
        ):
            for key, first in rows[0].items():
                for g in range(len(first)):
                    name = f"{kind}/{key}" if len(first) == 1 else f"{kind}/{key}/{g}"
                    found[name] = [row[key][g] for row in rows]
        return {
            name: torch.stack([torch.as_tensor(each) for each in rows]).numpy().reshape(
                (len(rows),) if name.startswith("constant") else (len(rows), *rows[0].shape)
            )
            for name, rows in found.items()
        }  # fmt: skip


def groups_of(neuron, shape):
    """Masks [...] of the neurons of a layer that have the same leaks: a learned one is another for each entry."""
    keys = []
    for name in ("decay", "current_decay"):
        value = getattr(neuron, name, None)
        if isinstance(value, torch.Tensor) and value.numel() > 1:
            own = torch.arange(value.numel()).reshape(value.shape) if isinstance(value, nn.Parameter) else value
            keys.append(spread(own, shape).expand(shape).flatten().tolist())
    by_neuron = list(zip(*keys)) if keys else [()] * math.prod(shape)
    return [torch.tensor([key == each for each in by_neuron]).reshape(shape) for key in dict.fromkeys(by_neuron)]


def neurons_of(case, kept=False):
    """A module for the neurons of each layer."""
    described = [layer["neuron"] for layer in case.entry["network"]["layers"]]
    kinds = {"LIF": LIF, "CubaLIF": CubaLIF}
    return [
        kinds[each["type"]](each, case, kept) if each["type"] in kinds else Integrator(each, case) for each in described
    ]


def started(case, graph):
    """The graph, from the case's initial state if it has one."""
    if case.initial_state is not None:
        given = {name: torch.tensor(array) for name, array in case.initial_state.items()}
        names = case.network.layer_names
        for name, neuron in zip(names, graph.neurons):
            neuron.state = {each: given[f"{name}.{'output' if each == 'spikes' else each}"] for each in neuron.states}
        graph.start([given[f"{name}.output"] for name in names])
    return graph


def forward(case):
    """What a forward pass records, and ψ."""
    graph, derivatives = started(case, graphs.Graph(case, neurons_of(case))), []

    currents = {l: [] for l, neuron in enumerate(graph.neurons) if isinstance(neuron, CubaLIF)}

    def potential_of(neuron, _):
        if isinstance(neuron, LIF):
            derivatives.append(neuron.surrogate_derivative())
        for l, rows in currents.items():
            if graph.neurons[l] is neuron:
                rows.append(neuron.state["current"])
        return neuron.potential

    found = graphs.forward(case, graph, potential_of)
    found.update({f"current/{l}": torch.stack(rows).numpy() for l, rows in currents.items()})
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
