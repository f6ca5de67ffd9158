"""What each method holds at each moment: counted in the arrays that the library holds."""

from __future__ import annotations

from typing import Any

from ..learning.losses import MeanSquaredError
from ..methods import METHODS as LIBRARY
from ..methods import spike_representation
from ..methods.shared.traces import Dialect
from ..simulation.simulator import Activity, run
from ..simulation.state import State
from .shown import Shown
from .words import OTTT, title


def stored(shown: Shown, dialect: Dialect) -> list[dict[str, Any]]:
    """By method, how many numbers it holds after each time step."""
    network, inputs = shown.network, shown.inputs
    steps, loss = range(1, len(inputs) + 1), MeanSquaredError()
    numbers = [_kept_by_bptt(run(network, inputs[:t], soft=shown.soft)) for t in steps]
    found = [{"name": "bptt", "title": "BPTT", "short": "BPTT", "numbers": numbers}]
    for name, method, options in (
        ("rtrl", "rtrl", {}),
        (OTTT[dialect], "ottt", {"dialect": dialect}),
        ("sltt", "sltt", {}),
    ):
        results = (LIBRARY[method].gradients(network, inputs[:t], _targets(shown, t), loss, **options) for t in steps)
        numbers = [_size(result.final_state) for result in results]
        found.append({"name": name, "title": title(name), "short": LIBRARY[method].label, "numbers": numbers})
    try:
        rates, _ = spike_representation.rates_of(network, inputs, "measured")
    except (TypeError, ValueError):
        return found
    carried = _size(run(network, inputs[:1]).final_state)
    numbers = [carried + sum(rate.size for rate in rates) for _ in steps]
    return [*found, {"name": "sr", "title": "SR", "short": "SR", "numbers": numbers}]


def _targets(shown, t):
    """Those of the first t time steps, where each has its own."""
    return shown.targets[:t] if shown.targets.ndim == 3 else shown.targets


def _size(state: State | None) -> int:
    return sum(int(array.size) for array in (state or {}).values())


def _kept_by_bptt(activity: Activity) -> int:
    """Inputs, states, spikes and ψ of every time step so far: what the way back reads."""
    kept = [activity.inputs, *(array for states in activity.layer_states for array in states)]
    for l in activity.spiking:
        kept += [activity.layer_outputs[l], (activity.layer_surrogate_derivatives or ())[l]]
    return sum(array.size for array in kept)
