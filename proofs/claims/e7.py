"""E7: with the surrogate's primitive as a soft spike in the forward pass, BPTT (reset kept) is the true gradient.

Exactly: the forward pass runs on dual numbers over fractions, θ + ε d for a random direction d, and the slope of the
loss must be Σ ∇θ · d, number for number; the rational surrogates have piecewise rational primitives. In floats:
central differences along d, for the smooth surrogates.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref import losses
from ottt_ref.network.network import object_array
from ottt_ref.simulation import simulator as simulation

from ..cases import SMOOTH_SURROGATES, Case, networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equality import output_errors
from ..equations import BPTT_ERROR, BPTT_GRADIENT, HARD_JACOBIAN, JACOBIAN, MEMBRANE, SURROGATE, Sketch
from ..examples import chain
from ..number_systems.dual import Dual

STEP = 2.0**-17
# Central differences of step h along d are off by h² |L'''| / 6 + ulp(L) / h: with h = 2^-17 some 1e-11 |L'''| + 1e-11.
# RELATIVE_ERROR leaves the third derivative of the loss along d room up to 1e4 times the first.
RELATIVE_ERROR = 1e-6


@dataclass(frozen=True)
class Directed:
    """A case, and a direction in the space of its parameters: one row of numbers per parameter."""

    case: Case
    direction: tuple

    def along(self, parameters, convert):
        """The direction as object arrays shaped like the parameters, keyed like them."""
        return {
            name: object_array(np.array(row, dtype=object), convert).reshape(value.shape)
            for (name, value), row in zip(parameters.items(), self.direction)
        }

    def __str__(self):
        return f"{self.case}\ndirection {[[str(number) for number in row] for row in self.direction]}"


@st.composite
def directed_cases(draw):
    """A small case with a direction whose entries are all positive."""
    case = draw(
        networks(depths=(1, 2), widths=(1, 3), time_steps=(2, 4), batch_sizes=(1, 1), surrogates=SMOOTH_SURROGATES)
    )
    entries = st.integers(1, 16).map(lambda k: Fraction(k, 16))
    sizes = [value.size for value in case.exact_network.parameters.values()]
    return Directed(case, tuple(tuple(draw(st.lists(entries, min_size=n, max_size=n))) for n in sizes))


def check(directed):
    live = _check_exact(directed)
    return Finding(_check_floats(directed), live)


def _check_exact(directed):
    case = directed.case
    network = case.exact_network
    gradients = _soft_gradients(network, case.exact_inputs, case.targets, losses.MeanSquaredError())
    direction = directed.along(network.parameters, Fraction)
    slope = sum((gradient * direction[name]).sum() for name, gradient in gradients.items())
    expected = _dual_loss(case, network, direction).slope
    if slope != expected:
        raise Refuted(f"BPTT (kept) gives the slope {slope} along the direction, dual numbers give {expected}")
    return any(np.any(gradient != 0) for name, gradient in gradients.items() if name.startswith("layer0"))


def _dual_loss(case, network, direction):
    dual = network.as_objects(Dual)
    for name, value in network.parameters.items():
        moved = np.empty(value.shape, dtype=object)
        for index in np.ndindex(value.shape):
            moved[index] = Dual(value[index], direction[name][index])
        dual.parameters[name] = moved
    return _soft_loss(dual, object_array(case.exact_inputs, Dual), case.targets, losses.MeanSquaredError())


def _check_floats(directed):
    case = directed.case
    network, inputs, loss = case.float_network, case.float_inputs, losses.Mixed()
    direction = directed.along(network.parameters, float)
    gradients = _soft_gradients(network, inputs, case.targets, loss)
    slope = sum((gradient * direction[name]).sum() for name, gradient in gradients.items())
    size = sum(abs(gradient * direction[name]).sum() for name, gradient in gradients.items())
    ahead, behind = (_moved_loss(network, direction, sign * STEP, inputs, case.targets, loss) for sign in (1, -1))
    expected = (ahead - behind) / (2 * STEP)
    allowed = RELATIVE_ERROR * (1 + size)
    if not abs(slope - expected) <= allowed:
        raise Refuted(f"BPTT (kept) gives the slope {slope:.9g} along the direction, differences give {expected:.9g}")
    return float(abs(slope - expected) / allowed)


def _moved_loss(network, direction, step, inputs, targets, loss):
    moved = network.copy()
    for name, value in network.parameters.items():
        moved.parameters[name] = value + step * direction[name].astype(float)
    return _soft_loss(moved, inputs, targets, loss)


def _soft_loss(network, inputs, targets, loss):
    activity = simulation.run(network, inputs, soft=True)
    rows = losses.require_targets(loss, targets, inputs.shape[1], network)
    return losses.sequence_loss(loss, activity.outputs, rows)[0]


def _soft_gradients(network, inputs, targets, loss):
    activity = simulation.run(network, inputs, soft=True)
    errors = output_errors(network, activity, targets, loss)
    return ot.bptt.backward(network, activity, errors, reset_gradient="kept").values


def detached():
    """One neuron over two steps: BPTT with the reset detached is not the derivative."""
    case = chain(decay=Fraction(1, 2), inputs=(1, 1), weights=([[1]],), targets=[0])
    activity = simulation.run(case.network, case.inputs, soft=True)
    kept, cut = (
        ot.bptt.backward(case.network, activity, activity.outputs, reset_gradient=reset).values["layer0.weight"][0, 0]
        for reset in ("kept", "detached")
    )
    if kept == cut:
        raise Refuted(f"the reset's gradient should matter, both are {kept}")
    return f"one soft neuron, λ = 1/2, T = 2, x = (1, 1), w = 1, y = 0: dL/dw = {kept}, BPTT (detached) {cut}"


CLAIM = Claim(
    name="E7",
    statement="with soft spikes (the surrogate's primitive), BPTT (kept) is the derivative of the loss",
    hypotheses="reset gradient kept; any reset, readout, surrogate, loss, decay, depth and T, recurrent and "
    "feedback connections",
    source="theory E7",
    checked="slope along a random direction: dual numbers over fractions; central differences in float64",
    kind="exact",
    slack_means="floats at {:.2g} of the differences' error",
    sketch=Sketch(
        formula=r"s = \Psi(u - V_{th}),\; \Psi' = \psi \;\Rightarrow\; \nabla^{\text{BPTT, kept}} = \frac{dL}{d\theta}",
        proof=(
            r"With the surrogate's primitive $\Psi$ in place of $H$ the network is differentiable, and every factor "
            r"by which BPTT multiplies is a partial derivative of it: $\partial s / \partial u = \psi$, and "
            r"$\partial u[t+1] / \partial u[t] = \lambda (1 - V_{th} \psi[t])$ with the reset's gradient kept. That "
            r"is the chain rule."
        ),
        equations=(MEMBRANE, JACOBIAN, BPTT_ERROR, BPTT_GRADIENT, SURROGATE, HARD_JACOBIAN),
    ),
    strategy=directed_cases(),
    check=check,
    counterexamples=(Counterexample("the reset's gradient is kept", detached),),
    share=0.5,
)
