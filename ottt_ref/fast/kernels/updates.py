"""The step of SGD on all parameters at once, with the bits of the reference: each product and each sum is rounded."""

from __future__ import annotations

import numpy as np

from .compiling import fast_kernel, prange
from .vector_loops import array_at, part_of, wide_vectors

BLOCK = 2**14  # numbers that are one part of the work
FEW_BLOCKS = 6  # which one thread has done before others are awake


@fast_kernel
def _step(value, gradient, velocity, before, first, last, settings, write):
    """New numbers of a parameter, written or tried; whether all are finite."""
    wide_vectors()
    rate, momentum, decay = settings[0], settings[1], settings[2]
    wrong = 0
    count = last - first
    w, change = part_of(value, first, count), part_of(gradient, first, count)
    v, old = part_of(velocity, first, count), part_of(before, first, count)
    if decay == 0 and momentum == 0:  # branches inside of the loops would keep them from being vectorised
        for i in range(count):
            new = w[i] - rate * change[i]
            wrong |= new - new != 0
            if write:
                w[i] = new
    elif momentum == 0:
        for i in range(count):
            direction = change[i] + decay * w[i]
            new = w[i] - rate * direction
            wrong |= (direction - direction != 0) | (new - new != 0)
            if write:
                w[i] = new
    elif not write:
        for i in range(count):
            direction = change[i]
            if decay != 0:
                direction = direction + decay * w[i]
            new = w[i] - rate * (momentum * old[i] + direction)
            wrong |= (direction - direction != 0) | (new - new != 0)
    elif decay == 0:
        for i in range(count):
            v[i] = momentum * old[i] + change[i]
        for i in range(count):
            w[i] = w[i] - rate * v[i]
    else:
        for i in range(count):
            direction = change[i] + decay * w[i]
            v[i] = momentum * old[i] + direction
        for i in range(count):
            w[i] = w[i] - rate * v[i]
    return wrong


@fast_kernel
def _part(arrays, sizes, settings, block, write):
    p = block[0]
    value, gradient = array_at(arrays[0, p], sizes[p], settings), array_at(arrays[1, p], sizes[p], settings)
    velocity, before = array_at(arrays[2, p], sizes[p], settings), array_at(arrays[3, p], sizes[p], settings)
    return _step(value, gradient, velocity, before, block[1], block[2], settings, write)


@fast_kernel(parallel=True)
def _all_parts(arrays, sizes, settings, blocks, write):
    wrong = np.zeros(blocks.shape[0], np.int64)
    for k in prange(blocks.shape[0]):
        wrong[k] = _part(arrays, sizes, settings, blocks[k], write)
    return wrong.sum()


@fast_kernel
def _one_by_one(arrays, sizes, settings, blocks, write):
    wrong = 0
    for k in range(blocks.shape[0]):
        wrong += _part(arrays, sizes, settings, blocks[k], write)
    return wrong


@fast_kernel
def sgd(arrays, sizes, settings, blocks):
    """w ← w - η (μ v + ∇ + wd w) of parameters at addresses, all at once; whether all numbers are finite.

    Where one is not, nothing is written.

    arrays    [4, P] addresses of w, ∇, the new v and the old; of any numbers where μ is 0
    sizes     [P]
    settings  η, μ and wd, of the parameters' dtype
    blocks    [number of blocks, 3]: the parameter, the first of its numbers, and the last
    """
    together = blocks.shape[0] > FEW_BLOCKS
    for write in (False, True):
        if together:
            wrong = _all_parts(arrays, sizes, settings, blocks, write)
        else:
            wrong = _one_by_one(arrays, sizes, settings, blocks, write)
        if wrong:
            return False
    return True
