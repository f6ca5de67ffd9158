"""Weights and targets of time steps, and the T of the loss's 1/T: in every method that goes through time."""

from fractions import Fraction

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import losses
from ottt_ref.learning.losses import MeanSquaredError, Mixed

from ..general import case, eighths, rational
from ..helpers import IN_TIME, METHODS, assert_close, assert_nonzero, bits, content, dyadic_network, dyadic_sequence

every_method = pytest.mark.parametrize("method", IN_TIME)
SQUARED = MeanSquaredError()


def exact_case(seed=0, **options):
    """A live exact network, inputs [4, 2, 3] and target rows [2, 2] of fractions."""
    inputs, targets = dyadic_sequence(seed)
    return dyadic_network(seed, **options).exact(), ot.exact_array(inputs), ot.exact_array(targets)


def recurrent_case():
    """A live exact network with a recurrent layer, inputs and labels."""
    network, inputs, labels = case("recurrent")
    return rational(eighths(network)), ot.exact_array(np.round(8 * inputs) / 8), labels


def assert_equal(got, wanted):
    assert got.keys() == wanted.keys()
    for name in got:
        assert np.array_equal(got[name], wanted[name]), name


def total(parts):
    """The sum of mappings of arrays."""
    parts = list(parts)
    return {name: sum(part[name] for part in parts) for name in parts[0]}


def scaled(factor, gradients):
    return {name: factor * value for name, value in gradients.items()}


def one_hot(shape, index):
    mask = np.zeros(shape, dtype=bool)
    mask[index] = True
    return mask


@pytest.mark.slow
@every_method
@pytest.mark.parametrize("made", [exact_case, recurrent_case])
def test_the_gradient_is_the_weighted_sum_of_the_gradients_of_single_losses(method, made):
    network, inputs, targets = made()
    weights = ot.exact_array(np.arange(1, 1 + inputs[..., 0].size).reshape(inputs.shape[:2]) / 8)
    weights[1] = Fraction(-3)
    single = {
        index: METHODS[method](network, inputs, targets, SQUARED, weights=one_hot(weights.shape, index))
        for index in np.ndindex(weights.shape)
    }
    got = METHODS[method](network, inputs, targets, SQUARED, weights=weights)
    assert_nonzero(got)
    assert_equal(dict(got), total(scaled(weights[index], dict(each)) for index, each in single.items()))
    assert got.loss == sum(weights[index] * each.loss for index, each in single.items())


@every_method
def test_the_loss_is_the_weighted_mean_that_is_written_down(method):
    network, inputs, targets = exact_case()
    weights = ot.exact_array([[1, 0], [2, 1], [0, 0], [Fraction(1, 2), 1]])
    got = METHODS[method](network, inputs, targets, SQUARED, weights=weights)
    steps, batch, classes = got.outputs.shape
    wanted = Fraction(0)
    for t in range(steps):
        for b in range(batch):
            for c in range(classes):
                wanted += weights[t, b] * (got.outputs[t, b, c] - targets[b, c]) ** 2 / classes / steps / batch
    assert got.loss == wanted


@every_method
def test_every_way_to_write_a_mask_is_the_same(method):
    network, inputs, targets = dyadic_network(1), *dyadic_sequence(1)
    mask = [True, False, False, True]
    wanted = bits(content(METHODS[method](network, inputs, targets, weights=mask)))
    for same in (np.array(mask), np.array(mask, np.uint8), np.array(mask, float), np.tile(np.array(mask)[:, None], 2)):
        assert bits(content(METHODS[method](network, inputs, targets, weights=same))) == wanted
    last = METHODS[method](network, inputs, targets, weights="last")
    assert bits(content(last)) == bits(content(METHODS[method](network, inputs, targets, weights=[0, 0, 0, 1])))


@every_method
def test_weights_of_one_are_no_weights_bit_for_bit(method):
    network, inputs, targets = dyadic_network(1), *dyadic_sequence(1)
    wanted = bits(content(METHODS[method](network, inputs, targets, terms=True)))
    assert bits(content(METHODS[method](network, inputs, targets, weights=np.ones(4), terms=True))) == wanted


@every_method
def test_the_loss_at_the_last_step_alone_is_not_renormalised(method):
    network, inputs, targets = exact_case()
    got = METHODS[method](network, inputs, targets, SQUARED, weights="last")
    wanted = losses.step_loss(SQUARED, got.outputs[-1], targets, 4)[0]
    assert got.loss == wanted != 0


@every_method
def test_masked_sequences_of_different_lengths_in_one_batch_are_each_sequence_alone(method):
    """Zero padding: what comes after a sequence's end has the weight 0, whatever is there."""
    network, inputs, targets = exact_case(2)
    lengths = (2, 4)
    weights = np.arange(4)[:, np.newaxis] < np.array(lengths)
    padded = inputs.copy()
    padded[2:, 0] = Fraction(0)
    batch = METHODS[method](network, padded, targets, SQUARED, weights=weights)
    alone = [
        METHODS[method](network, inputs[:length, b : b + 1], targets[b : b + 1], SQUARED, time_steps=4)
        for b, length in enumerate(lengths)
    ]
    assert_nonzero(batch)
    assert_equal(dict(batch), scaled(Fraction(1, 2), total(dict(each) for each in alone)))
    assert batch.loss == sum(each.loss for each in alone) / 2
    other = padded.copy()
    other[2:, 0] = Fraction(7, 8)
    assert_equal(dict(METHODS[method](network, other, targets, SQUARED, weights=weights)), dict(batch))
    unmasked = METHODS[method](network, padded, targets, SQUARED)
    assert any(np.any(unmasked[name] != batch[name]) for name in batch)


@every_method
def test_the_mean_of_each_sequence_over_its_own_length_is_a_matter_of_weights(method):
    network, inputs, targets = exact_case(2)
    lengths = (2, 4)
    weights = ot.exact_array((np.arange(4)[:, np.newaxis] < np.array(lengths)) * (4 / np.array(lengths)))
    batch = METHODS[method](network, inputs, targets, SQUARED, weights=weights)
    alone = [
        METHODS[method](network, inputs[:length, b : b + 1], targets[b : b + 1], SQUARED)
        for b, length in enumerate(lengths)
    ]
    assert_equal(dict(batch), scaled(Fraction(1, 2), total(dict(each) for each in alone)))


@every_method
def test_the_same_target_at_each_time_step_is_one_target(method):
    network, inputs, labels = dyadic_network(3), dyadic_sequence(3)[0], np.array([1, 0])
    wanted = bits(content(METHODS[method](network, inputs, labels, terms=True)))
    rows = np.tile(np.eye(2)[labels], (4, 1, 1))
    for targets in (np.tile(labels, (4, 1)), rows):
        assert bits(content(METHODS[method](network, inputs, targets, terms=True))) == wanted


@every_method
def test_targets_of_each_time_step_are_those_of_single_time_steps(method):
    network, inputs, _ = exact_case()
    rows = ot.exact_array(np.random.default_rng(0).integers(-8, 8, (4, 2, 2)) / 8)
    got = METHODS[method](network, inputs, rows, SQUARED)
    single = [METHODS[method](network, inputs, rows[t], SQUARED, weights=one_hot((4,), t)) for t in range(len(inputs))]
    assert_nonzero(got)
    assert_equal(dict(got), total(dict(each) for each in single))


@every_method
def test_labels_of_each_time_step_are_rows_of_each_time_step(method):
    network, inputs = dyadic_network(3), dyadic_sequence(3)[0]
    labels = np.array([[0, 1], [1, 1], [0, 0], [1, 0]])
    by_label, by_row = (METHODS[method](network, inputs, each) for each in (labels, np.eye(2)[labels]))
    assert bits(content(by_label)) == bits(content(by_row))


@every_method
def test_t_of_the_loss_can_be_given(method):
    network, inputs, targets = exact_case()
    got, whole = (METHODS[method](network, inputs, targets, SQUARED, time_steps=steps) for steps in (10, None))
    assert_equal(dict(got), scaled(Fraction(4, 10), dict(whole)))
    assert got.loss == whole.loss * Fraction(4, 10)


@every_method
def test_in_single_precision_it_is_double_precision_rounded(method):
    network, inputs, targets = dyadic_network(4), *dyadic_sequence(4)
    weights = np.random.default_rng(0).random((4, 2))
    wanted = METHODS[method](network, inputs, targets, weights=weights)
    single = (array.astype(np.float32) for array in (inputs, targets))
    got = METHODS[method](network.astype(np.float32), *single, weights=weights.astype(np.float32))
    assert {value.dtype for value in got.values()} == {np.dtype(np.float32)}
    assert_close(dict(got), dict(wanted), 1e-4)  # of 6e-8, amplified through four time steps


@every_method
def test_compiled_and_uncompiled_runs_agree_bit_for_bit(method):
    network, inputs, targets = dyadic_network(4), *dyadic_sequence(4)
    weights = np.random.default_rng(0).random((4, 2))
    compiled = METHODS[method](network, inputs, targets, weights=weights)
    objects = (array.astype(object) for array in (inputs, targets))
    plain = METHODS[method](network.as_objects(float), *objects, weights=weights.astype(object))
    assert bits(content(compiled)) == bits(content(plain))


WRONG_WEIGHTS = {
    "other T": (
        np.ones(3),
        ValueError,
        r"weights must be a mask or numbers \[4\] or \[4, 2\] of float64, got shape \(3,",
    ),
    "batch first": (np.ones((2, 4)), ValueError, r"\[4\] or \[4, 2\] of float64, got shape \(2, 4\)"),
    "one number": (1.0, ValueError, r"\[4\] or \[4, 2\] of float64, got shape \(\)"),
    "other dtype": (np.ones(4, np.float32), TypeError, r"of float64, got an array \[4\] of float32"),
    "exact": (ot.exact_array(np.ones(4)), TypeError, r"of float64, got an array \[4\] of object"),
    "NaN": ([1.0, np.nan, 1.0, 1.0], ValueError, r"weights must be finite, got nan at index \[1\]"),
    "another word": ("first", ValueError, "weights must be one of 'last', got 'first'"),
    "masked": (np.ma.masked_array(np.ones(4)), TypeError, "weights must be a plain array, got a masked one"),
    "complex": (np.ones(4) * 1j, TypeError, "of float64, got an array .* of complex128"),
}


@every_method
@pytest.mark.parametrize("wrong", WRONG_WEIGHTS)
def test_wrong_weights_are_refused(method, wrong):
    weights, error, complaint = WRONG_WEIGHTS[wrong]
    with pytest.raises(error, match=complaint):
        METHODS[method](dyadic_network(0), *dyadic_sequence(0), weights=weights)


@pytest.mark.parametrize("shape", [(4,), (4, 2)])
def test_weights_that_are_checked_are_a_copy(shape):
    given = np.ones(shape)
    found = losses.require_weights(given, 4, 2, dyadic_network(0))
    of_samples = losses.require_sample_weights(given[0] if given.ndim == 2 else np.ones(2), 2, dyadic_network(0))
    found[...] = of_samples[...] = 7
    assert np.all(given == 1)


@every_method
def test_floats_among_exact_weights_are_refused(method):
    network, inputs, targets = exact_case()
    weights = np.array([0.5, 1, 1, 1], dtype=object)
    with pytest.raises(TypeError, match=r"weights must hold exact numbers .*, got the float 0.5 at index \[0\]"):
        METHODS[method](network, inputs, targets, SQUARED, weights=weights)


@every_method
@pytest.mark.parametrize(
    ("steps", "error", "complaint"),
    [(0, ValueError, "time_steps must be at least 1, got 0"), (1.5, TypeError, "time_steps must be a whole number")],
)
def test_a_wrong_t_is_refused(method, steps, error, complaint):
    with pytest.raises(error, match=complaint):
        METHODS[method](dyadic_network(0), *dyadic_sequence(0), time_steps=steps)


@pytest.mark.parametrize(("name", "value"), [("weights", "last"), ("time_steps", 3)])
def test_what_is_of_single_time_steps_is_refused_where_there_is_one_loss_for_all(name, value):
    data = (dyadic_network(0), *dyadic_sequence(0))
    with pytest.raises(ValueError, match=f"{name} must be None for loss_of='average', one loss of the time-averaged"):
        ot.bptt.gradients(*data, loss_of="average", **{name: value})
    with pytest.raises(ValueError, match=f"{name} must be None for spike_representation, one loss of the rates, got"):
        ot.spike_representation.gradients(*data, **{name: value})


def test_a_loss_that_keeps_what_it_gave_finds_it_unchanged():
    class Keeping(losses.Loss):
        distribution = False

        def __init__(self):
            self.given = []

        def evaluate(self, outputs, targets):
            self.given.append((abs(outputs - targets).sum(axis=1), np.sign(outputs - targets)))
            return self.given[-1]

    loss = Keeping()
    ot.sltt.gradients(dyadic_network(0), *dyadic_sequence(0), loss, weights=[2, 2, 2, 2])
    assert set(np.abs(loss.given[-1][1]).flat) <= {0.0, 1.0}


def test_local_losses_of_the_layers_are_weighted_too():
    network, inputs, targets = exact_case()
    rng = np.random.default_rng(0)
    sizes = [shape[0] for shape in network.shapes[:-1]]
    local = ot.methods.LocalLosses([ot.exact_array(rng.integers(-8, 8, (2, size)) / 8) for size in sizes])
    options = {"error_feedback": local}
    got = ot.ottt.gradients(network, inputs, targets, SQUARED, weights=[0, 2, 0, 1], **options)
    second, last = (
        ot.ottt.gradients(network, inputs, targets, SQUARED, weights=one_hot((4,), t), **options) for t in (1, 3)
    )
    assert_nonzero(got)
    assert_equal(dict(got), total([scaled(Fraction(2), dict(second)), dict(last)]))


def test_local_losses_of_the_layers_are_divided_by_the_time_steps_that_are_given():
    network, inputs, targets = exact_case()
    rng = np.random.default_rng(0)
    local = ot.methods.LocalLosses(
        [ot.exact_array(rng.integers(-8, 8, (2, *shape)) / 8) for shape in network.shapes[:-1]]
    )
    own, longer = (
        ot.ottt.gradients(network, inputs, targets, SQUARED, error_feedback=local, time_steps=steps)
        for steps in (4, 12)
    )
    assert_nonzero(own)
    assert_equal(dict(own), scaled(Fraction(3), dict(longer)))


@pytest.mark.parametrize("learner", [ot.ottt.OnlineLearner, ot.sltt.OnlineLearner, ot.rtrl.OnlineLearner])
def test_a_learner_weights_the_samples_of_a_step(learner):
    """With SGD and a learning rate of 1 an update is the gradient of the step."""
    network, inputs, targets = exact_case()
    moved = []
    for weights in ([1, 0], [0, 1], [3, Fraction(1, 2)]):
        learning = network.copy()
        made = learner(learning, ot.training.SGD(Fraction(1), momentum=0), SQUARED)
        made.step(inputs[0], targets, weights=ot.exact_array(weights))
        moved.append({name: value - learning.parameters[name] for name, value in network.parameters.items()})
    first, second, both = moved
    assert any(np.any(value != 0) for value in both.values())
    assert_equal(both, total([scaled(Fraction(3), first), scaled(Fraction(1, 2), second)]))


def test_wrong_weights_of_a_step_are_refused_and_change_nothing():
    network, inputs, targets = dyadic_network(0), *dyadic_sequence(0)
    learner = ot.ottt.OnlineLearner(network, ot.training.SGD(0.1), Mixed())
    before = bits(network.parameters)
    with pytest.raises(ValueError, match=r"weights must be a mask or numbers \[2\] of float64, got shape \(3,\)"):
        learner.step(inputs[0], targets, weights=np.ones(3))
    with pytest.raises(ValueError, match="weights must be None for a step without targets, got"):
        learner.step(inputs[0], weights=np.ones(2))
    assert bits(network.parameters) == before and learner.state is None
