"""Max pooling over images [B, C, H, W] and sequences [B, C, L]: of spikes, whether any in the window fired.

    forward        r[b, c, y, x] = max over k, m of x[b, c, y·stride_y + k - padding_y, x·stride_x + m - padding_x]
    adjoint        ε[b, c, row, column] += δ[b, c, y, x] at the place of the maximum, the first in row order of equals

The window reaches over the image's edges by `padding`; what lies outside does not count. Not linear: where the error
goes depends on the values, and the trace of the result is not the result of the traces. With λ = 1/2 and two neurons
that fire one after the other, s = (1, 0) and (0, 1), the maximum is 1 twice, and its trace is 3/2; the traces of the
two are 1/2 and 1, and their maximum is 1. So OTTT keeps the trace of what comes out.
"""

from dataclasses import dataclass

import numpy as np

from ...annotations import Shape
from ...kernel import kernel
from ...validation import require_size
from .door import require_error, require_given, require_values
from .operation import Operation
from .windows import Sides, as_images, pair_of, require_pair, require_sides, row_window_shape, window_shape


@kernel
def max_pool(result, image, size, stride, padding):
    for b in range(result.shape[0]):
        for c in range(result.shape[1]):
            for y in range(result.shape[2]):
                top = max(y * stride[0] - padding[0], 0)
                bottom = min(y * stride[0] - padding[0] + size[0], image.shape[2])
                for x in range(result.shape[3]):
                    left = max(x * stride[1] - padding[1], 0)
                    right = min(x * stride[1] - padding[1] + size[1], image.shape[3])
                    largest = image[b, c, top, left]
                    for row in range(top, bottom):
                        for column in range(left, right):
                            if image[b, c, row, column] > largest:
                                largest = image[b, c, row, column]
                    result[b, c, y, x] = largest


@kernel
def max_pool_adjoint(image_error, error, image, size, stride, padding):
    for b in range(error.shape[0]):
        for c in range(error.shape[1]):
            for y in range(error.shape[2]):
                top = max(y * stride[0] - padding[0], 0)
                bottom = min(y * stride[0] - padding[0] + size[0], image.shape[2])
                for x in range(error.shape[3]):
                    left = max(x * stride[1] - padding[1], 0)
                    right = min(x * stride[1] - padding[1] + size[1], image.shape[3])
                    first, beside = top, left
                    for row in range(top, bottom):
                        for column in range(left, right):
                            if image[b, c, row, column] > image[b, c, first, beside]:
                                first, beside = row, column
                    image_error[b, c, first, beside] += error[b, c, y, x]


class MaxPool(Operation):
    """What MaxPool2d and MaxPool1d share: their kernels see images, of height 1 for sequences."""

    linear = False

    def _windows(self):
        """Size, stride and padding as pairs: (vertical, horizontal)."""
        raise TypeError(f"{type(self).__name__} must be MaxPool2d or MaxPool1d")

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        result = np.empty(require_values(self, values), dtype=values.dtype)
        max_pool(as_images(result), as_images(values), *self._windows())
        return result

    def adjoint(self, error: np.ndarray, input_shape: Shape, values: np.ndarray | None = None) -> np.ndarray:
        shape = require_error(self, error, input_shape)
        values = require_given(self, values, shape, error.dtype)
        result = np.zeros(shape, dtype=error.dtype)
        max_pool_adjoint(as_images(result), as_images(error), as_images(values), *self._windows())
        return result


@dataclass(frozen=True)
class MaxPool2d(MaxPool):
    """The maximum over windows of size = (height, width) pixels, `stride` apart; of spikes, whether any fired.

    One number stands for both directions; the stride is the size if it is not given. The windows reach over the edges
    by `padding`, at most half their size; what lies outside does not count.
    [B, C, H, W] → [B, C, (H + 2 padding - height) // stride + 1, (W + 2 padding - width) // stride + 1]
    Not linear: `adjoint` takes the values that went in, and the error goes to the maximum, of equals to the first.

    >>> import numpy as np, ottt_ref as ot
    >>> pool, spikes = ot.MaxPool2d(2), np.array([[[[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]]])
    >>> pool.forward(spikes, np.ones(1))
    array([[[[1., 0.]]]])
    >>> pool.adjoint(np.array([[[[2.0, 3.0]]]]), (1, 2, 4), spikes)
    array([[[[0., 2., 3., 0.],
             [0., 0., 0., 0.]]]])
    """

    size: Sides
    stride: Sides | None = None
    padding: Sides = 0

    def __post_init__(self) -> None:
        size = require_pair("size", self.size)
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "stride", require_pair("stride", size if self.stride is None else self.stride))
        object.__setattr__(self, "padding", require_sides("padding", self.padding, minimum=0))
        if any(2 * zeros > side for zeros, side in zip(pair_of(self.padding), size)):
            raise ValueError(f"padding must be at most half the size {size}, got {self.padding}")

    def output_shape(self, input_shape: Shape) -> Shape:
        return window_shape(self, input_shape, *self._windows())

    def _windows(self):
        return pair_of(self.size), pair_of(self.stride), pair_of(self.padding)


@dataclass(frozen=True)
class MaxPool1d(MaxPool):
    """The maximum over windows of `size` values of sequences, `stride` apart; as MaxPool2d.

    [B, C, L] → [B, C, (L + 2 padding - size) // stride + 1]

    >>> import numpy as np, ottt_ref as ot
    >>> ot.MaxPool1d(2).forward(np.array([[[0.0, 1.0, 0.0, 0.0]]]), np.ones(1))
    array([[[1., 0.]]])
    """

    size: int
    stride: int | None = None
    padding: int = 0

    def __post_init__(self) -> None:
        size = require_size("size", self.size)
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "stride", require_size("stride", size if self.stride is None else self.stride))
        object.__setattr__(self, "padding", require_size("padding", self.padding, minimum=0))
        if 2 * self.padding > size:
            raise ValueError(f"padding must be at most half the size {size}, got {self.padding}")

    def output_shape(self, input_shape: Shape) -> Shape:
        return row_window_shape(self, input_shape, self.size, self.stride or self.size, self.padding)

    def _windows(self):
        return (1, self.size), (1, self.stride), (0, self.padding)
