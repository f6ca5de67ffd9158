"""Fast twins of Conv2d and Conv1d: products over images laid flat, with the sums in registers.

forward        images are laid flat once, and each place of the window is an offset into them
adjoint        the same of the errors, with the window turned: for each phase of the stride the places that reach it
add_gradients  products of errors and images, both laid flat
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ...annotations import Shape
from ...network import operations
from ...network.operations.convolution import Convolution as ReferenceConvolution
from ...network.operations.door import require_error, require_pairing, require_values
from ...network.operations.windows import as_images
from ..kernels import image_events, images, tiles
from ..kernels.choosing import hand_built

MOST_ROWS = 64  # channels that are taken at once: their sums stay in the second cache
TILES = 10  # of a tile's numbers that are taken at once
CHUNK = 1024  # numbers of errors and images whose products are summed at once
LEAST_TASKS = 4  # that the work is cut into where it can be, whatever the number of threads

# Up to which share of numbers that are not 0 lists are faster, forwards and for gradients: hand-built loops, plain ones
FORWARD_SHARE = {True: 0.18, False: 0.5}
GRADIENT_SHARE = {True: 0.25, False: 0.5}
LISTABLE = 2**16  # pixels of a block and channels that an index of 16 bits can name

Places = tuple[tuple[int, int], ...]  # of each place of a window in one direction: the phase, and the shift in it


@dataclass(frozen=True)
class Layout:
    """How images are laid flat: `kernels.images` has the formula.

    offsets   of each phase of the result, one for each channel of a group and place of the window
    phase_of  of each place of the window for the first phase of the result: the phase that it sees
    shifts    and how much further on
    """

    images: int
    blocks: int
    channel: int
    plane: int
    pitch: int
    before: int
    size: int
    phases: np.ndarray
    offsets: tuple[np.ndarray, ...]
    phase_of: np.ndarray
    shifts: np.ndarray

    def flat(self, values: np.ndarray, step: tuple[int, int]) -> np.ndarray:
        """Images [N, C, H, W] laid flat, [blocks, size]."""
        result = np.empty((self.blocks, self.size), dtype=values.dtype)
        given = (*step, self.images, self.channel, self.plane, self.pitch, self.before)
        images.lay_flat(result, values, self.phases, *given)
        return result


@lru_cache(maxsize=256)
def layout(
    count: int,
    image: tuple[int, int, int],
    step: tuple[int, int],
    windows: tuple[tuple[Any, ...], ...],
    groups: int,
    dtype: np.dtype,
) -> Layout:
    """The layout for `count` images [C, H, W] of which every phase is seen through windows.

    windows  for each phase of the result its places, vertical and horizontal, and its height and width
    """
    channels, *size = image
    seen = [-(-length // each) for length, each in zip(size, step)]
    lines, reach, over = [], [], []
    for d in range(2):
        seen_by = [(window[d], window[2][d]) for window in windows]
        shifts = [shift for places, _ in seen_by for _, shift in places] or [0]
        ends = [length - 1 + shift for places, length in seen_by for _, shift in places] or [0]
        gap = max(0, -min(shifts), max(ends) - (seen[d] - 1))
        lines.append(max(seen[d] + gap, *(length for _, length in seen_by)))
        reach.append(max(0, -min(shifts)))
        over.append(max(0, *shifts))
    height, pitch = lines
    plane = height * pitch
    tile, vector = tiles.width(dtype), tiles.lanes(dtype)
    most = max(1, min(count, -(-TILES * tile // plane)))
    blocks = -(-count // most)
    block = -(-count // blocks)
    channel = -(-block * plane // vector) * vector
    phases = sorted({(y, x) for window in windows for y, _ in window[0] for x, _ in window[1]}) or [(0, 0)]
    offsets, seen_phases, shifts_of = [], [], []
    for vertical, horizontal, _ in windows:
        places = [(y, x) for y in vertical for x in horizontal]
        seen_phases.append(np.array([phases.index((y[0], x[0])) for y, x in places], dtype=np.int64))
        shifts_of.append(np.array([y[1] * pitch + x[1] for y, x in places], dtype=np.int64))
        of_channels = np.arange(channels // groups)[:, np.newaxis] * channel
        offsets.append((of_channels + seen_phases[-1] * channels * channel + shifts_of[-1]).ravel())
    before = reach[0] * pitch + reach[1]
    after = over[0] * pitch + over[1] + 2 * tile
    return Layout(
        block,
        blocks,
        channel,
        plane,
        pitch,
        before,
        before + len(phases) * channels * channel + after,
        np.array(phases, dtype=np.int64),
        tuple(offsets),
        seen_phases[0],
        shifts_of[0],
    )


def _rows(size: int, others: int) -> int:
    """How many of `size` channels are taken at once, where there are so many other parts of the work."""
    rows = min(MOST_ROWS, size)
    while rows > 8 and others * -(-size // rows) < LEAST_TASKS:
        rows = -(-rows // 2 // 8) * 8
    return rows


class Convolution(ReferenceConvolution):
    """What the twins of Conv2d and Conv1d share.

    keeps   whether the weights never change, so that their turned windows can be kept
    turned  what is kept: the shape of the images, and what `_turned` gives for them
    """

    keeps: bool = False
    turned: Any = None

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        result = np.empty(require_values(self, values, bias_input, self.weight.dtype), dtype=self.weight.dtype)
        image = as_images(np.ascontiguousarray(values))
        found, step = self._seen(len(image), image.shape[1:])
        flat = found.flat(image, step)
        events = self._events(image, found, FORWARD_SHARE)
        if events is not None:
            self._add_events(as_images(result), flat, found, bias_input, events)
            return result
        window = (0, 0), (1, 1), as_images(result).shape[2:]
        self._correlate(as_images(result), flat, found, 0, self.weight, self.bias, bias_input, window)
        return result

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        shape = require_error(self, error, input_shape, self.weight.dtype)
        step = self._windows()[0]
        covered = step == (1, 1)
        result = np.empty(shape, dtype=error.dtype) if covered else np.zeros(shape, dtype=error.dtype)
        target, delta = as_images(result), as_images(np.ascontiguousarray(error))
        turned, windows, firsts = self._turned(target.shape[2:])
        found = layout(len(delta), delta.shape[1:], (1, 1), windows, self.groups, delta.dtype)
        flat = found.flat(delta, (1, 1))
        nothing = np.zeros(target.shape[1], dtype=error.dtype)
        for k, (weight, (_, _, size), first) in enumerate(zip(turned, windows, firsts)):
            if weight.size and size[0] > 0 and size[1] > 0:
                self._correlate(target, flat, found, k, weight, nothing, nothing[:1], (first, step, size))
        return result

    def add_gradients(
        self,
        gradients: MutableMapping[str, np.ndarray],
        error: np.ndarray,
        presynaptic: np.ndarray,
        bias_input: np.ndarray,
    ) -> None:
        require_pairing(self, gradients, error, presynaptic, bias_input, self._learned)
        image, delta = (as_images(np.ascontiguousarray(each)) for each in (presynaptic, error))
        found, step = self._seen(len(image), image.shape[1:])
        flat = found.flat(image, step)
        weight = gradients["weight"]
        total = weight if weight.flags.c_contiguous else np.zeros_like(weight, order="C")
        events = self._events(image, found, GRADIENT_SHARE)
        if events is not None:
            self._add_event_products(total, delta, flat, found, events)
        elif hand_built() and self.groups == 1 and image.shape[1] >= images.CHANNELS:
            self._add_tiles(total, delta, flat, found)
        else:
            self._add_dots(total, delta, flat, found)
        if total is not weight:
            weight += total
        if "bias" in self.parameter_names:
            images.add_bias(gradients["bias"], delta.reshape(*delta.shape[:2], -1), bias_input)

    def _events(self, image, found, shares):
        """Whether numbers beside 1 are not 0, where so few are not 0 that lists are faster; None elsewhere."""
        if self.groups != 1 or max(found.images * found.plane, image.shape[1]) > LISTABLE:
            return None
        counts = np.empty((len(image), 2), dtype=np.int64)
        image_events.count_nonzero(counts, image.reshape(len(image), -1))
        nonzero, others = counts.sum(axis=0)
        return None if nonzero > shares[hand_built()] * image.size else bool(others)

    def _panels(self):
        """How many panels of how many vectors the channels that go out are cut into."""
        lanes = tiles.lanes(self.weight.dtype)
        vectors = -(-len(self.weight) // lanes)
        width = next(each for each in (8, 4, 2, 1) if each <= max(1, min(vectors, image_events.WIDEST)))
        return -(-vectors // width), width, width * lanes

    def _add_events(self, result, flat, found, constant, scaled):
        """The forward pass from lists of what is not 0."""
        weight, built = as_images(self.weight), hand_built()
        channels, places = weight.shape[1], weight[0, 0].size
        panels, vectors, width = self._panels()
        tables = np.empty((panels, places, channels, width), dtype=weight.dtype)
        image_events.into_tables(tables, np.ascontiguousarray(weight).reshape(-1, channels, places), width, built)
        pixels = found.blocks, len(found.phases), found.images * found.plane
        chosen = np.empty((*pixels, channels), dtype=np.uint16)
        numbers = np.empty(chosen.shape, dtype=weight.dtype)
        counts = np.empty(pixels, dtype=np.uint16 if channels < LISTABLE else np.int64)
        geometry = found.images, found.channel, found.plane
        image_events.list_pixels(chosen, numbers, counts, flat, *geometry, channels, found.before, built)
        image_events.add_events(
            result, chosen, numbers, counts, tables, found.phase_of, found.shifts, self.bias, constant, found.images,
            found.plane, found.pitch, vectors, scaled, built,
        )  # fmt: skip

    def _add_event_products(self, total, delta, flat, found, scaled):
        """∇W from lists of what is not 0."""
        channels, places = total.shape[1], total[0, 0].size
        panels, vectors, width = self._panels()
        margin = int(np.abs(found.shifts).max())
        built, length = hand_built(), found.images * found.plane + 2 * margin
        tables = np.empty((found.blocks, panels, length, width), dtype=delta.dtype)
        geometry = found.images, found.channel, found.plane
        image_events.lay_errors(tables, delta, found.images, found.plane, found.pitch, margin, built)
        image_events.add_event_products(
            total.reshape(-1, channels, places), tables, flat, found.phase_of, found.shifts, *geometry, found.before,
            margin, vectors, scaled, built,
        )  # fmt: skip

    def _add_tiles(self, total, delta, flat, found):
        """∇W with the channels of the result side by side in vectors."""
        lanes, places = tiles.lanes(delta.dtype), total[0, 0].size
        columns, length = -(-len(total) // lanes) * lanes, found.images * found.plane
        turned = np.empty((found.blocks, length, columns), dtype=delta.dtype)
        images.lay_errors(turned, delta, found.images, found.plane, found.pitch, columns, True)
        images.add_tiles(
            total.reshape(len(total), -1), turned, flat, found.offsets[0][:places], np.arange(length) * columns, places,
            found.channel, found.before,
        )  # fmt: skip

    def _add_dots(self, total, delta, flat, found):
        """∇W with the pixels side by side in vectors."""
        errors = np.empty((found.blocks, delta.shape[1] * found.channel), dtype=delta.dtype)
        geometry = found.images, found.channel, found.plane, found.pitch, 0
        images.lay_flat(errors, delta, np.zeros((1, 2), dtype=np.int64), 1, 1, *geometry)
        size, depth = len(self.weight) // self.groups, len(found.offsets[0])
        rows = min(MOST_ROWS, size)
        columns = -(-depth // LEAST_TASKS // 9) * 9 if self.groups * -(-size // rows) < LEAST_TASKS else 288
        columns = min(max(columns, 9), 288)
        images.add_products(
            total.reshape(-1), errors, flat, found.offsets[0], hand_built(), self.groups,
            self.weight.shape[1] * found.channel, rows, columns, tiles.lanes(total.dtype), CHUNK, found.channel,
            found.before,
        )  # fmt: skip

    def _seen(self, count, image):
        """The layout of images as the windows see them, and the stride."""
        stride, padding, dilation = self._windows()
        window = as_images(self.weight).shape[2:]
        places = tuple(
            tuple(_place(k * apart - zeros, step) for k in range(side))
            for side, step, zeros, apart in zip(window, stride, padding, dilation)
        )
        size = tuple(
            (length + 2 * zeros - apart * (side - 1) - 1) // step + 1
            for length, side, step, zeros, apart in zip(image[1:], window, stride, padding, dilation)
        )
        return layout(count, tuple(image), stride, ((*places, size),), self.groups, self.weight.dtype), stride

    def _turned(self, image):
        """Of each phase of the stride: the weights of the places that reach it, its window, and its first pixel."""
        if self.turned is not None and self.turned[0] == tuple(image):
            return self.turned[1]
        stride, padding, dilation = self._windows()
        weight = as_images(self.weight)
        window = weight.shape[2:]
        turned, windows, firsts = [], [], []
        for first in np.ndindex(*stride):
            reached: list[Sequence[int]] = []
            places = []
            for d in range(2):
                distances = [first[d] + padding[d] - k * dilation[d] for k in range(window[d])]
                reached.append([k for k, distance in enumerate(distances) if distance % stride[d] == 0])
                places.append(tuple((0, distances[k] // stride[d]) for k in reached[d]))
            size = tuple(max(0, -(-(image[d] - first[d]) // stride[d])) for d in range(2))
            chosen = np.array([k * window[1] + m for k in reached[0] for m in reached[1]], dtype=np.int64)
            rows = weight.shape[1] * self.groups
            each = np.empty((rows, len(weight) // self.groups, len(chosen)), dtype=weight.dtype)
            images.turn(each, weight.reshape(*weight.shape[:2], -1), chosen, self.groups)
            turned.append(each)
            windows.append((*places, size))
            firsts.append(first)
        result = turned, tuple(windows), firsts
        if self.keeps:
            self.turned = tuple(image), result
        return result

    def _correlate(self, result, flat, found, k, weight, bias, constant, window):
        first, step, size = window
        tile, channels = tiles.width(result.dtype), result.shape[1] // self.groups
        images.correlate(
            result, flat, weight.reshape(-1), found.offsets[k], bias, constant, hand_built(), self.groups,
            weight.shape[1] * found.channel, _rows(channels, found.blocks * self.groups), tile, TILES * tile,
            found.images, found.plane, found.pitch, found.before, *first, *step, *size,
        )  # fmt: skip


def _place(distance, step):
    """Of a distance from the first pixel: its phase, and how many steps on."""
    shift, phase = divmod(distance, step)
    return phase, shift


class Conv2d(Convolution, operations.Conv2d):
    """The twin of `ottt_ref.Conv2d`."""


class Conv1d(Convolution, operations.Conv1d):
    """The twin of `ottt_ref.Conv1d`."""
