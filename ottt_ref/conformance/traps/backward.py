"""Traps of the way back through weights, scales, pools and standardisation, and of what is returned."""

from functools import partial

from ...network.operations import AveragePool2d, Conv2d, MaxPool2d, Scale, SkipInit, Upsample2d, WeightStandardised
from ..variations import Variation
from .forward import is_skip
from .neurons import HardPasses, KeptLeaked, KeptNegative, KeptUnleaked, KeptWithoutThreshold, as_kind
from .operations import (
    AmongEquals,
    AveragedUpsample,
    BiasAveraged,
    DeviationFixed,
    ErrorsLost,
    FixedStandardisation,
    GainFixed,
    KernelNotFlippedBack,
    LastOfEquals,
    OneWayPool,
    OneWayScale,
    RawWeightBack,
    as_kind_of,
    untransposed,
    within_standardised,
)
from .varying import with_neurons, with_operations


def zeroed(ending, gradients):
    """Parameters whose name has the ending have no gradient."""
    return {name: value * 0 if name.endswith(ending) else value for name, value in gradients.items()}


def without_readout(gradients):
    """Parameters of the readout have no gradient."""
    return {name: value * 0 if name.startswith("readout") else value for name, value in gradients.items()}


def skips_one_way(network):
    """Network → Network whose skips send no error back."""
    return network.mapped(lambda c: ErrorsLost(c.operations) if is_skip(c) else c.operations)


def nowhere(network):
    """Errors of the next time step reach no layer."""
    return [False] * len(network.layers)


def but_the_readout(network):
    """Errors of the next time step reach every layer but a readout."""
    return [layer.neuron.spiking for layer in network.layers]


def backward_traps():
    """Variations of the way back, and of what is returned."""
    return (
        Variation("weight-untransposed", "errors come back through W, not through its transpose", "adjoint",
                  with_operations(untransposed)),
        Variation("kernel-not-flipped-back", "errors come back through kernels turned around", "adjoint",
                  with_operations(within_standardised(as_kind_of(Conv2d, KernelNotFlippedBack)))),
        Variation("maximum-last", "errors through max pooling go to the last of equals, not to the first", "adjoint",
                  with_operations(as_kind_of(MaxPool2d, LastOfEquals))),
        Variation("maximum-shared", "errors through max pooling are shared out among equals", "adjoint",
                  with_operations(as_kind_of(MaxPool2d, AmongEquals))),
        Variation("delays-not-back", "no error comes back by recurrent and feedback connections", "adjoint",
                  delays_back=False),
        Variation("skips-not-back", "no error comes back by skips", "adjoint", skips_one_way),
        Variation("loops-at-once", "recurrent and feedback weights are paired with the spikes of the same time step",
                  "pairing", paired_at_once=True),
        Variation("loop-errors-at-once", "errors come back by recurrent and feedback connections within the time step",
                  "adjoint", loops_at_once=True),
        Variation("late-errors-now", "errors that come back through a delay are paired with what is now, not then",
                  "adjoint", late_errors="now"),
        Variation("late-errors-lost", "no error comes back through a delay", "adjoint", late_errors="lost"),
        Variation("truncated", "no error comes back in time by membranes", "leak", leaks_back=nowhere),
        Variation("truncated", "no error comes back in time", "leak", leaks_back=nowhere, delays_back=False),
        Variation("readout-not-back", "no error comes back in time by the leaky readout", "leak",
                  leaks_back=but_the_readout),
        Variation("reset-gradient-unleaked", "the kept gradient of the soft reset is the unleaked one's: λ - V_th ψ",
                  "jacobian", with_neurons(as_kind(KeptUnleaked))),
        Variation("reset-gradient-without-threshold", "the kept gradient of the reset lacks V_th", "jacobian",
                  with_neurons(as_kind(KeptWithoutThreshold))),
        Variation("reset-gradient-leaked", "the kept gradient of the unleaked reset is the soft one's: λ - λ V_th ψ",
                  "jacobian", with_neurons(as_kind(KeptLeaked))),
        Variation("reset-gradient-negative", "the kept gradient of the reset has the other sign", "jacobian",
                  with_neurons(as_kind(KeptNegative))),
        Variation("hard-reset-passed", "errors pass a hard reset as if there were none", "jacobian",
                  with_neurons(as_kind(HardPasses))),
        Variation("standardisation-fixed", "the gradient takes the mean and variance of weights for constants",
                  "adjoint", with_operations(as_kind_of(WeightStandardised, FixedStandardisation))),
        Variation("deviation-fixed", "the gradient takes the variance of weights for a constant",
                  "adjoint", with_operations(as_kind_of(WeightStandardised, DeviationFixed))),
        Variation("standardisation-not-back", "errors come back through the raw weight, not the standardised one",
                  "adjoint", with_operations(as_kind_of(WeightStandardised, RawWeightBack))),
        Variation("scale-one-way", "errors do not go through the fixed scale", "adjoint",
                  with_operations(as_kind_of(Scale, OneWayScale))),
        Variation("pool-one-way", "errors through average pooling are not divided by the window's size", "adjoint",
                  with_operations(as_kind_of(AveragePool2d, OneWayPool))),
        Variation("upsample-one-way", "errors through upsampling are averaged, not summed", "adjoint",
                  with_operations(as_kind_of(Upsample2d, AveragedUpsample))),
        Variation("bias-gradient-zero", "biases have no gradient", "result", parameters=partial(zeroed, "bias")),
        Variation("readout-gradient-zero", "the readout has no gradient", "result", parameters=without_readout),
        Variation("standard-gain-gradient-zero", "the gain of weight standardisation has no gradient", "result",
                  parameters=partial(zeroed, ".gain")),
        Variation("bias-gradient-averaged", "a convolution's bias gradient is averaged over the pixels", "result",
                  with_operations(within_standardised(as_kind_of(Conv2d, BiasAveraged)))),
        Variation("gain-gradient-zero", "the gain of a residual branch has no gradient", "result",
                  with_operations(as_kind_of(SkipInit, GainFixed))),
    )  # fmt: skip
