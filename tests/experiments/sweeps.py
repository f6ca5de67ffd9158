"""What tests of sweeps share."""

import json
import subprocess
import sys
from concurrent.futures import Future
from contextlib import contextmanager

from experiments.sweep import runs
from ottt_ref.workers import Engine
from tests.test_command_lines import environment

TIMES = ("seconds", "seconds_of_learning", "seconds_mean")


def without_times(value):
    """A JSON value without what says how long something took."""
    if isinstance(value, dict):
        return {name: without_times(each) for name, each in value.items() if name not in TIMES}
    return [without_times(each) for each in value] if isinstance(value, list) else value


def result(folder, name):
    """What a sweep wrote as JSON."""
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


class _Here:
    def submit(self, function, *arguments):
        future = Future()
        future.set_result(function(*arguments))
        return future


def run_here(monkeypatch):
    """Let trainings run in this process: no other must import all that an experiment needs."""

    @contextmanager
    def engine(workers, scheduler=None):
        yield Engine(_Here(), None, None, 1)

    monkeypatch.setattr(runs, "engine", engine)
    monkeypatch.setattr(runs, "share_processors", lambda workers: None)


def killed(words, after):
    """Start an experiment in a process of its own, and kill it (kill -9) when so many trainings are kept."""
    command = [sys.executable, "-m", "experiments", *words]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE) as process:
        for _ in range(after):
            process.stdout.readline()
        process.kill()
        process.communicate()
