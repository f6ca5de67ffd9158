"""The unrolled network, and the paths that each method keeps.

A network of two neurons in a row, unrolled over five time steps. Which paths a method keeps is not drawn by hand: its
own algebra is asked, one path at a time. With one input spike at t0, ψ of the first layer 1 at t1 and 0 elsewhere, and
one output error at t2, the gradient of the first weight is not 0 where the method keeps that path.
"""

from itertools import product

import numpy as np
from matplotlib.figure import Figure

import ottt_ref as ot

from .style import BLUE, INK, MUTED
from .unrolled import ROWS, draw_line, draw_network, draw_node, edges_of, name_rows

NAME = "methods"
TITLE = "What each method keeps and drops"
CAPTION = (
    "A network of two neurons in a row, unrolled over five time steps; time runs to the right. A path starts at an "
    "input spike and ends at an error; it waits where it stays in a membrane from one time step to the next. Thick: "
    "edges on paths that the method keeps in the gradient of layer 1's weight; dashed: edges that it drops. BPTT "
    "keeps every path, and so does RTRL. OTTT keeps those that wait in layer 1, where the weight is. SLTT keeps "
    "those that wait nowhere. SR replaces the spikes of each layer by their rate. Sources: claims E2 and E6; Xiao "
    "et al. 2022 (OTTT, SR), Meng et al. 2023 (SLTT)."
)
ALTERNATIVE = "BPTT keeps every path, OTTT those that wait in the weight's own layer, SLTT those that never wait"
TOLERANCE = 0  # paths are counted

STEPS = 5
ALGEBRA = {
    "BPTT": ot.bptt.backward,
    "RTRL": ot.rtrl.accumulate,
    "OTTT": ot.ottt.accumulate,
    "SLTT": ot.sltt.accumulate,
}
PANELS = (
    ("BPTT", "every path, as RTRL does", "memory grows with T"),
    ("OTTT", "paths that wait in layer 1 alone", "memory constant"),
    ("SLTT", "paths that wait nowhere", "memory constant"),
)


def measure(seed):
    """The paths that each method keeps, [[t0, t1, t2], ...] by its name; no draw decides about them."""
    kept = {name: kept_paths(algebra) for name, algebra in ALGEBRA.items()}
    if kept["BPTT"] != kept["RTRL"]:
        raise AssertionError("BPTT and RTRL share a panel, so they must keep the same paths")
    return {"steps": STEPS, "paths": kept}


def kept_paths(algebra):
    """The paths (t0, t1, t2) of the first weight's gradient that a method keeps, in order."""
    network = ot.dense_network([1, 1, 1], decay=0.5, readout="spiking", rng=0)
    for name, value in network.parameters.items():
        network.parameters[name] = np.ones_like(value)
    activity = ot.simulate(network, np.ones((STEPS, 1, 1)))
    derivatives, _ = activity.surrogate_derivatives
    paths = []
    for t0, t1, t2 in product(range(STEPS), repeat=3):
        activity.inputs[...], derivatives[...] = impulse(t0), impulse(t1)
        if algebra(network, activity, impulse(t2)).values["layer0.weight"][0, 0] != 0:
            paths.append([t0, t1, t2])
    return paths


def impulse(at):
    """[T, 1, 1] with 1 at one time step."""
    values = np.zeros((STEPS, 1, 1))
    values[at] = 1
    return values


def draw(data):
    """Four panels: three methods, and SR."""
    steps = data["steps"]
    figure = Figure(figsize=(8.8, 6.6))
    panels = figure.subplots(2, 2, gridspec_kw={"hspace": 0.12, "wspace": 0.04}).ravel()
    figure.subplots_adjust(left=0.01, right=0.99, top=0.99, bottom=0.06)
    everything = edges_of(data["paths"]["BPTT"])
    for axes, (name, words, memory) in zip(panels, PANELS):
        paths = data["paths"][name]
        _head(axes, name, f"{words}: {len(paths)} of {len(data['paths']['BPTT'])}", memory)
        draw_network(axes, steps, everything, edges_of(paths))
    _head(panels[3], "SR", "rates of spikes, and no time", "memory constant")
    draw_network(panels[3], steps, everything, set())
    _rates(panels[3], steps)
    legend = figure.add_axes((0.01, 0, 0.98, 0.06))
    legend.set(xlim=(0, 1), ylim=(0, 1))
    legend.axis("off")
    legend.plot([0.02, 0.07], [0.5, 0.5], color=BLUE, linewidth=3.5)
    legend.text(0.08, 0.5, "kept in the gradient of layer 1's weight", va="center")
    legend.plot([0.52, 0.57], [0.5, 0.5], color=MUTED, linewidth=1.2, linestyle=(0, (2, 2)))
    legend.text(0.58, 0.5, "dropped", va="center")
    legend.text(0.98, 0.5, "time runs to the right", va="center", ha="right")
    return figure


def _head(axes, name, words, memory):
    axes.set(xlim=(-1.75, STEPS + 0.3), ylim=(-0.45, 4.75))
    axes.axis("off")
    axes.text(-1.7, 4.5, name, fontsize=17, fontweight="bold", color=BLUE, va="center")
    axes.text(STEPS + 0.25, 4.5, memory, ha="right", va="center", color=INK)
    axes.text(-1.7, 4.0, words, va="center")
    name_rows(axes, -1.7)


def _rates(axes, steps):
    """The spikes of each layer become one rate, and the path goes from rate to rate."""
    rows = list(ROWS)
    for above, below in zip(rows, rows[1:]):
        draw_line(axes, (below, steps), (above, steps), color=BLUE, linewidth=3.5)
    for row in rows[1:]:
        y = ROWS[row] - 0.27
        axes.plot([0, 0, steps, steps], [y + 0.09, y, y, ROWS[row]], color=BLUE, linewidth=1.2)
    for row in rows:
        draw_node(axes, row, steps, True)
