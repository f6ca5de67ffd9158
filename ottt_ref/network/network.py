"""The description of a network: layers of synapses and neurons, their parameters, and files of them."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..annotations import ConvertArray, ConvertNumber, Number, Seed, Shape
from ..exactness import exact_kind, exact_values, require_exact
from ..files import storage
from ..files.descriptions import describe, fixed_arrays, rebuild
from ..validation import (
    FLOAT_DTYPES,
    require_array,
    require_choice,
    require_count,
    require_dtype,
    require_held,
    require_positive,
    require_result,
    shown,
)
from .initialisation import draw, firing_std
from .layers import (
    INPUTS,
    Connection,
    Feedback,
    Layer,
    Skip,
    chain_shapes,
    connect,
    error_lags,
    first_shape,
    layer_names,
    require_between,
    require_layers,
    trace_layers,
)
from .neuron import Neuron, require_neuron_names, require_sound_neuron
from .neurons import LIF, OURS, Integrator, decay_from
from .operations import BUILT_IN, Dense, Operation, WeightStandardised
from .own_numbers import OwnNumbers, require_in_range, require_shapes
from .ownership import owned, require_once
from .per_neuron import Setting, by_neuron, is_shared
from .surrogate import Sigmoid, Surrogate, is_built_in

READOUTS = ("linear", "spiking", "leaky")
FILE_FORMAT = "ottt_ref network"
FILE_VERSION, OLDEST_FILE_VERSION = 3, 2  # 3 is a network with delays, which readers of version 2 would leave out


class Network:
    """Layers in a row, and after them, unless the last of them is the output, a readout; connections across them.

    layers       Layer objects: spiking ones (LIF), then at most one readout (Integrator); each takes what the one
                 before gives, all of one dtype (float64, float32, or object for exact numbers). Between them, a layer
                 with a stateless Integrator is a sum of currents, which it passes on, and one with a leaky Integrator
                 is a stage without spikes, which passes on its potential.
    input_shape  of one sample; (n_in,) of the first weight if not given and that is dense
    feedback     Feedback objects: from a later layer's outputs of the time step before into an earlier layer
    skips        Skip objects: from an earlier layer into a later one, within a time step

    Each connection may have a delay of whole time steps (`Layer(..., delay=d)`, `Skip`, `Feedback`).

    A network owns its parameters. It takes copies of the operations, and of the neurons that have parameters: two
    networks that are made from one list of layers are independent, and the arrays that were given to `Dense` do not
    change when the network learns. What it has learned is in `parameters`. The same operation, layer or neuron with
    parameters in two places is refused: `copy()` of it makes a second one.

    Where every parameter is a fraction or a whole number, the network is exact (`exact_numbers`): all its numbers are
    fractions then, and a float among inputs, targets or new parameters is refused. A float that is a single number,
    such as a decay, is taken as the fraction that it equals.

    Raises TypeError or ValueError that names the layer, what was expected and what came.

    >>> import numpy as np, ottt_ref as ot
    >>> hidden = ot.Layer(ot.Dense(np.ones((3, 2))), ot.LIF(decay=0.5))
    >>> readout = ot.Layer(ot.Dense(np.ones((1, 3))), ot.Integrator())
    >>> network = ot.Network([hidden, readout])
    >>> network.shapes, network.readout
    (((3,), (1,)), 'linear')
    >>> list(network.parameters)
    ['layer0.weight', 'layer0.bias', 'readout.weight', 'readout.bias']
    >>> network.parameters["readout.bias"] = np.array([0.25])
    >>> network.copy().parameters["readout.bias"]
    array([0.25])
    """

    def __init__(
        self,
        layers: Iterable[Layer],
        *,
        input_shape: Sequence[int] | None = None,
        feedback: Iterable[Feedback] = (),
        skips: Iterable[Skip] = (),
    ) -> None:
        if isinstance(layers, str) or not hasattr(layers, "__iter__"):
            raise TypeError(f"layers must be a sequence of Layer objects, got {layers!r}")
        layers = tuple(layers)
        require_layers(layers)
        for l, layer in enumerate(layers):
            require_neuron_names(f"layers[{l}]", layer.neuron)
        feedback = require_between("feedback", feedback, Feedback, layers)
        skips = require_between("skips", skips, Skip, layers)
        require_once(layers, feedback, skips)
        self._own(*owned(layers, feedback, skips), input_shape)

    def _own(
        self,
        layers: tuple[Layer, ...],
        feedback: tuple[Feedback, ...],
        skips: tuple[Skip, ...],
        input_shape: Sequence[int] | None,
    ) -> None:
        """Become the network of these parts, which are not copied any more."""
        self.layers, self.feedback, self.skips = layers, feedback, skips
        self.input_shape = first_shape(self.layers, input_shape)
        connections = connect(self.layers, self.feedback, self.skips)
        self.dtype = _one_dtype(connections)
        self.neuron_parameters = tuple(
            (l, parameter, f"{self.layer_names[l]}.{parameter}")
            for l, layer in enumerate(self.layers)
            for parameter in layer.neuron.parameter_names
        )
        self.parameters = Parameters(connections, self.neuron_parameters, self.layers)
        self._exact_kind = self.parameters.exact_kind
        self.shapes = chain_shapes(self.layers, connections, self.input_shape, self._one)
        self._connect(tuple(replace(c, input_shape=self.shape_of(c.source)) for c in connections))
        for l, layer in enumerate(self.layers):
            if isinstance(layer.neuron, OwnNumbers):
                require_shapes(f"layers[{l}]", layer.neuron, self.shapes[l])
            if type(layer.neuron) not in OURS or not is_built_in(getattr(layer.neuron, "surrogate", None)):
                require_sound_neuron(f"layers[{l}]", layer.neuron, self.shapes[l], self._one)
        if self.dtype in FLOAT_DTYPES:
            self._require_held()
        self._trace_layers = trace_layers(self.layers, self.connections)
        self._error_lags = error_lags(len(self.layers), self.connections)

    @property
    def input_size(self) -> int:
        """n_in, the number of inputs."""
        return math.prod(self.input_shape)

    @property
    def output_size(self) -> int:
        """n_out, the number of outputs."""
        return self.shapes[-1][0]

    @property
    def spiking(self) -> tuple[int, ...]:
        """The indices of the spiking layers."""
        return tuple(l for l, layer in enumerate(self.layers) if layer.neuron.spiking)

    @property
    def spiking_layers(self) -> int:
        """N, the number of spiking layers."""
        return len(self.spiking)

    @property
    def batch_size(self) -> int | None:
        """B, where `with_dropout` has drawn masks for so many samples; None otherwise."""
        sizes = (connection.operations.batch_size for connection in self.connections)
        return next((size for size in sizes if size is not None), None)

    @property
    def loop_sources(self) -> tuple[int, ...]:
        """The indices of the layers that recurrent and feedback connections lead from."""
        return tuple(sorted({connection.source for connection in self.connections if connection.loop}))

    @property
    def longest_delays(self) -> dict[int, int]:
        """By source, -1 the inputs, the longest delay of what leads from it, in time steps; where there is any."""
        found: dict[int, int] = {}
        for connection in self.connections:
            if connection.delay:
                found[connection.source] = max(connection.delay, found.get(connection.source, 0))
        return found

    @property
    def longest_delay(self) -> int:
        """The longest delay of all connections, in time steps; 1 with loops without a delay of their own."""
        return max(self.longest_delays.values(), default=0)

    @property
    def delays_errors(self) -> bool:
        """Whether a delay lies on some way from a layer to the outputs, by no loop: errors then come back late."""
        return any(lags != (0,) for lags in self._error_lags)

    @property
    def readout(self) -> Literal["linear", "spiking", "leaky"]:
        """What the outputs are: "linear", "leaky", or the spikes of the last layer, "spiking"."""
        last = self.layers[-1].neuron
        if last.spiking:
            return "spiking"
        return "linear" if last.stateless else "leaky"

    def shape_of(self, source: int) -> Shape:
        """The shape of one sample of a layer, or of the inputs, -1."""
        return self.input_shape if source == INPUTS else self.shapes[source]

    def incoming(self, l: int) -> list[Connection]:
        """The connections into layer l."""
        return self._incoming[l]

    def outgoing(self, l: int) -> list[Connection]:
        """The connections out of layer l."""
        return self._outgoing[l]

    def error_lags(self, l: int) -> tuple[int, ...]:
        """How many time steps an error of the outputs comes after what it belongs to in layer l (`layers.error_lags`).

        >>> import numpy as np, ottt_ref as ot
        >>> layers = [ot.Layer(ot.Dense(np.eye(2)), ot.LIF(), delay=d) for d in (1, 2)]
        >>> network = ot.Network([*layers, ot.Layer(ot.Dense(np.eye(2)), ot.LIF(), delay=3)], skips=[ot.Skip(0, 2)])
        >>> [network.error_lags(l) for l in range(3)]
        [(0, 5), (3,), (0,)]
        """
        return self._error_lags[l]

    def trace_layer(self, l: int) -> int:
        """The layer whose λ a trace of layer l's input has: the membranes that it enters (`layers.trace_layers`)."""
        return self._trace_layers[l][0]

    def trace_layers(self, l: int) -> tuple[int, ...]:
        """All layers whose membranes layer l's input enters: several where a sum of currents goes to several layers."""
        return self._trace_layers[l]

    def decay(self, l: int) -> np.ndarray:
        """λ of layer l in an array of the network's dtype, as the kernels take it: [1], or [n] of one per neuron."""
        return self._setting(l, self.layers[l].neuron.decay)

    def threshold(self, l: int) -> np.ndarray:
        """V_th of layer l in an array of the network's dtype, as the kernels take it: [1], or [n] of one per neuron."""
        return self._setting(l, self.layers[l].neuron.threshold)

    def _setting(self, l, value):
        if not isinstance(value, np.ndarray):
            return np.array([value], dtype=self.dtype)
        return value.astype(self.dtype) if is_shared(value) else by_neuron(value, self.shapes[l], self.dtype)

    @property
    def bias_input(self) -> np.ndarray:
        """The biases' constant input 1 in a new array [1] of the network's dtype, as the kernels take it."""
        result = np.zeros(1, dtype=self.dtype)
        result[0] = 1
        return result

    @property
    def _one(self) -> np.ndarray:
        """1 as one of the network's own numbers, in an array [1], to try out what is not built in."""
        result = self.bias_input
        if self.exact_numbers:
            result[0] = self.number(1)
        return result

    @property
    def exact_numbers(self) -> bool:
        """Whether its numbers are exact, as fractions.Fraction are: floats among them would be rounded ones."""
        return self._exact_kind is not None

    def number(self, value: Number) -> Number:
        """`value` as one of the network's numbers: a plain int divided by another would be a rounded float."""
        if self.dtype in FLOAT_DTYPES:
            return self.dtype.type(value)
        return (self._exact_kind or type(next(iter(self.parameters.values())).flat[0]))(value)

    def _require_held(self):
        """Check that the dtype can hold the numbers of neurons and operations: none becomes infinity or 0."""
        for l, layer in enumerate(self.layers):
            if isinstance(layer.neuron, OURS):
                layer.neuron.require_held(f"layers[{l}]", self.dtype)
        for connection in self.connections:
            _require_numbers_held(connection.name, connection.operations, self.dtype)

    def project_parameters(self) -> None:
        """Bring the neurons' own parameters back into their range, after an update."""
        self.parameters.project()

    def require_own_numbers(self, name: str, array: np.ndarray) -> np.ndarray:
        """Return `array`, of a network of exact numbers with fractions for whole numbers; TypeError for floats in it.

        Arrays for any other network are returned as they are.
        """
        return array if self._exact_kind is None else exact_values(require_exact(name, array), self._exact_kind)

    def zero_gradients(self) -> dict[str, np.ndarray]:
        """Zeros of each parameter's shape, keyed like `parameters`."""
        return {name: np.zeros(value.shape, value.dtype) for name, value in self.parameters.items()}

    def with_dropout(self, batch_size: int, rng: Seed) -> Network:
        """The network with a mask drawn for each Dropout, for one sequence of `batch_size` samples.

        It shares its parameters with this one: a step of an optimiser changes both. Masks are drawn anew at each call,
        also of a network that has masks already, which are dropped. rng is a numpy Generator, or a seed, which gives
        the same masks each time: in a loop, pass a Generator. Raises TypeError or ValueError for anything else.

        >>> import numpy as np, ottt_ref as ot
        >>> hidden = ot.Layer([ot.Dropout(0.5), ot.Dense(np.eye(4))], ot.LIF())
        >>> network = ot.Network([hidden], input_shape=(4,))
        >>> activity = ot.simulate(network.with_dropout(1, rng=1), np.ones((1, 1, 4)))
        >>> sorted({float(u) for u in activity.potentials[0].flat})
        [0.0, 2.0]
        """
        require_count("batch_size", batch_size)
        rng = require_generator(rng)
        return self._mapped(lambda c: c.operations.masked(batch_size, c.input_shape, self.dtype, rng))

    def without_dropout(self) -> Network:
        """The network without the masks that `with_dropout` drew, as it is for evaluation and for files.

        It shares its parameters with this one.

        >>> import numpy as np, ottt_ref as ot
        >>> hidden = ot.Layer([ot.Dropout(0.5), ot.Dense(np.eye(4))], ot.LIF())
        >>> network = ot.Network([hidden], input_shape=(4,)).with_dropout(1, rng=1)
        >>> ot.simulate(network.without_dropout(), np.ones((1, 1, 4))).potentials[0].tolist()
        [[[1.0, 1.0, 1.0, 1.0]]]
        """
        return self._mapped(lambda c: c.operations.unmasked())

    def astype(self, dtype: npt.DTypeLike) -> Network:
        """A copy with float64 or float32 parameters; from exact numbers, each is rounded once.

        Raises ValueError where one of its numbers is too large for the dtype, or a setting that is not 0 becomes 0.
        """
        dtype = require_dtype("dtype", dtype)
        try:
            with np.errstate(over="ignore"):  # what overflows is refused by name
                return self.rebuilt(lambda array: array.astype(dtype), float)
        except OverflowError as error:
            raise ValueError(f"network must hold numbers that {dtype} can hold: {error}") from None

    def exact(self) -> Network:
        """A copy over fractions.Fraction, equal to this network without any rounding.

        Its inputs and targets must be object arrays of exact numbers (`exact_array` makes them), its surrogate one of
        Triangle, Rectangle and FastSigmoid, and the loss MeanSquaredError: nothing else has exact values. Nor has
        weight standardisation, whose square root raises TypeError.

        >>> import ottt_ref as ot
        >>> network = ot.dense_network([2, 3, 1], surrogate=ot.surrogate.Triangle(), rng=0)
        >>> network.parameters["layer0.weight"] = np.full((3, 2), 0.75)
        >>> network.exact().parameters["layer0.weight"][0]
        array([Fraction(3, 4), Fraction(3, 4)], dtype=object)
        """
        return self.as_objects(Fraction)

    def as_objects(self, convert: ConvertNumber) -> Network:
        """A copy over object arrays, each number turned by `convert`; kernels then run uncompiled.

        `as_objects(float)` is the same network in Python's own arithmetic, bit for bit.
        """
        return self.rebuilt(lambda array: object_array(array, convert), convert)

    def copy(self) -> Network:
        """A copy with parameters of its own."""
        return self.rebuilt(lambda array: array, lambda number: number)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to `path` as .npz, atomically: a failure leaves what was there before.

        The mode of a file that is there stays, and so does a symbolic link to one; a device or a pipe is written to.
        Numbers of neurons and operations that are Fractions become floats, which computes the same.

        Raises TypeError for a network of exact numbers, which has no array format without pickles, and for one with
        operations, neurons or surrogates that files cannot hold, such as a subclass of one's own; ValueError for
        parameters that are not finite or out of their range, which `load` would refuse.

        >>> import os, tempfile, ottt_ref as ot
        >>> network = ot.dense_network([2, 3, 1], rng=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "network.npz")
        ...     network.save(path)
        ...     again = ot.Network.load(path)
        >>> bool((again.parameters["layer0.weight"] == network.parameters["layer0.weight"]).all())
        True
        """
        require_dtype("network.dtype", self.dtype)
        description, arrays = describe(self), {**self.parameters, **fixed_arrays(self)}
        for name, value in arrays.items():
            require_array(f"network: the parameter {name}", value, value.shape, self.dtype)
        self.parameters.require_unchanged()
        delays = any(connection.delay != connection.loop for connection in self.connections)
        version = FILE_VERSION if delays else OLDEST_FILE_VERSION
        storage.write(path, FILE_FORMAT, version, description, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, limit: int = storage.LARGEST_ARRAYS) -> Network:
        """Read a network that `save` wrote.

        limit  how many bytes its arrays may take in all; 2^28 if not given, as for conformance cases. A small file can
               hold very many zeros.

        Raises FileNotFoundError where there is no file, and ValueError that names the file and the fault for one
        that is damaged, truncated, of another version, larger than the limit, or no network at all. Nothing in it is
        executed.
        """
        description, arrays = storage.read(path, FILE_FORMAT, FILE_VERSION, limit, OLDEST_FILE_VERSION)
        try:
            network = cls(**rebuild(description, arrays))
            expected = [*network.parameters, *fixed_arrays(network)]
            if list(arrays) != expected:
                raise ValueError(f"it must hold {expected}, got {list(arrays)}")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"{path} does not describe a network: {error}") from None
        return network

    def rebuilt(self, convert_array: ConvertArray, convert_number: ConvertNumber) -> Network:
        """A copy with each parameter's array turned by one function, and every other number by another."""
        network = self._mapped(
            lambda connection: connection.operations.rebuilt(convert_array, convert_number),
            lambda l, neuron: neuron.rebuilt(convert_array, convert_number),
        )
        return network.mapped() if network.exact_numbers else network  # `mapped` makes every number of it exact

    def mapped(
        self,
        operations_of: Callable[[Connection], Operation] = lambda connection: connection.operations,
        neuron_of: Callable[[int, Neuron], Neuron] = lambda l, neuron: neuron,
    ) -> Network:
        """A network with the operations operations_of(connection) and the neurons neuron_of(l, neuron), copied."""
        layers, feedback, skips = self._parts(operations_of, neuron_of)
        return Network(layers, input_shape=self.input_shape, feedback=feedback, skips=skips)

    def _mapped(
        self,
        operations_of: Callable[[Connection], Operation],
        neuron_of: Callable[[int, Neuron], Neuron] = lambda l, neuron: neuron,
    ) -> Network:
        """`mapped` without copies: of parts that are new, or that share their parameters with this one's on purpose."""
        network = Network.__new__(Network)
        layers, feedback, skips = self._parts(operations_of, neuron_of)
        network._own(layers, feedback, skips, self.input_shape)
        return network

    def _connect(self, connections):
        """Take these connections; with other operations of the same shapes they are another way to compute it."""
        self.connections = connections
        self._incoming = [[c for c in connections if c.target == l] for l in range(len(self.layers))]
        self._outgoing = [[c for c in connections if c.source == l] for l in range(len(self.layers))]

    def _parts(self, operations_of, neuron_of):
        """Layers, feedback and skips of a network with other operations and neurons."""
        changed = {connection.name: operations_of(connection) for connection in self.connections}
        names = self.layer_names

        def across(word, connections):
            return tuple(replace(c, operations=changed[f"{names[c.target]}.{word}{c.source}"]) for c in connections)

        layers = tuple(
            replace(
                layer,
                synapses=changed[name],
                neuron=neuron_of(l, layer.neuron),
                recurrent=changed.get(f"{name}.recurrent"),
            )
            for l, (name, layer) in enumerate(zip(names, self.layers))
        )
        return layers, across("feedback", self.feedback), across("skip", self.skips)

    @property
    def layer_names(self) -> list[str]:
        """What the names of each layer's own parameters begin with: layer0, layer1, ..., readout."""
        return layer_names([layer.neuron for layer in self.layers])

    def __repr__(self) -> str:
        sizes = [self.input_size, *(math.prod(shape) for shape in self.shapes)]
        neuron = self.layers[self.spiking[0]].neuron
        return f"Network({sizes}, readout={self.readout!r}, {self.dtype}, {neuron})"


class Parameters(MutableMapping[str, np.ndarray]):
    """The parameters by name, in a fixed order: layer by layer, weight then bias. Assignment checks and copies."""

    def __init__(
        self,
        connections: Sequence[Connection],
        neuron_parameters: Sequence[tuple[int, str, str]],
        layers: Sequence[Layer],
    ) -> None:
        self._places: dict[str, tuple[Operation | Neuron, str]] = {}
        self._kinds: dict[str, tuple[Shape, np.dtype]] = {}
        for l, layer in enumerate(layers):
            for connection in (connection for connection in connections if connection.target == l):
                self._places.update(connection.parameters)
            own = {full_name: (layer.neuron, name) for k, name, full_name in neuron_parameters if k == l}
            twice = [name for name in own if name in self._places]
            if twice:
                raise ValueError(f"layers[{l}] must name its neurons' parameters unlike its operations', got {twice}")
            self._places.update(own)
        self._neurons = [
            (layer.neuron, layer.neuron.parameter_names) for layer in layers if layer.neuron.parameter_names
        ]
        self._ranged = [
            (name, neuron)
            for name, neuron in zip(layer_names([layer.neuron for layer in layers]), (each.neuron for each in layers))
            if isinstance(neuron, OwnNumbers) and neuron.trainable
        ]
        self._kinds = {name: (value.shape, value.dtype) for name, value in self.items()}
        self.exact_kind = exact_kind(dict(self))  # the type of its exact numbers, None of a network of others

    def __getitem__(self, name: str) -> np.ndarray:
        operation, parameter = self._places[name]
        return getattr(operation, parameter)

    def __setitem__(self, name: str, value: np.ndarray) -> None:
        if name not in self._places:
            raise KeyError(f"{name!r} is not a parameter; there are {list(self._places)}")
        current = self[name]
        array = require_array(name, value, current.shape, current.dtype)
        if self.exact_kind is not None:
            array = exact_values(require_exact(name, array), self.exact_kind)
        current[...] = array

    def require_unchanged(self) -> None:
        """Check that each array has the shape and dtype that it had, and exact numbers if it had such: an attribute of
        an operation can be set by hand.

        Raises TypeError or ValueError that names the parameter.
        """
        for name, (shape, dtype) in self._kinds.items():
            array = require_result(f"network: the parameter {name}", self[name], shape, dtype, "be")
            if self.exact_kind is not None:
                require_exact(f"network: the parameter {name}", array)
        for name, neuron in self._ranged:
            require_in_range(name, neuron)

    def only(self, *endings: str) -> Parameters:
        """Those whose names end so, as an optimiser takes them: what it assigns is assigned to the network.

        For a learning rate of their own, or for parameters that stay as they are. Raises ValueError that names an
        ending of which there is none.

        >>> import numpy as np, ottt_ref as ot
        >>> network = ot.dense_network([2, 3, 2], trainable=("decay",), rng=0)
        >>> decays = network.parameters.only("decay")
        >>> gradients = ot.ottt.gradients(network, np.ones((4, 1, 2)), np.array([1]))
        >>> ot.training.SGD(0.01).step(decays, {name: gradients[name] for name in decays})
        >>> list(decays), decays["layer0.decay"] is network.parameters["layer0.decay"]
        (['layer0.decay'], True)
        """
        unknown = [ending for ending in endings if not any(name.endswith(ending) for name in self)]
        if unknown or not endings:
            got = repr(unknown[0]) if unknown else "none"
            raise ValueError(f"endings must be of names of parameters, {list(self)}, got {got}")
        part = copy.copy(self)
        part._places = {name: place for name, place in self._places.items() if name.endswith(endings)}
        part._kinds = {name: self._kinds[name] for name in part._places}
        return part

    def project(self) -> None:
        """Bring the neurons' own parameters back into their range: what every optimiser does after a step."""
        for neuron, names in self._neurons:
            neuron.project({name: getattr(neuron, name) for name in names})

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"{name!r} must stay: a network's parameters can be assigned, not deleted")

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return "Parameters({" + ", ".join(f"{name!r}: {value.shape}" for name, value in self.items()) + "})"


def require_network(network: object) -> Network:
    """Return `network` if it is a Network whose parameters have the shapes that they had; raise otherwise."""
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network, got {shown(network)}")
    if not isinstance(network.parameters, Parameters):
        raise TypeError(
            "network.parameters must stay the mapping that it was: assign to network.parameters[name], got "
            f"{shown(network.parameters)}"
        )
    network.parameters.require_unchanged()
    return network


def _require_numbers_held(name, operation, dtype):
    if type(operation) in BUILT_IN:
        if isinstance(operation, WeightStandardised):
            dtype = np.dtype(np.float64)  # in which it evaluates
        for number in operation.number_names:
            require_held(f"{name}: {number} of {type(operation).__name__}", getattr(operation, number), dtype)
    for child in operation.children:
        _require_numbers_held(name, child, dtype)


def _one_dtype(connections):
    dtypes = {str(connection.operations.dtype): connection.operations.dtype for connection in connections}
    dtypes.pop("None", None)
    if not any(connection.parameters for connection in connections):
        raise ValueError("layers must have at least one parameter, got none")
    if len(dtypes) > 1:
        raise TypeError(f"layers must all have one dtype, got {sorted(dtypes)}")
    return next(iter(dtypes.values()))


def object_array(values: npt.ArrayLike, convert: ConvertNumber) -> np.ndarray:
    """An object array of the shape of `values`, each number turned by `convert`.

    >>> from fractions import Fraction
    >>> from ottt_ref.network.network import object_array
    >>> object_array([0.5, 2.0], Fraction)
    array([Fraction(1, 2), Fraction(2, 1)], dtype=object)
    """
    values = np.asarray(values)
    result = np.empty(values.shape, dtype=object)
    for index, value in np.ndenumerate(values):
        result[index] = convert(value.item() if isinstance(value, np.generic) else value)
    return result


def exact_array(values: npt.ArrayLike) -> np.ndarray:
    """The numbers of `values` as fractions.Fraction in an object array of the same shape, without rounding.

    Raises ValueError where one of them is no finite number, and TypeError for a masked array.

    >>> import ottt_ref as ot
    >>> ot.exact_array([0.5, 0.1])
    array([Fraction(1, 2), Fraction(3602879701896397, 36028797018963968)],
          dtype=object)
    """
    if isinstance(values, np.ma.MaskedArray):
        raise TypeError("values must be a plain array, got a masked one")
    try:
        return object_array(values, Fraction)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"values must be finite numbers, got {values!r}: {error}") from None


def dense_network(
    sizes: Sequence[int],
    *,
    decay: Setting | Sequence[Setting] | None = None,
    tau: Setting | Sequence[Setting] | None = None,
    threshold: Setting | Sequence[Setting] = 1.0,
    surrogate: Surrogate | None = None,
    reset: Literal["soft", "hard", "unleaked"] = "soft",
    reset_potential: Number = 0.0,
    readout: Literal["linear", "spiking", "leaky"] = "linear",
    trainable: tuple[str, ...] = (),
    initialisation: Literal["uniform", "normal", "orthogonal"] = "uniform",
    gain: Number | None = None,
    rng: Seed = None,
    dtype: npt.DTypeLike = np.float64,
) -> Network:
    """A fresh network of dense layers.

    sizes            [n_in, n_1, ..., n_out]; with readout "spiking" every size after the first is a spiking layer,
                     otherwise the last one is the readout
    decay or tau     λ in [0, 1], or τ >= 1 in time steps with λ = 1 - 1/τ; λ = 0.5 if neither is given
    threshold        V_th > 0
    surrogate        Sigmoid(alpha=4.0) if not given
    reset            "soft", "hard" (to reset_potential) or "unleaked"
    readout          "linear" (stateless), "spiking" or "leaky" (an integrator of the same decay)
    trainable        which of "decay" and "threshold" are parameters (`LIF`), of a leaky readout its decay too
    initialisation   "uniform", "normal" or "orthogonal"; scaled so that the network fires
    gain             the potentials' spread in thresholds, 2.0 if not given
    rng              a numpy Generator, or a seed for one; fresh entropy if not given
    dtype            float64 or float32

    decay, tau and threshold are a number or an array [n] (one for each neuron) for every layer, or a list of such, one
    for each spiking layer; of decays one more for a leaky readout.

    Raises ValueError or TypeError that names the argument, what was expected and what came.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([4, 8, 3], tau=4.0, surrogate=ot.surrogate.Arctan(), rng=0)
    >>> network.layers[0].neuron.decay
    0.75
    >>> {name: value.shape for name, value in network.parameters.items()}
    {'layer0.weight': (8, 4), 'layer0.bias': (8,), 'readout.weight': (3, 8), 'readout.bias': (3,)}
    >>> network = ot.dense_network([4, 8, 8, 3], decay=[0.5, np.linspace(0.1, 0.9, 8)], trainable=("decay",), rng=0)
    >>> network.parameters["layer0.decay"], network.parameters["layer1.decay"].shape
    (array([0.5]), (8,))
    """
    require_choice("readout", readout, READOUTS)
    sizes = _require_sizes(sizes, readout)
    dtype = require_dtype("dtype", dtype)
    spiking = len(sizes) - 1 - (readout != "spiking")
    decays = _decays(decay, tau, spiking + (readout == "leaky"))
    thresholds = _by_layer("threshold", threshold, spiking)
    neurons: list[LIF | Integrator] = [
        LIF(
            decay=each,
            threshold=above,
            reset=reset,
            surrogate=Sigmoid() if surrogate is None else surrogate,
            reset_potential=reset_potential,
            trainable=trainable,
        )
        for each, above in zip(decays, thresholds)
    ]
    if readout == "leaky":
        learned = ("decay",) if "decay" in trainable else ()
        neurons.append(Integrator(decays[-1], learned))
    elif readout == "linear":
        neurons.append(Integrator())
    rng = require_generator(rng)
    scale = {} if gain is None else {"gain": require_positive("gain", gain)}
    layers = []
    for fan_in, fan_out, neuron in zip(sizes, sizes[1:], neurons):
        std = _firing_std(fan_in, neuron, scale, dtype) if neuron.spiking else fan_in**-0.5
        weight = draw(initialisation, rng, (fan_out, fan_in), std)
        layers.append(Layer(Dense(weight.astype(dtype)), neuron))
    return Network(layers)


def _decays(decay, tau, count):
    """λ of each layer that has one, from `decay` or `tau`, of which one at most is given."""
    if decay is not None and tau is not None:
        raise ValueError(f"decay and tau must not be given together, got decay={decay!r} and tau={tau!r}")
    name, given = ("decay", decay) if tau is None else ("tau", tau)
    return [
        decay_from(each, None) if name == "decay" else decay_from(None, each) for each in _by_layer(name, given, count)
    ]


def _by_layer(name, value, count):
    """A list of one value for each layer: the value for all, or those of a list."""
    if not isinstance(value, list | tuple):
        return [value] * count
    if len(value) != count:
        raise ValueError(f"{name} must be one for all layers, or a list of {count}, one for each, got {len(value)}")
    return list(value)


def _require_sizes(sizes, readout):
    if isinstance(sizes, str) or not hasattr(sizes, "__iter__"):
        raise TypeError(f"sizes must be a sequence of layer sizes, got {sizes!r}")
    sizes = [require_count(f"sizes[{l}]", size) for l, size in enumerate(sizes)]
    minimum = 2 if readout == "spiking" else 3
    if len(sizes) < minimum:
        raise ValueError(
            f"sizes must hold at least {minimum} sizes for readout={readout!r} (inputs, spiking layers"
            f"{'' if readout == 'spiking' else ', readout'}), got {sizes}"
        )
    return sizes


def _firing_std(fan_in, neuron, scale, dtype):
    largest = float(np.finfo(dtype).max) / 1e6  # no draw from such a spread overflows
    try:
        scale = {name: float(number) for name, number in scale.items()}
        decay, threshold = (float(np.mean(value)) for value in (neuron.decay, neuron.threshold))
        std = firing_std(fan_in, decay, threshold, **scale)
    except OverflowError:  # of an int or a Fraction that is no float
        std = np.inf
    if std > largest:
        raise ValueError(
            f"threshold and gain must give weights within {dtype}, got threshold={neuron.threshold!r}"
            f" and {scale or 'the default gain'}"
        )
    return std


def require_generator(rng: Seed) -> np.random.Generator:
    """A numpy Generator from one or from a seed; fresh if None. Raises TypeError for anything else."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise TypeError(f"rng must be a numpy.random.Generator or a seed, got {rng!r}") from None
