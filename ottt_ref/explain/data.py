"""What the page shows, computed by the library: for each choice of λ, V_th and ψ's width, everything about one network.

Numbers are floats; or, exact, whole numbers and texts such as "-3/8" (`shown.plain`). Time comes last, so that a row is
what one neuron does. Paths are grouped into routes: those with the same neurons and times, apart by whether they
cross a reset, by whether they take a loop, and by whether they wait in a trace alone. A route's contribution is the
sum of its paths'.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal

import numpy as np

from .. import __version__
from ..blackboard.quantities import entry_name
from ..learning.losses import MeanSquaredError
from ..methods.shared.traces import Dialect
from ..paths import METHODS as KEEPS
from ..paths import count
from .moment import moment
from .shown import LONGEST_FRACTION, Shown, plain
from .sliders import choices, fixed, sliders_of, varied_by
from .stored import stored
from .words import (
    BPTT,
    KEPT,
    LONG,
    ONLINE,
    OTTT,
    crossed,
    formula,
    heading,
    many,
    notes_on,
    reset_words,
    tasks_on,
    title,
)

LARGEST_STEPS = 12
LARGEST_SIZE = 24  # inputs and neurons
LARGEST_PATHS = 100_000  # of all weights together, of one choice of the sliders
LARGEST_GRID = 200_000  # paths, of all choices together
COLUMNS = ("sltt", "ottt", "ottt-authors", "otpe", "bptt", "rtrl", "bptt-kept", "sr")


def page_data(
    shown: Shown,
    *,
    grid: Literal["all", "decay", "none", "asked"] = "all",
    dialect: Dialect = "derivation",
    reset_gradient: Literal["detached", "kept"] = "detached",
    largest: int = LARGEST_PATHS,
    longest: int = LONGEST_FRACTION,
) -> dict[str, Any]:
    """Everything that the page draws, as plain data.

    grid            the sliders: "all", λ, V_th and the surrogate's width; "decay", λ alone; or "none". Where all their
                    values together have too many paths, sliders are left out. "asked": all, with this network's values
                    alone; the page asks the library for others
    dialect         of the OTTT whose traces and errors are shown time step by time step
    reset_gradient  of the BPTT whose errors are
    largest         how many paths the network may have, of all weights together
    longest         how many letters an exact number may have; longer ones are rounded, and marked

    Raises ValueError or TypeError where the network is too large for a page, or has parts whose paths are not known.

    >>> import ottt_ref as ot
    >>> from ottt_ref.explain.example import example
    >>> found = example()
    >>> data = page_data(Shown(found.network, found.inputs, found.targets), grid="none")
    >>> data["configs"][0]["gradients"]["ottt"][0], data["configs"][0]["layers"][1]["s"]
    ('143177/131072', [[0, 0, 0, 0, 1, 0]])
    """
    _require_small(shown)
    network = shown.network
    letters = longest if network.exact_numbers else 0
    entries = _entries(network, letters)
    number = _count(shown, entries)
    if number > largest:
        raise ValueError(
            f"network must have at most {many(largest, 'path')} to be drawn, got {number}: take fewer time steps"
        )
    sliders = sliders_of(network, asked=grid == "asked")
    computed = _with_room(sliders, {"all": 3, "decay": 1}.get(grid, 0), number)
    options = (OTTT[dialect], BPTT[reset_gradient])
    configs, routes = _configurations(shown, computed, entries, options, letters)
    if grid != "asked":
        sliders = computed
    return {
        "version": f"ottt_ref {__version__}",
        "title": shown.title,
        "heading": heading(shown),
        "reset_words": reset_words(network),
        "formula": formula(network),
        "crossed": crossed(network),
        "seen": shown.seen,
        "loss": shown.loss.formula,
        "exact": network.exact_numbers,
        "T": len(shown.inputs),
        "inputs": network.input_size,
        "layers": [
            {"size": size, "spiking": layer.neuron.spiking, "membrane": not layer.neuron.stateless}
            for layer, (size,) in zip(network.layers, network.shapes)
        ],
        "weights": [
            {**entry.data, "groups": [dict(group) for group in of_entry.values()]}
            for entry, of_entry in zip(entries, routes)
        ],
        "first_weight": _telling(entries, routes, configs[_start(computed)]["gradients"]),
        "methods": [
            {"name": name, "title": title(name), "long": LONG[name], "keeps": KEPT[name], "forward": name in ONLINE}
            for name in KEEPS
        ],
        "columns": [
            {"name": name, "title": title(name)} for name in COLUMNS if any(name in c["gradients"] for c in configs)
        ],
        "sliders": [
            {
                **_of_fields(slider, "name", "symbol", "label", "field", "start"),
                "values": [plain(v, letters) for v in slider.values],
            }
            for slider in sliders
        ],
        "configs": configs,
        "state": stored(shown, dialect),
        "shown": [title(name) for name in options],
        "notes": notes_on(shown, configs),
        "tasks": tasks_on(network, [slider.name for slider in sliders if len(slider.values) > 1]),
    }


def _with_room(sliders, movable, number):
    """The sliders, of which the first so many can be moved, or fewer: with so many paths a page has no room for all."""
    while movable and number * choices(sliders[:movable]) > LARGEST_GRID:
        movable -= 1
    return [*sliders[:movable], *(fixed(slider) for slider in sliders[movable:])]


def _configurations(shown, sliders, entries, options, letters):
    """What happens with all values of the sliders, and the routes of each entry, which all of them share."""
    routes: list[dict[tuple, dict[str, Any]]] = [{} for _ in entries]
    configs = []
    for values in product(*(slider.values for slider in sliders)):
        varied = replace(shown, network=varied_by(shown.network, sliders, values))
        configs.append(moment(varied, entries, routes, options, letters))
    for config in configs:
        both = list(zip(config.pop("routes"), routes))
        config["contributions"] = [
            [plain(found[key][0] if key in found else 0, letters) for key in of_entry] for found, of_entry in both
        ]
        config["counts"] = [[found[key][1] if key in found else 0 for key in of_entry] for found, of_entry in both]
    return configs, routes


def _of_fields(thing, *names):
    return {name: getattr(thing, name) for name in names}


def _start(sliders):
    """Which configuration the sliders stand at when the page opens."""
    index = 0
    for slider in sliders:
        index = index * len(slider.values) + slider.start
    return index


def _telling(entries, routes, gradients):
    """The first of the weights with paths on which most methods differ; biases come after weights."""

    def different(k):
        return len({str(of_weights[k]) for of_weights in gradients.values()})

    return max(range(len(routes)), key=lambda k: (bool(routes[k]), entries[k].data["name"][0] == "w", different(k), -k))


def _require_small(shown):
    network, inputs = shown.network, shown.inputs
    if any(len(shape) != 1 for shape in (network.input_shape, *network.shapes)):
        raise ValueError(f"network must have layers of one row of neurons to be drawn, got {network!r}")
    size = network.input_size + sum(size for (size,) in network.shapes)
    if size > LARGEST_SIZE:
        raise ValueError(f"network must have at most {LARGEST_SIZE} inputs and neurons to be drawn, got {size}")
    if len(inputs) > LARGEST_STEPS:
        raise ValueError(f"inputs must have at most {many(LARGEST_STEPS, 'time step')} to be drawn, got {len(inputs)}")
    if inputs.shape[1] != 1:
        raise ValueError(f"inputs must be those of one sample to be drawn, got {inputs.shape[1]}")


@dataclass(frozen=True)
class _Entry:
    """One entry of a parameter, whose gradient can be chosen."""

    parameter: str
    index: tuple[int, ...]
    data: dict[str, Any]


def _entries(network, letters):
    """Every entry of every parameter of a connection, in the order of the layers."""
    found = []
    for connection in network.connections:
        for parameter in connection.parameters:
            name = entry_name(connection, parameter, network.parameters[parameter].shape)
            for index in np.ndindex(network.parameters[parameter].shape):
                target, source = connection.target, connection.source
                into = f"into neuron {index[0] + 1} of layer {target + 1}"
                sender = "input" if source < 0 else f"layer {source + 1}, neuron"
                words = f"{into} from {sender} {index[1] + 1}" if len(index) == 2 else f"bias, {into}"
                kind = "Biases" if len(index) == 1 else "Weights"
                kind += " of recurrent synapses" if connection.loop and source == target else ""
                ends = f"{'inputs' if source < 0 else f'layer {source + 1}'} → layer {target + 1}"
                data = {
                    "name": name(index),
                    "parameter": parameter,
                    "index": list(index),
                    "layer": target,
                    "source": [source, index[1]] if len(index) == 2 else None,
                    "delay": connection.delay,
                    "words": words,
                    "group": f"{kind}, {ends}" if len(index) == 2 else f"{kind}, layer {target + 1}",
                    "value": plain(network.parameters[parameter][index], letters),
                }
                found.append(_Entry(parameter, tuple(index), data))
    return found


def _count(shown, entries):
    """How many paths there are, at most, of all entries; the loss makes no difference."""
    data = (shown.network, shown.inputs, shown.targets)
    return sum(count(*data, entry.parameter, entry.index, MeanSquaredError()) for entry in entries)
