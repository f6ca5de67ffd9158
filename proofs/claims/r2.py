"""R2: how far the rate mapping is off.

If 0 <= I[t] <= V_th for all t, then 0 <= v[t] < V_th and 0 <= x̄[T]/V_th - a[T] < 1/Λ_T: the gap tends to 1 - λ at most,
and to 0 only for λ = 1. Without that, R1 gives v_min / (V_th Λ_T) <= x̄[T]/V_th - a[T] <= v_max / (V_th Λ_T) with the
extreme values of v over the sequence, and nothing better.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

import ottt_ref as ot

from ..cases import DECAYS, THRESHOLDS, alike, eighths, matrix
from ..claim import Claim, Counterexample, Finding, Refuted
from ..corners import here
from ..equations import CURRENT, MAPPING, MEMBRANE, RATE, SPIKE, Sketch


@dataclass(frozen=True)
class Currents:
    """Currents [T][n] into neurons with a soft reset: `inside` within [0, V_th], `outside` anywhere."""

    neuron: ot.LIF
    inside: tuple
    outside: tuple

    def __str__(self):
        rows = "; ".join(" ".join(str(number) for number in row) for row in self.inside)
        wild = "; ".join(" ".join(str(number) for number in row) for row in self.outside)
        return (
            f"decay {self.neuron.decay}, threshold {self.neuron.threshold}, currents by time step: {rows}\n"
            f"unbounded currents: {wild}"
        )


@st.composite
def currents(draw):
    """Up to three neurons, up to twelve time steps; in a corner (`corners`) neurons are given the same."""
    decays, time_steps, sizes, corner = DECAYS, (1, 12), (1, 3), here()
    if corner is not None:
        decays, time_steps, sizes = corner.decays(decays), corner.steps(*time_steps), corner.neurons(*sizes)
    threshold = draw(st.sampled_from(THRESHOLDS))
    steps, neurons = draw(st.integers(*time_steps)), draw(st.integers(*sizes))

    def rows(elements):
        """[T][n] numbers: `alike` has the same in each row, and here it is each column that is the same."""
        return tuple(zip(*alike(draw, neurons, steps, elements))) if corner else matrix(draw, steps, neurons, elements)

    return Currents(
        soft_neuron(draw(st.sampled_from(decays)), threshold),
        tuple(tuple(share * threshold for share in row) for row in rows(eighths(0, 1, simplest=1))),
        rows(eighths(-3, 3)),
    )


def soft_neuron(decay, threshold=Fraction(1)):
    """LIF neurons of exact numbers with a soft reset."""
    one = Fraction(1)
    return ot.LIF(decay=decay, threshold=threshold, reset_potential=one * 0, surrogate=ot.surrogate.Triangle(one, one))


def gap_and_potentials(neuron, rows):
    """x̄[T]/V_th - a[T], [n], and the post-reset potentials v[t], [T, n], of neurons driven by currents [T][n]."""
    size = len(rows[0])
    network = ot.Network([ot.Layer(ot.Dense(ot.exact_array(np.eye(size))), neuron)])
    inputs = ot.exact_array(np.array(rows, dtype=object)).reshape(len(rows), 1, size)
    activity = ot.simulate(network, inputs)
    gap = ot.weighted_rate(inputs, neuron.decay) / neuron.threshold - ot.weighted_rate(activity.spikes[0], neuron.decay)
    return gap[0], neuron.post_reset_potential(activity.potentials[0], activity.spikes[0])[:, 0]


def check(case):
    neuron = case.neuron
    normaliser = ot.rate_normaliser(neuron.decay, len(case.inside))
    gap, left = gap_and_potentials(neuron, case.inside)
    if not (np.all(left >= 0) and np.all(left < neuron.threshold)):
        raise Refuted(f"v should lie in [0, {neuron.threshold}), got {[str(v) for v in left.flat]}")
    if not (np.all(gap >= 0) and np.all(gap * normaliser < 1)):
        raise Refuted(f"the gap should lie in [0, {1 / normaliser}), got {[str(number) for number in gap]}")
    _check_extremes(neuron, case.outside, normaliser)
    return Finding(float(min(1 - gap * normaliser)), bool(np.any(gap > 0)))


def _check_extremes(neuron, rows, normaliser):
    gap, left = gap_and_potentials(neuron, rows)
    scale = neuron.threshold * normaliser
    if not (np.all(left.min(axis=0) / scale <= gap) and np.all(gap <= left.max(axis=0) / scale)):
        raise Refuted(f"the gap should lie between the extremes of v / (V_th Λ), got {[str(number) for number in gap]}")


def varying_currents():
    """Currents that change sign: the rate is near 1 though their mean is 0, and the mapping says 0."""
    gaps = []
    for steps in (4, 16):
        rows = [(Fraction(1),)] * (steps - 1) + [(Fraction(1 - steps),)]
        gap, _ = gap_and_potentials(soft_neuron(Fraction(1)), rows)
        gaps.append(-gap[0])
    if gaps != [Fraction(3, 4), Fraction(15, 16)]:
        raise Refuted(f"the rate should exceed the mapping by 1 - 1/T, got {gaps}")
    return f"λ = 1, I = 1 but for the last step, 1 - T: x̄ = 0, a = {gaps[0]} at T = 4 and {gaps[1]} at T = 16"


def small_constant_current():
    """Within the hypothesis the gap need not vanish: at λ = 1/2 a constant current of 0.3 never fires."""
    gap, _ = gap_and_potentials(soft_neuron(Fraction(1, 2)), [(Fraction(3, 10),)] * 50)
    if gap[0] != Fraction(3, 10):
        raise Refuted(f"the neuron should never fire, got a gap of {gap[0]}")
    return f"λ = 1/2, constant I = 3/10, T = 50: a = 0, the mapping says {gap[0]}"


def nothing_smaller():
    """The bound is attained in the limit, at every λ and T: all of the current at the last step, just below V_th."""
    shown = []
    for decay, steps in ((Fraction(1, 2), 1), (Fraction(1, 2), 4), (Fraction(1), 4)):
        normaliser = ot.rate_normaliser(decay, steps)
        for k in (1, 10, 50):
            rows = [(Fraction(0),)] * (steps - 1) + [(1 - Fraction(1, 2**k),)]
            gap, _ = gap_and_potentials(soft_neuron(decay), rows)
            if gap[0] != (1 - Fraction(1, 2**k)) / normaliser:
                raise Refuted(f"the gap should be (1 - 2^-{k}) / Λ_T, got {gap[0]}")
        shown.append(f"1/Λ_T = {1 / normaliser} at λ = {decay}, T = {steps}")
    return f"I = (0, .., 0, 1 - ε): the gap is (1 - ε) / Λ_T, as near as one likes to {'; '.join(shown)}"


CLAIM = Claim(
    name="R2",
    statement="0 <= v[t] < V_th and 0 <= x̄[T]/V_th - a[T] < 1/Λ_T",
    hypotheses="soft reset, 0 <= I[t] <= V_th for all t (else: between the extremes of v / (V_th Λ_T), checked too)",
    source="theory R2",
    checked="every neuron and time step, fractions",
    kind="bound",
    slack_means="the gap comes within {:.2g} of its bound",
    worst=min,
    sketch=Sketch(
        formula=(
            r"0 \le I[t] \le V_{th} \;\Rightarrow\; 0 \le v[t] < V_{th}, \quad 0 \le \bar x[T] / V_{th} - a[T] < 1 / "
            r"\Lambda_T"
        ),
        proof=(
            r"Induction: from $0 \le v[t-1] < V_{th}$ follows $0 \le u[t] < 2 V_{th}$. Below the threshold nothing "
            r"fires and $v = u < V_{th}$; at or above it one spike takes $V_{th}$ away and leaves "
            r"$0 \le v < V_{th}$. Then R1 gives the gap as $v[T] / (V_{th} \Lambda_T)$. As $T$ grows it is allowed "
            r"to reach $1 - \lambda$: it vanishes for $\lambda = 1$ alone."
            "\n\n"
            r"Without the hypothesis R1 still gives the gap as $v[T] / (V_{th} \Lambda_T)$. So it lies between the "
            r"extreme values of $v$ over the sequence, divided by $V_{th} \Lambda_T$."
            "\n\n"
            r"A constant current outside of $[0, V_{th}]$ gives the clamp's value at once. For $I \ge V_{th}$ and "
            r"$v[t-1] \ge 0$ the potential is at least $V_{th}$, the neuron fires, and "
            r"$v[t] = \lambda v[t-1] + I - V_{th} \ge 0$ again: it fires at every step, and $a = 1$. For $I \le 0$ no "
            r"potential is ever positive, and $a = 0$."
        ),
        equations=(MEMBRANE, SPIKE, RATE, MAPPING, CURRENT),
    ),
    strategy=currents(),
    check=check,
    counterexamples=(
        Counterexample("0 <= I[t] <= V_th", varying_currents),
        Counterexample("λ = 1 (for a gap that vanishes with T)", small_constant_current),
        Counterexample("the bound is 1/Λ_T, and not smaller (tightness)", nothing_smaller),
    ),
)
