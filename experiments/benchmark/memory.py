"""How much memory a training step takes: how far a fresh process grows while a peer is made and takes its first step.

Inputs and labels are there before and are not counted; a copy of the weights, gradients, and whatever is kept of the
sequence are. The process has trained another peer of the same kind first: packages, compiled code and threads are
there. On the CPU it is the peak of the resident pages, as Linux counts them; the allocator gives back what is freed.
On a GPU it is the peak of what torch has allocated there.
"""

import gc
import os
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ottt_ref.memory import fill_free_lists
from ottt_ref.outside import look_here, said
from ottt_ref.workers import WorkerPool

from . import machine
from .checking import Kind
from .peers import AbsentError, function_of
from .workloads import Workload, draw

PROCESS = Path("/proc/self")
# glibc: what is freed goes back to the system at once; numpy: no huge pages, which would be counted whole.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "0",
    "MALLOC_TOP_PAD_": "0",
    "NUMPY_MADVISE_HUGEPAGE": "0",
}


def measure_all(tasks, names, settings, progress=lambda words: None):
    """By peer, as plain data: peak bytes for each of the tasks, or why there are none."""
    with TemporaryDirectory() as folder:
        files = []
        for k, task in enumerate(tasks):
            progress(f"drawing T = {task.time_steps}")
            files.append((task, Path(folder) / f"{k}.npz"))
            save(draw(task, device=settings.device), files[-1][1])
        found = []
        for name in names:
            progress(f"measuring {name}")
            call = (measure, name, files, settings.device, settings.threads)
            found.append({"peer": name, **in_fresh_processes({name: call})[name]})
    return found


def in_fresh_processes(calls, at_once=1, progress=lambda key: None):
    """By key, the mapping that each call (function, *arguments) gives in a process of its own, or that it failed.

    progress  called with the key of each call that has come to its end
    """
    waiting, active, found = list(calls), {}, {}
    with _environment(ALLOCATOR), ExitStack() as pools:
        while waiting or active:
            while waiting and len(active) < at_once:
                key, pool = waiting.pop(0), pools.enter_context(WorkerPool(1))
                active[pool.submit(*calls[key])] = key, pool
            for future in wait(active, return_when=FIRST_COMPLETED).done:
                key, pool = active.pop(future)
                try:
                    found[key] = future.result()
                except BrokenProcessPool:
                    reason = "its process ended abruptly: perhaps memory did not suffice"
                    found[key] = {"status": "failed", "reason": reason}
                pool.shutdown()
                progress(key)
    return {key: found[key] for key in calls}


def measure(name, files, device, threads):
    """Peak bytes of a peer for each workload among the files; run in a process of its own."""
    look_here()
    machine.set_threads(threads)
    try:
        function = function_of(name, device)
        kind = Kind.of(_trained(function, _load(*files[0], device)))
        peaks = [_peak(function, _load(*each, device), device) for each in files]
    except (AbsentError, ImportError) as reason:
        return {"status": "absent", "reason": str(reason)}
    except NotImplementedError as reason:
        return {"status": "refused", "reason": str(reason)}
    except Exception as error:
        return {"status": "failed", "reason": said(error)}
    return {"status": "measured", "reason": "", "kind": kind.words, "bytes": peaks}


def _trained(function, workload):
    """A peer after two steps."""
    peer = function(workload)
    peer.step(), peer.step()
    return peer


def _peak(function, workload, device):
    """Bytes at the peak of making a peer and training it for a step, above what was there before."""
    gc.collect()
    fill_free_lists()
    before = _start(device)
    peer = function(workload)
    float(peer.step())
    return max(0, _highest(device) - before)


def _start(device):
    """Forget earlier peaks; bytes held now."""
    if device == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    try:
        (PROCESS / "clear_refs").write_text("5")  # VmHWM starts anew
    except OSError as error:
        raise NotImplementedError(f"the peak of resident pages needs Linux's {PROCESS}/clear_refs ({error})") from None
    return _pages("VmRSS")


def _highest(device):
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_allocated()
    return _pages("VmHWM")


def _pages(key):
    for line in (PROCESS / "status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise NotImplementedError(f"{PROCESS}/status has no {key}")


def save(workload, path):
    """Write a workload to a file that `measure` reads."""
    np.savez(path, inputs=workload.inputs, labels=workload.labels, **workload.weights)


def _load(task, path, device):
    """The workload of a file: nothing else is allocated on the way, as drawing it would."""
    with np.load(path) as arrays:
        weights = {name: arrays[name] for name in arrays.files if name.endswith("weight")}
        return Workload(task, weights, arrays["inputs"], arrays["labels"], device=device)


@contextmanager
def _environment(changes):
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
