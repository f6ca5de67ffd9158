"""Ablations: each variant changes one thing, and what is said of it is what its interval says."""

import json

import pytest

from experiments.__main__ import main
from experiments.ablation import report
from experiments.ablation.variants import BASE, FACTORS, titles
from experiments.sweep.columns import COLUMNS
from experiments.training import parts
from tests.experiments.sweeps import killed, result, run_here, without_times

VARIANTS = [variant for variants in FACTORS.values() for variant in variants]
ACCURACIES = [0.9, 0.92, 0.91, 0.93, 0.9]
QUICK = ["ablation", "--column", "digits-dense", "--epochs", "1", "--seeds", "1", "--output"]


def runs(variant, apart=(0.0,) * 5):
    """Runs of five seeds that reach ACCURACIES plus some numbers."""
    return {
        ("digits-dense", "ottt-a", variant, seed): {"accuracy": base + apart[seed], "firing_rates": [0.25]}
        for seed, base in enumerate(ACCURACIES)
    }


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda each: each.name)
def test_a_variant_changes_its_keys_alone_wherever_it_applies(variant):
    configs = [
        COLUMNS[column].config(rule) for column in ("digits-dense", "digits-conv") for rule in ("bptt", "ottt-a")
    ]
    applied = [config for config in configs if variant.left_out(config) is None]
    assert applied
    for config in applied:
        changed = config.changed(variant.changes)
        apart = {name for name in config.values if config[name] != changed[name]}
        assert apart and apart <= set(variant.changes)
        parts.network(changed, (1, 8, 8), 10, rng=0)


@pytest.mark.slow  # five surrogates are compiled
def test_the_surrogates_of_a_factor_differ_in_one_thing():
    for variant in FACTORS["surrogate"]:
        assert derivative(variant, 0.0) == pytest.approx(1.0, abs=1e-3)
    for variant in FACTORS["width"]:
        if variant.changes["model.surrogate"] == "triangle":
            assert derivative(variant, 0.0) == 1


def derivative(variant, at):
    config = COLUMNS["digits-dense"].config("ottt-a").changed(variant.changes)
    network = parts.network(config.changed({"training.dtype": "float64"}), (64,), 10, rng=0)
    return float(network.layers[0].neuron.surrogate.derivative(at))


def test_what_means_nothing_for_a_network_or_rule_is_left_out_with_why():
    (dialect,), (free,) = FACTORS["dialect"], FACTORS["standardisation"]
    dense = COLUMNS["digits-dense"].config("bptt")
    assert dialect.left_out(dense) == "rule.dialect is for rule.name ottt-a or ottt-o, here it is bptt"
    assert "model.weight_standardisation is for model.name small_conv" in free.left_out(dense)
    assert BASE.left_out(dense) is None
    places = [{"column": "digits-dense", "rule": rule, "variant": free.name, "why": "so"} for rule in ("bptt", "sltt")]
    assert report.shortened(places, COLUMNS) == [
        "weights not standardised: left out of digits, dense by bptt; digits, dense by sltt: so"
    ]


def test_what_is_said_is_what_the_intervals_say():
    found = report.summaries(
        runs("default")
        | runs("decay-0", [-0.05, -0.06, -0.05, -0.04, -0.05])
        | runs("decay-0.9", [0.02, -0.02, 0.01, -0.01, 0.0])
        | runs("reset-hard", [0.02, 0.02, 0.02, 0.02, 0.02001])
    )
    assert [summary["difference"] is None for summary in found] == [True, False, False, False]
    assert found[1]["difference"]["mean"] == pytest.approx(-0.05)
    decay, reset, chance = report.findings(found)
    assert decay.startswith(
        "digits, dense, ottt-a, decay: λ = 0 is worse than the default, -5.00 [-5.88, -4.12] points"
    )
    assert decay.endswith("points. No difference is certain of λ = 0.9")
    assert "reset: hard reset is better than the default, +2.00" in reset
    assert chance.startswith("2 of 3 intervals leave 0 out; if nothing made a difference, about 0 would")


def test_a_run_that_failed_is_shown_and_compares_with_nothing():
    found = report.summaries(
        runs("default") | runs("decay-1") | {("digits-dense", "ottt-a", "decay-1", 0): {"failed": "so"}}
    )
    assert report.rows(found)[1][4:] == ("failed: so", "", "")
    assert report.findings(found) == ["digits, dense, ottt-a, decay: λ = 1 failed, so"]
    found = report.summaries({key: run for key, run in (runs("default") | runs("decay-1")).items() if key[-1] == 0})
    assert report.findings(found) == ["digits, dense, ottt-a, decay: λ = 1 +0.00 points: one seed has no interval"]


@pytest.mark.slow
def test_the_command_writes_its_runs_against_the_default(tmp_path, capsys, monkeypatch):
    run_here(monkeypatch)
    assert main([*QUICK, str(tmp_path), "--factor", "dialect"]) == 0
    names = {f"ablation.{kind}" for kind in ("json", "md", "png", "svg")}
    assert {path.name for path in tmp_path.iterdir()} == {"runs", *names}
    content = result(tmp_path, "ablation")
    kept = {path.stem: json.loads(path.read_text())["result"] for path in (tmp_path / "runs").iterdir()}
    assert len(content["summaries"]) == len(kept) == 3
    for summary in content["summaries"]:
        place = f"digits-dense--{summary['rule']}--"
        mine, base = (kept[f"{place}{name}--seed0"]["accuracy"] for name in (summary["variant"], "default"))
        assert summary["accuracy_mean"] == mine
        assert summary["difference"] is None or summary["difference"]["mean"] == pytest.approx(mine - base)
    assert [(each["rule"], each["variant"]) for each in content["left_out"]] == [("bptt", "dialect-authors")]
    out = capsys.readouterr().out
    assert "the authors' dialect: left out of digits, dense by bptt" in out
    assert all(
        titles()[summary["variant"]] in (tmp_path / "ablation.md").read_text() for summary in content["summaries"]
    )


@pytest.mark.exhaustive  # two more processes, which import all that an experiment needs
def test_killed_and_started_again_it_comes_to_the_same(tmp_path, monkeypatch):
    run_here(monkeypatch)
    words = ["--factor", "decay"]
    assert main([*QUICK, str(tmp_path / "whole"), *words]) == 0
    killed([*QUICK, str(tmp_path / "cut"), "--workers", "1", *words], after=2)
    assert len(list((tmp_path / "cut" / "runs").glob("*.json"))) >= 2
    assert not (tmp_path / "cut" / "ablation.json").exists()
    assert main([*QUICK, str(tmp_path / "cut"), *words]) == 0
    assert without_times(result(tmp_path / "cut", "ablation")) == without_times(result(tmp_path / "whole", "ablation"))
