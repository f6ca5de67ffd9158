"""The numbers of a node's neurons: a float where one holds for a whole layer, else an array of the layer's shape."""

import numpy as np

from .package import kind_of

ENDLESS = ("r", "tau", "tau_mem", "tau_syn", "w_in")  # of a membrane or current that does not leak


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
    """A function of the numbers of each neuron; one number where all of its results are the same.

    It is called once for neurons whose numbers are the same: large layers have few.
    """
    if not any(isinstance(value, np.ndarray) for value in values):
        return function(*values)
    arrays = np.broadcast_arrays(*values)
    columns = [np.asarray(array, dtype=np.float64).reshape(-1) for array in arrays]
    which = np.zeros(columns[0].size, dtype=np.int64)  # of the different combinations of numbers, for each neuron
    for column in columns:
        different, place = np.unique(column, return_inverse=True)
        _, first, which = np.unique(which * len(different) + place, return_index=True, return_inverse=True)
    results = np.array([function(*(float(column[k]) for column in columns)) for k in first])
    if np.all(results == results[0]):
        return float(results[0])
    return results[which].reshape(arrays[0].shape)


def spread(value, shape):
    """A number, or an array [1], [C] or of the layer's shape, as a float or an array of the layer's shape."""
    if not isinstance(value, np.ndarray):
        return float(value)
    if value.shape != shape and len(value) > 1:
        value = value.reshape(*value.shape, *(1 for _ in shape[value.ndim :]))
    return each(float, np.broadcast_to(value, shape))


def fitted(value, shape, dtype):
    """What neurons take of a float or an array of the layer's shape: a number, an array [C] of channels, or all."""
    if not isinstance(value, np.ndarray):
        return value
    channels = value.reshape(len(value), -1)
    alike = len(shape) > 1 and np.all(channels == channels[:, :1])
    return (channels[:, 0] if alike else value).astype(dtype)


def described(value):
    """The number of a layer, or the range of its numbers, as errors show them."""
    least, most = float(np.min(value)), float(np.max(value))
    return repr(least) if least == most else f"{least!r} to {most!r}"
