"""What the neurons of ours have in common: numbers that may differ from neuron to neuron, and be learned.

A subclass is a frozen dataclass. `setting_names` are its fields that are numbers of the neurons, `learnable` those of
them that `trainable` may name.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from ..annotations import Shape
from ..exactness import exact_number
from ..validation import (
    describe_shape,
    require_held,
    require_number,
    require_positive,
    require_unit_interval,
    shown,
)
from .neuron import Neuron
from .per_neuron import Setting, by_neuron, is_shared, require_fitting, require_setting
from .surrogate import Surrogate

SMALLEST_THRESHOLD = 2.0**-10  # what an update may leave of a threshold, and of its distance to the reset potential


class OwnNumbers(Neuron):
    """A neuron whose numbers are for the whole layer, for each channel or for each neuron, and may be parameters."""

    setting_names: tuple[str, ...] = ()
    learnable: tuple[str, ...] = ()
    trainable: tuple[str, ...] = ()

    @property
    def parameter_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """The fields that are learned, in the order of the fields."""
        return self.trainable

    @property
    def leak_parameters(self) -> tuple[str, ...]:
        """The decays that are learned."""
        return tuple(name for name in self.trainable if name.endswith("decay"))

    def _take_trainable(self) -> None:
        """Check `trainable`, and put it in the order of the fields; TypeError or ValueError."""
        names = self.trainable
        if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
            raise TypeError(f"trainable must be a tuple of names of fields, got {shown(names)}")
        if not set(names) <= set(self.learnable) or len(set(names)) < len(names):
            raise ValueError(f"trainable must name some of {list(self.learnable)}, each once, got {names}")
        object.__setattr__(self, "trainable", tuple(name for name in self.learnable if name in names))

    def _take_decay(self, name: str = "decay") -> None:
        """Check a field whose numbers lie in [0, 1], and keep it."""
        self._keep(name, require_decay(self._field(name), name))

    def _take_threshold(self) -> None:
        """Check the threshold, whose numbers are above 0, and keep it."""
        threshold = require_setting(
            "threshold", self._field("threshold"), require_positive, lambda array: array > 0, "above 0"
        )
        self._keep("threshold", threshold)

    def _take_reset_potential(self) -> None:
        """Check the reset potential, which must be below the threshold; arrays of two shapes meet in a network."""
        threshold, value = self._field("threshold"), self._field("reset_potential")
        if isinstance(threshold, np.ndarray) or isinstance(value, np.ndarray):
            value = require_setting("reset_potential", value, _require_finite_number, np.isfinite, "finite")
            self._keep("reset_potential", value)
            value = self._field("reset_potential")
            own = [each for each in (value, threshold) if not is_shared(each)]
            if len({each.shape for each in own}) <= 1 and not np.all(value < threshold):
                raise ValueError(
                    f"reset_potential must be below the threshold, got {_said(value)} and threshold {_said(threshold)}"
                )
            return
        value = require_number("reset_potential", value, "below the threshold", lambda number: number < threshold)
        object.__setattr__(self, "reset_potential", value)

    def _field(self, name) -> Any:
        return getattr(self, name)

    def _keep(self, name, value):
        """Keep what the checks give back: one of Python's own numbers, or an array of one's own; [1] of a parameter."""
        if name in self.trainable and not isinstance(value, np.ndarray):
            value = np.array([value])  # of float64, or of objects: a Fraction
        object.__setattr__(self, name, value)

    @property
    def settings(self) -> dict[str, Setting]:
        """Its numbers by field: numbers, and arrays [1], [C] or of the layer's shape."""
        return {name: self._field(name) for name in self.setting_names}

    @property
    def array_settings(self) -> dict[str, np.ndarray]:
        """Those of its numbers that are arrays, parameters or not, by field."""
        return {name: value for name, value in self.settings.items() if isinstance(value, np.ndarray)}

    def constants(self, dtype: np.dtype, shape: Shape = ()) -> np.ndarray:
        """Its numbers in an array of the network's dtype, as the kernels take them: [k], of a layer of one of each.

        Where they are not the same for all neurons of a layer, which has that shape, [k, n].
        """
        numbers = [getattr(self, name) for name in self.setting_names]
        for number in numbers:
            if isinstance(number, np.ndarray):
                return self._constants_of_arrays(dtype, shape)
        return np.array(numbers, dtype=dtype)

    def _constants_of_arrays(self, dtype, shape):
        values = self.settings.values()
        if all(is_shared(value) for value in values):
            return np.array([value[0] if isinstance(value, np.ndarray) else value for value in values], dtype=dtype)
        return self._constants_of_each(dtype, shape)

    def _constants_of_each(self, dtype: np.dtype, shape: Shape) -> np.ndarray:
        """Its numbers for each neuron of a layer of that shape, [k, n]."""
        return np.stack([by_neuron(value, shape, dtype) for value in self.settings.values()])

    def project(self, parameters: Mapping[str, np.ndarray]) -> None:
        """Bring a decay into [0, 1], a threshold to 2^-10 or more, above 0 and above the reset potential; in place."""
        for name, array in parameters.items():
            zero = array * 0 + 0  # of the array's own kind of numbers, and not -0
            if name == "threshold":
                above = _largest(self._field("reset_potential"), array.shape)
                least = np.maximum(zero, zero + above) + (zero + 1) / round(1 / SMALLEST_THRESHOLD)
                np.maximum(array, least, out=array)
            else:
                np.minimum(np.maximum(array, zero), zero + 1, out=array)

    def description(self) -> dict[str, object]:
        """The neuron as plain data, for files; an array as nested lists."""
        values: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}  # type: ignore[arg-type]
        trainable = values.pop("trainable")
        surrogates = {name: value.description() for name, value in values.items() if isinstance(value, Surrogate)}
        plain = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in values.items()
            if name not in surrogates
        }
        learned = {"trainable": list(trainable)} if trainable else {}
        return {"type": type(self).__name__, **plain, **learned, **surrogates}

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(_same(getattr(self, each.name), getattr(other, each.name)) for each in fields(self))  # type: ignore[arg-type]

    def __hash__(self) -> int:
        values = (getattr(self, each.name) for each in fields(self))  # type: ignore[arg-type]
        return hash((type(self), *(v.shape if isinstance(v, np.ndarray) else v for v in values)))

    def __repr__(self) -> str:
        values: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}  # type: ignore[arg-type]
        if not values["trainable"]:
            del values["trainable"]
        inside = ", ".join(
            f"{name}={_said(value) if isinstance(value, np.ndarray) else repr(value)}" for name, value in values.items()
        )
        return f"{type(self).__name__}({inside})"


def require_shapes(where: str, neuron: OwnNumbers, shape: Shape) -> None:
    """Check that its arrays fit a layer of that shape; ValueError, which begins with `where`, otherwise."""
    kind = type(neuron).__name__
    for name, value in neuron.array_settings.items():
        require_fitting(f"{where}: {name} of {kind}", value, shape)
    if neuron.array_settings and "reset_potential" in neuron.settings:
        names = ("threshold", "reset_potential")
        threshold, reset_potential = (by_neuron(getattr(neuron, name), shape, np.dtype(object)) for name in names)
        for i in range(len(threshold)):
            if not reset_potential[i] < threshold[i]:
                raise ValueError(
                    f"{where}: reset_potential of {kind} must be below the threshold, got {reset_potential[i]} and "
                    f"threshold {threshold[i]} of neuron {i}"
                )


def require_settings_held(where: str, neuron: OwnNumbers, dtype: np.dtype) -> None:
    """Check that a network's dtype can hold its numbers; ValueError, which begins with `where`, otherwise."""
    for name, value in neuron.settings.items():
        for number in value.flat if isinstance(value, np.ndarray) else (value,):
            require_held(f"{where}: {name}", number, dtype)
    if neuron.array_settings or "reset_potential" not in neuron.settings:
        return
    threshold, reset_potential = (getattr(neuron, name) for name in ("threshold", "reset_potential"))
    if not np.array(reset_potential, dtype=dtype) < np.array(threshold, dtype=dtype):
        raise ValueError(
            f"{where}: reset_potential must be below the threshold in {dtype}, got {reset_potential!r} and "
            f"threshold {threshold!r}"
        )


def require_in_range(where: str, neuron: OwnNumbers) -> None:
    """Check that what is learned has stayed in its range; ValueError, which begins with `where`, otherwise."""
    ranges = {"threshold": ("above 0", lambda array: array > 0)}
    unit = ("in [0, 1]", lambda array: (array >= 0) & (array <= 1))
    for name in neuron.trainable:
        expected, fits = ranges.get(name, unit)
        array = getattr(neuron, name)
        fitting = np.asarray(fits(array), dtype=bool)
        if not fitting.all():
            index = tuple(int(k) for k in np.argwhere(~fitting)[0])
            raise ValueError(
                f"{where}.{name} must be {expected} (network.project_parameters() brings it back), got "
                f"{array[index]} at index {list(index)}"
            )


def converted(neuron: OwnNumbers, dtype: np.dtype, kind: type | None) -> OwnNumbers:
    """The neuron for a network of that dtype, and of exact numbers of that kind unless it is None.

    Its arrays have that dtype, whatever they were given in; a number of it stays as it is.
    """
    changed: dict[str, Any] = {}
    for name, value in neuron.array_settings.items():
        if kind is not None or (dtype.hasobject and not value.dtype.hasobject):
            array = np.empty(value.shape, dtype=object)
            for index, number in np.ndenumerate(value):
                own = number.item() if isinstance(number, np.generic) else number
                array[index] = own if kind is None else exact_number(own, kind)
        else:
            array = value.astype(dtype)
        changed[name] = array
    return replace(neuron, **changed) if changed else neuron  # type: ignore[type-var]


def require_decay(value: Setting, name: str = "decay") -> Setting:
    """Return a decay in [0, 1], a number or a copy of an array of such; raise TypeError or ValueError.

    >>> from ottt_ref.network.own_numbers import require_decay
    >>> require_decay(0.5)
    0.5
    """
    return require_setting(name, value, require_unit_interval, lambda array: (array >= 0) & (array <= 1), "in [0, 1]")


def _require_finite_number(name, value):
    return require_number(name, value, "finite", lambda number: True)


def _said(value):
    """A number or an array, as messages say it: one number of the whole layer by its value, others by their shape."""
    if isinstance(value, np.ndarray):
        return f"{value.tolist()}" if value.shape == (1,) else f"array {describe_shape(value.shape)}"
    return repr(value)


def _same(one, other):
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        both = isinstance(one, np.ndarray) and isinstance(other, np.ndarray)
        return both and one.dtype == other.dtype and np.array_equal(one, other)
    return one == other


def _largest(value, shape):
    """The largest of a setting over the neurons that share an entry of an array of that shape: a number or an array."""
    if not isinstance(value, np.ndarray) or value.shape in ((1,), shape):
        return value
    if shape == (1,):
        return value.max()
    if value.ndim > len(shape):  # one for each neuron, where the entries are of channels
        return value.reshape(len(value), -1).max(axis=1)
    return value.reshape(*value.shape, *(1 for _ in shape[1:]))
