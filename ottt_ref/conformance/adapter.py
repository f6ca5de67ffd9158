"""What stands between the kit and a backend: an adapter, which runs a case by the backend.

An adapter is a callable

    def adapter(case, method):
        ...
        return {"layer0.weight": array, ...}

`case` is a `files.Case`: `case.parameters`, `case.inputs`, `case.targets`, `case.loss`, `case.dtype`, `case.network`,
and `case.entry`, the same as plain data. `method` is one of `case.methods`. What is returned is a mapping of arrays
(anything that `numpy.asarray` takes):

    "forward"              spikes/L of each spiking layer L, [T, B, ...], and outputs [T, B, C]; where it has them
                           potential/L, psi/L and loss, which tell where a difference begins
    a gradient method      the gradient of each parameter, by its name; where it has them error/L [T, B, ...], loss,
                           and of "ottt" trace/CONNECTION and constant_trace/L
    an online method       each parameter after each time step, [T, ...], by its name

What must be there is compared, and so is what may be and is. Anything else that is returned is not compared, and the
report says so. What the backend does not have is said by NotImplementedError("why"), which the adapter's own package
raises: it is reported as unsupported, never as a pass. One that comes from inside another package is a failure, as any
exception is: it may be a mistake. `conformance.Unsupported("why")` may come from anywhere.
An adapter with an attribute `methods`, a collection of names, is asked for these alone.
An adapter with an attribute `features`, a collection of names of `specifications.FEATURES`, is asked for the cases that
need them: it takes `case.weights` [T, B], `case.targets` [T, B], `case.initial_state` by name, `case.loss_time_steps`.
Without it such cases are unsupported.
An adapter whose attribute `given_spikes` is true computes its gradients at the reference's spikes and surrogate
derivatives (`case.arrays["spikes/0"]`, "psi/0"), so that a spike that flips by rounding cannot spoil them.
An adapter whose attribute `case_set` is a number is pinned to that version of the set of cases: cases that later
versions of ottt_ref add are not asked for, so that a passing test-suite goes on passing.
A class is instantiated without arguments, once.

>>> import ottt_ref as ot
>>> from ottt_ref.conformance import checking, files, report
>>> def adapter(case, method):
...     if method != "bptt":
...         raise NotImplementedError("this one has BPTT alone")
...     return ot.bptt.gradients(case.network, case.inputs, case.targets, case.loss)
>>> print(report.summary(list(checking.check(adapter, files.make_cases(["dense"])))))
1 passed, 0 failed, 10 unsupported, 0 not compared
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path

from numpy.typing import ArrayLike

from ..outside import OutsideError, named
from . import files
from .arrays import NEAR
from .reference import MEANINGS
from .specifications import FEATURES

Adapter = Callable[[files.Case, str], Mapping[str, ArrayLike]]


class AdapterError(Exception):
    """An adapter that cannot be had; the message says why.

    >>> load_adapter("my_backend")
    Traceback (most recent call last):
    ottt_ref.conformance.adapter.AdapterError: adapter must be written as package.module:name, got 'my_backend'
    """


def load_adapter(text: str) -> Adapter:
    """The adapter that "package.module:name" names. Raises AdapterError where there is none.

    >>> load_adapter("numpy:adapter")
    Traceback (most recent call last):
    ottt_ref.conformance.adapter.AdapterError: adapter 'numpy:adapter': module numpy has no 'adapter'
    """
    try:
        return prepared(named("adapter", text))  # type: ignore[arg-type]
    except OutsideError as error:
        raise AdapterError(str(error)) from None


def load_for(adapter: Adapter, folder: str | Path) -> list[files.Case]:
    """The cases of a folder that the adapter asks for; raises as `files.load` does.

    >>> import tempfile
    >>> from ottt_ref.conformance import files
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = files.export(folder, ["dense"])
    ...     [case.name for case in load_for(lambda case, method: {}, folder)]
    ['dense']
    """
    pinned = getattr(adapter, "case_set", None)
    return [case for case in files.load(folder) if pinned is None or case.since <= pinned]


def prepared(adapter: Adapter | type) -> Adapter:
    """The adapter as a callable (case, method) → mapping; a class is instantiated. Raises AdapterError otherwise.

    >>> class Backend:
    ...     methods = ("forward",)
    ...     def __call__(self, case, method):
    ...         return {}
    >>> prepared(Backend).methods
    ('forward',)
    """
    try:
        made = adapter() if inspect.isclass(adapter) else adapter
    except Exception as error:
        raise AdapterError(
            f"adapter {getattr(adapter, '__name__', adapter)!r} cannot be made: {type(error).__name__}: {error}"
        ) from error
    if not callable(made):
        raise AdapterError(f"adapter must be callable as adapter(case, method), got {made!r}")
    _require_signature(made)
    _require_methods(made)
    _require_features(made)
    try:
        files.specifications(getattr(made, "case_set", None))
    except (TypeError, ValueError) as error:
        raise AdapterError(f"adapter: {error}") from None
    except Exception as error:  # of a property
        raise AdapterError(f"adapter: case_set cannot be read: {type(error).__name__}: {error}") from error
    return made


def _require_signature(made):
    try:
        signature = inspect.signature(made)
    except (TypeError, ValueError):  # of what is compiled
        return
    try:
        signature.bind("case", "method")
    except TypeError as error:
        name = getattr(made, "__name__", type(made).__name__)
        raise AdapterError(
            f"adapter must be callable as adapter(case, method), got {name}{signature}: {error}"
        ) from None


def _require_features(made):
    """Refuse `features` that are no collection of the names that there are."""
    try:
        names = getattr(made, "features", None)
        wrong = isinstance(names, str) or [name for name in names or () if name not in FEATURES]
    except Exception as error:  # of a property, or of what cannot be gone through
        raise AdapterError(f"adapter: features cannot be read: {type(error).__name__}: {error}") from error
    if wrong:
        raise AdapterError(f"adapter: features must be a collection of {', '.join(FEATURES)}, got {names!r}")


def _require_methods(made):
    """Refuse `methods` that are no collection of names, and a name that is a slip of one that there is."""
    try:
        names = getattr(made, "methods", None)
        wrong = isinstance(names, str) or not all(isinstance(name, str) for name in names or ())
    except Exception as error:  # of a property, or of what cannot be gone through
        raise AdapterError(f"adapter: methods cannot be read: {type(error).__name__}: {error}") from error
    if wrong:
        raise AdapterError(
            f"adapter: methods must be a collection of names, such as ('forward', 'ottt'), got {names!r}"
        )
    for name in names or ():
        alike = get_close_matches(name.lower().replace("_", "-"), MEANINGS, n=1, cutoff=NEAR)
        if name not in MEANINGS and alike:
            raise AdapterError(f"adapter: methods must be of {', '.join(MEANINGS)}, got {name!r}: is it {alike[0]!r}?")
