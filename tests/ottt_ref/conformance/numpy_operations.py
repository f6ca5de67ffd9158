"""What lies between spikes and membranes, in plain NumPy, for `numpy_backend`."""

from dataclasses import replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

INPUTS = -1  # the layer before the first
IN_A_ROW = ("Conv1d", "AveragePool1d", "MaxPool1d")  # what sees a sequence as an image of height 1


def pair(sides):
    """(vertical, horizontal) of a number for both, or of a list of two."""
    return tuple(sides) if isinstance(sides, list | tuple) else (sides, sides)


def in_two_directions(operation):
    """The operation of images that one of sequences is."""
    upwards = {"size": 1, "stride": 1, "padding": 0, "dilation": 1}
    changed = {name: [upwards[name], operation[name]] for name in upwards if name in operation}
    return {**operation, **changed, "type": operation["type"].replace("1d", "2d")}


def along(numbers, x):
    """Numbers of channels, to multiply x [B, C, ...] by."""
    return np.array(numbers, dtype=x.dtype).reshape(-1, *[1] * (x.ndim - 2))


class Operations:
    """Affine maps A x + b c, where c = 1 is what the biases are given; their transposes; their parameters' gradients.

    The backend holds `parameters` by name, `shapes` by layer and `dtype`.
    """

    def current(self, connection, values, constant=1.0):
        """A x + b c at the target."""
        return self.inside(connection, values, constant)[-1]

    def inside(self, connection, values, constant):
        """What each of the connection's operations is given, and what the last one gives."""
        result = [values]
        for operation in connection.operations:
            result.append(self.apply(operation, connection.name, result[-1], constant))
        return result

    def backwards(self, connection, inside):
        """Each operation with what it is given, the last one first."""
        return zip(connection.operations[::-1], inside[-2::-1])

    def send_back(self, connection, error):
        """A^T δ: the error at the source; through a maximum, at what the source gives in this time step."""
        given, constant = np.zeros((1, *self.shapes[connection.source]), dtype=self.dtype), 0.0
        if self.first_linear(connection):
            given, constant = self.sent[connection.source], 1.0
        for operation, values in self.backwards(connection, self.inside(connection, given, constant)):
            if operation["type"].startswith("MaxPool"):
                error = self.maximum_back(operation, error, values)
            else:
                error = self.transposed(operation, connection.name, error, values.shape[1:])
        return error

    def first_linear(self, connection):
        """Which operation comes after the last maximum; 0 where there is none."""
        kinds = [operation["type"] for operation in connection.operations]
        return max((k + 1 for k, kind in enumerate(kinds) if kind.startswith("MaxPool")), default=0)

    def entering(self, connection, given):
        """What errors are paired with: what is given, behind the last maximum."""
        return self.inside(connection, given, 1.0)[self.first_linear(connection)]

    def behind(self, connection):
        """The connection without the operations up to its last maximum."""
        return replace(connection, operations=connection.operations[self.first_linear(connection) :])

    def add_gradients(self, gradients, connection, error, values, constant):
        """Pair the error at the target with what the connection is given, and c with `constant`."""
        connection = self.behind(connection)
        name, inside = connection.name, self.inside(connection, values, constant)
        for operation, given in self.backwards(connection, inside):
            for parameter, value in self.gradients_of(operation, name, error, given, constant).items():
                gradients[f"{name}.{parameter}"] += value
            if given is not values:
                error = self.transposed(operation, name, error, given.shape[1:])

    def apply(self, operation, name, x, constant):
        """One operation, forwards."""
        kind = operation["type"]
        if kind == "Flatten":
            return x.reshape(len(x), -1)
        if kind == "Scale":
            return operation["factor"] * x
        if kind == "SkipInit":
            return self.parameters[f"{name}.skip_gain"][0] * x
        if kind == "Upsample2d":
            return self.upsample(operation["factor"], x)
        if kind == "AveragePool2d":
            return self.pool(operation, self.windows(x, operation["size"], operation["stride"], operation["padding"]))
        if kind in IN_A_ROW:
            return self.apply(in_two_directions(operation), name, x[:, :, None], constant)[:, :, 0]
        if kind == "MaxPool2d":
            return self.largest(operation, x).max(axis=(-2, -1))
        if kind == "ChannelScale":
            return along(operation["factor"], x) * x + constant * along(operation["offset"], x)
        weight, bias = self.weight(operation, name), constant * self.bias(name)
        if self.synapses(operation)["type"] == "Dense":
            with np.errstate(invalid="ignore"):  # now and then BLAS leaves a flag of lanes whose numbers it throws away
                return x @ weight.T + bias
        return self.convolve(self.synapses(operation), x, weight) + bias[:, None, None]

    def largest(self, pooling, x):
        """Each window, with what is never largest around the image."""
        shifted = x - x.min() + 1  # above 0, which pads
        windows = self.windows(shifted, pooling["size"], pooling["stride"], pooling["padding"])
        return np.where(windows == 0, -np.inf, windows + x.min() - 1).astype(x.dtype)

    def maximum_back(self, pooling, error, x):
        """The error at what went into a maximum: at the first of equals in each window."""
        if pooling["type"] in IN_A_ROW:
            return self.maximum_back(in_two_directions(pooling), error[:, :, None], x[:, :, None])[:, :, 0]
        windows = self.largest(pooling, x)
        flat = windows.reshape(*windows.shape[:4], -1)
        chosen = np.arange(flat.shape[-1]) == flat.argmax(axis=-1)[..., None]
        parts = (error[..., None] * chosen).reshape(windows.shape)
        return self.fold(parts, x.shape[1:], pooling["stride"], pooling["padding"])

    def transposed(self, operation, name, error, shape):
        """One operation's transpose: the error [B, *shape] at what it was given."""
        kind = operation["type"]
        if kind == "Flatten":
            return error.reshape(len(error), *shape)
        if kind == "Scale":
            return self.scale_back(operation, error)
        if kind == "SkipInit":
            return self.parameters[f"{name}.skip_gain"][0] * error
        if kind == "Upsample2d":
            return self.upsample_back(operation["factor"], error, shape)
        if kind == "AveragePool2d":
            return self.pool_back(operation, error, shape)
        if kind in IN_A_ROW:
            channels, length = shape
            image = self.transposed(in_two_directions(operation), name, error[:, :, None], (channels, 1, length))
            return image[:, :, 0]
        if kind == "ChannelScale":
            return along(operation["factor"], error) * error
        if self.synapses(operation)["type"] == "Dense":
            return self.dense_back(error, self.weight(operation, name))
        return self.convolve_back(self.synapses(operation), error, self.weight(operation, name), shape)

    def gradients_of(self, operation, name, error, x, constant):
        """The gradients of one operation's parameters, by their last names."""
        if operation["type"] == "WeightStandardised":
            found = self.gradients_of(operation["synapses"], name, error, x, constant)
            return {**found, **self.standardise_back(found["weight"], name, operation["epsilon"])}
        if operation["type"] == "SkipInit":
            return {"skip_gain": np.sum(error * x)}
        if operation["type"] == "Conv1d":
            found = self.gradients_of(in_two_directions(operation), name, error[:, :, None], x[:, :, None], constant)
            return {**found, "weight": found["weight"][:, :, 0]}
        if operation["type"] not in ("Dense", "Conv2d"):
            return {}
        axes = (0, *range(2, error.ndim))
        bias = {"bias": self.bias_gradient(error.sum(axis=axes), constant)} if operation["bias"] else {}
        if operation["type"] == "Dense":
            return {"weight": error.T @ x, **bias}
        weight = self.weight(operation, name)
        windows = self.grouped(operation, self.windows_of(operation, x, weight))
        errors = self.grouped(operation, error)
        return {"weight": np.einsum("bgoyx,bgcyxkm->gockm", errors, windows).reshape(weight.shape), **bias}

    def synapses(self, operation):
        return operation.get("synapses", operation)

    def weight(self, operation, name):
        """The weight in use; of a convolution of sequences with an axis of length 1."""
        raw = self.parameters[f"{name}.weight"]
        if raw.ndim == 3:
            raw = raw[:, :, None]
        if operation["type"] != "WeightStandardised":
            return raw
        standardised, _ = self.standardise(raw.reshape(len(raw), -1), operation["epsilon"])
        return (self.parameters[f"{name}.gain"][:, None] * standardised).reshape(raw.shape)

    def bias(self, name):
        return self.parameters.get(f"{name}.bias", np.zeros(1, dtype=self.dtype))

    def bias_gradient(self, summed, constant):
        return summed * constant

    def dense_back(self, error, weight):
        return error @ weight

    def windows(self, x, size, stride, padding, dilation=1):
        """Each window of the padded images, [B, C, y, x, *size]."""
        height, width = x.shape[2:]
        (above, beside), (apart, aside) = pair(padding), pair(dilation)
        image = np.zeros((*x.shape[:2], height + 2 * above, width + 2 * beside), dtype=x.dtype)
        image[:, :, above : above + height, beside : beside + width] = x
        reach = apart * (size[0] - 1) + 1, aside * (size[1] - 1) + 1
        windows = sliding_window_view(image, reach, axis=(2, 3))[:, :, :: stride[0], :: stride[1]]
        return windows[..., ::apart, ::aside]

    def fold(self, windows, shape, stride, padding, dilation=1):
        """The transpose of `windows`: what lies in several windows is added up."""
        channels, height, width = shape
        (above, beside), (apart, aside) = pair(padding), pair(dilation)
        image = np.zeros((len(windows), channels, height + 2 * above, width + 2 * beside), dtype=self.dtype)
        rows, columns = (step * count for step, count in zip(stride, windows.shape[2:4]))
        for k, m in np.ndindex(windows.shape[4:]):
            down, across = k * apart, m * aside
            image[:, :, down : down + rows : stride[0], across : across + columns : stride[1]] += windows[..., k, m]
        return image[:, :, above : above + height, beside : beside + width]

    def windows_of(self, conv, x, weight):
        """The windows that a convolution sees."""
        stride, dilation = pair(conv["stride"]), conv.get("dilation", 1)
        return self.windows(x, weight.shape[2:], stride, conv["padding"], dilation)

    def grouped(self, conv, array):
        """[B, channels, ...] as [B, groups, channels of each, ...]."""
        groups = conv.get("groups", 1)
        return array.reshape(len(array), groups, array.shape[1] // groups, *array.shape[2:])

    def of_groups(self, conv, weight):
        """A weight as [groups, outputs of each, ...]."""
        groups = conv.get("groups", 1)
        return weight.reshape(groups, len(weight) // groups, *weight.shape[1:])

    def convolve(self, conv, x, weight):
        windows = self.grouped(conv, self.windows_of(conv, x, weight))
        found = np.einsum("bgcyxkm,gockm->bgoyx", windows, self.of_groups(conv, weight))
        return found.reshape(len(x), len(weight), *found.shape[3:])

    def convolve_back(self, conv, error, weight, shape):
        windows = np.einsum("bgoyx,gockm->bgcyxkm", self.grouped(conv, error), self.of_groups(conv, weight))
        windows = windows.reshape(len(error), shape[0], *windows.shape[3:])
        return self.fold(windows, shape, pair(conv["stride"]), conv["padding"], conv.get("dilation", 1))

    def pool(self, pooling, windows):
        return windows.mean(axis=(-2, -1))

    def pool_back(self, pooling, error, shape):
        size = tuple(pooling["size"])
        windows = np.broadcast_to(error[..., None, None] / np.prod(size), (*error.shape, *size))
        return self.fold(windows, shape, pooling["stride"], pooling["padding"])

    def upsample(self, factor, x):
        return x.repeat(factor, axis=2).repeat(factor, axis=3)

    def upsample_back(self, factor, error, shape):
        channels, height, width = shape
        return error.reshape(len(error), channels, height, factor, width, factor).sum(axis=(3, 5))

    def scale_back(self, operation, error):
        return operation["factor"] * error

    def standardise(self, rows, epsilon):
        """Each output's row with mean 0 and variance 1 / n, and what it was divided by."""
        root = np.sqrt(rows.var(axis=1, ddof=1, keepdims=True) * rows.shape[1] + epsilon)
        return (rows - rows.mean(axis=1, keepdims=True)) / root, root

    def standardise_back(self, gradient, name, epsilon):
        """The gradients of the raw weight and the gain, from that of the weight in use."""
        raw, gain = self.parameters[f"{name}.weight"], self.parameters[f"{name}.gain"]
        rows, n = gradient.reshape(len(raw), -1), raw[0].size
        standardised, root = self.standardise(raw.reshape(len(raw), -1), epsilon)
        along = (rows * standardised).sum(axis=1, keepdims=True)
        centred = rows - rows.mean(axis=1, keepdims=True) - n / (n - 1) * along * standardised
        return {"weight": (gain[:, None] / root * centred).reshape(raw.shape), "gain": along[:, 0]}
