"""`ottt-ref train` as its users run it: files out, one line where something is wrong, killed and started again."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import ottt_ref as ot
from experiments.training import command, config
from ottt_ref import cli
from tests.test_command_lines import environment

pytestmark = pytest.mark.slow

OWN = """
[data]
set = "digits"
[model]
name = "dense"
hidden = [8]
[training]
epochs = 2
batch_size = 200
time_steps = 2
dtype = "float64"
backend = "reference"
"""
FILES = {"seed0.checkpoint.npz", "seed0.jsonl", "seed0.network.npz", "training.json", "training.png", "training.svg"}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working directory with a config."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "my.toml").write_text(OWN, encoding="utf-8")
    return tmp_path


def run(*words):
    return cli.main(["train", *words])


def without_times(value):
    """A JSON value without what says how long something took."""
    if isinstance(value, dict):
        return {name: without_times(each) for name, each in value.items() if name != "seconds"}
    return [without_times(each) for each in value] if isinstance(value, list) else value


def result(folder):
    return without_times(json.loads((folder / "training.json").read_text(encoding="utf-8")))


def test_it_writes_what_it_learned_and_two_runs_write_the_same(folder, capsys):
    assert run("my.toml") == 0
    out, err = capsys.readouterr()
    assert "test accuracy" in out and "wrote results/my/training.json" in out and err == ""
    first = folder / "results" / "my"
    assert {path.name for path in first.iterdir()} == FILES
    assert run("my.toml", "--output", "again") == 0
    assert result(folder / "again") == result(first)
    for name in ("seed0.network.npz", "training.png", "training.svg"):
        assert (folder / "again" / name).read_bytes() == (first / name).read_bytes()
    held = result(first)
    assert held["settings"]["config"] == "my" and held["settings"]["training"]["seeds"] == [0]
    assert [epoch["epoch"] for epoch in held["runs"][0]["epochs"]] == [1, 2]
    assert ot.Network.load(first / "seed0.network.npz").output_size == 10
    capsys.readouterr()
    assert run("my.toml", "--resume") == 0 and "seed 0 is finished" in capsys.readouterr().out
    assert run("my.toml", "--fresh") == 0 and "epoch 1: loss" in capsys.readouterr().out
    assert result(first) == held


def test_it_lists_its_configs_and_their_keys(capsys):
    assert run("--list") == 0
    out = capsys.readouterr().out
    assert all(name in out for name in config.shipped())
    assert run("--keys") == 0
    assert capsys.readouterr().out.startswith("| key | what it may be |")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "CONFIG must be a TOML file, or one of the configs that --list shows, got none"),
        (["nothing.toml"], "nothing.toml must be a file, or one of cifar10-dvs, "),
        (["."], "Is a directory"),
        (["my.toml", "--set", "training.epochs"], "argument --set: must be KEY=VALUE, got 'training.epochs'"),
        (["my.toml", "--set", "training.epochs=many"], "my.toml: training.epochs must be a whole number of at least 1"),
        (["my.toml", "--set", "training.epoch=1"], "there is no key training.epoch: is it training.epochs?"),
        (["my.toml", "--rule", "ottt"], "rule.name must be one of ottt-a, ottt-o, "),
        (["my.toml", "--rule", "nowhere:rule"], "my.toml: rule.name: 'nowhere:rule': cannot import nowhere"),
        (["my.toml", "--resume"], "argument --resume: results/my must hold a checkpoint of this training"),
        (["my.toml", "--resume", "--fresh"], "not allowed with argument"),
        (["my.toml", "--folder", "elsewhere"], "digits needs no folder, got elsewhere"),
        (["cifar10"], "cifar10 needs a folder with its files"),
        (["cifar10", "--folder", "elsewhere"], "cifar10: elsewhere must be a folder, and is not there"),
        (["my.toml", "--seeds", "0"], "argument --seeds: must be a whole number of at least 1, got '0'"),
        (["my.toml", "--output", "my.toml"], "argument --output: must be a folder that can be written"),
        (["my.toml", "--set", "model.surrogate_settings={beta=1}"], "model.surrogate_settings of sigmoid must be of"),
    ],
)
def test_what_cannot_be_carried_out_is_one_line_and_leaves_nothing(folder, capsys, words, said):
    assert run(*words) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("ottt-ref: error: ") and err.count("\n") == 1 and said in err
    assert {path.name for path in folder.iterdir()} == {"my.toml"}


def test_a_folder_of_results_that_is_a_file_is_refused(folder, capsys):
    (folder / "results").write_text("mine", encoding="utf-8")
    assert run("my.toml") == 2
    assert "argument --output: must be a folder that can be written, got 'results/my'" in capsys.readouterr().err


def test_another_config_does_not_go_on_in_the_same_folder(capsys):
    assert run("my.toml", "--epochs", "1") == 0
    capsys.readouterr()
    assert run("my.toml", "--epochs", "1", "--set", "optimiser.learning_rate=0.2") == 2
    err = capsys.readouterr().err
    assert "is of another config: optimiser.learning_rate is 0.1 there, and 0.2 here; --output names another" in err


def test_a_rule_of_ones_own_learns(folder, capsys):
    (folder / "theirs.py").write_text("from ottt_ref.sltt import SLTT as rule\n", encoding="utf-8")
    (folder / "fails.py").write_text("def rule(network, batch_size):\n    raise KeyError('no')\n", encoding="utf-8")
    sys.path.insert(0, str(folder))
    assert run("my.toml", "--rule", "theirs:rule", "--epochs", "1", "--output", "own") == 0
    assert run("my.toml", "--rule", "sltt", "--epochs", "1", "--output", "sltt") == 0
    assert result(folder / "own")["runs"] == result(folder / "sltt")["runs"]
    capsys.readouterr()
    assert run("my.toml", "--rule", "fails:rule", "--output", "failed") == 2
    assert "rule.name: 'fails:rule' stopped with KeyError" in capsys.readouterr().err
    assert not (folder / "failed").exists()


def test_a_dry_run_needs_no_data_and_writes_nothing(folder, capsys):
    chosen = ["training.backend=reference", "training.dtype=float64", "training.time_steps=2", "model.width=0.03125"]
    assert run("cifar10", "--dry-run", "--set", *chosen, "training.batch_size=2") == 0
    out = capsys.readouterr().out
    network = ot.models.vgg11_ws(width=1 / 32, rng=0)
    assert f"{sum(value.size for value in network.parameters.values()):,}" in out
    assert "forward, a sample" in out and "time of one seed" in out and "Made-up data fires otherwise" in out
    assert {path.name for path in folder.iterdir()} == {"my.toml"}


@pytest.mark.exhaustive  # two more processes, which import all that an experiment needs
@pytest.mark.skipif(sys.platform == "win32", reason="signals are other things there")
def test_a_run_that_was_killed_goes_on_to_the_same_bytes(folder, capsys):
    """Ctrl-C, then kill -9, of a run with a checkpoint within each epoch too."""
    words = ["my.toml", "--epochs", "8", "--set", "checkpoints.steps=7", "training.batch_size=100", "--output"]
    assert run(*words, "whole") == 0
    options = {"env": environment(), "cwd": folder, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    for number, sent in enumerate((signal.SIGINT, signal.SIGKILL)):
        with subprocess.Popen([sys.executable, "-m", "ottt_ref", "train", *words, "cut"], **options) as process:
            for _ in range(3):
                process.stdout.readline()
            time.sleep(0.01)
            process.send_signal(sent)
            err = process.communicate()[1].decode()
        assert process.returncode == (-9 if number else 130)
        assert number or "seed 0 was learning; the same command goes on from its last checkpoint" in err
        assert not (folder / "cut" / "training.json").exists()
    assert run(*words, "cut") == 0 and "seed 0 goes on in epoch" in capsys.readouterr().out
    assert result(folder / "cut") == result(folder / "whole")
    name = "seed0.network.npz"
    assert (folder / "cut" / name).read_bytes() == (folder / "whole" / name).read_bytes()


def test_what_is_said_of_several_seeds_is_mean_and_deviation():
    runs = [{"seed": k, "seconds": 1.0, "epochs": [{"test": {"accuracy": a}}]} for k, a in ((0, 0.8), (1, 0.9))]
    said = list(command._said(runs, config.read("my.toml")))
    assert said[0] == f"test accuracy 85.00 ± {100 * np.std([0.8, 0.9], ddof=1):.2f} % (ottt-a, 2 seeds)"
