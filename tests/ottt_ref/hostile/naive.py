"""What the oracles compare with: formulas in NumPy's double precision, one number or one window at a time."""

import math

import numpy as np

import ottt_ref as ot

ROUNDINGS = 200  # of sums of a few dozen terms, each of which rounds


def numbers(value):
    """An array of any numbers as float64."""
    return np.asarray(value, dtype=np.float64)


def moderate(*arrays):
    """Whether all numbers are so small that no sum of products of them overflows."""
    return all(np.all(np.abs(numbers(array)) < 1e9) for array in arrays)


def close(got, wanted, scale=None, dtype=None, what="result"):
    """`got` is `wanted` within the roundings of its dtype, relative to `scale`, the largest term of the sums in it."""
    got_array, wanted = np.asarray(got), numbers(wanted)
    assert got_array.shape == wanted.shape, f"{what}: shape {got_array.shape}, not {wanted.shape}"
    dtype = np.dtype(dtype) if dtype is not None else got_array.dtype
    unit = np.finfo(dtype if dtype in (np.float32, np.float64) else np.float64)
    got_array = numbers(got_array)
    scale = np.abs(wanted) if scale is None else numbers(scale)
    with np.errstate(all="ignore"):
        held = np.where(np.abs(wanted) > float(unit.max), np.copysign(np.inf, wanted), wanted)
        near = np.abs(got_array - held) <= ROUNDINGS * (unit.eps * scale + float(unit.tiny))
        right = near | (got_array == held) | (np.isnan(got_array) & np.isnan(held)) | ~(scale < float(unit.max) / 4)
    assert np.all(right), f"{what}: {got_array.ravel()[:6].tolist()}, not {held.ravel()[:6].tolist()}"


def same(got, wanted, what="result"):
    """The same arrays, bit for bit, the same numbers, in the same containers."""
    _compare(got, wanted, what, _same_array)


def alike(got, wanted, what="result"):
    """`same`, but arrays of single precision within their roundings, relative to each array's largest number."""
    _compare(got, wanted, what, _alike_array)


def _compare(got, wanted, what, compare_arrays):
    if isinstance(wanted, dict):
        assert list(got) == list(wanted), f"{what}: {list(got)}, not {list(wanted)}"
        for name, each in wanted.items():
            _compare(got[name], each, f"{what}[{name!r}]", compare_arrays)
    elif isinstance(wanted, list | tuple):
        assert len(got) == len(wanted), f"{what}: {len(got)}, not {len(wanted)}"
        for k, each in enumerate(wanted):
            _compare(got[k], each, f"{what}[{k}]", compare_arrays)
    elif wanted is None:
        assert got is None, f"{what}: {got!r}, not None"
    else:
        compare_arrays(got, wanted, what)


def _same_array(got, wanted, what):
    left, right = np.asarray(got), np.asarray(wanted)
    assert left.shape == right.shape, f"{what}: shape {left.shape}, not {right.shape}"
    if right.dtype.hasobject != left.dtype.hasobject:  # the same numbers, Python's own
        right = right.astype(left.dtype) if right.dtype.hasobject else right.astype(object)
    equal = np.array_equal(left, right) if left.dtype.hasobject else np.array_equal(left, right, equal_nan=True)
    assert equal, f"{what}: {left.ravel()[:6].tolist()}, not {right.ravel()[:6].tolist()}"


def _alike_array(got, wanted, what):
    wanted = numbers(wanted)
    scale = np.full(wanted.shape, 10 * (1 + np.abs(wanted).max(initial=0)))
    close(got, wanted, scale, dtype=np.float32, what=what)


def affine_map(operation, shape):
    """(A, b) of an operation on one sample of that shape, [n_out, n_in] and [n_out]."""
    size = math.prod(shape)
    if isinstance(operation, ot.Chain):
        matrix, offset = np.eye(size), np.zeros(size)
        for each in operation.operations:
            step, added = affine_map(each, shape)
            matrix, offset, shape = step @ matrix, step @ offset + added, each.output_shape(shape)
        return matrix, offset
    if isinstance(operation, ot.WeightStandardised):
        inner = operation.synapses
        bias = numbers(inner.bias)
        return _weighted(standardised_weight(operation), bias, inner, shape)
    if isinstance(operation, ot.Dense | ot.Conv2d | ot.Conv1d):
        return _weighted(numbers(operation.weight), numbers(operation.bias), operation, shape)
    if isinstance(operation, ot.AveragePool2d | ot.AveragePool1d):
        return _pooled(operation, shape), 0.0
    if isinstance(operation, ot.Upsample2d):
        return _upsampled(operation, shape), 0.0
    if isinstance(operation, ot.Scale):
        return float(operation.factor) * np.eye(size), np.zeros(size)
    if isinstance(operation, ot.ChannelScale):
        each = size // shape[0]
        return np.diag(np.repeat(numbers(operation.factor), each)), np.repeat(numbers(operation.offset), each)
    if isinstance(operation, ot.SkipInit):
        return float(operation.skip_gain[0]) * np.eye(size), np.zeros(size)
    assert type(operation) in (ot.Flatten, ot.Dropout), type(operation)
    return np.eye(size), np.zeros(size)


def standardised_weight(operation):
    """gain · (W - mean) / sqrt(var · fan-in + ε), row by row, in the raw weight's shape."""
    weight = numbers(operation.synapses.weight)
    rows = weight.reshape(len(weight), -1)
    result = np.empty_like(rows)
    for i, row in enumerate(rows):
        deviation = math.sqrt(np.var(row, ddof=1) * len(row) + float(operation.epsilon))
        result[i] = float(operation.gain[i]) * (row - row.mean()) / deviation
    return result.reshape(weight.shape)


def _weighted(weight, bias, operation, shape):
    if isinstance(operation, ot.Dense):
        return weight, bias
    return _convolution(weight, operation, shape, bias)


def _pair(sides, across):
    """(vertical, horizontal), of sequences, where `across` is what stands for the first, as well."""
    if across is not None:
        return across, sides
    return sides if isinstance(sides, tuple) else (sides, sides)


def _windows(shape, window, strides, padding, dilation=(1, 1)):
    """(y, x) of the outputs and the flat indices (k, m, inside row, inside column) of what each window sees."""
    _, height, width = shape
    rows = (height + 2 * padding[0] - dilation[0] * (window[0] - 1) - 1) // strides[0] + 1
    columns = (width + 2 * padding[1] - dilation[1] * (window[1] - 1) - 1) // strides[1] + 1
    seen = []
    for y in range(rows):
        for x in range(columns):
            for k in range(window[0]):
                for m in range(window[1]):
                    row = y * strides[0] + k * dilation[0] - padding[0]
                    column = x * strides[1] + m * dilation[1] - padding[1]
                    if 0 <= row < height and 0 <= column < width:
                        seen.append((y, x, k, m, row, column))
    return rows, columns, seen


def _convolution(weight, operation, shape, bias):
    in_a_row = isinstance(operation, ot.Conv1d)
    if in_a_row:
        weight, shape = weight[:, :, np.newaxis], (shape[0], 1, shape[1])
    strides, padding, dilation = (
        _pair(sides, across if in_a_row else None)
        for sides, across in ((operation.stride, 1), (operation.padding, 0), (operation.dilation, 1))
    )
    rows, columns, seen = _windows(shape, weight.shape[2:], strides, padding, dilation)
    matrix = np.zeros((len(weight), rows, columns, *shape))
    outputs, inputs = len(weight) // operation.groups, shape[0] // operation.groups
    for y, x, k, m, row, column in seen:
        for group in range(operation.groups):
            for o in range(group * outputs, (group + 1) * outputs):
                for c in range(inputs):
                    matrix[o, y, x, group * inputs + c, row, column] += weight[o, c, k, m]
    return matrix.reshape(-1, math.prod(shape)), np.repeat(bias, rows * columns)


def _pooled(operation, shape):
    size, stride, padding = operation.size, operation.stride, operation.padding
    if isinstance(operation, ot.AveragePool1d):
        size, stride, padding, shape = (1, size), (1, stride), (0, padding), (shape[0], 1, shape[1])
    else:
        padding = _pair(padding, None)
    rows, columns, seen = _windows(shape, size, stride, padding)
    matrix = np.zeros((shape[0], rows, columns, *shape))
    for y, x, _, _, row, column in seen:
        for c in range(shape[0]):
            matrix[c, y, x, c, row, column] += 1 / (size[0] * size[1])
    return matrix.reshape(-1, math.prod(shape))


def _upsampled(operation, shape):
    channels, height, width = shape
    down, across = _pair(operation.factor, None)
    matrix = np.zeros((channels, down * height, across * width, *shape))
    for c in range(channels):
        for y in range(down * height):
            for x in range(across * width):
                matrix[c, y, x, c, y // down, x // across] = 1
    return matrix.reshape(-1, math.prod(shape))


def forward(operation, values, constant):
    """A x + b c [B, ...], and the largest terms that were added."""
    shape = values.shape[1:]
    if isinstance(operation, ot.MaxPool2d | ot.MaxPool1d):
        result = np.stack([_selection(operation, each) @ each.reshape(-1) for each in numbers(values)])
        result = result.reshape(len(values), *operation.output_shape(shape))
        return result, np.abs(result)
    matrix, offset = affine_map(operation, shape)
    rows = numbers(values).reshape(len(values), -1)
    constant = 0.0 if constant is None else float(np.asarray(constant)[0])
    out = (len(values), *operation.output_shape(shape))
    scale = np.abs(rows) @ np.abs(matrix.T) + np.abs(offset * constant)
    return (rows @ matrix.T + offset * constant).reshape(out), scale.reshape(out)


def _selection(operation, values):
    """Which value of one sample each output is, as a matrix: the first of those that are largest in its window."""
    size, stride, padding, shape = operation.size, operation.stride, operation.padding, values.shape
    if isinstance(operation, ot.MaxPool1d):
        size, stride, padding, shape = (1, size), (1, stride), (0, padding), (shape[0], 1, shape[1])
    image = values.reshape(shape)
    rows, columns, seen = _windows(shape, size, stride, _pair(padding, None))
    matrix = np.zeros((shape[0], rows, columns, *shape))
    for c in range(shape[0]):
        best = {}
        for y, x, _, _, row, column in seen:
            if (y, x) not in best or image[c, row, column] > image[c, *best[y, x]]:
                best[y, x] = row, column
        for (y, x), place in best.items():
            matrix[c, y, x, c, *place] = 1
    return matrix.reshape(-1, math.prod(shape))


def adjoint(operation, error, shape, values=None):
    """A^T δ [B, *shape], and the largest terms that were added; of max pooling at the values."""
    if isinstance(operation, ot.MaxPool2d | ot.MaxPool1d):
        pairs = [(_selection(operation, each), row.reshape(-1)) for each, row in zip(numbers(values), numbers(error))]
        out = (len(error), *shape)
        result, terms = (np.stack(each) for each in zip(*((row @ a, np.abs(row) @ a) for a, row in pairs)))
        return result.reshape(out), terms.reshape(out)
    matrix, _ = affine_map(operation, tuple(shape))
    rows = numbers(error).reshape(len(error), -1)
    out = (len(error), *shape)
    return (rows @ matrix).reshape(out), (np.abs(rows) @ np.abs(matrix)).reshape(out)


def parameter_gradients(operation, error, values, constant):
    """∂(Σ error · (A x + b c)) by parameter name, each a difference quotient of a function that is quadratic at most.

    Of a parameter in which the result is affine a difference quotient is exact but for rounding; of the weight of
    WeightStandardised a small step is taken.
    """
    errors = numbers(error).reshape(len(error), -1)

    def total(changed):
        found, _ = forward(changed, values, constant)
        return float((errors * found.reshape(len(found), -1)).sum())

    result = {}
    for name, array in operation.parameters.items():
        curved = name == "weight" and _standardises(operation)
        step = 1e-5 if curved else 1.0
        result[name] = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            sides = []
            for sign in (1, -1):
                changed = operation.rebuilt(lambda each: each.astype(np.float64), float)
                owner = changed.owner(name)
                getattr(owner, name)[index] += sign * step
                sides.append(total(changed))
            result[name][index] = (sides[0] - sides[1]) / (2 * step)
    return result


def _standardises(operation):
    return any(isinstance(each, ot.WeightStandardised) for each in (operation, *operation.children))


def lif_step(neuron, potential, output, current):
    """u[t] of LIF from u[t-1], s[t-1] and I[t]."""
    u, s, current = numbers(potential), numbers(output), numbers(current)
    decay, threshold, resting = (numbers(value) for value in (neuron.decay, neuron.threshold, neuron.reset_potential))
    if neuron.reset == "soft":
        return decay * (u - threshold * s) + current
    if neuron.reset == "unleaked":
        return decay * u - threshold * s + current
    return decay * (u * (1 - s) + resting * s) + current


def lif_jacobian(neuron, potential, output, psi, kept):
    """∂u[t+1]/∂u[t]."""
    u, s, psi = numbers(potential), numbers(output), numbers(psi)
    decay, threshold, resting = (numbers(value) for value in (neuron.decay, neuron.threshold, neuron.reset_potential))
    if neuron.reset == "soft":
        return decay - (decay * threshold * psi if kept else 0) + 0 * u
    if neuron.reset == "unleaked":
        return decay - (threshold * psi if kept else 0) + 0 * u
    return decay * (1 - s) + (decay * (resting - u) * psi if kept else 0)


def loss_of(loss, outputs, targets):
    """ℓ [B] and ∂ℓ/∂o [B, C] of our losses."""
    outputs, targets = numbers(outputs), numbers(targets)
    difference = outputs - targets
    squared = (difference**2).sum(axis=1) / outputs.shape[1], 2 * difference / outputs.shape[1]
    if isinstance(loss, ot.losses.MeanSquaredError):
        return squared
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    cross = -(targets * logs).sum(axis=1), np.exp(logs) - targets
    if isinstance(loss, ot.losses.CrossEntropy):
        return cross
    share = float(loss.mse_weight)
    return tuple((1 - share) * a + share * b for a, b in zip(cross, squared))
