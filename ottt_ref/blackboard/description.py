"""Small networks as people write them by hand: a JSON file of nested lists and fractions.

    {"weights":   [[["1/2", 1], [1, "-1/4"]], [["3/4", 1]]],   rows by layer; the last are the readout's
     "biases":    [["1/8", 0], null],        numbers by layer, null for a layer that has none
     "loops":     [[0, 0, [["1/4", 0], [0, "1/4"]]]],
                                             [source, target, rows], of the spikes at t - 1; layer 0 is the first.
                                             Recurrent if both are the same, feedback if the source comes later
     "decay":     "1/2",                     λ, of all layers, or a list by layer, of numbers or of a row by neuron
     "threshold": 1,                         V_th, the same way
     "reset":     "soft",                    or "hard", "unleaked"; "reset_potential": 0
     "readout":   "linear",                  or "leaky", or "spiking": then the last weights are a spiking layer's
     "surrogate": {"type": "triangle", "width": 1, "height": 1},    or a name: "triangle", "sigmoid", ...
     "inputs":    [[1, 0], [1, 1]],          rows by time step
     "targets":   [1],                       a number for each output, or the label of a class, counted from 0
     "loss":      "half-squares",            Σ_t ½ |o[t] - y|²; or "mean-squared-error", "mixed", "cross-entropy"
     "numbers":   "fractions"}               or "float64"; fractions where surrogate and loss are rational

Weights, inputs and targets must be there. In place of weights there may be "sizes", [2, 3, 1], and a "seed": weights
are then drawn as eighths from -1 to 1. A number is 3, 0.75 (the decimal itself, not the nearest float) or "3/4", and
may stand in quotes. The defaults are those that are shown, but for biases and loops, of which there are none.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

import numpy as np

from ..files import storage
from ..learning import losses
from ..network import surrogate
from ..network.layers import Feedback, Layer
from ..network.network import READOUTS, Network
from ..network.neurons import LIF, RESETS, Integrator
from ..network.operations import Dense
from ..validation import require_choice, require_count
from .quantities import HALF_SQUARES, BoardLoss, mean_loss

LARGEST_FILE = 2**20  # bytes
LARGEST_NUMBER = 100  # digits
LARGEST_SIZE = 1000  # neurons in all
MOST_SYNAPSES = 10_000  # that are drawn: no board has room for so many, and a server must not be kept busy by a line
NUMBER = re.compile(r"\s*[+-]?\d+(\s*/\s*\d+|(\.\d+)?(e[+-]?\d+)?)\s*", re.IGNORECASE)
REQUIRED = ("inputs", "targets")
DEFAULTS: dict[str, Any] = {
    "weights": None,
    "sizes": None,
    "seed": 0,
    "biases": None,
    "loops": [],
    "decay": Fraction(1, 2),
    "threshold": Fraction(1),
    "reset": "soft",
    "reset_potential": Fraction(0),
    "readout": "linear",
    "surrogate": {"type": "triangle", "width": Fraction(1), "height": Fraction(1)},
    "loss": "half-squares",
    "numbers": None,
}
EXAMPLE = """\
{
 "weights": [[["3/4", "1/2"], ["-1/4", 1]], [[1, "-1/2"]]],
 "biases": [["1/8", 0], [0]],
 "decay": "1/2",
 "threshold": 1,
 "reset": "soft",
 "readout": "linear",
 "surrogate": {"type": "triangle", "width": 1, "height": 1},
 "inputs": [[1, 1], [1, 0], [0, 1]],
 "targets": ["1/2"],
 "loss": "half-squares"
}
"""


def _dashed(kind):
    return re.sub(r"(?<=.)([A-Z])", r"-\1", kind.__name__).lower()


SURROGATES = {_dashed(kind): kind for kind in surrogate.ALL}
LOSSES = {_dashed(kind): kind() for kind in losses.ALL}
HALF = "half-squares"


@dataclass(frozen=True)
class Description:
    """A network, its inputs [T, 1, n_in] and target row [1, n_out], and the loss."""

    network: Network
    inputs: np.ndarray
    targets: np.ndarray
    loss: BoardLoss


def read(path: str | os.PathLike[str]) -> Description:
    """What a file describes. Raises OSError where it cannot be read, and ValueError that names the file and the fault.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "net.json")
    ...     with open(path, "w", encoding="utf-8") as file:
    ...         _ = file.write(EXAMPLE)
    ...     read(path).network.parameters["layer0.weight"][0]
    array([Fraction(3, 4), Fraction(1, 2)], dtype=object)
    """
    content = storage.content_of(path, LARGEST_FILE)
    if content is None:
        raise ValueError(f"{path} must have at most {LARGEST_FILE} bytes")
    found = loads(content, path)
    try:
        return described(found)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from None


def loads(content: bytes, what: object) -> object:
    """What JSON says, with exact numbers; ValueError that begins with `what` it is where it is none.

    >>> loads(b'{"decay": 0.1}', "net.json")
    {'decay': Fraction(1, 10)}
    """
    try:
        return json.loads(
            content.decode(), parse_float=_decimal, parse_int=_whole, parse_constant=_refuse, object_pairs_hook=_once
        )
    except (ValueError, RecursionError) as error:
        bare = re.search(rb"[\[,:]\s*(-?\d+\s*/\s*\d+)\s*[\],}]", content)
        advice = f': a fraction stands in quotes, "{bare[1].decode()}"' if bare else ""
        raise ValueError(f"{what} is no JSON of a network: {error}{advice}") from None


def described(content: object) -> Description:
    """The Description of what a JSON file holds. Raises TypeError or ValueError that names the field.

    >>> described({"sizes": [1, 2, 1], "inputs": [[1]], "targets": [0]}).network
    Network([1, 2, 1], readout='linear', object, LIF(decay=Fraction(1, 2), threshold=Fraction(1, 1), reset='soft', \
surrogate=Triangle(width=Fraction(1, 1), height=Fraction(1, 1)), reset_potential=Fraction(0, 1)))
    """
    fields = _fields(content)
    exact = _is_exact(fields)
    dtype = object if exact else np.float64
    rows = [_matrix(f"weights[{l}]", each) for l, each in enumerate(_weights(fields))]
    for l, (below, above) in enumerate(zip(rows, rows[1:])):
        if len(above[0]) != len(below):
            raise ValueError(f"weights[{l + 1}] must have rows of {len(below)} numbers, got {len(above[0])}")
    network = _network(fields, rows, exact, dtype)
    inputs = _matrix("inputs", fields["inputs"], len(rows[0][0]))
    targets = _targets(fields["targets"], network.output_size)
    return Description(
        network,
        _array(inputs, dtype).reshape(len(inputs), 1, -1),
        _array([targets], dtype),
        HALF_SQUARES if fields["loss"] == HALF else mean_loss(LOSSES[fields["loss"]]),
    )


def _fields(content):
    """The fields, with defaults for those that are missing; names and words are checked."""
    if not isinstance(content, dict):
        raise ValueError(f"it must be an object with the fields weights, inputs, targets, ..., got {_shown(content)}")
    known = [*REQUIRED, *DEFAULTS]
    for name in content:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            question = f": is it {near[0]!r}?" if near else f"; there are {', '.join(known)}"
            raise ValueError(f"there is no field {name!r}{question}")
    for name in REQUIRED:
        if name not in content:
            raise ValueError(f"the field {name!r} is missing")
    if ("weights" in content) == ("sizes" in content):
        both = "both" if "weights" in content else "neither"
        raise ValueError(f"weights must be given, or sizes in their place, got {both}")
    if "seed" in content and "sizes" not in content:
        raise ValueError("seed must be left out where weights are given")
    fields = {**DEFAULTS, **content}
    require_choice("reset", fields["reset"], RESETS)
    require_choice("readout", fields["readout"], READOUTS)
    require_choice("loss", fields["loss"], [HALF, *LOSSES])
    if fields["numbers"] is not None:
        require_choice("numbers", fields["numbers"], ["fractions", "float64"])
    return fields


def _is_exact(fields):
    """Whether the network is one of fractions."""
    kind = SURROGATES[_surrogate(fields)[0]]
    irrational = [f"the surrogate {_dashed(kind)}"] if not kind.rational else []
    irrational += (
        [f"the loss {fields['loss']}"] if fields["loss"] != HALF and not LOSSES[fields["loss"]].rational else []
    )
    if fields["numbers"] == "fractions" and irrational:
        raise ValueError(f"numbers must be float64 with {irrational[0]}, which is not rational, got 'fractions'")
    return fields["numbers"] != "float64" and not irrational


def _surrogate(fields):
    """The name of the surrogate, and its numbers."""
    given = fields["surrogate"]
    if isinstance(given, str):
        given = {"type": given}
    if not isinstance(given, dict) or not isinstance(given.get("type"), str):
        raise ValueError(f"surrogate must be a name, or an object with a type and numbers, got {_shown(given)}")
    name = require_choice("surrogate", given["type"], list(SURROGATES))
    known = [field.name for field in dataclass_fields(SURROGATES[name])]
    numbers = {key: _number(f"surrogate.{key}", value) for key, value in given.items() if key != "type"}
    wrong = [key for key in numbers if key not in known]
    if wrong:
        raise ValueError(f"surrogate {name} has the numbers {', '.join(known)}, got {wrong[0]!r}")
    return name, numbers


def _weights(fields):
    """Rows by layer, as they are given, or drawn."""
    if fields["sizes"] is None:
        return _list("weights", fields["weights"])
    sizes = [require_count(f"sizes[{l}]", size) for l, size in enumerate(_list("sizes", fields["sizes"]))]
    if len(sizes) < 2 or sum(sizes) > LARGEST_SIZE:
        raise ValueError(f"sizes must be at least 2, of {LARGEST_SIZE} neurons in all, got {_shown(sizes)}")
    synapses = sum(fan_in * fan_out for fan_in, fan_out in zip(sizes, sizes[1:]))
    if synapses > MOST_SYNAPSES:
        raise ValueError(f"sizes must have at most {MOST_SYNAPSES} synapses between them, got {synapses}")
    rng = np.random.default_rng(require_count("seed", fields["seed"], minimum=0))
    return [
        [[Fraction(int(rng.integers(-8, 9)), 8) for _ in range(fan_in)] for _ in range(fan_out)]
        for fan_in, fan_out in zip(sizes, sizes[1:])
    ]


def _network(fields, rows, exact, dtype):
    convert = (lambda number: number) if exact else float
    biases = _by_layer("biases", fields["biases"], len(rows)) if fields["biases"] is not None else [None] * len(rows)
    loops = {}
    for k, loop in enumerate(_list("loops", fields["loops"], empty=True)):
        source, target, matrix = _loop(k, loop, rows)
        if (source, target) in loops:
            raise ValueError(f"loops[{k}] must not join the layers of another, got {source} and {target} again")
        loops[source, target] = Dense(_array(matrix, dtype), False)
    without = {"decay": fields["readout"] == "linear", "threshold": fields["readout"] != "spiking"}
    sizes = [len(matrix) for matrix in rows]
    numbers = {name: _numbers_by_layer(name, fields[name], sizes, without[name]) for name in without}
    layers = []
    for l, matrix in enumerate(rows):
        bias = False if biases[l] is None else _array(_row(f"biases[{l}]", biases[l], len(matrix)), dtype)
        decay, threshold = (
            _array(found, dtype) if isinstance(found, list) else convert(found)
            for found in (numbers["decay"][l], numbers["threshold"][l])
        )
        neuron: LIF | Integrator = LIF(
            decay=decay,
            threshold=threshold,
            reset=fields["reset"],
            reset_potential=convert(_number("reset_potential", fields["reset_potential"])),
            surrogate=_made_surrogate(fields, convert),
        )
        if l == len(rows) - 1 and fields["readout"] != "spiking":
            neuron = Integrator(decay if fields["readout"] == "leaky" else convert(Fraction(0)))
        layers.append(Layer(Dense(_array(matrix, dtype), bias), neuron, loops.pop((l, l), None)))
    return Network(layers, feedback=[Feedback(*ends, synapses) for ends, synapses in loops.items()])


def _made_surrogate(fields, convert):
    name, numbers = _surrogate(fields)
    return SURROGATES[name](**{key: convert(number) for key, number in numbers.items()})


def _loop(k, loop, rows):
    where = f"loops[{k}]"
    source, target, matrix = _list(where, loop, 3)
    ends = [require_count(f"{where}: {name}", end, 0) for name, end in (("source", source), ("target", target))]
    for name, end in zip(("source", "target"), ends):
        if end >= len(rows):
            raise ValueError(f"{where}: {name} must be a layer, 0 .. {len(rows) - 1}, got {end}")
    if ends[0] < ends[1]:
        raise ValueError(f"{where} must lead to the same layer or to an earlier one, got from {ends[0]} to {ends[1]}")
    found = _matrix(f"{where}: rows", matrix, len(rows[ends[0]]))
    if len(found) != len(rows[ends[1]]):
        raise ValueError(
            f"{where}: rows must be {len(rows[ends[1]])}, one for each neuron of {ends[1]}, got {len(found)}"
        )
    return *ends, found


def _targets(value, outputs):
    """A number for each output, of one that is a label 0 and 1."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value < outputs:
            raise ValueError(f"targets must be numbers, or a label in 0 .. {outputs - 1}, got {value}")
        return [Fraction(int(k == value)) for k in range(outputs)]
    return _row("targets", value, outputs)


def _numbers_by_layer(name, value, sizes, without_last):
    """A number of each layer, or a row of one for each of its neurons; the last layer may have none."""
    if not isinstance(value, list):
        return [_number(name, value)] * len(sizes)
    if without_last and value and len(value) == len(sizes) - 1:
        value = [*value, value[0] if not isinstance(value[0], list) else 1]  # of a readout that does not use it
    return [
        _row(f"{name}[{l}]", each, size) if isinstance(each, list) else _number(f"{name}[{l}]", each)
        for l, (each, size) in enumerate(zip(_by_layer(name, value, len(sizes)), sizes))
    ]


def _by_layer(name, value, layers):
    found = _list(name, value)
    if len(found) != layers:
        raise ValueError(f"{name} must be a list of {layers}, one for each layer, got {len(found)}")
    return found


def _matrix(name, value, columns=None):
    """Rows of numbers, all of one length."""
    rows = _list(name, value)
    columns = len(_list(f"{name}[0]", rows[0])) if columns is None else columns
    return [_row(f"{name}[{k}]", row, columns) for k, row in enumerate(rows)]


def _row(name, value, count):
    found = _list(name, value)
    if len(found) != count:
        raise ValueError(f"{name} must hold {count} number{'s' if count > 1 else ''}, got {len(found)}")
    return [_number(f"{name}[{k}]", each) for k, each in enumerate(found)]


def _list(name, value, count=None, empty=False):
    if not isinstance(value, list) or not (value or empty) or (count is not None and len(value) != count):
        expected = f"a list of {count}" if count else ("a list" if empty else "a list that is not empty")
        raise ValueError(f"{name} must be {expected}, got {_shown(value)}")
    return value


def _number(name, value):
    if isinstance(value, str) and len(value) <= LARGEST_NUMBER and NUMBER.fullmatch(value):
        written = "".join(value.split())
        try:
            return Fraction(written) if "/" in written else _decimal(written)
        except ZeroDivisionError:
            raise ValueError(f"{name} must be a number, got {value!r}") from None
        except ValueError:
            raise ValueError(f"{name} must be a number of at most {LARGEST_NUMBER} digits, got {value!r}") from None
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        raise ValueError(f'{name} must be a number, or a fraction such as "1/3", got {_shown(value)}')
    return Fraction(value)


def _array(values, dtype):
    """Nested lists of Fractions as an array of a dtype."""
    result = np.array(values, dtype=object)
    return result if dtype is object else result.astype(dtype)


def _decimal(text):
    """A number of JSON with a point or an exponent, as the decimal that it says."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text[:40]} is no number") from None
    if len(text) > LARGEST_NUMBER or abs(number.adjusted()) > LARGEST_NUMBER:
        raise ValueError(f"a number must have at most {LARGEST_NUMBER} digits, got {text[:40]}...")
    return Fraction(number)


def _whole(text):
    if len(text) > LARGEST_NUMBER:
        raise ValueError(f"a number must have at most {LARGEST_NUMBER} digits, got {text[:40]}...")
    return int(text)


def _refuse(text):
    raise ValueError(f"{text} is no number")


def _once(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} must be there once")
    return found


def _shown(value):
    text = str(value) if isinstance(value, Fraction) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
