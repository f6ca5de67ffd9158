"""Every public door is given arrays of wrong shapes: a named error each, and never a kernel that runs over its arrays.

A kernel reads and writes by the shapes that it trusts: of others it would take what lies beside an array in memory.
"""

from dataclasses import replace

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import methods
from ottt_ref.network import initialisation
from ottt_ref.simulation.simulator import input_current
from ottt_ref.simulation.trace import Trace

ONE = np.ones(1)
SINGLE = np.float32


def ones(*shape, dtype=np.float64):
    return np.ones(shape, dtype)


def network(sizes=(2, 3, 2), **options):
    return ot.dense_network(list(sizes), rng=7, **options)


OPERATIONS = {
    "Dense": (ot.Dense(ones(3, 2)), (2,)),
    "Conv2d": (ot.Conv2d(ones(2, 3, 2, 2), padding=1), (3, 4, 4)),
    "Conv1d": (ot.Conv1d(ones(3, 1, 2), groups=3), (3, 4)),
    "AveragePool2d": (ot.AveragePool2d(2), (3, 4, 4)),
    "AveragePool1d": (ot.AveragePool1d(2), (3, 4)),
    "Upsample2d": (ot.Upsample2d(2), (3, 4, 4)),
    "ChannelScale": (ot.ChannelScale(ones(3)), (3, 4, 4)),
    "MaxPool2d": (ot.MaxPool2d(2), (3, 4, 4)),
    "MaxPool1d": (ot.MaxPool1d(2), (3, 4)),
    "a chain that is not linear": (ot.Chain([ot.MaxPool1d(2, 1), ot.Flatten(), ot.Dense(ones(5, 9))]), (3, 4)),
    "Flatten": (ot.Flatten(), (3, 4, 4)),
    "Scale": (ot.Scale(2.0), (3, 4, 4)),
    "SkipInit": (ot.SkipInit(ones(1)), (3, 4, 4)),
    "WeightStandardised": (ot.WeightStandardised(ot.Conv2d(np.arange(24.0).reshape(2, 3, 2, 2))), (3, 4, 4)),
    "Dropout": (ot.Dropout(0.5), (3, 4, 4)),
    "Mask": (ot.Dropout(0.5).masked(2, (3, 4, 4), np.dtype(float), np.random.default_rng(0)), (3, 4, 4)),
    "Chain": (ot.Chain([ot.Scale(2.0), ot.Flatten(), ot.Dense(ones(5, 48))]), (3, 4, 4)),
}


def arrays_of(operation, input_shape, batch_size=2):
    """Values, an error at the result, and gradients, all of the right shapes."""
    gradients = {name: np.zeros_like(value) for name, value in operation.parameters.items()}
    return ones(batch_size, *input_shape), ones(batch_size, *operation.output_shape(input_shape)), gradients


def wrong_of(array):
    """What stands for [B, ...] and is none: other kinds, dtypes, numbers of axes, lengths."""
    yield from (None, 1.0, "x", array.tolist(), np.ma.masked_array(array), array.astype(np.float16), array.astype(int))
    yield from (array[0], array[0, 0], array.reshape(-1), array[np.newaxis])
    for axis in range(1, array.ndim):
        for length in (0, 1, array.shape[axis] + 1):
            if length != array.shape[axis]:
                yield ones(*array.shape[:axis], length, *array.shape[axis + 1 :])


def is_taken(operation, values):
    """Whether values are of the right kind and, after all, of a shape that the operation can take."""
    plain = isinstance(values, np.ndarray) and not isinstance(values, np.ma.MaskedArray)
    if not plain or values.dtype != np.float64 or values.ndim < 2:
        return False
    try:
        operation.output_shape(values.shape[1:])
    except ValueError:
        return False
    return True


def refused(call, *arguments):
    """The error, which must be a documented one that says what was expected."""
    with pytest.raises((TypeError, ValueError), match=r" must (be|have|hold|give|take) ") as caught:
        call(*arguments)
    return caught.value


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_refuses_values_of_another_shape(name):
    operation, shape = OPERATIONS[name]
    values, error, gradients = arrays_of(operation, shape)
    for wrong in wrong_of(values):
        if is_taken(operation, wrong):  # an image of another size: the result has that size
            assert operation.forward(wrong, ONE).shape == (len(wrong), *operation.output_shape(wrong.shape[1:]))
        else:
            refused(operation.forward, wrong, ONE)
        if gradients and not np.shares_memory(wrong, values):
            refused(operation.add_gradients, gradients, error, wrong, ONE)
    assert operation.forward(values, ONE).shape == error.shape


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_refuses_errors_of_another_shape(name):
    operation, shape = OPERATIONS[name]
    values, error, gradients = arrays_of(operation, shape)
    at = () if operation.linear else (values,)
    for wrong in [*wrong_of(error), ones(2, *error.shape[1:], dtype=SINGLE) if gradients else None]:
        refused(operation.adjoint, wrong, shape, *at)
        if gradients:
            refused(operation.add_gradients, gradients, wrong, values, ONE)
    for wrong_shape in (None, 3, "abc", (0.5,), (*shape, 2), tuple(n + 1 for n in shape)):
        refused(operation.adjoint, error, wrong_shape, *at)
    for wrong in wrong_of(values) if at else ():
        refused(operation.adjoint, error, shape, wrong)
    if gradients:
        refused(operation.add_gradients, gradients, ones(3, *error.shape[1:]), values, ONE)
    assert operation.adjoint(error, shape, *at).shape == values.shape


@pytest.mark.parametrize("name", [name for name in OPERATIONS if OPERATIONS[name][0].parameter_names])
def test_an_operation_refuses_gradients_and_constants_of_another_shape(name):
    operation, shape = OPERATIONS[name]
    values, error, gradients = arrays_of(operation, shape)
    for parameter, array in gradients.items():
        for wrong in (None, array[..., :0], array.reshape(-1)[:0], array.astype(SINGLE), ones(*array.shape, 2)):
            refused(operation.add_gradients, {**gradients, parameter: wrong}, error, values, ONE)
        refused(operation.add_gradients, {n: g for n, g in gradients.items() if n != parameter}, error, values, ONE)
    for wrong in (1.0, ones(0), ones(2), ONE.astype(SINGLE)):
        refused(operation.add_gradients, gradients, error, values, wrong)


def test_the_calls_that_crashed_are_refused():
    convolution = ot.Conv2d(ones(2, 1, 3, 3))
    refused(ot.losses.MeanSquaredError().gradient, np.zeros((16_000_000, 3)), np.zeros((1, 3)))
    refused(ot.losses.MeanSquaredError().value, ones(2, 3), ones(2, 2))
    refused(convolution.adjoint, ones(4, 1, 64, 64), (1, 3, 3))
    refused(ot.Simulator(network((6, 3, 2)), 2).step, ones(2, 9))


LOSSES = [ot.losses.CrossEntropy(), ot.losses.MeanSquaredError(), ot.losses.Mixed()]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_a_loss_refuses_outputs_and_targets_that_do_not_fit(loss):
    right = ones(2, 3) / 3
    for wrong in (*wrong_of(right), ones(0, 3), ones(1, 3), ones(3, 3), right.astype(SINGLE)):
        for method in (loss.evaluate, loss.value, loss.gradient):
            refused(method, right, wrong)
            if not isinstance(wrong, np.ndarray) or wrong.dtype != SINGLE:
                refused(method, wrong, right)
    sequence = np.stack([right, right])
    for function in (ot.losses.sequence_loss, ot.losses.average_loss):
        for wrong in (None, right, sequence[:0], sequence[:, :1], sequence[..., :2], sequence.astype(SINGLE)):
            refused(function, loss, wrong, right)
        refused(function, loss, sequence, ones(1, 3))
        assert function(loss, sequence, right)[1].shape == (2, 2, 3)
    refused(ot.losses.step_loss, loss, right, right, 0)
    refused(ot.losses.step_loss, None, right, right, 1)


@pytest.mark.parametrize("neuron", [ot.LIF(), ot.LIF(reset="hard"), ot.Integrator(0.5)], ids=repr)
def test_a_neuron_refuses_arrays_that_do_not_fit(neuron):
    def arrays():
        return ones(2, 3), ones(2, 3), ones(2, 3)

    for place in range(3):
        for wrong in (*wrong_of(ones(2, 3)), ones(1, 3), ones(3, 3), ones(2, 3, dtype=SINGLE)):
            given = [*arrays()]
            given[place] = wrong
            refused(neuron.step, (given[0],), *given[1:])
            if place != 2 and isinstance(neuron, ot.LIF):
                refused(neuron.jacobian, (given[0],), given[1], ones(2, 3), True)
    turned = np.ones((3, 2)).T  # kernels would write into a copy of it
    refused(neuron.step, (turned,), ones(2, 3), ones(2, 3))
    refused(neuron.step, (ones(2, 3),), turned, ones(2, 3))
    for state in (None, (), ones(2, 3), (ones(2, 3), ones(2, 3)), (None,), (ones(3),), (turned,)):
        refused(neuron.step, state, ones(2, 3), ones(2, 3))
        refused(neuron.surrogate_derivative, state)
    state, output = ones(2, 3), ones(2, 3)
    neuron.step((state,), output, np.ones((3, 2)).T)  # what is read may lie in any order
    expected = ones(2, 3), ones(2, 3)
    neuron.step((expected[0],), expected[1], ones(2, 3))
    assert np.array_equal(state, expected[0]) and np.array_equal(output, expected[1])


def test_a_trace_refuses_values_that_do_not_fit():
    for neuron in (None, ot.LIF()):
        trace = Trace(neuron, (2, 3), np.dtype(float))
        for wrong in (*wrong_of(ones(2, 3)), ones(1, 3), ones(3, 3), ones(2, 3, dtype=SINGLE)):
            refused(trace.follow, wrong)


SR = ot.spike_representation


def test_rates_refuse_arrays_that_do_not_fit():
    net, inputs = network(), ones(4, 2, 2)
    for wrong in (
        None,
        inputs[0],
        inputs[:0],
        inputs[..., :1],
        ones(4, 2, 3),
        inputs.astype(SINGLE),
        inputs.tolist()[0],
    ):
        refused(ot.rates.measured_rates, net, wrong)
        refused(SR.rates_of, net, wrong, "closed_form")
    refused(ot.rates.measured_rates, None, inputs)
    refused(SR.rates_of, net, inputs, "fast")
    for values in (None, {}, {-1: ones(2, 2)}, {-1: ones(2, 2), 0: ones(2, 9)}, {-1: ones(2, 2), 0: ones(1, 3)}):
        refused(ot.rates.complete_rates, net, values)
    given = {-1: ones(2, 2), 0: ones(2, 3)}
    ot.rates.complete_rates(ot.Network([*net.layers[:1]]), given)
    assert list(given) == [-1, 0]
    for values in (
        None,
        [],
        [ones(2, 2)],
        [ones(2, 2), ones(2, 9)],
        [ones(2, 2), ones(1, 3)],
        [ones(2, 9), ones(2, 3)],
    ):
        refused(SR.rate_outputs, net, values)
        refused(SR.backward, net, values, ones(2, 2))
    for error in (None, ones(2), ones(1, 2), ones(2, 9), ones(2, 2, dtype=SINGLE)):
        refused(lambda error=error: SR.backward(net, [ones(2, 2), ones(2, 3)], error))
        refused(SR.errors_of, net, [ones(2, 3), None], error, {})
    for currents in (None, [], [None, None], [ones(2, 9), None], [ones(2, 3)]):
        refused(SR.errors_of, net, currents, ones(2, 2), {})
    refused(SR.errors_of, net, [ones(2, 3), None], ones(2, 2), {0: ones(2, 9)})
    for rate in (None, ones(2), ones(2, 9), ones(2, 2, dtype=SINGLE)):
        refused(SR.sweep, net, rate, {})


def looped():
    return ot.Network([ot.Layer(ot.Dense(0.25 * ones(3, 2)), ot.LIF(), ot.Dense(0.1 * ones(3, 3), False))])


def test_equilibria_refuse_arrays_that_do_not_fit():
    net = looped()
    for delayed in ({}, {0: ones(1, 3)}, {0: ones(2, 9)}, {0: None}):
        refused(SR.sweep, net, ones(2, 2), delayed)
    for wrong in (ones(2, 9), ones(1, 3), None):
        refused(ot.equilibrium.solve, net, lambda rates, wrong=wrong: {0: wrong}, 2)
        refused(ot.equilibrium.solve_linear, lambda rates, wrong=wrong: {0: wrong}, {0: ones(2, 3)})
        refused(ot.equilibrium.distance, {0: ones(2, 3)}, {0: wrong})
    refused(ot.equilibrium.solve, net, lambda rates: rates, 0)
    for function in (ot.equilibrium.contraction_factor, ot.equilibrium.layer_norms):
        refused(function, None)
    refused(ot.equilibrium.limit_contraction, None, 0.5)
    other = network((5, 4, 3, 2)).connections[1]
    for connection in (None, other, replace(net.connections[0], target=7)):
        refused(ot.equilibrium.spectral_norm, net, connection)
    for matrix, right in ((ones(2, 2), ones(2)), (np.ones((2, 3), object), np.ones(2, object))):
        refused(ot.equilibrium.eliminate, matrix, right)
    refused(ot.equilibrium.eliminate, np.ones((2, 2), object), np.ones(3, object))


@pytest.mark.parametrize("rule", [ot.rtrl.RTRL, ot.ottt.OTTT, ot.sltt.SLTT], ids=lambda rule: rule.__name__)
def test_a_rule_refuses_another_networks_time_step(rule):
    net, inputs = network(), ones(4, 2, 2)
    activity = ot.simulate(net, inputs).at(1)
    others = [ot.simulate(network((2, 5, 2)), inputs).at(1), ot.simulate(net, ones(4, 3, 2)).at(1)]
    step = methods.TimeStep(activity, ones(2, 2))
    for other in others if rule is not ot.sltt.SLTT else ():  # SLTT takes nothing in
        refused(rule(net, 2).advance, other)
    running = rule(net, 2)
    running.advance(activity)
    sums = methods.shared.gradients.GradientSum
    for wrong in (None, ones(2), ones(1, 2), ones(2, 9), ones(2, 2, dtype=SINGLE)):
        refused(running.add_step, sums(net, 2), 0, replace(step, output_error=wrong), methods.TransposedWeights())
    refused(running.add_step, sums(network((2, 5, 2)), 2), 0, step, methods.TransposedWeights())
    running.add_step(sums(net, 2), 0, step, methods.TransposedWeights())


def test_fixed_matrices_refuse_errors_that_do_not_fit():
    net = network()
    activity = ot.simulate(net, ones(4, 2, 2)).at(1)
    for wrong in (None, ones(2), ones(2, 9), ones(2, 2, dtype=SINGLE)):
        step = methods.TimeStep(activity, wrong, LOSSES[1], ones(2, 2), 4)
        refused(methods.FeedbackMatrices([ones(3, 2)]).hidden_error, step, 0)
    step = methods.TimeStep(activity, ones(2, 2), LOSSES[1], ones(2, 2), 4)
    refused(methods.LocalLosses([ones(2, 9)]).hidden_error, step, 0)


def test_currents_refuse_what_does_not_fit():
    net = network()
    for wrong in (None, ones(2), ones(2, 9), ones(2, 2, dtype=SINGLE)):
        refused(input_current, net, 0, lambda connection, wrong=wrong: wrong)


@pytest.mark.parametrize("inputs", [ones(2, 9), np.full((2, 2), np.nan), np.full((2, 2), np.inf), ones(1, 2)], ids=str)
def test_a_simulator_refuses_inputs_that_are_not_its_own(inputs):
    simulator = ot.Simulator(network(), 2)
    before = simulator.step(ones(2, 2)).outputs.copy()
    refused(simulator.step, inputs)
    assert np.array_equal(simulator.outputs[-1], before)


def test_initial_weights_refuse_what_gives_none():
    rng = np.random.default_rng(0)
    for fan_in, decay, threshold, gain in (
        (0, 0.5, 1, 2),
        (2, 2, 1, 2),
        (2, 0.5, 0, 2),
        (2, 0.5, 1, -1),
        ("2", 0.5, 1, 2),
    ):
        refused(initialisation.firing_std, fan_in, decay, threshold, gain)
    for scheme in initialisation.SCHEMES:
        for arguments in (
            (None, (2, 3), 1.0),
            (rng, 3, 1.0),
            (rng, (2, 0), 1.0),
            (rng, (2, 3), -1.0),
            (rng, (2, 3), "1"),
        ):
            refused(initialisation.draw, scheme, *arguments)
    refused(initialisation.draw, "large", rng, (2, 3), 1.0)
    assert initialisation.draw("orthogonal", rng, (2, 3), 1.0).shape == (2, 3)


PAGES = [ot.plain.bptt, ot.plain.ottt, ot.plain.sltt, ot.plain.rtrl, ot.plain.spike_representation]


def page(module, **changes):
    given = {
        "weights": [[[0.5, 1.0], [1.0, 0.5], [0.25, 1.0]], [[1.0, 0.5, 1.0], [1.0, 1.0, 0.5]]],
        "biases": [[0.0, 0.0, 0.0], [0.0, 0.0]],
        "inputs": [[1.0, 0.5], [0.5, 1.0]],
        "targets": [1.0, 0.0],
        "decay": 0.5,
        "threshold": 1.0,
        "surrogate_derivative": lambda z: 1.0,
        "output_error": lambda o, y, *_: [a - b for a, b in zip(o, y)],
    }
    return module.gradients(**{**given, **changes})


@pytest.mark.parametrize("module", PAGES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_page_refuses_lists_that_do_not_fit(module):
    page(module)
    for changes in (
        {"inputs": [[1.0, 0.5, 9.0], [0.5, 1.0, 9.0]]},
        {"inputs": [[1.0, 0.5], [0.5]]},
        {"weights": [[[0.5, 1.0, 9.0], [1.0, 0.5], [0.25, 1.0]], [[1.0, 0.5, 1.0], [1.0, 1.0, 0.5]]]},
        {"weights": [[[0.5, 1.0], [1.0, 0.5], [0.25, 1.0]], [[1.0, 0.5, 1.0, 9.0], [1.0, 1.0, 0.5]]]},
        {"weights": [[[0.5, 1.0], [1.0, 0.5], [0.25, 1.0]], [[1.0, 0.5], [1.0, 1.0]]]},
        {"biases": [[0.0, 0.0, 0.0, 9.0], [0.0, 0.0]]},
        {"biases": [[0.0, 0.0, 0.0]]},
        {"biases": [[0.0, 0.0, 0.0], [0.0, 0.0], [9.0]]},
    ):
        refused(lambda changes=changes: page(module, **changes))
