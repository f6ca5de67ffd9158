"""Networks: their parameters, copies in other numbers, and fresh ones."""

from fractions import Fraction as F

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import LIF, Dense, Integrator, Layer, Network, dense_network

from .helpers import READOUTS, bits, dyadic_network, dyadic_sequence

NAMES = ["layer0.weight", "layer0.bias", "layer1.weight", "layer1.bias", "readout.weight", "readout.bias"]


def test_parameters_come_layer_by_layer_weight_then_bias():
    network = dyadic_network(0)
    assert list(network.parameters) == NAMES
    assert [value.shape for value in network.parameters.values()] == [(4, 3), (4,), (3, 4), (3,), (2, 3), (2,)]
    assert list(dyadic_network(0, readout="spiking").parameters)[4:] == ["layer2.weight", "layer2.bias"]
    assert len(network.parameters) == 6 and "readout.bias" in network.parameters


def test_a_network_says_what_it_is():
    network = dense_network([3, 4, 5, 2], rng=0, dtype="float32")
    assert (network.input_size, network.output_size, network.spiking_layers, network.dtype) == (3, 2, 2, np.float32)
    assert repr(network).startswith("Network([3, 4, 5, 2], readout='linear', float32, LIF(decay=0.5")
    assert repr(network.parameters).startswith("Parameters({'layer0.weight': (4, 3)")


@pytest.mark.parametrize("readout", READOUTS)
def test_the_readout_is_the_one_asked_for(readout):
    network = dense_network([3, 4, 2], readout=readout, decay=0.75, rng=0)
    assert network.readout == readout
    assert network.spiking_layers == (2 if readout == "spiking" else 1)
    last = network.layers[-1].neuron
    assert last == {"linear": Integrator(0.0), "leaky": Integrator(0.75), "spiking": network.layers[0].neuron}[readout]


def test_an_assigned_parameter_is_copied_and_used():
    network, inputs = dyadic_network(3), dyadic_sequence(3)[0]
    before = ot.simulate(network, inputs).outputs
    value = np.array([1.0, -2.0])
    network.parameters["readout.bias"] = value
    value[...] = np.nan
    assert network.parameters["readout.bias"].tolist() == [1.0, -2.0]
    assert not np.array_equal(ot.simulate(network, inputs).outputs, before)


@pytest.mark.parametrize(
    ("name", "value", "error", "complaint"),
    [
        ("layer0.bias", np.zeros(3), ValueError, r"layer0.bias must be \[4\], got shape \(3,\)"),
        ("layer0.bias", np.zeros((1, 4)), ValueError, r"layer0.bias must be \[4\], got shape \(1, 4\)"),
        ("layer0.bias", 0.0, ValueError, r"layer0.bias must be \[4\], got shape \(\)"),
        ("layer0.bias", np.zeros(4, dtype=np.float32), TypeError, "layer0.bias must have dtype float64, got float32"),
        ("layer0.bias", [0, 0, 0, 1], TypeError, "layer0.bias must have dtype float64, got int64"),
        ("layer0.bias", np.array([0, 0, np.nan, 0]), ValueError, r"layer0.bias must be finite, got nan at index \[2\]"),
        ("layer9.bias", np.zeros(4), KeyError, "'layer9.bias' is not a parameter; there are"),
    ],
)
def test_a_wrong_assignment_is_refused_and_changes_nothing(name, value, error, complaint):
    network = dyadic_network(0)
    before = bits(network.parameters)
    with pytest.raises(error, match=complaint):
        network.parameters[name] = value
    assert bits(network.parameters) == before


def test_parameters_cannot_be_deleted():
    network = dyadic_network(0)
    with pytest.raises(TypeError, match=r"'layer0.bias' must stay"):
        del network.parameters["layer0.bias"]
    assert list(network.parameters) == NAMES


@pytest.mark.parametrize(
    "copied",
    [
        lambda network: network.copy(),
        lambda network: network.astype(np.float64),
        lambda network: network.as_objects(float),
        lambda network: network.exact(),
    ],
    ids=["copy", "astype", "as_objects", "exact"],
)
def test_copies_are_equal_and_independent(copied):
    network = dyadic_network(0)
    other = copied(network)
    assert all(np.array_equal(other.parameters[name], value) for name, value in network.parameters.items())
    assert [layer.neuron for layer in other.layers] == [layer.neuron for layer in network.layers]
    before = bits(network.parameters)
    for value in other.parameters.values():
        value[...] = other.number(7)
    assert bits(network.parameters) == before


def test_exact_numbers_are_fractions_everywhere_and_equal_the_floats():
    exact = dense_network([3, 4, 2], decay=0.3, threshold=1.1, surrogate=ot.surrogate.Triangle(0.7), rng=0).exact()
    neuron = exact.layers[0].neuron
    numbers = [*exact.parameters["layer0.weight"].flat, neuron.decay, neuron.threshold, neuron.surrogate.width]
    assert {type(number) for number in numbers} == {F}
    assert (neuron.decay, neuron.threshold, neuron.surrogate.width) == (F(0.3), F(1.1), F(0.7))


def test_exact_numbers_come_back_rounded_once():
    network = Network(
        [Layer(Dense(ot.exact_array([[F(1, 3)]])), LIF(decay=F(1, 3), surrogate=ot.surrogate.Triangle()))]
    )
    for dtype in (np.float64, np.float32):
        rounded = network.astype(dtype)
        assert rounded.dtype == dtype and rounded.parameters["layer0.weight"][0, 0] == dtype(1 / 3)
        assert rounded.layers[0].neuron.decay == 1 / 3


@pytest.mark.parametrize("dtype", ["int64", np.float16, "double trouble", object, None])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(TypeError, match="dtype must be float64 or float32, got"):
        dyadic_network(0).astype(dtype)
    with pytest.raises(TypeError, match="dtype must be float64 or float32, got"):
        dense_network([3, 4, 2], rng=0, dtype=dtype)


@pytest.mark.parametrize("values", [[np.inf], [np.nan], [None], "ab"])
def test_exact_arrays_hold_finite_numbers_alone(values):
    with pytest.raises(ValueError, match="values must be finite numbers, got"):
        ot.exact_array(values)


@pytest.mark.parametrize("initialisation", ["uniform", "normal", "orthogonal"])
def test_one_seed_gives_the_same_bytes_and_another_seed_others(initialisation):
    def fresh(seed):
        return bits(dense_network([5, 7, 3], rng=seed, initialisation=initialisation).parameters)

    assert fresh(0) == fresh(0) == fresh(np.random.default_rng(0))
    assert fresh(0)["layer0.weight"] != fresh(1)["layer0.weight"]


def test_fresh_entropy_is_drawn_without_touching_the_global_generator():
    before = np.random.get_state()[1].tobytes()
    first, second = dense_network([5, 7, 3]), dense_network([5, 7, 3])
    assert bits(first.parameters) != bits(second.parameters)
    assert np.random.get_state()[1].tobytes() == before


def test_float32_weights_are_the_float64_ones_rounded():
    double, single = (dense_network([5, 7, 3], rng=0, dtype=dtype) for dtype in (np.float64, np.float32))
    assert bits(double.astype(np.float32).parameters) == bits(single.parameters)


def test_tau_is_taken_in_place_of_decay():
    assert dense_network([3, 4, 2], tau=4, rng=0).layers[0].neuron.decay == 0.75


@pytest.mark.parametrize(
    ("arguments", "error", "complaint"),
    [
        ({"sizes": [3, 4]}, ValueError, r"sizes must hold at least 3 sizes for readout='linear' .*got \[3, 4\]"),
        ({"sizes": [3], "readout": "spiking"}, ValueError, "sizes must hold at least 2 sizes for readout='spiking'"),
        ({"sizes": [3, 0, 2]}, ValueError, r"sizes\[1\] must be at least 1, got 0"),
        ({"sizes": [3, 4.0, 2]}, TypeError, r"sizes\[1\] must be a whole number of at least 1, got 4.0"),
        ({"sizes": [3, True, 2]}, TypeError, r"sizes\[1\] must be a whole number"),
        ({"sizes": 3}, TypeError, "sizes must be a sequence of layer sizes, got 3"),
        ({"sizes": "342"}, TypeError, "sizes must be a sequence of layer sizes, got '342'"),
        ({"decay": 1.5}, ValueError, r"decay must be in \[0, 1\], got 1.5"),
        ({"decay": 0.5, "tau": 2}, ValueError, "decay and tau must not be given together"),
        ({"tau": 0.5}, ValueError, "tau must be of at least 1, got 0.5"),
        ({"threshold": 0}, ValueError, "threshold must be above 0, got 0"),
        ({"surrogate": "sigmoid"}, TypeError, "surrogate must be a surrogate such as .*got 'sigmoid'"),
        ({"reset": "none"}, ValueError, "reset must be one of 'soft', 'hard', 'unleaked', got 'none'"),
        ({"reset_potential": 2.0}, ValueError, "reset_potential must be below the threshold, got 2.0"),
        ({"readout": "max"}, ValueError, "readout must be one of 'linear', 'spiking', 'leaky', got 'max'"),
        ({"initialisation": "zeros"}, ValueError, "initialisation must be one of .*got 'zeros'"),
        ({"gain": 0}, ValueError, "gain must be above 0, got 0"),
        ({"rng": "seed"}, TypeError, "rng must be a numpy.random.Generator or a seed, got 'seed'"),
        ({"rng": -1}, TypeError, "rng must be a numpy.random.Generator or a seed, got -1"),
    ],
)
def test_a_wrong_argument_of_dense_network_is_refused_by_name(arguments, error, complaint):
    with pytest.raises(error, match=complaint):
        dense_network(**{"sizes": [3, 4, 2], "rng": 0, **arguments})


def test_a_refused_network_draws_nothing_from_the_generator():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError):
        dense_network([3, 4, 2], rng=rng, threshold=-1)
    assert rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint8, object])
def test_exact_arrays_hold_pythons_own_fractions(dtype):
    exact = ot.exact_array(np.array([[1, 2], [3, 200]]).astype(dtype))
    assert {type(number) for number in exact.flat} == {F}
    assert {type(number.numerator) for number in exact.flat} == {int}  # numpy's would overflow
    assert exact.tolist() == [[1, 2], [3, 200]]


def test_a_float32_network_has_exact_numbers_too():
    network = dyadic_network(0).astype(np.float32)
    weight = network.exact().parameters["layer0.weight"]
    assert {type(number) for number in weight.flat} == {F}
    assert np.array_equal(weight.astype(np.float32), network.parameters["layer0.weight"])


def test_parameters_put_as_a_whole_are_refused_where_the_network_is_next_used():
    network = ot.dense_network([2, 3, 1], rng=0)
    network.parameters = {"layer0.weight": np.ones((3, 2))}
    with pytest.raises(TypeError, match=r"assign to network.parameters\[name\], got \{'layer0.weight'"):
        ot.simulate(network, np.ones((1, 1, 2)))
