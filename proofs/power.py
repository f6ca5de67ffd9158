"""The power of cases: how many of the wrong variants of a claim the default number of cases finds, in repeated seeds.

A claim that has no proof and no identity stands on cases alone. What that is worth depends on what the cases would have
found: each wrong variant of `tests/proofs/wrong_variants.py` is put in the place of the right algorithm, and the claim
is searched anew with each seed. Counterexamples take no part, nor do identities.
"""

import importlib
from dataclasses import dataclass, replace
from statistics import median

from rich.table import Table

from ottt_ref.workers import engine

from .claims import BY_NAME, CLAIMS
from .search import count, run
from .verdict import on_cases_alone

VARIANTS = "tests.proofs.wrong_variants"
SEEDS = 5


@dataclass(frozen=True)
class Power:
    """What became of one wrong variant.

    found  for each seed how many cases were drawn until one refuted the claim, None where none did
    cases  how many live cases the claim was searched for
    """

    claim: str
    fault: str
    cases: int
    found: tuple

    @property
    def times(self):
        """In how many seeds it was found."""
        return sum(each is not None for each in self.found)


def claims_on_cases_alone():
    """The claims that nothing but cases can stand behind."""
    return [claim for claim in CLAIMS if on_cases_alone(claim)]


def measure(index, cases, seeds):
    """The Power of the claim against the wrong variant of that index, which takes its place in this process."""
    variant = importlib.import_module(VARIANTS).WRONG_VARIANTS[index]
    claim = replace(BY_NAME[variant.claim], shrink=False, counterexamples=(), identities=())
    right = getattr(variant.owner, variant.name)
    setattr(variant.owner, variant.name, variant.wrong)
    try:
        found = tuple(_found(claim, cases, seed) for seed in seeds)
    finally:
        setattr(variant.owner, variant.name, right)
    return Power(claim.name, variant.fault, count(claim, cases), found)


def _found(claim, cases, seed):
    """How many cases were drawn until one refuted the claim; None if none did, or a check stopped with an error."""
    result = run(claim, cases, seed, size=None)
    stopped = result.failure is not None and result.failure.startswith(("vacuous", "the check stopped", "the search"))
    return None if result.holds or stopped else result.drawn + 1


def measure_all(claims, cases, seed, workers, console, scheduler=None):
    """The Power of each claim against each of its wrong variants, by workers as `workers.engine` takes them."""
    names = {claim.name for claim in claims}
    variants = importlib.import_module(VARIANTS).WRONG_VARIANTS
    seeds = tuple(range(seed, seed + SEEDS))
    with console.status("wrong variants"), engine(workers, scheduler) as pool:
        pending = [
            pool.submit(measure, k, cases, seeds) for k, variant in enumerate(variants) if variant.claim in names
        ]
        return [future.result() for future in pending]


def table(powers):
    """One row per claim: how many wrong variants were found, after how many cases; then those that were not always."""
    rows = Table(title="Claims that stand on cases alone: their power against wrong variants")
    for column in ("claim", "live cases", "wrong variants", "found", "cases drawn until then: median, most"):
        rows.add_column(column, justify="left" if column == "claim" else "right")
    for name in dict.fromkeys(power.claim for power in powers):
        mine = [power for power in powers if power.claim == name]
        drawn = [each for power in mine for each in power.found if each is not None]
        found, tried = sum(power.times for power in mine), sum(len(power.found) for power in mine)
        until = f"{median(drawn):g}, {max(drawn)}" if drawn else "-"
        rows.add_row(name, str(mine[0].cases), str(len(mine)), f"{found} of {tried}", until)
    return rows


def missed(powers):
    """A line for each wrong variant that some seed did not find."""
    lines = [
        f"{power.claim}: '{power.fault}' was found in {power.times} of {len(power.found)} seeds"
        for power in powers
        if power.times < len(power.found)
    ]
    return "\n".join(lines)
