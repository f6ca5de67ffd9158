"""What the README shows is what happens."""

import re
from pathlib import Path

import pytest

from proofs.claims import CLAIMS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    """The code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_example_runs_as_it_stands(capsys):
    example, _ = blocks("python")
    exec(compile(example, "README.md", "exec"), {})
    cosines = re.findall(r"ottt_ref\.ottt (\S+) cosine with BPTT (\S+)", capsys.readouterr().out)
    assert float(dict(cosines)["layer0.weight"]) == pytest.approx(1.0)  # E1: the last spiking layer


def test_the_example_of_other_layers_runs_as_it_stands(capsys):
    _, example = blocks("python")
    exec(compile(example, "README.md", "exec"), {})
    out = capsys.readouterr().out
    assert "'layer1.recurrent.weight': (3, 3)" in out and "gradient_solver='direct'" in out
    assert out.splitlines()[-1] == "10762 parameters"


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
