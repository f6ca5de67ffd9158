"""The claims that are proved for every T at once: by induction, over any commutative ring, checked by Coq.

The proofs are `proofs/coq/*.v`. Each file ends with `Print Assumptions` for its theorems, whose answer must be that
they use no axiom. They are compiled in a folder of their own, so that nothing is left in the tree.
"""

import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "coq"
FILES = ("Traces", "E1", "E2", "F1", "R1")  # each needs Traces
PROVED = {"E1": "E1", "E2": "E2", "F1": "F1", "P1": "Traces", "R1": "R1"}  # by claim
IN_PART = {  # of what the claim states, what its file proves; the others prove all of it
    "E2": "what OTTT and SLTT keep, without loops",
    "P1": "the traces",
}
NO_AXIOMS = "Closed under the global context"
SECONDS = 120
TEXT = {"encoding": "utf-8", "errors": "replace"}  # whatever the locale
INSTALL = "Coq proofs need coqc: on Debian  apt install coq"


@dataclass(frozen=True)
class Proof:
    """What Coq said of one file.

    theorems  how many theorems it says use no axiom
    failure   None, or what it complained about
    """

    file: str
    theorems: int
    seconds: float
    failure: str | None


def coqc():
    """The path of Coq's compiler, or None."""
    return shutil.which("coqc")


def check_all(compiler, files=FILES, folder=FOLDER):
    """Compile the files in order with `compiler`; a Proof of each, up to the first that fails."""
    proofs = []
    with tempfile.TemporaryDirectory() as temporary:
        for name in files:
            shutil.copy(folder / f"{name}.v", temporary)
            proofs.append(_check(compiler, name, temporary))
            if proofs[-1].failure:
                break
    return proofs


def _check(compiler, name, folder):
    started = time.perf_counter()
    command = [compiler, "-q", "-Q", ".", "OTTT", f"{name}.v"]
    try:
        process = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=SECONDS, **TEXT)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Proof(f"{name}.v", 0, time.perf_counter() - started, f"{type(error).__name__}: {error}")
    asked = (Path(folder) / f"{name}.v").read_text(encoding="utf-8").count("Print Assumptions")
    closed = process.stdout.splitlines().count(NO_AXIOMS)
    failure = None
    if process.returncode:
        failure = process.stderr.strip() or f"coqc ended with {process.returncode}"
    elif not asked or closed != asked or len(process.stdout.splitlines()) != asked:
        failure = f"{asked} theorems should use no axiom, Coq says:\n{process.stdout.strip()}"
    return Proof(f"{name}.v", closed, time.perf_counter() - started, failure)


def evaluate(compiler, source, files=FILES, folder=FOLDER):
    """What Coq prints for `source`, which may require the files as OTTT.Traces, ...; RuntimeError with what it said."""
    with tempfile.TemporaryDirectory() as temporary:
        for name in files:
            shutil.copy(folder / f"{name}.v", temporary)
        (Path(temporary) / "Evaluate.v").write_text(source, encoding="utf-8")
        for name in (*files, "Evaluate"):
            command = [compiler, "-q", "-Q", ".", "OTTT", f"{name}.v"]
            process = subprocess.run(
                command, cwd=temporary, capture_output=True, text=True, check=False, timeout=SECONDS
            )
            if process.returncode:
                raise RuntimeError(f"{name}.v: {process.stderr.strip()}")
    return process.stdout


def files_of(claims):
    """The files, in order, that prove one of the claims of these names, with what they need; none for most claims."""
    needed = {PROVED[claim] for claim in claims if claim in PROVED}
    return tuple(name for name in FILES if name in needed or (needed and name == "Traces"))


def by_claim(proofs):
    """The Proof of each claim that has one."""
    found = {proof.file.removesuffix(".v"): proof for proof in proofs}
    return {claim: found[name] for claim, name in PROVED.items() if name in found}


def listing(proofs):
    """A line for each file."""
    lines = []
    for proof in proofs:
        verdict = proof.failure or f"{proof.theorems} theorem{'s' if proof.theorems > 1 else ''}, no axioms"
        lines.append(f"{proof.file:<9} {verdict} ({proof.seconds:.1f} s)")
    return "\n".join(lines)
