"""Average pooling over images [B, C, H, W], and over sequences [B, C, L], which are images of height 1.

    forward        r[b, c, y, x] = 1/(K M) Σ_k Σ_m p[b, c, y·stride_y + k, x·stride_x + m]        over K x M pixels
    adjoint        ε_p[b, c, y·stride_y + k, x·stride_x + m] += 1/(K M) δ[b, c, y, x]

p is the image with `padding` zeros on each side; ε is ε_p without them.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from ...annotations import Number, Shape
from ...kernel import kernel
from ...validation import require_size
from .door import require_error, require_values
from .operation import Operation
from .windows import (
    Sides,
    as_images,
    padded,
    padded_shape,
    pair_of,
    require_pair,
    require_sides,
    row_window_shape,
    unpadded,
    window_shape,
)


@kernel
def average_pool(result, image, size, stride, share):
    for b in range(result.shape[0]):
        for c in range(result.shape[1]):
            for y in range(result.shape[2]):
                for x in range(result.shape[3]):
                    total = image[b, c, y * stride[0], x * stride[1]]
                    for k in range(size[0]):
                        for m in range(int(k == 0), size[1]):  # the first pixel is in the total
                            total += image[b, c, y * stride[0] + k, x * stride[1] + m]
                    result[b, c, y, x] = share[0] * total


@kernel
def average_pool_adjoint(image_error, error, size, stride, share):
    for b in range(error.shape[0]):
        for c in range(error.shape[1]):
            for y in range(error.shape[2]):
                for x in range(error.shape[3]):
                    part = share[0] * error[b, c, y, x]
                    for k in range(size[0]):
                        for m in range(size[1]):
                            image_error[b, c, y * stride[0] + k, x * stride[1] + m] += part


class AveragePool(Operation):
    """What AveragePool2d and AveragePool1d share: their kernels see images, of height 1 for sequences."""

    share: Number
    number_names = ("share",)

    def _windows(self):
        """Size, stride and padding as pairs: (vertical, horizontal)."""
        raise TypeError(f"{type(self).__name__} must be AveragePool2d or AveragePool1d")

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        result = np.empty(require_values(self, values), dtype=values.dtype)
        size, stride, padding = self._windows()
        average_pool(as_images(result), padded(as_images(values), padding), size, stride, self._share(values.dtype))
        return result

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        shape = require_error(self, error, input_shape)
        size, stride, padding = self._windows()
        image_shape = shape[1:] if len(shape) == 4 else (shape[1], 1, shape[2])
        result = np.zeros(padded_shape(len(error), image_shape, padding), dtype=error.dtype)
        average_pool_adjoint(result, as_images(error), size, stride, self._share(error.dtype))
        return unpadded(result, padding).reshape(shape)

    def _share(self, dtype):
        return np.array([self.share], dtype=dtype)


@dataclass(frozen=True)
class AveragePool2d(AveragePool):
    """The mean over windows of size = (height, width) pixels, `stride` apart, padded by zeros that count.

    One number stands for both directions; the stride is the size if it is not given. There is less padding than size.
    [B, C, H, W] → [B, C, (H + 2 padding - height) // stride + 1, (W + 2 padding - width) // stride + 1]

    >>> import numpy as np, ottt_ref as ot
    >>> ot.AveragePool2d(2).forward(np.arange(8.0).reshape(1, 1, 2, 4), np.ones(1))
    array([[[[2.5, 4.5]]]])
    """

    size: Sides
    stride: Sides | None = None
    padding: Sides = 0
    share: Number = field(init=False, repr=False)  # of one pixel in the mean

    def __post_init__(self) -> None:
        size = require_pair("size", self.size)
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "stride", require_pair("stride", size if self.stride is None else self.stride))
        object.__setattr__(self, "padding", require_sides("padding", self.padding, minimum=0))
        if any(zeros >= side for zeros, side in zip(pair_of(self.padding), size)):
            raise ValueError(f"padding must be less than the size {size}, got {self.padding}")
        object.__setattr__(self, "share", 1 / math.prod(size))

    def output_shape(self, input_shape: Shape) -> Shape:
        return window_shape(self, input_shape, *self._windows())

    def _windows(self):
        return pair_of(self.size), pair_of(self.stride), pair_of(self.padding)


@dataclass(frozen=True)
class AveragePool1d(AveragePool):
    """The mean over windows of `size` values of sequences, `stride` apart, padded by zeros that count.

    The stride is the size if it is not given. There is less padding than size.
    [B, C, L] → [B, C, (L + 2 padding - size) // stride + 1]

    >>> import numpy as np, ottt_ref as ot
    >>> ot.AveragePool1d(2).forward(np.arange(4.0).reshape(1, 1, 4), np.ones(1))
    array([[[0.5, 2.5]]])
    """

    size: int
    stride: int | None = None
    padding: int = 0
    share: Number = field(init=False, repr=False)  # of one value in the mean

    def __post_init__(self) -> None:
        size = require_size("size", self.size)
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "stride", require_size("stride", size if self.stride is None else self.stride))
        object.__setattr__(self, "padding", require_size("padding", self.padding, minimum=0))
        if self.padding >= size:
            raise ValueError(f"padding must be less than the size {size}, got {self.padding}")
        object.__setattr__(self, "share", 1 / size)

    def output_shape(self, input_shape: Shape) -> Shape:
        return row_window_shape(self, input_shape, self.size, self.stride or self.size, self.padding)

    def _windows(self):
        return (1, self.size), (1, self.stride), (0, self.padding)
