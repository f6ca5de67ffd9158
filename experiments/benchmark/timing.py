"""Times of training steps: all peers in one process, in rounds that go from one to the next.

A round times a block of steps of each peer, long enough for the clock. Whoever comes after another finds its data
pushed out of the caches, and another library's threads still waiting for work: so each block starts with steps that
are not timed. Who is slow takes part in fewer rounds, spread evenly.
"""

import math
import time
from dataclasses import dataclass

import numpy as np

from ottt_ref.memory import without_collection

ROUNDS = 15
WARM_UP = 0.2  # seconds of steps before the first round, two steps at least
BLOCK = 0.02  # seconds that a block lasts at least
LEAD = 0.01  # seconds of steps before a block, that are not timed, where a step is shorter
PATIENCE = 4.0  # seconds for all blocks of a peer, then it takes part in fewer rounds
FEWEST = 3  # rounds, whatever they take


@dataclass(frozen=True)
class Times:
    """Seconds of a step of one peer: one number for each round it took part in, each the mean of a block of steps."""

    seconds: list[float]
    steps_in_block: int

    @property
    def median(self):
        """The middle one."""
        return float(np.median(self.seconds))

    @property
    def quartiles(self):
        """The ends of the middle half."""
        return tuple(float(each) for each in np.percentile(self.seconds, (25, 75)))


def measure(peers, rounds=ROUNDS, patience=PATIENCE, synchronise=lambda: None, progress=lambda: None):
    """The Times of each peer, by name.

    peers        by name, objects with a method `step`
    synchronise  waits until what was asked for is done, on a device that works on its own
    progress     called after each round
    """
    with without_collection():
        plans = {name: _plan(_warm(peer.step, synchronise), rounds, patience) for name, peer in peers.items()}
        seconds = {name: [] for name in peers}
        names = list(peers)
        for round_ in range(rounds):
            for name in names[round_ % len(names) :] + names[: round_ % len(names)]:
                plan = plans[name]
                if plan.takes_part(round_, rounds):
                    seconds[name].append(_block(peers[name].step, plan, synchronise))
            progress()
    return {name: Times(seconds[name], plans[name].steps) for name in peers}


@dataclass(frozen=True)
class Plan:
    """How many steps a block has, how many come before it, and in how many rounds there is one."""

    steps: int
    lead: int
    rounds: int

    def takes_part(self, round_, rounds):
        """Whether there is a block in this of so many rounds."""
        return (round_ + 1) * self.rounds // rounds > round_ * self.rounds // rounds


def _plan(step, rounds, patience):
    """The Plan for a step that takes so many seconds."""
    steps = max(1, math.ceil(BLOCK / step))
    lead = math.ceil(LEAD / step) if step < LEAD else int(step < BLOCK)
    affordable = int(patience / ((steps + lead) * step))
    return Plan(steps, lead, min(rounds, max(FEWEST, affordable)))


def _warm(step, synchronise):
    """Seconds of a step, the middle one of some; compilation and first allocations are in the first."""
    started, seconds = time.perf_counter(), []
    while len(seconds) < 2 or time.perf_counter() - started < WARM_UP:
        before = time.perf_counter()
        step()
        synchronise()
        seconds.append(time.perf_counter() - before)
    return max(float(np.median(seconds[1:])), 1e-7)


def _block(step, plan, synchronise):
    """Seconds of a step, the mean of a block."""
    for _ in range(plan.lead):
        step()
    synchronise()
    before = time.perf_counter()
    for _ in range(plan.steps):
        step()
    synchronise()
    return (time.perf_counter() - before) / plan.steps
