"""D0: at the output layer SR and OTTT never disagree in sign.

For a target of zeros and ones, s_i - y_i and a_i - y_i never differ in sign, nor do softmax(s) - y and softmax(a) - y.
SR's gradient is p a^T and OTTT's Σ_t p_t â[t]^T, with a, â >= 0: every entry of one has the sign of the other's.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref import losses

from .. import enclosed
from ..cases import RATIONAL_SURROGATES, Case, fires, networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equations import OTTT_ERROR, OTTT_GRADIENT, SR_ERROR, SR_GRADIENT, Sketch
from ..examples import chain, exact

NONNEGATIVE = (ot.surrogate.Sigmoid(), ot.surrogate.Arctan(), *RATIONAL_SURROGATES)


@dataclass(frozen=True)
class OutputLayer:
    """A network of one spiking layer, and a target of zeros and ones beside the case's class."""

    case: Case
    target: tuple

    def __str__(self):
        return f"{self.case}\ntarget vector {list(self.target)}"


@st.composite
def output_layers(draw):
    """One spiking layer, nonnegative inputs, one sample."""
    case = draw(
        networks(
            depths=(1, 1),
            readouts=("spiking",),
            batch_sizes=(1, 1),
            time_steps=(1, 8),
            surrogates=NONNEGATIVE,
            positive_inputs=True,
            loops=("none",),
        )
    )
    size = case.sizes[-1]
    return OutputLayer(case, tuple(draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))))


def check(layer):
    case = layer.case
    row = ot.exact_array(np.array([layer.target]))
    exact = _agreement(case.exact_network, case.exact_inputs, row, losses.MeanSquaredError())
    slacks = [exact] + [_agreement(*data) for data in _float_data(layer)]
    live = exact is not None and fires(ot.simulate(case.exact_network, case.exact_inputs))
    certified = live and all(_certified(*data) for data in _float_data(layer))
    return Finding(min((slack for slack in slacks if slack is not None), default=None), certified, certified=certified)


def _float_data(layer):
    """What the methods take, of each loss."""
    case = layer.case
    network, inputs = case.float_network, case.float_inputs
    vector = np.array([layer.target], dtype=float)
    return [
        (network, inputs, vector, losses.MeanSquaredError()),
        (network, inputs, case.targets, losses.CrossEntropy()),
    ]


def _agreement(network, inputs, targets, loss):
    """The cosine of SR's and OTTT's gradient, after checking that no entry of one contradicts the other's."""
    return cosine(*_agreeing(network, inputs, targets, loss))


def _certified(network, inputs, targets, loss):
    """Whether intervals settle that no entry contradicts the other's."""
    if targets.ndim == 2:
        targets = enclosed.array(targets)
    data = (enclosed.network(network), enclosed.array(inputs), targets, enclosed.loss(loss))
    return enclosed.settled(lambda: _agreeing(*data))


def _agreeing(network, inputs, targets, loss):
    """SR's and OTTT's gradient; raises Refuted where an entry of one contradicts the other's."""
    rate = ot.spike_representation.gradients(network, inputs, targets, loss)
    online = ot.ottt.gradients(network, inputs, targets, loss)
    for name in rate:
        contradiction = rate[name] * online[name] < 0
        if np.any(contradiction):
            index = tuple(int(k) for k in np.argwhere(contradiction)[0])
            raise Refuted(f"{name}{list(index)}, {loss!r}: SR {rate[name][index]}, OTTT {online[name][index]}")
    return rate, online


def cosine(left, right):
    """The cosine between two gradients over all their parameters; None if one of them is 0."""
    flat = [np.concatenate([values.ravel().astype(float) for values in side.values()]) for side in (left, right)]
    norms = np.linalg.norm(flat[0]) * np.linalg.norm(flat[1])
    return float(flat[0] @ flat[1] / norms) if norms else None


def hidden_layer():
    """One layer below the output SR and OTTT point apart; no rate lies on an edge of the clamp."""
    half = Fraction(1, 2)
    case = chain(decay=half, inputs=(1, 1), weights=([[Fraction(3, 4)]], [[half], [Fraction(7, 4)]]), targets=[1, 0])
    activity, errors = case.data()
    online = ot.ottt.accumulate(case.network, activity, errors).values["layer0.weight"][0, 0]
    rates = ot.rates.measured_rates(case.network, case.inputs)
    rate = ot.spike_representation.backward(case.network, rates, rates[-1] - case.targets).values["layer0.weight"][0, 0]
    if not rate * online < 0:
        raise Refuted(f"SR and OTTT should point apart, got {rate} and {online}")
    return (
        f"1-1-2, λ = 1/2, T = 2, x = (1, 1), w¹ = 3/4, w² = (1/2, 7/4), y = (1, 0): ∇w¹ of OTTT {online}, of SR {rate}"
    )


def one_neuron(inputs, targets, *, weight=1, bias=0):
    """∇w of SR and of OTTT for one neuron with λ = 1/2, inputs [T][B] and targets [B]; they must point apart."""
    neuron = chain(decay=Fraction(1, 2), inputs=(0,), weights=([[1]],), targets=[0]).network.layers[0].neuron
    network = ot.Network([ot.Layer(ot.Dense(exact([[weight]]), exact([bias])), neuron)])
    data = (network, exact(inputs)[..., np.newaxis], exact(targets)[:, np.newaxis], losses.MeanSquaredError())
    return _apart(ot.spike_representation.gradients(*data), ot.ottt.gradients(*data))


def _apart(rate, online):
    product = sum((rate[name] * online[name]).sum() for name in rate)
    values = [gradient["layer0.weight"][0, 0] for gradient in (rate, online)]
    if not (product < 0 and values[0] * values[1] < 0):
        raise Refuted(f"SR and OTTT should point apart, got ∇w {values[0]} and {values[1]}, <SR, OTTT> = {product}")
    return values


def negative_surrogate():
    """A surrogate that is negative in its tails turns OTTT's sign, and not SR's."""
    neuron = ot.LIF(decay=0.5, surrogate=ot.surrogate.MultiGaussian())
    network = ot.Network([ot.Layer(ot.Dense(np.array([[1.0]])), neuron)])
    data = (network, np.array([[[2.5]], [[0.0]]]), np.array([[0.0]]), losses.MeanSquaredError())
    rate, online = _apart(ot.spike_representation.gradients(*data), ot.ottt.gradients(*data))
    return f"one neuron, multi-Gaussian ψ, λ = 1/2, x = (5/2, 0), y = 0: ∇w of SR {rate:.3g}, of OTTT {online:.3g}"


def negative_input():
    """The input's trace is positive where its rate is negative."""
    rate, online = one_neuron([[2], [-2]], [0], weight=Fraction(1, 2), bias=Fraction(1, 2))
    return f"one neuron, λ = 1/2, T = 2, x = (2, -2), w = b = 1/2, y = 0: ∇w of SR {rate}, of OTTT {online}"


def target_between():
    """A spike is too much for y = 1/2 at its time step, and the rate too little."""
    rate, online = one_neuron([[1], [0]], [Fraction(1, 2)])
    return f"one neuron, λ = 1/2, T = 2, x = (1, 0), w = 1, y = 1/2: ∇w of SR {rate}, of OTTT {online}"


def two_samples():
    """Two samples that pull apart weigh differently: ψ is not the mapping's slope."""
    rate, online = one_neuron([[1, Fraction(1, 2)]], [0, 1])
    return f"one neuron, T = 1, w = 1, x = 1 with y = 0 and x = 1/2 with y = 1: ∇w of SR {rate}, of OTTT {online}"


CLAIM = Claim(
    name="D0",
    statement="<SR, OTTT> >= 0 at the output layer, and no entry of one contradicts the other's",
    hypotheses="one spiking layer, target 0/1 or a class, MSE or cross-entropy, ψ >= 0, inputs >= 0, one sample",
    source="theory D0",
    checked="signs of all entries: MSE over fractions; MSE and cross-entropy in float64, each certified by intervals",
    kind="exact",
    slack_means="least cosine {:.2g}",
    worst=min,
    sketch=Sketch(
        formula=r"\langle \nabla^{\text{SR}}, \nabla^{\text{OTTT}} \rangle \ge 0 \;\text{at the output layer}",
        proof=(
            r"Spikes, rates and softmax lie in $[0, 1]$. So for a target $y_i \in \{0, 1\}$ the errors $s_i[t] - y_i$ "
            r"and $a_i - y_i$ never differ in sign: neither is negative for $y_i = 0$, neither positive for $y_i = 1$. "
            r"The same holds for $\text{softmax}(s)_i - y_i$ and $\text{softmax}(a)_i - y_i$. Both gradients multiply "
            r"the errors by numbers that are not negative: $\psi$ and the traces, $D / V_{th}$ and the rates. So every "
            r"entry of one has the sign of the other's, or one of them is 0. The product is positive as soon as one "
            r"entry is not 0 in both."
        ),
        equations=(OTTT_ERROR, OTTT_GRADIENT, SR_ERROR, SR_GRADIENT),
    ),
    strategy=output_layers(),
    check=check,
    counterexamples=(
        Counterexample("it is the output layer", hidden_layer),
        Counterexample("ψ >= 0", negative_surrogate),
        Counterexample("inputs >= 0", negative_input),
        Counterexample("the target is 0/1", target_between),
        Counterexample("one sample", two_samples),
    ),
)
