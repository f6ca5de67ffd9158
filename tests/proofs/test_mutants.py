"""The mutants: each is a fault in one place, some are killed here, and what survives is reported."""

import ast
import functools
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from ottt_ref.sources import digest
from proofs import __main__, command
from proofs.claims import BY_NAME
from proofs.mutants import drawn, score
from proofs.mutants.catalogue import CATALOGUE, Mutant
from proofs.mutants.kept import Kept

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
    monkeypatch.setattr(command.score, "kill_all", lambda workers, console, kept, faults, scheduler: deaths)
    assert __main__.main(["--mutants"]) == 1
    monkeypatch.setattr(command.score, "kill_all", lambda workers, console, kept, faults, scheduler: deaths[:1])
    assert __main__.main(["--mutants"]) == 0
    assert "1 of 1 killed" in capsys.readouterr().out


SOURCE = '''\
"""A module: 1 < 2."""

LIMIT = 3


def outer(values: tuple[1], limit=4):
    """Not 5."""
    if not values or len(values) < limit:
        raise ValueError(f"at least {limit + 1}, got {len(values) - 1}")
    total = 0
    for λ in values:
        total += λ * λ if λ is not None else -λ
    values.append(True)
    return total + total
'''


def test_what_may_be_changed_is_within_functions_and_no_text_default_or_error():
    found = [(SOURCE[start:end], replacement) for start, end, replacement in drawn.changes(SOURCE)]
    assert found == [
        ("not values", "(values)"),
        ("not values or len(values) < limit", "((not values) and (len(values) < limit))"),
        ("len(values) < limit", "((len(values)) <= (limit))"),
        ("0", "1"),
        ("total += λ * λ if λ is not None else -λ", "total -= (λ * λ if λ is not None else -λ)"),
        ("λ * λ", "((λ) / (λ))"),
        ("λ * λ if λ is not None else -λ", "((-λ) if (λ is not None) else (λ * λ))"),
        ("λ is not None", "((λ) is (None))"),
        ("-λ", "(λ)"),
        ("values.append(True)", "pass"),
        ("True", "False"),
        ("total + total", "((total) - (total))"),
    ]


def test_a_drawn_fault_is_seeded_where_it_was_drawn(tmp_path):
    source = "def one(a):\n    b = a + 1\n    return b\n\n\ndef two(a):\n    b = a + 1\n    return b * b\n"
    for path in ("proofs/one.py", "ottt_ref/fast/two.py", "ottt_ref/methods/three.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(source, encoding="utf-8")
    mutants = drawn.draw(100, 3, tmp_path)
    assert len(set(mutants)) == len({str(mutant) for mutant in mutants}) == 15
    assert drawn.draw(4, 3, tmp_path) == mutants[:4] != drawn.draw(4, 4, tmp_path)
    tests = {"proofs/one.py": ("tests/proofs",), "ottt_ref/fast/two.py": ("tests/ottt_ref/fast",)}
    seeded = set()
    for mutant in mutants:
        assert mutant.tests == tests.get(mutant.path, ())
        score.seed(mutant, tmp_path)
        seeded.add((mutant.path, (tmp_path / mutant.path).read_text(encoding="utf-8")))
        (tmp_path / mutant.path).write_text(source, encoding="utf-8")
    assert len(seeded) == 15  # each a change of its own, although the two functions have a line in common
    assert ("proofs/one.py", source.replace("+ 1\n    return b * b", "+ 2\n    return b * b")) in seeded


def test_what_is_no_python_and_what_changes_nothing_are_not_drawn():
    source = "def one(a):\n    return a\n"
    place = source.index("a\n")
    assert drawn.mutant_of("proofs/one.py", source, (place, place + 1, "(a")) is None
    assert drawn.mutant_of("proofs/one.py", source, (place, place + 1, "(a)")) is None
    assert drawn.mutant_of("proofs/one.py", source, (place, place + 1, "(b)")).wrong == "    return (b)\n"


def test_drawn_faults_take_the_place_of_the_catalogue(monkeypatch):
    asked = []

    def kill_all(workers, console, kept, faults, scheduler):
        asked.append(faults)
        return [score.Death(fault, "E1") for fault in faults]

    monkeypatch.setattr(command.drawn, "draw", lambda number, seed, root: (number, seed, root))
    monkeypatch.setattr(command.score, "kill_all", kill_all)
    monkeypatch.setattr(command.score, "table", lambda deaths: "")
    assert __main__.main(["--mutants", "--drawn", "7", "--seed", "13"]) == 0
    assert __main__.main(["--mutants"]) == 0
    assert asked == [(7, 13, score.ROOT), CATALOGUE]


SCREEN = Console(file=io.StringIO())
DEADLY = Mutant("deadly", "network/operations/skip_init.py", "gradient[0] += error", "gradient[0] = error")


def test_progress_is_printed_where_there_is_no_terminal(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(score, "kill", lambda mutant: score.Death(mutant, None))
    deaths = score.kill_all(2, SCREEN, Kept(tmp_path / "kept.json", "a"), (HARMLESS,))
    assert [death.killer for death in deaths] == [
        None
    ] and "SURVIVES ottt_ref/network/operations/skip_init.py: a comment" in capsys.readouterr().out


def test_what_is_kept_is_not_done_again_unless_the_sources_are_others(monkeypatch, tmp_path):
    path, asked = tmp_path / "new" / "kept.json", []

    def kill(mutant):
        asked.append(mutant)
        return score.Death(mutant, "E1" if mutant == DEADLY else None)

    monkeypatch.setattr(score, "kill", kill)
    first = score.kill_all(1, SCREEN, Kept(path, "a"), (DEADLY,))
    assert (first, asked) == ([score.Death(DEADLY, "E1")], [DEADLY])
    both = score.kill_all(1, SCREEN, Kept(path, "a"), (HARMLESS, DEADLY))
    assert both == [score.Death(HARMLESS, None), score.Death(DEADLY, "E1")] and asked == [DEADLY, HARMLESS]
    assert score.kill_all(1, SCREEN, Kept(path, "a"), (HARMLESS, DEADLY)) == both and len(asked) == 2
    assert score.kill_all(1, SCREEN, Kept(path, "b"), (DEADLY,)) == first and asked[2:] == [DEADLY]
    assert HARMLESS not in Kept(path, "b") and DEADLY in Kept(path, "b")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "another"}', '{"format": 3, "killers": 4}'])
def test_another_file_is_refused_and_stays(content, monkeypatch, tmp_path, capsys):
    path = tmp_path / "kept.json"
    path.write_text(content)
    assert __main__.main(["--mutants", "--progress", str(path)]) == 2
    assert f"{path} has no mutants: " in capsys.readouterr().err
    assert path.read_text() == content


def test_the_digest_of_the_sources_changes_with_each_of_them(tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        (folder / "__pycache__").mkdir(parents=True)
        (folder / "file.py").write_text("x = 1\n")
    before = digest(folders)
    (folders[0] / "__pycache__" / "kernel.nbi").write_text("compiled")
    assert digest(iter(folders)) == before and digest(folders[:1]) != before
    (folders[1] / "file.py").write_text("x = 2\n")
    changed = digest(folders)
    (folders[1] / "file.py").rename(folders[1] / "other.py")
    assert len({before, changed, digest(folders)}) == 3


@pytest.mark.skipif(os.name == "nt", reason="signals are other things there")
def test_ctrl_c_ends_what_runs_and_says_what_is_kept(monkeypatch, tmp_path):
    """The child of a child too; of three mutants one is done, one runs, one never begins."""
    family = "import subprocess, sys, time; subprocess.Popen(['sleep', '60']); print(1, flush=True); time.sleep(60)"
    begun = []

    def kill(mutant):
        begun.append(mutant.fault)
        if mutant.fault != "first":
            threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()
            score._run(str(tmp_path), "-c", family)
        return score.Death(mutant, "E1")

    monkeypatch.setattr(score, "kill", kill)
    mutants = [Mutant(name, "file.py", "x", "y") for name in ("first", "second", "third")]
    kept = Kept(tmp_path / "kept.json", "a")
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    start = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt, match=r"what became of 1 of 3 mutants is in .*kept\.json"):
            score.kill_all(1, SCREEN, kept, mutants)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert time.monotonic() - start < 20 and begun == ["first", "second"]
    assert json.loads((tmp_path / "kept.json").read_text())["killers"] == {str(mutants[0]): "E1"}


FAMILY = """
import os, subprocess
child = subprocess.Popen(["sleep", "600"])
with open("pid.new", "w") as file:
    file.write(str(child.pid))
os.replace("pid.new", "pid")
child.wait()
"""


@pytest.mark.skipif(os.name == "nt", reason="groups of processes are other things there")
def test_what_never_ends_is_ended_with_what_it_started(monkeypatch, tmp_path):
    path = tmp_path / "pid"
    for seconds in (1, 10, 100):  # a machine that is busy may not have begun after the first
        monkeypatch.setattr(score, "SECONDS", seconds)
        with pytest.raises(subprocess.TimeoutExpired):
            score.Children().run([sys.executable, "-c", FAMILY], tmp_path, None)
        if path.exists():
            break
    for _ in range(200):
        if not _is_alive(int(path.read_text())):
            return
        time.sleep(0.05)
    raise AssertionError("a child of the process still runs")


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")  # nobody may have asked yet how it ended
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
