"""Networks small enough for a blackboard, with the loss ½‖s - y‖² of each time step, for counterexamples."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

import ottt_ref as ot


@dataclass(frozen=True)
class Example:
    """A network of exact numbers with spiking output, its inputs [T, 1, n_in], and the outputs it should have."""

    network: ot.Network
    inputs: np.ndarray
    targets: np.ndarray

    def data(self):
        """The activity, and ∂L[t]/∂s = s[t] - y, [T, 1, n_out]."""
        activity = ot.simulate(self.network, self.inputs)
        return activity, activity.outputs - self.targets


def chain(*, decay, inputs, weights, targets, reset="soft", surrogate=None):
    """Spiking layers with the given weights, no biases, V_th = 1, ψ(z) = max(0, 1 - |z|); inputs by time step."""
    neuron = ot.LIF(
        decay=decay,
        threshold=Fraction(1),
        reset=reset,
        reset_potential=Fraction(0),
        surrogate=surrogate or ot.surrogate.Triangle(Fraction(1), Fraction(1)),
    )
    layers = [ot.Layer(ot.Dense(exact(weight), exact([0] * len(weight))), neuron) for weight in weights]
    return Example(ot.Network(layers), exact(inputs).reshape(len(inputs), 1, -1), exact(targets))


def exact(values):
    """`values` as an object array of Fractions."""
    return ot.exact_array(np.array(values, dtype=object))
