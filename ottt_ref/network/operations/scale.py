"""A fixed factor: c x, adjoint c δ."""

from dataclasses import dataclass

import numpy as np

from ...annotations import Number, Shape
from ...kernel import kernel, rows
from ...validation import require_number
from .door import require_error, require_values
from .operation import Operation


@kernel
def multiply(result, values, factor):
    for b in range(values.shape[0]):
        for i in range(values.shape[1]):
            result[b, i] = factor[0] * values[b, i]


@dataclass(frozen=True)
class Scale(Operation):
    """c x with a fixed number c: the 2.74 after each spiking layer of the weight-standardised networks.

    >>> import numpy as np, ottt_ref as ot
    >>> ot.Scale(2.74).forward(np.array([[0.0, 1.0]]), np.ones(1))
    array([[0.  , 2.74]])
    """

    factor: Number
    number_names = ("factor",)

    def __post_init__(self) -> None:
        factor = require_number("factor", self.factor, "that is finite", lambda number: True)
        object.__setattr__(self, "factor", factor)

    def forward(self, values: np.ndarray, bias_input: np.ndarray | None) -> np.ndarray:
        result = np.empty(require_values(self, values), dtype=values.dtype)
        multiply(rows(result), rows(values), np.array([self.factor], dtype=values.dtype))
        return result

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        require_error(self, error, input_shape)
        return self.forward(error, None)
