"""How errors reach the layers within one time step, with no time in it: what forward-in-time rules are given.

g^N[t] = ψ^N[t] ∘ ∂L[t]/∂s^N[t],   g^l[t] = ψ^l[t] ∘ e^l[t],   e^l[t] = W^{l+1 T} g^{l+1}[t]

e^l[t] is the error at layer l's spikes, g^l[t] that at its potentials. Where it comes from is an `ErrorFeedback`:

    TransposedWeights   W^{l+1 T} g^{l+1}: backpropagation through the layers, the default
    FeedbackMatrices    B^l ∂L[t]/∂o[t], by fixed matrices from the output (direct feedback alignment)
    LocalLosses         G^{l T} ∂ℓ(m, y)/∂m at m = G^l s^l[t]: each layer has a loss of its own (as DECOLLE has)

Where skips branch, the errors that come back are added up. A recurrent or feedback connection brings no error back: it
would be one of a later time step. What comes back through another connection with a delay belongs to an earlier time
step (`lags`).

Source: Xiao et al. 2022, section 4; Nøkland 2016 for fixed feedback; Kaiser et al. 2020 for local losses.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...kernel import kernel, rows
from ...learning.losses import Loss, step_loss
from ...network.network import Network, require_network
from ...network.operations.dense import dense_adjoint, dense_forward
from ...simulation.simulator import Activity
from ...validation import as_array, require_array, require_result


@dataclass(frozen=True)
class TimeStep:
    """What is known of one time step when errors are asked for.

    activity      its Activity
    output_error  ∂L[t]/∂o[t], [B, n_out]
    loss, targets, time_steps   ℓ, y as rows [B, n_out] and T, for losses of the layers' own; None in the algebra alone
    weights       w[t] [B] of the samples' losses; None for 1
    regularisation   ∂R[t]/∂s^l[t], [B, ...], by layer, of a regulariser; e^l[t] is what `spike_error` gives and this
    delivered     where errors come late, by the name of each connection that is not linear: what it was given at t,
                  t - 1, ..., [B, ...] each, through whose Jacobian an error of that lag comes back

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 3, 2], rng=0)
    >>> activity = ot.simulate(network, np.ones((4, 1, 2))).at(0)
    >>> step = ot.methods.TimeStep(activity, output_error=np.array([[0.25, -0.25]]))
    >>> step.activity.outputs.shape, step.targets is None
    ((1, 2), True)
    """

    activity: Activity
    output_error: np.ndarray
    loss: Loss | None = None
    targets: np.ndarray | None = None
    time_steps: int | None = None
    weights: np.ndarray | None = None
    regularisation: Mapping[int, np.ndarray] = field(default_factory=dict)
    delivered: Mapping[str, Sequence[np.ndarray]] = field(default_factory=dict)

    def with_regularisation(self, l: int, spike_error: np.ndarray) -> np.ndarray:
        """e^l[t] with what the regulariser adds to it."""
        return spike_error + self.regularisation[l] if l in self.regularisation else spike_error


class ErrorFeedback:
    """Where the error at a layer's spikes comes from. A subclass of one's own defines `spike_error`.

    The sum of the outputs' errors for every neuron alike:

    >>> import numpy as np, ottt_ref as ot
    >>> class Broadcast(ot.methods.ErrorFeedback):
    ...     def spike_error(self, network, step, l, errors):
    ...         if l == len(network.layers) - 1:
    ...             return step.output_error
    ...         total = step.output_error.sum(axis=1)
    ...         return np.repeat(total[:, np.newaxis], network.shapes[l][0], axis=1)
    >>> network = ot.dense_network([2, 3, 2], rng=0)
    >>> inputs, targets = np.ones((4, 1, 2)), np.array([[1.0, 2.0]])
    >>> loss = ot.losses.MeanSquaredError()
    >>> gradients = ot.ottt.gradients(network, inputs, targets, loss, error_feedback=Broadcast(), terms=True)
    >>> gradients.errors[0].shape
    (4, 1, 3)
    """

    def check(self, network: Network) -> None:
        """Raise TypeError or ValueError where it does not fit the network."""

    def spike_error(self, network: Network, step: TimeStep, l: int, errors: Sequence[np.ndarray | None]) -> np.ndarray:
        """e^l[t], [B, ...], from the TimeStep and the errors g of the layers above, by layer; None below and at l."""
        raise TypeError(f"{type(self).__name__} must define spike_error(network, step, l, errors)")

    def lags(self, network: Network, l: int, errors: Sequence[Mapping[int, np.ndarray]]) -> set[int]:
        """How many time steps the errors of a time step come after what they belong to in layer l: one for each way.

        errors  g of the layers above, by layer and lag

        Asked for where there is a delay on a way to the outputs (`Network.error_lags`), as `lagged_error` is.
        """
        ways = [connection for connection in network.outgoing(l) if not connection.loop]
        late = {lag + connection.delay for connection in ways for lag in errors[connection.target]}
        return late | {0} if l == len(network.layers) - 1 else late

    def lagged_error(
        self, network: Network, step: TimeStep, l: int, lag: int, errors: Sequence[Mapping[int, np.ndarray]]
    ) -> np.ndarray:
        """e^l_k[t], [B, ...], that the TimeStep has for what layer l gave `lag` time steps before.

        errors  g of the layers above, by layer and lag
        """
        raise TypeError(f"{type(self).__name__} must define lagged_error(network, step, l, lag, errors)")


class TransposedWeights(ErrorFeedback):
    """Backpropagation through the layers of one time step.

    >>> import numpy as np, ottt_ref as ot
    >>> network, inputs, labels = ot.dense_network([2, 3, 2], rng=0), np.ones((4, 1, 2)), np.array([1])
    >>> default = ot.ottt.gradients(network, inputs, labels)
    >>> named = ot.ottt.gradients(network, inputs, labels, error_feedback=ot.methods.TransposedWeights())
    >>> all(np.array_equal(default[name], named[name]) for name in default)
    True
    """

    def spike_error(self, network: Network, step: TimeStep, l: int, errors: Sequence[np.ndarray | None]) -> np.ndarray:
        spikes = step.activity.layer_outputs[l]
        return backpropagated_error(network, l, errors, step.output_error, loops=False, spikes=spikes)

    def lagged_error(
        self, network: Network, step: TimeStep, l: int, lag: int, errors: Sequence[Mapping[int, np.ndarray]]
    ) -> np.ndarray:
        total = step.output_error if l == len(network.layers) - 1 else None
        for connection in network.outgoing(l):
            arrived = lag - connection.delay
            if not connection.loop and arrived in errors[connection.target]:
                given = None if connection.front is None else step.delivered[connection.name][arrived]
                part = connection.adjoint(errors[connection.target][arrived], given)
                total = part if total is None else total + part
        if total is None:
            raise ValueError(f"lag must be one of {self.lags(network, l, errors)} for layers[{l}], got {lag}")
        return total


class LayerMatrices(ErrorFeedback):
    """A fixed matrix for each layer but the last, whose error is that of the outputs.

    A subclass says what shape a matrix has, and what comes of it: `matrix_shape` and `hidden_error`.
    """

    def __init__(self, matrices: Sequence[np.ndarray]) -> None:
        if isinstance(matrices, str) or not hasattr(matrices, "__iter__"):
            raise TypeError(f"matrices must be a sequence of arrays, one for each layer but the last, got {matrices!r}")
        self.matrices = tuple(
            np.array(as_array(f"matrices[{l}]", matrix), order="C") for l, matrix in enumerate(matrices)
        )

    def matrix_shape(self, neurons: int, outputs: int) -> tuple[int, int]:
        """The shape of one layer's matrix."""
        raise TypeError(f"{type(self).__name__} must define matrix_shape(neurons, outputs)")

    def hidden_error(self, step: TimeStep, l: int) -> np.ndarray:
        """e^l[t], [B, n_l]."""
        raise TypeError(f"{type(self).__name__} must define hidden_error(step, l)")

    def check(self, network: Network) -> None:
        if len(self.matrices) != len(require_network(network).layers) - 1:
            raise ValueError(
                f"matrices must be {len(network.layers) - 1}, one for each layer but the last, got {len(self.matrices)}"
            )
        for l, matrix in enumerate(self.matrices):
            shape = self.matrix_shape(math.prod(network.shapes[l]), network.output_size)
            network.require_own_numbers(f"matrices[{l}]", require_array(f"matrices[{l}]", matrix, shape, network.dtype))

    def spike_error(self, network: Network, step: TimeStep, l: int, errors: Sequence[np.ndarray | None]) -> np.ndarray:
        if l == len(network.layers) - 1:
            return step.output_error
        return self.hidden_error(step, l).reshape(-1, *network.shapes[l])


class FeedbackMatrices(LayerMatrices):
    """Direct feedback: e^l[t] = B^l ∂L[t]/∂o[t].

    matrices  B^l [n_l, n_out] for l = 0 .. L - 2, of the network's dtype, n_l the number of the layer's neurons

    In a network of one hidden layer, the readout's transposed weights give what backpropagation gives:

    >>> import numpy as np, ottt_ref as ot
    >>> network, inputs, labels = ot.dense_network([2, 3, 2], rng=0), np.ones((4, 1, 2)), np.array([1])
    >>> feedback = ot.methods.FeedbackMatrices([network.parameters["readout.weight"].T])
    >>> direct = ot.ottt.gradients(network, inputs, labels, error_feedback=feedback)
    >>> backpropagated = ot.ottt.gradients(network, inputs, labels)
    >>> all(np.allclose(direct[name], backpropagated[name]) for name in direct)
    True
    """

    def matrix_shape(self, neurons: int, outputs: int) -> tuple[int, int]:
        """The shape of one layer's matrix."""
        return neurons, outputs

    def hidden_error(self, step: TimeStep, l: int) -> np.ndarray:
        """e^l[t], [B, n_l]."""
        return _product(self.matrices[l], step.output_error)


class LocalLosses(LayerMatrices):
    """A loss for each layer but the last, as DECOLLE has: of the outputs m[t] = G^l s^l[t], with fixed G^l.

    e^l[t] = G^{l T} ∂L^l[t]/∂m[t],   L^l[t] = ℓ(m[t], y) / T, the mean over the batch

    matrices  G^l [n_out, n_l] for l = 0 .. L - 2, of the network's dtype, n_l the number of the layer's neurons

    The hidden layer learns without the readout's weights, which here are zeros:

    >>> import numpy as np, ottt_ref as ot
    >>> network, inputs, labels = ot.dense_network([2, 3, 2], rng=0), np.ones((4, 1, 2)), np.array([1])
    >>> network.parameters["readout.weight"] = np.zeros((2, 3))
    >>> local = ot.methods.LocalLosses([np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])])
    >>> for feedback in (None, local):
    ...     gradients = ot.ottt.gradients(network, inputs, labels, error_feedback=feedback)
    ...     print(bool(np.any(gradients["layer0.weight"])))
    False
    True
    """

    def matrix_shape(self, neurons: int, outputs: int) -> tuple[int, int]:
        """The shape of one layer's matrix."""
        return outputs, neurons

    def lags(self, network: Network, l: int, errors: Sequence[Mapping[int, np.ndarray]]) -> set[int]:
        return {0}  # a layer's own loss is of the same time step

    def lagged_error(
        self, network: Network, step: TimeStep, l: int, lag: int, errors: Sequence[Mapping[int, np.ndarray]]
    ) -> np.ndarray:
        return self.spike_error(network, step, l, [each.get(lag) for each in errors])

    def hidden_error(self, step: TimeStep, l: int) -> np.ndarray:
        """e^l[t], [B, n_l]."""
        if step.loss is None or step.targets is None or step.time_steps is None:
            raise ValueError("error_feedback must not be LocalLosses in the algebra alone, which knows no targets")
        local = _product(self.matrices[l], rows(step.activity.layer_outputs[l]))
        error = step_loss(step.loss, local, step.targets, step.time_steps, step.weights)[1]
        result = np.zeros((len(error), self.matrices[l].shape[1]), dtype=error.dtype)
        dense_adjoint(result, self.matrices[l], error)
        return result


def _product(matrix, values):
    """B v of each sample: [n, m] and [B, m] → [B, n]."""
    if not isinstance(values, np.ndarray) or values.ndim != 2:
        raise ValueError(f"values must be [B, {matrix.shape[1]}], got {values!r}")
    require_result("values", values, (len(values), matrix.shape[1]), matrix.dtype, "be")
    result = np.empty((len(values), len(matrix)), dtype=values.dtype)
    nothing = np.zeros(len(matrix), dtype=values.dtype)
    dense_forward(result, np.ascontiguousarray(matrix.T), nothing, values, nothing[:1])
    return result


@kernel
def gate(error, surrogate_derivative, spike_error):
    """g = ψ ∘ e."""
    for b in range(error.shape[0]):
        for i in range(error.shape[1]):
            error[b, i] = surrogate_derivative[b, i] * spike_error[b, i]


def gated(surrogate_derivative, spike_error):
    """g = ψ ∘ e, [B, ...]."""
    result = np.empty_like(spike_error)
    gate(rows(result), rows(surrogate_derivative), rows(spike_error))
    return result


def backpropagated_error(network, l, errors, output_error, *, loops, later=(), spikes=None):
    """e^l [B, ...]: what comes back from `errors` by layer, and ∂L/∂o at the last layer.

    loops   whether it also comes back by recurrent and feedback connections
    later   the errors by layer of the time steps t + 1, t + 2, ..., which delayed connections bring back
    spikes  s^l [B, ...], what all connections out of layer l deliver, at once or later: where one is not linear, the
            error comes back through its Jacobian there
    """
    parts = [output_error] if l == len(network.layers) - 1 else []
    for connection in network.outgoing(l):
        if loops or not connection.loop:
            there = later[connection.delay - 1] if connection.delay else errors
            parts.append(connection.adjoint(there[connection.target], spikes))
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
