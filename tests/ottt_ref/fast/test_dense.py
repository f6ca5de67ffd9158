"""FastDense against Dense: few rows and many, spikes and numbers, sparse and not, either arithmetic."""

import numba
import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.fast.kernels.choosing import plain_kernels
from ottt_ref.fast.operations import dense
from ottt_ref.fast.operations.dense import FastDense

INPUTS, OUTPUTS = 303, 130


def case(rows, share, real, seed=0):
    rng = np.random.default_rng(seed)
    operation = ot.Dense(rng.normal(size=(OUTPUTS, INPUTS)), rng.normal(size=OUTPUTS))
    values = (rng.random((rows, INPUTS)) < share) * (rng.normal(size=(rows, INPUTS)) if real else 1.0)
    return operation, values, rng.normal(size=(rows, OUTPUTS))


def everything(operation, values, error):
    """What the operation gives forwards and backwards, and adds to gradients that are there."""
    one = np.full(1, 1.5)
    gradients = {"weight": np.ones((OUTPUTS, INPUTS)), "bias": np.ones(OUTPUTS)}
    operation.add_gradients(gradients, error, values, one)
    return operation.forward(values, one), operation.adjoint(error, (INPUTS,)), *gradients.values()


@pytest.mark.parametrize("real", [False, True], ids=["spikes", "numbers"])
@pytest.mark.parametrize("share", [0.1, 0.7])
@pytest.mark.parametrize("rows", [1, 5, 300])
def test_results_are_those_of_the_reference(rows, share, real):
    operation, *given = case(rows, share, real)
    for found, expected in zip(everything(FastDense.of(operation), *given), everything(operation, *given)):
        assert np.allclose(found, expected, rtol=1e-12, atol=1e-12)  # sums of up to 300 products of about 1


@pytest.mark.parametrize("real", [False, True], ids=["spikes", "numbers"])
def test_plain_loops_give_the_same(real):
    operation, *given = case(200, 0.1, real)
    with plain_kernels():
        plain = everything(FastDense.of(operation), *given)
    for found, expected in zip(plain, everything(FastDense.of(operation), *given)):
        assert np.allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_either_arithmetic_gives_the_same_bits(monkeypatch):
    operation, *given = case(200, 0.3, real=False)
    found = []
    for share in (0.0, 1.0):
        for name in ("FORWARD_SHARE", "GRADIENT_SHARE"):
            monkeypatch.setattr(dense, name, {True: share, False: share})
        found.append(everything(FastDense.of(operation), *given)[0])
    assert np.array_equal(*found)


def test_one_thread_and_two_give_the_same_bits():
    operation, *given = case(200, 0.1, real=True)
    before, found = numba.get_num_threads(), []
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            found.append(everything(FastDense.of(operation), *given))
    finally:
        numba.set_num_threads(before)
    assert all(np.array_equal(one, other) for one, other in zip(*found))


def test_a_twin_shares_its_arrays_and_says_what_does_not_fit():
    operation, values, _ = case(3, 0.1, real=False)
    fast = FastDense.of(operation)
    operation.weight[...] = 0
    assert not fast.weight.any()
    with pytest.raises(ValueError, match="must be given"):
        fast.forward(values[:, :-1], np.ones(1))
