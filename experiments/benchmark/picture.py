"""The pictures: workloads as points, sweeps as lines."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from . import runs
from .report import milliseconds

# Okabe and Ito's colours, which those who confuse red and green can tell apart; marks and dashes for print without.
STYLES = {
    "fast": ("#D55E00", "o", "-"),
    "reference": ("#000000", "s", ":"),
    "spikingjelly": ("#0072B2", "^", "--"),
    "torch-by-hand": ("#009E73", "D", "-."),
    "torch-autograd": ("#E69F00", "v", "--"),
    "snntorch-bptt": ("#CC79A7", "P", ":"),
    "fast-bptt": ("#D55E00", "o", ":"),
    "fast-plain": ("#D55E00", "h", "-."),
    "fast-events": ("#0072B2", "<", "--"),
    "fast-dense": ("#009E73", ">", "-."),
    "reference-bptt": ("#000000", "s", "-."),
}
OWN = (("#56B4E9", "X", "-"), ("#999933", "*", "-"), ("#882255", "p", "-"))  # peers of one's own, in turn
MEGABYTE = 1e6
SHARES = ("rate", "arithmetic")  # sweeps of what is told in per cent
CLOSEST = 0.08  # of labels, in widths of an axis


def styles(names):
    """The colour, mark and dash of each peer."""
    others = [name for name in names if name not in STYLES]
    return {name: STYLES[name] if name in STYLES else OWN[others.index(name) % len(OWN)] for name in names}


def of_workloads(results):
    """A panel for each workload: a point per peer that was timed, on a logarithmic axis, and its middle half."""
    names = list(dict.fromkeys(each["peer"] for result in results for each in result["peers"] if _timed(each)))
    figure = Figure(figsize=(3.0 * max(1, len(results)) + 1.2, 0.42 * max(1, len(names)) + 1.6), layout="constrained")
    panels = figure.subplots(1, max(1, len(results)), squeeze=False, sharey=True)[0]
    for axes, result in zip(panels, results):
        _points(axes, result, names)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].invert_yaxis()
    return figure


def _points(axes, result, names):
    looks = styles(names)
    timed = {each["peer"]: each for each in result["peers"] if _timed(each)}
    for place, name in enumerate(names):
        if name not in timed:
            continue
        median, (low, high) = 1e3 * timed[name]["median"], (1e3 * end for end in timed[name]["quartiles"])
        colour, mark, _ = looks[name]
        axes.plot([low, high], [place, place], color=colour, linewidth=5, alpha=0.35, solid_capstyle="butt")
        axes.plot(median, place, color=colour, marker=mark, markersize=6)
        text = milliseconds(timed[name]["median"])
        axes.annotate(text, (high, place), textcoords="offset points", xytext=(8, 0), va="center", fontsize=8)
    axes.set_xscale("log")
    ends = [1e3 * end for each in timed.values() for end in each["quartiles"]] or [1.0]
    axes.set_xlim(min(ends) / 2, max(ends) * 6)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.set(xlabel=f"ms per {result['unit']}", title=result["workload"]["name"])
    axes.grid(axis="x", color="0.9")
    _tidy(axes)


def of_sweeps(sweeps):
    """A panel for each sweep: time, or memory, of each peer against what is varied, both axes logarithmic."""
    columns = min(3, max(1, len(sweeps)))
    lines = -(-max(1, len(sweeps)) // columns)
    figure = Figure(figsize=(4.3 * columns, 3.5 * lines + 0.7), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    known = dict.fromkeys(name for sweep in sweeps for name in _names(sweep))
    looks, handles = styles(list(known)), {}
    for axes, sweep in zip(panels, sweeps):
        for name in _names(sweep):
            places, middles, lows, highs = _line_of(sweep, name)
            if not places:
                continue
            colour, mark, dash = looks[name]
            (handles[name],) = axes.plot(places, middles, color=colour, marker=mark, markersize=4, linestyle=dash)
            axes.fill_between(places, lows, highs, color=colour, alpha=0.15, linewidth=0)
        _finish(axes, sweep)
    for axes in panels[len(sweeps) :]:
        axes.set_visible(False)
    if handles:
        figure.legend(
            handles.values(), handles, loc="outside lower center", ncols=4, frameon=False, fontsize=9, handlelength=3
        )
    return figure


def _names(sweep):
    return [each["peer"] for each in (sweep["peers"] if "peers" in sweep else sweep["points"][0]["peers"])]


def _line_of(sweep, name):
    """Where a peer has points, the points, and the ends of their middle halves."""
    if sweep["sweep"] == "memory":
        (found,) = (each for each in sweep["peers"] if each["peer"] == name)
        known = [(T, size / MEGABYTE) for T, size in zip(sweep["values"], found.get("bytes", ())) if size > 0]
        sizes = [
            size for _, size in known
        ]  # without those of less than a page, which a logarithmic axis has no place for
        return [place for place, _ in known], sizes, sizes, sizes
    known = [
        (point["value"], each)
        for point in sweep["points"]
        for each in point["peers"]
        if each["peer"] == name and _timed(each)
    ]
    ends = np.array([each["quartiles"] for _, each in known]).reshape(-1, 2)
    return [place for place, _ in known], [1e3 * each["median"] for _, each in known], *(1e3 * ends.T)


def _finish(axes, sweep):
    values = sweep.get("values") or [point["value"] for point in sweep["points"]]
    axes.set_xscale("log")
    axes.set_yscale("log")
    shown = [f"{100 * value:g} %" for value in values] if sweep["sweep"] in SHARES else [f"{v:g}" for v in values]
    axes.set_xticks(values, _spaced(values, shown), fontsize=8)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_title(sweep["sweep"], fontsize=10)
    axes.set_xlabel(sweep["words"])
    axes.set_ylabel("MB at the peak of a step" if sweep["sweep"] == "memory" else "ms per sequence")
    axes.grid(color="0.9")
    _tidy(axes)


def _spaced(values, labels):
    """Labels for a logarithmic axis: one that would touch the one before it is left empty."""
    places = np.log(values) / np.log(values[-1] / values[0]) if len(values) > 1 else [0.0]
    shown, last = [], -np.inf
    for place, label in zip(places, labels):
        fits = place - last > CLOSEST
        shown.append(label if fits else "")
        last = place if fits else last
    return shown


def _tidy(axes):
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _timed(each):
    return each["status"] == runs.TIMED
