"""C1: when recurrent and feedback rates have one equilibrium, and sweeps find it.

f, a sweep through the layers, is continuous from [0, 1]^n to itself: an equilibrium a = f(a) exists always (Brouwer).
With N[l, k] the norm of what leads from layer k to layer l over V_th, and ρ(N) < r < 1, the weights
v = (I - N / r)^{-1} 1 are positive and N v <= r v: a sweep shrinks max_l |a_l - b_l|_2 / v_l by r, so that there is one
equilibrium, and sweeps converge to it from anywhere (Banach). `closed_form` rates are refused elsewhere.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref import spike_representation
from ottt_ref.simulation.equilibrium import contraction_factor, layer_norms, limit_contraction

from ..cases import Case, networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equations import CONTRACTION, EQUILIBRIUM, MAPPING, Sketch
from ..examples import exact
from .r2 import soft_neuron

# Below this distance the rounding of a sweep, some 1e-15, shows in the quotient by more than 1e-6.
LEAST_DISTANCE = 1e-6
SWEEPS = 30


@dataclass(frozen=True)
class Contracting:
    """A case with loops, scaled to a contraction factor, and a seed for the rates to start from."""

    case: Case
    factor: float
    seed: int

    def network(self):
        """The network in float64, with loops scaled down until the contraction factor is at most `factor`."""
        network = self.case.float_network
        limit_contraction(network, self.factor)
        return network

    def __str__(self):
        return (
            f"{self.case}\nloops scaled to a contraction factor of at most {self.factor}, starts from seed {self.seed}"
        )


contracting = st.builds(
    Contracting,
    networks(loops=("recurrent", "feedback"), depths=(1, 3), time_steps=(2, 5)),
    st.sampled_from([0.9, 0.5, 0.7, 0.99]),
    st.integers(0, 1000),
)


def weights_of_norms(network, factor):
    """v > 0 with N v <= factor v, by layer."""
    norms = sum(layer_norms(network))
    return np.linalg.solve(np.eye(len(norms)) - norms / factor, np.ones(len(norms)))


def check(case):
    network = case.network()
    factor = 0.5 + 0.5 * max(contraction_factor(network), 0.9)
    weights = weights_of_norms(network, factor)
    if not np.all(weights > 0):
        raise Refuted(f"the weights of the norm should be positive, got {weights}")
    input_rate = ot.weighted_rate(case.case.float_inputs, network.layers[0].neuron.decay)
    rng = np.random.default_rng(case.seed)
    shapes = {l: (len(input_rate), *network.shapes[l]) for l in network.loop_sources}
    starts = [{l: pick(shape) for l, shape in shapes.items()} for pick in (np.zeros, np.ones, rng.random)]
    worst, moved = 0.0, False
    for _ in range(SWEEPS):
        swept = [spike_representation.sweep(network, input_rate, start) for start in starts]
        for first, second in ((0, 1), (1, 2), (0, 2)):
            before = _distance(starts[first], starts[second], weights)
            after = _distance(*({l: swept[k][l] for l in shapes} for k in (first, second)), weights)
            if before > LEAST_DISTANCE:
                worst = max(worst, after / (factor * before))
            moved = moved or after > LEAST_DISTANCE
        starts = [{l: values[l] for l in shapes} for values in swept]
    if not worst <= 1 + 1e-6:
        raise Refuted(f"a sweep should shrink distances by {factor:.4g}, it did so by {worst * factor:.4g}")
    return Finding(worst, moved)


def _distance(first, second, weights):
    """max_l |a_l - b_l|_2 / v_l, over the samples."""
    return max(float(np.linalg.norm(first[l] - second[l], axis=1).max()) / weights[l] for l in first)


def two_equilibria():
    """One neuron that excites itself twice over, without input."""
    network = ot.Network([ot.Layer(ot.Dense(exact([[1]])), soft_neuron(Fraction(1, 2)), ot.Dense(exact([[2]]), False))])
    for rate in (0, 1):
        swept = spike_representation.sweep(network, exact([[0]]), {0: exact([[rate]])})[0][0, 0]
        if swept != rate:
            raise Refuted(f"{rate} should be an equilibrium, f gives {swept}")
    return "one neuron, w_rec = 2, no input: both a = 0 and a = 1 are equilibria"


CLAIM = Claim(
    name="C1",
    statement="ρ(N) < 1: one equilibrium of the rates, and every sweep shrinks the distance to it",
    hypotheses="recurrent and feedback networks with contraction factor ρ(N) < 1 (existence alone: none)",
    source="theory D2; Xiao et al. 2022, section 4.3",
    checked="three starts, 30 sweeps each: distances in the weighted norm, float64",
    kind="bound",
    slack_means="at most {:.2g} of the bound",
    sketch=Sketch(
        formula=(
            r"\rho(N) < 1 \;\Rightarrow\; \text{one } a = f(a), \quad \lVert f(a) - f(b) \rVert_v \le r\, \lVert a - "
            r"b \rVert_v"
        ),
        proof=(
            r"A sweep $f$ is continuous from $[0, 1]^n$ to itself, so there is an equilibrium (Brouwer). Let "
            r"$N_{lk}$ be the spectral norm of what leads from layer $k$ to layer $l$, over $V_{th}$. For "
            r"$\rho(N) < r < 1$ the weights $v = (I - N / r)^{-1} 1$ are positive and $N v \le r v$, so a sweep "
            r"shrinks $\max_l \lVert a_l - b_l \rVert / v_l$ by $r$: there is one equilibrium, and sweeps find it "
            r"(Banach)."
        ),
        equations=(MAPPING, EQUILIBRIUM, CONTRACTION),
    ),
    strategy=contracting,
    check=check,
    counterexamples=(Counterexample("ρ(N) < 1", two_equilibria),),
    share=0.5,
)
