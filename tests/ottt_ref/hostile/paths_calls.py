"""Right calls of `ottt_ref.paths`: the sums are the methods' gradients, and the paths add up to the sums."""

from dataclasses import fields

import numpy as np

import ottt_ref as ot

from . import naive
from .network_calls import plain_network, sequence
from .running import Call

METHODS = {
    "sltt": (ot.sltt, {}),
    "ottt": (ot.ottt, {}),
    "bptt": (ot.bptt, {}),
    "bptt-kept": (ot.bptt, {"reset_gradient": "kept"}),
}
VALUES = {
    ot.paths.Edge: ("leak", 0, 0.5),
    ot.paths.Membrane: (0, 1, 2, 2, (), 0.5, True),
    ot.paths.Crossing: ("layer1", (0, 1), 0.5, 2, 2, False),
    ot.paths.Factor: ("weight", "layer1.weight[0, 1]", 0.5),
    ot.paths.Path: (
        *("layer0.weight", (0, 0), 0, 0, -1, 0, 0, 1.0),
        *((ot.paths.Membrane(0, 0, 0, 0, (), 0.5),), (), 0, 0.25, 0.125, ("sltt",)),
    ),
    ot.paths.Keeps: ("OTTT", 1, False, "none", True),
}


def made(kind, rng):
    """A value as it is given: what holds numbers checks none of them."""
    arguments = dict(zip((field.name for field in fields(kind)), VALUES[kind]))

    def oracle(result, given):
        assert all(getattr(result, name) is value for name, value in given.items())

    return Call(kind, arguments, oracle, open=tuple(arguments))


def selection(rng):
    waits = (None, {0, 1}, (1,), {0: {0}, 1: {1}})[rng.integers(4)]
    resets = ot.paths.selection.RESETS[rng.integers(3)]
    arguments = {"waits": waits, "resets": resets, "loops": bool(rng.integers(2)), "traces": bool(rng.integers(2))}

    def oracle(result, given):
        for layer in range(2):
            allowed = result.waits_of(layer)
            assert allowed is None if given["waits"] is None else allowed <= {0, 1}

    return Call(ot.paths.Selection, arguments, oracle)


def may_wait(rng):
    keep = ot.paths.Selection(waits={0: {0}, 1: {0, 1}})

    def oracle(result, given):
        assert result == (given["l"] in {0: {0}, 1: {0, 1}}[given["layer"]])

    arguments = {"l": int(rng.integers(2)), "layer": int(rng.integers(2))}
    return Call(keep.may_wait, arguments, oracle, open=tuple(arguments))


def waits_of(rng):
    keep = ot.paths.Selection(waits={0: {0}, 1: {0, 1}})
    return Call(keep.waits_of, {"layer": 1}, lambda result, given: naive.same(result, {0, 1}), open=("layer",))


def selection_of(rng):
    method = list(ot.paths.METHODS)[rng.integers(5)]

    def oracle(result, given):
        layers = range(given["layers"])
        assert [result.waits_of(l) for l in layers] == [
            {"sltt": frozenset(), "ottt": {l}, "otpe": {l, l + 1} & {*layers}}.get(method) for l in layers
        ]

    arguments = {"layers": int(rng.integers(1, 4))}
    return Call(ot.paths.METHODS[method].selection, arguments, oracle, open=("layers",))


def kept_by(rng):
    network, method = plain_network(rng), list(ot.paths.METHODS)[rng.integers(5)]

    def oracle(result, given):
        assert result.resets == ("any" if given["method"] == "bptt-kept" else "none")

    return Call(ot.paths.kept_by, {"method": method, "network": network}, oracle)


def methods_of(rng):
    network = plain_network(rng)
    name = list(ot.paths.METHODS)[rng.integers(5)]
    arguments = {"network": network, "layer": int(rng.integers(2)), "keep": ot.paths.kept_by(name, network)}

    def oracle(result, given):
        assert name in result

    return Call(ot.paths.methods_of, arguments, oracle)


def _task(rng):
    network = plain_network(rng)
    inputs, targets = sequence(rng, network)
    return {"network": network, "inputs": inputs, "targets": targets, "loss": ot.losses.Mixed()}


def gradients(rng):
    arguments = {**_task(rng), "keep": list(METHODS)[rng.integers(4)]}

    def oracle(result, given):
        given = dict(given)
        method, options = METHODS[given.pop("keep")]
        wanted = method.gradients(**given, **options)
        for name in wanted:
            naive.close(result[name], wanted[name], 10 * (1 + np.abs(wanted[name])))

    return Call(ot.paths.gradients, arguments, oracle)


def _sums(network, activity, output_errors, keep):
    return METHODS[keep][0].accumulate(network, activity, output_errors).values


def accumulate(rng):
    task, keep = _task(rng), ("sltt", "ottt")[rng.integers(2)]
    activity = ot.simulate(task["network"], task["inputs"])
    errors = rng.normal(size=activity.outputs.shape)
    arguments = {"network": task["network"], "activity": activity, "output_errors": errors, "keep": keep}

    def oracle(result, given):
        wanted = _sums(**given)
        for name in wanted:
            naive.close(result[name], wanted[name], 10 * (1 + np.abs(wanted[name])))

    return Call(ot.paths.accumulate, arguments, oracle)


def sums(rng):
    call = accumulate(rng)
    arguments = {**call.arguments, "keep": ot.paths.kept_by(call.arguments["keep"], call.arguments["network"])}

    def oracle(result, given):
        assert set(result.gradients()) == set(given["network"].parameters)

    return Call(ot.paths.PathSums, arguments, oracle)


def gradients_of_sums(rng):
    call = sums(rng)
    made = ot.paths.PathSums(**call.arguments)
    wanted = ot.paths.accumulate(**call.arguments)

    def oracle(result, given):
        for name in wanted:
            naive.close(result[name], wanted[name], 10 * (1 + np.abs(wanted[name])))

    return Call(made.gradients, {}, oracle)


def _entry(rng):
    task = {**_task(rng), "parameter": "layer0.weight", "index": (int(rng.integers(4)), int(rng.integers(3)))}
    return {**task, "keep": list(METHODS)[rng.integers(4)]}


def find(rng):
    def oracle(result, given):
        given = dict(given)
        parameter, index = given.pop("parameter"), tuple(given.pop("index"))
        assert len(result) == ot.paths.count(parameter=parameter, index=index, **given)
        wanted = ot.paths.gradients(**given)[parameter][index]
        naive.close(sum(path.contribution for path in result), wanted, 1e3 * (1 + abs(wanted)))

    return Call(ot.paths.find, _entry(rng), oracle)


def count(rng):
    def oracle(result, given):
        assert result == len(ot.paths.find(**given))

    return Call(ot.paths.count, _entry(rng), oracle)


def find_in(rng):
    entry, call = _entry(rng), accumulate(rng)
    arguments = {**call.arguments, "parameter": "layer0.weight", "index": entry["index"]}

    def oracle(result, given):
        wanted = ot.paths.accumulate(**{name: given[name] for name in call.arguments})[given["parameter"]]
        wanted = wanted[tuple(given["index"])]
        naive.close(sum(path.contribution for path in result), wanted, 1e3 * (1 + abs(wanted)))

    return Call(ot.paths.find_in, arguments, oracle)


def catalogue():
    """By callable, how a right call of it is drawn."""
    return {
        **{f"paths.{kind.__name__}": (lambda rng, kind=kind: made(kind, rng)) for kind in VALUES},
        "paths.Keeps.selection": selection_of,
        "paths.PathSums": sums,
        "paths.PathSums.gradients": gradients_of_sums,
        "paths.Selection": selection,
        "paths.Selection.may_wait": may_wait,
        "paths.Selection.waits_of": waits_of,
        "paths.accumulate": accumulate,
        "paths.count": count,
        "paths.find": find,
        "paths.find_in": find_in,
        "paths.gradients": gradients,
        "paths.kept_by": kept_by,
        "paths.methods_of": methods_of,
    }
