"""The presynaptic traces of OTTT: â[t] = λ â[t-1] + s[t], one per neuron that sends spikes.

Dialects. "derivation" traces everything that enters a leaky membrane: also the first layer's inputs, and the bias,
whose input is always 1 and whose trace is Λ_t = Σ_{k<t} λ^k. "authors" takes the inputs and every bias as they are at
t. In both a stateless readout's weight is paired with the trace of its spikes, with the decay of the neurons that
send them (theorem Q1 says of what that is the gradient), and its bias, which enters no membrane, with 1.
"""

import numpy as np

from .neurons import leaky_accumulate

DIALECTS = ("derivation", "authors")


class Traces:
    """What each layer's errors are paired with: `presynaptic[l]` [B, n_{l-1}] and `bias[l]` [1].

    The trace into layer l decays with that layer's λ: it stands for the time spent in that layer's membranes.
    """

    def __init__(self, network, batch_size, dialect):
        layers = network.layers
        self._decays = [_receiving_decay(network, l) for l in range(len(layers))]
        self._traced = [l > 0 or dialect == "derivation" for l in range(len(layers))]
        self._bias_traced = [dialect == "derivation" and not layer.neuron.stateless for layer in layers]
        self._one = np.ones((1, 1), dtype=network.dtype)
        self._bias = [np.zeros((1, 1), dtype=network.dtype) for _ in layers]
        self.presynaptic = [np.zeros((batch_size, layer.synapses.inputs), dtype=network.dtype) for layer in layers]

    @property
    def bias(self):
        """The trace of the bias's constant input, by layer, [1]."""
        return [trace[0] for trace in self._bias]

    @property
    def state_bytes(self):
        """Bytes of what is carried from one time step to the next."""
        return sum(trace.nbytes for trace in (*self.presynaptic, *self._bias))

    def update(self, activity):
        """Take in one time step: â[t] = λ â[t-1] + s[t], or s[t] where the dialect traces nothing."""
        for l, decay in enumerate(self._decays):
            _follow(self.presynaptic[l], activity.presynaptic(l), decay, self._traced[l])
            _follow(self._bias[l], self._one, decay, self._bias_traced[l])


def _follow(trace, value, decay, traced):
    if traced:
        leaky_accumulate(trace, value, decay)
    else:
        trace[...] = value


def _receiving_decay(network, l):
    """λ of the membranes that layer l's input enters; for a stateless readout, of the neurons that send it."""
    neuron = network.layers[l - 1 if network.layers[l].neuron.stateless else l].neuron
    return neuron.constants(network.dtype)[:1]
