"""What `ottt-ref train` and `experiments training` do."""

import tomllib
from argparse import ArgumentTypeError
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ottt_ref import console
from ottt_ref.console import CommandError, positive
from ottt_ref.outside import OutsideError, look_here

from ..data.reading import DataError
from ..output import save, screen, write_json
from . import config as configs
from . import dry_run, keys, parts, picture, progress, trainer
from .checkpoints import CheckpointError, Files
from .rules import RULES

RESULT = "training"
EXAMPLES = (
    "digits",
    "--list",
    "digits --rule bptt --seeds 1 --epochs 5 --output results/quick",
    "mnist-5000 --folder results/wheels",
    "cifar10 --dry-run",
    "my.toml --set optimiser.learning_rate=0.05 model.decay=0.75",
)


def add_arguments(parser):
    """The options of the command."""
    parser.examples = EXAMPLES
    parser.notes = (
        "It can be stopped at any moment; the same command goes on from the last checkpoint, to the same numbers."
    )
    parser.set_defaults(command=run)
    option = parser.add_argument
    option("config", nargs="?", metavar="CONFIG", help="a TOML file, or the name of a config that comes with it")
    option("--list", action="store_true", help="list the configs that come with it")
    option("--keys", action="store_true", help="list what a config can say, as a table in Markdown")
    option("--folder", metavar="DIR", help="the folder with the data set's files or wheel, before the config's")
    option("--rule", metavar="NAME", help=f"the rule, before the config's: {', '.join(RULES)}, or MODULE:NAME")
    option("--seeds", metavar="N", type=positive, help="how many seeds, 0 to N-1, before the config's")
    option("--epochs", metavar="N", type=positive, help="how often each sample is seen, before the config's")
    option(
        "--set",
        metavar="KEY=VALUE",
        nargs="+",
        action="extend",
        default=[],
        help="other values of the config, as TOML has them: training.time_steps=4",
    )
    option("--output", metavar="DIR", type=console.folder, help="the folder to write to (results/ and the name)")
    option("--dry-run", action="store_true", help="say what it would take on this machine, without the data")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--resume", action="store_true", help="go on with what is in the folder, which must be there")
    how.add_argument("--fresh", action="store_true", help="begin anew, and forget what is in the folder")


def run(options):
    """List, estimate, or train; write JSON and pictures, print what came out."""
    if options.keys:
        print(keys.table())
        return
    if options.list:
        _print_list()
        return
    if options.config is None:
        raise CommandError("CONFIG must be a TOML file, or one of the configs that --list shows, got none")
    with _own_errors():
        look_here()  # for rules of the user's own
        config = _config(options)
        if options.dry_run:
            screen().print(dry_run.report(config, screen().print))
            return
        name = Path(options.config).stem
        _train(config, name, options, options.output or _default_folder(name))


def _default_folder(name):
    try:
        return console.folder(str(Path("results") / name))
    except ArgumentTypeError as error:
        raise CommandError(f"argument --output: {error}") from None


def _config(options):
    found, changes = configs.named(options.config), {}
    for text in options.set:
        key, equals, value = text.partition("=")
        if not equals:
            raise CommandError(f"argument --set: must be KEY=VALUE, got {text!r}")
        changes[key.strip()] = _value(value.strip())
    if options.rule:
        changes["rule.name"] = options.rule
    if options.seeds:
        changes["training.seeds"] = list(range(options.seeds))
    if options.epochs:
        changes["training.epochs"] = options.epochs
    return found.changed(changes) if changes else found


def _value(text):
    """A value as TOML has it; what is none, such as bptt, is a text."""
    try:
        found = tomllib.loads(f"value = {text}")
    except ValueError:
        return text
    return found["value"] if list(found) == ["value"] else text


def _train(config, name, options, folder):
    seeds = config["training.seeds"]
    files = {seed: Files(folder, seed) for seed in seeds}
    if options.resume and not any(each.checkpoint.exists() for each in files.values()):
        raise CommandError(f"argument --resume: {folder} must hold a checkpoint of this training, and holds none")
    data = parts.data(config, options.folder)  # refuses what is wrong with it before anything is written
    parts.network(config, data.shape, len(data.classes), np.random.default_rng(0))
    if config["rule.name"] not in RULES:
        trainer.warm_up(config, data)
    folder.mkdir(parents=True, exist_ok=True)
    runs, seed = [], seeds[0]
    try:
        with progress.shown(len(seeds), screen()) as tell:
            for seed in seeds:
                if options.fresh:
                    files[seed].remove()
                trained = trainer.train(config, seed, tell, folder=folder, data=data)
                trained.network.save(files[seed].network)
                runs.append(trained.summary)
    except KeyboardInterrupt:
        kept = "its last checkpoint" if files[seed].checkpoint.exists() else "the beginning"
        raise KeyboardInterrupt(f"seed {seed} was learning; the same command goes on from {kept}") from None
    write_json(folder / f"{RESULT}.json", RESULT, {"config": name, **config.tables}, {"runs": runs})
    save(picture.draw(runs, f"{name}, {config['rule.name']}"), folder, RESULT)
    print("\n".join(_said(runs, config)))
    print(f"wrote {', '.join(str(folder / f'{RESULT}.{kind}') for kind in ('json', 'png', 'svg'))}")


def _said(runs, config):
    """What came out, a line for each split."""
    for split in config["evaluation.splits"]:
        found = 100 * np.array([run["epochs"][-1][split]["accuracy"] for run in runs])
        spread = f" ± {found.std(ddof=1):.2f}" if len(found) > 1 else ""
        seeds = f"{len(found)} seeds" if len(found) > 1 else f"seed {runs[0]['seed']}"
        yield f"{split} accuracy {found.mean():.2f}{spread} % ({config['rule.name']}, {seeds})"
    yield f"{np.mean([run['seconds'] for run in runs]):.1f} s of learning a seed"


def _print_list():
    from rich.table import Table

    table = Table("name", "what it is", title="configs")
    for name, file in configs.shipped().items():
        first = file.read_text(encoding="utf-8").partition("\n")[0]
        table.add_row(name, first.removeprefix("#").strip())
    screen().print(table)


@contextmanager
def _own_errors():
    """What is the user's to mend is a line, and no fault of the program."""
    try:
        yield
    except (configs.ConfigError, DataError, CheckpointError, OutsideError, trainer.TrainingError) as error:
        raise CommandError(str(error)) from None
