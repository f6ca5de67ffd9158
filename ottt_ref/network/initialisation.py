"""Random weights, scaled so that a fresh network fires.

A neuron with weights of standard deviation std and inputs of mean square q, independent from step to step, has after
T steps without reset a potential of standard deviation std · sqrt(n_in q Σ_{k<T} λ^2k). `firing_std` sets that to
gain · V_th: with gain 2 about three neurons in ten cross the threshold, which again gives the next layer inputs of
mean square near 0.3 (spikes are 0 or 1, so their mean square is their rate). Activity then neither dies out nor
saturates with depth; the tests measure it. (For inputs held constant the sum would be (Σ_{k<T} λ^k)²: scaled by that,
a network with λ near 1 falls silent in its third layer.) A readout has no threshold: its weights have std
1 / sqrt(n_in). Biases start at 0.
"""

import math

import numpy as np

from ..annotations import Shape
from ..validation import (
    require_choice,
    require_count,
    require_nonnegative,
    require_positive,
    require_size,
    require_unit_interval,
)

GAIN = 2.0
TIME_STEPS = 6
MEAN_SQUARE = 0.25


def firing_std(fan_in: int, decay: float, threshold: float, gain: float = GAIN) -> float:
    """The weights' standard deviation that lets a fresh layer of `fan_in` inputs per neuron fire.

    Raises TypeError or ValueError for a fan-in below 1, a decay outside [0, 1], a threshold or gain of 0 or below.
    """
    require_count("fan_in", fan_in)
    require_unit_interval("decay", decay)
    require_positive("threshold", threshold)
    require_positive("gain", gain)
    accumulated = sum(decay ** (2 * k) for k in range(TIME_STEPS))
    return gain * threshold / math.sqrt(fan_in * MEAN_SQUARE * accumulated)


def uniform(rng: np.random.Generator, shape: Shape, std: float) -> np.ndarray:
    """U(-a, a) with a = std · sqrt(3)."""
    return rng.uniform(-std * math.sqrt(3), std * math.sqrt(3), size=shape)


def normal(rng: np.random.Generator, shape: Shape, std: float) -> np.ndarray:
    """N(0, std²)."""
    return rng.normal(0.0, std, size=shape)


def orthogonal(rng: np.random.Generator, shape: Shape, std: float) -> np.ndarray:
    """Orthonormal rows or columns (the shorter side), scaled so that the entries' root mean square is std."""
    tall = rng.normal(size=(max(shape), min(shape)))
    basis, triangle = np.linalg.qr(tall)
    basis = basis * np.sign(np.diag(triangle))  # makes the draw uniform over orthogonal matrices
    return (basis if shape[0] >= shape[1] else basis.T) * std * math.sqrt(max(shape))


SCHEMES = {"uniform": uniform, "normal": normal, "orthogonal": orthogonal}


def draw(scheme: str, rng: np.random.Generator, shape: Shape, std: float) -> np.ndarray:
    """Weights [n_out, n_in] of the named scheme: "uniform", "normal" or "orthogonal".

    Raises TypeError or ValueError for another scheme, generator, shape or a standard deviation below 0.
    """
    require_choice("initialisation", scheme, tuple(SCHEMES))
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {rng!r}")
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise TypeError(f"shape must be (n_out, n_in), got {shape!r}")
    sizes = tuple(require_size(f"shape[{k}]", size) for k, size in enumerate(shape))
    require_nonnegative("std", std)
    return SCHEMES[scheme](rng, sizes, std)
