"""How many operations a network's synapses do on a sequence, counted spike by spike.

A product of two real numbers and the sum that follows is a multiply-accumulate (MAC). What a spike brings to a neuron,
its weight, is accumulated (AC): no product. Nothing is done for what is 0. Numbers of which all that are not 0 are the
same one count as spikes: a constant factor goes into the weights once. So does the scale of a standardised weight. The
average of several spikes does not: what comes out of a pooling are real numbers, and its sums over spikes are ACs.

These are the counts of `proofs.number_systems.Counted`, which counts the operations of a kernel as it runs; they are
found here without running it, from how many outputs each input reaches, and so for networks of any size. Neurons,
biases, losses and optimisers are left out: what they do grows with neurons and parameters, not with synapses.

An error's way back takes as many products as the way forwards where nothing is 0: what a convolution's kernel
multiplies into its padding is left out. An error is taken not to be 0 anywhere, which is so for a surrogate that is
above 0 everywhere, such as the sigmoid.
"""

from dataclasses import dataclass, field

import numpy as np

from ottt_ref.methods.ottt import OTTT
from ottt_ref.methods.sltt import SLTT
from ottt_ref.network.operations import (
    AveragePool1d,
    AveragePool2d,
    Chain,
    Conv1d,
    Conv2d,
    Dense,
    SkipInit,
    WeightStandardised,
)

SYNAPSES = (Dense, Conv1d, Conv2d)
POOLINGS = (AveragePool1d, AveragePool2d)
RULES = {"ottt": OTTT, "sltt": SLTT, "bptt": SLTT}  # whose presynaptic numbers each method's errors are paired with


@dataclass
class Count:
    """Multiply-accumulates and accumulates."""

    macs: int = 0
    acs: int = 0

    def add(self, number, spikes):
        """Take in so many, of spikes or of real numbers."""
        if spikes:
            self.acs += int(number)
        else:
            self.macs += int(number)


@dataclass
class Operations:
    """What a sequence takes: its forward pass, the errors' way back, the weights' gradients."""

    forward: Count = field(default_factory=Count)
    errors: Count = field(default_factory=Count)
    gradients: Count = field(default_factory=Count)


def count(network, activity, method):
    """The operations of a sequence by a method, from what `simulate` recorded of it.

    method  "bptt", "ottt" or "sltt"; None for the forward pass alone
    """
    found, steps = Operations(), len(activity.inputs)
    batch_size = activity.inputs.shape[1]
    rule = None if method is None else RULES[method](network, batch_size)
    for t in range(steps):
        now = activity.at(t)
        if rule is not None:
            rule.take_in(now)
        for connection in network.connections:
            _pass(connection.operations, now.presynaptic(connection), found.forward)
            if rule is None:
                continue
            if _leads_on(connection, method) and t + (connection.delay if method == "bptt" else 0) < steps:
                found.errors.add(batch_size * pairs(connection.operations, connection.input_shape), False)
            if any(isinstance(part, SYNAPSES) for part in _parts(connection.operations)):  # else nothing is learned
                _pass(connection.operations, rule.presynaptic(connection, now), found.gradients, inside=False)
    return found


def _leads_on(connection, method):
    """Whether errors go back through a connection: to a layer, and but for BPTT within the time step."""
    return connection.source >= 0 and (method == "bptt" or not connection.loop)


def pairs(operation, shape):
    """How many products the operations of a connection take where nothing is 0, of one sample."""
    total = 0
    for part in _parts(operation):
        if isinstance(part, SYNAPSES):
            total += int(_reach(part, shape).sum())
        shape = part.output_shape(shape)
    return total


def _parts(operation):
    """The operations of a chain, one after the other; of a standardised one its synapses."""
    if isinstance(operation, Chain):
        return [part for each in operation.operations for part in _parts(each)]
    return [operation.synapses if isinstance(operation, WeightStandardised) else operation]


def _pass(operation, values, found, inside=True):
    """Count what values [B, ...] take on their way through a connection's operations.

    inside  whether what is no synapse counts: the sums of a pooling, the gain of a residual block
    """
    parts, spikes = _parts(operation), _are_spikes(values[values != 0])
    for part in parts:
        there = values != 0
        if isinstance(part, SYNAPSES):
            found.add((there * _reach(part, values.shape[1:])).sum(), spikes)
        elif isinstance(part, POOLINGS) and inside:
            found.add((there * _pooled(part, values.shape[1:])).sum(), spikes)
        elif isinstance(part, SkipInit) and inside:
            found.add(there.sum(), False)
        spikes = spikes and not isinstance(part, (*SYNAPSES, *POOLINGS))
        if part is not parts[-1]:
            values = part.forward(values, np.zeros(1, values.dtype))


def _are_spikes(values):
    return values.size == 0 or bool((values == values[0]).all())


def _reach(part, shape):
    """How many outputs each input reaches, of the input's shape."""
    if isinstance(part, Dense):
        return np.full(shape, len(part.weight))
    window = part.weight.shape[2:]
    one = part.replaced(weight=np.ones((1, 1, *window)), bias=np.zeros(1), groups=1)
    reached = one.adjoint(np.ones((1, *one.output_shape((1, *shape[1:])))), (1, *shape[1:]))
    return np.broadcast_to(np.rint(reached[0]).astype(np.int64) * (len(part.weight) // part.groups), shape)


def _pooled(part, shape):
    """How many averages each input is in."""
    one = (1, *shape[1:])
    share = part.adjoint(np.ones((1, *part.output_shape(one))), one)[0]
    return np.rint(share * np.prod(part.size)).astype(np.int64)
