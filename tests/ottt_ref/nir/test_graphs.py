"""Networks and NIR graphs: what goes out comes back bit for bit, and its arrays alone mean what NIR says."""

from dataclasses import replace

import nir as peer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref import nir
from ottt_ref.files.descriptions import describe

from ..general import case, dense, lif
from ..helpers import READOUTS, RESETS, bits, dyadic_network, random_case, random_network
from .graphs import convolution, linear, neurons, row, row_convolution, to_graph

REPRESENTABLE = ("recurrent", "recurrent_output", "feedback", "skips", "convolutional", "leaky_stages", "leaky_loops")


def assert_same(network, other):
    assert describe(network) == describe(other)
    assert [layer.neuron for layer in network.layers] == [layer.neuron for layer in other.layers]
    assert list(network.parameters) == list(other.parameters)
    assert bits(network.parameters) == bits(other.parameters)


def there_and_back(network, **options):
    return nir.from_graph(to_graph(network, **options))


def bare(graph):
    """A graph without metadata, as another tool would write it."""
    for node in graph.nodes.values():
        node.metadata = {}
    return peer.NIRGraph(graph.nodes, graph.edges, type_check=False)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("reset", RESETS)
def test_a_network_comes_back_bit_for_bit(reset, readout, dtype):
    network = dyadic_network(
        0, reset=reset, readout=readout, decays=(0.75, 0.1, 1 / 3), thresholds=(1.0, 0.7, 1.3)
    ).astype(dtype)
    assert_same(there_and_back(network, dt=1e-3), network)


@pytest.mark.parametrize("name", REPRESENTABLE)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_recurrent_feedback_skipping_and_convolutional_networks_come_back(name, dtype):
    network, inputs, _ = case(name)
    network, inputs = network.astype(dtype), inputs.astype(dtype)
    again = there_and_back(network, dt=0.1)
    assert_same(again, network)
    assert np.array_equal(ot.simulate(again, inputs).outputs, ot.simulate(network, inputs).outputs)


def test_a_loop_that_is_entered_at_two_layers_comes_back_by_the_order_that_was_kept():
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape) for shape in ((3, 2), (3, 3), (3, 3))]
    layers = [ot.Layer(ot.Dense(weight), lif()) for weight in weights]
    layers.append(ot.Layer(ot.Dense(np.ones((2, 3))), ot.Integrator()))
    back, across = ot.Feedback(2, 1, ot.Dense(weights[1], False)), ot.Skip(0, 2, ot.Dense(weights[2], False))
    network = ot.Network(layers, feedback=[back], skips=[across])
    assert_same(there_and_back(network, dt=0.1), network)
    with pytest.raises(ValueError, match="loops must be entered at one layer"):
        nir.from_graph(bare(to_graph(network, dt=0.1)), dt=0.1, reset="soft")


@pytest.mark.parametrize("metadata", [True, False])
def test_grouped_dilated_and_one_dimensional_convolutions_come_back(metadata):
    rng = np.random.default_rng(0)
    options = {"stride": (1, 2), "padding": (2, 0), "dilation": (2, 1), "groups": 2}
    convolutions = {
        (4, 5, 6): ot.Conv2d(rng.normal(size=(6, 2, 3, 2)), rng.normal(size=6), **options),
        (2, 7): ot.Conv1d(rng.normal(size=(4, 1, 3)), rng.normal(size=4), stride=2, padding=1, dilation=2, groups=2),
    }
    for shape, first in convolutions.items():
        size = int(np.prod(first.output_shape(shape)))
        layers = [ot.Layer(first, lif()), ot.Layer([ot.Flatten(), ot.Dense(np.ones((2, size)))], ot.Integrator())]
        network = ot.Network(layers, input_shape=shape)
        graph = to_graph(network, dt=0.1)
        again = nir.from_graph(graph) if metadata else nir.from_graph(bare(graph), dt=0.1, reset="soft")
        if metadata:
            assert_same(again, network)
        inputs = rng.normal(size=(3, 2, *shape))
        currents = [net.layers[0].synapses.forward(inputs[0], np.ones(1)) for net in (network, again)]
        assert np.array_equal(*currents)


def rest(*shape):
    """A hidden layer's neurons and a spiking last layer."""
    size = int(np.prod(shape))
    return neurons("LIF", shape), peer.Flatten(None, 0, -1), linear(2, size), neurons("LIF")


def test_same_padding_is_read_where_as_many_zeros_lie_on_both_sides():
    same = {"padding": "same", "dilation": (2, 1), "weight": np.ones((2, 1, 2, 3))}
    graph = row(convolution(**same), *rest(2, 4, 4), shape=(1, 4, 4))
    read = nir.from_graph(graph, dt=1.0, reset="soft").layers[0].synapses
    assert (read.padding, read.dilation) == (1, (2, 1))
    for weight, dilation in ((np.ones((2, 1, 3)), 2), (np.ones((2, 1, 2)), 1)):
        first = row_convolution(padding="same", dilation=dilation, weight=weight)
        graph = row(first, *rest(2, 4), shape=(1, 4))
        if dilation == 2:
            assert nir.from_graph(graph, dt=1.0, reset="soft").layers[0].synapses.padding == 2
            continue
        with pytest.raises(ValueError, match=r"'same' with as many zeros on both sides .* dilation 1"):
            nir.from_graph(graph, dt=1.0, reset="soft")


@pytest.mark.parametrize("decay", [0.0, 1 / 3, 0.9, 1 - 2.0**-53, 1.0, 0, 1])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_decay_comes_back(decay, dtype):
    layers = [
        ot.Layer(ot.Dense(np.ones((2, 1), dtype)), ot.LIF(decay)),
        ot.Layer(ot.Dense(np.ones((1, 2), dtype)), ot.Integrator(decay)),
    ]
    assert_same(there_and_back(ot.Network(layers), dt=1e-3), ot.Network(layers))


@pytest.mark.parametrize("surrogate", ot.surrogate.ALL)
def test_every_surrogate_comes_back(surrogate):
    network = ot.dense_network([2, 3, 2], surrogate=surrogate(0.3), rng=0)
    assert_same(there_and_back(network), network)


@st.composite
def networks(draw):
    """Dense layers with neurons of their own, joined by loops and skips of their own, through scales or nothing."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(1, 4))
    sizes = [3, *(draw(st.integers(1, 3)) for _ in range(count)), 2]
    plain = random_network(rng, sizes, draw(st.sampled_from(RESETS)), draw(st.sampled_from(READOUTS)))
    layers, spiking = list(plain.layers), plain.spiking
    for l in spiking:  # one decay: a stateless readout traces what it gets from several layers
        layers[l] = ot.Layer(layers[l].synapses, replace(layers[l].neuron, decay=1 / 3))
    for l in spiking:
        if draw(st.booleans()):
            back = draw(
                st.sampled_from([ot.Chain(), ot.Scale(0.5), dense(rng, sizes[l + 1], sizes[l + 1], bias=False)])
            )
            layers[l] = ot.Layer(layers[l].synapses, layers[l].neuron, back)
    ends = [(source, target) for source in spiking for target in range(source)]
    feedback = [
        ot.Feedback(a, b, [ot.Scale(-0.3), dense(rng, sizes[b + 1], sizes[a + 1])])
        for a, b in draw(st.permutations(ends))[: draw(st.integers(0, 3))]
    ]
    ends = [(source, target) for target in range(len(layers)) for source in range(-1, target)]
    skips = [
        ot.Skip(a, b, dense(rng, sizes[b + 1], sizes[a + 1], bias=False))
        for a, b in draw(st.permutations(ends))[: draw(st.integers(0, 3))]
    ]
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    return ot.Network(layers, feedback=feedback, skips=skips).astype(dtype)


@given(networks(), st.sampled_from([1.0, 1e-3, 1e-4, 7.3]))
def test_any_network_of_dense_layers_comes_back(network, dt):
    assert_same(there_and_back(network, dt=dt), network)


def test_sums_of_currents_come_back():
    rng = np.random.default_rng(0)
    layers = [
        ot.Layer(dense(rng, 3, 2), ot.Integrator()),
        ot.Layer(ot.Scale(0.5), lif()),
        ot.Layer([dense(rng, 3, 3), ot.Scale(0.2)], ot.Integrator()),
        ot.Layer(ot.Chain(), lif()),
        ot.Layer(ot.Chain(), ot.Integrator()),  # a readout of the spikes as they are
    ]
    network = ot.Network(layers, skips=[ot.Skip(0, 2), ot.Skip(2, 4), ot.Skip(1, 4)])
    assert_same(there_and_back(network), network)
    assert network.readout == "linear"


def test_a_readout_of_the_spikes_as_they_are_comes_back():
    hidden = ot.Layer(dense(np.random.default_rng(0), 3, 2), lif())
    network = ot.Network([hidden, ot.Layer(ot.Chain(), ot.Integrator())])
    assert_same(there_and_back(network), network)


def test_chains_come_back_flat():
    rng = np.random.default_rng(0)
    nested = [ot.Chain([ot.Scale(2.0), ot.Chain([dense(rng, 2, 2)])])]
    network = ot.Network([ot.Layer(nested, lif())], input_shape=(2,))
    again = there_and_back(network)
    assert [type(operation) for operation in again.layers[0].synapses.operations] == [ot.Scale, ot.Dense]
    assert isinstance(there_and_back(ot.Network([ot.Layer([dense(rng, 2, 2)], lif())])).layers[0].synapses, ot.Dense)


def euler(graph, inputs, dt):
    """Spikes by layer of a row of Affine and LIF or IF nodes, by NIR's own equations in Euler steps."""
    nodes = [graph.nodes[name] for name in graph.nodes]
    affine = [node for node in nodes if isinstance(node, peer.Affine)]
    neurons = [node for node in nodes if isinstance(node, peer.LIF | peer.IF)]
    potentials = [np.zeros((inputs.shape[1], *node.r.shape)) for node in neurons]
    record = [[] for _ in neurons]
    for values in inputs:
        for l, (synapses, node) in enumerate(zip(affine, neurons)):
            current = values @ synapses.weight.T + synapses.bias
            leak = (node.v_leak - potentials[l]) / node.tau if isinstance(node, peer.LIF) else 0.0
            drive = node.r * current / node.tau if isinstance(node, peer.LIF) else node.r * current
            potentials[l] = potentials[l] + dt * (leak + drive)
            values = (potentials[l] > node.v_threshold).astype(float)
            potentials[l] = np.where(values == 1, node.v_reset, potentials[l])
            record[l].append(values)
    return [np.stack(values) for values in record]


@pytest.mark.parametrize("dt", [1.0, 1e-3])
@pytest.mark.parametrize("seed", range(4))
def test_the_arrays_alone_mean_the_network(seed, dt):
    """A network with hard reset, by NIR's equations, without any of the metadata."""
    network, inputs, _ = random_case(seed, 2, "hard", "spiking")
    spikes = euler(to_graph(network, dt=dt), inputs, dt)
    for ours, theirs in zip(ot.simulate(network, inputs).spikes, spikes):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("name", REPRESENTABLE)
def test_without_metadata_dt_and_reset_make_the_same_network(name, reset):
    network, inputs, _ = case(name)
    graph = bare(to_graph(network, dt=1e-3))
    surrogate = network.layers[network.spiking[0]].neuron.surrogate
    again = nir.from_graph(graph, dt=1e-3, reset=reset, surrogate=surrogate)
    assert [layer.neuron.reset for layer in again.layers if layer.neuron.spiking] == [reset] * again.spiking_layers
    for layer, original in zip(again.layers, network.layers):
        assert layer.neuron.decay == pytest.approx(original.neuron.decay, abs=1e-15)
    if reset == "soft":
        assert np.array_equal(ot.simulate(again, inputs).spikes[-1], ot.simulate(network, inputs).spikes[-1])


def test_a_graph_says_its_discretisation_in_words():
    graph = to_graph(dyadic_network(0, reset="unleaked"), dt=1e-3)
    metadata = graph.nodes["layer0"].metadata["ottt_ref"]
    assert graph.metadata["ottt_ref"] == {"version": 2, "dt": 1e-3}
    assert metadata["update"].startswith("u[t] = decay u[t-1] - threshold s[t-1] + I[t], s[t] = 1 where")
    assert (metadata["decay"], metadata["reset"]) == (0.5, "unleaked")


def test_time_constants_have_the_unit_of_dt():
    node = to_graph(dyadic_network(0, decays=(0.75, 0.5, 0.5)), dt=2e-3).nodes["layer0"]
    np.testing.assert_allclose(node.tau, np.full(4, 8e-3))
    np.testing.assert_allclose(node.r, np.full(4, 4.0))


@pytest.mark.parametrize("name", REPRESENTABLE)
def test_the_package_nir_holds_the_types_of_a_graph_consistent(name):
    graph = to_graph(case(name)[0])
    graph.infer_types()
    assert graph.check_types()


def test_parameters_are_copied_both_ways():
    network = dyadic_network(0)
    weight = network.parameters["layer0.weight"].copy()
    graph = to_graph(network)
    graph.nodes["layer0_0_affine"].weight += 1
    assert np.array_equal(network.parameters["layer0.weight"], weight)
    again = nir.from_graph(graph)
    graph.nodes["layer0_0_affine"].weight += 1
    assert np.array_equal(again.parameters["layer0.weight"], weight + 1)
