"""Right calls of the fast backend: those of the reference, whose results they must be."""

from dataclasses import replace
from functools import partial

import numpy as np

import ottt_ref as ot
from ottt_ref import fast, methods
from ottt_ref.fast.kernels.choosing import hand_built

from . import naive, network_calls
from .door import methods_of
from .running import UNCOMPARED, Call

MODULES = {"fast.bptt": fast.bptt, "fast.ottt": fast.ottt, "fast.sltt": fast.sltt}
NEAR_THRESHOLD = 1e-9  # a neuron so near to it may fire in one backend alone


def same(found, wanted, single):
    """Results that differ by rounding alone."""
    for name in wanted:
        scale = np.full(found[name].shape, 10 * (1 + np.abs(wanted[name]).max(initial=0)))
        naive.close(found[name], wanted[name], scale * (1e8 if single else 1))


def undecided(network, inputs, state):
    """Whether some potential is so near to its threshold that rounding decides, or so large that little is left."""
    activity = ot.simulate(network, inputs, initial_state=state)
    for l, layer in enumerate(network.layers):
        if layer.neuron.spiking:
            potential = activity.layer_potentials[l]
            threshold = ot.network.per_neuron.spread(layer.neuron.threshold, potential.shape[2:])
            if np.abs(potential - threshold).min() < NEAR_THRESHOLD * (1 + np.abs(potential).max()):
                return True
    return False


def like_the_references(function, call):
    """The same call of the fast backend; of exact numbers it is refused."""
    network = call.arguments["network"]
    if network.dtype.hasobject:
        return replace(call, function=function, oracle=None, raises=TypeError)

    def oracle(result, given):
        given = {name: value for name, value in given.items() if not name.endswith("_before")}
        network, single = given["network"], given["network"].dtype == np.float32
        if single or undecided(network, given["inputs"], given.get("initial_state")):
            return UNCOMPARED
        wanted = call.function(**given)
        if isinstance(wanted, methods.Gradients):
            same({**result, "outputs": result.outputs}, {**wanted, "outputs": wanted.outputs}, single)
            return same(dict(result.final_state), dict(wanted.final_state), single)
        return same(
            dict(enumerate((*result.layer_potentials, *result.layer_outputs))),
            dict(enumerate((*wanted.layer_potentials, *wanted.layer_outputs))),
            single,
        )

    return replace(call, function=function, oracle=oracle)


def gradients(name, rng):
    return like_the_references(MODULES[name].gradients, network_calls.gradients(name.partition(".")[2], rng))


def simulate(rng):
    return like_the_references(fast.simulate, network_calls.simulate(rng))


def plan(rng):
    method = ("bptt", "ottt", "sltt")[rng.integers(3)]
    arguments = {"network": network_calls.plain_network(rng), "method": method, "terms": bool(rng.integers(2))}
    raises = TypeError if arguments["network"].dtype.hasobject else None

    def oracle(result, given):
        assert str(result) and ("single time steps" in result.engine) == bool(given["terms"])

    return Call(fast.plan, arguments, oracle if raises is None else None, raises=raises)


def plan_made(rng):
    arguments = {"engine": "one", "refusals": (("two", "why"),), "parts": (("a", "b"),), "loops": "plain", "threads": 2}
    return Call(fast.Plan, arguments, lambda result, given: None, open=tuple(arguments))


def plain_kernels(rng):
    def oracle(result, given):
        with result:
            assert not hand_built()

    return Call(fast.plain_kernels, {}, oracle)


def step(rng):
    network = ot.dense_network([3, 4, 2], rng=rng)
    gradients = {name: rng.normal(size=value.shape) for name, value in network.parameters.items()}
    before = {name: value.copy() for name, value in network.parameters.items()}
    arguments = {"optimizer": ot.training.SGD(0.5, momentum=0.0), "parameters": network.parameters}

    def oracle(result, given):
        if given["parameters"] is not network.parameters or given["optimizer"].learning_rate != 0.5:
            return UNCOMPARED
        return same(network.parameters, {name: before[name] - 0.5 * given["gradients"][name] for name in before}, False)

    return Call(fast.step, {**arguments, "gradients": gradients}, oracle, changes=("optimizer", "parameters"))


def catalogue():
    """Every right call of this module, by name."""
    found = {f"{name}.gradients": partial(gradients, name) for name in MODULES}
    for name in ("fast.ottt", "fast.sltt"):
        found[f"{name}.OnlineLearner"] = partial(network_calls.learner_made, name)
        for each in methods_of(MODULES[name].OnlineLearner):
            found[f"{name}.OnlineLearner.{each}"] = partial(network_calls.learner_call, name, each)
    return {
        **found,
        "fast.simulate": simulate,
        "fast.plan": plan,
        "fast.Plan": plan_made,
        "fast.plain_kernels": plain_kernels,
        "fast.step": step,
    }
