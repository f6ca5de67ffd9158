"""The lessons' pictures, in the style of `experiments figures`; `captions` has their words.

In a notebook they are shown; a script writes them to the folder `FOLDER`, as SVG and PNG.
"""

import base64
import html
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from pathlib import Path
from textwrap import fill

from captions import CAPTIONS
from matplotlib.figure import Figure

from ottt_ref.cli.programs import find
from ottt_ref.files.storage import write_bytes

FIGURES = f"{find('experiments')}.figures"  # a script is in no package, from where it could be imported as `..figures`
style, traces, unrolled = (import_module(f"{FIGURES}.{name}") for name in ("style", "traces", "unrolled"))
BLUE, GREEN, INK, MUTED, PAPER, VERMILLION = (
    getattr(style, name) for name in ("BLUE", "GREEN", "INK", "MUTED", "PAPER", "VERMILLION")
)
FOLDER = Path("results") / "lessons"
WIDTH = 6.4  # inches, of one panel; a picture of two panels is as wide as those of the documentation
HATCHES = {"BPTT": "", "OTTT": "///", "SR": ".."}  # tell bars apart in grey


SHOWN = ContextVar("whether pictures are shown", default=True)


@contextmanager
def none():
    """Without pictures: `show` does nothing."""
    token = SHOWN.set(False)
    try:
        yield
    finally:
        SHOWN.reset(token)


class Picture:
    """A figure with its caption, which a notebook shows."""

    def __init__(self, figure, title, caption):
        self.title, self.caption, self.svg = title, caption, style.written(figure, "svg", title, caption)

    def _repr_html_(self):
        data = base64.b64encode(self.svg).decode()
        image = f'<img class="lesson" alt="{html.escape(self.title)}" src="data:image/svg+xml;base64,{data}">'
        return f"<figure>{image}<figcaption><p>{html.escape(self.caption)}</p></figcaption></figure>"


def show(figure, name):
    """Show a figure with its caption: in a notebook as the cell's result, elsewhere in files of that name."""
    if not SHOWN.get():
        return None
    title, caption = CAPTIONS[name]
    if "ipykernel" in sys.modules:
        return Picture(figure, title, caption)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for kind in style.FORMATS:
        write_bytes(FOLDER / f"{name}.{kind}", style.written(figure, kind, title, caption))
    print(fill(f"picture: {FOLDER / name}.svg. {caption}", 100))
    return None


def _panels(count=1, height=3.2):
    """A figure, and its `count` axes side by side."""
    figure = Figure(figsize=(WIDTH if count == 1 else 8.8, height), layout="constrained")
    return figure, figure.subplots(1, count, squeeze=False)[0]


def _canvas(width, height):
    """A figure, and axes for a drawing of so many units, without lines or numbers."""
    figure = Figure(figsize=(WIDTH, WIDTH * height / width))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    return figure, axes


@style.settings()
def network(inputs, weights, outputs):
    """Layers of neurons from left to right.

    inputs   a text for each input
    weights  for each layer a row for each neuron, as the lessons have them
    outputs  a text for each neuron of the last layer
    """
    sizes = [len(inputs), *map(len, weights)]
    height = 1.6 * max(sizes) + 0.3
    figure, axes = _canvas(12, height)
    columns = [3.3 + 5.6 * l / len(weights) for l in range(len(sizes))]
    places = [[(x, height / 2 + 1.6 * ((size - 1) / 2 - k)) for k in range(size)] for x, size in zip(columns, sizes)]
    for below, above, matrix in zip(places, places[1:], weights):
        for (right, up), row in zip(above, matrix):
            for (left, low), weight in zip(below, row):
                axes.annotate("", (right - 0.3, up), (left, low), arrowprops=_arrow(INK), zorder=1)
                share = 0.5 if 1 in (len(row), len(matrix)) else 0.3  # where lines cross: before they do
                at = (left + share * (right - left), low + share * (up - low))
                box = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.5}
                axes.text(*at, weight, ha="center", va="center", bbox=box)
    for (x, y), text in zip(places[0], inputs):
        axes.plot([x], [y], "s", color=INK, markersize=8)
        axes.text(x - 0.4, y, text, ha="right", va="center")
    for layer in places[1:]:
        for place in layer:
            axes.plot(*zip(place), "o", markersize=22, color=BLUE, markerfacecolor=PAPER, markeredgewidth=2)
    for (x, y), text in zip(places[-1], outputs):
        axes.text(x + 0.6, y, text, va="center")
    return figure


@style.settings()
def potentials(runs):
    """Potentials over time and the spikes: a panel for each of `runs`, {title: (potentials, spikes)}."""
    figure, every = _panels(len(runs), height=3.4)
    for axes, (title, (values, spikes)) in zip(every, runs.items()):
        times = range(1, len(values) + 1)
        traces.draw_potential(axes, times, [float(value) for value in values], spikes)
        axes.set(title=title, xlabel="time step t", ylim=(0, 1.3), xticks=list(times))
    every[0].set_ylabel("u")
    figure.legend(*every[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


@style.settings()
def curves(lines, across, upwards):
    """Curves {label: (x, y)}, told apart by dashes, by width and by colour."""
    figure, (axes,) = _panels()
    looks = [(MUTED, "-", 5), (INK, "-", 1.5), (VERMILLION, "--", 2)]  # as in the picture `rates`
    for (label, (x, y)), (colour, dash, width) in zip(lines.items(), looks):
        numbers = [[float(value) for value in each] for each in (x, y)]
        axes.plot(*numbers, linestyle=dash, color=colour, linewidth=width, label=label)
    axes.set(xlabel=across, ylabel=upwards)
    figure.legend(loc="outside lower center", ncols=3)
    return figure


@style.settings()
def paths(steps, kept):
    """Two neurons in a row, unrolled in time: what the paths `kept`, (t0, t1, t2) from 0 on, cross is thick."""
    figure, axes = _canvas(8, 4.3)
    axes.set(xlim=(-1.2, steps), ylim=(-0.8, 3.5))
    unrolled.name_rows(axes, -1.1)
    times = range(steps)
    edges = unrolled.edges_of([(0, t, t) for t in times] + [(t, t, steps - 1) for t in times])
    unrolled.draw_network(axes, steps, edges, unrolled.edges_of(kept))
    for t in times:
        axes.text(t, -0.55, f"t = {t + 1}", ha="center", va="center")
    return figure


@style.settings()
def synapse():
    """Two neurons, the synapse between them, and the three factors that come to it."""
    figure, axes = _canvas(12, 4.6)
    for x, name in ((1.6, "neuron j"), (10.4, "neuron i")):
        axes.plot([x], [1.7], "o", markersize=22, color=BLUE, markerfacecolor=PAPER, markeredgewidth=2)
        axes.text(x, 0.6, name, ha="center", va="center")
    axes.annotate("", (9.9, 1.7), (2.1, 1.7), arrowprops=_arrow(INK))
    axes.plot([6.4], [1.7], "s", color=INK, markersize=12)
    axes.text(6.4, 0.6, "synapse wᵢⱼ", ha="center", va="center")
    axes.text(3.9, 2.05, "1 trace âⱼ", ha="center")
    axes.text(10.4, 2.9, "2 slope ψᵢ", ha="center")
    axes.text(6.4, 4.1, "3 error eᵢ", ha="center")
    for start in ((6.4, 4.0), (9.5, 2.9)):
        axes.annotate("", (6.4 + 0.1 * (start[0] - 6.4), 2.0), start, arrowprops=_arrow(VERMILLION))
    return figure


def _arrow(colour):
    return {"arrowstyle": "-|>", "color": colour, "linewidth": 1.5, "shrinkA": 4, "shrinkB": 4}


@style.settings()
def bars(groups, names):
    """Bars side by side: `groups` {method: values}, one value for each of `names`."""
    figure, (axes,) = _panels()
    width = 0.8 / len(groups)
    for k, (label, values) in enumerate(groups.items()):
        places = [place + (k - (len(groups) - 1) / 2) * width for place in range(len(values))]
        colour, _, _ = style.METHODS[label]
        look = {"color": colour, "hatch": HATCHES[label], "edgecolor": PAPER, "label": label}
        axes.bar(places, [float(value) for value in values], width, **look)
    axes.axhline(0, color=INK, linewidth=1)
    axes.set_xticks(range(len(names)), names)
    axes.set(ylabel="gradient")
    figure.legend(loc="outside lower center", ncols=3)
    return figure
