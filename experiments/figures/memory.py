"""The state that grows and the state that does not: bytes taken while a network learns, measured over T."""

import numpy as np
from matplotlib.figure import Figure

import ottt_ref as ot
from ottt_ref.memory import peak_bytes, peaks_by_length

from .style import METHODS, label

NAME = "memory"
TITLE = "The state that grows, and the state that does not"
SIZES, BATCH = (16, 32, 10), 4
CAPTION = (
    f"Most bytes taken at once while a network {'-'.join(map(str, SIZES))} learns from a batch of {BATCH} sequences "
    "of T time steps, as Python's tracemalloc counts them; parameters and inputs are not counted. BPTT keeps what "
    "every time step was, until it goes back through them. OTTT and SLTT, which update after each time step, keep "
    "what the last one left. RTRL's state does not grow either, but has a number for each pair of a neuron and a "
    "parameter. Measured, with one version of Python: another one takes some bytes more or less. Sources: claim M1; "
    "Xiao et al. 2022."
)
ALTERNATIVE = "BPTT's memory grows with the number of time steps, that of OTTT, SLTT and RTRL does not"
# Python's own objects are of another size in each of its versions; what grows and what does not is tested apart.
TOLERANCE = 0.4

STEPS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
RTRL_STEPS = STEPS[:4]  # it takes a thousand times longer
# CPython keeps up to 2000 freed tuples of each length for reuse, and counts them as taken: so many steps fill them.
WARM_UP_STEPS = 4000
KILOBYTES = (30, 100, 300, 1000, 3000)
PLACES = {"OTTT": "bottom", "SLTT": "top"}  # of names, whose lines lie side by side
ONLINE = {"OTTT": ot.ottt, "SLTT": ot.sltt, "RTRL": ot.rtrl}


def measure(seed):
    """Peak kilobytes by method, for each number of time steps; some hundred bytes more or less are chance."""
    peaks = {"BPTT": _peaks(_back_through_time, seed, STEPS)}
    for name in ("OTTT", "SLTT"):
        peaks[name] = _peaks(_learning(ONLINE[name]), seed, STEPS, WARM_UP_STEPS)
    peaks["RTRL"] = _peaks(_learning(ONLINE["RTRL"]), seed, RTRL_STEPS)
    kilobytes = {name: [round(peak / 1000) for peak in found] for name, found in peaks.items()}
    return {"time_steps": list(STEPS), "kilobytes": kilobytes}


def _peaks(work_of, seed, steps, warm_up_steps=0):
    warm_ups = max(2, warm_up_steps // max(steps))
    return peaks_by_length(lambda time_steps, count: peak_bytes(work_of(seed, time_steps), count), steps, warm_ups)


def _task(seed, time_steps):
    rng = np.random.default_rng(seed)
    network = ot.dense_network(SIZES, rng=rng)
    return network, rng.random((time_steps, BATCH, SIZES[0])), rng.integers(0, SIZES[-1], size=BATCH)


def _learning(module):
    """What learns a sequence after each time step, by a method's online learner."""

    def work_of(seed, time_steps):
        network, inputs, labels = _task(seed, time_steps)
        learner = module.OnlineLearner(network, ot.training.SGD(0.01, momentum=0))

        def learn():
            learner.reset()
            for x in inputs:
                learner.step(x, labels)

        return learn

    return work_of


def _back_through_time(seed, time_steps):
    network, inputs, labels = _task(seed, time_steps)
    return lambda: ot.bptt.gradients(network, inputs, labels)


def draw(data):
    """Both axes are logarithmic."""
    figure = Figure(figsize=(8.8, 4.4), layout="constrained")
    axes = figure.subplots()
    for name, kilobytes in data["kilobytes"].items():
        colour, dash, mark = METHODS[name]
        steps = data["time_steps"][: len(kilobytes)]
        axes.plot(steps, kilobytes, color=colour, linestyle=dash, marker=mark, markersize=6)
        label(axes, steps[-1], kilobytes[-1], name, colour, PLACES.get(name, "center"))
    axes.set(xscale="log", yscale="log", xlabel="number of time steps T", ylabel="most kilobytes taken at once")
    axes.set_xticks(STEPS, [str(step) for step in STEPS])
    axes.set_yticks(KILOBYTES, [f"{each:,}" for each in KILOBYTES])
    axes.minorticks_off()
    axes.set_xlim(0.9, STEPS[-1] * 1.8)
    return figure
