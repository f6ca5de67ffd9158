"""One stream: every sample of a data set once, one at a time, each tested on before it is learned from.

The budget is the same for every rule: the same samples in the same order, each seen once, T time steps of each, the
same fresh weights, and a label that is known at every time step of learning, and not in the test. What differs is when
the weights move. OTTT_O and SLTT_O move them after each time step, T times a sample; OTTT_A and BPTT once a sample. SGD
has no momentum: momentum's memory would be T times shorter, in samples, for those that move T times as often.

Half way the concept drifts, at once. Both kinds are those of the field (Gama et al. 2014, A survey on concept drift
adaptation): "labels" gives every class the label of another (p(y | x) changes, a real drift), "pixels" permutes the
pixels by one permutation (p(x) changes, as in permuted MNIST). Both are drawn from the seed.
"""

import os
from dataclasses import dataclass

import numpy as np

from ...backends import share_processors, simulate_by
from ...sweep.runs import FOLDERS, opened, without_folder
from ...training import config as configs
from ...training import operations, parts, rules
from ...training.config import Config

DRIFTS = ("labels", "pixels")
BLOCK = 64  # samples that are made inputs together
COUNTED = 40  # samples, evenly spread, whose operations are counted


@dataclass(frozen=True)
class Run:
    """What runs on streams have in common: what they are called, a config and a seed; and their sources."""

    cell: str
    config: Config
    seed: int

    @property
    def name(self):
        return f"{self.cell}--seed{self.seed}"

    @property
    def folders(self):
        return (*FOLDERS, "online/runs")


@dataclass(frozen=True)
class Stream(Run):
    """A run of one rule over one stream.

    cell     what it is called
    config   the data, the network, the rule and its learning rate
    seed     of the weights, of the samples' order, and of the drift
    drift    one of DRIFTS
    samples  how many of the stream, or None for all
    """

    drift: str
    samples: int | None = None

    @property
    def description(self):
        known = {"seed": self.seed, "drift": self.drift, "samples": self.samples}
        return {"config": without_folder(self.config), **known}

    @property
    def call(self):
        return work, (self.config.tables, self.config.source, self.seed, self.drift, self.samples)

    def said(self, result):
        return result.get("failed") or f"{100 * result['accuracy']:.2f} % over the stream"


def work(tables, source, seed, drift, samples, on_machine):
    """Go through the stream once, in a worker: what a sample was taken for before it was learned from, and the costs.

    correct     "1" or "0" for each sample
    operations  the means over some samples: forward, errors, gradients, each [MAC, AC]; None where they are not known
    """
    share_processors(os.cpu_count() or 1)  # one sample leaves several threads nothing but to wait for one another
    config = configs.of(tables, source)
    data = opened(tables["data"], source)
    rng = np.random.default_rng(seed)
    network = parts.network(config, data.shape, len(data.classes), rng)
    learn = learner(config, network)
    samples = drawn(config, data, rng, drift, samples)
    simulate, method = simulate_by(config["training.backend"]), rules.method_of(config["rule.name"])
    every, correct, counts = max(1, len(samples) // COUNTED), [], []
    for place, (inputs, label) in enumerate(samples):
        activity = simulate(network, inputs)
        outputs = activity.outputs.sum(axis=0)
        if not np.isfinite(outputs).all():
            return {"failed": f"the outputs are not finite at sample {place}"}
        correct.append(int(outputs[0].argmax() == label[0]))
        if place % every == 0 and method in operations.RULES:
            counts.append(_counted(operations.count(network, activity, method)))
        learn(inputs, label)
    updates = config["training.time_steps"] if config["rule.name"].endswith("-o") else 1
    return {
        "correct": "".join(map(str, correct)),
        "accuracy": float(np.mean(correct)),
        "updates_of_a_sample": updates,
        "parameters": sum(value.size for value in network.parameters.values()),
        "operations": np.mean(counts, axis=0).tolist() if counts else None,
    }


def _counted(found):
    return [[part.macs, part.acs] for part in (found.forward, found.errors, found.gradients)]


def learner(config, network):
    """What learns a sample by the config's rule: (inputs [T, 1, n], label [1]) → loss."""
    task = rules.Task(
        network,
        parts.optimiser(config),
        config["training.time_steps"],
        loss=parts.loss(config),
        backend=config["training.backend"],
    )
    return rules.learner(config["rule.name"], task)


def drawn(config, data, rng, drift, count=None):
    """The samples of a stream: inputs [T, 1, n] and labels [1], of all splits, in an order that rng draws."""
    return Samples(data, parts.encoding(config, data.largest), rng, drift, count)


class Samples:
    """The samples of a stream, made in blocks; those from half way on have drifted."""

    def __init__(self, data, encode, rng, drift, count):
        whole = [(split, place) for split in data.splits.values() for place in range(len(split))]
        order = rng.permutation(len(whole))[:count]
        self.data, self.encode = data, encode
        self.samples = [whole[place] for place in order]
        self.half = len(self.samples) // 2
        self.classes = deranged(len(data.classes), rng)
        self.pixels = rng.permutation(int(np.prod(data.shape)))
        self.drift = drift

    def __len__(self):
        return len(self.samples)

    def __iter__(self):
        for start in range(0, len(self), BLOCK):
            block = self.samples[start : start + BLOCK]
            inputs = self.encode(np.stack([split.read(place) for split, place in block]))
            for offset, (split, place) in enumerate(block):
                label, one = split.labels[place : place + 1], inputs[:, offset : offset + 1]
                yield self._drifted(one, label) if start + offset >= self.half else (np.ascontiguousarray(one), label)

    def _drifted(self, inputs, label):
        if self.drift == "labels":
            return np.ascontiguousarray(inputs), self.classes[label]
        return np.ascontiguousarray(inputs[..., self.pixels]), label


def deranged(count, rng):
    """A permutation of so many that leaves none in its place, drawn evenly from all of these.

    >>> all(deranged(10, np.random.default_rng(0)) != np.arange(10))
    True
    """
    while True:
        found = rng.permutation(count)
        if count < 2 or (found != np.arange(count)).all():
            return found
