"""Equalities proved for an architecture: two sides evaluated as polynomials at one random point.

Weights, biases, decay, threshold, spikes, surrogate derivatives, potentials and output errors are independent
variables; both sides are polynomials in them with integer coefficients, computed by the kernels themselves. The kernels
run on `Bound`s to find how large degree and coefficients can be, and then on residues modulo a prime above twice the
coefficients: if the sides agree at a uniformly random point, they are the same polynomial, but for a probability of at
most degree / prime, and then they are equal for every network of the architecture, every input and any numbers.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import ottt_ref as ot
from ottt_ref.network.layers import INPUTS
from ottt_ref.simulation.simulator import Activity

from .claim import Refuted
from .number_systems.polynomial import VARIABLE, as_bound
from .number_systems.prime_field import prime_above, random_residue

LARGEST_FAILURE = 1e-12


@dataclass(frozen=True)
class Architecture:
    """What is fixed while all numbers are free.

    sizes     [n_in, n_1, ..., n_out]; with readout "spiking" every size after the first is a spiking layer
    loops     (source, target) of each recurrent or feedback connection
    delays    by layer, the time steps from the layer before; () for none. Then loops have a delay of 2, and the last
              layer hears the first also by a skip with a delay of 1
    forgets   whether λ is 0, not a variable
    """

    sizes: tuple
    time_steps: int
    readout: str = "spiking"
    reset: str = "soft"
    loops: tuple = ()
    forgets: bool = False
    delays: tuple = ()

    def data(self, variable):
        """A network, its activity and ∂L/∂o [T, 1, n_out], with `variable()` in place of each free number."""
        network = self._network(variable)
        return network, *free_data(network, self.time_steps, variable)

    def _network(self, variable):
        decay = 0 if self.forgets else variable()
        neuron = unchecked(ot.LIF(reset=self.reset), decay=decay, threshold=variable(), reset_potential=variable())
        neurons = [neuron] * (len(self.sizes) - 1)
        if self.readout != "spiking":
            neurons[-1] = unchecked(ot.Integrator(), decay=decay if self.readout == "leaky" else 0)
        back = {ends: self._dense(variable, *ends) for ends in self.loops}
        late, last, layers = 2 if self.delays else 1, len(neurons) - 1, []
        for l, (neuron, delay) in enumerate(zip(neurons, self.delays or (0,) * len(neurons))):
            weight = free_array(variable, self.sizes[l + 1], self.sizes[l])
            synapses = ot.Dense(weight, free_array(variable, self.sizes[l + 1]))
            loop = back.pop((l, l), None)
            layers.append(ot.Layer(synapses, neuron, loop, delay, 1 if loop is None else late))
        skips = [ot.Skip(0, last, self._dense(variable, 0, last), 1)] if self.delays and last > 0 else []
        feedback = [ot.Feedback(*ends, synapses, late) for ends, synapses in back.items()]
        return ot.Network(layers, feedback=feedback, skips=skips)

    def _dense(self, variable, source, target):
        return ot.Dense(free_array(variable, self.sizes[target + 1], self.sizes[source + 1]), False)

    def __str__(self):
        loops = "".join(f", {k} to {l} at t - {2 if self.delays else 1}" for k, l in self.loops)
        loops += f", delays {self.delays} and a skip at t - 1" if self.delays else ""
        sizes = "-".join(map(str, self.sizes))
        return f"{sizes}, T = {self.time_steps}, readout {self.readout}, reset {self.reset}{loops}"


def free_data(network, time_steps, variable):
    """An activity of the network and ∂L/∂o [T, 1, n_out], with `variable()` in place of each free number."""

    def sequence(l, number=variable):
        return free_array(number, time_steps, 1, *network.shape_of(l))

    layers = range(len(network.layers))
    activity = Activity(
        sequence(INPUTS),
        tuple((sequence(l),) for l in layers),
        tuple(sequence(l) for l in layers),
        tuple(sequence(l, variable if l in network.spiking else lambda: 1) for l in layers),
        network.spiking,
    )
    return activity, sequence(len(network.layers) - 1)


def free_array(variable, *shape):
    """An object array of `variable()`s."""
    result = np.empty(shape, dtype=object)
    for index in np.ndindex(shape):
        result[index] = variable()
    return result


def unchecked(described, **values):
    """A copy of neurons or of an operation with other values, which need not be numbers that can be compared."""
    result = copy.copy(described)
    for name, value in values.items():
        object.__setattr__(result, name, value)
    return result


@dataclass(frozen=True)
class Identity:
    """Two expressions (network, activity, output_errors) → {parameter: array}, equal on every architecture.

    name            what is compared
    parameters      (network) → the names of what is compared; everything if None
    architectures   (depth, width, T) → the architectures on which it is certified
    costly          whether a side takes minutes on the largest architecture
    """

    name: str
    left: Callable
    right: Callable
    architectures: Callable
    parameters: Callable | None = None
    costly: bool = False


@dataclass(frozen=True)
class Certificate:
    """An identity that holds on one architecture, but for a probability of `failure`.

    degree           of the polynomials, at most
    coefficient_bits how long their coefficients are, at most; the prime is longer
    """

    identity: str
    architecture: str
    degree: int
    coefficient_bits: int
    prime_bits: int
    failure: float


def certify(identity, architecture, rng):
    """The Certificate of the identity on the architecture; raises Refuted where the sides differ."""
    network, *data = architecture.data(lambda: VARIABLE)
    names = list(network.parameters) if identity.parameters is None else identity.parameters(network)
    bounds = [
        as_bound(number) for side in (identity.left, identity.right) for number in _all(side(network, *data), names)
    ]
    degree, mass = max(bound.degree for bound in bounds), max(bound.mass for bound in bounds)
    # no coefficient of left - right exceeds 2 mass: below the prime, it is 0 where it is 0 modulo the prime
    prime = prime_above(max(2 * mass, degree / LARGEST_FAILURE))
    network, *data = architecture.data(lambda: random_residue(rng, prime))
    left, right = (side(network, *data) for side in (identity.left, identity.right))
    for name in names:
        if left[name].shape != right[name].shape:
            raise Refuted(f"{identity.name}: {name} is {left[name].shape} and {right[name].shape}, on {architecture}")
        if any(a != b for a, b in zip(left[name].flat, right[name].flat)):
            raise Refuted(f"{identity.name}: the sides differ in {name} as polynomials, on {architecture}")
    if all(number == 0 for name in names for number in left[name].flat):
        raise Refuted(f"{identity.name}: vacuous, both sides are 0 on {architecture}")
    return Certificate(identity.name, str(architecture), degree, mass.bit_length(), prime.bit_length(), degree / prime)


def _all(values, names):
    return [number for name in names for number in values[name].flat]


MODEST = (3, 6)  # width and T of the variants beside the largest architecture


def architectures(depth, width, time_steps, *, resets=("soft", "unleaked"), readouts=("spiking", "linear"), **options):
    """The largest architecture, with every kind of loop, and modest ones of each reset, readout and kind of loop.

    An identity with loops is one without: their weights are variables, which may be 0.
    """
    last = depth - 1
    everything = tuple((l, l) for l in range(depth)) + (((last, 0),) if depth > 1 else ())
    hidden = (width,) * depth
    result = [
        Architecture(_sizes(width, hidden, readouts[0]), time_steps, readouts[0], resets[0], everything, **options)
    ]
    width, time_steps = min(width, MODEST[0]), min(time_steps, MODEST[1])
    for reset in resets:
        for readout in readouts:
            for loops in ((), everything[:depth], everything[depth:], everything):
                sizes = _sizes(width, (width,) * depth, readout)
                result.append(Architecture(sizes, time_steps, readout, reset, loops, **options))
    return list(dict.fromkeys(result))


def _sizes(inputs, hidden, readout):
    return (inputs, *hidden) if readout == "spiking" else (inputs, *hidden, 2)
