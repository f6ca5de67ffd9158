"""Losses and targets."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref.learning.losses import CrossEntropy, MeanSquaredError, Mixed, average_loss, sequence_loss
from tests import oracles

from .helpers import METHODS, dyadic_network, dyadic_sequence

LOSSES = {
    "cross_entropy": (CrossEntropy(), oracles.cross_entropy),
    "mean_squared_error": (MeanSquaredError(), oracles.mean_squared_error),
    "mixed": (Mixed(), oracles.mixed),
    "mixed 0.5": (Mixed(mse_weight=0.5), lambda o, y: oracles.mixed(o, y, 0.5)),
}
every_loss = pytest.mark.parametrize("name", LOSSES)
outputs_and_targets = st.lists(st.tuples(st.floats(-20, 20), st.floats(0.0625, 1)), min_size=1, max_size=5).map(
    lambda pairs: [list(column) for column in zip(*pairs)]
)


def distribution(weights):
    return [weight / sum(weights) for weight in weights]


def evaluate(loss, o, y):
    value, gradient = loss.evaluate(np.array([o]), np.array([y]))
    return value[0], gradient[0]


def test_losses_by_hand():
    o, y = [math.log(3.0), 0.0], [0.0, 1.0]
    value, gradient = evaluate(CrossEntropy(), o, y)
    assert value == pytest.approx(math.log(4), rel=1e-15)
    np.testing.assert_allclose(gradient, [0.75, -0.75], rtol=1e-15)
    value, gradient = evaluate(MeanSquaredError(), [3.0, 0.0], y)
    assert (value, gradient.tolist()) == (5.0, [3.0, -1.0])


@every_loss
@given(sample=outputs_and_targets)
def test_losses_equal_their_formulas_for_any_distribution(name, sample):
    loss, plain = LOSSES[name]
    o, y = sample[0], distribution(sample[1])
    value, gradient = evaluate(loss, o, y)
    wanted, wanted_gradient = plain(o, y)
    # the formula's exponentials of up to 20 lose nothing but roundings; values are at most 400
    assert value == pytest.approx(wanted, rel=1e-13, abs=1e-13)
    np.testing.assert_allclose(gradient, wanted_gradient, rtol=1e-13, atol=1e-14)


@every_loss
@given(sample=outputs_and_targets)
def test_the_gradient_is_the_slope_of_the_value(name, sample):
    loss, _ = LOSSES[name]
    o, y = np.array(sample[0]), distribution(sample[1])
    _, gradient = evaluate(loss, o, y)
    h = 1e-5
    for c in range(len(o)):
        step = h * np.eye(len(o))[c]
        slope = (evaluate(loss, o + step, y)[0] - evaluate(loss, o - step, y)[0]) / (2 * h)
        # values up to 400 rounded at 5e-14, over h; truncation h²/6 times a third derivative below 0.1
        assert slope == pytest.approx(gradient[c], abs=1e-8)


def test_cross_entropy_takes_large_outputs_without_overflow():
    with np.errstate(all="raise"):
        value, gradient = evaluate(CrossEntropy(), [1e4, -1e4], [0.0, 1.0])
    assert (value, gradient.tolist()) == (2e4, [1.0, -1.0])


def test_the_squared_error_is_exact_on_exact_numbers():
    value, gradient = MeanSquaredError().evaluate(ot.exact_array([[F(1, 3), F(2)]]), ot.exact_array([[F(0), F(1)]]))
    assert (value[0], list(gradient[0])) == (F(5, 9), [F(1, 3), F(1)])


def test_the_default_mixture_is_the_papers():
    assert Mixed() == Mixed(mse_weight=0.05)


@pytest.mark.parametrize("share", [0, 1, F(1, 4), np.float64(0.25), np.float32(0.25)])
def test_a_mixture_keeps_the_outputs_dtype_whatever_its_share_is(share):
    outputs = np.array([[1.0, 0.5]], dtype=np.float32)
    value, gradient = Mixed(share).evaluate(outputs, np.array([[1.0, 0.0]], dtype=np.float32))
    assert value.dtype == gradient.dtype == np.float32


@pytest.mark.parametrize(
    ("share", "error"),
    [(-0.1, ValueError), (1.1, ValueError), (math.nan, ValueError), ("1", TypeError), (None, TypeError)],
)
def test_a_wrong_share_is_refused(share, error):
    with pytest.raises(error, match=f"mse_weight must be .*got {share!r}"):
        Mixed(share)


@every_loss
def test_a_value_and_a_gradient_can_be_asked_for_alone(name):
    loss, _ = LOSSES[name]
    outputs, targets = np.array([[1.0, 0.5]]), np.array([[1.0, 0.0]])
    value, gradient = loss.evaluate(outputs, targets)
    assert np.array_equal(loss.value(outputs, targets), value)
    assert np.array_equal(loss.gradient(outputs, targets), gradient)


def test_a_sequences_loss_is_the_mean_over_time_and_batch():
    outputs = np.arange(12.0).reshape(3, 2, 2)
    targets = np.zeros((2, 2))
    total, gradient = sequence_loss(MeanSquaredError(), outputs, targets)
    assert total == np.mean(outputs**2)
    np.testing.assert_array_equal(gradient, outputs / 6)  # 2 o / C, over T = 3 and B = 2
    total, gradient = average_loss(MeanSquaredError(), outputs, targets)
    assert total == np.mean(outputs.mean(axis=0) ** 2)
    np.testing.assert_allclose(gradient, np.stack([outputs.mean(axis=0) / 6] * 3), rtol=1e-15)


@given(st.lists(st.tuples(*[st.floats(-20, 20)] * 3), min_size=2, max_size=4))
def test_the_loss_of_the_average_is_at_most_the_average_loss(sequence):
    outputs, targets = np.array(sequence)[:, np.newaxis], np.array([[0.5, 0.25, 0.25]])
    steps, _ = sequence_loss(Mixed(), outputs, targets)
    average, _ = average_loss(Mixed(), outputs, targets)
    assert average <= steps + 1e-12  # convexity; both are below 400, summed with a dozen roundings


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("targets", "error", "complaint"),
    [
        ([2, 0], ValueError, r"targets must be labels in 0 .. 1, got 2 at index \[0\]"),
        ([0, -1], ValueError, r"targets must be labels in 0 .. 1, got -1 at index \[1\]"),
        ([0], ValueError, r"targets must be \[2\].* class labels for this batch, got shape \(1,\)"),
        (
            [0.0, 1.0],
            TypeError,
            r"targets must be integer class labels \[2\] or rows \[2, 2\] of float64.*astype\(int\) are labels",
        ),
        (
            [True, False],
            TypeError,
            r"targets must be integer class labels .* of bool: targets.astype\(int\) are labels",
        ),
        (np.eye(3)[:2], ValueError, r"rows \[2, 2\] of float64.*, got an array \[2, 3\] of float64$"),
        (np.eye(2)[:1], ValueError, r"rows \[2, 2\] of float64.*, got an array \[1, 2\] of float64$"),
        (np.eye(2, dtype=np.float32), TypeError, r"got an array \[2, 2\] of float32: targets.astype\(np.float64\) are"),
        (np.eye(2, dtype=int), TypeError, r"got an array \[2, 2\] of int64: targets.astype\(np.float64\) are rows"),
        (
            [[1], [0]],
            ValueError,
            r"integer class labels \[2\] .*got an array \[2, 1\] of int64: targets\[:, 0\] are labels",
        ),
        (np.ones((3, 2), int), ValueError, r"got an array \[3, 2\] of int64"),
        (np.ones((3, 2, 2)), ValueError, r"got an array \[3, 2, 2\] of float64"),
        (1, TypeError, "targets must be integer class labels .*, got 1$"),
        (np.full((2, 2), np.nan), ValueError, r"targets must be finite, got nan at index \[0, 0\]"),
        (np.full((2, 2), 0.6), ValueError, r"targets must be distributions .*rows that sum to 1.2"),
        (np.array([[1.5, -0.5], [0.0, 1.0]]), ValueError, "targets must be distributions .*least entry -0.5"),
        ([[1.0, 0.0], [1.0]], TypeError, "targets must be an array, got list"),
        (np.ma.masked_array(np.eye(2)), TypeError, "targets must be a plain array, got a masked one"),
        (None, TypeError, r"targets must be integer class labels \[2\] or rows \[2, 2\] of float64.*, got None$"),
        ("ab", TypeError, "targets must be integer class labels .*, got 'ab'$"),
    ],
)
def test_wrong_targets_are_refused_by_every_method(method, targets, error, complaint):
    with pytest.raises(error, match=complaint):
        METHODS[method](dyadic_network(0), dyadic_sequence(0)[0], targets)


def test_targets_of_another_shape_are_told_all_that_fit():
    network, (inputs, _) = dyadic_network(0), dyadic_sequence(0)
    every = (
        r"targets must be integer class labels \[2\] or rows \[2, 2\] of float64, or for each time step labels "
        r"\[4, 2\] or rows \[4, 2, 2\], got an array "
    )
    with pytest.raises(ValueError, match=every + r"\[3, 2\] of int64$"):
        ot.bptt.gradients(network, inputs, np.ones((3, 2), int))
    with pytest.raises(ValueError, match=every + r"\[2, 4\] of int64: targets.T are labels, time first$"):
        ot.bptt.gradients(network, inputs, np.ones((2, 4), int))
    with pytest.raises(TypeError, match=every + r"\[4, 2, 2\] of float32: targets.astype\(np.float64\) are rows$"):
        ot.bptt.gradients(network, inputs, np.ones((4, 2, 2), np.float32))
    with pytest.raises(ValueError, match=r"targets must be labels in 0 .. 1, got 5 at index \[2, 0\]"):
        ot.bptt.gradients(network, inputs, np.array([[0, 1], [0, 1], [5, 1], [0, 1]]))


def test_labels_of_each_time_step_that_are_floats_are_told_to_be_whole_numbers():
    network, inputs = ot.dense_network([3, 4, 3], rng=0), np.ones((2, 2, 3))  # else the batch is thought to be wrong
    with pytest.raises(ValueError, match=r"got an array \[2, 2\] of float64: targets.astype\(int\) are labels$"):
        ot.bptt.gradients(network, inputs, np.ones((2, 2)))


@pytest.mark.parametrize("targets", [np.ones((4, 2), int), np.ones((4, 2, 2))])
def test_targets_of_each_time_step_are_refused_where_there_is_one_loss_for_all(targets):
    network, (inputs, _) = dyadic_network(0), dyadic_sequence(0)
    complaint = "targets must be .*: a sample has one target here, which is the same at every time step$"
    with pytest.raises(ValueError, match=complaint):
        ot.spike_representation.gradients(network, inputs, targets)
    with pytest.raises(ValueError, match=complaint):
        ot.bptt.gradients(network, inputs, targets, loss_of="average")


def test_targets_with_classes_first_or_of_floats_are_said_to_be_so():
    network, inputs = ot.dense_network([3, 4, 3], rng=0), dyadic_sequence(0)[0]
    with pytest.raises(ValueError, match=r"got an array \[3, 2\] of float64: targets.T are rows$"):
        ot.ottt.gradients(network, inputs, np.eye(3)[[0, 1]].T)
    with pytest.raises(
        TypeError, match=r"rows \[2, 3\] of object.*, got an array .* ot.exact_array\(targets\) are rows$"
    ):
        ot.ottt.gradients(network.exact(), ot.exact_array(inputs), np.eye(3)[[0, 1]], MeanSquaredError())


def test_the_squared_error_takes_rows_of_any_numbers():
    network, (inputs, _) = dyadic_network(3), dyadic_sequence(3)
    result = ot.bptt.gradients(network, inputs, np.array([[3.0, -1.0], [0.5, 0.5]]), MeanSquaredError())
    assert result.loss > 0


def test_exact_networks_refuse_losses_without_exact_values():
    network, inputs = dyadic_network(0).exact(), ot.exact_array(dyadic_sequence(0)[0])
    for loss in (CrossEntropy(), Mixed()):
        with pytest.raises(TypeError, match="loss must be MeanSquaredError for a network of exact numbers, got"):
            ot.ottt.gradients(network, inputs, [0, 1], loss)


@pytest.mark.parametrize("method", METHODS)
def test_whole_numbers_as_targets_of_an_exact_network_are_not_rounded(method):
    network, inputs = dyadic_network(3, readout="spiking").exact(), ot.exact_array(dyadic_sequence(3)[0])
    whole = np.array([[1, 0], [0, 1]], dtype=object)  # spikes are ints too: int / int would be a float
    results = [
        METHODS[method](network, inputs, targets, MeanSquaredError()) for targets in (whole, ot.exact_array(whole))
    ]
    assert isinstance(results[0].loss, F) and results[0].loss == results[1].loss
    for name, value in results[0].items():
        assert np.array_equal(value, results[1][name]) and not any(isinstance(number, float) for number in value.flat)


@pytest.mark.parametrize("outputs", [[0.0, 800.0, -800.0], [-800.0, 0.0, 800.0], [800.0, -800.0, 0.0]])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_cross_entropy_is_shifted_by_the_largest_output_wherever_it_stands(outputs, dtype):
    rows = np.array([outputs], dtype=dtype)
    largest = int(np.argmax(outputs))
    for label in range(3):
        target = np.zeros((1, 3), dtype=dtype)
        target[0, label] = 1
        with np.errstate(all="raise"):
            value, gradient = CrossEntropy().evaluate(rows, target)
        assert value.tolist() == [800.0 - outputs[label]]
        assert gradient[0].tolist() == [float(c == largest) - float(c == label) for c in range(3)]


@pytest.mark.parametrize("off", [1e-2, 5e-3, -5e-3, 1e-3, 1e-4, -1e-4])
@pytest.mark.parametrize("loss", [CrossEntropy(), Mixed()], ids=repr)
def test_targets_that_sum_to_1_roughly_alone_are_refused(loss, off):
    network, (inputs, _) = dyadic_network(0), dyadic_sequence(0)
    with pytest.raises(ValueError, match="targets must be distributions over the classes"):
        ot.ottt.gradients(network, inputs, np.array([[0.25 + off, 0.75], [1.0, 0.0]]), loss)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_targets_that_sum_to_1_but_for_rounding_are_taken_as_they_are(dtype):
    network = ot.dense_network([2, 3, 10], rng=0, dtype=dtype)
    tenths = np.full((1, 10), 0.1, dtype=dtype)  # ten of them are 0.9999999... or 1.0000001
    got = ot.losses.require_targets(CrossEntropy(), tenths, 1, network)
    assert np.array_equal(got, tenths)


def test_weights_and_labels_that_are_nearly_right_are_told_the_way():
    network = ot.dense_network([2, 3, 2], rng=0)
    inputs, lengths = np.ones((4, 3, 2)), np.array([4, 2, 1])
    mask = np.arange(4)[:, np.newaxis] < lengths
    labels = np.where(mask, 1, -100)
    for targets, weights, message in (
        (labels[0], mask.T, r"got shape \(3, 4\): weights\.T are those, time first$"),
        (labels[0], lengths, r"lengths of the sequences, np\.arange\(4\)\[:, np\.newaxis\] < weights is the mask$"),
        (labels, mask, r"got -100 at index \[1, 2\]: what has no target takes any label, and the weight 0$"),
    ):
        with pytest.raises(ValueError, match=message):
            ot.ottt.gradients(network, inputs, targets, weights=weights)


def test_a_result_given_as_a_state_is_told_that_it_has_one():
    network = ot.dense_network([2, 3, 2], rng=0)
    first = ot.bptt.gradients(network, np.ones((4, 1, 2)), np.array([1]))
    with pytest.raises(ValueError, match=r"initial_state must hold 'layer0\.potential'.*: its final_state is a State$"):
        ot.bptt.gradients(network, np.ones((4, 1, 2)), np.array([1]), initial_state=first)
