"""NIR's Delay nodes, and leaky stages inside a network."""

import nir as peer
import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import nir

from ..general import dense, lif
from .graphs import linear, linked, neurons, row, to_graph
from .test_graphs import assert_same, bare, there_and_back

OPTIONS = {"dt": 0.5, "reset": "hard"}


def delay(time, size=2):
    return peer.Delay(np.full(size, time))


def ours(dt=0.5, **numbers):
    """Neurons that are ours at a time step of 0.5."""
    return neurons("LIF", tau=np.full(2, 1.0), **numbers)


def late(graph):
    network = nir.from_graph(graph, **OPTIONS)
    return [layer.delay for layer in network.layers]


def test_a_delay_of_whole_time_steps_is_a_delay_of_the_connection():
    assert late(row(delay(1.5), linear(), ours(), delay(1.0), linear(), delay(0.5), ours())) == [3, 3]
    assert late(row(delay(0.0), linear(), ours(), delay(1.0))) == [0, 2]  # the output of the spikes as they are
    inputs = np.random.default_rng(0).integers(0, 2, (8, 3, 2)) * 1.5
    plain, delayed = (nir.from_graph(row(*nodes, linear(), ours()), **OPTIONS) for nodes in ((), (delay(1.0),)))
    spikes = [ot.simulate(network, inputs).spikes[0] for network in (plain, delayed)]
    assert spikes[0].any() and np.array_equal(spikes[1][2:], spikes[0][:-2]) and not spikes[1][:2].any()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("dt", [1e-4, 1e-3, 0.1, 1.0])
@pytest.mark.parametrize("steps", [1, 3, 7, 1000])
def test_delays_come_back_whatever_their_rounding(steps, dt, dtype):
    rng = np.random.default_rng(0)
    layers = [
        ot.Layer(dense(rng, 3, 2), lif(), dense(rng, 3, 3), delay=steps, recurrent_delay=steps),
        ot.Layer(dense(rng, 2, 3), lif(), delay=2 * steps),
    ]
    joined = {
        "feedback": [ot.Feedback(1, 0, dense(rng, 3, 2), steps)],
        "skips": [ot.Skip(-1, 1, dense(rng, 2, 2), steps)],
    }
    network = ot.Network(layers, **joined).astype(dtype)
    graph = to_graph(network, dt=dt)
    assert_same(nir.from_graph(graph), network)
    kinds = [type(node).__name__ for node in graph.nodes.values()]
    assert kinds.count("Delay") == (5 if steps > 1 else 3)  # a loop is late by one time step without a word


def test_a_loop_is_late_by_its_delay_and_by_one_time_step_at_least():
    for time, steps in ((0.0, 1), (0.5, 1), (1.5, 3)):
        edges = ["in a", "a x", "x d", "d back", "back x", "x out"]
        graph = linked(edges, a=linear(), x=ours(), d=delay(time), back=linear())
        assert nir.from_graph(graph, **OPTIONS).layers[0].recurrent_delay == steps


@pytest.mark.slow
def test_delays_come_back_from_a_file(tmp_path):
    rng = np.random.default_rng(0)
    network = ot.Network(
        [ot.Layer(dense(rng, 3, 2), ot.LIF(reset="hard"), dense(rng, 3, 3), delay=2, recurrent_delay=4)]
    )
    nir.write(tmp_path / "net.nir", network, dt=1e-4)
    assert_same(nir.read(tmp_path / "net.nir"), network)


def biased():
    return peer.Affine(np.ones((2, 2)), np.ones(2))


REFUSED = {
    r"node '0' \(Delay\): delay must be a whole number of time steps dt, got 0.75 with dt=0.5": row(
        delay(0.75), linear(), ours()
    ),
    r"node '0' \(Delay\): delay must be a whole number of time steps dt, got -0.5": row(delay(-0.5), linear(), ours()),
    r"node '0' \(Delay\): delay must be the same for all that it delays, got 0.5 to 1.0": row(
        peer.Delay(np.array([0.5, 1.0])), linear(), ours()
    ),
    r"node '0' \(Delay\): delay must have the shape of the layer, \[2\], got \[3\]": row(
        delay(0.5, 3), linear(), ours()
    ),
    r"node '0' \(Delay\): delay must hold finite numbers": row(delay(np.inf), linear(), ours()),
    r"node '0' \(Delay\): delay must be at most 65536 time steps, got 1000000": row(delay(5e5), linear(), ours()),
    r"node '1' \(Delay\): delay must come before a bias on its way, got Dense": row(biased(), delay(0.5), ours()),
}  # fmt: skip


@pytest.mark.parametrize("complaint", REFUSED)
def test_a_delay_that_no_connection_of_ours_has_is_refused_by_name(complaint):
    with pytest.raises(ValueError, match=complaint):
        nir.from_graph(REFUSED[complaint], **OPTIONS)


def test_delays_of_one_way_add_up_and_are_limited_together():
    assert late(row(delay(0.5), delay(1.0), linear(), ours())) == [3]
    with pytest.raises(ValueError, match="delay must be at most 65536"):
        nir.from_graph(row(delay(2e4), delay(2e4), linear(), ours()), **OPTIONS)


def stage(**changes):
    """Affine, leaky integrators, Linear, LIF: the row of a wavelet network of the public registry of NIR graphs."""
    rng = np.random.default_rng(3)
    affine = peer.Affine(rng.integers(-4, 9, (3, 2)) / 4, rng.integers(-2, 3, 3) / 4)
    li = neurons("LI", 3, tau=np.array([2.0, 4.0, 8.0]), r=np.array([2.0, 4.0, 4.0]), **changes)
    return row(affine, li, peer.Linear(rng.integers(-4, 9, (2, 3)) / 4), neurons("LIF"))


def test_a_leaky_stage_passes_on_its_potential():
    graph = stage()
    inputs = np.random.default_rng(0).integers(0, 3, (12, 4, 2)) / 2
    network = nir.from_graph(graph, dt=1.0, reset="hard")
    affine, li, weight, lif_node = (graph.nodes[str(k)] for k in range(4))
    potential, record = np.zeros((4, 3)), []
    membrane = np.zeros((4, 2))
    for values in inputs:
        potential = potential + (-potential + li.r * (values @ affine.weight.T + affine.bias)) / li.tau
        membrane = membrane + (-membrane + lif_node.r * (potential @ weight.weight.T)) / lif_node.tau
        record.append(membrane > lif_node.v_threshold)
        membrane = np.where(record[-1], 0.0, membrane)
    spikes = ot.simulate(network, inputs).spikes[-1]
    assert np.array_equal(spikes, np.stack(record)) and 0.05 < spikes.mean() < 0.95
    again = nir.from_graph(bare(to_graph(network)), dt=1.0, reset="hard")
    assert_same(there_and_back(network), network)
    assert np.array_equal(ot.simulate(again, inputs).spikes[-1], spikes)


def test_a_stage_whose_v_leak_others_take_is_refused():
    with pytest.raises(
        ValueError, match=r"node '1' \(LI\): v_leak must be 0 of a stage that other nodes take, got 0.5"
    ):
        nir.from_graph(stage(v_leak=np.full(3, 0.5)), dt=1.0, reset="hard")
