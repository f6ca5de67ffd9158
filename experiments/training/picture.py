"""The curves of a training."""

import numpy as np
from matplotlib.figure import Figure

# Okabe and Ito's colours, which those who confuse red and green can tell apart; and a dash for print without colour.
STYLES = (
    ("#0072B2", "-"),
    ("#D55E00", "--"),
    ("#009E73", "-."),
    ("#000000", ":"),
    ("#CC79A7", (0, (5, 1, 1, 1))),
    ("#E69F00", (0, (1, 1))),
)
LEARNED, WORDS = "train", {"train": "training", "validation": "held-out", "test": "test"}
MOST_LAYERS = 6


def draw(runs, title):
    """A figure of three parts: loss, error and firing rates over the epochs; mean over the seeds, and their range.

    runs  summaries as `Trained.summary` has them, of as many epochs
    """
    figure = Figure(figsize=(11, 3.9), layout="constrained")
    loss, error, rates = figure.subplots(1, 3)
    _curve(loss, [[entry["loss"] for entry in run["epochs"]] for run in runs], _epochs(runs), STYLES[0], "loss")
    splits = [split for split in WORDS if split in runs[0]["epochs"][-1]]
    for split, style in zip(splits, STYLES):
        errors = [[100 * (1 - e[split]["accuracy"]) for e in run["epochs"] if split in e] for run in runs]
        _curve(error, errors, _epochs(runs, split), style, WORDS[split])
    _draw_rates(rates, runs, splits[-1])
    loss.set(title="Learning", ylabel="training loss")
    error.set(title="What was learned", ylabel="error (%)")
    error.set_ylim(bottom=0)
    error.legend(frameon=False, fontsize=9)
    rates.set(title=f"Firing ({WORDS[splits[-1]]} samples)", ylabel="spikes per neuron and time step")
    rates.set_ylim(bottom=0)
    for axes in (loss, error, rates):
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    number = len(runs)
    figure.suptitle(f"{title}, {f'{number} seeds: mean and range' if number > 1 else 'one seed'}", fontsize=11)
    return figure


def _draw_rates(axes, runs, split):
    found = [[entry[split]["firing_rates"] for entry in run["epochs"] if split in entry] for run in runs]
    layers = len(found[0][0])
    shown = np.unique(np.linspace(0, layers - 1, min(layers, MOST_LAYERS)).round().astype(int))
    for layer, style in zip(shown.tolist(), STYLES):
        values = [[rates[layer] for rates in run] for run in found]
        _curve(axes, values, _epochs(runs, split), style, f"layer {layer + 1}")
    axes.legend(frameon=False, fontsize=9, ncols=1 + (len(shown) > 3))


def _epochs(runs, split=None):
    return [entry["epoch"] for entry in runs[0]["epochs"] if split is None or split in entry]


def _curve(axes, values, epochs, style, label):
    values, (colour, dash) = np.array(values), style
    marker = "o" if len(epochs) == 1 else None
    axes.plot(epochs, values.mean(axis=0), color=colour, linestyle=dash, label=label, marker=marker)
    axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.12, linewidth=0)
