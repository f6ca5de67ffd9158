"""The numbers of a node's neurons: a float where one holds for a whole layer, else an array of the layer's shape."""

import numpy as np

from .package import kind_of

ENDLESS = ("r", "tau")  # of a membrane that does not leak


def field_name(node, name, field):
    """How errors call a field of a node."""
    return f"node {name!r} ({kind_of(node)}): {field}"


def value_of(node, name, field, shape):
    """What a field holds, and its dtype; ValueError where these are no finite numbers, or have another shape."""
    array = np.asarray(getattr(node, field))
    where = field_name(node, name, field)
    endless = field in ENDLESS
    if array.dtype.kind not in "fiu" or not np.all(np.isfinite(array) | (endless & np.isposinf(array))):
        raise ValueError(f"{where} must hold finite numbers, got {array!r}")
    if array.size != 1 and array.shape != shape:
        raise ValueError(f"{where} must have the shape of the layer, {list(shape)}, got {list(array.shape)}")
    return each(float, array), array.dtype if array.dtype.kind == "f" else np.dtype(np.float64)


def each(function, *values):
    """A function of the numbers of each neuron; one number where all of its results are the same."""
    arrays = [value for value in values if isinstance(value, np.ndarray)]
    if not arrays:
        return function(*values)
    broadcast = np.broadcast_arrays(*values)
    known, results = {}, np.empty(broadcast[0].shape)
    for place in np.ndindex(results.shape):
        numbers = tuple(float(array[place]) for array in broadcast)
        if numbers not in known:
            known[numbers] = function(*numbers)
        results[place] = known[numbers]
    return float(results.flat[0]) if len(set(known.values())) == 1 else results


def smallest(value):
    """The number of a layer, or the least of its numbers."""
    return float(np.min(value))


def described(value):
    """The number of a layer, or the range of its numbers, as errors show them."""
    least, most = float(np.min(value)), float(np.max(value))
    return repr(least) if least == most else f"{least!r} to {most!r}"
