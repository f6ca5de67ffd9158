"""Where long work runs: in a pool of fresh processes here, or on the workers of a Dask scheduler.

The pool ends at once, and without a word, when its work is stopped. `engine` gives either, with one interface.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing.managers import SyncManager
from typing import Any

from . import console

CONTEXT = multiprocessing.get_context("spawn")


class WorkerPool(ProcessPoolExecutor):
    """Processes that do not hear Ctrl-C, which a terminal sends to all: the process that started them does.

    What leaves the `with` block early (Ctrl-C, a closed pipe, an error) ends them, whatever they are doing. Where the
    process that started them is killed, they end by themselves.
    """

    def __init__(self, workers):
        super().__init__(workers, mp_context=CONTEXT, initializer=end_with_parent)

    def submit(self, *args, **options):
        """As ProcessPoolExecutor has it, which starts its processes here."""
        with deaf_to_interrupts():
            return super().submit(*args, **options)

    def __exit__(self, kind, error, traceback):
        if kind is not None:
            self.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
        return super().__exit__(kind, error, traceback)


def end_with_parent():
    """End this process when the one that started it is no more: kill -9 leaves it no time to end others."""

    def watch(parent):
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, args=[multiprocessing.parent_process()], daemon=True).start()


@contextmanager
def deaf_to_interrupts():
    """Processes that are started meanwhile never hear Ctrl-C; this one hears it when the block ends, if not before.

    A blocked signal waits, and a new process inherits what is blocked. An ignored signal would be lost.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def messages():
    """A queue that processes of a pool can be given."""
    manager = SyncManager(ctx=CONTEXT)
    with deaf_to_interrupts():
        manager.start(end_with_parent)
    with manager:
        yield manager.Queue()


@dataclass(frozen=True)
class Engine:
    """Where tasks run.

    executor     of `concurrent.futures`
    inbox        a queue of what tasks report; None where nothing is reported
    outbox       what a task is given to report by: `outbox.put(message)`; None alike
    on_machine   how many tasks run on one machine at once
    """

    executor: Executor
    inbox: Any
    outbox: Any
    on_machine: int

    def submit(self, function: Callable, *arguments: object) -> Future:
        """Have a function of a module called with arguments that can be pickled."""
        return self.executor.submit(function, *arguments)


@contextmanager
def engine(workers: int, scheduler: str | None = None, *, reports: bool = False) -> Iterator[Engine]:
    """Where tasks run: `workers` processes here, or the workers of a Dask scheduler at an address.

    reports  whether tasks report: what they put into the outbox comes out of the inbox

    Raises CommandError where the scheduler cannot be had, or a process ends before its task is done.
    """
    if scheduler is not None:
        with console.needs("distributed"):
            from .scheduler import connected
        with connected(scheduler, reports) as found:
            yield found
        return
    try:
        with messages() if reports else nullcontext() as queue, WorkerPool(workers) as pool:
            yield Engine(pool, queue, queue, workers)
    except BrokenProcessPool:
        raise console.CommandError(
            "a worker process ended before its task was done: it may have been killed for the memory that it took; "
            "fewer --workers take less"
        ) from None


def add_options(option: Callable) -> None:
    """Add --workers and --scheduler to a command."""
    option("--workers", metavar="N", type=console.positive, help=f"how many processes work at once ({_default()})")
    option(
        "--scheduler",
        metavar="ADDRESS",
        help="let the workers of a Dask scheduler do it, such as tcp://127.0.0.1:8786, in place of processes here",
    )


def chosen(options: Any) -> tuple[int, str | None]:
    """How many workers, and which scheduler, from options; CommandError for both."""
    if options.workers is not None and options.scheduler is not None:
        raise console.CommandError("argument --workers: has no effect with --scheduler, whose workers are its own")
    return options.workers or _default(), options.scheduler


def _default():
    return min(2, os.cpu_count() or 1)
