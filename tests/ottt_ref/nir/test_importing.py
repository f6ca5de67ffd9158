"""Graphs of other tools: which networks they are."""

import subprocess
import sys

import nir as peer
import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import nir

from ..general import case, lif
from .graphs import convolution, linear, linked, neurons, row, to_graph
from .test_graphs import assert_same, bare, there_and_back


def simulated(graph, inputs, **options):
    return ot.simulate(nir.from_graph(graph, dt=1.0, reset="hard", **options), inputs)


INPUTS = np.random.default_rng(0).normal(0.3, 1.0, (8, 3, 2))


def test_a_resistance_that_is_not_tau_over_dt_scales_the_current():
    network = nir.from_graph(row(linear(), neurons("LIF", r=np.ones(2))), dt=1.0, reset="hard")
    assert [type(operation) for operation in network.layers[0].synapses.operations] == [ot.Dense, ot.Scale]
    assert network.layers[0].synapses.operations[1].factor == 0.5
    assert_same(there_and_back(network), network)
    integrating = nir.from_graph(row(linear(), neurons("IF")), dt=0.25, reset="hard")
    assert (integrating.layers[0].neuron.decay, integrating.layers[0].synapses.operations[1].factor) == (1.0, 0.25)


def test_a_resistance_scales_what_comes_back_in_a_loop_too():
    graph = linked(
        ["in a", "a x", "x back", "back x", "x out"], a=linear(), x=neurons("LIF", r=np.ones(2)), back=linear()
    )
    layer = nir.from_graph(graph, dt=1.0, reset="hard").layers[0]
    assert [operation.factor for operation in (layer.synapses.operations[1], layer.recurrent.operations[1])] == [
        0.5,
        0.5,
    ]


@pytest.mark.parametrize("dt", [1.0, 1e-3, 1e-4, 0.3])
@pytest.mark.parametrize("decay", [0.0, 0.5, 0.75])
def test_a_time_constant_in_float32_is_one_of_a_time_step_in_float32(decay, dt):
    tau = np.full(2, np.float32(dt) / np.float32(1 - decay), np.float32)
    graph = row(linear(), neurons("LIF", tau=tau, r=(tau / np.float32(dt))))
    layer = nir.from_graph(graph, dt=dt, reset="hard").layers[0]
    assert layer.neuron.decay == decay and isinstance(layer.synapses, ot.Dense)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_beta_of_1_as_snntorch_writes_it_is_a_membrane_that_does_not_leak(tmp_path, dtype):
    """tau = dt / (1 - beta) and r = tau / dt are infinite both."""
    endless = np.full(2, np.inf, dtype)
    weight = peer.Linear(np.array([[0.5, 0.25], [0.25, 0.75]], dtype))
    graph = row(weight, neurons("LIF", tau=endless, r=endless, v_threshold=np.ones(2, dtype)))
    path = tmp_path / "endless.nir"
    peer.write(path, graph)
    inputs = np.random.default_rng(0).integers(0, 2, (6, 3, 2)).astype(dtype)
    for network in (nir.from_graph(graph, dt=1e-4, reset="hard"), nir.read(path, dt=1e-4, reset="hard")):
        assert network.layers[0].neuron.decay == 1.0 and isinstance(network.layers[0].synapses, ot.Dense)
        expected = simulated(row(weight, neurons("IF")), inputs)
        assert np.array_equal(ot.simulate(network, inputs).spikes[0], expected.spikes[0]) and expected.spikes[0].any()


def test_a_sum_pool_is_an_average_pool_and_a_scale():
    pool = peer.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
    graph = row(pool, peer.Flatten(None, 0, -1), linear(2, 4), neurons("LIF"), shape=(1, 4, 4))
    inputs = np.random.default_rng(0).random((5, 2, 1, 4, 4))
    sums = inputs.reshape(5, 2, 2, 2, 2, 2).sum(axis=(3, 5)).reshape(5, 2, 4)
    assert np.allclose(simulated(graph, inputs).layer_potentials[0][0], sums[0] @ np.ones((4, 2)))


@pytest.mark.parametrize(("padding", "pixels"), [("same", 1), ("valid", 0)])
def test_paddings_with_a_name_are_numbers(padding, pixels):
    size = 32 if pixels else 8
    nodes = [convolution(padding=padding), neurons("LIF", 1), peer.Flatten(None, 0, -1), linear(2, size)]
    network = nir.from_graph(row(*nodes, shape=(1, 4, 4)), dt=1.0, reset="hard")
    assert network.layers[0].synapses.padding == pixels


def test_a_graph_inside_a_graph_is_unfolded():
    inner = linked(["in cell", "cell back", "back cell", "cell out"], cell=neurons("LIF"), back=linear())
    outer = linked(["in a", "a inner", "inner out"], a=linear(), inner=linked(["in g", "g out"], g=inner))
    flat = linked(
        ["in a", "a cell", "cell back", "back cell", "cell out"], a=linear(), cell=neurons("LIF"), back=linear()
    )
    networks = [nir.from_graph(graph, dt=1.0, reset="soft") for graph in (outer, flat)]
    assert_same(*networks)
    assert isinstance(networks[0].layers[0].recurrent, ot.Dense)


def test_graphs_nested_too_deep_are_refused():
    graph = linked(["in a", "a out"], a=neurons("LIF"))
    for _ in range(8):
        graph = linked(["in a", "a out"], a=graph)
    with pytest.raises(ValueError, match="graphs must be nested at most 8 deep"):
        nir.from_graph(graph, dt=1.0, reset="hard")


def test_currents_that_meet_before_an_operation_are_summed():
    a, c = (np.random.default_rng(k).normal(0.3, 1, (2, 2)) for k in range(2))
    graph = linked(
        ["in a", "a x", "x c", "in c", "c y", "y out"],
        a=peer.Linear(a), x=neurons("LIF"), c=peer.Linear(c), y=neurons("LIF"),
    )  # fmt: skip
    activity = simulated(graph, INPUTS)
    assert len(activity.layer_outputs) == 3 and not np.array_equal(activity.layer_outputs[0], INPUTS)
    assert np.allclose(activity.layer_potentials[2][0], (activity.layer_outputs[0][0] + INPUTS[0]) @ c.T)


def test_a_current_that_parts_after_an_operation_goes_both_ways():
    a, b = (np.random.default_rng(k).normal(0.3, 1, (2, 2)) for k in range(2))
    graph = linked(
        ["in a", "a x", "x b", "b y", "a y", "y out"],
        a=peer.Linear(a), x=neurons("LIF"), b=peer.Linear(b), y=neurons("LIF"),
    )  # fmt: skip
    activity = simulated(graph, INPUTS)
    assert len(activity.layer_outputs) == 3
    assert np.allclose(activity.layer_outputs[0], INPUTS @ a.T)
    assert np.allclose(activity.layer_potentials[2][0], activity.layer_outputs[1][0] @ b.T + INPUTS[0] @ a.T)


def test_an_edge_that_closes_a_loop_delivers_the_spikes_of_the_step_before():
    lower = neurons("LIF", v_threshold=np.full(2, 0.5))  # which spikes, of potential 1, are above
    graph = linked(["in a", "a b", "b back", "back a", "b out"], a=neurons("LIF"), b=lower, back=linear())
    network = nir.from_graph(graph, dt=1.0, reset="hard")
    assert [(back.source, back.target) for back in network.feedback] == [(1, 0)]
    inputs = np.zeros((3, 1, 2))
    inputs[0] = 2.0
    activity = ot.simulate(network, inputs)
    assert activity.layer_potentials[0][:2, 0].tolist() == [[2.0, 2.0], [2.0, 2.0]]  # the second from the loop alone


def test_the_order_of_the_edges_and_nodes_of_a_foreign_graph_does_not_matter():
    network, inputs, _ = case("feedback")
    graph = bare(to_graph(network))
    nodes = dict(sorted(graph.nodes.items(), reverse=True))
    turned = peer.NIRGraph(nodes, graph.edges[::-1], type_check=False)
    outputs = [ot.simulate(nir.from_graph(each, dt=1.0, reset="soft"), inputs).outputs for each in (graph, turned)]
    np.testing.assert_allclose(*outputs, rtol=1e-12)


@pytest.mark.slow
def test_without_the_package_nir_an_error_says_how_to_get_it():
    script = (
        "import sys; sys.modules['nir'] = None\n"
        "import ottt_ref as ot\n"
        "from ottt_ref import nir\n"
        "for call in (lambda: nir.to_graph(ot.dense_network([1, 1, 1], reset='hard')), lambda: nir.read('x.nir')):\n"
        "    try: call()\n"
        "    except ModuleNotFoundError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.count("pip install 'ottt_ref[nir]'") == 2, done.stderr


def test_readouts_that_leak_and_do_not():
    for kind, decay in (("LI", 0.5), ("I", 1.0)):
        graph = row(linear(), neurons("LIF"), linear(), neurons(kind))
        network = nir.from_graph(graph, dt=1.0, reset="hard")
        assert network.readout == "leaky" and network.layers[-1].neuron == ot.Integrator(decay)
    assert nir.from_graph(row(linear(), neurons("LIF"), linear()), dt=1.0, reset="hard").readout == "linear"


def test_one_number_stands_for_all_neurons():
    graph = row(linear(), neurons("LIF", 1))
    assert nir.from_graph(graph, dt=1.0, reset="hard").layers[0].neuron.decay == 0.5


def test_a_convolution_without_a_bias_comes_back_without():
    rng = np.random.default_rng(0)
    without_bias = ot.Conv2d(rng.normal(size=(2, 1, 3, 3)), False)
    network = ot.Network([ot.Layer([without_bias, ot.Flatten()], lif())], input_shape=(1, 3, 3))
    assert_same(there_and_back(network), network)
