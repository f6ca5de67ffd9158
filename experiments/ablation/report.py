"""What comes out: each variant against the default, seed by seed, as text and Markdown, and what it says."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.table import Table

from ..output import markdown as in_markdown
from ..output import markdown_list
from ..sweep.columns import COLUMNS
from ..sweep.statistics import CONFIDENCE, Difference, accuracy, by_chance, mean_and_deviation, paired
from .variants import DEFAULT, FACTORS, factor_of, titles

HEAD = (
    "data",
    "rule",
    "factor",
    "variant",
    "test accuracy (%)",
    f"minus the default, {100 * CONFIDENCE:g} % interval",
    "firing rate by layer",
)


def summaries(results: Mapping[tuple[str, str, str, int], Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A summary for each column, rule and variant, from results by these and the seed; the default comes first."""
    cells: dict[tuple[str, str, str], dict[int, Mapping[str, Any]]] = {}
    for (*cell, seed), result in results.items():
        cells.setdefault(tuple(cell), {})[seed] = result
    return [_summary(*cell, runs, cells[*cell[:2], DEFAULT]) for cell, runs in cells.items()]


def _summary(column, rule, variant, runs, base):
    failed = [result["failed"] for result in runs.values() if "failed" in result]
    known = {"column": column, "rule": rule, "factor": factor_of(variant), "variant": variant}
    known |= {"seeds": len(runs), "failed": failed}
    if failed:
        return known
    mean, deviation = mean_and_deviation([accuracy(result) for result in runs.values()])
    apart = None if variant == DEFAULT else paired(runs, base)
    rates = np.mean([result["firing_rates"] for result in runs.values()], axis=0)
    return {
        **known,
        "accuracy_mean": mean,
        "accuracy_deviation": deviation,
        "difference": None if apart is None else apart.as_json,
        "firing_rates": rates.tolist(),
    }


def rows(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """The cells of the table as texts, a row for each column, rule and variant."""
    return [_row(summary) for summary in found]


def _row(summary):
    names = COLUMNS[summary["column"]].title, summary["rule"], summary["factor"] or "", titles()[summary["variant"]]
    if summary["failed"]:
        return *names, f"failed: {summary['failed'][0]}", "", ""
    spread, apart = summary["accuracy_deviation"], summary["difference"]
    return (
        *names,
        f"{100 * summary['accuracy_mean']:.2f}" + ("" if spread is None else f" ± {100 * spread:.2f}"),
        "" if apart is None else Difference(**apart).text,
        ", ".join(f"{rate:.3f}" for rate in summary["firing_rates"]),
    )


def table(found: Sequence[Mapping[str, Any]]) -> Table:
    """The table on the screen."""
    result = Table(title="One thing changed at a time: mean ± standard deviation over seeds")
    for name in HEAD:
        result.add_column(name, justify="left" if name in HEAD[:4] else "right")
    before = None
    for row in rows(found):
        if before not in (None, row[:2]):
            result.add_section()
        result.add_row(*(("", "") if before == row[:2] else row[:2]), *row[2:])
        before = row[:2]
    return result


def markdown(found: Sequence[Mapping[str, Any]], said: Sequence[str]) -> str:
    """The table as Markdown, with what is said below."""
    return f"{in_markdown(HEAD, rows(found), left=4)}\n{markdown_list(said)}"


def findings(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is better and worse than the default for certain, a line for each column, rule and factor."""
    places = dict.fromkeys((summary["column"], summary["rule"]) for summary in found)
    lines = [line for place in places for line in _of_place(place, [s for s in found if _place(s) == place])]
    apart = [Difference(**summary["difference"]) for summary in found if summary.get("difference")]
    return [*lines, *by_chance(apart)]


def _place(summary):
    return summary["column"], summary["rule"]


def _of_place(place, found):
    where = f"{COLUMNS[place[0]].title}, {place[1]}"
    by_factor = {factor: [s for s in found if s["factor"] == factor] for factor in FACTORS}
    return [f"{where}, {factor}: {said}" for factor, some in by_factor.items() if (said := _of_factor(some))]


def _of_factor(some):
    said = [f"{titles()[s['variant']]} failed, {s['failed'][0]}" for s in some if s["failed"]]
    known = {titles()[s["variant"]]: Difference(**s["difference"]) for s in some if s.get("difference")}
    said += [
        f"{title} is {'better' if apart.mean > 0 else 'worse'} than the default, {apart.text} points"
        for title, apart in known.items()
        if apart.certain
    ]
    rest = [title for title, apart in known.items() if not apart.certain and apart.low is not None]
    single = [f"{title} {apart.text} points" for title, apart in known.items() if apart.low is None]
    said += [f"{'; '.join(single)}: one seed has no interval"] if single else []
    said += [f"no difference is certain of {'; '.join(rest)}"] if rest else []
    return ". ".join([*said[:1], *(f"{each[0].upper()}{each[1:]}" for each in said[1:])])


def shortened(left_out: Sequence[Mapping[str, str]], columns) -> list[str]:
    """A line for each variant and reason, with the places where it is left out."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for each in left_out:
        place = f"{columns[each['column']].title} by {each['rule']}"
        grouped.setdefault((each["variant"], each["why"]), []).append(place)
    return [
        f"{titles()[variant]}: left out of {'; '.join(places)}: {why}" for (variant, why), places in grouped.items()
    ]
