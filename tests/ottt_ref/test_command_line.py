"""`ottt-ref` as its users run it: files in, files out, one line where something is wrong."""

import json
import os
import subprocess
import sys
import warnings
import zipfile
from dataclasses import replace
from importlib import metadata

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import cli
from ottt_ref.cli.gradients import METHODS as NAMED_METHODS
from ottt_ref.cli.network import SURROGATES
from ottt_ref.simulation.equilibrium import ConvergenceError

from .general import KINDS, WITHOUT_RATES, case
from .helpers import METHODS, OPTION_NAMES, OPTIONS, READOUTS, bits, content

SIZES = ["--sizes", "3", "4", "2"]
COMMANDS = {"version": ["version"], "network": ["network"], "gradients": ["gradients"]}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    return cli.main([str(argument) for argument in arguments])


def files(folder):
    return {path.name: path.read_bytes() if path.is_file() else None for path in folder.iterdir()}


def refused(capsys, folder, *arguments):
    """The line on stderr of a command that must fail without a trace."""
    before = files(folder)
    capsys.readouterr()
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("ottt-ref: error: ") and err.count("\n") == 1 and err.endswith("\n")
    assert files(folder) == before
    return err.removeprefix("ottt-ref: error: ").rstrip("\n")


def write_sequence(dtype=np.float64, classes=2, inputs=3, name="x.npz"):
    """A file of inputs [4, 2, inputs] and labels [2], and what it holds."""
    rng = np.random.default_rng(0)
    arrays = rng.random((4, 2, inputs)).astype(dtype), rng.integers(0, classes, 2)
    np.savez(name, inputs=arrays[0], targets=arrays[1])
    return arrays


@pytest.fixture
def prepared(folder):
    """net.npz and x.npz, and what they hold."""
    network = ot.dense_network([3, 4, 2], rng=0)
    network.save("net.npz")
    return network, *write_sequence()


def gradients(*options, network="net.npz", inputs="x.npz", method="ottt", output="g.npz"):
    return "gradients", "--network", network, "--inputs", inputs, "--method", method, "--output", output, *options


def load(path):
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays}


def expected_file(result):
    """What the file of a result must hold, by name."""
    arrays = {**result, "loss": np.asarray(result.loss), "outputs": result.outputs}
    arrays |= {f"terms.{name}": value for name, value in (result.terms or {}).items()}
    layers = list(dict.fromkeys(name.partition(".")[0] for name in result))
    return arrays | {f"errors.{layer}": error for layer, error in zip(layers, result.errors or ())}


@pytest.mark.parametrize("terms", [False, True])
@pytest.mark.parametrize(("method", "options"), OPTIONS, ids=OPTION_NAMES)
def test_the_file_of_gradients_holds_what_the_library_computes(prepared, method, options, terms):
    network, inputs, targets = prepared
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    flags = [flag.replace("_", "-") for flag in flags] + ["--terms"] * terms
    assert run(*gradients(*flags, method=method.replace("_", "-"))) == 0
    expected = expected_file(METHODS[method](network, inputs, targets, terms=terms, **options))
    got = load("g.npz")
    assert list(got) == list(expected) and bits(got) == bits(expected)
    assert {name: value.dtype for name, value in got.items()} == {name: v.dtype for name, v in expected.items()}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("readout", READOUTS)
def test_a_network_and_its_gradients_go_through_files_bit_for_bit(folder, readout, dtype):
    assert run("network", *SIZES, "--seed", 5, "--readout", readout, "--dtype", dtype, "--output", "net.npz") == 0
    network = ot.dense_network([3, 4, 2], rng=5, readout=readout, dtype=dtype)
    assert bits(ot.Network.load("net.npz").parameters) == bits(network.parameters)
    inputs, targets = write_sequence(dtype)
    assert run(*gradients("--terms", "--loss", "cross-entropy", method="bptt")) == 0
    expected = ot.bptt.gradients(network, inputs, targets, ot.losses.CrossEntropy(), terms=True)
    got = load("g.npz")
    assert bits(got) == bits(expected_file(expected))
    assert {value.dtype for value in got.values()} == {np.dtype(dtype)}
    assert set(got) >= set(content(expected)) - {name for name in content(expected) if " of " in name}


def test_every_option_of_a_network_is_taken():
    arguments = ["--seed", 3, "--tau", 4, "--threshold", 0.75, "--surrogate", "triangle", "width=2", "height=0.5"]
    arguments += ["--reset", "hard", "--readout", "leaky", "--initialisation", "orthogonal", "--output", "net.npz"]
    assert run("network", *SIZES, *arguments) == 0
    surrogate = ot.surrogate.Triangle(width=2.0, height=0.5)
    expected = ot.dense_network(
        [3, 4, 2],
        tau=4,
        threshold=0.75,
        surrogate=surrogate,
        reset="hard",
        readout="leaky",
        initialisation="orthogonal",
        rng=3,
    )
    network = ot.Network.load("net.npz")
    assert bits(network.parameters) == bits(expected.parameters)
    assert [layer.neuron for layer in network.layers] == [layer.neuron for layer in expected.layers]


@pytest.mark.parametrize("name", SURROGATES)
def test_every_surrogate_has_a_name(name):
    assert run("network", *SIZES, "--surrogate", name, "--output", "net.npz") == 0
    assert ot.Network.load("net.npz").layers[0].neuron.surrogate == SURROGATES[name]()
    assert set(SURROGATES.values()) == set(ot.surrogate.ALL)


def test_every_method_has_a_name():
    assert {name.replace("-", "_"): method.gradients for name, method in NAMED_METHODS.items()} == METHODS


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("mixed", ot.losses.Mixed()),
        ("cross-entropy", ot.losses.CrossEntropy()),
        ("mean-squared-error", ot.losses.MeanSquaredError()),
    ],
)
def test_every_loss_has_a_name(prepared, name, loss):
    network, inputs, targets = prepared
    assert run(*gradients("--loss", name)) == 0
    assert float(load("g.npz")["loss"]) == ot.ottt.gradients(network, inputs, targets, loss).loss


def test_targets_may_be_rows(prepared):
    network, inputs, _ = prepared
    rows = np.array([[0.25, 0.75], [1, 0]])
    np.savez("rows.npz", inputs=inputs, targets=rows)
    assert run(*gradients(inputs="rows.npz")) == 0
    assert bits(load("g.npz")) == bits(expected_file(ot.ottt.gradients(network, inputs, rows)))


def test_gradients_go_to_gradients_npz_if_nothing_is_said(prepared, folder):
    assert run(*gradients()[:-2]) == 0
    assert (folder / "gradients.npz").exists()


def test_what_was_written_is_said(prepared, capsys):
    assert run("network", *SIZES, "--seed", 0, "--output", "net.npz") == 0
    assert capsys.readouterr().out.startswith(
        "wrote net.npz: Network([3, 4, 2], readout='linear', float64, LIF(decay=0.5"
    )
    assert run(*gradients()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "wrote g.npz: ottt gradients, 4 time steps of 2 samples"
    norm = np.linalg.norm(load("g.npz")["layer0.weight"])
    assert lines[3].split() == ["layer0.weight", "4", "x", "3", f"{norm:.6g}"]
    assert lines[-1].split() == ["loss", f"{load('g.npz')['loss']:.6g}"]
    assert len({len(line) for line in lines[2:]}) == 1  # aligned


def test_a_seed_that_is_not_given_is_printed_and_gives_the_same_network_again(capsys, folder):
    assert run("network", *SIZES, "--output", "a.npz") == 0
    seed = capsys.readouterr().out.rstrip().rpartition(" ")[2]
    assert run("network", *SIZES, "--output", "b.npz", "--seed", seed) == 0
    assert run("network", *SIZES, "--output", "c.npz") == 0
    a, b, c = ((folder / name).read_bytes() for name in ("a.npz", "b.npz", "c.npz"))
    assert a == b != c


def test_an_output_file_is_replaced(prepared):
    assert run(*gradients()) == 0
    first = load("g.npz")
    assert run(*gradients("--dialect", "authors")) == 0
    assert bits(load("g.npz")) != bits(first)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_option_and_writes_nothing(command, capsys, folder):
    assert run(command, "--help") == 0
    out, err = capsys.readouterr()
    assert err == "" and out.startswith(f"usage: ottt-ref {command}") and files(folder) == {}
    expected = {
        "version": [],
        "network": ["--sizes", "--seed", "--decay", "--tau", "--threshold", "--surrogate", "--reset", "--readout"],
        "gradients": ["--network", "--inputs", "--method", "--loss", "--dialect", "--reset-gradient", "--terms"],
    }[command]
    assert all(option in out for option in expected)


def test_help_of_all_names_the_commands(capsys):
    assert run("--help") == 0
    out = capsys.readouterr().out
    assert all(command in out for command in COMMANDS)


def test_the_version_is_printed_with_that_of_every_dependency(capsys):
    assert run("version") == 0
    printed = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert printed == {
        "ottt_ref": ot.__version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        **{name: metadata.version(name) for name in ("numpy", "numba", "scipy")},
    }


def test_a_checkout_that_is_not_installed_knows_its_version(monkeypatch, capsys):
    def version(name):
        if name == "ottt_ref":
            raise metadata.PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(cli.versions, "version", version)
    assert run("version") == 0
    assert f"ottt_ref  {ot.__version__}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["learn"], "argument command: invalid choice: 'learn'"),
        (["version", "now"], "unrecognized arguments: now"),
        (["network", "--output", "n.npz"], "the following arguments are required: --sizes"),
        (["network", *SIZES], "the following arguments are required: --output"),
        (["gradients"], "the following arguments are required: --network, --inputs, --method"),
        (["network", "--sizes", "3", "x"], "argument --sizes: invalid int value: 'x'"),
        (["network", *SIZES, "--decay", "0.5", "--tau", "2"], "argument --tau: not allowed with argument --decay"),
    ],
)
def test_an_incomplete_command_is_refused(capsys, folder, arguments, complaint):
    assert refused(capsys, folder, *arguments).startswith(complaint)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--sizes", "3", "2"], "sizes must hold at least 3 sizes for readout='linear'"),
        (["--sizes", "3", "0", "2"], "sizes[1] must be at least 1, got 0"),
        (["--decay", "1.5"], "decay must be in [0, 1], got 1.5"),
        (["--decay", "nan"], "decay must be in [0, 1], got nan"),
        (["--decay", "half"], "argument --decay: invalid float value: 'half'"),
        (["--tau", "0.5"], "tau must be of at least 1, got 0.5"),
        (["--threshold", "0"], "threshold must be above 0, got 0.0"),
        (["--threshold", "inf"], "threshold must be above 0, got inf"),
        (["--threshold", "1e308"], "threshold and gain must give weights within float64, got threshold=1e+308"),
        (["--seed", "-1"], "argument --seed: must be at least 0, got -1"),
        (["--seed", "1.5"], "argument --seed: invalid int value: '1.5'"),
        (["--surrogate", "step"], "argument --surrogate: must be one of sigmoid, arctan, triangle"),
        (
            ["--surrogate", "sigmoid", "alpha"],
            "argument --surrogate: must be followed by PARAMETER=NUMBER, got 'alpha'",
        ),
        (["--surrogate", "sigmoid", "alpha=x"], "argument --surrogate: must be followed by PARAMETER=NUMBER"),
        (
            ["--surrogate", "sigmoid", "width=1"],
            "argument --surrogate: sigmoid has the parameters alpha, got ['width']",
        ),
        (["--surrogate", "sigmoid", "alpha=-1"], "alpha must be above 0, got -1.0"),
        (["--surrogate", "sigmoid", "alpha=nan"], "alpha must be above 0, got nan"),
        (["--reset", "none"], "argument --reset: invalid choice: 'none'"),
        (["--readout", "max"], "argument --readout: invalid choice: 'max'"),
        (["--initialisation", "zeros"], "argument --initialisation: invalid choice: 'zeros'"),
        (["--dtype", "float16"], "argument --dtype: invalid choice: 'float16'"),
    ],
)
def test_a_wrong_network_is_refused(capsys, folder, arguments, complaint):
    assert refused(capsys, folder, "network", *SIZES, "--output", "n.npz", *arguments).startswith(complaint)


def given(method, option):
    value = {"dialect": "authors", "reset-gradient": "kept", "loss-of": "average", "rates": "closed-form"}[option]
    return gradients(f"--{option}", value, method=method)


HAS = {
    "dialect": {"ottt"},
    "reset-gradient": {"bptt", "rtrl"},
    "loss-of": {"bptt"},
    "rates": {"spike-representation"},
}


@pytest.mark.parametrize("method", NAMED_METHODS)
@pytest.mark.parametrize("option", HAS)
def test_an_option_is_taken_by_the_methods_that_have_it_alone(prepared, capsys, folder, method, option):
    if method in HAS[option]:
        assert run(*given(method, option)) == 0
        return
    complaint = refused(capsys, folder, *given(method, option))
    assert complaint.startswith(f"argument --{option}: method {method} has no such option, only ")
    assert all(name in complaint for name in HAS[option])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"method": "adam"}, "argument --method: invalid choice: 'adam'"),
        ({"network": "none.npz"}, "[Errno 2] No such file or directory: 'none.npz'"),
        ({"inputs": "none.npz"}, "[Errno 2] No such file or directory: 'none.npz'"),
        ({"network": "."}, "[Errno 21] Is a directory: '.'"),
        ({"inputs": "."}, "[Errno 21] Is a directory: '.'"),
        ({"network": "x.npz"}, "x.npz is not a file of format 'ottt_ref network'"),
        ({"inputs": "net.npz"}, "net.npz must hold the arrays inputs and targets, got ['description', 'layer0.bias'"),
        ({"output": "net.npz"}, "argument --output: must not be a file that is read, got 'net.npz'"),
        ({"output": "./x.npz"}, "argument --output: must not be a file that is read, got './x.npz'"),
        ({"output": "."}, "argument --output: must name a file, got '.'"),
        ({"output": ""}, "argument --output: must name a file, got ''"),
        ({"output": "folder"}, "cannot write folder: Is a directory"),
        ({"output": "missing/g.npz"}, "cannot write missing/g.npz: No such file or directory"),
        ({"output": "x.npz/g.npz"}, "cannot write x.npz/g.npz: Not a directory"),
    ],
)
def test_wrong_files_are_refused(prepared, capsys, folder, options, complaint):
    (folder / "folder").mkdir()
    assert refused(capsys, folder, *gradients(**options)).startswith(complaint)
    assert list((folder / "folder").iterdir()) == []


def test_a_network_is_not_written_over_a_folder(capsys, folder):
    (folder / "folder").mkdir()
    assert refused(capsys, folder, "network", *SIZES, "--output", "folder") == "cannot write folder: Is a directory"
    assert list((folder / "folder").iterdir()) == []


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_full_disk_leaves_no_half_written_file(prepared, capsys, folder, monkeypatch, failing):
    def full(*_):
        raise OSError(28, "No space left on device", "/somewhere/temporary")

    monkeypatch.setattr(os, failing, full)
    assert refused(capsys, folder, *gradients()) == "cannot write g.npz: No space left on device"


def test_a_damaged_network_is_refused(prepared, capsys, folder):
    whole = (folder / "net.npz").read_bytes()
    flipped = whole.replace("soft".encode("utf-32-le"), "hart".encode("utf-32-le"))
    assert flipped != whole
    for damaged in (b"", whole[: len(whole) // 2], whole[:-1], b"a text\nof two lines\n", flipped):
        (folder / "net.npz").write_bytes(damaged)
        assert refused(capsys, folder, *gradients()).startswith("net.npz ")


def test_a_network_of_the_future_is_refused(prepared, capsys, folder):
    arrays = load("net.npz")
    description = {**json.loads(str(arrays["description"])), "version": 4}
    np.savez("net.npz", **{**arrays, "description": np.array(json.dumps(description))})
    assert refused(capsys, folder, *gradients()) == "net.npz must be of version 2 or 3, got version 4"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"inputs": np.zeros((4, 2, 3), np.float32)}, "inputs must have dtype float64, got float32"),
        (
            {"inputs": np.full((4, 2, 3), 2**53 + 1)},
            "inputs must hold whole numbers that float64 can hold exactly, got",
        ),
        ({"inputs": np.zeros((4, 2, 4))}, "inputs must be [T, B, 3], got shape (4, 2, 4)"),
        ({"inputs": np.zeros((4, 3))}, "inputs must be [T, B, 3], got shape (4, 3)"),
        ({"inputs": np.zeros((0, 2, 3))}, "inputs must be [T, B, 3] with T of at least 1, got shape (0, 2, 3)"),
        ({"inputs": np.full((4, 2, 3), np.nan)}, "inputs must be finite, got nan at index [0, 0, 0]"),
        ({"inputs": np.array("x")}, "inputs must be an array [T, B, 3] of float64, got array('x', dtype='<U1')"),
        ({"targets": np.array([0, 2])}, "targets must be labels in 0 .. 1, got 2 at index [1]"),
        ({"targets": np.array([0])}, "targets must be [2] or [4, 2] class labels for this batch, got shape (1,)"),
        ({"targets": np.array([0.0, 1.0])}, "targets must be integer class labels [2] or rows [2, 2]"),
        ({"targets": np.full((2, 2), 0.6)}, "targets must be distributions over the classes"),
    ],
)
def test_wrong_arrays_are_refused_with_the_name_of_their_file(prepared, capsys, folder, change, complaint):
    _, inputs, targets = prepared
    np.savez("x.npz", **{"inputs": inputs, "targets": targets, **change})
    assert refused(capsys, folder, *gradients()).startswith(f"x.npz does not fit net.npz: {complaint}")


@pytest.mark.parametrize("missing", ["inputs", "targets"])
def test_a_missing_array_is_named(prepared, capsys, folder, missing):
    arrays = load("x.npz")
    del arrays[missing]
    np.savez("x.npz", **arrays)
    expected = f"x.npz must hold the arrays inputs and targets, got {list(arrays)}"
    assert refused(capsys, folder, *gradients()) == expected


def test_pickled_inputs_are_refused(prepared, capsys, folder):
    np.savez("x.npz", allow_pickle=True, inputs=np.array([None]), targets=np.array([0]))
    assert "holds pickled objects, which are never loaded" in refused(capsys, folder, *gradients())


def test_a_zip_of_other_things_is_refused(prepared, capsys, folder):
    with zipfile.ZipFile("x.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert refused(capsys, folder, *gradients()).startswith("x.npz is not an .npz file of plain arrays")


def test_a_message_of_several_lines_becomes_one(monkeypatch, capsys, folder):
    def fail(_):
        raise ValueError("first\n  second\n")

    monkeypatch.setattr(cli.versions, "print_versions", fail)
    assert refused(capsys, folder, "version") == "first second"


def test_a_fault_of_our_own_is_not_dressed_as_the_users(monkeypatch):
    def fail(_):
        raise ZeroDivisionError

    monkeypatch.setattr(cli.versions, "print_versions", fail)
    with pytest.raises(ZeroDivisionError):
        run("version")


def shell(*arguments):
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "ottt_ref", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(ot.__file__)), "PYTHONWARNINGS": "error"},
    )


@pytest.mark.slow
def test_the_program_runs_from_a_shell(folder):
    assert shell("network", *SIZES, "--seed", 0, "--output", "net.npz").returncode == 0
    inputs, targets = write_sequence()
    process = shell(*gradients("--terms"))
    assert (process.returncode, process.stderr) == (0, "")
    result = ot.ottt.gradients(ot.dense_network([3, 4, 2], rng=0), inputs, targets, terms=True)
    assert bits(load("g.npz")) == bits(expected_file(result))


@pytest.mark.slow
def test_an_error_in_a_shell_is_one_line_and_status_2(folder):
    process = shell(*gradients(network="none.npz"))
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr == "ottt-ref: error: [Errno 2] No such file or directory: 'none.npz'\n"
    assert files(folder) == {}


def test_the_installed_program_is_this_one():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (entry,) = metadata.entry_points(group="console_scripts", name="ottt-ref")
    assert entry.load() is cli.main


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "dropped_out"])
@pytest.mark.parametrize("method", NAMED_METHODS)
def test_gradients_of_every_kind_of_network(folder, kind, method):
    network, inputs, labels = case(kind)
    network.save(folder / "net.npz")
    np.savez(folder / "x.npz", inputs=inputs, targets=labels)
    if kind in WITHOUT_RATES and method == "spike-representation":
        assert run(*gradients("--terms", method=method)) == 2
        return
    assert run(*gradients("--terms", method=method)) == 0
    got = load(folder / "g.npz")
    expected = NAMED_METHODS[method].gradients(network, inputs, labels, terms=True)
    for name, value in expected.items():
        assert np.array_equal(got[name], value) and np.array_equal(got[f"terms.{name}"], expected.terms[name])
    if expected.errors is not None:
        names = [*(f"errors.layer{l}" for l in range(len(network.layers) - 1)), last_errors(network)]
        assert [name for name in got if name.startswith("errors.")] == names
        assert all(np.array_equal(got[name], errors) for name, errors in zip(names, expected.errors))


def last_errors(network):
    """The name of the last layer's errors."""
    return f"errors.layer{len(network.layers) - 1}" if network.readout == "spiking" else "errors.readout"


def test_loops_that_expand_and_solvers_that_give_up_are_one_line(folder, capsys, monkeypatch):
    network, inputs, labels = case("recurrent")
    network.parameters["layer0.recurrent.weight"] = 2 * np.eye(4)
    network.save(folder / "net.npz")
    np.savez(folder / "x.npz", inputs=inputs, targets=labels)
    closed = gradients("--rates", "closed-form", method="spike-representation")
    assert "network must have loops that contract" in refused(capsys, folder, *closed)

    def gives_up(*_, **__):
        raise ConvergenceError("the equilibrium of the rates was not reached: ...")

    monkeypatch.setitem(
        NAMED_METHODS, "spike-representation", replace(NAMED_METHODS["spike-representation"], gradients=gives_up)
    )
    assert "not reached" in refused(capsys, folder, *gradients(method="spike-representation"))


def test_a_sequence_in_parts_goes_on_from_the_state_that_was_written(prepared, folder):
    network, inputs, targets = prepared
    for part, name in ((inputs[:2], "first.npz"), (inputs[2:], "second.npz")):
        np.savez(name, inputs=part, targets=targets)
    steps = ("--time-steps", "4")
    assert run(*gradients(*steps, "--final-state", "state.npz", inputs="first.npz", output="a.npz")) == 0
    assert run(*gradients(*steps, "--initial-state", "state.npz", inputs="second.npz", output="b.npz")) == 0
    whole = ot.ottt.gradients(network, inputs, targets)
    first, second = load("a.npz"), load("b.npz")
    for name in whole:
        np.testing.assert_allclose(first[name] + second[name], whole[name], rtol=1e-12, atol=1e-15)  # sums reordered
    assert list(ot.State.load("state.npz")) == list(whole.final_state)


@pytest.mark.parametrize("method", ["bptt", "ottt"])
def test_weights_and_gradients_at_the_inputs_are_the_librarys(prepared, folder, method):
    network, inputs, targets = prepared
    weights = np.array([[1, 0], [1, 1], [0, 1], [0, 0]], dtype=bool)
    np.savez("w.npz", inputs=inputs, targets=targets, weights=weights)
    for word, given in (("file", weights), ("last", "last")):
        assert run(*gradients("--weights", word, "--input-gradients", inputs="w.npz", method=method)) == 0
        wanted = METHODS[method](network, inputs, targets, weights=given, input_gradients=True)
        found = load("g.npz")
        assert np.array_equal(found["input_gradients"], wanted.input_gradients)
        assert all(np.array_equal(found[name], wanted[name]) for name in wanted)
    assert run(*gradients(inputs="w.npz", method=method)) == 0  # the array alone asks for nothing
    assert np.array_equal(load("g.npz")["loss"], METHODS[method](network, inputs, targets).loss)


def test_what_does_not_fit_is_refused_by_name(prepared, capsys, folder):
    assert refused(capsys, folder, *gradients("--weights", "file")) == (
        "x.npz must hold the arrays inputs and targets and weights, got ['inputs', 'targets']"
    )
    assert refused(capsys, folder, *gradients("--initial-state", "net.npz")).startswith(
        "net.npz is not a file of format 'ottt_ref state'"
    )
    assert refused(capsys, folder, *gradients("--final-state", "x.npz")) == (
        "argument --final-state: must not be a file that is read, got 'x.npz'"
    )
    said = refused(capsys, folder, *gradients("--weights", "last", method="spike-representation"))
    assert said.startswith("x.npz does not fit net.npz: weights must be None for spike_representation, one loss")
    said = refused(capsys, folder, *gradients("--final-state", "s.npz", method="spike-representation"))
    assert said == "argument --final-state: method spike-representation carries no state"
    said = refused(capsys, folder, *gradients("--input-gradients", method="rtrl"))
    assert said.startswith("x.npz does not fit net.npz: input_gradients must be False for RTRL")


@pytest.mark.parametrize(
    "words, fault",
    [
        ("gradients --time-steps", "argument --time-steps: must be a whole number of at most 18 digits, got '{}...'"),
        ("network --seed", "argument --seed: invalid int value: '{}...'"),
    ],
)
def test_a_number_of_thousands_of_digits_is_a_short_line(words, fault, capsys):
    assert cli.main([*words.split(), "9" * 5000]) == 2
    assert capsys.readouterr().err == f"ottt-ref: error: {fault.format('9' * 40)}\n"
