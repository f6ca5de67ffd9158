"""A case's network in torch: its connections as modules between a peer's neurons, and how gradients are asked for.

The frameworks that are built on torch bring neurons and leave the rest to torch. What they share is here: a time step
of the network, the loss, and the ways in which a gradient is made: backwards through the whole sequence, one time step
after the other, and one step after the other with an update after each.
"""

from ...network.layers import INPUTS
from ..reference import targets_at
from . import installed
from .torch_layers import Layers

torch = installed("torch")
nn = torch.nn
functional = torch.nn.functional


class Graph(nn.Module):
    """One time step of a case's network between the neurons of a peer.

    neurons    by layer: a module, current [B, ...] → output [B, ...], that keeps its own state
    layers     which modules the operations are
    truncated  whether nothing goes back to a time step before by recurrent and feedback connections; what the neurons
               keep is theirs to detach. What other connections deliver late stays joined to what it was computed from

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
        for name, neuron in zip(self.structure.layer_names, neurons):
            for own, parameter in neuron.named_parameters():
                self.by_name[f"{name}.{own}"] = parameter
        load(case, self.by_name)
        self.forget()

    def membrane_decay(self, l):
        """λ of the membranes that a current into layer l enters: of a sum of currents, those of the layer after it.

        A stateless last layer has none: there it is that of the neurons before.
        """
        membranes = [k for k in range(l, len(self.neurons)) if not self.structure.layers[k].neuron.stateless]
        return self.structure.layers[membranes[0] if membranes else self.structure.spiking[-1]].neuron.decay

    def project(self):
        """Bring what neurons learn of their own back into its range, after an update."""
        for neuron in self.neurons:
            if hasattr(neuron, "project"):
                neuron.project()

    def forget(self):
        """Drop what was recorded, and the last outputs."""
        self.currents, self.outputs = [], []
        self._past = []  # outputs by layer, and the inputs as -1, of t - 1, t - 2, ... as far as delays reach

    def start(self, outputs):
        """Start from outputs by layer, [B, ...]; the neurons' own state is theirs to set."""
        self._past = [dict(enumerate(outputs))]

    def forward(self, inputs):
        """The output [B, C] of a time step of inputs [B, ...]."""
        currents, outputs = [], []
        for l, neuron in enumerate(self.neurons):
            input_current = [
                self.input_current(connection, value)
                for connection in self.structure.incoming(l)
                if (value := self._given(connection, inputs, outputs)) is not None
            ]
            current = sum(input_current[1:], start=input_current[0])
            if current.requires_grad:
                current.retain_grad()
            currents.append(current)
            outputs.append(neuron(current))
        self.currents.append(currents)
        self.outputs.append(outputs)
        self._past = [{INPUTS: inputs, **dict(enumerate(outputs))}, *self._past][: self.structure.longest_delay]
        return outputs[-1]

    def input_current(self, connection, value):
        """What a connection delivers of a value."""
        return self.module_of(connection)(value)

    def module_of(self, connection):
        """The module of a connection's operations."""
        return self.synapses[connection.name.replace(".", "/")]

    def _given(self, connection, inputs, outputs):
        source, delay = connection.source, connection.delay
        if delay == 0:
            return inputs if source == INPUTS else outputs[source]
        if delay > len(self._past) or source not in self._past[delay - 1]:
            return inputs.new_zeros((len(inputs), *self.structure.shape_of(source)))
        value = self._past[delay - 1][source]
        return value.detach() if connection.loop and self.truncated else value


def divided(connection, module):
    """The module of a connection in two: up to the last operation that is not linear, and what comes after it.

    Traces are kept of what comes out of the first.
    """
    if connection.front is None:
        return nn.Identity(), module
    if not isinstance(module, nn.Sequential):
        return module, nn.Identity()
    count = len(connection.front.operations)
    return module[:count], module[count:]


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


def at_each_step(case):
    """(inputs [B, ...], targets, weights [B] or None) of each time step."""
    targets = [torch.tensor(targets_at(case.targets, t)) for t in range(len(case.inputs))]
    weights = [None] * len(targets) if case.weights is None else list(torch.tensor(case.weights))
    return list(zip(inputs_of(case), targets, weights))


def step_loss(case):
    """(outputs [B, C], targets, weights) → L[t] = w ℓ / T, the mean over the batch, of torch's own losses."""
    description, steps = case.entry["loss"], case.loss_time_steps
    weight = {"CrossEntropy": 0.0, "MeanSquaredError": 1.0, "Mixed": description.get("mse_weight")}[description["type"]]

    def loss(outputs, targets, weights=None):
        if weights is not None:  # torch's own losses have no weights of samples: each of them is a batch of one
            each = [loss(o[None], y[None]) for o, y in zip(outputs, targets)]
            return sum(w * value for w, value in zip(weights, each)) / len(each)
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
    """What a forward pass records: spikes, outputs, loss and potentials.

    potential_of  (neuron, its last output) → the potential before the reset, or None where it cannot be had
    """
    found, potentials, loss, total = {}, [], step_loss(case), 0.0
    with torch.no_grad():
        for inputs, *asked in at_each_step(case):
            total += loss(graph(inputs), *asked)
            potentials.append([potential_of(*pair) for pair in zip(graph.neurons, graph.outputs[-1])])
    for l in range(len(graph.neurons)):
        if potentials[0][l] is not None:
            found[f"potential/{l}"] = torch.stack([row[l] for row in potentials]).numpy()
        if l in graph.structure.spiking:
            found[f"spikes/{l}"] = torch.stack([row[l] for row in graph.outputs]).numpy()
    return {**found, "outputs": torch.stack([row[-1] for row in graph.outputs]).numpy(), "loss": total.numpy()}


def through_time(case, graph):
    """The gradients, the errors by layer and the loss, which goes backwards through the whole sequence."""
    loss = step_loss(case)
    total = sum(loss(graph(inputs), *asked) for inputs, *asked in at_each_step(case))
    total.backward()
    return {**gradients(case, graph.by_name), **errors(graph.currents), "loss": total.detach().numpy()}


def step_by_step(case, graph, detach, optimizer=None):
    """The gradients, the errors by layer and the loss, of each time step's for itself; or what is learnt of them.

    detach     cuts the neurons' state off from what it was computed from
    optimizer  updates after each time step, if given: the parameters after each are returned
    """
    loss, rows, total = step_loss(case), [], 0.0
    late = graph.structure.delays_errors  # what a late error goes back through, an error at once went through before
    for inputs, *asked in at_each_step(case):
        now = loss(graph(inputs), *asked)
        now.backward(retain_graph=late)
        total += now.detach()
        detach()
        if optimizer is not None:
            optimizer.step()
            optimizer.zero_grad()
            graph.project()
            rows.append(parameters(case, graph.by_name))
    if optimizer is None:
        return {**gradients(case, graph.by_name), **errors(graph.currents), "loss": total.numpy()}
    return stacked(rows)


def sgd(case, graph):
    """The case's optimizer of online learning."""
    return torch.optim.SGD(list(graph.by_name.values()), lr=case.entry["online"]["learning_rate"])


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
