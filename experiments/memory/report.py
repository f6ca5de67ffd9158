"""What comes out: how memory grows with T, with intervals; the tables; and what they say of OTTT."""

import math
from dataclasses import asdict

from ..intervals import CONFIDENCE, of_slope

MEASURES = {"state": "training state", "process": "process"}
ASYMPTOTIC = 100  # from here on what does not grow is small beside what does


def series(result, measure):
    """T and bytes of a subject, by the state that was traced or by its process; empty where there are none."""
    found = result[measure] or {}
    return found.get("time_steps", []), found.get("bytes", [])


def fits(results):
    """By subject and measure, as plain data: bytes more per time step, and the exponent of T, with intervals.

    The slope is of all T; the exponent, the slope between logarithms, of T from 100 on, if three T are as large.
    """
    found = []
    for result in results:
        for measure in MEASURES:
            steps, sizes = series(result, measure)
            slope = of_slope(steps, sizes)
            if slope is None:
                continue
            exponent = _exponent(steps, sizes)
            found.append(
                {
                    "subject": result["subject"],
                    "words": result["words"],
                    "measure": measure,
                    "points": len(steps),
                    "bytes_per_step": asdict(slope),
                    "exponent": None if exponent is None else asdict(exponent),
                    "zero": slope.holds_zero,
                }
            )
    return found


def _exponent(steps, sizes):
    points = [(T, size) for T, size in zip(steps, sizes) if size > 0]
    large = [(T, size) for T, size in points if T >= ASYMPTOTIC]
    points = large if len(large) >= 3 else points
    return of_slope([math.log(T) for T, _ in points], [math.log(size) for _, size in points])


def content(task, results, found):
    """What the JSON file holds beside settings and versions."""
    return {"task": asdict(task), "confidence": CONFIDENCE, "subjects": results, "fits": found}


def tables(task, results, found):
    """(title, header, rows) of the training state, the process and the fits."""
    made = []
    network = "-".join(map(str, (*task.input_shape, *task.hidden, task.classes)))
    what = f"{network}, batch {task.batch}, {task.dtype}, {100 * task.rate:g} % firing"
    for measure, words in MEASURES.items():
        shown = [result for result in results if series(result, measure)[0]]
        if not shown:
            continue
        steps = sorted({T for result in shown for T in series(result, measure)[0]})
        rows = [[f"{T:,}", *(_cell(result, measure, T) for result in shown)] for T in steps]
        title = f"Peak of the {words} beyond inputs, parameters and outputs, kB: {what}"
        made.append((title, ["T", *(result["words"] for result in shown)], rows))
    if found:
        header = ["method", "of the", "bytes more per time step", "exponent of T", "zero in the interval"]
        rows = [
            [
                each["words"],
                MEASURES[each["measure"]],
                interval_text(each["bytes_per_step"], "{:,.3g}"),
                "-" if each["exponent"] is None else interval_text(each["exponent"], "{:.3f}"),
                "yes" if each["zero"] else "no",
            ]
            for each in found
        ]
        made.append((f"Growth with T, and its {100 * CONFIDENCE:g} % intervals", header, rows))
    return made


def _cell(result, measure, time_steps):
    steps, sizes = series(result, measure)
    return f"{sizes[steps.index(time_steps)] / 1000:,.1f}" if time_steps in steps else "-"


def interval_text(slope, form):
    """A slope and its interval, as plain data."""
    value, low, high = (form.format(_plain(slope[key])) for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _plain(number):
    """Without an exponent where thousands are told."""
    return float(round(number)) if abs(number) >= 1000 else number


def findings(results, found):
    """What the fits say of OTTT, and what was left out and why, a line each."""
    lines = []
    for measure, words in MEASURES.items():
        ours = [each for each in found if each["measure"] == measure and each["subject"].startswith("ottt")]
        for each in ours:
            verdict = "zero lies in the interval" if each["zero"] else "zero does not lie in the interval"
            slope = interval_text(each["bytes_per_step"], "{:,.3g}")
            lines.append(f"{each['words']}, {words}: {slope} bytes more per time step; {verdict}")
        if ours:
            holds = all(each["zero"] for each in ours)
            lines.append(
                f"OTTT's {words} does not grow with T, within the interval: {'holds' if holds else 'does not hold'}"
            )
    for result in results:
        lines += [f"{result['words']}: {reason}" for reason in result["reasons"]]
        state = result["state"] or {}
        if state.get("reason"):
            lines.append(f"{result['words']}, training state: {state['status']}: {state['reason']}")
        if result["left_out"]:
            steps = ", ".join(f"{T:,}" for T in result["left_out"])
            lines.append(f"{result['words']}: left out at T = {steps}: {result['why_left_out']}{_pace(state)}")
    return lines


def _pace(state):
    """How long a time step took, if it was traced."""
    if not state.get("seconds"):
        return ""
    return f" (here {1000 * state['seconds'][-1] / state['time_steps'][-1]:.0f} ms for each time step)"
