"""Regularisers: what is added to the loss for the spikes of the hidden and output layers, of a firing rate above all.

    R = Σ_t (1/T) Σ_l r(s^l[t]),   the mean over the batch               l: every spiking layer

It decomposes over the time steps, so its gradient enters at each of them: ∂R/∂s^l[t] is added to the error e^l[t] at
the spikes. What is a function of the whole sequence's rate, R = Σ_l r((1/T) Σ_t s^l[t]), does not decompose: its
gradient at t depends on spikes after t. BPTT can have it, a rule that runs forwards in time cannot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from ..annotations import Number
from ..exactness import exact_number, exact_values, is_rounded
from ..finite import refuse_non_finite
from ..kernel import kernel, rows
from ..network.network import Network, object_array
from ..validation import require_choice, require_nonnegative, require_unit_interval

OF = ("steps", "average")


class Regulariser:
    """What every regulariser offers: `evaluate(spikes)` → per sample r [B] and ∂r/∂s [B, ...], of one layer.

    A subclass of one's own defines `evaluate`, for spikes [B, ...] of any layer, and says what it needs:

    of        "steps": r of the spikes of each time step, which every method can have; "average": r of their average
              over the sequence, which no rule can have that runs forwards in time
    rational  whether it has values in exact numbers too

    It is tried on each spiking layer before a method starts. A larger penalty for neurons further to the right:

    >>> import numpy as np, ottt_ref as ot
    >>> class Ramp(ot.losses.Regulariser):
    ...     def evaluate(self, spikes):
    ...         slope = np.linspace(0, 1, spikes.shape[1])
    ...         return spikes @ slope, np.repeat(slope[np.newaxis], len(spikes), axis=0)
    >>> network, inputs, labels = ot.dense_network([2, 3, 2], rng=7), np.ones((4, 1, 2)), np.array([1])
    >>> float(ot.ottt.gradients(network, inputs, labels, regulariser=Ramp()).regularisation)
    1.0
    """

    of: Literal["steps", "average"] = "steps"
    rational: bool = False

    def evaluate(self, spikes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """r of each sample, [B], and ∂r/∂s, [B, ...], of one layer's spikes or average spikes [B, ...]."""
        raise TypeError(f"{type(self).__name__} must define evaluate(spikes)")


@kernel
def mean_rate(value, gradient, spikes, constants):
    """r = strength (1/n) Σ_i s_i."""
    strength, size = constants[0], constants[2]
    for b in range(spikes.shape[0]):
        value[b] = 0
        for i in range(spikes.shape[1]):
            value[b] += strength * spikes[b, i] / size
            gradient[b, i] = strength / size


@kernel
def mean_distance(value, gradient, spikes, constants):
    """r = strength (1/n) Σ_i (s_i - target)²."""
    strength, target, size = constants[0], constants[1], constants[2]
    for b in range(spikes.shape[0]):
        value[b] = 0
        for i in range(spikes.shape[1]):
            distance = spikes[b, i] - target
            value[b] += strength * distance * distance / size
            gradient[b, i] = strength * (distance + distance) / size


@dataclass(frozen=True)
class FiringRate(Regulariser):
    """A price of firing: r = strength (1/n) Σ_i s_i of the n neurons of a layer, or with a target rate the squared
    distance to it, r = strength (1/n) Σ_i (s_i - target)².

    strength  at least 0
    target    a rate in [0, 1], in spikes per time step, or None
    of        "steps": of the spikes of each time step. "average": of the rates over the sequence, for BPTT; without a
              target the same. Spike representation takes its own rates in either case

    Of a spike the squared distance is (1 - 2 target) s + target², so that over time steps its value is, up to a
    constant, a price of firing or of silence: it is met on average where a neuron fires at the target's rate at random.
    The distance of the sequence's own rate is of="average".

    >>> import numpy as np, ottt_ref as ot
    >>> spikes = np.array([[0.0, 1.0, 1.0, 0.0]])
    >>> for regulariser in (ot.losses.FiringRate(0.5), ot.losses.FiringRate(0.5, target=0.25)):
    ...     value, gradient = regulariser.evaluate(spikes)
    ...     print(value.tolist(), gradient.tolist())
    [0.25] [[0.125, 0.125, 0.125, 0.125]]
    [0.15625] [[-0.0625, 0.1875, 0.1875, -0.0625]]
    """

    strength: Number
    target: Number | None = None
    of: Literal["steps", "average"] = "steps"

    rational = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", require_nonnegative("strength", self.strength))
        if self.target is not None:
            object.__setattr__(self, "target", require_unit_interval("target", self.target))
        require_choice("of", self.of, OF)

    def evaluate(self, spikes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        target = 0 if self.target is None else self.target
        numbers: list[Any] = [self.strength, target, spikes[0].size]
        if spikes.dtype.hasobject:
            rounded = [number for number in spikes.flat if is_rounded(number)]
            spikes = spikes if rounded else exact_values(spikes)
            numbers = [type(rounded[0])(number) if rounded else exact_number(number) for number in numbers]
        constants = np.array(numbers, dtype=spikes.dtype)
        value, gradient = np.empty(len(spikes), dtype=spikes.dtype), np.empty_like(spikes)
        of_kind = mean_rate if self.target is None else mean_distance
        of_kind(value, rows(gradient), rows(spikes), constants)
        return value, gradient


def require_regulariser(regulariser: Regulariser | None, network: Network, *, forwards: str = "") -> Regulariser | None:
    """Check that `regulariser` is None or one that has values in the network's numbers.

    forwards  the name of a method that runs forwards in time, which cannot have one of the average

    Raises TypeError or ValueError.

    >>> import ottt_ref as ot
    >>> from ottt_ref.learning.regularisers import require_regulariser
    >>> network = ot.dense_network([2, 3, 2], rng=0)
    >>> require_regulariser(ot.losses.FiringRate(0.1, 0.2, of="average"), network, forwards="OTTT")
    Traceback (most recent call last):
    ValueError: regulariser must be of='steps' for OTTT, which knows no spikes of later time steps, got \
FiringRate(strength=0.1, target=0.2, of='average')
    """
    if regulariser is None:
        return None
    if not isinstance(regulariser, Regulariser) or type(regulariser) is Regulariser:
        raise TypeError(f"regulariser must be None or one such as FiringRate(0.01), got {regulariser!r}")
    require_choice("regulariser.of", regulariser.of, OF)
    if forwards and regulariser.of != "steps":
        raise ValueError(
            f"regulariser must be of='steps' for {forwards}, which knows no spikes of later time steps, got "
            f"{regulariser!r}"
        )
    if network.exact_numbers and not regulariser.rational:
        raise TypeError(f"regulariser must be FiringRate for a network of exact numbers, got {regulariser!r}")
    if type(regulariser) is not FiringRate:
        for l in network.spiking:
            spikes = np.full((2, *network.shapes[l]), network.number(0), dtype=network.dtype)
            _evaluated(regulariser, spikes, network)
    return regulariser


def regularisation(
    regulariser: Regulariser, network: Network, spikes: Mapping[int, np.ndarray] | Sequence[np.ndarray], divisor: int
) -> tuple[float | np.floating | Fraction, dict[int, np.ndarray]]:
    """Σ_l r(s^l) / divisor, the mean over the batch, and its gradient at the spikes [B, ...] of each spiking layer.

    spikes  [B, ...] by layer

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.learning.regularisers import regularisation
    >>> network, spikes = ot.dense_network([2, 2, 2], rng=0), {0: np.array([[1.0, 0.0]])}
    >>> regularisation(ot.losses.FiringRate(1.0), network, spikes, 4)
    (np.float64(0.125), {0: array([[0.125, 0.125]])})
    """
    total: Any = 0
    gradients = {}
    for l in network.spiking:
        value, gradient = _evaluated(regulariser, spikes[l], network)
        of_layer: Any = 0
        for each in value:
            of_layer = of_layer + each
        scale = divisor * len(value)
        total = total + of_layer / scale
        gradients[l] = gradient / scale
    return total, gradients


def _evaluated(regulariser, spikes, network):
    """`regulariser.evaluate`; of one that is not built in what comes is checked, and it is given a copy to work on."""
    if spikes.dtype.hasobject:  # of spikes that are whole numbers, which would be divided to floats
        spikes = object_array(spikes, network.number)
    if type(regulariser) is FiringRate:
        return regulariser.evaluate(spikes)
    found = regulariser.evaluate(spikes.copy())
    wanted = {"the values [B]": spikes.shape[:1], "the gradients [B, ...]": spikes.shape}
    if not isinstance(found, tuple) or len(found) != 2:
        raise TypeError(f"regulariser.evaluate must return {' and '.join(wanted)}, got {found!r}")
    for (what, shape), array in zip(wanted.items(), found):
        plain = isinstance(array, np.ndarray) and not isinstance(array, np.ma.MaskedArray)
        if not plain or array.shape != shape or array.dtype != spikes.dtype:
            got = f"{array.dtype} {list(array.shape)}" if plain else repr(array)
            raise ValueError(f"regulariser.evaluate must return {what} as {spikes.dtype} {list(shape)}, got {got}")
        refuse_non_finite(f"{what} of the regulariser", array)
    if network.exact_numbers:
        for number in (number for array in found for number in array.flat):
            if is_rounded(number):
                raise TypeError(
                    f"regulariser.evaluate must give exact numbers for exact numbers, got the float {number!r}"
                )
        return exact_values(found[0]), exact_values(found[1])
    return found
