"""Windows that move over padded images: their sizes, the shape that they reach, and the padding.

A sequence [C, L] is an image [C, 1, L]: what moves over it has a window, a stride and a dilation of 1 upwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ...annotations import Shape
from ...validation import describe_shape, require_size
from .operation import Operation

Sides = int | tuple[int, int]  # one number for both directions, or one for each: (vertical, horizontal)
DIRECTIONS = ("vertical", "horizontal")


def require_pair(name: str, value: object, minimum: int = 1) -> tuple[int, int]:
    """A number of at least `minimum` for each direction, from one for both or a pair; TypeError or ValueError."""
    if not isinstance(value, tuple | list):
        number = require_size(name, value, minimum)
        return number, number
    if len(value) != 2:
        raise ValueError(f"{name} must be a number or a pair of them, got {value!r}")
    first, second = (
        require_size(f"{name}[{k}], the {direction} one,", number, minimum)
        for k, (direction, number) in enumerate(zip(DIRECTIONS, value))
    )
    return first, second


def require_sides(name: str, value: object, minimum: int = 1) -> Sides:
    """`require_pair`, but one number where both are the same."""
    pair = require_pair(name, value, minimum)
    return pair[0] if pair[0] == pair[1] else pair


def pair_of(sides: Sides) -> tuple[int, int]:
    """A number for each direction."""
    return sides if isinstance(sides, tuple) else (sides, sides)


def require_image(operation: Operation, input_shape: Shape) -> Shape:
    """C, H and W of one sample; ValueError where it has another shape."""
    if len(input_shape) != 3:
        raise ValueError(f"{operation!r} must be given images [C, H, W], got {describe_shape(input_shape)}")
    return input_shape


def require_row(operation: Operation, input_shape: Shape) -> Shape:
    """C and L of one sample; ValueError where it has another shape."""
    if len(input_shape) != 2:
        raise ValueError(f"{operation!r} must be given sequences [C, L], got {describe_shape(input_shape)}")
    return input_shape


def as_images(array: np.ndarray) -> np.ndarray:
    """`array` [..., C, L] as [..., C, 1, L], a view; images as they are."""
    return array if array.ndim == 4 else array[:, :, np.newaxis, :]


def window_shape(
    operation: Operation, input_shape: Shape, window: Sequence[int], stride: Sides, padding: Sides, dilation: Sides = 1
) -> Shape:
    """The shape of one sample [C, H, W] after a window has moved over its padded image, channels as they were.

    Raises ValueError where the window is larger than the padded image.
    """
    channels, *size = require_image(operation, input_shape)
    reaches, padded_size, reached = _moved(tuple(size), tuple(window), stride, padding, dilation)
    small = [name for name, length in zip(("height", "width"), reached) if length < 1]
    if small:
        raise ValueError(
            f"{operation!r} must be given images of at least its window {reaches[0]} x {reaches[1]} when padded, got "
            f"{padded_size[0]} x {padded_size[1]} from {describe_shape(input_shape)}: too small in "
            f"{' and '.join(small)}"
        )
    return channels, *reached


@lru_cache(maxsize=1024)
def _moved(size, window, stride, padding, dilation):
    """By direction: how far a window reaches, the length of the padded image, and at how many places it stands."""
    reaches = [step * (side - 1) + 1 for side, step in zip(window, pair_of(dilation))]
    lengths = [length + 2 * zeros for length, zeros in zip(size, pair_of(padding))]
    return reaches, lengths, [(n - reach) // step + 1 for n, reach, step in zip(lengths, reaches, pair_of(stride))]


def row_window_shape(
    operation: Operation, input_shape: Shape, window: int, stride: int, padding: int, dilation: int = 1
) -> Shape:
    """`window_shape` of one sample [C, L]."""
    channels, length = require_row(operation, input_shape)
    reach, padded_length = dilation * (window - 1) + 1, length + 2 * padding
    if padded_length < reach:
        raise ValueError(
            f"{operation!r} must be given sequences of at least its window {reach} when padded, got {padded_length} "
            f"from {describe_shape(input_shape)}"
        )
    return channels, (padded_length - reach) // stride + 1


def padded_shape(batch_size: int, input_shape: Shape, padding: Sides) -> Shape:
    """[B, C, H + 2 padding, W + 2 padding]."""
    channels, height, width = input_shape
    vertical, horizontal = pair_of(padding)
    return batch_size, channels, height + 2 * vertical, width + 2 * horizontal


def padded(values: np.ndarray, padding: Sides) -> np.ndarray:
    """`values` [B, C, H, W] with zeros around each image."""
    if padding == 0:
        return values
    result = np.zeros(padded_shape(len(values), values.shape[1:], padding), dtype=values.dtype)
    _inside(result, padding)[...] = values
    return result


def unpadded(values: np.ndarray, padding: Sides) -> np.ndarray:
    """What `padded` put zeros around, contiguous."""
    return values if padding == 0 else np.ascontiguousarray(_inside(values, padding))


def seen_by(window: Sequence[int], image: np.ndarray, stride: Sides, dilation: Sides) -> np.ndarray:
    """What a window sees at each place of an image [B, C, H, W]: a view of it, [B, C, K_H, K_W, H', W'].

    At [b, c, k, m, y, x] it is image[b, c, y·stride + k·dilation, x·stride + m·dilation], by direction.

    >>> import numpy as np
    >>> from ottt_ref.network.operations.windows import seen_by
    >>> seen_by((1, 2), np.arange(4.0).reshape(1, 1, 1, 4), stride=1, dilation=2)[0, 0, 0, :, 0].tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    (vertical, horizontal), (down, across) = pair_of(stride), pair_of(dilation)
    reaches = [step * (side - 1) + 1 for side, step in zip(window, (down, across))]
    seen = np.lib.stride_tricks.sliding_window_view(image, reaches, axis=(2, 3), writeable=True)
    return seen[:, :, ::vertical, ::horizontal, ::down, ::across].transpose(0, 1, 4, 5, 2, 3)


def _inside(image, padding):
    vertical, horizontal = pair_of(padding)
    height, width = image.shape[2:]
    return image[:, :, vertical : height - vertical, horizontal : width - horizontal]
