"""From a batch to the input of a network, [T, B, ...]: direct input of images, frames of events."""

from dataclasses import dataclass

import numpy as np

from ottt_ref.validation import require_choice, require_count, require_dtype, require_positive

from .events import DIVISIONS, frames, shrunk, windows


@dataclass(frozen=True)
class DirectInput:
    """Each image as the current of every time step: (pixel / largest - mean) / std, float [T, B, C, H, W].

    largest    the highest value of a pixel
    mean, std  of each channel, over the training images, after division; None leaves pixels in [0, 1]
    flat       whether a network of dense layers reads it: [T, B, C * H * W]
    """

    time_steps: int
    largest: int = 255
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    dtype: str = "float32"
    flat: bool = False

    def __post_init__(self):
        require_count("time_steps", self.time_steps)
        require_count("largest", self.largest)
        require_dtype("dtype", self.dtype)
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std must be given together, or neither")
        for value in self.std or ():
            require_positive("std", value)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        pixels = images / self.largest  # float64: rounded to the dtype once, at the end
        if self.mean is not None:
            mean, std = (np.array(values, np.float64).reshape(-1, 1, 1) for values in (self.mean, self.std))
            if len(mean) != images.shape[1] or len(std) != images.shape[1]:
                raise ValueError(f"mean and std must have one value for each of {images.shape[1]} channels")
            pixels = (pixels - mean) / std
        pixels = pixels.astype(self.dtype)
        if self.flat:
            pixels = pixels.reshape(len(pixels), -1)
        return np.repeat(pixels[np.newaxis], self.time_steps, axis=0)


@dataclass(frozen=True)
class Frames:
    """Events counted into T frames, float [T, B, *shape].

    by        "count" or "time", as `events.frames` divides a recording, or "window": each frame lasts `duration`
    duration  microseconds (of a series: samples)
    side      how many pixels a camera's frames are made high and wide, by `events.shrunk`; None leaves them
    spikes    whether a frame says only if there was an event: 0 or 1
    flat      whether a network of dense layers reads it: [T, B, n]
    """

    time_steps: int
    by: str = "time"
    duration: int | None = None
    side: int | None = None
    spikes: bool = False
    dtype: str = "float32"
    flat: bool = False

    def __post_init__(self):
        require_count("time_steps", self.time_steps)
        require_choice("by", self.by, (*DIVISIONS, "window"))
        require_dtype("dtype", self.dtype)
        if self.side is not None:
            require_count("side", self.side)
        if self.by == "window":
            require_count("duration", self.duration)
        elif self.duration is not None:
            raise ValueError(f"duration is for by='window', got by={self.by!r}")

    def __call__(self, recordings: list) -> np.ndarray:
        counted = [self.count(events) for events in recordings]
        result = np.stack(counted, axis=1)
        if self.spikes:
            result = result > 0
        if self.flat:
            result = result.reshape(*result.shape[:2], -1)
        return result.astype(self.dtype)

    def count(self, events) -> np.ndarray:
        """The frames of one recording, uint32 [T, *shape]."""
        if self.side is not None:
            events = shrunk(events, self.side, self.side)
        if self.by == "window":
            return windows(events, self.time_steps, self.duration)
        return frames(events, self.time_steps, self.by)
