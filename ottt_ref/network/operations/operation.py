"""Operations between spiking layers: affine maps of one time step's values, and the trace of what goes through them.

An operation is A x + b c: linear in the values x [B, ...] and in the constant input c, which is 1 in a simulation and
meets the biases alone. Every method needs three things of it:

    forward            A x + b c
    adjoint            A^T δ, the error at its values, of a given shape, from the error at its result
    add_gradients      what an error and the values that it is paired with add to the gradient of each parameter

Because it is affine, the trace of its result is the operation applied to the trace of its values, with the trace of
the constant 1 for c (theorem P1): OTTT needs no trace inside a chain of operations, only one where spikes enter it.

An operation that is not linear in its values, such as max pooling, says so: `linear = False`. Its adjoint is taken at
the values that went in, A^T becomes the transposed Jacobian there, and traces are kept of what comes out of it
(`layers.Connection`).

What an operation consists of is declared by name. One walk over it copies, converts, draws masks and finds the owner of
a parameter; files hold what the constructor takes (`files.descriptions`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, Self

import numpy as np

from ...annotations import ConvertArray, ConvertNumber, Shape
from ...validation import require_array
from ..arrays import with_own_arrays


class Operation:
    """An affine map of values [B, ...]; a subclass of one's own goes wherever Dense and Conv2d go.

    A subclass defines `forward` and `adjoint`; `output_shape`, if the result has another shape than the values; and
    `add_gradients`, if it has parameters. It declares the names of the attributes that it consists of:

    parameter_names  learned arrays, of one dtype; on an operation with children, the children's as well
    array_names      further arrays of the network's numbers, such as a fixed mask
    number_names     single numbers that are multiplied or added, such as a factor
    child_names      operations, or tuples of operations, that it is made of
    linear           False for a map that is not affine: then `adjoint(error, input_shape, values)` is given the values
                     that went in, and is the transposed Jacobian there; `bias_input` is 1

    What is declared is converted with the network (`astype`, `exact`, `copy`); every other attribute, such as a stride,
    is taken as it is. Arrays have the network's dtype, also float32 and object. What an operation is given it must not
    change. A network tries out each operation that is not built in, once, and refuses what does not fit.

    >>> import numpy as np, ottt_ref as ot
    >>> class Gain(ot.Operation):
    ...     parameter_names = ("neuron_gain",)
    ...
    ...     def __init__(self, neuron_gain):
    ...         self.neuron_gain = neuron_gain
    ...
    ...     def forward(self, values, bias_input):
    ...         return self.neuron_gain * values
    ...
    ...     def adjoint(self, error, input_shape):
    ...         return self.neuron_gain * error
    ...
    ...     def add_gradients(self, gradients, error, presynaptic, bias_input):
    ...         gradients["neuron_gain"] += (error * presynaptic).sum(axis=0)
    >>> layer = ot.Layer([ot.Dense(np.eye(2)), Gain(np.array([3.0, 0.5]))], ot.LIF())
    >>> network = ot.Network([layer], input_shape=(2,))
    >>> list(network.parameters)
    ['layer0.weight', 'layer0.bias', 'layer0.neuron_gain']
    >>> ot.simulate(network, np.ones((1, 1, 2))).spikes[0]
    array([[[1., 0.]]])
    """

    parameter_names: tuple[str, ...] = ()
    array_names: tuple[str, ...] = ()
    number_names: tuple[str, ...] = ()
    child_names: tuple[str, ...] = ()
    linear: bool = True

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        for kind in ("parameter_names", "array_names", "number_names", "child_names"):
            names = getattr(cls, kind)
            if isinstance(names, str):
                raise TypeError(f"{cls.__name__}.{kind} must be a tuple of names, got {names!r}")

    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape of one sample's result from that of its values; ValueError where the operation cannot take them."""
        return input_shape

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        """A x + b c [B, ...] from the values x [B, ...] and the constant input c [1]."""
        raise TypeError(f"{type(self).__name__} must define forward(values, bias_input), got none")

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        """A^T δ [B, *input_shape] from δ [B, ...]; of an operation that is not linear also from the values."""
        raise TypeError(f"{type(self).__name__} must define adjoint(error, input_shape), got none")

    def add_gradients(
        self,
        gradients: MutableMapping[str, np.ndarray],
        error: np.ndarray,
        presynaptic: np.ndarray,
        bias_input: np.ndarray,
    ) -> None:
        """Add one pairing of error [B, ...] and presynaptic values [B, ...] to `gradients`, by parameter name."""
        if self.parameter_names:
            raise TypeError(
                f"{type(self).__name__} must define add_gradients(gradients, error, presynaptic, bias_input) for its "
                f"parameters {list(self.parameter_names)}, got none"
            )

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The learned arrays by name, those of children included."""
        found: dict[str, Any] = {name: getattr(self.owner(name), name, None) for name in self.parameter_names}
        for name, value in found.items():
            if not isinstance(value, np.ndarray):
                raise TypeError(f"{type(self).__name__}.{name}, a parameter, must be an array, got {value!r}")
        return found

    @property
    def dtype(self) -> np.dtype | None:
        """The dtype of the parameters; None if there are none, and none of fixed arrays either."""
        return next((value.dtype for value in self.parameters.values()), None)

    @property
    def batch_size(self) -> int | None:
        """B, where the masks of so many samples were drawn; None otherwise."""
        return next((child.batch_size for child in self.children if child.batch_size is not None), None)

    @property
    def children(self) -> tuple[Operation, ...]:
        """The operations that this one is made of, in their order."""
        parts = [getattr(self, name) for name in self.child_names]
        return tuple(child for part in parts for child in ((part,) if isinstance(part, Operation) else part))

    def child_shapes(self, input_shape: Shape) -> Iterable[Shape]:
        """The shape of what each child is given: that of the operation's own values, unless a subclass says another."""
        return [input_shape for _ in self.children]

    def owner(self, parameter: str) -> Operation:
        """The operation whose attribute the parameter is: a child, or the operation itself."""
        for child in self.children:
            if parameter in child.parameter_names:
                return child.owner(parameter)
        return self

    def replaced(self, **values: object) -> Self:
        """A copy with other values for some attributes, unchecked; it shares the rest, its arrays too."""
        result = copy.copy(self)
        for name, value in values.items():
            object.__setattr__(result, name, value)
        return result

    def copy(self) -> Self:
        """A copy with declared arrays of its own, its own and its children's; everything else is taken as it is.

        >>> import numpy as np, ottt_ref as ot
        >>> dense = ot.Dense(np.eye(2))
        >>> twin = dense.copy()
        >>> twin.weight[...] = 0
        >>> dense.weight.tolist()
        [[1.0, 0.0], [0.0, 1.0]]
        """
        names = [name for name in (*self.parameter_names, *self.array_names) if self.owner(name) is self]
        return with_own_arrays(self, self.with_children(lambda child: child.copy()), names)

    def with_children(self, change: Callable[[Operation], Operation]) -> Self:
        """A copy with `change(child)` for each child."""

        def changed(part):
            return change(part) if isinstance(part, Operation) else tuple(map(change, part))

        return self.replaced(**{name: changed(getattr(self, name)) for name in self.child_names})

    def rebuilt(self, convert_array: ConvertArray, convert_number: ConvertNumber) -> Self:
        """A copy with converted arrays and numbers, its own and its children's."""
        own: dict[str, object] = {}
        for name in dict.fromkeys((*self.parameter_names, *self.array_names)):
            if self.owner(name) is self:
                array = getattr(self, name)
                own[name] = require_array(name, convert_array(array), array.shape).copy()
        own |= {name: convert_number(getattr(self, name)) for name in self.number_names}
        return self.with_children(lambda child: child.rebuilt(convert_array, convert_number)).replaced(**own)

    def unmasked(self) -> Operation:
        """The operation with each drawn mask taken away; it shares its parameters with this one."""
        return self.with_children(lambda child: child.unmasked())

    def masked(self, batch_size: int, input_shape: Shape, dtype: np.dtype, rng: np.random.Generator) -> Operation:
        """The operation with a mask drawn anew for each Dropout in it; it shares its parameters with this one."""
        shapes = iter(self.child_shapes(input_shape))
        return self.with_children(lambda child: child.masked(batch_size, next(shapes), dtype, rng))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.parameter_names)})"
