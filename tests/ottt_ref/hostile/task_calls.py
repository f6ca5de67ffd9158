"""Right calls of what is said of time steps: weights, states, regularisers."""

import os
import tempfile
from functools import partial

import numpy as np

import ottt_ref as ot
from ottt_ref import methods
from ottt_ref.simulation.rates import rate_weights

from . import naive
from .running import Call


def options(rng, method, network, inputs, one_loss):
    """Options of a method's gradients, a few of those that it has."""
    steps, batch = inputs.shape[:2]
    found = {}
    if rng.random() < 0.5 and not one_loss:
        numbers = rng.normal(size=(steps, batch)).astype(network.dtype)
        found["weights"] = ("last", numbers[:, 0] > 0, numbers, numbers[:, 0], [1] * steps)[rng.integers(5)]
    if rng.random() < 0.3 and not one_loss:
        found["time_steps"] = int(rng.integers(1, 9))
    if rng.random() < 0.5:
        of = "steps" if method in ("ottt", "sltt", "rtrl") else ("steps", "average")[rng.integers(2)]
        found["regulariser"] = ot.losses.FiringRate(0.25, (None, 0.5)[rng.integers(2)], of)
    if rng.random() < 0.5 and method != "rtrl":
        found["input_gradients"] = True
    if rng.random() < 0.5 and method != "spike_representation":
        found["initial_state"] = ot.simulate(
            network, rng.normal(0.8, 1, inputs.shape).astype(network.dtype)
        ).final_state
    return found


def small_network():
    return ot.dense_network([3, 4, 2], rng=1)


def state_of(rng):
    return ot.ottt.gradients(small_network(), rng.random((2, 1, 3)), np.array([0])).final_state


def state_made(rng):
    arrays = dict(state_of(rng))
    return Call(ot.State, {"arrays": arrays}, lambda result, given: naive.same(dict(result), dict(given["arrays"])))


def state_call(method, rng):
    state = state_of(rng)
    path = os.path.join(tempfile.mkdtemp(), "state.npz")
    part = {name: array for name, array in state.items() if not name.startswith("rule/")}
    if method == "load":
        state.save(path)

    def saved(result, given):
        naive.same(dict(ot.State.load(given["path"])), dict(state))

    calls = {
        "copy": ({}, lambda result, given: naive.same(dict(result), dict(state))),
        "without_rule": ({}, lambda result, given: naive.same(dict(result), part)),
        "save": ({"path": path}, saved),
        "load": ({"path": path, "limit": 2**20}, lambda result, given: naive.same(dict(result), dict(state))),
    }
    arguments, oracle = calls[method]
    return Call(getattr(state, method), arguments, oracle, allowed=(OSError,))


def weights_call(name, rng):
    mask = rng.random(3) < 0.5

    def of_steps(result, given):
        naive.same(result, np.repeat(np.asarray(given["weights"], dtype=float).reshape(3, -1), 6, axis=1)[:, :2])

    def of_samples(result, given):
        naive.same(result, np.asarray(given["weights"], dtype=float))

    calls = {
        "require_weights": ({"weights": mask, "time_steps": 3, "batch_size": 2, "network": small_network()}, of_steps),
        "require_sample_weights": ({"weights": mask, "batch_size": 3, "network": small_network()}, of_samples),
    }
    arguments, oracle = calls[name]
    # The checks of a method's door take what this door has checked before.
    return Call(getattr(ot.losses, name), arguments, oracle, open=tuple(set(arguments) - {"weights"}))


def firing_rate_made(rng):
    arguments = {"strength": 0.5, "target": (None, 0.25)[rng.integers(2)], "of": ("steps", "average")[rng.integers(2)]}

    def oracle(result, given):
        spikes = np.array([[1.0, 0.0, 1.0, 1.0]])
        strength, target = float(given["strength"]), given["target"]
        wanted = strength * (0.75 if target is None else np.mean((spikes - float(target)) ** 2))
        naive.close(result.evaluate(spikes)[0], [wanted], np.full(1, 10 * (1 + strength)))

    return Call(ot.losses.FiringRate, arguments, oracle)


def evaluated(kind, rng):
    spikes = rng.integers(0, 2, (2, 3)).astype(float)
    if kind == "Regulariser":  # which is abstract
        return Call(ot.losses.Regulariser().evaluate, {"spikes": spikes}, None, raises=TypeError, open=("spikes",))
    regulariser = ot.losses.FiringRate(0.5, 0.25)
    wanted = 0.5 * ((spikes - 0.25) ** 2).mean(axis=1), (spikes - 0.25) / 3

    def oracle(result, given):
        naive.close(result[0], wanted[0])
        naive.close(result[1], wanted[1])

    return Call(regulariser.evaluate, {"spikes": spikes}, oracle, open=("spikes",))  # a method gives it its own spikes


def regulariser_made(rng):
    return Call(ot.losses.Regulariser, {}, lambda result, given: None)


def with_regularisation(rng):
    activity = ot.simulate(small_network(), rng.random((2, 1, 3))).at(0)
    penalty, error = rng.random((1, 4)), rng.random((1, 4))
    step = methods.TimeStep(activity, np.zeros((1, 2)), regularisation={0: penalty})

    def oracle(result, given):
        naive.same(result, error + penalty)

    return Call(step.with_regularisation, {"l": 0, "spike_error": error}, oracle, open=("l", "spike_error"))


def weights_of_rates(rng):
    network = small_network()
    arguments = {"network": network, "neuron": network.layers[0].neuron, "time_steps": 3}
    wanted = np.array([1, 2, 4]) / 7
    return Call(rate_weights, arguments, lambda result, given: naive.close(result, wanted), open=tuple(arguments))


def catalogue():
    return {
        "ot.State": state_made,
        **{f"ot.State.{each}": partial(state_call, each) for each in ("copy", "load", "save", "without_rule")},
        **{f"ot.losses.{each}": partial(weights_call, each) for each in ("require_weights", "require_sample_weights")},
        "ot.losses.FiringRate": firing_rate_made,
        "ot.losses.FiringRate.evaluate": partial(evaluated, "FiringRate"),
        "ot.losses.Regulariser": regulariser_made,
        "ot.losses.Regulariser.evaluate": partial(evaluated, "Regulariser"),
        "ot.methods.TimeStep.with_regularisation": with_regularisation,
        "ot.rates.rate_weights": weights_of_rates,
    }
