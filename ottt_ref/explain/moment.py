"""Everything of one network: what the neurons do, each method's gradients, and what each route of paths contributes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..blackboard.quantities import METHODS, traces_of
from ..methods import bptt
from ..paths import Path, find_in, kept_by
from ..paths.unrolled import Unrolled
from ..simulation.equilibrium import ConvergenceError
from .otpe import forwards
from .shown import Shown, activity_of, plain, rows_of

FORWARD = ("sltt", "ottt", "ottt-authors", "rtrl")
ALGEBRAS = ("sltt", "ottt", "ottt-authors", "bptt", "rtrl", "bptt-kept", "sr")


def moment(
    shown: Shown,
    entries: Sequence[Any],
    routes: Sequence[dict[tuple, dict[str, Any]]],
    options: Sequence[str],
    letters: int,
) -> dict[str, Any]:
    """Everything of one network; contributions by route, whose descriptions are added to `routes`.

    letters  of an exact number, 0 for floats, as of `plain`
    """
    network = shown.network
    activity, errors, loss = activity_of(shown)
    sums = _sums(shown, activity, errors)
    unrolled = Unrolled(network, activity, errors)
    contributions = []
    for entry, of_entry in zip(entries, routes):
        found: dict[tuple, Any] = {}
        for path in find_in(network, activity, errors, entry.parameter, entry.index, nonzero=True):
            key = _route(path)
            if key not in of_entry:
                of_entry[key] = _described(path, letters)
            total, number = found.get(key, (0, 0))
            found[key] = (total + path.contribution, number + 1)
        contributions.append(found)
    otpe = forwards(network, activity, sums["ottt"].errors) if "ottt" in sums else None
    terms = {name: sums[name].terms for name in FORWARD if name in sums} | ({"otpe": otpe.terms} if otpe else {})
    return {
        "x": rows_of(activity.inputs, letters),
        "layers": [
            {**_layer(network, activity, l, letters), **_waiting(unrolled, l, letters)}
            for l in range(len(network.layers))
        ],
        "by_trace": [_by_trace(unrolled, entry, letters) for entry in entries],
        "errors_out": rows_of(errors, letters),
        "loss": plain(loss, letters),
        "traces": _traces(network, activity, METHODS[options[0]].trace, letters),
        "errors": [[rows_of(error, letters) for error in sums[name].errors] for name in options],
        "gradients": {
            name: [plain(found.values[entry.parameter][entry.index], letters) for entry in entries]
            for name, found in sums.items()
        },
        "terms": {
            name: [[plain(term[entry.index], letters) for term in found[entry.parameter]] for entry in entries]
            for name, found in terms.items()
        },
        "curve": _curve(network),
        "routes": contributions,
    }


@dataclass(frozen=True)
class _Values:
    """Gradients that are put together layer by layer."""

    values: dict[str, np.ndarray]
    errors: None = None


def _sums(shown, activity, errors):
    """By method its gradients; those that refuse the network are left out."""
    network, found = shown.network, {}
    for name in ALGEBRAS:
        try:
            found[name] = METHODS[name].sums(network, activity, shown.inputs, shown.targets, shown.loss)
        except (TypeError, ValueError, ConvergenceError):
            continue
    found["otpe"] = _Values(_otpe(network, activity, errors))
    return found


def _otpe(network, activity, errors):
    """OTPE, ψ of the time step itself above: BPTT whose leaks come back in a layer and in the next one."""
    result = {}
    keep = kept_by("otpe", network)
    for l in range(len(network.layers)):
        leaks_back = [keep.may_wait(k, l) for k in range(len(network.layers))]
        values = bptt.backward(network, activity, errors, leaks_back=leaks_back, delays_back=False).values
        result.update({name: values[name] for connection in network.incoming(l) for name in connection.parameters})
    return result


def _route(path: Path) -> tuple:
    stops = tuple((m.layer, m.neuron, m.arrives, m.leaves) for m in path.membranes)
    crossed = tuple(crossing.connection for crossing in path.crossings)
    return stops, crossed, path.source_time, path.resets > 0, path.loops > 0, path.traced


def _described(path, letters):
    return {
        "source": None if path.source is None else [path.source, path.source_neuron],
        "start": path.source_time,
        "stops": [[m.layer, m.neuron, m.arrives, m.leaves] for m in path.membranes],
        "crossed": [plain(c.weight, letters) for c in path.crossings],
        "waits": sorted(path.waits),
        "resets": path.resets > 0,
        "loops": path.loops > 0,
        "traced": path.traced,
        "methods": list(path.methods),
    }


def _layer(network, activity, l, letters):
    neuron, potentials = network.layers[l].neuron, activity.layer_potentials[l]
    outputs = activity.layer_outputs[l]
    found = {"u": rows_of(potentials, letters), "after": rows_of(potentials, letters)}
    if neuron.spiking:
        after = potentials
        if neuron.reset != "unleaked":  # where there is no potential after the reset and before the leak
            pairs = zip(potentials, outputs)
            after = np.array([neuron.post_reset_potential(u, s) for u, s in pairs], dtype=potentials.dtype)
        threshold = np.broadcast_to(np.asarray(network.threshold(l)), network.shapes[l])
        found |= {
            "after": rows_of(after, letters),
            "s": rows_of(outputs, letters),
            "psi": rows_of(activity.layer_surrogate_derivatives[l], letters),
            "distance": rows_of(potentials - threshold, letters),
            "threshold": [plain(value, letters) for value in threshold.tolist()],
        }
    return found


def _waiting(unrolled, l, letters):
    """What a path that waits in a membrane of layer l multiplies by, from t to t + 1: by the leak, and by the reset."""
    found: dict[str, list[list[Any]]] = {}
    for i in range(unrolled.network.shapes[l][0]):
        for t in range(unrolled.time_steps - 1):
            for edge in unrolled.edges(0, l, i, t):
                rows = found.setdefault(edge.kind, [[] for _ in range(unrolled.network.shapes[l][0])])
                rows[i].append(plain(edge.factor, letters))
    return found


def _by_trace(unrolled, entry, letters):
    """The same of a trace that keeps what the membrane does not; nothing where there is none."""
    connection = next(c for c in unrolled.network.connections if entry.parameter in c.parameters)
    i, j = (*entry.index, None)[:2]
    edges = [unrolled.trace_edge(connection, 0, i, j, t) for t in range(unrolled.time_steps - 1)]
    return [plain(edge.factor, letters) for edge in edges if edge is not None]


def _traces(network, activity, dialect, letters):
    """The trace of each input, and of what each layer sends upwards, as OTTT keeps it; the first of several."""
    found, _ = traces_of(network, activity, dialect)
    result: dict[str, Any] = {"inputs": [], "layers": [None] * len(network.layers)}
    for connection in network.connections:
        for paired in found.get(connection.name, ())[:1]:
            rows = rows_of(paired.values, letters)
            if connection.source < 0:
                result["inputs"] = result["inputs"] or rows
            elif not connection.loop:
                result["layers"][connection.source] = result["layers"][connection.source] or rows
    return result


def _curve(network):
    """ψ over u - V_th, of the first layer that spikes."""
    spiking = [layer.neuron for layer in network.layers if layer.neuron.spiking]
    if not spiking:
        return {"z": [], "psi": []}
    reach = 2.5
    z = np.linspace(-reach, reach, 101)
    surrogate = spiking[0].surrogate.with_numbers(float)
    return {
        "z": [round(value, 3) for value in z.tolist()],
        "psi": [float(f"{p:.4g}") for p in surrogate.derivative(z).tolist()],
    }
