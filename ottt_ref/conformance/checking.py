"""Run an adapter on the cases and compare: a Verdict for each case and method.

The forward pass is judged first. Where it holds, gradients are compared; where it fails, a method's gradients are not
compared, unless all spikes are the reference's all the same, or the adapter computes its gradients at the reference's
spikes (`given_spikes`): forward conformance and gradient conformance are two things, and it is said which one failed.
Where a spike differs at a potential whose distance to the threshold is within the tolerance, it has flipped by
rounding: the forward pass is compared up to there, and holds. At the threshold exactly, it has not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ..validation import require_number
from .arrays import expected_of, near_names
from .asking import Refusal, ask
from .compare import RELATIVE, Divergence, Misfit, differing, first, first_in_time, misfit
from .diagnosis import Diagnosis, Diagnostician, of_shape
from .reference import FORWARD, MEANINGS, ONLINE

if TYPE_CHECKING:
    from .adapter import Adapter
    from .files import Case

PASSED, FAILED, UNSUPPORTED, NOT_COMPARED = "passed", "failed", "unsupported", "not compared"
BACKWARDS = ("bptt", "bptt-kept")  # in time: their first error is that of the last time step
INCOMPARABLE = "it cannot be compared"
OUTCOMES = (PASSED, FAILED, UNSUPPORTED, NOT_COMPARED)


@dataclass(frozen=True)
class Verdict:
    """What came out for one method of one case.

    outcome    "passed", "failed", "unsupported" (the adapter says so), or "not compared" (the forward pass differs)
    reason     why it is not a pass, in words; of a pass empty, or what is worth knowing
    found      the first Divergence or Misfit, or None
    diagnoses  the known traps that explain a failure, each a `diagnosis.Diagnosis`
    frames     of an exception of the adapter's, where it was raised, innermost last (`tracebacks.last_frames`)
    unknown    (name, name) of what was returned and is no array of the method: its name, and that of an array that is
               missing and has nearly this name, or ""

    >>> Verdict("dense", "ottt", PASSED).outcome
    'passed'
    """

    case: str
    method: str
    outcome: str
    reason: str = ""
    found: Divergence | Misfit | None = None
    diagnoses: tuple[Diagnosis, ...] = ()
    frames: tuple[str, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()


def check(
    adapter: Adapter, cases: Iterable[Case], methods: Collection[str] | None = None, relative: float | None = None
) -> Iterator[Verdict]:
    """Verdicts of every case and method, one after the other.

    adapter    as `adapter.prepared` gives it
    methods    which to check (all of a case's if None); the forward pass is always run
    relative   the tolerance, relative to the largest number of an array; by dtype if None (`compare.RELATIVE`)

    Raises TypeError or ValueError, before any case, for methods that there are not, and a tolerance outside [0, 1).

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
    require_known("methods", methods, MEANINGS)
    if relative is not None:
        require_number("relative", relative, "in [0, 1)", lambda number: 0 <= number < 1)
    return _verdicts(adapter, cases, methods, relative)


def _verdicts(adapter, cases, methods, relative):
    diagnostician = Diagnostician()
    for case in cases:
        checks = CaseChecks(adapter, case, relative, diagnostician)
        for method in case.methods:
            if methods is None or method in methods or method == FORWARD:
                yield checks.verdict(method)


def require_known(argument: str, names: Collection[str] | None, known: Collection[str]) -> None:
    """Raise TypeError unless `names` is a collection of names, or None, and ValueError for a name that is not known."""
    if isinstance(names, str) or not isinstance(names, Collection | None):
        raise TypeError(f"{argument} must be a collection of names, such as [{next(iter(known))!r}], got {names!r}")
    wrong = [name for name in names or () if name not in known]
    if wrong:
        raise ValueError(f"{argument} must be of {', '.join(known)}, got {wrong[0]!r}")


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
        found = ask(self._adapter, case, FORWARD)
        if isinstance(found, Refusal):
            return self._refused(FORWARD, found), found.unsupported  # gradients alone may be asked for
        verdict, differing_names = self._compared(FORWARD, found)
        if verdict.outcome == PASSED or isinstance(verdict.found, Misfit):
            return verdict, verdict.outcome == PASSED
        divergence = verdict.found
        if divergence.array.startswith("spikes") and _near_threshold(case, divergence, self._relative):
            reason = "a spike flipped within rounding, and nothing is compared from there on"
            return replace(verdict, outcome=PASSED, reason=reason), False
        loss_alone = differing_names == {"loss"}
        reason = "the loss that is reported differs" if loss_alone else "the forward pass differs"
        verdict = replace(verdict, reason=reason)
        return self._diagnosed(verdict, found, self._diagnostician.forward), _same_spikes(case, found)

    def _judge_gradients(self, method):
        found = ask(self._adapter, self._case, method)
        if isinstance(found, Refusal):
            return self._refused(method, found)
        verdict, differing_names = self._compared(method, found)
        if verdict.outcome == PASSED or isinstance(verdict.found, Misfit):
            return verdict
        reason = "it learns otherwise" if method in ONLINE else "the gradients differ"
        if not differing_names & set(self._case.gradients(method)):
            what = "the loss that is reported differs" if differing_names == {"loss"} else "what is recorded differs"
            reason = f"{what}, the gradients do not"
        verdict = replace(verdict, reason=reason)
        return self._diagnosed(verdict, found, partial(self._diagnostician.gradients, method=method))

    def _refused(self, method, refusal):
        verdict = Verdict(self._case.name, method, FAILED, refusal.reason, frames=refusal.frames)
        if refusal.unsupported:
            return replace(verdict, outcome=UNSUPPORTED)
        if not refusal.frames:
            return replace(verdict, reason=INCOMPARABLE, found=Misfit("the adapter", refusal.reason))
        return verdict

    def _compared(self, method, found):
        """The Verdict, which may still lack its reason, and the names of the arrays that differ."""
        case, expected = self._case, expected_of(self._case, method)
        unknown = near_names(found, expected)
        verdict = Verdict(case.name, method, PASSED, unknown=unknown)
        present = [each for each in expected if each.required or each.name in found]
        for each in present:
            if each.name in found:
                wrong = misfit(each.full, found[each.name], each.values)
            else:
                wrong = Misfit(each.full, f"expected an array of that name, got none{_nearly(each.name, unknown)}")
            if wrong:
                diagnoses = of_shape(found[each.name], each, method) if each.name in found else ()
                return replace(verdict, outcome=FAILED, reason=INCOMPARABLE, found=wrong, diagnoses=diagnoses), set()
        rows = [(each, np.asarray(found[each.name], dtype=np.float64)) for each in present]
        timed = [(each.full, got, each.values) for each, got in rows if each.timed]
        last_first = method in BACKWARDS
        divergence = first_in_time(timed, self._relative, last_first=last_first)
        names = set()
        for each, got in rows:
            where = differing(got, each.values, 0.0 if each.exact else self._relative)
            if where.any():
                names.add(each.name)
                if divergence is None:
                    divergence = first(each.full, got, each.values, where, timed=False)
        return (verdict if divergence is None else replace(verdict, outcome=FAILED, found=divergence)), names

    def _diagnosed(self, verdict, found, diagnose):
        """The verdict with diagnoses: of an adapter that keeps a state nothing else is said."""
        case = self._case
        names = [each.name for each in expected_of(case, verdict.method) if each.name in found]
        found = {name: np.asarray(found[name], dtype=np.float64) for name in names}
        again = ask(self._adapter, case, verdict.method)
        if not isinstance(again, Refusal) and not _equal(found, again):
            return replace(verdict, diagnoses=(STATE_KEPT,))
        if self._forward and self._forward[0].outcome == PASSED:
            again = ask(self._adapter, case, FORWARD)
            names = [name for name in again if name in case.arrays] if not isinstance(again, Refusal) else []
            if not _equal({name: case.arrays[name] for name in names}, again):
                return replace(verdict, diagnoses=(STATE_KEPT,))
        return replace(verdict, diagnoses=tuple(diagnose(case=case, found=found, relative=self._relative)))


STATE_KEPT = Diagnosis(
    "state-kept", "a second call gives other numbers: something is left from the call before, or is random"
)


def _nearly(name, unknown):
    """What was returned under nearly the name of an array that is missing, as the end of a sentence."""
    return "".join(f", but something called {other!r}" for other, near in unknown if near == name)


def _equal(found, again):
    """Whether a second call returned the same numbers, up to what the order of sums may change."""
    return all(
        misfit(name, again.get(name), got) is None and not differing(again[name], got, 1e-5).any()
        for name, got in found.items()
        if np.all(np.isfinite(got))
    )


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
