"""Synapses: the linear maps between spiking layers, each with the three loops that every method needs.

    currents                 I[b, i] = Σ_j W[i, j] s[b, j] + b[i]
    presynaptic errors       ε[b, j] = Σ_i W[i, j] δ[b, i]
    parameter gradients      ∇W[i, j] += Σ_b δ[b, i] x[b, j],   ∇b[i] += Σ_b δ[b, i] x_bias

x is what a method pairs the error with: the presynaptic spikes (BPTT, SLTT), their trace (OTTT), the rates (SR);
x_bias is the same thing of the bias's constant input 1.
"""

from dataclasses import dataclass

import numpy as np

from .kernel import kernel
from .neurons import LIF, Integrator
from .validation import describe_shape, require_array


@kernel
def dense_currents(current, weight, bias, presynaptic):
    for b in range(presynaptic.shape[0]):
        for i in range(weight.shape[0]):
            total = bias[i]
            for j in range(weight.shape[1]):
                total += weight[i, j] * presynaptic[b, j]
            current[b, i] = total


@kernel
def dense_presynaptic_error(presynaptic_error, weight, error):
    for b in range(error.shape[0]):
        for i in range(weight.shape[0]):
            for j in range(weight.shape[1]):
                presynaptic_error[b, j] += weight[i, j] * error[b, i]


@kernel
def dense_gradients(weight_gradient, bias_gradient, error, presynaptic, bias_input):
    for b in range(error.shape[0]):
        for i in range(error.shape[1]):
            for j in range(presynaptic.shape[1]):
                weight_gradient[i, j] += error[b, i] * presynaptic[b, j]
            bias_gradient[i] += error[b, i] * bias_input[0]


@kernel
def dense_sensitivity(sensitivity, jacobian, weight, presynaptic_sensitivity):
    for b in range(sensitivity.shape[0]):
        for i in range(weight.shape[0]):
            for p in range(sensitivity.shape[2]):
                sensitivity[b, i, p] = jacobian[b, i] * sensitivity[b, i, p]
            for j in range(weight.shape[1]):
                for p in range(sensitivity.shape[2]):
                    sensitivity[b, i, p] += weight[i, j] * presynaptic_sensitivity[b, j, p]


@kernel
def dense_direct_sensitivity(sensitivity, presynaptic, bias_input, first):
    bias_first = first + sensitivity.shape[1] * presynaptic.shape[1]
    for b in range(sensitivity.shape[0]):
        for i in range(sensitivity.shape[1]):
            for j in range(presynaptic.shape[1]):
                sensitivity[b, i, first + i * presynaptic.shape[1] + j] += presynaptic[b, j]
            sensitivity[b, i, bias_first + i] += bias_input[0]


class Dense:
    """All-to-all synapses: weight [n_out, n_in] and bias [n_out] (zeros if not given), copied.

    float64, float32 or object (exact numbers), both of one dtype.
    Raises TypeError or ValueError for another dtype, shapes that do not fit, NaN or infinite values.
    """

    parameter_names = ("weight", "bias")

    def __init__(self, weight, bias=None):
        self.weight = require_array("weight", weight, ("n_out", "n_in")).copy()
        if bias is None:
            bias = np.zeros(len(self.weight), dtype=self.weight.dtype)
        self.bias = require_array("bias", bias, (len(self.weight),), self.weight.dtype).copy()

    @property
    def inputs(self):
        """n_in, the number of presynaptic neurons."""
        return self.weight.shape[1]

    @property
    def outputs(self):
        """n_out, the number of postsynaptic neurons."""
        return self.weight.shape[0]

    def currents(self, presynaptic):
        """I [B, n_out] from presynaptic spikes or inputs [B, n_in]."""
        result = np.empty((len(presynaptic), self.outputs), dtype=self.weight.dtype)
        dense_currents(result, self.weight, self.bias, presynaptic)
        return result

    def presynaptic_error(self, error):
        """ε = W^T δ [B, n_in] from the error at the potentials δ [B, n_out]."""
        result = np.zeros((len(error), self.inputs), dtype=self.weight.dtype)
        dense_presynaptic_error(result, self.weight, error)
        return result

    def add_gradients(self, weight_gradient, bias_gradient, error, presynaptic, bias_input):
        """Add one pairing of error [B, n_out] and presynaptic [B, n_in] (bias_input [1]) to the gradients."""
        dense_gradients(weight_gradient, bias_gradient, error, presynaptic, bias_input)

    def advance_sensitivity(self, sensitivity, jacobian, presynaptic_sensitivity, presynaptic, bias_input, first):
        """∂u[t-1]/∂θ → ∂u[t]/∂θ in place, [B, n_out, P]; this layer's parameters are θ[first], θ[first + 1], ..."""
        dense_sensitivity(sensitivity, jacobian, self.weight, presynaptic_sensitivity)
        dense_direct_sensitivity(sensitivity, presynaptic, bias_input, first)

    def __repr__(self):
        return f"Dense({self.inputs} -> {self.outputs}, {self.weight.dtype})"


@dataclass(frozen=True)
class Layer:
    """Synapses and the neurons that they drive: layer l of the network, or its readout.

    neuron  LIF for a spiking layer; Integrator(decay) for a readout; Integrator() for the stateless linear one
    """

    synapses: Dense
    neuron: LIF | Integrator

    def __post_init__(self):
        if not isinstance(self.synapses, Dense):
            raise TypeError(f"synapses must be a Dense, got {self.synapses!r}")
        if not isinstance(self.neuron, LIF | Integrator):
            raise TypeError(f"neuron must be a LIF or an Integrator, got {self.neuron!r}")


def require_chain(layers):
    """Check that each layer takes what the one before it gives, and that only the last is a readout."""
    for l, (before, after) in enumerate(zip(layers, layers[1:])):
        if before.synapses.outputs != after.synapses.inputs:
            raise ValueError(
                f"layers[{l + 1}] must take the {before.synapses.outputs} outputs of layers[{l}], "
                f"got weight {describe_shape(after.synapses.weight.shape)}"
            )
        if not before.neuron.spiking:
            raise ValueError(f"layers[{l}] must be spiking (only the last may be a readout), got {before.neuron!r}")
    dtypes = {str(layer.synapses.weight.dtype) for layer in layers}
    if len(dtypes) > 1:
        raise TypeError(f"layers must all have one dtype, got {sorted(dtypes)}")
    if not layers[0].neuron.spiking:
        raise ValueError(f"layers must have at least one spiking layer, got {layers[0].neuron!r} alone")
