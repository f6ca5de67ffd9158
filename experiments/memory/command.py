"""What `experiments memory` does."""

import argparse
import os
from dataclasses import dataclass, replace
from pathlib import Path

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ottt_ref import console
from ottt_ref.console import folder, positive

from ..benchmark import machine
from ..output import grid, markdown, save, screen, write_json, write_text
from . import measure, picture, report


@dataclass(frozen=True)
class Settings:
    """What was asked for: whom, up to which T, and the seed of weights, inputs and labels."""

    subjects: tuple[str, ...]
    longest: int
    seed: int


EXAMPLES = (
    "",
    "--longest 1000",
    "--subject ottt-a ottt-o bptt fast-ottt-a fast-bptt",
    "--subject spikingjelly-a torch-bptt --longest 100 --output quick",
)


def add_arguments(parser):
    """The options of the command."""
    parser.examples = EXAMPLES
    parser.notes = "What is not installed is skipped, and the reason printed. It needs Linux, for the process's peak."
    parser.set_defaults(command=run)
    option = parser.add_argument
    words = "; ".join(f"{name} ({subject.words})" for name, subject in measure.SUBJECTS.items())
    meaning = f"measure these alone, of {words}; {', '.join(measure.DEFAULT)} if not given"
    console.names(parser, "--subject", tuple(measure.SUBJECTS), meaning)
    longest = max(measure.STATE_STEPS)
    option("--longest", metavar="T", type=at_most(longest), default=longest, help="the largest T (%(default)s)")
    option("--seed", metavar="N", type=int, default=0, help="of weights, inputs and labels (%(default)s)")
    workers = min(2, os.cpu_count() or 1)
    option(
        "--workers", metavar="N", type=positive, default=workers, help="how many processes work at once (%(default)s)"
    )
    option("--output", metavar="DIR", type=folder, default=Path("results"), help="the folder to write to (%(default)s)")


def at_most(longest):
    """What reads a whole number from 1 to `longest`."""

    def read(text):
        number = positive(text)
        if number > longest:
            raise argparse.ArgumentTypeError(f"must be at most {longest}, got {text!r}")
        return number

    return read


def run(options):
    """Measure, fit, write JSON, Markdown and pictures, print the tables and what they say."""
    if options.seed < 0:
        raise console.CommandError("argument --seed: must be a whole number of at least 0")
    names = tuple(dict.fromkeys(options.subject or measure.DEFAULT))
    settings = Settings(names, options.longest, options.seed)
    options.output.mkdir(parents=True, exist_ok=True)
    task = replace(measure.TASK, seed=settings.seed)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=screen(), transient=True) as bar:
        line = bar.add_task("starting", total=None)
        found = measure.measure_all(
            names, task, settings.longest, options.workers, lambda words: bar.update(line, description=words)
        )
    fits = report.fits(found)
    content = report.content(task, found, fits)
    write_json(options.output / "memory.json", "memory", settings, content, machine.versions())
    tables = report.tables(task, found, fits)
    findings = report.findings(found, fits)
    text = "\n".join(f"{title}\n\n{markdown(*rows)}" for title, *rows in tables)
    write_text(options.output / "memory.md", f"{text}\n" + "".join(f"- {line}\n" for line in findings))
    save(picture.draw(found), options.output, "memory")
    for title, header, rows in tables:
        screen().print(grid(title, header, rows))
    print("\n".join(findings))
    written = ", ".join(str(options.output / f"memory.{kind}") for kind in ("json", "md", "png", "svg"))
    print(f"wrote {written}")
