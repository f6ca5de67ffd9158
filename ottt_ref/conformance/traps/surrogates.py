"""Traps of the surrogate derivative ψ."""

from dataclasses import dataclass, fields, replace

import numpy as np

from ...network.surrogate import Arctan, FastSigmoid, MultiGaussian, Rectangle, Sigmoid, Surrogate, Triangle
from ..variations import Variation
from .neurons import of_layer
from .varying import with_layers, with_neurons


@dataclass(frozen=True)
class VariedSurrogate(Surrogate):
    """A surrogate derivative that is some function of z = u - V_th and of the right one."""

    right: Surrogate
    change: object

    def derivative(self, z):
        return np.asarray(self.change(z, self.right.derivative), dtype=z.dtype)


def with_surrogate(change):
    """Network → Network whose ψ is change(z, the right ψ, the neuron)."""

    def vary(neuron):
        varied = VariedSurrogate(neuron.surrogate, lambda z, psi: change(z, psi, neuron))
        return replace(neuron, surrogate=varied)

    return with_neurons(vary)


def surrogate_scaled(factor, name="surrogate-scaled", says=None):
    """ψ times a number."""
    text = says or f"the surrogate derivative is multiplied by {factor:.6g}"
    return Variation(name, text, "surrogate", with_surrogate(lambda z, psi, neuron: factor * psi(z)))


def _normalised(z, psi, neuron):
    return psi(z) / psi(np.zeros(1, dtype=z.dtype))


def _after_reset(z, psi, neuron):
    threshold = of_layer(neuron.threshold, z)
    if neuron.reset == "hard":
        return psi(np.where(z >= 0, of_layer(neuron.reset_potential, z) - threshold, z).astype(z.dtype))
    return psi((z - threshold * (z >= 0)).astype(z.dtype))


def _inverted(neuron):
    """The surrogate whose slope or width is read as its inverse."""
    right = neuron.surrogate
    changes = {
        Sigmoid: lambda: Sigmoid(1 / right.alpha),
        Arctan: lambda: Arctan(1 / right.alpha),
        Triangle: lambda: Triangle(1 / right.width, right.height),
        Rectangle: lambda: Rectangle(1 / right.width),
        FastSigmoid: lambda: FastSigmoid(1 / right.slope, right.height),
        MultiGaussian: lambda: MultiGaussian(1 / right.sigma, right.h, right.s, right.scale),
    }
    return replace(neuron, surrogate=changes[type(right)]())


def without_last(network):
    """Network → Network whose last spiking layer has ψ = 1."""
    last = network.layers[network.spiking[-1]].neuron
    one = VariedSurrogate(last.surrogate, lambda z, psi: np.ones_like(z))
    return with_layers(lambda l, neuron: replace(neuron, surrogate=one) if l == network.spiking[-1] else neuron)(
        network
    )


def of_first_layer(network):
    """Network → Network whose layers all have the first one's surrogate."""
    surrogate = network.layers[network.spiking[0]].neuron.surrogate
    return with_neurons(lambda neuron: replace(neuron, surrogate=surrogate))(network)


def with_numbers(change):
    """Network → Network whose surrogates have other numbers: change(surrogate) gives those that differ, by name."""
    return with_neurons(lambda neuron: replace(neuron, surrogate=replace(neuron.surrogate, **change(neuron.surrogate))))


def default(name):
    """Network → Network whose surrogates have the default of one number, if they have such a number."""

    def change(surrogate):
        return {field.name: field.default for field in fields(surrogate) if field.name == name}

    return with_numbers(change)


def width_times(factor):
    """Network → Network whose surrogates are so many times as wide, if they have a width."""
    return with_numbers(lambda surrogate: {"width": factor * surrogate.width} if hasattr(surrogate, "width") else {})


def of_area_1(surrogate):
    """The fast sigmoid whose primitive ends at 1."""
    return {"height": surrogate.slope / 2} if isinstance(surrogate, FastSigmoid) else {}


NUMBERS = ("alpha", "slope", "width", "height", "sigma", "h", "s", "scale")


def surrogate_traps():
    """Variations of ψ: its size, its argument, its parameters, another one at its usual parameters."""
    slopes = (Sigmoid(4.0), Sigmoid(3.0), Sigmoid(1.0), Sigmoid(25.0), Arctan(2.0), Arctan(1.0))
    others = (*slopes, Triangle(), Rectangle(1.0), Rectangle(2.0), MultiGaussian())
    return (
        surrogate_scaled(0.0, "surrogate-zero", "the surrogate derivative is 0: nothing is learned below"),
        Variation("surrogate-without-slope", "the surrogate derivative lacks its factor α", "surrogate",
                  with_surrogate(lambda z, psi, neuron: psi(z) / getattr(neuron.surrogate, "alpha", 1.0))),
        Variation("surrogate-normalised", "the surrogate derivative is scaled to 1 at the threshold", "surrogate",
                  with_surrogate(_normalised)),
        Variation("surrogate-of-potential", "the surrogate derivative is taken at u, not at u - V_th", "surrogate",
                  with_surrogate(lambda z, psi, neuron: psi((z + of_layer(neuron.threshold, z)).astype(z.dtype)))),
        Variation("surrogate-after-reset", "the surrogate derivative is taken at the potential after the reset",
                  "surrogate", with_surrogate(_after_reset)),
        Variation("surrogate-one", "the surrogate derivative is 1 (straight-through)", "surrogate",
                  with_surrogate(lambda z, psi, neuron: np.ones_like(z))),
        Variation("surrogate-inverted", "the surrogate's slope is read as its width, or the other way round",
                  "surrogate", with_neurons(_inverted)),
        Variation("surrogate-last-missing", "the last layer's surrogate derivative is left out", "surrogate",
                  without_last),
        Variation("surrogate-of-first-layer", "every layer has the surrogate of the first", "surrogate",
                  of_first_layer),
        *(Variation(f"surrogate-default-{name}", f"the surrogate's {name} is its default, whatever the case says",
                    "surrogate", default(name)) for name in NUMBERS),
        Variation("surrogate-fast-sigmoid-scaled", "the fast sigmoid's height is half its slope",
                  "surrogate", with_numbers(of_area_1)),
        Variation("surrogate-half-as-wide", "the surrogate's width is read as its whole base", "surrogate",
                  width_times(0.5)),
        Variation("surrogate-twice-as-wide", "the surrogate's width is read as half its base", "surrogate",
                  width_times(2.0)),
        *(Variation(f"surrogate-{type(kind).__name__.lower()}", f"the surrogate is {kind!r}", "surrogate",
                    with_neurons(lambda neuron, kind=kind: replace(neuron, surrogate=kind))) for kind in others),
    )  # fmt: skip
