"""Fast twins of pooling and upsampling: an image a time, on all threads."""

from __future__ import annotations

import numpy as np

from ...annotations import Shape
from ...network import operations
from ...network.operations.door import require_error, require_given, require_values
from ...network.operations.max_pooling import MaxPool as ReferenceMaxPool
from ...network.operations.pooling import AveragePool as ReferenceAveragePool
from ...network.operations.windows import as_images, pair_of
from ..kernels import pooling


def planes(array: np.ndarray) -> np.ndarray:
    """Images [B, C, H, W] or sequences [B, C, L] as [B · C, H, W]: a view of a contiguous array."""
    image = as_images(np.ascontiguousarray(array))
    return image.reshape(-1, *image.shape[2:])


class AveragePool(ReferenceAveragePool):
    """What the twins of average pooling share."""

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        result = np.empty(require_values(self, values), dtype=values.dtype)
        pooling.average_pool(planes(result), planes(values), *self._numbers(), self._share(values.dtype))
        return result

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        result = np.empty(require_error(self, error, input_shape), dtype=error.dtype)
        pooling.average_pool_adjoint(planes(result), planes(error), *self._numbers(), self._share(error.dtype))
        return result

    def _numbers(self):
        size, stride, padding = self._windows()
        return *size, *stride, *padding


class AveragePool2d(AveragePool, operations.AveragePool2d):
    """The twin of `ottt_ref.AveragePool2d`."""


class AveragePool1d(AveragePool, operations.AveragePool1d):
    """The twin of `ottt_ref.AveragePool1d`."""


class MaxPool(ReferenceMaxPool):
    """What the twins of max pooling share."""

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        result = np.empty(require_values(self, values), dtype=values.dtype)
        pooling.max_pool(planes(result), planes(values), *self._numbers())
        return result

    def adjoint(self, error: np.ndarray, input_shape: Shape, values: np.ndarray | None = None) -> np.ndarray:
        shape = require_error(self, error, input_shape)
        given = require_given(self, values, shape, error.dtype)
        result = np.empty(shape, dtype=error.dtype)
        pooling.max_pool_adjoint(planes(result), planes(error), planes(given), *self._numbers())
        return result

    def _numbers(self):
        size, stride, padding = self._windows()
        return *size, *stride, *padding


class MaxPool2d(MaxPool, operations.MaxPool2d):
    """The twin of `ottt_ref.MaxPool2d`."""


class MaxPool1d(MaxPool, operations.MaxPool1d):
    """The twin of `ottt_ref.MaxPool1d`."""


class Upsample2d(operations.Upsample2d):
    """The twin of `ottt_ref.Upsample2d`."""

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        result = np.empty(require_values(self, values), dtype=values.dtype)
        pooling.upsample(planes(result), planes(values), *pair_of(self.factor))
        return result

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        result = np.empty(require_error(self, error, input_shape), dtype=error.dtype)
        pooling.upsample_adjoint(planes(result), planes(error), *pair_of(self.factor))
        return result
