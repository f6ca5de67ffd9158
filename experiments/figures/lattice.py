"""The lattice of methods: in which layers a path may wait is the method."""

from fractions import Fraction
from itertools import combinations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

import ottt_ref as ot

from .style import BLUE, INK, MUTED, PAPER

NAME = "lattice"
TITLE = "The lattice of methods: in which layers a path may wait"
CAPTION = (
    "Every gradient of the first layer's weight in a network of three spiking layers (reset detached) is a sum over "
    "paths. A circle for each layer, the first at the bottom, is filled where a path may wait in its membrane. No "
    "layer is SLTT, the weight's own is OTTT, all are BPTT; the weight's own and the next above are the waits of "
    "OTPE. Two numbers: how many of BPTT's paths are kept at T = 5; and how much of the weight of all paths that "
    "start at one spike, at λ = 1/2, where every wait halves a path, and T is long. With d membranes above it OTTT "
    "keeps 2^-d of it. Sources: claim E2; Xiao et al. 2022 (OTTT), Meng et al. 2023 (SLTT), Summe et al. 2023 "
    "(OTPE)."
)
ALTERNATIVE = "Eight sets of layers in which paths may wait, from none, which is SLTT, over OTTT and OTPE to all, BPTT"
TOLERANCE = 0  # counts, and shares that are fractions

LAYERS, SHORT, LONG = 3, 5, 64


def measure(seed):
    """For each set of layers: its name if it is a method, the paths that it keeps, and their share of the weight.

    No draw decides about them: spikes, weights, ψ and errors are 1, so that a path is worth its waits.
    """
    subsets = [layers for size in range(LAYERS + 1) for layers in combinations(range(LAYERS), size)]
    counts = {layers: _sum(_back(layers), 1.0, np.ones(SHORT)) for layers in subsets}
    first = np.eye(LONG)[0]
    weights = {layers: _sum(_back(layers), 0.5, first) for layers in subsets}
    whole = weights[subsets[-1]]
    return {
        "sets": [
            {
                "layers": list(layers),
                "name": _name(layers),
                "paths": int(counts[layers]),
                "share": str(Fraction(weights[layers] / whole).limit_denominator(2**LAYERS)),
            }
            for layers in subsets
        ]
    }


def _name(layers):
    """What the method is called that lets paths of the first layer's weight wait in these layers; "" for none."""
    network = ot.dense_network([1] * (LAYERS + 1), readout="spiking", rng=0)
    names = ot.paths.methods_of(network, 0, ot.paths.Selection(waits=set(layers)))
    return " = ".join(ot.paths.METHODS[name].label for name in names)


def _back(layers):
    """BPTT whose errors wait in these layers alone."""
    flags = [l in layers for l in range(LAYERS)]
    return lambda *data: ot.bptt.backward(*data, leaks_back=flags)


def _sum(algebra, decay, spikes):
    """The gradient of the first weight where everything but the input spikes [T] is 1."""
    network = ot.dense_network([1] * (LAYERS + 1), decay=decay, readout="spiking", rng=0)
    for name, value in network.parameters.items():
        network.parameters[name] = np.ones_like(value)
    activity = ot.simulate(network, spikes.reshape(-1, 1, 1))
    for values in activity.layer_surrogate_derivatives:
        values[...] = 1
    return float(algebra(network, activity, np.ones((len(spikes), 1, 1))).values["layer0.weight"][0, 0])


def draw(data):
    """A node for each set, a line where one layer more may be waited in; the chain of methods is thick."""
    places = _places(data["sets"])
    figure = Figure(figsize=(8.8, 6.6))
    axes = figure.add_axes((0.01, 0.01, 0.98, 0.98))
    axes.set(xlim=(-4.4, 4.4), ylim=(-0.65, 5.95))
    axes.axis("off")
    named = {tuple(each["layers"]) for each in data["sets"] if each["name"]}
    for small in places:
        for large in places:
            if set(small) < set(large) and len(large) == len(small) + 1:
                look = (
                    {"color": BLUE, "linewidth": 3.5}
                    if {small, large} <= named
                    else {"color": MUTED, "linewidth": 1.2, "linestyle": (0, (2, 2))}
                )
                axes.plot(*zip(places[small], places[large]), zorder=1, **look)
    whole = data["sets"][-1]["paths"]
    for each in data["sets"]:
        _node(axes, places[tuple(each["layers"])], each, whole)
    axes.text(-4.3, 5.85, "Where a path may wait", va="top", fontweight="bold", fontsize=13)
    words = "filled: in this layer's membrane\nempty: it may not\nlayer 3 is on top,\nthe weight's at the bottom"
    axes.text(-4.3, 5.5, words, va="top", fontsize=11.5, linespacing=1.4)
    return figure


def _places(sets):
    """x and y by set: a line for each size, the sets with the weight's own layer on the left."""
    lines = {}
    for each in sets:
        lines.setdefault(len(each["layers"]), []).append(tuple(each["layers"]))
    return {
        layers: (2.9 * (k - (len(line) - 1) / 2), 1.75 * size)
        for size, line in lines.items()
        for k, layers in enumerate(line)
    }


def _node(axes, place, each, whole):
    """A box with a circle for each layer, the method's name, and what it keeps."""
    x, y = place
    left, width, height = x - 1.15, 2.3, 1.12
    look = {"facecolor": PAPER, "edgecolor": BLUE if each["name"] else MUTED, "linewidth": 2 if each["name"] else 1}
    box = FancyBboxPatch((left, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.12", **look)
    axes.add_patch(box).set_zorder(2)
    for l in range(LAYERS):
        waits = l in each["layers"]
        mark = {"color": BLUE if waits else MUTED, "markerfacecolor": BLUE if waits else PAPER}
        axes.plot([left + 0.22], [y + 0.34 * (l - 1)], "o", markersize=11, zorder=3, **mark)
    axes.text(left + 0.45, y + 0.33, each["name"], fontsize=16, fontweight="bold", color=BLUE, va="center", zorder=4)
    share = "all" if each["share"] == "1" else each["share"]
    words = f"{each['paths']} of {whole} paths\n{share} of the weight"
    axes.text(left + 0.45, y - 0.15 if each["name"] else y, words, fontsize=11.5, color=INK, va="center", zorder=4)
