"""All-to-all synapses on rows of values: what `operations.dense` puts together.

Flat contiguous arrays: weight [n_out, n_in], values [R, n_in], errors [R, n_out].
"""

from __future__ import annotations

import numpy as np

from .compiling import fast_kernel, prange
from .events import add_rows, list_columns, turn
from .product import add_product
from .vector_loops import BYTES, part_of, wide_vectors

BLOCK = 96  # rows that are one part of the work: a multiple of those of a block of a product


@fast_kernel(parallel=True)
def count_nonzero(counts, values):
    """How many numbers are not 0, in `len(counts)` parts of equal length."""
    length = (values.size + counts.size - 1) // counts.size
    for part in prange(counts.size):
        wide_vectors()
        total = 0
        given = part_of(values, part * length, min(length, values.size - part * length))
        for k in range(given.size):
            total += given[k] != 0
        counts[part] = total


@fast_kernel(parallel=True)
def multiply_rows(result, start, table, values, columns, inputs, vectors, built):
    """result[r, i] = start[i] + Σ_j W^T[j, i] values[r, j] from W^T in panels; the arithmetic is dense."""
    width, rows = vectors * (BYTES // result.itemsize), values.size // inputs
    count = (columns + width - 1) // width
    parts = (rows + BLOCK - 1) // BLOCK
    for part in prange(count * parts):
        p, first = part // parts, part % parts * BLOCK
        own, height = min(width, columns - p * width), min(BLOCK, rows - first)
        total = np.zeros(BLOCK * width, result.dtype)
        begin = part_of(start, p * width, own)
        for r in range(height):
            out = part_of(total, r * width, own)
            for c in range(own):
                out[c] = begin[c]
        at, shape = p * inputs * width, (height, inputs, width)
        add_product(total, 0, width, values, first * inputs, inputs, 1, table, at, width, shape, built)
        for r in range(height):
            out = (first + r) * columns + p * width
            row, sums = part_of(result, out, own), part_of(total, r * width, own)
            for c in range(own):
                row[c] = sums[c]


@fast_kernel(parallel=True)
def add_bias_gradient(gradient, error, factor):
    """gradient[i] += factor Σ_r error[r, i], added up in the order of rows."""
    columns = gradient.size
    rows, block = error.size // columns, 64
    for part in prange((columns + block - 1) // block):
        first = part * block
        own = min(block, columns - first)
        total = np.zeros(block, error.dtype)
        for r in range(rows):
            given = part_of(error, r * columns + first, own)
            for c in range(own):
                total[c] += given[c]
        for c in range(own):
            gradient[first + c] += factor * total[c]


@fast_kernel(parallel=True)
def add_gradient_of_events(
    gradient, error, chosen, numbers, counts, slots, columns, inputs, vectors, scaled, index, tables, built
):
    """gradient[i, j] += Σ_{r in list j} error[r, i] (times the number there), of the rows' lists.

    index, tables  scratch: indices like the lists' and numbers, whole lists by column and the panels of the errors
    """
    lanes = BYTES // gradient.itemsize
    width, rows = vectors * lanes, counts.shape[0]
    count = (columns + width - 1) // width
    parts = 4  # each of which reads all rows' lists, for the lists of its columns
    block = (inputs + parts - 1) // parts
    of_columns = np.empty(inputs, np.int64)
    amounts = np.empty(inputs * rows if scaled else 0, gradient.dtype)
    for part in prange(max(parts, count)):
        if part < parts:
            last = min(inputs, (part + 1) * block)
            list_columns(
                index, amounts, of_columns, rows, chosen, numbers, counts, slots, rows, part * block, last, scaled
            )
        if part < count:
            own = min(width, columns - part * width)
            for r in range(rows):
                at, there = (part * rows + r) * width, r * columns + part * width
                table, given = part_of(tables, at, width), part_of(error, there, own)
                for c in range(own):
                    table[c] = given[c]
                for c in range(own, width):
                    table[c] = 0
    few = 64
    pieces = (inputs + few - 1) // few
    for part in prange(count * pieces):
        p, first = part // pieces, part % pieces * few
        own, last = min(width, columns - p * width), min(inputs, first + few)
        sums = np.zeros(few * width, gradient.dtype)
        turned = np.empty(few * width, gradient.dtype)
        for j in range(first, last):
            at, out = j * rows, (j - first) * width
            add_rows(sums, out, tables, p * rows * width, index, at, amounts, at, of_columns[j], vectors, scaled, built)
        turn(turned, 0, few, sums, 0, width, last - first, own, built)
        for i in range(own):
            at = (p * width + i) * inputs + first
            total, part_of_it = part_of(gradient, at, last - first), part_of(turned, i * few, last - first)
            for j in range(last - first):
                total[j] += part_of_it[j]
