"""`ottt-ref nir`: networks out as .nir files, and in."""

import sys
from pathlib import Path

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import cli

from ..general import case
from ..helpers import dyadic_network
from .graphs import write
from .test_files import DATA

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command):
    return cli.main(command.split())


def refused(capsys, command):
    """The line on stderr of a command that must fail and write nothing."""
    before = sorted(Path().iterdir())
    assert run(command) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("ottt-ref: error: ") and err.count("\n") == 1
    assert sorted(Path().iterdir()) == before
    return err


def test_a_network_goes_out_and_comes_back(capsys):
    network = dyadic_network(0, reset="unleaked")
    network.save("net.npz")
    assert run("nir export --network net.npz --dt 1e-3 --accept-hard-reset --output net.nir") == 0
    assert capsys.readouterr().out.startswith("wrote net.nir: Network([3, 4, 3, 2], readout='linear', float64, LIF(")
    assert Path("net.nir").stat().st_size > 0
    write("library.nir", network, dt=1e-3)
    assert Path("net.nir").read_bytes() == Path("library.nir").read_bytes()
    assert run("nir import net.nir --output back.npz") == 0
    assert capsys.readouterr().out.startswith("wrote back.npz: Network([3, 4, 3, 2]")
    assert Path("back.npz").read_bytes() == Path("net.npz").read_bytes()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("snntorch_recurrent", "--dt 1e-4 --reset unleaked"),
        ("norse_box", "--dt 1e-6 --reset hard --input-shape 4"),
    ],
)
def test_a_graph_of_another_tool_becomes_a_network(name, options):
    assert run(f"nir import {DATA / name}.nir {options} --output net.npz") == 0
    network = ot.Network.load("net.npz")
    with np.load(DATA / f"{name}.npz") as arrays:
        assert np.array_equal(ot.simulate(network, arrays["inputs"]).spikes[0], arrays["outputs0"])


def test_what_is_missing_or_wrong_is_said_in_one_line(capsys):
    dyadic_network(0).save("net.npz")
    complaint = refused(capsys, "nir export --network net.npz --output net.nir")
    assert "layers[0] must have the reset 'hard', the only one of NIR, got 'soft'" in complaint
    assert "--accept-hard-reset" in complaint
    case("standardised_dense")[0].save("net.npz")
    export = "nir export --accept-hard-reset --network net.npz --output net.nir"
    assert "got WeightStandardised" in refused(capsys, export)
    assert "dt must be above 0" in refused(capsys, f"{export} --dt 0")
    assert "must not be a file that is read" in refused(capsys, "nir export --network net.npz --output ./net.npz")
    assert "no.npz" in refused(capsys, "nir export --network no.npz --output net.nir")
    foreign = DATA / "snntorch_zero.nir"
    assert "dt must be given" in refused(capsys, f"nir import {foreign} --output a.npz")
    assert "reset must be given" in refused(capsys, f"nir import {foreign} --dt 1e-4 --output a.npz")
    assert "invalid choice: 'none'" in refused(capsys, f"nir import {foreign} --reset none --output a.npz")
    assert "is no NIR graph" in refused(capsys, "nir import net.npz --output a.npz")
    complete = f"nir import {foreign} --dt 1e-4 --reset hard --output"
    assert "cannot write no/a.npz: No such file" in refused(capsys, f"{complete} no/a.npz")
    assert "argument --output: must name a file, got '.'" in refused(capsys, f"{complete} .")


def test_without_the_package_the_line_says_how_to_get_it(capsys, monkeypatch):
    dyadic_network(0).save("net.npz")
    monkeypatch.setitem(sys.modules, "nir", None)
    export = "nir export --accept-hard-reset --network net.npz --output net.nir"
    assert "pip install 'ottt_ref[nir]'" in refused(capsys, export)
