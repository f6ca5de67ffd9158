"""What the README shows is what happens."""

import importlib
import os
import re
import sys
from pathlib import Path

import pytest

from ottt_ref import cli
from ottt_ref.conformance import files
from ottt_ref.conformance.specifications import SPECIFICATIONS
from ottt_ref.conformance.traps import forward_traps, gradient_traps
from proofs.claims import CLAIMS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    """The code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_example_runs_as_it_stands(capsys):
    example, *_ = blocks("python")
    exec(compile(example, "README.md", "exec"), {})
    cosines = re.findall(r"ottt_ref\.ottt (\S+) cosine with BPTT (\S+)", capsys.readouterr().out)
    assert float(dict(cosines)["layer0.weight"]) == pytest.approx(1.0)  # E1: the last spiking layer


def test_the_example_of_other_layers_runs_as_it_stands(capsys):
    _, example, *_ = blocks("python")
    exec(compile(example, "README.md", "exec"), {})
    out = capsys.readouterr().out
    assert "'layer1.recurrent.weight': (3, 3)" in out and "gradient_solver='direct'" in out
    assert out.splitlines()[-1] == "10762 parameters"


@pytest.fixture
def backend(tmp_path, monkeypatch):
    """The backend of the README, in a folder of its own, and the options of the command that checks it."""
    code = blocks("python")[2]
    (command,) = (line for block in blocks("sh") for line in block.splitlines() if line.startswith("ottt-ref conform"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield code, command.split()[2:]
    sys.modules.pop("my_backend", None)


def conform(code, arguments, capsys):
    Path("my_backend.py").write_text(code, encoding="utf-8")
    sys.modules.pop("my_backend", None)
    importlib.invalidate_caches()
    return cli.main(["conform", *arguments]), capsys.readouterr().out


def test_the_backend_fails_as_shown_and_passes_with_its_mistake_mended(backend, capsys):
    code, arguments = backend
    status, out = conform(code, arguments, capsys)
    shown = re.search(r"```\n(dense, forward.*?)```", README, re.DOTALL)[1]
    assert status == 1 and all(line in out.splitlines() for line in shown.splitlines())
    mended = code.replace("decay * u[l] - s[l]", "decay * (u[l] - s[l])")
    assert mended != code
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode  # the two are of the same size and second
    status, out = conform(mended, arguments, capsys)
    sys.dont_write_bytecode = before
    assert status == 0 and "8 passed, 0 failed" in out


def test_the_backends_own_test_suite_is_five_lines(backend):
    code, _ = backend
    suite = blocks("python")[3]
    assert len([line for line in suite.splitlines() if line]) == 5
    Path("my_backend.py").write_text(code.replace("decay * u[l] - s[l]", "decay * (u[l] - s[l])"), encoding="utf-8")
    Path("test_conformance.py").write_text(suite, encoding="utf-8")
    assert pytest.main(["-q", "-p", "no:cacheprovider", "-c", os.devnull, "test_conformance.py"]) == 0


def test_the_numbers_of_the_kit_are_right(tmp_path):
    (case,) = files.make_cases(["dense"])
    traps = {trap.name for trap in (*forward_traps(), *gradient_traps(case))}
    assert f"all {len(SPECIFICATIONS)} cases" in README and f"Each of {len(traps)} traps" in README
    files.export(tmp_path)
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert f"{size / 1e6:.1f} MB, the same bytes every time" in README.replace("\n", " ")


def test_the_continuous_integration_runs_the_test_command():
    commands = [line for block in blocks("sh") for line in block.splitlines() if line.endswith("-m pytest")]
    assert len(commands) == 1
    assert "grep -m 1 -- '-m pytest$' README.md" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_file_that_it_links_to_is_there():
    links = re.findall(r"\]\((?!https?://)([^)]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_the_changelog_names_every_claim():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    ranges = {f"E{k}" for k in range(1, 8)} if "E1-E7" in changelog else set()
    for claim in CLAIMS:
        assert claim.name in ranges or claim.name in changelog, claim.name
