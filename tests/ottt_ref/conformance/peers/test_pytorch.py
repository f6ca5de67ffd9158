"""PyTorch's automatic differentiation agrees with the reference on every case and method."""

import numpy as np
import pytest

pytest.importorskip("torch")

import ottt_ref as ot
from ottt_ref.conformance import checking, files
from ottt_ref.conformance.peers import graph, pytorch, soft_spikes, torch_rates
from ottt_ref.conformance.specifications import Specification

from .dialects import cases_with, outcomes, with_leaky_readout, with_reset


def test_every_case_and_method_passes(cases):
    found = outcomes(pytorch.adapter, cases)
    assert {v.outcome for verdicts in found.values() for v in verdicts.values()} == {"passed"}
    assert sum(map(len, found.values())) == sum(len(case.methods) for case in cases)
    assert set(found) == {method for case in cases for method in case.methods}


@pytest.mark.parametrize(
    ("change", "suffix", "but"),
    [
        (with_reset("hard"), "hard", []),
        (with_reset("unleaked"), "unleaked", ["zero-weights", "saturated"]),  # ties, and ψ of 1e-19: see below
        (with_leaky_readout, "leaky", []),
    ],
)
def test_every_case_passes_with_another_reset_or_readout(change, suffix, but):
    changed = cases_with(change, suffix, but=but)
    found = outcomes(pytorch.adapter, changed)
    assert {v.outcome for verdicts in found.values() for v in verdicts.values()} == {"passed"}
    assert sum(map(len, found.values())) == sum(len(case.methods) for case in changed)


def test_errors_are_compared_for_every_layer(by_name):
    case = by_name["dense"]
    found = pytorch.adapter(case, "bptt")
    for l in range(3):
        np.testing.assert_allclose(found[f"error/{l}"], case.arrays[f"error/bptt/{l}"], rtol=1e-9, atol=1e-12)


def test_far_above_the_threshold_the_derivative_of_torchs_sigmoid_is_rounded_to_0():
    """σ (1 - σ) cancels where σ is 1 but for less than a rounding; the reference's form does not."""
    z = soft_spikes.torch.tensor([-10.0, 10.0], dtype=soft_spikes.torch.float64)
    found = soft_spikes.derivative(soft_spikes.primitive_of(ot.surrogate.Sigmoid(4.0).description()), z)
    expected = ot.surrogate.Sigmoid(4.0).derivative(z.numpy())
    assert expected[0] == expected[1] == pytest.approx(1.7e-17, rel=0.01)
    assert found[0] == pytest.approx(expected[0], rel=1e-12) and found[1] == 0


@pytest.mark.parametrize(
    "surrogate",
    [
        ot.surrogate.Sigmoid(4.0),
        ot.surrogate.Arctan(2.0),
        ot.surrogate.Triangle(0.5, 3.0),
        ot.surrogate.Rectangle(2.0),
        ot.surrogate.MultiGaussian(),
    ],
)
def test_torch_differentiates_the_primitives_to_the_derivatives(surrogate):
    z = np.linspace(-2.5, 2.5, 100)  # no edge and no corner among them
    found = soft_spikes.derivative(soft_spikes.primitive_of(surrogate.description()), soft_spikes.torch.tensor(z))
    np.testing.assert_allclose(found, surrogate.derivative(z), rtol=1e-9, atol=1e-12)


def test_an_unknown_method_is_unsupported(by_name):
    with pytest.raises(NotImplementedError, match="the method magic"):
        pytorch.adapter(by_name["dense"], "magic")


def test_currents_between_layers_have_bptt_and_no_ottt():
    """Not among the kit's cases, but a network may have a layer that only adds up."""
    rng = np.random.default_rng(0)
    layers = [
        ot.Layer(ot.Dense(rng.normal(size=(5, 6))), ot.LIF()),
        ot.Layer(ot.Dense(rng.normal(size=(5, 5))), ot.Integrator()),
        ot.Layer(ot.Dense(rng.normal(size=(3, 5))), ot.LIF()),
    ]
    case = files.make_case(
        Specification("currents", "a sum", lambda rng: ot.Network(layers), alive=False, margin=False)
    )
    found = outcomes(pytorch.adapter, [case])
    outcome = {method: verdicts["currents"].outcome for method, verdicts in found.items()}
    unsupported = {"ottt", "ottt-authors", "spike-representation", "ottt-online", "ottt-online-authors"}
    assert outcome == {
        method: checking.UNSUPPORTED if method in unsupported else checking.PASSED for method in case.methods
    }


def test_an_unknown_operation_is_unsupported():
    with pytest.raises(NotImplementedError, match="the operation object"):
        graph.Layers().module(object())


def wrong(case, method):
    """OTTT whose biases are not multiplied by the trace of their constant input."""
    found = dict(pytorch.adapter(case, method))
    if method == "ottt":
        for name in found:
            if name.endswith("bias"):
                found[name] = pytorch.adapter(case, "ottt-authors")[name]
    return found


def test_automatic_differentiation_around_a_traced_layer_gives_the_authors_bias(by_name):
    """Σ_t g[t] where the derivation has Σ_t g[t] Λ_t: nearly parallel, and 0.4 off in its largest element."""
    wrong.methods = ("forward", "ottt")
    verdict = outcomes(wrong, [by_name["dense"]])["ottt"]["dense"]
    assert verdict.outcome == checking.FAILED and verdict.found.array == "gradient/ottt/layer1.bias"
    expected, got = (by_name["dense"].gradients(method)["layer1.bias"] for method in ("ottt", "ottt-authors"))
    cosine = expected @ got / np.sqrt((expected @ expected) * (got @ got))
    assert cosine > 0.99 and np.abs(expected - got).max() > 0.4 * np.abs(expected).max()


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
