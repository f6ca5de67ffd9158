"""`python -m proofs` as its users run it: the table, the files, the exit status."""

import json
import subprocess
import sys

import pytest

from ottt_ref.methods.shared import traces
from proofs import __main__, report
from proofs.claims import BY_NAME, CLAIMS
from proofs.search import Result, run

from .wrong_variants import trace_not_decayed


def proofs(*arguments):
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "proofs", *arguments], capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """One run of two claims, and the file that it wrote."""
    path = tmp_path_factory.mktemp("proofs") / "out.json"
    return proofs("--claim", "h1", "--claim", "R2", "--cases", "10", "--seed", "3", "--json", str(path)), path


@pytest.mark.slow
def test_holding_claims_exit_with_0_and_a_table(checked):
    process, _ = checked
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    assert "2 of 2 claims hold (seed 3)" in process.stdout
    for text in (BY_NAME["R2"].statement, "checked H1", "verdict", "holds", "R2 without"):
        assert text in process.stdout


@pytest.mark.slow
def test_json_holds_what_the_table_shows(checked):
    _, path = checked
    content = json.loads(path.read_text(encoding="utf-8"))
    assert (content["cases"], content["seed"]) == (10, 3)
    assert set(content["versions"]) >= {"ottt_ref", "python", "numpy", "numba", "scipy", "hypothesis"}
    assert [claim["name"] for claim in content["claims"]] == ["R2", "H1"]  # in the order of the theory
    r2, h1 = content["claims"]
    assert r2["holds"] is True and h1["holds"] is True
    assert r2["cases"] == 10 and h1["cases"] == 5
    assert 0 < r2["slack"] < 1 and h1["slack"] is None
    assert r2["seconds"] > 0
    assert r2["failure"] is None and len(r2["counterexamples"]) == len(BY_NAME["R2"].counterexamples)


def test_list_names_every_claim_and_checks_nothing():
    process = proofs("--list")
    assert process.returncode == 0
    for claim in CLAIMS:
        assert f"{claim.name}  {claim.statement}" in process.stdout
        assert claim.hypotheses in process.stdout


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--claim", "E99"], "argument --claim: must be one of E1, E2"),
        (["--cases", "0"], "argument --cases: must be a whole number of at least 1, got '0'"),
        (["--cases", "many"], "argument --cases: must be a whole number of at least 1, got 'many'"),
        (["--seed", "x"], "argument --seed: invalid int value: 'x'"),
        (["--json", "no/such/folder/out.json"], "argument --json: must name a file in a folder that can be written"),
        (["--workers", "-1"], "argument --workers"),
        (["E1"], "unrecognized arguments: E1"),
    ],
)
def test_wrong_arguments_exit_with_2_before_any_work(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        __main__.main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_a_failing_claim_exits_with_1_and_shows_the_shrunk_case(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(traces, "leaky_accumulate", trace_not_decayed)
    monkeypatch.setattr(__main__, "run_all", in_this_process)
    path = tmp_path / "out.json"
    assert __main__.main(["--claim", "E1", "--claim", "H1", "--cases", "20", "--json", str(path)]) == 1
    output = capsys.readouterr().out
    assert "FAILS" in output
    assert "E1 does not hold:\n" in output
    assert "sizes [1, " in output and "inputs by time step" in output
    assert "1 of 2 claims hold" in output
    e1, h1 = json.loads(path.read_text(encoding="utf-8"))["claims"]
    assert not e1["holds"] and "on the left" in e1["failure"]
    assert h1["holds"]


def in_this_process(claims, cases, seed, workers, console, **options):
    """What `run_all` does in other processes, where a test's wrong variant would not be seen."""
    return [run(claim, cases, seed) for claim in claims]


@pytest.mark.slow
def test_results_do_not_depend_on_the_number_of_workers():
    ones, twos = (proofs("--claim", "I1", "--claim", "R2", "--cases", "8", "--workers", n).stdout for n in "12")
    assert untimed(ones) == untimed(twos)


def untimed(output):
    """The lines below the table: those in it hold times, those above it come in the order of finishing."""
    return [line for line in output.splitlines() if line.startswith(("R2", "I1", "2 of"))]


def test_slack_is_written_with_its_meaning():
    result = Result("R2", 5, 5, 0.25, None, (), 0.1)
    assert report.slack_text(result) == "bound; the gap comes within 0.25 of its bound"
    assert report.slack_text(Result("H1", 5, 5, None, None, (), 0.1)) == "exact"
