"""What a page is about, and its numbers as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..blackboard.quantities import HALF_SQUARES, BoardLoss
from ..network.network import Network
from ..simulation.simulator import Activity, run

LONGEST_FRACTION = 100  # letters; longer ones become floats


@dataclass(frozen=True)
class Shown:
    """What the page is about.

    network, inputs, targets, loss   as of a blackboard, one sample
    title   what it is, in a few words
    says    what it shows, a sentence, or ""
    soft    whether the surrogate's primitive stands in for the spike
    """

    network: Network
    inputs: np.ndarray
    targets: np.ndarray
    loss: BoardLoss = HALF_SQUARES
    title: str = ""
    says: str = ""
    soft: bool = False


def activity_of(shown: Shown) -> tuple[Activity, np.ndarray, Any]:
    """The Activity, ∂L/∂o [T, 1, n_out] and the loss."""
    activity = run(shown.network, shown.inputs, soft=shown.soft)
    loss, errors = shown.loss.of_steps(activity.outputs, shown.targets)
    return activity, errors, loss


def rows_of(array: np.ndarray, exact: bool) -> list[list[Any]]:
    """[T, 1, n] as [n][T]."""
    return [[plain(value, exact) for value in row] for row in array[:, 0].T.tolist()]


def plain(number: Any, exact: bool) -> Any:
    """A number for JSON: fractions as "3/8", whole ones as they are."""
    if isinstance(number, str):
        return number
    if not exact:
        return float(number)
    fraction = Fraction(number)
    if fraction.denominator == 1 and abs(fraction.numerator) < 2**53:
        return fraction.numerator
    text = str(fraction)
    if len(text) <= LONGEST_FRACTION:
        return text
    try:
        return float(fraction)
    except OverflowError:
        raise ValueError("the network's numbers must stay below 1e308 to be shown, got one beyond that") from None
