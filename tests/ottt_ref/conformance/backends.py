"""Backends for the tests of the command and of pytest's suite: the reference itself, varied."""

from ottt_ref.conformance.traps import forward_traps, gradient_traps
from ottt_ref.conformance.variations import Variation, compute

NOTHING = Variation("nothing", "as the reference", "nothing")


def right(case, method):
    return compute(case, method, NOTHING)


def varied(name):
    """The reference with the trap of that name."""

    def backend(case, method):
        traps = {trap.name: trap for trap in (*forward_traps(), *gradient_traps(case))}
        return compute(case, method, traps[name])

    return backend


unleaked = varied("reset-unleaked")
without_learning = varied("surrogate-zero")


def nothing(case, method):
    raise NotImplementedError("nothing yet")


def explodes(case, method):
    raise RuntimeError("bell \x07 and <angle> & more")


class OnlyOttt:
    """A class, which says what it has."""

    methods = ("forward", "ottt")

    def __call__(self, case, method):
        return right(case, method)


not_callable = 3
