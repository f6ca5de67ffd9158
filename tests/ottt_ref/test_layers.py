"""Synapses, and layers that must fit together."""

from fractions import Fraction as F

import numpy as np
import pytest

from ottt_ref import LIF, Dense, Integrator, Layer, Network

WEIGHT = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])
BIAS = np.array([0.25, -1.0])


def spiking(inputs, outputs, dtype=np.float64):
    return Layer(Dense(np.ones((outputs, inputs), dtype=dtype)), LIF())


def test_currents_are_weighted_sums_plus_the_bias():
    assert Dense(WEIGHT, BIAS).forward(np.array([[1.0, 1.0, 0.0], [0.0, 0.5, 2.0]]), np.ones(1)).tolist() == [
        [-0.75, 2.0],
        [0.25, 2.5],
    ]


def test_presynaptic_errors_go_back_through_the_same_weights():
    assert Dense(WEIGHT, BIAS).adjoint(np.array([[1.0, 2.0]]), (3,)).tolist() == [[1.0, 4.0, 2.5]]


def test_gradients_add_error_times_presynaptic_over_the_batch():
    synapses = Dense(WEIGHT, BIAS)
    weight, bias = np.ones((2, 3)), np.zeros(2)
    error, presynaptic = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[1.0, 0.0, 3.0], [1.0, 1.0, 1.0]])
    synapses.add_gradients({"weight": weight, "bias": bias}, error, presynaptic, np.array([0.5]))
    assert weight.tolist() == [[2.0, 1.0, 4.0], [2.0, 0.0, 6.0]]
    assert bias.tolist() == [0.5, 0.5]


def test_a_bias_that_is_not_given_is_zero():
    assert Dense(WEIGHT.astype(np.float32)).bias.tolist() == [0.0, 0.0]
    assert Dense(WEIGHT.astype(np.float32)).bias.dtype == np.float32
    assert Dense([[F(1, 3)]]).bias.tolist() == [0]


def test_synapses_copy_what_they_are_given():
    weight, bias = WEIGHT.copy(), BIAS.copy()
    synapses = Dense(weight, bias)
    weight[...] = bias[...] = np.nan
    assert np.array_equal(synapses.weight, WEIGHT) and np.array_equal(synapses.bias, BIAS)


@pytest.mark.parametrize(
    ("weight", "bias", "error", "complaint"),
    [
        (np.ones(3), None, ValueError, r"weight must be \[n_out, n_in\], got shape \(3,\)"),
        (np.ones((0, 3)), None, ValueError, r"weight must be .* with n_out of at least 1, got shape \(0, 3\)"),
        (np.ones((2, 3), dtype=np.int64), None, TypeError, "weight must have dtype float64 or float32, got int64"),
        (None, None, TypeError, r"weight must be an array \[n_out, n_in\] of float64 or float32, got None"),
        (3, 2, TypeError, r"weight must be an array \[n_out, n_in\] of float64 or float32, got 3"),
        (WEIGHT, True, TypeError, r"bias must be an array \[2\], None for zeros .* or False for none, got True"),
        (WEIGHT, 0, TypeError, r"bias must be an array \[2\] of float64, got 0"),
        (np.full((2, 3), np.inf), None, ValueError, r"weight must be finite, got inf at index \[0, 0\]"),
        (np.ma.masked_array(WEIGHT), None, TypeError, "weight must be a plain array, got a masked one"),
        (np.array([["a"]], dtype=object), None, TypeError, r"weight must hold numbers, got 'a' at index \[0, 0\]"),
        (np.array([[np.nan]], dtype=object), None, ValueError, r"weight must be finite, got nan at index \[0, 0\]"),
        ([[1.0], [1.0, 2.0]], None, TypeError, "weight must be an array, got list"),
        (WEIGHT, np.ones(3), ValueError, r"bias must be \[2\], got shape \(3,\)"),
        (WEIGHT, BIAS.astype(np.float32), TypeError, "bias must have dtype float64, got float32"),
        (WEIGHT, np.array([0.0, np.nan]), ValueError, r"bias must be finite, got nan at index \[1\]"),
    ],
)
def test_wrong_synapses_are_refused(weight, bias, error, complaint):
    with pytest.raises(error, match=complaint):
        Dense(weight, bias)


@pytest.mark.parametrize(
    ("layers", "error", "complaint"),
    [
        (
            [spiking(3, 4), spiking(5, 2)],
            ValueError,
            r"layers\[1\] must take what layers\[0\] gives: Dense\(5 -> 2, float64\) must be given \[5\], got \[4\]",
        ),
        ([spiking(3, 4), spiking(4, 2, np.float32)], TypeError, r"one dtype, got \['float32', 'float64'\]"),
        (
            [Layer(Dense(WEIGHT), Integrator())],
            ValueError,
            "layers must have at least one spiking layer, got Integrator",
        ),
        ([], ValueError, "layers must hold at least one spiking layer, got none"),
        ([spiking(3, 4), Dense(WEIGHT)], TypeError, r"layers\[1\] must be a Layer, got Dense"),
        (5, TypeError, "layers must be a sequence of Layer objects, got 5"),
        ("ab", TypeError, "layers must be a sequence of Layer objects, got 'ab'"),
    ],
)
def test_layers_that_do_not_fit_are_refused(layers, error, complaint):
    with pytest.raises(error, match=complaint):
        Network(layers)


@pytest.mark.parametrize(
    ("synapses", "neuron", "complaint"),
    [
        (WEIGHT, LIF(), "synapses must be an operation such as Dense"),
        (Dense(WEIGHT), "LIF", r"neuron must be a neuron such as LIF\(\) or Integrator\(\), got 'LIF'"),
    ],
)
def test_a_layer_of_other_parts_is_refused(synapses, neuron, complaint):
    with pytest.raises(TypeError, match=complaint):
        Layer(synapses, neuron)


def test_no_bias_may_be_said_by_numpys_false_and_a_connection_that_does_not_fit_is_named():
    assert Dense(WEIGHT, np.False_).parameter_names == ("weight",)
    layer = Layer(Dense(WEIGHT), LIF(), recurrent=Dense(np.eye(4)))
    with pytest.raises(ValueError, match=r"layers\[0\] \(recurrent\) must take what layers\[0\] gives: Dense\(4 -> 4"):
        Network([layer])
