"""OTPE run forwards in time, ψ of the time step itself: what it holds, and what each time step adds.

Its paths wait in the weight's own layer and in the one above. What waits in its own layer is a trace, a number for each
input: â_j[t] = λ â_j[t-1] + s_j[t]. What waits above has passed ψ of the neuron between, so it is a number for each
weight: R_ij[t] = λ_above R_ij[t-1] + ψ_i[t] â_j[t]. The gradient is Σ_t (W_above^T g_above[t])_i R_ij[t], g of OTTT.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..network.network import Network
from ..paths.unrolled import dense_of
from ..simulation.simulator import Activity

TRACES = "traces"
ABOVE = "waits in the layer above, a number for each weight"


@dataclass(frozen=True)
class Forwards:
    """What a run of OTPE leaves.

    terms  what each time step adds, [T, *shape], by parameter
    held   the kind and the size of each array that is carried from one time step to the next
    """

    terms: dict[str, np.ndarray]
    held: list[tuple[str, int]]


def forwards(network: Network, activity: Activity, errors: Sequence[np.ndarray]) -> Forwards | None:
    """OTPE of one sample; None for networks in which it needs more: with loops, skips, hard resets, decays of neurons.

    errors  g of each layer, [T, 1, n], as OTTT has them

    >>> from ottt_ref.blackboard.quantities import HALF_SQUARES, METHODS
    >>> from ottt_ref.explain.example import example
    >>> from ottt_ref.simulation.simulator import run
    >>> found = example()
    >>> activity = run(found.network, found.inputs)
    >>> data = (found.network, activity, found.inputs, found.targets, HALF_SQUARES)
    >>> made = forwards(found.network, activity, METHODS["ottt"].sums(*data).errors)
    >>> bptt = METHODS["bptt"].sums(*data).values["layer0.weight"]  # with two layers they are the same
    >>> bool((made.terms["layer0.weight"].sum(axis=0) == bptt).all()), made.held
    (True, [('traces', 2), ('waits in the layer above, a number for each weight', 4), ('traces', 2)])
    """
    decays = [_decay(layer.neuron) for layer in network.layers]
    chain = all(c.source + 1 == c.target and c.delay == 0 for c in network.connections)
    if not chain or None in decays or len(network.connections) != len(network.layers):
        return None
    terms, held = {}, []
    for l, connection in enumerate(network.connections):
        arriving = [activity.at(t).delivered(connection)[0] for t in range(activity.time_steps)]
        for name in connection.parameters:
            of_weight = network.parameters[name].ndim == 2
            sent = arriving if of_weight else [np.array([network.number(1)], dtype=network.dtype)] * len(arriving)
            terms[name], sizes = _of_parameter(network, activity, errors, l, decays, sent)
            terms[name] = terms[name] if of_weight else terms[name][:, :, 0]
            held += sizes
    return Forwards(terms, held)


def _decay(neuron):
    """λ where it is one number and no spike changes it, 0 of a neuron that keeps nothing; else None."""
    if neuron.stateless:
        return 0
    if getattr(neuron, "reset", None) == "hard" or isinstance(neuron.decay, np.ndarray):
        return None
    return neuron.decay


def _of_parameter(network, activity, errors, l, decays, sent):
    """Its terms [T, n_out, n_in], and what it holds."""
    waits_above = l + 1 < len(network.layers) and not network.layers[l + 1].neuron.stateless
    trace, above, terms = 0, 0, []
    for t, arrives in enumerate(sent):
        trace = arrives + decays[l] * trace
        if waits_above:
            psi = activity.layer_surrogate_derivatives[l][t, 0]
            above = np.multiply.outer(psi, trace) + decays[l + 1] * above
            error = dense_of(network.connections[l + 1]).weight.T.dot(errors[l + 1][t, 0])
            terms.append(error[:, None] * above)
        else:
            terms.append(np.multiply.outer(errors[l][t, 0], trace))
    held = [] if network.layers[l].neuron.stateless else [(TRACES, trace.size)]
    return np.array(terms), held + ([(ABOVE, above.size)] if waits_above else [])
