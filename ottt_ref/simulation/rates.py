"""Weighted firing rates, the spike representation of a sequence.

    a[T] = Σ_t λ^(T-t) s[t] / Λ_T,   Λ_T = Σ_t λ^(T-t) = Σ_{k<T} λ^k      (t = 1 .. T)

The sum is the trace â[T], so it is built online, in constant memory. Source: Xiao et al. 2022, section 3; R1, R2.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from ..annotations import Number
from ..exactness import exact_kind, exact_number, exact_values, is_rounded
from ..finite import is_finite, refuse_non_finite
from ..kernel import rows
from ..network.layers import INPUTS, require_rate_mapping
from ..network.network import Network, require_network
from ..network.neuron import Neuron, same_membrane
from ..network.neurons import leaky_accumulate
from ..network.per_neuron import is_shared
from ..validation import (
    as_array,
    describe_shape,
    require_array,
    require_count,
    require_result,
    require_unit_interval,
)
from .inputs import require_inputs
from .simulator import Simulator, input_current
from .trace import Trace


def rate_normaliser(decay: Number, time_steps: int) -> Number:
    """Λ_T = Σ_{k<T} λ^k, in the number type of `decay`, for λ in [0, 1] and T >= 1.

    >>> from fractions import Fraction
    >>> import ottt_ref as ot
    >>> ot.rate_normaliser(Fraction(1, 2), 3)
    Fraction(7, 4)
    """
    require_unit_interval("decay", decay)
    total = decay * 0
    for _ in range(require_count("time_steps", time_steps)):
        total = decay * total + 1
    return total


def weighted_rate(values: np.ndarray, decay: Number) -> np.ndarray:
    """a[T] [B, ...] of values [T, B, ...] (spikes or currents), in their dtype: float64, float32 or object.

    Raises TypeError or ValueError that names the argument, also where exact values meet a decay that is a float.

    >>> import numpy as np, ottt_ref as ot
    >>> spikes = np.array([0.0, 1.0, 1.0]).reshape(3, 1, 1)
    >>> ot.weighted_rate(ot.exact_array(spikes), ot.exact_array(0.5)[()])
    array([[Fraction(6, 7)]], dtype=object)
    """
    axes = as_array("values", values).ndim - 2
    values = require_array("values", values, ("T", "B", *(("n",) if axes <= 1 else ("C", *["n"] * (axes - 1)))))
    require_unit_interval("decay", decay)
    kind = exact_kind({"values": values})
    if kind is not None:
        if is_rounded(decay):
            raise TypeError(f"decay must be an exact number such as Fraction(1, 2) for exact values, got {decay!r}")
        values, decay = exact_values(values, kind), exact_number(decay, kind)
    trace = np.zeros_like(values[0])
    constants = np.array([decay], dtype=values.dtype)
    for t in range(len(values)):
        leaky_accumulate(rows(trace), rows(values[t]), constants)
    rate = trace / rate_normaliser(constants[0], len(values))
    refuse_non_finite("weighted rate", rate)
    return rate


def measured_rates(network: Network, inputs: np.ndarray) -> list[np.ndarray]:
    """Weighted rates a^0 of the inputs (with the λ of the membranes that they enter), a^1 .. of the layers, [B, ...].

    A readout has none. A layer that passes a current on has that of its current, which is affine in the others'. Where
    a layer's neurons decay each in its own way, the rate of each has its own λ.
    Raises ValueError for a network with a leaky stage, whose rate is no function of others', and where the inputs enter
    neurons of several decays, so that they have no one λ.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.Network([ot.Layer(ot.Dense(np.array([[0.75]])), ot.LIF(decay=1.0))])
    >>> inputs, spikes = ot.rates.measured_rates(network, np.ones((4, 1, 1)))
    >>> inputs, spikes
    (array([[1.]]), array([[0.75]]))
    """
    inputs = require_inputs(require_network(network), inputs)
    require_rate_mapping(network.layers, network.connections)
    leak = _input_leak(network)
    simulator = Simulator(network, inputs.shape[1], derivatives=False)
    shapes = {l: (inputs.shape[1], *network.shape_of(l)) for l in (INPUTS, *network.spiking)}
    first = network.layers[network.trace_layer(0)].neuron
    traces = {INPUTS: Trace(first, shapes[INPUTS], network.dtype, lambda: leak)}
    traces.update({l: Trace(network.layers[l].neuron, shapes[l], network.dtype) for l in network.spiking})
    for t in range(len(inputs)):
        activity = simulator.step(inputs[t])
        for l, trace in traces.items():
            trace.follow(activity.output_of(l))
    values = {l: trace.value / _normaliser(network, trace, len(inputs)) for l, trace in traces.items()}
    return complete_rates(network, values)


def input_decay(network: Network) -> Number:
    """The λ of the membranes that the inputs enter, which their rate has; ValueError where there are several.

    >>> import numpy as np, ottt_ref as ot
    >>> ot.rates.input_decay(ot.dense_network([2, 3, 1], decay=0.75))
    0.75
    """
    return _input_leak(require_network(network))[0][0]


def _input_leak(network):
    neurons = [network.layers[l].neuron for l in network.trace_layers(0)]
    leak = _one_leak(neurons[0])
    if leak is None or any(not same_membrane(neuron, neurons[0]) for neuron in neurons):
        raise ValueError(
            f"layers[{network.trace_layer(0)}] must have neurons of one decay for a rate of the inputs that enter it, "
            f"got {neurons[0]!r}"
        )
    return leak


def _one_leak(neuron):
    """The leak that all neurons of a layer have, [K][K] numbers; None where they have several."""
    arrays = [entry for row in neuron.leak for entry in row if isinstance(entry, np.ndarray)]
    if any(np.any(array != array.flat[0]) for array in arrays):
        return None
    return [[entry.flat[0] if isinstance(entry, np.ndarray) else entry for entry in row] for row in neuron.leak]


def _normaliser(network, trace, time_steps):
    """Λ_T: the trace of a neuron that fires at every time step, a number or an array [1, ...]."""
    neuron = trace.neuron
    leak = neuron.leak if trace.leak is None else trace.leak()
    each = not all(is_shared(entry) for row in leak for entry in row)
    if neuron.one_potential and not each:
        decay = leak[0][0][0] if isinstance(leak[0][0], np.ndarray) else leak[0][0]
        return rate_normaliser(np.array([decay], dtype=network.dtype)[0], time_steps)
    ones = np.empty((1, *trace.value.shape[1:]) if each else (1, 1), dtype=network.dtype)
    ones[...] = network.bias_input[0]
    sums = Trace(neuron, ones.shape, network.dtype, trace.leak)
    for _ in range(time_steps):
        sums.follow(ones)
    return sums.value if each else sums.value[0, 0]


def rate_weights(network: Network, neuron: Neuron, time_steps: int) -> np.ndarray:
    """What each time step counts in the weighted rate of what enters a neuron, λ^(T-t) / Λ_T, [T].

    Raises ValueError for neurons of several decays.

    >>> import ottt_ref as ot
    >>> from ottt_ref.simulation.rates import rate_weights
    >>> network = ot.dense_network([2, 3, 2], decay=0.5, rng=0)
    >>> (7 * rate_weights(network, network.layers[0].neuron, 3)).round(9).tolist()
    [1.0, 2.0, 4.0]
    """
    leak = _one_leak(neuron)
    if leak is None:
        raise ValueError(f"neuron must have one decay for a rate of what enters it, got {neuron!r}")
    trace = Trace(neuron, (1, 1), network.dtype, lambda: leak)
    result = np.empty(time_steps, dtype=network.dtype)
    value = network.bias_input.reshape(1, 1)
    for t in reversed(range(time_steps)):
        trace.follow(value)
        result[t] = trace.value[0, 0]
        value = np.zeros_like(value)
    return result / _normaliser(network, trace, time_steps)


def require_rates(
    network: Network, name: str, values: Mapping[int, np.ndarray], layers: Iterable[int]
) -> dict[int, np.ndarray]:
    """The rates of `values` by layer, -1 the inputs, if each of `layers` is there as [B, ...] for one batch.

    Raises TypeError or ValueError that names what is missing or of another shape or dtype.

    >>> import numpy as np, ottt_ref as ot
    >>> ot.rates.require_rates(ot.dense_network([2, 3, 2], rng=0), "values", {-1: np.ones((1, 9))}, [-1])
    Traceback (most recent call last):
    ValueError: values[-1] must be float64 [B, 2], got shape (1, 9)
    """
    require_network(network)
    if not isinstance(values, Mapping):
        raise TypeError(f"{name} must be a mapping from layers to rates [B, ...], got {values!r}")
    batch_size, found = None, dict(values)
    for l in layers:
        array, shape = found.get(l), network.shape_of(l)
        if not isinstance(array, np.ndarray) or array.shape[1:] != shape or array.ndim == 0:
            got = f"shape {array.shape}" if isinstance(array, np.ndarray) else repr(array)
            raise ValueError(f"{name}[{l}] must be {network.dtype} {describe_shape(('B', *shape))}, got {got}")
        batch_size = len(array) if batch_size is None else batch_size
        require_result(f"{name}[{l}]", array, (batch_size, *shape), network.dtype, "be")
        found[l] = network.require_own_numbers(f"{name}[{l}]", array)
    return found


def complete_rates(network: Network, values: Mapping[int, np.ndarray]) -> list[np.ndarray]:
    """The rates [a^0, a^1, ...] from those of the inputs, -1, and of each spiking layer: with those of currents.

    `values` by layer, which stay as they are; a readout, the last layer if it does not spike, is left out.

    >>> import numpy as np, ottt_ref as ot
    >>> current = ot.Layer(ot.Dense(np.array([[2.0]])), ot.Integrator())
    >>> network = ot.Network([current, ot.Layer(ot.Dense(np.array([[1.0]])), ot.LIF())])
    >>> ot.rates.complete_rates(network, {-1: np.array([[0.25]]), 1: np.array([[0.5]])})
    [array([[0.25]]), array([[0.5]]), array([[0.5]])]
    """
    values = require_rates(require_network(network), "values", values, (INPUTS, *network.spiking))
    require_rate_mapping(network.layers, network.connections)
    count = len(network.layers) - (network.readout != "spiking")
    for l in range(count):
        if l not in values:
            values[l] = input_current(network, l, lambda connection: values[connection.source])
    return finite_rates(network, [values[l] for l in range(INPUTS, count)])


def finite_rates(network: Network, values: list[np.ndarray]) -> list[np.ndarray]:
    """The rates [a^0, a^1, ...]; NonFiniteError for the first that is not finite, unless that is allowed.

    Raises TypeError for what is no list of arrays.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 3, 2], rng=0)
    >>> try:
    ...     ot.rates.finite_rates(network, [np.zeros((1, 2)), np.array([[0.5, np.inf, 1.0]])])
    ... except ot.NonFiniteError as error:
    ...     print(error.finding)
    rate of layer0 must be finite, got inf at index [0, 1]
    """
    if not isinstance(values, list | tuple) or not all(isinstance(value, np.ndarray) for value in values):
        raise TypeError(f"values must be a list of arrays, the rates of the inputs and of each layer, got {values!r}")
    for l, value in enumerate(values):
        if not is_finite(value):
            refuse_non_finite(f"rate of {('the inputs', *network.layer_names)[l]}", value)
    return values
