"""Backpropagation through the layers of one time step, with no time in it: what OTTT and SLTT share.

g^N[t] = ψ^N[t] ∘ ∂L[t]/∂s^N[t],   g^l[t] = ψ^l[t] ∘ W^{l+1 T} g^{l+1}[t]
"""

import numpy as np

from .kernel import kernel


@kernel
def gate(error, derivative, incoming):
    """g = ψ ∘ ε."""
    for b in range(error.shape[0]):
        for i in range(error.shape[1]):
            error[b, i] = derivative[b, i] * incoming[b, i]


def instantaneous_errors(network, activity, output_error):
    """g^l[t] of every layer, [B, n_l], from one time step's activity and ∂L[t]/∂o[t] [B, n_out]."""
    errors = [None] * len(network.layers)
    incoming = output_error
    for l in reversed(range(len(network.layers))):
        errors[l] = np.empty_like(incoming)
        gate(errors[l], activity.layer_derivatives[l], incoming)
        if l > 0:
            incoming = network.layers[l].synapses.presynaptic_error(errors[l])
    return errors
