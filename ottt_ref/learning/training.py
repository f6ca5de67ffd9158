"""Updates: optimisers that turn gradients into new parameters, and schedules of their learning rate.

    SGD    v ← μ v + (∇ + wd · w),   w ← w - η v
    Adam   m ← β1 m + (1 - β1) ∇,  q ← β2 q + (1 - β2) ∇²,  w ← w - η (m / (1 - β1^k)) / (sqrt(q / (1 - β2^k)) + ε)
    cosine η(k) = η_min + (η_0 - η_min) (1 + cos(π k / K)) / 2

The formulas are those of torch.optim.SGD, torch.optim.Adam and CosineAnnealingLR.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..validation import require_array, require_count, require_nonnegative, require_number, require_positive


class Optimizer:
    """What every optimiser offers: `step(parameters, gradients)` assigns new values to `parameters`.

    Both are mappings with the same keys. `learning_rate` may be set between steps, by a schedule for one.
    """

    def __init__(self, learning_rate, weight_decay):
        self.learning_rate = require_nonnegative("learning_rate", learning_rate)
        self.weight_decay = require_nonnegative("weight_decay", weight_decay)
        self._state = {}

    def step(self, parameters, gradients):
        """Update each parameter by its gradient.

        Raises TypeError or ValueError, before any update, for other names, shapes or dtypes, for NaN or infinity, and
        where the new values would not be finite.
        """
        gradients = _require_gradients(parameters, gradients)
        rate = require_nonnegative("learning_rate", self.learning_rate)
        before = dict(self._state)
        try:
            parameters.update(self._updated(parameters, gradients, rate))
        except BaseException:
            self._state = before
            raise

    def _updated(self, parameters, gradients, rate):
        updated = {}
        for name, gradient in gradients.items():
            value = parameters[name]
            with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused by name
                if self.weight_decay:
                    gradient = gradient + self.weight_decay * value
                new = value - rate * self._direction(name, gradient)
            updated[name] = require_array(name, new, value.shape, value.dtype)
        return updated

    def _direction(self, name, gradient):
        raise TypeError(f"{type(self).__name__} is not an optimizer of its own: use SGD or Adam")


class SGD(Optimizer):
    """Stochastic gradient descent with momentum in [0, 1) and L2 weight decay; the authors' settings by default."""

    def __init__(self, learning_rate=0.1, *, momentum=0.9, weight_decay=0.0):
        super().__init__(learning_rate, weight_decay)
        self.momentum = _require_fraction("momentum", momentum)

    def _direction(self, name, gradient):
        if not self.momentum:
            return gradient
        if name in self._state:
            self._state[name] = self.momentum * self._state[name] + gradient
        else:
            self._state[name] = gradient.copy()
        return self._state[name]


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015) with bias correction and L2 weight decay."""

    def __init__(self, learning_rate=0.001, *, betas=(0.9, 0.999), epsilon=1e-8, weight_decay=0.0):
        super().__init__(learning_rate, weight_decay)
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise ValueError(f"betas must be two numbers, got {betas!r}")
        self.betas = tuple(_require_fraction(f"betas[{k}]", beta) for k, beta in enumerate(betas))
        self.epsilon = require_positive("epsilon", epsilon)

    def _direction(self, name, gradient):
        first, second, count = self._state.get(name, (np.zeros_like(gradient), np.zeros_like(gradient), 0))
        beta1, beta2 = self.betas
        first = beta1 * first + (1 - beta1) * gradient
        second = beta2 * second + (1 - beta2) * gradient * gradient
        count += 1
        self._state[name] = (first, second, count)
        return first / (1 - beta1**count) / (np.sqrt(second / (1 - beta2**count)) + self.epsilon)


@dataclass(frozen=True)
class CosineSchedule:
    """η(k) = minimum + (learning_rate - minimum) (1 + cos(π k / total)) / 2 for k = 0 .. total, then minimum."""

    learning_rate: float
    total: int
    minimum: float = 0.0

    def __post_init__(self):
        require_nonnegative("learning_rate", self.learning_rate)
        require_count("total", self.total)
        require_nonnegative("minimum", self.minimum)

    def at(self, k):
        """The learning rate of epoch (or step) k >= 0."""
        progress = min(require_count("k", k, minimum=0), self.total) / self.total
        return float(self.minimum + (self.learning_rate - self.minimum) * (1 + math.cos(math.pi * progress)) / 2)


def require_optimizer(optimizer):
    """Return `optimizer` if it is one of ours; raise TypeError otherwise."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an optimizer such as SGD(learning_rate=0.1), got {optimizer!r}")
    return optimizer


def _require_gradients(parameters, gradients):
    if not isinstance(parameters, Mapping):
        raise TypeError(f"parameters must be a mapping such as network.parameters, got {parameters!r}")
    if not isinstance(gradients, Mapping):
        raise TypeError(f"gradients must be a mapping of {list(parameters)}, got {gradients!r}")
    if set(parameters) != set(gradients):
        raise ValueError(f"gradients must be of {list(parameters)}, got those of {list(gradients)}")
    return {
        name: require_array(f"gradients[{name!r}]", gradients[name], value.shape, value.dtype)
        for name, value in parameters.items()
    }


def _require_fraction(name, value):
    return require_number(name, value, "in [0, 1)", lambda number: 0 <= number < 1)
