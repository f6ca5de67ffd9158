"""Weighted firing rates, the spike representation of a sequence.

    a[T] = Σ_t λ^(T-t) s[t] / Λ_T,   Λ_T = Σ_t λ^(T-t) = Σ_{k<T} λ^k      (t = 1 .. T)

The sum is the trace â[T], so it is built online, in constant memory. Source: Xiao et al. 2022, section 3; R1, R2.
"""

import numpy as np

from ..kernel import rows
from ..network.layers import INPUTS
from ..network.neurons import leaky_accumulate
from ..validation import as_array, require_array, require_count, require_unit_interval
from .simulator import Simulator, input_current


def rate_normaliser(decay, time_steps):
    """Λ_T = Σ_{k<T} λ^k, in the number type of `decay`, for λ in [0, 1] and T >= 1."""
    require_unit_interval("decay", decay)
    total = decay * 0
    for _ in range(require_count("time_steps", time_steps)):
        total = decay * total + 1
    return total


def weighted_rate(values, decay):
    """a[T] [B, ...] of values [T, B, ...] (spikes or currents), in their dtype: float64, float32 or object."""
    axes = as_array("values", values).ndim - 2
    values = require_array("values", values, ("T", "B", *(("n",) if axes <= 1 else ("C", *["n"] * (axes - 1)))))
    require_unit_interval("decay", decay)
    trace = np.zeros_like(values[0])
    decay = np.array([decay], dtype=values.dtype)
    for t in range(len(values)):
        leaky_accumulate(rows(trace), rows(values[t]), decay)
    return trace / rate_normaliser(decay[0], len(values))


def measured_rates(network, inputs):
    """Weighted rates a^0 of the inputs (with the λ of the membranes that they enter), a^1 .. of the layers, [B, ...].

    A readout has none. A layer that passes a current on has that of its current, which is affine in the others'.
    """
    simulator = Simulator(network, inputs.shape[1], derivatives=False)
    decays = [network.decay(network.trace_layer(0)), *(network.decay(l) for l in range(len(network.layers)))]
    traces = {l: np.zeros_like(potential) for l, potential in enumerate(simulator.potentials) if l in network.spiking}
    traces[INPUTS] = np.zeros_like(inputs[0])
    for t in range(len(inputs)):
        activity = simulator.step(inputs[t])
        for l, trace in traces.items():
            leaky_accumulate(rows(trace), rows(activity.output_of(l)), decays[l + 1])
    values = {l: trace / rate_normaliser(decays[l + 1][0], len(inputs)) for l, trace in traces.items()}
    return complete_rates(network, values)


def complete_rates(network, values):
    """The rates [a^0, a^1, ...] from those of the inputs, -1, and of each spiking layer: with those of currents.

    `values` by layer; a readout, the last layer if it does not spike, is left out.
    """
    count = len(network.layers) - (network.readout != "spiking")
    for l in range(count):
        if l not in values:
            values[l] = input_current(network, l, lambda connection: values[connection.source])
    return [values[l] for l in range(INPUTS, count)]
