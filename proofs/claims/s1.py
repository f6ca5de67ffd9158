"""S1: a rule that runs forwards in time is the same over chunks of a sequence, if its state is carried on.

OTTT, SLTT and RTRL see a time step once, and keep what later ones need: the neurons' states and outputs, and the rule's
own traces or sensitivities. BPTT goes back: over chunks it is truncated BPTT, which lacks every path through a border.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref import losses

from ..cases import Case, fires, networks
from ..claim import Claim, Counterexample, Finding, Refuted
from ..equality import require_equal
from ..equations import OTTT_GRADIENT, RTRL_UPDATE, STATE, TRACE, Sketch
from ..examples import exact

LOSS = losses.MeanSquaredError()
METHODS = (
    (ot.ottt, {}),
    (ot.ottt, {"dialect": "authors"}),
    (ot.sltt, {}),
    (ot.rtrl, {}),
    (ot.rtrl, {"reset_gradient": "kept"}),
)


@dataclass(frozen=True)
class InChunks:
    """A case, and before which time steps its sequence is cut."""

    case: Case
    cuts: tuple

    def __str__(self):
        return f"{self.case}\ncut before the time steps {list(self.cuts)}"


@st.composite
def in_chunks(draw):
    """Cases of at least two time steps, cut once or twice."""
    case = draw(networks(depths=(1, 2), widths=(1, 3), time_steps=(2, 5)))
    steps = st.integers(1, max(1, len(case.inputs) - 1))
    return InChunks(case, tuple(sorted(set(draw(st.lists(steps, min_size=1, max_size=2))))))


def chunk_by_chunk(method, network, inputs, targets, cuts, carry=lambda state: state, **options):
    """The gradients of each chunk; `carry` turns the state after one into that before the next."""
    found, state = [], None
    for first, last in zip((0, *cuts), (*cuts, len(inputs))):
        if first == last:  # in a corner of one time step
            continue
        asked = {"time_steps": len(inputs), "initial_state": state, **options}
        found.append(method.gradients(network, inputs[first:last], targets, LOSS, **asked))
        state = carry(found[-1].final_state)
    return found


def check(drawn):
    case = drawn.case
    network, inputs = case.exact_network, case.exact_inputs
    live = fires(ot.simulate(network, inputs)) and len(inputs) > 1
    for method, options in METHODS:
        whole = method.gradients(network, inputs, case.targets, LOSS, **options)
        chunks = chunk_by_chunk(method, network, inputs, case.targets, drawn.cuts, **options)
        total = {name: sum(chunk[name] for chunk in chunks) for name in whole}
        require_equal(total, whole, list(network.parameters))
        require_equal(chunks[-1].final_state, whole.final_state, list(whole.final_state))
        if sum(chunk.loss for chunk in chunks) != whole.loss:
            raise Refuted(f"the chunks' losses add up to {sum(chunk.loss for chunk in chunks)}, not {whole.loss}")
        live = live and any(np.any(value != 0) for value in whole.values())
    return Finding(None, live)


def _blackboard():
    """1-1-1, λ = 1/2, V_th = 1, w = 1/4 and 1, x = (1, 0), y = 1: the input waits in the membrane for a time step."""
    neuron = ot.LIF(Fraction(1, 2), Fraction(1), surrogate=ot.surrogate.Triangle(Fraction(2), Fraction(1, 2)))
    layers = [
        ot.Layer(ot.Dense(exact([[Fraction(1, 4)]]), False), neuron),
        ot.Layer(ot.Dense(exact([[1]]), False), ot.Integrator()),
    ]
    return ot.Network(layers), exact([[[1]], [[0]]]), exact([[1]])


def _compared(method, name, carry=lambda state: state):
    network, inputs, targets = _blackboard()
    whole = method.gradients(network, inputs, targets, LOSS)["layer0.weight"][0, 0]
    chunks = chunk_by_chunk(method, network, inputs, targets, (1,), carry)
    total = sum(chunk["layer0.weight"] for chunk in chunks)[0, 0]
    if total == whole:
        raise Refuted(f"{name} in two chunks should not be that of the whole sequence, got {whole} twice")
    return f"1-1-1, λ = 1/2, T = 2, x = (1, 0), w¹ = 1/4, w² = 1, y = 1: ∇w¹ of {name} {whole}, in two chunks {total}"


def truncated_bptt():
    """BPTT's gradient of the second chunk lacks the input of the first, which waits in the membrane."""
    return _compared(ot.bptt, "BPTT")


def traces_forgotten():
    """OTTT with the neurons' states alone carried: its trace starts anew."""
    return _compared(ot.ottt, "OTTT", lambda state: state.without_rule())


CLAIM = Claim(
    name="S1",
    statement="OTTT, SLTT and RTRL over chunks of a sequence, their state carried, give the whole sequence's gradient",
    hypotheses="the rule runs forwards in time; its state and the network's are carried; 1/T of the whole sequence; "
    "the parameters stay",
    source="the rules' recursions; Williams and Zipser 1989 for RTRL",
    checked="gradients, loss and last state: public functions over fractions, cut at any time steps",
    kind="exact",
    sketch=Sketch(
        formula=r"\nabla_{[0,T)} = \nabla_{[0,t)} + \nabla_{[t,T)}\big|_{\text{state of } t}",
        proof=(
            r"Such a rule's part of time step $t$ is a function of what happens at $t$ and of a state, which is a "
            r"function of the state before and of what happens at $t$. So the parts of a chunk depend on what came "
            r"before by its first state alone, and the gradient is the sum of the parts. BPTT's part of $t$ depends on "
            r"$\delta[t+1]$, which a chunk that ends at $t$ does not know."
        ),
        equations=(STATE, TRACE, OTTT_GRADIENT, RTRL_UPDATE),
    ),
    strategy=in_chunks(),
    check=check,
    counterexamples=(
        Counterexample("the rule runs forwards in time", truncated_bptt),
        Counterexample("its state is carried", traces_forgotten),
    ),
    share=0.3,
)
