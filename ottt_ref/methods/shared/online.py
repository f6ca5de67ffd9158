"""Learning after each time step, by any forward-in-time rule: nothing of the sequence is kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from ...finite import of_time_step
from ...learning.losses import Loss, Mixed, require_loss, require_sample_weights, require_targets, step_loss
from ...learning.optimisers import Optimizer, require_optimizer
from ...learning.regularisers import Regulariser, regularisation, require_regulariser
from ...network.network import Network, require_network
from ...simulation.inputs import require_step
from ...simulation.simulator import Activity, Simulator, advance
from ...simulation.state import State, state_of
from ...validation import require_count, require_result, shown
from .driver import add_step, started, take_in
from .errors import ErrorFeedback, TimeStep
from .gradients import GradientSum, WatchedSum
from .rule import Rule
from .task import started_from


class OnlineLearner:
    """A network that learns after each time step and never sees more than one.

    rule            a Rule subclass, or another function (network, batch_size) → Rule
    optimizer       updates the network's parameters, with the gradient of the loss of the step
    loss            ℓ, Mixed() if not given
    error_feedback  how errors reach the layers: TransposedWeights() if not given
    time_steps      T, the length of the sequences: the loss of a step is then ℓ(o[t], y) / T, and those of T steps
                    add up to the loss of `gradients`. Without it the loss of a step is ℓ(o[t], y) itself
    regulariser     a penalty of the firing rates, of `losses.Regulariser`: its part of a step is divided by T alike

    `reset()` between sequences; `reset(initial_state)` starts the next from a State, such as the `state` of a learner
    before. `activity` is the last step's, in arrays that the next one overwrites. Between two
    steps it holds the neurons' states and the rule's: `state_bytes`, whatever the number of steps.
    Raises TypeError or ValueError that names the argument.

    What a step is given is checked before anything changes. Where the step itself raises (a rule or loss of one's own
    fails, a number overflows), states and traces may stand between two time steps: further steps are refused with
    RuntimeError until `reset()`. The parameters are then those of before the step, or, where the failure came after the
    update, of after it.

    >>> import numpy as np, ottt_ref as ot
    >>> network, optimizer = ot.dense_network([2, 3, 2], rng=0), ot.training.SGD(0.1)
    >>> learner = ot.methods.OnlineLearner(ot.sltt.SLTT, network, optimizer, time_steps=4)
    >>> for t in range(4):
    ...     loss, outputs = learner.step(np.ones((1, 2)), np.array([1]))
    ...     print(outputs.shape, learner.state_bytes)
    (1, 2) 80
    (1, 2) 80
    (1, 2) 80
    (1, 2) 80
    >>> learner.reset()
    >>> learner.state_bytes
    0
    >>> learner
    OnlineLearner(SLTT, Network([2, 3, 2]), loss of a step: Mixed(mse_weight=0.05) / 4, SGD)
    """

    activity: Activity | None
    rule: Rule | None
    _simulator: Simulator | None
    _simulates: type[Simulator] = Simulator

    def __init__(
        self,
        rule: Callable[[Network, int], Rule],
        network: Network,
        optimizer: Optimizer,
        loss: Loss = Mixed(),
        *,
        error_feedback: ErrorFeedback | None = None,
        time_steps: int | None = None,
        regulariser: Regulariser | None = None,
    ) -> None:
        self.network = require_network(network)
        self.optimizer = require_optimizer(optimizer)
        self.loss = require_loss(loss, network)
        self.time_steps = None if time_steps is None else require_count("time_steps", time_steps)
        self._rule = rule
        running, self._error_feedback = started(rule, network, 1, error_feedback)
        self._rule_name = type(running).__name__
        self.regulariser = require_regulariser(regulariser, network, forwards=self._rule_name)
        self.reset()

    def reset(self, initial_state: Mapping[str, np.ndarray] | None = None) -> None:
        """Forget the sequence: the next step starts from rest, with any batch size, or from `initial_state`.

        initial_state  a State of the network, with or without the rule's part: `state` of a learner, or the final_state
                       of `gradients` or `simulate`. It is of one batch size, that of the steps to come

        Raises TypeError or ValueError where the state does not fit, before anything is forgotten.
        """
        fresh = None if initial_state is None else self._started(_batch_size(initial_state), initial_state)
        self.activity = None
        self.rule = None
        self._simulator = None
        self._failure: str | None = None
        if fresh is not None:
            self.rule, self._simulator = fresh

    @property
    def state(self) -> State | None:
        """What is carried to the next time step, network's and rule's, copied; None before the first step."""
        if self._simulator is None or self.rule is None:
            return None
        simulator = self._simulator
        return state_of(self.network, simulator.states, simulator.outputs, self.rule.carried, simulator.past)

    def _started(self, batch_size, initial_state=None):
        """The rule and the simulator of a sequence that starts."""
        rule, _ = started(self._rule, self.network, batch_size, None)
        begun = started_from(self.network, initial_state, rule.carried)
        return rule, self._simulates(self.network, batch_size, initial_state=begun)

    def step(
        self,
        inputs: np.ndarray,
        targets: npt.ArrayLike | None = None,
        *,
        weights: npt.ArrayLike | None = None,
    ) -> tuple[float | np.floating | Fraction | None, np.ndarray]:
        """Take in one time step, inputs [B, ...] and targets, and update; the loss L[t] and the outputs [B, n_out].

        Without targets it takes the time step in and updates nothing: the loss is then None.
        weights  w [B] of the samples, a mask or numbers: they multiply ℓ, and nothing is renormalised

        L[t] is ℓ(o[t], y), divided by `time_steps` where that was given, the mean over the batch; of before the update.
        Raises TypeError or ValueError that names the argument, before anything changes; NonFiniteError where a
        potential, the loss, an error or a gradient overflows; RuntimeError after a step that failed, until `reset()`.
        """
        if self._failure is not None:
            raise RuntimeError(
                f"the step before failed on the way ({self._failure}): call reset(), which starts a new sequence"
            )
        inputs, rows, sample_weights = self._checked(inputs, targets, weights)
        try:
            return self._step(inputs, rows, sample_weights)
        except BaseException as error:  # Ctrl-C leaves things half done as well
            self._failure = f"{type(error).__name__}: {error}"
            raise

    def _step(self, inputs, targets, weights):
        if self._simulator is None or self.rule is None:
            self.rule, self._simulator = self._started(len(inputs))
        time_steps = 1 if self.time_steps is None else self.time_steps
        self.activity = advance(self._simulator, inputs)
        take_in(self.rule, self.activity)
        if targets is None:
            return None, self.activity.outputs.copy()
        penalty: Any = 0
        penalties: dict[int, np.ndarray] = {}
        with of_time_step(self._simulator.time_steps - 1):
            total, output_error = step_loss(self.loss, self.activity.outputs, targets, time_steps, weights)
            if self.regulariser is not None:
                spikes = self.activity.layer_outputs
                penalty, penalties = regularisation(self.regulariser, self.network, spikes, time_steps)
        self.learn(TimeStep(self.activity, output_error, self.loss, targets, time_steps, weights, penalties))
        return total + penalty, self.activity.outputs.copy()

    def learn(self, step: TimeStep) -> None:
        """Update by one TimeStep that the rule has taken in. Raises ValueError where it has taken in none."""
        if self.rule is None or self._simulator is None:
            raise ValueError("step must be one that the rule has taken in, got one before the first")
        if not isinstance(step, TimeStep):
            raise TypeError(f"step must be a TimeStep, got {step!r}")
        shape = (self.rule.batch_size, self.network.output_size)
        require_result("step.output_error", step.output_error, shape, self.network.dtype, "be")
        sums = WatchedSum(self.network, len(step.output_error), first=self._simulator.time_steps - 1)
        add_step(self.rule, sums, 0, step, self._error_feedback)
        self.update(sums)

    def update(self, sums: GradientSum) -> None:
        """Update the parameters by one time step's GradientSum."""
        if not isinstance(sums, GradientSum):
            raise TypeError(f"sums must be a GradientSum, got {sums!r}")
        self.optimizer.step(self.network.parameters, sums.values)
        self.network.project_parameters()

    @property
    def state_bytes(self) -> int:
        """Bytes carried from one time step to the next: neurons' states, outputs, the rule's; 0 after a reset."""
        if self._simulator is None or self.rule is None:
            return 0
        return self._simulator.state_bytes + sum(array.nbytes for array in self.rule.carried.values())

    def __repr__(self) -> str:
        sizes = [self.network.input_size, *(math.prod(shape) for shape in self.network.shapes)]
        of_a_step = repr(self.loss) if self.time_steps is None else f"{self.loss!r} / {self.time_steps}"
        optimizer = type(self.optimizer).__name__
        return f"OnlineLearner({self._rule_name}, Network({sizes}), loss of a step: {of_a_step}, {optimizer})"

    def _samples(self):
        """B of the sequence; None before its first step."""
        return None if self._simulator is None else len(self._simulator.outputs[0])

    def _checked(self, inputs, targets, weights):
        require_network(self.network)
        return self._arguments(inputs, targets, weights)

    def _arguments(self, inputs, targets, weights):
        """What a step is given, checked, for a network that is as it was."""
        batch = self._samples() if self.network.batch_size is None else self.network.batch_size
        inputs = require_step(self.network, inputs, batch)
        if targets is None:
            if weights is not None:
                raise ValueError(f"weights must be None for a step without targets, got {shown(weights)}")
            return inputs, None, None
        rows = require_targets(self.loss, targets, len(inputs), self.network)
        return inputs, rows, require_sample_weights(weights, len(inputs), self.network)


def _batch_size(state):
    """B of a State, whose first array is one of the network's; whether it fits is checked where it is taken in."""
    first = next(iter(state.values()), None) if isinstance(state, Mapping) else None
    if not isinstance(first, np.ndarray) or first.ndim == 0 or not len(first):
        raise TypeError(f"initial_state must be a State, or a mapping of arrays [B, ...] by name, got {shown(state)}")
    return len(first)
