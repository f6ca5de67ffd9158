"""The step of an optimiser: of SGD in one compiled call, with the reference's bits, checks and state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..learning.optimisers import SGD, Optimizer
from ..network.network import Parameters
from ..validation import FLOAT_DTYPES
from .kernels.updates import BLOCK, sgd


def step(optimizer: Optimizer, parameters: Parameters, gradients: Mapping[str, np.ndarray]) -> None:
    """`optimizer.step(parameters, gradients)`, of SGD on floats faster.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.fast import updates
    >>> network, optimizer = ot.dense_network([2, 3, 2], rng=7), ot.training.SGD(0.5)
    >>> gradients = ot.ottt.gradients(network, np.ones((4, 1, 2)), np.array([1]))
    >>> expected = network.parameters["layer0.bias"] - 0.5 * gradients["layer0.bias"]
    >>> updates.step(optimizer, network.parameters, gradients)
    >>> np.array_equal(network.parameters["layer0.bias"], expected)
    True
    """
    if not _step_of_sgd(optimizer, parameters, gradients):
        optimizer.step(parameters, gradients)


def _step_of_sgd(optimizer: Any, parameters: Any, gradients: Any) -> bool:
    """Take the step, if it is one of SGD that nothing is wrong with; whether that was so."""
    if type(optimizer) is not SGD or type(parameters) is not Parameters or len(gradients) != len(parameters):
        return False
    names = list(parameters)
    try:
        pairs = [(parameters[name], gradients[name]) for name in names]
    except KeyError:
        return False
    dtype = pairs[0][0].dtype
    if dtype not in FLOAT_DTYPES or not all(_fit(*pair, dtype) for pair in pairs):
        return False
    arrays = dict(zip(names, (value for value, _ in pairs)))
    known = optimizer._mapping is parameters and all(arrays[name] is array for name, array in optimizer._arrays.items())
    if not known:
        optimizer._require_own(parameters)
    settings = np.array([optimizer.learning_rate, optimizer.momentum, optimizer.weight_decay], dtype=dtype)
    if not np.isfinite(settings).all():
        return False
    old = new = [value for value, _ in pairs]
    if optimizer.momentum:
        new = [np.empty_like(value) for value, _ in pairs]
        state = optimizer._state
        old = [state[name]["velocity"] if name in state else np.zeros_like(v) for name, v in zip(names, new)]
    addresses = np.array(
        [[a.__array_interface__["data"][0] for a in each] for each in (*zip(*pairs), new, old)], dtype=np.int64
    )
    sizes = [value.size for value, _ in pairs]
    blocks = [(p, k, min(size, k + BLOCK)) for p, size in enumerate(sizes) for k in range(0, size, BLOCK)]
    given = (*addresses, np.array(sizes), settings, np.array(blocks))
    if sgd(*given, False):
        return False
    sgd(*given, True)
    parameters.project()
    if optimizer.momentum:
        optimizer._state = {name: {"velocity": velocity} for name, velocity in zip(names, new)}
    if not known:
        optimizer._mapping = parameters
        optimizer._kinds = {name: (value.shape, value.dtype) for name, value in arrays.items()}
    optimizer._arrays = arrays
    return True


def _fit(value, gradient, dtype):
    return (
        type(gradient) is np.ndarray
        and gradient.dtype == dtype == value.dtype
        and gradient.shape == value.shape
        and gradient.flags.carray
        and value.flags.carray
    )
