"""Trace and potential over time: what an OTTT synapse knows at each moment."""

import numpy as np
from matplotlib.figure import Figure

import ottt_ref as ot

from .style import BLUE, GREEN, INK, MUTED, VERMILLION

NAME = "traces"
TITLE = "Trace, potential and eligibility over time"
CAPTION = (
    "One synapse over time (λ = 0.75, V_th = 1, sigmoid surrogate with α = 4). Top: the presynaptic spikes s[t] and "
    "their trace â[t] = λ â[t-1] + s[t]. Middle: the potential u[t] of the neuron behind the synapse, which leaks, "
    "and after a spike loses V_th; the second input, which is not drawn, takes part. Bottom: ψ[t], the surrogate's "
    "derivative at u[t] - V_th, and ψ[t] â[t], which OTTT multiplies by the error of the same time step, and by "
    "nothing of another one. Sources: claims E1 and H1; Xiao et al. 2022."
)
ALTERNATIVE = "Trace of presynaptic spikes, the potential with its threshold, and eligibility over 30 time steps"
TOLERANCE = 1e-9  # float64: the surrogate's exponential may be rounded in another way elsewhere

STEPS, DECAY, RATE = 30, 0.75, 0.3
WEIGHTS = np.array([[0.45, 0.35]])


def measure(seed):
    """Spikes, trace, potential and ψ of a neuron with two inputs, whose spikes are drawn."""
    rng = np.random.default_rng(seed)
    neuron = ot.LIF(decay=DECAY, threshold=1.0, surrogate=ot.surrogate.Sigmoid(4.0))
    network = ot.Network([ot.Layer(ot.Dense(WEIGHTS), neuron)])
    inputs = (rng.random((STEPS, 1, 2)) < RATE).astype(float)
    activity = ot.simulate(network, inputs)
    rule = ot.ottt.OTTT(network, batch_size=1)
    trace = []
    for t in range(STEPS):
        rule.advance(activity.at(t))
        trace.append(float(rule.presynaptic(network.connections[0], activity.at(t))[0, 0]))
    return {
        "decay": DECAY,
        "presynaptic": inputs[:, 0, 0].tolist(),
        "trace": trace,
        "potential": activity.potentials[0].ravel().tolist(),
        "spikes": activity.spikes[0].ravel().tolist(),
        "surrogate_derivative": activity.surrogate_derivatives[0].ravel().tolist(),
    }


def draw(data):
    """Three panels with one axis of time."""
    times = np.arange(1, len(data["trace"]) + 1)
    figure = Figure(figsize=(8.8, 6.4), layout="constrained")
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=(1, 1.2, 1.1))
    _bars(top, times, data["presynaptic"], INK, "spike s[t]")
    top.plot(times, data["trace"], "o-", color=BLUE, markersize=4, label="trace â[t]")
    top.set(title="Before the synapse", ylabel="s, â")
    draw_potential(middle, times, data["potential"], data["spikes"])
    middle.set(title="The neuron behind it", ylabel="u")
    psi = np.array(data["surrogate_derivative"])
    bottom.plot(times, psi, "s--", color=VERMILLION, markersize=4, linewidth=1.5, label="ψ[t]")
    bottom.plot(times, psi * data["trace"], "o-", color=BLUE, markersize=4, label="eligibility ψ[t] â[t]")
    bottom.set(title="What meets the error of this time step", ylabel="ψ, ψ â", xlabel="time step t")
    bottom.set_xlim(0.5, len(times) + 0.5)
    for axes in (top, middle, bottom):
        axes.set_ylim(0, 1.06 * axes.get_ylim()[1])  # room for the marks
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.03), handlelength=2.4)
    return figure


def draw_potential(axes, times, potentials, spikes):
    """A potential over time, its threshold of 1, and a mark where the neuron fires."""
    axes.axhline(1, color=MUTED, linestyle=(0, (2, 2)), linewidth=1.5, label="threshold V_th")
    axes.plot(times, potentials, "o-", color=GREEN, markersize=4, label="potential u[t]")
    fired = [(t, u) for t, u, s in zip(times, potentials, spikes) if s]
    axes.plot([t for t, _ in fired], [u for _, u in fired], "^", color=INK, markersize=9, label="fires")


def _bars(axes, times, spikes, colour, name):
    """A bar for each spike."""
    at = [t for t, spike in zip(times, spikes) if spike]
    axes.vlines(at, 0, 1, color=colour, linewidth=3, label=name)
