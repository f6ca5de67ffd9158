"""`python -m experiments directions`."""

import os
from dataclasses import dataclass
from pathlib import Path

from ..arguments import folder, positive
from ..output import console, save, write_json
from . import picture, report, runs
from .measure import FACTORS, conditions


@dataclass(frozen=True)
class Settings:
    """What was asked for: how many seeds, 0 to seeds - 1, and which factors."""

    seeds: int
    factors: tuple


def add_arguments(parser):
    """The options of the command."""
    add = parser.add_argument
    add("--factor", action="append", choices=FACTORS, help="vary this alone; may be repeated (all if not given)")
    add("--seeds", metavar="N", type=positive, default=10, help="how many seeds, 0 to N-1 (%(default)s)")
    add("--workers", metavar="N", type=positive, default=min(2, os.cpu_count() or 1), help="processes (%(default)s)")
    add("--output", metavar="DIR", type=folder, default=Path("results"), help="where to write (%(default)s)")


def run(options):
    """Measure, write JSON and pictures, print the tables; the exit status."""
    factors = tuple(dict.fromkeys(options.factor or FACTORS))
    screen = console()
    pairs = [
        (condition, seed) for factor in factors for condition in conditions(factor) for seed in range(options.seeds)
    ]
    measurements = runs.measure_all(pairs, options.workers, screen)
    found = report.cells(measurements, factors, options.seeds)
    rated = report.rates(measurements, factors, options.seeds)
    settings = Settings(options.seeds, factors)
    write_json(options.output / "directions.json", "directions", settings, report.content(found, rated))
    names = _draw(found, rated, factors, options.output)
    for factor in factors:
        screen.print(report.table(factor, found, rated))
    print(f"mean over {options.seeds} seeds ± half a {100 * report.CONFIDENCE:g} % interval; * as in the other tables")
    print("\n".join(report.findings(rated)))
    print(f"wrote {', '.join(str(options.output / name) for name in ('directions.json', *names))}")
    return 0


def _draw(found, rated, factors, folder):
    figures = {"directions": picture.by_factor(found, rated, factors), "directions-layers": picture.by_layer(found)}
    if "decay" in factors:
        figures["directions-rates"] = picture.of_rates(rated)
    for name, figure in figures.items():
        save(figure, folder, name)
    return [f"{name}.{kind}" for name in figures for kind in ("png", "svg")]
