"""Apply each mutant to a scratch copy of the checkout, and find what kills it.

A worker copies `ottt_ref`, `proofs` and `tests`, seeds the fault, and starts a fresh process in the copy that runs
the claims, the quick ones first, on few cases and small architectures, until one does not hold. If all hold, the tests
of the library are run in the copy until one fails. What survives both is a claim that is missing.

A fault that names its tests, as those in the tools of proof do, must be killed by these tests alone.

What became of each is kept in a file at once: stopped and started again, the same sources go on where they were.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from ottt_ref.workers import engine

from .catalogue import CATALOGUE

ROOT = Path(__file__).parent.parent.parent
COPIED = ("ottt_ref", "proofs", "tests")
CASES = 40
SECONDS = 900
FIRST = (
    "E7",
    "E6",
    "E1",
    "E2",
    "E3",
    "E4",
    "L1",
    "F1",
    "P1",
    "Q1",
    "R1",
    "R2",
    "R3",
    "R4",
    "C1",
    "D0",
    "D1",
    "D2",
    "I1",
    "O1",
)
KILLED, CLEAN = 3, 0


@dataclass(frozen=True)
class Death:
    """What killed a mutant: a claim's name, or a test's, or that it never ends; None if nothing did."""

    mutant: object
    killer: str | None


def seed(mutant, root):
    """Write the fault into the copy; ValueError unless the right source occurs there just once."""
    path = Path(root) / mutant.path
    source = path.read_text(encoding="utf-8")
    if source.count(mutant.right) != 1:
        raise ValueError(f"{mutant}: {mutant.right!r} must occur once, it occurs {source.count(mutant.right)} times")
    path.write_text(source.replace(mutant.right, mutant.wrong), encoding="utf-8")


def in_checkout():
    """Whether what is copied is there: a wheel has no tests."""
    return all((ROOT / name).is_dir() for name in COPIED) and (ROOT / "setup.cfg").is_file()


def kill(mutant, cases=CASES):
    """The Death of a mutant."""
    with tempfile.TemporaryDirectory() as copy:
        for name in COPIED:
            shutil.copytree(
                ROOT / name, Path(copy) / name
            )  # with Numba's caches, which stay valid where nothing changed
        shutil.copy(ROOT / "setup.cfg", copy)
        seed(mutant, copy)
        try:
            if mutant.tests:
                return Death(mutant, _first_test_that_fails(copy, "-n", "0", *mutant.tests))
            return Death(mutant, _first_claim(copy, cases) or _first_test_that_fails(copy, "tests/ottt_ref"))
        except subprocess.TimeoutExpired:
            return Death(mutant, f"not done after {SECONDS} s")


def _first_claim(copy, cases):
    claims = _run(copy, "-m", "proofs.mutants.score", str(cases))
    if claims.returncode == CLEAN:
        return None
    return claims.stdout.strip().rpartition("\n")[2] or "the claims do not start"


def _first_test_that_fails(copy, *arguments):
    # no traceback and no explained assertion: to print arrays of fractions takes minutes
    quiet = ("-x", "-q", "--no-header", "--tb=no", "--assert=plain", "-p", "no:cacheprovider")
    tests = _run(copy, "-m", "pytest", *quiet, *arguments)
    failed = [line for line in tests.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0].partition(" - ")[0].removeprefix("FAILED ") if failed else None


def _run(copy, *arguments):
    return CHILDREN.run([sys.executable, *arguments], copy, {**os.environ, "PYTHONPATH": copy})


class Children:
    """The processes that are running, each at the head of a group with those that it starts."""

    def __init__(self):
        self._lock, self._running, self._ended = threading.Lock(), set(), False

    def run(self, command, folder, environment):
        """Its exit status and what it printed. After SECONDS its group is ended, and TimeoutExpired raised."""
        with self._lock:
            if self._ended:
                raise CancelledError
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8", "errors": "replace"}
            process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **pipes)
            self._running.add(process)
        try:
            out, err = process.communicate(timeout=SECONDS)
            return subprocess.CompletedProcess(command, process.returncode, out, err)
        except subprocess.TimeoutExpired:
            _end(process)
            process.communicate()
            raise
        finally:
            with self._lock:
                self._running.discard(process)

    def end(self):
        """End those that run; none begins any more."""
        with self._lock:
            self._ended = True
            for process in self._running:
                _end(process)

    def begin(self):
        """Let them begin again."""
        self._ended = False


def _end(process):
    """End its whole group, if something of it is left."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


CHILDREN = Children()


def kill_all(workers, console, kept, mutants=CATALOGUE, scheduler=None):
    """The Death of each mutant, in order. What `kept`, a Kept, has of them is not done again; it gets the others.

    workers    how many are tried at once, where no address of a scheduler is given
    """
    missing = [mutant for mutant in mutants if mutant not in kept]
    CHILDREN.begin()
    with console.status(f"{len(missing)} mutants") as status, _pool(workers, scheduler) as pool:
        pending = [pool.submit(kill, mutant) for mutant in missing]
        try:
            for done, future in enumerate(as_completed(pending), 1):
                death = future.result()
                kept.add(death.mutant, death.killer)
                status.update(f"{done} of {len(missing)} mutants")
                if not console.is_terminal:
                    print(f"{death.killer or 'SURVIVES':<8} {death.mutant}", flush=True)
        except BaseException as error:
            for future in pending:
                future.cancel()
            CHILDREN.end()
            if isinstance(error, KeyboardInterrupt):
                raise KeyboardInterrupt(kept.told(len(mutants))) from None
            raise
    return [Death(mutant, kept[mutant]) for mutant in mutants]


def _pool(workers, scheduler):
    """Threads here, each of which waits for the processes of a mutant; or the workers of a scheduler."""
    return ThreadPoolExecutor(workers) if scheduler is None else engine(workers, scheduler)


def table(deaths):
    """One row per mutant."""
    rows = Table(title=f"Mutation score: {sum(death.killer is not None for death in deaths)} of {len(deaths)} killed")
    for column in ("file", "fault", "killed by"):
        rows.add_column(column)
    for death in deaths:
        rows.add_row(death.mutant.path, death.mutant.fault, death.killer or "[bold red]SURVIVES[/]")
    return rows


def first_claim_that_fails(cases):
    """The name of the first claim that does not hold, or None; in the process that sees the mutant."""
    from ..claims import BY_NAME  # here: importing them may be what fails
    from ..search import run

    names = [*FIRST, *(name for name in BY_NAME if name not in (*FIRST, "M1"))]  # M1 measures memory, for half a minute
    return next((name for name in names if not run(BY_NAME[name], cases).holds), None)


if __name__ == "__main__":
    name = first_claim_that_fails(int(sys.argv[1]))
    print(name)
    sys.exit(CLEAN if name is None else KILLED)
