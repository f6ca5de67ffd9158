"""What `experiments directions` does."""

from dataclasses import dataclass
from pathlib import Path

from ottt_ref import console, workers
from ottt_ref.console import folder, positive

from ..backends import add_option
from ..output import save, screen, write_json
from . import picture, report, runs
from .measure import FACTORS, conditions


@dataclass(frozen=True)
class Settings:
    """What was asked for: how many seeds, 0 to seeds - 1, which factors, and whose loops compute."""

    seeds: int
    factors: tuple
    backend: str = "fast"


EXAMPLES = ("", "--factor decay time_steps", "--factor depth --seeds 3 --output quick")


def add_arguments(parser):
    """The options of the command."""
    parser.examples = EXAMPLES
    parser.set_defaults(command=run)
    option = parser.add_argument
    meaning = f"vary these alone, of {', '.join(FACTORS)}; all if not given"
    console.names(parser, "--factor", tuple(FACTORS), meaning)
    option("--seeds", metavar="N", type=positive, default=10, help="how many seeds, 0 to N-1 (%(default)s)")
    add_option(option, "fast")
    workers.add_options(option)
    option("--output", metavar="DIR", type=folder, default=Path("results"), help="the folder to write to (%(default)s)")


def run(options):
    """Measure, write JSON and pictures, print the tables."""
    count, scheduler = workers.chosen(options)
    options.output.mkdir(parents=True, exist_ok=True)
    factors = tuple(dict.fromkeys(options.factor or FACTORS))
    pairs = [
        (condition, seed) for factor in factors for condition in conditions(factor) for seed in range(options.seeds)
    ]
    settings = Settings(options.seeds, factors, options.backend)

    def interrupted(measurements):
        if not measurements:
            return "no measurement was finished"
        path = options.output / "directions-unfinished.json"
        write_json(path, "directions", settings, {"measurements": report.measured(measurements)})
        return f"the measurements that were finished, {len(measurements)} of {len(set(pairs))}, are in {path}"

    measurements = runs.measure_all(pairs, count, screen(), options.backend, interrupted, scheduler)
    found = report.cells(measurements, factors, options.seeds)
    rated = report.rates(measurements, factors, options.seeds)
    write_json(options.output / "directions.json", "directions", settings, report.content(found, rated))
    names = _draw(found, rated, factors, options.output)
    for factor in factors:
        screen().print(report.table(factor, found, rated))
    print(f"mean over {options.seeds} seeds ± half a {100 * report.CONFIDENCE:g} % interval; * as in the other tables")
    print("\n".join(report.findings(rated)))
    print(f"wrote {', '.join(str(options.output / name) for name in ('directions.json', *names))}")


def _draw(found, rated, factors, folder):
    figures = {"directions": picture.by_factor(found, rated, factors), "directions-layers": picture.by_layer(found)}
    if "decay" in factors:
        figures["directions-rates"] = picture.of_rates(rated)
    for name, figure in figures.items():
        save(figure, folder, name)
    return [f"{name}.{kind}" for name in figures for kind in ("png", "svg")]
