"""Numbers of a layer's neurons: one for all of them, one for each channel, or one for each neuron.

    a number, or an array [1]    holds for every neuron of the layer
    an array [C]                 of a layer of images [C, H, W]: one for each channel
    an array [n] or [C, H, W]    of the layer's shape: one for each neuron

Neurons that share a number share what is added up for it (`add_shared`). Neurons whose traces decay alike are a group
(`Groups`): there is one trace for each.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..annotations import Number, Shape
from ..kernel import kernel, rows
from ..validation import FLOAT_DTYPES, as_array, describe_shape, shown

if TYPE_CHECKING:
    from .neuron import Neuron

Setting = Number | np.ndarray


def require_setting(
    name: str,
    value: Setting,
    require: Callable[[str, Any], Number],
    fits: Callable[[np.ndarray], np.ndarray],
    expected: str,
) -> Setting:
    """Return `value`, a number that `require` takes, or a copy of an array of such; raise TypeError or ValueError.

    fits      array of floats → where its numbers are as they should be
    expected  what they should be, in words
    """
    if isinstance(value, list | tuple):
        raise TypeError(
            f"{name} must be a number {expected}, or an array of one for each neuron, got {shown(value)}: "
            f"np.array(...) is one"
        )
    if hasattr(value, "__dlpack__") and not isinstance(value, np.ndarray | np.generic):  # such as a tensor
        value = as_array(name, value)  # type: ignore[arg-type]
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        return require(name, value)
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must be a number or a plain array, got a masked one")
    if value.size == 0:
        raise ValueError(f"{name} must have at least one number, got {shown(value)}")
    if value.dtype.hasobject:
        result = np.empty(value.shape, dtype=object)
        for index, number in np.ndenumerate(value):
            result[index] = require(f"{name}{list(index)}", number)
        return result
    if value.dtype.kind in "iu":
        value = value.astype(np.float64)
    if value.dtype not in FLOAT_DTYPES:
        raise TypeError(f"{name} must be a number, or an array of float64 or float32, got {shown(value)}")
    wrong = np.argwhere(~(np.isfinite(value) & fits(value)))
    if len(wrong):
        where = tuple(int(k) for k in wrong[0])
        raise ValueError(f"{name} must be {expected}, got {value[where]} at index {list(where)}")
    return np.array(value, order="C")


def fitting_shapes(shape: Shape) -> tuple[Shape, ...]:
    """The shapes that an array of numbers of a layer's neurons may have.

    >>> from ottt_ref.network.per_neuron import fitting_shapes
    >>> fitting_shapes((3, 8, 8)), fitting_shapes((5,))
    (((1,), (3,), (3, 8, 8)), ((1,), (5,)))
    """
    shapes = [(1,), *([tuple(shape[:1])] if len(shape) > 1 else []), tuple(shape)]
    return tuple(dict.fromkeys(shapes))


def require_fitting(where: str, array: np.ndarray, shape: Shape) -> np.ndarray:
    """Return `array` if it has one of the shapes that fit a layer of that shape; ValueError that lists them."""
    fitting = fitting_shapes(shape)
    if array.shape not in fitting:
        kinds = {(1,): "for the layer", tuple(shape[:1]): "per channel", tuple(shape): "per neuron"}
        expected = " or ".join(f"{describe_shape(each)} (one {kinds[each]})" for each in fitting)
        raise ValueError(f"{where} must be a number or have the shape {expected}, got {describe_shape(array.shape)}")
    return array


def is_shared(value: Setting) -> bool:
    """Whether all neurons of a layer have the same number: a number, or an array [1].

    >>> import numpy as np
    >>> from ottt_ref.network.per_neuron import is_shared
    >>> is_shared(0.5), is_shared(np.array([0.5])), is_shared(np.array([0.5, 0.5]))
    (True, True, False)
    """
    return not isinstance(value, np.ndarray) or value.shape == (1,)


def spread(value: Setting, shape: Shape) -> Setting:
    """The value as a number or an array that NumPy broadcasts over [B, *shape].

    >>> import numpy as np
    >>> from ottt_ref.network.per_neuron import spread
    >>> spread(np.array([0.5, 0.25]), (2, 3, 3)).shape, float(spread(np.array([0.5]), (4,))), spread(0.5, (4,))
    ((2, 1, 1), 0.5, 0.5)
    """
    if not isinstance(value, np.ndarray) or value.shape == tuple(shape) != (1,):
        return value
    if value.shape == (1,):
        return value[0]
    return value.reshape(*value.shape, *(1 for _ in shape[value.ndim :]))


def by_neuron(value: Setting, shape: Shape, dtype: np.dtype) -> np.ndarray:
    """The value of each neuron of a layer, in the order of its memory: [n].

    >>> import numpy as np
    >>> from ottt_ref.network.per_neuron import by_neuron
    >>> by_neuron(np.array([0.5, 0.25]), (2, 1, 2), np.dtype(float))
    array([0.5 , 0.5 , 0.25, 0.25])
    """
    result = np.empty(shape, dtype=dtype)
    result[...] = spread(value, shape)
    return result.reshape(-1)


def entries(own: Shape, shape: Shape) -> np.ndarray:
    """Which entry of an array of shape `own` each neuron of a layer has: [n], whole numbers.

    >>> from ottt_ref.network.per_neuron import entries
    >>> entries((2,), (2, 1, 2))
    array([0, 0, 1, 1])
    """
    count = np.arange(int(np.prod(own, dtype=np.int64)), dtype=np.int64)
    return by_neuron(count.reshape(own), shape, np.dtype(np.int64))


@kernel
def add_shared(total, part, index):
    """Σ_b of what each neuron has, added to the entry that is its: total[e] += part[b, i] where index[i] = e."""
    for b in range(part.shape[0]):
        for i in range(part.shape[1]):
            total[index[i]] += part[b, i]


def add_parameter_gradient(gradient: np.ndarray, part: np.ndarray, shape: Shape) -> None:
    """Add to the gradient of a layer's parameter what each sample and neuron [B, *shape] has of it, in place.

    >>> import numpy as np
    >>> from ottt_ref.network.per_neuron import add_parameter_gradient
    >>> gradient = np.zeros(1)
    >>> add_parameter_gradient(gradient, np.ones((2, 3)), (3,))
    >>> gradient
    array([6.])
    """
    add_shared(gradient.reshape(-1), rows(np.ascontiguousarray(part)), entries(gradient.shape, shape))


class Groups:
    """Which neurons of a layer have membranes that leak alike, and so share a trace of what enters them.

    neuron   the layer's neurons
    shape    the layer's shape
    index    [n], the group of each neuron, from 0 in the order of the neurons
    members  of each group its first neuron, as an index into the layer's memory

    Where the leak is a parameter, its entries part ways while they are learned: each is a group, whatever its value.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.network.per_neuron import Groups
    >>> Groups(ot.LIF(decay=np.array([0.5, 0.9, 0.5])), (3,)).index
    array([0, 1, 0])
    >>> Groups(ot.LIF(decay=np.array([0.5, 0.9, 0.5]), trainable=("decay",)), (3,)).index
    array([0, 1, 2])
    """

    def __init__(self, neuron: "Neuron", shape: Shape) -> None:
        self.neuron, self.shape = neuron, tuple(shape)
        keys = [self._keys(entry) for row in neuron.leak for entry in row if not is_shared(entry)]
        found: dict[tuple, int] = {}
        self.members: list[int] = [] if keys else [0]
        self.index = np.zeros(math.prod(shape), dtype=np.int64)
        for i in range(len(self.index) if keys else 0):  # where there is one leak, all are of the first group
            key = tuple(each[i] for each in keys)
            if key not in found:
                found[key] = len(found)
                self.members.append(i)
            self.index[i] = found[key]

    def __len__(self) -> int:
        return len(self.members)

    def _keys(self, entry):
        """By neuron, what tells its value of one entry of the leak from those of others."""
        if self._is_fixed(entry):
            return by_neuron(entry, self.shape, entry.dtype).tolist()
        return entries(entry.shape, self.shape).tolist()

    def _is_fixed(self, entry):
        """Whether the array is one of the neuron's own that is not learned."""
        learned = self.neuron.leak_parameters
        own = vars(self.neuron).items() if hasattr(self.neuron, "__dict__") else ()
        return not learned or any(value is entry for name, value in own if name not in learned)

    def leak(self, g: int) -> tuple[tuple[Number, ...], ...]:
        """A of the group's neurons as it is now, [K][K] numbers."""
        at = np.unravel_index(self.members[g], self.shape)
        return tuple(tuple(_at(entry, at, self.shape) for entry in row) for row in self.neuron.leak)


def _at(entry, index, shape):
    if not isinstance(entry, np.ndarray):
        return entry
    if entry.shape == (1,) or entry.shape != tuple(shape):
        return entry[index[0] if entry.shape != (1,) else 0]
    return entry[index]


@kernel
def only_of_group(result, error, index, group):
    """The errors of the neurons of one group, and 0 for all others."""
    for b in range(result.shape[0]):
        for i in range(result.shape[1]):
            if index[i] == group:
                result[b, i] = error[b, i]
            else:
                result[b, i] = 0
