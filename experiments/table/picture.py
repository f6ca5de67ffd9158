"""Accuracies, and differences from BPTT, by data set and rule."""

from matplotlib.figure import Figure

from ..figures.style import METHODS, MUTED
from ..sweep.columns import COLUMNS
from .report import LEAST

FARTHEST = 0.15  # how large a difference is drawn to scale
LOOKS = {
    "bptt": ("BPTT", *METHODS["BPTT"], True),
    "ottt-a": ("OTTT$_A$", *METHODS["OTTT"], True),
    "ottt-o": ("OTTT$_O$", *METHODS["OTTT"], False),
    "sltt": ("SLTT", *METHODS["SLTT"], True),
    "spike-representation": ("SR", *METHODS["SR"], True),
}  # label, colour, dash, mark, and whether the mark is filled


def draw(found):
    """A figure of two parts with a row for each data set: accuracy ± standard deviation; and minus BPTT, intervals.

    A difference of more than FARTHEST is a number at the edge.
    """
    columns = list(dict.fromkeys(summary["column"] for summary in found))
    rules = list(dict.fromkeys(summary["rule"] for summary in found))
    figure = Figure(figsize=(11, 1.6 + 0.85 * len(columns)), layout="constrained")
    accuracy, apart = figure.subplots(1, 2, sharey=True)
    for summary in found:
        if summary["failed"]:
            continue
        at = columns.index(summary["column"]) + (rules.index(summary["rule"]) - (len(rules) - 1) / 2) * 0.15
        point(accuracy, summary["rule"], summary["accuracy_mean"], at, *2 * [summary["accuracy_deviation"] or 0])
        if summary["difference"]:
            mean, *ends = (summary["difference"][name] for name in ("mean", "low", "high"))
            if abs(mean) > FARTHEST:  # drawn to scale it would make all others short
                _far(apart, summary["rule"], mean, at)
                continue
            point(apart, summary["rule"], mean, at, *(0 if end is None else abs(end - mean) for end in ends))
    accuracy.set_yticks(range(len(columns)), [COLUMNS[column].title for column in columns])
    accuracy.set(xlabel="test accuracy (%), mean ± standard deviation", ylim=(len(columns) - 0.5, -0.5))
    apart.set(xlabel="minus BPTT (points), 95 % interval")
    apart.set_xlim(*(100 * end for end in _span(found)))
    apart.axvline(0, color=MUTED, linewidth=1)
    apart.axvline(100 * LEAST, color=MUTED, linewidth=1, linestyle="--")
    for axes in (accuracy, apart):
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
    handles = [point(apart, rule, None, 0, 0, 0) for rule in rules]
    names = [LOOKS[rule][0] if rule in LOOKS else rule for rule in rules]
    figure.legend(handles, names, loc="outside lower center", ncols=len(rules))
    return figure


def point(axes, rule, value, at, below, above):
    """A mark with a line from `below` to `above` it, in per cent; without a value nothing is seen but in the legend."""
    _, colour, _, mark, filled = LOOKS.get(rule, (rule, MUTED, "-", "x", True))
    shown = [] if value is None else [100 * value]
    return axes.errorbar(
        shown, [at] * len(shown), xerr=[[100 * below] * len(shown), [100 * above] * len(shown)], fmt=mark, color=colour,
        markerfacecolor=colour if filled else "none", markersize=6, linewidth=1.5,
    )  # fmt: skip


def _span(found):
    """What differences are shown of, in [0, 1]: the intervals of all that are not far, and a point on either side."""
    known = [summary["difference"] for summary in found if not summary["failed"] and summary["difference"]]
    near = [each for each in known if abs(each["mean"]) <= FARTHEST]
    ends = [end for each in near for end in (each["low"], each["mean"], each["high"]) if end is not None]
    room = 0.01 if len(near) == len(known) else 0.04  # for numbers at the edge
    return min([LEAST, *ends]) - room, max([-LEAST, *ends]) + room


def _far(axes, rule, mean, at):
    """At the edge the number that lies beyond it, with an arrow."""
    colour = LOOKS.get(rule, (rule, MUTED))[1]
    edge, side, text = (0.01, "left", f"◂ {100 * mean:.1f}") if mean < 0 else (0.99, "right", f"{100 * mean:.1f} ▸")
    where = axes.get_yaxis_transform()
    axes.text(edge, at, text, color=colour, ha=side, va="center", fontsize=10.5, transform=where)
