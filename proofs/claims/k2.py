"""K2: the lattice of waits. Each method keeps what the one before it keeps, and more.

A path may wait nowhere (SLTT), in its parameter's own layer (OTTT), in that and the one above (OTPE), everywhere
(BPTT), and over resets as well (BPTT, reset kept). Where it may wait is where BPTT's errors leak back in time.
"""

from fractions import Fraction
from math import comb, prod

import ottt_ref as ot
from ottt_ref.paths import METHODS

from ..cases import networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equality import Side, bptt, check_equality, exact_data
from ..equations import BPTT_ERROR, PATHS, Sketch
from ..examples import chain
from ..identity import Identity, architectures
from ..summed import added_up
from .e2 import with_membrane


def leaking_back(method):
    """For each layer, BPTT's gradient with backward leaks where the method's paths may wait; nothing by loops."""

    def algebra(network, activity, errors):
        selection, result = ot.paths.kept_by(method, network), {}
        for l in range(len(network.layers)):
            leaks_back = [selection.may_wait(k, l) for k in range(len(network.layers))]
            values = ot.bptt.backward(network, activity, errors, leaks_back=leaks_back, delays_back=False).values
            result.update({name: values[name] for connection in network.incoming(l) for name in connection.parameters})
        return result

    return algebra


SIDES = {**{method: Side(leaking_back(method)) for method in ("sltt", "ottt", "otpe")}, "bptt": bptt()}


def membranes_in(method, network, l):
    """In how many membranes a path that starts in layer l may wait."""
    selection = ot.paths.kept_by(method, network)
    above = range(l, len(network.layers))
    return sum(selection.may_wait(k, l) and not network.layers[k].neuron.stateless for k in above)


def way_of(path):
    """Which path it is: its sample, and where it was when, and by which edges it waited."""
    return path.sample, tuple(
        (membrane.layer, membrane.neuron, membrane.arrives, tuple(edge.kind for edge in membrane.edges))
        for membrane in path.membranes
    )


def require_lattice(network, activity, errors, parameter, index):
    """Raise Refuted unless the sets of paths grow from method to method, and are as large as they should be."""
    found = {method: ot.paths.find_in(network, activity, errors, parameter, index, keep=method) for method in METHODS}
    sets = {method: {way_of(path) for path in paths} for method, paths in found.items()}
    what = f"{parameter}{list(index)}"
    for smaller, larger in zip(METHODS, list(METHODS)[1:]):
        if not sets[smaller] <= sets[larger]:
            raise Refuted(f"{what}: {METHODS[larger].label} does not keep every path of {METHODS[smaller].label}")
    if any(connection.loop for connection in network.connections):
        return
    l = network.layer_names.index(parameter.partition(".")[0])
    time_steps, batch_size = errors.shape[:2]
    ways = prod(size for (size,) in network.shapes[l + 1 :]) * batch_size
    for method in SIDES:
        k = membranes_in(method, network, l)
        if not len(sets[method]) == len(found[method]) == ways * comb(time_steps + k, k + 1):
            raise Refuted(
                f"{what}: {METHODS[method].label} keeps {len(found[method])} paths, {len(sets[method])} of them "
                f"different, where {ways} ways over {k} membranes give {ways * comb(time_steps + k, k + 1)}"
            )


def check(case):
    findings = [check_equality(case, side, Side(added_up(method)), with_membrane) for method, side in SIDES.items()]
    network = case.exact_network
    activity, errors = exact_data(case)
    for name in with_membrane(network):
        require_lattice(network, activity, errors, name, (0,) * network.parameters[name].ndim)
    return Finding(max(finding.slack for finding in findings), findings[-1].live)


def outside_of_bptt(reset, readout):
    """One neuron, or one with a stateless readout: a path of OTTT that BPTT has not, and what it adds."""
    case = chain(decay=Fraction(1, 2), inputs=(1, 1), weights=([[1]],), targets=[1], reset=reset)
    layers = [case.network.layers[0]]
    if readout:
        layers.append(ot.Layer(ot.Dense(ot.exact_array([[1]])), ot.Integrator(Fraction(0))))
    network = ot.Network(layers)
    activity = ot.simulate(network, case.inputs)
    found = ot.paths.find_in(
        network, activity, activity.outputs + 1, list(network.parameters)[-2], (0, 0), keep="ottt", nonzero=True
    )
    outside = [path for path in found if "bptt-kept" not in path.methods]
    if not outside:
        raise Refuted("OTTT should keep a path that BPTT does not")
    return sum(path.contribution for path in outside)


def hard_reset():
    """OTTT's trace goes through a hard reset, BPTT's membrane does not."""
    return (
        "one neuron, λ = 1/2, T = 2, x = (1, 1), w = 1, y = -1, hard reset: a path that OTTT alone keeps adds "
        f"{outside_of_bptt('hard', False)}"
    )


def stateless_readout():
    """OTTT traces the input of a readout without a membrane (Q1)."""
    return (
        "1-1 and a linear readout, λ = 1/2, T = 2, x = (1, 1), w = (1, 1), y = -1: paths that OTTT alone keeps add "
        f"{outside_of_bptt('soft', True)} to the gradient of the readout's weight"
    )


CLAIM = Claim(
    name="K2",
    statement="SLTT ⊆ OTTT ⊆ OTPE ⊆ BPTT ⊆ BPTT (kept) as sets of paths: over m ways through the neurons, k membranes "
    "to wait in and T steps, m C(T + k, k + 1) of them. Each sums to BPTT with backward leaks where its paths may wait",
    hypotheses="soft or unleaked reset; not the parameters of a stateless readout; OTPE with the ψ of the time step "
    "itself; the number of paths: detached, layers in a row without loops",
    source="the frame of waits; OTPE: Summe et al. 2023",
    checked="sets of listed paths and their number; sums of all entries against BPTT with these leaks: fractions and "
    "float64",
    kind="exact",
    slack_means="floats at {:.2g} of the rounding bound",
    sketch=Sketch(
        formula=(
            r"\emptyset \subset \{l\} \subset \{l, l+1\} \subset \{l, \ldots, N\}: \qquad \#\{t_0 \le t_1 \le \cdots "
            r"\le t_k\} = \binom{T + k}{k + 1}"
        ),
        proof=(
            r"A path is kept if the layers in which it waits are among those in which it may: a larger set of layers "
            r"keeps all that a smaller one does. A path that waits in layer $k$ takes a backward leak of layer $k$ in "
            r"BPTT's recursion. So to allow waits in a set $A$ of layers is to keep the leaks of $A$ in $\delta^k[t] = "
            r"\psi^k[t] \circ \varepsilon^k[t] + J^k[t] \circ \delta^k[t+1]$ and to put 0 in the place of the others, "
            r"as E2 does for $A = \{l\}$."
            "\n\n"
            r"Without loops, a path is a way through the neurons and the times at which it moves on. It can let time "
            r"pass in $k$ membranes: that is a sequence $t_0 \le t_1 \le \cdots \le t_k$ of $T$ values, and there are "
            r"$\binom{T + k}{k + 1}$. In the last layer with a membrane $k = 1$ for OTTT, OTPE and BPTT: they are one "
            r"(E1)."
        ),
        equations=(BPTT_ERROR, PATHS),
    ),
    strategy=networks(
        resets=("soft", "unleaked"), depths=(1, 3), widths=(1, 2), outputs=(2, 2), time_steps=(2, 3), batch_sizes=(1, 1)
    ),
    check=check,
    counterexamples=(
        Counterexample("the reset is soft or unleaked", hard_reset),
        Counterexample("the readout has a membrane", stateless_readout),
    ),
    identities=tuple(
        Identity(
            f"{METHODS[method].label}'s paths = BPTT with leaks where they wait",
            leaking_back(method),
            added_up(method),
            architectures,
            with_membrane,
        )
        for method in ("sltt", "ottt", "otpe")
    ),
    share=0.15,
)
