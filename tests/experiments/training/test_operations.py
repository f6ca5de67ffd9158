"""Operations are counted as numbers count them that count their own: `proofs.number_systems.Counted`."""

import numpy as np
import pytest

import ottt_ref as ot
from experiments.training import operations
from proofs.number_systems.count import Counted, Tally

pytestmark = pytest.mark.slow


def counted(array, tally, spike=False):
    result = np.empty(array.shape, object)
    for index, value in np.ndenumerate(array):
        result[index] = Counted(float(value), tally, spike)
    return result


def by_numbers(connection, values, error):
    """Products, and products with spikes, of a pass forwards, of the error's way back and of the weight's gradient."""
    operation, found = connection.operations, []
    spikes = set(np.unique(values)) <= {0.0, 1.0}
    for task in ("forward", "error", "gradient"):
        tally = Tally()
        weight = counted(operation.weight, tally)
        synapses = operation.replaced(weight=weight, bias=counted(np.zeros(len(weight)), tally))
        given, back = counted(values, tally, spikes), counted(error, tally)
        one = counted(np.zeros(1), tally)
        tally.products = tally.gated = tally.sums = 0
        if task == "forward":
            synapses.forward(given, one)
        elif task == "error" and isinstance(operation, ot.Dense):
            synapses.adjoint(back, connection.input_shape)
        elif task == "error":  # the kernel multiplies into the padding too: as many as forwards where nothing is 0
            synapses.forward(counted(np.full(values.shape, 0.5), tally), one)
        else:
            gradients = {
                "weight": counted(np.zeros(weight.shape), tally),
                "bias": counted(np.zeros(len(weight)), tally),
            }
            synapses.add_gradients(gradients, back, given, one)
        found.append((tally.products, tally.gated))
    return found


@pytest.mark.parametrize("method", ["ottt", "sltt", "bptt"])
@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_what_is_counted_is_what_the_kernels_do(kind, method):
    rng = np.random.default_rng(0)
    if kind == "dense":
        network, shape = ot.dense_network([5, 6, 4, 3], rng=1), (5,)
    else:
        weights = [rng.normal(0, 1, size) for size in ((2, 1, 3, 3), (3, 2, 3, 3), (2, 12))]
        convolutions = [ot.Conv2d(weights[0], padding=1), ot.Conv2d(weights[1], stride=2, padding=1)]
        layers = [ot.Layer(each, ot.LIF()) for each in convolutions]
        readout = ot.Layer([ot.Flatten(), ot.Dense(weights[2])], ot.Integrator())
        network, shape = ot.Network([*layers, readout], input_shape=(1, 4, 4)), (1, 4, 4)
    inputs = rng.random((3, 2, *shape))
    activity = ot.simulate(network, inputs)
    assert all(0 < spikes.mean() < 1 for spikes in activity.spikes)
    found = operations.count(network, activity, method)
    rule = operations.RULES[method](network, 2)
    expected = np.zeros((3, 2), int)
    for t in range(3):
        now = activity.at(t)
        rule.take_in(now)
        for connection in network.connections:
            error = rng.random((2, *connection.output_shape)) + 0.5
            parts = operations._parts(connection.operations)
            given = now.presynaptic(connection), rule.presynaptic(connection, now)
            values = [each.reshape(2, -1) if len(parts) == 2 else each for each in given]  # flat for the readout
            dense = _Alone(parts[-1], connection, values[0].shape[1:])
            expected[0] += by_numbers(dense, values[0], error)[0]
            expected[1] += np.array(by_numbers(dense, values[0], error)[1]) * (connection.source >= 0)
            expected[2] += by_numbers(dense, values[1], error)[2]
    counts = [[each.macs, each.acs] for each in (found.forward, found.errors, found.gradients)]
    assert counts == expected.tolist() and found.gradients.macs > 0


class _Alone:
    """The synapses of a connection, without what flattens their input."""

    def __init__(self, part, connection, shape):
        self.operations, self.input_shape = part, tuple(shape)


def test_pooled_spikes_are_real_numbers_and_scaled_ones_are_spikes():
    network = ot.models.small_conv((1, 8, 8), rng=0)
    activity = ot.simulate(network, np.random.default_rng(0).standard_normal((2, 1, 1, 8, 8)))
    (first, second) = activity.spikes
    found = operations.count(network, activity, None).forward
    pooled = (first.reshape(2, 16, 4, 2, 4, 2).sum(axis=(3, 5)) > 0).sum(axis=(0, 1))
    reach = np.array([2, 3, 3, 2])
    macs = 2 * 16 * 22 * 22 + int((pooled * np.outer(reach, reach)).sum()) * 32
    last = int((second.reshape(2, 32, 2, 2, 2, 2).sum(axis=(3, 5)) > 0).sum()) * 10
    assert (found.macs, found.acs) == (macs + last, int(first.sum() + second.sum()))


def test_errors_of_bptt_go_through_loops_and_those_of_ottt_do_not():
    layer = ot.Layer(ot.Dense(np.eye(2)), ot.LIF(), recurrent=ot.Dense(np.ones((2, 2))))
    network = ot.Network([layer, ot.Layer(ot.Dense(np.ones((3, 2))), ot.Integrator())])
    activity = ot.simulate(network, np.ones((4, 5, 2)))
    counts = {method: operations.count(network, activity, method).errors.macs for method in ("ottt", "bptt")}
    assert counts == {"ottt": 4 * 5 * 6, "bptt": 4 * 5 * 6 + 3 * 5 * 4}


def test_residual_blocks_are_counted_too():
    network = ot.models.nf_resnet34_ws((1, 16, 16), classes=3, width=1 / 32, rng=0)
    activity = ot.simulate(network, 5 * np.random.default_rng(0).standard_normal((2, 1, 1, 16, 16)))
    found = operations.count(network, activity, "ottt")
    assert (
        any(spikes.any() for spikes in activity.spikes)
        and found.forward.acs > 0 < found.gradients.macs
        and found.errors.acs == 0
    )
    whole = [operations.pairs(each.operations, each.input_shape) for each in network.connections]
    assert found.errors.macs == 2 * sum(whole[1:]) > found.forward.macs > 2 * whole[0] / 2
