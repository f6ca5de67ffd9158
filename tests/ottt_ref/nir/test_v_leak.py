"""A v_leak other than 0: potentials count from it, and neurons that it makes fire by themselves do."""

from fractions import Fraction

import nir as peer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref import nir

from .graphs import convolution, linear, linked, neurons, row, to_graph, two_neurons
from .peers import BATCH, CASES, TIME_STEPS
from .test_files import DATA
from .test_graphs import assert_same, bare

ASCENDING = st.sets(st.integers(-24, 24), min_size=3, max_size=3).map(lambda found: [k / 8 for k in sorted(found)])


def affine(rng, n_out, n_in, dtype=float):
    return peer.Affine((rng.integers(-8, 9, (n_out, n_in)) / 8).astype(dtype), np.zeros(n_out, dtype))


def euler(node, currents, dt, start):
    """Potentials before the reset and spikes of one node by NIR's equations, in the dtype of what it is given."""
    potential, potentials, spikes = start + np.zeros_like(currents[0]), [], []
    for current in currents:
        potential = potential + dt / node.tau * (node.v_leak - potential + node.r * current)
        potentials.append(potential)
        fired = potential > getattr(node, "v_threshold", np.inf)
        spikes.append(fired.astype(currents.dtype))
        potential = np.where(fired, getattr(node, "v_reset", 0), potential)
    return np.stack(potentials), np.stack(spikes)


@given(st.integers(0, 2**32), ASCENDING, st.booleans(), st.sampled_from([1.0, 0.5]))
def test_potentials_are_relative_to_v_leak_and_spikes_are_the_same(seed, ascending, swapped, r):
    """Exactly: all numbers are eighths of small ones, τ is 2, and ten steps add ten binary places."""
    v_leak, v_reset = ascending[:2][:: -1 if swapped else 1]
    v_threshold = ascending[2]
    rng = np.random.default_rng(seed)
    changes = {"v_leak": v_leak, "v_threshold": v_threshold, "v_reset": v_reset, "r": r}
    node = neurons("LIF", 3, **{name: np.full(3, value) for name, value in changes.items()})
    synapses, inputs = affine(rng, 3, 2), rng.integers(-4, 9, (10, 2, 2)) / 8
    network = nir.from_graph(row(synapses, node, out=(3,)), dt=1.0, reset="hard")
    potentials, spikes = euler(node, inputs @ synapses.weight.T, 1.0, v_leak)
    activity = ot.simulate(network, inputs)
    assert np.array_equal(activity.potentials[0] + v_leak, potentials)
    assert np.array_equal(activity.spikes[0], spikes)


def test_the_threshold_is_the_least_number_above_the_difference():
    """0.3 - 0.1 is no float: the nearest one is below it, and a potential of that is not above the difference."""
    exact = Fraction(0.3) - Fraction(0.1)
    node = neurons("LIF", v_leak=np.full(2, 0.1), v_threshold=np.full(2, 0.3), v_reset=np.full(2, 0.2))
    neuron = nir.from_graph(row(linear(), node), dt=1.0, reset="hard").layers[0].neuron
    assert np.nextafter(neuron.threshold, 0) <= exact < neuron.threshold
    assert neuron.reset_potential == 0.2 - 0.1


def test_a_membrane_at_minus_65_is_one_at_0():
    node = neurons("LIF", v_leak=np.full(2, -65.0), v_threshold=np.full(2, -50.0), v_reset=np.full(2, -70.0))
    for reset in ("soft", "hard", "unleaked"):
        neuron = nir.from_graph(row(linear(), node), dt=1.0, reset=reset).layers[0].neuron
        assert (neuron.threshold, neuron.reset_potential) == (np.nextafter(15.0, 16.0), -5.0)


def test_a_soft_reset_subtracts_the_distance_from_v_leak_to_the_threshold():
    """NIR has no soft reset. Norse's `reset_subtract` takes v_threshold, whatever v_leak is."""
    node = neurons("LIF", 1, v_leak=np.array([-1.0]), v_threshold=np.array([0.5]))
    network = nir.from_graph(row(peer.Linear(np.ones((1, 1))), node, shape=(1,)), dt=1.0, reset="soft")
    potentials = ot.simulate(network, np.array([2.0, 0.0]).reshape(2, 1, 1)).potentials[0].ravel()
    np.testing.assert_allclose(potentials, [2.0, (2.0 - 1.5) / 2], rtol=1e-15)


def test_a_readout_counts_from_v_leak_too():
    graph = row(linear(), neurons("LIF"), linear(), neurons("LI", v_leak=np.array([0.5, -2.0])))
    network = nir.from_graph(graph, dt=1.0, reset="hard")
    inputs = np.random.default_rng(0).integers(0, 9, (10, 2, 2)) / 4
    activity = ot.simulate(network, inputs)
    node = graph.nodes["3"]
    potentials, _ = euler(node, activity.spikes[0] @ graph.nodes["2"].weight.T, 1.0, node.v_leak)
    assert activity.spikes[0].any() and np.array_equal(activity.outputs + node.v_leak, potentials)


def test_the_two_neuron_graph_of_the_paper_fires_by_itself():
    network = nir.from_graph(two_neurons(), dt=1e-3, reset="hard")
    activity = ot.simulate(network, np.zeros((200, 1, 1)))
    first, second = (two_neurons().nodes[name] for name in ("lif1", "lif2"))
    potentials, spikes = euler(first, np.zeros((200, 1, 1)), 1e-3, 0.0)
    assert np.array_equal(activity.spikes[0], spikes) and spikes.sum() == 11
    np.testing.assert_allclose(activity.potentials[0], potentials, rtol=0, atol=1e-14)
    np.testing.assert_allclose(activity.potentials[1], euler(second, spikes, 1e-3, 0.0)[0], rtol=0, atol=1e-14)
    assert np.abs(potentials - 1).min() > 1e-4  # no spike hangs on a rounding


@given(st.integers(0, 2**32), ASCENDING, st.sampled_from([2.0, 1.0, -0.5]))
def test_a_neuron_that_fires_by_itself_starts_from_v_reset(seed, ascending, r):
    v_reset, v_threshold, v_leak = ascending
    rng = np.random.default_rng(seed)
    changes = {"v_leak": v_leak, "v_threshold": v_threshold, "v_reset": v_reset, "r": r}
    node = neurons("LIF", 3, **{name: np.full(3, value) for name, value in changes.items()})
    synapses, inputs = affine(rng, 3, 2), rng.integers(-4, 9, (10, 2, 2)) / 8
    network = nir.from_graph(row(synapses, node, out=(3,)), dt=1.0, reset="hard")
    potentials, spikes = euler(node, inputs @ synapses.weight.T, 1.0, v_reset)
    activity = ot.simulate(network, inputs)
    assert np.array_equal(activity.potentials[0] + v_reset, potentials)
    assert np.array_equal(activity.spikes[0], spikes)
    again = nir.from_graph(bare(to_graph(network)), dt=1.0, reset="hard")
    assert np.array_equal(ot.simulate(again, inputs).spikes[0], spikes)


def test_a_neuron_that_fires_by_itself_with_a_soft_reset_counts_from_0():
    node = neurons("LIF", v_leak=np.full(2, 1.5))
    network = nir.from_graph(row(linear(), node), dt=1.0, reset="soft")
    assert network.layers[0].neuron.threshold == np.nextafter(1.0, 2.0)
    activity = ot.simulate(network, np.zeros((6, 1, 2)))
    np.testing.assert_allclose(activity.potentials[0][:3, 0, 0], [0.75, 1.125, 0.8125])


def test_with_a_soft_reset_v_reset_says_nothing_of_where_a_neuron_starts():
    """It counts from 0 where v_leak is above the threshold, whatever v_reset is."""
    node = neurons("LIF", v_leak=np.full(2, 1.5), v_reset=np.full(2, 0.5))
    neuron = nir.from_graph(row(linear(), node), dt=1.0, reset="soft").layers[0].neuron
    assert neuron.threshold == np.nextafter(1.0, 2.0) and neuron.reset_potential == 0.5
    hard = nir.from_graph(row(linear(), node), dt=1.0, reset="hard").layers[0].neuron
    assert hard.threshold == np.nextafter(0.5, 2.0) and hard.reset_potential == 0.0


def test_the_leak_towards_v_leak_goes_into_the_bias_through_what_follows_the_weights():
    changes = {"v_leak": np.full((2, 4, 4), 2.0)}
    fields = {"tau": 2.0, "r": 2.0, "v_threshold": 1.0, "v_reset": 0.0}
    images = peer.LIF(**{name: np.full((2, 4, 4), value) for name, value in fields.items()}, **changes)
    scale = peer.Scale(np.full((2, 4, 4), 0.5))
    nodes = (convolution(weight=np.zeros((2, 1, 3, 3))), scale, images, peer.Flatten(None, 0, -1), linear(2, 32))
    network = nir.from_graph(row(*nodes, neurons("LIF"), shape=(1, 4, 4)), dt=1.0, reset="hard")
    assert network.parameters["layer0.bias"].tolist() == [2.0, 2.0]  # v_leak / r through the half
    assert ot.simulate(network, np.zeros((1, 1, 1, 4, 4))).potentials[0].ravel().tolist() == [1.0] * 32
    flat = (
        convolution(weight=np.zeros((2, 1, 3, 3))),
        peer.Flatten(None, 0, -1),
        neurons("LIF", 32, v_leak=np.full(32, 2.0)),
    )
    network = nir.from_graph(row(*flat, linear(2, 32), shape=(1, 4, 4)), dt=1.0, reset="hard")
    assert network.parameters["layer0.bias"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("back", ["n w", "m w"])
def test_the_leak_towards_v_leak_comes_once_whatever_other_ways_there_are(back):
    """A loop or feedback that brings nothing changes nothing."""
    nodes = {"a": linear(), "n": neurons("LIF", v_leak=np.full(2, 1.5)), "b": linear(), "m": neurons("LIF")}
    plain = ["in a", "a n", "n b", "b m", "m out"]
    looped = linked([*plain, back, "w n"], **nodes, w=peer.Linear(np.zeros((2, 2))))
    activities = [
        ot.simulate(nir.from_graph(graph, dt=1.0, reset="hard"), np.full((6, 1, 2), 0.125))
        for graph in (linked(plain, **nodes), looped)
    ]
    assert np.array_equal(activities[0].potentials[0], activities[1].potentials[0])
    assert np.any(activities[0].spikes[0])


def test_the_leak_towards_v_leak_is_added_to_the_bias_that_there_is():
    affine = peer.Affine(np.ones((2, 2)), np.array([0.25, -0.5]))
    graph = row(affine, neurons("LIF", v_leak=np.full(2, 1.5)))
    assert nir.from_graph(graph, dt=1.0, reset="hard").parameters["layer0.bias"].tolist() == [1.0, 0.25]  # + v_leak / r


def test_without_weights_the_leak_towards_v_leak_is_an_offset():
    nodes = (neurons("LIF", v_leak=np.array([2.0, 0.0]), r=np.ones(2)), linear(), neurons("LIF"))
    network = nir.from_graph(row(*nodes), dt=1.0, reset="hard")
    scale = network.layers[0].synapses.operations[0]
    assert isinstance(scale, ot.ChannelScale) and scale.offset.tolist() == [2.0, 0.0]
    inputs = np.random.default_rng(0).integers(-4, 9, (10, 2, 2)) / 8
    potentials, spikes = euler(nodes[0], inputs, 1.0, 0.0)
    activity = ot.simulate(network, inputs)
    assert np.array_equal(activity.potentials[0], potentials) and np.array_equal(activity.spikes[0], spikes)
    again = nir.from_graph(to_graph(network))
    assert np.array_equal(ot.simulate(again, inputs).spikes[0], spikes)


def test_a_leak_that_differs_within_a_channel_is_refused_where_a_neuron_fires_by_itself():
    fields = {"tau": 2.0, "r": 2.0, "v_threshold": 1.0, "v_reset": 0.0}
    leak = np.full((2, 4, 4), 0.5)
    leak[0, 1, 1] = 2.0
    images = peer.LIF(**{name: np.full((2, 4, 4), value) for name, value in fields.items()}, v_leak=leak)
    graph = row(convolution(), images, peer.Flatten(None, 0, -1), linear(2, 32), neurons("LIF"), shape=(1, 4, 4))
    with pytest.raises(
        ValueError, match=r"node '1' \(LIF\): numbers must be the same within a channel, got 0.0 to 1.0"
    ):
        nir.from_graph(graph, dt=1.0, reset="hard")


def test_a_weight_without_a_bias_gets_one_and_the_graph_keeps_its_own():
    graph = two_neurons()
    network = nir.from_graph(graph, dt=1e-3, reset="hard")
    assert network.parameters["layer0.bias"].tolist() == [1.2] and "layer1.bias" not in network.parameters
    assert graph.nodes["linear1"].weight.tolist() == [[1.0]]


def test_norse_starts_them_from_v_leak_and_so_does_a_state():
    """There v_leak is above the threshold: it fires in the first step, and is one step ahead of a reset neuron."""
    network = nir.from_graph(two_neurons(), **CASES["norse_reads_two"].options)
    inputs = np.zeros((TIME_STEPS, BATCH, 1))
    state = {name: 0 * array for name, array in ot.simulate(network, inputs).final_state.items()}
    state["layer0.potential"] += 1.2
    activity, alone = ot.simulate(network, inputs, initial_state=state), ot.simulate(network, inputs)
    with np.load(DATA / "norse_reads_two.npz") as arrays:
        assert not arrays["inputs"].any() and arrays["outputs0"].sum() == 3 * BATCH
        for l in range(2):
            volts = network.layers[l].neuron.post_reset_potential(activity.potentials[l], activity.spikes[l])
            np.testing.assert_allclose(
                volts, arrays[f"volts{l}"], rtol=0, atol=2e-7
            )  # a few roundings of numbers below 1
            assert np.array_equal(activity.spikes[l], arrays[f"outputs{l}"])
        assert np.array_equal(alone.spikes[0][:-1], arrays["outputs0"][1:])


@pytest.mark.slow
def test_the_two_neuron_graph_is_read_from_a_file(tmp_path):
    peer.write(tmp_path / "two.nir", two_neurons())
    network = nir.read(tmp_path / "two.nir", dt=1e-3, reset="hard")
    assert_same(network, nir.from_graph(two_neurons(), dt=1e-3, reset="hard"))


SELF = {"v_leak": np.full(2, 2.0)}
REFUSED = {
    r"node '1' \(LIF\): v_reset must be below v_threshold where v_leak is above it, got v_leak 2.0, v_thr.*1.5": row(
        linear(), neurons("LIF", **SELF, v_reset=np.full(2, 1.5))
    ),
    r"node '1' \(LIF\): r must not be 0 where v_leak is above v_threshold": row(
        linear(), neurons("LIF", **SELF, r=np.zeros(2))
    ),
    r"node '1' \(LIF\): v_leak must hold finite numbers": row(linear(), neurons("LIF", v_leak=np.full(2, np.inf))),
    r"node '1' \(LIF\): v_threshold less v_leak must be a finite number": row(
        linear(), neurons("LIF", v_leak=np.full(2, -1.7e308), v_threshold=np.full(2, 1.7e308))
    ),
}  # fmt: skip


@pytest.mark.parametrize("complaint", REFUSED)
def test_a_leak_that_no_network_of_ours_has_is_refused_by_name(complaint):
    with pytest.raises(ValueError, match=complaint):
        nir.from_graph(REFUSED[complaint], dt=1.0, reset="hard")


def test_a_leak_that_contradicts_the_metadata_is_refused():
    graph = to_graph(ot.dense_network([2, 3, 2], reset="hard", rng=0))
    graph.nodes["layer0"].v_leak += 0.5
    with pytest.raises(ValueError, match=r"v_leak must be the same in the metadata and in the arrays, got 0.0 and 0.5"):
        nir.from_graph(graph)
