"""The mutants: each is a fault in one place, some are killed here, and what survives is reported."""

import ast
import functools
import io
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from proofs import __main__, command
from proofs.claims import BY_NAME
from proofs.mutants import score
from proofs.mutants.catalogue import CATALOGUE, Mutant

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "ottt_ref"
HARMLESS = Mutant("a comment", "network/operations/skip_init.py", "def add_products", "def add_products")


def test_there_are_many_in_every_kernels_file():
    assert len(CATALOGUE) >= 40 and len(set(CATALOGUE)) == len(CATALOGUE)
    with_kernels = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if "@kernel\n" in path.read_text(encoding="utf-8")
    }
    methods = {
        "methods/ottt.py",
        "methods/shared/rule.py",
        "methods/bptt.py",
        "methods/rtrl.py",
        "methods/spike_representation.py",
    }
    assert with_kernels | methods <= {mutant.file for mutant in CATALOGUE if mutant.folder == "ottt_ref"}


def test_faults_in_the_tools_of_proof_name_tests_that_exist():
    tools = [mutant for mutant in CATALOGUE if mutant.folder == "proofs"]
    assert tools and all(mutant.tests for mutant in tools)
    assert all((ROOT / test.partition("::")[0]).exists() for mutant in CATALOGUE for test in mutant.tests)


@functools.cache
def source_of(path):
    """A file of the checkout, and what it says to Python."""
    source = (ROOT / path).read_text(encoding="utf-8")
    return source, ast.dump(ast.parse(source))


@pytest.mark.slow
@pytest.mark.parametrize("mutant", CATALOGUE, ids=str)
def test_a_mutant_is_one_fault_that_still_is_python(mutant, tmp_path):
    path = tmp_path / mutant.path
    path.parent.mkdir(parents=True)
    source, parsed = source_of(mutant.path)
    path.write_text(source, encoding="utf-8")
    score.seed(mutant, tmp_path)
    changed = path.read_text(encoding="utf-8")
    assert ast.dump(ast.parse(changed)) != parsed


def test_a_fault_that_fits_nowhere_is_refused(tmp_path):
    path = tmp_path / HARMLESS.path
    path.parent.mkdir(parents=True)
    path.write_text("x = 1\n")
    with pytest.raises(ValueError, match="must occur once, it occurs 0 times"):
        score.seed(HARMLESS, tmp_path)


@pytest.mark.slow
def test_claims_kill_and_name_themselves():
    death = score.kill(CATALOGUE[0], cases=5)
    assert death.killer in BY_NAME


@pytest.mark.slow
def test_its_own_tests_kill_a_fault_in_the_tools_of_proof():
    mutant = next(mutant for mutant in CATALOGUE if mutant.folder == "proofs")
    assert score.kill(mutant).killer.startswith(mutant.tests[0])


def test_a_fault_that_never_ends_is_found(monkeypatch):
    def never(*arguments):
        raise subprocess.TimeoutExpired("pytest", score.SECONDS)

    monkeypatch.setattr(score, "COPIED", ("ottt_ref",))
    monkeypatch.setattr(score, "_run", never)
    assert score.kill(HARMLESS).killer == "not done after 900 s"


@pytest.mark.slow
def test_without_a_fault_no_claim_fails(monkeypatch):
    monkeypatch.setattr(score, "FIRST", ("P1",))
    monkeypatch.setattr("proofs.claims.BY_NAME", {"P1": BY_NAME["P1"]})
    assert score.first_claim_that_fails(5) is None


def test_the_table_and_the_exit_status_say_what_survived(monkeypatch, capsys):
    deaths = [score.Death(CATALOGUE[0], "E1"), score.Death(HARMLESS, None)]
    stream = io.StringIO()
    Console(file=stream, width=160).print(score.table(deaths))
    assert "1 of 2 killed" in stream.getvalue() and "SURVIVES" in stream.getvalue()
    monkeypatch.setattr(command.score, "kill_all", lambda workers, console: deaths)
    assert __main__.main(["--mutants"]) == 1
    monkeypatch.setattr(command.score, "kill_all", lambda workers, console: deaths[:1])
    assert __main__.main(["--mutants"]) == 0
    assert "1 of 1 killed" in capsys.readouterr().out


def test_progress_is_printed_where_there_is_no_terminal(monkeypatch, capsys):
    monkeypatch.setattr(score, "kill", lambda mutant: score.Death(mutant, None))
    deaths = score.kill_all(2, Console(file=io.StringIO()), (HARMLESS,))
    assert [death.killer for death in deaths] == [
        None
    ] and "SURVIVES ottt_ref/network/operations/skip_init.py: a comment" in capsys.readouterr().out
