"""Run every shell block of README.md and docs/ in a fresh copy of the checkout; stop at the first that fails.

    python .ci/shell_blocks.py          run them
    python .ci/shell_blocks.py --list   print them, and where each is run

The README's first command makes the copy's virtual environment, .venv, and all others find its programs. Files that a
page's Python blocks are or write are there when its shell blocks run. A block that is a part of one that has run is not
run again.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.pages import PAGES, blocks  # noqa: E402

# Blocks with these words are run by .ci/run itself, in environments of their own, and the lines that do so there.
ELSEWHERE = {
    "-m pytest\n": "grep -m 1 -- '-m pytest$' README.md",
    "torch==": ".venv-peers/bin/pip install -q torch==",
}
FAILS = "conform my_backend:adapter"  # the backend of the page has a mistake, which the command must find
FIRST = "python3 -m venv .venv"


def plan():
    """(page, block, where it is run or None) for every shell block; the one that makes the environment first."""
    found = [(page, block, elsewhere(block)) for page in PAGES for block in blocks(page) if block.language == "sh"]
    return sorted(found, key=lambda step: not (step[1].text.startswith(FIRST) and step[2] is None))


def elsewhere(block):
    """The line of .ci/run that runs the block, or None."""
    for words, line in ELSEWHERE.items():
        if words in block.text:
            if line not in (ROOT / ".ci" / "run").read_text(encoding="utf-8"):
                raise SystemExit(f".ci/run must have the line: {line}")
            return line
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="print the blocks, and run nothing")
    if parser.parse_args().list:
        for page, block, line in plan():
            print(f"{page.name}, line {block.line}: {'.ci/run: ' + line if line else 'run here'}\n{block.text}")
        return
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "copy"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(copy)], check=True)
        prepared, done = set(), []
        for page, block, line in plan():
            if line is None and not any(block.text in earlier for earlier in done):
                run(copy, page, block, prepared)
                done.append(block.text)


def run(copy, page, block, prepared):
    """Run one block in the copy, after the page's Python blocks."""
    environment = {**os.environ, "PATH": f"{copy / '.venv' / 'bin'}:{os.environ['PATH']}", "PIP_QUIET": "1"}
    if page not in prepared and (copy / ".venv").exists():
        prepared.add(page)
        write_files(copy, page, environment)
    print(f"\n{page.name}, line {block.line}\n{block.text}", flush=True)
    started = time.perf_counter()
    status = subprocess.run(["bash", "-euo", "pipefail", "-c", block.text], cwd=copy, env=environment).returncode
    if status != (1 if FAILS in block.text else 0):
        raise SystemExit(f"{page.name}, line {block.line}: exit status {status}")
    print(f"({time.perf_counter() - started:.0f} s)", flush=True)


def write_files(copy, page, environment):
    """The files that the page's Python blocks are, and those that they write."""
    code = ""
    for block in blocks(page):
        if block.language == "python" and block.file:
            (copy / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            code += block.text
    subprocess.run(["python", "-c", code], cwd=copy, env=environment, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
