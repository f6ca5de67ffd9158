"""OTTT and SLTT of convolutional networks, a sample at a time through all layers of a window, inside the cache.

It takes chains of convolutions of stride 1 with LIF neurons, each after a pooling and factors, if there are any, and a
dense readout: `suits` says what else there must not be. What a sample needs stays in the second-level cache from its
inputs to its last gradient. `kernels.samples` has the loops, this module what is laid out where.

By theorem F1, errors get a trace that runs backwards in a window, and are paired with what entered at each time step;
to what entered at the first one, λ times the trace from before the window is added.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numba
import numpy as np

from ..annotations import Shape
from ..finite import allowed, is_finite
from ..learning import losses
from ..learning.regularisers import Regulariser
from ..methods.ottt import OTTT
from ..methods.shared.errors import ErrorFeedback, TransposedWeights
from ..methods.shared.gradients import Gradients
from ..methods.shared.rule import Rule
from ..methods.shared.task import Task, started_from
from ..methods.sltt import SLTT
from ..network import operations, surrogate
from ..network.network import Network
from ..network.neurons import LIF, RESETS, Integrator
from ..network.operations.windows import pair_of
from ..simulation.state import State, network_state, state_of
from ..validation import FLOAT_DTYPES
from .kernels import images, tiles
from .kernels import samples as kernels
from .kernels.choosing import hand_built
from .kernels.surrogates import kind_of, numbers_of
from .operations import TWINS, fast_twin
from .windows import NotFinite

PARTS = 8  # that the samples are shared out in, whatever the number of threads is
CACHE = 3 * 2**19  # bytes that the arrays of one sample may take in a window
LONGEST_WINDOW = 16
MOST_WEIGHTS = 2**17  # each part of the samples sums gradients of its own


def suits(
    network: Network,
    loss: losses.Loss = losses.Mixed(),
    *,
    error_feedback: ErrorFeedback | None = None,
    regulariser: Regulariser | None = None,
    input_gradients: bool = False,
    terms: bool = False,
) -> str:
    """Why a gradient by OTTT or SLTT is none for this engine, in words; "" where it is one.

    >>> import ottt_ref as ot
    >>> from ottt_ref.fast.samples import suits
    >>> suits(ot.models.small_conv((1, 8, 8), rng=0))
    ''
    >>> suits(ot.dense_network([2, 3, 2], rng=0))
    'layers[0] has no convolution'
    """
    if network.dtype not in FLOAT_DTYPES:
        return "its numbers are exact"
    asked = {"terms": terms, "input_gradients": input_gradients}
    for name, flag in asked.items():
        if flag:
            return f"{name} are asked for"
    if regulariser is not None:
        return f"it has the regulariser {type(regulariser).__name__}"
    if error_feedback is not None and type(error_feedback) is not TransposedWeights:
        return f"its errors come by {type(error_feedback).__name__}"
    if type(loss) not in losses.ALL:
        return f"{type(loss).__name__} is a loss of one's own"
    if network.skips or network.feedback or network.longest_delays:
        return "it is no chain: it has skips, feedback or delays"
    return _read(network)[1]


@dataclass(frozen=True)
class _Entry:
    """How something enters a layer: pooled, and times a factor."""

    pool: tuple[int, int]
    factor: float


@dataclass(frozen=True)
class _Convolution:
    """A convolution with LIF neurons: what the layout depends on, and the numbers of the neurons."""

    entry: _Entry
    source: Shape
    weight: tuple[int, ...]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    neuron: LIF


@dataclass(frozen=True)
class _Readout:
    entry: _Entry
    source: Shape
    size: int
    outputs: int
    decay: float


@dataclass(frozen=True)
class _Chain:
    convolutions: tuple[_Convolution, ...]
    readout: _Readout
    dtype: np.dtype


def _flat(operation: Any) -> Iterator[Any]:
    """The operations of a chain, one after the other."""
    if type(operation) is operations.Chain:
        for each in operation.operations:
            yield from _flat(each)
    else:
        yield operation


ORIGINALS = {twin: original for original, twin in TWINS.items()}


def _kind(operation):
    """The class of an operation, or of the original of a twin."""
    return ORIGINALS.get(type(operation), type(operation))


def _entry(parts) -> tuple[_Entry | None, str]:
    """What poolings and factors make of what enters, and why that is not taken."""
    pool, factor = (1, 1), 1.0
    for each in parts:
        if _kind(each) is operations.Scale:
            factor *= float(each.factor)
        elif _kind(each) is operations.AveragePool2d and pool == (1, 1):
            if pair_of(each.size) != pair_of(each.stride) or each.padding != 0:
                return None, f"has overlapping or padded windows, {each!r}"
            pool = pair_of(each.size)
            factor *= float(each.share)
        elif _kind(each) not in (operations.Dropout, operations.Flatten):
            return None, f"has {each!r}"
    return _Entry(pool, factor), ""


def _read(network: Network) -> tuple[_Chain | None, str]:
    """What this engine needs to know of a network, or why it does not take it."""
    found, shape = [], network.input_shape
    connections = network.connections
    for l, layer in enumerate(network.layers[:-1]):
        if layer.recurrent is not None:
            return None, f"layers[{l}] is recurrent"
        *before, last = _flat(connections[l].operations)
        standardised = _kind(last) is operations.WeightStandardised
        synapses: Any = last.synapses if standardised else last
        if _kind(synapses) is not operations.Conv2d:
            return None, f"layers[{l}] has no convolution"
        if pair_of(synapses.stride) != (1, 1) or synapses.groups != 1:
            return None, f"layers[{l}] has {synapses!r}"
        entry, reason = _entry(before)
        if entry is None or any(_kind(each) is operations.Flatten for each in before):
            return None, f"layers[{l}] {reason or 'has images as rows'}"
        neuron = layer.neuron
        if type(neuron) is not LIF or neuron.trainable or neuron.array_settings:
            return None, f"layers[{l}] has {neuron!r}"
        if not surrogate.is_built_in(neuron.surrogate):
            return None, f"layers[{l}] has the surrogate {neuron.surrogate!r}"
        padding, dilation = pair_of(synapses.padding), pair_of(synapses.dilation)
        found.append(_Convolution(entry, shape, synapses.weight.shape, padding, dilation, neuron))
        shape = network.shapes[l]
    if not found:
        return None, "it has no convolution"
    readout = network.layers[-1]
    *before, dense = _flat(connections[-1].operations)
    if _kind(dense) is not operations.Dense or readout.recurrent is not None or len(shape) != 3:
        return None, "its readout is not dense"
    entry, reason = _entry(before)
    if entry is None:
        return None, f"its readout {reason}"
    if type(readout.neuron) is not Integrator or readout.neuron.trainable or readout.neuron.array_settings:
        return None, f"its readout has {readout.neuron!r}"
    decay: Any = readout.neuron.decay
    chain = _Chain(
        tuple(found),
        _Readout(entry, shape, dense.weight.shape[1], dense.weight.shape[0], float(decay)),
        network.dtype,
    )
    weights = sum(math.prod(each.weight) for each in found) + chain.readout.size * chain.readout.outputs
    if weights > MOST_WEIGHTS:
        return None, f"it has {weights} weights, more than {MOST_WEIGHTS}"
    if _plan(chain, 1).bytes > CACHE:
        return None, f"a sample takes {_plan(chain, 1).bytes} bytes at each time step, more than {CACHE}"
    return chain, ""


@dataclass(frozen=True)
class _Plan:
    """Where everything lies: `kernels.samples` names the columns.

    outputs  of each layer the places of its neurons [C · H · W] among those that are kept of it
    """

    table: np.ndarray
    shared: np.ndarray
    offsets: np.ndarray
    sources: np.ndarray
    read_sources: np.ndarray
    masks: np.ndarray
    pixels: np.ndarray
    outputs: tuple[np.ndarray, ...]
    work: int
    state: int
    sums: int
    bytes: int


class _Shape:
    """One convolution's sizes, and the phases that its images are cut into, (vertical, horizontal)."""

    def __init__(self, convolution: _Convolution, phases: tuple[int, int]) -> None:
        self.outputs, self.inputs, *window = convolution.weight
        self.phases = phases
        self.count = math.prod(phases)
        sides = tuple(zip(convolution.padding, convolution.dilation, window))
        self.given = [length // pool for length, pool in zip(convolution.source[1:], convolution.entry.pool)]
        self.result = [
            length + 2 * zeros - apart * (side - 1) for length, (zeros, apart, side) in zip(self.given, sides)
        ]
        # of each phase and place of the window, in one direction: what it sees, and the other way round
        self.seen = [self._seen(d, *each, 1) for d, each in enumerate(sides)]
        self.reached = [self._seen(d, *each, -1) for d, each in enumerate(sides)]

    def _seen(self, direction, zeros, apart, side, sign):
        step = self.phases[direction]
        return [[divmod(phase + sign * (k * apart - zeros), step) for k in range(side)] for phase in range(step)]

    def lines(self, direction: int) -> int:
        """How many rows or columns a phase has."""
        return max(-(-size[direction] // self.phases[direction]) for size in (self.given, self.result))

    def gap(self, direction: int) -> int:
        """How many zeros there must be between them."""
        ways = (self.seen[direction], self.reached[direction])
        return max(abs(shift) for way in ways for places in way for shift, _ in places)

    def offsets(self, channels: int, channel: int, pitch: int, back: bool) -> np.ndarray:
        """Where each phase sees each channel at each place of the window, [phases, channels, places] in one row."""
        vertical, horizontal = self.reached if back else self.seen
        of_places = np.array(
            [
                [(y * self.phases[1] + x) * channel + row * pitch + column for row, y in rows for column, x in columns]
                for rows in vertical
                for columns in horizontal
            ]
        )
        return (np.arange(channels)[:, np.newaxis] * self.count * channel + of_places[:, np.newaxis, :]).ravel()


@lru_cache(maxsize=128)
def _plan(chain: _Chain, window: int) -> _Plan:
    tile, vector = tiles.width(chain.dtype), tiles.lanes(chain.dtype)
    shapes = _shapes(chain)
    pitch = max(shape.lines(1) for shape in shapes) + max(shape.gap(1) for shape in shapes)
    plane = pitch * (max(shape.lines(0) for shape in shapes) + max(shape.gap(0) for shape in shapes))
    channel = -(-window * plane // tile) * tile
    places = _Places()
    table = np.zeros((len(shapes), kernels.TABLE_COLUMNS), dtype=np.int64)
    offsets, sources, masks, outputs = list[np.ndarray](), list[np.ndarray](), [np.ones(plane)], list[np.ndarray]()
    for l, (row, shape, each) in enumerate(zip(table, shapes, chain.convolutions)):
        kernel_size = math.prod(each.weight[2:])
        seen = shape.offsets(shape.inputs, channel, pitch, back=False)
        reached = shape.offsets(shape.outputs, channel, pitch, back=True)
        margin = pitch * shape.gap(0) + shape.gap(1) + tile
        side = shape.inputs >= images.CHANNELS
        columns = -(-shape.outputs // vector) * vector if side else 0
        row[: kernels.PHASES + 1] = shape.inputs, shape.outputs, shape.count
        row[kernels.POOLED], row[kernels.PLACES] = math.prod(each.entry.pool), kernel_size
        row[kernels.GIVEN] = places.work(shape.inputs * shape.count * channel, margin)
        row[kernels.POTENTIAL] = places.work(shape.outputs * shape.count * channel, margin)
        row[kernels.ERROR] = places.work(shape.inputs * shape.count * channel, tile)
        row[kernels.TRACE] = places.state(math.prod(each.source) if l == 0 else _kept(shapes[l - 1], plane))
        row[kernels.STATE] = places.state(_kept(shape, plane))
        row[kernels.OFFSETS], row[kernels.BACK_OFFSETS] = places.offsets(seen.size), places.offsets(reached.size)
        row[kernels.WEIGHT] = places.weight(math.prod(each.weight))
        row[kernels.BIAS] = places.bias(shape.outputs)
        rows = -(-shape.inputs // images.CHANNELS) * images.CHANNELS if side else shape.inputs
        row[kernels.GRADIENT] = places.sums(rows * kernel_size * (columns if side else shape.outputs))
        row[kernels.BIAS_GRADIENT] = places.sums(shape.outputs)
        row[kernels.SIDE_BY_SIDE], row[kernels.COLUMNS] = side, columns
        row[kernels.RESET] = RESETS.index(each.neuron.reset)
        row[kernels.SURROGATE] = kind_of(each.neuron.surrogate)
        row[kernels.MASK] = sum(map(len, masks))
        masks.append(np.zeros(0) if l == 0 else _masks(shape, plane, pitch, each.entry.factor))
        sent = _entering(shape, each, channel, pitch) if l == 0 else _pooled(shape, each.entry.pool)
        row[kernels.SOURCES] = places.sources(len(sent))
        offsets += [seen, reached]
        sources.append(sent)
        outputs.append(_neurons(shape, plane, pitch))
    last, readout = shapes[-1], chain.readout
    pooled = [length // pool for length, pool in zip(readout.source[1:], readout.entry.pool)]
    begins = np.arange(pooled[0])[:, np.newaxis] * readout.entry.pool[0] * pitch
    read_sources = (
        (begins + np.arange(pooled[1]) * readout.entry.pool[1]).ravel().astype(np.uint32)
    )  # no index from behind
    shared = np.zeros(kernels.SHARED_COLUMNS, dtype=np.int64)
    inputs = math.prod(chain.convolutions[0].source)
    shared[: kernels.INPUTS + 1] = plane, pitch, channel, inputs
    shared[kernels.READ_CHANNELS : kernels.READ_OUTPUTS + 1] = (
        readout.source[0], *readout.entry.pool, len(read_sources), readout.outputs,
    )  # fmt: skip
    shared[kernels.READ_GIVEN], shared[kernels.READ_ERROR] = (places.work(window * readout.size, 0) for _ in range(2))
    shared[kernels.READ_STATE] = places.state(readout.outputs)
    shared[kernels.READ_TRACE] = places.state(_kept(last, plane))
    shared[kernels.READ_GRADIENT] = places.sums(readout.outputs * readout.size)
    shared[kernels.READ_BIAS_GRADIENT] = places.sums(readout.outputs)
    for column in (kernels.LINE, kernels.OTHER_LINE, kernels.SPREAD):
        shared[column] = places.work(window * plane, tile)
    shared[kernels.TURNED] = places.work(window * plane * int(table[:, kernels.COLUMNS].max()), tile)
    pixels = np.arange(images.PIXELS)
    return _Plan(
        table,
        shared,
        np.concatenate(offsets),
        np.concatenate(sources),
        read_sources,
        np.concatenate(masks).astype(chain.dtype),
        np.concatenate([pixels * row[kernels.COLUMNS] for row in table]),
        tuple(outputs),
        places.sizes["work"],
        places.sizes["state"],
        places.sizes["sums"],
        places.sizes["work"] * chain.dtype.itemsize,
    )


def _shapes(chain: _Chain) -> list[_Shape]:
    """The sizes of each convolution: its images are cut into phases by all poolings between it and the last one."""
    result, phases = [], (1, 1)
    for convolution in reversed(chain.convolutions):
        result.append(_Shape(convolution, phases))
        phases = (phases[0] * convolution.entry.pool[0], phases[1] * convolution.entry.pool[1])
    return result[::-1]


def _kept(shape: _Shape, plane: int) -> int:
    return shape.outputs * shape.count * plane


def _in_phases(shape: _Shape, size: list[int], plane: int, pitch: int, channels: int) -> np.ndarray:
    """Where pixels lie, [channels, H, W]: phase f of channel c begins at (c phases + f) plane."""
    rows, columns = (np.arange(length) for length in size)
    vertical, horizontal = rows % shape.phases[0], columns % shape.phases[1]
    inside = rows[:, np.newaxis] // shape.phases[0] * pitch + columns // shape.phases[1]
    phase = vertical[:, np.newaxis] * shape.phases[1] + horizontal
    return (np.arange(channels)[:, np.newaxis, np.newaxis] * shape.count + phase) * plane + inside


def _neurons(shape: _Shape, plane: int, pitch: int) -> np.ndarray:
    return _in_phases(shape, shape.result, plane, pitch, shape.outputs).ravel()


def _masks(shape: _Shape, plane: int, pitch: int, factor: float) -> np.ndarray:
    """The factor of what enters where there is a pixel, 0 elsewhere: a plane for each phase, one after the other."""
    result = np.zeros(shape.count * plane)
    result[_in_phases(shape, shape.given, plane, pitch, 1).ravel()] = factor
    return result


def _entering(shape: _Shape, convolution: _Convolution, channel: int, pitch: int) -> np.ndarray:
    """Where each of the inputs [C · H · W] is added to; -1 for one that no window of the pooling sees."""
    pool = convolution.entry.pool
    targets = _in_phases(shape, shape.given, channel, pitch, shape.inputs)
    result = np.full(convolution.source, -1)
    height, width = (length * side for length, side in zip(shape.given, pool))
    result[:, :height, :width] = targets.repeat(pool[0], axis=1).repeat(pool[1], axis=2)
    return result.ravel()


def _pooled(shape: _Shape, pool: tuple[int, int]) -> np.ndarray:
    """For each phase the sender's phases that are pooled into it; then for each of those, which it is."""
    height, width = (phases * side for phases, side in zip(shape.phases, pool))
    rows, columns = np.arange(height) // pool[0], np.arange(width) // pool[1]
    own = (rows[:, np.newaxis] * shape.phases[1] + columns).ravel()
    return np.concatenate([np.argsort(own, kind="stable"), own])


class _Places:
    """Where the next array of a kind begins."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {"work": 0}

    def work(self, size: int, margin: int) -> int:
        """An array with zeros before and after it."""
        start = self.sizes["work"] + margin
        self.sizes["work"] = -(-(start + size + margin) // 16) * 16
        return start

    def __getattr__(self, kind: str) -> Callable[[int], int]:
        return lambda size: self._take(kind, size)

    def _take(self, kind, size):
        start = self.sizes.get(kind, 0)
        self.sizes[kind] = start + size
        return start


def _window(chain: _Chain, time_steps: int) -> tuple[_Plan, int]:
    """The longest window whose arrays fit into the cache, and its plan."""
    window = min(time_steps, LONGEST_WINDOW)
    while window > 1 and _plan(chain, window).bytes > CACHE:
        window -= 1
    return _plan(chain, window), window


_free: dict[
    tuple[int, int, np.dtype], list[np.ndarray]
] = {}  # work arrays that nobody uses, by plan, threads and dtype
_lock = threading.Lock()
MOST_FREE = 4


@contextmanager
def _works(plan: _Plan, dtype: np.dtype) -> Iterator[np.ndarray]:
    """Work arrays, one for each thread; those of an earlier gradient, whose zeros are still there."""
    key = (id(plan), numba.get_num_threads(), dtype)
    with _lock:
        kept = _free.get(key, [])
        works = kept.pop() if kept else None
    if works is None:
        works = np.zeros((key[1], plan.work), dtype=dtype)
    yield works
    with _lock:
        if key not in _free and len(_free) >= MOST_FREE:
            _free.pop(next(iter(_free)))
        _free.setdefault(key, []).append(works)


_threads: dict[int, ThreadPoolExecutor] = {}  # by process: threads do not live on in one that was forked


def _share_out(parts: int, threads: int, run: Callable[[int, int], None]) -> None:
    """run(thread, part) for each part, on so many threads, of which this is one.

    The kernel that does it is compiled once, as a loop that is shared out by Numba would not be: it takes seconds.
    """
    left = iter(range(parts))

    def work(thread):
        for part in left:
            run(thread, part)

    helpers = []
    if threads > 1 and parts > 1:
        with _lock:
            if os.getpid() not in _threads:
                _threads.clear()
                _threads[os.getpid()] = ThreadPoolExecutor()
        helpers = [_threads[os.getpid()].submit(work, thread) for thread in range(1, min(threads, parts))]
    work(0)
    for helper in helpers:
        helper.result()


class _Found(Gradients):
    """Gradients whose final state is made when it is first asked for: it is copied from place to place."""

    _make: Callable[[], State]
    _state: State | None = None

    @property
    def final_state(self) -> State | None:
        if self._state is None:
            self._state = self._make()
        return self._state

    @final_state.setter
    def final_state(self, state: State | None) -> None:
        self._state = state


def gradients(rule: Callable[[Network, int], Rule], network: Network, task: Task) -> Gradients:
    """The gradient of a task by OTTT or SLTT, a sample at a time, of a network that suits.

    rule  (network, batch_size) → an OTTT or SLTT

    Raises NotFinite where a potential, the loss or a gradient is NaN or infinite, unless that is allowed; and where the
    initial state has spikes that its potentials do not fire, which no LIF neuron leaves behind.
    """
    return _Run(rule, network, task).result()


class _Run:
    """One sequence on its way."""

    def __init__(self, rule, network, task):
        of_one = rule(network, 1)  # of one sample: it says what is traced; the arrays of all are not needed yet
        if type(of_one) not in (OTTT, SLTT):
            raise TypeError(f"rule must be OTTT or SLTT, got {type(of_one).__name__}")
        chain, reason = _read(network)
        if chain is None:
            raise ValueError(f"network must suit this engine: {reason}")
        self._make_rule, self._network, self._task, self._chain = rule, network, task, chain
        self._traces = self._traces_of(of_one)
        self._dtype = network.dtype
        self._steps, self._batch = task.inputs.shape[:2]
        self._plan, self._window = _window(chain, self._steps)
        self._operations = [fast_twin(list(_flat(connection.operations))[-1]) for connection in network.connections]
        self._states = np.empty((self._batch, self._plan.state), dtype=self._dtype)
        self._rest = task.initial_state is None
        if not self._rest:
            self._begin()
        self._constants = self._bias_traces()

    def result(self) -> Gradients:
        task, plan = self._task, self._plan
        parts = min(PARTS, self._batch)
        outputs = np.empty((self._steps, self._batch, self._network.output_size), dtype=self._dtype)
        losses_found, checks = np.zeros(parts), np.zeros(parts, dtype=np.int64)
        sums = np.zeros((parts, plan.sums), dtype=self._dtype)
        table, shared = self._tables()
        weights = task.weights
        if weights is None:
            weights = np.ones((self._steps, self._batch), dtype=self._dtype)
        synapses = [_in_use(operation) for operation in self._operations[:-1]]
        readout = self._operations[-1]
        of_all = (
            np.ascontiguousarray(task.inputs).reshape(self._steps, self._batch, -1),
            np.ascontiguousarray(task.targets).reshape(-1, *outputs.shape[1:]), weights, table, self._numbers(), shared,
            self._shared_numbers(), plan.offsets, plan.sources, plan.read_sources, plan.masks,
            _joined([each.weight for each in synapses]),
            _joined([each.weight.transpose(1, 0, 2, 3) for each in synapses]),
            _joined([each.bias for each in synapses]), np.ascontiguousarray(readout.weight).reshape(-1),
            np.ascontiguousarray(readout.bias), self._constants, plan.pixels, tiles.width(self._dtype),
            tiles.lanes(self._dtype),
        )  # fmt: skip
        built = hand_built()
        with _works(plan, self._dtype) as works:
            for first in range(0, self._steps, self._window):
                steps = min(self._window, self._steps - first)

                def run(thread, part, first=first, steps=steps):
                    found = outputs, losses_found, checks, sums, self._states, works[thread]
                    kernels.run_part(part, *found, *of_all, first, steps, self._rest, built)

                _share_out(parts, len(works), run)
                self._rest = False
        total = sums.sum(axis=0)
        values = self._gradients(total)
        loss = self._dtype.type(losses_found.sum())
        finite = not checks.any() and np.isfinite(loss) and is_finite(total)
        if not finite and not allowed():
            raise NotFinite
        found = _Found(values, loss, outputs)
        found._make = self._state
        return found

    def _begin(self):
        """Take the initial state; between the rows of images there are zeros."""
        self._states[...] = 0
        rule = self._make_rule(self._network, self._batch)
        given = started_from(self._network, self._task.initial_state, rule.carried)
        self._traces = self._traces_of(rule)
        states, outputs, _ = network_state(self._network, given, self._batch)
        for l, (potential,) in enumerate(states):
            neuron = self._network.layers[l].neuron
            if isinstance(neuron, LIF) and not np.array_equal(self._fired(neuron, potential), outputs[l]):
                raise NotFinite
            self._set(self._potential(l), potential)
            if self._traces is not None:
                self._set(self._trace(l), self._traces[l][0].state)

    def _state(self) -> State:
        """The State after the sequence."""
        network, rule = self._network, self._make_rule(self._network, self._batch)
        for l, (trace, bias) in enumerate(self._traces_of(rule) or ()):
            trace.state[...] = self._get(self._trace(l), trace.state.shape)
            bias.state[...] = self._constants[l, -1]
        states, outputs = [], []
        for l, layer in enumerate(network.layers):
            shape = (self._batch, *network.shapes[l])
            potential = self._get(self._potential(l), shape)
            states.append((potential,))
            fires = isinstance(layer.neuron, LIF)
            outputs.append(self._fired(layer.neuron, potential) if fires else potential)
        return state_of(network, tuple(states), tuple(outputs), rule.carried)

    def _traces_of(self, rule):
        """Of each connection the trace, and that of the biases' input; None of a rule without traces."""
        if not isinstance(rule, OTTT):
            return None
        return [rule.traces._parts(connection)[0] for connection in self._network.connections]

    def _fired(self, neuron, potential):
        return (potential >= neuron.constants(self._dtype)[1]).astype(self._dtype)

    def _potential(self, l):
        """Layer l's potentials among the states: a column for each neuron, in their order."""
        plan = self._plan
        if l == len(plan.table):
            return plan.shared[kernels.READ_STATE] + np.arange(self._chain.readout.outputs)
        return plan.table[l, kernels.STATE] + plan.outputs[l]

    def _trace(self, l):
        """The same of the trace of what enters layer l."""
        plan = self._plan
        if l == 0:
            return plan.table[0, kernels.TRACE] + np.arange(plan.shared[kernels.INPUTS])
        start = plan.shared[kernels.READ_TRACE] if l == len(plan.table) else plan.table[l, kernels.TRACE]
        return start + plan.outputs[l - 1]

    def _set(self, columns, array):
        self._states[:, columns] = array.reshape(self._batch, -1)

    def _get(self, columns, shape):
        return self._states[:, columns].reshape(shape)

    def _tables(self):
        """The plan's table and what is shared, with what this run decides: whether there are traces, and biases."""
        table, shared = self._plan.table.copy(), self._plan.shared.copy()
        if self._traces is None:
            table[:, kernels.TRACE] = shared[kernels.READ_TRACE] = -1
        table[:, kernels.HAS_BIAS] = ["bias" in _in_use(each).parameter_names for each in self._operations[:-1]]
        return table, shared

    def _trace_decay(self, l):
        if self._traces is None or self._traces[l][0].neuron is None:
            return 0.0
        return float(self._traces[l][0].neuron.decay)

    def _numbers(self):
        result = np.zeros((len(self._chain.convolutions), kernels.NUMBER_COLUMNS), dtype=self._dtype)
        for l, (row, each) in enumerate(zip(result, self._chain.convolutions)):
            row[:3] = each.neuron.constants(self._dtype)
            row[kernels.TRACE_DECAY] = self._trace_decay(l)
            row[kernels.SURROGATE_NUMBERS :] = numbers_of(each.neuron.surrogate, self._dtype)
        return result

    def _shared_numbers(self):
        loss, readout = self._task.loss, self._chain.readout
        squared = {losses.CrossEntropy: 0.0, losses.MeanSquaredError: 1.0}.get(type(loss))
        if squared is None:
            squared = float(loss.mse_weight)
        decay = self._trace_decay(len(self._chain.convolutions))
        divisor = self._task.time_steps * self._batch
        scales = readout.entry.factor, decay, self._chain.convolutions[0].entry.factor
        return np.array([readout.decay, *scales, 1 - squared, squared, divisor], dtype=self._dtype)

    def _bias_traces(self):
        """Λ[t] of each layer, [layers, T]: what stands for the biases' constant input."""
        result = np.ones((len(self._network.layers), self._steps), dtype=self._dtype)
        for row, (_, bias) in zip(result, self._traces or ()):
            if bias.neuron is not None:
                decay, now = self._dtype.type(bias.neuron.decay), bias.state[0]
                for t in range(self._steps):
                    row[t] = now = decay * now + 1
        return result

    def _gradients(self, total):
        """The gradients by name, from the sums of all samples."""
        found, plan = {}, self._plan
        for l, connection in enumerate(self._network.connections):
            operation = self._operations[l]
            if l == len(plan.table):
                weight = self._taken(total, plan.shared[kernels.READ_GRADIENT], operation.weight.shape)
                found[f"{connection.name}.bias"] = self._taken(
                    total, plan.shared[kernels.READ_BIAS_GRADIENT], operation.bias.shape
                )
            else:
                row, synapses = plan.table[l], _in_use(operation)
                weight = _weight_gradient(total, row, synapses.weight.shape)
                found[f"{connection.name}.bias"] = self._taken(total, row[kernels.BIAS_GRADIENT], synapses.bias.shape)
                if isinstance(operation, operations.WeightStandardised):
                    weight, gain = operation.standardisation_gradients(weight)
                    found[f"{connection.name}.gain"] = gain
            found[f"{connection.name}.weight"] = weight
        return {name: found[name] for name in self._network.parameters}

    def _taken(self, total, start, shape):
        return total[start : start + math.prod(shape)].reshape(shape)


def _in_use(operation):
    """The convolution that is computed: of weight standardisation the one with the weight in use."""
    return operation.in_use() if isinstance(operation, operations.WeightStandardised) else operation


def _joined(arrays):
    return np.concatenate([array.reshape(-1) for array in arrays])


def _weight_gradient(total, row, shape):
    """The gradient of a convolution's weight from its sums: `kernels.samples.add_weight_gradient` lays them out."""
    outputs, inputs, *window = shape
    start, places, columns = (int(row[k]) for k in (kernels.GRADIENT, kernels.PLACES, kernels.COLUMNS))
    if not row[kernels.SIDE_BY_SIDE]:
        return total[start : start + math.prod(shape)].reshape(shape)
    size = images.CHANNELS
    rows = -(-inputs // size) * size
    sums = total[start : start + rows * places * columns].reshape(rows, places, columns)
    channels = np.arange(inputs)
    firsts = channels // size * size
    own = firsts + channels - np.minimum(firsts, inputs - size)
    return np.ascontiguousarray(sums[own, :, :outputs].transpose(2, 0, 1)).reshape(outputs, inputs, *window)
