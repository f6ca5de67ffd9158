"""A price of firing: in the loss, and at the error of every spiking layer, in every method."""

from fractions import Fraction

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import losses
from ottt_ref.learning.losses import FiringRate, MeanSquaredError, Mixed, Regulariser
from ottt_ref.learning.regularisers import regularisation
from ottt_ref.methods.shared.task import require_task
from ottt_ref.simulation.simulator import run

from ..general import case, eighths, rational
from ..helpers import IN_TIME, METHODS, assert_nonzero, bits, content, dyadic_network, dyadic_sequence

SQUARED = MeanSquaredError()
FORWARDS = [name for name in IN_TIME if name != "bptt"]
every_method = pytest.mark.parametrize("method", METHODS)
every_method_in_time = pytest.mark.parametrize("method", IN_TIME)
PRICES = {
    "rate": FiringRate(Fraction(3, 4)),
    "target": FiringRate(Fraction(1, 2), Fraction(1, 4)),
}
every_price = pytest.mark.parametrize("price", PRICES.values(), ids=PRICES)


def exact_case(seed=0, **options):
    inputs, targets = dyadic_sequence(seed)
    return dyadic_network(seed, **options).exact(), ot.exact_array(inputs), ot.exact_array(targets)


def written_down(price, spikes, steps):
    """Σ_t (1/T) Σ_l the mean over samples and neurons, of spikes [T, B, ...] by layer."""
    total = Fraction(0)
    for layer in spikes:
        of_layer = Fraction(0)
        for spike in layer.flat:
            distance = Fraction(spike) if price.target is None else (Fraction(spike) - price.target) ** 2
            of_layer += price.strength * distance
        total += of_layer / layer[0].size / steps
    return total


@every_method_in_time
@every_price
def test_the_price_is_the_mean_that_is_written_down_and_part_of_the_loss(method, price):
    network, inputs, targets = exact_case(readout="spiking")
    spikes = ot.simulate(network, inputs).spikes
    free = METHODS[method](network, inputs, targets, SQUARED)
    got = METHODS[method](network, inputs, targets, SQUARED, regulariser=price)
    assert got.regularisation == written_down(price, spikes, 4) != 0
    assert got.loss == free.loss + got.regularisation
    assert free.regularisation == 0
    assert any(np.any(got[name] != free[name]) for name in got)


@pytest.mark.slow
@every_method_in_time
@every_price
def test_its_gradient_is_that_of_the_same_errors_at_the_spikes(method, price):
    """Linearity in the errors: with twice the price it differs from that without one by twice as much."""
    network, inputs, targets = exact_case()
    twice = FiringRate(2 * price.strength, price.target)
    free, one, two = (
        METHODS[method](network, inputs, targets, SQUARED, regulariser=each) for each in (None, price, twice)
    )
    for name in free:
        assert np.array_equal(two[name] - free[name], 2 * (one[name] - free[name])), name


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["recurrent", "feedback", "skips"])
def test_rtrl_is_bptt_exactly(kind):
    network, inputs, labels = case(kind, time_steps=3, batch_size=1)
    data = (rational(eighths(network)), ot.exact_array(np.round(8 * inputs) / 8), labels, SQUARED)
    options = {"regulariser": PRICES["target"], "weights": [1, 2, 1]}
    forward, backward = (each.gradients(*data, **options) for each in (ot.rtrl, ot.bptt))
    assert_nonzero(backward)
    assert forward.loss == backward.loss
    for name in backward:
        assert np.array_equal(forward[name], backward[name]), name


def test_floats_among_an_exact_networks_prices_are_refused():
    network, inputs, _ = exact_case()
    activity = run(network, inputs)
    errors, prices = 0 * activity.outputs, activity.layer_outputs[0] + Fraction(1, 2)
    backward = ot.bptt.backward
    assert backward(network, activity, errors, reset_gradient="kept", regularisation={0: prices})
    with pytest.raises(TypeError, match=r"regularisation\[0\]"):
        backward(network, activity, errors, reset_gradient="kept", regularisation={0: prices * 0.5})


@pytest.mark.slow
@pytest.mark.parametrize("of", ["steps", "average"])
def test_bptt_is_the_derivative_of_the_soft_spike_network(of):
    """Central differences at h = 2^-16 are off by h² L'''/6 and by roundings, some 1e-11."""
    network, inputs, labels = case("feedback")
    price = FiringRate(0.5, 0.25, of)
    task = require_task(network, inputs, labels, Mixed(), regulariser=price)
    activity = run(network, inputs, soft=True)
    errors = task.sequence_loss(activity.outputs)[1]
    penalties = task.sequence_regularisation(activity)[1]
    options = {"reset_gradient": "kept", "regularisation": penalties}
    got = ot.bptt.backward(network, activity, errors, **options).values

    def loss():
        soft = run(network, inputs, soft=True, derivatives=False)
        return task.sequence_loss(soft.outputs)[0] + task.sequence_regularisation(soft)[0]

    step = 2.0**-16
    for name, gradient in got.items():
        value, differences = network.parameters[name], np.zeros_like(gradient)
        for index in np.ndindex(value.shape):
            before = value[index]
            value[index] = before + step
            ahead = loss()
            value[index] = before - step
            differences[index] = (ahead - loss()) / (2 * step)
            value[index] = before
        assert np.abs(gradient - differences).max() < 1e-6 * np.abs(gradient).max(), name


@pytest.mark.parametrize("method", ["ottt", "sltt"])
def test_of_the_last_hidden_layer_what_is_added_pairs_its_own_error(method):
    """Σ_t ψ[t] r[t] paired with the trace, or with what comes in: by the rule's own algebra."""
    network, inputs, targets = exact_case()
    price = PRICES["rate"]
    activity = ot.simulate(network, inputs)
    free = METHODS[method](network, inputs, targets, SQUARED)
    got = METHODS[method](network, inputs, targets, SQUARED, regulariser=price)
    last = network.spiking[-1]
    size = activity.layer_outputs[last][0].size
    slope = price.strength / size / len(inputs)
    trace, wanted = 0, 0
    for t in range(len(inputs)):
        trace = (Fraction(1, 2) * trace if method == "ottt" else 0) + activity.layer_outputs[last - 1][t]
        error = activity.layer_surrogate_derivatives[last][t] * slope
        wanted = wanted + (error[:, :, np.newaxis] * trace[:, np.newaxis, :]).sum(axis=0)
    assert np.any(wanted != 0)
    name = f"layer{last}.weight"
    assert np.array_equal(got[name] - free[name], wanted)


@every_method
def test_a_price_of_nothing_is_none(method):
    network, inputs, targets = dyadic_network(1), *dyadic_sequence(1)
    got, wanted = (METHODS[method](network, inputs, targets, regulariser=each) for each in (FiringRate(0.0), None))
    assert got.loss == wanted.loss
    for name in wanted:
        assert np.array_equal(got[name], wanted[name]), name


@pytest.mark.slow
@every_method
@every_price
def test_compiled_and_uncompiled_runs_agree_bit_for_bit(method, price):
    network, inputs, targets = dyadic_network(4), *dyadic_sequence(4)
    price = FiringRate(float(price.strength), price.target)
    compiled = METHODS[method](network, inputs, targets, regulariser=price)
    objects = (array.astype(object) for array in (inputs, targets))
    plain = METHODS[method](network.as_objects(float), *objects, regulariser=price)
    assert bits(content(compiled)) == bits(content(plain))
    single = METHODS[method](
        network.astype(np.float32), inputs.astype(np.float32), targets.astype(np.float32), regulariser=price
    )
    assert {value.dtype for value in single.values()} == {np.dtype(np.float32)}
    assert type(single.loss) is np.float32


@pytest.mark.slow
@every_method_in_time
def test_in_chunks_it_is_the_whole(method):
    """Its value does not hang on the chunks; nor does its gradient, of rules that run forwards."""
    network, inputs, targets = exact_case()
    options = {"time_steps": 4, "regulariser": PRICES["target"]}
    whole = METHODS[method](network, inputs, targets, SQUARED, **options)
    first = METHODS[method](network, inputs[:2], targets, SQUARED, **options)
    second = METHODS[method](network, inputs[2:], targets, SQUARED, initial_state=first.final_state, **options)
    assert first.regularisation + second.regularisation == whole.regularisation
    same = all(np.array_equal(first[name] + second[name], whole[name]) for name in whole)
    assert same == (method != "bptt")


def test_the_distance_of_the_sequences_rate_is_bptts_alone():
    network, inputs, targets = exact_case()
    price = FiringRate(Fraction(1, 2), Fraction(1, 4), of="average")
    got = ot.bptt.gradients(network, inputs, targets, SQUARED, regulariser=price)
    wanted = Fraction(0)
    for layer in ot.simulate(network, inputs).spikes:
        rates = sum(ot.exact_array(row) for row in layer) / 4
        wanted += Fraction(1, 2) * ((rates - Fraction(1, 4)) ** 2).sum() / rates.size
    assert got.regularisation == wanted
    for method in FORWARDS:
        with pytest.raises(
            ValueError, match="regulariser must be of='steps' for a rule that runs forwards in time, wh"
        ):
            METHODS[method](network, inputs, targets, SQUARED, regulariser=price)
    with pytest.raises(ValueError, match="regulariser must be of='steps' for OTTT, which knows no spikes of later"):
        ot.ottt.OnlineLearner(network, ot.training.SGD(0.1), SQUARED, regulariser=price)


@pytest.mark.parametrize("of", ["steps", "average"])
def test_what_it_adds_to_the_errors_of_each_time_step_is_the_derivative_that_is_written_down(of):
    """∂R/∂s[t] is 2 strength (s[t] - target) / (n B T), of the average with the sequence's rate in place of s[t]."""
    network, inputs, targets = exact_case(readout="spiking")
    price = FiringRate(Fraction(1, 2), Fraction(1, 4), of)
    activity = ot.simulate(network, inputs)
    steps = len(inputs)
    found = require_task(network, inputs, targets, SQUARED, regulariser=price).sequence_regularisation(activity)[1]
    assert sorted(found) == list(network.spiking)
    for l, gradient in found.items():
        spikes = np.stack([ot.exact_array(row) for row in activity.layer_outputs[l]])
        rates = spikes if of == "steps" else np.repeat(spikes.sum(axis=0)[np.newaxis] / steps, steps, axis=0)
        assert np.array_equal(gradient, (rates - price.target) / spikes[0].size / steps)
    assert np.any(found[0][1:] != found[0][:-1]) == (of == "steps")


def test_no_rule_that_runs_forwards_can_have_the_distance_of_the_sequences_rate():
    """Two sequences that are one in the first time step: the price's error there has another sign in each.

    One neuron, λ = 0, w = 1, a target of 1/2 spikes per time step; x = (1, 0, 0) and x = (1, 1, 1). At t = 0 all that a
    rule sees is the same.
    """
    neuron = ot.LIF(Fraction(0), Fraction(1), surrogate=ot.surrogate.Triangle(2.0, 0.5))
    one = ot.exact_array([[1.0]])
    network = ot.Network([ot.Layer(ot.Dense(one, False), neuron), ot.Layer(ot.Dense(one, False), ot.Integrator())])
    price = FiringRate(Fraction(1), Fraction(1, 2), of="average")
    errors = []
    for later in (0, 1):
        inputs = ot.exact_array([[[1]], [[later]], [[later]]])
        task = require_task(network, inputs, one, SQUARED, regulariser=price)
        errors.append(task.sequence_regularisation(ot.simulate(network, inputs))[1][0][0, 0, 0])
    assert errors[0] < 0 < errors[1]


@every_price
def test_spike_representation_prices_its_weighted_rates(price):
    network, inputs, targets = exact_case(3)
    got = ot.spike_representation.gradients(network, inputs, targets, SQUARED, regulariser=price)
    values, _ = ot.spike_representation.rates_of(network, inputs, "measured")
    wanted = Fraction(0)
    for rate in values[1:]:
        distance = rate if price.target is None else (rate - price.target) ** 2
        wanted += price.strength * distance.sum() / rate.size
    assert got.regularisation == wanted != 0


def test_of_the_mapping_it_is_the_derivative():
    """Central differences of the closed-form rates' loss and price, off by some 1e-10."""
    rng = np.random.default_rng(0)
    network = ot.dense_network([3, 4, 2], decay=1.0, surrogate=ot.surrogate.Triangle(), rng=rng)
    network.parameters["layer0.weight"] = rng.uniform(0.1, 0.3, (4, 3))
    inputs, labels, price = rng.uniform(0.2, 0.9, (4, 2, 3)), np.array([0, 1]), FiringRate(0.5, 0.1)

    def gradients():
        return ot.spike_representation.gradients(network, inputs, labels, rates="closed_form", regulariser=price)

    got, step = gradients(), 2.0**-16
    assert_nonzero(got)
    for name, gradient in got.items():
        value = network.parameters[name]
        for index in np.ndindex(value.shape):
            before = value[index]
            value[index] = before + step
            ahead = gradients().loss
            value[index] = before - step
            difference = (ahead - gradients().loss) / (2 * step)
            value[index] = before
            assert abs(difference - gradient[index]) < 1e-6 * np.abs(gradient).max(), name


@pytest.mark.parametrize("learner", [ot.ottt.OnlineLearner, ot.sltt.OnlineLearner, ot.rtrl.OnlineLearner])
def test_a_learner_pays_it_at_each_step(learner):
    network, inputs, targets = exact_case()
    options = {"time_steps": 4, "regulariser": PRICES["target"]}
    method = METHODS[learner.__module__.rpartition(".")[2]]
    learning = network.copy()
    made = learner(learning, ot.training.SGD(Fraction(1), momentum=0), SQUARED, **options)
    loss, _ = made.step(inputs[0], targets)
    wanted = method(network, inputs[:1], targets, SQUARED, **options)
    assert loss == wanted.loss
    for name, value in network.parameters.items():
        assert np.array_equal(value - learning.parameters[name], wanted[name]), name


class Odd(Regulariser):
    """Returns what it was given to return."""

    def __init__(self, found, of="steps"):
        self.found, self.of = found, of

    def evaluate(self, spikes):
        return self.found(spikes)


WRONG = {
    "no regulariser": (0.5, TypeError, "regulariser must be None or one such as FiringRate"),
    "the base class": (Regulariser(), TypeError, "regulariser must be None or one such as FiringRate"),
    "other word": (Odd(None, "all"), ValueError, "regulariser.of must be one of 'steps', 'average', got 'all'"),
    "one array": (Odd(lambda s: s), TypeError, r"regulariser.evaluate must return the values \[B\] and the gradients"),
    "other shape": (
        Odd(lambda s: (s[:, 0], s[:, :1])),
        ValueError,
        r"regulariser.evaluate must return the gradients \[B, ...\] as float64 \[2, 4\], got float64 \[2, 1\]",
    ),
    "NaN": (Odd(lambda s: (s[:, 0] * np.nan, s)), ValueError, r"the values \[B\] of the regulariser must be finite"),
}


@every_method
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_regulariser_is_refused_before_any_work(method, wrong):
    regulariser, error, complaint = WRONG[wrong]
    with pytest.raises(error, match=complaint):
        METHODS[method](dyadic_network(0), *dyadic_sequence(0), regulariser=regulariser)


@every_method
def test_a_regulariser_of_ones_own_works_everywhere_and_gets_copies(method):
    class Squares(Regulariser):
        rational = True

        def evaluate(self, spikes):
            flat = spikes.reshape(len(spikes), -1)
            value, gradient = (flat * flat).sum(axis=1) / flat.shape[1], 2 * spikes / flat.shape[1]
            spikes[...] = 0
            return value, gradient

    network, inputs, targets = exact_case()
    got = METHODS[method](network, inputs, targets, SQUARED, regulariser=Squares())
    wanted = METHODS[method](network, inputs, targets, SQUARED, regulariser=FiringRate(Fraction(1), Fraction(0)))
    assert got.loss == wanted.loss
    for name in wanted:
        assert np.array_equal(got[name], wanted[name]), name


def test_of_floats_a_regulariser_of_ones_own_gets_copies_too():
    class Clearing(Regulariser):
        def evaluate(self, spikes):
            found = spikes.reshape(len(spikes), -1).sum(axis=1), np.ones_like(spikes)
            spikes[...] = 0
            return found

    network = dyadic_network(0)
    activity = ot.simulate(network, dyadic_sequence(0)[0]).at(1)
    before = [output.copy() for output in activity.layer_outputs]
    regularisation(Clearing(), network, activity.layer_outputs, 1)
    assert all(np.array_equal(*each) for each in zip(activity.layer_outputs, before)) and np.any(before[0])


def test_exact_networks_refuse_a_regulariser_without_exact_values():
    class Rounded(Regulariser):
        rational = True

        def evaluate(self, spikes):
            return spikes.reshape(len(spikes), -1).sum(axis=1) * 0.5, spikes * 0.5

    network, inputs, targets = exact_case()
    with pytest.raises(TypeError, match=r"regulariser must be FiringRate for a network of exact numbers, got"):
        ot.bptt.gradients(network, inputs, targets, SQUARED, regulariser=Odd(None))
    with pytest.raises(
        TypeError, match=r"regulariser.evaluate must give exact numbers for exact numbers, got the float"
    ):
        ot.bptt.gradients(network, inputs, targets, SQUARED, regulariser=Rounded())


@pytest.mark.parametrize(
    ("fields", "error", "complaint"),
    [
        ({"strength": -1}, ValueError, "strength must be of at least 0, got -1"),
        ({"strength": "a"}, TypeError, "strength must be a number of at least 0, got 'a'"),
        ({"strength": 1, "target": 2}, ValueError, r"target must be in \[0, 1\], got 2"),
        ({"strength": 1, "of": "rate"}, ValueError, "of must be one of 'steps', 'average', got 'rate'"),
    ],
)
def test_wrong_numbers_are_refused(fields, error, complaint):
    with pytest.raises(error, match=complaint):
        FiringRate(**fields)


def test_weights_are_of_the_loss_and_not_of_the_price():
    network, inputs, targets = exact_case()
    options = {"regulariser": PRICES["rate"]}
    every = ot.bptt.gradients(network, inputs, targets, SQUARED, **options)
    last = ot.bptt.gradients(network, inputs, targets, SQUARED, weights="last", **options)
    assert every.regularisation == last.regularisation
    assert last.loss - last.regularisation == losses.step_loss(SQUARED, last.outputs[-1], targets, 4)[0]


def test_a_sequence_of_prices_is_the_sum_of_its_layers():
    network = ot.dense_network([2, 2, 3, 2], rng=0)
    spikes = {0: np.array([[1.0, 0.0]]), 1: np.array([[1.0, 1.0, 0.0]])}
    total, gradients = regularisation(FiringRate(6.0), network, spikes, 1)
    assert total == 3 + 4
    assert gradients[0].tolist() == [[3.0, 3.0]] and gradients[1].tolist() == [[2.0, 2.0, 2.0]]
