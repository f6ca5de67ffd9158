"""Matrices of time steps: their numbers are the runs', and what they say is what the intervals say."""

import json

import pytest

from experiments.__main__ import main
from experiments.timesteps import report
from tests.experiments.sweeps import killed, result, run_here, without_times

BASE = [0.9, 0.92, 0.91, 0.93, 0.9]
QUICK = ["timesteps", "--column", "digits-dense", "--rule", "ottt-a", "--epochs", "1", "--seeds", "1", "--output"]


def runs(learned, by_tested):
    """Runs of five seeds that reach BASE plus a number for each number of time steps of the test."""
    return {
        ("digits-dense", "ottt-a", learned, seed): {
            "by_time_steps": {str(steps): {"accuracy": base + apart} for steps, apart in by_tested.items()}
        }
        for seed, base in enumerate(BASE)
    }


def test_what_is_lost_is_against_the_same_networks_and_what_is_mended_against_those_that_learned_so():
    (matrix,) = report.matrices(runs(6, {1: -0.1, 2: 0.0, 6: 0.0}) | runs(1, {1: -0.02, 2: -0.02, 6: -0.03}), (1, 2, 6))
    short, long = matrix["rows"]
    assert [row["learned"] for row in matrix["rows"]] == [1, 6]
    cell = long["cells"][0]
    assert cell["accuracy"]["mean"] == pytest.approx(sum(BASE) / 5 - 0.1)
    assert cell["minus_own"]["mean"] == pytest.approx(-0.1)
    assert cell["minus_learned_so"]["mean"] == pytest.approx(-0.08)
    assert long["cells"][2]["minus_own"] is None and long["cells"][1]["minus_learned_so"] is None
    assert short["cells"][2]["minus_learned_so"]["mean"] == pytest.approx(-0.03)


def test_what_is_said_is_what_the_intervals_say():
    uncertain = runs(6, {1: -0.1, 2: 0.0, 6: 0.0, 10: 0.01})
    for seed, apart in enumerate([0.02, -0.02, 0.01, -0.01, 0.0]):
        uncertain["digits-dense", "ottt-a", 6, seed]["by_time_steps"]["2"]["accuracy"] += apart
    found = report.matrices(uncertain | runs(1, {1: -0.02, 2: -0.02, 6: -0.02, 10: -0.02}), (1, 2, 6, 10))
    lines = [line.removeprefix("digits, dense, ottt-a, learned with ") for line in report.findings(found)]
    assert lines == [
        "T = 1: tested with 2, 6, 10 no difference is certain: the intervals lie within ± 0.00 points; networks that "
        "learned with 6 are 2.00 points [2.00, 2.00] better there",
        "T = 6: tested with 1 it loses 10.00 points [10.00, 10.00]; tested with 10 it gains 1.00 points [1.00, 1.00]; "
        "tested with 2 no difference is certain: the intervals lie within ± 1.96 points; networks that "
        "learned with 1 are 8.00 points [8.00, 8.00] better there",
        "4 of 8 intervals leave 0 out; if nothing made a difference, about 0 would by chance",
    ]


def test_a_run_that_failed_is_said_and_one_seed_has_no_interval():
    failed = runs(6, {1: 0.0, 6: 0.0}) | {("digits-dense", "ottt-a", 6, 0): {"failed": "overflow"}}
    found = report.matrices(failed, (1, 6))
    assert report.rows(found[0])[0][2:] == ("6", "failed: overflow", "")
    assert report.findings(found) == ["digits, dense, ottt-a, learned with T = 6: failed, overflow"]
    one = {key: run for key, run in runs(6, {1: -0.1, 6: 0.0}).items() if key[-1] == 0}
    found = report.matrices(one, (1, 6))
    assert report.rows(found[0])[0][3:] == ("80.00", "90.00")
    assert report.findings(found)[0].endswith("learned with T = 6: one seed has no interval")


@pytest.mark.slow
def test_the_command_writes_the_matrix_of_its_runs(tmp_path, capsys, monkeypatch):
    run_here(monkeypatch)
    assert main([*QUICK, str(tmp_path), "--learned", "2", "--tested", "3", "1"]) == 0
    names = {f"timesteps.{kind}" for kind in ("json", "md", "png", "svg")}
    assert {path.name for path in tmp_path.iterdir()} == {"runs", *names}
    (row,) = result(tmp_path, "timesteps")["matrices"][0]["rows"]
    kept = json.loads((tmp_path / "runs" / "digits-dense--ottt-a--T2--seed0.json").read_text())["result"]
    assert kept["by_time_steps"]["2"] == {name: kept[name] for name in ("accuracy", "firing_rates")}
    assert [cell["tested"] for cell in row["cells"]] == [1, 3]
    for cell in row["cells"]:
        assert cell["accuracy"]["mean"] == kept["by_time_steps"][str(cell["tested"])]["accuracy"]
        assert cell["minus_own"]["mean"] == pytest.approx(cell["accuracy"]["mean"] - kept["accuracy"])
    assert "learned with T = 2: one seed has no interval" in capsys.readouterr().out


def test_what_cannot_be_carried_out_is_one_line(tmp_path, capsys):
    assert main(["timesteps", "--column", "mnist-5000", "--output", str(tmp_path / "none")]) == 2
    assert "argument --folder: must be given for mnist-5000" in capsys.readouterr().err
    assert main([*QUICK, str(tmp_path / "none"), "--learned", "0"]) == 2
    assert "argument --learned: must be a whole number of at least 1, got '0'" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.exhaustive  # two more processes, which import all that an experiment needs
def test_killed_and_started_again_it_comes_to_the_same(tmp_path, monkeypatch):
    run_here(monkeypatch)
    words = ["--learned", "1", "2", "3", "--tested", "1", "2"]
    assert main([*QUICK, str(tmp_path / "whole"), *words]) == 0
    killed([*QUICK, str(tmp_path / "cut"), "--workers", "1", *words], after=1)
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cut" / "runs").glob("*.json")}
    assert 1 <= len(kept) < 3 and not (tmp_path / "cut" / "timesteps.json").exists()
    assert main([*QUICK, str(tmp_path / "cut"), *words]) == 0
    assert all((tmp_path / "cut" / "runs" / name).stat().st_mtime_ns == when for name, when in kept.items())
    assert without_times(result(tmp_path / "cut", "timesteps")) == without_times(
        result(tmp_path / "whole", "timesteps")
    )
    for kind in ("md", "png", "svg"):
        assert (tmp_path / "cut" / f"timesteps.{kind}").read_bytes() == (
            tmp_path / "whole" / f"timesteps.{kind}"
        ).read_bytes()
