"""What comes out: the JSON file, and the table."""

import json

import numpy as np
from rich.table import Table

from .. import output
from .training import MODELS, Settings

LEAST_ACCURACY = 0.975
LARGEST_GAP = 0.005
OLDER = {"backend": "reference", "dtype": "float64"}  # settings of files that do not name them


def summaries(runs, peaks):
    """By method: mean and sample standard deviation (None of one seed) of the last test accuracy, and the rest."""
    result = []
    for method in dict.fromkeys(run["method"] for run in runs):
        mine = [run for run in runs if run["method"] == method]
        last = [run["epochs"][-1] for run in mine]
        accuracies = [epoch["test_accuracy"] for epoch in last]
        result.append(
            {
                "method": method,
                "seeds": len(mine),
                "accuracy_mean": float(np.mean(accuracies)),
                "accuracy_std": float(np.std(accuracies, ddof=1)) if len(mine) > 1 else None,
                "seconds_mean": float(np.mean([run["seconds"] for run in mine])),
                "peak_bytes": peaks[method],
                "firing_rates": [float(rate) for rate in np.mean([epoch["firing_rates"] for epoch in last], axis=0)],
            }
        )
    return result


def write_json(path, settings, runs, found):
    """Write settings, versions, every run's curves and the summaries, atomically."""
    output.write_json(path, "digits", settings, {"runs": runs, "summaries": found})


def file_name(model):
    """What the model's files are called, without their ending."""
    return "digits" if model == "dense" else f"digits-{model}"


def stored(folder, settings):
    """The settings and summaries of the other models, by model, from files of the same T; notes on what was left out.

    Results on held-out images and on test images are never put side by side.
    """
    found, notes = {}, []
    for model in MODELS:
        path = folder / f"{file_name(model)}.json"
        if model == settings.model or not path.exists():
            continue
        try:
            content = json.loads(path.read_text())
            theirs, summaries_ = Settings(**{**OLDER, **content["settings"]}), content["summaries"]
            if (theirs.model, theirs.time_steps, theirs.validation) != (
                model,
                settings.time_steps,
                settings.validation,
            ):
                notes.append(f"{path} is not shown: it is of other settings ({theirs})")
                continue
            for each in summaries_:
                _row(theirs, each)
        except (OSError, ValueError, TypeError, KeyError) as error:
            notes.append(f"{path} is not shown: it cannot be read ({type(error).__name__}: {error})")
            continue
        found[model] = theirs, summaries_
    return found, notes


def table(by_model):
    """One row per model and method, from settings and summaries by model."""
    settings = next(iter(by_model.values()))[0]
    part = "held-out" if settings.validation else "test"
    rows = Table(title=f"Digits, T = {settings.time_steps}")
    rows.add_column("model, epochs")
    rows.add_column("method")
    rows.add_column(f"{part} accuracy\n(mean ± std, %)", justify="right")
    rows.add_column("seeds", justify="right")
    rows.add_column("time to learn\n(s per run)", justify="right")
    rows.add_column("peak bytes of\ntraining state", justify="right")
    rows.add_column("firing rate\nper layer", justify="right")
    for model in MODELS:
        for each in by_model[model][1] if model in by_model else ():
            rows.add_row(*_row(by_model[model][0], each))
        rows.add_section()
    return rows


def _row(settings, summary):
    return (
        f"{settings.model}, {settings.epochs}",
        summary["method"],
        accuracy_text(summary),
        str(summary["seeds"]),
        f"{summary['seconds_mean']:.1f}",
        f"{summary['peak_bytes']:,}",
        ", ".join(f"{rate:.3f}" for rate in summary["firing_rates"]),
    )


def accuracy_text(summary):
    """Mean and standard deviation in per cent; the mean alone of one seed."""
    mean, spread = 100 * summary["accuracy_mean"], summary["accuracy_std"]
    return f"{mean:.2f}" if spread is None else f"{mean:.2f} ± {100 * spread:.2f}"


def findings(found):
    """What the accuracies say about OTTT, a line each: against 97.5 %, and against BPTT within half a point."""
    by_method = {each["method"]: each["accuracy_mean"] for each in found}
    lines = []
    for method in ("ottt-a", "ottt-o"):
        if method not in by_method:
            continue
        reached = "at least" if by_method[method] >= LEAST_ACCURACY else "less than"
        line = f"{method}: {100 * by_method[method]:.2f} %, {reached} {100 * LEAST_ACCURACY:.1f} %"
        if "bptt" in by_method:
            gap = by_method[method] - by_method["bptt"]
            within = "within" if abs(gap) <= LARGEST_GAP else "not within"
            line += f"; {100 * gap:+.2f} points against BPTT, {within} half a point"
        lines.append(line)
    return lines
