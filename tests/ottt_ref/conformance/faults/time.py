"""Mistakes in what gradients make of time: the reset's gradient, the leak, the steps."""

import numpy as np

from ..numpy_backend import Backend
from .catalogue import BPTT, DETACHED, FORWARDS_IN_TIME, KEPT, OFFLINE_OTTT, fault


@fault(
    "the reset's gradient is kept where it should be detached",
    shows={"dense": DETACHED, "dense-unleaked": DETACHED, "dense-hard": DETACHED},
    spares=["dense-one-step"],
)
class ResetGradientKept(Backend):
    def jacobian(self, neuron, u, s, derivative, kept):
        return super().jacobian(neuron, u, s, derivative, True)


@fault(
    "the reset's gradient is detached where it should be kept",
    shows={"dense": KEPT, "dense-unleaked": KEPT, "dense-hard": KEPT},
    spares=["dense-one-step"],
)
class ResetGradientDetached(Backend):
    def jacobian(self, neuron, u, s, derivative, kept):
        return super().jacobian(neuron, u, s, derivative, False)


@fault(
    "the kept reset's gradient is not leaked: λ - V_th ψ",
    shows={"dense": KEPT},
    spares=["dense-unleaked", "dense-hard", "dense-decay-1"],
)
class ResetGradientUnleaked(Backend):
    def jacobian(self, neuron, u, s, derivative, kept):
        soft = neuron.get("reset") == "soft"
        return super().jacobian({**neuron, "reset": "unleaked"} if soft else neuron, u, s, derivative, kept)


@fault(
    "the kept reset's gradient lacks the threshold: λ (1 - ψ)",
    shows={"dense-threshold": KEPT, "dense-unleaked": KEPT},
    spares=["dense", "dense-hard"],
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


@fault(
    "BPTT goes back over five time steps and no more",
    shows={"dense": BPTT, "dense-long": BPTT},
    spares=["dense-one-step", "dense-one-sample"],
)
class BpttInWindows(Backend):
    """In windows that do not overlap, counted from the end."""

    def errors(self, step, output_error, later=None, kept=False):
        if later is not None:
            self.count = 0 if not any(np.any(error) for error in later) else self.count + 1
            later = later if self.count % 5 else [np.zeros_like(error) for error in later]
        return super().errors(step, output_error, later, kept)


@fault(
    "the unleaked reset's gradient is leaked: λ (1 - V_th ψ)",
    shows={"dense-unleaked": KEPT, "dense-by-layer": KEPT},
    spares=["dense", "dense-hard"],
)
class ResetGradientLeaked(Backend):
    def jacobian(self, neuron, u, s, derivative, kept):
        unleaked = neuron.get("reset") == "unleaked"
        return super().jacobian({**neuron, "reset": "soft"} if unleaked else neuron, u, s, derivative, kept)


@fault(
    "the hard reset's gradient forgets the potential that it goes to: - λ u ψ",
    shows={"dense-hard": KEPT, "dense-by-layer": KEPT},
    spares=["dense", "dense-unleaked"],
)
class ResetPotentialForgottenBack(Backend):
    def jacobian(self, neuron, u, s, derivative, kept):
        return super().jacobian({**neuron, "reset_potential": 0.0}, u, s, derivative, kept)


@fault("the gradient of the reset has the other sign", shows={"dense": KEPT, "dense-hard": KEPT}, spares=[])
class ResetGradientNegative(Backend):
    def jacobian(self, neuron, u, s, derivative, kept):
        return super().jacobian(neuron, u, s, -derivative, kept)


@fault(
    "RTRL follows no influence through time: it is SLTT",
    shows={"dense": ("rtrl", "rtrl-kept"), "recurrent": ("rtrl", "rtrl-kept")},
    spares=["dense-one-step"],
)
class RtrlIsSltt(Backend):
    def __call__(self, case, method):
        return super().__call__(case, "sltt" if method.startswith("rtrl") else method)


@fault(
    "RTRL follows no influence through other layers: it is OTTT",
    shows={"dense": ("rtrl", "rtrl-kept"), "recurrent": ("rtrl", "rtrl-kept")},
    spares=["dense-one-step", "dense-decay-0"],
)
class RtrlIsOttt(Backend):
    def __call__(self, case, method):
        return super().__call__(case, "ottt" if method.startswith("rtrl") else method)


@fault("RTRL detaches the reset where it should be kept", shows={"dense": ("rtrl-kept",)}, spares=["dense-one-step"])
class RtrlDetached(Backend):
    def __call__(self, case, method):
        return super().__call__(case, "rtrl" if method == "rtrl-kept" else method)
