"""Small products whose sums stay in the processor's registers: what convolutions are made of.

    tile    result[i, x] += Σ_k left[i, k] right[offsets[k] + x]    of 8, 4 or 1 rows i, and up to 3 vectors of x
    dots    result[i, k] += Σ_x left[i, x] right[offsets[k] + x]    of 8, 4 or 1 rows i, of 3 or 1 k

`offsets` says where the numbers that belong to k begin. With it one array of images serves every place of a window that
moves over them, and no copy is made for each place. `..._at` counts numbers of an array from its start.

LLVM vectorises one loop, and keeps what is summed in memory between the passes of the loop around it. Here 8 rows times
3 vectors of 64 bytes are 24 sums in the 32 registers of AVX-512. The plain loops do the same for every processor.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .compiling import fast_kernel
from .vector_loops import BYTES, INT32, INTP, _Vectors

VECTORS = 3  # of a tile
COLUMNS = 3  # of `dots`: windows are often 3 wide


def lanes(dtype: np.dtype) -> int:
    """How many numbers a vector holds; the length of what `dots` sums is a multiple of it."""
    return BYTES // np.dtype(dtype).itemsize


def width(dtype: np.dtype) -> int:
    """How many numbers x a tile has.

    >>> import numpy as np
    >>> from ottt_ref.fast.kernels.tiles import width
    >>> width(np.dtype(np.float32)), width(np.dtype(np.float64))
    (48, 24)
    """
    return VECTORS * lanes(dtype)


def _signature(*arguments):
    return types.void(*(each if isinstance(each, types.Array) else types.intp for each in arguments))


def _tile(rows, vectors):
    @intrinsic
    def tile(
        typingctx, result, result_at, result_row, left, left_at, left_row, right, right_at, offsets, offsets_at, depth
    ):
        signature = _signature(
            result, result_at, result_row, left, left_at, left_row, right, right_at, offsets, offsets_at, depth
        )

        def codegen(context, builder, sig, args):
            result, result_at, result_row, left, left_at, left_row, right, right_at, offsets, offsets_at, depth = args
            v = _Vectors(context, builder, sig.args[0].dtype)
            out = v.start(sig.args[0], result, result_at)
            outs = [v.vectors(builder.gep(out, [builder.mul(result_row, INTP(i))])) for i in range(rows)]
            first = v.start(sig.args[3], left, left_at)
            lefts = [builder.gep(first, [builder.mul(left_row, INTP(i))]) for i in range(rows)]
            base = v.start(sig.args[6], right, right_at)
            places = v.start(sig.args[8], offsets, offsets_at)

            def body(k, sums):
                given = v.vectors(builder.gep(base, [builder.load(builder.gep(places, [k]))]))
                loaded, new = [v.load(given, c) for c in range(vectors)], []
                for i in range(rows):
                    factor = v.spread(builder.load(builder.gep(lefts[i], [k])))
                    new += [v.fma(factor, loaded[c], sums[i * vectors + c]) for c in range(vectors)]
                return new

            initial = [v.load(outs[i], c) for i in range(rows) for c in range(vectors)]
            for n, total in enumerate(v.sums(depth, initial, body)):
                v.store(total, outs[n // vectors], n % vectors)
            return context.get_dummy_value()

        return signature, codegen

    return tile


def _dots(rows, columns):
    @intrinsic
    def dots(
        typingctx, result, result_at, result_row, left, left_at, left_row, right, right_at, offsets, offsets_at, vectors
    ):
        signature = _signature(
            result, result_at, result_row, left, left_at, left_row, right, right_at, offsets, offsets_at, vectors
        )

        def codegen(context, builder, sig, args):
            result, result_at, result_row, left, left_at, left_row, right, right_at, offsets, offsets_at, count = args
            v = _Vectors(context, builder, sig.args[0].dtype)
            out = v.start(sig.args[0], result, result_at)
            first = v.start(sig.args[3], left, left_at)
            lefts = [v.vectors(builder.gep(first, [builder.mul(left_row, INTP(i))])) for i in range(rows)]
            base = v.start(sig.args[6], right, right_at)
            places = v.start(sig.args[8], offsets, offsets_at)
            given = [
                v.vectors(builder.gep(base, [builder.load(builder.gep(places, [INTP(k)]))])) for k in range(columns)
            ]

            def at(vectors, x):
                return builder.load(builder.gep(vectors, [x]), align=v.align)

            def body(x, sums):
                loaded, new = [at(each, x) for each in given], []
                for i in range(rows):
                    factors = at(lefts[i], x)
                    new += [v.fma(factors, loaded[k], sums[i * columns + k]) for k in range(columns)]
                return new

            zero = ir.Constant(v.vector, [v.element(0.0)] * v.lanes)
            for n, total in enumerate(v.sums(count, [zero] * (rows * columns), body)):
                i, k = divmod(n, columns)
                place = builder.gep(out, [builder.add(builder.mul(result_row, INTP(i)), INTP(k))])
                builder.store(builder.fadd(builder.load(place), _total(v, total)), place)
            return context.get_dummy_value()

        return signature, codegen

    return dots


def _total(v, vector):
    """The sum of a vector's numbers: of its halves, then of the halves of that, and so on."""
    size = v.lanes
    while size > 1:
        size //= 2
        mask = ir.Constant(ir.VectorType(INT32, v.lanes), [INT32((k + size) % v.lanes) for k in range(v.lanes)])
        vector = v.builder.fadd(vector, v.builder.shuffle_vector(vector, vector, mask))
    return v.builder.extract_element(vector, INT32(0))


tile_8, tile_4, tile_1 = (_tile(rows, VECTORS) for rows in (8, 4, 1))
tile_8x2, tile_8x1 = _tile(8, 2), _tile(8, 1)
dots_8x3, dots_4x3, dots_1x3, dots_8x1, dots_4x1, dots_1x1 = (_dots(i, k) for k in (3, 1) for i in (8, 4, 1))


@fast_kernel(fastmath={"contract"})
def plain_tile(
    rows, size, result, result_at, result_row, left, left_at, left_row, right, right_at, offsets, offsets_at, depth
):
    """A tile of any number of rows and numbers x, in loops."""
    for i in range(rows):
        total = result[result_at + i * result_row : result_at + i * result_row + size]
        factors = left[left_at + i * left_row : left_at + i * left_row + depth]
        for k in range(depth):
            first = right_at + offsets[offsets_at + k]
            given, factor = right[first : first + size], factors[k]
            for x in range(size):
                total[x] += factor * given[x]


@fast_kernel(fastmath={"contract", "reassoc", "nsz"})
def plain_dots(
    rows, columns, result, result_at, result_row, left, left_at, left_row, right, right_at, offsets, offsets_at, length
):
    """Dots of any number of rows and columns, in loops."""
    for i in range(rows):
        factors = left[left_at + i * left_row : left_at + i * left_row + length]
        for k in range(columns):
            first = right_at + offsets[offsets_at + k]
            given = right[first : first + length]
            total = result.dtype.type(0)
            for x in range(length):
                total += factors[x] * given[x]
            result[result_at + i * result_row + k] += total
