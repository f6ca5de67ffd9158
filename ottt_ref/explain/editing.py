"""A network as the form of `--live` shows it: in the words of the blackboard's JSON files."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from typing import Any

import numpy as np

from ..blackboard.description import HALF, LOSSES, SURROGATES
from ..blackboard.quantities import HALF_SQUARES, mean_loss
from .shown import Shown


def editable(shown: Shown) -> dict[str, Any]:
    """The description, `blackboard.description`, of what is shown; numbers are texts such as "3/8".

    Raises ValueError for what such a description cannot say.

    >>> from ottt_ref.explain.example import example
    >>> found = example()
    >>> made = editable(Shown(found.network, found.inputs, found.targets))
    >>> made["weights"], made["decay"], made["surrogate"]
    ([[['3/4', '1/4'], ['3/2', '-1/2']], [['-1/2', '1']]], '1/2', {'type': 'triangle', 'width': '1', 'height': '1'})
    """
    network = shown.network
    if shown.soft or network.skips or shown.targets.ndim != 2 or any(c.delay != c.loop for c in network.connections):
        raise ValueError(
            "network must have no soft spikes, skips or delays, and one target for each output, to be edited"
        )
    spiking: list[Any] = [layer.neuron for layer in network.layers if layer.neuron.spiking]
    made = {
        "weights": [_texts(network.parameters[f"{name}.weight"]) for name in network.layer_names],
        "inputs": _texts(shown.inputs[:, 0]),
        "targets": _texts(shown.targets[0]),
        "decay": _by_layer(network, "decay", "1/2", lambda neuron: not neuron.stateless),
        "threshold": _by_layer(network, "threshold", "1", lambda neuron: neuron.spiking),
        "reset": _one("reset", [neuron.reset for neuron in spiking], "soft"),
        "reset_potential": _one("reset_potential", [neuron.reset_potential for neuron in spiking], "0"),
        "readout": network.readout,
        "surrogate": _surrogate(_one("surrogate", [neuron.surrogate for neuron in spiking], None)),
        "loss": _loss(shown),
        "numbers": "fractions" if network.exact_numbers else "float64",
    }
    biases = [network.parameters.get(f"{name}.bias") for name in network.layer_names]
    if any(bias is not None for bias in biases):
        made["biases"] = [None if bias is None else _texts(bias) for bias in biases]
    loops = [(c.source, c.target, c.parameters) for c in network.connections if c.loop]
    if loops:
        made["loops"] = [
            [source, target, _texts(network.parameters[_weight(names)])] for source, target, names in loops
        ]
    return made


def _weight(names):
    (name,) = names
    return name


def _surrogate(surrogate):
    if surrogate is None:
        return {"type": "triangle"}
    name = next((name for name, kind in SURROGATES.items() if type(surrogate) is kind), None)
    if name is None:
        raise ValueError(
            f"network must have one of the surrogates {', '.join(SURROGATES)} to be edited, got {surrogate!r}"
        )
    return {"type": name, **{field.name: _text(getattr(surrogate, field.name)) for field in fields(surrogate)}}


def _loss(shown):
    if shown.loss is HALF_SQUARES:
        return HALF
    for name, loss in LOSSES.items():
        if mean_loss(loss).formula == shown.loss.formula:
            return name
    raise ValueError(f"loss must be one of {HALF}, {', '.join(LOSSES)} to be edited, got {shown.loss.formula}")


def _by_layer(network, name, default, has):
    """What all layers have; or for each layer its number, or a row of one for each neuron, and the default of none."""
    values = [getattr(layer.neuron, name) if has(layer.neuron) else None for layer in network.layers]
    some = [value for value in values if value is not None]
    if not any(isinstance(value, np.ndarray) for value in some) and all(value == some[0] for value in some):
        return _text(some[0]) if some else default
    return [
        default if value is None else _texts(_row(value, shape)) if isinstance(value, np.ndarray) else _text(value)
        for value, shape in zip(values, network.shapes)
    ]


def _row(value, shape):
    return np.broadcast_to(value, shape)


def _one(name, values, default):
    """What all layers have; the default of none."""
    if not values:
        return default
    if any(isinstance(value, np.ndarray) for value in values) or any(value != values[0] for value in values):
        raise ValueError(f"network must have one {name} for all layers to be edited")
    return _text(values[0]) if isinstance(values[0], int | float | Fraction) else values[0]


def _texts(array):
    """An array as nested lists of texts."""
    return [_texts(part) if isinstance(part, np.ndarray) else _text(part) for part in array]


def _text(number):
    fraction = Fraction(number)
    return str(fraction) if len(str(fraction)) <= 12 else repr(float(number))
