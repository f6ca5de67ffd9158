"""PyTorch's automatic differentiation agrees with the reference on every case and method."""

import numpy as np
import pytest

pytest.importorskip("torch")

import ottt_ref as ot
from ottt_ref.conformance import checking, files
from ottt_ref.conformance.arrays import expected_of
from ottt_ref.conformance.peers import graph, pytorch, soft_spikes, torch_layers, torch_rates
from ottt_ref.conformance.specifications import Specification

from .dialects import cases_with, outcomes, with_leaky_readout, with_reset


def test_every_case_and_method_passes(cases):
    found = outcomes(pytorch.adapter, cases)
    assert {v.outcome for verdicts in found.values() for v in verdicts.values()} == {"passed"}
    assert sum(map(len, found.values())) == sum(len(case.methods) for case in cases)
    assert not any(v.unknown for verdicts in found.values() for v in verdicts.values())
    assert set(found) == {method for case in cases for method in case.methods}


@pytest.mark.parametrize(
    ("change", "suffix", "but"),
    [
        (with_reset("hard"), "hard", []),
        (with_reset("unleaked"), "unleaked", ["zero-weights"]),  # ties: no draw keeps a margin
        (with_leaky_readout, "leaky", []),
    ],
)
def test_every_case_passes_with_another_reset_or_readout(change, suffix, but):
    """But RTRL, which is the slow one and differentiates the same loop as BPTT."""
    changed = cases_with(change, suffix, but=but, features=True)
    methods = [method for method in pytorch.methods if not method.startswith("rtrl")]
    found = outcomes(pytorch.adapter, changed, methods=methods)
    assert {v.outcome for verdicts in found.values() for v in verdicts.values()} == {"passed"}
    assert sum(map(len, found.values())) == sum(len(set(case.methods) & set(methods)) for case in changed)


@pytest.mark.parametrize("name", ["dense-spiking-readout", "recurrent", "conv-residual"])
def test_everything_between_inputs_and_gradients_is_compared(by_name, name):
    """The adapter gives all that the kit takes, so that what passes is not the gradients alone."""
    case = by_name[name]
    for method in case.methods:
        assert {each.name for each in expected_of(case, method)} <= set(pytorch.adapter(case, method)), method


def test_far_above_the_threshold_the_derivative_of_torchs_sigmoid_is_rounded_to_0():
    """σ (1 - σ) cancels where σ is 1 but for less than a rounding; the adapter's soft spike is 1 - σ(-αz) there."""
    z = soft_spikes.torch.tensor([-10.0, 10.0], dtype=soft_spikes.torch.float64)
    found = soft_spikes.derivative(lambda z: soft_spikes.torch.sigmoid(4 * z), z)
    expected = ot.surrogate.Sigmoid(4.0).derivative(z.numpy())
    assert expected[0] == expected[1] == pytest.approx(1.7e-17, rel=0.01)
    assert found[0] == pytest.approx(expected[0], rel=1e-12) and found[1] == 0
    mended = soft_spikes.derivative(soft_spikes.primitive_of(ot.surrogate.Sigmoid(4.0).description()), z)
    np.testing.assert_allclose(mended, expected, rtol=1e-12)


@pytest.mark.parametrize(
    "surrogate",
    [
        ot.surrogate.Sigmoid(4.0),
        ot.surrogate.Arctan(2.0),
        ot.surrogate.Triangle(0.5, 3.0),
        ot.surrogate.Rectangle(2.0),
        ot.surrogate.FastSigmoid(),
        ot.surrogate.FastSigmoid(1.5, 0.75),
        ot.surrogate.MultiGaussian(),
        ot.surrogate.MultiGaussian(0.6, 0.2, 5.0, 0.9),
    ],
)
def test_torch_differentiates_the_primitives_to_the_derivatives(surrogate):
    z = np.linspace(-2.5, 2.5, 100)  # no edge and no corner among them
    found = soft_spikes.derivative(soft_spikes.primitive_of(surrogate.description()), soft_spikes.torch.tensor(z))
    np.testing.assert_allclose(found, surrogate.derivative(z), rtol=1e-9, atol=1e-12)


def test_an_unknown_method_is_unsupported(by_name):
    with pytest.raises(NotImplementedError, match="the method magic"):
        pytorch.adapter(by_name["dense"], "magic")


def currents(rng):
    """Sums of currents one after the other, neurons of another λ after them, and a sum before a stateless readout."""
    layers = [
        ot.Layer(ot.Dense(rng.normal(size=(5, 6))), ot.Integrator()),
        ot.Layer(ot.Dense(rng.normal(size=(5, 5))), ot.LIF()),
        ot.Layer(ot.Dense(rng.normal(size=(5, 5)), rng.normal(size=5)), ot.Integrator()),
        ot.Layer([ot.Dense(rng.normal(size=(5, 5))), ot.SkipInit(np.array([0.6]))], ot.Integrator()),
        ot.Layer(ot.Dense(rng.normal(size=(4, 5))), ot.LIF(0.8)),
        ot.Layer(ot.Dense(rng.normal(size=(4, 4)), rng.normal(size=4)), ot.Integrator()),
        ot.Layer(ot.Dense(rng.normal(size=(3, 4))), ot.Integrator()),
    ]
    return ot.Network(layers, skips=[ot.Skip(1, 2)])


def test_sums_of_currents_pass_wherever_they_are():
    """Before all neurons, one after another, and before the readout: more than the kit's own residual branch."""
    case = files.make_case(Specification("currents", "sums", currents))
    found = outcomes(pytorch.adapter, [case])
    assert {method: verdicts["currents"].outcome for method, verdicts in found.items()} == dict.fromkeys(
        case.methods, checking.PASSED
    )


def test_the_trace_into_a_sum_of_currents_decays_with_the_membranes_that_take_it(by_name, monkeypatch):
    """With the λ of the sum itself, which is 0, there would be no trace."""
    case = by_name["conv-residual"]
    monkeypatch.setattr(pytorch.TracedGraph, "_membrane", lambda graph, l: l)
    found = outcomes(pytorch.adapter, [case])["ottt"][case.name]
    assert found.outcome == checking.FAILED and found.found.array == "trace/layer1" and found.found.time_step == 1


def test_rtrl_is_differentiated_forwards(by_name, monkeypatch):
    """No gradient goes backwards: what would is cut off."""
    monkeypatch.setattr(soft_spikes.torch.Tensor, "backward", None)
    monkeypatch.setattr(soft_spikes.torch.autograd, "grad", None)
    case = by_name["recurrent"]
    for method in ("rtrl", "rtrl-kept"):
        found = pytorch.adapter(case, method)
        for name, expected in case.gradients(method).items():
            np.testing.assert_allclose(found[name], expected, rtol=1e-9, atol=1e-12)


def test_an_unknown_operation_is_unsupported():
    with pytest.raises(NotImplementedError, match="the operation object"):
        torch_layers.Layers().module(object())


def wrong(case, method):
    """OTTT whose biases are not multiplied by the trace of their constant input."""
    found = dict(pytorch.adapter(case, method))
    if method == "ottt":
        for name in found:
            if name.endswith("bias"):
                found[name] = pytorch.adapter(case, "ottt-authors")[name]
    return found


def test_automatic_differentiation_around_a_traced_layer_gives_the_authors_bias(by_name):
    """Σ_t g[t] where the derivation has Σ_t g[t] Λ_t: a cosine of 0.986, and 46 % off in its largest element."""
    wrong.methods = ("forward", "ottt")
    verdict = outcomes(wrong, [by_name["dense"]])["ottt"]["dense"]
    assert verdict.outcome == checking.FAILED and verdict.found.array == "gradient/ottt/layer1.bias"
    expected, got = (by_name["dense"].gradients(method)["layer1.bias"] for method in ("ottt", "ottt-authors"))
    cosine = expected @ got / np.sqrt((expected @ expected) * (got @ got))
    assert cosine == pytest.approx(0.986, abs=5e-4)
    assert np.abs(expected - got).max() == pytest.approx(0.463 * np.abs(expected).max(), rel=5e-3)


def test_the_rates_of_a_loop_need_the_implicit_gradient(by_name, monkeypatch):
    """Without the Jacobian of the rates nothing comes down below the last layer: the solver is what passes."""
    torch = soft_spikes.torch
    monkeypatch.setattr(
        torch.autograd.functional, "jacobian", lambda f, a, vectorize: torch.zeros(len(a), len(a), dtype=a.dtype)
    )
    case = by_name["recurrent"]
    found = torch_rates.gradients(case, graph.Graph(case, pytorch.neurons_of(case)))
    expected = case.gradients("spike-representation")
    np.testing.assert_allclose(found["layer1.weight"], expected["layer1.weight"], rtol=1e-9, atol=1e-12)
    assert np.abs(found["layer0.weight"]).max() == 0 < np.abs(expected["layer0.weight"]).max()


def test_the_clamp_of_torch_lets_errors_through_at_its_corners_and_the_rates_do_not():
    """A rate's current of 0 exactly, where nothing arrives, is common; D there is 0."""
    torch = soft_spikes.torch
    z = torch.tensor([-0.1, 0.0, 0.5, 1.0, 1.1], requires_grad=True)
    slopes = [
        torch.autograd.grad(clamp(z).sum(), z)[0].tolist() for clamp in (lambda z: z.clamp(0, 1), torch_rates.clamped)
    ]
    assert slopes == [[0, 1, 1, 1, 0], [0, 0, 1, 0, 0]]
    assert torch.equal(torch_rates.clamped(z), z.clamp(0, 1))
