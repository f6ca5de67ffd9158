"""Small networks of every kind that are not rows of dense layers, and a naive simulation of any network."""

from dataclasses import replace

import numpy as np

import ottt_ref as ot

IMAGE = (2, 5, 6)


def lif(decay=0.5, surrogate=None):
    """Neurons with a wide surrogate, so that central differences of the soft spikes are accurate."""
    return ot.LIF(decay, 1.0, surrogate=surrogate or ot.surrogate.Sigmoid(alpha=2.0))


def dense(rng, n_out, n_in, **options):
    return ot.Dense(rng.normal(0.2, 1, (n_out, n_in)) / np.sqrt(n_in), options.pop("bias", rng.normal(0.1, 0.1, n_out)))


def conv(rng, c_out, c_in, size=(3, 3), **options):
    scale = np.sqrt(c_in * size[0] * size[1])
    return ot.Conv2d(rng.normal(0.2, 1, (c_out, c_in, *size)) / scale, rng.normal(0.1, 0.1, c_out), **options)


def recurrent(rng):
    hidden = ot.Layer(dense(rng, 4, 3), lif(), dense(rng, 4, 4, bias=False))
    return ot.Network([hidden, ot.Layer(dense(rng, 2, 4), ot.Integrator())])


def recurrent_output(rng):
    hidden = ot.Layer(dense(rng, 4, 3), lif())
    return ot.Network([hidden, ot.Layer(dense(rng, 2, 4), lif(), dense(rng, 2, 2, bias=False))])


def feedback(rng):
    layers = [ot.Layer(dense(rng, n, m), lif()) for m, n in ((3, 4), (4, 3), (3, 2))]
    readout = ot.Layer(dense(rng, 2, 2), ot.Integrator(0.5))
    back = [ot.Feedback(2, 0, dense(rng, 4, 2)), ot.Feedback(1, 0, [ot.Scale(0.5), dense(rng, 4, 3, bias=False)])]
    return ot.Network([*layers, readout], feedback=back)


def skips(rng):
    layers = [ot.Layer(dense(rng, n, m), lif()) for m, n in ((3, 4), (4, 3))]
    readout = ot.Layer(dense(rng, 2, 3), ot.Integrator())
    across = [ot.Skip(0, 2, dense(rng, 2, 4, bias=False)), ot.Skip(-1, 1, dense(rng, 3, 3, bias=False))]
    return ot.Network([*layers, readout], skips=across)


def convolutional(rng):
    layers = [
        ot.Layer(conv(rng, 3, 2, padding=1), lif()),
        ot.Layer([ot.Scale(2.0), ot.AveragePool2d(2), conv(rng, 2, 3, (2, 3), stride=2, padding=1)], lif()),
        ot.Layer([ot.Flatten(), dense(rng, 2, 8)], ot.Integrator()),
    ]
    return ot.Network(layers, input_shape=IMAGE)


def grouped(rng):
    """Depthwise, dilated and strided by direction, then in two groups; upsampled by direction."""
    layers = [
        ot.Layer(conv(rng, 4, 1, (2, 3), stride=(1, 2), padding=(1, 2), dilation=(2, 1), groups=2), lif()),
        ot.Layer([ot.Upsample2d((1, 2)), ot.AveragePool2d((2, 1), (2, 1), (1, 0)), conv(rng, 2, 2, groups=2)], lif()),
        ot.Layer([ot.Flatten(), dense(rng, 2, 8)], ot.Integrator()),
    ]
    return ot.Network(layers, input_shape=(2, 4, 4))


def in_a_row(rng):
    """Sequences: two convolutions, the second depthwise and dilated, with a pool between them."""
    weights = [rng.normal(0.2, 1, shape) / 2 for shape in ((4, 2, 3), (4, 1, 2))]
    biases = rng.normal(0.1, 0.1, (2, 4))
    layers = [
        ot.Layer(ot.Conv1d(weights[0], biases[0], stride=2, padding=2), lif()),
        ot.Layer([ot.AveragePool1d(2, 1, 1), ot.Conv1d(weights[1], biases[1], dilation=2, groups=4)], lif()),
        ot.Layer([ot.Flatten(), dense(rng, 2, 16)], ot.Integrator()),
    ]
    return ot.Network(layers, input_shape=(2, 7))


def normalised(rng):
    """Batch normalisation at inference, as a fixed scale of channels: before and after a convolution, and in a row."""
    scales = [ot.ChannelScale(rng.normal(1, 0.2, n), rng.normal(0.1, 0.1, n)) for n in (2, 3, 2)]
    layers = [
        ot.Layer([scales[0], conv(rng, 3, 2, padding=1), scales[1]], lif()),
        ot.Layer([ot.AveragePool2d(2), ot.Flatten(), dense(rng, 2, 12), scales[2]], ot.Integrator()),
    ]
    return ot.Network(layers, input_shape=(2, 4, 4))


def max_pooled(rng):
    """Spikes of images pooled before a convolution, in a loop and on the way to the readout."""
    layers = [
        ot.Layer(conv(rng, 2, 1, padding=1), lif()),
        ot.Layer(
            [ot.MaxPool2d(2), conv(rng, 2, 2, padding=1)], lif(), [ot.MaxPool2d(3, 1, 1), conv(rng, 2, 2, (1, 1))]
        ),
        ot.Layer([ot.Scale(0.5), ot.MaxPool2d((1, 2)), ot.Flatten(), dense(rng, 2, 4)], ot.Integrator()),
    ]
    return ot.Network(layers, input_shape=(1, 4, 4))


def pooled_currents(rng):
    """A maximum of currents: parameters before what is not linear. No traces go through it."""
    layers = [
        ot.Layer([ot.SkipInit(np.array([0.9])), ot.MaxPool1d(2, 1), ot.Conv1d(rng.normal(size=(2, 1, 2)))], lif()),
        ot.Layer([ot.Conv1d(rng.normal(size=(2, 2, 2))), ot.MaxPool1d(2, 1)], lif()),
        ot.Layer([ot.Flatten(), dense(rng, 2, 4)], ot.Integrator()),
    ]
    return ot.Network(layers, input_shape=(1, 6))


def standardised_dense(rng):
    hidden = ot.WeightStandardised(dense(rng, 4, 3), rng.normal(1.5, 0.2, 4))
    return ot.Network([ot.Layer(hidden, lif()), ot.Layer(dense(rng, 2, 4), ot.Integrator())])


def standardised_convolution(rng):
    hidden = ot.WeightStandardised(conv(rng, 3, 2, padding=1), rng.normal(1.5, 0.2, 3), epsilon=0.1)
    readout = [ot.AveragePool2d((2, 3), stride=(3, 2), padding=1), ot.Flatten(), dense(rng, 2, 18)]
    return ot.Network([ot.Layer(hidden, lif()), ot.Layer(readout, ot.Integrator())], input_shape=IMAGE)


def residual(rng):
    """A stem, a block with an identity and one whose spikes stand for the current, and a readout of the current."""
    spikes = ot.Scale(2.0)
    gains = [ot.SkipInit(np.array([gain])) for gain in (0.7, -0.4)]
    layers = [
        ot.Layer([conv(rng, 2, 2, padding=1), ot.AveragePool2d(3, stride=2, padding=1)], ot.Integrator()),
        ot.Layer(ot.Scale(0.9), lif()),
        ot.Layer([spikes, conv(rng, 2, 2, padding=1)], lif()),
        ot.Layer([spikes, conv(rng, 2, 2, padding=1), gains[0], ot.Scale(0.5)], ot.Integrator()),
        ot.Layer(ot.Scale(0.8), lif()),
        ot.Layer([spikes, conv(rng, 3, 2, stride=2, padding=1)], lif()),
        ot.Layer([spikes, conv(rng, 3, 3, padding=1), gains[1]], ot.Integrator()),
        ot.Layer([ot.AveragePool2d(2), ot.Flatten(), dense(rng, 2, 3)], ot.Integrator()),
    ]
    across = [ot.Skip(0, 3), ot.Skip(4, 6, [spikes, conv(rng, 3, 2, (1, 1), stride=2)])]
    return ot.Network(layers, input_shape=IMAGE, skips=across)


def convolutional_feedback(rng):
    layers = [
        ot.Layer(conv(rng, 2, 1, padding=1), lif()),
        ot.Layer([ot.AveragePool2d(2), conv(rng, 3, 2, padding=1)], lif(), [ot.Scale(0.5), conv(rng, 3, 3, (1, 1))]),
        ot.Layer([ot.Flatten(), dense(rng, 2, 12)], ot.Integrator()),
    ]
    back = [ot.Feedback(1, 0, [ot.Scale(2.0), ot.Upsample2d(2), conv(rng, 2, 3, padding=1)])]
    return ot.Network(layers, input_shape=(1, 4, 4), feedback=back)


def dropped_out(rng):
    hidden = [ot.Layer([ot.Dropout(0.5), dense(rng, n, m)], lif()) for m, n in ((4, 5), (5, 4))]
    back = [ot.Feedback(1, 0, [ot.Dropout(0.25), dense(rng, 5, 4, bias=False)])]
    readout = ot.Layer([ot.Dropout(0.5), dense(rng, 2, 4)], ot.Integrator())
    return ot.Network([*hidden, readout], input_shape=(4,), feedback=back).with_dropout(3, rng)


def delays(rng):
    """Other delays of the row, of a skip and of loops; of the inputs too."""
    layers = [
        ot.Layer(dense(rng, 4, 3), lif(), dense(rng, 4, 4, bias=False), delay=1, recurrent_delay=2),
        ot.Layer(dense(rng, 3, 4), lif(), delay=2),
        ot.Layer(dense(rng, 2, 3), ot.Integrator(0.5)),
    ]
    across = [ot.Skip(0, 2, dense(rng, 2, 4, bias=False), delay=1), ot.Skip(-1, 1, dense(rng, 3, 3, bias=False))]
    back = [ot.Feedback(1, 0, dense(rng, 4, 3, bias=False), delay=3)]
    return ot.Network(layers, skips=across, feedback=back)


def delayed_row(rng):
    """A row of layers with delays alone, the last too, and a sum of currents and a leaky stage among them."""
    layers = [
        ot.Layer(dense(rng, 4, 3), lif()),
        ot.Layer(dense(rng, 3, 4), ot.Integrator(), delay=1),
        ot.Layer([ot.Scale(0.75)], lif(0.75), delay=1),
        ot.Layer(dense(rng, 3, 3), ot.Integrator(0.25)),
        ot.Layer(dense(rng, 2, 3), lif(), delay=1),
    ]
    return ot.Network(layers, skips=[ot.Skip(0, 1, dense(rng, 3, 4, bias=False))])


def delayed_loop(rng):
    """A recurrent connection with a delay of two time steps, and nothing else that is late."""
    hidden = ot.Layer(dense(rng, 4, 3), lif(), dense(rng, 4, 4, bias=False), recurrent_delay=2)
    return ot.Network([hidden, ot.Layer(dense(rng, 2, 4), ot.Integrator())])


def leaky_stages(rng):
    """Stages without spikes, of a λ of their own: the first layer, and one that a skip leads into."""
    layers = [
        ot.Layer(dense(rng, 4, 3), ot.Integrator(0.75)),
        ot.Layer(dense(rng, 4, 4), lif()),
        ot.Layer(dense(rng, 3, 4), ot.Integrator(0.25)),
        ot.Layer(dense(rng, 4, 3), lif(0.875)),
        ot.Layer(dense(rng, 2, 4), ot.Integrator()),
    ]
    return ot.Network(layers, skips=[ot.Skip(0, 2, dense(rng, 3, 4, bias=False))])


def leaky_loops(rng):
    """A stage without spikes that hears itself and is heard by the layer before it, and a readout of its potential."""
    layers = [
        ot.Layer(dense(rng, 4, 3), lif()),
        ot.Layer(dense(rng, 3, 4), ot.Integrator(0.75), [ot.Scale(0.25), dense(rng, 3, 3, bias=False)]),
        ot.Layer(dense(rng, 2, 3), ot.Integrator()),
    ]
    return ot.Network(layers, feedback=[ot.Feedback(1, 0, [ot.Scale(0.5), dense(rng, 4, 3)])])


KINDS = {
    kind.__name__: kind
    for kind in (
        recurrent,
        recurrent_output,
        feedback,
        skips,
        convolutional,
        grouped,
        in_a_row,
        normalised,
        standardised_dense,
        standardised_convolution,
        residual,
        convolutional_feedback,
        dropped_out,
        leaky_stages,
        leaky_loops,
        delays,
        delayed_row,
        delayed_loop,
    )
}
NOT_LINEAR = {kind.__name__: kind for kind in (max_pooled, pooled_currents)}
# images, and what is late: not among the quick tests
LARGE = (
    *("convolutional", "grouped", "in_a_row", "normalised", "standardised_convolution", "residual"),
    *("convolutional_feedback", "dropped_out", "delays", "delayed_row"),
)
LOOPS = (
    "recurrent",
    "recurrent_output",
    "feedback",
    "convolutional_feedback",
    "dropped_out",
    "leaky_loops",
    "delays",
    "delayed_loop",
)
LONGEST = {"delays": 3, "delayed_row": 3, "delayed_loop": 1}  # what is delayed most, in time steps
WITHOUT_RATES = ("leaky_stages", "leaky_loops", "delayed_row")  # which SR refuses


def case(kind, seed=0, time_steps=4, batch_size=3):
    """A network of that kind, inputs and labels; in each layer some neuron fires, some does not, in time for loops."""
    rng = np.random.default_rng([seed, *kind.encode()])
    time_steps += LONGEST.get(kind, 0)  # for what is delayed to arrive
    for _ in range(100):
        network = {**KINDS, **NOT_LINEAR}[kind](rng)
        inputs = rng.normal(0.8, 1, (time_steps, batch_size, *network.input_shape))
        if all(0 < spikes[:-1].mean() < 1 for spikes in ot.simulate(network, inputs).spikes):
            return network, inputs, rng.integers(0, 2, batch_size)
    raise AssertionError(f"no live {kind} network in 100 draws")


def rational(network):
    """The network with a triangular surrogate in place of its own, over fractions."""
    triangle = ot.surrogate.Triangle(2.0, 0.5)
    layers = [
        replace(layer, neuron=ot.LIF(layer.neuron.decay, surrogate=triangle) if layer.neuron.spiking else layer.neuron)
        for layer in network.layers
    ]
    return ot.Network(layers, input_shape=network.input_shape, feedback=network.feedback, skips=network.skips).exact()


def eighths(network):
    """The network's parameters rounded to eighths, in place: exact numbers stay short."""
    for name, value in network.parameters.items():
        network.parameters[name] = np.round(8 * value) / 8
    return network


def matrix_of(operation, input_shape):
    """The operation's linear map as a matrix [n_out, n_in], and what it adds for the constant 1, [n_out]."""
    size = int(np.prod(input_shape))
    basis = np.eye(size).reshape(size, *input_shape)
    return operation.forward(basis, np.zeros(1)).reshape(size, -1).T, operation.forward(
        np.zeros((1, *input_shape)), np.ones(1)
    ).reshape(-1)


def naive_simulation(network, inputs):
    """Potentials by layer [T, B, n]: every connection a matrix, one sample and one time step after the other."""
    count = len(network.layers)
    maps = {}
    for b in range(inputs.shape[1]):
        for connection in network.connections:
            maps[b, connection.name] = _sample_matrix(network, connection, b, inputs.shape[1])
    record = [[[None] * inputs.shape[1] for _ in inputs] for _ in range(count)]
    for b in range(inputs.shape[1]):
        potentials = [np.zeros(int(np.prod(shape))) for shape in network.shapes]
        outputs = [np.zeros(int(np.prod(shape))) for shape in network.shapes]
        past = []
        for t in range(len(inputs)):
            past.insert(0, [output.copy() for output in outputs])
            before = past[0]
            for l, layer in enumerate(network.layers):
                current = 0
                for connection in network.connections:
                    if connection.target == l:
                        matrix, offset = maps[b, connection.name]
                        current = current + matrix @ _given(connection, inputs[:, b], t, outputs, past) + offset
                neuron = layer.neuron
                threshold = neuron.threshold if neuron.spiking else 0
                fired = before[l] if neuron.spiking else 0
                potentials[l] = neuron.decay * (potentials[l] - threshold * fired) + current
                outputs[l] = (potentials[l] >= threshold).astype(float) if neuron.spiking else potentials[l]
                record[l][t][b] = potentials[l]
    return [np.array(values) for values in record]


def _given(connection, inputs, t, outputs, past):
    """s[t - d] of the connection's source, of one sample [n]; `past` has the outputs of t - 1, t - 2, ..."""
    d = connection.delay
    if connection.source == -1:
        return inputs[t - d].reshape(-1) if t >= d else np.zeros(inputs[0].size)
    if d == 0:
        return outputs[connection.source]
    return past[d - 1][connection.source] if d <= len(past) else np.zeros_like(outputs[connection.source])


def _sample_matrix(network, connection, b, batch_size):
    """The map of sample b: every row of a batch is that sample, so that its own dropout mask is met."""
    size = int(np.prod(connection.input_shape))

    def response(values, constant):
        batch = np.repeat(values[np.newaxis], batch_size, axis=0).reshape(batch_size, *connection.input_shape)
        return connection.forward(batch, np.array([constant]))[b].reshape(-1)

    columns = [response(row, 0.0) for row in np.eye(size)]
    return np.array(columns).T, response(np.zeros(size), 1.0)
