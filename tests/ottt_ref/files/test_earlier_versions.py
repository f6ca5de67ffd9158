"""Files that version 0.1.0 wrote: they load, and give the numbers that it gave."""

from pathlib import Path

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import nir
from ottt_ref.conformance import checking, files

from ..conformance.backends import right

FOLDER = Path(__file__).parent.parent.parent / "data" / "v0.1.0"
METHODS = ("bptt", "ottt", "sltt", "rtrl")
NETWORKS = ("dense", "conv", "standardised", "spiking")


def expected(name):
    with np.load(FOLDER / f"{name}.expected.npz") as arrays:
        return dict(arrays)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_loads_and_gives_the_numbers_that_it_gave(name):
    network, wanted = ot.Network.load(FOLDER / f"{name}.npz"), expected(name)
    inputs, targets = wanted["inputs"], wanted["targets"]
    # dyadic numbers and rational surrogates do not round; exp and arctan may differ in their last bit between machines
    exact = name in ("dense", "conv")
    tolerance = {"rtol": 0, "atol": 0} if exact else {"rtol": 1e-3, "atol": 1e-6}
    np.testing.assert_allclose(ot.simulate(network, inputs).outputs, wanted["outputs"], **tolerance)
    for method in METHODS:
        found = getattr(ot, method).gradients(network, inputs, targets, ot.losses.MeanSquaredError())
        assert {f"{method}.{key}" for key in found} == {key for key in wanted if key.startswith(f"{method}.")}
        for key, value in found.items():
            np.testing.assert_allclose(value, wanted[f"{method}.{key}"], **tolerance)
            assert value.dtype == wanted[f"{method}.{key}"].dtype


@pytest.mark.parametrize("name", [*NETWORKS, "chain"])
def test_a_network_that_was_loaded_is_saved_as_it_was(name, tmp_path):
    network = ot.Network.load(FOLDER / f"{name}.npz")
    network.save(tmp_path / "again.npz")
    with np.load(FOLDER / f"{name}.npz") as before, np.load(tmp_path / "again.npz") as after:
        assert before.files == after.files
        for key in before.files:
            assert before[key].tobytes() == after[key].tobytes()


def test_cases_load_and_hold():
    cases = files.load(FOLDER / "cases")
    assert [case.name for case in cases] == ["dense-arctan", "silent"]
    assert all(case.since == 1 for case in cases)
    verdicts = list(checking.check(right, cases))
    assert len(verdicts) > 10 and all(verdict.outcome == "passed" for verdict in verdicts)


def test_a_nir_file_loads_as_the_network_that_it_was():
    pytest.importorskip("nir")
    network, again = ot.Network.load(FOLDER / "chain.npz"), nir.read(FOLDER / "chain.nir")
    assert repr(again) == repr(network)
    for name, value in network.parameters.items():
        assert np.array_equal(again.parameters[name], value)
