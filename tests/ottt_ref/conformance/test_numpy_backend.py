"""An outsider before the check: a right backend passes everything, each mistake shows where it is, and only there."""

import ast
from pathlib import Path

import pytest

from ottt_ref.conformance import checking

from ...selection import one_in
from .faults import FAULTS
from .numpy_backend import Backend

pytestmark = pytest.mark.slow

METHODS_WITH_ERRORS = ("bptt", "bptt-kept", "ottt", "ottt-authors", "sltt", "spike-representation")


class Undiagnosed:
    """A Diagnostician that says nothing: which method fails is what is asked here, and to say why takes long."""

    def forward(self, **_):
        return ()

    def gradients(self, **_):
        return ()


def verdicts_of(backend, case):
    checks = checking.CaseChecks(backend, case, diagnostician=Undiagnosed())
    return [checks.verdict(method) for method in case.methods]


def with_outcome(outcome, verdicts):
    return {verdict.method for verdict in verdicts if verdict.outcome == outcome}


def not_passed(verdicts):
    """What is to be told of those that did not pass: also which number differed, or what was raised."""
    return [verdict for verdict in verdicts if verdict.outcome != "passed"]


def test_the_backend_imports_nothing_of_the_reference():
    for path in Path(__file__).parent.glob("numpy_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("ottt_ref") for alias in node.names)
            if isinstance(node, ast.ImportFrom):
                assert node.module.startswith(
                    "numpy_" if node.level else ("dataclasses", "itertools", "numpy", "scipy")
                )


@pytest.mark.slow
def test_the_backend_passes_every_case_and_method(by_name):
    verdicts = list(checking.check(Backend(), by_name.values()))
    assert len(verdicts) == sum(len(case.methods) for case in by_name.values())
    taken = {name for name, case in by_name.items() if set(case.features) <= set(Backend.features)}
    assert {name for name in by_name if name not in taken} == {
        "dense-per-neuron", "conv-per-channel", "dense-learned-neurons", "dense-two-leaks", "recurrent-learned-leaks",
    }  # fmt: skip
    assert all(verdict.outcome == ("passed" if verdict.case in taken else "unsupported") for verdict in verdicts)
    assert all(verdict.found is None for verdict in verdicts)


@pytest.mark.parametrize("name", ["dense-float32", "conv-residual"])
def test_the_backend_gives_everything_that_may_be_compared(by_name, name):
    """Without it a difference would be found at the gradients alone."""
    case = by_name[name]
    for method in case.methods:
        wanted = {each.name for each in checking.expected_of(case, method)}
        assert wanted <= set(Backend()(case, method)), method


def test_the_backend_gives_errors_of_every_layer_in_the_cases_precision(by_name):
    """In double precision single precision would prove little."""
    case = by_name["dense-float32"]
    for method in METHODS_WITH_ERRORS:
        found = Backend()(case, method)
        assert {f"error/{l}" for l in range(3)} <= set(found)
        assert {array.dtype for array in found.values()} == {case.dtype}


def test_the_backend_says_which_method_it_does_not_have(by_name):
    with pytest.raises(NotImplementedError, match="no method 'magic'"):
        Backend()(by_name["dense"], "magic")


@pytest.mark.parametrize("name", one_in(24, FAULTS, default=3))
def test_a_fault_shows_in_the_methods_that_it_is_in_and_in_no_others(by_name, name):
    fault = FAULTS[name]
    assert fault.shows
    for case, methods in fault.shows.items():
        verdicts = verdicts_of(fault.backend(), by_name[case])
        assert with_outcome("failed", verdicts) == set(methods), (case, not_passed(verdicts))
        assert not with_outcome("unsupported", verdicts), (case, not_passed(verdicts))
        assert "forward" in methods or not with_outcome("not compared", verdicts), (case, not_passed(verdicts))


@pytest.mark.parametrize("name", one_in(24, [name for name in FAULTS if FAULTS[name].spares], default=3))
def test_a_fault_passes_the_cases_that_it_does_not_touch(by_name, name):
    for case in FAULTS[name].spares:
        verdicts = verdicts_of(FAULTS[name].backend(), by_name[case])
        assert not not_passed(verdicts), case
