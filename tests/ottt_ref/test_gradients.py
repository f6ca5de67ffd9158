"""Every method against the naive oracles, and what holds of every method's result."""

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.methods.shared.gradients import Gradients
from ottt_ref.network.network import object_array
from tests import oracles

from ..selection import one_in
from .helpers import (
    METHODS,
    OPTION_NAMES,
    OPTIONS,
    READOUTS,
    RESETS,
    assert_alive,
    assert_close,
    assert_nonzero,
    bits,
    content,
    dyadic_network,
    dyadic_sequence,
)

# unlike in each layer, so that no layer can borrow another's
DECAYS = (0.75, 0.5, 0.25)
THRESHOLDS = (1.0, 0.75, 1.25)
LOSSES = {
    "mixed": (ot.losses.Mixed(), oracles.mixed),
    "cross_entropy": (ot.losses.CrossEntropy(), oracles.cross_entropy),
    "mean_squared_error": (ot.losses.MeanSquaredError(), oracles.mean_squared_error),
}
# fewer than 10^3 additions and multiplications, each off by at most 1.2e-16 (float64) or 6e-8 (float32); potentials are
# exact in both, so no spike differs
ROUNDING = {"float64": 1e-12, "float32": 3e-5}

every_method = pytest.mark.parametrize(("method", "options"), OPTIONS, ids=OPTION_NAMES)
every_reset = pytest.mark.parametrize("reset", RESETS)
every_readout = pytest.mark.parametrize("readout", READOUTS)


def case(reset="soft", readout="linear", surrogate=None):
    """A live network, inputs and targets."""
    network = dyadic_network(3, reset=reset, readout=readout, surrogate=surrogate, decays=DECAYS, thresholds=THRESHOLDS)
    inputs, targets = dyadic_sequence(3)
    assert_alive(network, inputs)
    return network, inputs, targets


def everything(batch):
    """An oracle's batch as `content` names it."""
    return content(Gradients(batch.gradients, batch.loss, batch.outputs, batch.terms, batch.errors))


@every_method
@every_readout
@pytest.mark.parametrize("reset", one_in(len(RESETS), RESETS))
def test_on_exact_numbers_every_method_equals_its_equations(reset, readout, method, options):
    network, inputs, targets = case(reset, readout)
    network, inputs, targets = network.exact(), ot.exact_array(inputs), ot.exact_array(targets)
    got = METHODS[method](network, inputs, targets, ot.losses.MeanSquaredError(), terms=True, **options)
    expected = oracles.batch(method, network, inputs, targets, oracles.mean_squared_error, **options)
    assert_nonzero(got)
    got, expected = content(got), everything(expected)
    assert got.keys() == expected.keys()
    for name, value in got.items():
        assert np.array_equal(value, expected[name]), name


@pytest.mark.parametrize(
    ("surrogate", "loss"),
    [
        (ot.surrogate.Sigmoid(), "mixed"),
        (ot.surrogate.Arctan(), "cross_entropy"),
        (ot.surrogate.MultiGaussian(), "mean_squared_error"),
        (ot.surrogate.Rectangle(width=2.0), "mixed"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
@every_method
@every_readout
def test_on_float64_every_method_equals_its_equations_for_each_surrogate_and_loss(
    readout, method, options, surrogate, loss
):
    network, inputs, _ = case("soft", readout, surrogate)
    targets = np.array([[0.25, 0.75], [1.0, 0.0]])
    ours, plain = LOSSES[loss]
    got = METHODS[method](network, inputs, targets, ours, terms=True, **options)
    assert_nonzero(got)
    expected = oracles.batch(method, network, inputs, targets, plain, **options)
    assert_close(content(got), everything(expected), ROUNDING["float64"])


@pytest.mark.slow
@every_method
@every_readout
@every_reset
def test_float32_in_gives_float32_out_and_the_same_gradients(reset, readout, method, options):
    network, inputs, targets = case(reset, readout, ot.surrogate.Sigmoid())
    expected = oracles.batch(method, network, inputs, targets, oracles.mixed, **options)
    result = METHODS[method](
        network.astype(np.float32), inputs.astype(np.float32), targets.astype(np.float32), terms=True, **options
    )
    got = content(result)
    assert {name: value.dtype for name, value in got.items()} == dict.fromkeys(got, np.float32)
    assert_close(got, everything(expected), ROUNDING["float32"])


@every_method
@every_readout
@every_reset
def test_compiled_and_uncompiled_methods_agree_bit_for_bit(reset, readout, method, options):
    network, inputs, _ = case(reset, readout, ot.surrogate.Sigmoid())
    labels = [1, 0]
    compiled = METHODS[method](network, inputs, labels, terms=True, **options)
    uncompiled = METHODS[method](network.as_objects(float), object_array(inputs, float), labels, terms=True, **options)
    assert_nonzero(compiled)
    assert bits(content(compiled)) == bits(content(uncompiled))


@pytest.mark.parametrize("surrogate", ot.surrogate.ALL)
def test_every_surrogate_is_the_same_compiled_and_uncompiled_in_a_whole_method(surrogate):
    network, inputs, targets = case(surrogate=surrogate())
    compiled = ot.bptt.gradients(network, inputs, targets, reset_gradient="kept")
    uncompiled = ot.bptt.gradients(
        network.as_objects(float),
        *(object_array(array, float) for array in (inputs, targets)),
        reset_gradient="kept",
    )
    assert_nonzero(compiled)
    assert bits(content(compiled)) == bits(content(uncompiled))


def test_the_average_of_a_long_sequence_is_the_same_compiled_and_uncompiled():
    rng = np.random.default_rng(0)
    network = ot.dense_network([2, 3, 1], rng=rng)
    inputs, targets = rng.random((200, 1, 2)), rng.random((1, 1))  # numpy would sum these 200 outputs pairwise
    assert_alive(network, inputs)
    loss = ot.losses.MeanSquaredError()
    compiled = ot.bptt.gradients(network, inputs, targets, loss, loss_of="average")
    objects = [object_array(array, float) for array in (inputs, targets)]
    uncompiled = ot.bptt.gradients(network.as_objects(float), *objects, loss, loss_of="average")
    assert bits(content(compiled)) == bits(content(uncompiled))


@every_method
@every_readout
def test_terms_sum_to_the_gradient(readout, method, options):
    network, inputs, targets = case("soft", readout)
    got = METHODS[method](
        network.exact(),
        ot.exact_array(inputs),
        ot.exact_array(targets),
        ot.losses.MeanSquaredError(),
        terms=True,
        **options,
    )
    assert_nonzero(got)
    for name, value in got.items():
        assert np.array_equal(got.terms[name].sum(axis=0), value), name


@every_method
def test_asking_for_terms_changes_no_bit(method, options):
    network, inputs, targets = case()
    plain = METHODS[method](network, inputs, targets, **options)
    asked = METHODS[method](network, inputs, targets, terms=True, **options)
    assert plain.terms is None and plain.errors is None
    assert bits(content(plain)).items() < bits(content(asked)).items()


@every_method
def test_a_call_leaves_inputs_targets_and_network_as_they_were(method, options):
    network, inputs, targets = case()
    before = bits({"inputs": inputs, "targets": targets, **network.parameters})
    result = METHODS[method](network, inputs, targets, terms=True, **options)
    for value in content(result).values():
        value[...] = np.nan  # nor is any part of a result a view of them
    assert bits({"inputs": inputs, "targets": targets, **network.parameters}) == before


@every_method
def test_read_only_and_strided_inputs_give_the_same_bits(method, options):
    network, inputs, targets = case()
    expected = bits(content(METHODS[method](network, inputs, targets, **options)))
    inputs.flags.writeable = targets.flags.writeable = False
    assert bits(content(METHODS[method](network, inputs, targets, **options))) == expected
    strided = np.asfortranarray(inputs)
    assert bits(content(METHODS[method](network, strided, targets, **options))) == expected


@every_method
def test_no_state_passes_from_one_call_to_another(method, options):
    network, inputs, targets = case()
    first = bits(content(METHODS[method](network, inputs, targets, terms=True, **options)))
    METHODS[method](network, inputs[::-1, :1], targets[1:], **options)
    assert bits(content(METHODS[method](network, inputs, targets, terms=True, **options))) == first


@every_method
def test_a_label_is_its_one_hot_row(method, options):
    network, inputs, _ = case()
    labelled = METHODS[method](network, inputs, np.array([1, 0], dtype=np.uint8), **options)
    rows = METHODS[method](network, inputs, np.array([[0.0, 1.0], [1.0, 0.0]]), **options)
    assert bits(content(labelled)) == bits(content(rows))


def test_a_result_is_keyed_and_ordered_like_the_parameters():
    network, inputs, targets = case()
    result = ot.ottt.gradients(network, inputs, targets)
    assert list(result) == list(network.parameters) == list(result.keys())
    assert [value.shape for value in result.values()] == [value.shape for value in network.parameters.values()]
    assert len(result) == 6 and "layer0.weight" in result
    assert repr(result).startswith(f"Gradients(loss={result.loss}")
