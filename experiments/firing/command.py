"""What `experiments firing` does."""

from pathlib import Path

from ottt_ref import console, workers
from ottt_ref.console import folder, positive

from ..digits.training import METHODS
from ..output import grid, markdown, save, screen, write_json, write_text
from . import measure, picture, report
from .runs import run_all

DEFAULTS = measure.Settings()
EXAMPLES = (
    "",
    "--hidden 64 64 64 --time-steps 12",
    "--model conv --method ottt-a bptt --seeds 3 --epochs 3",
    "--seeds 2 --epochs 1 --output quick",
)


def add_arguments(parser):
    """The options of the command."""
    parser.examples = EXAMPLES
    parser.set_defaults(command=run)
    option = parser.add_argument
    meaning = "the network: deep (dense, --hidden), or a model of the experiment on digits (%(default)s)"
    option("--model", choices=measure.MODELS, default=DEFAULTS.model, help=meaning)
    add_training(parser, DEFAULTS)
    option("--output", metavar="DIR", type=folder, default=Path("results"), help="the folder to write to (%(default)s)")


def add_training(parser, defaults):
    """The options of how networks are trained, with the defaults of some Settings."""
    option = parser.add_argument
    option(
        "--hidden",
        metavar="N",
        type=positive,
        nargs="+",
        default=list(defaults.hidden),
        help=f"neurons of each hidden layer of the dense network ({' '.join(map(str, defaults.hidden))})",
    )
    meaning = f"train by these alone, of {', '.join(METHODS)}; all if not given"
    console.names(parser, "--method", tuple(METHODS), meaning)
    option("--seeds", metavar="N", type=positive, default=defaults.seeds, help="how many, 0 to N-1 (%(default)s)")
    option("--epochs", metavar="N", type=positive, default=defaults.epochs, help="of training (%(default)s)")
    option("--time-steps", metavar="T", type=positive, default=defaults.time_steps, help="of each image (%(default)s)")
    workers.add_options(option)


def run(options):
    """Train, measure, write JSON, Markdown and pictures, print the table."""
    count, scheduler = workers.chosen(options)
    settings = measure.Settings(
        model=options.model,
        hidden=tuple(options.hidden),
        methods=tuple(dict.fromkeys(options.method or METHODS)),
        seeds=options.seeds,
        epochs=options.epochs,
        time_steps=options.time_steps,
    )
    options.output.mkdir(parents=True, exist_ok=True)
    calls = [(method, seed, settings) for method in settings.methods for seed in range(settings.seeds)]
    runs = run_all(measure.measure, calls, count, screen(), "networks", scheduler)
    found = report.summaries(runs)
    write_json(options.output / "firing.json", "firing", settings, {"runs": runs, "summaries": found})
    title = f"Firing on digits, {settings.words}, T = {settings.time_steps}, {settings.epochs} epochs"
    rows = report.rows(found)
    write_text(options.output / "firing.md", f"{title}\n\n{markdown(report.HEADER, rows)}")
    save(picture.draw(found), options.output, "firing")
    screen().print(grid(title, report.HEADER, rows))
    print(f"mean over {settings.seeds} seeds ± half a 95 % interval; rates over neurons and test images")
    print(f"wrote {', '.join(str(options.output / f'firing.{kind}') for kind in ('json', 'md', 'png', 'svg'))}")
