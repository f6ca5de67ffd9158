"""The kernels of `fast.streaming`: one time step of OTTT_O, with updates that are owed until they are needed.

Every array of a learner lies in one block of memory, `memory`, of the network's dtype; `layout` says where, a row for
each layer, by the columns named below; `places` holds whole numbers. So a call has few arguments, and of few kinds.

A layer's matrix is kept in one of two ways.

    ROWS   of one sample and a wide layer: W^T, a row for each presynaptic neuron. What a row is owed is a number times
           one of the layer's few sums, so a time step writes the rows of the neurons that spiked alone.
    WHOLE  of several samples, of a narrow layer, or with momentum: W, a row for each neuron, updated at once.

What a row of ROWS is owed. Let â_j[s] be the trace of neuron j at its last spike s. Until it spikes again its trace is
λ^(t-s) â_j[s], and the updates of W_j = W[:, j] add up to

    W_j[t] = ρ^(t-s+1) W_j[s-1] + â_j[s] S[s],    S[s] = -Σ_{τ=s..t} ρ^(t-τ) η[τ] λ^(τ-s) g[τ],   ρ = 1 - η wd

S[s] is one vector for all neurons whose last spike was at s. The layer holds those of the last `SLOTS` time steps, in a
ring: rows whose spike is older are written, and go on as if their neuron had sent 0 now. So are all rows of a layer, by
`flush`, when somebody reads the weights. Every number is added as the reference adds it but for the order of sums: the
updates are exact. Traces below `TINY`, which would soon be denormal numbers, are taken as 0.
"""

import math

import numpy as np

from .compiling import fast_kernel
from .events import turn
from .neurons import left_by_reset
from .streaming_loops import GROUP, dot_rows, list_equal, owe_rows, pay_rows
from .surrogates import derivatives
from .vector_loops import BYTES, STRANGE, list_nonzero, wide_vectors

ROWS, WHOLE = range(2)
LIF_NEURON, READOUT = range(2)

# The columns of `layout`: sizes and kinds, offsets into `memory` ([B] where there is one of each sample), into `places`
(
    SIZE_IN,
    WIDTH_IN,  # SIZE_IN with the zeros that fill up vectors
    SIZE_OUT,
    WIDTH_OUT,
    KIND,
    NEURON,
    RESET,
    SURROGATE,
    BIAS_LEARNED,
    WEIGHT,  # ROWS [SIZE_IN, WIDTH_OUT], WHOLE [SIZE_OUT, WIDTH_IN]
    BIAS,
    VELOCITY,  # WHOLE with momentum: of the weights, and of the biases [WIDTH_OUT] after them
    DECAY,  # [WIDTH_OUT], as the next two
    THRESHOLD,
    RESET_POTENTIAL,
    SURROGATE_NUMBERS,
    SOURCE,  # [B, WIDTH_IN]: the inputs, or the spikes of the layer before
    TRACE,  # ROWS: â_j at the slot of `SINCE`; WHOLE: â [B, WIDTH_IN]
    HELD,  # ROWS: the trace of the last time step, of rows whose slot is the one to come
    BIAS_TRACE,
    BIAS_DECAY,
    POTENTIAL,  # [B, WIDTH_OUT]
    SPIKES,  # [B, WIDTH_OUT]: the neurons' outputs, of a readout its potentials
    CURRENT,  # [B, WIDTH_OUT]
    SPIKE_ERROR,  # [B, WIDTH_OUT]
    ERROR,  # [B, WIDTH_OUT]
    SUMS,  # ROWS: S, [SLOTS, WIDTH_OUT]
    FACTORS,  # ROWS: ρ^(t-s+1) of each slot
    POWERS,  # λ^k of the traces, k = 0 .. SLOTS - 1
    DOTS,  # ROWS: S · g of each slot
    LISTED,  # ROWS: of each row in the list three numbers, [SIZE_IN, 3]
    SINCE,  # places: the slot of each row, [SIZE_IN]
    EVENTS,  # places: a list of rows, [SIZE_IN], and room
    OWED,  # places: their slots
    COUNT,  # places: how many these are
    SLOT,  # places: the slot of the next time step, of which nothing is owed yet
    COLUMNS,
) = range(37)
# What is said of all layers, in `layout[0]` after the columns: sizes, and offsets into `memory`
STATE_SIZE, KEPT_PLACES, BACKUP, KEPT, SCRATCH, BUILT, HAS_VELOCITY, ALL_COLUMNS = range(COLUMNS, COLUMNS + 8)
LOSS, RATE_TYPED, KEEP_TYPED, MOMENTUM_TYPED, WEIGHT_DECAY_TYPED, SCRATCH_SIZE = range(6)  # of the dtype

# `numbers`, of float64: what is said of all layers, and of each layer what its traces, weights and velocities do not
# exceed in size
(
    RATE,
    WEIGHT_DECAY,
    MOMENTUM,
    SCALE,
    CROSS_SHARE,
    SQUARED_SHARE,
    PRICE,
    SQUARED_PRICE,
    WANTED_RATE,
    LIMIT,
    TINY,
    NUMBERS,
) = range(12)
PEAK, REACH, SPEED, BOUNDS = range(4)  # of layer l at NUMBERS + BOUNDS l

FUSED, FORWARD, BACKWARD = range(3)  # what a call does: all, up to the outputs, on from the errors at the outputs
DONE, REFUSED, TROUBLE = range(3)  # nothing has changed after REFUSED; after TROUBLE no weight, but states

SLOTS = 16
BLOCK = 8  # rows of W that are taken with one sample after the other
FAST = {"reassoc", "contract", "arcp", "nsz"}  # but NaN and infinity stay what they are: they are looked for


@fast_kernel(fastmath=FAST)
def absolute_sum(values):
    """Σ |v|, NaN or infinite where a number is; in float64."""
    wide_vectors()
    total = values[0] - values[0]
    for k in range(values.shape[0]):
        total += abs(values[k])
    return np.float64(total)


@fast_kernel
def copy_to(result, values):
    wide_vectors()
    for k in range(result.shape[0]):
        result[k] = values[k]


@fast_kernel
def clear(result):
    wide_vectors()
    for k in range(result.shape[0]):
        result[k] = 0


@fast_kernel
def list_events(places, events, memory, source, size, built):
    """List the indices of what is not 0; how many there are."""
    count, done = 0, 0
    if built:
        lanes = BYTES // memory.itemsize
        count = list_nonzero(places, events, memory, source, size // lanes) & (STRANGE - 1)
        done = size // lanes * lanes
    for j in range(done, size):
        places[events + count] = j
        count += memory[source + j] != 0
    return count


@fast_kernel
def list_of_slot(places, events, since, size, slot, built):
    """List the rows of a slot; how many there are."""
    count, done = 0, 0
    if built:
        count = list_equal(places, events, since, slot, size // 16)
        done = size // 16 * 16
    for j in range(done, size):
        places[events + count] = j
        count += places[since + j] == slot
    return count


@fast_kernel(fastmath=FAST)
def pay(row, owed, factor, trace):
    """W_j ← ρ^k W_j + â_j S."""
    for i in range(row.shape[0]):
        row[i] = factor * row[i] + trace * owed[i]


@fast_kernel(fastmath=FAST)
def dot(one, other):
    wide_vectors()
    total = one[0] - one[0]
    for i in range(one.shape[0]):
        total += one[i] * other[i]
    return total


@fast_kernel(fastmath=FAST)
def add_multiple(result, factor, values):
    wide_vectors()
    for i in range(result.shape[0]):
        result[i] += factor * values[i]


@fast_kernel(fastmath=FAST)
def scale_and_add(result, scale, factor, values):
    wide_vectors()
    for i in range(result.shape[0]):
        result[i] = scale * result[i] + factor * values[i]


@fast_kernel
def pay_list(memory, places, layout, l, count, built):
    """Pay the rows of a list, and add what their neurons send to the currents.

    Of each row W_j ← f W_j + a S: which rows, which slots, and f, a and the value that is sent were listed.
    """
    width, weight, sums = layout[l, WIDTH_OUT], layout[l, WEIGHT], layout[l, SUMS]
    events, owed, listed = layout[l, EVENTS], layout[l, OWED], layout[l, LISTED]
    current = layout[l, CURRENT]
    if not built:
        for k in range(count):
            row = weight + places[events + k] * width
            there = sums + places[owed + k] * width
            number = listed + 3 * k
            pay(memory[row : row + width], memory[there : there + width], memory[number], memory[number + 1])
            add_multiple(memory[current : current + width], memory[number + 2], memory[row : row + width])
        return
    lanes, at = BYTES // memory.itemsize, 0
    while width - at >= 16 * lanes:
        pay_rows(memory, weight + at, sums + at, width, places, events, owed, listed, current + at, count, 16)
        at += 16 * lanes
    while at < width:
        pay_rows(memory, weight + at, sums + at, width, places, events, owed, listed, current + at, count, 4)
        at += 4 * lanes


@fast_kernel
def pay_to_slot(memory, places, layout, numbers, l, count, aged):
    """Pay the rows of the list `EVENTS`, which go on as rows of the slot of the next time step.

    aged  whether those that are of this slot are the oldest, and not its own already
    """
    trace, held, since = layout[l, TRACE], layout[l, HELD], layout[l, SINCE]
    events, owed, listed = layout[l, EVENTS], layout[l, OWED], layout[l, LISTED]
    slot = places[layout[l, SLOT]]
    for k in range(count):
        j = places[events + k]
        mine, number = places[since + j], listed + 3 * k
        places[owed + k], places[since + j] = mine, slot
        memory[number], memory[number + 1] = memory[layout[l, FACTORS] + mine], memory[trace + j]
        memory[number + 2] = 0  # nothing is sent: the currents, which are no more needed, stay
        if mine != slot or aged:
            last = memory[trace + j] * memory[layout[l, POWERS] + (slot - 1 - mine) % SLOTS]
            if abs(last) < numbers[TINY]:
                last = last - last
            memory[held + j], memory[trace + j] = last, last * memory[layout[l, POWERS] + 1]
    pay_list(memory, places, layout, l, count, layout[0, BUILT] == 1)


@fast_kernel
def flush(memory, places, layout, numbers, l):
    """Write all rows of a layer of ROWS, so that nothing is owed."""
    for j in range(layout[l, SIZE_IN]):
        places[layout[l, EVENTS] + j] = j
    pay_to_slot(memory, places, layout, numbers, l, layout[l, SIZE_IN], False)


@fast_kernel
def begin_slot(memory, places, layout, numbers, l):
    """Use the oldest slot for the next time step, after its rows were paid: nothing is owed of it then."""
    size, width = layout[l, SIZE_IN], layout[l, WIDTH_OUT]
    slot = (places[layout[l, SLOT]] + 1) % SLOTS
    places[layout[l, SLOT]] = slot
    built = layout[0, BUILT] == 1
    count = list_of_slot(places, layout[l, EVENTS], layout[l, SINCE], size, slot, built)
    pay_to_slot(memory, places, layout, numbers, l, count, True)
    memory[layout[l, FACTORS] + slot] = 1
    clear(memory[layout[l, SUMS] + slot * width : layout[l, SUMS] + (slot + 1) * width])


@fast_kernel
def begin_rows(memory, layout, l):
    """Nothing is owed, whatever the slot."""
    for s in range(SLOTS):
        memory[layout[l, FACTORS] + s] = 1
    clear(memory[layout[l, SUMS] : layout[l, SUMS] + SLOTS * layout[l, WIDTH_OUT]])


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
                result[b, j] = memory[trace + j] * memory[powers + (slot - 1 - places[since + j]) % SLOTS]


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
def keep_state(memory, places, layout):
    """Keep states, traces and slots as they are before a step."""
    state, kept = layout[0, STATE_SIZE], layout[0, KEPT_PLACES]
    copy_to(memory[layout[0, BACKUP] : layout[0, BACKUP] + state], memory[:state])
    copy_to(places[layout[0, KEPT] : layout[0, KEPT] + kept], places[:kept])


@fast_kernel
def undo(memory, places, layout):
    """After TROUBLE: states, traces and slots are those of before the step, but rows that had events were paid."""
    state, kept = layout[0, STATE_SIZE], layout[0, KEPT_PLACES]
    copy_to(memory[:state], memory[layout[0, BACKUP] : layout[0, BACKUP] + state])
    copy_to(places[:kept], places[layout[0, KEPT] : layout[0, KEPT] + kept])
    for l in range(layout.shape[0]):
        if layout[l, KIND] != ROWS:
            continue
        slot, powers = places[layout[l, SLOT]], layout[l, POWERS]
        trace, held, since = layout[l, TRACE], layout[l, HELD], layout[l, SINCE]
        for k in range(places[layout[l, COUNT]]):
            j = places[layout[l, EVENTS] + k]
            mine = places[since + j]
            if mine != slot:
                memory[held + j] = memory[trace + j] * memory[powers + (slot - 1 - mine) % SLOTS]
                memory[trace + j] = memory[held + j] * memory[powers + 1]
                places[since + j] = slot


@fast_kernel
def store_weight(weight, memory, layout, l):
    """W [SIZE_OUT, SIZE_IN] from the layer's memory. Nothing must be owed."""
    flat, first = weight.reshape(weight.size), layout[l, WEIGHT]
    outputs, inputs = weight.shape
    if layout[l, KIND] == WHOLE:
        for i in range(outputs):
            at = first + i * layout[l, WIDTH_IN]
            for j in range(inputs):
                flat[i * inputs + j] = memory[at + j]
    else:
        turn(flat, 0, inputs, memory, first, layout[l, WIDTH_OUT], inputs, outputs, layout[0, BUILT] == 1)


@fast_kernel
def load_weight(memory, layout, l, weight, bias):
    """Take in W and the biases; no number of them is larger in size than what is returned."""
    flat, first = weight.reshape(weight.size), layout[l, WEIGHT]
    outputs, inputs = weight.shape
    if layout[l, KIND] == WHOLE:
        for i in range(outputs):
            at = first + i * layout[l, WIDTH_IN]
            for j in range(inputs):
                memory[at + j] = flat[i * inputs + j]
    else:
        turn(memory, first, layout[l, WIDTH_OUT], flat, 0, inputs, outputs, inputs, layout[0, BUILT] == 1)
    for i in range(outputs):
        memory[layout[l, BIAS] + i] = bias[i]
    return absolute_sum(flat) + absolute_sum(bias)


@fast_kernel
def sum_rows(memory, places, layout, l):
    """The currents of a layer of ROWS: the rows of what is given are paid, and added up."""
    size, width = layout[l, SIZE_IN], layout[l, WIDTH_OUT]
    source, trace, since = layout[l, SOURCE], layout[l, TRACE], layout[l, SINCE]
    events, owed, listed = layout[l, EVENTS], layout[l, OWED], layout[l, LISTED]
    factors, powers = layout[l, FACTORS], layout[l, POWERS]
    slot = places[layout[l, SLOT]]
    built = layout[0, BUILT] == 1
    count = list_events(places, events, memory, source, size, built)
    places[layout[l, COUNT]] = count
    for k in range(count):
        j = places[events + k]
        mine, value, last = places[since + j], memory[source + j], memory[trace + j]
        places[owed + k], places[since + j] = mine, slot
        number = listed + 3 * k
        memory[number], memory[number + 1], memory[number + 2] = memory[factors + mine], last, value
        memory[trace + j] = last * memory[powers + (slot - mine) % SLOTS] + value
    current, bias = layout[l, CURRENT], layout[l, BIAS]
    copy_to(memory[current : current + width], memory[bias : bias + width])
    pay_list(memory, places, layout, l, count, built)


@fast_kernel
def sum_whole(memory, layout, l, samples):
    """The currents of a layer of WHOLE, and its traces: â[t] = λ â[t-1] + s[t]."""
    width_in, width = layout[l, WIDTH_IN], layout[l, WIDTH_OUT]
    decay = memory[layout[l, POWERS] + 1]
    one = memory[layout[l, POWERS]]
    for b in range(samples):
        source, trace = layout[l, SOURCE] + b * width_in, layout[l, TRACE] + b * width_in
        scale_and_add(memory[trace : trace + width_in], decay, one, memory[source : source + width_in])
    size, bias, built = layout[l, SIZE_OUT], layout[l, BIAS], layout[0, BUILT] == 1
    for first in range(0, size, BLOCK):  # so that a block of rows stays in the cache for all samples
        count = min(BLOCK, size - first)
        rows = layout[l, WEIGHT] + first * width_in
        for b in range(samples):
            source, current = layout[l, SOURCE] + b * width_in, layout[l, CURRENT] + b * width + first
            dots(memory, rows, width_in, count, source, current, width_in, built)
    for b in range(samples):
        current = layout[l, CURRENT] + b * width
        add(memory[current : current + width], memory[bias : bias + width])


@fast_kernel
def add(result, values):
    wide_vectors()
    for k in range(result.shape[0]):
        result[k] = result[k] + values[k]


@fast_kernel
def add_and_fire(potential, spikes, left, current, threshold):
    wide_vectors()
    for i in range(potential.shape[0]):
        u = left[i] + current[i]
        potential[i] = u
        spikes[i] = 1 if u >= threshold[i] else 0


@fast_kernel
def integrate(potential, outputs, current, decay):
    wide_vectors()
    for i in range(potential.shape[0]):
        u = decay[i] * potential[i] + current[i]
        potential[i] = u
        outputs[i] = u


@fast_kernel
def advance_neurons(memory, layout, l, samples):
    """Potentials and spikes of a layer; Σ |u|."""
    width = layout[l, WIDTH_OUT]
    decay, threshold = layout[l, DECAY], layout[l, THRESHOLD]
    for b in range(samples):
        at = b * width
        potential, spikes, current = layout[l, POTENTIAL] + at, layout[l, SPIKES] + at, layout[l, CURRENT] + at
        u, s = memory[potential : potential + width], memory[spikes : spikes + width]
        given = memory[current : current + width]
        if layout[l, NEURON] == READOUT:
            integrate(u, s, given, memory[decay : decay + width])
        else:
            left, reset = layout[l, SPIKE_ERROR] + at, layout[l, RESET]
            left_by_reset(
                memory,
                left,
                memory,
                potential,
                memory,
                spikes,
                memory[decay : decay + width],
                memory[threshold : threshold + width],
                memory[layout[l, RESET_POTENTIAL] : layout[l, RESET_POTENTIAL] + width],
                0,
                width,
                reset,
            )
            add_and_fire(u, s, memory[left : left + width], given, memory[threshold : threshold + width])
    every = memory[layout[l, POTENTIAL] : layout[l, POTENTIAL] + samples * width]
    return absolute_sum(every)


@fast_kernel
def multiply(result, values):
    wide_vectors()
    for i in range(result.shape[0]):
        result[i] = result[i] * values[i]


@fast_kernel
def gate(memory, layout, l, samples):
    """g = ψ(u - V_th) ∘ e; Σ |g|."""
    width = layout[l, WIDTH_OUT]
    numbers = memory[layout[l, SURROGATE_NUMBERS] : layout[l, SURROGATE_NUMBERS] + 4]
    for b in range(samples):
        error, potential = layout[l, ERROR] + b * width, layout[l, POTENTIAL] + b * width
        spike_error = layout[l, SPIKE_ERROR] + b * width
        threshold = layout[l, THRESHOLD]
        derivatives(memory, error, memory, potential, memory, threshold, width, layout[l, SURROGATE], numbers)
        multiply(memory[error : error + width], memory[spike_error : spike_error + width])
    return absolute_sum(memory[layout[l, ERROR] : layout[l, ERROR] + samples * width])


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
    loss = layout[0, SCRATCH] + LOSS
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
            y = 0.0
            if rows.shape[0] > 0:
                y = np.float64(rows[b, c])
            elif labels[b] == c:
                y = 1.0
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


@fast_kernel
def price_spikes(memory, layout, numbers, l, samples):
    """Add what a firing rate costs to the spike errors of a layer: price s, or squared price (s - wanted)²; its sum.

    Both are divided by the number of neurons; the errors, not the sum, by T B as well.
    """
    size, width = layout[l, SIZE_OUT], layout[l, WIDTH_OUT]
    price, squared, wanted = numbers[PRICE] / size, numbers[SQUARED_PRICE] / size, numbers[WANTED_RATE]
    total = 0.0
    for b in range(samples):
        spikes, errors = layout[l, SPIKES] + b * width, layout[l, SPIKE_ERROR] + b * width
        for i in range(size):
            s = np.float64(memory[spikes + i])
            total += price * s + squared * (s - wanted) * (s - wanted)
            memory[errors + i] += (price + 2.0 * squared * (s - wanted)) / numbers[SCALE]
    return total


@fast_kernel
def dots(memory, rows, stride, count, other, result, width, built):
    """The scalar products of rows with another vector."""
    groups = width // (GROUP * (BYTES // memory.itemsize))
    if not built or groups * GROUP * (BYTES // memory.itemsize) != width:
        for j in range(count):
            row = rows + j * stride
            memory[result + j] = dot(memory[row : row + width], memory[other : other + width])
        return
    whole = count // 4 * 4
    for j in range(0, whole, 4):
        dot_rows(memory, rows + j * stride, stride, other, result + j, groups, 4)
    for j in range(whole, count):
        dot_rows(memory, rows + j * stride, stride, other, result + j, groups, 1)


@fast_kernel
def error_by_rows(memory, places, layout, l):
    """e of the layer below, W^T g, with what the rows are owed: ρ^k W_j · g + â_j S · g."""
    size, width, error = layout[l, SIZE_IN], layout[l, WIDTH_OUT], layout[l, ERROR]
    factors, products, trace, since = layout[l, FACTORS], layout[l, DOTS], layout[l, TRACE], layout[l, SINCE]
    below, built = layout[l - 1, SPIKE_ERROR], layout[0, BUILT] == 1
    dots(memory, layout[l, SUMS], width, SLOTS, error, products, width, built)
    dots(memory, layout[l, WEIGHT], width, size, error, below, width, built)
    add_owed(
        memory[below : below + size],
        memory[factors : factors + SLOTS],
        memory[trace : trace + size],
        memory[products : products + SLOTS],
        places[since : since + size],
    )


@fast_kernel
def add_owed(errors, factors, traces, products, since):
    """ρ^k (W_j · g) + â_j (S · g), of the slot of each row."""
    wide_vectors()
    for j in range(errors.shape[0]):
        mine = np.uint32(since[j])  # no index is below 0, which would be asked in the loop
        errors[j] = factors[mine] * errors[j] + traces[j] * products[mine]


@fast_kernel
def error_by_whole(memory, layout, l, samples):
    """e of the layer below, W^T g."""
    width_in, width = layout[l, WIDTH_IN], layout[l, WIDTH_OUT]
    for b in range(samples):
        first = layout[l - 1, SPIKE_ERROR] + b * width_in
        clear(memory[first : first + width_in])
    size = layout[l, SIZE_OUT]
    for first in range(0, size, BLOCK):
        count = min(BLOCK, size - first)
        rows = layout[l, WEIGHT] + first * width_in
        for b in range(samples):
            below, error = layout[l - 1, SPIKE_ERROR] + b * width_in, layout[l, ERROR] + b * width + first
            add_rows(memory, below, rows, width_in, width_in, error, 1, memory[layout[l, POWERS]], count)


@fast_kernel
def add_rows(memory, result, rows, stride, width, factors, factor_stride, scale, count):
    """A vector, plus the sum of rows, each times a factor of its own and one of all."""
    whole, total = count // 4 * 4, memory[result : result + width]
    for k in range(0, whole, 4):
        row, factor = rows + k * stride, factors + k * factor_stride
        add_four(
            total,
            scale * memory[factor],
            memory[row : row + width],
            scale * memory[factor + factor_stride],
            memory[row + stride : row + stride + width],
            scale * memory[factor + 2 * factor_stride],
            memory[row + 2 * stride : row + 2 * stride + width],
            scale * memory[factor + 3 * factor_stride],
            memory[row + 3 * stride : row + 3 * stride + width],
        )
    for k in range(whole, count):
        row = rows + k * stride
        add_multiple(total, scale * memory[factors + k * factor_stride], memory[row : row + width])


@fast_kernel(fastmath=FAST)
def add_four(result, one, first, two, second, three, third, four, fourth):
    wide_vectors()
    for k in range(result.shape[0]):
        result[k] += (one * first[k] + two * second[k]) + (three * third[k] + four * fourth[k])


@fast_kernel
def update_rows(memory, places, layout, numbers, l, keep_at, rate):
    """What is owed grows by one time step: S[s] ← ρ S[s] - η λ^(t-s) g."""
    width, sums, error = layout[l, WIDTH_OUT], layout[l, SUMS], layout[l, ERROR]
    factors, powers, scales = layout[l, FACTORS], layout[l, POWERS], layout[l, DOTS]
    slot, keep = places[layout[l, SLOT]], memory[keep_at]
    for s in range(SLOTS):
        power = memory[powers + (slot - s) % SLOTS]
        if power < numbers[TINY]:
            power = power - power
        memory[scales + s] = -(rate * power)
        memory[factors + s] = memory[factors + s] * keep
    if layout[0, BUILT] == 0:
        for s in range(SLOTS):
            row = memory[sums + s * width : sums + (s + 1) * width]
            scale_and_add(row, keep, memory[scales + s], memory[error : error + width])
        return
    lanes, at = BYTES // memory.itemsize, 0
    while width - at >= 16 * lanes:
        owe_rows(memory, sums + at, width, scales, keep_at, error + at, SLOTS, 16)
        at += 16 * lanes
    while at < width:
        owe_rows(memory, sums + at, width, scales, keep_at, error + at, SLOTS, 4)
        at += 4 * lanes


@fast_kernel
def update_whole(memory, layout, l, samples, keep, rate):
    """W ← ρ W - η Σ_b g_b â_b^T."""
    width_in, width = layout[l, WIDTH_IN], layout[l, WIDTH_OUT]
    size = layout[l, SIZE_OUT]
    for i in range(size):
        row = layout[l, WEIGHT] + i * width_in
        if keep != 1:
            scale(memory[row : row + width_in], keep)
    for first in range(0, samples, 4):
        count, traces = min(4, samples - first), layout[l, TRACE] + first * width_in
        for i in range(size):
            row, errors = layout[l, WEIGHT] + i * width_in, layout[l, ERROR] + first * width + i
            add_rows(memory, row, traces, width_in, width_in, errors, width, -rate, count)


@fast_kernel
def scale(result, factor):
    wide_vectors()
    for k in range(result.shape[0]):
        result[k] = factor * result[k]


@fast_kernel
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
def forward(memory, places, layout, numbers, inputs):
    """Take in inputs [B, SIZE_IN]: up to the outputs. DONE, REFUSED or TROUBLE."""
    samples, width = inputs.shape[0], layout[0, WIDTH_IN]
    given = absolute_sum(inputs.reshape(inputs.size))
    if not given < numbers[LIMIT]:
        return REFUSED
    for b in range(samples):
        first = layout[0, SOURCE] + b * width
        copy_to(memory[first : first + inputs.shape[1]], inputs[b])
    for l in range(layout.shape[0]):
        places[layout[l, COUNT]] = 0
    for l in range(layout.shape[0]):
        if layout[l, KIND] == ROWS:
            sum_rows(memory, places, layout, l)
        else:
            sum_whole(memory, layout, l, samples)
        constant = layout[l, BIAS_TRACE]
        memory[constant] = memory[layout[l, BIAS_DECAY]] * memory[constant] + memory[layout[l, POWERS]]
        peak = NUMBERS + BOUNDS * l + PEAK
        entered = given if l == 0 else 1.0
        numbers[peak] = max(memory[layout[l, POWERS] + 1] * numbers[peak] + entered, np.float64(memory[constant]))
        total = advance_neurons(memory, layout, l, samples)
        if not (total < numbers[LIMIT] and numbers[peak] < numbers[LIMIT]):
            return TROUBLE
    return DONE


@fast_kernel
def velocities(memory, layout, l, samples):
    """v ← μ v + g + wd w and w ← w - η v, of the weights and the biases of a layer."""
    width_in, width, scratch = layout[l, WIDTH_IN], layout[l, WIDTH_OUT], layout[0, SCRATCH]
    momentum, weight_decay = memory[scratch + MOMENTUM_TYPED], memory[scratch + WEIGHT_DECAY_TYPED]
    rate, one = memory[scratch + RATE_TYPED], memory[layout[l, POWERS]]
    of_bias = layout[l, VELOCITY] + layout[l, SIZE_OUT] * width_in
    for i in range(layout[l, SIZE_OUT]):
        row, velocity = layout[l, WEIGHT] + i * width_in, layout[l, VELOCITY] + i * width_in
        weights, speeds = memory[row : row + width_in], memory[velocity : velocity + width_in]
        scale_and_add(speeds, momentum, weight_decay, weights)
        errors = layout[l, ERROR] + i
        add_rows(memory, velocity, layout[l, TRACE], width_in, width_in, errors, width, one, samples)
        add_multiple(weights, -rate, speeds)
    if layout[l, BIAS_LEARNED] == 1:
        bias, constant = layout[l, BIAS], memory[layout[l, BIAS_TRACE]]
        scale_and_add(memory[of_bias : of_bias + width], momentum, weight_decay, memory[bias : bias + width])
        for b in range(samples):
            error = layout[l, ERROR] + b * width
            add_multiple(memory[of_bias : of_bias + width], constant, memory[error : error + width])
        add_multiple(memory[bias : bias + width], -rate, memory[of_bias : of_bias + width])


@fast_kernel
def reached(numbers, bounds, total):
    """What weights and velocities of a layer do not exceed after an update with errors of the sum of sizes `total`."""
    rate, weight_decay, reach = numbers[RATE], numbers[WEIGHT_DECAY], numbers[bounds + REACH]
    gradient = total * numbers[bounds + PEAK] + numbers[MOMENTUM] * numbers[bounds + SPEED]
    return abs(1.0 - rate * weight_decay) * reach + rate * gradient, gradient + weight_decay * reach


@fast_kernel
def backward(memory, places, layout, numbers, samples):
    """Errors and updates, from the spike error of the last layer on. DONE or TROUBLE."""
    limit, priced, cost = numbers[LIMIT], numbers[PRICE] != 0.0 or numbers[SQUARED_PRICE] != 0.0, 0.0
    for l in range(layout.shape[0] - 1, -1, -1):
        bounds = NUMBERS + BOUNDS * l
        if priced and layout[l, NEURON] != READOUT:
            cost += price_spikes(memory, layout, numbers, l, samples)
        total = gate(memory, layout, l, samples)
        reach, speed = reached(numbers, bounds, total)
        if not (total < limit and speed < limit and reach < limit and numbers[bounds + REACH] * total < limit):
            return TROUBLE
        if l > 0:
            if layout[l, KIND] == ROWS:
                error_by_rows(memory, places, layout, l)
            else:
                error_by_whole(memory, layout, l, samples)
    scratch = layout[0, SCRATCH]
    memory[scratch + LOSS] += cost / numbers[SCALE]
    memory[scratch + RATE_TYPED], memory[scratch + MOMENTUM_TYPED] = numbers[RATE], numbers[MOMENTUM]
    memory[scratch + WEIGHT_DECAY_TYPED] = numbers[WEIGHT_DECAY]
    memory[scratch + KEEP_TYPED] = 1.0 - numbers[RATE] * numbers[WEIGHT_DECAY]
    rate, keep = memory[scratch + RATE_TYPED], memory[scratch + KEEP_TYPED]
    for l in range(layout.shape[0]):
        bounds = NUMBERS + BOUNDS * l
        total = absolute_sum(memory[layout[l, ERROR] : layout[l, ERROR] + samples * layout[l, WIDTH_OUT]])
        numbers[bounds + REACH], numbers[bounds + SPEED] = reached(numbers, bounds, total)
        if layout[0, HAS_VELOCITY] == 1:
            velocities(memory, layout, l, samples)
            continue
        if layout[l, KIND] == ROWS:
            update_rows(memory, places, layout, numbers, l, scratch + KEEP_TYPED, rate)
        else:
            update_whole(memory, layout, l, samples, keep, rate)
        if layout[l, BIAS_LEARNED] == 1:
            update_bias(memory, layout, l, samples, keep, rate)
    return DONE


@fast_kernel
def step(memory, places, layout, numbers, inputs, labels, rows, weights, stage):
    """One time step, or a part of it: FUSED, FORWARD, BACKWARD. DONE, REFUSED or TROUBLE."""
    samples = inputs.shape[0]
    if stage == FUSED:
        for b in range(labels.shape[0]):
            if labels[b] < 0 or labels[b] >= layout[layout.shape[0] - 1, SIZE_OUT]:
                return REFUSED
    if stage != BACKWARD:
        memory[layout[0, SCRATCH] + LOSS] = 0
        keep_state(memory, places, layout)
        code = forward(memory, places, layout, numbers, inputs)
        if code != DONE:
            return code
    if stage == FUSED:
        total = losses(memory, layout, numbers, samples, labels, rows, weights)
        if not total < numbers[LIMIT]:
            return TROUBLE
    if stage != FORWARD:
        code = backward(memory, places, layout, numbers, samples)
        if code != DONE:
            return code
        end_step(memory, places, layout, numbers)
    return DONE


@fast_kernel
def end_step(memory, places, layout, numbers):
    """Go on to the next slot of each layer of ROWS."""
    for l in range(layout.shape[0]):
        if layout[l, KIND] == ROWS:
            begin_slot(memory, places, layout, numbers, l)
