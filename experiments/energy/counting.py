"""The kernels run on counting numbers: what an inference takes, and what each method's update takes.

The activity that an update is computed from is simulated in floats first, and then becomes counting numbers: spikes are
marked as spikes. What is 0 takes no operation: a pixel, a trace of what never fired, a spike that is silent.
"""

from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module

import numpy as np

import ottt_ref as ot
from ottt_ref.cli.programs import find
from ottt_ref.kernel import rows
from ottt_ref.network.network import object_array
from ottt_ref.network.neurons import leaky_accumulate
from ottt_ref.simulation.rates import rate_normaliser
from ottt_ref.simulation.simulator import Activity, Simulator

count = import_module(f"{find('proofs')}.number_systems.count")  # beside this package in a wheel, and in a checkout
PARTS = ("forward", "neurons", "errors", "pairing", "state")
LARGEST_RTRL = 1_000_000  # parameters times synapses times T: counting more would take minutes


class TooLargeError(Exception):
    """A count that would take too long; the message says how much there is to count."""


class Meter:
    """A tally, and what was counted in it by part and layer.

    forward  synaptic currents          neurons  leak, reset and bias of the membranes
    errors   errors through weights     pairing  of errors with what they are paired with, into gradients
    state    the rest: traces, ψ ∘ errors, leaks of BPTT's errors, RTRL's sensitivities, SR's rates
    """

    def __init__(self):
        self.tally, self.parts = count.Tally(), {}

    def forget(self):
        """Begin anew."""
        self.tally.__init__()
        self.parts.clear()

    @contextmanager
    def part(self, *key):
        """A `with` block whose operations go to the part, but for those of parts within it."""
        before, inside = self._now(), self._inside()
        yield
        counts = self._now() - before - (self._inside() - inside)
        self.parts[key] = self.parts.get(key, np.zeros(2, dtype=int)) + counts

    def _now(self):
        return np.array([self.tally.multiply_accumulates, self.tally.accumulates])

    def _inside(self):
        return sum(self.parts.values(), np.zeros(2, dtype=int))

    def number(self, value):
        """A real number that is counted here."""
        return count.Counted(float(value), self.tally)

    def spike(self, value):
        """A spike, 0 or 1, whose products are gated; others come when operations are tried out."""
        return count.Counted(float(value), self.tally, spike=value in (0, 1))


class MeteredDense(ot.Dense):
    """Synapses whose operations go to a Meter: those of layer l."""

    def __init__(self, meter, l, weight, bias):
        super().__init__(object_array(weight, meter.number), object_array(bias, meter.number))
        self.meter, self.l = meter, l

    def forward(self, values, bias_input):
        # The simulator writes spikes as the integers 0 and 1, which are constants to a counting number.
        marked = object_array(values, lambda value: self.meter.spike(value) if type(value) is int else value)
        with self.meter.part("forward", self.l):
            return super().forward(marked, bias_input)

    def adjoint(self, error, input_shape):
        with self.meter.part("errors", self.l):
            return super().adjoint(error, input_shape)

    def add_gradients(self, gradients, error, presynaptic, bias_input):
        with self.meter.part("pairing", self.l):
            super().add_gradients(gradients, error, presynaptic, bias_input)


@dataclass(frozen=True)
class Example:
    """What is counted on: a network of dense layers, inputs [T, 1, n_in], a label [1]; whether inputs are spikes."""

    network: ot.Network
    inputs: np.ndarray
    labels: np.ndarray
    spiking_inputs: bool = False

    def metered(self, meter):
        """The network on counting numbers."""
        layers = [
            ot.Layer(
                MeteredDense(meter, l, layer.synapses.weight, layer.synapses.bias),
                layer.neuron.rebuilt(lambda array: object_array(array, meter.number), meter.number),
            )
            for l, layer in enumerate(self.network.layers)
        ]
        network = ot.Network(layers)  # which tries out operations that are not its own
        meter.forget()
        return network

    def counted_inputs(self, meter):
        """The inputs as counting numbers, marked where they are spikes."""
        return object_array(self.inputs, meter.spike if self.spiking_inputs else meter.number)

    def counted_activity(self, meter):
        """The network's activity in floats, as counting numbers."""
        activity = ot.simulate(self.network, self.inputs)
        last = len(self.network.layers) - 1

        def outputs(l):
            return meter.number if l == last and self.network.readout != "spiking" else meter.spike

        def derivatives(l):  # of the readout ψ is the constant 1, which takes no product
            return int if l == last and self.network.readout != "spiking" else meter.number

        return Activity(
            self.counted_inputs(meter),
            tuple(tuple(object_array(state, meter.number) for state in states) for states in activity.layer_states),
            tuple(object_array(values, outputs(l)) for l, values in enumerate(activity.layer_outputs)),
            tuple(object_array(psi, derivatives(l)) for l, psi in enumerate(activity.layer_surrogate_derivatives)),
            activity.spiking,
        )

    def output_errors(self, meter):
        """∂L[t]/∂o[t] [T, 1, n_out] as counting numbers; the loss itself is not counted."""
        found = ot.sltt.gradients(self.network, self.inputs, self.labels, terms=True)
        return object_array(found.errors[-1], meter.number)


def inference(example):
    """By part and layer, MAC and AC of a forward pass over all time steps."""
    meter = Meter()
    network, inputs = example.metered(meter), example.counted_inputs(meter)
    simulator = Simulator(network, 1, derivatives=False)
    with meter.part("neurons", None):
        for now in inputs:
            simulator.step(now)
    return meter.parts


def update(example, method):
    """By part and layer, MAC and AC of the gradients of a sequence by a method; the forward pass is not in it.

    Raises TooLargeError where RTRL would take minutes to count.
    """
    meter = Meter()
    network, activity, errors = example.metered(meter), example.counted_activity(meter), example.output_errors(meter)
    if method == "rtrl":
        _require_countable(example)
    with meter.part("state", None):
        UPDATES[method](network, activity, errors, meter, example)
    return meter.parts


def _require_countable(example):
    weights = [layer.synapses.weight for layer in example.network.layers]
    parameters = sum(value.size for value in example.network.parameters.values())
    size = parameters * sum(weight.size for weight in weights[1:]) * len(example.inputs)
    if size > LARGEST_RTRL:
        raise TooLargeError(
            f"RTRL is not counted here: {parameters:,} parameters times the synapses above the first layer times T are "
            f"{size:,} products to count one by one, of which at most {LARGEST_RTRL:,} are"
        )


def _rates(network, activity, errors, meter, example):
    """SR: the weighted rates of inputs and spikes, and the gradients of the rates."""
    decay = network.layers[0].neuron.decay
    values = []
    for sequence in (activity.inputs, *activity.spikes):
        trace = np.zeros_like(sequence[0])
        for now in sequence:
            leaky_accumulate(rows(trace), rows(now), np.array([decay], dtype=object))
        values.append(trace / meter.number(rate_normaliser(float(decay), len(sequence))))
    found = ot.spike_representation.gradients(example.network, example.inputs, example.labels, terms=True)
    error = object_array(found.errors[-1][0], meter.number)
    ot.spike_representation.backward(network, values, error)


UPDATES = {
    "bptt": lambda network, activity, errors, *_: ot.bptt.backward(network, activity, errors),
    "ottt": lambda network, activity, errors, *_: ot.ottt.accumulate(network, activity, errors),
    "sltt": lambda network, activity, errors, *_: ot.sltt.accumulate(network, activity, errors),
    "rtrl": lambda network, activity, errors, *_: ot.rtrl.accumulate(network, activity, errors),
    "spike-representation": _rates,
}


def by_part(parts):
    """MAC and AC of each of PARTS, of all layers together."""
    result = {name: np.zeros(2, dtype=int) for name in PARTS}
    for (name, _), counts in parts.items():
        result[name] = result[name] + counts
    return {name: counts.tolist() for name, counts in result.items()}
