"""The streaming learner learns what the reference's learner learns."""

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.fast import stream_memory
from ottt_ref.fast.kernels.choosing import plain_kernels
from ottt_ref.fast.kernels.streaming import KIND, ROWS, SLOTS, WHOLE
from ottt_ref.fast.streaming import OnlineLearner, suits
from ottt_ref.learning.training import SGD

SIZES = (40, 64, 48, 5)
STEPS = 2 * SLOTS + 7  # of a sequence: the slots go round more than twice
# Both add up the same numbers in another order: some hundred steps of a few roundings, of numbers of the order of 1
CLOSE = {"rtol": 1e-10, "atol": 1e-12}


@pytest.fixture(autouse=True)
def _small_layers_are_rows(monkeypatch):
    monkeypatch.setattr(stream_memory, "LEAST_SYNAPSES", 1)


def made(bias=True, dtype=np.float64, sizes=SIZES, **options):
    network = ot.dense_network(sizes, rng=3, dtype=dtype, **options)
    if bias:
        return network
    return ot.Network([ot.Layer(ot.Dense(layer.synapses.weight, False), layer.neuron) for layer in network.layers])


def sgd(rate=0.05, weight_decay=0.0):
    return SGD(rate, momentum=0, weight_decay=weight_decay)


def pair(network, loss=ot.losses.Mixed(), make=sgd, **options):
    """Two networks, of which the streaming and the reference's learner learn."""
    other = network.copy()
    learner = OnlineLearner(network, make(), loss, **options)
    assert learner.reason == ""
    return (network, other), (learner, ot.ottt.OnlineLearner(other, make(), loss, **options))


def sequence(batch=1, steps=STEPS, seed=1, dtype=np.float64, sizes=SIZES):
    rng = np.random.default_rng(seed)
    inputs = (rng.random((steps, batch, sizes[0])) < 0.15).astype(dtype)
    return inputs, rng.integers(0, sizes[-1], (steps, batch))


def require_same_step(learners, *arguments, **options):
    (loss, outputs), (expected_loss, expected) = (learner.step(*arguments, **options) for learner in learners)
    assert type(loss) is type(expected_loss) and outputs.dtype == expected.dtype
    np.testing.assert_allclose(outputs, expected, **CLOSE)
    if loss is not None:
        np.testing.assert_allclose(loss, expected_loss, **CLOSE)


def require_same_parameters(networks):
    for name, value in networks[1].parameters.items():
        np.testing.assert_allclose(networks[0].parameters[name], value, **CLOSE, err_msg=name)


def require_same_state(learners):
    state, expected = (learner.state for learner in learners)
    assert list(state) == list(expected)
    for name in expected:
        np.testing.assert_allclose(state[name], expected[name], **CLOSE, err_msg=name)


def learn(networks, learners, sequences=2, **options):
    before = {name: value.copy() for name, value in networks[1].parameters.items()}
    for seed in range(sequences):
        inputs, labels = sequence(seed=seed, **options)
        for learner in learners:
            learner.reset()
        for x, y in zip(inputs, labels):
            require_same_step(learners, x, y)
    require_same_state(learners)
    require_same_parameters(networks)
    return before


SETTINGS = {
    "default": {},
    "no bias": {"bias": False},
    "hard reset": {"reset": "hard", "reset_potential": -0.25, "decay": 0.8},
    "unleaked": {"reset": "unleaked", "decay": 0.9},
    "integrate and fire": {"decay": 1.0, "threshold": 2.0},
    "no memory": {"decay": 0.0},
    "several decays": {"decay": [0.25, 0.75, 0.5], "readout": "leaky"},
    "leaky readout": {"readout": "leaky"},
    "spiking readout": {"readout": "spiking"},
    **{f"{kind.__name__}": {"surrogate": kind()} for kind in ot.surrogate.ALL},
}


@pytest.mark.parametrize("dialect", ["derivation", "authors"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_it_equals_the_reference_over_several_blocks_and_sequences(setting, dialect):
    networks, learners = pair(made(**SETTINGS[setting]), dialect=dialect, time_steps=4)
    before = learn(networks, learners)
    kinds = [row[KIND] for row in learners[0]._engine.layout]
    assert kinds[:2] == [ROWS, ROWS] and kinds[2] == WHOLE
    assert any(np.any(spikes) for spikes in learners[1].activity.spikes)
    for name, value in networks[1].parameters.items():  # it is much that was learned
        assert np.abs(value - before[name]).max() > 1e-4, name


@pytest.mark.parametrize("loss", [ot.losses.CrossEntropy(), ot.losses.MeanSquaredError(), ot.losses.Mixed(0.4)])
def test_every_loss_equals_the_reference(loss):
    learn(*pair(made(), loss, time_steps=4))


PRICES = [ot.losses.FiringRate(0.2), ot.losses.FiringRate(0.3, target=0.1), ot.losses.FiringRate(0.0)]


@pytest.mark.parametrize("readout", ["linear", "spiking"])
@pytest.mark.parametrize("price", PRICES, ids=repr)
def test_a_price_of_firing_equals_the_reference(price, readout):
    learn(*pair(made(readout=readout), regulariser=price, time_steps=2))
    learn(*pair(made(readout=readout), Absolute(), regulariser=price, time_steps=20), sequences=1)


class Ramp(ot.losses.Regulariser):
    """A regulariser of one's own."""

    def evaluate(self, spikes):
        slope = np.linspace(0, 1, spikes.shape[1])
        return spikes @ slope, np.repeat(slope[np.newaxis], len(spikes), axis=0)


class Absolute(ot.losses.Loss):
    """A loss of one's own."""

    distribution = False

    def evaluate(self, outputs, targets):
        return abs(outputs - targets).sum(axis=1), np.sign(outputs - targets)


def test_a_chain_that_holds_one_dense_layer_is_a_dense_layer():
    layers = [ot.Layer([layer.synapses], layer.neuron) for layer in made().layers]
    networks, learners = pair(ot.Network(layers))
    learn(networks, learners, sequences=1)


def test_a_loss_of_ones_own_is_called():
    learn(*pair(made(), Absolute(), time_steps=20))


@pytest.mark.parametrize("weight_decay", [0.01, 4.0, 30.0])
def test_weight_decay_is_put_off_as_well(weight_decay):
    learn(*pair(made(), make=lambda: sgd(0.05, weight_decay), time_steps=4))  # factors 0.9995, 0.8 and -0.5


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("bias", [True, False])
def test_with_momentum_and_weight_decay_it_equals_the_reference(bias, batch):
    networks, learners = pair(made(bias), make=lambda: SGD(0.05, momentum=0.8, weight_decay=0.01), time_steps=4)
    learn(networks, learners, batch=batch)
    states = [learner.optimizer.state for learner in learners]
    assert list(states[0]) == list(states[1])
    for name, value in states[1].items():
        np.testing.assert_allclose(states[0][name], value, **CLOSE, err_msg=name)


@pytest.mark.parametrize("batch", [2, 5])
def test_several_samples_equal_the_reference(batch):
    networks, learners = pair(made(), time_steps=4)
    learn(networks, learners, batch=batch)
    assert {row[KIND] for row in learners[0]._engine.layout} == {WHOLE}


def test_the_batch_size_may_change_between_sequences():
    networks, learners = pair(made())
    for batch in (1, 3, 1, 2):
        learn(networks, learners, sequences=1, batch=batch, steps=5)


def test_layers_without_sums_equal_the_reference(monkeypatch):
    monkeypatch.setattr(stream_memory, "LEAST_SYNAPSES", 2**20)
    networks, learners = pair(made(), time_steps=4)
    learn(networks, learners)
    assert {row[KIND] for row in learners[0]._engine.layout} == {WHOLE}


def test_inputs_of_any_numbers_equal_the_reference():
    networks, learners = pair(made(), time_steps=4)
    rng = np.random.default_rng(0)
    for t in range(STEPS):
        inputs = rng.normal(size=(1, SIZES[0])) * (rng.random((1, SIZES[0])) < (0.1, 1.0)[t % 2])
        require_same_step(learners, inputs, np.array([t % 5]))
    require_same_parameters(networks)


def test_what_a_step_is_given_may_be_of_every_kind():
    networks, learners = pair(made(), ot.losses.MeanSquaredError())
    inputs, rng = sequence()[0], np.random.default_rng(0)
    for x, (arguments, options) in zip(
        inputs,
        [
            (([2],), {}),
            ((np.array([3], np.uint8),), {}),
            ((rng.random((1, 5)),), {}),
            ((np.array([1]),), {"weights": [0.25]}),
            ((rng.random((1, 5)),), {"weights": np.array([3.0])}),
            ((), {}),
            ((np.array([4]),), {"weights": [False]}),
        ]
        * 5,
    ):
        require_same_step(learners, x.astype(np.uint8), *arguments, **options)
        require_same_step(learners, x[:, ::-1], *arguments, **options)
    require_same_parameters(networks)
    require_same_state(learners)


def test_the_learning_rate_may_change_between_steps():
    networks, learners = pair(made(), time_steps=2)
    inputs, labels = sequence()
    for t, (x, y) in enumerate(zip(inputs, labels)):
        for learner in learners:
            learner.optimizer.learning_rate = 0.1 / (1 + t) if t % 3 else 0
            learner.optimizer.weight_decay = 0.02 * (t % 4)
        require_same_step(learners, x, y)
    require_same_parameters(networks)


def test_momentum_may_begin_and_end_between_steps():
    networks, learners = pair(made(), time_steps=2)
    for t, (x, y) in enumerate(zip(*sequence())):
        for learner in learners:
            learner.optimizer.momentum = 0.5 if 8 <= t < 12 else 0
        require_same_step(learners, x, y)
    require_same_parameters(networks)
    require_same_state(learners)


@pytest.mark.parametrize("part", ["optimizer", "loss", "time_steps"])
def test_another_part_may_be_set_between_steps(part):
    networks, learners = pair(made())
    for t, (x, y) in enumerate(zip(*sequence(steps=12))):
        if t == 6:
            for learner in learners:
                new = {"optimizer": sgd(0.01), "loss": ot.losses.CrossEntropy(), "time_steps": 3}[part]
                setattr(learner, part, new)
        require_same_step(learners, x, y)
    require_same_parameters(networks)


def test_a_sequence_goes_on_from_a_state():
    networks, learners = pair(made(), time_steps=4)
    inputs, labels = sequence()
    for x, y in zip(inputs[:20], labels):
        require_same_step(learners, x, y)
    states = [learner.state for learner in learners]
    for x, y in zip(inputs[20:], labels):
        require_same_step(learners, x, y)
    for learner, state in zip(learners, reversed(states)):  # each from the other's
        learner.reset(state)
        assert list(learner.state) == list(state)
        assert all(np.array_equal(learner.state[name], state[name]) for name in state)
    for x, y in zip(inputs, labels):
        require_same_step(learners, x, y)
    require_same_parameters(networks)


def test_a_state_right_after_a_flush_is_that_of_the_last_step():
    networks, learners = pair(made(decay=0.0))  # a trace times this decay says nothing of the trace
    for x, y in zip(*sequence(steps=9)):
        require_same_step(learners, x, y)
        assert networks[0].parameters["layer0.weight"].shape == (SIZES[1], SIZES[0])
        require_same_state(learners)


def test_the_activity_is_that_of_the_last_step():
    _, learners = pair(made())
    assert learners[0].activity is None
    for x, y in zip(*sequence(steps=6)):
        require_same_step(learners, x, y)
        activity, expected = (learner.activity for learner in learners)
        assert np.array_equal(activity.inputs, expected.inputs) and activity.spiking == expected.spiking
        for name in ("potentials", "spikes", "surrogate_derivatives"):
            for value, wanted in zip(getattr(activity, name), getattr(expected, name)):
                np.testing.assert_allclose(value, wanted, **CLOSE)
        np.testing.assert_allclose(activity.outputs, expected.outputs, **CLOSE)


def test_state_bytes_do_not_grow():
    network = made()
    learner = OnlineLearner(network, sgd())
    assert learner.state_bytes == 0
    found = set()
    for x, y in zip(*sequence()):
        learner.step(x, y)
        found.add(learner.state_bytes)
    assert len(found) == 1 and found.pop() > 0
    learner.reset()
    assert learner.state_bytes == 0


def test_a_rule_that_is_asked_for_goes_on():
    networks, learners = pair(made(), time_steps=4)
    inputs, labels = sequence()
    for t, (x, y) in enumerate(zip(inputs, labels)):
        require_same_step(learners, x, y)
        if t % 10 == 0:
            rules = [learner.rule.state for learner in learners]
            assert all(np.allclose(rules[0][name], rules[1][name], **CLOSE) for name in rules[1])
    require_same_parameters(networks)


def test_learn_takes_a_time_step_of_ones_own():
    networks, learners = pair(made())
    error = np.linspace(-1, 1, 5)[np.newaxis]
    for x in sequence(steps=6)[0]:
        require_same_step(learners, x)
        for learner in learners:
            learner.learn(ot.methods.TimeStep(learner.activity, error))
    require_same_parameters(networks)


def test_the_same_steps_give_the_same_bits():
    found = []
    for _ in range(2):
        network = made()
        learner = OnlineLearner(network, sgd())
        results = [learner.step(x, y) for x, y in zip(*sequence())]
        found.append([*(r[0].tobytes() + r[1].tobytes() for r in results)])
        found[-1] += [value.tobytes() for value in network.parameters.values()]
    assert found[0] == found[1]


def test_plain_loops_equal_the_reference():
    with plain_kernels():
        learn(*pair(made(), time_steps=4))


def test_of_single_precision_its_error_is_that_of_the_reference():
    sizes, steps = SIZES, STEPS
    networks = [made(dtype=dtype) for dtype in (np.float32, np.float32, np.float64)]
    for name, value in networks[0].parameters.items():
        networks[2].parameters[name] = value.astype(np.float64)
    kinds = (OnlineLearner, ot.ottt.OnlineLearner, ot.ottt.OnlineLearner)
    learners = [kind(network, sgd(), time_steps=4) for kind, network in zip(kinds, networks)]
    inputs, labels = sequence(steps=steps, sizes=sizes)
    for x, y in zip(inputs, labels):
        results = [learner.step(x.astype(network.dtype), y) for learner, network in zip(learners, networks)]
        assert type(results[0][0]) is np.float32
    spikes = [[layer.tolist() for layer in learner.activity.spikes] for learner in learners]
    assert spikes[0] == spikes[1] == spikes[2]
    for name, exact in networks[2].parameters.items():
        errors = [np.abs(network.parameters[name] - exact).max() for network in networks[:2]]
        assert errors[0] <= 4 * errors[1] + 1e-7, name  # it rounds less often into the weights, and in another order


WRONG_STEPS = {
    "inputs of a sequence": (np.ones((4, 1, 40)), [0]),
    "other width": (np.ones((1, 4)), [0]),
    "other dtype": (np.ones((1, 40), np.float32), [0]),
    "NaN": (np.full((1, 40), np.nan), [0]),
    "infinity": (np.full((1, 40), np.inf), np.array([0])),
    "label out of range": (np.ones((1, 40)), np.array([5])),
    "negative label": (np.ones((1, 40)), np.array([-1])),
    "too many labels": (np.ones((1, 40)), np.array([0, 1])),
    "no distribution": (np.ones((1, 40)), np.ones((1, 5))),
    "no array": (np.ones((1, 40)), "ab"),
    "another batch": (np.ones((2, 40)), [0, 1]),
}


@pytest.mark.parametrize("wrong", WRONG_STEPS)
def test_a_wrong_step_is_refused_as_by_the_reference_and_changes_nothing(wrong):
    networks, learners = pair(made())
    inputs, labels = sequence(steps=6)
    for x, y in zip(inputs, labels):
        require_same_step(learners, x, y)
    complaints = []
    for learner in learners:
        with pytest.raises((TypeError, ValueError)) as complaint:
            learner.step(*WRONG_STEPS[wrong])
        complaints.append((complaint.type, str(complaint.value)))
    assert complaints[0] == complaints[1]
    for x, y in zip(inputs, labels):
        require_same_step(learners, x, y)
    require_same_parameters(networks)
    require_same_state(learners)


def both_raise(learners, *arguments):
    complaints = []
    for learner in learners:
        with pytest.raises(ValueError) as complaint:
            learner.step(*arguments)
        complaints.append((complaint.type, str(complaint.value)))
    assert complaints[0] == complaints[1]
    return complaints[0][1]


LARGE = {
    "potential": (lambda n: n.parameters.__setitem__("layer0.weight", np.full((64, 40), 1e308)), {}, "potential"),
    "loss": (lambda n: n.parameters.__setitem__("readout.bias", np.full(5, 1e200)), {}, "loss"),
    "update": (lambda n: None, {"make": lambda: sgd(1e308)}, "must be finite"),
    "error": (lambda n: n.parameters.__setitem__("readout.weight", np.full((5, 48), 1.7e308)), {}, ""),
}


@pytest.mark.parametrize("large", LARGE)
def test_what_overflows_is_said_as_by_the_reference_and_changes_no_parameter(large):
    change, options, said = LARGE[large]
    networks, learners = pair(made(), ot.losses.MeanSquaredError(), **options)
    x = np.ones((1, 40))
    for learner in learners:
        rate, learner.optimizer.learning_rate = learner.optimizer.learning_rate, 0.05
        learner.step(x, np.array([1]))
        learner.optimizer.learning_rate = rate
    for network in networks:
        change(network)
    before = [{name: value.tobytes() for name, value in network.parameters.items()} for network in networks]
    assert said in both_raise(learners, x, np.array([[1e4, 0, 0, -1e4, 0]]))
    for network, values in zip(networks, before):
        assert {name: value.tobytes() for name, value in network.parameters.items()} == values
    for learner in learners:
        with pytest.raises(RuntimeError, match=r"call reset\(\)"):
            learner.step(x, np.array([1]))


def test_a_step_of_large_numbers_that_do_not_overflow_is_done():
    networks, learners = pair(made(), ot.losses.MeanSquaredError(), make=lambda: sgd(1e-300))
    for t in range(6):
        rows = np.full((1, 5), 1e147 if t % 2 else 1.0)
        require_same_step(learners, np.ones((1, 40)), rows)
    require_same_parameters(networks)


def test_a_step_that_the_reference_does_again_pays_no_row_twice():
    networks, learners = pair(made(), make=lambda: sgd(0.5))
    inputs, labels = sequence(steps=8)
    for x, y in zip(inputs[:6], labels):  # nobody reads the weights on the way
        require_same_step(learners, x, y)
    require_same_step(learners, 4e288 * inputs[6])  # potentials near the largest numbers, of rows that are owed much
    assert learners[0]._engine.samples == 0
    require_same_state(learners)
    require_same_parameters(networks)


def test_a_step_that_the_reference_does_again_begins_from_the_traces_of_before_it():
    """Its loss is too large for the kernels, its spikes are like any others: no large number covers up a trace."""
    networks, learners = pair(made(), ot.losses.MeanSquaredError(), make=lambda: sgd(1e-300))
    inputs, _ = sequence(steps=12)
    assert ((inputs[:9].sum(axis=(0, 1)) > 0) & (inputs[9, 0] > 0) & (inputs[8, 0] == 0)).any()  # rows that waited
    for x in inputs[:9]:
        require_same_step(learners, x, np.ones((1, 5)))
    assert learners[0]._engine.samples == 1
    require_same_step(learners, inputs[9], np.full((1, 5), 1e146))
    assert learners[0]._engine.samples == 0
    require_same_state(learners)
    require_same_parameters(networks)


def test_where_it_is_allowed_what_is_not_finite_is_returned_as_by_the_reference():
    networks, learners = pair(made(), ot.losses.MeanSquaredError())
    for network in networks:
        network.parameters["readout.bias"] = np.full(5, 1e200)
    with ot.allow_non_finite():
        for learner in learners:
            with pytest.raises(ValueError, match="gradients"):
                learner.step(np.ones((1, 40)), np.full((1, 5), -1.7e308))
    with ot.allow_non_finite():
        for learner in learners:
            learner.reset()
        results = [learner.step(np.ones((1, 40))) for learner in learners]
    assert np.array_equal(results[0][1], results[1][1])


@pytest.mark.parametrize("error", [ZeroDivisionError("half way"), KeyboardInterrupt()], ids=repr)
def test_after_a_loss_that_raised_reset_is_asked_for(error):
    class Failing(Absolute):
        fails = False

        def evaluate(self, outputs, targets):
            if self.fails:
                raise error
            return super().evaluate(outputs, targets)

    loss = Failing()
    network = made()
    learner = OnlineLearner(network, sgd(), loss)
    inputs, rows = sequence(steps=4)[0], np.ones((1, 5))
    learner.step(inputs[0], rows)
    before = {name: value.copy() for name, value in network.parameters.items()}
    loss.fails = True
    with pytest.raises(type(error)):
        learner.step(inputs[1], rows)
    with pytest.raises(RuntimeError, match=r"call reset\(\)"):
        learner.step(inputs[1], rows)
    assert all(np.array_equal(network.parameters[name], before[name]) for name in before)
    loss.fails = False
    learner.reset()
    other = network.copy()
    again = ot.ottt.OnlineLearner(other, sgd(), Absolute())
    for x in inputs:
        require_same_step((learner, again), x, rows)
    require_same_parameters((network, other))


UNSUITED = {
    "exact": (lambda: made(surrogate=ot.surrogate.Triangle()).exact(), {"loss": ot.losses.MeanSquaredError()}),
    "Adam": (made, {"optimizer": ot.training.Adam()}),
    "learned decays": (lambda: made(trainable=("decay",)), {}),
    "decays of neurons": (lambda: made(sizes=(4, 3, 2), decay=np.array([0.1, 0.2, 0.3])), {}),
    "feedback": (made, {"error_feedback": ot.methods.FeedbackMatrices([np.ones((n, 5)) for n in SIZES[1:3]])}),
    "regulariser": (made, {"regulariser": Ramp()}),
    "current": (lambda: ot.Network([ot.Layer(ot.Dense(np.ones((2, 2))), ot.CubaLIF())]), {}),
    "recurrent": (
        lambda: ot.Network([ot.Layer(ot.Dense(np.ones((2, 2))), ot.LIF(), recurrent=ot.Dense(np.eye(2)))]),
        {},
    ),
    "delay": (lambda: ot.Network([ot.Layer(ot.Dense(np.ones((2, 2))), ot.LIF(), delay=2)]), {}),
    "scale": (
        lambda: ot.Network([ot.Layer([ot.Scale(2.0), ot.Dense(np.ones((2, 2)))], ot.LIF())], input_shape=(2,)),
        {},
    ),
}


@pytest.mark.parametrize("unsuited", UNSUITED)
def test_what_does_not_suit_is_said_in_words_and_done_as_by_the_reference(unsuited):
    make, options = UNSUITED[unsuited]
    network = make()
    options = {"optimizer": sgd(), "loss": ot.losses.MeanSquaredError(), **options}
    learner = OnlineLearner(network, **options)
    assert len(learner.reason) > 10 and learner.reason == suits(network, **options)
    if unsuited == "exact":
        return
    other = network.copy()
    optimizer = type(options["optimizer"])(0.1)
    reference = ot.ottt.OnlineLearner(other, **{**options, "optimizer": optimizer})
    learner.optimizer.learning_rate = 0.1
    if hasattr(optimizer, "momentum"):
        optimizer.momentum = learner.optimizer.momentum
    for _ in range(3):
        x, rows = np.ones((1, network.input_size)), np.ones((1, network.output_size))
        assert [a == b for a, b in zip(learner.step(x, rows)[1], reference.step(x, rows)[1])]
    for name, value in other.parameters.items():
        assert np.array_equal(network.parameters[name], value)
