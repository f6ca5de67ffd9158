"""Learning after each time step by the reference's loop, on fast operations, neurons and updates."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from ..methods.shared import online
from ..methods.shared.gradients import GradientSum
from ..network.network import Network
from ..network.operations import Operation
from ..simulation.simulator import Simulator
from . import updates
from .network import compute_by_twins, fast_network
from .neurons import advance, has_kernels
from .operations import WeightStandardised


class StepSimulator(Simulator):
    """A `Simulator` that advances and differentiates neurons in one pass, where they have kernels."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._psi: dict[int, np.ndarray] = {}
        super().__init__(*arguments, **options)

    def _step_neurons(self, l, neuron, current):
        if not has_kernels(neuron):
            super()._step_neurons(l, neuron, current)
            return
        self._psi[l] = np.empty_like(current)
        states, outputs = self.states[l], self.outputs[l]
        record = tuple(state[np.newaxis] for state in states)  # in place: what is overwritten was read before
        given, found = current[np.newaxis], (outputs[np.newaxis], self._psi[l][np.newaxis])
        advance(neuron, states, outputs, given, record, *found)

    def _derivatives_of(self, l, neuron):
        return self._psi[l] if has_kernels(neuron) else super()._derivatives_of(l, neuron)


class LearningNetwork:
    """A network with fast twins whose parameters change from one time step to the next.

    network  the one with the twins; `renew` brings it up to date
    """

    def __init__(self, network: Network) -> None:
        self._original, self.network = network, fast_network(network)
        self._take()

    def _take(self):
        self._arrays = list(self._original.parameters.values())
        self._standardised = [
            twin for connection in self.network.connections for twin in _standardised(connection.operations)
        ]

    def renew(self) -> None:
        """Have twins forget what they computed of parameters; make them anew where these are other arrays now."""
        arrays = self._original.parameters.values()
        if any(now is not before for now, before in zip(arrays, self._arrays)):
            compute_by_twins(self.network, self._original)
            self._take()
        for twin in self._standardised:
            twin.forget()


def _standardised(operation: Operation) -> Iterator[WeightStandardised]:
    if isinstance(operation, WeightStandardised):
        yield operation
    for child in operation.children:
        yield from _standardised(child)


class OnlineLearner(online.OnlineLearner):
    """What the learners of fast rules share: the network with twins that `_learning` has, None where it is a stream."""

    _learning: LearningNetwork | None

    def step(
        self,
        inputs: np.ndarray,
        targets: npt.ArrayLike | None = None,
        *,
        weights: npt.ArrayLike | None = None,
    ) -> tuple[float | np.floating | Fraction | None, np.ndarray]:
        """As the reference's `step`."""
        if self._learning is not None:
            self._learning.renew()
        return super().step(inputs, targets, weights=weights)

    def update(self, sums: GradientSum) -> None:
        """As the reference's `update`."""
        if self._learning is None or not isinstance(sums, GradientSum):
            super().update(sums)
            return
        updates.step(self.optimizer, self.network.parameters, sums.values)
        self.network.project_parameters()

    @property
    def _simulates(self):
        return Simulator if self._learning is None else StepSimulator
