"""What `experiments digits` does."""

from contextlib import contextmanager
from pathlib import Path

from ottt_ref import console, workers
from ottt_ref.console import above_zero, folder, positive
from ottt_ref.outside import OutsideError, look_here

from ..backends import DTYPES, add_option
from ..output import save, screen
from . import picture, report, runs
from .training import METHODS, MODELS, Settings, try_out

DEFAULTS = Settings()
EXAMPLES = (
    "",
    "--model conv --method ottt-a bptt",
    "--method ottt-a ottt-o --seeds 1 --epochs 5 --output quick",
    "--validation --learning-rate 0.3",
    "--method my_module:rule ottt-a --seeds 1 --epochs 5",
)


def add_arguments(parser):
    """The options of the command."""
    parser.examples = EXAMPLES
    parser.set_defaults(command=run)
    option = parser.add_argument
    models = ", ".join(f"{name} ({model.description})" for name, model in MODELS.items())
    option("--model", choices=MODELS, default=DEFAULTS.model, help=f"the network: {models} (default: %(default)s)")
    meaning = (
        f"train with these methods alone, of {', '.join(METHODS)}; or with a rule of your own, as my_module:rule; "
    )
    read = console.one_of(METHODS, "a rule of your own")
    console.names(parser, "--method", None, f"{meaning}all of the former if not given", read=read)
    option("--seeds", metavar="N", type=positive, default=3, help="how many seeds, 0 to N-1 (%(default)s)")
    epochs = ", ".join(f"{name} {model.epochs}" for name, model in MODELS.items())
    option("--epochs", metavar="N", type=positive, help=f"how often each image is seen ({epochs})")
    option(
        "--batch-size",
        metavar="N",
        type=positive,
        default=DEFAULTS.batch_size,
        help="how many images are learned at once (%(default)s)",
    )
    option(
        "--time-steps",
        metavar="T",
        type=positive,
        default=DEFAULTS.time_steps,
        help="how many time steps each image is shown (%(default)s)",
    )
    option(
        "--learning-rate",
        metavar="X",
        type=above_zero,
        default=DEFAULTS.learning_rate,
        help="of SGD in the first epoch; it falls to 0 along a cosine (%(default)s)",
    )
    option(
        "--validation",
        action="store_true",
        help="leave the test images alone, and report on a held-out quarter of the training images: for choosing the "
        "options above",
    )
    add_option(option, DEFAULTS.backend)
    option("--dtype", choices=DTYPES, default=DEFAULTS.dtype, help="of all numbers (%(default)s)")
    workers.add_options(option)
    option("--output", metavar="DIR", type=folder, default=Path("results"), help="the folder to write to (%(default)s)")


def run(options):
    """Train, write JSON and pictures, print the table, with what other models left in the folder."""
    count, scheduler = workers.chosen(options)
    settings = Settings(
        model=options.model,
        epochs=options.epochs or MODELS[options.model].epochs,
        batch_size=options.batch_size,
        time_steps=options.time_steps,
        learning_rate=options.learning_rate,
        validation=options.validation,
        backend=options.backend,
        dtype=options.dtype,
    )
    methods = list(dict.fromkeys(options.method or METHODS))
    _try_out([method for method in methods if method not in METHODS], settings)
    options.output.mkdir(parents=True, exist_ok=True)
    pairs = [(method, seed) for seed in range(options.seeds) for method in methods]
    name = report.file_name(settings.model)

    def interrupted(results):
        if not results:
            return "no run was finished"
        path = options.output / f"{name}-unfinished.json"
        report.write_json(path, settings, results, [])
        return f"the runs that were finished, {len(results)} of {len(pairs)}, are in {path}"

    with _own_errors():
        results = runs.train_all(pairs, settings, count, screen(), interrupted, scheduler)
    results.sort(key=lambda result: methods.index(result["method"]))
    found = report.summaries(results, {method: runs.training_bytes(method, settings) for method in methods})
    report.write_json(options.output / f"{name}.json", settings, results, found)
    save(picture.draw(results, "held-out" if settings.validation else "test"), options.output, name)
    others, notes = report.stored(options.output, settings)
    screen().print(report.table({settings.model: (settings, found), **others}))
    print("\n".join(notes), end="\n" if notes else "")
    if not settings.validation:
        print("\n".join(report.findings(found)))
    print(f"wrote {', '.join(str(options.output / f'{name}.{kind}') for kind in ('json', 'png', 'svg'))}")


def _try_out(rules, settings):
    """Refuse a rule of the user's own that cannot be had, or cannot learn, before any work."""
    with _own_errors():
        for rule in rules:
            look_here()
            try_out(rule, settings)


@contextmanager
def _own_errors():
    """What a rule of the user's own does wrong is the user's to mend: a line, and no fault of the program."""
    try:
        yield
    except OutsideError as error:
        raise console.CommandError(str(error)) from None
