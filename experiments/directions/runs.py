"""All measurements in a pool of processes, with a bar of how far they are."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed

from rich.progress import Progress

from .measure import measure


def measure_all(pairs, workers, console):
    """The Measurement of each pair of a condition and a seed, by pair; one that occurs twice is made once."""
    pairs = list(dict.fromkeys(pairs))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool, Progress(console=console, transient=True) as bar:
        pending = {pool.submit(measure, *pair): pair for pair in pairs}
        task = bar.add_task("measurements", total=len(pairs))
        found = {}
        try:
            for future in as_completed(pending):
                found[pending[future]] = future.result()
                bar.advance(task)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return found
