"""Copies of operations and neurons that have arrays of their own."""

from collections.abc import Iterable
from contextlib import suppress
from typing import TypeVar

import numpy as np

Part = TypeVar("Part")


def with_own_arrays(original: Part, result: Part, names: Iterable[str]) -> Part:
    """`result`, a shallow copy of `original`, whose attributes of these names it makes copies of, if they are arrays.

    Raises TypeError where an attribute cannot be set, since a property without a setter gives it.
    """
    for name in names:
        array = getattr(original, name, None)
        if isinstance(array, np.ndarray):
            with suppress(AttributeError):
                object.__setattr__(result, name, array.copy())
            if getattr(result, name) is array:
                kind = type(original).__name__
                raise TypeError(
                    f"{kind}.{name} must be an attribute that can be set, or {kind} must define copy(): a network "
                    "takes a copy of its own"
                )
    return result
