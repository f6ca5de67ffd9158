"""Operations that are written outside of the package: in every method, refused where they do not fit, or by files."""

import doctest
from fractions import Fraction as F

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import losses
from ottt_ref.files.descriptions import describe
from ottt_ref.network.operations import BUILT_IN, SAVED, operation
from ottt_ref.simulation import simulator as simulation

from ..general import KINDS, dense, eighths, lif, matrix_of, rational
from ..helpers import IN_TIME, METHODS, assert_alive, assert_nonzero, bits, content
from ..test_general_networks import RELATIVE_ERROR, STEP, by_definition, traced


class Gain(ot.Operation):
    """Each neuron's value times a learned gain of its own."""

    parameter_names = ("neuron_gain",)

    def __init__(self, neuron_gain):
        self.neuron_gain = neuron_gain

    def forward(self, values, bias_input):
        return self.neuron_gain * values

    def adjoint(self, error, input_shape):
        return self.neuron_gain * error

    def add_gradients(self, gradients, error, presynaptic, bias_input):
        gradients["neuron_gain"] += (error * presynaptic).sum(axis=0)


class Permutation(ot.Operation):
    """The values in another order; numpy gives what is indexed so in a memory layout of its own."""

    def __init__(self, order):
        self.order = order

    def forward(self, values, bias_input):
        return values[:, self.order]

    def adjoint(self, error, input_shape):
        return error[:, np.argsort(self.order)]


class Shifted(ot.Operation):
    """c x + d with a fixed number c and a fixed array d, around an operation of any kind."""

    array_names = ("offset",)
    number_names = ("factor",)
    child_names = ("inner",)

    def __init__(self, inner, factor, offset):
        self.inner, self.factor, self.offset = inner, factor, offset
        self.parameter_names = inner.parameter_names

    def output_shape(self, input_shape):
        return self.inner.output_shape(input_shape)

    def forward(self, values, bias_input):
        return self.factor * self.inner.forward(values, bias_input) + self.offset * bias_input

    def adjoint(self, error, input_shape):
        return self.factor * self.inner.adjoint(error, input_shape)

    def add_gradients(self, gradients, error, presynaptic, bias_input):
        self.inner.add_gradients(gradients, self.factor * error, presynaptic, bias_input)


def outside_network(rng):
    """Two spiking layers, the second with a loop, and a readout: outside operations in each way into a layer."""
    gains = [rng.normal(1, 0.2, n) for n in (3, 4, 4, 4)]
    first = [Gain(gains[0]), dense(rng, 4, 3), Permutation(np.array([2, 0, 3, 1]))]
    second = Shifted(ot.Chain([dense(rng, 4, 4), Gain(gains[1])]), 0.75, rng.normal(0, 0.1, 4))
    layers = [
        ot.Layer(first, lif()),
        ot.Layer(second, lif(), [Permutation(np.array([1, 2, 3, 0])), Gain(0.3 * gains[2])]),
        ot.Layer([Gain(gains[3]), dense(rng, 2, 4)], ot.Integrator()),
    ]
    return ot.Network(layers, input_shape=(3,), skips=[ot.Skip(0, 2, dense(rng, 2, 4, bias=False))])


def outside_case(seed=0, time_steps=4, batch_size=3):
    rng = np.random.default_rng(seed)
    for _ in range(100):
        network = outside_network(rng)
        inputs = rng.normal(0.8, 1, (time_steps, batch_size, 3))
        if all(0 < spikes[:-1].mean() < 1 for spikes in ot.simulate(network, inputs).spikes):
            assert_alive(network, inputs)
            return network, inputs, rng.integers(0, 2, batch_size)
    raise AssertionError("no live network in 100 draws")


def test_the_example_in_the_docstring_runs():
    assert doctest.testmod(operation).attempted >= 6
    assert not doctest.testmod(operation).failed


def test_parameters_are_named_by_layer_and_attribute():
    network, _, _ = outside_case()
    gains = [name for name in network.parameters if name.endswith("neuron_gain")]
    assert gains == [f"{name}.neuron_gain" for name in ("layer0", "layer1", "layer1.recurrent", "readout")]
    assert repr(network.layers[0].synapses).startswith(
        "Chain([Gain(neuron_gain), Dense(3 -> 4, float64), Permutation()"
    )


def test_bptt_is_the_derivative_of_the_soft_spike_network():
    network, inputs, labels = outside_case()
    activity = simulation.run(network, inputs, soft=True)
    rows = losses.require_targets(losses.Mixed(), labels, inputs.shape[1], network)
    errors = losses.sequence_loss(losses.Mixed(), activity.outputs, rows)[1]
    got = ot.bptt.backward(network, activity, errors, reset_gradient="kept").values
    assert_nonzero(got)

    def loss():
        outputs = simulation.run(network, inputs, soft=True, derivatives=False).outputs
        return losses.sequence_loss(losses.Mixed(), outputs, rows)[0]

    for name, gradient in got.items():
        value = network.parameters[name]
        for index in np.ndindex(value.shape):
            before = value[index]
            value[index] = before + STEP
            ahead = loss()
            value[index] = before - STEP
            difference = (ahead - loss()) / (2 * STEP)
            value[index] = before
            assert abs(gradient[index] - difference) < RELATIVE_ERROR * np.abs(gradient).max(), name


@pytest.mark.parametrize("reset_gradient", ["detached", "kept"])
def test_rtrl_is_bptt_exactly(reset_gradient):
    network, inputs, labels = outside_case(time_steps=3, batch_size=2)
    exact = rational(eighths(network))
    data = (exact, ot.exact_array(np.round(8 * inputs) / 8), labels, ot.losses.MeanSquaredError())
    forward = ot.rtrl.gradients(*data, reset_gradient=reset_gradient)
    backward = ot.bptt.gradients(*data, reset_gradient=reset_gradient)
    assert_nonzero(backward)
    assert {type(number) for value in backward.values() for number in value.flat} == {F}
    for name in backward:
        assert np.array_equal(forward[name], backward[name]), name


def test_ottt_and_sltt_pair_errors_with_what_is_delivered():
    network, inputs, labels = outside_case()
    for method, decays in ((ot.ottt, lambda decay: decay), (ot.sltt, lambda decay: 0.0)):
        expected = by_definition(
            network, inputs, labels, lambda values, decay, delayed, of=decays: traced(values, of(decay), delayed)
        )
        got = method.gradients(network, inputs, labels)
        assert_nonzero(got)
        for name, value in got.items():  # a few dozen roundings
            np.testing.assert_allclose(value, expected[name], rtol=0, atol=1e-12 * np.abs(expected[name]).max())


def plain_twin(network):
    """The network with one dense matrix for everything that a connection goes through."""

    def dense_of(connection):
        matrix, offset = matrix_of(connection.operations, connection.input_shape)
        return ot.Dense(matrix, offset)

    return network.mapped(dense_of)


def test_spike_representation_goes_through_outside_operations():
    network, inputs, labels = outside_case()
    got = ot.spike_representation.gradients(network, inputs, labels)
    twin = ot.spike_representation.gradients(plain_twin(network), inputs, labels)
    assert_nonzero(got)
    assert got.loss == pytest.approx(twin.loss, rel=1e-9)  # the equilibria are solved to 1e-10 or so
    # diag(gain) after W: ∇gain_i = Σ_j ∇(gain W)_ij W_ij over the loop, whose W is a permutation
    gain = network.parameters["layer1.recurrent.neuron_gain"]
    whole = twin["layer1.recurrent.weight"]
    by_gain = [whole[i, [1, 2, 3, 0][i]] for i in range(len(gain))]
    np.testing.assert_allclose(got["layer1.recurrent.neuron_gain"], by_gain, rtol=1e-6, atol=1e-12)


def test_a_simulation_is_that_of_the_dense_matrices():
    network, inputs, _ = outside_case()
    got, expected = ot.simulate(network, inputs), ot.simulate(plain_twin(network), inputs)
    for values, others in zip(got.layer_potentials, expected.layer_potentials):
        np.testing.assert_allclose(values, others, rtol=0, atol=1e-12)


def test_float32_is_float64_rounded():
    network, inputs, labels = outside_case()
    rounded = network.astype(np.float32)
    assert {value.dtype for value in rounded.parameters.values()} == {np.dtype(np.float32)}
    assert rounded.layers[1].synapses.offset.dtype == np.float32
    for name in IN_TIME:
        got = METHODS[name](rounded, inputs.astype(np.float32), labels)
        expected = METHODS[name](network, inputs, labels)
        assert {value.dtype for value in content(got).values()} == {np.dtype(np.float32)}, name
        for parameter, value in got.items():  # of 6e-8, amplified through four time steps
            largest = np.abs(expected[parameter]).max()
            np.testing.assert_allclose(value, expected[parameter], rtol=0, atol=1e-4 * largest)


def test_copies_have_parameters_of_their_own_and_equal_numbers():
    network, inputs, labels = outside_case()
    before = bits(content(ot.ottt.gradients(network, inputs, labels)))
    copy, exact = network.copy(), rational(network)
    assert bits(content(ot.ottt.gradients(copy, inputs, labels))) == before
    for name in copy.parameters:
        copy.parameters[name] = 2 * copy.parameters[name]
    assert bits(content(ot.ottt.gradients(network, inputs, labels))) == before
    assert type(exact.layers[1].synapses.factor) is F and type(exact.layers[1].synapses.offset[0]) is F
    assert all(np.array_equal(exact.parameters[name], value) for name, value in network.parameters.items())


def test_masks_are_drawn_inside_of_outside_operations():
    inner = ot.Chain([ot.Dropout(0.5), dense(np.random.default_rng(0), 2, 3)])
    network = ot.Network([ot.Layer(Shifted(inner, 1.0, np.zeros(2)), ot.LIF())], input_shape=(3,))
    masked = network.with_dropout(4, 0)
    assert masked.batch_size == 4 and network.batch_size is None
    assert type(masked.layers[0].synapses) is Shifted
    assert masked.parameters["layer0.weight"] is network.parameters["layer0.weight"]


def test_optimisers_change_outside_parameters_offline_and_online():
    network, inputs, labels = outside_case()
    before = network.parameters["layer1.neuron_gain"].copy()
    ot.training.Adam(0.01).step(network.parameters, ot.ottt.gradients(network, inputs, labels))
    between = network.parameters["layer1.neuron_gain"].copy()
    assert not np.any(between == before)
    learner = ot.ottt.OnlineLearner(network, ot.training.SGD(0.01))
    for x in inputs:
        learner.step(x, labels)
    assert not np.any(network.parameters["layer1.neuron_gain"] == between)


def test_images_in_any_memory_layout_are_taken():
    """A transposed result is no contiguous array: what kernels write must still arrive."""

    class Transposed(ot.Operation):
        def output_shape(self, input_shape):
            channels, height, width = input_shape
            return channels, width, height

        def forward(self, values, bias_input):
            return values.swapaxes(2, 3)

        def adjoint(self, error, input_shape):
            return error.swapaxes(2, 3)

    gain = ot.SkipInit(np.array([0.5]))
    chain = ot.Chain([Transposed(), ot.Scale(2.0), gain, Transposed()])
    values = np.random.default_rng(0).normal(size=(2, 1, 2, 3))
    assert np.array_equal(chain.forward(values, np.ones(1)), values)
    assert np.array_equal(chain.adjoint(values, (1, 2, 3)), values)
    layers = [
        ot.Layer(Transposed(), ot.LIF()),
        ot.Layer([Transposed(), ot.Flatten(), dense(np.random.default_rng(1), 2, 6)], ot.LIF()),
    ]
    network = ot.Network(layers, input_shape=(1, 2, 3))
    inputs = 2 * values[np.newaxis]
    assert np.array_equal(ot.simulate(network, inputs).layer_potentials[0][0], inputs[0].swapaxes(2, 3))
    plain = ot.Network(
        [ot.Layer([], ot.LIF()), ot.Layer([ot.Flatten(), layers[1].synapses.operations[2]], ot.LIF())],
        input_shape=(1, 2, 3),
    )
    labels = np.array([0, 1])
    assert bits(ot.bptt.gradients(network, inputs, labels)) == bits(ot.bptt.gradients(plain, inputs, labels))


def variant(**methods):
    """A Gain with other methods, in a network."""
    kind = type("Mine", (Gain,), methods)
    return ot.Network([ot.Layer([dense(np.random.default_rng(0), 4, 3), kind(np.ones(4))], ot.LIF())])


def changing(self, values, bias_input):
    values *= 2
    return values


def replacing(self, gradients, error, presynaptic, bias_input):
    gradients["neuron_gain"] = (error * presynaptic).sum(axis=0)


def overwriting(self, gradients, error, presynaptic, bias_input):
    gradients["neuron_gain"][...] = (error * presynaptic).sum(axis=0)


WRONG = {
    "shape of forward": (
        {"forward": lambda self, values, bias_input: values[:, 1:]},
        ValueError,
        r"layer0: Mine.forward must return an array \[2, 4\] of float64 for \[2, 4\], got \[2, 3\]",
    ),
    "a batch lost": (
        {"forward": lambda self, values, bias_input: values[:1]},
        ValueError,
        r"layer0: Mine.forward must return an array \[2, 4\] of float64 for \[2, 4\], got \[1, 4\]",
    ),
    "dtype of forward": (
        {"forward": lambda self, values, bias_input: values.astype(np.float32)},
        TypeError,
        r"Mine.forward must return an array \[2, 4\] of float64 for \[2, 4\], got float32",
    ),
    "a list": (
        {"forward": lambda self, values, bias_input: [1.0]},
        TypeError,
        r"Mine.forward must return an array .*, got \[1.0\]",
    ),
    "shape of adjoint": (
        {"adjoint": lambda self, error, input_shape: error.sum(axis=1)},
        ValueError,
        r"Mine.adjoint must return an array \[2, 4\] of float64 for \[2, 4\], got \[2\]",
    ),
    "output shape": (
        {"output_shape": lambda self, input_shape: None},
        TypeError,
        r"Mine.output_shape must return a shape such as \(3, 32, 32\) for \(4,\), got None",
    ),
    "an empty output shape": (
        {"output_shape": lambda self, input_shape: (4, 0)},
        ValueError,
        r"Mine.output_shape must return sizes of at least 1 for \(4,\), got \(4, 0\)",
    ),
    "an error of its own": (
        {"adjoint": lambda self, error, input_shape: error @ np.ones((3, 4))},
        ValueError,
        r"Mine.adjoint must take \[2, 4\], \(4,\), got ValueError: matmul",
    ),
    "values changed": ({"forward": changing}, ValueError, "Mine.forward must not change what it is given"),
    "error changed": (
        {"adjoint": changing},
        ValueError,
        "Mine.adjoint must not change what it is given, got it changed in place",
    ),
    "presynaptic values changed": (
        {"add_gradients": lambda self, gradients, error, presynaptic, bias_input: presynaptic.fill(0)},
        ValueError,
        "Mine.add_gradients must not change what it is given",
    ),
    "gradients replaced": (
        {"add_gradients": replacing},
        ValueError,
        r"Mine.add_gradients must add to gradients\['neuron_gain'\] in place, got another array there",
    ),
    "gradients written over": (
        {"add_gradients": overwriting},
        ValueError,
        r"Mine.add_gradients must add to gradients\['neuron_gain'\] in place, got the same after a second call",
    ),
    "gradients of others": (
        {"add_gradients": lambda self, gradients, *rest: gradients.update(other=np.ones(2))},
        ValueError,
        r"Mine.add_gradients must keep the gradients of \['neuron_gain'\], got \['neuron_gain', 'other'\]",
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_operation_is_refused_when_the_network_is_made(fault):
    methods, error, complaint = WRONG[fault]
    assert list(variant().parameters) == ["layer0.weight", "layer0.bias", "layer0.neuron_gain"]
    with pytest.raises(error, match=complaint):
        variant(**methods)


@pytest.mark.parametrize("method", ["forward", "adjoint", "add_gradients"])
def test_a_method_that_is_not_written_is_refused(method):
    others = {name: value for name, value in vars(Gain).items() if not name.startswith("__") and name != method}
    kind = type("Mine", (ot.Operation,), {**others, "__init__": Gain.__init__})
    with pytest.raises(
        TypeError, match=rf"layer0: Mine.{method} must take .* got TypeError: Mine must define {method}\("
    ):
        ot.Network([ot.Layer([dense(np.random.default_rng(0), 4, 3), kind(np.ones(4))], ot.LIF())])


def test_wrong_declarations_are_refused():
    with pytest.raises(TypeError, match=r"Mine.parameter_names must be a tuple of names, got 'neuron_gain'"):
        type("Mine", (Gain,), {"parameter_names": "neuron_gain"})
    with pytest.raises(TypeError, match=r"Gain.neuron_gain, a parameter, must be an array, got \[1.0\]"):
        ot.Layer([Gain([1.0])], ot.LIF())
    with pytest.raises(ValueError, match=r"layer0: Gain.neuron_gain must be finite, got nan"):
        ot.Network([ot.Layer(Gain(np.array([1.0, np.nan])), ot.LIF())], input_shape=(2,))
    with pytest.raises(TypeError, match=r"layers must all have one dtype, got \['float32', 'float64'\]"):
        ot.Network([ot.Layer(ot.Dense(np.eye(2)), ot.LIF()), ot.Layer(Gain(np.ones(2, dtype=np.float32)), ot.LIF())])


def test_a_float_among_exact_numbers_is_refused():
    class Half(Permutation):
        def forward(self, values, bias_input):
            return 0.5 * values

    network = ot.Network(
        [ot.Layer([Half(np.array([1, 0])), Gain(np.ones(2))], ot.LIF(surrogate=ot.surrogate.Triangle()))],
        input_shape=(2,),
    )
    with pytest.raises(
        TypeError, match=r"layer0: Half.forward must give exact numbers for exact numbers, got the float"
    ):
        network.exact()


def test_an_operation_of_float64_alone_is_refused_in_float32():
    network = variant(forward=lambda self, values, bias_input: values * np.ones(4))
    with pytest.raises(TypeError, match=r"Mine.forward must return an array \[2, 4\] of float32 .* got float64"):
        network.astype(np.float32)


def test_built_in_operations_are_not_tried(monkeypatch):
    calls = []

    def forward(self, values, bias_input):
        calls.append(type(self))
        return values

    for kind in BUILT_IN:
        monkeypatch.setattr(kind, "forward", forward)
    for make in KINDS.values():
        make(np.random.default_rng(0))
    assert not calls
    ot.Network([ot.Layer(MyDense(np.eye(2)), ot.LIF())])
    assert calls == [MyDense]


class MyDense(ot.Dense):
    """Dense synapses of another type."""


class MyLIF(ot.LIF):
    """Neurons of another type."""


class MyTriangle(ot.surrogate.Triangle):
    """A surrogate of another type."""


Dense = type("Dense", (ot.Dense,), {})  # of the same name


def network_of(*, synapses=None, recurrent=None, neuron=None):
    hidden = ot.Layer(synapses or ot.Dense(np.eye(2)), neuron or ot.LIF(), recurrent)
    return ot.Network([hidden, ot.Layer(ot.Dense(np.eye(2)), ot.Integrator())], input_shape=(2,))


UNSAVED = {
    "a subclass": (
        lambda: network_of(synapses=MyDense(np.eye(2))),
        r"layer0 must be made of .*Dense.* got Dense\(2 -> 2",
    ),
    "a subclass of the same name": (
        lambda: network_of(synapses=Dense(np.eye(2))),
        "of type .*test_outside_operations.Dense",
    ),
    "inside a chain": (lambda: network_of(synapses=[ot.Scale(1.0), MyDense(np.eye(2))]), "of type .*MyDense"),
    "inside a standardisation": (
        lambda: network_of(synapses=ot.WeightStandardised(MyDense(np.eye(2)))),
        "layer0 must be made of .* of type .*MyDense",
    ),
    "an outside operation in a loop": (
        lambda: network_of(recurrent=Gain(np.ones(2))),
        r"layer0.recurrent must be made of AveragePool1d, .*, all that files can hold, got Gain\(neuron_gain\)",
    ),
    "a drawn mask": (
        lambda: network_of(synapses=[ot.Dropout(0.5), ot.Dense(np.eye(2))]).with_dropout(2, 0),
        "layer0 must be made of .* got Mask.* network must be saved as it is before with_dropout",
    ),
    "a neuron": (
        lambda: network_of(neuron=MyLIF()),
        r"layer0 must be made of LIF, CubaLIF, Integrator, .* of type .*MyLIF",
    ),
    "a surrogate": (
        lambda: network_of(neuron=ot.LIF(surrogate=MyTriangle())),
        "layer0 must be made of Sigmoid, .* of type .*MyTriangle",
    ),
    "another share of a pool": (
        lambda: ot.Network(
            [ot.Layer([ot.AveragePool2d(2).replaced(share=1.0), ot.Flatten(), ot.Dense(np.ones((2, 1)))], ot.LIF())],
            input_shape=(1, 2, 2),
        ),
        "layer0 must have share 0.25, as files cannot hold another, got AveragePool2d",
    ),
}


@pytest.mark.parametrize("part", UNSAVED)
def test_what_files_cannot_hold_is_refused_when_it_is_saved(part, tmp_path):
    make, complaint = UNSAVED[part]
    network = make()
    with pytest.raises(TypeError, match=complaint):
        network.save(tmp_path / "net.npz")
    assert not list(tmp_path.iterdir())


def saved_and_loaded(network, tmp_path):
    network.save(tmp_path / "net.npz")
    return ot.Network.load(tmp_path / "net.npz")


def test_numpy_integers_are_settings_like_pythons(tmp_path):
    two, one = np.int64(2), np.int32(1)
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(2, 1, 2, 2))
    chain = [
        ot.Upsample2d(two),
        ot.AveragePool2d((two, two), stride=(one, two), padding=np.uint8(1)),
        ot.Conv2d(weight, stride=two, padding=one),
        ot.Scale(np.int64(3)),
    ]
    shape = ot.Chain(chain).output_shape((1, 4, 4))
    size = int(np.prod(shape))
    network = ot.Network(
        [
            ot.Layer(chain, ot.LIF()),
            ot.Layer([ot.Flatten(), dense(rng, 3, size)], ot.LIF()),
            ot.Layer(dense(rng, 2, 3), ot.Integrator()),
        ],
        input_shape=(one, np.int64(4), 4),
        skips=[ot.Skip(np.int64(0), two, [ot.Flatten(), dense(rng, 2, size)])],
    )
    loaded = saved_and_loaded(network, tmp_path)
    assert repr(loaded.layers[0].synapses) == repr(network.layers[0].synapses)
    assert all(type(end) is int for end in (network.skips[0].source, network.skips[0].target))
    inputs = rng.normal(size=(2, 3, 1, 4, 4))
    assert bits(content(ot.ottt.gradients(loaded, inputs, np.array([0, 1, 0])))) == bits(
        content(ot.ottt.gradients(network, inputs, np.array([0, 1, 0])))
    )
    loop = ot.Feedback(np.int64(1), np.int64(0), ot.Dense(np.eye(2)))
    assert type(loop.source) is int and type(loop.target) is int


def test_every_type_that_files_hold_comes_back_with_every_field(tmp_path):
    rng = np.random.default_rng(0)
    kinds = [
        ot.Chain([ot.Scale(0.5), ot.Upsample2d(3), ot.Dropout(0.25)]),
        ot.AveragePool2d((3, 2), stride=(2, 1), padding=1),
        ot.WeightStandardised(ot.Conv2d(rng.normal(size=(2, 1, 2, 2)), False, stride=2, padding=1), epsilon=0.5),
        ot.SkipInit(np.array([0.75])),
        ot.ChannelScale(rng.normal(size=2), rng.normal(size=2)),
        ot.MaxPool2d((2, 1), 1, (1, 0)),
        ot.Flatten(),
    ]
    of_sequences = [
        ot.Conv1d(rng.normal(size=(4, 1, 2)), stride=2, padding=1, dilation=2, groups=2),
        ot.AveragePool1d(2, 1, 1),
        ot.MaxPool1d(2, 1, 1),
        ot.Flatten(),
    ]
    found = set()

    def compare(operation, other):
        found.add(type(operation))
        assert type(operation) is type(other) and set(vars(operation)) == set(vars(other))
        for name, value in vars(operation).items():
            if name not in operation.child_names:
                assert np.array_equal(value, getattr(other, name)), name
        for child, twin in zip(operation.children, other.children, strict=True):
            compare(child, twin)

    for operations, shape in ((kinds, (1, 4, 4)), (of_sequences, (2, 5))):
        size = ot.Chain(operations).output_shape(shape)[0]
        layers = [ot.Layer(operations, ot.LIF()), ot.Layer(dense(rng, 2, size), ot.Integrator())]
        network = ot.Network(layers, input_shape=shape)
        loaded = saved_and_loaded(network, tmp_path)
        for connection, other in zip(network.connections, loaded.connections, strict=True):
            compare(connection.operations, other.operations)
    assert found == set(SAVED)


def test_files_name_what_came_later_only_where_it_is_used():
    """A convolution as the first files had them is described as they describe it: older versions read it."""
    plain = ot.Conv2d(np.ones((2, 1, 2, 2)), stride=2)
    grouped = ot.Conv2d(np.ones((2, 1, 2, 2)), stride=(2, 1), dilation=2)
    described = []
    for convolution in (plain, grouped):
        layers = [ot.Layer(convolution, ot.LIF()), ot.Layer([ot.Flatten(), ot.Dense(np.ones((1, 8)))], ot.Integrator())]
        shape = (1, 4, 4) if convolution is plain else (1, 5, 4)
        described.append(describe(ot.Network(layers, input_shape=shape))["layers"][0]["synapses"])
    assert described[0] == {"type": "Conv2d", "bias": True, "stride": 2, "padding": 0}
    assert described[1] == {"type": "Conv2d", "bias": True, "stride": [2, 1], "padding": 0, "dilation": 2}


def test_a_mask_has_the_shape_of_what_reaches_its_dropout():
    """Not that of what enters the chain: two inputs become three currents, of which each has a mask of its own."""
    chain = [ot.Dense(np.ones((3, 2)), np.ones(3)), ot.Dropout(0.5)]
    drawn = ot.Network([ot.Layer(chain, ot.LIF())]).with_dropout(4, rng=0)
    currents = ot.simulate(drawn, np.ones((1, 4, 2))).potentials[0]
    assert currents.shape == (1, 4, 3) and set(currents.flat) == {0.0, 6.0}
    assert drawn.batch_size == 4
    with pytest.raises(ValueError, match=r"inputs must be \[T, 4, 2\]"):
        ot.simulate(drawn, np.ones((1, 3, 2)))


class SharedGain(ot.Operation):
    """One factor for each value, whose gradient is multiplied by `share`; for batches of `size` samples, if given."""

    parameter_names = ("gain",)
    share = 1
    size = None

    def __init__(self, gain):
        self.gain = gain

    @property
    def batch_size(self):
        return self.size

    def forward(self, values, bias_input):
        if self.size not in (None, len(values)):
            raise ValueError(f"{self.size} samples, not {len(values)}")
        return self.gain * values

    def adjoint(self, error, input_shape):
        return self.gain * error

    def add_gradients(self, gradients, error, presynaptic, bias_input):
        gradients["gain"] += self.share * (error * presynaptic).sum(axis=0)


def test_gradients_that_are_rounded_are_refused_when_the_network_is_made():
    rounding = type("Rounding", (SharedGain,), {"share": 0.5})
    network = ot.Network([ot.Layer(rounding(np.ones(2)), ot.LIF())], input_shape=(2,))
    with pytest.raises(TypeError, match=r"layer0: Rounding.add_gradients must give exact numbers for exact numbers"):
        network.exact()


def test_an_operation_for_one_batch_size_is_tried_with_it():
    three = type("Three", (SharedGain,), {"size": 3})
    network = ot.Network([ot.Layer(three(np.ones(2)), ot.LIF())], input_shape=(2,))
    assert network.batch_size == 3 and ot.simulate(network, np.ones((1, 3, 2))).outputs.shape == (1, 3, 2)
