"""What `experiments energy` does."""

from dataclasses import replace
from pathlib import Path

from ottt_ref import console, workers
from ottt_ref.console import folder, positive

from ..digits.training import METHODS
from ..firing.command import add_training
from ..firing.measure import Settings as Training
from ..firing.runs import run_all
from ..output import grid, markdown, save, screen, write_json, write_text
from . import measure, picture, report

DEFAULTS = measure.Settings(Training(hidden=(32, 32), seeds=3))
EXAMPLES = (
    "",
    "--inputs currents",
    "--hidden 64 --time-steps 12 --method ottt-a bptt",
    "--hidden 8 --seeds 1 --epochs 1 --images 1 --output quick",
)


def add_arguments(parser):
    """The options of the command."""
    parser.examples = EXAMPLES
    parser.notes = "Every operation is counted by itself, in Python: large networks take long."
    parser.set_defaults(command=run)
    option = parser.add_argument
    add_training(parser, DEFAULTS.training)
    option(
        "--images", metavar="N", type=positive, default=DEFAULTS.images, help="test images to count on (%(default)s)"
    )
    meaning = "spikes drawn with the pixel's value as probability, or the value as a current (%(default)s)"
    option("--inputs", choices=("spikes", "currents"), default=DEFAULTS.inputs, help=meaning)
    option("--output", metavar="DIR", type=folder, default=Path("results"), help="the folder to write to (%(default)s)")


def run(options):
    """Train, count, write JSON, Markdown and pictures, print the tables and what they say."""
    count, scheduler = workers.chosen(options)
    training = replace(
        DEFAULTS.training,
        hidden=tuple(options.hidden),
        methods=tuple(dict.fromkeys(options.method or METHODS)),
        seeds=options.seeds,
        epochs=options.epochs,
        time_steps=options.time_steps,
    )
    if options.images > 360:
        raise console.CommandError("argument --images: must be at most 360, the test images that there are")
    settings = measure.Settings(training, options.images, options.inputs)
    options.output.mkdir(parents=True, exist_ok=True)
    calls = [(method, seed, settings) for method in training.methods for seed in range(training.seeds)]
    runs = run_all(measure.measure, calls, count, screen(), "networks", scheduler)
    (small,) = run_all(measure.small, [(0, settings)], 1, screen(), "a small network, RTRL too")
    found = report.summaries(runs)
    write_json(options.output / "energy.json", "energy", settings, report.content(runs, found, small))
    size = f"T = {training.time_steps}, {settings.inputs} as inputs"
    tables = (
        (f"Operations for an image, {training.words}, {size}", report.HEADER, report.rows(found)),
        (f"An update's, {small['network']}, one image, {size}", report.UPDATE_HEADER, report.small_rows(small)),
    )
    findings = report.findings(found, small)
    text = "\n".join(f"{title}\n\n{markdown(header, rows)}" for title, header, rows in tables)
    write_text(options.output / "energy.md", f"{text}\n" + "".join(f"- {line}\n" for line in findings))
    save(picture.draw(found), options.output, "energy")
    for table in tables:
        screen().print(grid(*table))
    print("\n".join(findings))
    print(f"wrote {', '.join(str(options.output / f'energy.{kind}') for kind in ('json', 'md', 'png', 'svg'))}")
