"""Who is measured, at which T, and one measurement of either kind: each runs in a process of its own."""

import itertools
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import ottt_ref as ot
from ottt_ref.memory import fill_free_lists, peak_bytes, peaks_by_length

from ..benchmark import memory as benchmark
from ..benchmark.workloads import Task, Workload, draw

TASK = Task("memory", input_shape=(64,), hidden=(32, 32), classes=10, batch=4, time_steps=20)
STATE_STEPS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)
PROCESS_STEPS = (1, 10, 100, 1000, 10_000)
RTRL_LONGEST = 100
LOSS = ot.losses.CrossEntropy()


@dataclass(frozen=True)
class Subject:
    """A method as somebody computes it.

    words    its name in tables
    peer     the benchmark's peer that trains by it
    online   whether it updates after each time step
    longest  the largest T at which it is measured; None for no limit
    why      the reason for the limit
    """

    words: str
    peer: str
    online: bool = False
    longest: int | None = None
    why: str = ""

    @property
    def warm_up(self):
        """T of what a fresh process learns before it is measured."""
        return 1000 if self.peer in ("reference", "reference-bptt", "fast", "fast-bptt") else 20

    @property
    def traced(self):
        """Whether tracemalloc sees all that it takes: the reference keeps it in NumPy's arrays, and nothing between."""
        return self.peer.startswith("reference")

    def allows(self, time_steps):
        """Whether it is measured at this T."""
        return self.longest is None or time_steps <= self.longest


SLOW = (
    "its state would not grow, but a time step takes as long as it is large: one number for each pair of a neuron and "
    "a parameter of every sample"
)
SUBJECTS = {
    "ottt-a": Subject("OTTT_A", "reference"),
    "ottt-o": Subject("OTTT_O", "reference", online=True),
    "bptt": Subject("BPTT", "reference-bptt"),
    "rtrl": Subject("RTRL", "reference-rtrl", longest=RTRL_LONGEST, why=SLOW),
    "spikingjelly-a": Subject("OTTT_A, SpikingJelly", "spikingjelly"),
    "spikingjelly-o": Subject("OTTT_O, SpikingJelly", "spikingjelly", online=True),
    "torch-bptt": Subject("BPTT, torch", "torch-autograd"),
    "fast-ottt-a": Subject("OTTT_A, fast", "fast"),
    "fast-ottt-o": Subject("OTTT_O, fast", "fast", online=True),
    "fast-bptt": Subject("BPTT, fast", "fast-bptt"),
}
DEFAULT = ("ottt-a", "ottt-o", "bptt", "rtrl", "spikingjelly-a", "spikingjelly-o", "torch-bptt")


def workload(task):
    """A Workload of a Task at any T: the weights of a short one, and spikes drawn at its rate."""
    short = draw(replace(task, time_steps=TASK.time_steps, online=False))
    rng = np.random.default_rng([task.seed, task.time_steps])
    inputs = (rng.random((task.time_steps, task.batch, *task.input_shape)) < task.rate).astype(task.dtype)
    return Workload(task, short.weights, inputs, short.labels)


def output_bytes(subject, task):
    """What the result of a sequence holds of its outputs, which every user wants: it is no state of a method."""
    kept = 0 if subject.online else task.time_steps
    return kept * task.batch * task.classes * np.dtype(task.dtype).itemsize


def state(name, task, steps):
    """Of a subject, as plain data: by T the most bytes taken at once beyond inputs, parameters and outputs.

    Gradients, which have the size of the parameters, are counted, and so is the state that an online learner carries.
    """
    subject = SUBJECTS[name]
    steps = [each for each in steps if subject.allows(each)]
    if not steps:
        return {"status": "left out", "reason": subject.why}
    seconds = {}

    def measure(time_steps, warm_ups):
        of = workload(replace(task, time_steps=time_steps, online=subject.online))
        learn, before = _learning(subject, of), time.perf_counter()
        for _ in range(warm_ups):
            learn()
        seconds[time_steps] = (time.perf_counter() - before) / warm_ups
        fill_free_lists()
        return peak_bytes(learn, 0) - output_bytes(subject, of.task)

    try:
        found = peaks_by_length(measure, steps)
    except ValueError as reason:  # a state that RTRL refuses to hold
        return {"status": "refused", "reason": str(reason)}
    return {"status": "measured", "time_steps": steps, "bytes": found, "seconds": [seconds[each] for each in steps]}


def _learning(subject, of):
    """What learns the workload's sequence with a fresh state."""
    network, optimizer = of.network(), ot.training.SGD(of.learning_rate, momentum=0.0)
    if subject.online:
        return partial(_learn_online, network, optimizer, of)
    module = getattr(ot, subject.peer.partition("-")[2] or "ottt")
    return lambda: _dropped(module.gradients(network, of.inputs, of.labels, LOSS))


def _learn_online(network, optimizer, of):
    learner = ot.ottt.OnlineLearner(network, optimizer, LOSS, time_steps=of.task.time_steps)
    for inputs in of.inputs:
        learner.step(inputs, of.labels)


def _dropped(result):
    """Nothing: what was made is not kept for the caller."""


def process(name, files):
    """Of a subject at one T, as plain data: how far a fresh process grows while it is made and learns a sequence.

    files  (Task, path) of the benchmark's workloads: one that warms up, and that of this T

    Where it grew by less than its outputs, which found room that was there, nothing is left: 0.
    """
    found = benchmark.measure(SUBJECTS[name].peer, files, "cpu", 1)
    if found["status"] != "measured":
        return {key: found[key] for key in ("status", "reason")}
    beyond = found["bytes"][-1] - output_bytes(SUBJECTS[name], files[-1][0])
    return {"status": "measured", "bytes": max(0, beyond)}


def measure_all(names, task, longest, workers, progress=lambda words: None):
    """Of each subject, as plain data: its state by T, and the growth of a process by T, or why there is none."""
    steps, process_steps = ([each for each in every if each <= longest] for every in (STATE_STEPS, PROCESS_STEPS))
    with TemporaryDirectory() as folder:
        calls = {(name, "state"): (state, name, task, steps) for name in names if SUBJECTS[name].traced}
        for name in names:
            for time_steps in filter(SUBJECTS[name].allows, reversed(process_steps)):
                files = [_saved(name, task, each, Path(folder)) for each in (SUBJECTS[name].warm_up, time_steps)]
                calls[name, time_steps] = (process, name, files)
        done = itertools.count(1)
        found = benchmark.in_fresh_processes(
            calls, workers, lambda key: progress(f"{next(done)} of {len(calls)} processes")
        )
    return [_result(name, found, process_steps) for name in names]


def _saved(name, task, time_steps, folder):
    """The task and the file of a workload, which is written where it is not there yet."""
    at = replace(task, time_steps=time_steps, online=SUBJECTS[name].online)
    path = folder / f"{at.time_steps}{'-online' if at.online else ''}.npz"
    if not path.exists():
        benchmark.save(workload(at), path)
    return at, path


def _result(name, found, process_steps):
    subject = SUBJECTS[name]
    cells = {each: found[name, each] for each in process_steps if (name, each) in found}
    measured = {each: cell["bytes"] for each, cell in cells.items() if cell["status"] == "measured"}
    others = [cell for cell in cells.values() if cell["status"] != "measured"]
    return {
        "subject": name,
        "words": subject.words,
        "online": subject.online,
        "state": found.get((name, "state")),
        "process": {"time_steps": list(measured), "bytes": list(measured.values())},
        "reasons": list(dict.fromkeys(f"{each['status']}: {each['reason']}" for each in others)),
        "left_out": [each for each in process_steps if not subject.allows(each)],
        "why_left_out": subject.why,
    }
