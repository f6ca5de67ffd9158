"""What lies between spikes and membranes, in plain NumPy, for `numpy_backend`."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

INPUTS = -1  # the layer before the first


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
        """A^T δ: the error at the source."""
        at_rest = np.zeros((1, *self.shapes[connection.source]), dtype=self.dtype)
        for operation, given in self.backwards(connection, self.inside(connection, at_rest, 0.0)):
            error = self.transposed(operation, connection.name, error, given.shape[1:])
        return error

    def add_gradients(self, gradients, connection, error, values, constant):
        """Pair the error at the target with what the connection is given, and c with `constant`."""
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
        weight, bias = self.weight(operation, name), constant * self.bias(name)
        if self.synapses(operation)["type"] == "Dense":
            return x @ weight.T + bias
        return self.convolve(self.synapses(operation), x, weight) + bias[:, None, None]

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
        if operation["type"] not in ("Dense", "Conv2d"):
            return {}
        axes = (0, *range(2, error.ndim))
        bias = {"bias": self.bias_gradient(error.sum(axis=axes), constant)} if operation["bias"] else {}
        if operation["type"] == "Dense":
            return {"weight": error.T @ x, **bias}
        size = self.parameters[f"{name}.weight"].shape[2:]
        windows = self.windows(x, size, 2 * [operation["stride"]], operation["padding"])
        return {"weight": np.einsum("boyx,bcyxkm->ockm", error, windows), **bias}

    def synapses(self, operation):
        return operation.get("synapses", operation)

    def weight(self, operation, name):
        """The weight in use."""
        raw = self.parameters[f"{name}.weight"]
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

    def windows(self, x, size, stride, padding):
        """Each window of the padded images, [B, C, y, x, *size]."""
        height, width = x.shape[2:]
        image = np.zeros((*x.shape[:2], height + 2 * padding, width + 2 * padding), dtype=x.dtype)
        image[:, :, padding : padding + height, padding : padding + width] = x
        return sliding_window_view(image, tuple(size), axis=(2, 3))[:, :, :: stride[0], :: stride[1]]

    def fold(self, windows, shape, stride, padding):
        """The transpose of `windows`: what lies in several windows is added up."""
        channels, height, width = shape
        image = np.zeros((len(windows), channels, height + 2 * padding, width + 2 * padding), dtype=self.dtype)
        rows, columns = (step * count for step, count in zip(stride, windows.shape[2:4]))
        for k, m in np.ndindex(windows.shape[4:]):
            image[:, :, k : k + rows : stride[0], m : m + columns : stride[1]] += windows[..., k, m]
        return image[:, :, padding : padding + height, padding : padding + width]

    def convolve(self, conv, x, weight):
        windows = self.windows(x, weight.shape[2:], 2 * [conv["stride"]], conv["padding"])
        return np.einsum("bcyxkm,ockm->boyx", windows, weight)

    def convolve_back(self, conv, error, weight, shape):
        windows = np.einsum("boyx,ockm->bcyxkm", error, weight)
        return self.fold(windows, shape, 2 * [conv["stride"]], conv["padding"])

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
