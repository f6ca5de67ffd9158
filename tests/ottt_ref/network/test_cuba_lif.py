"""The neuron of two leaks: its equations, its traces, what it is when one of the leaks is nothing."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import ottt_ref as ot

from ..helpers import RESETS, eighths

TRIANGLE = ot.surrogate.Triangle(width=2.0, height=0.5)
LOSS = ot.losses.MeanSquaredError()


def network_of(neuron, rng=None, **options):
    rng = np.random.default_rng(7) if rng is None else rng
    synapses = ot.Dense(eighths(rng, -0.5, 1, (3, 2)), eighths(rng, 0, 0.25, 3))
    recurrent = ot.Dense(eighths(rng, -0.5, 0.5, (3, 3)), False) if options.get("loop") else None
    readout = ot.Layer(ot.Dense(eighths(rng, -1, 1, (2, 3))), options.get("readout", ot.Integrator()))
    return ot.Network([ot.Layer(synapses, neuron, recurrent), readout])


@pytest.mark.parametrize("dtype", [np.float64, np.float32, object])
@pytest.mark.parametrize(
    ("reset", "potentials", "spikes"),
    [
        ("soft", [1.5, 1.0, 0.375, 0.375], [1, 1, 0, 0]),
        ("hard", [1.5, 0.625, 0.6875, 0.53125], [1, 0, 0, 0]),
        ("unleaked", [1.5, 0.5, 0.625, 0.5], [1, 0, 0, 0]),
    ],
)
def test_it_follows_the_sequence_computed_by_hand(reset, potentials, spikes, dtype):
    """λ = 1/2, α = 1/2, V_th = 1, v_reset = -1/4, I = 3/2, 0, 0, 0, so that i = 3/2, 3/4, 3/8, 3/16."""
    neuron = ot.CubaLIF(0.5, 0.5, reset=reset, reset_potential=-0.25)
    u, i, s = (np.zeros((1, 1), dtype=dtype) for _ in range(3))
    found = []
    for current in (1.5, 0.0, 0.0, 0.0):
        neuron.step((u, i), s, np.array([[current]], dtype=dtype))
        found.append((i[0, 0], u[0, 0], s[0, 0]))
    currents, u_found, s_found = zip(*found)
    assert list(currents) == [1.5, 0.75, 0.375, 0.1875]
    assert list(u_found) == potentials and list(s_found) == spikes


@pytest.mark.parametrize("reset", RESETS)
def test_without_a_leak_of_the_current_it_is_a_lif_neuron(reset):
    """α = 0: bit for bit, in every method that both have."""
    rng = np.random.default_rng(0)
    options = {"threshold": 0.75, "reset": reset, "reset_potential": -0.25}
    inputs, labels = rng.random((5, 2, 2)), np.array([0, 1])
    for decay in (0.75, np.array([0.75, 0.5, 0.25])):
        two, one = (network_of(kind) for kind in (ot.CubaLIF(decay, 0.0, **options), ot.LIF(decay, **options)))
        for method in (ot.bptt, ot.rtrl, ot.ottt, ot.sltt):
            left, right = (method.gradients(network, inputs, labels) for network in (two, one))
            assert all(np.array_equal(left[name], right[name]) and np.any(left[name]) for name in left)


def test_the_trace_of_a_spike_is_the_answer_of_the_membrane_to_it():
    """A single spike, 1 at t = 0: â[t] = Σ_k λ^k α^(t-k), by the formula and by a simulation without reset."""
    neuron = ot.CubaLIF(0.5, 0.25, threshold=100.0)
    network = ot.Network([ot.Layer(ot.Dense(np.ones((1, 1))), neuron)])
    inputs = np.array([1.0, 0, 0, 0, 0]).reshape(5, 1, 1)
    activity, traces = ot.simulate(network, inputs), ot.methods.Traces(network, 1, "derivation")
    for t in range(5):
        traces.update(activity.at(t))
        value = traces.presynaptic(network.connections[0])[0, 0]
        assert value == activity.potentials[0][t, 0, 0] == sum(0.5**k * 0.25 ** (t - k) for k in range(t + 1))


@pytest.mark.parametrize("reset_gradient", ["detached", "kept"])
@pytest.mark.parametrize("reset", RESETS)
def test_the_jacobian_is_the_derivative_of_the_soft_spike_step(reset, reset_gradient):
    """Of u and i of each neuron; the central difference of a step that is at most quadratic is exact."""
    surrogate = ot.surrogate.Rectangle(width=Fraction(8))
    decays = {"decay": np.array([0.5, 0.75]), "current_decay": np.array([0.25, 0.5])}
    neuron = ot.CubaLIF(**decays, threshold=1, reset=reset, surrogate=surrogate, reset_potential=Fraction(-1, 4))
    neuron = neuron.rebuilt(ot.exact_array, Fraction)
    u, i = ot.exact_array([[0.5, 1.25]]), ot.exact_array([[0.75, -0.5]])
    kept, h = reset_gradient == "kept", Fraction(1, 1000)

    def after(du, di):
        state = (u + du, i + di)
        s = surrogate.primitive(state[0] - 1) if kept else surrogate.primitive(u - 1)
        moved = tuple(array.copy() for array in state)
        neuron.step(moved, s.copy(), ot.exact_array(np.zeros((1, 2))))
        return moved

    s = surrogate.primitive(u - 1)
    found = neuron.jacobian((u, i), s, neuron.surrogate_derivative((u, i)), kept)
    for k, (up, down) in enumerate(((after(h, 0), after(-h, 0)), (after(0, h), after(0, -h)))):
        for m in range(2):
            assert np.array_equal(found[m][k], (up[m] - down[m]) / (2 * h)), (m, k)
    resets = neuron.reset_jacobian((u, i), s)
    assert resets[1] == 0
    wanted = neuron.jacobian((u, i), s, 0 * u, False)[0][0] + resets[0] * neuron.surrogate_derivative((u, i))
    if kept:
        assert np.array_equal(found[0][0], wanted)


@pytest.mark.parametrize("reset", ["soft", "hard", "unleaked"])
@pytest.mark.parametrize("name", ["decay", "current_decay", "threshold"])
def test_the_derivative_by_a_parameter_is_that_of_the_step_exactly(name, reset):
    """Of each parameter alone the states after a step are affine: a difference of any width is the derivative."""
    numbers = {"decay": Fraction(1, 2), "current_decay": Fraction(1, 4), "threshold": Fraction(1)}
    numbers["reset_potential"] = Fraction(-1, 4)
    before = tuple(np.array([[Fraction(3, 2), Fraction(1, 8)]]) + shift for shift in (0, Fraction(1, 4)))
    spikes, inputs = np.array([[Fraction(1), Fraction(0)]]), np.array([[Fraction(1, 2), Fraction(1, 3)]])

    def after(more):
        neuron = ot.CubaLIF(**{**numbers, name: numbers[name] + more}, reset=reset)
        state, output = tuple(array.copy() for array in before), spikes.copy()
        neuron.step(state, output, inputs)
        return state

    neuron = ot.CubaLIF(**numbers, reset=reset, surrogate=ot.surrogate.Triangle(), trainable=(name,))
    found, distance = neuron.parameter_derivatives(name, before, spikes, after(0))
    for derivative, one, other in zip(found, after(Fraction(1, 8)), after(0)):
        assert np.all(derivative == 8 * (one - other))
    assert distance == (-1 if name == "threshold" else 0)


def test_a_current_that_leaks_each_in_its_own_way_has_a_trace_for_each_pair_of_leaks():
    neuron = ot.CubaLIF(np.array([0.5, 0.5, 0.25]), np.array([0.25, 0.5, 0.25]))
    traces = ot.methods.Traces(network_of(neuron), 1, "derivation")
    assert traces.count(network_of(neuron).connections[0]) == 3
    same = replace(neuron, decay=0.5)
    assert ot.methods.Traces(network_of(same), 1, "derivation").count(network_of(same).connections[0]) == 2
    shapes = {name: array.shape for name, array in traces.state.items()}
    assert shapes["trace/inputs by 0 0"] == (2, 1, 2) and shapes["trace/0 by 0 own"] == (2, 1, 3)


def test_learning_all_three_lowers_the_loss_and_stays_in_range():
    names = ("decay", "current_decay", "threshold")
    network = network_of(ot.CubaLIF(np.full(3, 0.5), 0.9, trainable=names))
    assert list(network.parameters)[2:5] == [f"layer0.{name}" for name in names]
    assert [network.parameters[f"layer0.{name}"].shape for name in names] == [(3,), (1,), (1,)]
    inputs, targets = np.random.default_rng(1).random((6, 2, 2)), np.eye(2)
    optimizer, losses = ot.training.Adam(0.05), []
    for _ in range(30):
        gradients = ot.bptt.gradients(network, inputs, targets, LOSS)
        losses.append(gradients.loss)
        optimizer.step(network.parameters, gradients)
    assert min(losses) < 0.8 * losses[0]
    learner = ot.ottt.OnlineLearner(network, ot.training.SGD(10.0, momentum=0), LOSS)
    for x in inputs:
        learner.step(x, targets)
    assert all(np.all(network.parameters[f"layer0.{name}"] <= 1) for name in names[:2])
    assert np.all(network.parameters["layer0.threshold"] >= 2.0**-10)


def test_spike_representation_has_no_mapping_for_it():
    with pytest.raises(TypeError, match=r"layers\[0\] must have neurons without a current that leaks for spike_rep"):
        ot.spike_representation.gradients(network_of(ot.CubaLIF()), np.ones((3, 1, 2)), np.array([0]))


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: ot.CubaLIF(current_decay=1.5), r"current_decay must be a?.*in \[0, 1\], got 1.5"),
        (lambda: ot.CubaLIF(current_decay=np.array([0.5, -1.0])), r"current_decay must be in \[0, 1\], got -1.0 at"),
        (lambda: ot.CubaLIF(threshold=0.25, reset_potential=0.5), "reset_potential must be below the threshold"),
        (lambda: ot.CubaLIF(trainable=("current",)), r"trainable must name some of \['decay', 'current_decay', 'thre"),
        (lambda: network_of(ot.CubaLIF(current_decay=np.full(2, 0.5))), "current_decay of CubaLIF must be a number or"),
        (
            lambda: ot.CubaLIF().step((np.zeros((1, 2)),), np.zeros((1, 2)), np.zeros((1, 2))),
            "CubaLIF: state must be a tuple of arrays, the potential, current",
        ),
        (
            lambda: ot.CubaLIF().step((np.zeros((1, 2)), np.zeros((1, 3))), np.zeros((1, 2)), np.zeros((1, 2))),
            r"CubaLIF: the current must be float64 \[1, 2\], got float64 \[1, 3\]",
        ),
    ],
)
def test_what_it_cannot_be_is_refused(make, complaint):
    with pytest.raises((TypeError, ValueError), match=complaint):
        make()
