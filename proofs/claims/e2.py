"""E2: what each method keeps, as sums over paths.

BPTT (reset detached) sums every path: a presynaptic spike enters layer l at t_0, waits in its membrane until t_1,
crosses ψ^l[t_1] and a weight, waits in layer l + 1 until t_2 >= t_1, ..., and meets the output's error. OTTT keeps
exactly the paths that wait in layer l alone; SLTT those that wait nowhere. So OTTT's ∇W^l is BPTT's with the backward
leak of every layer above l set to 0.
"""

from fractions import Fraction

import numpy as np

import ottt_ref as ot

from ..cases import networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equality import OTTT, SLTT, Side, bptt, check_equality
from ..examples import chain
from ..paths import Paths


def paths(may_wait):
    """The sum over the paths that wait only where `may_wait(l, first)` allows, as a side."""
    return Side(lambda *data: Paths(*data, may_wait=may_wait).gradients())


def bptt_without_leaks_above(network, activity, errors):
    """For each layer l, BPTT's gradient with no backward leak in the layers above l."""
    result = {}
    names = list(network.parameters)
    for l in range(len(network.layers)):
        leaks_back = [k == l for k in range(len(network.layers))]
        values = ot.bptt.backward(network, activity, errors, leaks_back=leaks_back, delays_back=False).values
        result.update({name: values[name] for name in names[2 * l : 2 * l + 2]})
    return result


def with_membrane(network):
    """Every parameter but those of a stateless readout, which OTTT pairs with a trace all the same (Q1)."""
    names = list(network.parameters)
    return names[:-2] if network.readout == "linear" else names


COMPARISONS = (
    (bptt(), paths(lambda l, first: True), None),
    (OTTT, paths(lambda l, first: l == first), with_membrane),
    (SLTT, paths(lambda l, first: False), None),
    (OTTT, Side(bptt_without_leaks_above), with_membrane),
)


def check(case):
    findings = [check_equality(case, *comparison) for comparison in COMPARISONS]
    return Finding(max(finding.slack for finding in findings), findings[0].live)


def opposite_signs():
    """Theory's second counterexample: the paths that OTTT drops outweigh those that it keeps."""
    case = chain(decay=Fraction(1), inputs=(1, 0), weights=([[1]], [[Fraction(1, 2)], [2]]), targets=[1, 0])
    activity, errors = case.data()
    values = {
        "OTTT": ot.ottt.forward(case.network, activity, errors).values["layer0.weight"][0, 0],
        "BPTT": ot.bptt.backward(case.network, activity, errors).values["layer0.weight"][0, 0],
    }
    if not np.prod(list(values.values())) < 0:
        raise Refuted(f"OTTT and BPTT should point apart, got {values}")
    return f"1-1-2, λ = 1, T = 2, x = (1, 0), w¹ = 1, w² = (1/2, 2), y = (1, 0): ∇w¹ of OTTT {values['OTTT']}, " + (
        f"of BPTT {values['BPTT']}"
    )


CLAIM = Claim(
    name="E2",
    statement="BPTT sums all paths, OTTT those that wait in the parameter's own layer, SLTT those that wait nowhere",
    hypotheses="soft or unleaked reset, detached; dialect 'derivation'; OTTT: not a stateless readout (Q1)",
    source="theory E2",
    checked="each method against enumerated paths, OTTT also against BPTT without leaks above: fractions and float64",
    kind="exact",
    slack_means="floats at {:.2g} of the rounding bound",
    strategy=networks(resets=("soft", "unleaked"), depths=(1, 2), widths=(1, 3), time_steps=(2, 4), batch_sizes=(1, 1)),
    check=check,
    counterexamples=(Counterexample("the dropped paths are dropped from BPTT as well", opposite_signs),),
    share=0.5,
)
