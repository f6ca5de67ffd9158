"""Spike representation with loops: the equilibrium of the rates, and the implicit gradient through it."""

from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest
import scipy

import ottt_ref as ot
from ottt_ref import equilibrium, losses, spike_representation
from ottt_ref.simulation.equilibrium import (
    ConvergenceError,
    contraction_factor,
    eliminate,
    layer_norms,
    limit_contraction,
    spectral_norm,
)

from .general import KINDS, LOOPS, WITHOUT_RATES, case
from .helpers import assert_close

WITH_RATES = [kind for kind in KINDS if kind not in WITHOUT_RATES]
FEEDFORWARD = [kind for kind in WITH_RATES if kind not in LOOPS]
every_loop = pytest.mark.parametrize("kind", [kind for kind in WITH_RATES if kind in LOOPS])


def contracting(kind, seed=0, factor=0.6):
    """A network whose loops contract, with inputs and labels: what comes back is scaled down."""
    network, inputs, labels = case(kind, seed)
    limit_contraction(network, factor)
    return network, np.abs(inputs) * 0.7, labels


def loss_and_gradient(network, outputs, labels):
    rows = losses.require_targets(losses.Mixed(), labels, len(labels), network)
    return losses.step_loss(losses.Mixed(), outputs, rows, 1)


def by_long_iteration(network, inputs, labels, sweeps):
    """Reverse-mode differentiation of `sweeps` sweeps from rest, one after the other."""
    input_rate = ot.weighted_rate(inputs, network.layers[network.trace_layer(0)].neuron.decay)
    delayed = {l: np.zeros((inputs.shape[1], *network.shapes[l])) for l in network.loop_sources}
    tape = []
    for _ in range(sweeps):
        values = spike_representation.sweep(network, input_rate, delayed)
        tape.append((values, delayed))
        delayed = {l: values[l] for l in delayed}
    values = tape[-1][0]
    outputs = spike_representation.rate_outputs(network, [values[l] for l in sorted(values)])
    _, output_error = loss_and_gradient(network, outputs, labels)
    result = network.zero_gradients()
    delayed_errors = {l: np.zeros_like(values[l]) for l in delayed}
    for values, delayed in reversed(tape):
        errors = {}
        for l in reversed(range(len(network.layers))):
            last = l == len(network.layers) - 1
            total = output_error if last else 0
            for c in network.connections:
                if c.source == l and not c.loop:
                    total = total + c.adjoint(errors[c.target])
            total = total + delayed_errors.get(l, 0)
            if network.layers[l].neuron.spiking:
                current = sum(
                    c.forward(delayed[c.source] if c.loop else values[c.source], np.ones(1))
                    for c in network.connections
                    if c.target == l
                )
                threshold = network.layers[l].neuron.threshold
                total = np.where((current > 0) & (current < threshold), total, 0) / threshold
            errors[l] = total
        delayed_errors = {l: 0 for l in delayed}
        for c in network.connections:
            given = delayed[c.source] if c.loop else values[c.source]
            c.add_gradients(result, errors[c.target], given, np.ones(1))
            if c.loop:
                delayed_errors[c.source] = delayed_errors[c.source] + c.adjoint(errors[c.target])
        output_error = 0 * output_error  # the loss is of the last sweep alone
    return result


@every_loop
def test_closed_form_rates_are_an_equilibrium(kind):
    network, inputs, labels = contracting(kind)
    values, (residual, evaluations) = spike_representation.rates_of(network, inputs, "closed_form")
    again = spike_representation.sweep(network, values[0], {l: values[l + 1] for l in network.loop_sources})
    assert max(np.abs(again[l] - values[l + 1]).max() for l in network.loop_sources) < 1e-9
    assert residual <= 1e-10 and evaluations > 10
    assert any(np.any((rate > 0) & (rate < 1)) for rate in values[1:])
    convergence = ot.spike_representation.gradients(network, inputs, labels, rates="closed_form").convergence
    assert (convergence.rates_residual, convergence.rates_evaluations) == (residual, evaluations)
    assert convergence.gradient_residual < 1e-12 and convergence.gradient_solver in ("direct", "gmres")


@every_loop
def test_the_implicit_gradient_is_that_of_a_long_iteration(kind):
    network, inputs, labels = contracting(kind)
    got = ot.spike_representation.gradients(network, inputs, labels, rates="closed_form")
    expected = by_long_iteration(network, inputs, labels, sweeps=80)  # 0.6^80 is 2e-18
    assert any(np.any(value != 0) for name, value in got.items() if "feedback" in name or "recurrent" in name)
    assert_close(dict(got), expected, 1e-9)  # the equilibrium is reached to 1e-10


@every_loop
def test_direct_elimination_and_gmres_agree(kind, monkeypatch):
    network, inputs, labels = contracting(kind)
    direct = ot.spike_representation.gradients(network, inputs, labels)
    monkeypatch.setattr(equilibrium, "LARGEST_DIRECT", 0)
    iterative = ot.spike_representation.gradients(network, inputs, labels)
    assert [g.convergence.gradient_solver for g in (direct, iterative)] == ["direct", "gmres"]
    assert iterative.convergence.gradient_residual < 1e-9
    assert_close(dict(iterative), dict(direct), 1e-8)  # GMRES stops at 1e-10, times the condition number


@every_loop
def test_float32_is_solved_as_far_as_float32_goes(kind, monkeypatch):
    network, inputs, labels = contracting(kind)
    expected = ot.spike_representation.gradients(network, inputs, labels, rates="closed_form")
    for largest in (equilibrium.LARGEST_DIRECT, 0):
        monkeypatch.setattr(equilibrium, "LARGEST_DIRECT", largest)
        got = ot.spike_representation.gradients(
            network.astype("float32"), inputs.astype("float32"), labels, rates="closed_form"
        )
        assert {value.dtype for value in got.values()} == {np.dtype(np.float32)}
        assert_close(dict(got), dict(expected), 1e-3)  # the equilibrium is reached to 1e-5


@pytest.mark.parametrize("kind", FEEDFORWARD)
def test_without_loops_the_gradient_is_that_of_the_mapping(kind):
    network, inputs, labels = case(kind)
    inputs = np.abs(inputs) * 0.5
    got = ot.spike_representation.gradients(network, inputs, labels, rates="closed_form")
    assert got.convergence is None and contraction_factor(network) == 0
    assert_close(dict(got), by_long_iteration(network, inputs, labels, sweeps=1), 1e-12)


@pytest.mark.parametrize("kind", WITH_RATES)
def test_measured_rates_are_those_of_the_spikes_and_currents(kind):
    network, inputs, labels = case(kind)
    activity = ot.simulate(network, inputs)
    values, report = spike_representation.rates_of(network, inputs, "measured")
    for l, layer in enumerate(network.layers[: len(values) - 1]):
        decay = network.layers[network.trace_layer(l)].neuron.decay if not layer.neuron.spiking else layer.neuron.decay
        expected = ot.weighted_rate(activity.layer_outputs[l], decay)
        np.testing.assert_allclose(values[l + 1], expected, rtol=0, atol=1e-12)
    assert (report is None) == (kind not in LOOPS)
    if report:
        assert report[0] > 0 and report[1] == 0
    got = ot.spike_representation.gradients(network, inputs, labels)
    assert all(np.all(np.isfinite(value)) for value in got.values())


def loop(weight, threshold=1.0, bias=(0.1, 0.2)):
    neuron = ot.LIF(0.5, threshold)
    return ot.Network([ot.Layer(ot.Dense(np.eye(2), np.array(bias)), neuron, ot.Dense(np.array(weight), False))])


def test_the_contraction_factor_of_a_recurrent_layer_is_its_norm_over_the_threshold():
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(2, 2))
    assert contraction_factor(loop(weight, 2.0)) == pytest.approx(np.linalg.norm(weight, 2) / 2, rel=1e-12)


def test_the_contraction_factor_of_a_feedback_loop_is_the_root_of_its_norms():
    rng = np.random.default_rng(0)
    forward, back = rng.normal(size=(3, 2)), rng.normal(size=(2, 3))
    layers = [ot.Layer(ot.Dense(np.eye(2)), ot.LIF()), ot.Layer(ot.Dense(forward), ot.LIF(0.5, 2.0))]
    network = ot.Network(layers, feedback=[ot.Feedback(1, 0, ot.Dense(back))])
    product = np.linalg.norm(forward, 2) / 2 * np.linalg.norm(back, 2)
    assert contraction_factor(network) == pytest.approx(np.sqrt(product), rel=1e-12)


def test_norms_of_parallel_connections_add_up():
    """A skip beside the way from layer to layer: either alone would promise too much."""
    rng = np.random.default_rng(2)
    forward, skip, back = (rng.normal(size=(2, 2)) for _ in range(3))
    network = ot.Network(
        [ot.Layer(ot.Dense(np.eye(2)), ot.LIF()), ot.Layer(ot.Dense(forward), ot.LIF(0.5, 2.0))],
        skips=[ot.Skip(0, 1, ot.Dense(skip, False))],
        feedback=[ot.Feedback(1, 0, ot.Dense(back, False))],
    )
    norms = [np.linalg.norm(matrix, 2) for matrix in (forward, skip, back)]
    within, delayed = layer_norms(network)
    np.testing.assert_allclose(within, [[0, 0], [(norms[0] + norms[1]) / 2, 0]], rtol=1e-12)
    np.testing.assert_allclose(delayed, [[0, norms[2]], [0, 0]], rtol=1e-12)
    factor = np.sqrt((norms[0] + norms[1]) / 2 * norms[2])
    assert contraction_factor(network) == pytest.approx(factor, rel=1e-12)


def test_loops_that_expand_by_parallel_connections_together_are_refused():
    """Equal parallel connections are one of twice the weight: 0.75 + 0.75 expands, though neither does alone."""
    network = ot.Network(
        [ot.Layer(ot.Dense(np.eye(1)), ot.LIF()), ot.Layer(ot.Dense(np.full((1, 1), 0.75)), ot.LIF())],
        skips=[ot.Skip(0, 1, ot.Dense(np.full((1, 1), 0.75), False))],
        feedback=[ot.Feedback(1, 0, ot.Dense(np.eye(1), False))],
    )
    assert contraction_factor(network) == pytest.approx(np.sqrt(1.5), rel=1e-12)
    with pytest.raises(ValueError, match="network must have loops that contract"):
        ot.spike_representation.gradients(network, np.full((2, 1, 1), 0.1), np.array([0]), rates="closed_form")


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_default_feedback_model_has_a_contraction_factor_and_closed_form_rates(dtype):
    """Its feedback starts at zero: there is no loop yet, and the rates are those of the network without it."""
    network = ot.models.small_feedback(rng=0).astype(dtype)
    assert all(np.all(network.parameters[name] == 0) for name in network.parameters if name.endswith("feedback2.gain"))
    assert contraction_factor(network) == 0
    inputs = np.random.default_rng(1).random((3, 2, *network.input_shape)).astype(dtype)
    values, (residual, _) = spike_representation.rates_of(network, inputs, "closed_form")
    assert residual == 0
    open_loop = ot.Network(network.layers, input_shape=network.input_shape, skips=network.skips)
    expected, _ = spike_representation.rates_of(open_loop, inputs, "closed_form")
    assert all(np.array_equal(got, wanted) for got, wanted in zip(values, expected))
    assert np.isfinite(ot.spike_representation.gradients(network, inputs, [0, 1], rates="closed_form").loss)


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((3, 4)),
        np.array([[1.0, -1.0], [2.0, -2.0]]),  # the ones, with which ARPACK once began, go to zero
        np.array([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0]]),
        np.eye(3),
        np.diag([1.0, 0.0, 0.0]),
        1e-200 * np.arange(1.0, 7.0).reshape(2, 3),  # its square underflows
        1e200 * np.arange(1.0, 7.0).reshape(3, 2),  # its square overflows
        np.zeros((1, 1)),
        np.zeros((1, 3)),
        np.array([[1e-310, 0.0], [0.0, 0.0]]),
    ],
    ids=repr,
)
def test_the_norm_of_a_large_connection_is_that_of_its_matrix_in_the_corners(matrix, monkeypatch):
    network = ot.Network([ot.Layer(ot.Dense(matrix, False), ot.LIF())])
    exact = spectral_norm(network, network.connections[0])
    assert exact == pytest.approx(np.linalg.norm(matrix, 2), rel=1e-12)
    monkeypatch.setattr(equilibrium, "LARGEST_MATRIX", 0)
    # ARPACK stops at its machine precision; a subnormal number has fewer digits
    assert spectral_norm(network, network.connections[0]) == pytest.approx(exact, rel=1e-9)


def test_a_norm_that_arpack_does_not_find_is_said_in_our_words(monkeypatch):
    network, _, _ = case("recurrent")
    monkeypatch.setattr(equilibrium, "LARGEST_MATRIX", 0)

    def fails(*_, **__):
        raise scipy.sparse.linalg.ArpackNoConvergence("no convergence", [], [])

    monkeypatch.setattr(scipy.sparse.linalg, "svds", fails)
    with pytest.raises(ConvergenceError, match=r"the spectral norm of layer0\.recurrent was not found: "):
        contraction_factor(network)


def test_loops_far_too_strong_are_scaled_down_as_exactly_as_others():
    network = loop(1e20 * np.eye(2))
    assert limit_contraction(network, 0.5) == pytest.approx(5e-21, rel=1e-8)
    assert contraction_factor(network) == pytest.approx(0.5, rel=1e-8)


@pytest.mark.parametrize("kind", ["convolutional_feedback", "dropped_out"])
def test_the_norm_of_a_large_connection_is_found_without_its_matrix(kind, monkeypatch):
    network, _, _ = case(kind)
    exact = [spectral_norm(network, connection) for connection in network.connections]
    monkeypatch.setattr(equilibrium, "LARGEST_MATRIX", 0)
    for connection, expected in zip(network.connections, exact):
        assert spectral_norm(network, connection) == pytest.approx(expected, rel=1e-6)


@every_loop
def test_loops_are_scaled_down_to_a_contraction_factor(kind):
    network, _, _ = case(kind)
    before = {name: value.copy() for name, value in network.parameters.items()}
    largest = contraction_factor(network) / 2
    scale = limit_contraction(network, largest)
    assert 0 < scale < 1 and contraction_factor(network) == pytest.approx(largest, rel=1e-6)
    for name, value in network.parameters.items():
        is_loop = name.endswith("weight") and ("feedback" in name or "recurrent" in name)
        np.testing.assert_allclose(value, (scale if is_loop else 1) * before[name], rtol=1e-12, err_msg=name)
    assert limit_contraction(network, 1.01 * largest) == 1.0


def test_the_gain_of_standardised_loops_is_scaled():
    standardised = ot.WeightStandardised(ot.Dense(np.array([[1.0, 2.0], [2.0, 1.0]]), False))
    network = ot.Network([ot.Layer(ot.Dense(np.eye(2)), ot.LIF(), standardised)])
    before = contraction_factor(network)
    scale = limit_contraction(network, 0.5)
    assert scale == pytest.approx(0.5 / before) and contraction_factor(network) == pytest.approx(0.5)
    assert np.allclose(network.parameters["layer0.recurrent.gain"], scale)


@pytest.mark.parametrize("largest", [0, -0.5, np.nan])
def test_a_limit_that_is_not_above_0_is_refused(largest):
    with pytest.raises(ValueError, match="largest must be above 0, got"):
        limit_contraction(loop(np.eye(2)), largest)


def test_sweeps_contract_by_the_factor_in_a_recurrent_layer():
    rng = np.random.default_rng(1)
    weight = rng.normal(size=(2, 2))
    network = loop(0.9 * weight / np.linalg.norm(weight, 2))
    inputs = rng.random((50, 2))
    for _ in range(20):
        first, second = rng.random((2, 50, 2))
        swept = [spike_representation.sweep(network, inputs, {0: a})[0] for a in (first, second)]
        moved = [np.linalg.norm(pair[0] - pair[1], axis=1) for pair in (swept, (first, second))]
        assert np.all(moved[0] <= contraction_factor(network) * moved[1] * (1 + 1e-12))


def test_loops_that_expand_are_refused_for_closed_form_rates_alone():
    network = loop([[0.0, 1.5], [1.5, 0.0]])
    data = (network, np.ones((3, 1, 2)), np.array([0]))
    with pytest.raises(ValueError, match=r"network must have loops that contract for rates='closed_form'.* of 1\.5"):
        ot.spike_representation.gradients(*data, rates="closed_form")
    assert ot.spike_representation.gradients(*data).convergence.rates_evaluations == 0


def test_two_equilibria_where_the_loop_expands():
    """Why it is refused: one neuron that excites itself twice over stays silent or fires for ever."""
    network = ot.Network([ot.Layer(ot.Dense([[1.0]]), ot.LIF(), ot.Dense([[2.0]], False))])
    for rate in (0.0, 1.0):
        delayed = {0: np.array([[rate]])}
        assert spike_representation.sweep(network, np.zeros((1, 1)), delayed)[0].tolist() == [[rate]]


def ends_at(moved):
    """A root finder that gets to one place, whatever it is asked."""
    return lambda residual, start, **_: type("Solution", (), {"x": moved(start)})


def test_a_solver_that_gives_up_says_so(monkeypatch):
    network, inputs, labels = contracting("recurrent", factor=0.95)
    monkeypatch.setattr(scipy.optimize, "root", ends_at(lambda start: start + 0.25))
    monkeypatch.setattr(equilibrium, "SWEEPS_FROM_REST", 0)
    monkeypatch.setattr(equilibrium, "MOST_SWEEPS", 0)
    with pytest.raises(ConvergenceError, match=r"equilibrium of the rates was not reached: \|a - f\(a\)\| is 0\."):
        ot.spike_representation.gradients(network, inputs, labels, rates="closed_form")


@pytest.mark.parametrize(("off", "accepted"), [(1e-11, True), (4e-10, False), (1e-6, False)])
def test_a_solution_is_accepted_to_the_tolerance_and_no_further(off, accepted, monkeypatch):
    """At a factor of 1/2, |a - f(a)| of a point `off` the equilibrium is off / 2: the tolerance is 1e-10."""
    network = loop(0.5 * np.eye(2))
    exact = np.array([0.4, 0.6])  # a = 0.2 + 0.5 a, a = 0.3 + 0.5 a
    monkeypatch.setattr(scipy.optimize, "root", ends_at(lambda start: exact + off))
    monkeypatch.setattr(equilibrium, "MOST_SWEEPS", 0)
    inputs = np.full((2, 1, 2), 0.1)
    if accepted:
        values, (residual, _) = spike_representation.rates_of(network, inputs, "closed_form")
        assert residual == pytest.approx(off / 2, rel=1e-4) and np.abs(values[1] - exact).max() <= 1e-10
    else:
        with pytest.raises(ConvergenceError, match=r"not 1e-10, at a contraction factor of 1 - 0\.5"):
            spike_representation.rates_of(network, inputs, "closed_form")


@pytest.mark.slow
@pytest.mark.parametrize("gap", [1e-2, 1e-3])
@pytest.mark.parametrize("weight", [[[1, 0], [0, 1]], [[0, 1], [1, 0]]])
@pytest.mark.parametrize("bias", [(0.0, 0.0), (1e-3, -1e-3), (-0.5, 0.5)])
def test_rates_are_found_near_contraction_1(gap, weight, bias):
    """Where Krylov's method stumbles over the clamp's corners."""
    network = loop((1 - gap) * np.array(weight), bias=bias)
    inputs = np.full((2, 1, 2), 0.01)
    values, (residual, _) = spike_representation.rates_of(network, inputs, "closed_form")
    again = spike_representation.sweep(network, values[0], {0: values[1]})[0]
    assert np.abs(again - values[1]).max() <= residual * (1 + 1e-6) and residual <= 1e-8 * gap
    expected = [0.0, 0.0]  # by sweeps so many that (1 - gap)^n is below 1e-20
    for _ in range(int(50 / gap)):
        currents = [0.01 + bias[i] + (1 - gap) * sum(w * a for w, a in zip(weight[i], expected)) for i in (0, 1)]
        expected = [min(max(current, 0.0), 1.0) for current in currents]
    np.testing.assert_allclose(values[1][0], expected, rtol=0, atol=1.1e-8)  # residual / gap


@pytest.mark.slow
def test_too_near_to_contraction_1_is_a_convergence_error_in_our_words():
    """scipy would say "This indicates a bug"; and a residual of 1e-10 would say nothing about the rates."""
    network = loop((1e-12 - 1) * np.eye(2), bias=(1e-3, 0.37))
    with pytest.raises(ConvergenceError, match=r"equilibrium of the rates was not reached: .*factor of 1 - "):
        spike_representation.rates_of(network, np.full((2, 1, 2), 0.01), "closed_form")


def test_a_root_finder_that_raises_is_done_without(monkeypatch):
    def raises(*_, **__):
        raise ValueError("Jacobian inversion yielded zero vector. This indicates a bug in the Jacobian approximation.")

    monkeypatch.setattr(scipy.optimize, "root", raises)
    values, _ = spike_representation.rates_of(loop(0.5 * np.eye(2)), np.full((2, 1, 2), 0.1), "closed_form")
    np.testing.assert_allclose(values[1], [[0.4, 0.6]], rtol=0, atol=2e-10)
    monkeypatch.setattr(equilibrium, "MOST_SWEEPS", 0)
    with pytest.raises(ConvergenceError, match="equilibrium of the rates was not reached"):
        spike_representation.rates_of(loop(0.5 * np.eye(2)), np.full((2, 1, 2), 0.1), "closed_form")


def test_gmres_that_gives_up_says_so(monkeypatch):
    network, inputs, labels = contracting("recurrent")
    monkeypatch.setattr(equilibrium, "LARGEST_DIRECT", 0)
    monkeypatch.setattr(scipy.sparse.linalg, "gmres", lambda operator, right, **_: (0.5 * right, 1))
    with pytest.raises(ConvergenceError, match=r"GMRES left a relative residual of 0\.\d+, not 1e-10"):
        ot.spike_representation.gradients(network, inputs, labels)


def test_an_error_that_grows_without_end_is_refused():
    """w_rec = V_th: the error comes back as large as it left, for ever."""
    network = ot.Network([ot.Layer(ot.Dense([[0.25]]), ot.LIF(), ot.Dense([[1.0]], False))])
    inputs = np.array([[[1.0]], [[1.0]], [[2.0]]])
    with pytest.raises(ValueError, match="a singular I"):
        ot.spike_representation.gradients(network, inputs, np.array([[0.5]]), ot.losses.MeanSquaredError())


def test_exact_numbers_are_eliminated_exactly():
    rng = np.random.default_rng(0)
    matrix = ot.exact_array(rng.integers(-3, 4, size=(5, 5)).astype(float))
    solution = ot.exact_array(rng.integers(-3, 4, size=5).astype(float)) / F(7)
    right = np.array([sum(a * x for a, x in zip(row, solution)) for row in matrix], dtype=object)
    assert eliminate(matrix, right).tolist() == solution.tolist()


def test_elimination_exchanges_rows_and_refuses_a_singular_matrix():
    swapped = ot.exact_array(np.array([[0, 1], [1, 0]]))
    assert eliminate(swapped, ot.exact_array(np.array([2, 3]))).tolist() == [3, 2]
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        eliminate(ot.exact_array(np.array([[1, 2], [2, 4]])), ot.exact_array(np.array([1, 1])))


def test_the_gradient_of_measured_rates_is_exact_on_exact_numbers():
    network = loop([[0.25, 0.5], [-0.5, 0.25]])
    triangle = ot.surrogate.Triangle()
    layer = network.layers[0]
    rational = ot.Network([ot.Layer(layer.synapses, replace(layer.neuron, surrogate=triangle), layer.recurrent)])
    inputs, targets = np.array([[[0.5, 0.75]], [[0.75, 0.25]], [[0.5, 0.5]]]), np.array([[1.0, 0.0]])
    loss = ot.losses.MeanSquaredError()
    floats = ot.spike_representation.gradients(rational, inputs, targets, loss)
    exact = ot.spike_representation.gradients(rational.exact(), ot.exact_array(inputs), ot.exact_array(targets), loss)
    assert all(isinstance(number, F) for number in exact["layer0.recurrent.weight"].flat)
    assert np.any(floats["layer0.recurrent.weight"] != 0)
    assert_close({name: value.astype(float) for name, value in exact.items()}, dict(floats), 1e-14)
    assert exact.convergence.gradient_residual == 0


def test_closed_form_rates_of_loops_need_floats():
    network = loop([[0.25, 0.5], [-0.5, 0.25]])
    network = ot.Network(
        [ot.Layer(network.layers[0].synapses, ot.LIF(surrogate=ot.surrogate.Triangle()), network.layers[0].recurrent)]
    ).exact()
    data = (network, ot.exact_array(np.ones((2, 1, 2))), np.array([0]), ot.losses.MeanSquaredError())
    with pytest.raises(TypeError, match="rates must be 'measured' for a network of exact numbers with loops"):
        ot.spike_representation.gradients(*data, rates="closed_form")
    with pytest.raises(TypeError, match="network must be of float64 or float32 for a contraction factor"):
        contraction_factor(network)


@pytest.mark.parametrize("weight", [np.array([[3.0], [4.0]]), np.array([[3.0, 4.0]])])
def test_the_norm_of_a_large_connection_to_or_from_one_neuron(weight, monkeypatch):
    monkeypatch.setattr(equilibrium, "LARGEST_MATRIX", 0)
    connection = ot.Network([ot.Layer(ot.Dense(weight), ot.LIF())]).connections[0]
    assert spectral_norm(ot.Network([ot.Layer(ot.Dense(weight), ot.LIF())]), connection) == pytest.approx(5.0)


def test_loops_of_a_skip_gain_are_scaled_and_those_without_parameters_refused():
    def network(operations):
        return ot.Network([ot.Layer(ot.Dense(np.eye(2)), ot.LIF(), operations)])

    gained = network([ot.SkipInit(np.array([2.0]))])
    assert limit_contraction(gained, 0.5) == pytest.approx(0.25)
    assert contraction_factor(gained) == pytest.approx(0.5)
    with pytest.raises(ValueError, match=r"layer0\.recurrent must have a weight or a gain to scale, got Chain"):
        limit_contraction(network([ot.Scale(2.0)]), 0.5)


def without_delays(network):
    """The network with no delay but that of 1 of its loops."""
    layers = [replace(layer, delay=0, recurrent_delay=1) for layer in network.layers]
    skips = [replace(skip, delay=0) for skip in network.skips]
    feedback = [replace(back, delay=1) for back in network.feedback]
    return ot.Network(layers, input_shape=network.input_shape, skips=skips, feedback=feedback)


def test_the_mapping_of_rates_has_no_delays():
    network, inputs, labels = case("delays")
    plain = without_delays(network)
    ot.equilibrium.limit_contraction(network, 0.5)
    ot.equilibrium.limit_contraction(plain, 0.5)
    late, soon = (
        ot.spike_representation.gradients(each, inputs, labels, rates="closed_form") for each in (network, plain)
    )
    for name, value in soon.items():
        assert np.array_equal(late[name], value), name


@pytest.mark.parametrize("decay", [F(1), F(3, 4)])
@pytest.mark.parametrize("d", [1, 3])
def test_what_is_delivered_late_has_a_rate_that_is_near_that_of_its_source(d, decay):
    rng, steps = np.random.default_rng(d), 12
    spikes = ot.exact_array(rng.integers(0, 2, (steps, 40, 1)).astype(float))
    spikes[:, 0], spikes[:, 1] = 0, 0
    spikes[-d:, 0], spikes[:-d, 1] = F(1), F(1)  # those that are furthest off: all late, and none late
    delivered = np.concatenate([spikes[:d] * 0, spikes[:-d]])
    off = np.abs(ot.weighted_rate(delivered, decay) - ot.weighted_rate(spikes, decay))
    bound = ot.rate_normaliser(decay, d) / ot.rate_normaliser(decay, steps)
    assert off.max() == bound
