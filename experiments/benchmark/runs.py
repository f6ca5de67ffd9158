"""A workload from beginning to end: it is drawn, each peer is made and checked, and those that are right are timed."""

import warnings
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

from ottt_ref.outside import said

from . import machine, timing
from .checking import Kind, Oracle
from .peers import AbsentError, function_of
from .workloads import draw

TIMED, WRONG, ABSENT, REFUSED, FAILED = "timed", "wrong", "absent", "refused", "failed"


@dataclass(frozen=True)
class Settings:
    """What was asked for.

    peers, workloads, sweeps   names
    device                     "cpu" or "cuda"
    threads                    of every peer
    rounds                     how often each peer is timed, if it is not slow
    dtype, firing_rate, seed   of the workloads
    """

    peers: tuple[str, ...]
    workloads: tuple[str, ...]
    sweeps: tuple[str, ...]
    device: str = "cpu"
    threads: int = 1
    rounds: int = timing.ROUNDS
    dtype: str = "float32"
    firing_rate: float = 0.1
    seed: int = 0

    def of(self, task):
        """A Task with these settings."""
        return replace(task, rate=self.firing_rate, dtype=self.dtype, seed=self.seed)


@dataclass
class Candidate:
    """A peer on its way to being timed: what it is found to be."""

    name: str
    status: str = TIMED
    reason: str = ""
    kind: Kind | None = None
    verdict: object = None
    peer: object = None


def run(task, names, settings, progress=lambda words: None, rounds=None):
    """The results of a workload, as plain data: its numbers, and of each peer what it is, how far off, its times.

    progress  called with what is being done
    """
    machine.set_threads(settings.threads)
    progress("drawing")
    workload = draw(task, device=settings.device)
    oracle = Oracle(workload)
    candidates = []
    for name in names:
        progress(f"checking {name}")
        candidates.append(_candidate(name, workload, oracle, settings.device))
    progress("timing")
    right = {each.name: each.peer for each in candidates if each.status == TIMED}
    times = timing.measure(right, rounds or settings.rounds, synchronise=_synchronise(settings.device)) if right else {}
    return {
        "workload": {**asdict(task), "words": task.words, "learning_rate": workload.learning_rate},
        "unit": "time step" if task.online else "sequence",
        "threads": settings.threads,
        "firing_rates": [float(workload.inputs.mean(dtype="float64")), *workload.firing_rates()],
        "peers": [_result(each, times.get(each.name), workload) for each in candidates],
    }


def _candidate(name, workload, oracle, device):
    """A peer made and checked; whatever it raises is its own, and the others go on."""
    found = Candidate(name)
    try:
        with _quiet():
            function = function_of(name, device)
            found.peer = function(workload)
            found.kind = Kind.of(found.peer)
            found.verdict = oracle.check(function, found.kind)
    except AbsentError as reason:
        found.status, found.reason = ABSENT, str(reason)
    except ImportError as reason:
        found.status, found.reason = ABSENT, str(reason)
    except NotImplementedError as reason:
        found.status, found.reason = REFUSED, str(reason) or "it does not take this workload"
    except Exception as error:
        found.status, found.reason = FAILED, said(error)
    else:
        if found.verdict.wrong:
            found.status, found.reason = WRONG, found.verdict.wrong
    return found


def _result(candidate, times, workload):
    result = {"peer": candidate.name, "status": candidate.status, "reason": candidate.reason}
    if candidate.kind is not None:
        result["kind"] = {**asdict(candidate.kind), "words": candidate.kind.words}
    if candidate.verdict is not None:
        result |= {key: value for key, value in asdict(candidate.verdict).items() if key != "wrong"}
    about = getattr(candidate.peer, "about", "")
    if about:
        result["about"] = str(about)
    if times is not None:
        per = workload.task.time_steps if workload.task.online else 1
        result |= {
            "seconds": [each / per for each in times.seconds],
            "least": min(times.seconds) / per,
            "median": times.median / per,
            "quartiles": [each / per for each in times.quartiles],
            "steps_in_block": times.steps_in_block,
            "rates_after": workload.firing_rates(candidate.peer.parameters(), candidate.kind.reset),
        }
    return result


@contextmanager
def _quiet():
    """Without the warnings of other people's packages."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _synchronise(device):
    if device == "cpu":
        return lambda: None
    import torch

    return torch.cuda.synchronize
