"""Arguments that are nearly right, and arguments from elsewhere."""

from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np

import ottt_ref as ot

TINY, HUGE = 5e-324, 1e300


def foreign(rng):
    """What no argument is made of, or only a few are."""
    choices = (
        None,
        "abc",
        "",
        b"x",
        {},
        {"weight": 1},
        [],
        [1, 2],
        (),
        True,
        np.True_,
        0,
        -1,
        3,
        0.5,
        1j,
        Decimal("0.5"),
        Decimal("Infinity"),
        Fraction(1, 3),
        float("nan"),
        float("inf"),
        np.float32(0.5),
        np.int64(2),
        np.timedelta64(3),
        np.array("text"),
        object(),
        int,
        (each for each in (1, 2)),
        {1, 2},
        np.zeros(0),
        np.zeros(()),
        ot.LIF(),
        ot.Dense(np.eye(2)),
        lambda *arguments, **options: None,
    )
    return choices[rng.integers(len(choices))]


def near(rng, value, bounded=False):
    """A value that is nearly `value`. `bounded`: no number that would only ask for very long work."""
    if isinstance(value, np.ndarray):
        return near_array(rng, value)
    if isinstance(value, bool | np.bool_):
        return (int(value), str(value), np.bool_(value), None)[rng.integers(4)]
    if isinstance(value, int | np.integer):
        choices = [-1, 0, value + 1, -value, float(value), np.int64(value), np.float32(value), f"{value}", [value], 0.5]
        choices += [] if bounded else [2**31, 2**70]
        return choices[rng.integers(len(choices))]
    if isinstance(value, float | Fraction):
        return _near_number(rng, value)
    if isinstance(value, str):
        return (value.upper(), value + " ", value[:-1], value.encode(), [value], np.str_(value))[rng.integers(6)]
    if isinstance(value, tuple | list):
        return _near_sequence(rng, value)
    if isinstance(value, dict):
        return _near_mapping(rng, value)
    if isinstance(value, ot.Network):
        return _near_network(rng, value)
    if is_dataclass(value) and not isinstance(value, type) and type(value).__module__.startswith("ottt_ref.simulation"):
        name = fields(value)[rng.integers(len(fields(value)))].name
        return replace(value, **{name: near(rng, getattr(value, name))})
    if callable(value) and not isinstance(value, type):
        wrong = foreign(rng)
        return (lambda *arguments, **options: wrong, lambda: None, "call")[rng.integers(3)]
    return foreign(rng)


def _near_number(rng, value):
    choices = (
        value + 1,
        -value,
        0.0,
        TINY,
        HUGE,
        -HUGE,
        float("nan"),
        float("inf"),
        np.float32(value),
        np.float64(value),
        np.array(float(value)),
        Decimal(str(float(value))),
        Decimal("NaN"),
        Fraction(value),
        str(value),
        complex(value),
        10**400,
        1,
        True,
        np.longdouble(value),
    )
    return choices[rng.integers(len(choices))]


def near_array(rng, array):
    """The array with another dtype, shape, order or entry."""
    changes = (
        lambda: array.astype(np.float32),
        lambda: array.astype(np.float64),
        lambda: array.astype(np.float16) if array.dtype.kind == "f" else array,
        lambda: array.astype(np.int64) if array.dtype.kind == "f" else array,
        lambda: array.astype(complex),
        lambda: array.astype(array.dtype.newbyteorder()),
        lambda: array.astype(object),
        lambda: array.astype(str),
        lambda: array.astype(np.longdouble) if array.dtype.kind == "f" else array,
        lambda: array.tolist(),
        lambda: array.T,
        lambda: np.asfortranarray(array),
        lambda: np.repeat(array, 2, axis=-1)[..., ::2] if array.ndim else array,
        lambda: array[::-1] if array.ndim else array,
        lambda: _read_only(array),
        lambda: _unaligned(array),
        lambda: array[:0] if array.ndim else array,
        lambda: array[..., :0] if array.ndim else array,
        lambda: array[0] if array.ndim and len(array) else array,
        lambda: array[np.newaxis],
        lambda: array[..., np.newaxis],
        lambda: array[:-1] if array.ndim else array,
        lambda: array[..., 1:] if array.ndim else array,
        lambda: np.concatenate([array, array[:1]]) if array.ndim else array,
        lambda: np.concatenate([array, array[..., :1]], axis=-1) if array.ndim else array,
        lambda: array.reshape(-1),
        lambda: array.reshape(-1)[0] if array.size else array,
        lambda: np.ma.masked_array(array, np.zeros(array.shape, bool)),
        lambda: np.broadcast_to(array[:1], array.shape) if array.ndim else array,
        lambda: _holding(rng, array, np.nan),
        lambda: _holding(rng, array, np.inf),
        lambda: _holding(rng, array, HUGE),
        lambda: _holding(rng, array, -1e30),
        lambda: _holding(rng, array, TINY),
        lambda: array * 0,
        lambda: array * 1,
        lambda: array.view(_Subclass) if not array.dtype.hasobject else array,
    )
    with np.errstate(all="ignore"):
        return changes[rng.integers(len(changes))]()


class _Subclass(np.ndarray):
    """An array of a type of one's own."""


def _read_only(array):
    result = array.copy()
    result.flags.writeable = False
    return result


def _unaligned(array):
    if array.dtype.hasobject:
        return array
    raw = np.zeros(array.nbytes + 1, dtype=np.uint8)
    result = raw[1:].view(array.dtype).reshape(array.shape)
    result[...] = array
    return result


def _holding(rng, array, number):
    result = array.copy()
    if result.dtype.kind == "f" and result.size:
        result.reshape(-1)[rng.integers(result.size)] = number
    return result


def _near_sequence(rng, value):
    items = list(value)
    kind = rng.integers(8)
    if kind == 0:
        return items
    if kind == 1:
        return tuple(items)
    if kind == 2:
        return type(value)(items[:-1])
    if kind == 3:
        return type(value)([*items, *items[:1]])
    if kind == 4:
        return iter(items)
    if items:
        k = rng.integers(len(items))
        items[k] = near(rng, items[k]) if kind < 7 else foreign(rng)
    return type(value)(items)


def _near_mapping(rng, value):
    result = dict(value)
    if not result or rng.random() < 0.15:
        return list(value.items())
    name = list(result)[rng.integers(len(result))]
    kind = rng.integers(4)
    if kind == 0:
        del result[name]
    elif kind == 1:
        result["another"] = result[name]
    elif kind == 2:
        result[name] = near(rng, result[name])
    else:
        result[name] = foreign(rng)
    return result


def _near_network(rng, network):
    choices = (
        lambda: network.astype(np.float32),
        lambda: ot.dense_network([2, 5, 2], rng=1),
        lambda: ot.dense_network([3, 4, 3, 2], rng=1, readout="spiking"),
        lambda: network.as_objects(float),
        lambda: ot.dense_network([3, 4, 2], rng=1, surrogate=ot.surrogate.Triangle()).exact(),
        lambda: _broken(network),
        lambda: network.parameters,
        lambda: network.layers,
    )
    return choices[rng.integers(len(choices))]()


def _broken(network):
    """A network one of whose arrays somebody set by hand."""
    broken = network.copy()
    operation = broken.layers[-1].synapses
    if isinstance(operation, ot.Chain) and operation.operations:
        operation = operation.operations[-1]
    if isinstance(operation, ot.Dense):
        operation.weight = np.ones((1, 1))
    return broken
