"""The kit inside a backend's own tests: what pytest makes of `parametrize`."""

from dataclasses import replace

import pytest

from ottt_ref.conformance import files, parametrize, suite
from ottt_ref.conformance.adapter import AdapterError, load_for, prepared

from .backends import OnlyOttt, nothing, right

pytest_plugins = ("pytester",)


@pytest.fixture(autouse=True, scope="module")
def numba_is_loaded():
    """Before any test: what numba imports inside one of pytester's runs is forgotten, and fails in the next."""
    files.make_cases(["dense"])


def run(pytester, backend, options=""):
    pytester.makepyfile(
        f"""
        from tests.ottt_ref.conformance.backends import {backend} as adapter
        from ottt_ref.conformance import parametrize

        @parametrize(adapter{options})
        def test_the_backend_conforms(check):
            check()
        """
    )
    return pytester.runpytest_inprocess("-q", "-rs", "-p", "no:cacheprovider")


@pytest.mark.slow
def test_a_right_backend_passes(pytester):
    result = run(pytester, "right", ", case_names=['dense', 'conv']")
    result.assert_outcomes(passed=23)


def test_a_wrong_backend_fails_where_it_is_wrong_with_the_diagnosis_and_no_traceback(pytester):
    result = run(pytester, "unleaked", ", case_names=['dense'], methods=['forward', 'ottt']")
    result.assert_outcomes(failed=1, skipped=1, passed=1)
    text = result.stdout.str()
    assert "test_the_backend_conforms[[]dense-forward]" in text or "test_the_backend_conforms[dense-forward]" in text
    assert "like reset-unleaked" in text and "Traceback" not in text and "checking.py" not in text
    assert "not compared: its spikes are not the reference's" in text


@pytest.mark.slow
def test_what_is_unsupported_is_skipped_and_everything_unsupported_fails(pytester):
    result = run(pytester, "nothing", ", case_names=['dense']")
    result.assert_outcomes(skipped=11, failed=1)
    assert "the adapter supports nothing of what is checked" in result.stdout.str()


@pytest.mark.slow
def test_cases_of_a_folder_are_read(pytester, exported):
    (pytester.path / "cases").symlink_to(exported)
    result = run(pytester, "right", ", cases='cases', case_names=['at-threshold']")
    result.assert_outcomes(passed=11)


@parametrize(OnlyOttt, case_names=["dense"], methods=["ottt"])
def test_a_class_is_an_adapter(check):
    check()


@pytest.mark.parametrize(
    ("adapter", "options", "error", "message"),
    [
        (right, {"case_names": ["magic"]}, ValueError, "case_names must be of"),
        (right, {"methods": ["magic"]}, ValueError, "methods must be of"),
        (3, {}, AdapterError, "must be callable"),
        (nothing, {"cases": "/no/such/folder"}, FileNotFoundError, "manifest.json"),
    ],
)
def test_what_cannot_be_checked_is_refused_when_tests_are_collected(adapter, options, error, message):
    with pytest.raises(error, match=message):
        parametrize(adapter, **options)


@pytest.mark.slow
def test_an_adapter_that_is_pinned_is_not_asked_for_cases_of_later_sets(monkeypatch, tmp_path):
    shortest = tuple(each for each in files.SPECIFICATIONS if each.name in ("dense", "silent"))
    later = replace(shortest[0], name="later", since=3)
    monkeypatch.setattr(files, "SPECIFICATIONS", (*shortest, later))
    monkeypatch.setattr(files, "CASE_SET", 3)
    files.export(tmp_path)

    def pinned(case, method):
        return right(case, method)

    pinned.case_set = 1
    names = {case for case, _ in suite.Suite(pinned).names()}
    assert names == {case.name for case in load_for(pinned, tmp_path)}
    assert names == {each.name for each in files.SPECIFICATIONS[:2]}
    assert "later" in {case for case, _ in suite.Suite(right).names()}
    assert "later" in {case.name for case in load_for(right, tmp_path)}
    for wrong in (4, 0, "1", 1.5):
        pinned.case_set = wrong
        with pytest.raises(AdapterError, match="case_set must be"):
            prepared(pinned)


def test_an_adapter_that_raises_is_named():
    class Unmade:
        def __init__(self):
            raise RuntimeError("no licence")

    class Unread:
        def __call__(self, case, method):
            return {}

        @property
        def case_set(self):
            raise RuntimeError("no file")

    with pytest.raises(AdapterError, match="adapter 'Unmade' cannot be made: RuntimeError: no licence"):
        prepared(Unmade)
    with pytest.raises(AdapterError, match="adapter: case_set cannot be read: RuntimeError: no file"):
        prepared(Unread)
