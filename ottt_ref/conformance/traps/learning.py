"""Traps of OTTT's traces and of online learning."""

import numpy as np

from ...layers import INPUTS
from ..variations import Variation


def trace_traps(case):
    """Variations of the traces of OTTT."""
    network = case.network
    readout = len(network.layers) - 1

    def unless(condition):
        return lambda connection, decay: None if condition(connection) else decay

    def never_decays(_, decay):
        return None if decay is None else np.ones_like(decay)

    def of_sender(connection, decay):
        sender = connection.source
        known = decay is not None and sender != INPUTS and network.layers[sender].neuron.spiking
        return network.decay(sender) if known else decay

    return (
        Variation("trace-late", "traces are one time step late: g[t] is paired with â[t-1]", "trace",
                  trace_late="traces and constants"),
        Variation("trace-late", "traces are one time step late, but for the bias: g[t] is paired with â[t-1]", "trace",
                  trace_late="traces"),
        Variation("readout-untraced", "the readout's weight is paired with the spikes, not with their trace", "trace",
                  trace_decay=unless(lambda c: c.target == readout)),
        Variation("inputs-untraced", "the network's inputs are not traced", "trace",
                  trace_decay=unless(lambda c: c.source == INPUTS)),
        Variation("bias-untraced", "the biases' constant input is not traced", "trace",
                  constant_decay=lambda l, decay: None),
        Variation("recurrence-untraced", "what recurrent and feedback connections deliver is not traced", "trace",
                  trace_decay=unless(lambda c: c.delayed)),
        Variation("trace-undecayed", "traces do not decay", "trace",
                  trace_decay=never_decays, constant_decay=never_decays),
        Variation("spike-trace-undecayed", "traces of spikes and inputs do not decay, that of the bias does", "trace",
                  trace_decay=never_decays),
        Variation("trace-averaged", "traces are averages: (1 - λ) times what they should be", "trace",
                  trace_scale=lambda decay: 1 - decay),
        Variation("trace-of-sender", "traces decay with the λ of the neurons that send, not of those that receive",
                  "trace", trace_decay=of_sender),
    )  # fmt: skip


def online_traps():
    """Variations of online learning."""
    return (
        Variation("online-at-the-end", "updates are made at the end of the sequence, not after each time step",
                  "online", online="at the end"),
        Variation("online-accumulated", "gradients are not cleared between time steps", "online", online="accumulated"),
        Variation("online-momentum", "updates have a momentum of 0.9", "online", momentum=0.9),
    )  # fmt: skip
