"""The lessons' pictures. In a notebook they are shown; a script writes them to the folder `FOLDER`, as SVG and PNG."""

import base64
import html
import io
import sys
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from ottt_ref.files.storage import write_bytes

FOLDER = Path("results") / "lessons"
INK, SECOND, THIRD, PALE = "#000000", "#0072B2", "#D55E00", "#b5b5b5"  # Okabe and Ito's; dashes and marks tell them too


class Picture:
    """A figure that a notebook shows, with words for those who do not see it."""

    def __init__(self, figure, words):
        self.words, self.svg = words, _bytes(figure, "svg")

    def _repr_html_(self):
        data = base64.b64encode(self.svg).decode()
        return f'<img class="lesson" alt="{html.escape(self.words)}" src="data:image/svg+xml;base64,{data}">'


def show(figure, name, words):
    """Show a figure: in a notebook as the cell's result, elsewhere in files of that name.

    words  what the picture shows, for those who do not see it
    """
    if "ipykernel" in sys.modules:
        return Picture(figure, words)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for kind in ("svg", "png"):
        write_bytes(FOLDER / f"{name}.{kind}", _bytes(figure, kind))
    print(f"picture: {FOLDER / name}.svg")
    return None


def _bytes(figure, kind):
    matplotlib.rcParams["svg.hashsalt"] = "ottt_ref"  # the same figure gives the same bytes
    content = io.BytesIO()
    figure.savefig(content, format=kind, **({"metadata": {"Date": None}} if kind == "svg" else {"dpi": 160}))
    return content.getvalue()


def panels(count, height=2.6):
    """A figure, and its `count` axes side by side, without frames that say nothing."""
    figure = Figure(figsize=(6.4 if count > 1 else 4.8, height), layout="constrained")
    every = figure.subplots(1, count, squeeze=False)[0]
    for axes in every:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, every


def potentials(runs, threshold=1):
    """Potentials over time and the spikes: a panel for each of `runs`, {title: (potentials, spikes)}."""
    figure, every = panels(len(runs))
    for axes, (title, (values, spikes)) in zip(every, runs.items()):
        times = range(1, len(values) + 1)
        axes.axhline(threshold, color=THIRD, linestyle="--", label="threshold")
        axes.plot(times, [float(value) for value in values], color=SECOND, marker="o", label="potential")
        fired = [t for t, spike in zip(times, spikes) if spike]
        axes.plot(
            fired, [1.35 * threshold] * len(fired), "|", color=INK, markersize=14, markeredgewidth=3, label="spike"
        )
        axes.set(title=title, xlabel="time step", ylim=(0, 1.55 * threshold), xticks=list(times)[::2])
    every[0].set_ylabel("potential")
    every[-1].legend(fontsize=7, loc="lower right")
    return figure


def curves(lines, across, upwards, title=""):
    """Curves {label: (x, y)}, told apart by dashes and by colour."""
    figure, (axes,) = panels(1)
    styles = [(INK, ":"), (SECOND, "-"), (THIRD, "--"), (PALE, "-.")]
    for (label, (x, y)), (colour, dashes) in zip(lines.items(), styles):
        axes.plot([float(value) for value in x], [float(value) for value in y], dashes, color=colour, label=label)
    axes.set(xlabel=across, ylabel=upwards, title=title)
    axes.legend(fontsize=7)
    return figure


def unrolled(time_steps, paths):
    """Two neurons in a row over time, with the edges that `paths` (t0, t1, t2) cross as thick lines."""
    figure, (axes,) = panels(1)
    rows = {"input": 0, "neuron 1": 1, "neuron 2": 2, "error": 3}
    for t in range(time_steps):
        axes.plot([t, t], [0, 3], ":", color=PALE, zorder=1)
    for row in (1, 2):
        axes.plot([0, time_steps - 1], [row, row], ":", color=PALE, zorder=1)
    for t0, t1, t2 in paths:
        axes.plot([t0, t0, t1, t1, t2, t2], [0, 1, 1, 2, 2, 3], color=SECOND, linewidth=3, zorder=2)
    for height in rows.values():
        mark = "s" if height in (0, 3) else "o"
        axes.plot(range(time_steps), [height] * time_steps, mark, color=INK, markersize=9, zorder=3)
    axes.set_yticks(list(rows.values()), rows)
    axes.set(xticks=range(time_steps), xlabel="time step", ylim=(-0.4, 3.4))
    axes.set_xticklabels([t + 1 for t in range(time_steps)])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    return figure


def synapse():
    """Two neurons, the synapse between them, and the three factors that come to it."""
    figure, (axes,) = panels(1)
    axes.set(xlim=(0, 10), ylim=(0, 5))
    axes.axis("off")
    for x, name in ((1.2, "neuron $j$"), (8.8, "neuron $i$")):
        axes.plot([x], [2], "o", color=PALE, markersize=34)
        axes.text(x, 0.75, name, ha="center")
    axes.annotate("", (8.0, 2), (2.0, 2), arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 2})
    axes.plot([6.0], [2], "s", color=SECOND, markersize=13)
    axes.text(6.0, 0.75, "synapse $w_{ij}$", ha="center")
    factors = ((3.2, "1 trace $\\hat{a}_j$", 2.15), (8.8, "2 slope $\\psi_i$", 3.1), (6.0, "3 error $e_i$", 4.4))
    for x, name, y in factors:
        axes.text(x, y + 0.12, name, ha="center", color=INK)
    axes.annotate("", (6.0, 2.3), (6.0, 4.3), arrowprops={"arrowstyle": "->", "color": THIRD, "linewidth": 2})
    axes.annotate("", (6.3, 2.3), (8.2, 3.1), arrowprops={"arrowstyle": "->", "color": THIRD, "linewidth": 2})
    return figure


def bars(groups, names):
    """Bars side by side: `groups` {label: values}, one value for each of `names`."""
    figure, (axes,) = panels(1)
    styles = [(SECOND, ""), ("#ffffff", "///"), (PALE, "")]
    width = 0.8 / len(groups)
    for k, ((label, values), (colour, hatch)) in enumerate(zip(groups.items(), styles)):
        places = [place + (k - (len(groups) - 1) / 2) * width for place in range(len(values))]
        axes.bar(
            places, [float(value) for value in values], width, color=colour, hatch=hatch, edgecolor=INK, label=label
        )
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xticks(range(len(names)), names)
    axes.set_ylabel("gradient")
    axes.legend(fontsize=7)
    return figure
