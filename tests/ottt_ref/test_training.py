"""Optimisers and schedules."""

import math

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.learning.training import SGD, Adam, CosineSchedule, Optimizer

from .helpers import LIGHT, METHODS, bits, dyadic_network

STEPS = 5


def torch_sgd(w, gradients, lr, momentum, weight_decay):
    """torch.optim.SGD's documented update, one number at a time."""
    buffer = None
    for g in gradients:
        g = g + weight_decay * w
        if momentum != 0:
            buffer = g if buffer is None else momentum * buffer + g
            g = buffer
        w = w - lr * g
    return w


def torch_adam(w, gradients, lr, betas, eps, weight_decay):
    """torch.optim.Adam's documented update, one number at a time."""
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        g = g + weight_decay * w
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        w = w - lr * (m / (1 - betas[0] ** t)) / (math.sqrt(v / (1 - betas[1] ** t)) + eps)
    return w


def run(optimizer, dtype=np.float64):
    """Parameters before, the gradients of each step, and parameters after."""
    rng = np.random.default_rng(0)
    network = dyadic_network(0).astype(dtype)
    before = {name: value.copy() for name, value in network.parameters.items()}
    history = [{name: rng.normal(size=v.shape).astype(dtype) for name, v in before.items()} for _ in range(STEPS)]
    for gradients in history:
        optimizer.step(network.parameters, gradients)
    return before, history, network.parameters


@pytest.mark.parametrize(
    ("optimizer", "formula", "settings"),
    [
        (SGD, torch_sgd, {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.0}),
        (SGD, torch_sgd, {"learning_rate": 0.1, "momentum": 0.0, "weight_decay": 0.0}),
        (SGD, torch_sgd, {"learning_rate": 0.05, "momentum": 0.5, "weight_decay": 0.01}),
        (Adam, torch_adam, {"learning_rate": 0.01, "betas": (0.9, 0.999), "epsilon": 1e-8, "weight_decay": 0.0}),
        (Adam, torch_adam, {"learning_rate": 0.01, "betas": (0.5, 0.9), "epsilon": 1e-3, "weight_decay": 0.1}),
    ],
)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-14), (np.float32, 1e-5)])
def test_several_steps_follow_torchs_documented_update(optimizer, formula, settings, dtype, tolerance):
    before, history, after = run(optimizer(**settings), dtype)
    for name, value in after.items():
        assert value.dtype == dtype
        for index, got in np.ndenumerate(value):
            gradients = [float(gradients[name][index]) for gradients in history]
            wanted = formula(float(before[name][index]), gradients, *settings.values())
            # five steps of a dozen roundings each, of numbers below 3
            assert got == pytest.approx(wanted, rel=0, abs=10 * tolerance)


def test_the_defaults_are_the_authors_and_torchs():
    sgd, adam = SGD(), Adam()
    assert (sgd.learning_rate, sgd.momentum, sgd.weight_decay) == (0.1, 0.9, 0.0)
    assert (adam.learning_rate, adam.betas, adam.epsilon, adam.weight_decay) == (0.001, (0.9, 0.999), 1e-8, 0.0)


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_a_step_leaves_the_gradients_alone_and_a_rate_of_0_the_parameters(optimizer):
    before, history, after = run(optimizer(0.0, weight_decay=0.1))
    assert bits(after) == bits(before)
    rng = np.random.default_rng(0)
    assert all(
        np.array_equal(gradients[name], rng.normal(size=value.shape))
        for gradients in history
        for name, value in before.items()
    )


def test_the_learning_rate_may_be_set_between_steps():
    network = dyadic_network(0)
    optimizer = SGD(1.0, momentum=0.0)
    ones = {name: np.ones_like(value) for name, value in network.parameters.items()}
    before = network.parameters["readout.bias"].copy()
    optimizer.step(network.parameters, ones)
    optimizer.learning_rate = CosineSchedule(np.float64(1.0), total=2).at(1)
    optimizer.step(network.parameters, ones)
    np.testing.assert_allclose(network.parameters["readout.bias"], before - 1.5, rtol=1e-15)


@pytest.mark.parametrize("optimizer", [SGD, Adam])
@pytest.mark.parametrize(
    ("change", "error", "complaint"),
    [
        (
            lambda g: g.pop("readout.bias"),
            ValueError,
            r"gradients must be of .*'readout.bias'\], got those of .*'readout.weight'\]",
        ),
        (lambda g: g.update(other=np.ones(2)), ValueError, r"gradients must be of .*got those of .*'other'\]"),
        (
            lambda g: g.update({"readout.bias": np.ones(1)}),
            ValueError,
            r"gradients\['readout.bias'\] must be \[2\], got",
        ),
        (
            lambda g: g.update({"readout.bias": np.ones(2, np.float32)}),
            TypeError,
            "must have dtype float64, got float32",
        ),
        (lambda g: g.update({"readout.bias": np.array([0, np.nan])}), ValueError, r"'readout.bias'\] must be finite"),
    ],
)
def test_wrong_gradients_are_refused_before_any_update(optimizer, change, error, complaint):
    network = dyadic_network(0)
    before = bits(network.parameters)
    gradients = {name: np.ones_like(value) for name, value in network.parameters.items()}
    change(gradients)
    with pytest.raises(error, match=complaint):
        optimizer().step(network.parameters, gradients)
    assert bits(network.parameters) == before


def test_gradients_that_are_no_mapping_are_refused():
    with pytest.raises(TypeError, match=r"gradients must be a mapping of .*, got 5"):
        SGD().step(dyadic_network(0).parameters, 5)


@pytest.mark.parametrize(
    ("make", "error", "complaint"),
    [
        (lambda: SGD(-0.1), ValueError, "learning_rate must be of at least 0, got -0.1"),
        (lambda: SGD("0.1"), TypeError, "learning_rate must be a number of at least 0, got '0.1'"),
        (lambda: SGD(momentum=1.0), ValueError, r"momentum must be in \[0, 1\), got 1.0"),
        (lambda: SGD(weight_decay=math.nan), ValueError, "weight_decay must be of at least 0, got nan"),
        (lambda: Adam(math.inf), ValueError, "learning_rate must be of at least 0, got inf"),
        (lambda: Adam(betas=0.9), ValueError, "betas must be two numbers, got 0.9"),
        (lambda: Adam(betas=(0.9, 0.9, 0.9)), ValueError, "betas must be two numbers"),
        (lambda: Adam(betas=(0.9, 1.0)), ValueError, r"betas\[1\] must be in \[0, 1\), got 1.0"),
        (lambda: Adam(epsilon=0.0), ValueError, "epsilon must be above 0, got 0.0"),
        (lambda: CosineSchedule(-1, 10), ValueError, "learning_rate must be of at least 0, got -1"),
        (lambda: CosineSchedule(0.1, 0), ValueError, "total must be at least 1, got 0"),
        (lambda: CosineSchedule(0.1, 1.5), TypeError, "total must be a whole number of at least 1, got 1.5"),
        (lambda: CosineSchedule(0.1, 10, -1), ValueError, "minimum must be of at least 0, got -1"),
        (lambda: CosineSchedule(0.1, 10).at(-1), ValueError, "k must be at least 0, got -1"),
        (lambda: CosineSchedule(0.1, 10).at(0.5), TypeError, "k must be a whole number of at least 0, got 0.5"),
    ],
)
def test_wrong_settings_are_refused_by_name(make, error, complaint):
    with pytest.raises(error, match=complaint):
        make()


def test_an_optimizer_without_a_rule_says_what_to_use():
    network = dyadic_network(0)
    with pytest.raises(TypeError, match="Optimizer is not an optimizer of its own: use SGD or Adam"):
        Optimizer(0.1, 0.0).step(network.parameters, network.zero_gradients())


def test_the_cosine_schedule_falls_from_its_rate_to_its_minimum():
    schedule = CosineSchedule(0.5, total=4, minimum=0.1)
    expected = [0.5, 0.3 + 0.2 * math.sqrt(0.5), 0.3, 0.3 - 0.2 * math.sqrt(0.5), 0.1, 0.1]
    assert [schedule.at(k) for k in range(6)] == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("method", LIGHT)
def test_training_learns_to_tell_three_patterns_apart(method):
    rng = np.random.default_rng(0)
    network = ot.dense_network([12, 16, 3], rng=rng)
    targets = np.arange(12) % 3
    inputs = rng.random((6, 12, 12)) * (np.arange(12) % 3 == targets[:, np.newaxis])
    optimizer = SGD()
    losses = []
    for _ in range(60):
        gradients = METHODS[method](network, inputs, targets)
        losses.append(gradients.loss)
        optimizer.step(network.parameters, gradients)
    assert losses[-1] < losses[0] / 4


@pytest.mark.parametrize("optimizer", [SGD(1e308), Adam(1e308), SGD(1e308, momentum=0.0)], ids=["sgd", "adam", "plain"])
def test_an_update_that_overflows_is_refused_before_any_assignment(optimizer):
    network, other = dyadic_network(0), dyadic_network(0)
    wrong = {name: np.ones_like(value) for name, value in network.parameters.items()}
    wrong["readout.bias"] *= 100  # the last of them; 1e308 times the others fits
    network.parameters["readout.bias"] = np.full(2, -1.7e308)
    before = bits(network.parameters)
    with pytest.raises(ValueError, match=r"readout.bias must be finite, got -?inf at index \[0\]"):
        optimizer.step(network.parameters, wrong)
    assert bits(network.parameters) == before
    fresh = type(optimizer)(0.1)  # and the refused gradients are no part of the next update
    optimizer.learning_rate = 0.1
    optimizer.momentum = fresh.momentum = 0.5
    network.parameters["readout.bias"] = other.parameters["readout.bias"]
    for each, parameters in ((optimizer, network.parameters), (fresh, other.parameters)):
        each.step(parameters, {name: np.ones_like(value) for name, value in parameters.items()})
    assert bits(network.parameters) == bits(other.parameters)


@pytest.mark.parametrize(
    ("rate", "error"), [(-0.1, ValueError), (math.nan, ValueError), ("0.1", TypeError), (None, TypeError)]
)
def test_a_wrong_learning_rate_that_was_set_between_steps_is_refused(rate, error):
    network, optimizer = dyadic_network(0), SGD()
    before = bits(network.parameters)
    optimizer.learning_rate = rate
    with pytest.raises(error, match=f"learning_rate must be .*got {rate!r}"):
        optimizer.step(network.parameters, {name: np.ones_like(v) for name, v in network.parameters.items()})
    assert bits(network.parameters) == before


def test_a_numpy_learning_rate_keeps_single_precision():
    network, other = (dyadic_network(0).astype(np.float32) for _ in range(2))
    gradients = {name: np.ones_like(value) for name, value in network.parameters.items()}
    numpys, pythons = SGD(), SGD()
    numpys.learning_rate, pythons.learning_rate = np.float64(0.25), 0.25
    numpys.step(network.parameters, gradients)
    pythons.step(other.parameters, gradients)
    assert bits(network.parameters) == bits(other.parameters)


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_any_mapping_of_arrays_can_be_updated(optimizer):
    network = dyadic_network(0)
    plain = {name: value.copy() for name, value in network.parameters.items()}
    gradients = {name: np.ones_like(value) for name, value in plain.items()}
    for parameters in (plain, network.parameters):
        mine = optimizer(0.5)
        for _ in range(2):
            mine.step(parameters, gradients)
    assert bits(plain) == bits(network.parameters)
    with pytest.raises(TypeError, match=r"parameters\['readout.bias'\] must be an array, got \[0.0, 0.0\]"):
        optimizer().step({**plain, "readout.bias": [0.0, 0.0]}, gradients)


def test_parameters_that_are_no_mapping_are_refused():
    with pytest.raises(TypeError, match=r"parameters must be a mapping such as network.parameters, got 5"):
        SGD().step(5, {})


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_an_optimizers_state_is_no_view_of_the_gradients(optimizer):
    network, other = dyadic_network(0), dyadic_network(0)
    reused = {name: np.ones_like(value) for name, value in network.parameters.items()}
    first, second = optimizer(), optimizer()
    for k in (1.0, -3.0):
        for value in reused.values():
            value[...] = k
        first.step(network.parameters, reused)
        second.step(other.parameters, {name: np.full_like(value, k) for name, value in reused.items()})
    assert bits(network.parameters) == bits(other.parameters)
