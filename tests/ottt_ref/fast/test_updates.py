"""The step of SGD in one call: the reference's bits, state and refusals."""

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.fast import updates


def gradients_of(network, seed):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=value.shape).astype(value.dtype) for name, value in network.parameters.items()}


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_steps_have_the_bits_of_the_reference(momentum, weight_decay):
    networks = [ot.dense_network([3, 200, 90, 2], rng=0) for _ in range(2)]  # more numbers than a block
    optimizers = [ot.training.SGD(0.1, momentum=momentum, weight_decay=weight_decay) for _ in range(2)]
    for seed in range(3):
        given = gradients_of(networks[0], seed)
        optimizers[0].step(networks[0].parameters, given)
        assert updates._step_of_sgd(optimizers[1], networks[1].parameters, given)
        for name in given:
            assert np.array_equal(networks[1].parameters[name], networks[0].parameters[name])
    states = [optimizer.state for optimizer in optimizers]
    assert list(states[0]) == list(states[1])
    assert all(np.array_equal(states[0][name], states[1][name]) for name in states[0])


def test_velocities_that_somebody_holds_are_not_written_to(monkeypatch):
    network, optimizer = ot.dense_network([2, 3, 2], rng=0), ot.training.SGD(0.1, momentum=0.9)
    held = []
    for seed in range(5):
        updates.step(optimizer, network.parameters, gradients_of(network, seed))
        now = optimizer._state["readout.weight"]["velocity"]
        held.append((now, now.copy()))
    assert all(np.array_equal(array, then) for array, then in held)
    del held, now
    for seed in range(2):
        updates.step(optimizer, network.parameters, gradients_of(network, seed))
    monkeypatch.setattr(updates.np, "empty_like", None)  # nobody has them: memory of two steps before is used again
    updates.step(optimizer, network.parameters, gradients_of(network, 2))


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e308])
def test_a_step_that_is_refused_changes_nothing(number):
    network, optimizer = ot.dense_network([2, 3, 2], rng=0), ot.training.SGD(10.0)
    before = network.copy()
    given = gradients_of(network, 0)
    given["readout.bias"][1] = number
    with pytest.raises(ValueError, match=r"readout\.bias"):
        updates.step(optimizer, network.parameters, given)
    assert all(np.array_equal(before.parameters[name], value) for name, value in network.parameters.items())
    assert optimizer.state == {}


def test_parameters_of_another_network_are_refused():
    first, second = ot.dense_network([2, 3, 2], rng=0), ot.dense_network([2, 3, 2], rng=1)
    optimizer = ot.training.SGD()
    updates.step(optimizer, first.parameters, gradients_of(first, 0))
    with pytest.raises(ValueError, match="must be those that this SGD first updated"):
        updates.step(optimizer, second.parameters, gradients_of(second, 0))


@pytest.mark.parametrize("optimizer", [ot.training.Adam(), ot.training.SGD()], ids=["Adam", "SGD"])
def test_other_optimisers_and_parameters_take_their_own_way(optimizer):
    parameters = {"w": np.array([1.0])}
    updates.step(optimizer, parameters, {"w": np.array([1.0])})
    assert parameters["w"][0] < 1


def test_learned_decays_are_brought_back_into_their_range():
    network = ot.dense_network([2, 3, 2], trainable=("decay",), rng=0)
    given = gradients_of(network, 0)
    given["layer0.decay"][...] = -100
    updates.step(ot.training.SGD(), network.parameters, given)
    assert network.parameters["layer0.decay"][0] == 1
