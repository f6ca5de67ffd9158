"""The network that is shown where none is given: found by a search, so that the methods visibly differ.

2 inputs, 2 neurons and 1 output neuron, λ = 1/2, V_th = 1, ψ(z) = max(0, 1 - |z|), six time steps, target 1. Draw k
of seed 0 takes each weight from -1, -3/4, ..., 3/2 and each input from 0 and 1. Kept are networks without a weight of
0, in which each neuron fires at least once and rests at least twice, and in whose second layer one weight is
negative. Of the first 3000 draws it is the one with the largest `score`: in the first layer's weights, the smallest
relative difference between two of SLTT, OTTT, BPTT, BPTT with the reset kept, and SR.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np

from ..blackboard.description import Description
from ..blackboard.quantities import HALF_SQUARES, METHODS
from ..network.layers import Layer
from ..network.network import Network, exact_array
from ..network.neurons import LIF
from ..network.operations import Dense
from ..network.surrogate import Triangle
from ..simulation.simulator import run

SEED, DRAWS, CHOSEN = 0, 3000, 1663
TIME_STEPS = 6
COMPARED = ("sltt", "ottt", "bptt", "bptt-kept", "sr")


def example() -> Description:
    """The network over fractions, its inputs [6, 1, 2] and target row [1, 1], and the loss.

    >>> found = example()
    >>> [[[str(w) for w in row] for row in value] for value in found.network.parameters.values()]
    [[['3/4', '1/4'], ['3/2', '-1/2']], [['-1/2', '1']]]
    >>> [[int(x) for x in row] for row in found.inputs[:, 0]]
    [[1, 1], [1, 1], [0, 1], [0, 1], [1, 0], [1, 1]]
    """
    return drawn(CHOSEN)


def drawn(k: int, seed: int = SEED) -> Description:
    """Draw k of the search."""
    rng = np.random.default_rng([seed, k])
    weights = [exact_array(rng.integers(-4, 7, shape) / 4) for shape in ((2, 2), (1, 2))]
    inputs = exact_array(rng.integers(0, 2, (TIME_STEPS, 1, 2)))
    neuron = LIF(Fraction(1, 2), Fraction(1), surrogate=Triangle(Fraction(1), Fraction(1)), reset_potential=Fraction(0))
    network = Network([Layer(Dense(rows, False), neuron) for rows in weights])
    return Description(network, inputs, exact_array([[1]]), HALF_SQUARES)


def score(found: Description) -> float:
    """How visibly the methods differ in the first layer's weights; 0 for a network that the search passes over."""
    first, second = found.network.parameters.values()
    if (first == 0).any() or (second == 0).any() or not (second < 0).any():
        return 0.0
    activity = run(found.network, found.inputs)
    counts = [int(count) for spikes in activity.spikes for count in spikes.sum(axis=0).ravel()]
    if min(counts) < 1 or max(counts) > TIME_STEPS - 2:
        return 0.0
    name = next(iter(found.network.parameters))
    of_methods = np.array(
        [
            METHODS[method]
            .sums(found.network, activity, found.inputs, found.targets, HALF_SQUARES)
            .values[name]
            .ravel()
            for method in COMPARED
        ]
    )
    scale = np.abs(of_methods).max(axis=0)
    if (scale == 0).any():
        return 0.0
    return float(min((abs(a - b) / scale).min() for a, b in combinations(of_methods, 2)))


def search(draws: int = DRAWS, seed: int = SEED) -> int:
    """The draw with the largest score of the first `draws`; the first of equals."""
    return max(range(draws), key=lambda k: score(drawn(k, seed)))
