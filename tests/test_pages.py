"""What the README and the pages of docs/ show is what happens."""

import functools
import importlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from ottt_ref import cli
from ottt_ref.conformance import files
from ottt_ref.conformance.specifications import SPECIFICATIONS
from ottt_ref.conformance.traps import forward_traps, gradient_traps
from proofs import induction, report
from proofs.claims import BY_NAME, CLAIMS, LETTERS
from proofs.search import run

from .pages import PAGES, ROOT, blocks, of_language

pytestmark = pytest.mark.slow

README = ROOT / "README.md"
BACKENDS = ROOT / "docs" / "backends.md"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in, whose modules can be imported and are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a module may be written anew within the same second
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and Path(sys.modules[name].__file__).parent == tmp_path:
            del sys.modules[name]


@pytest.mark.parametrize("page", [page for page in PAGES if of_language(page, "python")], ids=lambda page: page.name)
def test_python_blocks_print_what_is_shown(page, folder, capsys):
    namespace = {}
    for block in of_language(page, "python"):
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")
            continue
        code = "\n" * block.line + block.text  # so that an error names the page's line
        exec(compile(code, page.name, "exec"), namespace)
        assert capsys.readouterr().out == block.prints, f"{page.name}, line {block.line}"


def test_an_output_belongs_to_the_block_before_it(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```python\n# a.py\nx = 1\n```\n\n```python\nprint(2)\n```\n\n```text\n2\n```\n\nThen\n\n```text\n3\n```\n"
    )
    first, second, third = blocks(page)
    assert (first.file, first.prints, second.file, second.prints) == ("a.py", "", None, "2\n")
    assert (third.language, third.text, second.line) == ("text", "3\n", 6)


def test_every_page_of_the_documentation_is_read():
    assert README in PAGES and BACKENDS in PAGES and len(PAGES) > 10
    assert sum(bool(of_language(page, "python")) for page in PAGES) >= 4


def conform(code, arguments, capsys):
    Path("my_backend.py").write_text(code, encoding="utf-8")
    sys.modules.pop("my_backend", None)
    importlib.invalidate_caches()
    return cli.main(["conform", *arguments]), capsys.readouterr().out


@pytest.fixture
def backend(folder):
    """The backend of the page, and the options of the command that checks it."""
    commands = [line for block in of_language(BACKENDS, "sh") for line in block.text.splitlines()]
    (command,) = (line for line in commands if line.startswith("ottt-ref conform my_backend"))
    return file_of_the_page("my_backend.py").text, command.split()[2:]


def file_of_the_page(name):
    """The block of docs/backends.md that is a file of that name."""
    (found,) = (block for block in of_language(BACKENDS, "python") if block.file == name)
    return found


def mended(code):
    """The backend without its mistake."""
    result = code.replace("decay * u[l] - s[l]", "decay * (u[l] - s[l])")
    assert result != code
    return result


def test_the_backend_fails_as_shown_and_passes_with_its_mistake_mended(backend, capsys):
    code, arguments = backend
    status, out = conform(code, arguments, capsys)
    (shown,) = of_language(BACKENDS, "text")
    assert status == 1 and all(line in out.splitlines() for line in shown.text.splitlines())
    status, out = conform(mended(code), arguments, capsys)
    assert status == 0 and "8 passed, 0 failed" in out


def test_the_backends_own_test_suite_is_five_lines(backend):
    code, _ = backend
    suite = file_of_the_page("test_conformance.py")
    assert len([line for line in suite.text.splitlines() if line and not line.startswith("#")]) == 5
    Path("my_backend.py").write_text(mended(code), encoding="utf-8")
    Path(suite.file).write_text(suite.text, encoding="utf-8")
    assert pytest.main(["-q", "-p", "no:cacheprovider", "-c", os.devnull, suite.file]) == 0


@pytest.mark.exhaustive
def test_the_numbers_of_the_kit_are_right(exported):
    page = BACKENDS.read_text(encoding="utf-8").replace("\n", " ")
    (case,) = files.make_cases(["dense"])
    traps = {trap.name for trap in (*forward_traps(), *gradient_traps(case))}
    assert f"all {len(SPECIFICATIONS)} cases" in page and f"Each of {len(traps)} traps" in page
    assert f"kit](docs/backends.md): {len(SPECIFICATIONS)} cases" in README.read_text(encoding="utf-8")
    size = sum(path.stat().st_size for path in exported.iterdir())
    assert f"{size / 1e6:.1f} MB, the same bytes every time" in page


def rows_of(table):
    """The rows of a printed table, each a list of cells: a cell's lines joined, with # for every number."""
    rows = []
    for part in re.split(r"^[├└].*$", table.split("┩\n")[1], flags=re.MULTILINE)[:-1]:
        lines = [line.split("│")[1:-1] for line in part.splitlines() if line]
        cells = [re.sub(r"\s+", " ", " ".join(column)).strip() for column in zip(*lines)]
        rows.append(cells[:2] + [re.sub(r"\d[\d.e-]*", "#", cell) for cell in cells[2:]])
    return rows


def test_the_readmes_claims_table_is_as_printed():
    """With fewer cases and smaller architectures, so that the words are compared and the numbers are not."""
    shown = next(block.text for block in of_language(README, "text") if "┏" in block.text)
    names = re.findall(r"^│ ([A-Z]\d) │", shown, re.MULTILINE)
    assert len(names) == 4
    results = [run(BY_NAME[name], 4, size=(1, 1, 2)) for name in names]
    proofs = {name: induction.Proof(f"{file}.v", 1, 1.0, None) for name, file in induction.PROVED.items()}
    console = Console(width=120, highlight=False, record=True, file=io.StringIO())
    console.print(report.table(results, proofs))
    assert rows_of(shown) == rows_of(console.export_text())
    assert f"checks {len(CLAIMS)} claims" in README.read_text(encoding="utf-8")


def test_the_readme_is_short_and_starts_with_code():
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 130 and len(text.split()) <= 1300
    assert of_language(README, "python")[0].line <= 25


def test_the_continuous_integration_runs_the_test_command():
    commands = [line for block in of_language(README, "sh") for line in block.text.splitlines()]
    assert len([line for line in commands if line.endswith("-m pytest")]) == 1
    assert "grep -m 1 -- '-m pytest$' README.md" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_continuous_integration_runs_every_shell_block():
    """What takes a machine of its own is left to .ci/run itself, and must stand there."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert ".ci/shell_blocks.py" in script
    listed = subprocess.run(
        [sys.executable, ROOT / ".ci" / "shell_blocks.py", "--list"], capture_output=True, text=True, check=True
    ).stdout
    for page in PAGES:
        for block in of_language(page, "sh"):
            assert all(line in listed for line in block.text.splitlines())


@functools.cache
def headings(path):
    """The anchors of a page's headings; the claims' on the page that is made of them."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    return anchors | (set(BY_NAME) if path.name == "theory.md" else set())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_everything_that_a_page_links_to_is_there(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for link in re.findall(r"\]\((?!https?://)([^)]+)\)", text):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_is_there(page):
    names = set(re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8")))
    assert names <= all_tests(), names - all_tests()
    assert names or page.name != "conventions.md"


@functools.cache
def all_tests():
    """The names of all tests."""
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return {name for source in sources for name in re.findall(r"^def (test_\w+)\(", source, re.MULTILINE)}


def test_every_letter_of_a_claim_is_explained():
    assert {claim.name[0] for claim in CLAIMS} <= set(LETTERS)


def test_the_changelog_names_every_claim():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    ranges = {f"E{k}" for k in range(1, 8)} if "E1-E7" in changelog else set()
    for claim in CLAIMS:
        assert claim.name in ranges or claim.name in changelog, claim.name
