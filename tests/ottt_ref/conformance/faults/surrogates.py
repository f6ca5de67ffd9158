"""Mistakes in the surrogate derivative."""

import numpy as np

from ..numpy_backend import Backend
from .catalogue import ALL_BUT_RATES, SURROGATE, fault
from .dynamics import spiking

DEFAULTS = {
    "Sigmoid": {"alpha": 4.0},
    "Arctan": {"alpha": 2.0},
    "Triangle": {"width": 1.0, "height": 1.0},
    "Rectangle": {"width": 1.0},
    "FastSigmoid": {"slope": 25.0, "height": 1.0},
    "MultiGaussian": {"sigma": 0.5, "h": 0.15, "s": 6.0, "scale": 1.0},
}


@fault(
    "the surrogate is scaled to 1 at the threshold",
    shows={"dense-sharp": ALL_BUT_RATES, "dense-rectangle": ALL_BUT_RATES, "dense-multigaussian": ALL_BUT_RATES},
    spares=["dense", "dense-float32"],
)
class SurrogateNormalised(Backend):
    def surrogate(self, description, z):
        return super().surrogate(description, z) / super().surrogate(description, np.zeros_like(z))


@fault("the surrogate is 0: no error crosses a spike", shows={"dense": ALL_BUT_RATES, "conv": ALL_BUT_RATES}, spares=[])
class SurrogateZero(Backend):
    def surrogate(self, description, z):
        return np.zeros_like(z)


@fault("the surrogate is 1 everywhere", shows={"dense": ALL_BUT_RATES, "dense-triangle": ALL_BUT_RATES}, spares=[])
class SurrogateStraightThrough(Backend):
    def surrogate(self, description, z):
        return np.ones_like(z)


@fault(
    "the surrogate's sharpness and width are confused: 1 / α for α, 1 / width for width",
    shows={"dense": ALL_BUT_RATES, "dense-arctan": ALL_BUT_RATES, "dense-rectangle": ALL_BUT_RATES},
    spares=["dense-multigaussian"],
)
class SurrogateInverted(Backend):
    def surrogate(self, description, z):
        inverted = {name: 1 / description[name] for name in ("alpha", "width") if name in description}
        return super().surrogate({**description, **inverted}, z)


@fault(
    "the sigmoid's derivative is that by αz: S (1 - S), without the factor α",
    shows={"dense": ALL_BUT_RATES, "dense-sharp": ALL_BUT_RATES},
    spares=["dense-arctan", "dense-triangle"],
)
class SigmoidWithoutSlope(Backend):
    def surrogate(self, description, z):
        slope = description["alpha"] if description["type"] == "Sigmoid" else 1.0
        return super().surrogate(description, z) / slope


@fault(
    "the surrogate's numbers are not read: its defaults are used",
    shows={f"dense-{name}": ALL_BUT_RATES for name in ("sharp", "arctan", "triangle", "rectangle", "multigaussian")},
    spares=["dense"],
)
class SurrogateDefaults(Backend):
    def surrogate(self, description, z):
        return super().surrogate({"type": description["type"], **DEFAULTS[description["type"]]}, z)


@fault(
    "the sigmoid's derivative is α e / (1 + e)² of e = exp(-αz), which overflows to what is not a number",
    shows={"dense-long-float32": ALL_BUT_RATES},
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
    shows={"dense-arctan": ALL_BUT_RATES, "dense-triangle": ALL_BUT_RATES, "dense-multigaussian": ALL_BUT_RATES},
    spares=["dense", "dense-sharp"],
)
class SigmoidEverywhere(Backend):
    def surrogate(self, description, z):
        return super().surrogate({"type": "Sigmoid", "alpha": description.get("alpha", 4.0)}, z)


@fault(
    "the surrogate is evaluated at u, not at u - V_th",
    shows={"dense": ALL_BUT_RATES, "dense-triangle": ALL_BUT_RATES},
    spares=[],
)
class SurrogateOfPotential(Backend):
    def derivative(self, neuron, u, s):
        return super().derivative({**neuron, "threshold": 0.0}, u, s)


@fault(
    "the surrogate is evaluated at the potential after the reset",
    shows={"dense": ALL_BUT_RATES, "dense-hard": ALL_BUT_RATES},
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


class SurrogateVaried(Backend):
    """One kind of surrogate, with other numbers."""

    kind = None

    def numbers(self, description):
        """What is used in place of the description's numbers, by name."""
        raise NotImplementedError

    def surrogate(self, description, z):
        varied = self.numbers(description) if description["type"] == self.kind else {}
        return super().surrogate({**description, **varied}, z)


class SurrogateDefault(SurrogateVaried):
    """One number of one kind of surrogate is not read."""

    number = None

    def numbers(self, description):
        return {self.number: DEFAULTS[self.kind][self.number]}


OTHER_SURROGATES = ["dense-sharp"]


@fault("α of Arctan is always 2", shows={"dense-arctan": ALL_BUT_RATES}, spares=OTHER_SURROGATES)
class ArctanAlphaDefault(SurrogateDefault):
    kind, number = "Arctan", "alpha"


@fault("the width of Triangle is always 1", shows={"dense-triangle": ALL_BUT_RATES}, spares=OTHER_SURROGATES)
class TriangleWidthDefault(SurrogateDefault):
    kind, number = "Triangle", "width"


@fault("the height of Triangle is always 1", shows={"dense-triangle": ALL_BUT_RATES}, spares=OTHER_SURROGATES)
class TriangleHeightDefault(SurrogateDefault):
    kind, number = "Triangle", "height"


@fault("σ of MultiGaussian is always 1/2", shows={"dense-multigaussian": ALL_BUT_RATES}, spares=OTHER_SURROGATES)
class MultiGaussianSigmaDefault(SurrogateDefault):
    kind, number = "MultiGaussian", "sigma"


@fault("h of MultiGaussian is always 0.15", shows={"dense-multigaussian": ALL_BUT_RATES}, spares=OTHER_SURROGATES)
class MultiGaussianHeightDefault(SurrogateDefault):
    kind, number = "MultiGaussian", "h"


@fault("s of MultiGaussian is always 6", shows={"dense-multigaussian": ALL_BUT_RATES}, spares=OTHER_SURROGATES)
class MultiGaussianSpreadDefault(SurrogateDefault):
    kind, number = "MultiGaussian", "s"


@fault("the scale of MultiGaussian is always 1", shows={"dense-multigaussian": ALL_BUT_RATES}, spares=OTHER_SURROGATES)
class MultiGaussianScaleDefault(SurrogateDefault):
    kind, number = "MultiGaussian", "scale"


@fault(
    "the side lobes of MultiGaussian have the variance s σ², not (s σ)²",
    shows={"dense-multigaussian": ALL_BUT_RATES},
    spares=OTHER_SURROGATES,
)
class MultiGaussianSpreadsVariance(SurrogateVaried):
    kind = "MultiGaussian"

    def numbers(self, description):
        return {"s": np.sqrt(description["s"])}


@fault(
    "Triangle's width is read as its slope: 1 / width for width",
    shows={"dense-triangle": ALL_BUT_RATES, "dense-by-layer": ALL_BUT_RATES},
    spares=[*OTHER_SURROGATES, "at-threshold"],
)
class TriangleWidthInverted(SurrogateVaried):
    kind = "Triangle"

    def numbers(self, description):
        return {"width": 1 / description["width"]}


@fault("Triangle's width is that of its whole base", shows={"dense-triangle": ALL_BUT_RATES}, spares=OTHER_SURROGATES)
class TriangleWidthIsBase(SurrogateVaried):
    kind = "Triangle"

    def numbers(self, description):
        return {"width": description["width"] / 2}


@fault("Rectangle has the height 1", shows={"dense-rectangle": ALL_BUT_RATES}, spares=OTHER_SURROGATES)
class RectangleOfHeightOne(Backend):
    def surrogate(self, description, z):
        height = description["width"] if description["type"] == "Rectangle" else 1.0
        return height * super().surrogate(description, z)


@fault("Rectangle reaches to ± width", shows={"dense-rectangle": ALL_BUT_RATES}, spares=OTHER_SURROGATES)
class RectangleTwiceAsWide(Backend):
    def surrogate(self, description, z):
        if description["type"] != "Rectangle":
            return super().surrogate(description, z)
        return 2 * super().surrogate({**description, "width": 2 * description["width"]}, z)


@fault("Arctan lacks its π", shows={"dense-arctan": ALL_BUT_RATES}, spares=OTHER_SURROGATES)
class ArctanWithoutPi(Backend):
    def surrogate(self, description, z):
        return super().surrogate(description, z / np.pi if description["type"] == "Arctan" else z)


@fault(
    "the sigmoid's derivative is α e / (1 + e)² of e = exp(αz), which overflows to what is not a number",
    shows={"saturated-float32": ALL_BUT_RATES},
    spares=["dense", "dense-long-float32", "dense-float32"],
)
class SigmoidOverflowsAbove(Backend):
    def surrogate(self, description, z):
        if description["type"] != "Sigmoid":
            return super().surrogate(description, z)
        with np.errstate(over="ignore", invalid="ignore"):
            e = np.exp(description["alpha"] * z)
            return description["alpha"] * e / (1 + e) ** 2


@fault(
    "the loss of a spiking last layer is that of its potentials",
    shows={"dense-spiking-readout": SURROGATE},
    spares=["dense", "dense-leaky-readout"],
)
class LossOfLastPotentials(Backend):
    def errors(self, step, output_error, later=None, kept=False):
        return super().errors(step, self.output_error(step.potentials[-1]), later, kept)


@fault("the surrogate is cut off at 0", shows={"dense-multigaussian": ALL_BUT_RATES}, spares=OTHER_SURROGATES)
class SurrogateNeverNegative(Backend):
    def surrogate(self, description, z):
        return np.maximum(0, super().surrogate(description, z))
