"""`python -m proofs`: check the claims, print the table, exit 1 if one fails."""

import argparse
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path

try:
    from . import induction, report, surveys, thorough
    from .claims import BY_NAME, CLAIMS
    from .museum import hall
    from .museum.exhibit import load_all
    from .mutants import score
    from .parallel import run_all
    from .search import COSTLY, FULL, SMALL, counterexamples
except ModuleNotFoundError as missing:
    if missing.name not in ("hypothesis", "rich"):
        raise
    sys.exit(f"python -m proofs needs {missing.name}: install the extra with  pip install -e '.[proofs]'")


DATABASE = Path(".hypothesis/proofs")


def main(argv=None):
    """Parse the command line and run; the exit status: 0 if all claims hold, 1 if one fails, 2 for a wrong argument."""
    options = _parser().parse_args(argv)
    options.cases = options.cases or PROFILES[options.profile].cases
    if options.surveys is None:
        options.surveys = PROFILES[options.profile].surveys
    if options.html:
        options.write_page = _page_writer()
    claims = [claim for claim in CLAIMS if not options.claim or claim.name in options.claim]
    if options.list:
        print(report.listing(claims))
        return 0
    if options.coq:
        return _check_coq()
    if options.counterexamples:
        return _show_museum(claims)
    if options.mutants:
        return _kill_mutants(options)
    console = report.console()
    proved = induction.check_all(induction.coqc()) if induction.coqc() else []
    try:
        results = _results(claims, options, console)
    except ValueError as error:
        print(f"python -m proofs: {error}", file=sys.stderr)
        return 2
    console.print(report.table(results, induction.by_claim(proved)))
    print(induction.listing(proved) or f"{induction.INSTALL}; not checked here", end="\n\n")
    print(report.counterexamples(results), end="\n\n")
    cells = _survey(claims, options, console)
    if options.json:
        report.write_json(options.json, results, options.cases, options.seed, cells, induction.by_claim(proved))
    if options.html:
        _write_page(options, results, cells, induction.by_claim(proved))
    failed = [result.name for result in results if not result.holds]
    if failed:
        print(report.failures(results), end="\n\n")
    print(f"{len(results) - len(failed)} of {len(results)} claims hold (seed {options.seed})")
    return 1 if failed or any(proof.failure for proof in proved) else 0


def _write_page(options, results, cells, proofs):
    """The page of --html, with the museum."""
    settings = {"profile": options.profile, "cases": options.cases, "seed": options.seed, **report.versions()}
    options.write_page(options.html, results, settings, proofs=proofs, cells=cells, exhibits=load_all())
    print(f"wrote {options.html}\n")


def _page_writer():
    """`page.write.write`; exits where what it needs is missing, before hours of work."""
    try:
        from .page.write import write
    except ModuleNotFoundError as missing:
        sys.exit(f"--html needs {missing.name}: install the extra with  pip install -e '.[proofs]'")
    return write


def _show_museum(claims):
    """Print the museum, and the other counterexamples of the claims, each checked; 1 if one does not stand."""
    names = {claim.name for claim in claims}
    console = report.console()
    fallen = hall.show([exhibit for exhibit in load_all() if exhibit.theorem in names], console)
    for claim in claims:
        shown, failure = counterexamples(claim)
        for line in (*shown, *([failure] if failure else [])):
            console.print(f"{claim.name} {line}", markup=False)
        fallen += [claim.name] if failure else []
    print(f"\n{'all stand' if not fallen else 'these do not stand: ' + ', '.join(fallen)}")
    return 1 if fallen else 0


def _kill_mutants(options):
    """Seed every fault of the catalogue; 1 if one survives."""
    console = report.console()
    deaths = score.kill_all(options.workers, console)
    console.print(score.table(deaths))
    return 1 if any(death.killer is None for death in deaths) else 0


def _check_coq():
    """Compile the Coq proofs alone; 0 if all hold, 1 if one fails, 2 without Coq."""
    if induction.coqc() is None:
        print(induction.INSTALL, file=sys.stderr)
        return 2
    proofs = induction.check_all(induction.coqc())
    print(induction.listing(proofs))
    return 1 if any(proof.failure for proof in proofs) else 0


@dataclass(frozen=True)
class Profile:
    """How deep to look: cases per claim and round, rounds, and how large the architectures of identities are."""

    cases: int
    rounds: int
    size: tuple
    costly: tuple
    surveys: bool


PROFILES = {
    "quick": Profile(30, 1, SMALL, SMALL, False),
    "default": Profile(200, 1, FULL, COSTLY, True),
    "thorough": Profile(400, 40, FULL, FULL, True),
}


def _results(claims, options, console):
    """The Results of the claims, of one round or of the rounds of the thorough profile."""
    profile = PROFILES[options.profile]

    def run_round(k):
        size = {"size": profile.size, "costly": profile.costly} if k == 0 else {"size": None}
        return run_all(claims, options.cases, options.seed + k, options.workers, console, database=DATABASE, **size)

    if profile.rounds == 1:
        return run_round(0)
    settings = {"claims": [claim.name for claim in claims], "cases": options.cases, "seed": options.seed}
    return thorough.run(thorough.Progress.open(options.progress, settings), profile.rounds, run_round)


def _survey(claims, options, console):
    """The cells of the surveys that the claims have, after they were printed; none where digits cannot be had."""
    theorems = [claim.name for claim in claims if claim.name in surveys.DEPTHS]
    if not options.surveys or not theorems:
        return []
    if importlib.util.find_spec("sklearn") is None:
        print("no surveys of D1 and D2 on digits: they need scikit-learn,  pip install -e '.[proofs]'\n")
        return []
    cells = surveys.run_all(theorems, options.seed, options.workers, console)
    for theorem in theorems:
        console.print(surveys.table(theorem, cells))
    print(surveys.certainty(cells), end="\n\n")
    return cells


def _parser():
    parser = argparse.ArgumentParser(prog="python -m proofs", description="Check the claims of the theory.")
    parser.add_argument(
        "--claim",
        metavar="NAME",
        type=_claim_name,
        action="append",
        help=f"one of {', '.join(BY_NAME)}; may be repeated",
    )
    parser.add_argument(
        "--cases", metavar="N", type=_positive, help="random cases per claim (and round); of the profile if not given"
    )
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        default="default",
        help="quick: a look, half a minute; default: 200 cases; thorough: 40 rounds of 400 cases, an hour or more, "
        "saved after each round and taken up again (%(default)s)",
    )
    parser.add_argument(
        "--progress",
        metavar="FILE",
        type=Path,
        default=Path("results/proofs-thorough.json"),
        help="where the thorough profile saves its rounds (%(default)s)",
    )
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="seed of the random cases (default 0)")
    parser.add_argument(
        "--surveys",
        action=argparse.BooleanOptionalAction,
        help="also count on digits how often the hypotheses of D1 and D2 hold (not in the quick profile)",
    )
    parser.add_argument(
        "--counterexamples",
        action="store_true",
        help="print the smallest networks where a claim fails without a hypothesis, with all that happens in them",
    )
    parser.add_argument(
        "--mutants",
        action="store_true",
        help="seed faults into a copy of the source, one at a time, and see which claim kills each (ten minutes)",
    )
    parser.add_argument("--coq", action="store_true", help="compile the Coq proofs, for every T, and do nothing else")
    parser.add_argument("--list", action="store_true", help="list the claims and their hypotheses, and check nothing")
    parser.add_argument("--json", metavar="FILE", type=_writable, help="also write the results to FILE")
    parser.add_argument(
        "--html",
        metavar="FILE",
        type=_writable,
        help="also write all of it as one page to FILE",
    )
    parser.add_argument(
        "--workers", metavar="N", type=_positive, default=min(2, os.cpu_count() or 1), help="processes (default 2)"
    )
    return parser


def _claim_name(text):
    if text.upper() not in BY_NAME:
        raise argparse.ArgumentTypeError(f"must be one of {', '.join(BY_NAME)}, got {text!r}")
    return text.upper()


def _positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def _writable(text):
    folder = Path(text).resolve().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK) or Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"must name a file in a folder that can be written, got {text!r}")
    return text


if __name__ == "__main__":
    sys.exit(main())
