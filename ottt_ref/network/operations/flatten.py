"""Images as rows: no number changes."""

import math
from dataclasses import dataclass

from ...kernel import rows
from .operation import Operation


@dataclass(frozen=True)
class Flatten(Operation):
    """[B, C, H, W] → [B, C · H · W], in that order."""

    def output_shape(self, input_shape):
        return (math.prod(input_shape),)

    def forward(self, values, bias_input):
        return rows(values)

    def adjoint(self, error, input_shape):
        return error.reshape(len(error), *input_shape)
