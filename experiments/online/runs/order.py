"""O1 on real data: how the difference between OTTT_O's and OTTT_A's updates grows with the learning rate η.

Of one sample OTTT_A changes the parameters by -η ∇_A, OTTT_O by T smaller updates, each at parameters that have moved.
O1 says that the changes differ by O(η²) while no spike flips. Here ‖difference‖ is measured in float64 over a
geometric grid of η, by the reference's loops, with the number of spikes that flipped on OTTT_O's way.
"""

import os
from dataclasses import dataclass

import numpy as np

import ottt_ref as ot

from ...backends import share_processors
from ...sweep.runs import opened, without_folder
from ...training import config as configs
from ...training import parts
from .stream import DRIFTS, Run, drawn, learner

RATES = tuple(float(rate) for rate in np.geomspace(1e-5, 1e-1, 17))
NETWORKS = ("fresh", "learned")


@dataclass(frozen=True)
class Order(Run):
    """The differences on a few samples, over RATES.

    config    with the rule ottt-a and its learning rate, by which a "learned" network has learned
    network   one of NETWORKS: fresh, or after the first half of a stream, which is then without its last samples
    samples   how many, each on its own: from the stream's start, or the last ones before the drift
    length    how many samples the stream has, or None for all
    """

    network: str
    samples: int
    length: int | None = None

    @property
    def description(self):
        known = {"seed": self.seed, "network": self.network, "samples": self.samples, "length": self.length}
        return {"config": without_folder(self.config), **known}

    @property
    def call(self):
        given = (self.seed, self.network, self.samples, self.length)
        return work, (self.config.tables, self.config.source, *given)

    def said(self, result):
        flipped = np.mean(np.array(result["flips"])[:, -1] > 0)
        return f"{len(result['norms'])} samples, spikes flip in {100 * flipped:.0f} % at η = {RATES[-1]:g}"


def work(tables, source, seed, network, samples, length, on_machine):
    """Measure, in a worker.

    norms  ‖change by OTTT_O - change by OTTT_A‖ over all parameters, [samples][RATES]
    flips  how many spikes of OTTT_O's sequence are not those of OTTT_A's, alike
    """
    share_processors(os.cpu_count() or 1)  # one sample leaves several threads nothing but to wait for one another
    config = configs.of(tables, source)
    data, rng = opened(tables["data"], source), np.random.default_rng(seed)
    net = parts.network(config, data.shape, len(data.classes), rng)
    stream = drawn(config, data, rng, DRIFTS[0], length)
    first = 0 if network == "fresh" else max(0, stream.half - samples)
    learn, loss, found = learner(config, net), parts.loss(config), []
    for place, (inputs, label) in enumerate(stream):
        if place == min(first + samples, stream.half):
            break
        if place < first:
            learn(inputs, label)
        else:
            found.append(differences(net, inputs, label, loss))
    norms, flips = zip(*found)
    return {"norms": list(norms), "flips": list(flips)}


def differences(network, inputs, label, loss, rates=RATES):
    """Over learning rates: ‖difference of the two changes‖, and how many spikes flipped."""
    gradient = ot.ottt.gradients(network, inputs, label, loss)
    before = ot.simulate(network, inputs)
    norms, flips = [], []
    for rate in rates:
        moved = network.copy()
        online = ot.ottt.OnlineLearner(moved, ot.training.SGD(rate, momentum=0.0), loss, time_steps=len(inputs))
        flipped = 0
        for t, now in enumerate(inputs):
            online.step(now, label)
            for l, spikes in enumerate(online.activity.spikes):
                flipped += int(np.count_nonzero(spikes != before.spikes[l][t]))
        apart = [moved.parameters[name] - value + rate * gradient[name] for name, value in network.parameters.items()]
        norms.append(float(np.sqrt(sum(np.sum(part * part) for part in apart))))
        flips.append(flipped)
    return norms, flips
