"""A network as plain data, for files: everything but its arrays, which lie beside it under the parameters' names."""

from ..network.layers import Feedback, Layer, Skip, layer_names
from ..network.neurons import neuron_from_description
from ..network.operations.convolution import Conv2d
from ..network.operations.dense import Dense
from ..network.operations.operation import AveragePool2d, Chain, Dropout, Flatten, Scale, Upsample2d
from ..network.operations.skip_init import SkipInit
from ..network.operations.weight_standardisation import WeightStandardised
from ..validation import require_array, require_dtype

PLAIN = {kind.__name__: kind for kind in (AveragePool2d, Dropout, Flatten, Scale, Upsample2d)}
LARGEST_NUMBER = 2**1000
WITH_WEIGHT = {kind.__name__: kind for kind in (Dense, Conv2d)}


def describe(network):
    """The network without its arrays."""
    return {
        "dtype": str(network.dtype),
        "input_shape": list(network.input_shape),
        "layers": [
            {
                "synapses": layer.synapses.description(),
                "neuron": layer.neuron.description(),
                "recurrent": None if layer.recurrent is None else layer.recurrent.description(),
            }
            for layer in network.layers
        ],
        "feedback": [_between(connection) for connection in network.feedback],
        "skips": [_between(connection) for connection in network.skips],
    }


def _between(connection):
    return {
        "source": connection.source,
        "target": connection.target,
        "operations": connection.operations.description(),
    }


def rebuild(description, arrays):
    """The arguments of the Network that was described; raises ValueError, TypeError or KeyError where there is none."""
    _require_floats(description)
    arrays = _Arrays(arrays, require_dtype("dtype", description["dtype"]))
    neurons = [neuron_from_description(layer["neuron"]) for layer in description["layers"]]
    names = layer_names(neurons) if neurons else []
    layers = []
    for name, layer, neuron in zip(names, description["layers"], neurons):
        recurrent = layer["recurrent"]
        if recurrent is not None:
            recurrent = operation(recurrent, f"{name}.recurrent", arrays)
        layers.append(Layer(operation(layer["synapses"], name, arrays), neuron, recurrent))
    return {
        "layers": layers,
        "input_shape": description["input_shape"],
        "feedback": [_joined(Feedback, "feedback", back, names, arrays) for back in description["feedback"]],
        "skips": [_joined(Skip, "skip", skip, names, arrays) for skip in description["skips"]],
    }


def _require_floats(tree):
    """Check that every number can be a float: an integer of JSON may be of any size."""
    if isinstance(tree, dict | list):
        for child in tree.values() if isinstance(tree, dict) else tree:
            _require_floats(child)
    elif isinstance(tree, int) and abs(tree) > LARGEST_NUMBER:
        raise ValueError(f"a number must be at most 2^1000, got one of {tree.bit_length()} bits")


class _Arrays:
    """The arrays by name, each checked when it is asked for."""

    def __init__(self, arrays, dtype):
        self._arrays = arrays
        self._dtype = dtype

    def get(self, name, axes):
        return require_array(name, self._arrays[name], axes, self._dtype)


def _joined(kind, word, description, names, arrays):
    source, target = description["source"], description["target"]
    if not isinstance(target, int) or not 0 <= target < len(names):
        raise ValueError(f"target must be one of the layers 0 .. {len(names) - 1}, got {target!r}")
    return kind(source, target, operation(description["operations"], f"{names[target]}.{word}{source}", arrays))


def operation(description, name, arrays):
    """The operation that was described, with the arrays whose names begin with `name`."""
    fields = dict(description)
    kind = fields.pop("type", None)
    if kind == "Chain" and set(fields) == {"operations"}:
        return Chain([operation(each, name, arrays) for each in fields["operations"]])
    if kind == "SkipInit" and not fields:
        return SkipInit(arrays.get(f"{name}.skip_gain", (1,)))
    if kind == "WeightStandardised" and set(fields) == {"synapses", "epsilon"}:
        synapses = operation(fields["synapses"], name, arrays)
        gain = arrays.get(f"{name}.gain", ("n_out",))
        return WeightStandardised(synapses, gain, epsilon=fields["epsilon"])
    if kind in WITH_WEIGHT:
        return _with_weight(WITH_WEIGHT[kind], fields, name, arrays)
    if kind in PLAIN:
        return PLAIN[kind](**fields)
    raise ValueError(
        f"an operation must be one of Chain, SkipInit, WeightStandardised, {', '.join([*WITH_WEIGHT, *PLAIN])} with "
        f"all its fields, got {description!r}"
    )


def _with_weight(kind, fields, name, arrays):
    axes = ("n_out", "n_in") if kind is Dense else ("C_out", "C_in", "K_H", "K_W")
    weight = arrays.get(f"{name}.weight", axes)
    has_bias = fields.pop("bias")
    if not isinstance(has_bias, bool):
        raise ValueError(f"bias must be true or false, got {has_bias!r}")
    return kind(weight, arrays.get(f"{name}.bias", (len(weight),)) if has_bias else False, **fields)
