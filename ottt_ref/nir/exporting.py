"""A network as a NIR graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..network.layers import INPUTS
from ..network.network import Network, require_network
from ..network.operations import Chain, Operation
from ..validation import require_dtype, require_flag, require_positive
from .neurons import neuron_node
from .operations import delay_node, operation_node
from .package import KEY, package

if TYPE_CHECKING:
    import nir

VERSION = 2  # of 1, v_threshold is the threshold itself, which fires at >= here and at > in NIR
INPUT, OUTPUT = "input", "output"


def to_graph(network: Network, *, dt: float = 1.0, accept_hard_reset: bool = False) -> nir.NIRGraph:
    """The network as a nir.NIRGraph.

    network             of float64 or float32; its operations Dense, Conv2d, Conv1d, AveragePool2d, Flatten, Scale and
                        ChannelScale, its neurons LIF, CubaLIF and Integrator
    dt                  the length of a time step, above 0; NIR's time constants have its unit
    accept_hard_reset   whether it is accepted that other tools give neurons of a soft or unleaked reset a hard one

    Nodes are called layer0, layer1, ... (a stateless readout is none), operations layer0_0_affine,
    layer1_recurrent_0_linear and so on. Parameters are copied. What NIR cannot say is kept in the nodes' metadata,
    which other tools do not read. NIR knows the hard reset alone: with another one, they compute other spikes.
    Raises ModuleNotFoundError without the package nir, TypeError for exact numbers, ValueError that names an operation
    or neurons that NIR has not, or a layer whose reset is not hard where that is not accepted.

    >>> import ottt_ref as ot, ottt_ref.nir
    >>> graph = ot.nir.to_graph(ot.dense_network([2, 3, 1], decay=0.75, reset="hard", rng=0), dt=0.5)
    >>> sorted(graph.nodes)
    ['input', 'layer0', 'layer0_0_affine', 'output', 'readout_0_affine']
    >>> graph.nodes["layer0"].tau
    array([2., 2., 2.])
    """
    require_dtype("network.dtype", require_network(network).dtype)
    dt = float(require_positive("dt", dt))
    if not require_flag("accept_hard_reset", accept_hard_reset):
        _require_hard_resets(network)
    nir = package()
    nodes = {INPUT: nir.Input(np.array(network.input_shape))}
    names = _layer_nodes(network, dt, nodes)
    edges: list[tuple[str, str]] = []
    for connection in _in_order(network):
        _add_connection(network, connection, dt, names, nodes, edges)
    if names[-1] != OUTPUT:
        edges.append((names[-1], OUTPUT))
    nodes[OUTPUT] = nir.Output(np.array(network.shapes[-1]))
    # not checked by nir, which computes the shape of what a window that is no square gives wrongly
    return nir.NIRGraph(nodes, edges, metadata={KEY: {"version": VERSION, "dt": dt}}, type_check=False)


def _require_hard_resets(network):
    for l in network.spiking:
        reset = getattr(network.layers[l].neuron, "reset", "hard")
        if reset != "hard":
            raise ValueError(
                f"layers[{l}] must have the reset 'hard', the only one of NIR, got {reset!r}: with "
                "accept_hard_reset=True (--accept-hard-reset) it is written as one, which other tools compute with; "
                "ottt_ref alone reads what it was"
            )


def _layer_nodes(network, dt, nodes):
    """Add the node of each layer; the name of the node where its currents arrive, by layer."""
    names = [f"layer{l}" for l in range(len(network.layers))]
    for l, layer in enumerate(network.layers):
        if not layer.neuron.stateless:
            nodes[names[l]] = neuron_node(layer.neuron, network.shapes[l], network.dtype, dt, l)
        elif l < len(names) - 1 or any(not operations_in(connection.operations) for connection in network.incoming(l)):
            nodes[names[l]] = _sum_node(network.shapes[l], network.dtype, l)
        else:
            names[l] = OUTPUT
    return names


def _sum_node(shape, dtype, layer):
    return package().Scale(np.ones(shape, dtype), metadata={KEY: {"layer": layer, "sum": True}})


def _in_order(network):
    """The connections as they are read back: those of the row of layers, then the others as they were given."""
    row = [network.incoming(l)[0] for l in range(len(network.layers))]
    rest = [connection for connection in network.connections if not any(connection is each for each in row)]
    given = {(back.source, back.target, True): k for k, back in enumerate(network.feedback)}
    given |= {(skip.source, skip.target, False): k for k, skip in enumerate(network.skips)}
    return row + sorted(rest, key=lambda each: given.get((each.source, each.target, each.loop), -1))


def operations_in(operation: Operation) -> list[Operation]:
    """The operations of a chain, of chains in it, too, one after the other."""
    if not isinstance(operation, Chain):
        return [operation]
    return [each for part in operation.operations for each in operations_in(part)]


def _add_connection(network, connection, dt, names, nodes, edges):
    previous, target = INPUT if connection.source == INPUTS else names[connection.source], names[connection.target]
    shape, late = connection.input_shape, connection.delay - connection.loop
    if late:  # a loop is late by one time step without a word
        name = f"{_prefix(connection.name)}_delay"
        nodes[name] = delay_node(connection.delay, shape, network.dtype, dt)
        edges.append((previous, name))
        previous = name
    for k, operation in enumerate(operations_in(connection.operations)):
        node = operation_node(operation, shape, network.dtype, f"connection {connection.name}")
        name = f"{_prefix(connection.name)}_{k}_{type(node).__name__.lower()}"
        nodes[name] = node
        edges.append((previous, name))
        previous, shape = name, operation.output_shape(shape)
    if (previous, target) in edges:
        raise ValueError(f"connection {connection.name} must have an operation, or be the only one between its layers")
    edges.append((previous, target))


def _prefix(name):
    """A connection's name without dots, which torch does not allow in a module's."""
    return name.replace(f"skip{INPUTS}", "skip_input").replace(".", "_")
