"""R4: the implicit gradient is the derivative of a long fixed-point iteration.

Dual numbers go through K sweeps from rest, along a random direction of all parameters: the slope of the loss is that of
the whole iteration. SR's gradient, one linear equation at the equilibrium, must give the same slope, up to what is left
of the iteration, ρ^K, and rounding.
"""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref import losses, spike_representation
from ottt_ref.network.network import object_array
from ottt_ref.simulation.simulator import input_current

from ..claim import Claim, Counterexample, Finding, Refuted
from ..equations import EQUILIBRIUM, IMPLICIT, SR_ERROR, SR_GRADIENT, Sketch
from ..number_systems.dual import Dual
from .c1 import Contracting, networks

SWEEPS = 60
FACTOR = 0.5
# 2^-60 of the iteration is left; the equilibrium is solved to 1e-10, the linear equation to 1e-12 of its size.
TOLERANCE = 1e-8
KINK = 1e-6  # far above the 1e-10 to which the equilibrium is solved


@dataclass(frozen=True)
class Directed:
    """A contracting case and a seed for the direction."""

    contracting: Contracting
    seed: int

    def __str__(self):
        return f"{self.contracting}\ndirection from seed {self.seed}"


directed = st.builds(
    Directed,
    st.builds(
        Contracting,
        networks(
            loops=("recurrent", "feedback"), depths=(1, 2), widths=(1, 3), time_steps=(2, 3), positive_inputs=True
        ),
        st.just(FACTOR),
        st.just(0),
    ),
    st.integers(0, 1000),
)


def check(case):
    network, inputs = case.contracting.network(), case.contracting.case.float_inputs / 4
    labels, loss = case.contracting.case.targets, losses.MeanSquaredError()
    if _near_kink(network, inputs):
        return Finding(None, False)
    rng = np.random.default_rng(case.seed)
    direction = {name: rng.uniform(0.5, 1, value.shape) for name, value in network.parameters.items()}
    gradients = ot.spike_representation.gradients(network, inputs, labels, loss, rates="closed_form")
    slope = sum((gradient * direction[name]).sum() for name, gradient in gradients.items())
    size = sum(np.abs(gradient * direction[name]).sum() for name, gradient in gradients.items())
    expected = _slope_of_iteration(network, inputs, labels, loss, direction)
    if not abs(slope - expected) <= TOLERANCE * (1 + size):
        raise Refuted(f"the implicit gradient gives the slope {slope:.12g}, {SWEEPS} sweeps give {expected:.12g}")
    loops = [name for name in gradients if "feedback" in name or "recurrent" in name]
    live = any(np.any(gradients[name] != 0) for name in loops)
    return Finding(abs(slope - expected) / (TOLERANCE * (1 + size)), live)


def _near_kink(network, inputs):
    """Whether some current of the equilibrium is at 0 or V_th, where the clamp has no derivative."""
    rates, _ = spike_representation.rates_of(network, inputs, "closed_form")
    for l in network.spiking:
        current = input_current(network, l, lambda c: rates[c.source + 1])
        distances = [np.abs(current), np.abs(current - network.layers[l].neuron.threshold)]
        if np.min(distances) < KINK:
            return True
    return False


def _slope_of_iteration(network, inputs, labels, loss, direction):
    dual = network.rebuilt(lambda array: object_array(array, Dual), lambda number: number)
    for name, value in network.parameters.items():
        moved = np.empty(value.shape, dtype=object)
        for index in np.ndindex(value.shape):
            moved[index] = Dual(float(value[index]), float(direction[name][index]))
        dual.parameters[name] = moved
    rate = object_array(ot.weighted_rate(inputs, network.layers[0].neuron.decay), Dual)
    delayed = {l: np.zeros((len(rate), *network.shapes[l]), dtype=object) for l in network.loop_sources}
    for _ in range(SWEEPS):
        values = spike_representation.sweep(dual, rate, delayed)
        delayed = {l: values[l] for l in delayed}
    outputs = spike_representation.rate_outputs(dual, [values[l] for l in sorted(values)])
    rows = losses.require_targets(loss, labels, len(rate), dual)
    total = losses.step_loss(loss, outputs * Dual(1.0), rows, 1)[0]
    return float(total.slope)


def undiminished():
    """w_rec = V_th: the error comes back as large as it left, and the equation has no solution."""
    network = ot.Network([ot.Layer(ot.Dense([[0.25]]), ot.LIF(), ot.Dense([[1.0]], False))])
    data = (network, np.array([[[1.0]], [[1.0]]]), np.array([[0.5]]), losses.MeanSquaredError())
    try:
        ot.spike_representation.gradients(*data)
    except ValueError as error:
        if "singular" in str(error):
            return "one neuron, w_rec = V_th, current within (0, V_th): I - (∂f/∂a)^T = 0, and SR's gradient is refused"
    raise Refuted("the implicit gradient should be refused where I - (∂f/∂a)^T = 0")


CLAIM = Claim(
    name="R4",
    statement="SR's implicit gradient = the derivative through a long fixed-point iteration of the rates",
    hypotheses="contraction factor at most 1/2, away from the clamp's kinks; recurrent and feedback networks",
    source="theory D2 (implicit differentiation at the equilibrium)",
    checked=f"slope along a random direction: dual numbers through {SWEEPS} sweeps, float64",
    kind="bound",
    slack_means="at most {:.2g} of the tolerance",
    sketch=Sketch(
        formula=(
            r"\frac{d\ell}{d\theta} = \Bigl( \frac{\partial f}{\partial \theta} \Bigr)^{\!\top} p, \qquad \Bigl( I - "
            r"\frac{\partial f}{\partial a} \Bigr)^{\!\top} p = \frac{\partial \ell}{\partial a}"
        ),
        proof=(
            r"Differentiate $a = f(a, \theta)$: "
            r"$(I - \partial f / \partial a)\, da = (\partial f / \partial \theta)\, d\theta$, solvable since the "
            r"loops contract. The slope of the loss is $\partial \ell / \partial a \cdot da$. Move the inverse "
            r"$(I - \partial f / \partial a)^{-1}$ from $da$ to the other factor: that becomes $p$. The derivative of "
            r"$K$ sweeps from rest is the partial sum of the Neumann series of the inverse, and differs from it by a "
            r"multiple of $\rho^K$."
        ),
        equations=(EQUILIBRIUM, IMPLICIT, SR_ERROR, SR_GRADIENT),
    ),
    strategy=directed,
    check=check,
    counterexamples=(Counterexample("the loops contract", undiminished),),
    share=0.3,
)
