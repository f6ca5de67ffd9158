"""Do SR and OTTT point the same way? Errors, hypotheses and certificates of theorems D1 and D2, one sample at a time.

Both gradients of a layer's weight are sums of error times what it is paired with: SR's is p q^T with the rates' error
p and the presynaptic rates q, OTTT's Σ_t p_t q_t^T with the instantaneous errors p_t and the traces q_t. So

    <SR, OTTT> = Σ_t (p · p_t) (q · q_t)

D1 asks for p_t = c_t p + r_t, c_t >= 0, |r_t| <= ρ c_t |p|. The best c_t makes |r_t| / (c_t |p|) the sine of the angle
between p_t and p: `angles` finds ρ² for given errors, exactly on exact numbers. `certified_ratio` bounds ρ without
OTTT's errors in hidden layers, from how far ψ[t] is from a multiple of the mapping's slope D / V_th, how far the last
layer's error is from a multiple of the rates', and the spectral norms of the weights between.
"""

from dataclasses import dataclass

import numpy as np

import ottt_ref as ot
from ottt_ref import spike_representation
from ottt_ref.simulation.simulator import input_current


@dataclass(frozen=True)
class LayerErrors:
    """What <SR, OTTT> of one layer's weight is made of, [B, n] and [T, B, n].

    rate_error, error   p and p_t, at the layer's potentials
    rate, trace         q and q_t, of what the layer's feedforward connection is given
    """

    rate_error: np.ndarray
    error: np.ndarray
    rate: np.ndarray
    trace: np.ndarray

    def products(self):
        """<SR, OTTT> of each sample, [B]."""
        return (self.error_products() * self.trace_products()).sum(axis=0)

    def error_products(self):
        """p · p_t, [T, B]."""
        return (self.rate_error * self.error).sum(axis=2)

    def trace_products(self):
        """q · q_t, [T, B]."""
        return (self.rate * self.trace).sum(axis=2)

    def cosines(self):
        """The cosine between SR's and OTTT's gradient of each sample, [B]; nan where one of them is 0."""
        online = np.einsum("tbi,tbj->bij", self.error.astype(float), self.trace.astype(float))
        norms = np.linalg.norm(online, axis=(1, 2)) * np.linalg.norm(self.rate_error.astype(float), axis=1)
        norms = norms * np.linalg.norm(self.rate.astype(float), axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.products().astype(float) / norms


def layer_errors(network, inputs, targets, loss):
    """LayerErrors of each spiking layer of dense layers, from the two public methods."""
    rate = ot.spike_representation.gradients(network, inputs, targets, loss, terms=True)
    online = ot.ottt.gradients(network, inputs, targets, loss, terms=True)
    activity = ot.simulate(network, inputs)
    rates, _ = spike_representation.rates_of(network, inputs, "measured")
    result = []
    for l in network.spiking:
        values = inputs if l == 0 else activity.layer_outputs[l - 1]
        decay, trace, traces = network.layers[l].neuron.decay, values[0] * 0, []
        for value in values:
            trace = trace * decay + value  # decay on the right: any kind of number in an array takes it there
            traces.append(trace)
        result.append(LayerErrors(rate.errors[l][0], online.errors[l], rates[l], np.stack(traces)))
    return result


def angles(errors):
    """ρ² and Σ_t c_t (q · q_t) of each sample, with the best c_t, as two lists; None where there are no c_t >= 0.

    c_t = |p_t|² / (p · p_t), for which |r_t| / (c_t |p|) is the sine of the angle. Where p_t = 0, c_t = 0.
    """
    along, overlap = errors.error_products(), errors.trace_products()
    squares = (errors.error * errors.error).sum(axis=2)
    square = (errors.rate_error * errors.rate_error).sum(axis=1)
    ratios, sums = [], []
    for b in range(len(square)):
        ratio, total = square[b] * 0, square[b] * 0
        for t in range(len(along)):
            if squares[t, b] == 0:
                continue
            if not along[t, b] > 0:
                ratio = None
                break
            ratio = max(ratio, 1 - along[t, b] * along[t, b] / (squares[t, b] * square[b]))
            total = total + squares[t, b] / along[t, b] * overlap[t, b]
        ratios.append(ratio)
        sums.append(total if ratio is not None else None)
    return ratios, sums


def certified_ratio(network, inputs, targets, loss, layer):
    """A bound on D1's ρ of `layer` for each sample, [B]; infinite where there is none. float64, dense layers in a row.

    Going down from the output, p_t = C p + r with |r| <= R: through a weight and ψ[t] = c D / V_th + Δ that becomes
    C c p + r', |r'| <= C max|Δ| |W|_2 |p above| + max ψ |W|_2 R.
    """
    activity = ot.simulate(network, inputs)
    rate = ot.spike_representation.gradients(network, inputs, targets, loss, terms=True)
    online = ot.ottt.gradients(network, inputs, targets, loss, terms=True)
    rates, _ = spike_representation.rates_of(network, inputs, "measured")
    top = len(network.layers) - 1
    shares, errors = _output_share(network, rate, online, rates, activity, top)
    for l in reversed(range(layer, top)):
        above = np.linalg.norm(rate.errors[l + 1][0], axis=1)
        norm = np.linalg.norm(network.layers[l + 1].synapses.weight, 2)
        slope = _slopes(network, rates, l)
        psi = activity.layer_surrogate_derivatives[l]
        scale, deviation = _best_scale(psi, slope)
        errors = shares * deviation * norm * above + np.abs(psi).max(axis=2) * norm * errors
        shares = shares * scale
    size = shares * np.linalg.norm(rate.errors[layer][0], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):  # an error over nothing that points along is infinite
        ratio = np.where(errors == 0, 0.0, errors / size)
    return np.nan_to_num(ratio, nan=np.inf).max(axis=0)


def _output_share(network, rate, online, rates, activity, top):
    """C and R at the last layer, [T, B]: a readout's error itself; of a spiking layer also ψ against D."""
    p, p_t = rate.errors[top][0], online.errors[top]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (p * p_t).sum(axis=2) / (p * p).sum(axis=1)
    share = np.nan_to_num(np.maximum(share, 0.0), nan=0.0, posinf=0.0)
    return share, np.linalg.norm(p_t - share[:, :, np.newaxis] * p, axis=2)


def _slopes(network, rates, l):
    """D / V_th of layer l, [B, n]."""
    current = input_current(network, l, lambda c: rates[c.source + 1])
    threshold = network.layers[l].neuron.threshold
    return np.where((current > 0) & (current < threshold), 1 / threshold, 0.0)


def _best_scale(psi, slope):
    """c >= 0 and max_i |ψ_i - c D_i / V_th| for each time step and sample, [T, B]: c in the middle of ψ's range."""
    inside = slope > 0
    size = slope.max(axis=1)
    highest = np.where(inside, psi, -np.inf).max(axis=2)
    lowest = np.where(inside, psi, np.inf).min(axis=2)
    some = np.isfinite(highest)
    middle = np.where(some, (highest + np.where(some, lowest, 0.0)) / 2, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.where(some, middle / size, 1.0)
    return scale, np.abs(psi - scale[:, :, np.newaxis] * slope).max(axis=2)


def loop_matrices(network, currents):
    """Of one sample: the mapping's Jacobians across time and within a time step, and D, all layers' neurons in a row.

    Errors e at the rates of all spiking layers obey e = U^T D e + R^T D e + ∂ℓ/∂a; U holds the weights / V_th of
    connections within a time step and R those of delayed ones, D the 0/1 slopes. Matrices [n, n] and a row [n], of the
    network's numbers. Dense connections between spiking layers.
    """
    sizes = [network.shapes[l][0] for l in network.spiking]
    starts = dict(zip(network.spiking, np.cumsum([0, *sizes]).tolist()))
    total = sum(sizes)
    within, across = (np.zeros((total, total), dtype=network.dtype) for _ in range(2))
    mask = np.zeros(total, dtype=network.dtype)
    for l, size in zip(network.spiking, sizes):
        threshold = network.layers[l].neuron.threshold
        rows = slice(starts[l], starts[l] + size)
        for i, current in enumerate(currents[l]):
            mask[starts[l] + i] = 1 if 0 < current < threshold else 0
        for connection in network.incoming(l):
            if connection.source >= 0:
                columns = slice(
                    starts[connection.source], starts[connection.source] + network.shapes[connection.source][0]
                )
                matrix = across if connection.loop else within
                matrix[rows, columns] += connection.operations.weight / threshold
    return within, across, mask


def loop_form(within, across, mask):
    """S = D (I - U^T D)^{-1} R^T D of one sample, [n, n]: with z = D w, OTTT's errors are z - S z.

    SR's errors are w = U^T D w + R^T D w + ∂ℓ, OTTT's instantaneous w' = U^T D w' + ∂ℓ, so (I - U^T D) (w - w') =
    R^T D w. U is strictly triangular: the inverse is a finite sum. For one recurrent layer S is D W_rec^T D / V_th.
    """
    gated = within.T * mask
    term = across.T * mask
    total = term
    for _ in range(len(mask)):
        term = gated @ term
        if not np.any(term != 0):
            break
        total = total + term
    return mask[:, np.newaxis] * total
