"""The exhibits as a lecturer writes them on a blackboard: every potential, spike, trace, error and gradient."""

from fractions import Fraction

import numpy as np
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ottt_ref import spike_representation
from ottt_ref.methods.shared.traces import Traces
from ottt_ref.simulation.simulator import input_current

from ..claim import Refuted
from .exhibit import METHODS, RATES, TITLES

SUPERSCRIPTS = "¹²³⁴⁵"
SUBSCRIPTS = "₁₂₃₄₅"


def panel(exhibit):
    """Everything about one exhibit."""
    parts = [Text(heading(exhibit), "bold"), Text(network_text(exhibit)), steps_table(exhibit)]
    parts += [Text(line) for line in conclusions(exhibit)]
    parts.append(Text(exhibit.search, "dim"))
    return Panel(Group(*parts), title=exhibit.name, title_align="left")


def heading(exhibit):
    """What fails without which hypothesis."""
    return f"{exhibit.theorem} without '{exhibit.dropped}': {exhibit.says}."


def conclusions(exhibit):
    """What comes out, line by line: rates, the two quantities, and how they stand to each other."""
    both = (exhibit.left, exhibit.right)
    lines = [rates_text(exhibit)] if "sr" in both else []
    lines += [sums_text(exhibit)] if any(name in RATES for name in both) else []
    lines += [value_text(exhibit, name) for name in both]
    relation = exhibit.relation if "first" in exhibit.relation else f"they {exhibit.relation}"
    return [*lines, f"{relation[0].upper()}{relation[1:]}."]


def network_text(exhibit):
    """The network, its inputs and targets, in a line."""
    sizes = "-".join(map(str, (exhibit.network.input_size, *(shape[0] for shape in exhibit.network.shapes))))
    weights = [f"w{SUPERSCRIPTS[l]} = {_rows(rows)}" for l, rows in enumerate(exhibit.weights)]
    loops = [f"w_rec{SUPERSCRIPTS[target]} = {_rows(rows)}" for _, target, rows in exhibit.loops]
    numbers = ", ".join([*weights, *loops])
    inputs = ", ".join(_row(row) for row in exhibit.inputs)
    kind = "" if exhibit.readout == "spiking" else f", {exhibit.readout} readout"
    kind += ", soft spikes: the primitive of ψ for H" if exhibit.soft else ""
    text = f"{sizes}{kind}, λ = {exhibit.decay}, V_th = 1, reset {exhibit.reset}, {numbers}, "
    text += f"x[1..{len(exhibit.inputs)}] = {inputs}"
    if not exhibit.methods:
        return text
    output = "o" if exhibit.readout == "linear" else "s"
    return f"{text}, y = {_row(exhibit.targets)}; ψ(z) = max(0, 1 - |z|), loss ½ |{output} - y|² per step"


def steps_table(exhibit):
    """One row per quantity, one column per time step."""
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for t in range(exhibit.activity.time_steps):
        table.add_column(f"t = {t + 1}", justify="right")
    for name, values in steps(exhibit):
        table.add_row(name, *values)
    return table


def steps(exhibit):
    """Every quantity by time step: its name on a blackboard, and its values as text."""
    rows = [*_layer_rows(exhibit)]
    if exhibit.methods:
        rows += [*_error_rows(exhibit)]
    return [(name, [str(value) for value in values]) for name, values in rows]


def _layer_rows(exhibit):
    network, activity = exhibit.network, exhibit.activity
    for l, shape in enumerate(network.shapes):
        for i in range(shape[0]):
            mark = _mark(l, i, shape[0])
            if not network.layers[l].neuron.spiking:
                yield f"o{mark}", activity.layer_outputs[l][:, 0, i]
                continue
            yield f"u{mark}", activity.layer_potentials[l][:, 0, i]
            yield f"s{mark}", activity.layer_outputs[l][:, 0, i]
            if exhibit.methods:
                yield f"ψ{mark}", activity.layer_surrogate_derivatives[l][:, 0, i]
        if l == exhibit.layer and exhibit.methods:
            yield "trace of x" if l == 0 else f"trace of s{SUPERSCRIPTS[l - 1]}", _traces(exhibit)[:, 0]


def _error_rows(exhibit):
    errors = exhibit.activity.outputs - np.array(exhibit.targets, dtype=object)
    output = "o" if exhibit.readout == "linear" else "s"
    for i in range(errors.shape[2]):
        yield f"{output} - y{SUBSCRIPTS[i] if errors.shape[2] > 1 else ''}", errors[:, 0, i]
    for method in exhibit.methods:
        if method != "sr":
            for l, error in enumerate(exhibit.sums(method).errors):
                for i in range(error.shape[2]):
                    name = f"{METHODS[method].symbol}{_mark(l, i, error.shape[2])}  {METHODS[method].title}"
                    yield name, error[:, 0, i]


def _mark(l, i, neurons):
    return SUPERSCRIPTS[l] + (SUBSCRIPTS[i] if neurons > 1 else "")


def _traces(exhibit):
    traces = Traces(exhibit.network, 1, "derivation")
    into = exhibit.network.incoming(exhibit.layer)[0]
    rows = []
    for t in range(exhibit.activity.time_steps):
        traces.update(exhibit.activity.at(t))
        rows.append(traces.presynaptic(into)[0].copy())
    return np.array(rows)


def rates_text(exhibit):
    """What SR sees: rates, the mapping's arguments, where it passes errors, and the errors."""
    network = exhibit.network
    rates, _ = spike_representation.rates_of(network, exhibit.input_array, "measured")
    errors = exhibit.sums("sr").errors
    parts = [f"a⁰ = {_row(rates[0][0])}"]
    for l in range(len(network.layers)):
        z = input_current(network, l, lambda c: rates[c.source + 1])[0]
        passes = tuple(Fraction(int(0 < value < 1)) for value in z)
        mark = SUPERSCRIPTS[l]
        parts.append(
            f"a{mark} = {_row(rates[l + 1][0])}, z{mark} = {_row(z)}, D{mark} = {_row(passes)}, "
            f"D p{mark} = {_row(errors[l][0, 0])}"
        )
    return "SR, of the rates: " + "; ".join(parts)


def sums_text(exhibit):
    """The sums that R1 and R2 are about, of the first neuron."""
    sums = exhibit.rates
    return f"a[T] = {sums.rate}, x̄[T] = {sums.current}, v[T] = {sums.left}, Λ_T = {sums.normaliser}"


def value_text(exhibit, name):
    """One of the two quantities; a method's gradient as the sum of its terms."""
    if name not in METHODS:
        return f"{TITLES[name]} = {exhibit.value(name)}"
    sums = exhibit.sums(name)
    terms = [term[0, 0] for term in sums.terms[exhibit.parameter]]
    total = sums.values[exhibit.parameter][0, 0]
    added = " + ".join(f"({term})" if term < 0 else str(term) for term in terms)
    symbol = f"∇w{SUPERSCRIPTS[exhibit.layer]} of {TITLES[name]}"
    return f"{symbol}: {added} = {total}" if len(terms) > 1 else f"{symbol}: {total}"


def show(exhibits, console):
    """Print each exhibit after an exact check; the names of those that do not stand."""
    fallen = []
    for exhibit in exhibits:
        try:
            exhibit.check()
        except Refuted as refuted:
            console.print(Text(f"{exhibit.name} does not stand: {refuted}", "bold red"))
            fallen.append(exhibit.name)
        else:
            console.print(panel(exhibit))
    return fallen


def _row(numbers):
    numbers = list(numbers)
    return str(numbers[0]) if len(numbers) == 1 else "(" + ", ".join(map(str, numbers)) + ")"


def _rows(rows):
    return _row(row[0] for row in rows) if all(len(row) == 1 for row in rows) else ", ".join(_row(row) for row in rows)
