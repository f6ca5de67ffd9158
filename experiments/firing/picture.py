"""The picture: a panel for each layer, its firing rate over time by method."""

from matplotlib.figure import Figure

from ..digits.picture import NAMES, STYLES


def draw(found):
    """Means over seeds and their 95 % intervals, one line per method."""
    layers = range(len(found[0]["layers"]))
    figure = Figure(figsize=(4.6 * max(len(layers), 2), 4.4), layout="constrained")
    panels = figure.subplots(1, len(layers), squeeze=False, sharey=True)[0]
    for l, axes in zip(layers, panels):
        for each in found:
            _line(axes, each["method"], each["layers"][l]["by_time_step"])
        axes.set(title=f"Layer {l}", xlabel="time step")
        axes.set_xticks(range(1, len(found[0]["layers"][l]["by_time_step"]) + 1))
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylim(0, None)  # of all panels, when all lines are there
    panels[0].set_ylabel("neurons that fire (%)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9, handlelength=3)
    return figure


def _line(axes, method, steps):
    colour, dash = STYLES[method]
    places = range(1, len(steps) + 1)
    axes.plot(
        places, [100 * mean for mean, _, _ in steps], color=colour, linestyle=dash, marker=".", label=NAMES[method]
    )
    if steps[0][1] is not None:
        lows, highs = ([100 * step[end] for step in steps] for end in (1, 2))
        axes.fill_between(places, lows, highs, color=colour, alpha=0.12, linewidth=0)
