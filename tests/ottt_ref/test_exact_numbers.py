"""Exact means exact, or refused: no way for a float into a network of exact numbers, and none out of it."""

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction as F
from functools import partial

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import methods
from ottt_ref.methods.shared.gradients import GradientSum
from ottt_ref.simulation.equilibrium import eliminate

TRIANGLE = ot.surrogate.Triangle()
LOSS = ot.losses.MeanSquaredError()
INPUTS, LABELS = np.linspace(0, 0.75, 24).reshape(4, 3, 2), np.array([1, 0, 1])


def exact_network(readout="linear"):
    return ot.dense_network([2, 3, 2], rng=7, surrogate=TRIANGLE, readout=readout).exact()


def data():
    return ot.exact_array(INPUTS), ot.exact_array(np.eye(2)[LABELS])


def as_floats(array):
    """The numbers as floats, in an object array all the same."""
    return np.array(array, dtype=float).astype(object)


def with_one(array, number):
    changed = array.copy()
    changed.reshape(-1)[-1] = number
    return changed


def all_exact(gradients):
    arrays = [*gradients.values(), gradients.outputs, np.array([gradients.loss], dtype=object)]
    return all(isinstance(number, int | F) for array in arrays for number in np.asarray(array, dtype=object).flat)


ROUNDED = [0.5, np.float64(0.5), np.float32(0.5), Decimal("0.5"), 0.5 + 0j]


@pytest.mark.parametrize("number", ROUNDED, ids=repr)
@pytest.mark.parametrize("method", methods.METHODS)
def test_floats_among_inputs_and_targets_are_refused(method, number):
    network, (inputs, targets) = exact_network(), data()
    gradients = methods.METHODS[method].gradients
    with pytest.raises(
        TypeError, match=r"inputs must hold (exact numbers \(`exact_array` makes them\), got the|numbers, got )"
    ):
        gradients(network, with_one(inputs, number), targets, LOSS)
    with pytest.raises(TypeError, match=r"targets must hold (exact )?numbers.* at index \[2, 1\]"):
        gradients(network, inputs, with_one(targets, number), LOSS)


def test_arrays_of_floats_are_refused_everywhere_they_enter():
    network, (inputs, targets) = exact_network(), data()
    floats = as_floats(inputs)
    learner = ot.ottt.OnlineLearner(network, ot.training.SGD(F(1, 8), momentum=0), LOSS)
    activity = ot.simulate(network, inputs)
    errors = ot.exact_array(np.ones((4, 3, 2)))
    sums = GradientSum(network, 3)
    sums.values["readout.bias"] += 0.5
    learner.step(inputs[0], targets)
    spoiled = replace(activity, layer_outputs=(as_floats(activity.layer_outputs[0]), activity.layer_outputs[1]))
    feedback = methods.FeedbackMatrices([as_floats(np.ones((3, 2)))])
    calls = {
        "inputs": [
            lambda: ot.simulate(network, floats),
            lambda: ot.Simulator(network, 3).step(floats[0]),
            lambda: learner.step(floats[0], targets),
        ],
        "targets": [lambda: learner.step(inputs[0], as_floats(targets))],
        "activity of layers\\[0\\]": [lambda: ot.bptt.backward(network, spoiled, errors)],
        "activity.inputs": [lambda: ot.ottt.accumulate(network, replace(activity, inputs=floats), errors)],
        "output_errors": [
            partial(accumulate, network, activity, as_floats(errors))
            for accumulate in (ot.bptt.backward, ot.ottt.accumulate, ot.sltt.accumulate, ot.rtrl.accumulate)
        ],
        "matrices\\[0\\]": [lambda: ot.ottt.gradients(network, inputs, targets, LOSS, error_feedback=feedback)],
        "gradients\\['readout.bias'\\]": [lambda: learner.update(sums)],
        "readout.bias": [lambda: network.parameters.update({"readout.bias": as_floats(np.ones(2))})],
    }
    for name, each in calls.items():
        for call in each:
            with pytest.raises(TypeError, match=f"^{name} must hold exact numbers"):
                call()


@pytest.mark.parametrize("number", [*ROUNDED[:4]], ids=repr)
def test_floats_among_the_parameters_are_refused(number):
    mixed = np.array([[F(1, 2), number]], dtype=object)
    with pytest.raises(TypeError, match=r"(layers\[0\].synapses.)?weight must hold (exact )?numbers"):
        ot.Network([ot.Layer(ot.Dense(mixed), ot.LIF())])
    network = exact_network()
    network.layers[0].synapses.weight[0, 0] = number
    with pytest.raises(TypeError, match=r"network: the parameter layer0.weight must hold exact numbers"):
        ot.simulate(network, data()[0])


@pytest.mark.parametrize("readout", [ot.Integrator(), ot.Integrator(0.5), ot.LIF(0.5, surrogate=TRIANGLE)])
@pytest.mark.parametrize("method", methods.METHODS)
def test_neurons_of_floats_in_a_network_of_fractions_give_fractions(readout, method):
    """Defaults are floats: as the fractions that they equal they leave the result as exact as `exact()` does."""
    weights = [np.array([[0.5, 1.25], [1.5, 0.25]]), np.array([[1.0, -0.5], [0.25, 2.0]])]
    neurons = [ot.LIF(0.75, 1.0, surrogate=TRIANGLE), readout]
    by_hand = ot.Network([ot.Layer(ot.Dense(ot.exact_array(w)), neuron) for w, neuron in zip(weights, neurons)])
    converted = ot.Network([ot.Layer(ot.Dense(w), neuron) for w, neuron in zip(weights, neurons)]).exact()
    found, expected = (methods.METHODS[method].gradients(each, *data(), LOSS) for each in (by_hand, converted))
    assert all_exact(found) and found.loss == expected.loss and found.loss > 0
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_whole_numbers_are_fractions_where_they_are_divided():
    """Whole numbers alone, in weights, inputs, settings and targets: 1 / 2 must not become 0.5."""
    weight = np.array([[1, 2], [2, np.int64(3)]], dtype=object)
    triangle, loop = ot.surrogate.Triangle(3, 1), ot.Dense(np.array([[0, 1], [1, 0]], dtype=object), False)
    layers = [
        ot.Layer([ot.Scale(2), ot.Dense(weight)], ot.LIF(1, 3, surrogate=triangle), loop),
        ot.Layer(ot.Dense(weight), ot.LIF(0, 2, surrogate=ot.surrogate.Rectangle(5))),
    ]
    network = ot.Network(layers, input_shape=(2,))
    assert network.exact_numbers and type(network.parameters["layer0.weight"][0, 0]) is F
    inputs = np.array([[[1, 0]], [[np.int64(0), 1]], [[1, 1]]], dtype=object)
    for targets in (np.array([1]), np.array([[0, 1]], dtype=object)):
        for method in methods.METHODS.values():
            found = method.gradients(network, inputs, targets, LOSS)
            assert all_exact(found), method.name
    average = ot.bptt.gradients(network, inputs, np.array([1]), LOSS, loss_of="average", reset_gradient="kept")
    assert all_exact(average)


@pytest.mark.parametrize("factor", [0, 1])
def test_a_network_whose_numbers_were_rebuilt_is_exact_throughout(factor):
    plain = ot.dense_network([2, 3, 2], rng=7, surrogate=TRIANGLE, readout="leaky")
    network = plain.rebuilt(lambda array: ot.exact_array(array * factor), lambda number: number)
    assert all_exact(ot.bptt.gradients(network, *data(), LOSS))


def test_what_is_no_exact_network_takes_floats_as_before():
    network, (inputs, targets) = ot.dense_network([2, 3, 2], rng=7), (INPUTS, np.eye(2)[LABELS])
    plain = network.as_objects(float)
    found = ot.bptt.gradients(plain, as_floats(inputs), as_floats(targets))
    expected = ot.bptt.gradients(network, inputs, targets)
    assert not plain.exact_numbers
    assert all(np.array_equal(found[name].astype(float), expected[name]) for name in expected)


class Signs(ot.losses.Loss):
    """|o - y|, whose gradients are whole numbers."""

    rational, distribution = True, False

    def evaluate(self, outputs, targets):
        signs = np.array([[(d > 0) - (d < 0) for d in row] for row in outputs - targets], dtype=object)
        return (signs * (outputs - targets)).sum(axis=1), signs


class Sometimes(Signs):
    """A float where an output is large."""

    def evaluate(self, outputs, targets):
        value, signs = super().evaluate(outputs, targets)
        return value, np.where(abs(outputs) > 1, 0.5, signs).astype(object)


def test_a_loss_of_whole_numbers_is_divided_exactly_and_one_of_floats_is_refused_when_it_gives_them():
    network, (inputs, targets) = exact_network(), data()
    assert all_exact(ot.bptt.gradients(network, inputs, targets, Signs()))
    network.parameters["readout.bias"] = ot.exact_array([5, 5])
    learner = ot.ottt.OnlineLearner(network, ot.training.SGD(F(1, 8), momentum=0), Sometimes())
    for call in (
        lambda: ot.bptt.gradients(network, inputs, targets, Sometimes()),
        lambda: learner.step(inputs[0], targets),
    ):
        with pytest.raises(
            TypeError, match=r"loss.evaluate must give exact numbers for exact numbers, got the float 0.5"
        ):
            call()


def test_losses_of_whole_numbers_are_fractions():
    outputs, targets = np.array([[[3, 0]], [[0, 1]]], dtype=object), np.array([[2, 1]], dtype=object)
    for total, gradient in (
        ot.losses.sequence_loss(LOSS, outputs, targets),
        ot.losses.average_loss(LOSS, outputs, targets),
        ot.losses.step_loss(LOSS, outputs[0], targets, 3),
    ):
        assert type(total) is F and all(type(number) is F for number in gradient.flat)
    assert LOSS.value(outputs[0], targets)[0] == 1 and type(LOSS.value(outputs[1], targets)[0]) is F
    with pytest.raises(TypeError, match="outputs must hold exact numbers"):
        LOSS.value(np.array([[F(1, 2), 0.5]], dtype=object), targets)


def test_rates_and_elimination_of_whole_numbers_are_fractions():
    values = np.array([[[1]], [[0]], [[1]]], dtype=object)
    assert ot.weighted_rate(values, 1)[0, 0] == F(2, 3)
    assert ot.weighted_rate(values, F(1, 2))[0, 0] == F(5, 7)
    with pytest.raises(TypeError, match=r"decay must be an exact number such as Fraction\(1, 2\) for exact values"):
        ot.weighted_rate(values, 0.5)
    solution = eliminate(np.array([[2, 1], [1, 3]], dtype=object), np.array([1, 0], dtype=object))
    assert solution.tolist() == [F(3, 5), F(-1, 5)]
    with pytest.raises(TypeError, match="matrix must hold exact numbers"):
        eliminate(np.array([[F(1, 2), 0.5], [0, 1]], dtype=object), np.array([0, 1], dtype=object))


@pytest.mark.parametrize("surrogate", [ot.surrogate.Triangle(), ot.surrogate.Rectangle(2)])
def test_a_surrogates_numbers_become_exact_with_what_it_is_given(surrogate):
    z = np.array([F(-1, 3), 0, 5], dtype=object)
    for method in ("derivative", "primitive"):
        found = getattr(surrogate, method)(z)
        expected = getattr(surrogate, method)(np.array([-1 / 3, 0, 5]))
        assert all(isinstance(number, int | F) for number in found)
        np.testing.assert_allclose(found.astype(float), expected, rtol=1e-15)


def test_masks_of_exact_networks_are_exact():
    layers = [
        ot.Layer([ot.Dropout(rate), ot.Dense(ot.exact_array(np.eye(2)))], ot.LIF(surrogate=TRIANGLE))
        for rate in (0, F(1, 3))
    ]
    network = ot.Network(layers, input_shape=(2,)).with_dropout(3, 0)
    masks = [c.operations.operations[0].mask for c in network.connections]
    assert {*masks[0].flat} == {1} and {*masks[1].flat} == {0, F(3, 2)}
    assert all(isinstance(number, int | F) for mask in masks for number in mask.flat)
    assert all_exact(ot.ottt.gradients(network, *data(), LOSS))


@dataclass(frozen=True)
class Loose(ot.Neuron):
    """A float that is no field cannot be converted."""

    decay: float = 0.5
    threshold: float = 1.0

    def step(self, state, output, current, soft=False):
        state[0][...] = 0.5 * state[0] + current
        output[...] = state[0] >= self.threshold

    def surrogate_derivative(self, state):
        return TRIANGLE.derivative(state[0] - self.threshold)


class Factor(ot.Operation):
    """A float that it does not declare."""

    def forward(self, values, bias_input):
        return 0.5 * values

    def adjoint(self, error, input_shape):
        return 0.5 * error


def test_floats_that_code_from_outside_holds_are_refused():
    dense = ot.Dense(ot.exact_array(np.eye(2)))
    with pytest.raises(TypeError, match="step of Loose must give exact numbers for exact numbers, got the float"):
        ot.Network([ot.Layer(dense, Loose())])
    with pytest.raises(TypeError, match=r"Factor.forward must give exact numbers for exact numbers, got the float"):
        ot.Network([ot.Layer([Factor(), dense], ot.LIF(surrogate=TRIANGLE))], input_shape=(2,))


def test_an_operation_of_floats_goes_into_a_network_of_python_floats():
    """as_objects(float) is no exact network: nothing in it is refused for being a float."""
    layers = [ot.Layer([Factor(), ot.Dense(np.eye(2))], ot.LIF())]
    network = ot.Network(layers, input_shape=(2,)).as_objects(float)
    assert ot.simulate(network, as_floats(np.ones((1, 1, 2)))).potentials[0].tolist() == [[[0.5, 0.5]]]
