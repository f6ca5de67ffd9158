"""Mistakes in what OTTT and SLTT pair errors with."""

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
