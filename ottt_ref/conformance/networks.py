"""The networks of the cases, and their inputs: each drawn from a numpy Generator, in float64."""

import numpy as np

from ..network import surrogate
from ..network.layers import INPUTS, Feedback, Layer, Skip
from ..network.network import Network, dense_network
from ..network.neurons import LIF, CubaLIF, Integrator
from ..network.operations import (
    AveragePool1d,
    AveragePool2d,
    ChannelScale,
    Conv1d,
    Conv2d,
    Dense,
    Flatten,
    MaxPool2d,
    Scale,
    SkipInit,
    Upsample2d,
    WeightStandardised,
)

IMAGE = (2, 4, 5)


def currents(rng, shape):
    """Currents that are uniform in [0, 2)."""
    return 2 * rng.random(shape)


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


def neurons_by_layer(rng):
    """Layers of which no two have λ, V_th, reset or surrogate in common, and a leaky readout of another λ."""
    layers = [
        Layer(_dense(rng, 5, 6), LIF()),
        Layer(_dense(rng, 5, 5), LIF(decay=0.9, threshold=0.7, reset="unleaked", surrogate=surrogate.Arctan(3.0))),
        Layer(_dense(rng, 4, 5), LIF(0.3, 0.6, "hard", surrogate.Triangle(1.5, 0.8), -0.1)),
        Layer(_dense(rng, 3, 4), Integrator(0.75)),
    ]
    return Network(layers)


def numbers_by_neuron(rng):
    """Decays and thresholds of each neuron, soft and hard resets, and a leaky readout with a decay of each output."""
    layers = [
        Layer(_dense(rng, 4, 6), LIF(np.array([0.25, 0.5, 0.75, 0.5]), rng.uniform(0.5, 1.2, 4))),
        Layer(_dense(rng, 4, 4), LIF(rng.uniform(0.1, 0.9, 4), 0.8, "hard", reset_potential=rng.uniform(-0.3, 0.2, 4))),
        Layer(_dense(rng, 3, 4), Integrator(np.array([0.5, 0.8, 0.3]))),
    ]
    return Network(layers)


def numbers_by_channel(rng):
    """Convolutions with a decay of each channel, the second with a threshold of each neuron, a stateless readout."""
    layers = [
        Layer(_conv(rng, 3, 2, padding=1), LIF(np.array([0.3, 0.6, 0.9]), np.array([0.8, 1.0, 1.2]))),
        Layer(_conv(rng, 2, 3, stride=2, padding=1), LIF(np.array([0.5, 0.75]), rng.uniform(0.5, 1.0, (2, 2, 3)))),
        Layer([Flatten(), _dense(rng, 3, 12)], Integrator()),
    ]
    return Network(layers, input_shape=IMAGE)


def learned_numbers(rng):
    """Decays and thresholds that are learned: of each neuron, and one for a layer; one leaks of the readout."""
    both = ("decay", "threshold")
    layers = [
        Layer(_dense(rng, 4, 6), LIF(rng.uniform(0.2, 0.8, 4), 0.9, trainable=both)),
        Layer(_dense(rng, 3, 4), LIF(0.6, rng.uniform(0.6, 1.0, 3), "unleaked", trainable=both), _dense(rng, 3, 3)),
        Layer(_dense(rng, 3, 3), Integrator(0.5, trainable=("decay",))),
    ]
    return Network(layers)


def two_leaks(rng):
    """Currents that leak: one leak for a layer, then one for each neuron; the reset does not leak."""
    layers = [
        Layer(_dense(rng, 4, 6), CubaLIF(0.6, 0.3, reset="unleaked")),
        Layer(_dense(rng, 3, 4), CubaLIF(rng.uniform(0.4, 0.9, 3), rng.uniform(0.2, 0.7, 3), 0.9, "unleaked")),
        _readout(rng, 3),
    ]
    return Network(layers)


def learned_leaks(rng):
    """A current that leaks, with everything learned, and a recurrent connection, before a layer of the same."""
    every = ("decay", "current_decay", "threshold")
    layers = [
        Layer(_dense(rng, 4, 6), CubaLIF(0.6, rng.uniform(0.2, 0.7, 4), trainable=every), _dense(rng, 4, 4, scale=0.6)),
        Layer(_dense(rng, 3, 4), CubaLIF(rng.uniform(0.4, 0.9, 3), 0.4, 0.8, "hard", trainable=every)),
        _readout(rng, 3),
    ]
    return Network(layers)


def dense_standardised(rng):
    """Dense weight-standardised synapses, one without a bias, and a skip from the inputs."""
    layers = [
        Layer(WeightStandardised(_dense(rng, 5, 6), rng.normal(1.5, 0.2, 5), epsilon=0.05), LIF()),
        Layer(WeightStandardised(_dense(rng, 4, 5, bias=False), rng.normal(1.5, 0.2, 4), epsilon=0.05), LIF()),
        _readout(rng, 4),
    ]
    return Network(layers, skips=[Skip(INPUTS, 1, _dense(rng, 4, 6, bias=False))])


def _conv(rng, c_out, c_in, size=3, **options):
    weight = rng.normal(0.1, 1.2, (c_out, c_in, size, size)) / np.sqrt(c_in * size * size)
    return Conv2d(weight, rng.normal(0.1, 0.1, c_out), **options)


def _readout(rng, n_in, n_out=3):
    return Layer(_dense(rng, n_out, n_in), Integrator())


def recurrent(rng):
    """A layer that hears itself, with a bias there too, one that does not, and a readout."""
    neuron = LIF(threshold=0.8)
    hidden = Layer(_dense(rng, 5, 6), neuron, _dense(rng, 5, 5, scale=0.8))
    return Network([hidden, Layer(_dense(rng, 4, 5), neuron), _readout(rng, 4)])


def two_decays(rng):
    """Layers of λ = 1/2 and 9/10, and a readout without a membrane: its traces have the λ of the second."""
    return Network([Layer(_dense(rng, 5, 6), LIF()), Layer(_dense(rng, 4, 5), LIF(decay=0.9)), _readout(rng, 4)])


def loops(rng):
    """Two layers that hear themselves and the first the second, which is the output."""
    layers = [
        Layer(_dense(rng, size, given), LIF(), _dense(rng, size, size, scale=0.8)) for given, size in ((6, 5), (5, 4))
    ]
    return Network(layers, feedback=[Feedback(1, 0, _dense(rng, 5, 4, bias=False, scale=0.8))])


def feedback(rng):
    """Two layers, of which the first hears the second, with another λ."""
    layers = [Layer(_dense(rng, 5, 6), LIF()), Layer(_dense(rng, 4, 5), LIF(decay=0.8)), _readout(rng, 4)]
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
    """Weight-standardised convolutions, the second with stride 2, spikes scaled by the paper's 2.74."""
    layers = [
        Layer(WeightStandardised(_conv(rng, 3, 2, padding=1), rng.normal(1.5, 0.2, 3)), LIF()),
        Layer([Scale(2.74), WeightStandardised(_conv(rng, 2, 3, stride=2, padding=1), rng.normal(1.0, 0.1, 2))], LIF()),
        Layer([Scale(2.74), Flatten(), _dense(rng, 3, 12)], Integrator()),
    ]
    return Network(layers, input_shape=IMAGE)


def windows(rng):
    """Kernels of 2 x 3 and 1 x 1 without padding, pools that overlap and are padded."""
    kernel = rng.normal(0.1, 1.2, (3, 2, 2, 3)) / np.sqrt(12)
    layers = [
        Layer(Conv2d(kernel, rng.normal(0.1, 0.1, 3)), LIF()),
        Layer(
            [AveragePool2d(2, stride=1, padding=1), Scale(2.0), Conv2d(rng.normal(0.1, 0.7, (4, 3, 1, 1)), False)],
            LIF(),
        ),
        Layer([AveragePool2d((2, 1), stride=(1, 2)), Flatten(), _dense(rng, 3, 24)], Integrator()),
    ]
    return Network(layers, input_shape=IMAGE)


def residual(rng):
    """A branch with a gain of its own, added to the layer that it starts from: a sum of currents, then neurons."""
    gain = np.array([0.7])
    layers = [
        Layer(_conv(rng, 3, 2, padding=1), LIF()),
        Layer([_conv(rng, 3, 3, padding=1), SkipInit(gain)], Integrator()),
        Layer(_conv(rng, 2, 3, padding=1), LIF(decay=0.7)),
        Layer([Flatten(), _dense(rng, 3, 40)], Integrator()),
    ]
    return Network(layers, input_shape=IMAGE, skips=[Skip(0, 1)])


def convolutional_feedback(rng):
    """Two convolutions, the second of pooled spikes; the first hears it, upsampled."""
    layers = [
        Layer(_conv(rng, 3, 2, padding=1), LIF(threshold=0.9)),
        Layer([AveragePool2d(2), _conv(rng, 2, 3, padding=1)], LIF(threshold=0.5)),
        Layer([Flatten(), _dense(rng, 3, 8)], Integrator()),
    ]
    back = Feedback(1, 0, [Upsample2d(2), _conv(rng, 3, 2, padding=1)])
    return Network(layers, input_shape=(2, 4, 4), feedback=[back])


def grouped(rng):
    """A depthwise convolution whose stride, padding and dilation differ by direction, then one in two groups."""
    depthwise = rng.normal(0.2, 1.0, (4, 1, 3, 2))
    in_groups = rng.normal(0.1, 0.8, (4, 2, 2, 2))
    options = {"stride": (1, 2), "padding": (0, 1), "dilation": (1, 2)}
    layers = [
        Layer(Conv2d(depthwise, rng.normal(0.1, 0.1, 4), groups=2, **options), LIF()),
        Layer(Conv2d(in_groups, rng.normal(0.1, 0.1, 4), groups=2), LIF()),
        Layer([Flatten(), _dense(rng, 3, 8)], Integrator()),
    ]
    return Network(layers, input_shape=IMAGE)


def in_a_row(rng):
    """Convolutions of sequences, the second dilated and in two groups, behind a pool."""
    first, second = rng.normal(0.1, 0.8, (4, 2, 3)), rng.normal(0.1, 1.0, (4, 2, 2))
    layers = [
        Layer(Conv1d(first, rng.normal(0.1, 0.1, 4), stride=2, padding=2), LIF()),
        Layer([AveragePool1d(2, 1), Conv1d(second, rng.normal(0.1, 0.1, 4), dilation=2, groups=2)], LIF(threshold=0.6)),
        Layer([Flatten(), _dense(rng, 3, 8)], Integrator()),
    ]
    return Network(layers, input_shape=(2, 7))


def max_pooled(rng):
    """Spikes that are pooled by their maximum, before a convolution and on the way to the readout."""
    layers = [
        Layer(_conv(rng, 3, 2, padding=1), LIF()),
        Layer([Scale(1.5), MaxPool2d(2, stride=(2, 1), padding=(1, 0)), _conv(rng, 2, 3, padding=1)], LIF()),
        Layer([MaxPool2d((1, 2)), Flatten(), _dense(rng, 3, 12)], Integrator()),
    ]
    return Network(layers, input_shape=IMAGE)


def normalised(rng):
    """Fixed scales and offsets of channels, before a convolution and behind one."""
    scales = [ChannelScale(rng.normal(1.2, 0.3, n), rng.normal(0.2, 0.2, n)) for n in (2, 3, 2)]
    layers = [
        Layer([scales[0], _conv(rng, 3, 2, padding=1), scales[1]], LIF()),
        Layer([AveragePool2d(2), _conv(rng, 2, 3, size=2), scales[2]], LIF(threshold=0.5)),
        Layer([Flatten(), _dense(rng, 3, 2)], Integrator()),
    ]
    return Network(layers, input_shape=IMAGE)


def leaky_stage(rng):
    """Between two layers of neurons a stage that leaks and does not spike: its potential is what it sends."""
    layers = [
        Layer(_dense(rng, 5, 6), LIF()),
        Layer(_dense(rng, 4, 5, scale=0.8), Integrator(0.75)),
        Layer(_dense(rng, 4, 4, scale=0.5), LIF(0.6)),
        _readout(rng, 4),
    ]
    return Network(layers)


def late(rng):
    """Delays of 2 in the row and in a loop, of 1 in a skip: two ways from the first layer, of different delays."""
    neuron = LIF(threshold=0.8)
    layers = [
        Layer(_dense(rng, 5, 6), neuron, _dense(rng, 5, 5, scale=0.8), recurrent_delay=2),
        Layer(_dense(rng, 4, 5), neuron, delay=2),
        _readout(rng, 4),
    ]
    return Network(layers, skips=[Skip(0, 2, _dense(rng, 3, 5, bias=False), delay=1)])


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
    """Every neuron fires at every time step, so far above the threshold that exp(α z) overflows in single precision.

    So does the exponential of the outputs, for a softmax that does not subtract the largest; the smallest underflows.
    """
    network = dense((6, 5, 5, 3))(rng)
    for l in range(2):
        network.parameters[f"layer{l}.bias"] = rng.uniform(30.0, 40.0, 5)
    network.parameters["readout.bias"] = rng.uniform(100.0, 101.0, 3) + np.array([0.0, 120.0, 240.0])
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
