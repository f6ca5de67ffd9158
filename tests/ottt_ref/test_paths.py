"""Paths: against gradients by hand, an enumerator that works on the unrolled graph, and the methods themselves."""

import math
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.paths import EVERY_PATH, METHODS, Selection, enumeration
from ottt_ref.paths.enumeration import Enumeration
from ottt_ref.paths.unrolled import Unrolled

from ..paths_enumerator import key_of, ways

HALF = Fraction(1, 2)
RESETS = ("soft", "unleaked", "hard")
RESET_PATHS = Selection(resets="some")


def exact(values):
    return ot.exact_array(np.array(values, dtype=object))


def lif(reset="soft", decay=HALF):
    surrogate = ot.surrogate.Triangle(Fraction(1), Fraction(1))
    return ot.LIF(decay=decay, threshold=Fraction(1), reset=reset, reset_potential=Fraction(1, 4), surrogate=surrogate)


def row(weights, neurons, **options):
    """A network of layers in a row, without biases other than 0."""
    return ot.Network([ot.Layer(ot.Dense(exact(w)), neuron) for w, neuron in zip(weights, neurons)], **options)


def one_neuron(reset, steps=2):
    """One neuron, λ = 1/2, w = 3/4, x = 1; network, activity, errors none of which is 0, ψ and u."""
    network = row([[[Fraction(3, 4)]]], [lif(reset)])
    activity = ot.simulate(network, exact(np.ones((steps, 1, 1), dtype=int)))
    psi, potential = activity.layer_surrogate_derivatives[0][:, 0, 0], activity.layer_potentials[0][:, 0, 0]
    return network, activity, activity.outputs + 1, psi, potential


def sums_of(data, keep):
    """The gradients by paths one by one, which must be those that are added up on the way."""
    network, *_ = data
    selection = ot.paths.kept_by(keep, network) if isinstance(keep, str) else keep
    found = Enumeration(Unrolled(*data), selection).gradients()
    added_up = ot.paths.accumulate(*data, keep=keep)
    assert list(found) == list(added_up) and all(np.array_equal(found[name], added_up[name]) for name in found)
    return found


def test_leak_paths_of_one_neuron():
    *data, psi, _ = one_neuron("soft")
    e = data[2][:, 0, 0]
    expected = e[0] * psi[0] + e[1] * psi[1] * (1 + HALF)  # x[0] may wait for t = 1, by one leak edge
    assert sums_of(data, "bptt")["layer0.weight"][0, 0] == expected != 0


@pytest.mark.parametrize(
    "reset, edge",
    [
        ("soft", lambda psi, u: -HALF * psi),
        ("unleaked", lambda psi, u: -psi),
        ("hard", lambda psi, u: HALF * (Fraction(1, 4) - u) * psi),
    ],
)
def test_reset_paths_of_one_neuron(reset, edge):
    *data, psi, u = one_neuron(reset)
    expected = data[2][1, 0, 0] * psi[1] * edge(psi[0], u[0])
    gradients = sums_of(data, RESET_PATHS)
    assert gradients["layer0.weight"][0, 0] == gradients["layer0.bias"][0] == expected != 0


def test_two_resets_are_crossed_one_after_the_other():
    """Three time steps: the paths over at least one reset are all paths without those over none."""
    *data, psi, _ = one_neuron("soft", steps=3)
    some, none, every = (sums_of(data, keep)["layer0.weight"][0, 0] for keep in (RESET_PATHS, "bptt", "bptt-kept"))
    edge, e = HALF * (1 - psi), data[2][:, 0, 0] * psi
    assert every == e[0] + e[1] * (1 + edge[0]) + e[2] * (1 + edge[1] + edge[0] * edge[1])
    assert every == none + some and 0 not in (none, some)


def test_a_path_through_two_layers_crosses_the_weight_between_them():
    network = row([[[Fraction(5, 4)]], [[Fraction(3, 4)]]], [lif(), lif()])
    activity = ot.simulate(network, exact([[[1]]]))
    (path,) = ot.paths.find_in(network, activity, activity.outputs + 1, "layer0.weight", (0, 0))
    psi = [values[0, 0, 0] for values in activity.layer_surrogate_derivatives]
    assert path.contribution == path.output_error * psi[1] * Fraction(3, 4) * psi[0] != 0
    assert [factor.value for factor in path.factors] == [1, psi[0], Fraction(3, 4), psi[1], path.output_error]


def test_a_hard_reset_forgets_what_waited_and_the_trace_does_not():
    """The neuron fires at the first step: nothing waits there for the second, but in OTTT's trace."""
    network = row([[[Fraction(5, 4)]]], [lif("hard")])
    activity = ot.simulate(network, exact([[[1]], [[1]]]))
    data = network, activity, activity.outputs + 1
    e = data[2][:, 0, 0] * activity.layer_surrogate_derivatives[0][:, 0, 0]
    assert activity.spikes[0][0, 0, 0] == 1 and 0 not in e
    assert sums_of(data, "bptt")["layer0.weight"][0, 0] == e[0] + e[1]
    assert sums_of(data, "ottt")["layer0.weight"][0, 0] == e[0] + e[1] * (1 + HALF)
    (traced,) = (path for path in ot.paths.find_in(*data, "layer0.weight", (0, 0), nonzero=True) if path.traced)
    assert traced.methods == ("ottt",) and [factor.kind for factor in traced.factors][1] == "trace"


@cache
def looped(reset, readout="leaky", delays=(0, 0)):
    """2-2-2 with a recurrent and a feedback connection and a skip, a readout, two samples; its data."""
    rng = np.random.default_rng(3)

    def dense(rows, columns, **options):
        return ot.Dense(exact(rng.integers(1, 8, (rows, columns))) / 8, **options)

    last = lif(reset) if readout == "spiking" else ot.Integrator(HALF if readout == "leaky" else Fraction(0))
    layers = [
        ot.Layer(dense(2, 2, bias=exact([0, HALF])), lif(reset), dense(2, 2, bias=False)),
        ot.Layer(dense(2, 2), lif(reset, HALF if readout == "linear" else Fraction(1, 4)), delay=delays[0]),
        ot.Layer(dense(2, 2), last),
    ]
    back = ot.Feedback(1, 0, dense(2, 2, bias=False), delay=1 + delays[1])
    network = ot.Network(layers, feedback=[back], skips=[ot.Skip(0, 2, dense(2, 2, bias=False))])
    activity = ot.simulate(network, exact(rng.integers(0, 16, (3, 2, 2))) / 8)
    assert any(np.any(spikes == 1) for spikes in activity.spikes)
    return network, activity, activity.outputs - 2


LOOPED = [("soft",), ("hard", "spiking"), ("unleaked", "linear", (1, 1))]
ENTRIES = [("layer0.weight", (1, 0)), ("layer0.recurrent.weight", (0, 1)), ("layer1.bias", (1,))]


@pytest.mark.parametrize("parameter, index", ENTRIES)
@pytest.mark.parametrize("which", LOOPED)
def test_the_paths_are_those_of_the_unrolled_graph(which, parameter, index):
    data = looped(*which)
    connection = next(c for c in data[0].connections if parameter in c.parameters)
    expected = ways(*data, connection, index[0], index[1] if len(index) == 2 else None)
    found = ot.paths.find_in(*data, parameter, index, keep=Selection(resets="any"))
    assert len(found) == len(expected) and {key_of(path) for path in found} == set(expected)
    own = connection.target
    for path in found:
        way = expected[key_of(path)]
        assert path.contribution == way.product == math.prod(factor.value for factor in path.factors)
        assert (path.waits, path.resets, path.loops) == (way.waits, way.resets, way.loops)
        delay = 0 if path.source is None else connection.delay
        assert (path.source_time, path.arrives) == (way.nodes[0][3] - delay, way.nodes[0][3])
        at_once = not way.loops and not way.resets
        kept = {
            "sltt": at_once and not way.waits,
            "ottt": at_once and way.waits <= {own},
            "otpe": at_once and way.waits <= {own, own + 1},
            "bptt": not way.resets,
            "bptt-kept": True,
        }
        assert path.methods == tuple(name for name, keeps in kept.items() if keeps)


@pytest.mark.parametrize("which", [*LOOPED, ("hard", "linear")])
def test_sums_are_the_methods_gradients(which):
    data = looped(*which)
    gradients = {
        "sltt": ot.sltt.accumulate(*data).values,
        "ottt": ot.ottt.accumulate(*data).values,
        "bptt": ot.bptt.backward(*data).values,
        "bptt-kept": ot.bptt.backward(*data, reset_gradient="kept").values,
    }
    for method, expected in gradients.items():
        got = ot.paths.accumulate(*data, keep=method)
        assert all(np.array_equal(got[name], expected[name]) for name in expected), method
        assert any(np.any(value != 0) for value in expected.values())


@pytest.mark.slow
@pytest.mark.parametrize("which", [("soft",), ("hard", "linear")])
def test_sums_on_the_way_are_the_paths_summed(which):
    for keep in ("ottt", "otpe", Selection(waits={1}, resets="any", loops=False)):
        sums_of(looped(*which), keep)


@pytest.mark.slow
@pytest.mark.parametrize("which", [("soft",), ("hard", "linear")])
def test_paths_are_counted_without_walking_along_them(which):
    unrolled = Unrolled(*looped(*which))
    network = unrolled.network
    for start in list(enumeration.starts(network))[::7]:
        for keep in (EVERY_PATH, RESET_PATHS, ot.paths.kept_by("ottt", network)):
            for nonzero in (False, True):
                number = sum(1 for _ in Enumeration(unrolled, keep, nonzero).paths(start))
                assert enumeration.count(unrolled, keep, start, nonzero) == number


def test_paths_that_are_not_0_are_those_whose_contribution_is_not():
    data = looped("hard", "linear")
    every, nonzero = (ot.paths.find_in(*data, "layer0.weight", (1, 0), nonzero=flag) for flag in (False, True))
    assert nonzero == [path for path in every if path.contribution != 0] and len(nonzero) < len(every)


@pytest.fixture(scope="module")
def small():
    """A float network, its inputs and labels."""
    network = ot.dense_network([2, 2, 2, 2], decay=[0.5, 0.75], rng=4)
    return network, np.random.default_rng(1).random((4, 2, 2)) * 2, np.array([0, 1])


def test_in_floats_the_sums_are_the_gradients_within_rounding(small):
    for method, expected in {
        "sltt": ot.sltt.gradients(*small),
        "ottt": ot.ottt.gradients(*small),
        "bptt": ot.bptt.gradients(*small),
        "bptt-kept": ot.bptt.gradients(*small, reset_gradient="kept"),
    }.items():
        got = ot.paths.gradients(*small, keep=method)
        assert got.loss == expected.loss and np.array_equal(got.outputs, expected.outputs)
        for name in expected:
            assert np.allclose(got[name], expected[name], rtol=1e-12, atol=1e-15)
    found = ot.paths.find(*small, "layer0.weight", (1, 1), keep="bptt")
    assert all(type(path.contribution) is float for path in found)
    assert math.isclose(sum(path.contribution for path in found), ot.bptt.gradients(*small)["layer0.weight"][1, 1])


def test_decays_and_thresholds_of_each_neuron():
    neuron = ot.LIF(decay=np.array([0.5, 0.9]), threshold=np.array([1.0, 0.75]), reset="hard")
    layers = [ot.Layer(ot.Dense(np.full((2, 2), 0.6)), neuron), ot.Layer(ot.Dense(np.ones((1, 2))), ot.Integrator(0.5))]
    arguments = ot.Network(layers), np.full((4, 1, 2), 0.75), np.array([[1.0]]), ot.losses.MeanSquaredError()
    for method, expected in {
        "ottt": ot.ottt.gradients(*arguments),
        "bptt-kept": ot.bptt.gradients(*arguments, reset_gradient="kept"),
    }.items():
        got = ot.paths.gradients(*arguments, keep=method)
        assert all(np.allclose(got[name], expected[name]) for name in expected)


def test_switches_that_are_a_method_have_its_name(small):
    network, *_ = small
    named = ot.paths.methods_of
    assert named(network, 0, Selection(waits=(), loops=False)) == ("sltt",)
    assert named(network, 0, Selection(waits={0, 2})) == ("ottt",)  # the readout, layer 2, has no membrane
    assert named(network, 0, Selection(waits={0, 1})) == ("otpe", "bptt")
    assert named(network, 0, Selection(resets="any")) == ("bptt-kept",)
    assert named(network, 0, Selection(waits={1})) == named(network, 0, Selection(waits={0}, resets="any")) == ()
    assert named(network, 2, Selection(traces=True)) == ("ottt",)
    assert named(network, 2, Selection(waits=())) == ("sltt", "otpe", "bptt", "bptt-kept")
    assert named(network, 2, Selection(waits=(), traces=True)) == named(network, 2, Selection(waits=()))
    looping, *_ = looped("soft")
    assert named(looping, 1, Selection(waits={1, 2}, loops=False)) == ("otpe",)
    assert named(looping, 1, Selection()) == ("bptt",)
    recurrent = ot.Layer(ot.Dense(np.eye(2)), ot.LIF(), ot.Dense(np.eye(2), False))
    assert named(ot.Network([recurrent]), 0, Selection(loops=False)) == ("ottt", "otpe")
    assert named(ot.Network([recurrent]), 0, Selection()) == ("bptt",)
    assert named(looping, 2, Selection()) == ("ottt", "otpe", "bptt", "bptt-kept")  # a readout that nothing resets


def test_more_paths_than_the_limit_are_refused_with_their_number(small):
    number = ot.paths.count(*small, "layer0.weight", (0, 0))
    assert len(ot.paths.find(*small, "layer0.weight", (0, 0), limit=number)) == number
    with pytest.raises(ValueError, match=rf"at most {number - 1} paths of layer0.weight\[0, 0\] .* got {number}"):
        ot.paths.find(*small, "layer0.weight", (0, 0), limit=number - 1)
    network, inputs, labels = small
    long = network, np.tile(inputs, (25, 1, 1))[:, :1], labels[:1]
    with pytest.raises(
        ValueError, match=r"at most 100000 paths .* over 100 .* 1 sample to .* got a number of about 34 digits"
    ):
        ot.paths.find(*long, "layer0.weight", (0, 0))


def image_network():
    layers = [
        ot.Layer([ot.Conv2d(np.ones((1, 1, 2, 2))), ot.Flatten()], ot.LIF()),
        ot.Layer(ot.Dense(np.ones((1, 1))), ot.LIF()),
    ]
    return ot.Network(layers, input_shape=(1, 2, 2)), np.ones((2, 1, 1, 2, 2)), np.array([0])


def with_neuron(neuron, last=None):
    layers = [ot.Layer(ot.Dense(np.eye(2)), each) for each in (neuron, last or ot.LIF())]
    return ot.Network(layers), np.ones((2, 1, 2)), np.array([0])


UNKNOWN = {
    "a convolution": (image_network, TypeError, r"Dense connections alone .*Conv2d.* as layer0"),
    "two states": (lambda: with_neuron(ot.CubaLIF()), TypeError, r"LIF neurons .* CubaLIF.* in layers\[0\]"),
    "a sum of currents": (lambda: with_neuron(ot.Integrator()), ValueError, r"no sums of currents .* layers\[0\]"),
    "a decay that is learned": (
        lambda: with_neuron(ot.LIF(trainable=("decay",))),
        ValueError,
        r"no trainable neurons .* layers\[0\]",
    ),
}


@pytest.mark.parametrize("make, error, message", UNKNOWN.values(), ids=UNKNOWN)
def test_layers_whose_paths_are_not_known_are_refused_by_name(make, error, message):
    network, inputs, labels = make()
    for call in (ot.paths.gradients, lambda *given: ot.paths.find(*given, "layer1.weight", (0, 0))):
        with pytest.raises(error, match=message):
            call(network, inputs, labels)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"parameter": "layer7.weight"}, "parameter must be one of layer0.weight, .*, got 'layer7.weight'"),
        ({"index": (0,)}, r"index must be that of an entry of layer0.weight, 2 numbers, got \(0,\)"),
        ({"index": (0, 2)}, r"index\[1\] must be below 2 in layer0.weight, got 2"),
        ({"index": (-1, 0)}, r"index\[0\] must be"),
        ({"keep": "rtrl"}, "keep must be a Selection or one of sltt, .*, got 'rtrl'"),
        ({"keep": {0}}, r"keep must be a Selection or one of .*, got \{0\}"),
        ({"keep": Selection(waits={3})}, "keep.waits must hold layers 0 .. 2, got 3"),
        ({"keep": Selection(waits={0: {0}})}, r"keep.waits must have an entry for each of the 3 layers, got \[0\]"),
        ({"nonzero": 1}, "nonzero must be"),
        ({"limit": 0}, "limit must be"),
    ],
)
def test_bad_arguments_are_refused_by_name(small, change, message):
    given = {"parameter": "layer0.weight", "index": (0, 0), **change}
    with pytest.raises((TypeError, ValueError), match=message):
        ot.paths.find(*small, given.pop("parameter"), given.pop("index"), **given)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"resets": "kept"}, "resets must be"),
        ({"loops": 1}, "loops must be"),
        ({"traces": None}, "traces must be"),
        ({"waits": "01"}, "waits must be a set of layers"),
        ({"waits": 1}, "waits must be a set of layers"),
        ({"waits": np.array(0)}, "waits must be a set of layers, or one for each layer, or None, got array"),
        ({"waits": {-1}}, "waits must be"),
        ({"waits": {0: 1}}, "waits must be a set of layers"),
    ],
)
def test_bad_selections_are_refused_by_name(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Selection(**given)


def test_methods_and_layers_that_there_are_not_are_refused(small):
    with pytest.raises(ValueError, match="method must be one of"):
        ot.paths.kept_by("OTTT", small[0])
    with pytest.raises(ValueError, match=r"layer must be one of 0 .. 2, got 3"):
        ot.paths.methods_of(small[0], 3, Selection())
    assert list(METHODS) == ["sltt", "ottt", "otpe", "bptt", "bptt-kept"]


def test_a_number_of_paths_that_python_does_not_write_is_said_and_a_network_that_is_too_deep():
    network = ot.dense_network([1, 1, 1], readout="spiking", rng=0)
    assert ot.paths._in_words(10**5000) == "a number of about 5001 digits"
    deep = ot.dense_network([1] * 620, readout="spiking", rng=0)
    assert ot.paths.count(network, np.ones((1, 1, 1)), np.array([0]), "layer0.weight", (0, 0), keep="sltt") == 1
    with pytest.raises(ValueError, match=r"paths of fewer membranes .* 619 layers over 1 time step:"):
        ot.paths.find(deep, np.ones((1, 1, 1)), np.array([0]), "layer0.weight", (0, 0), keep="sltt")


@pytest.mark.parametrize("reset, readout", [("soft", "linear"), ("hard", "spiking")])
def test_a_long_sequence_is_refused_after_one_look_at_each_time_step(reset, readout, monkeypatch):
    looks = []
    look = Unrolled.trace_edge
    monkeypatch.setattr(Unrolled, "trace_edge", lambda *given: looks.append(given) or look(*given))
    network = ot.dense_network([1, 1, 1], reset=reset, readout=readout, rng=0)
    with pytest.raises(ValueError, match="over 300 time steps and 1 sample to list them, got a number of about"):
        ot.paths.find(network, np.ones((300, 1, 1)), np.array([0]), "layer0.weight", (0, 0))
    assert len(looks) == 300


def test_one_time_step_is_said_as_one():
    network = ot.dense_network([1, 1, 2], rng=0)
    with pytest.raises(ValueError, match=r"at most 1 path of .* over 1 time step and 1 sample to list them, got 2"):
        ot.paths.find(network, np.ones((1, 1, 1)), np.array([0]), "layer0.bias", (0,), limit=1)
