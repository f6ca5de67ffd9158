"""The files that a run keeps: a checkpoint, which takes the place of the one before in one step, and a log.

    seed0.checkpoint.npz   parameters, the optimiser's state, the generator's, the place in the epoch, the log's length
    seed0.jsonl            a line for each event, as JSON

Whatever the moment at which a run is killed, the checkpoint is a whole one, and the log is at least as long as it says.
What the log has beyond that, a half-written line too, is of work that is done again, and is cut off.
"""

import json
import os
from pathlib import Path

import numpy as np

from ottt_ref.files import storage

FORMAT, VERSION = "ottt_ref training checkpoint", 1
FREE = ("data.folder", "training.seeds")  # keys that may differ between a checkpoint and the run that goes on from it


class CheckpointError(ValueError):
    """A checkpoint or a log that a run cannot go on from; the message names the file."""


class Files:
    """The files of the run of one seed in a folder.

    finished parts are read by `load`; `write` makes a checkpoint; `line` adds a line to the log
    """

    def __init__(self, folder, seed):
        self.folder = Path(folder)
        self.checkpoint = self.folder / f"seed{seed}.checkpoint.npz"
        self.network = self.folder / f"seed{seed}.network.npz"
        self.log = self.folder / f"seed{seed}.jsonl"
        self._log = None

    def remove(self):
        """Forget the run."""
        for path in (self.checkpoint, self.log, self.network):
            path.unlink(missing_ok=True)

    def load(self, config, seed, limit):
        """The description and the arrays of the checkpoint, None where there is none; CheckpointError for another's."""
        if not self.checkpoint.exists():
            return None
        try:
            description, arrays = storage.read(self.checkpoint, FORMAT, VERSION, limit)
            theirs, whose = description["config"], description["seed"]
        except (ValueError, KeyError) as error:
            raise CheckpointError(f"{error} (--fresh begins anew)") from None
        mine = as_json(config)
        for name in sorted({*mine, *theirs} - set(FREE)):
            if theirs.get(name) != mine.get(name):
                raise CheckpointError(
                    f"{self.checkpoint} is of another config: {name} is {said(theirs.get(name))} there, and "
                    f"{said(mine.get(name))} here; --output names another folder, --fresh begins anew"
                )
        if whose != seed:
            raise CheckpointError(f"{self.checkpoint} must be of seed {seed}, got {whose}")
        return description, arrays

    def begin(self, length=0):
        """Open the log to add to its first so many bytes; what they hold, line by line."""
        found = self.log.stat().st_size if self.log.exists() else 0
        if found < length:
            raise CheckpointError(
                f"{self.log} must have the {length} bytes that {self.checkpoint.name} says, got {found} (--fresh "
                "begins anew)"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        self._log = open(self.log, "a+b")  # noqa: SIM115
        self._log.truncate(length)
        self._log.seek(0)
        try:
            return [json.loads(line) for line in self._log.read().decode().splitlines()]
        except ValueError:
            raise CheckpointError(f"{self.log} must hold a JSON text in each line (--fresh begins anew)") from None

    def line(self, event):
        """Add an event to the log."""
        self._log.write((json.dumps(event, allow_nan=False) + "\n").encode())
        self._log.flush()

    def write(self, config, seed, state, arrays):
        """Write a checkpoint, after the log that it counts on is on the disk."""
        os.fsync(self._log.fileno())
        description = {"config": as_json(config), "seed": seed, "log_bytes": self._log.tell(), **state}
        storage.write(self.checkpoint, FORMAT, VERSION, description, arrays)

    def close(self):
        """Close the log."""
        if self._log is not None:
            self._log.close()


def as_json(config):
    """The values of a config as a file gives them back."""
    return json.loads(json.dumps(dict(config.values)))


def said(value):
    """A value in a message; none where a key has none."""
    return "none" if value is None else json.dumps(value)


def room(network, batches):
    """Bytes that a checkpoint of the network may take: parameters, two moments of each, the losses of an epoch."""
    return 4 * sum(value.nbytes for value in network.parameters.values()) + 8 * batches + 2**20


def arrays_of(network, optimizer, losses):
    """What a checkpoint holds, by name."""
    return {
        **{f"parameter.{name}": value for name, value in network.parameters.items()},
        **{f"optimizer.{name}": value for name, value in optimizer.state.items()},
        "losses": np.array(losses, np.float64),
    }


def take(network, optimizer, arrays, path):
    """Give network and optimiser what a checkpoint holds; the losses."""
    named = {word: {} for word in ("parameter", "optimizer")}
    for name, value in arrays.items():
        word, _, rest = name.partition(".")
        if word in named:
            named[word][rest] = value
    try:
        if set(named["parameter"]) != set(network.parameters):
            raise ValueError("it has other parameters")
        for name, value in named["parameter"].items():
            network.parameters[name] = value
        optimizer.load_state(named["optimizer"])
        return arrays["losses"].tolist()
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{path} must hold the state of this network: {error} (--fresh begins anew)") from None
