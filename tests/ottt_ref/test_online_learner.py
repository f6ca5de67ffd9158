"""OTTT_O: an update after each time step."""

from fractions import Fraction as F

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.learning.training import SGD, Adam, Optimizer
from ottt_ref.methods.ottt import OnlineLearner
from tests import oracles

from .helpers import READOUTS, RESETS, bits, dyadic_network, dyadic_sequence, random_case

DIALECTS = ("derivation", "authors")
every_dialect = pytest.mark.parametrize("dialect", DIALECTS)
every_readout = pytest.mark.parametrize("readout", READOUTS)


class Recorder(Optimizer):
    """Keeps the gradients that it is given and changes nothing."""

    def __init__(self):
        super().__init__(0.0, 0.0)
        self.seen = []

    def step(self, parameters, gradients):
        self.seen.append({name: value.copy() for name, value in gradients.items()})


def learn(learner, inputs, targets):
    """Every step of a sequence: losses and outputs."""
    return [list(part) for part in zip(*(learner.step(x, targets) for x in inputs))]


@every_dialect
@every_readout
@pytest.mark.parametrize("reset", RESETS)
def test_on_exact_numbers_it_equals_the_equations(reset, readout, dialect):
    network = dyadic_network(3, reset=reset, readout=readout, decays=(0.75, 0.5, 0.25)).exact()
    inputs, targets = map(ot.exact_array, dyadic_sequence(3, batch_size=1))
    layers = oracles.ottt_online(
        oracles.plain_layers(network),
        inputs[:, 0].tolist(),
        targets[0].tolist(),
        oracles.mean_squared_error,
        F(1, 8),
        dialect,
    )
    before = network.copy().parameters
    optimizer = SGD(F(1, 8), momentum=0)
    learner = OnlineLearner(network, optimizer, ot.losses.MeanSquaredError(), dialect=dialect, time_steps=4)
    learn(learner, inputs, targets)
    for layer, synapses in zip(layers, (layer.synapses for layer in network.layers)):
        assert synapses.weight.tolist() == layer.weight and synapses.bias.tolist() == layer.bias
    assert all(np.any(before[name] != value) for name, value in network.parameters.items())


def loop_by_hand(network, optimizer, inputs, targets, dialect, time_steps):
    """OTTT_O from a simulator, the traces and matrix products, with the weights of the moment."""
    frozen = ot.Simulator(network, inputs.shape[1])
    traces = ot.methods.Traces(network, inputs.shape[1], dialect)
    for x in inputs:
        activity = frozen.step(x)
        traces.update(activity)
        error = ot.losses.Mixed().gradient(activity.outputs, targets) / (time_steps * len(targets))
        gradients = {}
        for l in reversed(range(len(network.layers))):
            layer = network.layers[l]
            error = layer.neuron.surrogate_derivative(activity.layer_states[l]) * error
            names = list(network.parameters)[2 * l : 2 * l + 2]
            trace = traces.presynaptic(network.connections[l])
            pairs = [error[b][:, np.newaxis] * trace[b] for b in range(len(error))]
            gradients[names[0]] = sum(pairs)
            gradients[names[1]] = sum(error[b] * traces.bias_input(l)[0] for b in range(len(error)))
            error = error @ layer.synapses.weight
        optimizer.step(network.parameters, gradients)


@pytest.mark.parametrize("make", [lambda: SGD(0.1), lambda: Adam(0.01), lambda: SGD(0.1, weight_decay=0.01)])
@every_dialect
@every_readout
def test_it_equals_the_loop_written_by_hand(readout, dialect, make):
    network, inputs, targets = random_case(10, 2, "soft", readout)
    other = network.copy()
    learner = OnlineLearner(network, make(), dialect=dialect, time_steps=len(inputs))
    learn(learner, inputs, targets)
    loop_by_hand(other, make(), inputs, targets, dialect, len(inputs))
    for name, value in network.parameters.items():
        # a few hundred roundings of 1.2e-16 a step; Adam divides by gradients that are not far below 1e-3
        np.testing.assert_allclose(value, other.parameters[name], rtol=0, atol=1e-11, err_msg=name)


@every_dialect
@every_readout
def test_without_updates_its_steps_are_the_terms_of_the_accumulated_gradient(readout, dialect):
    network, inputs, targets = random_case(11, 2, "soft", readout)
    recorder = Recorder()
    learner = OnlineLearner(network, recorder, dialect=dialect, time_steps=len(inputs))
    losses, outputs = learn(learner, inputs, targets)
    expected = ot.ottt.gradients(network, inputs, targets, dialect=dialect, terms=True)
    for t, seen in enumerate(recorder.seen):
        assert list(seen) == list(network.parameters)
        for name, value in seen.items():
            assert value.tobytes() == expected.terms[name][t].tobytes()
    assert np.stack(outputs).tobytes() == expected.outputs.tobytes()
    assert sum(losses) == expected.loss


def test_the_length_of_the_sequence_scales_the_loss_and_the_gradient():
    network, inputs, targets = random_case(12, 1, "soft", "linear")
    recorders = [Recorder(), Recorder(), Recorder()]
    losses = [
        OnlineLearner(network, recorder, **options).step(inputs[0], targets)[0]
        for recorder, options in zip(recorders, ({"time_steps": 1}, {"time_steps": 8}, {}))
    ]
    one, eight, default = (recorder.seen[0]["readout.bias"] for recorder in recorders)
    assert losses[0] == 8 * losses[1] == losses[2]  # ℓ itself is the documented default
    np.testing.assert_array_equal(one, 8 * eight)
    np.testing.assert_array_equal(one, default)


def test_a_step_gives_the_loss_of_its_outputs_before_the_update():
    network, inputs, targets = random_case(13, 1, "soft", "linear")
    expected = ot.simulate(network, inputs[:1]).outputs[0]
    loss, outputs = OnlineLearner(network, SGD(0.5), time_steps=1).step(inputs[0], targets)
    assert np.array_equal(outputs, expected)
    assert loss == pytest.approx(np.mean(ot.losses.Mixed().value(outputs, targets)), rel=1e-15)
    assert not np.array_equal(ot.simulate(network, inputs[:1]).outputs[0], expected)


def test_the_outputs_of_a_step_stay_when_the_next_one_runs():
    network, inputs, targets = random_case(14, 1, "soft", "leaky")
    learner = OnlineLearner(network, SGD())
    _, outputs = learner.step(inputs[0], targets)
    kept = outputs.copy()
    learner.step(inputs[1], targets)
    assert np.array_equal(outputs, kept)


@every_dialect
def test_after_a_reset_a_sequence_runs_as_the_first_did_with_any_batch_size(dialect):
    network, inputs, targets = random_case(15, 2, "soft", "leaky")
    learner = OnlineLearner(network, Recorder(), dialect=dialect)
    first = learn(learner, inputs, targets)
    learner.reset()
    assert learner.activity is None and learner.state_bytes == 0
    learn(learner, inputs[:, :1], targets[:1])
    learner.reset()
    again = learn(learner, inputs, targets)
    assert first[0] == again[0] and np.array_equal(first[1], again[1])
    gradients = learner.optimizer.seen
    for t in range(len(inputs)):
        assert bits(gradients[t]) == bits(gradients[-len(inputs) + t])


def test_without_a_reset_the_sequence_goes_on():
    network, inputs, targets = random_case(16, 2, "soft", "leaky")
    learner = OnlineLearner(network, Recorder())
    first, second = (learn(learner, inputs, targets)[1] for _ in range(2))
    assert not np.array_equal(first, second)
    assert np.array_equal(second, ot.simulate(network, np.concatenate([inputs, inputs])).outputs[len(inputs) :])


def test_a_reset_keeps_the_parameters_and_the_optimizers_momentum():
    network, inputs, targets = random_case(17, 1, "soft", "linear")
    other = network.copy()
    optimizer = SGD()
    learner = OnlineLearner(network, optimizer)
    learner.step(inputs[0], targets)
    before = bits(network.parameters)
    learner.reset()
    assert bits(network.parameters) == before
    learner.step(inputs[0], targets)
    fresh = SGD()
    for learner in (OnlineLearner(other, fresh), OnlineLearner(other, fresh)):
        learner.step(inputs[0], targets)
    assert bits(network.parameters) == bits(other.parameters)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_its_state_is_a_potential_a_spike_and_a_trace_per_neuron_whatever_the_number_of_steps(dtype):
    network, (inputs, targets) = dyadic_network(3).astype(dtype), dyadic_sequence(3, time_steps=50)
    learner = OnlineLearner(network, SGD())
    assert learner.state_bytes == 0
    sizes = set()
    for x in inputs.astype(dtype):
        learner.step(x, targets.astype(dtype))
        sizes.add(learner.state_bytes)
    potentials_and_spikes, traces, bias_traces = 2 * 2 * (4 + 3 + 2), 2 * (3 + 4 + 3), 3
    assert sizes == {(potentials_and_spikes + traces + bias_traces) * np.dtype(dtype).itemsize}


def test_it_learns_in_single_precision():
    network, inputs, targets = random_case(18, 2, "soft", "linear", np.float32)
    learner = OnlineLearner(network, SGD(0.1), ot.losses.CrossEntropy(), time_steps=len(inputs))
    first = sum(learn(learner, inputs, targets)[0])
    for _ in range(20):
        learner.reset()
        losses, outputs = learn(learner, inputs, targets)
    assert sum(losses) < first
    assert outputs[0].dtype == np.float32 and network.dtype == np.float32


WRONG_STEPS = {
    "inputs of a sequence": (np.ones((4, 2, 3)), [0, 1], ValueError, r"inputs must be \[B, 3\], got shape \(4, 2, 3\)"),
    "no sample": (np.ones((0, 3)), [], ValueError, r"inputs must be \[B, 3\] with B of at least 1, got shape \(0, 3\)"),
    "other width": (np.ones((2, 4)), [0, 1], ValueError, r"inputs must be \[B, 3\], got shape \(2, 4\)"),
    "other dtype": (np.ones((2, 3), np.float32), [0, 1], TypeError, "inputs must have dtype float64, got float32"),
    "NaN": (np.full((2, 3), np.nan), [0, 1], ValueError, r"inputs must be finite, got nan at index \[0, 0\]"),
    "label out of range": (np.ones((2, 3)), [0, 2], ValueError, r"targets must be labels in 0 .. 1, got 2"),
    "too few labels": (np.ones((2, 3)), [0], ValueError, r"targets must be \[2\] class labels"),
    "no array of targets": (np.ones((2, 3)), "ab", TypeError, "targets must be integer class labels .*, got 'ab'"),
}


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("wrong", WRONG_STEPS)
def test_a_wrong_step_is_refused_and_changes_nothing(wrong, started):
    inputs, targets, error, complaint = WRONG_STEPS[wrong]
    network, other = dyadic_network(3), dyadic_network(3)
    learners = [OnlineLearner(each, SGD()) for each in (network, other)]
    for learner in learners if started else ():
        learner.step(np.ones((2, 3)), [0, 1])
    before = bits(network.parameters)
    with pytest.raises(error, match=complaint.replace("[B,", "[2,").split(" with")[0] if started else complaint):
        learners[0].step(inputs, targets)
    assert bits(network.parameters) == before
    for learner in learners:  # the sequence goes on as if nothing had been asked
        learner.step(np.full((2, 3), 0.5), [1, 0])
    assert bits(network.parameters) == bits(other.parameters)


def test_another_batch_size_within_a_sequence_is_refused():
    learner = OnlineLearner(dyadic_network(3), SGD())
    learner.step(np.ones((2, 3)), [0, 1])
    with pytest.raises(ValueError, match=r"inputs must be \[2, 3\], got shape \(3, 3\)"):
        learner.step(np.ones((3, 3)), [0, 1, 0])


def test_an_update_that_overflows_is_refused_and_changes_no_parameter():
    network = dyadic_network(3)
    before = bits(network.parameters)
    learner = OnlineLearner(network, SGD(1e308, momentum=0), ot.losses.MeanSquaredError(), time_steps=1)
    with pytest.raises(ValueError, match=r"must be finite, got -?inf at index"):
        learner.step(np.ones((2, 3)), np.array([[100.0, 0], [0, 100.0]]))
    assert bits(network.parameters) == before


@pytest.mark.parametrize(
    ("change", "error", "complaint"),
    [
        ({"optimizer": None}, TypeError, r"optimizer must be an optimizer such as SGD\(learning_rate=0.1\), got None"),
        ({"optimizer": SGD}, TypeError, "optimizer must be an optimizer such as .* got <class"),
        ({"optimizer": 0.1}, TypeError, "optimizer must be an optimizer .* got 0.1"),
        ({"dialect": "author"}, ValueError, "dialect must be one of 'derivation', 'authors', got 'author'"),
        ({"time_steps": 0}, ValueError, "time_steps must be at least 1, got 0"),
        ({"time_steps": 6.0}, TypeError, "time_steps must be a whole number of at least 1, got 6.0"),
        ({"loss": "mixed"}, TypeError, "loss must be a loss such as .* got 'mixed'"),
        ({"network": "net.npz"}, TypeError, "network must be a Network, got 'net.npz'"),
    ],
)
def test_wrong_settings_are_refused_by_name(change, error, complaint):
    with pytest.raises(error, match=complaint):
        OnlineLearner(**{"network": dyadic_network(0), "optimizer": SGD(), **change})


def test_with_time_steps_the_losses_of_a_sequence_add_up_to_that_of_the_offline_method():
    network, inputs, targets = random_case(19, 2, "soft", "linear")
    offline = ot.ottt.gradients(network, inputs, targets).loss
    summed, whole = (
        sum(learn(OnlineLearner(network, Recorder(), **options), inputs, targets)[0])
        for options in ({"time_steps": len(inputs)}, {})
    )
    assert summed == offline
    assert whole == pytest.approx(len(inputs) * offline, rel=1e-14)


@pytest.mark.parametrize("method", [ot.ottt, ot.sltt, ot.rtrl], ids=lambda method: method.__name__.split(".")[-1])
def test_the_repr_says_what_the_loss_of_a_step_is(method):
    network, name = dyadic_network(0), method.__name__.split(".")[-1].upper()
    whole, divided = method.OnlineLearner(network, SGD()), method.OnlineLearner(network, Adam(), time_steps=6)
    assert repr(whole) == f"OnlineLearner({name}, Network([3, 4, 3, 2]), loss of a step: Mixed(mse_weight=0.05), SGD)"
    assert repr(divided).endswith("loss of a step: Mixed(mse_weight=0.05) / 6, Adam)")
    assert (whole.time_steps, divided.time_steps) == (None, 6)


def test_losses_of_the_layers_own_are_scaled_as_that_of_the_outputs():
    network, inputs, targets = random_case(20, 2, "soft", "linear")
    sizes = [shape[0] for shape in network.shapes]
    matrices = [np.random.default_rng(l).normal(size=(sizes[-1], size)) for l, size in enumerate(sizes[:-1])]
    seen = []
    for options in ({}, {"time_steps": 8}):
        recorder = Recorder()
        feedback = ot.methods.LocalLosses(matrices)
        OnlineLearner(network, recorder, error_feedback=feedback, **options).step(inputs[0], targets)
        seen.append(recorder.seen[0])
    assert all(np.array_equal(value, 8 * seen[1][name]) for name, value in seen[0].items())
    assert np.any(seen[0]["layer0.weight"])


class Fails:
    """Raises when it is called for the second time."""

    def __init__(self, error):
        self.calls, self.error = 0, error

    def __call__(self):
        self.calls += 1
        if self.calls == 2:
            raise self.error


def failing_learner(part, network, error):
    """A learner, one part of which raises in the second time step."""
    fail = Fails(error)

    class Rule(ot.methods.Rule):
        def advance(self, activity):
            if part == "rule":
                fail()

    class Loss(ot.losses.Loss):
        def evaluate(self, outputs, targets):
            if part == "loss" and len(outputs) == 3:  # not when it is tried at the door
                fail()
            return ot.losses.Mixed().evaluate(outputs, targets)

    class Descent(Optimizer):
        def _direction(self, name, gradient):
            if part == "optimizer" and name == "readout.bias":
                fail()
            return gradient

    return ot.methods.OnlineLearner(Rule, network, Descent(0.1, 0.0), Loss())


@pytest.mark.parametrize("error", [ZeroDivisionError("half way"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("part", ["rule", "loss", "optimizer"])
def test_after_a_step_that_failed_on_the_way_reset_is_asked_for(part, error):
    inputs, targets = np.random.default_rng(3).random((4, 3, 3)), np.array([0, 1, 0])
    network = dyadic_network(3)
    learner = failing_learner(part, network, error)
    learner.step(inputs[0], targets)
    before = bits(network.parameters)
    with pytest.raises(type(error)):
        learner.step(inputs[1], targets)
    assert bits(network.parameters) == before
    for _ in range(2):  # not once alone
        with pytest.raises(RuntimeError, match=rf"step before failed .*{type(error).__name__}.*call reset\(\)"):
            learner.step(inputs[1], targets)
    assert bits(network.parameters) == before
    learner.reset()
    other = network.copy()
    again = failing_learner("none", other, error)
    for x in inputs:
        assert learner.step(x, targets)[0] == again.step(x, targets)[0]
    assert bits(network.parameters) == bits(other.parameters)


def test_an_update_that_is_refused_asks_for_reset_and_names_the_reason():
    network = dyadic_network(3)
    learner = OnlineLearner(network, SGD(1e308, momentum=0), ot.losses.MeanSquaredError())
    with pytest.raises(ValueError, match="must be finite"):
        learner.step(np.ones((2, 3)), np.array([[100.0, 0], [0, 100.0]]))
    with pytest.raises(RuntimeError, match=r"ValueError: .* must be finite"):
        learner.step(np.ones((2, 3)), np.array([[1.0, 0], [0, 1.0]]))
    learner.optimizer.learning_rate = 0.1
    learner.reset()
    learner.step(np.ones((2, 3)), np.array([[1.0, 0], [0, 1.0]]))
