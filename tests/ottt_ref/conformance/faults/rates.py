"""Mistakes in spike representation."""

import numpy as np

from ..numpy_backend import INPUTS, Backend
from .catalogue import RATES, fault
from .dynamics import spiking


@fault(
    "rates are plain means over time, not weighted by λ^(T-t)",
    shows={"dense": RATES, "dense-decay-0.9": RATES},
    spares=["dense-decay-1", "dense-one-step"],
)
class RatesUnweighted(Backend):
    def rate(self, values, decay):
        return np.mean(values, axis=0)


@fault(
    "rates are weighted by λ^t: the first time step counts most",
    shows={"dense": RATES},
    spares=["dense-decay-1", "dense-one-step"],
)
class RatesReversed(Backend):
    def rate(self, values, decay):
        return super().rate(values[::-1], decay)


@fault(
    "the inputs' rates are plain means over time",
    shows={"dense": RATES, "dense-decay-0": RATES},
    spares=["dense-decay-1", "dense-one-step"],
)
class InputRatesUnweighted(Backend):
    def rates(self, steps):
        return {**super().rates(steps), INPUTS: self.inputs.mean(axis=0)}


@fault(
    "rates are not divided by Λ_T",
    shows={"dense": RATES, "dense-decay-1": RATES},
    spares=["dense-decay-0", "dense-one-step"],
)
class RatesUndivided(Backend):
    def rate(self, values, decay):
        return super().rate(values, decay) * np.sum(decay ** np.arange(len(values)).astype(self.dtype))


@fault(
    "rates are the clamp's own, layer by layer, not those of the spikes",
    shows={"dense": RATES, "conv": RATES},
    spares=["saturated"],
)
class RatesClosedForm(Backend):
    def rates(self, steps):
        found = super().rates(steps)
        for l, neuron in enumerate(self.neurons[:-1]):
            current = sum(self.current(c, found[c.source]) for c in self.into(l))
            found[l] = np.clip(current / neuron["threshold"], 0, 1) if spiking(neuron) else current
        return found


@fault("the clamp's derivative lacks 1 / V_th", shows={"dense-threshold": RATES, "dense-hard": RATES}, spares=["dense"])
class RatesWithoutThreshold(Backend):
    def gate(self, neuron, current):
        gate = super().gate(neuron, current)
        return (gate != 0).astype(self.dtype)


@fault("errors pass the clamp where it is flat", shows={"dense": RATES, "saturated": RATES}, spares=[])
class RatesUnclamped(Backend):
    def gate(self, neuron, current):
        return np.full_like(current, 1 / neuron.get("threshold", 1.0))


@fault(
    "errors of rates do not come back by recurrent and feedback connections",
    shows={"recurrent": RATES, "feedback": RATES, "conv-feedback": RATES},
    spares=["dense", "skip"],
)
class RatesWithoutLoops(Backend):
    def all_transposed(self, ends):
        everything = self.connections
        self.connections = [c for c in everything if not c.delayed and c.source != INPUTS]
        result = super().all_transposed(ends)
        self.connections = everything
        return result


@fault(
    "errors of rates go back through a loop by W, not by its transpose",
    shows={"recurrent": RATES},
    spares=["dense", "feedback", "skip"],
)
class RateLoopNotTransposed(Backend):
    """Of square weights: others would not fit."""

    def all_transposed(self, ends):
        result = super().all_transposed(ends)
        for c in (c for c in self.connections if c.delayed and c.source == c.target):
            own = slice(ends[c.target], ends[c.target + 1])
            result[own, own] = result[own, own].T
        return result


@fault(
    "errors of rates go round a loop a few times, not for ever",
    shows={"recurrent": RATES, "feedback": RATES, "conv-feedback": RATES},
    spares=["dense", "skip", "conv"],
)
class RateLoopsCutOff(Backend):
    def solve(self, matrix, right):
        return self.swept(matrix, right)


class RateBiases(Backend):
    """Biases that are left out of what arrives at the clamp, and of nothing else."""

    def left_out(self, connection):
        raise NotImplementedError

    def gate(self, neuron, current):
        l = next(l for l, other in enumerate(self.neurons) if other is neuron)
        without = [c for c in self.into(l) if self.left_out(c)]
        silence = {c.source: np.zeros((1, *self.shapes[c.source]), dtype=self.dtype) for c in without}
        return super().gate(neuron, current - sum(self.current(c, silence[c.source]) for c in without))


@fault(
    "the biases of hidden layers are left out of what arrives at the clamp",
    shows={"dense": RATES, "conv": RATES, "recurrent": RATES},
    spares=["at-threshold"],
)
class RateBiasIgnored(RateBiases):
    def left_out(self, connection):
        return spiking(self.neurons[connection.target])


@fault(
    "the biases of loops are left out of what arrives at the clamp",
    shows={"conv-feedback": RATES},
    spares=["dense", "feedback"],
)
class RateLoopBiasIgnored(RateBiases):
    def left_out(self, connection):
        return connection.delayed


@fault("rates are multiplied by the threshold", shows={"dense-threshold": RATES, "recurrent": RATES}, spares=["dense"])
class RatesTimesThreshold(Backend):
    def rates(self, steps):
        found = super().rates(steps)
        return {l: rate * (self.neurons[l].get("threshold", 1.0) if l >= 0 else 1.0) for l, rate in found.items()}


@fault(
    "the clamp ends at 1, not at the threshold",
    shows={"dense-threshold": RATES, "dense-by-layer": RATES},
    spares=["dense"],
)
class ClampEndsAtOne(Backend):
    def gate(self, neuron, current):
        if not spiking(neuron):
            return super().gate(neuron, current)
        return ((current > 0) & (current < 1)) / self.dtype.type(neuron["threshold"])


@fault("the loss of rates is divided by T", shows={"dense": RATES, "conv": RATES}, spares=["dense-one-step"])
class RateLossOverTime(Backend):
    def solve(self, matrix, right):
        return super().solve(matrix, right) / len(self.inputs)


@fault(
    "the loss of rates is that of the rate of the readout's potentials, leak and all",
    shows={"dense-leaky-readout": RATES, "dense-by-layer": RATES},
    spares=["dense-one-step", "dense-spiking-readout"],
)
class RateLossOfPotentials(Backend):
    def spike_representation(self):
        self.measured = super().rates(self.run())[len(self.neurons) - 1]
        found = super().spike_representation()
        self.measured = None
        return found

    measured = None

    def loss_gradient(self, outputs, targets):
        return super().loss_gradient(outputs if self.measured is None else self.measured, targets)


@fault(
    "the loss that is reported of rates is that of the sequence",
    shows={"dense": RATES, "conv": RATES},
    spares=["dense-one-step"],
)
class RateLossOfSequence(Backend):
    def spike_representation(self):
        return {**super().spike_representation(), "loss": self.recorded_loss(self.sequence_loss(self.run()))}


@fault(
    "the outputs of a spiking last layer are the clamp's, not its rates",
    shows={"dense-spiking-readout": RATES},
    spares=["dense", "dense-leaky-readout"],
)
class LastRatesClosedForm(Backend):
    def rates(self, steps):
        found, last = super().rates(steps), len(self.neurons) - 1
        if spiking(self.neurons[last]):
            current = sum(self.current(c, found[c.source]) for c in self.into(last))
            found[last] = np.clip(current / self.neurons[last]["threshold"], 0, 1)
        return found


@fault(
    "rates are divided by 1 / (1 - λ), what Λ_T tends to",
    shows={"dense": RATES, "dense-decay-0.9": RATES},
    spares=["dense-decay-0", "dense-decay-1"],
)
class RatesDividedByLimit(Backend):
    def rate(self, values, decay):
        rate = super().rate(values, decay)
        return rate if decay == 1 else rate * (1 - decay ** len(values))
