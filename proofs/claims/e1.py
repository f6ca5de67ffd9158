"""E1: in the last layer with a membrane OTTT is BPTT.

Σ_t δ[t] s[t]^T = Σ_t Σ_{t' >= t} λ^(t'-t) g[t'] s[t]^T = Σ_t' g[t'] â[t']^T      (exchange the sums)
"""

from fractions import Fraction
from functools import partial

import ottt_ref as ot

from ..cases import networks
from ..claim import Claim, Counterexample, Refuted
from ..equality import OTTT, Side, bptt, bptt_without_delays, check_equality
from ..equations import (
    BPTT_BIAS_GRADIENT,
    BPTT_ERROR,
    BPTT_GRADIENT,
    OTTT_BIAS_GRADIENT,
    OTTT_ERROR,
    OTTT_GRADIENT,
    TRACE,
    Sketch,
)
from ..examples import chain, exact
from ..identity import Identity, architectures
from ..images import with_images


def last_membrane(network):
    """The last layer that has a membrane: the last spiking one, or a leaky readout."""
    return len(network.layers) - 1 - (network.readout == "linear")


def into_last_membrane(network):
    """The parameters of what enters the last membrane."""
    return [name for connection in network.incoming(last_membrane(network)) for name in connection.parameters]


def check(case):
    """Against BPTT if the last membrane sends nothing back in time, and in any case without what comes back in time."""
    network = case.exact_network
    sends_back = any(connection.loop for connection in network.outgoing(last_membrane(network)))
    other = Side(bptt_without_delays) if sends_back else bptt()
    return check_equality(case, OTTT, other, into_last_membrane)


def recurrent_layer():
    """A last layer that hears itself: the error of its next step comes back, which OTTT does not wait for."""
    case = chain(decay=Fraction(1, 2), inputs=(1, 0), weights=([[1]],), targets=[1])
    (layer,) = case.network.layers
    network = ot.Network([ot.Layer(layer.synapses, layer.neuron, ot.Dense(exact([[Fraction(1, 2)]]), False))])
    activity = ot.simulate(network, case.inputs)
    errors = activity.outputs - case.targets
    ottt = ot.ottt.accumulate(network, activity, errors).values["layer0.weight"][0, 0]
    bptt_value = ot.bptt.backward(network, activity, errors).values["layer0.weight"][0, 0]
    if ottt == bptt_value:
        raise Refuted(f"OTTT's and BPTT's gradient should differ in a recurrent layer, both are {ottt}")
    return f"one neuron, λ = 1/2, T = 2, x = (1, 0), w = 1, w_rec = 1/2, y = 1: OTTT {ottt}, BPTT {bptt_value}"


def hidden_layer():
    """Theory's first counterexample: OTTT's gradient of the first layer vanishes, BPTT's does not."""
    case = chain(decay=Fraction(1, 2), inputs=(1, 0), weights=([[1]], [[Fraction(3, 2)]]), targets=[1])
    activity, errors = case.data()
    ottt = ot.ottt.accumulate(case.network, activity, errors).values["layer0.weight"][0, 0]
    bptt_value = ot.bptt.backward(case.network, activity, errors).values["layer0.weight"][0, 0]
    if ottt != 0 or bptt_value == 0:
        raise Refuted(f"OTTT's gradient should vanish and BPTT's not, got {ottt} and {bptt_value}")
    return f"1-1-1, λ = 1/2, T = 2, x = (1, 0), w = 1 and 3/2, y = 1: OTTT ∇w¹ = {ottt}, BPTT ∇w¹ = {bptt_value}"


def hard_reset():
    """Under a hard reset the membrane forgets at a spike, the trace does not."""
    case = chain(decay=Fraction(1, 2), inputs=(1, 1), weights=([[1]],), targets=[0], reset="hard")
    activity, errors = case.data()
    ottt = ot.ottt.accumulate(case.network, activity, errors).values["layer0.weight"][0, 0]
    bptt_value = ot.bptt.backward(case.network, activity, errors).values["layer0.weight"][0, 0]
    if ottt == bptt_value:
        raise Refuted(f"OTTT's and BPTT's gradient should differ under a hard reset, both are {ottt}")
    return f"one neuron, λ = 1/2, T = 2, x = (1, 1), w = 1, y = 0, hard reset: OTTT {ottt}, BPTT {bptt_value}"


def authors_dialect():
    """The authors' dialect takes the first layer's input as it is at t."""
    case = chain(decay=Fraction(1, 2), inputs=(1, Fraction(1, 2)), weights=([[Fraction(3, 4)]],), targets=[1])
    activity, errors = case.data()
    ottt, authors = (
        ot.ottt.accumulate(case.network, activity, errors, dialect=dialect).values["layer0.weight"][0, 0]
        for dialect in ("derivation", "authors")
    )
    bptt_value = ot.bptt.backward(case.network, activity, errors).values["layer0.weight"][0, 0]
    if ottt != bptt_value or authors == bptt_value:
        raise Refuted(f"the derivation alone should give BPTT's {bptt_value}, got {ottt}, and {authors} of the authors")
    return f"one neuron, λ = 1/2, T = 2, x = (1, 1/2), w = 3/4, y = 1: OTTT (authors) {authors}, BPTT {bptt_value}"


CLAIM = Claim(
    name="E1",
    statement="OTTT = BPTT (reset detached) for weight and bias of the last layer with a membrane",
    hypotheses="soft or unleaked reset; dialect 'derivation'; any surrogate, loss, decay, depth and T; recurrent and "
    "feedback connections too, if the layer sends nothing back (else: BPTT without what comes back by them)",
    source="theory E1; Xiao et al. 2022, section 4.1",
    checked="all entries: public functions and algebra over fractions, algebra in float64",
    kind="exact",
    slack_means="floats at {:.2g} of the rounding bound",
    sketch=Sketch(
        formula=(
            r"\nabla^{\text{OTTT}} W^N = \nabla^{\text{BPTT}} W^N, \qquad \nabla^{\text{OTTT}} b^N = "
            r"\nabla^{\text{BPTT}} b^N"
        ),
        proof=(
            r"With the reset detached, $\partial u[t'] / \partial u[t] = \lambda^{t'-t}$ inside the last layer, so "
            r"that BPTT's error is $\delta[t] = \sum_{t' \ge t} \lambda^{t'-t} g[t']$. Exchange the two sums of its "
            r"gradient: $\sum_t \delta[t]\, s[t]^\top = \sum_{t'} g[t'] \bigl( \sum_{t \le t'} \lambda^{t'-t} s[t] "
            r"\bigr)^\top = \sum_{t'} g[t']\, \hat a[t']^\top$, which is OTTT's. The bias has the input 1, whose "
            r"trace is $\Lambda_t$."
        ),
        equations=(BPTT_ERROR, BPTT_GRADIENT, TRACE, OTTT_ERROR, OTTT_GRADIENT, BPTT_BIAS_GRADIENT, OTTT_BIAS_GRADIENT),
    ),
    strategy=networks(resets=("soft", "unleaked"), time_steps=(2, 6)),
    check=check,
    counterexamples=(
        Counterexample("it is the last layer", hidden_layer),
        Counterexample("the reset is soft or unleaked", hard_reset),
        Counterexample("the dialect is derivation", authors_dialect),
        Counterexample("the layer sends nothing back", recurrent_layer),
    ),
    identities=(
        Identity(
            "OTTT = BPTT without what comes back by delays, into the last membrane",
            OTTT.algebra,
            bptt_without_delays,
            with_images(partial(architectures, readouts=("spiking", "linear", "leaky"))),
            into_last_membrane,
        ),
    ),
)
