"""The table of everything that happens in one small network, as text and as data.

Sections: the network; the forward pass layer by layer; what OTTT pairs errors with; ∂L/∂o; each method's errors; and
each method's gradients, entry by entry: what every time step adds, and the sum.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..annotations import Number
from ..network.network import Network
from ..network.per_neuron import Groups
from ..simulation.equilibrium import ConvergenceError
from ..simulation.simulator import run
from ..validation import describe_shape
from . import quantities
from .quantities import METHODS, BoardLoss

LARGEST_STEPS = 32
LARGEST_ROWS = 2000


@dataclass(frozen=True)
class Row:
    """A line of the table: the name of a quantity, its values by time step, and their sum where it is a gradient."""

    name: str
    values: tuple[Number, ...]
    total: Number | None = None


@dataclass(frozen=True)
class Section:
    """Some lines of the table under a title; `note` is a line of words in their place or above them.

    kind    "inputs", "layer", "traces", "output error", "errors", "gradients" or "rates"
    method  whose errors or gradients they are, of METHODS, or None
    """

    title: str
    kind: str
    rows: tuple[Row, ...] = ()
    method: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Board:
    """Everything about one network, its inputs and targets.

    heading   the network in words, lines
    losses    by method, the loss whose gradient it computes or stands for
    refused   by method, why it has no gradients of this network
    """

    heading: tuple[str, ...]
    exact: bool
    time_steps: int
    sections: tuple[Section, ...]
    losses: dict[str, Number]
    refused: dict[str, str]


def require_printable(what: str, network: Network, time_steps: int, batch_size: int, methods: Iterable[str]) -> None:
    """Raise ValueError that says how large it is, where a table of all methods would be too large to print.

    >>> import ottt_ref as ot
    >>> require_printable("net.npz", ot.dense_network([64, 128, 10], rng=0), 6, 1, ["ottt"])
    Traceback (most recent call last):
    ValueError: net.npz must be small enough for a blackboard, at most 2000 lines, got 10418: choose one method \
(--method), or take a smaller network
    """
    if time_steps > LARGEST_STEPS:
        raise ValueError(f"{what} must have at most {LARGEST_STEPS} time steps for a blackboard, got {time_steps}")
    count = len(list(methods))
    neurons = sum(math.prod(shape) for shape in network.shapes)
    parameters = sum(value.size for value in network.parameters.values())
    entering = sum(math.prod(c.input_shape) * _decays(network, c.target) for c in network.connections)
    learned = sum(
        math.prod(shape) * len(layer.neuron.parameter_names) for layer, shape in zip(network.layers, network.shapes)
    )
    lines = batch_size * (network.input_size + (3 + count) * neurons + entering + learned) + count * parameters
    if lines > LARGEST_ROWS:
        advice = "choose one method (--method), or take a smaller network"
        raise ValueError(
            f"{what} must be small enough for a blackboard, at most {LARGEST_ROWS} lines, got {lines}: {advice}"
        )


def _decays(network, l):
    """How many decays the neurons of layer l have, and so how many traces what enters them has."""
    return len(Groups(network.layers[l].neuron, network.shapes[l]))


def make(
    network: Network, inputs: np.ndarray, targets: np.ndarray, loss: BoardLoss, methods: Iterable[str] = tuple(METHODS)
) -> Board:
    """The Board of inputs [T, B, ...] and target rows [B, n_out], or [T, B, n_out], of the network's numbers.

    >>> import ottt_ref as ot
    >>> network = ot.Network([ot.Layer(ot.Dense(ot.exact_array([[0.75]])), ot.LIF(surrogate=ot.surrogate.Triangle()))])
    >>> ones = ot.exact_array([[[1]], [[1]]])
    >>> board = make(network, ones, ot.exact_array([[0]]), quantities.HALF_SQUARES, ["sltt"])
    >>> print(as_text(board).partition("gradients")[2])  # doctest: +NORMALIZE_WHITESPACE
    of SLTT (loss 1/2)
      w¹  0  7/8  7/8
      b¹  0  7/8  7/8
    """
    methods = list(methods)
    activity = run(network, inputs)
    samples = inputs.shape[1]
    found, refused = _all_sums(network, activity, inputs, targets, loss, methods)
    sections = [Section("inputs", "inputs", _rows(samples, lambda b: quantities.input_rows(activity, b)))]
    for l, name in enumerate(network.layer_names):
        rows = _rows(samples, lambda b, l=l: quantities.layer_rows(network, activity, l, b))  # type: ignore[misc]
        sections.append(Section(f"{name}: {_neuron_text(network, l)}", "layer", rows))
    for name in methods:
        dialect = METHODS[name].trace
        if dialect is not None and name in found:
            sections.append(_traces(network, activity, name, dialect, samples))
    _, errors = loss.of_steps(activity.outputs, targets)
    symbol = "∂L/∂o" if network.readout != "spiking" else "∂L/∂s"
    rows = _rows(samples, lambda b: quantities.output_error_rows(network, errors, symbol, b))
    sections.append(Section(f"the loss {loss.formula}, at the outputs", "output error", rows))
    for name, sums in found.items():
        sections += _of_method(network, inputs, name, sums, samples, _say(network))
    losses = {name: _loss_of(network, activity, inputs, targets, loss, name) for name in found}
    for k, section in enumerate(sections):
        if section.kind == "gradients":
            title = f"{section.title} (loss {_say(network)(losses[str(section.method)])})"
            sections[k] = Section(title, section.kind, section.rows, section.method, section.note)
    return Board(
        _heading(network, inputs, targets), network.exact_numbers, len(inputs), tuple(sections), losses, refused
    )


def _all_sums(network, activity, inputs, targets, loss, methods):
    """The GradientSum of each method that takes the network, and why the others do not."""
    found, refused = {}, {}
    for name in methods:
        try:
            found[name] = METHODS[name].sums(network, activity, inputs, targets, loss)
        except (TypeError, ValueError, ConvergenceError) as error:
            refused[name] = " ".join(str(error).split())
    return found, refused


def _loss_of(network, activity, inputs, targets, loss, name):
    if name != "sr":
        return loss.of_steps(activity.outputs, targets)[0]
    rates, _ = quantities.spike_representation.rates_of(network, inputs, "measured")
    return loss.of_rates(quantities.spike_representation.rate_outputs(network, rates), targets)[0]


def _rows(samples: int, of_sample: Callable[[int], Iterable[quantities.Row]]) -> tuple[Row, ...]:
    """The rows of every sample; their number is a part of the name where there are several."""
    result = []
    for b in range(samples):
        end = f"  sample {b + 1}" if samples > 1 else ""
        result += [Row(f"{name}{end}", tuple(values)) for name, values in of_sample(b)]
    return tuple(result)


def _traces(network, activity, name, dialect, samples):
    found, constants = quantities.traces_of(network, activity, dialect)
    rows = []
    for connection in network.connections:
        for paired in found.get(connection.name, ()):
            of_connection = _rows(
                samples,
                lambda b, c=connection, trace=paired.values: quantities.trace_rows(c, trace, b),
            )
            rows += [Row(f"{row.name} into {paired.said(connection.name)}", row.values) for row in of_connection]
    for l, layer in enumerate(network.layer_names):
        for paired in constants.get(l, ()):
            rows.append(Row(f"trace of 1 into {paired.said(layer)}", tuple(paired.values)))
        rows += _rows(samples, lambda b, l=l: quantities.eligibility_rows(network, activity, l, b))
    return Section(f"what {METHODS[name].title} pairs errors with", "traces", tuple(rows), name)


def _of_method(network, inputs, name, sums, samples, say):
    """The sections of a method's errors and gradients."""
    method = METHODS[name]
    sections = []
    if name == "sr":
        lines = [quantities.rates_text(network, inputs, sums.errors, b, say) for b in range(samples)]
        sections.append(Section("rates and errors of SR", "rates", (), name, "\n".join(lines)))
    elif sums.errors is not None:
        rows = _rows(samples, lambda b: quantities.error_rows(method, sums.errors, b))
        sections.append(Section(f"errors of {method.title}", "errors", rows, name))
    rows = []
    names = _entry_names(network)
    for parameter, total in sums.values.items():
        for index in np.ndindex(total.shape):
            terms = tuple(term[index] for term in sums.terms[parameter])
            rows.append(Row(names[parameter](index), () if name == "sr" else terms, total[index]))
    sections.append(Section(f"gradients of {method.title}", "gradients", tuple(rows), name))
    return sections


def _entry_names(network):
    """By parameter, what names an entry of it."""
    names = {
        parameter: quantities.entry_name(connection, parameter, network.parameters[parameter].shape)
        for connection in network.connections
        for parameter in connection.parameters
    }
    for parameter in network.parameters:
        names.setdefault(parameter, lambda index, parameter=parameter: f"{parameter}[{', '.join(map(str, index))}]")
    return names


def _heading(network, inputs, targets):
    say = _say(network)
    sizes = "-".join("x".join(map(str, shape)) for shape in (network.input_shape, *network.shapes))
    numbers = "fractions, exact" if network.exact_numbers else str(network.dtype)
    lines = [f"network {sizes}, readout {network.readout}; numbers: {numbers}"]
    names = _entry_names(network)
    for parameter, value in network.parameters.items():
        symbol = names[parameter]((0,) * value.ndim).partition("[")[0].rstrip("₀₁₂₃₄₅₆₇₈₉,")
        rows = value.reshape(len(value), -1) if value.ndim > 1 else [value]
        shown = quantities.rows_text(rows, say) if value.size <= LARGEST_STEPS else f"{value.size} numbers"
        lines.append(f"{symbol} = {parameter} = {shown}" if symbol != parameter else f"{parameter} = {shown}")
    if targets.ndim == 2:
        return (*lines, f"targets y = {_targets_text(targets, say)}")
    return (*lines, *(f"targets y[{t + 1}] = {_targets_text(rows, say)}" for t, rows in enumerate(targets)))


def _targets_text(rows, say):
    return ", ".join(quantities.row_text(row.reshape(-1), say) for row in rows)


def _neuron_text(network, l):
    neuron = network.layers[l].neuron
    text = repr(neuron)
    for name, value in getattr(neuron, "array_settings", {}).items():
        if value.shape != (1,):
            text = text.replace(f"{name}=array {describe_shape(value.shape)}", f"{name}={value.tolist()}")
    return re.sub(r"Fraction\((-?\d+), (\d+)\)", lambda found: str(Fraction(int(found[1]), int(found[2]))), text)


def _say(network):
    """What writes a number: fractions and whole numbers as they are, floats with six digits."""
    if network.exact_numbers:
        return str
    return lambda number: str(number) if isinstance(number, Fraction) else f"{float(number):.6g}"


def as_text(board: Board) -> str:
    """The table as aligned lines, a column for each time step."""
    say = str if board.exact else (lambda number: f"{float(number):.6g}")
    lines: list[tuple[str, list[str]] | str] = [*board.heading, ""]
    lines.append(("", [f"t = {t + 1}" for t in range(board.time_steps)] + ["sum"]))
    for section in board.sections:
        lines += ["", section.title]
        lines += [f"  {line}" for line in section.note.splitlines()]
        for row in section.rows:
            cells = [say(value) for value in row.values] or [""] * board.time_steps
            lines.append((f"  {row.name}", cells + ([] if row.total is None else [say(row.total)])))
    for name, reason in board.refused.items():
        lines += ["", f"{METHODS[name].title}: not for this network: {reason}"]
    return "\n".join(_aligned(lines, board.time_steps + 1))


def _aligned(lines, columns):
    table = [line for line in lines if not isinstance(line, str)]
    first = max(len(name) for name, _ in table)
    widths = [max((len(cells[k]) for _, cells in table if k < len(cells)), default=0) for k in range(columns)]
    for line in lines:
        if isinstance(line, str):
            yield line
            continue
        name, cells = line
        yield "  ".join([name.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, widths))]).rstrip()


def as_data(board: Board) -> dict:
    """The same as plain data: fractions as texts, "1/3", floats and whole numbers as numbers."""
    return {
        "heading": list(board.heading),
        "numbers": "fractions" if board.exact else "floats",
        "time_steps": board.time_steps,
        "sections": [
            {
                "title": section.title,
                "kind": section.kind,
                "method": section.method,
                **({"note": section.note.splitlines()} if section.note else {}),
                "rows": [_row_data(row) for row in section.rows],
            }
            for section in board.sections
        ],
        "losses": {name: _plain(value) for name, value in board.losses.items()},
        "refused": board.refused,
    }


def _row_data(row):
    total = {} if row.total is None else {"sum": _plain(row.total)}
    return {"name": row.name, "values": [_plain(value) for value in row.values], **total}


def _plain(number):
    if isinstance(number, Fraction):
        return str(number)
    return int(number) if isinstance(number, int | np.integer) else float(number)
