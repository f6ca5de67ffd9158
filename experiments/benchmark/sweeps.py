"""One thing varied at a time: a workload in many sizes, the threads, and the memory against T."""

from dataclasses import replace

from . import limits, memory, runs
from .workloads import TASKS

BASE = "mlp-t6"
ROUNDS = 7  # of each point: the line through them evens out what one of them lacks

# By sweep: what it is called on an axis, its values, and the change of the task, from the value.
VARIED = {
    "time-steps": ("T", (1, 3, 6, 12, 25, 50), lambda task, value: replace(task, time_steps=value)),
    "batch": ("batch B", (1, 4, 16, 64, 128, 256), lambda task, value: replace(task, batch=value)),
    "width": (
        "neurons in each of two hidden layers",
        (64, 128, 256, 512, 1024),
        lambda task, value: replace(task, hidden=(value,) * len(task.hidden)),
    ),
    "rate": (
        "share of inputs and neurons that fire",
        (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6),
        lambda task, value: replace(task, rate=value),
    ),
}
VARIED["arithmetic"] = (
    VARIED["rate"][0],
    (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6),
    VARIED["rate"][2],
)
MEMORY_STEPS = (6, 25, 100, 400, 1600)  # beyond every window of time steps that somebody might keep
MEMORY_BATCH = 16  # inputs of long sequences of the whole batch would be large
WORDS = {
    **{name: f"time against {words}" for name, (words, _, _) in VARIED.items()},
    "arithmetic": "the same of ottt_ref.fast, which chooses, and of what it chooses between",
    "threads": "time against the number of threads",
    "memory": "memory against T",
    "limits": "what the machine's limits leave of each workload's time",
}
SWEEPS = tuple(WORDS)
# Whom it is of where nobody is named: the slow ones are left out.
TIMED = ("fast", "spikingjelly", "torch-by-hand", "torch-autograd")
REMEMBERED = ("fast", "fast-bptt", "spikingjelly", "torch-by-hand", "torch-autograd")
CHOICE = ("fast", "fast-events", "fast-dense")
DEFAULTS = {**dict.fromkeys(SWEEPS, TIMED), "memory": REMEMBERED, "arithmetic": CHOICE, "limits": ("fast",)}


def run(name, names, settings, progress=lambda words: None):
    """The results of a sweep of peers, as plain data."""
    task = settings.of(TASKS[BASE])
    if name == "limits":
        return limits.run(settings, progress)
    if name == "memory":
        return _of_memory(task, names, settings, progress)
    if name == "threads":
        return _of_threads(task, names, settings, progress)
    words, values, changed = VARIED[name]
    points = []
    for value in values:
        done = runs.run(changed(task, value), names, settings, _after(progress, f"{value:g}"), ROUNDS)
        points.append({"value": value, **done})
    return {"sweep": name, "words": words, "base": BASE, "points": points}


def _of_threads(task, names, settings, progress):
    counts = sorted({1, settings.threads})
    points = []
    for count in counts:
        at = replace(settings, threads=count)
        points.append({"value": count, **runs.run(task, names, at, _after(progress, f"{count}"))})
    return {"sweep": "threads", "words": "threads", "base": BASE, "points": points}


def _of_memory(task, names, settings, progress):
    tasks = [replace(task, time_steps=steps, batch=MEMORY_BATCH) for steps in MEMORY_STEPS]
    return {
        "sweep": "memory",
        "words": f"T, at batch {MEMORY_BATCH}",
        "base": BASE,
        "batch": MEMORY_BATCH,
        "values": list(MEMORY_STEPS),
        "peers": memory.measure_all(tasks, names, settings, progress),
    }


def _after(progress, words):
    return lambda more: progress(f"{words}: {more}")
