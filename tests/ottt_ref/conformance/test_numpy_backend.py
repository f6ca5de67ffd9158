"""An outsider before the check: a right backend passes everything, each mistake shows where it is, and only there."""

import ast
from pathlib import Path

import pytest

from ottt_ref.conformance import checking, files

from .faults import FAULTS
from .numpy_backend import Backend


@pytest.fixture(scope="module")
def cases():
    return {case.name: case for case in files.make_cases()}


def failing(verdicts):
    return {verdict.method for verdict in verdicts if verdict.outcome != "passed"}


def test_the_backend_imports_nothing_of_the_reference():
    for name in ("numpy_backend", "numpy_neurons", "numpy_operations"):
        source = (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("ottt_ref") for alias in node.names)
            if isinstance(node, ast.ImportFrom):
                assert node.module.startswith(
                    "numpy_" if node.level else ("dataclasses", "itertools", "numpy", "scipy")
                )


def test_the_backend_passes_every_case_and_method(cases):
    verdicts = list(checking.check(Backend(), cases.values()))
    assert len(verdicts) == sum(len(case.methods) for case in cases.values())
    assert not failing(verdicts) and all(verdict.found is None for verdict in verdicts)


def test_the_backend_gives_errors_of_every_layer_in_the_cases_precision(cases):
    """Without errors a difference would be found at the gradients alone; in double precision it would prove little."""
    case = cases["dense-float32"]
    for method in ("bptt", "bptt-kept", "ottt", "ottt-authors", "sltt", "spike-representation"):
        found = Backend()(case, method)
        assert {f"error/{l}" for l in range(3)} <= set(found)
        assert {array.dtype for array in found.values()} == {case.dtype}


def test_the_backend_says_which_method_it_does_not_have(cases):
    with pytest.raises(NotImplementedError, match="no method 'magic'"):
        Backend()(cases["dense"], "magic")


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_shows_in_the_methods_that_it_is_in_and_in_no_others(cases, name):
    fault = FAULTS[name]
    assert fault.shows
    for case, methods in fault.shows.items():
        verdicts = list(checking.check_case(fault.backend(), cases[case]))
        if methods == ("forward",):
            assert [verdict.outcome for verdict in verdicts] == ["failed"] + ["not compared"] * (len(verdicts) - 1), (
                case
            )
        else:
            assert failing(verdicts) == set(methods), case


@pytest.mark.parametrize("name", [name for name in FAULTS if FAULTS[name].spares])
def test_a_fault_passes_the_cases_that_it_does_not_touch(cases, name):
    for case in FAULTS[name].spares:
        assert not failing(checking.check_case(FAULTS[name].backend(), cases[case])), case
