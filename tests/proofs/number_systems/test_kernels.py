"""Each kernel runs on each number system that makes sense, and says what it should there; on the others it stops.

What makes sense follows from what a kernel does: nearly all use + - * alone and run on everything; some divide, which
polynomials' bounds and magnitudes cannot; some compare, which needs ordered numbers; a few take exponentials and roots,
and run on floats alone (`proofs.enclosed` has their intervals).
"""

from fractions import Fraction

import numpy as np
import pytest

from ottt_ref.network.network import object_array
from proofs.number_systems.count import Counted, Tally
from proofs.number_systems.dual import Dual
from proofs.number_systems.interval import as_interval
from proofs.number_systems.magnitude import Magnitude, as_magnitude
from proofs.number_systems.polynomial import VARIABLE, as_bound
from proofs.number_systems.prime_field import Residue
from proofs.number_systems.provenance import variable, variables_of
from tests.ottt_ref.test_kernel import ARGUMENTS, Draw, all_kernels
from tests.selection import one_in

OF_NUMBERS = [name for name in ARGUMENTS if name != "finite.all_finite"]  # which is asked of floats alone
SMOOTH = ("sigmoid", "arctan", "multi_gaussian")
FLOATS_ALONE = {
    "losses.cross_entropy",
    "weight_standardisation.standardise",
    "weight_standardisation.standardisation_gradients",
    *(f"surrogate.{name}_{kind}" for name in SMOOTH for kind in ("derivative", "primitive")),
}
COMPARING = {
    "max_pooling.max_pool",
    "max_pooling.max_pool_adjoint",
    "neurons.fire",
    "each.fire_each",
    "spike_representation.clamp",
    "spike_representation.clamp_each",
    "spike_representation.clamp_gate",
    "spike_representation.clamp_gate_each",
    *(
        f"surrogate.{name}_{kind}"
        for name in ("triangle", "rectangle", "fast_sigmoid")
        for kind in ("derivative", "primitive")
    ),
}
DIVIDING = {
    "losses.squared_error",
    "regularisers.mean_distance",
    "regularisers.mean_rate",
    "spike_representation.threshold_gradient",
}
ORDERED = {"dual", "interval", "counted"}
FIELDS = ORDERED | {"residue", "provenance"}
EVERYTHING = FIELDS | {"magnitude", "bound"}


class Eighths(Draw):
    """Multiples of 1/8: exact in floats, and residues of small fractions."""

    def array(self, *shape):
        return np.round(8 * super().array(*shape)) / 8

    def constants(self):
        return np.array([0.5, 0.75, -0.25])


def allowed(name):
    """The number systems on which the kernel makes sense."""
    if name in FLOATS_ALONE:
        return set()
    if name in COMPARING:
        return ORDERED
    if name == "finite.all_finite":  # asks whether numbers are 0: numbers with a value alone can tell
        return ORDERED | {"residue"}
    return FIELDS if name in DIVIDING else EVERYTHING


def converters(tally):
    """By system: what makes its number of a float."""
    return {
        "dual": lambda value: Dual(Fraction(value), Fraction(0)),
        "interval": as_interval,
        "counted": lambda value: Counted(value, tally),
        "residue": lambda value: Residue(0) + Fraction(value),
        "provenance": lambda value: variable("one of the arguments"),
        "magnitude": lambda value: Magnitude(abs(value)),
        "bound": lambda value: VARIABLE,
    }


def agrees(system, got, exact):
    """Whether a kernel's result in a number system is what it must be, beside the exact one."""
    if system == "dual":
        return (got.value if isinstance(got, Dual) else got) == exact
    if system == "interval":
        return exact in as_interval(got)
    if system == "counted":
        return abs(float(got) - float(exact)) <= 1e-12 * (1 + abs(float(exact)))
    if system == "residue":
        return Residue(0) + exact == got
    if system == "provenance":
        return bool(variables_of(got)) or exact in (0, 1)
    if system == "magnitude":
        return as_magnitude(got).value >= abs(float(exact)) * (1 - 1e-12)
    return as_bound(got).mass > 0 or exact == 0


def results(name, seed, convert):
    """Every number in the arrays of the kernel's arguments after it ran on converted ones, for each set of them."""
    for arguments in ARGUMENTS[name](Eighths(np.float64, seed)):
        converted = [object_array(each, convert) if of_numbers(each) else each for each in arguments]
        all_kernels()[name].source(*converted)
        yield [number for each in converted if of_numbers(each) for number in each.flat]


def of_numbers(argument):
    """Whether it is an array, but of indices."""
    return isinstance(argument, np.ndarray) and argument.dtype.kind != "i"


@pytest.mark.parametrize("name", one_in(3, [name for name in OF_NUMBERS if name not in FLOATS_ALONE]))
def test_a_kernel_says_the_same_on_every_number_system_that_makes_sense(name):
    exact = [list(run) for seed in range(2) for run in results(name, seed, Fraction)]
    for system, convert in converters(Tally()).items():
        if system not in allowed(name):
            continue
        got = [list(run) for seed in range(2) for run in results(name, seed, convert)]
        assert all(agrees(system, a, b) for run, other in zip(got, exact) for a, b in zip(run, other)), system
        assert any(number for run in exact for number in run)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_a_kernel_stops_on_the_others(name):
    for system, convert in converters(Tally()).items():
        if system in allowed(name) or (system == "counted" and name in FLOATS_ALONE):  # a counted number is a float too
            continue
        with pytest.raises(TypeError):
            list(results(name, 0, convert))
