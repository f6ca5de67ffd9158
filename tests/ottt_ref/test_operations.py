"""Operations: each against its definition, and its adjoint and gradients against its own matrix."""

from fractions import Fraction as F

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.network.operations import Mask

from .general import IMAGE, conv, dense, matrix_of

RNG, OTHER = np.random.default_rng(0), np.random.default_rng(1)
CONVOLUTION = conv(RNG, 3, 2, (2, 3), stride=2, padding=1)
GROUPED = conv(OTHER, 4, 1, (2, 3), stride=(1, 2), padding=(0, 2), dilation=(3, 1), groups=2)
ROW = (4, 7)


def row_conv(rng, c_out, c_in, size, **options):
    return ot.Conv1d(rng.normal(0.2, 1, (c_out, c_in, size)), rng.normal(0.1, 0.1, c_out), **options)


OPERATIONS = {
    "scale": (ot.Scale(2.74), IMAGE),
    "flatten": (ot.Flatten(), IMAGE),
    "dropout": (ot.Dropout(0.5), IMAGE),
    "pool": (ot.AveragePool2d(2), IMAGE),
    "overlapping pool": (ot.AveragePool2d((3, 2), stride=(2, 1), padding=1), IMAGE),
    "pool of unequal padding": (ot.AveragePool2d((3, 2), stride=2, padding=(2, 0)), IMAGE),
    "pool in a row": (ot.AveragePool1d(3, stride=2, padding=1), ROW),
    "upsample": (ot.Upsample2d(3), IMAGE),
    "upsample by direction": (ot.Upsample2d((1, 3)), IMAGE),
    "channel scale": (ot.ChannelScale(OTHER.normal(size=2), OTHER.normal(size=2)), IMAGE),
    "channel scale of a row": (ot.ChannelScale(OTHER.normal(size=3)), (3,)),
    "grouped convolution": (GROUPED, IMAGE),
    "depthwise convolution": (conv(OTHER, 6, 1, padding=1, groups=2), IMAGE),
    "convolution in a row": (row_conv(OTHER, 3, 4, 3, stride=2, padding=2, dilation=2), ROW),
    "grouped convolution in a row": (row_conv(OTHER, 6, 2, 2, dilation=3, groups=2), ROW),
    "standardised grouped convolution": (
        ot.WeightStandardised(conv(OTHER, 4, 1, (2, 3), dilation=(2, 1), groups=2), OTHER.normal(1, 0.2, 4)),
        IMAGE,
    ),
    "standardised convolution in a row": (ot.WeightStandardised(row_conv(OTHER, 4, 2, 2, groups=2)), ROW),
    "dense": (dense(RNG, 4, 3), (3,)),
    "dense without bias": (dense(RNG, 4, 3, bias=False), (3,)),
    "convolution": (CONVOLUTION, IMAGE),
    "standardised dense": (ot.WeightStandardised(dense(RNG, 4, 3), RNG.normal(1, 0.2, 4)), (3,)),
    "standardised convolution": (ot.WeightStandardised(conv(RNG, 3, 2, padding=1)), IMAGE),
    "skip init": (ot.SkipInit(np.array([0.75])), IMAGE),
    "chain": (
        ot.Chain([ot.Scale(0.5), conv(RNG, 3, 2), ot.AveragePool2d(2), ot.SkipInit(np.array([-0.5])), ot.Flatten()]),
        IMAGE,
    ),
}
every_operation = pytest.mark.parametrize("name", OPERATIONS)


def values_of(shape, batch_size=3, seed=1):
    return np.random.default_rng(seed).normal(size=(batch_size, *shape))


def pair(sides):
    return sides if isinstance(sides, tuple) else (sides, sides)


def naive_convolution(image, weight, bias, stride, padding, dilation=1, groups=1):
    """One pixel of one output channel at a time, with Python's own numbers; outside of the image it is dark."""
    _, height, width = image.shape
    (down, across), (above, beside), (apart, aside) = map(pair, (stride, padding, dilation))
    rows = (height + 2 * above - apart * (weight.shape[2] - 1) - 1) // down + 1
    columns = (width + 2 * beside - aside * (weight.shape[3] - 1) - 1) // across + 1
    result = np.zeros((len(weight), rows, columns), dtype=image.dtype)
    for o, y, x in np.ndindex(result.shape):
        total = bias[o]
        group = o * groups // len(weight)
        for c, k, m in np.ndindex(weight.shape[1:]):
            row, column = y * down + k * apart - above, x * across + m * aside - beside
            if 0 <= row < height and 0 <= column < width:
                total = total + weight[o, c, k, m] * image[group * weight.shape[1] + c, row, column]
        result[o, y, x] = total
    return result


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 0), (2, 1), (3, 2)])
@pytest.mark.parametrize("window", [(1, 1), (2, 3), (3, 3)])
def test_a_convolution_is_its_definition(window, stride, padding):
    weight, bias = RNG.integers(-8, 9, size=(3, 2, *window)) / 8, RNG.integers(-8, 9, size=3) / 8
    synapses = ot.Conv2d(weight, bias, stride=stride, padding=padding)
    images = RNG.integers(-8, 9, size=(2, *IMAGE)) / 8
    got = synapses.forward(images, np.ones(1))
    assert got.shape[1:] == synapses.output_shape(IMAGE)
    for b in range(2):  # multiples of 1/64: exact
        assert np.array_equal(got[b], naive_convolution(images[b], weight, bias, stride, padding))


GEOMETRIES = [
    {"stride": (2, 1), "padding": (0, 1)},
    {"dilation": (1, 2), "padding": 1},
    {"dilation": 2, "padding": (2, 1), "groups": 2},
    {"stride": (1, 3), "padding": (1, 0), "dilation": (2, 3), "groups": 4},
]


@pytest.mark.parametrize("options", GEOMETRIES, ids=str)
def test_a_convolution_by_direction_and_in_groups_is_its_definition(options):
    groups = options.get("groups", 1)
    weight, bias = OTHER.integers(-8, 9, size=(8, 4 // groups, 2, 2)) / 8, OTHER.integers(-8, 9, size=8) / 8
    synapses = ot.Conv2d(weight, bias, **options)
    images = OTHER.integers(-8, 9, size=(2, 4, 5, 6)) / 8
    got = synapses.forward(images, np.ones(1))
    assert got.shape[1:] == synapses.output_shape((4, 5, 6))
    whole = {"stride": 1, "padding": 0, **options}
    for b in range(2):  # multiples of 1/64: exact
        assert np.array_equal(got[b], naive_convolution(images[b], weight, bias, **whole))


def test_a_convolution_of_sequences_is_that_of_images_of_height_1():
    weight, bias = OTHER.normal(size=(4, 1, 3)), OTHER.normal(size=4)
    options = {"stride": 2, "padding": 3, "dilation": 2}
    row = ot.Conv1d(weight, bias, groups=2, **options)
    image = ot.Conv2d(weight[:, :, None], bias, stride=(1, 2), padding=(0, 3), dilation=(1, 2), groups=2)
    values = values_of((2, 7))
    result = row.forward(values, np.ones(1))
    assert np.array_equal(result, image.forward(values[:, :, None], np.ones(1))[:, :, 0])
    assert np.array_equal(row.adjoint(result, (2, 7)), image.adjoint(result[:, :, None], (2, 1, 7))[:, :, 0])
    found = [{name: np.zeros_like(array) for name, array in each.parameters.items()} for each in (row, image)]
    row.add_gradients(found[0], result, values, np.ones(1))
    image.add_gradients(found[1], result[:, :, None], values[:, :, None], np.ones(1))
    assert np.array_equal(found[0]["weight"], found[1]["weight"][:, :, 0])
    assert np.array_equal(found[0]["bias"], found[1]["bias"])


def test_what_is_the_same_in_both_directions_is_one_number():
    weight = np.ones((2, 1, 3, 3))
    both = ot.Conv2d(weight, stride=(2, 2), padding=[1, 1], dilation=np.int64(1), groups=2)
    assert (both.stride, both.padding, both.dilation, both.groups) == (2, 1, 1, 2)
    assert repr(both) == "Conv2d(2 -> 2, 3 x 3, stride 2, padding 1, groups 2, float64)"
    assert ot.Conv2d(weight, stride=[2, 1]).stride == (2, 1)
    assert repr(ot.Conv2d(weight, dilation=(1, 2))).endswith("padding 0, dilation (1, 2), float64)")


WRONG_GEOMETRIES = {
    r"stride\[1\], the horizontal one, must be at least 1, got 0": {"stride": (1, 0)},
    r"padding\[0\], the vertical one, must be at least 0, got -1": {"padding": (-1, 0)},
    r"dilation must be at least 1, got 0": {"dilation": 0},
    r"dilation must be a number or a pair of them, got \(1, 1, 1\)": {"dilation": (1, 1, 1)},
    r"groups must divide the C_out = 4 channels of weight, got 3": {"groups": 3},
    r"groups must be at least 1, got 0": {"groups": 0},
}


@pytest.mark.parametrize("complaint", WRONG_GEOMETRIES)
def test_a_wrong_geometry_is_refused_by_its_direction(complaint):
    with pytest.raises(ValueError, match=f"^{complaint}$"):
        ot.Conv2d(np.ones((4, 2, 2, 2)), **WRONG_GEOMETRIES[complaint])


def test_what_does_not_fit_a_geometry_is_refused():
    wide = ot.Conv2d(np.ones((4, 2, 1, 3)), dilation=(1, 3), groups=2)
    with pytest.raises(ValueError, match=r"window 1 x 7 when padded, got 5 x 6 from \[4, 5, 6\]: too small in width$"):
        wide.output_shape((4, 5, 6))
    with pytest.raises(ValueError, match=r"groups 2, float64\) must be given 4 channels, got \[2, 5, 7\]$"):
        wide.output_shape((2, 5, 7))
    row = ot.Conv1d(np.ones((4, 2, 3)), dilation=3, padding=1)
    with pytest.raises(
        ValueError, match=r"Conv1d.* sequences of at least its window 7 when padded, got 6 from \[2, 4\]"
    ):
        row.output_shape((2, 4))
    with pytest.raises(ValueError, match=r"must be given sequences \[C, L\], got \[2, 5, 6\]"):
        row.output_shape((2, 5, 6))
    with pytest.raises(ValueError, match=r"padding must be less than the size \(2, 3\), got \(1, 3\)"):
        ot.AveragePool2d((2, 3), padding=(1, 3))
    with pytest.raises(ValueError, match="padding must be less than the size 2, got 2"):
        ot.AveragePool1d(2, padding=2)


@pytest.mark.parametrize(
    ("size", "stride", "padding"), [((2, 2), (2, 2), 0), ((3, 2), (2, 1), 1), ((1, 4), (1, 1), 0), ((5, 6), (1, 1), 0)]
)
def test_average_pooling_is_its_definition(size, stride, padding):
    pool = ot.AveragePool2d(size, stride=stride, padding=padding)
    images = values_of(IMAGE)
    got = pool.forward(images, np.ones(1))
    framed = np.pad(images, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    for b, c, y, x in np.ndindex(got.shape):
        rows = slice(y * stride[0], y * stride[0] + size[0])
        window = framed[b, c, rows, x * stride[1] : x * stride[1] + size[1]]
        assert window.shape == size and got[b, c, y, x] == pytest.approx(window.mean(), abs=1e-15)


def test_the_stride_of_a_pool_is_its_size_if_it_is_not_given():
    assert ot.AveragePool2d(3).stride == (3, 3)
    assert ot.AveragePool2d((2, 3)).output_shape((4, 5, 7)) == (4, 2, 2)  # what does not fill a window is left out


def test_upsampling_repeats_each_pixel():
    images = values_of(IMAGE)
    got = ot.Upsample2d(3).forward(images, np.ones(1))
    assert np.array_equal(got, images.repeat(3, axis=2).repeat(3, axis=3))


def test_pooling_and_upsampling_by_direction():
    images = values_of(IMAGE)
    assert np.array_equal(ot.Upsample2d((1, 3)).forward(images, None), images.repeat(3, axis=3))
    framed = np.pad(images, ((0, 0), (0, 0), (2, 2), (0, 0)))
    got = ot.AveragePool2d((3, 2), stride=2, padding=(2, 0)).forward(images, None)
    np.testing.assert_allclose(got, ot.AveragePool2d((3, 2), stride=2).forward(framed, None), rtol=0, atol=0)
    row = ot.AveragePool1d(3, stride=2, padding=1).forward(images[:, :, 0], None)
    image = ot.AveragePool2d((1, 3), stride=(1, 2), padding=(0, 1)).forward(images[:, :, :1], None)
    assert np.array_equal(row, image[:, :, 0])


def test_scale_flatten_and_mask():
    images = values_of(IMAGE)
    assert np.array_equal(ot.Scale(-0.5).forward(images, np.ones(1)), -0.5 * images)
    assert np.array_equal(ot.Flatten().forward(images, np.ones(1)), images.reshape(3, -1))
    mask = np.array([[0.0, 2.0], [2.0, 0.0]])
    assert np.array_equal(Mask(mask).forward(np.ones((4, 2)), np.ones(1)), np.tile(mask, (2, 1)))


def test_a_channel_scale_is_a_batch_normalisation_at_inference():
    weight, bias, mean = OTHER.normal(size=(3, 2))
    variance = OTHER.random(2)
    values = values_of(IMAGE)
    scale = ot.ChannelScale.from_batch_norm(weight, bias, mean, variance, eps=0.01)
    axes = (slice(None), None, None)
    expected = weight[axes] * (values - mean[axes]) / np.sqrt(variance[axes] + 0.01) + bias[axes]
    np.testing.assert_allclose(scale.forward(values, np.ones(1)), expected, rtol=0, atol=1e-14)
    plain = ot.ChannelScale.from_batch_norm(None, None, mean.astype(np.float32), variance.astype(np.float32))
    assert plain.dtype == np.float32
    np.testing.assert_allclose(plain.factor, (variance + 1e-5) ** -0.5, rtol=1e-6)
    np.testing.assert_allclose(plain.offset, -mean * (variance + 1e-5) ** -0.5, rtol=1e-6)


def test_a_channel_scale_is_not_learned_and_belongs_to_the_network():
    factor = np.array([2.0, 0.5])
    scale = ot.ChannelScale(factor)
    network = ot.Network([ot.Layer([scale, ot.Dense(np.eye(2))], ot.LIF())], input_shape=(2,))
    factor[...] = 0
    assert list(network.parameters) == ["layer0.weight", "layer0.bias"]
    assert network.layers[0].synapses.operations[0].factor.tolist() == [2.0, 0.5]
    assert network.astype(np.float32).layers[0].synapses.operations[0].dtype == np.float32
    exact = network.exact().layers[0].synapses.operations[0]
    assert exact.factor.tolist() == [F(2), F(1, 2)] and type(exact.offset[0]) is F


WRONG_SCALES = {
    r"offset must be \[2\], got shape \(3,\)": lambda: ot.ChannelScale(np.ones(2), np.ones(3)),
    "factor must be finite, got inf": lambda: ot.ChannelScale(np.array([1.0, np.inf])),
    "running_var must be at least 0, and above 0 with eps = 0.0, got 0.0": lambda: ot.ChannelScale.from_batch_norm(
        None, None, np.ones(2), np.array([1.0, 0.0]), eps=0
    ),
    "running_var must be at least 0, .* got -1.0": lambda: ot.ChannelScale.from_batch_norm(
        None, None, np.ones(2), np.array([1.0, -1.0]), eps=2
    ),
    "eps must be of at least 0, got -1.0": lambda: ot.ChannelScale.from_batch_norm(
        None, None, np.ones(2), np.ones(2), eps=-1.0
    ),
    r"weight must be \[2\], got shape \(3,\)": lambda: ot.ChannelScale.from_batch_norm(
        np.ones(3), None, np.ones(2), np.ones(2)
    ),
    "factor must be finite, got inf at index": lambda: ot.ChannelScale.from_batch_norm(
        np.full(2, 1e300), None, np.zeros(2), np.full(2, 1e-300), eps=0
    ),
    r"ChannelScale\(2, float64\) must be given 2 channels, got \[3, 4\]": lambda: ot.ChannelScale(
        np.ones(2)
    ).output_shape((3, 4)),
    "layers must have at least one parameter, got none": lambda: ot.Network(
        [ot.Layer(ot.ChannelScale(np.ones(2)), ot.LIF())], input_shape=(2,)
    ),
}


@pytest.mark.parametrize("complaint", WRONG_SCALES)
def test_a_wrong_channel_scale_is_refused(complaint):
    with pytest.raises(ValueError, match=complaint):
        WRONG_SCALES[complaint]()


def test_a_channel_scale_of_another_dtype_is_refused():
    with pytest.raises(TypeError, match="operations must all have one dtype"):
        ot.Chain([ot.ChannelScale(np.ones(2, np.float32)), ot.Dense(np.eye(2))])
    with pytest.raises(TypeError, match="layers must all have one dtype"):
        layers = [ot.Layer(ot.Dense(np.eye(2)), ot.LIF())]
        ot.Network(
            [*layers, ot.Layer(ot.Dense(np.eye(2)), ot.LIF())],
            skips=[ot.Skip(-1, 1, ot.ChannelScale(np.ones(2, np.float32)))],
        )
    with pytest.raises(TypeError, match="running_mean must have dtype float64 or float32, got object"):
        ot.ChannelScale.from_batch_norm(None, None, ot.exact_array([1]), ot.exact_array([1]))


@every_operation
def test_an_operation_has_the_shape_that_it_announces(name):
    operation, shape = OPERATIONS[name]
    values = values_of(shape)
    result = operation.forward(values, np.ones(1))
    assert result.shape == (3, *operation.output_shape(shape))
    assert operation.adjoint(result, shape).shape == values.shape
    assert np.array_equal(values, values_of(shape))  # what it is given is not changed


@every_operation
def test_an_operation_is_affine_in_values_and_constant(name):
    operation, shape = OPERATIONS[name]
    matrix, offset = matrix_of(operation, shape)
    values, constant = values_of(shape), np.array([0.5])
    expected = values.reshape(3, -1) @ matrix.T + 0.5 * offset
    np.testing.assert_allclose(operation.forward(values, constant).reshape(3, -1), expected, rtol=0, atol=1e-13)


@every_operation
def test_the_adjoint_is_the_transposed_matrix(name):
    operation, shape = OPERATIONS[name]
    matrix, _ = matrix_of(operation, shape)
    errors = values_of(operation.output_shape(shape), seed=2)
    got = operation.adjoint(errors, shape).reshape(3, -1)
    np.testing.assert_allclose(got, errors.reshape(3, -1) @ matrix, rtol=0, atol=1e-13)


@every_operation
def test_gradients_are_those_of_the_paired_result(name):
    """∇θ of Σ δ · (A_θ x + b_θ c), by central differences, which are exact for what is linear in θ."""
    operation, shape = OPERATIONS[name]
    values, constant = values_of(shape), np.array([0.5])
    errors = values_of(operation.output_shape(shape), seed=2)
    arrays = operation.parameters
    gradients = {p: np.zeros_like(array) for p, array in arrays.items()}
    operation.add_gradients(gradients, errors, values, constant)
    step = 2.0**-16
    for parameter, array in arrays.items():
        for index in np.ndindex(array.shape):
            before = array[index]
            sums = []
            for sign in (1, -1):
                array[index] = before + sign * step
                sums.append((errors * operation.forward(values, constant)).sum())
            array[index] = before
            difference = (sums[0] - sums[1]) / (2 * step)
            # rounding, 1e-14 / step; of standardisation also its third derivative times step², 2e-10
            assert gradients[parameter][index] == pytest.approx(difference, rel=1e-8, abs=2e-9), parameter


@every_operation
def test_gradients_are_added_to_what_is_there(name):
    operation, shape = OPERATIONS[name]
    values, errors = values_of(shape), values_of(operation.output_shape(shape), seed=2)
    once, twice = ({p: np.zeros_like(array) for p, array in operation.parameters.items()} for _ in range(2))
    operation.add_gradients(once, errors, values, np.ones(1))
    for _ in range(2):
        operation.add_gradients(twice, errors, values, np.ones(1))
    for parameter, gradient in once.items():
        np.testing.assert_allclose(twice[parameter], 2 * gradient, rtol=0, atol=1e-14 * np.abs(gradient).max())


def test_standardised_weights_have_mean_0_and_the_gain_for_their_norm():
    raw, gain = RNG.normal(3, 2, (4, 5)), np.array([1.0, 2.0, 0.5, -1.0])
    weight = ot.WeightStandardised(ot.Dense(raw), gain, epsilon=1e-12).weight
    np.testing.assert_allclose(weight.sum(axis=1), 0, atol=1e-14)
    # variance, unbiased, of 1 / fan-in
    np.testing.assert_allclose(weight.var(axis=1, ddof=1), gain**2 / 5, rtol=1e-11)


def test_standardisation_is_the_formula_with_eps_inside():
    raw = np.array([[1.0, 2.0, 4.0]])
    got = ot.WeightStandardised(ot.Dense(raw), epsilon=1e-4).weight
    variance = ((1 - 7 / 3) ** 2 + (2 - 7 / 3) ** 2 + (4 - 7 / 3) ** 2) / 2
    np.testing.assert_allclose(got, (raw - 7 / 3) / np.sqrt(variance * 3 + 1e-4), rtol=1e-15)


def test_constant_weights_are_standardised_to_zero():
    assert ot.WeightStandardised(ot.Dense(np.full((2, 3), 7.0))).weight.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_chains_of_nothing_are_the_identity():
    values = values_of((3,))
    assert ot.Chain().forward(values, np.ones(1)) is values
    assert ot.Chain().parameter_names == () and ot.Chain().dtype is None


def test_exact_numbers_stay_exact():
    pool = ot.AveragePool2d(2).rebuilt(None, F)
    images = ot.exact_array(np.array([[[[1, 2], [3, 5]]]]))
    assert pool.forward(images, None)[0, 0, 0, 0] == F(11, 4)
    assert ot.Scale(F(1, 3)).forward(images, None)[0, 0, 1, 1] == F(5, 3)


def test_a_share_of_spikes_that_are_plain_integers_is_exact():
    images = np.empty((1, 1, 2, 2), dtype=object)
    images[...] = 1
    assert isinstance(ot.AveragePool2d(2).rebuilt(None, F).forward(images, None)[0, 0, 0, 0], F)


def test_a_convolution_takes_arrays_in_any_order_of_memory_and_adds_to_gradients_in_place():
    rng = np.random.default_rng(0)
    convolution = ot.Conv2d(rng.normal(size=(4, 1, 3, 2)), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2)
    values = rng.normal(size=(3, 2, 7, 6))
    error = rng.normal(size=(3, *convolution.output_shape(values.shape[1:])))
    found = []
    for ordered in (np.ascontiguousarray, np.asfortranarray):
        gradients = {"weight": ordered(np.ones((4, 1, 3, 2))), "bias": np.ones(4)}
        convolution.add_gradients(gradients, ordered(error), ordered(values), np.ones(1))
        current = convolution.forward(ordered(values), np.ones(1))
        found.append([*gradients.values(), current, convolution.adjoint(ordered(error), values.shape[1:])])
    assert all(np.array_equal(one, other) for one, other in zip(*found))
    assert np.all(found[1][0] != 1) and np.all(found[1][1] != 1)
