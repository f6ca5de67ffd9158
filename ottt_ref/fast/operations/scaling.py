"""Fast twins of what multiplies numbers one by one: Scale, SkipInit, ChannelScale, and the mask of a Dropout."""

from __future__ import annotations

from collections.abc import MutableMapping

import numpy as np

from ...annotations import Shape
from ...kernel import rows
from ...network import operations
from ...network.operations.door import require_batch, require_error, require_pairing, require_values
from ..kernels import pooling


def _times(values, factor):
    """Values [B, ...] times factors [R, n] or [R, 1]: row b % R for row b."""
    result = np.empty(values.shape, dtype=values.dtype)
    pooling.multiply(rows(result), rows(np.ascontiguousarray(values)), factor)
    return result


class Scale(operations.Scale):
    """The twin of `ottt_ref.Scale`."""

    def forward(self, values: np.ndarray, bias_input: np.ndarray | None) -> np.ndarray:
        require_values(self, values)
        return _times(values, np.array([[self.factor]], dtype=values.dtype))


class SkipInit(operations.SkipInit):
    """The twin of `ottt_ref.SkipInit`."""

    def forward(self, values: np.ndarray, bias_input: np.ndarray | None) -> np.ndarray:
        require_batch(self, "values", values, self.skip_gain.dtype)
        return _times(values, np.ascontiguousarray(self.skip_gain).reshape(1, 1))

    def add_gradients(
        self,
        gradients: MutableMapping[str, np.ndarray],
        error: np.ndarray,
        presynaptic: np.ndarray,
        bias_input: np.ndarray,
    ) -> None:
        require_pairing(self, gradients, error, presynaptic, bias_input, {"skip_gain": self.skip_gain})
        sums = np.empty(len(error), dtype=error.dtype)
        pooling.products(sums, *(rows(np.ascontiguousarray(each)) for each in (error, presynaptic)))
        gradients["skip_gain"][0] += sums.sum()


class ChannelScale(operations.ChannelScale):
    """The twin of `ottt_ref.ChannelScale`."""

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        result = np.empty(require_values(self, values, bias_input, self.dtype), dtype=values.dtype)
        self._scale(result, values, self.offset, bias_input)
        return result

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        result = np.empty(require_error(self, error, input_shape, self.dtype), dtype=error.dtype)
        nothing = np.zeros_like(self.factor)
        self._scale(result, error, nothing, nothing[:1])
        return result

    def _scale(self, result, values, offset, constant):
        given = np.ascontiguousarray(values)
        shape = (*given.shape[:2], -1)
        pooling.scale_channels(result.reshape(shape), given.reshape(shape), self.factor, offset, constant)


class Mask(operations.Mask):
    """The twin of a drawn mask: of values with more rows than the mask, row after row anew, as in the reference.

    So it takes the rows of several time steps at once, b + t B of sample b at time step t.
    """

    def forward(self, values: np.ndarray, bias_input: np.ndarray | None) -> np.ndarray:
        require_batch(self, "values", values, self.mask.dtype)
        require_values(self, values)
        return _times(values, np.ascontiguousarray(self.mask))
