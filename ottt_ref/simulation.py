"""The forward pass, one time step at a time.

u^l[t] = (what the reset leaves of u^l[t-1]) + W^l s^{l-1}[t] + b^l,   s^l[t] = H(u^l[t] - V_th),   s^0 = the inputs.
Input, spikes and output of one time step happen in the same time step.
"""

from dataclasses import dataclass

import numpy as np

from .network import require_network
from .validation import require_array, require_count, require_flag


@dataclass(frozen=True)
class Activity:
    """What the layers did, in one time step ([B, n] arrays) or in a whole sequence ([T, B, n] arrays).

    inputs              s^0
    layer_potentials    u^l of every layer, a readout included
    layer_outputs       s^l of every layer; a readout's output is its potential
    layer_derivatives   ψ^l of every layer (1 for a readout), or None if they were not asked for
    spiking_layers      N
    """

    inputs: np.ndarray
    layer_potentials: tuple
    layer_outputs: tuple
    layer_derivatives: tuple | None
    spiking_layers: int

    @property
    def potentials(self):
        """u^l of each spiking layer, before the reset."""
        return self.layer_potentials[: self.spiking_layers]

    @property
    def spikes(self):
        """s^l of each spiking layer."""
        return self.layer_outputs[: self.spiking_layers]

    @property
    def surrogate_derivatives(self):
        """ψ^l of each spiking layer, or None if they were not asked for."""
        return None if self.layer_derivatives is None else self.layer_derivatives[: self.spiking_layers]

    @property
    def outputs(self):
        """What the network says: the readout's output, or the spikes of the last layer."""
        return self.layer_outputs[-1]

    def presynaptic(self, l):
        """What enters layer l: the inputs or the spikes of layer l - 1."""
        return self.inputs if l == 0 else self.layer_outputs[l - 1]

    @property
    def time_steps(self):
        """T, of a whole sequence."""
        return len(self.inputs)

    def at(self, t):
        """Time step t of a whole sequence, as views."""
        return Activity(
            self.inputs[t],
            tuple(potential[t] for potential in self.layer_potentials),
            tuple(output[t] for output in self.layer_outputs),
            None if self.layer_derivatives is None else tuple(psi[t] for psi in self.layer_derivatives),
            self.spiking_layers,
        )


class Simulator:
    """A network in motion: the membrane potentials and last spikes of `batch_size` samples, and nothing else.

    `step` returns the activity of the step in arrays that the next step overwrites. With `derivatives` it holds
    the surrogate derivatives; with `soft` the surrogate's primitive stands in for the spike (claim E7).
    """

    def __init__(self, network, batch_size, *, derivatives=True, soft=False):
        self.network = require_network(network)
        require_count("batch_size", batch_size)
        self.derivatives = require_flag("derivatives", derivatives)
        self.soft = require_flag("soft", soft)
        shapes = [(batch_size, layer.synapses.outputs) for layer in network.layers]
        self.potentials = tuple(np.zeros(shape, dtype=network.dtype) for shape in shapes)
        self.outputs = tuple(np.zeros(shape, dtype=network.dtype) for shape in shapes)

    def step(self, inputs):
        """Advance by one time step of inputs [B, n_in], checked by the caller."""
        presynaptic = inputs
        for layer, potential, output in zip(self.network.layers, self.potentials, self.outputs):
            current = layer.synapses.currents(presynaptic)
            layer.neuron.step(potential, output, current, self.soft)
            presynaptic = output
        return Activity(inputs, self.potentials, self.outputs, self._derivatives(), self.network.spiking_layers)

    @property
    def state_bytes(self):
        """Bytes of what is carried from one time step to the next."""
        return sum(array.nbytes for array in (*self.potentials, *self.outputs))

    def _derivatives(self):
        if not self.derivatives:
            return None
        return tuple(
            layer.neuron.derivative(potential) for layer, potential in zip(self.network.layers, self.potentials)
        )


def simulate(network, inputs):
    """Run the network on inputs [T, B, n_in] of its dtype; the Activity of the whole sequence.

    `result.potentials[l]`, `result.spikes[l]` and `result.surrogate_derivatives[l]` are [T, B, n_l] for each spiking
    layer l, `result.outputs` is [T, B, n_out]. Memory grows with T; a `Simulator` keeps one time step.

    Raises TypeError for another dtype and ValueError for another shape, T = 0, B = 0, NaN or infinite values.
    """
    return run(require_network(network), require_inputs(network, inputs))


def run(network, inputs, *, derivatives=True, soft=False):
    """`simulate` for inputs that were checked, with the options of `Simulator`."""
    time_steps, batch_size = inputs.shape[:2]
    shapes = [(time_steps, batch_size, layer.synapses.outputs) for layer in network.layers]

    def empty():
        return tuple(np.empty(shape, dtype=network.dtype) for shape in shapes)

    record = Activity(inputs, empty(), empty(), empty() if derivatives else None, network.spiking_layers)
    simulator = Simulator(network, batch_size, derivatives=derivatives, soft=soft)
    for t in range(time_steps):
        now, slot = simulator.step(inputs[t]), record.at(t)
        for l in range(len(network.layers)):
            slot.layer_potentials[l][...] = now.layer_potentials[l]
            slot.layer_outputs[l][...] = now.layer_outputs[l]
            if derivatives:
                slot.layer_derivatives[l][...] = now.layer_derivatives[l]
    return record


def require_inputs(network, inputs):
    """Check inputs [T, B, n_in] of the network's dtype."""
    return require_array("inputs", inputs, ("T", "B", network.inputs), network.dtype)
