"""Which of many tests alike are quick: one in so many. The others are marked slow; by default all of them run."""

import pytest

SLOW = pytest.mark.slow


def one_in(count, values):
    """`values` for pytest's parametrize, of which the first of each `count` stays among the quick tests."""
    return [
        value if k % count == 0 else pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=SLOW)
        for k, value in enumerate(values)
    ]


def slow(values, names):
    """`values` for pytest's parametrize, of which those that are among `names`, or whose name is, are marked slow."""
    called = {getattr(value, "name", getattr(value, "__name__", value)): value for value in values}
    unknown = set(names) - set(called)
    if unknown:
        raise ValueError(f"names must be those of values, got {', '.join(map(str, unknown))}")
    return [pytest.param(value, marks=SLOW) if name in names else value for name, value in called.items()]
