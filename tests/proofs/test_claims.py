"""Each claim holds on a few cases, its counterexamples stand, and it catches algorithms that are wrong."""

from dataclasses import replace

import pytest

from proofs.claims import BY_NAME, CLAIMS
from proofs.search import run

from ..selection import one_in, slow
from .wrong_variants import WRONG_VARIANTS

CASES = 12
TRIES = 150  # cases in which a wrong variant must be caught
QUICK = ("C1", "H1", "P1", "R2")  # less than half a second each
SLOW = [claim.name for claim in CLAIMS if claim.name not in QUICK]


@pytest.mark.parametrize("claim", slow(CLAIMS, SLOW), ids=lambda claim: claim.name)
def test_claim_holds(claim):
    """On its cases; its identities are certified in test_identity.py, and on larger networks by `python -m proofs`."""
    result = run(claim, CASES, size=None)
    assert result.holds, result.failure
    assert result.cases > 0
    assert len(result.counterexamples) == len(claim.counterexamples)


@pytest.mark.parametrize("variant", one_in(len(WRONG_VARIANTS), WRONG_VARIANTS), ids=str)
def test_claim_catches(variant, monkeypatch):
    monkeypatch.setattr(variant.owner, variant.name, variant.wrong)
    claim = replace(BY_NAME[variant.claim], shrink=False, counterexamples=())  # what catches it are its cases
    result = run(claim, TRIES, size=None)
    assert not result.holds, f"{variant.claim} does not see: {variant.fault}"
    assert not result.failure.startswith(("vacuous", "the check stopped")), result.failure
    print(f"{variant.claim} refutes '{variant.fault}':\n{result.failure}")


def test_every_claim_has_a_wrong_variant_that_it_catches():
    assert {variant.claim for variant in WRONG_VARIANTS} == set(BY_NAME)
