"""The picture: energy of an inference and of an update by method, stacked by part."""

from matplotlib.figure import Figure

from .counting import PARTS
from .measure import ENERGIES

# Okabe and Ito's colours; each has a hatch for print without colour.
LOOKS = {
    "forward": ("#0072B2", ""),
    "neurons": ("#56B4E9", "//"),
    "errors": ("#E69F00", ".."),
    "pairing": ("#D55E00", ""),
    "state": ("#999999", "xx"),
}
WORDS = {
    "forward": "synaptic currents",
    "neurons": "membranes",
    "errors": "errors through weights",
    "pairing": "errors paired with spikes, traces or rates",
    "state": "traces, ψ, leaks of errors, rates",
}
KINDS = {"MAC": ENERGIES.multiply_accumulate, "AC": ENERGIES.accumulate}


def draw(found):
    """A bar per method in each of two panels; ends are labelled with the numbers of operations."""
    figure = Figure(figsize=(11, 0.5 * len(found) + 2.4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    names = [each["method"] for each in found]
    for axes, what in zip(panels, ("inference", "update")):
        longest = max(each[what]["picojoules"][0] for each in found) / 1000
        lefts = [0.0] * len(found)
        for part in PARTS:
            sizes = [ENERGIES.of(each[what]["parts"][part]) / 1000 for each in found]
            if not any(sizes):
                continue
            colour, hatch = LOOKS[part]
            axes.barh(names, sizes, left=lefts, color=colour, hatch=hatch, edgecolor="white", label=WORDS[part])
            lefts = [left + size for left, size in zip(lefts, sizes)]
        for place, (each, end) in enumerate(zip(found, lefts)):
            counts = ", ".join(f"{each[what][kind][0]:,.0f} {kind}" for kind in KINDS)
            axes.annotate(counts, (end, place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=8)
        axes.set(title=f"One {what}", xlabel="nJ at 45 nm, arithmetic alone")
        axes.set_xlim(0, 1.6 * longest)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_axisbelow(True)
        axes.grid(axis="x", color="0.9")
    panels[0].invert_yaxis()
    handles = {}
    for axes in panels:
        handles |= dict(zip(*reversed(axes.get_legend_handles_labels())))
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure
