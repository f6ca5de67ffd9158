"""Right calls of the parts of a network: operations, neurons, surrogates, losses, layers, connections."""

from functools import partial

import numpy as np
from scipy import integrate

import ottt_ref as ot
from ottt_ref.network.layers import Connection

from ... import oracles
from . import naive
from .door import methods_of
from .running import UNCOMPARED, Call

DTYPES = (np.float64, np.float64, np.float32)
NOTHING = partial(lambda result, arguments: UNCOMPARED)


def dtype_of(rng):
    return DTYPES[rng.integers(len(DTYPES))]


def normal(rng, shape, dtype=np.float64):
    return rng.normal(size=shape).astype(dtype)


def dense(rng, dtype, n_out=2, n_in=3):
    bias = False if rng.random() < 0.2 else normal(rng, n_out, dtype)
    return ot.Dense(normal(rng, (n_out, n_in), dtype), bias)


def convolution(rng, dtype):
    groups = int(rng.integers(1, 3))
    weight = normal(rng, (2, 2 // groups, rng.integers(1, 3), rng.integers(1, 3)), dtype)
    stride, padding, dilation = (tuple(rng.integers(least, 3, 2).tolist()) for least in (1, 0, 1))
    return ot.Conv2d(weight, normal(rng, 2, dtype), stride=stride, padding=padding, dilation=dilation, groups=groups)


def row_convolution(rng, dtype):
    groups = int(rng.integers(1, 3))
    weight = normal(rng, (2, 2 // groups, rng.integers(1, 3)), dtype)
    stride, padding, dilation = (int(rng.integers(least, 3)) for least in (1, 0, 1))
    return ot.Conv1d(weight, normal(rng, 2, dtype), stride=stride, padding=padding, dilation=dilation, groups=groups)


IMAGE, ROW = (2, 4, 5), (2, 5)
OPERATIONS = {
    "Dense": (dense, (3,)),
    "Conv2d": (convolution, IMAGE),
    "Conv1d": (row_convolution, ROW),
    "AveragePool2d": (lambda rng, dtype: ot.AveragePool2d((2, 2), (1, int(rng.integers(1, 4))), (1, 0)), IMAGE),
    "AveragePool1d": (lambda rng, dtype: ot.AveragePool1d(3, int(rng.integers(1, 4)), 1), ROW),
    "MaxPool2d": (lambda rng, dtype: ot.MaxPool2d((2, 3), (1, int(rng.integers(1, 4))), (1, 0)), IMAGE),
    "MaxPool1d": (lambda rng, dtype: ot.MaxPool1d(3, int(rng.integers(1, 4)), 1), ROW),
    "Flatten": (lambda rng, dtype: ot.Flatten(), IMAGE),
    "Scale": (lambda rng, dtype: ot.Scale(float(rng.normal())), (3,)),
    "ChannelScale": (lambda rng, dtype: ot.ChannelScale(normal(rng, 2, dtype), normal(rng, 2, dtype)), IMAGE),
    "SkipInit": (lambda rng, dtype: ot.SkipInit(normal(rng, 1, dtype)), IMAGE),
    "Upsample2d": (lambda rng, dtype: ot.Upsample2d((int(rng.integers(1, 4)), 2)), IMAGE),
    "Dropout": (lambda rng, dtype: ot.Dropout(0.5), (3,)),
    "WeightStandardised": (
        lambda rng, dtype: ot.WeightStandardised(dense(rng, dtype), normal(rng, 2, dtype), epsilon=0.1),
        (3,),
    ),
    "Chain": (lambda rng, dtype: ot.Chain([ot.Scale(0.75), convolution(rng, dtype), ot.Flatten()]), IMAGE),
}


def drawn(name, rng):
    """An operation, the shape of one sample, values, an error and the constant input, of one dtype."""
    make, shape = OPERATIONS[name]
    dtype = dtype_of(rng)
    operation = make(rng, dtype)
    batch = int(rng.integers(1, 4))
    error = normal(rng, (batch, *operation.output_shape(shape)), dtype)
    return operation, shape, normal(rng, (batch, *shape), dtype), error, np.array([0.75], dtype)


def forward(name, rng):
    operation, _, values, _, constant = drawn(name, rng)

    def oracle(result, given):
        assert result.dtype == given["values"].dtype
        naive.close(result, *naive.forward(operation, given["values"], given["bias_input"]))

    given = {"values": values, "bias_input": constant}
    return Call(operation.forward, given, oracle, open=() if operation.parameter_names else ("bias_input",))


def adjoint(name, rng):
    operation, shape, values, error, _ = drawn(name, rng)

    def oracle(result, given):
        naive.close(result, *naive.adjoint(operation, *given.values()))

    at = {} if operation.linear else {"values": values}
    return Call(operation.adjoint, {"error": error, "input_shape": shape, **at}, oracle)


def add_gradients(name, rng):
    operation, _, values, error, constant = drawn(name, rng)
    gradients = {each: np.ones_like(array) for each, array in operation.parameters.items()}
    given = {"gradients": gradients, "error": error, "presynaptic": values, "bias_input": constant}

    def oracle(result, given):
        assert result is None
        if not operation.parameter_names:
            return UNCOMPARED
        if not naive.moderate(given["error"], given["presynaptic"], given["bias_input"]):
            return UNCOMPARED  # difference quotients overflow
        wanted = naive.parameter_gradients(operation, given["error"], given["presynaptic"], given["bias_input"])
        for each, array in wanted.items():
            added = naive.numbers(given["gradients"][each]) - naive.numbers(given["gradients_before"][each])
            size = max(1.0, float(np.abs(array).max()), float(np.abs(given["error"]).sum()))
            largest = size * max(1.0, float(np.abs(given["presynaptic"]).max()))
            slack = 1e-3 if error.dtype == np.float32 else 1e-5  # of differences of the standardised weight
            assert np.allclose(added, array, rtol=0, atol=slack * largest), f"{each}: {added}, not {array}"
        return None

    own = tuple(given) if not operation.parameter_names and name != "Chain" else ()
    return Call(operation.add_gradients, given, oracle, changes=("gradients",), open=own)


def equal_parts(left, right):
    naive.same(left.parameters, right.parameters)
    assert type(left) is type(right) and repr(left) == repr(right)


def operation_call(name, method, rng):
    """The right call of an operation's method that is not one of the three above."""
    operation, shape, values, _, constant = drawn(name, rng)
    parameter = operation.parameter_names[0] if operation.parameter_names else "weight"

    def alike(result, given):
        equal_parts(result, operation)

    def reached(result, given):
        given_shape = given["input_shape"]
        if not isinstance(given_shape, tuple | list) or len(given_shape) != len(shape) or min(given_shape) < 1:
            return UNCOMPARED  # what no sample has
        found, _ = naive.forward(operation, np.zeros((1, *given_shape)), constant)
        return naive.same(tuple(result), found.shape[1:])

    def masked(result, given):
        found = result.forward(np.ones((given["batch_size"], *given["input_shape"])).astype(given["dtype"]), constant)
        if name == "Dropout":
            assert set(np.unique(found)) <= {0.0, 2.0}
        return None if name == "Dropout" else UNCOMPARED

    def doubled(result, given):
        for each, array in operation.parameters.items():
            if isinstance(given["convert_array"](array), np.ndarray) and name not in ("WeightStandardised", "Chain"):
                assert np.array_equal(result.parameters[each], given["convert_array"](array))
        return None if operation.parameter_names else UNCOMPARED

    def passed_on(result, given):
        here = given["input_shape"]
        for child, found in zip(operation.children, result, strict=True):
            naive.same(tuple(found), here)
            if name == "Chain":
                here = naive.forward(child, np.zeros((1, *here)), constant)[0].shape[1:]

    def owned(result, given):
        found = getattr(result, parameter, None)
        assert found is (
            operation.parameters[parameter] if operation.parameter_names else getattr(operation, parameter, None)
        )

    def normalises(result, given):
        found = [result.factor, result.offset]
        weight, bias, mean, variance = (
            default if given[each] is None else naive.numbers(given[each])
            for each, default in (("weight", 1.0), ("bias", 0.0), ("running_mean", None), ("running_var", None))
        )
        factor = weight / np.sqrt(variance + float(given["eps"]))
        for array, wanted in zip(found, (factor, bias - mean * factor)):
            naive.close(array, wanted, np.abs(bias) + np.abs(mean * factor) + np.abs(factor))

    dtype = values.dtype
    arrays = {each: normal(rng, 2, dtype) for each in ("weight", "bias", "running_mean")}
    calls = {
        "from_batch_norm": (
            {**arrays, "running_var": rng.random(2).astype(dtype) + dtype.type(0.1), "eps": 0.5},
            normalises,
        ),
        "output_shape": ({"input_shape": shape}, reached),
        "child_shapes": ({"input_shape": shape}, passed_on),
        "copy": ({}, alike),
        "unmasked": ({}, alike),
        "with_children": ({"change": lambda child: child.copy()}, alike),
        "owner": ({"parameter": parameter}, owned),
        "replaced": ({}, alike),
        "rebuilt": ({"convert_array": lambda array: array * 2, "convert_number": lambda number: number}, doubled),
        "masked": (
            {"batch_size": 2, "input_shape": shape, "dtype": values.dtype, "rng": np.random.default_rng(1)},
            masked,
        ),
        "bias_gradient": (
            {"gradients": {each: np.ones_like(array) for each, array in operation.parameters.items()}},
            lambda result, given: naive.close(result, np.full(2, float("bias" in operation.parameter_names))),
        ),
        "standardised": ({}, lambda result, given: _standardised(operation, result)),
    }
    arguments, oracle = calls[method]
    # What changes an operation is for those who write one: it takes functions of theirs, and gives what these give.
    own = {
        "with_children": ("change",),
        "owner": ("parameter",),
        "child_shapes": ("input_shape",),
        "bias_gradient": ("gradients",),
    }
    ours = {"masked": () if name == "Dropout" else tuple(arguments)}
    bounded = ("batch_size", "input_shape") if method == "masked" else ()
    return Call(
        getattr(operation, method),
        arguments,
        oracle,
        changes=("rng",),
        bounded=bounded,
        open={**own, **ours}.get(method, ()),
    )


def _standardised(operation, result):
    standardised, deviation = result
    wanted = naive.standardised_weight(operation).reshape(standardised.shape)
    gained = naive.numbers(standardised) * naive.numbers(operation.gain)[:, np.newaxis]
    naive.close(gained, wanted, np.abs(wanted) + 1, dtype=standardised.dtype)
    assert np.all(deviation > 0)


def operation_made(name, rng):
    operation, shape, values, _, constant = drawn(name, rng)
    arguments = {
        "Dense": lambda: {"weight": operation.weight, "bias": operation.bias},
        "Conv2d": lambda: {"weight": operation.weight, "bias": operation.bias, "stride": 2, "padding": (1, 0)},
        "Conv1d": lambda: {"weight": operation.weight, "bias": operation.bias, "dilation": 2, "groups": 1},
        "AveragePool2d": lambda: {"size": (2, 1), "stride": (1, 2), "padding": 0},
        "AveragePool1d": lambda: {"size": 2, "stride": 1, "padding": 1},
        "MaxPool2d": lambda: {"size": (2, 1), "stride": (1, 2), "padding": 0},
        "MaxPool1d": lambda: {"size": 2, "stride": 1, "padding": 1},
        "Flatten": dict,
        "Scale": lambda: {"factor": 0.75},
        "ChannelScale": lambda: {"factor": operation.factor, "offset": operation.offset},
        "SkipInit": lambda: {"skip_gain": operation.skip_gain},
        "Upsample2d": lambda: {"factor": 2},
        "Dropout": lambda: {"rate": 0.25},
        "WeightStandardised": lambda: {"synapses": operation.synapses, "gain": operation.gain, "epsilon": 0.5},
        "Chain": lambda: {"operations": list(operation.operations)},
    }[name]()

    def oracle(result, given):
        assert type(result) is getattr(ot, name)
        parameters = result.parameters
        given_values = values if not parameters else values.astype(next(iter(parameters.values())).dtype)
        if given_values.dtype.hasobject:
            return UNCOMPARED
        try:
            result.output_shape(shape)
        except ValueError:  # another shape than ours
            return UNCOMPARED
        one = constant.astype(given_values.dtype)
        naive.close(result.forward(given_values, one), *naive.forward(result, given_values, one))
        return None

    return Call(getattr(ot, name), arguments, oracle)


def abstract(function, arguments, rng):
    """What a base class leaves to its subclasses: a TypeError that says so."""
    return Call(function, arguments, None, raises=TypeError)


ABSTRACT = {
    "ot.Operation.forward": (ot.Operation().forward, {"values": np.ones((1, 2)), "bias_input": np.ones(1)}),
    "ot.Operation.adjoint": (ot.Operation().adjoint, {"error": np.ones((1, 2)), "input_shape": (2,)}),
    "ot.Neuron.step": (
        ot.Neuron().step,
        {"state": (np.ones((1, 2)),), "output": np.ones((1, 2)), "current": np.ones((1, 2))},
    ),
    "ot.Neuron.surrogate_derivative": (ot.Neuron().surrogate_derivative, {"state": (np.ones((1, 2)),)}),
    "ot.Neuron.parameter_derivatives": (
        ot.Neuron().parameter_derivatives,
        {"name": "gain", "previous_state": (), "previous_output": np.ones(2), "state": ()},
    ),
    "ot.Neuron.rebuilt": (ot.Neuron().rebuilt, {"convert_array": np.copy, "convert_number": float}),
    "ot.losses.Loss.evaluate": (ot.losses.Loss().evaluate, {"outputs": np.ones((1, 2)), "targets": np.ones((1, 2))}),
    "ot.losses.Loss.value": (ot.losses.Loss().value, {"outputs": np.ones((1, 2)), "targets": np.ones((1, 2))}),
    "ot.losses.Loss.gradient": (ot.losses.Loss().gradient, {"outputs": np.ones((1, 2)), "targets": np.ones((1, 2))}),
    "ot.surrogate.Surrogate.derivative": (ot.surrogate.Surrogate().derivative, {"z": np.ones(2)}),
    "ot.surrogate.Surrogate.primitive": (ot.surrogate.Surrogate().primitive, {"z": np.ones(2)}),
    "ot.methods.ErrorFeedback.spike_error": (
        ot.methods.ErrorFeedback().spike_error,
        {"network": None, "step": None, "l": 0, "errors": []},
    ),
}

SURROGATES = {
    "Sigmoid": {"alpha": 4.0},
    "Arctan": {"alpha": 2.0},
    "Triangle": {"width": 1.5, "height": 0.5},
    "Rectangle": {"width": 1.5},
    "FastSigmoid": {"slope": 1.5, "height": 0.5},
    "MultiGaussian": {"sigma": 0.5, "h": 0.15, "s": 6.0, "scale": 1.0},
}


def formula(surrogate):
    described = surrogate.description()
    kind = described.pop("type")
    return partial(oracles.SURROGATES[kind], **{name: float(value) for name, value in described.items()})


def derivative(kind, rng):
    surrogate = getattr(ot.surrogate, kind)(**SURROGATES[kind])
    z = normal(rng, (2, 3), dtype_of(rng))

    def oracle(result, given):
        z = naive.numbers(given["z"])
        if not np.all(np.abs(z) < 100):  # beyond, the formula of the oracle overflows
            return UNCOMPARED
        wanted = np.array([formula(surrogate)(float(each)) for each in z.flat]).reshape(z.shape)
        scale = 1 + 10 * np.abs(z)
        naive.close(result, wanted, scale)
        return None

    return Call(surrogate.derivative, {"z": z}, oracle)


def primitive(kind, rng):
    surrogate = getattr(ot.surrogate, kind)(**SURROGATES[kind])
    z = normal(rng, 3, dtype_of(rng))

    def oracle(result, given):
        z = naive.numbers(given["z"])
        if not np.all(np.abs(z) < 30):
            return UNCOMPARED
        bends = sorted({0.0, *(sign * number for number in (0.75, 1.5) for sign in (1, -1))})
        for found, at in zip(naive.numbers(result).flat, z.flat):
            area, _ = integrate.quad(formula(surrogate), -40.0, float(at), points=bends, limit=400)
            tail = 1e-2 if kind in ("Arctan", "FastSigmoid") else 1e-5  # what lies below -40
            assert abs(found - area) < tail, f"{found}, not {area}"
        return None

    return Call(surrogate.primitive, {"z": z}, oracle)


def surrogate_call(kind, method, rng):
    surrogate = getattr(ot.surrogate, kind)(**SURROGATES.get(kind, {}))
    described = {"type": kind, **SURROGATES.get(kind, {})}
    numbers = list(SURROGATES.get(kind, {}).values())
    kernel_numbers = {"Rectangle": [1 / 1.5, 0.75], "FastSigmoid": [1 / 1.5, 0.5]}.get(kind, numbers)
    calls = {
        "description": ({}, lambda result, given: _assert(result == described)),
        "parameters": ({}, lambda result, given: naive.same(result, kernel_numbers)),
        "with_numbers": ({"convert": float}, lambda result, given: _assert(result == surrogate)),
    }
    arguments, oracle = calls[method]
    return Call(getattr(surrogate, method), arguments, oracle, open=tuple(arguments))


def _assert(condition):
    assert condition


def surrogate_made(kind, rng):
    def oracle(result, given):
        try:
            ot.surrogate.require_surrogate_held("layers[0]", result, np.dtype(float))
        except ValueError:  # numbers so large or small that a network refuses them
            return UNCOMPARED
        z = np.linspace(-2, 2, 9)
        wanted = [formula(result)(float(each)) for each in z]
        return naive.close(result.derivative(z), np.array(wanted), 10 + np.abs(wanted))

    return Call(getattr(ot.surrogate, kind), dict(SURROGATES.get(kind, {})), oracle if kind != "Surrogate" else NOTHING)


NEURONS = {
    "LIF": lambda rng: ot.LIF(0.75, 1.25, ("soft", "hard", "unleaked")[rng.integers(3)], reset_potential=-0.25),
    "CubaLIF": lambda rng: ot.CubaLIF(
        0.75, 0.5, 1.25, ("soft", "hard", "unleaked")[rng.integers(3)], reset_potential=-0.25
    ),
    "Integrator": lambda rng: ot.Integrator(0.75),
}


def neuron_call(kind, method, rng):
    neuron = NEURONS[kind](rng) if kind in NEURONS else ot.Neuron()
    dtype = dtype_of(rng)
    u, s = normal(rng, (2, 3), dtype), rng.integers(0, 2, (2, 3)).astype(dtype)
    current, psi = normal(rng, (2, 3), dtype), rng.random((2, 3)).astype(dtype)
    states = (u, *(normal(rng, (2, 3), dtype) for _ in neuron.states[1:]))

    def of(oracle):
        return partial(oracle, kind, neuron)

    state = {"state": states, "output": s}
    calls = {
        "step": ({**state, "current": current, "soft": False}, of(_neuron_step)),
        "jacobian": ({**state, "surrogate_derivative": psi, "kept": bool(rng.integers(2))}, of(_neuron_jacobian)),
        "reset_jacobian": (state, of(_neuron_reset_jacobian)),
        "surrogate_derivative": ({"state": states}, of(_neuron_surrogate_derivative)),
        "copy": ({}, lambda result, given: _assert(result == neuron or kind == "Neuron")),
        "rebuilt": (
            {"convert_array": np.copy, "convert_number": float},
            lambda result, given: _assert(result == neuron),
        ),
        "project": ({"parameters": {}}, lambda result, given: _assert(result is None)),
        "description": ({}, lambda result, given: _assert(result["type"] == kind and result["decay"] == 0.75)),
        "constants": (
            {"dtype": np.dtype(dtype)},
            lambda result, given: naive.close(result, np.array([0.75, 1.25, -0.25, 0.5])[: len(neuron.setting_names)]),
        ),
        "require_held": (
            {"name": "layers[0]", "dtype": np.dtype(dtype)},
            lambda result, given: _assert(result is None),
        ),
        "post_reset_potential": ({"potential": u, "spikes": s}, partial(_post_reset, neuron)),
        "parameter_derivatives": (
            {"name": "decay", "previous_state": states, "previous_output": s, "state": states},
            of(_neuron_parameter_derivatives),
        ),
    }
    arguments, oracle = calls[method]
    if kind == "Neuron":
        return _base_neuron(neuron, method, arguments)
    if method == "post_reset_potential" and neuron.reset == "unleaked":
        return Call(neuron.post_reset_potential, arguments, None, raises=ValueError, open=("potential", "spikes"))
    # formulas, of numbers as well as of arrays; conversions take functions of one's own
    own = {"rebuilt": tuple(arguments), "project": ("parameters",), "reset_jacobian": ("output",)}
    own["parameter_derivatives"] = ("state", "previous_output")  # of the readout and the threshold, not asked for
    own["constants"] = ("dtype", "shape")  # which the network knows
    ours = {"jacobian": ("state", "output", "surrogate_derivative", "kept")} if kind == "Integrator" else {}
    return Call(
        getattr(neuron, method),
        arguments,
        oracle,
        changes=("state", "output") if method == "step" else (),
        open={**own, **ours}.get(method, ()),
    )


def _neuron_step(kind, neuron, result, given):
    before_u, before_s = given["state_before"][0], given["output_before"]
    if kind == "CubaLIF":
        wanted = 0.5 * naive.numbers(given["state_before"][1]) + naive.numbers(given["current"])
        naive.close(given["state"][1], wanted, np.abs(wanted) + 4)
        wanted = naive.lif_step(neuron, before_u, before_s, given["state"][1])
    elif kind == "LIF":
        wanted = naive.lif_step(neuron, before_u, before_s, given["current"])
    else:
        wanted = 0.75 * naive.numbers(before_u) + naive.numbers(given["current"])
    size = np.abs(naive.numbers(before_u)) + np.abs(naive.numbers(given["current"])) + 4
    naive.close(given["state"][0], wanted, size)
    found = naive.numbers(given["state"][0])
    if kind == "Integrator":
        naive.same(given["output"], given["state"][0])
    elif not given["soft"]:
        naive.same(naive.numbers(given["output"]), (found >= 1.25).astype(float))


def _neuron_jacobian(kind, neuron, result, given):
    (u, *_), kept = given["state"], given["kept"]
    if kind == "CubaLIF":
        naive.same(result[1][0], 0 * result[0][0])
        naive.same(result[1][1], result[0][1])
        naive.close(result[0][1], np.full(np.shape(u), 0.5))
    if kind != "Integrator":
        wanted = naive.lif_jacobian(neuron, u, given["output"], given["surrogate_derivative"], kept)
    else:
        wanted = np.full(np.shape(u), 0.75)
    size = (1 + np.abs(naive.numbers(u))) * (1 + np.abs(naive.numbers(given["surrogate_derivative"]))) * 4
    naive.close(result[0][0], wanted, size)


def _neuron_reset_jacobian(kind, neuron, result, given):
    if kind == "Integrator":
        return naive.same(list(result), [0])
    naive.same(list(result[1:]), [0] * (len(result) - 1))
    u = given["state"][0]
    wanted = {"soft": -0.75 * 1.25, "unleaked": -1.25}.get(neuron.reset)
    wanted = 0.75 * (-0.25 - naive.numbers(u)) if wanted is None else wanted
    return naive.close(result[0], wanted, np.abs(wanted) + 1, dtype=np.asarray(u).dtype)


def _neuron_parameter_derivatives(kind, neuron, result, given):
    """What λ is multiplied by in one time step; the threshold's derivative, where that is asked for."""
    (u, *_), s = given["previous_state"], given["previous_output"]
    if given["name"] != "decay":
        return UNCOMPARED
    leaky = ot.LIF(1.0, 1.25, neuron.reset, reset_potential=-0.25) if kind != "Integrator" else None
    wanted = naive.numbers(u)
    if leaky is not None:
        wanted = naive.lif_step(leaky, u, s, np.zeros(np.shape(u)))
        wanted = naive.numbers(u) if neuron.reset == "unleaked" else wanted
    naive.close(result[0][0], wanted, np.abs(naive.numbers(u)) + 4)
    return naive.same(result[1], 0)


def _neuron_surrogate_derivative(kind, neuron, result, given):
    u = given["state"][0]
    wanted = np.ones(np.shape(u))
    if kind != "Integrator":
        values = np.clip(naive.numbers(u) - 1.25, -100, 100)
        wanted = np.array([oracles.sigmoid_surrogate(float(z), 4.0) for z in values.flat]).reshape(np.shape(u))
    naive.close(result, wanted, 4 + np.abs(np.clip(naive.numbers(u), -50, 50)))


def _post_reset(neuron, result, given):
    u, s = naive.numbers(given["potential"]), naive.numbers(given["spikes"])
    wanted = u - 1.25 * s if neuron.reset == "soft" else u * (1 - s) - 0.25 * s
    naive.close(naive.numbers(result), wanted, np.abs(u) + np.abs(s) * (np.abs(u) + 2), dtype=np.float32)


class Plain(ot.Neuron):
    """The least that a neuron of one's own is."""

    decay, threshold = 0.75, 1.0


def _base_neuron(neuron, method, arguments):
    """The defaults that a subclass has without writing them."""
    neuron = Plain()
    oracles_of = {
        "jacobian": lambda result, given: naive.close(result[0][0], np.full((2, 3), 0.75)),
        "reset_jacobian": lambda result, given: naive.same(list(result), [0]),
        "copy": lambda result, given: _assert(type(result) is Plain),
        "project": lambda result, given: _assert(result is None),
    }
    if method == "description":  # it is a dataclass that has fields
        return Call(neuron.description, {}, None, raises=TypeError)
    return Call(getattr(neuron, method), arguments, oracles_of[method], open=tuple(arguments))


LOSSES = {
    "CrossEntropy": ot.losses.CrossEntropy(),
    "MeanSquaredError": ot.losses.MeanSquaredError(),
    "Mixed": ot.losses.Mixed(0.25),
}


def loss_call(kind, method, rng):
    loss, dtype = LOSSES[kind], dtype_of(rng)
    outputs = normal(rng, (3, 4), dtype)
    targets = rng.dirichlet(np.ones(4), 3).astype(dtype)

    def oracle(result, given):
        wanted = naive.loss_of(loss, given["outputs"], given["targets"])
        found = result if method == "evaluate" else {"value": (result, None), "gradient": (None, result)}[method]
        largest = np.abs(naive.numbers(given["outputs"])).max() + np.abs(naive.numbers(given["targets"])).max() + 2
        for got, right in zip(found, wanted):
            if got is not None:
                naive.close(got, right, np.full(right.shape, 4 * largest**2))

    return Call(getattr(loss, method), {"outputs": outputs, "targets": targets}, oracle)


def loss_made(kind, rng):
    arguments = {"mse_weight": 0.25} if kind == "Mixed" else {}

    def oracle(result, given):
        outputs, targets = rng.normal(size=(2, 3)), np.eye(3)[:2]
        for got, wanted in zip(result.evaluate(outputs, targets), naive.loss_of(result, outputs, targets)):
            naive.close(got, wanted, np.abs(wanted) + 10)

    return Call(getattr(ot.losses, kind), arguments, NOTHING if kind == "Loss" else oracle)


def lif_made(kind, rng):
    arguments = {
        **({"current_decay": 0.5} if kind is ot.CubaLIF else {}),
        "decay": 0.75,
        "threshold": 1.25,
        "reset": ("soft", "hard", "unleaked")[rng.integers(3)],
        "surrogate": ot.surrogate.Sigmoid(),
        "reset_potential": -0.25,
        "trainable": ((), ("threshold",), ("threshold", "decay"))[rng.integers(3)],
    }
    if rng.random() < 0.5:
        arguments["decay"] = np.array([0.75, 0.5, 0.25])

    def oracle(result, given):
        if any(value.shape not in ((1,), (3,), (2, 3)) for value in result.array_settings.values()):
            return UNCOMPARED  # a layer of another shape
        u, s, current = rng.normal(size=(2, 3)), rng.integers(0, 2, (2, 3)).astype(float), rng.normal(size=(2, 3))
        wanted = naive.lif_step(result, u, s, current)  # of two leaks, from a current of 0
        result.step((u, np.zeros((2, 3)))[: len(result.states)], s, current)
        size = 4 + abs(float(given["threshold"])) + abs(float(given["reset_potential"]))
        return naive.close(u, wanted, np.full((2, 3), size))

    return Call(kind, arguments, oracle)


def integrator_made(rng):
    def oracle(result, given):
        u = np.array([[2.0]])
        result.step((u,), np.zeros((1, 1)), np.array([[0.5]]))
        naive.close(u, np.array([[2.0 * float(given["decay"]) + 0.5]]))

    return Call(ot.Integrator, {"decay": 0.75, "trainable": ((), ("decay",))[rng.integers(2)]}, oracle)


def layer_made(rng):
    recurrent = dense(rng, np.float64, 2, 2) if rng.random() < 0.5 else None
    arguments = {"synapses": [ot.Scale(2.0), dense(rng, np.float64)], "neuron": ot.LIF(), "recurrent": recurrent}
    arguments |= {"delay": int(rng.integers(4)), "recurrent_delay": 1 if recurrent is None else int(rng.integers(1, 4))}

    def oracle(result, given):
        assert isinstance(result.synapses, ot.Operation) and isinstance(result.neuron, ot.Neuron)
        naive.close(
            result.synapses.forward(np.ones((1, 3)), np.ones(1)),
            *naive.forward(result.synapses, np.ones((1, 3)), np.ones(1)),
        )

    return Call(ot.Layer, arguments, oracle)


def layer_copy(rng):
    layer = ot.Layer(dense(rng, np.float64), ot.LIF(0.75), dense(rng, np.float64, 2, 2))
    return Call(layer.copy, {}, lambda result, given: equal_parts(result.synapses, layer.synapses))


def between(kind, source, target, rng):
    def oracle(result, given):
        assert (result.source, result.target) == (given["source"], given["target"])
        assert type(result.source) is int and isinstance(result.operations, ot.Operation)

    arguments = {"source": source, "target": target, "operations": dense(rng, np.float64)}
    return Call(kind, {**arguments, "delay": int(rng.integers(1, 4))}, oracle)


def connection_call(method, rng):
    kinds = ("Dense", "Conv2d", "Conv1d", "WeightStandardised")
    if method in ("adjoint", "entering"):
        kinds = (*kinds, "MaxPool2d")
    operation, shape, values, error, constant = drawn(kinds[rng.integers(len(kinds))], rng)
    connection = Connection(-1, 0, 0, operation, "layer0", shape)
    gradients = {f"layer0.{each}": np.zeros_like(array) for each, array in operation.parameters.items()}
    calls = {
        "forward": ({"values": values, "bias_input": constant}, naive.forward),
        "adjoint": (
            {"error": error, **({} if operation.linear else {"values": values})},
            lambda operation, error, *at: naive.adjoint(operation, error, shape, *at),
        ),
        "entering": (
            {"values": values},
            lambda operation, values: (values, values) if operation.linear else naive.forward(operation, values, None),
        ),
        "add_gradients": (
            {"gradients": gradients, "error": error, "presynaptic": values, "bias_input": constant},
            None,
        ),
    }
    arguments, formula = calls[method]

    def oracle(result, given):
        if formula is not None:
            return naive.close(result, *formula(operation, *given.values()))
        if not naive.moderate(given["error"], given["presynaptic"], given["bias_input"]):
            return UNCOMPARED
        wanted = naive.parameter_gradients(operation, given["error"], given["presynaptic"], given["bias_input"])
        slack = 1e-3 * (1 + float(np.abs(given["error"]).sum())) * (1 + float(np.abs(given["presynaptic"]).max()))
        for each, array in wanted.items():
            added = naive.numbers(given["gradients"][f"layer0.{each}"])
            added = added - naive.numbers(given["gradients_before"][f"layer0.{each}"])
            assert np.allclose(added, array, rtol=0, atol=slack)
        return None

    return Call(getattr(connection, method), arguments, oracle, changes=("gradients",))


def connection_made(rng):
    arguments = {
        "source": -1,
        "target": 0,
        "delay": 0,
        "operations": dense(rng, np.float64),
        "name": "layer0",
        "input_shape": (3,),
    }  # a record, which networks make: it takes what it is given
    return Call(
        Connection, arguments, lambda result, given: naive.same(result.output_shape, (2,)), open=tuple(arguments)
    )


def catalogue():
    """Every right call of this module, by name: functions of a random generator."""
    found = {
        "ot.LIF": partial(lif_made, ot.LIF),
        "ot.CubaLIF": partial(lif_made, ot.CubaLIF),
        "ot.Integrator": integrator_made,
        "ot.Neuron": lambda rng: Call(ot.Neuron, {}, NOTHING),
        "ot.Operation": lambda rng: Call(ot.Operation, {}, NOTHING),
        "ot.Layer": layer_made,
        "ot.Layer.copy": layer_copy,
        "ot.Feedback": partial(between, ot.Feedback, 1, 0),
        "ot.Skip": partial(between, ot.Skip, -1, 1),
        "Connection": connection_made,
        **{f"Connection.{each}": partial(connection_call, each) for each in methods_of(Connection)},
        **{name: partial(abstract, *given) for name, given in ABSTRACT.items()},
    }
    for name in OPERATIONS:
        found[f"ot.{name}"] = partial(operation_made, name)
        for method in methods_of(getattr(ot, name)):
            three = {"forward": forward, "adjoint": adjoint, "add_gradients": add_gradients}
            make = partial(three[method], name) if method in three else partial(operation_call, name, method)
            found[f"ot.{name}.{method}"] = make
    for method in set(methods_of(ot.Operation)) - {"forward", "adjoint"}:
        three = {"add_gradients": add_gradients}
        base = partial(three[method], "Flatten") if method in three else partial(operation_call, "Flatten", method)
        found[f"ot.Operation.{method}"] = base
    for kind in (*NEURONS, "Neuron"):
        for method in methods_of(getattr(ot, kind)):
            found.setdefault(f"ot.{kind}.{method}", partial(neuron_call, kind, method))
    for kind in (*SURROGATES, "Surrogate"):
        found[f"ot.surrogate.{kind}"] = partial(surrogate_made, kind)
        for method in methods_of(getattr(ot.surrogate, kind)):
            two = {"derivative": derivative, "primitive": primitive}
            make = partial(two[method], kind) if method in two else partial(surrogate_call, kind, method)
            found.setdefault(f"ot.surrogate.{kind}.{method}", make)
    for kind in (*LOSSES, "Loss"):
        found[f"ot.losses.{kind}"] = partial(loss_made, kind)
        for method in methods_of(getattr(ot.losses, kind)):
            found.setdefault(f"ot.losses.{kind}.{method}", partial(loss_call, kind, method))
    return found
