"""The kernels of `fast.streaming`: one time step of OTTT_O, with updates that are owed until they are needed.

Every array of a learner lies in one block of memory, `memory`, of the network's dtype; `layout` says where, a row for
each layer, by the columns named below; `places` holds whole numbers. So a call has few arguments, and of few kinds.

A layer's matrix is kept in one of two ways.

    ROWS   of one sample and a wide layer: W^T, a row for each presynaptic neuron. What a row is owed is a number times
           one of the layer's few sums, so a time step writes the rows of the neurons that spiked alone.
    WHOLE  of several samples, or of a narrow layer: W, a row for each neuron, updated in every time step.

What a row of ROWS is owed. Let â_j[s] be the trace of neuron j at its last spike s. Until it spikes again its trace is
λ^(t-s) â_j[s], and the updates of W_j = W[:, j] add up to

    W_j[t] = ρ^(t-s+1) W_j[s-1] + â_j[s] S[s],    S[s] = -Σ_{τ=s..t} ρ^(t-τ) η[τ] λ^(τ-s) g[τ],   ρ = 1 - η wd

S[s] is one vector for all neurons whose last spike was at s: the layer holds `SLOTS` of them, for the time steps since
its last flush, which writes all rows. Every number is added as the reference adds it but for the order of sums, so the
updates are exact; λ^(t-s) below `TINY` is taken as 0, as a trace of that size would be a denormal number.
"""

import math

import numpy as np

from .compiling import fast_kernel
from .elementary import decaying

ROWS, WHOLE = range(2)
LIF_NEURON, READOUT = range(2)
SIGMOID, ARCTAN, TRIANGLE, RECTANGLE, FAST_SIGMOID, MULTI_GAUSSIAN = range(6)
SOFT, HARD, UNLEAKED = range(3)

# The columns of `layout`: sizes and kinds, offsets into `memory` ([B] where there is one of each sample), into `places`
(
    SIZE_IN,
    WIDTH_IN,  # SIZE_IN with the zeros that fill up the last 64 bytes
    SIZE_OUT,
    WIDTH_OUT,
    KIND,
    NEURON,
    RESET,
    SURROGATE,
    BIAS_LEARNED,
    WEIGHT,  # ROWS [SIZE_IN, WIDTH_OUT], WHOLE [SIZE_OUT, WIDTH_IN]
    BIAS,
    CONSTANTS,
    SOURCE,  # [B, WIDTH_IN]: the inputs, or the spikes of the layer before
    TRACE,  # ROWS: â_j at the slot of `SINCE`; WHOLE: â [B, WIDTH_IN]
    HELD,  # ROWS: the trace of the last time step, of rows whose slot is the one to come
    BIAS_TRACE,
    POTENTIAL,  # [B, WIDTH_OUT]
    SPIKES,  # [B, WIDTH_OUT]: the neurons' outputs, of a readout its potentials
    CURRENT,  # [B, WIDTH_OUT]
    SPIKE_ERROR,  # [B, WIDTH_OUT]
    ERROR,  # [B, WIDTH_OUT]
    SUMS,  # ROWS: S, [SLOTS, WIDTH_OUT]
    FACTORS,  # ROWS: ρ^(t-s+1) of each slot
    POWERS,  # λ^k of the trace, k = 0 .. SLOTS
    DOTS,  # ROWS: S · g of each slot
    SCRATCH,  # of the first layer: the loss, and room for two numbers
    SINCE,  # places: the slot of each row, [SIZE_IN]
    EVENTS,  # places: the rows that were given something in this time step, [SIZE_IN + 1]
    COUNT,  # places: how many these are
    SLOT,  # places: the slot of the next time step
    COLUMNS,
) = range(31)

# The constants of a layer, in `memory`
DECAY, THRESHOLD, RESET_POTENTIAL, FIRST, SECOND, THIRD, FOURTH, ONE, TRACE_DECAY, BIAS_DECAY, CONSTANT_COUNT = range(
    11
)
# What is said of all layers, `numbers`, all of float64
RATE, WEIGHT_DECAY, SCALE, CROSS_SHARE, SQUARED_SHARE, LIMIT, TINY, NUMBERS = range(8)
# What is known of a layer's numbers, `bounds` [layers, 2]: the largest trace and weight can be no larger
PEAK, REACH = range(2)

FUSED, FORWARD, BACKWARD = range(3)  # what a call does: all, up to the outputs, on from the errors at the outputs
DONE, REFUSED, TROUBLE = range(3)  # nothing has changed after REFUSED; after TROUBLE no weight, but states

SLOTS = 32
FAST = {"reassoc", "contract", "arcp", "nsz"}  # but NaN and infinity stay what they are: they are looked for
NEAR = {"contract", "nsz"}  # where the order of operations matters: e^x is split so that nothing is lost


@fast_kernel(fastmath=FAST)
def absolute_sum(values):
    """Σ |v|, NaN or infinite where a number is; in float64."""
    total = values[0] - values[0]
    for k in range(values.shape[0]):
        total += abs(values[k])
    return np.float64(total)


@fast_kernel
def listed(events, values, size):
    """List the indices of what is not 0; how many there are. `events` has room for one more."""
    count = 0
    for j in range(size):
        events[count] = j
        count += values[j] != 0
    return count


@fast_kernel(fastmath=FAST)
def add_row(current, row, owed, factor, trace, value):
    """W_j ← ρ^k W_j + â_j S, and the current of what neuron j sends."""
    for i in range(current.shape[0]):
        weight = factor * row[i] + trace * owed[i]
        row[i] = weight
        current[i] += value * weight


@fast_kernel(fastmath=FAST)
def paid(row, owed, factor, trace):
    """W_j ← ρ^k W_j + â_j S."""
    for i in range(row.shape[0]):
        row[i] = factor * row[i] + trace * owed[i]


@fast_kernel(fastmath=FAST)
def dot(one, other):
    total = one[0] - one[0]
    for i in range(one.shape[0]):
        total += one[i] * other[i]
    return total


@fast_kernel(fastmath=FAST)
def add_multiple(result, factor, values):
    for i in range(result.shape[0]):
        result[i] += factor * values[i]


@fast_kernel(fastmath=FAST)
def scale_and_add(result, scale, factor, values):
    for i in range(result.shape[0]):
        result[i] = scale * result[i] + factor * values[i]


@fast_kernel
def flush(memory, places, layout, numbers, l):
    """Write all rows of a layer of ROWS, so that nothing is owed, and begin with the first slot again.

    The slot that is now used, of which nothing is owed yet, becomes the first: rows of it keep their traces.
    """
    size, width = layout[l, SIZE_IN], layout[l, WIDTH_OUT]
    weight, trace, held, since = layout[l, WEIGHT], layout[l, TRACE], layout[l, HELD], layout[l, SINCE]
    sums, factors, powers = layout[l, SUMS], layout[l, FACTORS], layout[l, POWERS]
    slot = places[layout[l, SLOT]]
    for j in range(size):
        mine = places[since + j]
        if mine < slot:
            row = memory[weight + j * width : weight + (j + 1) * width]
            owed = memory[sums + mine * width : sums + (mine + 1) * width]
            paid(row, owed, memory[factors + mine], memory[trace + j])
            last = memory[trace + j] * memory[powers + slot - 1 - mine]
            if abs(last) < numbers[TINY]:
                last = last - last
            memory[held + j] = last
            memory[trace + j] = last * memory[powers + 1]
            places[since + j] = 0
        else:
            places[since + j] = 0
    begin_slot(memory, places, layout, l, 0)


@fast_kernel
def begin_slot(memory, places, layout, l, slot):
    """Use another slot, of which nothing is owed yet."""
    width = layout[l, WIDTH_OUT]
    places[layout[l, SLOT]] = slot
    memory[layout[l, FACTORS] + slot] = memory[layout[l, CONSTANTS] + ONE]
    first = layout[l, SUMS] + slot * width
    for i in range(width):
        memory[first + i] = 0


@fast_kernel
def last_traces(result, memory, places, layout, l, samples):
    """â of the last time step, [B, SIZE_IN]."""
    size, width = layout[l, SIZE_IN], layout[l, WIDTH_IN]
    trace, held, since, powers = layout[l, TRACE], layout[l, HELD], layout[l, SINCE], layout[l, POWERS]
    slot = places[layout[l, SLOT]]
    for b in range(samples):
        for j in range(size):
            if layout[l, KIND] == WHOLE:
                result[b, j] = memory[trace + b * width + j]
            elif places[since + j] == slot:
                result[b, j] = memory[held + j]
            else:
                result[b, j] = memory[trace + j] * memory[powers + slot - 1 - places[since + j]]


@fast_kernel
def begin_traces(memory, places, layout, l, samples, traces):
    """Go on from the traces of the last time step, [B, SIZE_IN]. Nothing must be owed."""
    size, width = layout[l, SIZE_IN], layout[l, WIDTH_IN]
    trace, held, since = layout[l, TRACE], layout[l, HELD], layout[l, SINCE]
    slot = places[layout[l, SLOT]]
    for b in range(samples):
        for j in range(size):
            if layout[l, KIND] == WHOLE:
                memory[trace + b * width + j] = traces[b, j]
            else:
                memory[held + j] = traces[b, j]
                memory[trace + j] = traces[b, j] * memory[layout[l, POWERS] + 1]
                places[since + j] = slot


@fast_kernel
def undo_rows(memory, places, layout, numbers, l, count):
    """After a step that is to be done again: states, traces and slots are those of before, but the rows that had events
    were paid. `count` of them are listed."""
    slot, events = places[layout[l, SLOT]], layout[l, EVENTS]
    trace, held, since = layout[l, TRACE], layout[l, HELD], layout[l, SINCE]
    for k in range(count):
        j = places[events + k]
        mine = places[since + j]
        if mine < slot:
            memory[held + j] = memory[trace + j] * memory[layout[l, POWERS] + slot - 1 - mine]
            memory[trace + j] = memory[held + j] * memory[layout[l, POWERS] + 1]
            places[since + j] = slot


TILE = 16


@fast_kernel
def store_weight(weight, memory, layout, l):
    """W [SIZE_OUT, SIZE_IN] from the layer's memory. Nothing must be owed."""
    first = layout[l, WEIGHT]
    if layout[l, KIND] == WHOLE:
        width = layout[l, WIDTH_IN]
        for i in range(weight.shape[0]):
            for j in range(weight.shape[1]):
                weight[i, j] = memory[first + i * width + j]
        return
    width = layout[l, WIDTH_OUT]
    for i0 in range(0, weight.shape[0], TILE):
        for j0 in range(0, weight.shape[1], TILE):
            for i in range(i0, min(i0 + TILE, weight.shape[0])):
                for j in range(j0, min(j0 + TILE, weight.shape[1])):
                    weight[i, j] = memory[first + j * width + i]


@fast_kernel
def load_weight(memory, layout, l, weight, bias):
    """Take in W and the biases; the largest size of a number."""
    first = layout[l, WEIGHT]
    largest = abs(weight[0, 0])
    if layout[l, KIND] == WHOLE:
        width = layout[l, WIDTH_IN]
        for i in range(weight.shape[0]):
            for j in range(weight.shape[1]):
                memory[first + i * width + j] = weight[i, j]
                largest = max(largest, abs(weight[i, j]))
    else:
        width = layout[l, WIDTH_OUT]
        for i0 in range(0, weight.shape[0], TILE):
            for j0 in range(0, weight.shape[1], TILE):
                for j in range(j0, min(j0 + TILE, weight.shape[1])):
                    for i in range(i0, min(i0 + TILE, weight.shape[0])):
                        memory[first + j * width + i] = weight[i, j]
                        largest = max(largest, abs(weight[i, j]))
    for i in range(bias.shape[0]):
        memory[layout[l, BIAS] + i] = bias[i]
        largest = max(largest, abs(bias[i]))
    return largest


@fast_kernel(fastmath=FAST)
def sum_rows(memory, places, layout, l):
    """The currents of a layer of ROWS: its rows of what was given are paid, and added up."""
    size, width = layout[l, SIZE_IN], layout[l, WIDTH_OUT]
    source, trace, since, events = layout[l, SOURCE], layout[l, TRACE], layout[l, SINCE], layout[l, EVENTS]
    weight, sums, factors, powers = layout[l, WEIGHT], layout[l, SUMS], layout[l, FACTORS], layout[l, POWERS]
    slot = places[layout[l, SLOT]]
    current = memory[layout[l, CURRENT] : layout[l, CURRENT] + width]
    bias = memory[layout[l, BIAS] : layout[l, BIAS] + width]
    count = listed(places[events : events + size + 1], memory[source : source + size], size)
    places[layout[l, COUNT]] = count
    for i in range(width):
        current[i] = bias[i]
    for k in range(count):
        j = places[events + k]
        mine = places[since + j]
        value = memory[source + j]
        row = memory[weight + j * width : weight + (j + 1) * width]
        owed = memory[sums + mine * width : sums + (mine + 1) * width]
        add_row(current, row, owed, memory[factors + mine], memory[trace + j], value)
        memory[trace + j] = memory[trace + j] * memory[powers + slot - mine] + value
        places[since + j] = slot


@fast_kernel(fastmath=FAST)
def sum_whole(memory, layout, l, samples):
    """The currents of a layer of WHOLE, and its traces: â[t] = λ â[t-1] + s[t]."""
    width_in, width = layout[l, WIDTH_IN], layout[l, WIDTH_OUT]
    decay = memory[layout[l, CONSTANTS] + TRACE_DECAY]
    for b in range(samples):
        source = memory[layout[l, SOURCE] + b * width_in : layout[l, SOURCE] + (b + 1) * width_in]
        trace = memory[layout[l, TRACE] + b * width_in : layout[l, TRACE] + (b + 1) * width_in]
        for j in range(width_in):
            trace[j] = decay * trace[j] + source[j]
    for i in range(layout[l, SIZE_OUT]):
        row = memory[layout[l, WEIGHT] + i * width_in : layout[l, WEIGHT] + (i + 1) * width_in]
        for b in range(samples):
            source = memory[layout[l, SOURCE] + b * width_in : layout[l, SOURCE] + (b + 1) * width_in]
            memory[layout[l, CURRENT] + b * width + i] = memory[layout[l, BIAS] + i] + dot(row, source)


@fast_kernel(fastmath=NEAR)
def advance_neurons(memory, layout, l, samples):
    """Potentials and spikes of a layer; Σ |u|."""
    count = samples * layout[l, WIDTH_OUT]
    potential = memory[layout[l, POTENTIAL] : layout[l, POTENTIAL] + count]
    spikes = memory[layout[l, SPIKES] : layout[l, SPIKES] + count]
    current = memory[layout[l, CURRENT] : layout[l, CURRENT] + count]
    constants = memory[layout[l, CONSTANTS] : layout[l, CONSTANTS] + CONSTANT_COUNT]
    decay, threshold, reset_potential = constants[DECAY], constants[THRESHOLD], constants[RESET_POTENTIAL]
    one = constants[ONE]
    zero = one - one
    if layout[l, NEURON] == READOUT:
        for k in range(count):
            u = decay * potential[k] + current[k]
            potential[k] = u
            spikes[k] = u
    elif layout[l, RESET] == SOFT:
        for k in range(count):
            u = decay * (potential[k] - threshold * spikes[k]) + current[k]
            potential[k] = u
            spikes[k] = one if u >= threshold else zero
    elif layout[l, RESET] == UNLEAKED:
        for k in range(count):
            u = decay * potential[k] - threshold * spikes[k] + current[k]
            potential[k] = u
            spikes[k] = one if u >= threshold else zero
    else:
        for k in range(count):
            s = spikes[k]
            u = decay * (potential[k] - s * potential[k] + s * reset_potential) + current[k]
            potential[k] = u
            spikes[k] = one if u >= threshold else zero
    return absolute_sum(potential)


@fast_kernel(fastmath=NEAR)
def gate(memory, layout, l, samples):
    """g = ψ(u - V_th) ∘ e; Σ |g|. ψ is even, but for nothing else is used of that than |z|."""
    count = samples * layout[l, WIDTH_OUT]
    potential = memory[layout[l, POTENTIAL] : layout[l, POTENTIAL] + count]
    spike_error = memory[layout[l, SPIKE_ERROR] : layout[l, SPIKE_ERROR] + count]
    error = memory[layout[l, ERROR] : layout[l, ERROR] + count]
    constants = memory[layout[l, CONSTANTS] : layout[l, CONSTANTS] + CONSTANT_COUNT]
    threshold, one = constants[THRESHOLD], constants[ONE]
    first, second, third, fourth = constants[FIRST], constants[SECOND], constants[THIRD], constants[FOURTH]
    kind = layout[l, SURROGATE]
    zero = one - one
    if layout[l, NEURON] == READOUT:
        for k in range(count):
            error[k] = spike_error[k]
    elif kind == SIGMOID:  # first: α
        for k in range(count):
            d = decaying(abs(first * (potential[k] - threshold)))
            error[k] = first * d / ((one + d) * (one + d)) * spike_error[k]
    elif kind == ARCTAN:  # first: π α / 2, second: α / 2
        for k in range(count):
            scaled = first * (potential[k] - threshold)
            error[k] = second / (one + scaled * scaled) * spike_error[k]
    elif kind == TRIANGLE:  # first: width, second: height / width
        for k in range(count):
            inside = first - abs(potential[k] - threshold)
            error[k] = (second * inside if inside > zero else zero) * spike_error[k]
    elif kind == RECTANGLE:  # first: height, second: half the width
        for k in range(count):
            error[k] = (first if abs(potential[k] - threshold) < second else zero) * spike_error[k]
    elif kind == FAST_SIGMOID:  # first: 1 / slope, second: height
        for k in range(count):
            share = first / (first + abs(potential[k] - threshold))
            error[k] = second * share * share * spike_error[k]
    else:
        for k in range(count):
            psi = multi_gaussian(np.float64(potential[k] - threshold), first, second, third, fourth)
            error[k] = psi * spike_error[k]
    return absolute_sum(error)


@fast_kernel
def multi_gaussian(x, sigma, h, s, scale):
    wide = s * sigma
    root = math.sqrt(2.0 * math.pi)
    centre = math.exp(-x * x / (2.0 * sigma * sigma)) / (root * sigma)
    right = math.exp(-(x - sigma) * (x - sigma) / (2.0 * wide * wide)) / (root * wide)
    left = math.exp(-(x + sigma) * (x + sigma) / (2.0 * wide * wide)) / (root * wide)
    return scale * ((1.0 + h) * centre - h * right - h * left)


@fast_kernel
def losses(memory, layout, numbers, samples, labels, rows, weights):
    """L, and w ∂ℓ/∂o / (T B) as the last layer's spike error.

    rows     targets [B, C]; labels [B] where they are not needed, [0, 0]
    weights  [B], or [0] for 1

    Returns Σ_b |ℓ| + Σ |∂ℓ/∂o|.
    """
    last = layout.shape[0] - 1
    size, width = layout[last, SIZE_OUT], layout[last, WIDTH_OUT]
    cross, squared, scale = numbers[CROSS_SHARE], numbers[SQUARED_SHARE], numbers[SCALE]
    total = 0.0
    loss = layout[0, SCRATCH] + 2
    memory[loss] = 0
    for b in range(samples):
        first = layout[last, SPIKES] + b * width
        error = layout[last, SPIKE_ERROR] + b * width
        largest, normaliser = np.float64(memory[first]), 0.0
        if cross != 0.0:
            for c in range(size):
                largest = max(largest, np.float64(memory[first + c]))
            for c in range(size):
                normaliser += math.exp(np.float64(memory[first + c]) - largest)
        logarithm = math.log(normaliser) if cross != 0.0 else 0.0
        value = 0.0
        weight = 1.0 if weights.shape[0] == 0 else np.float64(weights[b])
        for c in range(size):
            o = np.float64(memory[first + c])
            if rows.shape[0] == 0:
                y = 1.0 if labels[b] == c else 0.0
            else:
                y = np.float64(rows[b, c])
            gradient = 0.0
            if cross != 0.0:
                value -= cross * y * (o - largest - logarithm)
                gradient += cross * (math.exp(o - largest) / normaliser - y)
            if squared != 0.0:
                value += squared * (o - y) * (o - y) / size
                gradient += squared * 2.0 * (o - y) / size
            memory[error + c] = weight * gradient / scale
            total += abs(weight * gradient)
        memory[loss] += weight * value
        total += abs(weight * value)
    memory[loss] = np.float64(memory[loss]) / scale
    return total


@fast_kernel(fastmath=FAST)
def error_by_rows(memory, places, layout, l):
    """e of the layer below, W^T g, with what the rows are owed: ρ^k W_j · g + â_j S · g."""
    size, width = layout[l, SIZE_IN], layout[l, WIDTH_OUT]
    weight, sums, factors, dots = layout[l, WEIGHT], layout[l, SUMS], layout[l, FACTORS], layout[l, DOTS]
    trace, since = layout[l, TRACE], layout[l, SINCE]
    below = layout[l - 1, SPIKE_ERROR]
    error = memory[layout[l, ERROR] : layout[l, ERROR] + width]
    for s in range(places[layout[l, SLOT]] + 1):
        memory[dots + s] = dot(memory[sums + s * width : sums + (s + 1) * width], error)
    for j in range(size):
        mine = places[since + j]
        product = dot(memory[weight + j * width : weight + (j + 1) * width], error)
        memory[below + j] = memory[factors + mine] * product + memory[trace + j] * memory[dots + mine]


@fast_kernel(fastmath=FAST)
def error_by_whole(memory, layout, l, samples):
    """e of the layer below, W^T g."""
    width_in, width = layout[l, WIDTH_IN], layout[l, WIDTH_OUT]
    for b in range(samples):
        first = layout[l - 1, SPIKE_ERROR] + b * width_in
        for j in range(width_in):
            memory[first + j] = 0
    for i in range(layout[l, SIZE_OUT]):
        row = memory[layout[l, WEIGHT] + i * width_in : layout[l, WEIGHT] + (i + 1) * width_in]
        for b in range(samples):
            first = layout[l - 1, SPIKE_ERROR] + b * width_in
            add_multiple(memory[first : first + width_in], memory[layout[l, ERROR] + b * width + i], row)


@fast_kernel(fastmath=FAST)
def update_rows(memory, places, layout, numbers, l, keep, rate):
    """What is owed grows by one time step: S[s] ← ρ S[s] - η λ^(t-s) g."""
    width = layout[l, WIDTH_OUT]
    sums, factors, powers = layout[l, SUMS], layout[l, FACTORS], layout[l, POWERS]
    slot = places[layout[l, SLOT]]
    error = memory[layout[l, ERROR] : layout[l, ERROR] + width]
    for s in range(slot + 1):
        power = memory[powers + slot - s]
        if power > numbers[TINY] or keep != memory[layout[l, CONSTANTS] + ONE]:
            scale_and_add(memory[sums + s * width : sums + (s + 1) * width], keep, -(rate * power), error)
        memory[factors + s] = memory[factors + s] * keep


@fast_kernel(fastmath=FAST)
def update_whole(memory, layout, l, samples, keep, rate):
    """W ← ρ W - η Σ_b g_b â_b^T."""
    width_in, width = layout[l, WIDTH_IN], layout[l, WIDTH_OUT]
    for i in range(layout[l, SIZE_OUT]):
        row = memory[layout[l, WEIGHT] + i * width_in : layout[l, WEIGHT] + (i + 1) * width_in]
        for b in range(samples):
            trace = memory[layout[l, TRACE] + b * width_in : layout[l, TRACE] + (b + 1) * width_in]
            factor = -(rate * memory[layout[l, ERROR] + b * width + i])
            if b == 0:
                scale_and_add(row, keep, factor, trace)
            else:
                add_multiple(row, factor, trace)


@fast_kernel(fastmath=FAST)
def update_bias(memory, layout, l, samples, keep, rate):
    """b ← ρ b - η Σ_b g_b Λ."""
    width = layout[l, WIDTH_OUT]
    bias = memory[layout[l, BIAS] : layout[l, BIAS] + width]
    constant = memory[layout[l, BIAS_TRACE]]
    for b in range(samples):
        error = memory[layout[l, ERROR] + b * width : layout[l, ERROR] + (b + 1) * width]
        if b == 0:
            scale_and_add(bias, keep, -(rate * constant), error)
        else:
            add_multiple(bias, -(rate * constant), error)


@fast_kernel
def end_step(memory, places, layout, numbers, l):
    """Go on to the next slot of a layer of ROWS; a flush where there is none."""
    slot = places[layout[l, SLOT]] + 1
    if slot < SLOTS:
        begin_slot(memory, places, layout, l, slot)
    else:
        places[layout[l, SLOT]] = slot
        flush(memory, places, layout, numbers, l)


@fast_kernel
def forward(memory, places, layout, numbers, bounds, inputs):
    """Take in inputs [B, SIZE_IN]: up to the outputs. DONE, REFUSED or TROUBLE."""
    samples = inputs.shape[0]
    size, width = layout[0, SIZE_IN], layout[0, WIDTH_IN]
    given = absolute_sum(inputs.reshape(inputs.size))
    if not given < numbers[LIMIT]:
        return REFUSED
    for l in range(layout.shape[0]):
        places[layout[l, COUNT]] = 0
    for b in range(samples):
        first = layout[0, SOURCE] + b * width
        for j in range(size):
            memory[first + j] = inputs[b, j]
    for l in range(layout.shape[0]):
        constants = layout[l, CONSTANTS]
        if layout[l, KIND] == ROWS:
            sum_rows(memory, places, layout, l)
        else:
            sum_whole(memory, layout, l, samples)
        at = layout[l, BIAS_TRACE]
        memory[at] = memory[constants + BIAS_DECAY] * memory[at] + memory[constants + ONE]
        entered = given if l == 0 else 1.0
        bounds[l, PEAK] = max(memory[constants + TRACE_DECAY] * bounds[l, PEAK] + entered, np.float64(memory[at]))
        total = advance_neurons(memory, layout, l, samples)
        if not (total < numbers[LIMIT] and bounds[l, PEAK] < numbers[LIMIT]):
            return TROUBLE
    return DONE


@fast_kernel
def backward(memory, places, layout, numbers, bounds, samples):
    """Errors and updates, from the spike error of the last layer on. DONE or TROUBLE."""
    rate, weight_decay, limit = numbers[RATE], numbers[WEIGHT_DECAY], numbers[LIMIT]
    shrink = abs(1.0 - rate * weight_decay)
    for l in range(layout.shape[0] - 1, -1, -1):
        total = gate(memory, layout, l, samples)
        gradient = total * bounds[l, PEAK]
        reached = shrink * bounds[l, REACH] + rate * gradient
        if not (total < limit and gradient < limit and reached < limit):
            return TROUBLE
        if not bounds[l, REACH] * max(total, weight_decay) < limit:
            return TROUBLE
        bounds[l, REACH] = max(bounds[l, REACH], reached)
        if l > 0:
            if layout[l, KIND] == ROWS:
                error_by_rows(memory, places, layout, l)
            else:
                error_by_whole(memory, layout, l, samples)
    scratch = layout[0, SCRATCH]
    memory[scratch] = rate  # of the network's dtype from here on
    memory[scratch + 1] = 1.0 - rate * weight_decay
    typed_rate, typed_keep = memory[scratch], memory[scratch + 1]
    for l in range(layout.shape[0]):
        if layout[l, KIND] == ROWS:
            update_rows(memory, places, layout, numbers, l, typed_keep, typed_rate)
        else:
            update_whole(memory, layout, l, samples, typed_keep, typed_rate)
        if layout[l, BIAS_LEARNED] == 1:
            update_bias(memory, layout, l, samples, typed_keep, typed_rate)
    return DONE


@fast_kernel
def step(memory, places, layout, numbers, bounds, backup, kept, inputs, labels, rows, weights, stage):
    """One time step, or a part of it: FUSED, FORWARD, BACKWARD. DONE, REFUSED or TROUBLE.

    backup  [state_size]: takes the states and traces of before the step, which `layout` places first in `memory`
    kept    the same of `places`
    """
    samples = inputs.shape[0]
    last = layout.shape[0] - 1
    if stage == FUSED:
        for b in range(labels.shape[0]):
            if labels[b] < 0 or labels[b] >= layout[last, SIZE_OUT]:
                return REFUSED
    if stage != BACKWARD:
        for k in range(backup.shape[0]):
            backup[k] = memory[k]
        for k in range(kept.shape[0]):
            kept[k] = places[k]
        code = forward(memory, places, layout, numbers, bounds, inputs)
        if code != DONE:
            return code
    if stage == FUSED:
        total = losses(memory, layout, numbers, samples, labels, rows, weights)
        if not total < numbers[LIMIT]:
            return TROUBLE
    if stage != FORWARD:
        code = backward(memory, places, layout, numbers, bounds, samples)
        if code != DONE:
            return code
        for l in range(layout.shape[0]):
            if layout[l, KIND] == ROWS:
                end_step(memory, places, layout, numbers, l)
    return DONE


@fast_kernel
def skip_update(memory, places, layout, numbers):
    """End a time step without targets: nothing more is owed."""
    for l in range(layout.shape[0]):
        if layout[l, KIND] == ROWS:
            end_step(memory, places, layout, numbers, l)
