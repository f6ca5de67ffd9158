"""The kit's cases in another framework's dialect, drawn anew so that they are alive; and what became of them."""

from collections import defaultdict
from dataclasses import replace

import numpy as np

from ottt_ref.conformance import checking, files
from ottt_ref.conformance.specifications import SPECIFICATIONS


def outcomes(adapter, cases, relative=None, methods=None):
    """By method, {case name: Verdict}; of the methods that the adapter has if they are not given."""
    found = defaultdict(dict)
    for verdict in checking.check(adapter, cases, methods=methods or adapter.methods, relative=relative):
        found[verdict.method][verdict.case] = verdict
    return found


def names(verdicts, outcome):
    """The names of the cases with an outcome."""
    return {name for name, verdict in verdicts.items() if verdict.outcome == outcome}


def share_of_spikes(found, case):
    """By spiking layer, the share of its spikes [T, B, ...] that are not the case's."""
    names = [f"spikes/{l}" for l in case.network.spiking]
    return [float((np.asarray(found[name]) != case.arrays[name]).mean()) for name in names]


def without_features(cases):
    """The cases that ask for nothing that an adapter must say it takes: no weights, no initial state."""
    return [case for case in cases if not case.features]


def cases_with(change, suffix, dtype=None, among=None, but=(), features=False):
    """Every case of the kit, or those among some names, with its network changed.

    change  network → network
    dtype   of all of them, if given; of two cases that it makes the same, the first is kept
    features  whether those as well that have weights, an initial state, ...
    """
    made = {}
    for specification in SPECIFICATIONS:
        if specification.features and not features:
            continue
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

    return lambda network: _with_neurons(network, lambda l, neuron: neuron_of(neuron))


def with_leaky_readout(network):
    """The network with a readout that leaks as its neurons do, where each has a leak of its own as the first."""
    last = len(network.layers) - 1
    decay = float(network.decay(network.spiking[-1])[0])
    return _with_neurons(
        network, lambda l, neuron: replace(neuron, decay=decay) if l == last and not neuron.spiking else neuron
    )


def _with_neurons(network, neuron_of):
    return network.mapped(lambda connection: connection.operations, neuron_of)
