"""Inputs at the public door: whole numbers become the network's own, and a wrong shape is told what may be meant.

Time comes first: a sequence is [T, B, n], or of images [T, B, C, H, W], and one time step of it [B, n]. Spikes of
another library may be of bool or of any integer dtype: they are converted here, once, exactly. Data whose batch comes
first enter as `inputs.swapaxes(0, 1)`.
"""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from ..network.network import Network
from ..validation import FLOAT_DTYPES, as_array, describe_shape, fits, held_exactly, require_array, require_shape

WHOLE = "biu"  # the kinds of dtype that hold whole numbers: bool, int8 .. int64, uint8 .. uint64
SAMPLE_AXES = {1: ("n",), 2: ("C", "L"), 3: ("C", "H", "W")}


def require_inputs(network: Network, inputs: npt.ArrayLike) -> np.ndarray:
    """Inputs [T, B, ...] of the network's shape and numbers; whole numbers of any dtype are converted, exactly.

    Raises TypeError for another dtype, ValueError for another shape, T = 0, B = 0, NaN, infinite values, and whole
    numbers that the network's dtype would round.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.simulation.inputs import require_inputs
    >>> network = ot.dense_network([2, 3, 2], rng=0)
    >>> require_inputs(network, np.array([[[1, 0]], [[0, 1]]], dtype=np.uint8)).tolist()
    [[[1.0, 0.0]], [[0.0, 1.0]]]
    >>> require_inputs(network, np.zeros((5, 2, 7)))
    Traceback (most recent call last):
    ValueError: inputs must be [T, B, 2], got shape (5, 2, 7): np.moveaxis(inputs, 2, 0) if they are [B, n, T], \
inputs.swapaxes(1, 2) if they are [T, n, B]
    """
    return _required(network, inputs, ("T", "B" if network.batch_size is None else network.batch_size))


def require_step(network: Network, inputs: npt.ArrayLike, batch_size: int | None = None) -> np.ndarray:
    """`require_inputs` for one time step, [B, ...], of a batch of that size if one is given.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.simulation.inputs import require_step
    >>> network = ot.dense_network([2, 3, 2], rng=0)
    >>> require_step(network, np.zeros((6, 4, 2)))
    Traceback (most recent call last):
    ValueError: inputs must be [B, 2], got shape (6, 4, 2): inputs[t] is one time step if they are [T, B, n]
    """
    return _required(network, inputs, ("B" if batch_size is None else batch_size,))


def require_batch_second(inputs: np.ndarray, targets: npt.ArrayLike) -> None:
    """Raise ValueError for inputs of a sequence of which there are as many as targets in the first axis alone.

    >>> import numpy as np
    >>> from ottt_ref.simulation.inputs import require_batch_second
    >>> require_batch_second(np.zeros((32, 6, 2)), np.zeros(32, dtype=int))
    Traceback (most recent call last):
    ValueError: inputs must be [T, B, ...], time first, got shape (32, 6, 2) with 32 targets: inputs.swapaxes(0, 1) \
if they are [B, T, ...]
    """
    wanted = as_array("targets", targets)
    for_samples = wanted.ndim == 1 or (wanted.ndim == 2 and wanted.dtype.kind not in WHOLE)  # whole [T, B]: by step
    if for_samples and inputs.shape[0] == len(wanted) != inputs.shape[1]:
        raise ValueError(
            f"inputs must be [T, B, ...], time first, got shape {inputs.shape} with {len(wanted)} targets: "
            "inputs.swapaxes(0, 1) if they are [B, T, ...]"
        )


def _required(network, inputs, leading):
    expected = (*leading, *network.input_shape)
    advice = partial(_advice, expected=expected, axes=len(leading))
    given, array = inputs, as_array("inputs", inputs)
    if array.ndim and array.dtype.kind in WHOLE:
        require_shape("inputs", array.shape, expected, advice)
        given = _own_whole_numbers(network, array)
    array = require_array("inputs", given, expected, network.dtype, advice)
    return network.require_own_numbers("inputs", array)


def _own_whole_numbers(network, array):
    """Whole numbers as the network's numbers: over fractions they stay whole, and `require_own_numbers` takes them."""
    if network.dtype in FLOAT_DTYPES:
        return held_exactly("inputs", array, network.dtype)
    kind = type(next(iter(network.parameters.values())).flat[0])
    if issubclass(kind, float | np.floating):  # floats in an object array: a whole number would be rounded by them
        return held_exactly("inputs", array, np.float32 if kind is np.float32 else np.float64).astype(object)
    return (array.astype(np.uint8) if array.dtype.kind == "b" else array).astype(object)


def _advice(got: tuple[int, ...], expected: Sequence[int | str], axes: int) -> str:
    """What to write where inputs of a wrong shape are right ones with their axes in another order, as a sentence's end.

    axes  how many axes come before those of a sample: 2 of a sequence, 1 of a time step
    """
    sample = tuple(int(length) for length in expected[axes:])
    found = [says for says, shape in _orders(got, sample, axes) if fits(shape, expected) and 0 not in shape]
    return f": {', '.join(found)}" if found else ""


def _orders(got, sample, axes):
    """(what is said, the shape that would come of it) for every order of axes that people have."""
    letters = SAMPLE_AXES.get(len(sample), tuple(f"n{k}" for k in range(len(sample))))
    if len(got) == axes + len(sample):
        if axes == 2:
            yield f"inputs.swapaxes(0, 1) if they are {_named('B', 'T', *letters)}", _moved(got, 1, 0)
        first = ("T", "B")[2 - axes :]
        if len(sample) > 1:
            channels_last = _named(*first, *letters[1:], letters[0])
            yield f"np.moveaxis(inputs, -1, {axes}) if they are {channels_last}", _moved(got, -1, axes)
        if axes == 2:
            time_later = _named("B", letters[0], "T", *letters[1:])
            yield f"np.moveaxis(inputs, 2, 0) if they are {time_later}", _moved(got, 2, 0)
        if len(sample) == 1:
            last = axes - 1
            batch_last = _named(*first[:-1], "n", "B")
            yield f"inputs.swapaxes({last}, {axes}) if they are {batch_last}", _moved(got, axes, last)
    elif len(got) > axes and math.prod(got[axes:]) == math.prod(sample):
        kept = "*inputs.shape[:2]" if axes == 2 else "len(inputs)"
        lengths = ", ".join(str(length) for length in sample)
        yield f"inputs.reshape({kept}, {lengths}) has them so", (*got[:axes], *sample)
    elif axes == 1 and got[2:] == sample:
        yield f"inputs[t] is one time step if they are {_named('T', 'B', *letters)}", got[1:]
    elif got[axes - 1 :] == sample:
        where = "[:, np.newaxis]" if axes == 2 else "[np.newaxis]"
        yield f"inputs{where} is a batch of one sample", (*got[: axes - 1], 1, *sample)


def _named(*letters):
    return describe_shape(letters)


def _moved(shape, source, target):
    """The shape of np.moveaxis(array, source, target)."""
    rest = list(shape)
    length = rest.pop(source)
    rest.insert(target, length)
    return tuple(rest)
