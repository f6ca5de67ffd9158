"""The sliders: other values of λ, V_th and the surrogate's width, and the network with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any

import numpy as np

from ..network.layers import Layer
from ..network.network import Network

DECAYS = (Fraction(0), Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(1))
THRESHOLDS = (Fraction(3, 4), Fraction(1), Fraction(5, 4))  # times the network's own
WIDTHS = (Fraction(1, 2), Fraction(1), Fraction(2))  # the same
# where any value can be asked for
ASKED_DECAYS = tuple(Fraction(k, 8) for k in range(9))
ASKED = tuple(Fraction(k, 4) for k in (1, 2, 3, 4, 5, 6, 8, 12, 16, 32))  # thresholds, widths
AS_IT_IS = "as it is"


@dataclass(frozen=True)
class Slider:
    """One of the things that can be moved: its values, which the network's own is one of, and what a value changes.

    field  what a description of the network calls it
    """

    name: str
    symbol: str
    label: str
    field: str
    values: tuple[Any, ...]
    start: int


def sliders_of(network: Network, asked: bool = False) -> list[Slider]:
    """λ, V_th and the surrogate's first number, where all layers share it; one value where they do not.

    asked  whether the library computes values when they are asked for: then there are more, and the same ones whatever
           the network's own is
    """
    exact = network.exact_numbers
    leaking = [layer.neuron for layer in network.layers if not layer.neuron.stateless]
    spiking: list[Any] = [layer.neuron for layer in network.layers if layer.neuron.spiking]
    decay = _shared([neuron.decay for neuron in leaking])
    threshold = _shared([neuron.threshold for neuron in spiking])
    surrogate = _shared([neuron.surrogate for neuron in spiking])
    number = fields(surrogate)[0].name if surrogate is not None and fields(surrogate) else None
    own = None if number is None else getattr(surrogate, number)
    label = "width of ψ" if number == "width" else f"{number} of ψ"
    if asked:
        decays, thresholds, widths = ASKED_DECAYS, ASKED, ASKED
    else:
        decays, thresholds, widths = DECAYS, _times(threshold, THRESHOLDS), _times(own, WIDTHS)
    return [
        _slider("decay", "λ", "decay", "decay", decay, decays, exact),
        _slider("threshold", "V_th", "threshold", "threshold", threshold, thresholds, exact),
        _slider("surrogate", "", label, f"surrogate.{number}", own, widths, exact),
    ]


def _shared(values):
    """The one value that all have, or None."""
    if not values or any(isinstance(value, np.ndarray) for value in values) or any(v != values[0] for v in values):
        return None
    return values[0]


def _times(own, factors):
    return () if own is None else tuple(Fraction(own) * factor for factor in factors)


def _slider(name, symbol, label, field, own, values, exact):
    if own is None:
        return Slider(name, symbol, label, field, (AS_IT_IS,), 0)
    kind = Fraction if exact else float
    every = sorted({kind(value) for value in values} | {kind(own)})
    return Slider(name, symbol, label, field, tuple(every), every.index(kind(own)))


def fixed(slider: Slider) -> Slider:
    """The slider with its own value alone."""
    return replace(slider, values=(slider.values[slider.start],), start=0)


def choices(sliders: Sequence[Slider]) -> int:
    """How many choices of all their values there are."""
    return int(np.prod([len(slider.values) for slider in sliders]))


def varied_by(network: Network, sliders: Sequence[Slider], values: Sequence[Any]) -> Network:
    """The network with these values of the sliders."""
    chosen = {
        slider.name: value for slider, value in zip(sliders, values) if value != AS_IT_IS and len(slider.values) > 1
    }
    if not chosen:
        return network
    layers = [
        Layer(layer.synapses, _neuron(layer.neuron, chosen), layer.recurrent, layer.delay, layer.recurrent_delay)
        for layer in network.layers
    ]
    return Network(layers, input_shape=network.input_shape, feedback=network.feedback, skips=network.skips)


def _neuron(neuron, chosen):
    if neuron.stateless:
        return neuron
    changes = {"decay": chosen["decay"]} if "decay" in chosen else {}
    if neuron.spiking:
        changes |= {"threshold": chosen["threshold"]} if "threshold" in chosen else {}
        if "surrogate" in chosen:
            first = fields(neuron.surrogate)[0].name
            changes["surrogate"] = replace(neuron.surrogate, **{first: chosen["surrogate"]})
    return replace(neuron, **changes)
