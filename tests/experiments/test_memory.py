"""The memory experiment: what is measured, how it is fitted, what is written and said."""

import json
from dataclasses import replace

import numpy as np
import pytest

from experiments import __main__ as program
from experiments import intervals
from experiments.memory import command, measure, report

pytestmark = pytest.mark.slow

NOISE = 4096  # Python's own small objects come and go, however many time steps there are (claim M1)
TINY = replace(measure.TASK, input_shape=(8,), hidden=(6,), classes=3, batch=2, dtype="float64")


def peaks(name, steps):
    return dict(zip(steps, measure.state(name, TINY, steps)["bytes"]))


def test_bptt_keeps_every_time_step_and_ottt_keeps_one():
    steps = (100, 600)
    for name in ("ottt-a", "ottt-o"):
        found = peaks(name, steps)
        assert abs(found[600] - found[100]) < NOISE < 8 * TINY.batch * 500, name  # a number per sample and time step
    bptt = peaks("bptt", steps)
    # Potentials, outputs and surrogate derivatives of 6 neurons and 3 outputs, errors of these; the result's outputs
    # are not counted.
    per_step = TINY.batch * 8 * 3 * (6 + 3)
    assert abs(bptt[600] - bptt[100] - 500 * per_step) < NOISE


def test_the_state_of_rtrl_is_a_number_for_each_pair():
    found = peaks("rtrl", (1, 4))
    pairs = TINY.batch * (8 * 6 + 6 * 3) * (2 * (6 + 3))  # of a parameter and a potential or output
    assert found[1] > 8 * pairs and abs(found[4] - found[1]) < 0.5 * found[1]
    large = replace(TINY, input_shape=(300,), hidden=(300,), batch=4)
    refused = measure.state("rtrl", large, (1,))
    assert refused["status"] == "refused" and "at most 134217728 numbers" in refused["reason"]


def test_what_was_not_measured_says_why():
    left_out = measure.state("rtrl", TINY, (1000,))
    assert left_out["status"] == "left out" and "each pair of a neuron and a parameter" in left_out["reason"]


def test_workloads_of_any_length_have_the_same_weights():
    short, long = (measure.workload(replace(TINY, time_steps=steps)) for steps in (3, 50))
    assert all(np.array_equal(short.weights[name], long.weights[name]) for name in short.weights)
    assert long.inputs.shape == (50, 2, 8) and set(np.unique(long.inputs)) == {0.0, 1.0}


def test_slopes_have_students_intervals():
    rng = np.random.default_rng(0)
    places = np.arange(12.0)
    values = 3 * places + 5 + rng.standard_normal(12)
    found = intervals.of_slope(places, values)
    centred = places - places.mean()
    slope = centred @ values / (centred @ centred)
    residual = values - values.mean() - slope * centred
    half = 2.2281388519649385 * np.sqrt(residual @ residual / 10 / (centred @ centred))  # Student's, 10 degrees
    assert (found.value, found.low, found.high) == pytest.approx((slope, slope - half, slope + half))
    assert not found.holds_zero and intervals.of_slope(places, np.ones(12)).holds_zero
    assert intervals.of_slope([1, 2], [1, 2]) is None


def invented(name, sizes, process):
    """A subject's results without work."""
    steps = [1, 10, 100, 1000, 10_000]
    return {
        "subject": name,
        "words": measure.SUBJECTS[name].words,
        "online": measure.SUBJECTS[name].online,
        "state": {"status": "measured", "time_steps": steps, "bytes": sizes, "seconds": [0.001 * T for T in steps]},
        "process": {"time_steps": steps, "bytes": process},
        "reasons": [],
        "left_out": [],
        "why_left_out": "",
    }


FLAT, GROWING = [500, 510, 505, 500, 507], [1100, 2000, 11_000, 101_000, 1_001_000]


@pytest.mark.parametrize(("sizes", "verdict"), [(FLAT, "holds"), (GROWING, "does not hold")])
def test_the_verdict_is_what_the_fit_says(sizes, verdict):
    results = [invented("ottt-a", sizes, FLAT), invented("ottt-o", FLAT, FLAT), invented("bptt", GROWING, GROWING)]
    found = report.fits(results)
    lines = report.findings(results, found)
    assert f"OTTT's training state does not grow with T, within the interval: {verdict}" in lines
    assert "OTTT's process does not grow with T, within the interval: holds" in lines
    bptt = next(each for each in found if each["subject"] == "bptt")
    assert bptt["bytes_per_step"]["value"] == pytest.approx(100) and not bptt["zero"]
    assert bptt["exponent"]["value"] == pytest.approx(1, abs=0.03)


def test_the_command_writes_what_it_says(monkeypatch, tmp_path, capsys):
    results = [invented("ottt-a", FLAT, FLAT), invented("bptt", GROWING, GROWING)]
    results[1] |= {"reasons": ["absent: torch is not installed"], "left_out": [10_000], "why_left_out": "slow"}
    asked = []
    monkeypatch.setattr(command.measure, "measure_all", lambda *given: asked.append(given) or results)
    options = ["--subject", "ottt-a", "bptt", "--longest", "10000", "--output", str(tmp_path)]
    assert program.main(["memory", *options]) == 0
    assert asked[0][0] == ("ottt-a", "bptt") and asked[0][2] == 10_000
    out = capsys.readouterr().out
    assert "BPTT: absent: torch is not installed" in out and "left out at T = 10,000: slow (here 1 ms" in out
    assert {path.name for path in tmp_path.iterdir()} == {f"memory.{kind}" for kind in ("json", "md", "png", "svg")}
    content = json.loads((tmp_path / "memory.json").read_text())
    assert content["subjects"] == results and len(content["fits"]) == 4
    table = (tmp_path / "memory.md").read_text()
    assert "| 10,000 | 0.5 | 1,001.0 |" in table and "does not grow with T, within the interval: holds" in table


@pytest.mark.exhaustive
def test_a_fresh_process_is_measured_for_each_number_of_time_steps():
    (found,) = measure.measure_all(("bptt",), TINY, 1, 1)
    assert found["process"]["time_steps"] == [1] and found["state"]["time_steps"] == [1]
    assert found["process"]["bytes"][0] >= 0 and found["reasons"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--subject", "nobody"], "invalid choice"),
        (["--longest", "20000"], "at most 10000"),
        (["--seed", "-1"], "argument --seed"),
        (["--output", "setup.cfg"], "must be a folder"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments, message, capsys):
    assert program.main(["memory", *arguments]) == 2
    assert message in capsys.readouterr().err
