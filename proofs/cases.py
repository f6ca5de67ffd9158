"""Random networks and inputs, drawn by Hypothesis as rational numbers: each case exists exactly and in floats."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref.network.network import object_array

from .corners import here

DECAYS = [Fraction(1, 2), Fraction(1), Fraction(1, 4), Fraction(3, 4), Fraction(9, 10), Fraction(0)]
LOOPS = ("none", "recurrent", "feedback")
THRESHOLDS = [Fraction(1), Fraction(1, 2), Fraction(3, 2)]
RATIONAL_SURROGATES = [
    *(ot.surrogate.Triangle(), ot.surrogate.Triangle(2.0, 0.5), ot.surrogate.Rectangle(2.0)),
    ot.surrogate.FastSigmoid(2.0),
]
SMOOTH_SURROGATES = [ot.surrogate.Sigmoid(), ot.surrogate.Arctan(), ot.surrogate.MultiGaussian()]


@dataclass(frozen=True)
class Case:
    """A network, its inputs and targets, in rational numbers.

    weights, biases  by layer, rows of Fractions
    neuron           the LIF neurons of every spiking layer, with rational numbers and a rational surrogate
    readout          "linear", "spiking" or "leaky"
    inputs           [T][B][n_in] Fractions
    labels           [B] class labels
    surrogate        the surrogate of the floating-point network
    loops            (source, target, rows of Fractions) of each recurrent or feedback connection, from spikes at t - 1
    delays           by layer, the time steps from the layer before; () for none
    skips            (source, target, delay, rows of Fractions) of each skip
    loop_delay       of the loops
    """

    weights: tuple
    biases: tuple
    neuron: ot.LIF
    readout: str
    inputs: tuple
    labels: tuple
    surrogate: ot.surrogate.Surrogate
    loops: tuple = ()
    delays: tuple = ()
    skips: tuple = ()
    loop_delay: int = 1

    @property
    def exact_network(self):
        """The network over fractions.Fraction."""
        return self._network(object, self.neuron.rebuilt(None, Fraction))

    @property
    def float_network(self):
        """The network in float64, with the case's own surrogate."""
        return self._network(np.float64, replace(self.neuron.rebuilt(None, float), surrogate=self.surrogate))

    @property
    def exact_inputs(self):
        """Inputs [T, B, n_in] as Fractions."""
        return ot.exact_array(np.array(self.inputs, dtype=object))

    @property
    def float_inputs(self):
        """Inputs [T, B, n_in] in float64."""
        return np.array(self.inputs, dtype=np.float64)

    @property
    def targets(self):
        """Class labels [B]."""
        return np.array(self.labels, dtype=np.int64)

    @property
    def sizes(self):
        """[n_in, n_1, ..., n_out]."""
        return [len(self.weights[0][0]), *(len(rows) for rows in self.weights)]

    def _network(self, dtype, neuron):
        neurons = [neuron] * len(self.weights)
        if self.readout != "spiking":
            neurons[-1] = ot.Integrator(neuron.decay if self.readout == "leaky" else neuron.decay * 0)
        back = {
            (source, target): ot.Dense(np.array(weight, dtype=dtype), False) for source, target, weight in self.loops
        }
        delays, layers = self.delays or (0,) * len(neurons), []
        for l, (weight, bias, neuron, delay) in enumerate(zip(self.weights, self.biases, neurons, delays)):
            synapses = ot.Dense(np.array(weight, dtype=dtype), np.array(bias, dtype=dtype))
            loop = back.pop((l, l), None)
            layers.append(ot.Layer(synapses, neuron, loop, delay, 1 if loop is None else self.loop_delay))
        skips = [
            ot.Skip(source, target, ot.Dense(np.array(weight, dtype=dtype), False), delay)
            for source, target, delay, weight in self.skips
        ]
        feedback = [ot.Feedback(*ends, synapses, self.loop_delay) for ends, synapses in back.items()]
        return ot.Network(layers, feedback=feedback, skips=skips)

    def __str__(self):
        lines = [
            f"sizes {self.sizes}, readout {self.readout}, T = {len(self.inputs)}, B = {len(self.labels)}",
            f"decay {self.neuron.decay}, threshold {self.neuron.threshold}, reset {self.neuron.reset}"
            f" to {self.neuron.reset_potential}"
            f", surrogate {self.neuron.surrogate} in exact numbers, {self.surrogate} in floats",
        ]
        for l, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            lines.append(f"W[{l}] = {_rows(weight)}, b[{l}] = {_row(bias)}")
        for source, target, weight in self.loops:
            lines.append(f"from layer {source} at t - {self.loop_delay} to layer {target}: {_rows(weight)}")
        if any(self.delays):
            lines.append(f"delays of the row of layers {self.delays}")
        for source, target, delay, weight in self.skips:
            lines.append(f"from layer {source} at t - {delay} to layer {target}: {_rows(weight)}")
        lines.append("inputs by time step: " + "; ".join(_rows(step) for step in self.inputs))
        lines.append(f"targets {list(self.labels)}")
        return "\n".join(lines)


def _row(numbers):
    return "(" + " ".join(str(number) for number in numbers) + ")"


def _rows(matrix):
    return " ".join(_row(row) for row in matrix)


def eighths(low, high, simplest=0):
    """Multiples of 1/8 from low to high, which shrink towards `simplest`."""
    low, high, simplest = (round(8 * number) for number in (low, high, simplest))
    return st.integers(low - simplest, high - simplest).map(lambda k: Fraction(k + simplest, 8))


def matrix(draw, rows, columns, elements):
    """`rows` tuples of `columns` numbers each."""
    flat = draw(st.lists(elements, min_size=rows * columns, max_size=rows * columns))
    return tuple(tuple(flat[r * columns : (r + 1) * columns]) for r in range(rows))


def alike(draw, rows, columns, elements):
    """`matrix`, but in a corner all rows are the same: the synapses of neurons that are, or samples."""
    if here() is None:
        return matrix(draw, rows, columns, elements)
    return matrix(draw, 1, columns, elements) * rows


@st.composite
def networks(
    draw,
    *,
    depths=(1, 3),
    widths=(1, 4),
    outputs=(2, 3),
    time_steps=(1, 5),
    batch_sizes=(1, 2),
    decays=DECAYS,
    resets=("soft", "unleaked", "hard"),
    readouts=("linear", "spiking", "leaky"),
    surrogates=(*SMOOTH_SURROGATES, *RATIONAL_SURROGATES),
    positive_inputs=False,
    loops=LOOPS,
):
    """Cases with `depths` spiking layers of `widths` neurons, `outputs` outputs, and what the other arguments allow.

    `loops` may hold "none", "recurrent" (within a layer) and "feedback" (from a later layer to an earlier one, where
    there are two that spike; recurrent otherwise).
    Weights lie in [-1, 2] and inputs, currents, in [-1/2, 5/2] (with positive_inputs in [0, 5/2]); both shrink to 1,
    biases in [-1/4, 1/2] to 0: most networks fire, and few neurons always do. In a corner (`corners`) the ranges are
    narrower, and neurons of a layer, or samples, are the same.
    """
    corner = here()
    if corner is not None:
        decays, time_steps = corner.decays(decays), corner.steps(*time_steps)
        batch_sizes, widths, outputs = corner.samples(*batch_sizes), corner.neurons(*widths), corner.neurons(*outputs)
    readout = draw(st.sampled_from(readouts))
    layers = draw(st.integers(*depths)) + (readout != "spiking")
    sizes = [draw(st.integers(*widths)) for _ in range(layers)] + [draw(st.integers(*outputs))]
    steps, batch = draw(st.integers(*time_steps)), draw(st.integers(*batch_sizes))
    weights, biases = [], []
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        weights.append(alike(draw, fan_out, fan_in, eighths(-1, 2, simplest=1)))
        biases.append(tuple(row[0] for row in alike(draw, fan_out, 1, eighths(-0.25, 0.5))))
    currents = eighths(0 if positive_inputs else -0.5, 2.5, simplest=1)
    return Case(
        weights=tuple(weights),
        biases=tuple(biases),
        neuron=ot.LIF(
            decay=draw(st.sampled_from(decays)),
            threshold=draw(st.sampled_from(THRESHOLDS)),
            reset=draw(st.sampled_from(resets)),
            reset_potential=draw(st.sampled_from([Fraction(0), Fraction(-1, 4), Fraction(1, 4)])),
            surrogate=draw(st.sampled_from(RATIONAL_SURROGATES)),
        ),
        readout=readout,
        inputs=tuple(alike(draw, batch, sizes[0], currents) for _ in range(steps)),
        labels=tuple(draw(st.lists(st.integers(0, sizes[-1] - 1), min_size=batch, max_size=batch))),
        surrogate=draw(st.sampled_from(surrogates)),
        loops=_loops(draw, sizes[1:] if readout == "spiking" else sizes[1:-1], draw(st.sampled_from(loops))),
    )


def _loops(draw, widths, kind):
    """One loop of the given kind, and perhaps a second that is recurrent; weights in [-1, 1]."""
    if kind == "none":
        return ()
    target = draw(st.integers(0, len(widths) - 1))
    source = draw(st.integers(target, len(widths) - 1)) if kind == "feedback" else target
    ends = {(source, target)} | ({(source, source)} if draw(st.booleans()) else set())
    return tuple((k, l, alike(draw, widths[l], widths[k], eighths(-1, 1, simplest=1))) for k, l in sorted(ends))


def fires(activity):
    """Whether in every spiking layer some neuron fires at some time step, and somewhere a neuron does not."""
    return all(np.any(spikes == 1) for spikes in activity.spikes) and any(
        np.any(spikes == 0) for spikes in activity.spikes
    )


def with_numbers(activity, convert):
    """The same activity with every number turned by `convert`, in object arrays."""
    return replace(
        activity,
        inputs=object_array(activity.inputs, convert),
        layer_states=tuple(
            tuple(object_array(values, convert) for values in states) for states in activity.layer_states
        ),
        layer_outputs=tuple(object_array(values, convert) for values in activity.layer_outputs),
        layer_surrogate_derivatives=tuple(
            object_array(values, convert) for values in activity.layer_surrogate_derivatives
        ),
    )
