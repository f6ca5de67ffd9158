"""Learning after each time step, by any forward-in-time rule: nothing of the sequence is kept."""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from ...finite import of_time_step
from ...learning.losses import Loss, Mixed, require_loss, require_targets, step_loss
from ...learning.optimisers import Optimizer, require_optimizer
from ...network.network import Network, require_network
from ...simulation.inputs import require_step
from ...simulation.simulator import Activity, Simulator
from ...validation import require_count, require_result
from .driver import add_step, started, take_in
from .errors import ErrorFeedback, TimeStep
from .gradients import GradientSum, WatchedSum
from .rule import Rule


class OnlineLearner:
    """A network that learns after each time step and never sees more than one.

    rule            a Rule subclass, or another function (network, batch_size) → Rule
    optimizer       updates the network's parameters, with the gradient of the loss of the step
    loss            ℓ, Mixed() if not given
    error_feedback  how errors reach the layers: TransposedWeights() if not given
    time_steps      T, the length of the sequences: the loss of a step is then ℓ(o[t], y) / T, and those of T steps
                    add up to the loss of `gradients`. Without it the loss of a step is ℓ(o[t], y) itself

    `reset()` between sequences; `activity` is the last step's, in arrays that the next one overwrites. Between two
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

    def __init__(
        self,
        rule: Callable[[Network, int], Rule],
        network: Network,
        optimizer: Optimizer,
        loss: Loss = Mixed(),
        *,
        error_feedback: ErrorFeedback | None = None,
        time_steps: int | None = None,
    ) -> None:
        self.network = require_network(network)
        self.optimizer = require_optimizer(optimizer)
        self.loss = require_loss(loss, network)
        self.time_steps = None if time_steps is None else require_count("time_steps", time_steps)
        self._rule = rule
        running, self._error_feedback = started(rule, network, 1, error_feedback)
        self._rule_name = type(running).__name__
        self.reset()

    def reset(self) -> None:
        """Forget the sequence: the next step starts from rest, with any batch size."""
        self.activity = None
        self.rule = None
        self._simulator = None
        self._failure: str | None = None

    def step(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[float | np.floating | Fraction, np.ndarray]:
        """Take in one time step, inputs [B, ...] and targets, and update; the loss L[t] and the outputs [B, n_out].

        L[t] is ℓ(o[t], y), divided by `time_steps` where that was given, the mean over the batch; of before the update.
        Raises TypeError or ValueError that names the argument, before anything changes; NonFiniteError where a
        potential, the loss, an error or a gradient overflows; RuntimeError after a step that failed, until `reset()`.
        """
        if self._failure is not None:
            raise RuntimeError(
                f"the step before failed on the way ({self._failure}): call reset(), which starts a new sequence"
            )
        inputs, targets = self._checked(inputs, targets)
        try:
            return self._step(inputs, targets)
        except BaseException as error:  # Ctrl-C leaves things half done as well
            self._failure = f"{type(error).__name__}: {error}"
            raise

    def _step(self, inputs, targets):
        if self._simulator is None or self.rule is None:
            self.rule, _ = started(self._rule, self.network, len(inputs), None)
            self._simulator = Simulator(self.network, len(inputs))
        time_steps = 1 if self.time_steps is None else self.time_steps
        self.activity = self._simulator.step(inputs)
        take_in(self.rule, self.activity)
        with of_time_step(self._simulator.time_steps - 1):
            total, output_error = step_loss(self.loss, self.activity.outputs, targets, time_steps)
        self.learn(TimeStep(self.activity, output_error, self.loss, targets, time_steps))
        return total, self.activity.outputs.copy()

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
        return self._simulator.state_bytes + sum(array.nbytes for array in self.rule.state.values())

    def __repr__(self) -> str:
        sizes = [self.network.input_size, *(math.prod(shape) for shape in self.network.shapes)]
        of_a_step = repr(self.loss) if self.time_steps is None else f"{self.loss!r} / {self.time_steps}"
        optimizer = type(self.optimizer).__name__
        return f"OnlineLearner({self._rule_name}, Network({sizes}), loss of a step: {of_a_step}, {optimizer})"

    def _checked(self, inputs, targets):
        require_network(self.network)
        batch = None if self._simulator is None else len(self._simulator.outputs[0])
        if self.network.batch_size is not None:
            batch = self.network.batch_size
        inputs = require_step(self.network, inputs, batch)
        return inputs, require_targets(self.loss, targets, len(inputs), self.network)
