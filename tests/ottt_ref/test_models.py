"""The paper's networks: their architectures count for count, and what they do."""

import math

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.memory import peak_bytes

from .helpers import LIGHT

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)


def count(network):
    return sum(value.size for value in network.parameters.values())


def convolution(inputs, outputs, window=3):
    """Parameters of a standardised convolution: weight, gain and bias."""
    return inputs * outputs * window**2 + 2 * outputs


VGG11 = [(3, 64), (64, 128), (128, 256), (256, 256), (256, 512), (512, 512), (512, 512), (512, 512)]


def test_vgg11_has_the_papers_parameters():
    network = ot.models.vgg11_ws(rng=0, dtype=np.float32)
    expected = sum(convolution(*widths) for widths in VGG11) + 512 * 10 + 10
    assert count(network) == expected == 9_228_362
    assert network.shapes == (
        (64, 32, 32),
        (128, 32, 32),
        (256, 16, 16),
        (256, 16, 16),
        (512, 8, 8),
        (512, 8, 8),
        (512, 4, 4),
        (512, 4, 4),
        (10,),
    )


def test_vgg11_with_feedback_has_one_plain_convolution_more():
    network = ot.models.vgg11_ws_feedback(rng=0, dtype=np.float32)
    assert count(network) == 9_228_362 + 512 * 64 * 9 + 64 == 9_228_362 + 294_976
    (back,) = network.feedback
    assert (back.source, back.target) == (7, 0)
    assert not np.any(network.parameters["layer0.feedback7.weight"])


def test_resnet34_has_the_papers_parameters():
    network = ot.models.nf_resnet34_ws((3, 64, 64), 1000, rng=0, dtype=np.float32)
    widths, blocks = (64, 128, 256, 512), (3, 4, 6, 3)
    expected = convolution(3, 64, 7) + 512 * 1000 + 1000 + sum(blocks)  # a gain for each block
    before = 64
    for width, repeats in zip(widths, blocks):
        if width != before:
            expected += convolution(before, width, 1)
        for block in range(repeats):
            expected += convolution(width if block else before, width) + convolution(width, width)
        before = width
    assert count(network) == expected == 21_797_688
    assert network.spiking_layers == 32 and len(network.skips) == 16
    images = (network.shapes[l] for l in (0, 9, 21, 39, 48))
    assert list(images) == [(64, 16, 16), (64, 16, 16), (128, 8, 8), (256, 4, 4), (512, 2, 2)]


def test_a_block_divides_by_the_variance_that_it_expects():
    network = ot.models.nf_resnet34_ws((1, 8, 8), 2, rng=0, alpha=0.5)
    factors = [network.layers[l].synapses.operations[0].factor for l in range(1, 49, 3)]
    # the first block after a halving still sees what the stage before has added up
    variances = [1, 1.25, 1.5, 1.75, 1.25, 1.5, 1.75, 2.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 1.25, 1.5]
    assert factors == pytest.approx([1 / math.sqrt(variance) for variance in variances])


@pytest.mark.slow
def test_a_residual_block_starts_as_the_identity():
    network = ot.models.nf_resnet34_ws((1, 16, 16), 2, rng=0)
    activity = ot.simulate(network, RNG.normal(size=(1, 2, 1, 16, 16)))
    assert np.array_equal(activity.layer_potentials[3], activity.layer_potentials[0])
    network.parameters["layer3.skip_gain"] = np.ones(1)
    moved = ot.simulate(network, RNG.normal(size=(1, 2, 1, 16, 16)) * 5)
    assert not np.array_equal(moved.layer_potentials[3], moved.layer_potentials[0])


def test_small_networks_are_small():
    assert count(ot.models.small_conv(rng=0)) == convolution(1, 16) + convolution(16, 32) + 128 * 10 + 10 == 6_138
    assert count(ot.models.small_feedback(rng=0)) == 6_138 + 32 * 16 * 9 + 16


@pytest.mark.parametrize("model", ["vgg11_ws", "vgg11_ws_feedback", "nf_resnet34_ws", "small_conv", "small_feedback"])
def test_the_same_seed_gives_the_same_model(model):
    make = getattr(ot.models, model)
    shape = (1, 8, 8)
    first, again, other = (make(shape, 3, rng=seed, dtype=np.float32) for seed in (5, 5, 6))
    assert all(np.array_equal(first.parameters[name], again.parameters[name]) for name in first.parameters)
    assert any(not np.array_equal(first.parameters[name], other.parameters[name]) for name in first.parameters)
    assert {value.dtype for value in first.parameters.values()} == {np.dtype(np.float32)}
    assert first.output_size == 3 and first.input_shape == shape


def test_the_hyper_parameters_are_the_authors():
    network = ot.models.vgg11_ws((1, 8, 8), 2, rng=0)
    neurons = {layer.neuron for layer in network.layers[:-1]}
    assert neurons == {ot.LIF(0.5, 1.0, surrogate=ot.surrogate.Sigmoid(4.0))}
    operations = network.layers[1].synapses.operations
    assert operations[0] == ot.Scale(2.74) and operations[1].epsilon == 1e-4
    assert np.all(network.parameters["layer0.gain"] == 1) and not np.any(network.parameters["layer0.bias"])
    weight = ot.models.vgg11_ws(rng=0, dtype=np.float32).parameters["layer7.weight"]
    assert weight.std() == pytest.approx(math.sqrt(2 / (512 * 9)), rel=0.01)  # 2.4 million draws


def test_options_are_taken():
    surrogate = ot.surrogate.Arctan()
    network = ot.models.small_feedback(
        (2, 4, 8), 3, feedback_std=0.5, tau=4.0, threshold=0.5, surrogate=surrogate, dropout=0.25, rng=0
    )
    assert network.layers[0].neuron == ot.LIF(0.75, 0.5, surrogate=surrogate)
    assert network.layers[1].synapses.operations[0] == ot.Dropout(0.25)
    assert network.feedback[0].operations.operations[0] == ot.Dropout(0.25)
    assert network.parameters["layer0.feedback1.weight"].std() == pytest.approx(0.5, rel=0.1)
    assert network.with_dropout(3, np.random.default_rng(0)).batch_size == 3


@pytest.mark.parametrize("model", ["small_conv", "small_feedback"])
@pytest.mark.parametrize("method", LIGHT)
def test_every_method_runs_on_the_small_models(model, method):
    network = getattr(ot.models, model)(rng=0)
    inputs = np.repeat(RNG.normal(size=(1, 4, 1, 8, 8)), 3, axis=0)
    gradients = getattr(ot, method).gradients(network, inputs, np.arange(4))
    assert all(np.all(np.isfinite(value)) for value in gradients.values())
    assert np.any(gradients["layer0.weight"] != 0)


def test_the_memory_of_ottt_does_not_grow_with_time_and_that_of_bptt_does():
    network = ot.models.small_conv(rng=0)

    def peak(method, time_steps):
        inputs = np.repeat(RNG.normal(size=(1, 2, 1, 8, 8)), time_steps, axis=0)
        return peak_bytes(lambda: method(network, inputs, np.array([0, 1])), warm_ups=1)

    one_step = 3 * 8 * 2 * (16 * 64 + 32 * 16)  # potentials, spikes and derivatives of two samples
    assert peak(ot.bptt.gradients, 24) - peak(ot.bptt.gradients, 6) > 18 * one_step
    assert abs(peak(ot.ottt.gradients, 24) - peak(ot.ottt.gradients, 6)) < one_step


@pytest.mark.parametrize(
    ("make", "error", "complaint"),
    [
        (lambda: ot.models.vgg11_ws((3, 30, 32)), ValueError, "a height and a width that 2 divides 3 times, got"),
        (lambda: ot.models.vgg11_ws((32, 32)), ValueError, r"input_shape must be images \(C, H, W\), got \(32, 32\)"),
        (lambda: ot.models.vgg11_ws((3, 32, 0)), ValueError, r"input_shape\[2\] must be at least 1, got 0"),
        (lambda: ot.models.small_conv(classes=0), ValueError, "classes must be at least 1, got 0"),
        (lambda: ot.models.small_conv(classes=2.5), TypeError, "classes must be a whole number"),
        (lambda: ot.models.small_conv(dropout=1), ValueError, r"dropout must be in \[0, 1\), got 1"),
        (lambda: ot.models.small_conv(decay=0.5, tau=2), ValueError, "decay and tau must not be given together"),
        (lambda: ot.models.small_conv(dtype=np.int64), TypeError, "dtype must be float64 or float32"),
        (lambda: ot.models.small_conv(rng="x"), TypeError, "rng must be a numpy.random.Generator or a seed"),
        (lambda: ot.models.small_feedback(feedback_std=-1), ValueError, "feedback_std must be of at least 0, got -1"),
        (lambda: ot.models.nf_resnet34_ws((1, 8, 8), alpha=0), ValueError, "alpha must be above 0, got 0"),
    ],
)
def test_wrong_arguments_are_refused_by_name(make, error, complaint):
    with pytest.raises(error, match=complaint):
        make()


def test_the_width_multiplies_the_channels():
    narrow = ot.models.small_feedback((1, 8, 8), width=0.25, rng=0)
    assert narrow.shapes == ((4, 8, 8), (8, 4, 4), (10,))
    assert narrow.parameters["layer0.feedback1.weight"].shape == (4, 8, 3, 3)
    widths = [shape[0] for shape in ot.models.vgg11_ws((1, 8, 8), width=1 / 64, rng=0).shapes[:-1]]
    assert widths == [2, 2, 4, 4, 8, 8, 8, 8]
    assert ot.models.nf_resnet34_ws((1, 8, 8), width=0.001, rng=0).shapes[-2] == (2, 1, 1)
    with pytest.raises(ValueError, match="width must be above 0, at most 16, got 0"):
        ot.models.small_conv(width=0)
