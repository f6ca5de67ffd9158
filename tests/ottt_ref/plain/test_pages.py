"""The pages: alike, short, free of imports, and the same numbers as the methods and as automatic differentiation."""

import ast
import difflib
import inspect
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import ottt_ref as ot
from tests import oracles

from ..helpers import assert_alive, assert_close, dyadic_sequence, eighths

NAMES = tuple(ot.plain.__all__)
OPTIONS = {
    "bptt": ("reset_gradient", "detached", "kept"),
    "ottt": ("dialect", "derivation", "authors"),
    "rtrl": ("reset_gradient", "detached", "kept"),
}
PAGES = [(name, {OPTIONS[name][0]: value}) for name in OPTIONS for value in OPTIONS[name][1:]]
PAGES += [(name, {}) for name in NAMES if name not in OPTIONS]
DECAY, THRESHOLD = Fraction(3, 4), Fraction(7, 8)
KINDS = {"lists": lambda values: values.tolist(), "arrays": lambda values: values}
ROUNDING = 1e-12  # fewer than 10^4 roundings of 1.2e-16

every_page = pytest.mark.parametrize(
    ("name", "options"), PAGES, ids=["-".join((name, *options.values())) for name, options in PAGES]
)
every_name = pytest.mark.parametrize("name", NAMES)
every_kind = pytest.mark.parametrize("kind", KINDS)


def page(name):
    return getattr(ot.plain, name)


def source(name):
    return inspect.getsource(page(name))


def case(surrogate=None):
    """A live 3-4-3-2 network with a linear readout, one λ and V_th; inputs [4, 2, 3] and targets [2, 2]."""
    rng = np.random.default_rng(5)
    neuron = ot.LIF(float(DECAY), float(THRESHOLD), surrogate=surrogate or ot.surrogate.Triangle(2.0, 0.5))
    sizes = (3, 4, 3, 2)
    layers = [
        ot.Layer(ot.Dense(eighths(rng, -1, 2, (fan_out, fan_in)), eighths(rng, -0.25, 0.25, fan_out)), neuron)
        for fan_in, fan_out in zip(sizes, sizes[1:])
    ]
    network = ot.Network([*layers[:-1], ot.Layer(layers[-1].synapses, ot.Integrator(0.0))])
    inputs, targets = dyadic_sequence(5)
    assert_alive(network, inputs)
    return network, inputs, targets


def triangle(z):
    """The surrogate of the exact case: of width 2 and height 1/2."""
    return Fraction(1, 2) * max(Fraction(0), 1 - abs(z) / 2)


def squared_error(o, y, time_steps):
    """∂L[t]/∂o[t] of the mean squared error."""
    return [2 * (output - target) / (len(o) * time_steps) for output, target in zip(o, y)]


def by_page(name, network, inputs, targets, kind, decay, threshold, surrogate, options):
    """The page's gradients as object arrays, named like the parameters; all that it is given is lists, or arrays."""
    parameters = [kind(value) for value in network.parameters.values()]
    rest = (kind(inputs), kind(targets), decay, threshold, surrogate, squared_error)
    weight_gradients, bias_gradients = page(name).gradients(parameters[::2], parameters[1::2], *rest, **options)
    parts = [part for layer in zip(weight_gradients, bias_gradients) for part in layer]
    return {key: oracles.objects(part) for key, part in zip(network.parameters, parts, strict=True)}


def exactly(name, inputs, targets, kind, options):
    """The page's gradients, and the method's, over fractions."""
    network = case()[0].exact()
    inputs, targets = ot.exact_array(inputs), ot.exact_array(targets)
    got = by_page(name, network, inputs, targets, kind, DECAY, THRESHOLD, triangle, options)
    if inputs.ndim == 2:
        inputs, targets = inputs[:, np.newaxis], targets[np.newaxis]
    loss = ot.losses.MeanSquaredError()
    return got, getattr(ot, name).gradients(network, inputs, targets, loss, **options)


def assert_exact(got, expected):
    assert got.keys() == expected.keys()
    for parameter, value in got.items():
        assert {type(number) for number in value.flat} == {Fraction}, parameter
        assert np.array_equal(value, expected[parameter]) and np.any(value != 0), parameter


@every_kind
@every_page
def test_a_page_equals_its_method_exactly_on_a_batch(name, options, kind):
    _, inputs, targets = case()
    assert_exact(*exactly(name, inputs, targets, KINDS[kind], options))


@every_kind
@every_page
def test_a_page_equals_its_method_exactly_on_one_sample(name, options, kind):
    _, inputs, targets = case()
    assert_exact(*exactly(name, inputs[:, 0], targets[0], KINDS[kind], options))


@every_kind
@pytest.mark.parametrize("samples", ["one", "batch"])
@every_page
def test_a_page_equals_its_method_in_floats_up_to_rounding(name, options, samples, kind):
    network, inputs, targets = case(ot.surrogate.Sigmoid())
    expected = inputs, targets
    if samples == "one":
        inputs, targets = inputs[:, 0], targets[0]
        expected = inputs[:, np.newaxis], targets[np.newaxis]

    def sigmoid(z):
        return oracles.sigmoid_surrogate(z, 4.0)

    rest = (KINDS[kind], float(DECAY), float(THRESHOLD), sigmoid, options)
    got = by_page(name, network, inputs, targets, *rest)
    method = getattr(ot, name).gradients(network, *expected, ot.losses.MeanSquaredError(), **options)
    assert {type(number) for value in got.values() for number in value.flat} <= {float, np.float64}
    assert_close({key: value.astype(np.float64) for key, value in got.items()}, dict(method), ROUNDING)


@every_page
def test_a_page_equals_the_naive_oracle_exactly(name, options):
    """For BPTT and RTRL that is automatic differentiation of the unrolled network."""
    network, inputs, targets = case()
    network, inputs, targets = network.exact(), ot.exact_array(inputs), ot.exact_array(targets)
    got = by_page(name, network, inputs, targets, KINDS["lists"], DECAY, THRESHOLD, triangle, options)
    expected = oracles.batch(name, network, inputs, targets, oracles.mean_squared_error, **options)
    assert_exact(got, expected.gradients)


@every_page
def test_a_page_changes_nothing_that_it_is_given(name, options):
    network, inputs, targets = case()
    parameters = [value.tolist() for value in network.parameters.values()]
    given = (parameters[::2], parameters[1::2], inputs.tolist(), targets.tolist())
    before = repr(given)
    page(name).gradients(*given, 0.75, 0.875, lambda z: max(0.0, 1.0 - abs(z)), squared_error, **options)
    assert repr(given) == before


@pytest.mark.parametrize("name", OPTIONS)
def test_an_unknown_option_is_refused_and_the_default_is_the_first(name):
    option, first, _ = OPTIONS[name]
    parameter = inspect.signature(page(name).gradients).parameters[option]
    assert parameter.default == first == inspect.signature(getattr(ot, name).gradients).parameters[option].default
    _, inputs, targets = case()
    with pytest.raises(KeyError, match="both"):
        exactly(name, inputs, targets, KINDS["lists"], {option: "both"})


def test_the_loss_of_the_rates_is_given_one_time_step():
    network, inputs, targets = case()
    asked = []

    def recorded(o, y, time_steps):
        asked.append(time_steps)
        return squared_error(o, y, time_steps)

    parameters = list(network.parameters.values())
    ot.plain.spike_representation.gradients(
        parameters[::2], parameters[1::2], inputs, targets, 0.5, 1.0, None, recorded
    )
    assert asked == [1, 1]


def test_the_folder_holds_the_pages_and_nothing_else():
    files = {path.stem for path in Path(inspect.getsourcefile(ot.plain)).parent.glob("*.py")}
    assert files == {"__init__", *NAMES} and len(NAMES) >= 5


@every_name
def test_a_page_imports_nothing(name):
    tree = ast.parse(source(name))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert "__import__" not in source(name)
    assert [type(node) for node in tree.body] == [ast.Expr, ast.FunctionDef]  # the docstring, and `gradients`


@every_name
def test_a_page_is_a_page(name):
    lines = source(name).splitlines()
    docstring = ast.parse(source(name)).body[0].end_lineno
    assert 40 <= len([line for line in lines[docstring:] if line.strip()]) <= 64  # a printed page with its docstring
    assert docstring <= 30 and max(map(len, lines)) <= 120


def test_every_page_has_the_arguments_of_every_other():
    common = list(inspect.signature(ot.plain.sltt.gradients).parameters)
    assert common == [
        "weights", "biases", "inputs", "targets", "decay", "threshold", "surrogate_derivative", "output_error"
    ]  # fmt: skip
    for name in NAMES:
        parameters = inspect.signature(page(name).gradients).parameters
        assert list(parameters) == [*common, *OPTIONS.get(name, ())[:1]]
        assert all(argument in page(name).__doc__ for argument in parameters)


@every_name
def test_a_page_differs_from_ottts_in_its_method_alone(name):
    """The forward pass, what comes before it and what is returned are the same lines."""
    ottt, other = (source(which).splitlines() for which in ("ottt", name))
    blocks = difflib.SequenceMatcher(None, ottt, other, autojunk=False).get_matching_blocks()
    shared = {line.strip() for block in blocks for line in ottt[block.a : block.a + block.size]}
    for line in (
        'if not hasattr(targets[0], "__len__"):  # one sample is a batch of one',
        "weights, biases = [[], *weights], [[], *biases]  # so that weights[l] is W^l",
        "u[l][i] = decay * (u[l][i] - threshold * s[l][i]) + current",
        "s[l][i] = 1 if u[l][i] >= threshold else 0",
        "return weight_gradients[1:], bias_gradients[1:]",
    ):
        assert line in shared


@every_name
@every_kind
@pytest.mark.parametrize(
    "wrong",
    [
        lambda inputs, targets: (inputs.transpose(1, 0, 2), targets),  # [B][T][n_in]
        lambda inputs, targets: (inputs, targets[:1]),
        lambda inputs, targets: (inputs, np.concatenate([targets, targets])),
        lambda inputs, targets: (inputs[:, :, :2], targets),
        lambda inputs, targets: (np.concatenate([inputs, inputs], axis=2), targets),
        lambda inputs, targets: (inputs[:, 0, :2], targets[0]),
        lambda inputs, targets: (inputs[:, :1], targets[0]),  # a batch of one, and the target of one sample
        lambda inputs, targets: (inputs, targets[:, 0]),  # numbers for labels: taken for the target of one sample
    ],
)
def test_inputs_that_do_not_fit_the_targets_and_the_weights_are_refused(name, kind, wrong):
    network, inputs, targets = case()
    weights = [KINDS[kind](network.parameters[f"{layer}.weight"]) for layer in network.layer_names]
    biases = [KINDS[kind](network.parameters[f"{layer}.bias"]) for layer in network.layer_names]
    inputs, targets = (KINDS[kind](array) for array in wrong(inputs, targets))
    with pytest.raises(ValueError, match=r"inputs must be \[T\]\[\d\]\[3\] for these targets and weights"):
        page(name).gradients(weights, biases, inputs, targets, 0.5, 1.0, lambda z: 1.0, lambda o, y, time_steps: o)


def test_the_rates_slope_is_zero_at_both_ends_of_the_clamp():
    """Currents of exactly 0, V_th / 2 and V_th: D = diag(0 < z < 1), so that the middle neuron alone learns."""
    weights, biases = [np.array([[0.0], [0.5], [1.0]]), np.ones((1, 3))], [np.zeros(3), np.zeros(1)]
    layers = [ot.Layer(ot.Dense(weights[0], biases[0]), ot.LIF(surrogate=ot.surrogate.Triangle()))]
    layers.append(ot.Layer(ot.Dense(weights[1], biases[1]), ot.Integrator()))
    inputs, targets, loss = np.ones((3, 1, 1)), np.array([[9.0]]), ot.losses.MeanSquaredError()
    exact = [ot.exact_array(array) for array in (*weights, *biases, inputs, targets)]
    right = ot.spike_representation.gradients(ot.Network(layers).exact(), *exact[4:], loss)
    found, _ = ot.plain.spike_representation.gradients(
        exact[:2], exact[2:4], *exact[4:], Fraction(1, 2), Fraction(1), None, lambda o, y, _: [2 * (o[0] - y[0])]
    )
    assert np.all(np.array(found[0]) == right["layer0.weight"])
    assert [row[0] != 0 for row in found[0]] == [False, True, False]
