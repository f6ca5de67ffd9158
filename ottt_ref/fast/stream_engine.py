"""The engine of a stream: its memory, what it takes of the network and the optimiser, and calls of the kernels."""

from __future__ import annotations

from threading import RLock
from typing import Any

import numpy as np

from ..simulation.simulator import Activity
from ..validation import require_nonnegative
from .kernels import streaming as kernels
from .kernels.choosing import hand_built
from .kernels.streaming import ROWS, SLOTS
from .network import dense_of
from .references import others
from .stream_memory import aligned, lay_out, loss_shares, write_constants

LIMITS = {np.dtype(np.float32): 1e30, np.dtype(np.float64): 1e290}  # a step of larger numbers is left to the reference
PARAMETERS = ("weight", "bias")
FLOATS, INT64 = (float, int), np.dtype(np.int64)


class Debt:
    """What a dense operation has in place of its arrays while it is owed updates: where to get them."""

    def __init__(self, engine: Engine, l: int) -> None:
        self.engine, self.l = engine, l

    def pay(self, attributes: dict[str, Any]) -> dict[str, np.ndarray]:
        """Put the up-to-date arrays back among the attributes of the operation; the arrays by name."""
        with self.engine.lock:
            self.engine.pay(self.l)
            return _settled(self, attributes, dict(zip(PARAMETERS, self.engine.arrays[self.l])))


class VelocityDebt:
    """What an SGD with momentum has in place of its state while an engine holds the velocities."""

    def __init__(self, engine: Engine) -> None:
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


class Engine:
    """The learner's memory and its kernels.

    samples  B of the sequence; 0 while there is none here, at the start and where the reference goes on with it
    arrays   by layer the weight and the bias of the network, up to date or not
    taken    by layer whether they are taken away from the operation, which has a Debt
    shared   the layers whose arrays others refer to
    """

    def __init__(self, learner: Any) -> None:
        self.network, self.loss_function = learner.network, learner.loss
        self.optimizer: Any = learner.optimizer
        self.start, self.learner = learner._started, learner
        self.dtype = self.network.dtype
        self.parameters = self.network.parameters
        self.names = self.network.layer_names
        self.operations: list[Any] = [dense_of(layer.synapses) for layer in self.network.layers]
        self.attributes = tuple(operation.__dict__ for operation in self.operations)
        self.arrays: list[list[np.ndarray]] = [[] for _ in self.operations]
        self.taken = [False] * len(self.operations)
        self.all_taken = False
        self.shared: list[int] = []
        self.shares = loss_shares(self.loss_function)
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
        layout, block = lay_out(self.network, samples, self.has_velocity)
        self.layout, self.state_size, self.kept = layout, block.state_size, block.kept_places
        self.memory = aligned(block.size, self.dtype)
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
        write_constants(self.network, self.learner.dialect, layout, self.memory)
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
            if arrays[k].base is not None or others(arrays, k) != known:
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
