"""What the commands that train many networks have in common: options, data that are tried first, and what is written.

A column is a data set with its network (`experiments.sweep.columns`).
"""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ottt_ref import console, workers
from ottt_ref.console import positive

from ..data.reading import DataError
from ..figures.style import settings as in_style
from ..output import save, screen, write_json, write_text
from ..training import parts
from ..training.config import ConfigError
from ..training.rules import RULES as KNOWN
from .columns import COLUMNS, Column
from .runs import Job, carry_out

NOTES = (
    "It can be stopped anywhere: the same command goes on with the trainings that are missing. Columns whose data lie "
    "in a wheel need --folder, which `experiments data --help` tells how to fill; without it they are left out."
)


def add_columns_and_rules(
    parser, columns: Iterable[str], rules: Iterable[str], usual: Iterable[str] | None = None
) -> None:
    """Add --column, which takes some of `columns`, and --rule.

    rules, usual  the rules and columns that are taken if none is given; all columns where usual is None
    """
    columns, every = tuple(columns), "all" if usual is None else ", ".join(usual)
    console.names(parser, "--column", columns, f"these columns alone, of {', '.join(columns)}; {every} if not given")
    known = ", ".join(KNOWN)
    console.names(parser, "--rule", tuple(KNOWN), f"these rules alone, of {known}; {', '.join(rules)} if not given")


def add_rest(parser, output: str) -> None:
    """Add --seeds, --epochs, --folder, --workers, --scheduler and --output."""
    option = parser.add_argument
    option("--seeds", metavar="N", type=positive, default=5, help="how many seeds, 0 to N-1 (%(default)s)")
    option("--epochs", metavar="N", type=positive, help="before the columns' own: for a look")
    option("--folder", metavar="DIR", type=Path, help="the folder with the wheels")
    workers.add_options(option)
    option("--output", metavar="DIR", type=console.folder, default=Path(output), help="where to write (%(default)s)")


def columns_of(options: Any, columns: Iterable[str]) -> tuple[dict[str, Column], list[str]]:
    """The columns that are asked for, all of `columns` if none, and a line for each that is left out."""
    workers.chosen(options)  # refuses what does not go together before any work
    chosen = tuple(dict.fromkeys(options.column or columns))
    missing = [name for name in chosen if COLUMNS[name].needs_wheel and options.folder is None]
    if options.column and missing:
        raise console.CommandError(f"argument --folder: must be given for {missing[0]}, whose data lie in a wheel")
    lines = [f"{COLUMNS[name].title} is left out: its data lie in a wheel (--folder)" for name in missing]
    return {name: COLUMNS[name] for name in chosen if name not in missing}, lines


def try_data(configs: Iterable[Any]) -> None:
    """Open the data of each config: what is wrong with a folder is said before any work."""
    try:
        for config in configs:
            parts.data(config)
    except (DataError, ConfigError) as error:
        raise console.CommandError(str(error)) from None


def results_of(jobs: Mapping[Any, Job], options: Any) -> tuple[dict[Any, dict[str, Any]], dict[str, float]]:
    """The result of each job by its key, and the seconds that it took now, and that learning took in sum."""
    count, scheduler = workers.chosen(options)
    options.output.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    results = dict(zip(jobs, carry_out(jobs.values(), options.output, count, screen(), scheduler)))
    learned = sum(result.get("seconds", 0.0) for result in results.values())
    return results, {"seconds": time.perf_counter() - started, "seconds_of_learning": learned}


def write(folder: Path, name: str, settings: Mapping, content: Mapping, markdown: str, draw) -> None:
    """Write NAME.json, .md, .png and .svg; `draw` gives the figure."""
    write_json(folder / f"{name}.json", name, settings, content)
    write_text(folder / f"{name}.md", markdown)
    with in_style():
        save(draw(), folder, name)


def say_end(folder: Path, name: str, trainings: int, seconds: Mapping[str, float]) -> None:
    """Print how much was done, in what time, and which files hold it."""
    learned, took = (seconds[key] / 60 for key in ("seconds_of_learning", "seconds"))
    print(f"{trainings} trainings, {learned:.1f} minutes of learning in sum; now it took {took:.1f}")
    print(f"wrote {', '.join(str(folder / f'{name}.{kind}') for kind in ('json', 'md', 'png', 'svg'))}")
