"""F1: OTTT's gradient from windows of time, sparse in spikes.

Cut time into windows of w steps. In one of them h[t] = g[t] + λ h[t+1], from 0 behind its end. Then

    Σ_t g[t] â[t]^T = Σ_windows ( λ h[first] â_before^T + Σ_{t in the window} h[t] s[t]^T )

with â_before the trace at the end of the window before: what waits in the window itself is in h, what entered earlier
is in â_before. The second sum needs spikes alone, event by event; memory is O(w), and nothing is divided by λ. At w = 1
it is OTTT as it stands; for w = T it is BPTT's form with one leak.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref.network.neurons import RESETS

from ..cases import Case, fires, networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equality import OTTT, exact_data, require_equal
from ..equations import OTTT_GRADIENT, TRACE, Sketch
from ..examples import chain
from ..identity import Identity, architectures
from ..images import with_images


@dataclass(frozen=True)
class Windowed:
    """A case and the windows' length, w; the last window may be shorter."""

    case: Case
    window: int

    def __str__(self):
        return f"{self.case}\nwindows of {self.window} time steps"


@st.composite
def windowed(draw):
    """Cases of up to seven time steps, with windows of every length."""
    case = draw(networks(time_steps=(2, 7)))
    return Windowed(case, draw(st.integers(1, len(case.inputs))))


def by_windows(window, network, activity, output_errors):
    """OTTT's gradient of every parameter (dialect "derivation"), from windows of `window` steps."""
    gradients = network.zero_gradients()
    recorded = ot.ottt.accumulate(network, activity, output_errors, terms=True).errors
    traces, bias_traces = {}, {}
    for first in range(0, len(output_errors), window):
        steps = range(first, min(first + window, len(output_errors)))
        errors = [[layer[t] for layer in recorded] for t in steps]
        for connection in network.connections:
            _add_window(network, connection, [activity.at(t) for t in steps], errors, gradients, traces, bias_traces)
    return gradients


def _add_window(network, connection, steps, errors, gradients, traces, bias_traces):
    """One window of one connection: what the trace before brings in, then spike by spike; the trace moves on."""
    l, name, bias_input = connection.target, connection.name, network.bias_input
    decay = network.decay(network.trace_layer(l))[0]
    untraced = l == len(network.layers) - 1 and network.readout == "linear"  # the bias of a stateless readout (Q1)
    summed = errors[-1][l] * 0
    for step, error in zip(reversed(steps), reversed([each[l] for each in errors])):
        summed = error + summed * decay
        connection.add_gradients(gradients, error if untraced else summed, step.presynaptic(connection) * 0, bias_input)
        connection.add_gradients(gradients, summed, step.presynaptic(connection), bias_input * 0)
    trace, bias_trace = traces.get(name, steps[0].presynaptic(connection) * 0), bias_traces.get(name, bias_input * 0)
    connection.add_gradients(gradients, summed * decay, trace, bias_input * 0 if untraced else bias_trace)
    for step in steps:
        trace, bias_trace = trace * decay + step.presynaptic(connection), bias_trace * decay + bias_input
    traces[name], bias_traces[name] = trace, bias_trace


def check(case):
    network = case.case.exact_network
    activity, errors = exact_data(case.case)
    expected = OTTT.algebra(network, activity, errors)
    names = list(network.parameters)
    require_equal(by_windows(case.window, network, activity, errors), expected, names)
    live = fires(activity) and 1 < case.window < len(errors) and any(np.any(expected[name] != 0) for name in names)
    return Finding(None, live)


def without_the_trace():
    """Windows that start from nothing forget what entered before them."""
    case = chain(decay=Fraction(1, 2), inputs=(1, 1), weights=([[Fraction(3, 4)]],), targets=[0])
    activity, errors = case.data()
    whole = OTTT.algebra(case.network, activity, errors)["layer0.weight"][0, 0]
    carried = by_windows(1, case.network, activity, errors)["layer0.weight"][0, 0]
    alone = ot.sltt.accumulate(case.network, activity, errors).values["layer0.weight"][0, 0]
    if carried != whole or alone == whole:
        raise Refuted(f"windows of one step should give {whole} with the trace alone, got {carried} and {alone}")
    return f"one neuron, λ = 1/2, w = 1, x = (1, 1), w¹ = 3/4, y = 0: OTTT {whole}, windows without â_before {alone}"


CLAIM = Claim(
    name="F1",
    statement="Σ_t g â^T = Σ_windows (λ h[first] â_before^T + Σ_{t in window} h s^T), h[t] = g[t] + λ h[t+1]",
    hypotheses="windows of any length; any reset, readout, decay, depth and T, recurrent and feedback connections",
    source="theory F1",
    checked="OTTT against its windows, all entries, fractions",
    kind="exact",
    sketch=Sketch(
        formula=(
            r"\sum_t g[t]\, \hat a[t]^\top = \sum_{\text{windows}} \Bigl( \lambda\, h[\text{first}]\, \hat "
            r"a_{\text{before}}^\top + \sum_{t \in \text{window}} h[t]\, s[t]^\top \Bigr)"
        ),
        proof=(
            r"Inside a window, which ends at $e$, the trace is "
            r"$\hat a[t] = \lambda^{t - first + 1} \hat a_{\text{before}} + \sum_{k \le t} \lambda^{t-k} s[k]$. With "
            r"$h[k] = \sum_{t=k}^{e} \lambda^{t-k} g[t]$, that is $h[t] = g[t] + \lambda h[t+1]$, the second part "
            r"becomes $\sum_k h[k]\, s[k]^\top$ as in E1, and the first "
            r"$\lambda h[\text{first}]\, \hat a_{\text{before}}^\top$."
        ),
        equations=(TRACE, OTTT_GRADIENT),
    ),
    strategy=windowed(),
    check=check,
    counterexamples=(Counterexample("the trace goes from window to window", without_the_trace),),
    identities=tuple(
        Identity(
            f"OTTT = its windows of {window}",
            OTTT.algebra,
            partial(by_windows, window),
            with_images(partial(architectures, resets=RESETS, readouts=("spiking", "linear", "leaky"))),
        )
        for window in (1, 5)
    ),
    share=0.5,
)
