"""Images as rows: no number changes."""

import math
from dataclasses import dataclass

import numpy as np

from ...annotations import Shape
from .door import require_error, require_values
from .operation import Operation


@dataclass(frozen=True)
class Flatten(Operation):
    """[B, C, H, W] → [B, C · H · W], in that order.

    >>> import ottt_ref as ot
    >>> ot.Flatten().output_shape((3, 8, 8))
    (192,)
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        shape = require_values(self, values)
        return values.reshape(shape)

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        shape = require_error(self, error, input_shape)
        return error.reshape(shape)
