"""The fast backend is the reference: results, states, records and errors, on every case of the kit."""

import subprocess
import sys
from itertools import product

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import fast
from ottt_ref.conformance import checking, files
from ottt_ref.fast import forward, windows
from ottt_ref.fast.adapter import adapter

NAMES = [each.name for each in files.specifications()]
VARIANTS = {
    "bptt": ("bptt", {}),
    "bptt-kept": ("bptt", {"reset_gradient": "kept"}),
    "ottt": ("ottt", {}),
    "ottt-authors": ("ottt", {"dialect": "authors"}),
    "sltt": ("sltt", {}),
}

BACKWARDS = [*product(NAMES[::4], ("bptt",)), *product(NAMES[2::4], ("bptt-kept",))]


def tolerance(network):
    return 1e-10 if network.dtype == np.float64 else 1e-4


def assert_close(found, wanted, network, name):
    assert found.shape == wanted.shape and found.dtype == wanted.dtype, name
    largest = np.max(np.abs(wanted), initial=0)
    least = 1e-20  # as in the kit: what is smaller counts as 0, where float32 has no more digits
    np.testing.assert_allclose(found, wanted, rtol=0, atol=max(tolerance(network) * largest, least), err_msg=name)


def assert_same(found, wanted, network):
    assert list(found) == list(wanted) and list(found.final_state) == list(wanted.final_state)
    for name in wanted:
        assert_close(found[name], wanted[name], network, name)
    for name in wanted.final_state:
        assert_close(found.final_state[name], wanted.final_state[name], network, name)
    assert_close(found.outputs, wanted.outputs, network, "outputs")
    assert found.loss == pytest.approx(wanted.loss, rel=10 * tolerance(network))
    assert found.regularisation == pytest.approx(wanted.regularisation, rel=10 * tolerance(network))
    if wanted.input_gradients is not None:
        assert_close(found.input_gradients, wanted.input_gradients, network, "input_gradients")


def both(method, options, *given, **asked):
    """What the fast backend and the reference give, or raise."""
    results = []
    for module in (getattr(fast, method), getattr(ot, method)):
        try:
            results.append(module.gradients(*given, **options, **asked))
        except (TypeError, ValueError) as error:
            results.append(error)
    return results


NETWORK = ot.dense_network([3, 5, 4, 2], rng=0)
INPUTS = np.random.default_rng(1).random((5, 2, 3))
LABELS = np.array([1, 0])


@pytest.mark.parametrize("method", ["bptt", "ottt", "sltt"])
@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ((NETWORK, INPUTS[:, :, :2], LABELS), {}),
        ((NETWORK, INPUTS, LABELS[:1]), {}),
        ((NETWORK, INPUTS, LABELS, "cross entropy"), {}),
        ((NETWORK, INPUTS, LABELS), {"weights": np.ones(3)}),
        ((NETWORK, INPUTS, LABELS), {"terms": 1}),
        ((NETWORK, INPUTS, LABELS), {"initial_state": {}}),
        ((NETWORK, INPUTS, LABELS), {"time_steps": 0}),
        (("network", INPUTS, LABELS), {}),
    ],
)
def test_what_is_refused_is_refused_in_the_same_words(method, given, asked):
    found, wanted = both(method, {}, *given, **asked)
    assert isinstance(wanted, Exception) and type(found) is type(wanted) and str(found) == str(wanted)


@pytest.mark.parametrize("method", ["bptt", "ottt", "sltt"])
@pytest.mark.parametrize("parameter", ["layer0.bias", "layer1.weight", "readout.weight"])
def test_what_is_not_finite_is_said_in_the_same_words(monkeypatch, method, parameter):
    monkeypatch.setattr(forward, "LONGEST_WINDOW", 2)
    network = NETWORK.copy()
    network.parameters[parameter] = np.full_like(network.parameters[parameter], 1.5e308)
    found, wanted = both(method, {}, network, INPUTS, LABELS)
    assert isinstance(wanted, ot.NonFiniteError) and type(found) is type(wanted) and str(found) == str(wanted)


def test_what_is_not_finite_is_returned_where_that_is_allowed():
    network = NETWORK.copy()
    network.parameters["readout.weight"] = np.full((2, 4), 1.5e308)
    with ot.allow_non_finite():
        found, wanted = both("ottt", {}, network, 2 * INPUTS, LABELS)
    finite = np.isfinite(wanted.outputs)
    assert not np.all(np.isfinite(found.outputs))  # what leaves out 0 · ∞ is finite where the other is, and elsewhere
    np.testing.assert_array_equal(found.outputs[finite], wanted.outputs[finite])


@pytest.mark.parametrize("method", ["bptt", "ottt", "sltt"])
def test_exact_numbers_are_the_references_alone(method):
    network = ot.dense_network([1, 1, 1], surrogate=ot.surrogate.Triangle(), rng=0).exact()
    with pytest.raises(TypeError, match=r"network must be of float64 or float32 for ottt_ref.fast, got one of objects"):
        getattr(fast, method).gradients(network, ot.exact_array([[[1]]]), ot.exact_array([[1]]))
    with pytest.raises(TypeError, match=r"float64 or float32"):
        fast.simulate(network, ot.exact_array([[[1]]]))


class Absolute(ot.losses.Loss):
    """A loss of one's own: Σ_c |o_c - y_c|."""

    def evaluate(self, outputs, targets):
        return np.abs(outputs - targets).sum(axis=1), np.sign(outputs - targets)


class Square(ot.Operation):
    """An operation of one's own, linear: twice the values."""

    def forward(self, values, bias_input):
        return 2 * values

    def adjoint(self, error, input_shape):
        return 2 * error


class Leak(ot.Neuron):
    """A neuron of one's own, of two states: the second holds the spikes of before."""

    states = ("potential", "memory")
    threshold = 1.0
    decay = 0.5

    def step(self, state, output, current, soft=False):
        state[1][...] = 0.25 * state[1] + output
        state[0][...] = 0.5 * state[0] + current - 0.125 * state[1]
        output[...] = state[0] >= 1

    def surrogate_derivative(self, state):
        return np.maximum(0, 1 - np.abs(state[0] - 1))

    @property
    def leak(self):
        return (0.5, -0.03125), (0, 0.25)

    def jacobian(self, state, output, surrogate_derivative, kept):
        like = np.ones_like(state[0])
        rows = [[0.5 * like, -0.03125 * like], [0 * like, 0.25 * like]]
        if kept:
            rows[0][0] -= 0.125 * surrogate_derivative
            rows[1][0] += surrogate_derivative
        return tuple(map(tuple, rows))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    "targets", [LABELS, np.array([[0, 1]] * 5), np.random.default_rng(2).dirichlet((1, 1), (5, 2))]
)
def test_parts_of_ones_own(monkeypatch, variant, targets):
    monkeypatch.setattr(forward, "LONGEST_WINDOW", 2)
    rng = np.random.default_rng(3)
    first = ot.Layer([Square(), ot.Dense(rng.normal(size=(4, 3)))], Leak())
    second = ot.Layer(ot.Dense(rng.normal(size=(4, 4))), ot.CubaLIF(decay=np.array([0.5, 0.9, 0.25, 0.5])))
    network = ot.Network(
        [first, second, ot.Layer(ot.Dense(rng.normal(size=(2, 4))), ot.Integrator())], input_shape=(3,)
    )
    method, options = VARIANTS[variant]
    found, wanted = both(method, options, network, INPUTS, targets, Absolute(), input_gradients=True)
    assert_same(found, wanted, network)
    assert any(np.any(found[name]) for name in ("layer0.weight", "layer1.bias"))


def test_single_time_steps_are_recorded_as_ever():
    found, wanted = both("ottt", {}, NETWORK, INPUTS, LABELS, terms=True)
    for name in wanted.terms:
        assert_close(found.terms[name], wanted.terms[name], NETWORK, name)


@pytest.mark.parametrize("kind", ["FeedbackMatrices", "LocalLosses"])
def test_other_ways_for_errors(kind):
    shapes = [(5, 2), (4, 2)] if kind == "FeedbackMatrices" else [(2, 5), (2, 4)]
    feedback = getattr(ot.methods, kind)([np.random.default_rng(4).normal(size=shape) for shape in shapes])
    assert windows.why_single_steps(NETWORK, feedback) == f"errors come by {kind}"
    assert_same(*both("ottt", {}, NETWORK, INPUTS, LABELS, error_feedback=feedback), NETWORK)


def test_two_halves_are_the_whole(monkeypatch):
    monkeypatch.setattr(forward, "LONGEST_WINDOW", 2)
    whole = fast.ottt.gradients(NETWORK, INPUTS, LABELS)
    first = fast.ottt.gradients(NETWORK, INPUTS[:3], LABELS, time_steps=5)
    second = fast.ottt.gradients(NETWORK, INPUTS[3:], LABELS, time_steps=5, initial_state=first.final_state)
    for name in whole:
        np.testing.assert_allclose(first[name] + second[name], whole[name], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("method", ["bptt", "ottt", "sltt"])
@pytest.mark.parametrize("delay", [1, 2, 3, 7])
def test_gradients_at_inputs_that_arrive_late(monkeypatch, method, delay):
    """Of windows shorter than the delay, as long, and longer; and of a delay longer than the sequence."""
    monkeypatch.setattr(forward, "LONGEST_WINDOW", 2)
    rng = np.random.default_rng(5)
    layers = [ot.Layer(ot.Dense(rng.normal(size=(4, 3))), ot.LIF(), delay=delay)]
    network = ot.Network([*layers, ot.Layer(ot.Dense(rng.normal(size=(2, 4))), ot.Integrator())])
    assert not windows.why_single_steps(network)
    found, wanted = both(method, {}, network, INPUTS, LABELS, input_gradients=True)
    assert_same(found, wanted, network)
    assert bool(np.any(wanted.input_gradients)) == (delay < len(INPUTS))


def test_nothing_that_is_given_changes():
    network, inputs = NETWORK.copy(), INPUTS.copy()
    state = fast.simulate(network, inputs).final_state
    before = {name: array.copy() for name, array in state.items()}
    for method in (fast.bptt, fast.ottt, fast.sltt):
        method.gradients(network, inputs, LABELS, initial_state=state)
    assert np.array_equal(inputs, INPUTS)
    assert all(np.array_equal(network.parameters[name], NETWORK.parameters[name]) for name in network.parameters)
    assert all(np.array_equal(state[name], before[name]) for name in before)


@pytest.mark.parametrize("method", ["ottt", "sltt"])
def test_learners_learn_what_the_references_do(method):
    learned = []
    for module in (getattr(fast, method), getattr(ot, method)):
        network = NETWORK.copy()
        learner = module.OnlineLearner(network, ot.training.SGD(0.1), time_steps=5)
        losses = [learner.step(row, LABELS)[0] for row in INPUTS]
        learned.append((losses, network.parameters))
    assert learned[0][0] == pytest.approx(learned[1][0], rel=1e-12)
    for name in NETWORK.parameters:
        np.testing.assert_allclose(learned[0][1][name], learned[1][1][name], rtol=1e-12, atol=1e-14)
        assert not np.array_equal(learned[0][1][name], NETWORK.parameters[name])


@pytest.mark.parametrize("method", ["ottt", "sltt"])
def test_a_learner_goes_on_with_weights_that_took_the_place_of_others(method):
    losses = []
    for module in (getattr(fast, method), getattr(ot, method)):
        network = NETWORK.copy()
        learner = module.OnlineLearner(network, ot.training.Adam(0.1), time_steps=5)  # with SGD it would be a stream
        learner.step(INPUTS[0], LABELS)
        readout = network.layers[-1].synapses.owner("weight")
        readout.weight = -readout.weight
        losses.append([learner.step(row, LABELS)[0] for row in INPUTS[1:]])
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)


class Plain(ot.training.Optimizer):
    """One of one's own, that knows nothing of ranges."""

    def step(self, parameters, gradients):
        for name, gradient in gradients.items():
            parameters[name][...] -= self.learning_rate * np.sign(gradient)


@pytest.mark.parametrize("optimizer", [lambda: ot.training.Adam(0.5), lambda: Plain(0.5, 0.0)])
@pytest.mark.parametrize("method", ["ottt", "sltt"])
def test_learned_decays_come_back_into_their_range_after_each_time_step(method, optimizer):
    learned = []
    for module in (getattr(fast, method), getattr(ot, method)):
        layers = [
            ot.Layer(ot.Dense(weight), ot.LIF(decay=0.9, trainable=("decay",)))
            for weight in (np.full((4, 3), 0.4), np.full((2, 4), 0.3))
        ]
        network = ot.Network(layers)
        learner = module.OnlineLearner(network, optimizer(), time_steps=5)
        decays = []
        for row in INPUTS:
            learner.step(row, LABELS)
            decays += [float(network.parameters[name][0]) for name in ("layer0.decay", "layer1.decay")]
        learned.append(decays)
    assert learned[0] == pytest.approx(learned[1], rel=1e-12) and min(learned[0]) >= 0 and max(learned[0]) == 1


def test_it_is_imported_when_it_is_asked_for():
    code = "import sys, ottt_ref as ot; before = 'ottt_ref.fast' in sys.modules; ot.fast.ottt.gradients; print(before)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
    with pytest.raises(AttributeError, match="has no attribute 'faster'"):
        getattr(ot, "faster")  # noqa: B009


@pytest.mark.parametrize("name", ["rtrl", "spike_representation"])
def test_what_is_the_references_alone_is_said_by_name(name):
    with pytest.raises(AttributeError, match=f"ottt_ref.fast has no {name}: ottt_ref.{name} is the reference's"):
        getattr(fast, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_case_of_the_kit_passes(by_name, name):
    verdicts = list(checking.check(adapter, [by_name[name]]))
    asked = [verdict for verdict in verdicts if verdict.method in adapter.methods]
    assert [verdict.outcome for verdict in asked] == [checking.PASSED] * len(adapter.methods), asked


@pytest.mark.slow
@pytest.mark.parametrize(("name", "variant"), [*product(NAMES, ("ottt", "ottt-authors", "sltt")), *BACKWARDS])
def test_sequences_longer_than_a_window(by_name, monkeypatch, name, variant):
    """With everything asked for that can be: input gradients, a regulariser, weights, an initial state."""
    monkeypatch.setattr(forward, "LONGEST_WINDOW", 2)
    case, (method, options) = by_name[name], VARIANTS[variant]
    asked = {"weights": case.weights, "initial_state": case.initial_state, "time_steps": case.loss_time_steps}
    regulariser = ot.losses.FiringRate(0.3)
    found, wanted = both(
        method,
        options,
        case.network,
        case.inputs,
        case.targets,
        case.loss,
        **asked,
        input_gradients=True,
        regulariser=regulariser,
    )
    if isinstance(wanted, Exception):
        assert type(found) is type(wanted) and str(found) == str(wanted)
    else:
        assert_same(found, wanted, case.network)
