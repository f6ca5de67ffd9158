"""Checks at the public door: each names the argument, what was expected and what came."""

import math
import numbers
import operator
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from .annotations import Number

LARGEST_SIZE = 2**31 - 1
FLOAT_DTYPES = (np.dtype(np.float64), np.dtype(np.float32))
SEARCHED_AT_ONCE = 2**16  # numbers of an array that are looked at together


def require_choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """Return `value` if it is one of `choices`; raise ValueError otherwise."""
    if not isinstance(value, str) or value not in choices:
        expected = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name} must be one of {expected}, got {value!r}")
    return value


def require_flag(name: str, value: Any) -> bool:
    """Return `value` if it is True or False; raise TypeError otherwise."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def is_real_number(value: Any) -> bool:
    """Whether it is a number, and neither a truth value, a complex number nor a span of time."""
    return isinstance(value, numbers.Number) and not isinstance(
        value, bool | np.bool_ | complex | np.complexfloating | np.timedelta64
    )


def require_number(name: str, value: Any, expected: str, condition: Callable[[Number], bool]) -> Number:
    """Return `value` if it is a finite real number that satisfies `condition`, described by `expected`.

    A NumPy number comes back as Python's own, a Decimal as the Fraction that it is. An int or a Fraction so large that
    no float can hold it is refused.
    """
    if isinstance(value, complex | np.complexfloating):
        raise TypeError(f"{name} must be a real number {expected}, got {shown(value)}")
    if not is_real_number(value):
        raise TypeError(f"{name} must be a number {expected}, got {shown(value)}")
    number = _own(value)
    if isinstance(number, int | Fraction) and not _is_some_float(number):
        raise ValueError(f"{name} must be {expected}, and one that a float can hold, got {shown(value)}")
    if (isinstance(number, float) and not math.isfinite(number)) or not condition(number):
        raise ValueError(f"{name} must be {expected}, got {shown(value)}")
    return number


def _own(value):
    """A real number as one of Python's, where it is NumPy's or a Decimal."""
    if isinstance(value, Decimal):
        return Fraction(value) if value.is_finite() else math.nan
    if isinstance(value, np.generic):
        return int(value) if isinstance(value, np.integer) else float(value)
    return value


def _is_some_float(number):
    try:
        float(number)
    except OverflowError:
        return False
    return True


def require_held(name: str, value: Number, dtype: np.dtype) -> Number:
    """Return `value` if `dtype`, float64 or float32, can hold it; ValueError where it would become infinity or 0."""
    dtype = require_dtype("dtype", dtype)
    with np.errstate(all="ignore"):
        held = dtype.type(float(value))
    if not np.isfinite(held) or (held == 0) != (value == 0):
        raise ValueError(f"{name} must be a number that {dtype} can hold, got {shown(value)}, which becomes {held}")
    return value


def require_positive(name: str, value: Any) -> Number:
    """Return `value` if it is a finite number above 0."""
    return require_number(name, value, "above 0", lambda number: number > 0)


def require_nonnegative(name: str, value: Any) -> Number:
    """Return `value` if it is a finite number that is at least 0."""
    return require_number(name, value, "of at least 0", lambda number: number >= 0)


def require_unit_interval(name: str, value: Any) -> Number:
    """Return `value` if it is a number in [0, 1]."""
    return require_number(name, value, "in [0, 1]", lambda number: 0 <= number <= 1)


def require_count(name: str, value: Any, minimum: int = 1) -> int:
    """Return `value` as an int if it is a whole number of at least `minimum`."""
    try:
        count = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        count = None
    if count is None:
        raise TypeError(f"{name} must be a whole number of at least {minimum}, got {shown(value)}")
    if count < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {count}")
    return count


def require_size(name: str, value: Any, minimum: int = 1) -> int:
    """Return `value` as an int if it is a whole number from `minimum` to 2^31 - 1, as kernels take sizes."""
    size = require_count(name, value, minimum)
    if size > LARGEST_SIZE:
        raise ValueError(f"{name} must be at most {LARGEST_SIZE}, got {size}")
    return size


def require_dtype(name: str, dtype: npt.DTypeLike | None) -> np.dtype:
    """Return `dtype` as a numpy dtype if it is float64 or float32."""
    try:
        result = np.dtype(dtype)
    except (TypeError, ValueError):
        result = np.dtype(object)  # not None, which numpy holds equal to float64
    if dtype is None or result not in FLOAT_DTYPES:
        raise TypeError(f"{name} must be float64 or float32, got {dtype!r}")
    return result


def shown(value: object) -> str:
    """`value` as a message says it: an array by its shape and dtype, and at most 200 characters of anything else."""
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array {describe_shape(value.shape)} of {value.dtype}"
    if isinstance(value, int | Fraction) and max(value.numerator.bit_length(), value.denominator.bit_length()) > 512:
        over = "" if isinstance(value, int) else f" over {value.denominator.bit_length()}"
        return f"a number of {value.numerator.bit_length()}{over} bits"  # Python writes no more than 4300 digits
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."


def describe_shape(shape: Iterable[int | str]) -> str:
    """Write a shape with a letter for each free axis: [T, B, 64]."""
    return "[" + ", ".join(str(length) for length in shape) + "]"


def require_array(
    name: str,
    value: npt.ArrayLike,
    shape: Sequence[int | str],
    dtype: npt.DTypeLike | None = None,
    advice: Callable[[tuple[int, ...]], str] | None = None,
) -> np.ndarray:
    """Return `value` as a C-contiguous, writeable array that kernels can take.

    `shape` holds an int for a fixed axis and a str (its letter) for an axis of any length of at least 1.
    `dtype` is what it must be; None admits float64, float32 and object. An array that already qualifies is
    returned as it is, not copied: callers that keep it copy it. `advice` says of a wrong shape what may be meant.

    Raises TypeError for another dtype, ValueError for another shape, an empty axis, NaN or infinite values.
    """
    if _qualifies(value, shape, dtype):  # in a tenth of the time that finding out what is wrong takes
        return value  # type: ignore[return-value]
    array = as_array(name, value)
    allowed = [np.dtype(dtype)] if dtype is not None else [*FLOAT_DTYPES, np.dtype(object)]
    if array.dtype not in allowed or value is None:
        expected = "float64 or float32" if dtype is None else _dtype_name(allowed[0])
        if array.ndim == 0 or array.dtype.kind not in "biufcO":  # a number, a text: no array, whatever its dtype
            raise TypeError(f"{name} must be an array {describe_shape(shape)} of {expected}, got {shown(value)}")
        raise TypeError(
            f"{name} must have dtype {expected}, got {array.dtype}{_conversion(value, array.dtype, allowed[0])}"
        )
    require_shape(name, array.shape, shape, advice)
    if array.dtype.hasobject:
        _require_numbers(name, array)
    require_finite(name, array)
    return np.require(array, requirements=["C", "A", "W"])


def _qualifies(value, shape, dtype):
    """Whether `require_array` has nothing to find fault with, nor to convert, in an array of floats."""
    if type(value) is not np.ndarray or value.dtype not in FLOAT_DTYPES or not value.flags.carray:
        return False
    if (dtype is not None and value.dtype != dtype) or not value.size or value.ndim != len(shape):
        return False
    for length, want in zip(value.shape, shape):
        if length != want and not isinstance(want, str):
            return False
    return _all_finite(value)


def require_finite(name: str, array: np.ndarray) -> np.ndarray:
    """Return `array` if none of its floats is NaN or infinite; ValueError otherwise. Object arrays are not searched."""
    if not array.dtype.hasobject and not _all_finite(array):
        where = tuple(int(index) for index in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, got {array[where]} at index {list(where)}")
    return array


def _all_finite(array):
    """Whether no float is NaN or infinite; in parts, so that a long sequence takes no more memory than a short one."""
    if array.size <= SEARCHED_AT_ONCE:
        return bool(np.isfinite(array).all())
    length = max(1, SEARCHED_AT_ONCE * len(array) // array.size)
    return all(np.isfinite(array[first : first + length]).all() for first in range(0, len(array), length))


def require_result(
    where: str, value: Any, shape: Sequence[int], dtype: np.dtype, verb: str = "give", *, of: object = None
) -> np.ndarray:
    """Return `value` if it is an array of just that shape and dtype; what code from outside gives a kernel.

    `where` says whose result it is, or, with the verb "be", which argument, and `of` may say whose. Kernels trust
    shapes: of another one they would read and write other memory.
    Raises TypeError for what is no plain array, or of another dtype, and ValueError for another shape.
    """
    if type(value) is np.ndarray and value.shape == tuple(shape) and value.dtype == dtype:
        return value
    plain = isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray)
    if plain and value.shape == tuple(shape) and value.dtype == dtype:
        return value
    got = f"{value.dtype} {describe_shape(value.shape)}" if plain else repr(value)
    kind = ValueError if plain and value.dtype == dtype else TypeError
    where = where if of is None else f"{of!r}: {where}"
    raise kind(f"{where} must {verb} {dtype} {describe_shape(shape)}, got {got}")


def require_entry(where: str, value: Any, shape: Sequence[int], dtype: np.dtype) -> np.ndarray | Number:
    """`require_result` where a number may stand for an array of it."""
    if isinstance(value, numbers.Number):
        return value  # type: ignore[return-value]
    if isinstance(value, np.ndarray) and value.shape == ():
        return require_result(where, value, (), dtype)
    return require_result(where, value, shape, dtype)


def as_array(name: str, value: npt.ArrayLike) -> np.ndarray:
    """Return `value` as an array of any dtype and shape; raise TypeError where it is none, or a masked one.

    What says by `__array__` or by DLPack where its numbers lie, such as a tensor of another library on the CPU, is read
    there: the array shares its memory.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must be a plain array, got a masked one")
    try:
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
            return np.from_dlpack(value)  # type: ignore[arg-type]
        return np.asarray(value)
    except MemoryError:
        raise
    except Exception as error:  # whatever the other library raises: each has its own
        raise TypeError(f"{name} must be an array, got {_unreadable(name, value, error)}") from None


def _unreadable(name, value, error):
    """What is said of what NumPy cannot read: of tensors with a gradient, or on another device, what to do."""
    kind, device = type(value).__name__, str(getattr(value, "device", "cpu"))
    if getattr(value, "requires_grad", False) is True or not device.startswith("cpu"):
        what = "that requires a gradient" if device.startswith("cpu") else f"on the device {device}"
        return f"a {kind} {what}: {name}.detach().cpu() is one"
    return f"{kind}: {error}"


def held_exactly(name: str, array: np.ndarray, dtype: npt.DTypeLike) -> np.ndarray:
    """Whole numbers, of an integer dtype or bool, in a new array of float64 or float32.

    Raises ValueError that names the first number that would be rounded.

    >>> import numpy as np
    >>> from ottt_ref.validation import held_exactly
    >>> held_exactly("inputs", np.array([True, False]), np.float32)
    array([1., 0.], dtype=float32)
    >>> held_exactly("inputs", np.array([2**24, 2**24 + 1]), np.float32)
    Traceback (most recent call last):
    ValueError: inputs must hold whole numbers that float32 can hold exactly, got 16777217 at index [1]
    """
    dtype = require_dtype("dtype", dtype)
    result = array.astype(dtype)
    largest = 2 ** (np.finfo(dtype).nmant + 1)  # up to here every whole number is held
    if array.dtype.kind != "b" and np.iinfo(array.dtype).max > largest:
        for place in np.argwhere((array > largest) | (array < -largest)):
            index = tuple(int(each) for each in place)
            if int(result[index]) != int(array[index]):
                raise ValueError(
                    f"{name} must hold whole numbers that {dtype} can hold exactly, got {array[index]} at index "
                    f"{list(index)}"
                )
    return result


def _dtype_name(dtype):
    return "object (exact numbers, as the network's parameters are)" if dtype.hasobject else f"{dtype}"


def _conversion(value, dtype, wanted):
    """How an array of numbers is converted, where that loses nothing that its owner did not mean."""
    if dtype.kind not in "biuf":
        return ""
    if wanted.hasobject:
        return ": ot.exact_array(...) converts"
    array = "" if isinstance(value, np.ndarray) else "np.asarray(...)"  # tensors have no astype
    return f": {array}.astype(np.{wanted}) converts it"


def fits(got: Sequence[int], expected: Sequence[int | str]) -> bool:
    """Whether a shape is the expected one: an int is a length, a letter stands for any.

    >>> from ottt_ref.validation import fits
    >>> fits((6, 2, 64), ("T", "B", 64)), fits((6, 64, 2), ("T", "B", 64))
    (True, False)
    """
    return len(got) == len(expected) and all(
        isinstance(want, str) or length == want for length, want in zip(got, expected)
    )


def require_shape(
    name: str,
    got: tuple[int, ...],
    expected: Sequence[int | str],
    advice: Callable[[tuple[int, ...]], str] | None = None,
) -> None:
    """Raise ValueError where a shape is not the expected one, or an axis of it is empty; `advice` ends the message."""
    if not fits(got, expected):
        end = "" if advice is None else advice(got)
        raise ValueError(f"{name} must be {describe_shape(expected)}, got shape {got}{end}")
    for length, want in zip(got, expected):
        if length == 0:
            raise ValueError(f"{name} must be {describe_shape(expected)} with {want} of at least 1, got shape {got}")


def _require_numbers(name, array):
    for index, element in np.ndenumerate(array):
        if isinstance(element, Decimal) or not is_real_number(element):
            raise TypeError(f"{name} must hold numbers, got {element!r} at index {list(index)}")
        if isinstance(element, float | np.floating) and not math.isfinite(element):
            raise ValueError(f"{name} must be finite, got {element!r} at index {list(index)}")
