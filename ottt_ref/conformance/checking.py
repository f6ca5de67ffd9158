"""Run an adapter on the cases and compare: a Verdict for each case and method.

The forward pass is judged first. Where it holds, gradients are compared; where it fails, a method's gradients are not
compared, unless all spikes are the reference's all the same, or the adapter computes its gradients at the reference's
spikes (`given_spikes`): forward conformance and gradient conformance are two things, and it is said which one failed.
Where a spike differs at a potential whose distance to the threshold is within the tolerance, it has flipped by
rounding: the forward pass is compared up to there, and holds. At the threshold exactly, it has not.
"""

from __future__ import annotations

import traceback
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .arrays import expected_of
from .compare import RELATIVE, Divergence, Misfit, differing, first, first_in_time, misfit
from .diagnosis import Diagnosis, Diagnostician, of_shape
from .reference import FORWARD, ONLINE

if TYPE_CHECKING:
    from .adapter import Adapter
    from .files import Case

PASSED, FAILED, UNSUPPORTED, NOT_COMPARED = "passed", "failed", "unsupported", "not compared"
BACKWARDS = ("bptt", "bptt-kept")  # in time: their first error is that of the last time step
OUTCOMES = (PASSED, FAILED, UNSUPPORTED, NOT_COMPARED)


@dataclass(frozen=True)
class Verdict:
    """What came out for one method of one case.

    outcome    "passed", "failed", "unsupported" (the adapter says so), or "not compared" (the forward pass differs)
    reason     why it is not a pass, in words; of a pass empty, or what is worth knowing
    found      the first Divergence or Misfit, or None
    diagnoses  the known traps that explain a failure, each a `diagnosis.Diagnosis`

    >>> Verdict("dense", "ottt", PASSED).outcome
    'passed'
    """

    case: str
    method: str
    outcome: str
    reason: str = ""
    found: Divergence | Misfit | None = None
    diagnoses: tuple[Diagnosis, ...] = ()


def check(
    adapter: Adapter, cases: Iterable[Case], methods: Collection[str] | None = None, relative: float | None = None
) -> Iterator[Verdict]:
    """Verdicts of every case and method, one after the other.

    adapter    as `adapter.prepared` gives it
    methods    which to check (all of a case's if None); the forward pass is always run
    relative   the tolerance, relative to the largest number of an array; by dtype if None (`compare.RELATIVE`)

    A backend that traces neither inputs nor biases, as the authors' code, is found out, and told so:

    >>> import ottt_ref as ot
    >>> from ottt_ref.conformance import checking, files
    >>> def adapter(case, method):
    ...     if method == "forward":
    ...         raise NotImplementedError("gradients alone")
    ...     return ot.ottt.gradients(case.network, case.inputs, case.targets, case.loss, dialect="authors")
    >>> for verdict in checking.check(adapter, files.make_cases(["dense"]), ["ottt"]):
    ...     print(verdict.method, verdict.outcome, *(diagnosis.name for diagnosis in verdict.diagnoses))
    forward unsupported
    ottt failed is-ottt-authors
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

    >>> import ottt_ref as ot
    >>> from ottt_ref.conformance import checking, files
    >>> def adapter(case, method):
    ...     return ot.sltt.gradients(case.network, case.inputs, case.targets, case.loss)
    >>> adapter.methods = ("sltt",)
    >>> checks = checking.CaseChecks(adapter, files.make_cases(["dense"])[0])
    >>> checks.verdict("sltt").outcome, checks.verdict("ottt").outcome
    ('passed', 'unsupported')
    """

    def __init__(
        self,
        adapter: Adapter,
        case: Case,
        relative: float | None = None,
        diagnostician: Diagnostician | None = None,
    ):
        self._adapter = adapter
        self._case = case
        self._relative = RELATIVE[str(case.dtype)] if relative is None else relative
        self._diagnostician = diagnostician or Diagnostician()
        self._forward: tuple[Verdict, bool] | None = None

    def verdict(self, method: str) -> Verdict:
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
        wrong, divergence = self._compared(FORWARD, found)
        if wrong:
            return wrong, False
        if divergence is None:
            return Verdict(case.name, FORWARD, PASSED), True
        if divergence.array.startswith("spikes") and _near_threshold(case, divergence, self._relative):
            reason = "a spike flipped within rounding, and nothing is compared from there on"
            return Verdict(case.name, FORWARD, PASSED, reason, divergence), False
        verdict = Verdict(case.name, FORWARD, FAILED, "the forward pass differs", divergence)
        return self._diagnosed(verdict, found, self._diagnostician.forward), _same_spikes(case, found)

    def _judge_gradients(self, method):
        case = self._case
        found = _run(self._adapter, case, method)
        if isinstance(found, Verdict):
            return found
        wrong, divergence = self._compared(method, found)
        if wrong:
            return wrong
        if divergence is None:
            return Verdict(case.name, method, PASSED)
        reason = "it learns otherwise" if method in ONLINE else "the gradients differ"
        verdict = Verdict(case.name, method, FAILED, reason, divergence)
        return self._diagnosed(verdict, found, partial(self._diagnostician.gradients, method=method))

    def _compared(self, method, found):
        """The Verdict of an array that cannot be compared, or None; and the first Divergence, or None."""
        case = self._case
        present = [each for each in expected_of(case, method) if each.required or each.name in found]
        for each in present:
            wrong = misfit(each.full, found.get(each.name), each.values)
            if wrong:
                diagnoses = () if each.name not in found else of_shape(found[each.name], each.values.shape)
                return Verdict(case.name, method, FAILED, "it cannot be compared", wrong, diagnoses), None
        rows = [(each, np.asarray(found[each.name], dtype=np.float64)) for each in present]
        timed = [(each.full, got, each.values) for each, got in rows if each.timed]
        last_first = method in BACKWARDS
        divergence = first_in_time(timed, self._relative, last_first=last_first)
        for each, got in rows:
            where = None if each.timed else differing(got, each.values, self._relative)
            if divergence is None and where is not None and where.any():
                divergence = first(each.full, got, each.values, where, timed=False)
        return None, divergence

    def _diagnosed(self, verdict, found, diagnose):
        """The verdict with diagnoses: of an adapter that keeps a state nothing else is said."""
        case = self._case
        names = [each.name for each in expected_of(case, verdict.method) if each.name in found]
        found = {name: np.asarray(found[name], dtype=np.float64) for name in names}
        again = _run(self._adapter, case, verdict.method)
        if not isinstance(again, Verdict) and not _equal(found, again):
            return replace(verdict, diagnoses=(STATE_KEPT,))
        if self._forward and self._forward[0].outcome == PASSED:
            again = _run(self._adapter, case, FORWARD)
            names = [name for name in again if name in case.arrays] if not isinstance(again, Verdict) else []
            if not _equal({name: case.arrays[name] for name in names}, again):
                return replace(verdict, diagnoses=(STATE_KEPT,))
        return replace(verdict, diagnoses=tuple(diagnose(case=case, found=found, relative=self._relative)))


STATE_KEPT = Diagnosis("state-kept", "a second call gives other numbers: something is left from the call before")


def _equal(found, again):
    """Whether a second call returned the same numbers, up to what the order of sums may change."""
    return all(
        misfit(name, again.get(name), got) is None and not differing(again[name], got, 1e-5).any()
        for name, got in found.items()
        if np.all(np.isfinite(got))
    )


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


def _same_spikes(case, found):
    """Whether all spikes are the reference's, so that what differs is what is recorded, or the readout."""
    names = [name for name in case.arrays if name.startswith("spikes/")]
    return all(np.array_equal(np.asarray(found[name], dtype=np.float64), case.arrays[name]) for name in names)


def _near_threshold(case, divergence, relative):
    l = int(divergence.array.removeprefix("spikes/"))
    threshold = case.entry["network"]["layers"][l]["neuron"]["threshold"]
    potentials = case.arrays[f"potential/{l}"]
    distance = abs(float(potentials[divergence.time_step, *divergence.index]) - threshold)
    return 0 < distance <= relative * float(np.abs(potentials).max())
