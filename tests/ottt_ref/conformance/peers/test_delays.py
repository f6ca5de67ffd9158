"""Delays and stages without spikes in other frameworks: what they are called there, and what they compute."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import ottt_ref as ot

STEPS, BATCH = 8, 3
LABELS = np.array([0, 1, 1])
LOSS = ot.losses.CrossEntropy()


def drawn(*shapes):
    rng = np.random.default_rng(0)
    return 2 * rng.random((STEPS, BATCH, 3)), *(rng.normal(0.4, 1, shape) for shape in shapes)


def linear(weight):
    module = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False, dtype=torch.float64)
    module.weight.data[...] = torch.tensor(weight)
    return module


def step_loss(outputs):
    return torch.nn.functional.cross_entropy(outputs, torch.tensor(LABELS)) / STEPS


def delayed_in_spikingjelly(delay):
    """The same network twice: ours, and one of SpikingJelly's neurons and its Delay."""
    pytest.importorskip("spikingjelly")
    from spikingjelly.activation_based import layer, neuron, surrogate

    inputs, first, second = drawn((4, 3), (2, 4))
    layers = [
        ot.Layer(ot.Dense(first, False), ot.LIF()),
        ot.Layer(ot.Dense(second, False), ot.Integrator(), delay=delay),
    ]
    options = {"decay_input": False, "v_reset": None, "detach_reset": True}
    node = neuron.LIFNode(tau=2.0, surrogate_function=surrogate.Sigmoid(4.0), **options)
    modules = [linear(first), node, layer.Delay(delay), linear(second)]
    return ot.Network(layers), inputs, modules, torch.nn.Sequential(*modules)


@pytest.mark.parametrize("delay", [1, 2])
def test_a_delay_of_spikingjelly_is_the_delay_of_a_layer(delay):
    network, inputs, modules, model = delayed_in_spikingjelly(delay)
    outputs = [model(torch.tensor(x)) for x in inputs]
    sum(step_loss(each) for each in outputs).backward()
    activity, found = ot.simulate(network, inputs), ot.bptt.gradients(network, inputs, LABELS, LOSS)
    assert 0 < activity.spikes[0][:-delay].mean() < 1
    np.testing.assert_allclose(torch.stack(outputs).detach(), activity.outputs, rtol=0, atol=1e-14)  # sums of order 1
    for module, name in ((modules[0], "layer0.weight"), (modules[3], "readout.weight")):
        np.testing.assert_allclose(module.weight.grad, found[name], rtol=1e-9, atol=1e-14)


def test_what_comes_late_through_a_delay_of_spikingjelly_belongs_to_when_it_was_sent():
    """Its `detach_net` cuts the neurons off from the step before, and leaves what waits in a Delay: that is SLTT."""
    network, inputs, modules, model = delayed_in_spikingjelly(2)
    from spikingjelly.activation_based.functional import net_config

    for x in inputs:
        step_loss(model(torch.tensor(x))).backward()
        net_config.detach_net(model)
    found, bptt = (method.gradients(network, inputs, LABELS, LOSS) for method in (ot.sltt, ot.bptt))
    np.testing.assert_allclose(modules[0].weight.grad, found["layer0.weight"], rtol=1e-9, atol=1e-14)
    assert not np.allclose(found["layer0.weight"], bptt["layer0.weight"])


def test_snntorchs_leaky_without_a_reset_is_a_leaky_stage():
    """Its potential is passed on; what it calls its spikes is not used."""
    snntorch = pytest.importorskip("snntorch")
    inputs, first, second, third = drawn((4, 3), (4, 4), (2, 4))
    layers = [
        ot.Layer(ot.Dense(0.3 * first, False), ot.Integrator(0.75)),
        ot.Layer(ot.Dense(second, False), ot.LIF(0.5, reset="unleaked")),
        ot.Layer(ot.Dense(third, False), ot.Integrator()),
    ]
    beta = {name: torch.tensor(value, dtype=torch.float64) for name, value in (("stage", 0.75), ("neurons", 0.5))}
    stage = snntorch.Leaky(beta["stage"], reset_mechanism="none")
    neurons = snntorch.Leaky(beta["neurons"], torch.ones(1, dtype=torch.float64), reset_mechanism="subtract")
    network, modules = ot.Network(layers), [linear(0.3 * first), linear(second), linear(third)]
    activity = ot.simulate(network, inputs)
    assert 0 < activity.spikes[0].mean() < 1 and np.abs(activity.potentials[0] - 1).min() > 1e-6
    for t, x in enumerate(inputs):
        _, potential = stage(modules[0](torch.tensor(x)))
        spikes, _ = neurons(modules[1](potential))
        outputs = modules[2](spikes.to(torch.float64))
        np.testing.assert_allclose(potential.detach(), activity.layer_outputs[0][t], rtol=0, atol=1e-13)
        np.testing.assert_allclose(outputs.detach(), activity.outputs[t], rtol=0, atol=1e-13)
