"""One path of a gradient, as a value: from a presynaptic spike through membranes and weights to an output error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Value = Any  # a float, a Fraction, or any other kind of number that a network has

LEAK: Literal["leak"] = "leak"
RESET: Literal["reset"] = "reset"
TRACE: Literal["trace"] = "trace"


@dataclass(frozen=True, slots=True)
class Edge:
    """One time step of waiting, from t to t + 1.

    kind    "leak", by what the membrane keeps of its potential; "reset", over the reset by a spike; "trace", where the
            membrane keeps nothing, but OTTT's trace does
    factor  what it multiplies by

    >>> import ottt_ref as ot
    >>> ot.paths.Edge("leak", time=0, factor=0.5)
    Edge(kind='leak', time=0, factor=0.5)
    """

    kind: Literal["leak", "reset", "trace"]
    time: int
    factor: Value


@dataclass(frozen=True, slots=True)
class Membrane:
    """A membrane on a path's way: it arrives, may wait, and leaves by the surrogate's derivative.

    edges                 one for each time step of waiting, from `arrives` to `leaves`
    surrogate_derivative  ψ at `leaves`; 1 of a neuron that does not spike
    spiking               whether its neuron spikes

    >>> import ottt_ref as ot
    >>> waiting = ot.paths.Edge("leak", time=1, factor=0.5)
    >>> membrane = ot.paths.Membrane(0, 2, arrives=1, leaves=2, edges=(waiting,), surrogate_derivative=0.75)
    >>> membrane.leaves - membrane.arrives == len(membrane.edges)
    True
    """

    layer: int
    neuron: int
    arrives: int
    leaves: int
    edges: tuple[Edge, ...]
    surrogate_derivative: Value
    spiking: bool = True


@dataclass(frozen=True, slots=True)
class Crossing:
    """A weight on a path's way, between two membranes.

    connection  its name: "layer1", "layer0.recurrent", ...
    index       (target neuron, source neuron), of `connection.weight`
    loop        whether it is recurrent or feedback

    >>> import ottt_ref as ot
    >>> ot.paths.Crossing("layer1", (0, 2), weight=1.25, leaves=3, arrives=3).loop
    False
    """

    connection: str
    index: tuple[int, int]
    weight: Value
    leaves: int
    arrives: int
    loop: bool = False


@dataclass(frozen=True, slots=True)
class Factor:
    """One of the numbers whose product a contribution is.

    kind  "spike" (or current, or potential), "one", "leak", "reset", "trace", "surrogate", "weight" or "error"
    name  what it is, in words and symbols

    >>> import ottt_ref as ot
    >>> ot.paths.Factor("weight", "layer1.weight[0, 2]", 1.25).value
    1.25
    """

    kind: str
    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class Path:
    """One path of the gradient of one entry of a parameter.

    parameter, index  whose gradient: "layer0.weight", (i, j)
    layer          the layer whose membrane it enters first
    sample         b
    source         the layer that sent the spike, -1 for the inputs; None for a bias, whose input is always 1
    source_neuron  j; None for a bias
    source_time    when it was sent; before 0 where a delay reaches back beyond the sequence. Of a bias its arrival
    spike          what was sent: a spike, a current, a potential; 1 for a bias
    membranes      the membranes that it passes, in their order, each with its waiting
    crossings      the weights between them, one fewer
    output         the neuron of the last layer whose error it meets, when it leaves that
    output_error   ∂L[t]/∂o there
    contribution   the product of all its factors
    methods        which methods keep it, of `paths.METHODS`

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([1, 1, 1], decay=0.5, readout="spiking", rng=0)
    >>> found = ot.paths.find(network, np.ones((2, 1, 1)), np.array([0]), "layer0.weight", (0, 0))
    >>> for path in found:
    ...     print([(m.arrives, m.leaves) for m in path.membranes], path.methods)
    [(0, 0), (0, 0)] ('sltt', 'ottt', 'otpe', 'bptt', 'bptt-kept')
    [(0, 0), (0, 1)] ('otpe', 'bptt', 'bptt-kept')
    [(0, 0), (0, 1)] ('bptt-kept',)
    [(0, 1), (1, 1)] ('ottt', 'otpe', 'bptt', 'bptt-kept')
    [(0, 1), (1, 1)] ('bptt-kept',)
    [(1, 1), (1, 1)] ('sltt', 'ottt', 'otpe', 'bptt', 'bptt-kept')
    >>> for factor in found[3].factors:
    ...     print(factor.name)
    input 0 at t = 0
    leak of layer 0 at t = 0
    ψ of neuron 0 of layer 0 at t = 1
    layer1.weight[0, 0]
    ψ of neuron 0 of layer 1 at t = 1
    error of output 0 at t = 1
    """

    parameter: str
    index: tuple[int, ...]
    layer: int
    sample: int
    source: int | None
    source_neuron: int | None
    source_time: int
    spike: Value
    membranes: tuple[Membrane, ...]
    crossings: tuple[Crossing, ...]
    output: int
    output_error: Value
    contribution: Value
    methods: tuple[str, ...]

    @property
    def arrives(self) -> int:
        """When it enters its first membrane."""
        return self.membranes[0].arrives

    @property
    def ends(self) -> int:
        """When it meets the output's error."""
        return self.membranes[-1].leaves

    @property
    def waits(self) -> frozenset[int]:
        """The layers in whose membranes it waits."""
        return frozenset(membrane.layer for membrane in self.membranes if membrane.edges)

    @property
    def resets(self) -> int:
        """How many reset edges it crosses."""
        return sum(edge.kind == RESET for membrane in self.membranes for edge in membrane.edges)

    @property
    def loops(self) -> int:
        """How many recurrent and feedback connections it takes."""
        return sum(crossing.loop for crossing in self.crossings)

    @property
    def traced(self) -> bool:
        """Whether it waits by a trace where the membrane holds nothing."""
        return any(edge.kind == TRACE for membrane in self.membranes for edge in membrane.edges)

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The numbers whose product the contribution is, in the order of the way."""
        result = [self._start()]
        for k, membrane in enumerate(self.membranes):
            result += [_waiting(membrane, edge) for edge in membrane.edges]
            if membrane.spiking:
                where = f"neuron {membrane.neuron} of layer {membrane.layer} at t = {membrane.leaves}"
                result.append(Factor("surrogate", f"ψ of {where}", membrane.surrogate_derivative))
            if k < len(self.crossings):
                crossing = self.crossings[k]
                result.append(Factor("weight", f"{crossing.connection}.weight{list(crossing.index)}", crossing.weight))
        result.append(Factor("error", f"error of output {self.output} at t = {self.ends}", self.output_error))
        return tuple(result)

    def _start(self):
        if self.source is None:
            return Factor("one", f"input 1 of the bias at t = {self.source_time}", self.spike)
        who = (
            f"input {self.source_neuron}" if self.source < 0 else f"neuron {self.source_neuron} of layer {self.source}"
        )
        return Factor("spike", f"{who} at t = {self.source_time}", self.spike)


def _waiting(membrane, edge):
    name = {
        LEAK: f"leak of layer {membrane.layer} at t = {edge.time}",
        RESET: f"reset of neuron {membrane.neuron} of layer {membrane.layer} at t = {edge.time}",
        TRACE: f"trace into layer {membrane.layer} at t = {edge.time}",
    }[edge.kind]
    return Factor(edge.kind, name, edge.factor)
