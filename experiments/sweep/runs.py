"""Runs by workers. What a run comes to is kept in a file of its own at once, so that nothing is done twice.

A file counts for the same config, seed and sources alone. Killed and started again, a sweep comes to the same numbers
as one that was left alone, but for its times. A run is a `Task`: a training of a table, `Job`, or another of the kind.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, as_completed
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

import ottt_ref
from ottt_ref.console import CommandError
from ottt_ref.files.storage import write_bytes
from ottt_ref.sources import digest
from ottt_ref.workers import engine

from ..backends import share_processors
from ..training import config as configs
from ..training import parts, trainer
from ..training.config import Config
from ..training.evaluation import evaluate

FORMAT = "a run of a sweep, 1"
FOLDERS = ("data", "training")  # of the experiments, whose sources a result hangs on


class Task(Protocol):
    """A run that a sweep can do.

    name         what its file is called, without the ending
    folders      of the experiments, whose sources its result hangs on
    description  what its result hangs on beside them, as JSON has it
    call         a function of a module, and what it is given before the number of runs on one machine; it returns the
                 result, as JSON has it
    """

    @property
    def name(self) -> str: ...
    @property
    def folders(self) -> tuple[str, ...]: ...
    @property
    def description(self) -> dict[str, Any]: ...
    @property
    def call(self) -> tuple[Callable[..., dict[str, Any]], tuple]: ...
    def said(self, result: Mapping[str, Any]) -> str:
        """The result in a few words."""


@dataclass(frozen=True)
class Job:
    """One training.

    cell         what the table calls it: letters, digits, dots and dashes
    config       with the folder of its data, if it needs one
    seed         of the run
    time_steps   how many time steps the network is tested with after training; none: as many as it learned with
    """

    cell: str
    config: Config
    seed: int
    time_steps: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """What its file is called, without the ending."""
        return f"{self.cell}--seed{self.seed}"

    @property
    def description(self) -> dict[str, Any]:
        """What its result hangs on, beside the sources; where the data lie is no part of it."""
        return {"config": without_folder(self.config), "seed": self.seed, "time_steps": list(self.time_steps)}

    @property
    def folders(self) -> tuple[str, ...]:
        """Of the experiments, whose sources its result hangs on."""
        return FOLDERS

    @property
    def call(self) -> tuple[Callable[..., dict[str, Any]], tuple]:
        """What a worker does."""
        return work, (self.config.tables, self.config.source, self.seed, self.time_steps)

    def said(self, result: Mapping[str, Any]) -> str:
        """The result in a few words."""
        return result.get("failed") or f"{100 * result['accuracy']:.2f} %"


def without_folder(config: Config) -> dict[str, dict[str, Any]]:
    """The tables of a config without where its data lie."""
    tables = {section: dict(table) for section, table in config.tables.items()}
    tables["data"].pop("folder", None)
    return tables


@lru_cache
def sources(folders: tuple[str, ...] = FOLDERS) -> str:
    """A digest of what computes a result: the library, and these folders of the experiments."""
    library, here = Path(ottt_ref.__file__).parent, Path(__file__).parents[1]
    parts = [library / name for name in ("learning", "fast", "methods", "network", "simulation")]
    return digest([*parts, *(here / name for name in folders)], "*.py")


class Kept:
    """The results of a sweep, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "runs"

    def load(self, job: Task) -> dict[str, Any] | None:
        """The result of a job; None where there is none of the same config and sources."""
        path = self._path(job)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise CommandError(f"{path} holds no run: {error}; move it away") from None
        whole = isinstance(content, dict) and content.get("format") == FORMAT
        if not whole or content.get("sources") != sources(job.folders) or content.get("job") != job.description:
            return None
        return content["result"]

    def write(self, job: Task, result: Mapping[str, Any]) -> None:
        """Keep a result, atomically."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {"format": FORMAT, "sources": sources(job.folders), "job": job.description, "result": result}
        write_bytes(self._path(job), (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())

    def _path(self, job):
        return self.folder / f"{job.name}.json"


def carry_out(
    jobs: Iterable[Task], folder: Path, workers: int, console, scheduler=None, *, what: str = "trainings"
) -> list[dict[str, Any]]:
    """The results of the jobs, in their order; what the folder has of them is not done again.

    workers, scheduler  where they run, as `ottt_ref.workers.engine` takes them
    what                they are called

    Of a run that cannot go on the result is {"failed": why}. Ctrl-C raises KeyboardInterrupt that says what is kept.
    """
    jobs, kept = list(jobs), Kept(folder)
    names = [job.name for job in jobs]
    if len(set(names)) < len(names):
        raise ValueError(f"jobs must have names of their own, got two of {max(names, key=names.count)}")
    found = {job.name: result for job in jobs if (result := kept.load(job)) is not None}
    missing = [job for job in jobs if job.name not in found]
    pending: dict[Future, Task] = {}
    try:
        with nullcontext() if not missing else engine(workers, scheduler) as pool, _bar(console) as bar:
            pending.update({pool.submit(job.call[0], *job.call[1], pool.on_machine): job for job in missing})
            task = bar.add_task(what, total=len(jobs), completed=len(found))
            for future in as_completed(pending):
                job, result = pending[future], future.result()
                kept.write(job, result)
                found[job.name] = result
                bar.advance(task)
                if not console.is_terminal:
                    print(f"{len(found)} of {len(jobs)}: {job.name}: {job.said(result)}", flush=True)
    except KeyboardInterrupt:
        for future, job in pending.items():
            if job.name not in found and future.done() and not future.cancelled() and not future.exception():
                found[job.name] = future.result()
                kept.write(job, found[job.name])
        raise KeyboardInterrupt(
            f"{len(found)} of {len(jobs)} {what} are kept in {kept.folder}; the same command does the others"
        ) from None
    return [found[name] for name in names]


def _bar(console):
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    left = (TextColumn("left"), TimeRemainingColumn())
    return Progress(
        *columns, *left, console=console, transient=True, speed_estimate_period=3600, disable=not console.is_terminal
    )


def work(tables: Mapping, source: str, seed: int, time_steps: tuple[int, ...], on_machine: int) -> dict[str, Any]:
    """Train once, in a worker: what the run comes to, as JSON has it."""
    share_processors(on_machine)
    config = configs.of(tables, source)
    data = opened(tables["data"], source)
    try:
        trainer.warm_up(config, data)
        trained = trainer.train(config, seed, data=data)
    except trainer.TrainingError as error:
        return {"failed": str(error)}
    (split,) = config["evaluation.splits"]
    last = trained.epochs[-1]
    return {
        **last[split],
        "loss": last["loss"],
        "parameters": trained.summary["parameters"],
        "seconds": trained.seconds,
        "peak_bytes": trainer.training_bytes(config, data),
        "by_time_steps": {str(steps): _tested(trained.network, config, data, split, steps) for steps in time_steps},
    }


def opened(table: Mapping, source: str):
    """The data set of the config's table "data", which several runs of a process share."""
    return _opened(json.dumps(table, sort_keys=True), source)


@lru_cache(maxsize=2)
def _opened(table, source):
    return parts.data(configs.of({"data": json.loads(table), **_ANY}, source))


_ANY = {"model": {"name": "dense"}, "training": {"epochs": 1}}  # a config must have them; the data do not hang on them


def _tested(network, config, data, split, steps):
    encode = parts.encoding(config.changed({"training.time_steps": steps}), data.largest)
    given = config["evaluation.batch_size"], config["training.backend"]
    return evaluate(network, data, split, encode, *given)
