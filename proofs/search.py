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
from .corners import drawing_in, quotas
from .identity import certify

SMALL = (2, 2, 3)
FULL = (4, 8, 16)
COSTLY = (3, 3, 6)
TRIES = 4  # cases that are drawn in a corner for each that should be live: some corners hold none


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
    in_corners      how many of those drawn lie in corners
    certified       how many of the live cases no rounding can have decided
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
    in_corners: int = 0
    certified: int = 0

    @property
    def holds(self):
        """Whether no case refuted the claim, enough were live, and each counterexample stands."""
        return self.failure is None


def run(claim, cases, seed_number=0, on_case=lambda: None, *, size=SMALL, costly=COSTLY, database=None):
    """Check `claim` on its share of `cases` live cases, its identities and its counterexamples; a Result.

    One live case in three is sought in corners (`corners`), if the claim's strategy has any; the others are drawn
    anywhere, and those that no corner gave. The same seed draws the same cases. `on_case()` is called after each live
    case.
    `size` is the depth, width and T of the architectures on which identities are certified (`costly` of those that take
    minutes), None for no identities.
    `database` is a folder for the cases that refute the claim: they are tried first, and kept.
    """
    started = time.perf_counter()
    search = _Search(claim, on_case, Path(database) / claim.name if database else None)
    wanted = count(claim, cases)
    search.go(wanted, seed_number)
    certificates, unproved = _certificates(claim, size, costly, seed_number) if size else ((), None)
    shown, failed = counterexamples(claim)
    live, failure = search.live, search.failure
    if failure is None and 2 * live < wanted:
        few = f"only {live}" if live else "none"
        failure = f"vacuous: {few} of {len(search.findings)} cases exercised the claim"
    slacks = [finding.slack for finding in search.findings if finding.slack is not None]
    return Result(
        name=claim.name,
        cases=live,
        drawn=len(search.findings),
        slack=claim.worst(slacks) if slacks else None,
        failure=failure or unproved or failed,
        counterexamples=shown,
        seconds=time.perf_counter() - started,
        certificates=certificates,
        slacks=tuple(slacks),
        in_corners=search.in_corners,
        certified=sum(bool(finding.live and finding.certified) for finding in search.findings),
    )


def count(claim, cases):
    """How many of `cases` cases the claim gets: its share, at least one."""
    return max(1, round(cases * claim.share))


class _Search:
    """The cases of one claim: first those in corners, then anywhere, until one refutes it.

    findings    of all cases that were checked
    in_corners  how many of them lie in corners
    failure     None, or what refuted the claim
    """

    def __init__(self, claim, on_case, folder):
        self.claim, self.on_case, self.folder = claim, on_case, folder
        self.findings, self.in_corners, self.failure = [], 0, None

    @property
    def live(self):
        """How many of the cases exercised the claim."""
        return sum(bool(finding.live) for finding in self.findings)

    def go(self, wanted, seed_number):
        """Check until `wanted` cases are live, or no more can be found."""
        for corner, cases in quotas(wanted, seed_number).items() if self.claim.corners else ():
            with drawing_in(corner):
                # The same folder name every time: what refuted the claim in a corner is tried there again.
                name = "-".join(str(int(flag)) for flag in vars(corner).values())
                self._draw(cases, f"{seed_number} in corner {name}", f"corner-{name}", TRIES * cases)
            self.in_corners = len(self.findings)
            if self.failure:
                return
        self._draw(wanted - self.live, seed_number, "anywhere")

    def _draw(self, cases, seed_number, folder, tries=None):
        """Check until `cases` more are live, with at most so many `tries` if a number is given."""
        drawn, refuted = 0, False

        @settings(
            max_examples=cases,
            database=DirectoryBasedExampleDatabase(self.folder / folder) if self.folder else None,
            deadline=None,
            print_blob=False,
            report_multiple_bugs=False,
            phases=[Phase.explicit, Phase.reuse, Phase.generate] + [Phase.shrink] * self.claim.shrink,
            suppress_health_check=list(HealthCheck),
        )
        @seed(seed_number)  # inside: outside of settings it would turn the database off
        @given(self.claim.strategy)
        def check_one(case):
            nonlocal drawn, refuted
            drawn += 1
            if tries is not None and drawn > tries and not refuted:
                return  # enough was tried: to Hypothesis each further one counts, so that it ends soon
            try:
                finding = _checked(self.claim, case)
            except Refuted:
                refuted = True
                raise
            self.findings.append(finding)
            assume(finding.live)  # Hypothesis goes on until enough cases are live
            self.on_case()

        try:
            check_one()
        except Refuted as error:  # Hypothesis has shrunk it, and raises the smallest one
            self.failure = str(error)
        except Unsatisfiable:  # none was live: whether that is too few is told in the end
            pass
        except Exception as error:  # of a strategy, or a check that does not say the same twice
            self.failure = f"the search stopped with {stopped(error)}"


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
