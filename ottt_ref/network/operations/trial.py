"""Operations that are not built in, tried out once when a network is made: what they return, and leave as it is."""

import numbers
import operator

import numpy as np

from ...annotations import Shape
from ...exactness import is_rounded
from ...validation import describe_shape, require_array
from . import BUILT_IN
from .operation import Operation

SAMPLES = 2


def require_sound(operation: Operation, name: str, input_shape: Shape, bias_input: np.ndarray) -> None:
    """Try `forward`, `adjoint` and `add_gradients` of each operation that is not built in, those of chains included.

    name          what errors call the connection
    input_shape   of one sample
    bias_input    1 as one of the network's numbers, in an array [1]

    The samples are 1, 2, 3, ...: what is changed in place shows. Raises TypeError or ValueError that names the
    connection, the operation and the method, what was expected and what came.
    """
    if type(operation) not in BUILT_IN:
        _Trial(operation, name, bias_input).run(tuple(input_shape))
        return
    shapes = iter(operation.child_shapes(input_shape))
    for child in operation.children:
        try:
            shape = next(shapes)
        except ValueError:  # of a built-in one that cannot take what it is given: `output_shape` says so next
            return
        require_sound(child, name, shape, bias_input)


class _Trial:
    """One operation with what it is tried on."""

    def __init__(self, operation, name, bias_input):
        self.operation = operation
        self.where = f"{name}: {type(operation).__name__}"
        self.bias_input = bias_input

    def run(self, input_shape):
        self._require_linear()
        parameters = self.operation.parameters
        for name, value in parameters.items():
            require_array(f"{self.where}.{name}", value, value.shape, self.bias_input.dtype)
        samples = self.operation.batch_size or SAMPLES
        values = self._counting((samples, *input_shape))
        error = self._counting((samples, *self._output_shape(input_shape)))
        self._require_result("forward", error.shape, values, self.bias_input)
        at = () if self.operation.linear else (values,)
        self._require_result("adjoint", values.shape, error, input_shape, *at)
        gradients = {name: self._counting(value.shape) * 0 for name, value in parameters.items()}
        if gradients:
            self._require_added(gradients, error, values)

    def _counting(self, shape):
        count = int(np.prod(shape, dtype=np.int64))
        return (np.arange(1, count + 1).astype(self.bias_input.dtype) * self.bias_input[0]).reshape(shape)

    def _output_shape(self, input_shape):
        shape = self._called("output_shape", input_shape)
        try:
            sizes = tuple(operator.index(size) for size in shape)
        except TypeError:
            raise TypeError(
                f"{self.where}.output_shape must return a shape such as (3, 32, 32) for {input_shape}, got {shape!r}"
            ) from None
        if not sizes or min(sizes) < 1:
            raise ValueError(
                f"{self.where}.output_shape must return sizes of at least 1 for {input_shape}, got {shape!r}"
            )
        return sizes

    def _require_linear(self):
        """`linear` is a truth value, and what is made of others is linear only where they are."""
        linear = self.operation.linear
        if not isinstance(linear, bool):
            raise TypeError(f"{self.where}.linear must be True or False, got {linear!r}")
        others = [type(child).__name__ for child in self.operation.children if not child.linear]
        if linear and others:
            raise ValueError(f"{self.where}.linear must be False, as that of its {', '.join(others)} is, got True")

    def _require_result(self, method, shape, given, *others):
        """Call forward or adjoint, and check what comes."""
        got = self._called(method, given, *others)
        wanted = f"{self.where}.{method} must return an array {describe_shape(shape)} of {self.bias_input.dtype}"
        wanted += f" for {describe_shape(given.shape)}"
        if not isinstance(got, np.ndarray):
            raise TypeError(f"{wanted}, got {got!r}")
        if got.dtype != self.bias_input.dtype:
            raise TypeError(f"{wanted}, got {got.dtype}")
        if got.shape != shape:
            raise ValueError(f"{wanted}, got {describe_shape(got.shape)}")
        self._require_exact(method, got)

    def _require_added(self, gradients, error, values):
        """Call add_gradients twice, and check that both calls added to the arrays that are there."""
        own = dict(gradients)
        self._called("add_gradients", own, error, values, self.bias_input)
        once = {name: gradient.copy() for name, gradient in gradients.items()}
        self._called("add_gradients", own, error, values, self.bias_input)
        for name, gradient in gradients.items():
            where = f"add_gradients must add to gradients[{name!r}] in place"
            if own.get(name) is not gradient:
                raise ValueError(f"{self.where}.{where}, got another array there: use +=")
            if np.any(once[name] != 0) and np.all(gradient == once[name]):
                raise ValueError(
                    f"{self.where}.{where}, got the same after a second call: it writes over what is there"
                )
            self._require_exact("add_gradients", gradient)
        if set(own) != set(gradients):
            raise ValueError(
                f"{self.where}.add_gradients must keep the gradients of {list(gradients)}, got {list(own)}"
            )

    def _require_exact(self, method, array):
        """No float among exact numbers."""
        one = self.bias_input[0]  # a plain int stands for the numbers of a network that are of no exact kind
        exact = array.dtype.hasobject and isinstance(one, numbers.Rational) and type(one) is not int
        for number in array.flat if exact else ():
            if is_rounded(number):
                raise TypeError(
                    f"{self.where}.{method} must give exact numbers for exact numbers, got the float {number!r}: "
                    "declare its numbers in number_names"
                )

    def _called(self, method, *arguments):
        """What the method returns for the arguments, which it must leave as they are, gradients apart."""
        before = [each.copy() if isinstance(each, np.ndarray) else None for each in arguments]
        try:
            result = getattr(self.operation, method)(*arguments)
        except Exception as error:
            given = ", ".join(
                describe_shape(each.shape) if isinstance(each, np.ndarray) else repr(each)
                for each in arguments
                if not isinstance(each, dict)
            )
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{self.where}.{method} must take {given}, got {type(error).__name__}: {error}") from error
        for then, now in zip(before, arguments):
            if then is not None and then.tobytes() != now.tobytes():
                raise ValueError(f"{self.where}.{method} must not change what it is given, got it changed in place")
        return result
