"""Is a peer right? Its first step beside the reference's, before anything is timed.

The reference computes in double precision, by the method and in the dialect that the peer says it has. A peer's
gradient is what its first step takes off the weights, divided by the learning rate.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

import ottt_ref as ot
from ottt_ref.validation import describe_shape

from .workloads import CHECKED_ONLINE, draw

# Spikes are the same (`workloads`), and what is left is the rounding of sums of floats. Of OTTT_O also that of weights
# that are updated, and rounded, after each time step. What is wrong is off by more: see the tests.
TOLERANCE = {"float32": 1e-4, "float64": 1e-9}
TOLERANCE_ONLINE = {"float32": 1e-3, "float64": 1e-9}
LOSS = ot.losses.CrossEntropy()
CHOICES = {"method": ("ottt", "bptt", "rtrl"), "dialect": ("derivation", "authors"), "reset": ("soft", "unleaked")}


@dataclass(frozen=True)
class Kind:
    """What a peer computes: the method, OTTT's dialect, and how its neurons are reset."""

    method: str = "ottt"
    dialect: str = "derivation"
    reset: str = "soft"

    @classmethod
    def of(cls, peer):
        """The kind that a peer says it is. Raises ValueError for words that are not among CHOICES."""
        said = {name: getattr(peer, name, getattr(cls, name)) for name in CHOICES}
        for name, value in said.items():
            if value not in CHOICES[name]:
                raise ValueError(f"its {name} must be one of {', '.join(CHOICES[name])}, got {value!r}")
        return cls(**said)

    @property
    def words(self):
        """For a table."""
        dialect = f", {self.dialect}" if self.method == "ottt" else ""
        return f"{self.method.upper()}{dialect}{'' if self.reset == 'soft' else f', {self.reset}'}"


@dataclass(frozen=True)
class FirstStep:
    """One training step: its loss, what it takes off the weights per learning rate, and the firing rates before it."""

    loss: float
    gradients: Mapping[str, np.ndarray]
    rates: list[float] | None


@dataclass(frozen=True)
class Verdict:
    """How a peer's first step compares with the reference's; the peer is right if `wrong` is empty.

    loss, loss_off           the loss, and how far it is from the reference's, relative to that
    gradient_off, parameter  |∇ - ∇_ref| / |∇_ref| of the parameter where it is largest
    rates                    firing rates by layer; None if the peer does not say
    wrong                    what is wrong, in words
    """

    loss: float
    loss_off: float
    gradient_off: float
    parameter: str
    rates: list[float] | None
    wrong: str


def check(function, task):
    """The Verdict on a peer's function, for a Task: what the benchmark finds before it times it."""
    workload = draw(task)
    return Oracle(workload).check(function, Kind.of(function(workload)))


class Oracle:
    """The reference's first steps on a workload: each is computed when it is asked for, once."""

    def __init__(self, workload):
        self.workload = workload
        self._online = replace(workload, learning_rate=CHECKED_ONLINE)
        self._found = {}

    def first_step(self, kind):
        """The reference's FirstStep of a Kind."""
        key = kind if kind.method == "ottt" else replace(kind, dialect="derivation")
        if key not in self._found:
            self._found[key] = _reference(self._online if self.workload.task.online else self.workload, key)
        return self._found[key]

    def check(self, function, kind):
        """The Verdict on what a peer's function makes."""
        expected = self.first_step(kind)
        workload = self._readable(kind, expected)
        peer = function(workload)
        rates = peer.firing_rates() if hasattr(peer, "firing_rates") else None
        loss, after = float(peer.step()), peer.parameters()
        _require_names(after, workload)
        gradients = {
            name: (weight.astype("float64") - np.asarray(after[name], "float64")) / workload.learning_rate
            for name, weight in workload.weights.items()
        }
        return compare(FirstStep(loss, gradients, rates), expected, workload.task)

    def _readable(self, kind, expected):
        """The workload with a learning rate at which one update is as large as the weights: none of it is rounded off.

        A power of two, so that the division brings back what was multiplied. Not of OTTT_O, which learns on the way.
        """
        if self.workload.task.online and kind.method == "ottt":
            return self._online
        ratios = [
            abs(self.workload.weights[name]).max() / abs(gradient).max()
            for name, gradient in expected.gradients.items()
            if gradient.any()
        ]
        return replace(self.workload, learning_rate=2.0 ** round(math.log2(max(ratios, default=1.0))))


def compare(found, expected, task):
    """The Verdict on a FirstStep, beside the reference's."""
    tolerance = (TOLERANCE_ONLINE if task.online else TOLERANCE)[task.dtype]
    offs = {name: distance(found.gradients[name], gradient) for name, gradient in expected.gradients.items()}
    parameter = max(offs, key=lambda name: -1 if math.isnan(offs[name]) else offs[name])
    parameter = next((name for name, off in offs.items() if math.isnan(off)), parameter)
    loss_off = abs(found.loss - expected.loss) / abs(expected.loss)
    wrong = []
    if found.rates is not None and not _same_rates(found.rates, expected.rates, task):
        wrong.append(f"fires at {rates_text(found.rates)} % and not at {rates_text(expected.rates)} %")
    if not loss_off <= tolerance:
        wrong.append(f"the loss is off by {loss_off:.1e}")
    if not offs[parameter] <= tolerance:
        wrong.append(f"the gradient of {parameter} is off by {offs[parameter]:.1e}")
    return Verdict(found.loss, loss_off, offs[parameter], parameter, found.rates, "; ".join(wrong))


def distance(found, expected):
    """|found - expected| / |expected|, Euclidean; of an expected 0 the size of what was found."""
    size = np.linalg.norm(expected)
    return float(np.linalg.norm(found - expected) / (size if size else 1.0))


def rates_text(rates):
    """Firing rates by layer, in per cent."""
    return "/".join(f"{100 * rate:.2f}" for rate in rates)


def _same_rates(found, expected, task):
    """Whether not one spike is too many: the rates are the same but for the rounding of a mean."""
    return len(found) == len(expected) and np.allclose(found, expected, rtol=1e-6, atol=0)


def _require_names(parameters, workload):
    wanted = {name: weight.shape for name, weight in workload.weights.items()}
    got = {name: np.shape(value) for name, value in parameters.items()}
    if got != wanted:
        shown = ", ".join(f"{name} {describe_shape(shape)}" for name, shape in wanted.items())
        raise ValueError(f"its parameters() must give {shown}, got {got}")


def _reference(workload, kind):
    """The first step of a kind by the reference, in double precision."""
    network, inputs = workload.network(kind.reset, "float64"), workload.inputs.astype("float64")
    rates = [float(spikes.mean()) for spikes in ot.simulate(network, inputs).spikes]
    if kind.method != "ottt":  # RTRL's gradient is BPTT's (E6)
        found = ot.bptt.gradients(network, inputs, workload.labels, LOSS)
        return FirstStep(float(found.loss), found, rates)
    if not workload.task.online:
        found = ot.ottt.gradients(network, inputs, workload.labels, LOSS, dialect=kind.dialect)
        return FirstStep(float(found.loss), found, rates)
    before = {name: np.array(value) for name, value in network.parameters.items()}
    optimizer = ot.training.SGD(workload.learning_rate, momentum=0.0)
    learner = ot.ottt.OnlineLearner(network, optimizer, LOSS, dialect=kind.dialect, time_steps=workload.task.time_steps)
    loss = float(sum(learner.step(now, workload.labels)[0] for now in inputs))
    learnt = {name: (before[name] - value) / workload.learning_rate for name, value in network.parameters.items()}
    return FirstStep(loss, learnt, rates)
