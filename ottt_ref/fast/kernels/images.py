"""Convolutions over images laid flat, where each place of a window is one offset.

Images are copied into rows that follow each other with zeros between them, just as many as a window reaches over an
edge: of channel c, image n, row y and column x the number lies at

    before + (phase · C + c) · channel + n · plane + y · pitch + x

What the window sees at place (k, m) is then the same array, `offsets` further on, for all pixels of all images of a
block at once; what is computed between the rows and the images is left aside. A stride of s cuts images into s x s
phases, of every s-th row and column, so that each place sees one phase without gaps.

    lay_flat      images → flat blocks
    correlate     r[n, o, y, x] = Σ_c Σ_k,m W[o, c, k, m] p[n, c, place] + bias: forward; the adjoint by turned windows
    add_products  ∇W[o, c, k, m] += Σ_n Σ_y,x δ[n, o, y, x] p[n, c, place]

Work is cut by blocks of images and of channels, whatever the number of threads is.
"""

from __future__ import annotations

import numpy as np

from .compiling import fast_kernel, prange
from .events import turn as turn_matrix
from .tiles import (
    dots_1x1,
    dots_1x3,
    dots_4x1,
    dots_4x3,
    dots_8x1,
    dots_8x3,
    plain_dots,
    plain_tile,
    tile_1,
    tile_4,
    tile_8,
    tile_8x1,
    tile_8x2,
)
from .vector_loops import BYTES

CHANNELS = 8  # that a tile of `add_tiles` has: there are at least as many
GROUP = 4 * CHANNELS  # channels whose gradient is summed at once: it stays in the second cache
PIXELS = 128  # errors of so many pixels are in the first cache while all places of a window see them
DEPTH = 288  # how many k a tile sums before the next one: what they read of the images then lies in the first cache


@fast_kernel(parallel=True)
def lay_flat(flat, values, phases, step_y, step_x, images, channel, plane, pitch, before):
    """Images [N, C, H, W] into blocks [blocks, numbers], `images` of them in each, zeros where there is nothing.

    phases  [F, 2]: which rows and columns of every step_y and step_x
    before  how many zeros come first
    """
    count, channels, height, width = values.shape
    for task in prange(flat.shape[0] * channels):
        block, c = task // channels, task % channels
        target = flat[block]
        if c == 0:
            target[:before] = 0
            target[before + len(phases) * channels * channel :] = 0
        for f in range(len(phases)):
            first_y, first_x = phases[f, 0], phases[f, 1]
            kept_y = max(0, (height - first_y + step_y - 1) // step_y)
            kept_x = max(0, (width - first_x + step_x - 1) // step_x)
            start = before + (f * channels + c) * channel
            target[start + images * plane : start + channel] = 0
            for i in range(images):
                n = block * images + i
                lines = target[start + i * plane : start + (i + 1) * plane]
                if n >= count:
                    lines[:] = 0
                    continue
                for y in range(kept_y):
                    source = values[n, c, first_y + y * step_y]
                    row = lines[y * pitch : (y + 1) * pitch]
                    if step_x == 1:
                        for x in range(kept_x):
                            row[x] = source[x]
                    else:
                        for x in range(kept_x):
                            row[x] = source[first_x + x * step_x]
                    row[kept_x:] = 0
                lines[kept_y * pitch :] = 0


@fast_kernel(parallel=True)
def correlate(
    result, flat, weight, offsets, bias, constant, built, groups, group_step, rows, tile, superblock, images, plane,
    pitch, before, first_y, first_x, step_y, step_x, out_height, out_width,
):  # fmt: skip
    """Every step_y-th row and step_x-th column of result [N, O, H, W], from row first_y and column first_x on.

    weight      [O · K], O rows of K numbers, one for each of the offsets
    bias        [O], times the constant [1]
    group_step  how far apart the channels of two groups lie
    rows        how many channels o are taken at once
    superblock  how many numbers x are taken at once, a multiple of the tile's
    """
    depth, size, height = len(offsets), result.shape[1] // groups, plane // pitch
    parts = (size + rows - 1) // rows
    for task in prange(flat.shape[0] * groups * parts):
        block, rest = task // (groups * parts), task % (groups * parts)
        group, part = rest // parts, rest % parts
        first, count = group * size + part * rows, min(rows, size - part * rows)
        given = before + group * group_step
        here = min(images, len(result) - block * images)
        length = (here - 1) * plane + (out_height - 1) * pitch + out_width
        total = np.empty(rows * superblock, dtype=result.dtype)
        for x0 in range(0, length, superblock):
            span = min(superblock, (length - x0 + tile - 1) // tile * tile)
            for i in range(count):
                total[i * superblock : i * superblock + span] = 0
            for k0 in range(0, depth, DEPTH):
                deep = min(DEPTH, depth - k0)
                for x in range(0, span, tile):
                    _multiply(
                        built, count, tile, total, x, superblock, weight, first * depth + k0, depth, flat[block],
                        given + x0 + x, offsets, k0, deep,
                    )  # fmt: skip
            for i in range(count):
                shift = bias[first + i] * constant[0]
                for line in range(x0 // pitch, (x0 + span - 1) // pitch + 1):
                    n, y = line // height, line % height
                    if n < here and y < out_height:
                        start = line * pitch
                        low, high = max(start, x0), min(start + out_width, x0 + span)
                        target = result[block * images + n, first + i, first_y + step_y * y]
                        if high > low:
                            found = total[i * superblock + low - x0 : i * superblock + high - x0]
                            if step_x == 1:
                                aim = target[first_x + low - start : first_x + high - start]
                                for x in range(high - low):
                                    aim[x] = found[x] + shift
                            else:
                                for x in range(high - low):
                                    target[first_x + step_x * (low - start + x)] = found[x] + shift


@fast_kernel(inline=True)
def _multiply(
    built, rows, size, total, total_at, total_row, left, left_at, left_row, right, right_at, offsets, offsets_at, depth
):
    """Tiles for some rows: total[i, x] += Σ_k left[i, k] right[offsets[k] + x]."""
    if not built:
        plain_tile(
            rows, size, total, total_at, total_row, left, left_at, left_row, right, right_at, offsets, offsets_at, depth
        )
        return
    i = 0
    while i + 8 <= rows:
        tile_8(
            total, total_at + i * total_row, total_row, left, left_at + i * left_row, left_row, right, right_at,
            offsets, offsets_at, depth,
        )  # fmt: skip
        i += 8
    if i + 4 <= rows:
        tile_4(
            total, total_at + i * total_row, total_row, left, left_at + i * left_row, left_row, right, right_at,
            offsets, offsets_at, depth,
        )  # fmt: skip
        i += 4
    while i < rows:
        tile_1(
            total, total_at + i * total_row, total_row, left, left_at + i * left_row, left_row, right, right_at,
            offsets, offsets_at, depth,
        )  # fmt: skip
        i += 1


@fast_kernel(parallel=True)
def add_products(
    gradient, error, flat, offsets, built, groups, group_step, rows, columns, vector, chunk, channel, before
):
    """∇W[o, k] += Σ_x δ[o, x] p[offsets[k] + x], gradient [O · K], errors flat, nothing before, [blocks, O · channel].

    rows, columns  how many o and k are taken at once
    chunk          how many numbers x are taken at once, a multiple of the vector's
    channel        how far apart the channels of the error lie, a multiple of the vector's
    """
    depth, outputs = len(offsets), error.shape[1] // channel
    size = outputs // groups
    parts, slices = (size + rows - 1) // rows, (depth + columns - 1) // columns
    for task in prange(groups * parts * slices):
        group, rest = task // (parts * slices), task % (parts * slices)
        part, place = rest // slices, rest % slices
        first, count = group * size + part * rows, min(rows, size - part * rows)
        k0 = place * columns
        kept = min(columns, depth - k0)
        given = before + group * group_step
        for block in range(len(flat)):
            for x in range(0, channel, chunk):
                length = min(chunk, channel - x)
                if not built:
                    plain_dots(
                        count, kept, gradient, first * depth + k0, depth, error[block], first * channel + x, channel,
                        flat[block], given + x, offsets, k0, length,
                    )  # fmt: skip
                    continue
                k = 0
                while k < kept:
                    three = k + 3 <= kept
                    _dots(
                        three, count, gradient, first * depth + k0 + k, depth, error[block], first * channel + x,
                        channel, flat[block], given + x, offsets, k0 + k, length // vector,
                    )  # fmt: skip
                    k += 3 if three else 1


@fast_kernel(inline=True)
def _dots(
    three, rows, total, total_at, total_row, left, left_at, left_row, right, right_at, offsets, offsets_at, vectors
):
    """Sums of products for some rows, and three columns or one."""
    i = 0
    while i < rows:
        at, left_i = total_at + i * total_row, left_at + i * left_row
        if i + 8 <= rows and three:
            dots_8x3(total, at, total_row, left, left_i, left_row, right, right_at, offsets, offsets_at, vectors)
            i += 8
        elif i + 8 <= rows:
            dots_8x1(total, at, total_row, left, left_i, left_row, right, right_at, offsets, offsets_at, vectors)
            i += 8
        elif i + 4 <= rows and three:
            dots_4x3(total, at, total_row, left, left_i, left_row, right, right_at, offsets, offsets_at, vectors)
            i += 4
        elif i + 4 <= rows:
            dots_4x1(total, at, total_row, left, left_i, left_row, right, right_at, offsets, offsets_at, vectors)
            i += 4
        elif three:
            dots_1x3(total, at, total_row, left, left_i, left_row, right, right_at, offsets, offsets_at, vectors)
            i += 1
        else:
            dots_1x1(total, at, total_row, left, left_i, left_row, right, right_at, offsets, offsets_at, vectors)
            i += 1


@fast_kernel(parallel=True, fastmath={"contract", "reassoc", "nsz"})
def add_bias(gradient, error, constant):
    """∇b[o] += Σ_n Σ_x δ[n, o, x] c, of errors [N, O, X]."""
    for o in prange(error.shape[1]):
        total = gradient.dtype.type(0)
        for n in range(error.shape[0]):
            numbers = error[n, o]
            for x in range(len(numbers)):
                total += numbers[x]
        gradient[o] += total * constant[0]


@fast_kernel(parallel=True)
def turn(turned, weight, places, groups):
    """Weights [O, C, K] as those of the adjoint, [groups · C, O / groups, P]: P of the places, in their order."""
    size, channels = weight.shape[0] // groups, weight.shape[1]
    for row in prange(groups * channels):
        group, c = row // channels, row % channels
        for o in range(size):
            source, target = weight[group * size + o, c], turned[row, o]
            for p in range(len(places)):
                target[p] = source[places[p]]


@fast_kernel(parallel=True)
def lay_errors(turned, error, images, plane, pitch, columns, built):
    """Errors [N, O, H, W] as blocks [blocks, images · plane, columns], the channels of a pixel side by side, else 0."""
    count, outputs, height, width = error.shape
    for n in prange(len(turned) * images):
        block, i = n // images, n % images
        target = turned[block, i * plane : (i + 1) * plane]
        if n >= count:
            target[:] = 0
            continue
        flat = target.reshape(-1)
        given = error[n].reshape(-1)
        for y in range(plane // pitch):
            if y >= height:
                target[y * pitch : (y + 1) * pitch] = 0
                continue
            target[y * pitch + width : (y + 1) * pitch] = 0
            target[y * pitch : y * pitch + width, outputs:] = 0
            turn_matrix(flat, y * pitch * columns, columns, given, y * width, height * width, outputs, width, built)


@fast_kernel(parallel=True)
def add_tiles(gradient, turned, flat, offsets, numbers, places, channel, before):
    """∇W[o, c, place] += Σ_x δ[x, o] p[c, place + x], gradient [O, C · places], in tiles of 8 channels c.

    offsets  of the places, for channel 0
    numbers  [X]: where the errors of pixel x begin in a block
    """
    outputs, columns = len(gradient), turned.shape[2]
    channels = gradient.shape[1] // places
    lanes = BYTES // gradient.itemsize
    vectors = columns // lanes
    # of 3 vectors each, and the last ones of 2 where one would be left over
    panels = (vectors + 2) // 3
    groups = (channels + GROUP - 1) // GROUP
    length = len(numbers)
    for task in prange(groups * panels):
        group, panel = task // panels, task % panels
        narrow = 3 * panels - vectors  # so many panels have 2 vectors; a single one has what there is
        width = min(3, vectors) if panels == 1 else (2 if panel >= panels - narrow else 3)
        first = lanes * (3 * panel - max(0, panel - (panels - narrow)) * (panels > 1))
        size = width * lanes
        begin, end = group * GROUP, min(channels, (group + 1) * GROUP)
        tiles = (end - begin + CHANNELS - 1) // CHANNELS
        row = places * size
        total = np.zeros(tiles * CHANNELS * row, dtype=gradient.dtype)
        for block in range(len(flat)):
            errors = turned[block].reshape(-1)
            for x in range(0, length, PIXELS):
                deep = min(PIXELS, length - x)
                for t in range(tiles):
                    c = min(begin + t * CHANNELS, channels - CHANNELS)
                    for place in range(places):
                        at = t * CHANNELS * row + place * size
                        given = before + c * channel + offsets[place] + x
                        if width == 3:
                            tile_8(total, at, row, flat[block], given, channel, errors, first, numbers, x, deep)
                        elif width == 2:
                            tile_8x2(total, at, row, flat[block], given, channel, errors, first, numbers, x, deep)
                        else:
                            tile_8x1(total, at, row, flat[block], given, channel, errors, first, numbers, x, deep)
        for o in range(first, min(outputs, first + size)):
            for c in range(begin, end):
                t = (c - begin) // CHANNELS
                own = c - min(begin + t * CHANNELS, channels - CHANNELS)
                at = (t * CHANNELS + own) * row + o - first
                target = gradient[o, c * places : (c + 1) * places]
                for place in range(places):
                    target[place] += total[at + place * size]
