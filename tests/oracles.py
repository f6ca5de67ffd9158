"""Naive oracles: the equations as plain Python loops, one sample at a time, over floats and Fractions alike.

They read a network's description and share no code with what they judge. For dense networks with one λ, one V_th, soft
reset and a linear readout the pages of `ottt_ref.plain` say the same in fewer words, and are checked against this file;
here are also other resets and readouts, a λ and V_th for each layer, and what each time step adds. Nested lists are
indexed as the equations are: x[t][j], weight[i][j], terms[t][l].

BPTT and RTRL are checked against reverse-mode differentiation of the unrolled network, number by number (`Node`);
OTTT, SLTT and SR, which are no derivatives of a loss, against their defining sums.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np


def sigmoid_surrogate(z, alpha):
    sigma = 1 / (1 + math.exp(-alpha * z))
    return alpha * sigma * (1 - sigma)


def arctan_surrogate(z, alpha):
    return alpha / (2 * (1 + (math.pi / 2 * alpha * z) ** 2))


def triangle_surrogate(z, width, height):
    return height * max(0, 1 - abs(z) / width)


def rectangle_surrogate(z, width):
    return 1 / width if abs(z) < width / 2 else 0


def fast_sigmoid_surrogate(z, slope, height):
    return height / (1 + slope * abs(z)) ** 2


def normal_density(z, mean, std):
    return math.exp(-(((z - mean) / std) ** 2) / 2) / (std * math.sqrt(2 * math.pi))


def multi_gaussian_surrogate(z, sigma, h, s, scale):
    sides = normal_density(z, sigma, s * sigma) + normal_density(z, -sigma, s * sigma)
    return scale * ((1 + h) * normal_density(z, 0, sigma) - h * sides)


SURROGATES = {
    "Sigmoid": sigmoid_surrogate,
    "Arctan": arctan_surrogate,
    "Triangle": triangle_surrogate,
    "Rectangle": rectangle_surrogate,
    "FastSigmoid": fast_sigmoid_surrogate,
    "MultiGaussian": multi_gaussian_surrogate,
}


def cross_entropy(o, y):
    """ℓ and ∂ℓ/∂o of one sample."""
    weights = [math.exp(value) for value in o]
    shares = [weight / sum(weights) for weight in weights]
    loss = -sum(target * math.log(share) for target, share in zip(y, shares))
    return loss, [share - target for target, share in zip(y, shares)]


def mean_squared_error(o, y):
    """ℓ and ∂ℓ/∂o of one sample."""
    differences = [output - target for output, target in zip(o, y)]
    loss = sum(difference**2 for difference in differences) / len(o)
    return loss, [2 * difference / len(o) for difference in differences]


def half_squared_distance(o, y):
    """½ |o - y|² and its gradient, the loss of the theory's counterexamples."""
    differences = [output - target for output, target in zip(o, y)]
    return sum(difference**2 for difference in differences) / 2, differences


def mixed(o, y, mse_weight=0.05):
    """ℓ and ∂ℓ/∂o of one sample."""
    (cross, cross_gradient), (squared, squared_gradient) = cross_entropy(o, y), mean_squared_error(o, y)
    gradient = [(1 - mse_weight) * c + mse_weight * m for c, m in zip(cross_gradient, squared_gradient)]
    return (1 - mse_weight) * cross + mse_weight * squared, gradient


@dataclass
class PlainLayer:
    """One layer in plain numbers; a readout has no threshold. `stateless`: a readout that carries nothing."""

    weight: list
    bias: list
    decay: object
    threshold: object = None
    reset: str = "soft"
    reset_potential: object = 0
    psi: object = None

    @property
    def spiking(self):
        return self.threshold is not None

    @property
    def stateless(self):
        return not self.spiking and self.decay == 0


def plain_layers(network):
    """A network's description in plain numbers."""
    return [_plain_layer(layer.synapses, layer.neuron) for layer in network.layers]


def _plain_layer(synapses, neuron):
    weight, bias = synapses.weight.tolist(), synapses.bias.tolist()
    if not neuron.spiking:
        return PlainLayer(weight, bias, neuron.decay)
    numbers = neuron.surrogate.description()
    formula = SURROGATES[numbers.pop("type")]
    return PlainLayer(
        weight,
        bias,
        neuron.decay,
        neuron.threshold,
        neuron.reset,
        neuron.reset_potential,
        lambda z: formula(z, **numbers),
    )


def carried(layer, u, s):
    """What a membrane keeps of the last time step; u and s are numbers or Nodes."""
    if not layer.spiking:
        return layer.decay * u
    if layer.reset == "soft":
        return layer.decay * (u - layer.threshold * s)
    if layer.reset == "unleaked":
        return layer.decay * u - layer.threshold * s
    return layer.decay * (u - s * u + layer.reset_potential * s)


def fires(layer, u):
    """H(u - V_th), as a number of the threshold's type: an int count of spikes over T would be a rounded float."""
    return layer.threshold * 0 + (1 if u >= layer.threshold else 0)


@dataclass
class Step:
    """What the layers did in one time step, [l][i]; a readout's output is its potential, and its ψ is 1."""

    inputs: list
    potentials: list
    outputs: list
    psis: list

    def presynaptic(self, l):
        return self.inputs if l == 0 else self.outputs[l - 1]


def resting(layers):
    """Potentials and outputs before the first time step, [l][i]."""
    return [[0] * len(layer.bias) for layer in layers], [[0] * len(layer.bias) for layer in layers]


def advance(layers, potentials, outputs, x):
    """One time step from the last one's potentials and outputs, as a Step."""
    step = Step(x, [], [], [])
    for l, layer in enumerate(layers):
        s_in = step.presynaptic(l)
        u = [
            carried(layer, potentials[l][i], outputs[l][i])
            + sum(layer.weight[i][j] * s_in[j] for j in range(len(s_in)))
            + layer.bias[i]
            for i in range(len(layer.bias))
        ]
        step.potentials.append(u)
        if layer.spiking:
            step.outputs.append([fires(layer, value) for value in u])
            step.psis.append([layer.psi(value - layer.threshold) for value in u])
        else:
            step.outputs.append(u)
            step.psis.append([1] * len(u))
    return step


def simulate(layers, x):
    """Every time step of a sequence x[t][j]."""
    steps = []
    potentials, outputs = resting(layers)
    for x_t in x:
        steps.append(advance(layers, potentials, outputs, x_t))
        potentials, outputs = steps[-1].potentials, steps[-1].outputs
    return steps


class Node:
    """A number that knows what it was computed from, each with its partial derivative."""

    created = itertools.count()

    def __init__(self, value, parents=()):
        self.value = value
        self.parents = parents
        self.gradient = 0
        self.order = next(Node.created)

    def __add__(self, other):
        return Node(self.value + other.value, ((self, 1), (other, 1)))

    def __sub__(self, other):
        return Node(self.value - other.value, ((self, 1), (other, -1)))

    def __mul__(self, other):
        return Node(self.value * other.value, ((self, other.value), (other, self.value)))

    def __rmul__(self, number):
        return Node(number * self.value, ((self, number),))


def differentiate(outputs, errors):
    """Leave in every node's `gradient` that of Σ error · output."""
    nodes = {}
    waiting = list(outputs)
    while waiting:
        node = waiting.pop()
        if node.order not in nodes:
            nodes[node.order] = node
            node.gradient = 0
            waiting.extend(parent for parent, _ in node.parents)
    for output, error in zip(outputs, errors):
        output.gradient += error
    for order in sorted(nodes, reverse=True):
        for parent, derivative in nodes[order].parents:
            parent.gradient += derivative * nodes[order].gradient


@dataclass
class Graph:
    """An unrolled network of Nodes: weights[l][i][j], biases[l][i], potentials[t][l][i], outputs[t][c]."""

    weights: list
    biases: list
    potentials: list
    outputs: list

    def parameter_gradients(self):
        """(∇W, ∇b) of each layer, after `differentiate`."""
        return [
            ([[node.gradient for node in row] for row in weight], [node.gradient for node in bias])
            for weight, bias in zip(self.weights, self.biases)
        ]


def unroll(layers, x, kept):
    """The graph of a sequence; `kept` says whether the spike that resets is differentiated."""
    graph = Graph(
        [[[Node(w) for w in row] for row in layer.weight] for layer in layers],
        [[Node(value) for value in layer.bias] for layer in layers],
        [],
        [],
    )
    potentials, outputs = [[[Node(0) for _ in row] for row in part] for part in resting(layers)]
    for x_t in x:
        s_in = [Node(value) for value in x_t]
        for l, layer in enumerate(layers):
            for i in range(len(layer.bias)):
                last = outputs[l][i] if kept or not layer.spiking else Node(outputs[l][i].value)
                u = carried(layer, potentials[l][i], last) + graph.biases[l][i]
                for j in range(len(s_in)):
                    u = u + graph.weights[l][i][j] * s_in[j]
                potentials[l][i] = u
                outputs[l][i] = _spike(layer, u) if layer.spiking else u
            s_in = list(outputs[l])
        graph.potentials.append([list(row) for row in potentials])
        graph.outputs.append(s_in)
    return graph


def _spike(layer, u):
    return Node(fires(layer, u.value), ((u, layer.psi(u.value - layer.threshold)),))


@dataclass
class Sample:
    """What a method says of one sample: gradients[l] = (∇W, ∇b), and the same of each time step in terms[t][l]."""

    loss: object
    outputs: list
    gradients: list
    terms: list
    errors: list | None


def output_errors(outputs, y, loss, loss_of):
    """The sequence's loss and ∂L/∂o[t][c]."""
    time_steps = len(outputs)
    if loss_of == "average":
        value, gradient = loss([sum(column) / time_steps for column in zip(*outputs)], y)
        return value, [[part / time_steps for part in gradient] for _ in outputs]
    values, gradients = zip(*(loss(o, y) for o in outputs))
    return sum(values) / time_steps, [[part / time_steps for part in gradient] for gradient in gradients]


def flat(rows):
    return list(itertools.chain.from_iterable(rows))


def bptt(layers, x, y, loss, reset_gradient="detached", loss_of="steps"):
    graph = unroll(layers, x, reset_gradient == "kept")
    steps = simulate(layers, x)
    outputs = [[node.value for node in row] for row in graph.outputs]
    value, errors = output_errors(outputs, y, loss, loss_of)
    differentiate(flat(graph.outputs), flat(errors))
    deltas = [[[node.gradient for node in row] for row in step] for step in graph.potentials]
    terms = [
        [pair(delta, step.presynaptic(l), 1) for l, delta in enumerate(delta_t)] for delta_t, step in zip(deltas, steps)
    ]
    return Sample(value, outputs, graph.parameter_gradients(), terms, deltas)


def rtrl(layers, x, y, loss, reset_gradient="detached"):
    graph = unroll(layers, x, reset_gradient == "kept")
    outputs = [[node.value for node in row] for row in graph.outputs]
    value, errors = output_errors(outputs, y, loss, "steps")
    terms = []
    for nodes, error in zip(graph.outputs, errors):
        differentiate(flat(graph.outputs), flat([0] * len(nodes) for nodes in graph.outputs))
        differentiate(nodes, error)
        terms.append(graph.parameter_gradients())
    return Sample(value, outputs, total(terms), terms, None)


def pair(error, presynaptic, bias_input):
    """(∇W, ∇b) of one time step: error ⊗ presynaptic, error · bias_input."""
    return [[e * value for value in presynaptic] for e in error], [e * bias_input for e in error]


def total(terms):
    """Σ_t of terms[t][l]."""
    return [
        (
            [[sum(column) for column in zip(*rows)] for rows in zip(*(weight for weight, _ in layer))],
            [sum(column) for column in zip(*(bias for _, bias in layer))],
        )
        for layer in zip(*terms)
    ]


def instantaneous_errors(layers, step, error):
    """g[l][i] of one time step, from the last layer down."""
    g = [None] * len(layers)
    for l in reversed(range(len(layers))):
        g[l] = [psi * e for psi, e in zip(step.psis[l], error)]
        weight = layers[l].weight
        error = [sum(weight[i][j] * g[l][i] for i in range(len(weight))) for j in range(len(weight[0]))]
    return g


def trace_decay(layers, l):
    """λ of the membranes that layer l's input enters; for a stateless readout of those that send it."""
    return layers[l - 1].decay if layers[l].stateless else layers[l].decay


def traced_inputs(layers, steps, l, dialect):
    """What OTTT pairs layer l's error with at the last of `steps`, summed anew: ([â_j], bias's)."""
    if dialect == "authors":
        bias_input = 1
    else:
        bias_input = 1 if layers[l].stateless else sum(layers[l].decay ** k for k in range(len(steps)))
    if l == 0 and dialect == "authors":
        return steps[-1].inputs, bias_input
    decay = trace_decay(layers, l)
    weighted = [[decay**k * value for value in step.presynaptic(l)] for k, step in enumerate(reversed(steps))]
    return [sum(column) for column in zip(*weighted)], bias_input


def ottt(layers, x, y, loss, dialect="derivation"):
    return _forward_in_time(layers, x, y, loss, lambda steps, l: traced_inputs(layers, steps, l, dialect))


def sltt(layers, x, y, loss, dialect="derivation"):
    return _forward_in_time(layers, x, y, loss, lambda steps, l: (steps[-1].presynaptic(l), 1))


def _forward_in_time(layers, x, y, loss, paired_with):
    steps = simulate(layers, x)
    outputs = [step.outputs[-1] for step in steps]
    value, output_error = output_errors(outputs, y, loss, "steps")
    errors = [instantaneous_errors(layers, step, error) for step, error in zip(steps, output_error)]
    terms = [[pair(g, *paired_with(steps[: t + 1], l)) for l, g in enumerate(errors[t])] for t in range(len(steps))]
    return Sample(value, outputs, total(terms), terms, errors)


def ottt_online(layers, x, y, loss, learning_rate, dialect="derivation"):
    """The weights after OTTT_O with plain gradient descent on L[t] = ℓ / T: they move while the sequence runs."""
    steps = []
    potentials, outputs = resting(layers)
    for x_t in x:
        steps.append(advance(layers, potentials, outputs, x_t))
        potentials, outputs = steps[-1].potentials, steps[-1].outputs
        error = [part / len(x) for part in loss(outputs[-1], y)[1]]
        errors = instantaneous_errors(layers, steps[-1], error)
        for l, g in enumerate(errors):
            descend(layers[l], pair(g, *traced_inputs(layers, steps, l, dialect)), learning_rate)
    return layers


def descend(layer, gradient, learning_rate):
    """One step of gradient descent, in place."""
    for i, row in enumerate(gradient[0]):
        layer.bias[i] = layer.bias[i] - learning_rate * gradient[1][i]
        for j, part in enumerate(row):
            layer.weight[i][j] = layer.weight[i][j] - learning_rate * part


def weighted_rate(values, decay):
    """Σ_t λ^(T-t) s[t] / Σ_t λ^(T-t) of values[t][i]."""
    weights = [decay**k for k in reversed(range(len(values)))]
    return [sum(w * v for w, v in zip(weights, column)) / sum(weights) for column in zip(*values)]


def affine(layer, a):
    """W a + b."""
    return [sum(w * value for w, value in zip(row, a)) + bias for row, bias in zip(layer.weight, layer.bias)]


def spike_representation(layers, x, y, loss, rates="measured"):
    steps = simulate(layers, x)
    spiking = [layer for layer in layers if layer.spiking]
    a = [weighted_rate(x, layers[0].decay)]
    for l, layer in enumerate(spiking):
        if rates == "measured":
            a.append(weighted_rate([step.outputs[l] for step in steps], layer.decay))
        else:
            a.append([min(max(current / layer.threshold, 0), 1) for current in affine(layer, a[l])])
    outputs = a[-1] if layers[-1].spiking else affine(layers[-1], a[-1])
    value, p = loss(outputs, y)
    term, errors = [None] * len(layers), [None] * len(layers)
    for l in reversed(range(len(layers))):
        layer = layers[l]
        if layer.spiking:
            mask = [0 < current / layer.threshold < 1 for current in affine(layer, a[l])]
            p = [part / layer.threshold if passes else 0 for part, passes in zip(p, mask)]
        errors[l] = p
        term[l] = pair(p, a[l], 1)
        p = [sum(layer.weight[i][j] * p[i] for i in range(len(p))) for j in range(len(a[l]))]
    return Sample(value, outputs, term, [term], [errors])


METHODS = {
    "bptt": bptt,
    "ottt": ottt,
    "sltt": sltt,
    "rtrl": rtrl,
    "spike_representation": spike_representation,
}


@dataclass
class Batch:
    """A method's mean over a batch in object arrays, keyed and shaped as ottt_ref's Gradients."""

    loss: object
    outputs: np.ndarray
    gradients: dict
    terms: dict
    errors: list | None


def batch(method, network, inputs, targets, loss, **options):
    """The named method on inputs [T, B, n_in] and target rows [B, C]."""
    layers = plain_layers(network)
    samples = [
        METHODS[method](layers, inputs[:, b].tolist(), targets[b].tolist(), loss, **options)
        for b in range(inputs.shape[1])
    ]
    size = len(samples)
    outputs = np.stack([np.array(sample.outputs, dtype=object) for sample in samples], axis=-2)
    errors = None
    if samples[0].errors is not None:
        errors = [
            np.stack([objects([step[l] for step in sample.errors]) / size for sample in samples], axis=1)
            for l in range(len(layers))
        ]
    return Batch(
        sum(sample.loss for sample in samples) / size,
        outputs,
        _named(network, [mean([sample.gradients for sample in samples])], stacked=False),
        _named(network, [mean([sample.terms[t] for sample in samples]) for t in range(len(samples[0].terms))]),
        errors,
    )


def objects(nested):
    """A nested list as an object array."""
    return np.array(nested, dtype=object)


def mean(gradients):
    """The mean over samples of [l] = (∇W, ∇b), as object arrays."""
    return [
        tuple(sum(objects(part) for part in parts) / len(gradients) for parts in zip(*layer))
        for layer in zip(*gradients)
    ]


def _named(network, steps, stacked=True):
    rows = [[part for layer in step for part in layer] for step in steps]
    return {
        name: np.stack([row[k] for row in rows]) if stacked else rows[0][k] for k, name in enumerate(network.parameters)
    }
