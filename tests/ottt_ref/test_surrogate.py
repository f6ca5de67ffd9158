"""Surrogate derivatives and their primitives."""

import dataclasses
import math
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref.network.surrogate import (
    ALL,
    Arctan,
    FastSigmoid,
    MultiGaussian,
    Rectangle,
    Sigmoid,
    Triangle,
    from_description,
)

# of each kind the default and another; MultiGaussian's h = 0 is a plain Gaussian
EXAMPLES = [
    Sigmoid(),
    Sigmoid(alpha=25.0),
    Arctan(),
    Arctan(alpha=0.5),
    Triangle(),
    Triangle(width=0.5, height=2.0),
    Rectangle(),
    Rectangle(width=4.0),
    FastSigmoid(),
    FastSigmoid(slope=0.5, height=2.0),
    MultiGaussian(),
    MultiGaussian(sigma=1.0, h=0.0, s=2.0, scale=0.5),
]
IRRATIONAL = [surrogate for surrogate in EXAMPLES if not surrogate.rational]
RATIONAL = [surrogate for surrogate in EXAMPLES if surrogate.rational]
GRID = np.arange(-100, 101) / 16 + 1 / 64  # off the kinks and edges of every example
ENDS = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.08, 8.0, 0.85, 0.5]

every_example = pytest.mark.parametrize("surrogate", EXAMPLES, ids=repr)


# The derivatives as the frameworks document them, x = u - V_th.
def spikingjelly_sigmoid(x, alpha):
    sgax = 1 / (1 + math.exp(-alpha * x))
    return (1 - sgax) * sgax * alpha


def spikingjelly_atan(x, alpha):
    return alpha / 2 / (1 + (math.pi / 2 * alpha * x) ** 2)


def spikingjelly_piecewise_quadratic(x, alpha):
    return 0.0 if abs(x) > 1 / alpha else -(alpha**2) * abs(x) + alpha


def spikingjelly_rect(x, alpha):
    return alpha if abs(x) < 1 / (2 * alpha) else 0.0


def snntorch_sigmoid(x, slope):
    return slope * math.exp(-slope * x) / (math.exp(-slope * x) + 1) ** 2


def snntorch_atan(x, alpha):
    return alpha / 2 / (1 + (math.pi / 2 * alpha * x) ** 2)


def spikingjelly_soft_sign(x, alpha):
    return 1 / (2 * alpha * (1 / alpha + abs(x)) ** 2)


def spikingjelly_super_spike(x, alpha):
    return alpha / (1 + abs(x)) ** 2


def snntorch_fast_sigmoid(x, slope):
    return 1 / (slope * abs(x) + 1) ** 2


def yin_multi_gaussian(x, sigma, h, s):
    def normal(mean, std):
        return math.exp(-((x - mean) ** 2) / (2 * std**2)) / math.sqrt(2 * math.pi * std**2)

    return (1 + h) * normal(0, sigma) - h * normal(sigma, s * sigma) - h * normal(-sigma, s * sigma)


@pytest.mark.parametrize(
    ("surrogate", "formula", "numbers"),
    [
        (Sigmoid(4.0), spikingjelly_sigmoid, (4.0,)),
        (Arctan(2.0), spikingjelly_atan, (2.0,)),
        (Triangle(width=1 / 1.6, height=1.6), spikingjelly_piecewise_quadratic, (1.6,)),
        (Rectangle(width=1 / 1.6), spikingjelly_rect, (1.6,)),
        (Sigmoid(25.0), snntorch_sigmoid, (25.0,)),
        (Arctan(2.0), snntorch_atan, (2.0,)),
        (FastSigmoid(), snntorch_fast_sigmoid, (25.0,)),
        (FastSigmoid(1.0, 2.5), spikingjelly_super_spike, (2.5,)),
        (FastSigmoid(2.0, 1.0), spikingjelly_soft_sign, (2.0,)),
        (MultiGaussian(0.5, 0.15, 6.0), yin_multi_gaussian, (0.5, 0.15, 6.0)),
    ],
)
def test_a_surrogate_is_the_framework_function_of_its_name(surrogate, formula, numbers):
    expected = [formula(x, *numbers) for x in GRID]
    # a dozen roundings of 1.1e-16 each; where 1 - σ cancels the framework's own form loses digits, relative to 1
    np.testing.assert_allclose(surrogate.derivative(GRID), expected, rtol=1e-13, atol=1e-14)


def test_the_defaults_are_the_authors_and_the_frameworks():
    assert (Sigmoid().alpha, Arctan().alpha, Rectangle().width) == (4.0, 2.0, 1.0)
    assert Triangle() == Triangle(width=1.0, height=1.0)
    assert FastSigmoid() == FastSigmoid(slope=25.0, height=1.0)
    assert MultiGaussian() == MultiGaussian(sigma=0.5, h=0.15, s=6.0, scale=1.0)


@pytest.mark.parametrize("surrogate", IRRATIONAL, ids=repr)
def test_the_derivative_is_the_slope_of_the_primitive(surrogate):
    h = 1e-5
    slope = (surrogate.primitive(GRID + h) - surrogate.primitive(GRID - h)) / (2 * h)
    # truncation h²/6 times a third derivative below 25³ · 0.13, rounding 1e-16 / h
    np.testing.assert_allclose(surrogate.derivative(GRID), slope, rtol=0, atol=5e-8)


@pytest.mark.parametrize("kind", [Triangle, Rectangle])
def test_on_exact_numbers_the_derivative_is_the_slope_of_the_primitive(kind):
    surrogate = kind(*(F(3, 2) for _ in dataclasses.fields(kind)))
    z = np.array([F(k, 8) + F(1, 16) for k in range(-20, 20)])
    h = F(1, 32)  # each piece of the primitive is at most quadratic, and no kink lies within h
    slope = (surrogate.primitive(z + h) - surrogate.primitive(z - h)) / (2 * h)
    assert np.array_equal(surrogate.derivative(z), slope)
    assert np.any(slope != 0) and np.any(slope == 0)


def test_on_exact_numbers_a_slope_of_the_fast_sigmoids_primitive_is_the_geometric_mean_of_its_ends():
    """(P(z') - P(z)) / (z' - z) = h / ((1 + k |z|) (1 + k |z'|)) on one side of 0: its square is ψ(z) ψ(z')."""
    surrogate = FastSigmoid(F(3, 2), F(5, 4))
    for sign in (1, -1):
        z = sign * np.array([F(k, 8) for k in range(12)])
        derivative, primitive = surrogate.derivative(z), surrogate.primitive(z)
        slope = (primitive[1:] - primitive[:-1]) / (z[1:] - z[:-1])
        assert np.array_equal(slope**2, derivative[1:] * derivative[:-1]) and np.all(slope > 0)
    assert surrogate.derivative(np.array([F(0), F(2, 3), F(-2, 3)])).tolist() == [F(5, 4), F(5, 16), F(5, 16)]


@pytest.mark.parametrize(("surrogate", "end"), list(zip(EXAMPLES, ENDS)), ids=repr)
def test_the_primitive_rises_from_0_to_its_end(surrogate, end):
    first, last = surrogate.primitive(np.array([-1e300, 1e300]))
    assert first == pytest.approx(0, abs=1e-15)  # one rounding: arctan's limit is π/2 / π - 1/2
    assert last == pytest.approx(end, rel=1e-15)


@every_example
@given(z=st.floats(-1e6, 1e6))
def test_derivatives_are_even(surrogate, z):
    left, right = surrogate.derivative(np.array([-z, z]))
    # exactly so, but for MultiGaussian, whose three terms of at most 1.15 · 0.8 are added in another order
    assert left == right or (not surrogate.nonnegative and left == pytest.approx(right, rel=0, abs=1e-15))


@pytest.mark.parametrize("surrogate", [example for example in EXAMPLES if example.nonnegative], ids=repr)
@given(z=st.floats(allow_nan=False, allow_infinity=False))
def test_derivatives_are_nonnegative_and_largest_at_the_threshold(surrogate, z):
    at_z, at_threshold = surrogate.derivative(np.array([z, 0.0]))
    assert 0 <= at_z <= at_threshold
    assert at_threshold > 0


def test_multi_gaussian_is_negative_in_its_tails():
    assert MultiGaussian().derivative(np.array([2.0]))[0] < 0


@every_example
@pytest.mark.parametrize("dtype", [np.float64, np.float32, object])
def test_extreme_arguments_give_limits_without_a_warning(surrogate, dtype):
    largest = float(np.finfo(np.float32 if dtype is np.float32 else np.float64).max)
    z = np.array([-largest, -1e30, -0.0, 0.0, 5e-324, 1e30, largest]).astype(dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        psi = surrogate.derivative(z).astype(np.float64)
        soft = surrogate.primitive(z).astype(np.float64)
    assert np.all(np.isfinite(psi)) and np.all(np.isfinite(soft))
    assert psi[2] == psi[3] == psi[4] > 0
    assert soft[2] == soft[3]
    assert np.all(np.abs(psi[[0, 1, 5, 6]]) < 1e-50)


@pytest.mark.parametrize("function", ["derivative", "primitive"])
@pytest.mark.parametrize(
    ("surrogate", "dtype"),
    [
        (MultiGaussian(sigma=1e300), np.float64),  # inf / inf
        (Rectangle(width=5e-324), np.float64),  # as high as 1 / width
        (Sigmoid(alpha=5e-324), np.float64),
        (Triangle(width=5e-324), np.float32),  # of no width
        (Sigmoid(alpha=1e60), np.float32),
    ],
    ids=repr,
)
def test_one_that_has_no_values_in_the_dtype_is_refused_as_in_a_network(surrogate, dtype, function):
    with pytest.raises(ValueError) as raised:
        getattr(surrogate, function)(np.zeros(1, dtype=dtype))
    assert str(raised.value) == f"{function}: surrogate must have values in {np.dtype(dtype)}, got {surrogate!r}"


def test_the_narrowest_triangle_of_float64_has_its_height():
    z = np.array([-5e-324, 0.0, 5e-324])
    assert Triangle(width=5e-324).derivative(z).tolist() == [0, 1, 0]
    assert Triangle(width=F(1, 10**400)).derivative(ot.exact_array([0])).tolist() == [1]


@pytest.mark.parametrize("surrogate", IRRATIONAL, ids=repr)
@pytest.mark.parametrize("function", ["derivative", "primitive"])
def test_float32_is_the_double_precision_value_rounded_once(surrogate, function):
    z = GRID.astype(np.float32)
    got = getattr(surrogate, function)(z)
    assert got.dtype == np.float32
    assert np.array_equal(got, getattr(surrogate, function)(z.astype(np.float64)).astype(np.float32))


@pytest.mark.parametrize("surrogate", RATIONAL, ids=repr)
@pytest.mark.parametrize("function", ["derivative", "primitive"])
def test_float32_stays_float32_for_the_rational_ones(surrogate, function):
    got = getattr(surrogate, function)(GRID.astype(np.float32))
    assert got.dtype == np.float32
    # half a dozen roundings of 6e-8 each
    np.testing.assert_allclose(got, getattr(surrogate, function)(GRID), rtol=0, atol=1e-6)


def test_rational_surrogates_have_exact_values():
    z = np.array([F(-1, 3), F(1, 7), F(5, 2)])
    triangle = Triangle(width=F(2), height=F(1, 3))
    assert list(triangle.derivative(z)) == [F(1, 3) * (1 - F(1, 6)), F(1, 3) * (1 - F(1, 14)), 0]
    assert list(triangle.primitive(z)) == [F(25, 108), F(2, 3) - F(169, 588), F(2, 3)]
    rectangle = Rectangle(width=F(1, 2))
    assert list(rectangle.derivative(z)) == [0, 2, 0]
    assert list(rectangle.primitive(z)) == [0, F(11, 14), 1]
    fast = FastSigmoid(slope=F(3), height=F(2))
    assert list(fast.derivative(z)) == [F(1, 2), F(49, 50), F(8, 289)]
    assert list(fast.primitive(z)) == [F(1, 3), F(2, 3) + F(1, 5), F(2, 3) + F(10, 17)]


def test_a_rectangle_ends_before_its_edges_and_a_triangle_at_them():
    edges = np.array([-0.5, 0.5])
    assert list(Rectangle(width=1.0).derivative(edges)) == [0, 0]
    assert list(Triangle(width=0.5).derivative(edges)) == [0, 0]
    assert list(Triangle(width=0.5).derivative(np.nextafter(edges, 0))) == [2.0**-53] * 2


@pytest.mark.parametrize("surrogate", IRRATIONAL, ids=repr)
@pytest.mark.parametrize("function", ["derivative", "primitive"])
def test_the_others_refuse_exact_numbers(surrogate, function):
    with pytest.raises(
        TypeError, match=f"{type(surrogate).__name__} has no exact values.*Triangle, Rectangle or FastSigmoid"
    ):
        getattr(surrogate, function)(np.array([F(1, 2)]))


@every_example
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 3)])
def test_shape_is_kept_and_the_argument_is_left_alone(surrogate, shape):
    z = np.full(shape, 0.25)
    result = surrogate.derivative(z)
    assert result.shape == shape
    assert np.all(z == 0.25) and np.all(result == surrogate.derivative(np.array([0.25]))[0])


@pytest.mark.parametrize("z", [np.array([0, 1]), [1], np.array([0.5], dtype=np.float16), np.array([1j])])
def test_other_dtypes_are_refused_and_not_rounded(z):
    with pytest.raises(TypeError, match="z must have dtype float64 or float32, got"):
        Sigmoid().derivative(z)


@every_example
def test_a_surrogate_is_rebuilt_from_its_description(surrogate):
    description = surrogate.description()
    assert from_description(description) == surrogate
    assert description == surrogate.description()  # not consumed


@pytest.mark.parametrize(
    ("description", "complaint"),
    [
        ({"type": "Step"}, "surrogate must be one of Sigmoid, .*, got 'Step'"),
        ({}, "surrogate must be one of Sigmoid, .*, got None"),
        ({"type": "Sigmoid"}, r"surrogate Sigmoid must have the parameters \['alpha'\], got \[\]"),
        ({"type": "Sigmoid", "beta": 1.0}, r"must have the parameters \['alpha'\], got \['beta'\]"),
        ({"type": "Sigmoid", "alpha": -1.0}, "alpha must be above 0, got -1.0"),
    ],
)
def test_a_wrong_description_is_refused(description, complaint):
    with pytest.raises(ValueError, match=complaint):
        from_description(description)


@pytest.mark.parametrize(
    ("kind", "parameter"), [(kind, field.name) for kind in ALL for field in dataclasses.fields(kind)]
)
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (-1.0, ValueError),
        (math.nan, ValueError),
        (math.inf, ValueError),
        ("a", TypeError),
        (True, TypeError),
        (1j, TypeError),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(kind, parameter, value, error):
    with pytest.raises(error, match=f"^{parameter} must be .*got {value!r}"):
        kind(**{parameter: value})


@pytest.mark.parametrize(
    ("kind", "parameter"),
    [(kind, field.name) for kind in ALL for field in dataclasses.fields(kind) if field.name != "h"],
)
def test_a_zero_parameter_is_refused_but_for_the_share_of_the_side_lobes(kind, parameter):
    with pytest.raises(ValueError, match=f"{parameter} must be above 0, got 0"):
        kind(**{parameter: 0})


def test_surrogates_are_immutable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Sigmoid().alpha = 2.0
