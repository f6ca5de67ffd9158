"""Operations between the layers as NIR nodes, and back."""

import math

import numpy as np

from ..network.operations import AveragePool2d, Chain, Conv1d, Conv2d, Dense, Flatten, Scale
from ..network.operations.dense import Synapses
from ..network.operations.windows import pair_of
from ..validation import describe_shape
from .neurons import filled
from .package import KEY, kept, kind_of, package


def operation_node(operation, shape, dtype, where):
    """The node of an operation on values of a given shape; ValueError, which says `where`, if NIR has none.

    Dropout, WeightStandardised, SkipInit and Upsample2d have none.
    """
    writer = WRITERS.get(type(operation))
    if writer is None:
        raise ValueError(
            f"{where} must be made of {', '.join(kind.__name__ for kind in WRITERS)}, all that NIR can say, got "
            f"{operation!r}"
        )
    node = writer(package(), operation, shape, dtype)
    node.input_type = {"input": np.array(shape)}
    node.output_type = {"output": np.array(operation.output_shape(shape))}
    return node


def _dense_node(nir, dense, shape, dtype):
    if "bias" in dense.parameter_names:
        return nir.Affine(dense.weight.copy(), dense.bias.copy())
    return nir.Linear(dense.weight.copy())


def _convolution_node(nir, convolution, shape, dtype):
    of_images = isinstance(convolution, Conv2d)
    settings = {name: getattr(convolution, name) for name in ("stride", "padding", "dilation")}
    has_bias = "bias" in convolution.parameter_names
    node = (nir.Conv2d if of_images else nir.Conv1d)(
        input_shape=None,
        weight=convolution.weight.copy(),
        groups=convolution.groups,
        bias=convolution.bias.copy(),
        metadata={} if has_bias else {KEY: {"bias": False}},
        **{name: pair_of(number) if of_images else number for name, number in settings.items()},
    )
    node.input_shape = tuple(shape[1:]) if of_images else shape[1]
    return node


def _pool_node(nir, pool, shape, dtype):
    if pool.share != AveragePool2d(pool.size).share:
        raise ValueError(f"share of {pool!r} must be that of one pixel in the mean, got {pool.share!r}")
    return nir.AvgPool2d(np.array(pool.size), np.array(pool.stride), np.array(pair_of(pool.padding)))


def _flatten_node(nir, flatten, shape, dtype):
    return nir.Flatten(np.array(shape), start_dim=0, end_dim=-1)


def _scale_node(nir, scale, shape, dtype):
    factor = float(scale.factor)
    return nir.Scale(filled("factor of Scale", shape, factor, dtype), metadata={KEY: {"factor": factor}})


WRITERS = {
    Dense: _dense_node,
    Conv1d: _convolution_node,
    Conv2d: _convolution_node,
    AveragePool2d: _pool_node,
    Flatten: _flatten_node,
    Scale: _scale_node,
}


def operations_from(node, name, shape):
    """The operations that a node on values of that shape is, and the shape of their result.

    Raises ValueError that names the node, what was expected and what came.
    """
    try:
        operations = READERS[kind_of(node)](node, shape)
        for operation in operations:
            shape = tuple(operation.output_shape(shape))
    except (TypeError, ValueError) as error:
        raise ValueError(f"node {name!r} ({kind_of(node)}): {error}") from None
    return operations, shape


def joined(operations):
    """One operation, from a list of any number of them."""
    return operations[0] if len(operations) == 1 else Chain(operations)


def with_current(operations, shape, current):
    """The operations with a constant added to what they give, by way of the bias of the last weights.

    None where there is no such bias: no weights, a pool or a factor 0 after them, or pixels of a channel that differ.
    """
    shapes = [shape]
    for operation in operations:
        shapes.append(tuple(operation.output_shape(shapes[-1])))
    wanted = np.broadcast_to(current, shapes[-1])
    for k, operation in reversed(list(enumerate(operations))):
        if isinstance(operation, Scale) and operation.factor != 0:
            wanted = wanted / float(operation.factor)
        elif isinstance(operation, Flatten):
            wanted = wanted.reshape(shapes[k])
        elif isinstance(operation, Synapses) and _is_alike(wanted):
            biased = operation.copy()
            biased.bias = biased.bias + wanted.reshape(len(wanted), -1)[:, 0].astype(biased.bias.dtype)
            biased.parameter_names = ("weight", "bias")
            return [*operations[:k], biased, *operations[k + 1 :]]
        else:
            break
    return None


def _is_alike(array):
    """Whether all pixels of a channel are the same."""
    return bool(np.all(array.reshape(len(array), -1) == array.reshape(len(array), -1)[:, :1]))


def _dense_from(node, shape):
    return [Dense(np.asarray(node.weight), np.asarray(node.bias) if kind_of(node) == "Affine" else False)]


def _convolution_from(node, shape):
    weight = np.asarray(node.weight)
    of_images = kind_of(node) == "Conv2d"
    given = node.input_shape is not None and len(shape) == (3 if of_images else 2)
    if given and _integers("input_shape", node.input_shape) != shape[1:]:
        raise ValueError(f"input_shape must be that of what it is given, {list(shape[1:])}, got {node.input_shape!r}")
    numbers = _sides if of_images else _one
    settings = {name: numbers(name, getattr(node, name)) for name in ("stride", "dilation")}
    if isinstance(node.padding, str):
        padding = _named_padding(node.padding, weight, **settings)
    else:
        padding = numbers("padding", node.padding)
    bias = np.asarray(node.bias)
    if kept(node).get("bias") is False:
        if np.any(bias):
            raise ValueError("bias must be 0 where the metadata say that there is none, got another")
        bias = False
    groups = _one("groups", node.groups)
    return [(Conv2d if of_images else Conv1d)(weight, bias, padding=padding, groups=groups, **settings)]


def _named_padding(padding, weight, stride, dilation):
    """The number of zeros on each side for "valid" and "same"."""
    sides = weight.shape[2:]
    if padding == "valid":
        return 0
    added = [step * (side - 1) for side, step in zip(sides, pair_of(dilation))]
    if padding != "same" or stride != 1 or any(zeros % 2 for zeros in added):
        raise ValueError(
            f"padding must be a number, 'valid', or 'same' with as many zeros on both sides (a window of odd sides, or "
            f"a dilation by 2) and stride 1, got {padding!r} with window {describe_shape(sides)}, stride {stride} and "
            f"dilation {dilation}"
        )
    return added[0] // 2 if len(set(added)) == 1 else tuple(zeros // 2 for zeros in added)


def _pool_from(node, shape):
    size = _pair("kernel_size", node.kernel_size)
    pool = AveragePool2d(size, _pair("stride", node.stride), _sides("padding", node.padding))
    return [pool] if kind_of(node) == "AvgPool2d" else [pool, Scale(float(math.prod(size)))]


def _flatten_from(node, shape):
    start, end = _one("start_dim", node.start_dim), _one("end_dim", node.end_dim)
    if start != 0 or end not in (-1, len(shape) - 1):
        raise ValueError(
            f"start_dim and end_dim must be 0 and -1, which is all of a sample without its batch, got {start} and {end}"
        )
    given = (node.input_type or {}).get("input")
    if given is not None and _integers("input_type", given) != shape:
        raise ValueError(f"input_type must be that of what it is given, {list(shape)}, got {given!r}")
    return [Flatten()]


@np.errstate(over="ignore", under="ignore")
def _scale_from(node, shape):
    scale = np.asarray(node.scale)
    if scale.dtype.kind not in "fiu" or scale.size == 0 or not np.all(np.isfinite(scale)):
        raise ValueError(f"scale must hold finite numbers, got {scale!r}")
    if scale.size != 1 and scale.shape != shape:
        raise ValueError(f"scale must have the shape of what it is given, {list(shape)}, got {list(scale.shape)}")
    if not np.all(scale == scale.flat[0]):
        raise ValueError(f"scale must be one number for all, got {float(scale.min())!r} to {float(scale.max())!r}")
    read = float(scale.flat[0])
    factor = kept(node).get("factor", read)
    if not isinstance(factor, float) or float(scale.dtype.type(factor)) != read:
        raise ValueError(f"factor must be the same in the metadata and in the arrays, got {factor!r} and {read!r}")
    return [Scale(factor)]


READERS = {
    "Affine": _dense_from,
    "Linear": _dense_from,
    "Conv1d": _convolution_from,
    "Conv2d": _convolution_from,
    "AvgPool2d": _pool_from,
    "SumPool2d": _pool_from,
    "Flatten": _flatten_from,
    "Scale": _scale_from,
}


def _integers(name, value):
    array = np.asarray(value)
    if array.dtype.kind not in "iu" or array.size == 0:
        raise ValueError(f"{name} must hold whole numbers, got {value!r}")
    return tuple(int(number) for number in array.flat)


def _pair(name, value):
    numbers = _integers(name, value)
    if len(numbers) > 2:
        raise ValueError(f"{name} must be a number or a pair of them, got {value!r}")
    return numbers * (2 // len(numbers))


def _sides(name, value):
    """A number, or a pair of different ones."""
    first, second = _pair(name, value)
    return first if first == second else (first, second)


def _one(name, value):
    first, *others = _integers(name, value)
    if any(other != first for other in others):
        raise ValueError(f"{name} must be the same in each direction, got {value!r}")
    return first
