"""Traps of the forward pass: what other conventions and mistakes do to potentials and spikes."""

import math
from dataclasses import replace
from functools import partial

import numpy as np

from ...network.layers import INPUTS
from ...network.neurons import CubaLIF
from ...network.operations import (
    AveragePool2d,
    Chain,
    ChannelScale,
    Conv1d,
    Conv2d,
    Flatten,
    Scale,
    SkipInit,
    Synapses,
    WeightStandardised,
)
from ...network.per_neuron import is_shared, spread
from ..variations import Variation, as_given
from .neurons import HardUnleaked, NeverReset, ResetByOne, Strict, as_kind
from .operations import (
    ChannelsLast,
    EpsilonOutside,
    GroupsInTurn,
    LargestPool2d,
    PaddingUncounted,
    StandardisedWhole,
    as_kind_of,
    without_gain,
)
from .varying import with_layers, with_neurons, with_operations


def silenced(operation):
    """The operation with every parameter 0."""
    return operation.rebuilt(lambda array: np.zeros_like(array), lambda number: number)


def without_bias(operation):
    """Synapses whose bias is 0."""
    if isinstance(operation, WeightStandardised):
        return operation.replaced(synapses=without_bias(operation.synapses))
    if not isinstance(operation, Synapses):
        return operation
    return operation.replaced(bias=np.zeros_like(operation.bias))


def one_of(value):
    """The one number of a layer's neurons; ValueError where there are several."""
    if not is_shared(value):
        raise ValueError("the neurons of a layer have several numbers")
    return float(value[0]) if isinstance(value, np.ndarray) else value


def with_input_times(factor):
    """Network → Network in which every current into a spiking layer is multiplied by a function of its λ."""

    def apply(network):
        def operations(connection):
            neuron = network.layers[connection.target].neuron
            if not neuron.spiking:
                return connection.operations
            return Chain([connection.operations, Scale(factor(one_of(neuron.decay)))])

        return network.mapped(operations)

    return apply


def standardised_with(gain, epsilon):
    """Weight-standardised operations with gain and ε multiplied by functions of the fan-in n."""

    def change(operation):
        if not isinstance(operation, WeightStandardised):
            return operation
        count = operation.synapses.weight[0].size
        factor = operation.dtype.type(gain(count))
        return WeightStandardised(
            operation.synapses, operation.gain * factor, epsilon=operation.epsilon * epsilon(count)
        )

    return change


def biased(count):
    """Unbiased over biased variance."""
    return count / (count - 1)


def flipped(operation):
    """A convolution in place of a correlation: the kernel turned around."""
    if isinstance(operation, WeightStandardised):
        return operation.replaced(synapses=flipped(operation.synapses))
    if not isinstance(operation, Synapses) or operation.weight.ndim != 4:
        return operation
    return operation.replaced(weight=np.ascontiguousarray(operation.weight[:, :, ::-1, ::-1]))


def turned(operation):
    """A convolution whose kernels have rows for columns, where they are square."""
    if isinstance(operation, WeightStandardised):
        return operation.replaced(synapses=turned(operation.synapses))
    if not isinstance(operation, Conv2d) or operation.weight.shape[2] != operation.weight.shape[3]:
        return operation
    return operation.replaced(weight=np.ascontiguousarray(operation.weight.swapaxes(2, 3)))


def without_offset(operation):
    """A fixed scale of channels whose offsets are 0."""
    if not isinstance(operation, ChannelScale):
        return operation
    return operation.replaced(offset=np.zeros_like(operation.offset))


def with_default_epsilon(operation):
    """Standardised weights with the paper's ε."""
    if not isinstance(operation, WeightStandardised):
        return operation
    return WeightStandardised(operation.synapses, operation.gain)


def one_step_late(connection, now, earlier):
    """Layers hear the layer below one time step late; recurrent and feedback connections as ever."""
    steps = connection.delay + (not connection.loop and connection.source != INPUTS)
    return (earlier[steps - 1] if steps else now)[connection.source]


def two_steps_late(connection, now, earlier):
    """Recurrent and feedback connections deliver s[t-2], not s[t-1]: one time step late, whatever their delay."""
    steps = connection.delay + connection.loop
    return (earlier[steps - 1] if steps else now)[connection.source]


def one_step_early(connection, now, earlier):
    """Delays are one time step too short: those of 1 and more, of loops those of 2 and more."""
    steps = connection.delay - (connection.delay > connection.loop)
    return (earlier[steps - 1] if steps else now)[connection.source]


def with_usual_delays(connection, now, earlier):
    """No connection has a delay of its own."""
    return (earlier[0] if connection.loop else now)[connection.source]


def is_skip(connection):
    """Whether the connection is a skip."""
    return ".skip" in connection.name


def left_out(where, connection, now, earlier):
    """Connections `where` it is so are given nothing."""
    given = as_given(connection, now, earlier)
    return np.zeros_like(given) if where(connection) else given


def after_reset(name, array, network, activity):
    """Potentials that are recorded after the reset."""
    kind, _, l = name.partition("/")
    if kind != "potential" or int(l) not in network.spiking:
        return array
    neuron, spikes = network.layers[int(l)].neuron, activity.layer_outputs[int(l)]
    shape = array.shape[2:]
    threshold, resting = (
        np.asarray(spread(value, shape), dtype=array.dtype) for value in (neuron.threshold, neuron.reset_potential)
    )
    return array - spikes * array + spikes * resting if neuron.reset == "hard" else array - threshold * spikes


def exponential(decay):
    """exp(-1/τ) for 1 - 1/τ, of a number or an array."""
    return np.exp(decay - 1) if isinstance(decay, np.ndarray) else math.exp(decay - 1)


def mean_of(field):
    """Network → Network whose neurons have the mean of their layer's numbers."""

    def change(neuron):
        value = getattr(neuron, field)
        return neuron if is_shared(value) else replace(neuron, **{field: np.full_like(value, value.mean())})

    return with_neurons(change)


def with_current(change):
    """Network → Network whose currents that leak are changed: change(neuron) gives the fields that differ."""
    return with_neurons(lambda neuron: replace(neuron, **change(neuron)) if isinstance(neuron, CubaLIF) else neuron)


def swapped_leaks(neuron):
    """The leak of the current for that of the membrane, and the other way round."""
    learned = {"decay": "current_decay", "current_decay": "decay"}
    trainable = tuple(learned.get(name, name) for name in neuron.trainable)
    return {"decay": neuron.current_decay, "current_decay": neuron.decay, "trainable": trainable}


def averaged(name, array, network, activity):
    """Outputs that are the mean over time, at every time step."""
    return np.broadcast_to(array.mean(axis=0), array.shape) if name == "outputs" else array


def reset_to(kind, potential=None):
    """Network → Network with another reset."""

    def change(neuron):
        return replace(neuron, reset=kind, reset_potential=neuron.reset_potential if potential is None else potential)

    return with_neurons(change)


def with_readout(decay):
    """Network → Network whose readout, if it has one, has no decay, or that of the last spiking layer."""

    def apply(network):
        leak = 0.0 if decay is None else one_of(network.layers[network.spiking[-1]].neuron.decay)
        last = len(network.layers) - 1
        return with_layers(
            lambda l, neuron: replace(neuron, decay=leak) if l == last and not neuron.spiking else neuron
        )(network)

    return apply


def as_in_first_layer(field):
    """Network → Network whose neurons all have the first layer's decay, threshold or reset."""

    def apply(network):
        value = getattr(network.layers[0].neuron, field)
        return with_neurons(lambda neuron: replace(neuron, **{field: value}))(network)

    return apply


def neuron_traps():
    """Variations of what neurons do with their current."""
    return (
        Variation("reset-unleaked", "the subtraction of the reset does not leak: u[t] = λ u[t-1] - V_th s[t-1] + I[t]",
                  "reset", reset_to("unleaked")),
        Variation("reset-leaked", "the subtraction of the reset leaks: u[t] = λ (u[t-1] - V_th s[t-1]) + I[t]",
                  "reset", reset_to("soft")),
        Variation("reset-hard", "the reset is hard, to 0", "reset", reset_to("hard", 0.0)),
        Variation("reset-none", "spikes do not reset the potential", "reset", with_neurons(as_kind(NeverReset))),
        Variation("input-leaked", "the leak takes in this step's current: u[t] = λ (u[t-1] - V_th s[t-1] + I[t])",
                  "input", with_input_times(lambda decay: decay)),
        Variation("input-decayed", "the current is multiplied by 1 - λ (as in τ du/dt = -u + I)",
                  "input", with_input_times(lambda decay: 1 - decay)),
        Variation("reset-hard-unleaked", "the hard reset's potential does not leak: u[t] = λ (1 - s[t-1]) u[t-1] + "
                  "v_reset s[t-1] + I[t]", "reset", with_neurons(as_kind(HardUnleaked))),
        Variation("reset-by-one", "the reset subtracts 1, whatever V_th is", "reset",
                  with_neurons(as_kind(ResetByOne))),
        Variation("start-from-reset", "potentials start from the reset potential, not from 0", "start",
                  start=lambda neuron: getattr(neuron, "reset_potential", 0.0)),
        Variation("initial-state-forgotten", "the sequence starts from rest, not from the state that is given", "start",
                  from_rest=True),
        Variation("threshold-one", "the threshold is 1, whatever V_th is", "threshold",
                  with_neurons(lambda neuron: replace(neuron, threshold=1.0))),
        Variation("decay-exponential", "λ is exp(-1/τ), not 1 - 1/τ", "decay",
                  with_neurons(lambda neuron: replace(neuron, decay=exponential(neuron.decay)))),
        Variation("decay-complement", "λ and 1 - λ are confused", "decay",
                  with_neurons(lambda neuron: replace(neuron, decay=1 - neuron.decay))),
        Variation("readout-stateless", "the readout does not leak: it has no memory", "readout", with_readout(None)),
        Variation("readout-leaky", "the readout leaks, with the λ of the neurons before it", "readout",
                  with_readout("decay")),
        *(Variation(f"first-layer-{field}", f"every layer has the {field} of the first", f"first {field}",
                    as_in_first_layer(field)) for field in ("decay", "threshold", "reset")),
        *(Variation(f"mean-{field}", f"where neurons of a layer have a {field} each, all have the mean of them",
                    f"mean {field}", mean_of(field)) for field in ("decay", "threshold")),
        Variation("current-forgotten", "the synaptic current does not last: i[t] = I[t]", "current",
                  with_current(lambda neuron: {"current_decay": 0 * neuron.current_decay})),
        Variation("current-undecayed", "the synaptic current does not leak: i[t] = i[t-1] + I[t]", "current",
                  with_current(lambda neuron: {"current_decay": 0 * neuron.current_decay + 1})),
        Variation("leaks-swapped", "the membrane leaks as the current should, and the current as the membrane",
                  "current", with_current(swapped_leaks)),
        Variation("spike-strict", "H(0) = 0: neurons at the threshold do not fire",
                  "spike", with_neurons(as_kind(Strict))),
    )  # fmt: skip


def connection_traps():
    """Variations of what is delivered, when, and along which axis."""
    return (
        Variation("axes-swapped", "the batch is read as time, and time as the batch", "axes", axes=(1, 0)),
        Variation("axes-swapped", "the batch is read as time, and time as the batch", "axes", axes=(1, 0),
                  returned=(0, 1)),
        Variation("layers-delayed", "each layer hears the layer below one time step late", "timing",
                  given=one_step_late),
        Variation("recurrence-delayed", "recurrent and feedback connections deliver s[t-2] in place of s[t-1]",
                  "timing", given=two_steps_late),
        Variation("delays-short", "delays are one time step too short", "timing", given=one_step_early),
        Variation("delays-ignored", "delays are left out: what is sent arrives at once, by loops one time step later",
                  "timing", given=with_usual_delays),
        Variation("recurrent-ignored", "recurrent connections are left out", "recurrence",
                  with_operations(silenced, lambda c: c.loop and c.source == c.target)),
        Variation("feedback-ignored", "feedback connections are left out", "recurrence",
                  with_operations(silenced, lambda c: c.loop and c.source != c.target)),
        Variation("recurrent-ignored", "spikes by recurrent connections are left out, biases are not", "recurrence",
                  given=partial(left_out, lambda c: c.loop and c.source == c.target)),
        Variation("feedback-ignored", "spikes by feedback connections are left out, biases are not", "recurrence",
                  given=partial(left_out, lambda c: c.loop and c.source != c.target)),
        Variation("skip-ignored", "what comes by skips is left out, biases are not", "skip",
                  given=partial(left_out, is_skip)),
        Variation("skip-ignored", "skip connections are left out", "skip",
                  with_operations(silenced, is_skip), given=partial(left_out, is_skip)),
        Variation("recurrent-bias-ignored", "biases of recurrent and feedback connections are left out", "bias",
                  with_operations(without_bias, lambda c: c.loop)),
        Variation("bias-ignored", "biases are left out", "bias", with_operations(without_bias)),
    )  # fmt: skip


def operation_traps():
    """Variations of what operations make of it."""
    return (
        Variation("variance-biased", "weight standardisation divides the variance by n, not by n - 1",
                  "variance", with_operations(standardised_with(lambda n: math.sqrt(biased(n)), biased))),
        Variation("fan-in-ignored", "weight standardisation leaves out the fan-in n: (W - mean) / sqrt(variance + ε)",
                  "variance", with_operations(standardised_with(math.sqrt, lambda n: n))),
        Variation("epsilon-outside", "weight standardisation adds ε to the root, not under it", "variance",
                  with_operations(as_kind_of(WeightStandardised, EpsilonOutside))),
        Variation("gain-ignored", "the gain of weight standardisation is left out", "variance",
                  with_operations(without_gain)),
        Variation("standardised-whole", "weights are standardised as a whole, not output by output", "variance",
                  with_operations(as_kind_of(WeightStandardised, StandardisedWhole))),
        Variation("flattened-channels-last", "images are flattened with the channels last", "flatten",
                  with_operations(lambda o: ChannelsLast() if isinstance(o, Flatten) else o)),
        Variation("kernel-flipped", "kernels are turned around: a convolution, not a correlation",
                  "kernel", with_operations(flipped)),
        Variation("kernel-axes-swapped", "the kernels' height and width are swapped", "kernel",
                  with_operations(turned)),
        Variation("epsilon-default", "weight standardisation has ε = 1e-4, whatever the network says", "variance",
                  with_operations(with_default_epsilon)),
        Variation("branch-gain-ignored", "the gain of a residual branch is left out", "scale",
                  with_operations(lambda o: SkipInit(np.ones_like(o.skip_gain)) if isinstance(o, SkipInit) else o)),
        Variation("scale-ignored", "fixed scales of spikes are left out", "scale",
                  with_operations(lambda o: Scale(1.0) if isinstance(o, Scale) else o)),
        Variation("dilation-ignored", "kernels have no gaps: the dilation is left out", "kernel",
                  with_operations(lambda o: o.replaced(dilation=1) if isinstance(o, Conv2d | Conv1d) else o)),
        Variation("groups-in-turn", "output o sees the group o % groups, and not those in a row the same", "kernel",
                  with_operations(as_kind_of(Conv2d, GroupsInTurn))),
        Variation("channel-offset-ignored", "the offset of a channel's fixed scale is left out", "scale",
                  with_operations(without_offset)),
        Variation("pool-summed", "pooling adds up, and does not average", "pool",
                  with_operations(lambda o: o.replaced(share=1.0) if isinstance(o, AveragePool2d) else o)),
        Variation("pool-maximum", "pooling takes the largest, and does not average", "pool",
                  with_operations(as_kind_of(AveragePool2d, LargestPool2d))),
        Variation("pool-padding-uncounted", "padded zeros do not count in the average of a pool", "pool",
                  with_operations(as_kind_of(AveragePool2d, PaddingUncounted))),
    )  # fmt: skip


def record_traps():
    """Variations of what is returned."""
    return (
        Variation("potential-after-reset", "potentials are recorded after the reset, not before it", "record",
                  seen=after_reset),
        Variation("outputs-averaged", "outputs are averaged over time", "record", seen=averaged),
    )  # fmt: skip


def forward_traps():
    """Variations of the forward pass, the more common ones first."""
    return (*neuron_traps(), *connection_traps(), *operation_traps(), *record_traps())


def combined(first, second):
    """Two forward variations at once; None where they are about the same thing."""
    if first.aspect == second.aspect or {first.aspect, second.aspect} & {"record", "axes"}:
        return None
    return replace(
        first,
        name=f"{first.name} + {second.name}",
        says=f"{first.says}; and {second.says}",
        network=lambda network: second.network(first.network(network)),
        from_rest=first.from_rest or second.from_rest,
        given=second.given if first.aspect != "timing" else first.given,
    )
