"""The sums of paths, for networks with too many paths to walk along one by one.

Where an `Enumeration` multiplies out one path after the other, this carries, for every membrane, the sum of all paths
that are in it, those that have crossed a reset apart from those that have not: forwards in time from each neuron and
start. Affordable for deep networks and long sequences, and no backward recursion.
"""

from __future__ import annotations

import numpy as np

from ..methods.shared.gradients import require_activity
from ..network.network import Network
from ..simulation.simulator import Activity
from .enumeration import starts
from .path import LEAK, RESET, Value
from .selection import Selection, require_selection
from .unrolled import Unrolled, require_known


class PathSums:
    """The sum over the paths of an activity [T, B, ...] that end in `output_errors`, and that a method keeps.

    keep  the name of a method, or a Selection

    Raises TypeError or ValueError that names the argument, before any work.

    >>> import numpy as np, ottt_ref as ot
    >>> network, inputs = ot.dense_network([1, 1, 1], decay=0.5, rng=0), np.ones((3, 1, 1))
    >>> activity, output_errors = ot.simulate(network, inputs), np.ones((3, 1, 1))
    >>> activity.layer_surrogate_derivatives[0][...] = network.parameters["readout.weight"] ** -1
    >>> sums = ot.paths.PathSums(network, activity, output_errors, "bptt")
    >>> sums.gradients()["layer0.bias"].round(9).tolist()
    [4.25]
    """

    def __init__(
        self, network: Network, activity: Activity, output_errors: np.ndarray, keep: str | Selection = "bptt"
    ) -> None:
        require_activity(network, activity, output_errors, False)
        require_known(network)
        self.network, self.keep = network, require_selection(keep, network)
        self._unrolled = Unrolled(network, activity, output_errors)
        self._sums: dict[tuple, Value] = {}

    def gradients(self) -> dict[str, np.ndarray]:
        """The sum over all paths, for each parameter."""
        gradients = self.network.zero_gradients()
        for start in starts(self.network):
            gradients[start.parameter][start.index] = self._entry(start.connection, start.i, start.j)
        return gradients

    def _entry(self, connection, i, j):
        unrolled, total = self._unrolled, 0
        for b in range(unrolled.batch_size):
            for t in range(unrolled.time_steps):
                source = 1 if j is None else unrolled.source(connection, t, b, j)
                total = total + source * self._from(b, connection.target, i, t)
            if self.keep.traces and self.keep.resets != "some":
                total = total + self._by_traces(b, connection, i, j)
        return total

    def _from(self, b, l, i, start):
        """What paths from membrane i of layer l at `start` on gather at the output."""
        key = (b, l, i, start)
        if key not in self._sums:
            uncrossed, crossed = self._forwards(b, l, [(start, i)], (1, 0), self.keep)
            self._sums[key] = {"none": uncrossed, "some": crossed, "any": uncrossed + crossed}[self.keep.resets]
        return self._sums[key]

    def _by_traces(self, b, connection, i, j):
        """What OTTT's trace adds: paths that wait where they start by at least one edge that the membrane has not."""
        unrolled, l = self._unrolled, connection.target
        if not self.keep.may_wait(l, l) or unrolled.trace_edge(connection, b, i, j, 0) is None:
            return 0
        at_once, total, by_leaks, by_traces = self._at_once(), 0, 0, 0
        for t in range(unrolled.time_steps):
            by_leaks = by_leaks + (1 if j is None else unrolled.source(connection, t, b, j))
            key = ("at once", b, l, i, t)
            if key not in self._sums:
                self._sums[key] = self._forwards(b, l, [(t, i)], (1, 0), at_once)[0]
            total = total + by_traces * self._sums[key]
            trace = unrolled.trace_edge(connection, b, i, j, t).factor
            leak = sum(edge.factor for edge in unrolled.edges(b, l, i, t) if edge.kind == LEAK)
            by_traces = by_traces * (leak + trace) + by_leaks * trace
            by_leaks = by_leaks * leak
        return total

    def _at_once(self):
        """Paths that do not wait any more."""
        return Selection(waits=(), loops=False)

    def _forwards(self, b, first, starts, amounts, keep):
        """What paths gather at the output: without a reset, and with."""
        steps = self._unrolled.time_steps
        depth = max([1, *(connection.delay for connection in self.network.connections)])
        inside = [self._nothing() for _ in range(depth + 1)]  # at t, t + 1, ...
        ((start, i),) = starts
        inside[0][first][i] = amounts
        total = (0, 0)
        for t in range(start, steps):
            for l in range(self._unrolled.layers):
                for k, here in enumerate(inside[0][l]):
                    if here is not None:
                        total = _plus(total, self._step(b, l, k, t, first, here, inside, keep))
            inside = [*inside[1:], self._nothing()]
        return total

    def _step(self, b, l, k, t, first, amounts, inside, keep):
        """Send what is in membrane k of layer l onwards; what reaches the output at t."""
        unrolled = self._unrolled
        fired = _times(unrolled.surrogate_derivative(b, l, k, t), amounts)
        for connection, weights in unrolled.ways(l):
            if connection.loop and not keep.loops:
                continue
            there = inside[connection.delay][connection.target]
            for m, row in enumerate(weights):
                there[m] = _plus(there[m], _times(row[k], fired))
        if t + 1 < unrolled.time_steps and keep.may_wait(l, first):
            for edge in unrolled.edges(b, l, k, t):
                if edge.kind == RESET and keep.resets == "none":
                    continue
                uncrossed, crossed = _times(edge.factor, amounts)
                reaching = (0, uncrossed + crossed) if edge.kind == RESET else (uncrossed, crossed)
                inside[1][l][k] = _plus(inside[1][l][k], reaching)
        return _times(unrolled.error(b, k, t), fired) if l + 1 == unrolled.layers else (0, 0)

    def _nothing(self):
        return [[None] * size for (size,) in self.network.shapes]


def _plus(left, right):
    return right if left is None else (left[0] + right[0], left[1] + right[1])


def _times(factor, amounts):
    return factor * amounts[0], factor * amounts[1]
