"""Where two computations first differ, in the order in which they were made.

Floats are compared with a relative tolerance, of the largest number in the expected array: what an array's numbers were
added up from is as large as they are, or larger; an array whose numbers are all below 1e-20 is one of zeros, as far as
that goes: a derivative far from the threshold may be rounded to 0. Spikes are compared exactly.
"""

from dataclasses import dataclass

import numpy as np

from ..validation import shown

RELATIVE = {"float64": 1e-9, "float32": 1e-4}
NEGLIGIBLE = 1e-20
MOST_ULPS = 1000  # more of them say nothing to a reader


@dataclass(frozen=True)
class Divergence:
    """The first number that differs.

    array       its name: "potential/1", "gradient/ottt/layer0.weight"
    time_step   t, or None of what has none
    index       the rest of its index: sample first in a sequence
    expected, got, ulps   the two numbers, and how many units in the last place of the expected one lie between them
    """

    array: str
    time_step: int | None
    index: tuple
    expected: float
    got: float
    ulps: float

    @property
    def layer(self):
        """The layer that the array is of, as it is named: "1" of potential/1, "layer0" of .../layer0.weight."""
        return self.array.rpartition("/")[2].partition(".")[0]

    def __str__(self):
        when = "" if self.time_step is None else f" at t = {self.time_step}"
        where = f", index [{', '.join(map(str, self.index))}]" if self.index else ""
        return f"{self.array}{when}{where}: expected {self.expected!r}, got {self.got!r}{self._apart()}"

    def _apart(self):
        """How far apart the numbers are, in the unit that says most."""
        if self.array.startswith("spikes") or not np.isfinite(self.got):
            return ""
        if self.ulps <= MOST_ULPS:
            return f" ({self.ulps:.3g} units in the last place)"
        difference = abs(self.got - self.expected)
        share = difference / abs(self.expected) if self.expected else np.inf
        return f" ({difference:.3g} apart" + (f", {share:.3g} of the expected number)" if share <= 1 else ")")


@dataclass(frozen=True)
class Misfit:
    """An array that cannot be compared: missing, or of another shape or kind."""

    array: str
    reason: str

    def __str__(self):
        return f"{self.array}: {self.reason}"


def misfit(name, got, expected):
    """The Misfit of an array, or None where it can be compared."""
    if got is None:
        return Misfit(name, f"expected an array of shape {list(expected.shape)}, got None")
    try:
        kind = np.asarray(got).dtype.kind
        if kind in "cUSmM":  # numpy makes floats of these too
            return Misfit(name, f"expected an array of real numbers, got {shown(np.asarray(got))}")
        array = np.asarray(got, dtype=np.float64)
    except Exception as error:  # of tensors that still have a gradient, lie on a device, or were freed
        return Misfit(name, f"expected an array of numbers, got {type(got).__name__}: {error}")
    if array.shape != expected.shape:
        return Misfit(name, f"expected the shape {list(expected.shape)}, got {list(array.shape)}")
    return None


def tolerance(expected, relative):
    """How far a number may be from the expected one."""
    return relative * max(float(np.abs(expected).max(initial=0.0)), NEGLIGIBLE)


def differing(got, expected, relative):
    """Where two arrays of one shape differ, as booleans; NaN differs from everything."""
    with np.errstate(invalid="ignore"):
        return ~(np.abs(np.asarray(got, dtype=np.float64) - expected) <= tolerance(expected, relative))


def first(name, got, expected, where, *, timed):
    """The Divergence at the first place of `where`; `timed` says whether the first axis is time."""
    place = tuple(int(k) for k in np.argwhere(where)[0])
    wanted, found = float(expected[place]), float(np.asarray(got)[place])
    unit = float(np.spacing(np.abs(expected[place])))
    ulps = abs(found - wanted) / unit if np.isfinite(found) else np.inf
    return Divergence(name, place[0] if timed else None, place[1:] if timed else place, wanted, found, ulps)


def first_in_time(pairs, relative, *, last_first=False):
    """The first difference among sequences (name, got, expected), [T, ...], by time step and then in their order.

    A name that begins with "spikes" is compared exactly. With `last_first` time goes backwards.
    """
    if not pairs:
        return None
    steps = range(len(pairs[0][2]))
    for t in reversed(steps) if last_first else steps:
        for name, got, expected in pairs:
            exact = name.startswith("spikes")
            where = np.zeros(expected.shape, dtype=bool)
            difference = np.abs(np.asarray(got, dtype=np.float64)[t] - expected[t])
            with np.errstate(invalid="ignore"):
                where[t] = ~(difference <= (0.0 if exact else tolerance(expected, relative)))
            if where.any():
                return first(name, got, expected, where, timed=True)
    return None
