"""What is said of time steps, against torch: masked losses, truncated BPTT over chunks, gradients at the inputs."""

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.conformance.files import make_cases

torch = pytest.importorskip("torch")
graph = pytest.importorskip("ottt_ref.conformance.peers.graph")
pytorch = pytest.importorskip("ottt_ref.conformance.peers.pytorch")

pytestmark = pytest.mark.slow
CASES = (
    "dense",
    "recurrent",
    "feedback",
    "loops",
    "dense-hard",
    "dense-unleaked",
    "dense-leaky-readout",
    "conv-pooled",
)
TOLERANCE = 1e-9  # the kit's in double precision, of the largest number of an array
STEPS = np.arange(6)


def case_of(name):
    (case,) = make_cases([name])
    return case


def assert_near(got, wanted):
    assert np.abs(wanted).max() > 0
    np.testing.assert_allclose(got, wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())


def losses_of(case, outputs, targets):
    """ℓ of each sample [B] by torch's own losses, of outputs [B, C] and labels [B]: the mixture of the default loss."""
    rows = torch.nn.functional.one_hot(targets, outputs.shape[1]).to(outputs.dtype)
    cross = torch.nn.functional.cross_entropy(outputs, targets, reduction="none")
    squared = torch.nn.functional.mse_loss(outputs, rows, reduction="none").mean(dim=1)
    return 0.95 * cross + 0.05 * squared


def torch_gradients(case, made, total):
    for parameter in made.by_name.values():
        parameter.grad = None
    total.backward()
    return graph.gradients(case, made.by_name)


def detach(made):
    """Cut everything off that the next time step would see of this one."""
    for neuron in made.neurons:
        neuron.detach()
    made._past = [{l: output.detach() for l, output in of_step.items()} for of_step in made._past]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kept", [False, True])
def test_truncated_bptt_over_chunks_is_torchs(name, kept):
    """The state is carried and detached at the borders; 1/T is the whole sequence's, and so is the mask."""
    case = case_of(name)
    labels = np.random.default_rng(0).integers(0, case.network.output_size, case.inputs.shape[:2])
    weights = np.random.default_rng(1).random(labels.shape)
    made = graph.Graph(case, pytorch.neurons_of(case, kept))
    options = {"reset_gradient": "kept" if kept else "detached", "time_steps": len(labels)}
    state = None
    for first, last in ((0, 2), (2, 3), (3, 6)):
        total = sum(
            (
                torch.tensor(weights[t]) * losses_of(case, made(torch.tensor(case.inputs[t])), torch.tensor(labels[t]))
            ).mean()
            for t in range(first, last)
        )
        wanted = torch_gradients(case, made, total / len(labels))
        detach(made)
        part = slice(first, last)
        data = (case.network, case.inputs[part], labels[part], case.loss)
        got = ot.bptt.gradients(*data, weights=weights[part], initial_state=state, **options)
        state = got.final_state
        assert abs(got.loss - total.item() / len(labels)) < TOLERANCE
        for parameter, value in wanted.items():
            assert_near(got[parameter], value)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("weights", ["mask", "last"])
def test_masked_losses_and_gradients_at_the_inputs_are_torchs(name, weights):
    case = case_of(name)
    batch = case.inputs.shape[1]
    mask = STEPS[:, np.newaxis] < np.array([2, 5, 6, 3])[:batch] if weights == "mask" else STEPS[:, np.newaxis] == 5
    mask = np.broadcast_to(mask, (6, batch)).astype(float)
    made = graph.Graph(case, pytorch.neurons_of(case))
    inputs = torch.tensor(case.inputs, requires_grad=True)
    targets = torch.tensor(case.targets)
    total = sum((torch.tensor(mask[t]) * losses_of(case, made(inputs[t]), targets)).mean() for t in range(6)) / 6
    wanted = torch_gradients(case, made, total)
    given = mask if weights == "mask" else "last"
    got = ot.bptt.gradients(case.network, case.inputs, case.targets, case.loss, weights=given, input_gradients=True)
    assert abs(got.loss - total.item()) < TOLERANCE
    assert_near(got.input_gradients, inputs.grad.numpy())
    for parameter, value in wanted.items():
        if np.any(value):
            assert_near(got[parameter], value)
        else:
            assert not np.any(got[parameter])


@pytest.mark.parametrize("name", ("dense", "recurrent", "feedback"))
@pytest.mark.parametrize("target", [None, 0.25])
@pytest.mark.parametrize("of", ["steps", "average"])
def test_a_price_of_firing_is_torchs(name, target, of):
    """Σ_t mean(s[t]) / T, or the squared distance of the spikes or of the rates to the target."""
    case = case_of(name)
    made = graph.Graph(case, pytorch.neurons_of(case))
    inputs, targets, total = torch.tensor(case.inputs), torch.tensor(case.targets), 0
    for t in range(6):
        total = total + losses_of(case, made(inputs[t]), targets).mean() / 6
    price = 0
    for l in case.network.spiking:
        spikes = torch.stack([row[l] for row in made.outputs])
        counted = spikes if of == "steps" else spikes.mean(dim=0)
        price = price + 0.5 * (counted if target is None else (counted - target) ** 2).mean()
    wanted = torch_gradients(case, made, total + price)
    regulariser = ot.losses.FiringRate(0.5, target, of)
    got = ot.bptt.gradients(case.network, case.inputs, case.targets, case.loss, regulariser=regulariser)
    assert abs(got.regularisation - price.item()) < TOLERANCE
    assert abs(got.loss - (total + price).item()) < TOLERANCE
    for parameter, value in wanted.items():
        assert_near(got[parameter], value)


def one_layer_of_spikes(steps=5, batch=3, neurons=4):
    """Spikes [T, B, n] of torch."""
    return torch.tensor((np.random.default_rng(0).random((steps, batch, neurons)) < 0.4).astype(float))


def test_torchs_ignored_targets_are_left_out_of_the_mean():
    """Where the reference divides by all samples, whatever their weights are."""
    outputs = torch.tensor(np.random.default_rng(0).normal(size=(4, 3)))
    labels = np.array([0, 2, 1, 1])
    ignoring = torch.tensor(np.where([True, False, True, False], labels, -100))
    by_torch = torch.nn.functional.cross_entropy(outputs, ignoring)
    network, loss = ot.dense_network([2, 4, 3], rng=0), ot.losses.CrossEntropy()
    rows = ot.losses.require_targets(loss, labels, 4, network)
    mask = ot.losses.require_sample_weights([True, False, True, False], 4, network)
    ours = ot.losses.step_loss(loss, outputs.numpy(), rows, 1, mask)[0]
    assert ours == pytest.approx(by_torch.item() * 2 / 4, rel=1e-12)


def test_snntorchs_loss_at_each_step_is_the_references():
    """ce_rate_loss: the cross-entropy of each time step's outputs, divided by T."""
    functional = pytest.importorskip("snntorch.functional")
    outputs, labels = one_layer_of_spikes(), np.array([0, 3, 1])
    network, loss = ot.dense_network([2, 4, 4], rng=0), ot.losses.CrossEntropy()
    rows = ot.losses.require_targets(loss, labels, 3, network)
    wanted = functional.ce_rate_loss()(outputs.float(), torch.tensor(labels)).item()
    assert ot.losses.sequence_loss(loss, outputs.numpy(), rows)[0] == pytest.approx(wanted, rel=1e-6)


def test_snntorchs_price_of_firing_is_a_sum_and_not_a_mean():
    """l1_rate_sparsity(Λ) is Λ times all spikes: FiringRate(Λ T B n), of one layer."""
    functional = pytest.importorskip("snntorch.functional")
    spikes = one_layer_of_spikes()
    steps, batch, neurons = spikes.shape
    theirs = functional.l1_rate_sparsity(0.01)(spikes).item()
    regulariser = ot.losses.FiringRate(0.01 * steps * batch * neurons)
    ours = sum(regulariser.evaluate(row.numpy())[0].mean() for row in spikes) / steps
    assert theirs > 0 and ours == pytest.approx(theirs, rel=1e-12)


def test_spikingjellys_neurons_keep_their_state_until_they_are_reset():
    """And detach_net cuts it off from what it was computed from: chunks are truncated BPTT."""
    functional = pytest.importorskip("spikingjelly.activation_based.functional")
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    node = neuron.LIFNode(tau=2.0, decay_input=False, v_reset=None, detach_reset=True)
    inputs = torch.full((1, 1), 0.75, requires_grad=True)
    first = node(inputs)
    kept = node.v.clone()
    functional.detach_net(node)
    assert torch.equal(node.v, kept) and not node.v.requires_grad
    second = node(inputs.detach())
    assert (first.item(), second.item()) == (0.0, 1.0)
    functional.reset_net(node)
    assert node(inputs.detach()).item() == 0.0


def test_snntorchs_potential_is_carried_by_whoever_calls_it():
    snntorch = pytest.importorskip("snntorch")
    neuron = snntorch.Leaky(beta=0.5)
    current = torch.full((1, 1), 0.75)
    _, potential = neuron(current, torch.zeros(1, 1))
    spike, _ = neuron(current, potential.detach())
    fresh, _ = neuron(current, torch.zeros(1, 1))
    assert (spike.item(), fresh.item()) == (1.0, 0.0)
