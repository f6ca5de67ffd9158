"""The neurons of a layer as a NIR node, and back: the discretisation, as the package's docstring has it.

NIR fires at v > θ, we at u >= V_th. Of floats of one dtype both are the same condition where V_th is the least number
above θ, and θ the largest below V_th. Of neurons with a v_leak, u is v - v_leak, and V_th the least number above
θ - v_leak.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..network.neuron import Neuron
from ..network.neurons import LIF, Integrator, neuron_from_description
from ..network.surrogate import Sigmoid, is_built_in
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


def below(number, dtype):
    """The largest number of a dtype below another, as the dtype holds that: v >= number is v > it."""
    return float(np.nextafter(dtype.type(float(number)), dtype.type(-np.inf)))


def above(number, dtype):
    """The least number of a dtype above another, a float or a Fraction: v > number is v >= it."""
    nearest = dtype.type(float(number))
    return float(nearest if float(nearest) > number else np.nextafter(nearest, dtype.type(np.inf)))


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
    decay, gain = _euler(node, name, numbers, dt)
    if not math.isfinite(gain):
        raise ValueError(
            f"{field_name(node, name, 'r')} must make a factor r dt/tau that is finite, got {numbers['r'][0]!r}"
        )
    annotation = kept(node)
    if annotation and numbers.get("v_leak", (0.0,))[0] != 0:
        raise _disagreement(node, name, "v_leak", 0.0, numbers["v_leak"][0])
    annotation.pop("update", None)
    annotation.pop("layer", None)
    if "v_threshold" not in numbers:
        neuron, current = _described(node, name, {"decay": decay, **annotation, "type": "Integrator"}), 0.0
    else:
        reset = agreed("reset", annotation.get("reset"), reset, RESET_ADVICE)
        potentials, current = _potentials(node, name, numbers, reset, dtype)
        neuron = _described(node, name, _spiking(decay, potentials, annotation, reset, surrogate))
        if surrogate is not None:
            agreed("surrogate", neuron.surrogate, surrogate, "")
    if annotation:
        _require_agreement(node, name, neuron, decay, numbers)
    if annotation and neuron.spiking:
        _require_threshold(node, name, neuron.threshold, *numbers["v_threshold"], dtype, version)
    return Read(neuron, gain, current)


def _potentials(node, name, numbers, reset, dtype):
    """Threshold and reset potential relative to the potential that neurons start from, and a current into them.

    They start from v_leak. Where that is above the threshold, they fire by themselves, and start from v_reset with the
    hard reset, else from 0; the leak towards v_leak is then a current, v_leak / r.
    """
    fields = ("v_leak", "v_threshold", "v_reset")
    leak, threshold, after = (Fraction(numbers[field][0] if field in numbers else 0) for field in fields)
    start, r = leak, numbers["r"][0]
    if leak > threshold:
        start = after if reset == "hard" and "v_leak" in numbers else Fraction(0)
    if start > threshold and start == after != 0:
        raise ValueError(
            f"{field_name(node, name, 'v_reset')} must be below v_threshold where v_leak is above it, got v_leak "
            f"{float(leak)!r}, v_threshold {float(threshold)!r} and v_reset {float(after)!r}"
        )
    if start > threshold:
        raise ValueError(f"{field_name(node, name, 'v_threshold')} must be at least 0, got {float(threshold)!r}")
    if start != leak and r == 0:
        raise ValueError(f"{field_name(node, name, 'r')} must not be 0 where v_leak is above v_threshold, got {r!r}")
    try:
        current = 0.0 if start == leak else float(leak - start) / r
        return (above(threshold - start, dtype), float(after - start)), current
    except OverflowError:
        raise ValueError(
            f"{field_name(node, name, 'v_threshold')} less v_leak must be a finite number, and v_reset less v_leak, too"
        ) from None


def _spiking(decay, potentials, annotation, reset, surrogate):
    if not isinstance(annotation.get("surrogate", {}), dict):
        raise ValueError(f"surrogate must be described by its type and numbers, got {annotation['surrogate']!r}")
    return {
        "decay": decay,
        "threshold": potentials[0],
        "reset_potential": potentials[1],
        "surrogate": (Sigmoid() if surrogate is None else surrogate).description(),
        **annotation,
        "reset": reset,
        "type": "LIF",
    }


def _described(node, name, description):
    try:
        return neuron_from_description(description)
    except (TypeError, ValueError) as error:
        raise ValueError(f"node {name!r} ({kind_of(node)}): {error}") from None


def _euler(node, name, numbers, dt):
    """λ = 1 - dt/τ and κ = r dt/τ of forward Euler steps; λ = 1 and κ = r dt where nothing leaks.

    Where both τ and r = τ/dt are infinite, as snnTorch writes beta = 1, these are their limits, 1 and 1.
    """
    r, dtype = numbers["r"]
    if "tau" not in numbers:
        return 1.0, _gain(r * float(dtype.type(dt)), dtype)
    tau, tau_dtype = numbers["tau"]
    if math.isinf(tau) and math.isinf(r):
        return 1.0, 1.0
    if math.isinf(tau) or math.isinf(r):
        raise ValueError(
            f"{field_name(node, name, 'tau')} must be infinite where r is, and only there (decay = 1 and r dt/tau = 1, "
            f"as snnTorch writes beta = 1), got tau={tau!r} and r={r!r}"
        )
    step = float(tau_dtype.type(dt))  # a file of float32 means the float32 nearest to dt, too
    if not tau >= step > 0:
        raise ValueError(
            f"{field_name(node, name, 'tau')} must be at least dt, for decay = 1 - dt/tau in [0, 1], got tau={tau!r} "
            f"and dt={dt!r}"
        )
    coarser = max(dtype, tau_dtype, key=lambda each: np.finfo(each).eps)
    return float(tau_dtype.type(1 - step / tau)), _gain(r * step / tau, coarser)


def _gain(gain, dtype):
    """κ; 1 where it differs by what rounding τ and r to the file's numbers explains."""
    return 1.0 if abs(gain - 1) <= 4 * np.finfo(dtype).eps else float(dtype.type(gain))


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
