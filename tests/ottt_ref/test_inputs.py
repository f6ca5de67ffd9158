"""Inputs at the door: whole numbers of every dtype, arrays of other libraries, axes in another order."""

from fractions import Fraction as F

import numpy as np
import pytest

import ottt_ref as ot

from ..selection import slow
from .helpers import METHODS, bits, content, dyadic_network

WHOLE = [bool, *(np.dtype(f"{sign}{bytes_}") for sign in "iu" for bytes_ in (1, 2, 4, 8)), np.dtype(">i4")]
KINDS = ("float64", "float32", "exact")
LABELS = np.array([0, 1])


def spikes(dtype=np.uint8, shape=(4, 2, 3)):
    """Zeros and ones."""
    return np.random.default_rng(3).integers(0, 2, shape).astype(dtype)


def in_kind(kind):
    """The network in a kind of numbers, and what makes its inputs of numbers."""
    if kind == "exact":
        return dyadic_network(0).exact(), ot.exact_array
    return dyadic_network(0).astype(kind), lambda array: np.asarray(array).astype(kind)


def simulated(network, inputs):
    return {"outputs": ot.simulate(network, inputs).outputs}


def of_method(gradients):
    def call(network, inputs):
        return content(gradients(network, inputs, LABELS, ot.losses.MeanSquaredError(), terms=True))

    return call


def by_steps(network, inputs):
    simulator = ot.Simulator(network, 2)
    return {f"outputs {t}": simulator.step(inputs[t]).outputs.copy() for t in range(len(inputs))}


def learned(network, inputs):
    rate = F(1, 8) if network.exact_numbers else 0.125
    optimizer = ot.training.SGD(rate, momentum=rate - rate)
    learner = ot.ottt.OnlineLearner(network, optimizer, ot.losses.MeanSquaredError(), time_steps=4)
    found = {f"outputs {t}": learner.step(inputs[t], LABELS)[1] for t in range(len(inputs))}
    return {**found, **network.parameters}


DOORS = {
    "simulate": simulated,
    "Simulator.step": by_steps,
    "OnlineLearner.step": learned,
    "measured_rates": lambda network, inputs: dict(enumerate(ot.rates.measured_rates(network, inputs))),
    **{f"{name}.gradients": of_method(gradients) for name, gradients in METHODS.items()},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("door", DOORS)
def test_whole_numbers_of_every_dtype_are_taken_as_the_networks_own(door, kind):
    network, own = in_kind(kind)
    expected = bits(DOORS[door](network.copy(), own(spikes(int))))
    for dtype in WHOLE if kind != "exact" else (bool, np.uint8):
        inputs = spikes(dtype)
        before = inputs.copy()
        assert bits(DOORS[door](network.copy(), inputs)) == expected, dtype
        assert np.array_equal(inputs, before) and inputs.dtype == dtype


def test_counts_of_spikes_are_taken_and_lists_of_whole_numbers():
    network = dyadic_network(0)
    counts = np.random.default_rng(1).integers(-3, 200, (4, 2, 3))
    expected = bits(simulated(network, counts.astype(float)))
    assert bits(simulated(network, counts.astype(np.int16))) == bits(simulated(network, counts.tolist())) == expected


@pytest.mark.parametrize(
    ("kind", "dtype", "held", "not_held"),
    [
        ("float64", np.int64, [2**53, -(2**53), 2**60, 2**53 + 2], [2**53 + 1, -(2**53) - 1, 2**63 - 1]),
        ("float64", np.uint64, [2**53, 2**63], [2**53 + 1, 2**64 - 1]),
        ("float32", np.int64, [2**24, 2**40], [2**24 + 1, 2**40 + 1, -(2**24) - 1]),
        ("float32", np.int32, [2**24, 2**30], [2**24 + 1, 2**31 - 1]),
        ("float32", np.uint32, [2**31], [2**32 - 1]),
    ],
)
def test_a_whole_number_that_the_dtype_would_round_is_refused(kind, dtype, held, not_held):
    network = dyadic_network(0).astype(kind)
    for number in held:
        inputs = np.zeros((1, 1, 3), dtype)
        inputs[0, 0, 1] = number
        assert int(ot.simulate(network, inputs).inputs[0, 0, 1]) == number
    for number in not_held:
        inputs = np.zeros((2, 1, 3), dtype)
        inputs[1, 0, 2] = number
        message = f"inputs must hold whole numbers that {kind} can hold exactly, got {number} at index [1, 0, 2]"
        with pytest.raises(ValueError) as raised:
            ot.simulate(network, inputs)
        assert str(raised.value) == message


def test_over_fractions_and_over_pythons_own_floats_nothing_is_rounded():
    network, largest = dyadic_network(0), np.full((1, 1, 3), 2**64 - 1, np.uint64)
    exact = network.exact()
    potential = ot.simulate(exact, largest).layer_potentials[0][0, 0, 0]
    weight, bias = exact.parameters["layer0.weight"][0], exact.parameters["layer0.bias"][0]
    assert potential == sum(weight) * (2**64 - 1) + bias and type(potential) is F
    with pytest.raises(ValueError, match="whole numbers that float64 can hold exactly, got 18446744073709551615"):
        ot.simulate(network.as_objects(float), largest)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, complex])
def test_other_numbers_are_refused_as_ever(dtype):
    for call in (lambda x: ot.simulate(dyadic_network(0), x), lambda x: ot.Simulator(dyadic_network(0), 2).step(x[0])):
        with pytest.raises(TypeError, match="inputs must have dtype float64, got"):
            call(spikes(dtype))


class Elsewhere:
    """A tensor of another library on the CPU, as NumPy sees it."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


def test_a_tensor_of_another_dtype_is_told_a_way_that_tensors_have():
    with pytest.raises(TypeError, match=r"got float32: np\.asarray\(\.\.\.\)\.astype\(np\.float64\) converts it"):
        ot.simulate(dyadic_network(0), Elsewhere(spikes(np.float32)))


class Exported:
    """The same by DLPack alone."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


@pytest.mark.parametrize("wrap", [Elsewhere, Exported])
@pytest.mark.parametrize("dtype", [np.float64, np.uint8])
def test_an_array_of_another_library_is_read_where_it_lies(wrap, dtype):
    network, inputs = dyadic_network(0), spikes(dtype)
    expected = bits(simulated(network, spikes(np.float64)))
    assert bits(simulated(network, wrap(inputs))) == expected and np.array_equal(inputs, spikes(dtype))
    labels = LABELS.astype(np.uint8)
    found = ot.ottt.gradients(network, wrap(inputs), wrap(labels))
    assert bits(dict(found)) == bits(dict(ot.ottt.gradients(network, spikes(np.float64), LABELS)))
    assert bits(by_steps(network, [wrap(row) for row in inputs])) == bits(by_steps(network, spikes(np.float64)))


def test_its_memory_is_shared():
    inputs = spikes(np.float64)
    assert np.shares_memory(ot.simulate(dyadic_network(0), Elsewhere(inputs)).inputs, inputs)


class Refusing:
    """What cannot be read, with the words of another library."""

    def __init__(self, error, **attributes):
        self.error = error
        vars(self).update(attributes)

    def __array__(self, dtype=None, copy=None):
        raise self.error


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            Refusing(RuntimeError("Can't call numpy()"), requires_grad=True),
            "got a Refusing that requires a gradient: inputs.detach().cpu() is one",
        ),
        (
            Refusing(TypeError("can't convert"), requires_grad=False, device="cuda:0"),
            "got a Refusing on the device cuda:0: inputs.detach().cpu() is one",
        ),
        (Refusing(LookupError("no such scalar type"), device="cpu"), "got Refusing: no such scalar type"),
    ],
)
def test_what_numpy_cannot_read_is_named_with_what_to_do(value, message):
    for call in (lambda: ot.simulate(dyadic_network(0), value), lambda: ot.Simulator(dyadic_network(0), 2).step(value)):
        with pytest.raises(TypeError) as raised:
            call()
        assert str(raised.value) == f"inputs must be an array, {message}"
    with pytest.raises(TypeError, match=r"^targets must be an array, got "):
        ot.ottt.gradients(dyadic_network(0), spikes(float), Refusing(RuntimeError("no"), requires_grad=True))


def image_network():
    layer = ot.Layer([ot.Flatten(), ot.Dense(np.ones((2, 60)))], ot.LIF())
    return ot.Network([layer], input_shape=(3, 4, 5))


def masked_network():
    layer = ot.Layer([ot.Dropout(0.5), ot.Dense(np.ones((2, 3)))], ot.LIF())
    return ot.Network([layer], input_shape=(3,)).with_dropout(2, 0)


@pytest.mark.parametrize(
    ("network", "shape", "advice"),
    [
        (dyadic_network(0), (2, 3, 6), "np.moveaxis(inputs, 2, 0) if they are [B, n, T], "
                                       "inputs.swapaxes(1, 2) if they are [T, n, B]"),
        (dyadic_network(0), (6, 3), "inputs[:, np.newaxis] is a batch of one sample"),
        (masked_network(), (2, 6, 3), "inputs.swapaxes(0, 1) if they are [B, T, n]"),
        (dyadic_network(0), (6, 2, 3, 1), "inputs.reshape(*inputs.shape[:2], 3) has them so"),
        (image_network(), (6, 2, 4, 5, 3), "np.moveaxis(inputs, -1, 2) if they are [T, B, H, W, C]"),
        (image_network(), (2, 3, 6, 4, 5), "np.moveaxis(inputs, 2, 0) if they are [B, C, T, H, W]"),
        (image_network(), (6, 2, 60), "inputs.reshape(*inputs.shape[:2], 3, 4, 5) has them so"),
        (image_network(), (6, 3, 4, 5), "inputs[:, np.newaxis] is a batch of one sample"),
        (dyadic_network(0), (6, 2, 4), ""),
        (dyadic_network(0), (6,), ""),
        (dyadic_network(0), (0, 3, 6), ""),
        (image_network(), (6, 2, 3, 5, 4), ""),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("dtype", [float, np.uint8], ids=["float", "uint8"])
def test_a_sequence_whose_axes_lie_otherwise_is_told_what_to_write(network, shape, advice, dtype):
    inputs = np.zeros(shape, dtype)
    for call in (ot.simulate, lambda network, inputs: ot.ottt.gradients(network, inputs, LABELS)):
        with pytest.raises(ValueError) as raised:
            call(network, inputs)
        assert str(raised.value).partition("got shape ")[2] == f"{shape}{': ' if advice else ''}{advice}"


@pytest.mark.parametrize(
    ("network", "shape", "advice"),
    [
        (dyadic_network(0), (3, 2), "inputs.swapaxes(0, 1) if they are [n, B]"),
        (dyadic_network(0), (6, 2, 3), "inputs[t] is one time step if they are [T, B, n]"),
        (dyadic_network(0), (2, 1, 3), "inputs.reshape(len(inputs), 3) has them so"),
        (image_network(), (2, 4, 5, 3), "np.moveaxis(inputs, -1, 1) if they are [B, H, W, C]"),
        (image_network(), (2, 60), "inputs.reshape(len(inputs), 3, 4, 5) has them so"),
        (dyadic_network(0), (2, 4), ""),
    ],
    ids=str,
)
def test_a_time_step_whose_axes_lie_otherwise_is_told_what_to_write(network, shape, advice):
    learner = ot.ottt.OnlineLearner(network.copy(), ot.training.SGD())
    learner.step(np.zeros((2, *network.input_shape)), LABELS)  # from here on the batch is known
    for call in (ot.Simulator(network, 2).step, lambda inputs: learner.step(inputs, LABELS)):
        with pytest.raises(ValueError) as raised:
            call(np.zeros(shape))
        assert str(raised.value).partition("got shape ")[2] == f"{shape}{': ' if advice else ''}{advice}"


MEANT = {
    "np.moveaxis(inputs, 2, 0)": (dyadic_network(0), (2, 3, 6)),
    "inputs.swapaxes(1, 2)": (dyadic_network(0), (6, 3, 2)),
    "inputs.swapaxes(0, 1)": (masked_network(), (2, 6, 3)),
    "np.moveaxis(inputs, -1, 2)": (image_network(), (6, 2, 4, 5, 3)),
    "inputs.reshape(*inputs.shape[:2], 3, 4, 5)": (image_network(), (6, 2, 60)),
    "inputs[:, np.newaxis]": (dyadic_network(0), (6, 3)),
}


@pytest.mark.parametrize("expression", MEANT)
def test_what_the_message_says_to_write_is_taken(expression):
    network, shape = MEANT[expression]
    inputs = np.zeros(shape)
    with pytest.raises(ValueError) as raised:
        ot.simulate(network, inputs)
    assert expression in str(raised.value)
    assert ot.simulate(network, eval(expression)).time_steps == 6


@pytest.mark.parametrize("method", slow(METHODS, ["rtrl"]))
@pytest.mark.parametrize("targets", [np.array([0, 1, 1, 0, 1]), np.eye(2)[[0, 1, 1, 0, 1]]], ids=["labels", "rows"])
def test_targets_show_that_the_batch_is_first_and_the_message_says_the_way_in(method, targets):
    network, batch_first = dyadic_network(0), spikes(np.uint8, (5, 4, 3))
    with pytest.raises(ValueError) as raised:
        METHODS[method](network, batch_first, targets)
    assert str(raised.value) == (
        "inputs must be [T, B, ...], time first, got shape (5, 4, 3) with 5 targets: inputs.swapaxes(0, 1) if they are "
        "[B, T, ...]"
    )
    taken = METHODS[method](network, batch_first.swapaxes(0, 1), targets)
    time_first = np.ascontiguousarray(batch_first.swapaxes(0, 1)).astype(float)
    assert bits(dict(taken)) == bits(dict(METHODS[method](network, time_first, targets)))


@pytest.mark.parametrize("targets", [np.array([0, 1, 1, 0]), np.eye(2)[[0, 1, 1, 0]]], ids=["labels", "rows"])
def test_as_many_time_steps_as_samples_are_taken_as_they_stand(targets):
    network, inputs = dyadic_network(0), spikes(float, (4, 4, 3))
    assert ot.sltt.gradients(network, inputs, targets).outputs.shape == (4, 4, 2)


@pytest.mark.parametrize("dtype", WHOLE[1:])
def test_labels_are_of_any_integer_dtype(dtype):
    network, inputs = dyadic_network(0), spikes(float)
    found = ot.ottt.gradients(network, inputs, LABELS.astype(dtype))
    assert bits(dict(found)) == bits(dict(ot.ottt.gradients(network, inputs, LABELS)))
