"""Whether anybody else has an array: then its memory is used again, or must not be."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def others(arrays: Sequence[np.ndarray] | Mapping[Any, np.ndarray], key: Any) -> int:
    """How many references there are to arrays[key] beside that of `arrays`.

    Views of an array refer to it, too.

    >>> import numpy as np
    >>> from ottt_ref.fast.references import others
    >>> arrays = [np.empty(2), np.empty(3)]
    >>> own = arrays[1]
    >>> others(arrays, 0), others(arrays, 1)
    (0, 1)
    """
    return _count(arrays, key) - ALONE


def _count(arrays, key):
    return sys.getrefcount(arrays[key])


ALONE = _count([np.empty(0)], 0)  # of an array that a list alone holds; it differs with Python's version
