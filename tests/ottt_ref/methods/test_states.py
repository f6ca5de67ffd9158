"""The state: sequences in chunks, carried from one to the next, and refused where it does not fit."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import losses
from ottt_ref.learning.losses import MeanSquaredError
from ottt_ref.simulation.simulator import run

from ...selection import slow
from ..general import KINDS, LARGE, case, eighths, rational
from ..helpers import IN_TIME, METHODS, assert_nonzero, bits, content, dyadic_network, dyadic_sequence

FORWARDS = [name for name in IN_TIME if name != "bptt"]
EXACT = [kind for kind in KINDS if "standardised" not in kind]  # a square root has no exact values
TOO_LARGE = ("residual", "dropped_out", "convolutional", "convolutional_feedback")
SQUARED = MeanSquaredError()
every_method = pytest.mark.parametrize("method", IN_TIME)
every_kind = pytest.mark.parametrize("kind", slow(EXACT, [kind for kind in EXACT if kind in LARGE]))


def in_chunks(method, network, inputs, targets, loss, sizes, **options):
    """The gradients of each chunk, of a sequence that is cut into chunks of those sizes, with the state carried."""
    found, state, first = [], None, 0
    for size in sizes:
        part = inputs[first : first + size]
        found.append(
            METHODS[method](network, part, targets, loss, time_steps=len(inputs), initial_state=state, **options)
        )
        state, first = found[-1].final_state, first + size
    return found


def exact_kind(kind, time_steps=3):
    network, inputs, labels = case(kind, time_steps=time_steps, batch_size=3 if kind == "dropped_out" else 1)
    return rational(eighths(network)), ot.exact_array(np.round(8 * inputs) / 8), labels


@every_kind
def test_a_simulation_in_chunks_is_the_simulation(kind):
    network, inputs, _ = case(kind, time_steps=5)
    whole = ot.simulate(network, inputs)
    first = ot.simulate(network, inputs[:2])
    second = ot.simulate(network, inputs[2:], initial_state=first.final_state)
    for l in range(len(network.layers)):
        for chunk, part in ((first, slice(2)), (second, slice(2, None))):
            assert np.array_equal(chunk.layer_potentials[l], whole.layer_potentials[l][part])
            assert np.array_equal(chunk.layer_outputs[l], whole.layer_outputs[l][part])
    assert bits(second.final_state) == bits(whole.final_state)
    for t in range(3):  # what delayed connections deliver, at the border too
        now, wanted = second.at(t), whole.at(2 + t)
        for connection in network.connections:
            assert np.array_equal(now.presynaptic(connection), wanted.presynaptic(connection))


@every_kind
@pytest.mark.parametrize("method", FORWARDS)
def test_a_forward_rule_in_chunks_is_the_rule_exactly(method, kind):
    if method == "rtrl" and kind in TOO_LARGE:
        pytest.skip("its sensitivities of fractions take minutes; the smaller kinds have every connection")
    data = (*exact_kind(kind), SQUARED)
    whole = METHODS[method](*data)
    assert_nonzero(whole)
    chunks = in_chunks(method, *data, (1, 2, len(data[1]) - 3) if len(data[1]) > 3 else (1, 2))
    for name in whole:
        assert np.array_equal(sum(chunk[name] for chunk in chunks), whole[name]), name
    assert sum(chunk.loss for chunk in chunks) == whole.loss
    last = chunks[-1].final_state
    assert list(last) == list(whole.final_state)
    assert all(np.array_equal(last[name], whole.final_state[name]) for name in last)


@pytest.mark.parametrize(("method", "option"), [("ottt", "authors"), ("rtrl", "kept")])
def test_options_of_a_rule_carry_what_they_need(method, option):
    data = (*exact_kind("feedback"), SQUARED)
    options = {"dialect" if method == "ottt" else "reset_gradient": option}
    whole, chunks = METHODS[method](*data, **options), in_chunks(method, *data, (2, 1), **options)
    assert_nonzero(whole)
    for name in whole:
        assert np.array_equal(sum(chunk[name] for chunk in chunks), whole[name]), name


@pytest.mark.parametrize("method", ["ottt", "rtrl"])
def test_without_the_rules_part_the_rule_starts_at_rest(method):
    """So its gradient is another: the traces of what came before are missing."""
    data = (*exact_kind("recurrent"), SQUARED)
    first, second = in_chunks(method, *data, (2, 1))
    network, inputs, labels, loss = data
    state = first.final_state.without_rule()
    assert state.keys() == ot.simulate(network, inputs[:2]).final_state.keys()
    fresh = METHODS[method](network, inputs[2:], labels, loss, time_steps=3, initial_state=state)
    assert np.array_equal(fresh.outputs, second.outputs)
    assert any(np.any(fresh[name] != second[name]) for name in fresh)


def test_truncated_bptt_is_not_bptt():
    """What crosses a border are numbers and no gradient: paths through it are missing."""
    network, inputs, labels = exact_kind("recurrent")
    whole = ot.bptt.gradients(network, inputs, labels, SQUARED)
    chunks = in_chunks("bptt", network, inputs, labels, SQUARED, (2, 1))
    assert sum(chunk.loss for chunk in chunks) == whole.loss
    assert any(np.any(sum(chunk[name] for chunk in chunks) != whole[name]) for name in whole)


def test_of_one_layer_before_a_readout_truncated_bptt_lacks_what_waits_in_the_membrane():
    """1-1-1, λ = 1/2, T = 2, x = (1, 0), cut after the first time step: OTTT has the path, truncated BPTT does not."""
    half = ot.exact_array(1 / 2)[()]
    neuron = ot.LIF(half, 2 * half, surrogate=ot.surrogate.Triangle(2.0, 0.5))
    one = ot.exact_array([[1.0]])
    network = ot.Network([ot.Layer(ot.Dense(one / 4, False), neuron), ot.Layer(ot.Dense(one, False), ot.Integrator())])
    inputs, targets = ot.exact_array([[[1]], [[0]]]), one
    data, name = (network.exact(), inputs, targets, SQUARED), "layer0.weight"
    whole = ot.bptt.gradients(*data)[name]
    truncated = sum(chunk[name] for chunk in in_chunks("bptt", *data, (1, 1)))
    assert np.array_equal(sum(chunk[name] for chunk in in_chunks("ottt", *data, (1, 1))), whole)
    at_rest = METHODS["bptt"](*data, weights=[1, 0])[name]
    assert np.array_equal(truncated, at_rest) and np.any(truncated != whole)


@every_method
def test_a_state_of_rest_is_none_bit_for_bit(method):
    network, inputs, targets = dyadic_network(1), *dyadic_sequence(1)
    wanted = METHODS[method](network, inputs, targets, terms=True)
    rest = {name: np.zeros_like(array) for name, array in wanted.final_state.items()}
    assert bits(content(METHODS[method](network, inputs, targets, terms=True, initial_state=rest))) == bits(
        content(wanted)
    )


@every_method
def test_a_state_in_single_precision(method):
    network, inputs, targets = dyadic_network(1).astype(np.float32), *dyadic_sequence(1)
    single = (inputs.astype(np.float32), targets.astype(np.float32))
    first = METHODS[method](network, single[0][:2], single[1])
    assert {array.dtype for array in first.final_state.values()} == {np.dtype(np.float32)}
    second = METHODS[method](network, single[0][2:], single[1], initial_state=first.final_state)
    assert np.array_equal(second.outputs, METHODS[method](network, *single).outputs[2:])


@pytest.mark.slow
def test_bptt_from_a_state_is_the_derivative_of_the_soft_spike_network():
    """Of the chunk alone, at the state that it starts from: central differences, off by some 1e-10."""
    network, inputs, labels = case("feedback", time_steps=5)
    rows = losses.require_targets(losses.Mixed(), labels, inputs.shape[1], network)
    state = run(network, inputs[:2], soft=True).final_state
    activity = run(network, inputs[2:], soft=True, initial_state=state)
    errors = losses.sequence_loss(losses.Mixed(), activity.outputs, rows)[1]
    got = ot.bptt.backward(network, activity, errors, reset_gradient="kept").values

    def loss():
        outputs = run(network, inputs[2:], soft=True, derivatives=False, initial_state=state).outputs
        return losses.sequence_loss(losses.Mixed(), outputs, rows)[0]

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


@dataclass(frozen=True)
class Learning(ot.Neuron):
    """u[t] = λ u[t-1] - θ s[t-1] + I[t] with a θ of each neuron that is learned: z = u - θ."""

    theta: np.ndarray
    decay: object = 0.5

    parameter_names = ("theta",)

    def step(self, state, output, current, soft=False):
        state[0][...] = self.decay * state[0] - self.theta * output + current
        output[...] = state[0] >= self.theta

    def surrogate_derivative(self, state):
        return ot.surrogate.Triangle(2.0, 0.5).derivative(state[0] - self.theta)

    def reset_jacobian(self, state, output):
        return (-self.theta + output * 0,)

    def parameter_derivatives(self, name, previous_state, previous_output, state):
        return (-previous_output,), -1


@pytest.mark.parametrize(
    ("method", "options"),
    [("ottt", {}), ("sltt", {}), ("rtrl", {}), ("rtrl", {"reset_gradient": "kept"})],
)
def test_what_neurons_with_parameters_need_is_carried(method, options):
    rng = np.random.default_rng(3)
    weights = [ot.exact_array(rng.integers(-4, 9, size) / 8) for size in ((3, 2), (2, 3))]
    layers = [
        ot.Layer(ot.Dense(weights[0], False), Learning(ot.exact_array([0.5, 0.75, 1.0]), ot.exact_array(0.5)[()])),
        ot.Layer(ot.Dense(weights[1], False), ot.Integrator()),
    ]
    network = ot.Network(layers)
    inputs, labels = ot.exact_array(rng.integers(4, 17, (4, 2, 2)) / 8), np.array([0, 1])
    whole = METHODS[method](network, inputs, labels, SQUARED, **options)
    assert_nonzero(whole)
    chunks = in_chunks(method, network, inputs, labels, SQUARED, (2, 2), **options)
    for name in whole:
        assert np.array_equal(sum(chunk[name] for chunk in chunks), whole[name]), name


@pytest.mark.parametrize("reset", ["soft", "unleaked"])
def test_what_parameters_have_of_the_spikes_before_the_start_is_in_truncated_bptt(reset):
    """From a state after a spike, of neurons without loops or delays: RTRL that starts at rest is truncated BPTT."""
    neuron = ot.LIF(
        Fraction(1, 2), Fraction(1), reset, surrogate=ot.surrogate.Triangle(), trainable=("decay", "threshold")
    )
    layers = [
        ot.Layer(ot.Dense(ot.exact_array([[0.5, 1.0], [1.0, 0.25]])), neuron),
        ot.Layer(ot.Dense(ot.exact_array([[1.0, 0.5]])), ot.Integrator()),
    ]
    network, inputs = ot.Network(layers), ot.exact_array([[[1.5, 1.0]], [[0.5, 0.25]], [[1.0, 0.5]]])
    before = ot.simulate(network, inputs[:1])
    assert np.all(before.spikes[0] == 1)
    data = network, inputs[1:], ot.exact_array([[0.5]]), SQUARED
    found, wanted = (
        METHODS[method](*data, initial_state=before.final_state, **options)
        for method, options in (("bptt", {}), ("rtrl", {}))
    )
    for name in wanted:
        assert np.array_equal(found[name], wanted[name]) and np.any(wanted[name] != 0), name


def changed(state, **others):
    return {**state, **{name.replace("__", "."): array for name, array in others.items()}}


def without(state, name):
    return {each: array for each, array in state.items() if each != name}


WRONG_STATES = {
    "no mapping": (lambda state: 3, TypeError, "initial_state must be a State, or a mapping of arrays by name, got 3"),
    "a list in it": (
        lambda state: changed(state, layer0__output=[[0.0]]),
        TypeError,
        r"initial_state must hold arrays by name, got \[\[0.0\]\] for 'layer0.output'",
    ),
    "one missing": (
        lambda state: without(state, "layer1.output"),
        ValueError,
        "initial_state must hold 'layer1.output' of the network, got",
    ),
    "nothing": (lambda state: {}, ValueError, r"initial_state must hold 'layer0.potential' of the network, got \[\]"),
    "one too many": (
        lambda state: changed(state, layer7__output=np.zeros((2, 4))),
        ValueError,
        "initial_state must hold .* alone here, got 'layer7.output' as well$",
    ),
    "other batch": (
        lambda state: changed(state, layer0__potential=np.zeros((3, 4))),
        ValueError,
        r"initial_state\['layer0.potential'\] must be \[2, 4\], got shape \(3, 4\)",
    ),
    "other dtype": (
        lambda state: changed(state, layer0__output=np.zeros((2, 4), np.float32)),
        TypeError,
        r"initial_state\['layer0.output'\] must have dtype float64, got float32",
    ),
    "NaN": (
        lambda state: changed(state, layer0__potential=np.full((2, 4), np.nan)),
        ValueError,
        r"initial_state\['layer0.potential'\] must be finite, got nan at index \[0, 0\]",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_STATES)
def test_a_state_that_does_not_fit_is_refused(wrong):
    make, error, complaint = WRONG_STATES[wrong]
    network, inputs, targets = dyadic_network(0), *dyadic_sequence(0)
    state = make(ot.simulate(network, inputs).final_state)
    calls = [lambda name=name: METHODS[name](network, inputs, targets, initial_state=state) for name in IN_TIME]
    calls += [lambda: ot.simulate(network, inputs, initial_state=state)]
    calls += [lambda: ot.Simulator(network, 2, initial_state=state)]
    for call in calls:
        with pytest.raises(error, match=complaint):
            call()


def test_a_state_of_another_rule_is_refused():
    network, inputs, targets = dyadic_network(0), *dyadic_sequence(0)
    of_ottt = ot.ottt.gradients(network, inputs, targets).final_state
    with pytest.raises(ValueError, match=r"got 'rule/trace/.*' as well: state.without_rule\(\) leaves out what a rule"):
        ot.bptt.gradients(network, inputs, targets, initial_state=of_ottt)
    with pytest.raises(
        ValueError, match=r"initial_state must hold what the rule carries, \['rule/spike_sensitivity/la"
    ):
        ot.rtrl.gradients(network, inputs, targets, initial_state=of_ottt)
    part = without(of_ottt, "rule/bias_trace/0")
    with pytest.raises(
        ValueError, match=r"initial_state must hold what the rule carries, .* or nothing of a rule, got"
    ):
        ot.ottt.gradients(network, inputs, targets, initial_state=part)
    other = {**of_ottt, "rule/bias_trace/0": np.zeros(2)}
    with pytest.raises(ValueError, match=r"initial_state\['rule/bias_trace/0'\] must be \[1\], got shape \(2,\)"):
        ot.ottt.gradients(network, inputs, targets, initial_state=other)


def test_exact_numbers_are_asked_for_in_an_exact_state():
    network, inputs, labels = exact_kind("recurrent")
    state = ot.simulate(network, inputs).final_state
    rounded = {name: array.astype(float).astype(object) for name, array in state.items()}
    with pytest.raises(TypeError, match=r"initial_state\['layer0.potential'\] must hold exact numbers .*got the float"):
        ot.bptt.gradients(network, inputs, labels, SQUARED, initial_state=rounded)


def test_spike_representation_starts_from_rest():
    network, inputs, targets = dyadic_network(0), *dyadic_sequence(0)
    with pytest.raises(
        ValueError, match="initial_state must be None for spike_representation, whose mapping is of neu"
    ):
        ot.spike_representation.gradients(network, inputs, targets, initial_state={})
    assert ot.spike_representation.gradients(network, inputs, targets).final_state is None


def test_nothing_that_is_given_is_changed_and_nothing_is_shared():
    network, inputs, targets = dyadic_network(0), *dyadic_sequence(0)
    given = ot.ottt.gradients(network, inputs, targets).final_state
    before = bits(given)
    found = ot.ottt.gradients(network, inputs, targets, initial_state=given)
    assert bits(given) == before
    assert not any(np.shares_memory(a, b) for a in given.values() for b in found.final_state.values())
    copy = given.copy()
    copy["layer0.potential"][...] = 9
    assert bits(given) == before


def test_a_state_is_saved_and_loaded(tmp_path):
    network, inputs, targets = dyadic_network(0), *dyadic_sequence(0)
    for name in IN_TIME:
        state = METHODS[name](network, inputs, targets).final_state
        state.save(tmp_path / "state.npz")
        again = ot.State.load(tmp_path / "state.npz")
        assert list(again) == list(state) and bits(again) == bits(state)
        wanted = METHODS[name](network, inputs, targets, initial_state=state)
        assert bits(content(METHODS[name](network, inputs, targets, initial_state=again))) == bits(content(wanted))
    with pytest.raises(
        TypeError, match=r"state must hold plain numbers to be saved, got objects in 'layer0\.potential'"
    ):
        ot.simulate(network.exact(), ot.exact_array(inputs)).final_state.save(tmp_path / "state.npz")
    network.save(tmp_path / "network.npz")
    with pytest.raises(ValueError, match=r"network\.npz is not a file of format 'ottt_ref state'"):
        ot.State.load(tmp_path / "network.npz")


LEARNERS = {"ottt": ot.ottt.OnlineLearner, "sltt": ot.sltt.OnlineLearner, "rtrl": ot.rtrl.OnlineLearner}


def learner_of(method, network):
    return LEARNERS[method](network, ot.training.SGD(0.25, momentum=0), SQUARED, time_steps=4)


@pytest.mark.parametrize("method", LEARNERS)
def test_a_learner_goes_on_from_the_state_of_another(method):
    networks = [dyadic_network(2, readout="leaky") for _ in range(2)]
    inputs, targets = dyadic_sequence(2)
    one, first = (learner_of(method, network) for network in networks)
    second = learner_of(method, networks[1])
    assert one.state is None
    for t in range(4):
        if t == 2:
            second.reset(first.state)
            first.reset()
        got = (first if t < 2 else second).step(inputs[t], targets)
        wanted = one.step(inputs[t], targets)
        assert got[0] == wanted[0] and np.array_equal(got[1], wanted[1])
        assert bits(networks[0].parameters) == bits(networks[1].parameters)
    assert bits(second.state) == bits(one.state)
    assert first.state is None


def test_a_state_of_a_learner_is_a_copy():
    network, (inputs, targets) = dyadic_network(2), dyadic_sequence(2)
    learner = learner_of("ottt", network)
    learner.step(inputs[0], targets)
    state = learner.state
    before = bits(state)
    learner.step(inputs[1], targets)
    assert bits(state) == before != bits(learner.state)


def test_a_wrong_state_leaves_the_learner_as_it_was():
    network, (inputs, targets) = dyadic_network(2), dyadic_sequence(2)
    learner = learner_of("ottt", network)
    learner.step(inputs[0], targets)
    before = bits(learner.state)
    for wrong, error in ((3, TypeError), ({}, TypeError), ({"layer0.potential": np.zeros((2, 9))}, ValueError)):
        with pytest.raises(error, match="initial_state"):
            learner.reset(wrong)
        assert bits(learner.state) == before
    learner.step(inputs[1], targets)


@pytest.mark.parametrize("method", LEARNERS)
def test_a_step_without_a_target_takes_the_time_step_in_and_updates_nothing(method):
    """So an update after it is that of the loss at the last step alone."""
    network, (inputs, targets) = dyadic_network(2), dyadic_sequence(2)
    learning = network.copy()
    learner = learner_of(method, learning)
    for t in range(3):
        loss, outputs = learner.step(inputs[t])
        assert loss is None and np.array_equal(outputs, ot.simulate(network, inputs).outputs[t])
        assert bits(learning.parameters) == bits(network.parameters)
    learner.step(inputs[3], targets)
    wanted = METHODS[method](network, inputs, targets, SQUARED, weights="last")
    assert_nonzero(wanted)
    for name, value in network.parameters.items():
        assert np.array_equal(learning.parameters[name], value - 0.25 * wanted[name]), name


def test_rules_of_ones_own_carry_what_their_state_holds():
    class Slow(ot.methods.Rule):
        """A trace with a decay of its own, and a count that is no float."""

        def __init__(self, network, batch_size):
            super().__init__(network, batch_size)
            self.state |= {
                c.name: np.zeros((batch_size, *network.shape_of(c.source)), network.dtype) for c in network.connections
            }
            self.state["count"] = np.zeros(1, dtype=np.int64)

        def advance(self, activity):
            self.state["count"] += 1
            for c in self.network.connections:
                self.state[c.name][...] = 0.75 * self.state[c.name] + activity.presynaptic(c)

        def presynaptic(self, connection, activity):
            return self.state[connection.name]

    network, inputs, targets = dyadic_network(0), *dyadic_sequence(0)
    whole = ot.methods.gradients(Slow, network, inputs, targets, SQUARED)
    first = ot.methods.gradients(Slow, network, inputs[:1], targets, SQUARED, time_steps=4)
    second = ot.methods.gradients(
        Slow, network, inputs[1:], targets, SQUARED, time_steps=4, initial_state=first.final_state
    )
    assert second.final_state["rule/count"].tolist() == [4]
    for name in whole:
        np.testing.assert_allclose(first[name] + second[name], whole[name], rtol=1e-12)  # a few roundings of sums
    wrong = {**first.final_state, "rule/count": np.zeros(1)}
    with pytest.raises(TypeError, match=r"initial_state\['rule/count'\] must be int64 \[1\], got float64 \[1\]"):
        ot.methods.gradients(Slow, network, inputs[1:], targets, SQUARED, initial_state=wrong)


@pytest.mark.parametrize(
    ("method", "options"),
    [("ottt", {}), ("ottt", {"dialect": "authors"}), ("sltt", {}), ("rtrl", {}), ("rtrl", {"reset_gradient": "kept"})],
)
def test_numbers_of_each_neuron_and_currents_that_leak_are_carried(method, options):
    """Decays and thresholds of each neuron that are learned, and neurons with a second leak, over fractions."""
    rng = np.random.default_rng(4)
    surrogate = ot.surrogate.Triangle(2.0, 0.5)
    own = ot.LIF(np.array([0.5, 0.25, 0.75]), np.array([1.0, 0.5, 1.5]), surrogate=surrogate)
    own = replace(own, trainable=("decay", "threshold"))
    weights = [rng.integers(-4, 13, size) / 8 for size in ((3, 2), (2, 3), (2, 2))]
    layers = [
        ot.Layer(ot.Dense(weights[0], False), own),
        ot.Layer(ot.Dense(weights[1], False), ot.CubaLIF(0.5, 0.25, 0.5, surrogate=surrogate)),
        ot.Layer(ot.Dense(weights[2], False), ot.Integrator()),
    ]
    network = ot.Network(layers).exact()
    inputs, labels = ot.exact_array(rng.integers(4, 17, (4, 2, 2)) / 8), np.array([0, 1])
    whole = METHODS[method](network, inputs, labels, SQUARED, **options)
    assert {"layer0.decay", "layer0.threshold"} <= set(whole)
    assert_nonzero(whole)
    chunks = in_chunks(method, network, inputs, labels, SQUARED, (1, 3), **options)
    for name in whole:
        assert np.array_equal(sum(chunk[name] for chunk in chunks), whole[name]), name
