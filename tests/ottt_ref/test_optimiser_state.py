"""An optimiser belongs to one network: its state is bound, forgotten, saved, loaded."""

import copy
import pickle
from fractions import Fraction as F

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.learning.training import SGD, Adam, Optimizer

from .helpers import bits, dyadic_network

every_optimizer = pytest.mark.parametrize("kind", [SGD, Adam])
OTHERS = "must be those that this (SGD|Adam) first updated, .* each network needs an optimizer of its own"


def gradients(network, k=0):
    rng = np.random.default_rng(k)
    return {name: rng.normal(size=value.shape) for name, value in network.parameters.items()}


def steps(optimizer, network, first=0, count=3):
    for k in range(first, first + count):
        optimizer.step(network.parameters, gradients(network, k))


@every_optimizer
def test_the_parameters_of_another_network_are_refused_whatever_their_names(kind):
    network, other = dyadic_network(0), dyadic_network(1)
    optimizer = kind()
    steps(optimizer, network)
    before, state = bits(other.parameters), bits(optimizer.state)
    for parameters in (other.parameters, dict(other.parameters), network.copy().parameters):
        with pytest.raises(ValueError, match=f"parameters {OTHERS}"):
            optimizer.step(parameters, gradients(other))
    assert bits(other.parameters) == before and bits(optimizer.state) == state
    steps(optimizer, network, first=3)


def test_momentum_of_two_networks_is_not_mixed_online():
    networks, shared = [dyadic_network(k) for k in range(2)], SGD()
    inputs, targets = np.ones((2, 3)), np.array([0, 1])
    ot.ottt.OnlineLearner(networks[0], shared).step(inputs, targets)
    with pytest.raises(ValueError, match=OTHERS):
        ot.ottt.OnlineLearner(networks[1], shared).step(inputs, targets)


def test_other_names_and_shapes_are_named():
    optimizer, network = SGD(), dyadic_network(0)
    steps(optimizer, network)
    deeper, wider = ot.dense_network([3, 4, 3, 3, 2], rng=0), ot.dense_network([3, 5, 3, 2], rng=0)
    with pytest.raises(ValueError, match=r"parameters must be of the parameters \['layer0.weight', .* got .*'layer2"):
        optimizer.step(deeper.parameters, gradients(deeper))
    with pytest.raises(ValueError, match=r"parameters must be of layer0.weight float64 \[4, 3\], .* float64 \[5, 3\]"):
        optimizer.step(wider.parameters, gradients(wider))
    single = network.astype(np.float32)
    with pytest.raises(ValueError, match=r"must be of layer0.weight float64 .* got float32"):
        optimizer.step(single.parameters, single.zero_gradients())


@every_optimizer
def test_masks_of_each_batch_leave_an_optimizer_with_its_network(kind):
    layers = [ot.Layer([ot.Dropout(0.5), ot.Dense(np.eye(3))], ot.LIF())]
    network, other = ot.Network(layers, input_shape=(3,)), ot.Network(layers, input_shape=(3,))
    optimizer, expected, rng = kind(), kind(), np.random.default_rng(0)
    for k in range(3):
        masked = network.with_dropout(2, rng)
        optimizer.step(masked.parameters, gradients(masked, k))
        expected.step(other.parameters, gradients(other, k))
    assert bits(network.parameters) == bits(other.parameters)


@every_optimizer
def test_a_first_step_that_is_refused_binds_nothing(kind):
    network, other = dyadic_network(0), dyadic_network(1)
    optimizer = kind()
    with pytest.raises(ValueError, match="must be finite"):
        optimizer.step(network.parameters, {**gradients(network), "readout.bias": np.full(2, np.nan)})
    steps(optimizer, other)


@every_optimizer
def test_a_reset_makes_an_optimizer_as_new_but_for_its_settings(kind):
    first, second = dyadic_network(0), dyadic_network(1)
    again = second.copy()
    used = kind(0.25)
    steps(used, first)
    used.reset()
    assert used.state == {} and used.learning_rate == 0.25
    steps(used, second)
    steps(kind(0.25), again)
    assert bits(second.parameters) == bits(again.parameters)


@every_optimizer
def test_a_loaded_state_goes_on_where_the_other_was(kind, tmp_path):
    """The network and the optimiser go into files and come back, in the middle of training."""
    network, optimizer = dyadic_network(0), kind(0.1)
    steps(optimizer, network)
    network.save(tmp_path / "network.npz")
    np.savez(tmp_path / "optimizer.npz", **optimizer.state)
    steps(optimizer, network, first=3)
    resumed, again = ot.Network.load(tmp_path / "network.npz"), kind(0.1)
    with np.load(tmp_path / "optimizer.npz") as state:
        again.load_state(state)
    steps(again, resumed, first=3)
    assert bits(resumed.parameters) == bits(network.parameters) and bits(again.state) == bits(optimizer.state)
    fresh = dyadic_network(0)
    steps(kind(0.1), fresh, first=3)
    assert bits(fresh.parameters) != bits(network.parameters)


@every_optimizer
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_of_an_optimizer_has_the_state_and_is_bound_by_its_own_first_step(kind, copied):
    network, optimizer = dyadic_network(0), kind()
    steps(optimizer, network)
    twin, other = network.copy(), copied(optimizer)
    steps(optimizer, network, first=3)
    steps(other, twin, first=3)
    assert bits(twin.parameters) == bits(network.parameters)
    with pytest.raises(ValueError, match=OTHERS):
        steps(other, network)


def test_the_state_is_plain_arrays_and_copies():
    network, sgd, adam = dyadic_network(0), SGD(momentum=0.5), Adam()
    steps(sgd, network, count=2)
    steps(adam, network, count=2)
    first, second = (gradients(network, k)["readout.bias"] for k in range(2))
    assert list(sgd.state) == [f"{name}.velocity" for name in network.parameters]
    assert np.array_equal(sgd.state["readout.bias.velocity"], 0.5 * first + second)
    assert adam.state["readout.bias.steps"] == 2 and adam.state["readout.bias.steps"].shape == ()
    before = bits(sgd.state)
    sgd.state["readout.bias.velocity"][...] = 9
    loaded = sgd.state
    other = SGD()
    other.load_state(loaded)
    loaded["readout.bias.velocity"][...] = 9
    assert bits(sgd.state) == bits(other.state) == before


@pytest.mark.parametrize(
    ("kind", "change", "error", "complaint"),
    [
        (SGD, lambda s: None, TypeError, "state must be a mapping such as optimizer.state, got None"),
        (SGD, lambda s: {"readout.bias": np.ones(2)}, ValueError, r"state must hold \['readout.velocity'\]"),
        (SGD, lambda s: {**s, 3: np.ones(2)}, ValueError, r"state must hold .*got \[3\]"),
        (SGD, lambda s: {"readout.bias.velocity": np.ones(2)}, ValueError, "state must be of the parameters"),
        (
            SGD,
            lambda s: {**s, "readout.bias.velocity": np.ones(3)},
            ValueError,
            r"state must be of readout.bias .*\[2\]",
        ),
        (SGD, lambda s: {**s, "readout.bias.velocity": np.ones(2, np.float32)}, ValueError, "got float32"),
        (SGD, lambda s: {**s, "readout.bias.velocity": np.full(2, np.nan)}, ValueError, "velocity'\\] must be finite"),
        (SGD, lambda s: {**s, "readout.bias.velocity": "much"}, TypeError, "velocity'\\] must be an array"),
        (Adam, lambda s: {k: v for k, v in s.items() if k != "readout.bias.steps"}, ValueError, "readout.bias.steps"),
        (Adam, lambda s: {**s, "readout.bias.steps": np.array(0)}, ValueError, "steps'\\] must be at least 1, got 0"),
        (Adam, lambda s: {**s, "readout.bias.steps": np.array(1.5)}, TypeError, "steps'\\] must be a whole number"),
        (Adam, lambda s: {**s, "readout.bias.second_moment": np.ones(3)}, ValueError, "second_moment'\\] must be"),
    ],
)
def test_a_wrong_state_is_refused_and_changes_nothing(kind, change, error, complaint):
    network, optimizer = dyadic_network(0), kind()
    steps(optimizer, network)
    before = bits(optimizer.state)
    with pytest.raises(error, match=complaint):
        optimizer.load_state(change(optimizer.state))
    assert bits(optimizer.state) == before


def test_the_state_of_another_kind_or_network_is_refused():
    network, sgd, adam = dyadic_network(0), SGD(), Adam()
    steps(sgd, network)
    steps(adam, network)
    with pytest.raises(ValueError, match="of each parameter for Adam"):
        Adam().load_state(sgd.state)
    with pytest.raises(ValueError, match="of each parameter for SGD"):
        SGD().load_state(adam.state)
    loaded, wider = SGD(), ot.dense_network([3, 5, 3, 2], rng=0)
    loaded.load_state(sgd.state)
    with pytest.raises(ValueError, match=r"parameters must be of layer0.weight float64 \[4, 3\]"):
        loaded.step(wider.parameters, gradients(wider))


class Memory(Optimizer):
    """Steps by the mean of all gradients so far."""

    state_names, count_names = ("total",), ("steps",)

    def _direction(self, name, gradient):
        before = self._state.get(name, {"total": 0, "steps": 0})
        self._state[name] = {"total": before["total"] + gradient, "steps": before["steps"] + 1}
        return self._state[name]["total"] / self._state[name]["steps"]


def test_the_state_of_an_optimizer_of_ones_own_is_saved_and_loaded_too():
    network, optimizer = dyadic_network(0), Memory(0.5, 0.0)
    steps(optimizer, network)
    twin, other = network.copy(), Memory(0.5, 0.0)
    other.load_state(optimizer.state)
    for each, its_own in ((network, optimizer), (twin, other)):
        steps(its_own, each, first=3)
    assert bits(network.parameters) == bits(twin.parameters)


def exact_case():
    network = dyadic_network(0, surrogate=ot.surrogate.Triangle()).exact()
    return network, {name: ot.exact_array(np.ones(value.shape)) for name, value in network.parameters.items()}


@pytest.mark.parametrize(
    ("optimizer", "complaint"),
    [
        (
            SGD(),
            "readout.bias|layer0.weight must stay exact: the settings of SGD must be exact .*got learning_rate=0.1",
        ),
        (SGD(F(1, 8)), "must stay exact: .* got momentum=0.9"),
        (SGD(F(1, 8), momentum=0, weight_decay=0.5), "must stay exact: .* got weight_decay=0.5"),
        (Adam(F(1, 8)), "must be float64 or float32 for Adam, which takes a square root"),
    ],
)
def test_exact_parameters_stay_exact(optimizer, complaint):
    network, ones = exact_case()
    before = {name: value.copy() for name, value in network.parameters.items()}
    for _ in range(2):  # momentum enters with the second step
        with pytest.raises(TypeError, match=complaint):
            optimizer.step(network.parameters, ones)
            optimizer.step(network.parameters, ones)
    for name, value in network.parameters.items():
        assert all(type(number) is F for number in value.flat)
        assert optimizer.learning_rate == F(1, 8) or np.array_equal(value, before[name])


def test_exact_parameters_are_updated_exactly_and_by_exact_gradients_alone():
    network, ones = exact_case()
    before = network.parameters["readout.bias"].copy()
    optimizer = SGD(F(1, 3), momentum=F(1, 2), weight_decay=F(1, 5))
    optimizer.step(network.parameters, ones)
    assert np.array_equal(network.parameters["readout.bias"], before - F(1, 3) * (1 + F(1, 5) * before))
    with pytest.raises(TypeError, match=r"gradients\['readout.bias'\] must hold exact numbers .* got the float 0.5"):
        optimizer.step(network.parameters, {**ones, "readout.bias": np.array([F(1), 0.5], dtype=object)})
