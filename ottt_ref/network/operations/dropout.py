"""Dropout with a mask that stays over the time steps of a sequence: m x, adjoint m δ, each m is 0 or 1 / (1 - rate)."""

import math
from dataclasses import dataclass, field

import numpy as np

from ...annotations import Number, Shape
from ...kernel import kernel, rows
from ...validation import describe_shape, require_count, require_number
from .door import require_batch, require_error, require_values
from .operation import Operation


@kernel
def apply_mask(result, values, mask):
    """Row b of the mask for sample b; of values with more rows than the mask, row after row anew."""
    for b in range(values.shape[0]):
        for i in range(values.shape[1]):
            result[b, i] = mask[b % mask.shape[0], i] * values[b, i]


@dataclass(frozen=True)
class Dropout(Operation):
    """Dropout of the given rate in [0, 1), with a mask that stays the same over the time steps of a sequence.

    As it stands it does nothing, which is right for evaluation; `Network.with_dropout` draws the masks of one batch,
    and draws them anew each time that it is called.

    >>> import numpy as np, ottt_ref as ot
    >>> dropout = ot.Dropout(0.5)
    >>> mask = dropout.masked(1, (4,), np.dtype(float), np.random.default_rng(1))
    >>> sorted({float(number) for number in mask.forward(np.ones((1, 4)), np.ones(1)).flat})
    [0.0, 2.0]
    """

    rate: Number
    number_names = ("rate",)

    def __post_init__(self) -> None:
        rate = require_number("rate", self.rate, "in [0, 1)", lambda number: number >= 0 and float(number) < 1)
        object.__setattr__(self, "rate", rate)

    def forward(self, values: np.ndarray, bias_input: np.ndarray | None) -> np.ndarray:
        return require_batch(self, "values", values)

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        require_error(self, error, input_shape)
        return error

    def masked(self, batch_size: int, input_shape: Shape, dtype: np.dtype, rng: np.random.Generator) -> Operation:
        require_count("batch_size", batch_size)
        if not isinstance(rng, np.random.Generator):
            raise TypeError(f"rng must be a numpy.random.Generator, got {rng!r}")
        kept = rng.random((batch_size, math.prod(input_shape))) >= float(self.rate)
        mask = np.zeros(kept.shape, dtype=dtype)
        mask[kept] = 1 / (1 - self.rate)
        return Mask(mask, self)


@dataclass(frozen=True, eq=False)
class Mask(Operation):
    """Multiply sample b's values by row b of a fixed mask [B, n]: a Dropout whose mask was drawn."""

    mask: np.ndarray = field(repr=False)
    dropout: Dropout | tuple[()] = ()  # what drew it, if it was one
    array_names = ("mask",)
    child_names = ("dropout",)

    @property
    def batch_size(self) -> int:
        """B."""
        return len(self.mask)

    def output_shape(self, input_shape: Shape) -> Shape:
        if math.prod(input_shape) != self.mask.shape[1]:
            raise ValueError(f"{self!r} must be given {self.mask.shape[1]} values, got {describe_shape(input_shape)}")
        return input_shape

    def forward(self, values: np.ndarray, bias_input: np.ndarray | None) -> np.ndarray:
        require_batch(self, "values", values, self.mask.dtype)
        result = np.empty(require_values(self, values), dtype=values.dtype)
        apply_mask(rows(result), rows(values), self.mask)
        return result

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        require_error(self, error, input_shape, self.mask.dtype)
        return self.forward(error, None)

    def unmasked(self) -> Operation:
        return self.dropout if isinstance(self.dropout, Dropout) else self

    def masked(self, batch_size: int, input_shape: Shape, dtype: np.dtype, rng: np.random.Generator) -> Operation:
        drawing = self.unmasked()
        return self if drawing is self else drawing.masked(batch_size, input_shape, dtype, rng)
