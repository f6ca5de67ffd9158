"""Mistakes that are none where all layers have the same neurons."""

from ..numpy_backend import INPUTS, Backend
from .catalogue import ALL_BUT_RATES, BPTT, DERIVATION, FORWARD, OTTT, RATES, fault
from .dynamics import spiking

SAME_NEURONS = ["dense", "recurrent"]


class NeuronsOfLayerZero(Backend):
    """Some numbers of layer 0's neurons are those of every layer's."""

    numbers = ()

    def read(self, entry, arrays):
        super().read(entry, arrays)
        taken = {name: self.neurons[0][name] for name in self.numbers}
        self.neurons = [{**neuron, **taken} if spiking(neuron) else neuron for neuron in self.neurons]


@fault("every layer has the λ of layer 0", shows={"dense-by-layer": FORWARD}, spares=SAME_NEURONS)
class DecayOfLayerZero(NeuronsOfLayerZero):
    numbers = ("decay",)


@fault(
    "every layer has the threshold of layer 0",
    shows={"dense-by-layer": FORWARD, "conv-feedback": FORWARD},
    spares=SAME_NEURONS,
)
class ThresholdOfLayerZero(NeuronsOfLayerZero):
    numbers = ("threshold",)


@fault("every layer has the reset of layer 0", shows={"dense-by-layer": FORWARD}, spares=SAME_NEURONS)
class ResetOfLayerZero(NeuronsOfLayerZero):
    numbers = ("reset", "reset_potential")


@fault("every layer has the surrogate of layer 0", shows={"dense-by-layer": ALL_BUT_RATES}, spares=SAME_NEURONS)
class SurrogateOfLayerZero(NeuronsOfLayerZero):
    numbers = ("surrogate",)


@fault(
    "a leaky readout has the λ of the neurons before it",
    shows={"dense-by-layer": ALL_BUT_RATES},
    spares=["dense", "dense-leaky-readout"],
)
class ReadoutDecayOfNeurons(Backend):
    def read(self, entry, arrays):
        super().read(entry, arrays)
        if not spiking(self.neurons[-1]) and not self.stateless(self.neurons[-1]):
            self.neurons[-1] = {**self.neurons[-1], "decay": self.neurons[-2]["decay"]}


@fault("errors go back in time with the λ of layer 0", shows={"dense-by-layer": BPTT}, spares=SAME_NEURONS)
class ErrorDecayOfLayerZero(Backend):
    def jacobian(self, neuron, u, s, derivative, kept):
        taken = neuron if self.stateless(neuron) else {**neuron, "decay": self.neurons[0]["decay"]}
        return super().jacobian(taken, u, s, derivative, kept)


@fault(
    "traces decay with the λ of the neurons that send, not of those that receive",
    shows={"dense-by-layer": OTTT},
    spares=[*SAME_NEURONS, "dense-leaky-readout"],
)
class TraceDecayOfSender(Backend):
    def values_decay(self, connection):
        source = connection.source
        return super().values_decay(connection) if source == INPUTS else self.membrane_decay(source)


@fault("every trace decays with the λ of layer 0", shows={"dense-by-layer": OTTT}, spares=SAME_NEURONS)
class TraceDecayOfLayerZero(Backend):
    def values_decay(self, connection):
        return self.neurons[0]["decay"]


@fault(
    "the biases' constant input is traced with the λ of layer 0",
    shows={"dense-by-layer": DERIVATION},
    spares=SAME_NEURONS,
)
class BiasDecayOfLayerZero(Backend):
    def bias_decay(self, connection):
        return self.neurons[0]["decay"]


class OtherRateDecay(Backend):
    """Rates weighted with the λ of another layer."""

    def layer_of(self, l):
        raise NotImplementedError

    def rates(self, steps):
        own = self.neurons
        self.neurons = [{**neuron, "decay": own[self.layer_of(l)]["decay"]} for l, neuron in enumerate(own)]
        found = super().rates(steps)
        self.neurons = own
        return {**found, INPUTS: self.rate(self.inputs, own[0]["decay"])}


@fault("every rate is weighted with the λ of layer 0", shows={"dense-by-layer": RATES}, spares=["dense", "recurrent"])
class RateDecayOfLayerZero(OtherRateDecay):
    def layer_of(self, l):
        return 0


@fault(
    "rates are weighted with the λ of the layer that receives",
    shows={"dense-by-layer": RATES},
    spares=["dense-leaky-readout"],
)
class RateDecayOfReceiver(OtherRateDecay):
    def layer_of(self, l):
        return min(l + 1, len(self.neurons) - 1)


@fault(
    "the hidden layers' clamp has the threshold of layer 0",
    shows={"dense-by-layer": RATES, "conv-feedback": RATES},
    spares=SAME_NEURONS,
)
class RateThresholdOfLayerZero(Backend):
    def gate(self, neuron, current):
        taken = {**neuron, "threshold": self.neurons[0]["threshold"]} if spiking(neuron) else neuron
        return super().gate(taken, current)


@fault(
    "all layers' numbers are those of the last spiking one",
    shows={"dense-by-layer": FORWARD},
    spares=["dense-threshold"],
)
class NeuronsOfLastLayer(Backend):
    def read(self, entry, arrays):
        super().read(entry, arrays)
        last = [neuron for neuron in self.neurons if spiking(neuron)][-1]
        self.neurons = [last if spiking(neuron) else neuron for neuron in self.neurons]
