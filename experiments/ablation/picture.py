"""Each variant minus the default, with its interval, by data set and rule."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from ..figures.style import MUTED
from ..sweep.columns import COLUMNS
from ..table.picture import LOOKS, point
from .variants import DEFAULT, FACTORS, titles

LINEAR = 2  # points, up to which the axis is linear; beyond, it is logarithmic
TICKS = (-50, -10, -2, -1, 0, 1, 2, 10, 50)


def draw(found):
    """A figure with a panel for each data set, whose rows are the variants, grouped by factor."""
    columns = list(dict.fromkeys(summary["column"] for summary in found))
    rules = list(dict.fromkeys(summary["rule"] for summary in found))
    shown = [name for name in _ordered() if any(summary["variant"] == name for summary in found)]
    places = _places(shown)
    figure = Figure(figsize=(4 + 4.2 * len(columns), 1.8 + 0.36 * (max(places.values(), default=0) + 1)),
                    layout="constrained")  # fmt: skip
    panels = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
    for axes, column in zip(panels, columns):
        _panel(axes, [summary for summary in found if summary["column"] == column], rules, places)
        axes.set(
            title=COLUMNS[column].title,
            xlabel=f"minus the default (points), 95 % interval\nlogarithmic beyond ± {LINEAR}",
        )
    panels[0].set_yticks(list(places.values()), [titles()[name] for name in shown])
    panels[0].set_ylim(max(places.values(), default=0) + 0.7, -0.7)
    handles = [point(panels[0], rule, None, 0, 0, 0) for rule in rules]
    names = [LOOKS[rule][0] if rule in LOOKS else rule for rule in rules]
    figure.legend(handles, names, loc="outside lower center", ncols=len(rules))
    return figure


def _ordered():
    return [variant.name for variants in FACTORS.values() for variant in variants]


def _places(shown):
    """Where the row of each variant is: half a row is left between factors."""
    factors = [next(factor for factor in FACTORS if name in {v.name for v in FACTORS[factor]}) for name in shown]
    place, result = 0.0, {}
    for before, factor, name in zip([None, *factors], factors, shown):
        place += (0.0 if before is None else 1.0) + (0.5 if before not in (None, factor) else 0.0)
        result[name] = place
    return result


def _panel(axes, found, rules, places):
    axes.set_xscale("symlog", linthresh=LINEAR, linscale=2)
    axes.axvline(0, color=MUTED, linewidth=1)
    for summary in found:
        if summary["variant"] == DEFAULT or not summary.get("difference"):
            continue
        mean, *ends = (summary["difference"][name] for name in ("mean", "low", "high"))
        at = places[summary["variant"]] + (rules.index(summary["rule"]) - (len(rules) - 1) / 2) * 0.3
        point(axes, summary["rule"], mean, at, *(0 if end is None else abs(end - mean) for end in ends))
    low, high = np.clip(axes.get_xlim(), -100, 100)  # an interval of two seeds may reach further
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in TICKS if low <= tick <= high]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(FixedLocator([]))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
