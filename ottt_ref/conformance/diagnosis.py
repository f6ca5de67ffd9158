"""Which known trap a difference is: what a backend returned, against every variation of the reference.

A trap is named where all of a case's arrays are, within the tolerance, what the reference gives under it. Two traps
that say the same on a case are both named; over several cases the one that explains most is the likely one.
"""

import math
from collections import Counter
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .arrays import expected_of
from .compare import differing
from .reference import FORWARD, MEANINGS, ONLINE
from .traps import combined, forward_traps, gradient_traps, surrogate_scaled, surrogate_traps
from .variations import compute

FULL_SEARCHES = 4
SINGLE_PRECISION, REDUCED_PRECISION = 1e-5, 1e-2


@dataclass(frozen=True)
class Diagnosis:
    """A trap's name, and what it is in a sentence."""

    name: str
    says: str


NO_GRADIENT = Diagnosis(
    "no-gradient", "None is no gradient: the framework did not reach this parameter; where it is none, return zeros"
)
RECORDED = Diagnosis(
    "recorded-otherwise", "all gradients are right: what is returned of the way there, errors and traces, is not"
)
NOT_FINITE = Diagnosis("not-finite", "there are numbers that are infinite, or no numbers: an overflow, or 0 / 0")


class Diagnostician:
    """It remembers what it found: after a few whole searches, traps that explained something are tried first."""

    def __init__(self):
        self._successes = Counter()
        self._searches = Counter()

    def forward(self, case, found, relative):
        """Diagnoses of a forward pass [T, B, ...] by name, which has the expected shapes."""
        if not _finite(found):
            return [NOT_FINITE]
        names = [name for name in found if name != "loss"]
        if _same(found, case.arrays, names, relative):
            return _loss_alone(case, found, case.arrays["loss"])
        singles = (*forward_traps(), *surrogate_traps())
        matches = self._search(case, FORWARD, singles, found, names, relative)
        if not matches:
            pairs = [pair for pair in (combined(a, b) for a, b in combinations(forward_traps(), 2)) if pair]
            matches = self._search(case, FORWARD, pairs, found, names, relative)
        return matches or _imprecise(case.arrays, found, names)

    def gradients(self, case, method, found, relative):
        """Diagnoses of a method's gradients, or of parameters after online steps, which have the expected shapes."""
        if not _finite(found):
            return [NOT_FINITE]
        expected = case.gradients(method)
        if _same(found, expected, list(expected), relative):  # what differs is on the way there
            known = {each.name: each.values for each in expected_of(case, method)}
            on_the_way = [name for name in found if name not in expected and name != "loss"]
            if not _same(found, known, on_the_way, relative):
                return [RECORDED]
            return _loss_alone(case, found, known.get("loss", 0.0))
        matches = _other_methods(case, method, found, relative)
        traps = gradient_traps(case)
        matches += self._search(case, method, traps, found, list(expected), relative)
        if not matches:
            estimated = _estimated_surrogate(case, method, found, expected)
            matches = self._search(case, method, estimated, found, list(expected), relative)
        if not matches:  # gradients alone may be asked for, or the spikes be the same: none, or all
            matches = self._search(case, method, forward_traps(), found, list(expected), relative)
        if not matches and method not in ONLINE:
            matches = _scaled(case, method, traps, found, relative)
        return matches or _imprecise(expected, found, list(expected))

    def _search(self, case, method, traps, found, names, relative):
        known = [trap for trap in traps if self._successes[trap.name]]
        matches = _matching(case, method, known, found, names, relative)
        if not matches or self._searches[method] < FULL_SEARCHES:
            self._searches[method] += 1
            matches += _matching(case, method, [t for t in traps if t not in known], found, names, relative)
        self._successes.update(match.name for match in matches)
        return matches


def _finite(found):
    return all(np.all(np.isfinite(array)) for array in found.values())


def _matching(case, method, traps, found, names, relative):
    matches = []
    for trap in traps:
        varied = _computed(case, method, trap)
        if varied is not None and _same(found, varied, names, relative):
            matches.append(Diagnosis(trap.name, trap.says))
    return matches


def _computed(case, method, trap):
    """The case under the trap; None where there is no such thing, as of labels that do not fit swapped axes."""
    try:
        with np.errstate(all="ignore"):
            return compute(case, method, trap)
    except (ValueError, ArithmeticError):
        return None


def _same(found, varied, names, relative):
    for name in names:
        got, want = np.asarray(found[name], dtype=np.float64), np.asarray(varied[name], dtype=np.float64)
        if got.shape != want.shape or differing(got, want, relative).any():
            return False
    return True


def _other_methods(case, method, found, relative):
    """Another method of the case whose arrays these are."""
    for other in case.methods[1:]:
        if (other in ONLINE) == (method in ONLINE) and other != method:
            arrays = case.gradients(other)
            if _same(found, arrays, list(arrays), relative):
                return [Diagnosis(f"is-{other}", f"this is what {MEANINGS[other]} gives")]
    return []


def _estimated_surrogate(case, method, found, expected):
    """ψ times what the gradient of the last spiking layer, which is linear in ψ, says that it is multiplied by."""
    network = case.network
    into_last = [name for c in network.incoming(network.spiking[-1]) for name in c.parameters]
    if method in ONLINE:
        start = case.parameters
        moved = [(found[name][0] - start[name], expected[name][0] - start[name]) for name in into_last]
    else:
        moved = [(found[name], expected[name]) for name in into_last]
    factor = _ratio([np.asarray(got, dtype=np.float64) for got, _ in moved], [want for _, want in moved])
    return [] if factor is None else [surrogate_scaled(factor)]


def _ratio(got, want):
    """k of least squares in got = k want; None where it is no number, or 1."""
    got, want = (np.concatenate([array.ravel() for array in arrays]).astype(np.float64) for arrays in (got, want))
    square = want @ want
    if not square or not np.all(np.isfinite(got)):
        return None
    factor = float(got @ want / square)
    return None if abs(factor - 1) < SINGLE_PRECISION else factor


def _scaled(case, method, traps, found, relative):
    """All gradients, of the method or under one trap, times one number."""
    expected = case.gradients(method)
    names = list(expected)
    candidates = [(None, expected)] + [(trap, _computed(case, method, trap)) for trap in traps if trap.aspect != "loss"]
    for trap, varied in candidates:
        if varied is None:
            continue
        factor = _ratio([np.asarray(found[name]) for name in names], [varied[name] for name in names])
        if factor and _same(found, {name: varied[name] * factor for name in names}, names, relative):
            also = f"; and {trap.says}" if trap else ""
            name = "scaled" + (f" + {trap.name}" if trap else "")
            return [Diagnosis(name, f"every gradient is {factor:.6g} times what it should be{also}")]
    return []


def _loss_alone(case, found, loss):
    """What the loss that is reported was multiplied by, where nothing else differs."""
    if "loss" not in found or not float(loss):
        return []
    steps, batch = case.entry["time_steps"], case.entry["batch_size"]
    sums = [(batch, "over the batch"), (steps, "over the time steps")]
    if min(steps, batch) > 1:
        sums.append((steps * batch, "over the batch and the time steps"))
    factor = float(found["loss"]) / float(loss)
    over = [text for known, text in sums if known > 1 and abs(factor / known - 1) < SINGLE_PRECISION]
    says = f"the loss that is reported is a sum {' or '.join(over)}, not a mean"
    return [Diagnosis("reported-loss-summed", says)] if over else []


def _imprecise(expected, found, names):
    """Fewer digits than asked for: single precision, or products of fewer bits."""
    double = all(expected[name].dtype == np.float64 for name in names if expected[name].dtype.kind == "f")
    if double and _same(found, expected, names, SINGLE_PRECISION):
        return [Diagnosis("single-precision", "the numbers are right in single precision alone")]
    if _same(found, expected, names, REDUCED_PRECISION):
        says = (
            f"the numbers are right to {REDUCED_PRECISION:g} of the largest: fewer bits, or a small term more or less"
        )
        return [Diagnosis("reduced-precision", says)]
    return []


def of_shape(got, wanted, method):
    """Diagnoses of an array that has not the shape of the Expected one, or is None."""
    if got is None:
        return (NO_GRADIENT,) if method != FORWARD and method not in ONLINE and not wanted.timed else ()
    shape, expected = np.shape(got), wanted.values.shape
    if shape == expected:  # it is of another kind: text, or complex numbers
        return ()
    if len(shape) >= 3 and shape == (expected[1], expected[0], *expected[2:]):
        return (Diagnosis("axes-swapped", "the axes of batch and time are swapped in what is returned"),)
    if len(shape) == 2 and shape == expected[::-1]:
        return (Diagnosis("transposed", "the array is transposed: weights and their gradients are [n_out, n_in]"),)
    if wanted.timed and shape == expected[1:]:
        return (Diagnosis("without-time", "the axis of time is missing"),)
    if _without_ones(shape) == _without_ones(expected):
        return (Diagnosis("axis-of-one", "there is an axis of length 1 too many or too few"),)
    if len(shape) == 1 and shape[0] == math.prod(expected):
        return (Diagnosis("flattened", "the array is flattened: all its axes are made one"),)
    return ()


def _without_ones(shape):
    return tuple(length for length in shape if length != 1)
