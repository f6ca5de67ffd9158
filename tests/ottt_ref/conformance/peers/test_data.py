"""Tensors of torch as inputs and labels; elsewhere, which axis is time, and what spikes may be made of."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import ottt_ref as ot


def network(dtype=np.float64):
    return ot.dense_network([3, 4, 2], rng=0, dtype=dtype)


def spikes():
    return torch.from_numpy(np.random.default_rng(3).integers(0, 2, (4, 2, 3)))


LABELS = torch.tensor([0, 1])
WHOLE = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


@pytest.mark.parametrize("dtype", [*WHOLE, torch.float64], ids=str)
def test_a_tensor_on_the_cpu_is_taken_as_the_array_that_it_is(dtype):
    inputs = spikes().to(dtype)
    before = inputs.clone()
    found = ot.ottt.gradients(network(), inputs, LABELS)
    expected = ot.ottt.gradients(network(), spikes().numpy().astype(float), LABELS.numpy())
    assert all(np.array_equal(found[name], expected[name]) for name in expected) and torch.equal(inputs, before)
    learner = ot.ottt.OnlineLearner(network(), ot.training.SGD(0.1))
    assert [learner.step(inputs[t], LABELS)[1].shape for t in range(4)] == 4 * [(2, 2)]


def test_a_tensor_shares_its_memory():
    inputs = spikes().to(torch.float64)
    assert np.shares_memory(ot.simulate(network(), inputs).inputs, inputs.numpy())


def test_a_tensor_with_a_gradient_or_on_another_device_is_refused_with_what_to_do():
    inputs = spikes().to(torch.float64).requires_grad_()
    with pytest.raises(TypeError, match=r"inputs must be an array, got a Tensor that requires a gradient: inputs\.de"):
        ot.simulate(network(), inputs)
    elsewhere = torch.zeros((4, 2, 3), dtype=torch.float64, device="meta")
    with pytest.raises(
        TypeError, match=r"inputs must be an array, got a Tensor on the device meta: inputs\.detach\(\)"
    ):
        ot.simulate(network(), elsewhere)
    assert ot.simulate(network(), inputs.detach().cpu()).time_steps == 4


def test_tensors_of_other_floats_are_refused():
    with pytest.raises(TypeError, match=r"got float32: np.asarray\(...\).astype\(np.float64\) converts"):
        ot.simulate(network(), spikes().to(torch.float32))
    with pytest.raises(TypeError, match=r"inputs must be an array, got Tensor: .*BFloat16"):
        ot.simulate(network(), spikes().to(torch.bfloat16))


def test_batch_first_tensors_of_torch_enter_by_swapaxes():
    batch_first = spikes().swapaxes(0, 1)
    assert np.array_equal(
        ot.simulate(network(), batch_first.swapaxes(0, 1)).outputs, ot.simulate(network(), spikes()).outputs
    )


def test_torch_has_time_first_unless_it_is_told_otherwise():
    cell = torch.nn.RNN(3, 4)
    outputs, _ = cell(torch.zeros((6, 2, 3)))
    _, last = torch.nn.RNN(3, 4, batch_first=True)(torch.zeros((2, 6, 3)))
    assert outputs.shape == (6, 2, 4) and not cell.batch_first and last.shape == (1, 2, 4)


@pytest.mark.parametrize("dtype", WHOLE, ids=str)
def test_torchs_linear_layer_refuses_whole_numbers(dtype):
    with pytest.raises(RuntimeError, match=r"same dtype|mat1 and mat2|not implemented"):
        torch.nn.Linear(3, 2)(spikes()[0].to(dtype))


def test_spikingjelly_has_time_first():
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    node = neuron.LIFNode(step_mode="m")
    by_sequence = node(torch.full((4, 2, 3), 1.5))
    node.reset()
    node.step_mode = "s"
    by_step = torch.stack([node(torch.full((2, 3), 1.5)) for _ in range(4)])
    assert torch.equal(by_sequence, by_step) and by_step.unique().tolist() == [0, 1]


def test_snntorch_is_given_one_time_step_at_a_time():
    snntorch = pytest.importorskip("snntorch")
    neuron = snntorch.Leaky(beta=0.5)
    memory = neuron.init_leaky()
    rows = []
    for current in torch.full((4, 2, 3), 0.75):  # [B, n]: the loop over time is the user's
        spike, memory = neuron(current, memory)
        rows.append(spike)
    assert torch.stack(rows)[:, 0, 0].tolist() == [0, 1, 0, 0]
