"""braintrace's rules are OTTT, SLTT and RTRL where every weight enters a membrane; of a stateless readout it has 0."""

import numpy as np
import pytest

pytest.importorskip("jax")
pytest.importorskip("braintrace")

import jax
import jax.numpy as jnp

import ottt_ref as ot
from ottt_ref.conformance import checking, files
from ottt_ref.conformance.peers import braintrace
from ottt_ref.conformance.specifications import Specification

from .dialects import cases_with, names, outcomes, with_leaky_readout, without_features

# Each case and method is compiled anew, a second or more: one of each kind, not all.
KINDS = (
    "dense",
    "dense-one-step",
    "dense-decay-0.9",
    "dense-two-decays",
    "dense-threshold",
    "dense-arctan",
    "dense-triangle",
    "dense-rectangle",
    "dense-multigaussian",
    "dense-unleaked",
    "dense-squared-error",
    "dense-soft-targets",
    "dense-slow",
    "dense-spiking-readout",
    "recurrent",
    "feedback",
    "loops",
    "skip",
    "at-threshold",
    "recurrent-float32",
)
NOT_DENSE = {
    "dense-standardised",
    "conv",
    "conv-pooled",
    "conv-windows",
    "conv-residual",
    "conv-standardised",
    "conv-standardised-float32",
    "conv-feedback",
    "conv-grouped",
    "conv-row",
    "conv-normalised",
    "conv-maxpool",
}
OTHER_SURROGATE = {"dense-fastsigmoid"}


def layer(rng, recurrent):
    delayed = ot.Dense(rng.normal(0.1, 1.2, (5, 5)) / np.sqrt(5), False) if recurrent else None
    return ot.Layer(ot.Dense(rng.normal(0.1, 1.2, (5, 6)) / np.sqrt(6), rng.normal(0.1, 0.1, 5)), ot.LIF(), delayed)


def one_layer(recurrent):
    """A case of one spiking layer, which is its own readout."""
    name = f"one-{'recurrent' if recurrent else 'dense'}"
    return files.make_case(Specification(name, "one layer", lambda rng: ot.Network([layer(rng, recurrent)])))


def test_with_a_leaky_or_spiking_readout_its_rules_are_ottt_and_sltt():
    cases = cases_with(with_leaky_readout, "leaky", among=KINDS)
    found = outcomes(braintrace.adapter, cases)
    for method in ("forward", "ottt", "ottt-online", "sltt"):
        assert names(found[method], "passed") == {case.name for case in cases}, method
    assert len(cases) == len(KINDS)
    for method in ("rtrl", "rtrl-kept"):
        assert names(found[method], "unsupported") == {case.name for case in cases}


@pytest.mark.parametrize("recurrent", [False, True])
def test_of_one_layer_its_rtrl_is_the_references_with_the_reset_detached_and_kept(recurrent):
    case = one_layer(recurrent)
    found = outcomes(braintrace.adapter, [case])
    assert {method: verdicts[case.name].outcome for method, verdicts in found.items()} == dict.fromkeys(
        braintrace.methods, checking.PASSED
    )


def test_the_forward_pass_of_every_dense_case_passes(cases):
    cases = without_features(cases)
    found = list(checking.check(braintrace.adapter, cases, methods=["forward"]))
    without = NOT_DENSE | OTHER_SURROGATE
    assert {v.case for v in found if v.outcome == checking.PASSED} == {c.name for c in cases} - without
    kinds = ("Conv2d", "Conv1d", "Chain", "WeightStandardised")
    assert {v.reason for v in found if v.outcome == checking.UNSUPPORTED} <= {
        "the surrogate FastSigmoid",
        *(f"the operation {kind}: the adapter is of dense layers" for kind in kinds),
    }


@pytest.mark.parametrize("name", ["dense", "skip"])
def test_the_gradient_of_a_stateless_readout_is_silently_0(by_name, name):
    """SLTT of the layers below it is right, so that the error does come through the readout."""
    case = by_name[name]
    verdict = outcomes(braintrace.adapter, [case])["sltt"][name]
    assert verdict.outcome == checking.FAILED and "readout" in verdict.found.array and verdict.found.got == 0
    found = braintrace.adapter(case, "sltt")
    for parameter, expected in case.gradients("sltt").items():
        if parameter.startswith("readout"):
            assert not np.any(found[parameter]) and np.any(expected)
        else:
            np.testing.assert_allclose(found[parameter], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("vjp_method", ["single-step", "multi-step"])
def test_so_is_that_of_the_readout_in_its_own_documentation(vjp_method):
    """Its own cell and its own Linear: 0 by the default, and not by the other way that it has."""

    class Example(braintrace.brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = braintrace.braintrace.nn.ValinaRNNCell(1, 4, activation="tanh")
            self.out = braintrace.braintrace.nn.Linear(4, 1)

        def update(self, x):
            return self.out(self.cell(x))

    inputs = jnp.linspace(-1, 1, 5)[:, None]
    with pytest.warns(UserWarning, match="has no connected hidden states"):
        learner = braintrace.braintrace.compile(
            Example(), braintrace.braintrace.D_RTRL, inputs[0], vjp_method=vjp_method
        )
    found = learner.etrace_grad(inputs, step_fn=lambda x: jnp.mean((learner(x) - 1) ** 2))
    of_readout = jax.tree.leaves(found[("out", "weight")])
    assert any(np.any(value) for value in of_readout) == (vjp_method == "multi-step")


@pytest.mark.parametrize(
    ("name", "method", "reason"),
    [
        ("dense", "rtrl", "its rules drop what waits in the layers above"),
        ("dense", "ottt", "the trace of a stateless readout"),
        ("dense-by-layer", "ottt", "the trace with a hard reset"),
        ("dense", "bptt", "the method bptt"),
        ("dense", "ottt-authors", "it traces the inputs and the biases too"),
        ("dense", "spike-representation", "the method spike-representation"),
        ("conv", "forward", "dense layers"),
    ],
)
def test_what_it_does_not_have_is_unsupported(by_name, name, method, reason):
    with pytest.raises(NotImplementedError, match=reason):
        braintrace.adapter(by_name[name], method)


@pytest.mark.parametrize(
    "surrogate",
    [
        ot.surrogate.Sigmoid(4.0),
        ot.surrogate.Arctan(2.0),
        ot.surrogate.Triangle(0.5, 3.0),
        ot.surrogate.Rectangle(2.0),
        ot.surrogate.MultiGaussian(),
        ot.surrogate.MultiGaussian(0.6, 0.2, 5.0, 0.9),
    ],
)
def test_each_of_its_surrogates_has_the_references_derivative(surrogate):
    z = np.linspace(-2.49, 2.49, 101)
    fire = braintrace.surrogate_of(surrogate.description())
    with jax.enable_x64(True):
        found = jax.grad(lambda values: fire(values).sum())(jnp.asarray(z))
    np.testing.assert_allclose(found, surrogate.derivative(z), rtol=1e-9, atol=1e-12)
    assert fire(jnp.zeros(1)) == 1


def test_far_above_the_threshold_the_derivative_of_its_sigmoid_is_rounded_to_0():
    """σ (1 - σ) cancels where σ is 1 but for less than a rounding; below the threshold it does not."""
    fire = braintrace.surrogate_of(ot.surrogate.Sigmoid(4.0).description())
    with jax.enable_x64(True):
        found = np.asarray(jax.grad(lambda values: fire(values).sum())(jnp.array([-10.0, 10.0])))
    expected = ot.surrogate.Sigmoid(4.0).derivative(np.array([-10.0, 10.0]))
    assert expected[1] == pytest.approx(1.7e-17, rel=0.01) and found[1] == 0
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)


def test_with_a_hard_reset_a_spike_clears_its_trace_and_not_ottts(by_name):
    """D_RTRL's trace decays by λ (1 - s[t]), as the membrane does, and OTTT's by λ."""
    case = by_name["dense-by-layer"]
    found = {name: np.asarray(value) for name, value in braintrace.run(case, "ottt").items()}
    off = {
        name: np.abs(found[name] - value).max() / np.abs(value).max() for name, value in case.gradients("ottt").items()
    }
    assert off.pop("layer2.weight") == pytest.approx(0.219, abs=1e-3)
    assert off.pop("layer2.bias") == pytest.approx(0.178, abs=1e-3)
    assert max(off.values()) < 1e-9
    errors, spikes, given = (case.arrays[name] for name in ("error/ottt/2", "spikes/2", "spikes/1"))
    trace, total = np.zeros((*errors.shape[1:], given.shape[2])), 0
    for t, error in enumerate(errors):
        kept = 0.3 * (1 - spikes[t - 1]) if t > 0 else np.zeros_like(spikes[0])
        trace = kept[:, :, None] * trace + given[t][:, None, :]
        total = total + (error[:, :, None] * trace).sum(axis=0)
    np.testing.assert_allclose(found["layer2.weight"], total, rtol=1e-9, atol=1e-12)


def test_with_the_reset_kept_its_trace_is_that_of_rtrl_and_not_ottts():
    """OTTT is D_RTRL only where the reset is cut off from the gradient."""
    case = one_layer(recurrent=False)
    kept, ottt = (np.asarray(braintrace.adapter(case, method)["layer0.weight"]) for method in ("rtrl-kept", "ottt"))
    assert np.abs(kept - ottt).max() == pytest.approx(0.29 * np.abs(ottt).max(), rel=0.01)
