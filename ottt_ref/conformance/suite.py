"""The kit inside a backend's own test-suite, by pytest:

    from my_backend import adapter
    from ottt_ref.conformance import parametrize

    @parametrize(adapter)
    def test_the_backend_conforms(check):
        check()

One test per case and method, named like `dense-ottt`; what the adapter does not support is skipped with its reason, and
`something-is-supported` fails where that is everything.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from ..validation import require_number
from . import files
from .adapter import Adapter, load_for, prepared
from .checking import FAILED, PASSED, UNSUPPORTED, CaseChecks, Verdict, require_known
from .diagnosis import Diagnostician
from .reference import MEANINGS, methods_of
from .report import failure_lines, unknown_text


def parametrize(
    adapter: Adapter | type,
    *,
    cases: str | Path | None = None,
    case_names: Collection[str] | None = None,
    methods: Collection[str] | None = None,
    relative: float | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """pytest's mark that gives a test function the argument `check`, once per case and method.

    adapter      a callable (case, method), or a class of such: see `ottt_ref.conformance.adapter`
    cases        a folder that `ottt-ref cases export` wrote; the cases that are built in if not given
    case_names   these cases alone
    methods      these methods alone, of `reference.MEANINGS`
    relative     the tolerance, relative to an array's largest number; by dtype if not given

    Raises ModuleNotFoundError without pytest, AdapterError for what is no adapter, TypeError or ValueError that names
    the case or the method that there is not, or the tolerance, and what `files.load` raises.

    >>> import ottt_ref as ot
    >>> def adapter(case, method):
    ...     return ot.sltt.gradients(case.network, case.inputs, case.targets, case.loss)
    >>> @ot.conformance.parametrize(adapter, case_names=["dense", "conv"], methods=["sltt"])
    ... def test_the_backend_conforms(check):
    ...     check()
    >>> [each.id for each in test_the_backend_conforms.pytestmark[0].args[1]]
    ['dense-sltt', 'conv-sltt', 'something-is-supported']
    """
    import pytest

    suite = Suite(adapter, cases, relative)
    known = suite.names()
    require_known("case_names", case_names, list(dict.fromkeys(case for case, _ in known)))
    require_known("methods", methods, MEANINGS)
    if relative is not None:
        require_number("relative", relative, "in [0, 1)", lambda number: 0 <= number < 1)
    wanted = [
        (case, method)
        for case, method in known
        if (case_names is None or case in case_names) and (methods is None or method in methods)
    ]
    checks = [pytest.param(functools.partial(suite.check, *names), id="-".join(names)) for names in wanted]
    something = functools.partial(suite.require_something, wanted)
    return pytest.mark.parametrize("check", [*checks, pytest.param(something, id="something-is-supported")])


class Suite:
    """An adapter and the cases, each made or read when it is first asked for; its forward pass is run once.

    >>> import ottt_ref as ot
    >>> def adapter(case, method):
    ...     return ot.sltt.gradients(case.network, case.inputs, case.targets, case.loss)
    >>> adapter.methods = ("sltt",)
    >>> suite = Suite(adapter)
    >>> suite.names()[0], suite.verdict("dense", "sltt").outcome
    (('dense', 'forward'), 'passed')
    """

    def __init__(self, adapter: Adapter | type, folder: str | Path | None = None, relative: float | None = None):
        self._adapter = prepared(adapter)
        self._pinned = getattr(self._adapter, "case_set", None)
        self._loaded: dict[str, files.Case] | None = None
        if folder is not None:
            self._loaded = {case.name: case for case in load_for(self._adapter, folder)}
        self._relative = relative
        self._diagnostician = Diagnostician()
        self._checks: dict[str, CaseChecks] = {}

    def names(self) -> list[tuple[str, str]]:
        """(case, method) of everything that there is, in order."""
        if self._loaded is not None:
            return [(case.name, method) for case in self._loaded.values() for method in case.methods]
        return [(each.name, method) for each in files.specifications(self._pinned) for method in methods_of(each)]

    def verdict(self, case: str, method: str) -> Verdict:
        """The Verdict of a case's method."""
        if case not in self._checks:
            made = files.make_cases([case])[0] if self._loaded is None else self._loaded[case]
            self._checks[case] = CaseChecks(self._adapter, made, self._relative, self._diagnostician)
        return self._checks[case].verdict(method)

    def check(self, case: str, method: str) -> None:
        """Fail, skip or pass the test that is running."""
        import pytest

        verdict = self.verdict(case, method)
        for name, near in verdict.unknown:
            if near:  # else it may be the adapter's own affair
                warnings.warn(f"{case}, {method}: not compared: {unknown_text(name, near)}", stacklevel=2)
        if verdict.outcome == FAILED:
            pytest.fail("\n".join(failure_lines(verdict)), pytrace=False)
        if verdict.outcome != PASSED:
            pytest.skip(f"{verdict.outcome}: {verdict.reason}")

    def require_something(self, names: Iterable[tuple[str, str]]) -> None:
        """Fail the test that is running where nothing is supported."""
        import pytest

        if all(self.verdict(*each).outcome == UNSUPPORTED for each in names):
            pytest.fail("the adapter supports nothing of what is checked", pytrace=False)
