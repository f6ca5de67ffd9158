"""The Coq proofs: that there is one for each claim that names one, what a failure looks like, and that they hold."""

import re

import pytest

from proofs import __main__, induction
from proofs.claims import BY_NAME

pytestmark = pytest.mark.slow

COQC = induction.coqc()


def scripted(folder, *lines):
    """A compiler of our own: a shell script in place of coqc."""
    path = folder / "coqc"
    path.write_text("#!/bin/sh\n" + "\n".join(lines) + "\n")
    path.chmod(0o755)
    return str(path)


def test_every_file_is_known_and_asks_for_its_assumptions():
    assert {path.stem for path in induction.FOLDER.glob("*.v")} == set(induction.FILES)
    assert set(induction.PROVED) <= set(BY_NAME) and set(induction.PROVED.values()) <= set(induction.FILES)
    for name in induction.FILES:
        source = (induction.FOLDER / f"{name}.v").read_text(encoding="utf-8")
        assert re.findall(r"Print Assumptions (\w+)\.", source)
        assert not re.search(r"\b(Axiom|Admitted|admit|Parameter|Conjecture)\b", source), name


@pytest.mark.slow
def test_the_proofs_hold_where_there_is_coq():
    """Without Coq the command says what to install."""
    if COQC is None:
        assert __main__.main(["--coq"]) == 2
        return
    proofs = induction.check_all(COQC)
    assert [(proof.file, proof.failure) for proof in proofs] == [(f"{name}.v", None) for name in induction.FILES]
    assert set(induction.by_claim(proofs)) == set(induction.PROVED)
    assert not list(induction.FOLDER.glob("*.vo"))


def test_an_axiom_is_a_failure(tmp_path):
    proofs = induction.check_all(scripted(tmp_path, "echo 'Axioms:'", "echo 'cheat : False'"))
    assert len(proofs) == 1 and "should use no axiom, Coq says:\nAxioms:\ncheat : False" in proofs[0].failure


def test_a_proof_that_does_not_compile_is_a_failure(tmp_path, monkeypatch, capsys):
    compiler = scripted(tmp_path, "echo 'Error: no such lemma' >&2", "exit 1")
    monkeypatch.setattr(induction, "coqc", lambda: compiler)
    assert __main__.main(["--coq"]) == 1
    assert "Traces.v  Error: no such lemma" in capsys.readouterr().out
    quick = ["--cases", "2", "--workers", "1", "--profile", "quick"]
    assert __main__.main(["--claim", "P1", *quick]) == 1
    assert __main__.main(["--claim", "H1", *quick]) == 0  # it has no proof by Coq: nothing is compiled


def test_a_claim_needs_its_own_file_and_what_that_needs():
    assert induction.files_of(["H1", "R2"]) == ()
    assert induction.files_of(["R2", "R1", "E2"]) == ("Traces", "E2", "R1")
    assert induction.files_of(["P1"]) == ("Traces",)
    assert induction.files_of(BY_NAME) == induction.FILES


def test_a_compiler_that_fails_fails_the_first_file(tmp_path):
    """Whatever it printed before: the right answers do not help."""
    closed = "echo 'Closed under the global context'"
    compiler = scripted(tmp_path, *[closed] * 20, "echo 'Error: no such lemma' >&2", "exit 1")
    (proof,) = induction.check_all(compiler, ("E1", "F1"))
    assert (proof.file, proof.failure) == ("E1.v", "Error: no such lemma")
    (proof,) = induction.check_all(scripted(tmp_path, closed, "exit 1"), ("E1",))
    assert proof.failure == "coqc ended with 1"


def test_silence_is_a_failure(tmp_path):
    (proof,) = induction.check_all(scripted(tmp_path, "exit 0"))
    assert proof.failure and proof.theorems == 0


def test_without_coq_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(induction, "coqc", lambda: None)
    assert __main__.main(["--coq"]) == 2
    assert "apt install coq" in capsys.readouterr().err


@pytest.mark.parametrize("fault", [("+ decay * leaky", "+ leaky"), ("decay * before + s k", "before + s k")])
def test_a_wrong_recursion_is_not_provable(tmp_path, fault):
    if COQC is None:
        assert induction.INSTALL
        return
    source = (induction.FOLDER / "Traces.v").read_text(encoding="utf-8")
    assert fault[0] in source
    (tmp_path / "Traces.v").write_text(source.replace(*fault, 1), encoding="utf-8")
    (proof,) = induction.check_all(COQC, ("Traces",), tmp_path)
    assert proof.failure
