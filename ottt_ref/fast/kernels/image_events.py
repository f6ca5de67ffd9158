"""Convolutions of sparse images, laid flat as in `kernels.images`: sums over lists of what is not 0.

Forwards there is a list for each pixel, of the channels that are not 0. At each place (k, m) of the window it names the
rows of W^T that the pixel adds to one pixel of the result:

    r[q, o] += Σ_{c in list p} p[c] W^T[place, c, o],   q = p - shift of the place

For gradients there is a list for each channel, of the pixels that are not 0. It names the errors that are added up:

    ∇W^T[c, place, o] += Σ_{p in list c} p[c] δ[p - shift, o]

The channels o that go out lie side by side, in panels of some vectors.
"""

from __future__ import annotations

import numpy as np

from .compiling import fast_kernel, prange
from .events import add_rows, turn
from .vector_loops import BYTES, STRANGE, list_nonzero

WIDEST = 8  # vectors of a panel


@fast_kernel(parallel=True)
def count_nonzero(counts, values):
    """How many numbers of each row are not 0, and how many of these are not 1."""
    for n in prange(len(values)):
        numbers = values[n]
        found, others = 0, 0
        for x in range(len(numbers)):
            found += numbers[x] != 0
            others += (numbers[x] != 0) & (numbers[x] != 1)
        counts[n, 0], counts[n, 1] = found, others


@fast_kernel
def list_run(chosen, numbers, values, first, count, built):
    """The places of the numbers that are not 0 in a run of `count`, and the numbers; how many there are."""
    lanes = BYTES // values.itemsize
    found = done = 0
    if built:
        done = count // lanes
        found = list_nonzero(chosen, 0, values, first, done) % STRANGE
        done *= lanes
    for x in range(done, count):
        chosen[found] = x
        found += values[first + x] != 0
    for k in range(found):
        numbers[k] = values[first + np.intp(chosen[k])]
    return found


@fast_kernel(parallel=True)
def into_tables(tables, weight, width, built):
    """W [O, C, places] as [panels, places, C, width], 0 beyond the last channel o."""
    outputs, channels, places = weight.shape
    for task in prange(tables.shape[0] * channels):
        panel, c = task // channels, task % channels
        first = panel * width
        own = min(width, outputs - first)
        for place in range(places):
            target = tables[panel, place, c]
            for o in range(own):
                target[o] = weight[first + o, c, place]
            target[own:] = 0


@fast_kernel(parallel=True)
def list_pixels(chosen, numbers, counts, flat, images, channel, plane, channels, before, built):
    """The lists of all pixels of each phase: [blocks, phases, pixels, C], and counts [blocks, phases, pixels]."""
    phases = counts.shape[1]
    length = images * plane
    for task in prange(len(flat) * phases):
        block, f = task // phases, task % phases
        place, number = np.empty(length + BYTES, dtype=np.uint16), np.empty(length + BYTES, dtype=flat.dtype)
        count = counts[block, f]
        count[:] = 0
        for c in range(channels):
            found = list_run(place, number, flat[block], before + (f * channels + c) * channel, length, built)
            for k in range(found):
                p = np.intp(place[k])
                chosen[block, f, p, count[p]] = c
                numbers[block, f, p, count[p]] = number[k]
                count[p] += 1


@fast_kernel(parallel=True)
def add_events(
    result, chosen, numbers, counts, tables, phase_of, shifts, bias, constant, images, plane, pitch, vectors, scaled,
    built,
):  # fmt: skip
    """r[n, o, y, x] of images [N, O, H, W], from the lists of pixels.

    phase_of, shifts  of each place of the window: the phase that it sees, and how much further on
    """
    outputs, out_height, out_width = result.shape[1:]
    panels, places, channels, width = tables.shape
    length = images * plane
    for task in prange(len(chosen) * panels):
        block, panel = task // panels, task % panels
        first = panel * width
        own = min(width, outputs - first)
        total = np.zeros(length * width, dtype=result.dtype)
        table = tables[panel].reshape(-1)
        for place in range(places):
            f = phase_of[place]
            count, named, factors = counts[block, f], chosen[block, f].reshape(-1), numbers[block, f].reshape(-1)
            for p in range(length):
                q = p - shifts[place]
                if count[p] > 0 and 0 <= q < length:
                    add_rows(
                        total, q * width, table, place * channels * width, named, p * channels, factors, p * channels,
                        np.intp(count[p]), vectors, scaled, built,
                    )  # fmt: skip
        for i in range(min(images, len(result) - block * images)):
            target = result[block * images + i].reshape(-1)
            for y in range(out_height):
                start = (i * plane + y * pitch) * width
                at = (first * out_height + y) * out_width
                turn(target, at, out_height * out_width, total, start, width, out_width, own, built)
            for o in range(own):
                shift = bias[first + o] * constant[0]
                given = target[(first + o) * out_height * out_width : (first + o + 1) * out_height * out_width]
                for x in range(len(given)):
                    given[x] += shift


@fast_kernel(parallel=True)
def lay_errors(tables, error, images, plane, pitch, margin, built):
    """Errors [N, O, H, W] as [blocks, panels, margin + images · plane + margin, width], 0 where there is no pixel."""
    count, outputs, height, width = error.shape
    blocks, panels, _, columns = tables.shape
    for task in prange(blocks * panels):
        block, panel = task // panels, task % panels
        first = panel * columns
        own = min(columns, outputs - first)
        target = tables[block, panel]
        target[:margin] = 0
        target[margin + images * plane :] = 0
        flat = target.reshape(-1)
        for i in range(images):
            n, start = block * images + i, margin + i * plane
            if n >= count:
                target[start : start + plane] = 0
                continue
            given = error[n].reshape(-1)
            for y in range(plane // pitch):
                if y >= height:
                    target[start + y * pitch : start + (y + 1) * pitch] = 0
                    continue
                line = start + y * pitch
                target[line + width : line + pitch] = 0
                if own < columns:
                    target[line : line + width, own:] = 0
                at = (first * height + y) * width
                turn(flat, line * columns, columns, given, at, height * width, own, width, built)


@fast_kernel(parallel=True)
def add_event_products(
    gradient, tables, flat, phase_of, shifts, images, channel, plane, before, margin, vectors, scaled, built
):
    """∇W[o, c, place] += ..., gradient [O, C, places], from the lists of channels."""
    outputs, channels, places = gradient.shape
    panels, width = tables.shape[1], tables.shape[3]
    length = images * plane
    group = 8  # channels whose lists are made for one part of the work
    groups = (channels + group - 1) // group
    for task in prange(groups * panels):
        first_c, panel = task // panels * group, task % panels
        first = panel * width
        own = min(width, outputs - first)
        chosen, numbers = np.empty(length + BYTES, dtype=np.uint16), np.empty(length + BYTES, dtype=flat.dtype)
        total = np.zeros(group * places * width, dtype=gradient.dtype)
        for block in range(len(flat)):
            table = tables[block, panel].reshape(-1)
            for c in range(first_c, min(channels, first_c + group)):
                seen, found = -1, 0
                for place in range(places):
                    f = phase_of[place]
                    if f != seen:
                        start = before + (f * channels + c) * channel
                        found, seen = list_run(chosen, numbers, flat[block], start, length, built), f
                    at = ((c - first_c) * places + place) * width
                    add_rows(
                        total, at, table, (margin - shifts[place]) * width, chosen, 0, numbers, 0, found, vectors,
                        scaled, built,
                    )  # fmt: skip
        for o in range(own):
            for c in range(first_c, min(channels, first_c + group)):
                target = gradient[first + o, c]
                for place in range(places):
                    target[place] += total[((c - first_c) * places + place) * width + o]
