"""Settings that the network's dtype cannot hold: refused, where they would become infinity or 0 without a word."""

from fractions import Fraction

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.network.surrogate import Arctan, FastSigmoid, MultiGaussian, Rectangle, Sigmoid, Triangle

TINY = Fraction(1, 10**400)  # above 0, and no float


def network(dtype, neuron=None, operation=None, readout=None):
    weight = np.eye(2).astype(dtype)
    layers = [
        ot.Layer([*([] if operation is None else [operation]), ot.Dense(weight)], neuron or ot.LIF()),
        ot.Layer(ot.Dense(weight), readout or ot.Integrator()),
    ]
    return ot.Network(layers, input_shape=(2,))


NOT_IN_FLOAT32 = {
    "threshold must be a number that float32 can hold, got 1e+300, which becomes inf": ot.LIF(threshold=1e300),
    "threshold must be a number that float32 can hold, got 1e-60, which becomes 0.0": ot.LIF(threshold=1e-60),
    "decay must be a number that float32 can hold, got 1e-60, which becomes 0.0": ot.LIF(decay=1e-60),
    "reset_potential must be a number that float32 can hold, got -1e+300, which becomes -inf": ot.LIF(
        reset_potential=-1e300
    ),
    "reset_potential must be below the threshold in float32, got 0.9999999999 and threshold 1.0": ot.LIF(
        reset_potential=1 - 1e-10
    ),
    "surrogate must have values in float32, got Rectangle(width=1e-60)": ot.LIF(surrogate=Rectangle(1e-60)),
    "surrogate must have values in float32, got Rectangle(width=1e+60)": ot.LIF(surrogate=Rectangle(1e60)),
    "surrogate must have values in float32, got Triangle(width=1e-60, height=1.0)": ot.LIF(surrogate=Triangle(1e-60)),
    "surrogate must have values in float32, got Triangle(width=1.0, height=1e-60)": ot.LIF(
        surrogate=Triangle(1.0, 1e-60)
    ),
    "surrogate must have values in float32, got Triangle(width=1e+30, height=1e+30)": ot.LIF(
        surrogate=Triangle(1e30, 1e30)
    ),
    "surrogate must have values in float32, got FastSigmoid(slope=1e+60, height=1.0)": ot.LIF(
        surrogate=FastSigmoid(1e60)
    ),
    "surrogate must have values in float32, got FastSigmoid(slope=1e-60, height=1.0)": ot.LIF(
        surrogate=FastSigmoid(1e-60)
    ),
    "surrogate must have values in float32, got FastSigmoid(slope=1.0, height=1e-60)": ot.LIF(
        surrogate=FastSigmoid(1.0, 1e-60)
    ),
    "surrogate must have values in float32, got FastSigmoid(slope=1e-20, height=1e+30)": ot.LIF(
        surrogate=FastSigmoid(1e-20, 1e30)
    ),
    "surrogate must have values in float32, got Sigmoid(alpha=1e+60)": ot.LIF(surrogate=Sigmoid(1e60)),
    "surrogate must have values in float32, got Sigmoid(alpha=1e-60)": ot.LIF(surrogate=Sigmoid(1e-60)),
    "surrogate must have values in float32, got Arctan(alpha=1e+60)": ot.LIF(surrogate=Arctan(1e60)),
    "surrogate must have values in float32, got MultiGaussian(sigma=0.5, h=0.15, s=6.0, scale=1e+60)": ot.LIF(
        surrogate=MultiGaussian(scale=1e60)
    ),
}


@pytest.mark.parametrize("complaint", NOT_IN_FLOAT32)
def test_neurons_whose_numbers_float32_cannot_hold_are_refused(complaint):
    neuron = NOT_IN_FLOAT32[complaint]
    with pytest.raises(ValueError) as raised:
        network(np.float32, neuron)
    assert str(raised.value) == f"layers[0]: {complaint}"
    network(np.float64, neuron)
    with pytest.raises(ValueError):
        network(np.float64, neuron).astype(np.float32)


@pytest.mark.parametrize(
    "neuron",
    [
        ot.LIF(threshold=TINY),
        ot.LIF(decay=TINY),
        ot.LIF(surrogate=Rectangle(1e-310)),
        ot.LIF(surrogate=Rectangle(TINY)),
        ot.LIF(surrogate=Triangle(1e200, 1e200)),
        ot.LIF(surrogate=FastSigmoid(1e-310)),
        ot.LIF(surrogate=FastSigmoid(1e-200, 1e200)),
        ot.LIF(surrogate=Sigmoid(TINY)),
        ot.LIF(surrogate=MultiGaussian(sigma=1e-200)),
        ot.LIF(surrogate=MultiGaussian(s=1e-200)),
    ],
    ids=repr,
)
def test_neurons_whose_numbers_float64_cannot_hold_are_refused(neuron):
    with pytest.raises(ValueError, match=r"^layers\[0\]: (threshold|decay|surrogate) must .* float64"):
        network(np.float64, neuron)


@pytest.mark.parametrize(
    ("operation", "dtype", "complaint"),
    [
        (ot.Scale(1e300), np.float32, "layer0: factor of Scale must be a number that float32 can hold, got 1e+300"),
        (ot.Scale(1e-60), np.float32, "layer0: factor of Scale must be a number that float32 can hold, got 1e-60"),
        (ot.Chain([ot.Chain([ot.Scale(-TINY)])]), np.float64, "layer0: factor of Scale must be a number that float64"),
        (ot.Dropout(TINY), np.float64, "layer0: rate of Dropout must be a number that float64 can hold, got a number"),
    ],
    ids=repr,
)
def test_operations_whose_numbers_a_dtype_cannot_hold_are_refused_by_the_connections_name(operation, dtype, complaint):
    with pytest.raises(ValueError) as raised:
        network(dtype, operation=operation)
    assert str(raised.value).startswith(complaint)


def test_connections_across_layers_are_looked_through_too():
    layers = [ot.Layer(ot.Dense(np.ones((2, 2), np.float32)), ot.LIF()) for _ in range(2)]
    with pytest.raises(ValueError, match=r"^layer0.feedback1: factor of Scale must be .* float32"):
        ot.Network(layers, feedback=[ot.Feedback(1, 0, ot.Scale(1e300))])
    with pytest.raises(ValueError, match=r"^layer1.skip-1: factor of Scale must be .* float32"):
        ot.Network(layers, skips=[ot.Skip(-1, 1, ot.Scale(1e300))])
    with pytest.raises(ValueError, match=r"^layers\[1\]: decay must be .* float32"):
        network(np.float32, readout=ot.Integrator(1e-60))


def test_a_rate_that_rounds_to_1_is_refused():
    with pytest.raises(ValueError, match=r"rate must be in \[0, 1\)"):
        ot.Dropout(1 - Fraction(1, 10**20))


def test_an_epsilon_is_a_number_of_double_precision_in_every_network():
    synapses = ot.WeightStandardised(ot.Dense(np.ones((2, 2), np.float32)), epsilon=1e-60)
    assert ot.Network([ot.Layer(synapses, ot.LIF())], input_shape=(2,)).dtype == np.float32


def test_exact_networks_hold_every_fraction():
    exact = network(np.float64, ot.LIF(surrogate=Triangle())).exact()
    layers = [ot.Layer(exact.layers[0].synapses, ot.LIF(threshold=TINY, surrogate=Triangle())), exact.layers[1]]
    assert ot.Network(layers).layers[0].neuron.threshold == TINY


def test_weights_too_large_for_a_dtype_are_refused():
    large = network(np.float64)
    large.parameters["layer0.weight"] = np.full((2, 2), 1e300)
    with pytest.raises(ValueError, match="weight must be finite, got inf"):
        large.astype(np.float32)
    exact = large.exact()
    exact.parameters["layer0.weight"] = ot.exact_array([[10**400] * 2] * 2)
    with pytest.raises(ValueError, match="network must hold numbers that float64 can hold: "):
        exact.astype(np.float64)


@pytest.mark.parametrize("number", [np.float64(0.5), np.float32(0.5), Fraction(1, 2)], ids=repr)
def test_settings_of_every_kind_of_number_are_kept_as_pythons_own(number):
    for part, name in (
        (ot.LIF(number, number, reset_potential=-number), "decay threshold reset_potential"),
        (ot.Integrator(number), "decay"),
        (Sigmoid(number), "alpha"),
        (Triangle(number, number), "width height"),
        (FastSigmoid(number, number), "slope height"),
        (MultiGaussian(number, number, number, number), "sigma h s scale"),
        (ot.Scale(number), "factor"),
        (ot.Dropout(number), "rate"),
    ):
        for each in name.split():
            assert type(getattr(part, each)) in (float, Fraction) and abs(getattr(part, each)) == 0.5
