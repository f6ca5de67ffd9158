"""E5: keeping the reset's gradient adds exactly the paths that cross a reset.

The one-step Jacobian of the soft reset is λ (1 - V_th ψ[t]): a leak edge λ plus a reset edge -λ V_th ψ[t]. BPTT (kept)
sums all products of edges, BPTT (detached) those of leak edges alone; the difference is the sum of the paths that cross
at least one reset edge.
"""

from functools import partial

from ottt_ref.network.neurons import RESETS
from ottt_ref.paths import Selection

from ..cases import networks
from ..claim import Claim, Finding
from ..equality import Side, bptt, check_equality
from ..equations import BPTT_ERROR, HARD_JACOBIAN, JACOBIAN, PATHS, Sketch
from ..identity import Identity, architectures
from ..summed import added_up, one_by_one


def difference(*data):
    """BPTT (kept) - BPTT (detached)."""
    kept, detached = bptt("kept").algebra(*data), bptt("detached").algebra(*data)
    return {name: kept[name] - detached[name] for name in kept}


ACROSS_A_RESET = Selection(resets="some")


def check(case):
    findings = [
        check_equality(case, Side(difference), one_by_one(ACROSS_A_RESET)),
        check_equality(case, bptt("kept"), one_by_one("bptt-kept")),
    ]
    return Finding(max(finding.slack for finding in findings), findings[0].live)


CLAIM = Claim(
    name="E5",
    statement="BPTT (kept) - BPTT (detached) = the sum of the paths that cross at least one reset edge",
    hypotheses="any reset (each with its own edges), readout, surrogate, loss, decay, depth and T, recurrent and "
    "feedback connections",
    source="theory E5",
    checked="all entries against enumerated paths: fractions and float64",
    kind="exact",
    slack_means="floats at {:.2g} of the rounding bound",
    sketch=Sketch(
        formula=r"\nabla^{\text{kept}} - \nabla^{\text{detached}} = \sum_{\text{paths over} \ge 1 \text{ reset edge}}",
        proof=(
            r"One time step back, a membrane multiplies by $J[t] = \lambda + R[t]$, with the reset's edge "
            r"$R[t] = -\lambda V_{th} \psi[t]$ (soft reset). Expand the product of the sums along each path: the "
            r"term without any $R$ is the path of the detached gradient, the others are the paths that cross at "
            r"least one reset edge."
            "\n\n"
            r"The other resets have edges of their own. Unleaked: a leak $\lambda$ and a reset edge $-V_{th} \psi[t]$. "
            r"Hard: a leak $\lambda (1 - s[t])$ and a reset edge $\lambda (v_{\text{reset}} - u[t]) \psi[t]$. The "
            r"argument is the same."
        ),
        equations=(BPTT_ERROR, JACOBIAN, PATHS, HARD_JACOBIAN),
    ),
    strategy=networks(depths=(1, 2), widths=(1, 2), time_steps=(2, 4), batch_sizes=(1, 1)),
    check=check,
    identities=(
        Identity(
            "BPTT (kept) - BPTT (detached) = paths across a reset",
            difference,
            added_up(ACROSS_A_RESET),
            partial(architectures, resets=RESETS),
            costly=True,
        ),
    ),
    share=0.5,
)
