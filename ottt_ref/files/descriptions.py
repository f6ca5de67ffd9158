"""A network as plain data, for files: everything but its arrays, which lie beside it under the parameters' names.

A delay is described where it is not the usual one: 0 within a row of layers and of a skip, 1 of loops.

An operation's description is its type and what its constructor takes. Files hold the types that are named here, and
nothing else: a subclass of one of them is another type.

A number of a neuron may be an array, of which the description has the name: that of the parameter, layerN.decay, or,
where it is not learned, of an array that lies beside the parameters under the same kind of name. In conformance cases,
where nothing but parameters lies there, it stands in the description itself, as nested lists.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..network.layers import Feedback, Layer, Skip, layer_names
from ..network.neurons import LIF, OURS, neuron_from_description
from ..network.operations import SAVED, Conv2d, Mask
from ..network.own_numbers import OwnNumbers
from ..network.surrogate import ALL
from ..validation import as_array, require_dtype

if TYPE_CHECKING:
    from ..network.network import Network

LARGEST_NUMBER = int(sys.float_info.max)


def _by_name(kinds):
    return {kind.__name__: kind for kind in kinds}


OPERATIONS, NEURONS, SURROGATES = _by_name(SAVED), _by_name(OURS), _by_name(ALL)


ADDED = {Conv2d: ("dilation", "groups")}  # after the first files: left out where they are what they were then


def describe(network: Network, lists: bool = False) -> dict[str, Any]:
    """The network without its arrays; TypeError that names the layer where a part of it is none that files can hold.

    lists  whether the arrays of neurons that are no parameters stand in the description, as lists
    """
    described = {c.name: _operation_described(c.operations, c.name) for c in network.connections}
    names = network.layer_names

    def between(word, connections):
        return [
            {
                "source": c.source,
                "target": c.target,
                "operations": described[f"{names[c.target]}.{word}{c.source}"],
                **_unusual(delay=(c.delay, int(c.source > c.target))),
            }
            for c in connections
        ]

    return {
        "dtype": str(network.dtype),
        "input_shape": list(network.input_shape),
        "layers": [
            {
                "synapses": described[name],
                "neuron": _neuron_described(layer.neuron, name, lists),
                "recurrent": described.get(f"{name}.recurrent"),
                **_unusual(delay=(layer.delay, 0), recurrent_delay=(layer.recurrent_delay, 1)),
            }
            for name, layer in zip(names, network.layers)
        ],
        "feedback": between("feedback", network.feedback),
        "skips": between("skip", network.skips),
    }


def _unusual(**numbers):
    """Of numbers (what it is, what it usually is) by name those that are unusual."""
    return {name: number for name, (number, usual) in numbers.items() if number != usual}


def _operation_described(operation, name):
    kind = _require_kind(operation, OPERATIONS, name)
    description = {"type": kind.__name__}
    for field, default in _fields(kind).items():
        value = getattr(operation, field)
        if field in ADDED.get(kind, ()) and value == default:
            continue
        if field in kind.child_names:
            children = isinstance(value, tuple)
            parts = [_operation_described(child, name) for child in (value if children else (value,))]
            description[field] = parts if children else parts[0]
        elif field in kind.array_names and field in kind.parameter_names:
            description[field] = field in operation.parameter_names
        elif field in kind.array_names:
            description[field] = [float(number) for number in value]
        elif field not in kind.parameter_names:
            description[field] = list(value) if isinstance(value, tuple) else value
    for number in set(kind.number_names) - set(_fields(kind)):
        made = getattr(kind(**{field: getattr(operation, field) for field in _fields(kind)}), number)
        if getattr(operation, number) != made:
            raise TypeError(f"{name} must have {number} {made}, as files cannot hold another, got {operation!r}")
    return description


def _neuron_described(neuron, name, lists):
    _require_kind(neuron, NEURONS, name)
    if neuron.spiking:
        _require_kind(neuron.surrogate, SURROGATES, name)
    description = neuron.description()
    for setting in neuron.array_settings:
        if setting in neuron.trainable or not lists:
            description[setting] = f"{name}.{setting}"
    return description


def fixed_arrays(network: Network) -> dict[str, np.ndarray]:
    """The arrays of neurons that are no parameters, by the names that `describe` gives them."""
    return {
        f"{name}.{setting}": array
        for name, layer in zip(network.layer_names, network.layers)
        if isinstance(layer.neuron, OwnNumbers)
        for setting, array in layer.neuron.array_settings.items()
        if setting not in layer.neuron.trainable
    }


def _require_kind(part, kinds, name):
    kind = type(part)
    if kinds.get(kind.__name__) is not kind:
        drawn = ": network must be saved as it is before with_dropout, whose masks belong to one batch"
        raise TypeError(
            f"{name} must be made of {', '.join(kinds)}, all that files can hold, got {part!r} of type "
            f"{kind.__module__}.{kind.__qualname__}{drawn if kind is Mask else ''}"
        )
    return kind


def _fields(kind):
    """The arguments of the constructor, each of which is an attribute, with their defaults."""
    return {name: parameter.default for name, parameter in inspect.signature(kind).parameters.items()}


def rebuild(description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The arguments of the Network that was described; raises ValueError, TypeError or KeyError where there is none."""
    _require_floats(description)
    dtype = require_dtype("dtype", description["dtype"])

    def operation(described, name):
        return _operation_rebuilt(described, name, arrays, dtype)

    def between(kind, word, description):
        source, target = description["source"], description["target"]
        if not isinstance(target, int) or not 0 <= target < len(names):
            raise ValueError(f"target must be one of the layers 0 .. {len(names) - 1}, got {target!r}")
        operations = operation(description["operations"], f"{names[target]}.{word}{source}")
        return kind(source, target, operations, **_delays(description, "delay"))

    kinds = [NEURONS.get(layer["neuron"].get("type"), LIF) for layer in description["layers"]]
    names = layer_names(kinds) if kinds else []
    neurons = [
        neuron_from_description(_with_arrays(layer["neuron"], name, arrays, dtype))
        for name, layer in zip(names, description["layers"])
    ]
    layers = []
    for name, layer, neuron in zip(names, description["layers"], neurons):
        recurrent = layer["recurrent"]
        if recurrent is not None:
            recurrent = operation(recurrent, f"{name}.recurrent")
        delays = _delays(layer, "delay", "recurrent_delay")
        layers.append(Layer(operation(layer["synapses"], name), neuron, recurrent, **delays))
    return {
        "layers": layers,
        "input_shape": description["input_shape"],
        "feedback": [between(Feedback, "feedback", each) for each in description["feedback"]],
        "skips": [between(Skip, "skip", each) for each in description["skips"]],
    }


def _delays(description, *names):
    """The delays that are described."""
    return {name: description[name] for name in names if name in description}


def _with_arrays(description, name, arrays, dtype):
    """A neuron's description with its arrays in place of their names."""
    result = dict(description)
    for setting, value in description.items():
        if value == f"{name}.{setting}":
            result[setting] = _array(value, arrays, dtype)
    return result


def _require_floats(tree):
    """Check that every number can be a float: an integer of JSON may be of any size."""
    if isinstance(tree, dict | list):
        for child in tree.values() if isinstance(tree, dict) else tree:
            _require_floats(child)
    elif isinstance(tree, int) and abs(tree) > LARGEST_NUMBER:
        raise ValueError(f"a number must be one that a float can hold, got one of {tree.bit_length()} bits")


def _operation_rebuilt(description, name, arrays, dtype):
    """The operation that was described, with the arrays whose names begin with `name`, of that dtype."""
    given = dict(description)
    kind = OPERATIONS.get(given.pop("type", None))
    arguments = {}
    for field in _fields(kind) if kind else ():
        if field in kind.parameter_names:
            there = given.pop(field) if field in kind.array_names else True
            if not isinstance(there, bool):
                raise ValueError(f"{field} must be true or false, got {there!r}")
            arguments[field] = _array(f"{name}.{field}", arrays, dtype) if there else False
        elif field in given or field not in ADDED.get(kind, ()):
            value = given.pop(field)
            if field in kind.array_names:
                value = _fixed(field, value, dtype)
            elif field in kind.child_names:
                parts = [
                    _operation_rebuilt(each, name, arrays, dtype)
                    for each in (value if isinstance(value, list) else [value])
                ]
                value = parts if isinstance(value, list) else parts[0]
            arguments[field] = value
    if kind is None or given:
        raise ValueError(
            f"an operation must be one of {', '.join(OPERATIONS)} with all its fields, got {description!r}"
        )
    return kind(**arguments)


def _fixed(field, value, dtype):
    """An array of fixed numbers, which lies in the description as a list."""
    if not isinstance(value, list) or not all(type(number) in (int, float) for number in value):
        raise ValueError(f"{field} must be a list of numbers, got {value!r}")
    with np.errstate(over="ignore"):  # infinity is refused by name
        return np.array(value, dtype=np.float64).astype(dtype)


def _array(name, arrays, dtype):
    array = as_array(name, arrays[name])
    if array.dtype != dtype:
        raise TypeError(f"{name} must have dtype {dtype}, got {array.dtype}")
    return array
