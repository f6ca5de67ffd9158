"""Spike representation, varied: other rates, another gate, loops that errors do not cross.

In NumPy, beside the library's own SR, so that each step can be another one; the equation of loops is solved by the same
solver.
"""

import numpy as np

from ..learning.losses import step_loss
from ..methods.shared.errors import backpropagated_error
from ..methods.shared.gradients import GradientSum
from ..methods.spike_representation import rate_outputs, rates_of
from ..network.layers import INPUTS
from ..network.per_neuron import spread
from ..simulation import equilibrium
from ..simulation.rates import complete_rates
from ..simulation.simulator import input_current


def weighted(values, decay, source):
    """a = Σ_t λ^(T-1-t) s[t] / Λ_T of a sequence [T, B, ...]."""
    weights = float(decay) ** np.arange(len(values) - 1, -1, -1)
    return np.tensordot(weights / weights.sum(), values, axes=1)


def clamped(current, threshold):
    """D / V_th: the slope of the clamp."""
    return ((current > 0) & (current < threshold)) / threshold


def gradients(network, activity, targets, loss, variation):
    """The gradient of each parameter, by name.

    variation.rate          (values [T, B, ...], λ, source) → their rate [B, ...]
    variation.gate          (current [B, ...], V_th) → what errors are multiplied by
    variation.loops         whether errors come back by recurrent and feedback connections
    variation.closed_form   whether rates are the mapping's own
    """
    if variation.closed_form:
        values = rates_of(network, activity.inputs, "closed_form")[0]
    else:
        values = _rates(network, activity, variation.rate)
    bias_input = network.bias_input
    currents = [input_current(network, l, lambda c: values[c.source + 1]) for l in range(len(network.layers))]
    output_error = step_loss(loss, rate_outputs(network, values), targets, 1)[1]

    def errors_given(returned):
        errors = [None] * len(network.layers)
        for l in reversed(range(len(network.layers))):
            later = [errors] * network.longest_delay
            errors[l] = backpropagated_error(network, l, errors, output_error, loops=False, later=later)
            errors[l] = errors[l] + returned[l] if l in returned else errors[l]
            neuron = network.layers[l].neuron
            if neuron.spiking:
                errors[l] = (
                    errors[l] * variation.gate(currents[l], spread(neuron.threshold, network.shapes[l]))
                ).astype(network.dtype)
        return errors

    def returning(errors):
        sums = {}
        for c in (c for c in network.connections if c.loop):
            sums[c.source] = sums.get(c.source, 0) + c.adjoint(errors[c.target])
        return sums

    returned = {}
    if variation.loops and network.loop_sources:
        zeros = {l: np.zeros_like(values[l + 1]) for l in network.loop_sources}
        returned, _ = equilibrium.solve_linear(lambda guess: returning(errors_given(guess)), zeros)
    errors = errors_given(returned)
    sums = GradientSum(network, len(output_error))
    for connection in network.connections:
        sums.add(0, connection, errors[connection.target], values[connection.source + 1], bias_input)
    return sums.values


def _rates(network, activity, rate):
    """a^0 of the inputs and a^1, a^2, ... of the layers, a readout left out."""
    first = network.layers[network.trace_layer(0)].neuron.decay
    values = {INPUTS: rate(activity.inputs, first, INPUTS)}
    for l in network.spiking:
        values[l] = rate(activity.layer_outputs[l], network.layers[l].neuron.decay, l)
    return complete_rates(network, {l: value.astype(network.dtype) for l, value in values.items()})
