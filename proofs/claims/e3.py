"""E3: for one time step OTTT, SLTT and BPTT are the same."""

from fractions import Fraction

import ottt_ref as ot
from ottt_ref.network.neurons import RESETS

from ..cases import networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equality import OTTT, SLTT, bptt, check_equality
from ..equations import BPTT_ERROR, OTTT_ERROR, SLTT_BIAS_GRADIENT, SLTT_GRADIENT, TRACE, Sketch
from ..examples import chain
from ..identity import Identity, architectures
from ..images import convolutions


def check(case):
    """OTTT and SLTT against BPTT (reset detached), every parameter."""
    findings = [check_equality(case, side, bptt()) for side in (OTTT, SLTT)]
    return Finding(max(finding.slack for finding in findings), findings[0].live)


def one_step(depth, width, _):
    """The architectures at T = 1, with every reset and readout."""
    dense = architectures(depth, width, 1, resets=RESETS, readouts=("spiking", "linear", "leaky"))
    return [*dense, *convolutions(depth, width, 1)]


def two_steps(decay):
    """One neuron over two time steps: the three methods' gradients."""
    case = chain(decay=decay, inputs=(Fraction(1, 2), 1), weights=([[1]],), targets=[0])
    activity, errors = case.data()
    methods = {"OTTT": ot.ottt.accumulate, "SLTT": ot.sltt.accumulate, "BPTT": ot.bptt.backward}
    return {
        name: method(case.network, activity, errors).values["layer0.weight"][0, 0] for name, method in methods.items()
    }


def second_step():
    """With a second time step SLTT forgets the first one."""
    values = two_steps(Fraction(1, 2))
    if values["SLTT"] == values["BPTT"]:
        raise Refuted(f"SLTT and BPTT should differ at T = 2, got {values}")
    shown = ", ".join(f"{name} {value}" for name, value in values.items())
    return f"one neuron, λ = 1/2, T = 2, x = (1/2, 1), w = 1, y = 0: {shown}"


CLAIM = Claim(
    name="E3",
    statement="T = 1: OTTT = SLTT = BPTT (reset detached) for every parameter",
    hypotheses="T = 1; any reset, readout, surrogate, loss, decay, depth, recurrent and feedback connections",
    source="theory E3",
    checked="all entries: public functions and algebra over fractions, algebra in float64",
    kind="exact",
    slack_means="floats at {:.2g} of the rounding bound",
    sketch=Sketch(
        formula=r"T = 1 \;\Rightarrow\; \nabla^{\text{OTTT}} = \nabla^{\text{SLTT}} = \nabla^{\text{BPTT}}",
        proof=(
            r"With one time step nothing comes back from a later one, so $\delta = g$; and nothing was there before, "
            r"so $\hat a = s$ and $\Lambda_1 = 1$. All three pair the same errors with the same spikes."
        ),
        equations=(BPTT_ERROR, OTTT_ERROR, TRACE, SLTT_GRADIENT, SLTT_BIAS_GRADIENT),
    ),
    strategy=networks(time_steps=(1, 1)),
    check=check,
    counterexamples=(Counterexample("T = 1", second_step),),
    identities=(
        Identity("OTTT = BPTT at T = 1", OTTT.algebra, bptt().algebra, one_step),
        Identity("SLTT = BPTT at T = 1", SLTT.algebra, bptt().algebra, one_step),
    ),
)
