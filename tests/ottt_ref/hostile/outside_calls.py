"""Right calls of what meets the outside: models, optimisers, files, NIR, the kit, the pages."""

import math
import os
import tempfile
from functools import partial

import numpy as np

import ottt_ref as ot
from ottt_ref import conformance, nir
from ottt_ref.conformance import adapter, files
from ottt_ref.conformance.adapter import AdapterError

from ... import oracles
from . import naive
from .door import methods_of
from .network_calls import plain_network, record_made, same_network
from .parts_calls import _assert
from .running import UNCOMPARED, Call

MODELS = {
    "small_conv": {},
    "small_feedback": {"feedback_std": 0.1},
    "vgg11_ws": {},
    "vgg11_ws_feedback": {"feedback_std": 0.0},
    "nf_resnet34_ws": {"alpha": 0.2},
}


def model(name, rng):
    function = getattr(ot.models, name)
    arguments = {"input_shape": (1, 8, 8), "classes": 3, "decay": 0.75, "dropout": 0.25, "rng": 1, **MODELS[name]}

    def oracle(result, given):
        assert result.output_size == given["classes"] and result.input_shape == tuple(given["input_shape"])
        if not name.startswith("small"):
            return UNCOMPARED
        connection = result.connections[0]
        values = rng.normal(size=(1, *connection.input_shape)).astype(result.dtype)
        operations = [each for each in connection.operations.children or (connection.operations,)]
        first = operations[0]
        one = np.ones(1, dtype=result.dtype)
        return naive.close(first.forward(values, one), *naive.forward(first, values, one))

    return Call(function, arguments, oracle, bounded=("input_shape", "classes"))


OPTIMISERS = {
    "SGD": {"learning_rate": 0.1, "momentum": 0.5, "weight_decay": 0.01},
    "Adam": {"learning_rate": 0.1, "betas": (0.9, 0.99), "epsilon": 1e-8, "weight_decay": 0.01},
    "Optimizer": {"learning_rate": 0.1, "weight_decay": 0.0},
}


def stepped(kind, options, values, gradients, steps):
    """What an optimiser makes of values, in double precision."""
    rate, decay = float(options["learning_rate"]), float(options["weight_decay"])
    values, first, second = naive.numbers(values).copy(), 0.0, 0.0
    for k in range(1, steps + 1):
        gradient = naive.numbers(gradients) + decay * values
        if kind == "SGD":
            first = float(options["momentum"]) * first + gradient
            values = values - rate * first
            continue
        b1, b2 = map(float, options["betas"])
        first, second = b1 * first + (1 - b1) * gradient, b2 * second + (1 - b2) * gradient**2
        root = np.sqrt(second / (1 - b2**k)) + float(options["epsilon"])
        values = values - rate * (first / (1 - b1**k)) / root
    return values


def optimiser_made(kind, rng):
    values, gradients = rng.normal(size=3), rng.normal(size=3)

    def oracle(result, given):
        if kind == "Optimizer":
            return UNCOMPARED
        parameters = {"w": values.copy()}
        for _ in range(2):
            result.step(parameters, {"w": gradients})
        wanted = stepped(kind, given, values, gradients, 2)
        size = (1 + float(given["learning_rate"])) * (1 + float(given["weight_decay"]))
        return naive.close(parameters["w"], wanted, np.abs(wanted) + 10 * size**2)

    return Call(getattr(ot.training, kind), dict(OPTIMISERS[kind]), oracle)


def optimiser_call(kind, method, rng):
    dtype = (np.float64, np.float32)[rng.integers(2)]
    options = OPTIMISERS[kind]
    optimiser = getattr(ot.training, kind)(**options)
    values, gradients = rng.normal(size=(2, 3)).astype(dtype), rng.normal(size=(2, 3)).astype(dtype)
    parts = {"SGD": ("velocity",), "Adam": ("first_moment", "second_moment"), "Optimizer": ()}[kind]
    state = {f"w.{part}": np.abs(gradients) for part in parts} | ({"w.steps": np.array(2)} if kind == "Adam" else {})

    def step(result, given):
        before, after = given["parameters_before"], given["parameters"]
        for name, array in before.items():
            wanted = stepped(kind, options, array, given["gradients"][name], 1)
            naive.close(after[name], wanted, 10 + np.abs(wanted) + np.abs(naive.numbers(given["gradients"][name])))

    calls = {
        "step": ({"parameters": {"w": values.copy()}, "gradients": {"w": gradients}}, step),
        "reset": ({}, lambda result, given: _assert(optimiser.state == {})),
        "load_state": ({"state": state}, lambda result, given: naive.same(optimiser.state, dict(given["state"]))),
    }
    arguments, oracle = calls[method]
    if kind == "Optimizer" and method == "step":
        return Call(optimiser.step, arguments, None, raises=TypeError, changes=("parameters",))
    return Call(getattr(optimiser, method), arguments, oracle, changes=("parameters",))


def schedule_made(rng):
    arguments = {"learning_rate": 0.1, "total": 4, "minimum": 0.01}

    def oracle(result, given):
        low, high = float(given["minimum"]), float(given["learning_rate"])
        wanted = low + (high - low) * (1 + math.cos(math.pi / int(given["total"]))) / 2
        naive.close(result.at(1), wanted, abs(low) + abs(high))

    return Call(ot.training.CosineSchedule, arguments, oracle)


def schedule_at(rng):
    schedule = ot.training.CosineSchedule(0.1, 4, 0.01)

    def oracle(result, given):
        wanted = 0.01 + 0.09 * (1 + math.cos(math.pi * min(int(given["k"]), 4) / 4)) / 2
        naive.close(result, wanted, 1.0)

    return Call(schedule.at, {"k": int(rng.integers(0, 7))}, oracle)


def require_optimizer(rng):
    optimizer = ot.training.SGD()
    return Call(
        ot.training.require_optimizer, {"optimizer": optimizer}, lambda result, given: _assert(result is optimizer)
    )


def surrogate_function(name, rng):
    surrogate = ot.surrogate.Arctan(1.5)
    calls = {
        "is_built_in": ({"surrogate": surrogate}, lambda result, given: _assert(type(result) is bool)),
        "require_surrogate": ({"surrogate": surrogate}, lambda result, given: _assert(result is given["surrogate"])),
        "require_surrogate_held": (
            {"name": "layers[0]", "surrogate": surrogate, "dtype": np.dtype(float)},
            lambda result, given: _assert(result is None),
        ),
        "from_description": (
            {"description": {"type": "Arctan", "alpha": 1.5}},
            lambda result, given: _assert(result.description() == dict(given["description"])),
        ),
    }
    arguments, oracle = calls[name]
    own = {"is_built_in": ("surrogate",), "require_surrogate_held": ("name", "surrogate", "dtype")}
    return Call(getattr(ot.surrogate, name), arguments, oracle, open=own.get(name, ()))


def folder():
    """A new folder inside the one in which the calls run, which is removed after them."""
    return tempfile.mkdtemp(dir=os.getcwd())


def network_save(rng):
    network = plain_network(rng)

    def oracle(result, given):
        same_network(ot.Network.load(given["path"]), network)

    return Call(network.save, {"path": os.path.join(folder(), "network.npz")}, oracle, allowed=(OSError,))


def network_load(rng):
    network = plain_network(rng)
    path = os.path.join(folder(), "network.npz")
    network.save(path)

    def oracle(result, given):
        same_network(result, network)

    return Call(ot.Network.load, {"path": path, "limit": 2**20}, oracle, allowed=(OSError,))


def nir_call(name, rng):
    network = plain_network(rng, reset="hard", readout="linear")
    dt = 0.5
    path = os.path.join(folder(), "network.nir")
    nir.write(path, network, dt=dt)
    graph = nir.to_graph(network, dt=dt)

    def again(result, given):
        found = {"to_graph": lambda: nir.from_graph(result), "write": lambda: nir.read(given["path"])}
        read = found[name]() if name in found else result
        naive.same(dict(read.parameters), dict(given.get("network", network).parameters))
        inputs = np.ones((3, 1, 3), read.dtype)
        wanted = ot.simulate(given.get("network", network), inputs)
        naive.same(ot.simulate(read, inputs).outputs, wanted.outputs)

    reading = {"dt": dt, "reset": "hard", "surrogate": ot.surrogate.Sigmoid(), "input_shape": (3,)}
    calls = {
        "to_graph": {"network": network, "dt": dt, "accept_hard_reset": False},
        "write": {"path": path, "network": network, "dt": dt, "accept_hard_reset": False},
        "from_graph": {"graph": graph, **reading},
        "read": {"path": path, **reading, "limit": 2**20},
    }
    return Call(getattr(nir, name), calls[name], again, allowed=(OSError,))


def backend(case, method):
    """An adapter: SLTT."""
    return ot.sltt.gradients(case.network, case.inputs, case.targets, case.loss)


def kit_call(name, rng):
    where = folder()
    files.export(where, ["dense"])

    def is_dense(result, given):
        found = result[0] if isinstance(result, list) else result
        entry = found if isinstance(found, dict) else found.entry
        assert entry["name"] == "dense" and len(result) == 1
        if isinstance(found, files.Case):
            again = ot.ottt.gradients(found.network, found.inputs, found.targets, found.loss)
            naive.same(dict(again), found.gradients("ottt"))

    calls = {
        "files.make_cases": (files.make_cases, {"names": ["dense"], "case_set": 1}, is_dense),
        "files.export": (files.export, {"folder": os.path.join(where, "again"), "names": ["dense"]}, is_dense),
        "files.load": (files.load, {"folder": where}, is_dense),
        "adapter.load_adapter": (
            adapter.load_adapter,
            {"text": f"{__name__}:backend"},
            lambda result, given: _assert(result is backend),
        ),
        "adapter.prepared": (
            adapter.prepared,
            {"adapter": backend},
            lambda result, given: _assert(callable(result)),
        ),
        "conformance.parametrize": (
            conformance.parametrize,
            {
                "adapter": backend,
                "cases": where,
                "case_names": ["dense"],
                "methods": ["sltt"],
                "relative": 1e-9,
            },
            lambda result, given: _assert(result.mark.args[0] == "check"),
        ),
    }
    function, arguments, oracle = calls[name]
    own = ("names",) if name in ("files.make_cases", "files.export") and rng.random() < 0.5 else ()
    return Call(function, arguments, oracle, allowed=(OSError, AdapterError), open=own)


DENSE = []


def dense_case():
    """The case "dense", made once."""
    if not DENSE:
        DENSE.extend(files.make_cases(["dense"]))
    return DENSE[0]


def case_made(rng):
    case = dense_case()
    given = {"name": case.name, "purpose": case.purpose, "entry": case.entry, "arrays": case.arrays}
    return record_made(files.Case, given, rng)


def case_gradients(rng):
    case = dense_case()

    def oracle(result, given):
        again = ot.bptt.gradients(case.network, case.inputs, case.targets, case.loss)
        naive.same(result, dict(again))

    return Call(case.gradients, {"method": "bptt"}, oracle, open=("method",))


def page(name, rng):
    """A page of the plain methods, against the oracles, which know no more than lists of numbers."""
    network = ot.dense_network([3, 4, 2], rng=rng)
    for each in ("layer0.bias", "readout.bias"):
        network.parameters[each] = rng.normal(size=network.parameters[each].shape)
    layers = oracles.plain_layers(network)
    x, y = rng.normal(0.8, 1, (3, 3)).tolist(), rng.dirichlet(np.ones(2)).tolist()

    def output_error(o, y, time_steps):
        return [part / time_steps for part in oracles.mixed(o, y)[1]]

    arguments = {
        "weights": [layer.weight for layer in layers],
        "biases": [layer.bias for layer in layers],
        "inputs": x,
        "targets": y,
        "decay": 0.5,
        "threshold": 1.0,
        "surrogate_derivative": lambda z: oracles.sigmoid_surrogate(z, 4.0),
        "output_error": output_error,
    }
    options = {"bptt": {"reset_gradient": "kept"}, "rtrl": {"reset_gradient": "kept"}, "ottt": {"dialect": "authors"}}
    chosen = options.get(name, {})

    def oracle(result, given):
        if any(given[each] is not arguments[each] for each in arguments if each not in ("inputs", "targets")):
            return UNCOMPARED
        wanted = oracles.METHODS[name](layers, given["inputs"], given["targets"], oracles.mixed, **chosen)
        for l, (weight, bias) in enumerate(wanted.gradients):
            naive.close(np.array(result[0][l], float), np.array(weight), np.full(np.shape(weight), 20.0))
            naive.close(np.array(result[1][l], float), np.array(bias), np.full(np.shape(bias), 20.0))
        return None

    # A page imports nothing and has no kernels: it checks how its lists fit, and what is no number, or no list, ends in
    # Python's own error.
    python = (IndexError, KeyError, AttributeError, ArithmeticError)
    return Call(getattr(ot.plain, name).gradients, {**arguments, **chosen}, oracle, allowed=python)


def catalogue():
    """Every right call of this module, by name: functions of a random generator."""
    found = {
        "ot.models.Options": lambda rng: Call(
            ot.models.Options, {"decay": 0.75}, lambda result, given: _assert(result == given), open=("decay",)
        ),
        **{f"ot.models.{name}": partial(model, name) for name in MODELS},
        "ot.training.CosineSchedule": schedule_made,
        "ot.training.CosineSchedule.at": schedule_at,
        "ot.training.require_optimizer": require_optimizer,
        "ot.Network.save": network_save,
        "ot.Network.load": network_load,
        "conformance.Unsupported": lambda rng: Call(
            conformance.Unsupported, {}, lambda result, given: _assert(isinstance(result, NotImplementedError))
        ),
        "files.Case": case_made,
        "files.Case.gradients": case_gradients,
        **{f"ot.plain.{name}.gradients": partial(page, name) for name in ot.plain.__all__},
        **{f"nir.{name}": partial(nir_call, name) for name in nir.__all__},
    }
    for name in ("make_cases", "export", "load"):
        found[f"files.{name}"] = partial(kit_call, f"files.{name}")
    for name in ("adapter.load_adapter", "adapter.prepared", "conformance.parametrize"):
        found[name] = partial(kit_call, name)
    for name in ("is_built_in", "require_surrogate", "require_surrogate_held", "from_description"):
        found[f"ot.surrogate.{name}"] = partial(surrogate_function, name)
    for kind in OPTIMISERS:
        found[f"ot.training.{kind}"] = partial(optimiser_made, kind)
        for method in methods_of(getattr(ot.training, kind)):
            found[f"ot.training.{kind}.{method}"] = partial(optimiser_call, kind, method)
    return found
