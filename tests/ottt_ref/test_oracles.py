"""The oracles and helpers themselves, on examples that were worked out by hand."""

from fractions import Fraction as F

import numpy as np
import pytest

import ottt_ref as ot
from tests import oracles

from .helpers import METHODS, assert_alive, assert_close, assert_nonzero, bits, dyadic_network, dyadic_sequence


def triangle(z):
    return max(F(0), 1 - abs(z))


def chain(decay, *weights):
    """Layers without bias, V_th = 1, soft reset, triangle surrogate."""
    return [
        oracles.PlainLayer([[F(w) for w in row] for row in weight], [F(0)] * len(weight), F(decay), F(1), psi=triangle)
        for weight in weights
    ]


# decay, W1, W2, inputs, target; then ∇w1 of OTTT, BPTT (detached) and SR, of the loss ½|s - y|² per time step
COUNTEREXAMPLES = {
    "OTTT vanishes and BPTT does not": (F(1, 2), [[1]], [[F(3, 2)]], [1, 0], [1], 0, F(-3, 16), None),
    "OTTT and BPTT point apart": (1, [[1]], [[F(1, 2)], [2]], [1, 0], [1, 0], F(-1, 4), F(3, 2), F(-1, 4)),
    "OTTT and SR point apart": (
        F(1, 2), [[F(3, 4)]], [[F(1, 2)], [F(7, 4)]], [1, 1], [1, 0], F(63, 256), F(81, 256), F(-1, 2)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTEREXAMPLES)
def test_oracles_give_the_theorys_counterexamples(name):
    decay, w1, w2, x, y, ottt, bptt, sr = COUNTEREXAMPLES[name]
    layers, x, y = chain(decay, w1, w2), [[F(value)] for value in x], [F(value) for value in y]

    def first_weight(method):
        return method(layers, x, y, oracles.half_squared_distance).gradients[0][0][0][0]

    assert len(x) * first_weight(oracles.ottt) == ottt  # the theory's loss is not divided by T
    assert len(x) * first_weight(oracles.bptt) == bptt
    assert len(x) * first_weight(oracles.rtrl) == bptt
    if sr is not None:
        assert first_weight(oracles.spike_representation) == sr


@pytest.mark.parametrize("name", COUNTEREXAMPLES)
def test_the_library_gives_the_theorys_counterexamples(name):
    decay, w1, w2, x, y, *expected = COUNTEREXAMPLES[name]
    neuron = ot.LIF(decay=float(decay), surrogate=ot.surrogate.Triangle())
    weights = [np.array(weight, dtype=np.float64) for weight in (w1, w2)]
    network = ot.Network([ot.Layer(ot.Dense(weight), neuron) for weight in weights]).exact()
    inputs, targets = ot.exact_array(np.reshape(x, (2, 1, 1))), ot.exact_array([y])
    for method, wanted in zip(("ottt", "bptt", "spike_representation"), expected):
        if wanted is None:
            continue
        got = METHODS[method](network, inputs, targets, ot.losses.MeanSquaredError())["layer0.weight"][0, 0]
        steps = 1 if method == "spike_representation" else 2
        assert got * steps * len(y) / 2 == wanted  # MSE is 2/C times ½|s - y|²


def test_simulate_follows_the_first_counterexample_by_hand():
    steps = oracles.simulate(chain(F(1, 2), [[1]], [[F(3, 2)]]), [[F(1)], [F(0)]])
    assert [step.potentials for step in steps] == [[[1], [F(3, 2)]], [[0], [F(1, 4)]]]
    assert [step.outputs for step in steps] == [[[1], [1]], [[0], [0]]]


def test_nodes_differentiate_a_product_of_sums():
    x, y = oracles.Node(F(3)), oracles.Node(F(5))
    oracles.differentiate([(x + y) * (x - y) + 2 * x], [F(7)])
    assert (x.gradient, y.gradient) == (7 * (2 * 3 + 2), 7 * -2 * 5)  # of 7 (x² - y² + 2x)


@pytest.mark.parametrize("kept", ["detached", "kept"])
@pytest.mark.parametrize("reset", ["soft", "hard", "unleaked"])
def test_the_differentiated_graph_and_the_terms_of_bptt_give_one_gradient(reset, kept):
    network = dyadic_network(0, reset=reset).exact()
    inputs, targets = map(ot.exact_array, dyadic_sequence(0))
    sample = oracles.bptt(
        oracles.plain_layers(network), inputs[:, 0].tolist(), targets[0].tolist(), oracles.mean_squared_error, kept
    )
    assert oracles.total(sample.terms) == sample.gradients


def test_keeping_the_resets_gradient_adds_the_path_through_the_spike():
    layer = oracles.PlainLayer([[F(1)]], [F(0)], F(1, 2), F(1), psi=triangle)
    x, y = [[F(3, 2)], [F(1)]], [F(0)]
    detached, kept = (
        oracles.bptt([layer], x, y, oracles.half_squared_distance, reset_gradient).gradients[0][0][0][0]
        for reset_gradient in ("detached", "kept")
    )
    # u = (3/2, 5/4), s = (1, 1), ψ = (1/2, 3/4), e = (1/2, 1/2); δ[2] = 3/8 and δ[1] = 1/4 + J 3/8
    assert detached == F(3, 8) + (F(1, 4) + F(1, 2) * F(3, 8)) * F(3, 2)
    assert kept == F(3, 8) + (F(1, 4) + F(1, 2) * (1 - F(1, 2)) * F(3, 8)) * F(3, 2)


def test_traced_inputs_are_the_weighted_sums_by_hand():
    layers = chain(F(1, 2), [[1]])
    steps = oracles.simulate(layers, [[F(1)], [F(0)], [F(1)]])
    assert oracles.traced_inputs(layers, steps, 0, "derivation") == ([F(5, 4)], F(7, 4))
    assert oracles.traced_inputs(layers, steps, 0, "authors") == ([1], 1)


def test_weighted_rate_by_hand():
    assert oracles.weighted_rate([[F(1)], [F(0)], [F(1)]], F(1, 2)) == [F(5, 7)]


def test_losses_by_hand():
    assert oracles.mean_squared_error([F(1), F(0)], [F(0), F(0)]) == (F(1, 2), [1, 0])
    loss, gradient = oracles.cross_entropy([0.0, 0.0], [1.0, 0.0])
    assert (loss, gradient) == (np.log(2.0), [-0.5, 0.5])
    assert oracles.mixed([0.0, 0.0], [1.0, 0.0], mse_weight=1.0) == (0.5, [-1.0, 0.0])


def test_liveness_rejects_a_silent_a_saturated_and_a_flat_network():
    inputs, _ = dyadic_sequence(0)
    network = dyadic_network(0)
    assert_alive(network, inputs)
    for change, complaint in ((-9.0, "silent"), (9.0, "saturated")):
        changed = network.copy()
        changed.parameters["layer0.bias"] = np.full(4, change)
        with pytest.raises(AssertionError, match=complaint):
            assert_alive(changed, inputs)
    with pytest.raises(AssertionError, match="passes no gradient"):
        assert_alive(dyadic_network(0, surrogate=ot.surrogate.Rectangle(width=1e-9)), inputs)


def test_comparisons_reject_what_differs():
    with pytest.raises(AssertionError, match="gradient of w is zero"):
        assert_nonzero({"w": np.zeros(2)})
    with pytest.raises(AssertionError):
        assert_close({"w": np.array([1.0, 1.1])}, {"w": np.array([1.0, 1.0])}, 0.01)
    with pytest.raises(AssertionError):
        assert_close({"w": np.ones(2)}, {"w": np.ones(3)}, 1.0)
    assert bits({"w": np.array([0.0])}) != bits({"w": np.array([-0.0])})
