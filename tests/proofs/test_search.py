"""The search for a refuting case: what it counts, what it shrinks, and that it says so when it has seen nothing."""

import json
import pickle
from dataclasses import replace

import pytest
from hypothesis import assume
from hypothesis import strategies as st

from ottt_ref.tracebacks import MOST
from proofs import report
from proofs.claim import Claim, Counterexample, Finding, Refuted
from proofs.equality import OTTT, bptt
from proofs.identity import Architecture, Identity
from proofs.search import count, run

TRUE = Claim(
    name="X1",
    statement="n is at most 1000",
    hypotheses="n is drawn from 0 to 1000",
    source="this test",
    checked="n",
    kind="bound",
    strategy=st.integers(0, 1000),
    check=lambda n: Finding(n / 1000, live=n % 2 == 0),
    corners=False,
)


WHERE_IT_STOPS = "return Finding(1 / (n - 3 if n >= 3 else 1), live=True)  # WHERE_IT_STOPS"


def refute_above(limit):
    """A check that fails for every n above `limit`."""

    def check(n):
        if n > limit:
            raise Refuted(f"n is {n}")
        return Finding(None, live=True)

    return check


def test_a_true_claim_holds_on_as_many_live_cases_as_were_asked_for():
    result = run(TRUE, 40)
    assert result.holds
    assert result.cases == 40
    assert result.drawn > 40
    assert 0 < result.slack <= 1


def test_the_worst_slack_is_the_claims_own():
    most, least = run(TRUE, 40).slack, run(replace(TRUE, worst=min), 40).slack
    assert least < most


def test_without_slack_there_is_none():
    assert run(replace(TRUE, check=refute_above(1000)), 5).slack is None


def test_the_refuting_case_is_shrunk():
    result = run(replace(TRUE, check=refute_above(17)), 50)
    assert not result.holds
    assert result.failure == "n is 18\n18"


def test_the_same_seed_draws_the_same_cases():
    seen = {seed: [] for seed in (1, 2, 3)}

    def drawn(seed, log):
        def check(n):
            log.append(n)
            return Finding(None, live=True)

        run(replace(TRUE, check=check), 30, seed)
        return log

    first, again, other = drawn(1, seen[1]), drawn(1, seen[2]), drawn(2, seen[3])
    assert first == again != other


@pytest.mark.slow
def test_a_claim_that_no_case_exercises_is_vacuous():
    result = run(replace(TRUE, check=lambda n: Finding(None, live=False)), 20)
    assert not result.holds
    assert result.failure.startswith("vacuous: none of")


def test_a_claim_that_few_cases_exercise_is_vacuous():
    result = run(replace(TRUE, check=lambda n: Finding(None, live=n == 500)), 200)
    assert not result.holds
    assert result.failure.startswith("vacuous")


def test_a_case_outside_the_hypotheses_is_not_counted():
    def check(n):
        assume(n % 2 == 0)
        return Finding(None, live=True)

    result = run(replace(TRUE, check=check), 20)
    assert result.holds
    assert result.cases == result.drawn == 20


def test_a_check_that_stops_with_an_error_is_a_failure_with_its_case():
    def check(n):
        return Finding(1 / (n - 3 if n >= 3 else 1), live=True)  # WHERE_IT_STOPS

    result = run(replace(TRUE, check=check), 200)
    assert not result.holds
    first, *frames, case = result.failure.splitlines()
    assert (first, case) == ("the check stopped with ZeroDivisionError: division by zero", "3")
    assert all(frame.startswith("    ") and ".py:" in frame for frame in frames)
    assert "test_search.py:" in frames[-1] and frames[-1].endswith("in check: " + WHERE_IT_STOPS)


def test_an_error_deep_inside_shows_the_last_frames_alone():
    def deeper(n):
        return 1 / n if n == 0 else deeper(n - 1)

    result = run(replace(TRUE, check=lambda n: deeper(20)), 5)
    frames = result.failure.splitlines()[1:-1]
    assert len(frames) == MOST and all("in deeper: " in frame for frame in frames)


def test_a_strategy_that_stops_with_an_error_is_a_failure_that_says_where():
    def broken(n):
        raise KeyError("no such layer")

    result = run(replace(TRUE, strategy=st.integers(0, 1000).map(broken)), 5)
    assert not result.holds and result.failure.startswith("the search stopped with KeyError: 'no such layer'\n    ")
    assert "in broken: raise KeyError" in result.failure


def test_an_error_is_told_with_its_place_by_workers_and_in_json(tmp_path):
    """What a worker sends is text: a traceback itself would be lost between two processes."""
    found = pickle.loads(pickle.dumps(run(replace(TRUE, name="E1", check=lambda n: 1 / 0), 5)))
    assert "in <lambda>: " in found.failure and "test_search.py:" in found.failure
    report.write_json(tmp_path / "claims.json", [found], 5, 0)
    (claim,) = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))["claims"]
    assert claim["failure"] == found.failure and found.failure in report.failures([found])


def test_counterexamples_are_shown():
    claim = replace(TRUE, counterexamples=(Counterexample("n is at most 1000", lambda: "n = 1001"),))
    assert run(claim, 5).counterexamples == ("without 'n is at most 1000': n = 1001",)


@pytest.mark.parametrize("error", [Refuted("it holds after all"), ZeroDivisionError("division by zero")])
def test_a_counterexample_that_does_not_stand_fails_the_claim(error):
    def show():
        raise error

    result = run(replace(TRUE, counterexamples=(Counterexample("n is at most 1000", show),)), 5)
    assert not result.holds
    assert "without 'n is at most 1000' does not stand" in result.failure
    assert ("in show: raise error" in result.failure) == (not isinstance(error, Refuted))
    assert str(error) in result.failure


def test_progress_is_told_of_each_live_case():
    told = []
    run(TRUE, 12, on_case=lambda: told.append(1))
    assert len(told) == 12


@pytest.mark.parametrize("cases, share, expected", [(200, 1.0, 200), (200, 0.03, 6), (10, 0.03, 1), (1, 0.5, 1)])
def test_each_claim_gets_its_share_of_the_cases(cases, share, expected):
    assert count(replace(TRUE, share=share), cases) == expected


def test_an_identity_that_is_none_fails_the_claim():
    wrong = Identity("OTTT = BPTT everywhere", OTTT.algebra, bptt().algebra, lambda *size: [Architecture((1, 1, 1), 2)])
    result = run(replace(TRUE, identities=(wrong,)), 5)
    assert not result.holds and result.failure.startswith("OTTT = BPTT everywhere: the sides differ")
    assert run(replace(TRUE, identities=(wrong,)), 5, size=None).holds


def test_cases_that_exercise_nothing_are_not_certified():
    claim = replace(TRUE, check=lambda n: Finding(None, live=n % 2 == 0, certified=n % 3 == 0 or n % 2 == 1))
    result = run(claim, 40)
    assert 0 < result.certified < result.cases == 40 < result.drawn
