"""SLTT: spatial learning through time, which is OTTT without the trace.

    g^N[t] = ψ^N[t] ∘ ∂L[t]/∂s^N[t],   g^l[t] = ψ^l[t] ∘ W^{l+1 T} g^{l+1}[t]
    ∇W^l = Σ_t g^l[t] s^{l-1}[t]^T,    ∇b^l = Σ_t g^l[t]

It runs forwards in time, and carries one potential and spike per neuron: no gradient passes from one time step to
another.

Source: Meng et al. 2023, Towards memory- and time-efficient backpropagation for training spiking neural networks;
theorems E2 to E4.
"""

import numpy as np

from ..learning.losses import Mixed, step_loss
from ..simulation.simulator import Simulator
from ..validation import require_choice
from .shared.errors import instantaneous_errors
from .shared.gradients import GradientSum, require_sequence
from .shared.traces import DIALECTS


def gradients(network, inputs, targets, loss=Mixed(), *, dialect="derivation", terms=False):
    """SLTT's gradient summed over a sequence.

    inputs          [T, B, n_in] (images: [T, B, C, H, W]), of the network's dtype
    targets         class labels [B] or rows [B, n_out]
    dialect         "derivation" or "authors", as for OTTT; they differ in what is traced, so here they agree
    terms           whether to record what each time step adds

    Returns Gradients. Raises TypeError or ValueError that names the argument, before any work.
    """
    inputs, targets = require_sequence(network, inputs, targets, loss, terms)
    require_choice("dialect", dialect, DIALECTS)
    time_steps, batch_size = inputs.shape[:2]
    simulator = Simulator(network, batch_size)
    sums = GradientSum(network, batch_size, time_steps if terms else None)
    outputs = np.empty((time_steps, batch_size, network.output_size), dtype=network.dtype)
    total = 0
    for t in range(time_steps):
        activity = simulator.step(inputs[t])
        step_total, output_error = step_loss(loss, activity.outputs, targets, time_steps)
        add_step(sums, t, network, activity, output_error)
        outputs[t] = activity.outputs
        total = total + step_total
    return sums.result(total, outputs)


def accumulate(network, activity, output_errors, *, terms=False):
    """The algebra alone: `activity` and `output_errors` ∂L/∂o [T, B, n_out] may hold any numbers.

    Returns a GradientSum.
    """
    time_steps, batch_size = output_errors.shape[:2]
    sums = GradientSum(network, batch_size, time_steps if terms else None)
    for t in range(time_steps):
        add_step(sums, t, network, activity.at(t), output_errors[t])
    return sums


def add_step(sums, t, network, activity, output_error):
    """Take in time step t: its activity and ∂L[t]/∂o[t] [B, n_out]."""
    errors = instantaneous_errors(network, activity, output_error)
    sums.record(t, errors)
    for connection in network.connections:
        sums.add(t, connection, errors[connection.target], activity.presynaptic(connection), network.bias_input)
