"""A fixed scale and shift of each channel, which batch normalisation is at inference.

    forward   f[c] x[b, c, ...] + o[c] k,   adjoint   f[c] δ[b, c, ...]        k: the constant input 1, as for a bias

With batch normalisation's running mean m and variance v:  f = γ / sqrt(v + eps),  o = β - m f.
"""

from __future__ import annotations

import numpy as np

from ...annotations import Shape
from ...kernel import kernel
from ...validation import FLOAT_DTYPES, describe_shape, require_array, require_number
from .door import require_error, require_values
from .operation import Operation


@kernel
def scale_channels(result, values, factor, offset, bias_input):
    for b in range(values.shape[0]):
        for c in range(values.shape[1]):
            for i in range(values.shape[2]):
                result[b, c, i] = factor[c] * values[b, c, i] + offset[c] * bias_input[0]


@kernel
def scale_channels_adjoint(values_error, error, factor):
    for b in range(error.shape[0]):
        for c in range(error.shape[1]):
            for i in range(error.shape[2]):
                values_error[b, c, i] = factor[c] * error[b, c, i]


class ChannelScale(Operation):
    """Channel c times factor[c], plus offset[c]: arrays [C] of one dtype that are not learned, copied.

    offset   zeros if not given; OTTT traces it as it does a bias, since it is added at each time step

    [B, C, ...] → [B, C, ...]; in a row [B, n] each value is a channel.
    Raises TypeError or ValueError for another dtype or shape, NaN or infinite values.

    >>> import numpy as np, ottt_ref as ot
    >>> scale = ot.ChannelScale(np.array([2.0, 0.5]), np.array([0.0, 1.0]))
    >>> scale.forward(np.ones((1, 2, 3)), np.ones(1))
    array([[[2. , 2. , 2. ],
            [1.5, 1.5, 1.5]]])
    >>> scale.parameters
    {}
    """

    array_names = ("factor", "offset")

    def __init__(self, factor: np.ndarray, offset: np.ndarray | None = None) -> None:
        self.factor = require_array("factor", factor, ("C",)).copy()
        if offset is None:
            offset = np.zeros_like(self.factor)
        self.offset = require_array("offset", offset, self.factor.shape, self.factor.dtype).copy()

    @classmethod
    def from_batch_norm(
        cls,
        weight: np.ndarray | None,
        bias: np.ndarray | None,
        running_mean: np.ndarray,
        running_var: np.ndarray,
        eps: float = 1e-5,
    ) -> ChannelScale:
        """What a batch normalisation does at inference, of its arrays [C], float64 or float32, of one dtype.

        weight, bias  γ and β; None for 1 and 0
        running_var   at least 0
        eps           what is added to the variance, at least 0, and above where a variance is 0

        It evaluates in double precision, and rounds once.

        >>> import numpy as np, ottt_ref as ot
        >>> mean, variance = np.array([1.0, 0.0]), np.array([4.0, 0.25])
        >>> scale = ot.ChannelScale.from_batch_norm(np.array([2.0, 1.0]), None, mean, variance, eps=0.0)
        >>> scale.factor, scale.offset
        (array([1., 2.]), array([-1.,  0.]))
        """
        mean = require_array("running_mean", running_mean, ("C",))
        if mean.dtype not in FLOAT_DTYPES:
            raise TypeError(f"running_mean must have dtype float64 or float32, got {mean.dtype}")
        variance = require_array("running_var", running_var, mean.shape, mean.dtype)
        added = float(require_number("eps", eps, "of at least 0", lambda number: number >= 0))
        if np.any(variance < 0) or np.any(variance.astype(np.float64) + added <= 0):
            raise ValueError(f"running_var must be at least 0, and above 0 with eps = {added}, got {variance.min()}")
        gains = np.ones_like(mean) if weight is None else require_array("weight", weight, mean.shape, mean.dtype)
        shifts = np.zeros_like(mean) if bias is None else require_array("bias", bias, mean.shape, mean.dtype)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused by name
            factor = gains.astype(np.float64) / np.sqrt(variance.astype(np.float64) + added)
            offset = shifts.astype(np.float64) - mean.astype(np.float64) * factor
            return cls(factor.astype(mean.dtype), offset.astype(mean.dtype))

    @property
    def dtype(self) -> np.dtype:
        """The dtype of its arrays, which must be that of the network."""
        return self.factor.dtype

    def output_shape(self, input_shape: Shape) -> Shape:
        if tuple(input_shape)[:1] != (len(self.factor),):
            raise ValueError(f"{self!r} must be given {len(self.factor)} channels, got {describe_shape(input_shape)}")
        return input_shape

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        result = np.empty(require_values(self, values, bias_input, self.dtype), dtype=values.dtype)
        scale_channels(_by_channel(result), _by_channel(values), self.factor, self.offset, bias_input)
        return result

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        result = np.empty(require_error(self, error, input_shape, self.dtype), dtype=error.dtype)
        scale_channels_adjoint(_by_channel(result), _by_channel(error), self.factor)
        return result

    def __repr__(self) -> str:
        return f"ChannelScale({len(self.factor)}, {self.dtype})"


def _by_channel(array):
    """[B, C, n], a view."""
    return array.reshape(*array.shape[:2], -1)
