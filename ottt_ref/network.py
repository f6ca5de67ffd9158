"""The description of a network: layers of synapses and neurons, their parameters, and files of them."""

from collections.abc import MutableMapping
from dataclasses import replace
from fractions import Fraction

import numpy as np

from . import storage
from .initialisation import draw, firing_std
from .layers import Dense, Layer, require_chain
from .neurons import LIF, Integrator, decay_from, neuron_from_description
from .surrogate import Sigmoid
from .validation import require_array, require_choice, require_count, require_dtype, require_positive

READOUTS = ("linear", "spiking", "leaky")
FILE_FORMAT = "ottt_ref network"
FILE_VERSION = 1


class Network:
    """Spiking layers in a row, and after them, unless the last of them is the output, a readout.

    layers  Layer objects: spiking ones (LIF), then at most one readout (Integrator); each takes what the one
            before gives, all of one dtype (float64, float32, or object for exact numbers)

    Raises TypeError or ValueError that names the layer, what was expected and what came.
    """

    def __init__(self, layers):
        if isinstance(layers, str) or not hasattr(layers, "__iter__"):
            raise TypeError(f"layers must be a sequence of Layer objects, got {layers!r}")
        self.layers = tuple(layers)
        for l, layer in enumerate(self.layers):
            if not isinstance(layer, Layer):
                raise TypeError(f"layers[{l}] must be a Layer, got {layer!r}")
        if not self.layers:
            raise ValueError("layers must hold at least one spiking layer, got none")
        require_chain(self.layers)
        self.parameters = Parameters(self.layers)

    @property
    def dtype(self):
        """The dtype of every parameter: float64, float32, or object."""
        return self.layers[0].synapses.weight.dtype

    @property
    def inputs(self):
        """n_in, the number of inputs."""
        return self.layers[0].synapses.inputs

    @property
    def outputs(self):
        """n_out, the number of outputs."""
        return self.layers[-1].synapses.outputs

    @property
    def spiking_layers(self):
        """N, the number of spiking layers: layers 0 .. N-1."""
        return len(self.layers) - (not self.layers[-1].neuron.spiking)

    @property
    def readout(self):
        """What the outputs are: "linear", "leaky", or the spikes of the last layer, "spiking"."""
        last = self.layers[-1].neuron
        if last.spiking:
            return "spiking"
        return "linear" if last.stateless else "leaky"

    def number(self, value):
        """`value` as one of the network's numbers: a plain int divided by another would be a rounded float."""
        return type(self.layers[0].synapses.weight.flat[0])(value)

    def zero_gradients(self):
        """Zeros of each parameter's shape, keyed like `parameters`."""
        return {name: np.zeros_like(value) for name, value in self.parameters.items()}

    def astype(self, dtype):
        """A copy with float64 or float32 parameters; from exact numbers, each is rounded once."""
        return self._rebuilt(lambda array: array.astype(require_dtype("dtype", dtype)), float)

    def exact(self):
        """A copy over fractions.Fraction, equal to this network without any rounding.

        Its inputs and targets must be object arrays of exact numbers (see `exact_array`), its surrogate one of
        Triangle and Rectangle, and the loss MeanSquaredError: nothing else has exact values.
        """
        return self.as_objects(Fraction)

    def as_objects(self, convert):
        """A copy over object arrays, each number turned by `convert`; kernels then run uncompiled.

        `as_objects(float)` is the same network in Python's own arithmetic, bit for bit.
        """
        return self._rebuilt(lambda array: object_array(array, convert), convert)

    def copy(self):
        """A copy with parameters of its own."""
        return self._rebuilt(lambda array: array, lambda number: number)

    def save(self, path):
        """Write the network to `path` as .npz, atomically: a failure leaves what was there before.

        Raises TypeError for a network of exact numbers, which has no array format without pickles.
        """
        require_dtype("network.dtype", self.dtype)
        description = {
            "dtype": str(self.dtype),
            "layers": [{"synapses": {"type": "Dense"}, "neuron": layer.neuron.description()} for layer in self.layers],
        }
        storage.write(path, FILE_FORMAT, FILE_VERSION, description, dict(self.parameters))

    @classmethod
    def load(cls, path):
        """Read a network that `save` wrote.

        Raises FileNotFoundError where there is no file, and ValueError that names the file and the fault for one
        that is damaged, truncated, of another version, or no network at all. Nothing in it is executed.
        """
        description, arrays = storage.read(path, FILE_FORMAT, FILE_VERSION)
        try:
            network = cls._from_description(description, arrays)
            if list(arrays) != list(network.parameters):
                raise ValueError(f"it must hold {list(network.parameters)}, got {list(arrays)}")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"{path} does not describe a network: {error}") from None
        return network

    @classmethod
    def _from_description(cls, description, arrays):
        dtype = require_dtype("dtype", description["dtype"])
        layers = []
        names = _layer_names([neuron_from_description(layer["neuron"]) for layer in description["layers"]])
        for name, layer in zip(names, description["layers"]):
            if layer["synapses"] != {"type": "Dense"}:
                raise ValueError(f"synapses must be Dense, got {layer['synapses']!r}")
            weight = require_array(f"{name}.weight", arrays[f"{name}.weight"], ("n_out", "n_in"), dtype)
            bias = require_array(f"{name}.bias", arrays[f"{name}.bias"], (len(weight),), dtype)
            layers.append(Layer(Dense(weight, bias), neuron_from_description(layer["neuron"])))
        return cls(layers)

    def _rebuilt(self, convert_array, convert_number):
        return Network(
            [
                Layer(
                    Dense(convert_array(layer.synapses.weight), convert_array(layer.synapses.bias)),
                    layer.neuron.with_numbers(convert_number),
                )
                for layer in self.layers
            ]
        )

    def __repr__(self):
        sizes = [self.inputs, *(layer.synapses.outputs for layer in self.layers)]
        return f"Network({sizes}, readout={self.readout!r}, {self.dtype}, {self.layers[0].neuron})"


class Parameters(MutableMapping):
    """The parameters by name, in a fixed order: layer by layer, weight then bias. Assignment checks and copies."""

    def __init__(self, layers):
        self._places = {
            f"{name}.{parameter}": (layer.synapses, parameter)
            for name, layer in zip(_layer_names([layer.neuron for layer in layers]), layers)
            for parameter in layer.synapses.parameter_names
        }

    def __getitem__(self, name):
        synapses, parameter = self._places[name]
        return getattr(synapses, parameter)

    def __setitem__(self, name, value):
        if name not in self._places:
            raise KeyError(f"{name!r} is not a parameter; there are {list(self._places)}")
        current = self[name]
        current[...] = require_array(name, value, current.shape, current.dtype)

    def __delitem__(self, name):
        raise TypeError(f"{name!r} must stay: a network's parameters can be assigned, not deleted")

    def __iter__(self):
        return iter(self._places)

    def __len__(self):
        return len(self._places)

    def __repr__(self):
        return "Parameters({" + ", ".join(f"{name!r}: {value.shape}" for name, value in self.items()) + "})"


def require_network(network):
    """Return `network` if it is a Network; raise TypeError otherwise."""
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network, got {network!r}")
    return network


def _layer_names(neurons):
    return [f"layer{l}" if neuron.spiking else "readout" for l, neuron in enumerate(neurons)]


def object_array(values, convert):
    """An object array of the shape of `values`, each number turned by `convert`."""
    values = np.asarray(values)
    result = np.empty(values.shape, dtype=object)
    for index, value in np.ndenumerate(values):
        result[index] = convert(value.item() if isinstance(value, np.generic) else value)
    return result


def exact_array(values):
    """The numbers of `values` as fractions.Fraction in an object array of the same shape, without rounding.

    Raises ValueError where one of them is no finite number, and TypeError for a masked array.
    """
    if isinstance(values, np.ma.MaskedArray):
        raise TypeError("values must be a plain array, got a masked one")
    try:
        return object_array(values, Fraction)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"values must be finite numbers, got {values!r}: {error}") from None


def dense_network(
    sizes,
    *,
    decay=None,
    tau=None,
    threshold=1.0,
    surrogate=None,
    reset="soft",
    reset_potential=0.0,
    readout="linear",
    initialisation="uniform",
    gain=None,
    rng=None,
    dtype=np.float64,
):
    """A fresh network of dense layers.

    sizes            [n_in, n_1, ..., n_out]; with readout "spiking" every size after the first is a spiking layer,
                     otherwise the last one is the readout
    decay or tau     λ in [0, 1], or τ >= 1 in time steps with λ = 1 - 1/τ; λ = 0.5 if neither is given
    threshold        V_th > 0
    surrogate        Sigmoid(alpha=4.0) if not given
    reset            "soft", "hard" (to reset_potential) or "unleaked"
    readout          "linear" (stateless), "spiking" or "leaky" (an integrator of the same decay)
    initialisation   "uniform", "normal" or "orthogonal"; scaled so that the network fires (see `initialisation`)
    gain             the potentials' spread in thresholds, 2.0 if not given
    rng              a numpy Generator, or a seed for one; fresh entropy if not given
    dtype            float64 or float32

    Raises ValueError or TypeError that names the argument, what was expected and what came.
    """
    require_choice("readout", readout, READOUTS)
    sizes = _require_sizes(sizes, readout)
    dtype = require_dtype("dtype", dtype)
    neuron = LIF(
        decay=decay_from(decay, tau),
        threshold=threshold,
        reset=reset,
        surrogate=Sigmoid() if surrogate is None else surrogate,
        reset_potential=reset_potential,
    )
    neurons = [neuron] * (len(sizes) - 1)
    if readout != "spiking":
        neurons[-1] = Integrator(neuron.decay if readout == "leaky" else 0.0)
    rng = _require_generator(rng)
    scale = {} if gain is None else {"gain": require_positive("gain", gain)}
    layers = []
    for fan_in, fan_out, neuron in zip(sizes, sizes[1:], neurons):
        std = _firing_std(fan_in, neuron, scale, dtype) if neuron.spiking else fan_in**-0.5
        weight = draw(initialisation, rng, (fan_out, fan_in), std)
        layers.append(Layer(Dense(weight.astype(dtype)), replace(neuron)))
    return Network(layers)


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
        std = firing_std(fan_in, float(neuron.decay), float(neuron.threshold), **scale)
    except OverflowError:  # of an int or a Fraction that is no float
        std = np.inf
    if std > largest:
        raise ValueError(
            f"threshold and gain must give weights within {dtype}, got threshold={neuron.threshold!r}"
            f" and {scale or 'the default gain'}"
        )
    return std


def _require_generator(rng):
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise TypeError(f"rng must be a numpy.random.Generator or a seed, got {rng!r}") from None
