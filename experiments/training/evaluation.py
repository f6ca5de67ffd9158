"""How much a network has learned: accuracy, and how often its neurons fire."""

import numpy as np

from ..backends import simulate_by


def evaluate(network, data, split, encode, batch_size, backend):
    """Accuracy in [0, 1] on a split, and the firing rate of each spiking layer.

    The class is the largest output summed over time: the network spikes in its test whatever it was trained by.
    """
    right, shares, part, simulate = 0, [], data.split(split), simulate_by(backend)
    for first in range(0, len(part), batch_size):
        inputs, labels = data.batch(part, np.arange(first, min(first + batch_size, len(part))), encode)
        activity = simulate(network, inputs)
        right += int(np.count_nonzero(activity.outputs.sum(axis=0).argmax(axis=1) == labels))
        shares.append([spikes.mean(dtype=np.float64) * len(labels) for spikes in activity.spikes])
    rates = [float(share) for share in np.sum(shares, axis=0) / len(part)]
    return {"accuracy": right / len(part), "firing_rates": rates}
