"""One time step of a membrane, and its derivative."""

import math
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottt_ref import LIF, Integrator, exact_array
from ottt_ref.network.neurons import decay_from, neuron_from_description
from ottt_ref.network.surrogate import Rectangle, Sigmoid, Triangle

from .helpers import RESETS

CURRENTS = [1.5, 0.25, 0.75, 0.5]
# by hand, λ = 1/2, V_th = 1, v_reset = -1/4; at 1.0 the neuron fires: H(0) = 1
POTENTIALS = {
    "soft": [1.5, 0.5, 1.0, 0.5],
    "hard": [1.5, 0.125, 0.8125, 0.90625],
    "unleaked": [1.5, 0.0, 0.75, 0.875],
}
SPIKES = {"soft": [1, 0, 1, 0], "hard": [1, 0, 0, 0], "unleaked": [1, 0, 0, 0]}


def follow(neuron, currents, dtype=np.float64):
    """Potentials and outputs of one neuron from rest."""
    potential, output = np.zeros((1, 1), dtype=dtype), np.zeros((1, 1), dtype=dtype)
    history = []
    for current in currents:
        neuron.step((potential,), output, np.array([[current]], dtype=dtype))
        history.append((potential[0, 0], output[0, 0]))
    return [list(column) for column in zip(*history)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, object])
@pytest.mark.parametrize("reset", RESETS)
def test_each_reset_follows_the_sequence_computed_by_hand(reset, dtype):
    neuron = LIF(decay=0.5, threshold=1.0, reset=reset, reset_potential=-0.25)
    assert follow(neuron, CURRENTS, dtype) == [POTENTIALS[reset], SPIKES[reset]]


def test_a_neuron_at_its_threshold_fires_and_one_just_below_does_not():
    below = float(np.nextafter(1.0, 0.0))
    assert follow(LIF(), [1.0])[1] == [1] and follow(LIF(), [below])[1] == [0]


def test_an_integrate_and_fire_neuron_keeps_all():
    assert follow(LIF(decay=1.0), [0.5] * 5) == [[0.5, 1.0, 0.5, 1.0, 0.5], [0, 1, 0, 1, 0]]


@pytest.mark.parametrize("reset", ["soft", "hard"])
def test_a_neuron_with_decay_0_keeps_nothing(reset):
    neuron = LIF(decay=0.0, reset=reset, reset_potential=-0.25)
    assert follow(neuron, CURRENTS) == [CURRENTS, [1, 0, 0, 0]]


def test_an_unleaked_neuron_with_decay_0_still_pays_for_its_spike():
    assert follow(LIF(decay=0.0, reset="unleaked"), CURRENTS)[0] == [1.5, -0.75, 0.75, 0.5]


def test_an_integrator_sums_with_its_decay_and_says_its_potential():
    assert follow(Integrator(0.5), [1.0, 1.0, 1.0]) == [[1.0, 1.5, 1.75]] * 2
    assert follow(Integrator(), [1.0, 2.0]) == [[1.0, 2.0]] * 2


def carried(neuron, potential, output):
    """∂u[t+1] without its input: one more step of current 0."""
    potential, output = potential.copy(), output.copy()
    neuron.step((potential,), output, exact_array(np.zeros(potential.shape)))
    return potential


def soft_spike(neuron, potential):
    """S(u - V_th) with the surrogate's primitive, as `step` takes it."""
    state, output = exact_array(np.zeros(potential.shape)), exact_array(np.zeros(potential.shape))
    neuron.step((state,), output, potential, soft=True)
    assert np.array_equal(state, potential)
    return output


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("surrogate", [Rectangle(width=F(4)), Triangle(width=F(2), height=F(1, 2))], ids=repr)
@pytest.mark.parametrize("reset", RESETS)
def test_the_jacobian_is_the_derivative_of_the_soft_spike_step(reset, surrogate, kept):
    neuron = LIF(decay=F(2, 3), threshold=F(5, 4), reset=reset, surrogate=surrogate, reset_potential=F(-1, 4))
    u = exact_array([[F(k, 7) for k in range(-3, 17) if k != F(35, 4)]])  # inside the base, off the kink
    h = F(1, 1000)
    s = soft_spike(neuron, u)
    up, down = (carried(neuron, u + step, soft_spike(neuron, u + step) if kept else s) for step in (h, -h))
    slope = (up - down) / (2 * h)
    jacobian = neuron.jacobian((u,), s, neuron.surrogate_derivative((u,)), kept)[0][0]
    if reset == "hard" and kept and isinstance(surrogate, Triangle):
        # a cubic: the central difference is off by h² λ |ψ'| / 2 with |ψ'| = height / width = 1/4
        assert np.max(np.abs(jacobian - slope)) <= h**2 * F(2, 3) / 4
    else:
        assert np.array_equal(jacobian, slope)  # at most quadratic: the central difference is exact


@pytest.mark.parametrize("reset", RESETS)
def test_detached_and_kept_jacobians_differ_where_the_surrogate_is_not_zero(reset):
    neuron = LIF(reset=reset, surrogate=Rectangle())
    u, s = np.array([[0.25, 0.75, 1.25]]), np.array([[0.0, 0.0, 1.0]])
    detached, kept = (neuron.jacobian((u,), s, neuron.surrogate_derivative((u,)), kept)[0][0] for kept in (False, True))
    assert list((detached != kept)[0]) == [False, True, True]


def test_an_integrators_derivatives_are_1_and_its_decay():
    u = np.ones((2, 3))
    for kept in (True, False):
        assert np.array_equal(Integrator(0.25).jacobian((u,), u, u, kept)[0][0], np.full((2, 3), 0.25))
    assert np.array_equal(Integrator(0.25).surrogate_derivative((2 * u,)), u)


@given(u=st.floats(-4, 4), current=st.floats(-4, 4))
@pytest.mark.parametrize("reset", ["soft", "hard"])
def test_the_post_reset_potential_is_what_leaks(reset, u, current):
    neuron = LIF(decay=0.75, reset=reset, reset_potential=-0.25)
    potential, output = np.array([[u]]), np.array([[float(u >= 1)]])
    left = neuron.post_reset_potential(potential.copy(), output)
    neuron.step((potential,), output, np.array([[current]]))
    assert potential[0, 0] == 0.75 * left[0, 0] + current


def test_an_unleaked_reset_has_no_post_reset_potential():
    with pytest.raises(ValueError, match=r"reset must be 'soft' or 'hard' .* got 'unleaked'"):
        LIF(reset="unleaked").post_reset_potential(np.zeros((1, 1)), np.zeros((1, 1)))


@pytest.mark.parametrize(("tau", "decay"), [(1, 0), (2, 0.5), (4.0, 0.75), (F(3), F(2, 3))])
def test_tau_is_a_time_constant_in_time_steps(tau, decay):
    assert decay_from(None, tau) == decay


def test_the_decay_is_one_half_if_nothing_is_said():
    assert decay_from(None, None) == 0.5 == LIF().decay


@pytest.mark.parametrize(
    ("arguments", "error", "complaint"),
    [
        ((0.5, 2.0), ValueError, "decay and tau must not be given together, got decay=0.5 and tau=2.0"),
        ((None, 0.5), ValueError, "tau must be of at least 1, got 0.5"),
        ((None, 0), ValueError, "tau must be of at least 1, got 0"),
        ((None, math.inf), ValueError, "tau must be .*got inf"),
        ((None, "2"), TypeError, "tau must be a number .*got '2'"),
        ((1.5, None), ValueError, r"decay must be in \[0, 1\], got 1.5"),
    ],
)
def test_a_wrong_leak_is_refused(arguments, error, complaint):
    with pytest.raises(error, match=complaint):
        decay_from(*arguments)


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("decay", -0.1, ValueError),
        ("decay", 1.1, ValueError),
        ("decay", math.nan, ValueError),
        ("decay", "0.5", TypeError),
        ("decay", None, TypeError),
        ("threshold", 0, ValueError),
        ("threshold", -1.0, ValueError),
        ("threshold", math.inf, ValueError),
        ("threshold", True, TypeError),
        ("reset", "Soft", ValueError),
        ("reset", 0, ValueError),
        ("surrogate", "sigmoid", TypeError),
        ("surrogate", Sigmoid, TypeError),
        ("reset_potential", 1.0, ValueError),
        ("reset_potential", math.nan, ValueError),
        ("reset_potential", "0", TypeError),
    ],
)
def test_a_wrong_field_of_a_neuron_is_refused_by_name(field, value, error):
    with pytest.raises(error) as raised:
        LIF(**{field: value})
    assert str(raised.value).startswith(f"{field} must be ") and repr(value) in str(raised.value)


def test_a_wrong_decay_of_an_integrator_is_refused():
    with pytest.raises(ValueError, match=r"decay must be in \[0, 1\], got 2"):
        Integrator(2)


@pytest.mark.parametrize("neuron", [LIF(), LIF(0.9, 0.5, "hard", Triangle(), -1.0), Integrator(), Integrator(0.25)])
def test_a_neuron_is_rebuilt_from_its_description(neuron):
    assert neuron_from_description(neuron.description()) == neuron


@pytest.mark.parametrize("change", [{"type": "Izhikevich"}, {"decay": 2.0}, {"extra": 1}, {"surrogate": {}}])
def test_a_wrong_description_of_a_neuron_is_refused(change):
    with pytest.raises(ValueError):
        neuron_from_description({**LIF().description(), **change})


def test_numbers_are_converted_everywhere():
    neuron = LIF(0.5, 1.0, "hard", Triangle(), -0.25).rebuilt(None, F)
    assert neuron == LIF(F(1, 2), F(1), "hard", Triangle(F(1), F(1)), F(-1, 4))
    assert isinstance(neuron.surrogate.width, F) and isinstance(neuron.reset_potential, F)
