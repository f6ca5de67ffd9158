"""Layers: the operations that spikes go through, and the neurons that they drive; connections between layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ..annotations import Shape
from ..validation import describe_shape, require_count, require_result, require_size, shown
from .neuron import Neuron, same_membrane
from .operations import Chain, Operation
from .operations.trial import require_sound
from .per_neuron import is_shared

INPUTS = -1
LONGEST_DELAY = 2**16  # time steps; the outputs of so many are kept


@dataclass(frozen=True)
class Layer:
    """Layer l of the network, or its readout.

    synapses   operations from the layer before (or the inputs): Dense, Conv2d, ..., or a sequence of them
    neuron     LIF for a spiking layer; Integrator(decay) for a leaky readout or, before the last layer, a leaky stage,
               whose potential other layers take; Integrator() for the stateless linear readout or, before the last
               layer, a sum of currents, as in residual networks
    recurrent  operations from this layer's own output of an earlier time step, or None
    delay      whole time steps between the output of the layer before (or the inputs) and its arrival here, 0 or more
    recurrent_delay   the same of `recurrent`, 1 or more

    What arrives before the first outputs have come is 0.
    Raises TypeError or ValueError that names the argument, what was expected and what came.

    >>> import numpy as np, ottt_ref as ot
    >>> layer = ot.Layer([ot.Scale(2.74), ot.Dense(np.ones((3, 2)))], ot.LIF(), recurrent=ot.Dense(np.zeros((3, 3))))
    >>> layer.synapses, layer.recurrent
    (Chain([Scale(factor=2.74), Dense(2 -> 3, float64)]), Dense(3 -> 3, float64))
    """

    synapses: Operation
    neuron: Neuron
    recurrent: Operation | None = None
    delay: int = 0
    recurrent_delay: int = 1

    if TYPE_CHECKING:  # the constructor takes sequences of operations as well; the attributes are one operation each

        def __init__(
            self,
            synapses: Operation | Sequence[Operation],
            neuron: Neuron,
            recurrent: Operation | Sequence[Operation] | None = None,
            delay: int = 0,
            recurrent_delay: int = 1,
        ) -> None: ...

    def __post_init__(self) -> None:
        object.__setattr__(self, "synapses", as_operation("synapses", self.synapses))
        if self.recurrent is not None:
            object.__setattr__(self, "recurrent", as_operation("recurrent", self.recurrent))
        if not isinstance(self.neuron, Neuron) or type(self.neuron) is Neuron:
            raise TypeError(f"neuron must be a neuron such as LIF() or Integrator(), got {self.neuron!r}")
        if self.recurrent is not None and self.neuron.stateless:
            raise ValueError(
                f"recurrent must be None for a layer that carries nothing to the next time step, got {self.recurrent!r}"
            )

        object.__setattr__(self, "delay", require_delay("delay", self.delay, minimum=0))
        object.__setattr__(self, "recurrent_delay", require_delay("recurrent_delay", self.recurrent_delay))
        if self.recurrent is None and self.recurrent_delay != 1:
            raise ValueError(f"recurrent_delay must be 1 without recurrent operations, got {self.recurrent_delay}")

    def copy(self) -> Layer:
        """A layer with parameters of its own, equal ones: the same Layer twice in a network is refused.

        >>> import numpy as np, ottt_ref as ot
        >>> layer = ot.Layer(ot.Dense(np.eye(2)), ot.LIF())
        >>> len(ot.Network([layer, layer.copy()]).layers)
        2
        """
        recurrent = None if self.recurrent is None else self.recurrent.copy()
        return replace(self, synapses=self.synapses.copy(), neuron=self.neuron.copy(), recurrent=recurrent)


@dataclass(frozen=True)
class Feedback:
    """From the output of layer `source` at t - delay into the earlier layer `target` at t, through `operations`.

    delay  whole time steps, 1 or more

    >>> import numpy as np, ottt_ref as ot
    >>> layers = [ot.Layer(ot.Dense(np.ones((3, 2))), ot.LIF()), ot.Layer(ot.Dense(np.ones((1, 3))), ot.LIF())]
    >>> network = ot.Network(layers, feedback=[ot.Feedback(1, 0, ot.Dense(np.ones((3, 1))))])
    >>> [name for name in network.parameters if "feedback" in name]
    ['layer0.feedback1.weight', 'layer0.feedback1.bias']
    """

    source: int
    target: int
    operations: Operation
    delay: int = 1

    if TYPE_CHECKING:

        def __init__(
            self, source: int, target: int, operations: Operation | Sequence[Operation], delay: int = 1
        ) -> None: ...

    def __post_init__(self) -> None:
        _require_ends(self)
        object.__setattr__(self, "delay", require_delay("delay", self.delay))
        if self.source <= self.target:
            advice = "Skip" if self.source < self.target else "Layer(..., recurrent=...)"
            raise ValueError(
                f"feedback must go from a later layer to an earlier one, got source {self.source} and target "
                f"{self.target}: use {advice}"
            )


@dataclass(frozen=True)
class Skip:
    """From layer `source` (-1: the inputs) at t - delay into the later layer `target` at t, through `operations`.

    delay  whole time steps; 0, within a time step, if not given

    >>> import numpy as np, ottt_ref as ot
    >>> layers = [ot.Layer(ot.Dense(np.ones((3, 2))), ot.LIF()), ot.Layer(ot.Dense(np.ones((2, 3))), ot.LIF())]
    >>> network = ot.Network(layers, skips=[ot.Skip(-1, 1)])
    >>> ot.simulate(network, np.full((1, 1, 2), 0.25)).potentials
    (array([[[0.5, 0.5, 0.5]]]), array([[[0.25, 0.25]]]))
    """

    source: int
    target: int
    operations: Operation = field(default_factory=Chain)
    delay: int = 0

    if TYPE_CHECKING:

        def __init__(
            self, source: int, target: int, operations: Operation | Sequence[Operation] = (), delay: int = 0
        ) -> None: ...

    def __post_init__(self) -> None:
        _require_ends(self)
        object.__setattr__(self, "delay", require_delay("delay", self.delay, minimum=0))
        if self.source >= self.target:
            raise ValueError(
                f"skip must go from an earlier layer to a later one, got source {self.source} and target {self.target}"
            )


C = TypeVar("C", Feedback, Skip)


def require_delay(name: str, value: object, minimum: int = 1) -> int:
    """`value` as an int if it is a whole number of time steps from `minimum` to 2^16; TypeError or ValueError."""
    delay = require_count(name, value, minimum)
    if delay > LONGEST_DELAY:
        raise ValueError(f"{name} must be at most {LONGEST_DELAY} time steps, got {delay}")
    return delay


def as_operation(name: str, value: object) -> Operation:
    """`value`, or the Chain of the operations in it; TypeError for anything else."""
    if isinstance(value, Operation):
        return value
    if not isinstance(value, list | tuple):
        raise TypeError(f"{name} must be an operation such as Dense, or a sequence of them, got {shown(value)}")
    return Chain(value)


def divided(operation: Operation) -> tuple[Operation | None, Operation]:
    """The operations up to the last that is not linear, None for none, and those after it."""
    if operation.linear:
        return None, operation
    flat = tuple(_flat(operation))
    last = max(k for k, each in enumerate(flat) if not each.linear)
    return Chain(flat[: last + 1]), Chain(flat[last + 1 :])


def _flat(operation):
    if type(operation) is not Chain:
        yield operation
        return
    for each in operation.operations:
        yield from _flat(each)


def adjoint_at(operation, error, values):
    """The transposed Jacobian at the values, times the error, of an operation that is not linear."""
    return operation.adjoint(error, values.shape[1:], values)


def _require_ends(connection):
    object.__setattr__(connection, "source", require_count("source", connection.source, minimum=INPUTS))
    object.__setattr__(connection, "target", require_count("target", connection.target, minimum=0))
    object.__setattr__(connection, "operations", as_operation("operations", connection.operations))


@dataclass(frozen=True)
class Connection:
    """One way into layer `target`: from layer `source`, or from the inputs, -1, of `delay` time steps before; `name` is
    what the parameters' names begin with.

    Where an operation of it is not linear, errors are paired with what comes out of the last such one, and traces are
    kept of that: `front` are the operations up to there, `back` those after it.
    """

    source: int
    target: int
    delay: int
    operations: Operation
    name: str
    input_shape: Shape = ()

    @property
    def loop(self) -> bool:
        """Whether it is recurrent or a feedback: it leads no further on, and arrives at a later time step."""
        return self.source >= self.target

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        """The current into the target [B, ...] from values [B, ...] and the constant input [1]."""
        self._require("presynaptic values", values, self.input_shape)
        self._require_constant(bias_input, values.dtype)
        shape = (len(values), *self.output_shape)
        result = require_result(
            f"{self.name}: forward", self.operations.forward(values, bias_input), shape, values.dtype
        )
        return np.ascontiguousarray(result)  # kernels write into arrays like it

    def adjoint(self, error: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
        """The error at the source's values from the error at the target's potentials.

        values  what was delivered then, [B, ...]: where it is not linear, the error goes through its Jacobian there
        """
        self._require("the error", error, self.output_shape)
        shape = (len(error), *self.input_shape)
        if self.front is None:
            result = self.operations.adjoint(error, self.input_shape)
        else:
            values = require_result(f"{self.name}: delivered values", values, shape, error.dtype, "be")
            result = adjoint_at(self.operations, error, values)
        return np.ascontiguousarray(require_result(f"{self.name}: adjoint", result, shape, error.dtype))

    @cached_property
    def output_shape(self) -> Shape:
        """The shape of what arrives for one sample."""
        return tuple(self.operations.output_shape(self.input_shape))

    @cached_property
    def _parts(self) -> tuple[Operation | None, Operation]:
        return divided(self.operations)

    @cached_property
    def front(self) -> Operation | None:
        """The operations up to the last that is not linear; None where all are."""
        return self._parts[0]

    @cached_property
    def back(self) -> Operation:
        """The operations after the front: all of them where they are linear."""
        return self._parts[1]

    @cached_property
    def presynaptic_shape(self) -> Shape:
        """The shape of what errors are paired with, for one sample: what leaves the front, or enters the connection."""
        return self.input_shape if self.front is None else tuple(self.front.output_shape(self.input_shape))

    def entering(self, values: np.ndarray) -> np.ndarray:
        """What errors are paired with, [B, ...]: the values that are delivered, after the front."""
        if self.front is None:
            return values
        self._require("delivered values", values, self.input_shape)
        one = np.zeros(1, dtype=values.dtype)
        one[0] = 1
        shape = (len(values), *self.presynaptic_shape)
        result = self.front.forward(values, one)
        return np.ascontiguousarray(require_result(f"{self.name}: forward", result, shape, values.dtype))

    @cached_property
    def parameters(self) -> dict[str, tuple[Operation, str]]:
        """The parameters' names, each with the operation that owns it and the attribute."""
        return {
            f"{self.name}.{parameter}": (self.operations.owner(parameter), parameter)
            for parameter in self.operations.parameter_names
        }

    def add_gradients(
        self,
        gradients: Mapping[str, np.ndarray],
        error: np.ndarray,
        presynaptic: np.ndarray,
        bias_input: np.ndarray,
        delivered: np.ndarray | None = None,
    ) -> None:
        """Add one pairing to `gradients`, by the network's parameter names.

        presynaptic  [B, ...] of what `entering` gives, or a trace of it
        delivered    what entered the connection in that time step, [B, ...], for parameters before an operation that
                     is not linear
        """
        if not isinstance(gradients, Mapping):
            raise TypeError(f"{self.name}: gradients must be a mapping of arrays by parameter, got {shown(gradients)}")
        try:
            own = {parameter: gradients[f"{self.name}.{parameter}"] for parameter in self.operations.parameter_names}
        except KeyError as missing:
            raise ValueError(f"gradients must hold {missing}, got {list(gradients)}") from None
        if own:
            self._require("the error", error, self.output_shape)
            require_result(
                f"{self.name}: presynaptic values",
                presynaptic,
                (len(error), *self.presynaptic_shape),
                error.dtype,
                "be",
            )
            self._require_constant(bias_input, error.dtype)
            self.back.add_gradients(own, error, presynaptic, bias_input)
            if self.front is not None and self.front.parameter_names:
                shape = (len(error), *self.input_shape)
                delivered = require_result(f"{self.name}: delivered values", delivered, shape, error.dtype, "be")
                front_error = self.back.adjoint(error, self.presynaptic_shape)
                self.front.add_gradients(own, front_error, delivered, bias_input)

    def _require(self, what, array, shape):
        """Kernels trust what they are given: check that it is [B, *shape]."""
        if not isinstance(array, np.ndarray) or array.shape[1:] != shape or array.ndim == 0:
            got = describe_shape(array.shape) if isinstance(array, np.ndarray) else repr(array)
            raise ValueError(f"{self.name}: {what} must be {describe_shape(('B', *shape))}, got {got}")

    def _require_constant(self, bias_input, dtype):
        require_result(f"{self.name}: bias_input", bias_input, (1,), dtype, "be")


def connect(layers: Sequence[Layer], feedback: Sequence[Feedback], skips: Sequence[Skip]) -> list[Connection]:
    """Every connection of the network, ordered by target: from the layer before, skips, recurrent, feedback."""
    result = []
    for l, (name, layer) in enumerate(zip(layer_names([layer.neuron for layer in layers]), layers)):
        result.append(Connection(l - 1, l, layer.delay, layer.synapses, name))
        for skip in (skip for skip in skips if skip.target == l):
            result.append(Connection(skip.source, l, skip.delay, skip.operations, f"{name}.skip{skip.source}"))
        if layer.recurrent is not None:
            result.append(Connection(l, l, layer.recurrent_delay, layer.recurrent, f"{name}.recurrent"))
        for back in (back for back in feedback if back.target == l):
            result.append(Connection(back.source, l, back.delay, back.operations, f"{name}.feedback{back.source}"))
    return result


def layer_names(neurons: Sequence[Neuron]) -> list[str]:
    """layer0, layer1, ..., and readout for a last layer that does not spike."""
    names = [f"layer{l}" for l in range(len(neurons))]
    return names if neurons[-1].spiking else [*names[:-1], "readout"]


def require_layers(layers: Sequence[Layer]) -> None:
    """Check that each is a Layer, and that one spikes."""
    for l, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise TypeError(f"layers[{l}] must be a Layer, got {shown(layer)}")
    if not layers:
        raise ValueError("layers must hold at least one spiking layer, got none")
    if not any(layer.neuron.spiking for layer in layers):
        raise ValueError(f"layers must have at least one spiking layer, got {layers[0].neuron!r} alone")


def require_between(name: str, connections: Iterable[C], kind: type[C], layers: Sequence[Layer]) -> tuple[C, ...]:
    """Check that each Feedback or Skip joins layers that there are."""
    if isinstance(connections, str) or not hasattr(connections, "__iter__"):
        raise TypeError(f"{name} must be a sequence of {kind.__name__} objects, got {shown(connections)}")
    connections = tuple(connections)
    for k, connection in enumerate(connections):
        if not isinstance(connection, kind):
            raise TypeError(f"{name}[{k}] must be a {kind.__name__}, got {shown(connection)}")
        for end in ("source", "target"):
            l = getattr(connection, end)
            if l >= len(layers):
                raise ValueError(f"{name}[{k}].{end} must be one of the layers 0 .. {len(layers) - 1}, got {l}")
        if kind is Feedback and layers[connection.source].neuron.stateless:
            raise ValueError(
                f"{name}[{k}].source must be a layer that spikes or leaks, got the stateless layer {connection.source}"
            )
    ends = [(connection.source, connection.target) for connection in connections]
    if len(set(ends)) < len(ends):
        raise ValueError(f"{name} must join each two layers once, got {ends}")
    return connections


def chain_shapes(
    layers: Sequence[Layer], connections: Sequence[Connection], input_shape: Shape, bias_input: np.ndarray
) -> tuple[Shape, ...]:
    """The shape of each layer, checked on every way into it; [..., n_out] of the last.

    bias_input  1 as one of the network's numbers, in an array [1], to try out operations that are not built in
    """
    shapes: list[Shape] = []
    for l in range(len(layers)):
        first, *others = (connection for connection in connections if connection.target == l and not connection.loop)
        shapes.append(_output_shape(first, input_shape if l == 0 else shapes[l - 1], bias_input))
        for other in others:
            source_shape = input_shape if other.source == INPUTS else shapes[other.source]
            _require_same(other, _output_shape(other, source_shape, bias_input), shapes)
    for connection in connections:
        if connection.loop:
            _require_same(connection, _output_shape(connection, shapes[connection.source], bias_input), shapes)
    if len(shapes[-1]) != 1:
        raise ValueError(
            f"layers[{len(layers) - 1}] must give one row of outputs per sample (see Flatten), got "
            f"{describe_shape(shapes[-1])}"
        )
    return tuple(shapes)


def _output_shape(connection, shape, bias_input):
    require_sound(connection.operations, connection.name, shape, bias_input)
    try:
        return tuple(connection.operations.output_shape(shape))
    except ValueError as error:
        source = "the input" if connection.source == INPUTS else f"layers[{connection.source}]"
        at, kind = connection.target, connection.name.rpartition(".")[2]
        way = f" ({kind})" if "." in connection.name else ""  # recurrent, feedback or skip, where there are several
        raise ValueError(f"layers[{at}]{way} must take what {source} gives: {error}") from None


def _require_same(connection, got, shapes):
    if got != shapes[connection.target]:
        raise ValueError(
            f"{connection.name} must give layers[{connection.target}] {describe_shape(shapes[connection.target])}, got "
            f"{describe_shape(got)}"
        )


def first_shape(layers: Sequence[Layer], input_shape: Sequence[int] | None) -> Shape:
    """The shape of one sample's inputs: given, or that of the first layer's dense weight."""
    if input_shape is None:
        operation = layers[0].synapses
        if isinstance(operation, Chain) and operation.operations:
            operation = operation.operations[0]
        weight = getattr(operation, "weight", None)
        if weight is None or weight.ndim != 2:
            raise ValueError(
                "input_shape must be given for a network whose first operation is not dense, such as (3, 32, 32), got "
                "None"
            )
        return (weight.shape[1],)
    if not isinstance(input_shape, tuple | list) or not input_shape:
        raise TypeError(f"input_shape must be a shape such as (3, 32, 32), got {input_shape!r}")
    return tuple(require_size(f"input_shape[{k}]", size) for k, size in enumerate(input_shape))


def trace_layers(layers: Sequence[Layer], connections: Sequence[Connection]) -> tuple[tuple[int, ...], ...]:
    """By layer, the layers whose membranes its input enters; ValueError where their decays are several numbers.

    That of a layer with a membrane, also of a leaky stage, is its own. A current that is passed on has those of the
    membranes that it enters; a stateless readout, which has none, those of the layers that send it.
    """
    onwards = {l: [c.target for c in connections if c.source == l and not c.loop] for l in range(len(layers))}
    backwards = {l: [c.source for c in connections if c.target == l and not c.loop] for l in range(len(layers))}
    result = []
    for l in range(len(layers)):
        found = _membranes(l, layers, onwards) or _membranes(l, layers, backwards)
        neurons = [layers[k].neuron for k in found]
        plain = [neuron for neuron in neurons if not neuron.leak_parameters and _has_one_leak(neuron)]
        if any(not same_membrane(neuron, plain[0]) for neuron in plain):
            raise ValueError(
                f"layers[{l}] must pass its current on to neurons of one decay, whose trace its inputs have, got "
                f"decays {[layers[k].neuron.leak[0][0] for k in found]} of layers {found}"
            )
        result.append(tuple(found))
    return tuple(result)


def _has_one_leak(neuron):
    return all(is_shared(entry) for row in neuron.leak for entry in row)


def _membranes(l, layers, neighbours):
    if not layers[l].neuron.stateless:
        return [l]
    found = {k for other in neighbours[l] if other != INPUTS for k in _membranes(other, layers, neighbours)}
    return sorted(found)


def error_lags(count: int, connections: Sequence[Connection]) -> tuple[tuple[int, ...], ...]:
    """By layer, how many time steps an error of the outputs comes after what it belongs to in that layer.

    They are the sums of the delays on each way from the layer to the last one, by no loop; (0,) without such delays.
    """
    found: list[set[int]] = [set() for _ in range(count)]
    found[-1].add(0)
    for l in reversed(range(count)):
        for connection in connections:
            if connection.source == l and not connection.loop:
                found[l] |= {lag + connection.delay for lag in found[connection.target]}
    return tuple(tuple(sorted(lags)) for lags in found)


def require_rate_mapping(layers: Sequence[Layer], connections: Sequence[Connection]) -> None:
    """Raise ValueError where a layer's weighted rate is no function of the weighted rates that it is given.

    That is so of a leaky stage: with a = Σ_t λ^(T-t) u[t] / Λ_T of its own λ, a is Σ_t (T - t + 1) λ^(T-t) I[t] / Λ_T,
    which asks when the currents came. Its rate does not settle with T either: at λ = 1 it grows without bound. It is so
    of a maximum as well: two neurons of the rate 1/2 have a maximum of the rate 1/2 or 1, as they fire together or not.
    """
    for connection in connections:
        if connection.front is not None:
            raise ValueError(
                f"{connection.name} must be of linear operations for spike_representation: the rate of a maximum is no "
                f"function of the rates, got {connection.operations!r}"
            )
    for l, layer in enumerate(layers):
        onwards = [connection.name for connection in connections if connection.source == l]
        if onwards and not (layer.neuron.spiking or layer.neuron.stateless):
            raise ValueError(
                f"layers[{l}] must spike or be stateless for spike_representation: the weighted rate of a leaky "
                f"stage's potential depends on when its currents came, not on their rate alone; got {layer.neuron!r} "
                f"with {', '.join(onwards)} after it"
            )
