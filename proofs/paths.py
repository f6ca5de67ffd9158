"""Gradients as sums over paths: the definition, enumerated one path at a time, and no recursion in time.

A path of ∇W^l[i, j] starts where a presynaptic spike s_j[t_0] enters membrane i of layer l, waits there until
t_1 >= t_0, leaves through ψ^l_i[t_1], crosses a weight into layer l + 1, waits until t_2 >= t_1, ..., and ends at an
output error. A recurrent or feedback connection is crossed in the same way, and arrives one time step later; one with a
delay of d time steps arrives d time steps later.
Waiting one step multiplies by a leak edge, or crosses the reset, by a reset edge:

    soft reset   leak λ,        reset -λ V_th ψ[t]
    unleaked     leak λ,        reset -V_th ψ[t]
    hard reset   leak λ(1 - s)  reset λ (v_reset - u[t]) ψ[t]
"""

from itertools import product

import numpy as np


class Paths:
    """The paths of a network's activity [T, B, ...] that end in `output_errors` [T, B, n_out].

    may_wait(l, first)  whether a path that starts in layer `first` may wait in the membranes of layer l
    delays              whether a path may take a recurrent or feedback connection
    resets              which paths count: "none" that cross a reset, "any" number, or "some", at least one
    """

    def __init__(self, network, activity, output_errors, *, may_wait=lambda l, first: True, delays=True, resets="none"):
        self.network = network
        self.activity = activity
        self.output_errors = output_errors
        self.may_wait = may_wait
        self.delays = delays
        self.resets = resets

    def gradients(self):
        """The sum over all paths, for each parameter."""
        gradients = self.network.zero_gradients()
        for connection in self.network.connections:
            for name, (_, parameter) in connection.parameters.items():
                for place in np.ndindex(gradients[name].shape):
                    j = place[1] if parameter == "weight" else None
                    gradients[name][place] = self._parameter(connection, place[0], j)
        return gradients

    def _parameter(self, connection, i, j):
        time_steps, batch_size = self.output_errors.shape[:2]
        total = 0
        for b in range(batch_size):
            for start in range(time_steps):
                source = 1 if j is None else self.activity.at(start).presynaptic(connection)[b, j]
                l = connection.target
                for factor, crossed in self._onwards(b, l, i, start, l):
                    if self.resets == "any" or crossed == (self.resets == "some"):
                        total = total + source * factor
        return total

    def _onwards(self, b, l, i, t, first):
        """Every path from membrane i of layer l at time t to an output error: its factor, whether it met a reset."""
        for later in range(t, len(self.output_errors)):
            if later > t and not self.may_wait(l, first):
                return
            psi = self.activity.layer_surrogate_derivatives[l][later, b, i]
            for waited, crossed in self._waits(b, l, i, t, later):
                for onwards, crossed_later in self._leave(b, l, i, later, first):
                    yield waited * psi * onwards, crossed or crossed_later

    def _leave(self, b, l, i, t, first):
        if l + 1 == len(self.network.layers):
            yield self.output_errors[t, b, i], False
        for connection in self.network.outgoing(l):
            arrives = t + connection.delay
            if arrives >= len(self.output_errors) or (connection.loop and not self.delays):
                continue
            weight = connection.operations.weight
            for k in range(len(weight)):
                for onwards, crossed in self._onwards(b, connection.target, k, arrives, first):
                    yield weight[k, i] * onwards, crossed

    def _waits(self, b, l, i, start, end):
        """Every way to wait in membrane i from `start` to `end`, each step by a leak or by a reset edge."""
        edges = [self._edges(b, l, i, t) for t in range(start, end)]
        for choice in product(*edges):
            factor, crossed = 1, False
            for value, is_reset in choice:
                factor, crossed = factor * value, crossed or is_reset
            yield factor, crossed

    def _edges(self, b, l, i, t):
        neuron = self.network.layers[l].neuron
        decay = neuron.decay
        if not neuron.spiking:
            return [(decay, False)]
        potential, spike, psi = (
            values[l][t, b, i]
            for values in (
                self.activity.layer_potentials,
                self.activity.layer_outputs,
                self.activity.layer_surrogate_derivatives,
            )
        )
        leak, reset = {
            "soft": (decay, -(decay * neuron.threshold * psi)),
            "unleaked": (decay, -(neuron.threshold * psi)),
            "hard": (decay * (1 - spike), decay * (neuron.reset_potential - potential) * psi),
        }[neuron.reset]
        return [(leak, False)] if self.resets == "none" else [(leak, False), (reset, True)]


class PathSums(Paths):
    """The same sums, with paths that meet added up on the way: forwards in time from each neuron and start.

    Where `Paths` multiplies out one path after the other, this carries, for every membrane, the sum of all paths that
    are in it, those that have crossed a reset apart from those that have not. Affordable for deep networks and long
    sequences, and still no backward recursion.
    """

    def _parameter(self, connection, i, j):
        time_steps, batch_size = self.output_errors.shape[:2]
        total = 0
        for b in range(batch_size):
            for start in range(time_steps):
                source = 1 if j is None else self.activity.at(start).presynaptic(connection)[b, j]
                total = total + source * self._from(b, connection.target, i, start)
        return total

    def gradients(self):
        """The sum over all paths, for each parameter."""
        self._sums = {}
        return super().gradients()

    def _from(self, b, l, i, start):
        key = (b, l, i, start)
        if key not in self._sums:
            uncrossed, crossed = self._forwards(*key)
            self._sums[key] = {"none": uncrossed, "some": crossed, "any": uncrossed + crossed}[self.resets]
        return self._sums[key]

    def _forwards(self, b, first, i, start):
        """What paths from membrane i of layer `first` at `start` gather at the output: without a reset, and with."""
        depth = max([1, *(connection.delay for connection in self.network.connections)])
        inside = [self._nothing() for _ in range(depth + 1)]  # at t, t + 1, ...
        inside[0][first][i] = (1, 0)
        total = (0, 0)
        for t in range(start, len(self.output_errors)):
            for l in range(len(self.network.layers)):
                for k, amounts in enumerate(inside[0][l]):
                    if amounts is not None:
                        total = _plus(total, self._step(b, l, k, t, first, amounts, inside))
            inside = [*inside[1:], self._nothing()]
        return total

    def _step(self, b, l, k, t, first, amounts, inside):
        """Send what is in membrane k of layer l onwards; what reaches the output at t."""
        fired = _times(self.activity.layer_surrogate_derivatives[l][t, b, k], amounts)
        for connection in self.network.outgoing(l):
            if connection.loop and not self.delays:
                continue
            there = inside[connection.delay][connection.target]
            for m, weight in enumerate(connection.operations.weight[:, k]):
                there[m] = _plus(there[m], _times(weight, fired))
        if t + 1 < len(self.output_errors) and self.may_wait(l, first):
            for edge, is_reset in self._edges(b, l, k, t):
                uncrossed, crossed = _times(edge, amounts)
                reaching = (0, uncrossed + crossed) if is_reset else (uncrossed, crossed)
                inside[1][l][k] = _plus(inside[1][l][k], reaching)
        last = l + 1 == len(self.network.layers)
        return _times(self.output_errors[t, b, k], fired) if last else (0, 0)

    def _nothing(self):
        return [[None] * shape[0] for shape in self.network.shapes]


def _plus(left, right):
    return right if left is None else (left[0] + right[0], left[1] + right[1])


def _times(factor, amounts):
    return factor * amounts[0], factor * amounts[1]
