"""Run an adapter on the cases and compare: a Verdict for each case and method.

The forward pass is judged first. Where it holds, gradients are compared; where it fails, a method's gradients are not
compared, unless the adapter computes them at the reference's spikes (`given_spikes`): forward conformance and gradient
conformance are two things, and it is said which one failed. Where a spike differs at a potential whose distance to the
threshold is within the tolerance, it has flipped by rounding: the forward pass is compared up to there, and holds.
"""

import traceback
from dataclasses import dataclass, replace

import numpy as np

from .compare import RELATIVE, differing, first, first_in_time, misfit
from .diagnosis import Diagnosis, Diagnostician, of_shape
from .reference import FORWARD, ONLINE

PASSED, FAILED, UNSUPPORTED, NOT_COMPARED = "passed", "failed", "unsupported", "not compared"
OUTCOMES = (PASSED, FAILED, UNSUPPORTED, NOT_COMPARED)


@dataclass(frozen=True)
class Verdict:
    """What came out for one method of one case.

    outcome    "passed", "failed", "unsupported" (the adapter says so), or "not compared" (the forward pass differs)
    reason     why it is not a pass, in words; of a pass empty, or what is worth knowing
    found      the first Divergence or Misfit, or None
    diagnoses  the known traps that explain a failure, each a `diagnosis.Diagnosis`
    """

    case: str
    method: str
    outcome: str
    reason: str = ""
    found: object = None
    diagnoses: tuple = ()


def check(adapter, cases, methods=None, relative=None):
    """Verdicts of every case and method, one after the other.

    adapter    as `adapter.prepared` gives it
    methods    which to check (all of a case's if None); the forward pass is always run
    relative   the tolerance, relative to the largest number of an array; by dtype if None (`compare.RELATIVE`)
    """
    diagnostician = Diagnostician()
    for case in cases:
        checks = CaseChecks(adapter, case, relative, diagnostician)
        for method in case.methods:
            if methods is None or method in methods or method == FORWARD:
                yield checks.verdict(method)


class CaseChecks:
    """The verdicts of one case, method by method; its forward pass is run once.

    diagnostician   shared between the cases of one adapter, or None for one of its own
    """

    def __init__(self, adapter, case, relative=None, diagnostician=None):
        self._adapter = adapter
        self._case = case
        self._relative = RELATIVE[str(case.dtype)] if relative is None else relative
        self._diagnostician = diagnostician or Diagnostician()
        self._forward = None

    def verdict(self, method):
        """The Verdict of the forward pass or of a method of the case."""
        if self._forward is None:
            self._forward = self._judge_forward()
        forward, same_spikes = self._forward
        if method == FORWARD:
            return forward
        if not (same_spikes or getattr(self._adapter, "given_spikes", False)):
            reason = f"its spikes are not the reference's (forward: {forward.outcome})"
            return Verdict(self._case.name, method, NOT_COMPARED, reason)
        return self._judge_gradients(method)

    def _judge_forward(self):
        """The Verdict of the forward pass, and whether all spikes are the reference's."""
        case = self._case
        found = _run(self._adapter, case, FORWARD)
        if isinstance(found, Verdict):
            return found, found.outcome == UNSUPPORTED  # gradients alone may be asked for
        wanted = forward_names(case)
        for name in wanted:
            if name in found or not name.startswith("potential"):
                wrong = misfit(name, found.get(name), case.arrays[name])
                if wrong:
                    return _misfitting(case, FORWARD, wrong, found.get(name), case.arrays[name]), False
        found = {name: np.asarray(found[name], dtype=np.float64) for name in wanted if name in found}
        divergence = first_in_time([(name, got, case.arrays[name]) for name, got in found.items()], self._relative)
        if divergence is None:
            return Verdict(case.name, FORWARD, PASSED), True
        if divergence.array.startswith("spikes") and _near_threshold(case, divergence, self._relative):
            reason = "a spike flipped within rounding, and nothing is compared from there on"
            return Verdict(case.name, FORWARD, PASSED, reason, divergence), False
        verdict = Verdict(case.name, FORWARD, FAILED, "the forward pass differs", divergence)
        return self._diagnosed(verdict, found, self._diagnostician.forward), False

    def _judge_gradients(self, method):
        case = self._case
        found = _run(self._adapter, case, method)
        if isinstance(found, Verdict):
            return found
        expected = case.gradients(method)
        for name, values in expected.items():
            wrong = misfit(name, found.get(name), values)
            if wrong:
                return _misfitting(case, method, wrong, found.get(name), values)
        divergence = _first_error(found, case, method, self._relative)
        divergence = divergence or _first_parameter(found, expected, method, self._relative)
        if divergence is None:
            return Verdict(case.name, method, PASSED)
        reason = "it learns otherwise" if method in ONLINE else "the gradients differ"
        found = {name: np.asarray(value, dtype=np.float64) for name, value in found.items() if name in expected}
        return self._diagnosed(
            Verdict(case.name, method, FAILED, reason, divergence),
            found,
            lambda case, found, relative: self._diagnostician.gradients(case, method, found, relative),
        )

    def _diagnosed(self, verdict, found, diagnose):
        """The verdict with diagnoses: of an adapter that keeps a state nothing else is said."""
        again = _run(self._adapter, self._case, verdict.method)
        if not isinstance(again, Verdict) and not _equal(found, again):
            return replace(verdict, diagnoses=(STATE_KEPT,))
        return replace(verdict, diagnoses=tuple(diagnose(self._case, found, self._relative)))


STATE_KEPT = Diagnosis("state-kept", "a second call gives other numbers: something is left from the call before")


def _equal(found, again):
    """Whether a second call returned the same numbers, up to what the order of sums may change."""
    return all(
        misfit(name, again.get(name), got) is None and not differing(again[name], got, 1e-5).any()
        for name, got in found.items()
        if np.all(np.isfinite(got))
    )


def _misfitting(case, method, wrong, got, expected):
    """The Verdict of an array that is missing or has another shape."""
    diagnoses = () if got is None else of_shape(got, expected.shape)
    return Verdict(case.name, method, FAILED, "it cannot be compared", wrong, diagnoses)


def _run(adapter, case, method):
    """The adapter's mapping, or a Verdict where there is none."""
    known = getattr(adapter, "methods", None)
    if known is not None and method not in known:
        return Verdict(case.name, method, UNSUPPORTED, f"the adapter has the methods {', '.join(sorted(known))}")
    try:
        found = adapter(case, method)
    except NotImplementedError as error:
        return Verdict(case.name, method, UNSUPPORTED, str(error) or "the adapter does not say why")
    except Exception as error:  # a backend may raise anything; its author needs to see where
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{last.filename}:{last.lineno}"
        return Verdict(case.name, method, FAILED, f"{type(error).__name__}: {error} ({place})")
    if not hasattr(found, "keys") or not hasattr(found, "__getitem__"):
        reason = f"the adapter must return a mapping of arrays, got {str(found)[:200]}"
        return Verdict(case.name, method, FAILED, reason)
    return {name: found[name] for name in found}


def forward_names(case):
    """Potential, then spikes, layer by layer, then the outputs: the order of computation."""
    layers = range(len(case.entry["network"]["layers"]))
    names = [name for l in layers for name in (f"potential/{l}", f"spikes/{l}") if name in case.arrays]
    return [*names, "outputs"]


def _near_threshold(case, divergence, relative):
    l = int(divergence.array.removeprefix("spikes/"))
    threshold = case.entry["network"]["layers"][l]["neuron"]["threshold"]
    potentials = case.arrays[f"potential/{l}"]
    distance = abs(float(potentials[divergence.time_step, *divergence.index]) - threshold)
    return 0 < distance <= relative * float(np.abs(potentials).max())


def _first_error(found, case, method, relative):
    """The first difference among the errors that the adapter gives, in the method's own order of time and layers."""
    prefix = f"error/{method}/"
    pairs = []
    for name, values in case.arrays.items():
        short = f"error/{name.removeprefix(prefix)}"
        if name.startswith(prefix) and short in found and misfit(name, found[short], values) is None:
            pairs.append((name, np.asarray(found[short], dtype=np.float64), values))
    pairs.reverse()  # errors come down from the output
    if method.startswith("bptt"):  # ... and back in time
        backwards = first_in_time([(name, got[::-1], values[::-1]) for name, got, values in pairs], relative)
        if backwards is None:
            return None
        return replace(backwards, time_step=len(pairs[0][2]) - 1 - backwards.time_step)
    return first_in_time(pairs, relative)


def _first_parameter(found, expected, method, relative):
    """The first parameter that differs: of online learning by time step, of gradients from the output down."""
    if method in ONLINE:
        rows = [
            (f"online/{method}/{name}", np.asarray(found[name], dtype=np.float64), values)
            for name, values in expected.items()
        ]
        return first_in_time(rows, relative)
    for name, values in reversed(expected.items()):
        where = differing(found[name], values, relative)
        if where.any():
            return first(f"gradient/{method}/{name}", found[name], values, where, timed=False)
    return None
