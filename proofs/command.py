"""What `python -m proofs` and `ottt-ref prove` do: check the claims, or one of the other things that MODES lists."""

import argparse
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from ottt_ref import console, workers
from ottt_ref.console import CommandError, file, positive
from ottt_ref.outside import OutsideError
from ottt_ref.sources import digest

from . import induction, own, power, report, surveys, thorough, verdict
from .claims import CLAIMS
from .museum import hall
from .museum.exhibit import load_all
from .mutants import drawn, score
from .mutants.kept import Kept
from .parallel import run_all
from .search import COSTLY, FULL, SMALL, counterexamples

DATABASE = Path(".hypothesis/proofs")
PROGRESS = Path("results/proofs-thorough.json")
MUTANTS = Path("results/proofs-mutants.json")
EXAMPLES = (
    "",
    "--claim E1 E2 --cases 1000 --seed 7",
    "--profile quick --json claims.json --html claims.html",
    "--profile thorough --workers 8",
    "--list",
    "--counterexamples --claim D3",
    "--claims my_module --cases 50",
)
NOTES = """\
exit status: 0 if all that was checked holds, 1 if something does not, 2 if it could not be checked
"""


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


def add_arguments(parser):
    """The options of the command."""
    parser.description = "Check the claims of the theory on random networks, and print one table."
    parser.examples, parser.notes = EXAMPLES, NOTES
    parser.set_defaults(command=run)
    known = ", ".join(claim.name for claim in CLAIMS)
    console.names(parser, "--claim", None, f"these claims alone, of {known}, or of --claims; all if not given")
    option = parser.add_argument
    option(
        "--claims",
        metavar="MODULE",
        help="claims of your own in place of the theory's: a module of the present folder or an installed one, with "
        "CLAIMS or Claim objects",
    )
    option(
        "--cases",
        metavar="N",
        type=positive,
        help="random cases per claim and round; the profile's if not given. Identities take as long as ever: "
        "--profile quick has small ones",
    )
    option(
        "--profile",
        choices=PROFILES,
        help="quick: a look, half a minute; default: 200 cases; thorough: 40 rounds of 400 cases, an hour or more, "
        "saved after each round and taken up again (default)",
    )
    option(
        "--progress",
        metavar="FILE",
        type=Path,
        help=f"where the thorough profile saves its rounds ({PROGRESS}), and --mutants what killed each ({MUTANTS})",
    )
    option("--seed", metavar="S", type=int, help="seed of the random cases, and of the faults that --drawn draws (0)")
    option(
        "--drawn",
        metavar="N",
        type=positive,
        help="with --mutants: N faults that are drawn at random from all of the source, in place of the catalogue",
    )
    option(
        "--surveys",
        action=argparse.BooleanOptionalAction,
        help="also count on digits how often the hypotheses of D1 and D2 hold (not in the quick profile)",
    )
    option("--json", metavar="FILE", type=file, help="also write the results to FILE as JSON")
    option("--html", metavar="FILE", type=file, help="also write all of it to FILE, as one page")
    workers.add_options(option)
    group = parser.add_argument_group("instead of checking the claims, one of").add_mutually_exclusive_group()
    for name, mode in MODES.items():
        group.add_argument(f"--{name}", dest="mode", action="store_const", const=name, help=mode.about)


def run(options):
    """Carry out what was asked for; the exit status."""
    mode = MODES.get(options.mode, CHECK)
    _refuse_without_effect(options, mode)
    options.module = options.claims
    options.claims = _chosen(options.claim, CLAIMS if options.module is None else _own(options.module))
    options.workers, options.scheduler = workers.chosen(options)
    return mode.run(options)


def _own(module):
    try:
        return own.load(module)
    except OutsideError as error:
        raise CommandError(str(error)) from None


def _chosen(names, claims):
    """Those of the claims that are named, in their order; all if none is. Letters may be small or large."""
    known = {claim.name.upper() for claim in claims}
    for name in names or ():
        if name.upper() not in known:
            choices = ", ".join(claim.name for claim in claims)
            raise CommandError(f"argument --claim: invalid choice: {name!r} (choose from {choices})")
    wanted = {name.upper() for name in names or known}
    return [claim for claim in claims if claim.name.upper() in wanted]


def _refuse_without_effect(options, mode):
    """Raise CommandError for an option that would change nothing."""
    for name in OPTIONS:
        if getattr(options, name) is not None and name not in mode.takes:
            where = "without --mutants" if mode is CHECK else f"with --{options.mode}"
            raise CommandError(f"argument --{name}: has no effect {where}")
    if options.mode == "mutants" and options.seed is not None and not options.drawn:
        raise CommandError("argument --seed: has no effect with --mutants without --drawn")
    if options.progress and mode is CHECK and options.profile != "thorough":
        raise CommandError("argument --progress: has no effect without --profile thorough or --mutants")
    named = {name.upper() for name in options.claim or ()}
    if options.surveys and (options.claims or (named and not named & set(surveys.DEPTHS))):
        raise CommandError(f"argument --surveys: has no effect without the claims {', '.join(surveys.DEPTHS)}")
    if options.json and options.html and Path(options.json).resolve() == Path(options.html).resolve():
        raise CommandError(f"argument --html: must not be the file of --json, got {options.html!r}")


def check(options):
    """Check the claims, write the files, print the table; 1 if something does not hold."""
    options.profile = options.profile or "default"
    options.cases = options.cases or PROFILES[options.profile].cases
    options.seed = options.seed or 0
    if options.surveys is None:
        options.surveys = PROFILES[options.profile].surveys
    bare = [claim.name for claim in options.claims if claim.sketch is None]
    if options.html and bare:
        raise CommandError(f"argument --html: claim {bare[0]} has no sketch, which the page shows")
    write_page = _page_writer() if options.html else None  # before hours of work
    screen = report.screen()
    files = induction.files_of(claim.name for claim in options.claims)
    proved = induction.check_all(induction.coqc(), files) if induction.coqc() else []
    by_claim = induction.by_claim(proved)
    results = _results(options, screen)
    cells, note = _survey(options, screen)
    if options.json:
        report.write_json(options.json, results, options.cases, options.seed, cells, by_claim)
    if options.html:
        settings = {"profile": options.profile, "cases": options.cases, "seed": options.seed, **report.versions()}
        write_page(options.html, results, settings, proofs=by_claim, cells=cells, exhibits=load_all())
    missing = "" if induction.coqc() or not files else f"{induction.INSTALL}; not checked here"
    _print(options, screen, results, induction.listing(proved) or missing, by_claim, cells, note)
    return 1 if any(not result.holds for result in results) or any(proof.failure for proof in proved) else 0


def _print(options, screen, results, coq, by_claim, cells, note):
    screen.print(report.table(results, by_claim))
    print(coq, end="\n\n" if coq else "")
    print(report.counterexamples(results), end="\n\n")
    for theorem in dict.fromkeys(cell.theorem for cell in cells):
        screen.print(surveys.table(theorem, cells))
    print(surveys.certainty(cells) if cells else note, end="\n\n" if cells or note else "")
    failed = [result.name for result in results if not result.holds]
    if failed:
        print(report.failures(results), end="\n\n")
    written = [path for path in (options.json, options.html) if path]
    if written:
        print(f"wrote {', '.join(written)}\n")
    counted = verdict.counted([verdict.decide(result, by_claim.get(result.name)) for result in results])
    print(f"{len(results) - len(failed)} of {len(results)} claims hold (seed {options.seed}): {counted}")


def _page_writer():
    """`page.write.write`."""
    with console.needs("proofs"):
        from .page.write import write
    return write


def _results(options, screen):
    """The Results of the claims, of one round or of the rounds of the thorough profile."""
    profile = PROFILES[options.profile]

    def run_round(k):
        size = {"size": profile.size, "costly": profile.costly} if k == 0 else {"size": None}
        seed = options.seed + k
        source = {"module": options.module} if options.module else {}
        return run_all(
            options.claims,
            options.cases,
            seed,
            options.workers,
            screen,
            scheduler=options.scheduler,
            database=DATABASE,
            **source,
            **size,
        )

    if profile.rounds == 1:
        return run_round(0)
    settings = {"claims": [claim.name for claim in options.claims], "cases": options.cases, "seed": options.seed}
    settings |= {"module": options.module} if options.module else {}
    try:
        progress = thorough.Progress.open(options.progress or PROGRESS, settings)
    except ValueError as error:
        raise CommandError(str(error)) from None
    return thorough.run(progress, profile.rounds, run_round)


def _survey(options, screen):
    """The cells of the surveys that the claims have, and what is to be said where there are none."""
    theorems = [claim.name for claim in options.claims if claim.name in surveys.DEPTHS]
    if not options.surveys or not theorems:
        return [], ""
    if importlib.util.find_spec("sklearn") is None:
        return [], "no surveys of D1 and D2 on digits: they need scikit-learn,  pip install 'ottt_ref[proofs]'"
    return surveys.run_all(theorems, options.seed, options.workers, screen, options.scheduler), ""


def list_claims(options):
    """Print each claim with its hypotheses."""
    print(report.listing(options.claims))


def show_museum(options):
    """Print the museum, and the other counterexamples of the claims, each checked; 1 if one does not stand."""
    names = {claim.name for claim in options.claims}
    screen = report.screen()
    fallen = hall.show([exhibit for exhibit in load_all() if exhibit.theorem in names], screen)
    for claim in options.claims:
        shown, failure = counterexamples(claim)
        for line in (*shown, *([failure] if failure else [])):
            screen.print(f"{claim.name} {line}", markup=False)
        fallen += [claim.name] if failure else []
    print(f"\n{'all stand' if not fallen else 'these do not stand: ' + ', '.join(fallen)}")
    return 1 if fallen else 0


def kill_mutants(options):
    """Seed every fault of the catalogue, or as many drawn ones as are asked for; 1 if one survives."""
    if not score.in_checkout():
        raise CommandError("argument --mutants: needs a checkout of the project, with its tests, which no wheel has")
    screen = report.screen()
    try:
        kept = Kept(options.progress or MUTANTS, digest(score.ROOT / name for name in score.COPIED))
    except ValueError as error:
        raise CommandError(str(error)) from None
    faults = drawn.draw(options.drawn, options.seed or 0, score.ROOT) if options.drawn else score.CATALOGUE
    deaths = score.kill_all(options.workers, screen, kept, faults, options.scheduler)
    screen.print(score.table(deaths))
    return 1 if any(death.killer is None for death in deaths) else 0


def survey_power(options):
    """Count how many wrong variants of the claims on cases alone are found; 1 if one is never found."""
    if not score.in_checkout():
        raise CommandError("argument --power: needs a checkout of the project, with its tests, which no wheel has")
    claims = [claim for claim in options.claims if verdict.on_cases_alone(claim)]
    if not claims:
        raise CommandError("argument --claim: of these claims none stands on cases alone")
    screen = report.screen()
    cases = options.cases or PROFILES["default"].cases
    powers = power.measure_all(claims, cases, options.seed or 0, options.workers, screen, options.scheduler)
    screen.print(power.table(powers))
    print(power.missed(powers) or "every wrong variant was found in every seed")
    return 1 if any(not each.times for each in powers) else 0


def check_coq(_):
    """Compile the Coq proofs alone; 1 if one fails."""
    if induction.coqc() is None:
        raise CommandError(induction.INSTALL)
    proofs = induction.check_all(induction.coqc())
    print(induction.listing(proofs))
    return 1 if any(proof.failure for proof in proofs) else 0


@dataclass(frozen=True)
class Mode:
    """One thing that the command does: options → exit status; the options that have an effect; and help about it."""

    run: object
    takes: tuple
    about: str = ""


WHERE = ("workers", "scheduler")
CHECK = Mode(check, ("claim", "claims", "cases", "profile", "progress", "seed", "surveys", "json", "html", *WHERE))
OPTIONS = (*CHECK.takes, "drawn")
MODES = {
    "list": Mode(list_claims, ("claim", "claims"), "list the claims and their hypotheses, and check nothing"),
    "counterexamples": Mode(
        show_museum,
        ("claim", "claims"),
        "print the smallest networks where a claim fails without a hypothesis, with all that happens in them",
    ),
    "power": Mode(
        survey_power,
        ("claim", "cases", "seed", *WHERE),
        f"count in {power.SEEDS} seeds how many wrong variants the claims on cases alone find (minutes; in a checkout "
        "alone)",
    ),
    "coq": Mode(check_coq, (), "compile the Coq proofs, for every T, and do nothing else"),
    "mutants": Mode(
        kill_mutants,
        ("progress", "seed", "drawn", *WHERE),
        "seed faults into a copy of the source, those of the catalogue or with --drawn random ones, one at a time, and "
        "see what kills each (an hour or two, saved after each and taken up again; in a checkout alone)",
    ),
}
