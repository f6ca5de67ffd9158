"""Checks at the public door: what each takes, what it gives back, what it says when it refuses."""

import math
from decimal import Decimal
from fractions import Fraction as F

import numpy as np
import pytest

from ottt_ref.validation import (
    as_array,
    describe_shape,
    require_array,
    require_choice,
    require_count,
    require_dtype,
    require_flag,
    require_held,
    require_nonnegative,
    require_number,
    require_positive,
    require_unit_interval,
    shown,
)


def refused(error, check, *arguments):
    """The message of the refusal."""
    with pytest.raises(error) as raised:
        check(*arguments)
    assert type(raised.value) is error
    return str(raised.value)


def test_a_choice_is_given_back_or_refused_with_all_choices():
    assert require_choice("reset", "hard", ("soft", "hard")) == "hard"
    for wrong in ("Hard", "", None, 0, ["hard"], b"hard"):
        message = refused(ValueError, require_choice, "reset", wrong, ("soft", "hard"))
        assert message == f"reset must be one of 'soft', 'hard', got {wrong!r}"


def test_a_part_of_the_only_choice_is_no_choice():
    assert refused(ValueError, require_choice, "x", "a", ("abc",)) == "x must be one of 'abc', got 'a'"


@pytest.mark.parametrize("value", [True, False, np.True_, np.False_])
def test_a_flag_is_a_plain_bool(value):
    assert require_flag("terms", value) is bool(value)


@pytest.mark.parametrize("value", [1, 0, None, "True", [], np.array([True])], ids=repr)
def test_what_is_not_true_or_false_is_refused(value):
    assert refused(TypeError, require_flag, "terms", value) == f"terms must be True or False, got {value!r}"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *[(1, int), (0.5, float), (F(1, 2), F), (np.float64(0.5), float), (np.float32(0.5), float), (np.int64(1), int)],
        *[(Decimal("0.1"), F), (np.float16(0.5), float), (np.longdouble(0.5), float), (np.uint8(1), int)],
    ],
)
def test_a_number_is_given_back_as_pythons_own(value, expected):
    got = require_number("x", value, "above 0", lambda number: number > 0)
    assert (got, type(got)) == (value, expected)


NO_NUMBERS = [True, np.True_, "1", b"1", None, [1.0], np.array([1.0]), np.array(1.0), np.timedelta64(3), np.str_("1")]


@pytest.mark.parametrize("value", [*NO_NUMBERS, np.timedelta64("NaT"), np.datetime64("2020")], ids=repr)
def test_what_is_no_number_is_refused(value):
    complaint = refused(TypeError, require_number, "x", value, "above 0", bool)
    assert complaint == f"x must be a number above 0, got {shown(value)}"


def test_a_message_has_no_array_and_no_long_text_in_full():
    assert shown(np.zeros((3, 2), np.float32)) == "an array [3, 2] of float32"
    assert shown(np.array(1.5)) == "array(1.5)" and shown("a" * 198) == repr("a" * 198)
    assert shown("a" * 500) == repr("a" * 500)[:197] + "..."


@pytest.mark.parametrize("value", [1j, np.complex128(1), np.complex64(1)])
def test_a_complex_number_is_refused(value):
    message = refused(TypeError, require_number, "x", value, "above 0", bool)
    assert message == f"x must be a real number above 0, got {value!r}"


MORE = [Decimal("Infinity"), Decimal("-Infinity"), Decimal("NaN"), Decimal("sNaN"), np.longdouble("1e4000")]


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, np.float64("nan"), np.float32("inf"), *MORE], ids=repr
)
@pytest.mark.parametrize("check", [require_positive, require_nonnegative, require_unit_interval])
def test_nan_and_infinity_are_refused_everywhere(check, value):
    message = refused(ValueError, check, "x", value)
    assert message.startswith("x must be ") and message.endswith(f"got {value!r}")
    assert refused(ValueError, require_number, "x", value, "any", lambda _: True) == f"x must be any, got {value!r}"


@pytest.mark.parametrize(
    ("check", "inside", "outside", "expected"),
    [
        (require_positive, [5e-324, 1, F(1, 9), 1e308], [0, -0.0, -1, F(-1, 9)], "above 0"),
        (require_nonnegative, [0, -0.0, 5e-324, F(0)], [-5e-324, -1, F(-1, 9)], "of at least 0"),
        (require_unit_interval, [0, 1, 0.5, F(1, 3), 1.0], [-5e-324, math.nextafter(1, 2), 2, F(4, 3)], "in [0, 1]"),
    ],
)
def test_a_range_ends_where_it_says(check, inside, outside, expected):
    for value in inside:
        assert check("x", value) == value
    for value in outside:
        assert refused(ValueError, check, "x", value) == f"x must be {expected}, got {value!r}"


@pytest.mark.parametrize("value", [10**400, -(10**400), 10**5000, F(10**400, 3), F(-(10**5000))], ids=lambda _: "")
def test_a_number_too_large_for_a_float_is_refused(value):
    message = refused(ValueError, require_number, "x", value, "any", lambda _: True)
    assert message.startswith("x must be any, and one that a float can hold, got a number of 1") and len(message) < 100
    assert require_number("x", 2**1023, "any", lambda _: True) == 2**1023


@pytest.mark.parametrize(
    ("dtype", "held", "not_held"),
    [
        ("float32", [0, 1, 3.4e38, 1e-45, F(1, 3), -0.0], [3.5e38, -1e300, 1e-46, F(1, 10**60)]),
        ("float64", [0, 1, 1.7e308, 5e-324, F(1, 3)], [F(1, 10**400), F(-1, 10**400)]),
    ],
)
def test_a_number_is_held_by_a_dtype_or_refused(dtype, held, not_held):
    for value in held:
        assert require_held("x", value, np.dtype(dtype)) is value
    for value in not_held:
        message = refused(ValueError, require_held, "x", value, np.dtype(dtype))
        assert message.startswith(f"x must be a number that {dtype} can hold, got ")
        assert message.endswith(("becomes 0.0", "becomes -0.0", "becomes inf", "becomes -inf"))


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), np.array(3)], ids=repr)
def test_a_count_is_a_plain_int(value):
    got = require_count("B", value)
    assert (got, type(got)) == (3, int)


@pytest.mark.parametrize("value", [3.0, True, "3", None, [3], F(3), np.True_, np.float64(3)], ids=repr)
def test_what_is_no_whole_number_is_refused(value):
    assert refused(TypeError, require_count, "B", value) == f"B must be a whole number of at least 1, got {value!r}"


def test_a_count_has_a_least_value():
    assert require_count("B", 1) == 1 and require_count("k", 0, minimum=0) == 0
    assert refused(ValueError, require_count, "B", 0) == "B must be at least 1, got 0"
    assert refused(ValueError, require_count, "k", -1, 0) == "k must be at least 0, got -1"


@pytest.mark.parametrize("dtype", ["float64", np.float32, np.dtype("f8"), float, "<f4"])
def test_a_dtype_is_given_back_as_numpys(dtype):
    assert require_dtype("dtype", dtype) is np.dtype(dtype)


@pytest.mark.parametrize("dtype", [None, int, "float16", ">f8", "nonsense", object, 7, np.longdouble], ids=repr)
def test_another_dtype_is_refused(dtype):
    assert refused(TypeError, require_dtype, "dtype", dtype) == f"dtype must be float64 or float32, got {dtype!r}"


def test_shapes_are_written_with_letters_for_free_axes():
    assert describe_shape(("T", "B", 64)) == "[T, B, 64]"
    assert describe_shape(()) == "[]" and describe_shape((3,)) == "[3]"


@pytest.mark.parametrize("dtype", [np.float64, np.float32, object])
def test_an_array_that_qualifies_is_given_back_itself(dtype):
    array = np.ones((2, 3)).astype(dtype)
    assert require_array("x", array, ("B", 3)) is array
    assert require_array("x", array, (2, "n"), dtype) is array


@pytest.mark.parametrize(
    "change",
    [np.asfortranarray, lambda array: array[:, ::-1], lambda array: np.broadcast_to(array[:1], (2, 3))],
    ids=["Fortran", "reversed", "broadcast"],
)
def test_an_array_of_another_layout_is_copied_into_the_kernels(change):
    array = change(np.arange(6.0).reshape(2, 3))
    got = require_array("x", array, ("B", 3))
    assert np.array_equal(got, array) and not np.shares_memory(got, array)
    assert got.flags.c_contiguous and got.flags.writeable and got.flags.aligned


def test_a_read_only_array_is_copied_and_stays_read_only():
    array = np.ones((2, 3))
    array.flags.writeable = False
    got = require_array("x", array, (2, 3))
    got[...] = 7
    assert np.all(array == 1)


def test_an_unaligned_array_is_copied():
    array = np.frombuffer(b"\0" + np.arange(3.0).tobytes(), dtype=np.uint8)[1:].view(np.float64)
    assert not array.flags.aligned
    got = require_array("x", array, (3,))
    assert got.flags.aligned and got.tolist() == [0, 1, 2]


def test_a_subclass_comes_back_as_a_plain_array():
    class Labelled(np.ndarray):
        pass

    assert type(require_array("x", np.ones(3).view(Labelled), (3,))) is np.ndarray


@pytest.mark.parametrize(
    ("value", "shape", "dtype", "error", "message"),
    [
        (np.ones(3), (4,), None, ValueError, "x must be [4], got shape (3,)"),
        (np.ones(3), ("B", 3), None, ValueError, "x must be [B, 3], got shape (3,)"),
        (np.ones((1, 3)), (3,), None, ValueError, "x must be [3], got shape (1, 3)"),
        (np.ones((0, 3)), ("B", 3), None, ValueError, "x must be [B, 3] with B of at least 1, got shape (0, 3)"),
        (np.ones((2, 0)), ("B", "n"), None, ValueError, "x must be [B, n] with n of at least 1, got shape (2, 0)"),
        (np.ones(3, int), (3,), None, TypeError, "x must have dtype float64 or float32, got int64"),
        (np.ones(3, np.float32), (3,), float, TypeError, "x must have dtype float64, got float32"),
        (np.ones(3), (3,), object, TypeError, "x must have dtype object (exact numbers, as the network's parameters"),
        (np.array([1, np.nan, np.inf]), (3,), None, ValueError, "x must be finite, got nan at index [1]"),
        (np.array([[1.0, np.inf]]), (1, 2), None, ValueError, "x must be finite, got inf at index [0, 1]"),
        (np.array([F(1), "a"], object), (2,), None, TypeError, "x must hold numbers, got 'a' at index [1]"),
        (np.array([F(1), False], object), (2,), None, TypeError, "x must hold numbers, got False at index [1]"),
        (np.array([F(1), 1j], object), (2,), None, TypeError, "x must hold numbers, got 1j at index [1]"),
        (np.array([Decimal(1)], object), (1,), None, TypeError, "x must hold numbers, got Decimal('1') at index [0]"),
        (np.array([np.timedelta64(1)], object), (1,), None, TypeError, "x must hold numbers, got np.timedelta64(1)"),
        (np.array([F(1), np.True_], object), (2,), None, TypeError, "x must hold numbers, got np.True_ at index [1]"),
        (np.array([1, math.inf], object), (2,), None, ValueError, "x must be finite, got inf at index [1]"),
        (np.array([np.float32("nan")], object), (1,), None, ValueError, "x must be finite, got np.float32(nan) at"),
    ],
)
def test_an_array_that_does_not_qualify_is_refused(value, shape, dtype, error, message):
    assert refused(error, require_array, "x", value, shape, dtype).startswith(message)


def test_the_dtype_is_complained_of_before_the_shape_and_the_shape_before_the_content():
    assert "dtype" in refused(TypeError, require_array, "x", np.ones(3, int), (4,))
    assert "shape" in refused(ValueError, require_array, "x", np.full(3, np.nan), (4,))


def test_as_array_takes_any_array_but_a_masked_or_a_ragged_one():
    assert as_array("x", [1, 2]).tolist() == [1, 2] and as_array("x", "ab").dtype.kind == "U"
    array = np.ones(2)
    assert as_array("x", array) is array
    assert refused(TypeError, as_array, "x", np.ma.ones(2)) == "x must be a plain array, got a masked one"
    assert refused(TypeError, as_array, "x", [[1], [1, 2]]).startswith("x must be an array, got list: ")
