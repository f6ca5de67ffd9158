"""What stands behind a claim: decided here alone, from what this run has really checked.

    proved       Coq has checked a proof of the whole statement, for every T
    identity     both sides are equal polynomials on whole architectures, but for a stated probability
    certified    no live case refuted it, and rounding cannot have decided any: intervals hold every rounding, or
                 sets of variables stand for all numbers at once
    not refuted  no live case refuted it, and that is all
    fails        something refuted it, or nothing exercised it

A verdict is named by the strongest of its grounds, and shows all of them. A proof that this run has not checked is no
ground, and neither is a proof of a part of the statement: both are mentioned.
"""

from dataclasses import dataclass

from . import induction
from .claims import CLAIMS

WORDS = ("proved", "identity", "certified", "not refuted", "fails")


@dataclass(frozen=True)
class Verdict:
    """What a claim is called, of WORDS, and what stands behind it, in words, the strongest first."""

    word: str
    grounds: tuple

    @property
    def holds(self):
        """Whether anything stands behind the claim."""
        return self.word != "fails"

    @property
    def text(self):
        """The grounds in a line."""
        return "; ".join(self.grounds)


def decide(result, proof=None):
    """The Verdict of a `search.Result`; `proof` is what Coq said of the claim in this run, None if it was not asked."""
    if not result.holds:
        return Verdict("fails", ("FAILS",))
    named = [*_proved(result, proof), *_identity(result), _cases(result)]
    return Verdict(named[0][0], tuple(text for _, text in named) + _mentioned(result.name, proof))


def _proved(result, proof):
    whole = result.name in induction.PROVED and result.name not in induction.IN_PART
    if whole and proof is not None and proof.failure is None:
        yield "proved", "proved for every T (Coq)"


def _identity(result):
    if result.certificates:
        risk = risk_of(result.certificates)
        yield "identity", f"identity on {len(result.certificates)} architectures, risk {risk:.0e}"


def risk_of(certificates):
    """The probability that one of the identities is none, at most: the sum of theirs."""
    return min(1.0, sum(certificate.failure for certificate in certificates))


def _cases(result):
    live = f"{result.cases} live case{'s' if result.cases != 1 else ''}"
    if result.certified == result.cases:
        return "certified", f"certified in {live}"
    some = f", {result.certified} of them certified" if result.certified else ""
    return "not refuted", f"not refuted in {live}{some}"


def _mentioned(name, proof):
    """What Coq has to say of the claim without being a ground of it."""
    if name not in induction.PROVED:
        return ()
    if proof is None:
        return ("Coq proof not checked here",)
    if proof.failure is not None:
        return ("Coq proof FAILS",)
    return (f"in part proved for every T (Coq): {induction.IN_PART[name]}",) if name in induction.IN_PART else ()


def on_cases_alone(claim):
    """Whether nothing but cases can stand behind the claim: it has no proof and no identity."""
    return claim.name not in induction.PROVED and not claim.identities


def possible(claim):
    """What can stand behind a claim, in words, before anything was checked."""
    if on_cases_alone(claim):
        counted_by = " (--power counts how many wrong variants they find)" if claim in CLAIMS else ""
        return f"cases alone{counted_by}"
    parts = []
    if claim.name in induction.PROVED:
        part = f" of a part, {induction.IN_PART[claim.name]}" if claim.name in induction.IN_PART else ""
        parts.append(f"a Coq proof{part}, for every T")
    if claim.identities:
        parts.append(f"{len(claim.identities)} identit{'ies' if len(claim.identities) > 1 else 'y'}")
    return "; ".join([*parts, "cases"])


def counted(verdicts):
    """How many have which word, in a line: "1 proved, 2 identities"."""
    names = {"identity": "identities"}
    counts = {word: sum(verdict.word == word for verdict in verdicts) for word in WORDS}
    return ", ".join(f"{n} {names.get(word, word) if n > 1 else word}" for word, n in counts.items() if n)
