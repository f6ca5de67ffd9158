"""Graphs inside graphs, and recurrent layers in either form."""

import time

import nir as peer
import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import nir

from .graphs import linear, linked, neurons, row
from .test_graphs import assert_same

OPTIONS = {"dt": 1.0, "reset": "hard"}


def weights(rng, n_out, n_in):
    return peer.Affine(rng.normal(0.0, 1.0, (n_out, n_in)), rng.uniform(0.3, 0.9, n_out))


def recurrent_parts(seed=0):
    rng = np.random.default_rng(seed)
    parts = {"fc1": weights(rng, 4, 3), "lif": neurons("LIF", 4), "w_rec": weights(rng, 4, 4)}
    return {**parts, "fc2": weights(rng, 2, 4), "lif2": neurons("LIF")}


def flat(seed=0):
    """As nirtorch writes it flat: the names of the nodes inside begin with the layer's."""
    parts = recurrent_parts(seed)
    nodes = {"input": peer.Input(np.array([3])), "fc1": parts["fc1"], "lif1.lif": parts["lif"]}
    nodes |= {"lif1.w_rec": parts["w_rec"], "fc2": parts["fc2"], "lif2": parts["lif2"]}
    nodes["output"] = peer.Output(np.array([2]))
    edges = ["input fc1", "fc1 lif1.lif", "lif1.lif lif1.w_rec", "lif1.w_rec lif1.lif", "lif1.lif fc2", "fc2 lif2"]
    return peer.NIRGraph(nodes, [tuple(edge.split()) for edge in [*edges, "lif2 output"]])


def nested(seed=0, called="lif", edges_say="lif", checked=False):
    """The same with a graph inside, as snnTorch makes it of a recurrent layer."""
    parts = recurrent_parts(seed)
    inside = {"input": peer.Input(np.array([4])), called: parts["lif"], "w_rec": parts["w_rec"]}
    inside["output"] = peer.Output(np.array([4]))
    edges = ["input lif", "lif w_rec", "w_rec lif", "lif output"]
    named = [tuple(edges_say if end == "lif" else end for end in edge.split()) for edge in edges]
    inner = peer.NIRGraph(inside, named, type_check=checked)
    return row_of(fc1=parts["fc1"], lif1=inner, fc2=parts["fc2"], lif2=parts["lif2"], checked=checked)


def row_of(checked=False, **nodes):
    named = {"input": peer.Input(np.array([3])), **nodes, "output": peer.Output(np.array([2]))}
    return peer.NIRGraph(named, list(zip(list(named), list(named)[1:])), type_check=checked)


def recurrent_euler(seed, inputs):
    """Spikes of both layers by NIR's equations: what comes back is of the step before."""
    parts = recurrent_parts(seed)
    potentials, back, record = [np.zeros((inputs.shape[1], size)) for size in (4, 2)], 0, [[], []]
    spikes = np.zeros((inputs.shape[1], 4))
    for values in inputs:
        back = spikes @ parts["w_rec"].weight.T + parts["w_rec"].bias
        for l, (synapses, node) in enumerate([("fc1", "lif"), ("fc2", "lif2")]):
            current = values @ parts[synapses].weight.T + parts[synapses].bias + (back if l == 0 else 0)
            potentials[l] = potentials[l] + (-potentials[l] + parts[node].r * current) / parts[node].tau
            values = (potentials[l] > 1).astype(float)
            potentials[l] = np.where(values == 1, 0.0, potentials[l])
            record[l].append(values)
        spikes = record[0][-1]
    return [np.stack(values) for values in record]


@pytest.mark.parametrize("seed", [0, 2])
def test_recurrent_layers_in_either_form_are_the_same_network(seed):
    networks = [nir.from_graph(graph, **OPTIONS) for graph in (flat(seed), nested(seed, checked=True))]
    assert_same(*networks)
    assert isinstance(networks[0].layers[0].recurrent, ot.Dense)
    inputs = np.random.default_rng(seed).integers(0, 2, (20, 5, 3)).astype(float)
    spikes = ot.simulate(networks[1], inputs).spikes
    for ours, theirs in zip(spikes, recurrent_euler(seed, inputs)):
        assert np.array_equal(ours, theirs) and 0.02 < ours.mean() < 0.98


@pytest.mark.slow
def test_both_forms_are_the_same_in_files(tmp_path):
    networks = []
    for name, graph in (("flat", flat()), ("nested", nested(checked=True))):
        peer.write(tmp_path / f"{name}.nir", graph)
        networks.append(nir.read(tmp_path / f"{name}.nir", **OPTIONS))
    assert_same(*networks)


def test_edges_that_call_the_only_unused_node_by_another_name_mean_it():
    """As in the nested Braille graphs of the NIR paper, which the package nir itself does not read any more."""
    graph = nested(called="lif1")
    with pytest.raises(ValueError, match="does not exist in the graph"):
        graph.infer_types()
    said = "edges name 'lif1.lif', which there is not: taken for 'lif1.lif1'"
    with pytest.warns(UserWarning, match=said):
        network = nir.from_graph(graph, **OPTIONS)
    assert_same(network, nir.from_graph(nested(), **OPTIONS))


@pytest.mark.slow
def test_a_file_with_such_edges_is_read(tmp_path):
    peer.write(tmp_path / "net.nir", nested(called="lif1"))
    with pytest.warns(UserWarning, match="edges name 'lif1.lif'"):
        network = nir.read(tmp_path / "net.nir", **OPTIONS)
    assert_same(network, nir.from_graph(nested(), **OPTIONS))


def test_edges_are_not_guessed_where_two_nodes_or_names_are_in_question():
    graph = nested(called="lif1")
    graph.nodes["lif1"].nodes["unused"] = linear(4, 4)
    with pytest.raises(ValueError, match=r"edges must join nodes that there are, got 'lif1.lif' in \('input', 'lif'\)"):
        nir.from_graph(graph, **OPTIONS)
    graph = nested(called="lif1")
    graph.nodes["lif1"].edges.append(("w_rec", "nobody"))
    with pytest.raises(ValueError, match=r"edges must join nodes that there are, got 'lif1\.lif'"):
        nir.from_graph(graph, **OPTIONS)


def test_errors_lead_from_the_outside_in():
    inner = linked(["in cell", "cell out"], cell=neurons("LIF", tau=np.full(2, 0.5)))
    graph = linked(["in a", "a outer", "outer out"], a=linear(), outer=linked(["in g", "g out"], g=inner))
    with pytest.raises(ValueError, match=r"node 'outer.g.cell' \(LIF\): tau must be at least dt"):
        nir.from_graph(graph, **OPTIONS)
    inner.nodes["more"] = peer.Output(np.array([2]))
    with pytest.raises(ValueError, match=r"graph 'outer.g' must have one Output node, got \['outer.g.out', 'outer.g.m"):
        nir.from_graph(graph, **OPTIONS)


def test_nodes_of_one_name_from_two_depths_are_refused():
    graph = flat()
    graph.nodes["lif1"] = linked(["in lif", "lif out"], lif=neurons("LIF"))
    with pytest.raises(ValueError, match=r"nodes must have names of their own, got 'lif1.lif' twice"):
        nir.from_graph(graph, **OPTIONS)


def test_a_graph_of_wires_alone_is_passed_through():
    wires = linked(["in inner", "inner out"], inner=linked(["in out"]))
    network = nir.from_graph(row(linear(), wires, neurons("LIF")), **OPTIONS)
    assert_same(network, nir.from_graph(row(linear(), neurons("LIF")), **OPTIONS))


@pytest.mark.parametrize("edges", [["g0 g0"], ["g0 g1", "g1 g0"]])
def test_a_loop_of_wires_alone_is_refused_by_name(edges):
    graph = row(linear(), linked(["in out"]), neurons("LIF"))
    names = {"g0": "1", "g1": "g1"}
    graph.nodes["g1"] = linked(["in out"])
    graph.edges += [tuple(names[name] for name in edge.split()) for edge in edges]
    with pytest.raises(ValueError, match=r"node '.*out' must lie between neurons, .* got a loop of wires alone"):
        nir.from_graph(graph, **OPTIONS)


def itself():
    graph = linked(["in a", "a out"], a=neurons("LIF"))
    graph.nodes["a"] = graph
    return graph


def deep():
    graph = linked(["in a", "a out"], a=neurons("LIF"))
    for _ in range(100):
        graph = linked(["in a", "a out"], a=graph)
    return graph


def multiplied(inside, levels=7, times=1000):
    """Each level holds the one below many times: no more than a few objects, 10^21 nodes."""
    for _ in range(levels):
        names = [f"g{k}" for k in range(times)]
        edges = ["in g0", *(f"{a} {b}" for a, b in zip(names, names[1:])), f"g{times - 1} out"]
        inside = linked(edges, **dict.fromkeys(names, inside))
    return inside


def tangled(size=120):
    """Graphs of wires alone, all joined to all: each that is passed through multiplies the edges."""
    names = [f"g{k}" for k in range(size)]
    edges = [f"{a} {b}" for a in names for b in names if a != b]
    return linked(["in g0", *edges[:8000], "g1 out"], **{name: linked(["in out"]) for name in names})


HOSTILE = {
    "in itself": (itself, r"graphs must be nested at most 8 deep, got more in 'a(\.a){7}'"),
    "deep": (deep, "graphs must be nested at most 8 deep, got more in"),
    "multiplied neurons": (lambda: multiplied(linked(["in a", "a out"], a=neurons("LIF"))), "at most 2048 nodes"),
    "multiplied wires": (lambda: multiplied(linked(["in out"])), "at most 2048 nodes"),
    "tangled": (tangled, "a graph must have at most 8192 edges, got more at node"),
    "wide": (lambda: linked(["in out"], **{f"n{k}": linear() for k in range(3000)}), "at most 2048 nodes"),
    "many edges": (lambda: linked(["in out"] * 9000), "at most 2048 nodes and 8192 edges"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_graphs_are_refused_at_once(kind):
    make, complaint = HOSTILE[kind]
    graph = make()
    began = time.process_time()
    with pytest.raises(ValueError, match=complaint):
        nir.from_graph(graph, **OPTIONS)
    assert time.process_time() - began < 2.0
