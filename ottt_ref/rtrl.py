"""RTRL: real-time recurrent learning, the exact gradient in forward mode.

    ∂u^l[t]/∂θ = J^l[t-1] ∘ ∂u^l[t-1]/∂θ + W^l ∂s^{l-1}[t]/∂θ + (∂W^l/∂θ) s^{l-1}[t] + ∂b^l/∂θ
    ∂s^l[t]/∂θ = ψ^l[t] ∘ ∂u^l[t]/∂θ
    ∇θ = Σ_t (∂L[t]/∂o[t])^T ∂o[t]/∂θ

It runs forwards in time, in memory that does not grow with T, but that holds one number per neuron, parameter and
sample: for small networks. It equals BPTT (theorem E6), by another path through the same chain rule.

Source: Williams and Zipser 1989, with surrogate derivatives; theorem E6.
"""

import numpy as np

from .gradients import Gradients, one, require_sequence
from .kernel import kernel
from .losses import Mixed, step_loss
from .neurons import RESET_GRADIENTS
from .simulation import Simulator
from .validation import require_choice

LARGEST_STATE = 2**27


def gradients(network, inputs, targets, loss=Mixed(), *, reset_gradient="detached", terms=False):
    """The gradient of a sequence's loss by RTRL.

    inputs          [T, B, n_in], of the network's dtype
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
    outputs = np.empty((time_steps, batch_size, network.outputs), dtype=network.dtype)
    total = 0
    for t in range(time_steps):
        activity = simulator.step(inputs[t])
        step_total, output_error = step_loss(loss, activity.outputs, targets, time_steps)
        sensitivities.update(activity)
        sums.add(t, output_error, sensitivities.outputs)
        outputs[t] = activity.outputs
        total = total + step_total
    return sums.result(total, outputs)


def forward(network, activity, output_errors, *, reset_gradient="detached", terms=False):
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
    """∂u^l[t]/∂θ and ∂s^l[t]/∂θ of every layer, [B, n_l, P], with every parameter of the network in one row θ."""

    def __init__(self, network, batch_size, reset_gradient):
        self._network = network
        self._kept = reset_gradient == "kept"
        self._bias_input = one(network)
        count = sum(value.size for value in network.parameters.values())
        shapes = [(batch_size, layer.synapses.outputs, count) for layer in network.layers]
        self._inputs = np.zeros((batch_size, network.inputs, count), dtype=network.dtype)
        self._potentials = [np.zeros(shape, dtype=network.dtype) for shape in shapes]
        self._spikes = [np.zeros(shape, dtype=network.dtype) for shape in shapes]
        self._jacobians = [np.zeros(shape[:2], dtype=network.dtype) for shape in shapes]

    @property
    def outputs(self):
        """∂o[t]/∂θ, [B, n_out, P]."""
        return self._spikes[-1]

    def update(self, activity):
        """Take in one time step's activity."""
        presynaptic_sensitivity = self._inputs
        first = 0
        for l, layer in enumerate(self._network.layers):
            layer.synapses.advance_sensitivity(
                self._potentials[l],
                self._jacobians[l],
                presynaptic_sensitivity,
                activity.presynaptic(l),
                self._bias_input,
                first,
            )
            psi = activity.layer_derivatives[l]
            spike_sensitivity(self._spikes[l], psi, self._potentials[l])
            self._jacobians[l] = layer.neuron.jacobian(
                activity.layer_potentials[l], activity.layer_outputs[l], psi, self._kept
            )
            presynaptic_sensitivity = self._spikes[l]
            first += layer.synapses.weight.size + layer.synapses.bias.size


class FlatSum:
    """Σ_t (∂L[t]/∂o[t])^T ∂o[t]/∂θ, by parameter in `values`; with `time_steps` also each time step's own term."""

    def __init__(self, network, time_steps=None):
        self._shapes = {name: value.shape for name, value in network.parameters.items()}
        count = sum(value.size for value in network.parameters.values())
        self._total = np.zeros(count, dtype=network.dtype)
        self._terms = None if time_steps is None else np.zeros((time_steps, count), dtype=network.dtype)

    def add(self, t, output_error, output_sensitivity):
        """Add time step t: ∂L[t]/∂o[t] [B, n_out] and ∂o[t]/∂θ [B, n_out, P]."""
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
def spike_sensitivity(spikes, derivative, potentials):
    """∂s/∂θ = ψ ∘ ∂u/∂θ."""
    for b in range(spikes.shape[0]):
        for i in range(spikes.shape[1]):
            for p in range(spikes.shape[2]):
                spikes[b, i, p] = derivative[b, i] * potentials[b, i, p]


@kernel
def add_output_gradient(gradient, output_error, output_sensitivity):
    """∇θ += Σ_b Σ_i (∂L/∂o[b, i]) ∂o[b, i]/∂θ."""
    for b in range(output_error.shape[0]):
        for i in range(output_error.shape[1]):
            for p in range(gradient.shape[0]):
                gradient[p] += output_error[b, i] * output_sensitivity[b, i, p]


def _require_small(network, batch_size):
    neurons = network.inputs + 2 * sum(layer.synapses.outputs for layer in network.layers)
    numbers = batch_size * neurons * sum(value.size for value in network.parameters.values())
    if numbers > LARGEST_STATE:
        raise ValueError(
            f"network must be small enough for rtrl, whose sensitivities hold at most {LARGEST_STATE} numbers, "
            f"got {numbers} for {network!r} with a batch of {batch_size}"
        )
