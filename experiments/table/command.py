"""What `experiments table` does."""

import time
from pathlib import Path

from ottt_ref import console, workers
from ottt_ref.console import positive
from ottt_ref.files.storage import write_bytes

from ..data.reading import DataError
from ..figures.style import settings as in_style
from ..output import save, screen, write_json
from ..sweep.runs import Job, carry_out
from ..training import parts
from ..training.config import ConfigError
from ..training.rules import RULES as KNOWN
from . import picture, report
from .columns import COLUMNS, RULES

EXAMPLES = (
    "--folder results/wheels",
    "--column digits-dense digits-conv --rule bptt ottt-a",
    "--column digits-dense --seeds 2 --epochs 2 --output results/quick",
)


def add_arguments(parser):
    """The options of the command."""
    parser.examples = EXAMPLES
    parser.notes = (
        "It can be stopped anywhere: the same command goes on with the trainings that are missing. Columns whose data "
        "lie in a wheel need --folder, which `experiments data --help` tells how to fill; without it they are left out."
    )
    parser.set_defaults(command=run)
    option = parser.add_argument
    console.names(parser, "--column", tuple(COLUMNS), f"these columns alone, of {', '.join(COLUMNS)}; all if not given")
    usual = ", ".join(RULES)
    console.names(parser, "--rule", tuple(KNOWN), f"these rules alone, of {', '.join(KNOWN)}; {usual} if not given")
    option("--seeds", metavar="N", type=positive, default=5, help="how many seeds, 0 to N-1 (%(default)s)")
    option("--epochs", metavar="N", type=positive, help="before the columns' own: for a look")
    option("--folder", metavar="DIR", type=Path, help="the folder with the wheels")
    workers.add_options(option)
    output = Path("results/table")
    option("--output", metavar="DIR", type=console.folder, default=output, help="where to write (%(default)s)")


def run(options):
    """Train what is missing, write JSON, Markdown and pictures, print the table."""
    count, scheduler = workers.chosen(options)
    columns, left_out = _columns(options)
    rules = tuple(dict.fromkeys(options.rule or RULES))
    configs = {
        (name, rule): column.config(rule, options.folder, options.epochs)
        for name, column in columns.items()
        for rule in rules
    }
    _try(columns, configs)
    jobs = {
        (name, rule, seed): Job(f"{name}--{rule}", config, seed)
        for seed in range(options.seeds)
        for (name, rule), config in configs.items()
    }
    options.output.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    results = dict(zip(jobs, carry_out(jobs.values(), options.output, count, screen(), scheduler)))
    places = [(name, rule) for name in columns for rule in rules]
    found = sorted(report.summaries(results), key=lambda each: places.index((each["column"], each["rule"])))
    took, learned = time.perf_counter() - started, sum(result.get("seconds", 0.0) for result in results.values())
    settings = {"columns": list(columns), "rules": rules, "seeds": options.seeds, "epochs": options.epochs}
    content = {"summaries": found, "seconds": took, "seconds_of_learning": learned}
    write_json(options.output / "table.json", "table", settings, content)
    write_bytes(options.output / "table.md", report.markdown(found).encode())
    with in_style():
        save(picture.draw(found), options.output, "table")
    screen().print(report.table(found))
    print("\n".join([*report.findings(found), *left_out]))
    print(f"{len(jobs)} trainings, {learned / 60:.1f} minutes of learning in sum; now it took {took / 60:.1f}")
    print(f"wrote {', '.join(str(options.output / f'table.{kind}') for kind in ('json', 'md', 'png', 'svg'))}")


def _columns(options):
    """The columns that are asked for, and a line for each that is left out."""
    chosen = tuple(dict.fromkeys(options.column or COLUMNS))
    missing = [name for name in chosen if COLUMNS[name].needs_wheel and options.folder is None]
    if options.column and missing:
        raise console.CommandError(f"argument --folder: must be given for {missing[0]}, whose data lie in a wheel")
    lines = [f"{COLUMNS[name].title} is left out: its data lie in a wheel (--folder)" for name in missing]
    return {name: COLUMNS[name] for name in chosen if name not in missing}, lines


def _try(columns, configs):
    """Open each column's data: what is wrong with a folder is said before any work."""
    try:
        for name in columns:
            parts.data(next(config for (column, _), config in configs.items() if column == name))
    except (DataError, ConfigError) as error:
        raise console.CommandError(str(error)) from None
