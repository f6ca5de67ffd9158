"""Hand-built loops for streaming (`vector_loops` says what these are): over rows of one block of memory.

    pay_rows    W_j ← f_j W_j + a_j S_j of the rows j that a list names, and Σ_j x_j W_j, whose sums stay in registers
    dot_rows    W_j · g of a few rows
    owe_rows    S_s ← ρ S_s + c_s g of a few rows, g in registers
    list_equal  the indices of whole numbers that equal one

`streaming` has the plain loop beside each. Rows begin at multiples of 64 bytes from the start of the memory.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .vector_loops import INT32, INTP, _listing, _Vectors

GROUP = 4  # vectors of a row that `dot_rows` takes at once


@intrinsic(prefer_literal=True)
def pay_rows(
    typingctx, memory, rows_at, owed_at, stride, places, chosen_at, slots_at, numbers_at, current_at, count, vectors
):
    """row ← f row + a owed, and current += x row, of `vectors` vectors of the rows that are chosen.

    chosen_at, slots_at  into `places`: which rows, and which rows of what is owed
    numbers_at           into `memory`: of each row f, a and x
    """
    if not isinstance(vectors, types.IntegerLiteral):
        return None
    p = types.intp
    signature = types.void(memory, p, p, p, places, p, p, p, p, p, vectors)

    def codegen(context, builder, sig, args):
        memory, rows_at, owed_at, stride, places, chosen_at, slots_at, numbers_at, current_at, count = args[:10]
        v = _Vectors(context, builder, sig.args[0].dtype)
        starts = [v.start(sig.args[0], memory, at) for at in (rows_at, owed_at)]
        lists = [v.start(sig.args[4], places, at) for at in (chosen_at, slots_at)]
        numbers = v.start(sig.args[0], memory, numbers_at)
        current = v.vectors(v.start(sig.args[0], memory, current_at))
        chosen = range(vectors.literal_value)

        def body(k, sums):
            indices = [builder.zext(builder.load(builder.gep(each, [k])), INTP) for each in lists]
            row, owed = (
                v.vectors(builder.gep(start, [builder.mul(index, stride)])) for start, index in zip(starts, indices)
            )
            first = builder.mul(k, INTP(3))
            factor, trace, value = (
                v.spread(builder.load(builder.gep(numbers, [builder.add(first, INTP(n))]))) for n in range(3)
            )
            weights = [v.fma(trace, v.load(owed, c), builder.fmul(factor, v.load(row, c))) for c in chosen]
            for c, weight in enumerate(weights):
                v.store(weight, row, c)
            return [v.fma(value, weight, total) for weight, total in zip(weights, sums)]

        for c, total in enumerate(v.sums(count, [v.load(current, c) for c in chosen], body)):
            v.store(total, current, c)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic(prefer_literal=True)
def dot_rows(typingctx, memory, first, stride, other, result, groups, rows):
    """The scalar products of `rows` rows, `stride` apart from `first` on, with another vector: from `result` on.

    groups  how many times `GROUP` vectors a row is long
    """
    if not isinstance(rows, types.IntegerLiteral):
        return None
    p, height = types.intp, rows.literal_value
    signature = types.void(memory, p, p, p, p, p, rows)

    def codegen(context, builder, sig, args):
        memory, first, stride, other, result, groups, _ = args
        v = _Vectors(context, builder, sig.args[0].dtype)
        start = v.start(sig.args[0], memory, first)
        rows = [v.vectors(builder.gep(start, [builder.mul(stride, INTP(r))])) for r in range(height)]
        against = v.vectors(v.start(sig.args[0], memory, other))
        zeros = ir.Constant(v.vector, [v.element(0.0)] * v.lanes)

        def body(k, sums):
            at, new = builder.mul(k, INTP(GROUP)), []
            there = builder.gep(against, [at])
            given = [v.load(there, c) for c in range(GROUP)]
            for r, row in enumerate(rows):
                here = builder.gep(row, [at])
                new += [v.fma(given[c], v.load(here, c), sums[GROUP * r + c]) for c in range(GROUP)]
            return new

        sums = v.sums(groups, [zeros] * (GROUP * height), body)
        kind = ir.FunctionType(v.element, [v.element, v.vector])
        name = f"llvm.vector.reduce.fadd.v{v.lanes}f{8 * v.align}"
        reduce = cgutils.get_or_insert_function(builder.module, kind, name)
        out = v.start(sig.args[0], memory, result)
        for r in range(height):
            one, two, three, four = sums[GROUP * r : GROUP * (r + 1)]
            total = builder.fadd(builder.fadd(one, two), builder.fadd(three, four))
            number = builder.call(reduce, [v.element(-0.0), total], fastmath=("reassoc",))
            builder.store(number, builder.gep(out, [INTP(r)]))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic(prefer_literal=True)
def owe_rows(typingctx, memory, rows_at, stride, numbers_at, keep_at, other, count, vectors):
    """row ← keep row + c other of `vectors` vectors of `count` rows, each with a number c of its own."""
    if not isinstance(vectors, types.IntegerLiteral):
        return None
    p = types.intp
    signature = types.void(memory, p, p, p, p, p, p, vectors)

    def codegen(context, builder, sig, args):
        memory, rows_at, stride, numbers_at, keep_at, other, count, _ = args
        v = _Vectors(context, builder, sig.args[0].dtype)
        start, numbers = v.start(sig.args[0], memory, rows_at), v.start(sig.args[0], memory, numbers_at)
        keep = v.spread(builder.load(v.start(sig.args[0], memory, keep_at)))
        against = v.vectors(v.start(sig.args[0], memory, other))
        given = [v.load(against, c) for c in range(vectors.literal_value)]

        def body(k, sums):
            row = v.vectors(builder.gep(start, [builder.mul(k, stride)]))
            number = v.spread(builder.load(builder.gep(numbers, [k])))
            for c, each in enumerate(given):
                v.store(v.fma(number, each, builder.fmul(keep, v.load(row, c))), row, c)
            return []

        v.sums(count, [], body)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def list_equal(typingctx, places, chosen_at, numbers_at, number, vectors):
    """List where a number is among `vectors` vectors of others; how often it is there. As `list_nonzero`."""
    p = types.intp
    signature = p(places, p, p, p, p)

    def codegen(context, builder, sig, args):
        places, chosen_at, numbers_at, number, count = args
        v = _Vectors(context, builder, sig.args[0].dtype)
        given = v.vectors(v.start(sig.args[0], places, numbers_at))
        wanted = v.spread(builder.trunc(number, INT32))

        def masks_of(k):
            return (builder.icmp_signed("==", builder.load(builder.gep(given, [k]), align=v.align), wanted),)

        return _listing(v, (sig.args[0], places), chosen_at, count, masks_of)

    return signature, codegen
