"""What an adapter says: what counts as unsupported, what as a failure, and what a report shows of each."""

import datetime
import functools
import json
import selectors

import numpy as np
import pytest

from ottt_ref.conformance import Unsupported, checking, parametrize, report
from ottt_ref.conformance import adapter as adapters
from ottt_ref.conformance.asking import OWN_WORD, Refusal, ask
from ottt_ref.conformance.varied_rates import gradients as of_the_kit


class Case:
    """All of a case that an adapter needs here."""

    name = "dense"


def asked(adapter):
    return ask(adapter, Case, "ottt")


def own_word(case, method):
    raise NotImplementedError("no such rule")


def helper_of_the_same_package(case, method):
    own_word(case, method)


def of_the_frameworks_code(case, method):
    selectors.BaseSelector.register(None, 1, 2)  # a method of Python's own that is written as `raise`


def of_compiled_code(case, method):
    datetime.tzinfo().utcoffset(None)  # it leaves no frame: the last one is this adapter's


def said_of_the_frameworks(case, method):
    try:
        of_compiled_code(case, method)
    except NotImplementedError as error:
        raise NotImplementedError("no time zones") from error


def passed_on(case, method):
    try:
        of_compiled_code(case, method)
    except NotImplementedError:
        raise


class Instance:
    def __call__(self, case, method):
        own_word(case, method)


OWN = {
    "function": own_word,
    "helper": helper_of_the_same_package,
    "instance": Instance(),
    "method": Instance().__call__,
    "partial": functools.partial(own_word),
    "lambda": lambda *case: own_word(*case),
}


@pytest.mark.parametrize("adapter", OWN.values(), ids=OWN)
def test_what_the_adapters_own_package_raises_is_its_own_word(adapter):
    assert asked(adapter) == Refusal(True, "no such rule")


def test_what_it_says_of_its_frameworks_word_is_its_own():
    assert asked(said_of_the_frameworks) == Refusal(True, "no time zones")


@pytest.mark.parametrize("adapter", [of_the_frameworks_code, of_compiled_code, passed_on])
def test_what_a_framework_raises_by_itself_is_a_failure(adapter):
    refusal = asked(adapter)
    assert not refusal.unsupported and refusal.reason.startswith("NotImplementedError: ")
    assert refusal.reason.endswith(OWN_WORD) and refusal.frames


def test_an_adapter_of_several_packages_says_it_in_so_many_words():
    def of_another_package(case, method):
        raise Unsupported("no such layer")

    of_another_package.__module__ = "another.package"
    assert asked(of_another_package) == Refusal(True, "no such layer")

    def plain(case, method):
        own_word(case, method)

    plain.__module__ = "another.package"
    assert not asked(plain).unsupported


def test_the_kits_own_adapters_may_be_wrapped_by_others():
    """Their modules raise NotImplementedError for whoever builds on them."""

    def wrapped(case, method):
        exec(compile("raise NotImplementedError('the operation X')", "x.py", "exec"), of_the_kit.__globals__)

    wrapped.__module__ = "another.package"
    assert asked(wrapped) == Refusal(True, "the operation X")


def test_unsupported_without_a_word_says_so():
    def silent(case, method):
        raise NotImplementedError

    assert asked(silent) == Refusal(True, "the adapter does not say why")
    silent.methods = ("sltt", "bptt")
    assert asked(silent) == Refusal(True, "the adapter has the methods bptt, sltt")


def deep(case, method):
    return {"x": 1}[method]


def leaves(case, method):
    raise SystemExit(0)


class Lazy(dict):
    def __getitem__(self, name):
        raise RuntimeError("freed")


def freed(case, method):
    return Lazy(x=1)


@pytest.mark.parametrize(
    ("adapter", "reason", "function"),
    [
        (deep, "KeyError: 'ottt' (", "deep"),
        (leaves, "SystemExit: 0 (", "leaves"),
        (freed, "RuntimeError: freed (", "__getitem__"),
    ],
)
def test_whatever_is_raised_is_a_failure_with_its_place(adapter, reason, function):
    refusal = asked(adapter)
    assert not refusal.unsupported and refusal.reason.startswith(reason) and "test_asking.py:" in refusal.reason
    assert "test_asking.py:" in refusal.frames[-1] and f", in {function}: " in refusal.frames[-1]
    assert not any("asking.py:" in frame.replace("test_asking.py:", "") for frame in refusal.frames)


def test_frames_are_in_every_report(tmp_path):
    refusal = asked(deep)
    verdict = checking.Verdict("dense", "ottt", checking.FAILED, refusal.reason, frames=refusal.frames)
    assert f"    at {refusal.frames[-1]}" in report.details([verdict]).splitlines()
    assert "1 of 1 failures are exceptions of the adapter's, shown above" in report.diagnosis([verdict])
    assert "known trap" not in report.diagnosis([verdict])
    report.write_json(tmp_path / "x.json", [verdict], "x:y")
    (row,) = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))["verdicts"]
    assert row["frames"] == list(refusal.frames)
    report.write_junit(tmp_path / "x.xml", [verdict], "x:y")
    assert "in deep: return" in (tmp_path / "x.xml").read_text(encoding="utf-8")


def test_what_is_no_mapping_is_said_in_one_line():
    refusal = asked(lambda case, method: list(np.zeros((5, 5))))
    assert (
        refusal.reason.startswith("it must return a mapping of arrays, got [array([0.") and "\n" not in refusal.reason
    )
    assert (
        asked(lambda case, method: np.zeros(3)).reason
        == "it must return a mapping of arrays, got an array [3] of float64"
    )


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ("ottt-online", "methods must be a collection of names, such as .* got 'ottt-online'"),
        ([1], r"methods must be a collection of names, such as .* got \[1\]"),
        (5, "methods cannot be read: TypeError"),
        (["forward", "ottt_authors"], "got 'ottt_authors': is it 'ottt-authors'"),
        (["OTTT"], "got 'OTTT': is it 'ottt'"),
        (["spike_representation"], "is it 'spike-representation'"),
    ],
)
def test_methods_that_are_misspelt_are_refused(methods, message):
    def adapter(case, method):
        return {}

    adapter.methods = methods
    with pytest.raises(adapters.AdapterError, match=message):
        adapters.prepared(adapter)


def test_methods_of_its_own_are_nobodys_business():
    def adapter(case, method):
        return {}

    adapter.methods = {"forward", "my-own-rule"}
    assert adapters.prepared(adapter) is adapter


@pytest.mark.parametrize("adapter", [lambda case: {}, lambda: {}, lambda case, method, device: {}])
def test_an_adapter_that_cannot_take_a_case_and_a_method_is_refused(adapter):
    with pytest.raises(adapters.AdapterError, match=r"must be callable as adapter\(case, method\), got <lambda>\("):
        adapters.prepared(adapter)


@pytest.mark.parametrize("adapter", [lambda *names: {}, lambda case, method, *, device="cpu": {}, min])
def test_an_adapter_may_take_more_than_it_is_given(adapter):
    assert adapters.prepared(adapter) is adapter


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"methods": ["otttt"]}, ValueError, "methods must be of forward, bptt, .*, got 'otttt'"),
        ({"methods": "ottt"}, TypeError, r"methods must be a collection of names, such as \['forward'\], got 'ottt'"),
        ({"methods": 3}, TypeError, "methods must be a collection of names"),
        ({"relative": "1e-3"}, TypeError, r"relative must be a number in \[0, 1\), got '1e-3'"),
        ({"relative": -1e-9}, ValueError, r"relative must be in \[0, 1\), got -1e-09"),
    ],
)
def test_a_check_that_would_check_nothing_is_refused_before_the_first_case(options, error, message):
    with pytest.raises(error, match=message):
        checking.check(own_word, [], **options)
    with pytest.raises(error, match=message):
        parametrize(own_word, **options)
    with pytest.raises(TypeError, match=r"case_names must be a collection of names, .* got 'dense'"):
        parametrize(own_word, case_names="dense")
