"""Operations against torch's own functions of the same names: results, errors and gradients."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch.nn import functional

import ottt_ref as ot

RNG = np.random.default_rng(0)
TOLERANCE = {"rtol": 0, "atol": 1e-12}  # some 50 terms of about 1 are added up in another order
OF_IMAGES = [
    {},
    {"stride": (2, 1), "padding": (0, 2)},
    {"dilation": (1, 2), "padding": 1},
    {"stride": (1, 3), "padding": (2, 0), "dilation": (2, 1), "groups": 2},
    {"padding": 1, "groups": 4},
]
OF_SEQUENCES = [
    {},
    {"stride": 2, "padding": 2},
    {"dilation": 3},
    {"stride": 2, "padding": 1, "dilation": 2, "groups": 2},
]


def paired(operation, values, error):
    """The result, the error that comes back, and the gradients, by name."""
    result = operation.forward(values, np.ones(1))
    at = () if operation.linear else (values,)
    gradients = {name: np.zeros_like(array) for name, array in operation.parameters.items()}
    operation.add_gradients(gradients, error, values, np.ones(1))
    return {"result": result, "values": operation.adjoint(error, values.shape[1:], *at), **gradients}


def differentiated(function, values, error, **parameters):
    """The same of a function of torch's, by automatic differentiation."""
    given = {name: torch.tensor(array, requires_grad=True) for name, array in parameters.items()}
    values = torch.tensor(values, requires_grad=True)
    result = function(values, **given)
    result.backward(torch.tensor(error))
    found = {"result": result.detach(), "values": values.grad, **{name: each.grad for name, each in given.items()}}
    return {name: each.numpy() for name, each in found.items()}


def require_same(operation, function, values):
    error = RNG.normal(size=(len(values), *operation.output_shape(values.shape[1:])))
    found, expected = paired(operation, values, error), differentiated(function, values, error, **operation.parameters)
    assert set(found) == set(expected)
    for name, array in found.items():
        np.testing.assert_allclose(array, expected[name], err_msg=name, **TOLERANCE)
        assert np.any(array != 0)


@pytest.mark.parametrize("options", OF_IMAGES, ids=str)
def test_convolutions_of_images_are_torchs(options):
    weight = RNG.normal(size=(8, 4 // options.get("groups", 1), 3, 2))
    operation = ot.Conv2d(weight, RNG.normal(size=8), **options)
    require_same(operation, lambda x, weight, bias: functional.conv2d(x, weight, bias, **options), images(4))


@pytest.mark.parametrize("options", OF_SEQUENCES, ids=str)
def test_convolutions_of_sequences_are_torchs(options):
    weight = RNG.normal(size=(6, 4 // options.get("groups", 1), 3))
    operation = ot.Conv1d(weight, RNG.normal(size=6), **options)
    require_same(operation, lambda x, weight, bias: functional.conv1d(x, weight, bias, **options), sequences(4))


@pytest.mark.parametrize(("size", "stride", "padding"), [(2, None, 0), ((3, 2), (2, 1), (1, 0)), ((2, 3), 1, (0, 1))])
def test_average_pools_are_torchs(size, stride, padding):
    operation = ot.AveragePool2d(size, stride, padding)
    require_same(operation, lambda x: functional.avg_pool2d(x, size, stride, padding), images(2))


def test_average_pools_of_sequences_are_torchs():
    require_same(ot.AveragePool1d(3, 2, 1), lambda x: functional.avg_pool1d(x, 3, 2, 1), sequences(2))


def test_upsampling_by_direction_is_torchs():
    require_same(ot.Upsample2d((1, 3)), lambda x: functional.interpolate(x, scale_factor=(1, 3)), images(2))


@pytest.mark.parametrize("affine", [True, False])
def test_a_channel_scale_is_torchs_batch_normalisation_in_eval_mode(affine):
    normalisation = torch.nn.BatchNorm2d(3, eps=0.01, affine=affine).double()
    for _ in range(3):  # in training: the running mean and variance move
        normalisation(torch.tensor(RNG.normal(1.0, 2.0, size=(4, 3, 6, 5))))
    if affine:
        with torch.no_grad():
            normalisation.weight.copy_(torch.tensor(RNG.normal(size=3)))
            normalisation.bias.copy_(torch.tensor(RNG.normal(size=3)))
    held = {name: array.detach().numpy() for name, array in normalisation.state_dict().items()}
    arrays = [held.get(name) for name in ("weight", "bias", "running_mean", "running_var")]
    scale = ot.ChannelScale.from_batch_norm(*arrays, eps=normalisation.eps)
    normalisation.eval()
    require_same(scale, normalisation, images(3))


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize(("size", "stride", "padding"), [(2, None, 0), ((3, 2), (2, 1), (1, 0)), (3, 1, 1)])
def test_max_pools_are_torchs_and_so_is_where_errors_go_among_equals(size, stride, padding, ties):
    """Of spikes nearly all windows hold equal values: the first in row order is the one."""
    values = RNG.integers(0, 2, size=(2, 3, 6, 5)).astype(float) if ties else images(3)
    operation = ot.MaxPool2d(size, stride, padding)
    require_same(operation, lambda x: functional.max_pool2d(x, size, stride, padding), values)


def test_max_pools_of_sequences_are_torchs():
    values = RNG.integers(0, 2, size=(2, 3, 7)).astype(float)
    require_same(ot.MaxPool1d(3, 2, 1), lambda x: functional.max_pool1d(x, 3, 2, 1), values)


def images(channels):
    return RNG.normal(size=(2, channels, 6, 5))


def sequences(channels):
    return RNG.normal(size=(2, channels, 7))
