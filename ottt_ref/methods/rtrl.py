"""RTRL: real-time recurrent learning, the exact gradient in forward mode.

    ∂u^l[t]/∂θ = J^l[t-1] ∘ ∂u^l[t-1]/∂θ + W^l ∂s^{l-1}[t]/∂θ + (∂W^l/∂θ) s^{l-1}[t] + ∂b^l/∂θ
                                         (and for recurrent and feedback synapses the same with s[t-1])
    ∂s^l[t]/∂θ = ψ^l[t] ∘ ∂u^l[t]/∂θ
    ∇θ = Σ_t (∂L[t]/∂o[t])^T ∂o[t]/∂θ

It runs forwards in time, in memory that does not grow with T, but that holds one number per neuron, parameter and
sample: for small networks. It equals BPTT (theorem E6), by another path through the same chain rule.

Source: Williams and Zipser 1989, with surrogate derivatives; theorem E6.
"""

import math

import numpy as np

from ..kernel import kernel, rows
from ..learning.losses import Mixed, step_loss
from ..network.layers import INPUTS
from ..network.neurons import RESET_GRADIENTS
from ..simulation.simulator import Simulator
from ..validation import require_choice
from .shared.gradients import Gradients, require_sequence

LARGEST_STATE = 2**27


def gradients(network, inputs, targets, loss=Mixed(), *, reset_gradient="detached", terms=False):
    """The gradient of a sequence's loss by RTRL.

    inputs          [T, B, n_in] (images: [T, B, C, H, W]), of the network's dtype
    targets         class labels [B] or rows [B, n_out]
    reset_gradient  "detached" (the paper's) or "kept": whether gradients also cross the reset
    terms           whether to record what each time step's loss adds (RTRL has no error at the potentials)

    Returns Gradients. Raises TypeError or ValueError that names the argument, before any work; ValueError also for
    a network whose sensitivities would hold more than 2^27 numbers.
    """
    inputs, targets = require_sequence(network, inputs, targets, loss, terms)
    require_choice("reset_gradient", reset_gradient, RESET_GRADIENTS)
    time_steps, batch_size = inputs.shape[:2]
    _require_small(network, batch_size)
    simulator = Simulator(network, batch_size)
    sensitivities = Sensitivities(network, batch_size, reset_gradient)
    sums = FlatSum(network, time_steps if terms else None)
    outputs = np.empty((time_steps, batch_size, network.output_size), dtype=network.dtype)
    total = 0
    for t in range(time_steps):
        activity = simulator.step(inputs[t])
        step_total, output_error = step_loss(loss, activity.outputs, targets, time_steps)
        sensitivities.update(activity)
        sums.add(t, output_error, sensitivities.outputs)
        outputs[t] = activity.outputs
        total = total + step_total
    return sums.result(total, outputs)


def accumulate(network, activity, output_errors, *, reset_gradient="detached", terms=False):
    """The algebra alone: `activity` and `output_errors` ∂L/∂o [T, B, n_out] may hold any numbers.

    Returns a FlatSum.
    """
    time_steps, batch_size = output_errors.shape[:2]
    sensitivities = Sensitivities(network, batch_size, reset_gradient)
    sums = FlatSum(network, time_steps if terms else None)
    for t in range(time_steps):
        sensitivities.update(activity.at(t))
        sums.add(t, output_errors[t], sensitivities.outputs)
    return sums


class Sensitivities:
    """∂u^l[t]/∂θ and ∂s^l[t]/∂θ of every layer, [P, B, ...], with every parameter of the network in one row θ."""

    def __init__(self, network, batch_size, reset_gradient):
        self._network = network
        self._kept = reset_gradient == "kept"
        self._bias_input = network.bias_input
        count = sum(value.size for value in network.parameters.values())
        shapes = [(count, batch_size, *shape) for shape in network.shapes]
        self._potentials = [np.zeros(shape, dtype=network.dtype) for shape in shapes]
        self._spikes = [np.zeros(shape, dtype=network.dtype) for shape in shapes]
        self._jacobians = [np.zeros(shape[1:], dtype=network.dtype) for shape in shapes]

    @property
    def outputs(self):
        """∂o[t]/∂θ, [P, B, n_out]."""
        return self._spikes[-1]

    def update(self, activity):
        """Take in one time step's activity."""
        first = 0
        for l, layer in enumerate(self._network.layers):
            carried = np.empty_like(self._potentials[l])
            multiply_rows(_flat(carried), rows(self._jacobians[l]), _flat(self._potentials[l]))
            for connection in self._network.incoming(l):
                self._add_arriving(carried, connection)
                first += self._add_direct(carried, connection, activity.presynaptic(connection), first)
            psi = activity.layer_surrogate_derivatives[l]
            self._potentials[l] = carried
            self._spikes[l] = np.empty_like(carried)
            multiply_rows(_flat(self._spikes[l]), rows(psi), _flat(carried))
            self._jacobians[l] = layer.neuron.jacobian(
                activity.layer_potentials[l], activity.layer_outputs[l], psi, self._kept
            )

    def _add_arriving(self, carried, connection):
        """Add W ∂s/∂θ of the source: every parameter's row goes through the connection like a sample.

        The source of a delayed connection is this layer or a later one, whose sensitivities are still those of t - 1.
        """
        if connection.source != INPUTS:
            source = self._spikes[connection.source]
            samples = source.reshape(-1, *source.shape[2:])
            carried += connection.forward(samples, self._bias_input - self._bias_input).reshape(carried.shape)

    def _add_direct(self, carried, connection, presynaptic, first):
        """Add ∂(W s + b)/∂θ: the gradient that an error of 1 at one neuron of one sample would have.

        The connection's parameters are θ[first], θ[first + 1], ...; how many they are is returned.
        """
        gradients = {name: np.zeros_like(self._network.parameters[name]) for name in connection.parameters}
        if not gradients:
            return 0
        error = np.zeros_like(carried[0])
        by_neuron = _flat(carried)
        for b in range(error.shape[0]):
            for i in range(by_neuron.shape[2]):
                rows(error)[b, i] = 1
                for gradient in gradients.values():
                    gradient[...] = 0
                connection.add_gradients(gradients, error, presynaptic, self._bias_input)
                rows(error)[b, i] = 0
                flat = np.concatenate([gradient.reshape(-1) for gradient in gradients.values()])
                by_neuron[first : first + flat.size, b, i] += flat
        return sum(gradient.size for gradient in gradients.values())


def _flat(sensitivity):
    return sensitivity.reshape(*sensitivity.shape[:2], -1)


class FlatSum:
    """Σ_t (∂L[t]/∂o[t])^T ∂o[t]/∂θ, by parameter in `values`; with `time_steps` also each time step's own term."""

    def __init__(self, network, time_steps=None):
        self._shapes = {name: value.shape for name, value in network.parameters.items()}
        count = sum(value.size for value in network.parameters.values())
        self._total = np.zeros(count, dtype=network.dtype)
        self._terms = None if time_steps is None else np.zeros((time_steps, count), dtype=network.dtype)

    def add(self, t, output_error, output_sensitivity):
        """Add time step t: ∂L[t]/∂o[t] [B, n_out] and ∂o[t]/∂θ [P, B, n_out]."""
        add_output_gradient(self._total, output_error, output_sensitivity)
        if self._terms is not None:
            add_output_gradient(self._terms[t], output_error, output_sensitivity)

    @property
    def values(self):
        """The gradient of each parameter."""
        return self._by_parameter(self._total)

    @property
    def terms(self):
        """What each time step's loss adds to the gradient of each parameter, [T, ...]."""
        return None if self._terms is None else self._by_parameter(self._terms)

    def result(self, loss, outputs):
        """The finished sum as Gradients."""
        return Gradients(self.values, loss, outputs, self.terms)

    def _by_parameter(self, flat):
        parts = {}
        first = 0
        for name, shape in self._shapes.items():
            last = first + int(np.prod(shape))
            parts[name] = flat[..., first:last].reshape(*flat.shape[:-1], *shape)
            first = last
        return parts


@kernel
def multiply_rows(result, factor, sensitivity):
    """factor ∘ ∂/∂θ, for every parameter: J ∘ ∂u/∂θ, ψ ∘ ∂u/∂θ."""
    for p in range(sensitivity.shape[0]):
        for b in range(sensitivity.shape[1]):
            for i in range(sensitivity.shape[2]):
                result[p, b, i] = factor[b, i] * sensitivity[p, b, i]


@kernel
def add_output_gradient(gradient, output_error, output_sensitivity):
    """∇θ += Σ_b Σ_i (∂L/∂o[b, i]) ∂o[b, i]/∂θ."""
    for p in range(gradient.shape[0]):
        for b in range(output_error.shape[0]):
            for i in range(output_error.shape[1]):
                gradient[p] += output_error[b, i] * output_sensitivity[p, b, i]


def _require_small(network, batch_size):
    neurons = 2 * sum(math.prod(shape) for shape in network.shapes)
    numbers = batch_size * neurons * sum(value.size for value in network.parameters.values())
    if numbers > LARGEST_STATE:
        raise ValueError(
            f"network must be small enough for rtrl, whose sensitivities hold at most {LARGEST_STATE} numbers, "
            f"got {numbers} for {network!r} with a batch of {batch_size}"
        )
