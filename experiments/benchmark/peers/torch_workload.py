"""A workload in torch: its arrays as tensors, and what every peer that is built on torch shares."""

import logging

import torch
from torch.nn import functional

logging.getLogger("torch._library.triton").setLevel(logging.ERROR)  # it warns that there is no GPU to compile for

PADDING = 1
POOL = 2


class Tensors:
    """Weights by name, inputs [T, B, ...] and labels [B] of a workload, on its device."""

    def __init__(self, workload):
        self.task = workload.task
        self.device = torch.device(workload.device)
        # Convolutions and products of single precision are of single precision on a GPU too.
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        self.weights = {name: self.moved(weight).clone() for name, weight in workload.weights.items()}
        self.inputs, self.labels = self.moved(workload.inputs), self.moved(workload.labels)
        self.decay, self.threshold, self.alpha = workload.decay, workload.threshold, workload.alpha
        self.learning_rate = workload.learning_rate

    def moved(self, array):
        """An array as a tensor on the device; on the CPU it shares the array's memory."""
        return torch.from_numpy(array).to(self.device)


def arrays(weights):
    """Weights by name as arrays of their own."""
    return {name: weight.detach().cpu().numpy().copy() for name, weight in weights.items()}


def before(task, l, values):
    """Values as they arrive at layer l: pooled images, flat at the readout."""
    if not task.convolutional or l == 0:
        return values
    pooled = functional.avg_pool2d(values, POOL)
    return pooled.flatten(1) if l == len(task.hidden) else pooled


def current(weight, values):
    """What values that arrive give through a weight."""
    return functional.linear(values, weight) if weight.ndim == 2 else functional.conv2d(values, weight, padding=PADDING)


class Autograd:
    """BPTT by automatic differentiation: a loop over time, one loss, one update. A subclass has the neurons."""

    method = "bptt"

    def __init__(self, workload):
        self.of = Tensors(workload)
        self.weights = [weight.requires_grad_() for weight in self.of.weights.values()]
        self.optimizer = torch.optim.SGD(self.weights, lr=workload.learning_rate)

    def step(self):
        """One update with the gradient of the sequence; the loss."""
        of = self.of
        self.start()
        loss = 0.0
        for now in of.inputs:
            outputs, _ = self._forward(now)
            loss = loss + functional.cross_entropy(outputs, of.labels) / of.task.time_steps
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def start(self):
        """Bring the neurons to rest."""
        raise TypeError(f"{type(self).__name__} must define start()")

    def fire(self, l, current):
        """The spikes of layer l, driven by a current; its potentials move on."""
        raise TypeError(f"{type(self).__name__} must define fire(l, current)")

    def _forward(self, values):
        """The outputs of a time step, and the spikes by layer."""
        fired = []
        for l, weight in enumerate(self.weights):
            now = current(weight, before(self.of.task, l, values))
            if l == len(self.weights) - 1:
                return now, fired
            values = self.fire(l, now)
            fired.append(values)

    def parameters(self):
        """The weights as they are now."""
        return arrays(self.of.weights)

    @torch.no_grad()
    def firing_rates(self):
        """The share of the neurons of each spiking layer that fire in a time step."""
        self.start()
        return rates(self._forward(now)[1] for now in self.of.inputs)


def rates(steps):
    """Firing rates by layer of the spikes by layer of each time step."""
    fired, sizes = [], []
    for spikes in steps:
        fired = [a + b for a, b in zip(fired or [0] * len(spikes), [int(each.count_nonzero()) for each in spikes])]
        sizes = [a + b for a, b in zip(sizes or [0] * len(spikes), [each.numel() for each in spikes])]
    return [count / size for count, size in zip(fired, sizes)]
