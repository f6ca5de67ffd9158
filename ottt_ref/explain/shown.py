"""What a page is about, and its numbers as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..blackboard.quantities import HALF_SQUARES, BoardLoss
from ..network.network import Network
from ..simulation.simulator import Activity, run

LONGEST_FRACTION = 400  # letters of an exact number
SHORT_FRACTION = 24  # the same, on a page that has no room for longer ones
ROUNDED = "~"  # before a number of an exact page that was too long


@dataclass(frozen=True)
class Shown:
    """What the page is about.

    network, inputs, targets, loss   as of a blackboard, one sample
    title   what it is, in a few words
    says    what it shows, a sentence, or ""
    seen    what it compares, and where that is seen, sentences, or ""
    soft    whether the surrogate's primitive stands in for the spike
    """

    network: Network
    inputs: np.ndarray
    targets: np.ndarray
    loss: BoardLoss = HALF_SQUARES
    title: str = ""
    says: str = ""
    seen: str = ""
    soft: bool = False


def activity_of(shown: Shown) -> tuple[Activity, np.ndarray, Any]:
    """The Activity, ∂L/∂o [T, 1, n_out] and the loss."""
    activity = run(shown.network, shown.inputs, soft=shown.soft)
    loss, errors = shown.loss.of_steps(activity.outputs, shown.targets)
    return activity, errors, loss


def rows_of(array: np.ndarray, letters: int) -> list[list[Any]]:
    """[T, 1, n] as [n][T]."""
    return [[plain(value, letters) for value in row] for row in array[:, 0].T.tolist()]


def plain(number: Any, letters: int) -> Any:
    """A number for JSON. With `letters` 0 a float; else exact, "3/8", or a whole number that JavaScript can hold.

    letters  how many an exact number may have; a longer one is "~" and the nearest float, so that it is not taken for
             an exact one

    >>> plain(Fraction(3, 8), 100), plain(Fraction(2), 100), plain(2**53, 100), plain(Fraction(1, 3**9), 4)
    ('3/8', 2, '9007199254740992', '~5.080526342529086e-05')
    """
    if isinstance(number, str):
        return number
    if not letters:
        return float(number)
    fraction = Fraction(number)
    try:
        nearest = float(fraction)
    except OverflowError:
        raise ValueError("the network's numbers must stay below 1e308 to be shown, got one beyond that") from None
    if fraction.denominator == 1 and abs(fraction.numerator) < 2**53:
        return fraction.numerator
    text = str(fraction) if _digits(fraction) < letters + 2 else ""  # Python writes no more than 4300 digits
    return text if 0 < len(text) <= letters else f"{ROUNDED}{nearest!r}"


def _digits(fraction):
    """How many, but for one or two."""
    return (fraction.numerator.bit_length() + fraction.denominator.bit_length()) * 0.30103
