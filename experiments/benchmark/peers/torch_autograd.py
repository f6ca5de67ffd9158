"""BPTT in torch as one writes it: a loop over time, a spike whose derivative is ψ, one backward pass."""

import torch

from .torch_workload import Autograd


class Spike(torch.autograd.Function):
    """H(u - V_th), with ψ(u) = α σ(α(u - V_th)) (1 - σ(α(u - V_th))) for its derivative."""

    @staticmethod
    def forward(ctx, distance, alpha):
        ctx.save_for_backward(distance)
        ctx.alpha = alpha
        return (distance >= 0).to(distance.dtype)

    @staticmethod
    def backward(ctx, error):
        (distance,) = ctx.saved_tensors
        near = torch.sigmoid(ctx.alpha * distance)
        return error * (ctx.alpha * near * (1 - near)), None


class Peer(Autograd):
    """Neurons with a soft reset, through which no error goes."""

    reset = "soft"

    def start(self):
        self.potentials, self.spikes = ([None] * (len(self.weights) - 1) for _ in range(2))

    def fire(self, l, current):
        of, potential = self.of, current
        if self.spikes[l] is not None:
            potential = of.decay * (self.potentials[l] - of.threshold * self.spikes[l].detach()) + current
        self.potentials[l], self.spikes[l] = potential, Spike.apply(potential - of.threshold, of.alpha)
        return self.spikes[l]


def peer(workload):
    """BPTT by torch's autograd."""
    return Peer(workload)
