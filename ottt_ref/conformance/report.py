"""What a person, a script and a test server see of the verdicts: a table and what failed, JSON, JUnit's XML."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from .. import __version__
from ..files import storage
from .checking import FAILED, NOT_COMPARED, OUTCOMES, PASSED, UNSUPPORTED, Verdict
from .compare import Divergence, Misfit
from .files import FORMAT, VERSION

MARKS = {PASSED: "ok", FAILED: "FAIL", UNSUPPORTED: "-", NOT_COMPARED: "."}
MOST_ALIKE = 2
HEADINGS = {"spike-representation": "sr", "ottt-online": "online", "ottt-online-authors": "online-authors"}


def succeeded(verdicts: Iterable[Verdict]) -> bool:
    """Whether nothing failed or was left uncompared, and something passed.

    >>> from ottt_ref.conformance.checking import FAILED, PASSED, Verdict
    >>> verdicts = [Verdict("dense", "bptt", PASSED), Verdict("dense", "ottt", FAILED, "the gradients differ")]
    >>> succeeded(verdicts[:1]), succeeded(verdicts), succeeded([])
    (True, False, False)
    """
    outcomes = Counter(verdict.outcome for verdict in verdicts)
    return bool(outcomes[PASSED]) and not outcomes[FAILED] and not outcomes[NOT_COMPARED]


def table(verdicts: Sequence[Verdict]) -> str:
    """A row per case, a column per method, as aligned lines.

    >>> from ottt_ref.conformance.checking import FAILED, PASSED, Verdict
    >>> verdicts = [Verdict("dense", "bptt", PASSED), Verdict("dense", "ottt", FAILED, "the gradients differ")]
    >>> print(table(verdicts).splitlines()[0], table(verdicts).splitlines()[1], sep=chr(10))
    case   bptt  ottt
    dense   ok   FAIL
    """
    methods = list(dict.fromkeys(verdict.method for verdict in verdicts))
    marks = {(verdict.case, verdict.method): MARKS[verdict.outcome] for verdict in verdicts}
    cases = list(dict.fromkeys(verdict.case for verdict in verdicts))
    headings = [HEADINGS.get(method, method) for method in methods]
    first = max(len(case) for case in ("case", *cases))
    lines = ["  ".join(["case".ljust(first), *headings])]
    for case in cases:
        cells = [marks.get((case, method), "").center(len(head)) for method, head in zip(methods, headings)]
        lines.append("  ".join([case.ljust(first), *cells]).rstrip())
    meanings = ", ".join(f"{mark} {outcome}" for outcome, mark in MARKS.items())
    return "\n".join([*lines, "", meanings])


def details(verdicts: Sequence[Verdict]) -> str:
    """What differs first in each failure, and the traps that it is like: at most two of a method and a trap.

    And each reason why something is unsupported, once.

    >>> from ottt_ref.conformance.checking import FAILED, PASSED, Verdict
    >>> verdicts = [Verdict("dense", "bptt", PASSED), Verdict("dense", "ottt", FAILED, "the gradients differ")]
    >>> print(details(verdicts))
    dense, ottt: the gradients differ
    """
    lines: list[str] = []
    shown: Counter = Counter()
    for verdict in verdicts:
        if verdict.outcome == FAILED:
            alike = verdict.reason if verdict.frames else tuple(diagnosis.name for diagnosis in verdict.diagnoses)
            kind = (verdict.method, alike)
            shown[kind] += 1
            lines += failure_lines(verdict) if shown[kind] <= MOST_ALIKE else []
        elif verdict.outcome == PASSED and verdict.reason:
            lines.append(f"{verdict.case}, {verdict.method}: {verdict.reason}: {verdict.found}")
    more = sum(count - MOST_ALIKE for count in shown.values() if count > MOST_ALIKE)
    lines += [f"and {more} more failures like these (--json FILE has all)"] if more else []
    reasons = Counter(verdict.reason for verdict in verdicts if verdict.outcome == UNSUPPORTED)
    lines += [f"unsupported, {count} times: {reason}" for reason, count in reasons.items()]
    unknown = Counter(each for verdict in verdicts for each in verdict.unknown)
    lines += [f"not compared, {count} times: {unknown_text(*each)}" for each, count in unknown.items()]
    return "\n".join(lines)


def unknown_text(name: str, near: str) -> str:
    """What is said of something that was returned and is no array of the method.

    >>> unknown_text("errors/0", "error/0")
    "'errors/0', which is the name of nothing that is expected; is it 'error/0'?"
    """
    question = f"; is it {near!r}?" if near else ""
    return f"{name!r}, which is the name of nothing that is expected{question}"


def failure_lines(verdict: Verdict) -> list[str]:
    """One failure, as lines.

    >>> from ottt_ref.conformance.checking import FAILED, Verdict
    >>> failure_lines(Verdict("dense", "ottt", FAILED, "the gradients differ"))
    ['dense, ottt: the gradients differ']
    """
    lines = [f"{verdict.case}, {verdict.method}: {verdict.reason}"]
    if verdict.found is not None:
        lines.append(f"    {verdict.found}")
    lines += [f"    at {frame}" for frame in verdict.frames]
    return lines + [f"    like {diagnosis.name}: {diagnosis.says}" for diagnosis in verdict.diagnoses]


def explanations(verdicts: Sequence[Verdict]) -> list[tuple[str, str, int]]:
    """(name, sentence, how many failures it explains): what explains most, then what explains most of the rest.

    >>> from ottt_ref.conformance.checking import FAILED, Verdict
    >>> from ottt_ref.conformance.diagnosis import Diagnosis
    >>> trap = Diagnosis("bias-untraced", "the biases are not traced")
    >>> explanations([Verdict("dense", "ottt", FAILED, "the gradients differ", diagnoses=(trap,))])
    [('bias-untraced', 'the biases are not traced', 1)]
    """
    failures = [verdict for verdict in verdicts if verdict.outcome == FAILED]
    says = {diagnosis.name: diagnosis.says for verdict in failures for diagnosis in verdict.diagnoses}
    left = [{diagnosis.name for diagnosis in verdict.diagnoses} for verdict in failures]
    result: list[tuple[str, str, int]] = []
    while any(left):
        counts = Counter(name for names in left for name in names)
        most = max(counts.values())
        best = [name for name in says if counts[name] == most]
        result += [(name, says[name], most) for name in best]
        left = [names for names in left if not names & set(best)]
    return result


def diagnosis(verdicts: Sequence[Verdict]) -> str:
    """The likely causes of the failures, as lines.

    >>> from ottt_ref.conformance.checking import FAILED, PASSED, Verdict
    >>> verdicts = [Verdict("dense", "bptt", PASSED), Verdict("dense", "ottt", FAILED, "the gradients differ")]
    >>> print(diagnosis(verdicts))
    diagnosis
        1 of 1 failures are like no known trap
    """
    failures = sum(verdict.outcome == FAILED for verdict in verdicts)
    if not failures:
        return ""
    lines = ["diagnosis"]
    lines += [f"    {name} ({count} of {failures}): {says}" for name, says, count in explanations(verdicts)]
    unexplained = [verdict for verdict in verdicts if verdict.outcome == FAILED and not verdict.diagnoses]
    kinds = Counter(_unexplained(verdict) for verdict in unexplained)
    lines += [f"    {count} of {failures} {kind}" for kind, count in kinds.items()]
    return "\n".join(lines)


def _unexplained(verdict):
    """What kind of failure it is, of one without a diagnosis: only numbers can be like a trap."""
    if verdict.frames:
        return "failures are exceptions of the adapter's, shown above"
    if isinstance(verdict.found, Misfit):
        return "failures are of what was returned, which cannot be compared"
    return "failures are like no known trap"


def summary(verdicts: Iterable[Verdict]) -> str:
    """How many of each outcome, in a line.

    >>> from ottt_ref.conformance.checking import FAILED, PASSED, Verdict
    >>> verdicts = [Verdict("dense", "bptt", PASSED), Verdict("dense", "ottt", FAILED, "the gradients differ")]
    >>> summary(verdicts)
    '1 passed, 1 failed, 0 unsupported, 0 not compared'
    """
    counts = Counter(verdict.outcome for verdict in verdicts)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES)


def as_data(verdicts: Sequence[Verdict], adapter: str) -> dict:
    """Everything as plain data; a number that is not finite is a text.

    >>> from ottt_ref.conformance.checking import FAILED, PASSED, Verdict
    >>> verdicts = [Verdict("dense", "bptt", PASSED), Verdict("dense", "ottt", FAILED, "the gradients differ")]
    >>> data = as_data(verdicts, "my_backend:adapter")
    >>> data["conforms"], data["outcomes"], data["verdicts"][1]["reason"]
    (False, {'passed': 1, 'failed': 1}, 'the gradients differ')
    """
    return {
        "ottt_ref": __version__,
        "cases": {"format": FORMAT, "version": VERSION},
        "adapter": adapter,
        "conforms": succeeded(verdicts),
        "outcomes": dict(Counter(verdict.outcome for verdict in verdicts)),
        "diagnosis": [{"name": name, "says": says, "explains": count} for name, says, count in explanations(verdicts)],
        "verdicts": [_verdict_data(verdict) for verdict in verdicts],
    }


def _verdict_data(verdict):
    found = None
    if verdict.found is not None:
        found = {name: _plain(value) for name, value in asdict(verdict.found).items()}
        if isinstance(verdict.found, Divergence):
            found["layer"] = verdict.found.layer
    return {
        "case": verdict.case,
        "method": verdict.method,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "first_difference": found,
        "diagnoses": [asdict(each) for each in verdict.diagnoses],
        "frames": list(verdict.frames),
        "unknown": [{"name": name, "near": near} for name, near in verdict.unknown],
    }


def _plain(value):
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def write_json(path: str | Path, verdicts: Sequence[Verdict], adapter: str) -> None:
    """Write everything to `path`, atomically.

    >>> import json, os, tempfile
    >>> from ottt_ref.conformance.checking import PASSED, Verdict
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "report.json")
    ...     write_json(path, [Verdict("dense", "bptt", PASSED)], "my_backend:adapter")
    ...     with open(path, encoding="utf-8") as file:
    ...         json.load(file)["conforms"]
    True
    """
    text = json.dumps(as_data(verdicts, adapter), indent=1, ensure_ascii=False, allow_nan=False)
    storage.write_bytes(path, (text + "\n").encode())


def write_junit(path: str | Path, verdicts: Sequence[Verdict], adapter: str) -> None:
    """Write the verdicts as JUnit's XML to `path`, atomically: a test case each, the case's name as its class.

    >>> import os, tempfile
    >>> from ottt_ref.conformance.checking import PASSED, Verdict
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "report.xml")
    ...     write_junit(path, [Verdict("dense", "bptt", PASSED)], "my_backend:adapter")
    ...     print(*ElementTree.parse(path).getroot().find("testsuite")[0].attrib.items())
    ('classname', 'dense') ('name', 'bptt')
    """
    counts = Counter(verdict.outcome for verdict in verdicts)
    suite = ElementTree.Element(
        "testsuite",
        name=f"ottt_ref conformance of {adapter}",
        tests=str(len(verdicts)),
        failures=str(counts[FAILED]),
        errors="0",
        skipped=str(counts[UNSUPPORTED] + counts[NOT_COMPARED]),
    )
    for verdict in verdicts:
        case = ElementTree.SubElement(suite, "testcase", classname=verdict.case, name=verdict.method)
        lines = [str(verdict.found)] if verdict.found is not None else []
        lines += [f"at {frame}" for frame in verdict.frames]
        lines += [f"like {each.name}: {each.says}" for each in verdict.diagnoses]
        if verdict.outcome == FAILED:
            ElementTree.SubElement(case, "failure", message=_printable(verdict.reason)).text = _printable(
                "\n".join(lines)
            )
        elif verdict.outcome != PASSED:
            ElementTree.SubElement(case, "skipped", message=_printable(f"{verdict.outcome}: {verdict.reason}"))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    storage.write_bytes(path, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def _printable(text):
    """The text without the control characters that XML does not have: a backend's message may hold any."""
    return "".join(character if character.isprintable() or character in "\n\t" else "?" for character in text)
