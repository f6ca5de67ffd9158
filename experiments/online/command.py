"""What `experiments online` does."""

import time
from pathlib import Path

import numpy as np

from ottt_ref import console, workers
from ottt_ref.console import positive
from ottt_ref.files.storage import write_bytes

from ..data.reading import DataError
from ..data.registry import NOTHING, SETS
from ..figures.style import settings as in_style
from ..output import save, screen, write_json
from ..sweep.runs import carry_out
from ..training import config as configs
from ..training import parts
from ..training.config import ConfigError
from ..training.rules import RULES as KNOWN
from . import picture, report
from .runs.order import NETWORKS, Order
from .runs.stream import DRIFTS, Stream

RULES = ("bptt", "ottt-a", "ottt-o", "sltt-o")
DATA = ("digits", "mnist-5000")
RATES = (0.03, 0.1, 0.3)  # of which each rule takes the best, on streams of seeds that are not reported
TUNING = (1000, 1001)
EXAMPLES = (
    "",
    "--data mnist-5000 --folder results/wheels --drift labels",
    "--rate 0.1 --seeds 2 --samples 200 --window 20 --output results/quick",
)


def add_arguments(parser):
    """The options of the command."""
    parser.examples = EXAMPLES
    parser.notes = "It can be stopped anywhere: the same command goes on with the streams that are missing."
    parser.set_defaults(command=run)
    option = parser.add_argument
    option("--data", choices=DATA, default=DATA[0], help="the data set (%(default)s)")
    option("--folder", metavar="DIR", type=Path, help="the folder with its wheel, if it needs one")
    console.names(
        parser, "--rule", tuple(KNOWN), f"these rules, of {', '.join(KNOWN)}; {', '.join(RULES)} if not given"
    )
    console.names(parser, "--drift", DRIFTS, f"these drifts alone, of {', '.join(DRIFTS)}; both if not given")
    option("--seeds", metavar="N", type=positive, default=10, help="how many seeds, 0 to N-1 (%(default)s)")
    grid = ", ".join(map(str, RATES))
    meaning = (
        f"the learning rate of all rules; if not given, of {grid} each rule takes its best, by {len(TUNING)} seeds"
    )
    option("--rate", metavar="ETA", type=console.above_zero, help=f"{meaning} that are not reported")
    option("--samples", metavar="N", type=positive, help="of the stream; all if not given")
    option("--window", metavar="N", type=positive, default=100, help="samples that an accuracy is over (%(default)s)")
    option("--order-samples", metavar="N", type=positive, default=20, help="of each seed, to measure O1 (%(default)s)")
    workers.add_options(option)
    output = Path("results/online")
    option("--output", metavar="DIR", type=console.folder, default=output, help="where to write (%(default)s)")


def run(options):
    """Go through the streams that are missing, write JSON, Markdown and pictures, print tables and what they say."""
    count, scheduler = workers.chosen(options)
    base = _base(options)
    options.output.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()

    def carried(jobs):
        found = carry_out(jobs.values(), options.output, count, screen(), scheduler, what="runs")
        return dict(zip(jobs, found))

    rules = tuple(dict.fromkeys(options.rule or RULES))
    drifts = tuple(dict.fromkeys(options.drift or DRIFTS))
    tried = {} if options.rate else carried(_tuning(base, options, drifts, rules))
    rates = {(drift, rule): options.rate or _best(tried, drift, rule) for drift in drifts for rule in rules}
    streams = {
        (drift, rule, seed): _stream(base, options, drift, rule, rates[drift, rule], seed)
        for seed in range(options.seeds)
        for drift in drifts
        for rule in rules
    }
    found = report.summaries(carried(streams), rates, options.window)
    orders = report.fitted(carried(_orders(base, options)))
    took = time.perf_counter() - started
    content = {
        "tuning": _tuned(tried),
        "summaries": found,
        "order": orders,
        "seconds": took,
    }
    settings = {
        **{name: getattr(options, name) for name in ("data", "seeds", "samples", "window", "order_samples")},
        "rules": rules,
        "drifts": drifts,
        "rate": options.rate,
    }
    write_json(options.output / "online.json", "online", settings, content)
    size = next((each["samples"] for each in found if not each["failed"]), 0)
    tables = (
        (f"Streams of {size} samples, {options.data}, {options.seeds} seeds: mean ± half a 95 % interval",
         report.HEADER, report.rows(found)),
        ("The budget of a stream, operations in millions", report.BUDGET, report.budget_rows(found)),
    )  # fmt: skip
    lines = [*report.findings(found), *report.order_findings(orders)]
    text = "\n".join(f"{title}\n\n{_markdown(head, cells)}" for title, head, cells in tables)
    write_bytes(options.output / "online.md", (f"{text}\n" + "".join(f"- {line}\n" for line in lines)).encode())
    with in_style():
        save(picture.draw(found, options.window), options.output, "online")
        save(picture.draw_order(orders), options.output, "online-order")
    for table in tables:
        screen().print(_grid(*table))
    print("\n".join(lines))
    names = (
        "online.json",
        "online.md",
        *(f"{n}.{kind}" for n in ("online", "online-order") for kind in ("png", "svg")),
    )
    print(f"it took {took / 60:.1f} minutes; wrote {', '.join(str(options.output / name) for name in names)}")


def _base(options):
    """The config that all runs share; CommandError for what is wrong with the data's folder."""
    needs = SETS[options.data].needs
    if needs != NOTHING and options.folder is None:
        raise console.CommandError(f"argument --folder: must be given for {options.data}, which needs {needs}")
    if needs == NOTHING and options.folder is not None:
        raise console.CommandError(f"argument --folder: {options.data} needs none, got {options.folder}")
    if options.samples is not None and options.samples < 2:
        raise console.CommandError("argument --samples: must be at least 2, of which one comes after the drift, got 1")
    changes = {
        "data.set": options.data,
        "optimiser.momentum": 0.0,
        "schedule.name": "constant",
        "training.epochs": 1,
        "training.batch_size": 1,
    }
    if options.folder is not None:
        changes["data.folder"] = str(options.folder)
    try:
        base = configs.named("digits").changed(changes)
        data = parts.data(base)
    except (DataError, ConfigError) as error:
        raise console.CommandError(str(error)) from None
    there = sum(data.sizes().values())
    if options.samples is not None and options.samples > there:
        raise console.CommandError(
            f"argument --samples: must be at most {there} of {options.data}, got {options.samples}"
        )
    return base


def _stream(base, options, drift, rule, rate, seed):
    cell = f"{options.data}--{drift}--{rule}--rate{rate:g}"
    config = base.changed({"rule.name": rule, "optimiser.learning_rate": rate})
    return Stream(cell, config, seed, drift, options.samples)


def _tuning(base, options, drifts, rules):
    return {
        (drift, rule, rate, seed): _stream(base, options, drift, rule, rate, seed)
        for drift in drifts
        for rule in rules
        for rate in RATES
        for seed in TUNING
    }


def _best(tried, drift, rule):
    """The learning rate with the highest mean accuracy over the streams that were tried; the lowest of equals."""
    means = _means(tried)
    return max(RATES, key=lambda rate: means[drift, rule, rate])


def _means(tried):
    kept = {}
    for (drift, rule, rate, _), result in tried.items():
        kept.setdefault((drift, rule, rate), []).append(result.get("accuracy", 0.0))
    return {key: float(np.mean(values)) for key, values in kept.items()}


def _tuned(tried):
    return [
        {"drift": drift, "rule": rule, "learning_rate": rate, "accuracy": mean, "seeds": list(TUNING)}
        for (drift, rule, rate), mean in _means(tried).items()
    ]


def _orders(base, options):
    plain = {"training.dtype": "float64", "training.backend": "reference"}
    config = base.changed({"rule.name": "ottt-a", "optimiser.learning_rate": RATES[1], **plain})
    return {
        (network, seed): Order(
            f"{options.data}--order-{network}", config, seed, network, options.order_samples, options.samples
        )
        for seed in range(options.seeds)
        for network in NETWORKS
    }


def _markdown(head, cells):
    lines = [head, tuple("---" for _ in head), *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _grid(title, head, cells):
    from rich.table import Table

    result = Table(title=title)
    for name in head:
        result.add_column(name, justify="left" if name in ("drift", "rule") else "right")
    for row in cells:
        result.add_row(*row)
    return result
