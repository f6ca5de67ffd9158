"""Pooling and upsampling, image by image; and numbers that are multiplied one by one."""

import numpy as np

from .compiling import fast_kernel, prange


@fast_kernel(parallel=True)
def average_pool(result, image, height, width, step_y, step_x, zeros_y, zeros_x, share):
    """The mean over windows of height x width pixels of images [N, H, W], zeros_y and zeros_x of them around."""
    for n in prange(len(result)):
        for y in range(result.shape[1]):
            target = result[n, y]
            top, bottom = max(y * step_y - zeros_y, 0), min(y * step_y - zeros_y + height, image.shape[1])
            target[:] = 0
            for row in range(top, bottom):
                source = image[n, row]
                if width == 2 and step_x == 2 and zeros_x == 0:
                    for x in range(len(target)):
                        target[x] += source[2 * x] + source[2 * x + 1]
                else:
                    for x in range(len(target)):
                        left = max(x * step_x - zeros_x, 0)
                        for column in range(left, min(x * step_x - zeros_x + width, len(source))):
                            target[x] += source[column]
            for x in range(len(target)):
                target[x] *= share[0]


@fast_kernel(parallel=True)
def average_pool_adjoint(image_error, error, height, width, step_y, step_x, zeros_y, zeros_x, share):
    """ε[n, row, column] = the sum of the shares of the windows that see the pixel."""
    for n in prange(len(error)):
        image_error[n] = 0
        for y in range(error.shape[1]):
            given = error[n, y]
            top, bottom = max(y * step_y - zeros_y, 0), min(y * step_y - zeros_y + height, image_error.shape[1])
            for row in range(top, bottom):
                target = image_error[n, row]
                if width == 2 and step_x == 2 and zeros_x == 0:
                    for x in range(len(given)):
                        part = share[0] * given[x]
                        target[2 * x] += part
                        target[2 * x + 1] += part
                else:
                    for x in range(len(given)):
                        part = share[0] * given[x]
                        left = max(x * step_x - zeros_x, 0)
                        for column in range(left, min(x * step_x - zeros_x + width, len(target))):
                            target[column] += part


@fast_kernel(parallel=True)
def max_pool(result, image, height, width, step_y, step_x, beyond_y, beyond_x):
    """The maximum over windows of images [N, H, W] that reach beyond_y and beyond_x over the edges."""
    for n in prange(len(result)):
        for y in range(result.shape[1]):
            top, bottom = max(y * step_y - beyond_y, 0), min(y * step_y - beyond_y + height, image.shape[1])
            for x in range(result.shape[2]):
                left, right = max(x * step_x - beyond_x, 0), min(x * step_x - beyond_x + width, image.shape[2])
                largest = image[n, top, left]
                for row in range(top, bottom):
                    for column in range(left, right):
                        if image[n, row, column] > largest:
                            largest = image[n, row, column]
                result[n, y, x] = largest


@fast_kernel(parallel=True)
def max_pool_adjoint(image_error, error, image, height, width, step_y, step_x, beyond_y, beyond_x):
    """Each error goes to the first maximum of its window, in row order."""
    for n in prange(len(error)):
        image_error[n] = 0
        for y in range(error.shape[1]):
            top, bottom = max(y * step_y - beyond_y, 0), min(y * step_y - beyond_y + height, image.shape[1])
            for x in range(error.shape[2]):
                left, right = max(x * step_x - beyond_x, 0), min(x * step_x - beyond_x + width, image.shape[2])
                first, beside = top, left
                for row in range(top, bottom):
                    for column in range(left, right):
                        if image[n, row, column] > image[n, first, beside]:
                            first, beside = row, column
                image_error[n, first, beside] += error[n, y, x]


@fast_kernel(parallel=True)
def upsample(result, values, vertical, horizontal):
    """Each pixel of images [N, H, W] vertical x horizontal times."""
    for n in prange(len(result)):
        for y in range(result.shape[1]):
            source, target = values[n, y // vertical], result[n, y]
            for x in range(len(source)):
                for k in range(horizontal):
                    target[x * horizontal + k] = source[x]


@fast_kernel(parallel=True)
def upsample_adjoint(values_error, error, vertical, horizontal):
    for n in prange(len(error)):
        values_error[n] = 0
        for y in range(error.shape[1]):
            source, target = error[n, y], values_error[n, y // vertical]
            for x in range(len(target)):
                for k in range(horizontal):
                    target[x] += source[x * horizontal + k]


@fast_kernel(parallel=True)
def multiply(result, values, factor):
    """Rows [B, n] times factor [R, n] or [R, 1], of which row b % R goes with row b."""
    for b in prange(len(values)):
        source, target, factors = values[b], result[b], factor[b % len(factor)]
        if len(factors) == 1:
            number = factors[0]
            for i in range(len(source)):
                target[i] = number * source[i]
        else:
            for i in range(len(source)):
                target[i] = factors[i] * source[i]


@fast_kernel(parallel=True)
def scale_channels(result, values, factor, offset, constant):
    """f[c] x[b, c, i] + o[c] k, of values [B, C, n]."""
    for b in prange(len(values)):
        for c in range(values.shape[1]):
            source, target, number, shift = values[b, c], result[b, c], factor[c], offset[c] * constant[0]
            for i in range(len(source)):
                target[i] = number * source[i] + shift


@fast_kernel(parallel=True, fastmath={"contract", "reassoc", "nsz"})
def products(sums, error, values):
    """Σ_i δ[b, i] x[b, i] of each row."""
    for b in prange(len(values)):
        source, given = values[b], error[b]
        total = sums.dtype.type(0)
        for i in range(len(source)):
            total += source[i] * given[i]
        sums[b] = total


@fast_kernel(parallel=True, fastmath={"contract", "reassoc", "nsz"})
def standardise(effective, standardised, deviation, weight, gain, epsilon):
    """x̂ and 1 / r of the raw weight [n_out, n] in double precision, and gain · x̂: the equations are the reference's."""
    count = weight.shape[1]
    for i in prange(len(weight)):
        numbers, own = weight[i], standardised[i]
        mean = 0.0
        for j in range(count):
            mean += numbers[j]
        mean /= count
        variance = 0.0
        for j in range(count):
            variance += (numbers[j] - mean) * (numbers[j] - mean)
        root = np.sqrt(variance / (count - 1) * count + epsilon)
        deviation[i] = root
        for j in range(count):
            own[j] = (numbers[j] - mean) / root
        for j in range(count):
            effective[i, j] = gain[i] * own[j]


@fast_kernel(parallel=True, fastmath={"contract", "reassoc", "nsz"})
def standardisation_gradients(weight_gradient, gain_gradient, effective_gradient, standardised, deviation, gain):
    """Through the standardisation, from the gradient of the weight in use: the equations are the reference's."""
    count = standardised.shape[1]
    for i in prange(len(standardised)):
        given, own, target = effective_gradient[i], standardised[i], weight_gradient[i]
        total, along = 0.0, 0.0
        for j in range(count):
            total += given[j]
            along += np.float64(given[j]) * own[j]
        gain_gradient[i] = along
        factor, mean, slope = gain[i] / deviation[i], total / count, along * count / (count - 1)
        for j in range(count):
            target[j] = factor * (given[j] - mean - slope * own[j])
