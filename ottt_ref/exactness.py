"""Numbers without rounding: what counts as exact, what does not, and how a network of exact numbers gets its own.

A network is exact if every parameter is a whole number or a fraction (`numbers.Rational`). Then nothing rounded may get
in: a float among fractions turns all that it meets into floats, and the result looks like any other.

    arrays           inputs, targets, parameters, errors: floats in them are refused
    single numbers   a decay, a threshold, a factor: a float is taken as the fraction that it equals, as `exact` does
    whole numbers    become fractions: one int divided by another would be a float
"""

import math
import numbers
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

ROUNDED = (float, np.floating, complex, np.complexfloating, Decimal)


def is_rounded(number: object) -> bool:
    """Whether it is a float or another number whose arithmetic rounds.

    >>> from fractions import Fraction
    >>> from ottt_ref.exactness import is_rounded
    >>> is_rounded(0.5), is_rounded(Fraction(1, 2)), is_rounded(1)
    (True, False, False)
    """
    return isinstance(number, ROUNDED)


def require_exact(name: str, array: np.ndarray) -> np.ndarray:
    """Return `array`, whose numbers must be exact; raise TypeError that names the first that is not.

    >>> import numpy as np
    >>> from ottt_ref.exactness import require_exact
    >>> require_exact("inputs", np.array([[0.5]], dtype=object))
    Traceback (most recent call last):
    TypeError: inputs must hold exact numbers (`exact_array` makes them), got the float 0.5 at index [0, 0]
    """
    for index, number in np.ndenumerate(array):
        if is_rounded(number):
            kind = "float" if isinstance(number, float | np.floating) else type(number).__name__
            raise TypeError(
                f"{name} must hold exact numbers (`exact_array` makes them), got the {kind} {number!r} at index "
                f"{list(index)}"
            )
    return array


def exact_number(value: Any, kind: type = Fraction) -> Any:
    """`value` as an exact number of that kind, if it is a float, a Decimal or a whole number; as it is otherwise.

    >>> from ottt_ref.exactness import exact_number
    >>> exact_number(0.75), exact_number(3)
    (Fraction(3, 4), Fraction(3, 1))
    """
    if isinstance(value, bool | np.bool_):
        return value
    if isinstance(value, numbers.Integral):
        return kind(int(value))
    if isinstance(value, float | np.floating | Decimal) and math.isfinite(value):
        return kind(Fraction(*value.as_integer_ratio()))
    return value


def exact_values(array: np.ndarray, kind: type = Fraction) -> np.ndarray:
    """A copy of an object array in which each whole number is an exact number of that kind, all others as they are.

    >>> import numpy as np
    >>> from ottt_ref.exactness import exact_values
    >>> exact_values(np.array([2, 3], dtype=object))
    array([Fraction(2, 1), Fraction(3, 1)], dtype=object)
    """
    result = np.empty(array.shape, dtype=object)
    for index, number in np.ndenumerate(array):
        result[index] = kind(int(number)) if isinstance(number, numbers.Integral) else number
    return result


def exact_kind(arrays: dict[str, np.ndarray]) -> type | None:
    """The type of the exact numbers that all of these arrays hold; None where they hold others.

    That of the first fraction; Fraction where there are whole numbers alone. Raises TypeError that names the array
    where floats lie among fractions.

    >>> import numpy as np
    >>> from ottt_ref.exactness import exact_kind
    >>> exact_kind({"weight": np.array([1, 2], dtype=object)})
    <class 'fractions.Fraction'>
    >>> exact_kind({"weight": np.array([1.0, 2.0])}) is None
    True
    """
    if not all(array.dtype.hasobject for array in arrays.values()):
        return None
    found = [number for array in arrays.values() for number in array.flat]
    fractions = [number for number in found if _is_fraction(number)]
    if fractions:
        for name, array in arrays.items():
            require_exact(name, array)
    if not found or not all(isinstance(number, numbers.Rational) for number in found):
        return None
    return type(fractions[0]) if fractions else Fraction


def _is_fraction(number):
    return isinstance(number, numbers.Rational) and not isinstance(number, numbers.Integral)
