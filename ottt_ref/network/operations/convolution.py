"""Convolution over images [B, C, H, W] and sequences [B, C, L], as a cross-correlation: Conv2d, Conv1d of frameworks.

    forward        I[b, o, y, x] = Σ_c Σ_k Σ_m W[o, c, k, m] v[b, g(o) + c, k, m, y, x] + b[o] c
    adjoint        ε_v[b, g(o) + c, k, m, y, x] += W[o, c, k, m] δ[b, o, y, x]
    gradients      ∇W[o, c, k, m] += Σ_b Σ_y Σ_x δ[b, o, y, x] v[b, g(o) + c, k, m, y, x]

    v[b, c, k, m, y, x] = p[b, c, y·stride_y + k·dilation_y, x·stride_x + m·dilation_x]

v is what the window sees at each of its places (`windows.seen_by`); p is the image with `padding` zeros on each side.
ε_v is the same view of ε_p, and ε is ε_p without the zeros. g(o) is the first channel of the group of o:
the channels that come and those that go are cut into as many groups, and each group sees its own alone. As many groups
as channels is a depthwise convolution. A sequence is an image of height 1.

In the kernels of the forward pass and the gradients j stands for (c, k, m) and n for (y, x): they take v as a copy in
which what the innermost loop meets lies side by side. Each sum is added up in the order above.
"""

from collections.abc import MutableMapping
from typing import Literal

import numpy as np

from ...annotations import Shape
from ...kernel import kernel
from ...validation import describe_shape, require_size
from .dense import Synapses
from .door import require_error, require_pairing, require_values
from .windows import (
    Sides,
    as_images,
    padded,
    padded_shape,
    pair_of,
    require_sides,
    row_window_shape,
    seen_by,
    unpadded,
    window_shape,
)


@kernel
def convolve(current, weight, bias, seen, bias_input):
    """current [B, C_out, places], weight [C_out, weights of one], seen [B, groups, weights, places]."""
    size = weight.shape[0] // seen.shape[1]
    for b in range(current.shape[0]):
        for o in range(current.shape[1]):
            for n in range(current.shape[2]):
                current[b, o, n] = bias[o] * bias_input[0]
            for j in range(weight.shape[1]):
                for n in range(current.shape[2]):
                    current[b, o, n] += weight[o, j] * seen[b, o // size, j, n]


@kernel
def convolve_adjoint(seen_error, weight, error, groups):
    """seen_error [B, C_in, K_H, K_W, H', W'], a view of the image's error: several of its entries are one pixel's."""
    size = weight.shape[0] // groups
    for b in range(error.shape[0]):
        for o in range(error.shape[1]):
            first = o // size * weight.shape[1]
            for c in range(weight.shape[1]):
                for k in range(weight.shape[2]):
                    for m in range(weight.shape[3]):
                        for y in range(error.shape[2]):
                            for x in range(error.shape[3]):
                                seen_error[b, first + c, k, m, y, x] += weight[o, c, k, m] * error[b, o, y, x]


@kernel
def convolve_gradients(weight_gradient, bias_gradient, error, seen, bias_input):
    """weight_gradient [C_out, weights of one], error [B, C_out, places], seen [B, groups, places, weights]."""
    size = weight_gradient.shape[0] // seen.shape[1]
    for b in range(error.shape[0]):
        for o in range(error.shape[1]):
            for n in range(error.shape[2]):
                for j in range(weight_gradient.shape[1]):
                    weight_gradient[o, j] += error[b, o, n] * seen[b, o // size, n, j]
                bias_gradient[o] += error[b, o, n] * bias_input[0]


class Convolution(Synapses):
    """What Conv2d and Conv1d share: their kernels see images, of height 1 for sequences.

    groups   into how many groups the channels are cut
    """

    groups: int

    def _set_groups(self, groups):
        self.groups = require_size("groups", groups)
        if len(self.weight) % self.groups:
            raise ValueError(f"groups must divide the C_out = {len(self.weight)} channels of weight, got {self.groups}")

    @property
    def input_channels(self) -> int:
        """C_in, of all groups."""
        return self.weight.shape[1] * self.groups

    def _windows(self):
        """Stride, padding and dilation as pairs: (vertical, horizontal)."""
        raise TypeError(f"{type(self).__name__} must be Conv2d or Conv1d")

    def _require_channels(self, input_shape):
        if input_shape[0] != self.input_channels:
            raise ValueError(
                f"{self!r} must be given {self.input_channels} channels, got {describe_shape(input_shape)}"
            )

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        result = np.empty(require_values(self, values, bias_input, self.weight.dtype), dtype=self.weight.dtype)
        weight = self.weight.reshape(len(self.weight), -1)
        convolve(result.reshape(*result.shape[:2], -1), weight, self.bias, self._seen(values), bias_input)
        return result

    def _seen(self, values):
        """v as the kernels of sums take it: [B, groups, j, n]."""
        stride, padding, dilation = self._windows()
        seen = seen_by(as_images(self.weight).shape[2:], padded(as_images(values), padding), stride, dilation)
        return np.ascontiguousarray(seen).reshape(len(values), self.groups, -1, seen.shape[4] * seen.shape[5])

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        shape = require_error(self, error, input_shape, self.weight.dtype)
        stride, padding, dilation = self._windows()
        image_shape = shape[1:] if len(shape) == 4 else (shape[1], 1, shape[2])
        result = np.zeros(padded_shape(len(error), image_shape, padding), dtype=self.weight.dtype)
        weight = as_images(self.weight)
        convolve_adjoint(seen_by(weight.shape[2:], result, stride, dilation), weight, as_images(error), self.groups)
        return unpadded(result, padding).reshape(shape)

    def add_gradients(
        self,
        gradients: MutableMapping[str, np.ndarray],
        error: np.ndarray,
        presynaptic: np.ndarray,
        bias_input: np.ndarray,
    ) -> None:
        require_pairing(self, gradients, error, presynaptic, bias_input, self._learned)
        weight, bias = gradients["weight"], self.bias_gradient(gradients)
        seen = np.ascontiguousarray(self._seen(presynaptic).swapaxes(2, 3))
        added_to = weight.reshape(len(weight), -1)
        convolve_gradients(added_to, bias, error.reshape(*error.shape[:2], -1), seen, bias_input)
        weight[...] = added_to.reshape(weight.shape)  # of a weight that does not lie in one piece it was a copy

    def _described(self, stride, padding, dilation):
        """What `repr` says of the settings; of dilation and groups where there are any."""
        dilated = f", dilation {dilation}" if dilation != 1 else ""
        grouped = f", groups {self.groups}" if self.groups != 1 else ""
        window = " x ".join(str(side) for side in self.weight.shape[2:])
        return (
            f"{type(self).__name__}({self.input_channels} -> {len(self.weight)}, {window}, stride {stride}, "
            f"padding {padding}{dilated}{grouped}, {self.weight.dtype})"
        )


class Conv2d(Convolution):
    """Convolution: weight [C_out, C_in / groups, K_H, K_W], bias [C_out] (zeros if not given, none if False), copied.

    stride    how many pixels the window moves at a time, at least 1
    padding   how many zeros on each side of the image
    dilation  how many pixels apart the window's are, at least 1
    groups    into how many groups the channels are cut, of which each sees its own alone; C_in of them is depthwise

    Stride, padding and dilation are a number, or one for each direction, (vertical, horizontal).
    [B, C_in, H, W] → [B, C_out, H', W'], H' = (H + 2 padding - dilation (K_H - 1) - 1) // stride + 1, and so W'.
    Raises TypeError or ValueError for another dtype, shapes that do not fit, NaN or infinite values.

    >>> import numpy as np, ottt_ref as ot
    >>> convolution = ot.Conv2d(np.ones((1, 1, 2, 2)), stride=2)
    >>> convolution.forward(np.arange(8.0).reshape(1, 1, 2, 4), np.ones(1))
    array([[[[10., 18.]]]])
    >>> depthwise = ot.Conv2d(np.ones((2, 1, 1, 2)), stride=(1, 2), dilation=(1, 3), groups=2)
    >>> depthwise.forward(np.arange(8.0).reshape(1, 2, 1, 4), np.ones(1))
    array([[[[ 3.]],
    <BLANKLINE>
            [[11.]]]])
    """

    def __init__(
        self,
        weight: np.ndarray,
        bias: np.ndarray | Literal[False] | None = None,
        *,
        stride: Sides = 1,
        padding: Sides = 0,
        dilation: Sides = 1,
        groups: int = 1,
    ) -> None:
        self.stride = require_sides("stride", stride)
        self.padding = require_sides("padding", padding, minimum=0)
        self.dilation = require_sides("dilation", dilation)
        self._set(weight, bias, ("C_out", "C_in", "K_H", "K_W"))
        self._set_groups(groups)

    def output_shape(self, input_shape: Shape) -> Shape:
        window = self.weight.shape[2:]
        _, *size = window_shape(self, input_shape, window, self.stride, self.padding, self.dilation)
        self._require_channels(input_shape)
        return len(self.weight), *size

    def _windows(self):
        return pair_of(self.stride), pair_of(self.padding), pair_of(self.dilation)

    def __repr__(self) -> str:
        return self._described(self.stride, self.padding, self.dilation)


class Conv1d(Convolution):
    """Convolution of sequences: weight [C_out, C_in / groups, K] and bias [C_out] (zeros, none if False), copied.

    stride, padding, dilation, groups   as of Conv2d, a number each

    [B, C_in, L] → [B, C_out, (L + 2 padding - dilation (K - 1) - 1) // stride + 1]
    Raises TypeError or ValueError for another dtype, shapes that do not fit, NaN or infinite values.

    >>> import numpy as np, ottt_ref as ot
    >>> convolution = ot.Conv1d(np.array([[[1.0, -1.0]]]), dilation=2)
    >>> convolution.forward(np.array([[[0.0, 1.0, 4.0, 9.0]]]), np.ones(1))
    array([[[-4., -8.]]])
    """

    def __init__(
        self,
        weight: np.ndarray,
        bias: np.ndarray | Literal[False] | None = None,
        *,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
    ) -> None:
        self.stride = require_size("stride", stride)
        self.padding = require_size("padding", padding, minimum=0)
        self.dilation = require_size("dilation", dilation)
        self._set(weight, bias, ("C_out", "C_in", "K"))
        self._set_groups(groups)

    def output_shape(self, input_shape: Shape) -> Shape:
        window = self.weight.shape[2]
        _, length = row_window_shape(self, input_shape, window, self.stride, self.padding, self.dilation)
        self._require_channels(input_shape)
        return len(self.weight), length

    def _windows(self):
        return (1, self.stride), (0, self.padding), (1, self.dilation)

    def __repr__(self) -> str:
        return self._described(self.stride, self.padding, self.dilation)
