"""Delays of connections: what is delivered when, what is kept for it, and to which time step errors belong."""

from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import methods
from ottt_ref.learning.regularisers import regularisation

from ..selection import slow
from .general import case, eighths, rational
from .helpers import assert_close, bits

DELAYED = ("delays", "delayed_row", "delayed_loop")
LATE = ("delays", "delayed_row")  # with a delay on a way to the outputs


def one(weight=1.0):
    return ot.Dense(np.array([[weight]]), False)


def test_what_is_sent_arrives_as_many_time_steps_later():
    """Of a pulse at t = 0: by the row at t = 2, by the skip at t = 1, and from itself two time steps after each."""
    layers = [
        ot.Layer(one(), ot.Integrator()),
        ot.Layer(one(), ot.Integrator(0.0), delay=2),
        ot.Layer(one(0.0), ot.LIF(0.0)),
    ]
    network = ot.Network(layers, skips=[ot.Skip(0, 1, one(10.0), delay=1)])
    pulse = np.array([1.0, 0, 0, 0, 0]).reshape(5, 1, 1)
    assert ot.simulate(network, pulse).layer_outputs[1].ravel().tolist() == [0, 10, 1, 0, 0]
    ring = ot.Network([ot.Layer(one(), ot.LIF(0.0), one(), delay=1, recurrent_delay=2)])
    assert ot.simulate(ring, pulse).spikes[0].ravel().tolist() == [0, 1, 0, 1, 0]
    back = [ot.Feedback(1, 0, one(), delay=3)]
    loop = ot.Network([ot.Layer(one(), ot.LIF(0.0)), ot.Layer(one(), ot.LIF(0.0))], feedback=back)
    assert ot.simulate(loop, pulse).spikes[0].ravel().tolist() == [1, 0, 0, 1, 0]


@pytest.mark.parametrize("kind", DELAYED)
def test_a_recorded_sequence_knows_what_every_connection_was_given(kind):
    network, inputs, _ = case(kind)
    record, simulator = ot.simulate(network, inputs), ot.Simulator(network, inputs.shape[1])
    for t, x in enumerate(inputs):
        now, recorded = simulator.step(x), record.at(t)
        for connection in network.connections:
            d, sent = connection.delay, record.output_of(connection.source)
            expected = sent[t - d] if t >= d else np.zeros_like(sent[0])
            for activity in (now, recorded):
                assert np.array_equal(activity.presynaptic(connection), expected)


def test_the_simulator_keeps_the_outputs_of_as_many_time_steps_as_the_longest_delay():
    network, batch = case("delays")[0], 2
    plain = ot.Network([replace(layer, delay=0, recurrent=None, recurrent_delay=1) for layer in network.layers])
    kept = 3 * (1 + 1) + 4 * 2 + 3 * 3  # the inputs by 1, and the last ones; layer 0 by 2, layer 1 by 3
    sizes = [ot.Simulator(each, batch).state_bytes for each in (plain, network)]
    assert sizes[1] - sizes[0] == 8 * batch * kept
    simulator = ot.Simulator(network, batch)
    for _ in range(10):
        simulator.step(np.ones((batch, 3)))
    assert simulator.state_bytes == sizes[1]


def test_an_activity_made_by_hand_says_that_it_does_not_know_what_was():
    network, inputs, _ = case("delayed_loop")
    activity = replace(ot.simulate(network, inputs).at(2), earlier=None)
    recurrent = next(c for c in network.connections if c.loop)
    with pytest.raises(ValueError, match=r"activity must know outputs of 2 time steps before for layer0\.recurrent"):
        activity.presynaptic(recurrent)


@pytest.mark.parametrize("method", [ot.ottt, ot.sltt, ot.rtrl])
@pytest.mark.parametrize("kind", slow(DELAYED, ["delayed_row"]))
def test_online_what_is_kept_does_not_grow_and_the_terms_are_those_of_the_sum(kind, method):
    network, inputs, labels = case(kind)
    before = {name: value.copy() for name, value in network.parameters.items()}
    terms = method.gradients(network, inputs, labels, terms=True).terms
    learner, sizes = method.OnlineLearner(network, ot.training.SGD(1.0, momentum=0), time_steps=len(inputs)), set()
    for t, x in enumerate(inputs):
        learner.step(x, labels)
        sizes.add(learner.state_bytes)
        for name, value in network.parameters.items():
            np.testing.assert_allclose(before[name] - value, terms[name][t], rtol=0, atol=1e-14)  # of sums of order 1
            network.parameters[name] = before[name]
    assert len(sizes) == 1


@pytest.mark.parametrize("kind", DELAYED)
def test_the_state_of_a_learner_has_what_is_on_its_way_too(kind):
    """After a sequence without learning it is the final state of `gradients`, array by array."""
    network, inputs, labels = case(kind)
    wanted = ot.sltt.gradients(network, inputs, labels).final_state
    learner = ot.sltt.OnlineLearner(network, ot.training.SGD(0.1))
    for x in inputs:
        learner.step(x)
    assert list(learner.state) == list(wanted)
    assert all(np.array_equal(learner.state[name], array) for name, array in wanted.items())


def test_what_late_errors_are_paired_with_is_counted():
    network, inputs, labels = case("delayed_row")
    learner = ot.sltt.OnlineLearner(network, ot.training.SGD(0.1))
    learner.step(inputs[0], labels)
    batch, lags = inputs.shape[1], (3, 2, 1, 1, 0)
    kept = 0
    for l, lag in enumerate(lags):
        given = sum(np.prod(network.shape_of(c.source)) for c in network.incoming(l) if c.parameters)
        constants = sum(1 for c in network.incoming(l) if c.parameters)
        kept += (lag + 1) * (batch * (np.prod(network.shapes[l]) + given) + constants)
    assert [max(network.error_lags(l)) for l in range(5)] == list(lags)
    assert learner.state_bytes == ot.Simulator(network, batch).state_bytes + 8 * kept


def pulse_through_a_delay():
    """One neuron, a delay of one time step, a linear readout: x = (1, 0), and the loss of t = 1 alone."""
    triangle = ot.surrogate.Triangle(2.0, 0.5)
    hidden = ot.Layer(one(), ot.LIF(0.5, surrogate=triangle))
    network = ot.Network([hidden, ot.Layer(one(2.0), ot.Integrator(), delay=1)]).exact()
    activity = ot.simulate(network, ot.exact_array(np.array([1.0, 0.0]).reshape(2, 1, 1)))
    return network, activity, ot.exact_array(np.array([0.0, 1.0]).reshape(2, 1, 1))


def test_an_error_belongs_to_what_was_sent_and_not_to_what_arrives():
    """The spike of t = 0 arrives at t = 1: g_1[1] = ψ[0] 2, paired with x[0] = 1. At t = 1 itself x is 0."""
    network, activity, errors = pulse_through_a_delay()
    psi = [derivative.item() for derivative in activity.layer_surrogate_derivatives[0]]
    assert psi == [F(1, 2), F(1, 4)]
    exact = ot.bptt.backward(network, activity, errors).values["layer0.weight"].item()
    assert exact == 2 * psi[0] == ot.ottt.accumulate(network, activity, errors).values["layer0.weight"].item()
    assert exact == ot.sltt.accumulate(network, activity, errors).values["layer0.weight"].item()
    naive = 2 * psi[1] * activity.inputs[1].item()
    assert naive == 0 != exact


def test_neurons_of_decays_and_thresholds_of_their_own_that_are_learned_have_delays_too_exactly():
    network, inputs, _ = case("delays")
    network = rational(eighths(network))
    settings = [
        {"decay": np.array([F(1, 2), F(3, 4), F(1, 2), F(1, 4)]), "trainable": ("decay", "threshold")},
        {"decay": F(1, 2), "threshold": np.array([F(1), F(3, 4), F(5, 4)]), "trainable": ("threshold",)},
    ]
    layers = [replace(layer, neuron=replace(layer.neuron, **more)) for layer, more in zip(network.layers, settings)]
    network = ot.Network([*layers, network.layers[2]], feedback=network.feedback, skips=network.skips)
    activity = ot.simulate(network, ot.exact_array(np.round(8 * inputs) / 8))
    errors = ot.exact_array((1 + np.arange(activity.outputs.size).reshape(activity.outputs.shape) % 5) / 4)
    ottt = ot.ottt.accumulate(network, activity, errors).values
    for l, name in enumerate(network.layer_names):
        leaks = [k == l for k in range(len(network.layers))]
        bptt = ot.bptt.backward(network, activity, errors, leaks_back=leaks, delays_back=False).values
        for each in (each for each in bptt if each.startswith(f"{name}.")):
            assert np.array_equal(ottt[each], bptt[each]) and np.any(bptt[each] != 0), each
    sltt = ot.sltt.accumulate(network, activity, errors).values
    bptt = ot.bptt.backward(network, activity, errors, leaks_back=[False] * 3, delays_back=False).values
    assert all(np.array_equal(sltt[each], bptt[each]) for each in bptt)


def test_a_step_without_targets_is_taken_in_for_errors_that_come_later():
    """Online without learning, the target at the last time step alone: as the sum with that weight, of what is late."""
    network, inputs, labels = case("delays")
    learned = replace(network.layers[0].neuron, trainable=("decay",))
    layers = [replace(network.layers[0], neuron=learned), *network.layers[1:]]
    network = ot.Network(layers, feedback=network.feedback, skips=network.skips)
    before = {name: value.copy() for name, value in network.parameters.items()}
    expected = ot.ottt.gradients(network, inputs, labels, weights="last")
    learner = ot.ottt.OnlineLearner(network, ot.training.SGD(0.1, momentum=0), time_steps=len(inputs))
    for x in inputs[:-1]:
        learner.step(x)
    learner.step(inputs[-1], labels)
    for name, value in network.parameters.items():
        np.testing.assert_allclose((before[name] - value) / 0.1, expected[name], rtol=1e-9, atol=1e-13)
        assert np.any(expected[name] != 0), name


def pooled_late():
    """Spikes whose maximum is delivered a time step later."""
    rng = np.random.default_rng(0)
    weight = rng.integers(-4, 8, (2, 1, 3, 3)) / 8
    hidden = ot.Layer(ot.Conv2d(weight, padding=1), ot.LIF(0.5, surrogate=ot.surrogate.Triangle(2.0, 0.5)))
    readout = [ot.MaxPool2d(2), ot.Flatten(), ot.Dense(rng.integers(-4, 8, (2, 8)) / 8)]
    network = ot.Network([hidden, ot.Layer(readout, ot.Integrator(), delay=1)], input_shape=(1, 4, 4)).exact()
    return network, ot.exact_array(rng.integers(0, 12, (3, 1, 1, 4, 4)) / 8), np.array([1])


def test_what_is_not_linear_and_late_is_exact_in_every_method():
    """OTTT is BPTT in the hidden layer, the last one with a membrane; SLTT is BPTT without leaks."""
    data = (*pooled_late(), ot.losses.MeanSquaredError())
    bptt, rtrl, ottt = (method.gradients(*data) for method in (ot.bptt, ot.rtrl, ot.ottt))
    assert all(np.array_equal(bptt[name], rtrl[name]) and np.any(bptt[name]) for name in bptt)
    assert all(np.array_equal(bptt[name], ottt[name]) for name in ("layer0.weight", "layer0.bias", "readout.bias"))
    network, inputs, _ = data[:3]
    activity, errors = ot.simulate(network, inputs), np.full((3, 1, 2), F(1, 3))
    errors[:, :, 1] = [[F(k)] for k in (2, -1, 1)]
    sltt = ot.sltt.accumulate(network, activity, errors).values
    leakless = ot.bptt.backward(network, activity, errors, leaks_back=[False, False]).values
    assert all(np.array_equal(sltt[name], leakless[name]) and np.any(sltt[name]) for name in sltt)
    assert any(np.any(ottt[name] != value) for name, value in ot.sltt.gradients(*data).items())


@pytest.mark.parametrize("kind", LATE)
def test_a_rule_of_ones_own_that_pairs_something_else_works_with_delays(kind):
    class Doubled(methods.Rule):
        def presynaptic(self, connection, activity):
            return 2 * activity.presynaptic(connection)

        def bias_input(self, l):
            return 2 * self.network.bias_input

    network, inputs, labels = case(kind)
    found, sltt = methods.gradients(Doubled, network, inputs, labels), ot.sltt.gradients(network, inputs, labels)
    for name, value in sltt.items():
        assert np.array_equal(found[name], 2 * value)


@pytest.mark.parametrize("kind", LATE)
def test_errors_that_belong_to_the_chunk_before_are_in_no_record_of_this_one(kind):
    """What the loss of the second chunk says of the first is in its gradients alone."""
    network, inputs, labels = case(kind)
    options = {"time_steps": len(inputs), "terms": True, "input_gradients": True}
    whole = ot.sltt.gradients(network, inputs, labels, **options)
    state = ot.sltt.gradients(network, inputs[:2], labels, **options).final_state
    second = ot.sltt.gradients(network, inputs[2:], labels, initial_state=state, **options)
    for found, wanted in zip((*second.errors, second.input_gradients), (*whole.errors, whole.input_gradients)):
        np.testing.assert_allclose(found, wanted[2:], rtol=1e-12, atol=1e-15)  # sums of the same numbers
    assert all(np.any(error) for error in second.errors)


def test_a_rule_that_pairs_more_often_than_it_says_is_refused_by_name():
    class Twice(methods.Rule):
        def pairs(self, connection, error, activity):
            yield from super().pairs(connection, error / 2, activity)
            yield from super().pairs(connection, error / 2, activity)

    class Says(Twice):
        def parts(self, connection):
            return 2

    network, inputs, labels = case("delays")
    with pytest.raises(ValueError, match=r"pairs of Twice for layer0 must be as many as its parts.* says, 1, got 2"):
        methods.gradients(Twice, network, inputs, labels)
    found, sltt = methods.gradients(Says, network, inputs, labels), ot.sltt.gradients(network, inputs, labels)
    assert_close(dict(found), dict(sltt), 1e-12)


@pytest.mark.parametrize("kind", LATE)
def test_a_price_of_firing_is_of_the_time_step_of_the_spikes_and_goes_down_with_the_delays_below(kind):
    """As BPTT without leaks and loops has it, exactly: at the inputs too."""
    network, inputs, labels = case(kind)
    network = rational(eighths(network))
    inputs, price = ot.exact_array(np.round(8 * inputs) / 8), ot.losses.FiringRate(F(3, 4), F(1, 4))
    loss = ot.losses.MeanSquaredError()
    found = ot.sltt.gradients(network, inputs, labels, loss, regulariser=price, input_gradients=True, terms=True)
    activity = ot.simulate(network, inputs)
    targets = ot.losses.require_targets(loss, labels, inputs.shape[1], network)
    errors = ot.losses.sequence_loss(loss, activity.outputs, targets)[1]
    rows = [regularisation(price, network, activity.at(t).layer_outputs, len(inputs))[1] for t in range(len(inputs))]
    penalties = {l: np.stack([row[l] for row in rows]) for l in network.spiking}
    options = {"leaks_back": [False] * len(network.layers), "delays_back": False, "terms": True}
    bptt = ot.bptt.backward(network, activity, errors, regularisation=penalties, input_gradients=True, **options)
    assert all(np.array_equal(found[name], value) and np.any(value) for name, value in bptt.values.items())
    assert all(np.array_equal(*each) for each in zip(found.errors, bptt.errors))
    assert np.array_equal(found.input_gradients, bptt.inputs) and np.any(bptt.inputs)


def test_a_rule_that_adds_gradients_itself_is_refused_unless_it_says_that_it_handles_delays():
    class Own(methods.Rule):
        def add_gradients(self, gradients, connection, error, spike_error, activity):
            super().add_gradients(gradients, connection, error, spike_error, activity)

    class Handles(Own):
        handles_delays = True

    network, inputs, labels = case("delays")
    message = "rule Own must pair errors by presynaptic and bias_input alone .* got add_gradients"
    with pytest.raises(TypeError, match=message):
        methods.gradients(Own, network, inputs, labels)
    with pytest.raises(TypeError, match=message):
        methods.OnlineLearner(Own, network, ot.training.SGD(0.1))
    methods.gradients(Handles, network, inputs, labels)
    plain, plain_inputs, plain_labels = case("delayed_loop")  # no error comes late
    methods.gradients(Own, plain, plain_inputs, plain_labels)


def test_feedback_that_does_not_say_to_which_time_step_errors_belong_is_refused():
    network, inputs, labels = case("delays")
    rng = np.random.default_rng(0)
    matrices = [rng.normal(size=(int(np.prod(shape)), 2)) for shape in network.shapes[:-1]]

    class Halved(methods.TransposedWeights):
        def spike_error(self, network, step, l, errors):
            return super().spike_error(network, step, l, errors) / 2

    for feedback in (methods.FeedbackMatrices(matrices), Halved()):
        name = type(feedback).__name__
        with pytest.raises(TypeError, match=f"must define lagged_error .* got {name} without it"):
            ot.ottt.gradients(network, inputs, labels, error_feedback=feedback)
        with pytest.raises(TypeError, match="lagged_error"):
            methods.OnlineLearner(ot.sltt.SLTT, network, ot.training.SGD(0.1), error_feedback=feedback)

    class HalvedLate(Halved):
        def lagged_error(self, network, step, l, lag, errors):
            return super().lagged_error(network, step, l, lag, errors) / 2

    ot.ottt.gradients(network, inputs, labels, error_feedback=HalvedLate())


@pytest.mark.parametrize("kind", LATE)
def test_the_local_losses_of_layers_know_no_delays(kind):
    """Each layer's loss is of its own outputs at the same time step: so the errors are those at t, paired at t."""
    network, inputs, labels = case(kind)
    rng = np.random.default_rng(1)
    local = methods.LocalLosses([rng.normal(size=(2, int(np.prod(shape)))) for shape in network.shapes[:-1]])
    found = ot.sltt.gradients(network, inputs, labels, error_feedback=local, terms=True)
    activity, loss = ot.simulate(network, inputs), ot.losses.Mixed()
    targets = ot.losses.require_targets(loss, labels, inputs.shape[1], network)
    expected = network.zero_gradients()
    for t in range(len(inputs)):
        now = activity.at(t)
        error = ot.losses.step_loss(loss, now.outputs, targets, len(inputs))[1]
        step = methods.TimeStep(now, error, loss, targets, len(inputs))
        for connection in network.connections:
            l = connection.target
            g = now.layer_surrogate_derivatives[l] * local.spike_error(network, step, l, [])
            assert np.allclose(found.errors[l][t], g)
            connection.add_gradients(expected, g, now.presynaptic(connection), network.bias_input)
    assert_close(dict(found), expected, 1e-12)


def test_delays_of_0_change_no_bit():
    network, inputs, labels = case("skips")
    layers = [replace(layer, delay=0) for layer in network.layers]
    same = ot.Network(layers, skips=[replace(skip, delay=0) for skip in network.skips])
    for method in (ot.bptt, ot.ottt, ot.sltt, ot.rtrl):
        found = [bits(dict(method.gradients(each, inputs, labels))) for each in (network, same)]
        assert found[0] == found[1]
    assert not network.delays_errors and ot.ottt.OTTT(network, 1).lags is None


def test_a_delay_longer_than_the_sequence_delivers_nothing():
    network, inputs, labels = case("delays")
    far = ot.Network((*network.layers[:2], replace(network.layers[2], delay=50)))
    found = {name: getattr(ot, name).gradients(far, inputs, labels) for name in ("bptt", "ottt", "sltt", "rtrl")}
    for name, gradients in found.items():
        assert not np.any(gradients["layer0.weight"]) and np.any(gradients["readout.bias"]), name


@pytest.mark.parametrize("kind", DELAYED)
def test_files_keep_delays_and_say_that_they_do(kind, tmp_path):
    network = case(kind)[0]
    network.save(tmp_path / "net.npz")
    again = ot.Network.load(tmp_path / "net.npz")
    assert [c.delay for c in again.connections] == [c.delay for c in network.connections]
    with np.load(tmp_path / "net.npz") as arrays:
        assert '"version": 3' in str(arrays["description"])
    plain = case("recurrent")[0]
    plain.save(tmp_path / "plain.npz")
    with np.load(tmp_path / "plain.npz") as arrays:  # as earlier versions wrote it, and read it
        assert '"version": 2' in str(arrays["description"]) and "delay" not in str(arrays["description"])


def test_a_copy_keeps_its_delays():
    network = case("delays")[0]
    for other in (network.copy(), network.astype(np.float32), network.exact(), rational(eighths(network))):
        assert [c.delay for c in other.connections] == [c.delay for c in network.connections]
    assert network.layers[0].copy().recurrent_delay == 2


DENSE = ot.Dense(np.ones((2, 2)))
REFUSED = [
    (lambda: ot.Layer(DENSE, ot.LIF(), delay=-1), ValueError, "delay must be at least 0, got -1"),
    (lambda: ot.Layer(DENSE, ot.LIF(), delay=1.0), TypeError, "delay must be a whole number of at least 0, got 1.0"),
    (lambda: ot.Layer(DENSE, ot.LIF(), delay=True), TypeError, "delay must be a whole number of at least 0, got True"),
    (lambda: ot.Layer(DENSE, ot.LIF(), delay=2**16 + 1), ValueError, "delay must be at most 65536 time steps"),
    (
        lambda: ot.Layer(DENSE, ot.LIF(), recurrent_delay=2),
        ValueError,
        "recurrent_delay must be 1 without recurrent operations, got 2",
    ),
    (
        lambda: ot.Layer(DENSE, ot.LIF(), ot.Dense(np.eye(2)), recurrent_delay=0),
        ValueError,
        "recurrent_delay must be at least 1, got 0",
    ),
    (lambda: ot.Skip(-1, 1, delay=-1), ValueError, "delay must be at least 0, got -1"),
    (lambda: ot.Feedback(1, 0, DENSE, delay=0), ValueError, "delay must be at least 1, got 0"),
]


@pytest.mark.parametrize(("make", "error", "complaint"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_delay_is_refused_by_name(make, error, complaint):
    with pytest.raises(error, match=complaint):
        make()
