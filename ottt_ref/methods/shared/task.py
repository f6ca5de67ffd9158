"""What a method is given: a sequence, what is asked of it at each time step, and where it starts. One door for all.

L = Σ_t L[t],   L[t] = w[t] ℓ(o[t], y[t]) / T, the mean over the batch, + the regulariser's part R[t]
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...finite import of_time_step
from ...learning.losses import (
    Loss,
    require_loss,
    require_targets,
    require_weights,
    sequence_loss,
    step_loss,
)
from ...learning.regularisers import Regulariser, regularisation, require_regulariser
from ...network.network import Network, require_network
from ...simulation.inputs import require_batch_second, require_inputs
from ...simulation.simulator import Activity
from ...simulation.state import rule_state
from ...validation import require_count, require_flag, shown

Total = Any  # any kind of number


@dataclass(frozen=True)
class Task:
    """A sequence and what is asked of it, checked and ready for kernels.

    inputs         [T, B, ...]
    targets        rows [B, C], the same at each time step, or [T, B, C]
    weights        w [T, B], or None for 1
    time_steps     what the loss's sum is divided by
    initial_state  a State, a mapping of arrays, or None for rest
    """

    network: Network
    loss: Loss
    inputs: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None
    time_steps: int
    initial_state: Mapping[str, np.ndarray] | None
    regulariser: Regulariser | None

    def targets_at(self, t: int) -> np.ndarray:
        """y[t], [B, C]."""
        return self.targets if self.targets.ndim == 2 else self.targets[t]

    def weights_at(self, t: int) -> np.ndarray | None:
        """w[t], [B], or None for 1."""
        return None if self.weights is None else self.weights[t]

    def step_loss(self, t: int, outputs: np.ndarray) -> tuple[Total, np.ndarray]:
        """L[t] without the regulariser, and ∂L[t]/∂o[t], of outputs [B, C]."""
        return step_loss(self.loss, outputs, self.targets_at(t), self.time_steps, self.weights_at(t))

    def sequence_loss(self, outputs: np.ndarray) -> tuple[Total, np.ndarray]:
        """Σ_t L[t] without the regulariser, and its gradient at the outputs [T, B, C]."""
        return sequence_loss(self.loss, outputs, self.targets, self.weights, self.time_steps)

    def step_regularisation(self, activity: Activity) -> tuple[Total, dict[int, np.ndarray]]:
        """R[t] and ∂R[t]/∂s^l[t] by layer; 0 and nothing without a regulariser."""
        if self.regulariser is None:
            return 0, {}
        return regularisation(self.regulariser, self.network, activity.layer_outputs, self.time_steps)

    def sequence_regularisation(self, activity: Activity) -> tuple[Total, dict[int, np.ndarray]]:
        """R of a whole sequence, and ∂R/∂s^l [T, B, ...] by layer; 0 and nothing without a regulariser."""
        if self.regulariser is None:
            return 0, {}
        network, steps = self.network, len(self.inputs)
        if self.regulariser.of == "average":
            averages = {l: _average(network, activity.layer_outputs[l]) for l in network.spiking}
            total, gradients = regularisation(self.regulariser, network, averages, 1)
            return total, {l: np.repeat(each[np.newaxis] / steps, steps, axis=0) for l, each in gradients.items()}
        result = {l: np.empty_like(activity.layer_outputs[l]) for l in network.spiking}
        total = 0
        for t in range(steps):
            with of_time_step(t):
                value, gradients = self.step_regularisation(activity.at(t))
            total = total + value
            for l, gradient in gradients.items():
                result[l][t] = gradient
        return total, result


def _average(network, spikes):
    """(1/T) Σ_t s[t], [B, ...]; added up in the order of time."""
    total = np.full(spikes.shape[1:], network.number(0), dtype=spikes.dtype)
    for row in spikes:
        total = total + row
    return total / len(spikes)


def require_task(
    network: Network,
    inputs: npt.ArrayLike,
    targets: npt.ArrayLike,
    loss: Loss,
    *,
    weights: npt.ArrayLike | None = None,
    time_steps: int | None = None,
    initial_state: Mapping[str, np.ndarray] | None = None,
    regulariser: Regulariser | None = None,
    input_gradients: bool = False,
    terms: bool = False,
    forwards: str = "",
    one_loss: str = "",
) -> Task:
    """Check what every method takes; TypeError or ValueError that names the argument.

    forwards  the name of a method that runs forwards in time, for what such a one cannot have
    one_loss  what has one loss for the whole sequence, and why, for what is said of single time steps
    """
    require_network(network)
    require_loss(loss, network)
    require_flag("terms", terms)
    require_flag("input_gradients", input_gradients)
    inputs = require_inputs(network, inputs)
    require_batch_second(inputs, targets)
    steps, batch_size = inputs.shape[:2]
    for name, value in {"weights": weights, "time_steps": time_steps}.items() if one_loss else ():
        if value is not None:
            raise ValueError(f"{name} must be None for {one_loss}, got {shown(value)}")
    rows = require_targets(loss, targets, batch_size, network, None if one_loss else steps)
    found = require_weights(weights, steps, batch_size, network)
    divisor = steps if time_steps is None else require_count("time_steps", time_steps)
    require_regulariser(regulariser, network, forwards=forwards)
    return Task(network, loss, inputs, rows, found, divisor, initial_state, regulariser)


def started_from(
    network: Network, initial_state: Mapping[str, np.ndarray] | None, carried: Mapping[str, np.ndarray]
) -> Mapping[str, np.ndarray] | None:
    """The network's part of a State, after a rule's arrays, `carried` by name, took in theirs, in place.

    Raises TypeError or ValueError where they do not fit, before anything changes.
    """
    if initial_state is None:
        return None
    for name, array in rule_state(network, initial_state, carried).items():
        carried[name][...] = array
    return {name: array for name, array in initial_state.items() if not name.startswith("rule/")}
