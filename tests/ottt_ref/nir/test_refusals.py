"""What NIR cannot say, or we cannot run, is refused by name."""

import nir as peer
import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import nir

from ..general import case, dense, lif
from ..helpers import dyadic_network
from .graphs import convolution, image, linear, linked, neurons, row, row_convolution, to_graph
from .test_graphs import assert_same


@pytest.mark.parametrize(
    ("kind", "operation"),
    [
        ("standardised_dense", "connection layer0 must be made of Dense, .* got WeightStandardised"),
        ("residual", "connection layer3 must be made of .* got SkipInit"),
        ("convolutional_feedback", "connection layer0.feedback1 must be made of .* got Upsample2d"),
        ("dropped_out", "connection layer0 must be made of .* got Mask"),
        ("max_pooled", "connection layer1 must be made of .* got MaxPool2d"),
    ],
)
def test_operations_that_nir_has_not_are_refused_by_name(kind, operation):
    with pytest.raises(ValueError, match=operation):
        to_graph(case(kind)[0])


def test_dropout_is_refused():
    layers = [ot.Layer([ot.Dropout(0.5), ot.Dense(np.ones((1, 1)))], lif())]
    with pytest.raises(ValueError, match=r"got Dropout\(rate=0.5\)"):
        to_graph(ot.Network(layers, input_shape=(1,)))


def test_arguments_are_checked_before_any_work():
    network = dyadic_network(0)
    with pytest.raises(TypeError, match=r"network\.dtype must be float64 or float32"):
        to_graph(network.exact())
    with pytest.raises(TypeError, match="network must be a Network, got None"):
        to_graph(None)
    for dt in (0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="dt must be above 0"):
            to_graph(network, dt=dt)
    with pytest.raises(ValueError, match=r"tau must be a number of float32 .* got 2e-60"):
        to_graph(network.astype("float32"), dt=1e-60)
    graph = to_graph(network)
    with pytest.raises(TypeError, match=r"graph must be a nir\.NIRGraph, got None"):
        nir.from_graph(None)
    with pytest.raises(ValueError, match="reset must be one of 'soft', 'hard', 'unleaked', got 'none'"):
        nir.from_graph(graph, reset="none")
    with pytest.raises(TypeError, match="surrogate must be a surrogate such as"):
        nir.from_graph(graph, surrogate="sigmoid")
    with pytest.raises(TypeError, match="input_shape must be a shape such as"):
        nir.from_graph(graph, input_shape=3)


def test_two_ways_without_an_operation_between_two_layers_are_refused():
    layers = [ot.Layer(dense(np.random.default_rng(0), 2, 2), lif()), ot.Layer(ot.Chain(), lif())]
    with pytest.raises(ValueError, match=r"connection layer1\.skip0 must have an operation"):
        to_graph(ot.Network(layers, skips=[ot.Skip(0, 1)]))


REFUSED = {
    r"node '1' must be one of Input, .* got CubaLI$": row(linear(), peer.CubaLI(*[np.ones(2)] * 4)),
    r"node '1' must be one of .* got Threshold": row(linear(), peer.Threshold(np.ones(2))),
    r"node '1' \(LIF\): r must hold finite numbers": row(linear(), neurons("LIF", r=np.array([1.0, np.nan]))),
    r"node '1' \(LIF\): tau must have the shape of the layer, \[2\], got \[3\]": row(linear(), neurons("LIF", 3)),
    r"node '1' \(LIF\): tau must be at least dt": row(linear(), neurons("LIF", tau=np.full(2, 0.5))),
    r"node '1' \(IF\): v_threshold must be at least 0, got -1.0": row(
        linear(), neurons("IF", v_threshold=np.full(2, -1.0))
    ),
    r"node '1' \(LIF\): reset_potential must be below the threshold, got 2.0": row(
        linear(), neurons("LIF", v_reset=np.full(2, 2.0))
    ),
    r"node '0' \(Linear\): weight must be \[n_out, n_in\], got shape \(1, 2, 2\)": row(
        peer.Linear(np.ones((1, 2, 2))), neurons("LIF")
    ),
    r"node '0' \(Linear\): Dense\(3 -> 2, float64\) must be given \[3\], got \[2\]": row(linear(2, 3), neurons("LIF")),
    r"node '0' \(Linear\): weight must be finite, got inf": row(peer.Linear(np.full((2, 2), np.inf)), neurons("LIF")),
    r"node '0' \(Linear\): weight must have dtype float64 or float32, got int": row(
        peer.Linear(np.ones((2, 2), int)), neurons("LIF")
    ),
    r"node '0' \(Affine\): bias must have dtype float64, got float32": row(
        peer.Affine(np.ones((2, 2)), np.ones(2, np.float32)), neurons("LIF")
    ),
    r"the graph must describe a network: layers must all have one dtype, .*, node '0' float64, node '2' float32": row(
        linear(), neurons("LIF"), peer.Linear(np.ones((2, 2), np.float32)), neurons("LIF")
    ),
    r"node '0' \(Scale\): numbers must be the same within a channel, got 1.0 to 2.0 in the first": row(
        peer.Scale(np.array([[[1.0, 2.0]]])), peer.Flatten(None, 0, -1), linear(), neurons("LIF"), shape=(1, 1, 2)
    ),
    r"node '0' \(Scale\): scale must have the shape of what it is given, \[2\], got \[3\]": row(
        peer.Scale(np.ones(3)), linear(), neurons("LIF")
    ),
    r"node '0' \(Conv2d\): dilation\[1\], the horizontal one, must be at least 1, got 0": image(
        convolution(dilation=(2, 0))
    ),
    r"node '0' \(Conv2d\): Conv2d\(2 -> 2, .* groups 2, .*\) must be given 2 channels, got \[1, 4, 4\]": image(
        convolution(groups=2)
    ),
    r"node '0' \(Conv2d\): groups must divide the C_out = 2 channels of weight, got 3": image(convolution(groups=3)),
    r"node '0' \(Conv2d\): stride must be a number or a pair of them, got \(1, 2, 1\)": image(
        convolution(stride=(1, 2, 1))
    ),
    r"node '0' \(Conv1d\): stride must be the same in each direction, got \(1, 2\)": row(
        row_convolution(stride=(1, 2)), neurons("LIF"), shape=(1, 4)
    ),
    r"node '0' \(Conv2d\): padding must be a number, 'valid', or 'same' with .* got 'same'": image(
        convolution(padding="same", stride=(2, 2))
    ),
    r"node '0' \(Conv2d\): input_shape must be that of what it is given, \[4, 4\], got \(5, 5\)": image(
        convolution(input_shape=(5, 5))
    ),
    r"node '0' \(Conv1d\): input_shape must be that of what it is given, \[4\], got 5": row(
        row_convolution(input_shape=5),
        peer.Flatten(None, 0, -1),
        peer.Linear(np.ones((2, 8))),
        neurons("LIF"),
        shape=(1, 4),
    ),
    r"node '1' \(Flatten\): start_dim and end_dim must be 0 and -1": row(
        convolution(), peer.Flatten(None, 1, -1), shape=(1, 4, 4)
    ),
    r"node '1' \(AvgPool2d\): padding must be less than the size \(2, 2\), got \(0, 2\)": image(
        convolution(), peer.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 2]))
    ),
    r"node '1' \(AvgPool2d\): kernel_size must be a number or a pair": image(
        convolution(), peer.AvgPool2d(np.array([2, 2, 2]), np.array([2, 2]), np.array([0, 0]))
    ),
    r"the shape of the Input node must hold whole numbers of at least 1": row(linear(), neurons("LIF"), shape=(0,)),
    r"node '1' \(Linear\) must be the only one with weights between two layers, got node '0' before it": row(
        linear(), linear(), neurons("LIF")
    ),
    r"node '2' \(Linear\) must be the only one with weights": row(
        linear(), peer.Scale(np.full(2, 0.5)), linear(), neurons("LIF")
    ),
    r"node '1' \(LIF\): tau must be infinite where r is, .* got tau=inf and r=2.0": row(
        linear(), neurons("LIF", tau=np.full(2, np.inf))
    ),
    r"node '1' \(LIF\): tau must be infinite where r is, .* got tau=2.0 and r=inf": row(
        linear(), neurons("LIF", r=np.full(2, np.inf))
    ),
    r"node '1' \(LIF\): tau must hold finite numbers, got array\(\[-inf": row(
        linear(), neurons("LIF", tau=np.full(2, -np.inf))
    ),
    r"node '1' \(LIF\): v_threshold must hold finite numbers": row(
        linear(), neurons("LIF", v_threshold=np.full(2, np.inf))
    ),
    r"layers must have at least one spiking layer": row(linear()),
}


@pytest.mark.parametrize("complaint", REFUSED)
def test_what_is_no_network_of_ours_is_refused_by_name(complaint):
    with pytest.raises(ValueError, match=complaint):
        nir.from_graph(REFUSED[complaint], dt=1.0, reset="hard")


MALFORMED = {
    "edges must join nodes that there are, got 'nowhere'": linked(["in a", "a nowhere", "a out"], a=neurons("LIF")),
    "edges must join each two nodes once": linked(["in a", "in a", "a b", "b out"], a=linear(), b=neurons("LIF")),
    "node 'c' must be entered by an edge": linked(
        ["in a", "a b", "b out", "c b"], a=linear(), b=neurons("LIF"), c=linear()
    ),
    "node 'c' must be left by an edge": linked(["in a", "a out", "a c"], a=neurons("LIF"), c=linear()),
    "the graph must have one Input node, got .'in', 'c'": linked(
        ["in a", "c a", "a b", "b out"], a=linear(), b=neurons("LIF"), c=peer.Input(np.array([2]))
    ),
    "layers must be in a row, each fed by the one before, got .'b', 'c'. side by side": linked(
        ["in a", "a b", "a c", "b d", "c d", "d out"],
        a=neurons("LIF"), b=neurons("LIF"), c=neurons("LIF"), d=neurons("LIF"),
    ),
    "loops must be entered at one layer, .* among .'a', 'b'": linked(
        ["in a", "in b", "a b", "b a", "b out"], a=neurons("LIF"), b=neurons("LIF")
    ),
    "must be reached from the input": linked(
        ["in a", "a out", "b c", "c b", "b a"], a=neurons("LIF"), b=neurons("LIF"), c=neurons("LIF")
    ),
    "must lie between neurons, input and output, got a loop of operations alone": linked(
        ["in a", "a b", "b out", "c d", "d c"], a=linear(), b=neurons("LIF"), c=linear(), d=linear()
    ),
    "node 'a' must have one way back to itself, got more": linked(
        ["in a", "a b", "b a", "a c", "c a", "a out"], a=neurons("LIF"), b=linear(), c=linear()
    ),
    "the output must come from the last layer, 'b', got 'a'": linked(
        ["in a", "a b", "b a", "a out"], a=neurons("LIF"), b=neurons("LIF")
    ),
}  # fmt: skip


@pytest.mark.parametrize("complaint", MALFORMED)
def test_a_graph_that_is_no_row_of_layers_is_refused(complaint):
    with pytest.raises(ValueError, match=complaint):
        nir.from_graph(MALFORMED[complaint], dt=1.0, reset="hard")


def test_numbers_that_a_dtype_does_not_hold_are_refused():
    def single(number):
        return np.full(2, number, np.float32)

    graph = row(linear(), neurons("LIF", tau=single(2.0)))
    with pytest.raises(ValueError, match="tau must be at least dt"):
        nir.from_graph(graph, dt=1e60, reset="hard")
    graph = row(linear(), neurons("IF", r=np.full(2, 1e308)))
    with pytest.raises(ValueError, match=r"r must make a factor r dt that is finite, got 1e\+308 and dt=10000000000"):
        nir.from_graph(graph, dt=1e10, reset="hard")
    graph = to_graph(dyadic_network(0).astype("float32"))
    graph.nodes["layer0"].metadata["ottt_ref"]["threshold"] = 1e300
    with pytest.raises(ValueError, match="threshold must be the same in the metadata and in the arrays"):
        nir.from_graph(graph)


def test_what_contradicts_the_metadata_is_refused():
    def graph():
        return to_graph(dyadic_network(0), dt=1e-3)

    with pytest.raises(ValueError, match=r"dt must be what the graph says, 0.001, or not be given, got 0.01"):
        nir.from_graph(graph(), dt=1e-2)
    with pytest.raises(ValueError, match=r"reset must be what the graph says, 'soft', .* got 'hard'"):
        nir.from_graph(graph(), reset="hard")
    with pytest.raises(ValueError, match=r"surrogate must be what the graph says, Triangle"):
        nir.from_graph(graph(), surrogate=ot.surrogate.Sigmoid())
    for field, value in (("tau", 3e-3), ("v_threshold", 2.0), ("v_reset", 0.5)):
        changed = graph()
        getattr(changed.nodes["layer0"], field)[:] = value
        with pytest.raises(ValueError, match="must be the same in the metadata and in the arrays"):
            nir.from_graph(changed)
    with pytest.raises(ValueError, match=r"node 'layer0' \(LIF\): surrogate must be one of .* got 'Step'"):
        changed = graph()
        changed.nodes["layer0"].metadata["ottt_ref"]["surrogate"] = {"type": "Step"}
        nir.from_graph(changed)
    with pytest.raises(ValueError, match="must be of version 1 to 2, got version 3"):
        changed = graph()
        changed.metadata["ottt_ref"]["version"] = 3
        nir.from_graph(changed)
    with pytest.raises(ValueError, match="reset must be given"):
        changed = graph()
        del changed.nodes["layer0"].metadata["ottt_ref"]["reset"]
        nir.from_graph(changed)


def test_what_the_graph_says_may_be_said_again():
    network = dyadic_network(0)
    surrogate = network.layers[0].neuron.surrogate
    assert_same(nir.from_graph(to_graph(network, dt=0.5), dt=0.5, reset="soft", surrogate=surrogate), network)
