"""Pickles of lists, dicts, texts, numbers and byte arrays, read without running anything that they name.

The names that NumPy writes for an array are met by stand-ins of this module, which only keep what they are given; the
array is made afterwards, from checked lengths. Every other name is refused.
"""

import io
import pickle
import pickletools
from math import prod

import numpy as np

from .reading import DataError

LONGEST = 2**31  # of an axis of an array: no data set has more
DEEPEST = 2**20  # the highest place in the pickle's memo: a lying one would ask for gigabytes


class _Array:
    """What a pickle says of an array: its state as `ndarray.__setstate__` would get it."""

    state = None

    def __setstate__(self, state):
        self.state = state


class _Dtype:
    """What a pickle says of a dtype: its first word."""

    def __init__(self, name, *_):
        self.name = name

    def __setstate__(self, state):
        pass


def _reconstruct(*_):
    return _Array()


STAND_INS = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, content):
        super().__init__(io.BytesIO(content), encoding="bytes")
        self._room = len(content)

    def encode(self, text, *_):
        """How Python 3 writes bytes in old protocols: as Latin-1 text. All of them lie in the file, each once."""
        self._room -= len(text)
        if self._room < 0:
            raise pickle.UnpicklingError("it asks for more bytes than it holds")
        return text.encode("latin-1")

    def find_class(self, module, name):
        if (module, name) == ("_codecs", "encode"):
            return self.encode
        if (module, name) not in STAND_INS:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is not allowed")
        return STAND_INS[module, name]


def loads(content, path):
    """The object that a pickle holds, arrays as stand-ins for `bytes_of`; DataError that names `path`."""
    try:
        for operation, argument, _ in pickletools.genops(content):
            if operation.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > DEEPEST:
                raise pickle.UnpicklingError(f"it has a memo of {argument} places")
        return _Unpickler(content).load()
    except Exception as error:  # a broken pickle raises nearly anything
        reason = str(error) or type(error).__name__
        raise DataError(f"{path} must be a pickle of arrays, lists and numbers: {reason}") from None


def bytes_of(array, path):
    """The array of bytes that a pickle holds, uint8; DataError where it is another thing, or its lengths lie."""
    try:
        _, shape, dtype, by_column, content = array.state
        if dtype.name not in (b"u1", "u1") or by_column:
            raise ValueError
        if not all(type(length) is int and 0 <= length <= LONGEST for length in shape):
            raise ValueError
        content = content.encode("latin-1") if isinstance(content, str) else content
    except (AttributeError, TypeError, ValueError):
        raise DataError(f"{path}: data must be an array of bytes, row by row") from None
    if not isinstance(content, bytes) or len(content) != prod(shape):
        raise DataError(f"{path}: data says {' x '.join(map(str, shape))} bytes, and has another number")
    return np.frombuffer(content, np.uint8).reshape(shape)
