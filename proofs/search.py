"""Run a claim on many cases drawn by Hypothesis; shrink the first case that refutes it."""

import time
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable

from .claim import Refuted

LIVE_SHARE = 0.25


@dataclass(frozen=True)
class Result:
    """What came out for one claim.

    name            of the claim
    cases           how many were checked, and `live` of them exercised the claim
    slack           the worst, or None where nothing but exact arithmetic was used
    failure         None, or why the claim does not hold, with the shrunk case
    counterexamples one line for each hypothesis dropped
    """

    name: str
    cases: int
    live: int
    slack: float | None
    failure: str | None
    counterexamples: tuple
    seconds: float

    @property
    def holds(self):
        """Whether no case refuted the claim, enough were live, and each counterexample stands."""
        return self.failure is None


def run(claim, cases, seed_number=0, on_case=lambda: None):
    """Check `claim` on its share of `cases` cases and its counterexamples; a Result, whatever comes out.

    The same seed draws the same cases. `on_case()` is called after each case.
    """
    started = time.perf_counter()
    findings = []
    failure = _search(claim, count(claim, cases), seed_number, findings, on_case)
    shown, failed = _counterexamples(claim)
    live = sum(bool(finding.live) for finding in findings)
    if failure is None and live < LIVE_SHARE * len(findings):
        failure = f"vacuous: only {live} of {len(findings)} cases exercised the claim"
    slacks = [finding.slack for finding in findings if finding.slack is not None]
    return Result(
        name=claim.name,
        cases=len(findings),
        live=live,
        slack=claim.worst(slacks) if slacks else None,
        failure=failure or failed,
        counterexamples=shown,
        seconds=time.perf_counter() - started,
    )


def count(claim, cases):
    """How many of `cases` cases the claim gets: its share, at least one."""
    return max(1, round(cases * claim.share))


def _search(claim, cases, seed_number, findings, on_case):
    @seed(seed_number)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        print_blob=False,
        phases=[Phase.explicit, Phase.generate] + [Phase.shrink] * claim.shrink,
        suppress_health_check=list(HealthCheck),
    )
    @given(claim.strategy)
    def check_one(case):
        try:
            findings.append(claim.check(case))
        except Refuted as refuted:
            raise Refuted(f"{refuted}\n{case}") from None
        on_case()

    try:
        check_one()
    except Refuted as refuted:  # Hypothesis has shrunk it, and raises the smallest one
        return str(refuted)
    except Unsatisfiable as error:
        return f"no case could be drawn: {error}"
    return None


def _counterexamples(claim):
    shown = []
    for counterexample in claim.counterexamples:
        try:
            shown.append(f"without '{counterexample.dropped}': {counterexample.show()}")
        except Refuted as refuted:
            return tuple(shown), f"the counterexample without '{counterexample.dropped}' does not stand: {refuted}"
    return tuple(shown), None
