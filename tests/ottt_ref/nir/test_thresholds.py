"""Thresholds and resets: what NIR's strict comparison means here, and what is not written without a word."""

import nir as peer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref import nir
from ottt_ref.nir.discretisation import above, below

from ..general import dense, lif
from ..helpers import bits, dyadic_network
from .graphs import linear, neurons, row, to_graph
from .test_graphs import assert_same, bare, euler

DTYPES = (np.float64, np.float32)
POSITIVE = {
    np.float64: st.floats(min_value=5e-324, max_value=1e300),
    np.float32: st.floats(min_value=2.0**-149, max_value=2.0**100, width=32),
}


def single(kind, dtype, threshold, **changes):
    """One neuron of a foreign graph, with a weight of 1."""
    numbers = {"v_threshold": np.array([threshold], dtype), "v_reset": np.zeros(1, dtype), **changes}
    one = {"tau": np.full(1, 2.0, dtype), "v_leak": np.zeros(1, dtype)} if kind == "LIF" else {}
    r = np.full(1, 2.0 if kind == "LIF" else 1.0, dtype)
    node = getattr(peer, kind)(r=r, **one, **numbers)
    return row(peer.Linear(np.ones((1, 1), dtype)), node, shape=(1,), out=(1,))


def firing_times(network, inputs):
    return (np.flatnonzero(ot.simulate(network, inputs).spikes[0]) + 1).tolist()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_neuron_at_its_threshold_fires_in_the_next_step_as_nir_says(dtype):
    """IF, threshold 3, input 1: potentials 1, 2, 3, of which none is above 3, then 4."""
    foreign = nir.from_graph(single("IF", dtype, 3.0), dt=1.0, reset="hard")
    assert firing_times(foreign, np.ones((12, 1, 1), dtype)) == [4, 8, 12]
    ours = ot.Network([ot.Layer(ot.Dense(np.ones((1, 1), dtype), False), ot.LIF(1.0, 3.0, "hard"))])
    assert firing_times(ours, np.ones((12, 1, 1), dtype)) == [3, 6, 9, 12]
    assert firing_times(nir.from_graph(nir.to_graph(ours)), np.ones((12, 1, 1), dtype)) == [3, 6, 9, 12]
    without_metadata = nir.from_graph(bare(nir.to_graph(ours)), dt=1.0, reset="hard")
    assert firing_times(without_metadata, np.ones((12, 1, 1), dtype)) == [3, 6, 9, 12]


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_above_and_below_are_each_others_inverse_and_mean_the_same_condition(dtype, data):
    dtype = np.dtype(dtype)
    threshold = data.draw(POSITIVE[dtype.type])
    lower, higher = below(threshold, dtype), above(threshold, dtype)
    assert lower < threshold < higher
    assert above(lower, dtype) == threshold == below(higher, dtype)
    for potential in (lower, threshold, higher, data.draw(POSITIVE[dtype.type])):
        assert (potential > lower) == (potential >= threshold)
        assert (potential > threshold) == (potential >= higher)


def test_a_threshold_of_another_dtype_is_met_by_the_numbers_of_the_network():
    """0.1 lies between two numbers of float32, the higher of which is above it already."""
    between = 0.1
    assert float(np.float32(between)) > between
    assert above(between, np.dtype(np.float32)) == float(np.float32(between))
    wide = single("IF", np.float32, 1.0, v_threshold=np.array([1.0]))  # in float64, beside a weight in float32
    network = nir.from_graph(wide, dt=1.0, reset="hard")
    assert network.dtype == np.float32
    assert firing_times(network, np.ones((4, 1, 1), np.float32)) == [2, 4]


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_every_threshold_comes_back_with_and_without_its_metadata(dtype, data):
    threshold = data.draw(POSITIVE[dtype])
    layer = ot.Layer(ot.Dense(np.ones((1, 1), dtype)), ot.LIF(0.5, threshold, "hard", ot.surrogate.Arctan()))
    network = ot.Network([layer])
    graph = nir.to_graph(network)
    assert nir.from_graph(graph).layers[0].neuron == layer.neuron
    again = nir.from_graph(bare(graph), dt=1.0, reset="hard", surrogate=ot.surrogate.Arctan())
    assert again.layers[0].neuron == layer.neuron


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threshold", [0.0, 0.7, 1.0, 3.0, 1e30])
def test_a_foreign_threshold_leaves_as_it_came(dtype, threshold):
    graph = single("LIF", dtype, threshold)
    out = nir.to_graph(nir.from_graph(graph, dt=1.0, reset="hard"))
    for field in ("v_threshold", "v_reset", "tau", "r"):
        before, after = getattr(graph.nodes["1"], field), getattr(out.nodes["layer0"], field)
        assert before.dtype == after.dtype and before.tobytes() == after.tobytes()


def test_a_threshold_of_0_is_fired_above():
    network = nir.from_graph(single("IF", np.float64, 0.0), dt=1.0, reset="hard")
    assert firing_times(network, np.array([0.0, 5e-324, -1.0, 1.0, 0.0, 1.0]).reshape(6, 1, 1)) == [2, 6]
    with pytest.raises(ValueError, match=r"node '1' \(IF\): threshold must be above 0, got inf"):
        nir.from_graph(single("IF", np.float64, np.finfo(float).max), dt=1.0, reset="hard")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(3))
def test_potentials_on_their_thresholds_give_the_spikes_of_nirs_equations(seed, dtype):
    """Whole numbers and halves, thresholds among them: every third potential of this kind lies on its threshold."""
    rng = np.random.default_rng(seed)

    def whole(*shape):
        return rng.integers(-1, 3, shape).astype(dtype)

    layers = [
        ot.Layer(ot.Dense(whole(4, 3), whole(4)), ot.LIF(0.5, 2.0, "hard")),
        ot.Layer(ot.Dense(whole(3, 4), whole(3)), ot.LIF(1.0, 3.0, "hard")),
    ]
    network, inputs = ot.Network(layers), rng.integers(0, 2, (20, 2, 3)).astype(dtype)
    graph = nir.to_graph(network)
    activity = ot.simulate(network, inputs)
    assert any(np.any(potentials == t) for potentials, t in zip(activity.potentials, (2.0, 3.0)))
    for ours, theirs in zip(activity.spikes, euler(graph, inputs, 1.0)):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("reset", ["soft", "unleaked"])
def test_a_reset_that_nir_has_not_is_refused_unless_its_loss_is_accepted(reset, tmp_path):
    network = dyadic_network(0, reset=reset)
    complaint = rf"layers\[0\] must have the reset 'hard', the only one of NIR, got '{reset}': with accept_hard_reset"
    for call in (lambda: nir.to_graph(network), lambda: nir.write(tmp_path / "net.nir", network)):
        with pytest.raises(ValueError, match=complaint):
            call()
    assert not list(tmp_path.iterdir())
    with pytest.raises(TypeError, match="accept_hard_reset must be True or False, got 1"):
        nir.to_graph(network, accept_hard_reset=1)
    graph = nir.to_graph(network, accept_hard_reset=True)
    assert graph.nodes["layer0"].metadata["ottt_ref"]["reset"] == reset
    assert_same(nir.from_graph(graph), network)


def test_the_layer_whose_reset_is_lost_is_named():
    rng = np.random.default_rng(0)
    layers = [ot.Layer(dense(rng, 2, 2), ot.LIF(reset=reset)) for reset in ("hard", "hard", "unleaked")]
    with pytest.raises(ValueError, match=r"layers\[2\] must have the reset 'hard', .* got 'unleaked'"):
        nir.to_graph(ot.Network(layers))
    assert_same(nir.from_graph(nir.to_graph(ot.Network(layers[:2]))), ot.Network(layers[:2]))


def test_a_lost_reset_gives_other_spikes():
    """So the loss is one: what the arrays alone say is another network."""
    network = dyadic_network(0)
    inputs = np.random.default_rng(0).integers(0, 2, (20, 4, 3)) / 2
    read = nir.from_graph(bare(to_graph(network)), dt=1.0, reset="hard")
    assert not np.array_equal(ot.simulate(network, inputs).spikes[0], ot.simulate(read, inputs).spikes[0])


class OwnNeuron(ot.LIF):
    """It would be written as a LIF."""


class OwnSurrogate(ot.surrogate.Sigmoid):
    """It would be written as a Sigmoid."""


@pytest.mark.parametrize("neuron", [OwnNeuron(reset="hard"), ot.LIF(reset="hard", surrogate=OwnSurrogate())], ids=str)
def test_neurons_and_surrogates_of_ones_own_are_refused(neuron):
    network = ot.Network([ot.Layer(dense(np.random.default_rng(0), 2, 2), neuron)])
    with pytest.raises(
        ValueError, match=r"layers\[0\] must have neurons LIF, CubaLIF, Integrator, with a surrogate of ottt_ref"
    ):
        nir.to_graph(network)


def test_a_mean_of_another_share_is_refused():
    pool = ot.AveragePool2d(2).replaced(share=0.5)
    layers = [ot.Layer([pool, ot.Flatten(), dense(np.random.default_rng(0), 2, 4)], lif())]
    with pytest.raises(ValueError, match=r"share of AveragePool2d\(.*\) must be that of one pixel .* got 0.5"):
        to_graph(ot.Network(layers, input_shape=(1, 4, 4)))


def test_graphs_of_earlier_versions_mean_the_threshold_itself():
    """ottt_ref 0.1.0 and 0.2.0 wrote V_th as v_threshold; what they kept in the metadata is still what counts."""
    network = dyadic_network(0)
    graph = to_graph(network)
    graph.metadata["ottt_ref"]["version"] = 1
    with pytest.raises(ValueError, match="threshold must be the same in the metadata and in the arrays"):
        nir.from_graph(graph)
    for l in range(2):
        node = graph.nodes[f"layer{l}"]
        node.v_threshold[:] = network.layers[l].neuron.threshold
    assert_same(nir.from_graph(graph), network)
    graph.metadata["ottt_ref"]["version"] = 2
    with pytest.raises(ValueError, match="threshold must be the same in the metadata and in the arrays"):
        nir.from_graph(graph)
    del graph.metadata["ottt_ref"]  # lost on its way through another tool: either is taken
    assert_same(nir.from_graph(graph, dt=1.0), network)


def test_a_graph_that_another_tool_rounded_to_float32_is_read():
    network = ot.Network([ot.Layer(ot.Dense(np.ones((2, 2)), False), ot.LIF(0.5, 0.7, "hard"))])
    graph = nir.to_graph(network)
    for node in graph.nodes.values():
        for field in ("weight", "tau", "r", "v_leak", "v_threshold", "v_reset"):
            if hasattr(node, field):
                setattr(node, field, getattr(node, field).astype(np.float32))
    again = nir.from_graph(graph)
    assert again.dtype == np.float32 and again.layers[0].neuron == network.layers[0].neuron


@pytest.mark.slow
def test_arrays_larger_than_the_limit_are_refused(tmp_path):
    path = tmp_path / "net.nir"
    weight = np.zeros((512, 512))
    nir.write(path, ot.Network([ot.Layer(ot.Dense(weight, False), ot.LIF(reset="hard"))]))
    assert path.stat().st_size < 2**18
    with pytest.raises(ValueError, match="it must hold arrays of at most 1000000 bytes in all, unless a larger limit"):
        nir.read(path, limit=1_000_000)
    assert bits(nir.read(path, limit=2**22).parameters) == bits({"layer0.weight": weight})
    for limit, error in ((0, ValueError), (None, TypeError)):
        with pytest.raises(error, match="limit must be"):
            nir.read(path, limit=limit)


def test_a_foreign_threshold_is_fired_above_whatever_its_reader_says_of_the_reset():
    graph = row(linear(), neurons("LIF"))
    for reset in ("soft", "hard", "unleaked"):
        neuron = nir.from_graph(graph, dt=1.0, reset=reset).layers[0].neuron
        assert (neuron.threshold, neuron.reset) == (np.nextafter(1.0, 2.0), reset)
