"""What each method takes on digits: networks trained by it, and counts of an inference and of its update."""

from dataclasses import dataclass

import numpy as np

from ottt_ref.methods import METHODS as REGISTRY

from ..digits.data import sequence
from ..firing.measure import Settings as Training
from ..firing.measure import digits_of, trained
from . import counting

ALGEBRA = {"ottt-a": "ottt", "ottt-o": "ottt"}  # others are called as the library calls them
SMALL = (8, 8)  # hidden layers of the network on which RTRL is counted too


@dataclass(frozen=True)
class Energies:
    """Picojoules of operations in 32-bit floating point, and of reading 32 bits from memories.

    Horowitz 2014, Computing's energy problem (and what we can do about it), ISSCC, figure 1.1.9: 45 nm CMOS, 0.9 V. A
    multiplication 3.7 pJ and an addition 0.9 pJ; a cache gives 64 bits for 10 pJ (8 kB) or 100 pJ (1 MB), of which half
    is taken here.
    """

    multiply_accumulate: float = 4.6
    accumulate: float = 0.9
    read_small_cache: float = 5.0
    read_large_cache: float = 50.0
    source: str = "Horowitz 2014, ISSCC, 45 nm CMOS, 0.9 V, 32-bit floating point"

    def of(self, counts):
        """Picojoules of (MAC, AC)."""
        return self.multiply_accumulate * counts[0] + self.accumulate * counts[1]


ENERGIES = Energies()


@dataclass(frozen=True)
class Settings:
    """What was asked for: how networks are trained, how many test images are counted, and how pixels enter.

    inputs  "currents": a pixel in [0, 1] is the current of every time step; "spikes": it is the probability of a spike
    """

    training: Training
    images: int = 4
    inputs: str = "spikes"


def examples(network, method, seed, settings, digits):
    """An Example for each of some test images, drawn by the seed."""
    rng = np.random.default_rng([seed, 1])
    chosen = rng.choice(len(digits.test_labels), settings.images, replace=False)
    for k in chosen:
        images = sequence(digits.test_images[k : k + 1].astype("float64"), settings.training.time_steps)
        spiking = settings.inputs == "spikes"
        shown = (rng.random(images.shape) < images).astype("float64") if spiking else images
        yield counting.Example(network, shown, digits.test_labels[k : k + 1], spiking)


def measure(method, seed, settings):
    """Counts [MAC, AC] by part, of an inference and of the method's update, for each image: plain data."""
    digits = digits_of(settings.training)
    network = trained(method, seed, settings.training, digits).astype("float64")
    algebra = ALGEBRA.get(method, method)
    found = {"method": method, "seed": seed, "inference": [], "update": []}
    for example in examples(network, method, seed, settings, digits):
        found["inference"].append(counting.by_part(counting.inference(example)))
        found["update"].append(counting.by_part(counting.update(example, algebra)))
    return found


def small(seed, settings):
    """Counts of every method's update, RTRL's among them, on one network that OTTT_A trained and one image."""
    training = Training(
        hidden=SMALL, epochs=settings.training.epochs, time_steps=settings.training.time_steps, methods=("ottt-a",)
    )
    digits = digits_of(training)
    network = trained("ottt-a", seed, training, digits).astype("float64")
    (example,) = examples(network, "ottt-a", seed, Settings(training, 1, settings.inputs), digits)
    found = {"network": training.words, "inference": counting.by_part(counting.inference(example)), "update": {}}
    for method in REGISTRY:
        try:
            found["update"][method] = counting.by_part(counting.update(example, method))
        except counting.TooLargeError as reason:
            found["update"][method] = str(reason)
    return found


def total(parts):
    """[MAC, AC] of all parts."""
    return [sum(counts[k] for counts in parts.values()) for k in range(2)]
