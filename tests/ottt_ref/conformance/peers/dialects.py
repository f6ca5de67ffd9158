"""The kit's cases in another framework's dialect: another reset or precision, drawn anew so that they are alive."""

from dataclasses import replace

import ottt_ref as ot
from ottt_ref.conformance import files
from ottt_ref.conformance.specifications import SPECIFICATIONS


def cases_with(reset, reset_potential=0.0, dtype=None, but=()):
    """Every case of the kit but those of the given names, with another reset for all of its neurons.

    dtype  of all of them, if given; of two cases that it makes the same, the first is kept
    """
    made = {}
    for specification in SPECIFICATIONS:
        if specification.name in but:
            continue
        name = specification.name.removesuffix("-float32") if dtype else specification.name
        changed = replace(
            specification,
            name=f"{name}-{reset}{'-float32' if dtype == 'float32' else ''}",
            network=lambda rng, like=specification: with_reset(like.network(rng), reset, reset_potential),
            dtype=dtype or specification.dtype,
        )
        if changed.name not in made:
            made[changed.name] = files.make_case(changed)
    return list(made.values())


def with_reset(network, reset, reset_potential=0.0):
    """The network with another reset; its parameters are shared."""
    layers = [replace(layer, neuron=_neuron(layer.neuron, reset, reset_potential)) for layer in network.layers]
    return ot.Network(layers, input_shape=network.input_shape, feedback=network.feedback, skips=network.skips)


def _neuron(neuron, reset, reset_potential):
    return replace(neuron, reset=reset, reset_potential=reset_potential) if neuron.spiking else neuron
