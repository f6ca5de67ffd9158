"""A pool of fresh processes that ends at once, and without a word, when its work is stopped."""

import multiprocessing
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

CONTEXT = multiprocessing.get_context("spawn")


class WorkerPool(ProcessPoolExecutor):
    """Processes that do not hear Ctrl-C, which a terminal sends to all: the process that started them does.

    What leaves the `with` block early (Ctrl-C, a closed pipe, an error) ends them, whatever they are doing.
    """

    def __init__(self, workers):
        super().__init__(workers, mp_context=CONTEXT)

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


@contextmanager
def deaf_to_interrupts():
    """Processes that are started meanwhile ignore Ctrl-C from their first moment on; so does this one meanwhile."""
    if threading.current_thread() is not threading.main_thread():  # others may not set a signal's handler
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def messages():
    """A queue that processes of a pool can be given."""
    with deaf_to_interrupts():
        manager = CONTEXT.Manager()
    with manager:
        yield manager.Queue()
