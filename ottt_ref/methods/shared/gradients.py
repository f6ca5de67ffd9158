"""What every method shares: the checks at its door, and the result that it returns."""

from collections.abc import Mapping

import numpy as np

from ...learning.losses import require_loss, require_targets
from ...network.network import require_network
from ...simulation.simulator import require_inputs
from ...validation import require_flag


class Gradients(Mapping):
    """The gradient of each parameter, keyed and ordered like `network.parameters`, and where it came from.

    loss      the loss whose gradient it is (or, for OTTT and SLTT, stands for), mean over the batch
    outputs   the network's outputs: [T, B, n_out]; of spike representation the outputs of the rates, [B, n_out]
    terms     on request, by parameter, [T, ...]: the part that each time step adds, whose sum is the gradient
    errors    on request, by layer, [T, B, ...]: the error at the potentials that each time step uses
              (BPTT δ[t]; OTTT and SLTT g[t]; spike representation one row; RTRL has none)
    convergence   of spike representation with recurrent or feedback connections: an equilibrium.Convergence
    """

    def __init__(self, values, loss, outputs, terms=None, errors=None, convergence=None):
        self._values = values
        self.loss = loss
        self.outputs = outputs
        self.terms = terms
        self.errors = errors
        self.convergence = convergence

    def __getitem__(self, name):
        return self._values[name]

    def __iter__(self):
        return iter(self._values)

    def __len__(self):
        return len(self._values)

    def __repr__(self):
        shapes = ", ".join(f"{name!r}: {value.shape}" for name, value in self.items())
        return f"Gradients(loss={self.loss}, {{{shapes}}})"


class GradientSum:
    """The sum over time of (error at the potentials) times (what it is paired with), for every parameter.

    With `time_steps` it also records each time step's own term and, with `errors`, error; without, it holds one array
    per parameter.
    """

    def __init__(self, network, batch_size, time_steps=None, errors=True):
        self.values = network.zero_gradients()
        self.terms = None
        self.errors = None
        if time_steps is not None:
            self.terms = {
                name: np.zeros((time_steps, *value.shape), dtype=network.dtype) for name, value in self.values.items()
            }
        if time_steps is not None and errors:
            self.errors = tuple(
                np.zeros((time_steps, batch_size, *shape), dtype=network.dtype) for shape in network.shapes
            )

    def at(self, t):
        """What time step t's part is added to, one after the other: the sum, and the step's own terms if kept."""
        yield self.values
        if self.terms is not None:
            yield {name: term[t] for name, term in self.terms.items()}

    def add(self, t, connection, error, presynaptic, bias_input):
        """Pair the error [B, ...] at the connection's target at time step t with what enters it, [B, ...] and [1]."""
        for gradients in self.at(t):
            connection.add_gradients(gradients, error, presynaptic, bias_input)

    def record(self, t, errors):
        """Keep the errors at the potentials of time step t, by layer, if terms are kept."""
        if self.errors is not None:
            for record, error in zip(self.errors, errors):
                record[t] = error

    def result(self, loss, outputs, convergence=None):
        """The finished sum as Gradients."""
        return Gradients(self.values, loss, outputs, self.terms, self.errors, convergence)


def require_sequence(network, inputs, targets, loss, terms):
    """Check what every method takes; inputs [T, B, ...] and targets as rows [B, n_out], ready for kernels."""
    require_network(network)
    require_loss(loss, network)
    require_flag("terms", terms)
    inputs = require_inputs(network, inputs)
    return inputs, require_targets(loss, targets, inputs.shape[1], network)
