"""Mistakes in the surrogate derivative."""

import numpy as np

from ..numpy_backend import Backend
from .catalogue import SURROGATE, fault
from .dynamics import spiking

DEFAULTS = {
    "Sigmoid": {"alpha": 4.0},
    "Arctan": {"alpha": 2.0},
    "Triangle": {"width": 1.0, "height": 1.0},
    "Rectangle": {"width": 1.0},
    "MultiGaussian": {"sigma": 0.5, "h": 0.15, "s": 6.0, "scale": 1.0},
}


@fault(
    "the surrogate is scaled to 1 at the threshold",
    shows={"dense-sharp": SURROGATE, "dense-rectangle": SURROGATE, "dense-multigaussian": SURROGATE},
    spares=["dense", "dense-arctan", "dense-triangle"],
)
class SurrogateNormalised(Backend):
    def surrogate(self, description, z):
        return super().surrogate(description, z) / super().surrogate(description, np.zeros_like(z))


@fault("the surrogate is 0: no error crosses a spike", shows={"dense": SURROGATE, "conv": SURROGATE}, spares=[])
class SurrogateZero(Backend):
    def surrogate(self, description, z):
        return np.zeros_like(z)


@fault("the surrogate is 1 everywhere", shows={"dense": SURROGATE, "dense-triangle": SURROGATE}, spares=[])
class SurrogateStraightThrough(Backend):
    def surrogate(self, description, z):
        return np.ones_like(z)


@fault(
    "the surrogate's sharpness and width are confused: 1 / α for α, 1 / width for width",
    shows={"dense": SURROGATE, "dense-arctan": SURROGATE, "dense-rectangle": SURROGATE},
    spares=["dense-triangle", "dense-multigaussian"],
)
class SurrogateInverted(Backend):
    def surrogate(self, description, z):
        inverted = {name: 1 / description[name] for name in ("alpha", "width") if name in description}
        return super().surrogate({**description, **inverted}, z)


@fault(
    "the sigmoid's derivative is that by αz: S (1 - S), without the factor α",
    shows={"dense": SURROGATE, "dense-sharp": SURROGATE},
    spares=["dense-arctan", "dense-triangle"],
)
class SigmoidWithoutSlope(Backend):
    def surrogate(self, description, z):
        slope = description["alpha"] if description["type"] == "Sigmoid" else 1.0
        return super().surrogate(description, z) / slope


@fault(
    "the surrogate's numbers are not read: its defaults are used",
    shows={"dense-sharp": SURROGATE, "dense-rectangle": SURROGATE},
    spares=["dense", "dense-arctan", "dense-triangle", "dense-multigaussian"],
)
class SurrogateDefaults(Backend):
    def surrogate(self, description, z):
        return super().surrogate({"type": description["type"], **DEFAULTS[description["type"]]}, z)


@fault(
    "the sigmoid's derivative is α e / (1 + e)² of e = exp(-αz), which overflows to what is not a number",
    shows={"dense-long-float32": SURROGATE},
    spares=["dense", "dense-float32", "dense-long"],
)
class SigmoidOverflows(Backend):
    def surrogate(self, description, z):
        if description["type"] != "Sigmoid":
            return super().surrogate(description, z)
        with np.errstate(over="ignore", invalid="ignore"):
            e = np.exp(-description["alpha"] * z)
            return description["alpha"] * e / (1 + e) ** 2


@fault(
    "the surrogate is a sigmoid, whichever was asked for",
    shows={"dense-arctan": SURROGATE, "dense-triangle": SURROGATE, "dense-multigaussian": SURROGATE},
    spares=["dense", "dense-sharp"],
)
class SigmoidEverywhere(Backend):
    def surrogate(self, description, z):
        return super().surrogate({"type": "Sigmoid", "alpha": description.get("alpha", 4.0)}, z)


@fault(
    "the surrogate is evaluated at u, not at u - V_th",
    shows={"dense": SURROGATE, "dense-triangle": SURROGATE},
    spares=[],
)
class SurrogateOfPotential(Backend):
    def derivative(self, neuron, u, s):
        return super().derivative({**neuron, "threshold": 0.0}, u, s)


@fault(
    "the surrogate is evaluated at the potential after the reset",
    shows={"dense": SURROGATE, "dense-hard": SURROGATE},
    spares=["silent"],
)
class SurrogateAfterReset(Backend):
    def derivative(self, neuron, u, s):
        if spiking(neuron):
            u = self.carried({**neuron, "decay": 1.0}, u, s)
        return super().derivative(neuron, u, s)


@fault(
    "errors enter a spiking last layer without its surrogate",
    shows={"dense-spiking-readout": SURROGATE},
    spares=["dense", "dense-leaky-readout"],
)
class LastSurrogateMissing(Backend):
    def errors(self, step, output_error, later=None, kept=False):
        step.derivatives[-1] = np.ones_like(step.derivatives[-1])
        return super().errors(step, output_error, later, kept)
