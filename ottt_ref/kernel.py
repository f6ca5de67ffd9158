"""One source, two ways to run it: compiled on floats, interpreted on every other kind of number."""

import functools
from contextlib import suppress

import numba
import numpy as np

from .kernel_cache import KernelCache


def _compile(source):
    compiled = numba.njit(source)
    with suppress(RuntimeError):  # no place where a cache could lie: it is compiled in memory, once per process
        compiled._cache = KernelCache(source)
    return compiled


def kernel(source):
    """Turn an explicit loop over arrays into a function that chooses how to run by its first array's dtype.

    float64 and float32 arrays run compiled by Numba, without fastmath, so that the result is bit for bit
    that of the Python source. Object arrays (fractions.Fraction, dual numbers, plain Python floats, ...)
    run the source itself. `run.source` and `run.compiled` give the two by name.

    A kernel allocates nothing and writes no number of its own into an expression: an integer or float
    literal would turn float32 into float64 in the compiled run alone. Constants arrive in typed arrays.
    """
    compiled = _compile(source)

    @functools.wraps(source)
    def run(first, *others):
        if first.dtype.hasobject:
            return source(first, *others)
        return compiled(first, *others)

    run.source = source
    run.compiled = compiled
    return run


def rows(array: np.ndarray) -> np.ndarray:
    """`array` [B, ...] as [B, n], a view: what a kernel over neurons takes, whatever the layer's shape.

    >>> import numpy as np
    >>> from ottt_ref.kernel import rows
    >>> rows(np.zeros((2, 3, 4, 4))).shape
    (2, 48)
    """
    return array.reshape(len(array), -1)
