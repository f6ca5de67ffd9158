"""One exhibit: a network of a few neurons and small numbers, two quantities, and how they stand to each other.

Most compare the gradients of two methods, some what a neuron's rate is with what it should be. The loss is that of a
blackboard, ½ |o[t] - y|² at each time step (for SR ½ |a - y|² of the rates), the surrogate ψ(z) = max(0, 1 - |z|), and
V_th = 1. All numbers are exact.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np

import ottt_ref as ot
from ottt_ref.blackboard.quantities import HALF_SQUARES, METHODS, entry_name
from ottt_ref.network.network import object_array
from ottt_ref.simulation import simulator as simulation
from ottt_ref.simulation.simulator import input_current

from ..claim import Refuted
from ..examples import chain, exact
from ..number_systems.dual import Dual

FOLDER = Path(__file__).parent / "exhibits"


@dataclass(frozen=True)
class Rate:
    """Something about the first neuron's rate: its name on a blackboard, and Sums → number."""

    title: str
    value: Callable


@dataclass(frozen=True)
class Sums:
    """What R1 and R2 are about, of the first neuron: a[T], x̄[T], v[T] and Λ_T; V_th = 1."""

    rate: Fraction
    current: Fraction
    left: Fraction
    normaliser: Fraction


RATES = {
    "rate": Rate("a[T]", lambda sums: sums.rate),
    "mapping": Rate("σ(x̄[T])", lambda sums: min(max(sums.current, Fraction(0)), Fraction(1))),
    "balance": Rate("x̄[T] - v[T]/Λ_T", lambda sums: sums.current - sums.left / sums.normaliser),
}
DERIVATIVE = "derivative"
TITLES = {
    **{name: method.title for name, method in METHODS.items()},
    **{name: rate.title for name, rate in RATES.items()},
    DERIVATIVE: "dL/dw (dual numbers)",
}
RELATIONS = {
    "point apart": lambda left, right, normaliser: left * right < 0,
    "the first vanishes, the second does not": lambda left, right, normaliser: left == 0 != right,
    "differ": lambda left, right, normaliser: left != right,
    "the first is below the second": lambda left, right, normaliser: left < right,
    "differ by 7/8 of 1/Λ_T": lambda left, right, normaliser: (left - right) * normaliser == Fraction(7, 8),
}


@dataclass(frozen=True)
class Exhibit:
    """A counterexample; numbers are Fractions, sequences by time step.

    theorem, dropped   what fails, without which hypothesis
    says               what it shows, in a sentence
    readout            "spiking", or "linear": the last layer is a readout without threshold
    soft               whether the surrogate's primitive stands in for the spike
    weights            rows by layer, without biases
    loops              (source, target, rows) of each recurrent or feedback connection
    layer              whose weight [0, 0] the gradients are of
    left, right        of METHODS or RATES, or DERIVATIVE ...
    relation           ... of RELATIONS, between them ...
    values             ... and what they are
    search             what was searched, in which order: why it is the smallest
    """

    name: str
    theorem: str
    dropped: str
    says: str
    decay: Fraction
    reset: str
    readout: str
    soft: bool
    weights: tuple
    loops: tuple
    inputs: tuple
    targets: tuple
    layer: int
    left: str
    right: str
    relation: str
    values: tuple
    search: str

    @cached_property
    def network(self):
        """The network over fractions."""
        row = chain(
            decay=self.decay, inputs=self.inputs, weights=self.weights, targets=self.targets, reset=self.reset
        ).network
        back = {(source, target): ot.Dense(exact(rows), False) for source, target, rows in self.loops}
        layers = [ot.Layer(layer.synapses, layer.neuron, back.pop((l, l), None)) for l, layer in enumerate(row.layers)]
        if self.readout == "linear":
            layers[-1] = ot.Layer(layers[-1].synapses, ot.Integrator(Fraction(0)))
        return ot.Network(layers, feedback=[ot.Feedback(*ends, synapses) for ends, synapses in back.items()])

    @property
    def seen(self):
        """What is compared with what, and where a page that shows gradients shows it."""
        left, right = (f"{TITLES[name]} = {value}" for name, value in zip((self.left, self.right), self.values))
        if self.left in RATES:
            return (
                f"This exhibit compares rates, not gradients: {left}, but {right}. Look at the potential and the "
                "spikes of the neuron; a is the weighted rate of its spikes, x̄ that of what arrives, v what is left in "
                "the membrane after the reset, Λ the sum of the weights, and σ cuts off below 0 and above 1."
            )
        connection = next(each for each in self.network.connections if self.parameter in each.parameters)
        weight = entry_name(connection, self.parameter, self.network.parameters[self.parameter].shape)((0, 0))
        return f"This exhibit compares two gradients of {weight}: {left}, but {right}."

    @cached_property
    def activity(self):
        """What the network does."""
        return simulation.run(self.network, self.input_array, soft=self.soft)

    @property
    def input_array(self):
        """Inputs [T, 1, n_in]."""
        return exact(self.inputs).reshape(len(self.inputs), 1, -1)

    @property
    def parameter(self):
        """The name of the weight that the gradients are of."""
        return f"{self.network.layer_names[self.layer]}.weight"

    @property
    def methods(self):
        """Those of the two quantities that are methods' gradients."""
        return [name for name in (self.left, self.right) if name in METHODS]

    def sums(self, method):
        """The named method's GradientSum, with terms and errors."""
        return METHODS[method].sums(self.network, self.activity, self.input_array, exact(self.targets), HALF_SQUARES)

    def value(self, name):
        """The named quantity."""
        if name in METHODS:
            return self.sums(name).values[self.parameter][0, 0]
        return self.derivative if name == DERIVATIVE else RATES[name].value(self.rates)

    @cached_property
    def rates(self):
        """The first neuron's Sums."""
        neuron, activity = self.network.layers[0].neuron, self.activity
        currents = input_currents(self.network, activity)[:, :, :1]
        spikes, potentials = activity.layer_outputs[0][:, :, :1], activity.layer_potentials[0][:, :, :1]
        return Sums(
            rate=ot.weighted_rate(spikes, self.decay)[0, 0],
            current=ot.weighted_rate(currents, self.decay)[0, 0],
            left=neuron.post_reset_potential(potentials[-1], spikes[-1])[0, 0],
            normaliser=ot.rate_normaliser(self.decay, len(self.inputs)),
        )

    @cached_property
    def derivative(self):
        """The derivative of Σ_t ½ |o[t] - y|² by the weight, in dual numbers."""
        network = self.network.as_objects(Dual)
        weight = network.parameters[self.parameter]
        weight[0, 0] = Dual(weight[0, 0].value, Fraction(1))
        outputs = simulation.run(network, object_array(self.input_array, Dual), soft=self.soft).outputs
        differences = outputs - exact(self.targets)
        return (differences * differences / 2).sum().slope

    def check(self):
        """Raise Refuted where the two quantities are not what the exhibit says."""
        got = tuple(self.value(name) for name in (self.left, self.right))
        if got != self.values:
            raise Refuted(f"{self.name}: {self.values} are stored, {got} come out")
        if not self.related(got):
            raise Refuted(f"{self.name}: {got} should be such that they {self.relation}")

    def related(self, values):
        """Whether two values stand in the exhibit's relation."""
        return RELATIONS[self.relation](*values, ot.rate_normaliser(self.decay, len(self.inputs)))


def input_currents(network, activity):
    """I[t] of the first layer, [T, B, n]."""
    steps = [activity.at(t) for t in range(activity.time_steps)]
    return np.stack([input_current(network, 0, step.presynaptic) for step in steps])


def load(path):
    """The exhibit in a JSON file; ValueError that names the file where it is none. It is not checked."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if set(content) != set(Exhibit.__dataclass_fields__) - {"name"}:
            raise ValueError(f"it has the fields {sorted(content)}")
        for field in ("decay", "weights", "loops", "inputs", "targets", "values"):
            content[field] = _numbers(content[field])
        if content["relation"] not in RELATIONS or not {content["left"], content["right"]} <= set(TITLES):
            raise ValueError("its quantities or their relation are unknown")
        if content["readout"] not in ("spiking", "linear") or type(content["soft"]) is not bool:
            raise ValueError("its readout must be spiking or linear, and soft true or false")
        exhibit = Exhibit(name=Path(path).stem, **content)
        _ = exhibit.network.parameters[exhibit.parameter]
    except (OSError, ValueError, TypeError, LookupError, ZeroDivisionError) as error:
        raise ValueError(f"{path} is no exhibit: {error}") from None
    return exhibit


def load_all():
    """Every exhibit, by the theorem's name."""
    exhibits = [load(path) for path in FOLDER.glob("*.json")]
    return sorted(exhibits, key=lambda exhibit: (exhibit.theorem, exhibit.name))


def text(exhibit):
    """The exhibit as JSON, numbers as text: "3/2"."""
    content = {field: getattr(exhibit, field) for field in Exhibit.__dataclass_fields__ if field != "name"}
    return json.dumps(_texts(content), indent=1, ensure_ascii=False) + "\n"


def _numbers(value):
    """Nested lists of numbers as nested tuples of Fractions; a plain integer, an index, stays one."""
    if isinstance(value, list):
        return tuple(_numbers(part) for part in value)
    return value if isinstance(value, int) else Fraction(value)


def _texts(value):
    if isinstance(value, dict):
        return {key: _texts(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [_texts(part) for part in value]
    return str(value) if isinstance(value, Fraction) else value
