"""Mistakes in the neurons' dynamics, which the forward pass shows."""

import numpy as np

from ..numpy_backend import Backend
from .catalogue import ALL_BUT_RATES, BPTT, EVERYTHING, FORWARD, GRADIENTS, OFFLINE, fault


def spiking(neuron):
    return neuron["type"] == "LIF"


@fault(
    "the soft reset's subtraction is not leaked",
    shows={"dense": FORWARD, "dense-decay-0.9": FORWARD, "conv": FORWARD},
    spares=["dense-unleaked", "dense-hard", "dense-decay-1"],
)
class UnleakedReset(Backend):
    def read_neuron(self, neuron):
        return {**neuron, "reset": "unleaked"} if neuron.get("reset") == "soft" else neuron


@fault("the unleaked reset's subtraction is leaked", shows={"dense-unleaked": FORWARD}, spares=["dense", "dense-hard"])
class LeakedReset(Backend):
    def read_neuron(self, neuron):
        return {**neuron, "reset": "soft"} if neuron.get("reset") == "unleaked" else neuron


@fault(
    "the soft reset is a hard one, to 0",
    shows={"dense": FORWARD, "dense-decay-1": FORWARD},
    spares=["dense-unleaked", "dense-hard", "dense-decay-0"],
)
class HardInsteadOfSoft(Backend):
    def read_neuron(self, neuron):
        return {**neuron, "reset": "hard"} if neuron.get("reset") == "soft" else neuron


@fault(
    "the hard reset is a soft one",
    shows={"dense-hard": FORWARD, "dense-hard-zero": FORWARD},
    spares=["dense", "dense-unleaked"],
)
class SoftInsteadOfHard(Backend):
    def read_neuron(self, neuron):
        return {**neuron, "reset": "soft"} if neuron.get("reset") == "hard" else neuron


@fault(
    "the hard reset is to 0, not to reset_potential",
    shows={"dense-hard": FORWARD},
    spares=["dense", "dense-hard-zero"],
)
class HardResetToZero(Backend):
    def read_neuron(self, neuron):
        return {**neuron, "reset_potential": 0.0} if spiking(neuron) else neuron


@fault("the potential to which the hard reset goes is not leaked", shows={"dense-hard": FORWARD}, spares=["dense"])
class HardResetUnleaked(Backend):
    def carried(self, neuron, u, s):
        if neuron["reset"] != "hard":
            return super().carried(neuron, u, s)
        return neuron["decay"] * (1 - s) * u + neuron["reset_potential"] * s


@fault("potentials start from reset_potential, not from 0", shows={"dense-hard": FORWARD}, spares=["dense"])
class StartsFromReset(Backend):
    def rest(self):
        rest = super().rest()
        rest.potentials = [u + neuron.get("reset_potential", 0.0) for u, neuron in zip(rest.potentials, self.neurons)]
        return rest


@fault("the reset subtracts 1, not the threshold", shows={"dense-threshold": FORWARD}, spares=["dense", "dense-hard"])
class ResetByOne(Backend):
    def carried(self, neuron, u, s):
        return super().carried({**neuron, "threshold": 1.0}, u, s)


@fault(
    "the threshold is always 1",
    shows={"dense-threshold": FORWARD, "dense-unleaked": FORWARD, "recurrent": FORWARD},
    spares=["dense"],
)
class ThresholdOne(Backend):
    def read_neuron(self, neuron):
        return {**neuron, "threshold": 1.0} if spiking(neuron) else neuron


@fault(
    "the current is scaled by 1 - λ, as of a membrane that decays towards its input",
    shows={"dense": FORWARD, "dense-decay-0.9": FORWARD, "dense-decay-1": FORWARD},
    spares=["dense-decay-0"],
)
class DecayedInput(Backend):
    def input_share(self, l):
        return 1 - self.neurons[l]["decay"] if spiking(self.neurons[l]) else 1.0

    def current(self, connection, values, constant=1.0):
        return self.input_share(connection.target) * super().current(connection, values, constant)

    def send_back(self, connection, error):
        return super().send_back(connection, self.input_share(connection.target) * error)

    def add_gradients(self, gradients, connection, error, values, constant):
        super().add_gradients(gradients, connection, self.input_share(connection.target) * error, values, constant)


@fault(
    "the leak is applied after the current was added: u[t] = λ (v[t-1] + I[t])",
    shows={"dense": FORWARD, "recurrent": FORWARD},
    spares=["dense-decay-1"],
)
class LeakAfterInput(Backend):
    def integrate(self, neuron, u, s, current):
        return super().integrate(neuron, u, s, neuron["decay"] * current if spiking(neuron) else current)


@fault(
    "the decay is exp(-1 / τ) for τ = 1 / (1 - λ)",
    shows={"dense": FORWARD, "dense-decay-0": FORWARD, "dense-decay-0.9": FORWARD},
    spares=["dense-decay-1"],
)
class ExponentialDecay(Backend):
    def read_neuron(self, neuron):
        return {**neuron, "decay": float(np.exp(neuron["decay"] - 1))} if spiking(neuron) else neuron


@fault(
    "the decay is taken for the share that is lost: 1 - λ in place of λ",
    shows={"dense-decay-0": FORWARD, "dense-decay-0.9": FORWARD, "dense-decay-1": FORWARD},
    spares=["dense"],
)
class DecayComplement(Backend):
    def read_neuron(self, neuron):
        return {**neuron, "decay": 1 - neuron["decay"]} if spiking(neuron) else neuron


@fault(
    "H(0) = 0: a neuron at its threshold does not fire",
    shows={"at-threshold": FORWARD},
    spares=["dense", "conv"],
)
class StrictThreshold(Backend):
    def fire(self, neuron, u):
        return (u > neuron["threshold"]).astype(u.dtype) if spiking(neuron) else super().fire(neuron, u)


@fault(
    "the potentials that are recorded are those after the reset",
    shows={"dense": FORWARD, "dense-hard": FORWARD},
    spares=["silent"],
)
class PotentialAfterReset(Backend):
    def forward(self, steps):
        found = super().forward(steps)
        for l, neuron in enumerate(self.neurons):
            if spiking(neuron):
                u, s = found[f"potential/{l}"], found[f"spikes/{l}"]
                found[f"potential/{l}"] = self.carried({**neuron, "decay": 1.0}, u, s)
        return found


@fault(
    "the outputs are the mean over time, not those of each time step",
    shows={"dense": FORWARD, "dense-one-step": FORWARD},
    spares=[],
)
class MeanOutputs(Backend):
    def forward(self, steps):
        found = super().forward(steps)
        return {**found, "outputs": found["outputs"].mean(axis=0)}


@fault(
    "the readout never leaks",
    shows={"dense-leaky-readout": ALL_BUT_RATES, "dense-by-layer": ALL_BUT_RATES},
    spares=["dense"],
)
class ReadoutNeverLeaks(Backend):
    def read_neuron(self, neuron):
        return neuron if spiking(neuron) else {**neuron, "decay": 0.0}


@fault(
    "every readout leaks, with λ = 0.5",
    shows={"dense": ALL_BUT_RATES, "conv": ALL_BUT_RATES},
    spares=["dense-leaky-readout", "dense-spiking-readout"],
)
class ReadoutAlwaysLeaks(Backend):
    def read_neuron(self, neuron):
        return neuron if spiking(neuron) else {**neuron, "decay": 0.5}


@fault(
    "the errors of a leaky readout do not go back in time",
    shows={"dense-leaky-readout": BPTT},
    spares=["dense"],
)
class ReadoutForgetsItsErrors(Backend):
    def jacobian(self, neuron, u, s, derivative, kept):
        return super().jacobian(neuron, u, s, derivative, kept) if spiking(neuron) else 0.0


@fault(
    "the state is not reset between calls",
    shows={"dense": GRADIENTS, "conv": GRADIENTS},
    spares=["dense-decay-0"],
)
class Stateful(Backend):
    state = None

    def rest(self):
        rest = super().rest()
        if self.state and [u.shape for u in self.state.potentials] == [u.shape for u in rest.potentials]:
            return self.state
        return rest

    def step(self, before, x):
        self.state = super().step(before, x)
        return self.state


@fault(
    "inputs [T, B, ...] are read as [B, T, ...]",
    shows={"dense": FORWARD, "dense-square": FORWARD, "conv": FORWARD},
    spares=[],
)
class SwappedAxes(Backend):
    def read(self, entry, arrays):
        super().read(entry, arrays)
        self.inputs = self.inputs.swapaxes(0, 1)


@fault(
    "products in single precision round the weights to 10 bits, as tensor cores do unless told otherwise",
    shows={"dense-float32": (*FORWARD, *OFFLINE)},
    spares=["dense", "conv-standardised"],
)
class TensorFloat32(Backend):
    def weight(self, operation, name):
        weight = super().weight(operation, name)
        if weight.dtype == np.float64:
            return weight
        return (np.ascontiguousarray(weight).view(np.uint32) & 0xFFFFE000).view(np.float32)


@fault(
    "double precision is computed in single precision",
    shows={"dense": EVERYTHING, "conv-standardised": EVERYTHING},
    spares=["dense-float32", "conv-standardised-float32"],
)
class SinglePrecision(Backend):
    def read(self, entry, arrays):
        super().read({**entry, "dtype": "float32"}, arrays)

    def read_array(self, array):
        return array.astype(np.float32)


@fault(
    "λ is always 1/2",
    shows={"dense-decay-0": FORWARD, "dense-decay-0.9": FORWARD, "dense-by-layer": FORWARD, "dense-long": FORWARD},
    spares=["dense", "conv"],
)
class DecayAlwaysHalf(Backend):
    def read_neuron(self, neuron):
        return {**neuron, "decay": 0.5} if spiking(neuron) else neuron
