"""Which paths a sum takes in: where they may wait, whether they cross a reset, and what each method keeps.

    method      waits in                               loops   resets
    SLTT        nowhere                                no      none
    OTTT        the parameter's own layer              no      none
    OTPE        its own layer and the one above        no      none
    BPTT        every layer                            yes     none
    BPTT, kept  every layer                            yes     any number

OTPE is meant with the surrogate derivative of the time step itself, as one of the lattice's rules.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from ..network.network import Network, require_network
from ..validation import require_choice, require_count, require_flag, shown

Resets = Literal["none", "some", "any"]
RESETS: tuple[Resets, ...] = ("none", "some", "any")


@dataclass(frozen=True)
class Selection:
    """Which paths count.

    waits   the layers in whose membranes a path may wait: a set of them, or {layer of the parameter: set of layers}
            where it depends on the layer whose parameter the path starts from; None for every layer
    resets  how many reset edges a path may cross: "none", "any" number, or "some", at least one
    loops   whether a path may take a recurrent or feedback connection
    traces  whether a path may wait in its own layer by a trace alone, where the membrane itself holds nothing: of a
            stateless readout, and through a hard reset. OTTT does (claim Q1)

    Raises TypeError or ValueError that names the argument.

    >>> import ottt_ref as ot
    >>> ot.paths.Selection(waits={0}).waits_of(1), ot.paths.Selection().waits_of(1)
    (frozenset({0}), None)
    """

    waits: Collection[int] | Mapping[int, Collection[int]] | None = None
    resets: Resets = "none"
    loops: bool = True
    traces: bool = False

    def __post_init__(self) -> None:
        require_choice("resets", self.resets, RESETS)
        require_flag("loops", self.loops)
        require_flag("traces", self.traces)
        object.__setattr__(self, "waits", _frozen(self.waits))

    def waits_of(self, layer: int) -> frozenset[int] | None:
        """Where paths that start in `layer` may wait; None for everywhere."""
        if isinstance(self.waits, Mapping):
            if layer not in self.waits:
                raise ValueError(f"waits must say where paths of layer {layer} may wait, got {shown(self.waits)}")
            return frozenset(self.waits[layer])
        return self.waits  # type: ignore[return-value]  # __post_init__ has made a frozenset of it

    def may_wait(self, l: int, layer: int) -> bool:
        """Whether a path that starts in `layer` may wait in the membranes of layer l."""
        allowed = self.waits_of(layer)
        return allowed is None or l in allowed


def _frozen(waits):
    if waits is None:
        return None
    if isinstance(waits, Mapping):
        return {require_count("waits", layer, 0): _layers(each) for layer, each in waits.items()}
    return _layers(waits)


def _layers(given):
    try:
        layers = list(given)
    except TypeError:  # also an array without an axis, which says that it can be iterated over
        layers = None
    if layers is None or isinstance(given, str):
        raise TypeError(f"waits must be a set of layers, or one for each layer, or None, got {shown(given)}")
    return frozenset(require_count("waits", l, 0) for l in layers)


@dataclass(frozen=True)
class Keeps:
    """What a method keeps.

    label      how people write the method
    membranes  in how many layers, from the parameter's own on upwards, a path may wait; None for all
    loops, resets, traces   as of `Selection`

    >>> import ottt_ref as ot
    >>> ot.paths.METHODS["otpe"].label, ot.paths.METHODS["otpe"].selection(layers=2).waits
    ('OTPE', {0: frozenset({0, 1}), 1: frozenset({1})})
    """

    label: str
    membranes: int | None
    loops: bool = False
    resets: Resets = "none"
    traces: bool = False

    def selection(self, layers: int) -> Selection:
        """The Selection in a network of so many layers."""
        if self.membranes is None:
            return Selection(None, self.resets, self.loops, self.traces)
        waits = {l: frozenset(range(l, min(l + self.membranes, layers))) for l in range(layers)}
        return Selection(waits, self.resets, self.loops, self.traces)


#: The methods whose gradients are sums over paths, from the fewest paths to the most.
METHODS: dict[str, Keeps] = {
    "sltt": Keeps("SLTT", 0),
    "ottt": Keeps("OTTT", 1, traces=True),
    "otpe": Keeps("OTPE", 2),
    "bptt": Keeps("BPTT", None, loops=True),
    "bptt-kept": Keeps("BPTT, reset kept", None, loops=True, resets="any"),
}


def kept_by(method: str, network: Network) -> Selection:
    """The Selection of a method, one of METHODS.

    Raises ValueError for another method.

    >>> import ottt_ref as ot
    >>> network = ot.dense_network([2, 3, 3, 2], readout="spiking", rng=0)
    >>> {l: sorted(layers) for l, layers in ot.paths.kept_by("otpe", network).waits.items()}
    {0: [0, 1], 1: [1, 2], 2: [2]}
    """
    require_choice("method", method, tuple(METHODS))
    return METHODS[method].selection(len(require_network(network).layers))


def require_selection(keep: str | Selection, network: Network) -> Selection:
    """A Selection of layers that there are, from one or from a method's name; TypeError or ValueError otherwise."""
    if isinstance(keep, str):
        if keep not in METHODS:
            raise ValueError(f"keep must be a Selection or one of {', '.join(METHODS)}, got {keep!r}")
        return kept_by(keep, network)
    if not isinstance(keep, Selection):
        raise TypeError(f"keep must be a Selection or one of {', '.join(METHODS)}, got {shown(keep)}")
    count = len(network.layers)
    layers = range(count)
    if isinstance(keep.waits, Mapping) and set(keep.waits) != set(layers):
        raise ValueError(f"keep.waits must have an entry for each of the {count} layers, got {sorted(keep.waits)}")
    for l in layers:
        beyond = sorted((keep.waits_of(l) or frozenset()) - set(layers))
        if beyond:
            raise ValueError(f"keep.waits must hold layers 0 .. {count - 1}, got {beyond[0]}")
    return keep


def methods_of(network: Network, layer: int, keep: Selection) -> tuple[str, ...]:
    """The methods that keep, of the parameters of a layer, the same paths as the Selection does.

    In the last layer there is no layer above, so that waiting there alone is OTTT, OTPE and BPTT at once:

    >>> import ottt_ref as ot
    >>> network = ot.dense_network([2, 3, 2], readout="spiking", rng=0)
    >>> [ot.paths.methods_of(network, l, ot.paths.Selection(waits={1})) for l in range(2)]
    [(), ('ottt', 'otpe', 'bptt')]
    """
    require_network(network)
    if require_count("layer", layer, 0) >= len(network.layers):
        raise ValueError(f"layer must be one of 0 .. {len(network.layers) - 1}, got {layer}")
    asked = _what_matters(network, layer, require_selection(keep, network))
    return tuple(name for name in METHODS if _what_matters(network, layer, kept_by(name, network)) == asked)


def _what_matters(network, layer, keep):
    """What of a Selection can make a difference to the paths that start in a layer."""
    reached, loops = _reached(network, layer, keep.loops)
    neurons = [each.neuron for each in network.layers]
    membranes = {l for l in reached if not neurons[l].stateless}
    waits = {l for l in membranes if keep.may_wait(l, layer)}
    resets = any(neurons[l].spiking for l in waits)
    own = neurons[layer]
    traced = own.stateless or getattr(own, "reset", None) == "hard"
    traces = keep.traces and traced and keep.may_wait(layer, layer)
    return waits, loops, keep.resets if resets else keep.resets == "some", traces


def _reached(network, layer, loops):
    """The layers that paths from a layer can reach, and whether one of them takes a loop on the way."""
    reached, new, looped = set(), {layer}, False
    while new:
        reached |= new
        ways = [way for l in new for way in network.outgoing(l) if loops or not way.loop]
        looped = looped or any(way.loop for way in ways)
        new = {way.target for way in ways} - reached
    return reached, looped
