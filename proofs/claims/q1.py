"""Q1: of what the traced readout is the gradient.

OTTT pairs the stateless readout o[t] = W s[t] with the trace: Σ_t g_o[t] â[t]^T. That is the exact gradient of a leaky
integrator m[t] = λ m[t-1] + W s[t] at the same errors, and not of the stateless readout, which is Σ_t g_o[t] s[t]^T.
"""

from fractions import Fraction
from functools import partial

import numpy as np

import ottt_ref as ot

from ..cases import networks
from ..claim import Claim, Counterexample, Refuted
from ..equality import OTTT, Side, bptt, check_equality
from ..equations import BPTT_GRADIENT, OTTT_GRADIENT, READOUT, TRACE, Sketch
from ..examples import exact
from ..identity import Identity, architectures, unchecked


def of_leaky_readout(network, activity, errors):
    """BPTT's gradients of the network with a leaky readout, of the same λ, in place of the stateless one."""
    *spiking, readout = network.layers
    leaky_readout = ot.Layer(readout.synapses, unchecked(ot.Integrator(), decay=spiking[-1].neuron.decay))
    leaky = ot.Network([*spiking, leaky_readout], feedback=network.feedback)
    return bptt().algebra(leaky, activity, errors)


def check(case):
    return check_equality(case, OTTT, Side(of_leaky_readout), lambda network: ["readout.weight"])


def stateless():
    """One spike, then none: the stateless readout has forgotten it, the trace has not."""
    one = Fraction(1)
    neuron = ot.LIF(decay=one / 2, threshold=one, reset_potential=one * 0, surrogate=ot.surrogate.Triangle(one, one))
    network = ot.Network(
        [ot.Layer(ot.Dense(exact([[1]])), neuron), ot.Layer(ot.Dense(exact([[1]])), ot.Integrator(one * 0))]
    )
    activity = ot.simulate(network, exact([1, 0]).reshape(2, 1, 1))
    errors = np.full((2, 1, 1), one)
    traced = ot.ottt.accumulate(network, activity, errors).values["readout.weight"][0, 0]
    true = ot.bptt.backward(network, activity, errors).values["readout.weight"][0, 0]
    if traced == true:
        raise Refuted(f"the two should differ, both are {traced}")
    return f"s = (1, 0), g_o = (1, 1), λ = 1/2: with the trace {traced}, gradient of the stateless readout {true}"


CLAIM = Claim(
    name="Q1",
    statement="the traced readout weight Σ g_o â^T is the gradient of a leaky readout of the same λ",
    hypotheses="linear readout; any reset, surrogate, loss, decay, depth and T",
    source="theory Q1",
    checked="the readout's weight: OTTT against BPTT of the leaky network, fractions and float64",
    kind="exact",
    slack_means="floats at {:.2g} of the rounding bound",
    sketch=Sketch(
        formula=(
            r"\sum_t g_o[t]\, \hat a^N[t]^\top = \frac{\partial L}{\partial W} \;\text{of}\; m[t] = \lambda\, m[t-1] "
            r"+ W s^N[t]"
        ),
        proof=(
            r"A leaky readout is a last layer without threshold: $\psi = 1$ and $J = \lambda$. Then E1's exchange of "
            r"sums applies. The stateless readout $o[t] = W s^N[t]$ has no memory, and its own gradient pairs "
            r"$g_o[t]$ with $s^N[t]$ alone."
        ),
        equations=(TRACE, OTTT_GRADIENT, BPTT_GRADIENT, READOUT),
    ),
    strategy=networks(readouts=("linear",), time_steps=(2, 6)),
    check=check,
    counterexamples=(Counterexample("the readout leaks", stateless),),
    identities=(
        Identity(
            "OTTT's readout weight = BPTT's of a leaky readout",
            OTTT.algebra,
            of_leaky_readout,
            partial(architectures, readouts=("linear",)),
            lambda network: ["readout.weight"],
        ),
    ),
)
