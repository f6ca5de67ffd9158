"""E6: the chain rule from the front and from the back. RTRL = BPTT, with the reset's gradient detached and kept."""

from functools import partial

from ottt_ref.neurons import RESET_GRADIENTS, RESETS

from ..cases import networks
from ..claim import Claim, Finding
from ..equality import bptt, check_equality, rtrl
from ..identity import Identity, architectures


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
    strategy=networks(widths=(1, 3), time_steps=(2, 4)),
    check=check,
    identities=tuple(
        Identity(
            f"RTRL = BPTT ({reset_gradient})",
            rtrl(reset_gradient).algebra,
            bptt(reset_gradient).algebra,
            partial(architectures, resets=RESETS),
            costly=True,
        )
        for reset_gradient in RESET_GRADIENTS
    ),
    share=0.5,
)
