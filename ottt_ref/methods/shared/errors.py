"""Backpropagation through the layers of one time step, with no time in it: what OTTT and SLTT share.

g^N[t] = ψ^N[t] ∘ ∂L[t]/∂s^N[t],   g^l[t] = ψ^l[t] ∘ W^{l+1 T} g^{l+1}[t]

Where skips branch, the errors that come back are added up; what a delayed connection brings back is not: it would be an
error of the next time step.
"""

import numpy as np

from ...kernel import kernel, rows


@kernel
def gate(error, derivative, incoming):
    """g = ψ ∘ ε."""
    for b in range(error.shape[0]):
        for i in range(error.shape[1]):
            error[b, i] = derivative[b, i] * incoming[b, i]


def instantaneous_errors(network, activity, output_error):
    """g^l[t] of every layer, [B, ...], from one time step's activity and ∂L[t]/∂o[t] [B, n_out]."""
    errors = [None] * len(network.layers)
    for l in reversed(range(len(network.layers))):
        incoming = backpropagated_error(network, l, errors, output_error, delayed=False)
        errors[l] = np.empty_like(incoming)
        gate(rows(errors[l]), rows(activity.layer_surrogate_derivatives[l]), rows(incoming))
    return errors


def backpropagated_error(network, l, errors, output_error, *, delayed):
    """ε^l [B, ...]: what comes back from `errors` by layer, and ∂L/∂o at the last layer.

    delayed  whether it also comes back by recurrent and feedback connections
    """
    parts = [output_error] if l == len(network.layers) - 1 else []
    for connection in network.outgoing(l):
        if delayed or not connection.delayed:
            parts.append(connection.adjoint(errors[connection.target]))
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
