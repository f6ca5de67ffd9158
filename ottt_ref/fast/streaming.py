"""OTTT_O as a stream: one time step after the other, with an update after each, at the cost of the spikes.

For chains of dense layers with LIF neurons, and SGD: `suits` says in words what does not suit, and is left to the
reference's learner. Without momentum, and of one sample, updates are put off, exactly, as `fast.kernels.streaming`
tells. With momentum each time step moves every weight: there the layers are updated at once, in one pass.

Whoever reads the weights gets the updated ones. That cannot be forgotten, since weights that are not up to date are
nowhere to be had: while a layer is owed updates, its operation does not hold its arrays. `weight` and `bias` are
missing from it, and where an attribute is missing, and only there, Python asks the operation's `__getattr__`, which has
the debt paid and puts the arrays back. So every way of reading leads there: `network.parameters`, a forward pass,
`layers[0].synapses.weight`, `gradients`, `save`, an export. Copies, by `copy` or `pickle`, ask `__getstate__`. Nothing
is asked where nothing is missing: the reference pays nothing for it. The arrays are the same objects as before, in C's
order.

Who has an array keeps it: then it must go on showing the weights as they are, and what is assigned to it must count. So
the learner takes arrays away only where nobody else refers to them, directly or by a view, which Python's count of
references tells. From arrays that others refer to it takes the numbers before each step, and writes them after it,
which takes longer than the step itself. When the last such reference is gone, the next step takes the arrays away
again.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from ..finite import of_time_step
from ..learning.losses import Loss, Mixed, step_loss
from ..learning.optimisers import SGD, Optimizer
from ..learning.regularisers import FiringRate, Regulariser
from ..methods import ottt
from ..methods.ottt import Dialect
from ..methods.shared.errors import ErrorFeedback, TimeStep, TransposedWeights
from ..methods.shared.rule import Rule
from ..network.network import Network
from ..network.neurons import LIF, Integrator
from ..network.surrogate import is_built_in
from ..simulation.simulator import Activity
from ..simulation.state import State, state_of
from ..validation import FLOAT_DTYPES
from .kernels import streaming as kernels
from .network import dense_of
from .stream_engine import Engine

PARTS = ("network", "optimizer", "loss", "time_steps", "regulariser")  # of a learner, which can be set


def suits(
    network: Network,
    optimizer: Optimizer,
    loss: Loss = Mixed(),
    *,
    error_feedback: ErrorFeedback | None = None,
    regulariser: Regulariser | None = None,
) -> str:
    """Why a learner of these is none for this engine, in words; "" where it is one.

    >>> import ottt_ref as ot
    >>> from ottt_ref.fast.streaming import suits
    >>> network = ot.dense_network([2, 3, 2], rng=0)
    >>> suits(network, ot.training.SGD(0.1, momentum=0))
    ''
    >>> suits(network, ot.training.Adam())
    'Adam is no SGD'
    """
    if network.dtype not in FLOAT_DTYPES:
        return "its numbers are exact"
    for l, layer in enumerate(network.layers):
        reason = _layer_reason(layer, l == len(network.layers) - 1)
        if reason:
            return f"layers[{l}] {reason}"
    if network.skips or network.feedback or network.longest_delays:
        return "it is no chain: it has skips, feedback or delays"
    if error_feedback is not None and type(error_feedback) is not TransposedWeights:
        return f"its errors come by {type(error_feedback).__name__}"
    if regulariser is not None and type(regulariser) is not FiringRate:
        return f"it has the regulariser {type(regulariser).__name__}"
    if type(optimizer) is not SGD:
        return f"{type(optimizer).__name__} is no SGD"
    return ""


def _layer_reason(layer, last):
    dense = dense_of(layer.synapses)
    if dense is None:
        return f"has {type(layer.synapses).__name__} synapses, not Dense"
    if layer.recurrent is not None:
        return "is recurrent"
    neuron = layer.neuron
    if type(neuron) is not LIF and not (last and type(neuron) is Integrator):
        return f"has {type(neuron).__name__} neurons"
    if neuron.trainable:
        return "has neurons with parameters"
    if neuron.constants(np.dtype(np.float64), (dense.output_size,)).ndim > 1:
        return "has neurons of several numbers"
    if type(neuron) is LIF and not is_built_in(neuron.surrogate):
        return f"has the surrogate {type(neuron.surrogate).__name__}"
    return ""


class OnlineLearner(ottt.OnlineLearner):
    """OTTT_O, as `ottt_ref.ottt.OnlineLearner` is it, with the same arguments, results and refusals.

    Where the network is a chain of dense layers with LIF neurons, the optimiser SGD, and the rest as `suits` asks,
    `reason` is "". A time step of one sample without momentum costs then what its spikes cost, and one pass over the
    weights between hidden layers; with momentum, or of several samples, a few passes over all weights. Everything else
    is done as the reference does it, and `reason` says why.

    `state_bytes` counts the potentials, spikes and traces, and the sums that stand for updates that are put off, of
    each layer `SLOTS` vectors, whatever the number of steps.

    A step whose numbers come near the largest ones of the dtype is done by the reference, which says what overflows.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.fast.streaming import OnlineLearner
    >>> network, other = (ot.dense_network([2, 3, 2], rng=7) for _ in range(2))
    >>> learner = OnlineLearner(network, ot.training.SGD(0.1, momentum=0), time_steps=4)
    >>> reference = ot.ottt.OnlineLearner(other, ot.training.SGD(0.1, momentum=0), time_steps=4)
    >>> for inputs in np.linspace(0, 0.6, 8).reshape(4, 1, 2):
    ...     results = [each.step(inputs, np.array([1])) for each in (learner, reference)]
    >>> np.allclose(results[0][1], results[1][1], rtol=1e-12)
    True
    >>> np.allclose(network.parameters["layer0.weight"], other.parameters["layer0.weight"], rtol=1e-12)
    True
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        loss: Loss = Mixed(),
        *,
        dialect: Dialect = "derivation",
        error_feedback: ErrorFeedback | None = None,
        time_steps: int | None = None,
        regulariser: Regulariser | None = None,
    ) -> None:
        self._engine: Engine | None = None
        super().__init__(
            network,
            optimizer,
            loss,
            dialect=dialect,
            error_feedback=error_feedback,
            time_steps=time_steps,
            regulariser=regulariser,
        )
        self._choose()

    def _choose(self):
        """Make an engine for what the learner is made of, or none."""
        self.reason = suits(
            self.network,
            self.optimizer,
            self.loss,
            error_feedback=self._error_feedback,
            regulariser=self.regulariser,
        )
        self._engine = None if self.reason else Engine(self)

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name in PARTS and "reason" in self.__dict__:  # not when the learner is made
            self._leave()
            self._choose()

    def reset(self, initial_state: Mapping[str, np.ndarray] | None = None) -> None:
        """Forget the sequence: the next step starts from rest, with any batch size, or from `initial_state`."""
        super().reset(initial_state)
        if self._engine is not None:
            self._engine.stop()

    def step(
        self,
        inputs: np.ndarray,
        targets: npt.ArrayLike | None = None,
        *,
        weights: npt.ArrayLike | None = None,
    ) -> tuple[float | np.floating | Fraction | None, np.ndarray]:
        """Take in one time step, inputs [B, ...] and targets, and update; the loss L[t] and the outputs [B, n_out].

        As the reference's `step`.
        """
        engine = self._engine
        if engine is not None and weights is None and engine.step_at_once(inputs, targets):
            return engine.loss[0], engine.outputs.copy()
        return super().step(inputs, targets, weights=weights)

    def _step(self, inputs, targets, weights):
        if self._engine is None or not self._enter(len(inputs), targets is not None):
            self._leave()
            return super()._step(inputs, targets, weights)
        engine: Any = self._engine
        if targets is None:
            done, loss = engine.run(kernels.FORWARD, inputs) and engine.skip_update(), None
        elif engine.fuses_loss:
            given = engine.no_weights if weights is None else weights
            done, loss = engine.run(kernels.FUSED, inputs, engine.no_labels, targets, given), engine.loss[0]
        else:
            done, loss = self._step_with_own_loss(inputs, targets, weights)
        if not done:
            self._leave()
            return super()._step(inputs, targets, weights)
        return loss, engine.outputs.copy()

    def _step_with_own_loss(self, inputs, targets, weights):
        """A step whose loss is not one of the kernels': it may read the network, so that no step can be undone."""
        engine: Any = self._engine
        before = engine.exported()
        if not engine.run(kernels.FORWARD, inputs):
            return False, None
        with of_time_step(engine.time_steps):
            total, error = step_loss(self.loss, engine.outputs.copy(), targets, engine.divisor, weights)
        engine.spike_error[...] = error
        if engine.run(kernels.BACKWARD, inputs):
            return True, total if self.regulariser is None else total + engine.loss[0]
        engine.load_state(*before)
        return False, None

    def _enter(self, samples, updates):
        """Have the engine go on with the sequence, or begin one; whether it can."""
        engine: Any = self._engine
        if bool(self.optimizer.momentum) != engine.has_velocity:
            self._leave()
            self._choose()
            engine = self._engine
        if engine.samples:
            return engine.prepare_settings(updates)
        if not engine.prepare_settings(updates):
            return False
        if self._simulator is None:
            engine.begin(samples)
        elif not engine.go_on(self._running, self._simulator):
            return False
        self._running = self._simulator = self._activity = None
        return True

    def _leave(self):
        """Have the reference go on with the sequence; until the next step."""
        engine = self._engine
        if engine is None or not engine.samples:
            return
        self._running, self._simulator = engine.handed_over()
        self._activity = engine.activity
        engine.stop()

    def __getstate__(self) -> dict[str, Any]:
        """What a copy gets: all but the engine, which a copy has of its own."""
        self._leave()
        return {**self.__dict__, "_engine": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._choose()

    def _checked(self, inputs, targets, weights):
        engine = self._engine
        if engine is None or not engine.all_taken or self.network.parameters is not engine.parameters:
            return super()._checked(inputs, targets, weights)
        return self._arguments(inputs, targets, weights)  # the arrays are here, where nobody changes their shapes

    def _samples(self):
        return self._engine.samples if self._engine is not None and self._engine.samples else super()._samples()

    @property
    def activity(self) -> Activity | None:
        """The last step's Activity, in arrays that the next one overwrites; None before the first."""
        if self._engine is not None and self._engine.samples:
            return self._engine.activity
        return self._activity

    @activity.setter
    def activity(self, activity: Activity | None) -> None:
        self._activity = activity

    @property
    def rule(self) -> Rule | None:
        """The rule at work, whose arrays are those of the last step; None before the first."""
        self._leave()
        return self._running

    @rule.setter
    def rule(self, rule: Rule | None) -> None:
        self._running = rule

    @property
    def state(self) -> State | None:
        """What is carried to the next time step, network's and rule's, copied; None before the first step."""
        engine = self._engine
        if engine is None or not engine.samples:
            return super().state
        rule, simulator = engine.filled_template()
        return state_of(self.network, simulator.states, simulator.outputs, rule.carried, simulator.past)

    @property
    def state_bytes(self) -> int:
        """Bytes carried from one time step to the next, beside the parameters; 0 after a reset."""
        engine = self._engine
        return super().state_bytes if engine is None or not engine.samples else engine.state_bytes

    def learn(self, step: TimeStep) -> None:
        """Update by one TimeStep that the rule has taken in. Raises ValueError where it has taken in none."""
        self._leave()
        super().learn(step)
