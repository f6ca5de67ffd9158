"""A chain of operations, one after the other.

forward        A_K (... A_1 (x))
adjoint        A_1^T (... A_K^T δ)
gradients      of A_k: the error behind it, A_{k+1}^T (... A_K^T δ), paired with A_{k-1} (... A_1 (x))

Where an operation is not linear, errors go back through its Jacobian at what it was given: the adjoint computes that
anew from the values that went into the chain, with the constant input 1.
"""

from collections.abc import Iterable, MutableMapping

import numpy as np

from ...annotations import Shape
from ...validation import require_result, shown
from .door import require_batch, require_error, require_given
from .operation import Operation


class Chain(Operation):
    """Operations one after the other; none of them is the identity.

    Raises TypeError for what is no operation, ValueError where two operations have a parameter of the same name.

    >>> import numpy as np, ottt_ref as ot
    >>> chain = ot.Chain([ot.Flatten(), ot.Scale(2.0)])
    >>> chain.output_shape((1, 1, 3))
    (3,)
    >>> chain.forward(np.ones((1, 1, 1, 3)), np.ones(1))
    array([[2., 2., 2.]])
    """

    child_names = ("operations",)

    def __init__(self, operations: Operation | Iterable[Operation] = ()) -> None:
        if isinstance(operations, Operation):
            operations = (operations,)
        if isinstance(operations, str) or not hasattr(operations, "__iter__"):
            raise TypeError(
                f"operations must be a sequence of operations such as Dense or Flatten, got {shown(operations)}"
            )
        self.operations = tuple(operations)
        for k, operation in enumerate(self.operations):
            if not isinstance(operation, Operation):
                raise TypeError(
                    f"operations[{k}] must be an operation such as Dense or Flatten, got {shown(operation)}"
                )
        names = [name for operation in self.operations for name in operation.parameter_names]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"operations must have at most one parameter of each name, got several of {twice}")
        dtypes = {str(operation.dtype) for operation in self.operations if operation.dtype is not None}
        if len(dtypes) > 1:
            raise TypeError(f"operations must all have one dtype, got {sorted(dtypes)}")
        self.parameter_names = tuple(names)
        self.linear = all(operation.linear for operation in self.operations)

    @property
    def dtype(self) -> np.dtype | None:
        """The one dtype of its operations' arrays; None if there are none."""
        return next((operation.dtype for operation in self.operations if operation.dtype is not None), None)

    def output_shape(self, input_shape: Shape) -> Shape:
        for operation in self.operations:
            input_shape = operation.output_shape(input_shape)
        return input_shape

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        require_batch(self, "values", values)
        for operation in self.operations:
            values = _forward(operation, values, bias_input)
        return values

    def adjoint(self, error: np.ndarray, input_shape: Shape, values: np.ndarray | None = None) -> np.ndarray:
        shape = require_error(self, error, input_shape)
        if not self.linear:
            return self._adjoint_at(error, require_given(self, values, shape, error.dtype))
        for operation, shape in reversed(list(zip(self.operations, self.child_shapes(input_shape)))):
            error = _adjoint(operation, error, shape)
        return error

    def _adjoint_at(self, error, values):
        one = np.zeros(1, dtype=values.dtype)
        one[0] = 1
        given = [values]
        for operation in self.operations[:-1]:
            given.append(_forward(operation, given[-1], one))
        for operation, values in zip(reversed(self.operations), reversed(given)):
            error = _adjoint(operation, error, values.shape[1:], values)
        return error

    def add_gradients(
        self,
        gradients: MutableMapping[str, np.ndarray],
        error: np.ndarray,
        presynaptic: np.ndarray,
        bias_input: np.ndarray,
    ) -> None:
        values = [require_batch(self, "presynaptic values", presynaptic)]
        require_error(self, error, presynaptic.shape[1:])
        for operation in self.operations[:-1]:
            values.append(_forward(operation, values[-1], bias_input))
        for k in reversed(range(len(self.operations))):
            self.operations[k].add_gradients(gradients, error, values[k], bias_input)
            if not any(operation.parameter_names for operation in self.operations[:k]):
                return
            error = _adjoint(self.operations[k], error, values[k].shape[1:], values[k])

    def child_shapes(self, input_shape: Shape) -> Iterable[Shape]:
        for operation in self.operations:
            yield input_shape
            input_shape = operation.output_shape(input_shape)

    def __repr__(self) -> str:
        return f"Chain([{', '.join(map(repr, self.operations))}])"


def _forward(operation, values, bias_input):
    """What one operation gives, with the shape that the kernels of the next one trust."""
    shape = (len(values), *operation.output_shape(values.shape[1:]))
    where = f"forward of {type(operation).__name__}"
    return require_result(where, operation.forward(values, bias_input), shape, values.dtype)


def _adjoint(operation, error, shape, values=None):
    where = f"adjoint of {type(operation).__name__}"
    given = (error, shape) if operation.linear else (error, shape, values)
    return require_result(where, operation.adjoint(*given), (len(error), *shape), error.dtype)


def alone(operation: Operation) -> Operation:
    """What a Chain of one operation holds, however deep; every other operation itself.

    >>> import ottt_ref as ot
    >>> from ottt_ref.network.operations.chain import alone
    >>> alone(ot.Chain([ot.Chain([ot.Flatten()])]))
    Flatten()
    """
    while type(operation) is Chain and len(operation.operations) == 1:
        (operation,) = operation.operations
    return operation
