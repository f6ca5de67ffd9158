"""D2: with recurrent and feedback connections, OTTT's error, which takes no loop, descends with SR's, which takes all.

At the equilibrium SR's error w solves (I - U^T D - R^T D) w = ∂ℓ/∂a; OTTT's w' = U^T D w' + ∂ℓ/∂a leaves out R, what
delayed connections bring back. With z = D w and S = D (I - U^T D)^{-1} R^T D (D W_rec^T D / V_th for one layer):

    <D w, D w'> = z · z - z · S z >= (1 - μ) |z|²,   μ = λ_max((S + S^T) / 2)

μ < 1 is weaker than the contraction |S| < 1. Then D1's perturbation, of ψ[t] for D, applies as without loops.
"""

from fractions import Fraction

import numpy as np

import ottt_ref as ot
from ottt_ref import losses, spike_representation
from ottt_ref.simulation.simulator import input_current

from ..cases import networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..directions import loop_form, loop_matrices
from ..equations import IMPLICIT, LOOP_FORM, OTTT_ERROR, Sketch
from ..examples import exact
from .r2 import soft_neuron

MARGIN = Fraction(1, 10**9)  # added to the floating-point μ; then that it is above every eigenvalue is checked exactly


def check(case):
    network, inputs = case.exact_network, case.exact_inputs
    rates, _ = spike_representation.rates_of(network, inputs, "measured")
    try:
        data = (network, inputs, case.targets, losses.MeanSquaredError())
        errors = ot.spike_representation.gradients(*data, terms=True).errors
    except ValueError as error:
        if "singular" not in str(error):
            raise
        return Finding(None, False)
    instantaneous = _without_loops(network, rates, case.targets)
    currents = {l: input_current(network, l, lambda c: rates[c.source + 1]) for l in network.spiking}
    slacks = []
    for b in range(inputs.shape[1]):
        row = {l: current[b] for l, current in currents.items()}
        form = loop_form(*loop_matrices(network, row))
        z = _gated(network, errors, b)
        slacks.append(_require_bound(z, _gated(network, instantaneous, b), form))
    slacks = [slack for slack in slacks if slack is not None]
    return Finding(min(slacks, default=None), bool(slacks))


def _without_loops(network, rates, targets):
    """D w' / V_th of every layer, [1, B, n]: the errors that no delayed connection brings anything to."""
    outputs = spike_representation.rate_outputs(network, rates)
    rows = losses.require_targets(losses.MeanSquaredError(), targets, len(outputs), network)
    output_error = losses.step_loss(losses.MeanSquaredError(), outputs, rows, 1)[1]
    currents = [
        input_current(network, l, lambda c: rates[c.source + 1]) if layer.neuron.spiking else None
        for l, layer in enumerate(network.layers)
    ]
    return [error[np.newaxis] for error in spike_representation.errors_of(network, currents, output_error, {})]


def _gated(network, errors, b):
    """D w of sample b, the spiking layers in a row: V_th times the error at the potentials."""
    return np.concatenate([network.layers[l].neuron.threshold * errors[l][0, b] for l in network.spiking])


def _require_bound(z, other, form):
    """The identity and the bound, exactly; how near the product is to the bound, None if μ >= 1 or nothing loops."""
    product, square = (z * other).sum(), (z * z).sum()
    looped = z * (form @ z)
    if product != square - looped.sum():
        raise Refuted(f"<D w, D w'> = {product}, z·z - z·S z = {square - looped.sum()}")
    symmetric = (form + form.T) / 2
    largest = Fraction(float(np.linalg.eigvalsh(symmetric.astype(float)).max())) + MARGIN
    if not positive_definite(largest * identity(len(z)) - symmetric):
        raise Refuted(f"{float(largest)} should be above every eigenvalue of (S + S^T) / 2")
    if not product >= (1 - largest) * square:
        raise Refuted(f"<D w, D w'> = {product} is below (1 - μ) |z|² with μ = {float(largest)}, |z|² = {square}")
    if largest >= 1 or not square or not np.any(looped != 0):
        return None
    return float(product / ((1 - largest) * square))


def identity(size):
    """The unit matrix over fractions."""
    return exact(np.eye(size))


def positive_definite(matrix):
    """Whether a symmetric matrix of exact numbers is, by elimination: every pivot is above 0."""
    rows = matrix.copy()
    for k in range(len(rows)):
        if not rows[k, k] > 0:
            return False
        for i in range(k + 1, len(rows)):
            rows[i] = rows[i] - rows[i, k] / rows[k, k] * rows[k]
    return True


def self_excitation():
    """One neuron, one time step, w_rec = 2: the loop turns SR's error round."""
    neuron = soft_neuron(Fraction(1, 2))
    network = ot.Network([ot.Layer(ot.Dense(exact([[1]])), neuron, ot.Dense(exact([[2]]), False))])
    data = (network, exact([[[Fraction(1, 2)]]]), exact([[1]]), losses.MeanSquaredError())
    rate, online = (method.gradients(*data)["layer0.weight"][0, 0] for method in (ot.spike_representation, ot.ottt))
    if not rate * online < 0:
        raise Refuted(f"SR and OTTT should point apart, got {rate} and {online}")
    return f"one neuron, T = 1, x = 1/2, w = 1, w_rec = 2 (μ = 2), y = 1: ∇w of SR {rate}, of OTTT {online}"


CLAIM = Claim(
    name="D2",
    statement="<D w, D w'> = z·z - z·S z >= (1 - μ) |z|²: SR's error and the one without loops, all layers together",
    hypotheses="recurrent and feedback networks; positive for μ = λ_max((S + S^T) / 2) < 1",
    source="theory D2; Xiao et al. 2022, theorem 2",
    checked="identity, bound and μ (by exact elimination) on every sample, fractions",
    kind="exact",
    slack_means="the product is at least {:.3g} of the bound",
    worst=min,
    sketch=Sketch(
        formula=(
            r"\langle D w, D w' \rangle = z \cdot z - z \cdot S z \ge (1 - \mu)\, \lVert z \rVert^2, \qquad z = D "
            r"w,\; \mu = \lambda_{\max}\bigl( \tfrac{1}{2} (S + S^\top) \bigr)"
        ),
        proof=(
            r"SR's error solves $w = U^\top D w + R^\top D w + \partial \ell / \partial a$, where $U$ holds the "
            r"connections within a time step and $R$ the delayed ones; OTTT's leaves out $R$. Subtract: $(I - U^\top "
            r"D)(w - w') = R^\top D w$, hence $D w' = z - S z$ with $S = D (I - U^\top D)^{-1} R^\top D$. The "
            r"quadratic form of $S$ is that of its symmetric part, at most $\mu \lVert z \rVert^2$. One recurrent "
            r"layer: $S = D W_{\text{rec}}^\top D / V_{th}$. The matrices $U$ and $R$ hold all layers' neurons in a "
            r"row, so that feedback through several layers is one block of $R$."
            "\n\n"
            r"$\mu < 1$ is weaker than a contraction, since $\mu \le \lVert S \rVert_2$. An equilibrium exists in any "
            r"case; C1 says when it is the only one. OTTT has $\psi[t]$ where $D$ stands here: D1's perturbation then "
            r"applies to its errors, as without loops."
        ),
        equations=(IMPLICIT, OTTT_ERROR, LOOP_FORM),
    ),
    strategy=networks(loops=("recurrent", "feedback"), widths=(1, 3), time_steps=(2, 4)),
    check=check,
    counterexamples=(Counterexample("μ < 1", self_excitation),),
    share=0.5,
)
