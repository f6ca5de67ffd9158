"""Numbers of each neuron or channel, out and in, and factors on currents that differ."""

import nir as peer
import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import nir
from ottt_ref.nir.values import each, fitted

from ..general import dense
from .graphs import convolution, linear, neurons, row, to_graph
from .test_graphs import assert_same, bare, there_and_back

DTYPES = (np.float64, np.float32)


def spread_out(low, high, shape, dtype=float):
    return np.linspace(low, high, int(np.prod(shape))).reshape(shape).astype(dtype)


def each_neuron(reset="hard", dtype=float, **options):
    """LIF neurons that differ in all their numbers, and a readout whose integrators do."""
    rng = np.random.default_rng(0)
    decay, threshold = spread_out(0.0, 1.0, (5,), dtype), spread_out(0.5, 1.25, (5,), dtype)
    settings = {"decay": decay, "threshold": threshold, "reset_potential": spread_out(-0.5, 0.25, (5,), dtype)}
    lif = ot.LIF(**{**settings, "reset": reset, **options})
    layers = [ot.Layer(dense(rng, 5, 3), lif, dense(rng, 5, 5))]
    layers.append(ot.Layer(dense(rng, 2, 5), ot.Integrator(spread_out(0.25, 0.75, (2,), dtype))))
    return ot.Network(layers).astype(dtype)


def each_channel(decay, threshold, dtype=float):
    rng = np.random.default_rng(1)
    images = ot.Conv2d(rng.normal(size=(2, 1, 3, 3)), padding=1)
    layers = [ot.Layer(images, ot.LIF(decay, threshold, "hard"))]
    layers.append(ot.Layer([ot.Flatten(), dense(rng, 3, 32)], ot.LIF(reset="hard")))
    return ot.Network(layers, input_shape=(1, 4, 4)).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reset", ["hard", "soft", "unleaked"])
def test_numbers_of_each_neuron_come_back_bit_for_bit(reset, dtype):
    network = each_neuron(reset, dtype)
    assert_same(there_and_back(network, dt=1e-3), network)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1,), (2,), (2, 4, 4)])
def test_numbers_of_each_channel_and_pixel_come_back_bit_for_bit(shape, dtype):
    network = each_channel(spread_out(0.3, 0.9, shape, dtype), spread_out(0.5, 1.5, shape, dtype), dtype)
    assert_same(there_and_back(network, dt=0.1), network)


@pytest.mark.parametrize("trainable", [("decay",), ("threshold",), ("decay", "threshold")])
def test_what_is_learned_is_learned_again(trainable):
    network = each_neuron(trainable=trainable)
    again = there_and_back(network)
    assert_same(again, network)
    assert again.layers[0].neuron.trainable == trainable
    shared = ot.Network([ot.Layer(dense(np.random.default_rng(0), 2, 3), ot.LIF(0.25, trainable=trainable))])
    assert_same(there_and_back(shared), shared)


@pytest.mark.slow
def test_numbers_of_each_neuron_come_back_from_a_file(tmp_path):
    for k, network in enumerate((each_neuron(), each_channel(np.array([0.25, 0.75]), np.array([0.5, 1.5])))):
        nir.write(tmp_path / f"{k}.nir", network, dt=1e-3)
        assert_same(nir.read(tmp_path / f"{k}.nir"), network)


def test_a_graph_of_each_neuron_says_so_in_its_arrays():
    node = to_graph(each_neuron(), dt=1e-3).nodes["layer0"]
    np.testing.assert_allclose(node.tau, [1e-3, 1e-3 / 0.75, 2e-3, 4e-3, np.inf])
    np.testing.assert_allclose(node.r, [1.0, 1 / 0.75, 2.0, 4.0, np.inf])  # the last does not leak
    assert np.array_equal(node.v_threshold, np.nextafter(spread_out(0.5, 1.25, (5,)), 0))
    channels = to_graph(each_channel(np.array([0.5, 0.75]), np.array([1.0, 2.0]))).nodes["layer0"]
    assert channels.tau.shape == (2, 4, 4) and np.array_equal(channels.tau[1], np.full((4, 4), 4.0))


def euler(node, currents, dt):
    """Spikes of LIF neurons that start from v_leak, by NIR's equations."""
    potential, record = node.v_leak + np.zeros_like(currents[0]), []
    for current in currents:
        potential = potential + dt / node.tau * (node.v_leak - potential + node.r * current)
        record.append((potential > node.v_threshold).astype(float))
        potential = np.where(record[-1] == 1, node.v_reset, potential)
    return np.stack(record)


def test_the_arrays_alone_mean_the_network():
    """All that is read of a foreign graph: λ, κ, V_th, v_reset and v_leak of each neuron."""
    rng = np.random.default_rng(2)
    arrays = {"tau": [2.0, 4.0, 8.0], "r": [2.0, 1.0, 4.0], "v_leak": [0.0, -0.5, 0.25]}
    arrays |= {"v_threshold": [1.0, 0.5, 0.75], "v_reset": [0.0, -0.25, 0.5]}
    node = peer.LIF(**{name: np.array(values) for name, values in arrays.items()})
    weight = peer.Linear(rng.integers(-8, 9, (3, 4)) / 4)
    inputs = rng.integers(0, 3, (12, 5, 4)) / 2
    network = nir.from_graph(row(weight, node, shape=(4,), out=(3,)), dt=1.0, reset="hard")
    neuron = network.layers[0].neuron
    assert neuron.decay.tolist() == [0.5, 0.75, 0.875]
    assert neuron.threshold.tolist() == np.nextafter([1.0, 1.0, 0.5], 9).tolist()
    assert neuron.reset_potential.tolist() == [0.0, 0.25, 0.25]
    scale = network.layers[0].synapses.operations[-1]
    assert isinstance(scale, ot.ChannelScale) and scale.factor.tolist() == [1.0, 0.25, 0.5]
    spikes = ot.simulate(network, inputs).spikes[0]
    assert np.array_equal(spikes, euler(node, inputs @ weight.weight.T, 1.0)) and 0.05 < spikes.mean() < 0.95
    again = nir.from_graph(bare(to_graph(network)), dt=1.0, reset="hard")
    assert np.array_equal(ot.simulate(again, inputs).spikes[0], spikes)


def test_one_number_that_differs_leaves_the_others_as_they_are():
    neuron = (
        nir.from_graph(row(linear(), neurons("LIF", v_threshold=np.array([1.0, 2.0]))), dt=1.0, reset="soft")
        .layers[0]
        .neuron
    )
    assert (neuron.decay, neuron.reset_potential) == (0.5, 0.0)
    assert neuron.threshold.tolist() == [np.nextafter(1.0, 2), np.nextafter(2.0, 3)]


def images(**changes):
    numbers = {"tau": 2.0, "r": 2.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0}
    node = peer.LIF(**{name: np.full((2, 4, 4), number) for name, number in {**numbers, **changes}.items()})
    return row(convolution(), node, peer.Flatten(None, 0, -1), linear(2, 32), neurons("LIF"), shape=(1, 4, 4))


def test_arrays_that_are_alike_within_a_channel_are_numbers_of_channels():
    graph = images()
    graph.nodes["1"].tau[1] = 4.0
    layer = nir.from_graph(graph, dt=1.0, reset="hard").layers[0]
    assert layer.neuron.decay.tolist() == [0.5, 0.75]
    assert layer.synapses.operations[-1].factor.tolist() == [1.0, 0.5]
    graph.nodes["1"].v_threshold[0, 0, 0] = 0.5
    threshold = nir.from_graph(graph, dt=1.0, reset="hard").layers[0].neuron.threshold
    assert threshold.shape == (2, 4, 4) and threshold[0, 0, 0] == np.nextafter(0.5, 1)


def test_arrays_that_are_alike_within_the_first_channel_alone_are_numbers_of_neurons():
    graph = images()
    graph.nodes["1"].v_threshold[1, 2, 3] = 0.5
    threshold = nir.from_graph(graph, dt=1.0, reset="hard").layers[0].neuron.threshold
    assert threshold.shape == (2, 4, 4) and threshold[1, 2, 3] == np.nextafter(0.5, 1) != threshold[1, 0, 0]


def test_large_layers_are_read_as_fast_as_their_different_numbers():
    """Many neurons of two kinds: a function is called twice."""
    calls = []
    values = np.where(np.arange(12**3) % 2, 0.5, 2.0).reshape(12, 12, 12)
    found = each(lambda one, other: calls.append(one) or one * other, values, 3.0)
    assert len(calls) == 2 and np.array_equal(found, 3 * values)
    assert each(lambda number: number > 0, values) == 1.0 and each(float, np.full((3, 3), 0.5)) == 0.5


def test_factors_on_currents_that_differ_within_a_channel_are_refused():
    graph = images()
    graph.nodes["1"].r[0, 0, 0] = 4.0
    with pytest.raises(
        ValueError, match=r"node '1' \(LIF\): numbers must be the same within a channel, got 1.0 to 2.0"
    ):
        nir.from_graph(graph, dt=1.0, reset="hard")


def test_what_contradicts_the_metadata_of_each_neuron_is_refused():
    for field in ("tau", "v_threshold", "v_reset", "v_leak"):
        graph = to_graph(each_neuron())
        getattr(graph.nodes["layer0"], field)[2] += 0.125
        with pytest.raises(
            ValueError, match=r"node 'layer0' \(LIF\): .* must be the same in the metadata and in the arr"
        ):
            nir.from_graph(graph)
    graph = to_graph(each_neuron())
    graph.nodes["layer0"].metadata["ottt_ref"]["decay"] = np.full(3, 0.5)
    with pytest.raises(
        ValueError, match=r"node 'layer0' \(LIF\): decay must be a number or have the shape \[1\].*\[5\]"
    ):
        nir.from_graph(graph)
    graph = to_graph(each_neuron())
    graph.nodes["layer0"].metadata["ottt_ref"]["trainable"] = "weight"
    with pytest.raises(ValueError, match=r"node 'layer0' \(LIF\): trainable must name some of"):
        nir.from_graph(graph)


CHANNEL_SCALES = {
    "a row": [dense(np.random.default_rng(0), 3, 3), ot.ChannelScale(np.array([0.5, 2.0, 1.0]))],
    "a row with an offset": [ot.ChannelScale(np.array([0.5, 2.0, 1.0]), np.array([0.0, 1.0, -0.5])), ot.Scale(0.5)],
    "the same for all": ot.ChannelScale(np.ones(3)),
}


@pytest.mark.parametrize("kind", CHANNEL_SCALES)
def test_scales_of_channels_come_back(kind):
    layers = [ot.Layer(CHANNEL_SCALES[kind], ot.LIF()), ot.Layer(dense(np.random.default_rng(1), 2, 3), ot.LIF())]
    network = ot.Network(layers, input_shape=(3,))
    assert_same(there_and_back(network), network)


@pytest.mark.parametrize("offset", [None, np.array([0.25, -0.5])])
@pytest.mark.parametrize("dtype", DTYPES)
def test_scales_of_channels_of_images_and_sequences_come_back(offset, dtype):
    rng = np.random.default_rng(0)
    for synapses, shape in (
        (ot.Conv2d(rng.normal(size=(2, 1, 3, 3))), (1, 4, 4)),
        (ot.Conv1d(rng.normal(size=(2, 1, 3))), (1, 6)),
    ):
        scale = ot.ChannelScale(np.array([0.5, 3.0]), offset)
        size = int(np.prod(synapses.output_shape(shape)))
        layers = [ot.Layer([synapses, scale], ot.LIF()), ot.Layer([ot.Flatten(), dense(rng, 2, size)], ot.LIF())]
        network = ot.Network(layers, input_shape=shape).astype(dtype)
        graph = to_graph(network)
        assert_same(nir.from_graph(graph), network)
        inputs = rng.normal(size=(5, 2, *shape)).astype(dtype)
        read = nir.from_graph(bare(graph), dt=1.0, reset="soft") if offset is None else network
        assert np.array_equal(ot.simulate(read, inputs).outputs, ot.simulate(network, inputs).outputs)


def test_a_scale_of_channels_that_was_changed_is_refused():
    layers = [
        ot.Layer(CHANNEL_SCALES["a row with an offset"], ot.LIF()),
        ot.Layer(dense(np.random.default_rng(1), 2, 3), ot.LIF()),
    ]
    graph = to_graph(ot.Network(layers, input_shape=(3,)))
    graph.nodes["layer0_0_affine"].weight[0, 1] = 1.0
    with pytest.raises(
        ValueError, match=r"node 'layer0_0_affine' \(Affine\): weight must be a factor for each channel"
    ):
        nir.from_graph(graph)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1)])
def test_numbers_that_are_alike_in_each_channel_are_numbers_of_channels(shape):
    of_channels = np.array([0.25, 0.5])
    spread = np.broadcast_to(of_channels.reshape(2, *(1 for _ in shape[1:])), shape).copy()
    assert fitted(spread, shape, np.float64).tolist() == of_channels.tolist()
    spread[1, 2] = 0.75
    assert np.array_equal(fitted(spread, shape, np.float64), spread)
    assert np.array_equal(fitted(of_channels, (2,), np.float64), of_channels)
