"""The kit's cases in another framework's dialect, drawn anew so that they are alive; and what became of them."""

from collections import defaultdict
from dataclasses import replace

import ottt_ref as ot
from ottt_ref.conformance import checking, files
from ottt_ref.conformance.specifications import SPECIFICATIONS


def outcomes(adapter, cases, relative=None):
    """By method, {case name: Verdict}; of the methods that the adapter has."""
    found = defaultdict(dict)
    for verdict in checking.check(adapter, cases, methods=adapter.methods, relative=relative):
        found[verdict.method][verdict.case] = verdict
    return found


def names(verdicts, outcome):
    """The names of the cases with an outcome."""
    return {name for name, verdict in verdicts.items() if verdict.outcome == outcome}


def cases_with(change, suffix, dtype=None, among=None, but=()):
    """Every case of the kit, or those among some names, with its network changed.

    change  network → network
    dtype   of all of them, if given; of two cases that it makes the same, the first is kept
    """
    made = {}
    for specification in SPECIFICATIONS:
        if specification.name in but or (among is not None and specification.name not in among):
            continue
        name = specification.name.removesuffix("-float32") if dtype else specification.name
        changed = replace(
            specification,
            name=f"{name}-{suffix}{'-float32' if dtype == 'float32' else ''}",
            network=lambda rng, like=specification: change(like.network(rng)),
            dtype=dtype or specification.dtype,
        )
        if changed.name not in made:
            made[changed.name] = files.make_case(changed)
    return list(made.values())


def with_reset(reset):
    """network → network with another reset, if it is hard to 0."""

    def neuron_of(neuron):
        return replace(neuron, reset=reset, reset_potential=0.0) if neuron.spiking else neuron

    return lambda network: _rebuilt(network, [neuron_of(layer.neuron) for layer in network.layers])


def with_leaky_readout(network):
    """The network with a readout that leaks as its neurons do."""
    *neurons, last = [layer.neuron for layer in network.layers]
    return _rebuilt(network, [*neurons, last if last.spiking else ot.Integrator(neurons[-1].decay)])


def _rebuilt(network, neurons):
    layers = [replace(layer, neuron=neuron) for layer, neuron in zip(network.layers, neurons)]
    return ot.Network(layers, input_shape=network.input_shape, feedback=network.feedback, skips=network.skips)
