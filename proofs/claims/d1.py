"""D1: in feedforward networks SR and OTTT descend together where the instantaneous errors resemble the rates' error.

If p_t = c_t p + r_t with c_t >= 0 and |r_t| <= ρ c_t |p|, ρ < 1, then
<SR, OTTT> = Σ_t (p · p_t)(q · q_t) >= (1 - ρ) |p|² Σ_t c_t (q · q_t), since q, q_t >= 0. The paper assumes as much; how
often it is so is a matter of fact, which `surveys` counts.
"""

from fractions import Fraction

import numpy as np

import ottt_ref as ot
from ottt_ref import losses

from .. import enclosed
from ..cases import RATIONAL_SURROGATES, networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..directions import angles, certified_ratio, layer_errors
from ..equations import ANGLE, OTTT_ERROR, OTTT_GRADIENT, SLOPE, SR_ERROR, SR_GRADIENT, Sketch
from .d0 import hidden_layer

NONNEGATIVE = (ot.surrogate.Sigmoid(), ot.surrogate.Arctan(), *RATIONAL_SURROGATES)
ROUNDING = 1e-7  # ρ² is 1 less a squared cosine, rounded to some 1e-15: ρ to some 1e-8


def check(case):
    network, inputs = case.exact_network, case.exact_inputs
    data = (network, inputs, case.targets, losses.MeanSquaredError())
    rate, online = ot.spike_representation.gradients(*data), ot.ottt.gradients(*data)
    slacks, live = [], False
    for l, errors in enumerate(layer_errors(*data)):
        ratios, sums = angles(errors)
        products = errors.products()
        whole = (rate[f"layer{l}.weight"] * online[f"layer{l}.weight"]).sum()
        if whole != products.sum():
            raise Refuted(f"layer {l}: <SR, OTTT> is {whole}, Σ_t (p · p_t)(q · q_t) is {products.sum()}")
        for b, (ratio, total) in enumerate(zip(ratios, sums)):
            square = (errors.rate_error[b] * errors.rate_error[b]).sum()
            if ratio is not None and square and total:
                slacks.append(_require_bound(l, b, products[b], square * total, ratio))
                live = live or l < len(network.layers) - 1
    _require_certificates(case)
    certified = live and _certain_signs(case)
    return Finding(min(slacks, default=None), live, certified=certified)


def _require_bound(l, b, product, size, ratio):
    """product >= (1 - ρ) size with ρ = sqrt(ratio), exactly: (size - product)² <= ratio size² where product < size."""
    if not product > 0 or (product < size and (size - product) ** 2 > ratio * size**2):
        raise Refuted(f"layer {l}, sample {b}: <SR, OTTT> = {product}, |p|² Σ c_t q·q_t = {size}, ρ² = {ratio}")
    bound = (1 - float(ratio) ** 0.5) * float(size)
    return float(product) / bound if bound else float("inf")


def _require_certificates(case):
    """The certificate is never below the ratio that it bounds."""
    network, inputs, loss = case.float_network, case.float_inputs, losses.MeanSquaredError()
    for l, errors in enumerate(layer_errors(network, inputs, case.targets, loss)):
        bounds = certified_ratio(network, inputs, case.targets, loss, l)
        for b, (ratio, total) in enumerate(zip(*angles(errors))):
            if bounds[b] < 1 and np.any(errors.rate_error[b] != 0):
                if ratio is None or not ratio**0.5 <= bounds[b] + ROUNDING:
                    raise Refuted(f"layer {l}, sample {b}: certified ρ <= {bounds[b]:.6g}, but ρ² is {ratio}")
                if total > 0 and not errors.products()[b] > 0:
                    raise Refuted(f"layer {l}, sample {b}: certified, but <SR, OTTT> = {errors.products()[b]:.3g}")


def _certain_signs(case):
    """Over intervals, with the case's own surrogate: p · p_t > 0 wherever p_t is not 0 makes <SR, OTTT> positive.

    Whether intervals settle it; raises Refuted where it is not so.
    """
    network, inputs = enclosed.network(case.float_network), enclosed.array(case.float_inputs)

    def check():
        for l, errors in enumerate(layer_errors(network, inputs, case.targets, losses.MeanSquaredError())):
            ratios, sums = angles(errors)
            for b, (ratio, total) in enumerate(zip(ratios, sums)):
                if ratio is not None and total > 0 and not errors.products()[b] > 0:
                    raise Refuted(f"layer {l}, sample {b}, over intervals: <SR, OTTT> lies in {errors.products()[b]}")

    return enclosed.settled(check)


CLAIM = Claim(
    name="D1",
    statement="<SR, OTTT> >= (1 - ρ) |p|² Σ_t c_t (q · q_t) for every layer's weight",
    hypotheses="feedforward; p_t = c_t p + r_t, c_t >= 0, |r_t| <= ρ c_t |p|, ρ < 1; inputs >= 0, one sample",
    source="theory D1; Xiao et al. 2022, theorem 1",
    checked="every layer and sample to which it applies, fractions; certificates against the ratio, float64",
    kind="exact",
    slack_means="the product is at least {:.3g} of the bound",
    worst=min,
    sketch=Sketch(
        formula=(
            r"\langle \nabla^{\text{SR}}, \nabla^{\text{OTTT}} \rangle \ge (1 - \rho)\, \lVert p \rVert^2 \sum_t "
            r"c_t\, (q \cdot q_t)"
        ),
        proof=(
            r"SR's gradient is $p\, q^\top$, OTTT's $\sum_t p_t\, q_t^\top$, so their product is "
            r"$\sum_t (p \cdot p_t)(q \cdot q_t)$. From $p_t = c_t p + r_t$ and "
            r"$\lVert r_t \rVert \le \rho\, c_t \lVert p \rVert$ follows "
            r"$p \cdot p_t \ge (1 - \rho)\, c_t \lVert p \rVert^2$, and $q \cdot q_t \ge 0$, since spikes, rates and "
            r"inputs are not negative. The assumption itself, that instantaneous errors resemble the rates' error, "
            r"is a matter of fact: the surveys count how often it holds."
            "\n\n"
            r"The best $c_t$ for given errors is $\lVert p_t \rVert^2 / (p \cdot p_t)$. It makes the ratio "
            r"$\lVert r_t \rVert / (c_t \lVert p \rVert)$ the sine of the angle between $p_t$ and $p$: let "
            r"$p \cdot p_t = \lVert p \rVert \lVert p_t \rVert \cos\alpha$, expand "
            r"$\lVert p_t - c\, p \rVert^2 / (c^2 \lVert p \rVert^2)$ as a quadratic in $1/c$, and take its minimum, "
            r"$1 - \cos^2\alpha$."
            "\n\n"
            r"A certificate bounds $\rho$ without OTTT's errors in the hidden layers. At the last layer measure how "
            r"far the instantaneous error is from a multiple of the rates' error: $p_t = C p + r$, $\lVert r \rVert "
            r"\le R$. Go down through a weight $W$ and $\psi[t] = c\, D / V_{th} + \Delta$. The error becomes $\psi "
            r"\circ W^\top (C p + r) = C c\, p' + r'$ with $p' = D W^\top p / V_{th}$ and $r' = C \Delta \circ W^\top "
            r"p + \psi \circ W^\top r$. So $\lVert r' \rVert \le C \max|\Delta|\, \lVert W \rVert_2 \lVert p \rVert + "
            r"\max|\psi|\, \lVert W \rVert_2 R$. In the layer that is asked for, $\rho \le R / (C \lVert p \rVert)$."
        ),
        equations=(OTTT_ERROR, OTTT_GRADIENT, SR_ERROR, SR_GRADIENT, ANGLE, SLOPE),
    ),
    strategy=networks(
        loops=("none",),
        depths=(2, 3),
        widths=(1, 3),
        time_steps=(2, 5),
        batch_sizes=(1, 1),
        readouts=("linear", "spiking"),
        surrogates=NONNEGATIVE,
        decays=[Fraction(1, 2), Fraction(1), Fraction(9, 10)],
        positive_inputs=True,
    ),
    check=check,
    counterexamples=(Counterexample("p_t = c_t p + r_t with ρ < 1", hidden_layer),),
    share=0.5,
)
