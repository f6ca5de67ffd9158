"""The profiles: rounds that are saved, taken up again and merged; refuting cases that are kept."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import strategies as st

from ottt_ref.simulation import trace
from proofs import __main__, command, thorough
from proofs.claim import Claim, Finding, Refuted
from proofs.claims import BY_NAME
from proofs.identity import Certificate
from proofs.search import Result, run

from .wrong_variants import trace_not_decayed

pytestmark = pytest.mark.slow

SETTINGS = {"claims": ["E1", "R2"], "cases": 5, "seed": 0}


def result(name, **fields):
    given = {"cases": 5, "drawn": 6, "slack": 0.5, "failure": None, "counterexamples": ("one",), "seconds": 1.0}
    given |= {"certified": 2, "in_corners": 3}
    return Result(name=name, **{**given, **fields})


def round_of(k, failure=None):
    certificate = Certificate("identity", "1-1", 3, 4, 61, 1e-18)
    return [
        result("E1", slack=0.1 * (k + 1), certificates=(certificate,) if k == 0 else ()),
        result("R2", slack=0.1 * (k + 1), failure=failure),
    ]


def test_rounds_are_merged(capsys, tmp_path):
    progress = thorough.Progress.open(tmp_path / "new" / "p.json", SETTINGS)
    e1, r2 = thorough.run(progress, 3, lambda k: round_of(k, "no" if k == 1 else None))
    assert (e1.cases, e1.drawn, e1.seconds) == (15, 18, 3.0)
    assert (e1.certified, e1.in_corners) == (6, 9)
    assert e1.slack == pytest.approx(0.3) and r2.slack == pytest.approx(0.1)  # the largest, and the least
    assert e1.holds and not r2.holds and r2.failure == "no"
    assert len(e1.certificates) == 1 and e1.counterexamples == ("one",)
    assert "round 2 of 3: refuted: R2" in capsys.readouterr().out


def test_a_run_that_was_killed_goes_on_where_it_was(tmp_path):
    path, done = tmp_path / "p.json", []

    def killed_in_the_third(k):
        if k == 2:
            raise KeyboardInterrupt
        done.append(k)
        return round_of(k)

    with pytest.raises(KeyboardInterrupt):
        thorough.run(thorough.Progress.open(path, SETTINGS), 4, killed_in_the_third)
    merged = thorough.run(thorough.Progress.open(path, SETTINGS), 4, lambda k: done.append(k) or round_of(k))
    assert done == [0, 1, 2, 3]
    whole = thorough.run(thorough.Progress.open(tmp_path / "q.json", SETTINGS), 4, round_of)
    assert merged == whole


def test_what_is_done_is_not_done_again(tmp_path):
    path = tmp_path / "p.json"
    thorough.run(thorough.Progress.open(path, SETTINGS), 2, round_of)

    def never(k):
        raise AssertionError(k)

    assert len(thorough.run(thorough.Progress.open(path, SETTINGS), 2, never)) == 2


def test_other_settings_and_other_files_are_refused(tmp_path):
    path = tmp_path / "p.json"
    thorough.run(thorough.Progress.open(path, SETTINGS), 1, round_of)
    with pytest.raises(ValueError, match=r"p\.json is of other settings, .*: move it away"):
        thorough.Progress.open(path, {**SETTINGS, "seed": 1})
    content = json.loads(path.read_text())
    for damaged in ("", "[]", "{}", path.read_text()[:-20], json.dumps({**content, "format": "x"})):
        path.write_text(damaged)
        with pytest.raises(ValueError, match=r"p\.json is no progress of the thorough profile"):
            thorough.Progress.open(path, SETTINGS)
    path.write_text(json.dumps({**content, "rounds": [[{"name": "E1"}]]}))
    with pytest.raises(ValueError, match="is no progress"):
        thorough.Progress.open(path, SETTINGS)


@pytest.mark.slow
def test_the_command_saves_and_resumes(tmp_path, monkeypatch):
    path = tmp_path / "p.json"
    monkeypatch.setitem(command.PROFILES, "thorough", replace(command.PROFILES["thorough"], rounds=2, size=(2, 2, 2)))
    monkeypatch.setattr(command, "DATABASE", tmp_path / "database")
    monkeypatch.setattr(command.induction, "coqc", lambda: None)  # Coq's proofs are another test's
    arguments = ["--profile", "thorough", "--claim", "H1", "--cases", "4", "--workers", "1", "--progress", str(path)]
    assert __main__.main(arguments) == 0
    first = path.read_bytes()
    assert len(json.loads(first)["rounds"]) == 2
    assert __main__.main(arguments) == 0
    assert path.read_bytes() == first
    assert __main__.main([*arguments, "--seed", "9"]) == 2


def test_quick_is_smaller_than_default_and_thorough_larger():
    quick, default, deep = (command.PROFILES[name] for name in ("quick", "default", "thorough"))
    assert quick.cases < default.cases < deep.cases and quick.rounds == default.rounds == 1 < deep.rounds
    assert quick.size < default.size == deep.size == deep.costly and not quick.surveys and default.surveys
    process = subprocess.run(
        [sys.executable, "-m", "proofs", "--profile", "deep"], capture_output=True, text=True, check=False
    )
    assert process.returncode == 2 and "--profile: invalid choice: 'deep'" in process.stderr


@pytest.mark.slow
def test_a_refuting_case_is_kept_and_tried_first(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(trace, "leaky_accumulate", trace_not_decayed)
        assert not run(BY_NAME["E1"], 20, database=tmp_path).holds
    assert list((tmp_path / "E1").rglob("*"))
    first = []

    def remember(number):
        first.append(number)
        if number >= 1000:
            raise Refuted(f"{number} is too large")
        return Finding(None, True)

    claim = Claim("X", "", "", "", "", "exact", st.integers(0, 10**6), remember, corners=False)
    assert not run(claim, 50, database=tmp_path, size=None).holds
    first.clear()
    run(claim, 50, seed_number=5, database=tmp_path, size=None)
    assert first[0] == 1000  # the shrunk case of the run before


def test_without_a_size_no_identity_is_certified():
    assert run(BY_NAME["E3"], 3, size=None).certificates == ()
    assert run(BY_NAME["E3"], 3).certificates
