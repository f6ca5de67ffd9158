"""Long work on the workers of a Dask scheduler: the same results, though a worker is killed; and what is refused."""

import dataclasses
import os
import signal
import time
from pathlib import Path

import pytest

from experiments.digits import runs
from experiments.digits.training import Settings
from ottt_ref import console, workers
from ottt_ref.console import CommandError
from proofs import parallel
from proofs.claims import BY_NAME

distributed = pytest.importorskip("distributed")
from ottt_ref import scheduler  # noqa: E402 - it needs the extra

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
SCREEN = console.screen(100)


def cluster(count=2, threads=1):
    return distributed.LocalCluster(
        n_workers=count, threads_per_worker=threads, processes=True, dashboard_address=None, host="127.0.0.1"
    )


@pytest.fixture(scope="module")
def address():
    with cluster() as found:
        yield found.scheduler_address


def slow_square(number, folder):
    """Write down which process is at it, wait until there is leave, and square."""
    (folder / f"{number}-{os.getpid()}").touch()
    wait_for((folder / "go on").exists)
    return number * number


def processes(folder, number="*"):
    """Those that began a number, or any."""
    return {int(path.name.partition("-")[2]) for path in folder.glob(f"{number}-*")}


def wait_for(what):
    for _ in range(1500):
        found = what()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it never happened")


def test_nothing_is_lost_where_a_worker_is_killed(address, tmp_path):
    with workers.engine(1, address) as engine:
        pending = [engine.submit(slow_square, number, tmp_path) for number in range(5)]
        first = min(wait_for(lambda: processes(tmp_path)))
        (lost,) = [number for number in range(5) if first in processes(tmp_path, number)]
        before = wait_for(lambda: len(processes(tmp_path)) > 1 and processes(tmp_path))
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: processes(tmp_path) - before)  # one that was started in its place
        (tmp_path / "go on").touch()
        assert [future.result(timeout=60) for future in pending] == [0, 1, 4, 9, 16]
    assert len(processes(tmp_path, lost)) == 2  # another process did it anew


def test_claims_are_checked_with_the_same_result_wherever_they_are(address):
    claims = [BY_NAME[name] for name in ("E3", "R1")]
    here, there = (
        parallel.run_all(claims, 8, 3, 1, SCREEN, scheduler=where, size=(1, 1, 2)) for where in (None, address)
    )
    for mine, other in zip(here, there):
        assert mine.holds and dataclasses.replace(mine, seconds=0) == dataclasses.replace(other, seconds=0)


def test_digits_are_trained_to_the_same_bytes_and_their_progress_is_told(address, capfd):
    pairs, settings = [("sltt", 0), ("sltt", 1)], Settings(epochs=1, time_steps=1, backend="reference")
    here, there = (
        runs.train_all(pairs, settings, 2, SCREEN, lambda results: "", scheduler=where) for where in (None, address)
    )
    for mine, other in zip(here, there):
        assert {**mine, "seconds": 0} == {**other, "seconds": 0}
    assert capfd.readouterr().out.count("sltt, seed 1:") == 2


def refused(address, words):
    with pytest.raises(CommandError, match=words), workers.engine(1, address):
        pass


def test_what_has_no_scheduler_is_refused():
    refused("nonsense", r"must be an address such as tcp://127\.0\.0\.1:8786, got 'nonsense'")


def test_a_scheduler_that_does_not_answer_is_refused(monkeypatch):
    monkeypatch.setattr(scheduler, "SECONDS", 0.2)
    refused("tcp://127.0.0.1:9", r"no scheduler answers at 'tcp://127\.0\.0\.1:9'")


@pytest.mark.parametrize(
    ("count", "threads", "words"), [(0, 1, "has no workers: start some by dask worker"), (1, 2, "one thread, got 2")]
)
def test_workers_that_do_not_fit_are_refused(count, threads, words):
    with cluster(count, threads) as found:
        refused(found.scheduler_address, words)


def test_workers_of_other_sources_are_refused(address, monkeypatch):
    monkeypatch.setattr(scheduler, "sources", lambda: {"ottt_ref": "another"})
    refused(address, "must have the same ottt_ref as the program")


def test_a_task_that_raises_says_so(address):
    with workers.engine(1, address) as engine, pytest.raises(FileNotFoundError):
        engine.submit(os.stat, str(Path("/nowhere"))).result(timeout=60)
