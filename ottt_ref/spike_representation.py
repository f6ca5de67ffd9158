"""SR: training on the spike representation, the weighted firing rates.

    a^l ≈ σ(z^l),   z^l = (W^l a^{l-1} + b^l) / V_th,   σ(z) = min(max(z, 0), 1)
    p^N = ∂ℓ/∂a^N,   D^l = diag(0 < z^l < 1),   p^{l-1} = W^{lT} D^l p^l / V_th
    ∇W^l = D^l p^l a^{l-1 T} / V_th,   ∇b^l = D^l p^l / V_th

The rates are the measured ones (the default) or the mapping's own, computed layer by layer from the inputs' rate.
The loss is ℓ of the readout applied to a^N (of a^N itself where the last layer is spiking): one loss for the whole
sequence, in which time no longer occurs. The mapping is derived for the soft reset (R1, R2 bound how far it is off).

Source: Xiao et al. 2022, section 3 (spike-based training by the weighted firing rate); theorems R1, R2, D0.
"""

import numpy as np

from .gradients import GradientSum, one, require_sequence
from .kernel import kernel
from .losses import Mixed, step_loss
from .rates import measured_rates, weighted_rate
from .validation import require_choice

RATES = ("measured", "closed_form")


def gradients(network, inputs, targets, loss=Mixed(), *, rates="measured", terms=False):
    """The gradient of the loss of the rates by SR.

    inputs          [T, B, n_in], of the network's dtype
    targets         class labels [B] or rows [B, n_out]
    rates           "measured": of the simulated spikes; "closed_form": of the mapping, without a simulation
    terms           whether to record the one term that there is

    Returns Gradients; its outputs are [B, n_out]. Raises TypeError or ValueError that names the argument.
    """
    inputs, targets = require_sequence(network, inputs, targets, loss, terms)
    require_choice("rates", rates, RATES)
    values = measured_rates(network, inputs) if rates == "measured" else closed_form_rates(network, inputs)
    outputs = rate_outputs(network, values)
    total, output_error = step_loss(loss, outputs, targets, 1)
    sums = backward(network, values, output_error, terms=terms)
    return sums.result(total, outputs)


def closed_form_rates(network, inputs):
    """a^0 of the inputs, then a^l = σ((W^l a^{l-1} + b^l) / V_th) of each spiking layer, [B, n_l]."""
    values = [weighted_rate(inputs, network.layers[0].neuron.decay)]
    for layer in network.layers[: network.spiking_layers]:
        current = layer.synapses.currents(values[-1])
        rate = np.empty_like(current)
        clamp(rate, current, layer.neuron.constants(network.dtype))
        values.append(rate)
    return values


def rate_outputs(network, values):
    """The readout applied to the last rates, [B, n_out]; the last rates themselves if the last layer is spiking."""
    return values[-1] if network.readout == "spiking" else network.layers[-1].synapses.currents(values[-1])


def backward(network, values, output_error, *, terms=False):
    """The algebra alone: rates a^0 .. a^N [B, n_l] and ∂ℓ/∂o [B, n_out] may hold any ordered numbers.

    Returns a GradientSum.
    """
    sums = GradientSum(network, len(output_error), 1 if terms else None)
    error = output_error
    for l in reversed(range(len(network.layers))):
        layer = network.layers[l]
        if layer.neuron.spiking:
            incoming, error = error, np.empty_like(error)
            current = layer.synapses.currents(values[l])
            clamp_gate(error, current, incoming, layer.neuron.constants(network.dtype))
        sums.add(0, l, error, values[l], one(network))
        if l > 0:
            error = layer.synapses.presynaptic_error(error)
    return sums


@kernel
def clamp(rate, current, constants):
    """σ(I / V_th), the clamp to [0, 1]."""
    threshold = constants[1]
    for b in range(rate.shape[0]):
        for i in range(rate.shape[1]):
            if current[b, i] <= 0:
                rate[b, i] = 0
            elif current[b, i] >= threshold:
                rate[b, i] = 1
            else:
                rate[b, i] = current[b, i] / threshold


@kernel
def clamp_gate(error, current, incoming, constants):
    """D p / V_th: the error passes where 0 < I < V_th."""
    threshold = constants[1]
    for b in range(error.shape[0]):
        for i in range(error.shape[1]):
            if current[b, i] > 0 and current[b, i] < threshold:
                error[b, i] = incoming[b, i] / threshold
            else:
                error[b, i] = 0
