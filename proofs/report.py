"""What a person sees: the table of claims, what refuted one, and the same as JSON."""

import json
import platform
from dataclasses import asdict
from importlib.metadata import version

from rich.table import Table
from rich.text import Text

import ottt_ref as ot
from ottt_ref import console
from ottt_ref.files.storage import write_bytes

from . import surveys, verdict
from .claims import BY_NAME, CLAIMS


def screen():
    """Where the table goes."""
    return console.screen(120)


def table(results, proofs=None):
    """One row per claim: what was checked, cases, exactness and worst slack, what stands behind it, time.

    `proofs`, by claim, are those that Coq has checked.
    """
    theirs = {claim.name for claim in CLAIMS}.isdisjoint(result.name for result in results)
    title = "The claims" if theirs and results else "The claims of the theory"
    rows = Table(title=title, show_lines=True, expand=True)
    rows.add_column("", no_wrap=True)
    rows.add_column("claim, and what was checked", ratio=9)
    rows.add_column("cases\n(drawn)", justify="right", no_wrap=True)
    rows.add_column("exactness, worst slack", ratio=4)
    rows.add_column("verdict", ratio=6)
    rows.add_column("time", justify="right", no_wrap=True)
    for result in results:
        claim = BY_NAME[result.name]
        rows.add_row(
            claim.name,
            Text.assemble(claim.statement, "\n", (claim.checked, "dim")),  # Text: v[t] would be read as markup
            f"{result.cases}\n({result.drawn})",
            Text(slack_text(result)),
            verdict_text(verdict.decide(result, (proofs or {}).get(result.name))),
            f"{result.seconds:.1f} s",
        )
    return rows


def slack_text(result):
    """The exactness and the worst slack of a result, with what the number means."""
    claim = BY_NAME[result.name]
    return claim.kind if result.slack is None else f"{claim.kind}; {claim.slack_means.format(result.slack)}"


def verdict_text(decided):
    """The verdict as it stands in the table, one ground per paragraph."""
    first, *others = decided.grounds
    return Text.assemble(
        (first, "green" if decided.holds else "bold red"),
        *(("\n" + ground, "bold red" if "FAILS" in ground else "") for ground in others),
    )


def listing(claims):
    """Each claim with its hypotheses, source, and what is known to fail without a hypothesis."""
    lines = []
    for claim in claims:
        lines.append(f"{claim.name}  {claim.statement}")
        lines.append(f"    hypotheses: {claim.hypotheses}")
        lines.append(f"    source:     {claim.source}")
        lines.append(f"    checked:    {claim.checked} ({claim.kind})")
        lines.append(f"    stands on:  {verdict.possible(claim)}")
        lines.extend(f"    fails without '{example.dropped}'" for example in claim.counterexamples)
    return "\n".join(lines)


def failures(results):
    """What refuted each claim that does not hold: the shrunk case, or why there is no verdict."""
    return "\n\n".join(f"{result.name} does not hold:\n{result.failure}" for result in results if not result.holds)


def counterexamples(results):
    """What happens without a hypothesis, checked on this run."""
    lines = [f"{result.name} {line}" for result in results for line in result.counterexamples]
    return "\n".join(lines)


def write_json(path, results, cases, seed, cells=(), proofs=None):
    """Write everything that the tables show, and the versions, to `path`, atomically."""
    content = {
        "cases": cases,
        "seed": seed,
        "versions": versions(),
        "claims": [_as_data(result, (proofs or {}).get(result.name)) for result in results],
        "surveys": surveys.as_data(cells),
    }
    write_bytes(path, (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def versions():
    """What the numbers depend on, by name."""
    packages = ("numpy", "numba", "scipy", "hypothesis")
    return {
        "ottt_ref": ot.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def _as_data(result, proof):
    claim, decided = BY_NAME[result.name], verdict.decide(result, proof)
    return {
        "name": claim.name,
        "statement": claim.statement,
        "hypotheses": claim.hypotheses,
        "source": claim.source,
        "checked": claim.checked,
        "kind": claim.kind,
        "holds": decided.holds,
        "verdict": decided.word,
        "grounds": list(decided.grounds),
        "risk": verdict.risk_of(result.certificates) if result.certificates else None,
        "cases": result.cases,
        "drawn": result.drawn,
        "in_corners": result.in_corners,
        "certified": result.certified,
        "slack": result.slack,
        "slack_means": claim.slack_means,
        "seconds": round(result.seconds, 3),
        "failure": result.failure,
        "counterexamples": list(result.counterexamples),
        "coq": None if proof is None else asdict(proof),
        "certificates": [asdict(certificate) for certificate in result.certificates],
    }
