"""What the page shows, computed by the library: for each choice of λ, V_th and ψ's width, everything about one network.

Numbers are whole numbers, floats, or short texts such as "-3/8": exact fractions. Time comes last, so that a row is what one
neuron does. Paths are grouped into routes: those with the same neurons and times, apart by whether they cross a reset, by
whether they take a loop, and by whether they wait in a trace alone. A route's contribution is the sum of its paths'.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from fractions import Fraction
from itertools import product
from typing import Any, Literal

import numpy as np

from .. import __version__
from ..blackboard.quantities import HALF_SQUARES, METHODS, BoardLoss, entry_name, rows_text, subscript, superscript, traces_of
from ..learning.losses import MeanSquaredError
from ..methods import METHODS as LIBRARY
from ..methods import bptt, spike_representation
from ..methods.shared.traces import Dialect
from ..network.layers import Layer
from ..network.network import Network
from ..paths import METHODS as KEEPS
from ..paths import Path, count, find_in, kept_by
from ..simulation.equilibrium import ConvergenceError
from ..simulation.simulator import Activity, run

LARGEST_STEPS = 12
LARGEST_SIZE = 24  # inputs and neurons
LARGEST_PATHS = 30_000  # of all weights together, of one choice of the sliders
LARGEST_GRID = 250_000  # paths, of all choices together
LONGEST_FRACTION = 100  # letters; longer ones become floats
DECAYS = (Fraction(0), Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(1))
THRESHOLDS = (Fraction(3, 4), Fraction(1), Fraction(5, 4))  # times the network's own
WIDTHS = (Fraction(1, 2), Fraction(1), Fraction(2))  # the same
FORWARD = ("sltt", "ottt", "ottt-authors", "rtrl")
_OTTT = {"derivation": "ottt", "authors": "ottt-authors"}
_BPTT = {"detached": "bptt", "kept": "bptt-kept"}
COLUMNS = ("sltt", "ottt", "ottt-authors", "otpe", "bptt", "rtrl", "bptt-kept", "sr")
KEPT = {
    "sltt": "keeps the paths that never wait",
    "ottt": "keeps the paths that wait in the weight’s own layer, and nowhere above",
    "otpe": "keeps the paths that wait in the weight’s own layer and in the one above",
    "bptt": "keeps every path, but none through the reset: the reset counts as a constant",
    "bptt-kept": "keeps every path, those through the reset too",
}


@dataclass(frozen=True)
class Shown:
    """What the page is about.

    network, inputs, targets, loss   as of a blackboard, one sample
    title   what it is, in a few words
    says    what it shows, a sentence, or ""
    soft    whether the surrogate's primitive stands in for the spike
    """

    network: Network
    inputs: np.ndarray
    targets: np.ndarray
    loss: BoardLoss = HALF_SQUARES
    title: str = ""
    says: str = ""
    soft: bool = False


@dataclass(frozen=True)
class Slider:
    """One of the things that can be moved: its values, which the network's own is one of, and what a value changes."""

    name: str
    symbol: str
    label: str
    values: tuple[Any, ...]
    start: int


def page_data(
    shown: Shown,
    *,
    grid: Literal["all", "decay", "none"] = "all",
    dialect: Dialect = "derivation",
    reset_gradient: Literal["detached", "kept"] = "detached",
    largest: int = LARGEST_PATHS,
) -> dict[str, Any]:
    """Everything that the page draws, as plain data.

    grid            the sliders: "all", λ, V_th and the surrogate's width; "decay", λ alone; or "none". Where all their
                    values together have too many paths, sliders are left out
    dialect         of the OTTT whose traces and errors are shown time step by time step
    reset_gradient  of the BPTT whose errors are
    largest         how many paths the network may have, of all weights together

    Raises ValueError or TypeError where the network is too large for a page, or has parts whose paths are not known.

    >>> import ottt_ref as ot
    >>> from ottt_ref.explain.example import example
    >>> found = example()
    >>> data = page_data(Shown(found.network, found.inputs, found.targets), grid="none")
    >>> data["configs"][0]["gradients"]["ottt"][0], data["configs"][0]["layers"][1]["s"]
    ('143177/131072', [[0, 0, 0, 0, 1, 0]])
    """
    _require_small(shown)
    exact = shown.network.exact_numbers
    entries = _entries(shown.network)
    sliders = _sliders(shown.network)
    number = _count(shown, entries)
    if number > largest:
        raise ValueError(f"network must have at most {largest} paths to be drawn, got {number}: take fewer time steps")
    movable = {"all": 3, "decay": 1, "none": 0}[grid]
    while movable and number * _size(sliders[:movable]) > LARGEST_GRID:
        movable -= 1
    sliders = [*sliders[:movable], *(_fixed(slider) for slider in sliders[movable:])]
    options = (_OTTT[dialect], _BPTT[reset_gradient])
    routes: list[dict[tuple, dict[str, Any]]] = [{} for _ in entries]
    configs = []
    for values in product(*(slider.values for slider in sliders)):
        varied = replace(shown, network=_varied(shown.network, sliders, values))
        configs.append(_config(varied, entries, routes, options))
    for config in configs:
        both = list(zip(config.pop("routes"), routes))
        config["contributions"] = [
            [_plain(found[key][0] if key in found else 0, exact) for key in of_entry] for found, of_entry in both
        ]
        config["counts"] = [[found[key][1] if key in found else 0 for key in of_entry] for found, of_entry in both]
    network = shown.network
    return {
        "version": f"ottt_ref {__version__}",
        "title": shown.title,
        "heading": _heading(shown),
        "reset_words": _reset_words(network),
        "formula": _formula(network),
        "loss": shown.loss.formula,
        "exact": exact,
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
        "first_weight": next((k for k, entry in enumerate(entries) if routes[k]), 0),
        "methods": [{"name": name, "title": keeps.label, "keeps": KEPT[name]} for name, keeps in KEEPS.items()],
        "columns": [{"name": name, "title": _title(name)} for name in COLUMNS if any(name in c["gradients"] for c in configs)],
        "sliders": [
            {**_of_fields(slider, "name", "symbol", "label", "start"), "values": [_plain(v, exact) for v in slider.values]}
            for slider in sliders
        ],
        "configs": configs,
        "state": _state(shown, dialect),
        "shown": [_title(name) for name in options],
        "notes": _notes(shown, configs),
        "tasks": _tasks(network),
    }


def _of_fields(thing, *names):
    return {name: getattr(thing, name) for name in names}


def _require_small(shown):
    network, inputs = shown.network, shown.inputs
    if any(len(shape) != 1 for shape in (network.input_shape, *network.shapes)):
        raise ValueError(f"network must have layers of one row of neurons to be drawn, got {network!r}")
    size = network.input_size + sum(size for (size,) in network.shapes)
    if size > LARGEST_SIZE:
        raise ValueError(f"network must have at most {LARGEST_SIZE} inputs and neurons to be drawn, got {size}")
    if len(inputs) > LARGEST_STEPS:
        raise ValueError(f"inputs must have at most {LARGEST_STEPS} time steps to be drawn, got {len(inputs)}")
    if inputs.shape[1] != 1:
        raise ValueError(f"inputs must be those of one sample to be drawn, got {inputs.shape[1]}")


@dataclass(frozen=True)
class _Entry:
    """One entry of a parameter, whose gradient can be chosen."""

    parameter: str
    index: tuple[int, ...]
    data: dict[str, Any]


def _entries(network):
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
                    "words": words,
                    "group": f"{kind}, {ends}" if len(index) == 2 else f"{kind}, layer {target + 1}",
                    "value": _plain(network.parameters[parameter][index], network.exact_numbers),
                }
                found.append(_Entry(parameter, tuple(index), data))
    return found


def _count(shown, entries):
    """How many paths there are, at most, of all entries; the loss makes no difference."""
    data = (shown.network, shown.inputs, shown.targets)
    return sum(count(*data, entry.parameter, entry.index, MeanSquaredError()) for entry in entries)


def _activity(shown):
    """The Activity, ∂L/∂o [T, 1, n_out] and the loss."""
    activity = run(shown.network, shown.inputs, soft=shown.soft)
    loss, errors = shown.loss.of_steps(activity.outputs, shown.targets)
    return activity, errors, loss


# The sliders


def _sliders(network):
    """λ, V_th and the surrogate's first number, where all layers share it; one value where they do not."""
    exact = network.exact_numbers
    leaking = [layer.neuron for layer in network.layers if not layer.neuron.stateless]
    spiking = [layer.neuron for layer in network.layers if layer.neuron.spiking]
    decay = _shared([neuron.decay for neuron in leaking])
    threshold = _shared([neuron.threshold for neuron in spiking])
    surrogate = _shared([neuron.surrogate for neuron in spiking])
    number = fields(surrogate)[0].name if surrogate is not None and fields(surrogate) else None
    own = None if number is None else getattr(surrogate, number)
    label = "width of ψ" if number == "width" else f"{number} of ψ"
    return [
        _slider("decay", "λ =", "leak", decay, DECAYS, exact),
        _slider("threshold", "V_th =", "threshold", threshold, _times(threshold, THRESHOLDS), exact),
        _slider("surrogate", "", label, own, _times(own, WIDTHS), exact),
    ]


def _shared(values):
    """The one value that all have, or None."""
    if not values or any(isinstance(value, np.ndarray) for value in values) or any(v != values[0] for v in values):
        return None
    return values[0]


def _times(own, factors):
    return () if own is None else tuple(Fraction(own) * factor for factor in factors)


def _slider(name, symbol, label, own, values, exact):
    if own is None:
        return Slider(name, symbol, label, ("as it is",), 0)
    kind = Fraction if exact else float
    every = sorted({kind(value) for value in values} | {kind(own)})
    return Slider(name, symbol, label, tuple(every), every.index(kind(own)))


def _fixed(slider):
    return replace(slider, values=(slider.values[slider.start],), start=0)


def _size(sliders):
    return int(np.prod([len(slider.values) for slider in sliders]))


def _varied(network, sliders, values):
    """The network with these values of the sliders."""
    chosen = {slider.name: value for slider, value in zip(sliders, values) if value != "as it is" and len(slider.values) > 1}
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


# One choice of the sliders


def _config(shown, entries, routes, options):
    """Everything of one network; contributions by route, whose descriptions are added to `routes`."""
    network = shown.network
    exact = network.exact_numbers
    activity, errors, loss = _activity(shown)
    sums = _sums(shown, activity, errors)
    contributions = []
    for entry, of_entry in zip(entries, routes):
        found: dict[tuple, Any] = {}
        for path in find_in(network, activity, errors, entry.parameter, entry.index, nonzero=True):
            key = _route(path)
            if key not in of_entry:
                of_entry[key] = _described(path)
            total, number = found.get(key, (0, 0))
            found[key] = (total + path.contribution, number + 1)
        contributions.append(found)
    return {
        "x": _rows(activity.inputs, exact),
        "layers": [_layer(network, activity, l, exact) for l in range(len(network.layers))],
        "errors_out": _rows(errors, exact),
        "loss": _plain(loss, exact),
        "traces": _traces(network, activity, METHODS[options[0]].trace, exact),
        "errors": [[_rows(error, exact) for error in sums[name].errors] for name in options],
        "gradients": {
            name: [_plain(found.values[entry.parameter][entry.index], exact) for entry in entries]
            for name, found in sums.items()
        },
        "terms": {
            name: [
                [_plain(term[entry.index], exact) for term in sums[name].terms[entry.parameter]] for entry in entries
            ]
            for name in FORWARD
            if name in sums
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
    for name in ("sltt", "ottt", "ottt-authors", "bptt", "rtrl", "bptt-kept", "sr"):
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


def _described(path):
    return {
        "source": None if path.source is None else [path.source, path.source_neuron],
        "start": path.source_time,
        "stops": [[m.layer, m.neuron, m.arrives, m.leaves] for m in path.membranes],
        "crossed": [_plain(c.weight, not isinstance(c.weight, float)) for c in path.crossings],
        "waits": sorted(path.waits),
        "resets": path.resets > 0,
        "loops": path.loops > 0,
        "traced": path.traced,
        "methods": list(path.methods),
    }


def _layer(network, activity, l, exact):
    neuron, potentials = network.layers[l].neuron, activity.layer_potentials[l]
    outputs = activity.layer_outputs[l]
    found = {"u": _rows(potentials, exact), "after": _rows(potentials, exact)}
    if neuron.spiking:
        after = np.array([neuron.post_reset_potential(u, s) for u, s in zip(potentials, outputs)], dtype=potentials.dtype)
        threshold = np.broadcast_to(np.asarray(network.threshold(l)), network.shapes[l])
        found |= {
            "after": _rows(after, exact),
            "s": _rows(outputs, exact),
            "psi": _rows(activity.layer_surrogate_derivatives[l], exact),
            "distance": _rows(potentials - threshold, exact),
            "threshold": [_plain(value, exact) for value in threshold.tolist()],
        }
    return found


def _traces(network, activity, dialect, exact):
    """The trace of each input, and of what each layer sends upwards, as OTTT keeps it; the first where there are several."""
    found, _ = traces_of(network, activity, dialect)
    result: dict[str, Any] = {"inputs": [], "layers": [None] * len(network.layers)}
    for connection in network.connections:
        for paired in found.get(connection.name, ())[:1]:
            rows = _rows(paired.values, exact)
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
    return {"z": [round(value, 3) for value in z.tolist()], "psi": [float(f"{p:.4g}") for p in surrogate.derivative(z).tolist()]}


def _rows(array, exact):
    """[T, 1, n] as [n][T]."""
    return [[_plain(value, exact) for value in row] for row in array[:, 0].T.tolist()]


def _plain(number, exact):
    """A number for JSON: fractions as "3/8", whole ones as they are."""
    if isinstance(number, str):
        return number
    if not exact:
        return float(number)
    fraction = Fraction(number)
    if fraction.denominator == 1 and abs(fraction.numerator) < 2**53:
        return fraction.numerator
    text = str(fraction)
    return text if len(text) <= LONGEST_FRACTION else float(fraction)


# What is stored


def _state(shown, dialect):
    """By method, how many numbers it holds after each time step: counted in the arrays that the library holds."""
    network, inputs = shown.network, shown.inputs
    steps, task = range(1, len(inputs) + 1), (shown.targets, MeanSquaredError())
    numbers = [_kept_by_bptt(run(network, inputs[:t], soft=shown.soft)) for t in steps]
    found = [{"name": "bptt", "title": "BPTT", "numbers": numbers}]
    for name, method, options in (("rtrl", "rtrl", {}), (_OTTT[dialect], "ottt", {"dialect": dialect}), ("sltt", "sltt", {})):
        results = (LIBRARY[method].gradients(network, inputs[:t], *task, **options) for t in steps)
        numbers = [sum(array.size for array in result.final_state.values()) for result in results]
        found.append({"name": name, "title": _title(name), "numbers": numbers})
    try:
        rates, _ = spike_representation.rates_of(network, inputs, "measured")
    except (TypeError, ValueError):
        return found
    carried = sum(array.size for array in run(network, inputs[:1]).final_state.values())
    return [*found, {"name": "sr", "title": "SR", "numbers": [carried + sum(rate.size for rate in rates) for _ in steps]}]


def _kept_by_bptt(activity: Activity) -> int:
    """Inputs, states, spikes and ψ of every time step so far: what the way back reads."""
    kept = [activity.inputs, *(array for states in activity.layer_states for array in states)]
    for l in activity.spiking:
        kept += [activity.layer_outputs[l], (activity.layer_surrogate_derivatives or ())[l]]
    return sum(array.size for array in kept)


# Words


def _title(name):
    return KEEPS[name].label if name in KEEPS else {"ottt-authors": "OTTT, authors’ dialect", "rtrl": "RTRL", "sr": "SR"}[name]


def _heading(shown):
    network = shown.network
    sizes = "-".join(str(size) for (size,) in (network.input_shape, *network.shapes))
    targets = ", ".join(_text(value) for value in shown.targets[0].tolist()) if shown.targets.ndim == 2 else "of each step"
    words = f"{sizes}, {len(shown.inputs)} time steps, last layer {network.readout}, target {targets}, loss {shown.loss.formula}"
    words += ", soft spikes: the primitive of ψ stands in for the step" if shown.soft else ""
    weights = "; ".join(
        f"w{superscript(c.target)} = {rows_text(network.parameters[name].tolist(), _text)}"
        for c in network.connections
        for name in c.parameters
        if network.parameters[name].ndim == 2 and not c.loop
    )
    begin = f"{shown.title}: " if shown.title else "The network: "
    return f"{begin}{f'{shown.says}. ' if shown.says else ''}{words}; {weights}."


def _text(number):
    return str(number) if isinstance(number, Fraction | int) else f"{number:.4g}"


def _resets(network):
    return {layer.neuron.reset for layer in network.layers if layer.neuron.spiking}


def _reset_words(network):
    words = {
        "soft": "V_th is taken from its potential (a soft reset)",
        "unleaked": "V_th is taken from its potential after the leak (an unleaked reset)",
        "hard": "its potential is set back (a hard reset)",
    }
    return ", or ".join(words[reset] for reset in sorted(_resets(network))) or "here no neuron fires"


def _formula(network):
    carried = {
        "soft": "λ (u[t−1] − V_th s[t−1])",
        "unleaked": "λ u[t−1] − V_th s[t−1]",
        "hard": "λ ((1 − s[t−1]) u[t−1] + v_reset s[t−1])",
    }
    reset = sorted(_resets(network))
    return f"u[t] = {carried[reset[0]] if reset else 'λ u[t−1]'} + Σ w · (what arrives),   s[t] = 1 if u[t] ≥ V_th, else 0"


def _notes(shown, configs):
    notes = []
    if any("sr" in config["gradients"] for config in configs):
        notes.append(
            "SR (spike representation) forgets time: it differentiates rates, the weighted means of spikes, and its loss is that "
            "of the rates. So it is no sum of these paths."
        )
    notes.append("RTRL keeps the same paths as BPTT, forwards in time, at the price of one number for each neuron and weight.")
    if shown.network.readout == "linear":
        notes.append(
            "OTTT pairs a readout without a membrane with traces all the same: waits that no membrane holds (claim Q1)."
        )
    if "hard" in _resets(shown.network):
        notes.append("At a hard reset OTTT’s trace does not know that the membrane was emptied: it keeps waits that are none.")
    notes.append("OTTT’s authors’ dialect traces spikes alone, not the inputs and the biases’ 1.")
    return notes


def _tasks(network):
    """Questions whose answers hold for this network."""
    loops = any(connection.loop for connection in network.connections)
    tasks: list[dict[str, str]] = []

    def task(ask, answer):
        tasks.append({"ask": ask, "answer": answer})

    if not loops and not any(connection.delay for connection in network.connections):
        task(
            "Move λ to 0. Which methods still differ in table 5?",
            "Of SLTT, OTTT, OTPE and BPTT (reset detached) none do: no membrane remembers anything, so no path can wait, and "
            "all keep the same paths. This is claim E4.",
        )
    if not loops and network.layers[-1].neuron.spiking and "hard" not in _resets(network):
        task(
            "Choose a weight into the last layer. Where can its paths wait, and which methods agree?",
            "In the last layer alone: there is nothing above it. OTTT keeps those waits, so OTTT is BPTT there (claim E1). SLTT "
            "keeps only the paths that never wait.",
        )
    task(
        "How many numbers will OTTT store after 100 time steps, and how many BPTT?",
        "OTTT as many as after one. BPTT 100 times as many as after one: every time step is kept until the way back.",
    )
    task(
        "Make ψ narrower. What happens to the number of paths?",
        "It falls, or stays: a path needs ψ > 0 wherever it leaves a neuron. Neurons far from their threshold pass nothing on.",
    )
    if _resets(network) & {"soft", "unleaked"} and not loops:
        task(
            "Let paths go through the reset. Why do many of the new contributions have the other sign?",
            "A spike lowers the potential that comes after it. So each step through the reset multiplies by a number below 0: "
            "−λ V_th ψ (unleaked: −V_th ψ). One such step turns the sign, two turn it back.",
        )
    task(
        "Think of a long sequence with ψ constant and λ = 1/2. Which share of BPTT’s path weight does OTTT keep in a layer with d "
        "membranes above it?",
        "2⁻ᵈ. Each membrane in which paths may wait multiplies the weight by 1 + 1/2 + 1/4 + ... = 2. BPTT waits in d + 1 "
        "membranes, 2ᵈ⁺¹; OTTT in one, 2.",
    )
    return tasks
