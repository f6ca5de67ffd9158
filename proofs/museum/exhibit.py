"""One exhibit: a network of a few neurons and small numbers, two methods, and what their gradients do.

The loss is that of a blackboard, ½ |s[t] - y|² at each time step (for SR ½ |a - y|² of the rates), the surrogate
ψ(z) = max(0, 1 - |z|), and V_th = 1. All numbers are exact.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import ottt_ref as ot
from ottt_ref import spike_representation

from ..claim import Refuted
from ..examples import chain, exact

FOLDER = Path(__file__).parent / "exhibits"


@dataclass(frozen=True)
class Method:
    """A method on a blackboard: its name there, its errors' symbol, and (network, activity, inputs, targets) → sums."""

    title: str
    symbol: str
    sums: Callable


def _over_steps(algebra, **options):
    return lambda network, activity, inputs, targets: algebra(
        network, activity, activity.outputs - targets, terms=True, **options
    )


def _over_rates(network, activity, inputs, targets):
    rates, _ = spike_representation.rates_of(network, inputs, "measured")
    return spike_representation.backward(network, rates, rates[-1] - targets, terms=True)


METHODS = {
    "ottt": Method("OTTT", "g", _over_steps(ot.ottt.forward)),
    "ottt-authors": Method("OTTT, authors' dialect", "g", _over_steps(ot.ottt.forward, dialect="authors")),
    "sltt": Method("SLTT", "g", _over_steps(ot.sltt.forward)),
    "bptt": Method("BPTT, reset detached", "δ", _over_steps(ot.bptt.backward)),
    "bptt-kept": Method("BPTT, reset kept", "δ", _over_steps(ot.bptt.backward, reset_gradient="kept")),
    "sr": Method("SR", "p", _over_rates),
}
RELATIONS = {
    "point apart": lambda left, right: left * right < 0,
    "the first vanishes, the second does not": lambda left, right: left == 0 != right,
    "differ": lambda left, right: left != right,
}


@dataclass(frozen=True)
class Exhibit:
    """A counterexample; numbers are Fractions, sequences by time step.

    theorem, dropped   what fails, without which hypothesis
    says               what it shows, in a sentence
    weights            rows by layer, without biases
    loops              (source, target, rows) of each recurrent or feedback connection
    left, right        names of METHODS
    relation           of RELATIONS, between their gradients of the first layer's weight [0, 0] ...
    values             ... which are these two
    search             what was searched, in which order: why it is the smallest
    """

    name: str
    theorem: str
    dropped: str
    says: str
    decay: Fraction
    reset: str
    weights: tuple
    loops: tuple
    inputs: tuple
    targets: tuple
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
        return ot.Network(layers, feedback=[ot.Feedback(*ends, synapses) for ends, synapses in back.items()])

    @cached_property
    def activity(self):
        """What the network does."""
        return ot.simulate(self.network, self.input_array)

    @property
    def input_array(self):
        """Inputs [T, 1, n_in]."""
        return exact(self.inputs).reshape(len(self.inputs), 1, -1)

    def sums(self, method):
        """The named method's GradientSum, with terms and errors."""
        return METHODS[method].sums(self.network, self.activity, self.input_array, exact(self.targets))

    def gradient(self, method):
        """The named method's gradient of the first layer's weight [0, 0]."""
        return self.sums(method).values["layer0.weight"][0, 0]

    def check(self):
        """Raise Refuted where the two gradients are not what the exhibit says."""
        got = tuple(self.gradient(method) for method in (self.left, self.right))
        if got != self.values:
            raise Refuted(f"{self.name}: gradients {self.values} are stored, {got} come out")
        if not RELATIONS[self.relation](*got):
            raise Refuted(f"{self.name}: {got} should be such that they {self.relation}")


def load(path):
    """The exhibit in a JSON file; ValueError that names the file where it is none. It is not checked."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if set(content) != set(Exhibit.__dataclass_fields__) - {"name"}:
            raise ValueError(f"it has the fields {sorted(content)}")
        for field in ("decay", "weights", "loops", "inputs", "targets", "values"):
            content[field] = _numbers(content[field])
        if content["relation"] not in RELATIONS or not {content["left"], content["right"]} <= set(METHODS):
            raise ValueError("its methods or their relation are unknown")
        exhibit = Exhibit(name=Path(path).stem, **content)
        _ = exhibit.network
    except (OSError, ValueError, TypeError, KeyError, ZeroDivisionError) as error:
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
