"""Events: the numbers that are not 0, as lists; and sums over lists.

Of values [R, n] there is a list for each row, of the columns that are not 0, and one for each column, of the rows. Both
are in ascending order. Lists lie in fixed slots of one flat array: row r's at r · slots, with counts[r] entries.
Numbers beside the indices are written where some number is neither 0 nor 1 (spikes are all 1).

A gather-sum adds up the rows of a table that a list names. Forwards, the table is W^T, and each row of values names the
weights that it adds; for gradients, it is the errors, and each column names the rows in which its neuron fired:

    I[r, i] = Σ_{j in list r} W^T[j, i]           ∇W^T[j, i] = Σ_{r in list j} g[r, i]

Tables lie in panels: groups of columns, each contiguous, narrow enough for the second-level cache (`panels`). A panel
is `vectors` vectors of 64 bytes wide, 1, 2, 4, 8 or 16; columns beyond the last are 0.
"""

from __future__ import annotations

import numpy as np

from .compiling import fast_kernel, prange
from .vector_loops import BYTES, STRANGE, gather_sum, list_nonzero, part_of, turn_block, wide_vectors

WIDTHS = (16, 8, 4, 2, 1)
PADDING = BYTES // 4  # entries that a list needs beyond its last: whole vectors are written
ALL_ONE, FINITE = 1, 2  # what is found of values: flags


def panels(columns: int, dtype: np.dtype) -> tuple[int, int]:
    """How many panels of how many vectors a table of so many columns is cut into.

    Wide panels read each list less often; narrow ones waste less on columns that are not there.

    >>> import numpy as np
    >>> from ottt_ref.fast.kernels.events import panels
    >>> panels(512, np.dtype(np.float32)), panels(10, np.dtype(np.float32)), panels(300, np.dtype(np.float32))
    ((2, 16), (1, 1), (5, 4))
    """
    lanes = BYTES // dtype.itemsize
    whole = -(-columns // lanes)
    vectors = min(WIDTHS, key=lambda each: -(-whole // each) * (each + 1))
    return -(-whole // vectors), vectors


@fast_kernel(inline=True, fastmath={"contract"})
def add_rows(result, result_at, table, table_at, chosen, chosen_at, values, values_at, count, vectors, scaled, built):
    """result[c] += Σ_k table[chosen[k], c], with `scaled` times values[k], of a table whose rows are a panel wide."""
    lanes = BYTES // result.itemsize
    stride = vectors * lanes
    if not built:
        total = part_of(result, result_at, stride)  # views: an index that may be negative is no vector's
        for k in range(count):
            at = table_at + np.intp(chosen[chosen_at + k]) * stride
            row = part_of(table, at, stride)
            if scaled:
                factor = values[values_at + k]
                for c in range(stride):
                    total[c] += factor * row[c]
            else:
                for c in range(stride):
                    total[c] += row[c]
        return
    at, first = chosen_at, table_at  # short names for the lines below
    if scaled:  # by 4 vectors or by 1: numbers that are no spikes are rare enough
        step = 4 if vectors >= 4 else 1
        for c in range(0, stride, step * lanes):
            if step == 4:
                gather_sum(result, result_at + c, table, first + c, stride, chosen, at, values, values_at, count, 4, 1)
            else:
                gather_sum(result, result_at + c, table, first + c, stride, chosen, at, values, values_at, count, 1, 1)
    elif vectors == 16:
        gather_sum(result, result_at, table, first, stride, chosen, at, values, values_at, count, 16, 0)
    elif vectors == 8:
        gather_sum(result, result_at, table, first, stride, chosen, at, values, values_at, count, 8, 0)
    elif vectors == 4:
        gather_sum(result, result_at, table, first, stride, chosen, at, values, values_at, count, 4, 0)
    elif vectors == 2:
        gather_sum(result, result_at, table, first, stride, chosen, at, values, values_at, count, 2, 0)
    else:
        gather_sum(result, result_at, table, first, stride, chosen, at, values, values_at, count, 1, 0)


@fast_kernel
def list_row(chosen, chosen_at, numbers, numbers_at, values, values_at, columns, built):
    """The list of one row of values, from `chosen_at`, and of its numbers from `numbers_at`; (count, flags).

    Numbers are written where one of them is neither 0 nor 1; without room for them (an empty array) never.
    """
    lanes = BYTES // values.itemsize
    count = 0
    done = 0
    strange = False
    if built:
        done = columns // lanes
        count = list_nonzero(chosen, chosen_at, values, values_at, done)
        done *= lanes
        if count >= STRANGE:
            count -= STRANGE
            strange = True
    for j in range(done, columns):
        number = values[values_at + j]
        chosen[chosen_at + count] = j
        count += number != 0
        strange |= number != 0 and number != 1
    if not strange:
        return count, ALL_ONE | FINITE
    flags = FINITE
    for k in range(count):
        number = values[values_at + np.intp(chosen[chosen_at + k])]
        if numbers.size:
            numbers[numbers_at + k] = number
        if number - number != 0:
            flags = 0
    return count, flags


@fast_kernel
def fill_numbers(chosen, chosen_at, numbers, numbers_at, values, values_at, count):
    """The numbers of a list that was made without them."""
    for k in range(count):
        numbers[numbers_at + k] = values[values_at + np.intp(chosen[chosen_at + k])]


@fast_kernel(parallel=True)
def list_rows(chosen, numbers, counts, flags, values, columns, slots, built):
    """The lists of all rows of values, R · columns numbers; counts and flags [R]. Their numbers with room for them."""
    rows = counts.shape[0]
    block = 16
    for part in prange((rows + block - 1) // block):
        for r in range(part * block, min(rows, (part + 1) * block)):
            at = r * slots
            counts[r], flags[r] = list_row(chosen, at, numbers, at, values, r * columns, columns, built)
            if numbers.size and flags[r] & ALL_ONE:
                fill_numbers(chosen, at, numbers, at, values, r * columns, counts[r])


@fast_kernel
def list_columns(
    chosen, numbers, counts, slots, row_chosen, row_numbers, row_counts, row_slots, rows, first, columns, scaled
):
    """The lists of the columns from `first` to before `columns` from those of all rows."""
    for j in range(first, columns):
        counts[j] = 0
    for r in range(rows):
        for k in range(row_counts[r]):
            j = np.intp(row_chosen[r * row_slots + k])
            if first <= j < columns:
                at = j * slots + counts[j]
                chosen[at] = r
                if scaled:
                    numbers[at] = row_numbers[r * row_slots + k]
                counts[j] += 1


@fast_kernel
def turn(result, result_at, result_stride, values, values_at, stride, rows, columns, built):
    """result[c, r] = values[r, c] of a matrix, in squares that stay in the first-level cache.

    Squares follow each other along the rows of the matrix whose rows lie further apart: few pages at a time.
    """
    lanes = BYTES // values.itemsize
    down, across = (rows + lanes - 1) // lanes, (columns + lanes - 1) // lanes
    for k in range(down * across):
        r, c = (k // across, k % across) if stride >= result_stride else (k % down, k // down)
        r, c = r * lanes, c * lanes
        height, width = min(lanes, rows - r), min(lanes, columns - c)
        at, there = values_at + r * stride + c, result_at + c * result_stride + r
        if built and height == lanes and width == lanes:
            turn_block(result, there, result_stride, values, at, stride)
            continue
        for x in range(width):
            for y in range(height):
                result[there + x * result_stride + y] = values[at + y * stride + x]


@fast_kernel(parallel=True)
def into_panels(table, weight, outputs, inputs, vectors, built):
    """W [outputs, inputs] → the panels of W^T: [panels][inputs][width], 0 beyond the last output."""
    width = vectors * (BYTES // weight.itemsize)
    count = (outputs + width - 1) // width
    block = 64  # rows of W^T that one part of the work turns
    parts = (inputs + block - 1) // block
    for part in prange(count * parts):
        p, first = part // parts, part % parts * block
        own = min(width, outputs - p * width)
        rows = min(block, inputs - first)
        at = (p * inputs + first) * width
        if own < width:
            for k in range(at, at + rows * width):
                table[k] = 0
        turn(table, at, width, weight, p * width * inputs + first, inputs, own, rows, built)


@fast_kernel(parallel=True)
def gather_rows(result, start, table, chosen, numbers, counts, slots, columns, inputs, vectors, scaled, built):
    """result[r, i] = start[i] + Σ of the rows of W^T that row r's list names, [R, columns]; panels of `inputs` rows."""
    lanes = BYTES // result.itemsize
    width, rows = vectors * lanes, counts.shape[0]
    count = (columns + width - 1) // width
    block = 64
    parts = (rows + block - 1) // block
    for part in prange(count * parts):
        wide_vectors()
        p, first = part // parts, part % parts * block
        own = min(width, columns - p * width)
        total = np.empty(width, result.dtype)
        for r in range(first, min(rows, first + block)):
            for c in range(width):
                total[c] = 0
            begin = part_of(start, p * width, own)
            for c in range(own):
                total[c] = begin[c]
            at = r * slots
            add_rows(total, 0, table, p * inputs * width, chosen, at, numbers, at, counts[r], vectors, scaled, built)
            out = part_of(result, r * columns + p * width, own)
            for c in range(own):
                out[c] = total[c]
