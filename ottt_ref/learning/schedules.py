"""Schedules of the learning rate.

    cosine   η(k) = η_min + (η_0 - η_min) (1 + cos(π k / K)) / 2

The formula is that of torch's CosineAnnealingLR.
"""

import math
from dataclasses import dataclass

from ..validation import require_count, require_nonnegative


@dataclass(frozen=True)
class CosineSchedule:
    """η(k) = minimum + (learning_rate - minimum) (1 + cos(π k / total)) / 2 for k = 0 .. total, then minimum.

    >>> import ottt_ref as ot
    >>> schedule = ot.training.CosineSchedule(learning_rate=0.1, total=4)
    >>> [round(schedule.at(k), 4) for k in range(6)]
    [0.1, 0.0854, 0.05, 0.0146, 0.0, 0.0]
    """

    learning_rate: float
    total: int
    minimum: float = 0.0

    def __post_init__(self):
        require_nonnegative("learning_rate", self.learning_rate)
        require_count("total", self.total)
        require_nonnegative("minimum", self.minimum)

    def at(self, k: int) -> float:
        """The learning rate of epoch (or step) k >= 0."""
        progress = min(require_count("k", k, minimum=0), self.total) / self.total
        return float(self.minimum + (self.learning_rate - self.minimum) * (1 + math.cos(math.pi * progress)) / 2)
