"""The forward pass: a sequence by hand, against the naive oracle, and what it refuses."""

from fractions import Fraction as F

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.simulation.simulator import Simulator, run
from tests import oracles

from .helpers import DTYPES, READOUTS, RESETS, bits, dyadic_network, dyadic_sequence

every_reset = pytest.mark.parametrize("reset", RESETS)
every_readout = pytest.mark.parametrize("readout", READOUTS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)

# by hand: two inputs, two neurons, λ = 1/2, V_th = 1, v_reset = -1/4, W = [[1, 1/2], [1/2, 1]], b = [0, 1/4]
INPUTS = [[1, 1], [0, 0], [1, 0]]
POTENTIALS = {
    "soft": [[1.5, 1.75], [0.25, 0.625], [1.125, 1.0625]],
    "hard": [[1.5, 1.75], [-0.125, 0.125], [0.9375, 0.8125]],
    "unleaked": [[1.5, 1.75], [-0.25, 0.125], [0.875, 0.8125]],
}
SPIKES = {
    "soft": [[1, 1], [0, 0], [1, 1]],
    "hard": [[1, 1], [0, 0], [0, 0]],
    "unleaked": [[1, 1], [0, 0], [0, 0]],
}
# readout o = [2, -1] · s + 1/2; the leaky one keeps half of its last output
OUTPUTS = {
    ("soft", "linear"): [1.5, 0.5, 1.5],
    ("soft", "leaky"): [1.5, 1.25, 2.125],
    ("hard", "linear"): [1.5, 0.5, 0.5],
    ("hard", "leaky"): [1.5, 1.25, 1.125],
    ("unleaked", "linear"): [1.5, 0.5, 0.5],
    ("unleaked", "leaky"): [1.5, 1.25, 1.125],
}


def worked_network(reset, readout):
    """The network of the example, over float64."""
    neuron = ot.LIF(0.5, 1.0, reset, ot.surrogate.Triangle(), -0.25)
    layers = [ot.Layer(ot.Dense(np.array([[1, 0.5], [0.5, 1]]), np.array([0, 0.25])), neuron)]
    if readout != "spiking":
        readout = ot.Integrator(0.5 if readout == "leaky" else 0.0)
        layers.append(ot.Layer(ot.Dense(np.array([[2.0, -1.0]]), np.array([0.5])), readout))
    return ot.Network(layers)


def in_dtype(network, inputs, dtype):
    if dtype is object:
        return network.exact(), ot.exact_array(inputs)
    return network.astype(dtype), np.array(inputs, dtype=dtype)


@every_dtype
@every_readout
@every_reset
def test_a_sequence_is_the_one_computed_by_hand(reset, readout, dtype):
    network, inputs = in_dtype(worked_network(reset, readout), np.reshape(INPUTS, (3, 1, 2)), dtype)
    result = ot.simulate(network, inputs)
    assert result.potentials[0][:, 0].tolist() == POTENTIALS[reset]
    assert result.spikes[0][:, 0].tolist() == SPIKES[reset]
    psi = [[max(0, 1 - abs(u - 1)) for u in row] for row in POTENTIALS[reset]]
    assert result.surrogate_derivatives[0][:, 0].tolist() == psi
    expected = SPIKES[reset] if readout == "spiking" else [[o] for o in OUTPUTS[reset, readout]]
    assert result.outputs[:, 0].tolist() == expected
    assert all(array.dtype == dtype for array in (*result.layer_potentials, *result.layer_outputs, result.outputs))


@every_readout
@every_reset
def test_every_sample_of_a_batch_follows_the_equations(reset, readout):
    network = dyadic_network(3, reset=reset, readout=readout, decays=(0.75, 0.5, 0.25), thresholds=(1.0, 0.75, 1.25))
    inputs, _ = dyadic_sequence(3, time_steps=5, batch_size=3)
    network, inputs = network.exact(), ot.exact_array(inputs)
    result = ot.simulate(network, inputs)
    for b in range(3):
        steps = oracles.simulate(oracles.plain_layers(network), inputs[:, b].tolist())
        for l in range(3):
            assert result.layer_potentials[l][:, b].tolist() == [step.potentials[l] for step in steps]
            assert result.layer_outputs[l][:, b].tolist() == [step.outputs[l] for step in steps]
            assert result.layer_surrogate_derivatives[l][:, b].tolist() == [step.psis[l] for step in steps]


@every_readout
def test_what_a_simulation_records_has_the_promised_shapes(readout):
    network, (inputs, _) = dyadic_network(0, readout=readout), dyadic_sequence(0, time_steps=5, batch_size=3)
    result = ot.simulate(network, inputs)
    spiking = [4, 3, 2] if readout == "spiking" else [4, 3]
    for arrays in (result.potentials, result.spikes, result.surrogate_derivatives):
        assert [array.shape for array in arrays] == [(5, 3, n) for n in spiking]
    assert result.outputs.shape == (5, 3, 2)
    assert (result.time_steps, result.spiking) == (5, tuple(range(len(spiking))))
    assert np.array_equal(result.inputs, inputs)


def test_one_time_step_of_one_sample_is_the_current_alone():
    network = worked_network("soft", "linear")
    result = ot.simulate(network, np.array([[[0.5, 0.25]]]))
    assert result.potentials[0].tolist() == [[[0.625, 0.75]]]
    assert result.spikes[0].tolist() == [[[0, 0]]] and result.outputs.tolist() == [[[0.5]]]


def test_the_presynaptic_side_of_a_layer_is_the_inputs_or_the_layer_before():
    network, (inputs, _) = dyadic_network(3), dyadic_sequence(3)
    result = ot.simulate(network, inputs)
    assert result.presynaptic(network.connections[0]) is result.inputs
    assert result.presynaptic(network.connections[2]) is result.spikes[1]


def test_a_time_step_of_a_record_is_a_view_of_it():
    network, (inputs, _) = dyadic_network(3), dyadic_sequence(3)
    result = ot.simulate(network, inputs)
    now = result.at(2)
    for name in ("layer_potentials", "layer_outputs", "layer_surrogate_derivatives"):
        for part, whole in zip(getattr(now, name), getattr(result, name)):
            assert np.shares_memory(part, whole) and np.array_equal(part, whole[2])
    assert np.array_equal(now.inputs, inputs[2]) and now.spiking == (0, 1)


def test_samples_do_not_see_each_other():
    network, (inputs, _) = dyadic_network(3), dyadic_sequence(3, batch_size=4)
    together = ot.simulate(network, inputs)
    for b in range(4):
        alone = ot.simulate(network, inputs[:, b : b + 1])
        assert np.array_equal(alone.outputs[:, 0], together.outputs[:, b])


def test_the_past_does_not_see_the_future():
    network, (inputs, _) = dyadic_network(3), dyadic_sequence(3, time_steps=6)
    whole, start = ot.simulate(network, inputs), ot.simulate(network, inputs[:4])
    assert np.array_equal(start.outputs, whole.outputs[:4])


@every_dtype
@every_reset
def test_a_simulator_makes_the_same_steps_in_constant_memory(reset, dtype):
    network, inputs = in_dtype(dyadic_network(3, reset=reset), dyadic_sequence(3)[0], dtype)
    whole = ot.simulate(network, inputs)
    simulator = Simulator(network, 2)
    size = simulator.state_bytes
    for t, x in enumerate(inputs):
        now = simulator.step(x)
        for l in range(3):
            assert np.array_equal(now.layer_potentials[l], whole.layer_potentials[l][t])
            assert np.array_equal(now.layer_outputs[l], whole.layer_outputs[l][t])
            assert np.array_equal(now.layer_surrogate_derivatives[l], whole.layer_surrogate_derivatives[l][t])
        assert simulator.state_bytes == size == 2 * (4 + 3 + 2) * 2 * np.dtype(dtype).itemsize  # u and s, B = 2


def test_a_simulators_step_overwrites_the_arrays_of_the_last():
    network, (inputs, _) = dyadic_network(3), dyadic_sequence(3)
    simulator = Simulator(network, 2)
    first = simulator.step(inputs[0])
    assert simulator.step(inputs[1]).outputs is first.outputs


def test_derivatives_are_left_out_on_request_and_change_nothing_else():
    network, (inputs, _) = dyadic_network(3), dyadic_sequence(3)
    bare, full = run(network, inputs, derivatives=False), ot.simulate(network, inputs)
    assert bare.layer_surrogate_derivatives is None and bare.surrogate_derivatives is None
    assert bare.at(1).layer_surrogate_derivatives is None
    assert np.array_equal(bare.outputs, full.outputs)


def test_soft_spikes_are_the_surrogates_primitive():
    surrogate = ot.surrogate.Triangle(width=2.0, height=0.5)
    network, (inputs, _) = dyadic_network(3, readout="spiking", surrogate=surrogate), dyadic_sequence(3)
    soft, hard = run(network, inputs, soft=True), ot.simulate(network, inputs)
    for potentials, spikes in zip(soft.potentials, soft.spikes):
        assert np.array_equal(spikes, surrogate.primitive(potentials - 1.0))
    assert np.array_equal(soft.potentials[0][0], hard.potentials[0][0])
    assert not np.array_equal(soft.potentials[0], hard.potentials[0])  # the soft spike resets


def test_a_simulation_changes_neither_its_inputs_nor_the_network():
    network, (inputs, _) = dyadic_network(3), dyadic_sequence(3)
    before = bits({"inputs": inputs, **network.parameters})
    first = bits({"outputs": ot.simulate(network, inputs).outputs})
    assert bits({"outputs": ot.simulate(network, inputs).outputs}) == first
    assert bits({"inputs": inputs, **network.parameters}) == before


@pytest.mark.parametrize(
    ("batch_size", "error", "complaint"),
    [
        (0, ValueError, "batch_size must be at least 1, got 0"),
        (2.0, TypeError, "batch_size must be a whole number of at least 1, got 2.0"),
        (True, TypeError, "batch_size must be a whole number"),
        (None, TypeError, "batch_size must be a whole number of at least 1, got None"),
    ],
)
def test_a_wrong_batch_size_is_refused(batch_size, error, complaint):
    with pytest.raises(error, match=complaint):
        Simulator(dyadic_network(0), batch_size)


@pytest.mark.parametrize("option", ["derivatives", "soft"])
@pytest.mark.parametrize("value", [1, None, "no"])
def test_a_simulators_options_are_true_or_false(option, value):
    with pytest.raises(TypeError, match=f"{option} must be True or False, got {value!r}"):
        Simulator(dyadic_network(0), 2, **{option: value})


def test_exact_inputs_may_be_any_exact_numbers():
    network = worked_network("soft", "linear").exact()
    result = ot.simulate(network, np.array([[[F(1, 3), 2]]], dtype=object))
    assert result.potentials[0].tolist() == [[[F(4, 3), F(29, 12)]]]
