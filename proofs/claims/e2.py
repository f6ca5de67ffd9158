"""E2: what each method keeps, as sums over paths.

BPTT (reset detached) sums every path: a presynaptic spike enters layer l at t_0, waits in its membrane until t_1,
crosses ψ^l[t_1] and a weight, waits in layer l + 1 until t_2 >= t_1, ..., and meets the output's error. OTTT keeps
exactly the paths that wait in layer l alone; SLTT those that wait nowhere. So OTTT's ∇W^l is BPTT's with the backward
leak of every layer above l set to 0. A recurrent or feedback connection takes a path to the next time step: BPTT keeps
such paths too, OTTT and SLTT none of them.
"""

from fractions import Fraction

import numpy as np

import ottt_ref as ot

from ..cases import networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equality import OTTT, SLTT, Side, bptt, check_equality
from ..equations import BPTT_ERROR, OTTT_ERROR, OTTT_GRADIENT, PATHS, SLTT_GRADIENT, SPIKE_ERROR, Sketch
from ..examples import chain
from ..identity import Identity, architectures
from ..images import with_images
from ..summed import added_up, one_by_one


def bptt_with_one_leak(network, activity, errors):
    """For each layer l, BPTT's gradient with a backward leak in l alone, and nothing that comes back by delays."""
    result = {}
    for l in range(len(network.layers)):
        leaks_back = [k == l for k in range(len(network.layers))]
        values = ot.bptt.backward(network, activity, errors, leaks_back=leaks_back, delays_back=False).values
        result.update({name: values[name] for connection in network.incoming(l) for name in connection.parameters})
    return result


def bptt_with_no_leak(network, activity, errors):
    """BPTT's gradient with no backward leak anywhere, and nothing that comes back by delays."""
    leaks_back = [False] * len(network.layers)
    return ot.bptt.backward(network, activity, errors, leaks_back=leaks_back, delays_back=False).values


def with_membrane(network):
    """Every parameter but those of a stateless readout, which OTTT pairs with a trace all the same (Q1)."""
    return [name for name in network.parameters if network.readout != "linear" or not name.startswith("readout")]


COMPARISONS = (
    (bptt(), one_by_one("bptt"), None),
    (OTTT, one_by_one("ottt"), with_membrane),
    (SLTT, one_by_one("sltt"), None),
    (OTTT, Side(bptt_with_one_leak), with_membrane),
)


def check(case):
    findings = [check_equality(case, *comparison) for comparison in COMPARISONS]
    return Finding(max(finding.slack for finding in findings), findings[0].live)


def opposite_signs():
    """Theory's second counterexample: the paths that OTTT drops outweigh those that it keeps."""
    case = chain(decay=Fraction(1), inputs=(1, 0), weights=([[1]], [[Fraction(1, 2)], [2]]), targets=[1, 0])
    activity, errors = case.data()
    values = {
        "OTTT": ot.ottt.accumulate(case.network, activity, errors).values["layer0.weight"][0, 0],
        "BPTT": ot.bptt.backward(case.network, activity, errors).values["layer0.weight"][0, 0],
    }
    if not np.prod(list(values.values())) < 0:
        raise Refuted(f"OTTT and BPTT should point apart, got {values}")
    return f"1-1-2, λ = 1, T = 2, x = (1, 0), w¹ = 1, w² = (1/2, 2), y = (1, 0): ∇w¹ of OTTT {values['OTTT']}, " + (
        f"of BPTT {values['BPTT']}"
    )


CLAIM = Claim(
    name="E2",
    statement="BPTT sums all paths, OTTT those that wait in the parameter's own layer, SLTT those that wait nowhere; "
    "paths through recurrent and feedback connections are BPTT's alone",
    hypotheses="soft or unleaked reset, detached; dialect 'derivation'; OTTT: not a stateless readout (Q1)",
    source="theory E2",
    checked="each method against enumerated paths, OTTT also against BPTT with one leak: fractions and float64",
    kind="exact",
    slack_means="floats at {:.2g} of the rounding bound",
    sketch=Sketch(
        formula=(
            r"\nabla W^l = \sum_{t_0 \le t_1 \le t_2 \le \cdots} \cdots e[t_m]\; W^{l+1} \lambda^{t_2 - t_1}\, "
            r"\psi^l[t_1]\, \lambda^{t_1 - t_0}\, s^{l-1}[t_0]"
        ),
        proof=(
            r"Unroll BPTT: a presynaptic spike enters layer $l$ at $t_0$, waits in its membrane until $t_1$, crosses "
            r"$\psi^l[t_1]$ and $W^{l+1}$, waits in layer $l+1$ until $t_2$, and so on up to the error $e[t_m]$. "
            r"BPTT sums all of these paths. OTTT keeps those with $t_1 = t_2 = \cdots = t_m$: its error is of one "
            r"time step, and the waiting in layer $l$ is the trace. SLTT keeps those with $t_0 = t_1 = \cdots$."
            "\n\n"
            r"The same in terms of errors: set the backward leak of every layer above $l$ to 0. Then BPTT's errors "
            r"there are OTTT's, $\delta^k[t] = g^k[t]$ for $k > l$, and in layer $l$ itself $\delta^l[t] = \sum_{t' "
            r"\ge t} \lambda^{t'-t} g^l[t']$. Exchange the sums as in E1: $\sum_t \delta^l[t]\, s^{l-1}[t]^\top = "
            r"\sum_{t'} g^l[t']\, \hat a^{l-1}[t']^\top$. So OTTT is BPTT with a leak in layer $l$ alone."
            "\n\n"
            r"A recurrent or feedback connection delivers spikes one time step later. A path that takes it leaves "
            r"layer $l$ at one time step and meets an error of a later one. OTTT and SLTT have errors of one time "
            r"step, so they keep none of these paths. The weight of such a connection itself is the start of paths "
            r"like any other, with the spikes $s[t_0 - 1]$ that it delivers. So in networks with loops OTTT is BPTT "
            r"with a leak in layer $l$ alone and without what comes back by delays."
        ),
        equations=(BPTT_ERROR, OTTT_ERROR, OTTT_GRADIENT, SLTT_GRADIENT, PATHS, SPIKE_ERROR),
    ),
    strategy=networks(resets=("soft", "unleaked"), depths=(1, 2), widths=(1, 3), time_steps=(2, 4), batch_sizes=(1, 1)),
    check=check,
    counterexamples=(Counterexample("the dropped paths are dropped from BPTT as well", opposite_signs),),
    identities=(
        Identity(
            "OTTT = BPTT with one leak", OTTT.algebra, bptt_with_one_leak, with_images(architectures), with_membrane
        ),
        Identity("SLTT = BPTT with no leak", SLTT.algebra, bptt_with_no_leak, with_images(architectures)),
        Identity("OTTT = its paths", OTTT.algebra, added_up("ottt"), architectures, with_membrane),
        Identity(
            "BPTT = all paths",
            bptt().algebra,
            added_up("bptt"),
            architectures,
            costly=True,
        ),
    ),
    share=0.5,
)
