"""The engine of chains of dense layers: OTTT, SLTT and BPTT in one compiled call (`kernels.chains`).

It takes networks whose layers follow each other, each a Dense and LIF neurons of one decay, with any readout; `suits`
says why it does not take another. Memory is constant in T, but for BPTT: sequences are worked on in windows of time
steps, of a few samples at a time.

What a call needs beside its results is kept by network and size, and used again: scratch memory, and where things lie
in it. Two threads that ask for the same at once do not share it.
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from ..finite import allowed, of_time_step, refuse_non_finite
from ..learning.losses import CrossEntropy, Loss, MeanSquaredError, Mixed, step_loss
from ..methods.shared.gradients import Gradients
from ..methods.shared.task import require_task, started_from
from ..methods.shared.traces import Traces
from ..network.network import Network, require_network
from ..network.neurons import LIF, RESETS, Integrator
from ..network.operations import Dense
from ..network.per_neuron import by_neuron, is_shared
from ..network.surrogate import is_built_in
from ..simulation.state import State, network_state, state_of
from ..validation import FLOAT_DTYPES
from .kernels import chains as kernel
from .kernels.choosing import hand_built
from .kernels.events import PADDING, panels
from .kernels.surrogates import kind_of, numbers_of
from .kernels.vector_loops import BYTES, ROWS
from .network import dense_of
from .references import others

METHODS = ("ottt", "sltt", "bptt")
ROWS_OF_CHUNK = 1024  # rows of a chunk: its errors, a panel wide, stay in the second-level cache
LONGEST_WINDOW = 128  # time steps, unless memory may grow with T
ROWS_OF_SMALL, FEWEST_CHUNKS = 128, 4  # of small networks: rows of a chunk at least, chunks if there are so many rows
SMALL = 2**18  # bytes of all weights of a small network
SEGMENT = 2**14  # inputs whose events one list holds
APART = 5  # vectors between two places: processors mix up addresses whose difference is a multiple of 4096
LARGE = 2**22  # bytes from which on NumPy asks for large pages
KEPT = 4  # sizes whose memory is kept, of one network
# Above which share of numbers that are not 0 dense arithmetic is faster, in thousandths: forwards and for gradients,
# with hand-built loops and with plain ones.
SHARES = {True: (400, 400), False: (600, 600)}
LOSSES = {CrossEntropy: kernel.CROSS_ENTROPY, MeanSquaredError: kernel.SQUARED_ERROR, Mixed: kernel.MIXED}


def suits(
    network: Network,
    method: str = "ottt",
    *,
    reset_gradient: str = "detached",
    loss_of: str = "steps",
    error_feedback: object = None,
    regulariser: object = None,
    input_gradients: bool = False,
    terms: bool = False,
) -> str:
    """ "" where the engine computes this, else why it does not.

    >>> import ottt_ref as ot
    >>> from ottt_ref.fast import dense_chains
    >>> dense_chains.suits(ot.dense_network([2, 3, 2], rng=0))
    ''
    >>> dense_chains.suits(ot.dense_network([2, 3, 2], trainable=("decay",), rng=0))
    'layers[0] learns numbers of its neurons'
    """
    asked = {
        "error_feedback": error_feedback is not None,
        "a regulariser": regulariser is not None,
        "input_gradients": input_gradients,
        "terms": terms,
        "reset_gradient='kept'": reset_gradient != "detached",
        "loss_of='average'": loss_of != "steps",
    }
    for what, is_asked in asked.items():
        if is_asked:
            return f"{what} is asked for"
    if method not in METHODS:
        return f"the method is {method}"
    if network not in _REASONS:
        _REASONS[network] = {}
    reasons = _REASONS[network]
    if method not in reasons:
        reasons[method] = _structure(network, method)
    return reasons[method]


_REASONS: weakref.WeakKeyDictionary[Network, dict[str, str]] = weakref.WeakKeyDictionary()


def _structure(network, method):
    """Why the network's structure does not suit, or ""."""
    if network.dtype not in FLOAT_DTYPES:
        return f"numbers are of dtype {network.dtype}"
    if len(network.input_shape) != 1:
        return f"inputs have the shape {network.input_shape}"
    for c in network.connections:
        if c.source != c.target - 1:
            return f"{c.name} is no connection from one layer to the next"
        if c.delay:
            return f"{c.name} has a delay"
        if dense_of(c.operations) is None:
            return f"{c.name} is {c.operations!r}"
    for l, layer in enumerate(network.layers):
        neuron: Any = layer.neuron
        last = l == len(network.layers) - 1
        if type(neuron) is not LIF and not (last and type(neuron) is Integrator):
            return f"layers[{l}] has neurons {type(neuron).__name__}"
        if neuron.trainable:
            return f"layers[{l}] learns numbers of its neurons"
        if not is_shared(neuron.decay):
            return f"layers[{l}] has neurons of several decays"
        if type(neuron) is LIF and not is_built_in(neuron.surrogate):
            return f"layers[{l}] has a surrogate of one's own"
        if method == "bptt" and type(neuron) is LIF and neuron.reset == "hard":
            return f"layers[{l}] has a hard reset, for bptt"
    return ""


class _Result(Gradients):
    """Gradients whose final state is put together when it is asked for."""

    def __init__(
        self,
        values: Mapping[str, np.ndarray],
        loss: float | np.floating,
        outputs: np.ndarray,
        make_state: Callable[[], State],
    ) -> None:
        self._make_state = make_state
        self._state: State | None = None
        super().__init__(values, loss, outputs)

    @property
    def final_state(self) -> State | None:
        """What network and rule carry to the next time step."""
        if self._state is None:
            self._state = self._make_state()
        return self._state

    @final_state.setter
    def final_state(self, state: State | None) -> None:
        self._state = state


class _Space:
    """Places in an array, given out one after the other, each at a whole vector."""

    def __init__(self, itemsize):
        self.size, self._unit = 0, max(1, BYTES // itemsize)

    def take(self, count):
        first = self.size
        self.size += (-(-count // self._unit) + APART) * self._unit
        return first


def _aligned(size, dtype):
    """An array whose first number lies at a whole vector; memory is taken when it is first written to."""
    dtype = np.dtype(dtype)
    count = size * dtype.itemsize + BYTES
    raw = np.empty(count if count < SMALL else max(count, LARGE), dtype=np.uint8)
    first = -raw.ctypes.data % BYTES
    return raw[first : first + size * dtype.itemsize].view(dtype)


class _Engine:
    """What is the same in each call for one network, method, T and B: layout, scratch memory.

    It does not refer to the network, which it must not outlive.
    """

    def __init__(self, network: Network, method: str, dialect: str, steps: int, batch: int, whole_batch: bool) -> None:
        self.lock = threading.Lock()
        self._results: dict[str, np.ndarray] = {}
        self.dtype = dtype = network.dtype
        self.steps, self.batch, self.count = steps, batch, len(network.layers)
        self.names = list(network.parameters)
        self.classes = network.output_size
        layout = self.layout = np.zeros((self.count, kernel.FIELDS), dtype=np.int64)
        self.settings = np.zeros((self.count, kernel.NUMBERS), dtype=dtype)
        plan = self.plan = np.zeros(kernel.SIZES, dtype=np.int64)
        self._cut(network, method, whole_batch)
        self._pair(network, method, dialect)
        fixed, work, lists, counts, sums, state, fired = (
            _Space(itemsize) for itemsize in (*[dtype.itemsize] * 2, 2, 8, *[dtype.itemsize] * 3)
        )
        room, columns = int(plan[kernel.ROOM]), 0
        column_room = int(plan[kernel.COLUMN_ROOM])
        below = 0
        for l in range(self.count):
            row = layout[l]
            inputs, outputs = (int(row[k]) for k in (kernel.INPUTS, kernel.OUTPUTS))
            width = int(row[kernel.VECTORS]) * (BYTES // dtype.itemsize)
            padded = width * int(row[kernel.PANELS])
            row[kernel.TABLE] = fixed.take(padded * inputs)
            row[kernel.SQUARE] = -1
            if l:
                row[kernel.SQUARE_WIDTH] = int(layout[l - 1, kernel.PANELS]) * below
                if row[kernel.SQUARE_WIDTH] != inputs:
                    row[kernel.SQUARE] = fixed.take(outputs * int(row[kernel.SQUARE_WIDTH]))
                row[kernel.SEGMENTS], row[kernel.SEGMENT] = layout[l - 1, kernel.PANELS], below
            else:
                parts = max(2 if inputs > 256 else 1, -(-inputs // SEGMENT))
                row[kernel.SEGMENT] = -(-inputs // parts // PADDING) * PADDING
                row[kernel.SEGMENTS] = -(-inputs // int(row[kernel.SEGMENT]))
            below = width
            for field in (kernel.DECAY, kernel.THRESHOLD, kernel.BACK, kernel.BIAS):
                row[field] = fixed.take(padded)
            row[kernel.LEFT] = fixed.take(padded * batch)
            row[kernel.G], row[kernel.H] = work.take(padded * room), work.take(padded * room)
            row[kernel.SLOTS] = int(row[kernel.SEGMENT]) + PADDING
            row[kernel.LISTS] = lists.take(int(row[kernel.SEGMENTS]) * room * int(row[kernel.SLOTS]))
            row[kernel.COLUMNS] = lists.take(inputs * column_room)
            row[kernel.COUNTS] = counts.take(int(row[kernel.SEGMENTS]) * room)
            row[kernel.COLUMN_COUNTS] = counts.take(inputs)
            row[kernel.SUM], row[kernel.BIAS_SUM] = sums.take(padded * (inputs + -inputs % ROWS)), sums.take(padded)
            row[kernel.POTENTIAL] = state.take(batch * outputs)
            row[kernel.TRACE] = state.take(batch * inputs) if row[kernel.PAIRED] == kernel.TRACED else -1
            row[kernel.FIRED] = fired.take(batch * outputs)
            columns += inputs
        amounts = (
            int(layout[0, kernel.SEGMENTS]) * room * int(layout[0, kernel.SLOTS])
            + int(layout[0, kernel.INPUTS]) * column_room
        )
        plan[kernel.CHUNK_WORK], plan[kernel.CHUNK_LISTS] = work.size, lists.size
        plan[kernel.CHUNK_COUNTS], plan[kernel.CHUNK_SUMS] = counts.size, sums.size
        plan[kernel.CHUNK_AMOUNTS], plan[kernel.CHUNK_DENSE] = amounts, columns * room
        chunks = int(plan[kernel.CHUNKS])
        self.state_size = state.size
        self.fixed = _aligned(fixed.size, dtype)
        self.work = _aligned((work.size + 16) * chunks, dtype)
        self.lists, self.counts = _aligned(lists.size * chunks, np.uint16), _aligned(counts.size * chunks, np.int64)
        self.amounts, self.dense = (_aligned(size * chunks, dtype) for size in (amounts, columns * room + 16))
        self.sums, self.fired = _aligned(sums.size * chunks, dtype), _aligned(fired.size, dtype)
        self.traces = np.zeros(chunks * self.count, dtype=dtype)
        self.values = np.zeros(steps * batch, dtype=dtype)
        self.found = np.zeros(chunks * kernel.FINDINGS, dtype=np.int64)
        self.now = np.zeros(chunks * kernel.PLACES, dtype=np.int64)
        self.ticks = np.zeros((chunks, int(kernel.RUN)), dtype=np.int64)
        self._place_parameters(network)
        self._copied: list[Any] = [None] * len(self._places)
        self.context = np.zeros(kernel.ADDRESSES, dtype=np.int64)
        for which, array in (
            (kernel.LAYOUT, layout), (kernel.PLAN, plan), (kernel.SETTINGS, self.settings), (kernel.FIXED, self.fixed),
            (kernel.WORK, self.work), (kernel.LIST_ARRAY, self.lists), (kernel.COUNT_ARRAY, self.counts),
            (kernel.AMOUNTS, self.amounts), (kernel.SUMS, self.sums), (kernel.FIRED_ARRAY, self.fired),
            (kernel.TRACE_ARRAY, self.traces), (kernel.VALUES, self.values), (kernel.FOUND, self.found),
            (kernel.DENSE_ARRAY, self.dense), (kernel.STAGE_ARRAY, _stages(dtype)), (kernel.TICKS, self.ticks),
        ):  # fmt: skip
            self.context[which] = _address(array)
        self._addresses = _address(self.context), _address(self.now)

    def _cut(self, network, method, whole_batch):
        """Sizes of layers, and of chunks."""
        layout, plan = self.layout, self.plan
        for l, layer in enumerate(network.layers):
            row, neuron = layout[l], layer.neuron
            row[kernel.INPUTS] = network.input_shape[0] if l == 0 else network.shapes[l - 1][0]
            row[kernel.OUTPUTS] = network.shapes[l][0]
            row[kernel.PANELS], row[kernel.VECTORS] = panels(int(row[kernel.OUTPUTS]), self.dtype)
            if type(neuron) is LIF:
                row[kernel.KIND], row[kernel.RESET] = kernel.LIF, RESETS.index(neuron.reset)
                row[kernel.SURROGATE] = kind_of(neuron.surrogate)
                self.settings[l, :4] = numbers_of(neuron.surrogate, self.dtype)
            else:
                row[kernel.KIND] = kernel.LINEAR if neuron.stateless else kernel.LEAKY
        steps, batch = self.steps, self.batch
        size = sum(parameter.nbytes for parameter in network.parameters.values())
        small = size <= SMALL and not whole_batch
        window = steps if method == "bptt" else min(steps, LONGEST_WINDOW)
        if whole_batch:
            samples = batch
            window = steps if method == "bptt" else max(1, min(window, ROWS_OF_CHUNK // batch))
        elif small:
            samples = max(1, min(-(-batch // FEWEST_CHUNKS), ROWS_OF_CHUNK // window), -(-ROWS_OF_SMALL // window))
            samples = min(samples, batch)
        else:
            samples = max(1, min(batch, ROWS_OF_CHUNK // window))
        rows = window * samples
        plan[kernel.STEPS], plan[kernel.BATCH] = steps, batch
        plan[kernel.WINDOW], plan[kernel.SAMPLES], plan[kernel.LAYERS] = window, samples, self.count
        plan[kernel.ROOM] = rows + -rows % ROWS
        # lists that lie an odd number of vectors apart begin at different places of the first-level cache
        plan[kernel.COLUMN_ROOM] = (-(-rows // PADDING) | 1) * PADDING
        plan[kernel.SMALL], plan[kernel.CHUNKS] = small, -(-batch // samples) if small else 1

    def _pair(self, network, method, dialect):
        """What errors are paired with, and what the rule's part of a State is called."""
        self.rule_names: list[tuple[str, int]] = []
        self.bias_names: list[tuple[str, int]] = []
        self.input_name = ""
        self.rule_order: list[str] = []
        layout = self.layout
        if method == "bptt":
            layout[:, kernel.PAIRED] = layout[:, kernel.BIAS_PAIRED] = kernel.BACKPROPAGATED
            for l in range(self.count):
                self.settings[l, kernel.PAIR_DECAY] = network.decay(l)[0] if not self._is_linear(l) else 0
            return
        if method == "sltt":
            layout[:, kernel.PAIRED] = layout[:, kernel.BIAS_PAIRED] = kernel.RAW
            return
        traces = Traces(network, 1, dialect)
        for l, connection in enumerate(network.connections):
            membrane, (key,) = traces.membrane(connection), traces._keys[connection.name]
            layout[l, kernel.PAIRED] = kernel.RAW if membrane is None else kernel.TRACED
            if membrane is None:
                self.input_name = f"trace/{key}"
            else:
                self.settings[l, kernel.PAIR_DECAY] = np.array(_number(membrane.decay), dtype=self.dtype)
                self.rule_names.append((f"trace/{key}", l))
            own = traces.bias_membrane(l)
            layout[l, kernel.BIAS_PAIRED] = kernel.RAW if own is None else kernel.TRACED
            self.bias_names.append((f"bias_trace/{l}", l))
        self.rule_order = list(traces.state)

    def _is_linear(self, l):
        return self.layout[l, kernel.KIND] == kernel.LINEAR

    def _place_parameters(self, network):
        """Where the parameters lie, and neurons' settings: once, unless they are arrays, which may have changed."""
        self._places: list[tuple[Dense, str]] = []
        self._fields: list[tuple[int, int, int]] = []
        self._used: list[np.ndarray | None] = []
        self._changing: list[tuple[np.ndarray, np.ndarray, tuple[int, ...]]] = []
        for l, (layer, connection) in enumerate(zip(network.layers, network.connections)):
            row, dense, shape = self.layout[l], dense_of(connection.operations), network.shapes[l]
            row[kernel.BIASED] = "bias" in dense.parameter_names
            for name in dense.parameter_names:
                self._places.append((dense, name))
                of_weight = name == "weight"
                at = kernel.WEIGHT_AT if of_weight else kernel.BIAS_AT
                self._fields.append((l, at, kernel.GRADIENT_AT if of_weight else kernel.BIAS_GRADIENT_AT))
                self._used.append(None)
            padded = int(row[kernel.PANELS]) * int(row[kernel.VECTORS]) * (BYTES // self.dtype.itemsize)
            bias = self.fixed[int(row[kernel.BIAS]) :][:padded]
            bias[...] = 0
            bias[: shape[0]] = dense.bias
            for field, name, filling in (
                (kernel.DECAY, "decay", 0),
                (kernel.THRESHOLD, "threshold", np.finfo(self.dtype).max),  # which no potential reaches
                (kernel.BACK, "reset_potential", 0),
            ):
                target = self.fixed[int(row[field]) :][:padded]
                target[...] = filling
                value = getattr(layer.neuron, name, 0)
                own = target[: shape[0]]
                own[...] = by_neuron(value, shape, self.dtype)
                if isinstance(value, np.ndarray):
                    self._changing.append((own, value, shape))

    def _find_parameters(self):
        """Look where the parameters lie now; what is not in C's order is copied so."""
        for k, (dense, name) in enumerate(self._places):
            array = getattr(dense, name)
            if array is not self._used[k]:
                fits = array.flags.c_contiguous and array.flags.aligned
                used = array if fits else np.require(array, requirements=["C", "A"])
                self._used[k] = used if fits else None
                self._copied[k] = used
                l, at, _ = self._fields[k]
                self.layout[l, at] = _address(used)
        for own, value, shape in self._changing:
            own[...] = by_neuron(value, shape, self.dtype)

    def run(
        self,
        network: Network,
        loss: Loss,
        inputs: np.ndarray,
        targets: np.ndarray,
        weights: np.ndarray | None,
        divisor: int,
        initial_state: Mapping[str, np.ndarray] | None,
    ) -> _Result | None:
        """The gradients; None where something is not finite, or a label out of range."""
        plan, built, dtype = self.plan, hand_built(), self.dtype
        self._find_parameters()
        labelled = targets.dtype != dtype
        kind = LOSSES.get(type(loss), kernel.OUTSIDE)
        plan[kernel.LOSS], plan[kernel.DIVISOR], plan[kernel.LABELLED] = kind, divisor, labelled
        plan[kernel.EACH_STEP] = targets.ndim == (2 if labelled else 3)
        plan[kernel.WEIGHTED], plan[kernel.BUILT] = weights is not None, built
        plan[kernel.GIVEN_STATE], plan[kernel.THREADS] = initial_state is not None, numba.get_num_threads()
        plan[kernel.SHARE], plan[kernel.SHARE_BACK] = SHARES[built]
        if kind == kernel.MIXED:
            self.settings[0, kernel.SHARE_OF_SQUARES] = loss.mse_weight  # type: ignore[attr-defined]
        gradients = {}
        for (dense, name), (l, _, field), full_name in zip(self._places, self._fields, self.names):
            gradients[full_name] = result = self._fresh(full_name, getattr(dense, name).shape)
            self.layout[l, field] = _address(result)
        state = self._fresh("", (self.state_size,))
        outputs = self._fresh("outputs of the network", (self.steps, self.batch, self.classes))
        self.settings[:, kernel.BIAS_TRACE] = 0
        if initial_state is not None:
            self._take_state(network, initial_state, state)
        context = self.context
        for which, array in (
            (kernel.STATE, state),
            (kernel.INPUT_ARRAY, inputs),
            (kernel.LABELS if labelled else kernel.TARGETS, targets),
            (kernel.WEIGHTS, weights),
            (kernel.OUTPUT_ARRAY, outputs),
        ):
            if array is not None:
                context[which] = _address(array)
        if kind != kernel.OUTSIDE:
            kernel.whole_sequence(*self._addresses)
            value: Any = dtype.type(self.values.sum(dtype=np.float64) / (divisor * self.batch))
        else:
            value = self._with_outside_loss(loss, outputs, targets, weights, divisor)
        found = self.found.reshape(-1, kernel.FINDINGS)
        if found[:, kernel.BAD_LABEL].any() or (found[:, kernel.NOT_FINITE].any() and not allowed()):
            return None
        return _Result(gradients, value, outputs, self._state_maker(network, state, outputs, inputs))

    def _fresh(self, name, shape):
        """An array for a result: the one of the call before where nobody has it any more, whose memory is at hand."""
        if name not in self._results or others(self._results, name):
            self._results[name] = np.empty(shape, dtype=self.dtype)
        return self._results[name]

    def _with_outside_loss(self, loss, outputs, targets, weights, divisor):
        """As `kernels.chains.whole_sequence`, with a loss that is asked for each time step."""
        errors, window = np.empty_like(outputs), int(self.plan[kernel.WINDOW])
        self.context[kernel.GIVEN] = _address(errors)
        kernel.begin(*self._addresses)
        total: Any = 0
        for t in range(0, self.steps, window):
            kernel.move(0, 0, t, *self._addresses)
            kernel.forwards(True, *self._addresses)
            for k in range(t, min(self.steps, t + window)):
                with of_time_step(k):
                    own = targets if targets.ndim == 2 else targets[k]
                    value, errors[k] = step_loss(
                        loss, outputs[k], own, divisor, None if weights is None else weights[k]
                    )
                total = total + value
            kernel.backwards(True, *self._addresses)
        kernel.end(*self._addresses)
        return total

    def _take_state(self, network, initial_state, state):
        carried = {}
        for name, l in self.rule_names:
            shape = (self.batch, int(self.layout[l, kernel.INPUTS]))
            carried[name] = _at(state, self.layout[l, kernel.TRACE], shape)
            carried[name][...] = 0
        if self.input_name:
            carried[self.input_name] = np.zeros((self.batch, int(self.layout[0, kernel.INPUTS])), dtype=self.dtype)
        for name, _ in self.bias_names:
            carried[name] = np.zeros(1, dtype=self.dtype)
        states, fired, _ = network_state(network, started_from(network, initial_state, carried), self.batch)
        for l, ((potential,), output) in enumerate(zip(states, fired)):
            _at(state, self.layout[l, kernel.POTENTIAL], potential.shape)[...] = potential
            _at(self.fired, self.layout[l, kernel.FIRED], output.shape)[...] = output
        for name, l in self.bias_names:
            self.settings[l, kernel.BIAS_TRACE] = carried[name][0]

    def _state_maker(self, network, state, outputs, inputs):
        """() → the State after the sequence; it takes now what another call would overwrite."""
        layout, batch, rule_order = self.layout, self.batch, self.rule_order
        traces = self.traces[: self.count].copy()
        last_inputs = inputs[-1].copy() if self.input_name else None
        thresholds = {
            l: by_neuron(layer.neuron.threshold, network.shapes[l], self.dtype) if self._changing else None
            for l, layer in enumerate(network.layers)
            if layer.neuron.spiking
        }
        rule_names, bias_names, input_name = dict(self.rule_names), dict(self.bias_names), self.input_name
        last_outputs = outputs[-1].copy()

        def make():
            potentials, fired, carried = [], [], {}
            for l, shape in enumerate(network.shapes):
                potential = _at(state, layout[l, kernel.POTENTIAL], (batch, *shape))
                potentials.append((potential,))
                if l == len(network.shapes) - 1:
                    fired.append(last_outputs)
                else:
                    threshold = thresholds[l] if thresholds[l] is not None else network.threshold(l)
                    fired.append((potential >= threshold).astype(potential.dtype))
            for name in rule_order:
                if name in rule_names:
                    l = rule_names[name]
                    carried[name] = _at(state, layout[l, kernel.TRACE], (batch, int(layout[l, kernel.INPUTS])))
                elif name == input_name:
                    carried[name] = last_inputs
                else:
                    l = bias_names[name]
                    traced = layout[l, kernel.BIAS_PAIRED] == kernel.TRACED
                    carried[name] = traces[l : l + 1] if traced else np.ones(1, dtype=potential.dtype)
            return state_of(network, tuple(potentials), tuple(fired), carried)

        return make


def _address(array):
    return array.__array_interface__["data"][0]


@functools.cache
def _stages(dtype):
    """Where the code of each stage lies."""
    return np.array([stage.address(dtype) for stage in kernel.STAGES], dtype=np.int64)


def _at(array, first, shape):
    """A part of a flat array, as a view of that shape."""
    return array[int(first) : int(first) + int(np.prod(shape))].reshape(shape)


def _number(decay):
    return decay[0] if isinstance(decay, np.ndarray) else decay


_ENGINES: weakref.WeakKeyDictionary[Network, OrderedDict[tuple, _Engine]] = weakref.WeakKeyDictionary()


def _engine_of(network, *key):
    """The engine of that network, and what it is for, held for this call alone."""
    engines = _ENGINES.get(network)
    if engines is None:
        engines = _ENGINES[network] = OrderedDict()
    engine = engines.get(key)
    if engine is not None and engine.lock.acquire(blocking=False):
        engines.move_to_end(key)  # the one that was used last is the last
        return engine
    engine = _Engine(network, *key)
    engine.lock.acquire()
    engines[key] = engine
    while len(engines) > KEPT:
        engines.popitem(last=False)
    return engine


def gradients(
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss: Loss = Mixed(),
    *,
    method: str = "ottt",
    dialect: str = "derivation",
    weights: npt.ArrayLike | None = None,
    time_steps: int | None = None,
    initial_state: Mapping[str, np.ndarray] | None = None,
    reference: Callable[..., Gradients],
) -> Gradients:
    """The gradient of a sequence's loss, of a network that `suits`; arguments and result as of the reference.

    reference  the method of the reference, which is asked where something is not finite: it says where that began

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.fast import dense_chains
    >>> network, labels = ot.dense_network([2, 3, 2], rng=7), np.array([1])
    >>> inputs = np.linspace(0, 0.6, 8).reshape(4, 1, 2)
    >>> gradients = dense_chains.gradients(network, inputs, labels, reference=ot.ottt.gradients)
    >>> {name: round(float(np.linalg.norm(value)), 3) for name, value in gradients.items()}
    {'layer0.weight': 0.263, 'layer0.bias': 0.576, 'readout.weight': 0.85, 'readout.bias': 0.65}
    """
    require_network(network)
    reason = suits(network, method)
    if reason:
        raise ValueError(f"network must be a chain of dense layers that the engine takes, but {reason}")
    given = (network, inputs, targets, loss)
    options: dict[str, Any] = {"weights": weights, "time_steps": time_steps, "initial_state": initial_state}
    simple = weights is None and time_steps is None and type(loss) in LOSSES and _are_plain(network, inputs, targets)
    if simple:  # what is not looked at here, numbers and labels, the kernels look at
        divisor, found_weights, rows = len(inputs), None, targets
        if rows.dtype != np.int64:
            rows = rows.astype(np.int64)
    else:
        task = require_task(*given, **options, forwards="" if method == "bptt" else "a rule that runs forwards in time")
        inputs, rows, found_weights, divisor = task.inputs, task.targets, task.weights, task.time_steps
    engine = _engine_of(network, method, dialect, *inputs.shape[:2], type(loss) not in LOSSES)
    try:
        result = engine.run(network, loss, inputs, rows, found_weights, divisor, initial_state)
    finally:
        engine.lock.release()
    return result if result is not None else _refused(reference, given, options, dialect, method)


def stage_shares(network: Network) -> dict[str, float]:
    """By stage of `kernels.chains`, its share of the time of the network's last gradient.

    {} before the first gradient, and where the processor's clock cannot be read. Of a small network, whose chunks each
    have a thread of their own, shares of the threads' time.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.fast import dense_chains
    >>> network = ot.dense_network([2, 3, 2], rng=7)
    >>> found = dense_chains.gradients(network, np.ones((4, 1, 2)), np.array([1]), reference=ot.ottt.gradients)
    >>> shares = dense_chains.stage_shares(network)
    >>> shares == {} or abs(sum(shares.values()) - 1) < 1e-9
    True
    """
    engines = _ENGINES.get(require_network(network))
    if not engines:
        return {}
    total = next(reversed(engines.values())).ticks.sum(axis=0)
    if not total.any():
        return {}
    names = [stage.name for stage in kernel.STAGES[: kernel.RUN]]
    return {name: float(own) for name, own in zip(names, total / total.sum())}


def _are_plain(network, inputs, targets):
    """Whether inputs are an array just as the kernels take it, and targets labels of its samples."""
    return (
        type(inputs) is np.ndarray
        and inputs.dtype == network.dtype
        and inputs.ndim == 3
        and inputs.shape[2] == network.input_shape[0]
        and inputs.size > 0
        and inputs.flags.carray
        and type(targets) is np.ndarray
        and targets.dtype.kind in "iu"
        and targets.shape == inputs.shape[1:2]
    )


def _refused(reference, given, options, dialect, method):
    """Raise as the reference does for inputs, labels or results that are refused."""
    result = reference(*given, **options, **({"dialect": dialect} if method == "ottt" else {}))
    for name, value in result.items():  # where the reference's sums do not overflow, and these do
        refuse_non_finite(f"gradient of {name}", value)
    return result
