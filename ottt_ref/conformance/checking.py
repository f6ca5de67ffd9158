"""Run an adapter on the cases and compare: a Verdict for each case and method.

The forward pass is judged first. Where it holds, gradients are compared; where it fails, a method's gradients are not
compared, unless the adapter computes them at the reference's spikes (`given_spikes`): forward conformance and gradient
conformance are two things, and it is said which one failed. Where a spike differs at a potential whose distance to the
threshold is within the tolerance, it has flipped by rounding: the forward pass is compared up to there, and holds.
"""

import traceback
from dataclasses import dataclass

import numpy as np

from .compare import RELATIVE, differing, first, first_in_time, misfit
from .reference import FORWARD, ONLINE

PASSED, FAILED, UNSUPPORTED, NOT_COMPARED = "passed", "failed", "unsupported", "not compared"


@dataclass(frozen=True)
class Verdict:
    """What came out for one method of one case.

    outcome   "passed", "failed", "unsupported" (the adapter says so), or "not compared" (the forward pass differs)
    reason    why it is not a pass, in words; of a pass empty, or what is worth knowing
    found     the first Divergence or Misfit, or None
    """

    case: str
    method: str
    outcome: str
    reason: str = ""
    found: object = None


def check(adapter, cases, methods=None, relative=None):
    """Verdicts of every case and method, one after the other.

    methods    which to check (all of a case's if None); the forward pass is always run
    relative   the tolerance, relative to the largest number of an array; by dtype if None (`compare.RELATIVE`)
    """
    for case in cases:
        yield from check_case(adapter, case, methods, relative)


def check_case(adapter, case, methods=None, relative=None):
    """The Verdicts of one case, the forward pass first."""
    relative = RELATIVE[str(case.dtype)] if relative is None else relative
    forward, same_spikes = _forward(adapter, case, relative)
    yield forward
    for method in case.methods[1:]:
        if methods is not None and method not in methods:
            continue
        if same_spikes or getattr(adapter, "given_spikes", False):
            yield _gradients(adapter, case, method, relative)
        else:
            reason = f"its spikes are not the reference's (forward: {forward.outcome})"
            yield Verdict(case.name, method, NOT_COMPARED, reason)


def _run(adapter, case, method):
    """The adapter's mapping, or a Verdict where there is none."""
    try:
        found = adapter(case, method)
    except NotImplementedError as error:
        return Verdict(case.name, method, UNSUPPORTED, str(error) or "the adapter does not say why")
    except Exception as error:  # a backend may raise anything; its author needs to see where
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{last.filename}:{last.lineno}"
        return Verdict(case.name, method, FAILED, f"{type(error).__name__}: {error} ({place})")
    if not hasattr(found, "keys") or not hasattr(found, "__getitem__"):
        return Verdict(
            case.name, method, FAILED, f"the adapter must return a mapping of arrays, got {str(found)[:200]}"
        )
    return {name: found[name] for name in found}


def _forward(adapter, case, relative):
    """The Verdict of the forward pass, and whether all spikes are the reference's."""
    found = _run(adapter, case, FORWARD)
    if isinstance(found, Verdict):
        return found, found.outcome == UNSUPPORTED  # gradients alone may be asked for
    wanted = _forward_names(case)
    required = [name for name in wanted if not name.startswith("potential")]
    for name in wanted:
        if name in found or name in required:
            wrong = misfit(name, found.get(name), case.arrays[name])
            if wrong:
                return Verdict(case.name, FORWARD, FAILED, "it cannot be compared", wrong), False
    pairs = [(name, np.asarray(found[name], dtype=np.float64), case.arrays[name]) for name in wanted if name in found]
    divergence = first_in_time(pairs, relative)
    if divergence is None:
        return Verdict(case.name, FORWARD, PASSED), True
    if divergence.array.startswith("spikes") and _near_threshold(case, divergence, relative):
        reason = "a spike flipped within rounding, and nothing is compared from there on"
        return Verdict(case.name, FORWARD, PASSED, reason, divergence), False
    return Verdict(case.name, FORWARD, FAILED, "the forward pass differs", divergence), False


def _forward_names(case):
    """Potential, then spikes, layer by layer, then the outputs: the order of computation."""
    layers = range(len(case.entry["network"]["layers"]))
    names = [name for l in layers for name in (f"potential/{l}", f"spikes/{l}") if name in case.arrays]
    return [*names, "outputs"]


def _near_threshold(case, divergence, relative):
    l = int(divergence.array.removeprefix("spikes/"))
    threshold = case.entry["network"]["layers"][l]["neuron"]["threshold"]
    potentials = case.arrays[f"potential/{l}"]
    distance = abs(float(potentials[divergence.time_step, *divergence.index]) - threshold)
    return distance <= relative * float(np.abs(potentials).max())


def _gradients(adapter, case, method, relative):
    found = _run(adapter, case, method)
    if isinstance(found, Verdict):
        return found
    expected = case.gradients(method)
    for name, values in expected.items():
        wrong = misfit(name, found.get(name), values)
        if wrong:
            return Verdict(case.name, method, FAILED, "it cannot be compared", wrong)
    divergence = _first_error(found, case, method, relative)
    if divergence is None:
        divergence = _first_parameter(found, expected, method, relative)
    if divergence is None:
        return Verdict(case.name, method, PASSED)
    return Verdict(
        case.name, method, FAILED, "the gradients differ" if method not in ONLINE else "it learns otherwise", divergence
    )


def _first_error(found, case, method, relative):
    """The first difference among the errors that the adapter gives, in the method's own order of time and layers."""
    prefix = f"error/{method}/"
    pairs = []
    for name, values in case.arrays.items():
        short = f"error/{name.removeprefix(prefix)}"
        if name.startswith(prefix) and short in found and misfit(name, found[short], values) is None:
            pairs.append((name, np.asarray(found[short], dtype=np.float64), values))
    pairs.reverse()  # errors come down from the output
    if method.startswith("bptt"):  # ... and back in time
        backwards = first_in_time([(name, got[::-1], values[::-1]) for name, got, values in pairs], relative)
        if backwards is None:
            return None
        steps = len(pairs[0][2])
        return type(backwards)(**{**vars(backwards), "time_step": steps - 1 - backwards.time_step})
    return first_in_time(pairs, relative)


def _first_parameter(found, expected, method, relative):
    """The first parameter that differs: of online learning by time step, of gradients from the output down."""
    if method in ONLINE:
        return first_in_time(
            [(name, np.asarray(found[name], dtype=np.float64), values) for name, values in expected.items()], relative
        )
    for name, values in reversed(expected.items()):
        where = differing(found[name], values, relative)
        if where.any():
            return first(f"gradient/{method}/{name}", found[name], values, where, timed=False)
    return None
