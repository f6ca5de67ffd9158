"""A window of time steps of one sample through all layers of a convolutional network, forwards and back.

All that a sample needs lies in the second-level cache from the first layer to the last gradient, and the threads, which
have a sample each, need not wait for each other.

Images lie flat, and in phases. What is pooled on its way to the last convolution, by s in all, is cut into s phases in
each direction, of every s-th row and column: then all layers have planes of the size that the last convolution sees,
and to pool is to add planes. Of channel c, phase f, time step t, row y and column x the number is at

    (c · phases + f) · channel + t · plane + y · pitch + x

from the start of an array, and every step of the work is a loop over the time steps and pixels of a channel and phase.
Between rows and planes are zeros, as many as windows reach over an edge: `masks` are 0 there, and elsewhere the factor
that what enters is multiplied by.

`table` has a row of whole numbers for each convolution, in the columns below; `numbers` a row of floats. In `work` lie
the arrays of one sample, in `state` what it carries to the next window: the potentials of each layer and the trace of
what enters it, each in the layout of what it comes from.
"""

from __future__ import annotations

import math

import numpy as np

from .compiling import fast_kernel
from .events import turn
from .images import CHANNELS, DEPTH, PIXELS, _dots, _multiply
from .surrogates import derivatives
from .tiles import plain_dots, plain_tile, tile_8, tile_8x1, tile_8x2
from .vector_loops import BYTES, wide_vectors

# Columns of `table`: channels in and out, phases, of those that one pixel pools, and places of the window
(CHANNELS_IN, CHANNELS_OUT, PHASES, POOLED, PLACES) = range(5)
(GIVEN, POTENTIAL, ERROR) = range(5, 8)  # where in `work`: what enters, the potentials, the error of what enters
(STATE, TRACE) = range(8, 10)  # where in `state`; -1 for no trace
(OFFSETS, BACK_OFFSETS, WEIGHT, BIAS, SOURCES, MASK) = range(10, 16)  # where in the arrays of these names
(GRADIENT, BIAS_GRADIENT, SIDE_BY_SIDE, COLUMNS) = range(16, 20)  # where in `sums`, and how ∇W is laid out there
(RESET, SURROGATE, HAS_BIAS) = range(20, 23)
TABLE_COLUMNS = 23
# Columns of `numbers`; the last four are the surrogate's
(DECAY, THRESHOLD, RESET_POTENTIAL, TRACE_DECAY, SURROGATE_NUMBERS) = range(5)
NUMBER_COLUMNS = 8
# What all layers share, and the readout
(PLANE, PITCH, CHANNEL, INPUTS) = range(4)  # INPUTS: numbers of one sample and time step
(READ_CHANNELS, READ_POOL_HEIGHT, READ_POOL_WIDTH, READ_PIXELS, READ_OUTPUTS) = range(4, 9)
(READ_GIVEN, READ_ERROR, READ_STATE, READ_TRACE, READ_GRADIENT, READ_BIAS_GRADIENT, READ_MASK) = range(9, 16)
(LINE, OTHER_LINE, SPREAD, TURNED) = range(16, 20)  # where in `work`: scratch
SHARED_COLUMNS = 20
(READ_DECAY, READ_SCALE, READ_TRACE_DECAY, INPUT_SCALE, CROSS_ENTROPY, SQUARED_ERROR, DIVISOR) = range(7)

SOFT, HARD, UNLEAKED = range(3)

# Numba compiles a function anew for a number or truth value that is written out in a call: none is, below.


@fast_kernel(fastmath={"contract"})
def fire_in_place(work, first, state, before, threshold, decay, reset_potential, reset, plane, steps, rest):
    """u[t] = I[t] + what the reset leaves of u[t-1], of one channel and phase; state[before] has u before the window.

    work  the currents, from `first` on
    """
    wide_vectors()
    for t in range(steps):
        now = work[first + t * plane : first + (t + 1) * plane]
        if t > 0:
            last = work[first + (t - 1) * plane : first + t * plane]
        elif rest:
            continue
        else:
            last = state[before : before + plane]
        if reset == SOFT:
            for x in range(plane):
                left = last[x] - threshold if last[x] >= threshold else last[x]
                now[x] += decay * left
        elif reset == UNLEAKED:
            for x in range(plane):
                left = decay * last[x]
                now[x] += left - threshold if last[x] >= threshold else left
        else:
            for x in range(plane):
                left = reset_potential if last[x] >= threshold else last[x]
                now[x] += decay * left


@fast_kernel
def not_finite(values, first, count):
    """How many numbers are NaN or infinite."""
    wide_vectors()
    numbers, infinity = values[first : first + count], values.dtype.type(np.inf)
    found = 0
    for x in range(count):
        found += 0 if abs(numbers[x]) < infinity else 1
    return found


@fast_kernel(fastmath={"contract"})
def add_spikes(work, target, potential, threshold, count, fresh):
    """Add 1 where a potential reaches the threshold, and 0 elsewhere; `fresh` writes over what is there."""
    wide_vectors()
    total, u = work[target : target + count], work[potential : potential + count]
    one, zero = work.dtype.type(1), work.dtype.type(0)
    if fresh:
        for x in range(count):
            total[x] = one if u[x] >= threshold else zero
    else:
        for x in range(count):
            total[x] += one if u[x] >= threshold else zero


@fast_kernel(fastmath={"contract"})
def add_to(work, target, values, first, count, factor):
    wide_vectors()
    total, given = work[target : target + count], values[first : first + count]
    for x in range(count):
        total[x] += factor * given[x]


@fast_kernel(fastmath={"contract"})
def add_products(work, target, values, first, apart, factors, factor, factors_apart, terms, count):
    """total[x] += Σ_k factors[k] values[k, x], four k at a time; `apart` says how far apart two k are."""
    wide_vectors()
    total = work[target : target + count]
    for k in range(0, terms - 3, 4):
        at = first + k * apart
        a, b = values[at : at + count], values[at + apart : at + apart + count]
        c, d = values[at + 2 * apart : at + 2 * apart + count], values[at + 3 * apart : at + 3 * apart + count]
        f, step = factor + k * factors_apart, factors_apart
        of_a, of_b, of_c, of_d = factors[f], factors[f + step], factors[f + 2 * step], factors[f + 3 * step]
        for x in range(count):
            total[x] += of_a * a[x] + of_b * b[x] + of_c * c[x] + of_d * d[x]
    for k in range(terms // 4 * 4, terms):
        add_to(work, target, values, first + k * apart, count, factors[factor + k * factors_apart])


@fast_kernel(fastmath={"contract"})
def fill(work, target, count, number):
    wide_vectors()
    total = work[target : target + count]
    for x in range(count):
        total[x] = number


@fast_kernel(fastmath={"contract"})
def copy(target, start, source, first, count):
    wide_vectors()
    result, given = target[start : start + count], source[first : first + count]
    for x in range(count):
        result[x] = given[x]


@fast_kernel(fastmath={"contract"})
def multiply(work, target, masks, mask, plane, steps):
    """Each plane times the mask."""
    wide_vectors()
    factor = masks[mask : mask + plane]
    for t in range(steps):
        given = work[target + t * plane : target + (t + 1) * plane]
        for x in range(plane):
            given[x] *= factor[x]


@fast_kernel(fastmath={"contract"})
def gate(work, psi, error, masks, mask, plane, steps):
    """ψ becomes ψ ∘ ε, ε the error times the mask."""
    wide_vectors()
    factor = masks[mask : mask + plane]
    for t in range(steps):
        own = work[psi + t * plane : psi + (t + 1) * plane]
        given = work[error + t * plane : error + (t + 1) * plane]
        for x in range(plane):
            own[x] *= factor[x] * given[x]


@fast_kernel(fastmath={"contract", "reassoc", "nsz"})
def sum_of(values, first, count):
    wide_vectors()
    numbers = values[first : first + count]
    total = values.dtype.type(0)
    for x in range(count):
        total += numbers[x]
    return total


@fast_kernel(fastmath={"contract"})
def reverse_trace(work, first, plane, steps, decay):
    """h[t] = g[t] + λ h[t+1], of one channel and phase, in place."""
    wide_vectors()
    for k in range(1, steps):
        t = steps - 1 - k
        now = work[first + t * plane : first + (t + 1) * plane]
        later = work[first + (t + 1) * plane : first + (t + 2) * plane]
        for x in range(plane):
            now[x] += decay * later[x]


@fast_kernel(fastmath={"contract"})
def trace_spikes(state, trace, work, potential, plane, steps, threshold, decay, rest):
    """â of one channel and phase after a window, in place."""
    wide_vectors()
    a = state[trace : trace + plane]
    one, zero = work.dtype.type(1), work.dtype.type(0)
    for t in range(steps):
        u = work[potential + t * plane : potential + (t + 1) * plane]
        if rest and t == 0:
            for x in range(plane):
                a[x] = one if u[x] >= threshold else zero
        else:
            for x in range(plane):
                a[x] = decay * a[x] + (one if u[x] >= threshold else zero)


@fast_kernel
def convolve_run(work, result, result_row, rows, length, weights, weight, depth, given, offsets, first, tile, built):
    """result[i, x] += Σ_k W[i, k] given[offsets[k] + x], for all rows i and a run of x."""
    for x in range(0, length, tile):
        for k in range(0, depth, DEPTH):
            deep = min(DEPTH, depth - k)
            _multiply(
                built, rows, tile, work, result + x, result_row, weights, weight + k, depth, work, given + x, offsets,
                first + k, deep,
            )  # fmt: skip


@fast_kernel
def add_weight_gradient(sums, work, of, channel, turned, offsets, pixels, at_pixels, length, vector, built):
    """∇W += Σ_f Σ_x h[o, f, x] p[offsets[f, k] + x]; `of` is the convolution's row of the table.

    Where 8 channels or more come in, the channels that go out lie side by side: [C, places, columns], so many columns
    that whole vectors are written; else the gradient is [O, C · places].

    pixels  from at_pixels on, where the pixels of `turned` begin
    """
    outputs, inputs, places, phases = of[CHANNELS_OUT], of[CHANNELS_IN], of[PLACES], of[PHASES]
    place, given, row_step = of[GRADIENT], of[GIVEN], of[PHASES] * channel
    depth = inputs * places
    for f in range(phases):
        first, error = of[OFFSETS] + f * depth, of[POTENTIAL] + f * channel
        if not of[SIDE_BY_SIDE]:
            for x in range(0, length, 1024):
                span = (min(1024, length - x) + vector - 1) // vector * vector
                if not built:
                    plain_dots(
                        outputs, depth, sums, place, depth, work, error + x, row_step, work, given + x, offsets, first,
                        span,
                    )  # fmt: skip
                    continue
                k = 0
                while k < depth:
                    three = k + 3 <= depth
                    _dots(
                        three, outputs, sums, place + k, depth, work, error + x, row_step, work, given + x, offsets,
                        first + k, span // vector,
                    )  # fmt: skip
                    k += 3 if three else 1
            continue
        columns = of[COLUMNS]
        turn(work, turned, columns, work, error, row_step, outputs, length, built)
        lanes = BYTES // work.itemsize
        row = places * columns
        for x in range(0, length, PIXELS):
            deep = min(PIXELS, length - x)
            for c in range(0, inputs, CHANNELS):
                begin = min(c, inputs - CHANNELS)
                for k in range(places):
                    at = place + c * row + k * columns
                    left = given + offsets[first + begin * places + k] + x
                    done = 0
                    while done < columns:
                        vectors = (columns - done) // lanes
                        right = turned + x * columns + done
                        if not built:
                            plain_tile(
                                CHANNELS, lanes, sums, at + done, row, work, left, row_step, work, right, pixels,
                                at_pixels, deep,
                            )  # fmt: skip
                            done += lanes
                        elif vectors == 1:
                            tile_8x1(sums, at + done, row, work, left, row_step, work, right, pixels, at_pixels, deep)
                            done += lanes
                        elif vectors == 2 or vectors == 4:
                            tile_8x2(sums, at + done, row, work, left, row_step, work, right, pixels, at_pixels, deep)
                            done += 2 * lanes
                        else:
                            tile_8(sums, at + done, row, work, left, row_step, work, right, pixels, at_pixels, deep)
                            done += 3 * lanes


@fast_kernel(fastmath={"contract", "reassoc", "nsz"})
def dot(one, first, other, second, count):
    wide_vectors()
    a, b = one[first : first + count], other[second : second + count]
    total = one.dtype.type(0)
    for x in range(count):
        total += a[x] * b[x]
    return total


@fast_kernel
def enter(work, state, inputs, table, numbers, shared, shared_numbers, sources, masks, l, b, first, steps, old):
    """What enters convolution l: inputs or spikes, pooled and scaled. With `old` λ times the trace, for the first step.

    The trace of before the window is added to what entered at its first time step.
    """
    of = table[l]
    plane, channel, given = shared[PLANE], shared[CHANNEL], of[GIVEN]
    decay = numbers[l, TRACE_DECAY]
    if l == 0:
        # several inputs are added up where they are pooled
        count, scale = shared[INPUTS], shared_numbers[INPUT_SCALE]
        for t in range(1 if old else steps):
            if not old:
                for i in range(count):
                    if sources[of[SOURCES] + i] >= 0:
                        work[given + t * plane + sources[of[SOURCES] + i]] = 0
            for i in range(count):
                if sources[of[SOURCES] + i] >= 0:
                    number = decay * state[of[TRACE] + i] if old else inputs[first + t, b, i]
                    work[given + t * plane + sources[of[SOURCES] + i]] += scale * number
        return
    sender = table[l - 1]
    threshold, phases, line = numbers[l - 1, THRESHOLD], of[PHASES], shared[LINE]
    for c in range(of[CHANNELS_IN]):
        for f in range(phases):
            target = given + (c * phases + f) * channel
            for k in range(of[POOLED]):
                sent = sources[of[SOURCES] + f * of[POOLED] + k]
                if old:
                    place = of[TRACE] + (c * sender[PHASES] + sent) * plane
                    if k == 0:
                        fill(work, line, plane, work.dtype.type(0))
                    add_to(work, line, state, place, plane, decay)
                else:
                    place = sender[POTENTIAL] + (c * sender[PHASES] + sent) * channel
                    add_spikes(work, target, place, threshold, steps * plane, k == 0)
            if old:
                multiply(work, line, masks, of[MASK] + f * plane, plane, min(steps, 1))
                add_to(work, target, work, line, plane, work.dtype.type(1))
            else:
                multiply(work, target, masks, of[MASK] + f * plane, plane, steps)


@fast_kernel
def enter_readout(work, state, table, numbers, shared, shared_numbers, sources, read_sources, steps, old):
    """What enters the readout, [T, C · pixels]: spikes, pooled and scaled; with `old` λ times the trace is added."""
    sender = table[len(table) - 1]
    plane, pitch, channel, pixels = shared[PLANE], shared[PITCH], shared[CHANNEL], shared[READ_PIXELS]
    threshold, line, other = numbers[len(table) - 1, THRESHOLD], shared[LINE], shared[OTHER_LINE]
    length = (1 if old else steps) * plane
    size = sender[CHANNELS_OUT] * pixels
    scale = shared_numbers[READ_SCALE]
    if old:
        scale *= shared_numbers[READ_TRACE_DECAY]
    for c in range(sender[CHANNELS_OUT]):
        potential = sender[POTENTIAL] + c * channel
        if old:
            copy(work, line, state, shared[READ_TRACE] + c * plane, plane)
        else:
            add_spikes(work, line, potential, threshold, length, length > 0)
        # Σ over the rows of a window, then over its columns; beyond the last window nothing is read
        sum_shifted(work, other, line, length, pitch, shared[READ_POOL_HEIGHT])
        sum_shifted(work, line, other, length, pitch // pitch, shared[READ_POOL_WIDTH])
        for t in range(1 if old else steps):
            at = shared[READ_GIVEN] + t * size + c * pixels
            pick(work, at, line + t * plane, read_sources, scale, old)


@fast_kernel(fastmath={"contract"})
def sum_shifted(work, target, source, count, step, times):
    """Σ_k source[x + k step], of `times` k."""
    wide_vectors()
    if times == 1:
        copy(work, target, work, source, count)
        return
    result, one, other = work[target : target + count], work[source : source + count], work[source + step :]
    for x in range(count - step):
        result[x] = one[x] + other[x]
    for k in range(2, times):
        add_to(work, target, work, source + k * step, count - k * step, work.dtype.type(1))


@fast_kernel
def pick(work, target, source, places, scale, add):
    """The numbers at some places, times `scale`, side by side."""
    result, given = work[target : target + len(places)], work[source:]
    if add:
        for i in range(len(places)):
            result[i] += scale * given[places[i]]
    else:
        for i in range(len(places)):
            result[i] = scale * given[places[i]]


@fast_kernel
def leave_readout(work, shared, shared_numbers, read_sources, c, size, steps):
    """The error of the last spikes of channel c, in a scratch line, from that of what enters the readout."""
    plane, pitch, pixels, line, other = (
        shared[PLANE],
        shared[PITCH],
        shared[READ_PIXELS],
        shared[LINE],
        shared[OTHER_LINE],
    )
    length, scale = steps * plane, shared_numbers[READ_SCALE]
    fill(work, other, length, work.dtype.type(0))
    for t in range(steps):
        first = shared[READ_ERROR] + t * size + c * pixels
        given, target = work[first : first + pixels], work[other + t * plane :]
        for i in range(pixels):
            target[read_sources[i]] = scale * given[i]
    if shared[READ_POOL_WIDTH] * shared[READ_POOL_HEIGHT] == 1:
        return other
    spread_shifted(work, line, other, length, pitch // pitch, shared[READ_POOL_WIDTH])
    spread_shifted(work, other, line, length, pitch, shared[READ_POOL_HEIGHT])
    return other


@fast_kernel
def spread_shifted(work, target, source, count, step, times):
    """Each number `times` times, `step` apart."""
    copy(work, target, work, source, count)
    for k in range(1, times):
        add_to(work, target + k * step, work, source, count - k * step, work.dtype.type(1))


@fast_kernel
def read_out(
    outputs, errors, work, state, weight, bias, targets, weights, shared, shared_numbers, size, b, first, steps, rest
):
    """o[t] = λ o[t-1] + W x[t] + b, ∂L[t]/∂o[t], and L summed over the window, all of sample b."""
    classes, at, values = shared[READ_OUTPUTS], shared[READ_STATE], shared[READ_GIVEN]
    decay, cross, squared = shared_numbers[READ_DECAY], shared_numbers[CROSS_ENTROPY], shared_numbers[SQUARED_ERROR]
    total = 0.0
    for t in range(steps):
        for i in range(classes):
            found = dot(weight, i * size, work, values + t * size, size) + bias[i]
            if t > 0:
                found += decay * outputs[first + t - 1, b, i]
            elif not rest:
                found += decay * state[at + i]
            outputs[first + t, b, i] = found
        largest = -np.inf
        for i in range(classes):
            largest = max(largest, np.float64(outputs[first + t, b, i]))
        normaliser = 0.0
        for i in range(classes):
            normaliser += math.exp(np.float64(outputs[first + t, b, i]) - largest)
        share = np.float64(weights[first + t, b]) / shared_numbers[DIVISOR]
        row = targets[min(first + t, len(targets) - 1), b]
        value = 0.0
        for i in range(classes):
            shifted = np.float64(outputs[first + t, b, i]) - largest
            wanted = np.float64(row[i])
            difference = np.float64(outputs[first + t, b, i]) - wanted
            value += squared * difference * difference / classes - cross * wanted * (shifted - math.log(normaliser))
            slope = cross * (math.exp(shifted) / normaliser - wanted) + squared * 2 * difference / classes
            errors[t, i] = share * slope
        total += share * value
    for i in range(classes):
        state[at + i] = outputs[first + steps - 1, b, i]
    return total


@fast_kernel
def follow(work, state, inputs, table, numbers, shared, l, trace, decay, b, first, steps, rest):
    """The traces of what enters convolution l, or the readout, after the window."""
    if l == 0:
        for t in range(steps):
            given = inputs[first + t, b]
            if t == 0 and rest:
                copy(state, trace, given, t, shared[INPUTS])
            else:
                for i in range(shared[INPUTS]):
                    state[trace + i] = decay * state[trace + i] + given[i]
        return
    sender = table[l - 1]
    for c in range(sender[CHANNELS_OUT] * sender[PHASES]):
        trace_spikes(
            state, trace + c * shared[PLANE], work, sender[POTENTIAL] + c * shared[CHANNEL], shared[PLANE], steps,
            numbers[l - 1, THRESHOLD], decay, rest,
        )  # fmt: skip


@fast_kernel
def back_through_readout(
    sums, work, state, errors, inputs, table, numbers, shared, shared_numbers, sources, read_sources, weight,
    bias_traces, b, first, steps, rest,
):  # fmt: skip
    """The readout's gradients, and the error of what enters it."""
    layers, classes = len(table), shared[READ_OUTPUTS]
    size, given, back = table[layers - 1, CHANNELS_OUT] * shared[READ_PIXELS], shared[READ_GIVEN], shared[READ_ERROR]
    decay, trace = shared_numbers[READ_TRACE_DECAY], shared[READ_TRACE]
    of_errors = errors.reshape(-1)
    for t in range(steps):
        fill(work, back + t * size, size, work.dtype.type(0))
        add_products(
            work, back + t * size, weight, size - size, size, of_errors, t * classes, steps // steps, classes, size
        )
        for i in range(classes):
            sums[shared[READ_BIAS_GRADIENT] + i] += errors[t, i] * bias_traces[layers, first + t]
    for k in range(1, steps):
        for i in range(classes):
            errors[steps - 1 - k, i] += decay * errors[steps - k, i]
    if not rest and trace >= 0:
        enter_readout(work, state, table, numbers, shared, shared_numbers, sources, read_sources, steps, steps > 0)
    for i in range(classes):
        add_products(sums, shared[READ_GRADIENT] + i * size, work, given, size, of_errors, i, classes, steps, size)
    if trace >= 0:
        follow(work, state, inputs, table, numbers, shared, layers, trace, decay, b, first, steps, rest)


@fast_kernel
def back_through_layer(
    sums, work, state, inputs, table, numbers, shared, shared_numbers, offsets, sources, read_sources, masks,
    back_weights, bias_traces, pixels, tile, vector, l, b, first, steps, rest, built,
):  # fmt: skip
    """A convolution's gradients, and the error of what enters it."""
    of, number, plane, channel = table[l], numbers[l], shared[PLANE], shared[CHANNEL]
    phases, length, spread, line = of[PHASES], steps * plane, shared[SPREAD], shared[LINE]
    last = l == len(table) - 1
    fill(work, spread, length, number[THRESHOLD])
    for o in range(of[CHANNELS_OUT]):
        error = 0
        for f in range(phases):
            place = of[POTENTIAL] + (o * phases + f) * channel
            copy(work, line, work, place, length)
            derivatives(work, place, work, line, work, spread, length, of[SURROGATE], number[SURROGATE_NUMBERS:])
            if last:
                size = of[CHANNELS_OUT] * shared[READ_PIXELS]
                error = leave_readout(work, shared, shared_numbers, read_sources, o, size, steps)
                gate(work, place, error, masks, shared[READ_MASK], plane, steps)
            else:
                above = table[l + 1]
                s = sources[above[SOURCES] + phases + f]  # the phase that f is pooled into
                error = above[ERROR] + (o * above[PHASES] + s) * channel
                gate(work, place, error, masks, above[MASK] + s * plane, plane, steps)
            if of[HAS_BIAS]:
                for t in range(steps):
                    total = sum_of(work, place + t * plane, plane)
                    sums[of[BIAS_GRADIENT] + o] += total * bias_traces[l, first + t]
            fill(work, place + length, channel - length, work.dtype.type(0))
    if l > 0:
        depth = of[CHANNELS_OUT] * of[PLACES]
        for c in range(of[CHANNELS_IN] * phases):
            fill(work, of[ERROR] + c * channel, length, work.dtype.type(0))
        for f in range(phases):
            convolve_run(
                work, of[ERROR] + f * channel, phases * channel, of[CHANNELS_IN], length, back_weights, of[WEIGHT],
                depth, of[POTENTIAL], offsets, of[BACK_OFFSETS] + f * depth, tile, built,
            )  # fmt: skip
    decay, trace = number[TRACE_DECAY], of[TRACE]
    if decay != 0:
        for o in range(of[CHANNELS_OUT] * phases):
            reverse_trace(work, of[POTENTIAL] + o * channel, plane, steps, decay)
    if not rest and trace >= 0:
        enter(
            work, state, inputs, table, numbers, shared, shared_numbers, sources, masks, l, b, first, steps, steps > 0
        )
    add_weight_gradient(sums, work, of, channel, shared[TURNED], offsets, pixels, l * PIXELS, length, vector, built)
    if trace >= 0:
        follow(work, state, inputs, table, numbers, shared, l, trace, decay, b, first, steps, rest)


@fast_kernel
def run_part(
    part, outputs, losses, checks, sums, states, work, inputs, targets, weights, table, numbers, shared, shared_numbers,
    offsets, sources, read_sources, masks, forward_weights, back_weights, biases, readout_weight, readout_bias,
    bias_traces, pixels, tile, vector, first, steps, rest, built,
):  # fmt: skip
    """A window of a part of the samples, from time step `first` on; there are as many parts as `sums` has.

    outputs       [T, B, C], written
    losses        [parts], added to; checks [parts]: potentials that are not finite
    sums          [parts, ...], gradients, added to
    states        [B, ...]
    work          one row of work arrays, zero where nothing was written
    inputs        [T, B, n]
    sources       of a convolution: where each input goes, or the phases that each phase pools, and each phase's own
    read_sources  where in a plane the windows of the readout begin
    bias_traces   [layers + 1, T]: Λ[t]
    """
    batch, parts, layers = outputs.shape[1], len(sums), len(table)
    plane, channel, length = shared[PLANE], shared[CHANNEL], steps * shared[PLANE]
    own_sums = sums[part]
    errors = np.empty((steps, outputs.shape[2]), dtype=outputs.dtype)
    for b in range(part * batch // parts, (part + 1) * batch // parts):
        state = states[b]
        for l in range(layers):
            of, number = table[l], numbers[l]
            phases, depth = of[PHASES], of[CHANNELS_IN] * of[PLACES]
            enter(
                work, state, inputs, table, numbers, shared, shared_numbers, sources, masks, l, b, first, steps,
                steps < 0,
            )  # fmt: skip
            for o in range(of[CHANNELS_OUT]):
                for f in range(phases):
                    fill(work, of[POTENTIAL] + (o * phases + f) * channel, length, biases[of[BIAS] + o])
            for f in range(phases):
                convolve_run(
                    work, of[POTENTIAL] + f * channel, phases * channel, of[CHANNELS_OUT], length,
                    forward_weights, of[WEIGHT], depth, of[GIVEN], offsets, of[OFFSETS] + f * depth, tile, built,
                )  # fmt: skip
            for o in range(of[CHANNELS_OUT] * phases):
                place, kept = of[POTENTIAL] + o * channel, of[STATE] + o * plane
                fire_in_place(
                    work, place, state, kept, number[THRESHOLD], number[DECAY], number[RESET_POTENTIAL], of[RESET],
                    plane, steps, rest,
                )  # fmt: skip
                copy(state, kept, work, place + (steps - 1) * plane, plane)
                checks[part] += not_finite(work, place, length)
        enter_readout(work, state, table, numbers, shared, shared_numbers, sources, read_sources, steps, steps < 0)
        size = table[layers - 1, CHANNELS_OUT] * shared[READ_PIXELS]
        losses[part] += read_out(
            outputs, errors, work, state, readout_weight, readout_bias, targets, weights, shared, shared_numbers,
            size, b, first, steps, rest,
        )  # fmt: skip
        back_through_readout(
            own_sums, work, state, errors, inputs, table, numbers, shared, shared_numbers, sources, read_sources,
            readout_weight, bias_traces, b, first, steps, rest,
        )  # fmt: skip
        for k in range(layers):
            back_through_layer(
                own_sums, work, state, inputs, table, numbers, shared, shared_numbers, offsets, sources,
                read_sources, masks, back_weights, bias_traces, pixels, tile, vector, layers - 1 - k, b, first,
                steps, rest, built,
            )  # fmt: skip
