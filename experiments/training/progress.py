"""What is shown while a run learns: where it is, how well it does, the time left; a line for each epoch elsewhere."""

from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@contextmanager
def shown(seeds, console):
    """What is to be told of every event of the runs of so many seeds."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, speed_estimate_period=600, disable=not console.is_terminal
    ) as progress:
        yield _Shown(progress, seeds, console)


class _Shown:
    """Follows the events of runs, one after the other."""

    def __init__(self, progress, seeds, console):
        self.progress, self.seeds, self.console = progress, seeds, console
        self.bar = progress.add_task("batches of all seeds", total=None, said="")
        self.runs, self.loss, self.said = 0, "", ""

    def __call__(self, event):
        kind = event["event"]
        if kind == "resumed":
            self._start(event)
        elif kind == "step":
            self.progress.advance(self.bar)
            self.progress.update(self.bar, said=f"seed {event['seed']}, epoch {event['epoch']}{self.said}")
        elif kind == "epoch":
            self.loss = f"seed {event['seed']}, epoch {event['epoch']}: loss {event['loss']:.4f}"
            if not self.console.is_terminal:
                print(self.loss, flush=True)
        elif kind == "evaluation":
            self.said = f", {event['split']} {100 * event['accuracy']:.2f} %"
            if not self.console.is_terminal:
                print(f"  {event['split']} accuracy {100 * event['accuracy']:.2f} %", flush=True)

    def _start(self, event):
        each = event["epochs"] * event["steps"]
        done = event["epoch"] * event["steps"] + event["step"]
        self.progress.update(self.bar, total=each * self.seeds, completed=self.runs * each + done)
        self.runs += 1
        if done:
            where = (
                "is finished" if done == each else f"goes on in epoch {event['epoch'] + 1}, batch {event['step'] + 1}"
            )
            self.console.print(f"seed {event['seed']} {where}")
