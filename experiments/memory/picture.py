"""The picture: bytes against T, of the training state and of the process."""

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from .report import MEASURES, series

# Okabe and Ito's colours, which those who confuse red and green can tell apart; marks and dashes for print without.
STYLES = {
    "ottt-a": ("#0072B2", "o", "-"),
    "ottt-o": ("#56B4E9", "X", "--"),
    "bptt": ("#000000", "s", ":"),
    "rtrl": ("#D55E00", "v", "--"),
    "spikingjelly-a": ("#009E73", "^", "-"),
    "spikingjelly-o": ("#009E73", "<", "--"),
    "torch-bptt": ("#E69F00", "D", ":"),
    "fast-ottt-a": ("#CC79A7", "h", "-"),
    "fast-ottt-o": ("#CC79A7", "P", "--"),
    "fast-bptt": ("#CC79A7", "*", ":"),
}
PAGE = 4096  # bytes: the least that a process grows by


def draw(results):
    """Two panels, both axes logarithmic; a process that grew by less than a page is drawn as if by one."""
    figure = Figure(figsize=(10, 4.8), layout="constrained")
    handles = {}
    for axes, (measure, words) in zip(figure.subplots(1, 2), MEASURES.items()):
        for result in results:
            points = [(T, max(size, PAGE) / 1000) for T, size in zip(*series(result, measure))]
            if not points:
                continue
            colour, mark, dash = STYLES[result["subject"]]
            (handles[result["words"]],) = axes.plot(
                *zip(*points), color=colour, marker=mark, linestyle=dash, markersize=5
            )
        axes.set(
            xscale="log", yscale="log", xlabel="number of time steps T", ylabel="kB at the peak", title=_title(words)
        )
        axes.yaxis.set_major_locator(LogLocator(subs=(1,)))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.yaxis.set_major_formatter("{x:,g}")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_locator(NullLocator())
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    if handles:
        figure.legend(
            handles.values(), handles, loc="outside lower center", ncols=4, frameon=False, fontsize=9, handlelength=3
        )
    return figure


def _title(words):
    return f"{words[0].upper()}{words[1:]}"
