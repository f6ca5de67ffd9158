"""Intervals and balls hold what the methods compute; signs are told only where they are certain."""

import math

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import losses
from proofs import certified, enclosed
from proofs.directions import layer_errors
from proofs.number_systems.balls import Balls
from proofs.number_systems.interval import Interval, Undecided, as_interval

SURROGATES = [ot.surrogate.Sigmoid(), ot.surrogate.Arctan(), ot.surrogate.MultiGaussian(), ot.surrogate.Triangle()]


def network_and_data(surrogate=None, loop=None, seed=1):
    rng = np.random.default_rng(seed)
    network = ot.dense_network([3, 4, 3, 2], decay=0.9, surrogate=surrogate, rng=rng)
    layers = list(network.layers)
    if loop == "recurrent":
        layers[0] = ot.Layer(layers[0].synapses, layers[0].neuron, ot.Dense(rng.normal(size=(4, 4)) / 3, False))
    feedback = [ot.Feedback(1, 0, ot.Dense(rng.normal(size=(4, 3)) / 3, False))] if loop == "feedback" else []
    return ot.Network(layers, feedback=feedback), rng.random((5, 3, 3)), rng.integers(0, 2, 3)


@pytest.mark.slow
@pytest.mark.parametrize("method", ot.methods.METHODS.values(), ids=list(ot.methods.METHODS))
@pytest.mark.parametrize("surrogate", SURROGATES, ids=str)
def test_intervals_hold_the_gradients_of_every_method(surrogate, method):
    network, inputs, labels = network_and_data(surrogate)
    loss = losses.Mixed()
    floats = method.gradients(network, inputs, labels, loss)
    enclosing = method.gradients(enclosed.network(network), enclosed.array(inputs), labels, enclosed.loss(loss))
    for name, values in floats.items():
        for value, interval in zip(values.flat, map(as_interval, enclosing[name].flat)):
            slack = 1e-13 * (1 + abs(value))  # the float itself is rounded
            assert interval.low - slack <= value <= interval.high + slack, name
            assert interval.high - interval.low < 1e-12
    assert abs(as_interval(enclosing.loss).low - floats.loss) < 1e-12
    assert any(value != 0 for values in floats.values() for value in values.flat)


@pytest.mark.parametrize("z", [-100.0, 100.0])
def test_a_sigmoid_far_from_the_threshold_is_held(z):
    found = as_interval(enclosed.sigmoid(ot.surrogate.Sigmoid(4.0), as_interval(z)))
    expected = 4 * math.exp(-400)  # of which the denominator takes nothing
    assert 0 <= found.low <= expected * (1 + 1e-12) and expected * (1 - 1e-12) <= found.high < 1e-170


@pytest.mark.parametrize("loss", [losses.CrossEntropy(), losses.MeanSquaredError(), losses.Mixed(0.3)], ids=repr)
def test_losses_over_intervals_hold_those_of_floats(loss):
    outputs = np.random.default_rng(0).normal(size=(4, 3))
    targets = np.eye(3)[[0, 1, 2, 0]]
    value, gradient = loss.evaluate(outputs, targets)
    got_value, got_gradient = enclosed.loss(loss).evaluate(enclosed.array(outputs), enclosed.array(targets))
    for got, want in ((got_value, value), (got_gradient, gradient)):
        for interval, number in zip(got.flat, want.flat):
            assert interval.low - 1e-14 <= number <= interval.high + 1e-14 and interval.high - interval.low < 1e-13


def test_a_potential_at_the_threshold_but_for_rounding_is_not_decided():
    neuron = ot.LIF(threshold=0.1 + 0.2)  # rounded up: the exact sum lies below, but floats fire
    network = ot.Network([ot.Layer(ot.Dense(np.array([[0.1, 0.2]])), neuron)])
    assert ot.simulate(network, np.ones((1, 1, 2))).outputs == 1
    data = (enclosed.network(network), enclosed.array(np.ones((1, 1, 2))))
    assert not enclosed.settled(lambda: ot.simulate(*data))
    assert enclosed.settled(lambda: ot.simulate(data[0], enclosed.array(np.zeros((1, 1, 2)))))


def test_only_what_is_undecided_passes_as_unsettled():
    def wrong():
        raise KeyError("another error")

    def undecided():
        raise Undecided("overlap")

    assert not enclosed.settled(undecided)
    with pytest.raises(KeyError):
        enclosed.settled(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("loop", [None, "recurrent", "feedback"])
@pytest.mark.parametrize("seed", range(3))
def test_balls_and_intervals_of_the_products_overlap(loop, seed):
    network, inputs, labels = network_and_data(loop=loop, seed=seed)
    loss = losses.Mixed()
    found = certified.signs(network, inputs, labels, loss)
    assert found.decided.all()
    errors = layer_errors(network, inputs, labels, loss)[0]
    np.testing.assert_allclose(found.products.middle, errors.products(), rtol=1e-9, atol=1e-15)
    positive = (errors.error_products() > 0).all(axis=0)
    assert np.array_equal(found.along, positive)
    if loop is None:  # SR's equation of a loop is solved to a tolerance, not enclosed
        exact = layer_errors(enclosed.network(network), enclosed.array(inputs), labels, enclosed.loss(loss))[
            0
        ].products()
        for b, interval in enumerate(map(as_interval, exact)):
            ball = Interval(*(found.products.middle[b] + sign * found.products.radius[b] for sign in (-1, 1)))
            assert ball.low <= interval.high and interval.low <= ball.high
            assert ball.high - ball.low < 1e-12


def test_a_sample_at_the_threshold_is_undecided_and_not_counted():
    network, inputs, labels = network_and_data()
    inputs[0, 1] = 0.0
    weight = np.zeros((4, 3))
    weight[:, 0], weight[:, 1] = 0.1, 0.2
    network.parameters["layer0.weight"] = weight
    network.parameters["layer0.bias"] = np.full(4, 0.7)
    inputs[0, 1] = [1.0, 1.0, 0.0]  # 0.1 + 0.2 + 0.7: at the threshold but for rounding
    found = certified.signs(network, inputs, labels, losses.Mixed())
    assert found.decided.tolist() == [True, False, True]
    assert found.undecided[1] and not found.positive[1]


def test_a_sign_counts_only_where_everything_before_it_was_decided():
    products = Balls(np.array([1.0, 1.0, -1.0, 0.0, 0.5]), np.array([0.5, 0.5, 0.5, 0.0, 0.5]))
    found = certified.Signs(products, np.array([True, False, True, True, True]), np.ones(5, bool))
    assert found.positive.tolist() == [True, False, False, False, False]
    assert found.undecided.tolist() == [False, True, False, False, True]


def test_what_is_not_supported_is_refused():
    network, inputs, labels = network_and_data(ot.surrogate.Arctan())
    with pytest.raises(ValueError, match="the sigmoid surrogate"):
        certified.signs(network, inputs, labels, losses.Mixed())
    with pytest.raises(ValueError, match="be Mixed"):
        certified.signs(network_and_data()[0], inputs, labels, losses.CrossEntropy())
