"""Which cases there are: a network, its inputs, targets and loss, and what the case is there to tell apart.

Each is drawn from a generator of its own, seeded by the case's name, anew until every layer is alive and nothing
discontinuous lies nearer than MARGIN: no potential to its threshold or to an edge of a rectangular surrogate, no
argument of SR's rate mapping to the corners of the clamp. Then nothing flips by rounding, in double or in single
precision. The case at the threshold is made of small binary fractions instead, on which floats do not round at all.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from .. import losses, spike_representation, surrogate
from ..convolution import Conv2d
from ..layers import Feedback, Layer, Skip
from ..network import Network, dense_network
from ..neurons import LIF, Integrator
from ..operations import AveragePool2d, Flatten, Scale
from ..simulation import arriving, one, run
from ..synapses import Dense
from ..weight_standardisation import WeightStandardised

MARGIN = 2.0**-10  # of the threshold; float32 rounds potentials of a few V_th by some 2^-22
ATTEMPTS = 1000
IMAGE = (2, 4, 5)


def currents(rng, shape):
    """Currents that are uniform in [0, 2)."""
    return 2 * rng.random(shape)


@dataclass(frozen=True)
class Specification:
    """A case before its numbers are drawn.

    purpose   what it is there for, in a sentence
    network   rng → Network in float64
    inputs    (rng, shape [T, B, ...]) → inputs in float64
    margin    whether the draw must keep MARGIN
    alive     whether the draw must be alive (`is_alive`)
    rates     whether SR is asked for: not where the clamp's corners cannot be kept away from
    """

    name: str
    purpose: str
    network: Callable
    time_steps: int = 6
    batch_size: int = 4
    loss: losses.Loss = field(default_factory=losses.Mixed)
    inputs: Callable = currents
    targets: str = "labels"
    dtype: str = "float64"
    margin: bool = True
    alive: bool = True
    rates: bool = True


@dataclass(frozen=True)
class Drawn:
    """A case's numbers: the network, its inputs [T, B, ...], its targets, and the margin in thresholds."""

    specification: Specification
    network: Network
    inputs: np.ndarray
    targets: np.ndarray
    margin: float


def draw(specification):
    """The case's numbers, the same every time. Raises ValueError where no draw keeps the margin or is alive."""
    rng = np.random.default_rng(zlib.crc32(specification.name.split("-float32")[0].encode()))
    for _ in range(ATTEMPTS):
        network = specification.network(rng).astype(specification.dtype)
        shape = (specification.time_steps, specification.batch_size, *network.input_shape)
        inputs = specification.inputs(rng, shape).astype(specification.dtype)
        targets = _targets(specification, rng, network)
        margin = least_margin(network, inputs, specification.rates)
        drawn = Drawn(specification, network, inputs, targets, margin)
        if (margin >= MARGIN or not specification.margin) and (not specification.alive or is_alive(drawn)):
            return drawn
    raise ValueError(f"{specification.name}: no draw of {ATTEMPTS} is alive and keeps a margin of {MARGIN}")


def _targets(specification, rng, network):
    batch, classes = specification.batch_size, network.outputs
    if specification.targets == "labels":
        return rng.integers(0, classes, size=batch)
    return rng.random((batch, classes)).astype(specification.dtype)


def least_margin(network, inputs, with_rates):
    """The least distance, in thresholds, of anything discontinuous: see the module's docstring.

    A rate's current that is 0 exactly, where nothing arrives, lies on the clamp's corner for every backend alike.
    """
    activity = run(network, inputs)
    distances = []
    for l in network.spiking:
        neuron = network.layers[l].neuron
        z = (activity.layer_potentials[l].astype(np.float64) - neuron.threshold) / neuron.threshold
        distances.append(np.abs(z).min())
        if isinstance(neuron.surrogate, surrogate.Rectangle):
            distances.append(np.abs(np.abs(z) - neuron.surrogate.width / 2 / neuron.threshold).min())
    if with_rates:
        values, _ = spike_representation.rates_of(network, inputs, "measured")
        for l in network.spiking:
            current = arriving(network, l, lambda c: values[c.source + 1], one(network)).astype(np.float64)
            current = current[current != 0] / network.layers[l].neuron.threshold
            distances += [np.abs(current - corner).min(initial=np.inf) for corner in (0, 1)]
    return float(min(distances))


def is_alive(drawn):
    """Whether each layer spikes in a tenth to nine tenths of its neurons and steps, and no gradient of SR is 0."""
    network, inputs = drawn.network, drawn.inputs
    if not all(0.1 <= spikes.mean() <= 0.9 for spikes in run(network, inputs).spikes):
        return False
    if not drawn.specification.rates:
        return True
    gradients = spike_representation.gradients(network, inputs, drawn.targets, drawn.specification.loss)
    return all(np.any(value != 0) for value in gradients.values())


def dense(sizes=(6, 5, 5, 3), **options):
    """Networks of dense layers; biases are drawn, which fresh networks have at 0."""

    def make(rng):
        network = dense_network(sizes, rng=rng, **options)
        for name, value in network.parameters.items():
            if name.endswith("bias"):
                network.parameters[name] = rng.normal(0.1, 0.1, value.shape)
        return network

    return make


def _dense(rng, n_out, n_in, bias=True, scale=1.2):
    weight = rng.normal(0.1, scale, (n_out, n_in)) / np.sqrt(n_in)
    return Dense(weight, rng.normal(0.1, 0.1, n_out) if bias else False)


def two_decays(rng):
    """Layers of λ = 1/2 and 9/10: a trace decays with the λ of the membrane that it enters."""
    layers = [Layer(_dense(rng, 5, 6), LIF()), Layer(_dense(rng, 4, 5), LIF(decay=0.9)), _readout(rng, 4)]
    return Network(layers)


def _conv(rng, c_out, c_in, size=3, **options):
    weight = rng.normal(0.1, 1.2, (c_out, c_in, size, size)) / np.sqrt(c_in * size * size)
    return Conv2d(weight, rng.normal(0.1, 0.1, c_out), **options)


def _readout(rng, n_in, n_out=3):
    return Layer(_dense(rng, n_out, n_in), Integrator())


def recurrent(rng):
    """A layer that hears itself, one that does not, and a readout."""
    hidden = Layer(_dense(rng, 5, 6), LIF(), _dense(rng, 5, 5, bias=False))
    return Network([hidden, Layer(_dense(rng, 4, 5), LIF()), _readout(rng, 4)])


def feedback(rng):
    """Two layers, of which the first hears the second."""
    layers = [Layer(_dense(rng, 5, 6), LIF()), Layer(_dense(rng, 4, 5), LIF()), _readout(rng, 4)]
    return Network(layers, feedback=[Feedback(1, 0, _dense(rng, 5, 4, bias=False))])


def skip(rng):
    """Two layers, and a readout that hears both."""
    layers = [Layer(_dense(rng, 5, 6), LIF()), Layer(_dense(rng, 4, 5), LIF()), _readout(rng, 4)]
    return Network(layers, skips=[Skip(0, 2, _dense(rng, 3, 5, bias=False))])


def convolutional(rng):
    """Two convolutions, the second with stride 2."""
    layers = [
        Layer(_conv(rng, 3, 2, padding=1), LIF()),
        Layer(_conv(rng, 2, 3, stride=2, padding=1), LIF()),
        Layer([Flatten(), _dense(rng, 3, 12)], Integrator()),
    ]
    return Network(layers, input_shape=IMAGE)


def pooled(rng):
    """Convolutions, with a scale and average pooling between them."""
    layers = [
        Layer(_conv(rng, 3, 2, padding=1), LIF()),
        Layer([Scale(2.0), AveragePool2d(2), _conv(rng, 2, 3, padding=1)], LIF()),
        Layer([Scale(2.0), Flatten(), _dense(rng, 3, 8)], Integrator()),
    ]
    return Network(layers, input_shape=IMAGE)


def standardised(rng):
    """Weight-standardised convolutions, spikes scaled by the paper's 2.74."""
    layers = [
        Layer(WeightStandardised(_conv(rng, 3, 2, padding=1), rng.normal(1.5, 0.2, 3)), LIF()),
        Layer([Scale(2.74), WeightStandardised(_conv(rng, 2, 3, padding=1), rng.normal(1.0, 0.1, 2))], LIF()),
        Layer([Scale(2.74), Flatten(), _dense(rng, 3, 40)], Integrator()),
    ]
    return Network(layers, input_shape=IMAGE)


def convolutional_feedback(rng):
    """Two convolutions, of which the first hears the second."""
    layers = [
        Layer(_conv(rng, 3, 2, padding=1), LIF()),
        Layer(_conv(rng, 2, 3, padding=1), LIF()),
        Layer([Flatten(), _dense(rng, 3, 40)], Integrator()),
    ]
    return Network(layers, input_shape=IMAGE, feedback=[Feedback(1, 0, _conv(rng, 3, 2, padding=1))])


def at_threshold(rng):
    """Weights of 1/2 and 1, inputs 0 and 1, λ = 1/2: many potentials are V_th exactly."""
    neuron = LIF(surrogate=surrogate.Triangle())
    weights = [rng.choice([0.5, 1.0, 1.0, -0.5], size) for size in ((5, 4), (4, 5), (3, 4))]
    layers = [Layer(Dense(weight, np.zeros(len(weight))), neuron) for weight in weights[:2]]
    return Network([*layers, Layer(Dense(weights[2], np.zeros(3)), Integrator())])


def zero_weights(rng):
    """Nothing but biases, of which some are above the threshold."""
    network = dense((6, 5, 5, 3))(rng)
    for name, value in network.parameters.items():
        network.parameters[name] = np.zeros_like(value)
    network.parameters["layer0.bias"] = np.array([0.3, 0.6, 0.9, 1.2, -0.2])
    network.parameters["layer1.bias"] = np.array([0.7, 1.5, 0.2, -0.3, 0.8])
    return network


def saturated(rng):
    """Every neuron fires at every time step."""
    network = dense((6, 5, 5, 3))(rng)
    for l in range(2):
        network.parameters[f"layer{l}.bias"] = rng.uniform(6.0, 8.0, 5)
    return network


def events(rng, shape):
    """Spikes: 0 and 1."""
    return rng.integers(0, 2, shape).astype(np.float64)


def images(rng, shape):
    """Currents of both signs."""
    return rng.normal(size=shape)


def faint(rng, shape):
    """Currents that no neuron fires at."""
    return 0.01 * rng.random(shape)


def _all():
    base = Specification("dense", "the base case: three layers, the paper's neurons and loss", dense())
    cases = [base]

    def add(name, purpose, network=None, **options):
        cases.append(Specification(name, purpose, network or dense(), **options))

    add("dense-one-step", "T = 1, where all methods but SR agree", time_steps=1)
    add("dense-one-sample", "B = 1", batch_size=1, time_steps=4)
    add("dense-long", "T = 50, B = 1", dense(decay=0.9), time_steps=50, batch_size=1)
    add("dense-square", "T = B: swapped axes keep the shape", time_steps=5, batch_size=5)
    for decay in (0.0, 0.9, 1.0):
        add(f"dense-decay-{decay:g}", f"λ = {decay:g}", dense(decay=decay), time_steps=10)
    add("dense-two-decays", "λ = 0.5, then 0.9: traces decay with the membrane that they enter", two_decays)
    add("dense-threshold", "V_th = 0.75, not 1", dense(threshold=0.75))
    add("dense-events", "inputs that are spikes", inputs=events)
    for kind in (surrogate.Arctan(), surrogate.Triangle(), surrogate.Rectangle(2.0), surrogate.MultiGaussian()):
        name = type(kind).__name__
        add(f"dense-{name.lower()}", f"the surrogate {name}", dense(surrogate=kind))
    add("dense-sharp", "a sigmoid surrogate with α = 10", dense(surrogate=surrogate.Sigmoid(10.0)))
    add("dense-unleaked", "the reset that does not leak", dense(reset="unleaked"))
    add("dense-hard", "the hard reset, to a potential that is not 0", dense(reset="hard", reset_potential=-0.2))
    add("dense-cross-entropy", "the cross-entropy alone", loss=losses.CrossEntropy())
    add(
        "dense-squared-error",
        "squared error to targets that are no classes",
        loss=losses.MeanSquaredError(),
        targets="rows",
    )
    add("dense-mixed", "the mixed loss with another share", loss=losses.Mixed(0.3))
    add("dense-spiking-readout", "the last layer spikes", dense(readout="spiking"))
    add("dense-leaky-readout", "the readout leaks", dense(readout="leaky"))
    add("recurrent", "a layer that hears itself", recurrent)
    add("feedback", "a layer that hears a later one", feedback)
    add("skip", "a layer that hears one before the last", skip)
    add("conv", "convolutions with stride and padding", convolutional, inputs=images)
    add("conv-pooled", "pooling and a fixed scale between layers", pooled, inputs=images)
    add("conv-standardised", "scaled weight standardisation", standardised, inputs=images)
    add("conv-feedback", "a convolution back to the first layer", convolutional_feedback, inputs=images, time_steps=4)
    add("silent", "no neuron ever fires", dense(), inputs=faint, alive=False)
    add("saturated", "every neuron fires at every time step", saturated, alive=False)
    add("zero-weights", "every weight is 0: biases alone", zero_weights, alive=False)
    add(
        "at-threshold",
        "potentials at the threshold exactly: H(0) = 1",
        at_threshold,
        inputs=events,
        margin=False,
        rates=False,
    )
    for name in ("dense", "dense-long", "recurrent", "conv-standardised"):
        like = next(case for case in cases if case.name == name)
        cases.append(
            replace(like, name=f"{name}-float32", purpose=f"{like.purpose}; in single precision", dtype="float32")
        )
    return tuple(cases)


SPECIFICATIONS = _all()
