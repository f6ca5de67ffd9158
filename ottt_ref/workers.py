"""A pool of fresh processes that ends at once, and without a word, when its work is stopped."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.managers import SyncManager

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
