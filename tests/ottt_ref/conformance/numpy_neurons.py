"""Spiking neurons and readouts in plain NumPy, for `numpy_backend`."""

import numpy as np
from scipy.special import expit


def gaussian(z, centre, deviation):
    return np.exp(-(((z - centre) / deviation) ** 2) / 2) / (np.sqrt(2 * np.pi) * deviation)


def multi_gaussian(z, sigma, h, s, scale):
    sides = gaussian(z, sigma, s * sigma) + gaussian(z, -sigma, s * sigma)
    return scale * ((1 + h) * gaussian(z, 0, sigma) - h * sides)


SURROGATES = {
    "Sigmoid": lambda z, alpha: alpha * expit(alpha * z) * expit(-alpha * z),
    "Arctan": lambda z, alpha: alpha / 2 / (1 + (np.pi * alpha * z / 2) ** 2),
    "Triangle": lambda z, width, height: height * np.maximum(0, 1 - np.abs(z) / width),
    "Rectangle": lambda z, width: (np.abs(z) < width / 2) / width,
    "FastSigmoid": lambda z, slope, height: height / (1 + slope * np.abs(z)) ** 2,
    "MultiGaussian": multi_gaussian,
}


class Neurons:
    """LIF neurons and integrators, one time step forwards and backwards, from their descriptions."""

    def integrate(self, neuron, u, s, current):
        """u[t] from u[t-1], s[t-1] and I[t]."""
        if neuron["type"] == "Integrator":
            return neuron["decay"] * u + current
        return self.carried(neuron, u, s) + current

    def carried(self, neuron, u, s):
        """What the reset and the leak leave of u[t-1]."""
        decay, threshold = neuron["decay"], neuron["threshold"]
        if neuron["reset"] == "soft":
            return decay * (u - threshold * s)
        if neuron["reset"] == "unleaked":
            return decay * u - threshold * s
        return decay * ((1 - s) * u + neuron["reset_potential"] * s)

    def fire(self, neuron, u):
        """s[t]; of an integrator its potential."""
        return u if neuron["type"] == "Integrator" else (u >= neuron["threshold"]).astype(u.dtype)

    def derivative(self, neuron, u, s):
        """ψ[t]; of an integrator 1."""
        if neuron["type"] == "Integrator":
            return np.ones_like(u)
        return self.surrogate(neuron["surrogate"], u - neuron["threshold"])

    def surrogate(self, description, z):
        numbers = {name: value for name, value in description.items() if name != "type"}
        # in double precision, rounded once: saturated-float32 compares ψ that single precision would flush to 0
        return SURROGATES[description["type"]](z.astype(np.float64), **numbers).astype(z.dtype)

    def jacobian(self, neuron, u, s, derivative, kept):
        """∂u[t+1]/∂u[t]; `kept` says whether through the reset too."""
        decay = neuron["decay"]
        if neuron["type"] == "Integrator":
            return decay
        if neuron["reset"] == "hard":
            return decay * (1 - s) + kept * decay * (neuron["reset_potential"] - u) * derivative
        leak = decay if neuron["reset"] == "soft" else 1
        return decay - kept * leak * neuron["threshold"] * derivative

    def stateless(self, neuron):
        return neuron["type"] == "Integrator" and neuron["decay"] == 0
