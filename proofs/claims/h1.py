"""H1: OTTT is a three-factor Hebbian rule, local in space and in time.

What time step t adds to ∇W^l[i, j] depends on the presynaptic neuron j only through its trace (its own spikes up to t;
up to t - 1 through a recurrent or feedback synapse), on the postsynaptic neuron i only through ψ_i[t], and on the rest
of the network only through the top-down error at i, which is made of the step's own output error, of ψ[t] and of
weights above l within the time step: of nothing later than t, of no other neuron's spikes, of no weight of a loop, and
not of W^l[i, j] itself.

The kernels run on provenance numbers, which carry no value but the set of variables that they were made of. Nothing is
sampled in the values: a case is an architecture, and its check covers every network of that architecture.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref.simulation.simulator import Activity

from ..claim import Claim, Counterexample, Finding, Refuted
from ..corners import here
from ..equations import OTTT_ERROR, OTTT_GRADIENT, TRACE, Sketch
from ..number_systems.provenance import variable, variables_of


@dataclass(frozen=True)
class Architecture:
    """Layer sizes [n_in, ..., n_out], what the output is, the dialect, T and B; whether layers hear themselves, and
    the first spiking layer the last.
    """

    sizes: tuple
    readout: str
    dialect: str
    time_steps: int
    batch_size: int
    recurrent: bool = False
    feedback: bool = False

    def network(self):
        """The network with a variable in place of each parameter."""
        neuron = ot.LIF(decay=Fraction(1, 2))
        neurons = [neuron] * (len(self.sizes) - 1)
        if self.readout != "spiking":
            neurons[-1] = ot.Integrator(Fraction(1, 2) if self.readout == "leaky" else Fraction(0))
        layers = []
        for l, (fan_in, fan_out, layer_neuron) in enumerate(zip(self.sizes, self.sizes[1:], neurons)):
            synapses = ot.Dense(
                variables("weight", (l - 1, l), shape=(fan_out, fan_in)), variables("bias", l, shape=(fan_out,))
            )
            loop = self._delayed(l, l) if self.recurrent and layer_neuron.spiking else None
            layers.append(ot.Layer(synapses, layer_neuron, loop))
        last = max(l for l, layer_neuron in enumerate(neurons) if layer_neuron.spiking)
        back = [ot.Feedback(last, 0, self._delayed(last, 0))] if self.feedback and last > 0 else []
        return ot.Network(layers, feedback=back)

    def _delayed(self, source, target):
        shape = (self.sizes[target + 1], self.sizes[source + 1])
        return ot.Dense(variables("delayed weight", (source, target), shape=shape), False)

    def activity(self, network):
        """An activity with a variable in place of each input, spike, potential and surrogate derivative."""
        layers = range(len(network.layers))
        return Activity(
            self._sequence("spike", -1),
            tuple((self._sequence("potential", l),) for l in layers),
            tuple(self._sequence("spike", l) for l in layers),
            tuple(self._sequence("psi", l) for l in layers),
            network.spiking,
        )

    def output_errors(self):
        """A variable in place of each ∂L[t]/∂o[t], [T, B, n_out]."""
        return self._sequence("error", len(self.sizes) - 2)

    def _sequence(self, kind, l):
        return variables(kind, l, shape=(self.time_steps, self.batch_size, self.sizes[l + 1]))


def variables(*label, shape):
    """An array of distinct variables (kind, layer, *index): of a sequence the index is (t, b, i)."""
    result = np.empty(shape, dtype=object)
    for index in np.ndindex(shape):
        result[index] = variable(*label, *index)
    return result


@st.composite
def architectures(draw):
    """Up to four layers of up to three neurons, T up to 4, B up to 2."""
    widths, time_steps, batch_sizes, corner = (1, 3), (1, 4), (1, 2), here()
    if corner is not None:
        widths, time_steps = corner.neurons(*widths), corner.steps(*time_steps)
        batch_sizes = corner.samples(*batch_sizes)
    return Architecture(
        sizes=tuple(draw(st.lists(st.integers(*widths), min_size=3, max_size=5))),
        readout=draw(st.sampled_from(["linear", "spiking", "leaky"])),
        dialect=draw(st.sampled_from(["derivation", "authors"])),
        time_steps=draw(st.integers(*time_steps)),
        batch_size=draw(st.integers(*batch_sizes)),
        recurrent=draw(st.booleans()),
        feedback=draw(st.booleans()),
    )


def check(architecture):
    network = architecture.network()
    activity, errors = architecture.activity(network), architecture.output_errors()
    sums = ot.ottt.accumulate(network, activity, errors, dialect=architecture.dialect, terms=True)
    require_local(network, sums.terms)
    return Finding(None, True, certified=True)


def require_local(network, terms):
    """Raise Refuted at the first per-step update that uses what it should not, or nothing where it should something."""
    for connection in network.connections:
        for name in connection.parameters:
            is_bias = name.endswith("bias")
            for t, i, *rest in np.ndindex(terms[name].shape):
                used = variables_of(terms[name][t, i, *rest])
                j = None if is_bias else rest[0]
                stray = [label for label in used if not _allowed(label, connection, t, i, j)]
                if stray:
                    raise Refuted(f"{name}{[i, *rest]} at t = {t} uses {_readable(min(stray))}, which it must not")
                if not used and not (connection.loop and t == 0):  # there are no spikes before the first time step
                    raise Refuted(f"{name}{[i, *rest]} at t = {t} depends on nothing")


def _allowed(label, connection, t, i, j):
    """Whether time step t's update of the connection's weight [i, j] (of its bias [i] where j is None) may use it."""
    kind, layer, *index = label
    l = connection.target
    if kind == "spike":  # the trace of the presynaptic neuron
        return layer == connection.source and index[0] <= t - connection.delay and index[2] == j
    if kind == "psi":  # the postsynaptic neuron's own, and what the top-down error crosses
        return index[0] == t and (layer > l or (layer == l and index[2] == i))
    if kind == "weight":  # the top-down error at i comes by the synapses of i into the layer above, and from there
        source = layer[0]
        return source > l or (source == l and index[1] == i)
    return kind == "error" and index[0] == t


def _readable(label):
    kind, layer, *index = label
    names = {"spike": f"the spike of layer {layer}", "psi": f"ψ of layer {layer}", "error": "the output error"}
    return f"{names.get(kind, f'the {kind} of {layer}')} at {tuple(index)}"


def bptt_from_the_future():
    """BPTT's term of the first time step is made of errors of the later ones."""
    architecture = Architecture((1, 1, 1), "spiking", "derivation", 3, 1)
    network = architecture.network()
    terms = ot.bptt.backward(network, architecture.activity(network), architecture.output_errors(), terms=True).terms
    times = sorted(label[2] for label in variables_of(terms["layer0.weight"][0, 0, 0]) if label[0] == "error")
    if times != [0, 1, 2]:
        raise Refuted(f"BPTT's first term should use the errors of all three steps, got those of {times}")
    return f"1-1-1, T = 3: BPTT's term of t = 0 for the first weight is made of the output errors at t = {times}"


CLAIM = Claim(
    name="H1",
    statement="an update at t uses the presynaptic trace, the postsynaptic ψ[t] and the top-down error at t alone",
    hypotheses="OTTT, both dialects; any architecture, recurrent and feedback connections included",
    source="theory H1; Xiao et al. 2022, section 4.4 (three-factor Hebbian rule)",
    checked="what each step's update of each synapse is made of, and that nothing else is in it (provenance)",
    kind="exact",
    sketch=Sketch(
        formula=r"\Delta W_{ij}[t] = - \eta \cdot \hat a_j[t] \cdot \psi_i[t] \cdot \varepsilon_i[t]",
        proof=(
            r"By the recursion of the errors, $g^l_i[t] = \psi^l_i[t]\, \varepsilon^l_i[t]$, and $\varepsilon^l[t]$ is "
            r"made of $e[t]$, of $\psi^k[t]$ and of $W^k$ with $k > l$ alone: by induction from the last layer down. "
            r"The trace $\hat a_j[t]$ is made of the spikes of neuron $j$ up to $t$ alone: by induction over $t$. The "
            r"update is their product."
            "\n\n"
            r"That the code is so is read off its algebra: the kernels run on numbers that carry no value, but the set "
            r"of variables that they were made of. At every step and synapse the set holds the presynaptic neuron's "
            r"own spikes up to now, the postsynaptic neuron's $\psi$ now, and what the top-down error is made of: the "
            r"output error now, and $\psi$ and weights above. Nothing of a later step is in it, no weight of a loop, "
            r"and nothing of another synapse of the same layer."
        ),
        equations=(TRACE, OTTT_ERROR, OTTT_GRADIENT),
    ),
    strategy=architectures(),
    check=check,
    counterexamples=(Counterexample("the method is OTTT", bptt_from_the_future),),
    share=0.5,
)
