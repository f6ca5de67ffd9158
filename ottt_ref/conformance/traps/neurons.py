"""Neurons that do one thing otherwise, forwards or in what errors of the next time step cross."""

from dataclasses import dataclass

import numpy as np

from ...network.neurons import LIF


@dataclass(frozen=True)
class Strict(LIF):
    """Neurons that fire above the threshold, not at it."""

    def step(self, state, output, current, soft=False):
        super().step(state, output, current, soft)
        output[...] = state[0] > self.threshold


@dataclass(frozen=True)
class NeverReset(LIF):
    """Neurons whose spikes leave the potential as it is."""

    def step(self, state, output, current, soft=False):
        output[...] = 0
        super().step(state, output, current, soft)


@dataclass(frozen=True)
class ResetByOne(LIF):
    """Neurons whose soft reset subtracts 1, not the threshold."""

    def step(self, state, output, current, soft=False):
        state[0][...] += (self.threshold - 1) * output
        super().step(state, output, current, soft)


@dataclass(frozen=True)
class HardUnleaked(LIF):
    """Neurons whose hard reset's potential does not leak."""

    def step(self, state, output, current, soft=False):
        more = (1 - self.decay) * self.reset_potential * output if self.reset == "hard" else 0 * output
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


@dataclass(frozen=True)
class KeptUnleaked(OtherJacobian):
    """Neurons whose soft reset's gradient, if kept, is that of the unleaked one."""

    def factor(self, potential, output, surrogate_derivative, kept):
        if self.reset != "soft" or not kept:
            return self.right(potential, output, surrogate_derivative, kept)
        return self.decay - self.threshold * surrogate_derivative


@dataclass(frozen=True)
class KeptWithoutThreshold(OtherJacobian):
    """Neurons whose reset's gradient, if kept, lacks V_th."""

    def factor(self, potential, output, surrogate_derivative, kept):
        if self.reset == "hard" or not kept:
            return self.right(potential, output, surrogate_derivative, kept)
        leak = self.right(potential, output, surrogate_derivative, False)
        return leak - (self.decay if self.reset == "soft" else 1.0) * surrogate_derivative


@dataclass(frozen=True)
class KeptNegative(OtherJacobian):
    """Neurons whose reset's gradient, if kept, has the other sign."""

    def factor(self, potential, output, surrogate_derivative, kept):
        leak = self.right(potential, output, surrogate_derivative, False)
        return 2 * leak - self.right(potential, output, surrogate_derivative, kept)


@dataclass(frozen=True)
class KeptLeaked(OtherJacobian):
    """Neurons whose unleaked reset's gradient, if kept, is that of the soft one."""

    def factor(self, potential, output, surrogate_derivative, kept):
        if self.reset != "unleaked" or not kept:
            return self.right(potential, output, surrogate_derivative, kept)
        return self.decay - self.decay * self.threshold * surrogate_derivative


@dataclass(frozen=True)
class HardPasses(OtherJacobian):
    """Neurons whose hard reset errors pass as if there were none."""

    def factor(self, potential, output, surrogate_derivative, kept):
        right = self.right(potential, output, surrogate_derivative, kept)
        return right + self.decay * output if self.reset == "hard" else right


def as_kind(kind):
    """Neurons → neurons of another kind with the same numbers."""
    return lambda neuron: kind(neuron.decay, neuron.threshold, neuron.reset, neuron.surrogate, neuron.reset_potential)
