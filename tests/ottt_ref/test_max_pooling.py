"""Max pooling, the one operation that is not linear: where errors go, what is traced, exact, refused."""

from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.methods import shared

from ..selection import slow
from . import test_general_networks as general_tests
from .general import NOT_LINEAR, case, dense, eighths, lif, rational
from .helpers import METHODS, assert_nonzero
from .methods import test_input_gradients as input_tests

RNG = np.random.default_rng(0)
every_kind = pytest.mark.parametrize("kind", slow(NOT_LINEAR, ["max_pooled"]))


def naive_pool(image, size, stride, padding):
    """Each window's maximum, and where it is first, in row order; what lies outside of the image does not count."""
    height, width = image.shape
    rows = (height + 2 * padding[0] - size[0]) // stride[0] + 1
    columns = (width + 2 * padding[1] - size[1]) // stride[1] + 1
    result, places = np.zeros((rows, columns), dtype=image.dtype), {}
    for y, x in np.ndindex(result.shape):
        inside = [
            (row, column)
            for row in range(y * stride[0] - padding[0], y * stride[0] - padding[0] + size[0])
            for column in range(x * stride[1] - padding[1], x * stride[1] - padding[1] + size[1])
            if 0 <= row < height and 0 <= column < width
        ]
        result[y, x] = max(image[place] for place in inside)
        places[y, x] = next(place for place in inside if image[place] == result[y, x])
    return result, places


@pytest.mark.parametrize(
    ("size", "stride", "padding"), [((2, 2), (2, 2), (0, 0)), ((3, 2), (2, 1), (1, 0)), ((1, 4), (1, 2), (0, 2))]
)
@pytest.mark.parametrize("ties", [True, False])
def test_a_max_pool_is_its_definition_and_sends_errors_to_the_first_maximum(size, stride, padding, ties):
    images = RNG.integers(0, 2, (2, 3, 5, 6)).astype(float) if ties else RNG.normal(size=(2, 3, 5, 6))
    pool = ot.MaxPool2d(size, stride, padding)
    got = pool.forward(images, np.ones(1))
    error = RNG.integers(-8, 9, got.shape) / 8
    back = pool.adjoint(error, (3, 5, 6), images)
    assert got.shape[1:] == pool.output_shape((3, 5, 6))
    for b, c in np.ndindex(2, 3):
        expected, places = naive_pool(images[b, c], size, stride, padding)
        assert np.array_equal(got[b, c], expected)
        returned = np.zeros((5, 6))
        for (y, x), place in places.items():
            returned[place] += error[b, c, y, x]
        assert np.array_equal(back[b, c], returned)


def test_of_spikes_it_says_whether_any_fired():
    spikes = RNG.integers(0, 2, (3, 2, 4, 6)).astype(float)
    any_fired = spikes.reshape(3, 2, 2, 2, 3, 2).any(axis=(3, 5))
    assert np.array_equal(ot.MaxPool2d(2).forward(spikes, None), any_fired)


def test_a_pool_of_sequences_is_that_of_images_of_height_1():
    values = RNG.normal(size=(2, 3, 7))
    row, image = ot.MaxPool1d(3, 2, 1), ot.MaxPool2d((1, 3), (1, 2), (0, 1))
    result = row.forward(values, None)
    assert np.array_equal(result, image.forward(values[:, :, None], None)[:, :, 0])
    back = image.adjoint(result[:, :, None], (3, 1, 7), values[:, :, None])
    assert np.array_equal(row.adjoint(result, (3, 7), values), back[:, :, 0])


WRONG = {
    r"padding must be at most half the size \(2, 4\), got \(1, 3\)": lambda: ot.MaxPool2d((2, 4), padding=(1, 3)),
    "padding must be at most half the size 3, got 2": lambda: ot.MaxPool1d(3, padding=2),
    r"stride\[1\], the horizontal one, must be at least 1, got 0": lambda: ot.MaxPool2d(2, (1, 0)),
    r"the values must be float64 \[1, 1, 2, 2\], got float64 \[1, 1, 2, 3\]": lambda: ot.MaxPool2d(2).adjoint(
        np.ones((1, 1, 1, 1)), (1, 2, 2), np.ones((1, 1, 2, 3))
    ),
}


@pytest.mark.parametrize("complaint", WRONG)
def test_what_does_not_fit_is_refused(complaint):
    with pytest.raises(ValueError, match=complaint):
        WRONG[complaint]()


def test_the_adjoint_needs_the_values():
    chain = ot.Chain([ot.MaxPool2d(2), ot.Flatten()])
    assert not chain.linear and not ot.Chain([ot.Flatten(), chain]).linear and ot.Chain([ot.Flatten()]).linear
    for operation, error in ((ot.MaxPool2d(2), np.ones((1, 1, 1, 1))), (chain, np.ones((1, 1)))):
        with pytest.raises(
            TypeError, match="is not linear: its adjoint must be given the values that went in, got None"
        ):
            operation.adjoint(error, (1, 2, 2))


@every_kind
def test_bptt_is_the_derivative_of_the_soft_spike_network(kind):
    general_tests.test_bptt_is_the_derivative_of_the_soft_spike_network(kind)


@pytest.mark.parametrize("reset_gradient", ["detached", "kept"])
@every_kind
def test_rtrl_is_bptt_exactly(kind, reset_gradient):
    general_tests.test_rtrl_is_bptt_exactly(kind, reset_gradient)


@every_kind
def test_the_gradient_at_the_inputs_is_the_derivative_of_the_soft_spike_network(kind):
    input_tests.test_of_bptt_it_is_the_derivative_of_the_soft_spike_network(kind)


@pytest.mark.slow
def test_the_other_properties_of_every_network_hold():
    general_tests.test_float32_is_float64_rounded("max_pooled")
    general_tests.test_compiled_and_uncompiled_runs_agree_bit_for_bit("max_pooled")


def in_a_row(rng):
    """Two hidden layers, spikes pooled between them and on the way to the readout."""
    layers = [
        ot.Layer(ot.Conv1d(rng.normal(0.3, 1, (2, 1, 2))), lif()),
        ot.Layer([ot.Scale(0.5), ot.MaxPool1d(2), ot.Conv1d(rng.normal(0.5, 1, (2, 2, 2)))], lif()),
        ot.Layer([ot.Flatten(), dense(rng, 2, 4)], ot.Integrator()),
    ]
    return ot.Network(layers, input_shape=(1, 7))


def exact_case(make, time_steps=4):
    """A live network over fractions, inputs and labels, in which pooled windows hold spikes of several time steps."""
    rng = np.random.default_rng(3)
    for _ in range(100):
        network = eighths(make(rng))
        inputs = np.round(8 * rng.normal(0.8, 1, (time_steps, 2, *network.input_shape))) / 8
        spikes = ot.simulate(network, inputs).spikes
        if all(0.2 < each[:-1].mean() < 0.8 for each in spikes):
            return rational(network), ot.exact_array(inputs), np.array([0, 1])
    raise AssertionError("no live network in 100 draws")


def algebra(network, inputs, labels):
    loss = ot.losses.MeanSquaredError()
    activity = ot.simulate(network, inputs)
    rows = ot.losses.require_targets(loss, labels, inputs.shape[1], network)
    return activity, ot.losses.sequence_loss(loss, activity.outputs, rows)[1]


def test_ottts_gradients_are_bptts_within_the_layer_exactly():
    """E1 and E2 with a maximum before the weight: of the last hidden layer, of the other with leaks there alone."""
    network, inputs, labels = exact_case(in_a_row)
    activity, errors = algebra(network, inputs, labels)
    found = ot.ottt.accumulate(network, activity, errors).values
    for l in range(2):
        leaks = [k == l for k in range(3)]
        expected = ot.bptt.backward(network, activity, errors, leaks_back=leaks, delays_back=False).values
        for name in (f"layer{l}.weight", f"layer{l}.bias"):
            assert np.array_equal(found[name], expected[name]) and np.any(expected[name] != 0), name
    whole = ot.bptt.backward(network, activity, errors).values
    assert np.array_equal(found["layer1.weight"], whole["layer1.weight"])


def test_behind_a_pool_each_decay_of_a_layer_has_its_trace():
    """Channels with a λ of their own: OTTT is BPTT in the last hidden layer, exactly."""

    def make(rng):
        network = in_a_row(rng)
        middle = network.layers[1]
        neuron = replace(middle.neuron, decay=np.array([0.5, 0.25]))
        layers = [network.layers[0], ot.Layer(middle.synapses, neuron), network.layers[2]]
        return ot.Network(layers, input_shape=network.input_shape)

    network, inputs, labels = exact_case(make)
    activity, errors = algebra(network, inputs, labels)
    found, whole = (each(network, activity, errors).values for each in (ot.ottt.accumulate, ot.bptt.backward))
    assert np.array_equal(found["layer1.weight"], whole["layer1.weight"]) and np.any(whole["layer1.weight"] != 0)
    readout = ot.Layer([ot.MaxPool1d(2), ot.Flatten(), ot.Dense(np.ones((2, 2)))], ot.Integrator())
    pooled = ot.Network([*network.astype(float).layers[:2], readout], input_shape=(1, 7))
    with pytest.raises(ValueError, match="readout has no membrane, and pools spikes of neurons of several decays"):
        ot.ottt.gradients(pooled, np.ones((2, 1, 1, 7)), np.array([0]))


class PooledTraces(ot.ottt.OTTT):
    """The trace of the spikes, which the pool is applied to: what keeping traces where spikes enter would mean."""

    def __init__(self, network, batch_size):
        super().__init__(network, batch_size)
        self.spikes = {
            c.name: shared.traces.Trace(
                network.layers[0].neuron, (batch_size, *network.shape_of(c.source)), network.dtype
            )
            for c in network.connections
        }

    def advance(self, activity):
        super().advance(activity)
        for c in self.network.connections:
            self.spikes[c.name].follow(activity.delivered(c))

    def presynaptic(self, connection, activity):
        return connection.entering(self.spikes[connection.name].value)


def test_the_pool_of_the_traces_is_not_the_trace_of_the_pool():
    network, inputs, labels = exact_case(in_a_row)
    activity, errors = algebra(network, inputs, labels)
    exact = ot.ottt.accumulate(network, activity, errors).values
    pooled = ot.methods.accumulate(PooledTraces, network, activity, errors).values
    assert np.array_equal(pooled["layer0.weight"], exact["layer0.weight"])  # where nothing is pooled
    assert np.any(pooled["layer1.weight"] != exact["layer1.weight"])


def test_two_neurons_that_fire_one_after_the_other_tell_the_two_apart():
    """s = (1, 0), (0, 1), λ = 1/2: the trace of the maximum is 3/2, the maximum of the traces 1."""
    weight = ot.exact_array([[[1]]])
    layers = [
        ot.Layer(
            [ot.MaxPool1d(2), ot.Conv1d(weight)], ot.LIF(F(1, 2), F(4), surrogate=ot.surrogate.Triangle(F(8), F(1)))
        ),
        ot.Layer([ot.Flatten(), ot.Dense(ot.exact_array([[1]]))], ot.Integrator()),
    ]
    network = ot.Network(layers, input_shape=(1, 2))
    activity = ot.simulate(network, ot.exact_array([[[[1, 0]]], [[[0, 1]]]]))
    traces = ot.methods.Traces(network, 1, "derivation")
    for t in range(2):
        traces.update(activity.at(t))
    assert traces.presynaptic(network.connections[0]).tolist() == [[[F(3, 2)]]]
    assert ot.MaxPool1d(2).forward(ot.exact_array([[[F(1, 2), 1]]]), None).tolist() == [[[F(1)]]]
    errors = ot.exact_array(np.ones((2, 1, 1)))
    found = ot.ottt.accumulate(network, activity, errors).values["layer0.weight"]
    assert np.array_equal(found, ot.bptt.backward(network, activity, errors).values["layer0.weight"])


def test_connections_with_a_pool_have_a_trace_of_their_own():
    """A skip without one and the layer's own way, with one, carry the same spikes into one layer."""
    rng = np.random.default_rng(0)
    layers = [
        ot.Layer(ot.Conv1d(rng.normal(size=(1, 1, 1))), lif()),
        ot.Layer([ot.MaxPool1d(3, 1, 1), ot.Conv1d(rng.normal(size=(1, 1, 1)))], lif()),
        ot.Layer([ot.MaxPool1d(3, 1, 1), ot.Conv1d(rng.normal(size=(1, 1, 1)))], lif()),
        ot.Layer([ot.Flatten(), dense(rng, 2, 4)], ot.Integrator()),
    ]
    network = ot.Network(layers, input_shape=(1, 4), skips=[ot.Skip(0, 2, ot.Conv1d(rng.normal(size=(1, 1, 1))))])
    rule = ot.ottt.OTTT(network, batch_size=1)
    assert {name for name in rule.state if name.startswith("trace/0")} == {
        "trace/0 by 0",
        "trace/0 by 0 through layer1",
    }


def test_where_no_trace_is_exact_it_is_refused_by_name():
    network, inputs, labels = case("pooled_currents")
    complaint = (
        r"^layer0 must have its parameters \['skip_gain'\] after its last operation that is not linear, for OTTT"
    )
    for call in (
        lambda: ot.ottt.gradients(network, inputs, labels),
        lambda: ot.ottt.OnlineLearner(network, ot.training.SGD(0.1)).step(inputs[0], labels),
        lambda: ot.methods.gradients(general_rule(), network, inputs, labels),
    ):
        with pytest.raises(ValueError, match=complaint.replace("for OTTT", "for (OTTT|Own)")):
            call()
    for name in ("bptt", "rtrl", "sltt"):
        assert_nonzero(METHODS[name](network, inputs, labels))
    with pytest.raises(ValueError, match="layer0 must be of linear operations for spike_representation: the rate of"):
        ot.spike_representation.gradients(network, inputs, labels)
    with pytest.raises(ValueError, match="layer0 must be of linear operations"):
        ot.spike_representation.rates_of(network, inputs, "closed_form")


def general_rule():
    class Own(ot.methods.Rule):
        """A rule of one's own, which pairs something else."""

        def presynaptic(self, connection, activity):
            return 2 * activity.presynaptic(connection)

    return Own


def test_a_maximum_of_currents_on_their_way_is_refused_too():
    """A sum of currents before the pool: its weights enter the membrane through the maximum."""
    rng = np.random.default_rng(0)
    first, second = (ot.Conv1d(rng.normal(size=(1, 1, 2))) for _ in range(2))
    rest = [ot.Layer([ot.MaxPool1d(2), second], lif()), ot.Layer([ot.Flatten(), dense(rng, 2, 2)], ot.Integrator())]
    network = ot.Network([ot.Layer(first, ot.Integrator()), *rest], input_shape=(1, 7))
    inputs, labels = rng.random((3, 2, 1, 7)), np.array([0, 1])
    with pytest.raises(ValueError, match=r"layer1 must take spikes or inputs for OTTT, .* current of layers\[0\]"):
        ot.ottt.gradients(network, inputs, labels)
    assert set(ot.bptt.gradients(network, inputs, labels)) == set(network.parameters)
    passed_on = ot.Network([ot.Layer(ot.Scale(2.0), ot.Integrator()), *rest], input_shape=(1, 6))
    assert_nonzero(ot.ottt.gradients(passed_on, inputs[..., :6], labels))  # nothing learned lies before the maximum


def test_with_a_delay_on_the_way_errors_come_back_through_the_maxima_of_their_own_time_step():
    """BPTT is RTRL; with leaks in a layer alone it is OTTT there, with none SLTT; and in parts, with the state."""
    rng = np.random.default_rng(1)
    layers = [
        ot.Layer(ot.Conv1d(rng.normal(0.5, 1, (2, 1, 2))), lif()),
        ot.Layer([ot.MaxPool1d(2), ot.Conv1d(rng.normal(0.5, 1, (2, 2, 2)))], lif(), delay=2),
        ot.Layer([ot.Flatten(), dense(rng, 2, 4)], ot.Integrator()),
    ]
    network = rational(eighths(ot.Network(layers, input_shape=(1, 7))))
    inputs = ot.exact_array(np.round(8 * rng.normal(0.8, 1, (4, 1, 1, 7))) / 8)
    data = network, inputs, np.array([1]), ot.losses.MeanSquaredError()
    backward, forward = ot.bptt.gradients(*data), ot.rtrl.gradients(*data)
    assert_nonzero(backward)
    assert all(np.array_equal(forward[name], backward[name]) for name in backward)
    activity = ot.simulate(network, inputs)
    errors = ot.exact_array(np.arange(8).reshape(4, 1, 2) % 3 - 1)
    ottt, sltt = (method.accumulate(network, activity, errors).values for method in (ot.ottt, ot.sltt))
    for l in (0, 1):
        leaks = [k == l for k in range(3)]
        one_leak = ot.bptt.backward(network, activity, errors, leaks_back=leaks).values
        assert all(np.array_equal(ottt[name], one_leak[name]) for name in ottt if name.startswith(f"layer{l}"))
    leakless = ot.bptt.backward(network, activity, errors, leaks_back=[False] * 3).values
    assert all(np.array_equal(sltt[name], leakless[name]) for name in sltt)
    assert_nonzero(ottt), assert_nonzero(sltt)
    for method in (ot.ottt, ot.sltt):
        whole = method.gradients(*data, input_gradients=True)
        first = method.gradients(network, inputs[:1], *data[2:], time_steps=4)
        second = method.gradients(network, inputs[1:], *data[2:], time_steps=4, initial_state=first.final_state)
        assert all(np.array_equal(whole[name], first[name] + second[name]) for name in whole)


def test_late_errors_reach_the_inputs_and_weights_before_a_maximum_too():
    """Without leaks SLTT is BPTT (E4): of a weight before the maximum, of what comes after it, and of the inputs."""
    rng = np.random.default_rng(3)
    neuron = ot.LIF(decay=0.0, surrogate=ot.surrogate.Triangle(2.0, 0.5))
    layers = [
        ot.Layer([ot.MaxPool1d(2, stride=1), ot.Conv1d(rng.normal(0.5, 1, (2, 1, 2)))], neuron, delay=1),
        ot.Layer([ot.Conv1d(rng.normal(0.5, 1, (2, 2, 2))), ot.MaxPool1d(2)], neuron, delay=2),
        ot.Layer([ot.Flatten(), dense(rng, 2, 4)], ot.Integrator(), delay=1),
    ]
    network = eighths(ot.Network(layers, input_shape=(1, 7))).exact()
    inputs = ot.exact_array(np.round(8 * rng.normal(0.8, 1, (7, 1, 1, 7))) / 8)
    data = network, inputs, np.array([1]), ot.losses.MeanSquaredError()
    sltt, bptt = (method.gradients(*data, input_gradients=True) for method in (ot.sltt, ot.bptt))
    assert_nonzero(bptt)
    assert all(np.array_equal(sltt[name], bptt[name]) for name in bptt)
    assert np.array_equal(sltt.input_gradients, bptt.input_gradients) and np.any(bptt.input_gradients != 0)


def test_no_trace_times_the_error_is_the_gradient_of_a_weight_before_a_maximum():
    """u[2] = λ max(w x[1]) + max(w x[2]): of weights w for each place, ∂u[2]/∂w_j counts x_j where it was the maximum.

    x = (2, 1), then (1, 2), w = (1, 1): the first time step is the first place's, the second the second's. The gradient
    of u[2] is (λ 2, 2): the trace of x at the end is (λ 2 + 1, λ + 2), and where the maximum is now it is (0, λ + 2).
    """
    weight = ot.exact_array([1, 1])
    half = F(1, 2)
    steps = [ot.exact_array([2, 1]), ot.exact_array([1, 2])]
    gradient = sum(half ** (1 - t) * np.where(weight * x == max(weight * x), x, F(0)) for t, x in enumerate(steps))
    trace = half * steps[0] + steps[1]
    routed = np.where(weight * steps[1] == max(weight * steps[1]), trace, F(0))
    assert gradient.tolist() == [1, 2] and trace.tolist() == [2, F(5, 2)] and routed.tolist() == [0, F(5, 2)]


def test_rules_and_error_feedback_run_on_it():
    network, inputs, labels = case("max_pooled")
    feedback = ot.methods.FeedbackMatrices([RNG.normal(size=(int(np.prod(shape)), 2)) for shape in network.shapes[:-1]])
    assert_nonzero(ot.ottt.gradients(network, inputs, labels, error_feedback=feedback))
    assert_nonzero(ot.methods.gradients(general_rule(), network, inputs, labels))
    learner = ot.ottt.OnlineLearner(network, ot.training.SGD(0.1), time_steps=len(inputs))
    before = {name: value.copy() for name, value in network.parameters.items()}
    for x in inputs:
        learner.step(x, labels)
    assert all(np.any(before[name] != value) for name, value in network.parameters.items())


@pytest.mark.parametrize("pool", [ot.MaxPool2d((3, 2), (2, 1), (1, 0)), ot.MaxPool2d(2)], ids=repr)
def test_it_is_saved_and_loaded(pool, tmp_path):
    size = int(np.prod(pool.output_shape((1, 4, 4))))
    layers = [ot.Layer([pool, ot.Flatten(), ot.Dense(np.ones((2, size)))], lif())]
    ot.Network(layers, input_shape=(1, 4, 4)).save(tmp_path / "net.npz")
    loaded = ot.Network.load(tmp_path / "net.npz").layers[0].synapses
    assert repr(loaded) == repr(layers[0].synapses) and not loaded.linear


class Square(ot.Operation):
    """x², which is not linear and does not need max pooling to show."""

    linear = False

    def forward(self, values, bias_input):
        return values * values

    def adjoint(self, error, input_shape, values):
        return 2 * values * error


def test_an_operation_of_ones_own_may_be_no_linear_one():
    rng = np.random.default_rng(0)
    layers = [
        ot.Layer(ot.Dense(rng.normal(0.5, 1, (4, 3))), lif()),
        ot.Layer([ot.Dense(rng.normal(0.2, 0.7, (3, 4))), Square()], lif()),
        ot.Layer(ot.Dense(rng.normal(size=(2, 3))), ot.Integrator()),
    ]
    network, inputs, labels = ot.Network(layers), rng.normal(0.8, 1, (4, 2, 3)), np.array([0, 1])
    exact = rational(eighths(network))
    data = exact, ot.exact_array(np.round(8 * inputs) / 8), labels, ot.losses.MeanSquaredError()
    backward, forward = ot.bptt.gradients(*data), ot.rtrl.gradients(*data)
    assert_nonzero(backward)
    assert all(np.array_equal(forward[name], backward[name]) for name in backward)
    with pytest.raises(ValueError, match=r"layer1 must have its parameters \['weight', 'bias'\] after its last"):
        ot.ottt.gradients(network, inputs, labels)


class Around(ot.Operation):
    """Made of another, whose word it does not take."""

    child_names = ("inner",)

    def __init__(self, inner, linear=True):
        self.inner, self.linear = inner, linear

    def forward(self, values, bias_input):
        return self.inner.forward(values, bias_input)

    def adjoint(self, error, input_shape):
        return error


def test_linear_is_checked_at_the_door():
    def network(operation):
        return ot.Network([ot.Layer([operation, ot.Dense(np.eye(2))], ot.LIF())], input_shape=(2,))

    with pytest.raises(TypeError, match=r"layer0: Around\.linear must be True or False, got 'no'"):
        network(Around(ot.Scale(1.0), "no"))
    with pytest.raises(ValueError, match=r"layer0: Around\.linear must be False, as that of its Square is, got True"):
        network(Around(Square()))
    with pytest.raises(TypeError, match=r"layer0: Around\.adjoint must take .*, got TypeError"):  # it takes no values
        network(Around(Square(), False))
