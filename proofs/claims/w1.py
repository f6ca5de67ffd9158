"""W1: the gradient of a weighted loss is the weighted sum of the gradients of its terms, in every method.

L = Σ_t Σ_b w[t, b] ℓ(o[t, b], y_b) / (T B). Every method is linear in the errors at the outputs: so the weights may be
taken apart, time step by time step and sample by sample. Nothing is renormalised; a loss that divides by Σ w is not
linear in w.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref import losses

from ..cases import Case, fires, networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equality import require_equal
from ..equations import BPTT_GRADIENT, OTTT_GRADIENT, SLTT_GRADIENT, WEIGHTED_LOSS, Sketch
from ..examples import exact

LOSS = losses.MeanSquaredError()
METHODS = {"BPTT": ot.bptt, "RTRL": ot.rtrl, "OTTT": ot.ottt, "SLTT": ot.sltt}


@dataclass(frozen=True)
class Weighted:
    """A case, and weights [T][B] of its time steps and samples."""

    case: Case
    weights: tuple

    def __str__(self):
        return f"{self.case}\nweights by time step: {self.weights}"


@st.composite
def weighted(draw):
    """Cases with weights in eighths, of both signs."""
    case = draw(networks(depths=(1, 2), widths=(1, 2), outputs=(1, 2), time_steps=(2, 3)))
    batch = len(case.labels)
    row = st.lists(st.integers(-8, 16).map(lambda k: Fraction(k, 8)), min_size=batch, max_size=batch).map(tuple)
    return Weighted(case, tuple(draw(row) for _ in case.inputs))


def check(drawn):
    case = drawn.case
    network, inputs = case.exact_network, case.exact_inputs
    weights = ot.exact_array(np.array(drawn.weights, dtype=object))
    live = fires(ot.simulate(network, inputs))
    for name, method in METHODS.items():
        whole = method.gradients(network, inputs, case.targets, LOSS, weights=weights)
        total, loss = {each: 0 * value for each, value in whole.items()}, Fraction(0)
        for index in np.ndindex(weights.shape):
            alone = np.zeros(weights.shape, dtype=bool)
            alone[index] = True
            part = method.gradients(network, inputs, case.targets, LOSS, weights=alone)
            total = {each: value + weights[index] * part[each] for each, value in total.items()}
            loss += weights[index] * part.loss
        require_equal(whole, total, list(network.parameters))
        if whole.loss != loss:
            raise Refuted(f"the loss of {name} is {whole.loss}, the weighted sum of its terms {loss}")
        live = live and any(np.any(value != 0) for value in whole.values())
    return Finding(None, live)


def renormalised():
    """With a division by Σ w the gradient of both time steps is the mean of those of one, not the sum."""
    neuron = ot.LIF(Fraction(1, 2), Fraction(1), surrogate=ot.surrogate.Triangle(Fraction(1), Fraction(1)))
    layers = [ot.Layer(ot.Dense(exact([[1]]), False), neuron), ot.Layer(ot.Dense(exact([[1]]), False), ot.Integrator())]
    data = ot.Network(layers), exact([[[Fraction(1, 2)]], [[1]]]), exact([[0]]), LOSS

    def gradient(*weights):
        found = ot.bptt.gradients(*data, weights=exact(weights))["layer0.weight"][0, 0]
        return found * len(weights) / sum(weights)

    both, parts = gradient(1, 1), gradient(1, 0) + gradient(0, 1)
    if both == parts:
        raise Refuted(f"a renormalised loss should not be linear in its weights, got {both} twice")
    return (
        "1-1-1, T = 2, x = (1/2, 1), w = 1, y = 0, each loss divided by the sum of its weights: ∇w of the weights "
        f"(1, 1) {both}, of (1, 0) and (0, 1) together {parts}"
    )


CLAIM = Claim(
    name="W1",
    statement="a weighted loss has the weighted sum of its terms' gradients, in BPTT, RTRL, OTTT and SLTT",
    hypotheses="any reset, readout, decay, depth, T, loops; weights of any sign; nothing is renormalised",
    source="linearity of each method in ∂L/∂o",
    checked="all entries and the loss: public functions over fractions, a term for each time step and sample",
    kind="exact",
    sketch=Sketch(
        formula=r"\nabla \sum_{t,b} w_{t,b}\, L_{t,b} = \sum_{t,b} w_{t,b} \nabla L_{t,b}",
        proof=(
            r"Spikes, potentials, traces and sensitivities do not depend on the loss. Given them, each method is a "
            r"linear map of the errors at the outputs: $\delta$ and $g$ are linear in $\partial L / \partial o$, and "
            r"the gradient is linear in $\delta$, in $g$, or of RTRL in $\partial L / \partial o$ itself. The error "
            r"of a weighted loss is the weighted sum of the errors of its terms."
        ),
        equations=(WEIGHTED_LOSS, BPTT_GRADIENT, OTTT_GRADIENT, SLTT_GRADIENT),
    ),
    strategy=weighted(),
    check=check,
    counterexamples=(Counterexample("nothing is renormalised", renormalised),),
    share=0.2,
)
