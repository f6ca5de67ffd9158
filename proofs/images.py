"""Architectures whose spikes are images: convolutional networks for the equalities, chains of operations for P1."""

from dataclasses import dataclass

import numpy as np

import ottt_ref as ot
from ottt_ref.network.operations import Mask

from .identity import Identity, free_array, free_data, unchecked


@dataclass(frozen=True)
class Convolutional:
    """`depth` layers of `channels` channels on images of `side` x `side` pixels, and a dense last layer of two neurons.

    Convolutions of 3 x 3; before the second a scale and average pooling. The first layer hears itself, and the last
    one hears the first also by a skip.

    readout, reset, forgets   as of a dense `identity.Architecture`
    """

    depth: int
    channels: int
    side: int
    time_steps: int
    readout: str = "spiking"
    reset: str = "soft"
    forgets: bool = False

    def data(self, variable):
        """A network, its activity and ∂L/∂o [T, 1, 2], with `variable()` in place of each free number."""
        decay = 0 if self.forgets else variable()
        neuron = unchecked(ot.LIF(reset=self.reset), decay=decay, threshold=variable(), reset_potential=variable())
        last = neuron
        if self.readout != "spiking":
            last = unchecked(ot.Integrator(), decay=decay if self.readout == "leaky" else 0)
        loop = convolution(variable, self.channels, self.channels)
        layers = [ot.Layer(convolution(variable, self.channels, 1), neuron, loop)]
        side = self.side
        for l in range(1, self.depth):
            before = [scale(variable), pool(variable)] if l == 1 else []
            layers.append(ot.Layer([*before, convolution(variable, self.channels, self.channels)], neuron))
            side = side // 2 if l == 1 else side
        skip = ot.Skip(0, self.depth, dense(variable, 2, self.channels * self.side**2))
        layers.append(ot.Layer(dense(variable, 2, self.channels * side**2), last))
        skips = [skip] if self.depth > 1 else []
        network = ot.Network(layers, input_shape=(1, self.side, self.side), skips=skips)
        return network, *free_data(network, self.time_steps, variable)

    def __str__(self):
        return (
            f"{self.depth} convolutions of {self.channels} channels on {self.side} x {self.side} pixels, "
            f"T = {self.time_steps}, readout {self.readout}, reset {self.reset}"
        )


def convolutions(depth, width, time_steps, **options):
    """A modest convolutional architecture, no larger than asked for."""
    return [Convolutional(min(depth, 2), min(width, 2), 4, min(time_steps, 4), **options)]


def with_images(architectures, largest=(2, 2, 4)):
    """(depth, width, T) → what `architectures` gives, and a convolutional one of at most the `largest` size."""
    return lambda *size: [*architectures(*size), *convolutions(*map(min, size, largest))]


def convolution(variable, outputs, inputs):
    """A convolution of 3 x 3 that keeps the image's size."""
    return ot.Conv2d(free_array(variable, outputs, inputs, 3, 3), free_array(variable, outputs), padding=1)


def dense(variable, outputs, inputs):
    """Flattened images through dense synapses."""
    return ot.Chain([ot.Flatten(), ot.Dense(free_array(variable, outputs, inputs), free_array(variable, outputs))])


def scale(variable):
    """A fixed factor, free."""
    return unchecked(ot.Scale(1), factor=variable())


def pool(variable):
    """Average pooling of 2 x 2 whose share, 1/4, is free."""
    return ot.AveragePool2d(2).rebuilt(None, lambda _: variable())


@dataclass(frozen=True)
class Operated:
    """A chain of `depth` operations on images of `channels` channels; T, and which operation has synapses.

    The operations: a scale, a convolution, an upsampling, a dropout mask, average pooling, a gain, in turn.
    """

    depth: int
    channels: int
    time_steps: int
    first: int = 0

    def data(self, variable):
        """The chain, what it is given [T, 1, ...], an error at its result [1, ...], λ; `variable()` for each number."""
        shape = (self.channels, 4, 4)
        operations = []
        for k in range(self.first, self.first + self.depth):
            operations.append(self._operation(k % 6, shape, operations, variable))
            shape = operations[-1].output_shape(shape)
        given = free_array(variable, self.time_steps, 1, self.channels, 4, 4)
        return ot.Chain(operations), given, free_array(variable, 1, *shape), variable()

    def _operation(self, kind, shape, before, variable):
        names = [name for operation in before for name in operation.parameter_names]
        if kind == 1 and "weight" not in names:
            return convolution(variable, self.channels, shape[0])
        if kind == 2:
            return ot.Upsample2d(2)
        if kind == 3:
            return Mask(free_array(variable, 1, int(np.prod(shape))))
        if kind == 4:
            return pool(variable)
        if kind == 5 and "skip_gain" not in names:
            return ot.SkipInit(free_array(variable, 1))
        return scale(variable)

    def __str__(self):
        chain, *_ = self.data(lambda: 1)
        kinds = ", ".join(type(operation).__name__ for operation in chain.operations)
        return f"{kinds} of {self.channels} channels on 4 x 4 pixels, T = {self.time_steps}"


def chains(depth, width, time_steps):
    """Each operation alone, and chains of `depth`, beginning with each; the largest has `width` channels."""
    alone = [Operated(1, min(width, 2), min(time_steps, 4), k) for k in range(6)]
    longer = [Operated(depth, min(width, 2), min(time_steps, 4), k) for k in range(6)]
    return [Operated(depth, width, time_steps), *alone, *longer]


def traced_results(chain, given, error, decay):
    """What an operation's results have for a trace, and what errors paired with them add up to, step by step.

    The trace at the last step is Σ_t λ^(T-1-t) (A s[t] + b); an error δ there is paired with it, and with each
    parameter through each time step's values.
    """
    bias_input = given[0].reshape(-1)[:1] * 0 + 1
    result, gradients = None, _zeros(chain)
    for values in given:
        now = chain.forward(values, bias_input)
        result = now if result is None else result * decay + now
        gradients = {name: gradient * decay for name, gradient in gradients.items()}
        chain.add_gradients(gradients, error, values, bias_input)
    linear = [chain.forward(values, bias_input * 0) for values in given]
    return {
        "trace": result,
        "pairing": np.array([(error * now).sum() for now in linear], dtype=object),
        **gradients,
    }


def results_of_traces(chain, given, error, decay):
    """The same from one trace where spikes enter, Λ_T for the biases, and A^T for errors: what OTTT does."""
    bias_input = given[0].reshape(-1)[:1] * 0 + 1
    trace, bias_trace, gradients = given[0] * 0, bias_input * 0, _zeros(chain)
    for values in given:
        trace, bias_trace = trace * decay + values, bias_trace * decay + bias_input
    chain.add_gradients(gradients, error, trace, bias_trace)
    back = chain.adjoint(error, given.shape[2:])
    return {
        "trace": chain.forward(trace, bias_trace),
        "pairing": np.array([(back * values).sum() for values in given], dtype=object),
        **gradients,
    }


def _zeros(chain):
    return {name: value * 0 for name, value in chain.parameters.items()}


CHAINS = Identity(
    "what traces become in a chain of operations = the traces of what comes out",
    traced_results,
    results_of_traces,
    chains,
    lambda chain: ["trace", "pairing", *chain.parameter_names],
)
