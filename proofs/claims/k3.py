"""K3: the kernel of waits. How much of a spike's past each method keeps.

With one λ, and ψ constant in time, the paths of a spike that is n time steps old go through its own membrane and the d
above it. They share n steps among d + 1 membranes, in C(n + d, d) ways of the weight λ^n each. OTTT has one of these
ways, all n steps in its own membrane; OTPE n + 1, in two; SLTT none but for n = 0.
"""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from math import comb, prod

import numpy as np

import ottt_ref as ot
from ottt_ref.paths import METHODS

from ..cases import networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equality import Side, bptt, check_equality, exact_data
from ..equations import BPTT_ERROR, KERNEL, OTTT_ERROR, PATHS, Sketch
from ..examples import chain
from ..identity import Architecture, Identity
from .e2 import with_membrane

FARTHEST = 6  # d up to which sums of the kernel are checked
LARGEST_SHARE = {"sltt": -1, "ottt": 0, "otpe": 1}  # of which d it is the kernel that a method keeps, at most


def held(activity):
    """The activity with the ψ of the first time step at all of them."""
    psi = tuple(np.repeat(each[:1], len(each), axis=0) for each in activity.layer_surrogate_derivatives)
    return replace(activity, layer_surrogate_derivatives=psi)


def above(network, l):
    """d, the number of membranes above layer l."""
    return sum(not layer.neuron.stateless for layer in network.layers[l + 1 :])


def binomial_trace(values, t, decay, d):
    """Σ_n C(n + d, d) λ^n x[t - n] of values x [T, ...], added up from the oldest."""
    total = values[0] * 0
    for n in reversed(range(t + 1)):
        weighted = values[t - n]
        for _ in range(n):
            weighted = weighted * decay
        total = total + weighted * comb(n + d, d)
    return total


def with_kernel(kept):
    """OTTT's errors, with ψ held, paired with the kernel's traces: `kept(d)` is the d of the kernel, -1 for none."""

    def algebra(network, activity, errors):
        activity, result = held(activity), network.zero_gradients()
        instantaneous = ot.ottt.accumulate(network, activity, errors, terms=True).errors
        ones = np.array([network.bias_input] * len(errors))
        for connection in network.connections:
            l = connection.target
            neuron, d = network.layers[l].neuron, kept(above(network, l))
            values = activity.output_of(connection.source)
            for t, error in enumerate(instantaneous[l]):
                if neuron.stateless or d < 0:
                    presynaptic, constant = values[t], ones[t]
                else:
                    presynaptic, constant = (binomial_trace(each, t, neuron.decay, d) for each in (values, ones))
                connection.add_gradients(result, error, presynaptic, constant)
        return result

    return Side(algebra)


def of_held(algebra):
    """A side on the activity whose ψ is held."""
    return Side(lambda network, activity, errors: algebra(network, held(activity), errors))


def keeping(method):
    """The sum over a method's paths, with ψ held."""
    return of_held(lambda *data: ot.paths.accumulate(*data, keep=method))


COMPARISONS = (
    (of_held(bptt().algebra), with_kernel(lambda d: d)),
    *((keeping(method), with_kernel(lambda d, most=most: min(d, most))) for method, most in LARGEST_SHARE.items()),
)


def require_ways(network, activity, errors, name):
    """Raise Refuted unless the listed paths of each age are as many as the kernel says."""
    l = network.layer_names.index(name.partition(".")[0])
    d, ways = above(network, l), prod(size for (size,) in network.shapes[l + 1 :])
    found = ot.paths.find_in(network, activity, errors, name, (0,) * network.parameters[name].ndim, keep="bptt")
    for method in METHODS:
        number = Counter((path.sample, path.arrives, path.ends) for path in found if method in path.methods)
        most = min(d, LARGEST_SHARE.get(method, d))
        for sample, arrives, ends in {(path.sample, path.arrives, path.ends) for path in found}:
            n = ends - arrives
            expected = ways * (comb(n + most, n) if most >= 0 else n == 0)
            if number[sample, arrives, ends] != expected:
                raise Refuted(
                    f"{name}, {METHODS[method].label}: {number[sample, arrives, ends]} paths of lag {n} over {d} "
                    f"membranes above, where the kernel says {expected}"
                )


def kernel_sum(decay, d, last):
    """Σ_{n <= last} C(n + d, d) λ^n."""
    return sum(comb(n + d, d) * decay**n for n in range(last + 1))


def require_sums(decay, last):
    """Raise Refuted unless (1 - λ)^(d+1) Σ_{n <= last} C(n + d, d) λ^n is 1 less what vanishes with `last`."""
    for d in range(FARTHEST + 1):
        kept = (1 - decay) ** (d + 1) * kernel_sum(decay, d, last)
        trials = last + d + 1
        missing = sum(comb(trials, k) * (1 - decay) ** k * decay ** (trials - k) for k in range(d + 1))
        if kept != 1 - missing:
            raise Refuted(
                f"λ = {decay}, d = {d}: the kernel's sum up to {last} is {kept} of its limit, not {1 - missing}"
            )


def check(case):
    findings = [check_equality(case, *comparison, with_membrane) for comparison in COMPARISONS]
    network = case.exact_network
    activity, errors = exact_data(case)
    for name in with_membrane(network):
        require_ways(network, activity, errors, name)
    require_sums(case.neuron.decay, len(errors))
    return Finding(max(finding.slack for finding in findings), findings[0].live)


def rows(depth, width, time_steps):
    """Layers in a row without loops: the largest, and modest ones of each reset and readout."""
    width_, steps = min(width, 3), min(time_steps, 6)
    modest = [
        Architecture((width_,) * (depth + 1) + (() if readout == "spiking" else (2,)), steps, readout, reset)
        for reset in ("soft", "unleaked")
        for readout in ("spiking", "linear", "leaky")
    ]
    return [Architecture((width,) * (depth + 1), time_steps), *modest]


def gradients_of(network, inputs, side, held_psi=True):
    """∇w of the first layer, of errors s + 1, by a side."""
    activity = ot.simulate(network, inputs)
    errors = activity.outputs + 1
    return side.algebra(network, held(activity) if held_psi else activity, errors)["layer0.weight"][0, 0]


def two_decays():
    """Two neurons in a row of λ = 1/2 and 1/4: a spike that is one step old has the weight 3/4."""
    case = chain(decay=Fraction(1, 2), inputs=(1, 0), weights=([[Fraction(5, 4)]], [[Fraction(3, 4)]]), targets=[0])
    first, second = case.network.layers
    network = ot.Network([first, replace(second, neuron=replace(second.neuron, decay=Fraction(1, 4)))])
    values = {
        "BPTT": gradients_of(network, case.inputs, bptt()),
        "the kernel": gradients_of(network, case.inputs, with_kernel(lambda d: d)),
    }
    return differing(values, "1-1-1, λ = 1/2 and 1/4, ψ held, T = 2, x = (1, 0), w = (5/4, 3/4), y = -1")


def psi_that_changes():
    """Two neurons in a row whose ψ is not the same at both time steps."""
    case = chain(decay=Fraction(1, 2), inputs=(1, 0), weights=([[Fraction(5, 4)]], [[Fraction(3, 4)]]), targets=[0])
    values = {
        "BPTT": gradients_of(case.network, case.inputs, bptt(), held_psi=False),
        "the kernel": gradients_of(case.network, case.inputs, with_kernel(lambda d: d)),
    }
    return differing(values, "1-1-1, λ = 1/2, T = 2, x = (1, 0), w = (5/4, 3/4), y = -1")


def reset_kept():
    """One neuron whose reset's gradient is kept: the reset edge takes part of the weight."""
    case = chain(decay=Fraction(1, 2), inputs=(1, 1), weights=([[Fraction(3, 4)]],), targets=[0])
    values = {
        "BPTT (kept)": gradients_of(case.network, case.inputs, bptt("kept")),
        "the kernel": gradients_of(case.network, case.inputs, with_kernel(lambda d: d)),
    }
    return differing(values, "one neuron, λ = 1/2, ψ held, T = 2, x = (1, 1), w = 3/4, y = -1")


def differing(values, where):
    """The line that says what came out, of two gradients that must differ."""
    if len(set(values.values())) == 1:
        raise Refuted(f"they should differ, got {values}")
    return f"{where}: ∇w¹ by " + ", by ".join(f"{name} {value}" for name, value in values.items())


CLAIM = Claim(
    name="K3",
    statement="one λ, ψ constant in time: with d membranes above, a spike that is n steps old counts C(n + d, d) λ^n "
    "in BPTT, (n + 1) λ^n in OTPE (d > 0), λ^n in OTTT. For λ < 1, as T → ∞, OTTT keeps the share (1 - λ)^d of BPTT's "
    "weight (2^-d at λ = 1/2), OTPE (1 - λ)^(d-1) (d > 0), SLTT (1 - λ)^(d+1)",
    hypotheses="λ the same in every membrane; ψ of each neuron constant in time; layers in a row, without loops; soft "
    "or unleaked reset, detached; not the parameters of a stateless readout",
    source="the frame of waits",
    checked="gradients with ψ held against OTTT's errors paired with the kernel's traces: fractions and float64; the "
    "number of listed paths of each lag; the kernel's sum and its remainder at finite T: fractions",
    kind="exact",
    slack_means="floats at {:.2g} of the rounding bound",
    sketch=Sketch(
        formula=(
            r"\nabla W^l = \sum_t g^l[t] \Bigl( \sum_n \binom{n+d}{d} \lambda^n s^{l-1}[t-n] \Bigr)^{\!\top}, \qquad "
            r"\sum_{n \ge 0} \binom{n+d}{d} \lambda^n = (1 - \lambda)^{-(d+1)}"
        ),
        proof=(
            r"With $\psi$ constant in time, a path's contribution depends on when it waits only by the number $n$ of "
            r"its steps: all else is the product of weights, $\psi$ and the error of its last time step, which is what "
            r"$g^l[t]$ sums. To share $n$ steps among $d + 1$ membranes there are $\binom{n + d}{d}$ ways. That is "
            r"BPTT. OTTT may wait in one membrane, in one way, and OTPE in two, in $n + 1$ ways."
            "\n\n"
            r"The sum over $n$ is the negative binomial series. Cut off after $n = M$, and times $(1 - \lambda)^{d+1}$,"
            r" it is the probability of at least $d + 1$ successes in $K = M + d + 1$ trials that succeed with $1 - "
            r"\lambda$: it is $1 - \sum_{k \le d} \binom{K}{k} (1 - \lambda)^k \lambda^{K - k}$, and what is missing "
            r"vanishes with $M$. OTTT's weight has the limit $(1 - \lambda)^{-1}$, OTPE's $(1 - \lambda)^{-2}$, SLTT's "
            r"is 1: divide by BPTT's $(1 - \lambda)^{-(d+1)}$."
        ),
        equations=(BPTT_ERROR, OTTT_ERROR, KERNEL, PATHS),
    ),
    strategy=networks(
        resets=("soft", "unleaked"),
        depths=(1, 3),
        widths=(1, 2),
        time_steps=(2, 4),
        batch_sizes=(1, 1),
        loops=("none",),
    ),
    check=check,
    counterexamples=(
        Counterexample("λ is the same in every membrane", two_decays),
        Counterexample("ψ is constant in time", psi_that_changes),
        Counterexample("the reset's gradient is detached", reset_kept),
    ),
    identities=(
        Identity(
            "BPTT with ψ held = OTTT's errors with the kernel's traces",
            COMPARISONS[0][0].algebra,
            COMPARISONS[0][1].algebra,
            rows,
            with_membrane,
        ),
    ),
    share=0.25,
)
