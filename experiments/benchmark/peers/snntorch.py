"""BPTT of snnTorch's neurons: Leaky, whose reset does not leak, trained through time by torch's autograd.

u[t] = λ u[t-1] + W s' - V_th s[t-1]
"""

import snntorch
from snntorch import surrogate

from .torch_workload import Autograd


class Peer(Autograd):
    """Leaky neurons, which reset by subtraction in the next time step, after the leak."""

    reset = "unleaked"

    def __init__(self, workload):
        super().__init__(workload)
        of = self.of
        self.neurons = [
            snntorch.Leaky(of.decay, of.threshold, spike_grad=surrogate.sigmoid(of.alpha)).to(of.device)
            for _ in self.weights[:-1]
        ]

    def start(self):
        self.potentials = [neuron.reset_mem() for neuron in self.neurons]

    def fire(self, l, current):
        spikes, self.potentials[l] = self.neurons[l](current, self.potentials[l])
        return spikes.to(current.dtype)  # they are of single precision, whatever the current is


def peer(workload):
    """BPTT of snnTorch's neurons."""
    return Peer(workload)
