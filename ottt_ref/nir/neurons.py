"""The neurons of a layer as a NIR node, and back."""

import math
from dataclasses import dataclass

import numpy as np

from ..network.neuron import Neuron
from ..network.neurons import OURS, CubaLIF, neuron_from_description
from ..network.per_neuron import require_fitting
from ..network.surrogate import Sigmoid, is_built_in
from .discretisation import below, euler, potentials
from .package import KEY, agreed, kept, kind_of, package
from .values import ENDLESS, described, each, field_name, fitted, spread, value_of

FIELDS = {
    "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
    "IF": ("r", "v_threshold", "v_reset"),
    "LI": ("tau", "r", "v_leak"),
    "I": ("r",),
    "CubaLIF": ("tau_mem", "r", "tau_syn", "w_in", "v_leak", "v_threshold", "v_reset"),
}
KINDS = tuple(FIELDS)
UPDATES = {
    "soft": "u[t] = decay (u[t-1] - threshold s[t-1]) + I[t]",
    "hard": "u[t] = decay ((1 - s[t-1]) u[t-1] + reset_potential s[t-1]) + I[t]",
    "unleaked": "u[t] = decay u[t-1] - threshold s[t-1] + I[t]",
}
FIRES = "s[t] = 1 where u[t] >= threshold, else 0"
RESET_ADVICE = "'hard' is what NIR's equations say, 'unleaked' what snnTorch's neurons do unless told otherwise"


def neuron_node(neuron, shape, dtype, dt, layer):
    """The node of layer `layer`'s neurons, of a given shape: LIF or LI, and where λ = 1 for all IF or I.

    Raises ValueError for neurons or a surrogate of one's own, which the metadata cannot hold.
    """
    nir = package()
    if type(neuron) not in OURS or (neuron.spiking and not is_built_in(neuron.surrogate)):
        raise ValueError(
            f"layers[{layer}] must have neurons {', '.join(kind.__name__ for kind in OURS)}, with a surrogate of "
            f"ottt_ref, got {neuron!r} of type {type(neuron).__module__}.{type(neuron).__qualname__}"
        )
    decay, synaptic = spread(neuron.decay, shape), type(neuron) is CubaLIF
    kind = _kind(neuron.spiking, synaptic, integrating=not synaptic and isinstance(decay, float) and decay == 1)
    if kind in ("IF", "I"):
        numbers = {"r": 1 / dt}
    else:
        numbers = {**_leaking(decay, dt, "tau_mem" if synaptic else "tau", "r"), "v_leak": 0.0}
    if synaptic:
        numbers |= _leaking(spread(neuron.current_decay, shape), dt, "tau_syn", "w_in")
    if neuron.spiking:
        numbers["v_threshold"] = each(lambda threshold: below(threshold, dtype), spread(neuron.threshold, shape))
        numbers["v_reset"] = spread(neuron.reset_potential, shape)
    arrays = {name: filled(name, shape, number, dtype) for name, number in numbers.items()}
    return getattr(nir, kind)(**arrays, metadata={KEY: {"layer": layer, **_description(neuron)}})


def _kind(spiking, synaptic, integrating):
    if synaptic:
        return "CubaLIF"
    return ("IF" if integrating else "LIF") if spiking else ("I" if integrating else "LI")


def _leaking(decay, dt, leak, factor):
    """τ = dt / (1 - λ) and the factor τ/dt, by the names of their fields; infinite where λ = 1."""

    def over_leak(number):
        return each(lambda decay: number / (1 - decay) if decay < 1 else math.inf, decay)

    return {leak: over_leak(dt), factor: over_leak(1.0)}


def _description(neuron):
    """The neuron as its node's metadata hold it: numbers, texts, and arrays of numbers."""
    description = {name: _held(value) for name, value in neuron.description().items()}
    description.pop("type")
    if not neuron.spiking:
        return {**description, "update": "u[t] = decay u[t-1] + I[t]"}
    update = f"{UPDATES[neuron.reset]}, {FIRES}"
    if type(neuron) is CubaLIF:
        update = f"I[t] = current_decay I[t-1] + input[t], {update}"
    return {**description, "update": update}


def _held(value):
    if isinstance(value, dict):
        return {name: _held(each) for name, each in value.items()}
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return " ".join(value)
    return (
        np.array(value, dtype=np.float64)
        if isinstance(value, list)
        else value
        if isinstance(value, str)
        else float(value)
    )


def filled(name, shape, number, dtype):
    """An array of that shape, full of one number, or of an array's; ValueError where the dtype does not hold them."""
    with np.errstate(over="ignore", under="ignore"):
        array = np.empty(shape, dtype=dtype)
        array[...] = number
    wrong = np.isinf(array) != np.isinf(number) if name in ENDLESS else ~np.isfinite(array)
    if np.any(wrong | ((array == 0) & (np.asarray(number) != 0))):
        raise ValueError(
            f"{name} must be a number of {dtype} (it depends on dt, threshold and decay), got {described(number)}"
        )
    return array


@dataclass(frozen=True)
class Read:
    """What a node is: the neurons, κ, the factor on what enters them, and a current that enters them before that."""

    neuron: Neuron
    gain: float = 1.0
    current: float | np.ndarray = 0.0


@np.errstate(over="ignore", under="ignore")  # what a dtype does not hold is refused below
def neuron_from(node, name, shape, *, dt, reset, surrogate, dtype, version):
    """What a node of neurons is; ValueError that names the node and its field.

    dtype    of the network
    version  of the metadata; None if the graph does not say it
    """
    numbers = {field: value_of(node, name, field, shape) for field in FIELDS[kind_of(node)]}
    found, gain = _decays(node, name, numbers, dt)
    annotation, current = kept(node), 0.0
    texts = {"type": "Integrator"}
    if "v_threshold" in numbers:
        reset = agreed("reset", annotation.get("reset"), reset, RESET_ADVICE)
        found["threshold"], found["reset_potential"], current = potentials(node, name, numbers, reset, dtype)
        texts = {"type": "CubaLIF" if "tau_syn" in numbers else "LIF", "reset": reset}
        texts["surrogate"] = _surrogate_description(annotation, surrogate)
    if "tau_syn" in numbers and np.any(current):
        raise ValueError(
            f"{field_name(node, name, 'v_leak')} must be at most v_threshold where a current leaks, too, which would "
            f"bring a constant late, got {described(numbers['v_leak'][0])}"
        )
    read = {field: fitted(value, shape, dtype) for field, value in found.items()}
    own = {field: value for field, value in annotation.items() if field not in ("update", "layer")}
    if "trainable" in own:
        own["trainable"] = str(own["trainable"]).split()
    neuron = _neuron(node, name, shape, {**read, **own, **texts})
    if surrogate is not None and neuron.spiking:
        agreed("surrogate", neuron.surrogate, surrogate, "")
    if annotation:
        _require_agreement(node, name, neuron, shape, found, numbers)
    if annotation and neuron.spiking:
        _require_threshold(node, name, spread(neuron.threshold, shape), *numbers["v_threshold"], dtype, version)
    return Read(neuron, gain, current)


def _decays(node, name, numbers, dt):
    """λ, and of neurons with a synaptic current α, by the names of their fields; and κ of all of it."""
    if "tau_syn" not in numbers:
        decay, gain = euler(node, name, numbers, dt)
        return {"decay": decay}, gain
    decay, gain = euler(node, name, numbers, dt, leak="tau_mem")
    current_decay, factor = euler(node, name, numbers, dt, leak="tau_syn", factor="w_in")
    return {"decay": decay, "current_decay": current_decay}, each(lambda one, other: one * other, gain, factor)


def _surrogate_description(annotation, surrogate):
    kept_one = annotation.get("surrogate", (Sigmoid() if surrogate is None else surrogate).description())
    if not isinstance(kept_one, dict):
        raise ValueError(f"surrogate must be described by its type and numbers, got {kept_one!r}")
    return kept_one


def _neuron(node, name, shape, description):
    try:
        neuron = neuron_from_description(description)
        for field, value in neuron.array_settings.items():
            require_fitting(field, value, shape)
        return neuron
    except (TypeError, ValueError) as error:
        raise ValueError(f"node {name!r} ({kind_of(node)}): {error}") from None


def _require_agreement(node, name, neuron, shape, found, numbers):
    """What ottt_ref kept must be what the arrays say: a tool in between may have changed one of them."""
    rows = []
    for field, leak in (("decay", "tau"), ("decay", "tau_mem"), ("current_decay", "tau_syn")):
        if leak in numbers or (leak == "tau" and "tau_mem" not in numbers):
            tolerance = 4 * np.finfo(numbers.get(leak, numbers["r"])[1]).eps
            rows.append((field, spread(getattr(neuron, field), shape), found[field], tolerance))
    if "v_leak" in numbers:
        rows.append(("v_leak", 0.0, numbers["v_leak"][0], 0.0))
    if neuron.spiking:
        array, dtype = numbers["v_reset"]
        rows.append(("reset_potential", each(dtype.type, spread(neuron.reset_potential, shape)), array, 0.0))
    for field, stored, read, tolerance in rows:
        if not np.all(np.abs(np.asarray(stored) - read) <= tolerance):
            raise _disagreement(node, name, field, stored, read)


def _require_threshold(node, name, threshold, read, read_dtype, dtype, version):
    """Of version 1, of ottt_ref 0.1.0 and 0.2.0, the array holds the threshold itself; later the number below it.

    A tool in between may have rounded the array to another dtype.
    """

    def agrees(threshold, read):
        own = [float(kind.type(threshold)) for kind in (dtype, read_dtype)]
        lower = [below(threshold, dtype), float(read_dtype.type(below(threshold, np.dtype(np.float64))))]
        return float(read in {1: own, 2: lower}.get(version, own + lower))

    if not np.all(each(agrees, threshold, read)):
        raise _disagreement(node, name, "threshold", threshold, read)


def _disagreement(node, name, field, stored, read):
    return ValueError(
        f"{field_name(node, name, field)} must be the same in the metadata and in the arrays, got "
        f"{described(stored)} and {described(read)}"
    )
