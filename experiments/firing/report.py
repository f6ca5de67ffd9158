"""What comes out: means over seeds with intervals, and the table."""

import numpy as np

from ..intervals import of_mean

HEADER = (
    "method, layer",
    "test accuracy (%)",
    "firing rate (%)",
    "first time step",
    "last time step",
    "never fire (%)",
)


def summaries(runs):
    """By method, as plain data: accuracy, and of each layer the rate, that of each time step, and the silent share.

    Each is a mean over seeds, and the ends of its interval.
    """
    found = []
    for method in dict.fromkeys(run["method"] for run in runs):
        mine = [run for run in runs if run["method"] == method]
        rates = np.array([run["rates"] for run in mine])  # [seeds, layers, T]
        layers = []
        for l in range(rates.shape[1]):
            layers.append(
                {
                    "layer": l,
                    "rate": share(rates[:, l].mean(axis=1)),
                    "by_time_step": [share(rates[:, l, t]) for t in range(rates.shape[2])],
                    "silent": share([run["silent"][l] for run in mine]),
                }
            )
        found.append(
            {"method": method, "seeds": len(mine), "accuracy": share([r["accuracy"] for r in mine]), "layers": layers}
        )
    return found


def share(values):
    """Mean of shares and the ends of its interval, within 0 and 1."""
    return list(of_mean([float(value) for value in values], 0.0, 1.0))


def rows(found):
    """Rows for HEADER, one per method and layer."""
    return [
        [
            f"{each['method']}, {layer['layer']}",
            text(each["accuracy"]) if layer["layer"] == 0 else "",
            text(layer["rate"]),
            text(layer["by_time_step"][0]),
            text(layer["by_time_step"][-1]),
            text(layer["silent"]),
        ]
        for each in found
        for layer in each["layers"]
    ]


def text(interval):
    """A mean in per cent, and half of its interval where there is one."""
    mean, low, high = interval
    return f"{100 * mean:.1f}" if low is None else f"{100 * mean:.1f} ± {50 * (high - low):.1f}"
