"""What limits the fast path: its work, and how long the machine would take for it at its measured limits.

Three limits are measured in the same run, with as many threads: multiply-adds in registers and the first-level cache,
sums of rows out of the second-level cache, and reading an array that is larger than that cache. The work is counted:

    forward     each spike adds a row of W^T, one number for each neuron that it reaches
    gradients   each spike adds a row of errors (theorem F1), as long
    errors      dense products W^T g of every layer but the first
    weights     W is read once, and its gradient written once

Of a stream (OTTT_O, one sample) errors are products of a matrix and a vector, limited by reading the matrix, which lies
in the second-level caches. An update goes to the rows of what fired: it is read and written there, and nowhere else.

The time at the limits is the sum of the parts', as if nothing overlapped. What is left over is everything else: lists
of spikes, neurons, ψ, copies, calls.
"""

import math
import time

import numba
import numpy as np

from ottt_ref.fast import dense_chains
from ottt_ref.fast.kernels.choosing import hand_built
from ottt_ref.fast.kernels.events import add_rows
from ottt_ref.fast.kernels.vector_loops import BYTES, ROWS, product_block

from . import machine, runs
from .peers import ours
from .workloads import KERNEL, TASKS, draw, pooled, spikes
from .workloads import currents as currents_of

TABLE = 800 * 1024  # bytes of a thread's table of rows: less than a second-level cache, more than a first-level one
LARGE = 2**23  # bytes that second-level caches do not hold, of the order of the weights
AGAIN, BLOCKS = 100, 4000  # how often a measurement does its work: some milliseconds
REPEATS = 7  # the best of so many
STAGES = {  # of the engine of chains: which part of the work its stages are
    "forward": "forward",
    "multiply": "forward",
    "gradients": "gradients",
    "errors": "errors",
    "own_errors": "errors",
    "pack": "weights",
    "unpack": "weights",
}
PARTS = ("forward", "errors", "gradients", "weights")


@numba.njit(parallel=True, error_model="numpy")
def _multiply_adds(threads, result, left, right, count):
    for k in numba.prange(threads):
        for _ in range(count):
            product_block(result, k * 2**14, 64, left, k * 2**14, 128, 1, right, k * 2**14, 64, 128, 4)


@numba.njit(parallel=True, error_model="numpy")
def _sums_of_rows(threads, result, table, chosen, rows, lanes, count):
    width = 16 * lanes
    for k in numba.prange(threads):
        for _ in range(count):
            at = k * rows * width
            add_rows(result, k * 2**14, table, at, chosen, 0, result, 0, chosen.size, 16, 0, True)


@numba.njit(parallel=True, fastmath=True, error_model="numpy")
def _total(threads, parts, values, count):
    size = values.size // threads
    for k in numba.prange(threads):
        for r in range(count):
            total = values.dtype.type(r)
            for n in range(k * size, (k + 1) * size):
                total += values[n]
            parts[k * 64] += total


def measured(threads, dtype):
    """The machine's limits: multiply-adds, bytes of rows and bytes of an array in a second, of all threads."""
    dtype = np.dtype(dtype)
    lanes = BYTES // dtype.itemsize
    rng = np.random.default_rng(0)
    machine.set_threads(threads)
    space = [rng.random(threads * 2**14 + 2**14).astype(dtype) for _ in range(3)]
    space[0][:] = 0
    rows = TABLE // (16 * BYTES)
    table, large = np.ones(threads * rows * 16 * lanes, dtype), np.ones(LARGE // dtype.itemsize, dtype)
    chosen = rng.integers(0, rows, 2000).astype(np.uint16)
    parts = np.zeros(threads * 64, dtype)
    products = _best(lambda: _multiply_adds(threads, *space, BLOCKS))
    sums = _best(lambda: _sums_of_rows(threads, space[0], table, chosen, rows, lanes, AGAIN))
    reading = _best(lambda: _total(threads, parts, large, AGAIN))
    return {
        "multiply_adds": threads * BLOCKS * ROWS * 128 * 4 * lanes / products,
        "row_bytes": threads * AGAIN * chosen.size * 16 * BYTES / sums,
        "array_bytes": AGAIN * large.nbytes / reading,
    }


def _best(function):
    function()
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def work(workload):
    """By part of the work of one training step (OTTT_O: of all time steps), its amounts, by limit."""
    task = workload.task
    steps = task.time_steps * task.batch
    itemsize = np.dtype(task.dtype).itemsize
    entering, values = [], workload.inputs
    weights = list(workload.weights.values())
    for weight in weights[:-1]:
        entering.append(values)
        fired, _ = spikes(currents_of(values, weight), "soft", values.dtype.type)
        values = pooled(fired.astype(values.dtype, copy=False))
    entering.append(values)
    rows = products = 0
    for l, (weight, given) in enumerate(zip(weights, entering)):
        reached = len(weight) * (KERNEL**2 if weight.ndim == 4 else 1)
        rows += np.count_nonzero(given) * reached
        if l > 0:
            places = math.prod(given.shape[3:]) if weight.ndim == 4 else 1
            products += steps * places * weight.size
    if task.online:
        above = sum(weight.size for weight in weights[1:])
        return {
            "forward": {"row_bytes": rows * itemsize},
            "errors": {"row_bytes": steps * above * itemsize},
            "gradients": {"row_bytes": 2 * rows * itemsize},
            "weights": {},
        }
    size = sum(weight.size for weight in weights) * itemsize
    return {
        "forward": {"row_bytes": rows * itemsize},
        "errors": {"multiply_adds": products},
        "gradients": {"row_bytes": rows * itemsize},
        "weights": {"array_bytes": 2 * size},
    }


def run(settings, progress=lambda words: None):
    """The limits, and of each workload the work, the time that it takes at the limits, and the fast path's."""
    progress("measuring the machine")
    limits = measured(settings.threads, settings.dtype)
    found = []
    for name, task in TASKS.items():
        progress(name)
        asked = settings.of(task)
        workload = draw(asked)
        result = runs.run(asked, ("fast",), settings, lambda words, name=name: progress(f"{name}: {words}"))
        (fast,) = result["peers"]
        least = {
            part: sum(amount / limits[limit] for limit, amount in amounts.items())
            for part, amounts in work(workload).items()
        }
        stages, of_gradient = _stages(workload) if not (task.online or task.convolutional) else ({}, 0.0)
        per = task.time_steps if task.online else 1
        found.append(
            {
                "workload": name,
                "words": asked.words,
                "unit": result["unit"],
                "seconds": fast.get("median"),
                "stages": stages,
                "of_gradient": of_gradient,
                "least": {part: seconds / per for part, seconds in least.items()},
            }
        )
    return {"sweep": "limits", "limits": limits, "hand_built": hand_built(), "workloads": found}


def _stages(workload):
    """The share of each part of the work in the time of a gradient, the middle of some, the rest "else"; that time."""
    peer, found, seconds = ours.fast(workload), [], []
    gradients = peer.module.ottt.gradients
    for _ in range(21):
        started = time.perf_counter()
        gradients(peer.network, peer.inputs, peer.labels, ours.LOSS)
        seconds.append(time.perf_counter() - started)
        parts = dict.fromkeys((*PARTS, "else"), 0.0)
        for stage, share in dense_chains.stage_shares(peer.network).items():
            parts[STAGES.get(stage, "else")] += share
        found.append(parts)
    return {part: float(np.median([each[part] for each in found])) for part in found[0]}, float(np.median(seconds))
