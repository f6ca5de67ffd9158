"""Neurons that do one thing otherwise, forwards or in what errors of the next time step cross."""

from dataclasses import dataclass

from ...network.neurons import LIF


@dataclass(frozen=True)
class Strict(LIF):
    """Neurons that fire above the threshold, not at it."""

    def step(self, potential, output, current, soft=False):
        super().step(potential, output, current, soft)
        output[...] = potential > self.threshold


@dataclass(frozen=True)
class NeverReset(LIF):
    """Neurons whose spikes leave the potential as it is."""

    def step(self, potential, output, current, soft=False):
        output[...] = 0
        super().step(potential, output, current, soft)


@dataclass(frozen=True)
class ResetByOne(LIF):
    """Neurons whose soft reset subtracts 1, not the threshold."""

    def step(self, potential, output, current, soft=False):
        potential += (self.threshold - 1) * output
        super().step(potential, output, current, soft)


@dataclass(frozen=True)
class HardUnleaked(LIF):
    """Neurons whose hard reset's potential does not leak."""

    def step(self, potential, output, current, soft=False):
        more = (1 - self.decay) * self.reset_potential * output if self.reset == "hard" else 0 * output
        super().step(potential, output, (current + more).astype(current.dtype), soft)


@dataclass(frozen=True)
class KeptUnleaked(LIF):
    """Neurons whose soft reset's gradient, if kept, is that of the unleaked one."""

    def jacobian(self, potential, output, derivative, kept):
        if self.reset != "soft" or not kept:
            return super().jacobian(potential, output, derivative, kept)
        return (self.decay - self.threshold * derivative).astype(potential.dtype)


@dataclass(frozen=True)
class KeptWithoutThreshold(LIF):
    """Neurons whose reset's gradient, if kept, lacks V_th."""

    def jacobian(self, potential, output, derivative, kept):
        leak = super().jacobian(potential, output, derivative, False)
        if self.reset == "hard" or not kept:
            return super().jacobian(potential, output, derivative, kept)
        factor = self.decay if self.reset == "soft" else 1.0
        return (leak - factor * derivative).astype(potential.dtype)


@dataclass(frozen=True)
class KeptNegative(LIF):
    """Neurons whose reset's gradient, if kept, has the other sign."""

    def jacobian(self, potential, output, derivative, kept):
        leak = super().jacobian(potential, output, derivative, False)
        return 2 * leak - super().jacobian(potential, output, derivative, kept)


@dataclass(frozen=True)
class KeptLeaked(LIF):
    """Neurons whose unleaked reset's gradient, if kept, is that of the soft one."""

    def jacobian(self, potential, output, derivative, kept):
        if self.reset != "unleaked" or not kept:
            return super().jacobian(potential, output, derivative, kept)
        return (self.decay - self.decay * self.threshold * derivative).astype(potential.dtype)


@dataclass(frozen=True)
class HardPasses(LIF):
    """Neurons whose hard reset errors pass as if there were none."""

    def jacobian(self, potential, output, derivative, kept):
        added = super().jacobian(potential, output, derivative, kept)
        return added + (self.decay * output).astype(potential.dtype) if self.reset == "hard" else added


def as_kind(kind):
    """Neurons → neurons of another kind with the same numbers."""
    return lambda neuron: kind(neuron.decay, neuron.threshold, neuron.reset, neuron.surrogate, neuron.reset_potential)
