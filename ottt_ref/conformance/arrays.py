"""Which arrays of a case an adapter may return for a method, by which names, in the order of their computation."""

from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from .reference import FORWARD, ONLINE

NEAR = 0.8  # how alike two names are, of 1, of which one is a slip of the other


@dataclass(frozen=True)
class Expected:
    """An array that is expected of an adapter.

    name       as the adapter names it: "error/1", "layer0.weight"
    full       as the case names it: "error/ottt/1", "gradient/ottt/layer0.weight"
    values     the array
    required   whether it must be there; others are compared where they are
    timed      whether its first axis is time
    """

    name: str
    full: str
    values: np.ndarray
    required: bool
    timed: bool

    @property
    def exact(self):
        """Whether it is compared exactly: spikes are."""
        return self.name.startswith("spikes")


def near_names(found, expected):
    """(name, near) of each name in `found` that none of the Expected arrays has: near is one that is missing, or "".

    >>> near_names({"layer0.weight": 0, "errors/0": 0}, [Expected("error/0", "", None, False, True)])
    (('layer0.weight', ''), ('errors/0', 'error/0'))
    """
    names = {each.name for each in expected}
    missing = {name.lower(): name for name in names - set(found)}
    result = []
    for name in found:
        if name not in names:
            near = get_close_matches(str(name).lower(), missing, n=1, cutoff=NEAR)
            result.append((str(name), missing[near[0]] if near else ""))
    return tuple(result)


def expected_of(case, method):
    """The Expected arrays of a method of a case.

    The forward pass: potential, spikes and ψ layer by layer, then outputs and loss. A method: its traces, its errors
    from the output down, the loss, then the parameters, from the output down.
    """
    if method == FORWARD:
        return _forward(case)
    if method in ONLINE:
        rows = case.gradients(method).items()
        return [Expected(name, f"online/{method}/{name}", values, True, True) for name, values in rows]
    parameters = [
        Expected(name, f"gradient/{method}/{name}", values, True, False)
        for name, values in reversed(case.gradients(method).items())
    ]
    return [*_inner(case, method), *parameters]


def names_of(case, method):
    """The names of a method's arrays, those that are required and those that are optional.

    >>> from ottt_ref.conformance.files import make_cases
    >>> names_of(make_cases(["dense"])[0], "forward")["required"]
    ['spikes/0', 'spikes/1', 'outputs']
    """
    expected = expected_of(case, method)
    return {
        "required": [each.name for each in expected if each.required],
        "optional": [each.name for each in expected if not each.required],
    }


def _forward(case):
    kinds = {"current": False, "potential": False, "spikes": True, "psi": False}
    names = [f"{kind}/{l}" for l in range(len(case.entry["network"]["layers"])) for kind in kinds]
    result = [
        Expected(name, name, case.arrays[name], kinds[name.partition("/")[0]], True)
        for name in names
        if name in case.arrays
    ]
    outputs = Expected("outputs", "outputs", case.arrays["outputs"], True, True)
    return [*result, outputs, Expected("loss", "loss", case.arrays["loss"], False, False)]


def _inner(case, method):
    """What lies between the forward pass and the gradients."""
    timed = method != "spike-representation"
    result = []
    if method == "ottt":
        traces = [name for name in case.arrays if name.partition("/")[0] in ("trace", "constant_trace")]
        result += [Expected(name, name, case.arrays[name], False, True) for name in traces]
    prefix = f"error/{method}/"
    for full in reversed([name for name in case.arrays if name.startswith(prefix)]):
        result.append(Expected(f"error/{full.removeprefix(prefix)}", full, case.arrays[full], False, timed))
    full = "loss" if timed else f"loss/{method}"
    return [*result, Expected("loss", full, case.arrays[full], False, False)]
