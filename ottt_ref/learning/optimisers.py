"""Optimisers, which turn gradients into new parameters.

    SGD    v ← μ v + (∇ + wd · w),   w ← w - η v
    Adam   m ← β1 m + (1 - β1) ∇,  q ← β2 q + (1 - β2) ∇²,  w ← w - η (m / (1 - β1^k)) / (sqrt(q / (1 - β2^k)) + ε)

The formulas are those of torch.optim.SGD and torch.optim.Adam.
"""

from collections.abc import Mapping, MutableMapping
from fractions import Fraction

import numpy as np

from ..validation import require_array, require_nonnegative, require_number, require_positive


class Optimizer:
    """What every optimiser offers: `step(parameters, gradients)` assigns new values to `parameters`.

    Both are mappings with the same keys. `learning_rate` may be set between steps, by a schedule for one.
    An optimiser of one's own defines `_direction(name, gradient)`, by which the learning rate is multiplied:

    >>> import numpy as np, ottt_ref as ot
    >>> class SignDescent(ot.training.Optimizer):
    ...     def _direction(self, name, gradient):
    ...         return np.sign(gradient)
    >>> parameters = {"w": np.array([1.0, 2.0])}
    >>> SignDescent(learning_rate=0.5, weight_decay=0.0).step(parameters, {"w": np.array([3.0, -0.1])})
    >>> parameters["w"].tolist()
    [0.5, 2.5]
    """

    def __init__(self, learning_rate: float | Fraction, weight_decay: float | Fraction) -> None:
        self.learning_rate = require_nonnegative("learning_rate", learning_rate)
        self.weight_decay = require_nonnegative("weight_decay", weight_decay)
        self._state: dict = {}

    def step(self, parameters: MutableMapping[str, np.ndarray], gradients: Mapping[str, np.ndarray]) -> None:
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
    """Stochastic gradient descent with momentum in [0, 1) and L2 weight decay; the authors' settings by default.

    With momentum the second of two equal steps is longer than the first:

    >>> import numpy as np, ottt_ref as ot
    >>> parameters, optimizer = {"w": np.array([1.0])}, ot.training.SGD(0.25, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.step(parameters, {"w": np.array([1.0])})
    ...     print(parameters["w"])
    [0.75]
    [0.375]
    """

    def __init__(
        self,
        learning_rate: float | Fraction = 0.1,
        *,
        momentum: float | Fraction = 0.9,
        weight_decay: float | Fraction = 0.0,
    ) -> None:
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
    """Adam (Kingma and Ba 2015) with bias correction and L2 weight decay.

    The first step has the length of the learning rate, whatever the gradient's size:

    >>> import numpy as np, ottt_ref as ot
    >>> parameters = {"w": np.array([1.0, 1.0])}
    >>> ot.training.Adam(0.25).step(parameters, {"w": np.array([100.0, -0.01])})
    >>> parameters["w"].round(4).tolist()
    [0.75, 1.25]
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
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


def require_optimizer(optimizer: Optimizer) -> Optimizer:
    """Return `optimizer` if it is one; raise TypeError otherwise.

    >>> import ottt_ref as ot
    >>> ot.training.require_optimizer(0.1)
    Traceback (most recent call last):
    TypeError: optimizer must be an optimizer such as SGD(learning_rate=0.1), got 0.1
    """
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
