"""`python -m experiments digits`."""

import os
from pathlib import Path

from ..arguments import above_zero, folder, positive
from ..output import console, save
from . import picture, report, runs
from .training import METHODS, MODELS, Settings

DEFAULTS = Settings()


def add_arguments(parser):
    """The options of the command."""
    add = parser.add_argument
    add("--model", choices=MODELS, default=DEFAULTS.model, help="the network (%(default)s)")
    add(
        "--method",
        action="append",
        choices=METHODS,
        help="train with this method; may be repeated (all of them if not given)",
    )
    add("--seeds", metavar="N", type=positive, default=3, help="how many seeds, 0 to N-1 (%(default)s)")
    epochs = ", ".join(f"{name} {model.epochs}" for name, model in MODELS.items())
    add("--epochs", metavar="N", type=positive, help=f"({epochs})")
    add("--batch-size", metavar="N", type=positive, default=DEFAULTS.batch_size, help="(%(default)s)")
    add("--time-steps", metavar="T", type=positive, default=DEFAULTS.time_steps, help="(%(default)s)")
    add("--learning-rate", metavar="X", type=above_zero, default=DEFAULTS.learning_rate, help="(%(default)s)")
    add(
        "--validation",
        action="store_true",
        help="leave the test images alone, and report on a held-out quarter of the training images: for choosing the "
        "options above",
    )
    add("--workers", metavar="N", type=positive, default=min(2, os.cpu_count() or 1), help="processes (%(default)s)")
    add("--output", metavar="DIR", type=folder, default=Path("results"), help="where to write (%(default)s)")


def run(options):
    """Train, write JSON and pictures, print the table, with what other models left in the folder; the exit status."""
    settings = Settings(
        model=options.model,
        epochs=options.epochs or MODELS[options.model].epochs,
        batch_size=options.batch_size,
        time_steps=options.time_steps,
        learning_rate=options.learning_rate,
        validation=options.validation,
    )
    methods = list(dict.fromkeys(options.method or METHODS))
    pairs = [(method, seed) for seed in range(options.seeds) for method in methods]
    screen = console()
    results = runs.train_all(pairs, settings, options.workers, screen)
    results.sort(key=lambda result: methods.index(result["method"]))
    found = report.summaries(results, {method: runs.training_bytes(method, settings) for method in methods})
    name = report.file_name(settings.model)
    report.write_json(options.output / f"{name}.json", settings, results, found)
    save(picture.draw(results, "held-out" if settings.validation else "test"), options.output, name)
    others, notes = report.stored(options.output, settings)
    screen.print(report.table({settings.model: (settings, found), **others}))
    print("\n".join(notes), end="\n" if notes else "")
    if not settings.validation:
        print("\n".join(report.findings(found)))
    print(f"wrote {', '.join(str(options.output / f'{name}.{kind}') for kind in ('json', 'png', 'svg'))}")
    return 0
