"""One source, two ways to run it: compiled on floats, interpreted on every other kind of number."""

import functools
from contextlib import suppress

import numpy as np


class Compiled:
    """A kernel's compiled run. Numba, which takes as long to import as all else, comes with the first use of one."""

    def __init__(self, source):
        self._source = source

    @functools.cached_property
    def dispatcher(self):
        """Numba's own object, which compiles for each kind of arrays that it is given.

        A division by zero is infinity, as in NumPy: the branch that would raise keeps loops from being vectorised. Of
        what a kernel divides by, the checks of parameters leave none that is 0.
        """
        import numba

        from .kernel_cache import KernelCache

        compiled = numba.njit(error_model="numpy")(self._source)
        with suppress(RuntimeError):  # no place where a cache could lie: it is compiled in memory, once per process
            compiled._cache = KernelCache(self._source)
        return compiled

    def __call__(self, *arguments):
        return self.dispatcher(*arguments)

    @property
    def signatures(self):
        """The kinds of arrays that it was compiled for so far."""
        return self.dispatcher.signatures


def kernel(source):
    """Turn an explicit loop over arrays into a function that chooses how to run by its first array's dtype.

    float64 and float32 arrays run compiled by Numba, without fastmath, so that the result is bit for bit
    that of the Python source. Object arrays (fractions.Fraction, dual numbers, plain Python floats, ...)
    run the source itself. `run.source` and `run.compiled` give the two by name.

    A kernel allocates nothing and writes no number of its own into an expression: an integer or float
    literal would turn float32 into float64 in the compiled run alone. Constants arrive in typed arrays.
    """
    compiled = Compiled(source)

    @functools.wraps(source)
    def run(first, *others):
        if first.dtype.hasobject:
            return source(first, *others)
        return compiled.dispatcher(first, *others)

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
