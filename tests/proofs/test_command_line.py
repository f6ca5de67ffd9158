"""`python -m proofs` as its users run it: the table, the files, the exit status."""

import argparse
import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from ottt_ref.console import CommandError
from ottt_ref.simulation import trace
from proofs import __main__, command, report
from proofs.claims import BY_NAME, CLAIMS
from proofs.search import Result, run

from .wrong_variants import trace_not_decayed

pytestmark = pytest.mark.slow


def proofs(*arguments):
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "proofs", *arguments], capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """One run of two claims, and the file that it wrote."""
    path = tmp_path_factory.mktemp("proofs") / "out.json"
    return proofs("--claim", "h1", "R2", "--cases", "10", "--seed", "3", "--json", str(path)), path


@pytest.mark.slow
def test_holding_claims_exit_with_0_and_a_table(checked):
    process, _ = checked
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    assert "2 of 2 claims hold (seed 3): 1 certified, 1 not refuted" in process.stdout
    for text in (
        BY_NAME["R2"].statement[:30],
        "checked H1",
        "verdict",
        "not refuted in 10",
        "certified in 5",
        "R2 without",
    ):
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
    assert (r2["verdict"], h1["verdict"]) == ("not refuted", "certified")
    assert r2["grounds"] == ["not refuted in 10 live cases"] and r2["risk"] is None
    assert (r2["certified"], h1["certified"]) == (0, 5) and 3 <= r2["in_corners"] <= r2["drawn"]
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
        (["--claim", "E99"], "argument --claim: invalid choice: 'E99' (choose from "),
        (["--cases", "0"], "argument --cases: must be a whole number of at least 1, got '0'"),
        (["--cases", "many"], "argument --cases: must be a whole number of at least 1, got 'many'"),
        (["--seed", "x"], "argument --seed: invalid int value: 'x'"),
        (["--json", "no/such/folder/out.json"], "argument --json: must name a file in a folder that can be written"),
        (["--workers", "-1"], "argument --workers"),
        (["E1"], "unrecognized arguments: E1"),
        (["--list", "--coq"], "argument --coq: not allowed with argument --list"),
        (["--mutants", "--counterexamples"], "argument --counterexamples: not allowed with argument --mutants"),
        (["--list", "--json", "out.json"], "argument --json: has no effect with --list"),
        (["--counterexamples", "--seed", "0"], "argument --seed: has no effect with --counterexamples"),
        (["--counterexamples", "--no-surveys"], "argument --surveys: has no effect with --counterexamples"),
        (["--coq", "--claim", "E1"], "argument --claim: has no effect with --coq"),
        (["--mutants", "--cases", "9"], "argument --cases: has no effect with --mutants"),
        (["--mutants", "--html", "out.html"], "argument --html: has no effect with --mutants"),
        (["--mutants", "--seed", "1"], "argument --seed: has no effect with --mutants without --drawn"),
        (["--drawn", "9"], "argument --drawn: has no effect without --mutants"),
        (["--mutants", "--drawn", "0"], "argument --drawn: must be a whole number of at least 1, got '0'"),
        (["--progress", "p.json"], "argument --progress: has no effect without --profile thorough or --mutants"),
        (["--claim", "H1", "--surveys"], "argument --surveys: has no effect without the claims D1, D2"),
        (["--json", "out", "--html", "./out"], "argument --html: must not be the file of --json, got './out'"),
    ],
)
def test_wrong_arguments_exit_with_2_before_any_work(arguments, message, capsys):
    assert __main__.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and message in err and err.count("\n") == 1


def test_a_failing_claim_exits_with_1_and_shows_the_shrunk_case(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(trace, "leaky_accumulate", trace_not_decayed)
    monkeypatch.setattr(command, "run_all", in_this_process)
    path = tmp_path / "out.json"
    assert __main__.main(["--claim", "E1", "--claim", "H1", "--cases", "20", "--json", str(path)]) == 1
    output = capsys.readouterr().out
    assert "FAILS" in output
    assert "E1 does not hold:\n" in output
    assert re.search(r"sizes \[[12], [12]\]|sizes \[[12], [12], [123]\]", output) and "inputs by time step" in output
    assert "1 of 2 claims hold" in output
    e1, h1 = json.loads(path.read_text(encoding="utf-8"))["claims"]
    assert not e1["holds"] and e1["verdict"] == "fails" and "on the left" in e1["failure"]
    assert h1["holds"]


def in_this_process(claims, cases, seed, workers, console, **options):
    """What `run_all` does in other processes, where a test's wrong variant would not be seen."""
    return [run(claim, cases, seed) for claim in claims]


@pytest.mark.slow
def test_results_do_not_depend_on_the_number_of_workers():
    ones, twos = (proofs("--claim", "I1", "R2", "--cases", "8", "--workers", n).stdout for n in "12")
    assert untimed(ones) == untimed(twos)


def untimed(output):
    """The lines below the table: those in it hold times, those above it come in the order of finishing."""
    return [line for line in output.splitlines() if line.startswith(("R2", "I1", "2 of"))]


def test_slack_is_written_with_its_meaning():
    result = Result("R2", 5, 5, 0.25, None, (), 0.1)
    assert report.slack_text(result) == "bound; the gap comes within 0.25 of its bound"
    assert report.slack_text(Result("H1", 5, 5, None, None, (), 0.1)) == "exact"


@pytest.mark.parametrize("mode", command.MODES)
def test_every_option_either_works_in_a_mode_or_is_refused(mode, capsys, monkeypatch):
    values = {"claim": ["H1"], "profile": "quick", "surveys": True}
    monkeypatch.setattr(command.own, "load", lambda name: CLAIMS)
    for name in command.OPTIONS:
        done = []
        known = replace(command.MODES[mode], run=lambda options, done=done: done.append(options))
        monkeypatch.setitem(command.MODES, mode, known)
        options = {**dict.fromkeys(command.OPTIONS), "mode": mode, name: values.get(name, 1)}
        if mode == "mutants" and name == "seed":
            options["drawn"] = 1  # the catalogue has no seed
        if name in known.takes:
            command.run(argparse.Namespace(**options))
            assert len(done) == 1
            continue
        with pytest.raises(CommandError, match=f"argument --{name}: has no effect with --{mode}"):
            command.run(argparse.Namespace(**options))
        assert done == []


def test_every_option_is_known():
    parser = __main__.build_parser()
    parser.fill()
    names = {action.dest for action in parser._actions} - {"help", "version", "mode"}
    assert names == set(command.OPTIONS)


def test_files_are_written_before_the_table_is_printed(monkeypatch, tmp_path):
    monkeypatch.setattr(command, "run_all", in_this_process)
    monkeypatch.setattr(command.induction, "coqc", lambda: None)

    def closed(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command, "_print", closed)
    json_file, page = tmp_path / "out.json", tmp_path / "out.html"
    assert __main__.main(["--claim", "H1", "--cases", "2", "--json", str(json_file), "--html", str(page)]) == 2
    assert json_file.exists() and page.exists()


def test_mutants_without_a_checkout_are_refused(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command.score, "ROOT", tmp_path)
    assert __main__.main(["--mutants"]) == 2
    assert "argument --mutants: needs a checkout" in capsys.readouterr().err
