"""Claims of one's own: those of a module, from the working directory or installed, beside the theory's.

A module has them in `CLAIMS`, or as objects that are Claims. They are found by their names, as the theory's are.
"""

import re

from hypothesis.strategies import SearchStrategy

from ottt_ref.outside import OutsideError, look_here, module_named
from ottt_ref.validation import shown

from .claim import Claim
from .claims import BY_NAME, CLAIMS

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"  # a folder of refuting cases is called like it
KINDS = ("exact", "bound", "statistic")


def load(name):
    """The claims of the module of that name, in their order; from then on BY_NAME has them too.

    Raises OutsideError where there is no such module, or where its claims are none.
    """
    what = "argument --claims:"
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", name):
        raise OutsideError(f"{what} must be the name of a module, such as my_claims, got {name!r}")
    look_here()
    module = module_named(what, name)
    claims = _claims(what, name, module)
    for claim in claims:
        _require_sound(f"{what} {name}: claim", claim)
    names = [claim.name for claim in claims]
    twice = [each for each in names if names.count(each) > 1]
    if twice:
        raise OutsideError(f"{what} {name}: claims must have names of their own, got {twice[0]!r} twice")
    BY_NAME.update({claim.name: claim for claim in claims})
    return claims


def _claims(what, name, module):
    if not hasattr(module, "CLAIMS"):
        claims = tuple(value for value in vars(module).values() if isinstance(value, Claim) and value not in CLAIMS)
    elif isinstance(module.CLAIMS, list | tuple):
        claims = tuple(module.CLAIMS)
    else:
        raise OutsideError(f"{what} {name}.CLAIMS must be a list or tuple of Claims, got {shown(module.CLAIMS)}")
    if not claims:
        raise OutsideError(f"{what} module {name} holds no claim: no CLAIMS with something in it, and no Claim")
    return claims


def _require_sound(what, claim):
    """Refuse what `search.run` could not run, or a report not show."""
    if not isinstance(claim, Claim):
        raise OutsideError(f"{what}s must be of {Claim.__module__}.Claim, got {shown(claim)}")
    if not isinstance(claim.name, str) or not re.fullmatch(NAME, claim.name):
        raise OutsideError(f"{what} must be named by letters, digits, dots, dashes and underscores, got {claim.name!r}")
    if any(claim.name.upper() == theirs.name for theirs in CLAIMS):
        raise OutsideError(f"{what} {claim.name} must have another name: the theory has a claim of that name")
    wanted = {
        "statement": (isinstance(claim.statement, str), "a text"),
        "strategy": (isinstance(claim.strategy, SearchStrategy), "a strategy of Hypothesis"),
        "check": (callable(claim.check), "a function of a case that returns a Finding"),
        "kind": (claim.kind in KINDS, f"one of {', '.join(KINDS)}"),
        "share": (isinstance(claim.share, int | float) and claim.share > 0, "a number above 0"),
    }
    for field, (right, expected) in wanted.items():
        if not right:
            raise OutsideError(f"{what} {claim.name}: {field} must be {expected}, got {shown(getattr(claim, field))}")
