"""Operations between the layers as NIR nodes, and back."""

import math

import numpy as np

from ..network.layers import LONGEST_DELAY
from ..network.operations import AveragePool2d, Chain, ChannelScale, Conv1d, Conv2d, Dense, Flatten, Scale
from ..network.operations.dense import Synapses
from ..network.operations.windows import pair_of
from ..validation import describe_shape
from .neurons import filled
from .package import KEY, kept, kind_of, package
from .values import described, field_name, value_of


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


def _channel_scale_node(nir, scale, shape, dtype):
    """A Scale; with an offset a convolution of one pixel, a group for each channel, or of a row a diagonal Affine."""
    metadata, count = {KEY: {"channels": True}}, len(scale.factor)
    factor, offset = scale.factor.copy(), scale.offset.copy()
    if not np.any(offset):
        channels = factor.reshape(count, *(1 for _ in shape[1:]))
        return nir.Scale(np.broadcast_to(channels, shape).copy(), metadata=metadata)
    if len(shape) == 1:
        return nir.Affine(np.diag(factor), offset, metadata=metadata)
    of_images = len(shape) == 3
    weight = factor.reshape(count, *(1 for _ in shape))
    settings = {name: (number,) * 2 if of_images else number for name, number in PLAIN_WINDOW.items()}
    convolution = nir.Conv2d if of_images else nir.Conv1d
    node = convolution(None, weight, groups=count, bias=offset, metadata=metadata, **settings)
    node.input_shape = tuple(shape[1:]) if of_images else shape[1]
    return node


PLAIN_WINDOW = {"stride": 1, "padding": 0, "dilation": 1}
WRITERS = {
    Dense: _dense_node,
    Conv1d: _convolution_node,
    Conv2d: _convolution_node,
    AveragePool2d: _pool_node,
    Flatten: _flatten_node,
    Scale: _scale_node,
    ChannelScale: _channel_scale_node,
}


def delay_node(delay, shape, dtype, dt):
    """The node of a delay of whole time steps on values of a given shape."""
    return package().Delay(filled("delay", shape, delay * dt, dtype))


def delay_from(node, name, shape, dt, before):
    """The time steps of a Delay node; ValueError where these are not whole ones, or it would delay a bias, too.

    before  the operations before it on the way: a bias among them would arrive late where it does not here
    """
    delay, dtype = value_of(node, name, "delay", shape)
    where = field_name(node, name, "delay")
    if isinstance(delay, np.ndarray):
        raise ValueError(f"{where} must be the same for all that it delays, got {described(delay)}")
    steps = delay / float(dtype.type(dt))
    whole = round(steps) if math.isfinite(steps) else -1
    if whole < 0 or abs(steps - whole) > 4 * np.finfo(dtype).eps * steps:
        raise ValueError(f"{where} must be a whole number of time steps dt, got {delay!r} with dt={dt!r}")
    if whole > LONGEST_DELAY:
        raise ValueError(f"{where} must be at most {LONGEST_DELAY} time steps, got {whole}")
    for operation in before:
        if any(np.any(getattr(operation, field, 0)) for field in ("bias", "offset")):
            raise ValueError(f"{where} must come before a bias on its way, got {operation!r} before it")
    return whole


def operations_from(node, name, shape, dtype):
    """The operations that a node on values of that shape is, and the shape of their result.

    dtype  of the network

    Raises ValueError that names the node, what was expected and what came.
    """
    try:
        of_channels = kept(node).get("channels") is True
        operations = (
            [_channel_scale_from(node, shape, dtype)] if of_channels else READERS[kind_of(node)](node, shape, dtype)
        )
        for operation in operations:
            shape = tuple(operation.output_shape(shape))
    except (TypeError, ValueError) as error:
        raise ValueError(f"node {name!r} ({kind_of(node)}): {error}") from None
    return operations, shape


def joined(operations):
    """One operation, from a list of any number of them."""
    return operations[0] if len(operations) == 1 else Chain(operations)


def scale_by(factor, shape, dtype):
    """The operation that multiplies values of a shape by a number, or by an array of one for each of them."""
    return Scale(factor) if isinstance(factor, float) else ChannelScale(_of_channels(factor).astype(dtype))


def _of_channels(array):
    """Of an array of a layer's shape, the number of each channel."""
    channels = array.reshape(len(array), -1)
    if not np.all(channels == channels[:, :1]):
        raise ValueError(f"numbers must be the same within a channel, got {described(channels[0])} in the first")
    return channels[:, 0]


def with_current(operations, shape, current, dtype):
    """The operations with a constant added to what they give: to the bias of the last weights, where there is one.

    Where there are no weights, or a pool or a factor 0 after them, it is the offset of a ChannelScale. Raises
    ValueError where the constant differs within a channel.
    """
    shapes = [shape]
    for operation in operations:
        shapes.append(tuple(operation.output_shape(shapes[-1])))
    wanted = everywhere = np.broadcast_to(current, shapes[-1])
    for k, operation in reversed(list(enumerate(operations))):
        if isinstance(operation, Scale) and operation.factor != 0:
            wanted = wanted / float(operation.factor)
        elif isinstance(operation, Flatten):
            wanted = wanted.reshape(shapes[k])
        elif isinstance(operation, Synapses):
            biased = operation.copy()
            biased.bias = biased.bias + _of_channels(wanted).astype(biased.bias.dtype)
            biased.parameter_names = ("weight", "bias")
            return [*operations[:k], biased, *operations[k + 1 :]]
        else:
            break
    offset = _of_channels(everywhere).astype(dtype)
    return [*operations, ChannelScale(np.ones_like(offset), offset)]


def _dense_from(node, shape, dtype):
    return [Dense(np.asarray(node.weight), np.asarray(node.bias) if kind_of(node) == "Affine" else False)]


def _convolution_from(node, shape, dtype):
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


def _pool_from(node, shape, dtype):
    size = _pair("kernel_size", node.kernel_size)
    pool = AveragePool2d(size, _pair("stride", node.stride), _sides("padding", node.padding))
    return [pool] if kind_of(node) == "AvgPool2d" else [pool, Scale(float(math.prod(size)))]


def _flatten_from(node, shape, dtype):
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
def _scale_from(node, shape, dtype):
    scale = np.asarray(node.scale)
    if scale.dtype.kind not in "fiu" or scale.size == 0 or not np.all(np.isfinite(scale)):
        raise ValueError(f"scale must hold finite numbers, got {scale!r}")
    if scale.size != 1 and scale.shape != shape:
        raise ValueError(f"scale must have the shape of what it is given, {list(shape)}, got {list(scale.shape)}")
    if not np.all(scale == scale.flat[0]):
        return [scale_by(scale, shape, dtype)]
    read = float(scale.flat[0])
    factor = kept(node).get("factor", read)
    if not isinstance(factor, float) or float(scale.dtype.type(factor)) != read:
        raise ValueError(f"factor must be the same in the metadata and in the arrays, got {factor!r} and {read!r}")
    return [Scale(factor)]


def _channel_scale_from(node, shape, dtype):
    """The scale and shift of each channel that ottt_ref wrote as a node of another kind."""
    if kind_of(node) == "Scale":
        return scale_by(np.asarray(node.scale), shape, dtype)
    weight, bias = np.asarray(node.weight), np.asarray(node.bias)
    diagonal = kind_of(node) == "Affine"
    factor = np.diagonal(weight) if diagonal and weight.ndim == 2 else weight.reshape(-1)
    written = _channel_scale_node(package(), ChannelScale(factor, bias), shape, dtype)
    same = kind_of(written) == kind_of(node) and np.array_equal(written.weight, weight)
    if not same or any(np.any(np.asarray(getattr(node, name, plain)) != plain) for name, plain in PLAIN_WINDOW.items()):
        raise ValueError("weight must be a factor for each channel, as the metadata say, got another")
    return ChannelScale(factor, bias)


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
DELAY = "Delay"


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
