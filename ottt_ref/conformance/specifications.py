"""Which cases there are: a network, its inputs, targets and loss, and what the case is there to tell apart.

Each is drawn from a generator of its own, seeded by the case's name, anew until every layer is alive and nothing
discontinuous lies nearer than MARGIN: no potential to its threshold or to an edge of a rectangular surrogate, no
argument of SR's rate mapping to the corners of the clamp. Then nothing flips by rounding, in double or in single
precision. The case at the threshold is made of small binary fractions instead, on which floats do not round at all.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from ..learning import losses
from ..methods import spike_representation
from ..network import surrogate
from ..network.network import Network
from ..network.neurons import CubaLIF
from ..network.per_neuron import is_shared, spread
from ..simulation.simulator import input_current, run
from ..simulation.state import State
from . import networks
from .networks import currents, dense, images

MARGIN = 2.0**-10  # of the threshold; float32 rounds potentials of a few V_th by some 2^-22
ATTEMPTS = 1000
FEATURES = (  # an adapter says which of them it has
    "weights",
    "targets of each step",
    "initial state",
    "time steps of the loss",
    "delays",
    "numbers of each neuron",
    "learned numbers of neurons",
    "currents that leak",
)
CASE_SET = 2  # the version of the set: one more whenever a case is added, and no case ever changes its numbers


@dataclass(frozen=True)
class Specification:
    """A case before its numbers are drawn.

    purpose   what it is there for, in a sentence
    network   rng → Network in float64
    inputs    (rng, shape [T, B, ...]) → inputs in float64
    margin    whether the draw must keep MARGIN
    alive     whether the draw must be alive (`is_alive`)
    rates     whether SR is asked for: not where the clamp's corners cannot be kept away from
    targets   "labels" [B], or rows [B, C]: "distributions" over the classes, or any "numbers"; or "labels of each step"
    weights   of the loss: "none"; "mask", of sequences of different lengths; "last" step; any "numbers"
    started   whether it starts from a state that is not rest
    loss_steps   T of the loss's 1/T, where it is not the number of time steps
    delays    whether a connection has a delay of its own
    neurons   what of the neurons not every backend has: of FEATURES
    learning_rate   of online learning
    since     the version of the set in which it is first
    """

    name: str
    purpose: str
    network: Callable
    time_steps: int = 6
    batch_size: int = 4
    loss: losses.Loss = field(default_factory=losses.Mixed)
    inputs: Callable = currents
    targets: str = "labels"
    dtype: str = "float64"
    margin: bool = True
    alive: bool = True
    rates: bool = True
    learning_rate: float = 0.1
    since: int = 1
    weights: str = "none"
    started: bool = False
    loss_steps: int | None = None
    delays: bool = False
    neurons: tuple[str, ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """What the case asks for that not every backend has: of FEATURES."""
        of_steps = (self.weights != "none", self.targets == "labels of each step", self.started, bool(self.loss_steps))
        asked = (*of_steps, self.delays, *(name in self.neurons for name in FEATURES[5:]))
        return tuple(name for name, there in zip(FEATURES, asked) if there)


@dataclass(frozen=True)
class Drawn:
    """A case's numbers: the network, its inputs [T, B, ...], its targets, and the margin in thresholds.

    weights        [T, B], or None
    initial_state  a State, or None for rest
    """

    specification: Specification
    network: Network
    inputs: np.ndarray
    targets: np.ndarray
    margin: float
    weights: np.ndarray | None = None
    initial_state: State | None = None


def draw(specification):
    """The case's numbers, the same every time. Raises ValueError where no draw keeps the margin or is alive."""
    rng = np.random.default_rng(zlib.crc32(specification.name.split("-float32")[0].encode()))
    for _ in range(ATTEMPTS):
        network = specification.network(rng).astype(specification.dtype)
        shape = (specification.time_steps, specification.batch_size, *network.input_shape)
        inputs = specification.inputs(rng, shape).astype(specification.dtype)
        targets = _targets(specification, rng, network)
        weights, state = _weights(specification, rng), _initial_state(specification, rng, network)
        margin = least_margin(network, inputs, specification.rates, state)
        drawn = Drawn(specification, network, inputs, targets, margin, weights, state)
        if (margin >= MARGIN or not specification.margin) and (not specification.alive or is_alive(drawn)):
            return drawn
    raise ValueError(f"{specification.name}: no draw of {ATTEMPTS} is alive and keeps a margin of {MARGIN}")


def _targets(specification, rng, network):
    batch, classes = specification.batch_size, network.output_size
    if specification.targets == "labels":
        return rng.integers(0, classes, size=batch)
    if specification.targets == "labels of each step":
        return rng.integers(0, classes, size=(specification.time_steps, batch))
    rows = rng.random((batch, classes))
    if specification.targets == "distributions":
        rows = rows / rows.sum(axis=1, keepdims=True)
    return rows.astype(specification.dtype)


def _weights(specification, rng):
    shape = (specification.time_steps, specification.batch_size)
    steps = np.arange(shape[0])[:, np.newaxis]
    if specification.weights == "none":
        return None
    if specification.weights == "mask":
        weights = steps < rng.integers(2, shape[0] + 1, size=shape[1])
    elif specification.weights == "last":
        weights = np.broadcast_to(steps == shape[0] - 1, shape)
    else:
        weights = rng.uniform(0.1, 2.0, shape)
    return weights.astype(specification.dtype)


def _initial_state(specification, rng, network):
    """That after other inputs of the same kind; None for rest."""
    if not specification.started:
        return None
    shape = (specification.time_steps, specification.batch_size, *network.input_shape)
    return run(network, specification.inputs(rng, shape).astype(specification.dtype)).final_state


def least_margin(network, inputs, with_rates, initial_state=None):
    """The least distance, in thresholds, of anything discontinuous: see the module's docstring.

    A rate's current that is 0 exactly, where nothing arrives, lies on the clamp's corner for every backend alike.
    """
    activity = run(network, inputs, initial_state=initial_state)
    distances = []
    for l in network.spiking:
        neuron = network.layers[l].neuron
        threshold = spread(neuron.threshold, network.shapes[l])
        z = (activity.layer_potentials[l].astype(np.float64) - threshold) / threshold
        distances.append(np.abs(z).min())
        if isinstance(neuron.surrogate, surrogate.Rectangle):
            distances.append(np.abs(np.abs(z) - neuron.surrogate.width / 2 / threshold).min())
    if with_rates:
        for current in rate_currents(network, inputs):
            moving = current[current != 0].astype(np.float64)
            distances += [np.abs(moving - corner).min(initial=np.inf) for corner in (0, 1)]
    return float(min(distances))


def is_alive(drawn):
    """Whether each layer spikes in a tenth to nine tenths of its neurons and steps, and not the same at each time step.

    And, for SR, no gradient is 0, and the clamp lets errors through in a quarter of the neurons of each layer, two of a
    sample's somewhere: with fewer, a loop's equation is one of numbers, and its transpose the same.
    """
    network, inputs = drawn.network, drawn.inputs
    spikes = run(network, inputs, initial_state=drawn.initial_state).spikes
    if not all(0.1 <= s.mean() <= 0.9 and (len(s) == 1 or np.any(s != s[0])) for s in spikes):
        return False
    if not drawn.specification.rates:
        return True
    for open_gates in gates(network, inputs):
        if open_gates.mean() < 0.25 or open_gates.reshape(len(open_gates), -1).sum(axis=1).max() < 2:
            return False
    gradients = spike_representation.gradients(network, inputs, drawn.targets, drawn.specification.loss)
    return all(np.any(value != 0) for value in gradients.values())


def gates(network, inputs):
    """Of each spiking layer, where SR's clamp lets errors through, [B, ...]."""
    return [(current > 0) & (current < 1) for current in rate_currents(network, inputs)]


def rate_currents(network, inputs):
    """What arrives at each spiking layer from the measured rates, in thresholds, [B, ...]."""
    values, _ = spike_representation.rates_of(network, inputs, "measured")
    return [
        input_current(network, l, lambda c: values[c.source + 1])
        / spread(network.layers[l].neuron.threshold, network.shapes[l])
        for l in network.spiking
    ]


def _case(name, purpose, network=None, **options):
    return Specification(name, purpose, network or dense(), **options)


def _sizes():
    """The base case, and others of its kind: lengths, batches, λ, V_th, inputs."""
    decays = [
        _case(f"dense-decay-{decay:g}", f"λ = {decay:g}", dense(decay=decay), time_steps=10)
        for decay in (0.0, 0.9, 1.0)
    ]
    return (
        _case("dense", "the base case: three layers, the paper's neurons and loss"),
        _case("dense-one-step", "T = 1, where all methods but SR agree", time_steps=1),
        _case("dense-one-sample", "B = 1", batch_size=1, time_steps=4),
        _case("dense-long", "T = 50, B = 1", dense(decay=0.9), time_steps=50, batch_size=1),
        _case("dense-square", "T = B: swapped axes keep the shape", time_steps=5, batch_size=5),
        *decays,
        _case("dense-by-layer", "each layer's λ, V_th, reset, surrogate", networks.neurons_by_layer, time_steps=8),
        _case("dense-two-decays", "λ = 0.5, then 0.9, and a stateless readout", networks.two_decays),
        _case("dense-threshold", "V_th = 0.75, not 1", dense(threshold=0.75)),
        _case("dense-events", "inputs that are spikes", inputs=networks.events),
    )


def _neurons():
    """Surrogates, resets, readouts."""
    surrogates = (
        surrogate.Arctan(3.0),
        surrogate.Triangle(1.5, 0.8),
        surrogate.Rectangle(2.0),
        surrogate.MultiGaussian(0.6, 0.2, 5.0, 0.9),
    )
    named = [(type(kind).__name__, kind) for kind in surrogates]
    hard = dense(reset="hard", threshold=0.9, reset_potential=-0.2)
    return (
        *(_case(f"dense-{name.lower()}", f"the surrogate {name}", dense(surrogate=kind)) for name, kind in named),
        _case("dense-sharp", "a sigmoid surrogate with α = 10", dense(surrogate=surrogate.Sigmoid(10.0))),
        _case("dense-unleaked", "the reset that does not leak", dense(reset="unleaked", threshold=0.8)),
        _case("dense-hard", "the hard reset, to a potential that is not 0", hard),
        _case("dense-hard-zero", "the hard reset to 0", dense(reset="hard")),
        _case("dense-spiking-readout", "the last layer spikes", dense(readout="spiking", threshold=0.8)),
        _case("dense-leaky-readout", "the readout leaks", dense(readout="leaky")),
    )


def _losses():
    """Losses, targets, the learning rate."""
    four = dense((6, 5, 5, 4))
    squared = {"loss": losses.MeanSquaredError(), "targets": "numbers"}
    return (
        _case("dense-cross-entropy", "the cross-entropy alone", loss=losses.CrossEntropy()),
        _case("dense-squared-error", "squared error to targets that are no classes", **squared),
        _case("dense-mixed", "the mixed loss with another share, of four classes", four, loss=losses.Mixed(0.3)),
        _case("dense-soft-targets", "targets that are distributions over the classes", targets="distributions"),
        _case("dense-slow", "another learning rate of online learning", learning_rate=0.02),
    )


def _connections():
    """Loops, skips, operations of images."""
    of_images = {"inputs": images}
    return (
        _case("dense-standardised", "dense weights, standardised; a skip from the inputs", networks.dense_standardised),
        _case("recurrent", "a layer that hears itself", networks.recurrent),
        _case("feedback", "a layer that hears a later one", networks.feedback),
        _case("loops", "loops out of the last layer, which is the output", networks.loops),
        _case("skip", "a layer that hears one before the last", networks.skip),
        _case("conv", "convolutions with stride and padding", networks.convolutional, **of_images),
        _case("conv-pooled", "pooling and a fixed scale between layers", networks.pooled, **of_images),
        _case("conv-windows", "kernels and pools of unequal sides, overlapping, padded", networks.windows, **of_images),
        _case("conv-residual", "a residual branch: a sum of currents with a gain", networks.residual, **of_images),
        _case("conv-standardised", "scaled weight standardisation", networks.standardised, **of_images),
        _case("conv-feedback", "upsampled spikes and a convolution back", networks.convolutional_feedback, **of_images),
    )


def _extremes():
    """Networks at the edge of what they can do."""
    tied = {"inputs": networks.events, "margin": False, "rates": False}
    return (
        _case("silent", "no neuron ever fires", inputs=networks.faint, alive=False),
        _case("saturated", "every neuron fires at every time step", networks.saturated, alive=False),
        _case("zero-weights", "every weight is 0: biases alone", networks.zero_weights, alive=False),
        _case("at-threshold", "potentials at the threshold exactly: H(0) = 1", networks.at_threshold, **tied),
    )


def _time_steps():
    """What is asked of single time steps, and where a sequence starts."""
    second = {"rates": False, "since": 2}
    of_chunk = {"started": True, "loss_steps": 10, "weights": "numbers"}
    return (
        _case("dense-masked", "sequences of different lengths in one batch: a mask", weights="mask", **second),
        _case("dense-last-step", "the loss at the last time step alone", weights="last", **second),
        _case("recurrent-step-targets", "a target for each time step", networks.recurrent,
              targets="labels of each step", **second),
        _case("feedback-chunk", "a part of a longer sequence: its state, its T, weights", networks.feedback,
              **of_chunk, **second),
    )  # fmt: skip


def _own_numbers():
    """Numbers of each neuron and channel, fixed and learned; currents that leak. SR has no one decay of the inputs."""
    kinds = {"rates": False, "since": 2}
    each, learned, leaks = FEATURES[5:]
    return (
        _case("dense-per-neuron", "λ, V_th and v_reset of each neuron", networks.numbers_by_neuron,
              neurons=(each,), **kinds),
        _case("conv-per-channel", "λ and V_th of each channel", networks.numbers_by_channel, inputs=images,
              neurons=(each,), **kinds),
        _case("dense-learned-neurons", "λ and V_th that are learned", networks.learned_numbers,
              neurons=(each, learned), **kinds),
        _case("dense-two-leaks", "CubaLIF: a synaptic current that leaks", networks.two_leaks,
              neurons=(each, leaks), **kinds),
        _case("recurrent-learned-leaks", "CubaLIF, everything of it learned", networks.learned_leaks,
              neurons=(each, learned, leaks), **kinds),
    )  # fmt: skip


def neuron_features(network):
    """Which of the FEATURES of neurons a network has, a truth value for each."""
    neurons = [layer.neuron for layer in network.layers]
    arrays = [value for neuron in neurons for value in neuron.array_settings.values()]
    return (
        any(not is_shared(value) for value in arrays),
        any(neuron.trainable for neuron in neurons),
        any(isinstance(neuron, CubaLIF) for neuron in neurons),
    )


def _later():
    """Operations and a surrogate that came later."""
    of_images = {"inputs": images, "since": 2}
    fast = surrogate.FastSigmoid(3.0, 0.8)
    return (
        _case("dense-fastsigmoid", "the surrogate FastSigmoid", dense(surrogate=fast), since=2),
        _case("conv-grouped", "kernels in groups, dilated, by direction", networks.grouped, **of_images),
        _case("conv-row", "convolutions of sequences", networks.in_a_row, **of_images),
        _case("conv-normalised", "fixed scales and offsets of channels", networks.normalised, **of_images),
        _case("conv-maxpool", "spikes pooled by their maximum", networks.max_pooled, rates=False, **of_images),
    )


def _late():
    """Stages without spikes between layers, and delays."""
    return (
        _case("dense-leaky-stage", "a stage between layers that leaks and does not spike", networks.leaky_stage,
              rates=False, since=2),
        _case("delays", "delays of whole time steps, not the same on two ways to the outputs", networks.late,
              time_steps=8, delays=True, since=2),
    )  # fmt: skip


IN_SINGLE_PRECISION = ("dense", "dense-long", "dense-unleaked", "recurrent", "conv-standardised", "saturated")


def _single(like):
    return replace(like, name=f"{like.name}-float32", purpose=f"{like.purpose}; in single precision", dtype="float32")


IN_DOUBLE = (*_sizes(), *_neurons(), *_losses(), *_connections(), *_extremes())
FIRST_SET = (*IN_DOUBLE, *(_single(each) for each in IN_DOUBLE if each.name in IN_SINGLE_PRECISION))
SPECIFICATIONS = (*FIRST_SET, *_time_steps(), *_own_numbers(), *_later(), *_late())
