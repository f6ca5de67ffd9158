"""Hand-built loops: LLVM instructions over vectors of 64 bytes, where Numba's own loops fall short.

Numba leaves it to LLVM which loops it turns into vectors. What it does not find by itself is built here, by Numba's
`intrinsic`, as functions that kernels call:

    gather_sum      result[c] += Σ_k value_k table[chosen_k, c]: the sums stay in registers over the whole list
    product_block   result[r, c] += Σ_k left[r, k] right[k, c], of 6 rows and up to 4 vectors of columns: the same
    list_nonzero, list_reached   the indices of numbers that are not 0, or reach a threshold, 16 at a time
    turn_block      a square of a matrix, transposed
    array_at        an array at an address, for kernels that take any number of arrays of several shapes
    part_of         a part of an array, without counting who uses it
    number_of_bits  a float from its bits, for exponentials
    ticks           the processor's clock, where it may be read

Arrays are contiguous, and `..._at` counts elements of one from its start. Nothing is checked: whoever calls them has
seen to it that what is read and written lies inside. Sums are added up in the order of the list, or of k, with the
product and the sum rounded once (`fma`): a product of 1 and a number is the number, so that a dense product over zeros
and ones gives the bits of the gather-sum.

Everything compiles for every processor, but vectors of 64 bytes are fast where registers are as wide, and the two lists
are empty without AVX-512. `choosing` says where hand-built loops are used; each has a plain one beside it.
"""

from __future__ import annotations

import platform

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

BYTES = 64  # of a vector
ROWS = (
    6  # of a block of a product: 6 x 4 sums, 4 vectors of the right factor and one of the left fill 29 of 32 registers
)
STRANGE = 2**40
INT32, INTP = ir.IntType(32), ir.IntType(64)


def lanes_of(element):
    """How many numbers of an LLVM type a vector holds."""
    return BYTES // (8 if element == ir.DoubleType() else 4)


class _Vectors:
    """What the builders below share: vectors of one element type."""

    def __init__(self, context, builder, dtype):
        self.context, self.builder = context, builder
        self.element = context.get_data_type(dtype)
        self.lanes = lanes_of(self.element)
        self.vector = ir.VectorType(self.element, self.lanes)
        self.align = BYTES // self.lanes

    def start(self, array_type, array, offset):
        """A pointer to an array's element."""
        data = self.context.make_array(array_type)(self.context, self.builder, array).data
        return self.builder.gep(data, [offset])

    def vectors(self, pointer):
        return self.builder.bitcast(pointer, self.vector.as_pointer())

    def load(self, vectors, k):
        return self.builder.load(self.builder.gep(vectors, [INTP(k)]), align=self.align)

    def store(self, value, vectors, k):
        self.builder.store(value, self.builder.gep(vectors, [INTP(k)]), align=self.align)

    def spread(self, number):
        """A vector of one number."""
        undefined = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(undefined, number, INT32(0))
        zeros = ir.Constant(ir.VectorType(INT32, self.lanes), [INT32(0)] * self.lanes)
        return self.builder.shuffle_vector(first, undefined, zeros)

    def fma(self, one, other, total):
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        name = f"llvm.fma.v{self.lanes}f{8 * self.align}"
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), [one, other, total])

    def sums(self, count, initial, body):
        """`for k in range(count): sums = body(k, sums)`, the sums in registers; what they are in the end."""
        builder, before = self.builder, self.builder.block
        loop, after = builder.append_basic_block("loop"), builder.append_basic_block("after")
        builder.cbranch(builder.icmp_signed(">", count, count.type(0)), loop, after)
        builder.position_at_end(loop)
        k = builder.phi(count.type)
        sums = [builder.phi(each.type) for each in initial]
        new = body(k, sums)
        following, last = builder.add(k, count.type(1)), builder.block
        k.add_incoming(count.type(0), before)
        k.add_incoming(following, last)
        for total, first, later in zip(sums, initial, new):
            total.add_incoming(first, before)
            total.add_incoming(later, last)
        builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
        builder.position_at_end(after)
        ends = [builder.phi(each.type) for each in initial]
        for end, first, later in zip(ends, initial, new):
            end.add_incoming(first, before)
            end.add_incoming(later, last)
        return ends


@intrinsic(prefer_literal=True)
def gather_sum(
    typingctx, result, result_at, table, table_at, stride, chosen, chosen_at, values, values_at, count, vectors, scaled
):
    """result[c] += Σ_k table[chosen[k], c], or with `scaled` times values[k]; of `vectors` vectors of columns c."""
    if not isinstance(vectors, types.IntegerLiteral) or not isinstance(scaled, types.IntegerLiteral):
        return None
    p = types.intp
    signature = types.void(result, p, table, p, p, chosen, p, values, p, p, vectors, scaled)

    def codegen(context, builder, sig, args):
        result, result_at, table, table_at, stride, chosen, chosen_at, values, values_at, count, _, _ = args
        v = _Vectors(context, builder, sig.args[0].dtype)
        out = v.vectors(v.start(sig.args[0], result, result_at))
        base = v.start(sig.args[2], table, table_at)
        items = v.start(sig.args[5], chosen, chosen_at)
        factors = v.start(sig.args[7], values, values_at)

        def body(k, sums):
            index = builder.zext(builder.load(builder.gep(items, [k])), INTP)
            row = v.vectors(builder.gep(base, [builder.mul(index, stride)]))
            if not scaled.literal_value:
                return [builder.fadd(total, v.load(row, c)) for c, total in enumerate(sums)]
            factor = v.spread(builder.load(builder.gep(factors, [k])))
            return [v.fma(factor, v.load(row, c), total) for c, total in enumerate(sums)]

        for c, total in enumerate(v.sums(count, [v.load(out, c) for c in range(vectors.literal_value)], body)):
            v.store(total, out, c)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic(prefer_literal=True)
def product_block(
    typingctx,
    result,
    result_at,
    result_stride,
    left,
    left_at,
    left_row,
    left_column,
    right,
    right_at,
    right_stride,
    count,
    vectors,
):
    """result[r, c] += Σ_k left[r, k] right[k, c] of `ROWS` rows r, `count` k and `vectors` vectors of columns c.

    left_row, left_column  how far apart two rows and two columns of the left factor lie: either may be transposed
    """
    if not isinstance(vectors, types.IntegerLiteral):
        return None
    p, number = types.intp, vectors.literal_value
    signature = types.void(result, p, p, left, p, p, p, right, p, p, p, vectors)

    def codegen(context, builder, sig, args):
        result, result_at, result_stride, left, left_at, left_row, left_column, right, right_at, right_stride = args[
            :10
        ]
        count = args[10]
        v = _Vectors(context, builder, sig.args[0].dtype)
        out = v.start(sig.args[0], result, result_at)
        outs = [v.vectors(builder.gep(out, [builder.mul(result_stride, INTP(r))])) for r in range(ROWS)]
        first = v.start(sig.args[3], left, left_at)
        left_rows = [builder.gep(first, [builder.mul(left_row, INTP(r))]) for r in range(ROWS)]
        base = v.start(sig.args[7], right, right_at)

        def body(k, sums):
            row = v.vectors(builder.gep(base, [builder.mul(k, right_stride)]))
            loaded = [v.load(row, c) for c in range(number)]
            at, new = builder.mul(k, left_column), []
            for r in range(ROWS):
                factor = v.spread(builder.load(builder.gep(left_rows[r], [at])))
                new += [v.fma(factor, loaded[c], sums[r * number + c]) for c in range(number)]
            return new

        initial = [v.load(outs[r], c) for r in range(ROWS) for c in range(number)]
        for n, total in enumerate(v.sums(count, initial, body)):
            v.store(total, outs[n // number], n % number)
        return context.get_dummy_value()

    return signature, codegen


def can_compress(features):
    """Whether a processor of these features, as LLVM writes them, has the instruction that the lists are made with."""
    return all(f"+{each}" in features.split(",") for each in ("avx512f", "avx512vl", "avx512bw", "avx512dq"))


def _listing(v, chosen, chosen_at, count, masks_of):
    """Append, vector by vector, the indices whose bit the first mask sets; how many, and `STRANGE` for other bits."""
    builder = v.builder
    if not can_compress(v.context.codegen().magic_tuple()[2]):
        return INTP(0)
    out = v.start(*chosen, chosen_at)
    item = v.context.get_data_type(chosen[0].dtype)
    wide, bits = ir.VectorType(INT32, v.lanes), ir.IntType(v.lanes)
    own = ir.Constant(wide, [INT32(k) for k in range(v.lanes)])
    kind = ir.FunctionType(wide, [wide, wide, ir.VectorType(ir.IntType(1), v.lanes)])
    name = f"llvm.x86.avx512.mask.compress.v{v.lanes}i32"
    compress = cgutils.get_or_insert_function(builder.module, kind, name)
    count_kind = ir.FunctionType(bits, [bits])
    popcount = cgutils.get_or_insert_function(builder.module, count_kind, f"llvm.ctpop.i{v.lanes}")
    undefined = ir.Constant(wide, ir.Undefined)
    zeros = ir.Constant(wide, [INT32(0)] * v.lanes)

    def body(k, sums):
        found, others = sums
        mask, *more_masks = masks_of(k)
        base = builder.trunc(builder.mul(k, INTP(v.lanes)), INT32)
        spread = builder.shuffle_vector(builder.insert_element(undefined, base, INT32(0)), undefined, zeros)
        packed = builder.call(compress, [builder.add(own, spread), ir.Constant(wide, None), mask])
        narrow = ir.VectorType(item, v.lanes)
        place = builder.bitcast(builder.gep(out, [found]), narrow.as_pointer())
        builder.store(builder.trunc(packed, narrow), place, align=2)
        more = builder.zext(builder.call(popcount, [builder.bitcast(mask, bits)]), INTP)
        for each in more_masks:
            others = builder.or_(others, builder.bitcast(each, bits))
        return [builder.add(found, more), others]

    found, others = v.sums(count, [INTP(0), bits(0)], body)
    strange = builder.icmp_unsigned("!=", others, bits(0))
    return builder.add(found, builder.select(strange, INTP(STRANGE), INTP(0)))


@intrinsic
def list_nonzero(typingctx, chosen, chosen_at, values, values_at, vectors):
    """List the indices of numbers that are not 0 among `vectors` vectors of them; how many there are.

    To that `STRANGE` is added where one of them is not 1 either. A whole vector is stored each time: the list needs
    room for a vector more than it may hold.
    """
    p = types.intp
    signature = p(chosen, p, values, p, p)

    def codegen(context, builder, sig, args):
        chosen, chosen_at, values, values_at, count = args
        v = _Vectors(context, builder, sig.args[2].dtype)
        given = v.vectors(v.start(sig.args[2], values, values_at))
        zeros, ones = (ir.Constant(v.vector, [v.element(number)] * v.lanes) for number in (0.0, 1.0))

        def masks_of(k):
            value = builder.load(builder.gep(given, [k]), align=v.align)
            listed, no_spike = (builder.fcmp_unordered("!=", value, each) for each in (zeros, ones))
            return listed, builder.and_(listed, no_spike)

        return _listing(v, (sig.args[0], chosen), chosen_at, count, masks_of)

    return signature, codegen


@intrinsic
def list_reached(typingctx, chosen, chosen_at, values, values_at, least, least_at, vectors):
    """List the indices of numbers that are at least those of another array; how many there are, as `list_nonzero`."""
    p = types.intp
    signature = p(chosen, p, values, p, least, p, p)

    def codegen(context, builder, sig, args):
        chosen, chosen_at, values, values_at, least, least_at, count = args
        v = _Vectors(context, builder, sig.args[2].dtype)
        given = v.vectors(v.start(sig.args[2], values, values_at))
        bound = v.vectors(v.start(sig.args[4], least, least_at))

        def masks_of(k):
            value, own = (builder.load(builder.gep(each, [k]), align=v.align) for each in (given, bound))
            return (builder.fcmp_ordered(">=", value, own),)

        return _listing(v, (sig.args[0], chosen), chosen_at, count, masks_of)

    return signature, codegen


@intrinsic
def turn_block(typingctx, result, result_at, result_stride, values, values_at, stride):
    """result[c, r] = values[r, c] of a square block, as large as a vector is long."""
    p = types.intp
    signature = types.void(result, p, p, values, p, p)

    def codegen(context, builder, sig, args):
        result, result_at, result_stride, values, values_at, stride = args
        v = _Vectors(context, builder, sig.args[0].dtype)
        first, out = v.start(sig.args[3], values, values_at), v.start(sig.args[0], result, result_at)
        rows = [v.load(v.vectors(builder.gep(first, [builder.mul(stride, INTP(r))])), 0) for r in range(v.lanes)]
        step = 1  # rows that are `step` apart exchange blocks of `step` columns
        while step < v.lanes:
            kept = [c if not c & step else v.lanes + (c ^ step) for c in range(v.lanes)]
            taken = [c | step if not c & step else v.lanes + c for c in range(v.lanes)]
            masks = [ir.Constant(ir.VectorType(INT32, v.lanes), [INT32(c) for c in each]) for each in (kept, taken)]
            for r in range(v.lanes):
                if not r & step:
                    pair = rows[r], rows[r | step]
                    rows[r], rows[r | step] = (builder.shuffle_vector(*pair, mask) for mask in masks)
            step *= 2
        for r, row in enumerate(rows):
            v.store(row, v.vectors(builder.gep(out, [builder.mul(result_stride, INTP(r))])), 0)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def wide_vectors(typingctx):
    """Let LLVM use vectors of 64 bytes for the loops of the function that calls this, also where it takes 32 else."""

    def codegen(context, builder, sig, args):
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def number_of_bits(typingctx, bits):
    """The float32 or float64 whose bits an int32 or int64 has."""
    kinds = {types.int32: types.float32, types.int64: types.float64}
    if bits not in kinds:
        return None

    def codegen(context, builder, sig, args):
        return builder.bitcast(args[0], context.get_value_type(sig.return_type))

    return kinds[bits](bits), codegen


def _view(context, builder, array_type, pointer, size):
    """An array that starts at a pointer and that nobody counts: it does not keep its memory alive."""
    view = context.make_array(array_type)(context, builder)
    itemsize = context.get_abi_sizeof(context.get_data_type(array_type.dtype))
    populate_array(view, pointer, [size], [INTP(itemsize)], INTP(itemsize), None)
    return view._getvalue()


def _flat(dtype):
    return types.Array(dtype, 1, "C")


@intrinsic
def part_of(typingctx, array, at, size):
    """`array[at : at + size]` of a flat array, a view that is not counted: threads that count wait for each other.

    Its own indices start from 0, as loops over vectors need: an index that may be negative is looked at one by one. The
    array must be used after the view, or be an argument: Numba frees it after its own last use.
    """

    def codegen(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return _view(context, builder, sig.return_type, builder.gep(data, [args[1]]), args[2])

    return _flat(array.dtype)(array, types.intp, types.intp), codegen


def _at_address(context, builder, array_type, address, size):
    data = context.get_data_type(array_type.dtype).as_pointer()
    return _view(context, builder, array_type, builder.inttoptr(address, data), size)


@intrinsic
def array_at(typingctx, address, size, like):
    """The array of `size` elements like those of another, an array or a pointer, that lies at an address; no copy."""

    def codegen(context, builder, sig, args):
        return _at_address(context, builder, sig.return_type, args[0], args[1])

    return _flat(like.dtype)(types.intp, types.intp, like), codegen


@intrinsic
def whole_numbers_at(typingctx, address, size):
    """The array of `size` numbers of int64 at an address."""

    def codegen(context, builder, sig, args):
        return _at_address(context, builder, sig.return_type, args[0], args[1])

    return _flat(types.int64)(types.intp, types.intp), codegen


@intrinsic
def indices_at(typingctx, address, size):
    """The array of `size` numbers of uint16 at an address."""

    def codegen(context, builder, sig, args):
        return _at_address(context, builder, sig.return_type, args[0], args[1])

    return _flat(types.uint16)(types.intp, types.intp), codegen


@intrinsic
def next_part(typingctx, counter):
    """The number in an array [1] of whole numbers, and one more in it from then on; no two threads get the same."""

    def codegen(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.atomic_rmw("add", data, INTP(1), "monotonic")

    return types.intp(counter), codegen


@intrinsic
def ticks(typingctx):
    """The clock of an x86 processor, a whole number, how long a tick is depends on it; 0 of others.

    Not every other lets programs read its clock.
    """

    def codegen(context, builder, sig, args):
        if platform.machine() not in ("x86_64", "AMD64"):
            return ir.IntType(64)(0)
        kind = ir.FunctionType(ir.IntType(64), [])
        clock = cgutils.get_or_insert_function(builder.module, kind, "llvm.readcyclecounter")
        return builder.call(clock, [])

    return types.int64(), codegen


@intrinsic
def call_part(typingctx, address, context, k, l, place):
    """Call a `compiling.Part` at an address."""
    p = types.intp
    signature = types.void(p, p, p, p, p)

    def codegen(context, builder, sig, args):
        address, *given = args
        kind = ir.FunctionType(ir.VoidType(), [INTP] * 4 + [ir.IntType(8).as_pointer()])
        nothing = ir.Constant(ir.IntType(8).as_pointer(), None)
        builder.call(builder.inttoptr(address, kind.as_pointer()), [*given, nothing])
        return context.get_dummy_value()

    return signature, codegen
