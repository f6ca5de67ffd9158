"""Average pooling over images [B, C, H, W].

    forward        r[b, c, y, x] = 1/(K M) Σ_k Σ_m p[b, c, y·stride + k, x·stride + m]        over K x M pixels
    adjoint        ε_p[b, c, y·stride + k, x·stride + m] += 1/(K M) δ[b, c, y, x]

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
from .windows import padded, padded_shape, require_pair, unpadded, window_shape


@kernel
def average_pool(result, image, size, stride, share):
    for b in range(result.shape[0]):
        for c in range(result.shape[1]):
            for y in range(result.shape[2]):
                for x in range(result.shape[3]):
                    total = image[b, c, y * stride[0], x * stride[1]]
                    for k in range(1, size[0] * size[1]):
                        total += image[b, c, y * stride[0] + k // size[1], x * stride[1] + k % size[1]]
                    result[b, c, y, x] = share[0] * total


@kernel
def average_pool_adjoint(image_error, error, size, stride, share):
    for b in range(error.shape[0]):
        for c in range(error.shape[1]):
            for y in range(error.shape[2]):
                for x in range(error.shape[3]):
                    part = share[0] * error[b, c, y, x]
                    for k in range(size[0] * size[1]):
                        image_error[b, c, y * stride[0] + k // size[1], x * stride[1] + k % size[1]] += part


@dataclass(frozen=True)
class AveragePool2d(Operation):
    """The mean over windows of size = (height, width) pixels, `stride` apart, padded by zeros that count.

    One number stands for both directions; the stride is the size if it is not given.
    [B, C, H, W] → [B, C, (H + 2 padding - height) // stride + 1, (W + 2 padding - width) // stride + 1]

    >>> import numpy as np, ottt_ref as ot
    >>> ot.AveragePool2d(2).forward(np.arange(8.0).reshape(1, 1, 2, 4), np.ones(1))
    array([[[[2.5, 4.5]]]])
    """

    size: int | tuple[int, int]
    stride: int | tuple[int, int] | None = None
    padding: int = 0
    share: Number = field(init=False, repr=False)  # of one pixel in the mean
    number_names = ("share",)

    def __post_init__(self) -> None:
        size = require_pair("size", self.size)
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "stride", require_pair("stride", size if self.stride is None else self.stride))
        object.__setattr__(self, "padding", require_size("padding", self.padding, minimum=0))
        if self.padding >= min(size):
            raise ValueError(f"padding must be less than the size {size}, got {self.padding}")
        object.__setattr__(self, "share", 1 / math.prod(size))

    def output_shape(self, input_shape: Shape) -> Shape:
        return window_shape(self, input_shape, require_pair("size", self.size))

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        result = np.empty(require_values(self, values), dtype=values.dtype)
        average_pool(result, padded(values, self.padding), self.size, self.stride, self._share(values.dtype))
        return result

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        require_error(self, error, input_shape)
        result = np.zeros(padded_shape(len(error), input_shape, self.padding), dtype=error.dtype)
        average_pool_adjoint(result, error, self.size, self.stride, self._share(error.dtype))
        return unpadded(result, self.padding)

    def _share(self, dtype):
        return np.array([self.share], dtype=dtype)
