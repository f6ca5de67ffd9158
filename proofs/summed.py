"""Gradients as sums over paths (`ottt_ref.paths`), as sides: one path after the other, or added up on the way."""

import ottt_ref as ot
from ottt_ref.paths.enumeration import Enumeration
from ottt_ref.paths.selection import require_selection
from ottt_ref.paths.unrolled import Unrolled

from .equality import Side


def one_by_one(keep):
    """The sum over the paths that a method keeps, or a Selection, each of them multiplied out, as a side."""
    return Side(lambda *data: Enumeration(Unrolled(*data), require_selection(keep, data[0])).gradients())


def added_up(keep):
    """The same sums for networks with too many paths to enumerate, as algebra."""
    return lambda *data: ot.paths.accumulate(*data, keep=keep)
