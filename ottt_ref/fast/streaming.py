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

import sys
from collections.abc import Mapping
from fractions import Fraction
from threading import RLock
from typing import Any

import numpy as np
import numpy.typing as npt

from ..finite import of_time_step
from ..learning.losses import CrossEntropy, Loss, MeanSquaredError, Mixed, step_loss
from ..learning.optimisers import SGD, Optimizer
from ..learning.regularisers import FiringRate, Regulariser
from ..methods import ottt
from ..methods.ottt import Dialect
from ..methods.shared.errors import ErrorFeedback, TimeStep, TransposedWeights
from ..methods.shared.rule import Rule
from ..network.network import Network
from ..network.neurons import LIF, RESETS, Integrator
from ..network.operations import Dense
from ..network.surrogate import is_built_in
from ..simulation.simulator import Activity
from ..simulation.state import State, state_of
from ..validation import FLOAT_DTYPES, require_nonnegative
from .kernels import streaming as kernels
from .kernels.choosing import hand_built
from .kernels.streaming import ROWS, SLOTS, WHOLE
from .kernels.surrogates import NONE, kind_of, numbers_of

LEAST_SYNAPSES = 2**13  # of a layer whose updates are put off; smaller ones are updated at once
LIMITS = {np.dtype(np.float32): 1e30, np.dtype(np.float64): 1e290}  # a step of larger numbers is left to the reference
LINE = 64  # bytes of a line of the cache, where each array begins
PARAMETERS = ("weight", "bias")
PARTS = ("network", "optimizer", "loss", "time_steps", "regulariser")  # of a learner, which can be set
FLOATS, INT64 = (float, int), np.dtype(np.int64)


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
    if type(layer.synapses) is not Dense:
        return f"has {type(layer.synapses).__name__} synapses, not Dense"
    if layer.recurrent is not None:
        return "is recurrent"
    neuron = layer.neuron
    if type(neuron) is not LIF and not (last and type(neuron) is Integrator):
        return f"has {type(neuron).__name__} neurons"
    if neuron.trainable:
        return "has neurons with parameters"
    if neuron.constants(np.dtype(np.float64), (layer.synapses.output_size,)).ndim > 1:
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
        self._engine: _Engine | None = None
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
        self._engine = None if self.reason else _Engine(self)

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


def _references(arrays, k):
    return sys.getrefcount(arrays[k])


REFERENCES = _references([np.empty(0)], 0)  # of an array that a list alone holds; it differs with Python's version


class Debt:
    """What a dense operation has in place of its arrays while it is owed updates: where to get them."""

    def __init__(self, engine: _Engine, l: int) -> None:
        self.engine, self.l = engine, l

    def pay(self, attributes: dict[str, Any]) -> dict[str, np.ndarray]:
        """Put the up-to-date arrays back among the attributes of the operation; the arrays by name."""
        with self.engine.lock:
            self.engine.pay(self.l)
            return _settled(self, attributes, dict(zip(PARAMETERS, self.engine.arrays[self.l])))


class VelocityDebt:
    """What an SGD with momentum has in place of its state while an engine holds the velocities."""

    def __init__(self, engine: _Engine) -> None:
        self.engine = engine

    def pay(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """Put the state back among the attributes of the optimiser; the state by its name."""
        with self.engine.lock:
            return _settled(self, attributes, {"_state": self.engine.pay_velocities()})


def _settled(debt, attributes, values):
    """Values in place of a debt, if it is still there."""
    if attributes.get("_debt") is debt:
        del attributes["_debt"]
        for name, value in values.items():
            attributes.setdefault(name, value)
    return values


class _Engine:
    """The learner's memory and its kernels.

    samples  B of the sequence; 0 while there is none here, at the start and where the reference goes on with it
    arrays   by layer the weight and the bias of the network, up to date or not
    taken    by layer whether they are taken away from the operation, which has a Debt
    shared   the layers whose arrays others refer to
    """

    def __init__(self, learner: OnlineLearner) -> None:
        self.network, self.loss_function = learner.network, learner.loss
        self.optimizer: Any = learner.optimizer
        self.start, self.learner = learner._started, learner
        self.dtype = self.network.dtype
        self.parameters = self.network.parameters
        self.names = self.network.layer_names
        self.operations: list[Any] = [layer.synapses for layer in self.network.layers]
        self.attributes = tuple(operation.__dict__ for operation in self.operations)
        self.arrays: list[list[np.ndarray]] = [[] for _ in self.operations]
        self.taken = [False] * len(self.operations)
        self.all_taken = False
        self.shared: list[int] = []
        self.shares = _loss_shares(self.loss_function)
        self.fuses_loss = self.shares is not None
        self.divisor = 1 if learner.time_steps is None else learner.time_steps
        self.lock = RLock()
        self.samples, self.memory_samples, self.time_steps = 0, 0, 0
        self.shape: tuple[int, ...] | None = None  # of inputs that are taken at once
        self.labels_shape: tuple[int, ...] = ()
        self.rate: Any = None
        self.weight_decay: Any = None
        self.momentum: Any = None
        self.has_velocity = bool(self.optimizer.momentum)
        self.velocity_debt: VelocityDebt | None = None
        self.velocities_begun = False
        self.no_labels, self.no_rows = np.empty(0, np.int64), np.empty((0, 0), self.dtype)
        self.no_weights = np.empty(0, self.dtype)
        self.template: Any = None

    # What a step is given

    def step_at_once(self, inputs, targets):
        """A step of what needs no conversion, where nothing but the spikes is new; whether it was done."""
        optimizer = self.optimizer
        if not (
            type(inputs) is np.ndarray
            and type(targets) is np.ndarray
            and inputs.shape == self.shape
            and targets.shape == self.labels_shape
            and inputs.dtype == self.dtype
            and targets.dtype == INT64
            and inputs.flags.carray
            and targets.flags.carray
            and optimizer.learning_rate is self.rate
            and optimizer.weight_decay is self.weight_decay
            and optimizer.momentum is self.momentum
            and optimizer._mapping is self.parameters is self.network.parameters
        ):
            return False
        with self.lock:
            if (
                not self.all_taken
                or self.shared
                or (self.has_velocity and not (self.velocities_begun and self._velocities_here()))
            ):
                return self.run(kernels.FUSED, inputs, targets)
            code = kernels.step(
                self.memory,
                self.places,
                self.layout,
                self.numbers,
                inputs,
                targets,
                self.no_rows,
                self.no_weights,
                kernels.FUSED,
            )
            if code == kernels.DONE:
                self.time_steps += 1
                return True
            if code == kernels.TROUBLE:
                kernels.undo(self.memory, self.places, self.layout)
            return False

    def prepare_settings(self, updates):
        """Take in the optimiser's numbers, which may change between steps; whether they are for this engine.

        updates  whether the step is to change the parameters, which must be those of the optimiser then
        """
        optimizer = self.optimizer
        if bool(optimizer.momentum) != self.has_velocity or self.network.parameters is not self.parameters:
            return False
        if updates and optimizer._mapping is not self.parameters:
            optimizer._require_own(self.parameters)
        rate = require_nonnegative("learning_rate", optimizer.learning_rate)
        if not all(type(number) in FLOATS for number in (rate, optimizer.weight_decay, optimizer.momentum)):
            return False
        self.rate, self.weight_decay = optimizer.learning_rate, optimizer.weight_decay
        self.momentum = optimizer.momentum
        self.settings = [float(rate), float(self.weight_decay), float(self.momentum)]
        if self.memory_samples:
            self.numbers[[kernels.RATE, kernels.WEIGHT_DECAY, kernels.MOMENTUM]] = self.settings
        return True

    # Memory

    def _lay_out(self, samples):
        """Make the memory for a batch size. Nothing must be taken away from the network."""
        layout, block = _layout(self.network, samples, self.has_velocity)
        self.layout, self.state_size, self.kept = layout, block.state_size, block.kept_places
        self.memory = _aligned(block.size, self.dtype)
        self.places = np.zeros(block.places, np.int32)
        self.numbers = np.zeros(kernels.NUMBERS + kernels.BOUNDS * len(layout))
        self.bounds = self.numbers[kernels.NUMBERS :].reshape(-1, kernels.BOUNDS)
        self.numbers[kernels.SCALE] = self.divisor * samples
        self.numbers[kernels.LIMIT] = LIMITS[self.dtype]
        self.numbers[kernels.TINY] = np.finfo(self.dtype).tiny * 2.0**20
        price = self.learner.regulariser
        if price is not None:
            squared = price.target is not None
            self.numbers[kernels.SQUARED_PRICE if squared else kernels.PRICE] = float(price.strength)
            self.numbers[kernels.WANTED_RATE] = float(price.target) if squared else 0.0
        if self.shares is not None:
            self.numbers[kernels.CROSS_SHARE], self.numbers[kernels.SQUARED_SHARE] = self.shares
        self.numbers[[kernels.RATE, kernels.WEIGHT_DECAY, kernels.MOMENTUM]] = self.settings
        _write_constants(self.learner, layout, self.memory)
        self.rows_layers = [l for l in range(len(layout)) if layout[l, kernels.KIND] == ROWS]
        self.memory_samples, self.template = samples, None
        self.outputs = self._view(layout[-1], kernels.SPIKES)
        self.spike_error = self._view(layout[-1], kernels.SPIKE_ERROR)
        self.loss = self.memory[layout[0, kernels.SCRATCH] + kernels.LOSS :][:1]

    def _view(self, row, column, inputs=False):
        """[B, n] of a layer, a view of the memory."""
        size, width = row[[kernels.SIZE_IN, kernels.WIDTH_IN] if inputs else [kernels.SIZE_OUT, kernels.WIDTH_OUT]]
        samples = self.memory_samples
        return self.memory[row[column] :][: samples * width].reshape(samples, width)[:, :size]

    # The network's arrays

    def take(self):
        """Take in the network's parameters, and take away the arrays that nobody else refers to; whether it can be."""
        fits = all(taken or self._take_in(l) for l, taken in enumerate(self.taken))
        if fits:
            self.shared = [l for l in range(len(self.taken)) if not self._take_away(l)]
            self.all_taken = True
            fits = (not self.has_velocity or self._take_velocities()) and self._is_small()
        if not fits:
            self._give_up_shared()
        return fits

    def _is_small(self):
        """Whether weights and velocities are far from the largest numbers."""
        return bool((self.bounds[:, [kernels.REACH, kernels.SPEED]] < LIMITS[self.dtype]).all())

    def _give_up_shared(self):
        """Let go of the arrays that were not taken away: they are taken in anew before the next step."""
        for l, attributes in enumerate(self.attributes):
            if "_debt" not in attributes:
                self.taken[l] = self.all_taken = False

    def _take_velocities(self):
        """Take in the optimiser's velocities, 0 before its first step, and take its state away; whether it fits."""
        if self._velocities_here():
            return True
        self.velocity_debt = None
        state, attributes = self.optimizer._state, self.optimizer.__dict__
        names = [f"{self.names[l]}.{name}" for l in range(len(self.names)) for name in PARAMETERS]
        given = {name: state[name]["velocity"] for name in names if name in state}
        for name, velocity in given.items():
            like = self.arrays[names.index(name) // 2][names.index(name) % 2]
            if velocity.shape != like.shape or velocity.dtype != self.dtype:
                return False
        for l, row in enumerate(self.layout):
            of_weight, of_bias = self._velocities(row)
            of_weight[...] = given.get(names[2 * l], 0)
            of_bias[...] = given.get(names[2 * l + 1], 0)
            largest = max(np.abs(of_weight).max(), np.abs(of_bias).max())
            self.bounds[l, kernels.SPEED] = largest
        self.velocities_begun = bool(given)
        del attributes["_state"]
        attributes["_debt"] = self.velocity_debt = VelocityDebt(self)
        return True

    def _velocities_here(self):
        """Whether the velocities of the optimiser are in the memory, and no other state was set meanwhile."""
        attributes = self.optimizer.__dict__
        return (
            self.velocity_debt is not None
            and attributes.get("_debt") is self.velocity_debt
            and "_state" not in attributes
        )

    def _velocities(self, row):
        """Views of the velocities of a layer's weight and bias."""
        (size_out, size_in), width = row[[kernels.SIZE_OUT, kernels.SIZE_IN]], row[kernels.WIDTH_IN]
        of_weight = self.memory[row[kernels.VELOCITY] :][: size_out * width].reshape(size_out, width)[:, :size_in]
        return of_weight, self.memory[row[kernels.VELOCITY] + size_out * width :][:size_out]

    def pay_velocities(self):
        """The optimiser's state, which is then its own again."""
        with self.lock:
            self.velocity_debt = None
            state = {}
            for l, row in enumerate(self.layout if self.velocities_begun else ()):
                for name, velocity in zip(PARAMETERS, self._velocities(row)):
                    if f"{self.names[l]}.{name}" in self.parameters:
                        state[f"{self.names[l]}.{name}"] = {"velocity": velocity.copy()}
            return state

    def _take_in(self, l):
        """Take in a layer's weight and bias; whether they can be written later."""
        arrays = [getattr(self.operations[l], name) for name in PARAMETERS]
        size_in, size_out = self.layout[l, kernels.SIZE_IN], self.layout[l, kernels.SIZE_OUT]
        for array, shape in zip(arrays, ((size_out, size_in), (size_out,))):
            if type(array) is not np.ndarray or array.shape != shape or array.dtype != self.dtype:
                self.parameters.require_unchanged()  # which says what was set by hand
                return False
            if not array.flags.writeable:
                return False
        weight, bias = (np.require(array, requirements=["C", "A"]) for array in arrays)
        self.bounds[l, kernels.REACH] = kernels.load_weight(self.memory, self.layout, l, weight, bias)
        self.arrays[l], self.taken[l] = arrays, True
        return True

    def _take_away(self, l):
        """Leave a Debt with the operation in place of its arrays, unless others refer to them; whether it was done."""
        attributes, arrays, own = self.attributes[l], self.arrays[l], self.optimizer._arrays
        if "_debt" in attributes:
            return True
        for name in PARAMETERS:
            del attributes[name]
        for k, name in enumerate(PARAMETERS):
            known = own.get(f"{self.names[l]}.{name}") is arrays[k]
            if arrays[k].base is not None or _references(arrays, k) != REFERENCES + known:
                attributes.update(zip(PARAMETERS, arrays))
                return False
        attributes["_debt"] = Debt(self, l)
        return True

    def pay(self, l):
        """Bring the arrays of a layer up to date, which are then the network's."""
        with self.lock:
            if not self.taken[l]:
                return
            self.taken[l] = self.all_taken = False
            self._flush(l)
            for array, stored in zip(self.arrays[l], self._stored(l)):
                array[...] = stored

    def _flush(self, l):
        if self.layout[l, kernels.KIND] == ROWS:
            kernels.flush(self.memory, self.places, self.layout, self.numbers, l)

    def _stored(self, l):
        """The weight and bias of a layer to which nothing is owed."""
        weight, bias = self.arrays[l]
        at = self.layout[l, kernels.BIAS]
        if not weight.flags.carray:
            weight = np.empty(weight.shape, weight.dtype)
        kernels.store_weight(weight, self.memory, self.layout, l)
        return weight, self.memory[at : at + len(bias)]

    def _pay_all(self):
        if self.has_velocity and self._velocities_here():
            self.optimizer.__dict__["_debt"].pay(self.optimizer.__dict__)
        for l, attributes in enumerate(self.attributes):
            if "_debt" in attributes:
                attributes["_debt"].pay(attributes)
            self.pay(l)

    # A sequence

    def begin(self, samples):
        """Begin a sequence of a batch at rest."""
        with self.lock:
            if samples != self.memory_samples:
                self._pay_all()
                self._lay_out(samples)
            for l in range(len(self.layout)):
                if self.taken[l]:
                    self._flush(l)
            self.memory[: self.state_size] = 0
            self.places[: self.kept] = 0
            for l in self.rows_layers:
                kernels.begin_rows(self.memory, self.layout, l)
            self.bounds[:, kernels.PEAK] = 0
            if self.template is None:
                self.template = self.start(samples)
            self.layout[0, kernels.BUILT] = hand_built()
            self.samples, self.time_steps = samples, 0
            if self.fuses_loss:
                self.shape, self.labels_shape = (samples, *self.network.input_shape), (samples,)

    def stop(self):
        """Forget the sequence; what is owed stays owed."""
        self.samples, self.shape = 0, None

    def go_on(self, rule, simulator):
        """Go on with a sequence of the reference's; whether its numbers are for this engine."""
        potentials = [states[0] for states in simulator.states]
        carried = list(rule.carried.values())
        traces, bias_traces = carried[: len(potentials)], carried[len(potentials) :]
        every = [*potentials, *simulator.outputs, *carried]
        if not all(np.abs(array).max(initial=0) < LIMITS[self.dtype] for array in every):
            return False
        self.begin(len(potentials[0]))
        self.load_state(potentials, simulator.outputs, traces, bias_traces)
        self.time_steps = simulator.time_steps
        return True

    def load_state(self, potentials, outputs, traces, bias_traces):
        """Go on from these, by layer [B, n] and [1], which `exported` gives."""
        for l, row in enumerate(self.layout):
            if self.taken[l]:
                self._flush(l)
            self._view(row, kernels.POTENTIAL)[...] = potentials[l]
            self._view(row, kernels.SPIKES)[...] = outputs[l]
            self.memory[row[kernels.BIAS_TRACE]] = bias_traces[l][0]
            kernels.begin_traces(self.memory, self.places, self.layout, l, self.samples, traces[l])
            self.bounds[l, kernels.PEAK] = max(np.abs(traces[l]).max(), bias_traces[l][0])

    def exported(self):
        """Potentials, outputs, traces and the biases' traces of the last time step, by layer, copied."""
        traces = [np.empty((self.samples, row[kernels.SIZE_IN]), self.dtype) for row in self.layout]
        for l, trace in enumerate(traces):
            kernels.last_traces(trace, self.memory, self.places, self.layout, l, self.samples)
        return (
            [self._view(row, kernels.POTENTIAL).copy() for row in self.layout],
            [self._view(row, kernels.SPIKES).copy() for row in self.layout],
            traces,
            [self.memory[row[kernels.BIAS_TRACE] :][:1].copy() for row in self.layout],
        )

    def filled_template(self):
        """A rule and a simulator of the reference's in the state of the last time step."""
        rule, simulator = self.template
        potentials, outputs, traces, bias_traces = self.exported()
        for l, potential in enumerate(potentials):
            simulator.states[l][0][...] = potential
            simulator.outputs[l][...] = outputs[l]
        for array, value in zip(rule.carried.values(), (*traces, *bias_traces)):
            array[...] = value
        simulator.time_steps = self.time_steps
        return rule, simulator

    def handed_over(self):
        """`filled_template`, for the reference to go on with."""
        rule, simulator = self.filled_template()
        self.template = None
        return rule, simulator

    @property
    def activity(self):
        """The last step's Activity."""
        network = self.network
        states = tuple((self._view(row, kernels.POTENTIAL),) for row in self.layout)
        derivatives = tuple(
            layer.neuron.surrogate_derivative((np.ascontiguousarray(potential),))
            for layer, (potential,) in zip(network.layers, states)
        )
        outputs = tuple(self._view(row, kernels.SPIKES) for row in self.layout)
        return Activity(
            self._view(self.layout[0], kernels.SOURCE, inputs=True), states, outputs, derivatives, network.spiking
        )

    @property
    def state_bytes(self):
        """Bytes of potentials, outputs and traces, and of what stands for updates that are put off."""
        total = 0
        for row in self.layout:
            traces = row[kernels.SIZE_IN] if row[kernels.KIND] == ROWS else self.samples * row[kernels.SIZE_IN]
            numbers = 2 * self.samples * row[kernels.SIZE_OUT] + traces + 1
            if row[kernels.KIND] == ROWS:
                numbers += row[kernels.SIZE_IN] + SLOTS * (row[kernels.SIZE_OUT] + 1)
                total += self.places.itemsize * int(row[kernels.SIZE_IN])
            total += self.dtype.itemsize * int(numbers)
        return total

    # A time step

    def run(self, stage, inputs, labels=None, rows=None, weights=None):
        """A time step or a part of it; whether it was done. Where it was not, nothing has changed."""
        with self.lock:
            if self.shared:
                self._give_up_shared()
            if not (self.all_taken and (not self.has_velocity or self._velocities_here())) and not self.take():
                return False
            code = kernels.step(
                self.memory,
                self.places,
                self.layout,
                self.numbers,
                inputs,
                self.no_labels if labels is None else labels,
                self.no_rows if rows is None else rows,
                self.no_weights if weights is None else weights,
                stage,
            )
            if code != kernels.DONE:
                if code == kernels.TROUBLE and stage != kernels.BACKWARD:
                    kernels.undo(self.memory, self.places, self.layout)
                self._give_up_shared()
                return False
            if stage != kernels.FORWARD:
                self.velocities_begun = True
                self._end_step()
                if self.optimizer._mapping is not self.parameters:
                    self._bind()
        return True

    def skip_update(self):
        """End a time step without targets."""
        with self.lock:
            kernels.end_step(self.memory, self.places, self.layout, self.numbers)
            self._end_step()
        return True

    def _end_step(self):
        self.time_steps += 1
        for l in self.shared:
            self.pay(l)

    def _bind(self):
        """What the optimiser does at its first step: from then on it is for these parameters alone."""
        arrays = {
            f"{self.names[l]}.{name}": a for l, pair in enumerate(self.arrays) for name, a in zip(PARAMETERS, pair)
        }
        own = {name: arrays[name] for name in self.parameters}
        self.optimizer._mapping, self.optimizer._arrays = self.parameters, own
        self.optimizer._kinds = {name: (array.shape, array.dtype) for name, array in own.items()}


class _Block:
    """Where arrays lie in a memory: what is kept from step to step first."""

    def __init__(self, dtype):
        self.line = LINE // dtype.itemsize
        self.size = self.state_size = self.places = self.kept_places = 0

    def padded(self, size):
        """With the zeros that fill up the last vector, of a long row the last group of vectors."""
        unit = self.line if size < kernels.GROUP * self.line else kernels.GROUP * self.line
        return -(-size // unit) * unit

    def numbers(self, size):
        first = self.size
        self.size += self.padded(size)
        return first

    def whole(self, size):
        first = self.places
        self.places += size
        return first


def _layout(network, samples, has_velocity):
    """`layout` of the kernels for a batch size, and the _Block that it is of."""
    block = _Block(network.dtype)
    layout = np.zeros((len(network.layers), kernels.ALL_COLUMNS), np.int64)
    for row, layer in zip(layout, network.layers):
        size_out, size_in = layer.synapses.weight.shape
        row[kernels.SIZE_IN], row[kernels.SIZE_OUT] = size_in, size_out
        row[kernels.WIDTH_IN], row[kernels.WIDTH_OUT] = block.padded(size_in), block.padded(size_out)
        put_off = (
            samples == 1
            and not has_velocity
            and size_out >= kernels.GROUP * block.line
            and size_in * size_out >= LEAST_SYNAPSES
        )
        row[kernels.KIND] = ROWS if put_off else WHOLE
        row[kernels.BIAS_LEARNED] = "bias" in layer.synapses.parameter_names
        if type(layer.neuron) is Integrator:
            row[kernels.NEURON], row[kernels.SURROGATE] = kernels.READOUT, NONE
        else:
            row[kernels.NEURON], row[kernels.RESET] = kernels.LIF_NEURON, RESETS.index(layer.neuron.reset)
            row[kernels.SURROGATE] = kind_of(layer.neuron.surrogate)
    for row in layout:  # what is kept from step to step comes first
        rows_kind = row[kernels.KIND] == ROWS
        row[kernels.TRACE] = block.numbers((1 if rows_kind else samples) * row[kernels.WIDTH_IN])
        row[kernels.HELD] = block.numbers(row[kernels.WIDTH_IN]) if rows_kind else 0
        row[kernels.BIAS_TRACE] = block.numbers(1)
        for column in (kernels.POTENTIAL, kernels.SPIKES):
            row[column] = block.numbers(samples * row[kernels.WIDTH_OUT])
        row[kernels.SLOT] = block.whole(1)
        row[kernels.SINCE] = block.whole(row[kernels.SIZE_IN]) if rows_kind else 0
    block.state_size, block.kept_places = block.size, block.places
    layout[0, kernels.STATE_SIZE], layout[0, kernels.KEPT_PLACES] = block.size, block.places
    layout[0, kernels.BACKUP], layout[0, kernels.KEPT] = block.numbers(block.size), block.whole(block.places)
    layout[0, kernels.SCRATCH] = block.numbers(kernels.SCRATCH_SIZE)
    layout[0, kernels.HAS_VELOCITY] = has_velocity
    for l, row in enumerate(layout):
        wide, rows_kind = row[kernels.WIDTH_OUT], row[kernels.KIND] == ROWS
        whole_size = row[kernels.SIZE_OUT] * row[kernels.WIDTH_IN]
        row[kernels.WEIGHT] = block.numbers(row[kernels.SIZE_IN] * wide if rows_kind else whole_size)
        row[kernels.VELOCITY] = block.numbers(whole_size + wide if has_velocity else 0)
        for column in (kernels.BIAS, kernels.DECAY, kernels.THRESHOLD, kernels.RESET_POTENTIAL):
            row[column] = block.numbers(wide)
        row[kernels.SURROGATE_NUMBERS], row[kernels.BIAS_DECAY] = block.numbers(4), block.numbers(1)
        row[kernels.POWERS] = block.numbers(SLOTS)
        row[kernels.SOURCE] = layout[l - 1, kernels.SPIKES] if l else block.numbers(samples * row[kernels.WIDTH_IN])
        for column in (kernels.CURRENT, kernels.SPIKE_ERROR, kernels.ERROR):
            row[column] = block.numbers(samples * wide)
        if rows_kind:
            row[kernels.SUMS], row[kernels.FACTORS] = block.numbers(SLOTS * wide), block.numbers(SLOTS)
            row[kernels.DOTS], row[kernels.LISTED] = block.numbers(SLOTS), block.numbers(3 * row[kernels.SIZE_IN])
            for column in (kernels.EVENTS, kernels.OWED):
                row[column] = block.whole(row[kernels.SIZE_IN] + block.line)
        row[kernels.COUNT] = block.whole(1)
    return layout, block


def _write_constants(learner, layout, memory):
    """The numbers of the neurons and of the traces of what enters them."""
    network, dtype = learner.network, memory.dtype
    for l, (row, layer) in enumerate(zip(layout, network.layers)):
        neuron, size = layer.neuron, row[kernels.SIZE_OUT]
        for column, number in zip((kernels.DECAY, kernels.THRESHOLD, kernels.RESET_POTENTIAL), neuron.constants(dtype)):
            memory[row[column] :][:size] = number
        memory[row[kernels.THRESHOLD] :][size : row[kernels.WIDTH_OUT]] = 1  # what fills up vectors never fires
        if type(neuron) is LIF:
            memory[row[kernels.SURROGATE_NUMBERS] :][:4] = numbers_of(neuron.surrogate, dtype)
        membrane = network.layers[network.trace_layer(l)].neuron
        traced = learner.dialect == "derivation" or l > 0
        decay = float(membrane.constants(dtype)[0]) if traced else 0.0
        if learner.dialect == "derivation" and not neuron.stateless:
            memory[row[kernels.BIAS_DECAY]] = neuron.constants(dtype)[0]
        memory[row[kernels.POWERS] :][:SLOTS] = [decay**k for k in range(SLOTS)]


def _loss_shares(loss):
    """How much of the cross-entropy and of the squared error a loss is; None for one of one's own."""
    if type(loss) is Mixed:
        return 1 - float(loss.mse_weight), float(loss.mse_weight)
    return {CrossEntropy: (1.0, 0.0), MeanSquaredError: (0.0, 1.0)}.get(type(loss))


def _aligned(size, dtype):
    """Zeros whose first lies at the beginning of a line of the cache."""
    line = LINE // dtype.itemsize
    memory = np.zeros(size + line, dtype)
    first = -(memory.ctypes.data // dtype.itemsize) % line
    return memory[first : first + size]
