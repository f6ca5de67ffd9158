"""K1: a gradient path by path. The contributions of the paths that a method keeps add up to its gradient.

`ottt_ref.paths` lists them: each with its waits, factors and contribution, and with the methods that keep it. OTTT has
paths of its own where its trace waits and the membrane holds nothing: into a stateless readout (Q1), and through a hard
reset. With them its gradient, too, is a sum over paths for every parameter.
"""

from fractions import Fraction
from functools import partial

import ottt_ref as ot
from ottt_ref.network.neurons import RESETS
from ottt_ref.paths import enumeration

from ..cases import networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equality import OTTT, SLTT, bptt, check_equality, exact_data, require_equal
from ..equations import BPTT_ERROR, OTTT_GRADIENT, PATHS, SLTT_GRADIENT, Sketch
from ..examples import chain
from ..identity import Identity, architectures
from ..summed import added_up, one_by_one

SIDES = {"sltt": SLTT, "ottt": OTTT, "bptt": bptt(), "bptt-kept": bptt("kept")}


def listed(network, activity, errors):
    """By method, the sums of the listed paths that say that it keeps them."""
    sums = {method: network.zero_gradients() for method in SIDES}
    for start in enumeration.starts(network):
        for path in ot.paths.find_in(network, activity, errors, start.parameter, start.index):
            product = 1
            for factor in path.factors:
                product = product * factor.value
            if product != path.contribution:
                raise Refuted(f"a contribution is not the product of its factors: {path}")
            for method in set(SIDES) & set(path.methods):
                sums[method][start.parameter][start.index] += path.contribution
    return sums


def check(case):
    findings = [check_equality(case, side, one_by_one(method)) for method, side in SIDES.items()]
    network = case.exact_network
    activity, errors = exact_data(case)
    for method, sums in listed(network, activity, errors).items():
        require_equal(SIDES[method].algebra(network, activity, errors), sums, list(network.parameters))
    return Finding(max(finding.slack for finding in findings), all(finding.live for finding in findings))


def authors():
    """The authors' dialect does not trace the input: it drops what waits in the first layer."""
    case = chain(decay=Fraction(1, 2), inputs=(1, Fraction(1, 2)), weights=([[Fraction(3, 4)]],), targets=[1])
    activity, errors = case.data()
    name = "layer0.weight"
    theirs = ot.ottt.accumulate(case.network, activity, errors, dialect="authors").values[name][0, 0]
    paths = ot.paths.accumulate(case.network, activity, errors, keep="ottt")[name][0, 0]
    if theirs == paths:
        raise Refuted(f"OTTT (authors) should not be the sum of its paths, got {theirs}")
    return f"one neuron, λ = 1/2, T = 2, x = (1, 1/2), w = 3/4, y = 1: OTTT (authors) {theirs}, its paths {paths}"


def without_trace():
    """A hard reset: the membrane forgets, the trace does not."""
    case = chain(decay=Fraction(1, 2), inputs=(1, 1), weights=([[1]],), targets=[0], reset="hard")
    activity, errors = case.data()
    name, data = "layer0.weight", (case.network, activity, errors)
    ottt = OTTT.algebra(*data)[name][0, 0]
    membrane = ot.paths.accumulate(*data, keep=ot.paths.Selection(waits={0}, loops=False))[name][0, 0]
    traced = ot.paths.accumulate(*data, keep="ottt")[name][0, 0]
    if not ottt == traced != membrane:
        raise Refuted(f"OTTT should be the sum with the trace's paths alone, got {ottt}, {traced} and {membrane}")
    return (
        f"one neuron, λ = 1/2, T = 2, x = (1, 1), w = 1, y = 0, hard reset: OTTT {ottt}, paths that wait in the "
        f"membrane {membrane}, with the trace's {traced}"
    )


CLAIM = Claim(
    name="K1",
    statement="the contributions of the paths that a method keeps add up to its gradient, for every parameter: SLTT, "
    "OTTT, BPTT with the reset's gradient detached and kept",
    hypotheses="dense layers of LIF neurons; any reset, readout, surrogate, loss, decay, depth and T, recurrent and "
    "feedback connections; OTTT: dialect 'derivation', and its paths with those that wait in its trace alone, into a "
    "stateless readout and through a hard reset",
    source="theory E2, E5 and Q1; the frame of waits",
    checked="all entries against the listed paths, each the product of its factors: fractions and float64",
    kind="exact",
    slack_means="floats at {:.2g} of the rounding bound",
    sketch=Sketch(
        formula=(
            r"\nabla = \sum_{\text{kept paths}} s_j[t_0] \Bigl( \prod_{t_0 \le t < t_1} a_1[t] \Bigr) \psi[t_1]\, W "
            r"\Bigl( \prod_{t_1 \le t < t_2} a_2[t] \Bigr) \psi[t_2] \cdots e[t_m]"
        ),
        proof=(
            r"Each method's recursion multiplies by one edge at a time: a leak, a reset edge (E5), $\psi$ or a weight. "
            r"Multiply out: every term of the result is the product of the edges on one way through the unrolled "
            r"network, and every way that the recursion can take is one term. BPTT's recursion takes all of them (E2, "
            r"E5), SLTT's those on which no time passes, and OTTT's trace those that wait once, where they start."
            "\n\n"
            r"The trace of a hard reset's membrane leaks by $\lambda = \lambda (1 - s[t]) + \lambda s[t]$ at each "
            r"step: by the membrane's own leak, or by an edge $\lambda s[t]$ that is OTTT's alone. The trace of a "
            r"stateless readout's input leaks by the sender's $\lambda$, where the readout's membrane has no edge."
        ),
        equations=(BPTT_ERROR, OTTT_GRADIENT, SLTT_GRADIENT, PATHS),
    ),
    strategy=networks(depths=(1, 2), widths=(1, 2), time_steps=(2, 3), batch_sizes=(1, 1)),
    check=check,
    counterexamples=(
        Counterexample("the dialect is derivation", authors),
        Counterexample("OTTT's trace may wait where the membrane holds nothing", without_trace),
    ),
    identities=(
        Identity(
            "OTTT = its paths, of any reset and readout",
            OTTT.algebra,
            added_up("ottt"),
            partial(architectures, resets=RESETS, readouts=("spiking", "linear", "leaky")),
        ),
        Identity(
            "BPTT (kept) = its paths",
            bptt("kept").algebra,
            added_up("bptt-kept"),
            partial(architectures, resets=RESETS),
            costly=True,
        ),
    ),
    share=0.1,
)
