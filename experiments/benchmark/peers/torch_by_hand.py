"""OTTT in torch as one writes it by hand: a loop over time, the gradients spelled out, no autograd, updates in place.

    u[t] = λ (u[t-1] - V_th s[t-1]) + W s',   s[t] = H(u[t] - V_th),   â[t] = λ â[t-1] + s'
    g[t] = ψ[t] ∘ W^T g'[t],   ∇W = Σ_t g[t] â[t]^T

s' are the spikes that arrive, pooled where there is pooling; their trace is kept of what was pooled, which is less. The
dialect is the derivation's.
"""

import torch
from torch.nn import functional
from torch.nn.grad import conv2d_input, conv2d_weight

from .torch_workload import PADDING, POOL, Tensors, arrays, rates


class Dense:
    """What happens at a dense weight [n_out, n_in]."""

    def __init__(self, weight):
        self.weight = weight

    def arriving(self, values):
        return values

    def current(self, arriving):
        return arriving @ self.weight.T

    def error(self, error, shape):
        return error @ self.weight

    def add(self, target, error, trace, factor=1.0):
        target.addmm_(error.T, trace, alpha=factor)


class Readout(Dense):
    """A dense weight behind pooled images."""

    def arriving(self, values):
        pooled = functional.avg_pool2d(values, POOL)
        self.shape = pooled.shape
        return pooled.flatten(1)

    def error(self, error, shape):
        return unpooled((error @ self.weight).view(self.shape), shape)


class Convolution:
    """What happens at a kernel [C_out, C_in, 3, 3]; `pools` if images of spikes are pooled before it."""

    def __init__(self, weight, pools):
        self.weight, self.pools = weight, pools

    def arriving(self, values):
        return functional.avg_pool2d(values, POOL) if self.pools else values

    def current(self, arriving):
        return functional.conv2d(arriving, self.weight, padding=PADDING)

    def error(self, error, shape):
        pooled = (*shape[:2], *(length // POOL for length in shape[2:])) if self.pools else shape
        back = conv2d_input(pooled, self.weight, error, padding=PADDING)
        return unpooled(back, shape) if self.pools else back

    def add(self, target, error, trace, factor=1.0):
        target.add_(conv2d_weight(trace, self.weight.shape, error, padding=PADDING), alpha=factor)


def unpooled(error, shape):
    """The adjoint of average pooling: each pixel's share of the error, at images of that shape."""
    spread = (error / POOL**2).repeat_interleave(POOL, -2).repeat_interleave(POOL, -1)
    return functional.pad(spread, (0, shape[-1] - spread.shape[-1], 0, shape[-2] - spread.shape[-2]))


class Peer:
    """OTTT_A, or OTTT_O."""

    method, dialect, reset = "ottt", "derivation", "soft"

    def __init__(self, workload):
        self.of = of = Tensors(workload)
        names = list(of.weights)
        self.layers = [self._layer(l, of.weights[name], l == len(names) - 1) for l, name in enumerate(names)]
        self.classes = functional.one_hot(of.labels, of.task.classes).to(of.inputs.dtype)
        self.scale = 1 / (of.task.batch * of.task.time_steps)

    def _layer(self, l, weight, last):
        if not self.of.task.convolutional:
            return Dense(weight)
        return Readout(weight) if last else Convolution(weight, l > 0)

    @torch.no_grad()
    def step(self):
        """One update with the sequence's gradient, or one after each time step; the loss."""
        self._start()
        sums = None if self.of.task.online else [torch.zeros_like(layer.weight) for layer in self.layers]
        loss = torch.zeros((), dtype=self.of.inputs.dtype, device=self.of.device)
        for now in self.of.inputs:
            outputs = self._forward(now)
            logarithms = torch.log_softmax(outputs, 1)
            loss.sub_((logarithms * self.classes).sum(), alpha=self.scale)
            errors = self._errors(logarithms.exp_().sub_(self.classes).mul_(self.scale))
            for l, layer in enumerate(self.layers):
                if sums is None:
                    layer.add(layer.weight, errors[l], self.traces[l], -self.of.learning_rate)
                else:
                    layer.add(sums[l], errors[l], self.traces[l])
        for layer, total in zip(self.layers, sums or ()):
            layer.weight.sub_(total, alpha=self.of.learning_rate)
        return loss

    def _start(self):
        self.potentials = [None] * (len(self.layers) - 1)  # after the reset
        self.traces = [None] * len(self.layers)
        self.spikes, self.derivatives = ([None] * (len(self.layers) - 1) for _ in range(2))

    def _forward(self, values):
        """The outputs of a time step; potentials, spikes, ψ and traces move on."""
        decay, threshold, alpha = self.of.decay, self.of.threshold, self.of.alpha
        for l, layer in enumerate(self.layers):
            values = layer.arriving(values)
            trace = self.traces[l]
            self.traces[l] = values.clone() if trace is None else trace.mul_(decay).add_(values)
            current = layer.current(values)
            if l == len(self.layers) - 1:
                return current
            potential = self.potentials[l]
            potential = current if potential is None else current.add_(potential, alpha=decay)
            values = self.spikes[l] = torch.ge(potential, threshold).to(potential.dtype)
            near = torch.sub(potential, threshold).mul_(alpha).sigmoid_()
            self.derivatives[l] = torch.addcmul(near, near, near, value=-1).mul_(alpha)
            self.potentials[l] = potential.sub_(values, alpha=threshold)

    def _errors(self, error):
        """g[t] by layer, from the error at the outputs."""
        errors = [error]
        for layer, spikes, derivative in zip(self.layers[:0:-1], self.spikes[::-1], self.derivatives[::-1]):
            errors.append(layer.error(errors[-1], spikes.shape).mul_(derivative))
        return errors[::-1]

    def parameters(self):
        """The weights as they are now."""
        return arrays(self.of.weights)

    @torch.no_grad()
    def firing_rates(self):
        """The share of the neurons of each spiking layer that fire in a time step."""
        self._start()
        return rates(self._spikes(now) for now in self.of.inputs)

    def _spikes(self, now):
        self._forward(now)
        return self.spikes


def peer(workload):
    """OTTT in torch without autograd."""
    return Peer(workload)
