"""Mistakes in what OTTT and SLTT pair errors with."""

from dataclasses import replace

import numpy as np

from ..numpy_backend import INPUTS, Backend
from .catalogue import AUTHORS, DERIVATION, OTTT, fault


@fault(
    "the trace comes one time step late: g[t] is paired with â[t-1]",
    shows={"dense": OTTT, "dense-one-step": OTTT},
    spares=["silent"],
)
class TraceLate(Backend):
    def paired(self, connection, step, traces, rule):
        late, _ = traces.get(connection.name, (np.zeros_like(step.given[connection.name]), 0.0))
        values, constant = super().paired(connection, step, traces, rule)
        traced = rule != "sltt" and connection.source != INPUTS
        return (late if traced else values), constant


@fault(
    "the trace does not decay",
    shows={"dense": OTTT, "conv": OTTT},
    spares=["dense-one-step", "dense-decay-0", "dense-decay-1"],
)
class TraceIsSum(Backend):
    def trace(self, before, value, decay):
        return before + value if decay else value


@fault(
    "the trace is an exponential average: λ â + (1 - λ) s",
    shows={"dense": OTTT, "dense-one-step": OTTT, "dense-decay-1": OTTT},
    spares=["dense-decay-0"],
)
class TraceIsAverage(Backend):
    def trace(self, before, value, decay):
        return decay * before + (1 - decay) * value


@fault(
    "the trace is set to 1 at a spike, not increased by 1",
    shows={"dense": OTTT, "dense-events": OTTT},
    spares=["dense-one-step", "dense-decay-0"],
)
class TraceSaturates(Backend):
    def trace(self, before, value, decay):
        return np.where(value != 0, value, decay * before)


@fault("what is called OTTT is SLTT", shows={"dense": OTTT}, spares=["dense-one-step", "dense-decay-0"])
class OtttIsSltt(Backend):
    def paired(self, connection, step, traces, rule):
        return super().paired(connection, step, traces, "sltt")


@fault("what is called SLTT is OTTT", shows={"dense": ("sltt",)}, spares=["dense-one-step", "dense-decay-0"])
class SlttIsOttt(Backend):
    def paired(self, connection, step, traces, rule):
        return super().paired(connection, step, traces, "derivation" if rule == "sltt" else rule)


@fault(
    "OTTT is the authors' where the derivation's was asked for",
    shows={"dense": DERIVATION, "recurrent": DERIVATION},
    spares=["dense-one-step", "dense-decay-0"],
)
class DerivationIsAuthors(Backend):
    def paired(self, connection, step, traces, rule):
        return super().paired(connection, step, traces, "authors" if rule == "derivation" else rule)


@fault(
    "OTTT is the derivation's where the authors' was asked for",
    shows={"dense": AUTHORS, "recurrent": AUTHORS},
    spares=["dense-one-step", "dense-decay-0"],
)
class AuthorsIsDerivation(Backend):
    def paired(self, connection, step, traces, rule):
        return super().paired(connection, step, traces, "derivation" if rule == "authors" else rule)


@fault(
    "the derivation's OTTT traces the inputs, but not the biases",
    shows={"dense": DERIVATION, "silent": DERIVATION},
    spares=["dense-one-step", "dense-decay-0"],
)
class BiasUntraced(Backend):
    def traces_bias(self, connection, rule):
        return False


@fault(
    "the derivation's OTTT traces the biases, but not the inputs",
    shows={"dense": DERIVATION, "dense-events": DERIVATION},
    spares=["dense-one-step", "dense-decay-0"],
)
class InputsUntraced(Backend):
    def traces_values(self, connection, rule):
        return connection.source != INPUTS


@fault(
    "the weight of a stateless readout is paired with the spikes, not with their trace",
    shows={"dense": OTTT, "skip": OTTT},
    spares=["dense-one-step", "dense-decay-0", "dense-leaky-readout", "dense-spiking-readout"],
)
class ReadoutUntraced(Backend):
    def traces_values(self, connection, rule):
        readout = self.stateless(self.neurons[connection.target])
        return super().traces_values(connection, rule) and not readout


@fault(
    "the bias of a stateless readout is traced",
    shows={"dense": DERIVATION},
    spares=["dense-one-step", "dense-decay-0", "dense-leaky-readout", "dense-spiking-readout"],
)
class ReadoutBiasTraced(Backend):
    def traces_bias(self, connection, rule):
        return rule == "derivation"


@fault(
    "what recurrent and feedback connections deliver is not traced",
    shows={"recurrent": OTTT, "feedback": OTTT, "conv-feedback": OTTT},
    spares=["dense", "skip"],
)
class LoopsUntraced(Backend):
    def traces_values(self, connection, rule):
        return super().traces_values(connection, rule) and not connection.delayed


@fault("what skips deliver is not traced", shows={"skip": OTTT, "dense-standardised": DERIVATION}, spares=["dense"])
class SkipsUntraced(Backend):
    def traces_values(self, connection, rule):
        return super().traces_values(connection, rule) and ".skip" not in connection.name


@fault(
    "a leaky readout is paired with spikes, not with their trace",
    shows={"dense-leaky-readout": OTTT, "dense-by-layer": OTTT},
    spares=["dense", "dense-spiking-readout"],
)
class LeakyReadoutUntraced(Backend):
    def traces_values(self, connection, rule):
        neuron = self.neurons[connection.target]
        leaky = neuron["type"] == "Integrator" and not self.stateless(neuron)
        return super().traces_values(connection, rule) and not leaky


@fault(
    "the bias of a leaky readout is not traced",
    shows={"dense-leaky-readout": DERIVATION, "dense-by-layer": DERIVATION},
    spares=["dense", "dense-spiking-readout"],
)
class LeakyReadoutBiasUntraced(Backend):
    def traces_bias(self, connection, rule):
        return super().traces_bias(connection, rule) and self.neurons[connection.target]["type"] == "LIF"


@fault(
    "the authors' OTTT traces the inputs where they come by a skip",
    shows={"dense-standardised": AUTHORS},
    spares=["dense", "skip"],
)
class AuthorsTraceSkippedInputs(Backend):
    def traces_values(self, connection, rule):
        return super().traces_values(connection, rule) or connection.target > 0


@fault(
    "the trace of a loop is that of the time step's spikes, not of those that it delivers",
    shows={"recurrent": OTTT, "feedback": OTTT},
    spares=["dense", "skip"],
)
class LoopTraceOfTheSameStep(Backend):
    def paired(self, connection, step, traces, rule):
        if rule == "sltt" or not connection.delayed:
            return super().paired(connection, step, traces, rule)
        given = {**step.given, connection.name: step.outputs[connection.source]}
        return super().paired(connection, replace(step, given=given), traces, rule)


@fault(
    "the trace leaves out the inputs' and spikes' values of the time step, but for the first",
    shows={"dense": OTTT, "dense-long": OTTT},
    spares=["dense-one-step"],
)
class TraceForgetsTheNew(Backend):
    def trace(self, before, value, decay):
        return np.where(before == 0, value, decay * before) if decay else value


@fault(
    "traces are reset where the neuron that sends fires",
    shows={"dense": OTTT, "dense-events": OTTT},
    spares=["dense-one-step", "dense-decay-0"],
)
class TraceResets(Backend):
    def trace(self, before, value, decay):
        return np.where(value != 0, 0 * before, decay * before) + value


@fault(
    "the authors' OTTT does not trace what loops deliver",
    shows={"recurrent": AUTHORS, "feedback": AUTHORS, "conv-feedback": AUTHORS},
    spares=["dense", "skip"],
)
class AuthorsLoopsUntraced(Backend):
    def traces_values(self, connection, rule):
        return super().traces_values(connection, rule) and not (rule == "authors" and connection.delayed)


@fault(
    "the authors' OTTT traces the biases of loops",
    shows={"recurrent": AUTHORS, "conv-feedback": AUTHORS},
    spares=["dense", "skip"],
)
class AuthorsLoopBiasTraced(Backend):
    def traces_bias(self, connection, rule):
        return super().traces_bias(connection, rule) or (rule == "authors" and connection.delayed)


@fault(
    "a trace counts events: what is delivered counts as 1 wherever it is not 0",
    shows={"dense": DERIVATION, "conv": DERIVATION},
    spares=["dense-events"],
)
class TraceCountsEvents(Backend):
    def paired(self, connection, step, traces, rule):
        if rule != "derivation":
            return super().paired(connection, step, traces, rule)
        given = {name: (value != 0).astype(value.dtype) for name, value in step.given.items()}
        return super().paired(connection, replace(step, given=given), traces, rule)
