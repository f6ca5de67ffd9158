"""Fresh weights: their scale, and the activity that it gives."""

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.network.initialisation import SCHEMES, TIME_STEPS, draw, firing_std

SHAPES = [(200, 300), (300, 200)]
every_scheme = pytest.mark.parametrize("scheme", SCHEMES)


@pytest.mark.parametrize(
    ("fan_in", "decay", "threshold", "gain", "expected"),
    [
        (64, 0.5, 1.0, 2.0, 2.0 / (4 * (1365 / 1024) ** 0.5)),  # sqrt(64 / 4) = 4, Σ_{k<6} 4^-k = 1365/1024
        (16, 0.0, 1.0, 2.0, 2.0 / 2),
        (24, 1.0, 3.0, 1.0, 3.0 / 6),
    ],
)
def test_the_scale_makes_the_potentials_spread_gain_thresholds(fan_in, decay, threshold, gain, expected):
    assert firing_std(fan_in, decay, threshold, gain) == pytest.approx(expected, rel=1e-15)


@every_scheme
@pytest.mark.parametrize("shape", SHAPES)
def test_drawn_weights_have_the_asked_spread(scheme, shape):
    weight = draw(scheme, np.random.default_rng(0), shape, 0.3)
    assert weight.shape == shape
    # 60,000 entries: the standard error of their spread is 0.3 %
    assert np.sqrt(np.mean(weight**2)) == pytest.approx(0.3, rel=0.015)
    assert abs(weight.mean()) < 0.3 * 4 / np.sqrt(weight.size)


def test_uniform_weights_are_bounded():
    weight = draw("uniform", np.random.default_rng(0), (100, 100), 0.3)
    bound = 0.3 * np.sqrt(3)
    assert np.abs(weight).max() <= bound and np.abs(weight).max() > 0.99 * bound


@pytest.mark.parametrize("shape", SHAPES)
def test_orthogonal_weights_have_orthogonal_rows_or_columns(shape):
    weight = draw("orthogonal", np.random.default_rng(0), shape, 0.3)
    products = weight @ weight.T if shape[0] <= shape[1] else weight.T @ weight
    # 300 products of at most 1 each, rounded at 1e-16
    np.testing.assert_allclose(products, 0.3**2 * max(shape) * np.eye(min(shape)), atol=1e-11)


def test_another_scheme_is_refused():
    with pytest.raises(
        ValueError, match="initialisation must be one of 'uniform', 'normal', 'orthogonal', got 'zeros'"
    ):
        draw("zeros", np.random.default_rng(0), (2, 2), 1.0)


@every_scheme
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 1.0])
def test_every_layer_of_a_fresh_network_fires_and_is_not_saturated(decay, depth, scheme):
    rng = np.random.default_rng(0)
    network = ot.dense_network([64, *[96] * depth, 10], decay=decay, initialisation=scheme, rng=rng)
    inputs = rng.random((TIME_STEPS, 4, 64))
    rates = [spikes.mean() for spikes in ot.simulate(network, inputs).spikes]
    assert len(rates) == depth
    assert all(0.02 < rate < 0.7 for rate in rates), rates


def test_a_readouts_weights_do_not_scale_with_the_threshold():
    network = ot.dense_network([4, 100, 50], threshold=100.0, rng=0)
    assert network.parameters["readout.weight"].std() == pytest.approx(0.1, rel=0.03)  # 5,000 entries: 1 %
    assert np.all(network.parameters["readout.bias"] == 0) and np.all(network.parameters["layer0.bias"] == 0)


def test_orthogonal_weights_have_either_sign():
    signs = {np.sign(draw("orthogonal", np.random.default_rng(seed), (1, 1), 1.0)[0, 0]) for seed in range(20)}
    assert signs == {-1.0, 1.0}  # a bare QR decomposition gives one of them alone
