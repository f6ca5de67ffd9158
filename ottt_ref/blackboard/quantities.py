"""Every quantity of a small network by time step, by the name that it has on a blackboard.

u¹₂ is the potential of the second neuron of the first layer; s spikes, ψ surrogate derivatives, o outputs of a readout;
δ is BPTT's error at a potential, g that of OTTT and SLTT, p that of SR. Layers and neurons are counted from 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np

from ..annotations import Number
from ..learning.losses import Loss, sequence_loss, step_loss
from ..methods import Traces, bptt, ottt, rtrl, sltt, spike_representation
from ..methods.shared.gradients import GradientSum
from ..methods.shared.traces import Dialect, ParameterTraces
from ..network.layers import INPUTS, Connection
from ..network.network import Network
from ..simulation.simulator import Activity, input_current

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
Total = Number | np.floating
Row = tuple[str, np.ndarray]  # a name, and the values by time step, [T]


def superscript(l: int) -> str:
    """The number of a layer, counted from 1, and of the inputs, -1.

    >>> superscript(0), superscript(11), superscript(-1)
    ('¹', '¹²', '⁰')
    """
    return str(l + 1).translate(SUPERSCRIPTS)


def subscript(*indices: int) -> str:
    """The numbers of neurons, counted from 1; with commas where one of them has two digits.

    >>> subscript(0, 1), subscript(0, 9)
    ('₁₂', '₁,₁₀')
    """
    numbers = [str(index + 1).translate(SUBSCRIPTS) for index in indices]
    return ("," if any(index > 8 for index in indices) else "").join(numbers)


def mark(l: int, i: int, neurons: int) -> str:
    """What follows a quantity of neuron i of layer l: the layer, and the neuron where it is not the only one.

    >>> mark(0, 1, 3), mark(0, 0, 1)
    ('¹₂', '¹')
    """
    return superscript(l) + (subscript(i) if neurons > 1 else "")


@dataclass(frozen=True)
class BoardLoss:
    """The loss: its formula, and (loss, ∂L/∂o) of outputs [T, B, C] by time step, and of the rates' outputs [B, C]."""

    formula: str
    of_steps: Callable[[np.ndarray, np.ndarray], tuple[Total, np.ndarray]]
    of_rates: Callable[[np.ndarray, np.ndarray], tuple[Total, np.ndarray]]


def _half_squares(outputs, targets):
    differences = outputs - targets
    return (differences * differences).sum() / 2, differences


#: ½ |o[t] - y|² at each time step, added up over time and samples; for SR ½ |o - y|² of the rates.
HALF_SQUARES = BoardLoss("Σ_t ½ |o[t] - y|²", _half_squares, _half_squares)


def mean_loss(loss: Loss) -> BoardLoss:
    """The loss of `gradients`: Σ_t ℓ(o[t], y) / T, the mean over the batch; for SR ℓ of the rates.

    >>> import ottt_ref as ot
    >>> mean_loss(ot.losses.Mixed()).formula
    'Σ_t ℓ(o[t], y) / T, ℓ = Mixed(mse_weight=0.05)'
    """
    return BoardLoss(
        f"Σ_t ℓ(o[t], y) / T, ℓ = {loss!r}",
        lambda outputs, targets: sequence_loss(loss, outputs, targets),
        lambda outputs, targets: step_loss(loss, outputs, targets, 1),
    )


@dataclass(frozen=True)
class Method:
    """A method on a blackboard: its name there, and its errors' symbol.

    sums   (network, activity, inputs, targets, BoardLoss) → GradientSum with terms and errors
    trace  the dialect of the traces that it pairs errors with, None for a method without
    """

    title: str
    symbol: str
    sums: Callable[[Network, Activity, np.ndarray, np.ndarray, BoardLoss], GradientSum]
    trace: Dialect | None = None


def _over_steps(algebra, **options):
    def sums(network, activity, inputs, targets, loss):
        return algebra(network, activity, loss.of_steps(activity.outputs, targets)[1], terms=True, **options)

    return sums


def _over_rates(network, activity, inputs, targets, loss):
    if targets.ndim == 3:
        raise ValueError("targets must be one for each sample for spike_representation, one loss of the rates")
    rates, _ = spike_representation.rates_of(network, inputs, "measured")
    _, error = loss.of_rates(spike_representation.rate_outputs(network, rates), targets)
    return spike_representation.backward(network, rates, error, terms=True)


METHODS = {
    "bptt": Method("BPTT, reset detached", "δ", _over_steps(bptt.backward)),
    "bptt-kept": Method("BPTT, reset kept", "δ", _over_steps(bptt.backward, reset_gradient="kept")),
    "rtrl": Method("RTRL, reset detached", "", _over_steps(rtrl.accumulate)),
    "ottt": Method("OTTT", "g", _over_steps(ottt.accumulate), "derivation"),
    "ottt-authors": Method("OTTT, authors' dialect", "g", _over_steps(ottt.accumulate, dialect="authors"), "authors"),
    "sltt": Method("SLTT", "g", _over_steps(sltt.accumulate)),
    "sr": Method("SR", "p", _over_rates),
}


def rows_of(array: np.ndarray, sample: int) -> Iterator[tuple[int, np.ndarray]]:
    """(i, values by time step) of each neuron of a sample, of an array [T, B, ...].

    >>> list(rows_of(np.zeros((2, 1, 1)), 0))
    [(0, array([0., 0.]))]
    """
    flat = array.reshape(len(array), array.shape[1], -1)
    for i in range(flat.shape[2]):
        yield i, flat[:, sample, i]


def input_rows(activity: Activity, sample: int = 0) -> Iterator[Row]:
    """x of each input."""
    count = int(np.prod(activity.inputs.shape[2:]))
    for i, values in rows_of(activity.inputs, sample):
        yield f"x{subscript(i) if count > 1 else ''}", values


def layer_rows(network: Network, activity: Activity, l: int, sample: int = 0, psi: bool = True) -> Iterator[Row]:
    """u, s and, with `psi`, ψ of each neuron of a layer; of one that does not spike its output o.

    >>> import ottt_ref as ot
    >>> network = ot.Network([ot.Layer(ot.Dense(ot.exact_array([[0.75]])), ot.LIF(surrogate=ot.surrogate.Triangle()))])
    >>> for name, values in layer_rows(network, ot.simulate(network, ot.exact_array([[[1]], [[1]]])), 0):
    ...     print(name, *values)
    u¹ 3/4 9/8
    s¹ 0 1
    ψ¹ 3/4 7/8
    """
    neuron, shape = network.layers[l].neuron, network.shapes[l]
    states, outputs = activity.layer_states[l], activity.layer_outputs[l]
    derivatives = activity.layer_surrogate_derivatives
    flat = [dict(rows_of(state, sample)) for state in states]
    for i, spikes in rows_of(outputs, sample):
        place = mark(l, i, int(np.prod(shape)))
        if not neuron.spiking:
            yield f"o{place}", spikes
            continue
        yield f"u{place}", flat[0][i]
        for name, values in zip(neuron.states[1:], flat[1:]):
            yield f"{name}{place}", values[i]
        yield f"s{place}", spikes
        if psi and derivatives is not None:
            yield f"ψ{place}", dict(rows_of(derivatives[l], sample))[i]


@dataclass(frozen=True)
class Paired:
    """What errors at some neurons of a layer are paired with, by time step.

    neurons  their numbers, counted from 0; None for all neurons of the layer
    values   a trace [T, B, ...], or what stands for the biases' input 1, [T]
    """

    neurons: tuple[int, ...] | None
    values: np.ndarray

    def said(self, name: str) -> str:
        """The name of a layer or connection, with the neurons where they are not all.

        >>> Paired((0, 1, 4), np.zeros(3)).said("layer0"), Paired(None, np.zeros(3)).said("layer0")
        ('layer0, neurons 1, 2, 5', 'layer0')
        """
        if self.neurons is None:
            return name
        word = "neuron" if len(self.neurons) == 1 else "neurons"
        return f"{name}, {word} {', '.join(str(i + 1) for i in self.neurons)}"


def traces_of(
    network: Network, activity: Activity, dialect: Dialect
) -> tuple[dict[str, list[Paired]], dict[int, list[Paired]]]:
    """What OTTT pairs errors with: by the name of each connection with parameters; by layer what stands for a bias's 1.

    Into neurons of several decays there is a trace for each decay.

    >>> import ottt_ref as ot
    >>> network = ot.dense_network([1, 2, 1], decay=np.array([0.5, 0.0]), rng=0)
    >>> traces, constants = traces_of(network, ot.simulate(network, np.ones((3, 1, 1))), "derivation")
    >>> for each in traces["layer0"]:
    ...     print(each.neurons, each.values.ravel().tolist())
    (0,) [1.0, 1.5, 1.75]
    (1,) [1.0, 1.0, 1.0]
    >>> [each.said("layer0") for each in constants[0]]
    ['layer0, neuron 1', 'layer0, neuron 2']
    """
    traces = Traces(network, activity.inputs.shape[1], dialect)
    traced = [connection for connection in network.connections if connection.parameters]
    ones = {c.name: np.full((activity.inputs.shape[1], *network.shapes[c.target]), network.number(1)) for c in traced}
    neurons: dict[str, list] = {}
    found: dict[str, list[list[np.ndarray]]] = {connection.name: [] for connection in traced}
    constants: dict[str, list[list[np.ndarray]]] = {connection.name: [] for connection in traced}
    for t in range(activity.time_steps):
        traces.update(activity.at(t))
        for name, connection in ((connection.name, connection) for connection in traced):
            pairs = list(traces.pairs(connection, ones[name]))
            neurons[name] = [_those(own[0]) if len(pairs) > 1 else None for own, _, _ in pairs]
            found[name].append([trace.copy() for _, trace, _ in pairs])
            constants[name].append([constant[0] for _, _, constant in pairs])
    by_layer: dict[int, list[Paired]] = {}
    for connection in traced:
        if len(by_layer.get(connection.target, ())) < len(neurons[connection.name]):
            by_layer[connection.target] = _paired(neurons[connection.name], constants[connection.name])
    return {name: _paired(neurons[name], steps) for name, steps in found.items()}, by_layer


def _those(error):
    return tuple(int(i) for i in np.flatnonzero(error.reshape(-1) != 0))


def _paired(neurons, steps):
    return [Paired(some, np.array([step[g] for step in steps])) for g, some in enumerate(neurons)]


def eligibility_rows(network: Network, activity: Activity, l: int, sample: int = 0) -> Iterator[Row]:
    """What OTTT pairs the errors of layer l with for each number that its neurons learn: ∂z[t]/∂θ, z = u - V_th.

    >>> import ottt_ref as ot
    >>> network = ot.Network([ot.Layer(ot.Dense(np.array([[0.5]])), ot.LIF(0.5, trainable=("decay",)))])
    >>> for name, values in eligibility_rows(network, ot.simulate(network, np.ones((3, 1, 1))), 0):
    ...     print(name, values.tolist())
    ∂z¹/∂decay [0.0, 0.5, 1.0]
    """
    traces = ParameterTraces(network, activity.inputs.shape[1], traced=True)
    names = network.layers[l].neuron.parameter_names
    found: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for t in range(activity.time_steps):
        traces.update(activity.at(t))
        for name in names:
            found[name].append(traces.sensitivity(l, name).copy())
    for name, values in found.items():
        for i, row in rows_of(np.array(values), sample):
            yield f"∂z{mark(l, i, int(np.prod(network.shapes[l])))}/∂{name}", row


def source_name(source: int) -> str:
    """What a connection delivers: x, or s of a layer.

    >>> source_name(-1), source_name(0)
    ('x', 's¹')
    """
    return "x" if source == INPUTS else f"s{superscript(source)}"


def trace_rows(connection: Connection, trace: np.ndarray, sample: int = 0) -> Iterator[Row]:
    """The trace [T, B, ...] of what each neuron sends into a connection."""
    count = int(np.prod(trace.shape[2:]))
    for j, values in rows_of(trace, sample):
        yield f"trace of {source_name(connection.source)}{subscript(j) if count > 1 else ''}", values


def output_error_rows(network: Network, errors: np.ndarray, symbol: str, sample: int = 0) -> Iterator[Row]:
    """∂L/∂o of each output, by that symbol."""
    for i, values in rows_of(errors, sample):
        yield f"{symbol}{subscript(i) if network.output_size > 1 else ''}", values


def error_rows(method: Method, errors: Iterable[np.ndarray], sample: int = 0) -> Iterator[Row]:
    """A method's errors at the potentials of each layer."""
    for l, error in enumerate(errors):
        count = int(np.prod(error.shape[2:]))
        for i, values in rows_of(error, sample):
            yield f"{method.symbol}{mark(l, i, count)}", values


def rates_text(
    network: Network, inputs: np.ndarray, errors: Sequence[np.ndarray], sample: int = 0, say: Callable = str
) -> str:
    """What SR sees: rates, the mapping's arguments in thresholds, where it passes errors, and the errors."""
    rates, _ = spike_representation.rates_of(network, inputs, "measured")

    def row(array):
        return row_text(array[sample].reshape(-1), say)

    parts = [f"a⁰ = {row(rates[0])}"]
    for l in range(len(network.layers)):
        current = input_current(network, l, lambda c: rates[c.source + 1])
        place, error = superscript(l), row(errors[l][0])
        if not network.layers[l].neuron.spiking:
            parts.append(f"z{place} = {row(current)}, p{place} = {error}")
            continue
        z = current / network.threshold(l)
        passes = [Fraction(int(0 < value < 1)) for value in z[sample].reshape(-1)]
        parts.append(
            f"a{place} = {row(rates[l + 1])}, z{place} = {row(z)}, D{place} = {row_text(passes, str)}, "
            f"D p{place} = {error}"
        )
    return "SR, of the rates: " + "; ".join(parts)


def sum_text(terms: Sequence[Number], total: Number, say: Callable = str) -> str:
    """A gradient as the sum of what each time step adds.

    >>> sum_text([1, -2], -1), sum_text([3], 3)
    ('1 + (-2) = -1', '3')
    """
    if len(terms) == 1:
        return str(say(total))
    added = " + ".join(f"({say(term)})" if term < 0 else say(term) for term in terms)
    return f"{added} = {say(total)}"


def row_text(numbers: Iterable[Number], say: Callable = str) -> str:
    """Some numbers in brackets, or the only one.

    >>> row_text([1, 2]), row_text([1])
    ('(1, 2)', '1')
    """
    texts = [say(number) for number in numbers]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def rows_text(rows: Sequence[Sequence[Number]], say: Callable = str) -> str:
    """A matrix by its rows; a column as if it were one row.

    >>> rows_text([[1, 2], [3, 4]]), rows_text([[1], [2]])
    ('(1, 2), (3, 4)', '(1, 2)')
    """
    if all(len(row) == 1 for row in rows):
        return row_text((row[0] for row in rows), say)
    return ", ".join(row_text(row, say) for row in rows)


def entry_name(connection: Connection, parameter: str, shape: Sequence[int]) -> Callable[[tuple[int, ...]], str]:
    """What names an entry of a connection's parameter: w¹₂₁ is into neuron 2 of layer 1 from neuron 1, b¹₂ its bias.

    >>> import ottt_ref as ot
    >>> network = ot.dense_network([2, 3, 2], rng=0)
    >>> name = entry_name(network.connections[0], "layer0.weight", (3, 2))
    >>> name((1, 0))
    'w¹₂₁'
    """
    last = parameter.rpartition(".")[2]
    if (last, len(shape)) not in (("weight", 2), ("bias", 1)):
        return partial(_by_code, parameter)
    _, _, kind = connection.name.partition(".")
    symbol = "w" if last == "weight" else "b"
    place = superscript(connection.target)
    if kind:
        word = "rec" if kind == "recurrent" else kind.rstrip("-0123456789")
        start = "" if word == "rec" else f"{superscript(connection.source)}→"
        symbol, place = f"{symbol}_{word}", start + place
    return lambda index: f"{symbol}{place}{subscript(*index) if any(n > 1 for n in shape) else ''}"


def _by_code(parameter, index):
    return f"{parameter}[{', '.join(map(str, index))}]"
