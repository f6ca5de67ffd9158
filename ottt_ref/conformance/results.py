"""Results as files: what a backend in any language wrote, checked like an adapter's.

    DIR/CASE/METHOD.npz         the arrays of a method of a case, by the names that an adapter returns, or
    DIR/CASE/METHOD/NAME.npy    a file for each: the array spikes/0 of the forward pass is DIR/CASE/forward/spikes/0.npy

CASE and METHOD are the names of `cases export`. What must be there and what may be is listed in the manifest that it
writes: `cases[k].results[METHOD].required` and `.optional`. Arrays have the shapes of the case's own, any dtype of real
numbers, and either order of axes in memory. What is not there is reported as unsupported, never as a pass.

What is read is not trusted: nothing is executed, and a file that is damaged is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from ..files import storage
from .arrays import NEAR
from .asking import Unsupported
from .files import Case
from .reference import MEANINGS
from .specifications import FEATURES, SPECIFICATIONS


class Results:
    """An adapter that returns what lies in a folder (see the module's docstring).

    folder         the folder
    cases          the cases that are checked, whose files are read at once
    given_spikes   whether gradients were computed at the reference's spikes (`adapter`)

    Raises ValueError that names the file or folder for one that holds no results, is named like no case or method, or
    cannot be read.

    >>> import os, tempfile, numpy as np, ottt_ref as ot
    >>> from ottt_ref.conformance import checking, files, results
    >>> [case] = files.make_cases(["dense"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     os.mkdir(os.path.join(folder, "dense"))
    ...     gradients = ot.sltt.gradients(case.network, case.inputs, case.targets, case.loss)
    ...     np.savez(os.path.join(folder, "dense", "sltt.npz"), **gradients)
    ...     adapter = results.Results(folder, [case])
    >>> [verdict.outcome for verdict in checking.check(adapter, [case], ["sltt", "ottt"])]
    ['unsupported', 'unsupported', 'passed']
    """

    features = FEATURES  # whoever wrote results of a case took all that it asks for

    def __init__(self, folder: str | Path, cases: Iterable[Case], *, given_spikes: bool = False) -> None:
        self.folder = Path(folder)
        self.given_spikes = given_spikes
        if not self.folder.is_dir():
            raise ValueError(f"{folder} must be a folder of results, CASE/METHOD.npz or CASE/METHOD/NAME.npy")
        cases = list(cases)
        known = {
            **{each.name: list(MEANINGS) for each in SPECIFICATIONS},
            **{each.name: each.methods for each in cases},
        }
        found = _found(self.folder, known)
        checked = {case.name for case in cases}
        if not any(case in checked for case, _ in found):
            raise ValueError(
                f"{folder} must hold results of the cases that are checked, CASE/METHOD.npz or CASE/METHOD/NAME.npy"
            )
        self._arrays = {place: _read(path) for place, path in found.items() if place[0] in checked}

    def __call__(self, case: Case, method: str) -> Mapping[str, np.ndarray]:
        """The arrays of a method of a case; Unsupported where there are none."""
        if (case.name, method) not in self._arrays:
            raise Unsupported(f"there are no results of it in {self.folder}")
        return self._arrays[case.name, method]


def _found(folder, known):
    """Where the results of (case, method) lie."""
    result = {}
    for of_case in _visible(folder):
        if not of_case.is_dir():
            continue  # a manifest, or the cases themselves
        _require_name("case", of_case.name, known, of_case)
        for path in _visible(of_case):
            method = path.name if path.is_dir() else path.name.removesuffix(".npz")
            if not path.is_dir() and path.suffix != ".npz":
                raise ValueError(f"{path} must be METHOD.npz, or a folder METHOD of .npy files")
            _require_name("method", method, known[of_case.name], path)
            if (of_case.name, method) in result:
                raise ValueError(f"{path} must be the only results of {method}, got {result[of_case.name, method]} too")
            result[of_case.name, method] = path
    return result


def _visible(folder):
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _require_name(kind, name, known, path):
    if name not in known:
        near = get_close_matches(name.lower().replace("_", "-"), known, n=1, cutoff=NEAR)
        question = f": is it {near[0]!r}?" if near else ""
        raise ValueError(f"{path} must be named like a {kind}, got {name!r}, of which there is none{question}")


def _read(path):
    if not path.is_dir():
        return storage.read_arrays(path)
    arrays = {}
    for file in sorted(path.rglob("*")):
        if file.is_dir() or file.name.startswith("."):
            continue
        if file.suffix != ".npy":
            raise ValueError(f"{file} must be an .npy file")
        arrays[file.relative_to(path).as_posix().removesuffix(".npy")] = storage.read_array(file)
    return arrays
