"""E6: the chain rule from the front and from the back. RTRL = BPTT, with the reset's gradient detached and kept."""

from functools import partial

from ottt_ref.network.neurons import RESET_GRADIENTS, RESETS

from ..cases import networks
from ..claim import Claim, Finding
from ..equality import bptt, check_equality, rtrl
from ..equations import BPTT_ERROR, BPTT_GRADIENT, RTRL_GRADIENT, RTRL_SPIKE, RTRL_UPDATE, Sketch
from ..identity import Identity, architectures
from ..images import with_images


def check(case):
    findings = [check_equality(case, rtrl(reset), bptt(reset)) for reset in ("detached", "kept")]
    return Finding(max(finding.slack for finding in findings), findings[0].live)


CLAIM = Claim(
    name="E6",
    statement="RTRL = BPTT for every parameter, with the reset's gradient detached and kept",
    hypotheses="any reset, readout, surrogate, loss, decay, depth, T, recurrent and feedback connections",
    source="theory E6",
    checked="all entries: public functions and algebra over fractions, algebra in float64",
    kind="exact",
    slack_means="floats at {:.2g} of the rounding bound",
    sketch=Sketch(
        formula=r"\nabla^{\text{RTRL}} = \nabla^{\text{BPTT}}",
        proof=(
            r"Both are the sum, over all paths from a parameter to an output error, of the product of the partial "
            r"derivatives along the path. BPTT multiplies from the errors on, RTRL from the parameters on; products "
            r"of matrices are associative."
        ),
        equations=(RTRL_UPDATE, BPTT_ERROR, BPTT_GRADIENT, RTRL_SPIKE, RTRL_GRADIENT),
    ),
    strategy=networks(widths=(1, 3), time_steps=(2, 4)),
    check=check,
    identities=tuple(
        Identity(
            f"RTRL = BPTT ({reset_gradient})",
            rtrl(reset_gradient).algebra,
            bptt(reset_gradient).algebra,
            with_images(partial(architectures, resets=RESETS), largest=(2, 1, 2)),
            costly=True,
        )
        for reset_gradient in RESET_GRADIENTS
    ),
    share=0.5,
)
