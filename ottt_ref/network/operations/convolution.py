"""Convolution over images [B, C, H, W], as a cross-correlation: what every framework calls Conv2d.

    forward        I[b, o, y, x] = Σ_c Σ_k Σ_m W[o, c, k, m] p[b, c, y·stride + k, x·stride + m] + b[o] c
    adjoint        ε_p[b, c, y·stride + k, x·stride + m] += W[o, c, k, m] δ[b, o, y, x]
    gradients      ∇W[o, c, k, m] += Σ_b Σ_y Σ_x δ[b, o, y, x] p[b, c, y·stride + k, x·stride + m]

p is the image with `padding` zeros on each side; ε is ε_p without them.
"""

from collections.abc import MutableMapping
from typing import Literal

import numpy as np

from ...annotations import Shape
from ...kernel import kernel
from ...validation import describe_shape, require_size
from .dense import Synapses
from .door import require_error, require_pairing, require_values
from .windows import padded, padded_shape, unpadded, window_shape


@kernel
def convolve(current, weight, bias, image, bias_input, stride):
    for b in range(current.shape[0]):
        for o in range(current.shape[1]):
            for y in range(current.shape[2]):
                for x in range(current.shape[3]):
                    current[b, o, y, x] = bias[o] * bias_input[0]
            for c in range(weight.shape[1]):
                for k in range(weight.shape[2]):
                    for m in range(weight.shape[3]):
                        for y in range(current.shape[2]):
                            for x in range(current.shape[3]):
                                current[b, o, y, x] += weight[o, c, k, m] * image[b, c, y * stride + k, x * stride + m]


@kernel
def convolve_adjoint(image_error, weight, error, stride):
    for b in range(error.shape[0]):
        for o in range(error.shape[1]):
            for c in range(weight.shape[1]):
                for k in range(weight.shape[2]):
                    for m in range(weight.shape[3]):
                        for y in range(error.shape[2]):
                            for x in range(error.shape[3]):
                                image_error[b, c, y * stride + k, x * stride + m] += (
                                    weight[o, c, k, m] * error[b, o, y, x]
                                )


@kernel
def convolve_gradients(weight_gradient, bias_gradient, error, image, bias_input, stride):
    for b in range(error.shape[0]):
        for o in range(error.shape[1]):
            for c in range(weight_gradient.shape[1]):
                for k in range(weight_gradient.shape[2]):
                    for m in range(weight_gradient.shape[3]):
                        total = weight_gradient[o, c, k, m]
                        for y in range(error.shape[2]):
                            for x in range(error.shape[3]):
                                total += error[b, o, y, x] * image[b, c, y * stride + k, x * stride + m]
                        weight_gradient[o, c, k, m] = total
            for y in range(error.shape[2]):
                for x in range(error.shape[3]):
                    bias_gradient[o] += error[b, o, y, x] * bias_input[0]


class Conv2d(Synapses):
    """Convolution: weight [C_out, C_in, K_H, K_W] and bias [C_out] (zeros if not given, none if False), copied.

    stride    how many pixels the window moves at a time, at least 1
    padding   how many zeros on each side of the image

    [B, C_in, H, W] → [B, C_out, (H + 2 padding - K_H) // stride + 1, (W + 2 padding - K_W) // stride + 1]
    Raises TypeError or ValueError for another dtype, shapes that do not fit, NaN or infinite values.

    >>> import numpy as np, ottt_ref as ot
    >>> convolution = ot.Conv2d(np.ones((1, 1, 2, 2)), stride=2)
    >>> convolution.forward(np.arange(8.0).reshape(1, 1, 2, 4), np.ones(1))
    array([[[[10., 18.]]]])
    """

    def __init__(
        self, weight: np.ndarray, bias: np.ndarray | Literal[False] | None = None, *, stride: int = 1, padding: int = 0
    ) -> None:
        self.stride = require_size("stride", stride)
        self.padding = require_size("padding", padding, minimum=0)
        self._set(weight, bias, ("C_out", "C_in", "K_H", "K_W"))

    def output_shape(self, input_shape: Shape) -> Shape:
        _, *size = window_shape(self, input_shape, self.weight.shape[2:])
        if input_shape[0] != self.weight.shape[1]:
            raise ValueError(
                f"{self!r} must be given {self.weight.shape[1]} channels, got {describe_shape(input_shape)}"
            )
        return len(self.weight), *size

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        result = np.empty(require_values(self, values, bias_input, self.weight.dtype), dtype=self.weight.dtype)
        convolve(result, self.weight, self.bias, padded(values, self.padding), bias_input, self.stride)
        return result

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        require_error(self, error, input_shape, self.weight.dtype)
        result = np.zeros(padded_shape(len(error), input_shape, self.padding), dtype=self.weight.dtype)
        convolve_adjoint(result, self.weight, error, self.stride)
        return unpadded(result, self.padding)

    def add_gradients(
        self,
        gradients: MutableMapping[str, np.ndarray],
        error: np.ndarray,
        presynaptic: np.ndarray,
        bias_input: np.ndarray,
    ) -> None:
        require_pairing(self, gradients, error, presynaptic, bias_input, self._learned)
        image = padded(presynaptic, self.padding)
        convolve_gradients(gradients["weight"], self.bias_gradient(gradients), error, image, bias_input, self.stride)

    def __repr__(self) -> str:
        outputs, inputs, *window = self.weight.shape
        return (
            f"Conv2d({inputs} -> {outputs}, {window[0]} x {window[1]}, stride {self.stride}, padding {self.padding}, "
            f"{self.weight.dtype})"
        )
