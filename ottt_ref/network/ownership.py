"""A network owns its parameters: it takes copies of the operations, and of the neurons with parameters, it is given.

So two networks that were made from one list of layers are independent, and an array that was given to `Dense` stays as
it is while the network learns. One object in two places of one network is refused: its parameters would be tied in one
part of the library and not in another. `copy()` of an operation, a layer or a neuron gives each place its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import is_dataclass, replace

import numpy as np

from ..exactness import exact_kind, exact_number, exact_values
from .layers import Feedback, Layer, Skip
from .neuron import Neuron
from .operations import Operation
from .own_numbers import OwnNumbers, converted

Parts = tuple[tuple[Layer, ...], tuple[Feedback, ...], tuple[Skip, ...]]


def require_once(layers: Sequence[Layer], feedback: Sequence[Feedback], skips: Sequence[Skip]) -> None:
    """Check that nothing with parameters of its own stands in two places; ValueError that names both.

    What has no parameters may stand in several places: a Flatten, a pooling, a Dropout, LIF neurons.
    """
    found: dict[int, str] = {}
    for where, part in _places(layers, feedback, skips):
        first = found.setdefault(id(part), where)
        if first != where and _has_parameters(part):
            raise ValueError(
                f"{where} must be another object than {first}, got the same {type(part).__name__} in both places, "
                f"whose parameters would be tied: pass a copy, {type(part).__name__}.copy()"
            )


def _places(layers, feedback, skips) -> Iterator[tuple[str, object]]:
    """Every layer, operation and neuron, each before what it is made of, and where it stands."""
    for l, layer in enumerate(layers):
        yield f"layers[{l}]", layer
        yield from _operations(f"layers[{l}].synapses", layer.synapses)
        yield f"layers[{l}].neuron", layer.neuron
        if layer.recurrent is not None:
            yield from _operations(f"layers[{l}].recurrent", layer.recurrent)
    for name, connections in (("feedback", feedback), ("skips", skips)):
        for k, connection in enumerate(connections):
            yield from _operations(f"{name}[{k}].operations", connection.operations)


def _operations(where, operation):
    yield where, operation
    for name in operation.child_names:
        part = getattr(operation, name)
        if isinstance(part, Operation):
            yield from _operations(f"{where}.{name}", part)
        else:
            for k, child in enumerate(part):
                yield from _operations(f"{where}.{name}[{k}]", child)


def _has_parameters(part):
    if isinstance(part, Layer):
        return any(_has_parameters(each) for each in (part.synapses, part.neuron, part.recurrent) if each is not None)
    return bool(part.parameter_names)


def owned(layers: Sequence[Layer], feedback: Sequence[Feedback], skips: Sequence[Skip]) -> Parts:
    """Copies of what a network is made of, for it alone; of exact numbers throughout, if its parameters are exact."""
    kind = exact_kind(_parameters(layers, feedback, skips))
    dtype = _dtype(layers, feedback, skips)

    def operation_of(operation):
        return operation.copy() if kind is None else operation.rebuilt(*_conversions(kind))

    return (
        tuple(
            replace(
                layer,
                synapses=operation_of(layer.synapses),
                neuron=_neuron_of(layer.neuron, kind, dtype),
                recurrent=None if layer.recurrent is None else operation_of(layer.recurrent),
            )
            for layer in layers
        ),
        tuple(replace(each, operations=operation_of(each.operations)) for each in feedback),
        tuple(replace(each, operations=operation_of(each.operations)) for each in skips),
    )


def _neuron_of(neuron, kind, dtype):
    convertible = is_dataclass(type(neuron)) or type(neuron).rebuilt is not Neuron.rebuilt
    if isinstance(neuron, OwnNumbers) and dtype is not None:
        neuron = converted(neuron, dtype, kind)
    if kind is not None and convertible:  # of one that is not, what it gives is tried
        return neuron.rebuilt(*_conversions(kind))
    return neuron.copy() if neuron.parameter_names else neuron


def _dtype(layers, feedback, skips):
    """The dtype of the operations; None where there is no one dtype, which a network refuses."""
    found = [part.dtype for _, part in _places(layers, feedback, skips) if isinstance(part, Operation)]
    dtypes = {str(dtype): dtype for dtype in found if dtype is not None}
    return next(iter(dtypes.values())) if len(dtypes) == 1 else None


def _conversions(kind):
    return lambda array: exact_values(array, kind), lambda number: exact_number(number, kind)


def _parameters(layers, feedback, skips):
    """Every parameter by where it stands."""
    found = {}
    for where, part in _places(layers, feedback, skips):
        if isinstance(part, OwnNumbers):
            continue  # whose numbers become what the network's are
        for name in part.parameter_names if isinstance(part, Operation | Neuron) else ():
            value = getattr(part, name, None)
            if isinstance(value, np.ndarray) and (isinstance(part, Neuron) or part.owner(name) is part):
                found[f"{where}.{name}"] = value
    return found
