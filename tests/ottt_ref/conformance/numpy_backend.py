"""A backend from outside: plain NumPy, written against the cases' plain data and nothing of ottt_ref.

What a case asks for is read from its manifest entry and its arrays. Each choice that backends differ in is a method of
its own, so that `faults` can make one mistake at a time.
"""

from dataclasses import dataclass, field

import numpy as np

from .numpy_losses import Losses
from .numpy_neurons import Neurons
from .numpy_operations import INPUTS, Operations
from .numpy_rates import Rates

# RTRL is BPTT's gradient, computed forwards in time: the cases ask for the gradient alone, and this backend, which is
# there to check the cases, has one derivation of it and no second one to hold beside it.
KEPT = {"bptt": False, "bptt-kept": True, "rtrl": False, "rtrl-kept": True}
RULES = {"ottt": "derivation", "ottt-authors": "authors", "sltt": "sltt"}
ONLINE_RULES = {"ottt-online": "derivation", "ottt-online-authors": "authors"}


@dataclass(frozen=True)
class Connection:
    """From layer `source` (or INPUTS) into layer `target`, with what was `delay` time steps before; delayed: a loop."""

    source: int
    target: int
    delayed: bool
    name: str
    operations: list
    delay: int


@dataclass
class Step:
    """One time step: u, s and ψ by layer, and what each connection was given, by name. All [B, ...].

    x, past   the inputs, and the steps before, the last one first
    """

    potentials: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    derivatives: list = field(default_factory=list)
    given: dict = field(default_factory=dict)
    t: int = 0
    x: np.ndarray | None = None
    past: list = field(default_factory=list)


def chain(description):
    """The operations of a description, one after the other."""
    if description["type"] == "Chain":
        return [operation for each in description["operations"] for operation in chain(each)]
    return [description]


def connections_of(network):
    """Every connection, by the names under which its parameters lie in the arrays."""
    layers, result = network["layers"], []
    for l, layer in enumerate(layers):
        readout = l == len(layers) - 1 and layer["neuron"]["type"] == "Integrator"
        name = "readout" if readout else f"layer{l}"
        result.append(Connection(l - 1, l, False, name, chain(layer["synapses"]), layer.get("delay", 0)))
        if layer["recurrent"]:
            loop = chain(layer["recurrent"]), layer.get("recurrent_delay", 1)
            result.append(Connection(l, l, True, f"{name}.recurrent", *loop))
        for word, delayed, others in (("skip", False, network["skips"]), ("feedback", True, network["feedback"])):
            for other in (other for other in others if other["target"] == l):
                source, operations = other["source"], chain(other["operations"])
                delay = other.get("delay", int(delayed))
                result.append(Connection(source, l, delayed, f"{name}.{word}{source}", operations, delay))
    return result


class Backend(Operations, Neurons, Losses, Rates):
    """Every method of every case: an adapter of the conformance kit."""

    features = ("weights", "targets of each step", "initial state", "time steps of the loss", "delays")

    def __call__(self, case, method):
        self.read(case.entry, case.arrays)
        if method == "forward":
            return self.forward(self.run())
        if method in KEPT:
            return self.bptt(KEPT[method])
        if method in RULES:
            return self.forwards_in_time(RULES[method])
        if method in ONLINE_RULES:
            return self.online(ONLINE_RULES[method])
        if method == "spike-representation":
            return self.spike_representation()
        raise NotImplementedError(f"there is no method {method!r}")

    def read(self, entry, arrays):
        self.entry, self.dtype = entry, np.dtype(entry["dtype"])
        self.neurons = [self.read_neuron(layer["neuron"]) for layer in entry["network"]["layers"]]
        self.connections = connections_of(entry["network"])
        self.memory, self.future = [], []  # of the steps before what errors are paired with; the errors of those after
        prefix = "parameter/"
        self.parameters = {
            name.removeprefix(prefix): self.read_array(array)
            for name, array in arrays.items()
            if name.startswith(prefix)
        }
        self.inputs = self.read_array(arrays["inputs"])
        self.shapes = {INPUTS: tuple(entry["network"]["input_shape"])}
        for l in range(len(self.neurons)):
            given = np.zeros((1, *self.shapes[l - 1]), dtype=self.dtype)
            self.shapes[l] = self.current(next(self.into(l)), given).shape[1:]
        targets, classes = arrays["targets"], self.shapes[len(self.neurons) - 1][0]
        rows = np.eye(classes, dtype=self.dtype)[targets] if targets.dtype.kind == "i" else self.read_array(targets)
        self.step_targets = rows if rows.ndim == 3 else None
        self.targets = rows[0] if rows.ndim == 3 else rows
        self.weights = self.read_array(arrays["weights"]) if "weights" in arrays else None
        self.sample_weight = None
        self.initial_state = {
            name.removeprefix("initial_state/"): self.read_array(array)
            for name, array in arrays.items()
            if name.startswith("initial_state/")
        }

    def read_neuron(self, description):
        return description

    def read_array(self, array):
        return np.array(array)

    def into(self, l):
        return (connection for connection in self.connections if connection.target == l)

    # the forward pass

    def rest(self):
        """The state before the first time step."""
        zeros = [np.zeros((self.inputs.shape[1], *self.shapes[l]), dtype=self.dtype) for l in range(len(self.neurons))]
        if not self.initial_state:
            return Step(zeros, zeros)
        names = [f"layer{l}" for l in range(len(self.neurons))]
        if self.neurons[-1]["type"] == "Integrator":
            names[-1] = "readout"
        return Step(*([self.initial_state[f"{name}.{kind}"] for name in names] for kind in ("potential", "output")))

    def run(self):
        """Every time step of the sequence."""
        before, steps = self.rest(), []
        for t, x in enumerate(self.inputs):
            before = self.step(before, x)
            before.t = t
            steps.append(before)
        return steps

    def step(self, before, x):
        now = Step(x=x, past=[before, *before.past])
        for l, neuron in enumerate(self.neurons):
            for connection in self.into(l):
                now.given[connection.name] = self.delivered(connection, x, now, before)
            current = sum(self.current(connection, now.given[connection.name]) for connection in self.into(l))
            u = self.integrate(neuron, before.potentials[l], before.outputs[l], current)
            now.potentials.append(u)
            now.outputs.append(self.fire(neuron, u))
            now.derivatives.append(self.derivative(neuron, u, now.outputs[-1]))
        return now

    def delivered(self, connection, x, now, before):
        """What a connection is given."""
        if connection.delay == 0:
            return x if connection.source == INPUTS else now.outputs[connection.source]
        earlier = [before, *before.past]
        step = earlier[connection.delay - 1] if connection.delay <= len(earlier) else None
        if step is None or (connection.source == INPUTS and step.x is None):
            return np.zeros((len(x), *self.shapes[connection.source]), dtype=self.dtype)
        return step.x if connection.source == INPUTS else step.outputs[connection.source]

    def forward(self, steps):
        found = {"outputs": np.stack([step.outputs[-1] for step in steps])}
        for l, neuron in enumerate(self.neurons):
            found[f"potential/{l}"] = np.stack([step.potentials[l] for step in steps])
            if neuron["type"] == "LIF":
                found[f"spikes/{l}"] = np.stack([step.outputs[l] for step in steps])
                found[f"psi/{l}"] = np.stack([step.derivatives[l] for step in steps])
        return {**found, "loss": self.recorded_loss(self.sequence_loss(steps))}

    # the loss, and the errors of one time step

    def sequence_loss(self, steps):
        """L: the mean over time and batch of ℓ."""
        if self.entry.get("features"):
            return sum(self.weighted_loss(step) for step in steps) / self.loss_steps()
        outputs = np.concatenate([step.outputs[-1] for step in steps])
        return self.loss_value(outputs, np.tile(self.targets, (len(steps), 1)))

    def weighted_loss(self, step):
        """The mean over the batch of w ℓ at one time step."""
        self.look_at(step.t)
        rows = zip(step.outputs[-1], self.targets)
        each = [self.loss_value(output[np.newaxis], target[np.newaxis]) for output, target in rows]
        return np.mean(each if self.sample_weight is None else self.sample_weight[:, 0] * each)

    def loss_steps(self):
        """T of the loss's 1/T."""
        return self.entry.get("loss_time_steps", len(self.inputs))

    def look_at(self, t):
        """Take the targets and the weights of a time step, where each has its own."""
        if self.step_targets is not None:
            self.targets = self.step_targets[t]
        if self.weights is not None:
            self.sample_weight = self.weights[t][:, np.newaxis]

    def output_error(self, outputs):
        """∂L[t]/∂o[t]: of ℓ / T, the mean over the batch."""
        gradient = self.loss_gradient(outputs, self.targets)
        return (gradient if self.sample_weight is None else self.sample_weight * gradient) / (
            self.loss_steps() * len(outputs)
        )

    def errors(self, step, output_error, later=None, kept=False):
        """The errors at the potentials, by layer: δ[t] from δ[t+1] = `later`, or, without, the instantaneous g[t]."""
        result = [None] * len(self.neurons)
        self.sent = step.outputs
        for l in reversed(range(len(self.neurons))):
            result[l] = step.derivatives[l] * self.incoming(l, result, later, output_error)
            if later is not None:
                u, s, derivative = step.potentials[l], step.outputs[l], step.derivatives[l]
                result[l] = result[l] + self.jacobian(self.neurons[l], u, s, derivative, kept) * later[l]
        return result

    def incoming(self, l, errors, later, output_error):
        """ε of layer l: what comes back from the loss and by the connections out of it."""
        total = output_error if l == len(self.neurons) - 1 else 0.0
        for connection in self.connections:
            if connection.source == l and connection.delay == 0:
                total = total + self.send_back(connection, errors[connection.target])
            elif connection.source == l and connection.delay == 1 and later is not None:
                total = total + self.send_back(connection, later[connection.target])
            elif connection.source == l and later is not None and connection.delay <= len(self.future):
                total = total + self.send_back(connection, self.future[connection.delay - 1][connection.target])
        return total

    # the methods

    def bptt(self, kept):
        steps = self.run()
        later, errors, gradients = [np.zeros_like(u) for u in steps[-1].potentials], [], self.zeros()
        for step in reversed(steps):
            self.look_at(step.t)
            self.future = errors
            later = self.errors(step, self.output_error(step.outputs[-1]), later, kept)
            errors.insert(0, later)
        for connection in self.connections:
            given = np.concatenate([self.entering(connection, step.given[connection.name]) for step in steps])
            error = np.concatenate([row[connection.target] for row in errors])
            self.add_gradients(gradients, connection, error, given, 1.0)
        return self.result(gradients, errors, self.sequence_loss(steps))

    def forwards_in_time(self, rule):
        """OTTT in either dialect, or SLTT, summed over the sequence; with what OTTT's errors were paired with."""
        traces, history, errors, gradients, steps = {}, [], [], self.zeros(), self.run()
        self.memory = []
        for step in steps:
            if self.errors_come_late():
                errors.append([np.zeros_like(u) for u in step.potentials])
                for l, row in enumerate(self.add_late_step(gradients, step, traces, rule)):
                    for k, error in row.items():
                        errors[-1 - k][l] = errors[-1 - k][l] + error
            else:
                errors.append(self.add_step(gradients, step, traces, rule))
            history.append(dict(traces))
        return {**self.result(gradients, errors, self.sequence_loss(steps)), **self.traced(history)}

    def traced(self, history):
        """The traces of each connection, and of the constant 1 by layer, over time."""
        found = {}
        for connection in self.connections if history[0] else ():
            rows = [traces[connection.name] for traces in history]
            found[f"trace/{connection.name}"] = np.stack([values for values, _ in rows])
            found[f"constant_trace/{connection.target}"] = np.array([constant for _, constant in rows], self.dtype)
        return found

    def add_step(self, gradients, step, traces, rule):
        """Add what one time step gives; its errors by layer."""
        self.look_at(step.t)
        errors = self.errors(step, self.output_error(step.outputs[-1]))
        for connection in self.connections:
            values, constant = self.paired(connection, step, traces, rule)
            self.add_gradients(gradients, connection, errors[connection.target], values, constant)
        return errors

    def errors_come_late(self):
        """Whether an error may come back later than what it belongs to."""
        return any(connection.delay and not connection.delayed for connection in self.connections)

    def add_late_step(self, gradients, step, traces, rule):
        """As `add_step`, where errors belong to time steps before; by layer {how many steps before: error}."""
        self.look_at(step.t)
        paired = {c.name: self.paired(c, step, traces, rule) for c in self.connections}
        self.memory = [(step.derivatives, paired), *self.memory]
        errors = [{} for _ in self.neurons]
        for l in reversed(range(len(self.neurons))):
            coming = {0: self.output_error(step.outputs[-1])} if l == len(self.neurons) - 1 else {}
            for connection in (c for c in self.connections if c.source == l and not c.delayed):
                for k, error in errors[connection.target].items():
                    k = self.lag(connection, k)
                    coming[k] = coming.get(k, 0.0) + self.send_back(connection, error)
            errors[l] = {k: self.memory[k][0][l] * error for k, error in coming.items() if k < len(self.memory)}
        for connection in self.connections:
            for k, error in errors[connection.target].items():
                self.add_gradients(gradients, connection, error, *self.memory[k][1][connection.name])
        return errors

    def lag(self, connection, k):
        """How many steps before an error belongs, at the source of a connection, that belongs k before at its end."""
        return k + connection.delay

    def paired(self, connection, step, traces, rule):
        """What a connection's error is paired with, and what its bias's: traces, or what was given at t."""
        given = self.entering(connection, step.given[connection.name])
        if rule == "sltt":
            return given, 1.0
        values, constant = traces.get(connection.name, (np.zeros_like(given), 0.0))
        values = self.trace(
            values, given, self.values_decay(connection) if self.traces_values(connection, rule) else 0.0
        )
        constant = self.trace(constant, 1.0, self.bias_decay(connection) if self.traces_bias(connection, rule) else 0.0)
        traces[connection.name] = values, constant
        return values, constant

    def values_decay(self, connection):
        return self.membrane_decay(connection.target)

    def bias_decay(self, connection):
        return self.membrane_decay(connection.target)

    def membrane_decay(self, l):
        """λ of the membranes that what layer l is given enters; of a stateless last layer, of those that feed it."""
        if not self.stateless(self.neurons[l]):
            return self.neurons[l]["decay"]
        if self.stateless_readout(l):
            return next(neuron["decay"] for neuron in self.neurons[l::-1] if not self.stateless(neuron))
        return self.membrane_decay(next(c.target for c in self.connections if c.source == l))

    def traces_values(self, connection, rule):
        return rule == "derivation" or connection.source != INPUTS

    def traces_bias(self, connection, rule):
        return rule == "derivation" and not self.stateless_readout(connection.target)

    def stateless_readout(self, l):
        return l == len(self.neurons) - 1 and self.stateless(self.neurons[l])

    def trace(self, before, value, decay):
        return decay * before + value

    def online(self, rule):
        """OTTT that updates after each time step."""
        step, traces, history, self.memory = self.rest(), {}, [self.parameters], []
        for t, x in enumerate(self.inputs):
            step, gradients = self.step(step, x), self.zeros()
            step.t = t
            (self.add_late_step if self.errors_come_late() else self.add_step)(gradients, step, traces, rule)
            self.update(gradients)
            history.append(self.parameters)
        return {name: np.stack([row[name] for row in history[1:]]) for name in self.parameters}

    def update(self, gradients):
        rate = self.entry["online"]["learning_rate"]
        self.parameters = {name: value - rate * gradients[name] for name, value in self.parameters.items()}

    def zeros(self):
        return {name: np.zeros_like(value) for name, value in self.parameters.items()}

    def result(self, gradients, errors, loss):
        """The gradients, with the errors by layer, [T, B, ...], and the loss."""
        stacked = {f"error/{l}": np.stack([row[l] for row in errors]) for l in range(len(self.neurons))}
        return {**gradients, **stacked, "loss": self.recorded_loss(loss)}

    def recorded_loss(self, loss):
        """The loss in the shape in which the manifest has it, which is [1]."""
        return np.full(self.entry["arrays"]["loss"]["shape"], loss, dtype=self.dtype)
