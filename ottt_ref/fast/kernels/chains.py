"""Whole gradients of chains of dense layers: every stage, and the two schedules that run them.

A chunk is a block of samples over a window of time steps; its row r = t · samples + b. What the rows of layer l hold
lies in panels (`events`), [panels][rows][width]:

    G   ψ[t], then the error at the potentials, g = ψ ∘ e
    H   the current, then e, then the reverse trace h[t] = g[t] + λ h[t+1] within the window; of BPTT δ[t]

Forwards, layer by layer: gather-sums over the lists of what the layer below sends, neurons, ψ, lists of spikes. Then
loss and its error. Backwards: e = W^T g by dense products, g and h. And the gradients, Σ h s^T, by gather-sums over
lists by column, with the boundary term λ h[0] â^T of the trace from before the window (theorem F1).

Two schedules share these stages. Of wide layers one chunk is worked on at a time, each stage by all threads, cut into
panels: a panel of the weights stays in a core's second-level cache. Of small networks each chunk is one thread's work,
from its inputs to its gradient, which are added up in the order of the chunks. Which it is, and how chunks are cut,
follows from sizes: results do not depend on the number of threads.

Every stage is a `Part`: it finds its arrays at addresses, in the array `context` (`_arrays`):

    layout    [L · FIELDS] whole numbers: sizes of the layers, and where things lie in the arrays below
    plan      [SIZES] whole numbers of the task
    settings  [L · NUMBERS] numbers of the layers
    fixed     weights in panels, neurons' settings, what resets leave, carried from window to window
    work      G and H of a chunk; `lists`, `counts`, `amounts`: its lists, their lengths, and numbers of real inputs
    sums      gradients in panels, transposed
    state     the last potentials and the traces, which the result keeps
    dense     what enters layers whose events are so many that dense arithmetic is faster
    found     what was found in each chunk: what is not finite, inputs that are no spikes, labels out of range
    ticks     by chunk and stage, how long the stage took, in ticks of the processor's clock
    now       [PLACES] whole numbers: where the chunk lies
"""

from __future__ import annotations

import math

import numpy as np

from .compiling import Part, fast_kernel, prange
from .events import ALL_ONE, FINITE, add_rows, fill_numbers, list_row, turn
from .neurons import SOFT, UNLEAKED, left_by_reset
from .product import add_whole_product
from .surrogates import derivatives, exponential
from .vector_loops import (
    BYTES,
    ROWS,
    array_at,
    call_part,
    indices_at,
    list_reached,
    next_part,
    part_of,
    ticks,
    whole_numbers_at,
    wide_vectors,
)

# Fields of a layer
(
    INPUTS, OUTPUTS, PANELS, VECTORS, KIND, RESET, SURROGATE, BIASED, PAIRED, BIAS_PAIRED,
    TABLE, SQUARE, SQUARE_WIDTH, DECAY, THRESHOLD, BACK, BIAS, LEFT,
    G, H, LISTS, COUNTS, SEGMENTS, SEGMENT, SLOTS, COLUMNS, COLUMN_COUNTS,
    SUM, BIAS_SUM, POTENTIAL, TRACE, FIRED,
    WEIGHT_AT, BIAS_AT, GRADIENT_AT, BIAS_GRADIENT_AT,
    FIELDS,
) = range(37)  # fmt: skip
LIF, LEAKY, LINEAR = range(3)
RAW, TRACED, BACKPROPAGATED = range(3)  # what is paired: g with what enters, or with its trace (by h), or δ

# Whole numbers of the task
(
    STEPS, BATCH, WINDOW, SAMPLES, ROOM, LAYERS, CHUNK_WORK, CHUNK_LISTS, CHUNK_COUNTS, CHUNK_SUMS, CHUNK_AMOUNTS,
    LOSS, DIVISOR, EACH_STEP, WEIGHTED, LABELLED, BUILT, GIVEN_STATE, CHUNKS, SHARE, SHARE_BACK, CHUNK_DENSE, SMALL,
    THREADS, COLUMN_ROOM,
    SIZES,
) = range(26)  # fmt: skip
CROSS_ENTROPY, SQUARED_ERROR, MIXED, OUTSIDE = range(4)

# Numbers of a layer: four of the surrogate, then λ of its pairs, Λ before the sequence; the loss's share of squares
PAIR_DECAY, BIAS_TRACE, SHARE_OF_SQUARES, NUMBERS = 4, 5, 6, 8

# Where a chunk lies
SLOT, FIRST_STEP, CHUNK_STEPS, FIRST_SAMPLE, CHUNK_SAMPLES, SCALED, DENSE, DENSE_BACK, BOUNDARY, FRESH, PLACES = range(
    11
)

# Where the arrays are
(
    LAYOUT, PLAN, SETTINGS, FIXED, WORK, LIST_ARRAY, COUNT_ARRAY, AMOUNTS, SUMS, STATE, FIRED_ARRAY, TRACE_ARRAY,
    INPUT_ARRAY, TARGETS, LABELS, WEIGHTS, GIVEN, OUTPUT_ARRAY, VALUES, FOUND, DENSE_ARRAY, STAGE_ARRAY,
    TICKS,
    ADDRESSES,
) = range(24)  # fmt: skip
ZERO, ONE = np.int64(0), np.int64(1)
ANY = 2**40  # the size of arrays whose size nobody asks for

# What may be found: each has a cell for each chunk, in which threads write nothing but 1
NOT_FINITE, NO_SPIKES, BAD_LABEL, FINDINGS = range(4)

# Stages
(
    PACK, START, ENTER, LIST, NUMBER, SPREAD, MULTIPLY, FORWARD, LOSSES, OWN_ERRORS, ERRORS, LIST_COLUMNS, GRADIENTS,
    TRACES, BIAS_TRACES, UNPACK, RUN,
) = np.arange(17)  # fmt: skip  # of NumPy: Numba compiles what takes Python's once for each
SLICES = 4  # of a layer's inputs, that gradients are cut into
COLUMNS_OF_ERRORS = 4  # vectors of columns that one part of the work of a product has
BLOCK = 96  # rows of it: a multiple of those of a block of a product
FEW_ROWS = 16  # that are one part of the work on rows
PARTS = 4  # of a chunk's samples, that the work forwards is cut into beside panels
APART = 16  # whole numbers between those that two threads count with: no two in one line of the cache


@fast_kernel
def _in_sixes(rows):
    """So many rows that they are whole blocks of a product."""
    return rows + -rows % ROWS


@fast_kernel
def _width(layout, l, itemsize):
    return layout[l * FIELDS + VECTORS] * (BYTES // itemsize)


@fast_kernel(merged=True)
def _pack(layout, plan, fixed, l, p, first, last):
    """Rows of W^T of a panel, W with padded rows for products, the biases, from where the parameters lie."""
    at = l * FIELDS
    inputs, outputs, width = layout[at + INPUTS], layout[at + OUTPUTS], _width(layout, l, fixed.itemsize)
    weight = array_at(layout[at + WEIGHT_AT], inputs * outputs, fixed)
    own, count = min(width, outputs - p * width), last - first
    table = layout[at + TABLE] + (p * inputs + first) * width
    if own < width:
        zeros = part_of(fixed, table, count * width)
        for k in range(count * width):
            zeros[k] = 0
    turn(fixed, table, width, weight, p * width * inputs + first, inputs, own, count, plan[BUILT])
    if first == 0 and layout[at + BIASED]:
        bias, given = (
            part_of(fixed, layout[at + BIAS] + p * width, width),
            array_at(layout[at + BIAS_AT], outputs, fixed),
        )
        for i in range(own):
            bias[i] = given[p * width + i]
    square, wide = layout[at + SQUARE], layout[at + SQUARE_WIDTH]
    if square >= 0:
        for i in range(p * width, p * width + own):
            row, numbers = part_of(fixed, square + i * wide, wide), part_of(weight, i * inputs, inputs)
            for j in range(first, last):
                row[j] = numbers[j]
            if last == inputs:
                for j in range(inputs, wide):
                    row[j] = 0


@fast_kernel(merged=True)
def _start(layout, plan, fixed, state, fired, b):
    """What resets leave, and traces, before the first time step, of one sample: 0, or from the state that was given."""
    for l in range(plan[LAYERS]):
        at = l * FIELDS
        if layout[at + TRACE] >= 0 and not plan[GIVEN_STATE]:
            trace = part_of(state, layout[at + TRACE] + b * layout[at + INPUTS], layout[at + INPUTS])
            for j in range(layout[at + INPUTS]):
                trace[j] = 0
        width, outputs = _width(layout, l, fixed.itemsize), layout[at + OUTPUTS]
        for p in range(layout[at + PANELS]):
            left = layout[at + LEFT] + (p * plan[BATCH] + b) * width
            result = part_of(fixed, left, width)
            for i in range(width):
                result[i] = 0
            if plan[GIVEN_STATE] and layout[at + KIND] != LINEAR:
                own, first = min(width, outputs - p * width), b * outputs + p * width
                first_setting = p * width
                if layout[at + KIND] == LEAKY:
                    decay = fixed[layout[at + DECAY]]
                    for i in range(own):
                        result[i] = decay * state[layout[at + POTENTIAL] + first + i]
                else:
                    decay = part_of(fixed, layout[at + DECAY] + first_setting, own)
                    threshold = part_of(fixed, layout[at + THRESHOLD] + first_setting, own)
                    back = part_of(fixed, layout[at + BACK] + first_setting, own)
                    left_by_reset(
                        fixed, left, state, layout[at + POTENTIAL] + first, fired, layout[at + FIRED] + first,
                        decay, threshold, back, 0, own, layout[at + RESET],
                    )  # fmt: skip


@fast_kernel(merged=True)
def _list(layout, plan, lists, counts, nothing, inputs, now, r):
    """The lists of what enters the first layer in row r of the chunk."""
    c, n = now[SLOT], now[CHUNK_SAMPLES]
    columns, segment, slots, room = layout[INPUTS], layout[SEGMENT], layout[SLOTS], plan[ROOM]
    given = ((now[FIRST_STEP] + r // n) * plan[BATCH] + now[FIRST_SAMPLE] + r % n) * columns
    flags = ALL_ONE | FINITE
    for s in range(layout[SEGMENTS]):
        own, place = min(segment, columns - s * segment), s * room + r
        at = c * plan[CHUNK_LISTS] + layout[LISTS] + place * slots
        count, flag = list_row(lists, at, nothing, 0, inputs, given + s * segment, own, plan[BUILT])
        counts[c * plan[CHUNK_COUNTS] + layout[COUNTS] + place] = count
        flags &= flag
    return flags


@fast_kernel(merged=True)
def _number(layout, plan, lists, counts, amounts, inputs, now, r):
    """The numbers of row r's lists, where a row has some that are no spikes."""
    c, n = now[SLOT], now[CHUNK_SAMPLES]
    columns, segment, slots, room = layout[INPUTS], layout[SEGMENT], layout[SLOTS], plan[ROOM]
    given = ((now[FIRST_STEP] + r // n) * plan[BATCH] + now[FIRST_SAMPLE] + r % n) * columns
    for s in range(layout[SEGMENTS]):
        place = s * room + r
        at, numbers_at = c * plan[CHUNK_LISTS] + layout[LISTS] + place * slots, c * plan[CHUNK_AMOUNTS] + place * slots
        count = counts[c * plan[CHUNK_COUNTS] + layout[COUNTS] + place]
        fill_numbers(lists, at, amounts, numbers_at, inputs, given + s * segment, count)


@fast_kernel
def _count(layout, plan, counts, now, l):
    """How many events enter layer l in the chunk."""
    at, rows = l * FIELDS, now[CHUNK_STEPS] * now[CHUNK_SAMPLES]
    total = 0
    for s in range(layout[at + SEGMENTS]):
        first = now[SLOT] * plan[CHUNK_COUNTS] + layout[at + COUNTS] + s * plan[ROOM]
        for r in range(first, first + rows):
            total += counts[r]
    return total


@fast_kernel
def _dense_at(layout, plan, now, l):
    before = 0
    for m in range(l):
        before += layout[m * FIELDS + INPUTS]
    return now[SLOT] * plan[CHUNK_DENSE] + before * plan[ROOM]


@fast_kernel(merged=True)
def _spread(layout, plan, lists, counts, amounts, dense, now, l, r):
    """Row r of what enters layer l, every number of it, from its lists."""
    at, inputs = l * FIELDS, layout[l * FIELDS + INPUTS]
    row = part_of(dense, _dense_at(layout, plan, now, l) + r * inputs, inputs)
    for j in range(inputs):
        row[j] = 0
    for s in range(layout[at + SEGMENTS]):
        place = s * plan[ROOM] + r
        first = now[SLOT] * plan[CHUNK_LISTS] + layout[at + LISTS] + place * layout[at + SLOTS]
        numbers = now[SLOT] * plan[CHUNK_AMOUNTS] + place * layout[at + SLOTS]
        for k in range(counts[now[SLOT] * plan[CHUNK_COUNTS] + layout[at + COUNTS] + place]):
            j = s * layout[at + SEGMENT] + np.intp(lists[first + k])
            row[j] = amounts[numbers + k] if l == 0 and now[SCALED] else 1


@fast_kernel(merged=True)
def _multiply(layout, plan, fixed, work, dense, now, l, p, first, last):
    """The current of rows from `first` to before `last` into a panel of layer l, by dense arithmetic."""
    at = l * FIELDS
    inputs, width = layout[at + INPUTS], _width(layout, l, fixed.itemsize)
    bias = part_of(fixed, layout[at + BIAS] + p * width, width)
    start = now[SLOT] * plan[CHUNK_WORK] + layout[at + H] + p * plan[ROOM] * width
    for r in range(first, last):
        row = part_of(work, start + r * width, width)
        for i in range(width):
            row[i] = bias[i]
    add_whole_product(
        work, start + first * width, width, dense, _dense_at(layout, plan, now, l) + first * inputs, inputs, ONE, fixed,
        layout[at + TABLE] + p * inputs * width, width, (last - first, inputs, width), plan[BUILT],
    )  # fmt: skip


@fast_kernel
def _advance(u, left, decay, threshold, back, width, reset):
    """I → u in place, and what the reset leaves of u[t-1] → what it leaves of u[t]."""
    wide_vectors()
    zero = u.dtype.type(0)  # a literal would turn float32 into float64
    if reset == SOFT:
        for i in range(width):
            now = left[i] + u[i]
            u[i] = now
            left[i] = decay[i] * (now - (threshold[i] if now >= threshold[i] else zero))
    elif reset == UNLEAKED:
        for i in range(width):
            now = left[i] + u[i]
            u[i] = now
            left[i] = decay[i] * now - (threshold[i] if now >= threshold[i] else zero)
    else:
        for i in range(width):
            now = left[i] + u[i]
            u[i] = now
            left[i] = decay[i] * (back[i] if now >= threshold[i] else now)


@fast_kernel(merged=True)
def _forward(
    layout, plan, settings, fixed, work, lists, counts, amounts, state, outputs, found, now, l, p, first, last
):
    """A panel of layer l over the window, of the chunk's samples from `first` to before `last`."""
    at, c, n, steps, room = l * FIELDS, now[SLOT], now[CHUNK_SAMPLES], now[CHUNK_STEPS], plan[ROOM]
    inputs, of_layer, vectors = layout[at + INPUTS], layout[at + OUTPUTS], layout[at + VECTORS]
    width, kind, built = _width(layout, l, fixed.itemsize), layout[at + KIND], plan[BUILT]
    own, top = min(width, of_layer - p * width), l == plan[LAYERS] - 1
    segments, segment, slots = layout[at + SEGMENTS], layout[at + SEGMENT], layout[at + SLOTS]
    lists_at, counts_at = c * plan[CHUNK_LISTS] + layout[at + LISTS], c * plan[CHUNK_COUNTS] + layout[at + COUNTS]
    table = layout[at + TABLE] + p * inputs * width
    threshold_at = layout[at + THRESHOLD] + p * width
    bias, decay = (
        part_of(fixed, layout[at + BIAS] + p * width, width),
        part_of(fixed, layout[at + DECAY] + p * width, width),
    )
    threshold, back = part_of(fixed, threshold_at, width), part_of(fixed, layout[at + BACK] + p * width, width)
    numbers = part_of(settings, l * NUMBERS, 4)
    last_window = now[FIRST_STEP] + steps == plan[STEPS]
    scaled = now[SCALED] if l == 0 else ZERO
    u = np.empty(width, fixed.dtype)
    wrong = 0
    for b in range(first, last):
        left = part_of(fixed, layout[at + LEFT] + (p * plan[BATCH] + now[FIRST_SAMPLE] + b) * width, width)
        for t in range(steps):
            r = t * n + b
            in_panel = c * plan[CHUNK_WORK] + (p * room + r) * width
            if now[DENSE] >> l & 1:
                current = part_of(work, in_panel + layout[at + H], width)
                for i in range(width):
                    u[i] = current[i]
            else:
                for i in range(width):
                    u[i] = bias[i]
                for s in range(segments):
                    place = s * room + r
                    chosen, rows = lists_at + place * slots, table + s * segment * width
                    numbers_at = c * plan[CHUNK_AMOUNTS] + place * slots
                    count = counts[counts_at + place]
                    add_rows(u, ZERO, fixed, rows, lists, chosen, amounts, numbers_at, count, vectors, scaled, built)
            if kind == LIF:
                _advance(u, left, decay, threshold, back, width, layout[at + RESET])
                psi = in_panel + layout[at + G]
                derivatives(work, psi, u, 0, fixed, threshold_at, width, layout[at + SURROGATE], numbers)
            elif kind == LEAKY:
                for i in range(width):
                    u[i] = left[i] + u[i]
                    left[i] = decay[i] * u[i]
            else:
                for i in range(own):
                    wrong |= u[i] - u[i] != 0
            if top:
                out = part_of(
                    outputs, ((now[FIRST_STEP] + t) * plan[BATCH] + now[FIRST_SAMPLE] + b) * of_layer + p * width, own
                )
                if kind == LIF:
                    for i in range(own):
                        out[i] = u[i] >= threshold[i]
                else:
                    for i in range(own):
                        out[i] = u[i]
            else:
                place, above = p * room + r, at + FIELDS
                chosen = c * plan[CHUNK_LISTS] + layout[above + LISTS] + place * layout[above + SLOTS]
                count = 0
                if built:
                    count = list_reached(lists, chosen, u, 0, fixed, threshold_at, vectors)
                else:
                    for i in range(width):
                        lists[chosen + count] = i
                        count += u[i] >= threshold[i]
                counts[c * plan[CHUNK_COUNTS] + layout[above + COUNTS] + place] = count
            if last_window and t == steps - 1:
                kept = part_of(state, layout[at + POTENTIAL] + (now[FIRST_SAMPLE] + b) * of_layer + p * width, own)
                for i in range(own):
                    kept[i] = u[i]
        if last_window:
            for i in range(own):
                wrong |= left[i] - left[i] != 0
    if wrong:
        found[c * FINDINGS + NOT_FINITE] = 1


@fast_kernel(fastmath={"contract", "reassoc", "nsz"})
def _loss_of_row(output, target, error, classes, label, kind, share):
    """ℓ of one row and its gradient; of a class label, where it is not -1, else of a row of targets."""
    wide_vectors()
    number = error.dtype.type  # a literal would turn float32 into float64
    zero, one = number(0), number(1)
    total = zero
    kept, own = one - share, share
    if kind == SQUARED_ERROR:
        kept, own = zero, one
    if kind != SQUARED_ERROR:
        largest = output[0]
        for i in range(classes):
            largest = max(largest, output[i])
        normaliser = zero
        for i in range(classes):
            error[i] = exponential(output[i] - largest)
        for i in range(classes):
            normaliser += error[i]
        inverse, logarithm = one / normaliser, number(math.log(normaliser))
        if label >= 0:
            total = logarithm - (output[label] - largest)
            for i in range(classes):
                error[i] *= inverse
            error[label] -= one
        else:
            for i in range(classes):
                total -= target[i] * ((output[i] - largest) - logarithm)
                error[i] = error[i] * inverse - target[i]
    if kind != CROSS_ENTROPY:
        squares, of_class = zero, own / number(classes)
        factor = of_class + of_class
        for i in range(classes):
            wanted = (one if i == label else zero) if label >= 0 else target[i]
            difference = output[i] - wanted
            squares += difference * difference
            error[i] = (kept * error[i] if kind == MIXED else zero) + factor * difference
        total = kept * total + of_class * squares
    return total


@fast_kernel(merged=True)
def _losses(layout, plan, settings, work, outputs, targets, labels, weights, given, values, found, now, row, r):
    """The loss of row r and its error at the outputs, e of the last layer; `row` is scratch of one row."""
    top = plan[LAYERS] - 1
    at, n = top * FIELDS, now[CHUNK_SAMPLES]
    classes, width = layout[at + OUTPUTS], _width(layout, top, work.itemsize)
    of_batch = now[FIRST_SAMPLE] + r % n
    of_all = (now[FIRST_STEP] + r // n) * plan[BATCH] + of_batch
    place = of_all if plan[EACH_STEP] else of_batch
    if plan[LOSS] == OUTSIDE:
        for i in range(classes):
            row[i] = given[of_all * classes + i]
    else:
        label = np.intp(-1)
        if plan[LABELLED]:
            label = np.intp(labels[place])
            if not 0 <= label < classes:
                found[now[SLOT] * FINDINGS + BAD_LABEL] = 1
                label = np.intp(0)
        target = part_of(targets, 0 if plan[LABELLED] else place * classes, classes)
        output = part_of(outputs, of_all * classes, classes)
        value = _loss_of_row(output, target, row, classes, label, plan[LOSS], settings[SHARE_OF_SQUARES])
        if value - value != 0:
            found[now[SLOT] * FINDINGS + NOT_FINITE] = 1
        factor = row.dtype.type(1)
        if plan[WEIGHTED]:
            factor = weights[of_all]
        values[of_all] = factor * value
        factor = factor / row.dtype.type(plan[DIVISOR] * plan[BATCH])
        for i in range(classes):
            row[i] *= factor
    for p in range(layout[at + PANELS]):
        error = part_of(work, now[SLOT] * plan[CHUNK_WORK] + layout[at + H] + (p * plan[ROOM] + r) * width, width)
        own = min(width, classes - p * width)
        for i in range(own):
            error[i] = row[p * width + i]
        for i in range(own, width):
            error[i] = 0


@fast_kernel
def _finish(layout, plan, settings, fixed, work, now, l, p, first, count):
    """e → g and h, of `count` columns of a panel of layer l from `first` on."""
    wide_vectors()
    at, n, steps = l * FIELDS, now[CHUNK_SAMPLES], now[CHUNK_STEPS]
    width = _width(layout, l, work.itemsize)
    base = now[SLOT] * plan[CHUNK_WORK] + p * plan[ROOM] * width + first
    kind, paired = layout[at + KIND], layout[at + PAIRED]
    later = n * width
    decay = settings[l * NUMBERS + PAIR_DECAY]
    if paired == RAW and layout[at + BIAS_PAIRED] == RAW:
        decay = work.dtype.type(0)
    for k in range(steps):
        t = steps - 1 - k
        for b in range(n):
            start = base + (t * n + b) * width
            g, h = part_of(work, start + layout[at + G], count), part_of(work, start + layout[at + H], count)
            if kind == LIF:
                for i in range(count):
                    g[i] = g[i] * h[i]
            else:
                for i in range(count):
                    g[i] = h[i]
            if t < steps - 1 and decay != 0:
                after = part_of(work, start + layout[at + H] + later, count)
                for i in range(count):
                    h[i] = g[i] + decay * after[i]
            else:
                for i in range(count):
                    h[i] = g[i]


@fast_kernel(merged=True)
def _errors(layout, plan, settings, fixed, work, now, l, p, first, count):
    """e = W^T g of the layer above, and then g and h, of `count` columns of a panel of layer l from `first` on."""
    above, rows = (l + 1) * FIELDS, now[CHUNK_STEPS] * now[CHUNK_SAMPLES]
    if plan[BUILT]:
        rows = _in_sixes(rows)  # there is room for whole blocks
    room, base = plan[ROOM], now[SLOT] * plan[CHUNK_WORK]
    width, width_above = _width(layout, l, work.itemsize), _width(layout, l + 1, work.itemsize)
    start = base + layout[l * FIELDS + H] + p * room * width + first
    for r in range(rows):
        row = part_of(work, start + r * width, count)
        for i in range(count):
            row[i] = 0
    outputs, wide = layout[above + OUTPUTS], layout[above + SQUARE_WIDTH]
    square, right = layout[above + SQUARE], fixed
    if square < 0:  # W as it is
        square, right = 0, array_at(layout[above + WEIGHT_AT], outputs * layout[above + INPUTS], fixed)
    left_of = layout[above + (H if layout[above + PAIRED] == BACKPROPAGATED else G)]
    for q in range(layout[above + PANELS]):
        steps = min(width_above, outputs - q * width_above)
        add_whole_product(
            work, start, width, work, base + left_of + q * room * width_above, width_above, ONE,
            right, square + q * width_above * wide + p * width + first, wide, (rows, steps, count), plan[BUILT],
        )  # fmt: skip
    _finish(layout, plan, settings, fixed, work, now, l, p, first, count)


@fast_kernel(merged=True)
def _list_columns(layout, plan, lists, counts, amounts, now, l, s):
    """The lists by column of a segment of what enters layer l."""
    at, c, room = l * FIELDS, now[SLOT], plan[ROOM]
    rows, segment, slots = now[CHUNK_STEPS] * now[CHUNK_SAMPLES], layout[at + SEGMENT], layout[at + SLOTS]
    scaled = now[SCALED] if l == 0 else ZERO
    first = s * segment
    own = min(segment, layout[at + INPUTS] - first)
    of_columns = part_of(counts, c * plan[CHUNK_COUNTS] + layout[at + COLUMN_COUNTS] + first, own)
    for j in range(own):
        of_columns[j] = 0
    column_room = plan[COLUMN_ROOM]
    columns = c * plan[CHUNK_LISTS] + layout[at + COLUMNS] + first * column_room
    column_numbers = c * plan[CHUNK_AMOUNTS] + layout[SEGMENTS] * room * layout[SLOTS] + first * column_room
    for r in range(rows):
        place = s * room + r
        chosen = c * plan[CHUNK_LISTS] + layout[at + LISTS] + place * slots
        numbers = c * plan[CHUNK_AMOUNTS] + place * slots
        for k in range(counts[c * plan[CHUNK_COUNTS] + layout[at + COUNTS] + place]):
            j = np.intp(lists[chosen + k])
            at_column = j * column_room + of_columns[j]
            lists[columns + at_column] = r
            if scaled:
                amounts[column_numbers + at_column] = amounts[numbers + k]
            of_columns[j] += 1


@fast_kernel(merged=True)
def _gradients(
    layout, plan, settings, work, lists, counts, amounts, sums, state, traces, dense, now, l, p, first, last
):
    """What the chunk adds to the gradient of a panel of W^T, rows (inputs) from `first` to before `last`."""
    at, c, room, n = l * FIELDS, now[SLOT], plan[ROOM], now[CHUNK_SAMPLES]
    rows, inputs, width = now[CHUNK_STEPS] * n, layout[at + INPUTS], _width(layout, l, work.itemsize)
    whole = _in_sixes(inputs)
    panel = c * plan[CHUNK_WORK] + p * room * width
    table = panel + layout[at + (G if layout[at + PAIRED] == RAW else H)]
    base = c * plan[CHUNK_SUMS]
    start = base + layout[at + SUM] + p * whole * width
    if now[FRESH]:
        zeros = part_of(sums, start + first * width, (last - first) * width)
        for k in range((last - first) * width):
            zeros[k] = 0
    if now[DENSE_BACK] >> l & 1:
        shape, left = (last - first, rows, width), _dense_at(layout, plan, now, l) + first
        add_whole_product(
            sums, start + first * width, width, dense, left, ONE, inputs, work, table, width, shape, plan[BUILT]
        )
    else:
        lists_at = c * plan[CHUNK_LISTS] + layout[at + COLUMNS]
        numbers_at = c * plan[CHUNK_AMOUNTS] + layout[SEGMENTS] * room * layout[SLOTS]
        counts_at = c * plan[CHUNK_COUNTS] + layout[at + COLUMN_COUNTS]
        scaled = now[SCALED] if l == 0 else ZERO
        for j in range(first, last):
            add_rows(
                sums, start + j * width, work, table, lists, lists_at + j * plan[COLUMN_ROOM], amounts,
                numbers_at + j * plan[COLUMN_ROOM],
                counts[counts_at + j], layout[at + VECTORS], scaled, plan[BUILT],
            )  # fmt: skip
    decay = settings[l * NUMBERS + PAIR_DECAY]
    if now[BOUNDARY] and layout[at + PAIRED] == TRACED:
        count = last - first
        before = np.zeros(n * count + ROWS, work.dtype)  # whole blocks are read of it
        for b in range(n):
            trace = layout[at + TRACE] + (now[FIRST_SAMPLE] + b) * inputs + first
            for j in range(count):
                before[b * count + j] = decay * state[trace + j]
        shape = (count, n, width)
        add_whole_product(
            sums, start + first * width, width, before, ZERO, ONE, count, work, panel + layout[at + H], width, shape,
            plan[BUILT],
        )  # fmt: skip
    if first == 0 and layout[at + BIASED]:
        total = part_of(sums, base + layout[at + BIAS_SUM] + p * width, width)
        if now[FRESH]:
            for i in range(width):
                total[i] = 0
        errors = panel + layout[at + (G if layout[at + BIAS_PAIRED] == RAW else H)]
        for r in range(rows):
            row = part_of(work, errors + r * width, width)
            for i in range(width):
                total[i] += row[i]
        if layout[at + BIAS_PAIRED] == TRACED:
            factor = decay * traces[now[SLOT] * plan[LAYERS] + l]
            for b in range(n):
                row = part_of(work, errors + b * width, width)
                for i in range(width):
                    total[i] += factor * row[i]


@fast_kernel(merged=True)
def _traces(layout, plan, settings, lists, counts, amounts, state, inputs, now, b):
    """â of before the window → â of its last time step, of one sample of the chunk and all layers."""
    c, n, room = now[SLOT], now[CHUNK_SAMPLES], plan[ROOM]
    for l in range(plan[LAYERS]):
        at = l * FIELDS
        if layout[at + PAIRED] == TRACED:
            columns, decay = layout[at + INPUTS], settings[l * NUMBERS + PAIR_DECAY]
            trace = part_of(state, layout[at + TRACE] + (now[FIRST_SAMPLE] + b) * columns, columns)
            for t in range(now[CHUNK_STEPS]):
                if l == 0:
                    first = ((now[FIRST_STEP] + t) * plan[BATCH] + now[FIRST_SAMPLE] + b) * columns
                    given = part_of(inputs, first, columns)
                    for j in range(columns):
                        trace[j] = decay * trace[j] + given[j]
                    continue
                for j in range(columns):
                    trace[j] = decay * trace[j]
                for s in range(layout[at + SEGMENTS]):
                    place = s * room + t * n + b
                    chosen = c * plan[CHUNK_LISTS] + layout[at + LISTS] + place * layout[at + SLOTS]
                    for k in range(counts[c * plan[CHUNK_COUNTS] + layout[at + COUNTS] + place]):
                        trace[s * layout[at + SEGMENT] + np.intp(lists[chosen + k])] += 1


@fast_kernel(merged=True)
def _unpack(layout, plan, sums, l, p, first, last):
    """The gradient of a panel, summed over chunks in their order, to where the result keeps it; whether a part is not
    finite."""
    at, width = l * FIELDS, _width(layout, l, sums.itemsize)
    inputs, outputs = layout[at + INPUTS], layout[at + OUTPUTS]
    own = min(width, outputs - p * width)
    start = layout[at + SUM] + (p * _in_sixes(inputs) + first) * width
    count = (last - first) * width
    wrong = 0
    total = part_of(sums, start, count)
    for c in range(1, plan[CHUNKS]):
        other = part_of(sums, start + c * plan[CHUNK_SUMS], count)
        for k in range(count):
            total[k] += other[k]
    for k in range(count):
        wrong |= total[k] - total[k] != 0
    gradient = array_at(layout[at + GRADIENT_AT], inputs * outputs, sums)
    turn(gradient, p * width * inputs + first, inputs, sums, start, width, last - first, own, plan[BUILT])
    if first == 0 and layout[at + BIASED]:
        result = array_at(layout[at + BIAS_GRADIENT_AT], outputs, sums)
        bias = layout[at + BIAS_SUM] + p * width
        for i in range(own):
            for c in range(1, plan[CHUNKS]):
                sums[bias + i] += sums[bias + i + c * plan[CHUNK_SUMS]]
            result[p * width + i] = sums[bias + i]
            wrong |= result[p * width + i] - result[p * width + i] != 0
    return wrong


@fast_kernel
def _found_part(layout, plan, k, field):
    """The layer and the panel or segment of part k of a stage of all layers, panel by panel: (l, p)."""
    p = 0
    while True:
        for l in range(plan[LAYERS]):
            if p < layout[l * FIELDS + field]:
                if k == 0:
                    return l, p
                k -= 1
        p += 1


@fast_kernel(inline=True)
def _whole(context, which):
    return whole_numbers_at(whole_numbers_at(context, ADDRESSES)[which], ANY)


@fast_kernel(inline=True)
def _numbers(context, which, like):
    return array_at(whole_numbers_at(context, ADDRESSES)[which], ANY, like)


@fast_kernel(inline=True)
def _indices(context):
    return indices_at(whole_numbers_at(context, ADDRESSES)[LIST_ARRAY], ANY)


@fast_kernel(inline=True)
def _rows_of_sums(layout, plan, k):
    """Layer, panel, first row and last row of part k of a stage that is cut by the rows of W^T."""
    m, p = _found_part(layout, plan, k // SLICES, PANELS)
    columns = layout[m * FIELDS + INPUTS]
    size = (columns + SLICES - 1) // SLICES
    size += -size % (3 * 16)  # whole vectors are turned faster, and whole blocks of products end where another's begin
    first = k % SLICES * size
    return m, p, first, min(columns, first + size)


@Part
def pack(context, k, l, place, like):
    layout, plan, fixed = _whole(context, LAYOUT), _whole(context, PLAN), _numbers(context, FIXED, like)
    m, p, first, last = _rows_of_sums(layout, plan, k)
    if first < last:
        _pack(layout, plan, fixed, m, p, first, last)


@Part
def start(context, k, l, place, like):
    fixed, state, fired = (
        _numbers(context, FIXED, like), _numbers(context, STATE, like), _numbers(context, FIRED_ARRAY, like)
    )  # fmt: skip
    _start(_whole(context, LAYOUT), _whole(context, PLAN), fixed, state, fired, k)


@Part
def enter(context, k, l, place, like):
    """Λ of the biases' input before the sequence."""
    plan, now = _whole(context, PLAN), whole_numbers_at(place, PLACES)
    traces, settings = _numbers(context, TRACE_ARRAY, like), _numbers(context, SETTINGS, like)
    for m in range(plan[LAYERS]):
        traces[now[SLOT] * plan[LAYERS] + m] = settings[m * NUMBERS + BIAS_TRACE]


@Part
def list_inputs(context, k, l, place, like):
    now, found, inputs = whole_numbers_at(place, PLACES), _whole(context, FOUND), _numbers(context, INPUT_ARRAY, like)
    rows, flags = now[CHUNK_STEPS] * now[CHUNK_SAMPLES], ALL_ONE | FINITE
    nothing = array_at(place, 0, like)
    lists, counts = _indices(context), _whole(context, COUNT_ARRAY)
    for r in range(k * FEW_ROWS, min(rows, (k + 1) * FEW_ROWS)):
        flags &= _list(_whole(context, LAYOUT), _whole(context, PLAN), lists, counts, nothing, inputs, now, r)
    if not flags & FINITE:
        found[now[SLOT] * FINDINGS + NOT_FINITE] = 1
    if not flags & ALL_ONE:
        found[now[SLOT] * FINDINGS + NO_SPIKES] = 1


@Part
def number_inputs(context, k, l, place, like):
    now, inputs, amounts = (
        whole_numbers_at(place, PLACES), _numbers(context, INPUT_ARRAY, like), _numbers(context, AMOUNTS, like)
    )  # fmt: skip
    lists, counts = _indices(context), _whole(context, COUNT_ARRAY)
    for r in range(k * FEW_ROWS, min(now[CHUNK_STEPS] * now[CHUNK_SAMPLES], (k + 1) * FEW_ROWS)):
        _number(_whole(context, LAYOUT), _whole(context, PLAN), lists, counts, amounts, inputs, now, r)


@Part
def spread(context, k, l, place, like):
    now, dense, amounts = (
        whole_numbers_at(place, PLACES), _numbers(context, DENSE_ARRAY, like), _numbers(context, AMOUNTS, like)
    )  # fmt: skip
    lists, counts = _indices(context), _whole(context, COUNT_ARRAY)
    for r in range(k * FEW_ROWS, min(now[CHUNK_STEPS] * now[CHUNK_SAMPLES], (k + 1) * FEW_ROWS)):
        _spread(_whole(context, LAYOUT), _whole(context, PLAN), lists, counts, amounts, dense, now, l, r)


@Part
def multiply(context, k, l, place, like):
    now, fixed, work = whole_numbers_at(place, PLACES), _numbers(context, FIXED, like), _numbers(context, WORK, like)
    dense, rows = _numbers(context, DENSE_ARRAY, like), now[CHUNK_STEPS] * now[CHUNK_SAMPLES]
    blocks = (rows + BLOCK - 1) // BLOCK
    first = k % blocks * BLOCK
    last = min(rows, first + BLOCK)
    _multiply(_whole(context, LAYOUT), _whole(context, PLAN), fixed, work, dense, now, l, k // blocks, first, last)


@Part
def forward(context, k, l, place, like):
    now, fixed, work = whole_numbers_at(place, PLACES), _numbers(context, FIXED, like), _numbers(context, WORK, like)
    settings, amounts, state = (
        _numbers(context, SETTINGS, like), _numbers(context, AMOUNTS, like), _numbers(context, STATE, like)
    )  # fmt: skip
    n = now[CHUNK_SAMPLES]
    size = (n + PARTS - 1) // PARTS
    first = k % PARTS * size
    _forward(
        _whole(context, LAYOUT), _whole(context, PLAN), settings, fixed, work, _indices(context),
        _whole(context, COUNT_ARRAY), amounts, state, _numbers(context, OUTPUT_ARRAY, like), _whole(context, FOUND),
        now, l, k // PARTS, first, min(n, first + size),
    )  # fmt: skip


@Part
def losses(context, k, l, place, like):
    layout, plan, now = _whole(context, LAYOUT), _whole(context, PLAN), whole_numbers_at(place, PLACES)
    settings, work = _numbers(context, SETTINGS, like), _numbers(context, WORK, like)
    outputs, targets = _numbers(context, OUTPUT_ARRAY, like), _numbers(context, TARGETS, like)
    weights, given = _numbers(context, WEIGHTS, like), _numbers(context, GIVEN, like)
    values, labels = _numbers(context, VALUES, like), _whole(context, LABELS)
    row = np.empty(layout[(plan[LAYERS] - 1) * FIELDS + OUTPUTS], work.dtype)
    for r in range(k * FEW_ROWS, min(now[CHUNK_STEPS] * now[CHUNK_SAMPLES], (k + 1) * FEW_ROWS)):
        _losses(
            layout, plan, settings, work, outputs, targets, labels, weights, given, values, _whole(context, FOUND), now,
            row, r,
        )  # fmt: skip


@fast_kernel(inline=True)
def _columns(layout, k, l, lanes):
    """Panel, first column and number of columns of part k of a stage that is cut by columns."""
    vectors = layout[l * FIELDS + VECTORS]
    groups = (vectors + COLUMNS_OF_ERRORS - 1) // COLUMNS_OF_ERRORS
    first = k % groups * COLUMNS_OF_ERRORS
    return k // groups, first * lanes, min(COLUMNS_OF_ERRORS, vectors - first) * lanes


@Part
def own_errors(context, k, l, place, like):
    layout, fixed, work = _whole(context, LAYOUT), _numbers(context, FIXED, like), _numbers(context, WORK, like)
    p, first, count = _columns(layout, k, l, BYTES // work.itemsize)
    settings, now = _numbers(context, SETTINGS, like), whole_numbers_at(place, PLACES)
    _finish(layout, _whole(context, PLAN), settings, fixed, work, now, l, p, first, count)


@Part
def errors(context, k, l, place, like):
    layout, fixed, work = _whole(context, LAYOUT), _numbers(context, FIXED, like), _numbers(context, WORK, like)
    p, first, count = _columns(layout, k, l, BYTES // work.itemsize)
    settings, now = _numbers(context, SETTINGS, like), whole_numbers_at(place, PLACES)
    _errors(layout, _whole(context, PLAN), settings, fixed, work, now, l, p, first, count)


@Part
def list_columns(context, k, l, place, like):
    layout, plan, now = _whole(context, LAYOUT), _whole(context, PLAN), whole_numbers_at(place, PLACES)
    m, s = _found_part(layout, plan, k, SEGMENTS)
    if not now[DENSE_BACK] >> m & 1:
        amounts = _numbers(context, AMOUNTS, like)
        _list_columns(layout, plan, _indices(context), _whole(context, COUNT_ARRAY), amounts, now, m, s)


@Part
def gradients(context, k, l, place, like):
    layout, plan, now = _whole(context, LAYOUT), _whole(context, PLAN), whole_numbers_at(place, PLACES)
    work, settings = _numbers(context, WORK, like), _numbers(context, SETTINGS, like)
    m, p, first, last = _rows_of_sums(layout, plan, k)
    amounts, sums, state = (
        _numbers(context, AMOUNTS, like), _numbers(context, SUMS, like), _numbers(context, STATE, like)
    )  # fmt: skip
    traces, dense = _numbers(context, TRACE_ARRAY, like), _numbers(context, DENSE_ARRAY, like)
    if first < last:
        _gradients(
            layout, plan, settings, work, _indices(context), _whole(context, COUNT_ARRAY), amounts, sums, state, traces,
            dense, now, m, p, first, last,
        )  # fmt: skip


@Part
def traces(context, k, l, place, like):
    settings, amounts, state = (
        _numbers(context, SETTINGS, like), _numbers(context, AMOUNTS, like), _numbers(context, STATE, like)
    )  # fmt: skip
    inputs, counts = _numbers(context, INPUT_ARRAY, like), _whole(context, COUNT_ARRAY)
    now = whole_numbers_at(place, PLACES)
    _traces(
        _whole(context, LAYOUT),
        _whole(context, PLAN),
        settings,
        _indices(context),
        counts,
        amounts,
        state,
        inputs,
        now,
        k,
    )


@Part
def bias_traces(context, k, l, place, like):
    """Λ of the biases' input after the window."""
    layout, plan, now = _whole(context, LAYOUT), _whole(context, PLAN), whole_numbers_at(place, PLACES)
    traces, settings = _numbers(context, TRACE_ARRAY, like), _numbers(context, SETTINGS, like)
    for m in range(plan[LAYERS]):
        if layout[m * FIELDS + BIAS_PAIRED] == TRACED:
            at, decay = now[SLOT] * plan[LAYERS] + m, settings[m * NUMBERS + PAIR_DECAY]
            for _ in range(now[CHUNK_STEPS]):
                traces[at] = decay * traces[at] + traces.dtype.type(1)


@Part
def unpack(context, k, l, place, like):
    layout, plan, now = _whole(context, LAYOUT), _whole(context, PLAN), whole_numbers_at(place, PLACES)
    sums, found = _numbers(context, SUMS, like), _whole(context, FOUND)
    m, p, first, last = _rows_of_sums(layout, plan, k)
    if first < last and _unpack(layout, plan, sums, m, p, first, last):
        found[now[SLOT] * FINDINGS + NOT_FINITE] = 1


@fast_kernel
def _count_parts(stage, layout, plan, now, l):
    """How many parts a stage has; l is the layer, where it is of one."""
    rows, at = now[CHUNK_STEPS] * now[CHUNK_SAMPLES], l * FIELDS
    if stage == START:
        return plan[BATCH]
    if stage in (ENTER, BIAS_TRACES):
        return 1
    if stage in (LIST, NUMBER, SPREAD, LOSSES):
        return (rows + FEW_ROWS - 1) // FEW_ROWS
    if stage == MULTIPLY:
        return layout[at + PANELS] * ((rows + BLOCK - 1) // BLOCK)
    if stage == FORWARD:
        return layout[at + PANELS] * PARTS
    if stage in (OWN_ERRORS, ERRORS):
        return layout[at + PANELS] * ((layout[at + VECTORS] + COLUMNS_OF_ERRORS - 1) // COLUMNS_OF_ERRORS)
    if stage == TRACES:
        return now[CHUNK_SAMPLES]
    total = 0
    for m in range(plan[LAYERS]):
        total += layout[m * FIELDS + (SEGMENTS if stage == LIST_COLUMNS else PANELS)]
    return total if stage == LIST_COLUMNS else total * SLICES


@fast_kernel(parallel=True)
def _run_together(threads, address, count, context, l, place):
    """Each thread takes the next part of its own share, then of the others': where one is held up, the others go on.

    Shares are the same panels in every stage, which then lie in the second-level cache of the thread's core.
    """
    shares = min(count, threads)
    counters = np.zeros(shares * APART, np.int64)
    for own in prange(shares):
        for other in range(shares):
            share = (own + other) % shares
            first, last = share * count // shares, (share + 1) * count // shares
            counter = counters[share * APART : share * APART + 1]
            k = first + next_part(counter)
            while k < last:
                call_part(address, context, k, l, place)
                k = first + next_part(counter)


@Part
def run(context, k, l, place, like):
    """All parts of stage k // 2: where k is odd by all threads together, else one after the other."""
    stage, together, plan, now = k // 2, k % 2, _whole(context, PLAN), whole_numbers_at(place, PLACES)
    started, took = ticks(), _whole(context, TICKS)
    count = _count_parts(stage, _whole(context, LAYOUT), plan, now, l)
    address = _whole(context, STAGE_ARRAY)[stage]
    if together and count > 1:
        _run_together(plan[THREADS], address, count, context, l, place)
    else:
        for part in range(count):
            call_part(address, context, part, l, place)
    took[now[SLOT] * RUN + stage] += ticks() - started


#: The stages in the order of their numbers, and what runs them.
STAGES = (
    pack, start, enter, list_inputs, number_inputs, spread, multiply, forward, losses, own_errors, errors, list_columns,
    gradients, traces, bias_traces, unpack, run,
)  # fmt: skip


@fast_kernel(inline=True)
def _run(stage, together, l, context, place):
    """All parts of a stage; at an address, as the code of the threads would else be compiled with each caller."""
    call_part(_whole(context, STAGE_ARRAY)[RUN], context, 2 * stage + np.intp(together), l, place)


@fast_kernel
def begin(context, place):
    """Weights into panels, and what resets leave before the first time step."""
    plan, found, took = _whole(context, PLAN), _whole(context, FOUND), _whole(context, TICKS)
    for k in range(plan[CHUNKS] * RUN):
        took[k] = 0
    for stage in (PACK, START):
        _run(stage, not plan[SMALL], ZERO, context, place)
    for k in range(plan[CHUNKS] * FINDINGS):
        found[k] = 0


@fast_kernel
def move(slot, first_sample, first_step, context, place):
    """To where the next chunk lies: the same samples' next window, or the next samples' first."""
    plan, now = _whole(context, PLAN), whole_numbers_at(place, PLACES)
    now[SLOT], now[FIRST_SAMPLE], now[FIRST_STEP] = slot, first_sample, first_step
    now[CHUNK_SAMPLES] = min(plan[SAMPLES], plan[BATCH] - first_sample)
    now[CHUNK_STEPS] = min(plan[WINDOW], plan[STEPS] - first_step)
    now[BOUNDARY] = first_step > 0 or plan[GIVEN_STATE]
    now[FRESH] = first_step == 0 and (plan[SMALL] or first_sample == 0)
    if first_step == 0:
        _run(ENTER, False, ZERO, context, place)


@fast_kernel
def forwards(together, context, place):
    """A chunk from its inputs to its outputs."""
    layout, plan, now = _whole(context, LAYOUT), _whole(context, PLAN), whole_numbers_at(place, PLACES)
    counts, rows = _whole(context, COUNT_ARRAY), now[CHUNK_STEPS] * now[CHUNK_SAMPLES]
    _run(LIST, together, ZERO, context, place)
    now[SCALED] = _whole(context, FOUND)[now[SLOT] * FINDINGS + NO_SPIKES]
    if now[SCALED]:
        _run(NUMBER, together, ZERO, context, place)
    now[DENSE] = now[DENSE_BACK] = 0
    for l in range(plan[LAYERS]):
        events, most = _count(layout, plan, counts, now, l) * 1000, rows * layout[l * FIELDS + INPUTS]
        now[DENSE] |= (events > most * plan[SHARE]) << l
        now[DENSE_BACK] |= (events > most * plan[SHARE_BACK]) << l
        if (now[DENSE] | now[DENSE_BACK]) >> l & 1:
            _run(SPREAD, together, l, context, place)
        if now[DENSE] >> l & 1:
            _run(MULTIPLY, together, l, context, place)
        _run(FORWARD, together, l, context, place)


@fast_kernel
def backwards(together, context, place):
    """A chunk from its outputs to what it adds to the gradients, and to its traces."""
    top = _whole(context, PLAN)[LAYERS] - 1
    _run(LOSSES, together, top, context, place)
    _run(OWN_ERRORS, together, top, context, place)
    for l in range(top - 1, -1, -1):
        _run(ERRORS, together, l, context, place)
    for stage in (LIST_COLUMNS, GRADIENTS, TRACES, BIAS_TRACES):
        _run(stage, together, ZERO, context, place)


@fast_kernel
def _windows(slot, first_sample, context, place):
    """A block of samples over all its windows."""
    plan = _whole(context, PLAN)
    for t in range(0, plan[STEPS], plan[WINDOW]):
        move(slot, first_sample, t, context, place)
        forwards(not plan[SMALL], context, place)
        backwards(not plan[SMALL], context, place)


@fast_kernel(parallel=True)
def _blocks(threads, count, samples, context, place):
    """Each block of samples by one thread."""
    counter = np.zeros(1, np.int64)
    for _ in prange(min(count, threads)):
        c = next_part(counter)
        while c < count:
            _windows(c, c * samples, context, place + 8 * PLACES * c)
            c = next_part(counter)


@fast_kernel
def end(context, place):
    """The gradients to where the result keeps them."""
    _run(UNPACK, not _whole(context, PLAN)[SMALL], 0, context, place)


@fast_kernel
def whole_sequence(context, place):
    """Everything, for a loss that the kernels have.

    stages, context   addresses: of the stages, an array, and of the arrays, where that array lies
    place             where the array `now` lies
    """
    plan = _whole(context, PLAN)
    begin(context, place)
    if plan[SMALL]:
        _blocks(plan[THREADS], plan[CHUNKS], plan[SAMPLES], context, place)
    else:
        for first in range(0, plan[BATCH], plan[SAMPLES]):
            _windows(0, first, context, place)
    end(context, place)
