"""Weighted firing rates, the spike representation of a sequence.

    a[T] = Σ_t λ^(T-t) s[t] / Λ_T,   Λ_T = Σ_t λ^(T-t) = Σ_{k<T} λ^k      (t = 1 .. T)

The sum is the trace â[T], so it is built online, in constant memory. Source: Xiao et al. 2022, section 3; R1, R2.
"""

import numpy as np

from .neurons import leaky_accumulate
from .simulation import Simulator
from .validation import require_array, require_count, require_unit_interval


def rate_normaliser(decay, time_steps):
    """Λ_T = Σ_{k<T} λ^k, in the number type of `decay`, for λ in [0, 1] and T >= 1."""
    require_unit_interval("decay", decay)
    total = decay * 0
    for _ in range(require_count("time_steps", time_steps)):
        total = decay * total + 1
    return total


def weighted_rate(values, decay):
    """a[T] [B, n] of values [T, B, n] (spikes or currents), in their dtype: float64, float32 or object."""
    values = require_array("values", values, ("T", "B", "n"))
    require_unit_interval("decay", decay)
    trace = np.zeros_like(values[0])
    decay = np.array([decay], dtype=values.dtype)
    for t in range(len(values)):
        leaky_accumulate(trace, values[t], decay)
    return trace / rate_normaliser(decay[0], len(values))


def measured_rates(network, inputs):
    """Weighted rates a^0 (of the inputs, with the first layer's λ) and a^1 .. a^N of the spiking layers, [B, n_l]."""
    simulator = Simulator(network, inputs.shape[1], derivatives=False)
    spiking = network.layers[: network.spiking_layers]
    decays = [layer.neuron.constants(network.dtype)[:1] for layer in (spiking[0], *spiking)]
    sizes = [network.inputs, *(layer.synapses.outputs for layer in spiking)]
    traces = [np.zeros((inputs.shape[1], size), dtype=network.dtype) for size in sizes]
    for t in range(len(inputs)):
        activity = simulator.step(inputs[t])
        for trace, value, decay in zip(traces, (inputs[t], *activity.spikes), decays):
            leaky_accumulate(trace, value, decay)
    return [trace / rate_normaliser(decay[0], len(inputs)) for trace, decay in zip(traces, decays)]
