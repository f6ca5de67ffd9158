"""The gradient at the inputs: exact of BPTT, of one time step of OTTT and SLTT, through the rates of SR."""

from fractions import Fraction

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import losses
from ottt_ref.learning.losses import MeanSquaredError, Mixed
from ottt_ref.simulation.simulator import run

from ...selection import slow
from ..general import KINDS, LARGE, case, eighths, rational
from ..helpers import METHODS, bits, content, dyadic_network, dyadic_sequence

SQUARED = MeanSquaredError()
STEP = 2.0**-16
GIVING = ("bptt", "ottt", "sltt", "spike_representation")


def exact_case(seed=0, **options):
    inputs, targets = dyadic_sequence(seed)
    return dyadic_network(seed, **options).exact(), ot.exact_array(inputs), ot.exact_array(targets)


def differences_of(loss, inputs, indices):
    """Central differences of a loss at some entries of its inputs, which are changed and put back."""
    result = {}
    for index in indices:
        before = inputs[index]
        inputs[index] = before + STEP
        ahead = loss()
        inputs[index] = before - STEP
        result[index] = (ahead - loss()) / (2 * STEP)
        inputs[index] = before
    return result


@pytest.mark.parametrize("kind", slow(KINDS, LARGE))
def test_of_bptt_it_is_the_derivative_of_the_soft_spike_network(kind):
    """Off by h² L'''/6, some 1e-10 L''', and by roundings, some 1e-16 / h = 1e-11."""
    network, inputs, labels = case(kind, time_steps=3)
    rows = losses.require_targets(Mixed(), labels, inputs.shape[1], network)
    weights = np.random.default_rng(0).random(inputs.shape[:2])
    activity = run(network, inputs, soft=True)
    errors = losses.sequence_loss(Mixed(), activity.outputs, rows, weights)[1]
    sums = ot.bptt.backward(network, activity, errors, reset_gradient="kept", input_gradients=True)

    def loss():
        outputs = run(network, inputs, soft=True, derivatives=False).outputs
        return losses.sequence_loss(Mixed(), outputs, rows, weights)[0]

    every = list(np.ndindex(inputs.shape))
    chosen = [every[k] for k in np.random.default_rng(1).permutation(len(every))[:24]]
    for index, difference in differences_of(loss, inputs, chosen).items():
        assert abs(sums.inputs[index] - difference) < 1e-6 * np.abs(sums.inputs).max(), index
    ways = [c for c in network.connections if c.source == -1]
    soonest = min(c.delay + network.error_lags(c.target)[0] for c in ways)  # what comes later reaches no output
    assert np.all(
        (np.abs(sums.inputs).reshape(len(inputs), -1).max(axis=1) > 0) == (np.arange(len(inputs))[::-1] >= soonest)
    )


@pytest.mark.parametrize("method", ["ottt", "sltt"])
def test_of_ottt_and_sltt_it_is_that_of_each_time_steps_loss_at_its_own_inputs(method):
    """BPTT's of a sequence of one time step, which starts where that step does."""
    network, inputs, labels = case("feedback", time_steps=4)
    network, inputs = rational(eighths(network)), ot.exact_array(np.round(8 * inputs) / 8)
    got = METHODS[method](network, inputs, labels, SQUARED, input_gradients=True)
    state = None
    for t in range(4):
        step = ot.bptt.gradients(
            network, inputs[t : t + 1], labels, SQUARED, time_steps=4, initial_state=state, input_gradients=True
        )
        assert np.array_equal(got.input_gradients[t], step.input_gradients[0])
        state = step.final_state
    assert np.any(got.input_gradients != 0)
    whole = ot.bptt.gradients(network, inputs, labels, SQUARED, input_gradients=True).input_gradients
    assert np.array_equal(got.input_gradients[-1], whole[-1])
    assert np.any(got.input_gradients[0] != whole[0])


@pytest.mark.parametrize("loops", slow([False, True], [True]))
def test_of_the_mapping_it_is_the_derivative(loops):
    """Central differences of the loss of the closed-form rates, at inputs away from the clamp's corners."""
    rng = np.random.default_rng(0)
    recurrent = ot.Dense(rng.uniform(-0.1, 0.1, (4, 4)), False) if loops else None
    hidden = ot.Layer(ot.Dense(rng.uniform(0.1, 0.3, (4, 3)), rng.uniform(0, 0.1, 4)), ot.LIF(0.75), recurrent)
    network = ot.Network([hidden, ot.Layer(ot.Dense(rng.normal(size=(2, 4))), ot.Integrator())])
    inputs, labels = rng.uniform(0.2, 0.9, (4, 2, 3)), np.array([0, 1])

    def gradients(**options):
        return ot.spike_representation.gradients(network, inputs, labels, rates="closed_form", **options)

    got = gradients(input_gradients=True).input_gradients
    found = differences_of(lambda: gradients().loss, inputs, np.ndindex(inputs.shape))
    # The equilibrium is solved to some 1e-12, which the step of 2^-16 makes 1e-7 of a gradient.
    for index, difference in found.items():
        assert abs(got[index] - difference) < 1e-6 * np.abs(got).max(), index


def test_inputs_that_arrive_late_go_back_through_the_maximum_of_what_was_sent():
    """As of a network without the delay, whose inputs come two time steps later."""
    rng = np.random.default_rng(0)
    pooled = [ot.MaxPool1d(2), ot.Flatten(), ot.Dense(rng.normal(size=(2, 4)))]
    late, plain = (ot.Network([ot.Layer(pooled, ot.LIF(0.5), delay=delay)], input_shape=(2, 4)) for delay in (2, 0))
    inputs, labels = rng.random((5, 2, 2, 4)), np.array([0, 1])
    shifted = np.concatenate([np.zeros((2, 2, 2, 4)), inputs[:3]])
    for method in (ot.sltt, ot.bptt):
        found = method.gradients(late, inputs, labels, input_gradients=True).input_gradients
        wanted = method.gradients(plain, shifted, labels, input_gradients=True).input_gradients
        assert np.array_equal(found[:3], wanted[2:]) and not np.any(found[3:])
        assert np.count_nonzero(found[:3]) == 3 * 2 * 4


def test_rtrl_refuses_it_and_says_why():
    network, inputs, targets = exact_case()
    with pytest.raises(ValueError, match="input_gradients must be False for RTRL, which has no errors at the layers: "):
        ot.rtrl.gradients(network, inputs, targets, SQUARED, input_gradients=True)


def test_no_rule_that_looks_at_the_present_alone_has_the_exact_one():
    """Two sequences that are one in the first time step, with another gradient of the loss at its inputs.

    One neuron, λ = 1/2, w = 1, of a readout with weight 1 and a target of 0; x = (1/2, 0) and x = (1/2, 1). All that a
    rule sees at t = 0 is the same, and so is its own gradient there.
    """
    neuron = ot.LIF(Fraction(1, 2), Fraction(1), surrogate=ot.surrogate.Triangle(2.0, 0.5))
    one = ot.exact_array([[1.0]])
    network = ot.Network([ot.Layer(ot.Dense(one, False), neuron), ot.Layer(ot.Dense(one, False), ot.Integrator())])
    found = {}
    for method in ("bptt", "ottt", "sltt"):
        found[method] = [
            METHODS[method](network, inputs, one * 0, SQUARED, input_gradients=True).input_gradients[0, 0, 0]
            for inputs in (ot.exact_array([[[0.5]], [[0]]]), ot.exact_array([[[0.5]], [[1]]]))
        ]
    assert found["bptt"][0] != found["bptt"][1]
    assert found["ottt"][0] == found["ottt"][1] == found["sltt"][0] == found["sltt"][1]


@pytest.mark.parametrize("method", GIVING)
def test_it_changes_nothing_else(method):
    network, inputs, targets = dyadic_network(1), *dyadic_sequence(1)
    got = METHODS[method](network, inputs, targets, terms=True, input_gradients=True)
    wanted = METHODS[method](network, inputs, targets, terms=True)
    assert bits(content(got)) == bits(content(wanted))
    assert got.input_gradients.shape == inputs.shape and wanted.input_gradients is None


@pytest.mark.parametrize("method", GIVING)
def test_floats_and_fractions_agree(method):
    """On eighths, whose sums and products floats hold exactly, but for SR's division by Λ_T."""
    network, inputs, targets = dyadic_network(1), *dyadic_sequence(1)
    got = METHODS[method](network, inputs, targets, SQUARED, input_gradients=True).input_gradients
    exact = METHODS[method](
        network.exact(), ot.exact_array(inputs), ot.exact_array(targets), SQUARED, input_gradients=True
    ).input_gradients
    assert all(isinstance(number, Fraction) for number in exact.flat)
    np.testing.assert_allclose(got, exact.astype(float), rtol=1e-12)
    single = METHODS[method](
        network.astype(np.float32),
        inputs.astype(np.float32),
        targets.astype(np.float32),
        SQUARED,
        input_gradients=True,
    ).input_gradients
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, got, rtol=1e-4, atol=1e-7)


def test_fixed_feedback_goes_back_to_the_inputs_by_the_first_layers_weights():
    network, inputs, targets = exact_case()
    rng = np.random.default_rng(0)
    sizes = [shape[0] for shape in network.shapes[:-1]]
    feedback = ot.methods.FeedbackMatrices([ot.exact_array(rng.integers(-8, 8, (size, 2)) / 8) for size in sizes])
    got = ot.ottt.gradients(
        network, inputs, targets, SQUARED, error_feedback=feedback, input_gradients=True, terms=True
    )
    weight = network.parameters["layer0.weight"]
    assert np.array_equal(got.input_gradients, got.errors[0] @ weight)


def test_a_rule_that_records_no_errors_cannot_have_it():
    class Silent(ot.methods.Rule):
        def add_step(self, sums, t, step, error_feedback):
            pass

    network, inputs, targets = dyadic_network(0), *dyadic_sequence(0)
    with pytest.raises(ValueError, match=r"input_gradients must be False for Silent, whose add_step does not call"):
        ot.methods.gradients(Silent, network, inputs, targets, input_gradients=True)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_no_flag_is_refused(method):
    with pytest.raises(TypeError, match="input_gradients must be True or False, got 1"):
        METHODS[method](dyadic_network(0), *dyadic_sequence(0), input_gradients=1)
