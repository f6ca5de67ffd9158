"""braintrace as a backend, on JAX: its online rules, which it compiles from one time step of a network.

    OTTT, derivation   D_RTRL: a trace for each weight, ε[t] = D ε[t-1] + ∂u[t]/∂W, D the diagonal of ∂u[t]/∂u[t-1],
                       which is λ where the reset and the delayed spikes are cut off: ε_ij is the trace of input j
    SLTT               OSTLFeedforward with a decay of 0: no trace
    RTRL               SnAp of as many steps as there are neurons, in networks with one layer that has a state: where
                       there are several, its rules drop the paths that wait in a layer above

Surrogates are braintools's. A network is dense layers of its matmul; what enters no membrane, a stateless readout, is
plain JAX, of which it gives a gradient of 0 (README.md).
"""

import warnings

from ...network.layers import INPUTS
from ..reference import ONLINE
from . import installed

jax = installed("jax", "peers-jax")
jnp = jax.numpy
brainstate = installed("brainstate", "peers-jax")
braintools = installed("braintools", "peers-jax")
braintrace = installed("braintrace", "peers-jax")

methods = ("forward", "rtrl", "rtrl-kept", "ottt", "sltt", "ottt-online")


def surrogate_of(description):
    """Its surrogate for a case's. Raises NotImplementedError where it has none."""
    numbers = dict(description)
    kind = numbers.pop("type")
    if kind == "Sigmoid":
        return braintools.surrogate.Sigmoid(numbers["alpha"])
    if kind == "Arctan":
        return braintools.surrogate.Arctan(numbers["alpha"])
    if kind == "Triangle":
        return braintools.surrogate.ReluGrad(numbers["height"] / numbers["width"], numbers["width"])
    if kind == "Rectangle":
        return braintools.surrogate.PiecewiseLeakyRelu(c=0.0, w=numbers["width"] / 2)
    if kind == "MultiGaussian":
        return braintools.surrogate.MultiGaussianGrad(**numbers)
    raise NotImplementedError(f"the surrogate {kind}")


class StepNetwork(brainstate.nn.Module):
    """One time step of a case's network.

    kept, delayed  whether gradients cross the reset, and the recurrent and feedback connections
    """

    def __init__(self, case, kept, delayed):
        super().__init__()
        self.structure, self.kept, self.delayed = case.network, kept, delayed
        self.described = [layer["neuron"] for layer in case.entry["network"]["layers"]]
        self.surrogates = [surrogate_of(each["surrogate"]) if "surrogate" in each else None for each in self.described]
        self.weights = {}
        for connection in self.structure.connections:
            kind = type(connection.operations).__name__
            if kind != "Dense":
                raise NotImplementedError(f"the operation {kind}: the adapter is of dense layers")
            self.weights[connection.name] = brainstate.ParamState(_weights(case, connection.name))
        self.states = {}
        for l, each in enumerate(self.described):
            if each["type"] == "LIF" or each["decay"] != 0:
                shape = (case.entry["batch_size"], *self.structure.shapes[l])
                self.states[f"{l}"] = brainstate.HiddenState(jnp.zeros(shape, case.dtype))

    def update(self, inputs):
        """The output [B, C] of inputs [B, n_in]."""
        return self.layers(inputs)[-1]

    def layers(self, inputs):
        """The output of each layer."""
        previous = {l: self._fire(l) for l in self.structure.loop_sources}
        if not self.delayed:
            previous = jax.lax.stop_gradient(previous)
        outputs = []
        for l in range(len(self.described)):
            current = 0
            for connection in self.structure.incoming(l):
                source = connection.source
                given = previous[source] if connection.loop else inputs if source == INPUTS else outputs[source]
                current = current + self._current(connection, given)
            outputs.append(self._step(l, current))
        return outputs

    def _current(self, connection, values):
        weights = self.weights[connection.name].value
        if f"{connection.target}" in self.states:
            return braintrace.matmul(values, weights["weight"], weights.get("bias"))
        return values @ weights["weight"] + weights.get("bias", 0)

    def _step(self, l, current):
        if f"{l}" not in self.states:
            return current
        state, each = self.states[f"{l}"], self.described[l]
        if each["type"] != "LIF":
            state.value = each["decay"] * state.value + current
            return state.value
        state.value = self._carried(l) + current
        return self._fire(l)

    def _carried(self, l):
        u, each = self.states[f"{l}"].value, self.described[l]
        s = self._fire(l) if self.kept else jax.lax.stop_gradient(self._fire(l))
        if each["reset"] == "soft":
            return each["decay"] * (u - each["threshold"] * s)
        if each["reset"] == "unleaked":
            return each["decay"] * u - each["threshold"] * s
        return each["decay"] * ((1 - s) * u + each["reset_potential"] * s)

    def _fire(self, l):
        return self.surrogates[l](self.states[f"{l}"].value - self.described[l]["threshold"])


def _weights(case, name):
    found = {"weight": jnp.asarray(case.parameters[f"{name}.weight"].T)}
    if f"{name}.bias" in case.parameters:
        found["bias"] = jnp.asarray(case.parameters[f"{name}.bias"])
    return found


def step_loss(case):
    """outputs [B, C] → L[t] = ℓ / T, the mean over the batch."""
    description = case.entry["loss"]
    share = {"CrossEntropy": 0.0, "MeanSquaredError": 1.0, "Mixed": description.get("mse_weight")}[description["type"]]
    targets = jnp.asarray(case.targets)
    rows = jax.nn.one_hot(targets, case.network.output_size, dtype=case.dtype) if targets.ndim == 1 else targets

    def loss(outputs):
        total = 0.0
        if share < 1:
            total = total - (1 - share) * jnp.mean(jnp.sum(rows * jax.nn.log_softmax(outputs), axis=1))
        if share > 0:
            total = total + share * jnp.mean((outputs - rows) ** 2)
        return total / case.entry["time_steps"]

    return loss


def require_rule(case, method):
    """Raise NotImplementedError, which names the difference, where its rule is not the method."""
    neurons = [layer.neuron for layer in case.network.layers]
    if any(neuron.array_settings or len(neuron.states) > 1 for neuron in neurons):
        raise NotImplementedError("numbers of each neuron, or a second leak: the cell of the adapter has neither")
    if method.startswith("rtrl") and sum(not neuron.stateless for neuron in neurons) > 1:
        raise NotImplementedError("RTRL of several layers with a state: its rules drop what waits in the layers above")
    if method.startswith("ottt") and case.network.readout == "linear":
        raise NotImplementedError("the trace of a stateless readout: it pairs the error with the spikes as they are")
    if method.startswith("ottt") and any(neuron.spiking and neuron.reset == "hard" for neuron in neurons):
        raise NotImplementedError("the trace with a hard reset: a spike clears it, as the membrane that it stands for")


def learner_of(case, method):
    """The compiled rule of a method, and the network."""
    network = StepNetwork(case, kept=method == "rtrl-kept", delayed=method.startswith("rtrl"))
    rule, options = {
        "rtrl": (braintrace.SnAp, {"n": max(shape[0] for shape in case.network.shapes)}),
        "ottt": (braintrace.D_RTRL, {}),
        "sltt": (braintrace.OSTLFeedforward, {"decay_or_rank": 0.0}),
    }[method.split("-")[0]]
    with warnings.catch_warnings():
        # of SnAp, which takes all neurons for neighbours where it finds a surrogate: that is what is wanted here
        warnings.filterwarnings("ignore", "The SnAp-n position analysis could not derive a pattern", UserWarning)
        return braintrace.compile(network, rule, jnp.asarray(case.inputs[0]), **options), network


def forward(case):
    """Potentials, spikes, outputs and loss."""
    network = StepNetwork(case, kept=False, delayed=False)
    outputs, potentials, loss, total = [], [], step_loss(case), 0.0
    for inputs in jnp.asarray(case.inputs):
        outputs.append(network.layers(inputs))
        total += loss(outputs[-1][-1])
        potentials.append({l: state.value for l, state in network.states.items()})
    found = {f"potential/{l}": jnp.stack([row[l] for row in potentials]) for l in network.states}
    found.update({f"spikes/{l}": jnp.stack([row[l] for row in outputs]) for l in case.network.spiking})
    return {**found, "outputs": jnp.stack([row[-1] for row in outputs]), "loss": total}


def gradients(case, method):
    """The gradient of each parameter, by the driver of whole sequences."""
    learner, network = learner_of(case, method)
    loss = step_loss(case)
    found = learner.etrace_grad(
        jnp.asarray(case.inputs), step_fn=lambda inputs: loss(learner(inputs)), weights=network.weights, reduction="sum"
    )
    return named(case, found)


def online(case, method):
    """Each parameter after each time step of gradient descent."""
    learner, network = learner_of(case, method)
    loss, rate, rows = step_loss(case), case.entry["online"]["learning_rate"], []
    for inputs in jnp.asarray(case.inputs):
        step = brainstate.transform.grad(lambda inputs=inputs: loss(learner(inputs)), network.weights)()
        for name, weight in network.weights.items():
            weight.value = jax.tree.map(lambda value, slope: value - rate * slope, weight.value, step[name])
        rows.append(named(case, {name: weight.value for name, weight in network.weights.items()}))
    return {name: jnp.stack([row[name] for row in rows]) for name in rows[0]}


def named(case, by_connection):
    """Arrays by the case's parameter names, in its axes."""
    found = {}
    for name in case.parameters:
        connection, _, parameter = name.rpartition(".")
        value = by_connection[connection][parameter]
        found[name] = value.T if parameter == "weight" else value
    return found


def adapter(case, method):
    """Run a case by braintrace (`ottt_ref.conformance.adapter`)."""
    if method in ("ottt-authors", "ottt-online-authors"):
        raise NotImplementedError("the authors' dialect: it traces the inputs and the biases too")
    if method not in methods:
        raise NotImplementedError(f"the method {method}")
    require_rule(case, method)
    return run(case, method)


def run(case, method):
    """The adapter without its scruples about what its rules are."""
    with jax.enable_x64(case.dtype == "float64"):
        if method == "forward":
            return forward(case)
        return online(case, method) if method in ONLINE else gradients(case, method)


adapter.methods = methods
