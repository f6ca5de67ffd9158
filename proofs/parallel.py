"""Check several claims at once, one process each, and show how far they are."""

import queue

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ottt_ref.workers import engine

from . import own
from .claims import BY_NAME
from .search import count, run

REPORT_EVERY = 5  # cases between two messages from a worker


def run_all(claims, cases, seed, workers, console, module=None, scheduler=None, **options):
    """The claims' results in order, checked by workers while the progress is shown.

    workers, scheduler  where they are checked, as `ottt_ref.workers.engine` takes them
    module              the name of the module that the claims are of; None of the theory's
    options             size, costly and database, of `search.run`
    """
    with engine(workers, scheduler, reports=True) as pool:
        pending = {
            claim.name: pool.submit(_work, claim.name, module, cases, seed, pool.outbox, options)
            for claim in _slowest_first(claims)
        }
        _show_progress(claims, cases, pending, pool.inbox, console)
        return [pending[claim.name].result() for claim in claims]


def _work(name, module, cases, seed, outbox, options):
    if module is not None:
        own.load(module)
    done = 0

    def on_case():
        nonlocal done
        done += 1
        if done % REPORT_EVERY == 0:
            outbox.put((name, done))

    try:
        return run(BY_NAME[name], cases, seed, on_case, **options)
    finally:
        outbox.put((name, None))


def _show_progress(claims, cases, pending, inbox, console):
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        total = progress.add_task("claims", total=len(claims))
        bars = {}
        while not all(future.done() for future in pending.values()) or not inbox.empty():
            try:
                name, done = inbox.get(timeout=0.2)
            except queue.Empty:
                continue
            if name not in bars:
                bars[name] = progress.add_task(f"  {name}", total=count(BY_NAME[name], cases))
            if done is None:
                progress.remove_task(bars[name])
                progress.advance(total)
                if not console.is_terminal:
                    print(f"checked {name}", flush=True)
            else:
                progress.update(bars[name], completed=done)


def _slowest_first(claims):
    """Claims with a small share of the cases are the slow ones: started first, they do not end last."""
    return sorted(claims, key=lambda claim: claim.share)
