"""Numbers for the kernels of `ottt_ref`, which use only + - * / and comparisons.

Exact rationals are Python's fractions.Fraction. Here: dual numbers (a value and a derivative), magnitudes (a bound on
absolute values and on roundings), provenance (what a result was made of), integers modulo a prime (equalities of
polynomials), bounds of polynomials (degree and coefficients), intervals (signs for certain) and counters (operations).
"""

from .count import Counted, Tally
from .dual import Dual
from .interval import Interval, Undecided
from .magnitude import Magnitude
from .polynomial import Bound
from .prime_field import Residue
from .provenance import Provenance

__all__ = ["Bound", "Counted", "Dual", "Interval", "Magnitude", "Provenance", "Residue", "Tally", "Undecided"]
