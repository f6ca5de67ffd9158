"""A network of two neurons in a row, unrolled in time: a row for each layer, a column for each time step."""

from .style import BLUE, MUTED, PAPER

ROWS = {"error": 3.25, "layer 2": 2.25, "layer 1": 1.1, "input": 0}


def edges_of(paths):
    """The edges that some of the paths cross, as pairs of nodes (row, t)."""
    edges = set()
    for t0, t1, t2 in paths:
        edges.add((("input", t0), ("layer 1", t0)))
        edges |= {(("layer 1", t), ("layer 1", t + 1)) for t in range(t0, t1)}
        edges.add((("layer 1", t1), ("layer 2", t1)))
        edges |= {(("layer 2", t), ("layer 2", t + 1)) for t in range(t1, t2)}
        edges.add((("layer 2", t2), ("error", t2)))
    return edges


def draw_network(axes, steps, everything, kept):
    """Kept edges on top of dropped ones."""
    for edge in sorted(everything - kept):
        draw_line(axes, *edge, color=MUTED, linewidth=1.2, linestyle=(0, (2, 2)))
    for edge in sorted(kept):
        draw_line(axes, *edge, color=BLUE, linewidth=3.5)
    reached = {node for edge in kept for node in edge}
    for row in ROWS:
        for t in range(steps):
            draw_node(axes, row, t, (row, t) in reached)


def name_rows(axes, x):
    """What stands in each row, from x on to the right."""
    for row, height in ROWS.items():
        axes.text(x, height, row, va="center", fontsize=11.5)


def draw_line(axes, start, end, **look):
    (low, t), (high, later) = start, end
    axes.plot([t, later], [ROWS[low], ROWS[high]], solid_capstyle="butt", **look)


def draw_node(axes, row, t, kept):
    """Circles are neurons, squares what comes in and goes out; filled where a kept path passes."""
    mark, size = ("s", 8) if row in ("input", "error") else ("o", 11)
    face = BLUE if kept else PAPER
    axes.plot([t], [ROWS[row]], mark, markersize=size, color=BLUE if kept else MUTED, markerfacecolor=face, zorder=3)
