"""The neurons of a layer as a NIR node, and back."""

from dataclasses import dataclass

import numpy as np

from ..network.neuron import Neuron
from ..network.neurons import LIF, Integrator, neuron_from_description
from ..network.surrogate import Sigmoid, is_built_in
from .discretisation import below, euler, potentials
from .package import KEY, agreed, kept, kind_of, package
from .values import described, field_name, value_of

FIELDS = {
    "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
    "IF": ("r", "v_threshold", "v_reset"),
    "LI": ("tau", "r", "v_leak"),
    "I": ("r",),
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
    """The node of layer `layer`'s neurons, of a given shape: LIF or LI, and for λ = 1 IF or I.

    Raises ValueError for neurons or a surrogate of one's own, which the metadata cannot hold.
    """
    nir = package()
    if type(neuron) not in (LIF, Integrator) or (neuron.spiking and not is_built_in(neuron.surrogate)):
        raise ValueError(
            f"layers[{layer}] must have neurons LIF or Integrator, with a surrogate of ottt_ref, got {neuron!r} of "
            f"type {type(neuron).__module__}.{type(neuron).__qualname__}"
        )
    decay = float(neuron.decay)
    integrating = decay == 1
    numbers = {"r": 1 / dt} if integrating else {"tau": dt / (1 - decay), "r": 1 / (1 - decay), "v_leak": 0.0}
    if neuron.spiking:
        numbers |= {"v_threshold": below(neuron.threshold, dtype), "v_reset": float(neuron.reset_potential)}
    arrays = {name: filled(name, shape, number, dtype) for name, number in numbers.items()}
    metadata = {KEY: {"layer": layer, **_description(neuron)}}
    if neuron.spiking:
        return (nir.IF if integrating else nir.LIF)(**arrays, metadata=metadata)
    return (nir.I if integrating else nir.LI)(**arrays, metadata=metadata)


def _description(neuron):
    description = {name: _float(value) for name, value in neuron.description().items()}
    description.pop("type")
    if not neuron.spiking:
        return {**description, "update": "u[t] = decay u[t-1] + I[t]"}
    surrogate = {name: _float(value) for name, value in description["surrogate"].items()}
    return {**description, "surrogate": surrogate, "update": f"{UPDATES[neuron.reset]}, {FIRES}"}


def _float(value):
    return value if isinstance(value, str | dict) else float(value)


def filled(name, shape, number, dtype):
    """An array of that shape, full of one number; ValueError where the dtype does not hold it."""
    with np.errstate(over="ignore", under="ignore"):
        array = np.full(shape, number, dtype=dtype)
    if not np.isfinite(array.flat[0]) or (array.flat[0] == 0 and number != 0):
        raise ValueError(f"{name} must be a number of {dtype} (it depends on dt, threshold and decay), got {number!r}")
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
    for field, (value, _) in numbers.items():
        if isinstance(value, np.ndarray):
            raise ValueError(
                f"{field_name(node, name, field)} must be the same for all neurons of a layer, got {described(value)}"
            )
    decay, gain = euler(node, name, numbers, dt)
    annotation = kept(node)
    if annotation and numbers.get("v_leak", (0.0,))[0] != 0:
        raise _disagreement(node, name, "v_leak", 0.0, numbers["v_leak"][0])
    annotation.pop("update", None)
    annotation.pop("layer", None)
    if "v_threshold" not in numbers:
        neuron, current = _described(node, name, {"decay": decay, **annotation, "type": "Integrator"}), 0.0
    else:
        reset = agreed("reset", annotation.get("reset"), reset, RESET_ADVICE)
        threshold, reset_potential, current = potentials(node, name, numbers, reset, dtype)
        found = {"decay": decay, "threshold": threshold, "reset_potential": reset_potential}
        neuron = _described(node, name, _spiking(found, annotation, reset, surrogate))
        if surrogate is not None:
            agreed("surrogate", neuron.surrogate, surrogate, "")
    if annotation:
        _require_agreement(node, name, neuron, decay, numbers)
    if annotation and neuron.spiking:
        _require_threshold(node, name, neuron.threshold, *numbers["v_threshold"], dtype, version)
    return Read(neuron, gain, current)


def _spiking(numbers, annotation, reset, surrogate):
    """The description of LIF neurons: what ottt_ref kept counts before what it reads in the arrays."""
    if not isinstance(annotation.get("surrogate", {}), dict):
        raise ValueError(f"surrogate must be described by its type and numbers, got {annotation['surrogate']!r}")
    default = {"surrogate": (Sigmoid() if surrogate is None else surrogate).description()}
    return {**numbers, **default, **annotation, "reset": reset, "type": "LIF"}


def _described(node, name, description):
    try:
        return neuron_from_description(description)
    except (TypeError, ValueError) as error:
        raise ValueError(f"node {name!r} ({kind_of(node)}): {error}") from None


def _require_agreement(node, name, neuron, decay, numbers):
    """What ottt_ref kept must be what the arrays say: a tool in between may have changed one of them."""
    dtype = numbers.get("tau", numbers["r"])[1]
    pairs = [("decay", neuron.decay, decay, 4 * np.finfo(dtype).eps)]
    if neuron.spiking:
        array, dtype = numbers["v_reset"]
        pairs.append(("reset_potential", float(dtype.type(neuron.reset_potential)), array, 0.0))
    for field, stored, read, tolerance in pairs:
        if not abs(stored - read) <= tolerance:
            raise _disagreement(node, name, field, stored, read)


def _require_threshold(node, name, threshold, read, read_dtype, dtype, version):
    """Of version 1, of ottt_ref 0.1.0 and 0.2.0, the array holds the threshold itself; later the number below it.

    A tool in between may have rounded the array to another dtype.
    """
    own = [float(each.type(threshold)) for each in (dtype, read_dtype)]
    lower = [below(threshold, dtype), float(read_dtype.type(below(threshold, np.dtype(np.float64))))]
    if read not in {1: own, 2: lower}.get(version, own + lower):
        raise _disagreement(node, name, "threshold", threshold, read)


def _disagreement(node, name, field, stored, read):
    return ValueError(
        f"{field_name(node, name, field)} must be the same in the metadata and in the arrays, got {stored!r} and "
        f"{read!r}"
    )
