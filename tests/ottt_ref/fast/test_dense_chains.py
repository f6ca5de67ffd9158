"""The engine of chains of dense layers against the reference, in double precision, by either schedule, in windows."""

import gc
import threading
import weakref

import numba
import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.fast import dense_chains
from ottt_ref.fast.kernels.choosing import hand_built, plain_kernels

REFERENCES = {"ottt": ot.ottt.gradients, "sltt": ot.sltt.gradients, "bptt": ot.bptt.gradients}
STEPS, BATCH, SIZES = 6, 8, [20, 40, 150, 5]  # 150 neurons are two panels, the last of them not full
TOLERANCE = 1e-11  # of the largest number of an array: sums of up to a thousand terms, each rounded at 1e-16

# How sequences are cut. Of a wide network each stage is shared out to threads, of a small one the samples.
SCHEDULES = {
    "small": {},
    "wide": {"SMALL": 0},
    "small in windows": {"LONGEST_WINDOW": 4, "ROWS_OF_SMALL": 4},
    "wide in windows": {"SMALL": 0, "LONGEST_WINDOW": 4, "ROWS_OF_CHUNK": 12},  # 4 + 2 steps, of 3 + 3 + 2 samples
}


@pytest.fixture(params=SCHEDULES)
def schedule(request, monkeypatch):
    for name, value in SCHEDULES[request.param].items():
        monkeypatch.setattr(dense_chains, name, value)
    return request.param


@pytest.fixture
def windows(monkeypatch):
    for name, value in SCHEDULES["wide in windows"].items():
        monkeypatch.setattr(dense_chains, name, value)


def data(seed=0, real=False):
    rng = np.random.default_rng(seed)
    inputs = (rng.random((STEPS, BATCH, SIZES[0])) < 0.3).astype(float)
    return (inputs * rng.normal(size=inputs.shape) if real else inputs), rng.integers(0, SIZES[-1], BATCH)


def fast(network, inputs, targets, *loss, method="ottt", **options):
    return dense_chains.gradients(network, inputs, targets, *loss, method=method, reference=unused, **options)


def unused(*arguments, **options):
    raise AssertionError("the reference must not be asked")


def check(network, inputs, targets, *loss, method="ottt", **options):
    """The engine's gradients, which must be the reference's in everything."""
    found = fast(network, inputs, targets, *loss, method=method, **options)
    expected = REFERENCES[method](network, inputs, targets, *loss, **options)
    assert list(found) == list(expected)
    arrays = {name: (found[name], expected[name]) for name in expected}
    arrays["loss"] = (np.array(found.loss), np.array(expected.loss))
    assert type(found.loss) is type(expected.loss)
    arrays["outputs"] = (found.outputs, expected.outputs)
    assert list(found.final_state) == list(expected.final_state)
    arrays |= {f"state {name}": (found.final_state[name], array) for name, array in expected.final_state.items()}
    for name, (one, other) in arrays.items():
        assert one.shape == other.shape and one.dtype == other.dtype, name
        largest = abs(other[np.isfinite(other)]).max(initial=1e-3)
        assert np.allclose(one, other, rtol=0, atol=TOLERANCE * largest, equal_nan=True), name
    return found


@pytest.mark.parametrize("readout", ["linear", "leaky", "spiking"])
@pytest.mark.parametrize("method, options", [("ottt", {"dialect": "derivation"}), ("ottt", {"dialect": "authors"}),
                                             ("sltt", {}), ("bptt", {})])  # fmt: skip
def test_gradients_are_those_of_the_reference(schedule, method, options, readout):
    decays = [0.6, 0.5] if readout == "linear" else [0.6, 0.5, 0.7]
    check(ot.dense_network(SIZES, rng=1, readout=readout, decay=decays), *data(), method=method, **options)


@pytest.mark.parametrize(
    "reset, method", [("hard", "ottt"), ("hard", "sltt"), ("unleaked", "ottt"), ("unleaked", "bptt")]
)
def test_every_reset(windows, reset, method):
    network = ot.dense_network(SIZES, rng=1, reset=reset, reset_potential=-0.125)
    check(network, *data(), method=method)


SURROGATES = [
    ot.surrogate.Arctan(),
    ot.surrogate.Triangle(0.75, 1.25),
    ot.surrogate.Rectangle(0.75),
    ot.surrogate.FastSigmoid(),
    ot.surrogate.MultiGaussian(),
]


@pytest.mark.parametrize("surrogate", SURROGATES, ids=lambda each: type(each).__name__)
def test_every_surrogate(surrogate):
    check(ot.dense_network(SIZES, rng=1, surrogate=surrogate), *data())


class FourthPower(ot.losses.Loss):
    distribution = False

    def evaluate(self, outputs, targets):
        return ((outputs - targets) ** 4).sum(axis=1), 4 * (outputs - targets) ** 3


LOSSES = [ot.losses.CrossEntropy(), ot.losses.MeanSquaredError(), ot.losses.Mixed(0.25), FourthPower()]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda each: type(each).__name__)
def test_every_loss_with_targets_and_weights_of_each_time_step(schedule, loss):
    network, (inputs, labels) = ot.dense_network(SIZES, rng=1), data()
    rng = np.random.default_rng(5)
    check(network, inputs, labels, loss)
    check(network, inputs, rng.integers(0, SIZES[-1], (STEPS, BATCH)), loss)
    rows = rng.dirichlet(np.ones(SIZES[-1]), (STEPS, BATCH))
    check(network, inputs, rows, loss, weights=rng.random((STEPS, BATCH)), time_steps=9)


def test_inputs_that_are_no_spikes(schedule):
    check(ot.dense_network(SIZES, rng=1), *data(real=True))


def test_inputs_of_whole_numbers_and_in_another_order():
    network, (inputs, labels) = ot.dense_network(SIZES, rng=1), data()
    expected = fast(network, inputs, labels)
    for same in (inputs.astype(bool), inputs.astype(np.uint8), np.asfortranarray(inputs)):
        found = fast(network, same, labels)  # with rows for labels, of which the loss is rounded otherwise
        assert all(np.allclose(found[name], expected[name], rtol=1e-10, atol=1e-14) for name in expected)


@pytest.mark.parametrize("dialect", ["derivation", "authors"])
def test_a_sequence_in_chunks_goes_on_where_it_was(schedule, dialect):
    network, (inputs, labels) = ot.dense_network(SIZES, rng=1), data()
    first = check(network, inputs[:4], labels, dialect=dialect, time_steps=STEPS)
    second = check(network, inputs[4:], labels, dialect=dialect, time_steps=STEPS, initial_state=first.final_state)
    whole = fast(network, inputs, labels, dialect=dialect)
    for name in whole:
        assert np.allclose(first[name] + second[name], whole[name], rtol=1e-10, atol=1e-13)
    check(network, inputs[4:], labels, dialect=dialect, initial_state=first.final_state.without_rule())


def test_layers_without_biases_and_numbers_of_each_neuron(schedule):
    rng = np.random.default_rng(3)
    hidden = [
        ot.Layer(
            ot.Dense(rng.normal(size=(after, before)) / 2, bias=False),
            ot.LIF(threshold=rng.uniform(0.5, 1.5, after), reset="hard", reset_potential=rng.uniform(-0.5, 0, after)),
        )
        for before, after in zip(SIZES, SIZES[1:-1])
    ]
    readout = ot.Layer([ot.Dense(rng.normal(size=(SIZES[-1], SIZES[-2])), bias=False)], ot.Integrator())
    check(ot.Network([*hidden, readout]), *data())


def test_numbers_of_neurons_that_change_in_place_are_seen():
    threshold = np.linspace(0.5, 1.5, SIZES[1])
    hidden = ot.Layer(ot.Dense(np.ones((SIZES[1], SIZES[0])) / 4), ot.LIF(threshold=threshold))
    network = ot.Network([hidden, ot.Layer(ot.Dense(np.ones((5, SIZES[1]))), ot.Integrator())])
    check(network, *data())
    network.layers[0].neuron.threshold[...] = 2
    check(network, *data())


def test_parameters_that_change_are_seen():
    network, given = ot.dense_network(SIZES, rng=1), data()
    check(network, *given)
    network.parameters["layer1.weight"] = network.parameters["layer1.weight"] * 0.5
    check(network, *given)
    dense = network.layers[0].synapses
    dense.weight = np.asfortranarray(dense.weight * 0.5)  # another array, in another order
    check(network, *given)


@pytest.mark.parametrize("shares", [(0, 0), (0, 1000), (1000, 0)], ids=["dense", "dense forwards", "dense backwards"])
@pytest.mark.parametrize("real", [False, True], ids=["spikes", "numbers"])
def test_which_arithmetic_is_taken_changes_nothing(windows, monkeypatch, shares, real):
    network, given = ot.dense_network(SIZES, rng=1), data(real=real)
    monkeypatch.setattr(dense_chains, "SHARES", dict.fromkeys((True, False), (1000, 1000)))
    expected = fast(network, *given)
    monkeypatch.setattr(dense_chains, "SHARES", dict.fromkeys((True, False), shares))
    found = check(network, *given)
    if hand_built():
        assert all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("real", [False, True], ids=["spikes", "numbers"])
def test_plain_loops_give_the_same(windows, real):
    network, given = ot.dense_network(SIZES, rng=1), data(real=real)
    with plain_kernels():
        check(network, *given)


def test_one_thread_and_two_give_the_same_bits(schedule):
    network, given = ot.dense_network(SIZES, rng=1), data()
    before, found = numba.get_num_threads(), []
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            found.append(fast(network, *given))
    finally:
        numba.set_num_threads(before)
    assert found[0].loss == found[1].loss
    assert all(np.array_equal(found[0][name], found[1][name]) for name in network.parameters)


def test_results_stay_as_they_are_while_more_are_computed():
    network, given = ot.dense_network(SIZES, rng=1), data()
    first = fast(network, *given)
    copies = {name: first[name].copy() for name in first}
    outputs = first.outputs.copy()
    for seed in range(3):
        fast(network, *data(seed + 1))
    assert all(np.array_equal(first[name], copies[name]) for name in copies)
    assert np.array_equal(first.outputs, outputs)
    state = REFERENCES["ottt"](network, *given).final_state
    assert all(np.allclose(first.final_state[name], array, rtol=1e-12) for name, array in state.items())


def test_two_threads_may_ask_at_once():
    network, given = ot.dense_network(SIZES, rng=1), [data(seed) for seed in range(4)]
    expected = [fast(network, *each) for each in given]
    found = [[] for _ in given]

    def ask(k):
        found[k].extend(fast(network, *given[k]) for _ in range(20))

    threads = [threading.Thread(target=ask, args=[k]) for k in range(len(given))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, each in enumerate(expected):
        assert len(found[k]) == 20
        assert all(np.array_equal(result[name], each[name]) for result in found[k] for name in each)


def test_a_network_is_not_kept_alive():
    network = ot.dense_network(SIZES, rng=1)
    fast(network, *data())
    gone = weakref.ref(network)
    del network
    gc.collect()
    assert gone() is None


def test_memory_does_not_grow_with_the_length_of_the_sequence():
    sizes = {
        steps: sum(
            array.nbytes
            for array in vars(dense_chains._Engine(network, "ottt", "derivation", steps, BATCH, False)).values()
            if isinstance(array, np.ndarray)
        )
        for network in [ot.dense_network(SIZES, rng=1)]
        for steps in (1000, 10000)
    }
    assert sizes[10000] - sizes[1000] <= 9000 * BATCH * 8  # the loss of each sample and time step alone


@pytest.mark.parametrize("change", ["inputs", "labels", "weights"])
def test_what_is_not_finite_or_out_of_range_is_refused_as_the_reference_does(change):
    network, (inputs, labels) = ot.dense_network(SIZES, rng=1), data()
    if change == "inputs":
        inputs[3, 2, 5] = np.nan
    elif change == "labels":
        labels[4] = SIZES[-1]
    else:
        network.parameters["layer1.weight"][...] = 1.5e308  # two spikes overflow
    with pytest.raises(ValueError) as expected:
        ot.ottt.gradients(network, inputs, labels)
    with pytest.raises(ValueError) as found:
        dense_chains.gradients(network, inputs, labels, reference=ot.ottt.gradients)
    assert str(found.value) == str(expected.value) and type(found.value) is type(expected.value)


def test_what_is_not_finite_is_returned_where_that_is_allowed():
    network, given = ot.dense_network(SIZES, rng=1), data()
    network.parameters["layer1.weight"][...] = 1.5e308  # two spikes overflow
    with ot.allow_non_finite():
        found = check(network, *given)
    assert np.isinf(found.final_state["layer1.potential"]).any()


@pytest.mark.slow
def test_a_larger_network_in_single_precision():
    network = ot.dense_network([700, 300, 20], rng=1, dtype=np.float32)
    rng = np.random.default_rng(0)
    inputs, labels = (rng.random((5, 70, 700)) < 0.1).astype(np.float32), rng.integers(0, 20, 70)
    found, expected = fast(network, inputs, labels), ot.ottt.gradients(network, inputs, labels)
    for name in expected:  # rounded at 6e-8; no spike flips for this seed
        assert np.allclose(found[name], expected[name], rtol=0, atol=1e-5 * abs(expected[name]).max())


REFUSED = {
    "layers[0] learns numbers of its neurons": ot.dense_network([2, 3, 2], trainable=("decay",), rng=0),
    "layers[0] has neurons of several decays": ot.dense_network([2, 3, 2], decay=np.array([0.1, 0.2, 0.3]), rng=0),
    "numbers are of dtype object": ot.dense_network([2, 3, 2], surrogate=ot.surrogate.Triangle(), rng=0).exact(),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_it_does_not_take_it_says(reason):
    network = REFUSED[reason]
    assert dense_chains.suits(network) == reason
    with pytest.raises(ValueError, match="chain of dense layers"):
        dense_chains.gradients(network, np.ones((2, 1, 2)), np.array([0]), reference=ot.ottt.gradients)


def test_a_hard_reset_is_left_to_others_in_bptt_alone():
    network = ot.dense_network([2, 3, 2], reset="hard", rng=0)
    assert dense_chains.suits(network) == "" and "hard reset" in dense_chains.suits(network, "bptt")


def test_stages_share_the_time_of_the_last_gradient():
    """Of a clock that is read: every stage that has work has a part, and no other."""
    network = ot.dense_network([6, 40, 3], rng=0)
    assert dense_chains.stage_shares(network) == {}
    inputs = (np.random.default_rng(1).random((5, 4, 6)) < 0.2).astype(float)
    dense_chains.gradients(network, inputs, np.array([0, 1, 2, 0]), reference=ot.ottt.gradients)
    shares = dense_chains.stage_shares(network)
    if not shares:
        pytest.skip("the clock of this processor is not read")
    assert sum(shares.values()) == pytest.approx(1) and min(shares.values()) >= 0
    worked = {name for name, share in shares.items() if share > 0}
    assert worked >= {"pack", "list_inputs", "forward", "losses", "errors", "gradients", "unpack"}
    assert worked.isdisjoint({"number_inputs", "spread", "multiply"})  # spikes alone, and few of them
