"""The picture of what each method keeps and drops: `python docs/figures.py` draws docs/_static/methods.svg.

A network of two neurons in a row, unrolled over five time steps. Which edges a method keeps is not drawn by hand: its
own algebra is asked, one path at a time. With one input spike at t0, ψ of the first layer 1 at t1 and 0 elsewhere, and
one output error at t2, the gradient of the first weight is not 0 where the method keeps that path.
"""

import sys
from itertools import product
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import ottt_ref as ot  # noqa: E402
from ottt_ref.files.storage import write_bytes  # noqa: E402
from proofs.equality import OTTT, SLTT, bptt, rtrl  # noqa: E402

PICTURE = ROOT / "docs" / "_static" / "methods.svg"
STEPS = 5
KEPT, DROPPED, TEXT = (
    "#2b7bbd",
    "#8a8a8a",
    "#767676",
)  # to be seen on white and on black, and in grey by width and dashes
WIDTH, HEIGHT = 420, 290
LEFT, SPACING = 94, 56
ROWS = {"error": 78, "layer 2": 128, "layer 1": 188, "input": 248}


def kept_paths(side):
    """The paths (t0, t1, t2) of the first weight's gradient that a method keeps."""
    rng = np.random.default_rng(0)
    network = ot.dense_network([1, 1, 1], decay=0.5, readout="spiking", rng=rng)
    for name, value in network.parameters.items():
        network.parameters[name] = np.ones_like(value)
    activity = ot.simulate(network, np.ones((STEPS, 1, 1)))
    derivatives, _ = activity.surrogate_derivatives
    paths = set()
    for t0, t1, t2 in product(range(STEPS), repeat=3):
        activity.inputs[...], derivatives[...] = impulse(t0), impulse(t1)
        if side.algebra(network, activity, impulse(t2))["layer0.weight"][0, 0] != 0:
            paths.add((t0, t1, t2))
    return paths


def impulse(at):
    """[T, 1, 1] with 1 at one time step."""
    values = np.zeros((STEPS, 1, 1))
    values[at] = 1
    return values


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


def panel(title, words, memory, kept, x, y):
    """One method: the unrolled network, kept edges on top of dropped ones."""
    times = range(STEPS)
    every = edges_of({(t0, t1, t2) for t0, t1, t2 in product(times, repeat=3) if t0 <= t1 <= t2})
    parts = [f'<g transform="translate({x} {y})">', *head(title, words, memory)]
    parts += [line(*edge, False) for edge in sorted(every - kept)]
    parts += [line(*edge, True) for edge in sorted(kept)]
    reached = {node for edge in kept for node in edge}
    parts += [node(row, t, (row, t) in reached) for row in ROWS for t in times]
    return [*parts, "</g>"]


def rates_panel(title, words, memory, x, y):
    """Spike representation: the spikes of each layer become one rate, and the path goes from rate to rate."""
    times = range(STEPS)
    every = edges_of({(t0, t1, t2) for t0, t1, t2 in product(times, repeat=3) if t0 <= t1 <= t2})
    parts = [f'<g transform="translate({x} {y})">', *head(title, words, memory)]
    parts += [line(*edge, False) for edge in sorted(every)]
    parts += [node(row, t, False) for row in ROWS for t in times]
    rows = list(ROWS)
    parts += [line((below, STEPS), (above, STEPS), True) for above, below in zip(rows, rows[1:])]
    for row in rows[1:]:
        start, end = place(row, 0)[0], place(row, STEPS)[0]
        parts.append(f'<path class="mean" d="M{start} {ROWS[row] + 13} v6 H{end} v-10"/>')
    parts += [node(row, STEPS, True) for row in rows]
    return [*parts, "</g>"]


def head(title, words, memory):
    """The name of a method, what it keeps, its memory, and the names of the rows."""
    parts = [f'<text class="title" x="12" y="30">{title}</text>', f'<text x="12" y="52">{words}</text>']
    parts.append(f'<text class="right" x="{WIDTH - 12}" y="30">{memory}</text>')
    return parts + [f'<text class="row" x="12" y="{height + 5}">{row}</text>' for row, height in ROWS.items()]


def place(row, t):
    """Where a node is drawn."""
    return LEFT + SPACING * t, ROWS[row]


def line(start, end, kept):
    (x1, y1), (x2, y2) = place(*start), place(*end)
    return f'<path class="{"kept" if kept else "dropped"}" d="M{x1} {y1} L{x2} {y2}"/>'


def node(row, t, kept):
    x, y = place(row, t)
    kind = f'class="{"on" if kept else "off"}"'
    if row in ("input", "error"):
        return f'<rect {kind} x="{x - 6}" y="{y - 6}" width="12" height="12"/>'
    return f'<circle {kind} cx="{x}" cy="{y}" r="8"/>'


def draw():
    """The picture as the text of an SVG file."""
    backward, forward = kept_paths(bptt()), kept_paths(rtrl())
    if backward != forward:
        raise AssertionError("BPTT and RTRL share a panel, so they must keep the same paths")
    grows, constant = "memory grows with time", "memory constant"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {2 * HEIGHT + 44}" role="img">',
        "<!-- From ottt_ref, CC BY 4.0 -->",
        "<title>What each method keeps and drops</title>",
        "<desc>A network of two layers unrolled over five time steps. BPTT keeps every path from an input spike to an"
        " error. OTTT keeps the paths that wait in the first layer, where the weight is. SLTT keeps those that wait"
        " nowhere. Spike representation replaces the spikes of each layer by their rate.</desc>",
        "<style>",
        f"text {{ font: 18px system-ui, sans-serif; fill: {TEXT}; }}",
        f".title {{ font-weight: 700; font-size: 23px; fill: {KEPT}; }}",
        ".right { text-anchor: end; } .row { font-size: 17px; }",
        f".kept {{ stroke: {KEPT}; stroke-width: 4; }}",
        f".dropped {{ stroke: {DROPPED}; stroke-width: 1.5; stroke-dasharray: 3 4; }}",
        f".mean {{ stroke: {KEPT}; stroke-width: 1.5; fill: none; }}",
        f".on {{ fill: {KEPT}; }} .off {{ fill: {DROPPED}; }}",
        "</style>",
    ]
    panels = [
        ("BPTT", "every path, as RTRL does", grows, edges_of(backward)),
        ("OTTT", "paths that wait in the weight’s own layer", constant, edges_of(kept_paths(OTTT))),
        ("SLTT", "paths that wait nowhere", constant, edges_of(kept_paths(SLTT))),
    ]
    for k, (title, words, memory, kept) in enumerate(panels):
        parts += panel(title, words, memory, kept, WIDTH * (k % 2), HEIGHT * (k // 2))
    parts += rates_panel("SR", "spike representation: rates, no time", constant, WIDTH, HEIGHT)
    y = 2 * HEIGHT + 22
    parts += [
        f'<path class="kept" d="M12 {y} h40"/><text x="60" y="{y + 5}">kept in layer 1’s gradient</text>',
        f'<path class="dropped" d="M{WIDTH + 12} {y} h40"/><text x="{WIDTH + 60}" y="{y + 5}">dropped</text>',
        f'<text class="right" x="{2 * WIDTH - 12}" y="{y + 5}">time runs to the right</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    write_bytes(PICTURE, draw().encode())
    print(f"wrote {PICTURE.relative_to(ROOT)}")
