"""A verdict says what stands behind a claim, and never more than this run has checked."""

import json
from dataclasses import replace

import pytest

from proofs import induction, report, verdict
from proofs.claims import BY_NAME, CLAIMS
from proofs.identity import Certificate
from proofs.search import Result, run
from proofs.verdict import Verdict, decide

CERTIFICATES = (Certificate("a", "1-1", 3, 4, 61, 1e-17), Certificate("b", "1-1", 3, 4, 61, 3e-17))
PROOF = induction.Proof("E1.v", 1, 1.0, None)
E1 = Result("E1", 200, 250, 0.5, None, (), 1.0, CERTIFICATES)


def test_a_claim_is_proved_where_coq_has_checked_it():
    assert decide(E1, PROOF) == Verdict(
        "proved",
        (
            "proved for every T (Coq)",
            "identity on 2 architectures, risk 4e-17",
            "not refuted in 200 live cases",
        ),
    )


def test_a_proof_that_was_not_checked_here_proves_nothing():
    assert decide(E1).word == "identity" and decide(E1).grounds[-1] == "Coq proof not checked here"
    assert decide(replace(E1, certificates=())).word == "not refuted"


def test_a_proof_that_fails_proves_nothing():
    decided = decide(E1, replace(PROOF, failure="no"))
    assert decided.word == "identity" and decided.grounds[-1] == "Coq proof FAILS"


@pytest.mark.parametrize("name", induction.IN_PART)
def test_a_proof_of_a_part_is_told_as_that(name):
    decided = decide(replace(E1, name=name), PROOF)
    assert decided.word == "identity" and decided.holds
    assert decided.grounds[-1] == f"in part proved for every T (Coq): {induction.IN_PART[name]}"
    assert not any(ground.startswith("proved") for ground in decided.grounds)


def test_a_claim_without_proof_and_identity_stands_on_its_cases():
    r2 = Result("R2", 200, 250, 0.5, None, (), 1.0)
    assert decide(r2) == Verdict("not refuted", ("not refuted in 200 live cases",))
    assert decide(replace(r2, certified=7)).grounds == ("not refuted in 200 live cases, 7 of them certified",)
    assert decide(replace(r2, certified=200)) == Verdict("certified", ("certified in 200 live cases",))
    assert decide(replace(r2, cases=1, certified=1)).text == "certified in 1 live case"


def test_nothing_stands_behind_a_claim_that_fails():
    failed = replace(E1, failure="layer0.weight[0, 0]: 1 on the left, 2 on the right", certified=200)
    assert decide(failed, PROOF) == Verdict("fails", ("FAILS",)) and not decide(failed, PROOF).holds


def test_the_risk_is_that_of_all_identities_together():
    assert verdict.risk_of(CERTIFICATES) == pytest.approx(4e-17)
    assert verdict.risk_of([replace(CERTIFICATES[0], failure=0.7)] * 2) == 1.0


def test_every_claim_says_what_can_stand_behind_it():
    alone = {claim.name for claim in CLAIMS if verdict.on_cases_alone(claim)}
    assert alone == {
        "E7",
        "R2",
        "R3",
        "C1",
        "R4",
        "D0",
        "D1",
        "D2",
        "D3",
        "I1",
        "O1",
        "H1",
        "M1",
        "A1",
        "S1",
        "W1",
        "N1",
        "N2",
    }
    assert verdict.possible(BY_NAME["E1"]) == "a Coq proof, for every T; 1 identity; cases"
    assert verdict.possible(BY_NAME["E3"]) == "2 identities; cases"
    assert "of a part, the traces" in verdict.possible(BY_NAME["P1"])
    assert "stands on:  cases alone" in report.listing([BY_NAME["R2"]])
    assert set(induction.IN_PART) < set(induction.PROVED)


def test_verdicts_are_counted():
    words = [decide(E1, PROOF), decide(E1), decide(E1), decide(replace(E1, failure="no"))]
    assert verdict.counted(words) == "1 proved, 2 identities, 1 fails"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "word"), [("H1", "certified"), ("D0", "certified"), ("R2", "not refuted")])
def test_what_is_certified_was_certified_case_by_case(name, word):
    result = run(BY_NAME[name], 6, size=None)
    assert result.certified == (result.cases if word == "certified" else 0)
    assert decide(result).word == word


@pytest.mark.slow
def test_what_intervals_do_not_settle_is_not_certified(monkeypatch):
    """Without a certificate a case of D0 does not even count."""
    found = []

    def check(case):
        found.append(BY_NAME["D0"].check(case))
        return replace(found[-1], live=True)

    claim = replace(BY_NAME["D0"], check=check, counterexamples=(), corners=False)
    run(claim, 12, size=None)
    assert any(finding.certified and finding.live for finding in found)
    found.clear()
    monkeypatch.setattr("proofs.enclosed.settled", lambda check: False)
    run(claim, 12, size=None)
    assert len(found) == 12 and not any(finding.certified or finding.live for finding in found)


def test_the_file_says_what_stands_behind_each_claim(tmp_path):
    path = tmp_path / "claims.json"
    report.write_json(path, [E1, replace(E1, failure="no")], 200, 0, proofs={"E1": PROOF})
    proved, failed = json.loads(path.read_text(encoding="utf-8"))["claims"]
    assert (proved["holds"], proved["verdict"], proved["risk"]) == (True, "proved", pytest.approx(4e-17))
    assert proved["grounds"][0] == "proved for every T (Coq)"
    assert (failed["holds"], failed["verdict"], failed["grounds"]) == (False, "fails", ["FAILS"])
