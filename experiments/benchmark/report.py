"""What comes out: the tables, and the JSON file."""

import math

from rich.table import Table

from . import machine, runs
from .checking import rates_text
from .sweeps import CHOICE

BUSY = 0.5  # load for each core from which others are busy
LARGEST_RATIO = 1.2  # of the fast path's choice, to the better one
SCHEMA = 1  # of the JSON file; a change that readers must know of makes it another


def content(machine_found, workloads, sweeps):
    """What the JSON file holds beside experiment, settings and versions."""
    return {"schema": SCHEMA, **_finite({"machine": machine_found, "workloads": workloads, "sweeps": sweeps})}


def _finite(data):
    """Plain data with None for what is no number, which JSON does not have: a wrong peer's loss may be one."""
    if isinstance(data, dict):
        return {name: _finite(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def milliseconds(seconds):
    """Three significant digits, in milliseconds."""
    number = 1e3 * seconds
    digits = max(0, 2 - math.floor(math.log10(number))) if number > 0 else 0
    return f"{number:,.{min(digits, 5)}f}"


def table(result):
    """One row per peer of a workload: its time, and how far it is from the reference."""
    task, unit = result["workload"], result["unit"]
    title = f"{task['name']}: {task['words']}, {task['dtype']}, {threads_text(result['threads'])}"
    rows = Table(title=f"{title}; fires at {rates_text(result['firing_rates'])} %")
    rows.add_column("peer", no_wrap=len(max((each["peer"] for each in result["peers"]), key=len)) < 20)
    rows.add_column("computes", no_wrap=True)
    rows.add_column(f"ms per {unit}\n(quartiles)", justify="right")
    rows.add_column("ratio", justify="right", no_wrap=True)
    rows.add_column("loss", justify="right", no_wrap=True)
    rows.add_column("loss\noff by", justify="right", no_wrap=True)
    rows.add_column("gradient\noff by", justify="right", no_wrap=True)
    rows.add_column("fire at\n(%)", justify="right", no_wrap=True)
    base = _base(result)
    for each in result["peers"]:
        rows.add_row(*_row(each, base))
    return rows


def threads_text(count):
    """1 thread, 2 threads."""
    return f"{count} thread{'' if count == 1 else 's'}"


def _base(result):
    """The time that others are compared with: the fast path's, or the quickest peer's; None without any."""
    timed = {each["peer"]: each["median"] for each in result["peers"] if each["status"] == runs.TIMED}
    return timed.get("fast", min(timed.values(), default=None))


def _row(each, base):
    kind = each.get("kind", {}).get("words", "")
    time, ratio = each["status"], ""
    if each["status"] == runs.TIMED:
        low, high = (milliseconds(end) for end in each["quartiles"])
        time, ratio = f"{milliseconds(each['median'])} ({low}-{high})", f"{each['median'] / base:.2f}"
    checked = ("", "", "", "")
    if "loss" in each:
        rates = "not said" if each["rates"] is None else rates_text(each["rates"])
        checked = f"{each['loss']:.5f}", f"{each['loss_off']:.0e}", f"{each['gradient_off']:.0e}", rates
    return each["peer"], kind, time, ratio, *checked


def notes(result):
    """How peers compute that say it, and why others were not timed, a line each."""
    said = [f"{each['peer']}: {each['about']}" for each in result["peers"] if "about" in each]
    return said + missing(result)


def missing(result):
    """Why peers were not timed, a line each."""
    return [_note(each) for each in result["peers"] if each["reason"]]


def _note(each):
    return f"{each['peer']}: {each['status']}, not timed: {each['reason']}"


def sweep_table(sweep):
    """One row per value, one column per peer; of memory likewise."""
    if sweep["sweep"] == "memory":
        return _memory_table(sweep)
    if sweep["sweep"] == "limits":
        return _limits_table(sweep)
    rows = Table(title=f"{sweep['base']} by {sweep['sweep']}, ms per sequence")
    rows.add_column(sweep["sweep"], justify="right")
    names = [each["peer"] for each in sweep["points"][0]["peers"]]
    for name in names:
        rows.add_column(name, justify="right")
    for point in sweep["points"]:
        cells = [_cell(each) for each in point["peers"]]
        rows.add_row(f"{point['value']:g}", *cells)
    return rows


def _cell(each):
    if each["status"] != runs.TIMED:
        return each["status"]
    return milliseconds(each["median"])


def _memory_table(sweep):
    rows = Table(title=f"{sweep['base']} by {sweep['words']}: MB that a step takes at its peak, inputs not counted")
    rows.add_column("T", justify="right")
    for each in sweep["peers"]:
        rows.add_column(f"{each['peer']}\n{each.get('kind', each['status'])}", justify="right")
    for k, steps in enumerate(sweep["values"]):
        cells = [f"{each['bytes'][k] / 1e6:.1f}" if "bytes" in each else "-" for each in sweep["peers"]]
        rows.add_row(str(steps), *cells)
    return rows


def _limits_table(sweep):
    found = sweep["limits"]
    title = (
        f"limits, all threads: {2e-9 * found['multiply_adds']:.0f} GFLOP/s in products, "
        f"{1e-9 * found['row_bytes']:.0f} GB/s of rows, {1e-9 * found['array_bytes']:.0f} GB/s of an array"
    )
    rows = Table(title=f"{title}\nms at the limits, and in brackets ms that it took")
    rows.add_column("workload", no_wrap=True)
    parts = list(next(iter(sweep["workloads"]))["least"])
    for part in (*parts, "else", "all"):
        rows.add_column(part, justify="right", no_wrap=True)
    for each in sweep["workloads"]:
        rows.add_row(each["workload"], *_limits_cells(each, parts))
    return rows


def _limits_cells(each, parts):
    def cell(least, took):
        return f"{milliseconds(least)} ({'-' if took is None else milliseconds(took)})"

    stages, seconds = each["stages"], each["seconds"]
    took = {part: stages[part] * each["of_gradient"] for part in stages}
    cells = [cell(each["least"][part], took.get(part)) for part in parts]
    rest = "-" if seconds is None or not took else f"({milliseconds(seconds - sum(took[part] for part in parts))})"
    return [*cells, rest, cell(sum(each["least"].values()), seconds)]


def scaling_table(sweeps):
    """How time grows where a sweep doubles what it varies, and what a second thread is worth."""
    rows = Table(title="Scaling: what doubling multiplies the time by (2.00 is linear)")
    rows.add_column("doubled")
    rows.add_column("from - to", justify="right")
    names = list(dict.fromkeys(each["peer"] for sweep in sweeps for each in sweep["points"][0]["peers"]))
    for name in names:
        rows.add_column(name, justify="right")
    for sweep in sweeps:
        for before, after in zip(sweep["points"], sweep["points"][1:]):
            rows.add_row(
                sweep["sweep"],
                f"{before['value']:g} - {after['value']:g}",
                *(_doubling(name, before, after) for name in names),
            )
        rows.add_section()
    return rows


def _doubling(name, before, after):
    found = doubling(name, before, after)
    return "-" if found is None else f"{found:.2f}"


def doubling(name, before, after):
    """The factor by which a peer's time grows when the value doubles, if it grows by a power between two points."""
    times = [_time(name, point) for point in (before, after)]
    if None in times:
        return None
    exponent = math.log(times[1] / times[0]) / math.log(after["value"] / before["value"])
    return 2**exponent


def _time(name, point):
    for each in point["peers"]:
        if each["peer"] == name and each["status"] == runs.TIMED:
            return each["median"]
    return None


def choices(sweep):
    """How good the fast path's choice of arithmetic is: its time over the better of the two, at each rate."""
    ratios = {}
    for point in sweep["points"]:
        chosen, *both = (_time(name, point) for name in CHOICE)
        if None not in (chosen, *both):
            ratios[point["value"]] = chosen / min(both)
    if not ratios:
        return []
    shown = ", ".join(f"{100 * rate:g} % {ratio:.2f}" for rate, ratio in ratios.items())
    worst = max(ratios.values())
    within = "within" if worst <= LARGEST_RATIO else "not within"
    return [
        f"fast's time over that of the better of event-driven and dense, by rate: {shown}",
        f"at worst {worst:.2f} times, {within} {LARGEST_RATIO} times",
    ]


def sweep_notes(sweep):
    """Why peers are missing from a sweep, a line each."""
    if sweep["sweep"] == "limits":
        return []
    if sweep["sweep"] == "memory":
        return [f"{each['peer']}: {each['status']}: {each['reason']}" for each in sweep["peers"] if each["reason"]]
    lines = [f"{line} (at {point['value']:g})" for point in sweep["points"] for line in missing(point)]
    return list({line.partition(" (at ")[0]: line for line in reversed(lines)}.values())[::-1]


def warnings(found):
    """A line where other programs were busy as it began: the times are then theirs too."""
    load = found.get("load_average", [0.0])[0]
    if load < BUSY * found["usable_cores"]:
        return []
    return [f"other programs are busy here (load {load:.1f}): times will be longer, and ratios others, than in quiet"]


def heading(settings, found):
    """What the numbers depend on, in lines."""
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions().items())
    threads = threads_text(settings.threads)
    return [
        machine.words(found),
        f"{threads} each, {settings.dtype}, on {settings.device}, seed {settings.seed}; {versions}",
    ]
