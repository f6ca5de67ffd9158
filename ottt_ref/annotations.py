"""What annotations call the things that have no name in Python or numpy. Shapes stand in the docstrings, in words."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

Number = float | Fraction  # to type checkers, an int is a float, too
Shape = tuple[int, ...]  # of one sample: (n,), or (C, H, W) of images
Seed = np.random.Generator | np.random.BitGenerator | np.random.SeedSequence | int | None
ConvertArray = Callable[[np.ndarray], np.ndarray]
ConvertNumber = Callable[..., Number]  # of one number: float, Fraction
