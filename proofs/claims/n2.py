"""N2: OTTT is BPTT in the last layer with a membrane, when each neuron has a decay and a threshold of its own.

Neuron i's membrane leaks with λ_i, so that what enters it has the trace â_i with λ_i: there is one trace for each
distinct decay. Inside the neuron E1's exchange of sums holds for ∂h[t]/∂θ in the place of s[t]:

Σ_t δ_i[t] ∂h_i[t]/∂θ = Σ_t' g_i[t'] ε_i[t'],   ε_i[t] = λ_i ε_i[t-1] + ∂h_i[t]/∂θ
"""

from fractions import Fraction

import numpy as np

import ottt_ref as ot

from ..claim import Claim, Counterexample, Refuted
from ..equality import OTTT, Side, bptt, bptt_without_delays
from ..equations import BPTT_ERROR, BPTT_GRADIENT, OTTT_ERROR, OTTT_GRADIENT, OWN_GRADIENT, OWN_TRACE, Sketch
from ..examples import exact
from .e1 import into_last_membrane, last_membrane
from .n1 import check_exactly, own_names, own_networks


def in_last_membrane(network):
    """The parameters of what enters the last membrane, and its own."""
    name = network.layer_names[last_membrane(network)]
    own = [each for each in own_names(network) if each.startswith(f"{name}.")]
    return [*into_last_membrane(network), *own]


def check(case):
    """Against BPTT, or, where the last membrane sends something back in time, without what comes back."""
    network = case.exact_network
    sends_back = any(connection.loop for connection in network.outgoing(last_membrane(network)))
    other = Side(bptt_without_delays) if sends_back else bptt()
    return check_exactly(case, (OTTT, other), in_last_membrane)


def two_neurons(decays, reset="soft", inputs=(1, 1, 0), weights=(Fraction(3, 4), Fraction(3, 4)), layers=1):
    """Neurons of these decays in the last layer, which hear the inputs, or a layer like it that does."""
    neuron = ot.LIF(
        exact(list(decays)),
        Fraction(1),
        reset,
        ot.surrogate.Triangle(Fraction(1), Fraction(1)),
        Fraction(0),
        ("decay", "threshold"),
    )
    rows = [ot.Layer(ot.Dense(exact([[weight] for weight in weights]), False), neuron)]
    for _ in range(layers - 1):
        rows.append(ot.Layer(ot.Dense(exact([[Fraction(3, 4), Fraction(1, 2)]] * 2), False), neuron.copy()))
    network = ot.Network(rows)
    activity = ot.simulate(network, exact(list(inputs)).reshape(len(inputs), 1, 1))
    return network, activity, activity.outputs - exact([[1, 1]])


def one_trace_for_all():
    """Traces by the mean of the decays: right for neither neuron."""
    network, activity, errors = two_neurons((Fraction(3, 4), Fraction(1, 4)))
    mean = network.mapped(
        neuron_of=lambda l, neuron: ot.LIF(Fraction(1, 2), Fraction(1), neuron.reset, neuron.surrogate)
    )
    sides = OTTT.algebra, bptt().algebra
    own, bptt_value = (side(network, activity, errors)["layer0.weight"][:, 0] for side in sides)
    wrong = OTTT.algebra(mean, activity, errors)["layer0.weight"][:, 0]
    if np.any(own != bptt_value) or np.any(wrong == bptt_value):
        raise Refuted(f"a trace for each decay alone should give {bptt_value}, got {own}, and {wrong} by the mean")
    return (
        f"two neurons, λ = 3/4 and 1/4, T = 3, x = (1, 1, 0), w = 3/4, y = 1: ∇w {_row(bptt_value)} by BPTT and by "
        f"a trace for each decay, {_row(wrong)} by one trace with λ = 1/2"
    )


def hard_reset():
    """Under a hard reset the membrane forgets at a spike, the eligibility of its decay does not."""
    found = two_neurons((Fraction(1, 2), Fraction(1, 2)), "hard", (1, 1, 1))
    ottt, bptt_value = (side(*found)["layer0.decay"] for side in (OTTT.algebra, bptt().algebra))
    if np.all(ottt == bptt_value):
        raise Refuted(f"OTTT's and BPTT's gradient should differ under a hard reset, both are {ottt}")
    return f"two neurons, λ = 1/2, T = 3, x = 1, w = 3/4, y = 1, hard reset: ∇λ {_row(ottt)}, BPTT {_row(bptt_value)}"


def hidden_layer():
    """In a hidden layer OTTT's gradient of a threshold lacks what waits in the membranes above."""
    found = two_neurons((Fraction(3, 4), Fraction(1, 4)), inputs=(1, 1, 0, 1), layers=2)
    ottt, bptt_value = (side(*found)["layer0.threshold"] for side in (OTTT.algebra, bptt().algebra))
    if np.all(ottt == bptt_value):
        raise Refuted(f"OTTT's and BPTT's gradient should differ in a hidden layer, both are {ottt}")
    return f"1-2-2, λ = 3/4 and 1/4 in both layers, T = 4: ∇V_th of the first {_row(ottt)}, BPTT {_row(bptt_value)}"


def _row(numbers):
    return "(" + ", ".join(map(str, numbers)) + ")"


CLAIM = Claim(
    name="N2",
    statement="OTTT = BPTT (reset detached) in the last layer with a membrane, with numbers of each neuron: for "
    "weights, biases, decays and thresholds",
    hypotheses="LIF or CubaLIF, soft or unleaked reset; a trace for each distinct decay; dialect 'derivation'; any "
    "surrogate, loss, depth and T; loops too, if the layer sends nothing back (else: BPTT without what comes back)",
    source="E1, neuron by neuron",
    checked="all entries: public functions and algebra over fractions",
    kind="exact",
    sketch=Sketch(
        formula=(
            r"\nabla^{\text{OTTT}} W_{ij} = \sum_t g_i[t]\, \hat a_j^{(\lambda_i)}[t] = \nabla^{\text{BPTT}} W_{ij}, "
            r"\qquad \nabla^{\text{OTTT}} \theta_i = \sum_t g_i[t]\, \epsilon_i[t] = \nabla^{\text{BPTT}} \theta_i"
        ),
        proof=(
            r"With the reset detached $\partial u_i[t'] / \partial u_i[t] = \lambda_i^{t'-t}$, so that E1's exchange "
            r"of sums holds for each neuron with its own $\lambda_i$. What is paired with $g_i$ is the trace of "
            r"decay $\lambda_i$. Errors are linear in the neurons, so that neurons of one decay share a trace. Each "
            r"trace is paired with the errors of its neurons. For a parameter of the neuron "
            r"$\partial h_i[t] / \partial \theta$ stands in the place of $s_j[t]$, and its trace is $\epsilon_i$; what "
            r"$\theta$ does to $z_i[t]$ at once, $-1$ of a threshold, is paired with $g_i[t]$ itself. A second leak "
            r"makes the state a vector and $\lambda_i$ a matrix; nothing else changes."
        ),
        equations=(BPTT_ERROR, BPTT_GRADIENT, OWN_GRADIENT, OWN_TRACE, OTTT_ERROR, OTTT_GRADIENT),
    ),
    strategy=own_networks(depths=(1, 2), resets=("soft", "unleaked"), time_steps=(2, 5)),
    check=check,
    counterexamples=(
        Counterexample("each decay has its trace", one_trace_for_all),
        Counterexample("the reset is soft or unleaked", hard_reset),
        Counterexample("it is the last layer", hidden_layer),
    ),
    share=0.5,
)
