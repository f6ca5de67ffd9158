"""L1: connections with delays. To which time step an error belongs that comes back late.

What layer l gives at time t reaches the outputs at t + k, k being the sum of the delays on the way. So an error of the
outputs at time t belongs to what the layer did at t - k: OTTT pairs it with the trace of t - k, SLTT with the spikes of
t - k, both with ψ[t - k]. With that, E2 and E4 hold as they do without delays.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref.methods.shared.errors import gated

from ..cases import alike, eighths, networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equality import OTTT, SLTT, Side, bptt, bptt_without_delays, check_equality, exact_data, require_equal, rtrl
from ..equations import BPTT_ERROR, LATE_ERROR, OTTT_GRADIENT, PATHS, SLTT_GRADIENT, Sketch
from ..examples import chain
from ..identity import Architecture, Identity
from ..summed import one_by_one
from .e2 import bptt_with_no_leak, bptt_with_one_leak, with_membrane


@st.composite
def late_networks(draw):
    """Cases of `networks` whose row has delays of 0 to 2, loops of 1 or 2, and perhaps a skip to the last layer.

    The readout hears the layer before it late: no error of the layers below is of its own time step.
    """
    shape = {"depths": (1, 2), "widths": (1, 2), "time_steps": (3, 4), "batch_sizes": (1, 1)}
    case = draw(networks(resets=("soft", "unleaked"), readouts=("linear", "leaky"), **shape))
    count, sizes = len(case.weights), case.sizes
    delays = (*draw(st.lists(st.integers(0, 1), min_size=count - 1, max_size=count - 1)), draw(st.integers(1, 2)))
    skips = ()
    if count > 1 and draw(st.booleans()):
        weight = alike(draw, sizes[-1], sizes[1], eighths(-1, 1, simplest=1))
        skips = ((0, count - 1, draw(st.integers(0, 2)), weight),)
    return replace(case, delays=delays, skips=skips, loop_delay=draw(st.integers(1, 2)))


def errors_at_once(network, activity, output_errors):
    """OTTT's gradients with late errors paired at the time step in which they come back: the mistake."""
    traces, result = ot.methods.Traces(network, output_errors.shape[1], "derivation"), network.zero_gradients()
    for t, output_error in enumerate(output_errors):
        now, errors = activity.at(t), [None] * len(network.layers)
        traces.update(now)
        for l in reversed(range(len(network.layers))):
            ways = [c for c in network.outgoing(l) if not c.loop]
            parts = [c.adjoint(errors[c.target]) for c in ways] or [output_error]
            errors[l] = gated(now.layer_surrogate_derivatives[l], sum(parts[1:], start=parts[0]))
        for c in network.connections:
            c.add_gradients(result, errors[c.target], traces.presynaptic(c), traces.bias_input(c.target))
    return result


COMPARISONS = (
    (OTTT, Side(bptt_with_one_leak), with_membrane),
    (SLTT, Side(bptt_with_no_leak), None),
    (OTTT, one_by_one("ottt"), with_membrane),
)


def check(case):
    findings = [check_equality(case, *comparison) for comparison in COMPARISONS]
    if case.neuron.decay == 0:
        findings += [check_equality(case, side, Side(bptt_without_delays)) for side in (OTTT, SLTT)]
    network = case.exact_network
    activity, errors = exact_data(case)
    exact = [side.algebra(network, activity, errors) for side in (rtrl(), bptt())]
    require_equal(*exact, list(network.parameters))
    wrong, right = errors_at_once(network, activity, errors), OTTT.algebra(network, activity, errors)
    late = any(np.any(wrong[name] != right[name]) for name in right)  # some error came back late, and was not 0
    return Finding(max(finding.slack for finding in findings), findings[0].live and late)


def late_architectures(depth, width, time_steps):
    """Rows with delays of 1, 2, 0, 1, ... and every loop: the largest, and a modest one of each readout."""
    delays = tuple((1, 2, 0)[l % 3] for l in range(depth + 1))
    every = tuple((l, l) for l in range(depth)) + (((depth - 1, 0),) if depth > 1 else ())
    small, steps = min(width, 2), min(time_steps, 5)
    spiking = (width,) * (depth + 1)
    return [
        Architecture(spiking, time_steps, "spiking", "soft", every, delays=delays[:depth]),
        *(
            Architecture((small,) * (depth + 1) + (2,), steps, readout, "unleaked", every, delays=delays)
            for readout in ("linear", "leaky")
        ),
    ]


def at_once():
    """One neuron, and one that hears it a time step later: the error of its spike comes back when the input is 0."""
    case = chain(decay=Fraction(1, 2), inputs=(1, 0), weights=([[1]], [[1]]), targets=[0])
    layers = [case.network.layers[0], replace(case.network.layers[1], delay=1)]
    network = ot.Network(layers)
    activity = ot.simulate(network, case.inputs)
    errors = activity.outputs - case.targets
    values = {
        "BPTT": ot.bptt.backward(network, activity, errors).values["layer0.weight"][0, 0],
        "OTTT": OTTT.algebra(network, activity, errors)["layer0.weight"][0, 0],
        "SLTT": SLTT.algebra(network, activity, errors)["layer0.weight"][0, 0],
    }
    wrong = errors_at_once(network, activity, errors)["layer0.weight"][0, 0]
    if len(set(values.values())) != 1 or wrong == values["BPTT"]:
        raise Refuted(f"the methods should agree, and errors at once differ, got {values} and {wrong}")
    return (
        "1-1-1, the second neuron hears the first one time step later, λ = 1/2, T = 2, x = (1, 0), w = (1, 1), y = 0: "
        f"∇w¹ of BPTT, OTTT and SLTT {values['BPTT']}; with errors paired as they come back {wrong}"
    )


CLAIM = Claim(
    name="L1",
    statement="with delays of whole time steps, too, OTTT is BPTT with a leak in the parameter's own layer alone, SLTT "
    "BPTT with none, and RTRL BPTT: an error that comes back by a way with delays of k steps in all belongs to t - k",
    hypotheses="soft or unleaked reset, detached; dialect 'derivation'; OTTT: not a stateless readout (Q1); recurrent "
    "and feedback connections bring no error back to OTTT and SLTT, whatever their delay",
    source="theory E2 and E4, with delays",
    checked="OTTT and SLTT against BPTT with fewer leaks, OTTT against enumerated paths: fractions and float64; RTRL "
    "against BPTT: fractions",
    kind="exact",
    slack_means="floats at {:.2g} of the rounding bound",
    sketch=Sketch(
        formula=(
            r"\nabla W^l = \sum_t \sum_k g^l_k[t]\; \hat a^{l-1}[t-k]^\top, \qquad "
            r"g^l_k[t] = \psi^l[t-k] \circ \sum_c W_c^\top g_{k - d_c}[t]"
        ),
        proof=(
            r"A connection $c$ with a delay of $d_c$ brings its target at time $\tau + d_c$ what its source gave at "
            r"$\tau$. So BPTT's error is $\delta^l[\tau] = \psi^l[\tau] \circ \sum_c W_c^\top \delta[\tau + d_c] + "
            r"J^l[\tau] \circ \delta^l[\tau + 1]$. Set the backward leaks above $l$ to 0, and leave out loops: by "
            r"induction from the outputs down, an error $e[t]$ comes back by each way through connections with delays "
            r"of $k$ in all, and $\delta^l[\tau] = \sum_k g^l_k[\tau + k]$ with the errors $g$ of the formula. They "
            r"need what is known at $t$, and what was $k$ time steps before."
            "\n\n"
            r"In layer $l$ itself the leak adds $\delta^l[\tau] = \sum_{\tau' \ge \tau} \lambda^{\tau' - \tau} \sum_k "
            r"g^l_k[\tau' + k]$. Exchange the sums, as in E1: an error that belongs to $\tau' = t - k$ meets the trace "
            r"of $t - k$, of what the connection delivered up to then. Without the leak it meets $s[t - k]$: that is "
            r"SLTT. Without delays $k = 0$, and this is E2; with $\lambda = 0$ nothing waits, and it is E4."
        ),
        equations=(BPTT_ERROR, LATE_ERROR, OTTT_GRADIENT, SLTT_GRADIENT, PATHS),
    ),
    strategy=late_networks(),
    check=check,
    counterexamples=(Counterexample("late errors are paired with what was k time steps before", at_once),),
    identities=(
        Identity(
            "OTTT = BPTT with one leak, with delays",
            OTTT.algebra,
            bptt_with_one_leak,
            late_architectures,
            with_membrane,
        ),
        Identity("SLTT = BPTT with no leak, with delays", SLTT.algebra, bptt_with_no_leak, late_architectures),
    ),
    share=0.25,
)
