"""Mistakes in residual branches: sums of currents, skips without operations, gains, upsampling."""

import numpy as np

from ..numpy_backend import Backend
from .catalogue import BPTT, DERIVATION, FORWARD, GRADIENTS, OTTT, RATES, SURROGATE, fault
from .dynamics import spiking

WITHOUT_BRANCHES = ["skip", "conv"]


def is_identity(connection):
    return not connection.operations


@fault("a skip without operations delivers nothing", shows={"conv-residual": FORWARD}, spares=WITHOUT_BRANCHES)
class IdentityIgnored(Backend):
    def delivered(self, connection, x, now, before):
        given = super().delivered(connection, x, now, before)
        return np.zeros_like(given) if is_identity(connection) else given


@fault(
    "errors do not come back by a skip without operations", shows={"conv-residual": SURROGATE}, spares=WITHOUT_BRANCHES
)
class IdentityErrorsLost(Backend):
    def incoming(self, l, errors, later, output_error):
        everything = self.connections
        self.connections = [c for c in everything if not is_identity(c)]
        total = super().incoming(l, errors, later, output_error)
        self.connections = everything
        return total


@fault(
    "errors of rates do not come back by a skip without operations",
    shows={"conv-residual": RATES},
    spares=WITHOUT_BRANCHES,
)
class IdentityRateErrorsLost(Backend):
    def all_transposed(self, ends):
        everything = self.connections
        self.connections = [c for c in everything if not is_identity(c)]
        result = super().all_transposed(ends)
        self.connections = everything
        return result


class SumsOtherwise(Backend):
    """Sums of currents that are taken for something else."""

    def is_sum(self, neuron):
        return not spiking(neuron) and neuron is not self.neurons[-1]

    def instead(self, l):
        """The neuron in place of the sum that layer l is."""
        raise NotImplementedError

    def read(self, entry, arrays):
        super().read(entry, arrays)
        neurons = enumerate(self.neurons)
        self.neurons = [self.instead(l) if self.is_sum(neuron) else neuron for l, neuron in neurons]


@fault("a sum of currents is a spiking layer", shows={"conv-residual": FORWARD}, spares=WITHOUT_BRANCHES)
class SumSpikes(SumsOtherwise):
    def instead(self, l):
        return self.neurons[l - 1]


@fault(
    "a sum of currents leaks, as the neurons that take it", shows={"conv-residual": FORWARD}, spares=WITHOUT_BRANCHES
)
class SumLeaks(SumsOtherwise):
    def instead(self, l):
        return {**self.neurons[l], "decay": self.neurons[l + 1]["decay"]}


@fault(
    "what enters a sum of currents is not traced: it has no membrane",
    shows={"conv-residual": OTTT},
    spares=WITHOUT_BRANCHES,
)
class SumUntraced(Backend):
    def membrane_decay(self, l):
        readout = l == len(self.neurons) - 1
        return super().membrane_decay(l) if readout or spiking(self.neurons[l]) else 0.0


@fault("the biases of a sum of currents are not traced", shows={"conv-residual": DERIVATION}, spares=WITHOUT_BRANCHES)
class SumBiasUntraced(Backend):
    def traces_bias(self, connection, rule):
        return super().traces_bias(connection, rule) and not self.stateless(self.neurons[connection.target])


@fault(
    "what a sum of currents sends is not traced: it sends no spikes",
    shows={"conv-residual": OTTT},
    spares=WITHOUT_BRANCHES,
)
class SumUntracedOnwards(Backend):
    def values_decay(self, connection):
        sends_spikes = connection.source < 0 or spiking(self.neurons[connection.source])
        return super().values_decay(connection) if sends_spikes else 0.0


@fault("no error crosses a sum of currents", shows={"conv-residual": SURROGATE}, spares=WITHOUT_BRANCHES)
class SumBlocksErrors(SumsOtherwise):
    def instead(self, l):
        return self.neurons[l]

    def derivative(self, neuron, u, s):
        return np.zeros_like(u) if self.is_sum(neuron) else super().derivative(neuron, u, s)


@fault("the errors of a sum of currents go back in time", shows={"conv-residual": BPTT}, spares=WITHOUT_BRANCHES)
class SumErrorsGoBackInTime(SumsOtherwise):
    def instead(self, l):
        return self.neurons[l]

    def jacobian(self, neuron, u, s, derivative, kept):
        return 0.5 if self.is_sum(neuron) else super().jacobian(neuron, u, s, derivative, kept)


@fault(
    "the rate of a sum of currents is its last value: weighted with its own λ, 0",
    shows={"conv-residual": RATES},
    spares=WITHOUT_BRANCHES,
)
class SumRateOfLastStep(Backend):
    def rates(self, steps):
        last = {l: steps[-1].outputs[l] for l, neuron in enumerate(self.neurons[:-1]) if not spiking(neuron)}
        return {**super().rates(steps), **last}


@fault("the rate of a sum of currents is clamped to [0, 1]", shows={"conv-residual": RATES}, spares=WITHOUT_BRANCHES)
class SumRateClamped(Backend):
    def rates(self, steps):
        found = super().rates(steps)
        sums = (l for l, neuron in enumerate(self.neurons[:-1]) if not spiking(neuron))
        return {**found, **{l: np.clip(found[l], 0, 1) for l in sums}}


@fault(
    "errors of rates cross a sum of currents where a neuron's clamp would let them",
    shows={"conv-residual": RATES},
    spares=WITHOUT_BRANCHES,
)
class SumGated(SumsOtherwise):
    def instead(self, l):
        return self.neurons[l]

    def gate(self, neuron, current):
        gate = super().gate(neuron, current)
        return gate * ((current > 0) & (current < 1)) if self.is_sum(neuron) else gate


def is_gain(operation):
    return operation["type"] == "SkipInit"


@fault("SkipInit's gain is left out", shows={"conv-residual": FORWARD}, spares=WITHOUT_BRANCHES)
class SkipGainIgnored(Backend):
    def apply(self, operation, name, x, constant):
        return x if is_gain(operation) else super().apply(operation, name, x, constant)


@fault("SkipInit's gain does not multiply the bias", shows={"conv-residual": FORWARD}, spares=WITHOUT_BRANCHES)
class SkipGainSparesBias(Backend):
    def apply(self, operation, name, x, constant):
        found = super().apply(operation, name, x, constant)
        if not is_gain(operation):
            return found
        gain = self.parameters[f"{name}.skip_gain"][0]
        return found + (1 - gain) * constant * self.bias(name)[:, None, None]


@fault("errors go back past SkipInit's gain", shows={"conv-residual": GRADIENTS}, spares=WITHOUT_BRANCHES)
class SkipGainForgottenBack(Backend):
    def transposed(self, operation, name, error, shape):
        return error if is_gain(operation) else super().transposed(operation, name, error, shape)


@fault("SkipInit's gain has no gradient", shows={"conv-residual": GRADIENTS}, spares=WITHOUT_BRANCHES)
class SkipGainGradientForgotten(Backend):
    def gradients_of(self, operation, name, error, x, constant):
        return {} if is_gain(operation) else super().gradients_of(operation, name, error, x, constant)


@fault(
    "SkipInit's gain is paired with the current of the time step, not with that of the traces",
    shows={"conv-residual": OTTT},
    spares=WITHOUT_BRANCHES,
)
class SkipGainUntraced(Backend):
    given = None

    def read(self, entry, arrays):
        self.given = None
        super().read(entry, arrays)

    def add_step(self, gradients, step, traces, rule):
        self.given = step.given
        return super().add_step(gradients, step, traces, rule)

    def add_gradients(self, gradients, connection, error, values, constant):
        gain = f"{connection.name}.skip_gain"
        if gain not in gradients or self.given is None:
            return super().add_gradients(gradients, connection, error, values, constant)
        before = gradients[gain].copy()
        super().add_gradients(gradients, connection, error, values, constant)
        gradients[gain][...] = before + np.sum(error * self.inside(connection, self.given[connection.name], 1.0)[-2])


@fault(
    "a bias before SkipInit's gain counts as 1 in what the gain is paired with, not as its trace",
    shows={"conv-residual": DERIVATION},
    spares=WITHOUT_BRANCHES,
)
class BiasBeforeGainUntraced(Backend):
    def inside(self, connection, values, constant):
        return super().inside(connection, values, 1.0 if constant else 0.0)


@fault(
    "upsampling puts each pixel into a corner, among zeros",
    shows={"conv-feedback": FORWARD},
    spares=[*WITHOUT_BRANCHES, "feedback"],
)
class UpsamplesWithZeros(Backend):
    def upsample(self, factor, x):
        corner = np.zeros((factor, factor), dtype=self.dtype)
        corner[0, 0] = 1
        return np.kron(x, corner)


@fault(
    "errors go back through upsampling as means over the pixels, not as sums",
    shows={"conv-feedback": (*BPTT, *RATES)},
    spares=[*WITHOUT_BRANCHES, "feedback"],
)
class UpsamplingAveragesBack(Backend):
    def upsample_back(self, factor, error, shape):
        return super().upsample_back(factor, error, shape) / factor**2


@fault(
    "errors go back through upsampling from one pixel of each block",
    shows={"conv-feedback": (*BPTT, *RATES)},
    spares=[*WITHOUT_BRANCHES, "feedback"],
)
class UpsamplingTakesCornersBack(Backend):
    def upsample_back(self, factor, error, shape):
        return error[:, :, ::factor, ::factor]
