"""Optimisers, which turn gradients into new parameters.

    SGD    v ← μ v + (∇ + wd · w),   w ← w - η v
    Adam   m ← β1 m + (1 - β1) ∇,  q ← β2 q + (1 - β2) ∇²,  w ← w - η (m / (1 - β1^k)) / (sqrt(q / (1 - β2^k)) + ε)

The formulas are those of torch.optim.SGD and torch.optim.Adam.

An optimiser belongs to the parameters that it first updates: what it carries (v; m, q and k) is theirs. Those of
another network are refused, whatever their names. To go on with another network there are three ways:

    a new optimiser                            which starts at rest
    optimizer.reset()                          which makes it as new; its settings stay
    new.load_state(optimizer.state)            which goes on where the other is: for a copy of the network, or one that
                                               was saved and loaded, as `state` can be (`np.savez`)
"""

from collections.abc import Mapping, MutableMapping
from fractions import Fraction
from typing import Any

import numpy as np

from ..exactness import exact_kind, is_rounded, require_exact
from ..finite import is_finite
from ..network.network import Parameters
from ..validation import (
    as_array,
    describe_shape,
    require_array,
    require_nonnegative,
    require_number,
    require_positive,
    require_size,
)


class Optimizer:
    """What every optimiser offers: `step(parameters, gradients)` assigns new values to `parameters`.

    Both are mappings with the same keys. `learning_rate` may be set between steps, by a schedule for one.
    The first step binds the optimiser to these parameters: those of another network are refused, until `reset`. What it
    carries from step to step is `state`, which another optimiser of its kind can load. A copy of the optimiser (`copy`,
    `pickle`) has the state, and is bound by its own first step.

    The velocity that training left goes on with a copy of the network:

    >>> import numpy as np, ottt_ref as ot
    >>> network, optimizer = ot.dense_network([2, 3, 2], rng=0), ot.training.SGD()
    >>> inputs, labels = np.ones((4, 1, 2)), np.array([1])
    >>> optimizer.step(network.parameters, ot.ottt.gradients(network, inputs, labels))
    >>> twin, other = network.copy(), ot.training.SGD()
    >>> other.load_state(optimizer.state)
    >>> for each, its_own in ((network, optimizer), (twin, other)):
    ...     its_own.step(each.parameters, ot.ottt.gradients(each, inputs, labels))
    >>> all(np.array_equal(network.parameters[name], twin.parameters[name]) for name in network.parameters)
    True

    An optimiser of one's own defines `_direction(name, gradient)`, by which the learning rate is multiplied. If it has
    a state, it names its parts: `state_names`, arrays of the parameter's shape, and `count_names`, whole numbers. They
    lie in `self._state[name]`, a dict that `_direction` replaces by a new one:

    >>> import numpy as np, ottt_ref as ot
    >>> class SignDescent(ot.training.Optimizer):
    ...     def _direction(self, name, gradient):
    ...         return np.sign(gradient)
    >>> parameters = {"w": np.array([1.0, 2.0])}
    >>> SignDescent(learning_rate=0.5, weight_decay=0.0).step(parameters, {"w": np.array([3.0, -0.1])})
    >>> parameters["w"].tolist()
    [0.5, 2.5]
    """

    state_names: tuple[str, ...] = ()
    count_names: tuple[str, ...] = ()

    def __init__(self, learning_rate: float | Fraction, weight_decay: float | Fraction) -> None:
        self.learning_rate = require_nonnegative("learning_rate", learning_rate)
        self.weight_decay = require_nonnegative("weight_decay", weight_decay)
        self.reset()

    def reset(self) -> None:
        """Forget all steps, and whose parameters they were: the next step may be of any. The settings stay.

        >>> import numpy as np, ottt_ref as ot
        >>> optimizer = ot.training.SGD()
        >>> optimizer.step({"w": np.array([1.0])}, {"w": np.array([1.0])})
        >>> optimizer.reset()
        >>> optimizer.state
        {}
        """
        self._state: dict[str, dict[str, Any]] = {}
        self._kinds: dict[str, tuple[tuple[int, ...], np.dtype]] = {}  # shapes and dtypes that the state is of
        self._mapping: Mapping[str, np.ndarray] | None = None  # whose parameters they are
        self._arrays: dict[str, np.ndarray] = {}

    def __getattr__(self, name: str) -> Any:
        """The state that is not here, since a learner holds it (`ottt_ref.fast.streaming`): now it is.

        Python asks for it only where an attribute is missing.
        """
        debt = self.__dict__.get("_debt")
        if debt is None or name != "_state":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        return debt.pay(self.__dict__)[name]

    @property
    def state(self) -> dict[str, np.ndarray]:
        """What the steps so far have left, by parameter and part: copies, as `load_state` takes them.

        Settings are no part of it. Empty before the first step, and without momentum.

        >>> import numpy as np, ottt_ref as ot
        >>> optimizer = ot.training.SGD()
        >>> optimizer.step({"w": np.array([1.0])}, {"w": np.array([0.5])})
        >>> optimizer.state
        {'w.velocity': array([0.5])}
        """
        return {
            f"{name}.{part}": np.array(value) for name, parts in self._state.items() for part, value in parts.items()
        }

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from the `state` of an optimiser of this kind, such as one that `np.savez(path, **state)` kept.

        It must be of the parameters that this optimiser is bound to; where it is bound to none, the next step's must
        have the same names, shapes and dtype. Raises TypeError or ValueError, and changes nothing, for anything else.

        >>> import numpy as np, ottt_ref as ot
        >>> optimizer, parameters = ot.training.SGD(1.0, momentum=0.5), {"w": np.array([1.0])}
        >>> optimizer.load_state({"w.velocity": np.array([2.0])})
        >>> optimizer.step(parameters, {"w": np.array([0.0])})
        >>> parameters["w"]
        array([0.])
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"state must be a mapping such as optimizer.state, got {state!r}")
        wanted, loaded = (*self.state_names, *self.count_names), {}
        for name in dict.fromkeys(str(key).rpartition(".")[0] for key in state):
            keys = [key for key in state if str(key).rpartition(".")[0] == name]
            if sorted(keys) != sorted(f"{name}.{part}" for part in wanted):
                raise ValueError(
                    f"state must hold {[f'{name}.{part}' for part in wanted]} of each parameter for "
                    f"{type(self).__name__}, got {keys}"
                )
            loaded[name] = self._parts_loaded(name, {part: state[f"{name}.{part}"] for part in wanted})
        kinds = self._kinds if self._mapping is not None else self._kinds_of(loaded)
        if loaded:
            _require_kinds("state", self._kinds_of(loaded), kinds)
        self._state, self._kinds = loaded, kinds

    def _parts_loaded(self, name, parts):
        shape, loaded = None, {}
        for part, value in parts.items():
            key = f"state[{f'{name}.{part}'!r}]"
            array = as_array(key, value)
            if part in self.count_names:
                if array.shape or array.dtype.kind not in "iu":
                    raise TypeError(f"{key} must be a whole number, got {value!r}")
                loaded[part] = require_size(key, int(array))
            else:
                shape = array.shape if shape is None else shape
                loaded[part] = require_array(key, array, shape).copy()
        return loaded

    def _kinds_of(self, state):
        """The shape and dtype of each parameter that a state of arrays is of."""
        arrays = {name: parts[self.state_names[0]] for name, parts in state.items() if self.state_names}
        return {name: (array.shape, array.dtype) for name, array in arrays.items()}

    def __getstate__(self) -> dict[str, Any]:
        """What a copy gets: the state, but not whose parameters it was."""
        state = {name: dict(parts) for name, parts in self._state.items()}
        attributes = {name: value for name, value in self.__dict__.items() if name != "_debt"}
        return {**attributes, "_state": state, "_mapping": None, "_arrays": {}}

    def step(self, parameters: MutableMapping[str, np.ndarray], gradients: Mapping[str, np.ndarray]) -> None:
        """Update each parameter by its gradient.

        Raises TypeError or ValueError, before any update, for other names, shapes or dtypes, for NaN or infinity, for
        the parameters of another network than before, where the new values would not be finite, and where exact
        parameters would become floats.
        """
        arrays = _require_parameters(parameters)
        exact = exact_kind(arrays) is not None
        gradients = _require_gradients(arrays, gradients, exact)
        self._require_own(parameters, arrays)
        rate = require_nonnegative("learning_rate", self.learning_rate)
        before = dict(self._state)
        try:
            updated = self._updated(arrays, gradients, rate, exact)
            if isinstance(parameters, Parameters) and not exact:
                for name, array in arrays.items():
                    array[...] = updated[name]  # which were checked
            else:
                parameters.update(updated)
            if isinstance(parameters, Parameters):  # decays and thresholds have a range
                parameters.project()
        except BaseException:
            self._state = before
            raise
        if self._mapping is None:
            self._mapping = parameters
        self._arrays = dict(parameters)
        self._kinds = _kinds(self._arrays)

    def _require_own(self, parameters, arrays=None):
        """Check that the parameters are those of the first step, or fit the state that was loaded.

        arrays  what `parameters` holds, where that is known
        """
        arrays = dict(parameters) if arrays is None else arrays
        if self._kinds:
            _require_kinds("parameters", _kinds(arrays), self._kinds)
        same = all(arrays[name] is array for name, array in self._arrays.items())
        if self._mapping is not None and parameters is not self._mapping and not same:
            raise ValueError(
                f"parameters must be those that this {type(self).__name__} first updated, whose state it carries, got "
                "others of the same names: each network needs an optimizer of its own (or `reset` this one; for a copy "
                "of the network, `load_state` of a new optimizer takes this one's `state`)"
            )

    def _updated(self, parameters, gradients, rate, exact):
        updated = {}
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused by name
            for name, gradient in gradients.items():
                value = parameters[name]
                if self.weight_decay:
                    gradient = gradient + self.weight_decay * value
                change = rate * self._direction(name, gradient)
                own = isinstance(change, np.ndarray) and (change.shape, change.dtype) == (value.shape, value.dtype)
                updated[name] = np.subtract(value, change, out=change if own else None)  # fresh memory is dear
        for name, value in parameters.items():
            updated[name] = require_array(name, updated[name], value.shape, value.dtype)
            if exact and any(is_rounded(number) for number in updated[name].flat):
                raise TypeError(
                    f"{name} must stay exact: the settings of {type(self).__name__} must be exact numbers such as "
                    f"Fraction(1, 10), got {self._rounded_settings()}"
                )
        return updated

    def _rounded_settings(self):
        return ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if value and is_rounded(value))

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

    state_names = ("velocity",)

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
        velocity = gradient.copy()
        if name in self._state:
            velocity = self.momentum * self._state[name]["velocity"]
            velocity += gradient
        self._state[name] = {"velocity": velocity}
        return velocity


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015) with bias correction and L2 weight decay.

    A gradient whose square overflows (in float32 above 1.8e19) is refused with ValueError, before anything changes:
    its second moment would be infinite ever after, and no step of that parameter longer than 0.

    The first step has the length of the learning rate, whatever the gradient's size:

    >>> import numpy as np, ottt_ref as ot
    >>> parameters = {"w": np.array([1.0, 1.0])}
    >>> ot.training.Adam(0.25).step(parameters, {"w": np.array([100.0, -0.01])})
    >>> parameters["w"].round(4).tolist()
    [0.75, 1.25]
    """

    state_names = ("first_moment", "second_moment")
    count_names = ("steps",)

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
        if gradient.dtype.hasobject:
            raise TypeError(
                f"{name} must be float64 or float32 for Adam, which takes a square root, got numbers in an object "
                "array: SGD takes those"
            )
        zeros = np.zeros_like(gradient)
        before = self._state.get(name, {"first_moment": zeros, "second_moment": zeros, "steps": 0})
        first, second, count = before["first_moment"], before["second_moment"], before["steps"]
        beta1, beta2 = self.betas
        first = beta1 * first + (1 - beta1) * gradient
        second = beta2 * second + (1 - beta2) * gradient * gradient
        if not is_finite(second):
            index = next(index for index, number in np.ndenumerate(second) if not np.isfinite(number))
            raise ValueError(
                f"gradients[{name!r}] must have squares that {second.dtype} can hold for Adam, got "
                f"{gradient[index]:.3g} at index {list(index)}"
            )
        count += 1
        self._state[name] = {"first_moment": first, "second_moment": second, "steps": count}
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


def _require_parameters(parameters):
    """The arrays of a mapping of parameters, by name."""
    if not isinstance(parameters, Mapping):
        raise TypeError(f"parameters must be a mapping such as network.parameters, got {parameters!r}")
    arrays = dict(parameters)
    for name, value in arrays.items():
        if not isinstance(value, np.ndarray):
            raise TypeError(f"parameters[{name!r}] must be an array, got {value!r}")
    return arrays


def _require_gradients(parameters, gradients, exact):
    if not isinstance(gradients, Mapping):
        raise TypeError(f"gradients must be a mapping of {list(parameters)}, got {gradients!r}")
    if set(parameters) != set(gradients):
        raise ValueError(f"gradients must be of {list(parameters)}, got those of {list(gradients)}")
    checked = {}
    for name, value in parameters.items():
        key = f"gradients[{name!r}]"
        checked[name] = require_array(key, gradients[name], value.shape, value.dtype)
        if exact:
            require_exact(key, checked[name])
    return checked


def _kinds(parameters):
    return {name: (value.shape, value.dtype) for name, value in parameters.items()}


def _require_kinds(what, found, wanted):
    """Check names, shapes and dtypes: those of the parameters that an optimiser's state is of."""
    if set(found) != set(wanted):
        raise ValueError(
            f"{what} must be of the parameters {list(wanted)}, which this optimizer is bound to, got {list(found)}"
        )
    for name, (shape, dtype) in wanted.items():
        if found[name] != (shape, dtype):
            got_shape, got_dtype = found[name]
            raise ValueError(
                f"{what} must be of {name} {dtype} {describe_shape(shape)}, which this optimizer is bound to, got "
                f"{got_dtype} {describe_shape(got_shape)}"
            )


def _require_fraction(name, value):
    return require_number(name, value, "in [0, 1)", lambda number: 0 <= number < 1)
