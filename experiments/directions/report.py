"""What comes out: means over seeds with confidence intervals, the tables, and what they say of the paper's assumption.

An interval is Student's of the mean over seeds at 95 %, cut off at -1 and 1; a seed whose gradient is 0 has no cosine.
"""

from dataclasses import asdict

import numpy as np
from rich.table import Table

import ottt_ref as ot

from ..intervals import CONFIDENCE, of_mean
from .measure import BASE, FACTORS, PAIRS, conditions

SHOWN = (("BPTT", "OTTT"), ("OTTT", "SR"), ("BPTT", "SR"), ("OTTT", "SLTT"), ("BPTT", "BPTT kept"), ("BPTT", "RTRL"))
NAMES = {
    "decay": "decay λ",
    "depth": "hidden layers",
    "time_steps": "T",
    "alpha": "surrogate's α (its width is in proportion to 1/α)",
    "gain": "gain of the fresh weights (firing rate)",
    "epochs": "epochs of OTTT_A",
}


def interval(values):
    """Mean, and the lower and upper end of its confidence interval; ends None for fewer than two values."""
    return of_mean(values, -1.0, 1.0)


def cells(measurements, factors, seeds):
    """One for each factor, value, layer and pair of methods, as plain data."""
    result = []
    for factor in factors:
        for condition in conditions(factor):
            mine = [measurements[condition, seed] for seed in range(seeds)]
            for layer in mine[0].cosines:
                for k, (left, right) in enumerate(PAIRS):
                    values = [one.cosines[layer][k] for one in mine if one.cosines[layer][k] is not None]
                    mean, low, high = interval(values)
                    result.append(
                        {
                            "factor": factor,
                            "value": getattr(condition, factor),
                            "layer": layer,
                            "methods": [left, right],
                            "mean": mean,
                            "low": low,
                            "high": high,
                            "values": values,
                        }
                    )
    return result


def rates(measurements, factors, seeds):
    """Of each factor and value: firing rates of the hidden layers, gaps of the rate mapping, and R2's bound on them."""
    result = []
    for factor in factors:
        for condition in conditions(factor):
            mine = [measurements[condition, seed] for seed in range(seeds)]
            result.append(
                {
                    "factor": factor,
                    "value": getattr(condition, factor),
                    "firing_rates": [float(rate) for rate in np.mean([one.firing_rates for one in mine], axis=0)],
                    "mean_gap": float(np.mean([one.gaps[0] for one in mine])),
                    "largest_gap": max(one.gaps[1] for one in mine),
                    "bound": float(1 / ot.rate_normaliser(condition.decay, condition.time_steps)),
                    "within": float(np.mean([one.within for one in mine])),
                }
            )
    return result


def find(found, factor, value, layer, pair):
    """The cell of a factor, value, layer and pair."""
    return next(
        cell
        for cell in found
        if (cell["factor"], cell["value"], cell["layer"], tuple(cell["methods"])) == (factor, value, layer, pair)
    )


def table(factor, found, rated):
    """One row per value of the factor: firing rate, and cosines of the first layer's weight."""
    rows = Table(title=f"Cosines between gradients of the first layer's weight, by {NAMES[factor]}")
    rows.add_column(factor, justify="right")
    rows.add_column("firing rate", justify="right")
    for left, right in SHOWN:
        rows.add_column(f"{left},\n{right}", justify="right")
    by_value = {row["value"]: row for row in rated if row["factor"] == factor}
    for value in FACTORS[factor]:
        rate = np.mean(by_value[value]["firing_rates"])
        rows.add_row(
            f"{value:g}" + (" *" if value == getattr(BASE, factor) else ""),
            f"{rate:.2f}",
            *(text(find(found, factor, value, "layer0", pair)) for pair in SHOWN),
        )
    return rows


def text(cell):
    """The mean and half the interval's width, as far as there are any."""
    if cell["mean"] is None:
        return "-"
    if cell["low"] is None:
        return f"{cell['mean']:.2f}"
    return f"{cell['mean']:.2f} ± {(cell['high'] - cell['low']) / 2:.2f}"


def findings(rated):
    """What the decays say of R2, the assumption under which SR's rates stand for the spikes: lines of text."""
    lines = []
    for row in (row for row in rated if row["factor"] == "decay"):
        lines.append(
            f"λ = {row['value']:g}: the rate mapping is off by {row['mean_gap']:.3f} on average and by "
            f"{row['largest_gap']:.3f} at most, where R2 allows {row['bound']:.3f} for neurons whose current stays in "
            f"[0, V_th]; {100 * row['within']:.0f} % of them do"
        )
    if lines:
        lines.append(
            "R2's bound 1/Λ_T tends to 1 - λ, not to 0: at the paper's λ = 0.5 a current below V_th/2 never fires, "
            "and the mapping says up to 0.5. More time steps do not help; only λ = 1 does. Where currents leave "
            "[0, V_th], R2 promises nothing."
        )
    return lines


def measured(measurements):
    """Measurements by condition and seed, as plain data."""
    return [{"condition": asdict(condition), **asdict(one)} for (condition, _), one in measurements.items()]


def content(found, rated):
    """What the JSON file holds beside settings and versions."""
    return {"base": asdict(BASE), "confidence": CONFIDENCE, "cosines": found, "rates": rated}
