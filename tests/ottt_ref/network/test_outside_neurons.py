"""Neurons from outside: two states and parameters of their own, in `simulate` and in every method."""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import methods

from ...selection import slow
from ..helpers import eighths

TRIANGLE = ot.surrogate.Triangle(width=2.0, height=0.5)


@dataclass(frozen=True, eq=False)
class Adaptive(ot.Neuron):
    """Two states: u[t] = λ u[t-1] + I[t], and a threshold that rises, V_th + a[t], a[t] = ρ a[t-1] + β s[t-1]."""

    decay: float = 0.5
    threshold: float = 1.0
    adaptation_decay: float = 0.75
    step_size: float = 0.5
    surrogate: ot.surrogate.Surrogate = TRIANGLE
    states = ("potential", "adaptation")

    def step(self, state, output, current, soft=False):
        u, a = state
        a[...] = self.adaptation_decay * a + self.step_size * output
        u[...] = self.decay * u + current
        z = u - a - self.threshold
        output[...] = self.surrogate.primitive(z) if soft else z >= 0

    def surrogate_derivative(self, state):
        return self.surrogate.derivative(state[0] - state[1] - self.threshold)

    @property
    def leak(self):
        return ((self.decay, 0), (0, self.adaptation_decay))

    output_vector = (1, -1)

    def reset_jacobian(self, state, output):
        return 0, self.step_size  # a[t+1] depends on s[t]


@dataclass(frozen=True, eq=False)
class Synaptic(ot.Neuron):
    """Two states: a current i[t] = α i[t-1] + I[t], u[t] = λ (u[t-1] - V_th s[t-1]) + i[t]."""

    decay: float = 0.5
    threshold: float = 1.0
    current_decay: float = 0.25
    surrogate: ot.surrogate.Surrogate = TRIANGLE
    states = ("potential", "current")
    input_vector = (1, 1)

    def step(self, state, output, current, soft=False):
        u, i = state
        i[...] = self.current_decay * i + current
        u[...] = self.decay * (u - self.threshold * output) + i
        z = u - self.threshold
        output[...] = self.surrogate.primitive(z) if soft else z >= 0

    def surrogate_derivative(self, state):
        return self.surrogate.derivative(state[0] - self.threshold)

    @property
    def leak(self):
        return ((self.decay, self.current_decay), (0, self.current_decay))

    def reset_jacobian(self, state, output):
        return -self.decay * self.threshold, 0


@dataclass(frozen=True, eq=False)
class Learned(ot.Neuron):
    """A LIF neuron, soft reset, whose decay and threshold are parameters, one of each for each neuron."""

    decays: np.ndarray = field(repr=False)
    thresholds: np.ndarray = field(repr=False)
    surrogate: ot.surrogate.Surrogate = TRIANGLE
    decay: float = 0.5  # by which traces decay
    parameter_names = ("decays", "thresholds")

    def step(self, state, output, current, soft=False):
        (u,) = state
        u[...] = self.decays * (u - self.thresholds * output) + current
        z = u - self.thresholds
        output[...] = self.surrogate.primitive(z) if soft else z >= 0

    def surrogate_derivative(self, state):
        return self.surrogate.derivative(state[0] - self.thresholds)

    def jacobian(self, state, output, surrogate_derivative, kept):
        leak = self.decays + 0 * output
        return ((leak + self.reset_jacobian(state, output)[0] * surrogate_derivative if kept else leak,),)

    def reset_jacobian(self, state, output):
        return (-self.decays * self.thresholds + 0 * output,)

    def parameter_derivatives(self, name, previous_state, previous_output, state):
        if name == "decays":
            return (previous_state[0] - self.thresholds * previous_output,), 0
        return (-self.decays * previous_output,), -1

    def project(self, parameters):
        np.clip(parameters["decays"], 0, 1, out=parameters["decays"])
        np.maximum(parameters["thresholds"], 0.125, out=parameters["thresholds"])


def learned(rng, count):
    return Learned(eighths(rng, 0.25, 0.75, count), eighths(rng, 0.75, 1.25, count))


KINDS = {
    "adaptive": lambda rng, count: Adaptive(),
    "synaptic": lambda rng, count: Synaptic(),
    "learned": learned,
}


def network_of(kind, *, loops=True, readout=0.5):
    rng = np.random.default_rng(7)
    layers = [
        ot.Layer(
            ot.Dense(eighths(rng, -0.5, 1.5, (size, fan_in)), eighths(rng, 0, 0.25, size)),
            KINDS[kind](rng, size),
            ot.Dense(eighths(rng, -0.5, 0.5, (size, size)), False) if loops else None,
        )
        for fan_in, size in ((3, 4), (4, 3))
    ]
    layers.append(ot.Layer(ot.Dense(eighths(rng, -1, 1, (2, 3))), ot.Integrator(readout)))
    return ot.Network(layers), eighths(rng, 0, 1, (6, 2, 3)), np.eye(2)


def exact(network, inputs, targets):
    return network.exact(), ot.exact_array(inputs), ot.exact_array(targets), ot.losses.MeanSquaredError()


@pytest.mark.parametrize("kind", KINDS)
def test_a_neuron_is_simulated_with_its_states(kind):
    network, inputs, _ = network_of(kind)
    activity = ot.simulate(network, inputs)
    assert [len(states) for states in activity.layer_states] == [len(n.neuron.states) for n in network.layers]
    assert all(0 < spikes.mean() < 1 for spikes in activity.spikes)
    if kind == "adaptive":
        a = np.zeros((2, 4))
        for t in range(6):
            a = 0.75 * a + 0.5 * (activity.spikes[0][t - 1] if t else 0)
            assert np.array_equal(activity.layer_states[0][1][t], a)


@pytest.mark.slow
@pytest.mark.parametrize("reset_gradient", ["detached", "kept"])
@pytest.mark.parametrize("kind", KINDS)
def test_rtrl_is_bptt_exactly(kind, reset_gradient):
    data = exact(*network_of(kind))
    left = ot.bptt.gradients(*data, reset_gradient=reset_gradient)
    right = ot.rtrl.gradients(*data, reset_gradient=reset_gradient)
    assert list(left) == list(data[0].parameters)
    for name, value in left.items():
        assert np.all(value == right[name]), name
        assert all(isinstance(number, Fraction | int) for number in value.flat)
    assert all(np.any(value != 0) for value in left.values())


@pytest.mark.parametrize("kind", KINDS)
def test_bptt_kept_is_the_derivative_of_the_soft_spike_network(kind):
    network, inputs, targets = network_of(kind)
    smooth = ot.surrogate.Sigmoid(2.0)
    for layer in network.layers[:-1]:
        object.__setattr__(layer.neuron, "surrogate", smooth)
    loss = ot.losses.MeanSquaredError()
    from ottt_ref.simulation.simulator import run

    def total():
        return sum(loss.value(o, targets).mean() for o in run(network, inputs, soft=True).outputs) / len(inputs)

    activity = run(network, inputs, soft=True)
    errors = np.stack([loss.gradient(o, targets) for o in activity.outputs]) / (len(inputs) * len(targets))
    found = ot.bptt.backward(network, activity, errors, reset_gradient="kept").values
    for name, parameter in network.parameters.items():
        for index in np.ndindex(parameter.shape):
            kept, step = parameter[index], 1e-5
            parameter[index] = kept + step
            above = total()
            parameter[index] = kept - step
            below = total()
            parameter[index] = kept
            assert abs((above - below) / (2 * step) - found[name][index]) < 1e-7 * max(1, abs(found[name][index]))


@pytest.mark.parametrize("kind", ["adaptive", "synaptic"])
def test_ottt_is_exact_in_the_last_spiking_layer_without_loops(kind):
    """E1 for linear neurons of several states: one trace for each state of the membrane that it enters."""
    network, inputs, targets = network_of(kind, loops=False, readout=0.0)
    data = exact(network, inputs, targets)
    found, right = ot.ottt.gradients(*data), ot.bptt.gradients(*data)
    for name in ("layer1.weight", "layer1.bias"):
        assert np.all(found[name] == right[name]) and np.any(right[name] != 0)
    assert np.any(found["layer0.weight"] != right["layer0.weight"])
    assert np.any(ot.sltt.gradients(*data)["layer1.weight"] != right["layer1.weight"])


def test_ottts_gradient_of_a_threshold_and_a_decay_is_exact_in_the_last_layer_of_equal_decays():
    network, inputs, targets = network_of("learned", loops=False, readout=0.0)
    for l in range(2):
        network.parameters[f"layer{l}.decays"] = np.full(network.shapes[l], 0.5)
    data = exact(network, inputs, targets)
    found, right = ot.ottt.gradients(*data), ot.bptt.gradients(*data)
    for name in ("layer1.decays", "layer1.thresholds"):
        assert np.all(found[name] == right[name]) and np.any(right[name] != 0)
        assert np.any(ot.sltt.gradients(*data)[name] != right[name])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", slow(methods.METHODS, ["rtrl"]))
def test_a_neuron_runs_in_every_method_in_floats_as_over_fractions(method, kind):
    network, inputs, targets = network_of(kind, loops=method != "spike-representation")
    if kind == "learned" and method == "spike-representation":
        with pytest.raises(TypeError, match=r"without parameters of their own for spike_representation"):
            ot.spike_representation.gradients(network, inputs, targets)
        return
    loss = ot.losses.MeanSquaredError()
    found = methods.METHODS[method].gradients(network, inputs, targets, loss)
    wanted = methods.METHODS[method].gradients(*exact(network, inputs, targets))
    for name, value in found.items():
        np.testing.assert_allclose(value, wanted[name].astype(float), rtol=1e-12, atol=1e-14)
    single = network.astype(np.float32)
    assert all(
        value.dtype == np.float32
        for value in methods.METHODS[method].gradients(single, inputs.astype(np.float32), np.array([0, 1])).values()
    )


def test_parameters_of_neurons_are_learned_and_brought_back_into_their_range():
    network, inputs, targets = network_of("learned")
    learner = ot.ottt.OnlineLearner(network, ot.training.SGD(1.0, momentum=0))
    before = network.copy()
    for x in inputs:
        learner.step(x, targets)
    for l in range(2):
        decays, thresholds = (network.parameters[f"layer{l}.{name}"] for name in ("decays", "thresholds"))
        assert np.all((decays >= 0) & (decays <= 1)) and np.all(thresholds >= 0.125)
    assert np.any(network.parameters["layer1.decays"] != before.parameters["layer1.decays"])
    assert np.all(before.parameters["layer0.decays"] == network_of("learned")[0].parameters["layer0.decays"])


def test_a_neuron_that_files_cannot_hold_is_refused_when_saving(tmp_path):
    network, _, _ = network_of("adaptive")
    with pytest.raises(TypeError, match=r"layer0.* must be made of LIF, CubaLIF, Integrator.*Adaptive"):
        network.save(tmp_path / "net.npz")
    assert not list(tmp_path.iterdir())

    class Renamed(ot.LIF):
        pass

    with pytest.raises(TypeError, match=r"must be made of LIF, CubaLIF, Integrator, .*Renamed"):
        ot.Network([ot.Layer(ot.Dense(np.ones((1, 1))), Renamed())]).save(tmp_path / "net.npz")


def broken(**changes):
    return type("Broken", (Adaptive,), changes)()


@pytest.mark.parametrize(
    ("neuron", "complaint"),
    [
        (
            broken(surrogate_derivative=lambda self, state: state[0][0]),
            r"surrogate_derivative of Broken must give float64 \[2, 2\]",
        ),
        (broken(jacobian=lambda self, *_: ((1,),)), r"jacobian of Broken must give \[2, 2\].* got \[1, 1\]"),
        (broken(leak=((0.5,),)), r"leak of Broken must give \[2, 2\]"),
        (broken(output_vector=(1,)), r"output_vector of Broken must give \[2\]"),
        (
            broken(parameter_names=("extra",), extra=np.zeros(3)),
            r"the parameter extra of Broken must be float64 \[2\] or \[1\], got float64 \[3\]",
        ),
    ],
)
def test_what_a_neuron_returns_is_checked_when_the_network_is_made(neuron, complaint):
    with pytest.raises(ValueError, match=complaint):
        ot.Network([ot.Layer(ot.Dense(np.ones((2, 3))), neuron)])


def test_a_wide_layer_is_tried_on_numbers_as_small_as_a_narrow_one():
    exponential = broken(surrogate_derivative=lambda self, state: np.exp(state[0]))  # infinite above 709
    wide = ot.Network([ot.Layer(ot.Dense(np.ones((2000, 1))), exponential)])
    assert wide.layers[0].neuron is exponential


def test_the_base_class_alone_is_no_neuron():
    with pytest.raises(TypeError, match="neuron must be a neuron such as"):
        ot.Layer(ot.Dense(np.ones((2, 3))), ot.Neuron())


@pytest.mark.parametrize(("step", "bounds"), [(5.0, {"decays": 1}), (-5.0, {"decays": 0, "thresholds": 0.125})])
def test_an_update_far_out_of_range_is_brought_back(step, bounds):
    class Shift(ot.training.Optimizer):
        def _direction(self, name, gradient):
            return np.full_like(gradient, -step)

    network, inputs, targets = network_of("learned")
    ot.ottt.OnlineLearner(network, Shift(1.0, 0.0)).step(inputs[0], targets)
    for name, bound in bounds.items():
        assert all(np.all(network.parameters[f"layer{l}.{name}"] == bound) for l in range(2))


def test_spike_representation_needs_a_threshold_and_no_parameters():
    network, inputs, targets = network_of("adaptive", loops=False)
    ot.spike_representation.gradients(network, inputs, targets)
    for changes in (
        {"threshold": property(lambda self: self.none)},
        {"parameter_names": ("extra",), "extra": np.ones(2), "parameter_derivatives": lambda self, *_: ((0, 0), 0)},
    ):
        neuron = type("Other", (Linear,), changes)()
        network = ot.Network([ot.Layer(ot.Dense(np.ones((2, 3))), neuron)])
        with pytest.raises(TypeError, match="of a threshold and without parameters of their own"):
            ot.spike_representation.gradients(network, inputs, targets)


@dataclass(frozen=True, eq=False)
class Linear(ot.Neuron):
    """Two states without a reset; how far it is above 1 is weighed by `weights`, its current by `entry`."""

    decay: float = 0.5
    slow: float = 0.75
    weights: tuple = (1, -1)
    entry: tuple = (1, 1)
    surrogate: ot.surrogate.Surrogate = TRIANGLE
    states = ("potential", "slow")
    threshold = 1

    def step(self, state, output, current, soft=False):
        for each, leak, entry in zip(state, (self.decay, self.slow), self.entry):
            each[...] = leak * each + entry * current
        output[...] = self._distance(state) >= 0

    def _distance(self, state):
        return self.weights[0] * state[0] + self.weights[1] * state[1] - 1

    def surrogate_derivative(self, state):
        return self.surrogate.derivative(self._distance(state))

    @property
    def leak(self):
        return ((self.decay, 0), (0, self.slow))

    @property
    def input_vector(self):
        return self.entry

    @property
    def output_vector(self):
        return self.weights


def test_neurons_that_weigh_their_states_in_another_way_share_no_trace():
    """Both layers take the inputs. One trace for both would be wrong for the last layer, where OTTT is BPTT."""
    rng = np.random.default_rng(1)
    layers = [
        ot.Layer(ot.Dense(eighths(rng, 0, 1, (2, 3)), eighths(rng, 0, 0.5, 2)), Linear(weights=(1, 1))),
        ot.Layer(ot.Dense(eighths(rng, 0, 1, (2, 2)), eighths(rng, 0, 0.5, 2)), Linear(weights=(2, -1))),
    ]
    skip = ot.Skip(-1, 1, ot.Dense(eighths(rng, 0, 1, (2, 3))))
    network = ot.Network(layers, skips=[skip])
    data = exact(network, eighths(rng, 0, 1, (6, 2, 3)), np.eye(2))
    found, right = ot.ottt.gradients(*data), ot.bptt.gradients(*data)
    for name in ("layer1.weight", "layer1.skip-1.weight", "layer1.skip-1.bias"):
        assert np.all(found[name] == right[name]) and np.any(right[name] != 0), name


@dataclass(frozen=True, eq=False)
class Scaled(ot.Neuron):
    """One state, u[t] = λ u[t-1] + e I[t], which fires where f u[t] is at least 1."""

    decay: float = 0.5
    entry: float = 1.0
    share: float = 1.0
    surrogate: ot.surrogate.Surrogate = TRIANGLE

    def step(self, state, output, current, soft=False):
        state[0][...] = self.decay * state[0] + self.entry * current
        output[...] = self.share * state[0] >= 1

    def surrogate_derivative(self, state):
        return self.surrogate.derivative(self.share * state[0] - 1)

    @property
    def input_vector(self):
        return (self.entry,)

    @property
    def output_vector(self):
        return (self.share,)


@pytest.mark.parametrize(("entry", "share"), [(2.0, 1.0), (1.0, 2.0), (2.0, 2.0)])
@pytest.mark.parametrize("method", ["ottt", "bptt", "rtrl"])
def test_one_state_whose_current_and_distance_are_scaled_has_scaled_gradients(method, entry, share):
    """It is the plain neuron with its weights times e f: by the chain rule its gradients are e f times that one's."""
    rng = np.random.default_rng(2)
    weight, bias, scale = eighths(rng, 0, 0.5, (3, 3)), eighths(rng, 0, 0.25, 3), entry * share
    readout = ot.Layer(ot.Dense(eighths(rng, -1, 1, (2, 3))), ot.Integrator())
    inputs = eighths(rng, 0, 1, (6, 2, 3))
    found, right = (
        methods.METHODS[method].gradients(
            *exact(ot.Network([ot.Layer(ot.Dense(times * weight, times * bias), neuron), readout]), inputs, np.eye(2))
        )
        for times, neuron in ((1, Scaled(entry=entry, share=share)), (scale, Scaled()))
    )
    for name, value in right.items():
        # OTTT pairs a stateless readout's weight with the trace of its senders' membrane, which is scaled too (Q1).
        scaled = name.startswith("layer0") or (method == "ottt" and name == "readout.weight")
        factor = Fraction(scale) if scaled else 1
        assert np.all(found[name] == factor * value) and np.any(value != 0), name


def test_the_gradient_through_a_reset_has_the_weight_of_each_state_in_the_distance():
    """J = λ + r ψ f, with r = ∂u[t+1]/∂s[t] and f = ∂z/∂u."""
    neuron = type("Reset", (Scaled,), {"reset_jacobian": lambda self, state, output: (-0.75,)})(share=2.0)
    at_rest, psi = np.zeros((1, 2)), np.array([[0.25, 0.5]])
    assert neuron.jacobian((at_rest,), at_rest, psi, False)[0][0].tolist() == [[0.5, 0.5]]
    assert neuron.jacobian((at_rest,), at_rest, psi, True)[0][0].tolist() == [[0.125, -0.25]]


def test_what_a_simulator_carries_for_parameters_and_delays_is_counted():
    """Potential and spikes, of a neuron with parameters those of the time step before as well; delays need spikes."""
    inputs = np.ones((1, 3))
    for kind, loops, arrays in (
        ("learned", False, 4),
        ("learned", True, 4),
        ("synaptic", False, 3),
        ("synaptic", True, 4),
    ):
        network, _, _ = network_of(kind, loops=loops)
        simulator = ot.Simulator(network, 1)
        simulator.step(inputs)
        assert simulator.state_bytes == 8 * (arrays * (4 + 3) + 2 * 2)
