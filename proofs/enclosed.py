"""What a network does for certain: surrogates and losses over intervals, for the kernels that run on them.

A network's own numbers are floats, and exact; everything that is computed from them is enclosed. Spikes are decided
where a potential's interval lies on one side of the threshold, and raise Undecided elsewhere.
"""

import math
from dataclasses import dataclass

import numpy as np

import ottt_ref as ot
from ottt_ref.network.network import object_array

from .number_systems.interval import Interval, Undecided, as_interval, exp, log, sqrt

PI = Interval(math.pi, math.nextafter(math.pi, 4))  # the float is below π


def sigmoid(surrogate, z):
    """α e^{-|αz|} / (1 + e^{-|αz|})²."""
    decaying = exp(-abs(surrogate.alpha * z))
    return surrogate.alpha * decaying / ((1 + decaying) * (1 + decaying))


def arctan(surrogate, z):
    """(α/2) / (1 + (π α z / 2)²)."""
    scaled = PI * surrogate.alpha * abs(z) / 2
    return surrogate.alpha / 2 / (1 + scaled * scaled)


def multi_gaussian(surrogate, z):
    """scale · ((1 + h) N(z; 0, σ²) - h N(z; σ, (sσ)²) - h N(z; -σ, (sσ)²))."""
    wide = surrogate.s * surrogate.sigma
    sides = [_normal(z - surrogate.sigma, wide), _normal(z + surrogate.sigma, wide)]
    return surrogate.scale * ((1 + surrogate.h) * _normal(z, surrogate.sigma) - surrogate.h * (sides[0] + sides[1]))


def _normal(x, deviation):
    distance = abs(x)
    return exp(-(distance * distance) / (2 * deviation * deviation)) / (sqrt(2 * PI) * deviation)


DERIVATIVES = {
    ot.surrogate.Sigmoid: sigmoid,
    ot.surrogate.Arctan: arctan,
    ot.surrogate.MultiGaussian: multi_gaussian,
}


@dataclass(frozen=True)
class EnclosedSurrogate(ot.surrogate.Surrogate):
    """ψ of another surrogate, over intervals; the parameters of `of` are intervals."""

    of: ot.surrogate.Surrogate

    def derivative(self, z):
        if self.of.rational:
            return self.of.derivative(z)
        if type(self.of) not in DERIVATIVES:
            raise TypeError(
                f"surrogate must be rational or one of {[s.__name__ for s in DERIVATIVES]}, got {self.of!r}"
            )
        return object_array(z, lambda value: DERIVATIVES[type(self.of)](self.of, value))


@dataclass(frozen=True)
class EnclosedCrossEntropy(ot.losses.Loss):
    """-Σ_c y_c log softmax(o)_c and softmax(o) - y, over intervals."""

    rational = True
    distribution = False

    def evaluate(self, outputs, targets):
        value, gradient = np.empty(len(outputs), dtype=object), np.empty_like(outputs)
        for b, (row, target) in enumerate(zip(outputs, targets)):
            value[b] = Interval(0.0)
            for c, output in enumerate(row):
                inverse = sum((exp(other - output) for other in row), Interval(0.0))  # of softmax_c
                value[b] = value[b] + target[c] * log(inverse)
                gradient[b, c] = 1 / inverse - target[c]
        return value, gradient


@dataclass(frozen=True)
class EnclosedMixture(ot.losses.Loss):
    """(1 - α) cross-entropy + α squared error, over intervals."""

    mse_weight: Interval
    rational = True
    distribution = False

    def evaluate(self, outputs, targets):
        parts = [loss.evaluate(outputs, targets) for loss in (EnclosedCrossEntropy(), ot.losses.MeanSquaredError())]
        (cross, cross_gradient), (squared, squared_gradient) = parts
        rest, share = 1 - self.mse_weight, self.mse_weight  # on the right, where arrays take them
        return cross * rest + squared * share, cross_gradient * rest + squared_gradient * share


def network(plain):
    """The network over intervals, each of one number; its surrogates enclosed."""
    result = plain.as_objects(as_interval)
    for layer in result.layers:
        if layer.neuron.spiking:
            object.__setattr__(layer.neuron, "surrogate", EnclosedSurrogate(layer.neuron.surrogate))
    return result


def array(values):
    """Floats as intervals, each of one number."""
    return object_array(values, as_interval)


def loss(plain):
    """The loss over intervals; TypeError for one that is neither rational nor made of cross-entropy."""
    if type(plain) is ot.losses.Mixed:
        return EnclosedMixture(as_interval(plain.mse_weight))
    if type(plain) is ot.losses.CrossEntropy:
        return EnclosedCrossEntropy()
    if not plain.rational:
        raise TypeError(f"loss must be rational, CrossEntropy or Mixed, got {plain!r}")
    return plain


def settled(check):
    """Whether intervals settle what `check()` asks; Undecided is caught, and nothing else."""
    try:
        check()
    except Undecided:
        return False
    return True
