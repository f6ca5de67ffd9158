"""Every method on recurrent, feedback, convolutional, standardised and residual networks."""

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import losses
from ottt_ref.simulation import simulator as simulation

from ..selection import slow
from .general import KINDS, LARGE, LOOPS, WITHOUT_RATES, case, eighths, naive_simulation, rational
from .helpers import IN_TIME, METHODS, assert_close, assert_nonzero, bits, content

EXACT = [kind for kind in KINDS if "standardised" not in kind]  # a square root has no exact values
STEP = 2.0**-16
# Central differences are off by h² L'''/6, some 1e-10 L''', and by rounding, some 1e-16 / h = 1e-11.
RELATIVE_ERROR = 1e-6

every_kind = pytest.mark.parametrize("kind", slow(KINDS, [kind for kind in KINDS if kind in LARGE]))
every_exact_kind = pytest.mark.parametrize("kind", slow(EXACT, [kind for kind in EXACT if kind in LARGE]))


@every_kind
def test_a_simulation_is_the_equations(kind):
    network, inputs, _ = case(kind)
    activity = ot.simulate(network, inputs)
    for l, expected in enumerate(naive_simulation(network, inputs)):
        got = activity.layer_potentials[l]
        assert got.shape == (*inputs.shape[:2], *network.shapes[l])
        np.testing.assert_allclose(got.reshape(expected.shape), expected, rtol=0, atol=1e-12)  # a few dozen roundings


@every_kind
def test_float32_is_float64_rounded(kind):
    network, inputs, labels = case(kind)
    rounded = network.astype(np.float32)
    assert rounded.dtype == np.float32 and {v.dtype for v in rounded.parameters.values()} == {np.dtype(np.float32)}
    inputs32 = inputs.astype(np.float32)
    spikes = [ot.simulate(net, x).spikes for net, x in ((network, inputs), (rounded, inputs32))]
    assert all(np.array_equal(a, b) for a, b in zip(*spikes))
    for name in IN_TIME:
        got, expected = METHODS[name](rounded, inputs32, labels), METHODS[name](network, inputs, labels)
        assert {value.dtype for value in content(got).values()} == {np.dtype(np.float32)}, name
        assert_close(dict(got), dict(expected), 1e-4)  # of 6e-8, amplified through four time steps and eight layers


@every_kind
def test_compiled_and_uncompiled_runs_agree_bit_for_bit(kind):
    network, inputs, labels = case(kind, time_steps=3, batch_size=1 if kind == "residual" else 3)
    plain, plain_inputs = network.as_objects(float), inputs.astype(object)
    for name in IN_TIME:
        compiled = content(METHODS[name](network, inputs, labels, terms=True))
        interpreted = content(METHODS[name](plain, plain_inputs, labels, terms=True))
        assert bits(compiled) == bits(interpreted), name


@every_kind
def test_bptt_is_the_derivative_of_the_soft_spike_network(kind):
    network, inputs, labels = case(kind)
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
        differences = np.zeros_like(value)
        for index in np.ndindex(value.shape):
            before = value[index]
            value[index] = before + STEP
            ahead = loss()
            value[index] = before - STEP
            differences[index] = (ahead - loss()) / (2 * STEP)
            value[index] = before
        assert np.abs(gradient - differences).max() < RELATIVE_ERROR * np.abs(gradient).max(), name


@pytest.mark.parametrize("reset_gradient", ["detached", "kept"])
@every_exact_kind
def test_rtrl_is_bptt_exactly(kind, reset_gradient):
    time_steps = 2 if kind == "residual" else 3  # it has no delays, and takes the longest
    network, inputs, labels = case(kind, time_steps=time_steps, batch_size=3 if kind == "dropped_out" else 1)
    exact = rational(eighths(network))
    data = (exact, ot.exact_array(np.round(8 * inputs) / 8), labels, ot.losses.MeanSquaredError())
    forward = ot.rtrl.gradients(*data, reset_gradient=reset_gradient)
    backward = ot.bptt.gradients(*data, reset_gradient=reset_gradient)
    assert_nonzero(backward)
    for name in backward:
        assert np.array_equal(forward[name], backward[name]), name


@pytest.mark.parametrize("kind", [kind for kind in EXACT if kind in LOOPS])
def test_what_comes_back_by_delays_is_part_of_bptt(kind):
    network, inputs, _ = case(kind)
    activity = ot.simulate(network, inputs)
    errors = np.ones_like(activity.outputs)
    whole, cut = (ot.bptt.backward(network, activity, errors, delays_back=back).values for back in (True, False))
    assert any(not np.allclose(whole[name], cut[name]) for name in whole)


def traced(values, decay, delay):
    """λ-traces of values [T, B, n] that arrive `delay` time steps later, each summed anew."""
    values = np.concatenate([np.zeros_like(values[:1])] * delay + [values])[: len(values)]
    return np.array([sum(decay ** (t - k) * values[k] for k in range(t + 1)) for t in range(len(values))])


def by_definition(network, inputs, labels, pair):
    """Σ_t over one error at a time: `pair(values, decay, delay)` is what spikes [T, B, n] are paired as."""
    activity = ot.simulate(network, inputs)
    rows = losses.require_targets(losses.Mixed(), labels, inputs.shape[1], network)
    output_errors = losses.sequence_loss(losses.Mixed(), activity.outputs, rows)[1]
    result = network.zero_gradients()
    for t in range(len(inputs)):
        for l, then, error in errors_of_a_step(network, activity, t, output_errors[t]):
            add_paired(result, network, activity, l, then, error, pair)
    return result


def errors_of_a_step(network, activity, t, output_error):
    """(layer, time step that it belongs to, error at its potentials), one for each way back from the outputs at t."""
    ways = [(len(network.layers) - 1, t, output_error)]
    for l, then, spike_error in ways:
        if then >= 0:
            error = spike_error * activity.layer_surrogate_derivatives[l][then]
            yield l, then, error
            back = [c for c in network.connections if c.target == l and not c.loop and c.source != -1]
            ways += [(c.source, then - c.delay, c.adjoint(error)) for c in back]


def add_paired(result, network, activity, l, then, error, pair):
    """Add what an error of layer l gives, paired with what its connections deliver at the time step `then`."""
    inputs = activity.inputs
    for connection in (c for c in network.connections if c.target == l):
        decay = network.layers[network.trace_layer(l)].neuron.decay
        values = activity.output_of(connection.source)
        ones = np.ones((len(inputs), 1))
        is_readout = l == len(network.layers) - 1 and network.readout == "linear"
        constant = ones if is_readout else pair(ones, decay, 0)
        connection.add_gradients(result, error, pair(values, decay, connection.delay)[then], constant[then])


@every_kind
def test_ottt_pairs_errors_with_traces_of_what_is_delivered(kind):
    network, inputs, labels = case(kind)
    got = ot.ottt.gradients(network, inputs, labels)
    assert_nonzero(got)
    assert_close(dict(got), by_definition(network, inputs, labels, traced), 1e-12)


@every_kind
def test_sltt_pairs_errors_with_what_is_delivered(kind):
    network, inputs, labels = case(kind)
    got = ot.sltt.gradients(network, inputs, labels)

    def untraced(values, decay, delay):
        return traced(values, 0.0, delay)

    assert_close(dict(got), by_definition(network, inputs, labels, untraced), 1e-12)


@every_kind
def test_the_authors_dialect_traces_neither_inputs_nor_biases(kind):
    network, inputs, labels = case(kind)
    derivation, authors = (ot.ottt.gradients(network, inputs, labels, dialect=d) for d in ("derivation", "authors"))
    sltt = ot.sltt.gradients(network, inputs, labels)
    inner = [c for c in network.connections if c.source != -1]
    for connection in inner:
        for name, (_, parameter) in connection.parameters.items():
            if parameter == "weight":
                np.testing.assert_allclose(authors[name], derivation[name], rtol=1e-12, atol=1e-15)
    first = network.connections[0]
    for name, (_, parameter) in first.parameters.items():
        np.testing.assert_allclose(authors[name], sltt[name], rtol=1e-12, atol=1e-15, err_msg=name)
        assert not np.allclose(derivation[name], sltt[name]) or parameter not in ("weight", "bias")


@every_kind
def test_online_steps_without_learning_are_the_terms_of_the_accumulated_gradient(kind):
    network, inputs, labels = case(kind)
    before = {name: value.copy() for name, value in network.parameters.items()}
    optimizer = ot.training.SGD(1.0, momentum=0)
    terms = ot.ottt.gradients(network, inputs, labels, terms=True).terms
    learner = ot.ottt.OnlineLearner(network, optimizer, time_steps=len(inputs))
    for t in range(len(inputs)):
        learner.step(inputs[t], labels)
        for name, value in network.parameters.items():
            np.testing.assert_allclose(before[name] - value, terms[name][t], rtol=0, atol=1e-14)
            network.parameters[name] = before[name]


@every_kind
def test_onlines_state_does_not_grow(kind):
    network, inputs, labels = case(kind)
    learner = ot.ottt.OnlineLearner(network, ot.training.SGD(0.0))
    sizes = []
    for _ in range(3):
        for x in inputs:
            learner.step(x, labels)
            sizes.append(learner.state_bytes)
    assert len(set(sizes)) == 1


def test_two_connections_of_one_source_share_a_trace():
    network, inputs, _ = case("residual")
    traces = ot.methods.Traces(network, inputs.shape[1], "derivation")
    # the spikes of layer 4 go through a convolution to layer 5 and through another to layer 6
    first, second = (c for c in network.connections if c.source == 4)
    assert traces.presynaptic(first) is traces.presynaptic(second)
    identity = next(c for c in network.connections if c.name == "layer3.skip0")
    assert not identity.parameters and identity.name not in traces._keys


@every_kind
def test_a_saved_network_is_the_same_network(kind, tmp_path):
    network, inputs, labels = case(kind)
    if kind == "dropped_out":
        with pytest.raises(TypeError, match="network must be saved as it is before with_dropout"):
            network.save(tmp_path / "net.npz")
        assert not list(tmp_path.iterdir())
        return
    network.save(tmp_path / "net.npz")
    loaded = ot.Network.load(tmp_path / "net.npz")
    assert repr(loaded) == repr(network) and list(loaded.parameters) == list(network.parameters)
    for method in [METHODS[name] for name in METHODS if name in IN_TIME or kind not in WITHOUT_RATES]:
        assert bits(content(method(loaded, inputs, labels))) == bits(content(method(network, inputs, labels)))
    loaded.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "net.npz").read_bytes()


@every_kind
def test_a_copy_has_parameters_of_its_own(kind):
    network, inputs, labels = case(kind)
    before = bits(content(ot.ottt.gradients(network, inputs, labels)))
    copy = network.copy()
    assert bits(content(ot.ottt.gradients(copy, inputs, labels))) == before
    for name, value in copy.parameters.items():
        copy.parameters[name] = 2 * value
    assert bits(content(ot.ottt.gradients(network, inputs, labels))) == before


def test_dropout_does_nothing_until_its_masks_are_drawn():
    rng = np.random.default_rng(0)
    plain = ot.Layer(ot.Dense(rng.normal(size=(3, 4))), ot.LIF())
    readout = ot.Dense(rng.normal(size=(2, 3)))
    without = ot.Network([plain, ot.Layer(readout, ot.Integrator())])
    with_it = ot.Network([plain, ot.Layer([ot.Dropout(0.5), readout], ot.Integrator())])
    inputs, labels = rng.normal(size=(4, 3, 4)), np.array([0, 1, 0])
    results = [bits(content(ot.ottt.gradients(network, inputs, labels))) for network in (without, with_it)]
    assert results[0] == results[1]


def test_a_mask_stays_over_the_time_steps_and_differs_between_samples():
    network = ot.Network(
        [
            ot.Layer(ot.Dense(np.eye(50) * 2), ot.LIF()),
            ot.Layer([ot.Dropout(0.5), ot.Dense(np.eye(50))], ot.Integrator()),
        ]
    )
    masked = network.with_dropout(2, np.random.default_rng(0))
    outputs = ot.simulate(masked, np.ones((3, 2, 50))).outputs
    assert set(np.unique(outputs)) == {0.0, 2.0}  # 1 / (1 - 0.5)
    assert np.array_equal(outputs[0], outputs[1]) and np.array_equal(outputs[0], outputs[2])
    assert not np.array_equal(outputs[0, 0], outputs[0, 1])
    again = network.with_dropout(2, np.random.default_rng(0))
    assert np.array_equal(ot.simulate(again, np.ones((3, 2, 50))).outputs, outputs)


def test_masks_share_the_parameters_and_fix_the_batch():
    network = ot.Network([ot.Layer([ot.Dropout(0.5), ot.Dense(np.ones((2, 3)))], ot.LIF())], input_shape=(3,))
    masked = network.with_dropout(4, np.random.default_rng(0))
    ot.training.SGD(0.1).step(masked.parameters, masked.zero_gradients() | {"layer0.bias": np.ones(2)})
    assert network.parameters["layer0.bias"].tolist() == masked.parameters["layer0.bias"].tolist() != [0, 0]
    with pytest.raises(ValueError, match=r"inputs must be \[T, 4, 3\], got shape \(2, 3, 3\)"):
        ot.simulate(masked, np.ones((2, 3, 3)))
    learner = ot.ottt.OnlineLearner(masked, ot.training.SGD(0.1))
    with pytest.raises(ValueError, match=r"inputs must be \[4, 3\], got shape \(3, 3\)"):
        learner.step(np.ones((3, 3)), np.zeros(3, int))


def layer(n_out=2, n_in=3, neuron=None, recurrent=None):
    return ot.Layer(ot.Dense(np.ones((n_out, n_in))), neuron or ot.LIF(), recurrent)


DENSE = ot.Dense(np.ones((2, 2)))
REFUSED = [
    (
        lambda: ot.Feedback(0, 1, DENSE),
        "feedback must go from a later layer to an earlier one, got source 0 and target 1: use Skip",
    ),
    (lambda: ot.Feedback(1, 1, DENSE), r"got source 1 and target 1: use Layer\(..., recurrent=...\)"),
    (lambda: ot.Skip(1, 0), "skip must go from an earlier layer to a later one, got source 1 and target 0"),
    (lambda: ot.Skip(-2, 0), "source must be at least -1, got -2"),
    (
        lambda: ot.Network([layer(), layer(2, 2)], feedback=[ot.Feedback(2, 0, DENSE)]),
        r"feedback\[0\].source must be one of the layers 0 .. 1, got 2",
    ),
    (
        lambda: ot.Network([layer(), layer(2, 2, ot.Integrator())], feedback=[ot.Feedback(1, 0, DENSE)]),
        r"feedback\[0\].source must be a layer that spikes or leaks, got the stateless layer 1",
    ),
    (
        lambda: ot.Network([layer(), layer(2, 2)], feedback=[ot.Feedback(1, 0, DENSE)] * 2),
        r"feedback must join each two layers once, got \[\(1, 0\), \(1, 0\)\]",
    ),
    (
        lambda: ot.Network([layer(), layer(2, 2)], feedback=[ot.Feedback(1, 0, ot.Dense(np.ones((3, 2))))]),
        r"layer0.feedback1 must give layers\[0\] \[2\], got \[3\]",
    ),
    (
        lambda: ot.Network([layer(recurrent=ot.Dense(np.ones((2, 3))))]),
        r"layers\[0\] \(recurrent\) must take what layers\[0\] gives: Dense\(3 -> 2, .* must be given \[3\], got \[2\]",
    ),
    (
        lambda: ot.Network([layer(4), layer(2, 4)], skips=[ot.Skip(-1, 1)]),
        r"layer1.skip-1 must give layers\[1\] \[2\], got \[3\]",
    ),
    (
        lambda: layer(neuron=ot.Integrator(), recurrent=DENSE),
        "recurrent must be None for a layer that carries nothing to the next time step, got Dense",
    ),
    (
        lambda: ot.Network([ot.Layer(ot.Conv2d(np.ones((2, 1, 3, 3))), ot.LIF())]),
        r"input_shape must be given for a network whose first operation is not dense, such as \(3, 32, 32\), got None",
    ),
    (
        lambda: ot.Network([ot.Layer(ot.Conv2d(np.ones((2, 1, 3, 3))), ot.LIF())], input_shape=(1, 2, 4)),
        r"layers\[0\] must take what the input gives: Conv2d.* must be given images of at least its window 3 x 3 when "
        r"padded, got 2 x 4 from \[1, 2, 4\]",
    ),
    (
        lambda: ot.Network([ot.Layer(ot.Conv2d(np.ones((2, 1, 3, 3))), ot.LIF())], input_shape=(3, 4, 4)),
        r"must be given 1 channels, got \[3, 4, 4\]",
    ),
    (
        lambda: ot.Network([ot.Layer(ot.Conv2d(np.ones((2, 1, 3, 3))), ot.LIF())], input_shape=(16,)),
        r"must be given images \[C, H, W\], got \[16\]",
    ),
    (
        lambda: ot.Network([ot.Layer(ot.Conv2d(np.ones((2, 1, 3, 3))), ot.LIF())], input_shape=(1, 4, 4)),
        r"layers\[0\] must give one row of outputs per sample \(see Flatten\), got \[2, 2, 2\]",
    ),
    (
        lambda: ot.Network([ot.Layer(ot.AveragePool2d(5), ot.LIF()), layer()], input_shape=(1, 4, 4)),
        r"AveragePool2d.* must be given images of at least its window 5 x 5 when padded, got 4 x 4",
    ),
    (lambda: ot.AveragePool2d(2, padding=2), r"padding must be less than the size \(2, 2\), got 2"),
    (lambda: ot.Conv2d(np.ones((1, 1, 2, 2)), stride=0), "stride must be at least 1, got 0"),
    (lambda: ot.Conv2d(np.ones((1, 2, 2))), r"weight must be \[C_out, C_in, K_H, K_W\], got shape \(1, 2, 2\)"),
    (lambda: ot.AveragePool2d(2, stride=2**31), "stride must be at most 2147483647, got 2147483648"),
    (lambda: ot.Dropout(1.0), r"rate must be in \[0, 1\), got 1.0"),
    (lambda: ot.WeightStandardised(ot.Dense(np.ones((3, 1)))), "synapses must have a fan-in of at least 2"),
    (lambda: ot.WeightStandardised(DENSE, np.ones(3)), r"gain must be \[2\], got shape \(3,\)"),
    (lambda: ot.WeightStandardised(DENSE, epsilon=0.0), "epsilon must be above 0, got 0.0"),
    (lambda: ot.Chain([DENSE, DENSE]), r"at most one parameter of each name, got several of \['bias', 'weight'\]"),
    (lambda: ot.Network([ot.Layer(ot.Scale(2.0), ot.LIF())], input_shape=(3,)), "at least one parameter, got none"),
    (
        lambda: ot.Network(
            [layer(4), layer(2, 4, ot.Integrator()), layer(2, 2, ot.LIF(0.5)), layer(2, 2, ot.LIF(0.9))],
            skips=[ot.Skip(1, 3)],
        ),
        r"layers\[1\] must pass its current on to neurons of one decay.* got decays \[0.5, 0.9\] of layers \[2, 3\]",
    ),
]
REFUSED_TYPES = [
    (lambda: ot.Network([layer()], feedback=5), "feedback must be a sequence of Feedback objects, got 5"),
    (lambda: ot.Network([layer()], skips=[DENSE]), r"skips\[0\] must be a Skip, got Dense"),
    (lambda: ot.Network([layer()], input_shape=3), r"input_shape must be a shape such as \(3, 32, 32\), got 3"),
    (lambda: ot.Feedback(1, 0, np.ones((2, 2))), "operations must be an operation such as Dense"),
    (lambda: ot.Feedback(1.0, 0, DENSE), "source must be a whole number of at least -1, got 1.0"),
    (lambda: ot.Chain("ab"), "operations must be a sequence of operations such as Dense or Flatten, got 'ab'"),
    (lambda: ot.Chain([DENSE, 3]), r"operations\[1\] must be an operation such as Dense or Flatten, got 3"),
    (
        lambda: ot.Chain([DENSE, ot.SkipInit(np.ones(1, np.float32))]),
        r"operations must all have one dtype, got \['float32', 'float64'\]",
    ),
    (lambda: ot.WeightStandardised(ot.Scale(2.0)), "synapses must be Dense or Conv2d, got Scale"),
    (lambda: ot.Scale("2"), "factor must be a number that is finite, got '2'"),
    (
        lambda: (
            ot.Network([ot.Layer(ot.WeightStandardised(ot.Dense(np.eye(2))), ot.LIF())]).exact().parameters
            and ot.simulate(
                ot.Network([ot.Layer(ot.WeightStandardised(ot.Dense(np.eye(2))), ot.LIF())]).exact(),
                ot.exact_array(np.ones((1, 1, 2))),
            )
        ),
        "network must have no weight standardisation for exact numbers: its square root has none",
    ),
    (lambda: ot.Network([layer()]).with_dropout(2, "seed"), "rng must be a numpy.random.Generator or a seed"),
]


@pytest.mark.parametrize(("make", "complaint"), REFUSED, ids=range(len(REFUSED)))
def test_what_does_not_fit_is_refused_by_name(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()


@pytest.mark.parametrize(("make", "complaint"), REFUSED_TYPES, ids=range(len(REFUSED_TYPES)))
def test_what_is_no_operation_is_refused_by_name(make, complaint):
    with pytest.raises(TypeError, match=complaint):
        make()


def test_a_layer_without_memory_is_not_given_the_trace_of_another():
    """λ = 0 is also the decay of a sum of currents, whose inputs have the λ of the membranes that it feeds."""
    rng = np.random.default_rng(0)
    layers = [
        ot.Layer(ot.Dense(rng.normal(1, 0.5, (3, 3))), ot.Integrator()),
        ot.Layer(ot.Dense(rng.normal(0.5, 0.5, (3, 3))), ot.LIF(0.75)),
        ot.Layer(ot.Dense(rng.normal(1, 0.5, (3, 3))), ot.LIF(0.0)),
        ot.Layer(ot.Dense(rng.normal(size=(2, 3))), ot.Integrator()),
    ]
    network, inputs, labels = ot.Network(layers), rng.random((4, 3, 3)), np.array([0, 1, 0])
    assert all(0 < spikes.mean() < 1 for spikes in ot.simulate(network, inputs).spikes)
    got = ot.ottt.gradients(network, inputs, labels)
    assert_close(dict(got), by_definition(network, inputs, labels, traced), 1e-12)


@pytest.mark.parametrize("kind", ["leaky_stages", "leaky_loops", "delays", "delayed_loop"])
def test_with_leaky_stages_and_delays_ottt_is_bptt_with_one_leak_exactly(kind):
    exact, activity, errors = exactly(kind)
    ottt = ot.ottt.accumulate(exact, activity, errors).values
    membranes = len(exact.layers) - (exact.readout == "linear")  # a stateless readout's traced weight: see Q1
    for l in range(membranes):
        leaks = [k == l for k in range(len(exact.layers))]
        one_leak = ot.bptt.backward(exact, activity, errors, leaks_back=leaks, delays_back=False).values
        for name in (name for c in exact.incoming(l) for name in c.parameters):
            assert np.array_equal(ottt[name], one_leak[name]) and np.any(ottt[name] != 0), name


def exactly(kind):
    """A network over fractions, its activity and output errors that differ from time step to time step."""
    network, inputs, _ = case(kind)
    exact = rational(eighths(network))
    activity = ot.simulate(exact, ot.exact_array(np.round(8 * inputs) / 8))
    shape = activity.outputs.shape
    return exact, activity, ot.exact_array((1 + np.arange(np.prod(shape)).reshape(shape) % 5) / 4)


@pytest.mark.parametrize("kind", ["leaky_stages", "leaky_loops", "delays", "delayed_row", "delayed_loop"])
def test_with_leaky_stages_and_delays_sltt_is_bptt_without_leaks_exactly(kind):
    exact, activity, errors = exactly(kind)
    sltt = ot.sltt.accumulate(exact, activity, errors, terms=True)
    no_leaks = [False] * len(exact.layers)
    bptt = ot.bptt.backward(exact, activity, errors, leaks_back=no_leaks, delays_back=False, terms=True)
    for name, value in bptt.values.items():
        assert np.array_equal(sltt.values[name], value) and np.any(value != 0), name
        assert np.array_equal(sltt.terms[name].sum(axis=0), value), name
    for l, error in enumerate(bptt.errors):
        assert np.array_equal(sltt.errors[l], error)


def test_a_leaky_stage_has_no_rate_that_follows_from_rates():
    """Spikes of one weighted rate, which differ in when they come, and potentials of two: what SR would need."""
    stage = ot.Layer(ot.Dense(np.array([[1.0]])), ot.Integrator(0.5))
    network = ot.Network([stage, ot.Layer(ot.Dense(np.array([[1.0]])), ot.LIF(0.5))])
    early, late = (np.array(values).reshape(3, 1, 1) for values in ([4.0, 0.0, 0.0], [0.0, 2.0, 0.0]))
    assert ot.weighted_rate(early, 0.5) == ot.weighted_rate(late, 0.5)
    rates = [ot.weighted_rate(ot.simulate(network, each).layer_outputs[0], 0.5).item() for each in (early, late)]
    assert rates == [12 / 7, 8 / 7]  # Σ_t (T - t + 1) λ^(T-t) I[t] / Λ_T, with Λ_T = 7/4
    refused = r"layers\[0\] must spike or be stateless for spike_representation: .* got Integrator\(.*\) with layer1"
    for call in (
        lambda: ot.spike_representation.gradients(network, early, np.array([0])),
        lambda: ot.rates.measured_rates(network, early),
        lambda: ot.equilibrium.contraction_factor(network),
    ):
        with pytest.raises(ValueError, match=refused):
            call()
