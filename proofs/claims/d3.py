"""D3: in a chain, one neuron per layer, no two methods disagree in sign.

With a constant target of 0 or 1 the output errors s[t] - y and a - y have one sign, σ. Going down, every method
multiplies by factors >= 0 (ψ, D / V_th, and λ or λ (1 - s) on the way back in time) and by the weights above l, whose
product has one sign σ_l: so every error at layer l has the sign σ σ_l or is 0, and what it is paired with, spikes,
traces and rates of inputs >= 0, is never below 0. Two methods can point apart only where a layer has two neurons to
choose between.
"""

from fractions import Fraction
from itertools import combinations

import numpy as np
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref import losses

from ..cases import DECAYS, fires, networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equations import BPTT_ERROR, OTTT_ERROR, SLTT_GRADIENT, SR_ERROR, Sketch
from ..examples import chain
from .d0 import one_neuron

METHODS = {
    "OTTT": lambda *data: ot.ottt.gradients(*data),
    "SLTT": lambda *data: ot.sltt.gradients(*data),
    "BPTT": lambda *data: ot.bptt.gradients(*data),
    "SR": lambda *data: ot.spike_representation.gradients(*data),
}

chains = st.tuples(
    networks(
        depths=(1, 4),
        widths=(1, 1),
        outputs=(1, 1),
        time_steps=(2, 6),
        batch_sizes=(1, 1),
        decays=[decay for decay in DECAYS if decay],
        readouts=("spiking",),
        positive_inputs=True,
        loops=("none",),
    ),
    st.integers(0, 1),
)


def check(drawn):
    case, target = drawn
    network, inputs = case.exact_network, case.exact_inputs
    data = (network, inputs, ot.exact_array([[target]]), losses.MeanSquaredError())
    gradients = {name: method(*data) for name, method in METHODS.items()}
    for first, second in combinations(METHODS, 2):
        for name, values in gradients[first].items():
            if np.any(values * gradients[second][name] < 0):
                raise Refuted(
                    f"{name}: {first} {values.flat[0]}, {second} {gradients[second][name].flat[0]}, y = {target}"
                )
    moved = all(gradient["layer0.weight"].flat[0] != 0 for gradient in gradients.values())
    return Finding(None, moved and fires(ot.simulate(network, inputs)))


def two_outputs():
    """Theory's second counterexample: two output neurons pull apart, and BPTT weighs them otherwise."""
    case = chain(decay=Fraction(1), inputs=(1, 0), weights=([[1]], [[Fraction(1, 2)], [2]]), targets=[1, 0])
    online, through_time = (
        method(case.network, *case.data()).values["layer0.weight"][0, 0]
        for method in (ot.ottt.accumulate, ot.bptt.backward)
    )
    if not online * through_time < 0:
        raise Refuted(f"the two should point apart, got {online} and {through_time}")
    return f"1-1-2, λ = 1, T = 2, x = (1, 0), w¹ = 1, w² = (1/2, 2), y = (1, 0): OTTT {online}, BPTT {through_time}"


def target_between():
    """A spike is too much for y = 1/2 at its time step, and the rate too little."""
    rate, online = one_neuron([[1], [0]], [Fraction(1, 2)])
    return f"one neuron, λ = 1/2, T = 2, x = (1, 0), w = 1, y = 1/2: ∇w of SR {rate}, of OTTT {online}"


def reset_kept():
    """A surrogate above 1 / V_th: the way back through a kept reset, λ (1 - V_th ψ), turns the sign."""
    steep = ot.surrogate.Triangle(Fraction(1), Fraction(2))
    case = chain(decay=Fraction(1), inputs=(1, 0), weights=([[Fraction(5, 4)]],), targets=[1], surrogate=steep)
    data = (case.network, *case.data())
    online = ot.ottt.accumulate(*data).values["layer0.weight"][0, 0]
    kept = ot.bptt.backward(*data, reset_gradient="kept").values["layer0.weight"][0, 0]
    if not online * kept < 0:
        raise Refuted(f"the two should point apart, got {online} and {kept}")
    return f"one neuron, ψ up to 2, λ = 1, T = 2, x = (1, 0), w = 5/4, y = 1: OTTT {online}, BPTT (kept) {kept}"


CLAIM = Claim(
    name="D3",
    statement="in a chain of single neurons OTTT, SLTT, BPTT and SR never contradict each other in sign",
    hypotheses="one neuron per layer, no loops, reset detached, target 0 or 1, ψ >= 0, inputs >= 0, one sample",
    source="theory, after the smallest counterexamples",
    checked="the signs of every parameter's gradient, each pair of methods, fractions",
    kind="exact",
    sketch=Sketch(
        formula=(
            r"\text{one neuron per layer} \;\Rightarrow\; \nabla^m w \cdot \nabla^{m'} w \ge 0 \;\text{for } m, m' "
            r"\in \{\text{OTTT}, \text{SLTT}, \text{BPTT}, \text{SR}\}"
        ),
        proof=(
            r"With a constant target 0 or 1 all output errors, of spikes and of rates, have one sign. Going down a "
            r"chain, every method multiplies by factors that are not negative ($\psi$, $D / V_{th}$, and $\lambda$ "
            r"on the way back in time) and by the same weights, whose product has one sign. So all errors of a layer "
            r"have one sign, and what they are paired with is never negative. Two methods can point apart only where "
            r"there are two neurons to choose between."
        ),
        equations=(BPTT_ERROR, OTTT_ERROR, SLTT_GRADIENT, SR_ERROR),
    ),
    strategy=chains,
    check=check,
    counterexamples=(
        Counterexample("one neuron per layer", two_outputs),
        Counterexample("the target is 0 or 1", target_between),
        Counterexample("the reset is detached", reset_kept),
    ),
    share=0.5,
)
