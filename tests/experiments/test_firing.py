"""The firing experiment: rates are those of the spikes, and what is written and said."""

import json

import numpy as np
import pytest

import ottt_ref as ot
from experiments import __main__ as program
from experiments.digits.data import sequence
from experiments.firing import command, measure, report
from experiments.firing.measure import Settings

pytestmark = pytest.mark.slow

SMALL = Settings(hidden=(12, 8), seeds=2, epochs=1, time_steps=4)


def test_rates_are_those_of_the_spikes():
    digits, network = measure.digits_of(SMALL), ot.dense_network((64, 12, 8, 10), rng=0).astype("float32")
    found = measure.rates(network, SMALL, digits)
    activity = ot.simulate(network, sequence(digits.test_images, 4))
    for l, spikes in enumerate(activity.spikes):
        assert found["rates"][l] == pytest.approx(spikes.mean(axis=(1, 2), dtype=float), abs=1e-3)
        assert found["silent"][l] == pytest.approx(1 - spikes.any(axis=(0, 1)).mean(), abs=0.1)
    right = activity.outputs.sum(axis=0).argmax(axis=1) == digits.test_labels
    assert found["accuracy"] == pytest.approx(right.mean(), abs=0.02)
    assert np.array(found["rates"]).shape == (2, 4) and 0 < np.mean(found["rates"]) < 1


def invented(method, seed, settings):
    """A run without work."""
    assert settings.time_steps == 3
    return {
        "method": method,
        "seed": seed,
        "accuracy": 0.9,
        "rates": [[0.1, 0.2 + 0.1 * seed, 0.3], [0.0, 0.5, 0.5]],
        "silent": [0.25, 0.5],
    }


def test_summaries_have_students_intervals():
    settings = Settings(time_steps=3)
    (found,) = report.summaries([invented("bptt", seed, settings) for seed in (0, 1)])
    first, second = found["layers"]
    half = 12.706204736432095 * (0.1 / 2**0.5) / 2**0.5  # Student's 97.5 % point with one degree of freedom
    assert first["by_time_step"][1] == pytest.approx([0.25, max(0, 0.25 - half), min(1, 0.25 + half)])
    assert second["rate"] == pytest.approx([1 / 3] * 3) and first["silent"] == [0.25] * 3


def test_the_command_writes_what_it_says(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command, "run_all", lambda function, calls, *_: [invented(*call) for call in calls])
    options = ["--time-steps", "3", "--seeds", "2", "--method", "ottt-a", "bptt", "--output", str(tmp_path)]
    assert program.main(["firing", *options]) == 0
    out = capsys.readouterr().out
    assert "ottt-a, 1" in out and "50.0 ± 0.0" in out and "mean over 2 seeds" in out
    assert {path.name for path in tmp_path.iterdir()} == {f"firing.{kind}" for kind in ("json", "md", "png", "svg")}
    content = json.loads((tmp_path / "firing.json").read_text())
    assert content["settings"]["methods"] == ["ottt-a", "bptt"] and len(content["runs"]) == 4
    assert "| bptt, 0 | 90.0 ± 0.0 |" in (tmp_path / "firing.md").read_text()


@pytest.mark.exhaustive
def test_training_is_the_same_every_time_and_learns():
    once, again = (measure.measure("ottt-a", 0, SMALL) for _ in range(2))
    assert once == again and once["accuracy"] > 0.3
    assert measure.measure("ottt-a", 1, SMALL) != once


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "colour"], "invalid choice"),
        (["--method", "rtrl"], "invalid choice"),
        (["--epochs", "0"], "at least 1"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments, message, capsys):
    assert program.main(["firing", *arguments]) == 2
    assert message in capsys.readouterr().err
