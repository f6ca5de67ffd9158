"""Mistakes in what gradients make of time: the reset's gradient, the leak, the steps."""

import numpy as np

from ..numpy_backend import Backend
from .catalogue import BPTT, FORWARDS_IN_TIME, OFFLINE_OTTT, fault


@fault(
    "the reset's gradient is kept where it should be detached",
    shows={"dense": ("bptt",), "dense-unleaked": ("bptt",), "dense-hard": ("bptt",)},
    spares=["dense-one-step"],
)
class ResetGradientKept(Backend):
    def jacobian(self, neuron, u, s, derivative, kept):
        return super().jacobian(neuron, u, s, derivative, True)


@fault(
    "the reset's gradient is detached where it should be kept",
    shows={"dense": ("bptt-kept",), "dense-unleaked": ("bptt-kept",), "dense-hard": ("bptt-kept",)},
    spares=["dense-one-step"],
)
class ResetGradientDetached(Backend):
    def jacobian(self, neuron, u, s, derivative, kept):
        return super().jacobian(neuron, u, s, derivative, False)


@fault(
    "the kept reset's gradient is not leaked: λ - V_th ψ",
    shows={"dense": ("bptt-kept",)},
    spares=["dense-unleaked", "dense-hard", "dense-decay-1"],
)
class ResetGradientUnleaked(Backend):
    def jacobian(self, neuron, u, s, derivative, kept):
        soft = neuron.get("reset") == "soft"
        return super().jacobian({**neuron, "reset": "unleaked"} if soft else neuron, u, s, derivative, kept)


@fault(
    "the kept reset's gradient lacks the threshold: λ (1 - ψ)",
    shows={"dense-threshold": ("bptt-kept",)},
    spares=["dense", "dense-unleaked"],
)
class ResetGradientWithoutThreshold(Backend):
    def jacobian(self, neuron, u, s, derivative, kept):
        return super().jacobian({**neuron, "threshold": 1.0}, u, s, derivative, kept)


@fault(
    "errors cross a hard reset as if it were none: λ, not λ (1 - s)",
    shows={"dense-hard": BPTT},
    spares=["dense"],
)
class HardResetLetsErrorsPass(Backend):
    def jacobian(self, neuron, u, s, derivative, kept):
        if neuron.get("reset") == "hard":
            s = np.zeros_like(s)
        return super().jacobian(neuron, u, s, derivative, kept)


@fault(
    "BPTT detaches the membrane: no error goes back in time",
    shows={"dense": BPTT, "dense-decay-1": BPTT, "recurrent": BPTT},
    spares=["dense-one-step", "dense-decay-0"],
)
class TruncatedBptt(Backend):
    def jacobian(self, neuron, u, s, derivative, kept):
        return np.zeros_like(u)


@fault(
    "each time step overwrites the gradient of the one before",
    shows={"dense": FORWARDS_IN_TIME, "conv": FORWARDS_IN_TIME},
    spares=["dense-one-step"],
)
class LastStepAlone(Backend):
    def add_step(self, gradients, step, traces, rule):
        for gradient in gradients.values():
            gradient[...] = 0
        return super().add_step(gradients, step, traces, rule)


@fault(
    "what is called OTTT is BPTT",
    shows={"dense": OFFLINE_OTTT, "recurrent": OFFLINE_OTTT},
    spares=["dense-one-step"],
)
class OtttIsBptt(Backend):
    def forwards_in_time(self, rule):
        return super().forwards_in_time(rule) if rule == "sltt" else self.bptt(kept=False)
