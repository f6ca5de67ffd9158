"""Dense products in our own loops, C += A B with either factor transposed, inside parallel loops and without BLAS.

Blocks of 6 rows and of up to 4 vectors of columns stay in registers over up to 128 steps of the sum; the right factor's
part of it stays in the first-level cache meanwhile. Numbers are added up in ascending order, each product and sum
rounded once: zeros and ones give the bits of a gather-sum (`events`).
"""

from __future__ import annotations

import numpy as np

from .compiling import fast_kernel, prange
from .vector_loops import BYTES, ROWS, part_of, product_block, wide_vectors

DEPTH = 128  # steps of the sum at a time


@fast_kernel(fastmath={"contract"})
def _plain_block(
    result, result_at, result_stride, left, left_at, left_row, left_column, right, right_at, stride, shape
):
    """What `product_block` does, of any number of rows and columns; shape: rows, steps, columns."""
    wide_vectors()
    rows, steps, columns = shape
    for r in range(rows):
        at, a = result_at + r * result_stride, left_at + r * left_row
        total = part_of(result, at, columns)  # views: an index that may be negative is no vector's
        for k in range(0, steps - steps % 4, 4):
            a0, a1 = left[a + k * left_column], left[a + (k + 1) * left_column]
            a2, a3 = left[a + (k + 2) * left_column], left[a + (k + 3) * left_column]
            b = right_at + k * stride
            b0, b1 = part_of(right, b, columns), part_of(right, b + stride, columns)
            b += 2 * stride
            b2, b3 = part_of(right, b, columns), part_of(right, b + stride, columns)
            for c in range(columns):
                sum_so_far = total[c] + a0 * b0[c]
                sum_so_far = sum_so_far + a1 * b1[c]
                sum_so_far = sum_so_far + a2 * b2[c]
                total[c] = sum_so_far + a3 * b3[c]
        for k in range(steps - steps % 4, steps):
            factor, b = left[a + k * left_column], right_at + k * stride
            b0 = part_of(right, b, columns)
            for c in range(columns):
                total[c] += factor * b0[c]


@fast_kernel
def _blocks(result, result_at, result_stride, left, left_at, left_row, left_column, right, right_at, stride, shape):
    """`add_product` of hand-built blocks: rows in sixes, columns in whole vectors; the rest is left out."""
    rows, steps, columns = shape
    lanes = BYTES // result.itemsize
    for c in range(0, columns - lanes + 1, 4 * lanes):
        vectors = min(4, (columns - c) // lanes)
        b = right_at + c
        for r in range(0, rows - ROWS + 1, ROWS):
            out, a = result_at + r * result_stride + c, left_at + r * left_row
            if vectors == 4:
                product_block(result, out, result_stride, left, a, left_row, left_column, right, b, stride, steps, 4)
            elif vectors == 2:
                product_block(result, out, result_stride, left, a, left_row, left_column, right, b, stride, steps, 2)
            elif vectors == 1:
                product_block(result, out, result_stride, left, a, left_row, left_column, right, b, stride, steps, 1)
            else:
                product_block(result, out, result_stride, left, a, left_row, left_column, right, b, stride, steps, 3)


@fast_kernel
def _copy(result, result_at, result_stride, values, values_at, stride, step, rows, columns):
    for r in range(rows):
        at, there = values_at + r * stride, result_at + r * result_stride
        out = part_of(result, there, columns)
        for c in range(columns):
            out[c] = values[at + c * step]


@fast_kernel
def _all_blocks(result, result_at, result_stride, left, left_at, left_row, left_column, right, right_at, stride, shape):
    """`_blocks` of any number of rows and columns: what is left of them is copied, and filled up with zeros."""
    rows, steps, columns = shape
    lanes = BYTES // result.itemsize
    whole = columns - columns % lanes
    rest = columns - whole
    even = rows - rows % ROWS
    _blocks(
        result,
        result_at,
        result_stride,
        left,
        left_at,
        left_row,
        left_column,
        right,
        right_at,
        stride,
        (even, steps, whole),
    )
    if rest:
        narrow, own = np.zeros(steps * lanes, result.dtype), np.zeros(max(even, 1) * lanes, result.dtype)
        _copy(narrow, 0, lanes, right, right_at + whole, stride, 1, steps, rest)
        _copy(own, 0, lanes, result, result_at + whole, result_stride, 1, even, rest)
        _blocks(own, 0, lanes, left, left_at, left_row, left_column, narrow, 0, lanes, (even, steps, lanes))
        _copy(result, result_at + whole, result_stride, own, 0, lanes, 1, even, rest)
    if even < rows:
        width = whole + (lanes if rest else 0)
        low, own = np.zeros(ROWS * steps, result.dtype), np.zeros(ROWS * width, result.dtype)
        _copy(low, 0, steps, left, left_at + even * left_row, left_row, left_column, rows - even, steps)
        out = result_at + even * result_stride
        _copy(own, 0, width, result, out, result_stride, 1, rows - even, columns)
        _blocks(own, 0, width, low, 0, steps, 1, right, right_at, stride, (ROWS, steps, whole))
        if rest:
            narrow = np.zeros(steps * lanes, result.dtype)
            _copy(narrow, 0, lanes, right, right_at + whole, stride, 1, steps, rest)
            _blocks(own, whole, width, low, 0, steps, 1, narrow, 0, lanes, (ROWS, steps, lanes))
        _copy(result, out, result_stride, own, 0, width, 1, rows - even, columns)


@fast_kernel
def add_product(
    result, result_at, result_stride, left, left_at, left_row, left_column, right, right_at, stride, shape, built
):
    """result[r, c] += Σ_k left[r, k] right[k, c]; shape: rows, steps, columns.

    left_row, left_column   how far apart two rows, and two columns, of the left factor lie
    """
    rows, steps, columns = shape
    lanes = BYTES // result.itemsize
    for first in range(0, steps, DEPTH):
        depth = min(DEPTH, steps - first)
        a, b = left_at + first * left_column, right_at + first * stride
        for c in range(0, columns, 4 * lanes):
            part = (rows, depth, min(4 * lanes, columns - c))
            out = result_at + c
            if built:
                _all_blocks(result, out, result_stride, left, a, left_row, left_column, right, b + c, stride, part)
            else:
                _plain_block(result, out, result_stride, left, a, left_row, left_column, right, b + c, stride, part)


@fast_kernel
def add_whole_product(
    result, result_at, result_stride, left, left_at, left_row, left_column, right, right_at, stride, shape, built
):
    """`add_product` where hand-built blocks fit: rows are filled up to sixes, and columns are 1, 2, 4, 8, ... vectors.

    What is read and written of the rows beyond the last must be there, and nobody's.
    """
    rows, steps, columns = shape
    lanes = BYTES // result.itemsize
    block = np.empty(min(DEPTH, steps) * 4 * lanes, result.dtype)
    transposed = left_row == 1
    sixes = np.empty((rows + ROWS) * min(DEPTH, steps) if transposed and built else 0, result.dtype)
    source, between, along = left, left_row, left_column
    if transposed and built:
        source, along = sixes, np.int64(ROWS)
    for first in range(0, steps, DEPTH):
        depth = min(DEPTH, steps - first)
        a, b = left_at + first * left_column, right_at + first * stride
        if not built:
            part = (rows, depth, columns)
            _plain_block(result, result_at, result_stride, left, a, left_row, left_column, right, b, stride, part)
            continue
        if transposed:  # a column of it is read number by number from as many pages: six of them, side by side
            for k in range(depth):
                for r in range(0, rows, ROWS):
                    for y in range(ROWS):
                        sixes[r * depth + k * ROWS + y] = left[a + k * left_column + r + y]
        width = min(columns, 4 * lanes)
        for c in range(0, columns, width):
            for k in range(depth):  # of rows that lie far apart a first-level cache holds few
                row, given = part_of(block, k * width, width), part_of(right, b + k * stride + c, width)
                for i in range(width):
                    row[i] = given[i]
            for r in range(0, rows, ROWS):
                out, at = result_at + r * result_stride + c, r * depth if transposed else a + r * left_row
                if width == 4 * lanes:
                    product_block(result, out, result_stride, source, at, between, along, block, 0, width, depth, 4)
                elif width == 2 * lanes:
                    product_block(result, out, result_stride, source, at, between, along, block, 0, width, depth, 2)
                else:
                    product_block(result, out, result_stride, source, at, between, along, block, 0, width, depth, 1)


@fast_kernel(parallel=True)
def add_products(result, left, left_row, left_column, right, shape, built):
    """C += A B of flat arrays: C [rows, columns] and B [steps, columns] contiguous, A of any order; in parallel.

    shape  rows, steps, columns
    """
    rows, steps, columns = shape
    width = 4 * (BYTES // result.itemsize)
    height = ROWS * 32
    across, down = (columns + width - 1) // width, (rows + height - 1) // height
    for part in prange(across * down):
        c, r = part // down * width, part % down * height
        own = (min(height, rows - r), steps, min(width, columns - c))
        add_product(
            result, r * columns + c, columns, left, r * left_row, left_row, left_column, right, c, columns, own, built
        )


@fast_kernel(parallel=True, fastmath={"contract", "reassoc", "nsz"})
def add_products_of_rows(result, left, right, shape):
    """C += A B^T of flat contiguous arrays: C [rows, columns], A [rows, steps], B [columns, steps]; for few rows.

    Sums are added up in an order of the compiler's choice, the same for every number of threads.
    """
    rows, steps, columns = shape
    block = 16
    for part in prange((columns + block - 1) // block):
        wide_vectors()
        for c in range(part * block, min(columns, (part + 1) * block)):
            for r in range(rows):
                total = result.dtype.type(0)
                one, other = part_of(left, r * steps, steps), part_of(right, c * steps, steps)
                for k in range(steps):
                    total += one[k] * other[k]
                result[r * columns + c] += total
