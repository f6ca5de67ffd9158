"""Upsampling of images [B, C, H, W] by integer factors (f_y, f_x), to the nearest neighbour.

forward        r[b, c, y, x] = x[b, c, y // f_y, x // f_x]
adjoint        ε[b, c, y // f_y, x // f_x] += δ[b, c, y, x]
"""

from dataclasses import dataclass

import numpy as np

from ...annotations import Shape
from ...kernel import kernel
from .door import require_error, require_values
from .operation import Operation
from .windows import Sides, pair_of, require_image, require_sides


@kernel
def upsample(result, values, factor):
    for b in range(result.shape[0]):
        for c in range(result.shape[1]):
            for y in range(result.shape[2]):
                for x in range(result.shape[3]):
                    result[b, c, y, x] = values[b, c, y // factor[0], x // factor[1]]


@kernel
def upsample_adjoint(values_error, error, factor):
    for b in range(error.shape[0]):
        for c in range(error.shape[1]):
            for y in range(error.shape[2]):
                for x in range(error.shape[3]):
                    values_error[b, c, y // factor[0], x // factor[1]] += error[b, c, y, x]


@dataclass(frozen=True)
class Upsample2d(Operation):
    """Each pixel `factor` x `factor` times (nearest neighbour): [B, C, H, W] → [B, C, factor · H, factor · W].

    One number stands for both directions; a pair is (vertical, horizontal).

    >>> import numpy as np, ottt_ref as ot
    >>> ot.Upsample2d(2).forward(np.array([[[[1.0, 2.0]]]]), np.ones(1))
    array([[[[1., 1., 2., 2.],
             [1., 1., 2., 2.]]]])
    """

    factor: Sides

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", require_sides("factor", self.factor))

    def output_shape(self, input_shape: Shape) -> Shape:
        channels, height, width = require_image(self, input_shape)
        vertical, horizontal = pair_of(self.factor)
        return channels, height * vertical, width * horizontal

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        result = np.empty(require_values(self, values), dtype=values.dtype)
        upsample(result, values, pair_of(self.factor))
        return result

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        result = np.zeros(require_error(self, error, input_shape), dtype=error.dtype)
        upsample_adjoint(result, error, pair_of(self.factor))
        return result
