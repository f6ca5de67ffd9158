"""One run: a config and a seed. The seed gives the weights, the order of the samples, and all else that is drawn.

`train` is what tables are made of: it keeps files only where it is given a folder, and can be sent to another process.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ottt_ref.memory import peak_bytes
from ottt_ref.network.network import Network
from ottt_ref.outside import OutsideError

from ..data.sets import DataSet
from . import checkpoints, parts, rules
from .config import Config
from .evaluation import evaluate


class TrainingError(ValueError):
    """A run that cannot go on: numbers that overflow, for one; the message says where."""


@dataclass(frozen=True)
class Trained:
    """What a run comes to.

    network  with what it learned
    seed     of the run
    epochs   of each: epoch, learning rate, loss (the mean over its batches), seconds, and by split what `evaluate` says
    seconds  that learning took; compilation is in it, evaluation is not
    """

    network: Network
    seed: int
    epochs: list[dict[str, Any]]
    seconds: float

    @property
    def summary(self) -> dict[str, Any]:
        """The run without its network, as JSON has it."""
        return {
            "seed": self.seed,
            "parameters": sum(value.size for value in self.network.parameters.values()),
            "seconds": self.seconds,
            "epochs": self.epochs,
        }


def train(
    config: Config,
    seed: int,
    on_event: Callable[[Mapping[str, Any]], object] = lambda event: None,
    *,
    folder=None,
    data_folder=None,
    data: DataSet | None = None,
    make: Callable[[np.random.Generator], Network] | None = None,
    encode: Callable | None = None,
    where: str | None = None,
) -> Trained:
    """Learn for all epochs.

    on_event     is told of each "begin", "step", "epoch", "evaluation", "checkpoint" and "end", as a mapping
    folder       where the run keeps its files; one that was stopped there goes on. None: no files
    data_folder  the folder of the data set, before the config's
    data         an open data set; the config's is opened if not given
    make         makes the network from the run's generator; as the config says if not given
    encode       what makes inputs of a batch; as the config says if not given
    where        how messages name the rule; by the config's key if not given

    Raises ConfigError, DataError, CheckpointError, OutsideError, and TrainingError where numbers are not finite.

    >>> from experiments.training import config
    >>> tables = {"data": {"set": "digits"}, "model": {"name": "dense"}, "training": {"epochs": 1}}
    >>> trained = train(config.of(tables), seed=0)
    >>> trained.epochs[0]["test"]["accuracy"] > 0.5
    True
    """
    data = parts.data(config, data_folder) if data is None else data
    run = _Run(config, seed, data, make, encode, where)
    files = None if folder is None else checkpoints.Files(folder, seed)
    try:
        return run.carried_out(files, on_event)
    finally:
        if files is not None:
            files.close()


def warm_up(config: Config, data: DataSet, *, make=None, encode: Callable | None = None, where=None) -> None:
    """Learn two samples by a network of its own: compiles, and raises OutsideError for a rule that cannot learn."""
    run = _Run(config, 0, data, make, encode, where)
    run.learn(*data.batch(run.part, np.arange(min(2, len(run.part))), run.encode))


def training_bytes(config: Config, data: DataSet) -> int:
    """Most bytes taken at once while a batch is learned: what a rule keeps of a sequence, and its gradients.

    The parameters, the optimiser's state and the inputs were there before, and are not counted.
    """
    run = _Run(config, 0, data, None, None, None)
    batch = data.batch(run.part, np.arange(min(config["training.batch_size"], len(run.part))), run.encode)
    return peak_bytes(lambda: run.learn(*batch))


class _Run:
    """A run on its way: what it works with, and where it is."""

    def __init__(self, config, seed, data, make, encode, where):
        self.config, self.seed, self.data = config, seed, data
        self.rng = np.random.default_rng(seed)
        self.part = data.split("train")
        self.network = (
            parts.network(config, data.shape, len(data.classes), self.rng) if make is None else make(self.rng)
        )
        self.optimizer = parts.optimiser(config)
        self.encode = parts.encoding(config, data.largest) if encode is None else encode
        self.augment = parts.augmentation(config)
        self.drawn = config["data.augment"] == "random-resized-crop"
        options = ("dialect", "reset_gradient", "loss_of")
        task = rules.Task(
            self.network,
            self.optimizer,
            config["training.time_steps"],
            loss=parts.loss(config),
            backend=config["training.backend"],
            options={name: config[f"rule.{name}"] for name in options if config[f"rule.{name}"] is not None},
            rng=self.rng,
            contraction=config["rule.largest_contraction"] or 0.0,
            where=f"{config.source}: rule.name:" if where is None else where,
        )
        self.learn = rules.learner(config["rule.name"], task)
        size, count = config["training.batch_size"], len(self.part)
        self.starts = range(0, count - count % size if config["training.drop_last"] else count, size)
        if not len(self.starts):
            raise TrainingError(f"training.batch_size must be at most {count}, how many samples there are, got {size}")
        self.rate = parts.schedule(config, len(self.starts))
        self.epoch, self.step, self.losses, self.seconds, self.epoch_seconds = 0, 0, [], 0.0, 0.0
        self.history: list[dict[str, Any]] = []
        self.order_state = None  # of the generator, before it drew the order of the epoch

    def carried_out(self, files, on_event):
        """Go on from where the files are, to the end."""
        self.files, self.on_event = files, on_event
        if files is not None:
            self._take_up(files)
        if not self.epoch and not self.step:
            self._tell({"event": "begin", **self._begun()})
        on_event({"event": "resumed", "seed": self.seed, "epoch": self.epoch, "step": self.step, **self._sizes()})
        while self.epoch < self.config["training.epochs"]:
            self._learn_epoch()
        return Trained(self.network, self.seed, self.history, self.seconds)

    def _sizes(self):
        return {"epochs": self.config["training.epochs"], "steps": len(self.starts)}

    def _begun(self):
        return {
            "seed": self.seed,
            "samples": self.data.sizes(),
            "parameters": sum(value.size for value in self.network.parameters.values()),
            **self._sizes(),
        }

    def _learn_epoch(self):
        order = self._order()
        size, every = self.config["training.batch_size"], self.config["checkpoints.steps"]
        while self.step < len(self.starts):
            first = self.starts[self.step]
            self.optimizer.learning_rate = self.rate(self.epoch, self.step)
            places = order[first : first + size]
            batch = self.data.batch(self.part, places, self.encode, self.rng, self.augment, self.drawn)
            started = time.perf_counter()
            self.losses.append(self._learned(batch))
            self.epoch_seconds += time.perf_counter() - started
            self.step += 1
            place = {"epoch": self.epoch + 1, "step": self.step}
            self.on_event({"event": "step", "seed": self.seed, **place, "loss": self.losses[-1]})
            if every and self.step % every == 0 and self.step < len(self.starts):
                self._keep()
        self._end_epoch()

    def _learned(self, batch):
        try:
            return self.learn(*batch)
        except OutsideError:  # a rule of the user's own, which says enough
            raise
        except (ArithmeticError, ValueError) as error:
            self._stop(error)

    def _stop(self, error):
        raise TrainingError(f"seed {self.seed}, epoch {self.epoch + 1}, batch {self.step + 1}: {error}") from error

    def _order(self):
        """The order of this epoch's samples: drawn, or drawn again where a run goes on within it."""
        if self.step == 0:
            self.order_state = self.rng.bit_generator.state
            return self.rng.permutation(len(self.part))
        again = np.random.default_rng()
        again.bit_generator.state = self.order_state
        return again.permutation(len(self.part))

    def _end_epoch(self):
        config, number = self.config, self.epoch + 1
        loss, rate = float(np.mean(self.losses)), float(self.optimizer.learning_rate)
        if not np.isfinite(loss):
            raise TrainingError(f"seed {self.seed}, epoch {number}: the loss is {loss}")
        self.seconds += self.epoch_seconds
        entry = {"epoch": number, "learning_rate": rate, "loss": loss, "seconds": self.epoch_seconds}
        self._tell({"event": "epoch", "seed": self.seed, **entry})
        self.history.append(entry)
        last = number == config["training.epochs"]
        if last or number % config["evaluation.every"] == 0:
            for split in config["evaluation.splits"]:
                given = config["evaluation.batch_size"], config["training.backend"]
                entry[split] = evaluate(self.network, self.data, split, self.encode, *given)
                self._tell({"event": "evaluation", "seed": self.seed, "epoch": number, "split": split, **entry[split]})
        self.epoch, self.step, self.losses, self.epoch_seconds = number, 0, [], 0.0
        if last:
            self._tell({"event": "end", "seed": self.seed, "seconds": self.seconds})
        every = config["checkpoints.epochs"]
        if last or (every and number % every == 0):
            self._keep()

    def _tell(self, event):
        if self.files is not None:
            self.files.line(event)
        self.on_event(event)

    def _keep(self):
        """Write a checkpoint."""
        if self.files is None:
            return
        state = {
            "epoch": self.epoch,
            "step": self.step,
            "samples": len(self.part),
            "seconds": self.seconds,
            "epoch_seconds": self.epoch_seconds,
            "generator": self.rng.bit_generator.state,
            "order": self.order_state,
        }
        held = checkpoints.arrays_of(self.network, self.optimizer, self.losses)
        self.files.write(self.config, self.seed, state, held)
        self.on_event({"event": "checkpoint", "seed": self.seed, "epoch": self.epoch, "step": self.step})

    def _take_up(self, files):
        """Go to where the checkpoint is, if there is one; else the log begins anew."""
        found = files.load(self.config, self.seed, checkpoints.room(self.network, len(self.starts)))
        if found is None:
            files.begin()
            return
        description, arrays = found
        try:
            self.rng.bit_generator.state = description["generator"]
            self.order_state = description["order"]
            self.epoch, self.step = int(description["epoch"]), int(description["step"])
            self.seconds, self.epoch_seconds = float(description["seconds"]), float(description["epoch_seconds"])
            length, samples = int(description["log_bytes"]), description["samples"]
        except (KeyError, TypeError, ValueError):
            raise checkpoints.CheckpointError(
                f"{files.checkpoint} must say where its run was, and does not (--fresh begins anew)"
            ) from None
        if samples != len(self.part):
            raise checkpoints.CheckpointError(
                f"{files.checkpoint} is of {samples} training samples, got {len(self.part)} (--fresh begins anew)"
            )
        self.losses = checkpoints.take(self.network, self.optimizer, arrays, files.checkpoint)
        self.history = _history(files.begin(length), files.log)


def _history(lines, path):
    """The epochs that a log tells of."""
    history = []
    try:
        for line in lines:
            if line["event"] == "epoch":
                names = ("epoch", "learning_rate", "loss", "seconds")
                history.append({name: line[name] for name in names})
            elif line["event"] == "evaluation":
                history[-1][line["split"]] = {name: line[name] for name in ("accuracy", "firing_rates")}
    except (KeyError, TypeError, IndexError):
        raise checkpoints.CheckpointError(f"{path} must be the log of this run (--fresh begins anew)") from None
    return history
