"""SpikingJelly's OTTT: OTTTLIFNode in OTTTSequential, trained by its own `ottt_online_training`.

Its dialect is the authors': the inputs of the network are not traced.
"""

import torch
from spikingjelly.activation_based import functional as states
from spikingjelly.activation_based import layer, neuron, surrogate
from spikingjelly.activation_based.learning.online_learning import ottt_online_training
from torch.nn import functional

from .torch_workload import PADDING, POOL, Tensors, arrays, rates


class Peer:
    """OTTT_A, or OTTT_O."""

    method, dialect, reset = "ottt", "authors", "soft"

    def __init__(self, workload):
        self.of = of = Tensors(workload)
        modules, self.neurons = [], []
        for l, weight in enumerate(of.weights.values()):
            modules += self._before(l)
            modules.append(_synapses(weight))
            if l < len(of.task.hidden):
                self.neurons.append(self._neurons())
                modules.append(self.neurons[-1])
        self.model = layer.OTTTSequential(*modules).to(of.device)
        self.weights = dict(zip(of.weights, self.model.parameters()))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=workload.learning_rate)
        self.inputs = of.inputs.transpose(0, 1)  # it takes the batch first, and turns it round again
        self.labels = of.labels[:, None].expand(-1, of.task.time_steps)

    def _before(self, l):
        if not self.of.task.convolutional or l == 0:
            return []
        pooling = [layer.AvgPool2d(POOL)]
        return [*pooling, layer.Flatten()] if l == len(self.of.task.hidden) else pooling

    def _neurons(self):
        return neuron.OTTTLIFNode(
            1 / (1 - self.of.decay),
            decay_input=False,
            v_threshold=self.of.threshold,
            v_reset=None,
            surrogate_function=surrogate.Sigmoid(self.of.alpha),
        )

    def step(self):
        """One update with the sequence's gradient, or one after each time step; the loss."""
        states.reset_net(self.model)
        loss, _ = ottt_online_training(
            self.model, self.optimizer, self.inputs, self.labels, self._loss, self.of.task.online
        )
        return loss

    def _loss(self, outputs, labels):
        return functional.cross_entropy(outputs, labels) / self.of.task.time_steps

    def parameters(self):
        """The weights as they are now."""
        return arrays(self.weights)

    @torch.no_grad()
    def firing_rates(self):
        """The share of the neurons of each spiking layer that fire in a time step."""
        states.reset_net(self.model)
        fired = {}
        hooks = [
            each.register_forward_hook(lambda _, inputs, outputs, l=l: fired.__setitem__(l, outputs[0]))
            for l, each in enumerate(self.neurons)
        ]
        try:
            return rates(self._spikes(now, fired) for now in self.of.inputs)
        finally:
            for hook in hooks:
                hook.remove()

    def _spikes(self, now, fired):
        self.model(now)
        return list(fired.values())


def _synapses(weight):
    if weight.ndim == 2:
        module = layer.Linear(weight.shape[1], weight.shape[0], bias=False)
    else:
        module = layer.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2:], padding=PADDING, bias=False)
    module.weight = torch.nn.Parameter(weight.clone())
    return module


def peer(workload):
    """SpikingJelly's OTTT."""
    return Peer(workload)
