"""What comes out: summaries of each cell, the table as text and Markdown, and what it says of OTTT."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.table import Table

from ..output import markdown as in_markdown
from ..sweep.columns import COLUMNS
from ..sweep.statistics import CONFIDENCE, mean_and_deviation, paired

BASE = "bptt"
OTTT = ("ottt-a", "ottt-o")
LEAST = -0.01  # how far the interval of OTTT minus BPTT may reach down


def summaries(results: Mapping[tuple[str, str, int], Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A summary for each column and rule, from results by column, rule and seed."""
    cells: dict[tuple[str, str], dict[int, Mapping[str, Any]]] = {}
    for (column, rule, seed), result in results.items():
        cells.setdefault((column, rule), {})[seed] = result
    return [_summary(column, rule, runs, cells.get((column, BASE), {})) for (column, rule), runs in cells.items()]


def _summary(column, rule, runs, base):
    failed = [result["failed"] for result in runs.values() if "failed" in result]
    known = {"column": column, "rule": rule, "seeds": len(runs), "failed": failed}
    if failed:
        return known
    mean, deviation = mean_and_deviation([result["accuracy"] for result in runs.values()])
    first = next(iter(runs.values()))
    rates = np.mean([result["firing_rates"] for result in runs.values()], axis=0)
    return {
        **known,
        "accuracy_mean": mean,
        "accuracy_deviation": deviation,
        "difference": None if rule == BASE else _difference(runs, base),
        "parameters": first["parameters"],
        "peak_bytes": first["peak_bytes"],
        "seconds_mean": float(np.mean([result["seconds"] for result in runs.values()])),
        "firing_rates": rates.tolist(),
    }


def _difference(runs, base):
    """Against BPTT, of the seeds that both have; None where there is none."""
    found = paired(runs, base)
    return None if found is None else found.as_json | {"seeds_for_a_point": found.seeds_for(-LEAST)}


def holds(summary: Mapping[str, Any]) -> bool | None:
    """Whether the interval of a summary lies above LEAST; None where there is no interval."""
    found = summary.get("difference")
    return None if not found or found["low"] is None else found["low"] > LEAST


HEAD = (
    "data",
    "rule",
    "test accuracy (%)",
    f"minus BPTT, {100 * CONFIDENCE:g} % interval",
    "parameters",
    "learning (s)",
    "peak of training state (kB)",
    "firing rate by layer",
)


def rows(found) -> list[tuple[str, ...]]:
    """The cells of the table as texts, a row for each column and rule."""
    return [_row(summary) for summary in found]


def _row(summary):
    title = COLUMNS[summary["column"]].title
    if summary["failed"]:
        return title, summary["rule"], f"failed: {summary['failed'][0]}", *("" for _ in HEAD[3:])
    spread = summary["accuracy_deviation"]
    return (
        title,
        summary["rule"],
        f"{100 * summary['accuracy_mean']:.2f}" + ("" if spread is None else f" ± {100 * spread:.2f}"),
        _difference_text(summary),
        f"{summary['parameters']:,}",
        f"{summary['seconds_mean']:.1f}",
        f"{summary['peak_bytes'] / 1000:,.0f}",
        ", ".join(f"{rate:.3f}" for rate in summary["firing_rates"]),
    )


def _difference_text(summary):
    found = summary["difference"]
    if found is None:
        return ""
    if found["low"] is None:
        return f"{100 * found['mean']:+.2f}"
    mark = " FAILED" if summary["rule"] in OTTT and not holds(summary) else ""
    return f"{100 * found['mean']:+.2f} [{100 * found['low']:+.2f}, {100 * found['high']:+.2f}]{mark}"


def table(found) -> Table:
    """The table on the screen."""
    result = Table(title="Rules side by side: mean ± standard deviation over seeds")
    for name in HEAD:
        result.add_column(name, justify="left" if name in HEAD[:2] else "right", no_wrap=name == "rule")
    before = None
    for summary, row in zip(found, rows(found)):
        if before not in (None, summary["column"]):
            result.add_section()
        result.add_row("" if before == summary["column"] else row[0], *row[1:])
        before = summary["column"]
    return result


def markdown(found) -> str:
    """The table as Markdown."""
    return in_markdown(HEAD, rows(found), left=2)


def findings(found) -> list[str]:
    """What the table says of OTTT against BPTT, a line for each column and form."""
    lines = []
    for summary in found:
        if summary["rule"] not in OTTT or summary.get("difference") is None:
            continue
        where = f"{COLUMNS[summary['column']].title}, {summary['rule']}"
        apart, held = summary["difference"], holds(summary)
        if held is None:
            lines.append(f"{where}: one seed has no interval")
        elif held:
            lines.append(f"{where}: the interval lies above {100 * LEAST:g} point")
        elif apart["high"] < LEAST:
            lines.append(f"{where}: FAILED, below BPTT by {-100 * apart['mean']:.2f} points, more than one for certain")
        else:
            lines.append(
                f"{where}: FAILED, the interval reaches down to {100 * apart['low']:+.2f} points; two runs of a seed "
                f"differ by {100 * apart['deviation']:.2f} points (standard deviation), so that an interval of ± 1 "
                f"point takes about {apart['seeds_for_a_point']} seeds, here there are {apart['seeds']}"
            )
    return lines
