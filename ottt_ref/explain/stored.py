"""What each method holds at each moment: counted in the arrays that the library holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..learning.losses import MeanSquaredError
from ..methods import METHODS as LIBRARY
from ..methods import spike_representation
from ..methods.shared.traces import Dialect
from ..simulation.simulator import Activity, run
from ..simulation.state import State
from .otpe import forwards
from .shown import Shown
from .words import LONG, OTTT, title

OTHERS = "other states"
NEURONS = {"potential": "potentials", "output": "spikes"}  # by the ends of names
RULES = {  # by what comes after "rule/"
    "trace": "traces",
    "bias_trace": "traces of the biases’ 1, kept without biases too",
    "sensitivity": "slopes of potentials by weights",
    "spike_sensitivity": "slopes of spikes by weights",
    "jacobian": "slopes of potentials by those of the step before",
}


def stored(shown: Shown, dialect: Dialect) -> list[dict[str, Any]]:
    """By method, how many numbers it holds after each time step, and what they are.

    >>> from ottt_ref.explain.example import example
    >>> found = example()
    >>> [each["made_of"] for each in stored(Shown(found.network, found.inputs, found.targets), "derivation")][2]
    [[3, 'potentials'], [3, 'spikes'], [4, 'traces'], [2, 'traces of the biases’ 1, kept without biases too']]
    """
    network, inputs = shown.network, shown.inputs
    steps, loss = range(1, len(inputs) + 1), MeanSquaredError()
    numbers = [_kept_by_bptt(run(network, inputs[:t], soft=shown.soft)) for t in steps]
    one = run(network, inputs[:1], soft=shown.soft)
    found = [_described("bptt", "BPTT", numbers, _by_kind(_read_by_bptt(one)))]
    carried = _kinds(one.final_state)
    otpe = forwards(network, one, [np.zeros((1, 1, size), network.dtype) for (size,) in network.shapes])
    for name, method, options in (
        ("rtrl", "rtrl", {}),
        (OTTT[dialect], "ottt", {"dialect": dialect}),
        ("sltt", "sltt", {}),
    ):
        results = [LIBRARY[method].gradients(network, inputs[:t], _targets(shown, t), loss, **options) for t in steps]
        numbers = [_size(result.final_state) for result in results]
        made_of = _by_kind(_kinds(results[-1].final_state))
        found.append(_described(name, LIBRARY[method].label, numbers, made_of))
    if otpe is not None:
        made_of = _by_kind([*carried, *otpe.held])
        found.append(_described("otpe", "OTPE", [sum(number for number, _ in made_of) for _ in steps], made_of))
    try:
        rates, _ = spike_representation.rates_of(network, inputs, "measured")
    except (TypeError, ValueError):
        return found
    numbers = [sum(size for _, size in carried) + sum(rate.size for rate in rates) for _ in steps]
    made_of = _by_kind([*carried, *(("weighted rates, counted on the way", rate.size) for rate in rates)])
    return [*found, _described("sr", "SR", numbers, made_of)]


def _described(name, short, numbers, made_of):
    long = LONG[name.removesuffix("-authors")]
    return {
        "name": name,
        "title": title(name),
        "short": short,
        "long": long,
        "numbers": numbers,
        "made_of": [[number, _singular(kind) if number == 1 else kind] for number, kind in made_of],
        "each_step": name == "bptt",
        "also": ["bptt-kept"] if name == "bptt" else [],  # differentiating the reset reads nothing more
    }


def _singular(kind):
    """The name of one of a kind.

    >>> [_singular(kind) for kind in ("traces of the biases’ 1", "other states", "ψ")]
    ['trace of the biases’ 1', 'other state', 'ψ']
    """
    return re.sub(r"^(other \w+|weighted \w+|\w+?)s\b", r"\1", kind)


def _by_kind(sizes: Iterable[tuple[str, int]]) -> list[list[Any]]:
    """How many numbers there are of each kind."""
    found: dict[str, int] = {}
    for kind, size in sizes:
        found[kind] = found.get(kind, 0) + size
    return [[number, kind] for kind, number in found.items()]


def _kinds(state: State | None) -> list[tuple[str, int]]:
    """The kind and the size of each array of a state, those of the neurons first, as the names tell."""
    found = []
    for name, array in (state or {}).items():
        rule = [words for begin, words in RULES.items() if name.startswith(f"rule/{begin}/")]
        own = "outputs" if name == "readout.output" else NEURONS.get(name.rpartition(".")[2], OTHERS)
        found.append((rule[0] if rule else own, int(array.size)))
    order = [*NEURONS.values(), "outputs", OTHERS, *RULES.values()]
    return sorted(found, key=lambda each: order.index(each[0]))


def _targets(shown, t):
    """Those of the first t time steps, where each has its own."""
    return shown.targets[:t] if shown.targets.ndim == 3 else shown.targets


def _size(state: State | None) -> int:
    return sum(int(array.size) for array in (state or {}).values())


def _kept_by_bptt(activity: Activity) -> int:
    """Inputs, states, spikes and ψ of every time step so far: what the way back reads."""
    return sum(size for _, size in _read_by_bptt(activity))


def _read_by_bptt(activity: Activity) -> list[tuple[str, int]]:
    found = [("inputs", activity.inputs)]
    for states in activity.layer_states:
        found += [("potentials", states[0]), *((OTHERS, array) for array in states[1:])]
    found += [("spikes", activity.layer_outputs[l]) for l in activity.spiking]
    found += [("ψ", (activity.layer_surrogate_derivatives or ())[l]) for l in activity.spiking]
    return [(kind, int(array.size)) for kind, array in found]
