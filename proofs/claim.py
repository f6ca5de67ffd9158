"""What a claim is: a statement with hypotheses, a way to draw cases, and a check that can fail."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis.strategies import SearchStrategy

from .equations import Sketch


class Refuted(AssertionError):
    """A case in which the claim's conclusion is false; the message says what was compared and by how much it fails."""


@dataclass(frozen=True)
class Finding:
    """What the check of one case found.

    slack      how near the case came to refuting the claim, a number whose meaning the claim's `slack_means` gives;
               None where nothing but exact arithmetic was used
    live       whether the case exercised the claim: some neuron fired, some did not, the gradients are not zero, ...;
               others are checked too, but do not count
    certified  whether no rounding can have decided it: intervals that hold every rounding settle it, or it was checked
               on sets of variables, for all numbers at once
    """

    slack: float | None
    live: bool
    certified: bool = False


@dataclass(frozen=True)
class Counterexample:
    """A case outside the hypotheses in which the conclusion fails.

    dropped  the hypothesis that does not hold
    show     computes the case, exactly, and returns a line that says what comes out; raises Refuted if the
             conclusion holds after all
    """

    dropped: str
    show: Callable[[], str]


@dataclass(frozen=True)
class Claim:
    """One claim of the theory.

    name            as in the theory: "E1"
    statement       the conclusion, in one line
    hypotheses      what it needs
    source          where it is stated and proved
    checked         what one case compares, and in which numbers
    kind            "exact" (no tolerance), "bound" (an inequality, its slack printed) or "statistic"
    sketch          the formula, a sketch of its proof, and the code of its equations, for the report
    slack_means     what the slack says, a text with a place for the number
    worst           max or min: which of many slacks to report
    strategy        Hypothesis strategy of cases
    check           case → Finding; raises Refuted
    counterexamples what happens without a hypothesis
    identities      equalities of polynomials (`identity.Identity`), proved for whole architectures
    share           the part of the asked number of cases that it gets, for claims whose cases are slow
    shrink          whether a refuting case is made small, which takes hundreds of further checks
    corners         whether the strategy draws in the `corners` that it is given
    """

    name: str
    statement: str
    hypotheses: str
    source: str
    checked: str
    kind: str
    strategy: SearchStrategy
    check: Callable[[object], Finding]
    sketch: Sketch | None = None
    slack_means: str = ""
    worst: Callable = max
    counterexamples: tuple = field(default=())
    identities: tuple = field(default=())
    share: float = 1.0
    shrink: bool = True
    corners: bool = True
