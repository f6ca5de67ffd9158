"""RTRL: real-time recurrent learning, the exact gradient in forward mode.

    ∂u^l[t]/∂θ = J^l[t-1] ∘ ∂u^l[t-1]/∂θ + W^l ∂s^{l-1}[t]/∂θ + (∂W^l/∂θ) s^{l-1}[t] + ∂b^l/∂θ
                                         (and for recurrent and feedback synapses the same with s[t-1],
                                          with a delay of d time steps with s[t-d])
    ∂s^l[t]/∂θ = ψ^l[t] ∘ ∂u^l[t]/∂θ
    ∇θ = Σ_t (∂L[t]/∂o[t])^T ∂o[t]/∂θ

It runs forwards in time, in memory that does not grow with T, but that holds one number per neuron, parameter and
sample: for small networks. It equals BPTT (theorem E6), by another path through the same chain rule.

Source: Williams and Zipser 1989, with surrogate derivatives; theorem E6.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..kernel import kernel, rows
from ..learning.losses import Loss, Mixed
from ..learning.optimisers import Optimizer
from ..learning.regularisers import Regulariser
from ..network.layers import INPUTS
from ..network.network import Network
from ..network.neuron import checked_jacobian
from ..network.neurons import RESET_GRADIENTS
from ..network.per_neuron import entries
from ..simulation.simulator import Activity
from ..validation import require_choice, require_result
from .shared import driver, online
from .shared.errors import ErrorFeedback, TimeStep
from .shared.gradients import Gradients, GradientSum, require_time_step
from .shared.rule import Rule

LARGEST_STATE = 2**27


def gradients(
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss: Loss = Mixed(),
    *,
    reset_gradient: Literal["detached", "kept"] = "detached",
    weights: npt.ArrayLike | None = None,
    time_steps: int | None = None,
    initial_state: Mapping[str, np.ndarray] | None = None,
    regulariser: Regulariser | None = None,
    input_gradients: bool = False,
    terms: bool = False,
) -> Gradients:
    """The gradient of a sequence's loss by RTRL.

    inputs          [T, B, n_in] (images: [T, B, C, H, W]), of the network's dtype or of whole numbers
    targets         class labels [B] or rows [B, n_out], or of each time step labels [T, B] or rows [T, B, n_out]
    reset_gradient  "detached" (the paper's) or "kept": whether gradients also cross the reset
    weights         of time steps and samples, [T] or [T, B]: they multiply ℓ, and nothing is renormalised; or "last"
    time_steps      T of the loss's 1/T, where the sequence is a part of a longer one; its own T if not given
    initial_state   the State to start from, with or without the sensitivities; rest if not given
    regulariser     a penalty of the firing rates, of `losses.Regulariser`
    input_gradients must be False: exactly it takes a sensitivity for each input of each time step, more with each one
    terms           whether to record what each time step's loss adds (RTRL has no error at the potentials)

    Returns Gradients. Raises TypeError or ValueError that names the argument, before any work; ValueError also for
    a network whose sensitivities would hold more than 2^27 numbers.

    They are BPTT's (theorem E6):

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 3, 2], rng=7)
    >>> inputs, labels = np.linspace(0, 0.6, 8).reshape(4, 1, 2), np.array([1])
    >>> gradients = ot.rtrl.gradients(network, inputs, labels)
    >>> {name: round(float(np.linalg.norm(value)), 3) for name, value in gradients.items()}
    {'layer0.weight': 0.263, 'layer0.bias': 0.576, 'readout.weight': 0.604, 'readout.bias': 0.65}
    """
    return driver.gradients(
        _rule(reset_gradient),
        network,
        inputs,
        targets,
        loss,
        weights=weights,
        time_steps=time_steps,
        initial_state=initial_state,
        regulariser=regulariser,
        input_gradients=input_gradients,
        terms=terms,
    )


def accumulate(
    network: Network,
    activity: Activity,
    output_errors: np.ndarray,
    *,
    reset_gradient: Literal["detached", "kept"] = "detached",
    terms: bool = False,
) -> GradientSum:
    """The algebra alone: `activity` and `output_errors` ∂L/∂o [T, B, n_out] may hold any numbers.

    Returns a GradientSum.

    Where ψ is the inverse of the readout's weight, ∂o/∂b of the first layer's bias is 1, 3/2, 7/4:

    >>> import numpy as np, ottt_ref as ot
    >>> network, inputs = ot.dense_network([1, 1, 1], decay=0.5, rng=0), np.ones((3, 1, 1))
    >>> activity, output_errors = ot.simulate(network, inputs), np.ones((3, 1, 1))
    >>> activity.layer_surrogate_derivatives[0][...] = network.parameters["readout.weight"] ** -1
    >>> sums = ot.rtrl.accumulate(network, activity, output_errors, terms=True)
    >>> sums.terms["layer0.bias"].round(9).ravel().tolist(), sums.values["layer0.bias"].round(9).tolist()
    ([1.0, 1.5, 1.75], [4.25])
    """
    return driver.accumulate(_rule(reset_gradient), network, activity, output_errors, terms=terms)


class OnlineLearner(online.OnlineLearner):
    """RTRL with an update after each time step: the sensitivities then mix those of the weights on the way.

    optimizer       updates the network's parameters, with the gradient of the loss of the step
    loss            ℓ, Mixed() if not given
    reset_gradient  "detached" (the paper's) or "kept": whether gradients also cross the reset
    time_steps      T, the length of the sequences: the loss of a step is then ℓ(o[t], y) / T, and those of T steps
                    add up to the loss of `gradients`. Without it the loss of a step is ℓ(o[t], y) itself
    regulariser     a penalty of the firing rates, of `losses.Regulariser`

    `reset()` between sequences. Raises TypeError or ValueError that names the argument.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 3, 2], rng=7)
    >>> learner = ot.rtrl.OnlineLearner(network, ot.training.SGD(0.1), time_steps=4)
    >>> for inputs in np.linspace(0, 0.6, 8).reshape(4, 1, 2):
    ...     loss, outputs = learner.step(inputs, np.array([1]))
    >>> outputs.shape, learner.state_bytes
    ((1, 2), 1480)
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        loss: Loss = Mixed(),
        *,
        reset_gradient: Literal["detached", "kept"] = "detached",
        time_steps: int | None = None,
        regulariser: Regulariser | None = None,
    ) -> None:
        rule = _rule(reset_gradient)
        super().__init__(rule, network, optimizer, loss, time_steps=time_steps, regulariser=regulariser)


def _rule(reset_gradient: Literal["detached", "kept"]) -> Callable[[Network, int], Rule]:
    require_choice("reset_gradient", reset_gradient, RESET_GRADIENTS)
    return partial(RTRL, reset_gradient=reset_gradient)


class RTRL(Rule):
    """The rule: ∂h^l[t]/∂θ and ∂s^l[t]/∂θ of every layer, with every parameter of the network in one row θ.

    state  by layer, ∂s/∂θ [P, B, ...], ∂h/∂θ for each state of its neurons, and the Jacobian into the next time step

    Raises ValueError for a network whose sensitivities would hold more than 2^27 numbers.

    One sensitivity per parameter, sample and neuron, of which there are 17, 1 and 3:

    >>> import ottt_ref as ot
    >>> ot.rtrl.RTRL(ot.dense_network([2, 3, 2], rng=0), batch_size=1).state["sensitivity/layer0/0"].shape
    (17, 1, 3)
    """

    follows_errors = False
    handles_delays = True

    def __init__(
        self, network: Network, batch_size: int, reset_gradient: Literal["detached", "kept"] = "detached"
    ) -> None:
        super().__init__(network, batch_size)
        _require_small(network, batch_size)
        self._kept = reset_gradient == "kept"
        self._bias_input = network.bias_input
        count = sum(value.size for value in network.parameters.values())
        shapes = [(count, batch_size, *shape) for shape in network.shapes]
        self._states = [
            [np.zeros(shape, dtype=network.dtype) for _ in layer.neuron.states]
            for shape, layer in zip(shapes, network.layers)
        ]
        self._spikes = [np.zeros(shape, dtype=network.dtype) for shape in shapes]
        self._jacobians = [
            [[np.zeros(shape[1:], dtype=network.dtype) for _ in layer.neuron.states] for _ in layer.neuron.states]
            for shape, layer in zip(shapes, network.layers)
        ]
        self._through_reset = {  # by layer and parameter: what a kept reset brings into the next time step
            (l, name): [np.zeros(shapes[l][1:], dtype=network.dtype) for _ in layer.neuron.states]
            for l, layer in enumerate(network.layers)
            for name in (layer.neuron.parameter_names if self._kept else ())
        }
        self.state = {}
        for (l, name), arrays in self._through_reset.items():
            where = f"through_reset/{network.layer_names[l]}.{name}"
            self.state.update({f"{where}/{m}": array for m, array in enumerate(arrays)})
        # by layer: ∂s/∂θ of t - 1, t - 2, ...; loops with a delay of 1 alone find that of t - 1 still in place
        self._past = {l: [np.zeros_like(self._spikes[l]) for _ in range(d)] for l, d in _depths(network).items()}
        for l, past in self._past.items():
            self.state.update({f"past_sensitivity/{network.layer_names[l]}/{d}": each for d, each in enumerate(past)})
        for l, name in enumerate(network.layer_names):
            self.state[f"spike_sensitivity/{name}"] = self._spikes[l]
            for m, (sensitivity, jacobians) in enumerate(zip(self._states[l], self._jacobians[l])):
                self.state[f"sensitivity/{name}/{m}"] = sensitivity
                self.state.update({f"jacobian/{name}/{m}/{k}": jacobian for k, jacobian in enumerate(jacobians)})

    def advance(self, activity: Activity) -> None:
        require_time_step(self.network, self.batch_size, activity)
        for l, past in self._past.items():
            for older, newer in reversed(list(zip(past[1:], past))):  # each stays what `state` calls it
                older[...] = newer
            past[0][...] = self._spikes[l]
        first = 0
        derivatives: Any = activity.layer_surrogate_derivatives  # there are some: the driver asks for them
        for l, layer in enumerate(self.network.layers):
            neuron, psi = layer.neuron, derivatives[l]
            carried = [self._carried(l, m) for m in range(len(neuron.states))]
            current = carried[0] if neuron.one_potential else np.zeros_like(carried[0])
            for connection in self.network.incoming(l):
                self._add_presynaptic(current, connection, activity)
                first += self._add_direct(current, connection, activity, first)
            if not neuron.one_potential:
                for state, weight in zip(carried, neuron.input_vector):
                    state += self.network.number(weight) * current
            distance = self._distance(neuron, carried)
            first += self._add_own(carried, distance, l, activity, first)
            multiply_rows(_flat(self._spikes[l]), rows(psi), _flat(distance))
            states, outputs = activity.layer_states[l], activity.layer_outputs[l]
            jacobian = checked_jacobian(f"layers[{l}]", neuron, states, outputs, psi, self._kept)
            for m, state in enumerate(carried):
                self._states[l][m][...] = state
                for k, array in enumerate(jacobian[m]):
                    self._jacobians[l][m][k][...] = array

    def add_step(self, sums: GradientSum, t: int, step: TimeStep, error_feedback: ErrorFeedback) -> None:
        shape = (self.batch_size, self.network.output_size)
        require_result("step.output_error", step.output_error, shape, self.network.dtype, "be")
        for name, value in self.network.parameters.items():
            require_result(f"sums.values[{name!r}]", sums.values.get(name), value.shape, value.dtype, "be")
        for gradients in sums.at(t):
            first = 0
            for gradient in gradients.values():
                here = slice(first, first + gradient.size)
                add_output_gradient(gradient.reshape(-1), step.output_error, self._spikes[-1][here])
                for l, error in step.regularisation.items():
                    add_output_gradient(gradient.reshape(-1), rows(error), _flat(self._spikes[l][here]))
                first += gradient.size

    def _carried(self, l, m):
        """Σ_k J[m][k] ∘ ∂h_k[t-1]/∂θ."""
        carried = np.empty_like(self._states[l][m])
        multiply_rows(_flat(carried), rows(self._jacobians[l][m][0]), _flat(self._states[l][0]))
        for k in range(1, len(self._states[l])):
            part = np.empty_like(carried)
            multiply_rows(_flat(part), rows(self._jacobians[l][m][k]), _flat(self._states[l][k]))
            carried += part
        return carried

    def _add_presynaptic(self, current, connection, activity):
        """Add W ∂s/∂θ of the source: every parameter's row goes through the connection like a sample.

        The source of a loop is this layer or a later one, whose sensitivities are still those of t - 1.
        """
        if connection.source != INPUTS:
            source = self._spikes[connection.source]
            if connection.delay and connection.source in self._past:
                source = self._past[connection.source][connection.delay - 1]
            if connection.front is not None:
                self._add_by_jacobian(current, connection, activity.delivered(connection), source)
                return
            samples = source.reshape(-1, *source.shape[2:])
            current += connection.forward(samples, self._bias_input - self._bias_input).reshape(current.shape)

    def _add_by_jacobian(self, current, connection, delivered, source):
        """Add J ∂s/∂θ of a connection that is not linear: a row of J is the adjoint of an error of 1 at one neuron."""
        error = np.zeros_like(current[0])
        by_neuron = _flat(current)
        for i in range(by_neuron.shape[2]):
            rows(error)[:, i] = 1
            add_through_row(by_neuron, rows(connection.adjoint(error, delivered)), _flat(source), i)
            rows(error)[:, i] = 0

    def _add_direct(self, current, connection, activity, first):
        """Add ∂(W s + b)/∂θ: the gradient that an error of 1 at one neuron of one sample would have.

        The connection's parameters are θ[first], θ[first + 1], ...; how many they are is returned.
        """
        gradients = {name: np.zeros_like(self.network.parameters[name]) for name in connection.parameters}
        if not gradients:
            return 0
        entering, delivered = activity.presynaptic(connection), activity.delivered(connection)
        error = np.zeros_like(current[0])
        by_neuron = _flat(current)
        for b in range(error.shape[0]):
            for i in range(by_neuron.shape[2]):
                rows(error)[b, i] = 1
                for gradient in gradients.values():
                    gradient[...] = 0
                connection.add_gradients(gradients, error, entering, self._bias_input, delivered)
                rows(error)[b, i] = 0
                flat = np.concatenate([gradient.reshape(-1) for gradient in gradients.values()])
                by_neuron[first : first + flat.size, b, i] += flat
        return sum(gradient.size for gradient in gradients.values())

    def _add_own(self, carried, distance, l, activity, first):
        """Add ∂h/∂θ and ∂z/∂θ of the neurons' own parameters, to the entry of each neuron; how many is returned."""
        neuron, count = self.network.layers[l].neuron, 0
        for name in neuron.parameter_names:
            states, direct = neuron.parameter_derivatives(
                name, activity.previous_states[l], activity.previous_outputs[l], activity.layer_states[l]
            )
            through_reset = [array.copy() for array in self._through_reset.get((l, name), [])] or [0] * len(carried)
            if self._kept:  # s[t] depends on θ directly too, and h[t+1] on s[t]
                resets = neuron.reset_jacobian(activity.layer_states[l], activity.layer_outputs[l])
                psi = activity.layer_surrogate_derivatives[l]
                for array, reset in zip(self._through_reset[l, name], resets):
                    array[...] = reset * psi * direct
            own = getattr(neuron, name)
            index = entries(own.shape, self.network.shapes[l])
            here = slice(first + count, first + count + own.size)
            for k, array in enumerate(states):
                array = array + through_reset[k]
                _add_own_entries(carried[k][here], array, index)
                _add_own_entries(distance[here], self.network.number(neuron.output_vector[k]) * array, index)
            _add_own_entries(distance[here], direct, index)
            count += own.size
        return count

    def _distance(self, neuron, carried):
        """∂z/∂θ = Σ_k ∂z/∂h_k ∘ ∂h_k/∂θ."""
        if neuron.one_potential and not neuron.parameter_names:
            return carried[0]
        return sum(self.network.number(weight) * state for weight, state in zip(neuron.output_vector, carried))


def _add_own_entries(sensitivity, values, index):
    """Add to ∂/∂θ_e of neuron i [P, B, ...] the values [B, ...] of each neuron, or a number, where e is its entry."""
    flat = sensitivity.reshape(*sensitivity.shape[:2], -1)
    by_neuron = np.broadcast_to(values, sensitivity.shape[1:]).reshape(sensitivity.shape[1], -1)
    for i in range(flat.shape[2]):
        flat[index[i], :, i] += by_neuron[:, i]


def _flat(sensitivity):
    return sensitivity.reshape(*sensitivity.shape[:2], -1)


@kernel
def multiply_rows(result, factor, sensitivity):
    """factor ∘ ∂/∂θ, for every parameter: J ∘ ∂u/∂θ, ψ ∘ ∂u/∂θ."""
    for p in range(sensitivity.shape[0]):
        for b in range(sensitivity.shape[1]):
            for i in range(sensitivity.shape[2]):
                result[p, b, i] = factor[b, i] * sensitivity[p, b, i]


@kernel
def add_through_row(result, row, sensitivity, i):
    """Neuron i's ∂I/∂θ += Σ_j J[i, j] ∂s_j/∂θ, for every parameter, of a row [B, n] of each sample's J."""
    for p in range(sensitivity.shape[0]):
        for b in range(sensitivity.shape[1]):
            total = result[p, b, i]
            for j in range(sensitivity.shape[2]):
                total += row[b, j] * sensitivity[p, b, j]
            result[p, b, i] = total


@kernel
def add_output_gradient(gradient, output_error, output_sensitivity):
    """∇θ += Σ_b Σ_i (∂L/∂o[b, i]) ∂o[b, i]/∂θ."""
    for p in range(gradient.shape[0]):
        total = gradient[p]
        for b in range(output_error.shape[0]):
            for i in range(output_error.shape[1]):
                total += output_error[b, i] * output_sensitivity[p, b, i]
        gradient[p] = total


def _depths(network):
    """By layer, how many time steps of ∂s/∂θ are kept, where it is more than the one that is in place."""
    late = {c.source for c in network.connections if c.delay != c.loop and c.source != INPUTS}
    return {l: network.longest_delays[l] for l in late}


def _require_small(network, batch_size):
    neurons = sum(
        (1 + len(layer.neuron.states)) * math.prod(shape) for shape, layer in zip(network.shapes, network.layers)
    )
    neurons += sum(depth * math.prod(network.shapes[l]) for l, depth in _depths(network).items())
    numbers = batch_size * neurons * sum(value.size for value in network.parameters.values())
    if numbers > LARGEST_STATE:
        raise ValueError(
            f"network must be small enough for rtrl, whose sensitivities hold at most {LARGEST_STATE} numbers, "
            f"got {numbers} for {network!r} with a batch of {batch_size}"
        )
