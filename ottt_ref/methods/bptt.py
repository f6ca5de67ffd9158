"""BPTT: backpropagation through time with surrogate derivatives.

    ε^N[t] = ∂L/∂s^N[t]                                  (from the readout: δ_o[t] = ∂L/∂o[t] + λ δ_o[t+1] if leaky)
    δ^l[t] = ψ^l[t] ∘ ε^l[t] + J^l[t] ∘ δ^l[t+1]         δ^l[T] = 0
    ε^{l-1}[t] = W^{lT} δ^l[t]                           (from recurrent and feedback synapses also: W^T δ[t+1])
    ∇W^l = Σ_t δ^l[t] s^{l-1}[t]^T,   ∇b^l = Σ_t δ^l[t]  (of recurrent and feedback synapses: Σ_t δ^l[t] s[t-1]^T)
                                                         (with a delay of d: W^T δ[t+d], and Σ_t δ^l[t] s[t-d]^T)

J^l[t] = ∂u^l[t+1]/∂u^l[t] is λ with the reset's gradient detached and a soft reset.
`python -m pydoc ottt_ref.network.neurons` lists the other cases.
It runs backwards in time: every potential and spike of the sequence is kept, and memory grows with T.

Source: Xiao et al. 2022, section 3 (BPTT with surrogate gradients); theorems E5, E6 and E7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..kernel import kernel, rows
from ..learning.losses import Loss, Mixed, average_loss
from ..learning.regularisers import Regulariser
from ..network.network import Network
from ..network.neuron import Neuron, checked_jacobian
from ..network.neurons import RESET_GRADIENTS
from ..network.per_neuron import add_parameter_gradient
from ..simulation.simulator import Activity, run
from ..validation import require_choice, require_flag, require_result, shown
from .shared.errors import backpropagated_error, gated
from .shared.gradients import Gradients, GradientSum, finite_sum, require_activity
from .shared.task import require_task

LOSSES_OF = ("steps", "average")


def gradients(
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss: Loss = Mixed(),
    *,
    reset_gradient: Literal["detached", "kept"] = "detached",
    loss_of: Literal["steps", "average"] = "steps",
    weights: npt.ArrayLike | None = None,
    time_steps: int | None = None,
    initial_state: Mapping[str, np.ndarray] | None = None,
    regulariser: Regulariser | None = None,
    input_gradients: bool = False,
    terms: bool = False,
) -> Gradients:
    """The gradient of a sequence's loss by BPTT.

    inputs          [T, B, n_in] (images: [T, B, C, H, W]), of the network's dtype or of whole numbers
    targets         class labels [B] or rows [B, n_out], or of each time step labels [T, B] or rows [T, B, n_out]
    reset_gradient  "detached" (the paper's) or "kept": whether gradients also cross the reset
    loss_of         "steps": Σ_t ℓ(o[t], y) / T, or "average": ℓ of the time-averaged output
    weights         of time steps and samples, [T] or [T, B]: they multiply ℓ, and nothing is renormalised; or "last"
    time_steps      T of the loss's 1/T, where the sequence is a part of a longer one; its own T if not given
    initial_state   the State to start from, by which no gradient goes back; rest if not given
    regulariser     a penalty of the firing rates, of `losses.Regulariser`
    input_gradients whether to record the gradient at the inputs, [T, B, ...]
    terms           whether to record what each time step adds

    Returns Gradients. Raises TypeError or ValueError that names the argument, before any work.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 3, 2], rng=7)
    >>> inputs, labels = np.linspace(0, 0.6, 8).reshape(4, 1, 2), np.array([1])
    >>> gradients = ot.bptt.gradients(network, inputs, labels)
    >>> {name: round(float(np.linalg.norm(value)), 3) for name, value in gradients.items()}
    {'layer0.weight': 0.263, 'layer0.bias': 0.576, 'readout.weight': 0.604, 'readout.bias': 0.65}
    """
    require_choice("reset_gradient", reset_gradient, RESET_GRADIENTS)
    require_choice("loss_of", loss_of, LOSSES_OF)
    task = require_task(
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
        one_loss="" if loss_of == "steps" else "loss_of='average', one loss of the time-averaged output",
    )
    activity = run(network, task.inputs, initial_state=initial_state)
    total: Any
    if loss_of == "steps":
        total, output_errors = task.sequence_loss(activity.outputs)
    else:
        total, output_errors = average_loss(loss, activity.outputs, task.targets)
    penalty, regularisation = task.sequence_regularisation(activity)
    sums = backward(
        network,
        activity,
        output_errors,
        reset_gradient=reset_gradient,
        regularisation=regularisation,
        input_gradients=input_gradients,
        terms=terms,
    )
    return sums.result(total + penalty, activity.outputs, final_state=activity.final_state, regularisation=penalty)


def backward(
    network: Network,
    activity: Activity,
    output_errors: np.ndarray,
    *,
    reset_gradient: Literal["detached", "kept"] = "detached",
    leaks_back: Sequence[bool] | None = None,
    delays_back: bool = True,
    regularisation: Mapping[int, np.ndarray] | None = None,
    input_gradients: bool = False,
    terms: bool = False,
) -> GradientSum:
    """The algebra alone: `activity` and `output_errors` ∂L/∂o [T, B, n_out] may hold any numbers.

    leaks_back   by layer, whether δ[t+1] reaches δ[t] (None: everywhere)
    delays_back  whether errors come back by recurrent and feedback connections. Without them, and with leaks in layer l
                 alone, the gradients of what enters layer l are OTTT's (theorem E2).
    regularisation   by layer, ∂R/∂s^l [T, B, ...] of a regulariser
    input_gradients  whether to record the gradient at the inputs, `sums.inputs` [T, B, ...]
    Returns a GradientSum.

    Where ψ is the inverse of the readout's weight, the errors are 7/4, 3/2 and 1, the last time step's first computed:

    >>> import numpy as np, ottt_ref as ot
    >>> network, inputs = ot.dense_network([1, 1, 1], decay=0.5, rng=0), np.ones((3, 1, 1))
    >>> activity, output_errors = ot.simulate(network, inputs), np.ones((3, 1, 1))
    >>> activity.layer_surrogate_derivatives[0][...] = network.parameters["readout.weight"] ** -1
    >>> sums = ot.bptt.backward(network, activity, output_errors, terms=True)
    >>> sums.errors[0].round(9).ravel().tolist(), sums.values["layer0.bias"].round(9).tolist()
    ([1.75, 1.5, 1.0], [4.25])
    """
    require_activity(network, activity, output_errors, terms)
    require_choice("reset_gradient", reset_gradient, RESET_GRADIENTS)
    count = len(network.layers)
    if leaks_back is not None and (not isinstance(leaks_back, list | tuple) or len(leaks_back) != count):
        raise TypeError(f"leaks_back must be None or {count} flags, one for each layer, got {leaks_back!r}")
    leaks_back = None if leaks_back is None else [require_flag("leaks_back", each) for each in leaks_back]
    require_flag("delays_back", delays_back)
    require_flag("input_gradients", input_gradients)
    penalties = _require_regularisation(network, activity, regularisation)
    kept = reset_gradient == "kept"
    options = (kept, leaks_back, delays_back, penalties, input_gradients, terms)
    return finite_sum(lambda kind: _back(kind, network, activity, output_errors, *options))


def _require_regularisation(network, activity, regularisation):
    """∂R/∂s^l by layer, of the shapes of the outputs; nothing for None."""
    if not isinstance(regularisation, Mapping | None) or not set(regularisation or ()) <= set(network.spiking):
        raise TypeError(
            f"regularisation must be None or arrays [T, B, ...] by layers of {network.spiking}, got "
            f"{shown(regularisation)}"
        )
    for l, array in (regularisation or {}).items():
        shape = activity.layer_outputs[l].shape
        require_result(f"regularisation[{l}]", array, shape, network.dtype, "be")
        network.require_own_numbers(f"regularisation[{l}]", array)
    return dict(regularisation or {})


def _back(kind, network, activity, output_errors, kept, leaks_back, delays_back, penalties, input_gradients, terms):
    """The sum, a GradientSum of that kind."""
    time_steps, batch_size = output_errors.shape[:2]
    options = {"input_steps": time_steps} if input_gradients else {}
    sums = kind(network, batch_size, time_steps if terms else None, **options)
    bias_input = network.bias_input
    deltas = [tuple(np.zeros_like(state[0]) for state in states) for states in activity.layer_states]
    errors: list = [
        delta[0] for delta in deltas
    ]  # at the currents: the potential's δ where the current enters it alone
    later: Any = _later(network, errors)
    for t in reversed(range(time_steps)):
        now: Any = activity.at(t)  # with surrogate derivatives, which `simulate` may leave out
        for l in reversed(range(len(network.layers))):  # errors of l and of the layers below are still those of t + 1
            neuron, psi = network.layers[l].neuron, now.layer_surrogate_derivatives[l]
            back = {"loops": delays_back, "later": later, "spikes": now.layer_outputs[l]}
            spike_error = backpropagated_error(network, l, errors, output_errors[t], **back)
            if l in penalties:
                spike_error = spike_error + penalties[l][t]
            jacobian = checked_jacobian(f"layers[{l}]", neuron, now.layer_states[l], now.layer_outputs[l], psi, kept)
            if leaks_back is not None and not leaks_back[l]:
                jacobian = tuple(tuple(np.zeros_like(array) for array in row) for row in jacobian)
            distance_error = spike_error
            if neuron.parameter_names and kept:
                distance_error = spike_error + _through_reset(neuron, now, l, deltas[l])
            if neuron.one_potential:
                backpropagate(*(rows(array) for array in (errors[l], psi, spike_error, jacobian[0][0])))
            else:
                errors[l] = backpropagate_states(network, neuron, deltas[l], gated(psi, spike_error), jacobian)
            for connection in network.incoming(l):
                delivered = now.delivered(connection)
                sums.add(t, connection, errors[l], connection.entering(delivered), bias_input, delivered)
            if neuron.parameter_names:
                _add_neuron_gradients(sums, t, network, l, now, deltas[l], gated(psi, distance_error))
        sums.record(t, errors, now)
        if later[0] is not errors:
            later.pop()
            later.insert(0, [error.copy() for error in errors])
    return sums


def _later(network, errors):
    """The errors by layer of t + 1, t + 2, ..., as far as delays reach, all 0 at first.

    Loops with a delay of 1 alone lead to layers whose errors are still those of t + 1 when they are asked for.
    """
    if all(connection.delay == connection.loop for connection in network.connections):
        return [errors]
    return [[error.copy() for error in errors] for _ in range(network.longest_delay)]


def backpropagate_states(
    network: Network,
    neuron: Neuron,
    deltas: Sequence[np.ndarray],
    distance_error: np.ndarray,
    jacobian: Sequence[Sequence[np.ndarray]],
) -> np.ndarray:
    """δ[t+1] → δ[t] in place, of neurons of several states; the error at their current, [B, ...].

    δ_k[t] = ∂z/∂h_k ψ[t] ε[t] + Σ_m J[m][k] δ_m[t+1],   and at the current Σ_k ∂h_k/∂I δ_k[t]

    Of one state, with δ[t+1] = 4, J = 1/2 and ψ ε = 1:

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([1, 1, 1], decay=0.5, rng=0)
    >>> deltas, jacobian = [np.array([[4.0]])], [[np.array([[0.5]])]]
    >>> error = ot.bptt.backpropagate_states(network, network.layers[0].neuron, deltas, np.array([[1.0]]), jacobian)
    >>> error.tolist(), deltas[0].tolist()
    ([[3.0]], [[3.0]])
    """
    later = [delta.copy() for delta in deltas]
    current_error = np.zeros_like(distance_error)
    for k, delta in enumerate(deltas):
        delta[...] = network.number(neuron.output_vector[k]) * distance_error
        for m, row in enumerate(jacobian):
            delta += row[k] * later[m]
        current_error += network.number(neuron.input_vector[k]) * delta
    return current_error


def _through_reset(neuron, now, l, deltas):
    """Σ_k r_k[t] δ_k[t+1]: what comes back to s[t] from the next time step by a kept reset, [B, ...]."""
    resets = neuron.reset_jacobian(now.layer_states[l], now.layer_outputs[l])
    return sum(reset * delta for reset, delta in zip(resets, deltas))


def _add_neuron_gradients(sums, t, network, l, now, deltas, distance_error):
    """∇θ += Σ_b (Σ_k δ_k ∂h_k/∂θ + ∂L/∂z ∂z/∂θ) of the neurons' own parameters."""
    neuron = network.layers[l].neuron
    for name in neuron.parameter_names:
        states, distance = neuron.parameter_derivatives(
            name, now.previous_states[l], now.previous_outputs[l], now.layer_states[l]
        )
        part = distance_error * distance
        for delta, derivative in zip(deltas, states):
            part = part + delta * derivative
        for gradients in sums.at(t):
            add_parameter_gradient(gradients[f"{network.layer_names[l]}.{name}"], part, network.shapes[l])


@kernel
def backpropagate(delta, surrogate_derivative, spike_error, jacobian):
    """δ[t+1] → δ[t] in place: δ[t] = ψ[t] ε[t] + J[t] δ[t+1]."""
    for b in range(delta.shape[0]):
        for i in range(delta.shape[1]):
            delta[b, i] = surrogate_derivative[b, i] * spike_error[b, i] + jacobian[b, i] * delta[b, i]
