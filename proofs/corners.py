"""Corners: where several things are at their smallest or simplest at once, drawn on purpose and not by luck.

Many false claims are true almost everywhere: they fail for λ = 1 alone, or for neurons that are the same. One corner is
one choice of each: λ at 0 or at 1, the fewest time steps or one more, one sample or two that are the same, one neuron
per layer or two that are the same. `search` gives each of the sixteen corners its part of a claim's cases. A strategy
of cases asks `here()` for the corner that it should draw in, and stays within what its claim allows.
"""

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True)
class Corner:
    """One corner.

    forgets      λ = 0, otherwise λ = 1, as far as the claim allows
    fewest_steps the fewest time steps that the claim allows, otherwise one more
    one_sample   as few samples as allowed, otherwise one more, all of them the same
    one_neuron   as few neurons in a layer as allowed, otherwise one more, all of them the same
    """

    forgets: bool
    fewest_steps: bool
    one_sample: bool
    one_neuron: bool

    def decays(self, allowed):
        """Those of the allowed decays that lie in the corner: one, or all where no end is among them."""
        first, second = (0, 1) if self.forgets else (1, 0)
        return [decay for end in (first, second) for decay in allowed if decay == end][:1] or list(allowed)

    def steps(self, low, high):
        """The range of the number of time steps."""
        return _at(low if self.fewest_steps else low + 1, high)

    def samples(self, low, high):
        """The range of the number of samples."""
        return _at(low if self.one_sample else low + 1, high)

    def neurons(self, low, high):
        """The range of the number of neurons in a layer."""
        return _at(low if self.one_neuron else low + 1, high)


def _at(number, high):
    return (min(number, high),) * 2


CORNERS = tuple(Corner(*flags) for flags in product((False, True), repeat=4))
SHARE = 3  # one in so many of the live cases that a claim is asked for is sought in a corner
STRIDE = 5  # from corner to corner: neighbours in CORNERS differ in one thing alone
_HERE = ContextVar("corner", default=None)


def here():
    """The Corner that cases are to be drawn in, or None: anywhere."""
    return _HERE.get()


@contextmanager
def drawing_in(corner):
    """Strategies of cases draw in the corner meanwhile."""
    token = _HERE.set(corner)
    try:
        yield
    finally:
        _HERE.reset(token)


def quotas(cases, seed_number):
    """How many live cases each corner gets, {Corner: number}; the seed says which come first where there are few."""
    share = cases // SHARE
    order = [CORNERS[(seed_number + STRIDE * k) % len(CORNERS)] for k in range(len(CORNERS))]
    given = {corner: share // len(CORNERS) + (k < share % len(CORNERS)) for k, corner in enumerate(order)}
    return {corner: number for corner, number in given.items() if number}
