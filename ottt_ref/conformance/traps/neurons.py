"""Neurons that do one thing otherwise, forwards or in what errors of the next time step cross."""

from dataclasses import dataclass, fields

import numpy as np

from ...network.neurons import LIF
from ...network.per_neuron import spread


def of_layer(value, like):
    """A number of neurons, or their numbers as an array that goes with [B, ...]."""
    return spread(value, like.shape[1:])


@dataclass(frozen=True, eq=False, repr=False)
class Strict(LIF):
    """Neurons that fire above the threshold, not at it."""

    def step(self, state, output, current, soft=False):
        super().step(state, output, current, soft)
        output[...] = state[0] > of_layer(self.threshold, output)


@dataclass(frozen=True, eq=False, repr=False)
class NeverReset(LIF):
    """Neurons whose spikes leave the potential as it is."""

    def step(self, state, output, current, soft=False):
        output[...] = 0
        super().step(state, output, current, soft)


@dataclass(frozen=True, eq=False, repr=False)
class ResetByOne(LIF):
    """Neurons whose soft reset subtracts 1, not the threshold."""

    def step(self, state, output, current, soft=False):
        state[0][...] += (of_layer(self.threshold, output) - 1) * output
        super().step(state, output, current, soft)


@dataclass(frozen=True, eq=False, repr=False)
class HardUnleaked(LIF):
    """Neurons whose hard reset's potential does not leak."""

    def step(self, state, output, current, soft=False):
        decay, resting = (of_layer(value, output) for value in (self.decay, self.reset_potential))
        more = (1 - decay) * resting * output if self.reset == "hard" else 0 * output
        super().step(state, output, (current + more).astype(current.dtype), soft)


class OtherJacobian(LIF):
    """Neurons whose potential at t + 1 depends on that at t as `factor` says: another [B, ...] in the Jacobian."""

    def jacobian(self, state, output, surrogate_derivative, kept):
        factor = self.factor(state[0], output, surrogate_derivative, kept)
        return ((np.asarray(factor, dtype=state[0].dtype),),)

    def factor(self, potential, output, surrogate_derivative, kept):
        """∂u[t+1]/∂u[t], [B, ...]."""
        return self.right(potential, output, surrogate_derivative, kept)

    def right(self, potential, output, surrogate_derivative, kept):
        """The factor of the reference."""
        return super().jacobian((potential,), output, surrogate_derivative, kept)[0][0]


@dataclass(frozen=True, eq=False, repr=False)
class KeptUnleaked(OtherJacobian):
    """Neurons whose soft reset's gradient, if kept, is that of the unleaked one."""

    def factor(self, potential, output, surrogate_derivative, kept):
        if self.reset != "soft" or not kept:
            return self.right(potential, output, surrogate_derivative, kept)
        decay, threshold = (of_layer(value, output) for value in (self.decay, self.threshold))
        return decay - threshold * surrogate_derivative


@dataclass(frozen=True, eq=False, repr=False)
class KeptWithoutThreshold(OtherJacobian):
    """Neurons whose reset's gradient, if kept, lacks V_th."""

    def factor(self, potential, output, surrogate_derivative, kept):
        if self.reset == "hard" or not kept:
            return self.right(potential, output, surrogate_derivative, kept)
        leak = self.right(potential, output, surrogate_derivative, False)
        return leak - (of_layer(self.decay, output) if self.reset == "soft" else 1.0) * surrogate_derivative


@dataclass(frozen=True, eq=False, repr=False)
class KeptNegative(OtherJacobian):
    """Neurons whose reset's gradient, if kept, has the other sign."""

    def factor(self, potential, output, surrogate_derivative, kept):
        leak = self.right(potential, output, surrogate_derivative, False)
        return 2 * leak - self.right(potential, output, surrogate_derivative, kept)


@dataclass(frozen=True, eq=False, repr=False)
class KeptLeaked(OtherJacobian):
    """Neurons whose unleaked reset's gradient, if kept, is that of the soft one."""

    def factor(self, potential, output, surrogate_derivative, kept):
        if self.reset != "unleaked" or not kept:
            return self.right(potential, output, surrogate_derivative, kept)
        decay, threshold = (of_layer(value, output) for value in (self.decay, self.threshold))
        return decay - decay * threshold * surrogate_derivative


@dataclass(frozen=True, eq=False, repr=False)
class HardPasses(OtherJacobian):
    """Neurons whose hard reset errors pass as if there were none."""

    def factor(self, potential, output, surrogate_derivative, kept):
        right = self.right(potential, output, surrogate_derivative, kept)
        return right + of_layer(self.decay, output) * output if self.reset == "hard" else right


def as_kind(kind):
    """Neurons → neurons of another kind with the same numbers; ValueError for those that are not LIF."""

    def change(neuron):
        if type(neuron) is not LIF:
            raise ValueError(f"there is no {kind.__name__} of {type(neuron).__name__}")
        return kind(**{each.name: getattr(neuron, each.name) for each in fields(LIF)})

    return change
