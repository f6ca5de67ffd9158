"""All runs in a pool of processes, with a bar of how far they are."""

from concurrent.futures import as_completed

from rich.progress import Progress

from ottt_ref.workers import engine

from ..backends import share_processors


def run_all(function, calls, workers, console, words, scheduler=None):
    """What `function(*call)` gives for each call, in their order; Ctrl-C ends all.

    workers, scheduler  where they run, as `ottt_ref.workers.engine` takes them
    """
    with engine(workers, scheduler) as pool, Progress(console=console, transient=True) as bar:
        pending = [pool.submit(_work, function, call, pool.on_machine) for call in calls]
        task = bar.add_task(words, total=len(calls))
        for future in as_completed(pending):
            future.result()  # its error ends the others
            bar.advance(task)
        return [future.result() for future in pending]


def _work(function, call, on_machine):
    share_processors(on_machine)
    return function(*call)
