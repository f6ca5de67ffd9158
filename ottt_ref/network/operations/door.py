"""What an operation is given, checked before a kernel trusts it: a kernel reads and writes by shapes alone."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...annotations import Shape
from ...validation import FLOAT_DTYPES, describe_shape, require_result, shown

if TYPE_CHECKING:
    from .operation import Operation

KINDS = (*FLOAT_DTYPES, np.dtype(object))


def require_batch(operation: Operation, what: str, array: np.ndarray, dtype: np.dtype | None = None) -> np.ndarray:
    """Return `array` if it is [B, ...] of the dtype: that of the parameters, or any kind of number if None."""
    plain = isinstance(array, np.ndarray) and not isinstance(array, np.ma.MaskedArray)
    if not plain or array.ndim < 2 or (array.dtype not in KINDS if dtype is None else array.dtype != dtype):
        got = f"{array.dtype} {describe_shape(array.shape)}" if plain else repr(array)
        raise TypeError(f"{operation!r}: {what} must be an array [B, ...] of {dtype or 'numbers'}, got {got}")
    return array


def require_values(
    operation: Operation, values: np.ndarray, bias_input: np.ndarray | None = None, dtype: np.dtype | None = None
) -> Shape:
    """The shape of the result [B, ...] of values [B, ...]; with parameters of a dtype the constant [1] is checked too.

    Raises TypeError or ValueError where the operation cannot take them.
    """
    require_batch(operation, "values", values, dtype)
    if dtype is not None:
        require_result("bias_input", bias_input, (1,), dtype, "be", of=operation)
    return len(values), *operation.output_shape(values.shape[1:])


def require_given(operation: Operation, values: np.ndarray | None, shape: Shape, dtype: np.dtype) -> np.ndarray:
    """The values that went into an operation that is not linear, of that shape and dtype; TypeError, ValueError."""
    if values is None:
        raise TypeError(f"{operation!r} is not linear: its adjoint must be given the values that went in, got None")
    return require_result("the values", values, shape, dtype, "be", of=operation)


def require_error(operation: Operation, error: np.ndarray, input_shape: Shape, dtype: np.dtype | None = None) -> Shape:
    """The shape [B, *input_shape] of what an error [B, ...] comes back as.

    Raises TypeError or ValueError where it is no error at the operation's result for values of that shape.
    """
    require_batch(operation, "the error", error, dtype)
    try:
        shape = tuple(operator.index(size) for size in input_shape)
    except TypeError:
        raise TypeError(f"{operation!r}: input_shape must be a shape such as (3, 8, 8), got {input_shape!r}") from None
    require_result("the error", error, (len(error), *operation.output_shape(shape)), error.dtype, "be", of=operation)
    return len(error), *shape


def require_pairing(
    operation: Operation,
    gradients: Mapping[str, np.ndarray],
    error: np.ndarray,
    presynaptic: np.ndarray,
    bias_input: np.ndarray | None,
    parameters: Mapping[str, np.ndarray],
) -> None:
    """Check an error and what it is paired with, and the arrays that the parameters' gradients are added to.

    parameters  the operation's own, by name
    """
    if not isinstance(gradients, Mapping):
        raise TypeError(f"gradients must be a mapping of arrays by parameter, got {shown(gradients)}")
    dtype = next(iter(parameters.values())).dtype
    shape = require_values(operation, presynaptic, bias_input, dtype)
    require_result("the error", error, shape, dtype, "be", of=operation)
    for name, value in parameters.items():
        require_result(f"gradients[{name!r}]", gradients.get(name), value.shape, dtype, "be", of=operation)
