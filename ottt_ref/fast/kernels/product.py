"""Dense products in our own loops, C += A B with either factor transposed, inside parallel loops and without BLAS.

Blocks of 6 rows and of up to 4 vectors of columns stay in registers over up to 128 steps of the sum; the right factor's
part of it stays in the first-level cache meanwhile. Numbers are added up in ascending order, each product and sum
rounded once: zeros and ones give the bits of a gather-sum (`events`).
"""

from __future__ import annotations

from .compiling import fast_kernel, prange
from .vector_loops import BYTES, ROWS, product_block, wide_vectors

DEPTH = 128  # steps of the sum at a time


@fast_kernel(fastmath={"contract"})
def _plain_block(
    result, result_at, result_stride, left, left_at, left_row, left_column, right, right_at, stride, shape
):
    """What `product_block` does, of any number of rows and columns; shape: rows, steps, columns."""
    wide_vectors()
    rows, steps, columns = shape
    for r in range(rows):
        out, a = result_at + r * result_stride, left_at + r * left_row
        for k in range(0, steps - steps % 4, 4):
            a0, a1 = left[a + k * left_column], left[a + (k + 1) * left_column]
            a2, a3 = left[a + (k + 2) * left_column], left[a + (k + 3) * left_column]
            b0 = right_at + k * stride
            b1, b2, b3 = b0 + stride, b0 + 2 * stride, b0 + 3 * stride
            for c in range(columns):
                total = result[out + c] + a0 * right[b0 + c]
                total = total + a1 * right[b1 + c]
                total = total + a2 * right[b2 + c]
                result[out + c] = total + a3 * right[b3 + c]
        for k in range(steps - steps % 4, steps):
            factor = left[a + k * left_column]
            b0 = right_at + k * stride
            for c in range(columns):
                result[out + c] += factor * right[b0 + c]


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
        a0, b0 = left_at + first * left_column, right_at + first * stride
        for c in range(0, columns, 4 * lanes):
            width = min(4 * lanes, columns - c)
            whole = rows - rows % ROWS if built and width % lanes == 0 else 0
            b = b0 + c
            for r in range(0, whole, ROWS):
                out, a = result_at + r * result_stride + c, a0 + r * left_row
                if width == 4 * lanes:
                    product_block(
                        result, out, result_stride, left, a, left_row, left_column, right, b, stride, depth, 4
                    )
                elif width == 2 * lanes:
                    product_block(
                        result, out, result_stride, left, a, left_row, left_column, right, b, stride, depth, 2
                    )
                elif width == lanes:
                    product_block(
                        result, out, result_stride, left, a, left_row, left_column, right, b, stride, depth, 1
                    )
                else:  # three vectors
                    product_block(
                        result, out, result_stride, left, a, left_row, left_column, right, b, stride, depth, 3
                    )
            if whole < rows:
                out, a = result_at + whole * result_stride + c, a0 + whole * left_row
                shape_left = (rows - whole, depth, width)
                _plain_block(result, out, result_stride, left, a, left_row, left_column, right, b, stride, shape_left)


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
                total = result[r * columns + c] * 0
                for k in range(steps):
                    total += left[r * steps + k] * right[c * steps + k]
                result[r * columns + c] += total
