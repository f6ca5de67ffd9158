"""How far the methods' gradients point the same way, over decay and depth."""

from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from ..directions.measure import BASE, FACTORS, PAIRS, conditions
from ..directions.measure import measure as measured
from ..directions.report import CONFIDENCE, interval
from .style import AMBER, BLUE, GREEN, MUTED

NAME = "agreement"
TITLE = "How far the methods' gradients agree"
SEEDS, WIDTH, BATCH = 8, 16, 16
CAPTION = (
    f"The cosine between two methods' gradients of the first layer's weight, in fresh networks of {WIDTH} neurons a "
    f"layer (λ = {BASE.decay:g}, {BASE.depth} hidden layers and T = {BASE.time_steps} where nothing else is said, "
    f"sigmoid surrogate with α = {BASE.alpha:g}), on batches of {BATCH} handwritten digits. Means over {SEEDS} "
    f"seeds; bars are {100 * CONFIDENCE:g} % confidence intervals (Student's). OTTT is nearer to BPTT than SLTT is, "
    "and both go away from it in deep networks. SR, with which the paper's theorem compares OTTT, is further from "
    "it, above all where λ is small and the network deep. Sources: claims E2, D1 and R2; Xiao et al. 2022. The "
    "experiment `directions` measures more."
)
ALTERNATIVE = "Cosines between gradients over decay and depth: OTTT and SLTT agree with BPTT, less so OTTT with SR"
TOLERANCE = 1e-6  # cosines, whose sums may be added up in another order elsewhere

COMPARED = {
    ("BPTT", "OTTT"): (BLUE, "-", "o", "OTTT and BPTT"),
    ("BPTT", "SLTT"): (AMBER, "-.", "D", "SLTT and BPTT"),
    ("OTTT", "SR"): (GREEN, "--", "^", "OTTT and SR"),
}
NAMES = {"decay": "decay λ", "depth": "hidden layers"}


def measure(seed):
    """By factor: its values, and for each pair of methods mean and ends of the interval; None where a gradient is 0."""
    found = {}
    for factor in NAMES:
        cosines = [[_cosines(condition, SEEDS * seed + k) for k in range(SEEDS)] for condition in _conditions(factor)]
        found[factor] = {
            "values": list(FACTORS[factor]),
            "cosines": {
                " ".join(pair): [
                    list(interval([each[PAIRS.index(pair)] for each in row if each[PAIRS.index(pair)] is not None]))
                    for row in cosines
                ]
                for pair in COMPARED
            },
        }
    return found


def _conditions(factor):
    return [replace(condition, width=WIDTH, batch=BATCH) for condition in conditions(factor)]


def _cosines(condition, seed):
    """By the reference, whose sums have one order everywhere."""
    return measured(condition, seed, "reference", with_rtrl=False).cosines["layer0"]


def draw(data):
    """A panel for each factor."""
    figure = Figure(figsize=(8.8, 4.4), layout="constrained")
    panels = figure.subplots(1, len(data), sharey=True)
    for axes, (factor, found) in zip(panels, data.items()):
        for k, (pair, (colour, dash, mark, name)) in enumerate(COMPARED.items()):
            known = [(v, *c) for v, c in zip(found["values"], found["cosines"][" ".join(pair)]) if c[1] is not None]
            values, means, lows, highs = np.array(known).T
            shift = (k - 1) * 0.008 * (max(found["values"]) - min(found["values"]))  # bars side by side
            ends = (means - lows, highs - means)
            look = {"color": colour, "linestyle": dash, "marker": mark, "markersize": 6, "capsize": 3, "label": name}
            axes.errorbar(values + shift, means, yerr=ends, elinewidth=1.2, **look)
        axes.axhline(0, color=MUTED, linewidth=1)
        axes.set(xlabel=NAMES[factor])
        axes.set_xticks(found["values"], [f"{value:g}" for value in found["values"]])
    panels[0].set_ylabel("cosine of the first layer's gradients")
    panels[0].set_ylim(None, 1.04)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, handlelength=3.5)
    return figure
