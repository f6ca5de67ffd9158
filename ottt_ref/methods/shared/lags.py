"""Errors that come back late: in networks with a delay on a way from a layer to the outputs.

What a layer gives at time t reaches the outputs at t + k, where k is the sum of the delays on the way. So an error of
the outputs at time t belongs to what the layer did at t - k, and k, the lag, differs from way to way. Errors are kept
by lag:

    e^l_k[t] = Σ_c A_c^T g^target_{k - d_c}[t]    over the connections c out of layer l, with delays d_c, but no loops
    g^l_k[t] = ψ^l[t-k] ∘ e^l_k[t]                (the last layer: e_0[t] = ∂L[t]/∂o[t], and no other lag)
    ∇W^l += Σ_k g^l_k[t] x^l[t-k]^T               x: what the rule pairs: OTTT's trace â, SLTT's spikes s

Where a connection is not linear, A_c is its Jacobian at what it was given then. That, ψ and what is paired are kept for
as many time steps as the longest lag has: memory that does not grow with T. With the parameters of the time step t
itself, which matters online alone. Pairing with x^l[t] would be wrong (theorem L1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...network.network import Network
from ...network.per_neuron import add_parameter_gradient
from ...simulation.simulator import Activity
from ...validation import require_result
from .errors import ErrorFeedback, TimeStep, gated
from .gradients import GradientSum

if TYPE_CHECKING:
    from .rule import Rule


class Lags:
    """What a rule pairs late errors with: by layer, for the time steps t, t - 1, ... as far as its longest lag.

    parts  by connection with parameters, into how many parts the rule splits its error
    state  all of it: arrays by name
    """

    def __init__(self, network: Network, batch_size: int, parts: Mapping[str, int]) -> None:
        self._network = network
        self.state: dict[str, np.ndarray] = {}
        self._kept: dict[str, list[np.ndarray]] = {}  # by quantity: of t, t - 1, ...
        self._masks: dict[str, list[np.ndarray]] = {}  # by connection and part: 1 where an error belongs to the part
        for l, name in enumerate(network.layer_names):
            depth = 1 + max(network.error_lags(l), default=0)
            shape = (batch_size, *network.shapes[l])
            self._keep(f"surrogate_derivative/{name}", shape, depth)
            for connection in (c for c in network.incoming(l) if c.front is not None):
                self._keep(f"delivered/{connection.name}", (batch_size, *connection.input_shape), depth)
            for connection in (c for c in network.incoming(l) if c.parameters):
                for part in range(parts[connection.name]):
                    self._keep(
                        f"presynaptic/{connection.name}/{part}", (batch_size, *connection.presynaptic_shape), depth
                    )
                    self._keep(f"bias_input/{connection.name}/{part}", (1,), depth)
                self._masks[connection.name] = [_ones(network, shape) for _ in range(parts[connection.name])]
            for parameter in network.layers[l].neuron.parameter_names:
                self._keep(f"sensitivity/{name}.{parameter}", shape, depth)

    def _keep(self, name, shape, depth):
        arrays = [np.zeros(shape, dtype=self._network.dtype) for _ in range(depth)]
        self._kept[name] = arrays
        self.state.update({f"late {name}/{k}": array for k, array in enumerate(arrays)})

    def _push(self, name, value, where):
        arrays = self._kept[name]
        require_result(where, value, arrays[0].shape, arrays[0].dtype)
        for older, newer in reversed(list(zip(arrays[1:], arrays))):  # each stays what `state` calls it
            older[...] = newer
        arrays[0][...] = value

    def take_in(self, rule: Rule, activity: Activity) -> None:
        """Keep what the rule pairs in this time step, whose Activity it has taken in."""
        kind = type(rule).__name__
        for l, name in enumerate(self._network.layer_names):
            where = f"rule: surrogate_derivative of {kind} for layers[{l}]"
            self._push(f"surrogate_derivative/{name}", rule.surrogate_derivative(l, activity), where)
            for connection in (c for c in self._network.incoming(l) if c.front is not None):
                given = activity.delivered(connection)
                self._push(f"delivered/{connection.name}", given, f"what {connection.name} was given")
            for connection in (c for c in self._network.incoming(l) if c.parameters):
                self._take_in_pairs(rule, connection, activity)

    def _take_in_pairs(self, rule, connection, activity):
        """Of an error of ones, the part that belongs to each trace; and the traces."""
        name, masks = connection.name, self._masks[connection.name]
        pairs = list(rule.pairs(connection, _ones(self._network, masks[0].shape), activity))
        if len(pairs) != len(masks):
            raise ValueError(
                f"rule: pairs of {type(rule).__name__} for {name} must be as many as its parts(connection) says, "
                f"{len(masks)}, got {len(pairs)}"
            )
        for part, (mask, presynaptic, bias_input) in enumerate(pairs):
            where = f"rule: {{}} of {type(rule).__name__} for {name}"
            masks[part][...] = require_result(where.format("pairs"), mask, masks[part].shape, masks[part].dtype)
            self._push(f"presynaptic/{name}/{part}", presynaptic, where.format("presynaptic"))
            self._push(f"bias_input/{name}/{part}", bias_input, where.format("bias_input"))

    def take_in_sensitivity(self, full_name: str, value: np.ndarray) -> None:
        """Keep ∂z[t]/∂θ of a parameter of neurons, [B, ...]."""
        self._push(f"sensitivity/{full_name}", value, f"sensitivity to {full_name}")

    def add_step(self, sums: GradientSum, t: int, step: TimeStep, error_feedback: ErrorFeedback) -> None:
        """Add what the loss of time step t says of it and of the time steps before, as far as lags reach."""
        delivered = {
            c.name: self._kept[f"delivered/{c.name}"] for c in self._network.connections if c.front is not None
        }
        errors = self._errors(sums, t, replace(step, delivered=delivered), error_feedback)
        for gradients in sums.at(t):
            for connection in self._network.connections:
                for part, mask in enumerate(self._masks.get(connection.name, ())):
                    presynaptic = self._kept[f"presynaptic/{connection.name}/{part}"]
                    bias_inputs = self._kept[f"bias_input/{connection.name}/{part}"]
                    for k, error in errors[connection.target].items():
                        given = delivered[connection.name][k] if connection.name in delivered else None
                        connection.add_gradients(gradients, error * mask, presynaptic[k], bias_inputs[k], given)
            for l, _, full_name in self._network.neuron_parameters:
                for k, error in errors[l].items():
                    part = error * self._kept[f"sensitivity/{full_name}"][k]
                    add_parameter_gradient(gradients[full_name], part, self._network.shapes[l])

    def _errors(self, sums, t, step, error_feedback):
        """g^l_k[t] by layer and lag; 0 of what would have been before the first time step, where ψ is 0."""
        network = self._network
        errors: list[dict[int, np.ndarray]] = [{} for _ in network.layers]
        for l in reversed(range(len(network.layers))):
            derivatives = self._kept[f"surrogate_derivative/{network.layer_names[l]}"]
            where = f"error_feedback: lagged_error of {type(error_feedback).__name__} for layers[{l}]"
            late = error_feedback.lags(network, l, errors)
            for k in sorted({*late, *([0] if l in step.regularisation else [])}):
                found = np.zeros_like(derivatives[k])
                if k in late:
                    found = error_feedback.lagged_error(network, step, l, k, errors)
                    require_result(where, found, derivatives[k].shape, network.dtype)
                errors[l][k] = gated(derivatives[k], found if k else step.with_regularisation(l, found))
        sums.record_late(t, errors, step.delivered)
        return errors


def _ones(network, shape):
    result = np.empty(shape, dtype=network.dtype)
    result[...] = 1
    return result
