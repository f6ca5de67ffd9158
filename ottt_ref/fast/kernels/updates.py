"""The step of SGD on all parameters at once, with the bits of the reference: each product and each sum is rounded."""

from __future__ import annotations

import numpy as np

from .compiling import fast_kernel, prange
from .vector_loops import array_at, wide_vectors

BLOCK = 2**14  # numbers that are one part of the work


@fast_kernel
def _step(value, gradient, velocity, before, first, last, settings, write):
    """New numbers of a parameter, written or tried; whether all are finite."""
    wide_vectors()
    rate, momentum, decay = settings[0], settings[1], settings[2]
    wrong = 0
    for i in range(first, last):
        direction = gradient[i]
        wrong |= direction - direction != 0
        if decay != 0:
            direction = direction + decay * value[i]
        if momentum != 0:
            direction = momentum * before[i] + direction
            if write:
                velocity[i] = direction
        new = value[i] - rate * direction
        wrong |= new - new != 0
        if write:
            value[i] = new
    return wrong


@fast_kernel(parallel=True)
def sgd(values, gradients, velocities, before, sizes, settings, blocks, write):
    """w ← w - η (μ v + ∇ + wd w) of parameters at addresses, all at once; in how many blocks a number is not finite.

    velocities, before  addresses of the new v, and of the old; of any numbers where μ is 0
    settings            η, μ and wd, of the parameters' dtype
    blocks              [number of blocks, 3]: the parameter, the first of its numbers, and the last
    write               False to try alone, whether all are finite
    """
    wrong = np.zeros(blocks.shape[0], np.int64)
    for k in prange(blocks.shape[0]):
        p = blocks[k, 0]
        arrays = (
            array_at(values[p], sizes[p], settings), array_at(gradients[p], sizes[p], settings),
            array_at(velocities[p], sizes[p], settings), array_at(before[p], sizes[p], settings),
        )  # fmt: skip
        wrong[k] = _step(*arrays, blocks[k, 1], blocks[k, 2], settings, write)
    total = 0
    for k in range(blocks.shape[0]):
        total += wrong[k] != 0
    return total
