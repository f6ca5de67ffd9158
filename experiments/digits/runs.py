"""All runs in a pool of processes, with a live display of how far they are."""

import queue

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ottt_ref.memory import peak_bytes
from ottt_ref.workers import engine

from ..backends import share_processors
from .training import learner, prepared, train


def train_all(runs, settings, workers, console, interrupted, scheduler=None):
    """The results of `runs`, pairs of a method and a seed, in their order.

    workers, scheduler  where they run, as `ottt_ref.workers.engine` takes them
    interrupted         what Ctrl-C calls with the results so far; what it returns is said when the program ends
    """
    with engine(workers, scheduler, reports=True) as pool:
        pending = {run: pool.submit(_work, *run, settings, pool.outbox, pool.on_machine) for run in runs}
        try:
            _show(pending, pool.inbox, settings.epochs, console)
        except KeyboardInterrupt:
            finished = [future for future in pending.values() if future.done() and not future.exception()]
            raise KeyboardInterrupt(interrupted([future.result() for future in finished])) from None
        return [future.result() for future in pending.values()]


def _work(method, seed, settings, outbox, on_machine):
    share_processors(on_machine)
    return train(method, seed, settings, lambda epoch, accuracy: outbox.put((method, seed, epoch, accuracy)))


def _show(pending, inbox, epochs, console):
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[accuracy]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        total = progress.add_task("epochs of all runs", total=epochs * len(pending), accuracy="")
        bars = {}
        while not all(future.done() for future in pending.values()) or not inbox.empty():
            try:
                method, seed, epoch, accuracy = inbox.get(timeout=0.2)
            except queue.Empty:
                continue
            if (method, seed) not in bars:
                bars[method, seed] = progress.add_task(f"  {method}, seed {seed}", total=epochs, accuracy="")
            progress.advance(total)
            progress.update(bars[method, seed], completed=epoch, accuracy=f"{100 * accuracy:.1f} %")
            if epoch == epochs:
                progress.remove_task(bars[method, seed])
                if not console.is_terminal:
                    print(f"{method}, seed {seed}: {100 * accuracy:.2f} %", flush=True)


def training_bytes(method, settings):
    """Most bytes taken at once while one batch is learned: what a method keeps of a sequence, and its gradients.

    The parameters, the optimiser's state and the images were there before, and are not counted.
    """
    digits = prepared(settings)
    images, labels = (part[: settings.batch_size] for part in (digits.train_images, digits.train_labels))
    _, _, learn = learner(method, np.random.default_rng(0), settings)
    return peak_bytes(lambda: learn(images, labels))
