"""A matrix for each data set and rule: accuracy by the time steps of learning and of the test."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from ..figures.style import BLUE, INK, MUTED, PAPER
from ..sweep.columns import COLUMNS
from ..table.picture import LOOKS
from .report import text

SHADES = LinearSegmentedColormap.from_list("shades", (PAPER, BLUE))
DARKEST = 0.55  # of SHADES, on which INK is still legible


def draw(found):
    """A figure with a row for each data set, whose panels share their shades, and a panel for each rule."""
    columns = list(dict.fromkeys(matrix["column"] for matrix in found))
    rules = list(dict.fromkeys(matrix["rule"] for matrix in found))
    wide, high = len(found[0]["tested"]), max(len(matrix["rows"]) for matrix in found)
    size = (1.2 + len(rules) * (0.6 + 0.78 * wide), 0.9 + len(columns) * (0.9 + 0.62 * high))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(columns), len(rules), squeeze=False)
    for matrix in found:
        same = [each for each in found if each["column"] == matrix["column"]]
        place = columns.index(matrix["column"]), rules.index(matrix["rule"])
        _panel(panels[place], matrix, _range(same), place)
    figure.supxlabel("time steps of the test", color=INK)
    figure.supylabel("time steps of learning", color=INK)
    return figure


def _range(matrices):
    """The least and the largest mean of some matrices."""
    means = [cell["accuracy"]["mean"] for matrix in matrices for row in matrix["rows"] for cell in row["cells"]]
    return (min(means), max(means)) if means else (0, 1)


def _panel(axes, matrix, ends, place):
    tested, shown = matrix["tested"], matrix["rows"]
    values = np.full((len(shown), len(tested)), np.nan)
    for down, row in enumerate(shown):
        for across, cell in enumerate(row["cells"]):
            values[down, across] = cell["accuracy"]["mean"]
            _write(axes, across, down, cell, cell["tested"] == row["learned"])
        if row["failed"]:
            axes.text((len(tested) - 1) / 2, down, "failed", ha="center", va="center", color=MUTED)
    least, largest = ends
    top = least + (largest - least) / DARKEST if largest > least else least + 1
    edges = [np.arange(count + 1) - 0.5 for count in (len(tested), len(shown))]
    axes.pcolormesh(*edges, np.ma.masked_invalid(values), cmap=SHADES, vmin=least, vmax=top, edgecolor=PAPER)
    axes.set_xticks(range(len(tested)), tested)
    axes.set_yticks(range(len(shown)), [row["learned"] for row in shown])
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    rule = LOOKS[matrix["rule"]][0] if matrix["rule"] in LOOKS else matrix["rule"]
    axes.set_title(f"{COLUMNS[matrix['column']].title}: {rule}" if place[1] == 0 else rule)


def _write(axes, across, down, cell, own):
    """The mean of a cell over half of its interval; bold where it was learned with as many."""
    mean, half = text(cell)
    weight = "bold" if own else "normal"
    axes.text(across, down, mean, ha="center", va="bottom", color=INK, fontsize=11, fontweight=weight)
    axes.text(across, down, f"± {half}" if half else "", ha="center", va="top", color=INK, fontsize=9)
