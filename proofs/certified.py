"""The sign of <SR, OTTT> for certain, for networks too large for intervals in Python: everything runs on balls.

It repeats what the methods compute, for a batch at once: dense layers of LIF neurons with a soft reset and the sigmoid
surrogate, a linear readout, recurrent and feedback connections, the mixed loss. The network's floats are taken as
exact. A sample for which a ball holds a threshold of the forward pass, or a corner of the rate mapping, is undecided.
"""

from dataclasses import dataclass

import numpy as np

import ottt_ref as ot
from ottt_ref import losses

from .number_systems.balls import Balls, as_balls, solve, stack


@dataclass(frozen=True)
class Signs:
    """What is certain of the first layer's weight, of each sample, [B].

    products  <SR, OTTT>, balls
    decided   whether every spike and every slope was decided: elsewhere the rest means nothing
    along     whether p · p_t > 0 at every time step (D1's hypothesis)
    """

    products: Balls
    decided: np.ndarray
    along: np.ndarray

    @property
    def positive(self):
        """Where <SR, OTTT> > 0 for certain."""
        return self.decided & self.products.positive()

    @property
    def undecided(self):
        """Where nothing is certain of the sign, but that the product is not an exact 0."""
        known = self.products.positive() | self.products.negative() | _exactly_zero(self.products)
        return ~(self.decided & known)


def signs(network, inputs, labels, loss):
    """Signs of a batch: inputs [T, B, n_in], labels [B], a Mixed loss.

    Raises ValueError for a network or loss of another kind, and where a result is too large for balls.
    """
    _require_supported(network, loss)
    targets = losses.require_targets(loss, labels, inputs.shape[1], network)
    potentials, spikes, decided = _forward(network, inputs)
    outputs = _input_current(network, len(network.layers) - 1, spikes, spikes)
    errors = _instantaneous_errors(network, potentials, _loss_gradient(loss, outputs, targets) / len(targets))
    errors = errors / len(inputs)
    traces, rate = _traces(inputs, network.layers[0].neuron.decay)
    rate_error, slopes_decided = _rate_error(network, rate, spikes, targets, loss)
    along = (errors * rate_error[np.newaxis]).sum(axis=2)
    products = (along * (traces * rate[np.newaxis]).sum(axis=2)).sum(axis=0)
    return Signs(products, decided & slopes_decided, along.positive().all(axis=0))


def _require_supported(network, loss):
    for l in network.spiking:
        neuron = network.layers[l].neuron
        if type(neuron) is not ot.LIF or neuron.reset != "soft" or type(neuron.surrogate) is not ot.surrogate.Sigmoid:
            raise ValueError(f"layers must have a soft reset and the sigmoid surrogate, got {neuron}")
    if not all(type(connection.operations) is ot.Dense for connection in network.connections) or network.skips:
        raise ValueError("layers must be dense, in a row")
    if any(connection.delay != connection.loop for connection in network.connections):
        raise ValueError("connections must have no delay, loops one of 1")
    if network.readout != "linear" or type(loss) is not ot.losses.Mixed:
        raise ValueError(f"network and loss must have a linear readout and be Mixed, got {network.readout}, {loss!r}")


def _input_current(network, l, now, before):
    """The current into layer l, balls: from what its sources give now, by layer, and what delayed ones gave before."""
    total = None
    for connection in network.incoming(l):
        given = as_balls((before if connection.loop else now)[connection.source])
        part = given @ connection.operations.weight.T
        if getattr(connection.operations, "bias", None) is not None:
            part = part + connection.operations.bias
        total = part if total is None else total + part
    return total


def _forward(network, inputs):
    """Potentials of the spiking layers, balls [T, B, n] by layer; spikes [T, B, n] by layer; where all were decided.

    A spike that is not decided is taken as the middle says: what follows of that sample means nothing.
    """
    batch = inputs.shape[1]
    potentials = {l: as_balls(np.zeros((batch, *network.shapes[l]))) for l in network.spiking}
    before = {l: np.zeros((batch, *network.shapes[l])) for l in network.spiking}
    records, spikes, decided = {l: [] for l in network.spiking}, {l: [] for l in network.spiking}, np.ones(batch, bool)
    for row in inputs:
        now = {-1: row}
        for l in network.spiking:
            neuron = network.layers[l].neuron
            left = potentials[l] - before[l] * neuron.threshold
            potentials[l] = left * neuron.decay + _input_current(network, l, now, before)
            distance = potentials[l] - neuron.threshold
            now[l] = (distance.middle >= 0).astype(float)
            decided &= _decided(distance).all(axis=1)
            records[l].append(potentials[l])
            spikes[l].append(now[l])
        before = now
    return {l: stack(rows) for l, rows in records.items()}, {l: np.stack(rows) for l, rows in spikes.items()}, decided


def _decided(distance):
    """Where a ball lies on one side of 0 for certain, or is 0."""
    return distance.positive() | distance.negative() | _exactly_zero(distance)


def _exactly_zero(balls):
    return (balls.middle == 0) & (balls.radius == 0)


def _loss_gradient(loss, outputs, targets):
    """∂ℓ/∂o of each sample, balls [..., C]: softmax_c is 1 / Σ_k e^(o_k - o_c)."""
    classes = outputs.middle.shape[-1]
    columns = []
    for c in range(classes):
        columns.append((1 / _inverse_softmax(outputs, c)) - targets[..., c])
    cross = Balls(np.stack([c.middle for c in columns], axis=-1), np.stack([c.radius for c in columns], axis=-1))
    squared = (outputs - targets) * 2 / classes
    share = as_balls(loss.mse_weight)
    return cross * (1 - share) + squared * share


def _inverse_softmax(outputs, c):
    return (outputs - outputs[..., c : c + 1]).exp().sum(axis=-1)


def _instantaneous_errors(network, potentials, output_errors):
    """g of the first layer, balls [T, B, n]."""
    errors = output_errors
    for l in reversed(network.spiking):
        neuron = network.layers[l].neuron
        (above,) = (c for c in network.outgoing(l) if not c.loop)
        errors = _sigmoid_derivative(potentials[l] - neuron.threshold, neuron.surrogate.alpha) * (
            errors @ above.operations.weight
        )
    return errors


def _sigmoid_derivative(z, alpha):
    decaying = (-abs(z * alpha)).exp()
    return decaying * alpha / ((1 + decaying) * (1 + decaying))


def _traces(values, decay):
    """The traces â[t], balls [T, B, n], and the weighted rate a[T], [B, n]."""
    trace, normaliser, rows = as_balls(np.zeros(values.shape[1:])), as_balls(0.0), []
    for value in values:
        trace = trace * decay + value
        normaliser = normaliser * decay + 1
        rows.append(trace)
    return stack(rows), trace / normaliser


def _rate_error(network, input_rate, spikes, targets, loss):
    """D p / V_th of the first layer by SR from the measured rates, balls [B, n]; where every slope was decided."""
    rates = {-1: input_rate} | {l: _traces(spikes[l], network.layers[l].neuron.decay)[1] for l in network.spiking}
    decided, slopes = np.ones(len(targets), bool), {}
    for l in network.spiking:
        threshold = network.layers[l].neuron.threshold
        current = _input_current(network, l, rates, rates)
        decided &= (_decided(current) & _decided(current - threshold)).all(axis=1)
        slopes[l] = ((current.middle > 0) & (current.middle < threshold)).astype(float)
    outputs = _input_current(network, len(network.layers) - 1, rates, rates)
    at_outputs = _loss_gradient(loss, outputs, targets) / len(targets)
    loops, rows = _loops(network), []
    for b in range(len(targets)):
        mask = np.concatenate([slopes[l][b] for l in network.spiking])
        try:
            rows.append(_errors_of_sample(network, loops, mask, at_outputs[b]))
        except ValueError:  # the equation may be singular: nothing is known
            rows.append(as_balls(np.zeros(network.shapes[0])))
            decided[b] = False
    return stack(rows), decided


def _loops(network):
    """U + R of `directions.loop_matrices`: weights / V_th of what connects spiking layers, balls [n, n]."""
    starts = dict(zip(network.spiking, np.cumsum([0, *(network.shapes[l][0] for l in network.spiking)]).tolist()))
    total = sum(network.shapes[l][0] for l in network.spiking)
    middle, radius = np.zeros((total, total)), np.zeros((total, total))
    for l in network.spiking:
        rows = slice(starts[l], starts[l] + network.shapes[l][0])
        for connection in network.incoming(l):
            if connection.source >= 0:
                first = starts[connection.source]
                part = (rows, slice(first, first + network.shapes[connection.source][0]))
                here = as_balls(connection.operations.weight) / network.layers[l].neuron.threshold
                summed = Balls(middle[part], radius[part]) + here
                middle[part], radius[part] = summed.middle, summed.radius
    return Balls(middle, radius)


def _errors_of_sample(network, loops, mask, output_error):
    """D p / V_th of one sample's first layer, [n]: all layers' errors solve (I - (U + R)^T D) p = ∂ℓ/∂a."""
    returned = (output_error[np.newaxis] @ network.layers[-1].synapses.weight)[0]
    above = np.zeros(len(mask) - len(returned.middle))
    direct = Balls(*(np.concatenate([above, part]) for part in (returned.middle, returned.radius)))
    errors = solve(as_balls(np.eye(len(mask))) - loops.T * mask, direct)
    first = network.shapes[0][0]
    return errors[:first] * mask[:first] / network.layers[0].neuron.threshold
