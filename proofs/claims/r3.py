"""R3: errors of the rate mapping add up from layer to layer.

If layer l's rates are off from the composed mapping by at most η in the max norm, and the next layer's currents satisfy
R2's hypothesis, its rates are off by at most |W|_∞ η / V_th + 1/Λ_T: R2 bounds its own gap, and the clamp passes on no
more than |W|_∞ / V_th times what came in.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref import spike_representation

from ..cases import DECAYS, THRESHOLDS, alike, eighths, matrix
from ..claim import Claim, Counterexample, Finding, Refuted
from ..corners import here
from ..equations import MAPPING, NORMALISER, RATE, Sketch
from .r2 import soft_neuron


@dataclass(frozen=True)
class Stack:
    """Layers whose currents stay in [0, V_th] for inputs in [0, 1]: weights and biases by layer, and the inputs."""

    neuron: ot.LIF
    weights: tuple
    biases: tuple
    inputs: tuple

    def network(self):
        """The spiking layers over fractions."""
        return ot.Network(
            [
                ot.Layer(ot.Dense(_array(weight), _array(bias)), self.neuron)
                for weight, bias in zip(self.weights, self.biases)
            ]
        )

    def __str__(self):
        layers = "; ".join(
            f"W = {[[str(w) for w in row] for row in weight]}, b = {[str(b) for b in bias]}"
            for weight, bias in zip(self.weights, self.biases)
        )
        inputs = [[str(x) for x in row] for row in self.inputs]
        return f"decay {self.neuron.decay}, threshold {self.neuron.threshold}, {layers}, inputs by time step {inputs}"


def _array(rows):
    return ot.exact_array(np.array(rows, dtype=object))


@st.composite
def stacks(draw):
    """Two or three layers of up to three neurons; nonnegative weights and bias sum to at most V_th."""
    decays, time_steps, widths, corner = DECAYS, (1, 10), (1, 3), here()
    if corner is not None:
        decays, time_steps, widths = corner.decays(decays), corner.steps(*time_steps), corner.neurons(*widths)
    threshold = draw(st.sampled_from(THRESHOLDS))
    sizes = draw(st.lists(st.integers(*widths), min_size=3, max_size=4))
    weights, biases = [], []
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        rows = alike(draw, fan_out, fan_in + 1, eighths(0, 1, simplest=1))
        total = [max(sum(row), Fraction(1, 8)) / threshold for row in rows]
        weights.append(tuple(tuple(w / size for w in row[:-1]) for row, size in zip(rows, total)))
        biases.append(tuple(row[-1] / size for row, size in zip(rows, total)))
    steps = draw(st.integers(*time_steps))
    inputs = matrix(draw, steps, sizes[0], eighths(0, 1, simplest=1))
    return Stack(soft_neuron(draw(st.sampled_from(decays)), threshold), tuple(weights), tuple(biases), inputs)


def check(case):
    network = case.network()
    inputs = _array(case.inputs)[:, np.newaxis]
    activity = ot.simulate(network, inputs)
    measured, mapped = (
        spike_representation.rates_of(network, inputs, rates)[0] for rates in ("measured", "closed_form")
    )
    own_gap = 1 / ot.rate_normaliser(case.neuron.decay, len(inputs))
    bound, worst = Fraction(0), Fraction(0)
    for l, layer in enumerate(network.layers):
        norm = max(sum(abs(w) for w in row) for row in layer.synapses.weight)
        bound = norm * bound / case.neuron.threshold + own_gap
        off = np.abs(measured[l + 1] - mapped[l + 1]).max()
        if not off <= bound:
            raise Refuted(f"layer {l}: the rates are off by {off}, more than {bound}")
        worst = max(worst, off / bound)
    live = worst > 0 and any(np.any(spikes == 1) for spikes in activity.spikes)
    return Finding(float(worst), live)


def cancelling_currents():
    """Two exact rates whose currents cancel in the mean, but not in time."""
    steps = 8
    neuron = soft_neuron(Fraction(1))
    layers = [ot.Layer(ot.Dense(_array(np.eye(2))), neuron), ot.Layer(ot.Dense(_array([[1, 1 - steps]])), neuron)]
    inputs = _array([(1, 0)] * (steps - 1) + [(0, 1)])[:, np.newaxis]
    network = ot.Network(layers)
    measured, mapped = (
        spike_representation.rates_of(network, inputs, rates)[0] for rates in ("measured", "closed_form")
    )
    if np.any(measured[1] != mapped[1]) or not abs(measured[2] - mapped[2])[0, 0] > Fraction(1, steps):
        raise Refuted(f"the second layer alone should be off, got {measured} and {mapped}")
    rates = f"a = {measured[2][0, 0]}, the mapping says {mapped[2][0, 0]}"
    return f"λ = 1, T = {steps}, exact rates below, currents 1 and at last -7: {rates}"


CLAIM = Claim(
    name="R3",
    statement="layer by layer the rates are off from the composed mapping by at most η' = |W|_∞ η / V_th + 1/Λ_T",
    hypotheses="soft reset, currents of every layer within [0, V_th], one λ",
    source="theory R3",
    checked="every neuron of every layer, fractions",
    kind="bound",
    slack_means="at most {:.2g} of the bound",
    sketch=Sketch(
        formula=(
            r"|a^l - \tilde a^l|_\infty \le \eta_l, \qquad \eta_l = \lVert W^l \rVert_\infty\, \eta_{l-1} / V_{th} + "
            r"1 / \Lambda_T"
        ),
        proof=(
            r"R2 bounds how far a layer's rate is from the mapping of what it is given, by $1 / \Lambda_T$; the "
            r"mapping is a clamp, which never widens a difference, of $W^l a^{l-1} / V_{th}$, which widens that of "
            r"its input by at most $\lVert W^l \rVert_\infty / V_{th}$. Add the two, layer by layer."
        ),
        equations=(RATE, MAPPING, NORMALISER),
    ),
    strategy=stacks(),
    check=check,
    counterexamples=(Counterexample("0 <= I[t] <= V_th", cancelling_currents),),
)
