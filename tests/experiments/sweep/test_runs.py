"""Trainings by workers: kept one by one, done once, and the same wherever and in how many pieces they are done."""

import io
import json
from concurrent.futures import Future
from contextlib import contextmanager

import pytest
from rich.console import Console

from experiments.sweep import runs
from experiments.training import config
from ottt_ref.console import CommandError
from ottt_ref.workers import Engine

SMALL = config.of(
    {
        "data": {"set": "digits"},
        "model": {"name": "dense", "hidden": [4]},
        "training": {"epochs": 1, "batch_size": 400, "time_steps": 1, "backend": "reference", "dtype": "float64"},
    }
)
SCREEN = Console(file=io.StringIO())


class Here:
    """An executor that calls at once, and counts; after so many calls it raises what it is told to."""

    def __init__(self, stop_after=None):
        self.calls, self.stop_after = 0, stop_after

    def submit(self, function, *arguments):
        future = Future()
        if self.calls == self.stop_after:
            future.set_exception(KeyboardInterrupt())
            return future
        self.calls += 1
        future.set_result(function(*arguments))
        return future


@pytest.fixture
def here(monkeypatch):
    """What makes runs go by an executor of this process, and gives it."""

    def use(**options):
        executor = Here(**options)

        @contextmanager
        def engine(workers, scheduler=None):
            yield Engine(executor, None, None, 1)

        monkeypatch.setattr(runs, "engine", engine)
        return executor

    return use


def jobs(*seeds, time_steps=()):
    return [runs.Job("small", SMALL, seed, time_steps) for seed in seeds]


def numbers(found):
    return [
        {name: value for name, value in result.items() if name not in ("seconds", "peak_bytes")} for result in found
    ]


def test_what_was_kept_is_not_done_again(here, tmp_path):
    executor = here()
    first = runs.carry_out(jobs(0, 1), tmp_path, 1, SCREEN)
    again = runs.carry_out(jobs(1, 0, 2), tmp_path, 1, SCREEN)
    assert executor.calls == 3 and again[:2] == first[::-1]
    assert first[0]["accuracy"] != first[1]["accuracy"] and first[0]["parameters"] == 64 * 4 + 4 + 4 * 10 + 10


def test_stopped_anywhere_it_comes_to_the_same(here, tmp_path):
    here()
    whole = runs.carry_out(jobs(0, 1, 2), tmp_path / "whole", 1, SCREEN)
    here(stop_after=1)
    with pytest.raises(KeyboardInterrupt, match=r"1 of 3 trainings are kept in .*the same command does the others"):
        runs.carry_out(jobs(0, 1, 2), tmp_path / "parts", 1, SCREEN)
    executor = here()
    parts = runs.carry_out(jobs(0, 1, 2), tmp_path / "parts", 1, SCREEN)
    assert executor.calls == 2 and numbers(parts) == numbers(whole)


@pytest.mark.parametrize("what", ["seed", "config", "time_steps", "sources"])
def test_what_was_computed_otherwise_is_done_anew(here, tmp_path, monkeypatch, what):
    executor = here()
    runs.carry_out(jobs(0), tmp_path, 1, SCREEN)
    (path,) = (tmp_path / "runs").iterdir()
    if what == "sources":
        monkeypatch.setattr(runs, "sources", lambda folders: "other")
    else:
        content = json.loads(path.read_text())
        content["job"][what] = {"seed": 9, "config": {}, "time_steps": [3]}[what]
        path.write_text(json.dumps(content))
    runs.carry_out(jobs(0), tmp_path, 1, SCREEN)
    assert executor.calls == 2


def test_a_file_that_is_no_run_is_refused_by_name(here, tmp_path):
    here()
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "small--seed0.json").write_text("{")
    with pytest.raises(CommandError, match=r"small--seed0\.json holds no run: .*; move it away"):
        runs.carry_out(jobs(0), tmp_path, 1, SCREEN)


def test_two_jobs_of_one_name_are_refused(tmp_path):
    with pytest.raises(ValueError, match="jobs must have names of their own, got two of small--seed0"):
        runs.carry_out(jobs(0, 0), tmp_path, 1, SCREEN)


def test_a_network_is_tested_with_other_numbers_of_time_steps_too(here, tmp_path):
    here()
    (found,) = runs.carry_out(jobs(0, time_steps=(1, 3)), tmp_path, 1, SCREEN)
    assert found["by_time_steps"]["1"] == {"accuracy": found["accuracy"], "firing_rates": found["firing_rates"]}
    assert found["by_time_steps"]["3"]["firing_rates"] != found["firing_rates"]


def test_a_training_that_cannot_go_on_is_a_result_that_says_why(here, tmp_path):
    here()
    hot = SMALL.changed({"optimiser.learning_rate": 1e300, "training.epochs": 3})
    (found,) = runs.carry_out([runs.Job("hot", hot, 0)], tmp_path, 1, SCREEN)
    assert list(found) == ["failed"] and "seed 0, epoch" in found["failed"]


def test_where_the_data_lie_is_no_part_of_a_result():
    one, other = (SMALL.changed({"data.folder": folder}) for folder in ("here", "there"))
    assert runs.Job("a", one, 0).description == runs.Job("a", other, 0).description
