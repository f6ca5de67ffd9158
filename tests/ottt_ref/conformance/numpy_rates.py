"""Spike representation in plain NumPy, for `numpy_backend`."""

from itertools import pairwise

import numpy as np

from .numpy_operations import INPUTS


class Rates:
    """Gradients of what the measured rates give.

    The backend holds `neurons`, `connections`, `inputs`, `targets`, `shapes` and `dtype`, runs and sends back.
    """

    def spike_representation(self):
        """e = D / V_th (A^T e + ∂ℓ/∂a), A all connections between layers: one linear system, with loops or without."""
        rates, last = self.rates(self.run()), len(self.neurons) - 1
        currents = [sum(self.current(c, rates[c.source]) for c in self.into(l)) for l in range(last + 1)]
        outputs = rates[last] if self.neurons[last]["type"] == "LIF" else currents[last]
        batch = len(outputs)
        ends = np.cumsum([0, *(current[0].size for current in currents)])
        gate = np.concatenate([self.gate(*pair).reshape(batch, -1) for pair in zip(self.neurons, currents)], axis=1)
        push = np.zeros_like(gate)
        push[:, ends[last] :] = self.loss_gradient(outputs, self.targets) / batch
        solved = self.solve(gate[:, :, None] * self.all_transposed(ends), gate * push)
        errors = [solved[:, a:b].reshape(current.shape) for (a, b), current in zip(pairwise(ends), currents)]
        gradients = self.zeros()
        for connection in self.connections:
            self.add_gradients(gradients, connection, errors[connection.target], rates[connection.source], 1.0)
        return self.result(gradients, [errors], self.loss_value(outputs, self.targets))

    def solve(self, matrix, right):
        """x [B, n] = matrix [B, n, n] x + right."""
        if any(connection.delayed for connection in self.connections):
            system = np.eye(matrix.shape[1], dtype=self.dtype) - matrix
            return np.linalg.solve(system, right[..., None])[..., 0]
        return self.swept(matrix, right)

    def swept(self, matrix, right):
        """x once errors have gone down all layers: without loops nothing is left to come, and it is much faster."""
        x = right
        for _ in self.neurons:
            x = right + (matrix @ x[..., None])[..., 0]
        return x

    def rates(self, steps):
        """The weighted rates by layer and of the inputs, whose decay is that of the first layer."""
        found = {INPUTS: self.rate(self.inputs, self.neurons[0]["decay"])}
        for l, neuron in enumerate(self.neurons):
            found[l] = self.rate([step.outputs[l] for step in steps], neuron["decay"])
        for l in range(len(self.neurons) - 1):
            if self.stateless(self.neurons[l]):
                found[l] = sum(self.current(c, found[c.source]) for c in self.into(l))
        return found

    def rate(self, values, decay):
        weights = decay ** np.arange(len(values))[::-1].astype(self.dtype)
        return np.tensordot(weights / weights.sum(), np.asarray(values), axes=1)

    def gate(self, neuron, current):
        """The derivative of the clamp of I / V_th; 1 for a readout."""
        if neuron["type"] == "Integrator":
            return np.ones_like(current)
        return ((current > 0) & (current < neuron["threshold"])) / self.dtype.type(neuron["threshold"])

    def all_transposed(self, ends):
        """A^T [n, n] of the n neurons of all layers."""
        result = np.zeros((ends[-1], ends[-1]), dtype=self.dtype)
        for c in (c for c in self.connections if c.source != INPUTS):
            count = ends[c.target + 1] - ends[c.target]
            units = np.eye(count, dtype=self.dtype).reshape(count, *self.shapes[c.target])
            rows = self.send_back(c, units).reshape(count, -1)
            result[ends[c.source] : ends[c.source + 1], ends[c.target] : ends[c.target + 1]] += rows.T
        return result
