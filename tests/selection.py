"""Which of many tests alike are quick, and which are run by default; the others are marked slow and exhaustive."""

import pytest

EXHAUSTIVE = pytest.mark.exhaustive
SLOW = pytest.mark.slow


def one_in(count, values, default=1, kind=None):
    """`values` for pytest's parametrize, of which the first of each `count` stays among the quick tests.

    default  the first of each so many stays among the default tests; the others are run by `.ci/run` alone
    kind     value → its kind: the first of each kind stays among the default tests as well
    """
    found, kinds = [], set()
    for k, value in enumerate(values):
        first = kind is not None and kind(value) not in kinds
        kinds.add(None if kind is None else kind(value))
        marks = [] if k % count == 0 else [SLOW, *([] if k % default == 0 or first else [EXHAUSTIVE])]
        found.append(pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=marks))
    return found


def slow(values, names):
    """`values` for pytest's parametrize, of which those that are among `names`, or whose name is, are marked slow."""
    called = {getattr(value, "name", getattr(value, "__name__", value)): value for value in values}
    unknown = set(names) - set(called)
    if unknown:
        raise ValueError(f"names must be those of values, got {', '.join(map(str, unknown))}")
    return [pytest.param(value, marks=SLOW) if name in names else value for name, value in called.items()]
