"""All measurements in a pool of processes, with a bar of how far they are."""

from concurrent.futures import as_completed

from rich.progress import Progress

from ottt_ref.workers import WorkerPool

from ..backends import share_processors
from .measure import measure


def measure_all(pairs, workers, console, backend):
    """The Measurement of each pair of a condition and a seed, by pair; one that occurs twice is made once."""
    pairs = list(dict.fromkeys(pairs))
    with WorkerPool(workers) as pool, Progress(console=console, transient=True) as bar:
        pending = {pool.submit(_work, *pair, backend, workers): pair for pair in pairs}
        task = bar.add_task("measurements", total=len(pairs))
        found = {}
        for future in as_completed(pending):
            found[pending[future]] = future.result()
            bar.advance(task)
    return found


def _work(condition, seed, backend, workers):
    share_processors(workers)
    return measure(condition, seed, backend)
