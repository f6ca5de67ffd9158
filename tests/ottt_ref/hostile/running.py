"""The calls, in a process of their own: one that crashes or hangs is found, and named with what repeats it.

child   makes the calls FIRST .. LAST, and says on its standard output, a line of JSON each, which call it begins
        and what came of it
run     reads these lines; where the child dies or falls silent, that call is a finding, and a new child goes on
"""

import copy
import dataclasses
import faulthandler
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import traceback
import warnings
from collections import Counter
from pathlib import Path
from queue import Empty, Queue

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
SILENCE = 60  # seconds of processor time after which a call counts as a hang: kernels may have to be compiled first
ASLEEP = 900  # seconds of no word after which it does, too: the machine may have other work
PATIENCE = 5  # seconds between two looks at the clock
MEMORY = 6 * 2**30  # bytes of address space of a child: a call that asks for too much gets a MemoryError
UNCHANGED_SHARE = 0.45  # of the calls whose arguments are all right


@dataclasses.dataclass
class Call:
    """A call that is right, and how its result is known to be right.

    function   what is called, with the arguments by name
    arguments  what it is given
    oracle     (result, arguments) → None, or UNCOMPARED where there is nothing to compare; AssertionError where it is
               wrong
    changes    the arguments that the call is there to change
    bounded    the arguments that ask for work: no huge number there
    raises     the error that a right call raises, as documented; None if it returns
    open       the arguments that take anything at all
    """

    function: object
    arguments: dict
    oracle: object
    changes: tuple = ()
    bounded: tuple = ()
    raises: type | None = None
    open: tuple = ()
    #: also documented for what it is given, by another place than the docstrings of the callable and its class
    allowed: tuple = ()


UNCOMPARED = "uncompared"


def documented(name, function):
    """The errors that a callable may raise: TypeError, ValueError, and those that docstrings name."""
    import ottt_ref as ot

    kinds = {"TypeError": TypeError, "ValueError": ValueError}
    texts = [inspect.getdoc(function) or ""]
    owner = getattr(function, "__self__", function)
    texts.append(inspect.getdoc(owner if inspect.isclass(owner) else type(owner)) or "")
    known = {
        "ConvergenceError": ot.equilibrium.ConvergenceError,
        "AdapterError": _adapter_error(),
        **{each: getattr(__builtins__, each, None) or vars(sys.modules["builtins"]).get(each) for each in BUILT_IN},
    }
    for word in re.findall(r"\b\w+Error\b", " ".join(texts)):
        if known.get(word) is not None:
            kinds[word] = known[word]
    return tuple(kinds.values())


BUILT_IN = ("KeyError", "FileNotFoundError", "RuntimeError", "ModuleNotFoundError", "OSError", "NotImplementedError")


def _adapter_error():
    from ottt_ref.conformance.adapter import AdapterError

    return AdapterError


def prepared(seed, number):
    """The call of that number: its name, the Call, its arguments, and whether they are all right."""
    from .catalogue import CATALOGUE
    from .values import foreign, near

    rng = np.random.default_rng([seed, number])
    names = sorted(CATALOGUE)
    name = names[number % len(names)]
    call = CATALOGUE[name](rng)
    arguments = dict(call.arguments)
    right = rng.random() < UNCHANGED_SHARE or not set(arguments) - set(call.open)
    if not right:
        eligible = sorted(set(arguments) - set(call.open))
        count = 2 if len(eligible) > 1 and rng.random() < 0.2 else 1
        for each in rng.choice(eligible, count, replace=False):
            if rng.random() < 0.65:
                arguments[each] = near(rng, arguments[each], bounded=each in call.bounded)
            else:
                arguments[each] = foreign(rng)
    return name, call, arguments, right


def snapshot(value, depth=0):
    """What of a value a call could change in place, as something that can be compared."""
    import ottt_ref as ot

    if isinstance(value, np.ndarray):
        return (value.shape, str(value.dtype), value.tolist() if value.dtype.hasobject else value.tobytes())
    if isinstance(value, ot.Network):
        return [(name, snapshot(array)) for name, array in value.parameters.items()]
    if depth < 4 and isinstance(value, dict):
        return [(str(key), snapshot(each, depth + 1)) for key, each in value.items()]
    if depth < 4 and isinstance(value, list | tuple):
        return [snapshot(each, depth + 1) for each in value]
    if depth < 4 and dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [snapshot(getattr(value, each.name, None), depth + 1) for each in dataclasses.fields(value)]
    return None


def made(seed, number):
    """One call: what came of it, as a dict for the report."""
    name, call, arguments, right = prepared(seed, number)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return {"number": number, "name": name, "right": right, **_outcome(name, call, arguments, right)}


def _outcome(name, call, arguments, right):
    before = {each: snapshot(value) for each, value in arguments.items() if each not in call.changes}
    given = {each: _kept(arguments[each]) for each in call.changes if each in arguments}
    try:
        result = call.function(**arguments)
    except MemoryError:
        return {"outcome": "refused"}  # there is not so much memory
    except BaseException as error:
        return _of_error(name, call, arguments, right, error)
    if {each: snapshot(arguments[each]) for each in before} != before:
        changed = [each for each in before if snapshot(arguments[each]) != before[each]]
        return {"outcome": "finding", "finding": f"changed its arguments {changed}", "given": _shown(arguments)}
    if call.raises is not None and right:
        return {"outcome": "finding", "finding": f"did not raise {call.raises.__name__}", "given": _shown(arguments)}
    try:
        compared = call.oracle(result, {**arguments, **{f"{each}_before": value for each, value in given.items()}})
    except AssertionError as error:
        return {"outcome": "finding", "finding": f"wrong: {error}"[:2000], "given": _shown(arguments)}
    except Exception as error:
        if right:
            return {"outcome": "finding", "finding": f"oracle: {_trace(error)}", "given": _shown(arguments)}
        return {"outcome": "passed", "compared": False, "unfit": f"{type(error).__name__}: {error}"[:200]}
    return {"outcome": "passed", "compared": compared != UNCOMPARED}


def _kept(value):
    try:
        return copy.deepcopy(value)
    except Exception:  # of what cannot be copied, such as a generator
        return None


def _of_error(name, call, arguments, right, error):
    if right and call.raises is not None and isinstance(error, call.raises):
        return {"outcome": "passed", "compared": True}
    allowed = (*documented(name, call.function), *call.allowed)
    if right:
        return {"outcome": "finding", "finding": f"refused a right call: {_trace(error)}", "given": _shown(arguments)}
    # A KeyError is no ValueError; an error of numpy's own that is one, such as a broadcast, says nothing to the user,
    # and is still a documented kind.
    if isinstance(error, allowed) and str(error):
        return {"outcome": "refused"}
    return {"outcome": "finding", "finding": f"raised {_trace(error)}", "given": _shown(arguments)}


def _trace(error):
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__}: {str(error)[:300]} at {where}"


def _shown(arguments):
    shown = {}
    for name, value in arguments.items():
        try:
            text = repr(value)
        except Exception as error:
            text = f"<{type(value).__name__}, {type(error).__name__} in repr>"
        kind = f"{value.dtype}{list(value.shape)} " if isinstance(value, np.ndarray) else ""
        shown[name] = (kind + text)[:150]
    return shown


def child(seed, first, last, step=1):
    """Make the calls first .. last - 1, every `step`-th, and say so."""
    faulthandler.enable()
    _limit_memory()
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as folder:  # what a call writes, wherever, lies there
        os.chdir(folder)
        _speak(seed, first, last, step)
        os.chdir(ROOT)


def _speak(seed, first, last, step):
    voice = os.fdopen(os.dup(1), "w", buffering=1)  # what the library may print goes elsewhere
    os.dup2(2, 1)
    for number in range(first, last, step):
        print(json.dumps({"begins": number}), file=voice)
        print(json.dumps(made(seed, number)), file=voice)


def _limit_memory():
    try:
        import resource
    except ImportError:  # not on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


def run(seed, calls, *, first=0, step=1, environment=None, progress=None):
    """The reports of the calls first, first + step, ... below `calls`, in their order."""
    reports = []
    while first < calls:
        process = subprocess.Popen(
            [sys.executable, "-m", __package__, "--child", str(seed), str(first), str(calls), str(step)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            text=True,
        )
        began, finding = _listened(process, reports, first, progress)
        if finding is None:
            return reports
        reports.append({"number": began, "name": _name_of(seed, began), "outcome": "finding", "finding": finding})
        first = began + step
    return reports


def _listened(process, reports, began, progress):
    """Take in what a child says; the call at which it ended before its time and how, or None."""
    lines: Queue = Queue()
    errors: list = []
    readers = [
        threading.Thread(target=lambda: [lines.put(line) for line in process.stdout] + [lines.put(None)]),
        threading.Thread(target=lambda: errors.extend(process.stderr.readlines())),
    ]
    for reader in readers:
        reader.start()
    try:
        return _answered(process, lines, errors, reports, began, progress)
    finally:
        process.kill()
        process.wait()
        for reader in readers:
            reader.join()
        process.stdout.close()
        process.stderr.close()


def _answered(process, lines, errors, reports, began, progress):
    spent, waited = 0.0, 0
    while True:
        try:
            line = lines.get(timeout=PATIENCE)
        except Empty:
            waited += PATIENCE
            if waited < ASLEEP and processor_time(process.pid) - spent < SILENCE:
                continue
            return began, f"hang: no answer in {SILENCE} s of processor time, or {ASLEEP} s"
        if line is None:
            break
        spent, waited = processor_time(process.pid), 0
        said = json.loads(line)
        if "begins" in said:
            began = said["begins"]
        else:
            reports.append(said)
            if progress:
                progress(said)
    code = process.wait()
    return (began, None) if code == 0 else (began, f"crash: exit status {code}: {''.join(errors)[-1500:]}")


def processor_time(pid):
    """Seconds that a process has computed, where the system says; 0 elsewhere."""
    try:
        spent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return 0.0


def _name_of(seed, number):
    from .catalogue import CATALOGUE

    return sorted(CATALOGUE)[number % len(CATALOGUE)]


def summary(reports):
    """Counts of a run."""
    counts = Counter(report["outcome"] for report in reports)
    compared = sum(report.get("compared", False) for report in reports)
    return {
        "calls": len(reports),
        "passed validation": counts["passed"],
        "compared with an oracle": compared,
        "refused": counts["refused"],
        "findings": counts["finding"],
    }
