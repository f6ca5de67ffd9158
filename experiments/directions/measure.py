"""One measurement: a fresh or a trained network, one batch of digits, every method's gradient, the cosines.

All conditions but one are those of BASE: the paper's λ = 0.5, T = 6 and sigmoid surrogate with α = 4, three hidden
layers. FACTORS says which one is varied, and how.
"""

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

import ottt_ref as ot
from ottt_ref import spike_representation

from ..backends import methods_of, simulate_by
from ..digits.data import load, sequence
from ..digits.training import Settings
from ..training import rules

# By how they are called in tables: the method's name, and its options.
METHODS = {
    "BPTT": ("bptt", {}),
    "BPTT kept": ("bptt", {"reset_gradient": "kept"}),
    **{each.label: (each.name, {}) for each in ot.methods.METHODS.values() if each.name not in ("bptt", "rtrl")},
    "RTRL": ("rtrl", {}),
}
PAIRS = tuple(combinations(METHODS, 2))
# RTRL gives BPTT's gradient (E6) and takes a thousand times longer: it is there to show that it does.
LONGEST_RTRL, RTRL_SEEDS = 6, 2


@dataclass(frozen=True)
class Condition:
    """What a network is made of and what it is given.

    decay, depth, time_steps   λ, hidden layers, T
    alpha                      of the sigmoid surrogate, whose width is in proportion to 1/α
    gain                       the spread of the fresh network's potentials in thresholds: how often it fires
    epochs                     of OTTT_A that it has learned
    width, batch               neurons in a hidden layer, images that the gradients are of
    """

    decay: float = 0.5
    depth: int = 3
    time_steps: int = 6
    alpha: float = 4.0
    gain: float = 2.0
    epochs: int = 0
    width: int = 32
    batch: int = 32


BASE = Condition()
FACTORS = {
    "decay": (0.0, 0.25, 0.5, 0.75, 0.9, 1.0),
    "depth": (1, 2, 3, 4, 5),
    "time_steps": (1, 2, 4, 6, 12, 25, 50, 100),
    "alpha": (1.0, 2.0, 4.0, 8.0, 16.0),
    "gain": (0.5, 1.0, 2.0, 4.0, 8.0),
    "epochs": (0, 1, 2, 4, 8, 16),
}


def conditions(factor):
    """The conditions of a factor, one for each of its values."""
    return [replace(BASE, **{factor: value}) for value in FACTORS[factor]]


@dataclass(frozen=True)
class Measurement:
    """What one seed gives under one condition.

    cosines       by layer's name, in the order of PAIRS; None where a gradient is 0 or RTRL was left out
    firing_rates  of each hidden layer, in spikes per time step
    gaps          the mean and the largest |σ(x̄/V_th) - a| over all hidden neurons and images (R2)
    within        the share of hidden neurons and images whose currents stay in [0, V_th], as R2 asks
    """

    seed: int
    cosines: dict
    firing_rates: list
    gaps: tuple
    within: float


def measure(condition, seed, backend="fast", with_rtrl=None):
    """The Measurement of a condition from one seed: of its network, what it learned, and its batch.

    backend    whose loops compute, one of backends.BACKENDS
    with_rtrl  whether RTRL is measured where T allows it; of a few seeds if not given
    """
    with_rtrl = seed < RTRL_SEEDS if with_rtrl is None else with_rtrl
    rng = np.random.default_rng([seed, condition.depth])
    network = ot.dense_network(
        [64, *[condition.width] * condition.depth, 10],
        decay=condition.decay,
        surrogate=ot.surrogate.Sigmoid(condition.alpha),
        gain=condition.gain,
        rng=rng,
    )
    digits = load()
    if condition.epochs:
        settings = Settings()
        optimizer = ot.training.SGD(settings.learning_rate, momentum=settings.momentum)
        learn = rules.learner("ottt-a", rules.Task(network, optimizer, condition.time_steps, backend=backend))
        for _ in range(condition.epochs):
            order = rng.permutation(len(digits.train_labels))
            for first in range(0, len(order), condition.batch):
                batch = order[first : first + condition.batch]
                learn(sequence(digits.train_images[batch], condition.time_steps), digits.train_labels[batch])
    chosen = np.random.default_rng([seed, 1]).choice(len(digits.test_labels), condition.batch, replace=False)
    inputs = sequence(digits.test_images[chosen], condition.time_steps)
    activity = simulate_by(backend)(network, inputs)
    gaps, within = rate_gaps(network, inputs, activity)
    return Measurement(
        seed=seed,
        cosines=all_cosines(network, inputs, digits.test_labels[chosen], with_rtrl, backend),
        firing_rates=[float(spikes.mean()) for spikes in activity.spikes],
        gaps=(float(gaps.mean()), float(gaps.max())),
        within=float(within.mean()),
    )


def all_cosines(network, inputs, labels, with_rtrl, backend):
    """The cosine of each pair of methods for each layer's weight; None where RTRL is left out."""
    methods = methods_of(backend)
    gradients = {
        name: methods[method].gradients(network, inputs, labels, **options)
        for name, (method, options) in METHODS.items()
        if name != "RTRL" or (with_rtrl and len(inputs) <= LONGEST_RTRL)
    }
    weights = [name for name in network.parameters if name.endswith("weight")]
    return {
        name.removesuffix(".weight"): [
            cosine(gradients[a][name], gradients[b][name]) if a in gradients and b in gradients else None
            for a, b in PAIRS
        ]
        for name in weights
    }


def cosine(left, right):
    """The cosine between two arrays, a float; None if one of them is 0."""
    left, right = left.ravel(), right.ravel()
    size = np.linalg.norm(left) * np.linalg.norm(right)
    return float(np.clip(left @ right / size, -1, 1)) if size else None


def rate_gaps(network, inputs, activity):
    """|σ(x̄/V_th) - a| of every hidden neuron and sample, and whether its currents stay in [0, V_th], [n] each."""
    gaps, within = [], []
    values = [inputs, *activity.spikes]
    for l in network.spiking:
        layer = network.layers[l]
        current = values[l] @ layer.synapses.weight.T + layer.synapses.bias
        threshold = layer.neuron.threshold
        mean = ot.weighted_rate(np.ascontiguousarray(current), layer.neuron.decay)
        rate = ot.weighted_rate(activity.spikes[l], layer.neuron.decay)
        gaps.append(abs(np.clip(mean / threshold, 0, 1) - rate).ravel())
        within.append(((current >= 0) & (current <= threshold)).all(axis=0).ravel())
    return np.concatenate(gaps), np.concatenate(within)


def constant_current_rates(decay, time_steps, currents):
    """a[T] of one neuron driven by each of the constant currents [n], V_th = 1."""
    network = ot.Network([ot.Layer(ot.Dense(np.array([[1.0]])), ot.LIF(decay=decay))])
    inputs = np.repeat(currents[np.newaxis, :, np.newaxis], time_steps, axis=0)
    return spike_representation.measured_rates(network, inputs)[1][:, 0]
