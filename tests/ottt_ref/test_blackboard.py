"""`ottt-ref blackboard`: everything in a small network, against plain loops; networks written by hand; refusals."""

import json
import os
from fractions import Fraction as F
from pathlib import Path

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import cli
from ottt_ref.blackboard import board, description, quantities
from ottt_ref.cli.gradients import LOSSES
from ottt_ref.cli.network import SURROGATES
from tests import oracles
from tests.pages import ROOT

from ..selection import slow
from .general import KINDS, case

EXAMPLE = json.loads(description.EXAMPLE)
ORACLES = {
    "bptt": ("bptt", {}),
    "bptt-kept": ("bptt", {"reset_gradient": "kept"}),
    "rtrl": ("rtrl", {}),
    "ottt": ("ottt", {}),
    "ottt-authors": ("ottt", {"dialect": "authors"}),
    "sltt": ("sltt", {}),
    "sr": ("spike_representation", {}),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blackboard(*arguments):
    return cli.main(["blackboard", *map(str, arguments)])


def write(name="net.json", **changes):
    """The example with changes, in a file; None takes a field away."""
    content = {key: value for key, value in {**EXAMPLE, **changes}.items() if value is not None}
    Path(name).write_text(json.dumps(content), encoding="utf-8")
    return name


def made(**changes):
    """The description of the example with changes, and its Board."""
    found = description.read(write(**changes))
    return found, board.make(found.network, found.inputs, found.targets, found.loss)


def sections(table, kind, method=None):
    return [section for section in table.sections if section.kind == kind and section.method == method]


def rows(table, kind, method=None):
    """By name, the rows of sections of a kind."""
    return {row.name: row for section in sections(table, kind, method) for row in section.rows}


def refused(capsys, *arguments):
    """The line of a command that could not be carried out."""
    assert blackboard(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("ottt-ref: error: ") and err.count("\n") == 1
    return err.removeprefix("ottt-ref: error: ").rstrip()


READOUTS = ("linear", "leaky", "spiking")


@pytest.mark.parametrize("reset", ["soft", "hard", "unleaked"])
@pytest.mark.parametrize("readout", READOUTS)
def test_everything_in_the_table_is_what_plain_loops_compute(readout, reset):
    found, table = made(readout=readout, reset=reset, reset_potential="-1/4")
    layers, x, y = oracles.plain_layers(found.network), found.inputs[:, 0].tolist(), found.targets[0].tolist()
    steps = oracles.simulate(layers, x)
    forward = rows(table, "layer")
    for l, size in enumerate((2, 1)):
        for i in range(size):
            place = quantities.mark(l, i, size)
            if found.network.layers[l].neuron.spiking:
                assert forward[f"u{place}"].values == tuple(step.potentials[l][i] for step in steps)
                assert forward[f"s{place}"].values == tuple(step.outputs[l][i] for step in steps)
                assert forward[f"ψ{place}"].values == tuple(step.psis[l][i] for step in steps)
            else:
                assert forward[f"o{place}"].values == tuple(step.outputs[l][i] for step in steps)
    time_steps = len(x)
    for name, (oracle, options) in ORACLES.items():
        sample = oracles.METHODS[oracle](layers, x, y, oracles.half_squared_distance, **options)
        scale = 1 if name == "sr" else time_steps  # the oracle's loss is the mean over the steps
        gradients = rows(table, "gradients", name)
        for l, (weight, bias) in enumerate(sample.gradients):
            for i, row in enumerate(weight):
                for j, value in enumerate(row):
                    symbol = f"w{quantities.superscript(l)}{quantities.subscript(i, j)}"
                    assert gradients[symbol].total == value * scale, (name, symbol)
                symbol = f"b{quantities.superscript(l)}{quantities.subscript(i) if len(weight) > 1 else ''}"
                assert gradients[symbol].total == bias[i] * scale
        assert table.losses[name] == sample.loss * scale
        for row in gradients.values():
            assert name == "sr" or (sum(row.values) == row.total and len(row.values) == time_steps)
            assert all(isinstance(value, F | int) for value in (*row.values, row.total))
        if sample.errors is not None and name != "sr":
            errors = rows(table, "errors", name)
            for t, step in enumerate(sample.errors):
                for l, size in enumerate((2, 1)):
                    for i in range(size):
                        symbol = f"{quantities.METHODS[name].symbol}{quantities.mark(l, i, size)}"
                        assert errors[symbol].values[t] == step[l][i] * scale
    assert any(row.total for row in rows(table, "gradients", "ottt").values())


def test_a_gradient_is_the_sum_of_errors_times_traces_as_they_stand_in_the_table():
    """What a lecturer does with the table: g[t] â[t], step by step."""
    _, table = made()
    for name, dialect in (("ottt", "ottt"), ("ottt-authors", "ottt-authors")):
        traces, errors = rows(table, "traces", dialect), rows(table, "errors", name)
        gradients = rows(table, "gradients", name)
        pairs = [("w¹₂₁", "g¹₂", "trace of x₁ into layer0"), ("b¹₁", "g¹₁", "trace of 1 into layer0")]
        for entry, error, trace in [*pairs, ("w²₁₂", "g²", "trace of s¹₂ into readout")]:
            terms = tuple(g * a for g, a in zip(errors[error].values, traces[trace].values))
            assert gradients[entry].values == terms and gradients[entry].total == sum(terms)


def own_numbers(kind):
    """Two neurons of two decays, with numbers that they learn, and a readout of both."""
    rng = np.random.default_rng(4)
    first = kind(decay=np.array([0.5, 0.75]), trainable=kind.learnable)
    layers = [(rng.normal(0.5, 1, (2, 2)), first), (rng.normal(0, 1, (2, 2)), ot.Integrator())]
    return ot.Network([ot.Layer(ot.Dense(weight, np.zeros(2)), neuron) for weight, neuron in layers])


@pytest.mark.parametrize("kind", [ot.LIF, ot.CubaLIF])
def test_neurons_of_several_decays_have_a_trace_each_in_the_table_and_their_numbers_too(kind):
    network, inputs = own_numbers(kind), np.random.default_rng(5).random((4, 1, 2))
    table = board.make(network, inputs, np.eye(2)[[1]], quantities.HALF_SQUARES, ["ottt", "ottt-authors"])
    assert not table.refused
    for method, ends in (("ottt", (", neuron 1", ", neuron 2")), ("ottt-authors", ("", ""))):
        traces, errors = rows(table, "traces", method), rows(table, "errors", method)
        gradients = rows(table, "gradients", method)
        pairs = [(f"w¹{i}₁", f"g¹{i}", f"trace of x₁ into layer0{end}") for i, end in zip("₁₂", ends)]
        pairs += [(f"b¹{i}", f"g¹{i}", f"trace of 1 into layer0{end}") for i, end in zip("₁₂", ends)]
        pairs += [("layer0.decay[1]", "g¹₂", "∂z¹₂/∂decay"), ("w²₁₂", "g²₁", "trace of s¹₂ into readout")]
        for entry, error, trace in pairs:
            terms = [g * a for g, a in zip(errors[error].values, traces[trace].values)]
            np.testing.assert_allclose(gradients[entry].values, terms, rtol=1e-12)  # a few roundings
            assert np.any(gradients[entry].values), entry


def test_a_table_with_a_trace_for_each_decay_is_as_long_as_its_lines():
    """Alike but for the decays: 40 neurons of one decay fit, 40 of their own have 40 traces of each input."""
    networks = [ot.dense_network([40, 40, 1], decay=decay, rng=0) for decay in (0.5, np.linspace(0.1, 0.9, 40))]
    board.require_printable("net", networks[0], 2, 1, ["ottt"])
    with pytest.raises(ValueError, match="net must be small enough for a blackboard, at most 2000 lines, got 3"):
        board.require_printable("net", networks[1], 2, 1, ["ottt"])


def test_targets_of_each_time_step_are_those_of_gradients(capsys):
    labels = np.array([[0, 1], [1, 1], [1, 0]])
    network, inputs = stored(targets=labels)
    assert blackboard("net.npz", "--inputs", "x.npz", "--json", "table.json") == 0
    text = capsys.readouterr().out
    assert "targets y[1] = (1, 0), (0, 1)" in text and "SR: not for this network: targets must be one for" in text
    data = json.loads(Path("table.json").read_text(encoding="utf-8"))
    assert data["losses"]["ottt"] == float(ot.ottt.gradients(network, inputs, labels).loss)


def test_the_samples_of_a_batch_have_the_rates_of_each_alone():
    """The squares are added up over samples, so that no error knows of the others."""
    network, inputs, targets = ot.dense_network([2, 3, 2], rng=3), np.random.default_rng(3).random((4, 2, 2)), np.eye(2)
    table = board.make(network, inputs, targets, quantities.HALF_SQUARES, ["sr"])
    [both] = [section.note.splitlines() for section in sections(table, "rates", "sr")]
    notes = [section.get("note") for section in board.as_data(table)["sections"]]
    assert notes == [section.note.splitlines() if section.note else None for section in table.sections]
    assert both in notes and None in notes
    for b, line in enumerate(both):
        alone = board.make(network, inputs[:, b : b + 1], targets[b : b + 1], quantities.HALF_SQUARES, ["sr"])
        assert sections(alone, "rates", "sr")[0].note == line
    assert len(set(both)) == 2


def test_every_row_of_a_batch_is_of_its_own_sample():
    network, inputs, targets = ot.dense_network([2, 3, 2], rng=3), np.random.default_rng(3).random((4, 2, 2)), np.eye(2)
    table = board.make(network, inputs, targets, quantities.HALF_SQUARES, ["ottt"])
    for b in range(2):
        alone = board.make(network, inputs[:, b : b + 1], targets[b : b + 1], quantities.HALF_SQUARES, ["ottt"])
        for kind, method in (("inputs", None), ("layer", None), ("traces", "ottt"), ("errors", "ottt")):
            of_batch = rows(table, kind, method)
            for name, row in rows(alone, kind, method).items():
                quantity, into, layer = name.partition(" into ")
                own = name if name.startswith("trace of 1 ") else f"{quantity}  sample {b + 1}{into}{layer}"
                assert of_batch[own].values == row.values, own


def test_a_leaky_readout_has_the_last_of_the_decays():
    found, _ = made(decay=["1/2", "1/4"], readout="leaky")
    assert [layer.neuron.decay for layer in found.network.layers] == [F(1, 2), F(1, 4)]


def test_text_and_json_hold_the_same(capsys):
    write()
    assert blackboard("net.json", "--json", "table.json") == 0
    out = capsys.readouterr().out
    data = json.loads(Path("table.json").read_text(encoding="utf-8"))
    assert data["numbers"] == "fractions" and data["time_steps"] == 3 and data["refused"] == {}
    printed = out.splitlines()
    count = 0
    for section in data["sections"]:
        place = printed.index(section["title"])
        for k, row in enumerate(section["rows"]):
            cells = printed[place + 1 + k].removeprefix(f"  {row['name']}").split()
            total = [str(row["sum"])] if "sum" in row else []
            assert cells == [*map(str, row["values"]), *total]
            count += 1
    assert count > 80 and set(data["losses"]) == set(quantities.METHODS)
    assert data["losses"]["ottt"] == "3/4" and "gradients of OTTT (loss 3/4)" in out


def test_the_example_is_printed_and_is_a_network_that_lives(capsys):
    assert blackboard("--example") == 0
    out = capsys.readouterr().out
    Path("mine.json").write_text(out, encoding="utf-8")
    assert blackboard("mine.json") == 0
    text = capsys.readouterr().out
    assert text.startswith(
        "network 2-2-1, readout linear; numbers: fractions, exact\nw¹ = layer0.weight = (3/4, 1/2), (-"
    )
    _, table = made()
    for name in quantities.METHODS:
        assert any(row.total for row in rows(table, "gradients", name).values()), name
    assert rows(table, "gradients", "bptt")["w²₁₁"].total != rows(table, "gradients", "ottt")["w²₁₁"].total


def test_a_network_may_come_through_a_pipe(capfd):
    reading, writing = os.pipe()
    os.write(writing, description.EXAMPLE.encode())
    os.close(writing)
    try:
        assert blackboard(f"/dev/fd/{reading}", "--method", "sltt") == 0
    finally:
        os.close(reading)
    assert "gradients of SLTT" in capfd.readouterr().out


def test_the_methods_that_are_named_are_shown_alone(capsys):
    assert blackboard(write(), "--method", "sltt", "spike-representation") == 0
    out = capsys.readouterr().out
    assert "gradients of SLTT" in out and "gradients of SR" in out and "SR, of the rates: a⁰ = " in out
    assert "OTTT" not in out and "BPTT" not in out


@pytest.mark.parametrize("loss", slow(["mean-squared-error", "mixed", "cross-entropy"], ["mean-squared-error"]))
def test_a_loss_of_the_library_gives_the_librarys_gradients(loss):
    found, table = made(loss=loss, targets=[1], numbers="float64")
    for name, (method, options) in ORACLES.items():
        expected = getattr(ot, method).gradients(
            found.network, found.inputs, found.targets, LOSSES[loss], terms=True, **options
        )
        totals = [row.total for row in rows(table, "gradients", name).values()]
        assert totals == [number for value in expected.values() for number in value.flat]
        assert table.losses[name] == expected.loss and not table.exact


def stored(time_steps=3, batch_size=2, **arrays):
    """net.npz and x.npz, and what they hold."""
    network = ot.dense_network([2, 3, 2], rng=0)
    network.save("net.npz")
    inputs = np.random.default_rng(0).random((time_steps, batch_size, 2))
    np.savez("x.npz", **{"inputs": inputs, "targets": np.array([1, 0][:batch_size]), **arrays})
    return network, inputs


def test_a_network_of_a_file_has_the_gradients_of_the_command_gradients(capsys):
    network, inputs = stored()
    assert blackboard("net.npz", "--inputs", "x.npz", "--json", "table.json") == 0
    assert "s¹₁  sample 2" in capsys.readouterr().out
    data = json.loads(Path("table.json").read_text(encoding="utf-8"))
    expected = ot.ottt.gradients(network, inputs, np.array([1, 0]), terms=True)
    (section,) = (each for each in data["sections"] if (each["kind"], each["method"]) == ("gradients", "ottt"))
    assert [row["sum"] for row in section["rows"]] == [float(n) for value in expected.values() for n in value.flat]
    terms = [list(term.reshape(3, -1).T) for term in expected.terms.values()]
    assert [row["values"] for row in section["rows"]] == [list(row) for each in terms for row in each]
    assert data["losses"]["ottt"] == float(expected.loss) and data["numbers"] == "floats"


def test_labels_may_stand_on_the_command_line_and_spikes_be_whole_numbers(capsys):
    network, _ = stored()
    spikes = np.random.default_rng(1).integers(0, 2, (3, 2, 2)).astype(np.uint8)
    np.savez("x.npz", inputs=spikes)
    options = ["net.npz", "--inputs", "x.npz", "--targets", 1, 0, "--loss", "half-squares", "--method", "bptt"]
    assert blackboard(*options, "--json", "table.json") == 0
    data = json.loads(Path("table.json").read_text(encoding="utf-8"))
    outputs = ot.simulate(network, spikes).outputs
    assert data["losses"]["bptt"] == pytest.approx(((outputs - np.eye(2)[[1, 0]]) ** 2).sum() / 2, rel=1e-14)


ALL_KINDS = ["recurrent", "feedback", "skips", "convolutional"]


@pytest.mark.parametrize("kind", slow(ALL_KINDS, ["feedback", "convolutional"]))
def test_networks_of_every_kind_have_a_table(kind):
    network, inputs, labels = case(kind, 0)
    targets = np.eye(network.output_size)[labels]
    table = board.make(network, inputs, targets, quantities.mean_loss(ot.losses.Mixed()))
    assert kind in KINDS and not table.refused
    text = board.as_text(table)
    for name, (method, options) in ORACLES.items():
        expected = getattr(ot, method).gradients(network, inputs, targets, **options)
        totals = [row.total for row in rows(table, "gradients", name).values()]
        assert totals == [number for value in expected.values() for number in value.flat]
        names = [row.name for section in sections(table, "gradients", name) for row in section.rows]
        assert len(set(names)) == len(names) and all(f"  {each} " in text for each in names)


def test_loops_are_read_and_named():
    found, table = made(loops=[[0, 0, [["1/4", 0], [0, "1/4"]]], [1, 0, [["1/2"], [0]]]], readout="spiking")
    network = found.network
    assert list(network.parameters)[2:4] == ["layer0.recurrent.weight", "layer0.feedback1.weight"]
    assert network.parameters["layer0.recurrent.weight"].tolist() == [[F(1, 4), 0], [0, F(1, 4)]]
    gradients = rows(table, "gradients", "bptt")
    assert "w_rec¹₂₁" in gradients and "w_feedback²→¹₁₁" in gradients
    expected = ot.bptt.gradients(network, found.inputs, found.targets, ot.losses.MeanSquaredError())
    # of one output the mean squared error is twice half the squares, and the mean over three steps a third of the sum
    assert gradients["w_feedback²→¹₁₁"].total == expected["layer0.feedback1.weight"][0, 0] * F(3, 2)


def test_numbers_are_the_decimals_and_fractions_that_are_written():
    text = description.EXAMPLE.replace('"1/2", ', "").replace('"decay": "1/2"', '"decay": 0.1')
    text = text.replace('[["3/4", "1/2"]', '[["3/4", 1e-1]').replace('["1/8", 0]', '["-0.125", "2 / 3"]')
    assert text.count("0.1") == 2
    Path("net.json").write_text(text, encoding="utf-8")
    network = description.read("net.json").network
    assert network.layers[0].neuron.decay == F(1, 10)
    assert network.parameters["layer0.weight"][0].tolist() == [F(3, 4), F(1, 10)]
    assert network.parameters["layer0.bias"].tolist() == [F(-1, 8), F(2, 3)]


def test_a_number_in_quotes_may_have_spaces_and_an_exponent():
    found, _ = made(weights=[[["3\t/ 4", " 1e-3\n"]], [["2.5E1"]]], biases=None)
    assert found.network.parameters["layer0.weight"][0].tolist() == [F(3, 4), F(1, 1000)]
    assert found.network.parameters["readout.weight"][0, 0] == 25


def test_every_field_has_the_default_that_is_documented():
    (network, full), (same, less) = (
        made(),
        made(decay=None, threshold=None, reset=None, readout=None, surrogate=None, loss=None),
    )
    assert full == less and network.network.layers[0].neuron == same.network.layers[0].neuron
    without, _ = made(biases=None)
    assert list(without.network.parameters) == ["layer0.weight", "readout.weight"]


def test_numbers_may_differ_by_layer_and_a_label_is_a_target():
    changes = {"weights": [[[1, 1]], [[1]], [[1], [2]]], "biases": [None, ["1/4"], None], "targets": 1}
    found, _ = made(**changes, decay=["1/2", "1/4", 0], threshold=[1, "3/2", 1])
    neurons = [layer.neuron for layer in found.network.layers]
    assert [neuron.decay for neuron in neurons] == [F(1, 2), F(1, 4), 0] and neurons[1].threshold == F(3, 2)
    assert list(found.network.parameters) == ["layer0.weight", "layer1.weight", "layer1.bias", "readout.weight"]
    assert found.targets.tolist() == [[0, 1]]


def test_weights_may_be_drawn_and_a_seed_draws_the_same():
    drawn = {"weights": None, "biases": None, "sizes": [2, 3, 1]}
    first, again, other = (made(**drawn, seed=seed)[0].network.parameters for seed in (1, 1, 2))
    assert np.array_equal(first["layer0.weight"], again["layer0.weight"])
    assert not np.array_equal(first["layer0.weight"], other["layer0.weight"])
    assert all(abs(number) <= 1 and (8 * number).denominator == 1 for number in first["layer0.weight"].flat)


def test_surrogates_and_losses_have_the_names_of_the_other_commands():
    assert description.SURROGATES == SURROGATES and description.LOSSES == LOSSES


@pytest.mark.parametrize("name", SURROGATES)
def test_what_is_not_rational_is_computed_in_floats(name):
    found, table = made(surrogate=name)
    assert table.exact == SURROGATES[name].rational == (found.network.dtype == object)
    assert "numbers: " + ("fractions, exact" if table.exact else "float64") in table.heading[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weigths": []}, "there is no field 'weigths': is it 'weights'?"),
        ({"surprise": 1}, "there is no field 'surprise'"),
        ({"inputs": None}, "the field 'inputs' is missing"),
        ({"weights": None}, "weights must be given, or sizes in their place, got neither"),
        ({"sizes": [2, 2, 1]}, "weights must be given, or sizes in their place, got both"),
        ({"seed": 3}, "seed must be left out where weights are given"),
        ({"weights": [[[1, "a"]], [[1]]]}, 'weights[0][0][1] must be a number, or a fraction such as "1/3", got "a"'),
        ({"weights": [[[1, "1/0"]], [[1]]]}, "weights[0][0][1] must be a number, got '1/0'"),
        ({"weights": [[[1, True]], [[1]]]}, "weights[0][0][1] must be a number, or a fraction"),
        ({"weights": [[[1, "1e101"]], [[1]]]}, "weights[0][0][1] must be a number of at most 100 digits, got '1e101'"),
        ({"weights": [[[1, 2], [1]], [[1, 1]]]}, "weights[0][1] must hold 2 numbers, got 1"),
        ({"weights": [[[1, 2]], [[1, 1]]]}, "weights[1] must have rows of 1 numbers, got 2"),
        ({"weights": []}, "weights must be a list that is not empty, got []"),
        ({"weights": 3}, "weights must be a list that is not empty, got 3"),
        ({"biases": [[1, 2]]}, "biases must be a list of 2, one for each layer, got 1"),
        ({"biases": [[1], [0]]}, "biases[0] must hold 2 numbers, got 1"),
        ({"loops": [[0, 5, [[1]]]]}, "loops[0]: target must be a layer, 0 .. 1, got 5"),
        ({"loops": [[0, 0, [[1, 2]]]]}, "loops[0]: rows must be 2, one for each neuron of 0, got 1"),
        ({"loops": [[0, 0]]}, "loops[0] must be a list of 3, got [0, 0]"),
        ({"loops": [[0, 0, [[1, 0], [0, 1]]]] * 2}, "loops[1] must not join the layers of another, got 0 and 0 again"),
        ({"loops": [[0, 1, [[1, 0]]]]}, "loops[0] must lead to the same layer or to an earlier one, got from 0 to 1"),
        ({"decay": 2}, "decay must be in [0, 1], got Fraction(2, 1)"),
        ({"decay": [0, 0, 0]}, "decay must be a list of 2, one for each layer, got 3"),
        ({"threshold": 0}, "threshold must be above 0"),
        ({"reset": "none"}, "reset must be one of 'soft', 'hard', 'unleaked', got 'none'"),
        ({"readout": 3}, "readout must be one of 'linear', 'spiking', 'leaky', got 3"),
        ({"surrogate": "step"}, "surrogate must be one of 'sigmoid', 'arctan', 'triangle'"),
        (
            {"surrogate": {"type": "triangle", "alpha": 1}},
            "surrogate triangle has the numbers width, height, got 'alpha'",
        ),
        ({"surrogate": 3}, "surrogate must be a name, or an object with a type and numbers, got 3"),
        ({"loss": "hinge"}, "loss must be one of 'half-squares', 'cross-entropy'"),
        ({"numbers": "float32"}, "numbers must be one of 'fractions', 'float64', got 'float32'"),
        (
            {"numbers": "fractions", "surrogate": "sigmoid"},
            "numbers must be float64 with the surrogate sigmoid, which is",
        ),
        (
            {"numbers": "fractions", "loss": "mixed"},
            "numbers must be float64 with the loss mixed, which is not rational",
        ),
        ({"inputs": [[1, 1], [1]]}, "inputs[1] must hold 2 numbers, got 1"),
        ({"inputs": []}, "inputs must be a list that is not empty, got []"),
        ({"targets": [1, 2]}, "targets must hold 1 number, got 2"),
        ({"targets": 4}, "targets must be numbers, or a label in 0 .. 0, got 4"),
        ({"targets": "x"}, 'targets must be a list that is not empty, got "x"'),
        ({"inputs": [[1, 1]] * 33}, "net.json must have at most 32 time steps for a blackboard, got 33"),
        ({"sizes": [400, 400, 2], "weights": None, "biases": None}, "at most 10000 synapses between them, got 160800"),
        ({"sizes": [2, 990, 9], "weights": None, "biases": None}, "sizes must be at least 2, of 1000 neurons in all"),
        ({"sizes": [2, 90, 9], "weights": None, "biases": None, "targets": 1}, "at most 2000 lines, got 8"),
    ],
)
def test_a_file_that_describes_no_network_is_refused_by_name(changes, message, capsys):
    line = refused(capsys, write(**changes))
    assert "net.json" in line and message in line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "net.json is no JSON of a network"),
        ("[]", "net.json: it must be an object with the fields weights, inputs, targets, ..., got []"),
        ('{"weights": [[[NaN]]]}', "NaN is no number"),
        ('{"inputs": [[1e999999]]}', "a number must have at most 100 digits, got 1e999999"),
        ('{"inputs": [[' + "9" * 200 + "]]}", "a number must have at most 100 digits, got 9999"),
        ('{"inputs": 1, "inputs": 2}', "'inputs' must be there once"),
        ("[" * 100000, "is no JSON of a network"),
        ("\xff", "net.json is no JSON of a network"),
        (" " * (2**20 + 1), "net.json must have at most 1048576 bytes"),
    ],
)
def test_a_file_that_is_no_json_is_refused_by_name(text, message, capsys):
    Path("net.json").write_bytes(text.encode("latin-1"))
    assert message in refused(capsys, "net.json")


def test_what_does_not_go_together_is_refused(capsys):
    write()
    stored()
    for arguments, message in (
        ([], "argument FILE: must be given, or --example"),
        (["net.json", "--example"], "argument --example: prints an example alone, got FILE too"),
        (["--example", "--method", "ottt"], "argument --example: prints an example alone, got --method too"),
        (["net.json", "--inputs", "x.npz"], "argument --inputs: net.json is JSON, which has its own inputs"),
        (["net.json", "--targets", 1], "argument --targets: net.json is JSON, which has its own targets"),
        (["net.json", "--loss", "mixed"], "argument --loss: net.json is JSON, which has its own loss"),
        (["net.npz"], "argument --inputs: must be given for net.npz, which is no JSON"),
        (["net.npz", "--inputs", "x.npz", "--targets", 1, 0], "or an array targets in x.npz, got both"),
        (["no.json"], "No such file or directory: 'no.json'"),
        (["net.json", "--method", "adam"], "argument --method: invalid choice: 'adam'"),
        (["net.json", "--json", "no/such/folder"], "argument --json: must name a file in a folder that can be written"),
    ):
        assert message in refused(capsys, *arguments)


def test_inputs_that_do_not_fit_are_refused_with_the_names_of_their_files(capsys):
    stored(inputs=np.zeros((3, 2, 5)))
    assert refused(capsys, "net.npz", "--inputs", "x.npz") == (
        "x.npz does not fit net.npz: inputs must be [T, B, 2], got shape (3, 2, 5): np.moveaxis(inputs, 2, 0) if they "
        "are [B, n, T], inputs.swapaxes(1, 2) if they are [T, n, B]"
    )
    stored(targets=np.array([1, 7]))
    assert "x.npz does not fit net.npz: targets must be labels in 0 .. 1" in refused(
        capsys, "net.npz", "--inputs", "x.npz"
    )
    np.savez("x.npz", targets=np.zeros(2))
    assert "x.npz must hold the array inputs, got ['targets']" in refused(capsys, "net.npz", "--inputs", "x.npz")
    np.savez("x.npz", inputs=np.zeros((3, 2, 2)))
    assert "or an array targets in x.npz, got neither" in refused(capsys, "net.npz", "--inputs", "x.npz")


def test_a_network_that_is_too_large_is_refused_and_fits_with_fewer_methods(capsys):
    ot.dense_network([8, 24, 4], rng=0).save("net.npz")
    np.savez("x.npz", inputs=np.ones((2, 1, 8)), targets=[1])
    assert "net.npz must be small enough for a blackboard, at most 2000 lines, got 2532: choose one" in refused(
        capsys, "net.npz", "--inputs", "x.npz"
    )
    assert blackboard("net.npz", "--inputs", "x.npz", "--method", "ottt") == 0


def test_every_sample_of_a_batch_counts_for_the_size(capsys):
    ot.dense_network([8, 24, 4], rng=0).save("net.npz")
    np.savez("x.npz", inputs=np.ones((2, 20, 8)), targets=[1] * 20)
    assert "net.npz must be small enough for a blackboard, at most 2000 lines, got" in refused(
        capsys, "net.npz", "--inputs", "x.npz", "--method", "ottt"
    )


def test_the_arguments_of_the_mapping_are_in_thresholds():
    """x = 1 and 1, w = 3/2, V_th = 2: z = 3/4, which passes errors; w = 5/2 makes 5/4, which does not."""
    for weight, z, passes in ((F(3, 2), "3/4", 1), (F(5, 2), "5/4", 0)):
        _, table = made(
            weights=[[[str(weight)]], [["1"]]], biases=None, threshold=2, decay=1, inputs=[[1], [1]], targets=[0]
        )
        [section] = sections(table, "rates", "sr")
        assert f"z¹ = {z}, D¹ = {passes}" in section.note


class Own(ot.Neuron):
    """A neuron without a threshold, which SR's mapping has no use for."""

    surrogate = ot.surrogate.Triangle()
    leak = ((0.5,),)

    def step(self, state, output, current, soft=False):
        state[0][...] = 0.5 * state[0] + current
        output[...] = state[0] >= 1

    def surrogate_derivative(self, state):
        return self.surrogate.derivative(state[0] - 1)

    def reset_jacobian(self, state, output):
        return (0,)


def test_a_method_that_refuses_the_network_says_why_and_the_others_are_shown():
    network = ot.Network(
        [ot.Layer(ot.Dense(np.ones((2, 2))), Own()), ot.Layer(ot.Dense(np.ones((1, 2))), ot.Integrator())]
    )
    table = board.make(network, np.ones((2, 1, 2)), np.ones((1, 1)), quantities.HALF_SQUARES)
    assert list(table.refused) == ["sr"] and set(table.losses) == set(quantities.METHODS) - {"sr"}
    assert "SR: not for this network: layers[0] must have neurons of a threshold" in board.as_text(table)
    assert board.as_data(table)["refused"]["sr"].startswith("layers[0] must have")


def test_marks_have_the_numbers_of_large_layers():
    assert quantities.mark(11, 9, 20) == "¹²₁₀" and quantities.subscript(0, 10) == "₁,₁₁"


def test_the_table_of_the_page_is_the_tables_of_the_example(capsys):
    """Every line of docs/learn.md's table, in the order of the printed one."""
    page = (ROOT / "docs" / "learn.md").read_text(encoding="utf-8").partition("## On a blackboard")[2]
    shown = page.partition("```text\n")[2].partition("```")[0]
    assert blackboard(write(), "--method", "ottt", "bptt") == 0
    printed = iter(capsys.readouterr().out.splitlines())
    assert len(shown.splitlines()) > 8
    for line in shown.splitlines():
        assert line in printed, line


def test_a_layer_of_several_decays_has_a_trace_of_each_on_the_board():
    rng = np.random.default_rng(0)
    decays = [np.array([0.5, 0.25, 0.5])]
    network = ot.dense_network([2, 3, 1], decay=decays, surrogate=ot.surrogate.Triangle(), rng=rng).exact()
    inputs, targets = ot.exact_array(rng.integers(0, 5, (3, 1, 2)) / 4), ot.exact_array([[0.5]])
    made = board.make(network, inputs, targets, quantities.HALF_SQUARES, ["ottt"])
    assert not made.refused
    text = board.as_text(made)
    assert "decay=[1/2, 1/4, 1/2]" in text and "Fraction" not in text
    [traces] = [section for section in made.sections if section.kind == "traces"]
    for neurons, decay in (("neurons 1, 3", F(1, 2)), ("neuron 2", F(1, 4))):
        for row_name, given in (("x₂", inputs[:, 0, 1]), ("1", [1, 1, 1])):
            trace, expected = F(0), []
            for value in given:
                trace = decay * trace + value
                expected.append(trace)
            [row] = [row for row in traces.rows if row.name == f"trace of {row_name} into layer0, {neurons}"]
            assert list(row.values) == expected


def test_a_fraction_without_quotes_is_told_that_it_needs_them(tmp_path):
    path = tmp_path / "net.json"
    path.write_text('{"weights": [[[1, 1/2]]], "inputs": [[1, 0]], "targets": [1]}', encoding="utf-8")
    with pytest.raises(ValueError, match=r'is no JSON of a network: .*: a fraction stands in quotes, "1/2"$'):
        description.read(path)


def test_a_file_may_have_numbers_of_each_neuron_and_none_of_a_readout_that_has_no_membrane():
    given = EXAMPLE | {"decay": [["1/2", "1/4"]], "threshold": [[1, "3/4"]]}
    neuron = description.described(given).network.layers[0].neuron
    assert neuron.decay.tolist() == [F(1, 2), F(1, 4)] and neuron.threshold.tolist() == [1, F(3, 4)]
    leaky = description.described(given | {"readout": "leaky", "decay": [["1/2", "1/4"], ["1/8"]]}).network
    assert leaky.layers[1].neuron.decay.tolist() == [F(1, 8)]
    single = description.described(given | {"numbers": "float64"}).network
    assert single.layers[0].neuron.decay.dtype == np.float64
    for wrong, message in (
        ({"readout": "leaky"}, "decay must be a list of 2, one for each layer, got 1"),
        ({"decay": [["1/2"]]}, r"decay\[0\] must "),
        ({"threshold": [[1, "1/0"]]}, r"threshold\[0\]\[1\] must be a number, got '1/0'"),
    ):
        with pytest.raises(ValueError, match=message):
            description.described(given | wrong)
