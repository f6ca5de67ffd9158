"""Signs by balls: what is undecided is told, what is told is so, and networks of another kind are refused."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import losses
from proofs import certified
from proofs.number_systems.balls import Balls


def one_layer(weight, bias, *, decay=1.0, threshold=1.0, recurrent=None, outputs=2, seed=0):
    """One spiking layer with the given weights and a linear readout."""
    weight, neuron = np.array(weight), ot.LIF(decay=decay, threshold=threshold)
    loop = None if recurrent is None else ot.Dense(np.array(recurrent), False)
    readout = ot.Dense(np.random.default_rng(seed).normal(size=(outputs, len(weight))))
    return ot.Network([ot.Layer(ot.Dense(weight, np.array(bias)), neuron, loop), ot.Layer(readout, ot.Integrator(0.0))])


THIRDS = one_layer([[0.1, 0.2], [1.0, 0.75]], [0.7, 0.25], decay=1.0)  # 0.1 + 0.2 + 0.7 is 1 but for rounding


def found(network, inputs):
    """What is certain of one sample, inputs [T, n]."""
    return certified.signs(network, np.array(inputs)[:, np.newaxis], np.array([0]), losses.Mixed())


def stages(network, inputs):
    """Whether every spike was decided, and whether every slope was, of one sample."""
    inputs = np.array(inputs)[:, np.newaxis]
    _, spikes, decided = certified._forward(network, inputs)
    _, rate = certified._traces(inputs, network.layers[0].neuron.decay)
    slopes = certified._rate_error(network, rate, spikes, np.eye(2)[[0]], losses.Mixed())[1]
    return bool(decided[0]), bool(slopes[0])


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ([[1.0, 1.0], [0.0, 0.0]], (False, True)),  # at the threshold in the first time step, its mean below
        ([[0.0, 0.0], [2.0, 2.0]], (True, False)),  # the mean current at the threshold, no potential
        ([[1.0, 1.0], [1.0, 1.0]], (False, False)),
        ([[2.0, 1.0], [0.5, 0.0]], (True, True)),
    ],
)
def test_spikes_and_slopes_are_undecided_each_for_itself(inputs, expected):
    assert stages(THIRDS, inputs) == expected
    result = found(THIRDS, inputs)
    assert result.decided.tolist() == [all(expected)]
    if not all(expected):
        assert result.undecided.all() and not result.positive.any()


def test_a_current_at_zero_but_for_rounding_has_no_slope_for_certain():
    network = one_layer([[0.1, 0.2]], [-0.3])
    assert stages(network, [[0.0, 0.0], [2.0, 2.0]]) == (True, False)


def test_a_current_that_is_exactly_0_is_decided():
    network = one_layer([[0.1, 0.2], [1.0, 0.75]], [0.0, 0.0])
    assert stages(network, [[0.0, 0.0], [0.0, 0.0]]) == (True, True)
    result = found(network, [[0.0, 0.0], [0.0, 0.0]])
    assert result.products.middle.tolist() == result.products.radius.tolist() == [0.0] and not result.undecided.any()


def test_a_later_spike_is_undecided_too():
    inputs = [[0.0, 0.0], [0.25, 0.0], [1.0, 1.0]]
    network = one_layer([[0.1, 0.2], [1.0, 0.75]], [0.7, 0.25], decay=0.0)
    assert stages(network, inputs) == (False, False)
    assert stages(network, inputs[:2]) == (True, True)


def test_undecided_samples_leave_the_others_as_they_are():
    inputs = np.array([[[1.0, 1.0], [2.0, 1.0]], [[0.0, 0.0], [0.5, 0.0]]])
    both = certified.signs(THIRDS, inputs, np.array([0, 0]), losses.Mixed())
    alone = certified.signs(THIRDS, inputs[:, 1:], np.array([0]), losses.Mixed())
    assert both.decided.tolist() == [False, True] and alone.decided.tolist() == [True]
    assert both.positive[1] == alone.positive[0] and both.undecided.tolist() == [True, alone.undecided[0]]


def test_a_product_that_may_be_0_but_need_not_is_undecided():
    products = Balls(np.array([0.0, 0.0, 1e-300]), np.array([0.0, 1e-300, 1e-300]))
    result = certified.Signs(products, np.ones(3, bool), np.ones(3, bool))
    assert result.undecided.tolist() == [False, True, True] and not result.positive.any()


@pytest.mark.parametrize(("weight", "threshold"), [(1e-310, 3.0), (0.1, 3.0), (1e300, 1e-8), (-5e-324, 7.0)])
def test_loops_hold_weights_over_the_threshold(weight, threshold):
    network = one_layer([[1.0]], [0.0], threshold=threshold, recurrent=[[weight]])
    loops = certified._loops(network)
    exact = Fraction(weight) / Fraction(threshold)
    assert abs(Fraction(loops.middle[0, 0]) - exact) <= Fraction(loops.radius[0, 0])


def test_loops_are_those_of_every_connection_between_spiking_layers():
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape) for shape in ((3, 2), (2, 3), (3, 3), (3, 2), (2, 2))]
    neuron = ot.LIF(threshold=0.5)
    layers = [
        ot.Layer(ot.Dense(weights[0]), neuron, ot.Dense(weights[2], False)),
        ot.Layer(ot.Dense(weights[1]), neuron, ot.Dense(weights[4], False)),
        ot.Layer(ot.Dense(np.ones((2, 2))), ot.Integrator(0.0)),
    ]
    network = ot.Network(layers, feedback=[ot.Feedback(1, 0, ot.Dense(weights[3], False))])
    expected = np.block([[weights[2], weights[3]], [weights[1], weights[4]]]) / 0.5
    np.testing.assert_allclose(certified._loops(network).middle, expected, rtol=1e-15)


def test_a_sample_whose_equation_may_be_singular_is_undecided():
    network = one_layer([[1.0]], [0.0], recurrent=[[1.0]])  # the rate that comes back is the rate itself
    result = found(network, [[0.25], [0.25]])
    assert result.decided.tolist() == [False] and result.undecided.all()
    assert found(one_layer([[1.0]], [0.0], recurrent=[[0.5]]), [[0.25], [0.25]]).decided.all()


@pytest.mark.parametrize("labels", [[2], [-1], [0, 1], [0.5]])
def test_labels_that_are_none_are_refused(labels):
    with pytest.raises((ValueError, TypeError)):
        certified.signs(THIRDS, np.ones((2, 1, 2)), np.array(labels), losses.Mixed())


def test_numbers_too_large_for_balls_are_refused():
    with pytest.raises(ValueError):
        found(one_layer([[1e200, 1e200]], [0.0]), [[1e200, 1.0], [1.0, 1.0]])


@pytest.mark.parametrize("mse_weight", [0.0, 0.25, 1.0])
def test_the_balls_of_a_losss_gradient_hold_it(mse_weight):
    rng = np.random.default_rng(0)
    loss, outputs, targets = losses.Mixed(mse_weight), rng.normal(size=(5, 3)), np.eye(3)[rng.integers(0, 3, 5)]
    balls = certified._loss_gradient(loss, Balls(outputs, np.zeros_like(outputs)), targets)
    wanted = loss.evaluate(outputs, targets)[1]
    assert (abs(balls.middle - wanted) <= balls.radius + 1e-15).all() and (balls.radius < 1e-14).all()


@dataclass(frozen=True)
class Steeper(ot.surrogate.Sigmoid):
    """A surrogate of a user's own, which is no sigmoid."""


@dataclass(frozen=True)
class OwnLoss(losses.Mixed):
    """A loss of a user's own."""


def test_kinds_of_ones_own_are_refused():
    layer = ot.Layer(ot.Dense(np.ones((2, 2))), ot.LIF(surrogate=Steeper()))
    network = ot.Network([layer, ot.Layer(ot.Dense(np.ones((2, 2))), ot.Integrator(0.0))])
    with pytest.raises(ValueError, match="the sigmoid surrogate"):
        found(network, [[1.0, 1.0]])
    with pytest.raises(ValueError, match="be Mixed"):
        certified.signs(THIRDS, np.ones((2, 1, 2)), np.array([0]), OwnLoss())
