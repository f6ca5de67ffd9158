"""Every path of a parameter's entry, one after the other, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..network.layers import Connection
from ..network.network import Network
from .path import LEAK, RESET, TRACE, Crossing, Membrane, Path
from .selection import METHODS, Selection, kept_by
from .unrolled import Unrolled


@dataclass(frozen=True)
class Start:
    """Where the paths of one entry of a parameter begin: in membrane i, with what neuron j or a bias sends."""

    parameter: str
    index: tuple[int, ...]
    connection: Connection

    @property
    def i(self) -> int:
        """The membrane's neuron."""
        return self.index[0]

    @property
    def j(self) -> int | None:
        """The presynaptic neuron; None for a bias."""
        return self.index[1] if len(self.index) == 2 else None

    @property
    def layer(self) -> int:
        """The layer of the membrane."""
        return self.connection.target


def starts(network: Network) -> Iterator[Start]:
    """The Start of every entry of every parameter, in the order of `network.parameters`."""
    for connection in network.connections:
        for name in connection.parameters:
            for index in np.ndindex(network.parameters[name].shape):
                yield Start(name, index, connection)


class Enumeration:
    """The paths of an unrolled network that a Selection takes in.

    nonzero  whether to leave out paths with a factor of 0
    """

    def __init__(self, unrolled: Unrolled, keep: Selection, nonzero: bool = False) -> None:
        self.unrolled, self.keep, self.nonzero = unrolled, keep, nonzero
        network = unrolled.network
        self._selections = {name: kept_by(name, network) for name in METHODS}
        self._keepers: dict[tuple, tuple[str, ...]] = {}
        self._last = unrolled.layers - 1
        self._spiking = [layer.neuron.spiking for layer in network.layers]

    def gradients(self) -> dict[str, np.ndarray]:
        """The sum of all paths, one after the other, for each parameter."""
        gradients = self.unrolled.network.zero_gradients()
        for start in starts(self.unrolled.network):
            for path in self.paths(start):
                gradients[start.parameter][start.index] += path.contribution
        return gradients

    def paths(self, start: Start) -> Iterator[Path]:
        """Every path of an entry: by sample, by when it arrives, and then along its way."""
        unrolled, connection = self.unrolled, start.connection
        for b in range(unrolled.batch_size):
            for t in range(unrolled.time_steps):
                spike = 1 if start.j is None else unrolled.source(connection, t, b, start.j)
                if not self.nonzero or spike != 0:
                    yield from self._enter(_Way(start, b, t, spike), connection.target, start.i, t, spike)

    def _enter(self, way, l, i, t, product):
        """Every path that has come to membrane i of layer l at t, with the product of its factors so far."""
        unrolled, b = self.unrolled, way.sample
        may_wait = self.keep.may_wait(l, way.start.layer) and not way.traced
        own = not way.membranes and self.keep.traces and self.keep.may_wait(l, way.start.layer)
        waited = [((), product)]
        for leaves in range(t, unrolled.time_steps):
            psi = unrolled.surrogate_derivative(b, l, i, leaves)
            if not self.nonzero or psi != 0:
                for edges, so_far in waited:
                    membrane = Membrane(l, i, t, leaves, edges, psi, self._spiking[l])
                    yield from self._leave(way.then(membrane), l, i, leaves, so_far * psi)
            edges = unrolled.edges(b, l, i, leaves) if may_wait else ()
            if self.keep.resets == "none":
                edges = edges[:1]
            if own:
                trace = unrolled.trace_edge(way.start.connection, b, i, way.start.j, leaves)
                edges = edges if trace is None else (*edges, trace)
            if not edges:
                return
            waited = [
                ((*before, edge), so_far * edge.factor)
                for before, so_far in waited
                for edge in edges
                if not (self.nonzero and edge.factor == 0) and _fits(before, edge)
            ]

    def _leave(self, way, l, i, t, product):
        unrolled, b = self.unrolled, way.sample
        if l == self._last:
            error = unrolled.error(b, i, t)
            if (not self.nonzero or error != 0) and (self.keep.resets != "some" or way.crossed):
                yield self._path(way, i, error, product * error)
        for connection, weights in unrolled.ways(l):
            arrives = t + connection.delay
            if arrives >= unrolled.time_steps or (connection.loop and (way.traced or not self.keep.loops)):
                continue
            for k, row in enumerate(weights):
                weight = row[i]
                if not self.nonzero or weight != 0:
                    crossing = Crossing(connection.name, (k, i), weight, t, arrives, connection.loop)
                    onwards = way.over(crossing)
                    yield from self._enter(onwards, connection.target, k, arrives, product * weight)

    def _path(self, way, output, error, contribution):
        start, time, bias = way.start, way.time, way.start.j is None
        waits = frozenset(membrane.layer for membrane in way.membranes if membrane.edges)
        loops = any(crossing.loop for crossing in way.crossings)
        kind = (start.layer, waits, loops, way.crossed, way.traced)
        if kind not in self._keepers:
            self._keepers[kind] = self._methods_that_keep(*kind)
        return Path(
            parameter=start.parameter,
            index=start.index,
            layer=start.layer,
            sample=way.sample,
            source=None if bias else start.connection.source,
            source_neuron=start.j,
            source_time=time if bias else time - start.connection.delay,
            spike=way.spike,
            membranes=way.membranes,
            crossings=way.crossings,
            output=output,
            output_error=error,
            contribution=contribution,
            methods=self._keepers[kind],
        )

    def _methods_that_keep(self, layer, waits, loops, crossed, traced):
        """The methods that keep a path that waits in these layers, takes a loop, crosses a reset, waits by a trace."""
        return tuple(
            name
            for name, keep in self._selections.items()
            if not (loops and not keep.loops)
            and not (crossed and keep.resets == "none")
            and not (traced and not keep.traces)
            and ((allowed := keep.waits_of(layer)) is None or waits <= allowed)
        )


@dataclass(frozen=True, slots=True)
class _Way:
    """A path that is not at its end."""

    start: Start
    sample: int
    time: int
    spike: object
    membranes: tuple[Membrane, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    crossed: bool = False
    traced: bool = False

    def then(self, membrane):
        kinds = {edge.kind for edge in membrane.edges}
        return _Way(
            self.start,
            self.sample,
            self.time,
            self.spike,
            (*self.membranes, membrane),
            self.crossings,
            self.crossed or RESET in kinds,
            self.traced or TRACE in kinds,
        )

    def over(self, crossing):
        return _Way(
            self.start,
            self.sample,
            self.time,
            self.spike,
            self.membranes,
            (*self.crossings, crossing),
            self.crossed,
            self.traced,
        )


def _fits(before, edge):
    """No method crosses resets on a path that a trace carries."""
    if edge.kind == LEAK or not before:
        return True
    other = RESET if edge.kind == TRACE else TRACE
    return all(each.kind != other for each in before)


def count(unrolled: Unrolled, keep: Selection, start: Start, nonzero: bool = False) -> int:
    """How many paths `Enumeration(unrolled, keep, nonzero).paths(start)` has, without walking along them.

    From the last time step back: how many ways lead on from each membrane, of paths that a trace carries apart.
    """
    if not nonzero:  # then all samples have as many
        return unrolled.batch_size * _Count(unrolled, keep, start, 0, False).total()
    return sum(_Count(unrolled, keep, start, b, True).total() for b in range(unrolled.batch_size))


class _Count:
    """The number of paths of one sample, from the last time step back."""

    def __init__(self, unrolled, keep, start, b, nonzero):
        self.unrolled, self.keep, self.start, self.b, self.nonzero = unrolled, keep, start, b, nonzero
        network: Network = unrolled.network
        self._sizes = [size for (size,) in network.shapes]
        self._onwards = self._table(traced=False)  # (l, i, t) → (paths without a reset from here on, with)
        self._traced = self._table(traced=True) if keep.traces else {}

    def total(self):
        unrolled, start, total = self.unrolled, self.start, 0
        by_trace = self._by_trace()
        for t in range(unrolled.time_steps):
            spike = 1 if start.j is None else unrolled.source(start.connection, t, self.b, start.j)
            if not self._is(spike):
                continue
            none, some = self._onwards[start.layer, start.i, t]
            none += by_trace[t]
            total += {"none": none, "some": some, "any": none + some}[self.keep.resets]
        return total

    def _is(self, number):
        """Whether a factor counts."""
        return not self.nonzero or bool(number != 0)

    def _table(self, traced):
        steps = self.unrolled.time_steps
        table: dict[tuple[int, int, int], tuple[int, int]] = {}
        for t in reversed(range(steps)):
            for l in reversed(range(len(self._sizes))):
                for i in range(self._sizes[l]):
                    table[l, i, t] = self._from(table, l, i, t, traced)
        return table

    def _from(self, table, l, i, t, traced):
        """Ways from membrane i of layer l, in which a path is at t: without another reset, and with one or more."""
        none, some = self._leaving(table, l, i, t, traced)
        may_wait = self.keep.may_wait(l, self.start.layer) and not traced
        if may_wait and t + 1 < self.unrolled.time_steps:
            later_none, later_some = table[l, i, t + 1]
            for edge in self.unrolled.edges(self.b, l, i, t):
                if not self._is(edge.factor):
                    continue
                if edge.kind == LEAK:
                    none, some = none + later_none, some + later_some
                elif self.keep.resets != "none":
                    some += later_none + later_some
        return none, some

    def _leaving(self, table, l, i, t, traced):
        unrolled, none, some = self.unrolled, 0, 0
        if not self._is(unrolled.surrogate_derivative(self.b, l, i, t)):
            return 0, 0
        if l + 1 == len(self._sizes):
            none += self._is(unrolled.error(self.b, i, t))
        for connection, weights in unrolled.ways(l):
            arrives = t + connection.delay
            if arrives >= unrolled.time_steps or (connection.loop and (traced or not self.keep.loops)):
                continue
            for k, row in enumerate(weights):
                if self._is(row[i]):
                    onwards_none, onwards_some = table[connection.target, k, arrives]
                    none, some = none + onwards_none, some + onwards_some
        return none, some

    def _by_trace(self):
        """By t, paths that wait in the membrane that they enter at t by at least one edge of a trace.

        From the last time step back, as the tables: what leads on after such an edge, and what may still come to one.
        """
        start, keep, unrolled = self.start, self.keep, self.unrolled
        steps = unrolled.time_steps
        found = [0] * (steps + 1)
        if not (keep.traces and keep.resets != "some" and keep.may_wait(start.layer, start.layer)):
            return found
        after = 0
        for t in reversed(range(steps)):
            trace = unrolled.trace_edge(start.connection, self.b, start.i, start.j, t)
            traces = int(trace is not None and self._is(trace.factor))
            leaks = sum(
                edge.kind == LEAK and self._is(edge.factor) for edge in unrolled.edges(self.b, start.layer, start.i, t)
            )
            found[t] = leaks * found[t + 1] + traces * after
            after = self._leaving(self._traced, start.layer, start.i, t, True)[0] + (leaks + traces) * after
        return found
