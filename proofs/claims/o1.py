"""O1: to first order in the learning rate OTTT_O is OTTT_A.

Over one sequence OTTT_O changes the parameters by -η ∇_A + R(η), R(η) = O(η²), as long as no spike flips on the way.
R is computed over fractions, without rounding, at η and η / 2 for a tiny η: log2 ‖R(η)‖ / ‖R(η/2)‖ is R's order.
"""

from fractions import Fraction
from math import log2, sqrt

import numpy as np
from hypothesis import assume

import ottt_ref as ot
from ottt_ref import losses

from ..cases import fires, networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equations import ONLINE_UPDATE, OTTT_GRADIENT, Sketch
from ..examples import exact

LEARNING_RATE = Fraction(1, 2**40)
MARGIN = Fraction(1, 2**10)
# R(η) = c η² (1 + O(η)), so the order at η = 2^-40 is 2 up to 2^-40 times a ratio of coefficients.
LEAST_ORDER = 1.999


def check(case):
    network, loss = case.exact_network, losses.MeanSquaredError()
    activity = ot.simulate(network, case.exact_inputs)
    assume(_keeps_margin(network, activity))
    gradient = ot.ottt.gradients(network, case.exact_inputs, case.targets, loss)
    norms = []
    for rate in (LEARNING_RATE, LEARNING_RATE / 2):
        moved, spikes = online(network, case.exact_inputs, case.targets, loss, rate)
        if any(np.any(after != before) for after, before in zip(spikes, activity.spikes)):
            raise Refuted("a spike flipped although every potential keeps its margin")
        norms.append(_remainder(network, moved, gradient, rate))
    order = _order(norms)
    if order is not None and not order >= LEAST_ORDER:
        raise Refuted(f"the remainder shrinks with order {order:.4g} in the learning rate, not 2")
    return Finding(order, fires(activity) and order is not None)


def online(network, inputs, targets, loss, rate):
    """The parameters after OTTT_O's steps over one sequence, and the spikes [T, B, n] on the way."""
    moved = network.copy()
    optimizer = ot.training.SGD(rate, momentum=0)
    learner = ot.ottt.OnlineLearner(moved, optimizer, loss, time_steps=len(inputs))
    spikes = []
    for t in range(len(inputs)):
        learner.step(inputs[t], targets)
        spikes.append([layer.copy() for layer in learner.activity.spikes])
    return moved, [np.stack(layer) for layer in zip(*spikes)]


def _keeps_margin(network, activity):
    """Whether no potential is near the threshold or a kink of its surrogate, so that a tiny step crosses neither."""
    for layer, potential in zip(network.layers, activity.potentials):
        neuron = layer.neuron
        width = getattr(neuron.surrogate, "width", 0)  # that of the fast sigmoid is at the threshold alone
        kinks = [Fraction(0), *(sign * scale * width for sign in (1, -1) for scale in (1, Fraction(1, 2)))]
        distances = [abs(potential - neuron.threshold - kink) for kink in kinks]
        if any(np.any(distance < MARGIN) for distance in distances):
            return False
    return True


def _remainder(network, moved, gradient, rate):
    """‖θ_O - θ + η ∇_A‖² / η², an exact number."""
    total = Fraction(0)
    for name, value in network.parameters.items():
        change = (moved.parameters[name] - value) / rate + gradient[name]
        total += (change * change).sum()
    return total


def _order(norms):
    """The order of R from ‖R(η) / η‖² at η and η / 2; None if R vanishes, as it does for T = 1."""
    if norms[0] == 0:
        return None
    return 1 + log2(sqrt(norms[0] / norms[1]))


def flipped_spike():
    """A potential exactly at the threshold: however small the learning rate, the next spike flips."""
    one = Fraction(1)
    neuron = ot.LIF(decay=one * 0, threshold=one, reset_potential=one * 0, surrogate=ot.surrogate.Triangle(one, one))
    network = ot.Network([ot.Layer(ot.Dense(exact([[1]])), neuron)])
    inputs, targets = exact([1, 1]).reshape(2, 1, 1), exact([[0]])
    gradient = ot.ottt.gradients(network, inputs, targets, losses.MeanSquaredError())
    sizes = []
    for rate in (LEARNING_RATE, LEARNING_RATE / 2):
        moved, _ = online(network, inputs, targets, losses.MeanSquaredError(), rate)
        sizes.append(_remainder(network, moved, gradient, rate))
    order = _order(sizes)
    if order is None or order > 1.5:
        raise Refuted(f"the remainder should be of first order, got {order}")
    return f"one neuron at u = V_th twice, y = 0: the second spike is lost, the remainder has order {order:.3g}"


CLAIM = Claim(
    name="O1",
    statement="OTTT_O changes the parameters by -η ∇(OTTT_A) + O(η²) over a sequence",
    hypotheses="SGD without momentum; no spike flips on the way (potentials keep a margin of 2^-10)",
    source="theory O1; Xiao et al. 2022, section 4.3",
    checked="the order of the remainder between η = 2^-40 and 2^-41, fractions",
    kind="bound",
    slack_means="least order {:.6g}",
    worst=min,
    sketch=Sketch(
        formula=r"\theta_{\text{after}} - \theta_{\text{before}} = -\eta\, \nabla^{\text{OTTT}_A} + O(\eta^2)",
        proof=(
            r"OTTT_O takes each step's part of the gradient at parameters that have moved by $O(\eta)$ since the "
            r"sequence began. While no spike flips, potentials, surrogate derivatives and errors are smooth in the "
            r"parameters, so each part differs from OTTT_A's by $O(\eta)$. The update is $-\eta$ times the sum of the "
            r"parts, so it differs by $O(\eta^2)$."
        ),
        equations=(OTTT_GRADIENT, ONLINE_UPDATE),
    ),
    strategy=networks(depths=(1, 2), widths=(1, 3), time_steps=(2, 4)),
    check=check,
    counterexamples=(Counterexample("no spike flips", flipped_spike),),
    share=0.3,
)
