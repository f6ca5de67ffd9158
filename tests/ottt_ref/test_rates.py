"""Weighted rates."""

from fractions import Fraction as F

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.simulation.rates import measured_rates, rate_normaliser, weighted_rate
from tests import oracles

from .helpers import DTYPES, READOUTS, dyadic_network, dyadic_sequence


@pytest.mark.parametrize(
    ("decay", "time_steps", "expected"),
    [(0.5, 1, 1.0), (0.5, 4, 1.875), (0, 3, 1), (1, 5, 5), (1.0, 5, 5.0), (F(1, 3), 3, F(13, 9))],
)
def test_the_normaliser_sums_the_powers_of_the_decay(decay, time_steps, expected):
    got = rate_normaliser(decay, time_steps)
    assert (got, type(got)) == (expected, type(expected))


def test_the_normaliser_keeps_single_precision():
    got = rate_normaliser(np.float32(0.3), 3)
    assert type(got) is np.float32
    assert got == pytest.approx(1.39, rel=3e-7)  # four roundings


@pytest.mark.parametrize("batch", [1, 3])
def test_rates_of_neurons_with_decays_of_their_own_are_each_samples(batch):
    rng = np.random.default_rng(0)
    neurons = (ot.LIF(0.5), ot.LIF(np.array([0.25, 0.5, 0.75, 1.0])))
    layers = [ot.Layer(ot.Dense(rng.normal(1, 1, (n, m))), neuron) for m, n, neuron in zip((2, 3), (3, 4), neurons)]
    network, inputs = ot.Network(layers), rng.random((6, batch, 2))
    whole, spikes = measured_rates(network, inputs), ot.simulate(network, inputs).layer_outputs[1]
    assert [rate.shape for rate in whole] == [(batch, 2), (batch, 3), (batch, 4)]
    for i, decay in enumerate((0.25, 0.5, 0.75, 1.0)):
        np.testing.assert_allclose(whole[2][:, i], weighted_rate(spikes, decay)[:, i], rtol=1e-14)
    for b in range(batch):
        for rate, alone in zip(whole, measured_rates(network, inputs[:, b : b + 1])):
            assert np.array_equal(rate[b : b + 1], alone)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_last_time_step_weighs_most(dtype):
    values = np.array([[[1, 0, 0]], [[0, 1, 0]], [[0, 0, 1]]])
    values = ot.exact_array(values) if dtype is object else values.astype(dtype)
    got = weighted_rate(values, F(1, 2) if dtype is object else 0.5)
    assert got.dtype == dtype
    weights = [F(1, 7), F(2, 7), F(4, 7)]
    if dtype is object:
        assert got.tolist() == [weights]
    else:
        np.testing.assert_allclose(got, [[float(w) for w in weights]], rtol=2 * np.finfo(dtype).eps)


@pytest.mark.parametrize("decay", [0, 0.5, 1])
def test_the_rate_of_a_constant_is_the_constant(decay):
    assert weighted_rate(np.full((5, 2, 3), 0.75), decay).tolist() == [[0.75] * 3] * 2


def test_a_rate_leaves_its_values_alone():
    values = np.ones((3, 1, 2))
    weighted_rate(values, 0.5)
    weighted_rate(values[:1], 0.5)[...] = 7
    assert np.all(values == 1)


@pytest.mark.parametrize("readout", READOUTS)
def test_measured_rates_are_those_of_the_spikes_with_each_layers_decay(readout):
    network = dyadic_network(3, readout=readout, decays=(0.75, 0.5, 0.25)).exact()
    inputs = ot.exact_array(dyadic_sequence(3, time_steps=5, batch_size=3)[0])
    got = measured_rates(network, inputs)
    activity = ot.simulate(network, inputs)
    sequences = [inputs, *activity.spikes]
    decays = [F(3, 4), F(3, 4), F(1, 2), F(1, 4)][: len(sequences)]
    assert len(got) == len(sequences) == network.spiking_layers + 1
    for rate, sequence, decay in zip(got, sequences, decays):
        for b in range(3):
            assert rate[b].tolist() == oracles.weighted_rate(sequence[:, b].tolist(), decay)


@pytest.mark.parametrize(
    ("values", "decay", "error", "complaint"),
    [
        (np.ones((3, 1, 2), int), 0.5, TypeError, "values must have dtype float64 or float32, got int64"),
        (np.ones((3, 2)), 0.5, ValueError, r"values must be \[T, B, n\], got shape \(3, 2\)"),
        (
            np.ones((0, 1, 2)),
            0.5,
            ValueError,
            r"values must be \[T, B, n\] with T of at least 1, got shape \(0, 1, 2\)",
        ),
        (np.full((3, 1, 2), np.nan), 0.5, ValueError, r"values must be finite, got nan at index \[0, 0, 0\]"),
        (np.ma.masked_array(np.ones((3, 1, 2))), 0.5, TypeError, "values must be a plain array, got a masked one"),
        (np.ones((3, 1, 2)), 1.5, ValueError, r"decay must be in \[0, 1\], got 1.5"),
        (np.ones((3, 1, 2)), "0.5", TypeError, r"decay must be a number in \[0, 1\], got '0.5'"),
    ],
)
def test_wrong_values_and_decays_are_refused(values, decay, error, complaint):
    with pytest.raises(error, match=complaint):
        weighted_rate(values, decay)


@pytest.mark.parametrize(
    ("decay", "time_steps", "error", "complaint"),
    [
        (0.5, 0, ValueError, "time_steps must be at least 1, got 0"),
        (0.5, 2.0, TypeError, "time_steps must be a whole number of at least 1, got 2.0"),
        (-0.5, 2, ValueError, r"decay must be in \[0, 1\], got -0.5"),
        (None, 2, TypeError, r"decay must be a number in \[0, 1\], got None"),
    ],
)
def test_wrong_arguments_of_the_normaliser_are_refused(decay, time_steps, error, complaint):
    with pytest.raises(error, match=complaint):
        rate_normaliser(decay, time_steps)


@pytest.mark.parametrize("values", ["abc", [1.0], None])
def test_rates_that_are_no_arrays_are_refused(values):
    with pytest.raises(TypeError, match="values must be a list of arrays"):
        ot.rates.finite_rates(ot.dense_network([2, 3, 2], rng=0), values)
