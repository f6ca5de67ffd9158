"""Each fast twin gives what its original gives: forward, adjoint and gradients, and the same errors at its door."""

import numba
import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.fast.kernels import image_events
from ottt_ref.fast.kernels.choosing import plain_kernels
from ottt_ref.fast.operations import TWINS, described, fast_twin, pooling, scaling, weight_standardisation
from ottt_ref.fast.operations import convolution as module

from .memory import fill_memory

TOLERANCE = 1e-12  # of the largest number: float64 sums in another order
SEEDS = range(40)


@pytest.fixture(autouse=True)
def memory_as_it_may_be_found(monkeypatch):
    """NaN where nothing was written: whoever reads that is found out."""
    fill_memory(monkeypatch, module, pooling, scaling, weight_standardisation)


def values_of(rng, shape, share):
    """Numbers of which a share is not 0: spikes for a small one, all kinds for 1."""
    numbers = rng.normal(size=shape) if share == 1 else np.ones(shape)
    return np.where(rng.random(shape) < share, numbers, 0.0)


def require_same(found, expected):
    assert found.shape == expected.shape and found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE * max(1e-300, np.abs(expected).max()))


def require_twin(operation, input_shape, rows=6, share=1.0, seed=0):
    """Compare the twin of an operation with it, on `rows` rows."""
    twin, rng = fast_twin(operation), np.random.default_rng(seed)
    assert type(twin) is TWINS[type(operation)] and repr(twin) == repr(operation)
    values, constant = values_of(rng, (rows, *input_shape), share), np.array([1.5])
    kept = values.copy()
    expected = operation.forward(values, constant)
    require_same(twin.forward(values, constant), expected)
    error = rng.normal(size=expected.shape)
    given = () if operation.linear else (values,)
    require_same(twin.adjoint(error, input_shape, *given), operation.adjoint(error, input_shape, *given))
    sums, twins = ({name: np.ones_like(each) for name, each in operation.parameters.items()} for _ in range(2))
    for _ in range(2):  # they add to what is there
        operation.add_gradients(sums, error, values, constant)
        twin.add_gradients(twins, error, values, constant)
    for name, each in sums.items():
        require_same(twins[name], each)
    np.testing.assert_array_equal(values, kept)


def drawn_convolution(rng):
    """A convolution of drawn settings, and the shape of what it takes."""
    while True:
        groups = int(rng.integers(1, 4))
        inputs, outputs = groups * int(rng.integers(1, 5)), groups * int(rng.integers(1, 12))
        if groups == 1 and rng.random() < 0.7:  # as many as are taken side by side
            inputs, outputs = int(rng.integers(8, 45)), int(rng.integers(1, 60))
        window, stride, dilation = (tuple(int(n) for n in rng.integers(1, 4, 2)) for _ in range(3))
        padding = tuple(int(n) for n in rng.integers(0, 4, 2))
        height, width = (int(n) for n in rng.integers(1, 12, 2))
        bias = rng.normal(size=outputs) if rng.random() < 0.7 else False
        flat = rng.random() < 0.3
        try:
            if flat:
                weight = rng.normal(size=(outputs, inputs // groups, window[1]))
                found = ot.Conv1d(
                    weight, bias, stride=stride[1], padding=padding[1], dilation=dilation[1], groups=groups
                )
            else:
                weight = rng.normal(size=(outputs, inputs // groups, *window))
                found = ot.Conv2d(weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)
            shape = (inputs, width) if flat else (inputs, height, width)
            found.output_shape(shape)
        except ValueError:
            continue
        return found, shape


@pytest.mark.parametrize("seed", SEEDS)
def test_convolutions_of_drawn_settings(seed):
    rng = np.random.default_rng(seed)
    convolution, shape = drawn_convolution(rng)
    require_twin(convolution, shape, int(rng.integers(1, 9)), [0.0, 0.1, 0.5, 1.0][seed % 4], seed)


@pytest.mark.parametrize("seed", SEEDS[:8])
def test_convolutions_by_plain_loops(seed):
    rng = np.random.default_rng(seed)
    convolution, shape = drawn_convolution(rng)
    with plain_kernels():
        require_twin(convolution, shape, int(rng.integers(1, 9)), seed=seed)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.6])
def test_few_numbers_go_by_lists_and_many_do_not(share, groups, monkeypatch):
    calls = []
    for name in ("add_events", "add_event_products"):
        kernel = getattr(image_events, name)
        monkeypatch.setattr(image_events, name, lambda *given, call=kernel: (calls.append(1), call(*given)))
    rng = np.random.default_rng(0)
    convolution = ot.Conv2d(rng.normal(size=(6, 10 // groups, 3, 3)), stride=(2, 1), padding=1, groups=groups)
    require_twin(convolution, (10, 7, 9), 4, share)
    assert len(calls) == (3 if share < 0.2 and groups == 1 else 0)  # forward, and gradients twice


def test_lists_and_dense_products_agree_for_every_kind_of_number(monkeypatch):
    rng = np.random.default_rng(1)
    twin = fast_twin(ot.Conv2d(rng.normal(size=(70, 9, 3, 2)), rng.normal(size=70), padding=2, dilation=(1, 2)))
    spikes = values_of(rng, (5, 9, 6, 7), 0.1)
    for values in (spikes, 2.74 * spikes, rng.normal(size=spikes.shape)):
        results = []
        for shares in ({True: 2.0, False: 2.0}, {True: -1.0, False: -1.0}):
            monkeypatch.setattr(module, "FORWARD_SHARE", shares)
            monkeypatch.setattr(module, "GRADIENT_SHARE", shares)
            sums = {"weight": np.zeros((70, 9, 3, 2)), "bias": np.zeros(70)}
            result = twin.forward(values, np.ones(1))
            twin.add_gradients(sums, result, values, np.ones(1))
            results.append((result, sums["weight"]))
        for found, expected in zip(*results):
            require_same(found, expected)


@pytest.mark.parametrize("share", [0.1, 1.0])
def test_the_same_bits_on_one_and_two_threads(share):
    rng = np.random.default_rng(2)
    twin = fast_twin(ot.Conv2d(rng.normal(size=(40, 9, 3, 3)), padding=1))
    values, error = values_of(rng, (7, 9, 8, 8), share), rng.normal(size=(7, 40, 8, 8))
    found, threads = [], numba.get_num_threads()
    try:
        for count in (1, threads):
            numba.set_num_threads(count)
            sums = {"weight": np.zeros((40, 9, 3, 3)), "bias": np.zeros(40)}
            twin.add_gradients(sums, error, values, np.ones(1))
            found.append((twin.forward(values, np.ones(1)), twin.adjoint(error, (9, 8, 8)), *sums.values()))
    finally:
        numba.set_num_threads(threads)
    for one, several in zip(*found):
        np.testing.assert_array_equal(one, several)


@pytest.mark.parametrize("rows", [1, 3, 200])
def test_convolutions_of_few_and_many_rows(rows):
    rng = np.random.default_rng(rows)
    convolution = ot.Conv2d(rng.normal(size=(70, 5, 3, 3)), rng.normal(size=70), padding=1)
    require_twin(convolution, (5, 4, 4), rows, 0.2)


def test_convolutions_of_wide_images():
    rng = np.random.default_rng(0)
    require_twin(ot.Conv2d(rng.normal(size=(9, 3, 3, 3)), padding=1), (3, 40, 50), 2)


@pytest.mark.parametrize(
    "arguments", [(2,), (2, 1), (3, 2, 1), ((2, 3), (1, 2), (1, 0)), ((2, 2), (2, 2), (1, 1)), ((1, 2), (3, 2))]
)
def test_pooling_of_images(arguments):
    for kind in (ot.AveragePool2d, ot.MaxPool2d):
        for share in (0.3, 1.0):
            require_twin(kind(*arguments), (3, 6, 7), 5, share)


@pytest.mark.parametrize("arguments", [(2,), (3, 2, 1), (2, 3), (1,)])
def test_pooling_of_sequences(arguments):
    for kind in (ot.AveragePool1d, ot.MaxPool1d):
        require_twin(kind(*arguments), (3, 9), 5, 0.3)


def test_what_multiplies_numbers_one_by_one():
    rng = np.random.default_rng(0)
    factor, offset = rng.normal(size=3), rng.normal(size=3)
    for shape in ((3, 4, 5), (3,)):
        require_twin(ot.Scale(2.74), shape)
        require_twin(ot.SkipInit(np.array([0.3])), shape)
        require_twin(ot.ChannelScale(factor, offset), shape)
        require_twin(ot.Dropout(0.5).masked(2, shape, np.dtype(float), rng), shape, rows=6)
    require_twin(ot.Upsample2d((2, 3)), (3, 4, 5))
    require_twin(ot.Upsample2d(2), (3, 4, 5))


def test_a_mask_goes_over_the_rows_of_each_time_step_anew():
    mask = ot.Dropout(0.5).masked(2, (4,), np.dtype(float), np.random.default_rng(0))
    found = fast_twin(mask).forward(np.ones((6, 4)), np.ones(1))
    for t in range(3):
        np.testing.assert_array_equal(found[2 * t : 2 * t + 2], mask.mask)


@pytest.mark.parametrize("bias", [None, False])
def test_weight_standardisation(bias):
    rng = np.random.default_rng(0)
    gain = rng.normal(size=6)
    images = ot.Conv2d(rng.normal(size=(6, 4, 3, 3)), bias, padding=1)
    require_twin(ot.WeightStandardised(images, gain), (4, 5, 6), 4)
    sequences = ot.Conv1d(rng.normal(size=(6, 4, 3)), bias, stride=2)
    require_twin(ot.WeightStandardised(sequences, gain, epsilon=0.5), (4, 7), 4)


def test_weight_standardisation_standardises_once_in_the_life_of_a_twin():
    standardised = ot.WeightStandardised(ot.Conv2d(np.random.default_rng(0).normal(size=(2, 2, 3, 3))))
    twin, values = fast_twin(standardised), np.random.default_rng(1).normal(size=(1, 2, 4, 4))
    first = twin.forward(values, np.ones(1))
    standardised.synapses.weight[...] *= np.arange(1.0, 10.0).reshape(3, 3)
    np.testing.assert_array_equal(twin.forward(values, np.ones(1)), first)
    anew = fast_twin(standardised).forward(values, np.ones(1))
    require_same(anew, standardised.forward(values, np.ones(1)))
    assert np.abs(anew - first).max() > 0.01


def test_chains_and_what_they_are_made_of():
    rng = np.random.default_rng(0)
    convolution = ot.Conv2d(rng.normal(size=(6, 4, 3, 3)), padding=1)
    chain = ot.Chain([ot.MaxPool2d(2), ot.Scale(2.74), ot.WeightStandardised(convolution), ot.Flatten()])
    twin = fast_twin(chain)
    assert [type(each) for each in twin.operations[:3]] == [TWINS[type(each)] for each in chain.operations[:3]]
    assert type(twin.operations[2].synapses) is TWINS[ot.Conv2d]
    values = rng.normal(size=(3, 4, 6, 8))
    expected = chain.forward(values, np.ones(1))
    require_same(twin.forward(values, np.ones(1)), expected)
    require_same(twin.adjoint(expected, (4, 6, 8), values), chain.adjoint(expected, (4, 6, 8), values))
    sums, twins = ({name: np.zeros_like(each) for name, each in chain.parameters.items()} for _ in range(2))
    chain.add_gradients(sums, expected, values, np.ones(1))
    twin.add_gradients(twins, expected, values, np.ones(1))
    for name, each in sums.items():
        require_same(twins[name], each)


def test_a_convolution_keeps_up_with_its_weights():
    convolution = ot.Conv2d(np.random.default_rng(0).normal(size=(3, 2, 3, 3)), stride=2)
    twin, error = fast_twin(convolution), np.ones((1, 3, 2, 2))
    for _ in range(2):
        require_same(twin.adjoint(error, (2, 5, 5)), convolution.adjoint(error, (2, 5, 5)))
        convolution.weight[...] *= np.arange(1.0, 4.0)


def test_a_twin_shares_the_arrays_and_keeps_what_it_computes_to_itself():
    convolution = ot.Conv2d(np.ones((2, 2, 3, 3)))
    twin = fast_twin(convolution)
    assert twin.weight is convolution.weight and twin.bias is convolution.bias
    standardised = ot.WeightStandardised(ot.Conv2d(np.arange(36.0).reshape(2, 2, 3, 3)))
    before = set(standardised.__dict__)
    twin = fast_twin(standardised)
    twin.adjoint(np.ones((1, 2, 2, 2)), (2, 4, 4))
    assert twin.gain is standardised.gain and set(standardised.__dict__) == before < set(twin.__dict__)


def test_operations_of_ones_own_and_exact_ones_stay_themselves():
    class Doubling(ot.Conv2d):
        def forward(self, values, bias_input):
            return 2 * super().forward(values, bias_input)

    own = Doubling(np.ones((1, 1, 1, 1)))
    assert fast_twin(own) is own and described(own) == "its own arithmetic"
    exact = ot.Scale(2).rebuilt(ot.exact_array, lambda number: number)
    assert type(fast_twin(exact)) is TWINS[ot.Scale]  # of numbers that the values decide
    weight = ot.Conv2d(ot.exact_array(np.ones((1, 1, 1, 1), dtype=int)))
    assert fast_twin(weight) is weight


def test_views_of_other_layouts_are_taken():
    rng = np.random.default_rng(0)
    convolution = ot.Conv2d(rng.normal(size=(4, 3, 3, 3)), padding=1)
    values = np.moveaxis(rng.normal(size=(2, 6, 5, 3)), -1, 1)
    found = fast_twin(convolution).forward(values, np.ones(1))
    require_same(found, convolution.forward(values, np.ones(1)))
    gradients = {"weight": np.zeros((3, 3, 3, 4)).transpose(3, 0, 1, 2), "bias": np.zeros(4)}
    expected = {"weight": np.zeros((4, 3, 3, 3)), "bias": np.zeros(4)}
    fast_twin(convolution).add_gradients(gradients, found, values, np.ones(1))
    convolution.add_gradients(expected, found, values, np.ones(1))
    require_same(gradients["weight"], expected["weight"])


def wrong_calls(operation, shape):
    """What the doors of most operations refuse: (method, arguments)."""
    values, error = np.ones((2, *shape)), np.ones((2, *operation.output_shape(shape)))
    parameters = {name: np.zeros_like(each) for name, each in operation.parameters.items()}
    at = () if operation.linear else (values,)
    yield "forward", (values[0, 0], np.ones(1))
    yield "forward", (values.astype(np.float16), np.ones(1))
    yield "adjoint", (error[..., :-1], shape, *at)
    yield "adjoint", (error, "shape", *at)
    if parameters:
        yield "forward", (values, np.ones(2))
        yield "forward", (values.astype(np.float32), np.ones(1, np.float32))
        yield "add_gradients", ({}, error, values, np.ones(1))
        yield "add_gradients", (parameters, error[:1], values, np.ones(1))
    if not operation.linear:
        yield "adjoint", (error, shape)


@pytest.mark.parametrize(
    "operation",
    [
        ot.Conv2d(np.ones((2, 3, 2, 2)), stride=2),
        ot.AveragePool2d(2),
        ot.MaxPool2d(2),
        ot.Upsample2d(2),
        ot.ChannelScale(np.ones(3)),
        ot.SkipInit(np.ones(1)),
        ot.Scale(2.0),
        ot.WeightStandardised(ot.Conv2d(np.random.default_rng(0).normal(size=(2, 3, 2, 2)))),
    ],
    ids=repr,
)
def test_the_door_of_a_twin_is_that_of_its_original(operation):
    twin = fast_twin(operation)
    refused = 0
    for method, arguments in wrong_calls(operation, (3, 4, 4)):
        expected = outcome(operation, method, arguments)
        assert outcome(twin, method, arguments) == expected
        refused += expected is not None
    assert refused >= 3


def outcome(operation, method, arguments):
    """The error of a call, None where it is taken."""
    try:
        getattr(operation, method)(*arguments)
    except (TypeError, ValueError) as error:
        return type(error), str(error)
    return None
