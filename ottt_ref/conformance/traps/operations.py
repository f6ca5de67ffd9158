"""Operations that do one thing otherwise, forwards or on the way back."""

import numpy as np

from ...kernel import rows
from ...network.operations import (
    AveragePool2d,
    Chain,
    Conv2d,
    Dense,
    Flatten,
    MaxPool2d,
    Scale,
    SkipInit,
    Upsample2d,
    WeightStandardised,
)
from ...network.operations.windows import padded


def as_kind_of(kind, varied):
    """Operation → the same as the varied kind, where it is of the kind."""

    def change(operation):
        if not isinstance(operation, kind):
            return operation
        result = varied.__new__(varied)
        result.__dict__.update(operation.__dict__)
        return result

    return change


class Untransposed(Dense):
    """Dense synapses whose errors come back through W, not W^T; of square weights."""

    def adjoint(self, error, input_shape):
        if self.input_size != self.output_size:
            return super().adjoint(error, input_shape)
        return Dense.adjoint(self.replaced(weight=np.ascontiguousarray(self.weight.T)), error, input_shape)


def untransposed(operation):
    """Dense synapses with the wrong adjoint."""
    if not isinstance(operation, Dense):
        return operation
    bias = operation.bias if "bias" in operation.parameter_names else False
    return Untransposed(operation.weight, bias)


class FixedStandardisation(WeightStandardised):
    """Weight standardisation whose mean and variance are constants to the gradient."""

    def add_gradients(self, gradients, error, presynaptic, bias_input):
        through = {"weight": np.zeros_like(self.synapses.weight), "gain": np.zeros_like(self.gain)}
        super().add_gradients({**gradients, **through}, error, presynaptic, bias_input)
        effective = {name: np.zeros_like(value) for name, value in through.items() if name == "weight"}
        self.synapses.add_gradients({**effective, "bias": np.zeros_like(self.gain)}, error, presynaptic, bias_input)
        factor = (self.gain / self.standardised()[1])[:, np.newaxis]
        gradients["weight"] += (rows(effective["weight"]) * factor).reshape(self.synapses.weight.shape)
        gradients["gain"] += through["gain"]


class OneWayScale(Scale):
    """A scale that errors do not go through."""

    def adjoint(self, error, input_shape):
        return error


class OneWayPool(AveragePool2d):
    """Average pooling whose errors are not divided by the window's size."""

    def adjoint(self, error, input_shape):
        return AveragePool2d.adjoint(self.replaced(share=1.0), error, input_shape)


class EpsilonOutside(WeightStandardised):
    """(W - mean) / (sqrt(variance n) + ε)."""

    def standardised(self):
        weight = rows(self.synapses.weight).astype(np.float64)
        root = np.sqrt(weight.var(axis=1, ddof=1) * weight.shape[1]) + self.epsilon
        values = (weight - weight.mean(axis=1, keepdims=True)) / root[:, np.newaxis]
        return values.astype(self.dtype), root


class StandardisedWhole(WeightStandardised):
    """Mean and variance of all weights together."""

    def standardised(self):
        weight = rows(self.synapses.weight).astype(np.float64)
        root = np.sqrt(weight.var(ddof=1) * weight.shape[1] + self.epsilon)
        return ((weight - weight.mean()) / root).astype(self.dtype), np.full(len(weight), root)


def without_gain(operation):
    """Standardised weights whose gain is 1."""
    if not isinstance(operation, WeightStandardised):
        return operation
    return operation.replaced(gain=np.ones_like(operation.gain))


class ChannelsLast(Flatten):
    """[B, C, H, W] → [B, H · W · C]."""

    def forward(self, values, bias_input):
        return rows(np.ascontiguousarray(np.moveaxis(values, 1, -1)))

    def adjoint(self, error, input_shape):
        channels, *size = input_shape
        return np.ascontiguousarray(np.moveaxis(error.reshape(len(error), *size, channels), -1, 1))


class LargestPool2d(AveragePool2d):
    """The largest of each window."""

    def forward(self, values, bias_input):
        windows = np.lib.stride_tricks.sliding_window_view(padded(values, self.padding), self.size, axis=(2, 3))
        return windows[:, :, :: self.stride[0], :: self.stride[1]].max(axis=(4, 5))


class LastOfEquals(MaxPool2d):
    """Max pooling whose errors go to the last of equals."""

    def adjoint(self, error, input_shape, values=None):
        result = np.zeros_like(values)
        (height, width), stride, padding = self._windows()
        for b, c, y, x in np.ndindex(error.shape):
            inside = [
                (row, column)
                for row in range(y * stride[0] - padding[0], y * stride[0] - padding[0] + height)
                for column in range(x * stride[1] - padding[1], x * stride[1] - padding[1] + width)
                if 0 <= row < input_shape[1] and 0 <= column < input_shape[2]
            ]
            result[b, c, *max(inside, key=lambda place: (values[b, c, *place], place))] += error[b, c, y, x]
        return result


class AmongEquals(MaxPool2d):
    """Max pooling whose errors are shared out among equals."""

    def adjoint(self, error, input_shape, values=None):
        result, (size, stride, padding) = np.zeros_like(values), self._windows()
        for b, c, y, x in np.ndindex(error.shape):
            top, left = y * stride[0] - padding[0], x * stride[1] - padding[1]
            window = np.s_[b, c, max(top, 0) : top + size[0], max(left, 0) : left + size[1]]
            largest = values[window] == values[window].max()
            result[window] += (error[b, c, y, x] * largest / largest.sum()).astype(values.dtype)
        return result


class PaddingUncounted(AveragePool2d):
    """The mean over the part of each window that lies in the image."""

    def _counts(self, shape):
        ones = padded(np.ones((1, *shape)), self.padding)
        return AveragePool2d.forward(self.replaced(padding=0), ones, None)

    def forward(self, values, bias_input):
        return (super().forward(values, bias_input) / self._counts(values.shape[1:])).astype(values.dtype)

    def adjoint(self, error, input_shape):
        return super().adjoint((error / self._counts(input_shape)).astype(error.dtype), input_shape)


class KernelNotFlippedBack(Conv2d):
    """Convolution whose errors come back through the kernel as it is forwards, turned around."""

    def adjoint(self, error, input_shape):
        flipped = np.ascontiguousarray(self.weight[:, :, ::-1, ::-1])
        return Conv2d.adjoint(self.replaced(weight=flipped), error, input_shape)


class GroupsInTurn(Conv2d):
    """Convolution in groups of which output o sees o % groups."""

    def _sorted(self):
        """The same with each group's outputs in a row, and which outputs these are."""
        order = [o for group in range(self.groups) for o in range(group, len(self.weight), self.groups)]
        return self.replaced(weight=self.weight[order], bias=self.bias[order]), order

    def forward(self, values, bias_input):
        convolution, order = self._sorted()
        found = Conv2d.forward(convolution, values, bias_input)
        result = np.empty_like(found)
        result[:, order] = found
        return result

    def adjoint(self, error, input_shape):
        convolution, order = self._sorted()
        return Conv2d.adjoint(convolution, np.ascontiguousarray(error[:, order]), input_shape)


class BiasAveraged(Conv2d):
    """Convolution whose bias gradient is averaged over the pixels, not summed."""

    def add_gradients(self, gradients, error, presynaptic, bias_input):
        bias = np.zeros_like(self.bias)
        super().add_gradients({**gradients, "bias": bias}, error, presynaptic, bias_input)
        self.bias_gradient(gradients)[...] += bias / error[0, 0].size


def within_standardised(change):
    """Operation → Operation whose synapses, also those that are standardised, are `change`d."""

    def apply(operation):
        if not isinstance(operation, WeightStandardised):
            return change(operation)
        return operation.replaced(synapses=change(operation.synapses))

    return apply


class DeviationFixed(FixedStandardisation):
    """Weight standardisation whose variance is a constant to the gradient, its mean is not."""

    def add_gradients(self, gradients, error, presynaptic, bias_input):
        fixed = {"weight": np.zeros_like(self.synapses.weight)}
        super().add_gradients({**gradients, **fixed}, error, presynaptic, bias_input)
        by_output = rows(fixed["weight"])
        centred = by_output - by_output.mean(axis=1, keepdims=True)
        gradients["weight"] += centred.reshape(self.synapses.weight.shape)


class RawWeightBack(WeightStandardised):
    """Weight standardisation whose errors come back through the raw weight."""

    def adjoint(self, error, input_shape):
        return self.synapses.adjoint(error, input_shape)


class GainFixed(SkipInit):
    """A learned gain that has no gradient."""

    def add_gradients(self, gradients, error, presynaptic, bias_input):
        gradients["skip_gain"] += 0 * gradients["skip_gain"]


class AveragedUpsample(Upsample2d):
    """Upsampling whose errors are averaged over the pixels that came of one."""

    def adjoint(self, error, input_shape):
        return (super().adjoint(error, input_shape) / self.factor**2).astype(error.dtype)


class ErrorsLost(Chain):
    """A chain that no error comes back through."""

    def adjoint(self, error, input_shape):
        return np.zeros((len(error), *input_shape), dtype=error.dtype)
