"""All measurements in a pool of processes, with a bar of how far they are."""

from concurrent.futures import as_completed

from rich.progress import Progress

from ottt_ref.workers import WorkerPool

from .measure import measure


def measure_all(pairs, workers, console):
    """The Measurement of each pair of a condition and a seed, by pair; one that occurs twice is made once."""
    pairs = list(dict.fromkeys(pairs))
    with WorkerPool(workers) as pool, Progress(console=console, transient=True) as bar:
        pending = {pool.submit(measure, *pair): pair for pair in pairs}
        task = bar.add_task("measurements", total=len(pairs))
        found = {}
        for future in as_completed(pending):
            found[pending[future]] = future.result()
            bar.advance(task)
    return found
