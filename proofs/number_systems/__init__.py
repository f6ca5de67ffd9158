"""Numbers for the kernels of `ottt_ref`, which use only + - * / and comparisons.

Exact rationals are Python's fractions.Fraction. Here: dual numbers (a value and a derivative), magnitudes (a bound on
absolute values and on roundings), and provenance (what a result was made of).
"""

from .dual import Dual
from .magnitude import Magnitude
from .provenance import Provenance

__all__ = ["Dual", "Magnitude", "Provenance"]
