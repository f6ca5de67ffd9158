"""Kernels of the fast backend: against NumPy, hand-built against plain ones, and one thread against two."""

import numba
import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.fast.kernels import choosing, events, neurons, product, surrogates
from ottt_ref.network.neurons import HARD, RESETS, SOFT, UNLEAKED

ROWS, INPUTS, OUTPUTS = 37, 300, 130  # no multiples of vectors, panels or blocks
DTYPE = np.dtype(np.float64)


@pytest.fixture(params=[False, True], ids=["plain", "hand-built"])
def built(request):
    if request.param and not choosing.hand_built():
        pytest.skip("hand-built loops are not used on this processor")
    return request.param


def values(scaled, seed=0):
    rng = np.random.default_rng(seed)
    spikes = rng.random((ROWS, INPUTS)) < 0.2
    return (spikes * rng.normal(size=spikes.shape)) if scaled else spikes.astype(DTYPE)


class Lists:
    """The lists of the rows of values."""

    def __init__(self, given, built):
        self.slots = INPUTS + events.PADDING
        self.chosen = np.zeros(ROWS * self.slots, dtype=np.uint16)
        self.numbers = np.zeros(ROWS * self.slots, dtype=DTYPE)
        self.counts, self.flags = np.zeros(ROWS, dtype=np.int64), np.zeros(ROWS, dtype=np.int64)
        flat = given.reshape(-1)
        events.list_rows(self.chosen, self.numbers, self.counts, self.flags, flat, INPUTS, self.slots, built)


def test_lists_by_row_hold_what_is_not_zero(built):
    given = values(scaled=True)
    lists = Lists(given, built)
    for r in range(ROWS):
        found = slice(r * lists.slots, r * lists.slots + lists.counts[r])
        assert lists.chosen[found].tolist() == np.flatnonzero(given[r]).tolist()
        assert lists.numbers[found].tolist() == given[r][given[r] != 0].tolist()


@pytest.mark.parametrize(
    "number, flags", [(1.0, events.ALL_ONE | events.FINITE), (0.5, events.FINITE), (np.inf, 0), (np.nan, 0)]
)
def test_lists_say_what_their_numbers_are(number, flags, built):
    given = values(scaled=False)
    given[3, INPUTS - 1] = given[4, 0] = number
    lists = Lists(given, built)
    assert set(lists.flags[3:5]) == {flags} and set(lists.flags[5:]) == {events.ALL_ONE | events.FINITE}


def test_lists_by_column_hold_the_same_in_the_order_of_rows(built):
    given = values(scaled=True)
    lists = Lists(given, built)
    chosen, numbers = np.zeros(INPUTS * ROWS, dtype=np.uint16), np.zeros(INPUTS * ROWS, dtype=DTYPE)
    counts = np.zeros(INPUTS, dtype=np.int64)
    for first, last in ((0, 100), (100, INPUTS)):
        of_rows = (lists.chosen, lists.numbers, lists.counts, lists.slots)
        events.list_columns(chosen, numbers, counts, ROWS, *of_rows, ROWS, first, last, True)
    for j in range(INPUTS):
        found = slice(j * ROWS, j * ROWS + counts[j])
        assert chosen[found].tolist() == np.flatnonzero(given[:, j]).tolist()
        assert numbers[found].tolist() == given[:, j][given[:, j] != 0].tolist()


def gathered(given, weight, bias, scaled, built):
    lists = Lists(given, built)
    count, vectors = events.panels(OUTPUTS, DTYPE)
    table = np.full(count * INPUTS * vectors * 64 // DTYPE.itemsize, np.nan)
    events.into_panels(table, weight.reshape(-1), OUTPUTS, INPUTS, vectors, built)
    result = np.empty((ROWS, OUTPUTS))
    of_rows = (lists.chosen, lists.numbers, lists.counts, lists.slots)
    events.gather_rows(result.reshape(-1), bias, table, *of_rows, OUTPUTS, INPUTS, vectors, scaled, built)
    return result


@pytest.mark.parametrize("scaled", [False, True])
def test_gather_sums_are_products_with_the_weights(scaled, built):
    given, rng = values(scaled), np.random.default_rng(1)
    weight, bias = rng.normal(size=(OUTPUTS, INPUTS)), rng.normal(size=OUTPUTS)
    found = gathered(given, weight, bias, scaled, built)
    assert np.allclose(found, given @ weight.T + bias, rtol=0, atol=1e-13)  # 60 terms of about 1, each rounded at 1e-16


def test_which_arithmetic_is_taken_changes_no_bit_of_a_sum_over_spikes(built):
    """In a sum in the same order, with products and sums rounded once, zeros add nothing."""
    given, rng = values(scaled=False), np.random.default_rng(1)
    weight, bias = rng.normal(size=(OUTPUTS, INPUTS)), rng.normal(size=OUTPUTS)
    dense = np.tile(bias, (ROWS, 1))
    right = np.ascontiguousarray(weight.T)
    shape = (ROWS, INPUTS, OUTPUTS)
    product.add_products(dense.reshape(-1), given.reshape(-1), INPUTS, 1, right.reshape(-1), shape, built)
    assert np.array_equal(gathered(given, weight, bias, False, built), dense)


@pytest.mark.parametrize("transposed", [False, True])
def test_products_of_either_order_of_the_left_factor(transposed, built):
    rng = np.random.default_rng(2)
    left, right = rng.normal(size=(ROWS, 150)), rng.normal(size=(150, OUTPUTS))
    start = rng.normal(size=(ROWS, OUTPUTS))
    result = start.copy()
    stored = np.ascontiguousarray(left.T) if transposed else left
    strides = (1, ROWS) if transposed else (150, 1)
    product.add_products(
        result.reshape(-1), stored.reshape(-1), *strides, right.reshape(-1), (ROWS, 150, OUTPUTS), built
    )
    assert np.allclose(result, start + left @ right, rtol=0, atol=1e-12)  # 150 products of about 1


def test_products_of_few_rows():
    rng = np.random.default_rng(3)
    left, right, result = rng.normal(size=(3, 150)), rng.normal(size=(OUTPUTS, 150)), np.ones((3, OUTPUTS))
    product.add_products_of_rows(result.reshape(-1), left.reshape(-1), right.reshape(-1), (3, 150, OUTPUTS))
    assert np.allclose(result, 1 + left @ right.T, rtol=0, atol=1e-12)


SURROGATES = [
    ot.surrogate.Sigmoid(3.0),
    ot.surrogate.Arctan(),
    ot.surrogate.Triangle(0.75, 1.25),
    ot.surrogate.Rectangle(0.75),
    ot.surrogate.FastSigmoid(),
    ot.surrogate.MultiGaussian(),
]


@pytest.mark.parametrize("surrogate", SURROGATES, ids=lambda each: type(each).__name__)
def test_surrogate_derivatives_are_those_of_the_reference(surrogate):
    z = np.concatenate((np.linspace(-3, 3, 1001), np.array([-800.0, -100.0, 100.0, 800.0])))
    threshold, found = np.full(z.shape, 0.5), np.empty_like(z)
    kind, numbers = surrogates.kind_of(surrogate), surrogates.numbers_of(surrogate, DTYPE)
    surrogates.derivatives(found, 0, z, 0, threshold, 0, len(z), kind, numbers)
    expected = surrogate.derivative(z - threshold)
    assert np.allclose(found, expected, rtol=1e-13, atol=1e-15 * abs(expected).max())


def test_codes_of_resets_are_those_of_the_reference():
    assert (neurons.SOFT, neurons.HARD, neurons.UNLEAKED) == (SOFT, HARD, UNLEAKED)


@pytest.mark.parametrize("reset", RESETS)
def test_a_window_of_neurons_has_the_potentials_and_spikes_of_the_reference_bit_for_bit(reset):
    steps, batch, n = 5, 3, 700  # more than a block
    rng = np.random.default_rng(4)
    threshold = rng.uniform(0.5, 1.5, n)
    neuron = ot.LIF(decay=0.6, threshold=threshold, reset=reset, reset_potential=-0.2)
    before, current = rng.normal(size=(batch, n)), rng.normal(size=(steps, batch, n))
    fired = (before > 1).astype(float)
    found = [np.empty((steps, batch, n)) for _ in range(3)]
    settings = (np.full(n, 0.6), threshold, np.full(n, -0.2))
    flat = [array.reshape(-1) for array in (*found, current, before, fired)]
    numbers = surrogates.numbers_of(neuron.surrogate, DTYPE)
    neurons.lif_window(*flat, *settings, (steps, batch, n), RESETS.index(reset), surrogates.SIGMOID, numbers)
    potential, spikes = before.copy(), fired.copy()
    for t in range(steps):
        neuron.step((potential,), spikes, current[t])
        assert np.array_equal(found[0][t], potential) and np.array_equal(found[1][t], spikes)
        assert np.allclose(found[2][t], neuron.surrogate_derivative((potential,)), rtol=1e-13)


def test_one_thread_and_two_give_the_same_bits(built):
    given, rng = values(scaled=True), np.random.default_rng(1)
    weight, bias = rng.normal(size=(OUTPUTS, INPUTS)), rng.normal(size=OUTPUTS)
    before, found = numba.get_num_threads(), []
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            found.append(gathered(given, weight, bias, True, built))
    finally:
        numba.set_num_threads(before)
    assert np.array_equal(*found)
