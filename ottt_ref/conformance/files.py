"""The cases as files, for any language: a folder with one manifest and a plain .npz file per case.

DIR/manifest.json           UTF-8 JSON:
    format, version         "ottt_ref conformance cases", 1
    case_set                the version of the set of cases (1 where it is missing, as ottt_ref 0.1.0 wrote it)
    conventions             the equations and conventions in words
    methods                 by name, what each method is
    results                 how results of another language are named, and the tolerances of the check, in words
    cases                   a list, each with
        name, purpose
        since               the version of the set in which it is first (1 where it is missing)
        file, bytes, sha256 of the .npz file beside the manifest
        dtype, time_steps, batch_size
        network             layers with their operations and neurons, feedback, skips (as in ottt_ref's network files)
        loss                {"type": "Mixed", "mse_weight": 0.05}, ...
        online              {"optimizer": "SGD", "learning_rate": 0.1, "momentum": 0}
        margin              the least distance of anything discontinuous in thresholds; 0 where a potential lies on its
                            threshold exactly, in numbers that floats hold without rounding
        methods             the methods that are asked for
        results             by method: the names of the arrays that results must hold, and of those that they may
        arrays              by name: shape, dtype, unit and meaning
        features            where there are some: what not every backend has, of specifications.FEATURES
        loss_time_steps     T of the loss's 1/T, where it is not the number of time steps
DIR/NAME.npz                an uncompressed zip of .npy arrays, C-contiguous, little-endian, without pickles

The same version of ottt_ref on the same machine writes the same bytes. What is read is not trusted: sizes and hashes
are checked before anything is parsed, file names may not lead out of the folder, and nothing is executed.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .. import validation
from ..files import storage
from ..files.descriptions import describe, rebuild
from ..learning import losses
from ..network.network import Network
from ..simulation.state import network_state
from .arrays import expected_of, names_of
from .conventions import CONVENTIONS, RESULTS, describe_array
from .reference import FORWARD, MEANINGS, METHODS, ONLINE, expected, methods_of, targets_at
from .specifications import CASE_SET, FEATURES, SPECIFICATIONS, Specification, draw, neuron_features

FORMAT, VERSION = "ottt_ref conformance cases", 1
MANIFEST = "manifest.json"
SHORT_LIST = re.compile(r"\[\n([^][{}]*)\n\s*\]")  # of numbers or names: within a text no line ends
OurLoss = losses.CrossEntropy | losses.MeanSquaredError | losses.Mixed
LARGEST_MANIFEST, LARGEST_CASE, LARGEST_ARRAYS = 2**24, 2**26, storage.LARGEST_ARRAYS  # bytes


@dataclass(frozen=True)
class Case:
    """A case as an adapter sees it.

    name, purpose   what it is called and there for
    entry           its entry in the manifest: network, loss and hyper-parameters as plain data
    arrays          every array by name (`reference`), read-only

    >>> from ottt_ref.conformance.files import make_cases
    >>> [case] = make_cases(["dense"])
    >>> case.loss, case.inputs.shape, case.targets.tolist(), case.methods[:2]
    (Mixed(mse_weight=0.05), (6, 4, 6), [1, 2, 1, 1], ['forward', 'bptt'])
    >>> {name: value.shape for name, value in case.gradients("ottt").items() if name.startswith("readout")}
    {'readout.weight': (3, 5), 'readout.bias': (3,)}
    """

    name: str
    purpose: str
    entry: dict
    arrays: dict[str, np.ndarray]

    @property
    def dtype(self) -> np.dtype:
        """float64 or float32."""
        return np.dtype(self.entry["dtype"])

    @property
    def inputs(self) -> np.ndarray:
        """[T, B, ...]."""
        return self.arrays["inputs"]

    @property
    def targets(self) -> np.ndarray:
        """Class labels [B], or rows [B, C]; or with the feature "targets of each step" labels [T, B]."""
        return self.arrays["targets"]

    @property
    def features(self) -> tuple[str, ...]:
        """What the case asks for that not every backend has, of `specifications.FEATURES`."""
        return tuple(self.entry.get("features", ()))

    @property
    def weights(self) -> np.ndarray | None:
        """What ℓ of each time step and sample is multiplied by, [T, B]; None for 1."""
        return self.arrays.get("weights")

    @property
    def initial_state(self) -> dict[str, np.ndarray] | None:
        """What the network starts from, by name: layer0.potential, layer0.output, ..., [B, ...]; None for rest."""
        return self._starting_with("initial_state/") or None

    @property
    def loss_time_steps(self) -> int:
        """T of the loss's 1/T: the number of time steps, unless the case is a part of a longer sequence."""
        return self.entry.get("loss_time_steps", self.entry["time_steps"])

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The network's parameters by name, read-only."""
        return self._starting_with("parameter/")

    @property
    def network(self) -> Network:
        """A fresh Network of ottt_ref."""
        return self.shared_network.copy()

    @cached_property
    def shared_network(self) -> Network:
        """The one Network for all who change nothing of it: a diagnosis computes a case in hundreds of ways."""
        return Network(**rebuild(self.entry["network"], self.parameters))

    @property
    def loss(self) -> OurLoss:
        """The Loss of ottt_ref."""
        return loss_from(self.entry["loss"])

    @property
    def methods(self) -> list[str]:
        """The names of the methods that the case asks for, the forward pass first."""
        return list(self.entry["methods"])

    @property
    def since(self) -> int:
        """The version of the set of cases in which the case is first; 1 of those that ottt_ref 0.1.0 wrote."""
        return self.entry.get("since", 1)

    @property
    def margin(self) -> float:
        """The least distance of anything discontinuous, in thresholds."""
        return self.entry["margin"]

    def gradients(self, method: str) -> dict[str, np.ndarray]:
        """What is expected of a method, by parameter: gradients; of online learning the parameters after each step."""
        return self._starting_with(f"{'online' if method in ONLINE else 'gradient'}/{method}/")

    def _starting_with(self, prefix):
        return {name.removeprefix(prefix): value for name, value in self.arrays.items() if name.startswith(prefix)}


def make_case(specification: Specification) -> Case:
    """The case of a specification, made by the reference.

    >>> make_case(specifications()[0]).name
    'dense'
    """
    drawn = draw(specification)
    arrays = {name: _frozen(array) for name, array in expected(drawn).items()}
    network = drawn.network
    entry = {
        "name": specification.name,
        "purpose": specification.purpose,
        "since": specification.since,
        "dtype": specification.dtype,
        "time_steps": specification.time_steps,
        "batch_size": specification.batch_size,
        "network": describe(network, lists=True),
        "loss": describe_loss(specification.loss),
        "online": {"optimizer": "SGD", "learning_rate": specification.learning_rate, "momentum": 0},
        "margin": drawn.margin,
        "methods": methods_of(specification),
        "arrays": {name: describe_array(name, array, network) for name, array in arrays.items()},
    }
    if specification.features:
        entry["features"] = list(specification.features)
    if specification.loss_steps:
        entry["loss_time_steps"] = specification.loss_steps
    return Case(specification.name, specification.purpose, entry, arrays)


def specifications(case_set: int | None = None) -> tuple[Specification, ...]:
    """The specifications of a version of the set; of the newest if None. Raises ValueError for one there is not.

    >>> len(specifications(case_set=1))
    48
    """
    if case_set is None:
        return SPECIFICATIONS
    if validation.require_count("case_set", case_set) > CASE_SET:
        raise ValueError(f"case_set must be at most {CASE_SET}, the newest of this version, got {case_set}")
    return tuple(each for each in SPECIFICATIONS if each.since <= case_set)


def make_cases(names: Collection[str] | None = None, case_set: int | None = None) -> list[Case]:
    """The built-in cases, or those of the given names, in order; of the newest version of the set if None is given.

    Raises ValueError for another name or a version that there is not.

    >>> from ottt_ref.conformance.files import make_cases
    >>> for case in make_cases(["dense", "recurrent"]):
    ...     print(f"{case.name}: {case.purpose}")
    dense: the base case: three layers, the paper's neurons and loss
    recurrent: a layer that hears itself
    """
    chosen = specifications(case_set)
    known = {specification.name: specification for specification in chosen}
    wrong = [name for name in names or () if name not in known]
    if wrong:
        raise ValueError(f"case must be one of {', '.join(known)}, got {wrong[0]!r}")
    return [make_case(each) for each in chosen if names is None or each.name in names]


def export(folder: str | Path, names: Collection[str] | None = None) -> list[dict]:
    """Write all cases, or those of the given names, to `folder`; their entries in the manifest.

    The folder is made if it is not there. The manifest, which is written last, makes the cases valid.
    Raises OSError where it cannot be written, and ValueError for another name.

    >>> import os, tempfile
    >>> from ottt_ref.conformance import files
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     entries = files.export(folder, ["dense"])
    ...     sorted(os.listdir(folder)), [entry["name"] for entry in entries]
    (['dense.npz', 'manifest.json'], ['dense'])
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for case in make_cases(names):
        path, content = folder / f"{case.name}.npz", storage.as_bytes(case.arrays)
        storage.write_bytes(path, content)
        location = {"file": path.name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        named = {"results": {method: names_of(case, method) for method in case.methods}}
        entries.append({**{key: case.entry[key] for key in ("name", "purpose")}, **location, **case.entry, **named})
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "case_set": CASE_SET,
        "conventions": CONVENTIONS,
        "methods": MEANINGS,
        "results": RESULTS,
        "cases": entries,
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False, default=float)
    storage.write_bytes(folder / MANIFEST, (SHORT_LIST.sub(_in_a_line, text) + "\n").encode())
    return entries


def _in_a_line(found):
    return f"[{' '.join(line.strip() for line in found[1].splitlines())}]"


def load(folder: str | Path) -> list[Case]:
    """The cases of a folder that `export` wrote, as a list.

    Raises FileNotFoundError where there is no manifest, and ValueError that names the file and the fault for anything
    that is damaged, of another version, of another size or hash, or leads out of the folder.

    >>> import tempfile
    >>> from ottt_ref.conformance import files
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = files.export(folder, ["dense"])
    ...     [case.name for case in files.load(folder)]
    ['dense']
    """
    folder = Path(folder)
    manifest = _read_manifest(folder / MANIFEST)
    return [_read_case(folder, entry) for entry in manifest["cases"]]


def _read_manifest(path):
    if path.stat().st_size > LARGEST_MANIFEST:
        raise ValueError(f"{path} must have at most {LARGEST_MANIFEST} bytes, got {path.stat().st_size}")
    try:
        manifest = json.loads(path.read_bytes().decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON: {error}") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ValueError(f"{path} is not a manifest of {FORMAT}")
    if manifest.get("version") != VERSION:
        raise ValueError(f"{path} must be of version {VERSION}, got version {manifest.get('version')!r}")
    cases = manifest.get("cases")
    if not isinstance(cases, list) or not all(isinstance(entry, dict) for entry in cases) or not cases:
        raise ValueError(f"{path} must list its cases")
    names = [entry.get("name") for entry in cases]
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ValueError(f"{path} must name its cases, each differently")
    return manifest


def _refuse_constant(text):
    raise ValueError(f"{text} is no number")


def _read_case(folder, entry):
    path = _inside(folder, entry)
    content = path.read_bytes() if path.stat().st_size == entry.get("bytes") else b""
    if len(content) != entry.get("bytes"):
        raise ValueError(f"{path} must have {entry.get('bytes')!r} bytes, got {path.stat().st_size}")
    digest = hashlib.sha256(content).hexdigest()
    if digest != entry.get("sha256"):
        raise ValueError(f"{path} must have the SHA-256 {entry.get('sha256')!r}, got {digest}")
    arrays = storage.arrays_from(content, path, LARGEST_ARRAYS)  # of the bytes whose hash was checked
    try:
        case = Case(entry["name"], entry["purpose"], entry, _checked(entry, arrays))
        _require_whole(case)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, ArithmeticError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"case {entry['name']!r} of {folder / MANIFEST}: {reason}") from None
    return case


def _inside(folder, entry):
    name, case = entry.get("file"), f"case {entry['name']!r} of {folder / MANIFEST}"
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9._-]*\.npz", name):
        raise ValueError(f"{case} must be in a file of the folder itself, got {name!r}")
    path = folder / name
    if not path.is_file() or path.is_symlink():
        raise ValueError(f"{case}: {path} must be a file, and no link")
    if path.stat().st_size > LARGEST_CASE:
        raise ValueError(f"{path} must have at most {LARGEST_CASE} bytes, got {path.stat().st_size}")
    return path


def _checked(entry, arrays):
    """The arrays, as the manifest describes them, and nothing else."""
    described = entry["arrays"]
    if set(described) != set(arrays):
        raise ValueError(f"the file and the manifest differ in the arrays {sorted(set(described) ^ set(arrays))[:5]}")
    for name, array in arrays.items():
        want = described[name]
        if list(array.shape) != want["shape"] or str(array.dtype) != want["dtype"]:
            got = f"{array.dtype} of shape {list(array.shape)}"
            raise ValueError(f"array {name!r} must be {want['dtype']} of shape {want['shape']}, got {got}")
        if array.dtype.kind not in "fi" or not np.all(np.isfinite(array)):
            raise ValueError(f"array {name!r} must hold finite numbers")
        _frozen(array)
    return arrays


def _require_whole(case):
    """Whether network, loss and everything that is expected are there; raises what is missing."""
    network, _ = case.network, case.loss
    validation.require_count("since", case.since)
    validation.require_choice("dtype", case.entry["dtype"], [str(network.dtype)])
    validation.require_number("margin", case.margin, "of at least 0", lambda number: number >= 0)
    rate = validation.require_nonnegative("learning_rate", case.entry["online"]["learning_rate"])
    validation.require_number("learning_rate", rate, "below 2^1000", lambda number: number < 2**1000)
    known = [FORWARD, *METHODS, *ONLINE]
    if (
        case.methods[:1] != [FORWARD]
        or len(set(case.methods)) < len(case.methods)
        or not set(case.methods) <= set(known)
    ):
        raise ValueError(f"methods must be {FORWARD} and others of {', '.join(known[1:])}, got {case.methods}")
    steps, batch = (validation.require_count(name, case.entry[name]) for name in ("time_steps", "batch_size"))
    _require_shape(case, "inputs", (steps, batch, *network.input_shape))
    _require_features(case, network, steps, batch)
    for l, shape in enumerate(network.shapes):
        for kind in ("potential", "spikes", "psi") if l in network.spiking else ("potential",):
            _require_shape(case, f"{kind}/{l}", (steps, batch, *shape))
    _require_shape(case, "outputs", (steps, batch, network.output_size))
    shapes = {name: value.shape for name, value in network.parameters.items()}
    for method in case.methods:
        for each in expected_of(case, method):
            if each.timed and each.values.shape[:1] != (steps,):
                raise ValueError(f"array {each.full!r} must have {steps} time steps, got {list(each.values.shape)}")
        if method != FORWARD:
            _require_parameters(case, method, shapes)


def _require_features(case, network, steps, batch):
    """Whether targets, weights, initial state and T of the loss are whole, and the features those that are there."""
    losses.require_targets(case.loss, case.targets, batch, network, steps)
    losses.require_weights(case.weights, steps, batch, network)
    if case.initial_state is not None:
        network_state(network, case.initial_state, batch)
    validation.require_count("loss_time_steps", case.loss_time_steps)
    there = (
        case.weights is not None,
        targets_at(case.targets, 0) is not case.targets,
        case.initial_state is not None,
        case.loss_time_steps != steps,
        any(connection.delay != connection.loop for connection in network.connections),
        *neuron_features(network),
    )
    features = tuple(name for name, asked in zip(FEATURES, there) if asked)
    if case.features != features:
        raise ValueError(f"features must be those that are there, {list(features)}, got {list(case.features)}")


def _require_parameters(case, method, shapes):
    """Whether the method's gradients, or what is learnt, are those of the network's parameters."""
    rows = 1 if method in ONLINE else 0
    found = {name: value.shape[rows:] for name, value in case.gradients(method).items()}
    if found != shapes:
        raise ValueError(f"the gradients of {method} must be of {list(shapes)}, got {list(found)}")


def _require_shape(case, name, shape):
    if case.arrays[name].shape != shape:
        raise ValueError(f"array {name!r} must have the shape {list(shape)}, got {list(case.arrays[name].shape)}")


def _frozen(array):
    array = np.asarray(array, order="C")  # a loss keeps its shape [], which ascontiguousarray would not
    array.setflags(write=False)
    return array


def describe_loss(loss: losses.Loss) -> dict[str, str | float]:
    """The loss as plain data.

    >>> describe_loss(losses.Mixed())
    {'type': 'Mixed', 'mse_weight': 0.05}
    """
    numbers = {name: value for name, value in vars(loss).items() if not name.startswith("_")}
    return {"type": type(loss).__name__, **numbers}


def loss_from(description: Mapping[str, str | float]) -> OurLoss:
    """The loss that was described; raises ValueError where it is none of ours.

    >>> loss_from({"type": "CrossEntropy"})
    CrossEntropy()
    """
    fields: dict[str, Any] = dict(description)
    kind = fields.pop("type", None)
    known = {each.__name__: each for each in (losses.CrossEntropy, losses.MeanSquaredError, losses.Mixed)}
    if kind not in known or set(fields) != ({"mse_weight"} if kind == "Mixed" else set()):
        raise ValueError(f"loss must be one of {', '.join(known)} with its numbers, got {description!r}")
    return known[kind](**fields)
