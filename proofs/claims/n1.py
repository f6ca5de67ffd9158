"""N1 and what both claims of neurons' own parameters need: networks whose decays and thresholds are each neuron's own.

N1: RTRL = BPTT for decays, thresholds and the decays of currents, one for each neuron or for the layer, detached and
kept. It is E6, for parameters that act inside the neurons.
"""

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref import losses
from ottt_ref.network.neurons import RESET_GRADIENTS

from ..cases import DECAYS, Case, alike, eighths, fires, networks
from ..claim import Claim, Finding
from ..equality import bptt, exact_data, require_equal, rtrl
from ..equations import BPTT_ERROR, OWN_GRADIENT, RTRL_UPDATE, Sketch


@dataclass(frozen=True)
class OwnCase:
    """A case whose neurons have numbers of their own, which are learned.

    case        weights, readout, inputs, targets
    decays, thresholds, current_decays   by layer, rows of one Fraction for each neuron, or of one for the layer; of a
                leaky readout the decays alone; without current_decays the neurons are LIF
    """

    case: Case
    decays: tuple
    thresholds: tuple
    current_decays: tuple

    @property
    def exact_network(self):
        """The network over fractions.Fraction."""
        return self.case.exact_network.mapped(neuron_of=self._neuron)

    @property
    def exact_inputs(self):
        """Inputs [T, B, n_in] as Fractions."""
        return self.case.exact_inputs

    @property
    def targets(self):
        """Class labels [B]."""
        return self.case.targets

    def _neuron(self, l, neuron):
        if not neuron.spiking:
            leaky = self.case.readout == "leaky"
            return ot.Integrator(_array(self.decays[l]), ("decay",)) if leaky else neuron
        options = {
            "threshold": _array(self.thresholds[l]),
            "reset": neuron.reset,
            "surrogate": neuron.surrogate,
            "reset_potential": neuron.reset_potential,
        }
        decay = _array(self.decays[l])
        if not self.current_decays:
            return ot.LIF(decay, **options, trainable=("decay", "threshold"))
        current = _array(self.current_decays[l])
        return ot.CubaLIF(decay, current, **options, trainable=("decay", "current_decay", "threshold"))

    def __str__(self):
        rows = {"decays": self.decays, "thresholds": self.thresholds, "decays of currents": self.current_decays}
        own = [f"{name}: " + "; ".join(" ".join(map(str, row)) for row in each) for name, each in rows.items() if each]
        return "\n".join([str(self.case), "in place of that decay and threshold:", *own])


def _array(row):
    return ot.exact_array(np.array(row, dtype=object))


@st.composite
def own_networks(draw, **options):
    """Small cases of `networks`, with numbers of their own: for each neuron, or for the layer."""
    case = draw(networks(widths=(1, 3), batch_sizes=(1, 2), **options))
    sizes = case.sizes[1:]
    shared = draw(st.booleans())

    def rows(elements, count=len(sizes)):
        return tuple(alike(draw, 1 if shared else n, 1, elements) for n in sizes[:count])

    def flat(found):
        return tuple(tuple(row[0] for row in rows_of) for rows_of in found)

    two_leaks = draw(st.booleans())
    return OwnCase(
        case=replace(case, delays=(), skips=()),
        decays=flat(rows(st.sampled_from(DECAYS))),
        thresholds=flat(rows(eighths(0.5, 1.5, simplest=1))),
        current_decays=flat(rows(st.sampled_from(DECAYS))) if two_leaks else (),
    )


def own_names(network):
    """The names of the neurons' own parameters."""
    return [name for _, _, name in network.neuron_parameters]


def check_exactly(case, sides, parameters):
    """Compare two sides over fractions, the algebra and what the public functions return."""
    network = case.exact_network
    activity, errors = exact_data(case)
    names = parameters(network)
    left, right = (side.algebra(network, activity, errors) for side in sides)
    require_equal(left, right, names)
    arguments = (network, case.exact_inputs, case.targets, losses.MeanSquaredError())
    public = [side.public(*arguments) for side in sides if side.public]
    for found in public:
        require_equal(found, right, names)
    own = [name for name in names if name in own_names(network)]
    return Finding(None, fires(activity) and any(np.any(right[name] != 0) for name in own))


def check(case):
    found = [check_exactly(case, (rtrl(reset), bptt(reset)), lambda network: list(network.parameters))
             for reset in RESET_GRADIENTS]  # fmt: skip
    return found[0]


CLAIM = Claim(
    name="N1",
    statement="RTRL = BPTT for the neurons' own parameters: decays, thresholds, the decays of currents",
    hypotheses="LIF or CubaLIF; one number for each neuron or for the layer; any reset, readout, surrogate, loss, T "
    "and loops; the reset's gradient detached or kept",
    source="the chain rule, as E6",
    checked="all entries, the weights' too: public functions and algebra over fractions",
    kind="exact",
    sketch=Sketch(
        formula=r"\nabla^{\text{RTRL}} \theta = \nabla^{\text{BPTT}} \theta, \quad \theta = \lambda, \alpha, V_{th}",
        proof=(
            r"A neuron's own parameter enters its state, $\partial h[t] / \partial \theta$, and its distance to the "
            r"threshold, $\partial z[t] / \partial \theta$. Both are edges of the same graph as those of the weights, "
            r"and both methods sum the products along the same paths (E6). With the reset kept there is one path "
            r"more: by $\partial z[t] / \partial \theta$ through $s[t]$ into $h[t+1]$. Where neurons share a number, "
            r"its gradient is the sum of theirs."
        ),
        equations=(RTRL_UPDATE, BPTT_ERROR, OWN_GRADIENT),
    ),
    strategy=own_networks(depths=(1, 2), time_steps=(2, 4)),
    check=check,
    share=0.3,
)
