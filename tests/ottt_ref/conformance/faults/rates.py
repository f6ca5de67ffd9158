"""Mistakes in spike representation."""

import numpy as np

from ..numpy_backend import INPUTS, Backend
from .catalogue import RATES, fault


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
            found[l] = np.clip(current / neuron["threshold"], 0, 1)
        return found


@fault("the clamp's derivative lacks 1 / V_th", shows={"dense-threshold": RATES}, spares=["dense", "dense-hard"])
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
