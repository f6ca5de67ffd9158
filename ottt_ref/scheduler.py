"""The workers of a Dask scheduler, as `workers.engine` gives them. It needs the extra "distributed".

Each worker must have one thread, since a task may set what is of its whole process, and the same sources as are here.
Where a worker is lost, its tasks are done anew by others.
"""

import itertools
import pickle
import queue
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import console
from .cli import programs
from .sources import digest
from .validation import shown
from .workers import Engine

SECONDS = 10  # that a scheduler has to answer
PROGRAMS = ("proofs", "experiments")
HOW = "dask worker ADDRESS --nworkers N --nthreads 1, where this version of ottt_ref is installed"
_topics = itertools.count()


class Reports:
    """What a task is given to report by."""

    def __init__(self, topic: str) -> None:
        self.topic = topic

    def put(self, message: object) -> None:
        """Send a message to the inbox of the engine."""
        import distributed

        distributed.get_worker().log_event(self.topic, pickle.dumps(message))


def prepare(worker: Any, wanted: dict[str, str]) -> None:
    """Make a worker ready, on the worker; RuntimeError where it would give other results than `wanted` says."""
    threads = worker.state.nthreads
    if threads != 1:
        raise RuntimeError(f"a worker must have one thread, got {threads}")
    here = sources()
    for name, sought in wanted.items():
        if here[name] != sought:
            raise RuntimeError(f"a worker must have the same {name} as the program that asks it, got another")


def sources() -> dict[str, str]:
    """Digests of the library, the claims and the experiments, which are made importable."""
    found = {"ottt_ref": digest([Path(__file__).parent], "*.py")}
    for name in PROGRAMS:
        try:
            module = programs.find(name)
        except console.CommandError:
            found[name] = "none"
            continue
        folder = programs.PACKAGE / name if (programs.PACKAGE / name).is_dir() else programs.PACKAGE.parent / name
        found[name] = f"{module} {digest([folder], '*.py')}"
    return found


class _Tasks(Executor):
    """Tasks go as bytes: the scheduler, which looks into what it is given, cannot import the claims or experiments."""

    def __init__(self, client):
        self._executor = client.get_executor(pure=False)  # each task is done, even if another is the same

    def submit(self, function, /, *arguments, **options):
        return self._executor.submit(call, pickle.dumps((function, arguments, options)))

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._executor.shutdown(wait=wait)


def call(task: bytes) -> object:
    """What a pickled function gives for its arguments."""
    function, arguments, options = pickle.loads(task)
    return function(*arguments, **options)


@contextmanager
def connected(address: str, reports: bool) -> Iterator[Engine]:
    """The Engine of a scheduler's workers; CommandError where it cannot be had, or is lost.

    Raises ModuleNotFoundError where Dask's distributed is not installed.
    """
    from distributed import KilledWorker
    from distributed.client import FutureCancelledError
    from distributed.comm import CommClosedError

    client = _client(address)
    try:
        count = _prepare(client, address)
        executor = _Tasks(client)
        inbox: queue.Queue | None = None
        outbox = None
        if reports:
            inbox, outbox = queue.Queue(), Reports(f"{client.id}-{next(_topics)}")
            client.subscribe_topic(outbox.topic, lambda event: inbox.put(pickle.loads(event[1])))
        try:
            yield Engine(executor, inbox, outbox, count)
        except BaseException:
            executor.shutdown(wait=False)  # what was not begun is not begun any more
            raise
    except KilledWorker as error:
        raise console.CommandError(f"argument --scheduler: {error}") from None
    except (CommClosedError, FutureCancelledError) as error:
        raise console.CommandError(f"argument --scheduler: the scheduler at {address} is lost: {error}") from None
    finally:
        client.close()


def _client(address):
    if not re.fullmatch(r"[a-z]+://.+:\d{1,5}", address):
        raise console.CommandError(
            f"argument --scheduler: must be an address such as tcp://127.0.0.1:8786, got {shown(address)}"
        )
    import distributed

    try:
        return distributed.Client(address, timeout=SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise console.CommandError(
            f"argument --scheduler: no scheduler answers at {address!r}: {type(error).__name__}: {error}"
        ) from None


def _prepare(client, address):
    """Have every worker ready, those too that come later; how many there are on the machine that has most."""
    from distributed import WorkerPlugin

    wanted = sources()

    class Prepared(WorkerPlugin):
        name = "ottt_ref"

        def setup(self, worker):
            prepare(worker, wanted)

    workers = client.scheduler_info(n_workers=-1)["workers"]
    if not workers:
        raise console.CommandError(f"argument --scheduler: {address} has no workers: start some by {HOW}")
    try:
        client.register_plugin(Prepared())
    except Exception as error:  # whatever a worker cannot do: import the library, for one
        raise console.CommandError(
            f"argument --scheduler: the workers of {address} are not fit: {error}; start them by {HOW}"
        ) from None
    return max(Counter(worker["host"] for worker in workers.values()).values())
