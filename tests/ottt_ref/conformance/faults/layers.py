"""Mistakes in convolutions, pooling, scales and weight standardisation."""

import numpy as np

from ..numpy_backend import Backend
from .catalogue import EVERYTHING, FORWARD, GRADIENTS, fault

BEFORE_CONVOLUTIONS = ["dense", "recurrent"]


@fault(
    "the kernel is flipped: a convolution, not a correlation",
    shows={"conv": FORWARD, "conv-pooled": FORWARD, "conv-feedback": FORWARD},
    spares=BEFORE_CONVOLUTIONS,
)
class ConvolutionFlipped(Backend):
    def convolve(self, conv, x, weight):
        return super().convolve(conv, x, weight[:, :, ::-1, ::-1])


@fault(
    "errors go back through a convolution by the kernel as it is, not flipped",
    shows={"conv": GRADIENTS, "conv-pooled": GRADIENTS, "conv-standardised": GRADIENTS},
    spares=BEFORE_CONVOLUTIONS,
)
class ConvolutionNotFlippedBack(Backend):
    def convolve_back(self, conv, error, weight, shape):
        return super().convolve_back(conv, error, weight[:, :, ::-1, ::-1], shape)


@fault(
    "the bias's gradient of a convolution is the mean over the pixels",
    shows={"conv": GRADIENTS, "conv-standardised": GRADIENTS},
    spares=BEFORE_CONVOLUTIONS,
)
class ConvolutionBiasAveraged(Backend):
    def gradients_of(self, operation, name, error, x, constant):
        found = super().gradients_of(operation, name, error, x, constant)
        if operation["type"] == "Conv2d" and "bias" in found:
            found["bias"] = found["bias"] / error[0, 0].size
        return found


@fault(
    "images are flattened with the channels last",
    shows={"conv": EVERYTHING, "conv-pooled": EVERYTHING},
    spares=BEFORE_CONVOLUTIONS,
)
class FlattenedChannelsLast(Backend):
    def apply(self, operation, name, x, constant):
        if operation["type"] == "Flatten" and x.ndim == 4:
            x = x.transpose(0, 2, 3, 1)
        return super().apply(operation, name, x, constant)


@fault("the pool is that of the largest", shows={"conv-pooled": FORWARD}, spares=["conv"])
class PoolsLargest(Backend):
    def pool(self, pooling, windows):
        return windows.max(axis=(-2, -1))


@fault("the pool is the sum", shows={"conv-pooled": FORWARD}, spares=["conv"])
class PoolsSum(Backend):
    def pool(self, pooling, windows):
        return windows.sum(axis=(-2, -1))


@fault(
    "errors go back through a pool undivided", shows={"conv-pooled": GRADIENTS}, spares=["conv", "conv-standardised"]
)
class PoolErrorsUndivided(Backend):
    def pool_back(self, pooling, error, shape):
        return super().pool_back(pooling, error * np.prod(pooling["size"]), shape)


@fault("the scale is left out", shows={"conv-pooled": FORWARD, "conv-standardised": FORWARD}, spares=["conv"])
class ScaleIgnored(Backend):
    def apply(self, operation, name, x, constant):
        return x if operation["type"] == "Scale" else super().apply(operation, name, x, constant)


@fault(
    "the scale is forgotten on the way back",
    shows={"conv-pooled": GRADIENTS, "conv-standardised": GRADIENTS, "conv-standardised-float32": GRADIENTS},
    spares=["conv"],
)
class ScaleForgottenBack(Backend):
    def scale_back(self, operation, error):
        return error


def over_outputs(numbers, weight):
    """One number per output, in a shape that multiplies the weight."""
    return numbers.reshape(-1, *[1] * (weight.ndim - 1))


class OtherDeviation(Backend):
    """Weight standardisation that divides by something else."""

    def root(self, rows, epsilon):
        raise NotImplementedError

    def standardise(self, rows, epsilon):
        root = self.root(rows, epsilon)
        return (rows - rows.mean(axis=1, keepdims=True)) / root, root


@fault(
    "weight standardisation has the biased variance",
    shows={"conv-standardised": FORWARD, "dense-standardised": FORWARD, "conv-standardised-float32": FORWARD},
    spares=["conv"],
)
class BiasedVariance(OtherDeviation):
    def root(self, rows, epsilon):
        return np.sqrt(rows.var(axis=1, keepdims=True) * rows.shape[1] + epsilon)


@fault(
    "weight standardisation lacks the fan-in",
    shows={"conv-standardised": FORWARD, "dense-standardised": FORWARD, "conv-standardised-float32": FORWARD},
    spares=["conv"],
)
class StandardisedWithoutFanIn(OtherDeviation):
    def root(self, rows, epsilon):
        return np.sqrt(rows.var(axis=1, ddof=1, keepdims=True) + epsilon)


@fault(
    "weight standardisation adds epsilon to the deviation, not to the variance",
    shows={"conv-standardised": EVERYTHING, "dense-standardised": FORWARD},
    spares=["conv"],
)
class EpsilonOutside(OtherDeviation):
    def root(self, rows, epsilon):
        return np.sqrt(rows.var(axis=1, ddof=1, keepdims=True) * rows.shape[1]) + epsilon


@fault(
    "weight standardisation is that of the whole weight, not of each output",
    shows={"conv-standardised": FORWARD, "dense-standardised": FORWARD, "conv-standardised-float32": FORWARD},
    spares=["conv"],
)
class StandardisedAsAWhole(Backend):
    def standardise(self, rows, epsilon):
        root = np.sqrt(rows.var(ddof=1) * rows.shape[1] + epsilon) * np.ones((len(rows), 1), dtype=self.dtype)
        return (rows - rows.mean()) / root, root


@fault("weight standardisation has no gain", shows={"conv-standardised": FORWARD}, spares=["conv"])
class GainIgnored(Backend):
    def weight(self, operation, name):
        used = super().weight(operation, name)
        gain = self.parameters.get(f"{name}.gain")
        return used if gain is None else used / over_outputs(gain, used)


@fault(
    "weight standardisation's mean and deviation are constants on the way back",
    shows={"conv-standardised": GRADIENTS, "dense-standardised": GRADIENTS, "conv-standardised-float32": GRADIENTS},
    spares=["conv"],
)
class StandardisationConstantBack(Backend):
    def standardise_back(self, gradient, name, epsilon):
        raw, gain = self.parameters[f"{name}.weight"], self.parameters[f"{name}.gain"]
        _, root = self.standardise(raw.reshape(len(raw), -1), epsilon)
        through = gradient * over_outputs(gain / root[:, 0], gradient)
        return {**super().standardise_back(gradient, name, epsilon), "weight": through}


@fault(
    "weight standardisation's deviation is a constant on the way back",
    shows={"conv-standardised": GRADIENTS, "dense-standardised": GRADIENTS, "conv-standardised-float32": GRADIENTS},
    spares=["conv"],
)
class DeviationConstantBack(StandardisationConstantBack):
    def standardise_back(self, gradient, name, epsilon):
        found = super().standardise_back(gradient, name, epsilon)
        axes = tuple(range(1, gradient.ndim))
        return {**found, "weight": found["weight"] - found["weight"].mean(axis=axes, keepdims=True)}


@fault(
    "errors go back through the raw weight, not the standardised one",
    shows={"conv-standardised": GRADIENTS},
    spares=["conv"],
)
class RawWeightBack(Backend):
    def transposed(self, operation, name, error, shape):
        return super().transposed(operation.get("synapses", operation), name, error, shape)


@fault(
    "the scale multiplies the bias too",
    shows={"conv-pooled": FORWARD, "conv-standardised": FORWARD},
    spares=["conv"],
)
class ScaleIncludesBias(Backend):
    def apply(self, operation, name, x, constant):
        if self.factor != 1 and operation["type"] != "Scale":
            constant = self.factor * constant
        return super().apply(operation, name, x, constant)

    def inside(self, connection, values, constant):
        self.factor = np.prod([each["factor"] for each in connection.operations if each["type"] == "Scale"])
        return super().inside(connection, values, constant)


@fault(
    "weight standardisation's gain multiplies the bias too",
    shows={"dense-standardised": FORWARD, "conv-standardised": FORWARD},
    spares=["conv", "dense"],
)
class GainIncludesBias(Backend):
    def bias(self, name):
        return super().bias(name) * self.parameters.get(f"{name}.gain", 1)


@fault(
    "the gain's gradient is forgotten",
    shows={"dense-standardised": GRADIENTS, "conv-standardised": GRADIENTS},
    spares=["conv", "conv-residual"],
)
class GainGradientForgotten(Backend):
    def standardise_back(self, gradient, name, epsilon):
        found = super().standardise_back(gradient, name, epsilon)
        return {**found, "gain": np.zeros_like(found["gain"])}


@fault(
    "weight standardisation has no epsilon",
    shows={"conv-standardised": EVERYTHING, "dense-standardised": FORWARD},
    spares=["conv"],
)
class EpsilonIgnored(OtherDeviation):
    def root(self, rows, epsilon):
        return np.sqrt(rows.var(axis=1, ddof=1, keepdims=True) * rows.shape[1])


@fault(
    "weight standardisation's way back is that of the biased variance",
    shows={"conv-standardised": GRADIENTS, "dense-standardised": GRADIENTS},
    spares=["conv"],
)
class StandardisedBackBiased(Backend):
    def standardise_back(self, gradient, name, epsilon):
        raw, gain = self.parameters[f"{name}.weight"], self.parameters[f"{name}.gain"]
        rows = gradient.reshape(len(raw), -1)
        standardised, root = self.standardise(raw.reshape(len(raw), -1), epsilon)
        along = (rows * standardised).sum(axis=1, keepdims=True)
        centred = rows - rows.mean(axis=1, keepdims=True) - along * standardised
        return {"weight": (gain[:, None] / root * centred).reshape(raw.shape), "gain": along[:, 0]}


@fault(
    "weight standardisation's epsilon is always 1e-4",
    shows={"dense-standardised": FORWARD},
    spares=["conv-standardised"],
)
class EpsilonDefault(Backend):
    def standardise(self, rows, epsilon):
        return super().standardise(rows, 1e-4)
