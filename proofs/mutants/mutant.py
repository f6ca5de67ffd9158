"""A fault: in which file, which piece of source (it must occur just once), and what stands there instead."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One fault: `right` in `file`, a path in `folder`, becomes `wrong`.

    folder  "ottt_ref" or "proofs"
    tests   the tests that must kill it, paths in the checkout. Without them the claims must, or else the tests of the
            library. A fault in the tools of proof has tests of its own: a claim on a broken tool says nothing.
    """

    fault: str
    file: str
    right: str
    wrong: str
    folder: str = "ottt_ref"
    tests: tuple = ()

    @property
    def path(self):
        """The file in the checkout."""
        return f"{self.folder}/{self.file}"

    def __str__(self):
        return f"{self.path}: {self.fault}"


def of_library(file, *faults):
    """Mutants of one file of `ottt_ref`, from (fault, right, wrong)."""
    return tuple(Mutant(fault, file, right, wrong) for fault, right, wrong in faults)


def of_proofs(file, tests, *faults):
    """Mutants of one file of `proofs`, from (fault, right, wrong), which `tests`, names in tests/proofs, must kill."""
    killers = tuple(f"tests/proofs/{test}" for test in ([tests] if isinstance(tests, str) else tests))
    return tuple(Mutant(fault, file, right, wrong, "proofs", killers) for fault, right, wrong in faults)
