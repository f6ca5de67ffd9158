"""What every public function refuses: the message names the argument, what was expected and what came."""

from decimal import Decimal

import numpy as np
import pytest

import ottt_ref as ot

from .helpers import METHODS, OPTIONS, bits, dyadic_network, dyadic_sequence

TAKES_INPUTS = {"simulate": ot.simulate, **METHODS}
EYE = np.eye(2)


def with_entry(value):
    """Inputs [4, 2, 3] of zeros with one other entry."""
    inputs = np.zeros((4, 2, 3))
    inputs[2, 1, 0] = value
    return inputs


def complaint_of(error, call):
    """The message of the error that `call` must raise, of exactly that type."""
    with pytest.raises(error) as raised:
        call()
    assert type(raised.value) is error
    return str(raised.value)


def call(function, network, inputs, targets=(0, 1), **options):
    """`simulate` or a method."""
    if function == "simulate":
        return ot.simulate(network, inputs)
    return METHODS[function](network, inputs, np.array(targets), **options)


WRONG_INPUTS = {
    "two axes": (np.zeros((4, 3)), ValueError, "inputs must be [T, B, 3], got shape (4, 3)"),
    "four axes": (np.zeros((4, 2, 3, 1)), ValueError, "inputs must be [T, B, 3], got shape (4, 2, 3, 1)"),
    "other width": (np.zeros((4, 2, 4)), ValueError, "inputs must be [T, B, 3], got shape (4, 2, 4)"),
    "T = 0": (np.zeros((0, 2, 3)), ValueError, "inputs must be [T, B, 3] with T of at least 1, got shape (0, 2, 3)"),
    "B = 0": (np.zeros((4, 0, 3)), ValueError, "inputs must be [T, B, 3] with B of at least 1, got shape (4, 0, 3)"),
    "no width": (np.zeros((4, 2, 0)), ValueError, "inputs must be [T, B, 3], got shape (4, 2, 0)"),
    "scalar": (1.0, ValueError, "inputs must be [T, B, 3], got shape ()"),
    "float32": (
        np.zeros((4, 2, 3), np.float32),
        TypeError,
        "inputs must have dtype float64, got float32: .astype(np.float64) converts it",
    ),
    "float16": (np.zeros((4, 2, 3), np.float16), TypeError, "inputs must have dtype float64, got float16"),
    "integers that float64 would round": (
        np.full((4, 2, 3), 2**53 + 1),
        ValueError,
        "inputs must hold whole numbers that float64 can hold exactly, got 9007199254740993 at index [0, 0, 0]",
    ),
    "integers of other width": (np.zeros((4, 2, 4), int), ValueError, "inputs must be [T, B, 3], got shape (4, 2, 4)"),
    "an integer": (1, TypeError, "inputs must be an array [T, B, 3] of float64, got 1"),
    "complex": (np.zeros((4, 2, 3), complex), TypeError, "inputs must have dtype float64, got complex128"),
    "other byte order": (np.zeros((4, 2, 3), ">f8"), TypeError, "inputs must have dtype float64, got >f8"),
    "objects": (np.zeros((4, 2, 3), object), TypeError, "inputs must have dtype float64, got object"),
    "NaN": (with_entry(np.nan), ValueError, "inputs must be finite, got nan at index [2, 1, 0]"),
    "inf": (with_entry(np.inf), ValueError, "inputs must be finite, got inf at index [2, 1, 0]"),
    "-inf": (with_entry(-np.inf), ValueError, "inputs must be finite, got -inf at index [2, 1, 0]"),
    "masked": (np.ma.masked_array(np.zeros((4, 2, 3))), TypeError, "inputs must be a plain array, got a masked one"),
    "ragged": ([[[1.0]], [1.0]], TypeError, "inputs must be an array, got list: "),
    "None": (None, TypeError, "inputs must be an array [T, B, 3] of float64, got None"),
    "text": ("inputs", TypeError, "inputs must be an array [T, B, 3] of float64, got 'inputs'"),
}


@pytest.mark.parametrize("function", TAKES_INPUTS)
@pytest.mark.parametrize("wrong", WRONG_INPUTS)
def test_wrong_inputs_are_refused_by_every_function(wrong, function):
    inputs, error, complaint = WRONG_INPUTS[wrong]
    assert complaint_of(error, lambda: call(function, dyadic_network(0), inputs)).startswith(complaint)


@pytest.mark.parametrize("function", TAKES_INPUTS)
def test_a_float32_network_refuses_float64_and_an_exact_one_floats(function):
    inputs = np.zeros((4, 2, 3))
    network = dyadic_network(0)
    complaint = complaint_of(TypeError, lambda: call(function, network.astype(np.float32), inputs))
    assert complaint == "inputs must have dtype float32, got float64: .astype(np.float32) converts it"
    options = {} if function == "simulate" else {"loss": ot.losses.MeanSquaredError()}
    complaint = complaint_of(TypeError, lambda: call(function, network.exact(), inputs, **options))
    kind = "object (exact numbers, as the network's parameters are)"
    assert complaint == f"inputs must have dtype {kind}, got float64: ot.exact_array(...) converts"


@pytest.mark.parametrize(
    ("entry", "error", "complaint"),
    [
        ("a", TypeError, "inputs must hold numbers, got 'a' at index [2, 1, 0]"),
        (None, TypeError, "inputs must hold numbers, got None at index [2, 1, 0]"),
        (True, TypeError, "inputs must hold numbers, got True at index [2, 1, 0]"),
        (float("nan"), ValueError, "inputs must be finite, got nan at index [2, 1, 0]"),
        (np.float32("inf"), ValueError, "inputs must be finite, got np.float32(inf) at index [2, 1, 0]"),
    ],
)
def test_exact_networks_refuse_inputs_that_are_no_finite_numbers(entry, error, complaint):
    inputs = ot.exact_array(np.zeros((4, 2, 3)))
    inputs[2, 1, 0] = entry
    assert complaint_of(error, lambda: ot.simulate(dyadic_network(0).exact(), inputs)) == complaint


@pytest.mark.parametrize("function", [*TAKES_INPUTS, "Simulator", "OnlineLearner"])
@pytest.mark.parametrize(
    "network", [None, "net.npz", 5, [dyadic_network(0)], ot.Network], ids=lambda n: type(n).__name__
)
def test_what_is_no_network_is_refused_by_every_function(network, function):
    others = {
        "Simulator": lambda: ot.Simulator(network, 2),
        "OnlineLearner": lambda: ot.ottt.OnlineLearner(network, ot.training.SGD()),
    }
    attempt = others.get(function, lambda: call(function, network, np.zeros((4, 2, 3))))
    assert complaint_of(TypeError, attempt) == f"network must be a Network, got {network!r}"


@pytest.mark.parametrize("method", [*METHODS, "OnlineLearner"])
@pytest.mark.parametrize(
    "loss", [None, "mixed", 0.05, ot.losses.Mixed, ot.losses.Loss(), lambda o, y: 0], ids=lambda loss: str(loss)[:24]
)
def test_what_is_no_loss_is_refused_by_every_method(loss, method):
    def attempt():
        if method == "OnlineLearner":
            return ot.ottt.OnlineLearner(dyadic_network(0), ot.training.SGD(), loss)
        return call(method, dyadic_network(0), np.zeros((4, 2, 3)), loss=loss)

    complaint = complaint_of(TypeError, attempt)
    assert complaint == f"loss must be a loss such as Mixed(mse_weight=0.05), got {loss!r}"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("terms", [1, 0, None, "yes", EYE], ids=lambda terms: type(terms).__name__)
def test_terms_must_be_true_or_false(terms, method):
    complaint = complaint_of(TypeError, lambda: call(method, dyadic_network(0), np.zeros((4, 2, 3)), terms=terms))
    assert complaint == f"terms must be True or False, got {terms!r}"


@pytest.mark.parametrize(
    ("method", "option", "choices"),
    [
        ("bptt", "reset_gradient", "'detached', 'kept'"),
        ("bptt", "loss_of", "'steps', 'average'"),
        ("ottt", "dialect", "'derivation', 'authors'"),
        ("rtrl", "reset_gradient", "'detached', 'kept'"),
        ("spike_representation", "rates", "'measured', 'closed_form'"),
    ],
)
@pytest.mark.parametrize("value", ["other", "", "Kept", None, 0, ("kept",)], ids=repr)
def test_a_wrong_option_is_refused_with_its_choices(method, option, choices, value):
    attempt = {option: value}
    complaint = complaint_of(ValueError, lambda: call(method, dyadic_network(0), np.zeros((4, 2, 3)), **attempt))
    assert complaint == f"{option} must be one of {choices}, got {value!r}"


@pytest.mark.parametrize(("method", "options"), OPTIONS)
def test_a_method_has_no_other_options_and_takes_them_by_name_alone(method, options):
    network, inputs, targets = dyadic_network(0), *dyadic_sequence(0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'decay'"):
        METHODS[method](network, inputs, targets, decay=0.5)
    with pytest.raises(TypeError, match="positional argument"):
        METHODS[method](network, inputs, targets, ot.losses.Mixed(), *(options.values() or [False]))


def test_sltts_dialect_warns_that_it_does_nothing():
    network, (inputs, targets) = dyadic_network(0), dyadic_sequence(0)
    with pytest.warns(DeprecationWarning, match="dialect does nothing"):
        found = ot.sltt.gradients(network, inputs, targets, dialect="authors")
    assert bits(dict(found)) == bits(dict(ot.sltt.gradients(network, inputs, targets)))


@pytest.mark.parametrize("method", METHODS)
def test_a_refused_call_changes_nothing(method):
    network, (inputs, targets) = dyadic_network(0), dyadic_sequence(0)
    before = bits({"inputs": inputs, "targets": targets, **network.parameters})
    for wrong in ({"terms": 1}, {"loss": None}):
        with pytest.raises(TypeError):
            METHODS[method](network, inputs, targets, **wrong)
    with pytest.raises(ValueError, match="targets"):
        METHODS[method](network, inputs, targets[:1])
    assert bits({"inputs": inputs, "targets": targets, **network.parameters}) == before


def test_rtrl_refuses_a_network_whose_sensitivities_would_not_fit():
    network = ot.dense_network([100, 400, 10], rng=0)
    complaint = complaint_of(ValueError, lambda: ot.rtrl.gradients(network, np.zeros((1, 4, 100)), np.zeros(4, int)))
    # 2 (400 + 10) (100 · 400 + 400 + 400 · 10 + 10) = 820 · 44410 numbers for each of four samples
    assert "at most 134217728 numbers, got 145664800 for Network([100, 400, 10]" in complaint
    assert complaint.endswith("with a batch of 4")


def test_rtrl_takes_the_largest_network_that_it_says_it_takes(monkeypatch):
    network, (inputs, targets) = dyadic_network(0), dyadic_sequence(0)
    numbers = 2 * 2 * (4 + 3 + 2) * (12 + 4 + 12 + 3 + 6 + 2)
    monkeypatch.setattr(ot.rtrl, "LARGEST_STATE", numbers)
    ot.rtrl.gradients(network, inputs, targets)
    monkeypatch.setattr(ot.rtrl, "LARGEST_STATE", numbers - 1)
    with pytest.raises(ValueError, match=f"network must be small enough for rtrl.*got {numbers} for"):
        ot.rtrl.gradients(network, inputs, targets)


def test_weights_that_no_float_can_hold_are_refused():
    for wrong in ({"threshold": 1e308}, {"gain": 1e308}):
        complaint = complaint_of(ValueError, lambda wrong=wrong: ot.dense_network([3, 4, 2], rng=0, **wrong))
        assert complaint.startswith("threshold and gain must give weights within float64, got threshold=")
        assert "1e+308" in complaint
    for name in ("threshold", "gain"):
        complaint = complaint_of(ValueError, lambda name=name: ot.dense_network([3, 4, 2], rng=0, **{name: 10**400}))
        assert complaint.startswith(f"{name} must be above 0, and one that a float can hold, got a number of 1329")
    with pytest.raises(ValueError, match="within float32, got threshold=1e\\+39"):
        ot.dense_network([3, 4, 2], rng=0, threshold=1e39, dtype="float32")


@pytest.mark.parametrize("scheme", ["uniform", "normal", "orthogonal"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_weights_that_a_float_can_just_hold_are_drawn(scheme, dtype):
    largest = float(np.finfo(dtype).max) / 1e7
    network = ot.dense_network([300, 4, 2], rng=0, threshold=largest, initialisation=scheme, dtype=dtype)
    assert np.all(np.isfinite(network.parameters["layer0.weight"]))


@pytest.mark.parametrize("dtype", [{"names": ["a"], "formats": []}, 3, b"x"], ids=str)
def test_what_numpy_cannot_read_is_no_dtype(dtype):
    assert complaint_of(TypeError, lambda: dyadic_network(0).astype(dtype)).startswith(
        "dtype must be float64 or float32, got"
    )


def test_exact_arrays_are_not_made_of_masked_ones():
    masked = np.ma.masked_array([1.0, 2.0], mask=[True, False])
    assert complaint_of(TypeError, lambda: ot.exact_array(masked)) == "values must be a plain array, got a masked one"


def test_a_base_class_is_no_surrogate():
    with pytest.raises(TypeError, match="surrogate must be a surrogate such as"):
        ot.LIF(surrogate=ot.surrogate.Surrogate())


@pytest.mark.parametrize("decay", [Decimal("0.5"), np.float32(0.5), np.float64(0.5), 1, 0])
def test_numbers_of_every_kind_are_taken(decay):
    network = ot.dense_network([3, 4, 2], decay=decay, rng=0)
    ot.ottt.gradients(network, np.ones((2, 1, 3)), [1])
    assert network.layers[0].neuron.decay == float(decay)
