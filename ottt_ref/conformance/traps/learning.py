"""Traps of OTTT's traces and of online learning."""

import numpy as np

from ...network.layers import INPUTS
from ...network.neurons import CubaLIF
from ..variations import Variation
from .forward import is_skip

LATE = (("inputs", "spikes", "constants"), ("inputs", "spikes"), ("spikes",))


def trace_traps(case):
    """Variations of the traces of OTTT."""
    network = case.network
    readout = len(network.layers) - 1

    def unless(condition):
        return lambda connection, decay: None if condition(connection) else decay

    def never_decays(_, decay):
        return None if decay is None else np.ones_like(decay[:1])

    def of_mean(_, decay):
        return decay if decay is None or len(decay) == 1 else decay.mean(keepdims=True)

    def of_membrane(connection, decay):
        two_leaks = isinstance(network.layers[connection.target].neuron, CubaLIF)
        return decay.copy() if two_leaks and decay is not None and len(decay) == 1 else decay

    def of_first(_, decay):
        return None if decay is None else network.decay(0)

    def of_sender(connection, decay):
        sender = connection.source
        known = decay is not None and sender != INPUTS and network.layers[sender].neuron.spiking
        return network.decay(sender) if known else decay

    return (
        *(Variation("trace-late", f"traces of {' and '.join(late)} are one time step late: g[t] is paired with â[t-1]",
                    "trace", late=late) for late in LATE),
        Variation("trace-saturated", "a spike sets its trace, and does not add to it", "trace", saturating=True),
        Variation("trace-saturated", "what comes sets its trace, and does not add to it, the biases' 1 also", "trace",
                  saturating=True, constant_decay=lambda l, decay: None),
        Variation("trace-pooled", "the trace is kept before max pooling, and goes through it, not behind it",
                  "trace", traced_before_maxima=True),
        Variation("untraced", "nothing is traced", "trace",
                  trace_decay=unless(lambda c: True), constant_decay=lambda l, decay: None),
        Variation("readout-bias-traced", "the bias of a stateless readout is traced", "trace",
                  constant_decay=lambda l, decay: network.decay(network.trace_layer(l)) if l == readout else decay),
        Variation("readout-untraced", "the readout's weight is paired with the spikes, not with their trace", "trace",
                  trace_decay=unless(lambda c: c.target == readout)),
        Variation("inputs-untraced", "the network's inputs are not traced", "trace",
                  trace_decay=unless(lambda c: c.source == INPUTS)),
        Variation("bias-untraced", "the biases' constant input is not traced", "trace",
                  constant_decay=lambda l, decay: None),
        Variation("recurrence-untraced", "what recurrent and feedback connections deliver is not traced", "trace",
                  trace_decay=unless(lambda c: c.loop)),
        Variation("trace-undecayed", "traces do not decay", "trace",
                  trace_decay=never_decays, constant_decay=never_decays),
        Variation("spike-trace-undecayed", "traces of spikes and inputs do not decay, that of the bias does", "trace",
                  trace_decay=never_decays),
        Variation("trace-averaged", "traces are averages: (1 - λ) times what they should be", "trace",
                  trace_scale=lambda decay: 1 - decay),
        Variation("trace-leaked", "traces take in a spike before they leak: λ (â[t-1] + s[t])", "trace",
                  trace_scale=lambda decay: decay),
        Variation("skips-untraced", "what comes by skips is not traced", "trace", trace_decay=unless(is_skip)),
        Variation("trace-of-first-layer", "all traces decay with the λ of the first layer", "trace",
                  trace_decay=of_first, constant_decay=of_first),
        Variation("trace-of-mean", "of several decays in a layer there is one trace, by their mean", "trace",
                  trace_decay=of_mean, constant_decay=of_mean),
        Variation("trace-of-membrane", "traces of what enters a current that leaks decay with the membrane's λ alone",
                  "trace", trace_decay=of_membrane),
        Variation("parameters-untraced", "decays and thresholds have no eligibility: each time step is taken alone",
                  "trace", parameters_traced=False),
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
        Variation("learning-rate-always-0.1", "the learning rate is 0.1, whatever the case says", "online",
                  learning_rate=0.1),
        Variation("online-forgetting", "potentials and traces are forgotten after each update", "online",
                  online="forgetting"),
        Variation("online-layer-by-layer", "a layer is updated before errors go back through it", "online",
                  online="layer by layer"),
        Variation("online-recorded-before", "what is returned are the parameters before each update", "online",
                  online="recorded before"),
    )  # fmt: skip
