"""`ottt-ref conform`: what it prints, writes and exits with."""

import json
from xml.etree import ElementTree

import pytest

from ottt_ref import cli
from ottt_ref.conformance import report
from ottt_ref.conformance.checking import Verdict
from ottt_ref.conformance.diagnosis import Diagnosis

pytestmark = pytest.mark.slow

HERE = "tests.ottt_ref.conformance.backends"


def conform(backend, *options):
    return cli.main(["conform", f"{HERE}:{backend}", *options])


@pytest.mark.slow
def test_a_right_backend_conforms(capsys):
    assert conform("right", "--case", "dense", "recurrent", "dense-float32") == 0
    out = capsys.readouterr().out
    assert "33 passed, 0 failed, 0 unsupported, 0 not compared" in out
    assert "diagnosis" not in out and [line.split()[0] for line in out.splitlines()[:4]] == [
        "case", "dense", "recurrent", "dense-float32",
    ]  # fmt: skip


def test_a_wrong_forward_pass_is_diagnosed_and_its_gradients_are_not_compared(capsys):
    assert conform("unleaked", "--case", "dense", "conv") == 1
    out = capsys.readouterr().out
    assert "dense, forward: the forward pass differs" in out
    assert "potential/0 at t = 1, index [" in out and " apart" in out and "units in the last place" not in out
    assert "reset-unleaked (2 of 2): the subtraction of the reset does not leak" in out
    assert "0 passed, 2 failed, 0 unsupported, 20 not compared" in out


def test_a_backend_that_learns_nothing_is_diagnosed(capsys):
    assert conform("without_learning", "--case", "dense", "--methods", "ottt", "bptt") == 1
    out = capsys.readouterr().out
    assert "psi/1 at t = 0" in out or "psi/0 at t = 0" in out
    assert "surrogate-zero (3 of 3)" in out and "0 passed, 3 failed" in out


@pytest.mark.slow
def test_of_many_failures_alike_two_are_shown(exported, capsys):
    assert conform("unleaked", "--cases", str(exported), "--methods", "forward") == 1
    out = capsys.readouterr().out
    assert out.count("like reset-unleaked") == 2 and " more failures like these" in out


def test_what_is_unsupported_is_no_pass(capsys):
    assert conform("nothing", "--case", "dense") == 1
    assert "unsupported, 11 times: nothing yet" in capsys.readouterr().out
    assert conform("OnlyOttt", "--case", "dense") == 0
    out = capsys.readouterr().out
    assert "2 passed, 0 failed, 9 unsupported" in out and "the adapter has the methods forward, ottt" in out


def test_a_backend_that_raises_fails_and_it_is_said_where(capsys):
    assert conform("explodes", "--case", "dense") == 1
    out = capsys.readouterr().out
    assert "RuntimeError: bell" in out and "backends.py:" in out


def test_json_has_every_verdict(tmp_path, capsys):
    path = tmp_path / "verdicts.json"
    assert conform("unleaked", "--case", "dense", "--json", str(path)) == 1
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["conforms"] is False and content["outcomes"] == {"failed": 1, "not compared": 10}
    forward = content["verdicts"][0]
    assert (forward["case"], forward["method"], forward["outcome"]) == ("dense", "forward", "failed")
    assert {"array", "time_step", "index", "expected", "got", "ulps", "layer"} == set(forward["first_difference"])
    assert forward["first_difference"]["layer"] == "0" and forward["diagnoses"][0]["name"] == "reset-unleaked"
    assert content["diagnosis"][0]["explains"] == 1
    assert list(tmp_path.iterdir()) == [path]


def test_junit_has_every_verdict(tmp_path, capsys):
    path = tmp_path / "verdicts.xml"
    assert conform("explodes", "--case", "dense", "--junit", str(path)) == 1
    suite = ElementTree.parse(path).getroot().find("testsuite")
    assert suite.get("tests") == "11" and suite.get("failures") == "1" and suite.get("skipped") == "10"
    failure = suite.find("testcase/failure")
    assert "bell ? and <angle> & more" in failure.get("message")
    names = [(case.get("classname"), case.get("name")) for case in suite.iter("testcase")]
    assert names[0] == ("dense", "forward") and len(set(names)) == 11


@pytest.mark.slow
def test_cases_of_a_folder_are_as_those_that_are_built_in(exported, capsys):
    assert conform("right", "--cases", str(exported), "--case", "dense", "--methods", "ottt") == 0
    from_folder = capsys.readouterr().out
    assert conform("right", "--case", "dense", "--methods", "ottt") == 0
    assert capsys.readouterr().out == from_folder


def test_an_adapter_in_the_present_folder_is_found(tmp_path, monkeypatch, capsys):
    (tmp_path / "lying_here.py").write_text(f"from {HERE} import right as adapter\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["conform", "lying_here:adapter", "--case", "silent", "--methods", "sltt"]) == 0


ONE_CASE = ("--case", "silent")  # what is refused is refused for it as well, and the others are not made


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-colon", *ONE_CASE], "package.module:name"),
        ([f"{HERE}:missing", *ONE_CASE], "has no 'missing'"),
        ([f"{HERE}:not_callable", *ONE_CASE], "must be callable"),
        (["no.such.module:adapter", *ONE_CASE], "cannot import no.such.module"),
        ([f"{HERE}:right", "--case", "magic"], "case must be one of dense"),
        ([f"{HERE}:right", "--methods", "magic", *ONE_CASE], "invalid choice"),
        ([f"{HERE}:right", "--rtol", "-1", *ONE_CASE], "--rtol: must be in [0, 1)"),
        ([f"{HERE}:right", "--cases", "/no/such/folder"], "manifest.json"),
        ([f"{HERE}:right", "--json", "/no/such/folder/x.json", *ONE_CASE], "--json: must name a file in a folder"),
        ([f"{HERE}:right", "--junit", ".", *ONE_CASE], "--junit: must name a file"),
    ],
)
def test_a_check_that_cannot_be_made_is_one_line_and_2(capsys, arguments, message):
    assert cli.main(["conform", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1 and not captured.out


def verdict(outcome, *names):
    return Verdict("dense", "ottt", outcome, "why", None, tuple(Diagnosis(name, f"says {name}") for name in names))


def test_what_explains_most_comes_first_then_what_explains_most_of_the_rest():
    verdicts = [verdict("failed", "a", "b"), verdict("failed", "a"), verdict("failed", "c"), verdict("failed")]
    assert report.explanations(verdicts) == [("a", "says a", 2), ("c", "says c", 1)]
    assert "1 of 4 failures are like no known trap" in report.diagnosis(verdicts)
    assert report.diagnosis([verdict("passed")]) == ""


@pytest.mark.parametrize(
    ("outcomes", "success"),
    [
        (["passed"], True),
        (["passed", "unsupported"], True),
        (["unsupported"], False),
        ([], False),
        (["passed", "failed"], False),
        (["passed", "not compared"], False),
    ],
)
def test_success_needs_a_pass_and_nothing_that_failed_or_was_not_compared(outcomes, success):
    assert report.succeeded([verdict(outcome) for outcome in outcomes]) is success
