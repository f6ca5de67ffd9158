"""The memory of a stream: where the arrays of a network of dense layers lie, as the kernels take them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..learning.losses import CrossEntropy, MeanSquaredError, Mixed
from ..network.neurons import LIF, RESETS, Integrator
from .kernels import streaming as kernels
from .kernels.streaming import ROWS, SLOTS, WHOLE
from .kernels.surrogates import NONE, kind_of, numbers_of
from .network import dense_of

LEAST_SYNAPSES = 2**13  # of a layer whose updates are put off; smaller ones are updated at once
LINE = 64  # bytes of a line of the cache, where each array begins


class Block:
    """Where arrays lie in a memory: what is kept from step to step first."""

    def __init__(self, dtype):
        self.line = LINE // dtype.itemsize
        self.size = self.state_size = self.places = self.kept_places = 0

    def padded(self, size):
        """With the zeros that fill up the last vector, of a long row the last group of vectors."""
        unit = self.line if size < kernels.GROUP * self.line else kernels.GROUP * self.line
        return -(-size // unit) * unit

    def numbers(self, size):
        """The place of so many numbers of the network's dtype."""
        first = self.size
        self.size += self.padded(size)
        return first

    def whole(self, size):
        """The place of so many whole numbers."""
        first = self.places
        self.places += size
        return first


def lay_out(network, samples, has_velocity):
    """`layout` of the kernels for a batch size, and the Block that it is of."""
    block = Block(network.dtype)
    layout = np.zeros((len(network.layers), kernels.ALL_COLUMNS), np.int64)
    for row, layer in zip(layout, network.layers):
        dense: Any = dense_of(layer.synapses)
        size_out, size_in = dense.weight.shape
        row[kernels.SIZE_IN], row[kernels.SIZE_OUT] = size_in, size_out
        row[kernels.WIDTH_IN], row[kernels.WIDTH_OUT] = block.padded(size_in), block.padded(size_out)
        put_off = (
            samples == 1
            and not has_velocity
            and size_out >= kernels.GROUP * block.line
            and size_in * size_out >= LEAST_SYNAPSES
        )
        row[kernels.KIND] = ROWS if put_off else WHOLE
        row[kernels.BIAS_LEARNED] = "bias" in dense.parameter_names
        if type(layer.neuron) is Integrator:
            row[kernels.NEURON], row[kernels.SURROGATE] = kernels.READOUT, NONE
        else:
            row[kernels.NEURON], row[kernels.RESET] = kernels.LIF_NEURON, RESETS.index(layer.neuron.reset)
            row[kernels.SURROGATE] = kind_of(layer.neuron.surrogate)
    for row in layout:  # what is kept from step to step comes first
        rows_kind = row[kernels.KIND] == ROWS
        row[kernels.TRACE] = block.numbers((1 if rows_kind else samples) * row[kernels.WIDTH_IN])
        row[kernels.HELD] = block.numbers(row[kernels.WIDTH_IN]) if rows_kind else 0
        row[kernels.BIAS_TRACE] = block.numbers(1)
        for column in (kernels.POTENTIAL, kernels.SPIKES):
            row[column] = block.numbers(samples * row[kernels.WIDTH_OUT])
        row[kernels.SLOT] = block.whole(1)
        row[kernels.SINCE] = block.whole(row[kernels.SIZE_IN]) if rows_kind else 0
    block.state_size, block.kept_places = block.size, block.places
    layout[0, kernels.STATE_SIZE], layout[0, kernels.KEPT_PLACES] = block.size, block.places
    layout[0, kernels.BACKUP], layout[0, kernels.KEPT] = block.numbers(block.size), block.whole(block.places)
    layout[0, kernels.SCRATCH] = block.numbers(kernels.SCRATCH_SIZE)
    layout[0, kernels.HAS_VELOCITY] = has_velocity
    for l, row in enumerate(layout):
        wide, rows_kind = row[kernels.WIDTH_OUT], row[kernels.KIND] == ROWS
        whole_size = row[kernels.SIZE_OUT] * row[kernels.WIDTH_IN]
        row[kernels.WEIGHT] = block.numbers(row[kernels.SIZE_IN] * wide if rows_kind else whole_size)
        row[kernels.VELOCITY] = block.numbers(whole_size + wide if has_velocity else 0)
        for column in (kernels.BIAS, kernels.DECAY, kernels.THRESHOLD, kernels.RESET_POTENTIAL):
            row[column] = block.numbers(wide)
        row[kernels.SURROGATE_NUMBERS], row[kernels.BIAS_DECAY] = block.numbers(4), block.numbers(1)
        row[kernels.POWERS] = block.numbers(SLOTS)
        row[kernels.SOURCE] = layout[l - 1, kernels.SPIKES] if l else block.numbers(samples * row[kernels.WIDTH_IN])
        for column in (kernels.CURRENT, kernels.SPIKE_ERROR, kernels.ERROR):
            row[column] = block.numbers(samples * wide)
        if rows_kind:
            row[kernels.SUMS], row[kernels.FACTORS] = block.numbers(SLOTS * wide), block.numbers(SLOTS)
            row[kernels.DOTS], row[kernels.LISTED] = block.numbers(SLOTS), block.numbers(3 * row[kernels.SIZE_IN])
            for column in (kernels.EVENTS, kernels.OWED):
                row[column] = block.whole(row[kernels.SIZE_IN] + block.line)
        row[kernels.COUNT] = block.whole(1)
    return layout, block


def write_constants(network, dialect, layout, memory):
    """The numbers of the neurons and of the traces of what enters them."""
    dtype = memory.dtype
    for l, (row, layer) in enumerate(zip(layout, network.layers)):
        neuron, size = layer.neuron, row[kernels.SIZE_OUT]
        for column, number in zip((kernels.DECAY, kernels.THRESHOLD, kernels.RESET_POTENTIAL), neuron.constants(dtype)):
            memory[row[column] :][:size] = number
        memory[row[kernels.THRESHOLD] :][size : row[kernels.WIDTH_OUT]] = 1  # what fills up vectors never fires
        if type(neuron) is LIF:
            memory[row[kernels.SURROGATE_NUMBERS] :][:4] = numbers_of(neuron.surrogate, dtype)
        membrane = network.layers[network.trace_layer(l)].neuron
        traced = dialect == "derivation" or l > 0
        decay = float(membrane.constants(dtype)[0]) if traced else 0.0
        if dialect == "derivation" and not neuron.stateless:
            memory[row[kernels.BIAS_DECAY]] = neuron.constants(dtype)[0]
        memory[row[kernels.POWERS] :][:SLOTS] = [decay**k for k in range(SLOTS)]


def loss_shares(loss):
    """How much of the cross-entropy and of the squared error a loss is; None for one of one's own."""
    if type(loss) is Mixed:
        return 1 - float(loss.mse_weight), float(loss.mse_weight)
    return {CrossEntropy: (1.0, 0.0), MeanSquaredError: (0.0, 1.0)}.get(type(loss))


def aligned(size, dtype):
    """Zeros whose first lies at the beginning of a line of the cache."""
    line = LINE // dtype.itemsize
    memory = np.zeros(size + line, dtype)
    first = -(memory.ctypes.data // dtype.itemsize) % line
    return memory[first : first + size]
