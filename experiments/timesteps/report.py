"""What comes out: a matrix for each data set and rule, and what is lost by testing with fewer time steps."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from rich.table import Table

from ..output import markdown as in_markdown
from ..output import markdown_list
from ..sweep.columns import COLUMNS
from ..sweep.statistics import CONFIDENCE, Difference, Runs, by_chance, mean_and_interval, paired

HEAD = ("data", "rule", "T learned with")


def matrices(results: Mapping[tuple[str, str, int, int], Mapping[str, Any]], tested: Sequence[int]) -> list[dict]:
    """A matrix for each column and rule, from results by column, rule, T of learning and seed.

    Its cells are by learned and tested: the mean accuracy with its interval; minus that of the same networks, tested
    with as many time steps as they learned with; and minus that of networks that learned with as many as the test has.
    """
    grouped: dict[tuple[str, str], dict[int, dict[int, Mapping[str, Any]]]] = {}
    for (column, rule, learned, seed), result in results.items():
        grouped.setdefault((column, rule), {}).setdefault(learned, {})[seed] = result
    return [
        {
            "column": column,
            "rule": rule,
            "tested": list(tested),
            "rows": [_row(learned, by_learned, tested) for learned in sorted(by_learned)],
        }
        for (column, rule), by_learned in grouped.items()
    ]


def _row(learned, by_learned, tested):
    runs = by_learned[learned]
    failed = [result["failed"] for result in runs.values() if "failed" in result]
    cells = [] if failed else [_cell(runs, learned, steps, by_learned.get(steps)) for steps in tested]
    return {"learned": learned, "seeds": len(runs), "failed": failed, "cells": cells}


def _cell(runs: Runs, learned, steps, natives):
    """natives: the runs that learned with as many time steps as the test has, if there are any."""
    here, own = partial(_accuracy, steps=steps), partial(_accuracy, steps=learned)
    against = None if natives is None or steps == learned else paired(runs, natives, here)
    return {
        "tested": steps,
        "accuracy": mean_and_interval([here(run) for run in runs.values()]).as_json,
        "minus_own": None if steps == learned else _json(paired(runs, runs, here, own)),
        "minus_learned_so": _json(against),
    }


def _accuracy(run, steps):
    return run["by_time_steps"][str(steps)]["accuracy"]


def _json(found):
    return None if found is None else found.as_json


def text(cell: Mapping[str, Any]) -> tuple[str, str]:
    """The mean of a cell in per cent, and half of its interval; that is empty of one seed."""
    mean, high = cell["accuracy"]["mean"], cell["accuracy"]["high"]
    return f"{100 * mean:.2f}", "" if high is None else f"{100 * (high - mean):.2f}"


def rows(matrix: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row of texts for each number of time steps that was learned with."""
    return [(COLUMNS[matrix["column"]].title, matrix["rule"], str(row["learned"]), *_texts(row, matrix["tested"]))
            for row in matrix["rows"]]  # fmt: skip


def _texts(row, tested):
    if row["failed"]:
        return (f"failed: {row['failed'][0]}", *("" for _ in tested[1:]))
    return tuple(" ± ".join(filter(None, text(cell))) for cell in row["cells"])


def table(matrix: Mapping[str, Any]) -> Table:
    """A matrix on the screen."""
    where = f"{COLUMNS[matrix['column']].title}, {matrix['rule']}"
    result = Table(title=f"{where}: test accuracy (%), mean ± half a {100 * CONFIDENCE:g} % interval")
    result.add_column(HEAD[2])
    for steps in matrix["tested"]:
        result.add_column(f"tested with {steps}", justify="right")
    for row in rows(matrix):
        result.add_row(*row[2:])
    return result


def markdown(found: Sequence[Mapping[str, Any]]) -> str:
    """All matrices as one table in Markdown, with the findings below."""
    head = (*HEAD, *(f"tested with {steps}" for steps in found[0]["tested"]))
    lines = [row for matrix in found for row in rows(matrix)]
    return f"{in_markdown(head, lines, left=3)}\n{markdown_list(findings(found))}"


def findings(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each matrix says: of tests with other time steps than learning, and of networks that learned so."""
    lines = [_of_row(matrix, row) for matrix in found for row in matrix["rows"]]
    cells = [cell for matrix in found for row in matrix["rows"] for cell in row["cells"]]
    apart = [_of(cell, name) for cell in cells for name in ("minus_own", "minus_learned_so")]
    return [*lines, *by_chance([each for each in apart if each is not None])]


def _of_row(matrix, row):
    where = f"{COLUMNS[matrix['column']].title}, {matrix['rule']}, learned with T = {row['learned']}"
    if row["failed"]:
        return f"{where}: failed, {row['failed'][0]}"
    others = [cell for cell in row["cells"] if cell["minus_own"] is not None]
    if others and _of(others[0], "minus_own").low is None:
        return f"{where}: one seed has no interval"
    return f"{where}: {'; '.join([*_changes(others), *filter(None, map(_mended, others))])}"


def _changes(cells):
    """What the same networks lose and gain: certain differences one by one, the others together."""
    apart = {cell["tested"]: _of(cell, "minus_own") for cell in cells}
    said = [
        f"tested with {steps} it {'loses' if found.mean < 0 else 'gains'} {_points(found)}"
        for steps, found in apart.items()
        if found.certain
    ]
    rest = {steps: found for steps, found in apart.items() if not found.certain}
    if not rest:
        return said
    widest = max(abs(100 * end) for found in rest.values() for end in (found.low, found.high))
    tested = ", ".join(map(str, rest))
    return [*said, f"tested with {tested} no difference is certain: the intervals lie within ± {widest:.2f} points"]


def _mended(cell):
    """How far networks that learned with as many time steps as the test has are better, where that is certain."""
    found = _of(cell, "minus_learned_so")
    if found is None or not found.certain:
        return ""
    return f"networks that learned with {cell['tested']} are {_points(found)} " + (
        f"{'better' if found.mean < 0 else 'worse'} there"
    )


def _of(cell, name):
    return None if cell[name] is None else Difference(**cell[name])


def _points(found):
    """The size of a difference with its interval."""
    ends = sorted(abs(100 * end) for end in (found.low, found.high))
    return f"{abs(100 * found.mean):.2f} points [{ends[0]:.2f}, {ends[1]:.2f}]"
