"""The engine that takes a sample at a time through convolutions gives the reference's gradients, states and losses."""

from functools import partial

import numba
import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.fast import samples
from ottt_ref.fast.kernels.choosing import plain_kernels
from ottt_ref.fast.network import fast_network
from ottt_ref.fast.windows import NotFinite
from ottt_ref.methods.ottt import OTTT
from ottt_ref.methods.shared.task import require_task
from ottt_ref.methods.sltt import SLTT

from .memory import fill_memory

TOLERANCE = 1e-10  # of the largest number: the kit's for float64
RULES = {
    "derivation": (OTTT, ot.ottt.gradients),
    "authors": (partial(OTTT, dialect="authors"), partial(ot.ottt.gradients, dialect="authors")),
    "sltt": (SLTT, ot.sltt.gradients),
}


@pytest.fixture(autouse=True)
def memory_as_it_may_be_found(monkeypatch):
    """NaN where nothing was written: whoever reads that is found out."""
    fill_memory(monkeypatch, samples)


def by_samples(rule, network, inputs, targets, loss=ot.losses.Mixed(), **options):
    """The gradient by this engine, whichever the front would take."""
    task = require_task(network, inputs, targets, loss, forwards="a rule", **options)
    assert samples.suits(network, loss) == ""
    fast = fast_network(network)
    return samples.gradients(rule, fast, task)


def require_close(found, expected, tolerance=TOLERANCE):
    assert found.dtype == expected.dtype and found.shape == expected.shape
    atol = tolerance * max(1e-300, np.abs(expected).max())
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=atol)


def require_same(found, expected, tolerance=TOLERANCE):
    assert list(found) == list(expected) and type(found.loss) is type(expected.loss)
    for name in expected:
        require_close(found[name], expected[name], tolerance)
    assert found.loss == pytest.approx(expected.loss, rel=tolerance)
    require_close(found.outputs, expected.outputs, tolerance)
    assert list(found.final_state) == list(expected.final_state)
    for name in expected.final_state:
        require_close(found.final_state[name], expected.final_state[name], tolerance)


def convolution(rng, inputs, outputs, window=3, bias=None, **settings):
    return ot.Conv2d(rng.normal(size=(outputs, inputs, window, window)) / window, bias, **settings)


def dense(rng, inputs, bias=None):
    return ot.Dense(rng.normal(size=(5, inputs)) / 3, bias)


def pooled(rng, reset="soft", decay=0.0):
    """Two convolutions, each pooled by 2, which leaves rows and columns over; 2 and 9 channels come in."""
    neuron = ot.LIF(decay=0.6, threshold=0.8, reset=reset, reset_potential=-0.1 if reset == "hard" else 0.0)
    return ot.Network(
        [
            ot.Layer(convolution(rng, 2, 9, padding=1), neuron),
            ot.Layer([ot.AveragePool2d(2), convolution(rng, 9, 12, padding=1)], ot.LIF(decay=0.3, reset=reset)),
            ot.Layer([ot.AveragePool2d(2), ot.Flatten(), dense(rng, 12 * 2 * 3)], ot.Integrator(decay)),
        ],
        input_shape=(2, 9, 12),
    )


def unpooled(rng):
    """Windows without padding, dilated ones and large ones; a factor, and inputs that are pooled on their way in."""
    return ot.Network(
        [
            ot.Layer([ot.AveragePool2d((1, 2)), convolution(rng, 2, 3, bias=False)], ot.LIF(threshold=0.5)),
            ot.Layer([ot.Scale(2.0), convolution(rng, 3, 4, dilation=(2, 1), padding=(2, 1))], ot.LIF()),
            ot.Layer(convolution(rng, 4, 8, window=5, padding=2), ot.LIF(decay=0.9)),
            ot.Layer([ot.Flatten(), ot.Scale(0.5), dense(rng, 8 * 7 * 4, False)], ot.Integrator()),
        ],
        input_shape=(2, 9, 12),
    )


def three_times_pooled(rng):
    """Poolings of other sizes before three convolutions, and one of the whole image at the end."""
    return ot.Network(
        [
            ot.Layer(convolution(rng, 2, 4, padding=1), ot.LIF(threshold=0.6)),
            ot.Layer(
                [ot.AveragePool2d((3, 2)), ot.Scale(2.0), convolution(rng, 4, 9, padding=1)], ot.LIF(threshold=0.5)
            ),
            ot.Layer([ot.AveragePool2d((1, 2)), convolution(rng, 9, 4, padding=1)], ot.LIF(threshold=0.4)),
            ot.Layer([ot.AveragePool2d(3), ot.Flatten(), dense(rng, 4)], ot.Integrator(0.5)),
        ],
        input_shape=(2, 9, 12),
    )


def standardised(rng):
    return ot.models.small_conv((2, 12, 12), classes=5, rng=rng, threshold=0.3)


def task_of(network, steps=5, batch=3, seed=0, share=0.4):
    rng = np.random.default_rng(seed)
    inputs = (rng.random((steps, batch, *network.input_shape)) < share).astype(network.dtype)
    return inputs, rng.integers(0, network.output_size, batch)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("make", [pooled, unpooled, three_times_pooled, standardised])
def test_gradients_are_the_references(make, name):
    network = make(np.random.default_rng(1))
    rule, expected = RULES[name]
    given = task_of(network)
    activity = ot.simulate(network, given[0])
    assert all(0.01 < spikes.mean() < 0.99 for spikes in activity.spikes)
    require_same(by_samples(rule, network, *given), expected(network, *given))


@pytest.mark.parametrize("reset", ["soft", "hard", "unleaked"])
@pytest.mark.parametrize("decay", [0.0, 0.7])
def test_long_sequences_go_by_windows(reset, decay):
    network = pooled(np.random.default_rng(2), reset, decay)
    given = task_of(network, steps=2 * samples.LONGEST_WINDOW + 3)
    for rule, expected in RULES.values():
        require_same(by_samples(rule, network, *given), expected(network, *given))


def test_a_window_is_one_time_step_where_no_more_fit(monkeypatch):
    network = pooled(np.random.default_rng(3))
    given = task_of(network)
    expected = ot.ottt.gradients(network, *given)
    bytes_of_one = samples._plan(samples._read(network)[0], 1).bytes
    monkeypatch.setattr(samples, "CACHE", bytes_of_one)
    require_same(by_samples(OTTT, network, *given), expected)
    monkeypatch.setattr(samples, "CACHE", bytes_of_one - 1)
    assert "bytes at each time step" in samples.suits(network)


@pytest.mark.parametrize("loss", [ot.losses.CrossEntropy(), ot.losses.MeanSquaredError(), ot.losses.Mixed(0.3)])
def test_losses_weights_and_targets_of_each_time_step(loss):
    network = pooled(np.random.default_rng(4))
    inputs, labels = task_of(network)
    rng = np.random.default_rng(0)
    rows = rng.random((5, 3, 5))
    rows /= rows.sum(axis=-1, keepdims=True)
    each = rng.integers(0, 5, (5, 3))
    for targets in (labels, each, rows[0], rows):
        for options in ({}, {"weights": rng.normal(size=(5, 3)), "time_steps": 7}, {"weights": "last"}):
            found = by_samples(OTTT, network, inputs, targets, loss, **options)
            require_same(found, ot.ottt.gradients(network, inputs, targets, loss, **options))


@pytest.mark.parametrize("surrogate", [kind() for kind in ot.surrogate.ALL])
def test_surrogates(surrogate):
    rng = np.random.default_rng(5)
    network = ot.Network(
        [
            ot.Layer(convolution(rng, 1, 3, padding=1), ot.LIF(surrogate=surrogate)),
            ot.Layer([ot.Flatten(), dense(rng, 3 * 36)], ot.Integrator()),
        ],
        input_shape=(1, 6, 6),
    )
    given = task_of(network)
    require_same(by_samples(OTTT, network, *given), ot.ottt.gradients(network, *given))


@pytest.mark.parametrize("name", RULES)
def test_chunks_of_a_sequence_are_the_whole(name):
    network, (rule, expected) = pooled(np.random.default_rng(6), decay=0.5), RULES[name]
    inputs, labels = task_of(network, steps=7)
    first = by_samples(rule, network, inputs[:3], labels, time_steps=7)
    options = {"time_steps": 7, "initial_state": first.final_state}
    second = by_samples(rule, network, inputs[3:], labels, **options)
    require_same(second, expected(network, inputs[3:], labels, **options))
    whole = expected(network, inputs, labels)
    for name in whole:
        require_close(first[name] + second[name], whole[name])


def test_a_state_that_no_lif_neuron_leaves_behind_is_for_another_engine():
    network = pooled(np.random.default_rng(6))
    inputs, labels = task_of(network)
    state = dict(ot.ottt.gradients(network, inputs, labels).final_state)
    state["layer0.output"] = 1 - state["layer0.output"]
    with pytest.raises(NotFinite):
        by_samples(OTTT, network, inputs, labels, initial_state=state)


@pytest.mark.parametrize("batch", [1, 2, samples.PARTS, samples.PARTS + 3])
def test_batches_of_any_size(batch):
    network = pooled(np.random.default_rng(7))
    given = task_of(network, batch=batch)
    require_same(by_samples(OTTT, network, *given), ot.ottt.gradients(network, *given))


def test_the_same_bits_on_one_and_two_threads():
    network = pooled(np.random.default_rng(8))
    given = task_of(network, batch=5)
    found = by_samples(OTTT, network, *given)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = by_samples(OTTT, network, *given)
    finally:
        numba.set_num_threads(threads)
    for name in found:
        np.testing.assert_array_equal(alone[name], found[name])
    assert alone.loss == found.loss


def test_plain_loops():
    network = pooled(np.random.default_rng(9))
    given = task_of(network)
    with plain_kernels():
        found = by_samples(OTTT, network, *given)
    require_same(found, ot.ottt.gradients(network, *given))


def test_work_arrays_are_used_again_as_they_were_left():
    network, other = pooled(np.random.default_rng(10)), unpooled(np.random.default_rng(10))
    given, others = task_of(network), task_of(other)
    first = by_samples(OTTT, network, *given)
    by_samples(OTTT, other, *others)
    by_samples(OTTT, network, *task_of(network, seed=1))
    for name, value in by_samples(OTTT, network, *given).items():
        np.testing.assert_array_equal(value, first[name])


def test_the_final_state_is_that_of_the_run_when_parameters_have_changed_since():
    network = pooled(np.random.default_rng(11))
    given = task_of(network)
    found, expected = by_samples(OTTT, network, *given), ot.ottt.gradients(network, *given)
    for value in network.parameters.values():
        value[...] = 0
    require_same(found, expected)


def test_single_precision():
    rng = np.random.default_rng(12)
    network = pooled(rng)
    single = network.astype(np.float32)
    inputs, labels = task_of(network)
    found = by_samples(OTTT, single, inputs.astype(np.float32), labels)
    expected = ot.ottt.gradients(network, inputs, labels)
    for name in expected:
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=2e-5 * np.abs(expected[name]).max())


def test_numbers_that_are_not_finite_are_for_the_reference_to_name():
    network = pooled(np.random.default_rng(13))
    inputs, labels = task_of(network)
    network.parameters["layer0.weight"][...] = 1e308
    with pytest.raises(NotFinite):
        by_samples(OTTT, network, inputs, labels)
    with ot.allow_non_finite():
        assert not np.all(np.isfinite(by_samples(OTTT, network, inputs, labels).final_state["layer0.potential"]))


def one_layer(synapses, neuron=None, readout=None, **connections):
    rng = np.random.default_rng(0)
    neuron = ot.LIF() if neuron is None else neuron
    shape = (2, 8, 8)
    for operation in synapses:
        shape = operation.output_shape(shape)
    readout = readout or ot.Layer([ot.Flatten(), dense(rng, int(np.prod(shape)))], ot.Integrator())
    return ot.Network([ot.Layer(synapses, neuron), readout], input_shape=(2, 8, 8), **connections)


@pytest.mark.parametrize(
    "network, options, reason",
    [
        (ot.dense_network([2, 3, 2], rng=0), {}, "layers[0] has no convolution"),
        (one_layer([ot.Conv2d(np.ones((2, 2, 3, 3)), stride=2)]), {}, "stride 2"),
        (one_layer([ot.Conv2d(np.ones((2, 1, 3, 3)), groups=2)]), {}, "groups 2"),
        (one_layer([ot.MaxPool2d(2), ot.Conv2d(np.ones((2, 2, 3, 3)))]), {}, "MaxPool2d"),
        (one_layer([ot.AveragePool2d(3, 1), ot.Conv2d(np.ones((2, 2, 3, 3)))]), {}, "overlapping or padded windows"),
        (one_layer([ot.Conv2d(np.ones((2, 2, 3, 3)))], ot.CubaLIF()), {}, "CubaLIF"),
        (one_layer([ot.Conv2d(np.ones((2, 2, 3, 3)))], ot.LIF(trainable=("decay",))), {}, "trainable"),
        (one_layer([ot.Conv2d(np.ones((2, 2, 3, 3)))], skips=[ot.Skip(-1, 0, [ot.Conv2d(np.ones((2, 2, 3, 3)))])]), {},
         "it is no chain"),
        (one_layer([ot.Conv2d(np.ones((2, 2, 3, 3)))]), {"terms": True}, "terms are asked for"),
        (one_layer([ot.Conv2d(np.ones((2, 2, 3, 3)))]), {"regulariser": ot.losses.FiringRate(0.1, 0.1)}, "regulariser"),
        (one_layer([ot.Conv2d(np.ones((500, 2, 1, 1)))]), {}, "weights, more than"),
    ],
)  # fmt: skip
def test_what_does_not_suit_is_said_in_words(network, options, reason):
    assert reason in samples.suits(network, **options)


def test_another_network_or_rule_is_refused():
    network = ot.dense_network([2, 3, 2], rng=0)
    task = require_task(network, np.ones((2, 1, 2)), np.array([0]), ot.losses.Mixed())
    with pytest.raises(ValueError, match="no convolution"):
        samples.gradients(OTTT, network, task)
    with pytest.raises(TypeError, match="rule must be OTTT or SLTT"):
        samples.gradients(ot.methods.Rule, network, task)
