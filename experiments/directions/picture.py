"""Three pictures: cosines of the first layer by factor, cosines by layer, and what the rate mapping gets wrong."""

import numpy as np
from matplotlib.figure import Figure

from .measure import FACTORS, conditions, constant_current_rates
from .report import NAMES, find

# Okabe and Ito's colours, which those who confuse red and green can tell apart; and a dash for print without colour.
PAIRS = {
    ("BPTT", "OTTT"): ("#0072B2", "-", "OTTT and BPTT"),
    ("OTTT", "SR"): ("#D55E00", "--", "OTTT and SR"),
    ("BPTT", "SR"): ("#000000", ":", "BPTT and SR"),
    ("OTTT", "SLTT"): ("#E69F00", "-.", "OTTT and SLTT"),
    ("BPTT", "BPTT kept"): ("#009E73", (0, (5, 1, 1, 1, 1, 1)), "BPTT, reset detached and kept"),
}
SCALES = {"time_steps": "log", "alpha": "log", "epochs": "symlog"}
CURRENTS = np.linspace(0, 1.25, 251)
LONG = 200
DECAYS = {0.5: ("#0072B2", "-"), 0.9: ("#D55E00", "--"), 1.0: ("#009E73", "-.")}


def by_factor(found, rated, factors):
    """The first layer's cosines over each factor."""
    columns = min(3, len(factors))
    lines = -(-len(factors) // columns)
    figure = Figure(figsize=(3.8 * columns, 3.3 * lines + 0.7), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False, sharey=True).ravel()
    for axes, factor in zip(panels, factors):
        places = _places(factor, rated)
        for pair, style in PAIRS.items():
            _line(axes, places, [find(found, factor, value, "layer0", pair) for value in FACTORS[factor]], style)
        axes.set_xlabel("mean firing rate (by the gain of the weights)" if factor == "gain" else NAMES[factor])
        axes.set_xscale(SCALES.get(factor, "linear"))
        if factor in SCALES:
            axes.set_xticks(places, [f"{place:g}" for place in places], fontsize=8)
            axes.minorticks_off()
        if factor == "epochs":
            axes.set_xlim(-0.2, None)
        _finish(axes)
    for axes in panels[len(factors) :]:
        axes.set_visible(False)
    for axes in panels[::columns]:
        axes.set_ylabel("cosine of the first layer's gradients")
    _legend(figure, panels[0])
    return figure


def by_layer(found):
    """Cosines from the first layer to the readout, for some conditions; those among `found`."""
    wanted = [("decay", 0.5), ("decay", 1.0), ("depth", 5), ("epochs", 16)]
    shown = [(f, v) for f, v in wanted if any(cell["factor"] == f and cell["value"] == v for cell in found)]
    figure = Figure(figsize=(3.2 * max(1, len(shown)), 4.0), layout="constrained")
    panels = figure.subplots(1, max(1, len(shown)), squeeze=False, sharey=True)[0]
    for axes, (factor, value) in zip(panels, shown):
        layers = list(dict.fromkeys(c["layer"] for c in found if (c["factor"], c["value"]) == (factor, value)))
        for pair, style in PAIRS.items():
            _line(axes, range(len(layers)), [find(found, factor, value, layer, pair) for layer in layers], style)
        axes.set_xticks(range(len(layers)), [layer.replace("layer", "") for layer in layers], fontsize=8)
        axes.set(xlabel="layer", title=f"{NAMES[factor]} = {value:g}")
        axes.title.set_fontsize(10)
        _finish(axes)
    panels[0].set_ylabel("cosine between gradients")
    if shown:
        _legend(figure, panels[0])
    return figure


def of_rates(rated):
    """R2: a neuron's rate under a constant current beside the mapping; how far digits' neurons are off, by decay."""
    figure = Figure(figsize=(9.5, 4.2), layout="constrained")
    one, digits = figure.subplots(1, 2)
    one.plot(CURRENTS, np.clip(CURRENTS, 0, 1), color="0.6", linewidth=3, label="the mapping σ(I/V_th)")
    for decay, (colour, dash) in DECAYS.items():
        rates = constant_current_rates(decay, LONG, CURRENTS)
        one.plot(CURRENTS, rates, color=colour, linestyle=dash, linewidth=1.2, label=f"a[T] at λ = {decay:g}")
    one.set(xlabel="constant current I / V_th", ylabel="rate", title=f"One neuron, T = {LONG}")
    one.legend(frameon=False, fontsize=8)
    rows = [row for row in rated if row["factor"] == "decay"]
    decays = [row["value"] for row in rows]
    digits.plot(decays, [row["bound"] for row in rows], color="0.6", linewidth=3, label="R2's bound 1/Λ_T")
    digits.plot(decays, [row["largest_gap"] for row in rows], "o--", color="#D55E00", label="largest gap")
    digits.plot(decays, [row["mean_gap"] for row in rows], "s-", color="#0072B2", label="mean gap")
    digits.plot(decays, [row["within"] for row in rows], "^:", color="#000000", label="share of neurons R2 is about")
    steps = conditions("decay")[0].time_steps
    digits.set(
        xlabel=NAMES["decay"], ylabel="|mapping - rate|, or a share", title=f"Hidden neurons on digits, T = {steps}"
    )
    digits.set_ylim(0, 1.05)
    digits.legend(frameon=False, fontsize=8)
    for axes in (one, digits):
        _tidy(axes)
    return figure


def _places(factor, rated):
    """Where a factor's values stand on the axis: themselves; of the gain the firing rates that it makes."""
    if factor != "gain":
        return list(FACTORS[factor])
    return [float(np.mean(row["firing_rates"])) for row in rated if row["factor"] == "gain"]


def _line(axes, places, cells, style):
    colour, dash, name = style
    known = [(place, cell) for place, cell in zip(places, cells) if cell["mean"] is not None]
    places = [place for place, _ in known]
    axes.plot(places, [cell["mean"] for _, cell in known], color=colour, linestyle=dash, label=name, marker=".")
    ends = [(place, cell) for place, cell in known if cell["low"] is not None]
    lows, highs = ([cell[end] for _, cell in ends] for end in ("low", "high"))
    axes.fill_between([place for place, _ in ends], lows, highs, color=colour, alpha=0.12, linewidth=0)


def _finish(axes):
    axes.axhline(0, color="0.5", linewidth=0.8)
    axes.set_ylim(min(-0.1, axes.get_ylim()[0]), 1.03)
    _tidy(axes)


def _tidy(axes):
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _legend(figure, axes):
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9, handlelength=3)
