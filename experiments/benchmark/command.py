"""What `experiments benchmark` does."""

import argparse
from pathlib import Path

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ottt_ref import console
from ottt_ref.console import folder, positive
from ottt_ref.outside import OutsideError, look_here

from ..output import save, screen, write_json
from . import machine, picture, report, runs, sweeps, timing
from .peers import DEFAULT, PEERS, function_of
from .workloads import TASKS

NONE = "none"
EXAMPLES = (
    "",
    "--workload mlp-t6 stream --sweep none",
    "--workload none --sweep rate --peer fast torch-by-hand",
    "--peer my_module:peer fast --workload digits --sweep none",
    "--firing-rate 0.05 --threads 1 --rounds 31 --output slow-and-careful",
)


def add_arguments(parser):
    """The options of the command."""
    parser.examples = EXAMPLES
    parser.notes = (
        "A peer that is not installed is skipped. One whose loss, gradients or firing rates are not the reference's is "
        "listed, and not timed."
    )
    parser.set_defaults(command=run)
    option = parser.add_argument
    peers = "; ".join(f"{name} ({known.words})" for name, known in PEERS.items())
    console.names(
        parser,
        "--peer",
        None,
        f"time these alone, of {peers}; or a peer of your own, as my_module:function; "
        f"{', '.join(DEFAULT)} if not given",
        old="--peers",
        read=console.one_of(PEERS, "a peer of your own"),
    )
    tasks = "; ".join(f"{name} ({task.words})" for name, task in TASKS.items())
    console.names(
        parser,
        "--workload",
        (*TASKS, NONE),
        f"train on these alone, of {tasks}; all if not given, none for sweeps alone",
        old="--workloads",
    )
    words = "; ".join(f"{name} ({meaning})" for name, meaning in sweeps.WORDS.items())
    console.names(
        parser,
        "--sweep",
        (*sweeps.SWEEPS, NONE),
        f"vary these alone, of {words}, for {sweeps.BASE}; all if not given, none for none",
        old="--sweeps",
    )
    option("--device", choices=("cpu", "cuda"), default="cpu", help="where torch's peers compute (%(default)s)")
    option(
        "--threads",
        metavar="N",
        type=positive,
        default=machine.usable_cores(),
        help="how many threads each peer has (%(default)s, the cores that there are)",
    )
    option(
        "--rounds",
        metavar="N",
        type=positive,
        default=timing.ROUNDS,
        help="how often each peer is timed, in turn (%(default)s; fewer where a step takes long)",
    )
    option("--dtype", choices=("float32", "float64"), default="float32", help="of all numbers (%(default)s)")
    option(
        "--firing-rate",
        metavar="X",
        type=rate,
        default=0.1,
        help="the share of inputs and neurons that fire in a time step (%(default)s)",
    )
    option("--seed", metavar="N", type=int, default=0, help="of weights, inputs and labels (%(default)s)")
    option("--output", metavar="DIR", type=folder, default=Path("results"), help="the folder to write to (%(default)s)")


def rate(text):
    """A share between 0 and 0.8: the neurons' own limit is near."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 0.8:
        raise argparse.ArgumentTypeError(f"must be a number above 0 and at most 0.8, got {text!r}")
    return number


def run(options):
    """Check and time, print a table for each workload and sweep, write JSON and pictures."""
    settings = _settings(options)
    _require_peers(settings)
    options.output.mkdir(parents=True, exist_ok=True)
    found = machine.description(settings.device)
    _say([*report.heading(settings, found), *report.warnings(found)])
    results, swept = [], []
    try:
        _measure(settings, options.peer is not None, results, swept)
    except KeyboardInterrupt:
        if not results and not swept:
            raise
        path = options.output / "benchmark-unfinished.json"
        _write(path, settings, found, results, swept)
        raise KeyboardInterrupt(f"what was measured is in {path}") from None
    _write(options.output / "benchmark.json", settings, found, results, swept)
    names = ["benchmark.json", *_draw(results, swept, options.output)]
    print(f"wrote {', '.join(str(options.output / name) for name in names)}")


def _settings(options):
    def chosen(names, everything):
        kept = tuple(dict.fromkeys(names or everything))
        return tuple(name for name in kept if name != NONE)

    if options.seed < 0:
        raise console.CommandError("argument --seed: must be a whole number of at least 0")
    return runs.Settings(
        peers=chosen(options.peer, DEFAULT),
        workloads=chosen(options.workload, TASKS),
        sweeps=chosen(options.sweep, sweeps.SWEEPS),
        device=options.device,
        threads=options.threads,
        rounds=options.rounds,
        dtype=options.dtype,
        firing_rate=options.firing_rate,
        seed=options.seed,
    )


def _require_peers(settings):
    """Refuse a peer of the user's own that cannot be had, and more threads than there are cores, before any work."""
    if settings.threads > machine.usable_cores():
        raise console.CommandError(
            f"argument --threads: must be at most {machine.usable_cores()}, the cores that there are"
        )
    for name in settings.peers:
        if name in PEERS:
            continue
        look_here()
        try:
            function_of(name)
        except OutsideError as error:
            raise console.CommandError(str(error)) from None
    if settings.device == "cuda":
        _require_cuda()


def _require_cuda():
    try:
        import torch
    except ImportError:
        raise console.CommandError("argument --device: torch, which computes on cuda, is not installed") from None
    if not torch.cuda.is_available():
        raise console.CommandError("argument --device: torch finds no cuda device here")


def _measure(settings, own_choice, results, swept):
    """Run all that was asked for, print each table when it is there, and add to `results` and `swept`."""
    lines = screen()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    for name in settings.workloads:
        with Progress(*columns, console=lines, transient=True) as bar:
            said = _sayer(bar, name)
            results.append(runs.run(settings.of(TASKS[name]), settings.peers, settings, said))
        lines.print(report.table(results[-1]))
        _say(report.notes(results[-1]))
    for name in settings.sweeps:
        with Progress(*columns, console=lines, transient=True) as bar:
            names = settings.peers if own_choice and name != "arithmetic" else sweeps.DEFAULTS[name]
            swept.append(sweeps.run(name, names, settings, _sayer(bar, name)))
        lines.print(report.sweep_table(swept[-1]))
        _say(report.sweep_notes(swept[-1]))
        if name == "arithmetic":
            _say(report.choices(swept[-1]))
    scaled = [sweep for sweep in swept if len(sweep.get("points", ())) > 1 and sweep["sweep"] != "arithmetic"]
    if scaled:
        lines.print(report.scaling_table(scaled))


def _sayer(bar, name):
    task = bar.add_task(name, total=None)
    return lambda words: bar.update(task, description=f"{name}: {words}")


def _say(lines):
    print("\n".join(lines), end="\n" if lines else "")


def _write(path, settings, found, results, swept):
    write_json(path, "benchmark", settings, report.content(found, results, swept), machine.versions())


def _draw(results, swept, folder):
    figures = {}
    if results:
        figures["benchmark"] = picture.of_workloads(results)
    drawn = [sweep for sweep in swept if sweep["sweep"] != "limits"]
    if drawn:
        figures["benchmark-sweeps"] = picture.of_sweeps(drawn)
    for name, figure in figures.items():
        save(figure, folder, name)
    return [f"{name}.{kind}" for name in figures for kind in ("png", "svg")]
