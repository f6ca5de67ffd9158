"""Every operation, neuron and surrogate, with every setting, in every kind of number, is loaded as it was saved."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref.network.operations import SAVED
from ottt_ref.network.surrogate import ALL

from ..helpers import bits

IMAGE = (2, 4, 4)
FORMS = (float, np.float64, np.float32, Fraction)
SIZES = (int, np.int64, np.int8, np.uint16)


class Drawn:
    """Parts of a network, from Hypothesis's choices."""

    def __init__(self, draw):
        self.draw = draw
        self.dtype = draw(st.sampled_from([np.float64, np.float32]))
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32)))
        self.seen = set()

    def choose(self, *choices):
        return self.draw(st.sampled_from(choices))

    def number(self, *values):
        return self.choose(*FORMS)(self.choose(*values))

    def size(self, value):
        return self.choose(*SIZES)(value)

    def pair(self, value):
        return self.choose(self.size(value), (self.size(value), self.size(value)), [value, value])

    def array(self, *shape):
        return self.rng.normal(0.2, 0.5, shape).astype(self.dtype)

    def bias(self, n):
        return self.choose(None, False, self.array(n))

    def saw(self, operation):
        self.seen.add(type(operation))
        return operation

    def standardised(self, synapses):
        """The synapses, as they are or standardised."""
        if not self.draw(st.booleans()):
            return synapses
        options = self.choose({}, {"epsilon": self.number(0.5, 2.0**-20)})
        gain = self.choose(None, self.array(len(synapses.weight)))
        return self.saw(ot.WeightStandardised(self.saw(synapses), gain, **options))

    def convolution(self):
        """A convolution of images into images of the same shape, in one of two ways."""
        if self.draw(st.booleans()):
            step, groups = self.choose(1, 2), self.choose(1, 2)
            plain = ot.Conv2d(
                self.array(2, 2 // groups, 3, 3),
                self.bias(2),
                stride=self.pair(1),
                padding=(self.size(step), self.size(1)),
                dilation=(self.size(step), self.size(1)),
                groups=self.size(groups),
            )
            return [self.standardised(self.saw(plain))]
        halving = ot.Conv2d(self.array(2, 2, 2, 2), self.bias(2), stride=self.size(2))
        return [self.standardised(self.saw(halving)), self.saw(ot.Upsample2d(self.pair(2)))]

    def in_a_row(self):
        """Operations on sequences [2, 5] that leave their shape."""
        step, groups = self.choose(1, 2), self.choose(1, 2)
        options = {"stride": self.size(1), "padding": self.size(step), "dilation": self.size(step)}
        weight = self.array(2, 2 // groups, 3)
        convolution = self.saw(ot.Conv1d(weight, self.bias(2), groups=self.size(groups), **options))
        pool = self.saw(ot.AveragePool1d(self.size(3), self.size(1), self.size(1)))
        largest = self.saw(ot.MaxPool1d(self.size(3), self.size(1), self.size(1)))
        return self.draw(st.permutations([self.standardised(convolution), pool, largest]))

    def dense(self, n_out, n_in):
        return self.standardised(self.saw(ot.Dense(self.array(n_out, n_in), self.bias(n_out))))

    def others(self):
        """Operations that leave the shape of an image."""
        kinds = {
            "scale": lambda: [ot.Scale(self.number(0.75, -1.5, 2.0))],
            "dropout": lambda: [ot.Dropout(self.number(0.0, 0.25))],
            "pool": lambda: [ot.AveragePool2d(self.pair(3), stride=self.size(1), padding=self.pair(1))],
            "there and back": lambda: [
                ot.AveragePool2d(self.pair(2), self.choose(None, self.pair(2))),
                ot.Upsample2d(self.size(2)),
            ],
            "skip": lambda: [ot.SkipInit(self.array(1))],
            "largest": lambda: [ot.MaxPool2d(self.pair(3), stride=self.size(1), padding=self.pair(1))],
            "channels": lambda: [ot.ChannelScale(self.array(2), self.choose(None, self.array(2)))],
            "nothing": lambda: [ot.Chain()],
        }
        names = self.draw(st.lists(st.sampled_from(sorted(kinds)), max_size=3, unique=True))
        return [self.saw(operation) for name in names for operation in kinds[name]()]

    def chain(self, operations):
        """The operations in a list, a chain, or chains in chains; one of them alone as it is."""
        if len(operations) == 1 and self.draw(st.booleans()):
            return operations[0]
        shape = self.choose("list", "chain", "nested")
        if shape == "nested" and operations:
            operations = [ot.Chain(operations[:1]), self.saw(ot.Chain([ot.Chain(operations[1:])]))]
        return operations if shape == "list" else self.saw(ot.Chain(operations))

    def surrogate(self):
        kind = self.choose(*ALL)
        self.seen.add(kind)
        return kind(
            *(self.number(0.5, 1.25, 2.0) for _ in range(self.draw(st.integers(0, len(kind().description()) - 1))))
        )

    def spiking(self, decay):
        self.seen.add(ot.LIF)
        reset = self.choose("soft", "hard", "unleaked")
        below = self.number(0.0, -0.25, 0.125)
        return ot.LIF(decay, self.number(0.5, 1.0, 1.25), reset, self.surrogate(), reset_potential=below)


@st.composite
def networks(draw):
    """Two layers of images, one of rows, perhaps a readout; loops and skips between them."""
    drawn = Drawn(draw)
    if draw(st.integers(0, 3)) == 0:
        return network_of_sequences(drawn), drawn.seen
    decay = drawn.number(0.0, 0.5, 0.75, 1.0)  # one: a sum's inputs are traced by the membranes that it enters
    layers = []
    for _ in range(2):
        neuron = drawn.spiking(decay) if layers or draw(st.booleans()) else ot.Integrator()
        loop = drawn.chain(drawn.convolution()) if neuron.spiking and draw(st.booleans()) else None
        operations = [*drawn.others(), *drawn.convolution(), *drawn.others()[:0]]
        layers.append(ot.Layer(drawn.chain(operations), neuron, loop))
    last = [drawn.saw(ot.Flatten()), drawn.dense(3, 32)]
    layers.append(ot.Layer(last, drawn.choose(ot.Integrator(), ot.Integrator(drawn.number(0.5)), drawn.spiking(decay))))
    feedback, skips = [], []
    if draw(st.booleans()):
        feedback.append(ot.Feedback(drawn.size(1), drawn.size(0), drawn.chain(drawn.convolution())))
    if draw(st.booleans()):
        skips.append(ot.Skip(drawn.choose(-1, np.int64(-1)), drawn.size(1), drawn.chain(drawn.others())))
    shape = [drawn.size(length) for length in IMAGE]
    return ot.Network(layers, input_shape=drawn.choose(shape, tuple(shape)), feedback=feedback, skips=skips), drawn.seen


def network_of_sequences(drawn):
    hidden = ot.Layer(drawn.in_a_row(), drawn.spiking(drawn.number(0.0, 0.5)))
    readout = ot.Layer([drawn.saw(ot.Flatten()), drawn.dense(3, 10)], ot.Integrator())
    return ot.Network([hidden, readout], input_shape=(2, 5))


@pytest.mark.slow
def test_what_is_saved_is_what_is_loaded(tmp_path):
    seen = set()

    @settings(max_examples=40)
    @given(networks())
    def comes_back(drawn):
        network, parts = drawn
        seen.update(parts)
        require_saved_and_loaded(network, tmp_path / "net.npz")

    comes_back()
    assert seen == {*SAVED, *ALL, ot.LIF}


def require_saved_and_loaded(network, path):
    network.save(path)
    again = ot.Network.load(path)
    assert parts_of(again) == parts_of(network.rebuilt(lambda array: array, float))
    inputs = np.random.default_rng(0).normal(0.5, 1.0, (3, 2, *network.input_shape)).astype(network.dtype)
    for kept in ("detached", "kept"):
        found = [ot.bptt.gradients(each, inputs, [0, 2], reset_gradient=kept) for each in (network, again)]
        assert bits(found[0]) == bits(found[1]) and found[0].loss == found[1].loss
    saved = path.read_bytes()
    again.save(path)
    assert path.read_bytes() == saved


def parts_of(network):
    """Everything but the arrays, as texts; the dtypes of NumPy's numbers, which Python's do not have, would show."""
    connections = [(c.name, c.source, c.target, repr(c.operations), c.input_shape) for c in network.connections]
    return repr([layer.neuron for layer in network.layers]), repr(connections), network.dtype, network.shapes
