"""SR: training on the spike representation, the weighted firing rates.

    a^l ≈ σ(z^l),   z^l = (W^l a^{l-1} + b^l) / V_th,   σ(z) = min(max(z, 0), 1)
    p^N = ∂ℓ/∂a^N,   D^l = diag(0 < z^l < 1),   p^{l-1} = W^{lT} D^l p^l / V_th
    ∇W^l = D^l p^l a^{l-1 T} / V_th,   ∇b^l = D^l p^l / V_th

The rates are the measured ones (the default) or the mapping's own, computed layer by layer from the inputs' rate.
The loss is ℓ of the readout applied to a^N (of a^N itself where the last layer is spiking): one loss for the whole
sequence, in which time no longer occurs. The mapping is derived for the soft reset (R1, R2 bound how far it is off).

A rate has no time: a connection with a delay of d time steps is taken to deliver the rate of its source. What it
delivers has in fact a weighted rate that is at most Λ_d / Λ_T away from that, which is d / T at λ = 1.

Thresholds may differ from neuron to neuron: the clamp is each neuron's. A threshold that is learned has the mapping's
gradient, ∇V_th = - Σ_b (D p / V_th) I / V_th. Decays may differ too: the rate of a neuron's spikes is made with its
own λ. But the inputs' rate has one λ, that of the neurons that they enter, which must have one. The
mapping holds no λ at all: a decay that is learned is refused, since its gradient here would always be 0.

With recurrent or feedback connections a rate depends on itself: the mapping's rates are its equilibrium a = f(a), and
the errors, which come back by the same connections, solve p = ∂ℓ/∂a + (∂f/∂a)^T p (`equilibrium`; theorem D2).

Source: Xiao et al. 2022, section 3 (spike-based training by the weighted firing rate; in recurrent networks Xiao et al.
2021); theorems R1, R2, D0, D1, D2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..kernel import kernel, rows
from ..learning.losses import Loss, Mixed, step_loss
from ..learning.regularisers import Regulariser, regularisation
from ..network.layers import INPUTS, require_rate_mapping
from ..network.network import Network, require_network
from ..network.neurons import LIF, CubaLIF
from ..network.own_numbers import OwnNumbers
from ..network.per_neuron import add_parameter_gradient, by_neuron
from ..simulation import equilibrium
from ..simulation.inputs import require_inputs
from ..simulation.rates import finite_rates, input_decay, measured_rates, rate_weights, require_rates, weighted_rate
from ..simulation.simulator import input_current
from ..validation import require_choice, require_flag, require_result, shown
from .shared.errors import backpropagated_error
from .shared.gradients import Gradients, GradientSum, finite_sum
from .shared.task import require_task

RATES = ("measured", "closed_form")


def gradients(
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss: Loss = Mixed(),
    *,
    rates: Literal["measured", "closed_form"] = "measured",
    weights: npt.ArrayLike | None = None,
    time_steps: int | None = None,
    initial_state: Mapping[str, np.ndarray] | None = None,
    regulariser: Regulariser | None = None,
    input_gradients: bool = False,
    terms: bool = False,
) -> Gradients:
    """The gradient of the loss of the rates by SR.

    inputs          [T, B, n_in] (images: [T, B, C, H, W]), of the network's dtype or of whole numbers
    targets         class labels [B] or rows [B, n_out]
    rates           "measured": of the simulated spikes; "closed_form": of the mapping, without a simulation
    weights, time_steps, initial_state   must be None: its one loss, of the rates, knows no time, and its mapping is of
                    neurons that start from rest
    regulariser     of `losses.Regulariser`, of the weighted rates in place of the spikes
    input_gradients whether to record the gradient at the inputs, [T, B, ...], through their weighted rate
    terms           whether to record the one term that there is

    Returns Gradients; its outputs are [B, n_out], and its `convergence` says how far the equilibrium and the implicit
    gradient of a network with recurrent or feedback connections were solved. Raises TypeError or ValueError that names
    the argument: also for a leaky stage, the rate of whose potential is no function of rates, and for closed-form rates
    where loops do not contract, so that there may be several equilibria or none that is reached, or where the network's
    numbers are exact; and ConvergenceError where a solver gave up, NonFiniteError where a rate, the loss, an error or a
    gradient overflows.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 3, 2], rng=7)
    >>> inputs, labels = np.linspace(0, 0.6, 8).reshape(4, 1, 2), np.array([1])
    >>> gradients = ot.spike_representation.gradients(network, inputs, labels)
    >>> {name: round(float(np.linalg.norm(value)), 3) for name, value in gradients.items()}
    {'layer0.weight': 0.308, 'layer0.bias': 0.502, 'readout.weight': 0.858, 'readout.bias': 0.698}
    """
    if initial_state is not None:
        raise ValueError(
            "initial_state must be None for spike_representation, whose mapping is of neurons that start from rest, "
            f"got {shown(initial_state)}"
        )
    task = require_task(
        network,
        inputs,
        targets,
        loss,
        weights=weights,
        time_steps=time_steps,
        regulariser=regulariser,
        input_gradients=input_gradients,
        terms=terms,
        one_loss="spike_representation, one loss of the rates",
    )
    require_choice("rates", rates, RATES)
    _require_mapping(network)
    values, rates_report = rates_of(network, task.inputs, rates)
    outputs = rate_outputs(network, values)
    total, output_error = step_loss(loss, outputs, task.targets, 1)
    penalty: Any = 0
    penalties: dict[int, np.ndarray] = {}
    if regulariser is not None:
        penalty, penalties = regularisation(regulariser, network, values[1:], 1)
    steps = len(task.inputs)
    sums, gradient_report = _backward(
        network, values, output_error, terms, penalties, steps if input_gradients else None
    )
    convergence = equilibrium.Convergence(*rates_report, *gradient_report) if rates_report else None
    return sums.result(total + penalty, outputs, convergence, regularisation=penalty)


def _require_mapping(network):
    require_rate_mapping(network.layers, network.connections)
    for l, layer in enumerate(network.layers):
        neuron = layer.neuron
        if isinstance(neuron, CubaLIF):
            raise TypeError(
                f"layers[{l}] must have neurons without a current that leaks for spike_representation, whose mapping "
                f"is the clamp of I / V_th: with it the rate would be that of I / ((1 - α) V_th), got {neuron!r}"
            )
        learned = [name for name in neuron.parameter_names if type(neuron) is not LIF or name != "threshold"]
        if isinstance(neuron, OwnNumbers) and learned:
            raise TypeError(
                f"layers[{l}] must have no learned {' or '.join(learned)} for spike_representation, whose mapping does "
                f"not depend on it: its gradient would always be 0, got {neuron!r}"
            )
        if l in network.spiking and (learned or not hasattr(neuron, "threshold")):
            raise TypeError(
                f"layers[{l}] must have neurons of a threshold and without parameters of their own for "
                f"spike_representation, whose mapping is the clamp of I / V_th, got {neuron!r}"
            )
    input_decay(network)


def rates_of(
    network: Network, inputs: np.ndarray, rates: Literal["measured", "closed_form"]
) -> tuple[list[np.ndarray], tuple[float, int] | None]:
    """a^0 of the inputs and a^1, a^2, ... of the layers, [B, ...], a readout left out; how near to an equilibrium.

    The second is None without recurrent and feedback connections; otherwise the largest |a - f(a)|, and how often f
    was evaluated to get there (0 for measured rates).

    After many time steps the measured rates are near the mapping's:

    >>> import numpy as np, ottt_ref as ot
    >>> network, inputs = ot.dense_network([2, 3, 2], decay=1.0, rng=7), np.full((1000, 1, 2), 0.25)
    >>> for rates in ("measured", "closed_form"):
    ...     values, _ = ot.spike_representation.rates_of(network, inputs, rates)
    ...     print(values[1].round(2).tolist())
    [[0.52, 0.0, 0.17]]
    [[0.52, 0.0, 0.17]]
    """
    inputs = require_inputs(require_network(network), inputs)
    require_choice("rates", rates, RATES)
    _require_mapping(network)
    if rates == "measured":
        values = measured_rates(network, inputs)
        if not network.loop_sources:
            return values, None
        delayed = {l: values[l + 1] for l in network.loop_sources}
        return values, (equilibrium.distance(delayed, sweep(network, values[0], delayed)), 0)
    input_rate = weighted_rate(inputs, input_decay(network))
    solved: dict[int, np.ndarray] = {}
    report = None
    if network.loop_sources:
        solved, report = equilibrium.solve(network, lambda guess: sweep(network, input_rate, guess), len(input_rate))
    by_layer = sweep(network, input_rate, solved)
    return finite_rates(network, [by_layer[l] for l in sorted(by_layer)]), report


def sweep(network: Network, input_rate: np.ndarray, delayed: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
    """f: every layer's rate, by layer, in their order, from the inputs' (-1) and what delayed connections give.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 2, 1], rng=0)
    >>> network.parameters["layer0.weight"] = np.array([[0.5, 1.0], [2.0, 2.0]])
    >>> ot.spike_representation.sweep(network, np.array([[0.5, 0.25]]), {})[0].tolist()
    [[0.5, 1.0]]
    """
    given = {**delayed, -1: input_rate}
    delayed = require_rates(require_network(network), "rates", given, (-1, *network.loop_sources))
    _require_mapping(network)
    values = {-1: delayed[-1]}
    for l in range(len(network.layers) - (network.readout != "spiking")):
        neuron = network.layers[l].neuron
        current = input_current(network, l, lambda c: delayed[c.source] if c.loop else values[c.source])
        values[l] = current
        if neuron.spiking:
            values[l], threshold = np.empty_like(current), network.threshold(l)
            (clamp if len(threshold) == 1 else clamp_each)(rows(values[l]), rows(current), threshold)
    return values


def rate_outputs(network: Network, values: Sequence[np.ndarray]) -> np.ndarray:
    """The readout applied to the rates, [B, n_out]; the last rates themselves if the last layer is spiking.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 2, 1], rng=0)
    >>> network.parameters["readout.weight"] = np.array([[1.0, 3.0]])
    >>> ot.spike_representation.rate_outputs(network, [np.array([[0.5, 0.25]]), np.array([[0.5, 1.0]])]).tolist()
    [[3.5]]
    """
    values = _require_values(network, values)
    if network.readout == "spiking":
        return values[-1]
    return input_current(network, len(network.layers) - 1, lambda c: values[c.source + 1])


def backward(
    network: Network, values: Sequence[np.ndarray], output_error: np.ndarray, *, terms: bool = False
) -> GradientSum:
    """The algebra alone: rates a^0, a^1, ... [B, ...] and ∂ℓ/∂o [B, n_out] may hold any ordered numbers.

    Returns a GradientSum.

    The second neuron's rate is clamped to 1, and no error passes through it:

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 2, 1], rng=0)
    >>> network.parameters["layer0.weight"] = np.array([[0.5, 1.0], [2.0, 2.0]])
    >>> network.parameters["readout.weight"] = np.array([[1.0, 3.0]])
    >>> values = [np.array([[0.5, 0.25]]), np.array([[0.5, 1.0]])]
    >>> sums = ot.spike_representation.backward(network, values, output_error=np.array([[1.0]]))
    >>> sums.values["layer0.weight"].tolist(), sums.values["readout.weight"].tolist()
    ([[0.5, 0.25], [0.0, 0.0]], [[0.5, 1.0]])
    """
    require_flag("terms", terms)
    values = _require_values(network, values)
    require_result("output_error", output_error, (len(values[0]), network.output_size), network.dtype, "be")
    network.require_own_numbers("output_error", output_error)
    return _backward(network, values, output_error, terms, {}, None)[0]


def _require_values(network, values):
    """Check the rates a^0, a^1, ..., one array for the inputs and each layer, a readout left out."""
    require_rate_mapping(require_network(network).layers, network.connections)
    layers = range(-1, len(network.layers) - (network.readout != "spiking"))
    if not isinstance(values, tuple | list) or len(values) != len(layers):
        raise ValueError(f"values must be the rates of the inputs and {len(layers) - 1} layers, got {values!r}")
    found = require_rates(network, "values", dict(zip(layers, values)), layers)
    return [found[l] for l in layers]


def _backward(network, values, output_error, terms, penalties, input_steps):
    currents = [
        input_current(network, l, lambda c: values[c.source + 1]) if layer.neuron.spiking else None
        for l, layer in enumerate(network.layers)
    ]

    def errors_given(returned):
        return _errors_of(network, currents, output_error, returned, penalties)

    returned, report = {}, ()
    if network.loop_sources:
        zeros = {l: np.zeros_like(values[l + 1]) for l in network.loop_sources}
        returned, report = equilibrium.solve_linear(lambda guess: _returning(network, errors_given(guess)), zeros)
    errors = errors_given(returned)

    def paired(kind):
        sums = kind(network, len(output_error), 1 if terms else None)
        sums.record(0, errors)
        if input_steps is not None:
            sums.inputs = _at_inputs(network, errors, input_steps)
        for connection in network.connections:
            sums.add(0, connection, errors[connection.target], values[connection.source + 1], network.bias_input)
        for l, _, full_name in network.neuron_parameters:  # thresholds
            part, shape = np.empty_like(errors[l]), network.shapes[l]
            threshold = by_neuron(network.layers[l].neuron.threshold, shape, network.dtype)
            threshold_gradient(rows(part), rows(errors[l]), rows(currents[l]), threshold)
            for gradients in sums.at(0):
                add_parameter_gradient(gradients[full_name], part, shape)
        return sums

    return finite_sum(paired, first=None), report


def errors_of(
    network: Network,
    currents: Sequence[np.ndarray | None],
    output_error: np.ndarray,
    returned: Mapping[int, np.ndarray],
) -> list[np.ndarray]:
    """D^l p^l / V_th of every layer, from ∂ℓ/∂o and what comes back by delayed connections, `returned` by layer.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 2, 1], rng=0)
    >>> network.parameters["readout.weight"] = np.array([[1.0, 3.0]])
    >>> currents = [np.array([[0.5, 1.5]]), None]
    >>> errors = ot.spike_representation.errors_of(network, currents, np.array([[1.0]]), {})
    >>> [error.tolist() for error in errors]
    [[[1.0, 0.0]], [[1.0]]]
    """
    _require_mapping(require_network(network))
    count = len(network.layers)
    given = [l for l, each in enumerate(currents) if each is not None] if isinstance(currents, tuple | list) else []
    if not isinstance(currents, tuple | list) or len(currents) != count or given != list(network.spiking):
        raise ValueError(
            f"currents must be an array for each spiking layer and None for others, {count} in all, got {currents!r}"
        )
    require_rates(network, "currents", dict(enumerate(currents)), network.spiking)
    shape = (len(currents[network.spiking[0]]), network.output_size)
    require_result("output_error", output_error, shape, network.dtype, "be")
    if not isinstance(returned, Mapping) or not set(returned) <= set(range(count)):
        raise TypeError(f"returned must be a mapping from layers to errors [B, ...], got {shown(returned)}")
    for l, array in returned.items():
        require_result(f"returned[{l}]", array, (shape[0], *network.shapes[l]), network.dtype, "be")
    return _errors_of(network, currents, output_error, returned, {})


def _errors_of(network, currents, output_error, returned, penalties):
    errors = [None] * len(network.layers)
    at_any_delay = [errors] * network.longest_delay  # a rate has no time: what comes late has the same
    for l in reversed(range(len(network.layers))):
        rate_error = backpropagated_error(network, l, errors, output_error, loops=False, later=at_any_delay)
        if l in returned:
            rate_error = rate_error + returned[l]
        if l in penalties:
            rate_error = rate_error + penalties[l]
        errors[l] = rate_error
        current = currents[l]
        if current is not None:
            errors[l], threshold = np.empty_like(rate_error), network.threshold(l)
            gate = clamp_gate if len(threshold) == 1 else clamp_gate_each
            gate(rows(errors[l]), rows(current), rows(rate_error), threshold)
    return errors


def _at_inputs(network, errors, time_steps):
    """∂ℓ/∂x[t] = λ^(T-t) / Λ_T ∂ℓ/∂a^0, [T, B, ...], from the errors by layer."""
    parts = [c.adjoint(errors[c.target]) for c in network.connections if c.source == INPUTS]
    rate_error = sum(parts[1:], start=parts[0])
    shares = rate_weights(network, network.layers[network.trace_layer(0)].neuron, time_steps)
    result = np.empty((time_steps, *rate_error.shape), dtype=network.dtype)
    for t in range(time_steps):
        result[t] = shares[t] * rate_error
    return result


def _returning(network, errors):
    """What the errors send back by delayed connections, by the layer that they come from."""
    result = {}
    for connection in network.connections:
        if connection.loop:
            part = connection.adjoint(errors[connection.target])
            result[connection.source] = result[connection.source] + part if connection.source in result else part
    return result


@kernel
def clamp(rate, current, threshold):
    """σ(I / V_th), the clamp to [0, 1]."""
    for b in range(rate.shape[0]):
        for i in range(rate.shape[1]):
            if current[b, i] <= 0:
                rate[b, i] = 0
            elif current[b, i] >= threshold[0]:
                rate[b, i] = 1
            else:
                rate[b, i] = current[b, i] / threshold[0]


@kernel
def clamp_gate(error, current, rate_error, threshold):
    """D p / V_th: the error passes where 0 < I < V_th."""
    for b in range(error.shape[0]):
        for i in range(error.shape[1]):
            if current[b, i] > 0 and current[b, i] < threshold[0]:
                error[b, i] = rate_error[b, i] / threshold[0]
            else:
                error[b, i] = 0


@kernel
def clamp_each(rate, current, threshold):
    """σ(I / V_th) of neurons of a threshold each."""
    for b in range(rate.shape[0]):
        for i in range(rate.shape[1]):
            if current[b, i] <= 0:
                rate[b, i] = 0
            elif current[b, i] >= threshold[i]:
                rate[b, i] = 1
            else:
                rate[b, i] = current[b, i] / threshold[i]


@kernel
def clamp_gate_each(error, current, rate_error, threshold):
    """D p / V_th of neurons of a threshold each."""
    for b in range(error.shape[0]):
        for i in range(error.shape[1]):
            if current[b, i] > 0 and current[b, i] < threshold[i]:
                error[b, i] = rate_error[b, i] / threshold[i]
            else:
                error[b, i] = 0


@kernel
def threshold_gradient(part, error, current, threshold):
    """- (D p / V_th) I / V_th, what each sample and neuron has of ∇V_th."""
    for b in range(part.shape[0]):
        for i in range(part.shape[1]):
            part[b, i] = -error[b, i] * current[b, i] / threshold[i]
