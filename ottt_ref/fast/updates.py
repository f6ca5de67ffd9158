"""The step of an optimiser: of SGD in one compiled call, with the reference's bits, checks and state."""

from __future__ import annotations

import math
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..learning.optimisers import SGD, Optimizer
from ..network.network import Parameters
from ..validation import FLOAT_DTYPES
from .kernels.updates import BLOCK, sgd
from .references import others

KEPT = 8  # networks whose plans are kept


def step(optimizer: Optimizer, parameters: Parameters, gradients: Mapping[str, np.ndarray]) -> None:
    """`optimizer.step(parameters, gradients)`, of SGD on floats faster: the same bits, checks, errors and state.

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
    arrays = dict(parameters)
    if any(name not in gradients for name in arrays):
        return False
    changes = [gradients[name] for name in arrays]
    known = optimizer._mapping is parameters and all(
        array is optimizer._arrays.get(name) for name, array in arrays.items()
    )
    if not known:
        optimizer._require_own(parameters)
    plan = _plan_of(parameters, arrays)
    if plan is None or not all(_fit(*pair, plan.dtype) for pair in zip(arrays.values(), changes)):
        return False
    plan.settings[:] = optimizer.learning_rate, optimizer.momentum, optimizer.weight_decay
    if not math.isfinite(sum(plan.settings.tolist())):
        return False
    plan.addresses[1] = [_address(change) for change in changes]
    new: list[np.ndarray] = []
    if optimizer.momentum:
        new, state = plan.room(arrays), optimizer._state
        old = [state[name]["velocity"] if name in state else np.zeros_like(value) for name, value in arrays.items()]
        plan.addresses[2:] = [[_address(array) for array in each] for each in (new, old)]
    if not sgd(plan.addresses, plan.sizes, plan.settings, plan.blocks):
        return False
    parameters.project()
    if optimizer.momentum:
        optimizer._state = {name: {"velocity": velocity} for name, velocity in zip(arrays, new)}
        plan.before = old
    if not known:
        optimizer._mapping = parameters
        optimizer._kinds = {name: (value.shape, value.dtype) for name, value in arrays.items()}
    optimizer._arrays = arrays
    return True


class _Plan:
    """What is the same in each step of one network: where its parameters lie, and how the work is cut."""

    def __init__(self, arrays):
        self.arrays = arrays
        values = list(arrays.values())
        self.dtype = values[0].dtype
        self.addresses = np.array([[_address(value) for value in values]] * 4, dtype=np.int64)
        self.sizes = np.array([value.size for value in values], dtype=np.int64)
        self.settings = np.zeros(3, dtype=self.dtype)
        self.before: list[np.ndarray] = []  # velocities of the step before the last
        self.blocks = np.array(
            [
                (p, first, min(size, first + BLOCK))
                for p, size in enumerate(self.sizes.tolist())
                for first in range(0, size, BLOCK)
            ],
            dtype=np.int64,
        )

    def room(self, arrays):
        """An array for each new velocity: one from before the last step, if nobody else has it."""
        before, self.before = self.before, []
        free = len(before) == len(arrays)
        return [
            before[k] if free and not others(before, k) else np.empty_like(value)
            for k, value in enumerate(arrays.values())
        ]


_PLANS: OrderedDict[int, tuple[Callable[[], object], _Plan]] = OrderedDict()


def _plan_of(parameters, arrays):
    """The plan for parameters of floats that are these arrays; None for others."""
    known = _PLANS.get(id(parameters))
    if known is not None and known[0]() is parameters:
        plan = known[1]
        if all(array is plan.arrays[name] for name, array in arrays.items()):
            return plan
    if next(iter(arrays.values())).dtype not in FLOAT_DTYPES:
        return None
    plan = _Plan(arrays)
    _PLANS[id(parameters)] = weakref.ref(parameters), plan
    while len(_PLANS) > KEPT:
        _PLANS.popitem(last=False)
    return plan


def _address(array):
    return array.__array_interface__["data"][0]


def _fit(value, gradient, dtype):
    return (
        type(gradient) is np.ndarray
        and gradient.dtype == dtype == value.dtype
        and gradient.shape == value.shape
        and gradient.flags.carray
        and value.flags.carray
    )
