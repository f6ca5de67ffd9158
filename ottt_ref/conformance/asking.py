"""Ask an adapter for a method of a case: what it returned, or why there is nothing to compare."""

from __future__ import annotations

import dis
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..tracebacks import last_frames
from ..validation import shown

if TYPE_CHECKING:
    from .adapter import Adapter
    from .files import Case

OWN_WORD = (
    "it was not raised by the adapter's own code: where the backend has no such thing, let the adapter raise "
    "NotImplementedError itself, or conformance.Unsupported"
)


class Unsupported(NotImplementedError):
    """Raised by an adapter, or anything that it calls: the backend does not have what is asked for, and why.

    A NotImplementedError counts as this only where the adapter's own package raises it, by a statement of its own: one
    from inside a framework may be a mistake.

    >>> from ottt_ref.conformance import Unsupported, checking, files
    >>> def adapter(case, method):
    ...     raise Unsupported("nothing yet")
    >>> verdict = next(checking.check(adapter, files.make_cases(["dense"])))
    >>> verdict.outcome, verdict.reason
    ('unsupported', 'nothing yet')
    """


@dataclass(frozen=True)
class Refusal:
    """Why an adapter returned nothing that can be compared.

    unsupported  whether the adapter says that the backend does not have it
    frames       where an exception was raised (`tracebacks.last_frames`), innermost last
    """

    unsupported: bool
    reason: str
    frames: tuple[str, ...] = ()


def ask(adapter: Adapter, case: Case, method: str) -> Mapping[str, Any] | Refusal:
    """What the adapter returns of the case's method, by name, or a Refusal."""
    known = getattr(adapter, "methods", None)
    if known is not None and method not in known:
        return Refusal(True, f"the adapter has the methods {', '.join(sorted(known))}")
    taken = getattr(adapter, "features", None) or ()
    missing = [feature for feature in getattr(case, "features", ()) if feature not in taken]
    if missing:
        return Refusal(True, f"the adapter does not say that it takes {', '.join(missing)} (its attribute features)")
    try:
        found = adapter(case, method)
        if hasattr(found, "keys") and hasattr(found, "__getitem__"):
            return {name: found[name] for name in found}  # here, as a mapping may compute what it is asked for
    except (Exception, SystemExit) as error:  # a backend may raise anything; its author needs to see where
        return _refusal(adapter, error)
    return Refusal(False, f"it must return a mapping of arrays, got {' '.join(shown(found).split())}")


def _refusal(adapter, error):
    if isinstance(error, NotImplementedError) and is_own_word(adapter, error):
        return Refusal(True, str(error) or "the adapter does not say why")
    frames = [frame for frame in last_frames(error) if not frame.startswith(__file__)] or last_frames(error)
    place = frames[-1].partition(", in ")[0]
    reason = f"{type(error).__name__}: {error} ({place})"
    if isinstance(error, NotImplementedError):
        reason = f"{reason}; {OWN_WORD}"
    return Refusal(False, reason, tuple(frames))


def is_own_word(adapter: Adapter, error: NotImplementedError) -> bool:
    """Whether a NotImplementedError says that the backend does not have something: see `Unsupported`."""
    if isinstance(error, Unsupported):
        return True
    innermost = error.__traceback__
    while innermost is not None and innermost.tb_next is not None:
        innermost = innermost.tb_next
    if innermost is None or innermost.tb_frame.f_globals.get("__name__") == __name__:
        return True  # of an adapter that is compiled, and leaves no frame
    module = str(innermost.tb_frame.f_globals.get("__name__"))
    own = _package(_module_of(adapter)) == _package(module) or module.startswith("ottt_ref.conformance.")
    return own and _by_a_statement(innermost)


def _module_of(adapter):
    while isinstance(adapter, functools.partial):
        adapter = adapter.func
    return str(getattr(adapter, "__module__", None) or type(adapter).__module__)


def _package(module):
    return module.partition(".")[0]


def _by_a_statement(innermost: TracebackType) -> bool:
    """Whether the frame raises it, and not a function without frames, as compiled ones are, that it calls."""
    for instruction in dis.get_instructions(innermost.tb_frame.f_code):
        if instruction.offset == innermost.tb_lasti:
            return instruction.opname.startswith(("RAISE", "RERAISE"))
    return True
