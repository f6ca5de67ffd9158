"""The angles, certificates and loop forms of D1 and D2 against their definitions; the surveys."""

from fractions import Fraction as F

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import losses, spike_representation
from ottt_ref.simulation.simulator import input_current
from proofs import surveys
from proofs.directions import LayerErrors, angles, certified_ratio, layer_errors, loop_form, loop_matrices


def network_and_data(depth=2, seed=0, decay=0.9):
    rng = np.random.default_rng(seed)
    network = ot.dense_network([6, *[5] * depth, 3], decay=decay, rng=rng)
    return network, rng.random((5, 4, 6)), rng.integers(0, 3, 4)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_products_and_cosines_are_those_of_the_gradients_of_one_sample(depth):
    network, inputs, labels = network_and_data(depth)
    all_errors = layer_errors(network, inputs, labels, losses.Mixed())
    assert len(all_errors) == depth
    for b in range(4):
        data = (network, inputs[:, b : b + 1], labels[b : b + 1])
        rate, online = ot.spike_representation.gradients(*data), ot.ottt.gradients(*data)
        for l, errors in enumerate(all_errors):
            left, right = (gradient[f"layer{l}.weight"].ravel() for gradient in (rate, online))
            # errors of a batch of 4 are those of one sample over 4
            assert errors.products()[b] == pytest.approx(left @ right / 16, rel=1e-12, abs=1e-18)
            cosine = left @ right / np.sqrt((left @ left) * (right @ right)) if left @ left and right @ right else None
            if cosine is not None:
                assert errors.cosines()[b] == pytest.approx(cosine, rel=1e-10)


def test_of_one_time_step_the_trace_is_the_input():
    network, inputs, labels = network_and_data()
    first = layer_errors(network, inputs[:1], labels, losses.Mixed())[0]
    assert np.array_equal(first.trace, inputs[:1]) and np.array_equal(first.rate, inputs[0])


def errors_of(rate_error, error, rate=((1,),), trace=None):
    trace = trace or [[[1]]] * len(error)
    return LayerErrors(*(ot.exact_array(np.array(part, dtype=object)) for part in (rate_error, error, rate, trace)))


def test_the_ratio_is_the_squared_sine_of_the_angle():
    ratios, sums = angles(errors_of([[1, 0]], [[[3, 4]]]))
    assert ratios == [F(16, 25)] and sums == [F(25, 3)]  # c = |p_t|² / (p · p_t)
    c = sums[0]
    rest = np.array([3, 4]) - c * np.array([1, 0])
    assert (rest @ rest) / c**2 == F(16, 25)


def test_the_largest_angle_counts_and_silent_steps_do_not():
    ratios, sums = angles(errors_of([[1, 0]], [[[1, 1]], [[0, 0]], [[2, 0]]], trace=[[[1]], [[1]], [[3]]]))
    assert ratios == [F(1, 2)] and sums == [2 + 2 * 3]


@pytest.mark.parametrize("error", [[-1, 0], [0, 1]])
def test_an_error_that_does_not_point_along_has_no_ratio(error):
    assert angles(errors_of([[1, 0]], [[[1, 0]], [error]])) == ([None], [None])


@pytest.mark.slow
def test_a_certificate_is_never_below_the_ratio_and_sometimes_below_1():
    certified = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        wide = ot.surrogate.Sigmoid(0.5)  # nearly flat: ψ is nearly a multiple of D where all neurons are in its slope
        network = ot.dense_network([6, 5, 3], decay=0.9, surrogate=wide, gain=0.5, rng=rng)
        network.parameters["layer0.bias"] = np.full(5, 0.3)
        inputs, labels = rng.random((5, 4, 6)), rng.integers(0, 3, 4)
        bounds = certified_ratio(network, inputs, labels, losses.Mixed(), 0)
        errors = layer_errors(network, inputs, labels, losses.Mixed())[0]
        for ratio, bound, product in zip(angles(errors)[0], bounds, errors.products()):
            if bound < 1:
                certified += 1
                assert ratio is not None and ratio**0.5 <= bound + 1e-7 and product > 0
    assert certified > 0


def looped(kind, seed=0):
    rng = np.random.default_rng(seed)
    sizes = (3, 4, 2) if kind == "feedback" else (3, 4)
    layers = [ot.Layer(ot.Dense(rng.normal(size=(n, m))), ot.LIF(0.5, 1.5)) for m, n in zip(sizes, sizes[1:])]
    if kind == "recurrent":
        layers[0] = ot.Layer(layers[0].synapses, layers[0].neuron, ot.Dense(rng.normal(size=(4, 4)), False))
        return ot.Network(layers), rng
    return ot.Network(layers, feedback=[ot.Feedback(1, 0, ot.Dense(rng.normal(size=(4, 2)), False))]), rng


@pytest.mark.parametrize("kind", ["recurrent", "feedback"])
def test_loop_matrices_give_the_errors_of_sr(kind):
    network, rng = looped(kind)
    inputs, targets = 2 * rng.random((5, 1, 3)), rng.random((1, network.output_size))
    loss = losses.MeanSquaredError()
    got = ot.spike_representation.gradients(network, inputs, targets, loss, terms=True).errors
    rates, _ = spike_representation.rates_of(network, inputs, "measured")
    currents = {l: input_current(network, l, lambda c: rates[c.source + 1])[0] for l in network.spiking}
    within, across, mask = loop_matrices(network, currents)
    direct = np.zeros(len(mask))
    direct[-network.output_size :] = losses.step_loss(loss, rates[-1], targets, 1)[1][0]
    w = np.linalg.solve(np.eye(len(mask)) - within.T * mask - across.T * mask, direct)
    z = np.concatenate([1.5 * got[l][0, 0] for l in network.spiking])
    np.testing.assert_allclose(z, mask * w, rtol=0, atol=1e-12)
    assert np.any(z != 0)


def test_the_form_of_one_recurrent_layer_is_that_of_the_theory():
    network, _ = looped("recurrent")
    current = np.array([0.5, 2.0, 1.0, 0.2])
    within, across, mask = loop_matrices(network, {0: current})
    assert not within.any() and mask.tolist() == [1, 0, 1, 1]
    weight = network.parameters["layer0.recurrent.weight"]
    expected = np.diag(mask) @ weight.T @ np.diag(mask) / 1.5
    np.testing.assert_allclose(loop_form(within, across, mask), expected, rtol=1e-15)


def test_the_form_of_a_feedback_loop_sums_the_way_through_the_layers():
    network, _ = looped("feedback")
    mask = np.array([1, 1, 0, 1, 1, 1.0])
    within, across, _ = loop_matrices(network, {0: np.full(4, 0.5), 1: np.full(2, 0.5)})
    expected = np.diag(mask) @ np.linalg.solve(np.eye(6) - within.T * mask, across.T * mask)
    np.testing.assert_allclose(loop_form(within, across, mask), expected, rtol=0, atol=1e-14)


@pytest.fixture(scope="module")
def small_survey():
    """Surveys with few images, steps and epochs."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"TIME_STEPS": (6,), "IMAGES": 10, "EPOCHS": 1}.items():
            patch.setattr(surveys, name, value)
        yield [cell for theorem in ("D1", "D2") for cell in surveys.survey(theorem, 0.9, 1, 0)]


@pytest.mark.slow
def test_a_survey_has_a_cell_for_each_state_and_shares(small_survey):
    assert [(cell.theorem, cell.trained) for cell in small_survey] == [
        ("D1", False),
        ("D1", True),
        ("D2", False),
        ("D2", True),
    ]
    for cell in small_survey:
        assert (cell.decay, cell.depth, cell.time_steps, cell.samples) == (0.9, 1, 6, 10)
        assert all(0 <= share <= 1 for share in (cell.certificate, cell.hypothesis, cell.positive))
        assert cell.hypothesis <= cell.positive  # D1: where the hypothesis holds, the product is positive
        assert -1 <= cell.cosine <= 1
    assert small_survey[0].positive > 0.9 and small_survey[0].cosine > 0.5


@pytest.mark.slow
def test_the_same_seed_gives_the_same_survey(small_survey):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"TIME_STEPS": (6,), "IMAGES": 10, "EPOCHS": 1}.items():
            patch.setattr(surveys, name, value)
        assert surveys.survey("D2", 0.9, 1, 0) == small_survey[2:]
        assert surveys.survey("D2", 0.9, 1, 1) != small_survey[2:]


@pytest.mark.slow
def test_the_tables_show_every_cell(small_survey):
    table = surveys.table("D1", small_survey)
    assert table.row_count == 1
    assert "100" in surveys.text(small_survey[0])
    assert surveys.as_data(small_survey)[0]["theorem"] == "D1"
