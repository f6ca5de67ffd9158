"""A network owns its parameters: nothing is shared by accident, and one object stands in one place."""

from dataclasses import dataclass, field

import numpy as np
import pytest

import ottt_ref as ot

from .helpers import bits
from .network.test_outside_neurons import network_of


def lif_layer(weight, recurrent=None):
    return ot.Layer(ot.Dense(weight), ot.LIF(), recurrent)


def learn(network, steps=3):
    optimizer = ot.training.SGD(0.5)
    for _ in range(steps):
        optimizer.step(network.parameters, {name: np.ones_like(value) for name, value in network.parameters.items()})


def every_kind_of_connection():
    """Layers, feedback and skips with parameters in each kind of place: chains, standardised ones, loops."""
    rng = np.random.default_rng(0)
    first = ot.Layer([ot.SkipInit(np.ones(1)), ot.Dense(rng.normal(size=(3, 2)))], ot.LIF(), ot.Dense(0.1 * np.eye(3)))
    second = ot.Layer(ot.WeightStandardised(ot.Dense(rng.normal(size=(2, 3)))), ot.LIF())
    feedback = [ot.Feedback(1, 0, ot.Dense(rng.normal(size=(3, 2))))]
    return [first, second], feedback, [ot.Skip(-1, 1, ot.Dense(rng.normal(size=(2, 2))))]


def arrays_of(layers, feedback, skips):
    operations = [op for layer in layers for op in (layer.synapses, layer.recurrent) if op is not None]
    operations += [each.operations for each in (*feedback, *skips)]
    return {f"{k}.{name}": array for k, op in enumerate(operations) for name, array in op.parameters.items()}


def test_two_networks_from_one_list_of_layers_are_independent():
    layers, feedback, skips = every_kind_of_connection()
    given = bits(arrays_of(layers, feedback, skips))
    first, second = (ot.Network(layers, input_shape=(2,), feedback=feedback, skips=skips) for _ in range(2))
    before = bits(second.parameters)
    learn(first)
    changed = [name for name in first.parameters if bits(first.parameters)[name] != before[name]]
    assert changed == list(first.parameters)
    assert bits(second.parameters) == before and bits(arrays_of(layers, feedback, skips)) == given
    third = ot.Network(layers, input_shape=(2,), feedback=feedback, skips=skips)
    learn(third)  # a second fold starts where the first one started
    assert bits(third.parameters) == bits(first.parameters)


def test_the_array_that_was_given_stays_and_changes_nothing():
    weight = np.eye(2)
    network = ot.Network([lif_layer(weight)])
    learn(network)
    assert np.array_equal(weight, np.eye(2)) and not np.array_equal(network.parameters["layer0.weight"], weight)
    before = bits(network.parameters)
    weight[...] = 9
    assert bits(network.parameters) == before


def test_neurons_with_parameters_are_copied_too():
    network, *_ = network_of("learned")
    twin = ot.Network(network.layers, feedback=network.feedback, skips=network.skips)
    before = bits(twin.parameters)
    for key in network.parameters:
        network.parameters[key][...] += 0.0625
    assert bits(twin.parameters) == before


def test_mapped_networks_share_nothing_and_masked_ones_all():
    layers, feedback, skips = every_kind_of_connection()
    network = ot.Network(layers, input_shape=(2,), feedback=feedback, skips=skips)
    mapped, masked = network.mapped(), network.with_dropout(2, 0)
    for name, array in network.parameters.items():
        assert not np.shares_memory(mapped.parameters[name], array)
        assert masked.parameters[name] is array and masked.without_dropout().parameters[name] is array


D = ot.Dense(np.eye(2))
L = ot.Layer(D, ot.LIF())
TWICE = {
    "two layers": (
        lambda: ot.Network([L, ot.Layer(D, ot.LIF())]),
        r"layers\[1\].synapses .* layers\[0\].synapses.* Dense",
    ),
    "one layer twice": (lambda: ot.Network([L] * 2), r"layers\[1\] must be another object than layers\[0\], .* Layer"),
    "a loop": (lambda: ot.Network([ot.Layer(D, ot.LIF(), D)]), r"layers\[0\].recurrent .* layers\[0\].synapses"),
    "in a chain": (
        lambda: ot.Network([L, ot.Layer([ot.Scale(2.0), D], ot.LIF())]),
        r"layers\[1\].synapses.operations\[1\] must be another object than layers\[0\].synapses",
    ),
    "inside of another": (
        lambda: ot.Network([L, ot.Layer(ot.WeightStandardised(D), ot.LIF())]),
        r"layers\[1\].synapses.synapses must be another object than layers\[0\].synapses",
    ),
    "feedback": (
        lambda: ot.Network([lif_layer(np.eye(2)), L], feedback=[ot.Feedback(1, 0, D)]),
        r"feedback\[0\].operations must be another object than layers\[1\].synapses",
    ),
    "a skip": (
        lambda: ot.Network([L, lif_layer(np.eye(2))], skips=[ot.Skip(-1, 1, D)]),
        r"skips\[0\].operations must be another object than layers\[0\].synapses",
    ),
    "mapped": (
        lambda: ot.Network([L, lif_layer(np.eye(2))]).mapped(lambda connection: D),
        r"layers\[1\].synapses must be another object",
    ),
}


@pytest.mark.parametrize("name", TWICE)
def test_one_object_in_two_places_is_refused_by_both_names(name):
    make, complaint = TWICE[name]
    with pytest.raises(ValueError, match=rf"{complaint}.*: pass a copy, \w+\.copy\(\)"):
        make()


def test_neurons_with_parameters_in_two_layers_are_refused():
    network, *_ = network_of("learned", loops=False)
    neuron = network.layers[0].neuron
    shape = network.shapes[0]
    layers = [ot.Layer(ot.Dense(np.ones((shape[0], size))), neuron) for size in (3, shape[0])]
    with pytest.raises(ValueError, match=r"layers\[1\].neuron must be another object than layers\[0\].neuron"):
        ot.Network(layers)
    layers[1] = ot.Layer(layers[1].synapses, neuron.copy())
    assert len(ot.Network(layers).neuron_parameters) == 2 * len(neuron.parameter_names)


def test_a_copy_is_another_object_with_equal_numbers():
    layers, _, _ = every_kind_of_connection()
    network = ot.Network([layers[0], lif_layer(np.eye(3)), lif_layer(np.eye(3)).copy()], input_shape=(2,))
    assert len(network.layers) == 3
    twin = layers[0].copy()
    assert twin.neuron == layers[0].neuron
    assert bits(twin.synapses.parameters) == bits(layers[0].synapses.parameters)
    assert not any(
        np.shares_memory(array, twin.synapses.parameters[name]) for name, array in layers[0].synapses.parameters.items()
    )


def test_what_has_no_parameters_may_stand_in_several_places():
    scale, drop, neuron = ot.Scale(2.0), ot.Dropout(0.5), ot.LIF()
    layers = [ot.Layer([drop, scale, ot.Dense(np.eye(2))], neuron) for _ in range(2)]
    masked = ot.Network(layers, input_shape=(2,)).with_dropout(64, 0)
    first, second = (layer.synapses.operations[0].mask for layer in masked.layers)
    assert not np.array_equal(first, second)  # each place has masks of its own


class Half(ot.Operation):
    """Its parameter is a property, whose array lies elsewhere."""

    parameter_names = ("half",)

    def __init__(self, array):
        self.hidden = [array]

    half = property(lambda self: self.hidden[0])

    def forward(self, values, bias_input):
        return self.half * values

    def adjoint(self, error, input_shape):
        return self.half * error

    def add_gradients(self, gradients, error, presynaptic, bias_input):
        gradients["half"] += (error * presynaptic).sum(axis=0)


class CopiedHalf(Half):
    def copy(self):
        return CopiedHalf(self.half.copy())


def test_an_array_that_cannot_be_copied_is_refused_and_a_copy_of_ones_own_is_used():
    with pytest.raises(TypeError, match=r"Half.half must be an attribute that can be set, or Half must define copy"):
        ot.Network([ot.Layer(Half(np.ones(2)), ot.LIF())], input_shape=(2,))
    array = np.ones(2)
    network = ot.Network([ot.Layer(CopiedHalf(array), ot.LIF())], input_shape=(2,))
    assert not np.shares_memory(network.parameters["layer0.half"], array)


@dataclass(frozen=True, eq=False)
class Fixed(ot.Neuron):
    """Thresholds of each neuron that are not learned."""

    thresholds: np.ndarray
    decay: float = 0.5
    learned: np.ndarray = field(default_factory=lambda: np.zeros(2))
    parameter_names = ("learned",)

    def step(self, state, output, current, soft=False):
        state[0][...] = self.decay * state[0] + current + self.learned
        output[...] = state[0] >= self.thresholds

    def surrogate_derivative(self, state):
        return ot.surrogate.Triangle().derivative(state[0] - self.thresholds)

    def parameter_derivatives(self, name, previous_state, previous_output, state):
        return (1.0,), 0


def test_every_array_of_a_neuron_with_parameters_is_the_networks_own():
    thresholds = np.ones(2)
    network = ot.Network([ot.Layer(ot.Dense(np.eye(2)), Fixed(thresholds))])
    thresholds[...] = 100
    assert np.array_equal(ot.simulate(network, np.ones((1, 1, 2))).spikes[0], np.ones((1, 1, 2)))


# Masks


def masked_case():
    layers = [
        ot.Layer([ot.Dropout(0.5), ot.Dense(np.eye(8))], ot.LIF()),
        ot.Layer(
            [ot.Scale(2.0), ot.Dropout(0.25), ot.Dense(np.eye(8))], ot.LIF(), [ot.Dropout(0.5), ot.Dense(np.eye(8))]
        ),
    ]
    return ot.Network(layers, input_shape=(8,))


def masks_of(network):
    chains = [c.operations.operations for c in network.connections]
    return [each.mask for chain in chains for each in chain if hasattr(each, "mask")]


def test_a_mask_is_drawn_anew_at_each_call_of_the_last_networks_too():
    network, rng = masked_case(), np.random.default_rng(0)
    plain = network
    drawn = []
    for batch_size in (4, 4, 3, 5):
        network = network.with_dropout(batch_size, rng)
        assert network.batch_size == batch_size
        drawn.append(masks_of(network))
        assert [mask.shape for mask in drawn[-1]] == [(batch_size, 8)] * 3
    assert not any(np.array_equal(*pair) for pair in zip(drawn[0], drawn[1]))
    rng = np.random.default_rng(0)  # and they are those that the plain network would have been given
    for masks, batch_size in zip(drawn, (4, 4, 3, 5)):
        again = masks_of(plain.with_dropout(batch_size, rng))
        assert all(np.array_equal(*pair) for pair in zip(masks, again))
    assert [sorted(set(mask.flat)) for mask in drawn[0]] == [[0, 2], [0, 4 / 3], [0, 2]]


def test_masks_are_taken_away_for_evaluation_and_files(tmp_path):
    network = masked_case()
    inputs = np.random.default_rng(1).random((3, 4, 8))
    masked = network.with_dropout(4, 0)
    plain = masked.without_dropout()
    assert plain.batch_size is None and network.without_dropout().batch_size is None
    assert np.array_equal(ot.simulate(plain, inputs).outputs, ot.simulate(network, inputs).outputs)
    assert not np.array_equal(ot.simulate(plain, inputs).potentials[0], ot.simulate(masked, inputs).potentials[0])
    plain.save(tmp_path / "network.npz")
    assert repr(ot.Network.load(tmp_path / "network.npz").layers) == repr(network.layers)


@pytest.mark.parametrize("change", [lambda n: n.copy(), lambda n: n.astype(np.float32), lambda n: n.mapped()])
def test_a_copy_with_masks_draws_anew_too(change):
    masked = masked_case().with_dropout(4, 0)
    changed = change(masked)
    assert all(np.allclose(*pair, rtol=1e-6) for pair in zip(masks_of(changed), masks_of(masked)))  # 4 / 3 is rounded
    again = changed.with_dropout(2, np.random.default_rng(0))
    expected = masked_case().with_dropout(2, np.random.default_rng(0))
    assert all(np.allclose(*pair, rtol=1e-6) for pair in zip(masks_of(again), masks_of(expected)))
    assert again.dtype == changed.dtype and changed.without_dropout().batch_size is None


def test_a_simulator_of_another_batch_than_the_masks_is_refused():
    with pytest.raises(ValueError, match="batch_size must be 4, that of the dropout masks, got 2"):
        ot.Simulator(masked_case().with_dropout(4, 0), 2)
