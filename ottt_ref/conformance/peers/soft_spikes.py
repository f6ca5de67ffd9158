"""The surrogates in torch: their primitives, the soft spikes, which torch differentiates."""

import math

from . import installed

torch = installed("torch")


def sigmoid(z, alpha):
    # torch differentiates by σ (1 - σ), which is rounded to 0 where σ is 1 but for a rounding: σ(-αz) is small there
    return torch.where(z < 0, torch.sigmoid(alpha * z), 1 - torch.sigmoid(-alpha * z))


def arctan(z, alpha):
    return torch.atan(math.pi / 2 * alpha * z) / math.pi + 0.5


def triangle(z, width, height):
    rising = height * (width + z) ** 2 / (2 * width)
    falling = height * width - height * (width - z) ** 2 / (2 * width)
    inside = torch.where(z < 0, rising, falling)
    return torch.where(z.abs() < width, inside, (z >= width) * (height * width))


def rectangle(z, width):
    return torch.clamp(z / width + 0.5, 0, 1)


def fast_sigmoid(z, slope, height):
    return height * (z / (1 + slope * z.abs()) + 1 / slope)


def multi_gaussian(z, sigma, h, s, scale):
    def rise(mean, deviation):
        return 0.5 + 0.5 * torch.erf((z - mean) / (math.sqrt(2) * deviation))

    return scale * ((1 + h) * rise(0, sigma) - h * rise(sigma, s * sigma) - h * rise(-sigma, s * sigma))


PRIMITIVES = {
    "Sigmoid": sigmoid,
    "Arctan": arctan,
    "Triangle": triangle,
    "Rectangle": rectangle,
    "FastSigmoid": fast_sigmoid,
    "MultiGaussian": multi_gaussian,
}


def primitive_of(description):
    """z → the soft spike, from a case's surrogate as plain data."""
    numbers = dict(description)
    primitive = PRIMITIVES[numbers.pop("type")]
    return lambda z: primitive(z, **numbers)


def derivative(primitive, z):
    """ψ(z): the derivative of the soft spike, by torch."""
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        return torch.autograd.grad(primitive(z).sum(), z)[0]
