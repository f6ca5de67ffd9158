"""Run a claim on many cases drawn by Hypothesis; shrink the first case that refutes it."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.errors import HypothesisException, Unsatisfiable

from ottt_ref.tracebacks import last_frames

from .claim import Refuted
from .identity import certify

SMALL = (2, 2, 3)
FULL = (4, 8, 16)
COSTLY = (3, 3, 6)


@dataclass(frozen=True)
class Result:
    """What came out for one claim.

    name            of the claim
    cases           how many live cases were checked: cases that exercised the claim
    drawn           how many were checked in all, the others too simple to say much
    slack           the worst, or None where nothing but exact arithmetic was used
    failure         None, or why the claim does not hold, with the shrunk case
    counterexamples one line for each hypothesis dropped
    certificates    of the claim's identities, one for each architecture
    slacks          of every case that has one
    """

    name: str
    cases: int
    drawn: int
    slack: float | None
    failure: str | None
    counterexamples: tuple
    seconds: float
    certificates: tuple = ()
    slacks: tuple = ()

    @property
    def holds(self):
        """Whether no case refuted the claim, enough were live, and each counterexample stands."""
        return self.failure is None


def run(claim, cases, seed_number=0, on_case=lambda: None, *, size=SMALL, costly=COSTLY, database=None):
    """Check `claim` on its share of `cases` live cases, its identities and its counterexamples; a Result.

    The same seed draws the same cases. `on_case()` is called after each live case. `size` is the depth, width and T of
    the architectures on which identities are certified (`costly` of those that take minutes), None for no identities.
    `database` is a folder for the cases that refute the claim: they are tried first, and kept.
    """
    started = time.perf_counter()
    findings = []
    wanted = count(claim, cases)
    failure = _search(claim, wanted, seed_number, findings, on_case, database)
    certificates, unproved = _certificates(claim, size, costly, seed_number) if size else ((), None)
    shown, failed = counterexamples(claim)
    live = sum(bool(finding.live) for finding in findings)
    if failure is None and 2 * live < wanted:
        failure = f"vacuous: only {live} of {len(findings)} cases exercised the claim"
    slacks = [finding.slack for finding in findings if finding.slack is not None]
    return Result(
        name=claim.name,
        cases=live,
        drawn=len(findings),
        slack=claim.worst(slacks) if slacks else None,
        failure=failure or unproved or failed,
        counterexamples=shown,
        seconds=time.perf_counter() - started,
        certificates=certificates,
        slacks=tuple(slacks),
    )


def count(claim, cases):
    """How many of `cases` cases the claim gets: its share, at least one."""
    return max(1, round(cases * claim.share))


def _search(claim, cases, seed_number, findings, on_case, database):
    @settings(
        max_examples=cases,
        database=DirectoryBasedExampleDatabase(Path(database) / claim.name) if database else None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=[Phase.explicit, Phase.reuse, Phase.generate] + [Phase.shrink] * claim.shrink,
        suppress_health_check=list(HealthCheck),
    )
    @seed(seed_number)  # inside: outside of settings it would turn the database off
    @given(claim.strategy)
    def check_one(case):
        finding = _checked(claim, case)
        findings.append(finding)
        assume(finding.live)  # Hypothesis goes on until enough cases are live
        on_case()

    try:
        check_one()
    except Refuted as refuted:  # Hypothesis has shrunk it, and raises the smallest one
        return str(refuted)
    except Unsatisfiable:
        return f"vacuous: none of {len(findings)} cases exercised the claim"
    except Exception as error:  # of a strategy, or a check that does not say the same twice
        return f"the search stopped with {stopped(error)}"
    return None


def _checked(claim, case):
    try:
        return claim.check(case)
    except HypothesisException:  # not a verdict: the case does not meet the hypotheses
        raise
    except Refuted as refuted:
        raise Refuted(f"{refuted}\n{case}") from None
    except Exception as error:
        raise Refuted(f"the check stopped with {stopped(error)}\n{case}") from error


def stopped(error):
    """An exception that is no verdict, and where it was raised: the last frames, as text, which workers can send."""
    return "\n    ".join([f"{type(error).__name__}: {error}", *last_frames(error)])


def _certificates(claim, size, costly, seed_number):
    rng = np.random.default_rng(seed_number)
    certificates = []
    for identity in claim.identities:
        for architecture in identity.architectures(*(min(size, costly) if identity.costly else size)):
            try:
                certificates.append(certify(identity, architecture, rng))
            except Refuted as refuted:
                return tuple(certificates), str(refuted)
            except Exception as error:
                return tuple(certificates), f"{identity.name} stopped with {stopped(error)}"
    return tuple(certificates), None


def counterexamples(claim):
    """A line for each counterexample of the claim; and None, or why one does not stand, the last that was tried."""
    shown = []
    for counterexample in claim.counterexamples:
        try:
            shown.append(f"without '{counterexample.dropped}': {counterexample.show()}")
        except Exception as error:
            reason = error if isinstance(error, Refuted) else f"it stopped with {stopped(error)}"
            return tuple(shown), f"the counterexample without '{counterexample.dropped}' does not stand: {reason}"
    return tuple(shown), None
