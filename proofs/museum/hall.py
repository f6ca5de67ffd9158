"""The exhibits as a lecturer writes them on a blackboard: every potential, spike, trace, error and gradient."""

import numpy as np
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ottt_ref.blackboard import quantities
from ottt_ref.blackboard.quantities import METHODS, row_text, rows_text, superscript

from ..claim import Refuted
from .exhibit import RATES, TITLES


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
    weights = [f"w{superscript(l)} = {rows_text(rows)}" for l, rows in enumerate(exhibit.weights)]
    loops = [f"w_rec{superscript(target)} = {rows_text(rows)}" for _, target, rows in exhibit.loops]
    numbers = ", ".join([*weights, *loops])
    inputs = ", ".join(row_text(row) for row in exhibit.inputs)
    kind = "" if exhibit.readout == "spiking" else f", {exhibit.readout} readout"
    kind += ", soft spikes: the primitive of ψ for H" if exhibit.soft else ""
    text = f"{sizes}{kind}, λ = {exhibit.decay}, V_th = 1, reset {exhibit.reset}, {numbers}, "
    text += f"x[1..{len(exhibit.inputs)}] = {inputs}"
    if not exhibit.methods:
        return text
    output = "o" if exhibit.readout == "linear" else "s"
    return f"{text}, y = {row_text(exhibit.targets)}; ψ(z) = max(0, 1 - |z|), loss ½ |{output} - y|² per step"


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
    for l in range(len(network.layers)):
        yield from quantities.layer_rows(network, activity, l, psi=bool(exhibit.methods))
        if l == exhibit.layer and exhibit.methods:
            into = network.incoming(l)[0]
            traces, _ = quantities.traces_of(network, activity, "derivation")
            yield f"trace of {quantities.source_name(into.source)}", traces[into.name][0].values[:, 0, 0]


def _error_rows(exhibit):
    errors = exhibit.activity.outputs - np.array(exhibit.targets, dtype=object)
    output = "o" if exhibit.readout == "linear" else "s"
    yield from quantities.output_error_rows(exhibit.network, errors, f"{output} - y")
    for method in exhibit.methods:
        if method != "sr":
            for name, values in quantities.error_rows(METHODS[method], exhibit.sums(method).errors):
                yield f"{name}  {METHODS[method].title}", values


def rates_text(exhibit):
    """What SR sees: rates, the mapping's arguments, where it passes errors, and the errors."""
    return quantities.rates_text(exhibit.network, exhibit.input_array, exhibit.sums("sr").errors)


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
    added = quantities.sum_text(terms, sums.values[exhibit.parameter][0, 0])
    return f"∇w{superscript(exhibit.layer)} of {TITLES[name]}: {added}"


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
