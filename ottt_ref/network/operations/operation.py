"""Operations between spiking layers: affine maps of one time step's values, and the trace of what goes through them.

An operation is A x + b c: linear in the values x [B, ...] and in the constant input c, which is 1 in a simulation and
meets the biases alone. Every method needs three things of it:

    forward            A x + b c
    adjoint            A^T δ, the error at its values, of a given shape, from the error at its result
    add_gradients      what an error and the values that it is paired with add to the gradient of each parameter

Because it is affine, the trace of its result is the operation applied to the trace of its values, with the trace of
the constant 1 for c (theorem P1): OTTT needs no trace inside a chain of operations, only one where spikes enter it.

Here are the operations without parameters, and chains; `dense`, `convolution`, `weight_standardisation` and `skip_init`
have those with parameters.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from ...kernel import kernel, rows
from ...validation import describe_shape, require_number, require_size


class Operation:
    """What every operation offers; this one is the identity."""

    parameter_names = ()
    dtype = None
    batch_size = None

    def output_shape(self, input_shape):
        """The shape of one sample's result from that of its values; ValueError where the operation cannot take them."""
        return input_shape

    def forward(self, values, bias_input):
        """A x + b c [B, ...] from the values x [B, ...] and the constant input c [1]."""
        return values

    def adjoint(self, error, input_shape):
        """A^T δ [B, *input_shape] from δ [B, ...]."""
        return error

    def add_gradients(self, gradients, error, presynaptic, bias_input):
        """Add one pairing of error [B, ...] and presynaptic values [B, ...] to `gradients`, by parameter name."""

    def rebuilt(self, convert_array, convert_number):
        """A copy with converted parameters and numbers."""
        return self

    def masked(self, batch_size, input_shape, dtype, rng):
        """The operation with a mask drawn for each Dropout in it; it shares its parameters with this one."""
        return self

    def owner(self, parameter):
        """The operation whose attribute the parameter is."""
        return self


class Chain(Operation):
    """Operations one after the other; none of them is the identity.

    Raises TypeError for what is no operation, ValueError where two operations have a parameter of the same name.
    """

    def __init__(self, operations=()):
        if isinstance(operations, Operation):
            operations = (operations,)
        if isinstance(operations, str) or not hasattr(operations, "__iter__"):
            raise TypeError(f"operations must be a sequence of operations such as Dense or Flatten, got {operations!r}")
        self.operations = tuple(operations)
        for k, operation in enumerate(self.operations):
            if not isinstance(operation, Operation):
                raise TypeError(f"operations[{k}] must be an operation such as Dense or Flatten, got {operation!r}")
        names = [name for operation in self.operations for name in operation.parameter_names]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"operations must have at most one parameter of each name, got several of {twice}")
        dtypes = {str(operation.dtype) for operation in self.operations if operation.dtype is not None}
        if len(dtypes) > 1:
            raise TypeError(f"operations must all have one dtype, got {sorted(dtypes)}")
        self.parameter_names = tuple(names)

    @property
    def dtype(self):
        """The dtype of the parameters; None if there are none."""
        return next((operation.dtype for operation in self.operations if operation.dtype is not None), None)

    @property
    def batch_size(self):
        """B, where the masks of so many samples were drawn; None otherwise."""
        return next((operation.batch_size for operation in self.operations if operation.batch_size is not None), None)

    def output_shape(self, input_shape):
        for operation in self.operations:
            input_shape = operation.output_shape(input_shape)
        return input_shape

    def forward(self, values, bias_input):
        for operation in self.operations:
            values = operation.forward(values, bias_input)
        return values

    def adjoint(self, error, input_shape):
        for operation, shape in reversed(list(zip(self.operations, self._input_shapes(input_shape)))):
            error = operation.adjoint(error, shape)
        return error

    def add_gradients(self, gradients, error, presynaptic, bias_input):
        values = [presynaptic]
        for operation in self.operations[:-1]:
            values.append(operation.forward(values[-1], bias_input))
        for k in reversed(range(len(self.operations))):
            self.operations[k].add_gradients(gradients, error, values[k], bias_input)
            if not any(operation.parameter_names for operation in self.operations[:k]):
                return
            error = self.operations[k].adjoint(error, values[k].shape[1:])

    def rebuilt(self, convert_array, convert_number):
        return Chain([operation.rebuilt(convert_array, convert_number) for operation in self.operations])

    def masked(self, batch_size, input_shape, dtype, rng):
        shapes = self._input_shapes(input_shape)
        return Chain(
            [operation.masked(batch_size, shape, dtype, rng) for operation, shape in zip(self.operations, shapes)]
        )

    def owner(self, parameter):
        return next(
            operation.owner(parameter) for operation in self.operations if parameter in operation.parameter_names
        )

    def description(self):
        """The operations as plain data, for files."""
        return {"type": "Chain", "operations": [operation.description() for operation in self.operations]}

    def _input_shapes(self, input_shape):
        shapes = [tuple(input_shape)]
        for operation in self.operations[:-1]:
            shapes.append(operation.output_shape(shapes[-1]))
        return shapes

    def __repr__(self):
        return f"Chain([{', '.join(map(repr, self.operations))}])"


@kernel
def multiply(result, values, factor):
    for b in range(values.shape[0]):
        for i in range(values.shape[1]):
            result[b, i] = factor[0] * values[b, i]


@kernel
def apply_mask(result, values, mask):
    """Row b of the mask for sample b; of values with more rows than the mask, row after row anew."""
    for b in range(values.shape[0]):
        for i in range(values.shape[1]):
            result[b, i] = mask[b % mask.shape[0], i] * values[b, i]


@kernel
def average_pool(result, image, size, stride, share):
    for b in range(result.shape[0]):
        for c in range(result.shape[1]):
            for y in range(result.shape[2]):
                for x in range(result.shape[3]):
                    total = image[b, c, y * stride[0], x * stride[1]]
                    for k in range(1, size[0] * size[1]):
                        total += image[b, c, y * stride[0] + k // size[1], x * stride[1] + k % size[1]]
                    result[b, c, y, x] = share[0] * total


@kernel
def average_pool_adjoint(image_error, error, size, stride, share):
    for b in range(error.shape[0]):
        for c in range(error.shape[1]):
            for y in range(error.shape[2]):
                for x in range(error.shape[3]):
                    part = share[0] * error[b, c, y, x]
                    for k in range(size[0] * size[1]):
                        image_error[b, c, y * stride[0] + k // size[1], x * stride[1] + k % size[1]] += part


@kernel
def upsample(result, values, factor):
    for b in range(result.shape[0]):
        for c in range(result.shape[1]):
            for y in range(result.shape[2]):
                for x in range(result.shape[3]):
                    result[b, c, y, x] = values[b, c, y // factor, x // factor]


@kernel
def upsample_adjoint(values_error, error, factor):
    for b in range(error.shape[0]):
        for c in range(error.shape[1]):
            for y in range(error.shape[2]):
                for x in range(error.shape[3]):
                    values_error[b, c, y // factor, x // factor] += error[b, c, y, x]


@dataclass(frozen=True)
class Scale(Operation):
    """c x with a fixed number c: the 2.74 after each spiking layer of the weight-standardised networks."""

    factor: float

    def __post_init__(self):
        require_number("factor", self.factor, "that is finite", lambda number: True)

    def forward(self, values, bias_input):
        result = np.empty_like(values)
        multiply(rows(result), rows(values), np.array([self.factor], dtype=values.dtype))
        return result

    def adjoint(self, error, input_shape):
        return self.forward(error, None)

    def rebuilt(self, convert_array, convert_number):
        return Scale(convert_number(self.factor))

    def description(self):
        """The operation as plain data, for files."""
        return {"type": "Scale", "factor": self.factor}


@dataclass(frozen=True)
class Flatten(Operation):
    """[B, C, H, W] → [B, C · H · W], in that order."""

    def output_shape(self, input_shape):
        return (math.prod(input_shape),)

    def forward(self, values, bias_input):
        return rows(values)

    def adjoint(self, error, input_shape):
        return error.reshape(len(error), *input_shape)

    def description(self):
        """The operation as plain data, for files."""
        return {"type": "Flatten"}


@dataclass(frozen=True)
class Dropout(Operation):
    """Dropout of the given rate in [0, 1), with a mask that stays the same over the time steps of a sequence.

    As it stands it does nothing, which is right for evaluation; `Network.with_dropout` draws the masks of one batch.
    """

    rate: float

    def __post_init__(self):
        require_number("rate", self.rate, "in [0, 1)", lambda number: 0 <= number < 1)

    def rebuilt(self, convert_array, convert_number):
        return Dropout(convert_number(self.rate))

    def masked(self, batch_size, input_shape, dtype, rng):
        kept = rng.random((batch_size, math.prod(input_shape))) >= float(self.rate)
        mask = np.zeros(kept.shape, dtype=dtype)
        mask[kept] = 1 / (1 - self.rate)
        return Mask(mask)

    def description(self):
        """The operation as plain data, for files."""
        return {"type": "Dropout", "rate": self.rate}


@dataclass(frozen=True, eq=False)
class Mask(Operation):
    """Multiply sample b's values by row b of a fixed mask [B, n]: a Dropout whose mask was drawn."""

    mask: np.ndarray = field(repr=False)

    @property
    def batch_size(self):
        """B."""
        return len(self.mask)

    def forward(self, values, bias_input):
        result = np.empty_like(values)
        apply_mask(rows(result), rows(values), self.mask)
        return result

    def adjoint(self, error, input_shape):
        return self.forward(error, None)

    def rebuilt(self, convert_array, convert_number):
        return Mask(convert_array(self.mask))

    def description(self):
        """Raise TypeError: a mask belongs to one batch, not to the network."""
        raise TypeError("network must be saved as it is before with_dropout, whose masks belong to one batch")


@dataclass(frozen=True)
class AveragePool2d(Operation):
    """The mean over windows of size = (height, width) pixels, `stride` apart, padded by zeros that count.

    One number stands for both directions; the stride is the size if it is not given.
    [B, C, H, W] → [B, C, (H + 2 padding - height) // stride + 1, (W + 2 padding - width) // stride + 1]
    """

    size: int | tuple
    stride: int | tuple | None = None
    padding: int = 0
    share: float | None = field(default=None, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "size", require_pair("size", self.size))
        object.__setattr__(self, "stride", require_pair("stride", self.size if self.stride is None else self.stride))
        require_size("padding", self.padding, minimum=0)
        if self.padding >= min(self.size):
            raise ValueError(f"padding must be less than the size {self.size}, got {self.padding}")
        object.__setattr__(self, "share", 1 / math.prod(self.size) if self.share is None else self.share)

    def output_shape(self, input_shape):
        return window_shape(self, input_shape, self.size)

    def forward(self, values, bias_input):
        result = np.empty((len(values), *self.output_shape(values.shape[1:])), dtype=values.dtype)
        average_pool(result, padded(values, self.padding), self.size, self.stride, self._share(values.dtype))
        return result

    def adjoint(self, error, input_shape):
        result = np.zeros(padded_shape(len(error), input_shape, self.padding), dtype=error.dtype)
        average_pool_adjoint(result, error, self.size, self.stride, self._share(error.dtype))
        return unpadded(result, self.padding)

    def rebuilt(self, convert_array, convert_number):
        return replace(self, share=convert_number(self.share))

    def description(self):
        """The operation as plain data, for files."""
        size, stride = list(self.size), list(self.stride)
        return {"type": "AveragePool2d", "size": size, "stride": stride, "padding": self.padding}

    def _share(self, dtype):
        return np.array([self.share], dtype=dtype)


@dataclass(frozen=True)
class Upsample2d(Operation):
    """Each pixel `factor` x `factor` times (nearest neighbour): [B, C, H, W] → [B, C, factor · H, factor · W]."""

    factor: int

    def __post_init__(self):
        require_size("factor", self.factor)

    def output_shape(self, input_shape):
        channels, height, width = require_image(self, input_shape)
        return channels, height * self.factor, width * self.factor

    def forward(self, values, bias_input):
        result = np.empty((len(values), *self.output_shape(values.shape[1:])), dtype=values.dtype)
        upsample(result, values, self.factor)
        return result

    def adjoint(self, error, input_shape):
        result = np.zeros((len(error), *input_shape), dtype=error.dtype)
        upsample_adjoint(result, error, self.factor)
        return result

    def description(self):
        """The operation as plain data, for files."""
        return {"type": "Upsample2d", "factor": self.factor}


def require_pair(name, value):
    """A number of at least 1 for each direction, from one for both or a pair; TypeError or ValueError otherwise."""
    pair = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(pair) != 2:
        raise ValueError(f"{name} must be a number or a pair of them, got {value!r}")
    return tuple(require_size(name, number) for number in pair)


def require_image(operation, input_shape):
    """C, H and W of one sample; ValueError where it has another shape."""
    if len(input_shape) != 3:
        raise ValueError(f"{operation!r} must be given images [C, H, W], got {describe_shape(input_shape)}")
    return input_shape


def window_shape(operation, input_shape, window):
    """The shape of one sample after a window has moved over its padded image, channels as they were.

    Raises ValueError where the window is larger than the padded image.
    """
    channels, *size = require_image(operation, input_shape)
    padded_size = [length + 2 * operation.padding for length in size]
    if any(length < side for length, side in zip(padded_size, window)):
        raise ValueError(
            f"{operation!r} must be given images of at least its window {window[0]} x {window[1]} when padded, got "
            f"{padded_size[0]} x {padded_size[1]} from {describe_shape(input_shape)}"
        )
    strides = require_pair("stride", operation.stride)
    return channels, *((n - side) // stride + 1 for n, side, stride in zip(padded_size, window, strides))


def padded_shape(batch_size, input_shape, padding):
    """[B, C, H + 2 padding, W + 2 padding]."""
    channels, height, width = input_shape
    return batch_size, channels, height + 2 * padding, width + 2 * padding


def padded(values, padding):
    """`values` [B, C, H, W] with zeros around each image."""
    if not padding:
        return values
    result = np.zeros(padded_shape(len(values), values.shape[1:], padding), dtype=values.dtype)
    result[:, :, padding:-padding, padding:-padding] = values
    return result


def unpadded(values, padding):
    """What `padded` put zeros around, contiguous."""
    return np.ascontiguousarray(values[:, :, padding:-padding, padding:-padding]) if padding else values
