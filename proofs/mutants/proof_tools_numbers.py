"""Faults in the number systems and in what is certified with them; the tests of each tool must kill them."""

from .mutant import of_proofs

NUMBERS = (
    *of_proofs(
        "number_systems/balls.py",
        "number_systems/test_balls.py",
        (
            "a sum's rounding is forgotten",
            "self.radius + other.radius + UNIT * abs(middle)",
            "self.radius + other.radius",
        ),
    ),
)
