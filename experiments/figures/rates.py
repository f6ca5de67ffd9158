"""The weighted rate of a neuron beside the clamp that spike representation takes it for."""

import numpy as np
from matplotlib.figure import Figure

import ottt_ref as ot

from ..directions.measure import constant_current_rates
from .style import GRID, INK, MUTED, VERMILLION

NAME = "rates"
TITLE = "Rates against the clamp"
CAPTION = (
    "The weighted rate a[T] of one neuron under a constant current I, beside the clamp σ(I / V_th) that spike "
    "representation takes it for. Between 0 and V_th the rate lies in the grey band below the clamp, whose height "
    "is 1/Λ_T (drawn for T = 200). At the paper's λ = 0.5 it has the height 1/2, and more time steps do not help: a "
    "current below V_th / 2 never fires; and above it the last spikes count most, so that the rate jumps with the "
    "moment of the last one. At λ = 1 the band has the height 1/T. Sources: claims R1 and R2; Xiao et al. 2022."
)
ALTERNATIVE = "Rate of a neuron over its current, beside the clamp: far from it at decay 0.5, near to it at decay 1"
TOLERANCE = 1e-12  # float64, by + - * / alone

DECAYS, SHORT, LONG = (0.5, 1.0), 6, 200
CURRENTS = np.linspace(0, 1.25, 251)


def measure(seed):
    """Rates by decay and T, and the bound of R2; nothing is drawn by chance."""
    return {
        "currents": CURRENTS.tolist(),
        "decays": [
            {
                "decay": decay,
                "rates": {
                    str(steps): constant_current_rates(decay, steps, CURRENTS).tolist() for steps in (SHORT, LONG)
                },
                "bound": float(ot.rate_normaliser(decay, LONG)) ** -1,
            }
            for decay in DECAYS
        ],
    }


def draw(data):
    """A panel for each decay."""
    currents = np.array(data["currents"])
    clamp = np.clip(currents, 0, 1)
    figure = Figure(figsize=(8.8, 4.6), layout="constrained")
    panels = figure.subplots(1, len(data["decays"]), sharey=True)
    within = currents <= 1
    for axes, each in zip(panels, data["decays"]):
        low = np.clip(clamp - each["bound"], 0, 1)
        axes.fill_between(currents[within], low[within], clamp[within], color=GRID, linewidth=0, label="R2's band")
        axes.plot(currents, clamp, color=MUTED, linewidth=5, label="the clamp σ(I / V_th)")
        for (steps, rates), (colour, dash) in zip(each["rates"].items(), ((VERMILLION, "--"), (INK, "-"))):
            axes.plot(currents, rates, color=colour, linestyle=dash, linewidth=1.5, label=f"a[T] at T = {steps}")
        axes.set(title=f"λ = {each['decay']:g}", xlabel="constant current I / V_th")
    panels[0].set_ylabel("rate")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, handlelength=3)
    return figure
