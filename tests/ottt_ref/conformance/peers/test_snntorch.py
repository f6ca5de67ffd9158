"""snnTorch agrees with the reference in its own conventions; where it does not is a fact here.

Its reset is the reference's "unleaked" and its gradients are single precision: most of the kit's cases have to be put
into its dialect before they say anything about it.
"""

from functools import partial

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("snntorch")

import torch

import ottt_ref as ot
from ottt_ref.conformance import checking
from ottt_ref.conformance.peers import snntorch

from .dialects import cases_with, names, outcomes, share_of_spikes, with_reset, without_features

TIES = {"unleaked": {"zero-weights"}, "hard": set()}  # ties with that reset, so that no draw keeps a margin


@pytest.fixture(scope="module")
def singles():
    """The kit's cases with its resets, in single precision."""
    return {
        reset: cases_with(with_reset(reset), reset, dtype="float32", but=TIES[reset]) for reset in ("unleaked", "hard")
    }


@pytest.mark.parametrize(("reset", "count"), [("unleaked", 47), ("hard", 48)])
def test_every_case_of_its_dialect_passes_unless_its_sigmoid_overflows(singles, reset, count):
    cases = {case.name for case in singles[reset]}
    tied, not_a_number = {f"at-threshold-{reset}-float32"}, {f"dense-sharp-{reset}-float32"}
    found = outcomes(snntorch.adapter, singles[reset])
    assert names(found["forward"], "passed") == cases - tied and len(cases) == count
    assert names(found["bptt"], "passed") == cases - tied - not_a_number
    assert names(found["bptt"], "unsupported") == tied
    assert all(np.isnan(found["bptt"][name].found.got) for name in not_a_number)


def test_of_the_kits_own_cases_it_speaks_four(cases):
    cases = without_features(cases)
    found = outcomes(snntorch.adapter, cases)
    assert names(found["forward"], "passed") == {
        "dense-decay-1",
        "dense-unleaked",
        "dense-unleaked-float32",
        "dense-hard-zero",
    }
    assert names(found["bptt"], "passed") == {"dense-unleaked-float32"}
    assert names(found["forward"], "failed") == names(found["bptt"], "failed") == set()


@pytest.mark.parametrize(
    ("name", "method", "reason"),
    [
        ("dense", "forward", "a soft reset that leaks"),
        ("dense-hard", "forward", "a hard reset to -0.2"),
        ("at-threshold", "forward", "it fires above it"),
        ("dense-unleaked", "bptt-kept", "it detaches it"),
        ("dense-unleaked", "bptt", "gradients in float64"),
        ("dense-unleaked", "ottt", "the method ottt"),
    ],
)
def test_another_convention_is_named(by_name, name, method, reason):
    with pytest.raises(NotImplementedError, match=reason):
        snntorch.adapter(by_name[name], method)


def doubles(case, method):
    return snntorch.run(case, method)


def test_gradients_in_double_precision_are_rounded_to_single_at_each_spike(by_name):
    doubles.methods = ("forward", "bptt")
    case = by_name["dense-unleaked"]
    strict, loose = (outcomes(doubles, [case], relative)["bptt"][case.name] for relative in (1e-9, 1e-7))
    assert strict.outcome == checking.FAILED and loose.outcome == checking.PASSED
    found, expected = doubles(case, "bptt")["layer0.weight"], case.gradients("bptt")["layer0.weight"]
    assert np.abs(found - expected).max() == pytest.approx(3.5e-8 * np.abs(expected).max(), rel=0.05)
    assert snntorch.snn.Leaky(0.5)(torch.ones(1, 1, dtype=torch.float64))[0].dtype == torch.float32


@pytest.mark.parametrize(("name", "shares"), [("dense", [0.017, 0.042]), ("dense-long", [0.072, 0.104])])
def test_a_soft_reset_is_not_leaked(by_name, monkeypatch, name, shares):
    """reset_mechanism="subtract" on soft resets: u is off by (1 - λ) V_th after a spike, and then spikes are."""
    case = by_name[name]
    monkeypatch.setattr(snntorch, "mechanism_of", lambda description: "subtract")
    found = snntorch.run(case, "forward")
    off = found["potential/0"][1] - case.arrays["potential/0"][1]
    lacking = 1 - case.network.layers[0].neuron.decay
    np.testing.assert_allclose(off, -lacking * case.arrays["spikes/0"][0], atol=1e-12)
    assert share_of_spikes(found, case) == pytest.approx(shares, abs=1e-3)


@pytest.mark.parametrize(("name", "shares"), [("dense", [0.017, 0.033]), ("dense-long", [0.048, 0.096])])
def test_a_soft_reset_without_the_delay_misses_spikes(by_name, monkeypatch, name, shares):
    """It would be the reference's soft reset, but for neurons above twice the threshold: see the next test."""
    case = by_name[name]
    monkeypatch.setattr(snntorch, "mechanism_of", lambda description: "subtract")
    monkeypatch.setattr(snntorch.snn, "Leaky", partial(snntorch.snn.Leaky, reset_delay=False))
    assert share_of_spikes(snntorch.run(case, "forward"), case) == pytest.approx(shares, abs=1e-3)


def test_without_the_delay_a_neuron_above_twice_the_threshold_is_reset_twice_and_misses_its_spike():
    """reset_delay=False subtracts at once, which would be the soft reset; what is left above V_th counts as a spike."""
    node = snntorch.snn.Leaky(0.5, reset_delay=False)
    found = [node(torch.tensor([[current]]))[0].item() for current in (2.5, 0.4)]
    network = ot.Network([ot.Layer(ot.Dense(np.ones((1, 1))), ot.LIF(decay=0.5))])
    expected = ot.simulate(network, np.array([2.5, 0.4]).reshape(2, 1, 1)).spikes[0].ravel()
    assert expected.tolist() == [1, 1] and found == [1, 0]


def test_it_fires_above_the_threshold_and_not_at_it():
    for surrogate in ("atan", "sigmoid", "fast_sigmoid"):
        node = snntorch.snn.Leaky(0.5, spike_grad=getattr(snntorch.surrogate, surrogate)())
        assert node(torch.ones(1, 1))[0].item() == 0
    network = ot.Network([ot.Layer(ot.Dense(np.ones((1, 1))), ot.LIF())])
    assert ot.simulate(network, np.ones((1, 1, 1))).spikes[0].item() == 1


@pytest.mark.parametrize("slope", [4.0, 25.0])
def test_the_gradient_of_its_sigmoid_is_not_a_number_far_below_the_threshold(slope):
    z = torch.tensor([-89.0, -80.0]) / slope
    z.requires_grad_()
    snntorch.surrogate.sigmoid(slope)(z).sum().backward()
    assert torch.isnan(z.grad[0]) and z.grad[1] == 0
    assert 0 < ot.surrogate.Sigmoid(slope).derivative(np.array([-89.0 / slope]))[0] < 1e-36


@pytest.mark.parametrize(
    "surrogate",
    [
        *(ot.surrogate.Sigmoid(4.0), ot.surrogate.Sigmoid(25.0), ot.surrogate.Arctan(2.0)),
        *(ot.surrogate.FastSigmoid(), ot.surrogate.FastSigmoid(4.0), ot.surrogate.FastSigmoid(4.0, 0.5)),
    ],
)
def test_each_of_its_surrogates_has_the_references_derivative(surrogate):
    z = np.linspace(-2.49, 2.49, 101)
    values = torch.tensor(z).requires_grad_()
    snntorch.surrogate_of(surrogate.description())(values).sum().backward()
    np.testing.assert_allclose(values.grad, surrogate.derivative(z), rtol=1e-6, atol=1e-12)


def test_its_fast_sigmoid_has_the_height_1_and_the_slope_25_if_none_is_given():
    z = torch.tensor([-0.1, 0.0, 0.3], requires_grad=True)
    snntorch.surrogate.fast_sigmoid()(z).sum().backward()
    np.testing.assert_allclose(z.grad, ot.surrogate.FastSigmoid().derivative(np.array([-0.1, 0.0, 0.3])), rtol=1e-6)


def test_its_triangular_surrogate_is_no_triangle():
    """ψ is V_th below the threshold and -V_th above it, as its docstring says: a triangle's slope, not a triangle."""
    z = torch.tensor([-3.0, -0.5, 0.5, 3.0], requires_grad=True)
    snntorch.surrogate.triangular()(z).sum().backward()
    assert z.grad.tolist() == [1, 1, -1, -1]


def test_its_leaky_spike_operator_cannot_be_called():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'variance'"):
        snntorch.surrogate.LSO()(torch.ones(1))


def test_a_decay_that_is_a_python_number_is_rounded_to_single_precision():
    assert 1e-9 < abs(snntorch.snn.Leaky(0.9).beta.item() - 0.9) < 1e-7
    assert snntorch.snn.Leaky(torch.tensor(0.9, dtype=torch.float64)).beta.item() == 0.9


def test_a_threshold_that_is_a_number_is_subtracted_in_single_precision():
    """Spikes are float32, and a tensor without axes takes their precision: 0.8 is subtracted with an error of 1e-8."""

    def subtracted(threshold):
        node = snntorch.snn.Leaky(torch.tensor(0.5, dtype=torch.float64), threshold)
        node(torch.ones(1, 1, dtype=torch.float64))
        return 0.5 - node(torch.zeros(1, 1, dtype=torch.float64))[1].item()

    for threshold in (0.8, torch.tensor(0.8, dtype=torch.float64)):
        assert 1e-9 < abs(subtracted(threshold) - 0.8) < 1e-7
    assert subtracted(torch.tensor([0.8], dtype=torch.float64)) == 0.8


def test_the_gradient_of_its_reset_is_always_detached():
    """∂u[1]/∂I[0] is λ, and not λ - V_th ψ; the surrogate is far from 0."""
    current = torch.tensor([[1.2]], requires_grad=True)
    node = snntorch.snn.Leaky(0.5)
    node(current)
    node(torch.zeros(1, 1))[1].sum().backward()
    assert current.grad.item() == 0.5


def both(neuron, recurrent=None, time_steps=6):
    """Inputs of both signs for two samples of three neurons of ours, and their activity."""
    rng = np.random.default_rng(3)
    inputs = rng.normal(0.4, 0.8, (time_steps, 2, 3))
    layer = ot.Layer(ot.Dense(np.eye(3), False), neuron, recurrent)
    return inputs, ot.simulate(ot.Network([layer]), inputs)


def followed(node, inputs):
    """Currents and potentials [T, B, n] of neurons of its own."""
    rows = [node(torch.tensor(x))[-2:] for x in inputs]
    return [torch.stack(each).detach().numpy() for each in zip(*rows)]


LEAKS = np.array([0.9, 0.5, 0.75]), np.array([0.25, 0.5, 0.8])


@pytest.mark.parametrize("each", [False, True])
def test_its_synaptic_is_cuba_lif_with_a_subtraction_that_does_not_leak(each):
    """i first, then u with the i of this step; α and β may be of each neuron. A soft reset that leaks is another."""
    decay, current_decay = LEAKS if each else (0.75, 0.5)
    numbers = [torch.tensor(value, dtype=torch.float64) for value in (current_decay, decay, [0.9])]
    for reset, same in (("unleaked", True), ("soft", False)):
        neuron = ot.CubaLIF(decay, current_decay, 0.9, reset)
        inputs, activity = both(neuron)
        current, potential = followed(snntorch.snn.Synaptic(*numbers), inputs)
        assert 0 < activity.spikes[0].mean() < 1
        assert np.allclose(current, activity.layer_states[0][1], rtol=1e-12)
        assert np.allclose(potential, activity.potentials[0], rtol=1e-12) == same


def test_its_rsynaptic_is_cuba_lif_that_hears_itself():
    rng = np.random.default_rng(5)
    weight, bias = rng.normal(0, 0.4, (3, 3)), rng.normal(0, 0.1, 3)
    inputs, activity = both(ot.CubaLIF(0.75, 0.5, 0.9, "unleaked"), ot.Dense(weight, bias))
    numbers = [torch.tensor(value, dtype=torch.float64) for value in (0.5, 0.75)]
    node = snntorch.snn.RSynaptic(*numbers, linear_features=3, threshold=torch.tensor([0.9], dtype=torch.float64))
    node.recurrent = torch.nn.Linear(3, 3, dtype=torch.float64)
    with torch.no_grad():
        node.recurrent.weight.copy_(torch.tensor(weight))
        node.recurrent.bias.copy_(torch.tensor(bias))
    rows, spikes = [], torch.zeros(2, 3, dtype=torch.float64)
    for x in inputs:
        spikes, _, potential = node(torch.tensor(x), spk=spikes)
        spikes = spikes.to(torch.float64)
        rows.append(potential.detach().numpy())
    assert 0 < activity.spikes[0].mean() < 1
    np.testing.assert_allclose(np.stack(rows), activity.potentials[0], rtol=1e-12)


def test_its_hard_reset_of_a_synaptic_neuron_loses_what_arrives_with_it():
    """u[t] = (1 - s[t-1]) (β u[t-1] + i[t]); of CubaLIF the current of the step after a spike stays."""
    numbers = [torch.tensor(value, dtype=torch.float64) for value in (0.5, 0.75, [0.9])]
    inputs, activity = both(ot.CubaLIF(0.75, 0.5, 0.9, "hard"))
    current, potential = followed(snntorch.snn.Synaptic(*numbers, reset_mechanism="zero"), inputs)
    u, s = np.zeros((2, 3)), np.zeros((2, 3))
    for t in range(len(inputs)):
        u = (1 - s) * (0.75 * u + current[t])
        s = (u > 0.9).astype(float)
        np.testing.assert_allclose(potential[t], u, rtol=1e-12)
    assert not np.allclose(potential, activity.potentials[0])


@pytest.mark.parametrize(("name", "methods"), [("dense-two-leaks", {"forward"}), ("dense-per-neuron", set())])
def test_of_the_cases_of_numbers_of_neurons_it_speaks_one(by_name, name, methods):
    found = outcomes(snntorch.adapter, [by_name[name]])
    assert {method for method, verdicts in found.items() if verdicts[name].outcome == "passed"} == methods
    assert {verdicts[name].outcome for verdicts in found.values()} <= {"passed", "unsupported"}


def test_its_learned_decay_is_clamped_where_it_is_used_and_not_brought_back():
    node = snntorch.snn.Leaky(torch.tensor(1.5), learn_beta=True)
    node(torch.ones(1, 1))
    assert node(torch.zeros(1, 1))[1].item() == 1.0 and node.beta.item() == 1.5
