"""Code from outside that gives something else than it should: named, never run by a kernel, never a wrong number."""

from dataclasses import dataclass

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import methods

INPUTS, LABELS = np.linspace(0, 0.6, 24).reshape(4, 3, 2), np.array([1, 0, 1])
TRIANGLE = ot.surrogate.Triangle()


def network(sizes=(2, 3, 2)):
    return ot.dense_network(list(sizes), rng=7)


def a(base, **changes):
    return type("Other", (base,), changes)


def for_three(wrong, right=lambda array: array * 1):
    """What is right for one sample and for two, and wrong for the three that are run."""
    return lambda self, array, *_: right(array) if len(array) < 3 else wrong(array)


WRONG = [None, 3, "x", [[1.0, 2.0, 3.0]] * 3, np.zeros((3, 9)), np.ones((1, 3)), np.ones((3, 3), np.float32)]


@pytest.mark.parametrize("method", ["presynaptic", "surrogate_derivative", "bias_input"])
@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_a_rule_gives_is_checked(method, wrong):
    rule = a(methods.Rule, **{method: lambda self, *_: wrong})
    learner = methods.OnlineLearner(rule, network(), ot.training.SGD())
    for run in (
        lambda: methods.gradients(rule, network(), INPUTS, LABELS),
        lambda: methods.accumulate(rule, network(), ot.simulate(network(), INPUTS), np.ones((4, 3, 2))),
        lambda: learner.step(INPUTS[0], LABELS),
    ):
        with pytest.raises((TypeError, ValueError), match=rf"rule: {method} of Other .* must give float64 \["):
            run()


def test_a_connection_checks_what_a_rule_pairs_by_itself():
    def add_gradients(self, gradients, connection, error, spike_error, activity):
        connection.add_gradients(gradients, error, np.ones((3, 50)), self.network.bias_input)

    with pytest.raises(ValueError, match=r"layer0: presynaptic values must be float64 \[3, 2\], got float64 \[3, 50\]"):
        methods.gradients(a(methods.Rule, add_gradients=add_gradients), network(), INPUTS, LABELS)


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_an_error_feedback_gives_is_checked(wrong):
    feedback = a(methods.ErrorFeedback, spike_error=lambda self, *_: wrong)()
    with pytest.raises(
        (TypeError, ValueError), match=r"error_feedback: spike_error of Other for layers\[1\] must give"
    ):
        ot.ottt.gradients(network(), INPUTS, LABELS, error_feedback=feedback)


@pytest.mark.parametrize(
    ("matrices", "complaint"),
    [
        (3, "matrices must be a sequence of arrays"),
        ("ab", "matrices must be a sequence of arrays"),
        ([[[1.0, 2.0], [3.0]]], r"matrices\[0\] must be an array"),
        ([np.ma.masked_array(np.ones((3, 2)), True)], r"matrices\[0\] must be a plain array, got a masked one"),
    ],
)
def test_matrices_are_named(matrices, complaint):
    with pytest.raises(TypeError, match=complaint):
        methods.FeedbackMatrices(matrices)


def test_matrices_are_copied():
    matrix = np.ones((3, 2))
    feedback = methods.FeedbackMatrices([matrix])
    matrix[...] = 0
    assert np.all(feedback.matrices[0] == 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda activity: activity.inputs.__imul__(2.0),
        lambda activity: activity.layer_states[0][0].__iadd__(1.0),
        lambda activity: activity.layer_outputs[0].__iadd__(1.0),
        lambda activity: activity.layer_surrogate_derivatives[0].__iadd__(1.0),
    ],
)
def test_a_rule_or_feedback_that_changes_what_it_is_given_is_refused(change):
    advancing = a(methods.Rule, advance=lambda self, activity: change(activity))

    def spike_error(self, network, step, l, errors):
        change(step.activity)
        return methods.TransposedWeights().spike_error(network, step, l, errors)

    feedback = a(methods.ErrorFeedback, spike_error=spike_error)()
    inputs = INPUTS + 0.25
    for rule, options in ((advancing, {}), (methods.Rule, {"error_feedback": feedback})):
        with pytest.raises(ValueError, match=r"must not change what it is given, got activity\."):
            methods.gradients(rule, network(), inputs.copy(), LABELS, **options)
        with pytest.raises(ValueError, match=r"must not change what it is given, got activity\."):
            methods.OnlineLearner(rule, network(), ot.training.SGD(), **options).step(inputs[0].copy(), LABELS)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda activity, connections: activity.previous_states[0][0].__iadd__(1.0), r"previous_states\[0\]\[0\]"),
        (lambda activity, connections: activity.previous_outputs[0].__iadd__(1.0), r"previous_outputs\[0\]"),
        (lambda activity, connections: activity.delivered(connections[1]).__iadd__(1.0), r"delivered\(readout\)"),
    ],
)
def test_what_was_before_is_not_changed_by_a_rule_either(change, named):
    """The states before, which learned decays take, and what a delay delivers: they go on to later time steps."""
    learned = ot.Layer(ot.Dense(np.ones((3, 2))), ot.LIF(trainable=("decay",)))
    late = ot.Network([learned, ot.Layer(ot.Dense(np.ones((1, 3))), ot.Integrator(), delay=3)])
    rule = a(methods.Rule, advance=lambda self, activity: change(activity, late.connections))
    with pytest.raises(ValueError, match=f"must not change what it is given, got activity.{named} changed in place"):
        methods.gradients(rule, late, np.ones((2, 1, 2)), np.array([0]))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda step: step.output_error.__iadd__(1.0), "output_error"),
        (lambda step: step.targets.__iadd__(1.0), "targets"),
        (lambda step: step.weights.__iadd__(1.0), "weights"),
        (lambda step: step.regularisation[0].__iadd__(1.0), r"regularisation\[0\]"),
    ],
)
def test_feedback_that_changes_the_step_it_is_given_is_refused(change, named):
    def spike_error(self, network, step, l, errors):
        change(step)
        return methods.TransposedWeights().spike_error(network, step, l, errors)

    options = {"weights": np.ones(len(INPUTS)), "regulariser": ot.losses.FiringRate(0.5)}
    feedback = a(methods.ErrorFeedback, spike_error=spike_error)()
    with pytest.raises(ValueError, match=f"must not change what it is given, got {named} changed in place"):
        methods.gradients(methods.Rule, network(), INPUTS, LABELS, error_feedback=feedback, **options)


def test_gradients_that_are_not_added_to_in_place_are_refused():
    def add_gradients(self, gradients, connection, error, spike_error, activity):
        gradients["readout.bias"] = gradients["readout.bias"] + 1.0

    with pytest.raises(ValueError, match=r"in place, with \+=, got other arrays for \['readout.bias'\]"):
        methods.gradients(a(methods.Rule, add_gradients=add_gradients), network(), INPUTS, LABELS)


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        (a(methods.Rule, __init__=lambda self, *_: None), "a Rule with network"),
        (lambda given, batch_size: methods.Rule(network((2, 50, 2)), batch_size), "a Rule with network"),
        (lambda given, batch_size: methods.Rule(given, 1), "a Rule with batch_size 3"),
    ],
)
def test_a_rule_of_another_network_or_batch_is_refused(rule, complaint):
    with pytest.raises(ValueError, match=complaint):
        methods.gradients(rule, network(), INPUTS, LABELS)
    with pytest.raises(ValueError, match=complaint):
        methods.OnlineLearner(rule, network(), ot.training.SGD()).step(INPUTS[0], LABELS)


ALGEBRA = {
    "accumulate": lambda *arguments: methods.accumulate(methods.Rule, *arguments),
    "ottt": ot.ottt.accumulate,
    "rtrl": ot.rtrl.accumulate,
    "bptt": ot.bptt.backward,
}


@pytest.mark.parametrize("name", ALGEBRA)
def test_the_algebra_alone_checks_shapes(name):
    activity, errors = ot.simulate(network(), INPUTS), np.ones((4, 3, 2))
    for wrong in (None, errors[0], errors[:2], errors[:, :1], np.ones((4, 3, 9)), errors.astype(np.float32)):
        with pytest.raises((TypeError, ValueError), match=r"output_errors must be float64 \[4, 3, 2\]"):
            ALGEBRA[name](network(), activity, wrong)
    for other in (None, activity.at(0), ot.simulate(network((2, 5, 2)), INPUTS)):
        with pytest.raises((TypeError, ValueError), match=r"activity.* must be"):
            ALGEBRA[name](network(), other, errors)


def test_a_learner_names_what_is_no_step_and_no_sum():
    learner = methods.OnlineLearner(methods.Rule, network(), ot.training.SGD())
    learner.step(INPUTS[0], LABELS)
    with pytest.raises(ValueError, match=r"step.output_error must be float64 \[3, 2\], got float64 \[3, 9\]"):
        learner.learn(methods.TimeStep(learner.activity, np.ones((3, 9))))
    with pytest.raises(TypeError, match="step must be a TimeStep, got None"):
        learner.learn(None)
    with pytest.raises(TypeError, match="sums must be a GradientSum, got None"):
        learner.update(None)
    step = methods.TimeStep(learner.activity, np.ones((3, 2)))
    learner.reset()
    with pytest.raises(ValueError, match="got one before the first"):
        learner.learn(step)


@pytest.mark.parametrize("array", [np.ones((3, 50)), np.ones((50, 2)), np.ones((3, 2), np.float32), None], ids=str)
def test_a_parameter_that_was_replaced_by_hand_is_refused(array):
    complaint = r"network: the parameter layer0.weight must be float64 \[3, 2\]"
    changed = network()
    learner = ot.sltt.OnlineLearner(changed, ot.training.SGD())
    simulator = ot.Simulator(changed, 3)
    learner.step(INPUTS[0], LABELS)
    changed.layers[0].synapses.weight = array
    for run in (
        lambda: ot.simulate(changed, INPUTS),
        lambda: ot.bptt.gradients(changed, INPUTS, LABELS),
        lambda: learner.step(INPUTS[1], LABELS),
        lambda: simulator.step(INPUTS[0]),
    ):
        with pytest.raises((TypeError, ValueError), match=complaint):
            run()


@pytest.mark.parametrize(
    "inputs", [None, "x", 1, np.ones((3, 5)), np.ones((2, 2)), np.ones((3, 2, 1)), [[1.0], [1.0, 2.0]]]
)
def test_a_simulator_checks_its_inputs(inputs):
    with pytest.raises((TypeError, ValueError), match=r"inputs must be (an array|\[3, 2\])"):
        ot.Simulator(network(), 3).step(inputs)


class Squared(ot.losses.Loss):
    rational, distribution = True, False

    def evaluate(self, outputs, targets):
        return ((outputs - targets) * (outputs - targets)).sum(axis=1), 2 * (outputs - targets)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda value, gradient: (value[:1], gradient),
        lambda value, gradient: (value, gradient[:1]),
        lambda value, gradient: (value, gradient.astype(np.float32)),
        lambda value, gradient: (value, None),
    ],
)
@pytest.mark.parametrize("method", methods.METHODS)
def test_a_loss_is_checked_for_every_batch(method, wrong):
    def evaluate(self, outputs, targets):
        found = Squared.evaluate(self, outputs, targets)
        return found if len(outputs) < 3 else wrong(*found)

    with pytest.raises(ValueError, match=r"loss.evaluate must return the (values|gradients) \[B"):
        methods.METHODS[method].gradients(network(), INPUTS, LABELS, a(Squared, evaluate=evaluate)())


@pytest.mark.parametrize("method", methods.METHODS)
def test_a_loss_that_works_in_place_changes_nothing(method):
    def evaluate(self, outputs, targets):
        outputs -= targets
        targets[...] = 9
        return (outputs * outputs).sum(axis=1), 2 * outputs

    spiking = ot.dense_network([2, 3, 2], rng=7, readout="spiking")
    data = spiking, INPUTS * 3, np.eye(2)[LABELS]
    found = methods.METHODS[method].gradients(*data, a(Squared, evaluate=evaluate)())
    right = methods.METHODS[method].gradients(*data, Squared())
    assert found.loss == right.loss and all(np.array_equal(found[name], right[name]) for name in right)


def test_a_loss_that_rounds_exact_numbers_is_refused():
    def evaluate(self, outputs, targets):
        value, gradient = Squared.evaluate(self, outputs, targets)
        return value, gradient * 0.5

    exact = ot.dense_network([2, 3, 2], rng=7, surrogate=TRIANGLE).exact()
    data = exact, ot.exact_array(INPUTS), ot.exact_array(np.eye(2)[LABELS])
    with pytest.raises(TypeError, match=r"loss.evaluate must give exact numbers for exact numbers, got the float"):
        ot.ottt.gradients(*data, a(Squared, evaluate=evaluate)())


def test_a_rule_that_rounds_exact_numbers_is_refused():
    exact = ot.dense_network([2, 3, 2], rng=7, surrogate=TRIANGLE).exact()
    data = exact, ot.exact_array(INPUTS), ot.exact_array(np.eye(2)[LABELS]), ot.losses.MeanSquaredError()
    rule = a(methods.Rule, presynaptic=lambda self, c, activity: activity.presynaptic(c) * 0.9)
    with pytest.raises(TypeError, match=r"gradients\['layer0.weight'\] must be exact .*, got the float"):
        methods.gradients(rule, *data)


@dataclass(frozen=True)
class Own(ot.Neuron):
    decay: float = 0.5
    threshold: float = 1.0

    def step(self, state, output, current, soft=False):
        state[0][...] = self.decay * (state[0] - self.threshold * output) + current
        output[...] = state[0] >= self.threshold

    def surrogate_derivative(self, state):
        return TRIANGLE.derivative(state[0] - self.threshold)


def learning(derivatives, gain=np.ones(3)):
    return {"parameter_names": ("gain",), "gain": gain, "parameter_derivatives": derivatives}


def of(neuron):
    readout = ot.Layer(ot.Dense(np.ones((2, 3))), ot.Integrator())
    return ot.Network([ot.Layer(ot.Dense(np.full((3, 2), 0.4)), neuron), readout])


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"states": "ab"}, "states of Other must be a tuple of names"),
        ({"states": ()}, "states of Other must name at least the potential"),
        ({"parameter_names": "tau"}, "parameter_names of Other must be a tuple of names"),
        ({"parameter_names": ("tau",)}, "the parameter tau of Other must be an array, got None"),
        ({"leak": None}, r"leak of Other must give \[1, 1\]"),
        ({"leak": ((0.5, 0.5),)}, r"leak of Other must give \[1, 1\]"),
        ({"leak": (("a",),)}, "leak of Other must hold numbers"),
        ({"leak": ((np.nan,),)}, "leak of Other must hold finite numbers"),
        ({"step": lambda self, s, o, c, soft=False: c.__imul__(2)}, "step of Other must not change what it is given"),
        ({"step": lambda self, s: None}, r"step of Other must take float64 \[2, 3\], got TypeError"),
        ({"surrogate_derivative": lambda self, s: 1 / 0}, "surrogate_derivative of Other .* got ZeroDivisionError"),
        ({"surrogate_derivative": lambda self, s: s[0].__imul__(2)}, "surrogate_derivative of Other must not change"),
        (
            {"surrogate_derivative": lambda self, s: np.ones((1, 3))},
            r"must give float64 \[2, 3\], got float64 \[1, 3\]",
        ),
        ({"jacobian": lambda self, *_: ((0.5,),)}, "jacobian of Other must give float64"),
        ({"jacobian": lambda self, s, o, p, kept: ((p.__imul__(2),),)}, "jacobian of Other must not change"),
        ({"jacobian": lambda self, *_: None}, r"jacobian of Other must give \[1, 1\]"),
        ({"reset_jacobian": lambda self, *_: ("a",)}, "jacobian of Other must take"),
        ({"reset_jacobian": lambda self, *_: (np.ones(3),)}, r"reset_jacobian of Other must give float64 \[2, 3\]"),
        (
            {"jacobian": lambda self, s, o, p, kept: ((p[:1] if kept else p,),)},
            r"jacobian of Other must give float64 \[2, 3\], got float64 \[1, 3\]",
        ),
        (learning(lambda self, *_: (np.ones(3), 0)), r"parameter_derivatives of Other must give \[1\]"),
        (learning(lambda self, *_: ((np.ones(3),), 0)), r"parameter_derivatives of Other must give float64 \[2, 3\]"),
        (learning(lambda self, *_: ((0,), np.ones((1, 3)))), r"parameter_derivatives of Other must give float64"),
        (learning(lambda self, *_: ((0,), None)), r"parameter_derivatives of Other must give float64"),
        (learning(lambda self, *_: None), "parameter_derivatives of Other must give ∂h/∂θ and ∂z/∂θ, got None"),
        (learning(None, np.ones(2)), r"the parameter gain of Other must be float64 \[3\] or \[1\], got float64 \[2\]"),
    ],
)
def test_what_a_neuron_gives_is_tried_on_two_samples(changes, complaint):
    with pytest.raises((TypeError, ValueError), match=rf"layers\[0\]: .*{complaint}"):
        of(a(Own, **changes)())


@pytest.mark.parametrize("method", ["bptt", "rtrl"])
def test_a_neurons_jacobian_is_checked_at_every_step(method):
    def jacobian(self, state, output, psi, kept):
        return ((state[0] if len(output) < 3 else state[0][:1],),)

    with pytest.raises(ValueError, match=r"layers\[0\]: jacobian of Other must give float64 \[3, 3\]"):
        methods.METHODS[method].gradients(of(a(Own, jacobian=jacobian)()), INPUTS, LABELS)


def test_a_surrogate_derivative_is_checked_at_every_step():
    def surrogate_derivative(self, state):
        return state[0] if len(state[0]) < 3 else state[0][:1]

    with pytest.raises(ValueError, match=r"layers\[0\]: surrogate_derivative of Other must give float64 \[3, 3\]"):
        ot.simulate(of(a(Own, surrogate_derivative=surrogate_derivative)()), INPUTS)


def test_numbers_of_a_neuron_that_exact_does_not_convert_are_refused():
    with pytest.raises(TypeError, match=r"leak of Other must give exact numbers for exact numbers, got the float 0.3"):
        of(a(Own, surrogate_derivative=lambda self, s: s[0], leak=((0.3,),))()).exact()
    plain = type("Plain", (ot.Neuron,), {k: getattr(Own, k) for k in ("decay", "threshold", "step")})
    plain.surrogate_derivative = Own.surrogate_derivative
    with pytest.raises(TypeError, match="Plain must be a dataclass, or define rebuilt"):
        of(plain()).copy()


@dataclass(frozen=True)
class OwnSurrogate(ot.surrogate.Surrogate):
    rational = True
    width: float = 1.0

    def derivative(self, z):
        return TRIANGLE.derivative(z)

    def primitive(self, z):
        return TRIANGLE.primitive(z)


@pytest.mark.parametrize(
    ("derivative", "complaint"),
    [
        (lambda self, z: z * 1 if len(z) < 2 else z[:1], r"must give float64 \[2, 3\]"),
        (lambda self, z: z * 0.5, "must give exact numbers for exact numbers, got the float"),
        (lambda self, z: np.zeros(z.shape) if z.dtype.hasobject else z, r"must give object \[2, 3\], got float64"),
        (lambda self, z: np.exp(z), r"must take object \[2, 3\], got TypeError"),
    ],
)
def test_a_surrogate_is_tried_in_the_networks_numbers_and_shape(derivative, complaint):
    with pytest.raises((TypeError, ValueError), match=rf"layers\[0\]: surrogate_derivative of LIF {complaint}"):
        of(ot.LIF(surrogate=a(OwnSurrogate, derivative=derivative)())).exact()


def test_a_surrogate_is_tried_on_images():
    flat = a(OwnSurrogate, derivative=lambda self, z: z.reshape(len(z), -1) if z.ndim > 2 else z)()
    layer = ot.Layer([ot.Conv2d(np.ones((2, 1, 3, 3)), padding=1)], ot.LIF(surrogate=flat))
    readout = ot.Layer([ot.Flatten(), ot.Dense(np.ones((2, 32)))], ot.Integrator())
    with pytest.raises(ValueError, match=r"must give float64 \[2, 2, 4, 4\], got float64 \[2, 32\]"):
        ot.Network([layer, readout], input_shape=(1, 4, 4))


def test_a_surrogate_names_what_it_lacks():
    with pytest.raises(TypeError, match="Other must define derivative"):
        ot.LIF(surrogate=a(ot.surrogate.Surrogate)())
    with pytest.raises(TypeError, match="Other must define primitive"):
        ot.LIF(surrogate=a(ot.surrogate.Surrogate, derivative=lambda self, z: z)())
    with pytest.raises(TypeError, match=r"OwnSurrogate\.width must be a number, got 'a'"):
        ot.LIF(surrogate=OwnSurrogate("a"))


class Identity(ot.Operation):
    def forward(self, values, bias_input):
        return values * 1

    def adjoint(self, error, input_shape):
        return error * 1


@pytest.mark.parametrize("method", ["forward", "adjoint"])
@pytest.mark.parametrize("wrong", [lambda x: x[:1], lambda x: None, lambda x: x.astype(np.float32)])
@pytest.mark.parametrize("first", [False, True])
def test_an_operation_is_checked_for_every_batch_also_inside_a_chain(method, wrong, first):
    """At the end of a chain its result goes to the neurons' kernels, inside it to the next operation's."""
    other, dense = a(Identity, **{method: for_three(wrong)})(), ot.Dense(np.ones((2, 3)))
    operations = [other, dense] if first else [dense, other]
    layers = [ot.Layer(ot.Dense(np.full((3, 2), 0.4)), ot.LIF()), ot.Layer(operations, ot.Integrator())]
    with pytest.raises((TypeError, ValueError), match=rf"{method} of Other must give float64 \[3, [23]\]"):
        ot.bptt.gradients(ot.Network(layers), INPUTS, LABELS)
    alone = [ot.Layer(ot.Dense(np.full((2, 2), 0.4)), ot.LIF()), ot.Layer(other, ot.Integrator())]
    with pytest.raises((TypeError, ValueError), match=rf"readout: {method} must give float64 \[3, 2\]"):
        ot.bptt.gradients(ot.Network([*alone[:1], ot.Layer(other, ot.Integrator())]), INPUTS, LABELS)
