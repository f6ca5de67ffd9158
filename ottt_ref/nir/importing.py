"""A NIR graph as a network."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..network.layers import INPUTS, Feedback, Layer, Skip
from ..network.network import Network
from ..network.neurons import RESETS, Integrator
from ..network.surrogate import Surrogate
from ..validation import FLOAT_DTYPES, require_choice, require_positive, require_size
from .exporting import VERSION
from .neurons import Read, neuron_from
from .operations import delay_from, joined, operations_from, scale_by, with_current
from .package import agreed, kept, kind_of, package
from .structure import is_sum, structure_of
from .values import described, field_name

if TYPE_CHECKING:
    import nir

DT_ADVICE = "the length of a time step in the unit of the graph's time constants (1e-4 for snnTorch)"


def from_graph(
    graph: nir.NIRGraph,
    *,
    dt: float | None = None,
    reset: Literal["soft", "hard", "unleaked"] | None = None,
    surrogate: Surrogate | None = None,
    input_shape: Sequence[int] | None = None,
) -> Network:
    """The network that a nir.NIRGraph is.

    dt           the length of a time step in the unit of the graph's time constants, above 0
    reset        "soft", "hard" or "unleaked": what a spike does to the potential, in all layers
    surrogate    the surrogate derivative of all layers; Sigmoid() if not given
    input_shape  of one sample, such as (3,), where the graph's own shape of the input has a batch in it, too

    A graph that ottt_ref wrote says all of it, and what is given must not differ from it; a foreign one does not say dt
    and reset. The network has copies of the parameters, in their dtype. Its potentials are those of the graph less
    v_leak (the package's docstring has all of it).

    Warns of edges that call a node by another name than its own. Raises ModuleNotFoundError without the package nir,
    TypeError for what is no graph, and ValueError that names the argument that is missing, or the node and what it has
    that ottt_ref has not.

    >>> import ottt_ref as ot, ottt_ref.nir
    >>> network = ot.dense_network([2, 3, 1], decay=0.75, reset="hard", rng=0)
    >>> again = ot.nir.from_graph(ot.nir.to_graph(network, dt=0.5))
    >>> again.layers[0].neuron == network.layers[0].neuron
    True
    """
    nir = package()
    if not isinstance(graph, nir.NIRGraph):
        raise TypeError(f"graph must be a nir.NIRGraph, got {graph!r}")
    _require_arguments(dt, reset, surrogate)
    dt = agreed("dt", _kept_dt(graph), dt, DT_ADVICE)
    structure = structure_of(graph)
    shape = _input_shape(structure.nodes[structure.input], input_shape)
    conventions = dict(dt=dt, reset=reset, surrogate=surrogate, version=kept(graph).get("version"))
    try:
        return Network(**_arguments(structure, shape, {**conventions, "dtype": _weights_dtype(structure)}))
    except TypeError as error:  # of nodes with arrays of several dtypes
        raise ValueError(f"the graph must describe a network: {error}{_dtypes(structure.nodes)}") from None
    except ValueError as error:
        raise ValueError(_with_nodes(str(error), structure.layers)) from None


def _dtypes(nodes):
    """Which node has weights of which dtype, as text."""
    weights = {name: np.asarray(node.weight).dtype for name, node in nodes.items() if hasattr(node, "weight")}
    return "".join(f", node {name!r} {dtype}" for name, dtype in weights.items())


def _with_nodes(message, layers):
    """The message with the node's name behind the number of each layer."""

    def named(found):
        return f"{found[0]} (node {layers[int(found[1])]!r})" if int(found[1]) < len(layers) else found[0]

    return re.sub(r"layers\[(\d+)\]", named, message)


def _kept_dt(graph):
    """The time step in the metadata of a graph that ottt_ref wrote; None in a foreign one."""
    annotation = kept(graph)
    version = annotation.get("version")
    if annotation and not (isinstance(version, int) and 1 <= version <= VERSION):
        raise ValueError(f"the metadata must be of version 1 to {VERSION}, got version {version!r}")
    dt = annotation.get("dt")
    if annotation and not (isinstance(dt, float) and 0 < dt < math.inf):
        raise ValueError(f"dt in the metadata must be a number above 0, got {dt!r}")
    return dt


def _weights_dtype(structure):
    """The dtype of the first weight, which is that of the network; float64 where there is none."""
    for node in structure.nodes.values():
        dtype = np.asarray(getattr(node, "weight", None)).dtype
        if dtype in FLOAT_DTYPES:
            return dtype
    return np.dtype(np.float64)


def _require_arguments(dt, reset, surrogate):
    if dt is not None:
        require_positive("dt", dt)
    if reset is not None:
        require_choice("reset", reset, RESETS)
    if surrogate is not None and (not isinstance(surrogate, Surrogate) or type(surrogate) is Surrogate):
        raise TypeError(f"surrogate must be a surrogate such as Sigmoid(alpha=4.0), got {surrogate!r}")


def _input_shape(node, given):
    """The shape of one sample; the one that is given where a batch is in the graph's."""
    if given is not None:
        if not isinstance(given, tuple | list) or not given:
            raise TypeError(f"input_shape must be a shape such as (3, 32, 32), got {given!r}")
        return tuple(require_size(f"input_shape[{k}]", length) for k, length in enumerate(given))
    shape = np.asarray(node.input_type["input"])
    if shape.dtype.kind not in "iu" or shape.ndim != 1 or shape.size == 0 or np.any(shape < 1):
        raise ValueError(f"the shape of the Input node must hold whole numbers of at least 1, got {shape!r}")
    return tuple(require_size("the shape of the Input node", int(length)) for length in shape)


def _arguments(structure, input_shape, conventions):
    """The arguments of Network."""
    numbers = {structure.input: INPUTS, **{name: l for l, name in enumerate(structure.layers)}}
    row = [_from_before(structure, l) for l in range(len(structure.layers))]
    shapes, read = {structure.input: input_shape}, {}
    for way in row:
        shapes[way.target] = _along(structure, way, shapes, conventions)[1]
        read[way.target] = _neuron(structure, way.target, shapes, conventions)

    def connection(way):
        return _connection(structure, way, shapes, conventions, read[way.target], own=way in row)

    rest, recurrent = [], {}
    for way in structure.ways:
        source, target = numbers[way.source], numbers[way.target]
        _require_no_leak(structure, way.source)
        if source == target and source in recurrent:
            raise ValueError(f"node {way.source!r} must have one way back to itself, got more")
        if source == target:
            operations, delay = connection(way)
            recurrent[target] = {"recurrent": operations, "recurrent_delay": max(delay, 1)}
        elif way not in row:
            operations, delay = connection(way)
            rest.append((source, target, operations, delay if source < target else max(delay, 1)))
    layers = []
    for l, (way, each) in enumerate(zip(row, read.values())):
        operations, delay = connection(way)
        layers.append(Layer(operations, each.neuron, delay=delay, **recurrent.get(l, {})))
    skips = [Skip(*each) for each in rest if each[0] < each[1]]
    feedback = [Feedback(*each) for each in rest if each[0] > each[1]]
    return {"layers": layers, "input_shape": input_shape, "skips": skips, "feedback": feedback}


def _require_no_leak(structure, source):
    """Potentials of leaky integrators count from v_leak here: of one that others take, that would be lost."""
    node = structure.nodes[source]
    if kind_of(node) == "LI" and np.any(node.v_leak):
        raise ValueError(
            f"{field_name(node, source, 'v_leak')} must be 0 of a stage that other nodes take, got "
            f"{described(np.asarray(node.v_leak))}"
        )


def _from_before(structure, l):
    """The way into layer l from the layer before it."""
    source, target = (structure.input, *structure.layers)[l : l + 2]
    for way in structure.ways:
        if (way.source, way.target) == (source, target):
            return way
    raise ValueError(f"node {target!r} must take something from {source!r}, the one before it, got nothing")


def _along(structure, way, shapes, conventions):
    """The operations on a way, the shape of their result, and by how many time steps it is late."""
    shape, operations, late = shapes[way.source], [], 0
    weighted = None
    for name in way.operations:
        node = structure.nodes[name]
        if kind_of(node) == "Delay":
            late += delay_from(node, name, shape, conventions["dt"], operations)
            continue
        more, shape = operations_from(node, name, shape, conventions["dtype"])
        if any(operation.parameter_names for operation in more):
            if weighted is not None:
                raise ValueError(
                    f"node {name!r} ({kind_of(node)}) must be the only one with weights between two layers, got node "
                    f"{weighted!r} before it: make one of the two, the product of their weights"
                )
            weighted = name
        operations += more
    return operations, shape, late


def _connection(structure, way, shapes, conventions, read, own):
    """The operation on a way with the factor on the currents of the neurons that it leads to, and its delay.

    own  whether it is the one way that brings the neurons' own current, too
    """
    operations, shape, late = _along(structure, way, shapes, conventions)
    try:
        if own and np.any(read.current):
            operations = with_current(operations, shapes[way.source], read.current, conventions["dtype"])
        if not (isinstance(read.gain, float) and read.gain == 1):
            operations.append(scale_by(read.gain, shape, conventions["dtype"]))
    except ValueError as error:
        raise ValueError(f"node {way.target!r} ({kind_of(structure.nodes[way.target])}): {error}") from None
    return joined(operations), late


def _neuron(structure, name, shapes, conventions):
    """What the node of a layer is."""
    node = structure.nodes[name]
    if is_sum(node) or kind_of(node) == "Output":
        if kind_of(node) == "Scale" and not np.all(np.asarray(node.scale) == 1):
            raise ValueError(f"node {name!r} (Scale): scale must be 1 for a sum of currents, got {node.scale!r}")
        return Read(Integrator())
    return neuron_from(node, name, shapes[name], **conventions)
