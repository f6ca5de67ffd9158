"""A case's network in torch: its connections as modules between a peer's neurons, and how gradients are asked for.

The frameworks that are built on torch bring neurons and leave the rest to torch. What they share is here: the layers
of torch, a time step of the network, the loss, and the three ways in which a gradient is made: backwards through the
whole sequence, one time step after the other, and one step after the other with an update after each.
"""

from ...layers import INPUTS
from ..reference import ONLINE_RATE
from . import installed

torch = installed("torch")
nn = torch.nn
functional = torch.nn.functional


class Scaled(nn.Module):
    """A fixed factor."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, values):
        return self.factor * values


class WeightStandardised(nn.Module):
    """A module whose weight is standardised, row by row, and scaled by a gain (`ottt_ref.weight_standardisation`)."""

    def __init__(self, synapses, epsilon):
        super().__init__()
        self.synapses = synapses
        self.gain = nn.Parameter(synapses.weight.new_ones(len(synapses.weight)))
        self.epsilon = epsilon

    def forward(self, values):
        raw = self.synapses.weight.flatten(1)
        variance, mean = torch.var_mean(raw, dim=1, keepdim=True)
        standardised = (raw - mean) / torch.sqrt(variance * raw.shape[1] + self.epsilon)
        weight = (self.gain[:, None] * standardised).reshape(self.synapses.weight.shape)
        return torch.func.functional_call(self.synapses, {"weight": weight}, (values,))


class Layers:
    """Modules for the operations of a case. A peer that has layers of its own names them in a subclass."""

    library = nn

    def module(self, operation):
        """The module of one operation. Raises NotImplementedError where there is none."""
        kind = type(operation).__name__
        if not hasattr(self, kind):
            raise NotImplementedError(f"the operation {kind}")
        return getattr(self, kind)(operation)

    def Chain(self, operation):
        return nn.Sequential(*(self.module(each) for each in operation.operations))

    def Dense(self, operation):
        n_out, n_in = operation.weight.shape
        return self.library.Linear(n_in, n_out, bias="bias" in operation.parameter_names)

    def Conv2d(self, operation):
        c_out, c_in, *window = operation.weight.shape
        bias = "bias" in operation.parameter_names
        return self.library.Conv2d(c_in, c_out, tuple(window), operation.stride, operation.padding, bias=bias)

    def AveragePool2d(self, operation):
        return self.library.AvgPool2d(operation.size, operation.stride, operation.padding)

    def Flatten(self, operation):
        return self.library.Flatten(1)

    def Scale(self, operation):
        return Scaled(operation.factor)

    def WeightStandardised(self, operation):
        return WeightStandardised(self.module(operation.synapses), operation.epsilon)


class Graph(nn.Module):
    """One time step of a case's network between the neurons of a peer.

    neurons    by layer: a module, current [B, ...] → output [B, ...], that keeps its own state
    layers     which modules the operations are
    truncated  whether nothing goes back to the time step before by recurrent and feedback connections; what the neurons
               keep is theirs to detach

    `currents` and `outputs` have what was computed, by time step and layer, until `forget`.
    """

    def __init__(self, case, neurons, layers=None, truncated=False):
        super().__init__()
        self.structure = case.network
        self.neurons = nn.ModuleList(neurons)
        self.truncated = truncated
        layers = layers or Layers()
        self.synapses = nn.ModuleDict()
        self.by_name = {}
        for connection in self.structure.connections:
            module = layers.module(connection.operations).to(getattr(torch, str(case.dtype)))
            self.synapses[connection.name.replace(".", "/")] = module  # its keys may have no dots
            for name, parameter in module.named_parameters():
                self.by_name[f"{connection.name}.{name.rpartition('.')[2]}"] = parameter
        load(case, self.by_name)
        self.forget()

    def forget(self):
        """Drop what was recorded, and the last outputs."""
        self.currents, self.outputs = [], []
        self._previous = None

    def forward(self, inputs):
        """The output [B, C] of a time step of inputs [B, ...]."""
        currents, outputs = [], []
        for l, neuron in enumerate(self.neurons):
            arriving = [
                self.arriving(connection, value)
                for connection in self.structure.into(l)
                if (value := self._given(connection, inputs, outputs)) is not None
            ]
            current = sum(arriving[1:], start=arriving[0])
            if current.requires_grad:
                current.retain_grad()
            currents.append(current)
            outputs.append(neuron(current))
        self.currents.append(currents)
        self.outputs.append(outputs)
        self._previous = [output.detach() for output in outputs] if self.truncated else outputs
        return outputs[-1]

    def arriving(self, connection, value):
        """What a connection delivers of a value."""
        return self.module_of(connection)(value)

    def module_of(self, connection):
        """The module of a connection's operations."""
        return self.synapses[connection.name.replace(".", "/")]

    def _given(self, connection, inputs, outputs):
        if connection.delayed:
            if self._previous is None:
                shape = (len(inputs), *self.structure.shape_of(connection.source))
                return inputs.new_zeros(shape)
            return self._previous[connection.source]
        return inputs if connection.source == INPUTS else outputs[connection.source]


def load(case, by_name):
    """Copy the case's parameters into those of a torch network, by name; a shape may have axes of length 1 more."""
    with torch.no_grad():
        for name, parameter in by_name.items():
            parameter.copy_(torch.tensor(case.parameters[name]).reshape(parameter.shape))


def inputs_of(case):
    """[T, B, ...]."""
    return torch.tensor(case.inputs)


def targets_of(case):
    """Class labels [B], or rows [B, C]."""
    return torch.tensor(case.targets)


def step_loss(case):
    """(outputs [B, C], targets) → L[t] = ℓ / T, the mean over the batch, of torch's own losses."""
    description, steps = case.entry["loss"], case.entry["time_steps"]
    weight = {"CrossEntropy": 0.0, "MeanSquaredError": 1.0, "Mixed": description.get("mse_weight")}[description["type"]]

    def loss(outputs, targets):
        rows = targets
        if targets.ndim == 1:
            rows = functional.one_hot(targets, outputs.shape[1]).to(outputs.dtype)
        total = outputs.new_zeros(())
        if weight < 1:
            total = total + (1 - weight) * functional.cross_entropy(outputs, targets)
        if weight > 0:
            total = total + weight * functional.mse_loss(outputs, rows)
        return total / steps

    return loss


def forward(case, graph, potential_of):
    """What a forward pass records: spikes, outputs and potentials.

    potential_of  (neuron, its last output) → the potential before the reset, or None where it cannot be had
    """
    found, potentials = {}, []
    with torch.no_grad():
        for inputs in inputs_of(case):
            graph(inputs)
            potentials.append([potential_of(*pair) for pair in zip(graph.neurons, graph.outputs[-1])])
    for l in range(len(graph.neurons)):
        if potentials[0][l] is not None:
            found[f"potential/{l}"] = torch.stack([row[l] for row in potentials]).numpy()
        if l in graph.structure.spiking:
            found[f"spikes/{l}"] = torch.stack([row[l] for row in graph.outputs]).numpy()
    return {**found, "outputs": torch.stack([row[-1] for row in graph.outputs]).numpy()}


def through_time(case, graph):
    """The gradients, and the errors by layer, of a loss that goes backwards through the whole sequence."""
    loss, targets = step_loss(case), targets_of(case)
    total = sum(loss(graph(inputs), targets) for inputs in inputs_of(case))
    total.backward()
    return {**gradients(case, graph.by_name), **errors(graph.currents)}


def step_by_step(case, graph, detach, optimizer=None):
    """The gradients, and the errors by layer, of each time step's loss for itself, or what is learnt of them.

    detach     cuts the neurons' state off from what it was computed from
    optimizer  updates after each time step, if given: the parameters after each are returned
    """
    loss, targets, rows = step_loss(case), targets_of(case), []
    for inputs in inputs_of(case):
        loss(graph(inputs), targets).backward()
        detach()
        if optimizer is not None:
            optimizer.step()
            optimizer.zero_grad()
            rows.append(parameters(case, graph.by_name))
    if optimizer is None:
        return {**gradients(case, graph.by_name), **errors(graph.currents)}
    return stacked(rows)


def sgd(by_name):
    """The cases' optimizer."""
    return torch.optim.SGD(list(by_name.values()), lr=ONLINE_RATE)


def gradients(case, by_name):
    """The gradient of each parameter; zeros where nothing came back."""
    return {
        name: (torch.zeros_like(parameter) if parameter.grad is None else parameter.grad).numpy().reshape(value.shape)
        for (name, value), parameter in zip(case.parameters.items(), (by_name[name] for name in case.parameters))
    }


def parameters(case, by_name):
    """A copy of each parameter."""
    return {name: by_name[name].detach().numpy().reshape(value.shape).copy() for name, value in case.parameters.items()}


def stacked(rows):
    """The parameters after each time step, [T, ...]."""
    return {name: torch.stack([torch.tensor(row[name]) for row in rows]).numpy() for name in rows[0]}


def errors(currents):
    """error/L [T, B, ...]: the gradient at each layer's current, which is that at its potential."""
    found = {}
    for l in range(len(currents[0])):
        at_layer = [row[l] for row in currents]
        rows = [torch.zeros_like(current) if current.grad is None else current.grad for current in at_layer]
        found[f"error/{l}"] = torch.stack(rows).numpy()
    return found
