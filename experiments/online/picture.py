"""Two pictures: accuracy over the stream by drift, with differences from BPTT; and the order in η."""

import numpy as np
from matplotlib.figure import Figure

from ..figures.style import BLUE, METHODS, MUTED, VERMILLION
from .report import FITTED

LOOKS = {
    "bptt": ("BPTT", METHODS["BPTT"][0], ":", 2.4),
    "ottt-a": ("OTTT$_A$", METHODS["OTTT"][0], "-", 1.4),
    "ottt-o": ("OTTT$_O$", METHODS["OTTT"][0], (0, (4, 2)), 2.4),
    "sltt-o": ("SLTT$_O$", *METHODS["SLTT"][:2], 2),
}  # label, colour, dash, width
TITLES = {"labels": "Labels permuted half way", "pixels": "Pixels permuted half way"}
FIRST = 10  # samples of a half before a mean is shown


def draw(found, window):
    """A column for each drift: the accuracy over the last samples, and what each rule lost or won against BPTT."""
    found = [each for each in found if not each["failed"]]
    drifts = list(dict.fromkeys(each["drift"] for each in found))
    figure = Figure(figsize=(6.2 * max(1, len(drifts)), 7.6), layout="constrained")
    panels = figure.subplots(2, max(1, len(drifts)), squeeze=False, sharey="row", sharex="col")
    handles = {}
    for column, drift in enumerate(drifts):
        mine = {each["rule"]: each for each in found if each["drift"] == drift}
        above, below = panels[:, column]
        for rule, each in mine.items():
            handles[rule] = _band(above, rule, each["curve"], each["samples"])
            if each["difference"] is not None:
                _lead(below, rule, each["gain"])
        half = next(iter(mine.values()))["samples"] // 2
        for axes in (above, below):
            axes.axvline(half, color=MUTED, linewidth=1)
        above.set(title=TITLES[drift])
        below.axhline(0, color=METHODS["BPTT"][0], linestyle=":", linewidth=2)
        below.set(xlabel="samples seen")
    panels[0, 0].set(
        ylabel=f"accuracy over the last {window} (%)", ylim=(0, 102)
    )  # of few seeds intervals reach beyond
    panels[1, 0].set(ylabel="correct in all, minus BPTT (samples)")
    names = [LOOKS[rule][0] if rule in LOOKS else rule for rule in handles]
    figure.legend(handles.values(), names, loc="outside lower center", ncols=max(1, len(names)))
    return figure


def _band(axes, rule, curve, samples):
    """The mean over seeds, and its interval as a band, each half by itself."""
    _, colour, dash, width = LOOKS.get(rule, (rule, MUTED, "-", 1))
    values = 100 * np.array(curve, float)
    half, line = samples // 2, None
    for start, end in ((0, half), (half, samples)):
        at = np.arange(start, end)[FIRST:]
        mean, low, high = values[at].T
        axes.fill_between(at, low, high, color=colour, alpha=0.12, linewidth=0)
        (line,) = axes.plot(at, mean, color=colour, linestyle=dash, linewidth=width)
    return line


def _lead(axes, rule, gain):
    """How many more samples were told right than by BPTT, so far: the mean, and its interval as a band."""
    _, colour, dash, width = LOOKS.get(rule, (rule, MUTED, "-", 1))
    mean, low, high = np.array(gain, float).T
    at = np.arange(len(mean))
    axes.fill_between(at, low, high, color=colour, alpha=0.12, linewidth=0)
    axes.plot(at, mean, color=colour, linestyle=dash, linewidth=width)


def draw_order(orders):
    """A panel for each network: ‖difference‖ over η, with η² for the eye, and the share of samples with flips."""
    figure = Figure(figsize=(5.6 * len(orders), 5.2), layout="constrained")
    panels = figure.subplots(1, len(orders), squeeze=False, sharey=True)[0]
    for axes, each in zip(panels, orders):
        rates = np.array(each["rates"])
        lines = []
        if each["calm_norms"]:
            square = each["calm_norms"][0] * (rates / rates[0]) ** 2
            lines += axes.plot(rates, square, color=MUTED, linewidth=5, alpha=0.45, label="η²")
            up_to = rates <= FITTED * (1 + 1e-9)
            shown = np.array(each["calm_norms"])[up_to]
            lines += axes.plot(rates[up_to], shown, "o", color=BLUE, label="no spike flips")
        lines += axes.plot(rates, each["norms"], "--", color=VERMILLION, label="all samples")
        axes.set(xscale="log", yscale="log", xlabel="learning rate η", title=f"{each['network'].capitalize()} network")
        share = axes.twinx()
        lines += share.plot(rates, 100 * np.array(each["flipped"]), ":", color=MUTED, label="samples with flips (%)")
        share.set(ylim=(0, 105))
        share.grid(visible=False)
        share.spines["right"].set_visible(True)
        if axes is panels[-1]:
            share.set_ylabel("samples with flips (%)")
    panels[0].set(ylabel="‖OTTT$_O$ - OTTT$_A$‖ of a sample's update")
    figure.legend(lines, [line.get_label() for line in lines], loc="outside lower center", ncols=len(lines))
    return figure
