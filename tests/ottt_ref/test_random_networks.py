"""Every method against its equations on random networks: each depth, reset, readout and dtype, uneven everywhere."""

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.methods.shared.gradients import Gradients
from tests import oracles

from ..selection import slow
from .helpers import (
    IN_TIME,
    METHODS,
    OPTION_NAMES,
    OPTIONS,
    READOUTS,
    RESETS,
    assert_alive,
    assert_close,
    content,
    random_case,
)

pytestmark = pytest.mark.slow

DEPTHS = (1, 2, 3)
# float64: fewer than 10^4 roundings of 1.2e-16; float32: of 6e-8, and decays rounded at 6e-8, both amplified by weights
# and surrogates of at most 4 a layer
ROUNDING = {np.float64: 1e-12, np.float32: 1e-4}

every_method = pytest.mark.parametrize(("method", "options"), OPTIONS, ids=OPTION_NAMES)
every_depth = pytest.mark.parametrize("depth", slow(DEPTHS, (1, 3)))
every_reset = pytest.mark.parametrize("reset", RESETS)
every_readout = pytest.mark.parametrize("readout", READOUTS)


def everything(batch):
    """An oracle's batch as `content` names it."""
    return content(Gradients(batch.gradients, batch.loss, batch.outputs, batch.terms, batch.errors))


@pytest.mark.parametrize("dtype", ROUNDING)
@every_method
@every_depth
@every_readout
@every_reset
def test_a_method_equals_its_equations(reset, readout, depth, method, options, dtype):
    network, inputs, targets = random_case(0, depth, reset, readout, dtype)
    assert_alive(network, inputs)
    got = METHODS[method](network, inputs, targets, terms=True, **options)
    expected = oracles.batch(method, network, inputs, targets, oracles.mixed, **options)
    assert {value.dtype for value in content(got).values()} == {np.dtype(dtype)}
    assert_close(content(got), everything(expected), ROUNDING[dtype])


@every_method
@every_readout
def test_one_time_step_of_one_sample(readout, method, options):
    network, inputs, targets = random_case(1, 2, "soft", readout)
    inputs, targets = inputs[:1, :1], targets[:1]
    got = METHODS[method](network, inputs, targets, terms=True, **options)
    expected = oracles.batch(method, network, inputs, targets, oracles.mixed, **options)
    assert_close(content(got), everything(expected), ROUNDING[np.float64])


@every_method
@every_readout
def test_terms_and_errors_have_the_promised_shapes(readout, method, options):
    network, inputs, targets = random_case(2, 2, "soft", readout)
    time_steps, batch_size = inputs.shape[:2]
    got = METHODS[method](network, inputs, targets, terms=True, **options)
    rows = 1 if method == "spike_representation" else time_steps
    assert list(got.terms) == list(network.parameters)
    for name, value in network.parameters.items():
        assert got[name].shape == value.shape and got.terms[name].shape == (rows, *value.shape)
    if method == "rtrl":
        assert got.errors is None
    else:
        widths = [layer.synapses.output_size for layer in network.layers]
        assert [error.shape for error in got.errors] == [(rows, batch_size, width) for width in widths]
    leading = (batch_size,) if method == "spike_representation" else (time_steps, batch_size)
    assert got.outputs.shape == (*leading, network.output_size)


@every_method
@every_reset
def test_a_terms_sum_is_the_gradient_up_to_rounding(reset, method, options):
    network, inputs, targets = random_case(3, 2, reset, "leaky")
    got = METHODS[method](network, inputs, targets, terms=True, **options)
    assert_close({name: term.sum(axis=0) for name, term in got.terms.items()}, got, 1e-13)  # six additions


@every_method
def test_a_batch_is_the_mean_of_its_samples(method, options):
    network, inputs, targets = random_case(4, 2, "soft", "linear")
    together = METHODS[method](network, inputs, targets, **options)
    alone = [METHODS[method](network, inputs[:, b : b + 1], targets[b : b + 1], **options) for b in range(len(targets))]
    mean = {name: sum(sample[name] for sample in alone) / len(alone) for name in together}
    assert_close(dict(together), mean, 1e-13)  # the same few hundred roundings in another order
    assert together.loss == pytest.approx(sum(sample.loss for sample in alone) / len(alone), rel=1e-14)


@pytest.mark.parametrize("method", IN_TIME)
def test_the_outputs_of_every_method_in_time_are_the_simulations(method):
    network, inputs, targets = random_case(5, 2, "hard", "leaky")
    got = METHODS[method](network, inputs, targets)
    assert got.outputs.tobytes() == ot.simulate(network, inputs).outputs.tobytes()


@every_method
def test_every_default_is_the_one_that_is_documented(method, options):
    defaults = {"reset_gradient": "detached", "loss_of": "steps", "dialect": "derivation", "rates": "measured"}
    network, inputs, targets = random_case(6, 2, "soft", "linear")
    if all(defaults[option] == value for option, value in options.items()):
        plain = METHODS[method](network, inputs, targets)
        named = METHODS[method](network, inputs, targets, loss=ot.losses.Mixed(mse_weight=0.05), **options)
        assert all(plain[name].tobytes() == named[name].tobytes() for name in plain)
    elif method != "sltt":  # whose dialects agree
        plain = METHODS[method](network, inputs, targets)
        other = METHODS[method](network, inputs, targets, **options)
        assert any(plain[name].tobytes() != other[name].tobytes() for name in plain)


def test_a_result_is_a_mapping_and_cannot_be_assigned():
    network, inputs, targets = random_case(7, 1, "soft", "linear")
    result = ot.sltt.gradients(network, inputs, targets)
    assert dict(result).keys() == network.parameters.keys()
    assert result.get("layer9.weight") is None and "layer9.weight" not in result
    with pytest.raises(KeyError, match=r"layer9\.weight"):
        result["layer9.weight"]
    with pytest.raises(TypeError):
        result["layer0.weight"] = 0
