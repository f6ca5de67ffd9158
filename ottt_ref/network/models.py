"""The paper's networks, and small ones of the same kind for daily use.

    vgg11_ws            eight weight-standardised convolutions, spikes scaled by 2.74, average pooling
    vgg11_ws_feedback   the same, and a convolution from the last layer's spikes back to the first (VGG-F)
    nf_resnet34_ws      residual blocks without normalisation, x + alpha · gain · f(x / beta)
    small_conv          two convolutions, for images of 8 x 8 pixels and more
    small_feedback      the same with feedback

Hyper-parameters are the authors': λ = 0.5, V_th = 1, the sigmoid surrogate with α = 4, scale 2.74, eps = 1e-4, alpha =
0.2. So are the parameters at the start: convolutions N(0, 2 / (fan-out)), whose scale standardisation takes out again;
readouts N(0, 0.01²), in the ResNet 0; biases 0; gains 1. The weight of the feedback is 0, unless `feedback_std` is
given. At 0 no error goes through it, but it learns: its gradient comes from the spikes that enter it.

Source: Xiao et al. 2022, section 5 and appendix; Brock et al. 2021 for the residual blocks.
"""

import math
from collections.abc import Sequence
from typing import TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from ..annotations import Number, Seed
from ..validation import require_count, require_dtype, require_number
from .layers import Feedback, Layer, Skip
from .network import Network, require_generator
from .neurons import LIF, Integrator, decay_from
from .operations import (
    AveragePool2d,
    Chain,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    Scale,
    SkipInit,
    Upsample2d,
    WeightStandardised,
)
from .surrogate import Sigmoid, Surrogate

SPIKE_SCALE = 2.74
POOL, MEAN = "pool", "mean"
VGG11 = (64, 128, POOL, 256, 256, POOL, 512, 512, POOL, 512, 512, MEAN)
SMALL = (16, POOL, 32, POOL)
RESNET34 = ((64, 3), (128, 4), (256, 6), (512, 3))
ALPHA = 0.2


class Options(TypedDict, total=False):
    """What every model takes by name: the neurons, the dropout of the spikes, the width, how parameters are drawn.

    >>> import ottt_ref as ot
    >>> options: ot.models.Options = {"decay": 0.75, "dropout": 0.1}
    >>> ot.models.small_conv(rng=1, **options).layers[0].neuron.decay
    0.75
    """

    decay: Number | None
    tau: Number | None
    threshold: Number
    surrogate: Surrogate | None
    dropout: Number
    width: Number
    rng: Seed
    dtype: npt.DTypeLike


def vgg11_ws(input_shape: Sequence[int] = (3, 32, 32), classes: int = 10, **options: Unpack[Options]) -> Network:
    """VGG-11 with scaled weight standardisation, as in the paper: convolutions 3 x 3, a readout of pooled channels.

    input_shape   [C, H, W] of one sample; H and W multiples of 8
    classes       number of outputs
    options       decay or tau, threshold, surrogate, dropout (of the spikes, 0), width (by which the channels of every
                  convolution are multiplied, 1; there are at least two), rng (a numpy Generator or a seed), dtype
                  (float64 or float32)

    Raises ValueError or TypeError that names the argument, what was expected and what came.

    >>> import ottt_ref as ot
    >>> network = ot.models.vgg11_ws((1, 8, 8), classes=3, rng=0)
    >>> network.spiking_layers, network.output_size
    (8, 3)
    """
    return _vgg(VGG11, input_shape, classes, _Maker(**options))


def vgg11_ws_feedback(
    input_shape: Sequence[int] = (3, 32, 32),
    classes: int = 10,
    *,
    feedback_std: Number = 0.0,
    **options: Unpack[Options],
) -> Network:
    """VGG-11 with feedback (VGG-F): the last layer's spikes, scaled and upsampled, enter the first by a convolution.

    feedback_std  the standard deviation of that convolution's weights; 0, the authors', leaves it silent at first
    The other arguments are those of `vgg11_ws`.

    >>> import ottt_ref as ot
    >>> network = ot.models.vgg11_ws_feedback((1, 8, 8), classes=3, rng=0)
    >>> network.feedback[0].source, network.feedback[0].target
    (7, 0)
    """
    return _vgg(VGG11, input_shape, classes, _Maker(**options), feedback_std)


def small_conv(input_shape: Sequence[int] = (1, 8, 8), classes: int = 10, **options: Unpack[Options]) -> Network:
    """Two weight-standardised convolutions (16 and 32 channels), each pooled by 2, and a readout.

    The arguments are those of `vgg11_ws`; H and W multiples of 4.

    >>> import ottt_ref as ot
    >>> ot.models.small_conv((1, 8, 8), rng=0).shapes
    ((16, 8, 8), (32, 4, 4), (10,))
    """
    return _vgg(SMALL, input_shape, classes, _Maker(**options))


def small_feedback(
    input_shape: Sequence[int] = (1, 8, 8), classes: int = 10, *, feedback_std: Number = 0.0, **options: Unpack[Options]
) -> Network:
    """`small_conv` with a convolution from the second layer's spikes back to the first.

    The arguments are those of `vgg11_ws_feedback`; H and W multiples of 4.

    >>> import ottt_ref as ot
    >>> network = ot.models.small_feedback((1, 8, 8), feedback_std=0.1, rng=0)
    >>> network.parameters["layer0.feedback1.weight"].shape
    (16, 32, 3, 3)
    """
    return _vgg(SMALL, input_shape, classes, _Maker(**options), feedback_std)


def nf_resnet34_ws(
    input_shape: Sequence[int] = (3, 224, 224),
    classes: int = 1000,
    *,
    alpha: Number = ALPHA,
    **options: Unpack[Options],
) -> Network:
    """Normaliser-free ResNet-34 with scaled weight standardisation.

    A block takes a current x and gives the next one, x + alpha · gain · f(x / beta). In f, the current drives neurons;
    their spikes go through a convolution to further neurons, and the spikes of these through a second convolution.
    The first block of a stage halves the image. There x is replaced by the first neurons' spikes after a convolution
    1 x 1. beta² is the variance of x before training: 1, or 1 + alpha² after a halving, and alpha² more with each
    block.

    alpha         above 0; 0.2, the authors', if not given
    The other arguments are those of `vgg11_ws`; the shape is arbitrary, from 1 x 1 pixel on.

    >>> import ottt_ref as ot
    >>> network = ot.models.nf_resnet34_ws((1, 8, 8), classes=3, rng=0)
    >>> network.spiking_layers, len(network.skips)
    (32, 16)
    """
    maker = _Maker(**options)
    alpha = require_number("alpha", alpha, "above 0", lambda number: number > 0)
    shape = _require_image(input_shape)
    channels = maker.channels(64)
    stem = [maker.convolution(shape[0], channels, size=7, stride=2, padding=3), AveragePool2d(3, stride=2, padding=1)]
    layers, skips, variance = [Layer(stem, Integrator())], [], 1.0
    for stage, (full, blocks) in enumerate(RESNET34):
        width = maker.channels(full)
        for block in range(blocks):
            halves = stage > 0 and block == 0
            layers.append(Layer([Scale(1 / math.sqrt(variance))], maker.neuron))
            layers.append(Layer(maker.spikes(maker.convolution(channels, width, stride=1 + halves)), maker.neuron))
            branch = maker.spikes(maker.convolution(width, width), SkipInit(np.zeros(1, maker.dtype)), Scale(alpha))
            layers.append(Layer(branch, Integrator()))
            sums = len(layers) - 1  # the sum before it is sums - 3, the spikes that it sends on sums - 2
            if halves:
                shortcut = maker.convolution(channels, width, size=1, stride=2, padding=0)
                skips.append(Skip(sums - 2, sums, maker.spikes(shortcut)))
            else:
                skips.append(Skip(sums - 3, sums))
            variance = 1 + alpha**2 if halves else variance + alpha**2
            channels = width
    head = [AveragePool2d(_reached(shape, [layer.synapses for layer in layers])[1:])]
    return _with_readout(layers, shape, classes, maker, head, std=0.0, skips=skips)


class _Maker:
    """What all layers of a model share: neurons, the scale and dropout of spikes, how weights are drawn."""

    def __init__(
        self, *, decay=None, tau=None, threshold=1.0, surrogate=None, dropout=0.0, width=1.0, rng=None, dtype=np.float64
    ):
        self.neuron = LIF(decay_from(decay, tau), threshold, surrogate=Sigmoid() if surrogate is None else surrogate)
        self.dropout = Dropout(require_number("dropout", dropout, "in [0, 1)", lambda number: 0 <= number < 1))
        self.width = require_number("width", width, "above 0, at most 16", lambda number: 0 < number <= 16)
        self.dtype = require_dtype("dtype", dtype)
        self.rng = require_generator(rng)

    def channels(self, count):
        """How many channels there are of so many in the paper's network: at least two, which have a variance."""
        return max(2, round(count * self.width))

    def spikes(self, *operations):
        """Operations on spikes: the spikes are dropped out and scaled first."""
        return Chain([*([self.dropout] if self.dropout.rate else []), Scale(SPIKE_SCALE), *operations])

    def convolution(self, inputs, outputs, *, size=3, stride=1, padding=1):
        """A weight-standardised convolution with bias and gain."""
        weight = self.normal((outputs, inputs, size, size), math.sqrt(2 / (outputs * size * size)))
        return WeightStandardised(Conv2d(weight, stride=stride, padding=padding))

    def normal(self, shape, std):
        """N(0, std²) in the network's dtype."""
        return self.rng.normal(0.0, std, size=shape).astype(self.dtype)


def _vgg(plan, input_shape, classes, maker, feedback_std=None):
    shape = _require_image(input_shape)
    halvings = plan.count(POOL)
    if any(length % 2**halvings for length in shape[1:]):
        raise ValueError(f"input_shape must have a height and a width that 2 divides {halvings} times, got {shape}")
    layers, channels, pool = [], shape[0], []
    for width in plan:
        if width == POOL:
            pool = [AveragePool2d(2)]
            continue
        if width == MEAN:
            pool = [AveragePool2d([length // 2**halvings for length in shape[1:]])]
            continue
        wide = maker.channels(width)
        convolution = maker.convolution(channels, wide)
        layers.append(Layer(maker.spikes(*pool, convolution) if layers else convolution, maker.neuron))
        channels, pool = wide, []
    feedback = []
    if feedback_std is not None:
        std = require_number("feedback_std", feedback_std, "of at least 0", lambda number: number >= 0)
        back = Conv2d(maker.normal((maker.channels(plan[0]), channels, 3, 3), std), padding=1)
        factor = 2 ** (halvings - (plan[-1] == POOL))  # the spikes come from before a last pooling
        feedback = [Feedback(len(layers) - 1, 0, maker.spikes(Upsample2d(factor), back))]
    head = [*maker.spikes().operations, *pool]
    return _with_readout(layers, shape, classes, maker, head, std=0.01, feedback=feedback)


def _with_readout(layers, shape, classes, maker, head, *, std, **connections):
    """The network, with a dense readout of what the operations of `head` give."""
    (inputs,) = _reached(shape, [*(layer.synapses for layer in layers), *head, Flatten()])
    weight = maker.normal((require_count("classes", classes), inputs), std)
    readout = Layer([*head, Flatten(), Dense(weight)], Integrator())
    return Network([*layers, readout], input_shape=shape, **connections)


def _reached(shape, operations):
    for operation in operations:
        shape = operation.output_shape(shape)
    return shape


def _require_image(input_shape):
    if not isinstance(input_shape, tuple | list) or len(input_shape) != 3:
        raise ValueError(f"input_shape must be images (C, H, W), got {input_shape!r}")
    return tuple(require_count(f"input_shape[{k}]", length) for k, length in enumerate(input_shape))
