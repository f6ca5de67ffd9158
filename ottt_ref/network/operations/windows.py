"""Windows that move over padded images: their sizes, the shape that they reach, and the padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...annotations import Shape
from ...validation import describe_shape, require_size
from .operation import Operation

if TYPE_CHECKING:
    from .convolution import Conv2d
    from .pooling import AveragePool2d


def require_pair(name: str, value: object) -> tuple[int, int]:
    """A number of at least 1 for each direction, from one for both or a pair; TypeError or ValueError otherwise."""
    pair = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(pair) != 2:
        raise ValueError(f"{name} must be a number or a pair of them, got {value!r}")
    return require_size(name, pair[0]), require_size(name, pair[1])


def require_image(operation: Operation, input_shape: Shape) -> Shape:
    """C, H and W of one sample; ValueError where it has another shape."""
    if len(input_shape) != 3:
        raise ValueError(f"{operation!r} must be given images [C, H, W], got {describe_shape(input_shape)}")
    return input_shape


def window_shape(operation: AveragePool2d | Conv2d, input_shape: Shape, window: Sequence[int]) -> Shape:
    """The shape of one sample after a window has moved over its padded image, channels as they were.

    Raises ValueError where the window is larger than the padded image.
    """
    channels, *size = require_image(operation, input_shape)
    padded_size = [length + 2 * operation.padding for length in size]
    if any(length < side for length, side in zip(padded_size, window)):
        raise ValueError(
            f"{operation!r} must be given images of at least its window {window[0]} x {window[1]} when padded, got "
            f"{padded_size[0]} x {padded_size[1]} from {describe_shape(input_shape)}"
        )
    strides = require_pair("stride", operation.stride)
    return channels, *((n - side) // stride + 1 for n, side, stride in zip(padded_size, window, strides))


def padded_shape(batch_size: int, input_shape: Shape, padding: int) -> Shape:
    """[B, C, H + 2 padding, W + 2 padding]."""
    channels, height, width = input_shape
    return batch_size, channels, height + 2 * padding, width + 2 * padding


def padded(values: np.ndarray, padding: int) -> np.ndarray:
    """`values` [B, C, H, W] with zeros around each image."""
    if not padding:
        return values
    result = np.zeros(padded_shape(len(values), values.shape[1:], padding), dtype=values.dtype)
    result[:, :, padding:-padding, padding:-padding] = values
    return result


def unpadded(values: np.ndarray, padding: int) -> np.ndarray:
    """What `padded` put zeros around, contiguous."""
    return np.ascontiguousarray(values[:, :, padding:-padding, padding:-padding]) if padding else values
