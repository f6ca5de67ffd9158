"""Right calls of networks, simulations, methods, rates and equilibria.

Two oracles. The same function run uncompiled, over Python's own numbers, gives the same bits (`uncompiled`). Dense
networks are also compared with the plain loops of `tests.oracles`.
"""

from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from functools import partial

import numpy as np

import ottt_ref as ot
from ottt_ref import fast, methods
from ottt_ref.methods.shared.gradients import GradientSum
from ottt_ref.network.network import Parameters
from ottt_ref.simulation.simulator import Activity

from ... import oracles
from .. import general
from . import naive, task_calls
from .door import methods_of
from .parts_calls import _assert
from .running import UNCOMPARED, Call

KINDS = ("recurrent", "feedback", "skips", "convolutional", "standardised_dense", "residual")


def plain_network(rng, **options):
    """A 3-4-2 network of dense layers, live enough."""
    reset = ("soft", "hard", "unleaked")[rng.integers(3)]
    readout = ("linear", "spiking", "leaky")[rng.integers(3)]
    options = {"reset": reset, "readout": readout, "decay": 0.5, **options}
    network = ot.dense_network([3, 4, 2], reset_potential=-0.25, rng=rng, **options)
    for name in network.parameters:
        if name.endswith("bias"):
            network.parameters[name] = rng.normal(0.1, 0.1, network.parameters[name].shape).astype(network.dtype)
    return network


def any_network(rng):
    """A dense network, half of the time; else one of the general kinds, of float64 or float32."""
    network = plain_network(rng) if rng.random() < 0.5 else general.KINDS[KINDS[rng.integers(len(KINDS))]](rng)
    return network.astype(np.float32) if rng.random() < 0.25 else network


def sequence(rng, network, time_steps=None):
    """Inputs [T, B, ...] and targets: labels, or rows that are distributions."""
    time_steps = time_steps or int(rng.integers(1, 4))
    batch = int(rng.integers(1, 4))
    inputs = rng.normal(0.8, 1, (time_steps, batch, *network.input_shape)).astype(network.dtype)
    if rng.random() < 0.5:
        return inputs, rng.integers(0, network.output_size, batch)
    return inputs, rng.dirichlet(np.ones(network.output_size), batch).astype(network.dtype)


def as_objects(value, number):
    """Networks, arrays and what holds them, over Python's own numbers."""
    if isinstance(value, ot.Network):
        return value.as_objects(number)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        result = np.empty(value.shape, dtype=object)
        for index in np.ndindex(value.shape):
            result[index] = number(value[index])
        return result
    if isinstance(value, ot.State):
        return ot.State({name: as_objects(array, number) for name, array in value.items()})
    if isinstance(value, dict):
        return {key: as_objects(each, number) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(as_objects(each, number) for each in value)
    if isinstance(value, methods.FeedbackMatrices | methods.LocalLosses):
        return type(value)(as_objects(value.matrices, number))
    if is_dataclass(value) and isinstance(value, Activity | methods.TimeStep):
        return replace(value, **{each.name: as_objects(getattr(value, each.name), number) for each in fields(value)})
    return value


def content(result):
    """What a result holds, as arrays and numbers."""
    if isinstance(result, methods.Gradients):
        found = {"loss": result.loss, "outputs": result.outputs, "gradients": dict(result), "terms": result.terms}
        found |= {"final_state": result.final_state and dict(result.final_state), "inputs": result.input_gradients}
        return {**found, "regularisation": result.regularisation}
    if isinstance(result, GradientSum):
        return {"values": result.values, "terms": result.terms, "errors": result.errors}
    if isinstance(result, Activity):
        found = {each.name: getattr(result, each.name) for each in fields(result)}
        return {**found, "final_state": result.final_state and dict(result.final_state)}
    return result


def uncompiled(function, result, given):
    """The same call over object arrays of Python floats (or NumPy's float32) gives the same bits."""
    network = given["network"]
    if network.dtype.hasobject:
        return UNCOMPARED
    number = float if network.dtype == np.float64 else np.float32
    given = {name: value for name, value in given.items() if not name.endswith("_before")}
    with np.errstate(all="ignore"):
        again = function(**as_objects(given, number))
    if number is float:
        return naive.same(content(result), content(again))
    # in single precision the numbers of the neurons were rounded before they were turned into objects
    return naive.alike(content(result), content(again))


def of_both(method, function, result, given):
    """Uncompiled, and where the network is one of dense layers by the loops of `tests.oracles`."""
    uncompiled(function, result, given)
    network, inputs, targets = given["network"], np.asarray(given["inputs"]), np.asarray(given["targets"])
    dense = all(isinstance(layer.synapses, ot.Dense) and layer.recurrent is None for layer in network.layers)
    if not dense or network.skips or network.feedback or np.abs(inputs).max() > 1e6 or network.dtype != np.float64:
        return None
    rows = np.eye(network.output_size)[targets] if targets.ndim == 1 else targets.astype(float)
    names = ("reset_gradient", "loss_of", "dialect", "rates")
    options = {name: str(given[name]) for name in names if name in given}
    if method == "sltt":
        options.pop("dialect", None)
    losses = {"Mixed": oracles.mixed, "MeanSquaredError": oracles.mean_squared_error}
    wanted = oracles.batch(method, network, inputs, rows, losses[type(given["loss"]).__name__], **options)
    for name, array in result.items():
        scale = np.abs(naive.numbers(wanted.gradients[name])).max() + 1
        naive.close(array, wanted.gradients[name], np.full(array.shape, 10 * scale))
    naive.close(result.loss, float(wanted.loss), 10 + abs(float(wanted.loss)))
    return None


OPTIONS = {
    "bptt": {"reset_gradient": ("detached", "kept"), "loss_of": ("steps", "average")},
    "rtrl": {"reset_gradient": ("detached", "kept")},
    "ottt": {"dialect": ("derivation", "authors")},
    "sltt": {},
    "spike_representation": {"rates": ("measured", "closed_form")},
}


def gradients(method, rng):
    loops = method == "spike_representation"
    network = plain_network(rng) if loops and rng.random() < 0.8 else any_network(rng)
    while loops and network.loop_sources:  # closed-form rates of loops have no uncompiled run
        network = any_network(rng)
    inputs, targets = sequence(rng, network)
    loss = (ot.losses.Mixed(), ot.losses.MeanSquaredError())[rng.integers(2)]
    arguments = {"network": network, "inputs": inputs, "targets": targets, "loss": loss, "terms": bool(rng.integers(2))}
    arguments |= {name: choices[rng.integers(len(choices))] for name, choices in OPTIONS[method].items()}
    function = getattr(ot, method).gradients
    if rng.random() < 0.5:
        return Call(function, arguments, partial(of_both, method, function))
    one_loss = method == "spike_representation" or arguments.get("loss_of") == "average"
    arguments |= task_calls.options(rng, method, network, inputs, one_loss)

    def oracle(result, given):
        return uncompiled(function, result, given)

    return Call(function, arguments, oracle, bounded=("time_steps",))


def rule_gradients(rng):
    network = any_network(rng)
    inputs, targets = sequence(rng, network)
    arguments = {"rule": ot.sltt.SLTT, "network": network, "inputs": inputs, "targets": targets, "terms": True}

    def oracle(result, given):
        if given["rule"] is not ot.sltt.SLTT:
            return UNCOMPARED
        return uncompiled(methods.gradients, result, given)

    return Call(methods.gradients, arguments, oracle)


def live(rng, network=None):
    """A network, its Activity, and errors at the outputs."""
    network = any_network(rng) if network is None else network
    inputs, _ = sequence(rng, network)
    activity = ot.simulate(network, inputs)
    return network, activity, rng.normal(size=activity.outputs.shape).astype(network.dtype)


ALGEBRA = {
    "ot.bptt.backward": (ot.bptt.backward, {"reset_gradient": "kept", "leaks_back": None, "delays_back": True}),
    "ot.ottt.accumulate": (ot.ottt.accumulate, {"dialect": "authors"}),
    "ot.sltt.accumulate": (ot.sltt.accumulate, {}),
    "ot.rtrl.accumulate": (ot.rtrl.accumulate, {"reset_gradient": "kept"}),
    "ot.methods.accumulate": (methods.accumulate, {"rule": ot.sltt.SLTT, "error_feedback": None}),
}


def algebra(name, rng):
    function, options = ALGEBRA[name]
    network, activity, errors = live(rng)
    arguments = {"network": network, "activity": activity, "output_errors": errors, "terms": bool(rng.integers(2))}

    def oracle(result, given):
        if given.get("rule", ot.sltt.SLTT) is not ot.sltt.SLTT:
            return UNCOMPARED
        return uncompiled(function, result, given)

    return Call(function, {**arguments, **options}, oracle)


def simulate(rng):
    network = any_network(rng)
    inputs, _ = sequence(rng, network)

    def oracle(result, given):
        uncompiled(ot.simulate, result, given)
        network, inputs = given["network"], np.asarray(given["inputs"])
        soft = all(getattr(layer.neuron, "reset", "soft") == "soft" for layer in network.layers)
        if network.dtype != np.float64 or not soft or np.abs(inputs).max() > 1e6 or given["initial_state"] is not None:
            return
        for l, potentials in enumerate(general.naive_simulation(network, inputs)):
            found = result.layer_potentials[l]
            wanted = potentials.reshape(found.shape)
            naive.close(found, wanted, np.full(found.shape, 10 * (1 + np.abs(wanted).max())))

    state = dict(ot.simulate(network, inputs).final_state) if rng.random() < 0.5 else None
    return Call(ot.simulate, {"network": network, "inputs": inputs, "initial_state": state}, oracle)


def simulator_made(rng):
    network = any_network(rng)
    arguments = {"network": network, "batch_size": int(rng.integers(1, 4)), "derivatives": True, "soft": False}
    before = np.ones((2, arguments["batch_size"], *network.input_shape), dtype=network.dtype)
    arguments["initial_state"] = dict(ot.simulate(network, before).final_state) if rng.random() < 0.5 else None

    def oracle(result, given):
        rest = np.zeros((given["batch_size"], *given["network"].input_shape), given["network"].dtype)
        activity = result.step(rest)
        if given["soft"] or given["network"].dtype.hasobject:
            return UNCOMPARED
        whole = ot.simulate(given["network"], rest[np.newaxis], initial_state=given["initial_state"])
        return naive.same(activity.outputs, whole.outputs[0])

    return Call(ot.Simulator, arguments, oracle, bounded=("batch_size",))


def simulator_step(rng):
    network = any_network(rng)
    inputs, _ = sequence(rng, network, time_steps=3)
    simulator = ot.Simulator(network, inputs.shape[1])
    for t in range(2):
        simulator.step(inputs[t])

    def oracle(result, given):
        whole = ot.simulate(network, np.concatenate([inputs[:2], np.asarray(given["inputs"])[np.newaxis]])).at(2)
        naive.same(result.layer_states, whole.layer_states)
        naive.same(result.layer_surrogate_derivatives, whole.layer_surrogate_derivatives)

    return Call(simulator.step, {"inputs": inputs[2]}, oracle)


def network_made(rng):
    hidden = ot.Layer(ot.Dense(rng.normal(size=(4, 3))), ot.LIF(), ot.Dense(rng.normal(size=(4, 4)) / 4))
    layers = [hidden, ot.Layer(ot.Dense(rng.normal(size=(3, 4))), ot.LIF())]
    layers.append(ot.Layer(ot.Dense(rng.normal(size=(2, 3))), ot.Integrator()))
    arguments = {
        "layers": layers,
        "input_shape": (3,),
        "feedback": [ot.Feedback(1, 0, ot.Dense(rng.normal(size=(4, 3)) / 4), int(rng.integers(1, 3)))],
        "skips": [ot.Skip(-1, 1, ot.Dense(rng.normal(size=(3, 3))), int(rng.integers(3)))],
    }

    def oracle(result, given):
        inputs = rng.normal(size=(2, 2, *result.input_shape))
        for l, potentials in enumerate(general.naive_simulation(result, inputs)):
            found = ot.simulate(result, inputs).layer_potentials[l]
            naive.close(found, potentials, np.full(found.shape, 10 * (1 + np.abs(potentials).max())))

    return Call(ot.Network, arguments, oracle)


def same_network(result, network):
    naive.same(dict(result.parameters), dict(network.parameters))
    assert repr(result) == repr(network)


def network_call(method, rng):
    network = any_network(rng)
    l = int(rng.integers(len(network.layers)))
    name = next(iter(network.parameters))
    spiking = network.spiking[0]
    connections = network.connections
    exact = ot.dense_network([3, 4, 2], surrogate=ot.surrogate.Triangle(), rng=1)

    def astype(result, given):
        for each, array in network.parameters.items():
            naive.same(result.parameters[each], array.astype(given["dtype"]))

    def as_objects_of(result, given):
        for each, array in network.parameters.items():
            assert np.array_equal(result.parameters[each].astype(network.dtype), array)

    def zeros(result, given):
        naive.same(result, {each: np.zeros_like(array) for each, array in network.parameters.items()})

    def is_exact(result, given):
        for each, array in exact.parameters.items():
            assert all(Fraction(float(a)) == b for a, b in zip(array.flat, result.parameters[each].flat))

    calls = {
        "as_objects": ({"convert": float}, as_objects_of),
        "astype": ({"dtype": (np.float32, np.float64)[rng.integers(2)]}, astype),
        "copy": ({}, lambda result, given: same_network(result, network)),
        "decay": ({"l": spiking}, lambda result, given: _assert(result[0] == network.layers[given["l"]].neuron.decay)),
        "threshold": (
            {"l": spiking},
            lambda result, given: _assert(result[0] == network.layers[given["l"]].neuron.threshold),
        ),
        "exact": ({}, is_exact),
        "incoming": (
            {"l": l},
            lambda result, given: _assert(result == [c for c in connections if c.target == given["l"]]),
        ),
        "outgoing": (
            {"l": l},
            lambda result, given: _assert(result == [c for c in connections if c.source == given["l"]]),
        ),
        "mapped": ({}, lambda result, given: same_network(result, network)),
        "number": ({"value": 0.5}, lambda result, given: _assert(float(result) == float(given["value"]))),
        "project_parameters": ({}, lambda result, given: _assert(result is None)),
        "rebuilt": (
            {"convert_array": lambda array: array, "convert_number": lambda number: number},
            lambda result, given: same_network(result, network),
        ),
        "require_own_numbers": (
            {"name": "inputs", "array": network.parameters[name]},
            lambda result, given: _assert(result is given["array"]),
        ),
        "shape_of": (
            {"source": l},
            lambda result, given: _assert(tuple(result) == (network.input_shape, *network.shapes)[given["source"] + 1]),
        ),
        "error_lags": ({"l": l}, lambda result, given: _assert(result == (0,))),
        "trace_layer": ({"l": l}, lambda result, given: _assert(0 <= result < len(network.layers))),
        "trace_layers": (
            {"l": l},
            lambda result, given: _assert(network.trace_layer(given["l"]) == result[0]),
        ),
        "with_dropout": (
            {"batch_size": 2, "rng": 3},
            lambda result, given: same_network(result.without_dropout(), network),
        ),
        "without_dropout": ({}, lambda result, given: same_network(result, network)),
        "zero_gradients": ({}, zeros),
    }
    arguments, oracle = calls[method]
    # What takes functions of one's own, or an index of a layer, is for those who write a method.
    of_layer = ("decay", "threshold", "incoming", "outgoing", "trace_layer", "trace_layers", "error_lags")
    own = {
        "as_objects": ("convert",),
        "rebuilt": ("convert_array", "convert_number"),
        "require_own_numbers": ("name", "array"),
        "number": ("value",),
        **{each: ("l",) for each in of_layer},
        "shape_of": ("source",),
    }
    function = getattr(exact if method == "exact" else network, method)
    return Call(function, arguments, oracle, bounded=("batch_size",), open=own.get(method, ()))


def dense_network(rng):
    arguments = {
        "sizes": [3, 4, 2],
        "threshold": 1.25,
        "surrogate": ot.surrogate.Arctan(),
        "reset": ("soft", "hard", "unleaked")[rng.integers(3)],
        "reset_potential": -0.25,
        "readout": ("linear", "spiking", "leaky")[rng.integers(3)],
        "initialisation": ("uniform", "normal", "orthogonal")[rng.integers(3)],
        "gain": 2.0,
        "rng": int(rng.integers(100)),
        "dtype": (np.float64, np.float32)[rng.integers(2)],
        "trainable": ((), ("threshold",), ("decay", "threshold"))[rng.integers(3)],
        **({"decay": 0.75} if rng.random() < 0.5 else {"tau": 4.0}),
    }

    def oracle(result, given):
        neuron = result.layers[0].neuron
        first = given["threshold"][0] if isinstance(given["threshold"], list | tuple) else given["threshold"]
        assert np.all(neuron.threshold == first) and neuron.reset == given["reset"]
        if isinstance(given.get("tau"), float) and "decay" not in given:
            assert np.all(neuron.decay == 1 - 1 / given["tau"])
        assert result.readout == given["readout"] and result.dtype == np.dtype(given["dtype"])
        inputs = np.ones((2, 1, result.input_size), dtype=result.dtype)
        return uncompiled(ot.simulate, ot.simulate(result, inputs), {"network": result, "inputs": inputs})

    return Call(ot.dense_network, arguments, oracle, bounded=("sizes",))


def exact_array(rng):
    values = rng.normal(size=(2, 3))

    def oracle(result, given):
        given_values = np.asarray(given["values"])
        assert result.shape == given_values.shape
        assert all(Fraction(a) == Fraction(b) for a, b in zip(result.flat, given_values.ravel().tolist()))

    return Call(ot.exact_array, {"values": values}, oracle)


def rate_normaliser(rng):
    arguments = {"decay": (0.5, Fraction(1, 2), 1.0, 0.0)[rng.integers(4)], "time_steps": int(rng.integers(1, 9))}

    def oracle(result, given):
        wanted = sum(Fraction(given["decay"]) ** k for k in range(int(given["time_steps"])))
        naive.close(float(result), float(wanted), dtype=np.float32)

    return Call(ot.rate_normaliser, arguments, oracle, bounded=("time_steps",))


def weighted_rate(rng):
    values = rng.normal(size=(3, 2, 4)).astype((np.float64, np.float32)[rng.integers(2)])

    def oracle(result, given):
        values, decay = naive.numbers(given["values"]), float(given["decay"])
        weights = np.array([decay**k for k in reversed(range(len(values)))])
        shape = (-1, *[1] * (values.ndim - 1))
        scale = np.abs(values).max(axis=0)
        naive.close(result, (weights.reshape(shape) * values).sum(axis=0) / weights.sum(), scale)

    return Call(ot.weighted_rate, {"values": values, "decay": 0.75}, oracle)


def without_loops(rng):
    network = any_network(rng)
    while network.loop_sources:
        network = any_network(rng)
    return network


def rates_call(name, rng):
    network = without_loops(rng)
    inputs, _ = sequence(rng, network)
    measured = ot.rates.measured_rates(network, inputs)
    by_layer = dict(zip(range(-1, len(measured) - 1), measured))
    error = rng.normal(size=(inputs.shape[1], network.output_size)).astype(network.dtype)
    currents = [
        rng.normal(0.5, 1, (inputs.shape[1], *shape)).astype(network.dtype) if layer.neuron.spiking else None
        for shape, layer in zip(network.shapes, network.layers)
    ]
    calls = {
        "ot.rates.measured_rates": (ot.rates.measured_rates, {"inputs": inputs}),
        "ot.rates.input_decay": (ot.rates.input_decay, {}),
        "ot.rates.require_rates": (ot.rates.require_rates, {"name": "values", "values": by_layer, "layers": [-1]}),
        "ot.rates.complete_rates": (ot.rates.complete_rates, {"values": by_layer}),
        "ot.rates.finite_rates": (ot.rates.finite_rates, {"values": measured}),
        "ot.spike_representation.rates_of": (
            ot.spike_representation.rates_of,
            {"inputs": inputs, "rates": ("measured", "closed_form")[rng.integers(2)]},
        ),
        "ot.spike_representation.sweep": (
            ot.spike_representation.sweep,
            {"input_rate": measured[0], "delayed": {}},
        ),
        "ot.spike_representation.rate_outputs": (ot.spike_representation.rate_outputs, {"values": measured}),
        "ot.spike_representation.backward": (
            ot.spike_representation.backward,
            {"values": measured, "output_error": error, "terms": True},
        ),
        "ot.spike_representation.errors_of": (
            ot.spike_representation.errors_of,
            {"currents": currents, "output_error": error, "returned": {}},
        ),
    }
    function, arguments = calls[name]
    own = ("name", "layers") if name == "ot.rates.require_rates" else ()
    return Call(function, {"network": network, **arguments}, partial(uncompiled, function), open=own)


def looped(rng):
    """A layer that hears itself, whose loop contracts."""
    hidden = ot.Layer(ot.Dense(rng.normal(size=(3, 2))), ot.LIF(), ot.Dense(0.2 * rng.normal(size=(3, 3)), False))
    return ot.Network([hidden, ot.Layer(ot.Dense(rng.normal(size=(2, 3))), ot.Integrator())])


def equilibrium_call(name, rng):
    network = looped(rng)
    recurrent = next(c for c in network.connections if c.loop)
    weight = recurrent.operations.weight
    factor = float(np.linalg.norm(weight, 2))
    matrix = 0.2 * rng.normal(size=(3, 3))
    constant = rng.normal(size=(2, 3))
    rates = {0: rng.random((2, 3))}
    exact = ot.exact_array(rng.integers(-4, 5, (3, 3)) + 9 * np.eye(3, dtype=int))

    def limited(result, given):
        limit = float(given["largest"])
        after = ot.equilibrium.contraction_factor(given["network"])
        assert after <= limit * (1 + 1e-6) + 1e-300 and 0 <= result <= 1

    def solved(result, given):
        found, _ = result
        naive.close(found[0], np.linalg.solve(np.eye(3) - matrix, constant.T).T, np.full((2, 3), 1e3))

    def reached(result, given):
        found, (residual, _) = result
        again = ot.spike_representation.sweep(network, np.full((2, 2), 0.5), found)
        assert residual < 1e-9 and np.abs(again[0] - found[0]).max() < 1e-8

    calls = {
        "contraction_factor": ({"network": network}, partial(_factor, factor)),
        "layer_norms": ({"network": network}, lambda result, given: _factor(factor, result[1].max(), given)),
        "limit_contraction": ({"network": network, "largest": factor / 2}, limited),
        "spectral_norm": ({"network": network, "connection": recurrent}, partial(_factor, factor)),
        "solve": (
            {
                "network": network,
                "sweep": lambda guess: ot.spike_representation.sweep(network, np.full((2, 2), 0.5), guess),
                "batch_size": 2,
            },
            reached,
        ),
        "solve_linear": (
            {"affine": lambda r: {0: r[0] @ matrix.T + constant}, "zeros": {0: np.zeros((2, 3))}},
            solved,
        ),
        "eliminate": (
            {"matrix": exact, "right": ot.exact_array([1, 2, 3])},
            lambda result, given: _assert(np.all(np.asarray(given["matrix"]).dot(result) == given["right"])),
        ),
        "distance": (
            {"delayed": rates, "values": {0: rates[0] + 0.25}},
            lambda result, given: naive.same(result, np.abs(given["delayed"][0] - given["values"][0]).max()),
        ),
    }
    arguments, oracle = calls[name]
    changes = ("network",) if name == "limit_contraction" else ()
    return Call(getattr(ot.equilibrium, name), arguments, oracle, changes=changes, bounded=("batch_size",))


def _factor(factor, result, given):
    network = given["network"]
    if "connection" in given or network.dtype != np.float64 or len(network.loop_sources) != 1:
        return UNCOMPARED
    return _assert(abs(result - factor) < 1e-9 * (1 + factor))


def losses_call(name, rng):
    loss, dtype = ot.losses.Mixed(0.25), (np.float64, np.float32)[rng.integers(2)]
    outputs = rng.normal(size=(3, 2, 4)).astype(dtype)
    targets = rng.dirichlet(np.ones(4), 2).astype(dtype)
    network = ot.dense_network([3, 4, 4], rng=1, dtype=dtype)

    def sequence_loss(result, given):
        values = [naive.loss_of(given["loss"], each, given["targets"]) for each in np.asarray(given["outputs"])]
        size = np.abs(naive.numbers(given["outputs"])).max() + np.abs(naive.numbers(given["targets"])).max() + 2
        steps, batch = np.shape(given["outputs"])[:2]
        total = np.mean([value for value, _ in values])
        gradient = np.array([part for _, part in values]) / (steps * batch)
        naive.close(result[0], total, 10 * size**2, dtype=np.asarray(given["outputs"]).dtype)
        naive.close(result[1], gradient, np.full(gradient.shape, 10 * size))

    def average_loss(result, given):
        mean = naive.numbers(given["outputs"]).mean(axis=0)
        value, gradient = naive.loss_of(given["loss"], mean, given["targets"])
        steps, batch = np.shape(given["outputs"])[:2]
        size = np.abs(naive.numbers(given["outputs"])).max() + np.abs(naive.numbers(given["targets"])).max() + 2
        naive.close(result[0], value.mean(), 10 * size**2, dtype=np.asarray(given["outputs"]).dtype)
        wanted = np.repeat(gradient[np.newaxis] / (steps * batch), steps, axis=0)
        naive.close(result[1], wanted, np.full(wanted.shape, 10 * size))

    def step_loss(result, given):
        value, gradient = naive.loss_of(given["loss"], given["outputs"], given["targets"])
        scale = int(given["time_steps"])
        size = np.abs(naive.numbers(given["outputs"])).max() + np.abs(naive.numbers(given["targets"])).max() + 2
        naive.close(result[0], value.mean() / scale, 10 * size**2, dtype=np.asarray(given["outputs"]).dtype)
        naive.close(result[1], gradient / (scale * len(value)), np.full(gradient.shape, 10 * size))

    def rows(result, given):
        given_targets = np.asarray(given["targets"])
        wanted = np.eye(4)[given_targets] if given_targets.ndim == 1 else given_targets
        naive.close(result, wanted)

    calls = {
        "require_loss": (
            {"loss": loss, "network": network},
            lambda result, given: _assert(result is given["loss"]),
        ),
        "require_targets": (
            {
                "loss": loss,
                "targets": rng.integers(0, 4, 2) if rng.random() < 0.5 else targets,
                "batch_size": 2,
                "network": network,
            },
            rows,
        ),
        "sequence_loss": ({"loss": loss, "outputs": outputs, "targets": targets}, sequence_loss),
        "step_loss": ({"loss": loss, "outputs": outputs[0], "targets": targets, "time_steps": 3}, step_loss),
        "average_loss": ({"loss": loss, "outputs": outputs, "targets": targets}, average_loss),
    }
    arguments, oracle = calls[name]
    # The checks of a method's door take the network and the loss that this door has checked before.
    own = {"require_loss": ("network",), "require_targets": ("loss", "batch_size", "network")}
    return Call(getattr(ot.losses, name), arguments, oracle, bounded=("time_steps",), open=own.get(name, ()))


RULES = {"ot.ottt.OTTT": ot.ottt.OTTT, "ot.sltt.SLTT": ot.sltt.SLTT, "ot.rtrl.RTRL": ot.rtrl.RTRL}
RULES["ot.methods.Rule"] = methods.Rule


def rule_made(name, rng):
    network = any_network(rng)
    inputs, targets = sequence(rng, network)
    arguments = {"network": network, "batch_size": inputs.shape[1]}
    arguments |= {"ot.ottt.OTTT": {"dialect": "authors"}, "ot.rtrl.RTRL": {"reset_gradient": "kept"}}.get(name, {})

    def oracle(result, given):
        if given["network"].input_shape != network.input_shape or given["network"].dtype != network.dtype:
            return UNCOMPARED
        options = {each: given[each] for each in ("dialect", "reset_gradient") if each in given}
        module = {"ot.ottt.OTTT": ot.ottt, "ot.rtrl.RTRL": ot.rtrl}.get(name, ot.sltt)
        found = methods.gradients(lambda network, batch_size: result, given["network"], inputs, targets)
        wanted = module.gradients(given["network"], inputs, targets, **options)
        return naive.same(dict(found), dict(wanted))

    return Call(RULES[name], arguments, oracle, bounded=("batch_size",))


def rule_call(name, method, rng):
    network, activity, errors = live(rng)
    batch = errors.shape[1]
    rule = RULES[name](network, batch)
    first = activity.at(0)
    connection = network.connections[0]
    if method != "advance":
        rule.advance(first)
    shape = (batch, *network.shapes[0])
    error = rng.normal(size=shape).astype(network.dtype)
    step = methods.TimeStep(first, errors[0])
    sums = GradientSum(network, batch)
    function = {"ot.ottt.OTTT": ot.ottt.accumulate, "ot.rtrl.RTRL": ot.rtrl.accumulate}.get(name, ot.sltt.accumulate)

    def of_one_step(result, given):
        whole = replace(
            activity,
            inputs=activity.inputs[:1],
            layer_states=tuple(tuple(each[:1] for each in states) for states in activity.layer_states),
            layer_outputs=tuple(each[:1] for each in activity.layer_outputs),
            layer_surrogate_derivatives=tuple(each[:1] for each in activity.layer_surrogate_derivatives),
        )
        wanted = function(network, whole, np.asarray(given["step"].output_error)[np.newaxis])
        naive.same(given["sums"].values, wanted.values)

    def paired(result, given):
        wanted = activity.inputs[0] if name != "ot.rtrl.RTRL" else None
        return UNCOMPARED if wanted is None else naive.same(result, wanted)

    calls = {
        "add_gradients": (
            {
                "gradients": network.zero_gradients(),
                "connection": connection,
                "error": error,
                "spike_error": error,
                "activity": first,
            },
            lambda result, given: UNCOMPARED,
        ),
        "add_step": ({"sums": sums, "t": 0, "step": step, "error_feedback": methods.TransposedWeights()}, of_one_step),
        "advance": ({"activity": first}, lambda result, given: _assert(result is None)),
        "take_in": ({"activity": first}, lambda result, given: _assert(result is None)),
        "parts": ({"connection": connection}, lambda result, given: _assert(result == 1)),
        "bias_input": ({"l": 0}, lambda result, given: naive.close(result, np.ones(1))),
        "pairs": (
            {"connection": connection, "error": error, "activity": first},
            lambda result, given: _assert(sum(np.array_equal(part[0], error) for part in result) == 1),
        ),
        "presynaptic": ({"connection": connection, "activity": first}, paired),
        "surrogate_derivative": (
            {"l": 0, "activity": first},
            lambda result, given: naive.same(result, first.layer_surrogate_derivatives[0]),
        ),
    }
    arguments, oracle = calls[method]
    # The driver calls a rule's methods, with what it has checked; RTRL and OTTT check a time step's Activity anew.
    own = tuple(arguments)
    if method == "add_step":
        own = ("sums", "t", "step", "error_feedback")
    return Call(getattr(rule, method), arguments, oracle, changes=("gradients", "sums"), open=own)


LEARNERS = {
    "ot.ottt": ot.ottt,
    "ot.sltt": ot.sltt,
    "ot.rtrl": ot.rtrl,
    "ot.methods": methods,
    "fast.ottt": fast.ottt,
    "fast.sltt": fast.sltt,
}


def learner_made(name, rng):
    module = LEARNERS[name]
    network = plain_network(rng)
    arguments = {"network": network, "optimizer": ot.training.SGD(0.1), "loss": ot.losses.Mixed(), "time_steps": 4}
    arguments |= {"rule": ot.sltt.SLTT} if module is methods else {}
    arguments |= {
        "ot.ottt": {"dialect": "authors"},
        "fast.ottt": {"dialect": "authors"},
        "ot.rtrl": {"reset_gradient": "kept"},
    }.get(name, {})

    def oracle(result, given):
        if given["network"] is not network:
            return UNCOMPARED
        loss, _ = result.step(np.ones((2, 3)), np.array([0, 1]))
        assert np.isfinite(loss) and result.state_bytes > 0
        return UNCOMPARED

    return Call(module.OnlineLearner, arguments, oracle, bounded=("time_steps",))


def learner_call(name, method, rng):
    module = LEARNERS[name]
    network = ot.dense_network([3, 4, 2], rng=rng)
    for parameter in ("layer0.bias", "readout.bias"):
        network.parameters[parameter] = rng.normal(size=network.parameters[parameter].shape)
    layers = oracles.plain_layers(network)
    rule = (ot.sltt.SLTT,) if module is methods else ()
    learner = module.OnlineLearner(*rule, network, ot.training.SGD(0.1, momentum=0.0), time_steps=2)
    inputs, targets = rng.normal(0.8, 1, (1, 3)), np.array([1])
    before = {each: array.copy() for each, array in network.parameters.items()}
    sums = GradientSum(network, 1)
    if method == "learn":
        learner.step(inputs, targets)
        before = {each: array.copy() for each, array in network.parameters.items()}

    def stepped(result, given):
        if module in (ot.ottt, fast.ottt) and np.abs(given["inputs"]).max() < 1e6:
            x, label = np.asarray(given["inputs"])[0].tolist(), np.asarray(given["targets"])
            y = np.eye(2)[label][0].tolist() if label.ndim == 1 else label[0].tolist()
            # one step of two: the oracle takes the loss / T of a sequence of two steps, of which this is the first
            oracle_layers = oracles.ottt_online(layers, [x], y, lambda o, y: _halved(oracles.mixed(o, y)), 0.1)
            for each, layer in zip(("layer0", "readout"), oracle_layers):
                wanted = np.array(layer.weight)
                found = network.parameters[f"{each}.weight"]
                naive.close(found, wanted, np.full(wanted.shape, 10 * (1 + np.abs(wanted).max())))
            return None
        moved = any(not np.array_equal(before[each], array) for each, array in network.parameters.items())
        assert moved and np.isfinite(result[0])
        return UNCOMPARED

    def updated(result, given):
        naive.same(dict(network.parameters), before)

    def without_targets(result, given):
        assert result[0] is None
        naive.same(dict(network.parameters), before)
        return naive.same(result[1], ot.simulate(network, np.asarray(given["inputs"])[np.newaxis]).outputs[0])

    def reset(result, given):
        state = given["initial_state"]
        if state is None:
            return _assert(learner.state_bytes == 0)
        return naive.same({name: learner.state[name] for name in state}, dict(state))

    state = dict(ot.simulate(network, inputs[np.newaxis]).final_state) if rng.random() < 0.5 else None
    steps = (
        ({"inputs": inputs, "targets": targets}, stepped),
        ({"inputs": inputs, "targets": targets, "weights": np.ones(1)}, stepped),
        ({"inputs": inputs}, without_targets),
    )
    calls = {
        "step": steps[rng.integers(len(steps))],
        "reset": ({"initial_state": state}, reset),
        "learn": (
            {"step": methods.TimeStep(learner.activity, np.zeros((1, 2)))},
            updated,
        ),
        "update": ({"sums": sums}, updated),
    }
    arguments, oracle = calls[method]
    return Call(getattr(learner, method), arguments, oracle)


def _halved(found):
    loss, gradient = found
    return loss / 2, [part / 2 for part in gradient]


def traces_call(method, rng):
    network = ot.dense_network([3, 4, 2], rng=rng, decay=0.5)
    activity = ot.simulate(network, rng.normal(0.8, 1, (3, 2, 3)))
    traces = methods.Traces(network, 2, "derivation")
    for t in range(2):
        traces.update(activity.at(t))
    connection = network.connections[0]
    wanted = 0.5 * activity.inputs[0] + activity.inputs[1]
    pair_of_one = [np.ones((2, 4)), wanted, np.array([1.5])]
    calls = {
        "presynaptic": ({"connection": connection}, lambda result, given: naive.same(result, wanted)),
        "bias_input": ({"l": 0}, lambda result, given: naive.same(result, np.array([1.5]))),
        "count": ({"connection": connection}, lambda result, given: _assert(result == 1)),
        "pairs": (
            {"connection": connection, "error": np.ones((2, 4))},
            lambda result, given: naive.same([part for pair in result for part in pair], pair_of_one),
        ),
        "membrane": ({"connection": connection}, lambda result, given: _assert(result == network.layers[0].neuron)),
        "bias_membrane": ({"l": 0}, lambda result, given: _assert(result == network.layers[0].neuron)),
        "update": (
            {"activity": activity.at(2)},
            lambda result, given: naive.same(traces.presynaptic(connection), 0.5 * wanted + activity.inputs[2]),
        ),
    }
    arguments, oracle = calls[method]
    return Call(getattr(traces, method), arguments, oracle, open=tuple(arguments))  # what a rule asks its own traces


def traces_made(rng):
    network = any_network(rng)
    arguments = {"network": network, "batch_size": 2, "dialect": ("derivation", "authors")[rng.integers(2)]}

    def oracle(result, given):
        return _assert(set(np.unique([len(value) for value in result.state.values()])) <= {1, 2})

    return Call(methods.Traces, arguments, oracle, open=("batch_size",))


FEEDBACKS = {"FeedbackMatrices": (4, 2), "LocalLosses": (2, 4)}


def feedback_made(kind, rng):
    arguments = {"matrices": [rng.normal(size=FEEDBACKS[kind])]}

    def oracle(result, given):
        if not isinstance(given["matrices"], list | tuple):
            return UNCOMPARED
        return naive.same(list(result.matrices), [np.asarray(each) for each in given["matrices"]])

    return Call(getattr(methods, kind), arguments, oracle)


def feedback_call(kind, method, rng):
    network = ot.dense_network([3, 4, 2], rng=rng)
    activity = ot.simulate(network, rng.normal(0.8, 1, (1, 2, 3))).at(0)
    error, targets = rng.normal(size=(2, 2)), np.eye(2)
    step = methods.TimeStep(activity, error, ot.losses.MeanSquaredError(), targets, 4)
    matrix = rng.normal(size=FEEDBACKS.get(kind, (4, 2)))
    feedback = getattr(methods, kind)(*([[matrix]] if kind in FEEDBACKS else []))
    above = rng.normal(size=(2, 2))
    if kind == "FeedbackMatrices":
        wanted = error @ matrix.T
    elif kind == "LocalLosses":
        local = activity.layer_outputs[0] @ matrix.T
        wanted = (2 * (local - targets) / 2 / 8) @ matrix
    else:
        wanted = above @ network.parameters["readout.weight"]

    def spike_error(result, given):
        naive.close(result, wanted, np.full((2, 4), 20.0))

    calls = {
        "check": ({"network": network}, lambda result, given: _assert(result is None)),
        "spike_error": ({"network": network, "step": step, "l": 0, "errors": [None, above]}, spike_error),
        "lags": (
            {"network": network, "l": 0, "errors": [{}, {0: above}]},
            lambda result, given: _assert(result == {0}),
        ),
        "lagged_error": ({"network": network, "step": step, "l": 0, "lag": 0, "errors": [{}, {0: above}]}, spike_error),
        "hidden_error": ({"step": step, "l": 0}, spike_error),
        "matrix_shape": (
            {"neurons": 4, "outputs": 2},
            lambda result, given: naive.same(list(result), list(FEEDBACKS[kind])),
        ),
    }
    arguments, oracle = calls[method]
    base = kind in ("ErrorFeedback", "TransposedWeights") and method == "check"
    # the driver asks for errors, with the step and the errors that it has checked
    own = tuple(arguments) if base or method != "check" else ()
    abstract = method == "lagged_error" and kind in ("ErrorFeedback", "FeedbackMatrices")
    return Call(getattr(feedback, method), arguments, oracle, open=own, raises=TypeError if abstract else None)


def record_made(kind, arguments, rng):
    """A record of what was computed: it takes what it is given."""

    def oracle(result, given):
        for name, value in given.items():
            if name in getattr(result, "__dict__", {}):
                assert vars(result)[name] is value

    return Call(kind, dict(arguments), oracle, open=tuple(arguments))


def activity_call(method, rng):
    network, activity, _ = live(rng)
    connection = network.connections[0]
    last = activity.time_steps - 1

    def at(result, given):
        naive.same(result.inputs, activity.inputs[given["t"]])
        naive.same(result.layer_outputs, [each[given["t"]] for each in activity.layer_outputs])

    calls = {
        "at": (activity, {"t": last}, at),
        "output_of": (activity, {"source": -1}, lambda result, given: naive.same(result, activity.inputs)),
        "delivered": (
            activity.at(last),
            {"connection": connection},
            lambda result, given: naive.same(result, activity.inputs[last]),
        ),
        "presynaptic": (
            activity.at(last),
            {"connection": connection},
            lambda result, given: naive.same(result, activity.inputs[last]),
        ),
    }
    record, arguments, oracle = calls[method]
    return Call(getattr(record, method), arguments, oracle, open=tuple(arguments))  # an index into arrays


def sum_call(method, rng):
    network = ot.dense_network([3, 4, 2], rng=rng)
    sums = GradientSum(network, 2, 1)
    connection = network.connections[0]
    error, values = rng.normal(size=(2, 4)), rng.normal(size=(2, 3))

    def added(result, given):
        wanted = naive.numbers(given["error"]).T @ naive.numbers(given["presynaptic"])
        largest = np.abs(naive.numbers(given["error"])).max() * np.abs(naive.numbers(given["presynaptic"])).max() + 1
        naive.close(sums.values["layer0.weight"], wanted, np.full((4, 3), 4 * largest))

    calls = {
        "add": (
            {
                "t": 0,
                "connection": connection,
                "error": error,
                "presynaptic": values,
                "bias_input": np.ones(1),
            },
            added,
        ),
        "at": ({"t": 0}, lambda result, given: naive.same(next(result), sums.values)),
        "record": (
            {"t": 0, "errors": [error, rng.normal(size=(2, 2))]},
            lambda result, given: naive.same(sums.errors[0][0], error),
        ),
        "record_late": (
            {"t": 0, "errors": [{0: error}, {0: rng.normal(size=(2, 2))}]},
            lambda result, given: naive.same(sums.errors[0][0], error),
        ),
        "result": (
            {"loss": 0.5, "outputs": np.ones((1, 2, 2))},
            lambda result, given: naive.same(dict(result), sums.values),
        ),
    }
    arguments, oracle = calls[method]
    own = {"add": ("t", "connection")}.get(method, tuple(arguments))
    return Call(getattr(sums, method), arguments, oracle, open=own)


def backpropagate_states(rng):
    network = ot.dense_network([1, 1, 1], decay=0.5, rng=0)
    deltas, jacobian, error = [rng.normal(size=(2, 3))], [[rng.normal(size=(2, 3))]], rng.normal(size=(2, 3))
    arguments = {
        "network": network,
        "neuron": network.layers[0].neuron,
        "deltas": deltas,
        "distance_error": error,
        "jacobian": jacobian,
    }

    def oracle(result, given):
        naive.close(result, error + jacobian[0][0] * given["deltas_before"][0], np.full((2, 3), 20.0))

    return Call(ot.bptt.backpropagate_states, arguments, oracle, changes=("deltas",), open=tuple(arguments))


def non_finite(rng):
    arguments = {"quantity": "loss", "value": np.inf, "index": (0,), "time_step": 1}

    def oracle(result, given):
        assert isinstance(result, ValueError) and "must be finite" in str(result)

    return Call(ot.NonFiniteError, arguments, oracle, open=tuple(arguments))


def non_finite_at(rng):
    error = ot.NonFiniteError("loss", np.inf)
    arguments = {"time_step": 3}
    return Call(error.at, arguments, lambda result, given: _assert(result.time_step == 3), open=("time_step",))


def allow_non_finite(rng):
    network = ot.Network([ot.Layer(ot.Dense(np.array([[1e200]])), ot.LIF())])

    def oracle(result, given):
        with result:
            activity = ot.simulate(network, np.full((1, 1, 1), 1e200))
        assert activity.potentials[0].item() == np.inf

    return Call(ot.allow_non_finite, {}, oracle)


def parameters_made(rng):
    network = ot.dense_network([3, 4, 2], rng=rng)
    arguments = {"connections": network.connections, "neuron_parameters": (), "layers": network.layers}

    def oracle(result, given):
        naive.same(dict(result), dict(network.parameters))

    return Call(Parameters, arguments, oracle, open=tuple(arguments))  # a network makes it, of what it has checked


def catalogue():
    """Every right call of this module, by name: functions of a random generator."""
    return {**_singles(), **_records(), **_algebra_calls(), **_families()}


def _singles():
    return {
        "ot.Network": network_made,
        **{f"ot.Network.{each}": partial(network_call, each) for each in methods_of(ot.Network)},  # two are of files
        "ot.Simulator": simulator_made,
        "ot.Simulator.step": simulator_step,
        "ot.simulate": simulate,
        "ot.dense_network": dense_network,
        "ot.exact_array": exact_array,
        "ot.allow_non_finite": allow_non_finite,
        "ot.NonFiniteError": non_finite,
        "ot.NonFiniteError.at": non_finite_at,
        "ot.bptt.backpropagate_states": backpropagate_states,
        "ot.methods.gradients": rule_gradients,
        "ot.methods.Traces": traces_made,
        **{f"ot.methods.Traces.{each}": partial(traces_call, each) for each in methods_of(methods.Traces)},
        **{f"Activity.{each}": partial(activity_call, each) for each in methods_of(Activity)},
        **{f"GradientSum.{each}": partial(sum_call, each) for each in methods_of(GradientSum)},
        "ot.methods.ErrorFeedback": lambda rng: Call(methods.ErrorFeedback, {}, lambda result, given: UNCOMPARED),
        "ot.methods.TransposedWeights": lambda rng: Call(
            methods.TransposedWeights, {}, lambda result, given: UNCOMPARED
        ),
        "ot.equilibrium.ConvergenceError": lambda rng: Call(
            ot.equilibrium.ConvergenceError, {}, lambda result, given: _assert(isinstance(result, RuntimeError))
        ),
    }


def _records():
    """What holds values and does nothing with them."""
    network = ot.dense_network([3, 4, 2], rng=0)
    activity = ot.simulate(network, np.ones((2, 1, 3)))
    activity_fields = {each.name: getattr(activity, each.name) for each in fields(Activity)}
    values = network.zero_gradients()
    return {
        "ot.methods.TimeStep": partial(
            record_made, methods.TimeStep, {"activity": activity.at(0), "output_error": np.ones((1, 2))}
        ),
        "ot.methods.Option": partial(record_made, methods.Option, {"choices": ("a", "b"), "meaning": "which"}),
        "ot.methods.Method": partial(
            record_made, methods.Method, {"name": "own", "label": "Own", "gradients": ot.sltt.gradients}
        ),
        "ot.methods.Gradients": partial(
            record_made, methods.Gradients, {"values": values, "loss": 0.5, "outputs": np.ones((2, 1, 2))}
        ),
        "Activity": partial(record_made, Activity, activity_fields),
        "Parameters": parameters_made,
        "Parameters.only": lambda rng: Call(
            lambda endings: network.parameters.only(*(endings if isinstance(endings, tuple) else (endings,))),
            {"endings": ("weight",)},
            lambda result, given: _assert(list(result)),
        ),
        "Parameters.project": lambda rng: Call(
            network.parameters.project, {}, lambda result, given: _assert(result is None)
        ),
        "Parameters.require_unchanged": lambda rng: Call(
            network.parameters.require_unchanged, {}, lambda result, given: _assert(result is None)
        ),
        "GradientSum": lambda rng: Call(
            GradientSum,
            {"network": network, "batch_size": 2, "time_steps": 1, "errors": True},
            lambda result, given: naive.same(result.values, values),
            open=("network", "batch_size", "time_steps", "errors"),
        ),
        "ot.equilibrium.Convergence": partial(
            record_made,
            ot.equilibrium.Convergence,
            {"rates_residual": 0.0, "rates_evaluations": 0, "gradient_solver": "direct", "gradient_residual": 0.0},
        ),
    }


def _algebra_calls():
    """Functions that are called alike."""
    found = {}
    for name in ("ot.rate_normaliser", "ot.rates.rate_normaliser"):
        found[name] = rate_normaliser
    for name in ("ot.weighted_rate", "ot.rates.weighted_rate"):
        found[name] = weighted_rate
    for method in OPTIONS:
        found[f"ot.{method}.gradients"] = partial(gradients, method)
    for name in ALGEBRA:
        found[name] = partial(algebra, name)
    for name in ("measured_rates", "input_decay", "require_rates", "complete_rates", "finite_rates"):
        found[f"ot.rates.{name}"] = partial(rates_call, f"ot.rates.{name}")
    for name in ("rates_of", "sweep", "rate_outputs", "backward", "errors_of"):
        found[f"ot.spike_representation.{name}"] = partial(rates_call, f"ot.spike_representation.{name}")
    for name in [
        "contraction_factor",
        "layer_norms",
        "limit_contraction",
        "spectral_norm",
        "solve",
        "solve_linear",
        "eliminate",
        "distance",
    ]:
        found[f"ot.equilibrium.{name}"] = partial(equilibrium_call, name)
    for name in ("require_loss", "require_targets", "sequence_loss", "step_loss", "average_loss"):
        found[f"ot.losses.{name}"] = partial(losses_call, name)
    return found


def _families():
    """Rules, learners and feedbacks, with the methods of each."""
    found = {}
    for name, kind in RULES.items():
        found[name] = partial(rule_made, name)
        found |= {f"{name}.{each}": partial(rule_call, name, each) for each in methods_of(kind)}
    for name in ("ot.ottt", "ot.sltt", "ot.rtrl", "ot.methods"):
        found[f"{name}.OnlineLearner"] = partial(learner_made, name)
        for each in methods_of(methods.OnlineLearner):
            found[f"{name}.OnlineLearner.{each}"] = partial(learner_call, name, each)
    for kind in FEEDBACKS:
        found[f"ot.methods.{kind}"] = partial(feedback_made, kind)
    for kind in (*FEEDBACKS, "TransposedWeights", "ErrorFeedback"):
        for each in methods_of(getattr(methods, kind)):
            if (kind, each) != ("ErrorFeedback", "spike_error"):  # which is abstract
                found[f"ot.methods.{kind}.{each}"] = partial(feedback_call, kind, each)
    return found
