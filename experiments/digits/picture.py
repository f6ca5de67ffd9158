"""The learning curves."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from ottt_ref.methods import METHODS

NAMES = {  # a method that is not here has its label in the library
    "ottt-a": "OTTT$_A$ (one update per sequence)",
    "ottt-o": "OTTT$_O$ (one update per time step)",
    "bptt": "BPTT",
    "sltt": "SLTT (no trace)",
    "spike-representation": "spike representation",
}
# Okabe and Ito's colours, which those who confuse red and green can tell apart; and a dash for print without colour.
STYLES = {
    "ottt-a": ("#0072B2", "-"),
    "ottt-o": ("#56B4E9", "--"),
    "bptt": ("#000000", ":"),
    "sltt": ("#E69F00", "-."),
    "spike-representation": ("#009E73", (0, (5, 1, 1, 1, 1, 1))),
}


def draw(runs, part):
    """A figure: training loss on the left, error on the right, both per epoch; mean over seeds, and their range."""
    figure = Figure(figsize=(9.5, 4.6), layout="constrained")
    loss, error = figure.subplots(1, 2)
    for method in dict.fromkeys(run["method"] for run in runs):
        mine = [run["epochs"] for run in runs if run["method"] == method]
        _curve(loss, method, [[epoch["loss"] for epoch in epochs] for epochs in mine])
        _curve(error, method, [[100 * (1 - epoch["test_accuracy"]) for epoch in epochs] for epochs in mine])
    loss.set(title="Learning", ylabel="training loss", yscale="log")
    loss.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    loss.yaxis.set_minor_locator(NullLocator())
    loss.yaxis.set_major_formatter("{x:g}")
    error.set(title="What was learned", ylabel=f"{part} error (%)")
    _zoom(error, runs)
    for axes in (loss, error):
        axes.set_xlabel("epoch")
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = loss.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9, handlelength=3)
    return figure


def _curve(axes, method, values):
    values = np.array(values)
    epochs = np.arange(1, values.shape[1] + 1)
    colour, dash = STYLES.get(method, ("#CC79A7", (0, (1, 1))))
    axes.plot(
        epochs,
        values.mean(axis=0),
        color=colour,
        linestyle=dash,
        label=_label(method),
    )
    axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.08, linewidth=0)


def _label(method):
    """Its name here, the library's, or, of a rule of one's own, the name that it was given by."""
    if method in NAMES:
        return NAMES[method]
    return METHODS[method].label if method in METHODS else method.replace("_", r"\_").replace("$", r"\$")


def _zoom(axes, runs):
    """From 0 to just above where the second epoch stands: the first one's error would flatten the rest."""
    shown = [100 * (1 - epoch["test_accuracy"]) for run in runs for epoch in run["epochs"][1:] or run["epochs"]]
    axes.set_ylim(0, 1.05 * max(shown) + 0.1)
