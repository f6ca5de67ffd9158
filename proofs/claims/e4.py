"""E4: without memory in the membrane (λ = 0) OTTT, SLTT and BPTT are the same."""

from fractions import Fraction

from ..cases import networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equality import OTTT, SLTT, Side, bptt, bptt_without_delays, check_equality
from ..equations import BPTT_ERROR, JACOBIAN, OTTT_ERROR, TRACE, Sketch
from ..identity import Identity, architectures
from ..images import convolutions
from .e3 import two_steps


def check(case):
    """OTTT and SLTT against BPTT (reset detached), without what comes back by delays: every parameter."""
    findings = [check_equality(case, side, Side(bptt_without_delays)) for side in (OTTT, SLTT)]
    if not case.loops:
        findings += [check_equality(case, side, bptt()) for side in (OTTT, SLTT)]
    return Finding(max(finding.slack for finding in findings), findings[0].live)


def forgetful(*size):
    """The architectures at λ = 0, with every reset."""
    dense = architectures(*size, resets=("soft", "unleaked", "hard"), forgets=True)
    return [*dense, *convolutions(*size, forgets=True)]


def with_memory():
    """The same two time steps with and without a leak back."""
    forgetful, remembering = two_steps(Fraction(0)), two_steps(Fraction(1, 4))
    if len(set(forgetful.values())) != 1 or len(set(remembering.values())) == 1:
        raise Refuted(f"the methods should agree at λ = 0 alone, got {forgetful} and {remembering}")
    shown = ", ".join(f"{name} {value}" for name, value in remembering.items())
    return f"one neuron, λ = 1/4, T = 2, x = (1/2, 1), w = 1, y = 0: {shown}; at λ = 0 all {forgetful['BPTT']}"


CLAIM = Claim(
    name="E4",
    statement="λ = 0: OTTT = SLTT = BPTT (reset detached) for every parameter",
    hypotheses="λ = 0; any reset, readout, surrogate, loss, depth and T; with recurrent and feedback connections BPTT "
    "without what comes back by them",
    source="theory E4",
    checked="all entries: public functions and algebra over fractions, algebra in float64",
    kind="exact",
    slack_means="floats at {:.2g} of the rounding bound",
    sketch=Sketch(
        formula=r"\lambda = 0 \;\Rightarrow\; \nabla^{\text{OTTT}} = \nabla^{\text{SLTT}} = \nabla^{\text{BPTT}}",
        proof=(
            r"Without memory $J[t] = 0$ with the reset detached, whatever the reset, so $\delta[t] = g[t]$; and "
            r"$\hat a[t] = s[t]$. What recurrent and feedback connections bring back remains BPTT's alone."
        ),
        equations=(BPTT_ERROR, JACOBIAN, OTTT_ERROR, TRACE),
    ),
    strategy=networks(decays=[Fraction(0)], time_steps=(2, 5)),
    check=check,
    counterexamples=(Counterexample("λ = 0", with_memory),),
    identities=(
        Identity("OTTT = BPTT without delays at λ = 0", OTTT.algebra, bptt_without_delays, forgetful),
        Identity("SLTT = BPTT without delays at λ = 0", SLTT.algebra, bptt_without_delays, forgetful),
    ),
)
