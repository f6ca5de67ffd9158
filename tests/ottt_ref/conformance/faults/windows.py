"""Mistakes in the geometry of kernels and pools."""

from dataclasses import replace

import numpy as np

from ..numpy_backend import Backend
from .catalogue import FORWARD, GRADIENTS, fault

USUAL_WINDOWS = ["conv-pooled", "conv-feedback"]


@fault("every convolution is padded to keep its size", shows={"conv-windows": FORWARD}, spares=USUAL_WINDOWS)
class PaddingSame(Backend):
    def convolve(self, conv, x, weight):
        return super().convolve({**conv, "padding": weight.shape[2] // 2}, x, weight)


@fault(
    "convolutions are padded with the pixels at the edge, not with zeros",
    shows={"conv": FORWARD, "conv-residual": FORWARD},
    spares=["conv-windows"],
)
class PaddedWithEdges(Backend):
    def convolve(self, conv, x, weight):
        padding = conv["padding"]
        padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), mode="edge")
        return super().convolve({**conv, "padding": 0}, padded, weight)


@fault(
    "kernels are read as [C_out, C_in, K_W, K_H]",
    shows={"conv": FORWARD, "conv-windows": FORWARD, "conv-feedback": FORWARD},
    spares=["dense"],
)
class KernelAxesSwapped(Backend):
    def convolve(self, conv, x, weight):
        return super().convolve(conv, x, weight.swapaxes(2, 3))


@fault(
    "errors go back through kernels as if they were [C_out, C_in, K_W, K_H]",
    shows={"conv": GRADIENTS, "conv-pooled": GRADIENTS},
    spares=["dense", "conv-windows"],
)
class KernelAxesSwappedBack(Backend):
    def convolve_back(self, conv, error, weight, shape):
        return super().convolve_back(conv, error, weight.swapaxes(2, 3), shape)


class OtherPool(Backend):
    """Pools that are read otherwise, forwards and back."""

    def pool_as(self, pooling):
        raise NotImplementedError

    def apply(self, operation, name, x, constant):
        return super().apply(self.reread(operation), name, x, constant)

    def transposed(self, operation, name, error, shape):
        return super().transposed(self.reread(operation), name, error, shape)

    def reread(self, operation):
        return self.pool_as(operation) if operation["type"] == "AveragePool2d" else operation


@fault("a pool's stride is its size", shows={"conv-windows": FORWARD}, spares=USUAL_WINDOWS)
class PoolStrideIsSize(OtherPool):
    def pool_as(self, pooling):
        return {**pooling, "stride": pooling["size"]}


@fault("a pool's stride is read as (x, y)", shows={"conv-windows": FORWARD}, spares=USUAL_WINDOWS)
class PoolStrideSwapped(OtherPool):
    def pool_as(self, pooling):
        return {**pooling, "stride": pooling["stride"][::-1]}


@fault("a pool's size is read as (x, y)", shows={"conv-windows": FORWARD}, spares=USUAL_WINDOWS)
class PoolSizeSwapped(OtherPool):
    def pool_as(self, pooling):
        return {**pooling, "size": pooling["size"][::-1]}


@fault("pools are not padded", shows={"conv-windows": FORWARD}, spares=USUAL_WINDOWS)
class PoolUnpadded(OtherPool):
    def pool_as(self, pooling):
        return {**pooling, "padding": 0}


class PaddedZerosUncounted(Backend):
    """Pools that divide by the number of a window's pixels that lie in the image."""

    def shares(self, pooling, shape):
        """What a mean over all pixels of each window is multiplied by, [y, x]."""
        ones = np.ones((1, 1, *shape[-2:]), dtype=self.dtype)
        return 1 / self.windows(ones, pooling["size"], pooling["stride"], pooling["padding"]).mean(axis=(-2, -1))[0, 0]


@fault("padded zeros do not count in a pool's mean", shows={"conv-windows": FORWARD}, spares=USUAL_WINDOWS)
class PoolZerosUncounted(PaddedZerosUncounted):
    def apply(self, operation, name, x, constant):
        found = super().apply(operation, name, x, constant)
        return found * self.shares(operation, x.shape) if operation["type"] == "AveragePool2d" else found


@fault(
    "padded zeros do not count in what errors are divided by on their way back",
    shows={"conv-windows": GRADIENTS},
    spares=USUAL_WINDOWS,
)
class PoolZerosUncountedBack(PaddedZerosUncounted):
    def pool_back(self, pooling, error, shape):
        return super().pool_back(pooling, error * self.shares(pooling, shape), shape)


@fault(
    "where a pool's windows overlap, the errors of one overwrite those of another",
    shows={"conv-windows": GRADIENTS},
    spares=USUAL_WINDOWS,
)
class PoolOverlapsOverwritten(Backend):
    def pool_back(self, pooling, error, shape):
        counted = super().pool_back(pooling, np.ones_like(error), shape) * np.prod(pooling["size"])
        return super().pool_back(pooling, error, shape) / np.maximum(1, counted)


@fault(
    "a pool's errors go to the first pixel of each window",
    shows={"conv-pooled": GRADIENTS, "conv-windows": GRADIENTS},
    spares=["conv"],
)
class PoolErrorsToFirstPixel(Backend):
    def pool_back(self, pooling, error, shape):
        windows = np.zeros((*error.shape, *pooling["size"]), dtype=self.dtype)
        windows[..., 0, 0] = error
        return self.fold(windows, shape, pooling["stride"], pooling["padding"])


@fault(
    "chains are applied from right to left, where that gives the same number of pixels",
    shows={"conv-pooled": FORWARD, "conv-residual": FORWARD, "conv-feedback": FORWARD},
    spares=["dense", "conv"],
)
class ChainsReversed(Backend):
    def inside(self, connection, values, constant):
        return super().inside(self.turned(connection), values, constant)

    def backwards(self, connection, inside):
        return super().backwards(self.turned(connection), inside)

    def turned(self, connection):
        if any(operation["type"] == "Flatten" for operation in connection.operations):
            return connection
        return replace(connection, operations=connection.operations[::-1])


def channels_swapped(weight):
    """The kernel [C_in, C_out, ...], where there are as many of both."""
    return weight.swapaxes(0, 1) if weight.shape[0] == weight.shape[1] else weight


@fault(
    "kernels are read as [C_in, C_out, ...], where there are as many of both",
    shows={"conv-residual": FORWARD},
    spares=["conv", "conv-windows"],
)
class KernelChannelsSwapped(Backend):
    def convolve(self, conv, x, weight):
        return super().convolve(conv, x, channels_swapped(weight))


@fault(
    "errors go back through kernels whose channels are not exchanged, where there are as many of both",
    shows={"conv-residual": GRADIENTS},
    spares=["conv", "conv-windows"],
)
class KernelChannelsNotSwappedBack(Backend):
    def convolve_back(self, conv, error, weight, shape):
        return super().convolve_back(conv, error, channels_swapped(weight), shape)
