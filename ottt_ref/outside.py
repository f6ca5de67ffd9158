"""What users wrote themselves, by name: a module, or something in it, from the working directory or installed.

Whatever goes wrong in it is one line that names it: an `OutsideError`, which the command line prints.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

from .methods import Rule
from .methods.shared.driver import started
from .network.network import Network
from .tracebacks import last_frames
from .validation import shown


class OutsideError(ValueError):
    """A module, rule or claim of the user's own that cannot be had, or that stopped; the message says why and where.

    >>> from ottt_ref.outside import module_named
    >>> module_named("adapter 'no_module:a':", "no_module")
    Traceback (most recent call last):
    ottt_ref.outside.OutsideError: adapter 'no_module:a': cannot import no_module: No module named 'no_module'
    """


def look_here() -> None:
    """Have modules of the working directory found first, as `python -m` has it."""
    if sys.path[:1] != [os.getcwd()]:
        sys.path.insert(0, os.getcwd())


def module_named(what: str, name: str) -> ModuleType:
    """The module of that name; `what` begins the message of an OutsideError where it cannot be imported."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise OutsideError(f"{what} cannot import {name}: {error}") from None
    except (Exception, SystemExit) as error:  # its own code may raise anything, and end the program
        raise OutsideError(f"{what} cannot import {name}: {said(error)}") from None


def named(what: str, text: str) -> object:
    """What "package.module:name" names; raises OutsideError that begins with `what`.

    >>> from ottt_ref.outside import named
    >>> named("argument --method:", "math:tau")
    6.283185307179586
    >>> named("argument --method:", "math:rule")
    Traceback (most recent call last):
    ottt_ref.outside.OutsideError: argument --method: 'math:rule': module math has no 'rule'
    """
    module_name, colon, name = text.partition(":") if isinstance(text, str) else ("", "", "")
    if not colon or not module_name or not name:
        raise OutsideError(f"{what.removesuffix(':')} must be written as package.module:name, got {text!r}")
    found = module_named(f"{what} {text!r}:", module_name)
    if not hasattr(found, name):
        raise OutsideError(f"{what} {text!r}: module {module_name} has no {name!r}")
    return getattr(found, name)


def rule_named(what: str, text: str, network: Network) -> Callable[[Network, int], Rule]:
    """The rule that "package.module:name" names, a Rule subclass or a function (network, batch_size) → Rule.

    It is tried on a batch of one sample. Raises OutsideError that begins with `what`.

    >>> import ottt_ref as ot
    >>> from ottt_ref.outside import rule_named
    >>> rule_named("argument --method:", "ottt_ref.methods.sltt:SLTT", ot.dense_network([2, 3, 2], rng=0)).__name__
    'SLTT'
    """
    rule = named(what, text)
    if not callable(rule):
        raise OutsideError(
            f"{what} {text!r} must be a Rule subclass or a function (network, batch_size) → Rule, got {shown(rule)}"
        )
    with told(f"{what} {text!r}"):
        started(rule, network, 1, None)
    return rule


@contextmanager
def told(what: str) -> Iterator[None]:
    """A block that runs the user's own code: whatever it raises becomes an OutsideError that begins with `what`."""
    try:
        yield
    except (OutsideError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise OutsideError(f"{what} stopped with {said(error)}") from None


def said(error: BaseException) -> str:
    """An exception in a line: its type, its words, and the place where it was raised.

    >>> from ottt_ref.outside import said
    >>> said(SyntaxError("invalid syntax", ("rule.py", 3, 1, "class")))
    'SyntaxError: invalid syntax (rule.py, line 3)'
    """
    frames = last_frames(error)
    place = f" ({frames[-1].partition(', in ')[0]})" if frames and not isinstance(error, SyntaxError) else ""
    return f"{type(error).__name__}: {error}{place}"
