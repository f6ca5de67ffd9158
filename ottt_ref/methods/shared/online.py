"""Learning after each time step, by any forward-in-time rule: nothing of the sequence is kept."""

from ...learning.losses import Mixed, require_loss, require_targets, step_loss
from ...learning.optimisers import require_optimizer
from ...network.network import require_network
from ...simulation.simulator import Simulator
from ...validation import require_array, require_count
from .driver import started
from .errors import TimeStep
from .gradients import GradientSum


class OnlineLearner:
    """A network that learns after each time step and never sees more than one.

    rule            a Rule subclass, or another function (network, batch_size) → Rule
    optimizer       updates the network's parameters, with the gradient of L[t] = ℓ(o[t], y) / time_steps
    loss            Mixed() if not given
    error_feedback  how errors reach the layers: TransposedWeights() if not given
    time_steps      T, the length of the sequences, which scales the loss as in `gradients`; 6 is the authors'

    `reset()` between sequences; `activity` is the last step's, in arrays that the next one overwrites. Between two
    steps it holds the neurons' states and the rule's: `state_bytes`, whatever the number of steps.
    Raises TypeError or ValueError that names the argument.
    """

    def __init__(self, rule, network, optimizer, loss=Mixed(), *, error_feedback=None, time_steps=6):
        self.network = require_network(network)
        self.optimizer = require_optimizer(optimizer)
        self.loss = require_loss(loss, network)
        self.time_steps = require_count("time_steps", time_steps)
        self._rule = rule
        _, self._error_feedback = started(rule, network, 1, error_feedback)
        self.reset()

    def reset(self):
        """Forget the sequence: the next step starts from rest, with any batch size."""
        self.activity = None
        self.rule = None
        self._simulator = None

    def step(self, inputs, targets):
        """Take in one time step, inputs [B, ...] and targets, and update; L[t] and the outputs [B, n_out]."""
        inputs, targets = self._checked(inputs, targets)
        if self._simulator is None:
            self._simulator = Simulator(self.network, len(inputs))
            self.rule = self._rule(self.network, len(inputs))
        self.activity = self._simulator.step(inputs)
        self.rule.advance(self.activity)
        total, output_error = step_loss(self.loss, self.activity.outputs, targets, self.time_steps)
        self.learn(TimeStep(self.activity, output_error, self.loss, targets, self.time_steps))
        return total, self.activity.outputs.copy()

    def learn(self, step):
        """Update by one TimeStep that the rule has taken in."""
        sums = GradientSum(self.network, len(step.output_error))
        self.rule.add_step(sums, 0, step, self._error_feedback)
        self.update(sums)

    def update(self, sums):
        """Update the parameters by one time step's GradientSum."""
        self.optimizer.step(self.network.parameters, sums.values)
        self.network.project_parameters()

    @property
    def state_bytes(self):
        """Bytes carried from one time step to the next: neurons' states, outputs, the rule's; 0 after a reset."""
        if self._simulator is None:
            return 0
        return self._simulator.state_bytes + sum(array.nbytes for array in self.rule.state.values())

    def _checked(self, inputs, targets):
        batch = "B" if self._simulator is None else len(self._simulator.outputs[0])
        if self.network.batch_size is not None:
            batch = self.network.batch_size
        inputs = require_array("inputs", inputs, (batch, *self.network.input_shape), self.network.dtype)
        return inputs, require_targets(self.loss, targets, len(inputs), self.network)
