"""All measurements in a pool of processes, with a bar of how far they are."""

from concurrent.futures import as_completed

from rich.progress import Progress

from ottt_ref.workers import engine

from ..backends import share_processors
from .measure import measure


def measure_all(pairs, workers, console, backend, interrupted, scheduler=None):
    """The Measurement of each pair of a condition and a seed, by pair; one that occurs twice is made once.

    workers, scheduler  where they run, as `ottt_ref.workers.engine` takes them
    interrupted         what Ctrl-C calls with the Measurements so far; what it returns is said when the program ends
    """
    pairs = list(dict.fromkeys(pairs))
    with engine(workers, scheduler) as pool, Progress(console=console, transient=True) as bar:
        pending = {pool.submit(_work, *pair, backend, pool.on_machine): pair for pair in pairs}
        task = bar.add_task("measurements", total=len(pairs))
        try:
            for future in as_completed(pending):
                future.result()  # its error ends the others
                bar.advance(task)
        except KeyboardInterrupt:
            finished = {pair: each for each, pair in pending.items() if each.done() and not each.exception()}
            raise KeyboardInterrupt(interrupted({pair: each.result() for pair, each in finished.items()})) from None
        return {pair: future.result() for future, pair in pending.items()}


def _work(condition, seed, backend, on_machine):
    share_processors(on_machine)
    return measure(condition, seed, backend)
