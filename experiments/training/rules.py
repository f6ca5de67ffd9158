"""What learns a batch, by each method's rule: (inputs [T, B, ...], labels [B]) → loss."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import ottt_ref as ot
from ottt_ref.learning.losses import Loss, Mixed
from ottt_ref.methods import METHODS as REGISTRY
from ottt_ref.outside import rule_named, told

from ..backends import computed_by, methods_of, step_by

# Of loops trained by SR: without a limit they grow until no error comes through the equilibrium any more, and nothing
# is learned (10 % of the digits correct after eight epochs).
LARGEST_CONTRACTION = 0.9


@dataclass
class Task:
    """What a rule learns with.

    network       whose parameters are updated
    optimizer     by which
    loss          ℓ of a time step
    time_steps    T
    backend       whose loops compute, one of backends.BACKENDS
    options       of the method: dialect, reset_gradient, loss_of
    rng           draws the masks of dropout, if the network has any
    contraction   to which SR keeps loops; 0 leaves them
    where         what a rule of one's own was named by, for messages
    """

    network: Any
    optimizer: Any
    time_steps: int
    loss: Loss = field(default_factory=Mixed)
    backend: str = "fast"
    options: dict[str, str] = field(default_factory=dict)
    rng: np.random.Generator | None = None
    contraction: float = LARGEST_CONTRACTION
    where: str = "rule.name:"

    def __post_init__(self):
        self.drops = self.rng is not None and _has_dropout(self.network)

    def seen(self, batch_size):
        """The network with the masks of one sequence, which are drawn."""
        return self.network.with_dropout(batch_size, self.rng) if self.drops else self.network


def _has_dropout(network):
    return any(_drops(connection.operations) for connection in network.connections)


def _drops(operation):
    if isinstance(operation, ot.Dropout):
        return True
    children = [getattr(operation, name) for name in operation.child_names]
    whole = [each for child in children for each in (child if isinstance(child, tuple | list) else [child])]
    return any(_drops(each) for each in whole)


def by_gradients(name):
    """Learn by one update per batch, with the gradients of a method."""

    def make(task):
        gradients, step = methods_of(task.backend)[name].gradients, step_by(task.backend)

        def learn(inputs, labels):
            found = gradients(task.seen(len(labels)), inputs, labels, task.loss, **task.options)
            step(task.optimizer, task.network.parameters, found)
            return float(found.loss)

        return learn

    return make


def online(name):
    """Learn by one update per time step."""

    def make(task):
        kind = methods_of(task.backend)[name].learner

        def started(network):
            return kind(network, task.optimizer, task.loss, time_steps=task.time_steps, **task.options)

        kept = None if task.drops else started(task.network)

        def learn(inputs, labels):
            learner = kept or started(task.seen(len(labels)))
            learner.reset()
            return float(sum(learner.step(now, labels)[0] for now in inputs))

        return learn

    return make


def by_rates(task):
    """Learn by one update per batch with the gradients of the rates; loops are kept contracting."""
    step = by_gradients("spike-representation")(task)

    def learn(inputs, labels):
        loss = step(inputs, labels)
        if task.network.loop_sources and task.contraction:
            ot.equilibrium.limit_contraction(task.network, task.contraction)
        return loss

    return learn


def by_own_rule(name):
    """Learn by one update per batch, with the gradients of a rule of one's own, "my_module:rule"."""

    def make(task):
        rule = rule_named(task.where, name, task.network)

        def learn(inputs, labels):
            with told(f"{task.where.removesuffix(':')}: {name!r}"):
                network = computed_by(task.seen(len(labels)), task.backend)
                found = ot.methods.gradients(rule, network, inputs, labels, task.loss)
            task.optimizer.step(task.network.parameters, found)
            return float(found.loss)

        return learn

    return make


#: Every method of the library by one update per sequence, and those that can by one per time step, -o.
RULES: dict[str, Callable[[Task], Callable]] = {
    "ottt-a": by_gradients("ottt"),
    "ottt-o": online("ottt"),
    **{name: by_gradients(name) for name in REGISTRY if name != "ottt"},
    "spike-representation": by_rates,
    **{f"{name}-o": online(name) for name, method in REGISTRY.items() if method.learner and name != "ottt"},
}


def learner(name, task):
    """What learns a batch by a rule: one of RULES, or a rule of one's own, "my_module:rule"."""
    return (RULES[name] if name in RULES else by_own_rule(name))(task)


def method_of(name):
    """The method that a rule is of, as the registry names it; None for a rule of one's own."""
    if name not in RULES:
        return None
    return "ottt" if name in ("ottt-a", "ottt-o") else name.removesuffix("-o")
