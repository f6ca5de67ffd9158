"""Lists of events, and the frames that they are counted into."""

from dataclasses import dataclass
from math import prod

import numpy as np

from ottt_ref.validation import require_choice, require_count

from .reading import DataError

DIVISIONS = ("count", "time")


@dataclass(frozen=True)
class Events:
    """What happened at which line of an input, in the order of the recording.

    times   int64 [n], microseconds (samples of a series: their places)
    places  int32 [n], places in an input of `shape`, row by row
    shape   [2, H, W] of a camera, whose polarities are 0, OFF, and 1, ON; [n] of what has no picture
    """

    times: np.ndarray
    places: np.ndarray
    shape: tuple[int, ...]

    def __len__(self):
        return len(self.times)

    @property
    def coordinates(self) -> tuple[np.ndarray, ...]:
        """The places axis by axis: polarity, y and x of a camera."""
        return np.unravel_index(self.places, self.shape)


def of_camera(what, t, x, y, p, height, width) -> Events:
    """Events of a camera from columns; DataError that says `what` if one lies off the sensor."""
    for axis, values, length in (("x", x, width), ("y", y, height)):
        wrong = np.flatnonzero((values < 0) | (values >= length))
        if len(wrong):
            first = int(wrong[0])
            raise DataError(f"{what}: {axis} must be from 0 to {length - 1}, got {values[first]} at event {first}")
    places = (np.asarray(p, np.int32) * height + np.asarray(y, np.int32)) * width + np.asarray(x, np.int32)
    return Events(np.asarray(t, np.int64), places, (2, height, width))


def shrunk(events: Events, height: int, width: int) -> Events:
    """The same events on a coarser sensor: pixel (y, x) becomes (y * height // H, x * width // W)."""
    height, width = require_count("height", height), require_count("width", width)
    if len(events.shape) != 3:
        raise ValueError(f"events must be a camera's, [2, H, W], got a shape {events.shape}")
    polarity, y, x = events.coordinates
    _, old_height, old_width = events.shape
    if height > old_height or width > old_width:
        raise ValueError(f"a sensor of {old_height} x {old_width} can only be made smaller, got {height} x {width}")
    y, x = y * height // old_height, x * width // old_width
    return Events(events.times, ((polarity * height + y) * width + x).astype(np.int32), (2, height, width))


def frames(events: Events, time_steps: int, by: str = "time") -> np.ndarray:
    """How often each line had an event in each of T parts of the recording: uint32 [T, *shape].

    by  "count": each part has N // T events, the last what is left too; "time": each lasts (last - first) // T
        microseconds, the last until the end. These are the divisions of SpikingJelly, which raises an error where a
        part in time has no event; here its frame is zero. Without events all frames are zero.
    """
    time_steps = require_count("time_steps", time_steps)
    require_choice("by", by, DIVISIONS)
    size = prod(events.shape)
    if len(events) == 0:
        return np.zeros((time_steps, *events.shape), np.uint32)
    position = events.times - events.times[0] if by == "time" else np.arange(len(events))
    span = position[-1] if by == "time" else len(events)
    step = np.clip(position // max(int(span) // time_steps, 1), 0, time_steps - 1)
    counts = np.bincount(step * size + events.places, minlength=time_steps * size)
    return counts.astype(np.uint32).reshape(time_steps, *events.shape)


def windows(events: Events, time_steps: int, duration: int) -> np.ndarray:
    """Frames of a fixed duration from time 0 on, uint32 [T, *shape]; events after T of them are left out."""
    time_steps, duration = require_count("time_steps", time_steps), require_count("duration", duration)
    step = events.times // duration
    inside = (step >= 0) & (step < time_steps)
    size = prod(events.shape)
    counts = np.bincount(step[inside] * size + events.places[inside], minlength=time_steps * size)
    return counts.astype(np.uint32).reshape(time_steps, *events.shape)
