"""The table: its columns can be trained, its numbers are the runs', and what it says of OTTT is what they say."""

import json
import re

import pytest

from experiments.__main__ import main
from experiments.sweep.columns import COLUMNS, RULES
from experiments.table import picture, report
from experiments.training import keys


def results(apart, column="digits-dense", rule="ottt-a"):
    """Runs of BPTT, and of a rule that is better by the numbers, seed by seed."""
    base = [0.9, 0.92, 0.91, 0.93, 0.9]
    one = {"firing_rates": [0.25], "parameters": 10, "peak_bytes": 1000, "seconds": 1.0}
    found = {(column, "bptt", seed): {**one, "accuracy": value} for seed, value in enumerate(base)}
    return found | {(column, rule, seed): {**one, "accuracy": base[seed] + each} for seed, each in enumerate(apart)}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_has_a_config_for_every_rule(name, tmp_path):
    for rule in RULES:
        config = COLUMNS[name].config(rule, tmp_path)
        assert config["rule.name"] == rule and config["evaluation.splits"] == ["test"]
        assert config["evaluation.every"] == config["training.epochs"]
        events = config["data.set"] in keys.EVENTS
        assert config["training.time_steps"] == (10 if events else 6)
    assert COLUMNS[name].config("bptt", tmp_path, epochs=1)["training.epochs"] == 1


@pytest.mark.parametrize(
    ("apart", "words"),
    [
        ([0.01, 0.0, 0.005, 0.01, 0.0], "the interval lies above -1 point"),
        ([-0.012, -0.011, -0.013, -0.012, -0.012], "FAILED, below BPTT by 1.20 points, more than one for certain"),
        ([-0.05, -0.06, -0.05, -0.04, -0.05], "FAILED, below BPTT by 5.00 points, more than one for certain"),
        ([0.03, -0.03, 0.02, -0.02, 0.0], r"FAILED, the interval reaches down to -[\d.]+ points; .* about \d+ seeds"),
    ],
)
def test_what_is_said_of_ottt_is_what_the_intervals_say(apart, words):
    found = report.summaries(results(apart))
    (line,) = report.findings(found)
    assert line.startswith("digits, dense, ottt-a: ")
    assert re.search(words, line)
    marked = [row for row in report.rows(found) if "FAILED" in row[3]]
    assert len(marked) == ("FAILED" in line)


def test_a_run_that_failed_is_shown_and_compares_with_nothing():
    runs = results([0.0] * 5) | {("digits-dense", "ottt-a", 0): {"failed": "seed 0, epoch 1: overflow"}}
    found = report.summaries(runs)
    assert report.rows(found)[1][2] == "failed: seed 0, epoch 1: overflow" and report.findings(found) == []
    broken = results([0.0] * 5) | {("digits-dense", "bptt", 0): {"failed": "overflow"}}
    (_, ottt) = report.summaries(broken)
    assert ottt["difference"]["seeds"] == 4


def test_a_difference_that_is_far_is_a_number_at_the_edge_of_the_picture():
    runs = results([0.0] * 5) | results([-0.3] * 5, rule="sltt")
    accuracy, apart = picture.draw(report.summaries(runs)).axes
    assert [text.get_text() for text in apart.texts] == ["◂ -30.0"] and not accuracy.texts
    low, high = apart.get_xlim()
    assert -8 < low < -1 and 1 < high < 8


@pytest.mark.slow
def test_the_command_writes_what_its_runs_found_and_goes_on(tmp_path, capsys):
    words = ["table", "--column", "digits-dense", "--rule", "bptt", "sltt", "--epochs", "1", "--workers", "1"]
    assert main([*words, "--seeds", "1", "--output", str(tmp_path)]) == 0
    assert main([*words, "--seeds", "2", "--output", str(tmp_path)]) == 0
    assert "2 of 4" not in capsys.readouterr().out  # the first seed's two were there
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "table.json", "table.md", "table.png", "table.svg"}
    content = json.loads((tmp_path / "table.json").read_text())
    kept = {path.stem: json.loads(path.read_text())["result"] for path in (tmp_path / "runs").iterdir()}
    for summary in content["summaries"]:
        mine = [kept[f"digits-dense--{summary['rule']}--seed{seed}"]["accuracy"] for seed in range(2)]
        assert summary["accuracy_mean"] == pytest.approx(sum(mine) / 2)
    assert (tmp_path / "table.md").read_text().count("\n") == 4


def test_a_column_whose_data_lie_in_a_wheel_needs_the_folder(tmp_path, capsys):
    assert main(["table", "--column", "mnist-5000", "--output", str(tmp_path / "none")]) == 2
    assert "argument --folder: must be given for mnist-5000" in capsys.readouterr().err
    assert main(["table", "--column", "mnist-5000", "--folder", str(tmp_path), "--output", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not (tmp_path / "none").exists()
