"""SpikingJelly agrees with the reference wherever it speaks of the same thing; where it does not is a fact here."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("spikingjelly")

import torch

import ottt_ref as ot
from ottt_ref.conformance.peers import graph, spikingjelly
from ottt_ref.conformance.traps import gradient_traps
from ottt_ref.conformance.variations import compute

from .dialects import cases_with, names, outcomes, share_of_spikes, with_leaky_readout, with_reset, without_features

OTHER_NEURONS = {
    "dense-decay-0": "λ = 0",
    "dense-triangle": "the surrogate Triangle",
    "dense-multigaussian": "the surrogate MultiGaussian",
    "dense-fastsigmoid": "the surrogate FastSigmoid",
    "dense-unleaked": "a reset that does not leak",
    "dense-unleaked-float32": "a reset that does not leak",
    "dense-by-layer": "a reset that does not leak",
    "dense-hard": "a hard reset to -0.2",
}
NO_ROW = {
    "dense-standardised",
    "recurrent",
    "recurrent-float32",
    "feedback",
    "loops",
    "skip",
    "conv-residual",
    "conv-feedback",
}
SEVERAL_DECAYS = {"dense-two-decays", "dense-leaky-stage"}
POOLED = {"conv-maxpool"}
OTTT = ("ottt-authors", "ottt-online-authors")


def test_every_case_passes_but_those_of_another_convention(cases):
    cases = without_features(cases)
    everything = {case.name for case in cases}
    found = outcomes(spikingjelly.adapter, cases)
    for method, verdicts in found.items():
        without = OTHER_NEURONS.keys() | (NO_ROW | SEVERAL_DECAYS | POOLED if method in OTTT else set())
        assert names(verdicts, "unsupported") == without, method
        assert names(verdicts, "passed") == everything - without, method
    for name, reason in OTHER_NEURONS.items():
        assert reason in found["forward"][name].reason
    assert {found[method][name].reason.split(":")[0] for method in OTTT for name in NO_ROW} == {
        "recurrent, feedback and skip connections"
    }
    assert {found[method][name].reason.split(":")[0] for method in OTTT for name in SEVERAL_DECAYS} == {
        "layers of several λ"
    }


@pytest.mark.parametrize("method", ["bptt", "bptt-kept", "ottt-authors", "sltt"])
def test_saturated_errors_are_rounded_to_0(by_name, method):
    """σ (1 - σ) is 0 where σ is 1 but for less than a rounding, and ψ is below 1e-44, which the kit takes for 0."""
    case = by_name["saturated"]
    found = spikingjelly.adapter(case, method)
    assert 0 < np.abs(case.arrays["psi/0"]).max() < 1e-44 and 0 < np.abs(case.arrays["psi/1"]).max() < 1e-44
    for name, expected in case.gradients(method).items():
        if name.startswith("readout"):
            np.testing.assert_allclose(found[name], expected, rtol=1e-9)
        else:
            assert not np.any(found[name]) and 0 < np.abs(expected).max() < 1e-44


@pytest.mark.parametrize(("change", "suffix"), [(with_reset("hard"), "hard"), (with_leaky_readout, "leaky")])
def test_every_case_passes_with_a_hard_reset_to_0_and_with_a_leaky_readout(change, suffix):
    surrogates = {"dense-decay-0", "dense-triangle", "dense-multigaussian", "dense-fastsigmoid", "dense-by-layer"}
    changed = cases_with(change, suffix, but=set(OTHER_NEURONS) if suffix == "leaky" else surrogates)
    found = outcomes(spikingjelly.adapter, changed)
    for method, verdicts in found.items():
        without = {f"{name}-{suffix}" for name in NO_ROW | SEVERAL_DECAYS | POOLED} if method in OTTT else set()
        assert names(verdicts, "passed") == {case.name for case in changed} - without, method
        assert names(verdicts, "unsupported") == without


@pytest.mark.parametrize(
    ("method", "reason"),
    [("ottt", "neither the inputs nor the biases"), ("ottt-online", "neither"), ("spike-representation", "the method")],
)
def test_what_it_does_not_have_is_unsupported(by_name, method, reason):
    with pytest.raises(NotImplementedError, match=reason):
        spikingjelly.adapter(by_name["dense"], method)


@pytest.mark.parametrize(
    ("name", "reason"), [("dense-per-neuron", "one number for a layer"), ("dense-two-leaks", "a current that leaks")]
)
def test_it_has_no_numbers_of_each_neuron(by_name, name, reason):
    with pytest.raises(NotImplementedError, match=reason):
        spikingjelly.adapter(by_name[name], "bptt")


def test_its_parametric_neuron_learns_one_decay_for_a_layer_by_a_sigmoid():
    """λ = 1 - σ(w), so that ∂/∂w is -λ (1 - λ) times the reference's gradient of λ."""
    surrogate = spikingjelly.surrogate.Sigmoid(alpha=4.0)
    node = spikingjelly.neuron.ParametricLIFNode(4.0, False, 1.0, None, surrogate, detach_reset=True).double()
    node.w.data.fill_(-np.log(3.0))  # it was made in single precision
    inputs = np.random.default_rng(0).normal(0.5, 0.5, (6, 1, 3))
    sum(node(torch.tensor(row)).sum() for row in inputs).backward()
    layer = ot.Layer(ot.Dense(np.eye(3)), ot.LIF(np.array([0.75]), trainable=("decay",)))
    network = ot.Network([layer])
    activity = ot.simulate(network, inputs)
    found = ot.bptt.backward(network, activity, np.ones_like(activity.outputs)).values["layer0.decay"]
    assert node.w.shape == () and 0 < activity.outputs.mean() < 1
    np.testing.assert_allclose(node.w.grad.item(), -0.75 * 0.25 * found[0], rtol=1e-9)


def test_its_ottt_is_the_authors_dialect_and_not_the_derivation(by_name):
    """Hidden weights and the readout are one in both; first weights and hidden biases are not."""
    case = by_name["dense"]
    found = spikingjelly.adapter(case, "ottt-authors")
    off = {
        name: np.abs(found[name] - value).max() / np.abs(value).max() for name, value in case.gradients("ottt").items()
    }
    assert off == pytest.approx(
        {
            "layer0.weight": 0.224,
            "layer0.bias": 0.267,
            "layer1.weight": 0,
            "layer1.bias": 0.463,
            "readout.weight": 0,
            "readout.bias": 0,
        },
        abs=1e-3,
    )


def test_a_trace_decays_with_the_neurons_that_send_it_and_not_with_those_that_take_it(by_name):
    """One where all layers have the same λ, as the authors' networks; the reference's enters membranes of their own."""
    case = by_name["dense-two-decays"]
    with pytest.raises(NotImplementedError, match="layers of several λ"):
        spikingjelly.adapter(case, "ottt-authors")
    found = spikingjelly.ottt(case, online=False)
    spikes, errors = case.arrays["spikes/0"], case.arrays["error/ottt-authors/1"]
    pairings = {decay: paired(errors, spikes, decay) for decay in (0.5, 0.9)}
    np.testing.assert_allclose(found["layer1.weight"], pairings[0.5], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(case.gradients("ottt-authors")["layer1.weight"], pairings[0.9], rtol=1e-9, atol=1e-12)
    largest = np.abs(pairings[0.9]).max()
    assert np.abs(pairings[0.5] - pairings[0.9]).max() == pytest.approx(0.4325 * largest, rel=5e-3)


def paired(errors, spikes, decay):
    """Σ_t Σ_b g[t] â[t]^T."""
    trace, total = np.zeros_like(spikes[0]), 0
    for error, row in zip(errors, spikes):
        trace = decay * trace + row
        total = total + error.T @ trace
    return total


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])  # its own operator is for float32 alone
@pytest.mark.parametrize(
    "surrogate",
    [
        ot.surrogate.Sigmoid(4.0),
        ot.surrogate.Sigmoid(10.0),
        ot.surrogate.Arctan(2.0),
        ot.surrogate.Triangle(1.0),
        ot.surrogate.Triangle(0.5, 2.0),
        ot.surrogate.Rectangle(1.0),
        ot.surrogate.Rectangle(2.0),
        ot.surrogate.FastSigmoid(3.0, 1.5),
        ot.surrogate.FastSigmoid(1.0, 2.0),
    ],
)
def test_each_of_its_surrogates_has_the_references_derivative(surrogate, dtype):
    """In its neurons, one step: ∂s/∂I = ψ(I - V_th)."""
    z = np.linspace(-2.49, 2.49, 101)
    current = torch.tensor(1 + z, dtype=dtype).requires_grad_()
    neuron = spikingjelly.neuron_of(ot.LIF(surrogate=surrogate).description(), spikingjelly.neuron.LIFNode)
    neuron(current[None]).sum().backward()
    expected = surrogate.derivative(z)
    np.testing.assert_allclose(current.grad, expected, atol=1e-12 if dtype == torch.float64 else 1e-5)
    assert np.any(expected > 0)


def test_its_ottt_pools_the_trace_and_not_the_spikes_before_it(by_name):
    """Max pooling runs for traces as for spikes: what the kit's trap of that name is, 18 % of the second weight."""
    case = by_name["conv-maxpool"]
    found, expected = spikingjelly.ottt(case, False), case.gradients("ottt-authors")
    trap = next(each for each in gradient_traps(case) if each.name == "trace-pooled")
    pooled = compute(case, "ottt-authors", trap)
    for name, gradient in expected.items():
        largest = np.abs(gradient).max()
        assert np.abs(found[name] - pooled[name]).max() < 1e-12 * largest, name
        if name == "layer1.weight":
            assert np.abs(found[name] - gradient).max() == pytest.approx(0.18 * largest, rel=0.03)
    with pytest.raises(NotImplementedError, match="max pooling: it pools the trace"):
        spikingjelly.adapter(case, "ottt-authors")


def test_its_two_fast_sigmoids_are_those_of_height_half_the_slope_and_of_slope_1():
    descriptions = [
        ot.surrogate.FastSigmoid(*numbers).description() for numbers in ((3.0, 1.5), (1.0, 2.0), (3.0, 1.0))
    ]
    found = [spikingjelly.surrogate_of(each) for each in descriptions[:2]]
    assert [(type(each).__name__, each.alpha) for each in found] == [("SoftSign", 3.0), ("SuperSpike", 2.0)]
    with pytest.raises(NotImplementedError, match="the surrogate FastSigmoid"):
        spikingjelly.surrogate_of(descriptions[2])


def test_a_spike_at_the_threshold_itself():
    for surrogate in (spikingjelly.surrogate.Sigmoid(), spikingjelly.surrogate.Rect()):
        assert spikingjelly.neuron.LIFNode(v_threshold=1.0, decay_input=False, surrogate_function=surrogate)(
            torch.ones(1, 1)
        ) == torch.ones(1, 1)


def forward(case, **options):
    """A case's forward pass of its LIFNodes, whatever their options."""
    nodes = [
        torch.nn.Identity()
        if each.stateless
        else spikingjelly.neuron.LIFNode(spikingjelly.tau_of(each.decay), v_threshold=each.threshold, **options)
        for each in (layer.neuron for layer in case.network.layers)
    ]
    return graph.forward(case, graph.Graph(case, nodes, spikingjelly.Layers()), lambda *_: None)


def test_its_default_neurons_let_the_input_leak_and_its_ottt_neurons_do_not(by_name):
    """u[0] = I / τ by default in LIFNode and SLTTLIFNode, I in OTTTLIFNode; and the resets differ as well."""
    kinds = (spikingjelly.neuron.LIFNode, spikingjelly.neuron.SLTTLIFNode, spikingjelly.neuron.OTTTLIFNode)
    potentials = []
    for kind in kinds:
        node = kind()
        node(torch.full((1, 1), 0.8))
        potentials.append(round(node.v.item(), 6))
    assert potentials == [0.4, 0.4, 0.8]
    assert [kind().v_reset for kind in kinds] == [0.0, 0.0, None]
    case = by_name["dense"]
    assert share_of_spikes(forward(case, v_reset=None), case) == pytest.approx([0.083, 0.225], abs=1e-3)


def test_a_hard_reset_leaks_towards_the_reset_potential_and_starts_from_it(by_name):
    """With v_reset = -0.2 and no input v stays at -0.2; the reference's u is 0 and stays there."""
    node = spikingjelly.neuron.LIFNode(2.0, decay_input=False, v_reset=-0.2)
    for _ in range(2):
        node(torch.zeros(1, 1, dtype=torch.float64))
    assert node.v.item() == pytest.approx(-0.2)
    case = by_name["dense-hard"]
    found = forward(case, decay_input=False, v_reset=-0.2)
    assert share_of_spikes(found, case) == pytest.approx([0.05, 0.033], abs=1e-3)


def test_its_synapse_filter_does_not_leak_at_an_input_of_1():
    """Its docstring calls it a LIF neuron with an infinite threshold, which would be at 1.5 after two inputs of 1."""
    filtered = spikingjelly.layer.SynapseFilter(tau=2.0)
    one = torch.ones(1)
    assert [filtered(one).item() for _ in range(2)] == [1.0, 2.0]
    membrane = spikingjelly.Membrane(0.5)
    assert [membrane(one[None]).item() for _ in range(2)] == [1.0, 1.5]


def test_tau_of_1_is_refused():
    with pytest.raises(AssertionError):
        spikingjelly.neuron.LIFNode(1.0)


def test_a_dropout_of_torch_in_its_ottt_row_masks_spikes_and_traces_differently():
    """Whatever has no parameters runs once on the spikes and once on the traces; its own Dropout keeps its mask."""

    def masks(dropout):
        torch.manual_seed(0)
        row = spikingjelly.layer.OTTTSequential(spikingjelly.neuron.OTTTLIFNode(), dropout)
        spikes, trace = row(torch.full((1, 1000), 2.0))
        return (spikes > 0), (trace > 0)

    spikes, trace = masks(torch.nn.Dropout(0.5))
    assert 400 < (spikes != trace).sum() < 600
    spikes, trace = masks(spikingjelly.layer.Dropout(0.5))
    assert torch.equal(spikes, trace) and 400 < spikes.sum() < 600


def test_the_adapter_uses_its_layers_and_neurons(by_name):
    case = by_name["conv-standardised"]
    neurons = spikingjelly.neurons_of(case, spikingjelly.neuron.LIFNode)
    modules = list(graph.Graph(case, neurons, spikingjelly.Layers()).modules())
    for kind in (spikingjelly.layer.WSConv2d, spikingjelly.layer.Flatten, spikingjelly.neuron.LIFNode):
        assert any(type(module) is kind for module in modules)


def test_standardised_dense_weights_are_its_own_layers():
    synapses = ot.WeightStandardised(ot.Dense(np.arange(6.0).reshape(2, 3)))
    module = spikingjelly.Layers().module(synapses).double()
    with torch.no_grad():
        module.weight.copy_(torch.arange(6.0).reshape(2, 3))
    assert type(module) is spikingjelly.layer.WSLinear
    np.testing.assert_allclose(module.get_weight().detach(), synapses.weight, rtol=1e-12)
