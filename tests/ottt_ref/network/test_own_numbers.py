"""Decays and thresholds of each neuron or channel, fixed or learned: every method, in floats and over fractions."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.files import storage
from ottt_ref.network.own_numbers import SMALLEST_THRESHOLD
from ottt_ref.network.per_neuron import Groups, add_parameter_gradient, by_neuron, entries, fitting_shapes, spread
from ottt_ref.simulation.simulator import run

from ...selection import slow
from ..helpers import RESETS, eighths

TRIANGLE = ot.surrogate.Triangle(width=2.0, height=0.5)
LOSS = ot.losses.MeanSquaredError()
BOTH = ("decay", "threshold")


def numbers(rng, shape):
    """Decays and thresholds of that shape, eighths, no two decays alike where there are few."""
    decays = np.array([0.5, 0.25, 0.75, 0.125, 0.875, 0.375])
    count = int(np.prod(shape))
    return {"decay": np.resize(decays, count).reshape(shape), "threshold": eighths(rng, 0.5, 1.25, shape)}


def dense(rng, own, *, trainable=BOTH, reset="soft", readout=None, loop=False, cuba=False):
    """Two layers of 4 and 3 neurons with `own` numbers of each, and a leaky readout of two."""
    layers = []
    for n_in, n_out in ((3, 4), (4, 3)):
        shape, kind, more, learned = (n_out,) if own == "neuron" else (1,), ot.LIF, {}, trainable
        if cuba:
            kind, more = ot.CubaLIF, {"current_decay": eighths(rng, 0.125, 0.75, shape)}
            learned = (*trainable, "current_decay") if trainable == BOTH else trainable
        neuron = kind(
            **numbers(rng, shape),
            **more,
            reset=reset,
            surrogate=TRIANGLE,
            reset_potential=eighths(rng, -0.5, 0.25, n_out),
            trainable=learned,
        )
        synapses = ot.Dense(eighths(rng, -0.5, 1.5, (n_out, n_in)), eighths(rng, 0, 0.25, n_out))
        layers.append(ot.Layer(synapses, neuron, ot.Dense(eighths(rng, -0.5, 0.5, (n_out, n_out))) if loop else None))
    readout = ot.Integrator(np.array([0.5, 0.25]), ("decay",) if trainable else ()) if readout is None else readout
    return ot.Network([*layers, ot.Layer(ot.Dense(eighths(rng, -1, 1, (2, 3))), readout)])


def convolutional(rng, own, *, trainable=BOTH, reset="soft"):
    """Two convolutions with numbers of each channel or neuron, and a stateless readout."""
    layers = []
    for c_in, c_out, shape, stride in ((1, 2, (2, 3, 3), 1), (2, 2, (2, 2, 2), 2)):
        neuron = ot.LIF(
            **numbers(rng, shape[:1] if own == "channel" else shape),
            reset=reset,
            surrogate=TRIANGLE,
            trainable=trainable,
        )
        kernel = eighths(rng, -0.25, 1, (c_out, c_in, 3, 3))
        layers.append(ot.Layer(ot.Conv2d(kernel, eighths(rng, 0, 0.25, c_out), stride=stride, padding=1), neuron))
    readout = ot.Layer([ot.Flatten(), ot.Dense(eighths(rng, -1, 1, (2, 8)))], ot.Integrator())
    return ot.Network([*layers, readout], input_shape=(1, 3, 3))


KINDS = {
    "neuron": lambda rng, **options: dense(rng, "neuron", **options),
    "layer": lambda rng, **options: dense(rng, "layer", **options),
    "loop": lambda rng, **options: dense(rng, "neuron", loop=True, **options),
    "cuba": lambda rng, **options: dense(rng, "neuron", cuba=True, **options),
    "cuba layer": lambda rng, **options: dense(rng, "layer", cuba=True, loop=True, **options),
    "channel": lambda rng, **options: convolutional(rng, "channel", **options),
    "pixel": lambda rng, **options: convolutional(rng, "pixel", **options),
}
SLOW = ["channel", "pixel", "loop", "cuba layer"]


def case(kind, time_steps=4, batch_size=2, **options):
    """A network of that kind, inputs and targets, in which every layer fires now and then."""
    for seed in range(100):
        rng = np.random.default_rng([seed, *kind.encode()])
        network = KINDS[kind](rng, **options)
        inputs = eighths(rng, 0, 1, (time_steps, batch_size, *network.input_shape))
        if all(0.1 < spikes[:-1].mean() < 0.9 for spikes in ot.simulate(network, inputs).spikes):
            return network, inputs, np.eye(2)[:batch_size]
    raise AssertionError(f"no live network of the kind {kind}")


def exact(network, inputs, targets):
    return network.exact(), ot.exact_array(inputs), ot.exact_array(targets), LOSS


def with_neuron(network, l, neuron):
    """The network with other neurons in layer l."""
    return network.mapped(neuron_of=lambda k, each: neuron if k == l else each)


def own_names(network):
    return [name for _, _, name in network.neuron_parameters]


# what the arrays mean


def test_arrays_fit_a_layer_a_channel_or_a_neuron():
    assert fitting_shapes((2, 3, 4)) == ((1,), (2,), (2, 3, 4)) and fitting_shapes((1,)) == ((1,),)
    channels = np.array([5.0, 7.0])
    assert by_neuron(channels, (2, 1, 3), np.dtype(float)).tolist() == [5, 5, 5, 7, 7, 7]
    assert spread(np.array([5.0]), (2, 3)) == 5.0 and spread(3, (2,)) == 3
    assert entries((2, 1, 3), (2, 1, 3)).tolist() == list(range(6)) and entries((1,), (3,)).tolist() == [0, 0, 0]
    gradient = np.array([1.0, 2.0])
    add_parameter_gradient(gradient, np.arange(12.0).reshape(2, 2, 1, 3), (2, 1, 3))
    assert gradient.tolist() == [1 + 0 + 1 + 2 + 6 + 7 + 8, 2 + 3 + 4 + 5 + 9 + 10 + 11]


def test_groups_are_of_equal_decays_and_of_each_entry_of_a_learned_one():
    fixed = ot.LIF(decay=np.array([0.5, 0.25, 0.5]), threshold=np.array([1.0, 2.0, 3.0]))
    assert Groups(fixed, (3,)).index.tolist() == [0, 1, 0]
    assert Groups(replace(fixed, trainable=("threshold",)), (3,)).index.tolist() == [0, 1, 0]
    assert Groups(replace(fixed, trainable=("decay",)), (3,)).index.tolist() == [0, 1, 2]
    channels = ot.LIF(decay=np.array([0.5, 0.5]), trainable=("decay",))
    assert Groups(channels, (2, 1, 2)).index.tolist() == [0, 0, 1, 1]
    assert len(Groups(ot.LIF(decay=np.full(4, 0.5)), (4,))) == 1


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("kind", ["neuron", "channel", "pixel"])
def test_each_neuron_is_one_with_numbers_of_its_own(kind, reset):
    """A layer is the neurons that it is made of, each run alone, bit for bit, ψ and Jacobians included."""
    network, inputs, _ = case(kind, trainable=(), reset=reset)
    activity = ot.simulate(network, inputs)
    neuron, shape = network.layers[0].neuron, network.shapes[0]
    current = network.connections[0].forward(inputs.reshape(-1, *network.input_shape), np.ones(1))
    current = current.reshape(*inputs.shape[:2], -1)
    settings = {name: by_neuron(value, shape, np.dtype(float)) for name, value in neuron.settings.items()}
    then = activity.at(2)
    kept = neuron.jacobian(then.layer_states[0], then.spikes[0], then.spikes[0], True)[0][0]
    for i in range(current.shape[2]):
        alone = ot.LIF(**{name: float(values[i]) for name, values in settings.items()}, reset=reset, surrogate=TRIANGLE)
        u, s = np.zeros((2, 1)), np.zeros((2, 1))
        for t in range(len(inputs)):
            alone.step((u,), s, current[t, :, i : i + 1].copy())
            assert np.array_equal(u[:, 0], activity.potentials[0].reshape(*inputs.shape[:2], -1)[t, :, i])
            assert np.array_equal(s[:, 0], activity.spikes[0].reshape(*inputs.shape[:2], -1)[t, :, i])
            if t == 2:
                wanted = alone.jacobian((u,), s, s, True)[0][0]
                assert np.array_equal(wanted[:, 0], kept.reshape(2, -1)[:, i])


def test_arrays_of_equal_numbers_are_the_numbers():
    """Per neuron, per layer and as a number: one network, with one gradient and one state, to the last bit."""
    rng = np.random.default_rng(0)
    synapses = ot.Dense(rng.normal(size=(4, 3))), ot.Dense(rng.normal(size=(2, 4)))
    inputs, labels = rng.random((5, 2, 3)), np.array([0, 1])
    found = []
    for decay, threshold in ((0.75, 0.5), (np.full(4, 0.75), np.full(4, 0.5)), (np.array([0.75]), np.array([0.5]))):
        layers = [ot.Layer(synapses[0], ot.LIF(decay, threshold)), ot.Layer(synapses[1], ot.Integrator())]
        network = ot.Network(layers)
        rule = ot.ottt.OTTT(network, 2)
        of_methods = [m.gradients(network, inputs, labels) for m in ot.methods.METHODS.values()]
        values = [value.tobytes() for gradients in of_methods for value in gradients.values()]
        found.append((values, sum(array.nbytes for array in rule.state.values())))
    assert found[0] == found[1] == found[2]


# gradients


@pytest.mark.parametrize("reset_gradient", ["detached", "kept"])
@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize(
    "kind", slow([kind for kind in KINDS if kind != "pixel"], ["channel", "loop", "cuba", "cuba layer"])
)
def test_rtrl_is_bptt_exactly(kind, reset, reset_gradient):
    data = exact(*case(kind, time_steps=3, batch_size=1, reset=reset))
    left = ot.bptt.gradients(*data, reset_gradient=reset_gradient)
    right = ot.rtrl.gradients(*data, reset_gradient=reset_gradient)
    assert list(left) == list(data[0].parameters) and {"layer0.decay", "layer1.threshold"} <= set(left)
    for name, value in left.items():
        assert np.all(value == right[name]), name
        assert all(isinstance(number, Fraction | int) for number in value.flat)
        assert np.any(value != 0), name


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("kind", slow(KINDS, SLOW))
def test_bptt_kept_is_the_derivative_of_the_soft_spike_network(kind, reset):
    network, inputs, targets = case(kind, time_steps=4, batch_size=2, reset=reset)
    for layer in network.layers[:-1]:
        object.__setattr__(layer.neuron, "surrogate", ot.surrogate.Sigmoid(2.0))
    activity = run(network, inputs, soft=True)
    errors = np.stack([LOSS.gradient(o, targets) for o in activity.outputs]) / (len(inputs) * len(targets))
    found = ot.bptt.backward(network, activity, errors, reset_gradient="kept").values

    def total():
        return sum(LOSS.value(o, targets).mean() for o in run(network, inputs, soft=True).outputs) / len(inputs)

    for name in own_names(network):
        parameter = network.parameters[name]
        differences = np.zeros_like(parameter)
        for index in np.ndindex(parameter.shape):
            before, step = parameter[index], 2.0**-16
            parameter[index] = before + step
            above = total()
            parameter[index] = before - step
            differences[index] = (above - total()) / (2 * step)
            parameter[index] = before
        # central differences are off by h² L''' / 6, some 1e-10, and by rounding, some 1e-16 / h
        assert np.abs(found[name] - differences).max() < 1e-6 * np.abs(found[name]).max(), name


@pytest.mark.parametrize("reset", ["soft", "unleaked"])
@pytest.mark.parametrize("kind", slow(["neuron", "layer", "cuba", "channel", "pixel"], ["channel", "pixel"]))
def test_ottt_is_bptt_in_the_last_hidden_layer_before_a_stateless_readout(kind, reset):
    """E1 with a decay of each neuron: for the weights, the biases, and the decays and thresholds themselves."""
    options = {"readout": ot.Integrator()} if kind in ("neuron", "layer", "cuba") else {}
    data = exact(*case(kind, reset=reset, **options))
    found, right, sltt = (method.gradients(*data) for method in (ot.ottt, ot.bptt, ot.sltt))
    for name in (name for name in right if name.startswith("layer1")):
        assert np.all(found[name] == right[name]) and np.any(right[name] != 0), name
        assert np.any(sltt[name] != right[name]), name
    assert np.any(found["layer0.weight"] != right["layer0.weight"])


def test_ottt_is_bptt_in_a_leaky_readout_of_a_decay_of_each_output():
    data = exact(*case("neuron"))
    found, right = ot.ottt.gradients(*data), ot.bptt.gradients(*data)
    for name in ("readout.weight", "readout.bias", "readout.decay"):
        assert np.all(found[name] == right[name]) and np.any(right[name] != 0), name


@pytest.mark.parametrize("dialect", ["derivation", "authors"])
@pytest.mark.parametrize("kind", ["neuron", "channel", "pixel"])
def test_each_neurons_gradient_is_that_of_a_layer_of_its_decay(kind, dialect):
    """Of the network whose layer has λ_i everywhere but the same activity, the rows of neuron i."""
    network, inputs, _ = case(kind, trainable=())
    activity = ot.simulate(network, inputs)
    errors = np.random.default_rng(0).normal(size=activity.outputs.shape)
    found = ot.ottt.accumulate(network, activity, errors, dialect=dialect).values
    neuron, names = network.layers[1].neuron, ("layer1.weight", "layer1.bias")
    decays = by_neuron(neuron.decay, network.shapes[1], np.dtype(float))
    wanted = {name: np.zeros_like(found[name]) for name in names}
    for decay in np.unique(decays):
        alike = with_neuron(network, 1, replace(neuron, decay=float(decay)))
        only = activity_of(activity, decays == decay)
        for name in names:
            wanted[name] += ot.ottt.accumulate(alike, only, errors, dialect=dialect).values[name]
    for name in names:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-12, atol=1e-15)


def activity_of(activity, mask):
    """The activity with ψ of layer 1 at the neurons of the mask alone."""
    derivatives = list(activity.layer_surrogate_derivatives)
    psi = derivatives[1]
    derivatives[1] = psi * mask.reshape(psi.shape[2:])
    return replace(activity, layer_surrogate_derivatives=tuple(derivatives))


def test_the_spikes_of_a_stateless_readout_are_traced_each_with_the_decay_of_its_neuron():
    """Q1 neuron by neuron: the traced gradient of column j is that of a leaky readout with λ_j."""
    network, inputs, targets = case("neuron", trainable=(), readout=ot.Integrator())
    data = exact(network, inputs, targets)
    activity = ot.simulate(data[0], data[1])
    errors = ot.exact_array(eighths(np.random.default_rng(0), -1, 1, activity.outputs.shape))
    found = ot.ottt.accumulate(data[0], activity, errors).values["readout.weight"]
    for j, decay in enumerate(data[0].layers[1].neuron.decay):
        leaky = with_neuron(data[0], 2, ot.Integrator(decay))
        right = ot.bptt.backward(leaky, activity, errors).values["readout.weight"]
        assert np.all(found[:, j] == right[:, j])
    assert np.any(found != 0)


# traces


@pytest.mark.parametrize(
    ("decay", "trainable", "count"),
    [
        (0.5, (), 1),
        (np.array([0.5, 0.25, 0.5]), (), 2),
        (np.array([0.5, 0.25, 0.5]), ("threshold",), 2),
        (np.array([0.5, 0.5, 0.5]), ("decay",), 3),
        (0.5, ("decay",), 1),
    ],
    ids=str,
)
def test_there_is_one_trace_for_each_decay(decay, trainable, count):
    layers = [ot.Layer(ot.Dense(np.ones((3, 5))), ot.LIF(decay=decay, trainable=trainable))]
    network = ot.Network([*layers, ot.Layer(ot.Dense(np.ones((1, 3))), ot.Integrator())])
    traces = ot.methods.Traces(network, 2, "derivation")
    connection, readout = network.connections
    assert traces.count(connection) == count and traces.count(readout) == 1
    sizes = {name: array.size for name, array in traces.state.items()}
    assert sum(size for name, size in sizes.items() if name.startswith("trace/inputs")) == count * 2 * 5
    assert sum(size for name, size in sizes.items() if name.startswith("bias_trace/0")) == count
    parts = [part for part, _, _ in traces.pairs(connection, np.ones((2, 3)))]
    assert np.array_equal(sum(parts), np.ones((2, 3)))
    if count > 1:
        for call in (lambda: traces.presynaptic(connection), lambda: traces.bias_input(0)):
            with pytest.raises(ValueError, match=f"neurons of {count} decays: there is no one trace"):
                call()


def test_the_state_of_the_online_learner_has_a_trace_for_each_decay():
    found = []
    for decay in (0.5, np.array([0.5, 0.25, 0.75])):
        layers = [ot.Layer(ot.Dense(np.ones((3, 5))), ot.LIF(decay=decay))]
        network = ot.Network([*layers, ot.Layer(ot.Dense(np.ones((2, 3))), ot.Integrator())])
        learner = ot.ottt.OnlineLearner(network, ot.training.SGD(0.1))
        for _ in range(2):
            learner.step(np.ones((2, 5)), np.array([0, 1]))
        found.append(learner.state_bytes)
    assert found[1] - found[0] == 8 * 2 * (2 * 5 + 1)  # two more traces of the inputs of two samples, and of the bias


def test_a_trace_follows_the_decay_that_is_learned():
    network, inputs, _ = case("neuron")
    traces = ot.methods.Traces(network, 2, "derivation")
    connection, activity = network.connections[1], ot.simulate(network, inputs)
    network_decay, by_hand = network.parameters["layer1.decay"], np.zeros((3, 2, 4))
    for t in range(len(inputs)):
        network_decay[...] = np.array([0.5, 0.25, 0.125]) / (t + 1)
        traces.update(activity.at(t))
        by_hand = network_decay[:, None, None] * by_hand + activity.spikes[0][t]
        found = [trace for _, trace, _ in traces.pairs(connection, np.zeros((2, 3)))]
        assert np.array_equal(np.stack(found), by_hand)


def pass_through(neuron, *more):
    """A sum of currents, which neurons take, and `more` layers."""
    layers = [
        ot.Layer(ot.Dense(np.ones((3, 2))), ot.Integrator()),
        ot.Layer(ot.Scale(1.0), neuron),
        *more,
        ot.Layer(ot.Dense(np.ones((2, 3))), ot.Integrator()),
    ]
    return ot.Network(layers, input_shape=(2,))


def test_a_current_that_goes_to_neurons_of_several_decays_has_no_trace():
    inputs, labels = np.ones((3, 1, 2)), np.array([0])
    network = pass_through(ot.LIF(decay=np.array([0.5, 0.25, 0.5])))
    for method in (ot.bptt, ot.rtrl, ot.sltt):
        method.gradients(network, inputs, labels)
    with pytest.raises(ValueError, match=r"layers\[0\] passes its current on to neurons of several decays"):
        ot.ottt.gradients(network, inputs, labels)
    ot.ottt.gradients(pass_through(ot.LIF(decay=np.full(3, 0.5))), inputs, labels)
    ot.ottt.gradients(pass_through(ot.LIF(trainable=("decay",))), inputs, labels)


def test_a_current_that_goes_to_layers_whose_decays_are_learned_has_no_trace():
    """They begin alike, and part ways."""
    inputs, labels, eye = np.ones((3, 1, 2)), np.array([0]), np.eye(2)
    for trainable in ((), ("decay",)):
        neurons = ot.Integrator(), *(ot.LIF(0.5, trainable=trainable) for _ in range(2))
        layers = [ot.Layer(ot.Dense(eye), neuron) for neuron in neurons]
        network = ot.Network(layers, skips=[ot.Skip(0, 2, ot.Dense(eye))])
        ot.bptt.gradients(network, inputs, labels)
        if not trainable:
            ot.ottt.gradients(network, inputs, labels)
            continue
        with pytest.raises(ValueError, match=r"layers\[0\] passes its current on .* decays, in layers \[1, 2\]"):
            ot.ottt.gradients(network, inputs, labels)


def test_a_readout_whose_decay_of_0_is_learned_has_a_state():
    """As with any other decay OTTT's gradients of the readout are BPTT's: that of its decay too."""
    rng = np.random.default_rng(0)
    hidden = ot.Layer(ot.Dense(rng.random((3, 2))), ot.LIF())
    readouts = [ot.Integrator(0.0, trainable=trainable) for trainable in ((), ("decay",))]
    networks = [ot.Network([hidden.copy(), ot.Layer(ot.Dense(np.ones((2, 3))), readout)]) for readout in readouts]
    assert [readout.stateless for readout in readouts] == [True, False]
    assert [network.readout for network in networks] == ["linear", "leaky"]
    data = networks[1], np.ones((4, 1, 2)), np.array([0])
    found, wanted = ot.ottt.gradients(*data), ot.bptt.gradients(*data)
    for name in ("weight", "bias", "decay"):
        np.testing.assert_allclose(found[f"readout.{name}"], wanted[f"readout.{name}"], rtol=1e-12)  # other orders
    assert np.any(wanted["readout.decay"])


def test_inputs_that_reach_layers_of_different_decays_have_no_rate():
    eye, neurons = np.eye(2), (ot.Integrator(), ot.LIF(np.array([0.5, 0.5])), ot.LIF(np.array([0.25, 0.25])))
    layers = [ot.Layer(ot.Dense(eye), neuron) for neuron in neurons]
    network = ot.Network(layers, skips=[ot.Skip(0, 2, ot.Dense(eye))])
    with pytest.raises(ValueError, match=r"layers\[1\] must have neurons of one decay for a rate of the inputs that"):
        ot.spike_representation.gradients(network, np.ones((3, 1, 2)), np.array([0]))


def test_a_stateless_readout_that_hears_several_layers_has_the_one_decay_or_none():
    rng = np.random.default_rng(0)
    inputs, labels = rng.random((3, 2, 3)), np.array([0, 1])

    def network(*neurons):
        layers = [ot.Layer(ot.Dense(rng.normal(size=(3, 3))), neuron) for neuron in neurons]
        readout = ot.Layer(ot.Dense(np.ones((2, 3))), ot.Integrator())
        return ot.Network([*layers, readout], skips=[ot.Skip(0, 2, ot.Dense(np.ones((2, 3))))])

    ot.ottt.gradients(network(ot.LIF(), ot.LIF()), inputs, labels)
    several = np.array([0.5, 0.25, 0.5])
    for neurons in (
        (ot.LIF(decay=several), ot.LIF(decay=several)),
        (ot.LIF(trainable=("decay",)), ot.LIF(trainable=("decay",))),
    ):
        refused = network(*neurons)
        ot.bptt.gradients(refused, inputs, labels)
        with pytest.raises(
            ValueError, match=r"layers\[2\] has no membrane and hears layers \[0, 1\] of several decays"
        ):
            ot.ottt.gradients(refused, inputs, labels)


# learning


@pytest.mark.parametrize("kind", slow(KINDS, ["pixel", "loop", "cuba layer"]))
def test_online_steps_without_learning_are_the_terms(kind):
    network, inputs, targets = case(kind)
    before = {name: value.copy() for name, value in network.parameters.items()}
    terms = ot.ottt.gradients(network, inputs, targets, LOSS, terms=True).terms
    learner = ot.ottt.OnlineLearner(network, ot.training.SGD(2.0**-20, momentum=0), LOSS, time_steps=len(inputs))
    for t in range(len(inputs)):
        learner.step(inputs[t], targets)
        for name, value in network.parameters.items():
            np.testing.assert_allclose(2.0**20 * (before[name] - value), terms[name][t], rtol=0, atol=1e-8)
            network.parameters[name] = before[name]


@pytest.mark.parametrize("optimizer", [ot.training.SGD, ot.training.Adam])
def test_an_optimiser_brings_what_it_updated_back_into_its_range(optimizer):
    network, inputs, targets = case("neuron")
    for sign in (1, -1):
        twin = network.copy()
        gradients = {name: np.full_like(value, sign * 100.0) for name, value in twin.parameters.items()}
        optimizer(learning_rate=10.0).step(twin.parameters, gradients)
        for l in range(2):
            decay, threshold = (twin.parameters[f"layer{l}.{name}"] for name in BOTH)
            reset = twin.layers[l].neuron.reset_potential
            assert np.all(decay == (sign < 0)) and not np.any(np.signbit(decay))
            if sign > 0:
                assert np.array_equal(threshold, np.maximum(reset, 0) + SMALLEST_THRESHOLD)
        ot.bptt.gradients(twin, inputs, targets)


@pytest.mark.parametrize("learner", [ot.ottt.OnlineLearner, ot.sltt.OnlineLearner, ot.rtrl.OnlineLearner])
def test_an_online_learner_brings_what_an_optimiser_of_ones_own_updated_back_into_its_range(learner):
    """Targets on both sides of the output, and a learning rate that goes far beyond every range."""

    class Own(ot.training.Optimizer):
        def step(self, parameters, gradients):
            for name, gradient in gradients.items():
                parameters[name] = parameters[name] - 1e4 * gradient

    found = []
    for target in (-8.0, 8.0):
        neuron = ot.LIF(np.array([0.5, 0.75]), np.array([0.625, 1.0]), trainable=("decay", "threshold"))
        hidden = ot.Layer(ot.Dense(np.array([[1.0], [-1.0]])), neuron)
        network = ot.Network([hidden, ot.Layer(ot.Dense(np.array([[1.0, -1.0]])), ot.Integrator())])
        learning = learner(network, Own(1.0, 0.0), ot.losses.MeanSquaredError())
        learning.step(np.array([[0.5]]))
        learning.step(np.array([[0.5]]), np.array([[target]]))
        found.append({name: network.parameters[f"layer0.{name}"].tolist() for name in ("decay", "threshold")})
    for each in zip(*(one["decay"] for one in found)):
        assert sorted(each) == [0, 1]
    for each in zip(*(one["threshold"] for one in found)):
        assert min(each) == 2.0**-10 < max(each)


def test_the_potential_after_the_reset_has_the_numbers_of_each_channel():
    potential = np.array([[[[3.0, 4.0]], [[3.0, 4.0]]]])
    spikes = np.ones_like(potential)
    soft = ot.LIF(threshold=np.array([1.0, 2.0]))
    assert soft.post_reset_potential(potential, spikes).tolist() == [[[[2.0, 3.0]], [[1.0, 2.0]]]]
    hard = ot.LIF(threshold=np.array([1.0, 2.0]), reset="hard", reset_potential=np.array([0.25, 0.5]))
    assert hard.post_reset_potential(potential, spikes).tolist() == [[[[0.25, 0.25]], [[0.5, 0.5]]]]


def test_a_parameter_out_of_its_range_is_refused_before_any_work():
    network, inputs, targets = case("channel")
    for name, value, expected in (("layer0.decay", 1.5, r"in \[0, 1\]"), ("layer1.threshold", 0.0, "above 0")):
        twin = network.copy()
        twin.parameters[name][1] = value
        message = (
            rf"{name} must be {expected} \(network.project_parameters\(\) brings it back\), got {value} at index \[1\]"
        )
        with pytest.raises(ValueError, match=message):
            ot.bptt.gradients(twin, inputs, targets)
        twin.project_parameters()
        ot.bptt.gradients(twin, inputs, targets)


def test_a_threshold_stays_above_the_reset_potential_of_every_neuron_that_shares_it():
    for threshold, reset, least in (
        (np.array([1.0, 1.0]), np.array([-1.0, 0.5]), [0.0, 0.5]),
        (1.0, np.array([-1.0, 0.5]), [0.5]),
        (np.array([1.0, 1.0]), 0.25, [0.25, 0.25]),
        (np.array([1.0, 1.0]), np.array([[[0.5, 0.75]], [[-1.0, 0.0]]]), [0.75, 0.0]),
        (np.ones((2, 1, 2)), np.array([0.5, -1.0]), [[[0.5, 0.5]], [[0.0, 0.0]]]),
    ):
        neuron = ot.LIF(threshold=threshold, reset_potential=reset, trainable=("threshold",))
        low = np.full_like(neuron.threshold, -3.0)
        neuron.project({"threshold": low})
        assert np.array_equal(low, np.array(least) + SMALLEST_THRESHOLD)
    exact_low = np.array([Fraction(-1), Fraction(2)], dtype=object)
    ot.LIF(threshold=np.ones(2), trainable=("threshold",)).project({"threshold": exact_low})
    assert exact_low.tolist() == [Fraction(1, 1024), 2]


def test_learning_decays_and_thresholds_lowers_the_loss():
    network, inputs, targets = case("neuron")
    optimizer, losses = ot.training.SGD(0.05, momentum=0), []
    for _ in range(40):
        gradients = ot.bptt.gradients(network, inputs, targets, LOSS)
        losses.append(gradients.loss)
        fixed = {name: value * (name in own_names(network)) for name, value in gradients.items()}
        optimizer.step(network.parameters, fixed)
    assert min(losses) < 0.9 * losses[0]


# spike representation


@pytest.mark.parametrize("kind", ["neuron", "channel"])
def test_the_rates_mapping_has_the_derivative_by_the_thresholds(kind):
    options = {"readout": ot.Integrator(0.5)} if kind == "neuron" else {}
    network, inputs, targets = case(kind, trainable=("threshold",), **options)
    network = network.mapped(neuron_of=lambda l, each: replace(each, decay=0.5) if each.spiking else each)
    for name, value in network.parameters.items():
        if name.endswith("weight"):
            network.parameters[name] = 0.3 * value  # few rates are clamped then

    def total():
        values, _ = ot.spike_representation.rates_of(network, inputs, "closed_form")
        return LOSS.value(ot.spike_representation.rate_outputs(network, values), targets).mean()

    found = ot.spike_representation.gradients(network, inputs, targets, LOSS, rates="closed_form")
    for name in own_names(network):
        parameter = network.parameters[name]
        for index in np.ndindex(parameter.shape):
            before, step = parameter[index], 2.0**-18
            parameter[index] = before + step
            above = total()
            parameter[index] = before - step
            below = total()
            parameter[index] = before
            assert abs((above - below) / (2 * step) - found[name][index]) < 1e-7, name
    assert any(np.any(found[name] != 0) for name in own_names(network))


def test_the_rate_of_each_neuron_has_its_own_decay():
    network, inputs, _ = case("neuron", trainable=())
    one = network.mapped(neuron_of=lambda l, each: each if l else replace(each, decay=0.5))
    rates = ot.rates.measured_rates(one, inputs)
    spikes, decays = ot.simulate(one, inputs).spikes[1], one.layers[1].neuron.decay
    for i, decay in enumerate(decays):
        np.testing.assert_allclose(rates[2][:, i], ot.weighted_rate(spikes, float(decay))[:, i], rtol=1e-14)
    assert len(set(decays)) == 3


def test_what_spike_representation_has_no_mapping_for_is_refused_by_name():
    network, inputs, targets = case("neuron", trainable=())
    with pytest.raises(ValueError, match=r"layers\[0\] must have neurons of one decay for a rate of the inputs"):
        ot.spike_representation.gradients(network, inputs, targets)
    for trainable in (("decay",), BOTH):
        learned = ot.dense_network([3, 4, 2], trainable=trainable, rng=0)
        with pytest.raises(TypeError, match=r"layers\[0\] must have no learned decay for spike_representation"):
            ot.spike_representation.gradients(learned, inputs, targets)


# numbers


@pytest.mark.slow
@pytest.mark.parametrize("kind", slow(KINDS, ["pixel", "loop", "cuba layer"]))
def test_compiled_and_uncompiled_runs_agree_bit_for_bit_and_float32_is_near(kind):
    network, inputs, targets = case(kind)
    plain, single = network.as_objects(float), network.astype(np.float32)
    assert {value.dtype for value in single.parameters.values()} == {np.dtype(np.float32)}
    for method in (ot.bptt, ot.ottt, ot.sltt, ot.rtrl):
        compiled = method.gradients(network, inputs, targets, LOSS)
        interpreted = method.gradients(plain, inputs.astype(object), targets.astype(object), LOSS)
        rounded = method.gradients(single, inputs.astype(np.float32), targets.astype(np.float32), LOSS)
        for name, value in compiled.items():
            assert value.tobytes() == interpreted[name].astype(float).tobytes(), name
            assert rounded[name].dtype == np.float32
            np.testing.assert_allclose(rounded[name], value, rtol=1e-4, atol=1e-5)


def test_arrays_become_the_networks_own_and_those_that_were_given_stay():
    decay, weight = np.array([0.5, 0.25]), np.ones((2, 3), np.float32)
    network = ot.Network([ot.Layer(ot.Dense(weight), ot.LIF(decay=decay, trainable=("decay",)))])
    assert network.parameters["layer0.decay"].dtype == np.float32
    network.parameters["layer0.decay"][0] = 0.125
    assert decay[0] == 0.5
    fractions = ot.Network([ot.Layer(ot.Dense(ot.exact_array(weight)), ot.LIF(decay=decay, threshold=1))])
    assert fractions.exact_numbers and fractions.layers[0].neuron.decay.tolist() == [Fraction(1, 2), Fraction(1, 4)]
    learned = ot.Network([ot.Layer(ot.Dense(ot.exact_array(weight)), ot.LIF(0.5, 1, trainable=BOTH))])
    assert learned.exact_numbers and learned.parameters["layer0.threshold"].tolist() == [Fraction(1)]


def test_neurons_are_equal_where_their_numbers_are():
    one, same = (ot.LIF(decay=np.array([0.5, 0.25])) for _ in range(2))
    assert one == same and hash(one) == hash(same) and one == one.copy()
    for other in (
        ot.LIF(decay=np.array([0.5, 0.75])),
        ot.LIF(),
        ot.Integrator(np.array([0.5, 0.25])),
        replace(one, trainable=("decay",)),
    ):
        assert one != other
    assert repr(one).startswith("LIF(decay=array [2], threshold=1.0,") and "trainable" not in repr(one)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: ot.LIF(decay=np.array([0.5, 1.5])), r"decay must be in \[0, 1\], got 1.5 at index \[1\]"),
        (lambda: ot.LIF(decay=np.array([0.5, np.nan])), r"decay must be in \[0, 1\], got nan at index \[1\]"),
        (lambda: ot.LIF(threshold=np.array([[1.0, 0.0]])), r"threshold must be above 0, got 0.0 at index \[0, 1\]"),
        (lambda: ot.LIF(threshold=np.zeros((0,))), r"threshold must have at least one number, got an array \[0\]"),
        (
            lambda: ot.LIF(decay=[0.5, 0.25]),
            r"decay must be a number in \[0, 1\], or an array of one for each neuron, got \[0.5, 0.25\]: np.array",
        ),
        (lambda: ot.LIF(decay=np.array([True])), "decay must be a number, or an array of float64 or float32"),
        (lambda: ot.LIF(decay=np.ma.array([0.5])), "decay must be a number or a plain array, got a masked one"),
        (lambda: ot.LIF(decay=np.array([None])), r"decay\[0\] must be a number in \[0, 1\], got None"),
        (
            lambda: ot.LIF(threshold=np.array([1.0, 0.25]), reset_potential=0.5),
            r"reset_potential must be below the threshold, got 0.5 and threshold array \[2\]",
        ),
        (lambda: ot.LIF(trainable=("reset",)), r"trainable must name some of \['decay', 'threshold'\], each once"),
        (lambda: ot.LIF(trainable=("decay", "decay")), "trainable must name some of"),
        (lambda: ot.LIF(trainable="decay"), "trainable must be a tuple of names of fields, got 'decay'"),
        (lambda: ot.Integrator(trainable=("threshold",)), r"trainable must name some of \['decay'\]"),
        (lambda: ot.dense_network([2, 3, 1], decay=[0.5, 0.5]), "decay must be one for all layers, or a list of 1"),
        (
            lambda: ot.dense_network([2, 3, 1], tau=np.array([0.5])),
            r"tau must be of at least 1, got 0.5 at index \[0\]",
        ),
    ],
)
def test_what_is_no_number_of_a_neuron_is_refused(make, complaint):
    with pytest.raises((TypeError, ValueError), match=complaint):
        make()


@pytest.mark.parametrize(
    ("neuron", "complaint"),
    [
        (
            ot.LIF(decay=np.full(3, 0.5)),
            r"layers\[0\]: decay of LIF must be a number or have the shape \[1\] \(one for the layer\) or \[2\] "
            r"\(one per channel\) or \[2, 3, 4\] \(one per neuron\), got \[3\]",
        ),
        (ot.LIF(threshold=np.ones((2, 3))), r"layers\[0\]: threshold of LIF must be .*, got \[2, 3\]"),
        (
            ot.LIF(threshold=np.array([1.0, 0.25]), reset_potential=np.full((2, 3, 4), 0.5)),
            r"layers\[0\]: reset_potential of LIF must be below the threshold, got 0.5 and threshold 0.25 of neuron 12",
        ),
    ],
)
def test_arrays_that_do_not_fit_the_layer_are_refused_when_the_network_is_made(neuron, complaint):
    layer = ot.Layer(ot.Conv2d(np.ones((2, 1, 1, 1))), neuron)
    readout = ot.Layer([ot.Flatten(), ot.Dense(np.ones((1, 24)))], ot.Integrator())
    with pytest.raises(ValueError, match=complaint):
        ot.Network([layer, readout], input_shape=(1, 3, 4))


@pytest.mark.slow
@pytest.mark.parametrize("trainable", [(), ("threshold",), BOTH], ids=len)
@pytest.mark.parametrize("kind", slow(KINDS, ["layer", "pixel", "loop", "cuba layer"]))
def test_a_saved_network_is_the_same_network(kind, trainable, tmp_path):
    network, inputs, targets = case(kind, trainable=trainable)
    for saved, dtype in ((network, np.float64), (network.astype(np.float32), np.float32)):
        saved.save(tmp_path / "net.npz")
        loaded = ot.Network.load(tmp_path / "net.npz")
        assert [layer.neuron for layer in loaded.layers] == [layer.neuron for layer in saved.layers]
        data = inputs.astype(dtype), targets.astype(dtype), LOSS
        for method in (ot.bptt, ot.ottt):
            one, other = method.gradients(saved, *data), method.gradients(loaded, *data)
            assert [value.tobytes() for value in one.values()] == [value.tobytes() for value in other.values()]
        loaded.save(tmp_path / "again.npz")
        assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "net.npz").read_bytes()


def test_what_is_trained_stands_in_the_order_of_the_fields():
    neuron = ot.LIF(trainable=("threshold", "decay"))
    assert neuron.trainable == neuron.parameter_names == ("decay", "threshold")
    assert neuron == ot.LIF(trainable=("decay", "threshold"))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda neuron: neuron.update(decay="layer1.decay"), "decay must be a number"),
        (lambda neuron: neuron.update(decay="layer0.nothing"), "decay must be a number"),
        (lambda neuron: neuron.update(decay=[[0.5], 0.25]), "inhomogeneous"),
        (lambda neuron: neuron.update(decay=[2.0] * 4), r"decay must be in \[0, 1\]"),
        (lambda neuron: neuron.update(trainable="decay"), "trainable must be a tuple"),
        (lambda neuron: neuron.update(trainable=[3]), "trainable must be a tuple"),
        (lambda neuron: neuron.pop("threshold"), "neuron must be described as LIF, CubaLIF, Integrator"),
        (lambda neuron: neuron.update(type="Other"), "neuron must be described as LIF, CubaLIF"),
        (lambda neuron: neuron.update(decay=0.5), "it must hold"),
    ],
)
def test_a_file_with_other_numbers_is_refused(change, complaint, tmp_path):
    network, _, _ = case("neuron", trainable=("threshold",))
    network.save(tmp_path / "net.npz")
    arrays = storage.read_arrays(tmp_path / "net.npz")
    description = json.loads(str(arrays.pop("description")))
    assert description["layers"][0]["neuron"]["decay"] == "layer0.decay"
    change(description["layers"][0]["neuron"])
    storage.write_arrays(tmp_path / "net.npz", {"description": np.array(json.dumps(description)), **arrays})
    with pytest.raises(ValueError, match=f"does not describe a network: .*{complaint}"):
        ot.Network.load(tmp_path / "net.npz")


def test_one_neuron_with_parameters_in_two_layers_is_refused():
    neuron = ot.LIF(trainable=("decay",))
    layers = [ot.Layer(ot.Dense(np.ones((2, 2))), neuron) for _ in range(2)]
    with pytest.raises(ValueError, match=r"layers\[1\].neuron must be another object than layers\[0\].neuron"):
        ot.Network(layers)


def test_a_dense_network_takes_numbers_of_each_layer_and_neuron():
    decays = [0.5, np.array([0.1, 0.9, 0.5]), 0.75]
    network = ot.dense_network([2, 4, 3, 1], decay=decays, threshold=[1.0, np.ones(3)], readout="leaky", trainable=BOTH)
    assert {name: network.parameters[name].tolist() for name in own_names(network)} == {
        "layer0.decay": [0.5],
        "layer0.threshold": [1.0],
        "layer1.decay": [0.1, 0.9, 0.5],
        "layer1.threshold": [1.0, 1.0, 1.0],
        "readout.decay": [0.75],
    }
    assert ot.dense_network([2, 2, 2, 1], tau=np.array([1.0, 2.0])).layers[1].neuron.decay.tolist() == [0.0, 0.5]


def test_what_load_would_refuse_is_not_saved(tmp_path):
    network = ot.dense_network([2, 3, 2], trainable=("decay",), rng=0)
    network.parameters["layer0.decay"] = np.array([1.25])
    with pytest.raises(ValueError, match=r"layer0\.decay must be in \[0, 1\]"):
        network.save(tmp_path / "network.npz")
    network.project_parameters()
    network.save(tmp_path / "network.npz")
    assert ot.Network.load(tmp_path / "network.npz").parameters["layer0.decay"] == 1


def test_a_number_that_is_learned_for_the_whole_layer_is_shown_by_its_value():
    network = ot.dense_network([2, 3, 2], decay=0.75, trainable=("decay",), rng=0)
    assert repr(network.layers[0].neuron).startswith("LIF(decay=[0.75], threshold=1.0, ")
    assert repr(ot.LIF(decay=np.array([0.5, 0.75]))).startswith("LIF(decay=array [2], ")


class Tensor:
    """What another library's tensor on the CPU offers."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_numbers_of_neurons_may_be_tensors():
    decay = np.array([0.5, 0.75])
    assert ot.LIF(decay=Tensor(decay)) == ot.LIF(decay=decay)


def test_an_optimiser_of_some_parameters_updates_the_network_and_keeps_their_range():
    network = ot.dense_network([2, 3, 2], trainable=("decay", "threshold"), rng=0)
    before, optimizer = network.copy(), ot.training.Adam(1.0)
    gradients = {name: np.full_like(value, -1.0) for name, value in network.parameters.items()}
    for _ in range(2):  # its arrays are the network's, so that the second step goes on with them
        decays = network.parameters.only("decay")
        optimizer.step(decays, {name: gradients[name] for name in decays})
    changed = [name for name, value in network.parameters.items() if np.any(value != before.parameters[name])]
    assert changed == ["layer0.decay"] and network.parameters["layer0.decay"] == 1
    for endings, got in ((("decay", "slope"), "'slope'"), ((), "none")):
        with pytest.raises(ValueError, match=f"endings must be of names of parameters, .*, got {got}"):
            network.parameters.only(*endings)
